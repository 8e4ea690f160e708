//! Row counts at the end of a run: both sides of every table are counted, and a difference rolls the run back. And
//! `verify_counts`, which counts again.

use std::collections::BTreeSet;

use pgrx::PgSqlErrorCode;
use serde_json::json;

use super::load::triggers;
use super::log::{self, Verification, VerificationRecord};
use super::result::{Status, TableResult};
use super::survey::Survey;
use crate::error::{Changer, Error};
use crate::pg::{relation, thread};
use crate::sqlite;
use crate::verify::counts::{self, Asked, Count};
use pg_sqlite_migrate_core::ddl::reads_clock;
use pg_sqlite_migrate_core::plan::{Planned, TablePlan};
use pg_sqlite_migrate_core::sqltext::qualified;

/// Counts the tables of recorded runs again, and keeps what was found.
pub fn verify_counts(asked: Asked<'_>) -> Result<Vec<Count>, Error> {
    let counts = counts::verify(asked)?;
    let runs: BTreeSet<i64> = counts.iter().map(|count| count.run).collect();
    for run in runs {
        let of_run = counts.iter().filter(|count| count.run == run);
        let records: Vec<_> = of_run.map(record).collect();
        log::verification(run, Verification::Counts, &records);
    }
    Ok(counts)
}

fn record(count: &Count) -> VerificationRecord<'_> {
    VerificationRecord {
        schema: &count.schema,
        table: &count.table,
        object: None,
        ok: count.ok,
        verdict: match count.target_rows {
            None if relation::find(&count.schema, &count.table).is_none() => "gone",
            None => "not counted",
            Some(_) if count.ok => "equal",
            Some(_) => "different",
        },
        detail: count.detail.as_deref(),
        counts: json!({
            "source_rows": count.source_rows, "imported": count.imported, "updated": count.updated,
            "skipped": count.skipped, "rejected": count.rejected, "target_rows": count.target_rows,
        }),
    }
}

/// Counts the source, and beside it the target; the results take over what the source has.
pub fn count(survey: &mut Survey, planned: &Planned, results: &mut [TableResult]) -> Result<(), Error> {
    let loaded = results.iter_mut().filter(|result| result.status == Status::Loaded);
    let loaded: Vec<_> = loaded
        .filter_map(|result| Some((planned.table(result.id?)?, result)))
        .filter(|(table, _)| table.verify.counts())
        .collect();
    let sources: Vec<&TablePlan> = loaded.iter().map(|(table, _)| *table).collect();
    // How many rows a damaged table has nobody can tell, and a condition may select others at another moment.
    let damage = &survey.damage;
    let source = &mut survey.source;
    let source_rows = move || {
        let count = |t: &&TablePlan| match damage.of(&t.source) {
            Some(_) => Ok(None),
            None if t.filter.as_deref().is_some_and(reads_clock) => Ok(None),
            None => sqlite::count(source, &t.source, t.filter.as_deref()).map(Some),
        };
        sources.iter().map(count).collect::<Result<Vec<Option<u64>>, _>>()
    };
    let target_rows = || {
        let count = |(table, result): &(&TablePlan, &mut TableResult)| match result.countable {
            true => rows(table, Changer::Triggers).map(Some),
            false => Ok(None),
        };
        loaded.iter().map(count).collect::<Result<Vec<Option<i64>>, _>>()
    };
    let (source_rows, target_rows) = thread::run_beside(source_rows, target_rows);
    let counts = source_rows?.into_iter().zip(target_rows?);
    for ((table, result), (source_rows, target_rows)) in loaded.into_iter().zip(counts) {
        result.source_rows = source_rows.map(|n| n as i64);
        let source_rows = result.source_rows.unwrap_or_else(|| result.accounted());
        let expected = result.rows_before + result.imported;
        let target_rows = target_rows.unwrap_or(expected);
        if target_rows != expected && triggers::may_fire(&planned.tables) {
            return Err(changed(table, expected, target_rows, Changer::Triggers));
        }
        if source_rows != result.accounted() || target_rows != expected {
            return Err(Error::Counts {
                table: table.source.clone(),
                rows_source: source_rows,
                rows_target: target_rows,
                rejected: result.rejected,
            });
        }
    }
    Ok(())
}

/// Every table still holds what was counted before the statements of `after`.
pub fn count_again(planned: &Planned, results: &[TableResult]) -> Result<(), Error> {
    let counted = results.iter().filter(|r| r.status == Status::Loaded && r.countable);
    let counted = counted.filter_map(|result| Some((planned.table(result.id?)?, result)));
    for (table, result) in counted.filter(|(table, _)| table.verify.counts()) {
        let expected = result.rows_before + result.imported;
        let found = rows(table, Changer::After)?;
        if found != expected {
            return Err(changed(table, expected, found, Changer::After));
        }
    }
    Ok(())
}

/// Rows of a table that was loaded; who would have dropped it, if it is gone.
fn rows(table: &TablePlan, by: Changer) -> Result<i64, Error> {
    if relation::find(&table.schema, &table.target).is_none() {
        return Err(Error::Dropped { table: qualified(&table.schema, &table.target), by });
    }
    counts::rows(&table.schema, &table.target).map_err(|reason| {
        let name = qualified(&table.schema, &table.target);
        let message = format!("rows of {name} cannot be counted after the load: {reason}");
        Error::server(PgSqlErrorCode::ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE, message)
    })
}

fn changed(table: &TablePlan, expected: i64, found: i64, by: Changer) -> Error {
    Error::Changed { table: qualified(&table.schema, &table.target), expected, found, by }
}
