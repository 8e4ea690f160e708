//! What is said of triggers that are not carried over, or only on an assumption.

use super::object;
use super::patterns::Known;
use crate::catalog::Trigger;
use crate::finding::{Finding, Fix, Kind};
use crate::plan::context::Context;
use crate::plan::trigger::own_path;
use crate::translate::program::{self, Refusal};

/// Why a trigger is not made.
pub enum Hindrance {
    /// PostgreSQL refuses this translation, for the reason.
    Invalid(String, String),
    /// It cannot be translated; with the statements for a person to finish.
    Refused(Refusal, Option<String>),
    /// Its translation rests on assumptions, and the plan takes none.
    Assumes(Vec<String>),
    /// Something else does its work.
    Known(Known),
    /// Its statements do nothing.
    Nothing,
    /// The table takes no part in the plan.
    WithoutTable,
    /// The table was there before, and keeps its own.
    Kept,
    /// The view was there before, with triggers that are not known.
    KeptView,
    /// Something is in the way.
    InTheWay(String),
}

/// The longest template that a hint holds.
const LONGEST_TEMPLATE: usize = 20_000;

/// The plan leaves it out.
pub fn left_out(trigger: &Trigger) -> Finding {
    let message = format!("{} is left out by the plan", named(trigger));
    Kind::Trigger
        .info(object(trigger), message)
        .fix(Fix::of_plan("triggers", true), " to carry all of them over")
}

/// It is not made.
pub fn hindered(ctx: &Context<'_>, trigger: &Trigger, hindrance: &Hindrance) -> Finding {
    let because = |reason: &str| {
        Kind::Trigger.warning(object(trigger), format!("{} is not carried over: {reason}", named(trigger)))
    };
    let unneeded = |reason: &str| {
        Kind::TriggerUnneeded.info(object(trigger), format!("{} is not needed: {reason}", named(trigger)))
    };
    match hindrance {
        Hindrance::Refused(refusal, template) => {
            let place = refusal.place.map(|place| format!("line {}, column {}", place.line, place.column));
            let marked = program::marked_line(&trigger.sql, refusal);
            let at: Vec<String> = place.into_iter().chain(marked).collect();
            let at = if at.is_empty() { String::new() } else { format!(" ({})", at.join(": ")) };
            let finding = because(&format!("{}{at}", refusal.reason));
            Finding { hint: by_hand(ctx, trigger, template.as_deref()), ..finding }
        }
        Hindrance::Invalid(reason, sql) => {
            let finding = because(&format!("PostgreSQL refuses the translation: {reason}"));
            Finding { hint: by_hand(ctx, trigger, Some(sql)), ..finding }
        }
        Hindrance::Assumes(notes) => {
            let finding = because(&format!("the plan is strict, and its translation assumes: {}", notes.join("; ")));
            finding.fix(Fix::of_plan("strict", false), " to carry over what rests on an assumption")
        }
        Hindrance::Known(known) => unneeded(&known.reason()),
        Hindrance::Nothing => unneeded("its statements change nothing"),
        Hindrance::WithoutTable => {
            let message = format!(
                "{} is not carried over: \"{}\" takes no part in the plan",
                named(trigger),
                trigger.table
            );
            Kind::Trigger.info(object(trigger), message)
        }
        Hindrance::Kept => because("the table was there before, and keeps its own triggers").hint(format!(
            "Set plan.tables.{}.existing_rows to \"replace\" to make the table anew, or create the trigger in after.",
            crate::path::join("", &trigger.table).trim_start_matches('.')
        )),
        Hindrance::KeptView => because("the view was there before, and keeps its own triggers")
            .hint("Set plan.existing_rows to \"replace\" to make the view anew, or create the trigger in after."),
        Hindrance::InTheWay(reason) => {
            because(reason).hint("Create it in after.")
        }
    }
}

/// What it rests on.
pub fn assumes(trigger: &Trigger, notes: &[String]) -> Finding {
    Kind::TriggerAssumes.info(object(trigger), format!("the trigger assumes: {}", notes.join("; ")))
}

/// How a person goes on. The statements are no valid SQL before they are finished.
fn by_hand(ctx: &Context<'_>, trigger: &Trigger, template: Option<&str>) -> String {
    let path = own_path(&trigger.name);
    let Some(template) = template.filter(|sql| sql.len() <= LONGEST_TEMPLATE) else {
        return format!("Write function and trigger for PostgreSQL, and set {path} to the statements.");
    };
    // A comment within a comment would need two ends.
    let original = trigger.sql.replace("/*", "/ *").replace("*/", "* /");
    let text = format!("{template}\n/* {original} */");
    let triggers = ctx.overrides.triggers.clone().unwrap_or_default().with_own(&trigger.name, &text);
    let fix = Fix::of_plan("triggers", triggers);
    format!("Finish the statements where they have « », and set {path} to them. {}", fix.pasted())
}

fn named(trigger: &Trigger) -> String {
    format!("trigger \"{}\" on \"{}\"", trigger.name, trigger.table)
}
