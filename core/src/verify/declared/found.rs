//! What the catalogs of PostgreSQL say of a table, as far as it can be held against what a file declares. Data only.

use serde::Deserialize;

use crate::catalog::{Action, Deferrable};

#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct FoundTable {
    pub oid: u32,
    /// `r` table, `p` partitioned, `v` view, … as `pg_class.relkind`.
    pub relkind: char,
    pub columns: Vec<FoundColumn>,
    pub constraints: Vec<FoundConstraint>,
    pub indexes: Vec<FoundIndex>,
    pub triggers: Vec<FoundTrigger>,
}

impl FoundTable {
    pub fn column(&self, name: &str) -> Option<&FoundColumn> {
        self.columns.iter().find(|column| column.name == name)
    }

    pub fn index(&self, name: &str) -> Option<&FoundIndex> {
        self.indexes.iter().find(|index| index.name == name)
    }
}

#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct FoundColumn {
    pub name: String,
    /// As `format('%I.%I')` prints its schema and name, without modifiers.
    pub type_name: String,
    pub not_null: bool,
    /// The NOT NULL has been checked for every row: a constraint of PostgreSQL 18 may be NOT VALID.
    pub not_null_valid: bool,
    /// As `pg_get_expr` prints it; of a generated column its expression.
    pub default: Option<String>,
    pub generated: bool,
    /// The sequence that its identity has, or that its default takes numbers from.
    pub sequence: Option<String>,
    pub identity: bool,
    /// As `format('%I.%I')` prints it, where it is not the database's default.
    pub collation: Option<String>,
}

#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum ConstraintKind {
    PrimaryKey,
    Unique,
    Exclude,
    ForeignKey,
    #[default]
    Check,
}

#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct FoundConstraint {
    pub kind: ConstraintKind,
    pub name: String,
    pub columns: Vec<String>,
    /// As `pg_get_constraintdef` prints it.
    pub definition: String,
    pub validated: bool,
    /// False for NOT ENFORCED.
    pub enforced: bool,
    /// Triggers that enforce it are disabled.
    pub disabled: bool,
    pub deferrable: Deferrable,
    /// Of a foreign key: schema, name and columns of the referenced table.
    pub parent: Option<(String, String, Vec<String>)>,
    pub on_update: Action,
    pub on_delete: Action,
    /// MATCH FULL.
    pub full: bool,
    /// Of a check, as `pg_get_expr` prints it.
    pub expression: Option<String>,
}

#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct FoundIndex {
    pub name: String,
    /// As `pg_get_indexdef` prints it.
    pub definition: String,
    pub method: String,
    pub unique: bool,
    /// NULLs count as equal.
    pub nulls_not_distinct: bool,
    /// Valid, ready and alive: every query may use it and every row has to obey it.
    pub valid: bool,
    /// It belongs to a constraint.
    pub constraint: bool,
    pub keys: Vec<FoundKey>,
    /// As `pg_get_expr` prints it.
    pub predicate: Option<String>,
}

/// A key column of an index.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
pub struct FoundKey {
    /// `None` for an expression.
    pub column: Option<String>,
    /// As `pg_get_indexdef` prints the key.
    pub text: String,
    /// As `format('%I.%I')` prints it; `None` where the type has none.
    pub collation: Option<String>,
    /// The operator class, printed alike.
    pub class: String,
    pub descending: bool,
}

/// A trigger of a user's.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct FoundTrigger {
    pub name: String,
    pub definition: String,
    pub enabled: bool,
    /// `BEFORE INSERT OR UPDATE`
    pub fires: String,
    /// For each row.
    pub row: bool,
    /// Of UPDATE OF.
    pub columns: Vec<String>,
    /// It has a WHEN.
    pub conditional: bool,
    /// Schema and name.
    pub function: (String, String),
}

/// An expression of the plan, and what it is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Expression<'e> {
    Check(&'e str),
    /// Of a column, to whose type it is converted.
    Default {
        column: &'e str,
        sql: &'e str,
    },
    Generated {
        column: &'e str,
        sql: &'e str,
    },
    Key(&'e str),
    Predicate(&'e str),
}

/// An expression as the server's catalogs would have it.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Canonical {
    /// As `pg_get_expr` prints it.
    pub text: String,
    /// It is nothing but this column.
    pub column: Option<String>,
    /// As `format('%I.%I')` prints it; `None` where the type has none.
    pub collation: Option<String>,
}

/// Answers how an expression over a table would stand in the catalogs, or why it could not stand there.
pub type Server<'s> = dyn FnMut(&FoundTable, Expression<'_>) -> Result<Canonical, String> + 's;
