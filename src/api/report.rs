//! `sqlite_report`: what a run has done, or an import would do, to be read and to be handed on.

use pgrx::pg_sys::panic::ErrorReport;
use pgrx::prelude::*;

use crate::pg::json::Json;
use crate::pg::text::Text;
use crate::report;

/// One run as `text`, `markdown`, `html` or `json`; the caller's last one unless one is named.
#[pg_extern(stable, parallel_unsafe)]
fn sqlite_report(
    run: default!(Option<i64>, "NULL"),
    format: default!(Option<Text>, "'text'"),
) -> Result<Text, ErrorReport> {
    let format = report::format(format.as_deref())?;
    Ok(Text(report::run::report(run, format)?))
}

/// What an import of a file would be, in the same formats.
#[pg_extern(name = "sqlite_report", volatile, parallel_unsafe)]
fn sqlite_report_of_file(
    path: Option<Text>,
    plan: default!(Option<Json>, "NULL"),
    format: default!(Option<Text>, "'text'"),
) -> Result<Text, ErrorReport> {
    let format = report::format(format.as_deref())?;
    Ok(Text(report::file::report(path.as_deref(), plan.map(|plan| plan.0), format)?))
}
