//! What PostgreSQL's catalogs say of the tables that may be exported, as data. Expressions are as `pg_get_expr` prints
//! them under an empty search path.

use std::collections::HashMap;

use crate::value::PgType;

/// The tables of the schemas that are asked about, and their settings.
#[derive(Debug, Clone, Default)]
pub struct Catalog {
    pub tables: Vec<Table>,
    /// Schemas that were asked for and are not there.
    pub missing_schemas: Vec<String>,
    /// Statements that SQLite has been asked to take, and why it does not.
    pub refused: HashMap<String, String>,
}

#[derive(Debug, Clone)]
pub struct Table {
    /// The relation's oid, by which whoever reads it finds it again.
    pub id: u32,
    pub schema: String,
    pub name: String,
    pub kind: TableKind,
    /// A view's, as `pg_get_viewdef` prints it.
    pub query: Option<String>,
    pub refused: Option<Refusal>,
    /// Oids and names of the tables that inherit from it.
    pub heirs: Vec<(u32, String)>,
    /// It belongs to this extension.
    pub extension: Option<String>,
    pub columns: Vec<Column>,
    pub keys: Vec<Key>,
    pub checks: Vec<Check>,
    pub foreign_keys: Vec<ForeignKey>,
    pub indexes: Vec<Index>,
    /// Names of constraints that SQLite does not have.
    pub exclusions: Vec<String>,
    pub triggers: Vec<String>,
    pub comment: Option<String>,
}

impl Table {
    /// Those of a run that are gone have names, and no oids.
    pub fn is(&self, other: &Table) -> bool {
        (self.id, &self.schema, &self.name) == (other.id, &other.schema, &other.name)
    }
}

/// Why the caller cannot have the rows of a table: a reason for a person.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Refusal {
    /// It has not the right.
    Denied(String),
    Other(String),
}

impl Refusal {
    pub fn reason(&self) -> &str {
        match self {
            Refusal::Denied(reason) | Refusal::Other(reason) => reason,
        }
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TableKind {
    /// Ordinary and partitioned.
    Table,
    MaterializedView,
    View,
    Foreign,
}

#[derive(Debug, Clone)]
pub struct Column {
    pub name: String,
    pub pg_type: PgType,
    /// As `format_type` prints it.
    pub type_name: String,
    /// The values of an enum, in its order.
    pub labels: Option<Vec<String>>,
    pub not_null: bool,
    pub default: Option<String>,
    /// Its values are computed.
    pub generated: bool,
    /// A sequence numbers its rows.
    pub sequence: Option<Sequence>,
    pub collation: Collation,
    /// The CHECKs of its domain, on `VALUE`.
    pub domain_checks: Vec<String>,
    pub comment: Option<String>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Sequence {
    /// The last number that it has given, if it can be read.
    pub last: Option<i64>,
}

/// How texts of a column compare.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Collation {
    /// By their bytes, as SQLite does.
    Bytes,
    /// Equal texts have equal bytes; the order is a language's.
    Language(String),
    /// Texts of different bytes may be equal.
    Folding(String),
}

#[derive(Debug, Clone)]
pub struct Key {
    pub name: String,
    pub primary: bool,
    pub columns: Vec<String>,
    pub deferrable: bool,
    pub nulls_not_distinct: bool,
}

#[derive(Debug, Clone)]
pub struct Check {
    pub name: String,
    pub expression: String,
    /// Every row satisfies it.
    pub validated: bool,
}

#[derive(Debug, Clone)]
pub struct ForeignKey {
    pub name: String,
    pub columns: Vec<String>,
    /// The oid of the table that it refers to.
    pub parent: u32,
    pub parent_name: String,
    pub parent_columns: Vec<String>,
    pub on_delete: Action,
    pub on_update: Action,
    pub match_full: bool,
    pub deferrable: bool,
    pub initially_deferred: bool,
    pub validated: bool,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Action {
    NoAction,
    Restrict,
    Cascade,
    SetNull,
    SetDefault,
}

impl Action {
    /// Of `pg_constraint.confdeltype`.
    pub fn of(code: char) -> Action {
        match code {
            'r' => Action::Restrict,
            'c' => Action::Cascade,
            'n' => Action::SetNull,
            'd' => Action::SetDefault,
            _ => Action::NoAction,
        }
    }

    pub fn sql(self) -> &'static str {
        match self {
            Action::NoAction => "NO ACTION",
            Action::Restrict => "RESTRICT",
            Action::Cascade => "CASCADE",
            Action::SetNull => "SET NULL",
            Action::SetDefault => "SET DEFAULT",
        }
    }
}

/// An index that is no constraint's.
#[derive(Debug, Clone)]
pub struct Index {
    pub name: String,
    pub unique: bool,
    pub method: String,
    pub keys: Vec<IndexKey>,
    pub predicate: Option<String>,
    pub nulls_not_distinct: bool,
    /// Its build has failed or is not finished.
    pub invalid: bool,
}

#[derive(Debug, Clone)]
pub struct IndexKey {
    /// The column; `None` for an expression.
    pub column: Option<String>,
    pub expression: String,
    pub descending: bool,
}
