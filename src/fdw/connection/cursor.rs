//! A statement that is read row by row, and what it takes to keep its answer when the file changes under it.
//!
//! PostgreSQL's scans do not see what is written after they began. SQLite's do, of the same connection. So before a
//! change, the whole answer of each cursor that reads what changes is materialized, and can be read again from there: a
//! statement that runs anew shows the same rows in the same order, since its snapshot is still there. So is the answer
//! of a cursor that has not been started, unless it waits for parameters. A scan of a query that itself changes the file
//! collects its rows first, inside SQLite, where they may go to a temporary file.
#![deny(clippy::disallowed_methods)]

use std::cell::{Cell as Flag, RefCell};
use std::rc::{Rc, Weak};

use pgrx::PgSqlErrorCode as Code;

use super::{Affected, Connection, Look, raised};
use crate::error::Error;
use crate::pg::xact_events;
use crate::sqlite::session::{KeptRows, RowView};
use crate::sqlite::{self, Era, Session, StatementId};
use pg_sqlite_migrate_core::remote::fit::Fit;
use pg_sqlite_migrate_core::remote::{ColumnId, Observation, Remote, Witness};
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
    /// In memory before its first row: the rows are read again.
    Materialized,
    /// An UPDATE or DELETE: all its changes are made, and its rows are in memory, before the first one is shown.
    Changing,
}

pub struct Cursor {
    connection: Rc<Connection>,
    handle: Handle,
    /// The same query without tests, of these columns.
    untested: Option<(Handle, Vec<ColumnId>)>,
    /// Whether that one runs, as decided in this era of the session.
    needs_no_tests: Flag<Option<(Era, bool)>>,
    /// The snapshot in which a look has begun.
    looked_in: Flag<Option<Era>>,
    /// Tables and views that it reads.
    pub(super) reads: Vec<String>,
    /// The server's command that it belongs to.
    pub(super) command: u32,
    reading: Reading,
    /// It has no parameters: the same answer whenever it is started.
    constant: bool,
    /// Which of the connection's snapshots it reads.
    snapshot: u64,
    state: RefCell<State>,
    /// What a run to its end tells of columns.
    observations: Vec<Observation>,
    /// Has begun with the statement, if it tells anything new.
    look: RefCell<Option<Look>>,
}

#[derive(Default)]
enum State {
    /// No statement runs: it has not been started, or it has ended.
    #[default]
    Idle,
    /// The statement runs. Rows may have been asked for; so many have been shown.
    Running { stepped: bool, shown: usize },
    /// No statement runs, its whole answer is in memory. The next row is the one at this position.
    Materialized { answer: Rc<Answer>, next: usize },
}

