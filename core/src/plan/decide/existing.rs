//! Plan keys without effect on a table: on one that exists, or on one that the import creates.
//!
//! A printed plan has every key, so a table's key counts as explicit where it differs from the plan's; and
//! `default: null` or `generated: false` ask for nothing.

use serde_json::Value;

use super::table::{DecidedColumn, DecidedTable};
use crate::finding::{Finding, Fix, Kind};
use crate::plan::context::Context;
use crate::plan::given::settings::Settings;
use crate::plan::given::words::{Create, OnConflict};
use crate::plan::resolve::disposition::quoted;
use crate::plan::resolve::table::Disposition;
use crate::plan::target::ExistingTable;
use crate::value::PgType;

/// Says that a table keeps what it has, and names each key of the plan that has no effect on it.
pub fn report(ctx: &Context<'_>, table: &DecidedTable<'_>, findings: &mut Vec<Finding>) {
    if table.disposition == Disposition::Absent {
        return;
    }
    let name = table.source.name.as_str();
    let without_effect = keys_without_effect(table, &ctx.plan);
    let Some(existing) = table.existing else {
        for key in without_effect.into_iter().chain(conflict_target(table)) {
            let message = format!("{} has no effect: the table is made by the import", table.path(key));
            let finding = Kind::NoEffect.warning(name, message);
            findings.push(finding.fix(Fix::of_table(name, key, Value::Null), ""));
        }
        return;
    };
    findings.push(keeps(table, existing));
    for key in without_effect {
        let removed = Fix::of_table(name, key, Value::Null);
        findings.push(no_effect(table, name, &table.path(key), removed));
    }
    if let Some(key) = conflict_target(table).filter(|_| table.settings.on_conflict == OnConflict::Error) {
        let message = format!("{} has no effect: on_conflict is \"error\"", table.path(key));
        let rest = ", or set on_conflict to \"skip\" or \"update\"";
        let removed = Fix::of_table(name, key, Value::Null);
        findings.push(Kind::NoEffect.warning(name, message).fix(removed, rest));
    }
    if own_match(table, &ctx.plan) && table.settings.on_conflict == OnConflict::Error {
        let message = format!("{} has no effect: on_conflict is \"error\"", table.path("match"));
        let removed = Fix::of_table(name, "match", Value::Null);
        let rest = ", or set on_conflict to \"skip\" or \"update\"";
        findings.push(Kind::NoEffect.warning(name, message).fix(removed, rest));
    }
    for column in &table.columns {
        for key in column_keys_without_effect(column, existing) {
            let removed = Fix::of_column(name, &column.source.name, key, Value::Null);
            findings.push(no_effect(table, &column.object(name), &column.path(name, key), removed));
        }
    }
    findings.extend(trigger_finding(table, existing));
}

fn keeps(table: &DecidedTable<'_>, existing: &ExistingTable) -> Finding {
    let name = table.source.name.as_str();
    if existing.relkind == 'v' {
        return Kind::TableKept.info(name, "is loaded by INSERT into an existing view");
    }
    let message = "table exists and keeps its own keys, indexes, checks and defaults";
    let finding = Kind::TableKept.info(name, message);
    match may_be_replaced(table) {
        true => {
            finding.hint(format!("Set {} to \"replace\" to drop and create it.", table.path("existing_rows")))
        }
        false => finding,
    }
}

fn may_be_replaced(table: &DecidedTable<'_>) -> bool {
    table.settings.create != Create::Never
        && table.existing.is_some_and(|existing| existing.relkind != 'v' && existing.citus.is_none())
}

/// Triggers of a view do its work and always fire. Those of a table are disabled, unless the plan lets them fire or
/// only the owner could disable them.
fn trigger_finding(table: &DecidedTable<'_>, existing: &ExistingTable) -> Option<Finding> {
    if table.settings.fire_triggers || existing.relkind == 'v' || existing.triggers.is_empty() {
        return None;
    }
    let names = quoted(existing.triggers.iter().map(String::as_str));
    if !existing.owned {
        let message = format!(
            "triggers fire for loaded rows, because only the table's owner can disable them: {names}"
        );
        return Some(Kind::Triggers.warning(&table.source.name, message));
    }
    let message = format!("triggers do not fire for loaded rows: {names}");
    let fix = Fix::of_table(&table.source.name, "fire_triggers", true);
    Some(Kind::Triggers.info(&table.source.name, message).fix(fix, " to fire them"))
}

