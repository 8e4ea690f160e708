//! A hardened connection to a path, and what an error on the way to one means.

use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use rusqlite::config::DbConfig;
use rusqlite::hooks::AuthContext;
use rusqlite::limits::Limit;
use rusqlite::{Connection, OpenFlags, ffi};

use super::super::absent;
use super::super::authorize::{Access, Authorizer, authorize};
use super::super::auxiliary::Names;
use super::super::error::Error;
use super::OpenOptions;

/// What is opened.
#[derive(Clone)]
pub(super) struct Place {
    pub path: PathBuf,
    pub immutable: bool,
}

/// What is expected of `sqlite_schema`.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Schema {
    Sound,
    /// SQLite refuses a schema with one unreadable definition in it. Its recovery mode reads the others.
    Broken,
}

/// A connection in its snapshot.
pub(super) struct Opened {
    pub connection: Connection,
    pub authorizer: Arc<Authorizer>,
    /// How long to wait for a locked file, in milliseconds.
    pub patience: Arc<AtomicU64>,
}

pub(super) fn open_connection(place: &Place, access: Access) -> rusqlite::Result<Connection> {
    absent::expect();
    let kind = match access {
        Access::Read => OpenFlags::SQLITE_OPEN_READ_ONLY,
        // Without CREATE: a missing file is not created.
        Access::Write => OpenFlags::SQLITE_OPEN_READ_WRITE,
    };
    let flags = kind | OpenFlags::SQLITE_OPEN_NO_MUTEX | OpenFlags::SQLITE_OPEN_URI;
    Connection::open_with_flags(uri(&place.path, place.immutable), flags)
}

/// Errors name the file that was asked for, not a copy of it.
pub(super) fn connect(
    options: &OpenOptions,
    place: &Place,
    access: Access,
    schema: Schema,
) -> Result<Opened, Error> {
    let path = &options.path;
    let mut connection = open_connection(place, access).map_err(|e| why_not_opened(path, e))?;
    let mapped = |e| Error::from_sqlite(path, e);
    let patience = watch(&mut connection, options).map_err(mapped)?;
    harden(&mut connection, access, schema).map_err(mapped)?;
    let authorizer = Arc::new(Authorizer::new(access));
    let asked = authorizer.clone();
    let hook = move |context: AuthContext<'_>| authorize(context, &asked);
    connection.authorizer(Some(hook)).map_err(mapped)?;
    match begin(&connection).map_err(|e| why_not_begun(path, e)) {
        Err(Error::Locked { .. }) if (options.interrupted)() => {
            Err(Error::Interrupted { path: path.clone() })
        }
        begun => begun.map(|()| Opened { connection, authorizer, patience }),
    }
}

/// Checks the path without opening it: opening a FIFO or a device could hang, or worse.
pub(super) fn check_path(path: &Path) -> Result<(), Error> {
    let owned = || path.to_owned();
    if path.as_os_str().as_bytes().contains(&0) {
        return Err(Error::InvalidPath { path: owned() });
    }
    if !path.is_absolute() {
        return Err(Error::RelativePath { path: owned() });
    }
    let metadata = std::fs::metadata(path).map_err(|e| io_error(path, &e))?;
    if metadata.is_dir() {
        Err(Error::Directory { path: owned() })
    } else if !metadata.is_file() {
        Err(Error::NotRegularFile { path: owned() })
    } else if metadata.len() == 0 {
        Err(Error::EmptyFile { path: owned() })
    } else {
        Ok(())
    }
}

pub(super) fn io_error(path: &Path, error: &std::io::Error) -> Error {
    let path = path.to_owned();
    match error.kind() {
        std::io::ErrorKind::NotFound | std::io::ErrorKind::NotADirectory => Error::Missing { path },
        std::io::ErrorKind::PermissionDenied => Error::PermissionDenied { path },
        _ => Error::Sqlite { path, code: 0, message: error.to_string() },
    }
}

/// SQLite only says "unable to open database file": the operating system knows the reason. SQLite did not open the
/// file, so no lock can be lost.
pub(super) fn why_not_opened(path: &Path, error: rusqlite::Error) -> Error {
    let cannot_open = error.sqlite_error_code() == Some(rusqlite::ErrorCode::CannotOpen);
    let reason = if cannot_open { std::fs::File::open(path).err() } else { None };
    reason.map_or_else(|| Error::from_sqlite(path, error), |e| io_error(path, &e))
}

/// The file itself is open: it is an auxiliary file that cannot be opened.
pub(super) fn why_not_begun(path: &Path, error: rusqlite::Error) -> Error {
    beside_the_file(path, Error::from_sqlite(path, error), Names::of(path).has_journal())
}

pub(super) fn beside_the_file(path: &Path, error: Error, has_journal: bool) -> Error {
    let path = path.to_owned();
    match error {
        Error::Sqlite { code, .. } if code & 0xff == ffi::SQLITE_CANTOPEN && has_journal => {
            Error::HotJournal { path }
        }
        Error::Sqlite { code, .. } if code & 0xff == ffi::SQLITE_CANTOPEN => Error::WalUnusable { path },
        // For a reader SQLite creates only the WAL files.
        Error::DirectoryUnwritable { .. } => Error::WalUnusable { path },
        other => other,
    }
}

