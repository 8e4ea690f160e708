//! Writes a new SQLite file, which nobody else has until it is whole: without a journal, in one transaction, checked at its
//! end. A file whose writing has failed is worth nothing; the caller removes it.

use std::panic::resume_unwind;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicU8, Ordering};
use std::thread::{Builder, scope};

use rusqlite::hooks::AuthContext;
use rusqlite::limits::Limit;
use rusqlite::types::{ToSqlOutput, ValueRef};
use rusqlite::{Connection, OpenFlags};

use super::Error;
use super::authorize::{Statement, authorize_new};
use super::index_check;
use pg_sqlite_migrate_core::sqltext::{sqlite_ident, sqlite_literal};
use pg_sqlite_migrate_core::value::Cell;
use pg_sqlite_migrate_core::value::buffer::OutOfMemory;

/// A file that is being written.
pub struct NewFile {
    pub(super) connection: Connection,
    path: PathBuf,
    stop: Interrupted,
    /// How messages name it.
    shown: PathBuf,
    /// Whose statement is running.
    statement: Arc<AtomicU8>,
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

/// The lines that `PRAGMA integrity_check` gives at most.
pub const MOST_BROKEN: u64 = 100;

/// Rows of one table, cell by cell, in memory that is filled again and again.
#[derive(Debug, Default)]
pub struct Rows {
    cells: Vec<Held>,
    /// Of the texts and blobs.
    bytes: Vec<u8>,
}

/// A cell; texts and blobs by where they begin, and their length.
#[derive(Debug, Clone, Copy)]
enum Held {
    Null,
    Integer(i64),
    Real(f64),
    Text(usize, usize),
    Blob(usize, usize),
}

/// Bytes that are kept for the next rows; what a large value has taken is given back.
const KEPT: usize = 4 << 20;

impl Rows {
    /// Adds a cell to the last row, or begins one.
    pub fn push(&mut self, cell: Cell<'_>) -> Result<(), OutOfMemory> {
        let held = match cell {
            Cell::Null => Held::Null,
            Cell::Integer(i) => Held::Integer(i),
            Cell::Real(r) => Held::Real(r),
            Cell::Text(text) => Held::Text(self.hold(text)?, text.len()),
            Cell::Blob(bytes) => Held::Blob(self.hold(bytes)?, bytes.len()),
        };
        self.cells.try_reserve(1)?;
        self.cells.push(held);
        Ok(())
    }

    fn hold(&mut self, bytes: &[u8]) -> Result<usize, OutOfMemory> {
        let start = self.bytes.len();
        self.bytes.try_reserve(bytes.len())?;
        self.bytes.extend_from_slice(bytes);
        Ok(start)
    }

    pub fn clear(&mut self) {
        self.cells.clear();
        self.bytes.clear();
        self.bytes.shrink_to(KEPT);
    }

    /// How many rows there are, where a row has as many cells as this.
    pub fn count(&self, width: usize) -> usize {
        self.cells.len() / width.max(1)
    }

    /// Bytes that the cells take.
    pub fn size(&self) -> usize {
        self.bytes.len() + self.cells.len() * size_of::<Held>()
    }

    /// Row by row, where a row has as many cells as this.
    pub fn rows(&self, width: usize) -> impl Iterator<Item = impl Iterator<Item = Cell<'_>>> {
        self.cells.chunks(width.max(1)).map(|row| row.iter().map(|held| self.cell(*held)))
    }

