//! Row counts: what a recorded run read, and what its tables hold now.

use crate::error::Error;
use crate::pg::spi::{self, Row};
use crate::pg::{reading, relation};
use pg_sqlite_migrate_core::sqltext::qualified;

/// A row of `verify_counts`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Count {
    /// The run that loaded the table.
    pub run: i64,
    pub schema: String,
    pub table: String,
    /// Rows that SQLite had when the run read it, by what became of them.
    pub source_rows: Option<i64>,
    pub imported: i64,
    pub updated: i64,
    pub skipped: i64,
    pub rejected: i64,
    /// Rows that the table has to have, where a count can tell.
    pub wanted: Option<i64>,
    /// Rows that the table has now; `None` where they were not counted.
    pub target_rows: Option<i64>,
    /// Every source row is there, in the reject log, or beside the rows that were there before.
    pub ok: bool,
    /// Why the rows were not counted.
    pub detail: Option<String>,
}

/// The number of a run that the caller may see, or of the last one that he made. One that was rolled back has nothing that
/// could be looked at.
pub fn recorded(run: Option<i64>) -> Result<i64, Error> {
    match found(run)? {
        (id, true) => Err(Error::rolled_back(id)),
        (id, false) => Ok(id),
    }
}

/// The same of a run that may have been rolled back: its log is still there.
pub fn logged(run: Option<i64>) -> Result<i64, Error> {
    Ok(found(run)?.0)
}

/// With whether it was rolled back; the last one is one that was not.
fn found(run: Option<i64>) -> Result<(i64, bool), Error> {
    const FOUND: &str = "
        SELECT id, status = 'rolled back' AS rolled_back FROM sqlite_migrate.run
        WHERE CASE WHEN $1 IS NULL THEN own AND status <> 'rolled back' ELSE id = $1 END ORDER BY id DESC LIMIT 1";
    let found = spi::row(FOUND, &[run.into()], |row| (row.get("id"), row.get("rolled_back")));
    found.ok_or(Error::NoRun { run })
}

/// What to count.
#[derive(Debug, Clone, Copy, Default)]
pub struct Asked<'a> {
    /// A run that the caller may see; the last one that he made where no schema is given either.
    pub run: Option<i64>,
    /// Only tables of this schema: without a run, as the newest run that the caller may see has loaded each.
    pub schema: Option<&'a str>,
}

/// Compares tables with what a run has read.
pub fn verify(asked: Asked<'_>) -> Result<Vec<Count>, Error> {
    const OF_RUN: &str = "
        SELECT run, target_schema, target_table, status, source_rows, rows_before, imported, updated, skipped, rejected,
               countable
        FROM sqlite_migrate.run_table
        WHERE run = $1 AND status <> 'skipped' AND ($2 IS NULL OR target_schema = $2) ORDER BY ordinal";
    const OF_SCHEMA: &str = "
        SELECT * FROM (
            SELECT DISTINCT ON (target_table)
                   run, ordinal, target_schema, target_table, status, source_rows, rows_before, imported, updated, skipped,
                   rejected, countable
            FROM sqlite_migrate.run_table
            WHERE target_schema = $1 AND status = 'loaded'
              AND run NOT IN (SELECT id FROM sqlite_migrate.run WHERE status = 'rolled back') ORDER BY target_table, run DESC, ordinal) AS newest
        ORDER BY run, ordinal";
    let tables = match (asked.run, asked.schema) {
        (None, Some(schema)) => spi::rows(OF_SCHEMA, &[schema.into()], Recorded::of),
        (run, schema) => spi::rows(OF_RUN, &[recorded(run)?.into(), schema.into()], Recorded::of),
    };
    Ok(tables.into_iter().map(count).collect())
}

/// What the run log says of a table.
struct Recorded {
    run: i64,
    schema: String,
    table: String,
    loaded: bool,
    source_rows: Option<i64>,
    rows_before: i64,
    imported: i64,
    updated: i64,
    skipped: i64,
    rejected: i64,
    countable: bool,
}

impl Recorded {
    fn of(row: &Row<'_>) -> Recorded {
        Recorded {
            run: row.get("run"),
            schema: row.get("target_schema"),
            table: row.get("target_table"),
            loaded: row.get::<String>("status") == "loaded",
            source_rows: row.get("source_rows"),
            rows_before: row.get("rows_before"),
            imported: row.get("imported"),
            updated: row.get("updated"),
            skipped: row.get("skipped"),
            rejected: row.get("rejected"),
            countable: row.get("countable"),
        }
    }
}

/// Rows that a table holds by itself, without those of tables that inherit from it; or why they cannot be counted.
pub fn rows(schema: &str, table: &str) -> Result<i64, String> {
    reading::count(relation::find(schema, table).ok_or("it does not exist any more")?)
}

/// A table without those that inherit from it, as SQL says it in FROM; a partitioned one with its partitions.
pub fn own_rows(schema: &str, table: &str) -> Option<String> {
    let only = match relation::kind(relation::find(schema, table)?)? {
        'r' => "ONLY ",
        'p' => "",
        _ => return None,
    };
    Some(format!("{only}{}", qualified(schema, table)))
}

fn count(recorded: Recorded) -> Count {
    let Recorded { run, schema, table, imported, updated, skipped, rejected, .. } = recorded;
    let accounted = imported + updated + skipped + rejected;
    // A run without verification did not count; what it read is what it can account for.
    let source_rows = recorded.source_rows.or(recorded.loaded.then_some(accounted));
    let counted = rows(&schema, &table);
    let wanted = recorded.countable.then_some(recorded.rows_before + imported);
    let ok = source_rows == Some(accounted) && wanted.is_none_or(|wanted| counted == Ok(wanted));
    let (target_rows, detail) = match counted {
        Ok(rows) => (Some(rows), None),
        Err(reason) => (None, Some(format!("not counted: {reason}"))),
    };
    Count {
        run,
        schema,
        table,
        source_rows,
        imported,
        updated,
        skipped,
        rejected,
        wanted,
        target_rows,
        ok,
        detail,
    }
}
