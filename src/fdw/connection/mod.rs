//! One connection per server and backend: which file it has open, which snapshot it reads, whether it writes.
//!
//! The file follows PostgreSQL's transaction. Under REPEATABLE READ its snapshot lasts as long; under READ COMMITTED a
//! new one is taken when a scan begins while none is open, and locks are released with the last scan. The first change
//! begins a write transaction, and savepoints follow the server's from then on. Nothing here may be borrowed while
//! SQLite or the server is called: either may lead back here.

mod change;
mod cursor;
mod end;
mod open;
mod schema;
mod seen;

use std::cell::{Cell, RefCell};
use std::collections::BTreeMap;
use std::rc::Rc;

use pgrx::PgSqlErrorCode as Code;

use super::options::{ServerOptions, TableOptions};

use crate::error::Error;
use crate::pg::foreign::ForeignServer;
use crate::pg::{interrupts, invalidation, memory, xact_events};
use crate::sqlite::{self, Estimate, Session, estimate};
use open::Identity;
use pg_sqlite_migrate_core::catalog::{self, Action, Catalog, Encoding, ForeignKey, Problem, TableKind};
use pg_sqlite_migrate_core::remote::{Remote, Table};
use schema::{Schema, SchemaCheck};
use seen::Seen;

pub use cursor::{Cursor, Handle, Reading};
pub use seen::Look;

thread_local! {
    /// By the server's oid.
    static CONNECTIONS: RefCell<BTreeMap<u32, Rc<Connection>>> = RefCell::default();
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

/// A server's place in this backend, with or without its file open.
pub struct Connection {
    /// By which the server announces that the definition has changed.
    hash: u32,
    /// The server's name when it was last used.
    name: RefCell<String>,
    file: RefCell<Option<OpenFile>>,
    /// Since PostgreSQL's transaction has used the connection.
    transaction: RefCell<Option<Transaction>>,
    /// Grows when open cursors lose their snapshot.
    snapshots: Cell<u64>,
    intent: Cell<Intent>,
    /// The server's definition has changed, or is gone, since the file was opened.
    stale: Cell<bool>,
}

struct OpenFile {
    session: Rc<Session>,
    identity: Identity,
    schema: Option<Schema>,
    /// Columns that need no tests.
    seen: Option<Seen>,
}

/// For what the file is opened, where the server's options do not say that its tables are changed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
enum Intent {
    #[default]
    Read,
    /// A table of the server was to be changed, or may be by its own options.
    MayChange,
    /// This transaction changes one.
    Changes,
}

/// What PostgreSQL's transaction has done with the file.
#[derive(Default)]
struct Transaction {
    /// Scans that have begun and not ended.
    cursors: Vec<Rc<Cursor>>,
    /// Nest levels of the server's transaction that have a savepoint in the file, ascending.
    savepoints: Vec<i32>,
    writes: Vec<Write>,
    trust: Trust,
    /// The file stays open when the transaction ends.
    keeps_file: bool,
}

/// May the transaction go on?
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
enum Trust {
    #[default]
    Sound,
    /// A savepoint could not be rolled back to.
    Broken,
    /// The file was changed while it was read, which no lock had prevented.
    Doubtful,
}

/// A change that this transaction has made.
struct Write {
    affected: Rc<Affected>,
    command: u32,
    /// The nest level of the subtransaction that made it: with that, it is undone.
    level: i32,
}

/// The tables that a change of one may affect.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Affected {
    /// The table, and views: all that is not in the list of other tables.
    Table { changed: String, untouched: Vec<String> },
    /// There are triggers, or foreign keys with actions.
    All,
}

impl Affected {
    fn of(catalog: &Catalog, table: &str) -> Affected {
        let changes_rows = |action: &Action| !matches!(action, Action::NoAction | Action::Restrict);
        let acts = |key: &ForeignKey| {
            let changes_rows = changes_rows(&key.on_delete) || changes_rows(&key.on_update);
            changes_rows && key.parent.eq_ignore_ascii_case(table)
        };
        let spreads = catalog.triggers.iter().any(|t| t.table.eq_ignore_ascii_case(table))
            || catalog.tables.iter().flat_map(|t| &t.foreign_keys).any(acts);
        // A virtual table keeps its rows in other tables.
        let plain = catalog.table(table).is_some_and(|t| t.kind == TableKind::Ordinary);
        if spreads || !plain {
            return Affected::All;
        }
        let others = catalog.tables.iter().filter(|t| t.kind == TableKind::Ordinary);
        let untouched = others.map(|t| t.name.clone()).filter(|n| !n.eq_ignore_ascii_case(table)).collect();
        Affected::Table { changed: table.to_owned(), untouched }
    }

