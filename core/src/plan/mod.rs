//! Catalog + profile + overrides -> the plan: every decision, before anything is done. Pure.
//!
//! [`given`] is the overrides, [`target`] what the target has; [`resolve`] says who is who, [`decide`] what becomes
//! of everything, [`emit`] prints it. Each of these knows those before it and no others (`tests/layers.rs`).

pub mod context;
pub mod decide;
pub mod emit;
pub mod given;
pub mod model;
pub mod question;
pub mod resolve;
pub mod rules;
pub mod systems;
pub mod target;
pub mod trial;
pub mod trigger;
pub mod view;

#[cfg(test)]
mod existing_tests;
#[cfg(test)]
mod limits_tests;
#[cfg(test)]
mod match_tests;
#[cfg(test)]
mod tests;

pub use self::context::Source;
pub use self::decide::object::{ForeignKey, IndexKey, IndexKeys, Method, Object};
pub use self::emit::declared::{Declared, DeclaredKind, DeclaredTable, Made, RowQuestion};
pub use self::emit::triggers::declared as declaration;
pub use self::given::overrides::{Overrides, PlanError, parse};
pub use self::given::settings::{Needs, Opening, needs};
pub use self::given::verify::Verify;
pub use self::given::words::{Notices, Orphans, ProfileMode, orphan_policies};
pub use self::model::*;
pub use self::question::*;
pub use self::resolve::select::{Selection, select};
pub use self::target::*;
pub use self::trial::{Answer, BrokenCheck, EqualKeys, Oversized, OversizedRow, Part};
use crate::catalog::Catalog;
pub use crate::catalog::{KeyFact, KeyFactKind};
pub use crate::damage::Integrity;
use crate::finding::Finding;
use crate::orm::signs::Recognised;
use crate::translate::helper::Helper;
pub use crate::value::batch::OnInvalid;

use self::context::Context;
use self::decide::{epochs, order, trial as trials};
use self::emit::{apart, asked, dropped, helpers, json, relations, steps, tables, triggers, views};
use self::resolve::table::{Disposition, ResolvedTable};
use self::resolve::{bookkeeping, damage, skipped, table};
use self::rules::{RULES, Rules};

/// The programs that wrote a file, as far as the overrides let them be recognised.
pub fn orms(catalog: &Catalog, overrides: &Overrides) -> Vec<Recognised> {
    overrides.orm.clone().unwrap_or_default().of(catalog)
}

/// Makes every decision.
pub fn build(source: &Source<'_>, target: &Target, overrides: &Overrides) -> Result<Planned, PlanError> {
    build_by(&RULES, source, target, overrides)
}

fn build_by(
    rules: &Rules,
    source: &Source<'_>,
    target: &Target,
    overrides: &Overrides,
) -> Result<Planned, PlanError> {
    let mut ctx = Context::new(source, target, overrides, rules);
    let mut selection = select(source.catalog, overrides)?;
    let mut findings = Vec::new();
    damage::report(&ctx, &selection, &mut findings);
    let records = bookkeeping::leave_out(&ctx, &mut selection, &mut findings);
    let resolved = table::resolve(&ctx, &selection, &mut findings)?;
    ctx.file_epochs = epochs::of_file(&ctx, &resolved);
    let (decided, searched) = decide::decide(&ctx, resolved, &mut findings);
    let skipped = skipped::report(&ctx, &selection, &searched, &mut findings);
    decide::geometry::left_out(&ctx, &mut findings);
    let order = order::of_loads(&decided);
    let steps = steps::steps(&ctx, &decided, &order, &mut findings);
    let mut schema = relations::schema(&ctx, &decided);
    let mut views = views::views(&ctx, &decided, &mut schema, &mut findings);
    let triggers = triggers::triggers(&ctx, &decided, &mut views, &mut schema, &mut findings);
    dropped::report(&ctx, &decided, &views.dropped, &mut findings);
    let (apart_steps, apart_plans) = apart::views(&decided);
    let of_views = apart_steps.into_iter().chain(views.steps).collect();
    let steps = triggers::placed(views::placed(steps, of_views), triggers.steps);
    let steps = helpers::placed(steps, target.has_helper_schema());
    findings.sort_by_key(|f| std::cmp::Reverse(f.severity));
    // A patch of a plan knows upper and lower case, the file does not.
    let fixes = findings.iter_mut().filter_map(|f| f.fix.as_mut());
    fixes.for_each(|fix| fix.spell(|table, column| overrides.spell(table, column)));
    Ok(Planned {
        plan: json::plan(&ctx, &decided),
        steps,
        findings,
        trials: trials::trials(&ctx, &decided),
        sizes: asked::sizes(&ctx, &decided),
        keys: asked::keys(&ctx, &decided),
        checks: asked::checks(&ctx, &decided),
        rejecting: asked::rejecting(&ctx, &decided),
        schema,
        views: apart_plans.into_iter().chain(views.plans).collect(),
        view_trial: views.trial,
        triggers: triggers.plans,
        trigger_trial: triggers.trial,
        tables: tables::tables(&ctx, &decided, &order).into_iter().chain(skipped).chain(records).collect(),
    })
}

/// What the file declares and what becomes of it in tables that the plan makes, with what the plan notices.
pub fn declared(
    source: &Source<'_>,
    target: &Target,
    overrides: &Overrides,
) -> Result<DeclaredFile, PlanError> {
    let mut ctx = Context::new(source, target, overrides, &RULES);
    let mut selection = select(source.catalog, overrides)?;
    let mut findings = Vec::new();
    bookkeeping::leave_out(&ctx, &mut selection, &mut findings);
    let resolved = table::resolve(&ctx, &selection, &mut findings)?;
    ctx.file_epochs = epochs::of_file(&ctx, &resolved);
    let (decided, searched) = decide::decide(&ctx, resolved, &mut findings);
    skipped::report(&ctx, &selection, &searched, &mut findings);
    // Their findings say which views are not there.
    let mut schema = relations::schema(&ctx, &decided);
    let mut views = views::views(&ctx, &decided, &mut schema, &mut findings);
    let triggers = triggers::triggers(&ctx, &decided, &mut views, &mut schema, &mut findings);
    let order = order::of_loads(&decided);
    let steps = steps::steps(&ctx, &decided, &order, &mut Vec::new()).into_iter();
    let steps: Vec<Step> = steps.chain(views.steps).chain(triggers.steps).collect();
    Ok(DeclaredFile {
        tables: emit::declared::declared(&ctx, &selection, &decided, &triggers.plans),
        helpers: helpers::called(&steps),
        findings,
    })
}

/// What a file declares, table by table.
pub struct DeclaredFile {
    pub tables: Vec<DeclaredTable>,
    /// The functions that what is made of it calls.
    pub helpers: Vec<&'static Helper>,
    pub findings: Vec<Finding>,
}

/// The oids of the target's relations that a plan would load or replace, which nobody may change while it is made.
pub fn relations(source: &Source<'_>, target: &Target, overrides: &Overrides) -> Result<Vec<u32>, PlanError> {
    let ctx = Context::new(source, target, overrides, &RULES);
    let mut selection = select(source.catalog, overrides)?;
    bookkeeping::leave_out(&ctx, &mut selection, &mut Vec::new());
    let resolved = table::resolve(&ctx, &selection, &mut Vec::new())?;
    let loads = |relation: &&ExistingTable| {
        let is = |t: &ResolvedTable<'_>| t.settings.schema == relation.schema && t.target == relation.name;
        resolved.iter().any(|table| table.disposition != Disposition::Absent && is(table))
    };
    Ok(target.relations.iter().filter(loads).map(|relation| relation.oid).collect())
}
