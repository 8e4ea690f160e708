//! The page of running imports: the view `sqlite_migrate.progress`, and the runs that have ended last.

use super::server;
use crate::error::Error;
use crate::pg::spi::{self, Json};
use pg_sqlite_migrate_core::plan::PlanError;
use pg_sqlite_migrate_core::report::html;
use pg_sqlite_migrate_core::report::live::{Ended, Live, Running};

/// `refresh` is in seconds; the page stays as it is without one.
pub fn page(refresh: Option<i32>) -> Result<String, Error> {
    let refresh = u32::try_from(refresh.unwrap_or(0)).map_err(|_| {
        let (message, hint) = ("must not be negative", "Seconds, or 0 for a page that stays as it is.");
        Error::Plan(PlanError::Invalid { path: "refresh".into(), message: message.into(), hint: hint.into() })
    })?;
    let live = Live {
        server: server().unwrap_or_else(|| pgrx::error!("the current database is gone")),
        running: spi::rows(RUNNING, &[], |row| row.only::<Json<Running>>().0),
        ended: spi::rows(ENDED, &[], |row| row.only::<Json<Ended>>().0),
    };
    Ok(html::live(&live, Some(refresh).filter(|seconds| *seconds > 0)))
}

const RUNNING: &str = "
    SELECT json_build_object(
        'pid', pid, 'database', datname, 'run', run, 'phase', phase, 'step', step, 'steps', steps, 'title', title,
        'table_number', table_number, 'tables', tables, 'rows', tuples_processed, 'rows_total', tuples_total,
        'rows_per_second', tuples_per_second, 'blocks_done', blocks_done, 'blocks_total', blocks_total,
        'elapsed', round(extract(epoch FROM clock_timestamp() - query_start)::numeric, 3),
        'eta', round(extract(epoch FROM eta)::numeric, 3))
    FROM sqlite_migrate.progress ORDER BY query_start, pid";

const ENDED: &str = r#"
    SELECT json_build_object(
        'id', id, 'path', path, 'seconds', round(extract(epoch FROM finished_at - started_at)::numeric, 6),
        'finished_at', to_char(finished_at AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS"Z"'),
        'rows', (SELECT coalesce(sum(imported + updated), 0) FROM sqlite_migrate.run_table WHERE run = id))
    FROM (SELECT * FROM sqlite_migrate.run WHERE status = 'done' ORDER BY id DESC LIMIT 5) AS r"#;
