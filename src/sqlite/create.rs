//! Writes a new SQLite file, which nobody else has until it is whole: without a journal, in one transaction, checked at its
//! end. A file whose writing has failed is worth nothing; the caller removes it.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use rusqlite::types::{ToSqlOutput, ValueRef};
use rusqlite::{Connection, OpenFlags};

use super::Error;
use pg_sqlite_migrate_core::sqltext::sqlite_ident;
use pg_sqlite_migrate_core::value::CellBuf;

/// A file that is being written.
pub struct NewFile {
    connection: Connection,
    /// How messages name it.
    shown: PathBuf,
}

/// What is decided before the first page is written.
#[derive(Debug, Clone)]
pub struct Layout<'a> {
    pub encoding: &'a str,
    pub page_size: i64,
    pub auto_vacuum: &'a str,
    pub application_id: i64,
    pub user_version: i64,
    /// The most bytes that the file may have.
    pub limit: Option<u64>,
}

/// Rows of one table, cell by cell.
#[derive(Debug, Default)]
pub struct Rows {
    pub cells: Vec<CellBuf<'static>>,
}

/// A row without a parent.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Orphans {
    pub table: String,
    pub parent: String,
    pub rows: u64,
}

pub type Interrupted = Arc<dyn Fn() -> bool + Send + Sync>;

impl NewFile {
    /// Opens an empty file that is there.
    pub fn create(
        path: &Path,
        shown: &Path,
        layout: &Layout<'_>,
        stop: Interrupted,
    ) -> Result<NewFile, Error> {
        const OPERATIONS_BETWEEN_LOOKS: i32 = 2000;
        let mapped = |e| Error::from_sqlite(shown, e).of_change();
        let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX;
        let mut connection = Connection::open_with_flags(path, flags).map_err(mapped)?;
        connection.progress_handler(OPERATIONS_BETWEEN_LOOKS, Some(move || stop())).map_err(mapped)?;
        let Layout { encoding, page_size, auto_vacuum, application_id, user_version, limit } = layout;
        let pragmas = format!(
            "PRAGMA page_size = {page_size}; PRAGMA encoding = '{encoding}'; PRAGMA auto_vacuum = {auto_vacuum};
             PRAGMA locking_mode = EXCLUSIVE; PRAGMA journal_mode = OFF; PRAGMA synchronous = OFF;
             PRAGMA foreign_keys = OFF; PRAGMA temp_store = FILE;
             BEGIN EXCLUSIVE; PRAGMA application_id = {application_id}; PRAGMA user_version = {user_version};"
        );
        connection.execute_batch(&pragmas).map_err(mapped)?;
        if let Some(limit) = limit {
            let pages = (limit / page_size.unsigned_abs()).max(1);
            connection.execute_batch(&format!("PRAGMA max_page_count = {pages}")).map_err(mapped)?;
        }
        Ok(NewFile { connection, shown: shown.to_owned() })
    }

    fn mapped(&self, error: rusqlite::Error) -> Error {
        Error::from_sqlite(&self.shown, error).of_change()
    }

    /// Runs a statement without parameters.
    pub fn execute(&self, sql: &str) -> Result<(), Error> {
        self.connection.execute_batch(sql).map_err(|e| self.mapped(e))
    }

    /// Inserts the rows that `next` hands out, of as many columns as the table's are; gives their number.
    pub fn insert(
        &mut self,
        table: &str,
        columns: &[String],
        mut next: impl FnMut() -> Option<Rows>,
    ) -> Result<u64, Error> {
        let names: Vec<String> = columns.iter().map(|name| sqlite_ident(name)).collect();
        let places = vec!["?"; columns.len()].join(", ");
        let sql = format!("INSERT INTO {} ({}) VALUES ({places})", sqlite_ident(table), names.join(", "));
        let mut statement = self.connection.prepare(&sql).map_err(|e| self.mapped(e))?;
        let mut count = 0;
        while let Some(rows) = next() {
            for row in rows.cells.chunks(columns.len().max(1)) {
                for (at, cell) in row.iter().enumerate() {
                    let value = ToSqlOutput::Borrowed(value(cell));
                    statement.raw_bind_parameter(at + 1, value).map_err(|e| self.mapped(e))?;
                }
                statement.raw_execute().map_err(|e| self.mapped(e))?;
                count += 1;
            }
        }
        Ok(count)
    }

    /// The last number that an AUTOINCREMENT table has given is this at least.
    pub fn count_from(&self, table: &str, last: i64) -> Result<(), Error> {
        let raised = "UPDATE sqlite_sequence SET seq = max(seq, ?2) WHERE name = ?1";
        let made = "INSERT INTO sqlite_sequence (name, seq) VALUES (?1, ?2)";
        let run = || -> rusqlite::Result<usize> {
            match self.connection.execute(raised, (table, last))? {
                0 if last > 0 => self.connection.execute(made, (table, last)),
                count => Ok(count),
            }
        };
        run().map(drop).map_err(|e| self.mapped(e))
    }

    /// How many rows a table has.
    pub fn count(&mut self, table: &str) -> Result<i64, Error> {
        let sql = format!("SELECT count(*) FROM {}", sqlite_ident(table));
        self.connection.query_row(&sql, (), |row| row.get(0)).map_err(|e| self.mapped(e))
    }

    /// What SQLite finds wrong with the file, if anything.
    pub fn problems(&mut self) -> Result<Vec<String>, Error> {
        let run = || -> rusqlite::Result<Vec<String>> {
            let mut statement = self.connection.prepare("PRAGMA integrity_check(10)")?;
            let lines = statement.query_map((), |row| row.get(0))?;
            lines.collect()
        };
        let mut lines = run().map_err(|e| self.mapped(e))?;
        lines.retain(|line| line != "ok");
        Ok(lines)
    }

    /// Rows that have no parent, by table and parent.
    pub fn orphans(&mut self) -> Result<Vec<Orphans>, Error> {
        const FOUND: &str = "SELECT \"table\", parent, count(*) FROM pragma_foreign_key_check GROUP BY 1, 2";
        let run = || -> rusqlite::Result<Vec<Orphans>> {
            let mut statement = self.connection.prepare(FOUND)?;
            let of_row = |row: &rusqlite::Row<'_>| {
                Ok(Orphans {
                    table: row.get(0)?,
                    parent: row.get(1)?,
                    rows: row.get::<_, i64>(2)?.unsigned_abs(),
                })
            };
            statement.query_map((), of_row)?.collect()
        };
        run().map_err(|e| self.mapped(e))
    }

    /// Commits, and closes the file in the mode in which it is to be found.
    pub fn finish(self, wal: bool) -> Result<(), Error> {
        self.execute("COMMIT; PRAGMA synchronous = FULL; PRAGMA journal_mode = DELETE")?;
        if wal {
            self.execute("PRAGMA journal_mode = WAL")?;
        }
        let shown = self.shown;
        self.connection.close().map_err(|(_, e)| Error::from_sqlite(&shown, e).of_change())
    }
}

fn value<'a>(cell: &'a CellBuf<'_>) -> ValueRef<'a> {
    match cell {
        CellBuf::Null => ValueRef::Null,
        CellBuf::Integer(i) => ValueRef::Integer(*i),
        CellBuf::Real(r) => ValueRef::Real(*r),
        CellBuf::Text(text) => ValueRef::Text(text.as_bytes()),
        CellBuf::Blob(bytes) => ValueRef::Blob(bytes),
    }
}
