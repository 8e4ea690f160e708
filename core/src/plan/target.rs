//! What the target database has, as far as decisions need it. Pure data; `import::existing` reads it.

use serde::Deserialize;

use super::given::words::Nocase;
use super::trial::{Answer, BrokenCheck, EqualKeys, Oversized, Refusal};
use super::trigger::TriggerRefusal;
use super::view::ViewRefusal;
use crate::value::PgType;

/// What the target database already has or can do.
#[derive(Debug, Clone, Default)]
pub struct Target {
    /// Existing relations in the schemas that the plan may touch.
    pub relations: Vec<ExistingTable>,
    /// ICU collations can be made, so NOCASE can be a nondeterministic collation.
    pub icu: bool,
    /// LIKE and regular expressions work under a nondeterministic collation, as they do since PostgreSQL 18.
    pub nondeterministic_like: bool,
    /// Generated columns may be virtual, as they may since PostgreSQL 18.
    pub virtual_columns: bool,
    /// The type citext, where it is there or the caller can create its extension.
    pub citext: Option<Citext>,
    /// Extensions that the plan may make use of, if they are there or the caller can create them.
    pub extensions: Vec<Extension>,
    /// What PostGIS knows of systems of coordinates, where it is there.
    pub systems: Option<Systems>,
    /// The caller can create helper functions.
    pub helpers: Option<Helpers>,
    /// The database's encoding is UTF8.
    pub utf8: bool,
    /// `lower()` of the database changes no letter beyond ASCII.
    pub lowers_ascii_only: bool,
    /// The caller may make no temporary tables.
    pub no_temporary: bool,
    /// What fits on a page of its.
    pub page: Page,
    /// Texts are bytes (SQL_ASCII).
    pub texts_of_bytes: bool,
    /// Functions without arguments in the plan's schemas.
    pub functions: Vec<ExistingFunction>,
    /// Types in the plan's schemas that are no tables.
    pub types: Vec<ExistingType>,
    /// Schemas that exist, so that they need not be made.
    pub schemas: Vec<String>,
    /// Materialised views that read the relations, directly or through others, in the order of a refresh.
    pub views: Vec<ExistingView>,
    /// A run has made what the plan says, and the values were loaded: they are what their types say.
    pub made: bool,
    /// What the server does not take of the plan's tables, as far as it has been tried.
    pub refused: Vec<Refusal>,
    /// The views that it does not take.
    pub refused_views: Vec<ViewRefusal>,
    /// The triggers that it does not take.
    pub refused_triggers: Vec<TriggerRefusal>,
    /// Rows that it does not take, and rows whose keys would be equal, as far as the plan has asked.
    pub oversized: Vec<Answer<Oversized>>,
    pub equal_keys: Vec<Answer<EqualKeys>>,
    pub broken_checks: Vec<Answer<BrokenCheck>>,
}

/// A function without arguments.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ExistingFunction {
    pub schema: String,
    pub name: String,
    /// It is a trigger's, and the caller may replace it and trusts its owner.
    pub replaceable: bool,
    /// Tables with a trigger that calls it, by oid.
    pub tables: Vec<u32>,
}

/// A type that is no table's.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ExistingType {
    pub schema: String,
    pub name: String,
    /// In their order; none of a type that is no enum.
    pub labels: Vec<String>,
    /// The caller may make columns of it.
    pub usable: bool,
}

/// The type that ignores case.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Citext {
    /// The type's qualified name, printed: `public.citext`.
    Installed(String),
    /// The schema for the extension; `None` where there is none that everybody has in the search path.
    Creatable(Option<String>),
}

/// The schema of the helper functions, in which the caller can create them.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Helpers {
    /// The caller can create it otherwise.
    pub schema_exists: bool,
}

/// An extension that a plan may make use of.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Extension {
    pub name: String,
    /// Where it is or would be; `None` where there is no schema that everybody has in the search path.
    pub schema: Option<String>,
    /// The caller can create it otherwise.
    pub installed: bool,
}

