//! The foreign data wrapper's callbacks: PostgreSQL's planner and executor on one side, a [`Wrapper`] that knows the
//! other database on the other.
//!
//! Modelled on contrib/postgres_fdw, whose functions are named where one is followed. What a plan keeps
//! (`fdw_private`) is copyable nodes only: a string of JSON, integers, expression lists. What planning keeps hangs
//! in the planner's memory context, what a scan keeps in the query's, and both are dropped with their context,
//! however the query ends.

use pgrx::pg_sys;
use pgrx::pg_sys::panic::ErrorReport;

use pg_sqlite_migrate_core::remote::{Expr, Order, Proof, Remote, Select, Table, Tables};
use pg_sqlite_migrate_core::value::Decoded;
use pg_sqlite_migrate_core::value::buffer::OutOfMemory;
use pg_sqlite_migrate_core::value::native::Native;

/// A foreign table's attribute.
#[derive(Debug, Clone)]
pub struct Attribute {
    /// From 1.
    pub number: i16,
    pub name: String,
    pub type_oid: pg_sys::Oid,
    pub typmod: i32,
    /// As `format_type` prints it.
    pub pg_type: String,
    pub not_null: bool,
    /// GENERATED in PostgreSQL: computed there.
    pub generated: bool,
    pub options: Options,
}

/// Options in the order of the catalog.
pub type Options = Vec<(String, String)>;

/// A foreign table as PostgreSQL's catalog has it.
#[derive(Debug, Clone)]
pub struct Relation {
    pub oid: pg_sys::Oid,
    pub name: String,
    pub schema: String,
    pub options: Options,
    /// Without dropped ones.
    pub attributes: Vec<Attribute>,
    pub server: Server,
}

#[derive(Debug, Clone)]
pub struct Server {
    pub oid: pg_sys::Oid,
    pub name: String,
    pub owner: pg_sys::Oid,
    pub options: Options,
}

/// What IMPORT FOREIGN SCHEMA asks for.
#[derive(Debug, Clone)]
pub struct Import {
    pub remote_schema: String,
    /// Where the foreign tables go.
    pub local_schema: String,
    /// In LIMIT TO or EXCEPT.
    pub names: Vec<String>,
    pub listed: Listed,
    pub options: Options,
}

/// What IMPORT FOREIGN SCHEMA comes to.
#[derive(Debug, Default)]
pub struct Commands {
    /// What the tables need before: a collation.
    pub first: Option<String>,
    /// One per table, by its name. The server puts each into the local schema.
    pub tables: Vec<(String, String)>,
    /// What the other side has and PostgreSQL cannot have, with the reason.
    pub left_out: Vec<(String, String)>,
}

/// What the names of an [`Import`] are.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Listed {
    All,
    LimitTo,
    Except,
}

/// The other side. Methods fail with the error to raise; none of them calls the server's planner or executor.
pub trait Wrapper: 'static {
    type Scan: Scan;
    type Modify: Modify;

    /// Anything may be shipped at all; off, every table is read whole and the server does the rest.
    fn pushdown() -> bool;

    /// What planning has to know of a foreign table. Opens the file.
    fn table(relation: &Relation) -> Result<Table, ErrorReport>;

    /// SQLite computes this condition as PostgreSQL does.
    fn ships_condition(expr: &Expr, tables: &Tables) -> bool;
    /// A value of it, for a target list, GROUP BY or DISTINCT, comes back as PostgreSQL's.
    fn ships_value(expr: &Expr, tables: &Tables) -> bool;
    /// SQLite sorts by it as PostgreSQL does.
    fn ships_order(order: &Order, tables: &Tables) -> bool;
    /// Text for SQLite. All parts have been found shippable.
    fn deparse(select: &Select, tables: &Tables) -> Remote;
    /// A condition `column op value` on this attribute can use an index of the file as it is shipped.
    fn is_indexable(var: pg_sqlite_migrate_core::remote::Var, tables: &Tables) -> bool;

    fn import(server: &Server, request: &Import) -> Result<Commands, ErrorReport>;

    /// Opens a cursor.
    fn begin_scan(server: &Server, remote: &Remote, reads: Reads) -> Result<Self::Scan, ErrorReport>;

    /// The error of a change where nothing may be changed; what can be changed at all `updatable` knows.
    fn check_writable(relation: &Relation) -> Result<(), ErrorReport>;
    /// Bits of `1 << CMD_INSERT | 1 << CMD_UPDATE | 1 << CMD_DELETE`.
    fn updatable(relation: &Relation) -> Result<i32, ErrorReport>;
    fn begin_modify(relation: &Relation, change: &Change) -> Result<Self::Modify, ErrorReport>;
    /// The statement that a change runs per row, for EXPLAIN.
    fn change_sql(_relation: &Relation, _change: &Change) -> Result<Option<String>, ErrorReport> {
        Ok(None)
    }
    /// Runs a shipped UPDATE or DELETE; see [`Direct`].
    fn begin_direct(relation: &Relation, direct: &Direct) -> Result<Self::Scan, ErrorReport>;
    /// Text of a shipped UPDATE or DELETE, or `None` when a SET expression does not ship.
    fn deparse_direct(target: &DirectTarget, tables: &Tables) -> Option<Direct>;
    fn truncate(relation: &Relation, cascade: bool) -> Result<(), ErrorReport>;
    /// Rows to insert at once.
    fn batch_size(relation: &Relation) -> Result<i32, ErrorReport>;

    /// A query for about `rows` sampled rows of the whole table with all its attributes, and the number of rows.
    fn sample(relation: &Relation, rows: usize) -> Result<(Remote, f64), ErrorReport>;
}

