//! R*Trees: the index by which their rows are found, over a box of one or two dimensions, or a cube of more; for geopoly
//! over its polygons, where the plan makes such of them.
//!
//! Operators of `box` compare with a tolerance, so that the index finds rows that a query then has to test by the columns
//! themselves (docs/virtual_tables.md).

use super::extensions;
use super::object::{IndexKey, IndexKeys, Method, Object};
use super::table::{DecidedColumn, DecidedTable};
use crate::ddl;
use crate::finding::{Finding, Kind};
use crate::plan::context::Context;
use crate::plan::model::Phase;
use crate::plan::resolve::names::{Scope, make_object_name};
use crate::sqltext::{ident, qualified};
use crate::value::PgType;

/// The extension with the type `cube`.
pub const CUBE: &str = "cube";

/// The column of a geopoly table in which its polygons are.
const SHAPE: &str = "_shape";

/// Plans the index of a fresh table.
pub fn index(
    ctx: &Context<'_>,
    table: &mut DecidedTable<'_>,
    relations: &mut Scope,
    findings: &mut Vec<Finding>,
) {
    let found = match () {
        () if table.source.is_rtree() => expression(ctx, table),
        () => match polygons(table) {
            Some(sql) => Ok(("polygon", sql)),
            None => return,
        },
    };
    match found {
        Ok((kind, sql)) => {
            let name = make_object_name(&table.target, kind, "idx");
            if !table.settings.indexes.take(&name) {
                return;
            }
            let name = relations.claim(&name);
            table.extensions.extend((kind == CUBE).then_some(CUBE));
            let keys =
                IndexKeys { keys: vec![IndexKey::plain(sql)], method: Method::Gist, ..IndexKeys::default() };
            table.objects.push(Object::Index { name, unique: false, keys, phase: Phase::Indexes });
        }
        Err(why) => {
            let message = format!("the index of the R*Tree is left out: {why}");
            let finding = Kind::LeftOut.warning(&table.source.name, message);
            table.left_out(findings, finding.hint("Create a PostgreSQL index in after."));
        }
    }
}

/// The column with the polygons of a geopoly table.
fn polygons(table: &DecidedTable<'_>) -> Option<String> {
    let column = table.column(SHAPE).filter(|_| table.source.is_geopoly())?;
    matches!(column.pg_type.base(), PgType::Other(name) if name == "polygon").then(|| ident(&column.target))
}

/// What the index is over, and its type.
fn expression(ctx: &Context<'_>, table: &DecidedTable<'_>) -> Result<(&'static str, String), String> {
    let bounds = bounds(table)?;
    let side = |at: usize| bounds.iter().map(|pair| pair[at].clone()).collect::<Vec<_>>();
    let (low, high) = (side(0), side(1));
    let point = |side: &[String]| match side {
        [x] => format!("pg_catalog.point({x}, 0)"),
        _ => format!("pg_catalog.point({})", side.join(", ")),
    };
    if bounds.len() <= 2 {
        return Ok(("box", format!("pg_catalog.box({}, {})", point(&low), point(&high))));
    }
    let schema = extensions::schema(ctx, CUBE)
        .ok_or_else(|| format!("{} dimensions need the extension cube, which cannot be had", bounds.len()))?;
    let array = |side: &[String]| format!("ARRAY[{}]::pg_catalog.float8[]", side.join(", "));
    Ok((CUBE, format!("{}({}, {})", qualified(schema, "cube"), array(&low), array(&high))))
}

/// The least and the largest value of each dimension, as SQL.
fn bounds(table: &DecidedTable<'_>) -> Result<Vec<[String; 2]>, String> {
    let arguments = ddl::module_arguments(&table.source.sql)?;
    let coordinates = arguments.iter().skip(1).take_while(|argument| !argument.starts_with('+')).count();
    let columns = table.source.columns.iter().skip(1).take(coordinates);
    let sql = columns.map(|source| match table.column(&source.name) {
        None => Err(format!("column \"{}\" is not carried over", source.name)),
        Some(column) => number(column).ok_or_else(|| format!("column \"{}\" is no number", source.name)),
    });
    let sql = sql.collect::<Result<Vec<String>, String>>()?;
    let pairs: Vec<[String; 2]> =
        sql.chunks_exact(2).filter_map(|pair| pair.to_vec().try_into().ok()).collect();
    match pairs.is_empty() {
        true => Err("it has no dimension".into()),
        false => Ok(pairs),
    }
}

fn number(column: &DecidedColumn<'_>) -> Option<String> {
    let name = ident(&column.target);
    match column.pg_type {
        PgType::Float8 => Some(name),
        PgType::Float4 | PgType::Int2 | PgType::Int4 | PgType::Int8 => {
            Some(format!("{name}::pg_catalog.float8"))
        }
        _ => None,
    }
}
