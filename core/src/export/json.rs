//! A PostgreSQL array as its output function prints it -> a JSON array, nested by dimension.
//!
//! Numbers stay the digits that were printed, so that nothing is rounded; what JSON has no number for is a string.

use serde_json::Value;

use crate::value::PgType;
use crate::value::buffer::{self, OutOfMemory};

/// What the elements are in JSON.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Element {
    Number,
    Boolean,
    Document,
    String,
}

impl Element {
    pub fn of(pg_type: &PgType) -> Element {
        match pg_type.base() {
            PgType::Int2 | PgType::Int4 | PgType::Int8 | PgType::Numeric(_) => Element::Number,
            PgType::Float4 | PgType::Float8 => Element::Number,
            PgType::Bool => Element::Boolean,
            PgType::Json | PgType::Jsonb => Element::Document,
            _ => Element::String,
        }
    }

    fn write(self, out: &mut String, text: &str) -> Result<(), OutOfMemory> {
        match self {
            Element::Number if is_number(text) => buffer::append(out, text),
            Element::Boolean if text == "t" => buffer::append(out, "true"),
            Element::Boolean if text == "f" => buffer::append(out, "false"),
            Element::Document => buffer::append(out, text),
            _ => {
                buffer::afford(text.len().saturating_mul(6))?;
                buffer::append(out, &Value::from(text).to_string())
            }
        }
    }
}

/// As RFC 8259 has it.
fn is_number(text: &str) -> bool {
    text.bytes().all(|b| b.is_ascii_digit() || matches!(b, b'-' | b'+' | b'.' | b'e' | b'E'))
        && text.trim_start_matches('-').starts_with(|c: char| c.is_ascii_digit())
}

/// `Ok(None)` for an array that JSON cannot hold: one with bounds of its own.
pub fn array(printed: &str, element: Element) -> Result<Option<String>, OutOfMemory> {
    let mut out = String::new();
    let mut rest = printed;
    if !rest.starts_with('{') {
        return Ok(None);
    }
    while let Some(c) = rest.chars().next() {
        rest = match c {
            '{' | '}' | ',' => {
                let mark = match c {
                    '{' => "[",
                    '}' => "]",
                    _ => ",",
                };
                buffer::append(&mut out, mark)?;
                &rest[1..]
            }
            '"' => {
                let (text, rest) = quoted(&rest[1..])?;
                element.write(&mut out, &text)?;
                rest
            }
            _ => {
                let (text, rest) = bare(rest)?;
                match text.as_str() {
                    "NULL" => buffer::append(&mut out, "null")?,
                    text => element.write(&mut out, text)?,
                }
                rest
            }
        };
    }
    Ok(Some(out))
}

/// Up to the closing quote, and what follows it.
fn quoted(text: &str) -> Result<(String, &str), OutOfMemory> {
    let mut out = String::new();
    let mut from = 0;
    let bytes = text.as_bytes();
    let mut at = 0;
    while let Some(byte) = bytes.get(at) {
        match byte {
            b'"' => {
                buffer::append(&mut out, &text[from..at])?;
                return Ok((out, &text[at + 1..]));
            }
            b'\\' => {
                buffer::append(&mut out, &text[from..at])?;
                from = at + 1;
                // The character after it is as it is, whatever it is.
                at += 1 + text[from..].chars().next().map_or(0, char::len_utf8);
            }
            _ => at += 1,
        }
    }
    Ok((out, ""))
}

/// An element without quotes: it holds neither mark nor backslash.
fn bare(text: &str) -> Result<(String, &str), OutOfMemory> {
    let end = text.find([',', '{', '}', '"']).unwrap_or(text.len());
    Ok((buffer::text(&text[..end])?, &text[end..]))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn arrays_are_nested_as_they_are() {
        for (printed, element, json) in [
            ("{}", Element::Number, Some("[]")),
            ("{1,NULL,-2.50}", Element::Number, Some("[1,null,-2.50]")),
            ("{NaN,Infinity,1e+20}", Element::Number, Some("[\"NaN\",\"Infinity\",1e+20]")),
            ("{{1,2},{3,4}}", Element::Number, Some("[[1,2],[3,4]]")),
            ("{t,f,NULL}", Element::Boolean, Some("[true,false,null]")),
            (
                r#"{a,"NULL","","b\"c\\d","é, {x}"}"#,
                Element::String,
                Some(r#"["a","NULL","","b\"c\\d","é, {x}"]"#),
            ),
            (r#"{"{\"a\": 1}",2}"#, Element::Document, Some(r#"[{"a": 1},2]"#)),
            ("{\"2024-01-01 00:00:00\"}", Element::String, Some("[\"2024-01-01 00:00:00\"]")),
            ("[2:3]={1,2}", Element::Number, None),
        ] {
            assert_eq!(array(printed, element).unwrap().as_deref(), json, "{printed}");
        }
    }
}
