//! What a GeoPackage, SpatiaLite or OGR says of the file's columns with geometries, read by the names of its columns: they
//! differ from version to version.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;

use super::query::{each, optional_text};
use crate::sqlite::error::Error;
use crate::sqlite::open::Source;
use pg_sqlite_migrate_core::catalog::Catalog;
use pg_sqlite_migrate_core::spatial::{Listed, Names, Spatial};
use pg_sqlite_migrate_core::sqltext::sqlite_ident;
use pg_sqlite_migrate_core::value::geometry::Container;
use pg_sqlite_migrate_core::value::geometry::declared::{
    Geometries, Presence, System, dimensions_of, kind_coded, kind_named,
};

/// More than any file describes: so many rows are read, and values of so many bytes, which is what PostGIS takes.
const MOST_ROWS: usize = 100_000;
const LONGEST: usize = 2048;

/// A row by the lower-case names of its columns.
type Fields = HashMap<String, String>;

/// What a row says of a column, with the number of its system.
struct Read {
    table: String,
    column: String,
    geometries: Geometries,
    system: i32,
}

/// The columns that the file lists and has, each once.
pub fn listed(source: &Source, catalog: &Catalog, names: &Names) -> Result<Vec<Listed>, Error> {
    let Some(spatial) = Spatial::of(catalog) else { return Ok(vec![]) };
    let table = match spatial {
        Spatial::GeoPackage => "gpkg_geometry_columns",
        Spatial::SpatiaLite | Spatial::Ogr => "geometry_columns",
    };
    let (mut seen, mut listed, mut systems) = (HashSet::new(), vec![], HashMap::new());
    rows(source, catalog, table, |row| {
        let read = match spatial {
            Spatial::GeoPackage => geopackage(row),
            Spatial::SpatiaLite | Spatial::Ogr => other(row),
        };
        let Some(Read { table, column, geometries, system }) = read else { return };
        if let Some(place) = names.column(catalog, &table, &column).filter(|place| seen.insert(*place)) {
            systems.entry(system).or_insert_with(|| Arc::new(undefined(system)));
            listed.push((Listed { place, geometries }, system));
        }
    })?;
    define(source, catalog, spatial, &mut systems)?;
    let with_system = |(mut listed, system): (Listed, i32)| {
        if let Some(system) = systems.get(&system) {
            listed.geometries.system = Arc::clone(system);
        }
        listed
    };
    Ok(listed.into_iter().map(with_system).collect())
}

fn rows(
    source: &Source,
    catalog: &Catalog,
    table: &str,
    mut visit: impl FnMut(&Fields),
) -> Result<(), Error> {
    if catalog.table(table).is_none() {
        return Ok(());
    }
    let sql = format!("SELECT * FROM main.{} NOT INDEXED LIMIT {MOST_ROWS}", sqlite_ident(table));
    each(source, &sql, |row| {
        let mut fields = Fields::new();
        for (at, name) in row.as_ref().column_names().enumerate() {
            if let Some(value) = optional_text(row, at)?.filter(|value| value.len() <= LONGEST) {
                fields.insert(name.to_ascii_lowercase(), value);
            }
        }
        visit(&fields);
        Ok(())
    })
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

/// Defines the systems of these numbers as the file does.
fn define(
    source: &Source,
    catalog: &Catalog,
    spatial: Spatial,
    systems: &mut HashMap<i32, Arc<System>>,
) -> Result<(), Error> {
    let (table, [id_of, organisation, code]) = match spatial {
        Spatial::GeoPackage => {
            ("gpkg_spatial_ref_sys", ["srs_id", "organization", "organization_coordsys_id"])
        }
        Spatial::SpatiaLite | Spatial::Ogr => ("spatial_ref_sys", ["srid", "auth_name", "auth_srid"]),
    };
    rows(source, catalog, table, |row| {
        let Some((id, found)) = id(row, id_of).and_then(|id| Some((id, systems.get_mut(&id)?))) else {
            return;
        };
        let definition = text(row, &["definition", "srtext", "srs_wkt"]);
        let undefined = definition.eq_ignore_ascii_case("undefined");
        *found = Arc::new(System {
            id,
            organisation: text(row, &[organisation]).trim().to_ascii_uppercase(),
            code: self::id(row, code).unwrap_or(id),
            definition: if undefined { String::new() } else { definition },
            proj4: text(row, &["proj4text"]),
        });
    })
}

fn undefined(id: i32) -> System {
    System { id, code: id, ..System::default() }
}

fn geopackage(row: &Fields) -> Option<Read> {
    let (kind, _) = kind_named(&text(row, &["geometry_type_name"]));
    let presence = |name: &str| Presence::of_geopackage(number(row, name).unwrap_or(2));
    let geometries = Geometries {
        container: Container::GeoPackage,
        kind,
        z: presence("z"),
        m: presence("m"),
        system: Arc::default(),
        indexed: false,
    };
    Some(Read {
        table: row.get("table_name")?.clone(),
        column: row.get("column_name")?.clone(),
        geometries,
        system: id(row, "srs_id").unwrap_or(0),
    })
}

/// Of SpatiaLite the kind is a code, or a name in older files; OGR also says how the blobs are written.
fn other(row: &Fields) -> Option<Read> {
    let container = match row.get("geometry_format").map(String::as_str) {
        None | Some("SpatiaLite") => Container::SpatiaLite,
        Some("WKB") => Container::Wkb,
        Some("WKT") => Container::Wkt,
        // A form of another program.
        Some(_) => return None,
    };
    let (kind, dimensions) = match number(row, "geometry_type") {
        Some(code) => kind_coded(code),
        None => kind_named(&text(row, &["type", "geometry_type"])),
    };
    let (z, m) = dimensions_of(&text(row, &["coord_dimension"]), dimensions);
    let geometries = Geometries { container, kind, z, m, system: Arc::default(), indexed: false };
    let (table, column) = (row.get("f_table_name")?.clone(), row.get("f_geometry_column")?.clone());
    Some(Read { table, column, geometries, system: id(row, "srid").unwrap_or(0) })
}
