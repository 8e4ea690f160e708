//! The file and the state of a connection through SQLite's own handles: information that no SQL statement returns.
//!
//! Opening the file a second time, outside SQLite, and closing it again would drop every POSIX lock that this process
//! has on it. So this module uses SQLite's handle. Must not write, and must not be kept longer than the connection.
//!
//! [`queried`] has the virtual tables whose rows are those of a query over the same file.

pub(super) mod queried;
pub(super) mod scan;
pub(super) mod snapshot;

use std::ffi::c_int;
use std::marker::PhantomData;
use std::ptr;

use rusqlite::functions::Context as FunctionContext;
use rusqlite::{Connection, ffi};

/// SQLite's extended result code.
pub(super) type Code = c_int;

/// The main database file of a connection.
pub(super) struct File<'c> {
    file: *mut ffi::sqlite3_file,
    methods: &'c ffi::sqlite3_io_methods,
    connection: PhantomData<&'c Connection>,
}

impl<'c> File<'c> {
    pub(super) fn of(connection: &'c Connection) -> Result<File<'c>, Code> {
        let mut file: *mut ffi::sqlite3_file = ptr::null_mut();
        // SAFETY: the connection is open, and FILE_POINTER writes one pointer,
        // <https://www.sqlite.org/c3ref/c_fcntl_begin_atomic_write.html>. The handle lives as long as the connection,
        // its methods are static; both are borrowed no longer than that.
        unsafe {
            let asked = ffi::sqlite3_file_control(
                connection.handle(),
                c"main".as_ptr(),
                ffi::SQLITE_FCNTL_FILE_POINTER,
                (&raw mut file).cast(),
            );
            match file.as_ref().and_then(|file| file.pMethods.as_ref()) {
                Some(methods) if asked == ffi::SQLITE_OK => {
                    Ok(File { file, methods, connection: PhantomData })
                }
                _ => Err(if asked == ffi::SQLITE_OK { ffi::SQLITE_CANTOPEN } else { asked }),
            }
        }
    }

    /// Fills the buffer from `offset`; `false` if the file ends before, and the rest of the buffer is zeros.
    pub(super) fn read(&self, buffer: &mut [u8], offset: u64) -> Result<bool, Code> {
        let Some(read) = self.methods.xRead else { return Err(ffi::SQLITE_IOERR_READ) };
        let (Ok(length), Ok(offset)) = (c_int::try_from(buffer.len()), i64::try_from(offset)) else {
            return Err(ffi::SQLITE_TOOBIG);
        };
        // SAFETY: the handle is open while the connection is, which only this thread uses; the buffer is as long as said.
        match unsafe { read(self.file, buffer.as_mut_ptr().cast(), length, offset) } {
            ffi::SQLITE_OK => Ok(true),
            ffi::SQLITE_IOERR_SHORT_READ => Ok(false),
            code => Err(code),
        }
    }

    /// In bytes.
    pub(super) fn size(&self) -> Result<u64, Code> {
        let Some(size) = self.methods.xFileSize else { return Err(ffi::SQLITE_IOERR_FSTAT) };
        let mut bytes = 0;
        // SAFETY: the handle is open while the connection is, which only this thread uses; one integer is written.
        match unsafe { size(self.file, &raw mut bytes) } {
            ffi::SQLITE_OK => Ok(bytes.try_into().unwrap_or(0)),
            code => Err(code),
        }
    }

    /// Takes a SHARED lock, which lasts until the connection is closed. Only for an immutable connection: the pager of
    /// any other takes and releases its own.
    pub(super) fn lock_shared(&self) -> Result<(), Code> {
        let Some(lock) = self.methods.xLock else { return Err(ffi::SQLITE_IOERR_LOCK) };
        // SAFETY: the handle is open while the connection is, which only this thread uses. SQLite releases the lock when it closes
        // the handle.
        match unsafe { lock(self.file, ffi::SQLITE_LOCK_SHARED) } {
            ffi::SQLITE_OK => Ok(()),
            code => Err(code),
        }
    }
}

/// Whether deferred foreign keys are broken, which the commit of the open transaction would report.
pub(super) fn breaks_foreign_keys(connection: &Connection) -> bool {
    let (mut broken, mut most) = (0, 0);
    // SAFETY: the connection is open; two integers are written, <https://www.sqlite.org/c3ref/c_dbstatus_options.html>.
    let asked = unsafe {
        let question = ffi::SQLITE_DBSTATUS_DEFERRED_FKS;
        ffi::sqlite3_db_status(connection.handle(), question, &raw mut broken, &raw mut most, 0)
    };
    asked == ffi::SQLITE_OK && broken != 0
}

/// Runs `ask` with the connection that a function is called on.
pub(super) fn with_connection<T>(
    context: &FunctionContext<'_>,
    ask: impl FnOnce(&Connection) -> T,
) -> rusqlite::Result<T> {
    // SAFETY: the connection is open while its function runs, and is only borrowed.
    Ok(ask(&*unsafe { context.get_connection() }?))
}

#[cfg(test)]
mod tests {
    use super::super::testing::TempDir;
    use super::*;

    fn immutable(path: &std::path::Path) -> Connection {
        let flags = rusqlite::OpenFlags::SQLITE_OPEN_READ_ONLY | rusqlite::OpenFlags::SQLITE_OPEN_URI;
        Connection::open_with_flags(format!("file://{}?immutable=1", path.display()), flags).unwrap()
    }

    #[test]
    fn bytes_are_read_to_the_end_and_not_past_it() {
        let dir = TempDir::new();
        let path = dir.database("t.db", "CREATE TABLE t(a)");
        let connection = immutable(&path);
        let file = File::of(&connection).unwrap();
        let mut header = [0; 16];
        assert_eq!(file.read(&mut header, 0), Ok(true));
        assert_eq!(&header, b"SQLite format 3\0");
        let size = file.size().unwrap();
        assert_eq!(size, std::fs::metadata(&path).unwrap().len());
        assert_eq!(file.read(&mut header, size - 4), Ok(false));
    }

    #[test]
    fn a_shared_lock_keeps_a_writer_from_committing_until_the_connection_is_closed() {
        let dir = TempDir::new();
        let path = dir.database("t.db", "CREATE TABLE t(a)");
        let writer = Connection::open(&path).unwrap();
        writer.busy_timeout(std::time::Duration::ZERO).unwrap();
        let connection = immutable(&path);
        File::of(&connection).unwrap().lock_shared().unwrap();
        // Another connection of this process that comes and goes takes no lock away.
        drop(immutable(&path));
        assert!(writer.execute_batch("INSERT INTO t VALUES (1)").is_err());
        drop(connection);
        writer.execute_batch("INSERT INTO t VALUES (1)").unwrap();
        writer.execute_batch("BEGIN EXCLUSIVE").unwrap();
        let connection = immutable(&path);
        assert_eq!(File::of(&connection).unwrap().lock_shared(), Err(ffi::SQLITE_BUSY));
    }
}
