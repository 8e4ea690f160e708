//! `orphans: "null"`: rows without a parent lose their key.
//!
//! All keys of a table at once: the server checks every foreign key of a row of the same transaction that is changed,
//! and would find the one whose turn has not come.

use super::query::{OrphanQuery, reading};
use crate::pg::latest;
use crate::pg::loaded_rows::Command;
use pg_sqlite_migrate_core::finding::counted;
use pg_sqlite_migrate_core::sqltext::ident;
use pg_sqlite_migrate_core::verify::back::Normalisation;

/// Rows that lost their key.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Nulled {
    /// By query.
    pub rows: Vec<u64>,
    /// Who has written them anew.
    pub by: Command,
}

/// Sets the keys of rows without a parent to NULL. The queries are about one table.
pub fn nullify(queries: &[OrphanQuery<'_>]) -> Option<Nulled> {
    let table = &queries.first()?.children.name;
    let found = queries.iter().enumerate().map(|(i, query)| {
        let orphans = query.orphans();
        format!("SELECT c.ctid AS address, {i} AS query {orphans}")
    });
    let by_row = (0..queries.len()).map(|i| format!("bool_or(query = {i}) AS by_{i}"));
    let counts = (0..queries.len()).map(|i| format!("count(*) FILTER (WHERE by_{i})"));
    let sql = format!(
        "WITH found AS ({}), orphans AS MATERIALIZED (SELECT address, {} FROM found GROUP BY address),
         updated AS (UPDATE ONLY {table} AS c SET {} FROM orphans AS o WHERE o.address = c.ctid)
         SELECT ARRAY[{}] FROM orphans",
        found.collect::<Vec<_>>().join(" UNION ALL "),
        by_row.collect::<Vec<_>>().join(", "),
        assignments(queries).join(", "),
        counts.collect::<Vec<_>>().join(", ")
    );
    let _settings = reading();
    let by = Command::next();
    Some(Nulled { rows: latest::written(&sql)?, by })
}

/// What is to be known of rows that lost their key.
#[derive(Debug, Clone, Default)]
pub struct Told {
    pub notes: Vec<String>,
    /// Each column, with how many values of its became NULL.
    pub columns: Vec<(String, Normalisation, u64)>,
}

pub fn told(queries: &[OrphanQuery<'_>], nulled: &Nulled) -> Told {
    let mut told = Told::default();
    for (query, rows) in queries.iter().zip(&nulled.rows).filter(|(_, rows)| **rows > 0) {
        let (columns, count) = (&query.spec.columns, counted(*rows, "row", "rows"));
        told.notes.push(format!("{} became NULL in {count} without a parent", columns.join(", ")));
        told.columns.extend(columns.iter().map(|column| (column.clone(), Normalisation::Orphan, *rows)));
    }
    told
}

/// A column may belong to several keys.
fn assignments(queries: &[OrphanQuery<'_>]) -> Vec<String> {
    let mut columns: Vec<(&str, Vec<String>)> = vec![];
    for (i, query) in queries.iter().enumerate() {
        for column in &query.spec.columns {
            let by = format!("o.by_{i}");
            match columns.iter_mut().find(|(name, _)| name == column) {
                Some((_, bys)) => bys.push(by),
                None => columns.push((column, vec![by])),
            }
        }
    }
    let assignment = |(column, bys): (&str, Vec<String>)| {
        let column = ident(column);
        format!("{column} = CASE WHEN {} THEN NULL ELSE c.{column} END", bys.join(" OR "))
    };
    columns.into_iter().map(assignment).collect()
}
