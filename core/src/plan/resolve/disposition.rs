//! What becomes of the target table: created, replaced, loaded as it is, or nothing where the plan creates none.

use super::matching::{self, Existing, Match, Wanted};
use super::names;
use super::table::{Disposition, ResolvedTable, Selected};
use crate::finding::{Finding, Fix, Kind, counted};
use crate::plan::context::Context;
use crate::plan::given::keys::{nearest, suggested};
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
        let ruled: Vec<String> =
            of_schema.iter().map(|(_, table)| ctx.name_rules.table(table.source.called())).collect();
        let wanted: Vec<_> = (of_schema.iter().zip(&ruled))
            .map(|((_, table), ruled)| Wanted {
                source: ruled,
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
                findings.push(Kind::SimilarTable.info(&table.source.name, message).hint(hint));
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
    findings.push(Kind::AmbiguousTable.blocking(&table.source.name, message).hint(hint).of(table.id));
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
    if let Some(owner) = existing.untrusted_owner.as_deref().filter(|_| unasked) {
        findings.push(ask(table, owner));
        (table.ambiguous, table.disposition) = (true, Disposition::Absent);
        return;
    }
    table.disposition = disposition;
    table.existing = Some(existing).filter(|_| matches!(disposition, Disposition::Keep { .. }));
    if let Some((problem, advice)) = problem {
        let message = format!("\"{}\" {problem}", table.title());
        let finding = Kind::TableExists.blocking(&table.source.name, message).of(table.id);
        findings.push(advice.advise(ctx, table, finding));
    }
}

fn ask(table: &ResolvedTable<'_>, owner: &str) -> Finding {
    let message = format!(
        "\"{}\" exists and belongs to role \"{owner}\", whose defaults, checks and triggers would run with your rights",
        table.title()
    );
    let fix = Fix::of_table(&table.source.name, "target", table.target.as_str());
    let rest = " if that is what you want, or create to \"never\"; or choose another schema";
    Kind::OtherOwner.blocking(&table.source.name, message).fix(fix, rest).of(table.id)
}

/// What resolves a problem with the table of the target's name.
enum InvalidValues {
    /// Another name.
    Elsewhere,
    /// A key of the table, other values of it that do as well, and other keys, in words.
    Key(&'static str, &'static str, &'static [&'static str], &'static str),
    Coordinator,
}

const ALWAYS: InvalidValues = InvalidValues::Key(
    "create",
    "auto",
    &[],
    ", or existing_rows to \"replace\", or choose another schema or target",
);
const ROWS: InvalidValues = InvalidValues::Key(
    "existing_rows",
    "append",
    &["truncate", "replace"],
    ", or on_conflict to \"skip\" or \"update\", or choose another schema or target",
);
const ROWS_OF_EXISTING: InvalidValues = InvalidValues::Key(
    "existing_rows",
    "append",
    &["truncate"],
    ", or on_conflict to \"skip\" or \"update\"",
);
const CITUS: InvalidValues = InvalidValues::Key(
    "existing_rows",
    "truncate",
    &[],
    " and create to \"auto\", or choose another schema or target",
);
const NEVER: InvalidValues = InvalidValues::Key("create", "auto", &[], ", or existing_rows to another value");
const VIEW: InvalidValues = InvalidValues::Key("existing_rows", "append", &[], "");

impl InvalidValues {
    fn advise(&self, ctx: &Context<'_>, table: &ResolvedTable<'_>, finding: Finding) -> Finding {
        let source = &table.source.name;
        match self {
            InvalidValues::Elsewhere => {
                let name =
                    |n: u32| names::clip(&table.target, names::LIMIT - 4).to_owned() + &format!("_{n}");
                let taken = |name: &String| {
                    ctx.target.relations.iter().any(|r| r.schema == table.settings.schema && r.name == *name)
                };
                let free = (2..1000).map(name).find(|name| !taken(name)).unwrap_or_default();
                finding
                    .fix(Fix::of_table(source, "target", free), " or another name, or choose another schema")
            }
            InvalidValues::Key(key, value, others, rest) => {
                finding.fix(Fix::of_table(source, key, *value).or(others), rest)
            }
            InvalidValues::Coordinator => finding.hint("Connect to the coordinator."),
        }
    }
}

type Problem = (String, InvalidValues);

/// The disposition, and what is in its way.
fn of(table: &ResolvedTable<'_>, existing: &ExistingTable) -> (Disposition, Option<Problem>) {
    let blocked = |disposition, why: &str, hint| (disposition, Some((why.to_string(), hint)));
    let keep = Disposition::Keep { truncate: false };
    let made = if table.settings.create == Create::Never { Disposition::Absent } else { Disposition::Create };
    match (table.settings.create, table.settings.existing_rows) {
        _ if !takes_rows(existing) => blocked(made, "exists and is not a table", InvalidValues::Elsewhere),
        _ if existing.citus == Some(Node::Worker) => blocked(
            made,
            "is a table of Citus, and this server is not its coordinator",
            InvalidValues::Coordinator,
        ),
        (_, ExistingRows::Replace) if !is_table(existing) => {
            blocked(made, "exists and is not a table", InvalidValues::Elsewhere)
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
            blocked(keep, "is a view and cannot be truncated", VIEW)
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
        return findings.push(Kind::TableMissing.warning(object, message));
    }
    let near = ctx.target.relations.iter().filter(|r| r.schema == table.settings.schema && takes_rows(r));
    let near = nearest(&table.target, near.map(|r| r.name.as_str()));
    let guess = suggested(near);
    let message = format!("table \"{title}\" does not exist, and the plan says create: \"never\"{guess}");
    let finding = Kind::TableMissing.blocking(&object, message).of(table.id);
    let skip = table.path("skip");
    findings.push(match near {
        Some(near) => finding
            .fix(Fix::of_table(&object, "target", near), &format!(", create to \"auto\", or {skip} to true")),
        None => {
            let rest = format!(", {} to an existing table, or {skip} to true", table.path("target"));
            finding.fix(Fix::of_table(&object, "create", "auto"), &rest)
        }
    });
}

/// What depends on all tables: schemas that do not exist, and tables that cannot be truncated because others reference
/// them.
pub fn together(ctx: &Context<'_>, tables: &mut [ResolvedTable<'_>], findings: &mut Vec<Finding>) {
    let never = tables.iter().filter(|d| d.settings.create == Create::Never);
    let mut schemas: Vec<&str> = never.map(|d| d.settings.schema.as_str()).collect();
    schemas.sort_unstable();
    schemas.dedup();
    for schema in schemas.into_iter().filter(|s| !ctx.target.schemas.iter().any(|existing| existing == s)) {
        let message = format!("schema \"{schema}\" does not exist, and the plan says create: \"never\"");
        let finding = Kind::SchemaMissing.blocking(format!("schema {schema}"), message);
        findings.push(finding.fix(Fix::of_plan("create", "auto"), ", or schema to an existing one"));
    }
    // A table that is cleared by itself is still referenced by the others at that moment.
    let one_by_one = ctx.overrides.on_error == Some(OnError::Continue);
    if !one_by_one {
        empty_referrers(tables);
    }
    let cleared = |schema: &str, name: &str| {
        let mut tables = tables.iter().filter(|d| d.settings.schema == schema && d.target == name);
        !one_by_one && tables.any(|d| d.emptied || is_cleared(d))
    };
    for table in tables.iter().filter(|d| d.disposition == Disposition::Keep { truncate: true }) {
        findings.extend(pointed_to(table, cleared));
    }
}

fn is_cleared(table: &ResolvedTable<'_>) -> bool {
    matches!(table.disposition, Disposition::Keep { truncate: true } | Disposition::Replace)
}

/// PostgreSQL wants every table named that refers to a truncated one. Of those that hold nothing, nothing is lost.
fn empty_referrers(tables: &mut [ResolvedTable<'_>]) {
    let place = |tables: &[ResolvedTable<'_>], (schema, name): &(String, String)| {
        tables.iter().position(|d| d.settings.schema == *schema && d.target == *name)
    };
    for i in 0..tables.len() {
        let truncated = tables.get(i).is_some_and(|d| d.disposition == Disposition::Keep { truncate: true });
        let (mut todo, mut found) = (if truncated { vec![i] } else { vec![] }, vec![]);
        // All that refer to it, directly or not: one that holds rows, or is not in the plan, keeps the others as they are.
        let mut all = true;
        while let Some(existing) = todo.pop().and_then(|at| tables.get(at)?.existing) {
            for named in &existing.referenced_by {
                let at = place(tables, named);
                match at.and_then(|at| Some((at, tables.get(at)?))) {
                    Some((at, _)) if found.contains(&at) => {}
                    Some((_, table)) if is_cleared(table) => {}
                    Some((at, table)) if table.holds_nothing() => {
                        found.push(at);
                        todo.push(at);
                    }
                    _ => all = false,
                }
            }
        }
        for at in found.into_iter().filter(|_| all) {
            tables.iter_mut().skip(at).take(1).for_each(|table| table.emptied = true);
        }
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
    let fix = Fix::of_table(&table.source.name, "existing_rows", "append");
    let finding = Kind::Referenced.blocking(&table.source.name, message).of(table.id);
    (!staying.is_empty()).then(|| finding.fix(fix, ", or truncate those tables in the same plan"))
}
