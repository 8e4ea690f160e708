//! A connection with many open statements, through which foreign tables are read and changed.
//!
//! Statements are identified by ids. A released id is never used again, so a cursor may be closed late or twice.
//! Released statements are kept for a while by their text and are used again when the same text is prepared. All
//! methods take `&self`: while the caller reads a row, a function of the server may read a foreign table itself and run
//! other statements of the same session. Assumes one thread. Must not decide when a transaction begins or ends: the
//! caller does.

mod row;
mod slots;

use std::cell::{Cell as Flag, RefCell};
use std::hash::{DefaultHasher, Hash, Hasher};
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use rusqlite::types::ValueRef;
use rusqlite::{Row, ffi};
use self_cell::self_cell;

use super::collations;
use super::error::{Constraint, Error};
use super::functions::{self, Decoded, Fault, Faults};
use super::open::{Interrupted, OpenOptions, Source, open, open_to_write, would_create_auxiliary_files};
use super::raw;
use super::raw::scan::Scan;
use super::stamp::FileState;
use pg_sqlite_migrate_core::value::{Cell, CellBuf};
use slots::{Prepared, Slots, State};

pub use row::{KeptRows, RowView};
pub use slots::StatementId;

type Statements<'a> = RefCell<Slots<'a>>;

self_cell!(
    /// A connection, and the statements that borrow it.
    struct Held {
        owner: Source,

        #[not_covariant]
        dependent: Statements,
    }
);

pub struct Session {
    held: Held,
    faults: Faults,
    interrupted: Interrupted,
    /// Open for writing.
    writable: bool,
    /// A write transaction is open.
    writing: Flag<bool>,
    /// Nothing was read yet in the snapshot that opening the file took.
    fresh: Flag<bool>,
    /// Cells that queries had to convert.
    decoded: Decoded,
    era: Flag<Era>,
}

/// A time in which a session shows one state of the file, whose rows it does not change. No two are equal, of whatever
/// session.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Era(u64);

impl Era {
    fn new() -> Era {
        static LAST: AtomicU64 = AtomicU64::new(0);
        Era(LAST.fetch_add(1, Ordering::Relaxed))
    }
}

/// What a file is opened for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Purpose {
    Read,
    Write,
    /// To be read now and perhaps written to later; for reading only if SQLite would have to create auxiliary files.
    ReadFirst,
}

impl Session {
    /// Opens a file and takes a snapshot of it.
    pub fn open(options: &OpenOptions, purpose: Purpose) -> Result<Session, Error> {
        let writable = match purpose {
            Purpose::Read => false,
            Purpose::Write => true,
            Purpose::ReadFirst => !would_create_auxiliary_files(options)?,
        };
        let source = if writable { open_to_write(options) } else { open(options) }?;
        let faults = Faults::default();
        let decoded = Decoded::default();
        functions::register(source.connection(), &faults, &decoded).map_err(|e| source.error(e))?;
        let held = Held::new(source, |_| RefCell::default());
        let interrupted = options.interrupted.clone();
        let (writing, fresh) = (Flag::new(false), Flag::new(true));
        let era = Flag::new(Era::new());
        Ok(Session { held, faults, interrupted, writable, writing, fresh, decoded, era })
    }

    pub fn source(&self) -> &Source {
        self.held.borrow_owner()
    }

    pub fn is_writable(&self) -> bool {
        self.writable
    }

    pub fn set_busy_timeout(&self, timeout: Duration) {
        self.source().set_busy_timeout(timeout);
    }

    // Statements.

    /// Prepares a statement, or takes one with the same text from the released ones.
    pub fn prepare(&self, sql: &str) -> Result<StatementId, Error> {
        self.held.with_dependent(|source, slots| {
            let kept = slots.borrow_mut().reuse(sql);
            let prepared = match kept {
                Some(prepared) => prepared,
                None => {
                    let changes = ["INSERT", "UPDATE", "DELETE"].iter().any(|verb| sql.starts_with(verb));
                    let compiled = Scan::prepare(source.connection(), sql).map_err(|e| {
                        let error = self.error(e).about_schema();
                        if changes { error.of_change() } else { error }
                    });
                    // SQLite compares an index's statistics by its collation when it chooses a plan; no result depends
                    // on that.
                    drop(collations::used());
                    Prepared::new(compiled?, sql)
                }
            };
            Ok(slots.borrow_mut().insert(prepared))
        })
    }