    fn hits(&self, reads: &[String]) -> bool {
        match self {
            Affected::All => true,
            Affected::Table { untouched, .. } => {
                reads.iter().any(|read| !untouched.iter().any(|other| other.eq_ignore_ascii_case(read)))
            }
        }
    }
}

/// A table or view of the file, and its size.
pub struct Described {
    pub table: catalog::Table,
    pub is_view: bool,
    pub estimate: Estimate,
    /// The file's texts are UTF-16.
    pub utf16: bool,
}

/// What the file declares of a table or view; `None` when it has none of this name. One that SQLite cannot read is an
/// error.
pub fn describe(server: &ForeignServer, options: &TableOptions) -> Result<Option<Described>, Error> {
    let name = &options.table;
    // A table that may be changed has the file opened for writing from the start.
    let connection = Connection::entry(server);
    if options.updatable == Some(true) && connection.intent.get() == Intent::Read {
        connection.intent.set(Intent::MayChange);
    }
    Connection::of(server)?.briefly(|connection, session| {
        let catalog = connection.catalog(session)?;
        let is_view = catalog.views.iter().any(|v| v.name.eq_ignore_ascii_case(name));
        let Some(table) = catalog.table(name) else {
            let unreadable = catalog.problems.iter().find(|problem| {
                let object = problem.object.strip_prefix("view ").unwrap_or(&problem.object);
                object.eq_ignore_ascii_case(name)
            });
            return unreadable.map_or(Ok(None), |problem| Err(cannot_read(server, name, is_view, problem)));
        };
        let mut table = table.clone();
        // What has no rowid is not estimated by it.
        table.without_rowid |= is_view;
        let pages = session.page_count().map_err(raised)?;
        let estimated =
            estimate(session.source().connection(), &table, f64::from(catalog.page_size), pages as f64);
        let estimate = estimated.map_err(|e| raised(session.source().error(e)))?;
        table.without_rowid &= !is_view;
        let utf16 = catalog.encoding != Encoding::Utf8;
        Ok(Some(Described { table, is_view, estimate, utf16 }))
    })
}

fn cannot_read(server: &ForeignServer, name: &str, is_view: bool, problem: &Problem) -> Error {
    let kind = if is_view || problem.object.starts_with("view ") { "view" } else { "table" };
    Error::Foreign {
        sqlstate: Code::ERRCODE_EXTERNAL_ROUTINE_EXCEPTION,
        message: format!("SQLite cannot read {kind} \"{name}\": {}", problem.reason),
        detail: None,
        hint: Some(format!(
            "It uses something that the file of server \"{}\" lacks, that only its application defines, or that is not allowed.",
            server.name
        )),
    }
}

/// Rows of a table or view, counted. Every cell is read for it where that tells what later queries need not test.
pub fn count(server: &ForeignServer, table: &Table) -> Result<f64, Error> {
    Connection::of(server)?.briefly(|connection, session| {
        // A cell that cannot be read does not keep the rows from being counted.
        if let Ok(rows) = connection.count_looking(session, table) {
            return Ok(rows);
        }
        sqlite::count(session.source(), &table.name, None).map(|rows| rows as f64).map_err(raised)
    })
}

/// An error of SQLite, unless it is a cancel: that is served here.
pub fn raised(error: sqlite::Error) -> Error {
    if matches!(error, sqlite::Error::Interrupted { .. } | sqlite::Error::Locked { .. }) {
        interrupts::check();
    }
    Error::Sqlite(error)
}

impl Connection {
    /// The connection of a server, its file open.
    pub fn of(server: &ForeignServer) -> Result<Rc<Connection>, Error> {
        memory::stand_by();
        let connection = Connection::entry(server);
        connection.refresh(server, &ServerOptions::of(server)?)?;
        Ok(connection)
    }

