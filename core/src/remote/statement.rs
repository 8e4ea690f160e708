//! What a plan keeps of a remote query: text for SQLite, and how to read its answer. Serialised as JSON into the
//! plan's one string node, so that every copy of the plan is whole.

use serde::{Deserialize, Serialize};

use super::Type;
use super::fit::Fit;
use crate::value::batch::OnInvalid;
use crate::value::{Format, PgType, Timezone};

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Remote {
    pub sql: String,
    /// In the order of the result columns.
    pub outputs: Vec<Output>,
    /// `?1`, `?2`, …
    pub parameters: Vec<Parameter>,
    /// Tables and views that the query reads.
    pub reads: Vec<String>,
    /// What the text was proven from.
    pub proofs: Vec<Proof>,
    pub untested: Option<Untested>,
    pub observations: Vec<Observation>,
}

/// The same query without its tests, which runs where every cell of these columns is known to fit.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Untested {
    pub sql: String,
    pub columns: Vec<ColumnId>,
}

/// A column as a plan knows it: of another type, with other options, it is another one.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct ColumnId {
    pub table: Proof,
    pub attribute: i16,
}

/// What a run of the query to its end tells of a column, each cell of which it looks at.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Observation {
    pub column: ColumnId,
    pub fit: Fit,
    pub witness: Witness,
}

/// By whom a cell that does not fit is seen.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Witness {
    /// By who reads this output.
    Output(usize),
    /// By the query, which calls `pg_value`.
    Query,
}

/// What a plan knew of one table when it was made, in one number. It means nothing outside of the process.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Proof {
    /// The foreign table's oid.
    pub relation: u32,
    pub digest: u64,
}

/// One result column: how to decode it, and where it goes.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Output {
    /// Attribute number (from 1) in the scan's tuple; 0 for the rowid, which becomes the tuple's ctid.
    pub attribute: i16,
    pub decode: Decode,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Decode {
    /// A cell as stored, by the column's rules.
    Cell {
        /// In the file, for messages.
        table: String,
        column: String,
        pg_type: PgType,
        /// As messages name it.
        type_name: String,
        format: Option<Format>,
        on_invalid: OnInvalid,
        /// Of texts without an offset.
        timezone: Timezone,
        not_null: bool,
    },
    Rowid,
    /// A value in its type's canonical form.
    Canonical(Type),
    /// The decimal text of a numeric (`sum` over bigint).
    Decimal,
    /// `SUM/COUNT` as text: a numeric that PostgreSQL divides (`avg` over integers).
    Quotient,
}

/// What is bound to one `?`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Parameter {
    /// Position in the scan's list of local expressions.
    pub index: usize,
    pub type_: Type,
    pub form: ParameterForm,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ParameterForm {
    /// The type's canonical form.
    Canonical,
    /// A timestamp in seconds, milliseconds or microseconds since 1970; between two of them where it falls there.
    UnixSeconds,
    UnixMilliseconds,
    UnixMicroseconds,
    /// The first text of two days before a date or timestamp, or after two days past it: whatever its offset from
    /// UTC, an ISO-8601 text of that time lies between them.
    IsoDayFrom,
    IsoDayTo,
    /// An array's elements as a JSON array, for `json_each`.
    JsonArray,
    /// 1 where the column that takes the value cannot keep it, else 0.
    Refused,
    /// LIMIT: NULL is no limit, a negative number PostgreSQL's error.
    Limit,
    Offset,
}

/// What an INSERT, UPDATE or DELETE does that goes row by row.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct RowModification {
    pub operation: Operation,
    /// Attributes that are written, in the order of the values.
    pub attributes: Vec<i16>,
    /// How a row is found: by the rowid when empty, by these attributes' old values otherwise.
    pub key: Vec<i16>,
    /// Attributes that come back, in order.
    pub returning: Vec<i16>,
    /// ON CONFLICT DO NOTHING.
    pub do_nothing: bool,
    /// What it was planned from.
    pub proof: Proof,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Operation {
    Insert,
    Update,
    Delete,
}

/// An UPDATE or DELETE that SQLite runs whole.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct DirectModification {
    /// Its outputs are RETURNING's.
    pub remote: Remote,
    /// Parameters (by position in `remote.parameters`) that are stored, with the attribute that takes them: they are
    /// bound in the attribute's own storage form.
    pub stored: Vec<(usize, i16)>,
}

/// JSON without any character beyond ASCII, so that it is the same text in every server encoding: a plan's string.
pub fn ascii_json(value: &impl Serialize) -> serde_json::Result<String> {
    let json = serde_json::to_string(value)?;
    let mut units = [0; 2];
    let mut out = String::with_capacity(json.len());
    for c in json.chars() {
        match c.is_ascii() {
            true => out.push(c),
            // Only strings have such characters.
            false => out.extend(c.encode_utf16(&mut units).iter().map(|unit| format!("\\u{unit:04x}"))),
        }
    }
    Ok(out)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn json_for_every_encoding() -> serde_json::Result<()> {
        let text = "\u{1f600} é \" \\ \u{7f} \n".to_string();
        let json = ascii_json(&text)?;
        assert!(json.is_ascii());
        assert_eq!(serde_json::from_str::<String>(&json)?, text);
        assert_eq!(ascii_json(&"ä")?, r#""\u00e4""#);
        Ok(())
    }
}
