//! The snapshot of a read transaction in WAL mode: named, and entered by another connection.

use std::ffi::CStr;
use std::ptr::{self, NonNull};

use rusqlite::{Connection, ffi};

use super::Code;

const MAIN: &CStr = c"main";

/// What a connection's read transaction sees. It can be entered while that transaction is open, whose lock keeps others from
/// overwriting the pages; but for one that reads nothing of the `-wal`, because all of it was in the file: not after the next
/// write.
pub(crate) struct Snapshot(NonNull<ffi::sqlite3_snapshot>);

impl Snapshot {
    /// Of an open read transaction; `None` outside WAL mode, where a snapshot has no name.
    pub fn of(connection: &Connection) -> Option<Snapshot> {
        if !is_offered() {
            return None;
        }
        let mut snapshot = ptr::null_mut();
        // SAFETY: the connection is open, and one pointer is written.
        let got = unsafe { ffi::sqlite3_snapshot_get(connection.handle(), MAIN.as_ptr(), &raw mut snapshot) };
        NonNull::new(snapshot).filter(|_| got == ffi::SQLITE_OK).map(Snapshot)
    }

    /// Moves another connection, whose read transaction is open and has no statement under way, into this snapshot. After an
    /// error it may see what it saw before.
    pub fn enter(&self, connection: &Connection) -> Result<(), Code> {
        // SAFETY: the connection is open, and the snapshot has not been freed.
        match unsafe { ffi::sqlite3_snapshot_open(connection.handle(), MAIN.as_ptr(), self.0.as_ptr()) } {
            ffi::SQLITE_OK => Ok(()),
            code => Err(code),
        }
    }

    /// Both are of one state of the same file.
    pub fn is(&self, other: &Snapshot) -> bool {
        // SAFETY: neither has been freed.
        unsafe { ffi::sqlite3_snapshot_cmp(self.0.as_ptr(), other.0.as_ptr()) == 0 }
    }
}

impl Drop for Snapshot {
    fn drop(&mut self) {
        // SAFETY: it is freed once.
        unsafe { ffi::sqlite3_snapshot_free(self.0.as_ptr()) };
    }
}

/// A build without the flags of `.cargo/config.toml` has no such functions: to call one would end the process.
fn is_offered() -> bool {
    // SAFETY: a static text.
    unsafe { ffi::sqlite3_compileoption_used(c"ENABLE_SNAPSHOT".as_ptr()) != 0 }
}
