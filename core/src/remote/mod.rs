//! One query on one SQLite file, as PostgreSQL means it: the words that planner, [`shippable`] and [`deparse`]
//! share. Pure data.
//!
//! An [`Expr`] has PostgreSQL's semantics, always. `fdw/planner/convert` makes it from the server's nodes; only operators,
//! functions and types of the server's own (`pg_catalog`, oid below 16384) become one, everything else has no
//! [`Expr`] and is computed by PostgreSQL. [`shippable`] says which of them SQLite computes alike.
//!
//! Inside SQLite every value travels in its type's *canonical form*, which is compared and sorted there as the
//! value is in PostgreSQL:
//!
//! | type | canonical form |
//! |---|---|
//! | boolean | integer 0 or 1 |
//! | smallint, integer, bigint | integer |
//! | real, double precision | real; NaN is the text `NaN`, which SQLite sorts above every number |
//! | text, varchar | text, compared bytewise |
//! | bytea | blob |
//! | uuid | its lower-case text with dashes |
//! | date | integer, days since 2000-01-01 |
//! | time, timestamp, timestamptz | integer, microseconds (since midnight, since 2000-01-01) |
//!
//! Other types (numeric, json, char(n), …) have none, and are only carried.

pub mod canonical;
pub mod changed_keys;
pub mod column;
pub mod compute;
pub mod deparse;
mod faults;
pub mod fit;
pub mod observation;
pub mod shippable;
mod statement;
mod table;
#[cfg(any(test, feature = "testing"))]
pub mod testing;
pub mod vocabulary;

pub use statement::{
    ColumnId, Decode, DirectModification, Observation, Operation, Output, Parameter, ParameterForm, Proof,
    Remote, RowModification, Untested, Witness, ascii_json,
};
pub use table::{Affinity, Column, Index, Sorting, Table, Tables};

use crate::value::native::Native;

/// The types that a query is decided by. `varchar` is text here: its limit only matters to what is stored.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Type {
    Bool,
    Int2,
    Int4,
    Int8,
    Float4,
    Float8,
    Text,
    Bpchar,
    Bytea,
    Uuid,
    Date,
    Time,
    Timestamp,
    TimestampTz,
    Numeric,
    Other,
}

/// What a collation promises. `None`: the expression has none, or it does not matter.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Collation {
    None,
    /// Sorted by bytes (`C`, `POSIX`, `ucs_basic`), in a UTF-8 database.
    Bytes,
    /// Equal only when bytewise equal; sorted by a language's rules.
    Deterministic,
    /// Texts of different bytes may be equal.
    Nondeterministic,
}

/// A column of the query: the relation's index in the range table, and the attribute's number from 1.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Var {
    pub relation: u32,
    pub attribute: i16,
}

