//! The one way to a source file: a hardened connection, read-only unless asked otherwise, that holds one snapshot.
//!
//! Assumes that the caller has checked the user's rights and `allowed_directories`. A database file is
//! untrusted input. Must not open the file by other means than SQLite: closing such a handle would drop
//! the POSIX locks of every SQLite connection that this process has on the file.

use std::any::Any;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use rusqlite::config::DbConfig;
use rusqlite::hooks::AuthContext;
use rusqlite::limits::Limit;
use rusqlite::{Connection, OpenFlags, ffi};

use super::absent;
use super::authorize::{Access, Gate, Purpose, authorize};
use super::beside::{self, Asked, Beside, HEADER, Log, Names, Stamp, TICK, Way};
use super::collations::{self, StandIns};
use super::copy::{self, Copied};
use super::error::Error;
use super::raw::File;

/// Asked every few milliseconds of work; `true` stops it. Called on the thread that uses the `Source`, from
/// inside SQLite: it may look at a flag, and must neither raise an error nor call SQLite.
pub type Interrupted = Arc<dyn Fn() -> bool + Send + Sync>;

#[derive(Clone)]
pub struct OpenOptions {
    /// Absolute.
    pub path: PathBuf,
    /// The user vouches that nothing writes to the file: no lock is taken. It has no `-wal` with something in it.
    pub immutable: bool,
    /// Where the file and its `-wal` may be copied to; without it, a `-wal` is read in place or not at all.
    pub copy: Option<Scratch>,
    /// How long a file that someone writes to is waited for.
    pub busy_timeout: Duration,
    pub interrupted: Interrupted,
}

/// A place for a copy.
#[derive(Clone)]
pub struct Scratch {
    /// Made when it is needed, private to this process.
    pub directory: PathBuf,
    /// Bytes that a copy may have.
    pub limit: Option<u64>,
    /// Removes the directory when the last of its clones is dropped.
    pub owner: Arc<dyn Any + Send + Sync>,
}

/// An open file and one snapshot of it. Dropping it closes the file and releases its locks.
pub struct Source {
    connection: Connection,
    path: PathBuf,
    schema_error: Option<String>,
    gate: Arc<Gate>,
    stand_ins: StandIns,
    /// Milliseconds that a locked file is waited for.
    patience: Arc<AtomicU64>,
    state: State,
    footing: Footing,
}

/// What was seen of a file when it was opened.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct State {
    /// The file says that it is in WAL mode, and there is no `-wal`.
    pub log_missing: bool,
    /// Names that the file has: a `-wal` may lie beside another of them.
    pub names: u64,
    /// What is read is a copy.
    pub copied: Option<Copied>,
}

/// What the snapshot stands on.
enum Footing {
    /// SQLite's locks. Until they are taken, one of ours keeps what was seen beside the file there.
    Locks { _probe: Option<Connection> },
    /// Nobody writes to the file.
    Still(Still),
    /// Nobody but us knows the file; the original was in this state. The directory goes after the connection.
    Copy { original: Still, _directory: Scratch },
    /// SQLite has made files beside the file, and removes them when it is closed.
    Guest,
}

impl Footing {
    /// The snapshot is taken.
    fn taken(self) -> Footing {
        match self {
            Footing::Locks { .. } => Footing::Locks { _probe: None },
            other => other,
        }
    }
}

/// A file that is watched for writers.
struct Still {
    /// Holds the lock, where there is one, and the handle to read the header by.
    probe: Connection,
    stamp: Stamp,
}

impl Still {
    fn now(&self, path: &Path) -> Result<Stamp, Error> {
        let header = header(&File::of(&self.probe).map_err(|code| Error::of_code(path, code))?, path)?;
        Ok(Stamp::take(path, &Names::of(path), header))
    }

    fn prove(&self, path: &Path) -> Result<(), Error> {
        match self.stamp.holds(&self.now(path)?) {
            true => Ok(()),
            false => Err(Error::Changed { path: path.to_owned() }),
        }
    }
}

impl Source {
    pub fn connection(&self) -> &Connection {
        &self.connection
    }

    pub fn path(&self) -> &Path {
        &self.path
    }

    pub fn state(&self) -> &State {
        &self.state
    }

    /// SQLite's complaint about a schema of which some objects could not be read; the others can.
    pub fn schema_error(&self) -> Option<&str> {
        self.schema_error.as_deref()
    }

    /// What was read was one state of the file. Nothing that was read is to be believed before this is asked.
    pub fn prove(&self) -> Result<(), Error> {
        match &self.footing {
            Footing::Still(still) => still.prove(&self.path),
            Footing::Locks { .. } | Footing::Copy { .. } | Footing::Guest => Ok(()),
        }
    }

