//! What becomes of the target table: created, replaced, loaded as it is, or nothing where the plan creates none.

use serde_json::Value;

use super::matching::{self, Existing, Match, Wanted};
use super::table::{Disposition, ResolvedTable, Selected};
use crate::finding::{Cause, Finding, counted};
use crate::plan::context::Context;
use crate::plan::given::keys::did_you_mean;
use crate::plan::given::words::{Create, ExistingRows, OnError};
use crate::plan::target::{ExistingTable, Node};

/// What a table of the source means in the target.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Counterpart {
    None,
    /// The existing table of this name.
    Found(String),
    /// Several could be meant, or several tables of the source mean the same.
    Ambiguous,
}

/// The counterpart of each table, in order.
pub fn counterparts(
    ctx: &Context<'_>,
    tables: &[Selected<'_>],
    findings: &mut Vec<Finding>,
) -> Vec<Counterpart> {
    let mut out = vec![Counterpart::None; tables.len()];
    let mut schemas: Vec<&str> = tables.iter().map(|t| t.settings.schema.as_str()).collect();
    schemas.sort_unstable();
    schemas.dedup();
    for schema in schemas {
        let of_schema: Vec<(usize, &Selected<'_>)> =
            tables.iter().enumerate().filter(|(_, t)| t.settings.schema == schema).collect();
        let relations = ctx.target.relations.iter().filter(|r| r.schema == schema);
        let existing: Vec<&ExistingTable> =
            relations.filter(|r| matches!(r.relkind, 'r' | 'p' | 'v' | 'm' | 'f')).collect();
        let wanted: Vec<_> = (of_schema.iter())
            .map(|(_, table)| Wanted {
                source: &table.source.name,
                explicit: table.overrides.and_then(|g| g.target.as_deref()),
                // A table that is to be created or dropped is found by its exact name only.
                exactly: table.settings.create == Create::Always
                    || table.settings.existing_rows == ExistingRows::Replace,
            })
            .collect();
        let names: Vec<_> =
            existing.iter().map(|r| Existing { name: &r.name, usable: takes_rows(r) }).collect();
        let matches = matching::find(ctx.names, &wanted, &names);
        for ((i, table), found) in of_schema.iter().zip(&matches) {
            out[*i] = counterpart(table, found, &of_schema, &existing, findings);
        }
    }
    out
}

/// What a match means, with a finding where the name alone does not say it.
fn counterpart(
    table: &Selected<'_>,
    found: &Match,
    of_schema: &[(usize, &Selected<'_>)],
    existing: &[&ExistingTable],
    findings: &mut Vec<Finding>,
) -> Counterpart {
    let name = |at: &usize| existing.get(*at).map_or("", |r| r.name.as_str());
    let message = match found {
        Match::Nothing => return Counterpart::None,
        Match::Found { existing: at, rule } => {
            if rule.is_loose() {
                let message = format!("goes into existing table \"{}\", found {}", name(at), rule.says());
                let hint = format!("Set {} if another table is meant.", table.path("target"));
                findings.push(Finding::info(table.source.name.clone(), message, hint));
            }
            return Counterpart::Found(name(at).to_string());
        }
        Match::Several(of) => {
            format!("several existing tables could be meant: {}", quoted(of.iter().map(name)))
        }
        Match::Contested { existing: at, with } => {
            let others = with.iter().filter_map(|w| Some(of_schema.get(*w)?.1.source.name.as_str()));
            format!("existing table \"{}\" could be meant for {} as well", name(at), quoted(others))
        }
    };
    let hint = format!("Set {} to the table's name.", table.path("target"));
    findings.push(Finding::blocking(table.source.name.clone(), message, hint).of(table.id));
    Counterpart::Ambiguous
}

/// `"a", "b"`
pub fn quoted<'n>(names: impl Iterator<Item = &'n str>) -> String {
    names.map(|n| format!("\"{n}\"")).collect::<Vec<_>>().join(", ")
}

fn is_table(relation: &ExistingTable) -> bool {
    matches!(relation.relkind, 'r' | 'p')
}

fn takes_rows(relation: &ExistingTable) -> bool {
    is_table(relation) || (relation.relkind == 'v' && relation.insertable)
}

/// Decides by what exists under the table's target name.
pub fn decide<'a>(ctx: &Context<'a>, table: &mut ResolvedTable<'a>, findings: &mut Vec<Finding>) {
    let here = |r: &&ExistingTable| r.schema == table.settings.schema && r.name == table.target;
    if table.ambiguous {
        table.disposition = Disposition::Absent;
        return;
    }
    let Some(existing) = ctx.target.relations.iter().find(here) else { return missing(ctx, table, findings) };
    let (disposition, problem) = of(table, existing);
    // The table is loaded only because it has this name: nobody has said that it is the one.
    let named = table.overrides.is_some_and(|given| given.target.is_some());
    let unasked =
        matches!(disposition, Disposition::Keep { .. }) && table.settings.create == Create::Auto && !named;
    if let Some(owner) = existing.stranger.as_deref().filter(|_| unasked) {
        findings.push(ask(table, owner));
        (table.ambiguous, table.disposition) = (true, Disposition::Absent);
        return;
    }
    table.disposition = disposition;
    table.existing = Some(existing).filter(|_| matches!(disposition, Disposition::Keep { .. }));
    if let Some((problem, hint)) = problem {
        let message = format!("\"{}\" {problem}", table.title());
        let finding = Finding::blocking(table.source.name.clone(), message, hint);
        findings.push(finding.because(Cause::DuplicateTable).of(table.id));
    }
}

fn ask(table: &ResolvedTable<'_>, owner: &str) -> Finding {
    let message = format!(
        "\"{}\" exists and belongs to role \"{owner}\", whose defaults, checks and triggers would run with your rights",
        table.title()
    );
    let hint = format!(
        "If that is what you want, set {} to {}, or create to \"never\"; or choose another schema.",
        table.path("target"),
        Value::from(table.target.as_str())
    );
    Finding::blocking(table.source.name.clone(), message, hint).of(table.id)
}

const ELSEWHERE: &str = "Choose another schema or target.";
const ALWAYS: &str =
    "Set create to \"auto\", or existing_rows to \"replace\", or choose another schema or target.";
const ROWS: &str = "Set existing_rows to \"append\", \"truncate\" or \"replace\", or on_conflict to \"skip\" or \
                    \"update\", or choose another schema or target.";
const ROWS_OF_EXISTING: &str =
    "Set existing_rows to \"append\" or \"truncate\", or on_conflict to \"skip\" or \"update\".";
const CITUS: &str =
    "Set create to \"auto\" and existing_rows to \"truncate\", or choose another schema or target.";
const COORDINATOR: &str = "Connect to the coordinator.";
const NEVER: &str = "Set existing_rows to another value, or create to \"auto\".";

type Problem = (String, &'static str);

/// The disposition, and what is in its way.
fn of(table: &ResolvedTable<'_>, existing: &ExistingTable) -> (Disposition, Option<Problem>) {
    let blocked = |disposition, why: &str, hint| (disposition, Some((why.to_string(), hint)));
    let keep = Disposition::Keep { truncate: false };
    let made = if table.settings.create == Create::Never { Disposition::Absent } else { Disposition::Create };
    match (table.settings.create, table.settings.existing_rows) {
        _ if !takes_rows(existing) => blocked(made, "exists and is not a table", ELSEWHERE),
        _ if existing.citus == Some(Node::Worker) => {
            blocked(made, "is a table of Citus, and this server is not its coordinator", COORDINATOR)
        }
        (_, ExistingRows::Replace) if !is_table(existing) => {
            blocked(made, "exists and is not a table", ELSEWHERE)
        }
        (Create::Never, ExistingRows::Replace) => {
            blocked(made, "would be dropped and created, but the plan says create: \"never\"", NEVER)
        }
        (_, ExistingRows::Replace) if existing.citus.is_some() => blocked(
            made,
            "is a table of Citus, and would not be distributed after it was dropped and created",
            CITUS,
        ),
        (_, ExistingRows::Replace) => (Disposition::Replace, None),
        (Create::Always, _) => blocked(made, "exists, and the plan says create: \"always\"", ALWAYS),
        (_, ExistingRows::Truncate) if !is_table(existing) => {
            blocked(keep, "is a view and cannot be truncated", "Set existing_rows to another value.")
        }
        (_, ExistingRows::Truncate) => (Disposition::Keep { truncate: true }, None),
        (create, ExistingRows::Error) => (keep, holds_rows(existing, create)),
        (_, ExistingRows::Append) => (keep, None),
    }
}

fn holds_rows(existing: &ExistingTable, create: Create) -> Option<Problem> {
    let hint = if create == Create::Never { ROWS_OF_EXISTING } else { ROWS };
    if let Some(reason) = &existing.uncounted {
        return Some((format!("exists, and its rows cannot be counted: {reason}"), hint));
    }
    let rows = existing.rows.filter(|rows| *rows > 0)?;
    Some((format!("exists and holds {}", counted(rows, "row", "rows")), hint))
}

/// No such table exists: it is created, unless the plan creates none.
fn missing(ctx: &Context<'_>, table: &mut ResolvedTable<'_>, findings: &mut Vec<Finding>) {
    if table.settings.create != Create::Never {
        return;
    }
    table.disposition = Disposition::Absent;
    if !ctx.target.schemas.contains(&table.settings.schema) {
        // Reported once, for the schema.
        return;
    }
    let object = table.source.name.clone();
    let title = table.title();
    if table.profile.is_some_and(|p| p.rows == 0) {
        let message = format!("is left out: it holds no row, and table \"{title}\" does not exist");
        table.detail.push(format!("{object}: {message}"));
        return findings.push(Finding::warning(object, message, ""));
    }
    let near = ctx.target.relations.iter().filter(|r| r.schema == table.settings.schema && takes_rows(r));
    let guess = did_you_mean(&table.target, near.map(|r| r.name.as_str()));
    let message = format!("table \"{title}\" does not exist, and the plan says create: \"never\"{guess}");
    let hint =
        format!("Set {} to an existing table, or {} to true.", table.path("target"), table.path("skip"));
    findings.push(Finding::blocking(object, message, hint).of(table.id));
}

/// What depends on all tables: schemas that do not exist, and tables that cannot be truncated because others reference
/// them.
pub fn together(ctx: &Context<'_>, tables: &[ResolvedTable<'_>], findings: &mut Vec<Finding>) {
    let never = tables.iter().filter(|d| d.settings.create == Create::Never);
    let mut schemas: Vec<&str> = never.map(|d| d.settings.schema.as_str()).collect();
    schemas.sort_unstable();
    schemas.dedup();
    for schema in schemas.into_iter().filter(|s| !ctx.target.schemas.iter().any(|existing| existing == s)) {
        let message = format!("schema \"{schema}\" does not exist, and the plan says create: \"never\"");
        findings.push(Finding::blocking(
            format!("schema {schema}"),
            message,
            "Set schema, or create to \"auto\".",
        ));
    }
    // A table that is cleared by itself is still referenced by the others at that moment.
    let one_by_one = ctx.overrides.on_error == Some(OnError::Continue);
    let cleared = |schema: &str, name: &str| {
        let mut tables = tables.iter().filter(|d| d.settings.schema == schema && d.target == name);
        !one_by_one
            && tables
                .any(|d| matches!(d.disposition, Disposition::Keep { truncate: true } | Disposition::Replace))
    };
    for table in tables.iter().filter(|d| d.disposition == Disposition::Keep { truncate: true }) {
        findings.extend(pointed_to(table, cleared));
    }
}

fn pointed_to(table: &ResolvedTable<'_>, cleared: impl Fn(&str, &str) -> bool) -> Option<Finding> {
    let existing = table.existing?;
    let staying: Vec<String> = (existing.referenced_by.iter())
        .filter(|(schema, name)| {
            (schema, name) != (&existing.schema, &existing.name) && !cleared(schema, name)
        })
        .map(|(schema, name)| format!("{schema}.{name}"))
        .collect();
    let names = quoted(staying.iter().map(String::as_str));
    let message = format!("\"{}\" cannot be truncated: foreign keys point to it from {names}", table.title());
    let hint = "Truncate those tables in the same plan, or set existing_rows to another value.";
    (!staying.is_empty()).then(|| Finding::blocking(table.source.name.clone(), message, hint).of(table.id))
}
