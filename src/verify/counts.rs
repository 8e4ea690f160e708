//! Row counts: what a recorded run read, and what its tables hold now.

use crate::error::Error;
use crate::pg::{reading, relation, spi};
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

/// The number of a run that the caller may see, or of the last one that he made.
pub fn recorded(run: Option<i64>) -> Result<i64, Error> {
    let found: Option<i64> = spi::value(
        "SELECT max(id) FROM sqlite_migrate.run WHERE CASE WHEN $1 IS NULL THEN own ELSE id = $1 END",
        &[run.into()],
    )
    .flatten();
    found.ok_or(Error::NoRun { run })
}

/// Compares the tables of a run that the caller may see, or of the last one that he made, with what the run read.
pub fn verify(run: Option<i64>) -> Result<Vec<Count>, Error> {
    let tables = spi::rows(
        "SELECT target_schema, target_table, status, source_rows, rows_before, imported,
                updated + skipped + rejected AS others, countable
         FROM sqlite_migrate.run_table
         WHERE run = $1 AND status <> 'skipped' ORDER BY ordinal",
        &[recorded(run)?.into()],
        |row| Recorded {
            schema: row.get("target_schema"),
            table: row.get("target_table"),
            loaded: row.get::<String>("status") == "loaded",
            source_rows: row.get("source_rows"),
            rows_before: row.get("rows_before"),
            imported: row.get("imported"),
            others: row.get("others"),
            countable: row.get("countable"),
        },
    );
    Ok(tables.into_iter().map(count).collect())
}

/// What the run log says of a table.
struct Recorded {
    schema: String,
    table: String,
    loaded: bool,
    source_rows: Option<i64>,
    rows_before: i64,
    imported: i64,
    /// Rows of the source that are no new rows of the table.
    others: i64,
    countable: bool,
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
    let Recorded { schema, table, .. } = recorded;
    let accounted = recorded.imported + recorded.others;
    // A run without verification did not count; what it read is what it can account for.
    let source_rows = recorded.source_rows.or(recorded.loaded.then_some(accounted));
    let counted = rows(&schema, &table);
    let wanted = recorded.rows_before + recorded.imported;
    let ok = source_rows == Some(accounted) && (counted == Ok(wanted) || !recorded.countable);
    let (target_rows, detail) = match counted {
        Ok(rows) => (Some(rows), None),
        Err(reason) => (None, Some(format!("not counted: {reason}"))),
    };
    Count { schema, table, source_rows, target_rows, ok, detail }
}
