//! What is said of views that are not carried over, or only on an assumption.

use crate::catalog::View;
use crate::finding::{Finding, Fix, Kind};
use crate::plan::context::Context;
use crate::plan::given::words::{Form, Word};
use crate::plan::view::own_path;
use crate::translate::program::{self, Refusal, Schema, Unsteady};

/// Why a view is not made.
pub enum Hindrance {
    /// It cannot be translated.
    Refused(Refusal),
    /// Its translation rests on assumptions, and the plan takes none.
    Assumes(Vec<String>),
    /// PostgreSQL does not take the translation.
    Invalid(String),
    /// PostgreSQL does not take the plan's own text.
    OwnInvalid(String),
    /// The plan stores its rows, which may never end.
    Endless(Form),
    /// The view is there already.
    There(String),
    /// Something else is in the way.
    InTheWay(String),
}

impl From<Refusal> for Hindrance {
    fn from(refusal: Refusal) -> Hindrance {
        Hindrance::Refused(refusal)
    }
}

/// The longest template that a hint holds.
const LONGEST_TEMPLATE: usize = 20_000;

/// The plan leaves it out.
pub fn left_out(view: &View) -> Finding {
    let message = format!("view \"{}\" is left out by the plan", view.name);
    Kind::View.info(object(view), message).fix(Fix::of_plan("views", true), " to carry all of them over")
}

/// It cannot be made.
pub fn hindered(ctx: &Context<'_>, schema: &Schema, view: &View, hindrance: &Hindrance) -> Finding {
    let because = |reason: &str| {
        Kind::View.warning(object(view), format!("view \"{}\" is not carried over: {reason}", view.name))
    };
    match hindrance {
        Hindrance::Refused(refusal) => {
            let place = refusal.place.map(|place| format!("line {}, column {}", place.line, place.column));
            let marked = program::marked_line(&view.sql, refusal);
            let at: Vec<String> = place.into_iter().chain(marked).collect();
            let at = if at.is_empty() { String::new() } else { format!(" ({})", at.join(": ")) };
            let finding = because(&format!("{}{at}", refusal.reason));
            Finding { hint: by_hand(ctx, schema, view, Some(refusal)), ..finding }
        }
        Hindrance::Invalid(reason) => {
            let finding = because(&format!("PostgreSQL refuses the translation: {reason}"));
            Finding { hint: by_hand(ctx, schema, view, None), ..finding }
        }
        Hindrance::Assumes(notes) => {
            let finding =
                because(&format!("the plan is strict, and its translation assumes: {}", notes.join("; ")));
            finding.fix(Fix::of_plan("strict", false), " to carry over what rests on an assumption")
        }
        Hindrance::OwnInvalid(reason) => {
            let path = own_path(&view.name);
            let message = format!("{path}: PostgreSQL refuses it: {reason}");
            Kind::ExpressionRefused.blocking(object(view), message).hint(format!("Correct {path}."))
        }
        Hindrance::Endless(form) => {
            let finding = because(&format!("its rows are to be stored, and {}", Unsteady::Endless.reason()));
            let (word, path) = (form.word(), own_path(&view.name));
            finding.hint(format!(
                "List in plan.views.{word} only views that end, or set {path} to a SELECT that ends."
            ))
        }
        Hindrance::There(target) => {
            let message =
                format!("view \"{}\" is not carried over: {target} exists, and is left alone", view.name);
            let hint = "Set plan.existing_rows to \"replace\" to replace existing tables and views.";
            Kind::View.info(object(view), message).hint(hint)
        }
        Hindrance::InTheWay(reason) => because(reason).hint("Create it in after, under a name that is free."),
    }
}

/// What it rests on.
pub fn assumes(view: &View, notes: &[String]) -> Finding {
    Kind::ViewAssumes.info(object(view), format!("the view assumes: {}", notes.join("; ")))
}

fn object(view: &View) -> String {
    format!("view {}", view.name)
}

/// How a person goes on: the view's text with PostgreSQL's names, for the plan. It is no valid SQL before it is finished, so
/// that nobody takes it for the view.
fn by_hand(ctx: &Context<'_>, schema: &Schema, view: &View, refusal: Option<&Refusal>) -> String {
    let path = own_path(&view.name);
    let template = program::template(&view.sql, schema, refusal).filter(|sql| sql.len() <= LONGEST_TEMPLATE);
    let Some(template) = template else {
        return format!("Write it for PostgreSQL, and set {path} to the SELECT.");
    };
    let views = ctx.overrides.views.clone().unwrap_or_default().with_own(&view.name, &template);
    let fix = Fix::of_plan("views", views);
    format!("Finish the SELECT where it has « », and set {path} to it. {}", fix.pasted())
}