/// What a scan has to be ready for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Reads {
    /// The query changes nothing on this server.
    Only,
    /// The query does, and the scan shows the rows of before.
    BesideChanges,
    /// The same, and shows them again after `rewind`.
    AgainBesideChanges,
}

/// A running remote query. Dropping it releases its statement; it may be dropped at any time, at the transaction's
/// end too.
pub trait Scan {
    /// Starts, or starts again, with these values for the query's parameters (one per `remote.parameters`).
    fn start(&mut self, parameters: &[Native<'_>]) -> Result<(), ErrorReport>;
    /// Goes back to the first row with the same parameters; `false` where rows are not kept, and `start` is due.
    fn rewind(&mut self) -> bool;
    /// Gives the next row's values to `sink`, one call per output, in order; `false` at the end.
    fn next(&mut self, sink: &mut impl Sink) -> Result<bool, ErrorReport>;
    /// The query's work is over: locks may be released. Called before the drop where the server does so.
    fn end(&mut self);
    /// Rows that a direct UPDATE or DELETE without RETURNING has changed.
    fn changed(&self) -> u64;
}

/// Takes the values of one row. May raise the server's errors.
pub trait Sink {
    fn put(&mut self, output: usize, value: Decoded<'_>) -> Result<(), OutOfMemory>;
    /// The rowid of the row.
    fn put_rowid(&mut self, rowid: i64);
}

/// Rows to change one by one.
#[derive(Debug, Clone, PartialEq, serde::Serialize, serde::Deserialize)]
pub struct Change {
    pub operation: Operation,
    /// Attributes that are written, in the order of the values.
    pub attributes: Vec<i16>,
    /// How a row is named: by the rowid when empty, by these attributes' old values otherwise.
    pub key: Vec<i16>,
    /// Attributes that come back, in order.
    pub returning: Vec<i16>,
    /// ON CONFLICT DO NOTHING.
    pub do_nothing: bool,
    /// What it was planned from.
    pub proof: Proof,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Operation {
    Insert,
    Update,
    Delete,
}

/// How a row to be changed was found.
#[derive(Debug)]
pub enum RowKey<'a> {
    Rowid(i64),
    Values(Vec<Native<'a>>),
}

pub trait Modify {
    /// Inserts one row; `false` when a conflict left it out. RETURNING's values go to `sink`, by position in
    /// `Change::returning`.
    fn insert(&mut self, row: &[Native<'_>], sink: &mut impl Sink) -> Result<bool, ErrorReport>;
    /// `false` when the row is gone.
    fn update(
        &mut self,
        key: &RowKey<'_>,
        row: &[Native<'_>],
        sink: &mut impl Sink,
    ) -> Result<bool, ErrorReport>;
    fn delete(&mut self, key: &RowKey<'_>, sink: &mut impl Sink) -> Result<bool, ErrorReport>;
    fn end(&mut self);
}

/// An UPDATE or DELETE of one table that ships whole.
#[derive(Debug)]
pub struct DirectTarget {
    pub operation: Operation,
    pub relation: u32,
    /// Attribute and new value.
    pub set: Vec<(i16, Expr)>,
    pub conditions: Vec<Expr>,
    pub returning: Vec<i16>,
}

#[derive(Debug, Clone, PartialEq, serde::Serialize, serde::Deserialize)]
pub struct Direct {
    /// `outputs` are RETURNING's.
    pub remote: Remote,
    pub operation: Operation,
    /// Parameters (by position in `remote.parameters`) that are stored, with the attribute that takes them: they
    /// are bound in the attribute's own storage form.
    pub stored: Vec<(usize, i16)>,
}
