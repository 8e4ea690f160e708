//! What is broken in a SQLite file, as far as SQLite's own integrity check reports it. Pure data: `sqlite::damage`
//! reads it, `plan::damage` decides what it means for an import.

use std::collections::BTreeSet;

/// How much of a file is checked before it is read.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Integrity {
    None,
    /// Every page of every b-tree, and every row's header.
    #[default]
    Quick,
    /// Every index against its table as well.
    Full,
}

/// Everything that the integrity check reports. Problems are in SQLite's words, the first of each kind.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Damage {
    /// A problem of `sqlite_schema`: which tables the file has is not known.
    pub schema: Option<String>,
    pub tables: Vec<TableDamage>,
    /// Of indexes; no row depends on them.
    pub indexes: Vec<IndexDamage>,
    /// A problem of pages that may belong to any table.
    pub unplaced: Option<String>,
    /// A problem of pages that hold no rows: free ones, and those that belong to nothing.
    pub rowless: Option<String>,
    /// Tables that could not be checked, and why.
    pub unchecked: Vec<(String, String)>,
}

#[derive(Debug, Clone, Default, PartialEq)]
pub struct TableDamage {
    pub table: String,
    pub problem: String,
    /// Pages whose rows may be wrong.
    pub pages: BTreeSet<u32>,
    /// Rows are not all where their keys should be.
    pub disordered: bool,
}

#[derive(Debug, Clone, Default, PartialEq)]
pub struct IndexDamage {
    pub index: String,
    pub table: String,
    pub problem: String,
}

impl Damage {
    pub fn of(&self, table: &str) -> Option<&TableDamage> {
        self.tables.iter().find(|d| d.table.eq_ignore_ascii_case(table))
    }
}