    /// A snapshot that is taken now is the newest; otherwise the file has to be opened anew.
    pub fn is_current(&self) -> bool {
        match &self.footing {
            Footing::Still(still) => still.prove(&self.path).is_ok(),
            Footing::Copy { original, .. } => {
                original.now(&self.path).is_ok_and(|now| original.stamp.surely_holds(&now))
            }
            Footing::Locks { .. } | Footing::Guest => true,
        }
    }

    /// Files that were not there before lie beside the file until it is closed.
    pub fn is_guest(&self) -> bool {
        matches!(self.footing, Footing::Guest)
    }

    /// Runs `ask`, a pragma, with SELECT refused: to list relations, SQLite looks into every view, and views
    /// of views of views can keep it busy for years. It lists those just as well when it may not look.
    pub(super) fn listing<T>(&self, ask: impl FnOnce() -> T) -> T {
        self.gate.during(Purpose::Listing, ask)
    }

    /// Runs one of our own statements for transactions and `query_only`; no other text may come here.
    pub(super) fn steer(&self, sql: &str) -> Result<(), Error> {
        self.gate.during(Purpose::Steering, || self.connection.execute_batch(sql)).map_err(|e| self.error(e))
    }

    /// Takes a snapshot: `BEGIN` alone takes none, the first read does.
    pub(super) fn begin(&self) -> Result<(), Error> {
        begin(&self.connection).map_err(|e| why_not_begun(&self.path, e))?;
        self.stand_in()
    }

    /// Knows a stand-in for every collation that the schema of the snapshot names.
    pub(super) fn stand_in(&self) -> Result<(), Error> {
        self.stand_ins.register(&self.connection).map_err(|e| self.error(e))
    }

    /// Asks a question whose answer is to be believed: none for which a collation was stood in for.
    pub(super) fn ask<T>(
        &self,
        question: impl FnOnce(&Connection) -> rusqlite::Result<T>,
    ) -> Result<T, Error> {
        drop(collations::asked());
        let answer = question(&self.connection).map_err(|e| self.error(e))?;
        self.believe(answer)
    }

    /// What was answered on this thread, unless a collation was stood in for.
    pub(super) fn believe<T>(&self, answer: T) -> Result<T, Error> {
        match collations::asked() {
            Some(name) => Err(Error::Collation { path: self.path.clone(), name }),
            None => Ok(answer),
        }
    }

    pub fn busy_timeout(&self) -> Duration {
        Duration::from_millis(self.patience.load(Ordering::Relaxed))
    }

    pub(super) fn set_busy_timeout(&self, timeout: Duration) {
        self.patience.store(milliseconds(timeout), Ordering::Relaxed);
    }

    /// An error of this file's connection, as one of ours.
    pub fn error(&self, error: rusqlite::Error) -> Error {
        Error::from_sqlite(&self.path, error)
    }
}

/// Opens a file and takes its snapshot.
pub fn open(options: &OpenOptions) -> Result<Source, Error> {
    let path = &options.path;
    check_path(path)?;
    let asked = Asked { immutable: options.immutable, copy: options.copy.is_some() };
    let (still, beside) = watch_file(options)?;
    let way = beside::way(path, asked, &beside)?;
    match Ground::find(options, still, &beside, way)?.open(options) {
        // What may not be used holds nothing: the file alone holds everything.
        Err(Error::WalUnusable { .. }) if asked.copy && beside.log != Log::Filled => {
            let (still, beside) = watch_file(options)?;
            Ground::find(options, still, &beside, Way::Still)?.open(options)
        }
        opened => opened,
    }
}

/// Opens a file that is written to as well, and takes a snapshot. Nothing is written before `query_only` is lifted.
pub(super) fn open_to_write(options: &OpenOptions) -> Result<Source, Error> {
    let path = &options.path;
    check_path(path)?;
    let (_, beside) = look(&probe(path)?, path)?;
    let (guest, state) = (beside.wal_mode && !beside.index, State::of(path, &beside));
    let file = Place { path: path.clone(), immutable: false };
    let opened = connect(options, &file, Access::Write, Schema::Sound)?;
    let source = opened.on(path, state, if guest { Footing::Guest } else { Footing::Locks { _probe: None } });
    source.stand_in()?;
    Ok(source)
}

/// Opening the file for writing would put files beside it, though nothing is there to be read but the file alone.
pub(super) fn would_be_guest(options: &OpenOptions) -> Result<bool, Error> {
    check_path(&options.path)?;
    let (_, beside) = look(&probe(&options.path)?, &options.path)?;
    Ok(beside.wal_mode && !beside.index && beside.log != Log::Filled)
}

