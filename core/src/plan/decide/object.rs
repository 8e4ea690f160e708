//! What is created, computed or checked after a table's load, as data; `emit::ddl` prints it.

use crate::catalog::{Action, Deferrable};
use crate::plan::model::{OrphanSpec, Phase};

/// A constraint, an index, or a search for orphans.
#[derive(Debug, Clone)]
pub enum Object {
    PrimaryKey {
        name: String,
        columns: Vec<String>,
    },
    Unique {
        name: String,
        columns: Vec<String>,
    },
    Check {
        name: String,
        condition: String,
        not_valid: bool,
    },
    ForeignKey {
        name: String,
        key: ForeignKey,
        not_valid: bool,
    },
    Index {
        name: String,
        unique: bool,
        keys: IndexKeys,
        phase: Phase,
    },
    /// A unique key over values of any length, by a hash index.
    Exclude {
        name: String,
        keys: IndexKeys,
        phase: Phase,
    },
    Orphans(OrphanSpec),
    /// Columns that PostgreSQL computes of those that are loaded. To add several rewrites the table once.
    Computed(Vec<Computed>),
}

/// A generated column that the file does not have.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Computed {
    pub name: String,
    /// As SQL names it.
    pub pg_type: &'static str,
    pub expression: String,
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
    pub method: Method,
    /// `WITH (…)`; nothing for the method's own.
    pub options: String,
}

/// The access method of an index.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Method {
    #[default]
    Btree,
    /// Over one key.
    Hash,
    Gist,
    Gin,
    /// pgvector's.
    Hnsw,
}

impl Method {
    pub fn as_str(self) -> &'static str {
        match self {
            Method::Btree => "btree",
            Method::Hash => "hash",
            Method::Gist => "gist",
            Method::Gin => "gin",
            Method::Hnsw => "hnsw",
        }
    }

    /// The clause that names it, before a space; nothing for the default.
    fn clause(self) -> String {
        if self == Method::Btree { String::new() } else { format!("USING {} ", self.as_str()) }
    }
}

/// One key of an index.
#[derive(Debug, Clone)]
pub struct IndexKey {
    /// A column or an expression.
    pub sql: String,
    /// Under the collation that ignores case.
    pub nocase: bool,
    pub descending: bool,
    /// An operator class that is not the type's own, with its schema.
    pub class: Option<String>,
    /// The operator by which an exclusion constraint compares it, where `=` is not in the search path.
    pub equal: Option<String>,
}

impl Object {
    /// When it is created.
    pub fn phase(&self) -> Phase {
        match self {
            Object::PrimaryKey { .. } | Object::Unique { .. } | Object::Computed(_) => Phase::Keys,
            Object::Check { .. } => Phase::Checks,
            Object::ForeignKey { .. } | Object::Orphans(_) => Phase::ForeignKeys,
            Object::Index { phase, .. } | Object::Exclude { phase, .. } => *phase,
        }
    }

    /// Of a constraint or an index.
    pub fn name(&self) -> Option<&str> {
        match self {
            Object::PrimaryKey { name, .. }
            | Object::Unique { name, .. }
            | Object::Check { name, .. }
            | Object::ForeignKey { name, .. }
            | Object::Index { name, .. }
            | Object::Exclude { name, .. } => Some(name),
            Object::Orphans(_) | Object::Computed(_) => None,
        }
    }

    /// It needs the collation that ignores case.
    pub fn needs_nocase(&self) -> bool {
        match self {
            Object::Index { keys, .. } | Object::Exclude { keys, .. } => {
                keys.keys.iter().any(|key| key.nocase)
            }
            _ => false,
        }
    }
}

impl IndexKeys {
    pub fn plain(columns: &[String]) -> IndexKeys {
        let key = |name: &String| IndexKey::plain(crate::sqltext::ident(name));
        IndexKeys { keys: columns.iter().map(key).collect(), ..IndexKeys::default() }
    }

    /// `("a" COLLATE …, "b" DESC) WHERE …`, with this clause for the collation that ignores case.
    pub fn sql(&self, nocase: &str) -> String {
        let using = self.method.clause();
        let keys: Vec<String> = self.keys.iter().map(|key| key.sql(nocase)).collect();
        let predicate = self.predicate.as_ref().map_or(String::new(), |sql| format!(" WHERE {sql}"));
        let options = if self.options.is_empty() { String::new() } else { format!(" {}", self.options) };
        format!("{using}({}){options}{predicate}", keys.join(", "))
    }

    /// `EXCLUDE USING hash ("a" WITH =) WHERE (…)`, for an exclusion constraint.
    pub fn exclusion(&self, nocase: &str) -> String {
        let key =
            |key: &IndexKey| format!("{} WITH {}", key.sql(nocase), key.equal.as_deref().unwrap_or("="));
        let keys: Vec<String> = self.keys.iter().map(key).collect();
        let predicate = self.predicate.as_ref().map_or(String::new(), |sql| format!(" WHERE ({sql})"));
        format!("EXCLUDE USING hash ({}){predicate}", keys.join(", "))
    }
}

impl IndexKey {
    fn sql(&self, nocase: &str) -> String {
        let collation = if self.nocase { nocase } else { "" };
        let class = self.class.as_ref().map_or_else(String::new, |class| format!(" {class}"));
        format!("{}{collation}{class}{}", self.sql, if self.descending { " DESC" } else { "" })
    }

    pub fn plain(sql: String) -> IndexKey {
        IndexKey { sql, nocase: false, descending: false, class: None, equal: None }
    }
}
