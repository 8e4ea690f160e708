//! `migration_verdict`: one answer about a run, for people and scripts.

use pgrx::pg_sys::panic::ErrorReport;
use pgrx::prelude::*;

use crate::import::verdict;
use crate::pg::text::Text;
use pg_sqlite_migrate_core::verify::verdict::THRESHOLD;

/// Verifies a run, of the caller's last one unless one is named, and says `pass`, `investigate` or `roll back`, with the
/// reasons. `threshold` is the share of the source's rows that may differ without being lost; the default for NULL.
#[pg_extern(volatile, parallel_unsafe)]
fn migration_verdict(
    run: default!(Option<i64>, "NULL"),
    threshold: default!(Option<f64>, "0.01"),
) -> Result<
    TableIterator<
        'static,
        (
            name!(verdict, Text),
            name!(reasons, Vec<Option<Text>>),
            name!(run, i64),
            name!(tables, i64),
            name!(rows, i64),
            name!(rows_rejected, i64),
            name!(rows_missing, i64),
            name!(rows_added, i64),
            name!(values_compared, Option<i64>),
            name!(values_different, Option<i64>),
            name!(constraints, Option<i64>),
            name!(constraints_missing, Option<i64>),
            name!(sequences, i64),
            name!(sequences_behind, i64),
        ),
    >,
    ErrorReport,
> {
    let a = verdict::verdict(run, threshold.unwrap_or(THRESHOLD))?;
    let row = (
        Text::from(a.verdict.as_str()),
        a.reasons.into_iter().map(|reason| Some(Text(reason))).collect(),
        a.run,
        a.tables,
        a.rows,
        a.rows_rejected,
        a.rows_missing,
        a.rows_added,
        a.values.as_ref().map(|values| values.compared),
        a.values.as_ref().map(|values| values.different),
        a.constraints.map(|objects| objects.all),
        a.constraints.map(|objects| objects.wrong),
        a.sequences.all,
        a.sequences.wrong,
    );
    Ok(TableIterator::once(row))
}