/// Where a snapshot can be had, and what it will stand on.
struct Ground {
    place: Place,
    footing: Footing,
    state: State,
}

/// What is opened.
struct Place {
    path: PathBuf,
    immutable: bool,
}

impl Ground {
    fn find(options: &OpenOptions, still: Still, beside: &Beside, way: Way) -> Result<Ground, Error> {
        let path = &options.path;
        let state = State::of(path, beside);
        let place = |immutable| Place { path: path.clone(), immutable };
        Ok(match (way, &options.copy) {
            (Way::Copy, Some(scratch)) => {
                let (target, copied, stamp) = copy_of(options, &still.probe, beside, scratch)?;
                // The lock has served, and would keep the application from tidying up.
                let original = Still { probe: probe(path)?, stamp };
                Ground {
                    place: Place { path: target, immutable: false },
                    footing: Footing::Copy { original, _directory: scratch.clone() },
                    state: State { copied: Some(copied), ..state },
                }
            }
            (Way::Still, _) => {
                let still = aged(still, beside, options)?;
                Ground { place: place(true), footing: Footing::Still(still), state }
            }
            (Way::InPlace | Way::Copy, _) => {
                Ground { place: place(false), footing: Footing::Locks { _probe: Some(still.probe) }, state }
            }
        })
    }

    /// Some objects of a schema may be unreadable; the others are read.
    fn open(self, options: &OpenOptions) -> Result<Source, Error> {
        let Ground { place, footing, state } = self;
        let (opened, schema_error) = match connect(options, &place, Access::Read, Schema::Sound) {
            Err(Error::Corrupt { detail, .. }) if detail.starts_with("malformed database schema") => {
                (connect(options, &place, Access::Read, Schema::Broken)?, Some(detail))
            }
            opened => (opened?, None),
        };
        let source = Source { schema_error, ..opened.on(&options.path, state, footing.taken()) };
        source.stand_in()?;
        Ok(source)
    }
}

impl State {
    fn of(path: &Path, beside: &Beside) -> State {
        State {
            log_missing: beside.wal_mode && beside.log == Log::Missing,
            names: std::fs::metadata(path).map_or(1, |m| m.nlink()),
            copied: None,
        }
    }
}

/// A connection that reads no more than it is told to, and takes no lock of its own.
fn probe(path: &Path) -> Result<Connection, Error> {
    open_connection(&Place { path: path.to_owned(), immutable: true }, Access::Read)
        .map_err(|e| why_not_opened(path, e))
}

/// The file under a lock, unless nobody is said to write to it, and what lies beside it.
fn watch_file(options: &OpenOptions) -> Result<(Still, Beside), Error> {
    let probe = probe(&options.path)?;
    if !options.immutable || options.copy.is_some() {
        lock(&probe, options)?;
    }
    let (stamp, beside) = look(&probe, &options.path)?;
    Ok((Still { probe, stamp }, beside))
}

/// A file beside which somebody may have a `-shm` open: waits until its time would tell a write from the one before.
fn aged(mut still: Still, beside: &Beside, options: &OpenOptions) -> Result<Still, Error> {
    let since = Instant::now();
    while beside.index && still.stamp.is_young() && since.elapsed() < TICK {
        if (options.interrupted)() {
            return Err(Error::Interrupted { path: options.path.clone() });
        }
        std::thread::sleep(Duration::from_millis(20));
        let (stamp, beside) = look(&still.probe, &options.path)?;
        if beside.log == Log::Filled {
            return Err(Error::Changed { path: options.path.clone() });
        }
        still.stamp = stamp;
    }
    Ok(still)
}

/// Keeps writers from taking away what is beside the file. Waits for a file that is locked.
fn lock(probe: &Connection, options: &OpenOptions) -> Result<(), Error> {
    let path = &options.path;
    let file = File::of(probe).map_err(|code| Error::of_code(path, code))?;
    let since = Instant::now();
    for tries in 0.. {
        match file.lock_shared() {
            Err(code) if code & 0xff == ffi::SQLITE_BUSY => {}
            outcome => return outcome.map_err(|code| Error::of_code(path, code)),
        }
        if (options.interrupted)() {
            return Err(Error::Interrupted { path: path.clone() });
        }
        if !wait_a_little(tries, options.busy_timeout.saturating_sub(since.elapsed())) {
            break;
        }
    }
    Err(Error::of_code(path, ffi::SQLITE_BUSY))
}

