//! Sequences owned by columns: moved past the highest value that is stored, never back.

use std::ops::RangeInclusive;

use crate::pg::settings::LocalSettings;
use crate::pg::spi;
use crate::sqltext::{ident, literal, qualified};

/// A sequence and what became of it. Values are those before the next one to be handed out; `None` before the first.
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
               s.relname::text AS sequence, q.seqincrement, q.seqmin, q.seqmax
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
    SELECT schema, relation, attribute, sequence_schema, sequence, seqincrement::text, seqmin::text, seqmax::text
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
            let [schema, table, column, sequence_schema, sequence, step, min, max] =
                fields.try_into().ok()?;
            let way = Way { step: step.parse().ok()?, range: min.parse().ok()?..=max.parse().ok()? };
            Some(reset_one((schema, table, column), (&sequence_schema, &sequence), &way))
        })
        .collect()
}

/// How a sequence counts.
struct Way {
    step: i64,
    range: RangeInclusive<i64>,
}

/// Where a sequence stands: at the last value that it gave, or (not called) at the next that it gives.
struct Stand {
    value: i64,
    called: bool,
}

impl Stand {
    fn of(sequence: &str) -> Option<Stand> {
        let row =
            spi::rows(&format!("SELECT last_value::text, is_called::text FROM {sequence}"), &[]).pop()?;
        let [value, called] = row.try_into().ok()?;
        Some(Stand { value: value?.parse().ok()?, called: called? == "true" })
    }

    /// Whether a value in use is still to be handed out.
    fn is_behind(&self, used: i64, way: &Way) -> bool {
        (used == self.value && !self.called)
            || if way.step > 0 { used > self.value } else { used < self.value }
    }

    fn before_next(&self, way: &Way) -> Option<i64> {
        let value = if self.called { Some(self.value) } else { self.value.checked_sub(way.step) };
        value.filter(|value| way.range.contains(value))
    }
}

fn reset_one(
    (schema, table, column): (String, String, String),
    (sequence_schema, sequence): (&str, &str),
    way: &Way,
) -> Reset {
    let name = qualified(sequence_schema, sequence);
    let stand = Stand::of(&name);
    let used = furthest(&qualified(&schema, &table), &ident(&column), way);
    let moved = used.filter(|used| stand.as_ref().is_some_and(|stand| stand.is_behind(*used, way)));
    if let Some(value) = moved {
        spi::value(&format!("SELECT setval({}::regclass, {value}, true)::text", literal(&name)), &[]);
    }
    let old_value = stand.and_then(|stand| stand.before_next(way));
    let sequence = format!("{sequence_schema}.{sequence}");
    Reset { schema, table, column, sequence, old_value, new_value: moved.or(old_value) }
}

/// The stored value furthest along the sequence's way, of those that it can reach: a negative one, or one
/// beyond its type, does not move it.
fn furthest(table: &str, column: &str, way: &Way) -> Option<i64> {
    let (whole, extreme) = if way.step > 0 { ("ceil", "max") } else { ("floor", "min") };
    let (least, greatest) = (way.range.start(), way.range.end());
    let sql = format!(
        "SELECT {whole}({extreme}({column}::numeric)
                        FILTER (WHERE {column}::numeric BETWEEN {least} AND {greatest}))::text
         FROM {table}"
    );
    spi::value(&sql, &[])?.parse().ok()
}
