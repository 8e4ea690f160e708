//! Catalog + profile + overrides -> the plan: every decision, before anything is done. Pure.
//!
//! [`given`] is what the user says, [`target`] what the target has; [`resolve`] says who is who, [`decide`] what becomes
//! of everything, [`emit`] prints it. Each of these four knows those before it and no others.

pub mod context;
pub mod decide;
pub mod emit;
pub mod given;
pub mod model;
pub mod resolve;
pub mod rules;
pub mod target;
pub mod trial;

#[cfg(test)]
mod existing_tests;
#[cfg(test)]
mod tests;

use std::collections::HashMap;

pub use self::context::Source;
pub use self::given::overrides::{Overrides, PlanError, parse, path_of};
pub use self::given::settings::{Needs, Opening, needs};
pub use self::given::words::{Orphans, ProfileMode};
pub use self::model::*;
pub use self::resolve::select::{Selection, select};
pub use self::target::*;
pub use crate::catalog::{KeyFact, KeyFactKind};
pub use crate::damage::Integrity;
pub use crate::value::batch::OnInvalid;

use self::context::Context;
use self::decide::draft::{Draft, Fate};
use self::decide::{
    checks, collate, columns, conflicts, draft, existing, existing_keys, foreign_keys, indexes, links, order,
    trial as trials, unique,
};
use self::emit::{json, steps};
use self::given::settings;
use self::resolve::{bookkeeping, counterparts, damage, names, skipped};
use crate::finding::Finding;

/// Makes every decision.
pub fn build(source: &Source<'_>, target: &Target, overrides: &Overrides) -> Result<Planned, PlanError> {
    build_by(&rules::RULES, source, target, overrides)
}

fn build_by(
    rules: &rules::Rules,
    source: &Source<'_>,
    target: &Target,
    overrides: &Overrides,
) -> Result<Planned, PlanError> {
    let mut selection = select(source.catalog, overrides)?;
    let plan = settings::Settings::of_plan(overrides, target.icu);
    let names = overrides.names.unwrap_or_default();
    let ctx = Context { source, target, overrides, plan, names, rules };
    let mut notes = Vec::new();
    damage::report(&ctx, &selection, &mut notes);
    let records = bookkeeping::leave_out(&ctx, &mut selection, &mut notes);
    let mut drafts = draft::begin(&ctx, &selection, &mut notes)?;
    decide(&ctx, &mut drafts, &mut notes);
    let skipped = skipped::report(&ctx, &selection, &mut notes);
    let order = order::of_loads(&drafts);
    let steps = steps::steps(&ctx, &drafts, &order, &mut notes);
    let plan = json::plan(&ctx, &drafts);
    notes.sort_by_key(|f| std::cmp::Reverse(f.severity));
    let absent = drafts.iter().filter(|d| d.fate == Fate::Absent);
    let loaded = order.iter().filter_map(|i| drafts.get(*i));
    let tables = loaded.chain(absent).map(table_plan).chain(skipped).chain(records).collect();
    let trials = trials::trials(&drafts);
    Ok(Planned { plan, steps, findings: notes, trials, tables })
}

/// Columns of all tables before any key: a key needs the types of both of its sides.
fn decide(ctx: &Context<'_>, drafts: &mut [Draft<'_>], notes: &mut Vec<Finding>) {
    columns::unused_types(ctx, drafts, notes);
    drafts.iter_mut().for_each(|draft| counterparts::settle(draft, notes));
    drafts
        .iter_mut()
        .for_each(|draft| said_of(draft, notes, |draft, notes| columns::types(ctx, draft, notes)));
    links::unify(ctx, drafts);
    for draft in drafts.iter_mut() {
        said_of(draft, notes, |draft, notes| existing::report(ctx, draft, notes));
        said_of(draft, notes, |draft, notes| columns::details(ctx, draft, notes));
        conflicts::decide(ctx, draft, notes);
        if draft.fresh() {
            collate::decide(ctx, draft, notes);
        }
    }
    conflicts::remedies(ctx, drafts);
    collate::follow(drafts, notes);
    let mut relations = relations(ctx, drafts);
    for draft in drafts.iter_mut().filter(|d| d.fresh()) {
        let scope = relations.entry(draft.settings.schema.clone()).or_default();
        unique::keys(ctx, draft, scope, notes);
    }
    for draft in drafts.iter_mut().filter(|d| d.fresh()) {
        let scope = relations.entry(draft.settings.schema.clone()).or_default();
        indexes::indexes(ctx, draft, scope, notes);
        checks::checks(ctx, draft, notes);
    }
    let facts = foreign_keys::Facts { catalog: ctx.source.catalog, key_facts: ctx.source.key_facts };
    for i in 0..drafts.len() {
        foreign_keys::foreign_keys(&facts, drafts, i, notes);
        existing_keys::orphans(&facts, drafts, i, notes);
    }
}

/// Of a table that is left out only that is said, though its columns are decided for the printed plan.
fn said_of<'a>(
    draft: &mut Draft<'a>,
    notes: &mut Vec<Finding>,
    decide: impl FnOnce(&mut Draft<'a>, &mut Vec<Finding>),
) {
    let (said, detail) = (notes.len(), draft.detail.len());
    decide(draft, notes);
    if draft.fate == Fate::Absent {
        notes.truncate(said);
        draft.detail.truncate(detail);
    }
}

/// Names taken per schema. Tables, indexes and sequences share them; a table that is replaced gives up those of its own.
fn relations(ctx: &Context<'_>, drafts: &[Draft<'_>]) -> HashMap<String, names::Scope> {
    let mut out: HashMap<String, names::Scope> = HashMap::new();
    for draft in drafts {
        out.entry(draft.settings.schema.clone()).or_default().reserve(&draft.target);
    }
    let replaced: Vec<_> = drafts.iter().filter(|d| d.fate == Fate::Replace).collect();
    for there in &ctx.target.relations {
        let goes =
            |d: &&Draft<'_>| d.settings.schema == there.schema && there.part_of.as_ref() == Some(&d.target);
        if !replaced.iter().any(goes) {
            out.entry(there.schema.clone()).or_default().reserve(&there.name);
        }
    }
    out
}

fn table_plan(draft: &Draft<'_>) -> TablePlan {
    TablePlan {
        source: draft.table.name.clone(),
        schema: draft.settings.schema.clone(),
        target: draft.target.clone(),
        detail: draft.detail.clone(),
        filter: draft.overrides.and_then(|g| g.filter.clone()),
        skipped: draft.fate == Fate::Absent,
        nocase: draft.columns.iter().filter(|c| c.nocase).map(|c| c.source.name.clone()).collect(),
        columns: draft.columns.iter().map(column_plan).collect(),
    }
}

fn column_plan(column: &draft::DraftColumn<'_>) -> ColumnPlan {
    let reason = if column.skip { column.left_out.clone() } else { Some(column.reason.clone()) };
    let named = !column.undecided && (!column.skip || column.left_out.is_some());
    ColumnPlan {
        source: column.source.name.clone(),
        target: named.then(|| column.target.clone()),
        pg_type: (!column.skip).then(|| column.pg_type.clone()),
        reason: reason.filter(|reason| !reason.trim().is_empty()),
    }
}
