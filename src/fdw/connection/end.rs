//! How connections follow the ends of the server's transactions and subtransactions, and how a user closes them.

use std::rc::Rc;
use std::sync::Once;

use pgrx::PgSqlErrorCode as Code;

use super::{CONNECTIONS, Connection, Intent, Status, Transaction, Trust, Write, all, raised};
use crate::error::Error;
use crate::fdw::OrRaise;
use crate::fdw::options::ServerOptions;
use crate::pg::xact_events;
use crate::pg::xact_events::{After, Before, TransactionCallbacks};
use crate::pg::{foreign, invalidation};
use crate::sqlite::Session;

struct Callbacks;

/// Registers the callbacks, once.
pub(super) fn register() {
    static REGISTERED: Once = Once::new();
    REGISTERED.call_once(|| {
        xact_events::register(&Callbacks);
        invalidation::register(mark);
    });
}

/// Files whose server has changed are closed when the transaction ends, or opened anew at the next use.
fn mark(hash: u32) {
    for (_, connection) in all() {
        if hash == 0 || connection.hash == hash {
            connection.stale.set(true);
        }
    }
}

fn used() -> impl Iterator<Item = Rc<Connection>> {
    all().into_iter().map(|(_, connection)| connection).filter(|c| c.transaction.borrow().is_some())
}

impl TransactionCallbacks for Callbacks {
    fn before(&self, event: Before) {
        match event {
            Before::Commit => commit().or_raise(),
            Before::Prepare => used().try_for_each(|connection| connection.refuse_to_prepare()).or_raise(),
        }
    }

    fn after(&self, _event: After) {
        used().for_each(|connection| connection.finish());
        for (oid, connection) in all().into_iter().filter(|(_, c)| c.stale.get() && !c.is_in_use()) {
            connection.close();
            let _ = CONNECTIONS.try_with(|all| all.try_borrow_mut().map(|mut all| all.remove(&oid)));
        }
    }

    fn before_sub_commit(&self, level: i32) {
        used().try_for_each(|connection| connection.merge(level)).or_raise();
    }

    fn after_sub_abort(&self, level: i32) {
        used().for_each(|connection| connection.undo(level));
    }
}

/// Commits every file that was written. Where there are several, each is first brought to where its commit waits for
/// nobody any more, in the order of their servers: then a reader of one of them makes all fail, and not the last alone.
fn commit() -> Result<(), Error> {
    let mut written = vec![];
    for connection in used() {
        connection.check_proven()?;
        if let Some(session) = connection.written()? {
            written.push((connection, session));
        }
    }
    if written.len() > 1 {
        written.iter().try_for_each(|(_, session)| session.make_ready().map_err(raised))?;
    }
    written.iter().try_for_each(|(_, session)| session.commit().map_err(raised))
}

impl Connection {
    /// The session, where there is something to commit, and a file to commit it to.
    fn written(&self) -> Result<Option<Rc<Session>>, Error> {
        if !self.open_session().is_some_and(|session| session.is_writing()) {
            return Ok(None);
        }
        let session = self.session()?;
        if !self.has_its_file() {
            return Err(replaced(&session));
        }
        session.release_all();
        Ok(Some(session))
    }

    fn refuse_to_prepare(&self) -> Result<(), Error> {
        let has_written =
            self.with_transaction(|transaction| !transaction.writes.is_empty()).unwrap_or(false);
        if !has_written && !self.open_session().is_some_and(|session| session.in_transaction()) {
            return Ok(());
        }
        Err(Error::Foreign {
            sqlstate: Code::ERRCODE_FEATURE_NOT_SUPPORTED,
            message: "cannot PREPARE a transaction that has operated on foreign tables of pg_sqlite_fdw"
                .into(),
            detail: None,
            hint: None,
        })
    }

