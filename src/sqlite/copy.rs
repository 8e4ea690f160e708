//! A private copy of a database file and its `-wal`, taken while others may write.
//!
//! The copy is one committed state, even if others write or run checkpoints meanwhile. The file is copied first and its
//! `-wal` second, and the `-wal` must begin with the same header before and after. Until a `-wal` is restarted with
//! other salts in its header (<https://www.sqlite.org/fileformat2.html#the_write_ahead_log>), frames are only appended
//! to it. So every page that a checkpoint has moved into the file meanwhile is also in the copied `-wal`, which SQLite
//! reads first. A transaction that was being written is incomplete at the end of the copied `-wal`, where SQLite
//! ignores it. Assumes that the caller holds a SHARED lock on the file, so that nobody removes the `-wal`.

use std::fs::{self, DirBuilder, OpenOptions};
use std::io::{self, ErrorKind, Read, Write};
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
use std::path::{Path, PathBuf};

use super::auxiliary::Names;
use super::error::Error;
use super::open::{Interrupted, Scratch};
use super::raw::File;

const CHUNK: usize = 1 << 20;
const WAL_HEADER: u64 = 32;

/// What was copied.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Copied {
    pub bytes: u64,
    pub directory: PathBuf,
}

/// Copies the file behind `file`, and its `-wal`; the path of the copy. `None` if the `-wal` was restarted meanwhile.
pub(super) fn pair(
    path: &Path,
    file: &File<'_>,
    scratch: &Scratch,
    interrupted: &Interrupted,
) -> Result<Option<(PathBuf, Copied)>, Error> {
    let names = Names::of(path);
    let failed = |e: &io::Error| failure(path, &scratch.directory, e);
    let before = wal_header(&names.wal).map_err(|e| failed(&e))?;
    let log_size = fs::metadata(&names.wal).map_or(0, |m| m.len());
    let size = file.size().map_err(|code| Error::of_code(path, code))?;
    if let Some(limit) = scratch.limit.filter(|limit| size + log_size > *limit) {
        return Err(Error::CopyTooLarge { path: path.to_owned(), bytes: size + log_size, limit });
    }
    match DirBuilder::new().mode(0o700).create(&scratch.directory) {
        Err(e) if e.kind() != ErrorKind::AlreadyExists => return Err(failed(&e)),
        _ => {}
    }
    let target = scratch.directory.join("copy.db");
    let mut source = Bytes { file, at: 0, left: size };
    let mut bytes = copy(path, &mut source, &target, interrupted, &failed)?;
    let mut log = fs::File::open(&names.wal).map_err(|e| failed(&e))?;
    bytes += copy(path, &mut log, &Names::of(&target).wal, interrupted, &failed)?;
    let whole = wal_header(&names.wal).is_ok_and(|after| after == before);
    Ok(whole.then(|| (target, Copied { bytes, directory: scratch.directory.clone() })))
}

/// Shorter where nothing was committed to the `-wal` yet.
fn wal_header(log: &Path) -> io::Result<Vec<u8>> {
    let mut header = vec![];
    fs::File::open(log)?.take(WAL_HEADER).read_to_end(&mut header)?;
    Ok(header)
}

fn copy(
    path: &Path,
    source: &mut impl Read,
    target: &Path,
    interrupted: &Interrupted,
    failed: &impl Fn(&io::Error) -> Error,
) -> Result<u64, Error> {
    let mut options = OpenOptions::new();
    let create = options.write(true).create(true).truncate(true).mode(0o600).open(target);
    pour(path, source, &mut create.map_err(|e| failed(&e))?, interrupted, failed)
}

fn pour(
    path: &Path,
    source: &mut impl Read,
    target: &mut impl Write,
    interrupted: &Interrupted,
    failed: &impl Fn(&io::Error) -> Error,
) -> Result<u64, Error> {
    let mut buffer = vec![0; CHUNK];
    let mut bytes = 0;
    loop {
        if interrupted() {
            return Err(Error::Interrupted { path: path.to_owned() });
        }
        match source.read(&mut buffer).map_err(|e| failed(&e))? {
            0 => return Ok(bytes),
            read => {
                target.write_all(&buffer[..read]).map_err(|e| failed(&e))?;
                bytes += read as u64;
            }
        }
    }
}

/// The database file as a stream, through SQLite's handle.
struct Bytes<'f, 'c> {
    file: &'f File<'c>,
    at: u64,
    left: u64,
}

impl Read for Bytes<'_, '_> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let length = buffer.len().min(usize::try_from(self.left).unwrap_or(usize::MAX));
        let chunk = &mut buffer[..length];
        // A checkpoint may shorten the file: what is missing is read from the `-wal`.
        self.file.read(chunk, self.at).map_err(|code| io::Error::other(format!("SQLite error {code}")))?;
        self.at += length as u64;
        self.left -= length as u64;
        Ok(length)
    }
}

