//! What PostGIS knows of the systems of coordinates that a file names.

use std::collections::{BTreeMap, BTreeSet};

use crate::pg::postgis;
use crate::pg::spi::{self, Row};
use pg_sqlite_migrate_core::catalog::Catalog;
use pg_sqlite_migrate_core::plan::{Extension, KnownSystem, Systems};

/// `None` where PostGIS is not there, or its table is not to be read.
pub fn read(catalog: &Catalog, extensions: &[Extension]) -> Option<Systems> {
    extensions.iter().find(|extension| extension.name == "postgis" && extension.installed)?;
    let table = postgis::systems()?;
    let columns = catalog.tables.iter().flat_map(|table| &table.columns);
    let systems = columns.filter_map(|c| c.geometries.as_ref()).map(|of| (of.system.id, &of.system));
    let systems: BTreeMap<_, _> = systems.collect();
    let numbers: BTreeSet<i32> = systems.values().flat_map(|system| [system.id, system.code]).collect();
    let srids: Vec<String> = numbers.iter().map(i32::to_string).collect();
    let organisations: BTreeSet<String> = (systems.values().filter(|system| !system.is_common()))
        .map(|system| system.organisation.to_lowercase())
        .collect();
    let organisations: Vec<String> = organisations.into_iter().collect();
    let sql = format!(
        "SELECT srid, COALESCE(auth_name, '')::text AS organisation, COALESCE(auth_srid, 0) AS code,
                COALESCE(srtext, '')::text AS definition
         FROM {}
         WHERE srid = ANY ($1::pg_catalog.int4[]) OR pg_catalog.lower(auth_name) = ANY ($2) OR srid BETWEEN 900000 AND 900999
         ORDER BY srid",
        table.name
    );
    let known = |row: &Row<'_>| KnownSystem {
        srid: row.get("srid"),
        organisation: row.get("organisation"),
        code: row.get("code"),
        definition: row.get("definition"),
    };
    let rows = spi::rows(&sql, &[srids.as_slice().into(), organisations.as_slice().into()], known);
    Some(Systems { rows, insertable: table.insertable })
}
