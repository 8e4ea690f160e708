//! Reads a table in the order in which PostgreSQL sorts the values that its cells become, so that both can be merged; or in
//! whatever order it is stored, without a key.
//!
//! SQLite sorts by what a function of ours makes of the key's cells; rows that do not fit into memory are sorted in files.
//! Runs on the reader thread, so it may name nothing of the server.

use rusqlite::functions::{Context, FunctionFlags};
use rusqlite::types::Value;

use super::rows::{cell, list};
use super::{Error, Source, absent};
use pg_sqlite_migrate_core::sqltext::sqlite_ident;
use pg_sqlite_migrate_core::value::Cell;
use pg_sqlite_migrate_core::value::buffer::{Buffer, OutOfMemory};
use pg_sqlite_migrate_core::verify::back::Way;

const KEY: &str = "pg_sqlite_key";

const FLAGS: FunctionFlags = FunctionFlags::SQLITE_UTF8
    .union(FunctionFlags::SQLITE_DETERMINISTIC)
    .union(FunctionFlags::SQLITE_DIRECTONLY);

/// Which rows are read, and by what they are sorted.
pub struct Ordered<'a> {
    pub table: &'a str,
    /// A name of the table's rowid, if it has one.
    pub rowid: Option<&'a str>,
    /// What is read for each column.
    pub terms: &'a [String],
    pub filter: Option<&'a str>,
    /// The columns of the key, each with the way of its values.
    pub key: &'a [(usize, Way)],
    /// The key is the rowid itself.
    pub by_rowid: bool,
}

/// Rows of cells, as they are stored.
#[derive(Debug, Default)]
pub struct Rows {
    width: usize,
    rowids: Vec<Option<i64>>,
    cells: Vec<Stored>,
    bytes: Buffer,
}

/// A cell whose bytes lie elsewhere.
#[derive(Debug, Clone, Copy)]
enum Stored {
    Null,
    Integer(i64),
    Real(f64),
    Text { start: usize, end: usize },
    Blob { start: usize, end: usize },
}

/// What is read before it is handed over.
const FULL_BYTES: usize = 1 << 20;
const FULL_ROWS: usize = 1000;

impl Rows {
    pub fn count(&self) -> usize {
        self.rowids.len()
    }

    pub fn rowid(&self, row: usize) -> Option<i64> {
        self.rowids.get(row).copied().flatten()
    }

    pub fn cell(&self, row: usize, column: usize) -> Cell<'_> {
        let bytes = |start, end| self.bytes.bytes().get(start..end).unwrap_or_default();
        match self.cells.get(row * self.width + column) {
            None | Some(Stored::Null) => Cell::Null,
            Some(Stored::Integer(integer)) => Cell::Integer(*integer),
            Some(Stored::Real(real)) => Cell::Real(*real),
            Some(Stored::Text { start, end }) => Cell::Text(bytes(*start, *end)),
            Some(Stored::Blob { start, end }) => Cell::Blob(bytes(*start, *end)),
        }
    }

    fn is_full(&self) -> bool {
        self.bytes.len() >= FULL_BYTES || self.rowids.len() >= FULL_ROWS
    }

    fn push(&mut self, cell: Cell<'_>) -> Result<(), OutOfMemory> {
        let start = self.bytes.len();
        let stored = match cell {
            Cell::Null => Stored::Null,
            Cell::Integer(integer) => Stored::Integer(integer),
            Cell::Real(real) => Stored::Real(real),
            Cell::Text(bytes) => {
                self.bytes.extend(bytes)?;
                Stored::Text { start, end: self.bytes.len() }
            }
            Cell::Blob(bytes) => {
                self.bytes.extend(bytes)?;
                Stored::Blob { start, end: self.bytes.len() }
            }
        };
        self.cells.push(stored);
        Ok(())
    }
}

/// Reads every row; `emit` takes some of them, and gives `false` to stop.
pub fn read(source: &Source, what: &Ordered<'_>, emit: &mut dyn FnMut(Rows) -> bool) -> Result<(), Error> {
    let no_memory =
        || Error::NoMemory { path: source.path().to_owned(), object: Some(what.table.to_owned()) };
    source
        .ask(|connection| {
            let ways: Vec<Way> = what.key.iter().map(|(_, way)| way.clone()).collect();
            connection.create_scalar_function(KEY, 2, FLAGS, move |context| key(&ways, context))?;
            let mut statement = connection.prepare(&what.sql())?;
            let mut found = statement.query([])?;
            let new = || Rows { width: what.terms.len(), ..Rows::default() };
            let mut rows = new();
            while let Some(row) = found.next()? {
                let first = usize::from(what.rowid.is_some());
                rows.rowids.push(what.rowid.map(|_| row.get(0)).transpose()?);
                for column in 0..what.terms.len() {
                    let pushed =
                        absent::looking(|| row.get_ref(first + column).map(|value| rows.push(cell(value))))?;
                    if pushed?.is_err() {
                        return Ok(Err(no_memory()));
                    }
                }
                if rows.is_full() && !emit(std::mem::replace(&mut rows, new())) {
                    return Ok(Ok(()));
                }
            }
            emit(rows);
            Ok(Ok(()))
        })
        .map_err(|e| e.within(what.table))?
}

/// The key of `ways[$1]` for the cell `$2`. A cell that has none sorts with the NULLs, and is no pair of theirs.
fn key(ways: &[Way], context: &Context<'_>) -> rusqlite::Result<Value> {
    let way = usize::try_from(context.get::<i64>(0)?).ok().and_then(|at| ways.get(at));
    let key = absent::looking(|| way.and_then(|way| way.key(cell(context.get_raw(1)))))?;
    Ok(key.flatten().map_or(Value::Null, Value::Blob))
}

impl Ordered<'_> {
    fn sql(&self) -> String {
        let condition = self.filter.map(|filter| format!(" WHERE ({filter}\n)")).unwrap_or_default();
        let by = |(at, (column, _)): (usize, &(usize, Way))| {
            Some(format!("{KEY}({at}, {})", self.terms.get(*column)?))
        };
        let order: Vec<String> = match self.rowid.filter(|_| self.by_rowid) {
            Some(rowid) => vec![rowid.to_owned()],
            None => self.key.iter().enumerate().filter_map(by).collect(),
        };
        let order = if order.is_empty() { String::new() } else { format!(" ORDER BY {}", order.join(", ")) };
        // An index may need a collation that only the application has.
        format!(
            "SELECT {} FROM main.{} NOT INDEXED{condition}{order}",
            list(self.rowid, self.terms),
            sqlite_ident(self.table),
        )
    }
}
