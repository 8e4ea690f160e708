//! What can go wrong between us and a SQLite file: one variant per thing that a person would do differently.
//!
//! Every variant names the file. SQLSTATEs and hints are chosen by the caller, not here.

use std::path::{Path, PathBuf};

use rusqlite::ffi;

use super::expressions::Failing;
use super::functions::Fault;
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
    /// There is a `-wal` with something in it and no `-shm`: SQLite would make one.
    #[error("SQLite file \"{}\" cannot be read in place: it has a -wal and no -shm", path.display())]
    WalAlone { path: PathBuf },
    /// The same, read as immutable.
    #[error("SQLite file \"{}\" cannot be read as immutable: its -wal is not empty", path.display())]
    WalLeftOut { path: PathBuf },
    /// The server's user may not use the existing `-wal` or `-shm`, or may not create one that SQLite needs.
    #[error("could not use the -wal and -shm of SQLite file \"{}\"", path.display())]
    WalUnusable { path: PathBuf },
    /// The file was opened without SQLite's locks, since nobody was writing to it, and was then written to.
    #[error("SQLite file \"{}\" was changed while it was read", path.display())]
    Changed { path: PathBuf },
    #[error("could not copy SQLite file \"{}\" to \"{}\": {message}", path.display(), directory.display())]
    Copy { path: PathBuf, directory: PathBuf, full: bool, message: String },
    #[error("a copy of SQLite file \"{}\" exceeds temp_file_limit", path.display())]
    CopyTooLarge { path: PathBuf, bytes: u64, limit: u64 },
    /// SQLite keeps the journal of a change in a file beside the database.
    #[error("could not change SQLite file \"{}\": its directory is not writable", path.display())]
    DirectoryUnwritable { path: PathBuf },
    /// A value, or a statement with its constants.
    #[error("size limit of SQLite exceeded in file \"{}\": {message}", path.display())]
    TooBig { path: PathBuf, message: String },
    /// SQLite, or the code that reads from it, has no memory for a value. `object` is the table, where one is known.
    #[error("out of memory")]
    NoMemory { path: PathBuf, object: Option<String> },
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
    /// A plan's `using` that is not one SQL expression over a row; `column` is `table.column`.
    #[error("expression \"{expression}\" for column {column} of SQLite file \"{}\" is not valid: {reason}", path.display())]
    InvalidUsing { path: PathBuf, column: String, expression: String, reason: String },
    /// SQLite cannot compute an expression of the plan for a row.
    #[error("{failing} of SQLite file \"{}\" cannot be computed: {}", path.display(), failing.message)]
    Expression { path: PathBuf, failing: Box<Failing> },
    /// A trigger of the file has called RAISE.
    #[error("a trigger of SQLite file \"{}\" refused the change", path.display())]
    Refused { path: PathBuf, message: String },
    /// The change breaks a constraint of the file; nothing was changed.
    #[error("change of SQLite file \"{}\" breaks a constraint", path.display())]
    Constraint { path: PathBuf, kind: Constraint, message: String },
    /// A result depends on an application-defined collation.
    #[error("collation \"{name}\" of SQLite file \"{}\" is defined by its application only", path.display())]
    Collation { path: PathBuf, name: String },
    /// The file cannot be written to.
    #[error("SQLite file \"{}\" is read-only", path.display())]
    ReadOnly { path: PathBuf },
    #[error("could not extend SQLite file \"{}\": the disk is full", path.display())]
    Full { path: PathBuf },
    /// Someone has written since the transaction's snapshot was taken.
    #[error("could not change SQLite file \"{}\": it was changed after the transaction's snapshot", path.display())]
    Snapshot { path: PathBuf },
    /// A statement names something that does not exist.
    #[error("{} \"{name}\" does not exist in SQLite file \"{}\"", kind.name(), path.display())]
    Vanished { path: PathBuf, kind: Kind, name: String },
    /// The schema is not the one that a statement was prepared for.
    #[error("schema of SQLite file \"{}\" has changed: {message}", path.display())]
    Schema { path: PathBuf, message: String },
    /// A function that this extension registers failed inside a statement.
    #[error("{fault}")]
    Function { path: PathBuf, fault: Box<Fault> },
    /// The statement was closed by the transaction's end, or is being read further up.
    #[error("a query on SQLite file \"{}\" was closed while it was read", path.display())]
    Stale { path: PathBuf },
    /// Anything else that ends a statement which changes.
    #[error("could not change SQLite file \"{}\": {message}", path.display())]
    Change { path: PathBuf, message: String },
    /// Anything else; `code` is SQLite's extended result code, 0 when the failure is not SQLite's own.
    #[error("could not read SQLite file \"{}\": {message}", path.display())]
    Sqlite { path: PathBuf, code: i32, message: String },
}

