//! What the plan says of a table in vain: of one that is there, or of one that is made.
//!
//! A printed plan says every key, so a table's key counts as the user's own where it differs from the plan's;
//! and `default: null` or `generated: false` ask for nothing.

use super::table::{DecidedColumn, DecidedTable};
use crate::finding::Finding;
use crate::plan::context::Context;
use crate::plan::given::overrides::{Common, GeneratedOverride};
use crate::plan::given::settings::Settings;
use crate::plan::given::words::{Create, OnConflict};
use crate::plan::resolve::disposition::quoted;
use crate::plan::resolve::table::Disposition;
use crate::plan::target::ExistingTable;

/// Says that a table keeps what it has, and names each key of the plan that has no effect on it.
pub fn report(ctx: &Context<'_>, table: &DecidedTable<'_>, findings: &mut Vec<Finding>) {
    if table.disposition == Disposition::Absent {
        return;
    }
    let name = table.source.name.as_str();
    let common = table.overrides.map(|g| &g.common).into_iter();
    let Some(existing) = table.existing else {
        for key in common.flat_map(|given| keys_of_existing(given, &ctx.plan)).chain(conflict_target(table)) {
            findings.push(no_effect(name.to_string(), &table.path(key), "the table is made by the import"));
        }
        return;
    };
    findings.push(keeps(table, existing));
    for key in common.flat_map(|given| keys_of_new(given, &ctx.plan)) {
        findings
            .push(unless_replaced(no_effect(name.to_string(), &table.path(key), "the table exists"), table));
    }
    if table.settings.on_conflict == OnConflict::Error {
        let why = "on_conflict is \"error\"";
        let hint = "Remove the key, or set on_conflict to \"skip\" or \"update\".";
        let finding = |key| no_effect(name.to_string(), &table.path(key), why);
        findings.extend(conflict_target(table).map(|key| Finding { hint: hint.into(), ..finding(key) }));
    }
    for column in &table.columns {
        for key in idle_column_keys(column, existing) {
            let finding = no_effect(column.object(name), &column.path(name, key), "the table exists");
            findings.push(unless_replaced(finding, table));
        }
    }
    findings.extend(quiet(table, existing));
}

fn keeps(table: &DecidedTable<'_>, existing: &ExistingTable) -> Finding {
    let name = table.source.name.as_str();
    if existing.relkind == 'v' {
        return Finding::info(name, "is loaded by INSERT into an existing view", "");
    }
    let message = "table exists and keeps its own keys, indexes, checks and defaults";
    let hint =
        if may_be_replaced(table) { "Set existing_rows to \"replace\" to drop and create it." } else { "" };
    Finding::info(name, message, hint)
}

/// Triggers of a view do its work; those of a table do not fire unless asked to, or where nobody can help it.
fn quiet(table: &DecidedTable<'_>, existing: &ExistingTable) -> Option<Finding> {
    if table.settings.fire_triggers || existing.relkind == 'v' || existing.triggers.is_empty() {
        return None;
    }
    let names = quoted(existing.triggers.iter().map(String::as_str));
    if !existing.owned {
        let message = format!(
            "triggers fire for loaded rows, because only the table's owner can disable them: {names}"
        );
        return Some(Finding::warning(table.source.name.clone(), message, ""));
    }
    let hint = format!("Set {} to true to fire them.", table.path("fire_triggers"));
    Some(Finding::info(
        table.source.name.clone(),
        format!("triggers do not fire for loaded rows: {names}"),
        hint,
    ))
}

fn no_effect(object: String, path: &str, why: &str) -> Finding {
    Finding::warning(object, format!("{path} has no effect: {why}"), "Remove the key.")
}

/// A table that the import makes itself has the effect.
fn unless_replaced(finding: Finding, table: &DecidedTable<'_>) -> Finding {
    let hint = "Remove the key, or set existing_rows to \"replace\" to drop and create the table.";
    if may_be_replaced(table) { Finding { hint: hint.into(), ..finding } } else { finding }
}

fn may_be_replaced(table: &DecidedTable<'_>) -> bool {
    table.settings.create != Create::Never
        && table.existing.is_some_and(|existing| existing.relkind != 'v' && existing.citus.is_none())
}

fn differs<T: PartialEq>(own: Option<T>, plan: T) -> bool {
    own.is_some_and(|own| own != plan)
}

fn keys_of_new(given: &Common, plan: &Settings) -> impl Iterator<Item = &'static str> {
    let keys = [
        ("keys", differs(given.keys, plan.keys)),
        ("nocase", differs(given.nocase, plan.nocase)),
        ("indexes", differs(given.indexes, plan.indexes)),
        ("foreign_keys", differs(given.foreign_keys, plan.foreign_keys)),
        ("checks", differs(given.checks, plan.checks)),
    ];
    keys.into_iter().filter(|(_, idle)| *idle).map(|(key, _)| key)
}

fn keys_of_existing(given: &Common, plan: &Settings) -> impl Iterator<Item = &'static str> {
    let keys = [
        ("on_conflict", differs(given.on_conflict, plan.on_conflict)),
        ("constraints", differs(given.constraints, plan.constraints)),
        ("fire_triggers", differs(given.fire_triggers, plan.fire_triggers)),
    ];
    keys.into_iter().filter(|(_, idle)| *idle).map(|(key, _)| key)
}

fn conflict_target(table: &DecidedTable<'_>) -> Option<&'static str> {
    table.overrides.and_then(|g| g.conflict_target.as_ref()).map(|_| "conflict_target")
}

fn idle_column_keys(
    column: &DecidedColumn<'_>,
    existing: &ExistingTable,
) -> impl Iterator<Item = &'static str> {
    let given = column.overrides;
    let not_null = existing.column(&column.target).is_some_and(|c| c.not_null);
    let nullable = given.and_then(|g| g.nullable).is_some_and(|nullable| nullable == not_null);
    let default = given.is_some_and(|g| matches!(g.default, Some(Some(_))));
    let generated = given.and_then(|g| g.generated.as_ref()).is_some_and(|g| *g != GeneratedOverride::Plain);
    let keys = [("nullable", nullable), ("default", default), ("generated", generated)];
    keys.into_iter().filter(|(_, idle)| *idle).map(|(key, _)| key)
}
