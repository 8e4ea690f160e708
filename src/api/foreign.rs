//! `pg_sqlite_fdw_get_connections`, `pg_sqlite_fdw_disconnect` and `pg_sqlite_fdw_disconnect_all`: the files that this
//! session's foreign servers have open; `pg_sqlite_fdw_version`; the wrapper's handler and validator.

use pgrx::pg_sys::panic::ErrorReport;
use pgrx::prelude::*;
use pgrx::{PgLogLevel, PgSqlErrorCode};
use supabase_wrappers::FdwRoutine;
use supabase_wrappers::prelude::ForeignDataWrapper;

use crate::error::Error;
use crate::fdw::connection::{self, Closed};
use crate::fdw::{PgSqliteFdw, options};
use crate::pg::text::Text;
use crate::pg::{foreign, interrupts};

/// The foreign data wrapper's HANDLER.
#[pg_extern(create_or_replace)]
fn pg_sqlite_fdw_handler() -> FdwRoutine {
    PgSqliteFdw::fdw_routine()
}

/// Its VALIDATOR. What supabase-wrappers would make takes no option that is not UTF-8.
#[pg_extern(create_or_replace)]
fn pg_sqlite_fdw_validator(
    options: Vec<Option<Text>>,
    catalog: Option<pg_sys::Oid>,
) -> Result<(), ErrorReport> {
    let options: Vec<String> = options.into_iter().flatten().map(|option| option.0).collect();
    Ok(options::validate(&options, catalog.map(pg_sys::Oid::to_u32))?)
}

/// Open files by server: whether the file is still the one that the server names, whether a transaction is open on it,
/// and whether that one writes.
#[pg_extern(volatile, parallel_restricted)]
fn pg_sqlite_fdw_get_connections() -> TableIterator<
    'static,
    (name!(server_name, Text), name!(valid, bool), name!(in_transaction, bool), name!(written, bool)),
> {
    let rows = connection::statuses();
    TableIterator::new(rows.into_iter().map(|s| (Text(s.server), s.valid, s.in_transaction, s.written)))
}

/// Closes a server's file. `false` when it was not open; with a warning when the transaction uses it.
#[pg_extern(volatile, parallel_restricted)]
fn pg_sqlite_fdw_disconnect(server: Text) -> Result<bool, ErrorReport> {
    let found = foreign::server_by_name(&server).ok_or_else(|| Error::Foreign {
        sqlstate: PgSqlErrorCode::ERRCODE_UNDEFINED_OBJECT,
        message: format!("server \"{}\" does not exist", &*server),
        detail: None,
        hint: None,
    })?;
    Ok(reported(connection::close(Some(found.oid.to_u32()))))
}

/// Closes every server's file that the transaction does not use; `true` when there was one.
#[pg_extern(volatile, parallel_restricted)]
fn pg_sqlite_fdw_disconnect_all() -> bool {
    reported(connection::close(None))
}

fn reported(outcome: Closed) -> bool {
    for server in &outcome.in_use {
        let message = format!("cannot close connection for server \"{server}\" because it is still in use");
        interrupts::tell(PgLogLevel::WARNING, &message);
    }
    outcome.closed > 0
}

/// Two digits each of major, minor and patch version: 10203 is 1.2.3.
#[pg_extern(immutable, parallel_safe)]
fn pg_sqlite_fdw_version() -> i32 {
    let part = |text: &str| text.parse::<i32>().unwrap_or_default();
    let [major, minor, patch] =
        [env!("CARGO_PKG_VERSION_MAJOR"), env!("CARGO_PKG_VERSION_MINOR"), env!("CARGO_PKG_VERSION_PATCH")];
    part(major) * 10_000 + part(minor) * 100 + part(patch)
}
