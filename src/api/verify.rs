//! `verify_counts`, `verify_values` and `verify_differences`: whether all has arrived.

use pgrx::pg_sys::panic::ErrorReport;
use pgrx::prelude::*;

use crate::import::values::{self, Asked, Measure};
use crate::import::{about, verification};
use crate::pg::json::Json;
use crate::pg::text::Text;
use crate::verify::counts;

/// Rows in SQLite when a run read it, by what became of them, against rows in PostgreSQL now: of the last run unless one is
/// named, or of the tables of a schema, as the newest run has loaded each.
#[pg_extern(volatile, parallel_unsafe)]
fn verify_counts(
    run: default!(Option<i64>, "NULL"),
    schema: default!(Option<Text>, "NULL"),
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
            name!(target_rows, Option<i64>),
            name!(ok, bool),
            name!(detail, Option<Text>),
        ),
    >,
    ErrorReport,
> {
    let rows = verification::verify_counts(counts::Asked { run, schema: schema.as_deref() })?;
    Ok(TableIterator::new(rows.into_iter().map(|c| {
        let became = (c.imported, c.updated, c.skipped, c.rejected);
        let (schema, table, detail) = (Text(c.schema), Text(c.table), c.detail.map(Text));
        (schema, table, c.source_rows, became.0, became.1, became.2, became.3, c.target_rows, c.ok, detail)
    })))
}

/// Every value of the tables that a run has loaded, or that a plan would load, against the file: a row for each column,
/// the worst first.
#[pg_extern(volatile, parallel_unsafe)]
fn verify_values(
    run: default!(Option<i64>, "NULL"),
    path: default!(Option<Text>, "NULL"),
    plan: default!(Option<Json>, "NULL"),
    tables: default!(Option<Vec<Option<Text>>>, "NULL"),
    sample: default!(Option<i64>, "NULL"),
    limit: default!(Option<i64>, "NULL"),
) -> Result<
    TableIterator<
        'static,
        (
            name!(schema, Text),
            name!(table, Text),
            name!(column, Option<Text>),
            name!(compared, i64),
            name!(equal, i64),
            name!(normalised, i64),
            name!(normalisations, Option<Json>),
            name!(different, i64),
            name!(missing_in_target, i64),
            name!(missing_in_source, i64),
            name!(first_key, Option<Text>),
            name!(source_value, Option<Text>),
            name!(target_value, Option<Text>),
            name!(verdict, Text),
            name!(detail, Option<Text>),
        ),
    >,
    ErrorReport,
> {
    let of = about::Asked { run, path: path.as_deref(), plan: plan.map(|plan| plan.0) };
    let asked = Asked { of, tables: names(tables) };
    let rows = values::verify(asked, Measure { sample, stop_after: limit })?;
    Ok(TableIterator::new(rows.into_iter().map(|r| {
        let (first_key, source_value, target_value) = r.first.unwrap_or_default();
        (
            Text(r.schema),
            Text(r.table),
            r.column.map(Text),
            r.compared,
            r.equal,
            r.normalised,
            r.normalisations.map(Json),
            r.different,
            r.missing_in_target,
            r.missing_in_source,
            first_key.map(Text),
            source_value.map(Text),
            target_value.map(Text),
            Text::from(r.verdict.as_str()),
            r.detail.map(Text),
        )
    })))
}

/// The differences themselves: a row for each value that is another one, and for each row that only one side has; of every
/// table the first `limit`. With `recheck` only of the rows that were different before.
#[pg_extern(volatile, parallel_unsafe)]
fn verify_differences(
    run: default!(Option<i64>, "NULL"),
    path: default!(Option<Text>, "NULL"),
    plan: default!(Option<Json>, "NULL"),
    tables: default!(Option<Vec<Option<Text>>>, "NULL"),
    limit: default!(Option<i32>, 100),
    recheck: default!(Option<bool>, false),
) -> Result<
    TableIterator<
        'static,
        (
            name!(schema, Text),
            name!(table, Text),
            name!(key, Text),
            name!(column, Option<Text>),
            name!(source_value, Option<Text>),
            name!(target_value, Option<Text>),
            name!(kind, Text),
        ),
    >,
    ErrorReport,
> {
    let of = about::Asked { run, path: path.as_deref(), plan: plan.map(|plan| plan.0) };
    let asked = Asked { of, tables: names(tables) };
    let found = values::differences(asked, limit.map(i64::from), recheck.unwrap_or(false))?;
    Ok(TableIterator::new(found.into_iter().flat_map(|of| {
        let (schema, table) = (Text(of.schema), Text(of.table));
        of.rows.map(move |[key, column, source, target, kind]| {
            let text = |field: Option<String>| field.map(Text);
            let named = |field: Option<String>| Text(field.unwrap_or_default());
            let (key, kind) = (named(key), named(kind));
            (schema.clone(), table.clone(), key, text(column), text(source), text(target), kind)
        })
    })))
}

/// The statements that would make the tables of a run equal to the file, in the order in which they are to run, and what
/// cannot be repaired so. Nothing is changed.
#[pg_extern(volatile, parallel_unsafe)]
fn verify_repair(
    run: default!(Option<i64>, "NULL"),
    tables: default!(Option<Vec<Option<Text>>>, "NULL"),
) -> Result<
    TableIterator<
        'static,
        (
            name!(schema, Text),
            name!(table, Text),
            name!(key, Option<Text>),
            name!(action, Option<Text>),
            name!(statement, Option<Text>),
            name!(detail, Option<Text>),
        ),
    >,
    ErrorReport,
> {
    let found = values::repair(run, names(tables))?;
    Ok(TableIterator::new(found.into_iter().flat_map(|of| {
        let (schema, table) = (Text(of.schema), Text(of.table));
        of.rows.map(move |step| {
            let [key, action, statement, detail] = step.map(|field| field.map(Text));
            (schema.clone(), table.clone(), key, action, statement, detail)
        })
    })))
}

fn names(tables: Option<Vec<Option<Text>>>) -> Option<Vec<Option<String>>> {
    tables.map(|names| names.into_iter().map(|name| name.map(|name| name.0)).collect())
}
