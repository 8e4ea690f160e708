//! Tables of Citus: whether this node loads them, and the column that tells a row's shard.

use super::relations::Relations;
use crate::pg::citus;
use pg_sqlite_migrate_core::plan::Node;

/// Reference tables have no such column.
const TABLES: &str = "
    SELECT t.logicalrelid::pg_catalog.oid AS relation,
           CASE WHEN t.partkey IS NOT NULL THEN pg_catalog.column_to_column_name(t.logicalrelid, t.partkey) END AS shard_column
    FROM pg_catalog.pg_dist_partition t
    WHERE t.logicalrelid::pg_catalog.oid = ANY ($1)";

/// Assumes that the columns are there.
pub fn read(found: &mut Relations) {
    if !citus::is_installed() {
        return;
    }
    let node = if citus::is_coordinator() { Node::Coordinator } else { Node::Worker };
    found.each(TABLES, |table, row| {
        table.citus = Some(node);
        let name: Option<String> = row.get("shard_column");
        for column in table.columns.iter_mut().filter(|c| Some(&c.name) == name.as_ref()) {
            column.distributes = !column.not_null;
            column.not_null = true;
        }
    });
}
