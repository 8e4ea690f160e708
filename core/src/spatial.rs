//! Files with geometries: which columns they list, and which of their tables and views say something of the file, and
//! nothing else.

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

/// A row of the table in which a file lists such columns.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Listed {
    pub table: String,
    pub column: String,
    pub geometries: Geometries,
}

/// Notes what is listed at the columns that are there.
pub fn note(catalog: &mut Catalog, listed: Vec<Listed>) {
    for Listed { table, column, mut geometries } in listed {
        geometries.indexed = has_index(catalog, geometries.container, &table, &column);
        let found = catalog.tables.iter_mut().find(|t| t.name.eq_ignore_ascii_case(&table));
        let found = found.and_then(|t| t.columns.iter_mut().find(|c| c.name.eq_ignore_ascii_case(&column)));
        if let Some(found) = found {
            found.geometries = Some(Box::new(geometries));
        }
    }
}

fn has_index(catalog: &Catalog, container: Container, table: &str, column: &str) -> bool {
    let prefix = match container {
        Container::GeoPackage => "rtree",
        Container::SpatiaLite | Container::Wkb => "idx",
    };
    catalog.table(&format!("{prefix}_{table}_{column}")).is_some_and(Table::is_rtree)
}
