//! The btrees of relations, as far as their entries may be too large.

use std::collections::BTreeSet;

use pgrx::pg_sys;

use crate::pg::spi;
use pg_sqlite_migrate_core::plan::{ExistingIndex, Target};

/// Valid btrees, also those that only a partition has. An expression or a predicate depends on the columns that it reads. `pg_get_indexdef` begins as `head` does.
const INDEXES: &str = "
    WITH held AS (
        SELECT t.oid AS relation, t.oid AS owner, NULL AS partition
        FROM pg_catalog.unnest($1) AS t (oid)
        UNION ALL
        SELECT t.oid, p.relid, COALESCE(pg_catalog.pg_get_partition_constraintdef(p.relid), 'true')
        FROM pg_catalog.pg_class t CROSS JOIN LATERAL pg_catalog.pg_partition_tree(t.oid) p
        WHERE t.oid = ANY ($1) AND t.relkind = 'p' AND p.level > 0)
    SELECT h.relation, h.partition, x.relname AS name, used.names AS columns, i.indexprs IS NOT NULL AS computes,
           pg_catalog.substr(d.definition, pg_catalog.length(d.head) + 1) AS definition
    FROM held h
    JOIN pg_catalog.pg_index i ON i.indrelid = h.owner
    JOIN pg_catalog.pg_class x ON x.oid = i.indexrelid
    JOIN pg_catalog.pg_am m ON m.oid = x.relam AND m.amname = 'btree'
    JOIN pg_catalog.pg_class t ON t.oid = i.indrelid
    JOIN pg_catalog.pg_namespace n ON n.oid = t.relnamespace
    CROSS JOIN LATERAL (
        SELECT CASE WHEN pg_catalog.has_any_column_privilege(i.indrelid, 'SELECT, INSERT, UPDATE')
                         OR pg_catalog.has_table_privilege(i.indrelid, 'DELETE, TRUNCATE')
                    THEN pg_catalog.pg_get_indexdef(i.indexrelid) END AS definition,
               pg_catalog.format('CREATE %sINDEX %I ON %s%I.%I', CASE WHEN i.indisunique THEN 'UNIQUE ' ELSE '' END,
                                 x.relname, CASE x.relkind WHEN 'I' THEN 'ONLY ' ELSE '' END, n.nspname, t.relname) AS head) d
    CROSS JOIN LATERAL (
        SELECT pg_catalog.array_agg(a.attname) AS names
        FROM pg_catalog.pg_attribute a
        WHERE a.attrelid = i.indrelid AND a.attnum > 0 AND NOT a.attisdropped
          AND (a.attnum = ANY (i.indkey::smallint[])
               OR EXISTS (SELECT FROM pg_catalog.pg_depend p
                          WHERE p.classid = 'pg_catalog.pg_class'::regclass AND p.objid = i.indexrelid
                            AND p.refclassid = 'pg_catalog.pg_class'::regclass AND p.refobjid = i.indrelid
                            AND p.refobjsubid = a.attnum))) used
    WHERE (h.owner = h.relation OR NOT EXISTS (SELECT FROM pg_catalog.pg_inherits a WHERE a.inhrelid = i.indexrelid))
      AND i.indisvalid AND i.indislive AND used.names IS NOT NULL
      AND pg_catalog.starts_with(d.definition, d.head || ' USING ')
    ORDER BY 1, 2";

/// Of relations that are held, which the caller may do something with: to print a definition, the server opens the index,
/// which must not be gone meanwhile.
pub fn read(target: &mut Target, held: &BTreeSet<u32>) {
    let held: Vec<pg_sys::Oid> = held.iter().map(|oid| pg_sys::Oid::from(*oid)).collect();
    spi::rows(INDEXES, &[held.as_slice().into()], |row| {
        let relation = row.get::<pg_sys::Oid>("relation").to_u32();
        if let Some(table) = target.relations.iter_mut().find(|table| table.oid == relation) {
            table.indexes.push(ExistingIndex {
                name: row.get("name"),
                columns: row.get("columns"),
                computes: row.get("computes"),
                definition: row.get("definition"),
                partition: row.get("partition"),
            });
        }
    });
}
