//! The loaded tables of a run, as catalogs and statistics have them: a question for all tables, however many they are.

use std::collections::HashMap;
use std::convert::Infallible;

use pgrx::pg_sys;

use crate::pg::settings::{LocalSettings, Reads};
use crate::pg::spi::{self, Row};
use crate::pg::{rights, xact};
use pg_sqlite_migrate_core::advise::facts::{Flag, ForeignKey, Searched, Sequence, Table, Text, Times};
use pg_sqlite_migrate_core::sqltext::{ident, qualified};

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

/// An index on an expression over the column depends on it as well.
const SEARCHED: &str = "
    SELECT a.attrelid AS oid, a.attname AS name, format_type(a.atttypid, NULL) AS type_name, s.avg_width::bigint AS width
    FROM pg_attribute a JOIN pg_class c ON c.oid = a.attrelid JOIN pg_namespace n ON n.oid = c.relnamespace
    LEFT JOIN pg_stats s ON s.schemaname = n.nspname AND s.tablename = c.relname AND s.attname = a.attname
                         AND NOT s.inherited
    WHERE a.attrelid = ANY ($1) AND a.attnum > 0 AND NOT a.attisdropped
      AND a.atttypid IN ('jsonb'::regtype, 'tsvector'::regtype)
      AND NOT EXISTS (SELECT FROM pg_depend d JOIN pg_class x ON x.oid = d.objid JOIN pg_am m ON m.oid = x.relam
                      WHERE d.classid = 'pg_class'::regclass AND d.refclassid = 'pg_class'::regclass
                        AND d.refobjid = a.attrelid AND d.refobjsubid = a.attnum AND m.amname IN ('gin', 'gist'))
    ORDER BY a.attrelid, a.attnum";

/// Shares of a boolean column; a partial index whose condition names it depends on it.
const FLAGS: &str = "
    SELECT a.attrelid AS oid, a.attname AS name,
           coalesce((SELECT max(v.share) FROM unnest(s.most_common_vals::text::bool[], s.most_common_freqs::float8[])
                                              AS v (value, share) WHERE v.value), 0)::float8 AS truths,
           coalesce((SELECT max(v.share) FROM unnest(s.most_common_vals::text::bool[], s.most_common_freqs::float8[])
                                              AS v (value, share) WHERE NOT v.value), 0)::float8 AS falsehoods
    FROM pg_attribute a JOIN pg_class c ON c.oid = a.attrelid JOIN pg_namespace n ON n.oid = c.relnamespace
    JOIN pg_stats s ON s.schemaname = n.nspname AND s.tablename = c.relname AND s.attname = a.attname AND NOT s.inherited
    WHERE a.attrelid = ANY ($1) AND a.attnum > 0 AND NOT a.attisdropped AND a.atttypid = 'bool'::regtype
      AND s.most_common_vals IS NOT NULL
      AND NOT EXISTS (SELECT FROM pg_depend d JOIN pg_index i ON i.indexrelid = d.objid
                      WHERE d.classid = 'pg_class'::regclass AND d.refclassid = 'pg_class'::regclass
                        AND d.refobjid = a.attrelid AND d.refobjsubid = a.attnum AND i.indpred IS NOT NULL)
    ORDER BY a.attrelid, a.attnum";

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

const TIMES: &str = "
    SELECT a.attrelid AS oid, a.attname AS name, coalesce(s.correlation, 0)::float8 AS correlation,
           EXISTS (SELECT FROM pg_index i JOIN pg_class x ON x.oid = i.indexrelid JOIN pg_am m ON m.oid = x.relam
                   WHERE i.indrelid = a.attrelid AND a.attnum = ANY (i.indkey) AND m.amname = 'brin') AS brin
    FROM pg_attribute a JOIN pg_class c ON c.oid = a.attrelid JOIN pg_namespace n ON n.oid = c.relnamespace
    JOIN pg_stats s ON s.schemaname = n.nspname AND s.tablename = c.relname AND s.attname = a.attname AND NOT s.inherited
    WHERE a.attrelid = ANY ($1) AND a.attnum > 0 AND NOT a.attisdropped
      AND a.atttypid IN ('date'::regtype, 'timestamp'::regtype, 'timestamptz'::regtype)
    ORDER BY a.attrelid, a.attnum";

