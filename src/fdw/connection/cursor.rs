//! A statement that is read row by row, and what it takes to keep its answer when the file changes under it.
//!
//! PostgreSQL's scans do not see what is written after they began. SQLite's do, of the same connection. So before a
//! change, the whole answer of whoever reads what changes is put into memory, where it can be read again as well: what
//! runs anew shows the same rows in the same order, its snapshot is still there. So is the answer of a cursor that no
//! row was asked of yet, unless it waits for parameters. A scan of a query that itself changes the file collects its
//! rows first, inside SQLite, where they may go to a temporary file.
#![deny(clippy::disallowed_methods)]

use std::cell::{Cell as Flag, RefCell};
use std::rc::{Rc, Weak};

use pgrx::PgSqlErrorCode as Code;

use super::{Connection, Reach, raised};
use crate::error::Error;
use crate::pg::xact_events;
use crate::sqlite::session::{KeptRows, RowView};
use crate::sqlite::{self, Session, StatementId};
use pg_sqlite_migrate_core::remote::Remote;
use pg_sqlite_migrate_core::value::Cell;
use pg_sqlite_migrate_core::value::buffer::OutOfMemory;

/// A statement by its text, prepared where it is used: its session may be another one next time.
pub struct Handle {
    sql: String,
    place: RefCell<(Weak<Session>, Option<StatementId>)>,
}

impl Handle {
    pub fn new(sql: String) -> Handle {
        Handle { sql, place: RefCell::default() }
    }

    /// The statement's id in this session.
    pub fn on(&self, session: &Rc<Session>) -> Result<StatementId, Error> {
        let known = {
            let place = self.place.borrow();
            place.1.filter(|_| std::ptr::eq(place.0.as_ptr(), Rc::as_ptr(session)))
        };
        if let Some(id) = known.filter(|id| session.holds(*id)) {
            return Ok(id);
        }
        let id = session.prepare(&self.sql).map_err(raised)?;
        *self.place.borrow_mut() = (Rc::downgrade(session), Some(id));
        Ok(id)
    }

    /// Session and id, when it is prepared.
    #[inline]
    pub fn prepared(&self) -> Option<(Rc<Session>, StatementId)> {
        let place = self.place.borrow();
        Some((place.0.upgrade()?, place.1?))
    }

    pub fn release(&self) {
        let Ok(mut place) = self.place.try_borrow_mut() else { return };
        let (session, id) = std::mem::take(&mut *place);
        drop(place);
        if let (Some(session), Some(id)) = (session.upgrade(), id) {
            session.release(id);
        }
    }
}

impl Drop for Handle {
    fn drop(&mut self) {
        self.release();
    }
}

/// When a cursor's answer is complete.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Reading {
    /// Row by row.
    Lazily,
    /// With its first row: the statement collects its rows first.
    AtOnce,
    /// With its first row too, into memory: they are read again.
    Keeping,
    /// An UPDATE or DELETE: all its changes are made, and its rows are in memory, before the first one is shown.
    Changing,
}

pub struct Cursor {
    connection: Rc<Connection>,
    handle: Handle,
    /// Tables and views that it reads.
    pub(super) reads: Vec<String>,
    /// The server's command that it belongs to.
    pub(super) command: u32,
    reading: Reading,
    /// It asks the same whenever it is started.
    constant: bool,
    /// Which of the connection's snapshots it reads.
    snapshot: u64,
    started: Flag<bool>,
    /// Rows were asked for; and how many have been shown since the start.
    stepped: Flag<bool>,
    shown: Flag<usize>,
    /// Its whole answer is in `kept`, and no statement runs.
    drained: Flag<bool>,
    kept: RefCell<Rc<Kept>>,
    /// Position in it.
    next: Flag<usize>,
}

/// An answer in memory.
#[derive(Default)]
struct Kept {
    rows: KeptRows,
    /// What follows the last row in the place of the end.
    fault: Option<sqlite::Error>,
}

impl Cursor {
    /// Registers a cursor. The connection's snapshot lasts until the last of them has ended.
    pub(super) fn new(
        connection: &Rc<Connection>,
        sql: &str,
        remote: &Remote,
        reading: Reading,
    ) -> Rc<Cursor> {
        let cursor = Rc::new(Cursor {
            connection: connection.clone(),
            handle: Handle::new(sql.into()),
            reads: remote.reads.clone(),
            command: xact_events::command_id(),
            reading,
            constant: remote.parameters.is_empty(),
            snapshot: connection.snapshots.get(),
            started: Flag::new(false),
            stepped: Flag::new(false),
            shown: Flag::new(0),
            drained: Flag::new(false),
            kept: RefCell::default(),
            next: Flag::new(0),
        });
        connection.cursors.borrow_mut().push(cursor.clone());
        cursor
    }

    pub fn connection(&self) -> &Rc<Connection> {
        &self.connection
    }

    /// Compiles the statement, so that what does not compile is known before the first row is asked for.
    pub fn prepare(&self) -> Result<(), Error> {
        self.handle.on(&self.connection.session()?).map(drop)
    }