    /// The transaction is over, however it ended; what is still open of it is rolled back.
    fn finish(&self) {
        let transaction = self.transaction.take().unwrap_or_default();
        let session = self.open_session();
        if let Some(session) = &session {
            session.release_all();
            session.rollback();
        }
        if self.intent.get() == Intent::Changes {
            self.intent.set(Intent::MayChange);
        }
        // The file's own application could not write as long as SQLite's auxiliary files belong to us.
        let creates_files = session.is_some_and(|session| session.source().creates_auxiliary_files());
        if !transaction.keeps_file || creates_files {
            self.close();
        }
    }

    /// A subtransaction commits into its parent.
    fn merge(&self, level: i32) -> Result<(), Error> {
        if self.with_transaction(|transaction| transaction.savepoints.last() == Some(&level)) == Some(true) {
            self.session()?.release_savepoint(level).map_err(raised)?;
            self.with_transaction(|transaction| transaction.savepoints.pop());
        }
        let merged: Option<Vec<Write>> = self.with_transaction(|transaction| {
            transaction.writes.extract_if(.., |w| w.level >= level).collect()
        });
        for write in merged.into_iter().flatten() {
            self.record(&write.affected, write.command, level - 1);
        }
        Ok(())
    }

    /// A subtransaction has aborted: what was written in it, and below it, is undone.
    fn undo(&self, level: i32) {
        let outermost = self.with_transaction(|Transaction { savepoints, writes, .. }| {
            let outermost = savepoints.iter().copied().find(|l| *l >= level);
            savepoints.retain(|l| *l < level);
            writes.retain(|write| write.level < level);
            outermost
        });
        let (Some(outermost), Ok(session)) = (outermost.flatten(), self.session()) else { return };
        if session.rollback_to(outermost).is_err() {
            self.with_transaction(|transaction| transaction.trust = Trust::Broken);
        }
    }

    fn is_in_use(&self) -> bool {
        self.open_session().is_some_and(|session| session.in_transaction()) || self.any_cursor(|_| true)
    }
}

/// What was written is in a file that has no name any more, and would be lost.
fn replaced(session: &Session) -> Error {
    Error::Foreign {
        sqlstate: Code::ERRCODE_T_R_SERIALIZATION_FAILURE,
        message: format!(
            "SQLite file \"{}\" was replaced while it was changed",
            session.source().path().display()
        ),
        detail: Some("Another file, or none, has its name now.".into()),
        hint: Some("Run the transaction again.".into()),
    }
}

/// Every connection that has a file open, by server name.
pub fn statuses() -> Vec<Status> {
    let mut out: Vec<Status> = all()
        .into_iter()
        .filter_map(|(oid, connection)| {
            let name = connection.name.borrow().clone();
            let session = connection.open_session()?;
            let server = foreign::server_by_name(&name).filter(|s| s.oid.to_u32() == oid);
            let valid = server
                .and_then(|server| ServerOptions::of(&server).ok())
                .is_some_and(|options| connection.is_valid(&options));
            Some(Status {
                server: name,
                valid,
                in_transaction: session.in_transaction(),
                written: session.is_writing(),
            })
        })
        .collect();
    out.sort_by(|a, b| a.server.cmp(&b.server));
    out
}

/// What came of closing connections.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Closed {
    pub closed: usize,
    /// Servers whose connection the transaction uses.
    pub in_use: Vec<String>,
}

/// Closes the connection of one server, or of all.
pub fn close(server: Option<u32>) -> Closed {
    let mut outcome = Closed::default();
    for (oid, connection) in all().into_iter().filter(|(oid, _)| server.is_none_or(|s| s == *oid)) {
        if connection.is_in_use() {
            outcome.in_use.push(connection.name.borrow().clone());
        } else if connection.open_session().is_some() {
            connection.close();
            connection.transaction.take();
            outcome.closed += 1;
            let _ = CONNECTIONS.try_with(|all| all.try_borrow_mut().map(|mut all| all.remove(&oid)));
        }
    }
    outcome
}
