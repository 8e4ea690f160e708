//! A SQLite file becomes a PostgreSQL database in one SQL call.
//!
//! `sqlite/` reads, `plan/` decides, `run/` does, `verify/` checks; `api/` is the door. Unsafe code is in `pg/`
//! and nowhere else; pure files name neither pgrx nor rusqlite (tests/layers.rs holds them to it).
#![deny(unsafe_code)]

// What a SQLite file declares and holds, what PostgreSQL gets: pure.
pub mod catalog;
pub mod finding;
pub mod plan;
pub mod sqltext;
pub mod translate;
pub mod types;
pub mod value;

// The two databases.
#[allow(unsafe_code)]
pub mod pg;
pub mod sqlite;

#[allow(dead_code)]
mod guc;

::pgrx::pg_module_magic!(name, version);
