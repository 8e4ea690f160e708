//! What a run reports of itself, and what it leaves in the run log.

use pgrx::pg_sys;

use super::{Run, loads};
use crate::import::definitions;
use crate::import::log::{self, TableRecord};
use crate::import::result::{Status, TableResult};
use crate::pg::relation;
use pg_sqlite_migrate_core::finding::Finding;
use pg_sqlite_migrate_core::plan::Phase;
use pg_sqlite_migrate_core::progress::{self, Totals};
use pg_sqlite_migrate_core::shorten;

impl Run<'_> {
    pub(super) fn totals(&self) -> Totals {
        let of = |status| self.results.iter().filter(move |result| result.status == status);
        let rows = |count: fn(&TableResult) -> i64| of(Status::Loaded).map(count).sum::<i64>().unsigned_abs();
        Totals {
            tables: of(Status::Loaded).count() as u64,
            rows: rows(|result| result.imported + result.updated),
            rejected: rows(|result| result.rejected),
            failed: of(Status::Failed).count() as u64,
        }
    }

    /// The table that was there before the run and was loaded.
    fn existing(&self, result: &TableResult) -> Option<pg_sys::Oid> {
        let mut loads = loads(self.planned);
        let existed = loads.any(|spec| Some(spec.id) == result.id && spec.existing.is_some());
        existed.then(|| relation::find(&result.schema, &result.table)).flatten()
    }

    /// Where the run has failed.
    pub(super) fn summary(&self) -> String {
        let (phase, title) = self.done.last().map_or((Phase::Plan, ""), |last| (last.phase, &*last.title));
        progress::failed(phase, &shorten::text(title), self.done.loaded(), self.done.elapsed())
    }

    pub(super) fn record(&mut self) {
        for (i, result) in self.results.iter().enumerate() {
            let detail = result.detail_text();
            let record = TableRecord {
                ordinal: i as i32 + 1,
                source: &result.source,
                schema: &result.schema,
                target: &result.table,
                rows_before: result.rows_before,
                source_rows: result.source_rows,
                imported: result.imported,
                updated: result.updated,
                skipped: result.skipped,
                rejected: result.rejected,
                countable: result.countable,
                seconds: result.seconds,
                load_seconds: result.load_seconds,
                status: result.status.as_str(),
                detail: detail.as_deref(),
                became: result.became_json(),
                existing: self.existing(result),
                irreversible: result
                    .id
                    .and_then(|id| self.planned.table(id))
                    .and_then(|table| table.irreversible),
            };
            log::table(self.id, &record);
        }
        log::steps(self.id, self.done.list(), |id| self.planned.table(id).map(|table| &*table.source));
        self.before.iter().for_each(|before| before.record(self.id));
        let findings: Vec<Finding> = self.planned.findings.iter().chain(&self.findings).cloned().collect();
        log::finish(self.id, &findings, &definitions::of(self.planned, &self.results));
    }
}
