//! New files of exports and backups: written beside their targets under a temporary name, put in their place when the
//! transaction commits, removed when it does not.
//!
//! A file is placed before the commit is recorded, when a failure can still abort the transaction; should the transaction
//! abort after that, the file is taken away again, and the one that it has replaced is put back. A server that stops in
//! between leaves either the temporary file, which the next one into the directory removes, or the whole one. The temporary file
//! is locked as long as its process lives.

use std::cell::RefCell;
use std::fs::{self, OpenOptions, Permissions, TryLockError};
use std::io::{self, ErrorKind};
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::{MetadataExt, OpenOptionsExt, PermissionsExt};
use std::path::{Path, PathBuf};
use std::sync::Once;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use pgrx::pg_sys::panic::ErrorReport;
use pgrx::{PgLogLevel, PgSqlErrorCode as Code};

use crate::error::Error;
use crate::guc;
use crate::pg::xact_events::{self, After, Before, TransactionCallbacks};
use crate::pg::{encoding, rights};
use crate::sqlite;

thread_local! {
    static PENDING: RefCell<Vec<Pending>> = const { RefCell::new(vec![]) };
}

/// A file that waits for the end of the transaction.
#[derive(Debug)]
struct Pending {
    /// Of the subtransaction that has written it.
    level: i32,
    temporary: PathBuf,
    /// What was made under that name, which another file may have taken since.
    file: fs::File,
    target: PathBuf,
    taken: Taken,
    /// It has been written to its end.
    whole: bool,
    /// It is in its place, by device and inode.
    placed: Option<(u64, u64)>,
    /// Where the file lies that it has replaced.
    former: Option<PathBuf>,
}

/// What to do where the target is there.
#[derive(Debug, Clone, Copy)]
pub struct Taken {
    pub overwrite: bool,
    /// What helps, if it is not replaced.
    pub hint: &'static str,
}

/// A place for a file.
#[derive(Debug, Clone)]
pub struct Place {
    pub temporary: PathBuf,
    pub target: PathBuf,
}

const PREFIX: &str = ".sqlite_export.";
/// Ends the name under which a file lies that was replaced.
const FORMER: &str = ".former";

/// The caller may write files on the server.
pub fn check_rights() -> Result<(), Error> {
    if rights::may_write_server_files(rights::current_role_oid()) {
        return Ok(());
    }
    let detail = format!("Role \"{}\" is not a member of \"pg_write_server_files\".", rights::current_role());
    let hint = "A superuser can run: GRANT pg_write_server_files TO the role.".into();
    let message = "permission denied to write SQLite files on the server".into();
    Err(refused(Code::ERRCODE_INSUFFICIENT_PRIVILEGE, message, Some(detail), Some(hint)))
}

/// Checks the target, and makes an empty temporary file beside it, which goes with the (sub)transaction.
pub fn reserve(path: &str, taken: Taken) -> Result<Place, Error> {
    static REGISTERED: Once = Once::new();
    REGISTERED.call_once(|| xact_events::register(&Callbacks));
    let target = resolved(Path::new(path))?;
    check_target(&target, taken)?;
    let waits = PENDING.with_borrow(|all| all.iter().any(|pending| pending.target == target));
    if waits && !taken.overwrite {
        return Err(exists(&target, taken));
    }
    let directory = target.parent().unwrap_or(Path::new("/")).to_owned();
    sweep(&directory);
    let (temporary, file) = made(&directory).map_err(|e| failed("create", &target, &e))?;
    let place = Place { temporary: temporary.clone(), target: target.clone() };
    let level = xact_events::nest_level();
    PENDING.with_borrow_mut(|all| {
        all.push(Pending { level, temporary, file, target, taken, whole: false, placed: None, former: None });
    });
    Ok(place)
}

/// The permissions of the files that COPY TO makes.
pub const READABLE: u32 = 0o644;

/// The file is written, and safe on the disk from here on. `mode` is its permissions.
pub fn whole(place: &Place, mode: u32) -> Result<(), Error> {
    PENDING
        .with_borrow_mut(|all| {
            let Some(pending) = all.iter_mut().find(|pending| pending.temporary == place.temporary) else {
                return Ok(());
            };
            pending.is_its_own()?;
            pending.file.set_permissions(Permissions::from_mode(mode))?;
            pending.file.sync_all()?;
            pending.whole = true;
            Ok(())
        })
        .map_err(|e: io::Error| failed("write", &place.target, &e))
}