/// What the run has found of texts, where the columns are still texts and nothing depends on their type.
const TEXTS: &str = "
    SELECT c.oid, a.attname AS name, form.type_name
    FROM sqlite_migrate.finding f
    CROSS JOIN LATERAL jsonb_each(f.fix -> 'tables') AS t (source, fixed)
    CROSS JOIN LATERAL jsonb_each(t.fixed -> 'columns') AS k (source, fixed)
    CROSS JOIN LATERAL (SELECT k.fixed ->> 'type') AS form (type_name)
    JOIN sqlite_migrate.run r ON r.id = f.run
    JOIN sqlite_migrate.run_table rt ON rt.run = f.run AND rt.source_table = t.source
    JOIN pg_namespace n ON n.nspname = rt.target_schema
    JOIN pg_class c ON c.relnamespace = n.oid AND c.relname = rt.target_table
    JOIN pg_attribute a ON a.attrelid = c.oid
                       AND a.attname = (r.plan -> 'tables' -> t.source -> 'columns' -> k.source ->> 'name')
    WHERE f.run = $1 AND f.kind = 'text_form' AND c.oid = ANY ($2) AND NOT a.attisdropped
      AND form.type_name IN ('uuid', 'jsonb', 'json', 'date', 'time without time zone', 'timestamp without time zone',
                             'timestamp with time zone')
      AND a.atttypid IN ('text'::regtype, 'varchar'::regtype)
      AND NOT EXISTS (SELECT FROM pg_depend d LEFT JOIN pg_index i ON i.indexrelid = d.objid AND d.classid = 'pg_class'::regclass
                      WHERE d.refclassid = 'pg_class'::regclass AND d.refobjid = c.oid AND d.refobjsubid = a.attnum
                        AND (i.indexrelid IS NULL OR i.indpred IS NOT NULL OR i.indexprs IS NOT NULL
                             OR EXISTS (SELECT FROM pg_opclass o WHERE o.oid = ANY (i.indclass) AND NOT o.opcdefault)
                             OR form.type_name = 'json'))
    ORDER BY c.oid, a.attnum";

/// Tables whose texts are read again; of larger ones the run's word is taken.
const READ_AGAIN: u64 = 64 << 20;

impl Found {
    fn place(&self, row: &Row<'_>) -> usize {
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

    pub fn searched(&self) -> Vec<Searched> {
        spi::rows(SEARCHED, &[self.oids.as_slice().into()], |row| Searched {
            table: self.place(row),
            column: row.get("name"),
            type_name: row.get("type_name"),
            width: row.get("width"),
        })
    }

    pub fn flags(&self) -> Vec<Flag> {
        spi::rows(FLAGS, &[self.oids.as_slice().into()], |row| Flag {
            table: self.place(row),
            column: row.get("name"),
            truths: row.get("truths"),
            falsehoods: row.get("falsehoods"),
        })
    }

    pub fn sequences(&self) -> Vec<Sequence> {
        spi::rows(SEQUENCES, &[self.oids.as_slice().into()], |row| Sequence {
            schema: row.get("schema"),
            name: row.get("name"),
            columns: row.get("columns"),
        })
    }

    pub fn times(&self) -> Vec<Times> {
        spi::rows(TIMES, &[self.oids.as_slice().into()], |row| Times {
            table: self.place(row),
            column: row.get("name"),
            correlation: row.get("correlation"),
            brin: row.get("brin"),
        })
    }

    /// Columns whose texts have all had one form when the run read them, and have it still.
    pub fn texts(&self, run: i64) -> Vec<Text> {
        let texts = spi::rows(TEXTS, &[run.into(), self.oids.as_slice().into()], |row| Text {
            table: self.place(row),
            column: row.get("name"),
            type_name: row.get("type_name"),
            read_now: false,
        });
        texts.into_iter().filter_map(|text| self.read_again(text)).collect()
    }

    /// `None` of a column whose values are not all such any more.
    fn read_again(&self, text: Text) -> Option<Text> {
        let table = self.tables.get(text.table)?;
        if table.bytes > READ_AGAIN {
            return Some(text);
        }
        let (column, name) = (ident(&text.column), qualified(&table.schema, &table.name));
        let sql = format!("SELECT count({column}::{}) FROM {name}", text.type_name);
        let read = xact::attempt(|| -> Result<(), Infallible> {
            let settings = LocalSettings::safe_search_path();
            settings.set("row_security", "off");
            let _styles = LocalSettings::printing(Reads::Styles);
            spi::rows(&sql, &[], |_| ());
            Ok(())
        });
        read.ok().map(|_| Text { read_now: true, ..text })
    }
}