/// The file's state, and what lies beside it.
fn look(probe: &Connection, path: &Path) -> Result<(Stamp, Beside), Error> {
    let header = header(&File::of(probe).map_err(|code| Error::of_code(path, code))?, path)?;
    let names = Names::of(path);
    let stamp = Stamp::take(path, &names, header);
    let mut moved = 0;
    let asked = probe.file_control(Some(c"main"), rusqlite::FileControl::HasMoved(&mut moved));
    match asked {
        Ok(()) if moved != 0 => Err(Error::Changed { path: path.to_owned() }),
        Ok(()) => Ok((stamp, Beside::look(&names, &header))),
        Err(e) => Err(Error::from_sqlite(path, e)),
    }
}

/// Zeros stand for what a short file lacks.
fn header(file: &File<'_>, path: &Path) -> Result<[u8; HEADER], Error> {
    let mut header = [0; HEADER];
    file.read(&mut header, 0).map_err(|code| Error::of_code(path, code))?;
    Ok(header)
}

/// Copies the file and its `-wal` until both are of one state: where it is, what it cost, and the original's state.
fn copy_of(
    options: &OpenOptions,
    probe: &Connection,
    beside: &Beside,
    scratch: &Scratch,
) -> Result<(PathBuf, Copied, Stamp), Error> {
    const TRIES: u32 = 5;
    let path = &options.path;
    let file = File::of(probe).map_err(|code| Error::of_code(path, code))?;
    for _ in 0..TRIES {
        let (stamp, _) = look(probe, path)?;
        // Someone who reads keeps a -wal from starting anew. It is tried: the copy does not depend on it.
        let place = Place { path: path.clone(), immutable: false };
        let reader = beside.index.then(|| connect(options, &place, Access::Read, Schema::Sound));
        let copied = copy::pair(path, &file, scratch, &options.interrupted)?;
        drop(reader);
        if let Some((target, copied)) = copied {
            return Ok((target, copied, stamp));
        }
    }
    Err(Error::Changed { path: path.clone() })
}

/// What is expected of `sqlite_schema`.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Schema {
    Sound,
    /// SQLite refuses a schema with one unreadable definition in it. Its recovery mode reads the others.
    Broken,
}

/// A connection in its snapshot.
struct Opened {
    connection: Connection,
    gate: Arc<Gate>,
    patience: Arc<AtomicU64>,
}

impl Opened {
    fn on(self, path: &Path, state: State, footing: Footing) -> Source {
        let Opened { connection, gate, patience } = self;
        let (path, stand_ins) = (path.to_owned(), StandIns::default());
        Source { connection, path, schema_error: None, gate, stand_ins, patience, state, footing }
    }
}

fn open_connection(place: &Place, access: Access) -> rusqlite::Result<Connection> {
    absent::expect();
    let kind = match access {
        Access::Read => OpenFlags::SQLITE_OPEN_READ_ONLY,
        // Without CREATE: what is not there is not made.
        Access::Write => OpenFlags::SQLITE_OPEN_READ_WRITE,
    };
    let flags = kind | OpenFlags::SQLITE_OPEN_NO_MUTEX | OpenFlags::SQLITE_OPEN_URI;
    Connection::open_with_flags(uri(&place.path, place.immutable), flags)
}

/// Errors name the file that was asked for, not a copy of it.
fn connect(options: &OpenOptions, place: &Place, access: Access, schema: Schema) -> Result<Opened, Error> {
    let path = &options.path;
    let mut connection = open_connection(place, access).map_err(|e| why_not_opened(path, e))?;
    let mapped = |e| Error::from_sqlite(path, e);
    let patience = watch(&mut connection, options).map_err(mapped)?;
    harden(&mut connection, access, schema).map_err(mapped)?;
    let gate = Arc::new(Gate::new(access));
    let asked = gate.clone();
    let hook = move |context: AuthContext<'_>| authorize(context, &asked);
    connection.authorizer(Some(hook)).map_err(mapped)?;
    match begin(&connection).map_err(|e| why_not_begun(path, e)) {
        Err(Error::Locked { .. }) if (options.interrupted)() => {
            Err(Error::Interrupted { path: path.clone() })
        }
        begun => begun.map(|()| Opened { connection, gate, patience }),
    }
}

