//! What is broken in a SQLite file, as far as SQLite's own check tells. Pure data: `sqlite::damage` finds it,
//! `plan::damage` says what it means for an import.

use std::collections::BTreeSet;

/// How much of a file is checked before it is believed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Integrity {
    None,
    /// Every page of every b-tree, and every row's header.
    #[default]
    Quick,
    /// Every index against its table as well.
    Full,
}

/// Everything that was found. Complaints are in SQLite's words, the first of each kind.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Damage {
    /// Of `sqlite_schema`: which tables there are cannot be told.
    pub schema: Option<String>,
    pub tables: Vec<TableDamage>,
    /// Rows do not depend on them.
    pub indexes: Vec<IndexDamage>,
    /// Of pages that may be any table's.
    pub unplaced: Option<String>,
    /// Of pages that hold no rows: free ones, and those that belong to nothing.
    pub rowless: Option<String>,
    /// Tables that could not be checked, and why.
    pub unchecked: Vec<(String, String)>,
}

#[derive(Debug, Clone, Default, PartialEq)]
pub struct TableDamage {
    pub table: String,
    pub complaint: String,
    /// Pages whose rows are not believed.
    pub pages: BTreeSet<u32>,
    /// Rows are not all where their keys should be.
    pub disordered: bool,
}

#[derive(Debug, Clone, Default, PartialEq)]
pub struct IndexDamage {
    pub index: String,
    pub table: String,
    pub complaint: String,
}

impl Damage {
    pub fn of(&self, table: &str) -> Option<&TableDamage> {
        self.tables.iter().find(|d| d.table.eq_ignore_ascii_case(table))
    }
}
