//! What makes a GeoPackage of a file (<https://www.geopackage.org/spec/>, version 1.2): its tables about tables, with a row
//! for each table of the file, and an R*Tree with its triggers for each column with geometries. Text only; what the rows
//! say, the filled file tells.

use super::decide::Context;
use super::planned::OutTable;
use super::types::Family;
use crate::finding::{Finding, Kind};
use crate::sqltext::{sqlite_ident, sqlite_literal};
use crate::value::PgType;

/// `GPKG`, and 1.2.
pub const APPLICATION_ID: i64 = 0x4750_4B47;
pub const USER_VERSION: i64 = 10_200;

/// A table of the file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Layer {
    /// The schema of PostgreSQL's by which its file is known, where each has one.
    pub schema: String,
    pub table: String,
    /// The column with geometries, of which a table may have one.
    pub geometries: Option<LayerColumn>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LayerColumn {
    pub name: String,
    /// `POINT`, or `GEOMETRY` for any.
    pub kind: String,
    /// As `gpkg_geometry_columns` counts: not there, there, either.
    pub z: u8,
    pub m: u8,
    /// That of the type; 0 where the values tell.
    pub srid: i32,
}

/// What `geometry(PointZ,4326)` says; the kind in capital letters.
pub fn modifiers(pg_type: &PgType) -> LayerColumn {
    let printed = pg_type.base().to_string();
    let inside = printed.strip_suffix(')').and_then(|rest| rest.rsplit_once('(')).map(|(_, inside)| inside);
    let Some(inside) = inside else {
        return LayerColumn { name: String::new(), kind: "GEOMETRY".into(), z: 2, m: 2, srid: 0 };
    };
    let (kind, srid) = inside.split_once(',').unwrap_or((inside, "0"));
    let upper = kind.trim().to_ascii_uppercase();
    let (rest, m) = upper.strip_suffix('M').map_or((upper.as_str(), 0), |rest| (rest, 1));
    let (rest, z) = rest.strip_suffix('Z').map_or((rest, 0), |rest| (rest, 1));
    LayerColumn { name: String::new(), kind: rest.to_owned(), z, m, srid: srid.trim().parse().unwrap_or(0) }
}

/// The tables of the file; a further column with geometries stays a column with blobs.
pub fn layers(ctx: &Context<'_>, tables: &[OutTable<'_>], findings: &mut Vec<Finding>) -> Vec<Layer> {
    if !ctx.types.geopackage {
        return vec![];
    }
    let mut out = vec![];
    for table in tables {
        let key = ctx.key_of(table.source);
        if table.name.get(..5).is_some_and(|head| head.eq_ignore_ascii_case("gpkg_")) {
            let message = "the name is one of a GeoPackage's own tables, which the export makes";
            let hint = format!("Add \"{}\" to the plan's exclude, or set its target.", table.source.name);
            findings.push(Kind::NameChanged.blocking(&key, message).hint(hint));
        }
        let mut columns = table.columns.iter().filter(|c| c.rule.family == Family::GeoPackage);
        let geometries = columns
            .next()
            .map(|column| LayerColumn { name: column.name.clone(), ..modifiers(&column.source.pg_type) });
        for further in columns {
            let message = "a GeoPackage knows one column with geometries of a table: this one holds blobs that it does not describe";
            findings.push(Kind::Geometry.warning(format!("{key}.{}", further.source.name), message));
        }
        out.push(Layer { schema: table.source.schema.clone(), table: table.name.clone(), geometries });
    }
    out
}

