//! After the move: `sqlite_advise`.

use pgrx::pg_sys::panic::ErrorReport;
use pgrx::prelude::*;

use crate::advise;
use crate::pg::text::Text;

/// What to do about the tables of a run, and about the server; of the last run unless one is named. Nothing is done by
/// itself.
#[pg_extern(volatile, parallel_unsafe)]
fn sqlite_advise(
    run: default!(Option<i64>, "NULL"),
) -> Result<
    TableIterator<
        'static,
        (
            name!(priority, i32),
            name!(subject, Text),
            name!(object, Text),
            name!(advice, Text),
            name!(reason, Text),
            name!(statement, Option<Text>),
        ),
    >,
    ErrorReport,
> {
    Ok(TableIterator::new(advise::advise(run)?.into_iter().map(|advice| {
        (
            i32::from(advice.priority),
            Text::from(advice.subject.as_str()),
            Text(advice.object),
            Text(advice.advice),
            Text(advice.reason),
            advice.statement.map(Text),
        )
    })))
}
