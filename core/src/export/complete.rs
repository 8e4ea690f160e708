//! Prints the complete plan.

use serde_json::{Map, Value, json};

use super::catalog::Table;
use super::decide::Context;
use super::plan::{TableOverrides, on_invalid_word};
use super::planned::OutTable;

/// The complete plan, which is its own fixed point.
///
/// `bare` are tables of which no column is carried over.
pub fn complete(ctx: &Context<'_>, tables: &[OutTable<'_>], bare: &[&Table]) -> Value {
    let said = ctx.overrides;
    let mut out = Map::new();
    let mut put = |key: &str, value: Value| out.insert(key.to_owned(), value);
    match said.run {
        Some(run) => put("run", run.into()),
        None => put("schemas", json!(said.schemas())),
    };
    put("files", said.word("files").into());
    put("prefix", said.word("prefix").into());
    put("include", json!(said.include()));
    put("exclude", json!(said.exclude()));
    for key in ["numeric", "uuid", "json", "interval", "vector", "geometry", "tsvector"] {
        put(key, said.word(key).into());
    }
    put("geopackage", said.geopackage().into());
    put("fts", said.fts().into());
    put("on_invalid", on_invalid_word(said.on_invalid()).into());
    put("timezone", said.timezone(ctx.run).into());
    if let Some(strict) = said.strict().or(said.run.is_none().then_some(false)) {
        put("strict", strict.into());
    }
    put("indexes", said.indexes().into());
    put("foreign_keys", said.foreign_keys().into());
    put("checks", said.checks().into());
    put("comments", said.comments().into());
    put("views", said.views().into());
    put("triggers", said.triggers().into());
    put("declarations", if said.original() { "original" } else { "translated" }.into());
    put("overwrite", ctx.file.overwrite.into());
    put("encoding", ctx.file.encoding.as_str().into());
    put("page_size", ctx.file.page_size.into());
    put("auto_vacuum", ctx.file.auto_vacuum.as_str().into());
    put("journal_mode", ctx.file.journal_mode.as_str().into());
    put("application_id", ctx.file.application_id.into());
    put("user_version", ctx.file.user_version.into());
    let mut of_tables: Map<String, Value> = tables
        .iter()
        .map(|table| (ctx.key_of(table.source), of_table(table, ctx.given(table.source))))
        .collect();
    for table in &ctx.catalog.tables {
        let key = ctx.key_of(table);
        let Some(own) = ctx.given(table).filter(|_| !of_tables.contains_key(&key)) else { continue };
        let skipped = own.skip() || bare.iter().any(|bare| bare.is(table));
        // Views, and what is refused or not included, are as the plan has them: whether they are made is said elsewhere.
        of_tables.insert(key, if skipped { json!({"skip": true}) } else { own.as_given().clone() });
    }
    put("tables", of_tables.into());
    Value::Object(out)
}

fn of_table(table: &OutTable<'_>, own: Option<TableOverrides<'_>>) -> Value {
    let mut columns = Map::new();
    for column in &table.source.columns {
        let skipped = own.and_then(|own| own.column(&column.name)).is_some_and(|own| own.skip());
        let mut all = table.columns.iter().chain(&table.computed);
        let decided = all.find(|decided| decided.source.name == column.name);
        if skipped {
            columns.insert(column.name.clone(), json!({"skip": true}));
        } else if let Some(decided) = decided {
            let mut keys = Map::new();
            keys.insert("name".into(), decided.name.as_str().into());
            if let Some(format) = decided.format {
                keys.insert("format".into(), format.as_str().into());
            }
            if let Some((example, _)) = &decided.spelling {
                keys.insert("spelling".into(), example.as_str().into());
            }
            keys.insert("on_invalid".into(), on_invalid_word(decided.on_invalid).into());
            columns.insert(column.name.clone(), keys.into());
        }
    }
    json!({"target": table.name, "columns": columns})
}