/// The tables about tables, which come first.
pub const TABLES: [&str; 7] = [
    "CREATE TABLE gpkg_spatial_ref_sys (srs_name TEXT NOT NULL, srs_id INTEGER NOT NULL PRIMARY KEY, organization TEXT NOT NULL, organization_coordsys_id INTEGER NOT NULL, definition TEXT NOT NULL, description TEXT)",
    "CREATE TABLE gpkg_contents (table_name TEXT NOT NULL PRIMARY KEY, data_type TEXT NOT NULL, identifier TEXT UNIQUE, description TEXT DEFAULT '', last_change DATETIME NOT NULL DEFAULT (strftime('%Y-%m-%dT%H:%M:%fZ', 'now')), min_x DOUBLE, min_y DOUBLE, max_x DOUBLE, max_y DOUBLE, srs_id INTEGER, CONSTRAINT fk_gc_r_srs_id FOREIGN KEY (srs_id) REFERENCES gpkg_spatial_ref_sys (srs_id))",
    "CREATE TABLE gpkg_geometry_columns (table_name TEXT NOT NULL, column_name TEXT NOT NULL, geometry_type_name TEXT NOT NULL, srs_id INTEGER NOT NULL, z TINYINT NOT NULL, m TINYINT NOT NULL, CONSTRAINT pk_geom_cols PRIMARY KEY (table_name, column_name), CONSTRAINT uk_gc_table_name UNIQUE (table_name), CONSTRAINT fk_gc_tn FOREIGN KEY (table_name) REFERENCES gpkg_contents (table_name), CONSTRAINT fk_gc_srs FOREIGN KEY (srs_id) REFERENCES gpkg_spatial_ref_sys (srs_id))",
    "CREATE TABLE gpkg_extensions (table_name TEXT, column_name TEXT, extension_name TEXT NOT NULL, definition TEXT NOT NULL, scope TEXT NOT NULL, CONSTRAINT ge_tce UNIQUE (table_name, column_name, extension_name))",
    "INSERT INTO gpkg_spatial_ref_sys VALUES ('Undefined Cartesian SRS', -1, 'NONE', -1, 'undefined', 'undefined Cartesian coordinate reference system')",
    "INSERT INTO gpkg_spatial_ref_sys VALUES ('Undefined geographic SRS', 0, 'NONE', 0, 'undefined', 'undefined geographic coordinate reference system')",
    "INSERT INTO gpkg_spatial_ref_sys VALUES ('WGS 84 geodetic', 4326, 'EPSG', 4326, 'GEOGCS[\"WGS 84\",DATUM[\"WGS_1984\",SPHEROID[\"WGS 84\",6378137,298.257223563,AUTHORITY[\"EPSG\",\"7030\"]],AUTHORITY[\"EPSG\",\"6326\"]],PRIMEM[\"Greenwich\",0,AUTHORITY[\"EPSG\",\"8901\"]],UNIT[\"degree\",0.0174532925199433,AUTHORITY[\"EPSG\",\"9122\"]],AUTHORITY[\"EPSG\",\"4326\"]]', 'longitude/latitude coordinates in decimal degrees on the WGS 84 spheroid')",
];

/// A system that PostGIS knows, which the three first ones are not.
pub fn system(srid: i32, organisation: &str, code: i32, definition: &str) -> String {
    let name = definition.split('"').nth(1).filter(|name| !name.is_empty());
    let name = name.map_or_else(|| format!("SRID {srid}"), str::to_owned);
    let definition = if definition.is_empty() { "undefined" } else { definition };
    let organisation = if organisation.is_empty() { "NONE" } else { organisation };
    format!(
        "INSERT INTO gpkg_spatial_ref_sys VALUES ({}, {srid}, {}, {code}, {}, NULL)",
        sqlite_literal(&name),
        sqlite_literal(organisation),
        sqlite_literal(definition),
    )
}

/// What the filled table tells.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Filled {
    /// The column that is the rowid, by which an R*Tree knows rows.
    pub key: Option<String>,
    /// As literals: the least X and Y, and the greatest.
    pub bounds: Option<[String; 4]>,
    /// Curves that are stored, which are an extension each.
    pub curves: Vec<&'static str>,
}

