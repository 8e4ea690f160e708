//! What the file's damage means for the tables that take part.

use crate::finding::{Finding, Fix, Kind};
use crate::plan::context::Context;
use crate::plan::given::words::OnError;
use crate::plan::resolve::select::Selection;
use crate::sqltext::sqlite_ident;

const RECOVER: &str =
    "See sqlite_check(path). The sqlite3 shell's .recover command may save rows into another file.";

/// Findings for everything that was found broken. What cannot be laid to one table stops a run that goes on, too.
pub fn report(ctx: &Context<'_>, selection: &Selection<'_>, findings: &mut Vec<Finding>) {
    let damage = ctx.source.damage;
    let go_on = ctx.overrides.on_error == Some(OnError::Continue);
    let chosen = |name: &str| {
        let at = ctx.source.catalog.tables.iter().position(|t| t.name.eq_ignore_ascii_case(name));
        at.is_some_and(|at| selection.selected.get(at) == Some(&true))
    };
    if let Some(problem) = &damage.schema {
        let message = format!(
            "the schema of the file is damaged, so that its tables are not known: \
                               {problem}"
        );
        findings.push(Kind::Damaged.blocking("sqlite_schema", message).hint(RECOVER));
    }
    if let Some(problem) = &damage.unplaced {
        let message = format!("pages of the file are damaged that may belong to any table: {problem}");
        findings.push(Kind::Damaged.blocking("file", message).hint(RECOVER));
    }
    for table in damage.tables.iter().filter(|d| chosen(&d.table)) {
        let message = format!("pages of the table are damaged: {}", table.problem);
        findings.push(match go_on {
            true => Kind::Damaged.warning(&table.table, message).hint("See sqlite_check(path)."),
            false => {
                let finding = Kind::Damaged.blocking(&table.table, message);
                let finding = finding.fix_amid(
                    "See sqlite_check(path).",
                    Fix::of_plan("on_error", "continue"),
                    " to load every row that can still be reached",
                    "",
                );
                Finding { table: ctx.source.catalog.id(&table.table), ..finding }
            }
        });
    }
    for index in damage.indexes.iter().filter(|d| chosen(&d.table)) {
        let message = format!("is damaged; rows are read without it: {}", index.problem);
        let finding = Kind::Damaged.warning(format!("index {}", index.index), message);
        findings.push(match index.index == index.table {
            true => {
                let name = sqlite_ident(&index.table);
                finding.hint(format!("INSERT INTO {name} ({name}) VALUES ('rebuild') in SQLite repairs it."))
            }
            false => finding.hint("REINDEX in SQLite repairs it."),
        });
    }
    if let Some(problem) = &damage.rowless {
        let message = format!("pages that hold no rows are damaged: {problem}");
        findings.push(Kind::Damaged.warning("file", message).hint("VACUUM in SQLite rebuilds the file."));
    }
    for (table, reason) in damage.unchecked.iter().filter(|(table, _)| chosen(table)) {
        let message = format!("could not be checked for damage: {reason}");
        findings.push(Kind::Unchecked.info(table, message));
    }
}