/// A scalar expression with PostgreSQL's semantics.
#[derive(Debug, Clone, PartialEq)]
pub enum Expr {
    Column(Var),
    Const(Type, Native<'static>),
    /// A value that is known when the scan begins: the position in the scan's list of local expressions.
    Param {
        index: usize,
        type_: Type,
    },
    /// An array parameter's elements, on the right of `= ANY` only.
    ArrayParam {
        index: usize,
        element: Type,
    },
    Not(Box<Expr>),
    And(Vec<Expr>),
    Or(Vec<Expr>),
    /// `IS [NOT] NULL`.
    NullTest {
        arg: Box<Expr>,
        negated: bool,
    },
    /// `IS [NOT] TRUE | FALSE`; `IS [NOT] UNKNOWN` is a `NullTest`.
    BoolTest {
        arg: Box<Expr>,
        value: bool,
        negated: bool,
    },
    /// `IS [NOT] DISTINCT FROM` of two values of one type.
    Distinct {
        left: Box<Expr>,
        right: Box<Expr>,
        negated: bool,
        collation: Collation,
    },
    /// A binary operator by its name (`=`, `<>`, `<`, `+`, `||`, `~~`, …); the operands' types tell which one it is.
    Operator {
        name: String,
        left: Box<Expr>,
        right: Box<Expr>,
        collation: Collation,
        result: Type,
    },
    /// `left op ANY (ARRAY[…])`, or `ALL`. One `ArrayParam`, or the elements.
    ArrayTest {
        name: String,
        left: Box<Expr>,
        elements: Vec<Expr>,
        all: bool,
        collation: Collation,
    },
    /// A function by its name: `lower`, `length`, `abs`, `int8` (a cast), unary minus as `-`, …
    Function {
        name: String,
        args: Vec<Expr>,
        collation: Collation,
        result: Type,
    },
    /// `CASE WHEN … THEN … ELSE … END`; the simple form comes with its comparisons written out.
    Case {
        whens: Vec<(Expr, Expr)>,
        default: Option<Box<Expr>>,
        result: Type,
    },
    Coalesce {
        args: Vec<Expr>,
        result: Type,
    },
    NullIf {
        left: Box<Expr>,
        right: Box<Expr>,
        collation: Collation,
        result: Type,
    },
    /// `name` as in pg_proc; no argument is `count(*)`.
    Aggregate {
        name: String,
        args: Vec<Expr>,
        distinct: bool,
        filter: Option<Box<Expr>>,
        collation: Collation,
        result: Type,
    },
    /// A semi join, or an anti join when negated.
    Exists {
        negated: bool,
        from: Box<From>,
        conditions: Vec<Expr>,
    },
}

impl Expr {
    /// The expressions that it is made of.
    pub fn parts(&self) -> Vec<&Expr> {
        match self {
            Expr::Column(_) | Expr::Const(..) | Expr::Param { .. } | Expr::ArrayParam { .. } => vec![],
            Expr::Not(arg) | Expr::NullTest { arg, .. } | Expr::BoolTest { arg, .. } => vec![arg],
            Expr::And(args) | Expr::Or(args) => args.iter().collect(),
            Expr::Function { args, .. } | Expr::Coalesce { args, .. } => args.iter().collect(),
            Expr::Distinct { left, right, .. }
            | Expr::Operator { left, right, .. }
            | Expr::NullIf { left, right, .. } => vec![left, right],
            Expr::ArrayTest { left, elements, .. } => {
                std::iter::once(left.as_ref()).chain(elements.iter()).collect()
            }
            Expr::Case { whens, default, .. } => {
                whens.iter().flat_map(|(when, then)| [when, then]).chain(default.as_deref()).collect()
            }
            Expr::Aggregate { args, filter, .. } => args.iter().chain(filter.as_deref()).collect(),
            Expr::Exists { conditions, .. } => conditions.iter().collect(),
        }
    }
}

#[derive(Debug, Clone, PartialEq)]
pub enum From {
    Table { relation: u32 },
    Join { kind: JoinKind, left: Box<From>, right: Box<From>, on: Vec<Expr> },
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum JoinKind {
    Inner,
    Left,
    Right,
}

/// One remote query.
#[derive(Debug, Clone, PartialEq)]
pub struct Select {
    pub from: From,
    /// All must hold.
    pub conditions: Vec<Expr>,
    pub targets: Vec<Target>,
    pub groups: Option<Groups<Expr>>,
    pub distinct: bool,
    pub order_by: Vec<Order>,
    /// `bigint` constants or parameters.
    pub limit: Option<Expr>,
    pub offset: Option<Expr>,
}

impl Select {
    /// Every row.
    pub fn of(from: From, targets: Vec<Target>) -> Select {
        Select {
            from,
            conditions: vec![],
            targets,
            groups: None,
            distinct: false,
            order_by: vec![],
            limit: None,
            offset: None,
        }
    }
}

/// GROUP BY, or aggregates alone: one row per group, or one alone.
#[derive(Debug, Clone, PartialEq)]
pub struct Groups<E> {
    pub by: Vec<E>,
    pub having: Vec<E>,
}

/// One result column.
#[derive(Debug, Clone, PartialEq)]
pub enum Target {
    /// The cell as it is stored, to be decoded by its column's rules. Not in grouped or distinct queries.
    Cell(Var),
    /// The rowid, for a row that will be changed.
    Rowid { relation: u32 },
    /// A computed value in its type's canonical form.
    Value(Expr),
}

#[derive(Debug, Clone, PartialEq)]
pub struct Order {
    pub expr: Expr,
    pub collation: Collation,
    pub descending: bool,
    pub nulls_first: bool,
}
