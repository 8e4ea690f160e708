//! `sqlite_compare`: the file's schema and the one that is there.

use pgrx::pg_sys::panic::ErrorReport;
use pgrx::prelude::*;

use crate::import::compare;
use crate::pg::json::Json;
use crate::pg::text::Text;

/// One row per thing that a plan has noticed about the two, the worst first. Nothing is written.
#[pg_extern(volatile, parallel_unsafe)]
fn sqlite_compare(
    path: Option<Text>,
    plan: default!(Option<Json>, "NULL"),
) -> Result<
    TableIterator<
        'static,
        (
            name!(object, Text),
            name!(in_source, Option<Text>),
            name!(in_target, Option<Text>),
            name!(severity, Text),
            name!(message, Text),
            name!(hint, Text),
            name!(fix, Option<Json>),
        ),
    >,
    ErrorReport,
> {
    let rows = compare::compare(path.as_deref(), plan.map(|p| p.0))?;
    Ok(TableIterator::new(rows.into_iter().map(|r| {
        let severity = Text::from(r.severity.as_str());
        let (source, target) = (r.in_source.map(Text), r.in_target.map(Text));
        (Text(r.object), source, target, severity, Text(r.message), Text(r.hint), r.fix.map(Json))
    })))
}
