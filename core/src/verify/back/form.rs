//! What a cell and a value say, as bytes that both sides make alike: for rows that no key pairs.

use std::borrow::Cow;

use xxhash_rust::xxh3::Xxh3;

use super::json::{self, Document};
use super::{Kind, Value, Way, document};
use crate::value::Cell;
use crate::value::native::Native;

/// What comes before the bytes of each part: two parts are never the bytes of another one.
mod tag {
    pub const NULL: u8 = 0;
    pub const UNREADABLE: u8 = 1;
    pub const BOOL: u8 = 2;
    pub const INTEGER: u8 = 3;
    pub const NUMBER: u8 = 4;
    pub const DOUBLE: u8 = 5;
    pub const TEXT: u8 = 6;
    pub const BYTES: u8 = 7;
    pub const TIME: u8 = 8;
    pub const TIME_TZ: u8 = 9;
    pub const SPAN: u8 = 10;
    pub const UUID: u8 = 11;
    pub const TRUTH: u8 = 12;
    pub const LIST: u8 = 13;
    pub const OBJECT: u8 = 14;
}

impl Way {
    /// Cells and values of the column have one form. Those that may have been shortened have not, nor those in place of
    /// which there is another value for a reason that the cell does not tell, nor those that only their type can read.
    pub fn has_form(&self) -> bool {
        let known = self.kind != Kind::Printed || self.facts.enumeration;
        known && self.keeps_cells()
    }

    /// A text that cannot be read here: other bytes may have the same form.
    pub fn is_unread(&self, cell: Cell<'_>) -> bool {
        matches!(cell, Cell::Text(text) if self.texts.of_bytes && std::str::from_utf8(text).is_err())
    }

    /// The form of a cell.
    pub fn write_cell(&self, stored: Cell<'_>, out: &mut Xxh3) {
        let recoded = self.recoded(stored);
        let cell = recoded.as_ref().map_or(stored, |(text, _)| Cell::Text(text));
        match cell {
            Cell::Null => part(out, tag::NULL, &[]),
            _ if self.write_meaning(cell, out) => {}
            // What cannot be read has become NULL, where the plan says so.
            _ if self.nullable && (self.becomes_null || self.null_values.holds(cell)) => {
                part(out, tag::NULL, &[]);
            }
            // In a database without an encoding, texts are read here as far as they are UTF-8.
            Cell::Text(bytes) if self.texts.of_bytes && std::str::from_utf8(bytes).is_err() => {
                part(out, tag::TEXT, String::from_utf8_lossy(bytes).as_bytes());
            }
            Cell::Text(bytes) | Cell::Blob(bytes) => part(out, tag::UNREADABLE, bytes),
            Cell::Integer(integer) => part(out, tag::UNREADABLE, &integer.to_le_bytes()),
            Cell::Real(real) => part(out, tag::UNREADABLE, &real.to_bits().to_le_bytes()),
        }
    }

    /// The same of a value.
    pub fn write_value(&self, value: &Native<'_>, out: &mut Xxh3) {
        match (self.kind, value) {
            (_, Native::Null) => part(out, tag::NULL, &[]),
            (Kind::Json | Kind::Jsonb, Native::Printed(text)) => self.write_json(text, out),
            _ => match self.found(value) {
                Some(value) => write(value, out),
                None => part(out, tag::UNREADABLE, b"value"),
            },
        }
    }

    fn write_meaning(&self, cell: Cell<'_>, out: &mut Xxh3) -> bool {
        match self.kind {
            // With no more digits than it needs.
            Kind::Json | Kind::Jsonb if let Cell::Real(real) = cell => match real.is_finite() {
                true => self.write_json(&format!("{real:?}"), out),
                false => return false,
            },
            // A key that is there twice is kept by `json`.
            Kind::Json if !self.becomes_null => match document(cell) {
                Some(text) => self.write_json(&text, out),
                None => return false,
            },
            Kind::Json | Kind::Jsonb => match document(cell).filter(|text| json::read(text).is_some()) {
                Some(text) => self.write_json(&text, out),
                None => return false,
            },
            Kind::Printed => match self.text(cell) {
                Some((text, _)) => write(Value::Text(text), out),
                None => return false,
            },
            _ => match self.meaning(cell) {
                Some((value, _)) => write(value, out),
                None => return false,
            },
        }
        true
    }

    /// `json` keeps every character. A number may come of a real, whose text has a point; a large one may be printed
    /// without.
    fn write_json(&self, text: &str, out: &mut Xxh3) {
        match json::read(text) {
            Some(Document::Number(number, scale)) => {
                let scale = if number.is_large() { 0 } else { scale };
                part(out, tag::NUMBER, &[number.sortable(), scale.to_le_bytes().to_vec()].concat());
            }
            Some(read) if self.kind == Kind::Jsonb => write_document(&read, out),
            _ => part(out, tag::TEXT, text.as_bytes()),
        }
    }
}

fn part(out: &mut Xxh3, tag: u8, bytes: &[u8]) {
    out.update(&[tag]);
    out.update(&(bytes.len() as u64).to_le_bytes());
    out.update(bytes);
}

fn write(value: Value<'_>, out: &mut Xxh3) {
    let pair = |a: i128, b: i128| [a.to_le_bytes(), b.to_le_bytes()].concat();
    let text = |text: Cow<'_, str>, out: &mut Xxh3| part(out, tag::TEXT, text.as_bytes());
    match value {
        Value::Bool(truth) => part(out, tag::BOOL, &[truth.into()]),
        Value::Integer(integer) => part(out, tag::INTEGER, &integer.to_le_bytes()),
        Value::Number(number) => part(out, tag::NUMBER, &number.sortable()),
        Value::Double(bits) => part(out, tag::DOUBLE, &bits.to_le_bytes()),
        Value::Text(value) => text(value, out),
        Value::Bytes(bytes) => part(out, tag::BYTES, &bytes),
        Value::Time(time) => part(out, tag::TIME, &time.to_le_bytes()),
        Value::TimeTz(time, offset) => part(out, tag::TIME_TZ, &pair(time, offset)),
        Value::Span(span) => {
            let apart = pair(span.months.into(), span.days.into());
            part(out, tag::SPAN, &[apart, span.time.to_le_bytes().to_vec()].concat());
        }
        Value::Uuid(bytes) => part(out, tag::UUID, &bytes),
    }
}

/// Objects are sorted by their keys.
fn write_document(document: &Document, out: &mut Xxh3) {
    let length = |length: usize| (length as u64).to_le_bytes();
    match document {
        Document::Null => part(out, tag::TRUTH, b"null"),
        Document::Bool(truth) => part(out, tag::TRUTH, &[(*truth).into()]),
        Document::Number(number, scale) => {
            part(out, tag::NUMBER, &[number.sortable(), scale.to_le_bytes().to_vec()].concat());
        }
        Document::Text(text) => part(out, tag::TEXT, text.as_bytes()),
        Document::List(items) => {
            part(out, tag::LIST, &length(items.len()));
            items.iter().for_each(|item| write_document(item, out));
        }
        Document::Object(members) => {
            part(out, tag::OBJECT, &length(members.len()));
            for (key, value) in members {
                part(out, tag::TEXT, key.as_bytes());
                write_document(value, out);
            }
        }
    }
}
