//! `sqlite_forget`: the run log is the extension's, and this is how a role takes its runs out of it.

use pgrx::pg_sys::panic::ErrorReport;
use pgrx::prelude::*;

use crate::import::log;

/// Removes a finished run of the caller's from the log, with its tables, rejected rows and findings; a superuser
/// removes any. What was imported stays.
#[pg_extern(volatile, strict, parallel_unsafe)]
fn sqlite_forget(run: i64) -> Result<(), ErrorReport> {
    Ok(log::forget(run)?)
}
