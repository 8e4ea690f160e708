//! Each table of the plan as the run, the result and the log need it.

use crate::plan::decide::table::{DecidedColumn, DecidedTable};
use crate::plan::model::{ColumnPlan, TablePlan};
use crate::plan::resolve::table::{Disposition, Place, ResolvedColumn};

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
        match decided.next_if(|c| c.position == resolved.position) {
            Some(decided) => loaded(decided),
            None => not_loaded(resolved),
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

fn loaded(column: &DecidedColumn<'_>) -> ColumnPlan {
    ColumnPlan {
        source: column.source.name.clone(),
        target: Some(column.target.clone()),
        pg_type: Some(column.pg_type.clone()),
        reason: Some(column.reason.clone()).filter(|reason| !reason.trim().is_empty()),
    }
}

fn not_loaded(column: &ResolvedColumn<'_>) -> ColumnPlan {
    let (target, reason) = match &column.place {
        Place::LeftOut { name, reason } => (name.clone(), Some(reason.clone())),
        Place::Skipped | Place::Ambiguous(_) | Place::Column(_) => (None, None),
    };
    ColumnPlan { source: column.source.name.clone(), target, pg_type: None, reason }
}
