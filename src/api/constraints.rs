//! `verify_constraints`: whether everything is there that the file declares.

use pgrx::pg_sys::panic::ErrorReport;
use pgrx::prelude::*;

use crate::import::about::Asked;
use crate::import::constraints;
use crate::pg::json::Json;
use crate::pg::text::Text;

/// Every key, constraint, default, index, collation, view and trigger that the file of a run, or of a plan, declares: whether
/// PostgreSQL has it, in force, and how many rows break it; the worst first.
#[pg_extern(volatile, parallel_unsafe)]
fn verify_constraints(
    run: default!(Option<i64>, "NULL"),
    path: default!(Option<Text>, "NULL"),
    plan: default!(Option<Json>, "NULL"),
) -> Result<
    TableIterator<
        'static,
        (
            name!(schema, Text),
            name!(table, Text),
            name!(kind, Text),
            name!(name, Option<Text>),
            name!(columns, Vec<Option<Text>>),
            name!(declared, Text),
            name!(found, Option<Text>),
            name!(state, Text),
            name!(violations, Option<i64>),
            name!(reason, Option<Text>),
            name!(ok, bool),
        ),
    >,
    ErrorReport,
> {
    let asked = Asked { run, path: path.as_deref(), plan: plan.map(|plan| plan.0) };
    let rows = constraints::verify(asked)?;
    Ok(TableIterator::new(rows.into_iter().map(|r| {
        (
            Text(r.schema),
            Text(r.table),
            Text::from(r.kind.as_str()),
            r.name.map(Text),
            r.columns.into_iter().map(|name| Some(Text(name))).collect(),
            Text(r.declared),
            r.found.map(Text),
            Text::from(r.state.as_str()),
            r.violations.and_then(|count| i64::try_from(count).ok()),
            r.reason.map(Text),
            r.state.is_ok(),
        )
    })))
}
