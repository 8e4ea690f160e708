//! Files with geometries: which columns they list, and which of their tables and views say something of the file, and
//! nothing else.

use std::collections::HashMap;

use crate::catalog::{Catalog, Table};
use crate::value::geometry::Container;
use crate::value::geometry::declared::Geometries;

/// A GeoPackage, or a file of SpatiaLite or OGR.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Spatial {
    GeoPackage,
    SpatiaLite,
    Ogr,
}

impl Spatial {
    pub fn title(self) -> &'static str {
        match self {
            Spatial::GeoPackage => "GeoPackage",
            Spatial::SpatiaLite => "SpatiaLite",
            Spatial::Ogr => "OGR",
        }
    }

    /// By the tables in which a file describes itself.
    pub fn of(catalog: &Catalog) -> Option<Spatial> {
        let columns = |table: &str, names: &[&str]| {
            let table = catalog.table(table);
            table.is_some_and(|table| names.iter().all(|name| table.column(name).is_some()))
        };
        if columns("gpkg_contents", &["table_name", "data_type", "srs_id"]) {
            return Some(Spatial::GeoPackage);
        }
        if !columns("geometry_columns", &["f_table_name", "f_geometry_column", "srid"]) {
            return None;
        }
        let ogr = columns("geometry_columns", &["geometry_format"]);
        Some(if ogr { Spatial::Ogr } else { Spatial::SpatiaLite })
    }

    /// A table or a view is the file's own description.
    pub fn describes(self, name: &str) -> bool {
        let name = name.to_ascii_lowercase();
        let begins = |heads: &[&str]| heads.iter().any(|head| name.starts_with(head));
        match self {
            Spatial::GeoPackage => begins(&["gpkg_"]) || SQL_MM.contains(&name.as_str()),
            Spatial::SpatiaLite => {
                SPATIALITE.contains(&name.as_str())
                    || begins(&[
                        "geometry_columns",
                        "views_geometry_columns",
                        "virts_geometry_columns",
                        "se_",
                        "rl2map_",
                        "iso_metadata",
                        "vector_layers",
                        "vector_coverages",
                        "wms_",
                    ])
            }
            Spatial::Ogr => ["geometry_columns", "spatial_ref_sys"].contains(&name.as_str()),
        }
    }
}

/// Views over the tables of a GeoPackage by the names of ISO and OGC.
const SQL_MM: [&str; 4] =
    ["st_spatial_ref_sys", "spatial_ref_sys", "st_geometry_columns", "geometry_columns"];

/// What `InitSpatialMetaData()` makes, beyond what begins as one of the names above.
const SPATIALITE: [&str; 32] = [
    "spatial_ref_sys",
    "spatial_ref_sys_aux",
    "spatial_ref_sys_all",
    "spatialite_history",
    "spatialindex",
    "elementarygeometries",
    "knn",
    "knn2",
    "sql_statements_log",
    "data_licenses",
    "geom_cols_ref_sys",
    "layer_params",
    "layer_statistics",
    "layer_sub_classes",
    "layer_table_layout",
    "raster_coverages",
    "raster_coverages_srid",
    "raster_coverages_keyword",
    "raster_coverages_ref_sys",
    "topologies",
    "networks",
    "stored_procedures",
    "stored_variables",
    "pattern_bitmaps",
    "project_defs",
    "tableprefix_metadata",
    "splite_metacatalog",
    "splite_metacatalog_statistics",
    "map_configurations",
    "map_configurations_view",
    "iso_metadata_view",
    "rasters",
];

/// Tables by name, ASCII case aside.
pub struct Names(HashMap<String, usize>);

impl Names {
    pub fn of(catalog: &Catalog) -> Names {
        let names = catalog.tables.iter().enumerate().rev();
        Names(names.map(|(at, table)| (table.name.to_ascii_lowercase(), at)).collect())
    }

    fn table(&self, name: &str) -> Option<usize> {
        self.0.get(&name.to_ascii_lowercase()).copied()
    }

    /// Where the catalog has a column.
    pub fn column(&self, catalog: &Catalog, table: &str, column: &str) -> Option<Place> {
        let table = self.table(table)?;
        let mut columns = catalog.tables.get(table)?.columns.iter();
        Some(Place { table, column: columns.position(|c| c.name.eq_ignore_ascii_case(column))? })
    }
}

/// A column by its table's place in the catalog, and its own there.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Place {
    table: usize,
    column: usize,
}

/// What the table in which a file lists such columns says of one that is there.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Listed {
    pub place: Place,
    pub geometries: Geometries,
}

/// Notes what is listed.
pub fn note(catalog: &mut Catalog, names: &Names, listed: Vec<Listed>) {
    for Listed { place: Place { table, column }, mut geometries } in listed {
        geometries.indexed = has_index(catalog, names, geometries.container, (table, column));
        let table = catalog.tables.get_mut(table);
        if let Some(found) = table.and_then(|table| table.columns.get_mut(column)) {
            found.geometries = Some(Box::new(geometries));
        }
    }
}

fn has_index(catalog: &Catalog, names: &Names, container: Container, at: (usize, usize)) -> bool {
    let prefix = match container {
        Container::GeoPackage => "rtree",
        Container::SpatiaLite | Container::Wkb | Container::Wkt => "idx",
    };
    let found = || {
        let table = catalog.tables.get(at.0)?;
        let name = format!("{prefix}_{}_{}", table.name, table.columns.get(at.1)?.name);
        catalog.tables.get(names.table(&name)?)
    };
    found().is_some_and(Table::is_rtree)
}
