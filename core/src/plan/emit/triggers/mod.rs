//! The triggers of the file: those that the plan takes and that can be translated become a function and a trigger each.
//!
//! They are made when everything is loaded, so that the load does not fire them. Each runs with the rights of whoever writes
//! to its table. Only tables and views that the plan makes get any.

mod alone;
mod made;
mod patterns;
mod recursion;
mod surroundings;
mod text;
mod told;
mod touches;
mod trial;

use std::collections::HashSet;

pub use self::alone::declared;
use self::made::Maker;
use self::told::Hindrance;
use self::touches::Touches;
use crate::catalog::Trigger;
use crate::finding::Finding;
use crate::plan::context::Context;
use crate::plan::decide::table::DecidedTable;
use crate::plan::emit::views::Views;
use crate::plan::given::carried::Carried;
use crate::plan::model::{Phase, Step};
use crate::plan::trigger::{TriggerPlan, TriggerTrial};
use crate::plan::view::ViewPlan;
use crate::translate::program::trigger::{Definition, Event, Time};
use crate::translate::program::{Refusal, Relation, Schema};

/// The most triggers that are translated.
const MOST: usize = 2_000;
/// How often INSTEAD OF triggers are tried before none is taken for made.
const MOST_ROUNDS: usize = 5;

/// What a plan does about triggers.
#[derive(Default)]
pub struct Triggers {
    /// To be placed among the others.
    pub steps: Vec<Step>,
    pub plans: Vec<TriggerPlan>,
    pub trial: TriggerTrial,
}

/// The triggers that are made, and what is said of all. Statements that name views learn which can be written to.
pub fn triggers(
    ctx: &Context<'_>,
    decided: &[DecidedTable<'_>],
    views: &mut Views,
    schema: &mut Schema,
    findings: &mut Vec<Finding>,
) -> Triggers {
    let read = Read::of(ctx);
    let all = All {
        ctx,
        decided,
        views: &views.plans,
        touches: &Touches::of(ctx.source.catalog, &read.definitions),
        read: &read,
    };
    all.settle_views(schema);
    views.tried.relations.iter_mut().for_each(|relation| let_write_as(relation, schema));
    let tried = Some(&views.tried).filter(|_| !ctx.target.no_temporary);
    let round = all.make(schema, tried, |_| true);
    findings.extend(round.findings);
    let mut made = round.made;
    // Others may write by these.
    let titles: HashSet<&str> = made.plans.iter().filter(|p| all.is_instead(p)).map(|p| &*p.title).collect();
    made.steps.sort_by_key(|step| !titles.contains(&*step.title));
    made
}

/// The definitions, by the places of the triggers.
struct Read {
    taken: Carried,
    /// Of those that are translated.
    definitions: Vec<Option<Definition>>,
    refused: Vec<Option<Refusal>>,
    /// The view and the event of each INSTEAD OF trigger that is carried over, also with a text of the plan's own.
    instead: Vec<Option<(String, Event)>>,
}

impl Read {
    fn of(ctx: &Context<'_>) -> Read {
        let taken = ctx.overrides.triggers.clone().unwrap_or_default();
        let mut read = Read { taken, definitions: vec![], refused: vec![], instead: vec![] };
        for (at, trigger) in ctx.source.catalog.triggers.iter().enumerate() {
            let wanted = at < MOST && read.taken.take(&trigger.name);
            let definition = wanted.then(|| Definition::read(&trigger.sql));
            let of_view = definition.as_ref().and_then(|read| read.as_ref().ok());
            let of_view = of_view.filter(|definition| definition.time == Time::InsteadOf);
            read.instead.push(of_view.map(|of| (of.on.table.clone(), of.on.event)));
            let definition = definition.filter(|_| read.taken.own(&trigger.name).is_none());
            read.refused.push(definition.as_ref().and_then(|read| read.as_ref().err().cloned()));
            read.definitions.push(definition.and_then(Result::ok));
        }
        read
    }
}

/// What decides about all triggers.
struct All<'m, 'a> {
    ctx: &'m Context<'m>,
    decided: &'m [DecidedTable<'a>],
    views: &'m [ViewPlan],
    read: &'m Read,
    touches: &'m Touches<'m>,
}

/// Triggers that were made together.
struct Round {
    made: Triggers,
    findings: Vec<Finding>,
    /// By their places: it was made.
    done: Vec<bool>,
}

impl All<'_, '_> {
    /// Says for which events each view has an INSTEAD OF trigger. A trigger may write by another one, so that they are tried
    /// together until those that can be made are those that were taken for made.
    fn settle_views(&self, schema: &mut Schema) {
        let mut taken: Vec<bool> = self.read.instead.iter().map(Option::is_some).collect();
        for _ in 0..MOST_ROUNDS {
            self.let_write(schema, &taken);
            if !taken.contains(&true) {
                return;
            }
            let done = self.make(schema, None, |at| taken[at]).done;
            if done == taken {
                return;
            }
            taken = done;
        }
        self.let_write(schema, &[]);
    }

    fn let_write(&self, schema: &mut Schema, taken: &[bool]) {
        for relation in &mut schema.relations {
            let Some(events) = relation.view.as_mut().and_then(|view| view.instead.as_mut()) else {
                continue;
            };
            let taken = self.read.instead.iter().zip(taken).filter(|(_, taken)| **taken);
            let of_view = taken.filter_map(|(instead, _)| instead.as_ref());
            let of_view = of_view.filter(|(view, _)| view.eq_ignore_ascii_case(&relation.source));
            *events = of_view.map(|(_, event)| *event).collect();
        }
    }

    /// Makes those that are wanted.
    fn make(&self, schema: &Schema, tried: Option<&Schema>, wanted: impl Fn(usize) -> bool) -> Round {
        let read = self.read;
        let mut maker =
            Maker::new(self.ctx, self.decided, schema, (&read.definitions, self.touches), self.views, tried);
        let (mut findings, mut done) = (vec![], vec![]);
        for (at, trigger) in self.ctx.source.catalog.triggers.iter().enumerate() {
            done.push(false);
            if !wanted(at) {
                continue;
            }
            if !read.taken.take(&trigger.name) {
                findings.push(told::left_out(trigger));
                continue;
            }
            let made = match (read.taken.own(&trigger.name), &read.definitions[at], &read.refused[at]) {
                (Some(sql), ..) => maker.own(trigger, sql),
                (_, Some(definition), _) => maker.make(at, trigger, definition),
                (_, _, Some(refusal)) => Err(Hindrance::Refused(refusal.clone(), None)),
                _ => Err(Hindrance::InTheWay("the file has too many triggers".into())),
            };
            done[at] = made.is_ok();
            match made {
                Ok(found) => findings.extend(found),
                Err(hindrance) => findings.push(told::hindered(self.ctx, trigger, &hindrance)),
            }
        }
        Round { made: maker.made, findings, done }
    }

    fn is_instead(&self, plan: &TriggerPlan) -> bool {
        let all = self.ctx.source.catalog.triggers.iter().zip(&self.read.instead);
        all.filter(|(_, instead)| instead.is_some()).any(|(trigger, _)| trigger.name == plan.source)
    }
}

/// What stands in for a view can be written to as the view itself.
fn let_write_as(relation: &mut Relation, schema: &Schema) {
    let Some(view) = &mut relation.view else { return };
    if let Some(known) = schema.relations.iter().find(|r| r.source == relation.source) {
        view.instead = known.view.as_ref().and_then(|view| view.instead.clone());
    }
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