/// What SQLite looks up by name.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    Table,
    Column,
    Function,
    Module,
    Collation,
}

impl Kind {
    /// With the beginnings of SQLite's messages.
    const PROBLEMS: [(&str, Kind); 5] = [
        ("no such table: ", Kind::Table),
        ("no such column: ", Kind::Column),
        ("no such function: ", Kind::Function),
        ("no such module: ", Kind::Module),
        ("no such collation sequence: ", Kind::Collation),
    ];

    fn name(self) -> &'static str {
        match self {
            Kind::Table => "table",
            Kind::Column => "column",
            Kind::Function => "function",
            Kind::Module => "module",
            Kind::Collation => "collation",
        }
    }

    /// Tables come with their schema, columns with the table's alias.
    fn named(message: &str) -> Option<(Kind, String)> {
        Kind::PROBLEMS.iter().find_map(|(problem, kind)| {
            let name = message.strip_prefix(problem)?;
            let is_alias = |head: &str| {
                let number = head.strip_prefix('r').filter(|n| !n.is_empty());
                number.is_some_and(|n| n.bytes().all(|b| b.is_ascii_digit()))
            };
            let short = match (kind, name.split_once('.')) {
                (Kind::Table, Some(("main", short))) => short,
                (Kind::Column, Some((head, short))) if is_alias(head) => short,
                _ => name,
            };
            Some((*kind, short.to_owned()))
        })
    }
}

/// Constraints that PostgreSQL has too.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Constraint {
    Unique,
    NotNull,
    ForeignKey,
    Check,
    /// A STRICT column's type, and what else there is.
    Other,
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

    /// The same of a code alone.
    pub(super) fn of_code(path: &Path, code: i32) -> Error {
        from_code(path, code, ffi::Error::new(code).to_string())
    }

    /// Adds the name of the table that was being read, if the error has a field for it.
    pub fn within(self, table: &str) -> Error {
        match self {
            Error::Corrupt { path, object: None, detail } => {
                Error::Corrupt { path, object: Some(table.to_owned()), detail }
            }
            Error::NoMemory { path, object: None } => {
                Error::NoMemory { path, object: Some(table.to_owned()) }
            }
            Error::Sqlite { path, code, message } => {
                Error::Sqlite { path, code, message: format!("table \"{table}\": {message}") }
            }
            other => other,
        }
    }

    /// The error of a statement that does not compile, or no longer compiles, because the schema is not the one that it
    /// was written for.
    pub(super) fn about_schema(self) -> Error {
        let Error::Sqlite { path, code, message } = self else { return self };
        match Kind::named(&message) {
            Some((kind, name)) => Error::Vanished { path, kind, name },
            None if code == ffi::SQLITE_SCHEMA => Error::Schema { path, message },
            None => Error::Sqlite { path, code, message },
        }
    }

    /// The error of a statement that changes the file.
    pub(super) fn of_change(self) -> Error {
        match self {
            Error::Sqlite { path, message, .. } => Error::Change { path, message },
            other => other,
        }
    }

    /// The error concerns one object: others can be read.
    pub fn is_local(&self) -> bool {
        match self {
            Error::Corrupt { .. }
            | Error::TooBig { .. }
            | Error::Collation { .. }
            | Error::Expression { .. } => true,
            Error::Sqlite { code, .. } => !matches!(code & 0xff, ffi::SQLITE_IOERR | ffi::SQLITE_CANTOPEN),
            _ => false,
        }
    }
}

