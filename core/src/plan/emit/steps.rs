//! The ordered steps of a run: what was decided, in the order in which it is done.

use std::collections::{BTreeSet, HashSet};

use super::{ddl, sequences};
use crate::finding::Finding;
use crate::plan::decide::collate;
use crate::plan::decide::draft::{Context, Draft, DraftColumn, Fate};
use crate::plan::given::words::{Constraints, ExistingRows, OnError};
use crate::plan::resolve::names::make_object_name;
use crate::plan::{Action, IntoExisting, LoadColumn, LoadSpec, Phase, Step};
use crate::sqltext::{ident, qualified};

/// Every step. `order` lists the drafts as they are loaded, and so are they numbered in the steps.
pub fn steps(
    ctx: &Context<'_>,
    drafts: &[Draft<'_>],
    order: &[usize],
    notes: &mut Vec<Finding>,
) -> Vec<Step> {
    let ordered: Vec<&Draft<'_>> = order.iter().filter_map(|i| drafts.get(*i)).collect();
    let mut out = Vec::new();
    user_sql(&mut out, Phase::Before, ctx.overrides.before.as_deref());
    schemas(ctx, &mut out, &ordered);
    tables(ctx, &mut out, &ordered);
    let goes_on = ctx.overrides.on_error == Some(OnError::Continue);
    for (i, draft) in ordered.iter().enumerate() {
        let title = format!("load {}", draft.title());
        out.push(Step {
            title,
            phase: Phase::Load,
            action: Action::Load(load(draft, goes_on)),
            table: Some(i),
        });
    }
    for phase in [Phase::Keys, Phase::Indexes, Phase::ForeignKeys, Phase::Checks] {
        after(&mut out, &ordered, phase);
    }
    sequences::steps(&mut out, &ordered, notes);
    refresh(ctx, &mut out, &ordered);
    let analyzed = |d: &Draft<'_>| d.settings.analyze && d.existing.is_none_or(|e| e.relkind != 'v');
    for (i, draft) in ordered.iter().enumerate().filter(|(_, d)| analyzed(d)) {
        let sql = format!("ANALYZE {}", qualified(&draft.settings.schema, &draft.target));
        push(&mut out, Phase::Analyze, format!("analyze {}", draft.title()), sql, Some(i));
    }
    user_sql(&mut out, Phase::After, ctx.overrides.after.as_deref());
    out
}

pub fn push(out: &mut Vec<Step>, phase: Phase, title: String, sql: String, table: Option<usize>) {
    out.push(Step { title, phase, action: Action::Sql(sql), table });
}

/// Materialized views of existing tables. One that is refreshed is as good as loaded for the next.
fn refresh(ctx: &Context<'_>, out: &mut Vec<Step>, drafts: &[&Draft<'_>]) {
    if ctx.overrides.refresh != Some(true) {
        return;
    }
    let there = drafts.iter().filter_map(|d| d.existing);
    let mut changed: HashSet<(&str, &str)> = there.map(|e| (e.schema.as_str(), e.name.as_str())).collect();
    for view in &ctx.target.views {
        if view.reads.iter().any(|(schema, name)| changed.contains(&(schema.as_str(), name.as_str()))) {
            changed.insert((&view.schema, &view.name));
            let sql = format!("REFRESH MATERIALIZED VIEW {}", qualified(&view.schema, &view.name));
            let title = format!("refresh materialized view {}.{}", view.schema, view.name);
            push(out, Phase::Refresh, title, sql, None);
        }
    }
}

fn user_sql(out: &mut Vec<Step>, phase: Phase, statements: Option<&[String]>) {
    for (i, sql) in statements.unwrap_or_default().iter().enumerate() {
        push(out, phase, format!("{} {}", phase.as_str(), i + 1), sql.clone(), None);
    }
}

fn schemas(ctx: &Context<'_>, out: &mut Vec<Step>, drafts: &[&Draft<'_>]) {
    let mut seen = HashSet::new();
    for schema in drafts.iter().map(|d| &d.settings.schema).filter(|s| seen.insert(s.as_str())) {
        if !ctx.target.schemas.contains(schema) {
            let sql = format!("CREATE SCHEMA IF NOT EXISTS {}", ident(schema));
            push(out, Phase::Schema, format!("create schema {schema}"), sql, None);
        }
    }
    // An index may ask for NOCASE where the column does not.
    let asks = |d: &&&Draft<'_>| {
        let clause = collate::clause(&d.settings.schema);
        let in_index = |a: &Action| matches!(a, Action::Sql(sql) if sql.contains(&clause));
        d.fresh() && (d.columns.iter().any(|c| c.nocase) || d.after.iter().any(|(_, _, a)| in_index(a)))
    };
    let collated: BTreeSet<&str> = drafts.iter().filter(asks).map(|d| d.settings.schema.as_str()).collect();
    for schema in collated {
        push(out, Phase::Schema, format!("create collation in {schema}"), collate::create_sql(schema), None);
    }
}

/// Clears and creates. When a bad table does not stop the rest, each is cleared by itself, right before it is
/// made and loaded, so that one that fails keeps what it had.
fn tables(ctx: &Context<'_>, out: &mut Vec<Step>, drafts: &[&Draft<'_>]) {
    let one_by_one = ctx.overrides.on_error == Some(OnError::Continue);
    if !one_by_one {
        clear_together(out, drafts);
    }
    let names: HashSet<(&str, &str)> =
        drafts.iter().map(|d| (d.settings.schema.as_str(), d.target.as_str())).collect();
    let mut taken = HashSet::new();
    for (i, draft) in drafts.iter().enumerate() {
        if one_by_one {
            clear_one(out, drafts, draft, i);
        }
        if draft.fresh() {
            let sequences = clashing_sequences(draft, &names, &mut taken);
            let title = format!("create table {}", draft.title());
            push(out, Phase::Tables, title, ddl::create_table(draft, &sequences), Some(i));
        }
    }
}