    fn cell(&self, held: Held) -> Cell<'_> {
        let bytes = |start: usize, length: usize| self.bytes.get(start..start + length).unwrap_or_default();
        match held {
            Held::Null => Cell::Null,
            Held::Integer(i) => Cell::Integer(i),
            Held::Real(r) => Cell::Real(r),
            Held::Text(start, length) => Cell::Text(bytes(start, length)),
            Held::Blob(start, length) => Cell::Blob(bytes(start, length)),
        }
    }
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
        let mapped = |e| Error::from_sqlite(shown, e).of_change();
        let real =
            path.parent().and_then(|directory| Some(directory.canonicalize().ok()?.join(path.file_name()?)));
        let path = real.unwrap_or_else(|| path.to_owned());
        let mut connection =
            opened(&path, OpenFlags::SQLITE_OPEN_READ_WRITE, stop.clone()).map_err(mapped)?;
        let statement = Arc::new(AtomicU8::new(Statement::OfPlan as u8));
        let asked = statement.clone();
        let hook = move |context: AuthContext<'_>| {
            let number = asked.load(Ordering::Relaxed);
            let of = [Statement::OfModule, Statement::Own].into_iter().find(|of| *of as u8 == number);
            authorize_new(context, of.unwrap_or(Statement::OfPlan))
        };
        connection.authorizer(Some(hook)).map_err(mapped)?;
        let file = NewFile { connection, path, stop, shown: shown.to_owned(), statement };
        file.begin(layout)?;
        Ok(file)
    }

    fn begin(&self, layout: &Layout<'_>) -> Result<(), Error> {
        let Layout { encoding, page_size, auto_vacuum, application_id, user_version, limit } = layout;
        for (name, value) in [
            ("page_size", page_size.to_string()),
            ("encoding", sqlite_literal(encoding)),
            ("auto_vacuum", sqlite_literal(auto_vacuum)),
            ("locking_mode", "EXCLUSIVE".into()),
            ("journal_mode", "OFF".into()),
            ("synchronous", "OFF".into()),
            ("foreign_keys", "OFF".into()),
            ("temp_store", "FILE".into()),
            // An index is sorted by a second thread while the table is read, each with as much memory as the cache.
            ("cache_size", "-8192".into()),
            ("threads", "1".into()),
        ] {
            self.set(name, &value)?;
        }
        self.run_own("BEGIN EXCLUSIVE")?;
        self.set("application_id", &application_id.to_string())?;
        self.set("user_version", &user_version.to_string())?;
        match limit {
            Some(limit) => {
                let pages = (limit / page_size.unsigned_abs()).max(1);
                self.set("max_page_count", &pages.to_string())
            }
            None => Ok(()),
        }
    }

    /// A setting of the connection's or of the file's.
    fn set(&self, pragma: &str, value: &str) -> Result<(), Error> {
        self.run_own(&format!("PRAGMA {pragma} = {value}"))
    }

    /// A statement that only this module runs: its pragmas, and the transaction.
    fn run_own(&self, sql: &str) -> Result<(), Error> {
        self.run_as(sql, Statement::Own)
    }

    fn run_as(&self, sql: &str, statement: Statement) -> Result<(), Error> {
        self.statement.store(statement as u8, Ordering::Relaxed);
        let outcome = self.run(sql);
        self.statement.store(Statement::OfPlan as u8, Ordering::Relaxed);
        outcome
    }

    /// Runs one statement; another one after it is an error.
    fn run(&self, sql: &str) -> Result<(), Error> {
        let run = || -> rusqlite::Result<()> {
            let mut statement = self.connection.prepare(sql)?;
            let mut rows = statement.query(())?;
            while rows.next()?.is_some() {}
            Ok(())
        };
        run().map_err(|e| self.mapped(e))
    }

    pub(super) fn mapped(&self, error: rusqlite::Error) -> Error {
        Error::from_sqlite(&self.shown, error).of_change()
    }

    /// Whether CHECKs are looked at when a row is inserted.
    pub fn check_rows(&self, check: bool) -> Result<(), Error> {
        self.set("ignore_check_constraints", if check { "OFF" } else { "ON" })
    }

    /// Makes a table, an index, a view or a trigger.
    pub fn execute(&self, sql: &str) -> Result<(), Error> {
        self.run(sql)
    }

    /// Makes or fills a virtual table.
    pub fn execute_module(&self, sql: &str) -> Result<(), Error> {
        self.run_as(sql, Statement::OfModule)
    }

    /// What writes to the tables of a module.
    pub(super) fn as_module<T>(&self, write: impl FnOnce() -> Result<T, Error>) -> Result<T, Error> {
        self.statement.store(Statement::OfModule as u8, Ordering::Relaxed);
        let outcome = write();
        self.statement.store(Statement::OfPlan as u8, Ordering::Relaxed);
        outcome
    }

    /// Inserts the rows that `next` hands out in exchange for the last ones, of as many columns as the table's are; gives
    /// their number.
    pub fn insert(
        &mut self,
        table: &str,
        columns: &[String],
        mut next: impl FnMut(Rows) -> Option<Rows>,
    ) -> Result<u64, Error> {
        /// The parameters of one statement, which takes several rows: to begin and to end one costs as much as a row.
        const PARAMETERS: usize = 256;
        let width = columns.len();
        let together = (PARAMETERS / width.max(1)).max(1);
        let mut single =
            self.connection.prepare(&insertion(table, columns, 1)).map_err(|e| self.mapped(e))?;
        let mut several =
            self.connection.prepare(&insertion(table, columns, together)).map_err(|e| self.mapped(e))?;
        let (mut count, mut done) = (0, Rows::default());
        while let Some(rows) = next(done) {
            let whole = rows.cells.len() - rows.cells.len() % (together * width).max(1);
            let (first, last) = rows.cells.split_at(whole);
            for (statement, cells, of) in [(&mut several, first, together), (&mut single, last, 1)] {
                for cells in cells.chunks((of * width).max(1)) {
                    for (at, held) in cells.iter().enumerate() {
                        let value = ToSqlOutput::Borrowed(value(rows.cell(*held)));
                        statement.raw_bind_parameter(at + 1, value).map_err(|e| self.mapped(e))?;
                    }
                    statement.raw_execute().map_err(|e| self.mapped(e))?;
                    count += of as u64;
                }
            }
            done = rows;
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

    /// What is wrong with the file, if anything, as SQLite's `integrity_check` finds it; CHECKs apart. Whatever was written is
    /// committed. `apart`: there may be another thread.
    pub fn problems(&mut self, apart: bool) -> Result<Vec<String>, Error> {
        self.run_own("COMMIT")?;
        self.check_rows(false)?;
        let pages = || {
            let mut connection = opened(&self.path, OpenFlags::SQLITE_OPEN_READ_ONLY, self.stop.clone())?;
            connection.execute_batch("PRAGMA ignore_check_constraints = ON")?;
            connection.authorizer(Some(|context: AuthContext<'_>| authorize_new(context, Statement::Own)))?;
            index_check::of_pages(&connection)
        };
        let indexes = || index_check::of_indexes(&self.connection);
        let (pages, indexes) = if apart { beside(&pages, indexes) } else { (pages(), indexes()) };
        let pages = pages.map_err(|e| self.mapped(e))?;
        if pages.is_empty() { indexes.map_err(|e| self.mapped(e)) } else { Ok(pages) }
    }

    /// How many rows of a table break a CHECK of it: no more than [`MOST_BROKEN`] are counted.
    pub fn broken_checks(&mut self, table: &str) -> Result<u64, Error> {
        self.check_rows(true)?;
        let lines = self.lines(&format!("PRAGMA integrity_check({})", sqlite_literal(table)))?;
        Ok(lines.iter().filter(|line| line.starts_with("CHECK constraint failed")).count() as u64)
    }

    fn lines(&self, sql: &str) -> Result<Vec<String>, Error> {
        let run = || -> rusqlite::Result<Vec<String>> {
            let mut statement = self.connection.prepare(sql)?;
            let lines = statement.query_map((), |row| row.get(0))?;
            lines.collect()
        };
        run().map_err(|e| self.mapped(e))
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
        if !self.connection.is_autocommit() {
            self.run_own("COMMIT")?;
        }
        self.set("synchronous", "FULL")?;
        self.set("journal_mode", "DELETE")?;
        if wal {
            self.set("journal_mode", "WAL")?;
        }
        let shown = self.shown;
        self.connection.close().map_err(|(_, e)| Error::from_sqlite(&shown, e).of_change())
    }
}

/// A connection to a file that is nobody else's.
fn opened(path: &Path, how: OpenFlags, stop: Interrupted) -> rusqlite::Result<Connection> {
    const OPERATIONS_BETWEEN_LOOKS: i32 = 2000;
    // A link that has taken the file's place is not followed.
    let flags = how | OpenFlags::SQLITE_OPEN_NO_MUTEX | OpenFlags::SQLITE_OPEN_NOFOLLOW;
    // SQLite takes no locks, which on a network file system might meet the caller's own.
    let mut connection = Connection::open_with_flags_and_vfs(path, flags, c"unix-none")?;
    connection.set_limit(Limit::SQLITE_LIMIT_ATTACHED, 0)?;
    connection.progress_handler(OPERATIONS_BETWEEN_LOOKS, Some(move || stop()))?;
    Ok(connection)
}

/// What both give, `other` on a thread of its own where there can be one. The thread has the signals blocked that this one has.
fn beside<A: Send, B>(other: &(impl Fn() -> A + Sync), here: impl FnOnce() -> B) -> (A, B) {
    scope(|scope| match Builder::new().name("sqlite".into()).spawn_scoped(scope, other) {
        Ok(handle) => {
            let here = here();
            (handle.join().unwrap_or_else(|panic| resume_unwind(panic)), here)
        }
        Err(_) => (other(), here()),
    })
}

/// The statement that inserts some rows. Whatever a constraint of the table does on a conflict, no row replaces another;
/// a statement that fails need not take back its rows, for the file is given up.
fn insertion(table: &str, columns: &[String], rows: usize) -> String {
    let names: Vec<String> = columns.iter().map(|name| sqlite_ident(name)).collect();
    let row = format!("({})", vec!["?"; columns.len()].join(", "));
    let rows = vec![row; rows].join(", ");
    format!("INSERT OR FAIL INTO {} ({}) VALUES {rows}", sqlite_ident(table), names.join(", "))
}

fn value(cell: Cell<'_>) -> ValueRef<'_> {
    match cell {
        Cell::Null => ValueRef::Null,
        Cell::Integer(i) => ValueRef::Integer(i),
        Cell::Real(r) => ValueRef::Real(r),
        Cell::Text(text) => ValueRef::Text(text),
        Cell::Blob(bytes) => ValueRef::Blob(bytes),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn statements_reach_no_other_file_and_no_setting() {
        let path =
            std::env::temp_dir().canonicalize().unwrap().join(format!("made.{}.db", std::process::id()));
        std::fs::write(&path, "").unwrap();
        let layout = Layout {
            encoding: "UTF-8",
            page_size: 4096,
            auto_vacuum: "none",
            application_id: 0,
            user_version: 3,
            limit: None,
        };
        let mut file = NewFile::create(&path, &path, &layout, Arc::new(|| false)).unwrap();
        let other = path.with_extension("other");
        let table = "CREATE TABLE t (a INTEGER PRIMARY KEY AUTOINCREMENT, b TEXT DEFAULT (hex(randomblob(2))) CHECK (length(b) > 0))";
        file.execute(table).unwrap();
        file.execute("CREATE UNIQUE INDEX i ON t (b) WHERE b <> ''").unwrap();
        file.execute("CREATE VIEW v AS SELECT application(b) FROM t").unwrap();
        for sql in [
            format!("ATTACH '{}' AS other", other.display()),
            format!("VACUUM INTO '{}'", other.display()),
            "CREATE TABLE u (a); CREATE TABLE v (a)".into(),
            "PRAGMA writable_schema = ON".into(),
            "PRAGMA user_version = 9".into(),
            "COMMIT".into(),
            "CREATE TEMP VIEW w AS SELECT 1".into(),
            "CREATE TEMP TRIGGER r AFTER INSERT ON t BEGIN SELECT 1; END".into(),
            "CREATE VIRTUAL TABLE f USING fts5(a)".into(),
            "CREATE TABLE u AS SELECT load_extension('x')".into(),
            "DROP TABLE t".into(),
        ] {
            assert!(file.execute(&sql).is_err(), "{sql}");
        }
        file.execute_module("CREATE VIRTUAL TABLE f USING fts5(b, content=t, content_rowid=a)").unwrap();
        file.execute_module("CREATE VIRTUAL TABLE r USING rtree(id, x, y)").unwrap();
        file.execute_module("INSERT INTO f (f) VALUES ('rebuild')").unwrap();
        let trigger =
            "CREATE TRIGGER tr AFTER INSERT ON t BEGIN INSERT INTO f(rowid, b) VALUES (new.a, new.b); END";
        file.execute(trigger).unwrap();
        for sql in [
            format!("ATTACH '{}' AS other", other.display()),
            "CREATE VIRTUAL TABLE s USING dbstat".into(),
            "CREATE VIRTUAL TABLE u USING fts5vocab(f, row)".into(),
            "PRAGMA writable_schema = ON".into(),
            "PRAGMA page_size = 512".into(),
            "DELETE FROM t".into(),
            "DROP TABLE f".into(),
        ] {
            assert!(file.execute_module(&sql).is_err(), "{sql}");
        }
        assert!(!other.exists());
        assert_eq!((file.problems(true).unwrap(), file.orphans().unwrap()), (vec![], vec![]));
        file.finish(false).unwrap();
        let read = Connection::open(&path).unwrap();
        let version: i64 = read.query_row("PRAGMA user_version", (), |row| row.get(0)).unwrap();
        let names = "SELECT group_concat(name) FROM sqlite_schema WHERE name NOT LIKE 'sqlite%' AND name NOT GLOB '[fr]_*'";
        let names: String = read.query_row(names, (), |row| row.get(0)).unwrap();
        assert_eq!((version, names.as_str()), (3, "t,i,v,f,r,tr"));
        std::fs::remove_file(&path).unwrap();
    }

    #[test]
    fn documents_become_what_sqlite_makes_of_them() {
        use pg_sqlite_migrate_core::export::forms::jsonb::jsonb;
        let connection = Connection::open_in_memory().unwrap();
        let mut state = 0x2545_f491_4f6c_dd1d_u64;
        let mut next = move |below: u64| {
            state ^= state << 13;
            state ^= state >> 7;
            state ^= state << 17;
            state % below
        };
        for _ in 0..300 {
            let mut text = String::new();
            document(&mut text, 0, &mut next);
            let theirs: Vec<u8> =
                connection.query_row("SELECT jsonb(?1)", (&text,), |row| row.get(0)).unwrap();
            assert_eq!(jsonb(&text).unwrap(), theirs, "{text}");
        }
    }

    /// A random JSON document.
    fn document(out: &mut String, depth: u64, next: &mut impl FnMut(u64) -> u64) {
        const SCALARS: [&str; 14] = [
            "null",
            "true",
            "false",
            "0",
            "-0",
            "-12",
            "12345678901234567890",
            "1.50",
            "-2e-7",
            "3E+5",
            "\"\"",
            "\"é\\n\\u00e9\"",
            "\"it's\"",
            "\"\\\"\\\\\"",
        ];
        let blank = |out: &mut String, n: u64| out.push_str([" ", "", "\n\t", ""][n as usize]);
        blank(out, next(4));
        match next(if depth > 4 { 5 } else { 9 }) {
            0..5 => match next(16) {
                at @ 0..14 => out.push_str(SCALARS[at as usize]),
                size => {
                    out.push('"');
                    let length = if size == 14 { next(30) } else { next(70_000) };
                    out.extend(std::iter::repeat_n('x', length as usize));
                    out.push('"');
                }
            },
            kind => {
                let object = kind >= 7;
                out.push(if object { '{' } else { '[' });
                for at in 0..next(6) {
                    if at > 0 {
                        out.push(',');
                    }
                    if object {
                        out.push_str(["\"a\":", "\"\" :", "\"k\\t\": "][next(3) as usize]);
                    }
                    document(out, depth + 1, next);
                }
                out.push(if object { '}' } else { ']' });
            }
        }
        blank(out, next(4));
    }
}
