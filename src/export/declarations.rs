//! What is said where the file's own declarations do not take PostgreSQL's rows.

use pgrx::PgSqlErrorCode as Code;

use crate::error::Error;
use crate::newfile::refused;
use crate::sqlite;
use crate::sqlite::create::MOST_BROKEN;
use crate::sqlite::error::Constraint;
use pg_sqlite_migrate_core::export::planned::Planned;
use pg_sqlite_migrate_core::finding::counted;

/// The error of a row that a constraint of the file's own does not take, with what helps.
pub fn hinted(error: Error, planned: &Planned<'_>) -> Error {
    const OF_BOXES: &str = "rtree constraint failed";
    let Error::Sqlite(sqlite::Error::Constraint { kind, message, .. }) = &error else { return error };
    let hint = if message.starts_with(OF_BOXES) {
        "Correct the row, or leave the table out by its \"skip\"."
    } else if planned.tables.iter().any(|table| table.original) {
        "The rows have changed since the import. Set \"declarations\" to \"translated\" in the plan to declare the tables as PostgreSQL does."
    } else {
        return error;
    };
    let sqlstate = match kind {
        Constraint::Unique => Code::ERRCODE_UNIQUE_VIOLATION,
        Constraint::NotNull => Code::ERRCODE_NOT_NULL_VIOLATION,
        Constraint::ForeignKey => Code::ERRCODE_FOREIGN_KEY_VIOLATION,
        Constraint::Check => Code::ERRCODE_CHECK_VIOLATION,
        Constraint::Other => Code::ERRCODE_INTEGRITY_CONSTRAINT_VIOLATION,
    };
    refused(sqlstate, error.to_string(), Some(format!("SQLite: {message}.")), Some(hint.into()))
}

/// What is said of the rows of a table of the file's own that break a CHECK, as far as SQLite counts them. What only the
/// application has, a CHECK may need.
pub fn told_of(broken: Result<u64, Error>) -> Result<Option<String>, Error> {
    const OF_APPLICATIONS: &str = "no such collation sequence";
    match broken {
        Ok(0) => Ok(None),
        Ok(rows) if rows >= MOST_BROKEN => Ok(Some(format!("{rows} or more rows break a CHECK of the file"))),
        Ok(rows) => {
            Ok(Some(counted(rows, "row breaks a CHECK of the file", "rows break a CHECK of the file")))
        }
        Err(error) if error.to_string().contains(OF_APPLICATIONS) => {
            Ok(Some(format!("the CHECKs of the file cannot be evaluated: {error}")))
        }
        Err(error) => Err(error),
    }
}
