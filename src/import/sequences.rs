//! Sequences owned by columns: moved past the highest value that is stored, never back; and whether they are past it.

use std::collections::HashSet;
use std::ops::RangeInclusive;

use pgrx::pg_sys;
use serde_json::json;

use super::log::{self, Verification, VerificationRecord};
use crate::error::Error;
use crate::pg::settings::LocalSettings;
use crate::pg::spi::{self, Row};
use crate::pg::{citus, reading, relation};
use crate::verify::counts;
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

/// A sequence, and what the next row would get of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Next {
    pub schema: String,
    pub table: String,
    pub column: String,
    /// `None` where no sequence numbers the column any more.
    pub sequence: Option<String>,
    /// `None` where the sequence has no further number, or was not looked at.
    pub next_value: Option<i64>,
    /// The number in use that is the furthest on the sequence's way.
    pub furthest_value: Option<i64>,
    /// The next number is free, and so are those after it.
    pub ok: bool,
    pub detail: Option<String>,
}

/// Serial (deptype a) and identity (i) columns; with `$2` also those whose default takes numbers from a sequence. Other
/// types than numbers have no max(), another order, or casts of their owner's that would run with our rights.
///
/// Materialized, because the privilege functions raise an error for anything that is no sequence.
const NUMBERED: &str = "
    WITH used AS (
        SELECT d.objid AS sequence, d.refobjid AS relation, d.refobjsubid::integer AS attnum
        FROM pg_depend d
        WHERE d.classid = 'pg_class'::regclass AND d.refclassid = 'pg_class'::regclass
          AND d.deptype IN ('a', 'i') AND d.refobjsubid > 0
        UNION
        SELECT d.refobjid, e.adrelid, e.adnum::integer
        FROM pg_attrdef e
        JOIN pg_depend d ON d.classid = 'pg_attrdef'::regclass AND d.objid = e.oid
        WHERE $2 AND d.refclassid = 'pg_class'::regclass AND d.deptype = 'n'),
    owned AS MATERIALIZED (
        SELECT tn.nspname AS schema, t.oid AS t, t.relname AS relation, a.attnum, a.attname AS attribute,
               sn.nspname AS sequence_schema, s.oid AS s, s.relname AS sequence, q.seqincrement, q.seqmin, q.seqmax,
               COALESCE(NULLIF(y.typbasetype, 0), y.oid)
                   IN ('int2'::regtype, 'int4'::regtype, 'int8'::regtype, 'numeric'::regtype) AS counts,
               format_type(a.atttypid, a.atttypmod) AS type
        FROM pg_sequence q
        JOIN pg_class s ON s.oid = q.seqrelid
        JOIN pg_namespace sn ON sn.oid = s.relnamespace
        JOIN used ON used.sequence = s.oid
        JOIN pg_class t ON t.oid = used.relation AND t.relkind IN ('r', 'p', 'f')
        JOIN pg_namespace tn ON tn.oid = t.relnamespace
        JOIN pg_attribute a ON a.attrelid = t.oid AND a.attnum = used.attnum
        JOIN pg_type y ON y.oid = a.atttypid
        WHERE CASE WHEN $1 IS NULL
                   THEN tn.nspname NOT IN ('pg_catalog', 'information_schema', 'sqlite_migrate')
                   ELSE tn.nspname = $1 END
          AND NOT pg_is_other_temp_schema(tn.oid))
    SELECT schema, relation, attribute, sequence_schema, sequence, seqincrement, seqmin, seqmax, t, s,
           CASE WHEN NOT counts THEN 'its type is ' || type
                WHEN NOT has_column_privilege(t, attnum::smallint, 'SELECT') THEN 'permission denied' END AS refused,
           has_sequence_privilege(s, 'SELECT') AS readable,
           has_sequence_privilege(s, 'SELECT') AND has_sequence_privilege(s, 'UPDATE') AS movable
    FROM owned
    ORDER BY schema, relation, attnum";

/// Moves every owned sequence of a schema, or of all of them. One whose column cannot be looked at keeps none of the
/// others from it.
pub fn reset(schema: Option<&str>) -> Vec<Reset> {
    let settings = LocalSettings::safe_search_path();
    settings.refuse_views();
    let owned = spi::rows(NUMBERED, &[schema.into(), false.into()], Owned::of);
    owned.into_iter().filter(|owned| owned.movable).map(reset_one).collect()
}

