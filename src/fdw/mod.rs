//! The foreign data wrapper: SQLite files as foreign tables. A table of contents.
//!
//! `pg_sqlite_migrate_core::remote` decides what SQLite may compute and prints it; `planner` and `executor` are the
//! server's callbacks; `connection` keeps one connection and one snapshot per server. supabase-wrappers gives handler
//! and the frame of IMPORT FOREIGN SCHEMA; its scan and modify paths are all replaced, because what they keep in a plan
//! does not survive a second execution.
//!
//! Modelled on contrib/postgres_fdw, whose functions are named where one is followed. What a plan keeps (`fdw_private`)
//! is copyable nodes only: a string of JSON, integers, expression lists. What planning keeps hangs in the planner's
//! memory context, what a scan keeps in the query's, and both are dropped with their context, however the query ends.

pub mod connection;
#[allow(unsafe_code)]
mod executor;
pub mod import_schema;
pub mod options;
#[allow(unsafe_code)]
mod planner;
mod relation;
mod routine;
mod writable;

#[cfg(test)]
mod semantics_tests;

use pgrx::PgLogLevel;
use pgrx::pg_sys::panic::ErrorReport;

use crate::error::Error;

pub use routine::PgSqliteFdw;

/// The end of a callback's error: it is raised as the server's own.
trait OrRaise<T> {
    fn or_raise(self) -> T;
}

impl<T> OrRaise<T> for Result<T, Error> {
    #[track_caller]
    fn or_raise(self) -> T {
        match self {
            Ok(value) => value,
            Err(error) => {
                ErrorReport::from(error).report(PgLogLevel::ERROR);
                unreachable!("an ERROR does not return")
            }
        }
    }
}
