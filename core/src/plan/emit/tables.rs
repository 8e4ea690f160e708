//! Each table of the plan as the run, the result and the log need it.

use crate::plan::decide::table::DecidedTable;
use crate::plan::model::{ColumnPlan, TablePlan};
use crate::plan::resolve::table::{Disposition, Place};

/// Those that are loaded, in order, then those that are absent.
pub fn tables<'d>(
    decided: &'d [DecidedTable<'_>],
    order: &'d [usize],
) -> impl Iterator<Item = TablePlan> + use<'d> {
    let absent = decided.iter().filter(|table| table.disposition == Disposition::Absent);
    order.iter().filter_map(|i| decided.get(*i)).chain(absent).map(table)
}

fn table(table: &DecidedTable<'_>) -> TablePlan {
    let mut decided = table.columns.iter().peekable();
    let columns = table.resolved.columns.iter().map(|resolved| {
        let none =
            ColumnPlan { source: resolved.source.name.clone(), target: None, pg_type: None, reason: None };
        match (decided.next_if(|c| c.position == resolved.position), &resolved.place) {
            (Some(loaded), _) => ColumnPlan {
                target: Some(loaded.target.clone()),
                pg_type: Some(loaded.pg_type.clone()),
                reason: Some(loaded.reason.clone()).filter(|reason| !reason.trim().is_empty()),
                ..none
            },
            (None, Place::LeftOut { name, reason }) => {
                ColumnPlan { target: name.clone(), reason: Some(reason.clone()), ..none }
            }
            (None, Place::Skipped | Place::Ambiguous(_) | Place::Column(_)) => none,
        }
    });
    TablePlan {
        id: table.id,
        source: table.source.name.clone(),
        schema: table.settings.schema.clone(),
        target: table.target.clone(),
        detail: table.detail.clone(),
        filter: table.overrides.and_then(|g| g.filter.clone()),
        skipped: table.disposition == Disposition::Absent,
        nocase: table.columns.iter().filter(|c| c.nocase).map(|c| c.source.name.clone()).collect(),
        columns: columns.collect(),
    }
}
