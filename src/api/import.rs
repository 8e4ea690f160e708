//! `sqlite_import`: the whole migration, in the caller's transaction.

use pgrx::pg_sys::panic::ErrorReport;
use pgrx::prelude::*;

use crate::import::run;
use crate::manifest;
use crate::pg::json::Json;
use crate::pg::text::Text;

/// One row per table. An ERROR, or a ROLLBACK afterwards, leaves nothing behind.
#[pg_extern(volatile, parallel_unsafe)]
fn sqlite_import(
    path: Option<Text>,
    plan: default!(Option<Json>, "NULL"),
) -> Result<
    TableIterator<
        'static,
        (
            name!(schema, Text),
            name!(table, Text),
            name!(source_rows, Option<i64>),
            name!(imported, i64),
            name!(updated, i64),
            name!(skipped, i64),
            name!(rejected, i64),
            name!(seconds, f64),
            name!(rows_per_second, Option<f64>),
            name!(status, Text),
            name!(detail, Option<Text>),
        ),
    >,
    ErrorReport,
> {
    let results = run::import(path.as_deref(), plan.map(|p| p.0), manifest::of_plan)?;
    Ok(TableIterator::new(results.into_iter().map(|r| {
        let rows_per_second = r.rows_per_second();
        let detail = r.detail_text();
        let seconds = (r.seconds * 1000.0).round() / 1000.0;
        (
            Text(r.schema),
            Text(r.table),
            r.source_rows,
            r.imported,
            r.updated,
            r.skipped,
            r.rejected,
            seconds,
            rows_per_second,
            Text::from(r.status.as_str()),
            detail.map(Text),
        )
    })))
}