fn failure(path: &Path, directory: &Path, error: &io::Error) -> Error {
    let full = matches!(error.kind(), ErrorKind::StorageFull | ErrorKind::QuotaExceeded);
    let (path, directory) = (path.to_owned(), directory.to_owned());
    Error::Copy { path, directory, full, message: error.to_string() }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicUsize, Ordering};
    use std::sync::{Arc, Mutex};

    use rusqlite::{Connection, OpenFlags};

    use super::super::testing::TempDir;
    use super::*;

    const TRANSFER: &str = "BEGIN; UPDATE a SET v = v - 7; UPDATE b SET v = v + 7; COMMIT;";

    /// The sum of all that is transferred, in the copy; and what is wrong with it.
    fn sum(copy: &Path) -> (i64, String) {
        let copy = Connection::open(copy).unwrap();
        let sum = "SELECT (SELECT sum(v) FROM a) + (SELECT sum(v) FROM b)";
        let check = copy.query_row("PRAGMA integrity_check", [], |r| r.get(0)).unwrap();
        (copy.query_row(sum, [], |r| r.get(0)).unwrap(), check)
    }

    /// Does something at every point at which the copier lets others in.
    #[test]
    fn whatever_others_do_meanwhile_a_copy_is_one_state_or_none() {
        const CHECKPOINT: &str = "PRAGMA wal_checkpoint(PASSIVE);";
        const RESTART: &str = "PRAGMA wal_checkpoint(RESTART);";
        const TRUNCATE: &str = "PRAGMA wal_checkpoint(TRUNCATE);";
        for (acts, starts_anew) in [
            (TRANSFER.to_owned(), false),
            (format!("{TRANSFER}{CHECKPOINT}"), false),
            // A writer starts a `-wal` anew that is wholly in the file, if nobody reads it.
            (format!("{TRANSFER}{CHECKPOINT}{TRANSFER}"), true),
            (format!("{RESTART}{TRANSFER}"), true),
            (format!("{TRANSFER}{TRUNCATE}{TRANSFER}{CHECKPOINT}"), true),
        ] {
            for at in 0..4 {
                let dir = TempDir::new();
                let path = dir.path("t.db");
                let writer = Connection::open(&path).unwrap();
                writer
                    .execute_batch(
                        "PRAGMA journal_mode = WAL; PRAGMA wal_autocheckpoint = 0;
                         CREATE TABLE a(v, pad); CREATE TABLE b(v, pad);
                         INSERT INTO a VALUES (1000, zeroblob(9000)), (1000, zeroblob(9000));
                         INSERT INTO b SELECT * FROM a",
                    )
                    .unwrap();
                writer.execute_batch(TRANSFER).unwrap();
                let (writer, calls, acts) = (Mutex::new(writer), AtomicUsize::new(0), acts.clone());
                let interrupted: Interrupted = Arc::new(move || {
                    if calls.fetch_add(1, Ordering::Relaxed) == at {
                        writer.lock().unwrap().execute_batch(&acts).unwrap();
                    }
                    false
                });
                let flags = OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_URI;
                let uri = format!("file://{}?immutable=1", path.display());
                let probe = Connection::open_with_flags(uri, flags).unwrap();
                let file = File::of(&probe).unwrap();
                file.lock_shared().unwrap();
                let scratch = Scratch { directory: dir.path("copy"), limit: None, owner: Arc::new(()) };
                let copied = pair(&path, &file, &scratch, &interrupted).unwrap();
                assert_eq!(copied.is_none(), starts_anew, "at {at}");
                if let Some((copy, _)) = copied {
                    assert_eq!(sum(&copy), (4000, "ok".into()), "at {at}");
                }
            }
        }
    }

    #[test]
    fn a_full_disk_is_called_that() {
        let path = Path::new("/srv/app.db");
        let failed = |e: &io::Error| failure(path, Path::new("/tmp/x"), e);
        let mut full = OpenOptions::new().write(true).open("/dev/full").unwrap();
        let never: Interrupted = Arc::new(|| false);
        let error = pour(path, &mut &b"abc"[..], &mut full, &never, &failed).unwrap_err();
        assert!(matches!(&error, Error::Copy { full: true, .. }), "{error}");
        let always: Interrupted = Arc::new(|| true);
        let error = pour(path, &mut &b"abc"[..], &mut io::sink(), &always, &failed).unwrap_err();
        assert_eq!(error, Error::Interrupted { path: path.into() });
    }
}
