//! Whether the statement's snapshot sees the rows of tables that others have rewritten meanwhile.
//!
//! TRUNCATE, a rewriting ALTER TABLE and REFRESH MATERIALIZED VIEW put rows into a new file, where a snapshot that is older than
//! they are sees none of them: an export would have fewer rows than the table has ever had, and nobody would be told. VACUUM FULL
//! and CLUSTER keep what the rows say of who made them, so that the snapshot sees them; a new file does not tell which it was, and
//! any is refused. Partitioned tables and the catalogs that every database has to find first have no file in `pg_class`.

use pgrx::{PgSqlErrorCode as Code, pg_sys};

use crate::error::Error;
use crate::newfile::refused;
use crate::pg::cursor;
use crate::pg::settings::LocalSettings;
use pg_sqlite_migrate_core::export::convert::spelled;

/// An error where the snapshot knows a table, or a partition of it, by another file than it has now. They are locked.
pub fn check(tables: &[u32]) -> Result<(), Error> {
    // Nobody else's operators and functions are found.
    let _path = LocalSettings::safe_search_path();
    let ids: Vec<String> = tables.iter().map(u32::to_string).collect();
    // The function looks into the catalogs as they are now, the query as they were then.
    let sql = format!(
        "SELECT m.relid::pg_catalog.regclass::pg_catalog.text
         FROM pg_catalog.unnest('{{{}}}'::pg_catalog.oid[]) AS t (id)
         CROSS JOIN LATERAL (SELECT t.id UNION SELECT relid FROM pg_catalog.pg_partition_tree(t.id)) AS m (relid)
         WHERE pg_catalog.pg_relation_filenode(m.relid) IS NOT NULL AND NOT EXISTS (
             SELECT FROM pg_catalog.pg_class c WHERE c.oid = m.relid
             AND (c.relfilenode = 0 OR c.relfilenode = pg_catalog.pg_relation_filenode(c.oid)))",
        ids.join(",")
    );
    let rewritten = cursor::with_statements_snapshot(&sql, &[pg_sys::TEXTOID], |cursor| {
        cursor.advance().then(|| spelled(&cursor.value(0)).unwrap_or_default().into_owned())
    });
    let Some(table) = rewritten else { return Ok(()) };
    let message = format!("table {table} was made or rewritten by another transaction meanwhile");
    let detail = "The statement's snapshot is older, and would see none of its rows.".to_owned();
    let hint = "Run it again; under REPEATABLE READ or SERIALIZABLE, in a new transaction.".to_owned();
    Err(refused(Code::ERRCODE_T_R_SERIALIZATION_FAILURE, message, Some(detail), Some(hint)))
}
