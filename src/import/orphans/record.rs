//! A row of a table as the run log keeps it: JSON that says what the row held.
//!
//! What JSON (or jsonb, or this database) cannot hold is kept in another form that says so: `{"number": "NaN"}`,
//! `{"json": "the text"}`, `{"bytes": 20000000, "beginning": "…"}`. Other types are kept as their text.

use serde_json::Value;

use crate::pg::encoding::server_is_utf8;
use crate::pg::erase::Address;
use crate::pg::latest::{Limit, Printed};
use crate::pg::relation;
use pg_sqlite_migrate_core::sqltext::ident;
use pg_sqlite_migrate_core::types::TypeClass;
use pg_sqlite_migrate_core::value::json;

/// A larger value is kept by its length and its beginning: jsonb ends at 256 MB.
pub const LIMIT: Limit = Limit { bytes: 16 << 20, beginning: 1024 };
/// A row may hold more than one such value.
const ROW_BYTES: usize = 64 << 20;
/// A larger JSON document is kept as text: it need not be parsed then.
const DOCUMENT_BYTES: usize = 1 << 20;
const BATCH_BYTES: usize = 1 << 20;
const BATCH_ROWS: usize = 1000;

/// Rows on their way into the log, and where they lie.
#[derive(Debug, Default)]
pub struct Batch {
    pub records: Vec<String>,
    pub addresses: Vec<Address>,
    bytes: usize,
}

impl Batch {
    pub fn add(&mut self, record: &Record, address: Address, values: &[Option<Printed>]) {
        let object = record.object(values);
        self.bytes += object.len();
        self.records.push(object);
        self.addresses.push(address);
    }

    pub fn is_full(&self) -> bool {
        self.bytes >= BATCH_BYTES || self.records.len() >= BATCH_ROWS
    }
}

/// The columns of a table, and how each is kept.
pub struct Record {
    columns: Vec<(String, TypeClass)>,
    /// The database's encoding has every character.
    utf8: bool,
}

impl Record {
    pub fn of(relation: pgrx::pg_sys::Oid) -> Record {
        let attributes = relation::attributes(relation).into_iter();
        let columns = attributes.map(|a| (a.name, TypeClass::of(&a.pg_type))).collect();
        Record { columns, utf8: server_is_utf8() }
    }

    /// As a query over `c` names them.
    pub fn columns(&self) -> String {
        self.columns.iter().map(|(name, _)| format!("c.{}", ident(name))).collect::<Vec<_>>().join(", ")
    }

    fn object(&self, values: &[Option<Printed>]) -> String {
        let mut out = String::from("{");
        for ((name, class), value) in self.columns.iter().zip(values) {
            if out.len() > 1 {
                out.push_str(", ");
            }
            let room = ROW_BYTES.saturating_sub(out.len());
            out.push_str(&Value::from(name.as_str()).to_string());
            out.push_str(": ");
            let value = value.as_ref().map(|value| in_json(value, *class, (room, self.utf8)));
            out.push_str(value.as_deref().unwrap_or("null"));
        }
        out + "}"
    }
}

fn in_json(value: &Printed, class: TypeClass, (room, utf8): (usize, bool)) -> String {
    let text = value.text.as_str();
    if value.cut || text.len() > room {
        let beginning: String = text.chars().take(LIMIT.beginning).collect();
        return serde_json::json!({ "bytes": value.bytes, "beginning": beginning }).to_string();
    }
    // A finite number is printed as JSON writes it.
    let is_finite = text.trim_start_matches('-').starts_with(|c: char| c.is_ascii_digit());
    match class {
        TypeClass::Bool => if text == "t" { "true" } else { "false" }.into(),
        TypeClass::Integer | TypeClass::Float | TypeClass::Numeric if is_finite => text.into(),
        TypeClass::Integer | TypeClass::Float | TypeClass::Numeric => {
            serde_json::json!({ "number": text }).to_string()
        }
        TypeClass::Jsonb => text.into(),
        TypeClass::Json if is_document(text, utf8) => text.into(),
        TypeClass::Json => serde_json::json!({ "json": text }).to_string(),
        _ => Value::from(text).to_string(),
    }
}

/// jsonb takes it, as one part of another: it holds no NUL, no half of a surrogate pair, no number out of range, is not
/// nested too deep, and spells out no character that the database may lack.
fn is_document(text: &str, utf8: bool) -> bool {
    let spelt = if utf8 { "\\u0000" } else { "\\u" };
    let fits = || json::inspect(text.as_bytes()).is_some_and(|facts| !facts.unfit);
    text.len() <= DOCUMENT_BYTES && !text.contains(spelt) && fits()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn kept(text: &str, class: TypeClass) -> String {
        in_json(&Printed { text: text.into(), bytes: text.len(), cut: false }, class, (ROW_BYTES, true))
    }

    #[test]
    fn documents_that_jsonb_does_not_take_are_kept_as_text() {
        assert_eq!(kept("{\"a\": [1.50]}", TypeClass::Json), "{\"a\": [1.50]}");
        for bad in ["\"\\u0000\"", "\"\\ud800\"", "1e400000"] {
            assert_eq!(kept(bad, TypeClass::Json), serde_json::json!({ "json": bad }).to_string());
        }
        assert!(is_document("\"\\u20ac\"", true) && !is_document("\"\\u20ac\"", false));
    }

    #[test]
    fn numbers_are_numbers_as_far_as_json_has_them() {
        for number in ["-1", "1e+300", "12345678901234567890.123456789"] {
            assert_eq!(kept(number, TypeClass::Numeric), number);
        }
        assert_eq!(kept("-Infinity", TypeClass::Float), "{\"number\":\"-Infinity\"}");
        assert_eq!(kept("NaN", TypeClass::Numeric), "{\"number\":\"NaN\"}");
        assert_eq!(kept("t", TypeClass::Bool), "true");
        assert_eq!(kept("[1,3)", TypeClass::Other), "\"[1,3)\"");
    }

    #[test]
    fn what_is_too_long_is_kept_by_its_beginning() {
        let value = Printed { text: "abc".into(), bytes: 5, cut: true };
        assert_eq!(
            in_json(&value, TypeClass::Text, (ROW_BYTES, true)),
            "{\"bytes\":5,\"beginning\":\"abc\"}"
        );
        let value = Printed { text: "äöü".into(), bytes: 6, cut: false };
        assert_eq!(in_json(&value, TypeClass::Text, (5, true)), "{\"bytes\":6,\"beginning\":\"äöü\"}");
    }
}
