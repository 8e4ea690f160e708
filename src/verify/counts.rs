//! Row counts: what a recorded run read, and what its tables hold now.

use crate::error::Error;
use crate::pg::settings::LocalSettings;
use crate::pg::spi;
use crate::sqltext::qualified;

/// A row of `verify_counts`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Count {
    pub schema: String,
    pub table: String,
    /// Rows that SQLite had when the run read it.
    pub source_rows: Option<i64>,
    /// Rows that the table has now; `None` when it is gone.
    pub target_rows: Option<i64>,
    /// Every source row is there, in the reject log, or beside the rows that were there before.
    pub ok: bool,
}

/// Rows that a table must hold after its load.
pub fn expected(rows_before: i64, source_rows: i64, rejected: i64) -> i64 {
    rows_before + source_rows - rejected
}

/// Compares the tables of one of the caller's runs, or of the last one, with what the run read. Runs of other
/// roles are left alone, even for a superuser: their log says what they like.
pub fn verify(run: Option<i64>) -> Result<Vec<Count>, Error> {
    let settings = LocalSettings::safe_search_path();
    settings.refuse_views();
    let wanted = run.map(|r| r.to_string());
    let found = spi::value(
        "SELECT max(id)::text FROM sqlite_migrate.run
         WHERE role = current_user AND ($1 IS NULL OR id = $1::bigint)",
        &[wanted.as_deref()],
    )
    .ok_or(Error::NoRun { run })?;
    let tables = spi::rows(
        "SELECT target_schema, target_table, status, source_rows::text, rows_before::text, rejected::text,
                imported::text
         FROM sqlite_migrate.run_table
         WHERE run = $1::bigint AND role = current_user AND status <> 'skipped' ORDER BY ordinal",
        &[Some(&found)],
    );
    Ok(tables.into_iter().filter_map(count).collect())
}

/// Only tables are counted: a view could do anything, with the rights of whoever counts it.
fn is_table(schema: &str, table: &str) -> bool {
    let sql = "SELECT 'x' FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
               WHERE n.nspname = $1 AND c.relname = $2 AND c.relkind IN ('r', 'p')";
    spi::value(sql, &[Some(schema), Some(table)]).is_some()
}

fn count(row: spi::TextRow) -> Option<Count> {
    let [schema, table, status, source_rows, rows_before, rejected, imported] = row.try_into().ok()?;
    let (schema, table) = (schema?, table?);
    let number = |v: Option<String>| v.and_then(|v| v.parse::<i64>().ok());
    let (rejected, imported) = (number(rejected)?, number(imported)?);
    // A run without verification did not count; what it read is what it loaded and rejected.
    let source_rows =
        number(source_rows).or((status.as_deref() == Some("loaded")).then_some(imported + rejected));
    let target_rows = is_table(&schema, &table)
        .then(|| spi::number(&format!("SELECT count(*)::text FROM {}", qualified(&schema, &table)), &[]));
    let wanted = source_rows.and_then(|s| Some(expected(number(rows_before)?, s, rejected)));
    let ok = wanted.is_some() && wanted == target_rows;
    Some(Count { schema, table, source_rows, target_rows, ok })
}
