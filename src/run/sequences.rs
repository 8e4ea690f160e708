//! Sequences owned by columns: moved past the highest value that is stored, never back.

use std::ops::RangeInclusive;

use crate::pg::settings::LocalSettings;
use crate::pg::spi;
use crate::sqltext::{ident, literal, qualified};

/// A sequence and what became of it. Values are those that were handed out last; `None` when none was yet.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Reset {
    pub schema: String,
    pub table: String,
    pub column: String,
    pub sequence: String,
    pub old_value: Option<i64>,
    pub new_value: Option<i64>,
}

/// Serial (deptype a) and identity (i) columns of ordinary and partitioned tables that the caller may move.
///
/// Materialized, because the privilege functions raise an error for anything that is no sequence.
const OWNED: &str = "
    WITH owned AS MATERIALIZED (
        SELECT tn.nspname::text AS schema, t.oid AS t, t.relname::text AS relation, a.attnum,
               a.attname::text AS attribute, sn.nspname::text AS sequence_schema, s.oid AS s,
               s.relname::text AS sequence, q.seqincrement > 0 AS ascending, q.seqmin, q.seqmax
        FROM pg_sequence q
        JOIN pg_class s ON s.oid = q.seqrelid
        JOIN pg_namespace sn ON sn.oid = s.relnamespace
        JOIN pg_depend d ON d.objid = s.oid
        JOIN pg_class t ON t.oid = d.refobjid AND t.relkind IN ('r', 'p')
        JOIN pg_namespace tn ON tn.oid = t.relnamespace
        JOIN pg_attribute a ON a.attrelid = t.oid AND a.attnum = d.refobjsubid
        JOIN pg_type y ON y.oid = a.atttypid
        WHERE d.classid = 'pg_class'::regclass AND d.refclassid = 'pg_class'::regclass
          AND d.deptype IN ('a', 'i') AND d.refobjsubid > 0
          AND CASE WHEN $1 IS NULL
                   THEN tn.nspname NOT IN ('pg_catalog', 'information_schema', 'sqlite_migrate')
                   ELSE tn.nspname = $1 END
          AND NOT pg_is_other_temp_schema(tn.oid)
          -- Other types have no max(), another order, or casts of their owner's that would run with our rights.
          AND COALESCE(NULLIF(y.typbasetype, 0), y.oid)
              IN ('int2'::regtype, 'int4'::regtype, 'int8'::regtype, 'numeric'::regtype))
    SELECT schema, relation, attribute, sequence_schema, sequence, ascending::text, seqmin::text, seqmax::text
    FROM owned
    WHERE has_sequence_privilege(s, 'UPDATE') AND has_sequence_privilege(s, 'SELECT')
      AND has_column_privilege(t, attnum, 'SELECT')
    ORDER BY schema, relation, attnum";

/// Moves every owned sequence of a schema, or of all of them.
pub fn reset(schema: Option<&str>) -> Vec<Reset> {
    let settings = LocalSettings::safe_search_path();
    settings.refuse_views();
    spi::rows(OWNED, &[schema])
        .into_iter()
        .filter_map(|row| {
            let fields: Vec<String> = row.into_iter().flatten().collect();
            let [schema, table, column, sequence_schema, sequence, ascending, min, max] =
                fields.try_into().ok()?;
            let range = min.parse().ok()?..=max.parse().ok()?;
            let ascending = ascending == "true";
            Some(reset_one((schema, table, column), (&sequence_schema, &sequence), ascending, range))
        })
        .collect()
}

fn reset_one(
    (schema, table, column): (String, String, String),
    (sequence_schema, sequence): (&str, &str),
    ascending: bool,
    range: RangeInclusive<i64>,
) -> Reset {
    let name = qualified(sequence_schema, sequence);
    let old = last_value(&name);
    let stored = furthest(&qualified(&schema, &table), &ident(&column), ascending, range);
    let beyond = |old: i64, stored: i64| if ascending { stored > old } else { stored < old };
    let moved = match (old, stored) {
        (Some(old), Some(stored)) if beyond(old, stored) => Some(stored),
        (None, stored) => stored,
        _ => None,
    };
    if let Some(value) = moved {
        spi::value(&format!("SELECT setval({}::regclass, {value}, true)::text", literal(&name)), &[]);
    }
    let sequence = format!("{sequence_schema}.{sequence}");
    Reset { schema, table, column, sequence, old_value: old, new_value: moved.or(old) }
}

/// The stored value furthest along the sequence's way, of those that it can reach: a negative one, or one
/// beyond its type, does not move it.
fn furthest(table: &str, column: &str, ascending: bool, range: RangeInclusive<i64>) -> Option<i64> {
    let (whole, extreme) = if ascending { ("ceil", "max") } else { ("floor", "min") };
    let (least, greatest) = range.into_inner();
    let sql = format!(
        "SELECT {whole}({extreme}({column}::numeric)
                        FILTER (WHERE {column}::numeric BETWEEN {least} AND {greatest}))::text
         FROM {table}"
    );
    spi::value(&sql, &[])?.parse().ok()
}

fn last_value(sequence: &str) -> Option<i64> {
    let sql = format!("SELECT last_value::text FROM {sequence} WHERE is_called");
    spi::value(&sql, &[]).and_then(|v| v.parse().ok())
}
