//! The one way to a source file: a hardened connection, read-only unless asked otherwise, that holds one snapshot.
//!
//! Assumes that the caller has checked the user's rights and `allowed_directories`. A database file is
//! untrusted input. Must not open the file by other means than SQLite: closing such a handle would drop
//! the POSIX locks of every SQLite connection that this process has on the file.

mod connection;
mod twin;

use std::any::Any;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use rusqlite::{Connection, ffi};

use self::connection::{
    Opened, Place, Schema, begin, check_path, connect, milliseconds, open_connection, wait_a_little,
    why_not_begun, why_not_opened,
};
use super::authorize::{Access, Authorizer, Purpose};
use super::auxiliary::{self, AuxiliaryFiles, Fingerprint, HEADER, Names, ReadMode, Requested, TICK, Wal};
use super::collations::{self, StandIns};
use super::copy::{self, Copied};
use super::error::Error;
use super::raw::File;
use super::relations::Relations;
use super::stamp::Stamp;
use pg_sqlite_migrate_core::chroma::Collection;

/// Requested every few milliseconds of work; `true` stops it. Called on the thread that uses the `Source`, from
/// inside SQLite: it may look at a flag, and must neither raise an error nor call SQLite.
pub type Interrupted = Arc<dyn Fn() -> bool + Send + Sync>;

#[derive(Clone)]
pub struct OpenOptions {
    /// Absolute.
    pub path: PathBuf,
    /// The user guarantees that nothing writes to the file, so no lock is taken. There is no non-empty `-wal`.
    pub immutable: bool,
    /// Where the file and its `-wal` may be copied to; without it, a `-wal` is read in place or not at all.
    pub copy: Option<Scratch>,
    /// How long to wait for a file that another program has locked.
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
    /// How it was opened, and where what is read lies: the file or a copy.
    options: OpenOptions,
    place: Place,
    schema_error: Option<String>,
    authorizer: Arc<Authorizer>,
    stand_ins: StandIns,
    /// How long to wait for a locked file, in milliseconds.
    patience: Arc<AtomicU64>,
    state: State,
    guard: SnapshotGuard,
    relations: Relations,
}

/// What was seen of a file when it was opened.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct State {
    /// The file says that it is in WAL mode, and there is no `-wal`.
    pub wal_missing: bool,
    /// The number of the file's hard links: its `-wal` may be beside another one.
    pub names: u64,
    /// What is read is a copy.
    pub copied: Option<Copied>,
    /// Of the file for which a copy stands.
    pub stamp: Option<Stamp>,
}

/// What keeps the snapshot valid.
enum SnapshotGuard {
    /// SQLite's locks. Until SQLite takes them, the probe's lock keeps others from removing the auxiliary files.
    Locks { _probe: Option<Connection> },
    /// The file is read as immutable, and watched for writers.
    Watched(WatchedFile),
    /// A private copy, made when the original had this fingerprint. The directory is dropped after the connection.
    Copy { original: WatchedFile, _directory: Scratch },
    /// SQLite has created auxiliary files, and removes them when the file is closed.
    CreatedFiles,
}

impl SnapshotGuard {
    /// The snapshot is taken.
    fn taken(self) -> SnapshotGuard {
        match self {
            SnapshotGuard::Locks { .. } => SnapshotGuard::Locks { _probe: None },
            other => other,
        }
    }
}

/// A file that is watched for writers.
struct WatchedFile {
    /// Holds the lock, where there is one, and the handle to read the header by.
    probe: Connection,
    fingerprint: Fingerprint,
}

impl WatchedFile {
    fn now(&self, path: &Path) -> Result<Fingerprint, Error> {
        let header = header(&File::of(&self.probe).map_err(|code| Error::of_code(path, code))?, path)?;
        Ok(Fingerprint::take(path, &Names::of(path), header))
    }

