//! Columns with geometries: PostGIS's type where it can be had, the bytes of WKB elsewhere; SRIDs by organisation and code;
//! the index that an R*Tree is in the file.

use std::collections::BTreeSet;

use super::extensions;
use super::object::{IndexKey, IndexKeys, Method, Object};
use super::table::{DecidedColumn, DecidedTable};
use crate::finding::{Finding, Kind, counted};
use crate::plan::context::Context;
use crate::plan::given::geopackage;
use crate::plan::model::Phase;
use crate::plan::resolve::names::{Scope, make_object_name};
use crate::plan::target::Systems;
use crate::spatial::Spatial;
use crate::sqltext::{ident, literal, qualified};
use crate::types::{Choice, ColumnProfile};
use crate::value::PgType;
use crate::value::geometry::declared::{Geometries, System};
use crate::value::geometry::stats::Stats;
use crate::value::geometry::value::Srids;

/// The extension with the types.
pub const POSTGIS: &str = "postgis";

/// What `spatial_ref_sys` takes.
const LONGEST_DEFINITION: usize = 2048;
const LONGEST_ORGANISATION: usize = 256;

/// SRIDs for systems of the file's own whose number another system has in the database.
const SPARE: i32 = 900_000;

/// The type of PostGIS with these modifiers, as PostgreSQL prints it.
fn postgis(ctx: &Context<'_>, modifiers: &str) -> Option<PgType> {
    let schema = extensions::schema(ctx, POSTGIS)?;
    let plain = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '_';
    let bare = schema.chars().all(plain) && !schema.starts_with(|c: char| c.is_ascii_digit());
    let schema = if bare { schema.to_owned() } else { ident(schema) };
    Some(PgType::UserDefined(format!("{schema}.geometry{modifiers}")))
}

/// The plan's own type, with the schema where the extension's is still to be created.
pub fn named(ctx: &Context<'_>, explicit: &PgType) -> Option<PgType> {
    let PgType::Other(name) = explicit else { return None };
    let modifiers = name.strip_prefix("geometry").filter(|_| explicit.is_postgis())?;
    postgis(ctx, modifiers)
}

/// What a column of the file becomes by what is declared and stored.
pub fn choice(ctx: &Context<'_>, of: &Geometries, profile: Option<&ColumnProfile>, complete: bool) -> Choice {
    let stats = profile.and_then(|p| p.geometries.as_ref()).map(|observed| observed.stats);
    let narrowed =
        of.narrowed(stats.as_ref().filter(|_| complete || stored(stats.as_ref())), srids(ctx, of).becomes);
    let pg_type = postgis(ctx, &narrowed.modifiers).unwrap_or(PgType::Bytea);
    let mut reason = match stats.filter(|stats| stats.read > 0) {
        None => format!("no geometry was read; a column of {}", of.container.title()),
        Some(stats) => {
            let kinds = stats.names().join(", ");
            format!("{} of {}: {kinds}", counted(stats.read, "geometry", "geometries"), of.container.title())
        }
    };
    if narrowed.mixed {
        reason.push_str("; of different dimensions, so that the type has no modifier");
    } else if narrowed.others {
        reason.push_str("; others than are declared, so that the type takes any kind");
    }
    Choice { pg_type, format: Some(of.container.format()), reason, findings: vec![] }
}

fn stored(stats: Option<&Stats>) -> bool {
    stats.is_some_and(|stats| stats.read > 0)
}

/// What is said of a column whose type is settled.
pub fn report(ctx: &Context<'_>, table: &DecidedTable<'_>, findings: &mut Vec<Finding>) {
    for column in &table.columns {
        let Some(of) = column.geometries() else { continue };
        let object = format!("{}.{}", table.source.name, column.source.name);
        if column.pg_type == PgType::Bytea && extensions::schema(ctx, POSTGIS).is_none() && table.fresh() {
            let srid = of.system.srid();
            let message = "the geometries become bytea with WKB: the extension postgis is not there, and the caller cannot create it";
            let hint = format!(
                "Once PostGIS is there: ALTER TABLE {} ALTER COLUMN {} TYPE geometry USING ST_GeomFromWKB({}, {srid}).",
                qualified(&table.settings.schema, &table.target),
                ident(&column.target),
                ident(&column.target),
            );
            findings.push(Kind::Geometry.warning(&object, message).hint(hint));
        }
        let Some(stats) = table.stored(column).and_then(|p| p.geometries.as_ref()) else { continue };
        let doubts = [
            (stats.stats.open_rings, "with a ring that is open"),
            (stats.stats.not_finite, "with a coordinate that is NaN or infinite"),
        ];
        let doubts: Vec<String> = (doubts.iter().filter(|(count, _)| *count > 0))
            .map(|(count, what)| format!("{} {what}", counted(*count, "geometry", "geometries")))
            .collect();
        if !doubts.is_empty() && column.pg_type.is_postgis() {
            let message = format!("{}, kept as stored: ST_IsValid() is false of such", doubts.join(", "));
            let hint = "Look for them with ST_IsValidReason().";
            findings.push(Kind::Geometry.info(&object, message).hint(hint));
        }
    }
}