    /// Binds all parameters of the statement and resets it to before its first row.
    pub fn bind(&self, id: StatementId, cells: &[Cell<'_>]) -> Result<(), Error> {
        self.with(id, |prepared| {
            prepared.reset();
            for (i, cell) in cells.iter().enumerate() {
                prepared.statement.bind(i + 1, *cell).map_err(|e| self.error(e))?;
            }
            Ok(())
        })
    }

    /// Binds and runs a statement that returns no rows: a bulk insert calls this for every row. Returns the number of
    /// changed rows.
    pub fn execute<'c, E: From<Error>>(
        &self,
        id: StatementId,
        cells: impl Iterator<Item = Result<CellBuf<'c>, E>>,
    ) -> Result<u64, E> {
        self.with(id, |prepared| {
            if prepared.state != State::Ready {
                prepared.reset();
            }
            for (i, cell) in cells.enumerate() {
                prepared.statement.bind(i + 1, cell?.as_cell()).map_err(|e| self.error(e))?;
            }
            let stepped = prepared.statement.next().map(drop).map_err(|e| self.error(e).of_change());
            prepared.statement.reset();
            stepped?;
            Ok(self.source().believe(self.changes())?)
        })
    }

    /// Calls `look` with the next row; `None` at the end, and after it until the next `bind`.
    #[inline]
    pub fn step<R>(&self, id: StatementId, look: impl FnOnce(RowView<'_>) -> R) -> Result<Option<R>, Error> {
        self.with(id, |prepared| {
            if prepared.state == State::Done {
                return Ok(None);
            }
            let failed = match prepared.statement.next() {
                Ok(Some(row)) => {
                    prepared.state = State::Running;
                    let answer = look(RowView::live(row));
                    return self.source().believe(Some(answer));
                }
                Ok(None) => None,
                // SQLite prepares a statement again if the schema has changed.
                Err(e) => Some(self.error(e).about_schema()),
            };
            // The statement's locks are released.
            prepared.reset();
            prepared.state = State::Done;
            match failed {
                None => self.source().believe(None),
                Some(error) if prepared.statement.is_readonly() => Err(error),
                Some(error) => Err(error.of_change()),
            }
        })
    }

    /// Resets the statement to before its first row, and releases its read lock.
    pub fn reset(&self, id: StatementId) {
        let _ = self.with(id, |prepared| -> Result<(), Error> {
            prepared.reset();
            Ok(())
        });
    }

    /// The id still names a statement, which may be in use.
    pub fn holds(&self, id: StatementId) -> bool {
        self.held.with_dependent(|_, slots| slots.borrow_mut().holds(id))
    }

    /// Ends the use of a statement. Does nothing if the id names none.
    pub fn release(&self, id: StatementId) {
        self.held.with_dependent(|_, slots| {
            let dropped = slots.borrow_mut().release(id);
            drop(dropped);
        });
    }

    /// Ends every statement, also those whose ids are still held.
    pub fn release_all(&self) {
        self.held.with_dependent(|_, slots| {
            let dropped = slots.borrow_mut().release_all();
            drop(dropped);
        });
    }

    /// Runs one command to its end; the rows that it changed.
    pub fn run(&self, sql: &str, cells: &[Cell<'_>]) -> Result<u64, Error> {
        let id = self.prepare(sql)?;
        let outcome = self.bind(id, cells).and_then(|()| {
            while self.step(id, |_| ())?.is_some() {}
            Ok(self.changes())
        });
        self.release(id);
        outcome
    }

    /// Takes the statement out of its slot, so that others can be used meanwhile, and puts it back even if `f` panics.
    #[inline]
    fn with<R, E: From<Error>>(
        &self,
        id: StatementId,
        f: impl FnOnce(&mut Prepared<'_>) -> Result<R, E>,
    ) -> Result<R, E> {
        self.held.with_dependent(|source, slots| {
            let taken = slots.borrow_mut().take(id);
            let mut place = PutBack { slots, id, prepared: taken };
            match place.prepared.as_mut() {
                Some(prepared) => f(prepared),
                None => Err(Error::Stale { path: source.path().to_owned() }.into()),
            }
        })
    }

    // Transactions.

    pub fn in_transaction(&self) -> bool {
        !self.source().connection().is_autocommit()
    }

    /// The snapshot that opening the file took was not used yet.
    pub fn is_fresh(&self) -> bool {
        self.fresh.get() && self.in_transaction()
    }

    /// The snapshot is being read from now on.
    pub fn read(&self) {
        self.fresh.set(false);
    }

    /// A write transaction is open.
    pub fn is_writing(&self) -> bool {
        self.writing.get()
    }

    /// SQLite itself has rolled the write transaction back: the disk was full, a change was interrupted, or a
    /// constraint of the file says ON CONFLICT ROLLBACK.
    pub fn has_lost(&self) -> bool {
        self.writing.get() && !self.in_transaction()
    }

    /// While this is the same, so are all cells.
    pub fn era(&self) -> Era {
        self.era.get()
    }

    /// How many cells the session's queries had to convert so far.
    pub fn decoded(&self) -> u64 {
        self.decoded.count()
    }

    /// Takes a snapshot.
    pub fn begin_read(&self) -> Result<(), Error> {
        self.era.set(Era::new());
        let begun = self.source().begin();
        if begun.is_err() {
            self.rollback();
        }
        begun
    }

    /// Begins to write; the snapshot is the newest one.
    pub fn begin_write(&self) -> Result<(), Error> {
        self.source().control("PRAGMA query_only = OFF")?;
        self.source().forget();
        let begun = self.source().control("BEGIN IMMEDIATE");
        self.wrote(begun.and_then(|()| self.source().stand_in()))
    }

    /// Turns a read transaction into a write transaction in the same snapshot; [`Error::Snapshot`] if another program
    /// has written since.
    pub fn upgrade(&self) -> Result<(), Error> {
        let lifted = self.source().control("PRAGMA query_only = OFF");
        self.wrote(lifted.and_then(|()| self.lock()))
    }

    /// Takes the write lock by writing a value that is already stored. SQLite itself does not wait for a lock while it
    /// holds one, because two connections could wait for each other forever. This wait has a timeout.
    fn lock(&self) -> Result<(), Error> {
        const PAUSE: Duration = Duration::from_millis(20);
        let ask = self.source().connection().pragma_query_value(Some("main"), "user_version", |r| r.get(0));
        let version: i32 = ask.map_err(|e| self.error(e))?;
        let start = Instant::now();
        loop {
            match self.source().control(&format!("PRAGMA main.user_version = {version}")) {
                Err(Error::Locked { .. }) if (self.interrupted)() => {
                    return Err(Error::Interrupted { path: self.source().path().to_owned() });
                }
                Err(Error::Locked { .. }) if start.elapsed() < self.source().busy_timeout() => {
                    std::thread::sleep(PAUSE);
                }
                outcome => return outcome,
            }
        }
    }

    fn wrote(&self, begun: Result<(), Error>) -> Result<(), Error> {
        self.era.set(Era::new());
        self.writing.set(begun.is_ok());
        if begun.is_err() {
            let _ = self.source().control("PRAGMA query_only = ON");
        }
        begun
    }

    /// Takes every lock that the commit needs, and writes all pages but the commit's end, so that the commit neither
    /// waits nor fails because of a constraint. In WAL mode the write lock suffices.
    pub fn make_ready(&self) -> Result<(), Error> {
        if raw::breaks_foreign_keys(self.source().connection()) {
            let message = "FOREIGN KEY constraint failed".to_owned();
            let path = self.source().path().to_owned();
            return Err(Error::Constraint { path, kind: Constraint::ForeignKey, message });
        }
        self.source().connection().cache_flush().map_err(|e| self.error(e))
    }

    /// Makes what was written durable; on failure the transaction is still open.
    pub fn commit(&self) -> Result<(), Error> {
        if self.in_transaction() {
            self.source().control("COMMIT")?;
        }
        self.ended();
        Ok(())
    }

    /// Ends the transaction, whatever its state. Never fails: what cannot be rolled back now, SQLite rolls back when the
    /// file is opened next.
    pub fn rollback(&self) {
        if self.in_transaction() {
            let _ = self.source().control("ROLLBACK");
        }
        self.ended();
    }

    fn ended(&self) {
        self.era.set(Era::new());
        self.fresh.set(false);
        if self.writing.replace(false) {
            let _ = self.source().control("PRAGMA query_only = ON");
        }
    }

    pub fn savepoint(&self, level: i32) -> Result<(), Error> {
        self.source().control(&format!("SAVEPOINT level_{level}"))
    }

    pub fn release_savepoint(&self, level: i32) -> Result<(), Error> {
        self.source().control(&format!("RELEASE level_{level}"))
    }

    pub fn rollback_to(&self, level: i32) -> Result<(), Error> {
        self.source().control(&format!("ROLLBACK TO level_{level}; RELEASE level_{level}"))
    }

    /// The number of rows that the last finished INSERT, UPDATE or DELETE has changed, without changes by triggers.
    pub fn changes(&self) -> u64 {
        self.source().connection().changes()
    }

    /// Grows with every change of the schema.
    pub fn schema_version(&self) -> Result<i64, Error> {
        let ask = self.source().connection().pragma_query_value(Some("main"), "schema_version", |r| r.get(0));
        ask.map_err(|e| self.error(e))
    }

    /// Changes when another connection has written.
    pub fn data_version(&self) -> Result<i64, Error> {
        let ask = self.source().connection().pragma_query_value(Some("main"), "data_version", |r| r.get(0));
        ask.map_err(|e| self.error(e))
    }

    /// Of the snapshot that is open.
    pub fn file_state(&self) -> Result<FileState, Error> {
        FileState::of(self.source(), self.data_version()?)
    }

    /// A hash of all definitions of the file and their root pages.
    pub fn schema_digest(&self) -> Result<u64, Error> {
        let mut hasher = DefaultHasher::new();
        let connection = self.source().connection();
        connection
            .pragma_query(Some("main"), "encoding", |row| hash(row, 1, &mut hasher))
            .map_err(|e| self.error(e))?;
        let sql = "SELECT type, name, tbl_name, rootpage, sql FROM main.sqlite_schema ORDER BY rowid";
        let mut statement = connection.prepare(sql).map_err(|e| self.error(e))?;
        let mut rows = statement.query([]).map_err(|e| self.error(e))?;
        while let Some(row) = rows.next().map_err(|e| self.error(e))? {
            hash(row, 5, &mut hasher).map_err(|e| self.error(e))?;
        }
        Ok(hasher.finish())
    }

    pub fn page_count(&self) -> Result<i64, Error> {
        let ask = self.source().connection().pragma_query_value(Some("main"), "page_count", |r| r.get(0));
        ask.map_err(|e| self.error(e))
    }

    /// The error if memory for what is read from the file cannot be allocated.
    pub fn no_memory(&self) -> Error {
        Error::NoMemory { path: self.source().path().to_owned(), object: None }
    }

    /// An error of this connection. If a registered function failed, its stored fault is the error. If a stand-in
    /// collation was used, whether a constraint is broken is unknown, so that is the error.
    fn error(&self, error: rusqlite::Error) -> Error {
        let fault = self.faults.take();
        if fault.as_ref().is_some_and(Fault::is_want_of_memory) {
            return self.no_memory();
        }
        let asked = collations::used();
        let path = self.source().path().to_owned();
        // The result code of a function that failed.
        let of_function = error.sqlite_error().is_some_and(|e| e.extended_code == ffi::SQLITE_ERROR);
        match (fault.filter(|_| of_function), self.source().error(error), asked) {
            (Some(fault), ..) => Error::Function { path, fault: Box::new(fault) },
            (None, Error::Constraint { .. } | Error::Refused { .. }, Some(name)) => {
                Error::Collation { path, name }
            }
            (None, error, _) => error,
        }
    }
}

/// Hashes the first cells of a row.
fn hash(row: &Row<'_>, cells: usize, hasher: &mut DefaultHasher) -> rusqlite::Result<()> {
    for at in 0..cells {
        match row.get_ref(at)? {
            ValueRef::Text(bytes) | ValueRef::Blob(bytes) => bytes.hash(hasher),
            ValueRef::Integer(number) => number.hash(hasher),
            ValueRef::Null | ValueRef::Real(_) => 0u8.hash(hasher),
        }
    }
    Ok(())
}

/// Puts a statement back into its slot, or drops it if it was released meanwhile.
struct PutBack<'s, 'a> {
    slots: &'s Statements<'a>,
    id: StatementId,
    prepared: Option<Box<Prepared<'a>>>,
}

impl Drop for PutBack<'_, '_> {
    fn drop(&mut self) {
        let Some(prepared) = self.prepared.take() else { return };
        let refused = self.slots.try_borrow_mut().map(|mut slots| slots.put_back(self.id, prepared));
        drop(refused);
    }
}

#[cfg(test)]
mod tests;
