//! Making ready for a change: the write transaction, the server's savepoints in it, and the answers of who still reads.

use std::rc::Rc;

use super::{Affected, Connection, Cursor, Transaction, Write, raised};
use crate::error::Error;
use crate::fdw::options::ServerOptions;
use crate::pg::foreign::ForeignServer;
use crate::pg::rights;
use crate::pg::xact_events;
use crate::sqlite::collations;
use crate::sqlite::{self, Session};

impl Connection {
    /// The tables that a change of this one affects.
    pub fn affected(&self, table: &str) -> Result<Rc<Affected>, Error> {
        self.briefly(|connection, session| Ok(Rc::new(Affected::of(&*connection.catalog(session)?, table))))
    }

    /// An index of a table that SQLite could not keep in order here, and its collation.
    pub fn application_order(&self, table: &str) -> Result<Option<(String, String)>, Error> {
        self.briefly(|connection, session| {
            let catalog = connection.catalog(session)?;
            let mut indexes = catalog.table(table).into_iter().flat_map(|table| &table.indexes);
            Ok(indexes.find_map(|index| {
                let unknown = index.columns.iter().find(|c| !collations::is_builtin(&c.collation))?;
                Some((index.name.clone(), unknown.collation.clone()))
            }))
        })
    }

    /// Makes ready for a change: a write transaction with the server's savepoints, and nobody who would see it.
    /// `command` is the server's command that changes, which must not read what it has written.
    pub fn change(&self, affected: &Rc<Affected>, command: Option<u32>) -> Result<Rc<Session>, Error> {
        let session = self.writing()?;
        let innermost = self
            .with_transaction(|transaction| transaction.savepoints.last().copied())
            .flatten()
            .unwrap_or(1);
        for level in innermost + 1..=xact_events::nest_level() {
            session.savepoint(level).map_err(raised)?;
            self.with_transaction(|transaction| transaction.savepoints.push(level));
        }
        self.materialize(|cursor| cursor.is_open_to(affected))?;
        let Some(command) = command else { return Ok(session) };
        self.record(affected, command, xact_events::nest_level());
        Ok(session)
    }

    /// Reads the answers of these cursors into memory.
    pub(super) fn materialize(&self, which: impl Fn(&Cursor) -> bool) -> Result<(), Error> {
        let open: Option<Vec<Rc<Cursor>>> = self.with_transaction(|transaction| {
            transaction.cursors.iter().filter(|cursor| which(cursor)).cloned().collect()
        });
        open.iter().flatten().try_for_each(|cursor| cursor.materialize())
    }

    /// Of the changes of one level that affect the same tables, only the last counts.
    pub(super) fn record(&self, affected: &Rc<Affected>, command: u32, level: i32) {
        let same =
            |w: &Write| w.level == level && (Rc::ptr_eq(&w.affected, affected) || w.affected == *affected);
        self.with_transaction(|Transaction { writes, .. }| match writes.iter_mut().find(|w| same(w)) {
            Some(write) => write.command = write.command.max(command),
            None => writes.push(Write { affected: affected.clone(), command, level }),
        });
    }

    /// A query that is about to read will change the file: its snapshot is that of the write transaction.
    pub fn expect_change(&self, server: &ForeignServer, options: &ServerOptions) -> Result<(), Error> {
        if options.force_readonly || !rights::may_write_server_files(server.owner) {
            return Ok(());
        }
        if !self.session()?.is_writable() {
            let kept = self.session()?.in_transaction() && !xact_events::is_read_committed();
            if kept && !self.session()?.is_fresh() {
                return Ok(());
            }
            self.make_writable(server, options)?;
        }
        self.writing().map(drop)
    }

    /// The session in its write transaction. Who still reads, goes on in its snapshot; where another program has written
    /// since, the rows of that snapshot are read to their end before, unless the whole transaction rests on it.
    fn writing(&self) -> Result<Rc<Session>, Error> {
        let session = self.session()?;
        if session.is_writing() {
            return Ok(session);
        }
        self.forget_seen();
        let renews = xact_events::is_read_committed();
        let active = self.any_cursor(Cursor::is_incomplete);
        if session.in_transaction() && !session.is_fresh() && (active || !renews) {
            match session.upgrade() {
                Err(sqlite::Error::Snapshot { .. }) if renews => {
                    self.materialize(|c| c.is_open_to(&Affected::All))?
                }
                upgraded => return upgraded.map_err(raised).map(|()| session),
            }
        }
        self.give_up_snapshot(&session);
        session.begin_write().map_err(raised)?;
        Ok(session)
    }

    /// What is open and not read to its end cannot go on.
    pub(super) fn give_up_snapshot(&self, session: &Session) {
        self.snapshots.set(self.snapshots.get() + 1);
        session.rollback();
    }
}
