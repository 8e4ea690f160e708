//! What PostGIS knows of the systems of coordinates that a file names.

use crate::pg::spi::{self, Row};
use pg_sqlite_migrate_core::catalog::Catalog;
use pg_sqlite_migrate_core::plan::{Extension, KnownSystem, Systems};
use pg_sqlite_migrate_core::sqltext::qualified;

/// The extension's own table, and not another's of its name.
const TABLE: &str = "
    SELECT pg_catalog.has_table_privilege(c.oid, 'INSERT')
    FROM pg_catalog.pg_extension e
    JOIN pg_catalog.pg_depend d ON d.refclassid = 'pg_catalog.pg_extension'::regclass AND d.refobjid = e.oid
                               AND d.deptype = 'e' AND d.classid = 'pg_catalog.pg_class'::regclass
    JOIN pg_catalog.pg_class c ON c.oid = d.objid
    WHERE e.extname = 'postgis' AND c.relname = 'spatial_ref_sys'
      AND pg_catalog.has_table_privilege(c.oid, 'SELECT')";

/// `None` where PostGIS is not there, or its table is not to be read.
pub fn read(catalog: &Catalog, extensions: &[Extension]) -> Option<Systems> {
    let postgis = extensions.iter().find(|extension| extension.name == "postgis" && extension.installed)?;
    let insertable: bool = spi::value(TABLE, &[])?;
    let columns = catalog.tables.iter().flat_map(|table| &table.columns);
    let systems: Vec<_> = columns.filter_map(|c| c.geometries.as_ref()).map(|of| &of.system).collect();
    let srids: Vec<String> = systems.iter().map(|system| system.srid().to_string()).collect();
    let organisations: Vec<String> = (systems.iter().filter(|system| !system.is_common()))
        .map(|system| system.organisation.to_lowercase())
        .collect();
    let sql = format!(
        "SELECT srid, COALESCE(auth_name, '')::text AS organisation, COALESCE(auth_srid, 0) AS code,
                COALESCE(srtext, '')::text AS definition
         FROM {}
         WHERE srid = ANY ($1::pg_catalog.int4[]) OR pg_catalog.lower(auth_name) = ANY ($2) OR srid BETWEEN 900000 AND 900999",
        qualified(postgis.schema.as_deref()?, "spatial_ref_sys")
    );
    let known = |row: &Row<'_>| KnownSystem {
        srid: row.get("srid"),
        organisation: row.get("organisation"),
        code: row.get("code"),
        definition: row.get("definition"),
    };
    let rows = spi::rows(&sql, &[srids.as_slice().into(), organisations.as_slice().into()], known);
    Some(Systems { rows, insertable })
}
