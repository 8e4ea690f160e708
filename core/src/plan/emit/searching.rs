//! The functions that search vectors call, as statements: the schema that has them, then each once.

use crate::plan::context::Context;
use crate::plan::decide::table::DecidedTable;
use crate::search::helper::SCHEMA;
use crate::translate::helper::schema_steps;

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
    match objects.is_empty() {
        true => vec![],
        false => schema_steps(ctx.target.has_helper_schema()).chain(objects).collect(),
    }
}
