//! The triggers of the file: those that the plan takes and that can be translated become a function and a trigger each.
//!
//! They are made when everything is loaded, so that the load does not fire them. Each runs with the rights of whoever writes
//! to its table. Only tables and views that the plan makes get any.

mod made;
mod patterns;
mod recursion;
mod told;

use self::made::Maker;
use self::told::Hindrance;
use crate::catalog::Trigger;
use crate::finding::Finding;
use crate::plan::context::Context;
use crate::plan::decide::table::DecidedTable;
use crate::plan::model::{Phase, Step};
use crate::plan::trigger::TriggerPlan;
use crate::translate::program::Schema;
use crate::translate::program::trigger::Definition;

/// The most triggers that are translated.
const MOST: usize = 2_000;

/// What a plan does about triggers.
#[derive(Default)]
pub struct Triggers {
    /// To be placed among the others.
    pub steps: Vec<Step>,
    pub plans: Vec<TriggerPlan>,
}

/// The triggers that are made, and what is said of all.
pub fn triggers(
    ctx: &Context<'_>,
    decided: &[DecidedTable<'_>],
    schema: &Schema,
    findings: &mut Vec<Finding>,
) -> Triggers {
    let taken = ctx.overrides.triggers.clone().unwrap_or_default();
    let all = &ctx.source.catalog.triggers;
    let mut definitions: Vec<Option<Definition>> = vec![];
    let mut refused = vec![];
    for (at, trigger) in all.iter().enumerate() {
        let wanted = at < MOST && taken.take(&trigger.name) && taken.own(&trigger.name).is_none();
        let read = wanted.then(|| Definition::read(&trigger.sql));
        refused.push(read.as_ref().and_then(|read| read.as_ref().err().cloned()));
        definitions.push(read.and_then(Result::ok));
    }
    let recursive = recursion::recursive(ctx.source.catalog, &definitions);
    let mut maker = Maker::new(ctx, decided, schema, &definitions);
    for (at, trigger) in all.iter().enumerate() {
        if !taken.take(&trigger.name) {
            findings.push(told::left_out(trigger));
            continue;
        }
        let made = match (taken.own(&trigger.name), definitions.get(at), refused.get(at)) {
            (Some(sql), _, _) => maker.own(trigger, sql),
            (_, Some(Some(definition)), _) => {
                maker.make(trigger, definition, recursive.get(at) == Some(&true))
            }
            (_, _, Some(Some(refusal))) => Err(Hindrance::Refused(refusal.clone(), None)),
            _ => Err(Hindrance::InTheWay("the file has too many triggers".into())),
        };
        match made {
            Ok(found) => findings.extend(found),
            Err(hindrance) => findings.push(told::hindered(ctx, trigger, &hindrance)),
        }
    }
    maker.made
}

/// With the steps of the triggers in their places.
pub fn placed(mut steps: Vec<Step>, triggers: Vec<Step>) -> Vec<Step> {
    let at = steps.iter().position(|step| step.phase > Phase::Triggers).unwrap_or(steps.len());
    steps.splice(at..at, triggers);
    steps
}

/// What findings call it.
pub fn object(trigger: &Trigger) -> String {
    format!("trigger {}", trigger.name)
}
