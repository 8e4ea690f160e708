//! Row counts: what a recorded run read, and what its tables hold now.

use crate::error::Error;
use crate::pg::settings::LocalSettings;
use crate::pg::{reading, spi};
use pg_sqlite_migrate_core::sqltext::qualified;

/// A row of `verify_counts`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Count {
    pub schema: String,
    pub table: String,
    /// Rows that SQLite had when the run read it.
    pub source_rows: Option<i64>,
    /// Rows that the table has now; `None` where they were not counted.
    pub target_rows: Option<i64>,
    /// Every source row is there, in the reject log, or beside the rows that were there before.
    pub ok: bool,
    /// Why the rows were not counted.
    pub detail: Option<String>,
}

/// Compares the tables of a run that the caller may see, or of the last one that he made, with what the run read.
pub fn verify(run: Option<i64>) -> Result<Vec<Count>, Error> {
    let _path = LocalSettings::safe_search_path();
    let wanted = run.map(|r| r.to_string());
    let found = spi::value(
        "SELECT max(id)::text FROM sqlite_migrate.run
         WHERE CASE WHEN $1 IS NULL THEN own ELSE id = $1::bigint END",
        &[wanted.as_deref()],
    )
    .ok_or(Error::NoRun { run })?;
    let tables = spi::rows(
        "SELECT target_schema, target_table, status, source_rows::text, rows_before::text, imported::text,
                (updated + skipped + rejected)::text, countable::text
         FROM sqlite_migrate.run_table
         WHERE run = $1::bigint AND status <> 'skipped' ORDER BY ordinal",
        &[Some(&found)],
    );
    Ok(tables.into_iter().filter_map(count).collect())
}

/// Rows that a table holds by itself, without those of tables that inherit from it; or why they cannot be counted.
pub fn rows(schema: &str, table: &str) -> Result<i64, String> {
    reading::count(spi::relation(schema, table).ok_or("it is gone")?)
}

/// A table without those that inherit from it, as SQL says it in FROM; a partitioned one with its partitions.
pub fn own_rows(schema: &str, table: &str) -> Option<String> {
    let kind = "SELECT c.relkind::text FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
                WHERE n.nspname = $1 AND c.relname = $2 AND c.relkind IN ('r', 'p')";
    let only = match spi::value(kind, &[Some(schema), Some(table)])?.as_str() {
        "r" => "ONLY ",
        _ => "",
    };
    Some(format!("{only}{}", qualified(schema, table)))
}

fn count(row: spi::TextRow) -> Option<Count> {
    let [schema, table, status, source_rows, rows_before, imported, others, countable] =
        row.try_into().ok()?;
    let (schema, table) = (schema?, table?);
    let number = |v: Option<String>| v.and_then(|v| v.parse::<i64>().ok());
    let (imported, others) = (number(imported)?, number(others)?);
    let accounted = imported + others;
    // A run without verification did not count; what it read is what it can account for.
    let source_rows = number(source_rows).or((status.as_deref() == Some("loaded")).then_some(accounted));
    let counted = rows(&schema, &table);
    let wanted = number(rows_before)? + imported;
    let same = counted == Ok(wanted) || countable.as_deref() == Some("false");
    let ok = source_rows == Some(accounted) && same;
    let (target_rows, detail) = match counted {
        Ok(rows) => (Some(rows), None),
        Err(reason) => (None, Some(format!("not counted: {reason}"))),
    };
    Some(Count { schema, table, source_rows, target_rows, ok, detail })
}