/// U+FFFD, which stands for bytes that are no UTF-8 in what a database without an encoding says: the file would get another name.
const REPLACED: &[u8] = "\u{FFFD}".as_bytes();

/// The path with its directory as it really is.
fn resolved(path: &Path) -> Result<PathBuf, Error> {
    let invalid =
        |message: &str, sqlstate| refused(sqlstate, format!("{message}: \"{}\"", path.display()), None, None);
    if path.as_os_str().as_bytes().contains(&0) {
        return Err(Error::Sqlite(sqlite::Error::InvalidPath { path: path.into() }));
    }
    if encoding::server_is_sql_ascii()
        && path.as_os_str().as_bytes().windows(3).any(|bytes| bytes == REPLACED)
    {
        return Err(invalid("path is not valid UTF-8", Code::ERRCODE_UNTRANSLATABLE_CHARACTER));
    }
    if !path.is_absolute() {
        return Err(Error::Sqlite(sqlite::Error::RelativePath { path: path.into() }));
    }
    let (Some(directory), Some(name)) = (path.parent(), path.file_name()) else {
        return Err(invalid("path names no file", Code::ERRCODE_INVALID_NAME));
    };
    let real = directory.canonicalize();
    let allowed = guc::allowed_directories();
    let inside = |real: &Path| {
        let within = |dir: &String| Path::new(dir).canonicalize().is_ok_and(|dir| real.starts_with(dir));
        allowed.is_empty() || allowed.iter().any(within)
    };
    match real {
        Ok(real) if !inside(&real) => {
            Err(Error::OutsideAllowedDirectories { path: path.display().to_string() })
        }
        Ok(real) if !real.is_dir() => Err(invalid("not a directory", Code::ERRCODE_WRONG_OBJECT_TYPE)),
        Ok(real) => Ok(real.join(name)),
        // What is not there is not told from what is outside.
        Err(_) if !allowed.is_empty() => {
            Err(Error::OutsideAllowedDirectories { path: path.display().to_string() })
        }
        Err(e) => Err(failed("create", path, &e)),
    }
}

/// Nothing is lost by placing the file: there is none, or one that may be replaced; and it is not taken for a part of another.
fn check_target(target: &Path, taken: Taken) -> Result<(), Error> {
    const PARTS: [&str; 3] = ["-wal", "-journal", "-shm"];
    let name = target.file_name().map(OsStrExt::as_bytes).unwrap_or_default();
    if let Some(suffix) = PARTS.iter().find(|suffix| name.ends_with(suffix.as_bytes())) {
        let message =
            format!("SQLite file \"{}\" cannot be written: its name ends in {suffix}", target.display());
        let detail =
            "SQLite would take it for a part of the database that has the rest of the name.".to_owned();
        let hint = "Choose another name.".to_owned();
        return Err(refused(Code::ERRCODE_INVALID_NAME, message, Some(detail), Some(hint)));
    }
    if name.starts_with(PREFIX.as_bytes()) {
        let message =
            format!("SQLite file \"{}\" cannot be written: its name begins with {PREFIX}", target.display());
        let detail =
            "Files of such names are temporary ones, which the next export into the directory removes.";
        let hint = "Choose another name.".to_owned();
        return Err(refused(Code::ERRCODE_INVALID_NAME, message, Some(detail.to_owned()), Some(hint)));
    }
    for suffix in ["-wal", "-journal"] {
        let mut beside = target.as_os_str().to_owned();
        beside.push(suffix);
        if fs::symlink_metadata(&beside).is_ok_and(|file| file.len() > 0) {
            let message =
                format!("SQLite file \"{}\" cannot be written: it has a {suffix}", target.display());
            let detail = "SQLite would take it for that of the new file.".to_owned();
            let hint = "Close the application that has the file open, or choose another path.".to_owned();
            return Err(refused(
                Code::ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE,
                message,
                Some(detail),
                Some(hint),
            ));
        }
    }
    let there = match fs::symlink_metadata(target) {
        Err(e) if e.kind() == ErrorKind::NotFound => return Ok(()),
        Err(e) => return Err(failed("create", target, &e)),
        Ok(there) => there,
    };
    if !taken.overwrite {
        return Err(exists(target, taken));
    }
    if !there.is_file() {
        return Err(Error::Sqlite(sqlite::Error::NotRegularFile { path: target.into() }));
    }
    // Configuration files and the like lie in directories of the server's.
    if there.len() > 0 && !is_sqlite(target).map_err(|e| failed("read", target, &e))? {
        return Err(Error::Sqlite(sqlite::Error::NotADatabase { path: target.into() }));
    }
    Ok(())
}

