//! Indexes of CREATE INDEX: unique, partial, over expressions, descending.
//!
//! SQLite puts NULLs first and PostgreSQL last. Indexes keep PostgreSQL's order: they only serve
//! speed, and a query written for PostgreSQL sorts by PostgreSQL's default, which is what they then serve.

use super::collate::{self, Folding, KeyEquality};
use super::converted;
use super::object::{IndexKey as Key, IndexKeys, Method, Object};
use super::oversized::{self, TooLong};
use super::sizes;
use super::table::{DecidedTable, Tried};
use super::trial::accepted;
use super::unique::{MAX_KEYS, as_one_value, broken_unique, folded, repeated, usable};
use crate::catalog::{Index, IndexColumn, IndexKey, Origin};
use crate::finding::{Finding, Kind};
use crate::plan::context::Context;
use crate::plan::model::Phase;
use crate::plan::resolve::names::{Scope, fold};
use crate::plan::trial::Part;
use crate::sqltext::ident;
use crate::types::TypeClass;

/// Plans the indexes of a fresh table.
pub fn indexes(
    ctx: &Context<'_>,
    table: &mut DecidedTable<'_>,
    relations: &mut Scope,
    findings: &mut Vec<Finding>,
) {
    let source = table.source;
    for (i, index) in source.indexes.iter().enumerate().filter(|(_, i)| i.origin == Origin::Created) {
        if !table.settings.indexes.take(&index.name) {
            continue;
        }
        match definition(ctx, table, i, index) {
            Ok(keys) => {
                let wanted = fold(ctx.names, &index.name);
                let wanted = if wanted.is_empty() { "unnamed" } else { &wanted };
                let name = relations.claim(wanted);
                table.renamed(findings, "index", wanted, &name);
                findings.extend(lost(ctx, table, index));
                findings.extend(folded(ctx, table, i, &format!("index {}", index.name)));
                table.making(Part::Index(i), |table| create(ctx, table, (i, index), (name, keys), findings));
            }
            Err(why) => {
                let message = format!("is left out: {why}");
                let finding = Kind::LeftOut.warning(format!("index {}", index.name), message);
                table.left_out(findings, finding.hint("Create a PostgreSQL index in after."));
            }
        }
    }
}

/// Expressions and condition as the file has them, for messages.
fn original(index: &Index) -> String {
    let expression = |k: &IndexColumn| match &k.key {
        IndexKey::Expression(sql) => Some(format!(": {sql}")),
        _ => None,
    };
    let condition = index.predicate.iter().map(|sql| format!(": WHERE {sql}"));
    index.columns.iter().filter_map(expression).chain(condition).collect()
}

/// An index whose keys and entries PostgreSQL takes, or what becomes of it otherwise.
fn create(
    ctx: &Context<'_>,
    table: &mut DecidedTable<'_>,
    (i, index): (usize, &Index),
    (name, keys): (String, IndexKeys),
    findings: &mut Vec<Finding>,
) {
    let (object, part, phase) = (format!("index {}", index.name), Part::Index(i), Phase::Indexes);
    if index.unique && repeated(ctx, table, i, &object, findings) {
        return table.objects.push(Object::Index { name, unique: false, keys, phase });
    }
    let plain = |k: &IndexColumn| match &k.key {
        IndexKey::Column(name) => Some(name.clone()),
        _ => None,
    };
    if index.unique
        && let Some(columns) = index.columns.iter().map(plain).collect::<Option<Vec<_>>>()
        && let Some(found) = converted::equal_keys(ctx, table, part, &columns, index.predicate.as_deref())
    {
        let said = as_one_value(table, &columns, found);
        let index = Object::Index { name, unique: false, keys, phase };
        return broken_unique(table, (&object, said), index, findings);
    }
    let too_long = sizes::entries(ctx, table, part, &keys);
    if let Some(found) = too_long.filter(|found| !found.rows.is_empty()) {
        let index = TooLong { object: &object, name, keys, unique: index.unique, phase };
        return oversized::entries(table, index, found, findings);
    }
    findings.extend(too_long.and_then(|found| oversized::untried(&object, found)));
    if ctx.key_names().is_constraint(&index.name)
        && let Some(columns) = constrained(table, index, &keys)
    {
        table.constraints.reserve(&name);
        table.objects.push(Object::Unique { name, columns });
        return remember_unique(table, index);
    }
    table.objects.push(Object::Index { name, unique: index.unique, keys, phase });
    remember_unique(table, index);
}