    /// Starts, or starts again.
    pub fn start(&self, parameters: &[Cell<'_>]) -> Result<(), Error> {
        if self.constant && self.drained.get() {
            self.next.set(0);
            return Ok(());
        }
        self.connection.check_visible(self)?;
        let session = match self.reading {
            // The change begins its own transaction.
            Reading::Changing => self.connection.session()?,
            _ => self.connection.snapshot(self.snapshot)?,
        };
        let id = self.handle.on(&session)?;
        session.bind(id, parameters).map_err(raised)?;
        self.started.set(true);
        self.stepped.set(false);
        self.shown.set(0);
        self.drained.set(false);
        self.kept.take();
        Ok(())
    }

    /// The next row is the first one again, the parameters being the same; `false` where the answer is not kept.
    pub fn rewind(&self) -> bool {
        self.next.set(0);
        self.drained.get() || self.reading == Reading::Keeping && self.started.get()
    }

    /// Shows the next of the kept rows.
    fn replay<R>(&self, look: impl FnOnce(RowView<'_>) -> R) -> Result<Option<R>, Error> {
        let kept = self.kept.borrow().clone();
        let row = kept.rows.row(self.next.get());
        if let (None, Some(fault)) = (row, &kept.fault) {
            return Err(raised(fault.clone()));
        }
        self.next.set(self.next.get() + 1);
        Ok(row.map(look))
    }

    /// Shows the next row to `look`.
    #[inline]
    pub fn step<R>(&self, look: impl FnOnce(RowView<'_>) -> R) -> Result<Option<R>, Error> {
        if self.reading == Reading::Keeping {
            self.drain()?;
        }
        if self.drained.get() {
            return self.replay(look);
        }
        let Some((session, id)) = self.handle.prepared() else { return Err(closed()) };
        self.stepped.set(true);
        let found = session.step(id, |row| look(RowView::Live(row))).map_err(raised)?;
        self.shown.set(self.shown.get() + usize::from(found.is_some()));
        Ok(found)
    }

    /// It will ask the file for rows, or may do so.
    pub(super) fn is_incomplete(&self) -> bool {
        match self.reading {
            Reading::Lazily | Reading::Keeping => !self.drained.get(),
            Reading::AtOnce => !self.drained.get() && !self.stepped.get(),
            Reading::Changing => false,
        }
    }

    /// A change of this reach would show in its rows, which can be had before.
    pub(super) fn is_open_to(&self, reach: &Reach) -> bool {
        (self.started.get() || self.constant) && self.is_incomplete() && reach.hits(&self.reads)
    }

    pub(super) fn is_started(&self) -> bool {
        self.started.get() && !self.drained.get()
    }

    /// Puts the whole answer into memory, and goes on after the rows that were shown.
    pub(super) fn drain(&self) -> Result<(), Error> {
        if self.drained.get() {
            return Ok(());
        }
        if !self.started.get() {
            // It comes too late: if it is started, that is where to say so.
            if self.connection.check_visible(self).is_err() {
                return Ok(());
            }
            self.start(&[])?;
        }
        let Some((session, id)) = self.handle.prepared() else { return Err(closed()) };
        if self.stepped.get() {
            session.reset(id);
        }
        *self.kept.borrow_mut() = Rc::new(Kept::read(&session, id)?);
        self.handle.release();
        self.next.set(self.shown.get());
        self.drained.set(true);
        Ok(())
    }

    /// Makes all changes of an UPDATE or DELETE, and gives their number. Its rows go into memory: while SQLite has some
    /// to give it takes and releases no savepoint, and who looks at them may need one.
    pub fn make_changes(&self) -> Result<u64, Error> {
        self.drain()?;
        match &self.kept.borrow().fault {
            Some(fault) => Err(raised(fault.clone())),
            None => Ok(self.connection.session()?.changes()),
        }
    }

    /// The query's work is over.
    pub fn end(&self) {
        self.started.set(false);
        self.handle.release();
        if let Ok(mut kept) = self.kept.try_borrow_mut() {
            *kept = Rc::default();
        }
        self.connection.ended(self);
    }
}

impl Kept {
    /// A row that cannot be computed is an error for who comes to it, which may be no one.
    fn read(session: &Session, id: StatementId) -> Result<Kept, Error> {
        let mut kept = Kept::default();
        loop {
            match session.step(id, |row| kept.rows.push(row)) {
                Ok(Some(Ok(()))) => {}
                Ok(Some(Err(OutOfMemory))) => return Err(session.no_memory().into()),
                Ok(None) => return Ok(kept),
                Err(fault @ sqlite::Error::Function { .. }) => {
                    kept.fault = Some(fault);
                    return Ok(kept);
                }
                Err(error) => return Err(raised(error)),
            }
        }
    }
}

fn closed() -> Error {
    Error::Foreign {
        sqlstate: Code::ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE,
        message: "the scan of a foreign table was closed while it was read".into(),
        detail: None,
        hint: None,
    }
}