/// The extension that types of the table are of, and the indexes that R*Trees are in the file.
pub fn index(ctx: &Context<'_>, table: &mut DecidedTable<'_>, relations: &mut Scope) {
    if extensions::schema(ctx, POSTGIS).is_none() {
        return;
    }
    if table.columns.iter().any(|column| column.pg_type.is_postgis()) {
        table.extensions.push(POSTGIS);
    }
    let indexed =
        |c: &&DecidedColumn<'_>| c.pg_type.is_postgis() && c.geometries().is_some_and(|of| of.indexed);
    let targets: Vec<String> = table.columns.iter().filter(indexed).map(|c| c.target.clone()).collect();
    for target in targets {
        let name = make_object_name(&table.target, &target, "idx");
        if !table.settings.indexes.take(&name) {
            continue;
        }
        let name = relations.claim(&name);
        let keys = vec![IndexKey::plain(ident(&target))];
        let keys = IndexKeys { keys, method: Method::Gist, ..IndexKeys::default() };
        table.objects.push(Object::Index { name, unique: false, keys, phase: Phase::Indexes });
    }
}

/// The SRIDs of a column's geometries, in the file and in PostgreSQL.
pub fn srids(ctx: &Context<'_>, of: &Geometries) -> Srids {
    Srids { stored: of.system.id, becomes: placed(ctx.target.systems.as_ref(), &of.system).0 }
}

/// The SRID of a system in the database, and whether `spatial_ref_sys` has it there.
fn placed(systems: Option<&Systems>, system: &System) -> (i32, bool) {
    let srid = system.srid();
    // A PostGIS that is still to be created has its own systems.
    let Some(systems) = systems.filter(|_| srid > 0) else { return (srid, srid == 0 || system.is_common()) };
    let at = |srid: i32| systems.rows.iter().find(|row| row.srid == srid);
    if system.is_common() {
        return (srid, at(srid).is_some());
    }
    let is_it = |row: &&crate::plan::target::KnownSystem| {
        row.organisation.eq_ignore_ascii_case(&system.organisation)
            && row.code == system.code
            && row.definition == system.definition
    };
    match (systems.rows.iter().find(is_it), at(srid)) {
        (Some(row), _) => (row.srid, true),
        (None, None) => (srid, false),
        (None, Some(_)) => ((SPARE..SPARE + 1000).find(|srid| at(*srid).is_none()).unwrap_or(0), false),
    }
}

/// Rows of `spatial_ref_sys` for the systems that it does not have, as steps; or what to say of those that cannot be added.
pub fn definitions(
    ctx: &Context<'_>,
    tables: &[&DecidedTable<'_>],
    findings: &mut Vec<Finding>,
) -> Vec<(String, String)> {
    let Some(schema) = extensions::schema(ctx, POSTGIS) else { return vec![] };
    let (mut seen, mut out) = (BTreeSet::new(), vec![]);
    for column in tables.iter().flat_map(|table| &table.columns).filter(|c| c.pg_type.is_postgis()) {
        let Some(of) = column.geometries() else { continue };
        let system = &of.system;
        let (srid, known) = placed(ctx.target.systems.as_ref(), system);
        if known || !seen.insert(srid) {
            continue;
        }
        let object = format!("SRID {}", system.id);
        let fits = !system.definition.is_empty()
            && system.definition.len() <= LONGEST_DEFINITION
            && system.proj4.len() <= LONGEST_DEFINITION
            && system.organisation.len() <= LONGEST_ORGANISATION;
        let title = format!("{} {}", system.organisation, system.code);
        if !fits {
            let message = format!(
                "{title} has no definition that spatial_ref_sys takes: its geometries have SRID {srid}, of which PostGIS knows nothing"
            );
            findings.push(Kind::Geometry.warning(object, message));
            continue;
        }
        let proj4 = if system.proj4.is_empty() { "NULL".to_owned() } else { literal(&system.proj4) };
        let sql = format!(
            "INSERT INTO {} (srid, auth_name, auth_srid, srtext, proj4text) VALUES ({srid}, {}, {}, {}, {proj4}) ON CONFLICT (srid) DO NOTHING",
            qualified(schema, "spatial_ref_sys"),
            literal(&system.organisation),
            system.code,
            literal(&system.definition),
        );
        if ctx.target.systems.as_ref().is_some_and(|systems| !systems.insertable) {
            let message = format!(
                "spatial_ref_sys does not have {title}, and the caller may not add it: its geometries have SRID {srid}, of which PostGIS knows nothing yet"
            );
            let hint = format!("Have its owner run: {sql}");
            findings.push(Kind::Geometry.warning(object, message).hint(hint));
            continue;
        }
        let message = format!("spatial_ref_sys gets {title} as SRID {srid}");
        findings.push(Kind::Geometry.info(object, message));
        out.push((format!("define SRID {srid}"), sql));
    }
    out
}

/// The file's own description of itself is left out.
pub fn left_out(ctx: &Context<'_>, findings: &mut Vec<Finding>) {
    let Some(spatial) = Spatial::of(ctx.source.catalog) else { return };
    if ctx.overrides.geopackage.unwrap_or_default().metadata {
        return;
    }
    let catalog = ctx.source.catalog;
    let names = catalog.tables.iter().map(|t| &t.name).chain(catalog.views.iter().map(|v| &v.name));
    let count = names.filter(|name| spatial.describes(name)).count() as u64;
    let message = format!(
        "{} and views in which {} describes the file are left out",
        counted(count, "table", "tables"),
        spatial.title()
    );
    let finding = Kind::Geometry.info("file", message);
    findings.push(finding.fix(geopackage::with_metadata(), " to load them"));
}