fn is_sqlite(path: &Path) -> io::Result<bool> {
    use std::io::Read;
    let mut head = Vec::new();
    let mut options = OpenOptions::new();
    options.read(true).custom_flags(libc::O_NOFOLLOW | libc::O_NONBLOCK);
    options.open(path)?.take(16).read_to_end(&mut head)?;
    Ok(head == b"SQLite format 3\0")
}

/// An empty file, which nobody else has.
fn made(directory: &Path) -> io::Result<(PathBuf, fs::File)> {
    static NEXT: AtomicU32 = AtomicU32::new(0);
    loop {
        let number = NEXT.fetch_add(1, Ordering::Relaxed);
        let path = directory.join(format!("{PREFIX}{}.{number}", std::process::id()));
        match OpenOptions::new().write(true).create_new(true).mode(0o600).open(&path) {
            Ok(file) => {
                // A file system may have no locks: `is_left` goes by the process then.
                let _ = file.try_lock();
                return Ok((path, file));
            }
            Err(e) if e.kind() == ErrorKind::AlreadyExists => {}
            Err(e) => return Err(e),
        }
    }
}

/// Removes what processes that are gone have left in the directory.
fn sweep(directory: &Path) {
    for entry in fs::read_dir(directory).into_iter().flatten().flatten() {
        let name = entry.file_name();
        let Some(rest) = name.to_str().and_then(|name| name.strip_prefix(PREFIX)) else { continue };
        let process = rest.split('.').next().and_then(|number| number.parse::<u32>().ok());
        let process = process.filter(|_| !rest.ends_with(FORMER));
        if process.is_some_and(|process| is_left(&entry.path(), process)) {
            let _ = fs::remove_file(entry.path());
        }
    }
}

/// The file's process is gone. One of another container is not seen here, but holds the lock; another process may have
/// the number of one that is gone, but not the lock.
fn is_left(path: &Path, process: u32) -> bool {
    /// Made a moment ago, a file may not be locked yet.
    const MOMENT: Duration = Duration::from_secs(60);
    let is_seen = Path::new(&format!("/proc/{process}")).exists() || !Path::new("/proc/self").exists();
    let mut options = OpenOptions::new();
    options.read(true).custom_flags(libc::O_NOFOLLOW | libc::O_NONBLOCK);
    let Ok(file) = options.open(path) else { return !is_seen };
    let age = file.metadata().and_then(|file| file.modified()).ok().and_then(|time| time.elapsed().ok());
    match file.try_lock() {
        Err(TryLockError::WouldBlock) => false,
        Err(TryLockError::Error(_)) => !is_seen,
        Ok(()) => !is_seen || age.is_some_and(|age| age > MOMENT),
    }
}

impl Pending {
    /// Puts the file in its place; what it replaces is kept until the transaction is over.
    fn place(&mut self) -> Result<(), Error> {
        if !self.whole {
            return Ok(());
        }
        check_target(&self.target, self.taken)?;
        self.put().map_err(|e| match e.kind() {
            ErrorKind::AlreadyExists => exists(&self.target, self.taken),
            _ => failed("create", &self.target, &e),
        })
    }

    /// Its name still is that of the file that was made.
    fn is_its_own(&self) -> io::Result<()> {
        let (made, found) = (self.file.metadata()?, fs::symlink_metadata(&self.temporary)?);
        match (made.dev(), made.ino()) == (found.dev(), found.ino()) {
            true => Ok(()),
            false => Err(io::Error::other("another file has taken the place of the temporary one")),
        }
    }

