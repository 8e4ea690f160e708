//! What SQLite lacks or computes otherwise, by PostgreSQL's rules: one registry of functions that a connection
//! registers, and that [`deparse`] prints. Pure.
//!
//! Arguments and answers are in canonical form. Every function is deterministic, and answers NULL when an argument
//! is NULL. A [`Fault`] is the error that PostgreSQL would have raised. `pg_value` is another matter, see [`Rule`]:
//! its errors are those of invalid values.

mod aggregate;
mod float;
mod integer;
mod like;
mod rule;
mod spelling;
mod text;

pub use aggregate::{AGGREGATES, Aggregate, Total};
pub use rule::Rule;

use crate::value::buffer::OutOfMemory;
use crate::value::{Cell, CellBuf};

/// The name of the function that makes a cell canonical: `pg_value(cell, rule, 'table.column')`.
pub const PG_VALUE: &str = "pg_value";

/// An error that PostgreSQL raises while it computes.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{message}")]
pub struct Fault {
    /// Five characters.
    pub sqlstate: &'static str,
    pub message: String,
}

impl Fault {
    pub fn new(sqlstate: &'static str, message: impl Into<String>) -> Fault {
        Fault { sqlstate, message: message.into() }
    }

    /// A row was to take a value that its column cannot keep. Whoever bound the value knows more.
    pub fn refused() -> Fault {
        Fault::new("0A000", "value cannot be stored")
    }

    /// A function that [`deparse`] printed wrongly: a bug, but no reason to go down.
    fn misuse() -> Fault {
        Fault::new("XX000", "a remote function was called with an argument of another type")
    }
}

impl From<OutOfMemory> for Fault {
    fn from(error: OutOfMemory) -> Fault {
        Fault::new("53200", error.to_string())
    }
}

type Body = for<'a> fn(&[Cell<'a>]) -> Result<CellBuf<'a>, Fault>;

/// A scalar function.
#[derive(Debug, Clone, Copy)]
pub struct Function {
    pub name: &'static str,
    /// Number of arguments.
    pub arity: i32,
    /// What it is in PostgreSQL.
    pub meaning: &'static str,
    body: Body,
}

impl Function {
    pub fn call<'a>(&self, args: &[Cell<'a>]) -> Result<CellBuf<'a>, Fault> {
        if args.contains(&Cell::Null) {
            return Ok(CellBuf::Null);
        }
        (self.body)(args)
    }
}

const fn function(name: &'static str, arity: i32, meaning: &'static str, body: Body) -> Function {
    Function { name, arity, meaning, body }
}

/// Every scalar function but `pg_value`.
pub const FUNCTIONS: &[Function] = &[
    function("pg_int2", 1, "a smallint, or 22003", integer::int2),
    function("pg_int4", 1, "an integer, or 22003", integer::int4),
    function("pg_add", 2, "bigint + bigint", integer::add),
    function("pg_sub", 2, "bigint - bigint", integer::sub),
    function("pg_mul", 2, "bigint * bigint", integer::mul),
    function("pg_div", 2, "bigint / bigint", integer::div),
    function("pg_mod", 2, "bigint % bigint", integer::modulo),
    function("pg_abs", 1, "abs(bigint)", integer::abs),
    function("pg_limit", 1, "LIMIT's number, or 2201W", integer::limit),
    function("pg_offset", 1, "OFFSET's number, or 2201X", integer::offset),
    function("pg_refuse", 1, "fails: a column cannot keep a value", |_| Err(Fault::refused())),
    function("pg_float8", 1, "a double precision constant from its shortest text", float::parse),
    function("pg_float8_add", 2, "double precision + double precision", float::add),
    function("pg_float8_sub", 2, "double precision - double precision", float::sub),
    function("pg_float8_mul", 2, "double precision * double precision", float::mul),
    function("pg_float8_div", 2, "double precision / double precision", float::div),
    function("pg_float8_neg", 1, "- double precision", float::neg),
    function("pg_float8_abs", 1, "abs(double precision)", float::abs),
    function("pg_is_text", 1, "whether a cell is a text that PostgreSQL can hold", text::is_text),
    function("pg_length", 1, "length(text)", text::length),
    function("pg_substr", 2, "substr(text, integer)", text::substr),
    function("pg_substr", 3, "substr(text, integer, integer)", text::substr),
    function("pg_left", 2, "left(text, integer)", text::left),
    function("pg_right", 2, "right(text, integer)", text::right),
    function("pg_strpos", 2, "strpos(text, text)", text::strpos),
    function("pg_starts_with", 2, "starts_with(text, text)", text::starts_with),
    function("pg_reverse", 1, "reverse(text)", text::reverse),
    function("pg_replace", 3, "replace(text, text, text)", text::replace),
    function("pg_uuid_begins", 1, "the spellings that a uuid may begin with", spelling::beginnings),
    function("pg_like", 2, "text LIKE text", like::matches),
];

#[cfg(test)]
mod tests;
