//! Sequences owned by columns: moved past the highest value that is stored, never back.

use std::ops::RangeInclusive;

use pgrx::pg_sys;

use crate::pg::settings::LocalSettings;
use crate::pg::{citus, reading, relation, spi};
use pg_sqlite_migrate_core::plan::CITUS_WORKERS_FROM;

/// A sequence and what became of it. Values are those before the next one to be handed out; `None` before the first.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Reset {
    pub schema: String,
    pub table: String,
    pub column: String,
    pub sequence: String,
    pub old_value: Option<i64>,
    pub new_value: Option<i64>,
    /// Why the column was not looked at.
    pub detail: Option<String>,
}

/// Serial (deptype a) and identity (i) columns whose sequence the caller may move. Other types than numbers have no
/// max(), another order, or casts of their owner's that would run with our rights.
///
/// Materialized, because the privilege functions raise an error for anything that is no sequence.
const OWNED: &str = "
    WITH owned AS MATERIALIZED (
        SELECT tn.nspname::text AS schema, t.oid AS t, t.relname::text AS relation, a.attnum,
               a.attname::text AS attribute, sn.nspname::text AS sequence_schema, s.oid AS s,
               s.relname::text AS sequence, q.seqincrement, q.seqmin, q.seqmax,
               COALESCE(NULLIF(y.typbasetype, 0), y.oid)
                   IN ('int2'::regtype, 'int4'::regtype, 'int8'::regtype, 'numeric'::regtype) AS counts,
               format_type(a.atttypid, a.atttypmod) AS type
        FROM pg_sequence q
        JOIN pg_class s ON s.oid = q.seqrelid
        JOIN pg_namespace sn ON sn.oid = s.relnamespace
        JOIN pg_depend d ON d.objid = s.oid
        JOIN pg_class t ON t.oid = d.refobjid AND t.relkind IN ('r', 'p', 'f')
        JOIN pg_namespace tn ON tn.oid = t.relnamespace
        JOIN pg_attribute a ON a.attrelid = t.oid AND a.attnum = d.refobjsubid
        JOIN pg_type y ON y.oid = a.atttypid
        WHERE d.classid = 'pg_class'::regclass AND d.refclassid = 'pg_class'::regclass
          AND d.deptype IN ('a', 'i') AND d.refobjsubid > 0
          AND CASE WHEN $1 IS NULL
                   THEN tn.nspname NOT IN ('pg_catalog', 'information_schema', 'sqlite_migrate')
                   ELSE tn.nspname = $1 END
          AND NOT pg_is_other_temp_schema(tn.oid))
    SELECT schema, relation, attribute, sequence_schema, sequence, seqincrement::text, seqmin::text, seqmax::text,
           t::bigint::text, s::bigint::text,
           CASE WHEN NOT counts THEN 'its type is ' || type
                WHEN NOT has_column_privilege(t, attnum, 'SELECT') THEN 'permission denied' END
    FROM owned
    WHERE has_sequence_privilege(s, 'UPDATE') AND has_sequence_privilege(s, 'SELECT')
    ORDER BY schema, relation, attnum";

/// Moves every owned sequence of a schema, or of all of them. One whose column cannot be looked at keeps none of the
/// others from it.
pub fn reset(schema: Option<&str>) -> Vec<Reset> {
    let settings = LocalSettings::safe_search_path();
    settings.refuse_views();
    spi::rows(OWNED, &[schema]).into_iter().filter_map(reset_one).collect()
}

/// How a sequence counts.
struct Way {
    step: i64,
    range: RangeInclusive<i64>,
}

impl Way {
    /// The values that this node gives out: Citus' workers have ranges of their own further up.
    fn own_range(&self, relation: pg_sys::Oid) -> RangeInclusive<i64> {
        let (least, most) = (*self.range.start(), *self.range.end());
        match self.step > 0 && citus::holds(relation) {
            true => least..=most.min(CITUS_WORKERS_FROM - 1),
            false => least..=most,
        }
    }
}

/// Where a sequence stands: at the last value that it gave, or (not called) at the next that it gives.
struct Stand {
    value: i64,
    called: bool,
}

impl Stand {
    /// Of a sequence that is held.
    fn of(sequence: pg_sys::Oid) -> Option<Stand> {
        const NAME: &str = "SELECT format('%I.%I', n.nspname, s.relname)
            FROM pg_class s JOIN pg_namespace n ON n.oid = s.relnamespace WHERE s.oid = $1::oid";
        let sequence = spi::value(NAME, &[Some(&sequence.to_u32().to_string())])?;
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

fn reset_one(row: spi::TextRow) -> Option<Reset> {
    let [schema, table, column, sequence_schema, sequence, step, min, max, relation, counter, refused] =
        row.try_into().ok()?;
    let (schema, table, column) = (schema?, table?, column?);
    let (sequence_schema, sequence) = (sequence_schema?, sequence?);
    let way = Way { step: step?.parse().ok()?, range: min?.parse().ok()?..=max?.parse().ok()? };
    let (relation, counter) = (spi::oid_of(&relation?), spi::oid_of(&counter?));
    relation::hold(counter);
    let stand = Stand::of(counter);
    let used = match refused {
        _ if stand.is_none() => Err("its sequence is gone".into()),
        Some(reason) => Err(reason),
        None => reading::furthest(relation, &column, way.step > 0, &way.own_range(relation)),
    };
    let detail = used.as_ref().err().map(|reason| format!("not looked at: {reason}"));
    let used = used.ok().flatten();
    let moved = used.filter(|used| stand.as_ref().is_some_and(|stand| stand.is_behind(*used, &way)));
    if let Some(value) = moved {
        spi::value(&format!("SELECT setval({}::oid::regclass, {value}, true)::text", counter.to_u32()), &[]);
    }
    let old_value = stand.and_then(|stand| stand.before_next(&way));
    let sequence = format!("{sequence_schema}.{sequence}");
    Some(Reset { schema, table, column, sequence, old_value, new_value: moved.or(old_value), detail })
}