    fn put(&mut self) -> io::Result<()> {
        self.is_its_own()?;
        let file = self.file.metadata()?;
        if self.taken.overwrite && self.target.exists() {
            let mut former = self.temporary.as_os_str().to_owned();
            former.push(FORMER);
            let former = PathBuf::from(former);
            if fs::hard_link(&self.target, &former).is_err() {
                // A file system without links.
                fs::rename(&self.target, &former)?;
            }
            self.former = Some(former);
            self.placed = Some((file.dev(), file.ino()));
            fs::rename(&self.temporary, &self.target)?;
        } else {
            match fs::hard_link(&self.temporary, &self.target) {
                Err(e) if e.kind() == ErrorKind::AlreadyExists => return Err(e),
                Err(_) => fs::rename(&self.temporary, &self.target)?,
                Ok(()) => {}
            }
            self.placed = Some((file.dev(), file.ino()));
        }
        fs::File::open(self.target.parent().unwrap_or(Path::new("/")))?.sync_all()
    }

    /// The transaction has committed: only the target stays.
    fn keep(&self) {
        let _ = fs::remove_file(&self.temporary);
        self.former.iter().for_each(|former| drop(fs::remove_file(former)));
    }

    /// Everything is as it was before.
    fn undo(&self) {
        let _ = fs::remove_file(&self.temporary);
        match (&self.former, self.placed) {
            (Some(former), _) => {
                // Where both are one file still, renaming one to the other does nothing.
                if fs::rename(former, &self.target).is_ok() {
                    let _ = fs::remove_file(former);
                }
            }
            (None, Some(placed)) => {
                let is_ours =
                    fs::symlink_metadata(&self.target).is_ok_and(|file| (file.dev(), file.ino()) == placed);
                if is_ours {
                    let _ = fs::remove_file(&self.target);
                }
            }
            (None, None) => {}
        }
    }
}

struct Callbacks;

impl TransactionCallbacks for Callbacks {
    fn before(&self, event: Before) {
        let outcome = PENDING.with_borrow_mut(|all| match event {
            Before::Prepare if !all.is_empty() => Err(refused(
                Code::ERRCODE_FEATURE_NOT_SUPPORTED,
                "cannot PREPARE a transaction that has written a SQLite file".into(),
                None,
                None,
            )),
            Before::Prepare => Ok(()),
            Before::Commit => all.iter_mut().try_for_each(Pending::place),
        });
        if let Err(error) = outcome {
            ErrorReport::from(error).report(PgLogLevel::ERROR);
        }
    }

    fn after(&self, event: After) {
        let ended = PENDING.with(|all| all.try_borrow_mut().map(|mut all| std::mem::take(&mut *all)));
        let ended = ended.unwrap_or_default();
        match event {
            After::Commit | After::Prepare => ended.iter().for_each(Pending::keep),
            After::Abort => ended.iter().rev().for_each(Pending::undo),
        }
    }

    fn before_sub_commit(&self, level: i32) {
        PENDING.with_borrow_mut(|all| {
            all.iter_mut().filter(|p| p.level >= level).for_each(|p| p.level = level - 1);
        });
    }

    fn after_sub_abort(&self, level: i32) {
        let _ = PENDING.with(|all| {
            all.try_borrow_mut()
                .map(|mut all| all.extract_if(.., |p| p.level >= level).for_each(|p| p.undo()))
        });
    }
}

fn exists(target: &Path, taken: Taken) -> Error {
    refused(
        Code::ERRCODE_DUPLICATE_FILE,
        format!("file \"{}\" already exists", target.display()),
        None,
        Some(taken.hint.to_owned()),
    )
}

pub fn refused(sqlstate: Code, message: String, detail: Option<String>, hint: Option<String>) -> Error {
    Error::Foreign { sqlstate, message, detail, hint }
}

fn failed(what: &str, path: &Path, error: &io::Error) -> Error {
    let sqlstate = match error.kind() {
        ErrorKind::NotFound => Code::ERRCODE_UNDEFINED_FILE,
        ErrorKind::NotADirectory | ErrorKind::IsADirectory => Code::ERRCODE_WRONG_OBJECT_TYPE,
        ErrorKind::PermissionDenied | ErrorKind::ReadOnlyFilesystem => Code::ERRCODE_INSUFFICIENT_PRIVILEGE,
        ErrorKind::StorageFull | ErrorKind::QuotaExceeded => Code::ERRCODE_DISK_FULL,
        ErrorKind::InvalidFilename => Code::ERRCODE_INVALID_NAME,
        _ => Code::ERRCODE_IO_ERROR,
    };
    let reason = error.to_string();
    let reason = reason.split(" (os error").next().unwrap_or_default().to_lowercase();
    refused(sqlstate, format!("could not {what} file \"{}\": {reason}", path.display()), None, None)
}
