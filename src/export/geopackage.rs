//! Makes a GeoPackage of a file whose tables are filled.

use pgrx::PgSqlErrorCode as Code;

use crate::error::Error;
use crate::newfile::refused;
use crate::pg::postgis;
use crate::pg::spi::{self, Row};
use crate::pg::thread;
use crate::sqlite;
use crate::sqlite::create::NewFile;
use crate::sqlite::geopackage::{MOST_SRIDS, Scanned};
use pg_sqlite_migrate_core::export::geopackage::{self, Filled, Layer, LayerColumn};

/// The systems that every GeoPackage has.
const ALWAYS: [i32; 3] = [-1, 0, 4326];

/// Adds the tables about tables, and the R*Trees. What is to be said of a table comes with its name.
pub fn finish(file: &mut NewFile, layers: &[Layer]) -> Result<Vec<(String, String)>, Error> {
    if layers.is_empty() {
        return Ok(vec![]);
    }
    let mut told = vec![];
    let mut described = vec![];
    for layer in layers {
        let Some(column) = &layer.geometries else {
            described.push((layer, 0, Filled::default()));
            continue;
        };
        let (filled, scanned) = {
            let file = &mut *file;
            thread::run(move || indexed(file, layer, column))?
        };
        if filled.key.is_none() {
            let message = "no column is its INTEGER PRIMARY KEY, as a GeoPackage wants: it has no R*Tree";
            told.push((layer.table.clone(), message.to_owned()));
        }
        described.push((layer, srid(layer, column, &scanned)?, filled));
    }
    let mut statements: Vec<String> = geopackage::TABLES.map(str::to_owned).to_vec();
    let mut srids: Vec<i32> = described.iter().map(|(_, srid, _)| *srid).collect();
    srids.sort_unstable();
    srids.dedup();
    srids.retain(|srid| !ALWAYS.contains(srid));
    statements.extend(systems(&srids));
    for (layer, srid, filled) in &described {
        statements.extend(geopackage::rows(layer, *srid, filled));
        if let (Some(column), Some(key)) = (&layer.geometries, &filled.key) {
            statements.extend(geopackage::triggers(layer, column, key));
        }
    }
    let file = &mut *file;
    thread::run(move || {
        statements.iter().try_for_each(|sql| file.execute(sql))?;
        Ok::<_, sqlite::Error>(())
    })?;
    Ok(told)
}

fn indexed(
    file: &mut NewFile,
    layer: &Layer,
    column: &LayerColumn,
) -> Result<(Filled, Scanned), sqlite::Error> {
    let key = file.rowid_alias(&layer.table)?;
    let tree = key.as_ref().map(|_| geopackage::tree_name(layer, column));
    if let Some(tree) = &tree {
        file.execute_module(&geopackage::tree(tree))?;
    }
    let scanned = file.scan_geometries(&layer.table, &column.name, tree.as_deref().zip(key.as_deref()))?;
    let literal = |number: f64| if number.is_finite() { format!("{number:e}") } else { "NULL".into() };
    let bounds = scanned.bounds.map(|b| [b.x[0], b.y[0], b.x[1], b.y[1]].map(literal));
    let curves = ["CircularString", "CompoundCurve", "CurvePolygon", "MultiCurve", "MultiSurface"];
    let stored = scanned.stats.names();
    let curves = curves.into_iter().filter(|curve| stored.contains(curve)).collect();
    Ok((Filled { key, bounds, curves }, scanned))
}

/// The one SRID of a layer.
fn srid(layer: &Layer, column: &LayerColumn, scanned: &Scanned) -> Result<i32, Error> {
    match scanned.srids.as_slice() {
        [] => Ok(column.srid),
        [srid] => Ok(*srid),
        srids => {
            let list: Vec<String> = srids.iter().map(i32::to_string).collect();
            let message = format!(
                "table \"{}\": the geometries of column \"{}\" have different SRIDs, and a layer of a GeoPackage has one",
                layer.table, column.name
            );
            let more = if srids.len() == MOST_SRIDS { ", …" } else { "" };
            let detail = format!("They have {}{more}.", list.join(", "));
            let hint = "Transform them to one SRID with ST_Transform().".to_owned();
            Err(refused(Code::ERRCODE_DATA_EXCEPTION, message, Some(detail), Some(hint)))
        }
    }
}

/// The rows of systems beyond those that every GeoPackage has.
fn systems(srids: &[i32]) -> Vec<String> {
    let known = postgis::systems().map(|table| {
        let sql = format!(
            "SELECT srid, COALESCE(auth_name, '')::text AS organisation, COALESCE(auth_srid, srid) AS code,
                    COALESCE(srtext, '')::text AS definition
             FROM {} WHERE srid = ANY ($1::pg_catalog.int4[])",
            table.name
        );
        let of_row = |row: &Row<'_>| {
            let (srid, code): (i32, i32) = (row.get("srid"), row.get("code"));
            let (organisation, definition): (String, String) =
                (row.get("organisation"), row.get("definition"));
            (srid, geopackage::system(srid, &organisation, code, &definition))
        };
        let wanted: Vec<String> = srids.iter().map(i32::to_string).collect();
        spi::rows(&sql, &[wanted.as_slice().into()], of_row)
    });
    let known = known.unwrap_or_default();
    let row = |srid: &i32| {
        let found = known.iter().find(|(of, _)| of == srid).map(|(_, sql)| sql.clone());
        found.unwrap_or_else(|| geopackage::system(*srid, "", *srid, ""))
    };
    srids.iter().map(row).collect()
}
