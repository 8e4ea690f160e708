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

/// The columns of a view; one that is not there is an error.
pub fn columns(source: &mut Source, view: &str) -> Result<Vec<String>, Error> {
    let sql = format!("SELECT * FROM main.{}", sqlite_ident(view));
    let statement = source.connection().prepare(&sql);
    let statement = statement.map_err(|e| source.error(e).about_schema().within(view))?;
    Ok(statement.column_names().map(str::to_owned).collect())
}

/// How many rows a table or view has.
pub fn count(source: &mut Source, relation: &str) -> Result<i64, Error> {
    let sql = format!("SELECT count(*) FROM main.{}", sqlite_ident(relation));
    let count = source.connection().query_row(&sql, [], |row| row.get(0));
    count.map_err(|e| source.error(e).about_schema().within(relation))
}

/// How many objects of a type are declared on a table or view by statements of their own.
pub fn declared(source: &mut Source, kind: &str, relation: &str) -> Result<i64, Error> {
    const DECLARED: &str = "SELECT count(*) FROM main.sqlite_schema
        WHERE type = ?1 AND tbl_name = ?2 COLLATE NOCASE AND sql IS NOT NULL";
    let count = source.connection().query_row(DECLARED, (kind, relation), |row| row.get(0));
    count.map_err(|e| source.error(e))
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