/// Rows of PostGIS's `spatial_ref_sys`: those that the systems of the file could be, or whose SRIDs they could want.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Systems {
    pub rows: Vec<KnownSystem>,
    /// The caller may add others.
    pub insertable: bool,
}

#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct KnownSystem {
    pub srid: i32,
    pub organisation: String,
    pub code: i32,
    pub definition: String,
}

impl Target {
    /// Whether the schema of the helper functions is there, to create them in.
    pub fn has_helper_schema(&self) -> bool {
        self.helpers.is_some_and(|helpers| helpers.schema_exists)
    }

    /// What COLLATE NOCASE becomes where the overrides do not say. LIKE is to go on working.
    pub fn default_nocase(&self) -> Nocase {
        match () {
            () if self.citext.is_some() => Nocase::Citext,
            () if self.icu && self.nondeterministic_like => Nocase::Collation,
            () => Nocase::Lower,
        }
    }
}

/// What fits on a page of the server's, in bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Page {
    /// `MaxHeapTupleSize`: a row on a page of its own, after the page's header and one line pointer.
    pub row: u64,
    /// `BTMaxItemSize`: an entry, of which a page of a btree must hold three, each with a tuple id of a heap.
    pub entry: u64,
}

impl Page {
    /// Of pages of `BLCKSZ` bytes.
    pub const fn of(block: u64) -> Page {
        Page { row: block - 32, entry: (block - 40 - 16) / 3 / 8 * 8 - 8 }
    }
}

impl Default for Page {
    /// Pages as nearly every server has them.
    fn default() -> Page {
        Page::of(8192)
    }
}

/// A relation of the target, as far as a load into it has to know it.
#[derive(Debug, Clone, Default)]
pub struct ExistingTable {
    pub oid: u32,
    pub schema: String,
    pub name: String,
    /// `r` table, `p` partitioned, `v` view, … as `pg_class.relkind`.
    pub relkind: char,
    /// It is a partition of another table.
    pub partition: bool,
    pub columns: Vec<ExistingColumn>,
    /// Rows it holds; `None` where they were not counted.
    pub rows: Option<u64>,
    /// The primary key, unique constraints and unique indexes that `ON CONFLICT` may name.
    pub keys: Vec<ExistingKey>,
    /// Its btrees.
    pub indexes: Vec<ExistingIndex>,
    /// Foreign keys that its rows have to obey.
    pub foreign_keys: Vec<ExistingForeignKey>,
    /// Other tables with foreign keys to it: schema and name.
    pub referenced_by: Vec<(String, String)>,
    /// Views that read it, also through others.
    pub read_by: Vec<Reader>,
    /// User triggers that an INSERT would fire.
    pub triggers: Vec<String>,
    /// It has rules for INSERT.
    pub insert_rules: bool,
    /// Citus keeps its rows, and this is the node that it asks about them.
    pub citus: Option<Node>,
    /// An INSERT can be run on it: tables, and views that are updatable or have a trigger or rule for it.
    pub insertable: bool,
    /// The caller has the rights of its owner.
    pub owned: bool,
    /// The role that owns it, or its partitions or what it is one of, where its code should not run with the caller's
    /// rights unasked.
    pub untrusted_owner: Option<String>,
    /// The table in the same schema that an index or an owned sequence goes with when it is dropped.
    pub part_of: Option<String>,
    /// Why its rows were not counted.
    pub uncounted: Option<String>,
    /// What a migration tool has recorded in it, in order; `None` where it is no such table.
    pub levels: Option<Vec<String>>,
}

impl ExistingTable {
    pub fn has_rows(&self) -> bool {
        self.rows.is_some_and(|n| n > 0)
    }

    pub fn column(&self, name: &str) -> Option<&ExistingColumn> {
        self.columns.iter().find(|c| c.name == name)
    }
}

/// A view that reads a relation.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Reader {
    pub schema: String,
    pub name: String,
    pub materialised: bool,
}

