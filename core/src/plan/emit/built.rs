//! What is known of keys, indexes and checks before they are created over loaded rows, for the error of one that these break:
//! how to find the rows in the file, and what does without it.

use super::asked::question;
use crate::finding::Fix;
use crate::plan::context::Context;
use crate::plan::decide::converted::image;
use crate::plan::decide::object::{IndexKeys, Object};
use crate::plan::decide::table::{DecidedColumn, DecidedTable};
use crate::plan::given::words::ProfileMode;
use crate::plan::model::{Built, KeyQuestion, Phase};
use crate::plan::trial::Part;
use crate::sqltext::{ident, qualified};

/// Of a foreign key nothing: rows without a parent are searched for before.
pub fn of(ctx: &Context<'_>, table: &DecidedTable<'_>, object: &Object) -> Option<Built> {
    let name = |columns: &[String]| columns.iter().map(|c| ident(c)).collect::<Vec<_>>().join(", ");
    let keys = |keys: &IndexKeys| keys.keys.iter().map(|k| k.sql.as_str()).collect::<Vec<_>>().join(", ");
    let (what, read) = match object {
        Object::PrimaryKey { name: own, columns } | Object::Unique { name: own, columns } => {
            (format!("constraint {}", ident(own)), name(columns))
        }
        Object::Exclude { name, keys: over, .. } => (format!("constraint {}", ident(name)), keys(over)),
        Object::Index { name, keys: over, .. } => (format!("index {}", ident(name)), keys(over)),
        Object::Check { name, condition, not_valid: false } => {
            (format!("check {}", ident(name)), condition.clone())
        }
        Object::Check { .. } | Object::ForeignKey { .. } | Object::Orphans(_) => return None,
    };
    let columns: Vec<&DecidedColumn<'_>> =
        table.columns.iter().filter(|c| !c.computed() && read.contains(&ident(&c.target))).collect();
    let reading = table.reading();
    let images = columns.iter().map(|c| (reading.term(&c.source.name), image(ctx, table, c))).collect();
    let first = match object {
        Object::Check { condition, .. } => first(table, condition),
        _ => None,
    };
    Some(Built {
        what,
        on: qualified(&table.settings.schema, &table.target),
        key: question(table, Part::Row, images),
        first,
        fix: fix(ctx, table, object, &columns),
    })
}

/// The unique keys of an existing table, all of whose columns are loaded.
pub fn existing_keys(ctx: &Context<'_>, table: &DecidedTable<'_>) -> Vec<KeyQuestion> {
    let reading = table.reading();
    let column = |name: &String| {
        let column = table.columns.iter().find(|c| c.target == *name)?;
        Some((reading.term(&column.source.name), image(ctx, table, column)))
    };
    let keys = table.existing.map(|existing| existing.keys.iter().enumerate()).into_iter().flatten();
    keys.filter_map(|(i, key)| {
        let columns = key.columns.iter().map(column).collect::<Option<Vec<_>>>()?;
        Some(question(table, Part::ExistingKey(i), columns))
    })
    .collect()
}

/// Rows that break a check have the rowid that is their primary key.
fn first(table: &DecidedTable<'_>, condition: &str) -> Option<String> {
    let id = table.columns.iter().find(|c| c.rowid_alias && c.pg_type.is_integer())?;
    let (id, on) = (ident(&id.target), qualified(&table.settings.schema, &table.target));
    Some(format!("SELECT {id}::bigint FROM {on} WHERE NOT ({condition}) ORDER BY {id} LIMIT 1"))
}

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
