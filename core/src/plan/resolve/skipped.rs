//! What takes no part: virtual tables, their shadows, and what could not be read.

use crate::catalog::{Content, Table, TableKind};
use crate::finding::{Finding, Fix, Kind, counted};
use crate::plan::context::Context;
use crate::plan::given::words::OnError;
use crate::plan::model::TablePlan;
use crate::plan::resolve::names;
use crate::plan::resolve::select::{Selection, is_internal};

/// Findings for everything left out, and result rows for tables whose absence was not asked for.
pub fn report(ctx: &Context<'_>, selection: &Selection<'_>, findings: &mut Vec<Finding>) -> Vec<TablePlan> {
    let mut rows = Vec::new();
    for (id, table) in ctx.source.catalog.tables_with_ids() {
        let given = selection.overrides.get(id.index()).copied().flatten();
        let chosen = selection.selected.get(id.index()) == Some(&true);
        if chosen || is_internal(table) || given.is_some_and(|g| g.skip == Some(true)) {
            continue;
        }
        if let Some(finding) = table_finding(table) {
            if matches!(table.kind, TableKind::Virtual { .. }) {
                let schema = ctx.plan.of_table(given).schema;
                let target =
                    names::clip(&names::fold(ctx.names, &ctx.name_rules.table(&table.name)), names::LIMIT)
                        .to_string();
                rows.push(TablePlan::left_out(id, &table.name, schema, target, finding.message.clone()));
            }
            findings.push(finding);
        }
    }
    problems(ctx, selection, findings);
    rows
}

fn table_finding(table: &Table) -> Option<Finding> {
    let object = &table.name;
    match &table.kind {
        TableKind::Ordinary => None,
        TableKind::Shadow { of } => {
            let message = format!("holds the data of virtual table \"{of}\" and is not loaded");
            Some(Kind::ShadowTable.info(object, message))
        }
        TableKind::Virtual { module, usable: false } => {
            let own = match table.content {
                Content::Own(rows) => format!(", and {}", stored_only_there(rows)),
                _ => String::new(),
            };
            let message =
                format!("virtual table is not loaded: its module \"{module}\" is not available{own}");
            let hint = "Copy its content into an ordinary table with the application that has the module.";
            Some(Kind::VirtualTable.warning(object, message).hint(hint))
        }
        TableKind::Virtual { module, usable: true } => {
            let content = match &table.content {
                Content::Computed => "its module computes its content".into(),
                Content::Own(rows) => stored_only_there(*rows),
                Content::Of(of) => format!("its content is derived from table \"{of}\""),
                Content::Index(rows) => {
                    let rows = counted(*rows, "row", "rows");
                    format!("it is an index of {rows} whose texts are not in the file")
                }
            };
            let message = format!("virtual table of module \"{module}\" is not loaded: {content}");
            let finding = Kind::VirtualTable.warning(object, message);
            Some(match table.content {
                Content::Index(_) => {
                    finding.hint("Create a text search index in after, where the texts are.")
                }
                _ => {
                    let fix = Fix::of_table(object, "skip", false);
                    finding.fix(fix, " to load its rows into an ordinary table")
                }
            })
        }
    }
}

fn stored_only_there(rows: u64) -> String {
    let rows = counted(rows, "row is", "rows are");
    format!("its {rows} stored only there")
}

fn problems(ctx: &Context<'_>, selection: &Selection<'_>, findings: &mut Vec<Finding>) {
    let catalog = ctx.source.catalog;
    let go_on = ctx.overrides.on_error == Some(OnError::Continue);
    for problem in &catalog.problems {
        // A table that is left out has a finding, or was left out on purpose.
        let id = catalog.id(&problem.object);
        if id.is_some_and(|id| selection.selected.get(id.index()) == Some(&false)) {
            continue;
        }
        findings.push(match go_on {
            true => Kind::Unreadable.warning(&problem.object, &problem.reason),
            false => {
                let finding = Kind::Unreadable.blocking(&problem.object, &problem.reason);
                finding.fix(Fix::of_plan("on_error", "continue"), " to go on without it")
            }
        });
    }
}
