//! `sqlite_manifest` and `verify_manifest`: what a file holds, to be checked where the file is not.

use pgrx::pg_sys::panic::ErrorReport;
use pgrx::prelude::*;

use crate::manifest;
use crate::pg::json::Json;
use crate::pg::text::Text;

/// What the plan makes of every table of a file, as counts, extremes and checksums (docs/manifest.md).
#[pg_extern(volatile, parallel_unsafe)]
fn sqlite_manifest(path: Option<Text>, plan: default!(Option<Json>, "NULL")) -> Result<Json, ErrorReport> {
    Ok(Json(manifest::make(path.as_deref(), plan.map(|plan| plan.0))?))
}

/// The tables of a schema, or of those that the manifest names, against a manifest: what is wrong first.
#[pg_extern(volatile, parallel_unsafe)]
fn verify_manifest(
    manifest: Option<Json>,
    schema: default!(Option<Text>, "NULL"),
) -> Result<
    TableIterator<
        'static,
        (
            name!(schema, Text),
            name!(table, Text),
            name!(column, Option<Text>),
            name!(check, Text),
            name!(expected, Option<Text>),
            name!(found, Option<Text>),
            name!(ok, Option<bool>),
            name!(detail, Option<Text>),
        ),
    >,
    ErrorReport,
> {
    let manifest = manifest.map_or(serde_json::Value::Null, |manifest| manifest.0);
    let checks = manifest::verify(&manifest, schema.as_deref())?;
    Ok(TableIterator::new(checks.into_iter().map(|c| {
        (
            Text(c.schema),
            Text(c.table),
            c.column.map(Text),
            Text::from(c.check),
            c.expected.map(Text),
            c.found.map(Text),
            c.ok,
            c.detail.map(Text),
        )
    })))
}
