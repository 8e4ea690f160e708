//! The functions that search vectors call, as statements: the schema that has them, then each once.

use crate::plan::context::Context;
use crate::plan::decide::table::DecidedTable;
use crate::search::helper::SCHEMA;
use crate::translate::helper::{GUARD, SCHEMA_STEPS};

/// Titles and statements of what the vectors of these tables need; nothing where they need nothing.
pub fn statements<'t, 'a: 't>(
    ctx: &Context<'_>,
    tables: impl Iterator<Item = &'t DecidedTable<'a>>,
) -> Vec<(String, String)> {
    let mut objects: Vec<(String, String)> = vec![];
    for object in tables.flat_map(|table| &table.helpers) {
        let title = format!("create {SCHEMA}.{}", object.name);
        if !objects.iter().any(|(known, _)| *known == title) {
            objects.push((title, object.sql.clone()));
        }
    }
    let exists = ctx.target.helpers.is_some_and(|helpers| helpers.schema_exists);
    let schema = SCHEMA_STEPS.iter().filter(|(_, sql)| !objects.is_empty() && (!exists || *sql == GUARD));
    let schema: Vec<(String, String)> =
        schema.map(|(title, sql)| ((*title).to_owned(), (*sql).to_owned())).collect();
    schema.into_iter().chain(objects).collect()
}