    fn entry(server: &ForeignServer) -> Rc<Connection> {
        end::register();
        let oid = server.oid.to_u32();
        let known = CONNECTIONS.with_borrow(|all| all.get(&oid).cloned());
        let connection = known.unwrap_or_else(|| {
            let new = Rc::new(Connection {
                hash: invalidation::hash(server.oid),
                name: RefCell::default(),
                file: RefCell::default(),
                transaction: RefCell::default(),
                snapshots: Cell::default(),
                intent: Cell::default(),
                stale: Cell::default(),
            });
            CONNECTIONS.with_borrow_mut(|all| all.insert(oid, new.clone()));
            new
        });
        *connection.name.borrow_mut() = server.name.clone();
        connection
    }

    /// Whatever is open, in whatever state.
    fn open_session(&self) -> Option<Rc<Session>> {
        self.file.borrow().as_ref().map(|file| file.session.clone())
    }

    /// What `f` finds in PostgreSQL's transaction, if that has used the connection.
    fn with_transaction<T>(&self, f: impl FnOnce(&mut Transaction) -> T) -> Option<T> {
        self.transaction.borrow_mut().as_mut().map(f)
    }

    fn trust(&self) -> Trust {
        self.with_transaction(|transaction| transaction.trust).unwrap_or_default()
    }

    /// The open session. Its transaction may have been lost, which nothing can go on from.
    pub fn session(&self) -> Result<Rc<Session>, Error> {
        self.check_proven()?;
        match self.open_session() {
            Some(session) if !session.has_lost() && self.trust() != Trust::Broken => Ok(session),
            _ => Err(self.lost()),
        }
    }

    /// What the transaction has read so far was one state of the file.
    fn check_proven(&self) -> Result<(), Error> {
        let file = self.file.borrow();
        match file.as_ref().filter(|_| self.trust() == Trust::Doubtful) {
            Some(file) => {
                Err(Error::Sqlite(sqlite::Error::Changed { path: file.identity.path().to_owned() }))
            }
            None => Ok(()),
        }
    }

    fn lost(&self) -> Error {
        Error::Foreign {
            sqlstate: Code::ERRCODE_TRANSACTION_ROLLBACK,
            message: format!(
                "the transaction on the SQLite file of server \"{}\" was rolled back",
                self.name.borrow()
            ),
            detail: Some("An error inside SQLite has undone all changes of this transaction.".into()),
            hint: Some("Roll the transaction back.".into()),
        }
    }

    /// Asks something of the file, in the snapshot of the open scans or in one of its own.
    pub fn briefly<T>(
        &self,
        ask: impl FnOnce(&Connection, &Session) -> Result<T, Error>,
    ) -> Result<T, Error> {
        let session = self.enter()?;
        let answer = ask(self, &session);
        let proven = session.source().prove().map_err(raised);
        self.leave();
        proven.and(answer)
    }

    /// Takes a snapshot where one is due.
    fn enter(&self) -> Result<Rc<Session>, Error> {
        let mut session = self.session()?;
        if session.is_writing() {
            return Ok(session);
        }
        let renews = self.may_renew();
        if session.in_transaction() && renews && !session.is_fresh() {
            session.rollback();
        }
        if renews && !(self.has_its_file() && self.is_current()) {
            session = self.reopen()?;
        }
        session.source().prove().map_err(raised)?;
        if !session.in_transaction() {
            session.begin_read().map_err(raised)?;
        }
        if self.check_schema(&session)? == SchemaCheck::SqliteOutdated {
            session = if renews { self.reopen()? } else { return Err(snapshot_is_gone()) };
            self.check_schema(&session)?;
        }
        session.read();
        Ok(session)
    }

    /// The session in the snapshot that its open cursors share; one that failed to write has none any more.
    fn snapshot(&self, number: u64) -> Result<Rc<Session>, Error> {
        let session = self.session()?;
        if number != self.snapshots.get() {
            return Err(snapshot_is_gone());
        }
        if !session.in_transaction() {
            session.begin_read().map_err(raised)?;
        }
        session.read();
        Ok(session)
    }

