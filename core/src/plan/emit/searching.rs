//! The functions that search vectors call, as statements: the schema that has them, then each once.

use crate::plan::context::Context;
use crate::plan::decide::table::DecidedTable;
use crate::plan::target::Helpers;
use crate::search::helper::SCHEMA;
use crate::sqltext::ident;

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
    let schema = ident(SCHEMA);
    let missing = !objects.is_empty() && ctx.target.helpers == Some(Helpers { schema_exists: false });
    let schema = missing.then(|| {
        let create = format!("CREATE SCHEMA {schema}");
        let grant = format!("GRANT USAGE ON SCHEMA {schema} TO PUBLIC");
        [(format!("create schema {SCHEMA}"), create), (format!("let everybody use schema {SCHEMA}"), grant)]
    });
    schema.into_iter().flatten().chain(objects).collect()
}