/// The columns of a unique index that a UNIQUE constraint can have in its place.
fn constrained(table: &DecidedTable<'_>, index: &Index, keys: &IndexKeys) -> Option<Vec<String>> {
    let whole = index.unique && keys.predicate.is_none() && keys.method == Method::Btree;
    let target = |k: &IndexColumn| match &k.key {
        IndexKey::Column(name) => table.column(name).map(|column| column.target.clone()),
        _ => None,
    };
    let columns = index.columns.iter().map(target).collect::<Option<Vec<_>>>().filter(|_| whole)?;
    let plain = |(key, column): (&Key, &String)| !key.nocase && !key.descending && key.sql == ident(column);
    keys.keys.iter().zip(&columns).all(plain).then_some(columns)
}

/// Keys and predicate in PostgreSQL's words, tried on the server unless any server takes them.
fn definition(
    ctx: &Context<'_>,
    table: &mut DecidedTable<'_>,
    position: usize,
    index: &Index,
) -> Result<IndexKeys, String> {
    if index.columns.is_empty() || index.columns.len() > MAX_KEYS {
        return Err(format!("it has {} columns, PostgreSQL allows 1 to {MAX_KEYS}", index.columns.len()));
    }
    let keys = index.columns.iter().map(|k| key(ctx, table, k)).collect::<Result<_, _>>()?;
    let predicate = match &index.predicate {
        None => None,
        Some(sql) => {
            let condition = (ctx.rules.condition)(sql, &table.scope(true));
            Some(condition.map_err(|e| format!("{}: WHERE {sql}", e.reason))?)
        }
    };
    let keys = IndexKeys { keys, predicate, ..IndexKeys::default() };
    // Any server takes whole columns of well-known types.
    let known = |k: &IndexColumn| match &k.key {
        IndexKey::Column(name) => table.column(name).is_some_and(|c| c.pg_type.is_ordered()),
        _ => false,
    };
    if index.predicate.is_some() || !index.columns.iter().all(known) {
        let taken = accepted(ctx, table, Part::Index(position), Tried::Index(keys.clone()));
        taken.map_err(|why| format!("{why}{}", original(index)))?;
    }
    Ok(keys)
}

fn key(ctx: &Context<'_>, table: &DecidedTable<'_>, key: &IndexColumn) -> Result<Key, String> {
    let decided = match &key.key {
        IndexKey::Rowid => return Err("it is over the rowid, which PostgreSQL does not have".into()),
        IndexKey::Column(name) => {
            usable(table, std::slice::from_ref(name))?;
            let column =
                table.column(name).ok_or_else(|| format!("column \"{name}\" is not carried over"))?;
            collate::key_column(table, column, &key.collation).0
        }
        IndexKey::Expression(sql) => {
            let bytewise = key.collation.is_empty() || key.collation.eq_ignore_ascii_case("BINARY");
            let collated = if bytewise { sql } else { &format!("({sql}\n) COLLATE {}", key.collation) };
            let translated = (ctx.rules.expression)(collated, &table.scope(true));
            let translated = translated.map_err(|e| format!("{}: {sql}", e.reason))?;
            // An expression has the collation of the columns in it.
            let mixed = table
                .columns
                .iter()
                .any(|c| c.folding == Some(Folding::Collation) && translated.sql.contains(&ident(&c.target)));
            Key::plain(match bytewise && mixed && translated.class == TypeClass::Text {
                true => format!("(({}) COLLATE \"pg_catalog\".\"C\")", translated.sql),
                false => format!("({})", translated.sql),
            })
        }
    };
    Ok(Key { descending: key.descending, ..decided })
}

/// Collations of columns that the index cannot keep.
fn lost(ctx: &Context<'_>, table: &DecidedTable<'_>, index: &Index) -> Vec<Finding> {
    let object = format!("index {}", index.name);
    let of = |k: &IndexColumn| match &k.key {
        IndexKey::Column(name) => collate::lost(ctx, table, &object, table.column(name)?, &k.collation),
        _ => None,
    };
    index.columns.iter().filter_map(of).collect()
}

/// A unique index: PostgreSQL accepts a plain one as the target of a foreign key.
fn remember_unique(table: &mut DecidedTable<'_>, index: &Index) {
    let plain = |k: &IndexColumn| match &k.key {
        IndexKey::Column(name) => {
            let (_, equality) = collate::key_column(table, table.column(name)?, &k.collation);
            (equality == KeyEquality::Same).then(|| name.clone())
        }
        _ => None,
    };
    if index.predicate.is_none() {
        let columns = index.columns.iter().map(plain).collect::<Option<Vec<_>>>();
        table.unique.extend(columns);
    }
}
