//! What the server is asked of a plan: whether it takes a translated expression, or an index over a type unknown here.
//!
//! Every decision that depends on it calls [`accepted`], which lists what has to be tried. `import::trial` tries it on
//! a temporary table, and the plan is made anew, knowing what was refused. Pure: nothing is tried here.

use super::table::{DecidedColumn, DecidedTable, Tried};
use crate::plan::context::Context;
use crate::plan::trial::{Part, Piece, Statement, TABLE, Trial};
use crate::sqltext::ident;

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
pub fn trials(tables: &[DecidedTable<'_>]) -> Vec<Trial> {
    tables.iter().filter(|d| d.fresh() && !d.tried.is_empty()).map(trial).collect()
}

/// A temporary table with the columns of this one, computed ones too.
pub fn create(table: &DecidedTable<'_>) -> String {
    let columns: Vec<String> = match table.existing {
        // A domain's constraints are not at issue.
        Some(existing) => {
            existing.columns.iter().map(|c| format!("{} {}", ident(&c.name), c.pg_type.base())).collect()
        }
        None => (table.columns.iter())
            .map(|c| match &c.generated {
                Some(sql) => format!("{} GENERATED ALWAYS AS ({sql}) STORED", definition(c)),
                None => definition(c),
            })
            .collect(),
    };
    format!("CREATE TEMPORARY TABLE {TABLE} ({})", columns.join(", "))
}

fn definition(c: &DecidedColumn<'_>) -> String {
    // Expressions read the text of a citext column, so the type, which may not exist yet, does not matter.
    let folded = c.folding.is_some().then_some(COLLATION);
    format!("{} {}{}", ident(&c.target), c.pg_type, folded.unwrap_or_default())
}

fn trial(table: &DecidedTable<'_>) -> Trial {
    let at = |position: usize| table.columns.iter().find(|c| c.position == position);
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
            (_, Tried::Expression(sql)) => (Statement::Alter(format!("ADD CHECK ({sql})")), None),
            (_, Tried::Index(keys)) => {
                let sql = format!("CREATE INDEX ON {TABLE} {}", keys.sql(COLLATION));
                (Statement::CreateIndex(sql), None)
            }
        };
        Some(Piece { part: *part, statement, instead })
    };
    Trial {
        table: table.id,
        create: format!("CREATE TEMPORARY TABLE {TABLE} ({})", columns.join(", ")),
        pieces: table.tried.iter().filter_map(piece).collect(),
    }
}
