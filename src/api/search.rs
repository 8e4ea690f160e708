//! Full text: the text of a MATCH as PostgreSQL searches for it, and what a column to be searched is made of.

use pgrx::pg_sys::panic::ErrorReport;
use pgrx::prelude::*;

use crate::pg::search::{Configuration, Query};
use crate::pg::text::Text;
use crate::search::{self, Asked};

/// Reads no table and no file: what it gives depends on its arguments alone, as `to_tsquery` does. NULL for NULL.
#[pg_extern(immutable, parallel_safe)]
fn sqlite_fts_query(
    query: Option<Text>,
    config: default!(Option<Configuration>, "'pg_catalog.simple'"),
    columns: default!(Option<Vec<Option<Text>>>, "NULL"),
    weights: default!(Option<Text>, "NULL"),
    tokenizer: default!(Option<Text>, "NULL"),
    syntax: default!(Option<Text>, "'fts5'"),
) -> Result<Option<Query>, ErrorReport> {
    let Some(query) = query else { return Ok(None) };
    let asked = asked(config, columns, weights, tokenizer, syntax);
    Ok(Some(search::query(&query, &asked)?))
}

/// One row: the expression of the vector over these columns, and the statements that make what it needs, in order.
#[pg_extern(immutable, parallel_safe)]
fn sqlite_fts_vector(
    columns: Option<Vec<Option<Text>>>,
    config: default!(Option<Configuration>, "'pg_catalog.simple'"),
    weights: default!(Option<Text>, "NULL"),
    tokenizer: default!(Option<Text>, "NULL"),
    syntax: default!(Option<Text>, "'fts5'"),
) -> Result<TableIterator<'static, (name!(expression, Text), name!(helpers, Vec<Text>))>, ErrorReport> {
    let vector = search::vector(&asked(config, columns, weights, tokenizer, syntax))?;
    let helpers = vector.helpers.into_iter().map(Text).collect();
    Ok(TableIterator::once((Text(vector.expression), helpers)))
}

fn asked(
    config: Option<Configuration>,
    columns: Option<Vec<Option<Text>>>,
    weights: Option<Text>,
    tokenizer: Option<Text>,
    syntax: Option<Text>,
) -> Asked {
    let name = |name: Option<Text>| name.map_or_else(String::new, |name| name.0);
    Asked {
        config,
        columns: columns.map(|names| names.into_iter().map(name).collect()),
        weights: weights.map(|weights| weights.0),
        tokenizer: tokenizer.map(|tokenizer| tokenizer.0),
        syntax: syntax.map(|syntax| syntax.0),
    }
}