/// What can be said without opening: a FIFO or a device would hang, or worse.
fn check_path(path: &Path) -> Result<(), Error> {
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

fn io_error(path: &Path, error: &std::io::Error) -> Error {
    let path = path.to_owned();
    match error.kind() {
        std::io::ErrorKind::NotFound | std::io::ErrorKind::NotADirectory => Error::Missing { path },
        std::io::ErrorKind::PermissionDenied => Error::PermissionDenied { path },
        _ => Error::Sqlite { path, code: 0, message: error.to_string() },
    }
}

/// SQLite says no more than "unable to open database file": ask the system. No lock of ours can be lost.
fn why_not_opened(path: &Path, error: rusqlite::Error) -> Error {
    let cannot_open = error.sqlite_error_code() == Some(rusqlite::ErrorCode::CannotOpen);
    let reason = if cannot_open { std::fs::File::open(path).err() } else { None };
    reason.map_or_else(|| Error::from_sqlite(path, error), |e| io_error(path, &e))
}

/// The file itself is open: what cannot be opened now is a file that SQLite needs beside it.
fn why_not_begun(path: &Path, error: rusqlite::Error) -> Error {
    beside_the_file(path, Error::from_sqlite(path, error), Names::of(path).has_journal())
}

fn beside_the_file(path: &Path, error: Error, has_journal: bool) -> Error {
    let path = path.to_owned();
    match error {
        Error::Sqlite { code, .. } if code & 0xff == ffi::SQLITE_CANTOPEN && has_journal => {
            Error::HotJournal { path }
        }
        Error::Sqlite { code, .. } if code & 0xff == ffi::SQLITE_CANTOPEN => Error::WalUnusable { path },
        // Only the WAL is made for a reader.
        Error::DirectoryUnwritable { .. } => Error::WalUnusable { path },
        other => other,
    }
}

/// `file:` URI of a path, <https://www.sqlite.org/uri.html>: every byte that could mean something is escaped.
fn uri(path: &Path, immutable: bool) -> String {
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

/// Lets the caller stop long work and long waits; gives back how long a wait may be, in milliseconds.
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

fn milliseconds(timeout: Duration) -> u64 {
    timeout.as_millis().try_into().unwrap_or(u64::MAX)
}

/// Sleeps, longer with every try but never past `left`; `false` when no time is left.
fn wait_a_little(tries: i32, left: Duration) -> bool {
    let pause = Duration::from_millis(1 << tries.clamp(0, 5));
    std::thread::sleep(pause.min(left));
    !left.is_zero()
}

fn harden(connection: &mut Connection, access: Access, schema: Schema) -> rusqlite::Result<()> {
    use DbConfig::*;
    // A change of the file does what its application's own would: triggers fire, foreign keys are checked, and
    // the last to close a WAL tidies up.
    let writes = access == Access::Write;
    if schema == Schema::Broken {
        // Read-only, query_only and DEFENSIVE still stand: what remains of it is that broken objects are passed over.
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
    // What sorting and grouping needs beyond the cache goes to temporary files: memory would have no bound.
    connection.execute_batch("PRAGMA cell_size_check = ON; PRAGMA mmap_size = 0; PRAGMA query_only = ON")?;
    limit(connection, access)
}

/// SQLite's own limits stand except where a schema or a `where` has no honest use for as much.
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

fn begin(connection: &Connection) -> rusqlite::Result<()> {
    connection.execute_batch("BEGIN")?;
    connection.query_row("SELECT count(*) FROM main.sqlite_schema", [], |_| Ok(()))
}

#[cfg(test)]
mod tests {
    use std::ffi::OsStr;
    use std::sync::atomic::{AtomicBool, AtomicU32};

    use super::super::testing::*;
    use super::*;

    fn failure(path: &Path) -> Error {
        open(&options(path)).map(|_| ()).unwrap_err()
    }

    fn count(source: &Source, table: &str) -> i64 {
        let sql = format!("SELECT count(*) FROM {table}");
        source.connection().query_row(&sql, [], |r| r.get(0)).unwrap()
    }

    #[test]
    fn what_is_no_database_file_is_said_before_it_is_opened() {
        let dir = TempDir::new();
        let file = |name: &str, bytes: &[u8]| {
            std::fs::write(dir.path(name), bytes).unwrap();
            dir.path(name)
        };
        let relative = PathBuf::from("app.db");
        assert_eq!(failure(&relative), Error::RelativePath { path: relative.clone() });
        let path = dir.path("missing.db");
        assert_eq!(failure(&path), Error::Missing { path: path.clone() });
        let path = file("plain.db", b"x").join("below.db");
        assert_eq!(failure(&path), Error::Missing { path: path.clone() });
        assert_eq!(failure(dir.root()), Error::Directory { path: dir.root().into() });
        let path = PathBuf::from("/dev/null");
        assert_eq!(failure(&path), Error::NotRegularFile { path: path.clone() });
        let path = file("empty.db", b"");
        assert_eq!(failure(&path), Error::EmptyFile { path: path.clone() });
        let path = file("text.db", "not a database at all\n".repeat(100).as_bytes());
        assert_eq!(failure(&path), Error::NotADatabase { path: path.clone() });
        let path = PathBuf::from(OsStr::from_bytes(b"/tmp/a\0b"));
        assert_eq!(failure(&path), Error::InvalidPath { path: path.clone() });
    }

    #[test]
    fn a_fifo_does_not_hang() {
        let dir = TempDir::new();
        let path = dir.path("pipe");
        let made = std::process::Command::new("mkfifo").arg(&path).status();
        if !made.is_ok_and(|s| s.success()) {
            return println!("mkfifo is missing: skipped");
        }
        assert_eq!(failure(&path), Error::NotRegularFile { path: path.clone() });
    }

    #[test]
    fn a_truncated_file_is_corrupt() {
        let dir = TempDir::new();
        let path = dir.database(
            "t.db",
            "CREATE TABLE t(a); INSERT INTO t SELECT randomblob(9000) FROM generate_series(1,9)",
        );
        let bytes = std::fs::read(&path).unwrap();
        std::fs::write(&path, &bytes[..bytes.len() / 2]).unwrap();
        assert!(matches!(failure(&path), Error::Corrupt { .. }));
        std::fs::write(&path, &bytes[..60]).unwrap();
        assert!(matches!(failure(&path), Error::Corrupt { .. }), "{:?}", failure(&path));
        std::fs::write(&path, &bytes[..10]).unwrap();
        assert_eq!(failure(&path), Error::NotADatabase { path: path.clone() });
    }

    #[test]
    fn odd_paths_are_opened_as_they_are() {
        let dir = TempDir::new();
        let plain = dir.database("plain.db", "CREATE TABLE t(a)");
        for name in ["a b?mode=memory#x%41%.db", "ü'\"&=;.db"] {
            std::fs::copy(&plain, dir.path(name)).unwrap();
            assert_eq!(count(&dir.open(name), "t"), 0, "{name}");
        }
        let bytes = dir.root().join(OsStr::from_bytes(b"\xff\xfe.db"));
        std::fs::copy(&plain, &bytes).unwrap();
        assert_eq!(count(&open(&options(&bytes)).unwrap(), "t"), 0);
        let doubled = PathBuf::from(format!("/{}", plain.display()));
        assert_eq!(count(&open(&options(&doubled)).unwrap(), "t"), 0);
        assert_eq!(uri(Path::new("/a b"), true), "file:///a%20b?immutable=1");
    }

    #[test]
    fn nothing_but_reading_is_possible() {
        let dir = TempDir::new();
        dir.database("t.db", "CREATE TABLE t(a); CREATE TABLE x_node(a); INSERT INTO t VALUES (1)");
        let source = dir.open("t.db");
        for sql in [
            "INSERT INTO t VALUES (2)",
            "INSERT INTO x_node VALUES (2)",
            "CREATE TABLE u(a)",
            "CREATE TEMP TABLE u(a)",
            "ATTACH ':memory:' AS other",
            "PRAGMA writable_schema = ON",
            "PRAGMA query_only = OFF",
            "PRAGMA journal_mode = DELETE",
            "SELECT load_extension('x')",
            "SELECT fts3_tokenizer('simple')",
            "VACUUM INTO '/tmp/never.db'",
            "COMMIT",
        ] {
            assert!(source.connection().execute_batch(sql).is_err(), "{sql}");
        }
        assert_eq!(count(&source, "t"), 1);
    }

    #[test]
    fn the_snapshot_does_not_see_later_writes_and_reads_the_wal() {
        let dir = TempDir::new();
        let path = dir.path("wal.db");
        let writer = Connection::open(&path).unwrap();
        writer
            .execute_batch("PRAGMA journal_mode = WAL; CREATE TABLE t(a); INSERT INTO t VALUES (1)")
            .unwrap();
        let source = dir.open("wal.db");
        writer.execute_batch("INSERT INTO t VALUES (2)").unwrap();
        assert_eq!(count(&source, "t"), 1);
        assert_eq!(count(&dir.open("wal.db"), "t"), 2);
    }

    /// A file in WAL mode, its `-wal` and its `-shm` as a crash leaves them; the row is only in the `-wal`.
    fn crashed(dir: &TempDir, name: &str) -> PathBuf {
        let writer = Connection::open(dir.path("live.db")).unwrap();
        writer
            .execute_batch(
                "PRAGMA journal_mode = WAL; PRAGMA wal_autocheckpoint = 0; CREATE TABLE t(a);
                 PRAGMA wal_checkpoint; INSERT INTO t VALUES (1)",
            )
            .unwrap();
        for suffix in ["", "-wal", "-shm"] {
            let copy = dir.path(&format!("{name}{suffix}"));
            std::fs::copy(dir.path(&format!("live.db{suffix}")), copy).unwrap();
        }
        dir.path(name)
    }

    fn names(dir: &TempDir, prefix: &str) -> Vec<String> {
        let entries = std::fs::read_dir(dir.root()).unwrap();
        let mut names: Vec<String> = entries.map(|e| e.unwrap().file_name().into_string().unwrap()).collect();
        names.retain(|name| name.starts_with(prefix));
        names.sort();
        names
    }

    fn scratch(dir: &TempDir) -> Option<Scratch> {
        Some(Scratch { directory: dir.path("scratch"), limit: None, owner: Arc::new(()) })
    }

    #[test]
    fn a_closed_wal_file_is_read_alone_until_someone_writes() {
        let dir = TempDir::new();
        let path = dir.database("t.db", "PRAGMA journal_mode = WAL; CREATE TABLE t(a)");
        assert_eq!(names(&dir, "t.db"), ["t.db"]);
        let source = dir.open("t.db");
        assert_eq!((count(&source, "t"), source.state().log_missing), (0, true));
        assert_eq!(names(&dir, "t.db"), ["t.db"]);
        source.prove().unwrap();
        // The last to close it would empty the -wal into the file and remove it.
        Connection::open(&path).unwrap().execute_batch("INSERT INTO t VALUES (1)").unwrap();
        assert_eq!(source.prove(), Err(Error::Changed { path: path.clone() }));
        assert!(!source.is_current());
        assert_eq!(count(&source, "t"), 0);
        let newer = dir.open("t.db");
        assert_eq!((count(&newer, "t"), newer.is_current(), newer.state().log_missing), (1, true, false));
        drop((source, newer));
        Connection::open(&path).unwrap().execute_batch("INSERT INTO t VALUES (2)").unwrap();
        assert_eq!(names(&dir, "t.db"), ["t.db"]);
    }

    #[test]
    fn a_log_without_an_index_is_read_from_a_copy_only() {
        let dir = TempDir::new();
        let path = crashed(&dir, "t.db");
        assert_eq!(count(&dir.open("t.db"), "t"), 1);
        let immutable = OpenOptions { immutable: true, ..options(&path) };
        assert_eq!(open(&immutable).map(|_| ()), Err(Error::WalLeftOut { path: path.clone() }));
        std::fs::remove_file(dir.path("t.db-shm")).unwrap();
        assert_eq!(failure(&path), Error::WalAlone { path: path.clone() });
        let source = open(&OpenOptions { copy: scratch(&dir), ..immutable }).unwrap();
        assert_eq!((count(&source, "t"), source.path()), (1, path.as_path()));
        let bytes = ["t.db", "t.db-wal"].map(|name| std::fs::metadata(dir.path(name)).unwrap().len());
        let copied = source.state().copied.clone().unwrap();
        assert_eq!(copied, Copied { bytes: bytes.iter().sum(), directory: dir.path("scratch") });
        assert_eq!(names(&dir, "t.db"), ["t.db", "t.db-wal"]);
        let small = Scratch { limit: Some(100), ..scratch(&dir).unwrap() };
        let small = OpenOptions { copy: Some(small), ..options(&path) };
        assert!(matches!(open(&small), Err(Error::CopyTooLarge { limit: 100, .. })));
    }

    #[test]
    fn what_is_written_to_makes_files_and_takes_them_away() {
        let dir = TempDir::new();
        let path = dir.database("t.db", "PRAGMA journal_mode = WAL; CREATE TABLE t(a)");
        assert!(would_be_guest(&options(&path)).unwrap());
        let source = open_to_write(&options(&path)).unwrap();
        assert!(source.is_guest() && names(&dir, "t.db").len() == 3);
        drop(source);
        assert_eq!(names(&dir, "t.db"), ["t.db"]);
        let application = Connection::open(&path).unwrap();
        application.execute_batch("INSERT INTO t VALUES (1)").unwrap();
        assert!(!would_be_guest(&options(&path)).unwrap());
        assert!(!open_to_write(&options(&path)).unwrap().is_guest());
    }

    #[test]
    fn a_locked_file_is_waited_for_and_then_named() {
        let dir = TempDir::new();
        let path = dir.database("t.db", "CREATE TABLE t(a)");
        let writer = Connection::open(&path).unwrap();
        writer.execute_batch("BEGIN EXCLUSIVE").unwrap();
        let asked = Arc::new(AtomicU32::new(0));
        let counter = asked.clone();
        let mut patient = options(&path);
        patient.busy_timeout = Duration::from_millis(50);
        patient.interrupted = Arc::new(move || {
            counter.fetch_add(1, Ordering::Relaxed);
            false
        });
        assert!(matches!(open(&patient), Err(Error::Locked { .. })));
        assert!(asked.load(Ordering::Relaxed) >= 3);
        patient.busy_timeout = Duration::from_secs(3600);
        patient.interrupted = Arc::new(|| true);
        assert_eq!(open(&patient).map(|_| ()), Err(Error::Interrupted { path: path.clone() }));
        writer.execute_batch("ROLLBACK").unwrap();
        assert_eq!(count(&dir.open("t.db"), "t"), 0);
    }

    #[test]
    fn a_hot_journal_is_never_ignored() {
        let dir = TempDir::new();
        let path = dir.database(
            "live.db",
            "CREATE TABLE t(a); INSERT INTO t SELECT randomblob(900) FROM generate_series(1,500)",
        );
        let writer = Connection::open(&path).unwrap();
        writer.execute_batch("PRAGMA cache_size = 5; BEGIN; UPDATE t SET a = randomblob(900)").unwrap();
        // What a machine that stops now leaves behind.
        std::fs::copy(&path, dir.path("crashed.db")).unwrap();
        std::fs::copy(dir.path("live.db-journal"), dir.path("crashed.db-journal")).unwrap();
        let crashed = dir.path("crashed.db");
        assert_eq!(failure(&crashed), Error::HotJournal { path: crashed.clone() });
        std::os::unix::fs::symlink(&crashed, dir.path("link.db")).unwrap();
        let link = dir.path("link.db");
        assert_eq!(failure(&link), Error::HotJournal { path: link.clone() });
        // The cure that the hint names.
        Connection::open(&crashed).unwrap().query_row("SELECT count(*) FROM t", [], |_| Ok(())).unwrap();
        assert_eq!(count(&dir.open("crashed.db"), "t"), 500);
    }

    #[test]
    fn what_cannot_be_opened_beside_the_file_is_its_journal_or_its_wal() {
        let path = Path::new("/srv/app.db");
        let error =
            || Error::Sqlite { path: path.into(), code: ffi::SQLITE_CANTOPEN, message: String::new() };
        assert_eq!(beside_the_file(path, error(), false), Error::WalUnusable { path: path.into() });
        assert_eq!(beside_the_file(path, error(), true), Error::HotJournal { path: path.into() });
        let denied = std::io::Error::from(std::io::ErrorKind::PermissionDenied);
        assert_eq!(io_error(path, &denied), Error::PermissionDenied { path: path.into() });
    }

    #[test]
    fn permissions_that_are_missing_are_named() {
        use std::os::unix::fs::PermissionsExt;
        let dir = TempDir::new();
        let mode = |path: &Path, mode| {
            std::fs::set_permissions(path, std::fs::Permissions::from_mode(mode)).unwrap();
        };
        let plain = dir.database("plain.db", "CREATE TABLE t(a)");
        let wal = dir.database("wal.db", "PRAGMA journal_mode = WAL; CREATE TABLE t(a)");
        mode(&plain, 0o000);
        mode(dir.root(), 0o555);
        let bound = std::fs::write(dir.path("probe"), "").is_err();
        if bound {
            assert_eq!(failure(&plain), Error::PermissionDenied { path: plain.clone() });
            assert_eq!(count(&open(&options(&wal)).unwrap(), "t"), 0, "nothing has to be made beside it");
        } else {
            println!("permissions do not bind this user: skipped");
        }
        mode(dir.root(), 0o755);
    }

    #[test]
    fn a_source_can_be_moved_to_another_thread() {
        fn is_send<T: Send>() {}
        is_send::<Source>();
    }

    #[test]
    fn a_long_query_stops_when_asked() {
        let dir = TempDir::new();
        let path = dir.database("t.db", "CREATE TABLE t(a)");
        let stop = Arc::new(AtomicBool::new(false));
        let flag = stop.clone();
        let mut watched = options(&path);
        watched.interrupted = Arc::new(move || flag.load(Ordering::Relaxed));
        let source = open(&watched).unwrap();
        stop.store(true, Ordering::Relaxed);
        let endless = "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n) SELECT max(i) FROM n";
        let error = source.connection().query_row(endless, [], |_| Ok(())).unwrap_err();
        assert_eq!(source.error(error), Error::Interrupted { path });
    }

    #[test]
    fn one_unreadable_definition_does_not_hide_the_others() {
        let dir = TempDir::new();
        dir.database(
            "t.db",
            "CREATE TABLE good(a); CREATE TABLE bad(a); PRAGMA writable_schema = ON;
             UPDATE sqlite_schema SET sql = 'CREATE TABLE bad(a,,)' WHERE name = 'bad'",
        );
        let source = dir.open("t.db");
        assert_eq!(count(&source, "good"), 0);
        assert_eq!(source.schema_error(), Some("malformed database schema (bad) - near \",\": syntax error"));
        assert!(source.connection().execute_batch("INSERT INTO good VALUES (1)").is_err());
    }
}
