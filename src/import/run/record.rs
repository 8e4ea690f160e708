//! What a run reports of itself, and what it leaves in the run log.

use super::Run;
use crate::import::log::{self, TableRecord};
use crate::import::made;
use crate::import::result::{Status, TableResult};
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
            };
            log::table(self.id, &record);
        }
        log::steps(self.id, self.done.list(), |id| self.planned.table(id).map(|table| &*table.source));
        let findings: Vec<Finding> = self.planned.findings.iter().chain(&self.findings).cloned().collect();
        log::finish(self.id, &findings, &made::made(self.planned, &self.results));
    }
}
