//! What can go wrong between us and a SQLite file: one variant per thing that a person would do differently.
//!
//! Every variant names the file. SQLSTATEs and hints are chosen by the caller, not here.

use std::path::{Path, PathBuf};

use rusqlite::ffi;

use super::locks;

#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Error {
    #[error("path of SQLite file must be absolute: \"{}\"", path.display())]
    RelativePath { path: PathBuf },
    /// The path holds a NUL byte, so that no file can have it.
    #[error("path of SQLite file is not valid: \"{}\"", path.display())]
    InvalidPath { path: PathBuf },
    #[error("SQLite file \"{}\" does not exist", path.display())]
    Missing { path: PathBuf },
    #[error("\"{}\" is a directory, not a SQLite file", path.display())]
    Directory { path: PathBuf },
    #[error("\"{}\" is not a regular file", path.display())]
    NotRegularFile { path: PathBuf },
    #[error("could not open SQLite file \"{}\": permission denied", path.display())]
    PermissionDenied { path: PathBuf },
    #[error("file \"{}\" is not a SQLite database, or is encrypted", path.display())]
    NotADatabase { path: PathBuf },
    #[error("file \"{}\" is empty, not a SQLite database", path.display())]
    EmptyFile { path: PathBuf },
    /// `object` is the table being read, where one is known.
    #[error("SQLite file \"{}\" is corrupt or truncated: {detail}", path.display())]
    Corrupt { path: PathBuf, object: Option<String>, detail: String },
    /// `detail` names the lock and its holder as far as the system tells.
    #[error("SQLite file \"{}\" is locked: {detail}", path.display())]
    Locked { path: PathBuf, detail: String },
    /// SQLite needs to write `-shm` beside a WAL database, even to read it.
    #[error("SQLite file \"{}\" is in WAL mode and its directory is not writable", path.display())]
    WalDirectoryUnwritable { path: PathBuf },
    /// A transaction was cut short; the file is inconsistent until its rollback journal is played back:
    /// by the application, or by opening it once for writing, for instance `sqlite3 FILE 'PRAGMA user_version'`.
    #[error(
        "SQLite file \"{}\" has a hot rollback journal left by an interrupted transaction", path.display()
    )]
    HotJournal { path: PathBuf },
    #[error("reading of SQLite file \"{}\" was interrupted", path.display())]
    Interrupted { path: PathBuf },
    /// A plan's `where` that is not one SQL expression.
    #[error("condition \"{filter}\" for SQLite file \"{}\" is not valid: {reason}", path.display())]
    InvalidFilter { path: PathBuf, filter: String, reason: String },
    /// Anything else; `code` is SQLite's extended result code, 0 when the failure is not SQLite's own.
    #[error("could not read SQLite file \"{}\": {message}", path.display())]
    Sqlite { path: PathBuf, code: i32, message: String },
}

impl Error {
    /// Reads SQLite's result code, <https://www.sqlite.org/rescode.html>, as one of ours.
    pub fn from_sqlite(path: &Path, error: rusqlite::Error) -> Error {
        match &error {
            rusqlite::Error::SqliteFailure(e, message) => {
                let message = message.clone().unwrap_or_else(|| e.to_string());
                from_code(path, e.extended_code, message)
            }
            rusqlite::Error::SqlInputError { error: e, msg, .. } => {
                from_code(path, e.extended_code, msg.clone())
            }
            other => Error::Sqlite { path: path.into(), code: 0, message: other.to_string() },
        }
    }

    /// Names the table that was being read, where the error has room for it.
    pub fn within(self, table: &str) -> Error {
        match self {
            Error::Corrupt { path, object: None, detail } => {
                Error::Corrupt { path, object: Some(table.to_owned()), detail }
            }
            Error::Sqlite { path, code, message } => {
                Error::Sqlite { path, code, message: format!("table \"{table}\": {message}") }
            }
            other => other,
        }
    }

    /// One bad object rather than a file or a moment in which nothing can be read.
    pub fn is_local(&self) -> bool {
        match self {
            Error::Corrupt { .. } => true,
            Error::Sqlite { code, .. } => {
                !matches!(code & 0xff, ffi::SQLITE_IOERR | ffi::SQLITE_NOMEM | ffi::SQLITE_CANTOPEN)
            }
            _ => false,
        }
    }
}

fn from_code(path: &Path, code: i32, message: String) -> Error {
    let path = path.to_owned();
    match code {
        ffi::SQLITE_READONLY_ROLLBACK => return Error::HotJournal { path },
        ffi::SQLITE_READONLY_CANTINIT
        | ffi::SQLITE_READONLY_CANTLOCK
        | ffi::SQLITE_READONLY_RECOVERY
        | ffi::SQLITE_READONLY_DIRECTORY => return Error::WalDirectoryUnwritable { path },
        ffi::SQLITE_IOERR_SHORT_READ => return Error::Corrupt { path, object: None, detail: message },
        _ => {}
    }
    match code & 0xff {
        ffi::SQLITE_NOTADB => Error::NotADatabase { path },
        ffi::SQLITE_CORRUPT => Error::Corrupt { path, object: None, detail: message },
        ffi::SQLITE_BUSY | ffi::SQLITE_LOCKED | ffi::SQLITE_PROTOCOL => {
            let detail = locks::describe(&path);
            Error::Locked { path, detail }
        }
        ffi::SQLITE_INTERRUPT => Error::Interrupted { path },
        ffi::SQLITE_PERM => Error::PermissionDenied { path },
        _ => Error::Sqlite { path, code, message },
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn result_codes_become_what_a_person_would_do() {
        let path = Path::new("/srv/app.db");
        let p = || path.to_owned();
        let m = || "m".to_owned();
        for (code, expected) in [
            (ffi::SQLITE_NOTADB, Error::NotADatabase { path: p() }),
            (ffi::SQLITE_READONLY_ROLLBACK, Error::HotJournal { path: p() }),
            (ffi::SQLITE_READONLY_CANTINIT, Error::WalDirectoryUnwritable { path: p() }),
            (ffi::SQLITE_READONLY_DIRECTORY, Error::WalDirectoryUnwritable { path: p() }),
            (ffi::SQLITE_READONLY_RECOVERY, Error::WalDirectoryUnwritable { path: p() }),
            (ffi::SQLITE_INTERRUPT, Error::Interrupted { path: p() }),
            (ffi::SQLITE_CORRUPT_INDEX, Error::Corrupt { path: p(), object: None, detail: m() }),
            (ffi::SQLITE_IOERR_SHORT_READ, Error::Corrupt { path: p(), object: None, detail: m() }),
            (ffi::SQLITE_FULL, Error::Sqlite { path: p(), code: ffi::SQLITE_FULL, message: m() }),
        ] {
            assert_eq!(from_code(path, code, m()), expected);
        }
        assert!(matches!(from_code(path, ffi::SQLITE_BUSY_RECOVERY, m()), Error::Locked { .. }));
    }

    #[test]
    fn a_failing_disk_is_not_one_bad_object() {
        let sqlite = |code| Error::Sqlite { path: "/a".into(), code, message: String::new() };
        assert!(sqlite(ffi::SQLITE_ERROR).is_local() && !sqlite(ffi::SQLITE_IOERR_READ).is_local());
        assert!(!Error::Interrupted { path: "/a".into() }.is_local());
    }

    #[test]
    fn messages_name_the_file() {
        let e = Error::NotADatabase { path: "/srv/app.db".into() };
        assert_eq!(e.to_string(), "file \"/srv/app.db\" is not a SQLite database, or is encrypted");
    }
}
