//! `sqlite_rollback`: takes a recorded run back.

use pgrx::pg_sys::panic::ErrorReport;
use pgrx::prelude::*;

use crate::pg::text::Text;
use crate::rollback;

/// Drops what a run made, deletes the rows that it added to existing tables, gives those that it changed their former
/// values. Refused where others have changed any of it since, or depend on it; `force` overrides. One row per object.
#[pg_extern(volatile, parallel_unsafe)]
fn sqlite_rollback(
    run: Option<i64>,
    force: default!(Option<bool>, "NULL"),
) -> Result<
    TableIterator<
        'static,
        (name!(object, Text), name!(action, Text), name!(rows, Option<i64>), name!(detail, Option<Text>)),
    >,
    ErrorReport,
> {
    let done = rollback::roll_back(run, force.unwrap_or(false))?;
    Ok(TableIterator::new(
        done.into_iter().map(|d| (Text(d.object), Text::from(d.action), d.rows, d.detail.map(Text))),
    ))
}
