//! What becomes of the target table: made, made anew, loaded as it is, or nothing where the plan makes none.

use serde_json::Value;

use crate::finding::{Cause, Finding};
use crate::plan::decide::draft::{Context, Draft, Fate};
use crate::plan::decide::unique::counted;
use crate::plan::given::keys::did_you_mean;
use crate::plan::given::words::{Create, ExistingRows, OnError};
use crate::plan::resolve::matching;
use crate::plan::resolve::matching::{Match, There, Wanted, Way};
use crate::plan::{ExistingTable, Node};

/// Relations that tables of the source could be meant for, for each draft: its target's name where one is found.
pub fn counterparts(
    ctx: &Context<'_>,
    drafts: &mut [Draft<'_>],
    notes: &mut Vec<Finding>,
) -> Vec<Option<String>> {
    let mut out = vec![None; drafts.len()];
    let mut schemas: Vec<String> = drafts.iter().map(|d| d.settings.schema.clone()).collect();
    schemas.sort();
    schemas.dedup();
    for schema in schemas {
        let places: Vec<usize> = (0..drafts.len()).filter(|i| drafts[*i].settings.schema == schema).collect();
        let of_schema = ctx.target.relations.iter().filter(|r| r.schema == schema);
        let there: Vec<&ExistingTable> =
            of_schema.filter(|r| matches!(r.relkind, 'r' | 'p' | 'v' | 'm' | 'f')).collect();
        let matches = in_schema(ctx, drafts, &places, &there);
        for (i, found) in places.iter().zip(&matches) {
            out[*i] = tell(drafts, *i, found, &places, &there, notes);
        }
    }
    out
}

fn in_schema(
    ctx: &Context<'_>,
    drafts: &[Draft<'_>],
    places: &[usize],
    there: &[&ExistingTable],
) -> Vec<Match> {
    let of_plan = places.iter().filter_map(|i| drafts.get(*i));
    let wanted: Vec<_> = of_plan
        .map(|d| Wanted {
            source: &d.table.name,
            given: d.overrides.and_then(|g| g.target.as_deref()),
            // What is to be made, or dropped, is never what only looks like it.
            exactly: d.settings.create == Create::Always || d.settings.existing_rows == ExistingRows::Replace,
        })
        .collect();
    let there: Vec<_> = there.iter().map(|r| There { name: &r.name, usable: takes_rows(r) }).collect();
    matching::find(ctx.names, &wanted, &there)
}

/// The target's name, and what is to be said of how it was found.
fn tell(
    drafts: &mut [Draft<'_>],
    i: usize,
    found: &Match,
    places: &[usize],
    there: &[&ExistingTable],
    notes: &mut Vec<Finding>,
) -> Option<String> {
    let name = |at: &usize| there.get(*at).map_or("", |r| r.name.as_str());
    let message = match found {
        Match::Nothing => return None,
        Match::Found { there: at, way } => {
            notes.extend(drafts.get(i).and_then(|draft| found_loosely(draft, name(at), *way)));
            return Some(name(at).to_string());
        }
        Match::Several(of) => {
            format!("several existing tables could be meant: {}", quoted(of.iter().map(name)))
        }
        Match::Contested { there: at, with } => {
            let others = with.iter().filter_map(|w| Some(drafts.get(*places.get(*w)?)?.table.name.as_str()));
            format!("existing table \"{}\" could be meant for {} as well", name(at), quoted(others))
        }
    };
    let draft = drafts.get_mut(i)?;
    draft.undecided = true;
    let hint = format!("Set {} to the table's name.", draft.path("target"));
    notes.push(Finding::blocking(draft.table.name.clone(), message, hint).of(&draft.table.name));
    None
}

fn found_loosely(draft: &Draft<'_>, name: &str, way: Way) -> Option<Finding> {
    let message = format!("goes into existing table \"{name}\", found {}", way.says());
    let hint = format!("Set {} if another table is meant.", draft.path("target"));
    way.is_loose().then(|| Finding::info(draft.table.name.clone(), message, hint))
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

/// Decides by what is there under the draft's target name.
pub fn decide<'a>(ctx: &Context<'a>, draft: &mut Draft<'a>, notes: &mut Vec<Finding>) {
    let here = |r: &&ExistingTable| r.schema == draft.settings.schema && r.name == draft.target;
    if draft.undecided {
        draft.fate = Fate::Absent;
        return;
    }
    let Some(there) = ctx.target.relations.iter().find(here) else { return missing(ctx, draft, notes) };
    let (fate, problem) = of(draft, there);
    if let Some(owner) = there.stranger.as_deref().filter(|_| unasked(draft, fate)) {
        notes.push(ask(draft, owner));
        (draft.undecided, draft.fate) = (true, Fate::Absent);
        return;
    }
    draft.fate = fate;
    draft.existing = Some(there).filter(|_| matches!(fate, Fate::Keep { .. }));
    if let Some((problem, hint)) = problem {
        let message = format!("\"{}\" {problem}", draft.title());
        let finding = Finding::blocking(draft.table.name.clone(), message, hint);
        notes.push(finding.because(Cause::DuplicateTable).of(&draft.table.name));
    }
}

/// A table that is loaded because it happens to have the name: nobody has said that it is the one.
fn unasked(draft: &Draft<'_>, fate: Fate) -> bool {
    let named = draft.overrides.is_some_and(|given| given.target.is_some());
    matches!(fate, Fate::Keep { .. }) && draft.settings.create == Create::Auto && !named
}

fn ask(draft: &Draft<'_>, owner: &str) -> Finding {
    let message = format!(
        "\"{}\" exists and belongs to role \"{owner}\", whose defaults, checks and triggers would run with your rights",
        draft.title()
    );
    let hint = format!(
        "If that is what you want, set {} to {}, or create to \"never\"; or choose another schema.",
        draft.path("target"),
        Value::from(draft.target.as_str())
    );
    Finding::blocking(draft.table.name.clone(), message, hint).of(&draft.table.name)
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

/// The fate, and what is in its way.
fn of(draft: &Draft<'_>, there: &ExistingTable) -> (Fate, Option<Problem>) {
    let blocked = |fate, why: &str, hint| (fate, Some((why.to_string(), hint)));
    let keep = Fate::Keep { truncate: false };
    let made = if draft.settings.create == Create::Never { Fate::Absent } else { Fate::Create };
    match (draft.settings.create, draft.settings.existing_rows) {
        _ if !takes_rows(there) => blocked(made, "exists and is not a table", ELSEWHERE),
        _ if there.citus == Some(Node::Worker) => {
            blocked(made, "is a table of Citus, and this server is not its coordinator", COORDINATOR)
        }
        (_, ExistingRows::Replace) if !is_table(there) => {
            blocked(made, "exists and is not a table", ELSEWHERE)
        }
        (Create::Never, ExistingRows::Replace) => {
            blocked(made, "would be dropped and created, but the plan says create: \"never\"", NEVER)
        }
        (_, ExistingRows::Replace) if there.citus.is_some() => blocked(
            made,
            "is a table of Citus, and would not be distributed after it was dropped and created",
            CITUS,
        ),
        (_, ExistingRows::Replace) => (Fate::Replace, None),
        (Create::Always, _) => blocked(made, "exists, and the plan says create: \"always\"", ALWAYS),
        (_, ExistingRows::Truncate) if !is_table(there) => {
            blocked(keep, "is a view and cannot be truncated", "Set existing_rows to another value.")
        }
        (_, ExistingRows::Truncate) => (Fate::Keep { truncate: true }, None),
        (create, ExistingRows::Error) => (keep, holds_rows(there, create)),
        (_, ExistingRows::Append) => (keep, None),
    }
}

fn holds_rows(there: &ExistingTable, create: Create) -> Option<Problem> {
    let hint = if create == Create::Never { ROWS_OF_EXISTING } else { ROWS };
    if let Some(reason) = &there.uncounted {
        return Some((format!("exists, and its rows cannot be counted: {reason}"), hint));
    }
    let rows = there.rows.filter(|rows| *rows > 0)?;
    Some((format!("exists and holds {}", counted(rows, "row", "rows")), hint))
}

/// Nothing is there: it is made, unless the plan says that nothing is.
fn missing(ctx: &Context<'_>, draft: &mut Draft<'_>, notes: &mut Vec<Finding>) {
    if draft.settings.create != Create::Never {
        return;
    }
    draft.fate = Fate::Absent;
    if !ctx.target.schemas.contains(&draft.settings.schema) {
        // Said once, for the schema.
        return;
    }
    let object = draft.table.name.clone();
    let title = draft.title();
    if draft.profile.is_some_and(|p| p.rows == 0) {
        let message = format!("is left out: it holds no row, and table \"{title}\" does not exist");
        return draft.left_out(notes, object, message, "");
    }
    let near = ctx.target.relations.iter().filter(|r| r.schema == draft.settings.schema && takes_rows(r));
    let guess = did_you_mean(&draft.target, near.map(|r| r.name.as_str()));
    let message = format!("table \"{title}\" does not exist, and the plan says create: \"never\"{guess}");
    let hint =
        format!("Set {} to an existing table, or {} to true.", draft.path("target"), draft.path("skip"));
    notes.push(Finding::blocking(object, message, hint).of(&draft.table.name));
}

/// What only all tables together tell: schemas that are not there, and rows that others point to.
pub fn together(ctx: &Context<'_>, drafts: &[Draft<'_>], notes: &mut Vec<Finding>) {
    let never = drafts.iter().filter(|d| d.settings.create == Create::Never);
    let mut schemas: Vec<&str> = never.map(|d| d.settings.schema.as_str()).collect();
    schemas.sort_unstable();
    schemas.dedup();
    for schema in schemas.into_iter().filter(|s| !ctx.target.schemas.iter().any(|there| there == s)) {
        let message = format!("schema \"{schema}\" does not exist, and the plan says create: \"never\"");
        notes.push(Finding::blocking(
            format!("schema {schema}"),
            message,
            "Set schema, or create to \"auto\".",
        ));
    }
    // A table that is cleared by itself is cleared while those that point to it still do.
    let one_by_one = ctx.overrides.on_error == Some(OnError::Continue);
    let cleared = |schema: &str, name: &str| {
        let mut drafts = drafts.iter().filter(|d| d.settings.schema == schema && d.target == name);
        !one_by_one && drafts.any(|d| matches!(d.fate, Fate::Keep { truncate: true } | Fate::Replace))
    };
    for draft in drafts.iter().filter(|d| d.fate == Fate::Keep { truncate: true }) {
        notes.extend(pointed_to(draft, cleared));
    }
}

fn pointed_to(draft: &Draft<'_>, cleared: impl Fn(&str, &str) -> bool) -> Option<Finding> {
    let existing = draft.existing?;
    let staying: Vec<String> = (existing.referenced_by.iter())
        .filter(|(schema, name)| {
            (schema, name) != (&existing.schema, &existing.name) && !cleared(schema, name)
        })
        .map(|(schema, name)| format!("{schema}.{name}"))
        .collect();
    let names = quoted(staying.iter().map(String::as_str));
    let message = format!("\"{}\" cannot be truncated: foreign keys point to it from {names}", draft.title());
    let hint = "Truncate those tables in the same plan, or set existing_rows to another value.";
    (!staying.is_empty())
        .then(|| Finding::blocking(draft.table.name.clone(), message, hint).of(&draft.table.name))
}
