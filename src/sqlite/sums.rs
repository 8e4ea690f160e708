//! Adds up the rows of one table.

use rusqlite::types::ValueRef;

use super::absent::looking;
use super::{Error, Source};
use pg_sqlite_migrate_core::export::sums::Sums;
use pg_sqlite_migrate_core::sqltext::sqlite_ident;
use pg_sqlite_migrate_core::value::Cell;

/// The sums over columns of a table; a table or column that is not there is an error.
pub fn sums(source: &mut Source, table: &str, columns: &[String]) -> Result<Sums, Error> {
    // With the alias: SQLite takes the quoted name of a column that is not there for a text.
    let list: Vec<String> = columns.iter().map(|name| format!("t.{}", sqlite_ident(name))).collect();
    let sql = format!("SELECT {} FROM main.{} AS t NOT INDEXED", list.join(", "), sqlite_ident(table));
    let mut sums = Sums::new(columns.len());
    let mut run = || -> rusqlite::Result<()> {
        let mut statement = source.connection().prepare(&sql)?;
        let mut rows = statement.query([])?;
        while let Some(row) = rows.next()? {
            let cells = (0..columns.len()).map(|at| looking(|| row.get_ref(at))?.map(cell));
            let cells: Vec<Cell<'_>> = cells.collect::<rusqlite::Result<_>>()?;
            sums.add(cells.into_iter());
        }
        Ok(())
    };
    run().map_err(|e| source.error(e).about_schema().within(table))?;
    Ok(sums)
}

pub(super) fn cell(value: ValueRef<'_>) -> Cell<'_> {
    match value {
        ValueRef::Null => Cell::Null,
        ValueRef::Integer(i) => Cell::Integer(i),
        ValueRef::Real(r) => Cell::Real(r),
        ValueRef::Text(text) => Cell::Text(text),
        ValueRef::Blob(bytes) => Cell::Blob(bytes),
    }
}
