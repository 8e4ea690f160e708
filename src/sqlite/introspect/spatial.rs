//! What a GeoPackage, SpatiaLite or OGR says of the file's columns with geometries, read by the names of its columns: they
//! differ from version to version.

use std::collections::HashMap;

use super::query::{each, optional_text};
use crate::sqlite::error::Error;
use crate::sqlite::open::Source;
use pg_sqlite_migrate_core::catalog::Catalog;
use pg_sqlite_migrate_core::spatial::{Listed, Spatial};
use pg_sqlite_migrate_core::sqltext::sqlite_ident;
use pg_sqlite_migrate_core::value::geometry::Container;
use pg_sqlite_migrate_core::value::geometry::declared::{
    Geometries, Presence, System, dimensions_of, kind_coded, kind_named,
};

/// More than any file describes: so many rows, and bytes of a value, are read.
const MOST_ROWS: usize = 100_000;
const LONGEST: usize = 1 << 16;

/// A row by the lower-case names of its columns.
type Fields = HashMap<String, String>;

/// The columns that the file lists.
pub fn listed(source: &Source, catalog: &Catalog) -> Result<Vec<Listed>, Error> {
    let Some(spatial) = Spatial::of(catalog) else { return Ok(vec![]) };
    let table = match spatial {
        Spatial::GeoPackage => "gpkg_geometry_columns",
        Spatial::SpatiaLite | Spatial::Ogr => "geometry_columns",
    };
    let systems = systems(source, catalog, spatial)?;
    let rows = rows(source, catalog, table)?;
    let listed = rows.iter().filter_map(|row| match spatial {
        Spatial::GeoPackage => geopackage(row, &systems),
        Spatial::SpatiaLite | Spatial::Ogr => other(row, &systems),
    });
    Ok(listed.collect())
}

fn rows(source: &Source, catalog: &Catalog, table: &str) -> Result<Vec<Fields>, Error> {
    if catalog.table(table).is_none() {
        return Ok(vec![]);
    }
    let mut rows = vec![];
    let sql = format!("SELECT * FROM main.{} NOT INDEXED LIMIT {MOST_ROWS}", sqlite_ident(table));
    each(source, &sql, |row| {
        let mut fields = Fields::new();
        for (at, name) in row.as_ref().column_names().enumerate() {
            if let Some(value) = optional_text(row, at)?.filter(|value| value.len() <= LONGEST) {
                fields.insert(name.to_ascii_lowercase(), value);
            }
        }
        rows.push(fields);
        Ok(())
    })?;
    Ok(rows)
}

fn text(row: &Fields, names: &[&str]) -> String {
    names.iter().find_map(|name| row.get(*name)).cloned().unwrap_or_default()
}

fn number(row: &Fields, name: &str) -> Option<i64> {
    row.get(name)?.trim().parse().ok()
}

fn id(row: &Fields, name: &str) -> Option<i32> {
    i32::try_from(number(row, name)?).ok()
}

fn systems(source: &Source, catalog: &Catalog, spatial: Spatial) -> Result<HashMap<i32, System>, Error> {
    let (table, [id_of, organisation, code]) = match spatial {
        Spatial::GeoPackage => {
            ("gpkg_spatial_ref_sys", ["srs_id", "organization", "organization_coordsys_id"])
        }
        Spatial::SpatiaLite | Spatial::Ogr => ("spatial_ref_sys", ["srid", "auth_name", "auth_srid"]),
    };
    let system = |row: &Fields| {
        let id = id(row, id_of)?;
        let definition = text(row, &["definition", "srtext", "srs_wkt"]);
        let undefined = definition.eq_ignore_ascii_case("undefined");
        Some(System {
            id,
            organisation: text(row, &[organisation]).trim().to_ascii_uppercase(),
            code: self::id(row, code).unwrap_or(id),
            definition: if undefined { String::new() } else { definition },
            proj4: text(row, &["proj4text"]),
        })
    };
    let found = rows(source, catalog, table)?;
    Ok(found.iter().filter_map(system).map(|system| (system.id, system)).collect())
}

fn defined(systems: &HashMap<i32, System>, id: i32) -> System {
    systems.get(&id).cloned().unwrap_or(System { id, code: id, ..System::default() })
}

fn geopackage(row: &Fields, systems: &HashMap<i32, System>) -> Option<Listed> {
    let (kind, _) = kind_named(&text(row, &["geometry_type_name"]));
    let presence = |name: &str| Presence::of_geopackage(number(row, name).unwrap_or(2));
    let geometries = Geometries {
        container: Container::GeoPackage,
        kind,
        z: presence("z"),
        m: presence("m"),
        system: defined(systems, id(row, "srs_id").unwrap_or(0)),
        indexed: false,
    };
    Some(Listed {
        table: row.get("table_name")?.clone(),
        column: row.get("column_name")?.clone(),
        geometries,
    })
}

/// Of SpatiaLite the kind is a code, or a name in older files; OGR also says how the blobs are written.
fn other(row: &Fields, systems: &HashMap<i32, System>) -> Option<Listed> {
    let container = match row.get("geometry_format").map(String::as_str) {
        None | Some("SpatiaLite") => Container::SpatiaLite,
        Some("WKB") => Container::Wkb,
        // Texts, or a form of another program.
        Some(_) => return None,
    };
    let (kind, dimensions) = match number(row, "geometry_type") {
        Some(code) => kind_coded(code),
        None => kind_named(&text(row, &["type", "geometry_type"])),
    };
    let (z, m) = dimensions_of(&text(row, &["coord_dimension"]), dimensions);
    let system = defined(systems, id(row, "srid").unwrap_or(0));
    let geometries = Geometries { container, kind, z, m, system, indexed: false };
    let (table, column) = (row.get("f_table_name")?.clone(), row.get("f_geometry_column")?.clone());
    Some(Listed { table, column, geometries })
}
