//! Tables that are there already and stay: what the plan says of them and cannot do.
//!
//! A printed plan says every key, so a table's key counts as the user's own where it differs from the plan's;
//! and `default: null` or `generated: false` ask for nothing.

use super::draft::{Context, Draft, DraftColumn};
use super::overrides::{Common, GeneratedGiven};
use super::settings::Settings;
use crate::finding::Finding;

/// Says that a table keeps what it has, and names each key of the plan that has no effect on it.
pub fn report(ctx: &Context<'_>, draft: &Draft<'_>, notes: &mut Vec<Finding>) {
    if draft.existing.is_none() {
        return;
    }
    let table = draft.table.name.as_str();
    let message = "table exists and keeps its own keys, indexes, checks and defaults";
    notes.push(Finding::info(table, message, "Set existing_rows to \"replace\" to make it anew."));
    let common = draft.given.map(|g| &g.common);
    for key in common.into_iter().flat_map(|given| idle_keys(given, &ctx.plan)) {
        notes.push(no_effect(table.to_string(), &draft.path(key)));
    }
    for column in draft.columns.iter().filter(|c| !c.skip) {
        for key in idle_column_keys(column) {
            notes.push(no_effect(column.object(table), &column.path(table, key)));
        }
    }
}

fn no_effect(object: String, path: &str) -> Finding {
    let hint = "Remove the key, or set existing_rows to \"replace\" to make the table anew.";
    Finding::warning(object, format!("{path} has no effect: the table exists"), hint)
}

fn idle_keys(given: &Common, plan: &Settings) -> impl Iterator<Item = &'static str> {
    fn differs<T: PartialEq>(own: Option<T>, plan: T) -> bool {
        own.is_some_and(|own| own != plan)
    }
    let keys = [
        ("orphans", differs(given.orphans, plan.orphans)),
        ("keys", differs(given.keys, plan.keys)),
        ("nocase", differs(given.nocase, plan.nocase)),
        ("indexes", differs(given.indexes, plan.indexes)),
        ("foreign_keys", differs(given.foreign_keys, plan.foreign_keys)),
        ("checks", differs(given.checks, plan.checks)),
    ];
    keys.into_iter().filter(|(_, idle)| *idle).map(|(key, _)| key)
}

fn idle_column_keys(column: &DraftColumn<'_>) -> impl Iterator<Item = &'static str> {
    let given = column.given;
    let default = given.is_some_and(|g| matches!(g.default, Some(Some(_))));
    let generated = given.and_then(|g| g.generated.as_ref()).is_some_and(|g| *g != GeneratedGiven::Plain);
    let keys = [("default", default), ("generated", generated)];
    keys.into_iter().filter(|(_, idle)| *idle).map(|(key, _)| key)
}
