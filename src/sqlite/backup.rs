//! A copy of an open file's snapshot, page by page, by SQLite's backup API; then SQLite looks for damage in the copy.
//!
//! The source holds its read transaction, so that the copy is one state of the file, what its `-wal` holds included, and
//! others go on writing. The copy is a file that nobody else has until it is whole: it has no journal. What SQLite's
//! `.backup` command changes in the header differs here, too: the change counter and the schema cookie.

use std::fs::File;
use std::io::Read;
use std::path::Path;

use rusqlite::backup::{Backup, StepResult};
use rusqlite::{Connection, OpenFlags, ffi};

use super::check::report;
use super::error::Error;
use super::introspect::catalog;
use super::open::{Interrupted, OpenOptions, Source, open_copy};
use super::problem::Place;
use super::stamp;
use pg_sqlite_migrate_core::digest::Digest;

/// What was written.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Written {
    pub pages: u64,
    pub bytes: u64,
    pub sha256: String,
    /// What `PRAGMA integrity_check` says of the copy: `ok`; values that break a declaration, and tables that cannot be
    /// checked without functions of the application. Damage is an error.
    pub integrity: String,
}

/// Pages between two looks at whether the user wants to stop.
const PAGES: i32 = 64;

/// Fills `target`, an empty file that is there, with the snapshot of `source`. Messages name it by `shown`.
pub fn copy(source: &Source, target: &Path, shown: &Path, interrupted: &Interrupted) -> Result<u64, Error> {
    let failed = |e: rusqlite::Error| match Error::from_sqlite(shown, e) {
        // Pages of the source are read by the same calls.
        Error::Corrupt { detail, .. } => Error::Corrupt { path: source.path().into(), object: None, detail },
        error => error.of_change(),
    };
    // A link that has taken the file's place is not followed, neither in its own name nor in a directory's.
    let flags =
        OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX | OpenFlags::SQLITE_OPEN_NOFOLLOW;
    let real = || Some(target.parent()?.canonicalize().ok()?.join(target.file_name()?));
    let mut copy = Connection::open_with_flags(real().as_deref().unwrap_or(target), flags).map_err(failed)?;
    for setting in ["locking_mode = EXCLUSIVE", "journal_mode = OFF", "synchronous = OFF"] {
        let set = |row: &rusqlite::Row<'_>| row.get::<_, rusqlite::types::Value>(0);
        match copy.query_row(&format!("PRAGMA {setting}"), (), set) {
            Ok(_) | Err(rusqlite::Error::QueryReturnedNoRows) => {}
            Err(e) => return Err(failed(e)),
        }
    }
    let pages = {
        let backup = Backup::new(source.connection(), &mut copy).map_err(failed)?;
        loop {
            if interrupted() {
                return Err(Error::Interrupted { path: source.path().into() });
            }
            match backup.step(PAGES).map_err(failed)? {
                StepResult::Done => break,
                StepResult::More => {}
                // Nobody else has the copy, and the source's snapshot is taken.
                _ => return Err(Error::of_code(source.path(), ffi::SQLITE_BUSY)),
            }
        }
        backup.progress().pagecount
    };
    copy.close().map_err(|(_, e)| failed(e))?;
    Ok(pages.unsigned_abs().into())
}

/// Opens a copy that nobody else has in the place of its original: it is called by the original's path, and says what the
/// original said of its state.
pub fn stand_for(original: &Source, copy: &Path, options: &OpenOptions) -> Result<Source, Error> {
    let mut state = original.state().clone();
    // The copy has what the -wal had; and what was copied to be read has been copied again.
    (state.wal_missing, state.copied) = (false, None);
    state.stamp = Some(stamp::stamp(original));
    open_copy(&OpenOptions { path: original.path().to_owned(), ..options.clone() }, copy, state)
}

/// Has SQLite look at a copy; see [`Written::integrity`].
pub fn integrity(copy: &Source) -> Result<String, Error> {
    const MOST_LINES: usize = 100;
    let report = report(copy, &catalog(copy)?, "integrity_check", Some(MOST_LINES))?;
    let damaged = |detail: &str| {
        let (path, object, detail) = (copy.path().to_owned(), None, detail.to_owned());
        Err(Error::Corrupt { path, object, detail })
    };
    if let Some((_, line)) = report.problems.iter().find(|(_, line)| Place::of(line) != Place::Value) {
        return damaged(line);
    }
    let mut said: Vec<String> = report.problems.into_iter().map(|(_, line)| line).collect();
    for (table, error) in report.given_up {
        if let Error::Corrupt { detail, .. } = &error {
            return damaged(detail);
        }
        said.push(format!("{table} could not be checked: {error}"));
    }
    Ok(if said.is_empty() { "ok".into() } else { said.join("; ") })
}

