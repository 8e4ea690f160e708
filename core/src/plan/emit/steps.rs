//! The ordered steps of a run: what was decided, in the order in which it is done.

use std::collections::{BTreeSet, HashSet};

use super::{built, ddl, searching, sequences};
use crate::catalog::TableId;
use crate::finding::Finding;
use crate::plan::context::Context;
use crate::plan::decide::collate::{self, Folding};
use crate::plan::decide::enums::Enumeration;
use crate::plan::decide::extensions;
use crate::plan::decide::geometry;
use crate::plan::decide::object::Object;
use crate::plan::decide::table::{DecidedColumn, DecidedTable};
use crate::plan::given::match_by::MatchBy;
use crate::plan::given::words::{Constraints, ExistingRows, OnError};
use crate::plan::model::{Action, IntoExisting, LoadColumn, LoadSpec, Phase, Step};
use crate::plan::resolve::names::make_object_name;
use crate::plan::resolve::table::Disposition;
use crate::sqltext::{ident, qualified};

/// Every step. `order` lists the tables as they are loaded, and so are they numbered in the steps.
pub fn steps(
    ctx: &Context<'_>,
    tables: &[DecidedTable<'_>],
    order: &[usize],
    findings: &mut Vec<Finding>,
) -> Vec<Step> {
    let ordered: Vec<&DecidedTable<'_>> = order.iter().filter_map(|i| tables.get(*i)).collect();
    let mut out = Vec::new();
    user_sql(&mut out, Phase::Before, ctx.overrides.before.as_deref());
    schemas(ctx, &mut out, &ordered, findings);
    create(ctx, &mut out, &ordered);
    let goes_on = ctx.overrides.on_error == Some(OnError::Continue);
    for table in &ordered {
        let title = format!("load {}", table.title());
        out.push(Step {
            title,
            phase: Phase::Load,
            action: Action::Load(Box::new(load(ctx, table, goes_on))),
            table: Some(table.id),
            built: None,
        });
    }
    for phase in [Phase::Keys, Phase::Indexes, Phase::ForeignKeys, Phase::Checks] {
        after(ctx, &mut out, &ordered, phase);
    }
    sequences::steps(ctx, &mut out, &ordered, findings);
    refresh(ctx, &mut out, &ordered);
    let analyzed = |d: &DecidedTable<'_>| d.settings.analyze && d.existing.is_none_or(|e| e.relkind != 'v');
    for table in ordered.iter().filter(|d| analyzed(d)) {
        let sql = format!("ANALYZE {}", qualified(&table.settings.schema, &table.target));
        push(&mut out, Phase::Analyze, format!("analyze {}", table.title()), sql, Some(table.id));
    }
    user_sql(&mut out, Phase::After, ctx.overrides.after.as_deref());
    out
}

pub fn push(out: &mut Vec<Step>, phase: Phase, title: String, sql: String, table: Option<TableId>) {
    out.push(Step { title, phase, action: Action::Sql(sql), table, built: None });
}

/// Materialized views of existing tables. One that is refreshed is as good as loaded for the next.
fn refresh(ctx: &Context<'_>, out: &mut Vec<Step>, tables: &[&DecidedTable<'_>]) {
    if ctx.overrides.refresh != Some(true) {
        return;
    }
    let there = tables.iter().filter_map(|d| d.existing);
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

fn schemas(
    ctx: &Context<'_>,
    out: &mut Vec<Step>,
    tables: &[&DecidedTable<'_>],
    findings: &mut Vec<Finding>,
) {
    let mut seen = HashSet::new();
    for schema in tables.iter().map(|d| &d.settings.schema).filter(|s| seen.insert(s.as_str())) {
        if !ctx.target.schemas.contains(schema) {
            let sql = format!("CREATE SCHEMA IF NOT EXISTS {}", ident(schema));
            push(out, Phase::Schema, format!("create schema {schema}"), sql, None);
        }
    }
    let fresh = || tables.iter().copied().filter(|d| d.fresh());
    let citext = |c: &DecidedColumn<'_>| matches!(c.folding, Some(Folding::Citext(_)));
    if fresh().any(|d| d.columns.iter().any(citext))
        && let Some(sql) = collate::create_citext(ctx)
    {
        push(out, Phase::Schema, "create extension citext".into(), sql, None);
    }
    let wanted: BTreeSet<&str> = fresh().flat_map(|d| d.extensions.iter().copied()).collect();
    for name in wanted {
        if let Some(sql) = extensions::create(ctx, name) {
            push(out, Phase::Schema, format!("create extension {name}"), sql, None);
        }
    }
    for (title, sql) in geometry::definitions(ctx, tables, findings) {
        push(out, Phase::Schema, title, sql, None);
    }
    for (title, sql) in searching::statements(ctx, fresh()) {
        push(out, Phase::Helpers, title, sql, None);
    }
    let collated = |c: &DecidedColumn<'_>| c.folding == Some(Folding::Collation);
    let needs =
        |d: &&DecidedTable<'_>| d.columns.iter().any(collated) || d.objects.iter().any(Object::needs_nocase);
    let schemas: BTreeSet<&str> = fresh().filter(needs).map(|d| d.settings.schema.as_str()).collect();
    for schema in schemas {
        let sql = collate::create_collation(schema);
        push(out, Phase::Schema, format!("create collation in {schema}"), sql, None);
    }
    for table in fresh() {
        let enums = table.columns.iter().filter_map(|c| c.enumeration.as_ref());
        for (title, sql) in enums.filter_map(Enumeration::create) {
            push(out, Phase::Schema, title, sql, Some(table.id));
        }
    }
}

/// Clears and creates. When a bad table does not stop the rest, each is cleared by itself, right before it is
/// made and loaded, so that one that fails keeps what it had.
fn create(ctx: &Context<'_>, out: &mut Vec<Step>, tables: &[&DecidedTable<'_>]) {
    let one_by_one = ctx.overrides.on_error == Some(OnError::Continue);
    if !one_by_one {
        tables.iter().for_each(|table| drop_view(out, table));
        if let Some(sql) = ddl::together("DROP", &disposed(tables, Disposition::Replace)) {
            push(out, Phase::Tables, "drop tables to replace".into(), sql, None);
        }
        let emptied: Vec<_> = tables.iter().copied().filter(|d| d.emptied).collect();
        if let Some(sql) = ddl::check_empty(&emptied) {
            push(out, Phase::Tables, "look at tables that hold nothing".into(), sql, None);
        }
        let mut truncated = disposed(tables, Disposition::Keep { truncate: true });
        truncated.extend(emptied);
        if let Some(sql) = ddl::together("TRUNCATE", &truncated) {
            push(out, Phase::Tables, "truncate tables".into(), sql, None);
        }
    }
    let names: HashSet<(&str, &str)> =
        tables.iter().map(|d| (d.settings.schema.as_str(), d.target.as_str())).collect();
    let mut taken = HashSet::new();
    for (i, table) in tables.iter().enumerate() {
        if one_by_one {
            clear_one(out, tables, table, i);
        }
        if table.fresh() {
            let sequences = clashing_sequences(table, &names, &mut taken);
            let title = format!("create table {}", table.title());
            push(out, Phase::Tables, title, ddl::create_table(table, &sequences), Some(table.id));
            let before_load = table.objects.iter().filter(|object| is_before_load(table, object));
            for (title, sql) in before_load.filter_map(|object| ddl::object(table, object)) {
                push(out, Phase::Tables, title, sql, Some(table.id));
            }
        }
    }
}

/// Columns that PostgreSQL computes are added after the load, which rewrites the table: frozen rows would not stay frozen.
fn is_before_load(table: &DecidedTable<'_>, object: &Object) -> bool {
    table.settings.freeze && matches!(object, Object::Computed(_))
}

fn disposed<'d, 'a>(tables: &[&'d DecidedTable<'a>], disposition: Disposition) -> Vec<&'d DecidedTable<'a>> {
    tables.iter().copied().filter(|d| d.disposition == disposition).collect()
}

/// A parent comes before its children, whose old foreign keys would keep it from being dropped.
fn clear_one(out: &mut Vec<Step>, tables: &[&DecidedTable<'_>], table: &DecidedTable<'_>, i: usize) {
    let (verb, word) = match table.disposition {
        Disposition::Replace => ("DROP", "drop"),
        Disposition::Keep { truncate: true } => ("TRUNCATE", "truncate"),
        _ => return,
    };
    let later: Vec<_> = disposed(tables.get(i + 1..).unwrap_or_default(), Disposition::Replace);
    if table.disposition == Disposition::Replace && !later.is_empty() {
        let title = format!("drop foreign keys of tables to replace to {}", table.title());
        push(out, Phase::Tables, title, ddl::drop_foreign_keys(table, &later), Some(table.id));
    }
    drop_view(out, table);
    if let Some(sql) = ddl::together(verb, &[table]) {
        push(out, Phase::Tables, format!("{word} table {}", table.title()), sql, Some(table.id));
    }
}

/// A view that computes columns of the table keeps it from being dropped.
fn drop_view(out: &mut Vec<Step>, table: &DecidedTable<'_>) {
    if let Some(view) = table.view.as_ref().filter(|view| view.replaces) {
        let sql = format!("DROP VIEW {}", qualified(&table.settings.schema, &view.name));
        push(out, Phase::Tables, format!("drop view {}", view.name), sql, Some(table.id));
    }
}

/// PostgreSQL would give an identity's sequence a name that a later table wants: then it gets another.
fn clashing_sequences(
    table: &DecidedTable<'_>,
    names: &HashSet<(&str, &str)>,
    taken: &mut HashSet<(String, String)>,
) -> Vec<(usize, String)> {
    let mut out = Vec::new();
    for (i, column) in table.columns.iter().enumerate().filter(|(_, c)| ddl::is_identity(c)) {
        let schema = table.settings.schema.as_str();
        let named = |n: u32| {
            let label = if n == 0 { "seq".to_string() } else { format!("seq{n}") };
            make_object_name(&table.target, &column.target, &label)
        };
        let usual = named(0);
        if !names.contains(&(schema, usual.as_str())) {
            taken.insert((schema.to_string(), usual));
            continue;
        }
        let free = |name: &String| {
            !names.contains(&(schema, name.as_str())) && taken.insert((schema.to_string(), name.clone()))
        };
        out.extend((1..u32::MAX).map(named).find(free).map(|name| (i, name)));
    }
    out
}

/// How a table is loaded.
pub fn load(ctx: &Context<'_>, table: &DecidedTable<'_>, goes_on: bool) -> LoadSpec {
    let load_column = |column: &DecidedColumn<'_>| LoadColumn {
        source: column.source.name.clone(),
        target: column.target.clone(),
        pg_type: column.pg_type.clone(),
        format: column.format,
        not_null: column.not_null && column.null_default.is_none(),
        on_invalid: column.on_invalid,
        null_values: column.null_values.clone(),
        words: column.words.clone(),
        texts: table.texts(column),
        default: column.null_default.clone(),
        excess: column.excess,
        scale: column.scale,
        srids: column.srids,
    };
    LoadSpec {
        id: table.id,
        source: table.source.name.clone(),
        schema: table.settings.schema.clone(),
        target: table.target.clone(),
        existing: (!table.fresh()).then(|| into_existing(ctx, table, goes_on)),
        source_key: table.source.primary_key.as_ref().map(|k| k.columns.clone()).unwrap_or_default(),
        reading: table.reading(),
        timezone: table.settings.timezone.clone(),
        loader: table.settings.loader,
        freeze: table.settings.freeze,
        columns: table.columns.iter().filter(|c| !c.computed()).map(load_column).collect(),
        renumbering: Box::new(table.renumbering.clone()),
    }
}

/// A run that continues after errors must not leave rows that a foreign key forbids: where there may be some, the
/// constraints stay, and check each row as it is loaded.
fn into_existing(ctx: &Context<'_>, table: &DecidedTable<'_>, goes_on: bool) -> IntoExisting {
    let orphans = table.objects.iter().filter_map(|object| match object {
        Object::Orphans(spec) => Some(spec.clone()),
        _ => None,
    });
    let orphans: Vec<_> = orphans.collect();
    let keep = table.settings.constraints == Constraints::Keep;
    IntoExisting {
        fire_triggers: table.settings.fire_triggers,
        keep_constraints: keep || (goes_on && !orphans.is_empty()),
        conflict: table.conflict.clone(),
        empty: table.settings.existing_rows == ExistingRows::Error
            || (table.settings.match_by != MatchBy::Key && table.conflict.is_some() && table.starts_empty()),
        orphans,
        keys: built::existing_keys(ctx, table),
        indexes: built::existing_indexes(ctx, table),
    }
}

/// Orphans of all tables are searched for, parents first, before the first foreign key is created: an existing key
/// would keep its parents' rows from being removed.
fn after(ctx: &Context<'_>, out: &mut Vec<Step>, tables: &[&DecidedTable<'_>], phase: Phase) {
    let objects = || tables.iter().flat_map(|table| table.objects.iter().map(move |object| (table, object)));
    for (table, object) in objects() {
        if let Object::Orphans(spec) = object
            && object.phase() == phase
        {
            let title = format!("look for orphans in {}({})", table.title(), spec.columns.join(", "));
            let (action, table) = (Action::Orphans(spec.clone()), Some(table.id));
            out.push(Step { title, phase, action, table, built: None });
        }
    }
    for (table, object) in objects().filter(|(t, o)| o.phase() == phase && !is_before_load(t, o)) {
        if let Some((title, sql)) = ddl::object(table, object) {
            let built = built::of(ctx, table, object).map(Box::new);
            out.push(Step { title, phase, action: Action::Sql(sql), table: Some(table.id), built });
        }
    }
}
