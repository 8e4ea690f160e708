//! What a SQLite file declares: the neutral description that every other room works from.
//!
//! Pure data. `sqlite::introspect` fills it; nobody else looks into `sqlite_schema`.
//! Names and SQL texts are kept exactly as the file spells them.

use sqlite3_parser::lexer::Scanner;
use sqlite3_parser::lexer::sql::Tokenizer;

use crate::chroma;
use crate::sqltext::sqlite_unquote;
pub use crate::value::affinity::Affinity;
use crate::value::geometry::declared::Geometries;
use crate::vectors::Vectors;

/// Everything one SQLite database file declares, in `sqlite_schema` order.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Catalog {
    pub encoding: Encoding,
    /// Bytes per page.
    pub page_size: u32,
    /// Pages in the file, as the header of the open snapshot says.
    pub page_count: u64,
    pub user_version: i32,
    pub application_id: i32,
    pub tables: Vec<Table>,
    pub views: Vec<View>,
    pub triggers: Vec<Trigger>,
    /// Objects whose definition SQLite or the parser could not read.
    pub problems: Vec<Problem>,
    /// The collections of a file of ChromaDB's.
    pub collections: Vec<chroma::Collection>,
    /// Why a file with ChromaDB's tables is read as any other.
    pub unrecognised: Option<String>,
}

#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Encoding {
    #[default]
    Utf8,
    Utf16Le,
    Utf16Be,
}

#[derive(Debug, Clone, Default, PartialEq)]
pub struct Table {
    pub name: String,
    pub kind: TableKind,
    /// Of a virtual table.
    pub content: Content,
    /// The virtual table whose rows this shadow table is read for, in its place.
    pub stands_for: Option<String>,
    /// Rows of a shadow table whose virtual table cannot be read.
    pub stored_rows: Option<u64>,
    /// The `CREATE TABLE` text.
    pub sql: String,
    pub without_rowid: bool,
    pub strict: bool,
    pub autoincrement: bool,
    /// `sqlite_sequence.seq`, where the table has a row there.
    pub sequence: Option<i64>,
    pub columns: Vec<Column>,
    pub primary_key: Option<PrimaryKey>,
    pub checks: Vec<Check>,
    pub foreign_keys: Vec<ForeignKey>,
    pub indexes: Vec<Index>,
}

#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub enum TableKind {
    #[default]
    Ordinary,
    /// A virtual table; `usable` says whether its module is compiled in.
    Virtual { module: String, usable: bool },
    /// A table that a virtual table keeps its data in.
    Shadow { of: String },
}

/// Where the rows of a virtual table come from.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub enum Content {
    #[default]
    Computed,
    /// So many rows are in the module's own tables, and nowhere else.
    Own(u64),
    /// An index over another table of the file.
    Of(String),
    /// A full-text index of so many rows, where that is known, whose texts are not in the file.
    Index(Option<u64>),
}

#[derive(Debug, Clone, Default, PartialEq)]
pub struct Column {
    pub name: String,
    /// The declared type as written, `""` when there is none.
    pub declared: String,
    pub not_null: bool,
    /// The DEFAULT expression as SQL text.
    pub default: Option<String>,
    /// COLLATE as written in the declaration (`NOCASE`, `RTRIM`, an application's own), `None` for BINARY.
    pub collation: Option<String>,
    pub generated: Option<Generated>,
    /// A hidden column of a virtual table.
    pub hidden: bool,
    /// The column of the virtual table that a shadow table stores as this one.
    pub called: Option<String>,
    /// It holds geometries, of which the file says this.
    pub geometries: Option<Box<Geometries>>,
    /// It holds vectors.
    pub vectors: Option<Vectors>,
}

#[derive(Debug, Clone, PartialEq)]
pub struct Generated {
    pub expression: String,
    pub stored: bool,
}

#[derive(Debug, Clone, Default, PartialEq)]
pub struct PrimaryKey {
    /// The constraint's name, where it has one.
    pub name: Option<String>,
    /// Column names in key order.
    pub columns: Vec<String>,
    /// The single column is an alias of the rowid (`INTEGER PRIMARY KEY`).
    pub rowid_alias: bool,
}

#[derive(Debug, Clone, PartialEq)]
pub struct Check {
    pub name: Option<String>,
    /// The condition as SQL text, without the outer parentheses.
    pub expression: String,
}

#[derive(Debug, Clone, Default, PartialEq)]
pub struct ForeignKey {
    pub name: Option<String>,
    pub columns: Vec<String>,
    /// The referenced table as written in the constraint.
    pub parent: String,
    /// Referenced columns; the parent's primary key where the constraint names none.
    /// Empty when they cannot be known (the parent is missing or has no such key).
    pub parent_columns: Vec<String>,
    pub on_update: Action,
    pub on_delete: Action,
    pub deferrable: Deferrable,
}

