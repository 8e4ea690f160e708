//! Extensions that keep a table's rows elsewhere than in the table: what looks like an ordinary heap is an empty shell.
//!
//! Believed are only catalogues that no ordinary role can have planted: one in `pg_catalog`, or one that belongs to the
//! extension itself.

use pgrx::pg_sys;

use super::settings::LocalSettings;
use super::{citus, spi};

/// Who keeps the rows of a relation.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Keeper {
    Citus,
    Timescale,
}

/// Whether the catalogue of hypertables may be read; no row where there is none.
const TIMESCALE: &str = "
    SELECT pg_catalog.has_table_privilege(c.oid, 'SELECT')::pg_catalog.text
    FROM pg_catalog.pg_class c
    JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
    JOIN pg_catalog.pg_depend d ON d.classid = 'pg_catalog.pg_class'::pg_catalog.regclass AND d.objid = c.oid AND d.deptype = 'e'
    JOIN pg_catalog.pg_extension e ON e.oid = d.refobjid AND e.extname = 'timescaledb'
    WHERE n.nspname = '_timescaledb_catalog' AND c.relname = 'hypertable' AND c.relkind = 'r'";

const HYPERTABLE: &str = "
    SELECT 'x' FROM _timescaledb_catalog.hypertable h
    JOIN pg_catalog.pg_class c ON c.relname = h.table_name
    JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace AND n.nspname = h.schema_name
    WHERE c.oid = $1::pg_catalog.oid";

/// The keeper of a relation's rows, if it is not PostgreSQL itself.
pub fn of(relation: pg_sys::Oid) -> Option<Keeper> {
    let settings = LocalSettings::safe_search_path();
    settings.set("row_security", "off");
    let this = relation.to_u32().to_string();
    let lists = |catalogue: &str| spi::value(catalogue, &[Some(&this)]).is_some();
    if citus::holds(relation) {
        return Some(Keeper::Citus);
    }
    // A catalogue that cannot be read may list anything.
    let readable = spi::value(TIMESCALE, &[])?;
    (readable != "true" || lists(HYPERTABLE)).then_some(Keeper::Timescale)
}
