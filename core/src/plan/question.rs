//! What a plan asks of the file before it is sure. Data only; `sqlite` has the queries.

use super::trial::Part;
use crate::catalog::TableId;
use crate::value::image::Image;

/// `pg_sqlite_loads(table, column, value)`: whether a load takes the value, or rejects its row.
pub const LOADS: &str = "pg_sqlite_loads";

/// A table of which `on_invalid: "reject"` may leave rows out.
#[derive(Debug, Clone)]
pub struct Rejecting {
    pub table: TableId,
    pub columns: Vec<RejectingColumn>,
}

#[derive(Debug, Clone)]
pub struct RejectingColumn {
    /// What a SELECT reads for it.
    pub term: String,
    pub image: Image,
    pub not_null: bool,
}

impl Rejecting {
    /// True of the rows that are loaded, as far as this is known without the server.
    pub fn condition(&self) -> String {
        let table = self.table.index();
        let loads =
            |(i, column): (usize, &RejectingColumn)| format!("{LOADS}({table}, {i}, {})", column.term);
        self.columns.iter().enumerate().map(loads).collect::<Vec<_>>().join(" AND ")
    }

    /// The same with another condition.
    pub fn within(&self, filter: Option<&str>) -> String {
        // The line break ends a comment.
        filter.map(|filter| format!("({filter}\n) AND ")).unwrap_or_default() + &self.condition()
    }
}

/// Are there rows whose keys are equal once converted?
#[derive(Debug, Clone)]
pub struct KeyQuestion {
    pub table: TableId,
    pub part: Part,
    pub source: String,
    /// What a SELECT reads for the key's columns, and what becomes of these values.
    pub columns: Vec<(String, Image)>,
    /// Selects the rows that are loaded.
    pub filter: Option<String>,
    /// The condition of a partial index.
    pub predicate: Option<Condition>,
}

/// Which rows may be too large?
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Bound {
    /// The most bytes that a row may take, as an expression of SQLite's.
    pub size: String,
    /// What is no larger is accepted.
    pub safe: u64,
}

/// A key or index, by which rows of the file that break it are found.
#[derive(Debug, Clone)]
pub struct Breakable {
    pub name: String,
    pub rows: KeyQuestion,
    /// Of the size of its entries.
    pub bound: Bound,
}

/// How many rows break a CHECK once their values are converted?
#[derive(Debug, Clone)]
pub struct CheckQuestion {
    pub table: TableId,
    pub part: Part,
    pub source: String,
    /// Selects the rows that are loaded.
    pub filter: Option<String>,
    pub check: Condition,
}

/// A condition of the file's over values as they are loaded.
#[derive(Debug, Clone, Default)]
pub struct Condition {
    pub sql: String,
    /// Columns that are not loaded as they are stored.
    pub columns: Vec<LoadedColumn>,
}

impl Condition {
    /// Over what is stored.
    pub fn of_stored(sql: &str) -> Condition {
        Condition { sql: sql.to_owned(), columns: vec![] }
    }
}

/// A column as it is loaded, for a condition of SQLite's.
#[derive(Debug, Clone)]
pub struct LoadedColumn {
    pub name: String,
    /// What a SELECT reads for it.
    pub term: String,
    pub image: Image,
    /// The condition sees the image; otherwise the value as it is read, or NULL where it becomes that.
    pub converted: bool,
    /// The affinity of the values, by the name of a type that has it.
    pub cast: Option<&'static str>,
    /// The collation that comparisons use, where SQLite has it built in.
    pub collation: Option<String>,
}