/// The sequences of a run's tables, those first whose next number is not free. A column that the run has found or given a
/// sequence, and that has none any more, has a row too.
pub fn verify(run: Option<i64>) -> Result<Vec<Next>, Error> {
    let run = counts::recorded(run)?;
    const TABLES: &str =
        "SELECT DISTINCT target_schema AS schema, target_table AS name FROM sqlite_migrate.run_table
                          WHERE run = $1 AND status <> 'skipped'";
    let tables = spi::rows(TABLES, &[run.into()], |row| (row.get("schema"), row.get("name")));
    let tables: HashSet<(String, String)> = tables.into_iter().collect();
    let set = set_by(run);
    let settings = LocalSettings::safe_search_path();
    settings.refuse_views();
    let numbered = spi::rows(NUMBERED, &[None::<&str>.into(), true.into()], Owned::of);
    let of_run = |owned: &Owned| tables.contains(&(owned.schema.clone(), owned.table.clone()));
    let mut found: Vec<Next> = numbered.into_iter().filter(of_run).map(next).collect();
    let there: HashSet<_> =
        found.iter().map(|n| (n.schema.clone(), n.table.clone(), n.column.clone())).collect();
    found.extend(set.into_iter().filter(|column| !there.contains(column)).map(gone));
    // The run log is read through views.
    drop(settings);
    found.sort_by_key(|next| next.ok);
    let records: Vec<_> = found.iter().map(record).collect();
    log::verification(run, Verification::Sequences, &records);
    Ok(found)
}

/// Schema, table and column of every sequence that a run has set.
fn set_by(run: i64) -> Vec<(String, String, String)> {
    const SET: &str = "
        SELECT t.target_schema AS schema, t.target_table AS name,
               substr(s.title, length(of_table.title) + 1) AS column
        FROM sqlite_migrate.run_step s
        JOIN sqlite_migrate.run_table t ON t.run = s.run AND t.source_table = s.source_table AND t.status = 'loaded'
        CROSS JOIN LATERAL (
            SELECT 'reset sequence of ' || t.target_schema || '.' || t.target_table || '.') AS of_table (title)
        WHERE s.run = $1 AND s.phase = 'sequences' AND starts_with(s.title, of_table.title)
        ORDER BY s.ordinal";
    spi::rows(SET, &[run.into()], |row| (row.get("schema"), row.get("name"), row.get("column")))
}

/// A column that has lost its sequence, with its table or by itself.
fn gone((schema, table, column): (String, String, String)) -> Next {
    let detail = match relation::find(&schema, &table) {
        None => "the table does not exist any more",
        Some(relation) if !relation::attributes(relation).iter().any(|a| a.name == column) => {
            "the column does not exist any more"
        }
        Some(_) => "no sequence numbers the column any more",
    };
    let detail = Some(detail.to_owned());
    Next { schema, table, column, sequence: None, next_value: None, furthest_value: None, ok: false, detail }
}

fn record(next: &Next) -> VerificationRecord<'_> {
    VerificationRecord {
        schema: &next.schema,
        table: &next.table,
        object: Some(next.sequence.as_ref().unwrap_or(&next.column)),
        ok: next.ok,
        verdict: match (&next.sequence, &next.detail) {
            _ if next.ok => "free",
            (None, _) => "missing",
            (Some(_), Some(_)) => "not looked at",
            (Some(_), None) => "behind",
        },
        detail: next.detail.as_deref(),
        counts: json!({ "next_value": next.next_value, "furthest_value": next.furthest_value }),
    }
}

/// How a sequence counts.
struct Counting {
    step: i64,
    range: RangeInclusive<i64>,
}

impl Counting {
    /// The values that this node gives out: Citus' workers have ranges of their own further up.
    fn own_range(&self, relation: pg_sys::Oid) -> RangeInclusive<i64> {
        let (least, most) = (*self.range.start(), *self.range.end());
        match self.step > 0 && citus::holds(relation) {
            true => least..=most.min(CITUS_WORKERS_FROM - 1),
            false => least..=most,
        }
    }
}

/// Where a sequence is: at the last value that it gave, or (not called) at the next that it gives.
struct Position {
    value: i64,
    called: bool,
}

