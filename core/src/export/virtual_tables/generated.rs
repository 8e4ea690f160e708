//! An FTS5 table for a column of type `tsvector` that PostgreSQL generates: over the columns that it is made of, with the
//! triggers that maintain it (<https://www.sqlite.org/fts5.html#external_content_tables>).

use super::Derived;
use super::logged::{Module, shadows};
use crate::export::catalog::Column;
use crate::export::columns::OutColumn;
use crate::export::decide::Context;
use crate::export::expression::named_columns;
use crate::export::names::Names;
use crate::export::planned::{OutTable, OutTrigger};
use crate::export::types::Family;
use crate::sqltext::{sqlite_ident, sqlite_literal};

/// The table, and what is said of it.
pub(super) struct Made {
    pub table: Derived,
    pub triggers: Vec<OutTrigger>,
    pub told: String,
}

/// The error is a reason for a person.
pub(super) fn table(
    ctx: &Context<'_>,
    table: &OutTable<'_>,
    column: &Column,
    names: &mut Names,
) -> Result<Made, String> {
    if !ctx.overrides.fts() {
        return Err("SQLite has no such values, and the plan makes no full-text tables".into());
    }
    let generated = column.default.as_deref().filter(|_| column.generated);
    let expression = generated.ok_or("SQLite has no such values")?;
    let rowid = rowid(table)
        .ok_or("its table has no primary key of one integer, by which a full-text table finds its rows")?;
    let of_text =
        |name: &String| table.columns.iter().find(|c| c.source.name == *name).filter(|c| is_text(c));
    let texts: Vec<&OutColumn<'_>> = named_columns(expression).iter().filter_map(of_text).collect();
    if texts.is_empty() {
        return Err("it is made of no column with texts".into());
    }
    let name = free_name(&table.name, names)?;
    let tokenizer = tokenizer(expression);
    let told = format!(
        "it becomes the full-text table \"{name}\", whose words are those of the tokenizer {tokenizer}: it may find other rows"
    );
    let columns: Vec<String> = texts.iter().map(|c| sqlite_ident(&c.name)).collect();
    let create = format!(
        "CREATE VIRTUAL TABLE {} USING fts5({}, content={}, content_rowid={}, tokenize={})",
        sqlite_ident(&name),
        columns.join(", "),
        sqlite_literal(&table.name),
        sqlite_literal(&rowid.name),
        sqlite_literal(tokenizer),
    );
    let fts = sqlite_ident(&name);
    let rebuild = format!("INSERT INTO {fts} ({fts}) VALUES ('rebuild')");
    if let Some(reason) = ctx.catalog.refused.get(&create) {
        return Err(reason.clone());
    }
    let triggers = triggers(table, &name, &rowid.name, &columns);
    let derived = Derived { schema: table.source.schema.clone(), name, create, fill: rebuild };
    Ok(Made { table: derived, triggers, told })
}

/// The column that is the rowid.
fn rowid<'t, 'a>(table: &'t OutTable<'a>) -> Option<&'t OutColumn<'a>> {
    let primary = table.source.keys.iter().find(|key| key.primary)?;
    let [only] = primary.columns.as_slice() else { return None };
    let column = table.columns.iter().find(|c| c.source.name == *only)?;
    matches!(column.rule.family, Family::SmallInt | Family::Integer | Family::BigInt).then_some(column)
}

fn is_text(column: &OutColumn<'_>) -> bool {
    matches!(column.rule.family, Family::Text | Family::Varchar | Family::Char | Family::Citext)
}

/// A name that neither table nor index has, nor those of the tables that the module makes.
fn free_name(table: &str, names: &mut Names) -> Result<String, String> {
    const TRIED: usize = 100;
    let numbered = (2..TRIED).map(|number| format!("{table}_fts_{number}"));
    let wanted = std::iter::once(format!("{table}_fts")).chain(numbered);
    let is_free = |name: &String| names.take_all(&[vec![name.clone()], shadows(Module::Fts5, name)].concat());
    let mut wanted = wanted.filter(|name| !name.to_ascii_lowercase().starts_with("sqlite_"));
    let mut is_free = is_free;
    wanted.find(|name| is_free(name)).ok_or_else(|| "no name is free for a full-text table".to_owned())
}

/// The tokenizer whose words are most like those of the expression.
fn tokenizer(expression: &str) -> &'static str {
    let has = |part: &str| expression.contains(part);
    match () {
        () if has("fts_ascii_porter") => "porter ascii",
        () if has("fts_ascii") => "ascii",
        () if has("fts_unicode61_0_porter") => "porter unicode61 remove_diacritics 0",
        () if has("fts_unicode61_2_porter") => "porter unicode61 remove_diacritics 2",
        () if has("fts_unicode61_porter") => "porter unicode61",
        () if has("fts_unicode61_0") => "unicode61 remove_diacritics 0",
        () if has("fts_unicode61_2") => "unicode61 remove_diacritics 2",
        // Porter's stemmer is of English words.
        () if has("'english'") || has("'pg_catalog.english'") => "porter unicode61",
        () => "unicode61",
    }
}

fn triggers(table: &OutTable<'_>, fts: &str, rowid: &str, columns: &[String]) -> Vec<OutTrigger> {
    let (rowid, list) = (sqlite_ident(rowid), columns.join(", "));
    let of = |row: &str| {
        let values: Vec<String> = columns.iter().map(|column| format!("{row}.{column}")).collect();
        format!("{row}.{rowid}, {}", values.join(", "))
    };
    let (name, on) = (sqlite_ident(fts), sqlite_ident(&table.name));
    let added = format!("INSERT INTO {name} (rowid, {list}) VALUES ({});", of("new"));
    let removed = format!("INSERT INTO {name} ({name}, rowid, {list}) VALUES ('delete', {});", of("old"));
    let events = [
        ("insert", "INSERT", added.clone()),
        ("delete", "DELETE", removed.clone()),
        ("update", "UPDATE", format!("{removed} {added}")),
    ];
    let statement = |(ending, event, body): (&str, &str, String)| {
        let trigger = format!("{fts}_{ending}");
        let create =
            format!("CREATE TRIGGER {} AFTER {event} ON {on} BEGIN {body} END", sqlite_ident(&trigger));
        OutTrigger { name: trigger, schema: table.source.schema.clone(), table: table.name.clone(), create }
    };
    events.into_iter().map(statement).collect()
}
