//! Before the move: what an import of a file would be, and of every file below a directory. Nothing is written but what a
//! measurement rolls back.

pub mod files;
mod rate;

use serde_json::Value;

use crate::error::Error;
use crate::import::survey::{self, Survey, on_thread};
use crate::pg::{page, spi};
use crate::sqlite;
use pg_sqlite_migrate_core::assess::{self, Assessment, Facts, Rate, Server};
use pg_sqlite_migrate_core::plan::Planned;

/// Makes the plan, as an import would, and says what it costs.
pub fn assess(path: Option<&str>, plan: Option<Value>) -> Result<Assessment, Error> {
    Ok(assess_with_plan(path, plan)?.0)
}

/// The same, with the complete plan.
pub fn assess_with_plan(path: Option<&str>, plan: Option<Value>) -> Result<(Assessment, Value), Error> {
    let mut survey = survey::survey(path, plan)?;
    let planned = survey::planned(&mut survey)?;
    let read_seconds = survey.steps.elapsed().as_secs_f64();
    let rows = rows(&mut survey, &planned)?;
    let rate = rate::of(&mut survey, &planned, &rows)?;
    let assessment = of_survey(&survey, &planned, &rows, (read_seconds, rate));
    // An error may come of a file that was changed while it was read: that is the error then.
    survey.source.prove()?;
    Ok((assessment, planned.plan))
}

fn of_survey(
    survey: &Survey,
    planned: &Planned,
    rows: &[u64],
    (read_seconds, rate): (f64, Option<Rate>),
) -> Assessment {
    let facts = Facts {
        path: survey.source.path().display().to_string(),
        source: survey.facts(),
        rows,
        server: server(),
        read_seconds,
        rate,
    };
    assess::assess(facts, planned)
}

/// Rows of each table that a load would read: as the profile has counted them, or counted now.
fn rows(survey: &mut Survey, planned: &Planned) -> Result<Vec<u64>, Error> {
    let Survey { source, catalog, profiles, .. } = survey;
    let mut rows = vec![0; catalog.tables.len()];
    for (id, table) in catalog.tables_with_ids() {
        let Some(plan) = planned.table(id).filter(|plan| !plan.skipped) else { continue };
        let profile = profiles.get(id.index()).and_then(Option::as_ref);
        let counted = match profile.filter(|profile| !profile.sampled) {
            Some(profile) => profile.rows,
            None => on_thread(source, |s| sqlite::count(s, &table.name, plan.filter.as_deref()))?,
        };
        rows.get_mut(id.index()).into_iter().for_each(|rows| *rows = counted);
    }
    Ok(rows)
}

fn server() -> Server {
    const SETTINGS: &str = "
        SELECT CASE WHEN current_setting('wal_level') = 'minimal' THEN
                   (SELECT setting::bigint * 1024 FROM pg_settings WHERE name = 'wal_skip_threshold') END AS skips_wal_above,
               current_setting('max_locks_per_transaction')::bigint AS locks,
               current_setting('max_connections')::bigint
                   + coalesce(current_setting('autovacuum_worker_slots', true),
                              current_setting('autovacuum_max_workers'))::bigint
                   + current_setting('max_worker_processes')::bigint + current_setting('max_wal_senders')::bigint
                   + current_setting('max_prepared_transactions')::bigint + 1 AS holders";
    let read = |row: &spi::Row<'_>| {
        let (locks, holders) = (row.get::<u64>("locks"), row.get::<u64>("holders"));
        let skips_wal_above = row.get("skips_wal_above");
        Server { page: page::BLOCK, skips_wal_above, locks_per_transaction: locks, locks: locks * holders }
    };
    spi::row(SETTINGS, &[], read).unwrap_or_else(|| unreachable!("a SELECT without FROM has a row"))
}
