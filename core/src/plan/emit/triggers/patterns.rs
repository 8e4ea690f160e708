//! Triggers of well-known kinds, whose work something else does in PostgreSQL. Recognised by what their statements touch.

use crate::catalog::{Catalog, Content, Table, TableKind};
use crate::translate::program::trigger::{Change, Definition, Event, Time};

/// Why a trigger has no place in PostgreSQL.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Known {
    /// It keeps an index of texts up to date.
    FullText(String),
    /// It keeps an index of places up to date, or checks geometries.
    Spatial(String),
    /// No UPDATE can set the columns that it fires for.
    NeverFires,
}

/// A kind of triggers, and how it is recognised.
struct Pattern {
    /// The trigger is left out even if it could be translated.
    always: bool,
    is: fn(&Catalog, &Definition) -> Option<Known>,
}

const PATTERNS: [Pattern; 4] = [
    Pattern { always: true, is: never_fires },
    Pattern { always: true, is: full_text },
    Pattern { always: true, is: spatial_index },
    Pattern { always: false, is: spatial_check },
];

/// What a trigger is that is left out in any case.
pub fn left_out(catalog: &Catalog, definition: &Definition) -> Option<Known> {
    PATTERNS.iter().filter(|pattern| pattern.always).find_map(|pattern| (pattern.is)(catalog, definition))
}

/// What a trigger is that cannot be translated.
pub fn untranslated(catalog: &Catalog, definition: &Definition) -> Option<Known> {
    PATTERNS.iter().find_map(|pattern| (pattern.is)(catalog, definition))
}

impl Known {
    /// As the end of a sentence about the trigger.
    pub fn reason(&self) -> String {
        match self {
            Known::FullText(table) => {
                format!(
                    "it maintains the full-text index \"{table}\", and PostgreSQL maintains its indexes itself"
                )
            }
            Known::Spatial(table) => format!(
                "it maintains \"{table}\" for a spatial extension, and PostgreSQL's indexes and types do its work"
            ),
            Known::NeverFires => "it fires for columns that no UPDATE of its table can set".into(),
        }
    }
}

fn never_fires(catalog: &Catalog, definition: &Definition) -> Option<Known> {
    let (table, columns) = (catalog.table(&definition.on.table)?, &definition.on.columns);
    let settable = |name: &str| table.column(name).is_some_and(|column| column.generated.is_none());
    let none = !columns.is_empty() && columns.iter().all(|name| !is_rowid(name) && !settable(name));
    (none && definition.on.event == Event::Update).then_some(Known::NeverFires)
}

fn is_rowid(name: &str) -> bool {
    ["rowid", "_rowid_", "oid"].iter().any(|rowid| rowid.eq_ignore_ascii_case(name))
}

/// Writes to nothing but full-text indexes whose texts are elsewhere.
fn full_text(catalog: &Catalog, definition: &Definition) -> Option<Known> {
    let index = |change: &Change| {
        let table = virtual_table(catalog, &change.table, &["fts3", "fts4", "fts5"])?;
        matches!(table.content, Content::Of(_) | Content::Index(_)).then_some(table)
    };
    only(definition, index).map(Known::FullText)
}

/// Writes to nothing but R*Trees of a file with geometries.
fn spatial_index(catalog: &Catalog, definition: &Definition) -> Option<Known> {
    if !has_geometries(catalog) {
        return None;
    }
    // GDAL counts the rows of each table there.
    let counts = |change: &Change| catalog.table(&change.table).filter(|t| is_spatial_table(&t.name));
    only(definition, |change| {
        virtual_table(catalog, &change.table, &["rtree", "rtree_i32"]).or_else(|| counts(change))
    })
    .map(Known::Spatial)
}

/// Calls functions of a spatial extension, or is on one of its own tables.
fn spatial_check(catalog: &Catalog, definition: &Definition) -> Option<Known> {
    let calls = definition.functions.iter().any(|function| is_spatial(function));
    let own = has_geometries(catalog) && is_spatial_table(&definition.on.table);
    (calls || own).then(|| Known::Spatial(definition.on.table.clone()))
}

/// The table of every write, if each is to one that `is`.
fn only<'c>(definition: &Definition, is: impl Fn(&Change) -> Option<&'c Table>) -> Option<String> {
    if definition.raises || definition.time == Time::InsteadOf {
        return None;
    }
    let tables: Option<Vec<&Table>> = definition.writes.iter().map(is).collect();
    tables?.first().map(|table| table.name.clone())
}

fn virtual_table<'c>(catalog: &'c Catalog, name: &str, modules: &[&str]) -> Option<&'c Table> {
    catalog.table(name).filter(|table| match &table.kind {
        TableKind::Virtual { module, .. } => modules.iter().any(|m| m.eq_ignore_ascii_case(module)),
        _ => false,
    })
}

/// A GeoPackage, or a database of SpatiaLite.
fn has_geometries(catalog: &Catalog) -> bool {
    ["gpkg_contents", "geometry_columns", "spatial_ref_sys"].iter().any(|name| catalog.table(name).is_some())
}

fn is_spatial_table(name: &str) -> bool {
    let name = name.to_ascii_lowercase();
    [
        "gpkg_",
        "geometry_columns",
        "spatial_ref_sys",
        "views_geometry",
        "virts_geometry",
        "idx_",
        "vector_layers",
    ]
    .iter()
    .any(|head| name.starts_with(head))
}

fn is_spatial(function: &str) -> bool {
    function.starts_with("st_")
        || ["geometryconstraints", "rtreealign", "isvalidgpb", "gpkg_"]
            .iter()
            .any(|f| function.starts_with(f))
}
