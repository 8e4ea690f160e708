//! `sqlite_forget` and `sqlite_migrate.purge`: the run log is the extension's, and this is how a role takes its runs out
//! of it.

use pgrx::pg_sys::panic::ErrorReport;
use pgrx::prelude::*;

use crate::import::log::{self, Purged};

/// Removes a finished run of the caller's from the log, with its tables, rejected rows and findings; a superuser
/// removes any. What was imported stays.
#[pg_extern(volatile, strict, parallel_unsafe)]
fn sqlite_forget(run: i64) -> Result<(), ErrorReport> {
    Ok(log::forget(run)?)
}

/// sql/schema.sql has made the schema.
#[pg_schema]
mod sqlite_migrate {
    use super::*;

    /// Removes, as `sqlite_forget` does, all runs that finished before a time; gives how much that was.
    #[pg_extern(volatile, strict, parallel_unsafe)]
    fn purge(
        before: TimestampWithTimeZone,
    ) -> TableIterator<
        'static,
        (
            name!(runs, i64),
            name!(tables, i64),
            name!(steps, i64),
            name!(rejects, i64),
            name!(findings, i64),
            name!(verifications, i64),
        ),
    > {
        let removed = log::purge(before).into_iter();
        TableIterator::new(removed.map(|Purged { runs, tables, steps, rejects, findings, verifications }| {
            (runs, tables, steps, rejects, findings, verifications)
        }))
    }
}
