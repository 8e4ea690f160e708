//! PostGIS's table of systems of coordinates.

use super::{rights, spi};
use pg_sqlite_migrate_core::sqltext::qualified;

pub struct SystemsTable {
    /// Qualified, as it is written in SQL.
    pub name: String,
    /// The caller may add rows, and nobody's code runs when he does, unless it is that of an owner whom he trusts.
    pub insertable: bool,
}

/// The extension's own table and not another's of its name, if the caller may read it.
pub fn systems() -> Option<SystemsTable> {
    let trusted = rights::harmless("c.relowner");
    let sql = format!(
        "SELECT n.nspname,
                pg_catalog.has_table_privilege(c.oid, 'INSERT') AND {trusted}
                AND NOT EXISTS (SELECT FROM pg_catalog.pg_trigger t WHERE t.tgrelid = c.oid AND NOT t.tgisinternal)
                AND NOT EXISTS (SELECT FROM pg_catalog.pg_rewrite r WHERE r.ev_class = c.oid) AS insertable
         FROM pg_catalog.pg_extension e
         JOIN pg_catalog.pg_depend d ON d.refclassid = 'pg_catalog.pg_extension'::pg_catalog.regclass AND d.refobjid = e.oid
                                    AND d.deptype = 'e' AND d.classid = 'pg_catalog.pg_class'::pg_catalog.regclass
         JOIN pg_catalog.pg_class c ON c.oid = d.objid
         JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
         WHERE e.extname = 'postgis' AND c.relname = 'spatial_ref_sys' AND c.relkind = 'r'
           AND (NOT c.relrowsecurity OR {trusted})
           AND pg_catalog.has_schema_privilege(n.oid, 'USAGE') AND pg_catalog.has_table_privilege(c.oid, 'SELECT')"
    );
    let table = |row: &spi::Row<'_>| {
        let schema: String = row.get("nspname");
        SystemsTable { name: qualified(&schema, "spatial_ref_sys"), insertable: row.get("insertable") }
    };
    spi::row(&sql, &[], table)
}