fn clear_together(out: &mut Vec<Step>, drafts: &[&Draft<'_>]) {
    if let Some(sql) = ddl::together("DROP", &fated(drafts, Fate::Replace)) {
        push(out, Phase::Tables, "drop tables to replace".into(), sql, None);
    }
    if let Some(sql) = ddl::together("TRUNCATE", &fated(drafts, Fate::Keep { truncate: true })) {
        push(out, Phase::Tables, "truncate tables".into(), sql, None);
    }
}

fn fated<'d, 'a>(drafts: &[&'d Draft<'a>], fate: Fate) -> Vec<&'d Draft<'a>> {
    drafts.iter().copied().filter(|d| d.fate == fate).collect()
}

/// A parent comes before its children, whose old foreign keys would keep it from being dropped.
fn clear_one(out: &mut Vec<Step>, drafts: &[&Draft<'_>], draft: &Draft<'_>, i: usize) {
    let (verb, word) = match draft.fate {
        Fate::Replace => ("DROP", "drop"),
        Fate::Keep { truncate: true } => ("TRUNCATE", "truncate"),
        _ => return,
    };
    let later: Vec<_> = fated(drafts.get(i + 1..).unwrap_or_default(), Fate::Replace);
    if draft.fate == Fate::Replace && !later.is_empty() {
        let title = format!("drop foreign keys of tables to replace to {}", draft.title());
        push(out, Phase::Tables, title, ddl::drop_foreign_keys(draft, &later), Some(i));
    }
    if let Some(sql) = ddl::together(verb, &[draft]) {
        push(out, Phase::Tables, format!("{word} table {}", draft.title()), sql, Some(i));
    }
}

/// PostgreSQL would give an identity's sequence a name that a later table wants: then it gets another.
fn clashing_sequences(
    draft: &Draft<'_>,
    tables: &HashSet<(&str, &str)>,
    taken: &mut HashSet<(String, String)>,
) -> Vec<(usize, String)> {
    let mut out = Vec::new();
    for (i, column) in draft.columns.iter().enumerate().filter(|(_, c)| !c.skip && ddl::is_identity(c)) {
        let schema = draft.settings.schema.as_str();
        let named = |n: u32| {
            let label = if n == 0 { "seq".to_string() } else { format!("seq{n}") };
            make_object_name(&draft.target, &column.target, &label)
        };
        let usual = named(0);
        if !tables.contains(&(schema, usual.as_str())) {
            taken.insert((schema.to_string(), usual));
            continue;
        }
        let free = |name: &String| {
            !tables.contains(&(schema, name.as_str())) && taken.insert((schema.to_string(), name.clone()))
        };
        out.extend((1..u32::MAX).map(named).find(free).map(|name| (i, name)));
    }
    out
}

fn load(draft: &Draft<'_>, goes_on: bool) -> LoadSpec {
    let table = draft.table;
    LoadSpec {
        source: table.name.clone(),
        schema: draft.settings.schema.clone(),
        target: draft.target.clone(),
        existing: (!draft.fresh()).then(|| into_existing(draft, goes_on)),
        source_key: table.primary_key.as_ref().map(|k| k.columns.clone()).unwrap_or_default(),
        filter: draft.overrides.and_then(|g| g.filter.clone()),
        timezone: draft.settings.timezone.clone(),
        columns: draft.columns.iter().filter(|c| !c.skip && !c.computed()).map(load_column).collect(),
    }
}

/// A run that goes on after errors cannot leave rows behind that a foreign key turns out to forbid: there they are
/// looked at as they come in.
fn into_existing(draft: &Draft<'_>, goes_on: bool) -> IntoExisting {
    let orphans = draft.after.iter().filter_map(|(_, _, action)| match action {
        Action::Orphans(spec) => Some(spec.clone()),
        _ => None,
    });
    let orphans: Vec<_> = orphans.collect();
    let keep = draft.settings.constraints == Constraints::Keep;
    IntoExisting {
        fire_triggers: draft.settings.fire_triggers,
        keep_constraints: keep || (goes_on && !orphans.is_empty()),
        conflict: draft.conflict.clone(),
        empty: draft.settings.existing_rows == ExistingRows::Error,
        orphans,
    }
}

fn load_column(column: &DraftColumn<'_>) -> LoadColumn {
    LoadColumn {
        source: column.source.name.clone(),
        target: column.target.clone(),
        pg_type: column.pg_type.clone(),
        format: column.format,
        not_null: column.not_null,
        on_invalid: column.on_invalid,
    }
}

/// Orphans of all tables are looked for, parents first, before the first foreign key is made: a key in
/// place would stand in the way of taking its parents' rows out.
fn after(out: &mut Vec<Step>, drafts: &[&Draft<'_>], phase: Phase) {
    for orphans in [true, false] {
        for (i, draft) in drafts.iter().enumerate() {
            for (_, title, action) in draft.after.iter().filter(|(p, _, _)| *p == phase) {
                if matches!(action, Action::Orphans(_)) == orphans {
                    out.push(Step { title: title.clone(), phase, action: action.clone(), table: Some(i) });
                }
            }
        }
    }
}