#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Action {
    #[default]
    NoAction,
    Restrict,
    Cascade,
    SetNull,
    SetDefault,
}

impl Action {
    /// As both dialects write it.
    pub fn as_sql(self) -> &'static str {
        match self {
            Action::NoAction => "NO ACTION",
            Action::Restrict => "RESTRICT",
            Action::Cascade => "CASCADE",
            Action::SetNull => "SET NULL",
            Action::SetDefault => "SET DEFAULT",
        }
    }
}

#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Deferrable {
    #[default]
    No,
    InitiallyImmediate,
    InitiallyDeferred,
}

#[derive(Debug, Clone, Default, PartialEq)]
pub struct Index {
    /// The index's name; for `Origin::Unique` and `Origin::PrimaryKey` the automatic one.
    pub name: String,
    pub origin: Origin,
    pub unique: bool,
    /// Key columns only, in order.
    pub columns: Vec<IndexColumn>,
    /// The WHERE condition of a partial index, as SQL text.
    pub predicate: Option<String>,
    /// The name in `CONSTRAINT name UNIQUE (…)`, where there is one.
    pub constraint_name: Option<String>,
    /// The `CREATE INDEX` text, where there is one.
    pub sql: Option<String>,
}

#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Origin {
    /// `CREATE INDEX`
    #[default]
    Created,
    /// A UNIQUE constraint.
    Unique,
    /// The PRIMARY KEY's own index.
    PrimaryKey,
}

#[derive(Debug, Clone, PartialEq)]
pub struct IndexColumn {
    pub key: IndexKey,
    pub descending: bool,
    /// `BINARY`, `NOCASE`, `RTRIM` or an application's own.
    pub collation: String,
}

#[derive(Debug, Clone, PartialEq)]
pub enum IndexKey {
    Column(String),
    Rowid,
    /// SQL text.
    Expression(String),
}

#[derive(Debug, Clone, PartialEq)]
pub struct View {
    pub name: String,
    pub sql: String,
}

#[derive(Debug, Clone, PartialEq)]
pub struct Trigger {
    pub name: String,
    /// The table or view that it belongs to.
    pub table: String,
    pub sql: String,
}

#[derive(Debug, Clone, PartialEq)]
pub struct Problem {
    pub object: String,
    pub reason: String,
}

/// A key that the stored rows break.
#[derive(Debug, Clone, PartialEq)]
pub struct KeyFact {
    /// Source table.
    pub table: String,
    pub kind: KeyFactKind,
    /// Rows concerned.
    pub count: u64,
    /// The first few, as `rowid 7` or `(a, b)`; at most 5.
    pub examples: Vec<String>,
}

/// Which letters are one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Letters {
    /// Those with one small letter, letter by letter, as `lower()` of PostgreSQL and citext have it.
    Lowered,
    /// Those that differ in case only, as in an ICU collation that ignores case: `ß` and `SS` as well.
    Equal,
}

#[derive(Debug, Clone, PartialEq)]
pub enum KeyFactKind {
    /// Rows with a NULL in a declared primary key.
    PrimaryKeyNull,
    /// Groups of rows that share a declared primary key once `1`, `1.0` and `'1'` are one value.
    PrimaryKeyDuplicate,
    /// Groups of rows that share a unique key (by its position in `Table::indexes`) over values of the plan's `using`.
    Duplicate { index: usize },
    /// Rows whose foreign key (by its position in `Table::foreign_keys`) points to no row.
    Orphan { foreign_key: usize },
    /// Rows whose foreign key points to a row that goes because its own points to none, and so on. Without examples.
    CascadedOrphan { foreign_key: usize },
    /// Groups of rows that share a key under NOCASE (by its position in `Table::indexes`) once all letters are folded.
    Folded { index: usize, letters: Letters },
    /// Rows that a CHECK (by its position in `Table::checks`) does not allow. Without examples.
    CheckBroken { check: usize },
}

/// A table of a file, by its place in [`Catalog::tables`]: what it is called from the plan to the log.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct TableId(usize);

impl TableId {
    /// Its place in whatever has one entry per table of the catalog.
    pub fn index(self) -> usize {
        self.0
    }
}

impl Catalog {
    /// Every table with its id.
    pub fn tables_with_ids(&self) -> impl Iterator<Item = (TableId, &Table)> + Clone {
        self.tables.iter().enumerate().map(|(i, table)| (TableId(i), table))
    }

    /// Finds a table by name as SQLite does: ASCII case does not matter.
    pub fn id(&self, name: &str) -> Option<TableId> {
        self.tables.iter().position(|t| t.name.eq_ignore_ascii_case(name)).map(TableId)
    }

