//! Counts the rows of one table, apart from any load, and the bytes of a schema.

use super::{Error, Source, profile};
use pg_sqlite_migrate_core::sqltext::sqlite_ident;

/// Rows of `table` for which `filter` (SQLite SQL) holds.
pub fn count(source: &Source, table: &str, filter: Option<&str>) -> Result<u64, Error> {
    let condition = profile::condition(source, table, filter)?;
    let sql = format!("SELECT count(*) FROM main.{} NOT INDEXED {condition}", sqlite_ident(table));
    let rows: i64 = source.ask(|c| c.query_row(&sql, [], |row| row.get(0))).map_err(|e| e.within(table))?;
    Ok(rows.max(0) as u64)
}

/// The length of all statements that the file's schema consists of; 0 where it cannot be read.
pub fn schema_bytes(source: &Source) -> Result<u64, Error> {
    let sql = "SELECT sum(octet_length(sql)) FROM main.sqlite_schema";
    let bytes = source.connection().query_row(sql, [], |row| row.get::<_, Option<i64>>(0));
    Ok(bytes.ok().flatten().unwrap_or(0).max(0) as u64)
}
