//! Storage extensions: extensions that store a table's rows elsewhere, so that the table itself looks like an empty
//! heap.
//!
//! Only catalogs that no ordinary role can plant are used: in `pg_catalog`, or members of the extension.

use pgrx::pg_sys;

use super::settings::LocalSettings;
use super::{citus, relation, spi};

/// The extension that stores the rows of a relation.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum StorageExtension {
    Citus,
    Timescale,
}

/// Whether the catalog of hypertables may be read; no row if it does not exist.
const TIMESCALE: &str = "
    SELECT pg_catalog.has_table_privilege(c.oid, 'SELECT')
    FROM pg_catalog.pg_class c
    JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
    JOIN pg_catalog.pg_depend d ON d.classid = 'pg_catalog.pg_class'::pg_catalog.regclass AND d.objid = c.oid AND d.deptype = 'e'
    JOIN pg_catalog.pg_extension e ON e.oid = d.refobjid AND e.extname = 'timescaledb'
    WHERE n.nspname = '_timescaledb_catalog' AND c.relname = 'hypertable' AND c.relkind = 'r'";

const HYPERTABLE: &str = "
    SELECT 'x' FROM _timescaledb_catalog.hypertable h
    JOIN pg_catalog.pg_class c ON c.relname = h.table_name
    JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace AND n.nspname = h.schema_name
    WHERE c.oid = $1";

/// The storage_extension of a relation's rows, if it is not PostgreSQL itself.
pub fn of(table: pg_sys::Oid) -> Option<StorageExtension> {
    if citus::holds(table) {
        return Some(StorageExtension::Citus);
    }
    relation::find("_timescaledb_catalog", "hypertable")?;
    let settings = LocalSettings::safe_search_path();
    settings.set("row_security", "off");
    // A catalog that cannot be read may list the relation.
    let readable: bool = spi::value(TIMESCALE, &[])?;
    (!readable || spi::any(HYPERTABLE, &[table.into()])).then_some(StorageExtension::Timescale)
}
