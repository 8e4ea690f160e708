//! Columns of the loaded tables whose types call for an index: what they hold, by the statistics that the caller may read,
//! and which indexes are there. `pg_stats` is read once: joined with anything, it is computed again and again.

use std::collections::HashMap;

use super::catalog::Found;
use crate::pg::spi;
use pg_sqlite_migrate_core::advise::facts::{Facts, Flag, Searched, Times};

/// An index on an expression over the column, or whose condition names it, depends on it as well.
const COLUMNS: &str = "
    SELECT a.attrelid AS oid, a.attname AS name, format_type(a.atttypid, NULL) AS type_name,
           coalesce(i.searched, false) AS searched, coalesce(i.partial, false) AS partial, coalesce(i.brin, false) AS brin
    FROM pg_attribute a
    LEFT JOIN LATERAL (SELECT bool_or(m.amname IN ('gin', 'gist')) AS searched, bool_or(i.indpred IS NOT NULL) AS partial,
                              bool_or(m.amname = 'brin') AS brin
                       FROM pg_depend d JOIN pg_index i ON i.indexrelid = d.objid
                       JOIN pg_class x ON x.oid = i.indexrelid JOIN pg_am m ON m.oid = x.relam
                       WHERE d.classid = 'pg_class'::regclass AND d.refclassid = 'pg_class'::regclass
                         AND d.refobjid = a.attrelid AND d.refobjsubid = a.attnum) AS i ON true
    WHERE a.attrelid = ANY ($1) AND a.attnum > 0 AND NOT a.attisdropped
      AND a.atttypid IN ('jsonb'::regtype, 'tsvector'::regtype, 'bool'::regtype, 'date'::regtype, 'timestamp'::regtype,
                         'timestamptz'::regtype)
    ORDER BY a.attrelid, a.attnum";

/// The common values of a boolean column are `{f,t}`, `{t,f}`, or one of them.
const STATISTICS: &str = "
    SELECT schemaname AS schema, tablename AS table, attname AS name, avg_width::bigint AS width,
           coalesce(correlation, 0)::float8 AS correlation, left(most_common_vals::text, 5) AS common,
           coalesce(most_common_freqs, '{}')::float8[] AS shares
    FROM pg_stats WHERE schemaname = ANY ($1) AND NOT inherited";

struct Statistics {
    width: Option<u64>,
    correlation: f64,
    common: Option<String>,
    shares: Vec<f64>,
}

/// Puts the columns among the facts.
pub fn read(found: &Found, facts: &mut Facts) {
    let statistics = statistics(found);
    let columns = spi::rows(COLUMNS, &[found.oids.as_slice().into()], |row| Column {
        table: found.place(row),
        name: row.get("name"),
        type_name: row.get("type_name"),
        searched: row.get("searched"),
        partial: row.get("partial"),
        brin: row.get("brin"),
    });
    for column in columns {
        let Some(table) = found.tables.get(column.table) else { continue };
        let known = statistics.get(&(table.schema.clone(), table.name.clone(), column.name.clone()));
        column.put(known, facts);
    }
}

fn statistics(found: &Found) -> HashMap<(String, String, String), Statistics> {
    let mut schemas: Vec<String> = found.tables.iter().map(|table| table.schema.clone()).collect();
    schemas.dedup();
    let known = spi::rows(STATISTICS, &[schemas.as_slice().into()], |row| {
        let statistics = Statistics {
            width: row.get("width"),
            correlation: row.get("correlation"),
            common: row.get("common"),
            shares: row.get("shares"),
        };
        ((row.get("schema"), row.get("table"), row.get("name")), statistics)
    });
    known.into_iter().collect()
}

struct Column {
    table: usize,
    name: String,
    type_name: String,
    searched: bool,
    partial: bool,
    brin: bool,
}

impl Column {
    fn put(self, known: Option<&Statistics>, facts: &mut Facts) {
        let (table, column) = (self.table, self.name);
        match (self.type_name.as_str(), known) {
            ("jsonb" | "tsvector", _) if self.searched => {}
            ("jsonb" | "tsvector", known) => {
                let width = known.and_then(|known| known.width);
                facts.searched.push(Searched { table, column, type_name: self.type_name, width });
            }
            ("boolean", Some(known)) if !self.partial => {
                let (truths, falsehoods) = (known.share("t"), known.share("f"));
                facts.flags.push(Flag { table, column, truths, falsehoods });
            }
            ("boolean", _) => {}
            (_, known) => {
                let correlation = known.map_or(0.0, |known| known.correlation);
                facts.times.push(Times { table, column, correlation, brin: self.brin });
            }
        }
    }
}

impl Statistics {
    /// Of the rows that have a value; none of one that is not common.
    fn share(&self, value: &str) -> f64 {
        let common = self.common.as_deref().unwrap_or_default().trim_matches(['{', '}']);
        let at = common.split(',').position(|common| common == value);
        at.and_then(|at| self.shares.get(at)).copied().unwrap_or(0.0)
    }
}
