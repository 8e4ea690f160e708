//! What the server is asked of a plan: whether it takes a translated expression, or an index over a type unknown here.
//!
//! Every decision that depends on it calls [`accepted`], which lists what has to be tried. `import::trial` tries it on
//! a temporary table, and the plan is made anew, knowing what was refused. Pure: nothing is tried here.

use super::generated;
use super::object::Object;
use super::table::{DecidedColumn, DecidedTable, Tried};
use crate::plan::context::Context;
use crate::plan::trial::{NAME, Part, Piece, Statement, Trial};
use crate::sqltext::{ident, qualified};

/// In place of the collation that ignores case, which may not exist yet: any that is not a column's default will do.
pub const COLLATION: &str = " COLLATE \"pg_catalog\".\"POSIX\"";

/// Notes what has to be tried. `Err` is why the server refuses it.
pub fn accepted(
    ctx: &Context<'_>,
    table: &mut DecidedTable<'_>,
    part: Part,
    tried: Tried,
) -> Result<(), String> {
    table.tried.push((part, tried));
    let refused = ctx.target.refused.iter().find(|r| r.part == part && r.table == table.id);
    refused.map_or(Ok(()), |r| Err(format!("PostgreSQL refuses it: {}", r.reason)))
}

/// The tables that have something to try.
pub fn trials(ctx: &Context<'_>, tables: &[DecidedTable<'_>]) -> Vec<Trial> {
    tables.iter().filter(|d| d.fresh() && !d.tried.is_empty()).map(|d| trial(ctx, d)).collect()
}

/// The schema of the table on which is tried: a caller who may make no temporary tables may make one where the table
/// itself is to be.
pub fn schema<'s>(ctx: &Context<'_>, table: &'s DecidedTable<'_>) -> &'s str {
    if ctx.target.no_temporary { &table.settings.schema } else { "pg_temp" }
}

/// Statements that put a copy with some of its rows in its place, and give it this name: what is deleted comes into an
/// index all the same.
pub fn copy(ctx: &Context<'_>, table: &DecidedTable<'_>, label: &str, condition: &str) -> String {
    let (schema, whole) = (schema(ctx, table), format!("{NAME}_{label}"));
    let kind = if ctx.target.no_temporary { "UNLOGGED" } else { "TEMPORARY" };
    let (on, from) = (qualified(schema, NAME), qualified(schema, &whole));
    format!(
        "ALTER TABLE {on} RENAME TO {}; CREATE {kind} TABLE {on} AS SELECT * FROM {from} AS loaded WHERE {condition}",
        ident(&whole)
    )
}

/// The statements that create it.
fn create_with(ctx: &Context<'_>, table: &DecidedTable<'_>, columns: &[String]) -> String {
    let (schema, columns) = (schema(ctx, table), columns.join(", "));
    let on = qualified(schema, NAME);
    if !ctx.target.no_temporary {
        return format!("CREATE TEMPORARY TABLE {on} ({columns})");
    }
    let missing = !ctx.target.schemas.iter().any(|existing| existing == schema);
    let first = if missing { format!("CREATE SCHEMA {}; ", ident(schema)) } else { String::new() };
    format!("{first}CREATE UNLOGGED TABLE {on} ({columns})")
}

/// A table with the columns of this one, computed ones too.
pub fn create(ctx: &Context<'_>, table: &DecidedTable<'_>) -> String {
    let columns: Vec<String> = match table.existing {
        // A domain's constraints are not at issue.
        Some(existing) => {
            existing.columns.iter().map(|c| format!("{} {}", ident(&c.name), c.pg_type.base())).collect()
        }
        None => (table.columns.iter())
            .map(|c| match &c.generated {
                Some(generated) => format!("{} {}", definition(c), generated.clause()),
                None => definition(c),
            })
            .collect(),
    };
    create_with(ctx, table, &columns)
}

/// An empty temporary table with this name that has the columns of this one, for views to be tried on.
pub fn stand_in(table: &DecidedTable<'_>, name: &str) -> String {
    let computed = table.objects.iter().flat_map(|object| match object {
        Object::Computed(columns) => columns.as_slice(),
        _ => &[],
    });
    let computed = computed.map(|column| format!("{} {}", ident(&column.name), column.pg_type));
    let columns: Vec<String> = table.columns.iter().map(definition).chain(computed).collect();
    format!("CREATE TEMPORARY TABLE {name} ({})", columns.join(", "))
}

fn definition(c: &DecidedColumn<'_>) -> String {
    definition_as(c, &c.target)
}

fn definition_as(c: &DecidedColumn<'_>, name: &str) -> String {
    // Expressions read the text of a citext column, so the type, which may not exist yet, does not matter.
    let folded = c.folding.is_some().then_some(COLLATION);
    format!("{} {}{}", ident(name), c.pg_type, folded.unwrap_or_default())
}

fn trial(ctx: &Context<'_>, table: &DecidedTable<'_>) -> Trial {
    let on = qualified(schema(ctx, table), NAME);
    let at = |position: usize| table.columns.iter().chain(&table.apart).find(|c| c.position == position);
    let adds =
        |c: &&DecidedColumn<'_>| table.tried.iter().any(|(part, _)| *part == Part::Generated(c.position));
    let columns: Vec<String> = table.columns.iter().filter(|c| !adds(c)).map(definition).collect();
    let piece = |(part, tried): &(Part, Tried)| {
        let (statement, instead) = match (part, tried) {
            (Part::Generated(position), Tried::Expression(sql)) => {
                let add = format!("ADD COLUMN {}", definition(at(*position)?));
                (Statement::Alter(format!("{add} GENERATED ALWAYS AS ({sql}) STORED")), Some(add))
            }
            (Part::Default(position), Tried::Expression(sql)) => {
                let name = ident(&at(*position)?.target);
                (Statement::Alter(format!("ALTER COLUMN {name} SET DEFAULT {sql}")), None)
            }
            // Beside the column that is stored.
            (Part::Unstored(position), Tried::Virtual(sql)) => {
                let definition = definition_as(at(*position)?, &format!("{NAME}_{position}"));
                let sql = format!("ADD COLUMN {definition} GENERATED ALWAYS AS ({sql}) VIRTUAL");
                (Statement::Alter(sql), None)
            }
            (Part::Unstored(position), Tried::Selected(sql)) => {
                let view = qualified(schema(ctx, table), &format!("{NAME}_{position}"));
                // A value for each row: no aggregate beside columns, and no set where there can be only one.
                let value = generated::value(sql, &at(*position)?.pg_type);
                let tried = format!("SELECT *, CASE WHEN true THEN {value} END FROM {on}");
                let kind = if ctx.target.no_temporary { "" } else { "TEMPORARY " };
                (Statement::Create(format!("CREATE {kind}VIEW {view} AS {tried}")), None)
            }
            (_, Tried::Virtual(_) | Tried::Selected(_)) => return None,
            (_, Tried::Expression(sql)) => (Statement::Alter(format!("ADD CHECK ({sql})")), None),
            (_, Tried::Index(keys)) => {
                let sql = format!("CREATE INDEX ON {on} {}", keys.sql(COLLATION));
                (Statement::Create(sql), None)
            }
        };
        Some(Piece { part: *part, on: on.clone(), statement, instead })
    };
    Trial {
        table: table.id,
        create: create_with(ctx, table, &columns),
        pieces: table.tried.iter().filter_map(piece).collect(),
    }
}