/// What a server is in Citus.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Node {
    Coordinator,
    Worker,
}

/// In Citus, sequences give out values from here on to workers only: the worker's number is in the upper bits.
pub const CITUS_WORKERS_FROM: i64 = 1 << 48;

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ExistingColumn {
    pub name: String,
    pub pg_type: PgType,
    pub not_null: bool,
    pub has_default: bool,
    /// The default as SQL that means the same whatever the search path is.
    pub default: Option<String>,
    pub identity: Option<Identity>,
    /// Citus distributes the table by it, and takes no NULL for that reason alone.
    pub distributes: bool,
    /// Its values are computed: nothing can be written to it.
    pub generated: bool,
    /// They are computed when they are read (VIRTUAL).
    pub unstored: bool,
    /// The sequence that it takes numbers from, its own or one that its default names, as SQL names it.
    pub sequence: Option<String>,
    /// The caller does not own that sequence.
    pub others_sequence: bool,
}

impl ExistingColumn {
    /// A plain column that takes NULL and has no default.
    pub fn new(name: impl Into<String>, pg_type: PgType) -> ExistingColumn {
        ExistingColumn {
            name: name.into(),
            pg_type,
            not_null: false,
            has_default: false,
            default: None,
            identity: None,
            distributes: false,
            generated: false,
            unstored: false,
            sequence: None,
            others_sequence: false,
        }
    }

    /// The sequence that numbers new rows. A cast to a type with a length would cut a number's digits off.
    pub fn numbers(&self) -> Option<&String> {
        let whole = match self.pg_type.base() {
            PgType::Text | PgType::Varchar(None) | PgType::Numeric(None) => true,
            other => other.is_integer(),
        };
        self.sequence.as_ref().filter(|_| whole)
    }

    /// What keeps NULL out, for messages.
    pub fn why_not_null(&self) -> &'static str {
        if self.distributes { "the distribution column" } else { "NOT NULL" }
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Identity {
    Always,
    ByDefault,
}

#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ExistingKey {
    /// Of the constraint, or of the index where there is no constraint.
    pub name: String,
    pub columns: Vec<String>,
    pub primary: bool,
    /// It is a constraint and not only an index.
    pub constraint: bool,
    pub deferrable: bool,
}

/// A btree, as far as the size of its entries depends on it.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ExistingIndex {
    pub name: String,
    /// Every column that it reads.
    pub columns: Vec<String>,
    /// It computes something of them.
    pub computes: bool,
    /// Its definition from the keys on: ` USING btree (…) …`.
    pub definition: String,
    /// Of an index that only a partition has: the condition of the rows that go there.
    pub partition: Option<String>,
}

#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ExistingForeignKey {
    pub name: String,
    pub columns: Vec<String>,
    pub parent_schema: String,
    pub parent: String,
    pub parent_columns: Vec<String>,
    /// One per column.
    pub operators: Vec<KeyOperator>,
    /// MATCH FULL.
    pub full: bool,
    /// It has a PERIOD: only the server can tell which rows have a parent.
    pub period: bool,
    /// Its triggers fire for ordinary sessions.
    pub enforced: bool,
    /// False for NOT VALID.
    pub validated: bool,
    /// Its existing orphans.
    pub existing_orphans: ExistingOrphans,
}

/// What is known of existing rows without a parent.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub enum ExistingOrphans {
    /// They were not counted.
    #[default]
    Unasked,
    Counted(u64),
    /// They could not be counted, for this reason.
    Refused(String),
}

/// The operator by which a foreign key compares a column of the parent with one of the child, and the types that it
/// takes them for; all schema-qualified: `pg_catalog.=`.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
pub struct KeyOperator {
    pub name: String,
    pub parent_type: String,
    pub child_type: String,
}

/// A materialised view, and the relations that its query reads.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ExistingView {
    pub schema: String,
    pub name: String,
    pub reads: Vec<(String, String)>,
}
