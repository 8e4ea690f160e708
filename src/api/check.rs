//! `sqlite_check`: is the file sound?

use pgrx::pg_sys::panic::ErrorReport;
use pgrx::prelude::*;

use crate::error::Error;
use crate::import::{source, survey};
use crate::pg::text::Text;
use crate::sqlite;
use pg_sqlite_migrate_core::shorten;

/// One row per problem, none when the file is sound. `full` checks every row against every index and every
/// foreign key as well; it takes several times as long.
#[pg_extern(volatile, parallel_unsafe)]
fn sqlite_check(
    path: Option<Text>,
    full: default!(Option<bool>, false),
) -> Result<TableIterator<'static, (name!(object, Option<Text>), name!(message, Text))>, ErrorReport> {
    let problems = match source::open_to_check(path.as_deref()) {
        Ok(mut source) => {
            let problems =
                survey::on_thread(&mut source, |source| sqlite::check(source, full.unwrap_or(false)))?;
            source.prove().map_err(Error::from)?;
            problems
        }
        Err(Error::Sqlite(error)) => sqlite::check::unopened(error).map_err(Error::from)?,
        Err(error) => return Err(error.into()),
    };
    Ok(TableIterator::new(problems.into_iter().map(|p| {
        (
            p.object.map(|object| Text(shorten::text(&object).into_owned())),
            Text(shorten::text(&p.message).into_owned()),
        )
    })))
}
