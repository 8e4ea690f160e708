//! What only the server can say of a plan, as statements to try on a temporary table, and what it has refused. Data only.

use crate::catalog::TableId;

/// A part of a table, by its position in the source table.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Part {
    Generated(usize),
    Default(usize),
    Check(usize),
    PrimaryKey,
    /// Of CREATE INDEX, or a UNIQUE constraint's.
    Index(usize),
}

/// What the server has refused.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Refusal {
    pub table: TableId,
    pub part: Part,
    pub reason: String,
}

/// A table that is tried, as a temporary one.
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
    pub(super) statement: Statement,
    /// What the table gets in the place of a column that is refused, so that the rest can be tried.
    pub(super) instead: Option<String>,
}

#[derive(Debug, Clone)]
pub(super) enum Statement {
    /// An action of ALTER TABLE.
    Alter(String),
    CreateIndex(String),
}

pub(super) const TABLE: &str = "pg_temp.pg_sqlite_migrate_trial";

/// Pieces in few statements, as is cheap where nothing is refused.
pub fn at_once(pieces: &[Piece]) -> Vec<String> {
    let (mut actions, mut rest) = (vec![], vec![]);
    for piece in pieces {
        match &piece.statement {
            Statement::Alter(action) => actions.push(action.as_str()),
            Statement::CreateIndex(sql) => rest.push(sql.clone()),
        }
    }
    let altered = (!actions.is_empty()).then(|| alter(&actions.join(", ")));
    altered.into_iter().chain(rest).collect()
}

impl Piece {
    pub fn instead(&self) -> Option<String> {
        self.instead.as_deref().map(alter)
    }
}

fn alter(actions: &str) -> String {
    format!("ALTER TABLE {TABLE} {actions}")
}