/// The rows about a table.
pub fn rows(layer: &Layer, srid: i32, filled: &Filled) -> Vec<String> {
    let table = sqlite_literal(&layer.table);
    let Some(column) = &layer.geometries else {
        return vec![format!(
            "INSERT INTO gpkg_contents (table_name, data_type, identifier) VALUES ({table}, 'attributes', {table})"
        )];
    };
    let bounds = filled.bounds.as_ref().map_or_else(|| "NULL, NULL, NULL, NULL".to_owned(), |b| b.join(", "));
    let name = sqlite_literal(&column.name);
    let extension = |extension: &str, page: &str, scope: &str| {
        format!(
            "INSERT INTO gpkg_extensions VALUES ({table}, {name}, '{extension}', 'http://www.geopackage.org/spec120/#{page}', '{scope}')"
        )
    };
    let mut out = vec![
        format!(
            "INSERT INTO gpkg_contents (table_name, data_type, identifier, min_x, min_y, max_x, max_y, srs_id) VALUES ({table}, 'features', {table}, {bounds}, {srid})"
        ),
        format!(
            "INSERT INTO gpkg_geometry_columns VALUES ({table}, {name}, {}, {srid}, {}, {})",
            sqlite_literal(&column.kind),
            column.z,
            column.m
        ),
    ];
    if filled.key.is_some() {
        out.push(extension("gpkg_rtree_index", "extension_rtree", "write-only"));
    }
    let curve = |kind: &&str| {
        extension(
            &format!("gpkg_geom_{}", kind.to_ascii_uppercase()),
            "extension_geometry_types",
            "read-write",
        )
    };
    out.extend(filled.curves.iter().map(curve));
    out
}

/// The R*Tree of a layer.
pub fn tree_name(layer: &Layer, column: &LayerColumn) -> String {
    format!("rtree_{}_{}", layer.table, column.name)
}

pub fn tree(name: &str) -> String {
    format!("CREATE VIRTUAL TABLE {} USING rtree(id, minx, maxx, miny, maxy)", sqlite_ident(name))
}

/// The triggers that keep the R*Tree up to date, by functions that programs for GeoPackages have.
pub fn triggers(layer: &Layer, column: &LayerColumn, key: &str) -> Vec<String> {
    let name = tree_name(layer, column);
    let (table, tree) = (sqlite_ident(&layer.table), sqlite_ident(&name));
    let (geom, id) = (sqlite_ident(&column.name), sqlite_ident(key));
    let there = format!("(NEW.{geom} NOTNULL AND NOT ST_IsEmpty(NEW.{geom}))");
    let gone = format!("(NEW.{geom} ISNULL OR ST_IsEmpty(NEW.{geom}))");
    let insert = format!(
        "INSERT OR REPLACE INTO {tree} VALUES (NEW.{id}, ST_MinX(NEW.{geom}), ST_MaxX(NEW.{geom}), ST_MinY(NEW.{geom}), ST_MaxY(NEW.{geom}));"
    );
    let delete = format!("DELETE FROM {tree} WHERE id = OLD.{id};");
    let trigger = |suffix: &str, event: &str, when: &str, body: &str| {
        let trigger = sqlite_ident(&format!("{name}_{suffix}"));
        format!(
            "CREATE TRIGGER IF NOT EXISTS {trigger} AFTER {event} ON {table} WHEN {when} BEGIN {body} END"
        )
    };
    let update = format!("UPDATE OF {geom}");
    vec![
        trigger("insert", "INSERT", &there, &insert),
        trigger("update1", &update, &format!("OLD.{id} = NEW.{id} AND {there}"), &insert),
        trigger("update2", &update, &format!("OLD.{id} = NEW.{id} AND {gone}"), &delete),
        trigger(
            "update3",
            "UPDATE",
            &format!("OLD.{id} != NEW.{id} AND {there}"),
            &format!("{delete} {insert}"),
        ),
        trigger(
            "update4",
            "UPDATE",
            &format!("OLD.{id} != NEW.{id} AND {gone}"),
            &format!("DELETE FROM {tree} WHERE id IN (OLD.{id}, NEW.{id});"),
        ),
        trigger("delete", "DELETE", &format!("OLD.{geom} NOT NULL"), &delete),
    ]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn modifiers_are_read_as_postgis_prints_them() {
        for (pg_type, kind, z, m, srid) in [
            ("public.geometry(PointZM,4326)", "POINT", 1, 1, 4326),
            ("public.geometry(MultiPolygon)", "MULTIPOLYGON", 0, 0, 0),
            ("public.geometry(GeometryZ,2056)", "GEOMETRY", 1, 0, 2056),
            ("x.geography(PolygonM,4326)", "POLYGON", 0, 1, 4326),
            ("public.geometry", "GEOMETRY", 2, 2, 0),
        ] {
            let read = modifiers(&PgType::UserDefined(pg_type.into()));
            assert_eq!((read.kind.as_str(), read.z, read.m, read.srid), (kind, z, m, srid), "{pg_type}");
        }
    }
}