impl Position {
    /// Of a sequence that is held.
    fn of(sequence: pg_sys::Oid) -> Option<Position> {
        const NAME: &str = "SELECT format('%I.%I', n.nspname, s.relname)
            FROM pg_class s JOIN pg_namespace n ON n.oid = s.relnamespace WHERE s.oid = $1";
        let sequence: String = spi::value(NAME, &[sequence.into()])?;
        let sql = format!("SELECT last_value, is_called FROM {sequence}");
        spi::row(&sql, &[], |row| Position { value: row.get("last_value"), called: row.get("is_called") })
    }

    /// Whether a value in use is still to be handed out.
    fn is_behind(&self, used: i64, counting: &Counting) -> bool {
        (used == self.value && !self.called)
            || if counting.step > 0 { used > self.value } else { used < self.value }
    }

    /// The next number; `None` past the end of a sequence that does not begin again.
    fn next(&self, counting: &Counting) -> Option<i64> {
        let value = if self.called { self.value.checked_add(counting.step) } else { Some(self.value) };
        value.filter(|value| counting.range.contains(value))
    }

    fn before_next(&self, counting: &Counting) -> Option<i64> {
        let value = if self.called { Some(self.value) } else { self.value.checked_sub(counting.step) };
        value.filter(|value| counting.range.contains(value))
    }
}

/// A row of [`NUMBERED`].
struct Owned {
    schema: String,
    table: String,
    column: String,
    /// Schema and name.
    name: String,
    relation: pg_sys::Oid,
    sequence: pg_sys::Oid,
    counting: Counting,
    /// Why the column is not looked at.
    refused: Option<String>,
    /// The caller may see where the sequence is.
    readable: bool,
    /// The caller may set it.
    movable: bool,
}

impl Owned {
    fn of(row: &Row<'_>) -> Owned {
        let (schema, sequence): (String, String) = (row.get("sequence_schema"), row.get("sequence"));
        Owned {
            schema: row.get("schema"),
            table: row.get("relation"),
            column: row.get("attribute"),
            name: format!("{schema}.{sequence}"),
            relation: row.get("t"),
            sequence: row.get("s"),
            counting: Counting {
                step: row.get("seqincrement"),
                range: row.get("seqmin")..=row.get("seqmax"),
            },
            refused: row.get("refused"),
            readable: row.get("readable"),
            movable: row.get("movable"),
        }
    }

    /// Where the sequence is, and the furthest value in use.
    fn look(&self) -> (Option<Position>, Result<Option<i64>, String>) {
        if !self.readable {
            return (None, Err("permission denied".into()));
        }
        relation::hold(self.sequence);
        let position = Position::of(self.sequence);
        let (counting, refused) = (&self.counting, self.refused.clone());
        let used = match refused {
            _ if position.is_none() => Err("its sequence does not exist any more".into()),
            Some(reason) => Err(reason),
            None => {
                let range = counting.own_range(self.relation);
                reading::furthest(self.relation, &self.column, counting.step > 0, &range)
            }
        };
        (position, used)
    }
}

fn not_looked_at(used: &Result<Option<i64>, String>) -> Option<String> {
    used.as_ref().err().map(|reason| format!("not looked at: {reason}"))
}

fn next(owned: Owned) -> Next {
    let (position, used) = owned.look();
    let counting = &owned.counting;
    let behind = |position: &Position| match &used {
        Ok(Some(used)) => position.is_behind(*used, counting),
        Ok(None) => false,
        Err(_) => true,
    };
    let next_value = position.as_ref().and_then(|position| position.next(counting));
    let detail =
        not_looked_at(&used).or_else(|| next_value.is_none().then(|| "no further number".to_owned()));
    Next {
        ok: detail.is_none() && position.as_ref().is_some_and(|position| !behind(position)),
        schema: owned.schema,
        table: owned.table,
        column: owned.column,
        sequence: Some(owned.name),
        next_value,
        furthest_value: used.ok().flatten(),
        detail,
    }
}

fn reset_one(owned: Owned) -> Reset {
    let (position, used) = owned.look();
    let detail = not_looked_at(&used);
    let Owned { schema, table, column, name, sequence, counting, .. } = owned;
    let used = used.ok().flatten();
    let moved =
        used.filter(|used| position.as_ref().is_some_and(|position| position.is_behind(*used, &counting)));
    if let Some(value) = moved {
        spi::any("SELECT setval($1::regclass, $2, true)", &[sequence.into(), value.into()]);
    }
    let old_value = position.and_then(|position| position.before_next(&counting));
    Reset { schema, table, column, sequence: name, old_value, new_value: moved.or(old_value), detail }
}