/// The bytes of a file and their sum.
pub fn sum(path: &Path, shown: &Path, interrupted: &Interrupted) -> Result<(u64, String), Error> {
    const CHUNK: usize = 1 << 20;
    let failed = |e: std::io::Error| Error::Change { path: shown.into(), message: e.to_string() };
    let mut file = File::open(path).map_err(failed)?;
    let (mut digest, mut bytes, mut buffer) = (Digest::default(), 0, vec![0; CHUNK]);
    loop {
        if interrupted() {
            return Err(Error::Interrupted { path: shown.into() });
        }
        match file.read(&mut buffer).map_err(failed)? {
            0 => return Ok((bytes, digest.hex())),
            read => {
                digest.add(buffer.get(..read).unwrap_or_default());
                bytes += read as u64;
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;
    use std::time::Duration;

    use super::super::open;
    use super::super::testing::TempDir;
    use super::*;

    fn options(path: &Path) -> OpenOptions {
        OpenOptions {
            path: path.to_owned(),
            immutable: false,
            copy: None,
            busy_timeout: Duration::ZERO,
            interrupted: Arc::new(|| false),
        }
    }

    #[test]
    fn a_copy_is_the_snapshot_whatever_is_written_meanwhile() {
        let dir = TempDir::new();
        let (path, target) = (dir.path("t.db"), dir.path("copy.db"));
        let writer = Connection::open(&path).unwrap();
        writer
            .execute_batch(
                "PRAGMA page_size = 1024; PRAGMA journal_mode = WAL; PRAGMA user_version = 7;
                 CREATE TABLE t (a TEXT NOT NULL, pad); INSERT INTO t VALUES ('one', zeroblob(300000))",
            )
            .unwrap();
        let source = open(&options(&path)).unwrap();
        writer.execute_batch("INSERT INTO t VALUES ('two', zeroblob(100000))").unwrap();
        File::create(&target).unwrap();
        let writer = std::sync::Mutex::new(writer);
        let writing: Interrupted = Arc::new(move || {
            writer.lock().unwrap().execute_batch("INSERT INTO t VALUES ('three', 1)").unwrap();
            false
        });
        let pages = copy(&source, &target, &target, &writing).unwrap();
        let of_copy = stand_for(&source, &target, &options(&target)).unwrap();
        let rows: String = of_copy
            .ask(|c| {
                c.query_row(
                    "SELECT group_concat(a) || (SELECT user_version FROM pragma_user_version) FROM t",
                    [],
                    |r| r.get(0),
                )
            })
            .unwrap();
        assert_eq!((rows.as_str(), of_copy.path()), ("one7", &*path));
        assert_eq!(integrity(&of_copy).unwrap(), "ok");
        let (bytes, sha256) = sum(&target, &target, &options(&target).interrupted).unwrap();
        assert_eq!((bytes, sha256.len()), (pages * 1024, 64));
        // Nothing lies beside the copy.
        assert!(!dir.path("copy.db-wal").exists() && !dir.path("copy.db-journal").exists());
        let always: Interrupted = Arc::new(|| true);
        let stopped = copy(&source, &target, &target, &always).unwrap_err();
        assert_eq!(stopped, Error::Interrupted { path });
    }

    #[test]
    fn values_against_declarations_are_told_and_damage_is_an_error() {
        let dir = TempDir::new();
        let path = dir.path("t.db");
        let made = Connection::open(&path).unwrap();
        made.execute_batch(
            "PRAGMA page_size = 1024; CREATE TABLE t (a, b); CREATE INDEX i ON t (b);
             INSERT INTO t VALUES (NULL, zeroblob(900)); PRAGMA writable_schema = ON;
             UPDATE sqlite_schema SET sql = 'CREATE TABLE t (a NOT NULL, b)' WHERE name = 't'",
        )
        .unwrap();
        let said = integrity(&open(&options(&path)).unwrap()).unwrap();
        assert_eq!(said, "NULL value in t.a");
        made.execute_batch("UPDATE sqlite_schema SET rootpage = 2 WHERE name = 'i'").unwrap();
        drop(made);
        let damaged = integrity(&open(&options(&path)).unwrap());
        assert!(matches!(&damaged, Err(Error::Corrupt { .. })), "{damaged:?}");
    }
}
