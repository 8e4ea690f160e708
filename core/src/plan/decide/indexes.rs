//! Indexes of CREATE INDEX: unique, partial, over expressions, descending.
//!
//! SQLite puts NULLs first and PostgreSQL last. Indexes keep PostgreSQL's order: they only serve
//! speed, and a query written for PostgreSQL sorts by PostgreSQL's default, which is what they then serve.

use super::collate::{self, Sense};
use super::draft::{Context, Draft};
use super::trial::{Part, accepted};
use super::unique::{MAX_KEYS, create_index, folded, too_long, usable};
use crate::catalog::{Index, IndexColumn, IndexKey, Origin};
use crate::finding::Finding;
use crate::plan::Phase;
use crate::plan::resolve::names::{Scope, fold};
use crate::sqltext::ident;
use crate::types::TypeClass;

/// Plans the indexes of a fresh table.
pub fn indexes(ctx: &Context<'_>, draft: &mut Draft<'_>, relations: &mut Scope, notes: &mut Vec<Finding>) {
    if !draft.settings.indexes {
        return;
    }
    let table = draft.table;
    for (i, index) in table.indexes.iter().enumerate().filter(|(_, i)| i.origin == Origin::Created) {
        let tried = definition(ctx, draft, index).and_then(|(keys, predicate)| {
            if !simple(draft, index) {
                let sql = format!("({keys}){predicate}");
                let taken = accepted(ctx, draft, Part::Index(i), &sql);
                taken.map_err(|why| format!("{why}{}", original(index)))?;
            }
            Ok((keys, predicate))
        });
        match tried {
            Ok((keys, predicate)) => {
                let wanted = fold(ctx.names, &index.name);
                let wanted = if wanted.is_empty() { "unnamed" } else { &wanted };
                let name = relations.claim(wanted);
                draft.renamed(notes, "index", wanted, &name);
                warn_of_length(draft, index, notes);
                notes.extend(lost(ctx, draft, index));
                notes.extend(folded(ctx, draft, i, &format!("index {}", index.name)));
                let kind = if index.unique { "UNIQUE INDEX" } else { "INDEX" };
                create_index(draft, kind, &name, &keys, &predicate, Phase::Indexes);
                remember_unique(draft, index);
            }
            Err(why) => {
                let message = format!("is left out: {why}");
                draft.left_out(
                    notes,
                    format!("index {}", index.name),
                    message,
                    "Create a PostgreSQL index in after.",
                );
            }
        }
    }
}

/// Any server takes it: whole columns of well-known types.
fn simple(draft: &Draft<'_>, index: &Index) -> bool {
    let known = |k: &IndexColumn| match &k.key {
        IndexKey::Column(name) => draft.column(name).is_some_and(|c| c.pg_type.is_ordered()),
        _ => false,
    };
    index.predicate.is_none() && index.columns.iter().all(known)
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

fn warn_of_length(draft: &Draft<'_>, index: &Index, notes: &mut Vec<Finding>) {
    let name = |k: &IndexColumn| match &k.key {
        IndexKey::Column(name) => Some(name.clone()),
        _ => None,
    };
    let columns: Vec<String> = index.columns.iter().filter_map(name).collect();
    let hint = "Set indexes to false and create the others in after, with a hash index in place of this one.";
    too_long(draft, &columns, &format!("index {}", index.name), hint, notes);
}

fn definition(ctx: &Context<'_>, draft: &Draft<'_>, index: &Index) -> Result<(String, String), String> {
    if index.columns.is_empty() || index.columns.len() > MAX_KEYS {
        return Err(format!("it has {} columns, PostgreSQL allows 1 to {MAX_KEYS}", index.columns.len()));
    }
    let keys: Vec<String> = index.columns.iter().map(|k| key(ctx, draft, k)).collect::<Result<_, _>>()?;
    let predicate = match &index.predicate {
        None => String::new(),
        Some(sql) => {
            let condition = (ctx.rules.condition)(sql, &draft.scope(true));
            format!(" WHERE {}", condition.map_err(|e| format!("{}: WHERE {sql}", e.reason))?)
        }
    };
    Ok((keys.join(", "), predicate))
}

fn key(ctx: &Context<'_>, draft: &Draft<'_>, key: &IndexColumn) -> Result<String, String> {
    let sql = match &key.key {
        IndexKey::Rowid => return Err("it is over the rowid, which PostgreSQL does not have".into()),
        IndexKey::Column(name) => {
            usable(draft, std::slice::from_ref(name))?;
            let column =
                draft.column(name).ok_or_else(|| format!("column \"{name}\" is not carried over"))?;
            collate::key_column(draft, column, &key.collation).0
        }
        IndexKey::Expression(sql) => {
            let bytewise = key.collation.is_empty() || key.collation.eq_ignore_ascii_case("BINARY");
            let collated = if bytewise { sql } else { &format!("({sql}\n) COLLATE {}", key.collation) };
            let translated = (ctx.rules.expression)(collated, &draft.scope(true));
            let translated = translated.map_err(|e| format!("{}: {sql}", e.reason))?;
            // An expression has the collation of the columns in it.
            let mixed = draft.columns.iter().any(|c| c.nocase && translated.sql.contains(&ident(&c.target)));
            match bytewise && mixed && translated.class == TypeClass::Text {
                true => format!("(({}) COLLATE \"pg_catalog\".\"C\")", translated.sql),
                false => format!("({})", translated.sql),
            }
        }
    };
    Ok(if key.descending { format!("{sql} DESC") } else { sql })
}

/// Collations of columns that the index cannot keep.
fn lost(ctx: &Context<'_>, draft: &Draft<'_>, index: &Index) -> Vec<Finding> {
    let object = format!("index {}", index.name);
    let of = |k: &IndexColumn| match &k.key {
        IndexKey::Column(name) => collate::lost(ctx, draft, &object, draft.column(name)?, &k.collation),
        _ => None,
    };
    index.columns.iter().filter_map(of).collect()
}

/// PostgreSQL accepts a plain unique index as the target of a foreign key.
fn remember_unique(draft: &mut Draft<'_>, index: &Index) {
    let plain = |k: &IndexColumn| match &k.key {
        IndexKey::Column(name) => {
            let (_, sense) = collate::key_column(draft, draft.column(name)?, &k.collation);
            (sense == Sense::Same).then(|| name.clone())
        }
        _ => None,
    };
    if index.unique && index.predicate.is_none() {
        let columns = index.columns.iter().map(plain).collect::<Option<Vec<_>>>();
        draft.unique.extend(columns);
    }
}
