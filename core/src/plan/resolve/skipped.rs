//! What takes no part: virtual tables, their shadows, and what could not be read.

use crate::catalog::{Table, TableId, TableKind};
use crate::finding::{Finding, Fix, Kind};
use crate::plan::context::Context;
use crate::plan::given::words::OnError;
use crate::plan::model::TablePlan;
use crate::plan::resolve::collections;
use crate::plan::resolve::names;
use crate::plan::resolve::select::{Selection, is_internal};
use crate::plan::resolve::virtual_tables::{self, Searched};
use crate::spatial::Spatial;

/// Findings for everything left out, and result rows for tables whose absence was not asked for.
pub fn report(
    ctx: &Context<'_>,
    selection: &Selection<'_>,
    searched: &[Searched],
    findings: &mut Vec<Finding>,
) -> Vec<TablePlan> {
    let mut rows = Vec::new();
    let given = |id: TableId| selection.overrides.get(id.index()).copied().flatten();
    let skipped = |id: TableId| given(id).is_some_and(|g| g.skip == Some(true));
    let is_chosen = |id: TableId| selection.selected.get(id.index()) == Some(&true);
    let spatial = Spatial::of(ctx.source.catalog);
    for (id, table) in ctx.source.catalog.tables_with_ids() {
        let chosen = is_chosen(id);
        let made = searched.iter().find(|searched| searched.id == id).map(|searched| &searched.made);
        if chosen {
            findings.extend(virtual_tables::loaded(table, made));
        }
        // One finding tells of all of them.
        let described = spatial.is_some_and(|spatial| spatial.describes(&table.name));
        if chosen || described || is_internal(table) || skipped(id) {
            continue;
        }
        let damaged = collections::damaged(ctx.source.catalog, table);
        let finding = match damaged {
            Some(damaged) if goes_on(ctx) => Some(damaged.warning()),
            Some(damaged) => Some(damaged.blocking().of(id)),
            None => virtual_tables::left_out(ctx.source.catalog, table, made),
        };
        if let Some(finding) = finding {
            let stands_alone = virtual_tables::stand_in(ctx.source.catalog, table).is_none();
            if matches!(table.kind, TableKind::Virtual { .. }) && stands_alone {
                let schema = ctx.plan.of_table(given(id)).schema;
                let target =
                    names::clip(&names::fold(ctx.names, &ctx.name_rules.table(&table.name)), names::LIMIT)
                        .to_string();
                rows.push(TablePlan::left_out(id, &table.name, schema, target, finding.message.clone()));
            }
            findings.push(finding);
        }
    }
    for (id, table) in ctx.source.catalog.tables_with_ids() {
        // What is said of one that cannot be read names them already.
        let stands_in = || virtual_tables::stand_in(ctx.source.catalog, table).is_some();
        let read = match table.kind {
            TableKind::Virtual { usable, .. } => usable || stands_in(),
            _ => false,
        };
        if skipped(id) || !read {
            continue;
        }
        let is_its = |shadow: &Table| matches!(&shadow.kind, TableKind::Shadow { of } if *of == table.name);
        let of_it = ctx.source.catalog.tables_with_ids().filter(|(_, shadow)| is_its(shadow));
        let unloaded = of_it.filter(|(shadow, _)| !is_chosen(*shadow) && !skipped(*shadow));
        let names: Vec<&str> = unloaded.map(|(_, shadow)| shadow.name.as_str()).collect();
        findings.extend(virtual_tables::shadows(table, &names));
    }
    problems(ctx, selection, findings);
    findings.extend(collections::unrecognised(ctx.source.catalog));
    rows
}

fn goes_on(ctx: &Context<'_>) -> bool {
    ctx.overrides.on_error == Some(OnError::Continue)
}

fn problems(ctx: &Context<'_>, selection: &Selection<'_>, findings: &mut Vec<Finding>) {
    let catalog = ctx.source.catalog;
    let go_on = goes_on(ctx);
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