    /// Lets go of a snapshot that nobody reads. What it has shown is believed at the transaction's next step.
    fn leave(&self) {
        let Some(session) = self.open_session() else { return };
        if session.source().prove().is_err() {
            self.with_transaction(|transaction| transaction.trust = Trust::Doubtful);
        }
        if !session.is_writing() && self.may_renew() {
            session.rollback();
        }
    }

    fn may_renew(&self) -> bool {
        xact_events::is_read_committed() && !self.any_cursor(|_| true)
    }

    // Scans.

    /// Begins a scan of a query that may change the file as well.
    pub fn scan(self: &Rc<Self>, remote: &Remote, reads: Reads) -> Result<Rc<Cursor>, Error> {
        let session = self.enter()?;
        let sql = &remote.sql;
        let whole = || format!("WITH pg_rows AS MATERIALIZED ({sql}) SELECT * FROM pg_rows");
        let cursor = match reads {
            Reads::Only => Cursor::new(self, sql, remote, Reading::Lazily),
            Reads::BesideChanges => Cursor::new(self, &whole(), remote, Reading::AtOnce),
            Reads::AgainBesideChanges => Cursor::new(self, sql, remote, Reading::Materialized),
        };
        // The cursor keeps the snapshot in which the plan holds.
        let prepared = self.prove(&session, &remote.proofs).and_then(|()| cursor.prepare());
        if prepared.is_err() {
            cursor.end();
        }
        prepared.map(|()| cursor)
    }

    /// Begins an UPDATE or DELETE that is one statement.
    pub fn direct(self: &Rc<Self>, remote: &Remote) -> Rc<Cursor> {
        Cursor::new(self, &remote.sql, remote, Reading::Changing)
    }

    fn any_cursor(&self, is: impl Fn(&Cursor) -> bool) -> bool {
        self.with_transaction(|transaction| transaction.cursors.iter().any(|cursor| is(cursor)))
            .unwrap_or(false)
    }

    /// A cursor's query is over.
    fn ended(&self, cursor: &Cursor) {
        let Ok(mut transaction) = self.transaction.try_borrow_mut() else { return };
        let Some(cursors) = transaction.as_mut().map(|transaction| &mut transaction.cursors) else { return };
        let gone: Vec<Rc<Cursor>> = cursors.extract_if(.., |c| std::ptr::eq(Rc::as_ptr(c), cursor)).collect();
        let none_left = cursors.is_empty();
        drop(transaction);
        if !gone.is_empty() && none_left {
            self.leave();
        }
    }

    /// What this transaction's current query has written itself, a scan of the query must not see.
    fn check_visible(&self, cursor: &Cursor) -> Result<(), Error> {
        let hidden = |write: &Write| write.command >= cursor.command && write.affected.hits(&cursor.reads);
        if !self.with_transaction(|transaction| transaction.writes.iter().any(hidden)).unwrap_or(false) {
            return Ok(());
        }
        Err(Error::Foreign {
            sqlstate: Code::ERRCODE_FEATURE_NOT_SUPPORTED,
            message: "cannot scan a foreign table again after the same query has changed it".into(),
            detail: Some("SQLite cannot show its rows as they were when the query began.".into()),
            hint: Some("Collect the rows to be changed first, for instance in a temporary table.".into()),
        })
    }
}

fn snapshot_is_gone() -> Error {
    Error::Foreign {
        sqlstate: Code::ERRCODE_T_R_SERIALIZATION_FAILURE,
        message: "cannot go on reading a SQLite file as it was when the query began".into(),
        detail: Some("The transaction has changed the file after another program had.".into()),
        hint: Some("Run the transaction again.".into()),
    }
}

/// What is reported of a connection.
pub struct Status {
    pub server: String,
    /// It has the file open that the server names.
    pub valid: bool,
    pub in_transaction: bool,
    pub written: bool,
}

/// In the order of the servers' oids.
fn all() -> Vec<(u32, Rc<Connection>)> {
    CONNECTIONS
        .try_with(|all| all.try_borrow().map(|all| all.iter().map(|(k, c)| (*k, c.clone())).collect()))
        .ok()
        .and_then(Result::ok)
        .unwrap_or_default()
}

pub use end::{Closed, close, statuses};
