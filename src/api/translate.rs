//! `sqlite_translate`: a statement of an application, as PostgreSQL understands it.

use pgrx::pg_sys::panic::ErrorReport;
use pgrx::prelude::*;

use crate::error::Error;
use crate::import::statement;
use crate::pg::json::Json;
use crate::pg::text::Text;

/// One row: the statement, what it assumes, and what creates the functions that it calls. With a path, names and types are those of the plan.
#[pg_extern(volatile, parallel_unsafe)]
fn sqlite_translate(
    sql: Option<Text>,
    path: default!(Option<Text>, "NULL"),
    plan: default!(Option<Json>, "NULL"),
) -> Result<
    TableIterator<'static, (name!(statement, Text), name!(notes, Vec<Text>), name!(helpers, Vec<Text>))>,
    ErrorReport,
> {
    let sql = sql.ok_or(Error::NullStatement)?;
    let translated = statement::translate(&sql, path.as_deref(), plan.map(|p| p.0))?;
    let helpers = translated.helpers().into_iter().map(Text).collect();
    let notes = translated.notes.into_iter().map(Text).collect();
    Ok(TableIterator::once((Text(translated.sql), notes, helpers)))
}