    fn prove(&self, path: &Path) -> Result<(), Error> {
        match self.fingerprint.holds(&self.now(path)?) {
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

    /// What is read as a table and is none.
    pub(super) fn relations(&self) -> &Relations {
        &self.relations
    }

    /// The problem that SQLite has with a schema of which some objects could not be read; the others can.
    pub fn schema_error(&self) -> Option<&str> {
        self.schema_error.as_deref()
    }

    /// Everything that was read is from one state of the file. Must be checked before a result is used.
    pub fn prove(&self) -> Result<(), Error> {
        if self.relations.chroma.as_ref().is_some_and(|chroma| !chroma.holds()) {
            return Err(Error::Changed { path: self.path.clone() });
        }
        match &self.guard {
            SnapshotGuard::Watched(still) => still.prove(&self.path),
            SnapshotGuard::Locks { .. } | SnapshotGuard::Copy { .. } | SnapshotGuard::CreatedFiles => Ok(()),
        }
    }

    /// A snapshot that is taken now is the newest; otherwise the file has to be opened anew.
    pub fn is_current(&self) -> bool {
        match &self.guard {
            SnapshotGuard::Watched(still) => still.prove(&self.path).is_ok(),
            SnapshotGuard::Copy { original, .. } => {
                original.now(&self.path).is_ok_and(|now| original.fingerprint.surely_holds(&now))
            }
            SnapshotGuard::Locks { .. } | SnapshotGuard::CreatedFiles => {
                // Only ChromaDB's tables show another file without another schema. An error is that of the next snapshot.
                self.relations.chroma.is_none() || self.shows_what_is_there().unwrap_or(true)
            }
        }
    }

    /// What the file was recognised as, when it was opened, is what it has now; otherwise it has to be opened anew.
    pub fn shows_what_is_there(&self) -> Result<bool, Error> {
        self.relations.hold(&self.connection).map_err(|e| self.error(e))
    }

    /// The collections of a file of ChromaDB's, without their vectors.
    pub fn collections(&self) -> Vec<Collection> {
        self.relations
            .chroma
            .as_ref()
            .map(|chroma| chroma.collections().cloned().collect())
            .unwrap_or_default()
    }

    /// Gives the tables of collections a column for each of these keys of metadata, where records have it.
    pub fn name_keys(&mut self, named: &[(String, Vec<String>)]) -> Result<(), Error> {
        let Source { relations, connection, path, .. } = self;
        relations.name_keys(connection, named).map_err(|e| Error::from_sqlite(path, e))
    }

    /// Shows ChromaDB's tables as any others.
    pub fn leave_collections(&mut self) {
        self.relations.leave_collections();
    }

    /// SQLite has created auxiliary files, which exist until the file is closed.
    pub fn creates_auxiliary_files(&self) -> bool {
        matches!(self.guard, SnapshotGuard::CreatedFiles)
    }

    /// Runs `ask`, a pragma, with SELECT denied. To list relations SQLite resolves every view, and nested views can
    /// keep it busy for years. If it may not resolve them, it lists them just the same.
    pub(super) fn listing<T>(&self, ask: impl FnOnce() -> T) -> T {
        self.authorizer.during(Purpose::Listing, ask)
    }

    /// Prepares an expression that has to have the same value each time: random functions are denied.
    pub(super) fn repeatably<T>(&self, ask: impl FnOnce() -> T) -> T {
        self.authorizer.during(Purpose::Repeating, ask)
    }

    /// Runs one of this module's statements for transactions and `query_only`; must not be called with any other text.
    pub(super) fn control(&self, sql: &str) -> Result<(), Error> {
        self.authorizer
            .during(Purpose::TransactionControl, || self.connection.execute_batch(sql))
            .map_err(|e| self.error(e))
    }

    /// Takes a snapshot: `BEGIN` alone takes none, the first read does.
    pub(super) fn begin(&self) -> Result<(), Error> {
        self.forget();
        begin(&self.connection).map_err(|e| why_not_begun(&self.path, e))?;
        self.stand_in()
    }

    /// The next snapshot may have other vectors.
    pub(super) fn forget(&self) {
        self.relations.forget();
    }

    /// Registers what else the file needs to be read.
    fn recognised(self, options: &OpenOptions) -> Result<Source, Error> {
        self.stand_in()?;
        let relations = Relations::register(&self.connection, &self.path, &options.interrupted)?;
        let source = Source { relations, ..self };
        if source.relations.chroma.is_some() {
            source.begin_beside_folders()?;
        }
        Ok(source)
    }

    /// Takes the snapshot again: what is beside the file has to be looked at before, and was not known then.
    fn begin_beside_folders(&self) -> Result<(), Error> {
        self.control("ROLLBACK")?;
        self.begin()?;
        let holds = match &self.guard {
            // What is beside the file belongs to the copy if it was looked at before the file changed.
            SnapshotGuard::Copy { original, .. } => original.fingerprint.same(&original.now(&self.path)?),
            _ => self.shows_what_is_there()?,
        };
        if holds { Ok(()) } else { Err(Error::Changed { path: self.path.clone() }) }
    }

    /// Registers a stand-in for every unknown collation that the snapshot's schema names.
    pub(super) fn stand_in(&self) -> Result<(), Error> {
        self.stand_ins.register(&self.connection).map_err(|e| self.error(e))
    }

    /// Runs a query. If it used a stand-in collation, its result is an error.
    pub(super) fn ask<T>(
        &self,
        question: impl FnOnce(&Connection) -> rusqlite::Result<T>,
    ) -> Result<T, Error> {
        drop(collations::used());
        let answer = question(&self.connection).map_err(|e| self.error(e))?;
        self.believe(answer)
    }

    /// The result of what ran on this thread, or an error if it used a stand-in collation.
    pub(super) fn believe<T>(&self, answer: T) -> Result<T, Error> {
        match collations::used() {
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
        match Error::from_sqlite(&self.path, error) {
            Error::Full { path } if self.connection.is_readonly("main").unwrap_or(false) => {
                let message = "no room for a temporary file, or a page number that no file has".to_owned();
                Error::Sqlite { path, code: rusqlite::ffi::SQLITE_FULL, message }
            }
            error => error,
        }
    }
}

/// Opens a file and takes its snapshot.
pub fn open(options: &OpenOptions) -> Result<Source, Error> {
    let path = &options.path;
    check_path(path)?;
    let requested = Requested { immutable: options.immutable, copy: options.copy.is_some() };
    let (still, beside) = watch_file(options)?;
    let mode = auxiliary::read_mode(path, requested, &beside)?;
    match Snapshot::find(options, still, &beside, mode)?.open(options) {
        // The auxiliary files that may not be used are empty: the file alone holds everything.
        Err(Error::WalUnusable { .. }) if requested.copy && beside.wal != Wal::Filled => {
            let (still, beside) = watch_file(options)?;
            Snapshot::find(options, still, &beside, ReadMode::Still)?.open(options)
        }
        opened => opened,
    }
}

/// Opens a copy of the file that nobody else has.
pub(super) fn open_copy(options: &OpenOptions, copy: &Path, state: State) -> Result<Source, Error> {
    let place = Place { path: copy.to_owned(), immutable: true };
    Snapshot { place, guard: SnapshotGuard::Locks { _probe: None }, state }.open(options)
}

/// Whether a file begins as SQLite's databases do; an encrypted one does not.
pub fn is_database(path: &Path) -> Result<bool, Error> {
    check_path(path)?;
    let probe = probe(path)?;
    let file = File::of(&probe).map_err(|code| Error::of_code(path, code))?;
    Ok(header(&file, path)?.starts_with(b"SQLite format 3\0"))
}

/// Opens a file that is written to as well, and takes a snapshot. Nothing is written before `query_only` is lifted.
pub(super) fn open_to_write(options: &OpenOptions) -> Result<Source, Error> {
    let path = &options.path;
    check_path(path)?;
    let (_, beside) = look(&probe(path)?, path)?;
    let (creates, state) = (beside.wal_mode && !beside.shm, State::of(path, &beside));
    let file = Place { path: path.clone(), immutable: false };
    let opened = connect(options, &file, Access::Write, Schema::Sound)?;
    let guard = if creates { SnapshotGuard::CreatedFiles } else { SnapshotGuard::Locks { _probe: None } };
    opened.on(options, file, state, guard).recognised(options)
}

/// Opening the file for writing would create auxiliary files, though only the file itself is to be read.
pub(super) fn would_create_auxiliary_files(options: &OpenOptions) -> Result<bool, Error> {
    check_path(&options.path)?;
    let (_, beside) = look(&probe(&options.path)?, &options.path)?;
    Ok(beside.wal_mode && !beside.shm && beside.wal != Wal::Filled)
}

/// Where a snapshot can be had, and what will keep it valid.
struct Snapshot {
    place: Place,
    guard: SnapshotGuard,
    state: State,
}

impl Snapshot {
    fn find(
        options: &OpenOptions,
        still: WatchedFile,
        beside: &AuxiliaryFiles,
        mode: ReadMode,
    ) -> Result<Snapshot, Error> {
        let path = &options.path;
        let state = State::of(path, beside);
        let place = |immutable| Place { path: path.clone(), immutable };
        Ok(match (mode, &options.copy) {
            (ReadMode::Copy, Some(scratch)) => {
                let (target, copied, fingerprint) = copy_of(options, &still.probe, beside, scratch)?;
                // The lock is not needed any more, and would keep the application from removing its auxiliary files.
                let original = WatchedFile { probe: probe(path)?, fingerprint };
                Snapshot {
                    place: Place { path: target, immutable: false },
                    guard: SnapshotGuard::Copy { original, _directory: scratch.clone() },
                    state: State { copied: Some(copied), ..state },
                }
            }
            (ReadMode::Still, _) => {
                let still = aged(still, beside, options)?;
                Snapshot { place: place(true), guard: SnapshotGuard::Watched(still), state }
            }
            (ReadMode::InPlace | ReadMode::Copy, _) => Snapshot {
                place: place(false),
                guard: SnapshotGuard::Locks { _probe: Some(still.probe) },
                state,
            },
        })
    }

    /// Some objects of a schema may be unreadable; the others are read.
    fn open(self, options: &OpenOptions) -> Result<Source, Error> {
        let Snapshot { place, guard, state } = self;
        let (opened, schema_error) = match connect(options, &place, Access::Read, Schema::Sound) {
            Err(Error::Corrupt { detail, .. }) if detail.starts_with("malformed database schema") => {
                (connect(options, &place, Access::Read, Schema::Broken)?, Some(detail))
            }
            opened => (opened?, None),
        };
        let source = Source { schema_error, ..opened.on(options, place, state, guard.taken()) };
        source.recognised(options)
    }
}

impl State {
    fn of(path: &Path, beside: &AuxiliaryFiles) -> State {
        State {
            wal_missing: beside.wal_mode && beside.wal == Wal::Missing,
            names: std::fs::metadata(path).map_or(1, |m| m.nlink()),
            copied: None,
            stamp: None,
        }
    }
}

/// A connection that reads only the requested bytes and takes no lock by itself.
fn probe(path: &Path) -> Result<Connection, Error> {
    open_connection(&Place { path: path.to_owned(), immutable: true }, Access::Read)
        .map_err(|e| why_not_opened(path, e))
}

/// The locked file (without a lock if it is immutable) and its auxiliary files.
fn watch_file(options: &OpenOptions) -> Result<(WatchedFile, AuxiliaryFiles), Error> {
    let probe = probe(&options.path)?;
    if !options.immutable || options.copy.is_some() {
        lock(&probe, options)?;
    }
    let (fingerprint, beside) = look(&probe, &options.path)?;
    Ok((WatchedFile { probe, fingerprint }, beside))
}

/// If the last write is very recent, waits until a further write would get a different time. For a file whose `-shm`
/// another process may have open.
fn aged(
    mut still: WatchedFile,
    beside: &AuxiliaryFiles,
    options: &OpenOptions,
) -> Result<WatchedFile, Error> {
    let since = Instant::now();
    while beside.shm && still.fingerprint.is_young() && since.elapsed() < TICK {
        if (options.interrupted)() {
            return Err(Error::Interrupted { path: options.path.clone() });
        }
        std::thread::sleep(Duration::from_millis(20));
        let (fingerprint, beside) = look(&still.probe, &options.path)?;
        if beside.wal == Wal::Filled {
            return Err(Error::Changed { path: options.path.clone() });
        }
        still.fingerprint = fingerprint;
    }
    Ok(still)
}

/// Keeps writers from removing the auxiliary files. Waits for a locked file.
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

/// The file's fingerprint and its auxiliary files.
fn look(probe: &Connection, path: &Path) -> Result<(Fingerprint, AuxiliaryFiles), Error> {
    let header = header(&File::of(probe).map_err(|code| Error::of_code(path, code))?, path)?;
    let names = Names::of(path);
    let fingerprint = Fingerprint::take(path, &names, header);
    let mut moved = 0;
    let asked = probe.file_control(Some(c"main"), rusqlite::FileControl::HasMoved(&mut moved));
    match asked {
        Ok(()) if moved != 0 => Err(Error::Changed { path: path.to_owned() }),
        Ok(()) => Ok((fingerprint, AuxiliaryFiles::check(&names, &header))),
        Err(e) => Err(Error::from_sqlite(path, e)),
    }
}

/// If the file is shorter, the rest is zeros.
fn header(file: &File<'_>, path: &Path) -> Result<[u8; HEADER], Error> {
    let mut header = [0; HEADER];
    file.read(&mut header, 0).map_err(|code| Error::of_code(path, code))?;
    Ok(header)
}

/// Copies the file and its `-wal`, repeatedly until both are from one state. Returns the copy's path and size, and the
/// original's fingerprint.
fn copy_of(
    options: &OpenOptions,
    probe: &Connection,
    beside: &AuxiliaryFiles,
    scratch: &Scratch,
) -> Result<(PathBuf, Copied, Fingerprint), Error> {
    const TRIES: u32 = 5;
    let path = &options.path;
    let file = File::of(probe).map_err(|code| Error::of_code(path, code))?;
    for _ in 0..TRIES {
        let (fingerprint, _) = look(probe, path)?;
        // A reader prevents the restart of a -wal. This is an attempt: the copy does not depend on it.
        let place = Place { path: path.clone(), immutable: false };
        let reader = beside.shm.then(|| connect(options, &place, Access::Read, Schema::Sound));
        let copied = copy::pair(path, &file, scratch, &options.interrupted)?;
        drop(reader);
        if let Some((target, copied)) = copied {
            return Ok((target, copied, fingerprint));
        }
    }
    Err(Error::Changed { path: path.clone() })
}

impl Opened {
    fn on(self, options: &OpenOptions, place: Place, state: State, guard: SnapshotGuard) -> Source {
        let Opened { connection, authorizer, patience } = self;
        let (path, stand_ins) = (options.path.clone(), StandIns::default());
        let relations = Relations::default();
        Source {
            connection,
            path,
            options: options.clone(),
            place,
            schema_error: None,
            authorizer,
            stand_ins,
            patience,
            state,
            guard,
            relations,
        }
    }
}

#[cfg(test)]
mod tests;
