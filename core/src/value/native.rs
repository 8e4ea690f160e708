//! A PostgreSQL value in Rust: a constant, a parameter, or a column of a row to be written.
//!
//! Pure. `pg/` makes it from datums; `encode` makes SQLite cells from it.

use std::borrow::Cow;

/// Times count from PostgreSQL's epoch, 2000-01-01: days for a date, microseconds for the rest. The infinities are
/// the ends of their integers' ranges, as in the server.
#[derive(Debug, Clone, PartialEq)]
pub enum Native<'a> {
    Null,
    Bool(bool),
    /// smallint, integer, bigint.
    Integer(i64),
    /// real and double precision.
    Float(f64),
    /// text, varchar, char(n) (padded as stored), in UTF-8.
    Text(Cow<'a, str>),
    Bytes(Cow<'a, [u8]>),
    Uuid([u8; 16]),
    Date(i32),
    Time(i64),
    Timestamp(i64),
    TimestampTz(i64),
    /// Any other type, as its output function prints it (numeric too).
    Printed(Cow<'a, str>),
}

/// A larger constant is not part of a remote query.
const SHIPPABLE: usize = 1 << 20;

impl Native<'_> {
    /// Small enough to be copied into a statement.
    pub fn is_shippable(&self) -> bool {
        match self {
            Native::Text(text) | Native::Printed(text) => text.len() <= SHIPPABLE,
            Native::Bytes(bytes) => bytes.len() <= SHIPPABLE,
            _ => true,
        }
    }

    pub fn is_null(&self) -> bool {
        matches!(self, Native::Null)
    }

    pub fn into_owned(self) -> Native<'static> {
        match self {
            Native::Null => Native::Null,
            Native::Bool(b) => Native::Bool(b),
            Native::Integer(i) => Native::Integer(i),
            Native::Float(f) => Native::Float(f),
            Native::Text(t) => Native::Text(Cow::Owned(t.into_owned())),
            Native::Bytes(b) => Native::Bytes(Cow::Owned(b.into_owned())),
            Native::Uuid(u) => Native::Uuid(u),
            Native::Date(d) => Native::Date(d),
            Native::Time(t) => Native::Time(t),
            Native::Timestamp(t) => Native::Timestamp(t),
            Native::TimestampTz(t) => Native::TimestampTz(t),
            Native::Printed(p) => Native::Printed(Cow::Owned(p.into_owned())),
        }
    }
}
