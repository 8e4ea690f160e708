//! What of a run `sqlite_rollback` could not take back, said when the run is planned.

use super::table::DecidedTable;
use crate::finding::{Finding, Fix, Kind};
use crate::plan::context::Context;
use crate::plan::resolve::table::Disposition;

/// Why a table's rows would not be as before the run; `None` where they would.
pub fn reason(ctx: &Context<'_>, table: &DecidedTable<'_>) -> Option<&'static str> {
    let existing = match table.disposition {
        Disposition::Absent | Disposition::Create => return None,
        Disposition::Replace => return Some("the table that was there before is dropped"),
        Disposition::Keep { truncate } => table.existing.filter(|existing| {
            // A table that holds nothing loses nothing.
            !truncate || existing.rows == Some(0)
        }),
    };
    let Some(existing) = existing else { return Some("the rows that were there before are truncated") };
    if existing.relkind == 'v' || existing.insert_rules {
        return Some("its rows go where a view, a rule or a trigger leads them");
    }
    if table.settings.fire_triggers && !existing.triggers.is_empty() {
        return Some("its triggers fire, and may change other rows");
    }
    if existing.citus.is_some() {
        return Some("Citus keeps its rows, which do not tell who wrote them");
    }
    (updates(table) && ctx.overrides.undo != Some(true))
        .then_some("rows that were there before get other values, and their own are not kept")
}

/// Rows that exist take other values.
fn updates(table: &DecidedTable<'_>) -> bool {
    !table.starts_empty() && table.conflict.as_ref().is_some_and(|conflict| !conflict.update.is_empty())
}

/// Says so.
pub fn report(ctx: &Context<'_>, tables: &[DecidedTable<'_>], findings: &mut Vec<Finding>) {
    const HINT: &str = "Make a dump of the table before, if the run may have to be taken back.";
    for table in tables {
        let Some(reason) = reason(ctx, table) else { continue };
        let message = format!("sqlite_rollback cannot take the load back: {reason}");
        let finding = Kind::Irreversible.info(&table.source.name, message).of(table.id);
        let undo = Fix::of_plan("undo", true);
        findings.push(match updates(table) && reason.ends_with("not kept") {
            true => finding.fix(undo, " to keep them in the run log"),
            false => finding.hint(HINT),
        });
    }
    for (key, statements) in [("before", &ctx.overrides.before), ("after", &ctx.overrides.after)] {
        if statements.as_ref().is_some_and(|list| !list.is_empty()) {
            let message = format!(
                "sqlite_rollback does not take back what the statements of \"{key}\" change in rows, rights and existing objects"
            );
            let hint = "Undo it by statements of your own.";
            findings.push(Kind::Irreversible.info(format!("plan.{key}"), message).hint(hint));
        }
    }
}