/// An answer in memory.
#[derive(Default)]
struct Answer {
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
        let lazily = |reading| reading == Reading::Lazily;
        // With parameters it is mostly a look-up of some rows, again and again: asking for the state of the file would cost more.
        let untested = remote.untested.as_ref().filter(|_| lazily(reading) && remote.parameters.is_empty());
        let observations = if lazily(reading) { remote.observations.clone() } else { vec![] };
        let cursor = Rc::new(Cursor {
            connection: connection.clone(),
            handle: Handle::new(sql.into()),
            untested: untested.map(|u| (Handle::new(u.sql.clone()), u.columns.clone())),
            needs_no_tests: Flag::default(),
            looked_in: Flag::default(),
            reads: remote.reads.clone(),
            command: xact_events::command_id(),
            reading,
            constant: remote.parameters.is_empty(),
            snapshot: connection.snapshots.get(),
            state: RefCell::default(),
            observations,
            look: RefCell::default(),
        });
        connection.with_transaction(|transaction| transaction.cursors.push(cursor.clone()));
        cursor
    }

    pub fn connection(&self) -> &Rc<Connection> {
        &self.connection
    }

    /// Compiles the statement, so that what does not compile is known before the first row is asked for.
    pub fn prepare(&self) -> Result<(), Error> {
        let session = self.connection.session()?;
        self.choose(&session);
        self.handle().on(&session).map(drop)
    }

    /// The statement that runs.
    fn handle(&self) -> &Handle {
        match (&self.untested, self.needs_no_tests.get()) {
            (Some((untested, _)), Some((_, true))) => untested,
            _ => &self.handle,
        }
    }

    /// Its text.
    pub fn sql(&self) -> &str {
        &self.handle().sql
    }

    /// Chooses the statement by what is known of the session's snapshot; anew in another one, whoever starts it there.
    fn choose(&self, session: &Session) {
        let (Some((_, columns)), era) = (&self.untested, session.era()) else { return };
        if self.needs_no_tests.get().is_none_or(|(chosen, _)| chosen != era) {
            self.needs_no_tests.set(Some((era, self.connection.all_fit(session, columns))));
        }
    }

    /// A look at the cells of this run. A statement without tests shows nothing; and one look in each snapshot is enough for a
    /// cursor that starts again and again.
    fn look(&self, session: &Session) -> Option<Look> {
        let untested = matches!((&self.untested, self.needs_no_tests.get()), (Some(_), Some((_, true))));
        let era = session.era();
        if untested || self.looked_in.replace(Some(era)) == Some(era) {
            return None;
        }
        self.connection.look(session, &self.observations)
    }

    /// Outputs, and what to look for in their cells during this run.
    pub fn watches(&self) -> impl Iterator<Item = (usize, Option<Fit>)> {
        let looks = self.look.borrow().is_some();
        self.observations.iter().filter_map(move |observation| match observation.witness {
            Witness::Output(output) => Some((output, looks.then_some(observation.fit))),
            Witness::Query => None,
        })
    }

    /// All rows have been read. `fits` says of an output whether every cell of it was what the watch looks for.
    pub fn saw_all(&self, fits: impl Fn(usize) -> bool) {
        if let Some(look) = self.look.take() {
            self.connection.looked(&look, &self.observations, fits);
        }
    }

    /// Starts, or starts again.
    pub fn start(&self, parameters: &[Cell<'_>]) -> Result<(), Error> {
        if let State::Materialized { next, .. } = &mut *self.state.borrow_mut()
            && self.constant
        {
            *next = 0;
            return Ok(());
        }
        self.connection.check_visible(self)?;
        let session = match self.reading {
            // The change begins its own transaction.
            Reading::Changing => self.connection.session()?,
            _ => self.connection.snapshot(self.snapshot)?,
        };
        self.choose(&session);
        let id = self.handle().on(&session)?;
        session.bind(id, parameters).map_err(raised)?;
        self.look.replace(self.look(&session));
        self.state.replace(State::Running { stepped: false, shown: 0 });
        Ok(())
    }

    /// The next row is the first one again, the parameters being the same; `false` where the answer is not kept.
    pub fn rewind(&self) -> bool {
        match &mut *self.state.borrow_mut() {
            State::Idle => false,
            // Nothing has been shown: the first row is asked for after the whole answer is in memory.
            State::Running { .. } => self.reading == Reading::Materialized,
            State::Materialized { next, .. } => {
                *next = 0;
                true
            }
        }
    }

    /// Shows the next row to `look`.
    #[inline]
    pub fn step<R>(&self, look: impl FnOnce(RowView<'_>) -> R) -> Result<Option<R>, Error> {
        if self.reading == Reading::Materialized {
            self.materialize()?;
        }
        let materialized = match &mut *self.state.borrow_mut() {
            State::Idle => return Err(closed()),
            State::Running { stepped, .. } => {
                *stepped = true;
                None
            }
            State::Materialized { answer, next } => {
                let at = *next;
                *next += 1;
                Some((answer.clone(), at))
            }
        };
        if let Some((answer, at)) = materialized {
            return match (answer.rows.row(at), &answer.fault) {
                (None, Some(fault)) => Err(raised(fault.clone())),
                (row, _) => Ok(row.map(look)),
            };
        }
        let Some((session, id)) = self.handle().prepared() else { return Err(closed()) };
        let found = session.step(id, look).map_err(raised)?;
        if let State::Running { shown, .. } = &mut *self.state.borrow_mut() {
            *shown += usize::from(found.is_some());
        }
        Ok(found)
    }

    /// It will ask the file for rows, or may do so.
    pub(super) fn is_incomplete(&self) -> bool {
        let state = self.state.borrow();
        match (&*state, self.reading) {
            (_, Reading::Changing) | (State::Materialized { .. }, _) => false,
            (State::Running { stepped, .. }, Reading::AtOnce) => !stepped,
            _ => true,
        }
    }

    /// A change of these tables would show in its rows, which can be read before.
    pub(super) fn is_open_to(&self, affected: &Affected) -> bool {
        (self.constant || self.is_running()) && self.is_incomplete() && affected.hits(&self.reads)
    }

    pub(super) fn is_running(&self) -> bool {
        matches!(*self.state.borrow(), State::Running { .. })
    }

    /// Reads the whole answer into memory, and goes on after the rows that were shown.
    pub(super) fn materialize(&self) -> Result<(), Error> {
        if matches!(*self.state.borrow(), State::Idle) {
            // The error is raised when the cursor starts, if it does.
            if self.connection.check_visible(self).is_err() {
                return Ok(());
            }
            self.start(&[])?;
        }
        let State::Running { stepped, shown } = *self.state.borrow() else { return Ok(()) };
        let Some((session, id)) = self.handle().prepared() else { return Err(closed()) };
        if stepped {
            session.reset(id);
        }
        let answer = Rc::new(Answer::read(&session, id)?);
        self.release();
        self.state.replace(State::Materialized { answer, next: shown });
        Ok(())
    }

    /// Makes all changes of an UPDATE or DELETE, and gives their number. Its rows go into memory: while SQLite has some
    /// to give it takes and releases no savepoint, and whoever fetches them may need one.
    pub fn make_changes(&self) -> Result<u64, Error> {
        self.materialize()?;
        let fault = match &*self.state.borrow() {
            State::Materialized { answer, .. } => answer.fault.clone(),
            State::Idle | State::Running { .. } => None,
        };
        match fault {
            Some(fault) => Err(raised(fault)),
            None => Ok(self.connection.session()?.changes()),
        }
    }

    fn release(&self) {
        self.handle.release();
        self.untested.iter().for_each(|(untested, _)| untested.release());
    }

    /// The query's work is over.
    pub fn end(&self) {
        self.release();
        if let Ok(mut state) = self.state.try_borrow_mut() {
            *state = State::Idle;
        }
        self.connection.ended(self);
    }
}

impl Answer {
    /// A row that cannot be computed is an error for who comes to it, which may be no one.
    fn read(session: &Session, id: StatementId) -> Result<Answer, Error> {
        let mut answer = Answer::default();
        loop {
            match session.step(id, |row| answer.rows.push(row)) {
                Ok(Some(Ok(()))) => {}
                Ok(Some(Err(OutOfMemory))) => return Err(session.no_memory().into()),
                Ok(None) => return Ok(answer),
                Err(fault @ sqlite::Error::Function { .. }) => {
                    answer.fault = Some(fault);
                    return Ok(answer);
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
