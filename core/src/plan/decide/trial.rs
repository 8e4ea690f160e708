//! What the server is asked of a plan: whether it takes a translated expression, or an index over a type unknown here.
//!
//! Every decision that depends on it asks [`accepted`], which notes what has to be tried. `import::trial` tries it on a
//! temporary table, and the plan is made anew, knowing what was refused. Pure: nothing is tried here.

use super::collate;
use super::draft::{Context, Draft, DraftColumn};
pub use crate::plan::trial::Part;
use crate::plan::trial::{Piece, Statement, TABLE, Trial};
use crate::sqltext::ident;

/// Stands for the collation that ignores case, which may be still to be made: any that is not a column's default will do.
const COLLATION: &str = " COLLATE \"pg_catalog\".\"POSIX\"";

/// Notes that `sql` (an expression, a condition, or keys and predicate of an index) has to be tried. `Err` is why the
/// server refuses it.
pub fn accepted(ctx: &Context<'_>, draft: &mut Draft<'_>, part: Part, sql: &str) -> Result<(), String> {
    draft.tried.push((part, sql.to_owned()));
    let refused = ctx.target.refused.iter().find(|r| r.part == part && r.table == draft.table.name);
    refused.map_or(Ok(()), |r| Err(format!("PostgreSQL refuses it: {}", r.reason)))
}

/// The tables that have something to try.
pub fn trials(drafts: &[Draft<'_>]) -> Vec<Trial> {
    drafts.iter().filter(|d| d.fresh() && !d.tried.is_empty()).map(trial).collect()
}

fn trial(draft: &Draft<'_>) -> Trial {
    let nocase = collate::clause(&draft.settings.schema);
    let column = |c: &DraftColumn<'_>| {
        format!("{} {}{}", ident(&c.target), c.pg_type, if c.nocase { COLLATION } else { "" })
    };
    let adds = |at: usize| draft.tried.iter().any(|(part, _)| *part == Part::Generated(at));
    let kept = draft.columns.iter().enumerate().filter(|(at, c)| !c.skip && !adds(*at));
    let columns: Vec<String> = kept.map(|(_, c)| column(c)).collect();
    let piece = |(part, sql): &(Part, String)| {
        let sql = sql.replace(&nocase, COLLATION);
        let alter = |action: String| Some((Statement::Alter(action), None));
        let (statement, instead) = match part {
            Part::Generated(at) => {
                let add = format!("ADD COLUMN {}", column(draft.columns.get(*at)?));
                (Statement::Alter(format!("{add} GENERATED ALWAYS AS ({sql}) STORED")), Some(add))
            }
            Part::Default(at) => {
                let name = ident(&draft.columns.get(*at)?.target);
                alter(format!("ALTER COLUMN {name} SET DEFAULT {sql}"))?
            }
            Part::Check(_) => alter(format!("ADD CHECK ({sql})"))?,
            Part::PrimaryKey | Part::Index(_) => {
                (Statement::CreateIndex(format!("CREATE INDEX ON {TABLE} {sql}")), None)
            }
        };
        Some(Piece { part: *part, statement, instead })
    };
    Trial {
        table: draft.table.name.clone(),
        create: format!("CREATE TEMPORARY TABLE {TABLE} ({})", columns.join(", ")),
        pieces: draft.tried.iter().filter_map(piece).collect(),
    }
}
