//! The foreign data wrapper: SQLite files as foreign tables. A table of contents, and the wrapper itself.
//!
//! `shippable` decides what SQLite may compute, `deparse` prints it, both pure; `connection` keeps one connection and
//! one snapshot per server; `scan` and `modify` run statements on it. The server's callbacks are in `pg/fdw`.
//! supabase-wrappers gives handler, validator and the frame of IMPORT FOREIGN SCHEMA; its scan and modify paths are
//! all replaced, because what they keep in a plan does not survive a second execution.

pub mod column;
pub mod connection;
pub mod deparse;
mod faults;
pub mod import;
pub mod modify;
pub mod options;
pub mod relation;
pub mod sample;
pub mod scan;
pub mod shippable;
pub mod vocabulary;
pub mod wrapper;

#[cfg(test)]
mod semantics_tests;
#[cfg(test)]
mod testing;

pub use wrapper::PgSqliteFdw;