/// `file:` URI of a path, <https://www.sqlite.org/uri.html>: every byte that could mean something is escaped.
pub(super) fn uri(path: &Path, immutable: bool) -> String {
    let mut uri = String::from("file:");
    for &byte in path.as_os_str().as_bytes() {
        match byte {
            b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'/' | b'.' | b'_' | b'-' => uri.push(byte.into()),
            _ => uri.push_str(&format!("%{byte:02X}")),
        }
    }
    // A path that begins with two slashes would be read as a host name.
    let uri = uri.replacen("file:", "file://", 1);
    if immutable { uri + "?immutable=1" } else { uri }
}

/// Lets the caller interrupt long work and long waits. Returns the variable for the longest wait, in milliseconds.
fn watch(connection: &mut Connection, options: &OpenOptions) -> rusqlite::Result<Arc<AtomicU64>> {
    const OPERATIONS_BETWEEN_LOOKS: i32 = 2000;
    let interrupted = options.interrupted.clone();
    connection.progress_handler(OPERATIONS_BETWEEN_LOOKS, Some(move || interrupted()))?;
    let interrupted = options.interrupted.clone();
    let patience = Arc::new(AtomicU64::new(milliseconds(options.busy_timeout)));
    let timeout = patience.clone();
    let mut since = Instant::now();
    connection.busy_handler(Some(move |tries| {
        if tries == 0 {
            since = Instant::now();
        }
        let timeout = Duration::from_millis(timeout.load(Ordering::Relaxed));
        wait_a_little(tries, timeout.saturating_sub(since.elapsed())) && !interrupted()
    }))?;
    Ok(patience)
}

pub(super) fn milliseconds(timeout: Duration) -> u64 {
    timeout.as_millis().try_into().unwrap_or(u64::MAX)
}

/// Sleeps, longer with every try but never past `left`; `false` when no time is left.
pub(super) fn wait_a_little(tries: i32, left: Duration) -> bool {
    let pause = Duration::from_millis(1 << tries.clamp(0, 5));
    std::thread::sleep(pause.min(left));
    !left.is_zero()
}

fn harden(connection: &mut Connection, access: Access, schema: Schema) -> rusqlite::Result<()> {
    use DbConfig::*;
    // A change of the file has the effects of a change by its application: triggers fire, foreign keys are checked, and
    // the last connection to close a WAL file runs a checkpoint.
    let writes = access == Access::Write;
    if schema == Schema::Broken {
        // Read-only, query_only and DEFENSIVE remain in force. The only remaining effect is that broken objects are
        // passed over.
        connection.execute_batch("PRAGMA writable_schema = ON")?;
    }
    for (config, value) in [
        (SQLITE_DBCONFIG_DEFENSIVE, true),
        (SQLITE_DBCONFIG_TRUSTED_SCHEMA, false),
        (SQLITE_DBCONFIG_ENABLE_TRIGGER, writes),
        (SQLITE_DBCONFIG_ENABLE_FKEY, writes),
        (SQLITE_DBCONFIG_ENABLE_FTS3_TOKENIZER, false),
        (SQLITE_DBCONFIG_ENABLE_ATTACH_CREATE, false),
        (SQLITE_DBCONFIG_ENABLE_ATTACH_WRITE, false),
        (SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, !writes),
        // A misspelt "column" in a `where` is an error, not a string that no row is equal to. Schemas may hold such
        // strings: SQLITE_DBCONFIG_DQS_DDL stands.
        (SQLITE_DBCONFIG_DQS_DML, false),
    ] {
        connection.set_db_config(config, value)?;
    }
    // Sorting and grouping use temporary files beyond the cache: their memory would have no limit.
    connection.execute_batch("PRAGMA cell_size_check = ON; PRAGMA mmap_size = 0; PRAGMA query_only = ON")?;
    limit(connection, access)
}

/// SQLite's limits apply, but some are lower: no honest schema or `where` needs as much.
fn limit(connection: &Connection, access: Access) -> rusqlite::Result<()> {
    use Limit::*;
    if access == Access::Read {
        connection.set_limit(SQLITE_LIMIT_TRIGGER_DEPTH, 1)?;
    }
    const LONGEST_STATEMENT: i32 = 16 << 20;
    for (limit, value) in [
        (SQLITE_LIMIT_ATTACHED, 0),
        (SQLITE_LIMIT_WORKER_THREADS, 0),
        (SQLITE_LIMIT_SQL_LENGTH, LONGEST_STATEMENT),
    ] {
        connection.set_limit(limit, value)?;
    }
    Ok(())
}

pub(super) fn begin(connection: &Connection) -> rusqlite::Result<()> {
    connection.execute_batch("BEGIN")?;
    connection.query_row("SELECT count(*) FROM main.sqlite_schema", [], |_| Ok(()))
}
