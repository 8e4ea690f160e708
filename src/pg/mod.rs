//! Safe wrappers of the server's functions, which need unsafe code.
//!
//! Each file wraps one noun. What must be released is a guard. While a panic unwinds, a guard only frees memory; the
//! transaction's abort cleans up the rest.

pub mod activity;
pub mod citus;
pub mod compat;
pub mod convert;
pub mod cursor;
pub mod datum;
pub mod definition;
pub mod domain;
pub mod encoding;
pub mod equality;
pub mod erase;
pub(crate) mod executor;
pub mod expression;
#[cfg(feature = "pg_test")]
pub mod fault;
pub mod foreign;
pub mod freeze;
pub mod heap_layout;
mod heapscan;
pub mod import_lock;
pub mod indexes;
pub mod input;
pub mod interrupts;
pub mod invalidation;
pub mod json;
pub mod latest;
pub mod loaded_rows;
pub mod memory;
pub mod nodes;
pub mod page;
pub mod page_file;
pub mod page_sink;
pub mod postgis;
pub mod progress;
pub mod raised;
pub mod reading;
pub mod relation;
pub mod relation_facts;
pub mod report;
pub mod reprint;
pub mod rights;
pub mod row_sink;
mod rowmaker;
pub mod search;
pub mod settings;
mod slot;
pub mod spi;
pub mod spool;
pub mod storage_extension;
pub mod tempdir;
pub mod text;
pub mod thread;
pub mod types;
pub mod vector;
pub mod xact;
pub mod xact_events;
