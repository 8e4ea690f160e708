//! Which file a connection has open, and whether it is still the one that the server's options name.

use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::rc::Rc;
use std::sync::Arc;
use std::time::Duration;

use pgrx::PgSqlErrorCode as Code;

use super::{Connection, Intent, OpenFile, Transaction, raised};
use crate::error::Error;
use crate::fdw::options::ServerOptions;
use crate::guc;
use crate::import::source;
use crate::pg::foreign::ForeignServer;
use crate::pg::xact_events;
use crate::pg::{interrupts, rights};
use crate::sqlite::{OpenOptions, Purpose, Session};
use pg_sqlite_migrate_core::plan::Opening;

/// A file is another one when it was replaced under its name. Never opened to find out: closing it again would drop the
/// locks that SQLite holds on it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Identity {
    path: PathBuf,
    /// Device and inode.
    file: Option<(u64, u64)>,
    writable: bool,
    opening: Opening,
}

impl Identity {
    pub(super) fn path(&self) -> &Path {
        &self.path
    }

    fn of(path: &Path, writable: bool, opening: Opening) -> Identity {
        let file = std::fs::metadata(path).ok().map(|m| (m.dev(), m.ino()));
        Identity { path: path.to_owned(), file, writable, opening }
    }
}

impl Connection {
    /// Opens the file at the transaction's first use, or keeps the one that is open where it is the same.
    pub(super) fn refresh(&self, server: &ForeignServer, options: &ServerOptions) -> Result<(), Error> {
        let keeps_file = options.keep_connections;
        let used = self.with_transaction(|transaction| transaction.keeps_file = keeps_file).is_some();
        let patience = options.busy_timeout.unwrap_or_else(guc::busy_timeout);
        if !used || self.open_session().is_none() {
            self.open_current(server, options, patience)?;
        }
        if let Ok(session) = self.session() {
            session.set_busy_timeout(patience);
        }
        if !used {
            self.transaction.replace(Some(Transaction { keeps_file, ..Transaction::default() }));
        }
        Ok(())
    }

    /// Opens the file that the options name, unless it is open.
    fn open_current(
        &self,
        server: &ForeignServer,
        options: &ServerOptions,
        patience: Duration,
    ) -> Result<(), Error> {
        let path = source::allowed(&options.database)?;
        let writable = !options.force_readonly
            && (options.updatable || self.intent.get() != Intent::Read)
            && rights::may_write_server_files(server.owner);
        let wanted = Identity::of(&path, writable, options.opening);
        let (open, reads) = match self.file.borrow().as_ref() {
            Some(file) => (file.identity == wanted, !file.session.is_writable()),
            None => (false, false),
        };
        // A transaction that keeps its snapshot could not open the file for writing later.
        let reads_too_long = wanted.writable && reads && !xact_events::is_read_committed();
        if open && !self.stale.get() && self.is_current() && !reads_too_long {
            return Ok(());
        }
        self.close();
        self.open(wanted, patience)
    }

    fn open(&self, identity: Identity, busy_timeout: Duration) -> Result<(), Error> {
        let options = OpenOptions {
            path: identity.path.clone(),
            immutable: identity.opening.immutable,
            copy: identity.opening.copy_wal.then(source::scratch),
            busy_timeout,
            interrupted: Arc::new(interrupts::pending),
        };
        let purpose = match identity.writable {
            true if self.intent.get() == Intent::Changes || !xact_events::is_read_committed() => {
                Purpose::Write
            }
            true => Purpose::ReadFirst,
            false => Purpose::Read,
        };
        let session = Rc::new(Session::open(&options, purpose).map_err(raised)?);
        source::tell_of_copy(session.source());
        self.stale.set(false);
        *self.file.borrow_mut() = Some(OpenFile { session, identity, schema: None, seen: None });
        Ok(())
    }

    /// The file has the name that it was opened by.
    pub(super) fn has_its_file(&self) -> bool {
        let file = self.file.borrow();
        file.as_ref().is_some_and(|OpenFile { identity, .. }| {
            identity.file.is_some()
                && *identity == Identity::of(&identity.path, identity.writable, identity.opening)
        })
    }

    /// A new snapshot of what is open is the file's newest state.
    pub(super) fn is_current(&self) -> bool {
        let file = self.file.borrow();
        file.as_ref().is_some_and(|file| file.session.source().is_current())
    }

    /// Opens the file of that name in the place of the one that is open, which nobody reads or writes.
    pub(super) fn reopen(&self) -> Result<Rc<Session>, Error> {
        let known = self
            .file
            .borrow()
            .as_ref()
            .map(|file| (file.identity.clone(), file.session.source().busy_timeout()));
        if let Some((Identity { path, writable, opening, .. }, patience)) = known {
            self.close();
            let path = source::allowed(&path)?;
            self.open(Identity::of(&path, writable, opening), patience)?;
        }
        self.session()
    }

    /// Closes the file; cursors that still name it find nothing.
    pub(super) fn close(&self) {
        let file = self.file.try_borrow_mut().ok().and_then(|mut file| file.take());
        if let Some(OpenFile { session, .. }) = file {
            session.release_all();
            session.rollback();
        }
    }

    /// Opens the file for writing where it was opened for reading only: the server's options do not say that some of its
    /// tables are changed, or SQLite would have put files beside it. What is being read is read to its end first.
    pub fn make_writable(&self, server: &ForeignServer, options: &ServerOptions) -> Result<(), Error> {
        let session = self.session()?;
        if session.is_writable() {
            return Ok(());
        }
        self.intent.set(Intent::Changes);
        if session.in_transaction() && !session.is_fresh() && !xact_events::is_read_committed() {
            // A retry opens the file for writing from its beginning.
            return Err(Error::Foreign {
                sqlstate: Code::ERRCODE_T_R_SERIALIZATION_FAILURE,
                message: "cannot change a foreign table after its file was opened for reading".into(),
                detail: Some("The transaction keeps the snapshot of its first query.".into()),
                hint: Some("Run the transaction again, or set option \"updatable\" on the server.".into()),
            });
        }
        self.materialize(|cursor| cursor.is_open_to(&super::Affected::All) || cursor.is_running())?;
        session.source().prove().map_err(raised)?;
        self.give_up_snapshot(&session);
        self.close();
        self.refresh(server, options)
    }

    /// The file is the one that the options name.
    pub(super) fn is_valid(&self, options: &ServerOptions) -> bool {
        let file = self.file.borrow();
        let Some(OpenFile { identity, .. }) = file.as_ref().filter(|_| !self.stale.get()) else {
            return false;
        };
        source::allowed(&options.database)
            .is_ok_and(|path| *identity == Identity::of(&path, identity.writable, options.opening))
    }
}
