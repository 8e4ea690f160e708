//! `sqlite_compare`: the file's schema and the one that is there.

use pgrx::JsonB;
use pgrx::pg_sys::panic::ErrorReport;
use pgrx::prelude::*;

use crate::pg::text::Text;
use crate::run::compare;

/// One row per thing that a plan has noticed about the two, the worst first. Nothing is written.
#[pg_extern(volatile, parallel_unsafe)]
fn sqlite_compare(
    path: Option<Text>,
    plan: default!(Option<JsonB>, "NULL"),
) -> Result<
    TableIterator<
        'static,
        (
            name!(object, String),
            name!(in_source, Option<String>),
            name!(in_target, Option<String>),
            name!(severity, String),
            name!(message, String),
            name!(hint, String),
        ),
    >,
    ErrorReport,
> {
    let rows = compare::compare(path.as_deref(), plan.map(|p| p.0))?;
    Ok(TableIterator::new(
        rows.into_iter().map(|r| {
            (r.object, r.in_source, r.in_target, r.severity.as_str().to_string(), r.message, r.hint)
        }),
    ))
}
