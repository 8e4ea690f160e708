//! What is known of keys, indexes and checks before they are created over loaded rows, for the error of one that these break:
//! how to find the rows in the file, and what does without it.

use super::asked::question;
use crate::finding::Fix;
use crate::plan::context::Context;
use crate::plan::decide::converted::image;
use crate::plan::decide::object::{IndexKeys, Method, Object};
use crate::plan::decide::sizes;
use crate::plan::decide::table::{DecidedColumn, DecidedTable};
use crate::plan::given::words::ProfileMode;
use crate::plan::model::{Built, Phase};
use crate::plan::question::Breakable;
use crate::plan::target::ExistingIndex;
use crate::plan::trial::Part;
use crate::sqltext::{ident, literal, qualified};
use crate::value::image::Image;

/// Of a foreign key nothing: rows without a parent are searched for before.
pub fn of(ctx: &Context<'_>, table: &DecidedTable<'_>, object: &Object) -> Option<Built> {
    let name = |columns: &[String]| columns.iter().map(|c| ident(c)).collect::<Vec<_>>().join(", ");
    let keys = |keys: &IndexKeys| keys.keys.iter().map(|k| k.sql.as_str()).collect::<Vec<_>>().join(", ");
    let bound = |keys: &IndexKeys| Some(sizes::bound(ctx, table, keys));
    let (what, read, bound) = match object {
        Object::PrimaryKey { name: own, columns } | Object::Unique { name: own, columns } => {
            (format!("constraint {}", ident(own)), name(columns), bound(&IndexKeys::plain(columns)))
        }
        Object::Exclude { name, keys: over, .. } => (format!("constraint {}", ident(name)), keys(over), None),
        Object::Index { name, keys: over, .. } => (
            format!("index {}", ident(name)),
            keys(over),
            bound(over).filter(|_| over.method == Method::Btree),
        ),
        Object::Check { name, condition, not_valid: false } => {
            (format!("check {}", ident(name)), condition.clone(), None)
        }
        Object::Check { .. } | Object::ForeignKey { .. } | Object::Orphans(_) | Object::Computed(_) => {
            return None;
        }
    };
    let columns: Vec<&DecidedColumn<'_>> =
        table.columns.iter().filter(|c| !c.computed() && read.contains(&ident(&c.target))).collect();
    let reading = table.reading();
    let images = columns.iter().map(|c| (reading.term(&c.source.name), image(ctx, table, c))).collect();
    let first = match object {
        Object::Check { condition, .. } => Some(first(table, condition)),
        _ => None,
    };
    Some(Built {
        what,
        on: qualified(&table.settings.schema, &table.target),
        key: question(ctx, table, Part::Row, images),
        phase: object.phase(),
        bound,
        first,
        fix: fix(ctx, table, object, &columns),
    })
}

/// The unique keys of an existing table, all of whose columns are loaded.
pub fn existing_keys(ctx: &Context<'_>, table: &DecidedTable<'_>) -> Vec<Breakable> {
    let keys = table.existing.map(|existing| existing.keys.iter().enumerate()).into_iter().flatten();
    keys.filter_map(|(i, key)| {
        let columns = key.columns.iter().map(|name| read(ctx, table, name)).collect::<Option<Vec<_>>>()?;
        let rows = question(ctx, table, Part::ExistingKey(i), columns);
        let bound = sizes::bound(ctx, table, &IndexKeys::plain(&key.columns));
        Some(Breakable { name: key.name.clone(), rows, bound })
    })
    .collect()
}

/// The btrees of an existing table.
pub fn existing_indexes(ctx: &Context<'_>, table: &DecidedTable<'_>) -> Vec<Breakable> {
    let indexes = table.existing.map(|existing| existing.indexes.iter().enumerate()).into_iter().flatten();
    let breakable = |(i, index): (usize, &ExistingIndex)| {
        let columns = index.columns.iter().filter_map(|name| read(ctx, table, name)).collect();
        let rows = question(ctx, table, Part::ExistingIndex(i), columns);
        Breakable { name: index.name.clone(), rows, bound: sizes::existing_bound(ctx, table, index) }
    };
    indexes.map(breakable).collect()
}

/// What a SELECT reads for a column of the target, and what becomes of it.
fn read(ctx: &Context<'_>, table: &DecidedTable<'_>, target: &str) -> Option<(String, Image)> {
    let column = table.columns.iter().find(|c| c.target == target)?;
    Some((table.reading().term(&column.source.name), image(ctx, table, column)))
}

/// A row that breaks a check is named by its rowid where that is its primary key, by another key, or by the values that
/// the check reads.
fn first(table: &DecidedTable<'_>, condition: &str) -> String {
    let on = qualified(&table.settings.schema, &table.target);
    let from = format!("FROM {on} WHERE NOT ({condition})");
    if let Some(id) = table.columns.iter().find(|c| c.rowid_alias && c.pg_type.is_integer()) {
        let id = ident(&id.target);
        return format!("SELECT 'The first of them is rowid ' || {id} || '.' {from} ORDER BY {id} LIMIT 1");
    }
    let key = table.source.primary_key.iter().flat_map(|key| &key.columns);
    let key: Option<Vec<&DecidedColumn<'_>>> = key.map(|name| table.column(name)).collect();
    let key = key
        .filter(|key| !key.is_empty())
        .unwrap_or_else(|| table.columns.iter().filter(|c| condition.contains(&ident(&c.target))).collect());
    let shown = |column: &&DecidedColumn<'_>| {
        let value = format!("{}::text", ident(&column.target));
        let cut = format!(
            "CASE WHEN length({value}) > {SHOWN} THEN left({value}, {SHOWN}) || '...' ELSE {value} END"
        );
        format!(
            "{} || coalesce(quote_literal({cut}), 'NULL')",
            literal(&format!("\"{}\" ", column.source.name))
        )
    };
    let shown: Vec<String> = key.iter().map(shown).collect();
    format!("SELECT 'One of them has ' || {} || '.' {from} LIMIT 1", shown.join(" || ', ' || "))
}

/// Characters of a value that are shown.
const SHOWN: usize = 40;

fn fix(
    ctx: &Context<'_>,
    table: &DecidedTable<'_>,
    object: &Object,
    columns: &[&DecidedColumn<'_>],
) -> Option<(Fix, &'static str)> {
    let name = &table.source.name;
    if ctx.overrides.profile.unwrap_or_default() != ProfileMode::Full {
        return Some((Fix::of_plan("profile", "full"), " to have such rows found before the load"));
    }
    match object {
        Object::Check { .. } => Some((Fix::of_table(name, "checks", false), " to leave the checks out")),
        Object::Index { phase: Phase::Indexes, .. } => {
            Some((Fix::of_table(name, "indexes", false), " to leave the indexes out"))
        }
        _ => {
            let converted = columns.iter().filter(|c| !c.pg_type.is_text() && !c.rowid_alias);
            let text = converted.map(|c| Fix::of_column(name, &c.source.name, "type", "text"));
            Some((text.reduce(Fix::and)?, " to keep the values as they are stored"))
        }
    }
}
