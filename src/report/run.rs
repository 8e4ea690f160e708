//! A report about a recorded run that the caller may see: what the views of the run log show him.
//!
//! Every query builds JSON with the members of the report's model, in which no setting of the session has a say: moments are
//! RFC 3339 in UTC, seconds are numeric.

use serde::de::DeserializeOwned;
use serde_json::Value;

use super::{one, render, server};
use crate::error::Error;
use crate::pg::spi::{self, Json};
use crate::verify::counts;
use pg_sqlite_migrate_core::report::{Facts, Format, Report};

/// The report of a run, of the caller's last one unless one is named.
pub fn report(run: Option<i64>, format: Format) -> Result<String, Error> {
    let run = counts::logged(run)?;
    let facts = facts(run).ok_or(Error::NoRun { run: Some(run) })?;
    Ok(render(&Report::Run(Box::new(facts.into())), format))
}

/// `None` where the run is gone meanwhile.
fn facts(run: i64) -> Option<Facts> {
    Some(Facts {
        server: server()?,
        run: one(RUN, &[run.into()])?,
        tables: all(TABLES, run),
        steps: all(STEPS, run),
        findings: all(FINDINGS, run),
        rejects: all(REJECTS, run),
        verification: all(VERIFICATION, run),
        plan: one(PLAN, &[run.into()]).unwrap_or(Value::Null),
    })
}

fn all<T: DeserializeOwned>(sql: &'static str, run: i64) -> Vec<T> {
    spi::rows(sql, &[run.into()], |row| row.only::<Json<T>>().0)
}

const RUN: &str = r#"
    SELECT json_build_object(
        'id', id, 'role', role, 'status', status, 'path', path, 'extension_version', extension_version, 'source', source,
        'started_at', to_char(started_at AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.MS"Z"'),
        'finished_at', to_char(finished_at AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.MS"Z"'),
        'seconds', round(extract(epoch FROM finished_at - started_at)::numeric, 6))
    FROM sqlite_migrate.run WHERE id = $1"#;

const PLAN: &str = "SELECT to_json(plan) FROM sqlite_migrate.run WHERE id = $1";

const TABLES: &str = "
    SELECT json_build_object(
        'source', source_table, 'schema', target_schema, 'table', target_table, 'status', status,
        'rows_before', rows_before, 'source_rows', source_rows, 'imported', imported, 'updated', updated,
        'skipped', skipped, 'rejected', rejected, 'seconds', round(seconds::numeric, 6),
        'load_seconds', round(load_seconds::numeric, 6), 'detail', detail)
    FROM sqlite_migrate.run_table WHERE run = $1 ORDER BY ordinal";

const STEPS: &str = "
    SELECT json_build_object(
        'phase', s.phase, 'table', s.source_table, 'title', s.title, 'seconds', round(s.seconds::numeric, 6),
        'started', round(extract(epoch FROM s.started_at - r.started_at)::numeric, 6), 'rows', s.rows, 'error', s.error)
    FROM sqlite_migrate.run_step s JOIN sqlite_migrate.run r ON r.id = s.run WHERE s.run = $1 ORDER BY s.ordinal";

const FINDINGS: &str = "
    SELECT json_build_object('severity', severity, 'kind', kind, 'object', object, 'message', message, 'hint', hint,
                             'fix', fix)
    FROM sqlite_migrate.finding WHERE run = $1 ORDER BY ordinal";

/// The first rows of each table, of which values are shown as far as a page has room.
const REJECTS: &str = r#"
    SELECT json_build_object('source', t.source_table, 'count', t.rejected, 'first', coalesce(first.rows, '[]'))
    FROM sqlite_migrate.run_table t,
         LATERAL (SELECT json_agg(json_build_object(
                      'row', coalesce('rowid ' || r.rowid::text, r.row_key), 'column', r.source_column, 'error', r.error,
                      'values', CASE WHEN length(r."values"::text) > 2000 THEN left(r."values"::text, 2000) || '...'
                                     ELSE r."values"::text END)
                      ORDER BY r.id)
                  FROM (SELECT * FROM sqlite_migrate.reject
                        WHERE run = $1 AND source_table = t.source_table ORDER BY id LIMIT 5) AS r) AS first (rows)
    WHERE t.run = $1 AND t.rejected > 0 ORDER BY t.ordinal"#;

const VERIFICATION: &str = r#"
    SELECT json_build_object(
        'kind', kind, 'verified_at', to_char(verified_at AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.MS"Z"'),
        'schema', target_schema, 'table', target_table, 'object', object, 'ok', ok, 'verdict', verdict,
        'detail', detail, 'counts', counts)
    FROM sqlite_migrate.verification WHERE run = $1
    ORDER BY array_position(ARRAY['values', 'counts', 'constraints', 'sequences'], kind), ok, target_schema, target_table, object"#;
