//! Of which columns every cell has been seen to fit, in the state that the file has: queries run without tests of these.
//!
//! What was seen holds for one state of the file, in one session. Where another program has written, and where the file was
//! replaced or opened anew, it is forgotten. So it is when this transaction begins to write; until it ends, nothing is known
//! and nothing is added, and so no rollback, whole or to a savepoint, has to bring anything back. A query decides when it
//! starts, in the snapshot that it reads, not when it is planned.
//!
//! Nothing here raises an error: where the state of the file cannot be told, queries test.

use std::collections::HashSet;

use super::{Connection, raised};
use crate::error::Error;
use crate::sqlite::{Era, FileState, Session};
use pg_sqlite_migrate_core::remote::observation::census;
use pg_sqlite_migrate_core::remote::{ColumnId, Observation, Table, Witness};
use pg_sqlite_migrate_core::value::Cell;

/// Columns, and the state of the file in which they were seen.
pub(super) struct Seen {
    state: FileState,
    columns: HashSet<ColumnId>,
}

impl Seen {
    fn has(&self, columns: &[ColumnId]) -> bool {
        columns.iter().all(|column| self.columns.contains(column))
    }
}

/// A look at every cell of some columns has begun.
#[derive(Debug)]
pub struct Look {
    era: Era,
    state: FileState,
    /// How many cells the session had converted before.
    decoded: u64,
}

impl Look {
    /// `None` where what is read is no state of the file.
    fn begin(session: &Session) -> Option<Look> {
        if session.is_writing() {
            return None;
        }
        Some(Look { era: session.era(), state: session.file_state().ok()?, decoded: session.decoded() })
    }
}

impl Connection {
    fn with_seen<T>(&self, f: impl FnOnce(&mut Option<Seen>) -> T) -> Option<T> {
        self.file.borrow_mut().as_mut().map(|file| f(&mut file.seen))
    }

    pub(super) fn forget_seen(&self) {
        self.with_seen(|seen| *seen = None);
    }

    /// Every cell of these columns fits, in the session's snapshot.
    pub(super) fn all_fit(&self, session: &Session, columns: &[ColumnId]) -> bool {
        let known = self.with_seen(|seen| seen.as_ref().is_some_and(|seen| seen.has(columns)));
        if session.is_writing() || known != Some(true) {
            return false;
        }
        let state = session.file_state().ok();
        let same = |seen: &mut Seen| state.as_ref().is_some_and(|state| seen.state.same(state));
        self.with_seen(|seen| {
            let changed = seen.take_if(|seen| !same(seen)).is_some();
            !changed && seen.is_some()
        }) == Some(true)
    }

    /// Begins to look, with a query that starts now. `None` where there is nothing to learn.
    pub(super) fn look(&self, session: &Session, observations: &[Observation]) -> Option<Look> {
        let columns: Vec<ColumnId> = observations.iter().map(|observation| observation.column).collect();
        if columns.is_empty() || self.all_fit(session, &columns) {
            return None;
        }
        Look::begin(session)
    }

    /// The query has run to its end. `fits` says of an output whether every cell of it fits.
    pub fn looked(&self, look: &Look, observations: &[Observation], fits: impl Fn(usize) -> bool) {
        let Some(session) = self.open_session() else { return };
        let tests_held = session.decoded() == look.decoded;
        let fit = observations.iter().filter(|observation| match observation.witness {
            Witness::Output(output) => fits(output),
            Witness::Query => tests_held,
        });
        self.remember(&session, look, fit.map(|observation| observation.column));
    }

    /// A statement reads one state of the file: what was seen is of that in which the look began, unless this transaction has
    /// written since.
    fn remember(&self, session: &Session, look: &Look, columns: impl Iterator<Item = ColumnId>) {
        if session.era() != look.era {
            return;
        }
        self.with_seen(|seen| {
            drop(seen.take_if(|seen| !seen.state.same(&look.state)));
            let new = || Seen { state: look.state.clone(), columns: HashSet::default() };
            seen.get_or_insert_with(new).columns.extend(columns);
        });
    }

    /// Counts the rows of a table, and looks at each cell.
    pub(super) fn count_looking(&self, session: &Session, table: &Table) -> Result<f64, Error> {
        let (sql, columns) = census(table);
        let look = Look::begin(session);
        let id = session.prepare(&sql).map_err(raised)?;
        let counts = session.bind(id, &[]).and_then(|()| {
            session.step(id, |row| -> Vec<i64> {
                let integer = |at| if let Ok(Cell::Integer(count)) = row.cell(at) { count } else { -1 };
                (0..=columns.len()).map(integer).collect()
            })
        });
        session.release(id);
        let counts = counts.map_err(raised)?.unwrap_or_default();
        let Some((rows, misfits)) = counts.split_first() else { return Ok(0.0) };
        if let Some(look) = look {
            let fitting = columns.iter().zip(misfits).filter(|(_, misfits)| **misfits == 0);
            self.remember(session, &look, fitting.map(|(column, _)| *column));
        }
        Ok(*rows as f64)
    }
}
