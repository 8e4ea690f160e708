//! The loaded tables of a run, as catalogs and statistics have them: a question for all tables, however many they are.

use std::collections::HashMap;

use pgrx::pg_sys;

use crate::pg::rights;
use crate::pg::spi::{self, Row};
use pg_sqlite_migrate_core::advise::facts::{ForeignKey, Sequence, Table};

/// The tables, and how they are found again.
pub struct Found {
    pub tables: Vec<Table>,
    pub oids: Vec<pg_sys::Oid>,
    places: HashMap<pg_sys::Oid, usize>,
}

/// Tables of which the caller has the owner's rights, so that he can do what is advised, and whose owner's code he trusts.
/// $1 is the run.
fn of_run() -> String {
    format!(
        "SELECT c.oid, n.nspname AS schema, c.relname AS name, greatest(c.reltuples, 0)::bigint AS rows,
                coalesce(pg_total_relation_size(c.oid), 0) AS bytes, c.relkind = 'p' AS partitioned,
                c.relkind = 'r' AND c.relpages > 0 AND c.relallvisible = 0
                    AND s.last_vacuum IS NULL AND s.last_autovacuum IS NULL AS unvacuumed,
                ARRAY(SELECT a.attname::text FROM pg_attribute a
                      WHERE a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped ORDER BY a.attnum) AS columns,
                ARRAY(SELECT a.attname::text
                      FROM pg_constraint p CROSS JOIN unnest(p.conkey) WITH ORDINALITY AS k (number, place)
                      JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum = k.number
                      WHERE p.conrelid = c.oid AND p.contype = 'p' ORDER BY k.place) AS primary_key,
                ARRAY(SELECT a.attname::text
                      FROM (SELECT i.indkey FROM pg_index i JOIN pg_class x ON x.oid = i.indexrelid
                            JOIN pg_am m ON m.oid = x.relam
                            WHERE i.indrelid = c.oid AND m.amname = 'btree' AND i.indisunique AND i.indisvalid
                              AND i.indimmediate AND i.indpred IS NULL AND i.indexprs IS NULL
                              AND i.indnatts = i.indnkeyatts
                              AND NOT EXISTS (SELECT FROM pg_attribute o
                                              WHERE o.attrelid = c.oid AND o.attnum = ANY (i.indkey)
                                                AND NOT o.attnotnull)
                            ORDER BY i.indnkeyatts, i.indexrelid LIMIT 1) AS i
                      CROSS JOIN unnest(i.indkey::int2[]) WITH ORDINALITY AS k (number, place)
                      JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum = k.number
                      ORDER BY k.place) AS candidate
         FROM (SELECT DISTINCT target_schema, target_table FROM sqlite_migrate.run_table
               WHERE run = $1 AND status = 'loaded') AS r
         JOIN pg_namespace n ON n.nspname = r.target_schema
         JOIN pg_class c ON c.relnamespace = n.oid AND c.relname = r.target_table
         LEFT JOIN pg_stat_all_tables s ON s.relid = c.oid
         WHERE c.relkind IN ('r', 'p') AND pg_has_role(c.relowner, 'USAGE') AND {}
         ORDER BY n.nspname, c.relname",
        rights::trusts("c.relowner")
    )
}

pub fn tables(run: i64) -> Found {
    let sql = of_run();
    let found = spi::rows(&sql, &[run.into()], |row| {
        let table = Table {
            schema: row.get("schema"),
            name: row.get("name"),
            rows: row.get("rows"),
            bytes: row.get("bytes"),
            partitioned: row.get("partitioned"),
            unvacuumed: row.get("unvacuumed"),
            columns: row.get("columns"),
            primary_key: row.get("primary_key"),
            candidate: row.get("candidate"),
        };
        (row.get::<pg_sys::Oid>("oid"), table)
    });
    let (oids, tables): (Vec<_>, Vec<_>) = found.into_iter().unzip();
    let places = oids.iter().enumerate().map(|(at, oid)| (*oid, at)).collect();
    Found { tables, oids, places }
}

/// Columns that the index's first columns are, in any order, make it serve the key.
const FOREIGN_KEYS: &str = "
    SELECT k.conrelid AS oid, p.nspname || '.' || f.relname AS parent, greatest(f.reltuples, 0)::bigint AS parent_rows,
           ARRAY(SELECT a.attname::text FROM unnest(k.conkey) WITH ORDINALITY AS c (number, place)
                 JOIN pg_attribute a ON a.attrelid = k.conrelid AND a.attnum = c.number ORDER BY c.place) AS columns
    FROM pg_constraint k JOIN pg_class f ON f.oid = k.confrelid JOIN pg_namespace p ON p.oid = f.relnamespace
    WHERE k.conrelid = ANY ($1) AND k.contype = 'f' AND k.conparentid = 0
      AND NOT EXISTS (SELECT FROM pg_index i JOIN pg_class x ON x.oid = i.indexrelid JOIN pg_am m ON m.oid = x.relam
                      WHERE i.indrelid = k.conrelid AND i.indisvalid AND i.indpred IS NULL
                        AND (m.amname = 'btree' AND i.indnkeyatts >= cardinality(k.conkey)
                                 AND (i.indkey::int2[])[0:cardinality(k.conkey) - 1] @> k.conkey
                             OR m.amname = 'hash' AND i.indkey[0] = k.conkey[1] AND cardinality(k.conkey) = 1))
    ORDER BY k.conrelid, k.conname";

const SEQUENCES: &str = "
    SELECT n.nspname AS schema, q.relname AS name,
           array_agg(t.nspname || '.' || c.relname || '.' || a.attname ORDER BY t.nspname, c.relname, a.attnum) AS columns
    FROM (SELECT DISTINCT d.refobjid AS sequence, f.adrelid, f.adnum
          FROM pg_depend d JOIN pg_attrdef f ON f.oid = d.objid
          WHERE d.classid = 'pg_attrdef'::regclass AND d.refclassid = 'pg_class'::regclass) AS used
    JOIN pg_class q ON q.oid = used.sequence AND q.relkind = 'S' JOIN pg_namespace n ON n.oid = q.relnamespace
    JOIN pg_class c ON c.oid = used.adrelid JOIN pg_namespace t ON t.oid = c.relnamespace
    JOIN pg_attribute a ON a.attrelid = used.adrelid AND a.attnum = used.adnum
    GROUP BY q.oid, n.nspname, q.relname HAVING count(*) > 1 AND bool_or(used.adrelid = ANY ($1))
    ORDER BY n.nspname, q.relname";

impl Found {
    /// The table of a row, by its oid.
    pub fn place(&self, row: &Row<'_>) -> usize {
        self.places.get(&row.get::<pg_sys::Oid>("oid")).copied().unwrap_or(usize::MAX)
    }

    pub fn foreign_keys(&self) -> Vec<ForeignKey> {
        spi::rows(FOREIGN_KEYS, &[self.oids.as_slice().into()], |row| ForeignKey {
            table: self.place(row),
            columns: row.get("columns"),
            parent: row.get("parent"),
            parent_rows: row.get("parent_rows"),
        })
    }

    pub fn sequences(&self) -> Vec<Sequence> {
        spi::rows(SEQUENCES, &[self.oids.as_slice().into()], |row| Sequence {
            schema: row.get("schema"),
            name: row.get("name"),
            columns: row.get("columns"),
        })
    }
}
