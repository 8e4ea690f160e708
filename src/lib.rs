//! A SQLite file becomes a PostgreSQL database in one SQL call.
//!
//! `sqlite/` reads, the crate `core/` decides, `import/` does, `verify/` checks; `api/` is the door. Unsafe code is in
//! `pg/`, `fdw/planner/`, `fdw/executor/` and `sqlite/raw/` (tests/layers.rs holds it to that).
#![deny(unsafe_code)]

// The two databases.
#[allow(unsafe_code)]
pub mod pg;
pub mod sqlite;

// What joins them.
pub mod advise;
pub mod assess;
pub mod export;
pub mod fdw;
pub mod import;
pub mod manifest;
pub mod report;
pub mod rollback;
pub mod search;
pub mod verify;

mod api;
pub mod error;
mod guc;
pub mod newfile;

#[cfg(feature = "pg_test")]
mod server_tests;

::pgrx::pg_module_magic!(name, version);

pgrx::extension_sql_file!("../sql/schema.sql", name = "schema", bootstrap);
pgrx::extension_sql_file!(
    "../sql/fdw.sql",
    name = "fdw",
    requires = [api::foreign::pg_sqlite_fdw_handler, api::foreign::pg_sqlite_fdw_validator]
);

#[pgrx::pg_guard]
#[allow(non_snake_case)]
pub extern "C-unwind" fn _PG_init() {
    guc::register();
}

/// What `cargo pgrx test` asks of the crate.
#[cfg(feature = "pg_test")]
pub mod pg_test {
    pub fn setup(_options: Vec<&str>) {}

    #[must_use]
    pub fn postgresql_conf_options() -> Vec<&'static str> {
        vec![]
    }
}
