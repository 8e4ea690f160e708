//! What only the server can say of a plan, as statements to try on a temporary table, and what it has refused. Data only.

use crate::catalog::TableId;

/// A part of a table, by its position in the source table.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Part {
    Generated(usize),
    /// The same column, if its values are not stored.
    Unstored(usize),
    Default(usize),
    Check(usize),
    PrimaryKey,
    /// Of CREATE INDEX, or a UNIQUE constraint's.
    Index(usize),
    ForeignKey(usize),
    /// The vector of a full-text table, by its position in the catalog.
    Search(usize),
    /// Whole rows.
    Row,
    /// A unique key of the existing table, by its position among these.
    ExistingKey(usize),
    /// A btree of the existing table, by its position among these.
    ExistingIndex(usize),
}

/// What the server has refused.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Refusal {
    pub table: TableId,
    pub part: Part,
    pub reason: String,
}

/// Rows that a plan's `where` can name one by one.
pub const NAMED: usize = 20;

/// Rows that are too large: for a page, or for an index.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Oversized {
    /// The largest first, by the bound of their size.
    pub rows: Vec<OversizedRow>,
    /// There are no others.
    pub listed_all: bool,
    /// The most bytes that the server takes.
    pub limit: u64,
    /// Why it could not be tried; there are no rows then.
    pub untried: Option<String>,
}

#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct OversizedRow {
    /// `rowid 7`, or the row's key.
    pub name: String,
    pub rowid: Option<i64>,
    /// What it would take.
    pub bytes: u64,
}

/// Rows whose keys are different in SQLite and equal once they are converted.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct EqualKeys {
    /// Groups of such rows.
    pub groups: u64,
    /// The first pairs: `rowid 1 and rowid 2`.
    pub examples: Vec<String>,
    /// The rowids of all rows but the first of each group; `None` where there are too many, or no rowids.
    pub later: Option<Vec<i64>>,
}

/// Rows that break a CHECK once their values are converted.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct BrokenCheck {
    pub rows: u64,
}

/// An answer about a part of a table.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Answer<T> {
    pub table: TableId,
    pub part: Part,
    pub found: T,
}

/// What was found about a part; `None` if nothing was, or nothing was asked.
pub fn found<T>(answers: &[Answer<T>], table: TableId, part: Part) -> Option<&T> {
    answers.iter().find(|a| a.table == table && a.part == part).map(|a| &a.found)
}

/// A table that is tried, as a temporary one, or as another that is rolled back.
#[derive(Debug, Clone)]
pub struct Trial {
    pub table: TableId,
    /// `CREATE TABLE` without the parts that are tried.
    pub create: String,
    pub pieces: Vec<Piece>,
}

#[derive(Debug, Clone)]
pub struct Piece {
    pub part: Part,
    /// The table, as SQL names it.
    pub(super) on: String,
    pub(super) statement: Statement,
    /// What the table gets in the place of a column that is refused, so that the rest can be tried.
    pub(super) instead: Option<String>,
}

#[derive(Debug, Clone)]
pub(super) enum Statement {
    /// An action of ALTER TABLE.
    Alter(String),
    /// An index or a view.
    Create(String),
}

pub const NAME: &str = "pg_sqlite_migrate_trial";

/// What stands in for a table, by its place among those that are decided, for views and triggers to be tried on.
pub fn stand_in(at: usize) -> String {
    format!("{NAME}_t{at}")
}

/// Pieces in few statements, as is cheap where nothing is refused.
pub fn at_once(pieces: &[Piece]) -> Vec<String> {
    let (mut actions, mut rest) = (vec![], vec![]);
    for piece in pieces {
        match &piece.statement {
            Statement::Alter(action) => actions.push(action.as_str()),
            Statement::Create(sql) => rest.push(sql.clone()),
        }
    }
    let altered =
        pieces.first().filter(|_| !actions.is_empty()).map(|piece| piece.alter(&actions.join(", ")));
    altered.into_iter().chain(rest).collect()
}

impl Piece {
    pub fn instead(&self) -> Option<String> {
        self.instead.as_deref().map(|actions| self.alter(actions))
    }

    fn alter(&self, actions: &str) -> String {
        format!("ALTER TABLE {} {actions}", self.on)
    }
}
