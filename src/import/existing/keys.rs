//! The unique keys of relations, as ON CONFLICT may name them.

use super::relations::Relations;
use pg_sqlite_migrate_core::plan::ExistingKey;

/// Valid unique indexes over plain columns and all rows, with or without a constraint. A key that is checked by
/// exclusion (WITHOUT OVERLAPS) is none that a conflict can be about.
const KEYS: &str = "
    SELECT i.indrelid AS relation, COALESCE(k.conname, x.relname) AS name, columns.names AS columns,
           i.indisprimary AS primary, k.oid IS NOT NULL AS constraint, NOT i.indimmediate AS deferrable
    FROM pg_catalog.pg_index i
    JOIN pg_catalog.pg_class x ON x.oid = i.indexrelid
    LEFT JOIN pg_catalog.pg_constraint k
           ON k.conindid = i.indexrelid AND k.conrelid = i.indrelid AND k.contype IN ('p', 'u')
    CROSS JOIN LATERAL (
        SELECT pg_catalog.array_agg(a.attname ORDER BY key.place) AS names
        FROM pg_catalog.unnest(i.indkey::smallint[]) WITH ORDINALITY AS key (attnum, place)
        JOIN pg_catalog.pg_attribute a ON a.attrelid = i.indrelid AND a.attnum = key.attnum
        WHERE key.place <= i.indnkeyatts) columns
    WHERE i.indrelid = ANY ($1) AND i.indisunique AND i.indisvalid AND i.indislive
      AND NOT i.indisexclusion AND i.indpred IS NULL AND i.indexprs IS NULL
    ORDER BY i.indrelid, NOT i.indisprimary, k.oid IS NULL, 2";

pub fn read(found: &mut Relations) {
    found.each(KEYS, |table, row| {
        table.keys.push(ExistingKey {
            name: row.get("name"),
            columns: row.get("columns"),
            primary: row.get("primary"),
            constraint: row.get("constraint"),
            deferrable: row.get("deferrable"),
        });
    });
}
