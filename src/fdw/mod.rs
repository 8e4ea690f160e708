//! The foreign data wrapper: SQLite files as foreign tables. A table of contents, and the wrapper itself.
//!
//! `pg_sqlite_migrate_core::remote` decides what SQLite may compute and prints it; `planner` and `executor` are the
//! server's callbacks; `connection` keeps one connection and one snapshot per server; `scan` and `modify` run
//! statements on it. supabase-wrappers gives handler, validator and the frame of IMPORT FOREIGN SCHEMA; its scan and
//! modify paths are all replaced, because what they keep in a plan does not survive a second execution.

// The server's error is as large as it is, and raised as soon as it gets here.
#![allow(clippy::result_large_err)]

pub mod connection;
#[allow(unsafe_code)]
pub mod executor;
pub mod import;
pub mod modify;
pub mod options;
#[allow(unsafe_code)]
pub mod planner;
pub mod relation;
mod routine;
pub mod sample;
pub mod scan;
pub mod seam;
pub mod wrapper;

#[cfg(test)]
mod semantics_tests;

pub use wrapper::PgSqliteFdw;