fn no_effect(table: &DecidedTable<'_>, object: &str, path: &str, removed: Fix) -> Finding {
    let finding = Kind::NoEffect.warning(object, format!("{path} has no effect: the table exists"));
    // A table that the import makes itself has the effect.
    let replaced = match may_be_replaced(table) {
        true => ", or set existing_rows to \"replace\" to drop and create the table",
        false => "",
    };
    finding.fix(removed, replaced)
}

/// Keys that the table's entry sets otherwise than the plan, without effect: an existing table keeps its keys and
/// indexes, and a table that the import creates has no rows, constraints or triggers before its load.
fn keys_without_effect(table: &DecidedTable<'_>, plan: &Settings) -> Vec<&'static str> {
    fn differs<T: PartialEq>(own: Option<T>, plan: T) -> bool {
        own.is_some_and(|own| own != plan)
    }
    let Some(given) = table.overrides.map(|g| &g.common) else { return vec![] };
    let keys = match table.existing {
        Some(_) => vec![
            ("keys", differs(given.keys, plan.keys)),
            ("nocase", differs(given.nocase, plan.nocase)),
            ("indexes", differs(given.indexes.clone(), plan.indexes.clone())),
            ("foreign_keys", differs(given.foreign_keys.clone(), plan.foreign_keys.clone())),
            ("checks", differs(given.checks.clone(), plan.checks.clone())),
            ("enums", differs(given.enums.clone(), plan.enums.clone())),
            ("generated", differs(given.generated, plan.generated)),
            ("identity", differs(given.identity, plan.identity)),
        ],
        None => vec![
            ("on_conflict", differs(given.on_conflict, plan.on_conflict)),
            ("match", own_match(table, plan)),
            ("constraints", differs(given.constraints, plan.constraints)),
            ("fire_triggers", differs(given.fire_triggers, plan.fire_triggers)),
            ("null_to_default", table.overrides.and_then(|g| g.null_to_default) == Some(true)),
        ],
    };
    keys.into_iter().filter(|(_, without_effect)| *without_effect).map(|(key, _)| key).collect()
}

/// The table's entry says how rows are matched, otherwise than the plan.
pub fn own_match(table: &DecidedTable<'_>, plan: &Settings) -> bool {
    let own = table.overrides.and_then(|g| g.common.match_by.as_ref());
    own.is_some_and(|own| *own != plan.match_by)
}

fn conflict_target(table: &DecidedTable<'_>) -> Option<&'static str> {
    table.overrides.and_then(|g| g.conflict_target.as_ref()).map(|_| "conflict_target")
}

fn column_keys_without_effect(
    column: &DecidedColumn<'_>,
    existing: &ExistingTable,
) -> impl Iterator<Item = &'static str> {
    let given = column.overrides;
    let not_null = existing.column(&column.target).is_some_and(|c| c.not_null);
    let nullable = given.and_then(|g| g.nullable).is_some_and(|nullable| nullable == not_null);
    let default = given.is_some_and(|g| matches!(g.default, Some(Some(_))));
    let generated = given.and_then(|g| g.generated.as_ref()).is_some_and(|g| !g.is_plain());
    let boolean = existing.column(&column.target).is_some_and(|c| *c.pg_type.base() == PgType::Bool);
    let truths = !boolean && !column.words.truths.is_empty();
    let falsehoods = !boolean && !column.words.falsehoods.is_empty();
    let keys = [
        ("nullable", nullable),
        ("default", default),
        ("generated", generated),
        ("true_values", truths),
        ("false_values", falsehoods),
    ];
    keys.into_iter().filter(|(_, without_effect)| *without_effect).map(|(key, _)| key)
}
