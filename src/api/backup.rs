//! `sqlite_backup`: a copy of a file, as it is when the transaction has committed.

use pgrx::pg_sys::panic::ErrorReport;
use pgrx::prelude::*;

use crate::import::backup;
use crate::pg::text::Text;

/// Copies a SQLite file, what its -wal holds included, from one snapshot and without stopping its writers; has SQLite check
/// the copy. It is there when the transaction has committed. One row.
#[pg_extern(volatile, parallel_unsafe)]
fn sqlite_backup(
    path: Option<Text>,
    to: Option<Text>,
) -> Result<
    TableIterator<
        'static,
        (
            name!(path, Text),
            name!(pages, i64),
            name!(bytes, i64),
            name!(sha256, Text),
            name!(integrity, Text),
        ),
    >,
    ErrorReport,
> {
    let copied = backup::backup(path.as_deref(), to.as_deref())?;
    let written = copied.written;
    let number = |n: u64| i64::try_from(n).unwrap_or(i64::MAX);
    Ok(TableIterator::once((
        Text(copied.path),
        number(written.pages),
        number(written.bytes),
        Text(written.sha256),
        Text(written.integrity),
    )))
}
