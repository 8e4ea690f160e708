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
use crate::plan::systems::{POSTGIS, Place, Standing};
use crate::spatial::Spatial;
use crate::sqltext::{ident, literal, qualified};
use crate::types::{Choice, ColumnProfile};
use crate::value::PgType;
use crate::value::geometry::Container;
use crate::value::geometry::declared::Geometries;
use crate::value::geometry::stats::Stats;
use crate::value::geometry::value::Srids;

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

/// Texts stay texts where there is no PostGIS.
pub fn is_read(ctx: &Context<'_>, of: &Geometries) -> bool {
    of.container != Container::Wkt || extensions::schema(ctx, POSTGIS).is_some()
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
        let (wkt, unread) = (of.container == Container::Wkt, extensions::schema(ctx, POSTGIS).is_none());
        let left = if wkt { PgType::Text } else { PgType::Bytea };
        if column.pg_type == left && unread && table.fresh() {
            // A number of the file's own could be another's.
            let srid = if of.system.is_common() { of.system.code } else { 0 };
            let (becomes, function) = if wkt {
                ("stay text", "ST_GeomFromText")
            } else {
                ("become bytea with WKB", "ST_GeomFromWKB")
            };
            let message = format!(
                "the geometries {becomes}: the extension postgis is not there, and the caller cannot create it"
            );
            let hint = format!(
                "Once PostGIS is there: ALTER TABLE {} ALTER COLUMN {} TYPE geometry USING {function}({}, {srid});",
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
    Srids { stored: of.system.id, becomes: ctx.systems.at(&of.system).srid }
}

/// Rows of `spatial_ref_sys` for the systems that it does not have, as steps; or what to say of those that cannot be added.
pub fn definitions(
    ctx: &Context<'_>,
    tables: &[&DecidedTable<'_>],
    findings: &mut Vec<Finding>,
) -> Vec<(String, String)> {
    let Some(schema) = extensions::schema(ctx, POSTGIS) else { return vec![] };
    let insertable = match &ctx.target.systems {
        Some(systems) => systems.insertable,
        None => extensions::create(ctx, POSTGIS).is_some(),
    };
    let (mut seen, mut out) = (BTreeSet::new(), vec![]);
    for column in tables.iter().flat_map(|table| &table.columns).filter(|c| c.pg_type.is_postgis()) {
        let Some(of) = column.geometries() else { continue };
        let system = &of.system;
        let Place { srid, standing } = ctx.systems.at(system);
        let object = format!("SRID {}", system.id);
        let title = match system.organisation.as_str() {
            "" => format!("system {}", system.id),
            organisation => format!("{organisation} {}", system.code),
        };
        match standing {
            Standing::Undefined | Standing::Known => continue,
            // Two numbers of the file may be one system.
            Standing::New if !seen.insert((srid, 0)) => continue,
            Standing::Unknown if !seen.insert((srid, system.id)) => continue,
            Standing::New => {}
            Standing::Unknown => {
                let message = unknown(&title, srid, ctx.target.systems.is_some() || insertable);
                findings.push(Kind::Geometry.warning(object, message));
                continue;
            }
        }
        let proj4 = if system.proj4.is_empty() { "NULL".to_owned() } else { literal(&system.proj4) };
        let table = qualified(schema, "spatial_ref_sys");
        let (organisation, code) = (literal(&system.organisation), system.code);
        let definition = literal(&system.definition);
        let sql = format!(
            "INSERT INTO {table} (srid, auth_name, auth_srid, srtext, proj4text) VALUES ({srid}, {organisation}, {code}, {definition}, {proj4}) ON CONFLICT (srid) DO NOTHING"
        );
        if !insertable {
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
        // Somebody may have given the number to another system since the plan was made.
        let body = format!(
            "BEGIN IF NOT EXISTS (SELECT FROM {table} WHERE srid = {srid} AND auth_name = {organisation} AND auth_srid = {code} AND srtext = {definition}) \
             THEN RAISE serialization_failure USING MESSAGE = 'SRID {srid} has become that of another system of coordinates', HINT = 'Run the import again: it chooses another SRID.'; END IF; END"
        );
        out.push((format!("check SRID {srid}"), format!("DO {}", literal(&body))));
    }
    out
}

fn unknown(title: &str, srid: i32, readable: bool) -> String {
    if !readable {
        return format!(
            "{title} may be in spatial_ref_sys, which the caller may not read: its geometries have SRID 0"
        );
    }
    if srid > 0 {
        return format!(
            "{title} has no definition that spatial_ref_sys takes: its geometries have SRID {srid}, of which PostGIS knows nothing"
        );
    }
    format!(
        "{title} has no definition that spatial_ref_sys takes, or no SRID is free: its geometries have SRID 0"
    )
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
