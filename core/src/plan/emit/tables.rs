//! Each table of the plan as the run, the result and the log need it.

use crate::catalog::{Index, Origin};
use crate::plan::context::Context;
use crate::plan::decide::collate::{self, Folding};
use crate::plan::decide::irreversible;
use crate::plan::decide::object::Object;
use crate::plan::decide::table::DecidedTable;
use crate::plan::model::{ColumnPlan, Folded, TablePlan};
use crate::plan::resolve::table::{Disposition, Place};
use crate::plan::trial::Part;

/// Those that are loaded, in order, then those that are absent.
pub fn tables(ctx: &Context<'_>, decided: &[DecidedTable<'_>], order: &[usize]) -> Vec<TablePlan> {
    let absent = decided.iter().filter(|table| table.disposition == Disposition::Absent);
    order.iter().filter_map(|i| decided.get(*i)).chain(absent).map(|decided| table(ctx, decided)).collect()
}

fn table(ctx: &Context<'_>, table: &DecidedTable<'_>) -> TablePlan {
    let schema = &table.settings.schema;
    let folded = || table.columns.iter().filter(|c| c.folding.is_some());
    let create = |folding: &Folding| match folding {
        Folding::Collation => Some(collate::create_collation(schema)),
        Folding::Citext(_) => collate::create_citext(ctx),
    };
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
        verify: table.settings.verify,
        irreversible: irreversible::reason(ctx, table),
        skipped: table.disposition == Disposition::Absent,
        folding: folded().find_map(|c| create(c.folding.as_ref()?)),
        folded: folded()
            .map(|c| Folded {
                source: c.source.name.clone(),
                pg_type: c.printed_type(),
                collation: c.collation(schema),
            })
            .collect(),
        columns: columns.collect(),
        indexes: indexes(table),
    }
}

fn indexes(table: &DecidedTable<'_>) -> Vec<(String, String)> {
    let created = table.source.indexes.iter().enumerate().filter(|(_, i)| i.origin == Origin::Created);
    let made = |(at, index): (usize, &Index)| {
        let names = table.made(Part::Index(at)).filter_map(Object::name);
        names.map(|name| (index.name.clone(), name.to_owned())).collect::<Vec<_>>()
    };
    created.flat_map(made).collect()
}