fn from_code(path: &Path, code: i32, message: String) -> Error {
    let path = path.to_owned();
    match code {
        ffi::SQLITE_READONLY_ROLLBACK => return Error::HotJournal { path },
        ffi::SQLITE_READONLY_CANTINIT | ffi::SQLITE_READONLY_CANTLOCK | ffi::SQLITE_READONLY_RECOVERY => {
            return Error::WalUnusable { path };
        }
        ffi::SQLITE_READONLY_DIRECTORY => return Error::DirectoryUnwritable { path },
        ffi::SQLITE_BUSY_SNAPSHOT => return Error::Snapshot { path },
        ffi::SQLITE_CONSTRAINT_TRIGGER => return Error::Refused { path, message },
        ffi::SQLITE_IOERR_NOMEM => return Error::NoMemory { path, object: None },
        ffi::SQLITE_IOERR_SHORT_READ => return Error::Corrupt { path, object: None, detail: message },
        _ => {}
    }
    match code & 0xff {
        // This connection's own statements are in the way: waiting would not help.
        ffi::SQLITE_BUSY if message.ends_with("SQL statements in progress") => {
            Error::Sqlite { path, code, message }
        }
        ffi::SQLITE_NOTADB => Error::NotADatabase { path },
        ffi::SQLITE_CORRUPT => Error::Corrupt { path, object: None, detail: message },
        ffi::SQLITE_BUSY | ffi::SQLITE_LOCKED | ffi::SQLITE_PROTOCOL => {
            let detail = locks::describe(&path);
            Error::Locked { path, detail }
        }
        ffi::SQLITE_INTERRUPT => Error::Interrupted { path },
        ffi::SQLITE_CONSTRAINT => Error::Constraint { path, kind: constraint(code), message },
        ffi::SQLITE_READONLY => Error::ReadOnly { path },
        ffi::SQLITE_FULL => Error::Full { path },
        ffi::SQLITE_PERM => Error::PermissionDenied { path },
        ffi::SQLITE_NOMEM => Error::NoMemory { path, object: None },
        ffi::SQLITE_TOOBIG => Error::TooBig { path, message },
        _ => Error::Sqlite { path, code, message },
    }
}

fn constraint(code: i32) -> Constraint {
    match code {
        ffi::SQLITE_CONSTRAINT_UNIQUE | ffi::SQLITE_CONSTRAINT_PRIMARYKEY | ffi::SQLITE_CONSTRAINT_ROWID => {
            Constraint::Unique
        }
        ffi::SQLITE_CONSTRAINT_NOTNULL => Constraint::NotNull,
        ffi::SQLITE_CONSTRAINT_FOREIGNKEY => Constraint::ForeignKey,
        ffi::SQLITE_CONSTRAINT_CHECK => Constraint::Check,
        _ => Constraint::Other,
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
            (ffi::SQLITE_READONLY_CANTINIT, Error::WalUnusable { path: p() }),
            (ffi::SQLITE_READONLY_DIRECTORY, Error::DirectoryUnwritable { path: p() }),
            (ffi::SQLITE_NOMEM, Error::NoMemory { path: p(), object: None }),
            (ffi::SQLITE_IOERR_NOMEM, Error::NoMemory { path: p(), object: None }),
            (ffi::SQLITE_TOOBIG, Error::TooBig { path: p(), message: m() }),
            (ffi::SQLITE_READONLY_RECOVERY, Error::WalUnusable { path: p() }),
            (ffi::SQLITE_INTERRUPT, Error::Interrupted { path: p() }),
            (ffi::SQLITE_CORRUPT_INDEX, Error::Corrupt { path: p(), object: None, detail: m() }),
            (ffi::SQLITE_IOERR_SHORT_READ, Error::Corrupt { path: p(), object: None, detail: m() }),
            (ffi::SQLITE_FULL, Error::Full { path: p() }),
            (ffi::SQLITE_BUSY_SNAPSHOT, Error::Snapshot { path: p() }),
            (
                ffi::SQLITE_CONSTRAINT_PRIMARYKEY,
                Error::Constraint { path: p(), kind: Constraint::Unique, message: m() },
            ),
            (ffi::SQLITE_AUTH, Error::Sqlite { path: p(), code: ffi::SQLITE_AUTH, message: m() }),
        ] {
            assert_eq!(from_code(path, code, m()), expected);
        }
        assert!(matches!(from_code(path, ffi::SQLITE_BUSY_RECOVERY, m()), Error::Locked { .. }));
        let own = "cannot open savepoint - SQL statements in progress".to_owned();
        assert!(matches!(from_code(path, ffi::SQLITE_BUSY, own), Error::Sqlite { .. }));
    }

    #[test]
    fn what_is_gone_is_named() {
        for (message, found) in [
            ("no such table: main.t", Some((Kind::Table, "t"))),
            ("no such column: r12.a.b", Some((Kind::Column, "a.b"))),
            ("no such column: rx.a", Some((Kind::Column, "rx.a"))),
            ("no such function: app", Some((Kind::Function, "app"))),
            ("no such collation sequence: DE", Some((Kind::Collation, "DE"))),
            ("near \"x\": syntax error", None),
        ] {
            assert_eq!(Kind::named(message), found.map(|(kind, name)| (kind, name.to_owned())));
        }
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
