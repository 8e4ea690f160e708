//! The metadata of a record as a JSON object, from its rows: one for each key, and one for each element of an array.
#![deny(clippy::disallowed_methods)]

use std::fmt::{self, Write};

use crate::value::buffer::{self, OutOfMemory};

/// A value; the first of its columns that is not NULL.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Value<'a> {
    Bool(bool),
    Text(&'a str),
    Integer(i64),
    Real(f64),
}

/// Why there is no object.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Unmade {
    #[error(transparent)]
    Memory(#[from] OutOfMemory),
    #[error("it is larger than any value")]
    TooLarge,
}

/// Bytes that a text of SQLite's has at most.
const LARGEST: usize = 1_000_000_000;

/// JSON that grows, as long as there is memory for it and a text may be as large.
#[derive(Debug, Clone)]
struct Json {
    text: String,
    largest: usize,
    unmade: Option<Unmade>,
}

impl Json {
    fn append(&mut self, more: &str) -> Result<(), Unmade> {
        if self.text.len().saturating_add(more.len()) > self.largest {
            return Err(Unmade::TooLarge);
        }
        Ok(buffer::append(&mut self.text, more)?)
    }

    /// JSON has no infinities: they are texts.
    fn value(&mut self, value: Value<'_>) -> Result<(), Unmade> {
        match value {
            Value::Bool(value) => self.format(format_args!("{value}")),
            Value::Integer(value) => self.format(format_args!("{value}")),
            Value::Real(value) if value.is_finite() => self.format(format_args!("{value:?}")),
            Value::Real(value) if value > 0.0 => self.append("\"Infinity\""),
            Value::Real(value) if value < 0.0 => self.append("\"-Infinity\""),
            Value::Real(_) => self.append("\"NaN\""),
            Value::Text(text) => self.quote(text),
        }
    }

    fn format(&mut self, arguments: fmt::Arguments<'_>) -> Result<(), Unmade> {
        self.unmade = None;
        let written = self.write_fmt(arguments);
        written.map_err(|_| self.unmade.unwrap_or(OutOfMemory.into()))
    }

    /// A text in quotes, with what JSON does not allow in one escaped.
    fn quote(&mut self, text: &str) -> Result<(), Unmade> {
        self.append("\"")?;
        let mut rest = text;
        while let Some(at) = rest.find(|c| matches!(c, '"' | '\\' | '\0'..='\u{1f}')) {
            let (plain, odd) = rest.split_at(at);
            self.append(plain)?;
            let mut characters = odd.chars();
            match characters.next() {
                Some('"') => self.append("\\\"")?,
                Some('\\') => self.append("\\\\")?,
                Some('\n') => self.append("\\n")?,
                Some('\r') => self.append("\\r")?,
                Some('\t') => self.append("\\t")?,
                Some(other) => self.format(format_args!("\\u{:04x}", u32::from(other)))?,
                None => {}
            }
            rest = characters.as_str();
        }
        self.append(rest)?;
        self.append("\"")
    }
}

impl Write for Json {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        self.append(text).map_err(|why| {
            self.unmade = Some(why);
            fmt::Error
        })
    }
}

/// An object that rows are added to. Rows of an array follow each other.
#[derive(Debug, Clone)]
pub struct Object {
    out: Json,
    /// The array that is open.
    array: Option<String>,
}

impl Default for Object {
    fn default() -> Object {
        Object::limited(LARGEST)
    }
}

impl Object {
    fn limited(largest: usize) -> Object {
        Object { out: Json { text: String::new(), largest, unmade: None }, array: None }
    }

    pub fn add(&mut self, key: &str, in_array: bool, value: Value<'_>) -> Result<(), Unmade> {
        if in_array && self.array.as_deref() == Some(key) {
            self.out.append(",")?;
            return self.out.value(value);
        }
        self.close()?;
        self.out.append(if self.out.text.is_empty() { "{" } else { "," })?;
        self.out.quote(key)?;
        self.out.append(":")?;
        if in_array {
            self.out.append("[")?;
            self.array = Some(buffer::text(key)?);
        }
        self.out.value(value)
    }

    fn close(&mut self) -> Result<(), Unmade> {
        self.array.take().map_or(Ok(()), |_| self.out.append("]"))
    }

    /// `None` where there was no row.
    pub fn finish(mut self) -> Result<Option<String>, Unmade> {
        if self.out.text.is_empty() {
            return Ok(None);
        }
        self.close()?;
        self.out.append("}")?;
        Ok(Some(self.out.text))
    }
}

#[cfg(test)]
#[allow(clippy::disallowed_methods)]
mod tests {
    use super::*;

    #[test]
    fn every_bit_of_a_value_is_kept() {
        let mut object = Object::default();
        for (key, in_array, value) in [
            ("a\"\0", false, Value::Text("x\ny")),
            ("b", true, Value::Integer(i64::MIN)),
            ("b", true, Value::Bool(true)),
            ("c", true, Value::Real(0.1 + 0.2)),
            ("d", false, Value::Real(f64::INFINITY)),
            ("e", false, Value::Real(1e300)),
        ] {
            object.add(key, in_array, value).unwrap();
        }
        let json = object.finish().unwrap().unwrap_or_default();
        let expected = "{\"a\\\"\\u0000\":\"x\\ny\",\"b\":[-9223372036854775808,true],\"c\":[0.30000000000000004],\
                        \"d\":\"Infinity\",\"e\":1e300}";
        assert_eq!(json, expected);
        assert_eq!(Object::default().finish(), Ok(None));
    }

    #[test]
    fn texts_are_quoted_as_serde_quotes_them() {
        let text: String = (0..0x100).filter_map(char::from_u32).chain("\\u0000\u{1f600}".chars()).collect();
        let mut object = Object::default();
        object.add(&text, false, Value::Text(&text)).unwrap();
        let json = object.finish().unwrap().unwrap_or_default();
        assert_eq!(
            serde_json::from_str::<serde_json::Value>(&json).unwrap(),
            serde_json::json!({ &text: text })
        );
    }

    #[test]
    fn an_object_larger_than_any_value_is_refused() {
        let made = |values: usize| {
            let mut object = Object::limited(40);
            let added = (0..values).try_for_each(|_| object.add("key", true, Value::Real(1e300)));
            added.and_then(|()| object.finish())
        };
        let all = "{\"key\":[1e300,1e300,1e300,1e300,1e300]}";
        assert_eq!((made(5), all.len()), (Ok(Some(all.into())), 39));
        assert_eq!(made(6), Err(Unmade::TooLarge));
        let mut object = Object::limited(10);
        assert_eq!(object.add("k", false, Value::Text("longer")), Err(Unmade::TooLarge));
    }
}
