//! Declared type + what is stored -> PostgreSQL type. Pure.
//!
//! `rules` is the table of declared types; `profile` counts what is stored; `decide` takes the first type that holds
//! all of it; `fit` knows what a type holds; `findings` and `reasons` say why. The rules are documented in `docs/types.md`.

pub mod aside;
pub mod blanks;
pub mod conventions;
mod decide;
pub mod excess;
pub mod few;
pub mod findings;
pub mod fit;
mod inspected;
pub mod invalid;
mod probe;
pub mod profile;
pub mod reasons;
pub mod respelled;
pub mod rules;
mod spelling;
pub mod stats;
pub mod textform;
mod textstats;
pub mod times;
pub mod unread;
pub mod words;

pub use excess::fit_without;
pub use fit::{Fit, fit};
pub use profile::{ColumnProfile, TableProfile};
pub use times::Epochs;

use crate::catalog::Column;
use crate::finding::Finding;
use crate::orm::signs::Recognised;
use crate::value::{Excess, Format, PgType};
use rules::Declared;

/// What the choice for one column depends on.
pub struct Question<'a> {
    pub table: &'a str,
    pub column: &'a Column,
    /// `None` with `profile: "none"`: only the declaration is known.
    pub profile: Option<&'a ColumnProfile>,
    /// The column is the table's rowid alias.
    pub rowid_alias: bool,
    /// The column is one of the primary key.
    pub key: bool,
    /// `sqlite_sequence` of a rowid alias.
    pub sequence: Option<i64>,
    /// Every row was read.
    pub complete: bool,
    /// A CHECK on the table calls `json_valid(column)`.
    pub json_checked: bool,
    /// The plan's `types` entry for this declared type, if any: it wins over the rules when the data fits.
    pub wanted: Option<&'a PgType>,
    /// The column exists already and keeps its type.
    pub existing: bool,
    /// The plan makes NULL of what does not fit, so that the declared type need not hold everything.
    pub nulls_invalid: bool,
    /// The plan names the column's type.
    pub typed: bool,
    pub epochs: Epochs,
    pub excess: Excess,
    /// How the numbers of the file's other times are read, each unit once.
    pub file_epochs: &'a [Format],
    /// The plan's `formats` entry for this declared type: how its numbers are read where they fit.
    pub format: Option<Format>,
    /// The programs that wrote the file.
    pub orms: &'a [Recognised],
}

/// The answer: a PostgreSQL type that holds every stored value.
#[derive(Debug, Clone, PartialEq)]
pub struct Choice {
    pub pg_type: PgType,
    /// How numbers in a time, interval or other formatted column are read.
    pub format: Option<Format>,
    /// Why, with counts; goes into the plan and `sqlite_inspect`.
    pub reason: String,
    pub findings: Vec<Finding>,
}

/// Chooses the type of one column: never loses a bit, never fails.
pub fn choose(q: &Question<'_>) -> Choice {
    let declared = Declared::parse(&q.column.declared);
    match q.profile {
        Some(p) if p.values() > 0 => {
            let decision = decide::decide(q, &declared, p);
            let reason = decide::reason(q, &declared, p, &decision);
            let findings = findings::findings(q, &declared, p, &decision);
            let chosen = decision.chosen;
            Choice { pg_type: chosen.pg_type, format: chosen.format, reason, findings }
        }
        // Nothing is stored, or nothing was read: only the declaration decides.
        profile => {
            let (pg_type, reason) = match q.wanted {
                Some(wanted) => (wanted.clone(), "the plan's types".to_owned()),
                None => {
                    let reason = decide::reason_by_declaration(q, &declared, profile.is_some());
                    match conventions::by_declaration(q, &declared) {
                        Some((pg_type, Some(orm))) => (pg_type, decide::as_written_by(reason, orm)),
                        Some((pg_type, None)) => (pg_type, reason),
                        None => (decide::by_declaration(q, &declared), reason),
                    }
                }
            };
            Choice { pg_type, format: None, reason, findings: vec![] }
        }
    }
}

/// The type that holds every stored value, whatever was declared: `on_invalid: "text"` uses it.
pub fn widest(q: &Question<'_>) -> Choice {
    let stored = q.profile.and_then(|p| Some((fit::lossless(p)?, words::stored(p, None, true))));
    let ((pg_type, format), reason) = match stored {
        Some(((PgType::Bytea, format), reason)) => ((PgType::Bytea, format), reason),
        Some((_, reason)) => ((PgType::Text, None), reason),
        None => ((PgType::Text, None), "no value is stored".to_owned()),
    };
    Choice { pg_type, format, reason, findings: vec![] }
}

/// The format for the stored numbers in a column of `pg_type`, if the plan has a type and no format.
pub fn format_for(q: &Question<'_>, pg_type: &PgType) -> Option<Format> {
    q.profile.and_then(|p| decide::format_for(q, p, pg_type))
}

/// The families of PostgreSQL types that translation and conversion distinguish.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TypeClass {
    Bool,
    Integer,
    Float,
    Numeric,
    Text,
    Bytea,
    Date,
    Time,
    Timestamp,
    TimestampTz,
    Interval,
    Uuid,
    Json,
    Jsonb,
    Other,
}

impl TypeClass {
    /// The family of a type, or of a domain's base.
    pub fn of(pg_type: &PgType) -> TypeClass {
        match pg_type.base() {
            PgType::Bool => TypeClass::Bool,
            PgType::Int2 | PgType::Int4 | PgType::Int8 => TypeClass::Integer,
            PgType::Float4 | PgType::Float8 => TypeClass::Float,
            PgType::Numeric(_) => TypeClass::Numeric,
            PgType::Text | PgType::Varchar(_) | PgType::Bpchar(_) => TypeClass::Text,
            PgType::Bytea => TypeClass::Bytea,
            PgType::Date => TypeClass::Date,
            PgType::Time(_) => TypeClass::Time,
            PgType::Timestamp(_) => TypeClass::Timestamp,
            PgType::TimestampTz(_) => TypeClass::TimestampTz,
            PgType::Interval(_) => TypeClass::Interval,
            PgType::Uuid => TypeClass::Uuid,
            PgType::Json => TypeClass::Json,
            PgType::Jsonb => TypeClass::Jsonb,
            PgType::Other(name) if ["name", "citext"].iter().any(|t| name.eq_ignore_ascii_case(t)) => {
                TypeClass::Text
            }
            _ => TypeClass::Other,
        }
    }
}

#[cfg(test)]
mod split_tests;
#[cfg(test)]
mod tests;
