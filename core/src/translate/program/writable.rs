//! What a statement that writes has to know of a table, beside its columns' types: keys, defaults, what resolves a conflict.

use std::collections::HashMap;

/// The tables that statements can write to, by their names in lower case.
pub type Writables = HashMap<String, Writable>;

/// A table that rows can be written to.
#[derive(Debug, Clone, Default)]
pub struct Writable {
    /// In the order of the relation's columns.
    pub columns: Vec<WritableColumn>,
    pub keys: Vec<UniqueKey>,
    /// It has CHECKs.
    pub checked: bool,
    /// It has foreign keys.
    pub refers: bool,
    /// Other tables refer to it.
    pub referred: bool,
    /// The file has triggers on it.
    pub triggers: bool,
    /// The table was there before the import: its defaults are its own.
    pub defaults: bool,
    /// It has columns that the file's table has not.
    pub extra: bool,
}

#[derive(Debug, Clone)]
pub struct WritableColumn {
    /// The type as a definition has it.
    pub printed: String,
    /// The type has no assignment cast from text.
    pub cast: bool,
    pub not_null: bool,
    pub unset: Unset,
    /// Its values are computed.
    pub generated: bool,
    /// PostgreSQL computes them when they are read, and not for triggers.
    pub unstored: bool,
    /// `NOT NULL ON CONFLICT …`
    pub on_null: Resolve,
    /// It takes values as they are (`ANY` of a STRICT table).
    pub any: bool,
    /// The plan's `using` computes its values.
    pub using: bool,
}

/// What a column becomes that an INSERT does not name.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Unset {
    /// NULL, in both databases.
    Null,
    /// Its default.
    Default,
    /// The next number.
    Number,
    /// In PostgreSQL NULL, where SQLite has a default or computes a value.
    Lost,
}

/// A unique key of the file's table.
#[derive(Debug, Clone)]
pub struct UniqueKey {
    /// Places of its columns; `None` of a key over expressions.
    pub columns: Option<Vec<usize>>,
    /// Places of the columns that decide which rows have it: also those of its condition, and what computes its columns.
    pub reads: Vec<usize>,
    pub arbiter: Arbiter,
    pub resolve: Resolve,
    /// It has a condition.
    pub partial: bool,
    /// PostgreSQL's key is over the columns themselves, so that `=` tells which rows have the same one.
    pub plain: bool,
}

/// How `ON CONFLICT` of PostgreSQL names a key.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Arbiter {
    /// `(…) WHERE …`
    Index(String),
    /// An exclusion constraint, by its name: it can do nothing, and cannot update.
    Exclusion(String),
    /// The key is not in the target.
    Missing,
}

/// What becomes of a row that breaks a constraint.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Resolve {
    #[default]
    Error,
    Ignore,
    Replace,
}
