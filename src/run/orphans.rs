//! Rows without a parent: looked for after the load, before the constraint is made.

use crate::error::{Error, OrphanRows};
use crate::pg::settings::LocalSettings;
use crate::pg::spi;
use crate::plan::{OrphanSpec, Orphans};
use crate::sqltext::{ident, ident_list, literal, qualified};

/// Rows that one settlement removed, by child table.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Removed {
    pub schema: String,
    pub table: String,
    pub rows: u64,
}

/// Removes rows without a parent for every key whose policy is `reject`. Removing a row may leave its own
/// children without a parent, so this is repeated until nothing is left to remove.
pub fn settle_rejects(specs: &[&OrphanSpec], run: i64) -> Vec<Removed> {
    let _path = LocalSettings::safe_search_path();
    let mut removed = Vec::new();
    loop {
        let before = removed.len();
        for spec in specs.iter().filter(|s| s.policy == Orphans::Reject) {
            let rows = reject(spec, run);
            if rows > 0 {
                removed.push(Removed { schema: spec.schema.clone(), table: spec.table.clone(), rows });
            }
        }
        if removed.len() == before {
            return removed;
        }
    }
}

/// Settles one key of another policy, once no more rows are removed; gives the rows that lost their key.
pub fn settle(spec: &OrphanSpec) -> Result<u64, Error> {
    let _path = LocalSettings::safe_search_path();
    match spec.policy {
        Orphans::Null => Ok(nullify(spec)),
        Orphans::Error => refuse(spec).map(|()| 0),
        Orphans::Reject | Orphans::Keep => Ok(0),
    }
}

fn reject(spec: &OrphanSpec, run: i64) -> u64 {
    spi::execute(&format!(
        "WITH gone AS (DELETE FROM {child} AS c WHERE {orphaned} RETURNING c.*)
         INSERT INTO sqlite_migrate.reject (run, source_table, source_column, \"values\", error)
         SELECT {run}, {source}, {columns}, to_jsonb(gone.*), {error} FROM gone",
        child = qualified(&spec.schema, &spec.table),
        orphaned = orphaned(spec),
        source = literal(&spec.source),
        columns = literal(&spec.columns.join(", ")),
        error = literal(&format!("no parent in {}", qualified(&spec.parent_schema, &spec.parent))),
    ))
}

fn nullify(spec: &OrphanSpec) -> u64 {
    let nulls: Vec<String> = spec.columns.iter().map(|c| format!("{} = NULL", ident(c))).collect();
    spi::execute(&format!(
        "UPDATE {} AS c SET {} WHERE {}",
        qualified(&spec.schema, &spec.table),
        nulls.join(", "),
        orphaned(spec)
    ))
}

fn refuse(spec: &OrphanSpec) -> Result<(), Error> {
    let child = qualified(&spec.schema, &spec.table);
    let condition = orphaned(spec);
    let count = spi::number(&format!("SELECT count(*)::text FROM {child} AS c WHERE {condition}"), &[]);
    if count == 0 {
        return Ok(());
    }
    let keys = ident_list(spec.columns.iter());
    let examples = spi::rows(
        &format!("SELECT (ROW({keys}))::text FROM {child} AS c WHERE {condition} ORDER BY {keys} LIMIT 5"),
        &[],
    );
    let examples = examples.into_iter().flatten().flatten();
    let examples: Vec<String> =
        examples.map(|row| format!("({}) = {row}", spec.columns.join(", "))).collect();
    Err(Error::Orphans(Box::new(OrphanRows {
        source: spec.source.clone(),
        table: format!("{}.{}", spec.schema, spec.table),
        parent: format!("{}.{}", spec.parent_schema, spec.parent),
        count: count.max(0) as u64,
        examples: examples.join(", "),
    })))
}

/// MATCH SIMPLE: a row with a NULL among its columns has no parent to look for.
fn orphaned(spec: &OrphanSpec) -> String {
    let set: Vec<String> = spec.columns.iter().map(|c| format!("c.{} IS NOT NULL", ident(c))).collect();
    let same: Vec<String> = (spec.columns.iter().zip(&spec.parent_columns))
        .map(|(c, p)| format!("p.{} = c.{}", ident(p), ident(c)))
        .collect();
    format!(
        "{} AND NOT EXISTS (SELECT FROM {} AS p WHERE {})",
        set.join(" AND "),
        qualified(&spec.parent_schema, &spec.parent),
        same.join(" AND ")
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_condition_is_match_simple() {
        let spec = OrphanSpec {
            schema: "app".into(),
            table: "chat".into(),
            columns: vec!["user".into(), "b".into()],
            parent_schema: "app".into(),
            parent: "users".into(),
            parent_columns: vec!["id".into(), "c".into()],
            policy: Orphans::Error,
            source: "Chat".into(),
        };
        assert_eq!(
            orphaned(&spec),
            "c.\"user\" IS NOT NULL AND c.\"b\" IS NOT NULL AND NOT EXISTS (SELECT FROM \"app\".\"users\" AS p \
             WHERE p.\"id\" = c.\"user\" AND p.\"c\" = c.\"b\")"
        );
    }
}