    /// Finds a table by name as SQLite does: ASCII case does not matter.
    pub fn table(&self, name: &str) -> Option<&Table> {
        self.tables.iter().find(|t| t.name.eq_ignore_ascii_case(name))
    }
}

impl Table {
    /// Finds a column by name as SQLite does: ASCII case does not matter.
    pub fn column(&self, name: &str) -> Option<&Column> {
        self.columns.iter().find(|c| c.name.eq_ignore_ascii_case(name))
    }

    /// A name by which the rowid can be read: `None` where there is none, or columns took all three names.
    pub fn rowid_name(&self) -> Option<&'static str> {
        // That of a virtual table is only known to mean a row where it is the key.
        let keyed = || self.primary_key.as_ref().is_some_and(|key| key.rowid_alias);
        let has_rowid = !self.without_rowid && (!matches!(self.kind, TableKind::Virtual { .. }) || keyed());
        ["rowid", "_rowid_", "oid"].into_iter().find(|name| has_rowid && self.column(name).is_none())
    }

    /// It is a virtual table of one of these modules.
    pub fn is_of_module(&self, modules: &[&str]) -> bool {
        match &self.kind {
            TableKind::Virtual { module, .. } => modules.iter().any(|m| m.eq_ignore_ascii_case(module)),
            _ => false,
        }
    }

    pub fn is_full_text(&self) -> bool {
        self.is_of_module(&["fts3", "fts4", "fts5"])
    }

    pub fn is_rtree(&self) -> bool {
        self.is_of_module(&["rtree", "rtree_i32"])
    }

    pub fn is_geopoly(&self) -> bool {
        self.is_of_module(&["geopoly"])
    }

    /// Its rows are data: a virtual table keeps them itself.
    pub fn has_own_rows(&self) -> bool {
        matches!(self.content, Content::Own(_))
    }

    /// The name that the target's is made from.
    pub fn called(&self) -> &str {
        self.stands_for.as_deref().unwrap_or(&self.name)
    }

    /// A CHECK calls `json_valid(column)`.
    pub fn json_checked(&self, column: &str) -> bool {
        let is_column = |word: &[u8]| {
            std::str::from_utf8(word).is_ok_and(|w| sqlite_unquote(w).eq_ignore_ascii_case(column))
        };
        self.checks.iter().any(|check| {
            let mut scanner = Scanner::new(Tokenizer::new());
            let mut words: Vec<&[u8]> = vec![];
            while let Ok((_, Some((word, _)), _)) = scanner.scan(check.expression.as_bytes()) {
                words.push(word);
            }
            words.windows(4).any(|four| match four {
                [function, b"(", argument, b")" | b","] => {
                    function.eq_ignore_ascii_case(b"json_valid") && is_column(argument)
                }
                _ => false,
            })
        })
    }
}

impl Column {
    /// The name that the target's is made from.
    pub fn called(&self) -> &str {
        self.called.as_deref().unwrap_or(&self.name)
    }

    pub fn affinity(&self) -> Affinity {
        Affinity::of(&self.declared)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn json_checks_are_recognised_by_their_tokens() {
        let table = |check: &str| Table {
            checks: vec![Check { name: None, expression: check.into() }],
            ..Table::default()
        };
        assert!(table("(JSON_VALID(\"Data\") OR \"Data\" IS NULL)").json_checked("data"));
        assert!(table("json_valid ( [a b] , 6 )").json_checked("a b"));
        assert!(!table("json_valid(a || b)").json_checked("a"));
        assert!(!table("a <> 'json_valid(a)'").json_checked("a"));
    }

    #[test]
    fn the_rowid_has_a_name_unless_columns_took_them() {
        let named = |names: &[&str]| Table {
            columns: names.iter().map(|n| Column { name: (*n).into(), ..Column::default() }).collect(),
            ..Table::default()
        };
        assert_eq!(named(&["a", "ROWID"]).rowid_name(), Some("_rowid_"));
        assert_eq!(named(&["rowid", "oid", "_rowid_"]).rowid_name(), None);
        assert_eq!(Table { without_rowid: true, ..Table::default() }.rowid_name(), None);
    }

    #[test]
    fn affinity_follows_the_five_rules_in_order() {
        for (declared, affinity) in [
            ("INTEGER", Affinity::Integer),
            ("CHARINT", Affinity::Integer),
            ("FLOATING POINT", Affinity::Integer),
            ("VARCHAR(10)", Affinity::Text),
            ("", Affinity::Blob),
            ("BLOB SUB_TYPE TEXT", Affinity::Text),
            ("double precision", Affinity::Real),
            ("STRING", Affinity::Numeric),
            ("DATETIME", Affinity::Numeric),
        ] {
            assert_eq!(Affinity::of(declared), affinity, "{declared}");
        }
    }
}
