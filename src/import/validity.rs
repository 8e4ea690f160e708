//! Geometries that PostGIS calls invalid, counted after the load of a table that the run has made: they are kept as they are
//! stored. Assumes that the extension is there by then. A column's count ends after as many geometries and points as take
//! about a second, and stops at a cancel like any statement; what PostGIS cannot judge fails no import.

use std::convert::Infallible;

use super::existing::extensions;
use super::result::{Status, TableResult};
use crate::pg::settings::LocalSettings;
use crate::pg::spi::{self, Row};
use crate::pg::xact;
use pg_sqlite_migrate_core::finding::{Finding, Kind, counted};
use pg_sqlite_migrate_core::plan::systems::POSTGIS;
use pg_sqlite_migrate_core::plan::{LoadColumn, LoadSpec};
use pg_sqlite_migrate_core::sqltext::{ident, qualified};

/// As many of a column are looked at.
const GEOMETRIES: u64 = 100_000;
const POINTS: u64 = 1_000_000;

/// Columns with geometries of tables that the run makes.
pub fn columns<'a>(loads: impl Iterator<Item = &'a LoadSpec>) -> Vec<(&'a LoadSpec, &'a LoadColumn)> {
    let of = |spec: &'a LoadSpec| {
        spec.columns.iter().filter(|c| c.pg_type.is_postgis()).map(move |column| (spec, column))
    };
    loads.filter(|spec| spec.existing.is_none()).flat_map(of).collect()
}

/// What there is to say of those that were loaded.
pub fn count(columns: &[(&LoadSpec, &LoadColumn)], results: &mut [TableResult]) -> Vec<Finding> {
    let found = extensions::read(&[POSTGIS]).into_iter().find(|found| found.installed);
    let Some(schema) = found.and_then(|found| found.schema) else { return vec![] };
    let mut findings = vec![];
    for (spec, column) in columns {
        let result = results.iter_mut().find(|r| r.id == Some(spec.id) && r.status == Status::Loaded);
        let Some((result, said)) = result.zip(said(&schema, spec, column)) else { continue };
        result.detail.push(format!("{}: {said}", column.target));
        let finding = Kind::Geometry.info(format!("{}.{}", spec.source, column.source), said);
        findings
            .push(finding.hint("Look for them with ST_IsValidReason(), and mend them with ST_MakeValid()."));
    }
    findings
}

struct Counted {
    read: i64,
    invalid: i64,
    /// Of one of them.
    reason: Option<String>,
}

fn said(schema: &str, spec: &LoadSpec, column: &LoadColumn) -> Option<String> {
    let (schema, name) = (ident(schema), ident(&column.target));
    let table = qualified(&spec.schema, &spec.target);
    // PostGIS judges no solids and nets of triangles.
    let sql = format!(
        "SELECT count(*) AS read, count(*) FILTER (WHERE NOT valid) AS invalid,
                min(CASE WHEN NOT valid THEN {schema}.st_isvalidreason(g) END) AS reason
         FROM (SELECT g, {schema}.st_isvalid(g) AS valid
               FROM (SELECT g, sum({schema}.st_npoints(g)) OVER (ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING) AS points
                     FROM (SELECT {name}::{schema}.geometry AS g FROM ONLY {table} WHERE {name} IS NOT NULL LIMIT {GEOMETRIES}) AS first
                     WHERE {schema}.geometrytype(g) NOT IN ('POLYHEDRALSURFACE', 'TIN', 'TRIANGLE')) AS summed
               WHERE COALESCE(points, 0) < {POINTS}
               OFFSET 0) AS judged"
    );
    let of = |row: &Row<'_>| Counted {
        read: row.get("read"),
        invalid: row.get("invalid"),
        reason: row.get("reason"),
    };
    let found = {
        // PostGIS raises a notice for each.
        let _quiet = LocalSettings::of("client_min_messages", "error");
        xact::attempt_all(|| Ok::<_, Infallible>(spi::row(&sql, &[], of)))
    };
    let Ok(Ok(Some(found))) = found else { return None };
    let reason = found.reason.map(|reason| format!(" ({reason})")).unwrap_or_default();
    (found.invalid > 0).then(|| {
        format!(
            "ST_IsValid() is false of {} of the {} that were looked at, kept as stored{reason}",
            found.invalid,
            counted(found.read.unsigned_abs(), "geometry", "geometries")
        )
    })
}
