//! The metadata of a record as a JSON object, from its rows: one for each key, and one for each element of an array.

use std::fmt::Write;

/// A value; the first of its columns that is not NULL.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Value<'a> {
    Bool(bool),
    Text(&'a str),
    Integer(i64),
    Real(f64),
}

impl Value<'_> {
    /// JSON has no infinities: they are texts.
    fn append(self, out: &mut String) {
        let _ = match self {
            Value::Bool(value) => write!(out, "{value}"),
            Value::Integer(value) => write!(out, "{value}"),
            Value::Real(value) if value.is_finite() => write!(out, "{value:?}"),
            Value::Real(value) if value > 0.0 => write!(out, "\"Infinity\""),
            Value::Real(value) if value < 0.0 => write!(out, "\"-Infinity\""),
            Value::Real(_) => write!(out, "\"NaN\""),
            Value::Text(text) => return quote(text, out),
        };
    }
}

fn quote(text: &str, out: &mut String) {
    match serde_json::to_string(text) {
        Ok(quoted) => out.push_str(&quoted),
        Err(_) => out.push_str("\"\""),
    }
}

/// An object that rows are added to. Rows of an array follow each other.
#[derive(Debug, Clone, Default)]
pub struct Object {
    out: String,
    /// The array that is open.
    array: Option<String>,
}

impl Object {
    pub fn add(&mut self, key: &str, in_array: bool, value: Value<'_>) {
        if in_array && self.array.as_deref() == Some(key) {
            self.out.push(',');
            return value.append(&mut self.out);
        }
        self.close();
        self.out.push(if self.out.is_empty() { '{' } else { ',' });
        quote(key, &mut self.out);
        self.out.push(':');
        if in_array {
            self.out.push('[');
            self.array = Some(key.to_owned());
        }
        value.append(&mut self.out);
    }

    fn close(&mut self) {
        if self.array.take().is_some() {
            self.out.push(']');
        }
    }

    /// `None` where there was no row.
    pub fn finish(mut self) -> Option<String> {
        self.close();
        (!self.out.is_empty()).then(|| self.out + "}")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_bit_of_a_value_is_kept() {
        let mut object = Object::default();
        object.add("a\"\0", false, Value::Text("x\ny"));
        object.add("b", true, Value::Integer(i64::MIN));
        object.add("b", true, Value::Bool(true));
        object.add("c", true, Value::Real(0.1 + 0.2));
        object.add("d", false, Value::Real(f64::INFINITY));
        object.add("e", false, Value::Real(1e300));
        let json = object.finish().unwrap_or_default();
        let expected = "{\"a\\\"\\u0000\":\"x\\ny\",\"b\":[-9223372036854775808,true],\"c\":[0.30000000000000004],\
                        \"d\":\"Infinity\",\"e\":1e300}";
        assert_eq!(json, expected);
        assert_eq!(Object::default().finish(), None);
    }
}
