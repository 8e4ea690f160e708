//! The metadata of a record as a JSON object, from its rows: one for each key, and one for each element of an array.
//!
//! Texts are bytes: what is no UTF-8 in the file is none in the object, which then is no JSON, and nothing is lost.
#![deny(clippy::disallowed_methods)]

use std::fmt::{self, Write};

use crate::value::buffer::{self, OutOfMemory};

/// A value; the first of its columns that is not NULL.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Value<'a> {
    Bool(bool),
    Text(&'a [u8]),
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
#[derive(Debug)]
struct Json {
    bytes: Vec<u8>,
    largest: usize,
    unmade: Option<Unmade>,
}

impl Json {
    fn append(&mut self, more: &[u8]) -> Result<(), Unmade> {
        if self.bytes.len().saturating_add(more.len()) > self.largest {
            return Err(Unmade::TooLarge);
        }
        self.bytes.try_reserve(more.len()).map_err(OutOfMemory::from)?;
        self.bytes.extend(more);
        Ok(())
    }

    /// JSON has no infinities: they are texts.
    fn value(&mut self, value: Value<'_>) -> Result<(), Unmade> {
        match value {
            Value::Bool(value) => self.format(format_args!("{value}")),
            Value::Integer(value) => self.format(format_args!("{value}")),
            Value::Real(value) if value.is_finite() => self.format(format_args!("{value:?}")),
            Value::Real(value) if value > 0.0 => self.append(b"\"Infinity\""),
            Value::Real(value) if value < 0.0 => self.append(b"\"-Infinity\""),
            Value::Real(_) => self.append(b"\"NaN\""),
            Value::Text(text) => self.quote(text),
        }
    }

    fn format(&mut self, arguments: fmt::Arguments<'_>) -> Result<(), Unmade> {
        self.unmade = None;
        let written = self.write_fmt(arguments);
        written.map_err(|_| self.unmade.unwrap_or(OutOfMemory.into()))
    }

    /// A text in quotes, with what JSON does not allow in one escaped.
    fn quote(&mut self, text: &[u8]) -> Result<(), Unmade> {
        self.append(b"\"")?;
        let mut rest = text;
        while let Some(at) = rest.iter().position(|byte| matches!(byte, b'"' | b'\\' | 0..=0x1f)) {
            let (plain, odd) = rest.split_at(at);
            self.append(plain)?;
            let Some((byte, after)) = odd.split_first() else { break };
            match byte {
                b'"' => self.append(b"\\\"")?,
                b'\\' => self.append(b"\\\\")?,
                b'\n' => self.append(b"\\n")?,
                b'\r' => self.append(b"\\r")?,
                b'\t' => self.append(b"\\t")?,
                other => self.format(format_args!("\\u{other:04x}"))?,
            }
            rest = after;
        }
        self.append(rest)?;
        self.append(b"\"")
    }
}

impl Write for Json {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        self.append(text.as_bytes()).map_err(|why| {
            self.unmade = Some(why);
            fmt::Error
        })
    }
}

/// An object that rows are added to. Rows of an array follow each other.
#[derive(Debug)]
pub struct Object {
    out: Json,
    /// The array that is open.
    array: Option<Vec<u8>>,
}

impl Default for Object {
    fn default() -> Object {
        Object::limited(LARGEST)
    }
}

impl Object {
    fn limited(largest: usize) -> Object {
        Object { out: Json { bytes: vec![], largest, unmade: None }, array: None }
    }

    pub fn add(&mut self, key: &[u8], in_array: bool, value: Value<'_>) -> Result<(), Unmade> {
        if in_array && self.array.as_deref() == Some(key) {
            self.out.append(b",")?;
            return self.out.value(value);
        }
        self.close()?;
        self.out.append(if self.out.bytes.is_empty() { b"{" } else { b"," })?;
        self.out.quote(key)?;
        self.out.append(b":")?;
        if in_array {
            self.out.append(b"[")?;
            self.array = Some(buffer::bytes(key)?);
        }
        self.out.value(value)
    }

    fn close(&mut self) -> Result<(), Unmade> {
        self.array.take().map_or(Ok(()), |_| self.out.append(b"]"))
    }

    /// `None` where there was no row.
    pub fn finish(mut self) -> Result<Option<Vec<u8>>, Unmade> {
        if self.out.bytes.is_empty() {
            return Ok(None);
        }
        self.close()?;
        self.out.append(b"}")?;
        Ok(Some(self.out.bytes))
    }
}

#[cfg(test)]
#[allow(clippy::disallowed_methods)]
mod tests {
    use super::*;

    fn finished(object: Object) -> String {
        String::from_utf8(object.finish().unwrap().unwrap_or_default()).unwrap()
    }

    #[test]
    fn every_bit_of_a_value_is_kept() {
        let mut object = Object::default();
        for (key, in_array, value) in [
            ("a\"\0", false, Value::Text(b"x\ny")),
            ("b", true, Value::Integer(i64::MIN)),
            ("b", true, Value::Bool(true)),
            ("c", true, Value::Real(0.1 + 0.2)),
            ("d", false, Value::Real(f64::INFINITY)),
            ("e", false, Value::Real(1e300)),
        ] {
            object.add(key.as_bytes(), in_array, value).unwrap();
        }
        let expected = "{\"a\\\"\\u0000\":\"x\\ny\",\"b\":[-9223372036854775808,true],\"c\":[0.30000000000000004],\
                        \"d\":\"Infinity\",\"e\":1e300}";
        assert_eq!(finished(object), expected);
        assert_eq!(Object::default().finish(), Ok(None));
    }

    #[test]
    fn texts_are_read_back_as_they_were() {
        let text: String = (0..0x100).filter_map(char::from_u32).chain("\\u0000\u{1f600}".chars()).collect();
        let mut object = Object::default();
        object.add(text.as_bytes(), false, Value::Text(text.as_bytes())).unwrap();
        let read: serde_json::Value = serde_json::from_str(&finished(object)).unwrap();
        assert_eq!(read, serde_json::json!({ &text: text }));
        let mut object = Object::default();
        object.add(b"k", false, Value::Text(b"\xff\"")).unwrap();
        assert_eq!(object.finish(), Ok(Some(b"{\"k\":\"\xff\\\"\"}".to_vec())));
    }

    #[test]
    fn an_object_larger_than_any_value_is_refused() {
        let made = |values: usize| {
            let mut object = Object::limited(40);
            let added = (0..values).try_for_each(|_| object.add(b"key", true, Value::Real(1e300)));
            added.and_then(|()| object.finish())
        };
        let all = b"{\"key\":[1e300,1e300,1e300,1e300,1e300]}";
        assert_eq!((made(5), all.len()), (Ok(Some(all.to_vec())), 39));
        assert_eq!(made(6), Err(Unmade::TooLarge));
        let mut object = Object::limited(10);
        assert_eq!(object.add(b"k", false, Value::Text(b"longer")), Err(Unmade::TooLarge));
    }
}
