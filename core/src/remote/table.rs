//! A foreign table as a query sees it: the file's declarations joined with PostgreSQL's.

use std::collections::BTreeMap;
use std::hash::{DefaultHasher, Hash, Hasher};
use std::rc::Rc;

use super::{Proof, Type};
pub use crate::value::affinity::Affinity;
use crate::value::batch::OnInvalid;
use crate::value::{Format, PgType, Timezone};

/// The foreign tables of one query by their index in its range table.
pub type Tables = BTreeMap<u32, Rc<Table>>;

#[derive(Debug, Clone, Default)]
pub struct Table {
    /// The relation's oid in PostgreSQL.
    pub oid: u32,
    /// The relation's name in PostgreSQL, for messages.
    pub relation: String,
    /// The table or view in the file.
    pub name: String,
    pub is_view: bool,
    /// Its cells are stored, and change with the file only; a view and a virtual table compute them.
    pub stored: bool,
    /// The name that gives its rowid (`rowid`, `_rowid_`, `oid`); `None` for a view or WITHOUT ROWID.
    pub rowid: Option<String>,
    /// By attribute number - 1; `None` where PostgreSQL's column is dropped.
    pub columns: Vec<Option<Column>>,
    /// Attributes (from 1) that name a row: the rowid's alias, or, where there is no rowid, the primary key's or those
    /// of option `key`. Empty where the rowid itself does.
    pub key: Vec<i16>,
    pub indexes: Vec<Index>,
    /// Estimates, from `sqlite_stat1` or the file's pages.
    pub rows: f64,
    pub pages: f64,
    /// The file's texts are UTF-16, and SQLite compares them by its bytes.
    pub utf16: bool,
    /// Of text times without an offset; `None` is UTC.
    pub timezone: Option<Timezone>,
    /// Queries are printed without tests, for when every cell is known to fit.
    pub untested: bool,
}

#[derive(Debug, Clone)]
pub struct Column {
    /// In the file.
    pub name: String,
    pub type_: Type,
    /// By which values are decoded; a domain's values are passed as text, for the server to check its constraints.
    pub pg_type: PgType,
    /// How PostgreSQL names the type, for messages.
    pub type_name: String,
    pub format: Option<Format>,
    pub on_invalid: OnInvalid,
    /// Declared so in PostgreSQL.
    pub not_null: bool,
    pub affinity: Affinity,
    /// The column's own collation in the file.
    pub sorting: Sorting,
    /// The file guarantees the storage class that the affinity names: STRICT, or the rowid's alias.
    pub strict: bool,
    /// The column is the rowid's alias.
    pub is_rowid: bool,
    /// Computed by SQLite: not to be written.
    pub generated: bool,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Sorting {
    #[default]
    Binary,
    Nocase,
    Rtrim,
    /// The application's own, which nobody else can compare by.
    Unknown,
}

/// An index that a condition on its first columns can use; the rowid counts as one.
#[derive(Debug, Clone, PartialEq)]
pub struct Index {
    /// Attribute numbers, in order; ends before the first column that PostgreSQL does not know.
    pub columns: Vec<i16>,
    /// Every column sorts by BINARY.
    pub binary: bool,
    pub unique: bool,
    /// Rows that share a value of the first column, the first two, …; from `sqlite_stat1`, else a guess.
    pub rows_per_key: Vec<f64>,
}

impl Table {
    pub fn column(&self, attribute: i16) -> Option<&Column> {
        self.columns.get(usize::try_from(attribute).ok()?.checked_sub(1)?)?.as_ref()
    }

    /// What plans over the table rest on: all of it but indexes and estimates, which choose between ways that are right.
    pub fn proof(&self) -> Proof {
        let facts = Table { indexes: vec![], rows: 0.0, pages: 0.0, ..self.clone() };
        let mut hasher = DefaultHasher::new();
        format!("{facts:?}").hash(&mut hasher);
        Proof { relation: self.oid, digest: hasher.finish() }
    }
}
