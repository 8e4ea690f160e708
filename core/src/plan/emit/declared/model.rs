//! What a file declares and what PostgreSQL has for it. Data only.

use crate::plan::decide::object::Object;
use crate::plan::trigger::TriggerPlan;

/// A table of the file, and what it declares.
#[derive(Debug, Clone)]
pub struct DeclaredTable {
    pub source: String,
    pub schema: String,
    pub target: String,
    /// The key of the plan by which it takes no part.
    pub left_out: Option<String>,
    pub objects: Vec<Declared>,
    /// The target's columns that compare their texts byte by byte, and declare no collation.
    pub bytewise: Vec<String>,
}

/// What an object of a file is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum DeclaredKind {
    Table,
    PrimaryKey,
    Unique,
    ForeignKey,
    Check,
    NotNull,
    Default,
    Generated,
    Identity,
    Collation,
    Index,
    /// A column by which a full-text table is searched, or that an existing table has of its own.
    Search,
    View,
    Trigger,
    /// A function that translated objects call.
    Helper,
}

impl DeclaredKind {
    pub fn as_str(self) -> &'static str {
        match self {
            DeclaredKind::Table => "table",
            DeclaredKind::PrimaryKey => "primary key",
            DeclaredKind::Unique => "unique",
            DeclaredKind::ForeignKey => "foreign key",
            DeclaredKind::Check => "check",
            DeclaredKind::NotNull => "not null",
            DeclaredKind::Default => "default",
            DeclaredKind::Generated => "generated",
            DeclaredKind::Identity => "identity",
            DeclaredKind::Collation => "collation",
            DeclaredKind::Index => "index",
            DeclaredKind::View => "view",
            DeclaredKind::Trigger => "trigger",
            DeclaredKind::Search => "search vector",
            DeclaredKind::Helper => "helper function",
        }
    }
}

/// One object of a table of the file.
#[derive(Debug, Clone)]
pub struct Declared {
    pub kind: DeclaredKind,
    /// Its own name in the file.
    pub name: Option<String>,
    /// The target's columns that it is about, as far as they are carried over; none of an expression's.
    pub columns: Vec<String>,
    /// SQLite's words.
    pub text: String,
    /// What findings about it call it.
    pub object: String,
    /// What PostgreSQL has for it; nothing where it is not carried over.
    pub made: Vec<Made>,
    /// The key of the plan that leaves it out, or would.
    pub plan_key: String,
    /// Which rows break it.
    pub question: Option<RowQuestion>,
}

/// What PostgreSQL has for an object of the file.
#[derive(Debug, Clone)]
pub enum Made {
    Object(Object),
    NotNull(String),
    /// Column and expression.
    Default(String, String),
    /// Column and expression.
    Generated(String, String),
    /// The column takes its numbers from a sequence.
    Identity(String),
    /// Column and COLLATE clause.
    Collation(String, String),
    /// Column and type, as SQL names it.
    Type(String, String),
    Trigger(TriggerPlan),
    /// A table with the rows of a view.
    Table,
}

/// Rows that an object does not allow, as a question to the target.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum RowQuestion {
    /// Rows whose keys, as SQL, others have as well; of a primary key also those with a NULL in it.
    Duplicates {
        keys: Vec<String>,
        predicate: Option<String>,
        primary: bool,
    },
    Orphans {
        columns: Vec<String>,
        parent_schema: String,
        parent: String,
        parent_columns: Vec<String>,
    },
    Nulls {
        column: String,
    },
    Broken {
        condition: String,
    },
    /// All rows, where none has a value.
    Unfilled {
        column: String,
    },
}
