//! Small queries to a source: rows of text, read leniently.

use rusqlite::Row;
use rusqlite::types::ValueRef;

use super::super::error::Error;
use super::super::open::Source;
use pg_sqlite_migrate_core::sqltext::sqlite_ident;

/// `PRAGMA main.name("object")`. The functions of the same names could be hidden by tables of the file.
pub(super) fn pragma(name: &str, object: &str) -> String {
    format!("PRAGMA main.{name}({})", sqlite_ident(object))
}

/// Calls `visit` for each row of a query.
pub(super) fn each(
    source: &Source,
    sql: &str,
    mut visit: impl FnMut(&Row<'_>) -> rusqlite::Result<()>,
) -> Result<(), Error> {
    let mut run = || {
        let mut statement = source.connection().prepare(sql)?;
        let mut rows = statement.query([])?;
        while let Some(row) = rows.next()? {
            visit(row)?;
        }
        Ok(())
    };
    run().map_err(|e| source.error(e))
}

/// A name that can be used in a further query; a name that is not UTF-8 is an error of its object.
pub(super) fn name(row: &Row<'_>, column: usize) -> rusqlite::Result<String> {
    row.get(column).map_err(|_| {
        let corrupt = rusqlite::ffi::Error::new(rusqlite::ffi::SQLITE_CORRUPT);
        rusqlite::Error::SqliteFailure(corrupt, Some("a column's name is not valid UTF-8".into()))
    })
}

/// A value as text; what is not UTF-8 is marked as such rather than refused.
pub(super) fn text(row: &Row<'_>, column: usize) -> rusqlite::Result<String> {
    Ok(optional_text(row, column)?.unwrap_or_default())
}

pub(super) fn optional_text(row: &Row<'_>, column: usize) -> rusqlite::Result<Option<String>> {
    Ok(match row.get_ref(column)? {
        ValueRef::Null => None,
        ValueRef::Integer(i) => Some(i.to_string()),
        ValueRef::Real(r) => Some(r.to_string()),
        ValueRef::Text(bytes) | ValueRef::Blob(bytes) => Some(String::from_utf8_lossy(bytes).into_owned()),
    })
}

/// What an error says about one object: the file is known.
pub(super) fn reason(error: Error) -> String {
    match error {
        Error::Corrupt { detail, .. } => detail,
        Error::Sqlite { message, .. } => message,
        other => other.to_string(),
    }
}
