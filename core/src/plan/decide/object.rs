//! What is created or checked after a table's load, as data; `emit::ddl` prints it.

use crate::catalog::{Action, Deferrable};
use crate::plan::model::{OrphanSpec, Phase};

/// A constraint, an index, or a search for orphans.
#[derive(Debug, Clone)]
pub enum Object {
    PrimaryKey { name: String, columns: Vec<String> },
    Unique { name: String, columns: Vec<String> },
    Check { name: String, condition: String, not_valid: bool },
    ForeignKey { name: String, key: ForeignKey, not_valid: bool },
    Index { name: String, unique: bool, keys: IndexKeys, phase: Phase },
    Orphans(OrphanSpec),
}

/// A foreign key of the target.
#[derive(Debug, Clone)]
pub struct ForeignKey {
    pub columns: Vec<String>,
    pub parent_schema: String,
    pub parent: String,
    pub parent_columns: Vec<String>,
    pub on_update: Action,
    pub on_delete: Action,
    pub deferrable: Deferrable,
}

/// What an index is over.
#[derive(Debug, Clone, Default)]
pub struct IndexKeys {
    pub keys: Vec<IndexKey>,
    pub predicate: Option<String>,
}

/// One key of an index.
#[derive(Debug, Clone)]
pub struct IndexKey {
    /// A column or an expression.
    pub sql: String,
    /// Under the collation that ignores case.
    pub nocase: bool,
    pub descending: bool,
}

impl Object {
    /// When it is created.
    pub fn phase(&self) -> Phase {
        match self {
            Object::PrimaryKey { .. } | Object::Unique { .. } => Phase::Keys,
            Object::Check { .. } => Phase::Checks,
            Object::ForeignKey { .. } | Object::Orphans(_) => Phase::ForeignKeys,
            Object::Index { phase, .. } => *phase,
        }
    }

    /// It needs the collation that ignores case.
    pub fn needs_nocase(&self) -> bool {
        matches!(self, Object::Index { keys, .. } if keys.keys.iter().any(|key| key.nocase))
    }
}

impl IndexKeys {
    pub fn plain(columns: &[String]) -> IndexKeys {
        let key = |name: &String| IndexKey::plain(crate::sqltext::ident(name));
        IndexKeys { keys: columns.iter().map(key).collect(), predicate: None }
    }

    /// `("a" COLLATE …, "b" DESC) WHERE …`, with this clause for the collation that ignores case.
    pub fn sql(&self, nocase: &str) -> String {
        let key = |key: &IndexKey| {
            let collation = if key.nocase { nocase } else { "" };
            format!("{}{collation}{}", key.sql, if key.descending { " DESC" } else { "" })
        };
        let keys: Vec<String> = self.keys.iter().map(key).collect();
        let predicate = self.predicate.as_ref().map_or(String::new(), |sql| format!(" WHERE {sql}"));
        format!("({}){predicate}", keys.join(", "))
    }
}

impl IndexKey {
    pub fn plain(sql: String) -> IndexKey {
        IndexKey { sql, nocase: false, descending: false }
    }
}
