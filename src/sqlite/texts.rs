//! The first column of a small query, as text.

use rusqlite::Row;
use rusqlite::types::ValueRef;

use super::{Error, Source};

/// The most bytes of a text that are read: names of migrations are short.
const LONGEST: usize = 1 << 16;

/// Runs a query over one table; values that are not text are left out.
pub fn texts(source: &Source, table: &str, sql: &str) -> Result<Vec<String>, Error> {
    let text = |row: &Row<'_>| {
        Ok(match row.get_ref(0)? {
            ValueRef::Text(bytes) => {
                Some(String::from_utf8_lossy(bytes.get(..LONGEST).unwrap_or(bytes)).into_owned())
            }
            _ => None,
        })
    };
    let run = || {
        let mut statement = source.connection().prepare(sql)?;
        let rows: rusqlite::Result<Vec<Option<String>>> = statement.query_map([], text)?.collect();
        rows
    };
    Ok(run().map_err(|e| source.error(e).within(table))?.into_iter().flatten().collect())
}
