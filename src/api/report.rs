//! `sqlite_report` and `sqlite_progress_page`: what a run has done, or an import would do, to be read and to be handed on.

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

/// The imports that are running, as an HTML page that a browser loads again after so many seconds.
#[pg_extern(volatile, parallel_unsafe)]
fn sqlite_progress_page(refresh: default!(Option<i32>, 2)) -> Result<Text, ErrorReport> {
    Ok(Text(report::progress::page(refresh)?))
}
