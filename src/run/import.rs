//! `sqlite_import`: walks the plan's steps inside the caller's transaction.

use std::time::Instant;

use pgrx::PgLogLevel;

use super::load::{self, Loaded, Place};
use super::log::{self, Rejects, TableRecord};
use super::orphans;
use super::survey::{self, Survey};
use super::target;
use super::transfer;
use crate::catalog::Table;
use crate::error::Error;
use crate::finding::{Cause, Finding, Severity};
use crate::pg::settings::LocalSettings;
use crate::pg::{interrupts, spi, xact};
use crate::plan::{Action, LoadSpec, OrphanSpec, Phase, Planned, Step, TablePlan};
use crate::sqlite;
use crate::sqltext::qualified;
use crate::verify::counts;

/// What became of one table: a row of `sqlite_import`'s result.
#[derive(Debug, Clone)]
pub struct TableResult {
    pub source: String,
    pub schema: String,
    pub table: String,
    /// Rows that the source has (after the plan's `where`), counted by SQLite.
    pub source_rows: Option<i64>,
    pub imported: i64,
    pub rejected: i64,
    /// Everything done for the table.
    pub seconds: f64,
    /// Of the load alone.
    pub load_seconds: f64,
    pub status: Status,
    pub detail: Vec<String>,
    rows_before: i64,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Status {
    Loaded,
    /// Left out, for the reason in the detail.
    Skipped,
    /// With `on_error: "continue"`: nothing of the table was kept.
    Failed,
}

impl Status {
    pub fn as_str(self) -> &'static str {
        match self {
            Status::Loaded => "loaded",
            Status::Skipped => "skipped",
            Status::Failed => "failed",
        }
    }
}

/// Imports a file; everything or nothing, unless the plan says `on_error: "continue"`.
pub fn import(path: Option<&str>, overrides: Option<serde_json::Value>) -> Result<Vec<TableResult>, Error> {
    let mut survey = survey::survey(path, overrides)?;
    let planned = survey::planned(&survey)?;
    stop_if_blocked(&mut survey, &planned)?;
    target::check_create(&planned)?;
    let run = log::start(&survey.source.path().display().to_string(), &planned.plan, &survey.catalog);
    let mut import = Import::new(run, &planned);
    import.leave_out_blocked();
    import.leave_out_broken(&survey);
    for step in &planned.steps {
        import.step(step, &mut survey)?;
    }
    if survey.needs.verify_counts {
        import.verify(&mut survey)?;
    }
    import.record(&planned.findings);
    Ok(import.results)
}

/// Stops before anything is written. With `on_error: "continue"` only for what is not about one table.
fn stop_if_blocked(survey: &mut Survey, planned: &Planned) -> Result<(), Error> {
    let go_on = !survey.needs.stop_on_error;
    let blocking: Vec<Finding> =
        blocking(&planned.findings).filter(|f| !(go_on && f.table.is_some())).cloned().collect();
    let Some(first) = blocking.first() else { return Ok(()) };
    if first.cause == Cause::Misfit {
        name_the_cell(survey, planned, first)?;
    }
    Err(Error::Blocked(blocking))
}

fn blocking(findings: &[Finding]) -> impl Iterator<Item = &Finding> {
    findings.iter().filter(|f| f.severity == Severity::Blocking)
}

/// A profile counts values that do not fit; whoever has to mend them wants to see one.
fn name_the_cell(survey: &mut Survey, planned: &Planned, finding: &Finding) -> Result<(), Error> {
    let loads = planned.steps.iter().filter_map(|s| match &s.action {
        Action::Load(spec) => Some(spec),
        _ => None,
    });
    let about = finding.table.as_deref();
    for spec in loads.filter(|spec| about == Some(spec.source.as_str())) {
        let rowid = rowid_name(survey, &spec.source);
        transfer::probe(&mut survey.source, spec, rowid)?;
    }
    Ok(())
}

/// A run under way.
struct Import<'a> {
    run: i64,
    planned: &'a Planned,
    results: Vec<TableResult>,
    findings: Vec<Finding>,
    loads_done: i64,
    rejects_settled: bool,
}

impl<'a> Import<'a> {
    fn new(run: i64, planned: &'a Planned) -> Import<'a> {
        let results = planned.tables.iter().map(TableResult::new).collect();
        Import { run, planned, results, findings: vec![], loads_done: 0, rejects_settled: false }
    }

    /// Tables that a blocking finding keeps out of a run that goes on. A key that the rows break costs only the
    /// key.
    fn leave_out_blocked(&mut self) {
        for finding in blocking(&self.planned.findings) {
            let at = self.planned.tables.iter().position(|t| Some(&t.source) == finding.table.as_ref());
            let Some(result) = at.and_then(|i| self.results.get_mut(i)) else { continue };
            result.detail.push(format!("{}: {}", finding.object, finding.message));
            if !finding.cause.costs_only_the_key() {
                result.status = Status::Failed;
            }
        }
    }

    /// Tables that could not even be profiled have no plan; their line says why.
    fn leave_out_broken(&mut self, survey: &Survey) {
        for problem in &survey.broken {
            let mut result = TableResult::new(&TablePlan {
                source: problem.object.clone(),
                target: problem.object.clone(),
                detail: vec![problem.reason.clone()],
                ..TablePlan::default()
            });
            result.status = Status::Failed;
            self.results.push(result);
        }
    }

    /// Does one step; with `on_error: "continue"` in a subtransaction of its own.
    fn step(&mut self, step: &Step, survey: &mut Survey) -> Result<(), Error> {
        if step.table.and_then(|t| self.results.get(t)).is_some_and(|r| r.status == Status::Failed) {
            return Ok(());
        }
        if matches!(step.action, Action::Orphans(_)) && !std::mem::replace(&mut self.rejects_settled, true) {
            self.guarded(step, survey, |import, _| import.settle_rejects())?;
        }
        let steps = match survey.needs.stop_on_error {
            true => vec![step],
            false => together(self.planned, step),
        };
        let start = Instant::now();
        let outcome = self.guarded(step, survey, |import, survey| {
            steps.iter().try_for_each(|step| import.act(step, survey))
        });
        if let Some(result) = step.table.and_then(|t| self.results.get_mut(t)) {
            result.seconds += start.elapsed().as_secs_f64();
        }
        outcome
    }

    /// Runs `f`; if the run goes on after errors, in a subtransaction, and an error is noted instead of returned.
    fn guarded(
        &mut self,
        step: &Step,
        survey: &mut Survey,
        f: impl FnOnce(&mut Self, &mut Survey) -> Result<(), Error>,
    ) -> Result<(), Error> {
        if survey.needs.stop_on_error || step.phase == Phase::Before {
            return f(self, survey);
        }
        let outcome = match xact::attempt(|| f(self, survey)) {
            Ok(outcome) => outcome,
            Err(caught) => Err(Error::Server { sqlstate: caught.sqlstate, message: caught.message }),
        };
        if let Err(error) = outcome {
            self.failed(step, &error);
        }
        Ok(())
    }

    fn act(&mut self, step: &Step, survey: &mut Survey) -> Result<(), Error> {
        match &step.action {
            Action::Sql(sql) => {
                // The user's own statements see the caller's search path, and so do the index expressions that
                // ANALYZE evaluates; ours see only pg_catalog.
                let own = matches!(step.phase, Phase::Before | Phase::Analyze | Phase::After);
                let _path = (!own).then(LocalSettings::safe_search_path);
                spi::execute(sql);
                Ok(())
            }
            Action::Load(spec) => self.load(step, spec, survey),
            Action::Orphans(spec) => {
                let nulled = orphans::settle(spec)?;
                let result = step.table.and_then(|t| self.results.get_mut(t));
                if let Some(result) = result.filter(|_| nulled > 0) {
                    let columns = spec.columns.join(", ");
                    result.detail.push(format!("{columns} became NULL in {nulled} rows without a parent"));
                }
                Ok(())
            }
        }
    }

    fn load(&mut self, step: &Step, spec: &LoadSpec, survey: &mut Survey) -> Result<(), Error> {
        self.loads_done += 1;
        let place = Place {
            rejects: Rejects { run: self.run },
            table_number: self.loads_done,
            tables: self.loads(),
            rows_expected: expected_rows(survey, &spec.source),
            rowid: rowid_name(survey, &spec.source),
        };
        if spec.staged {
            let _path = LocalSettings::safe_search_path();
            target::lock(&spec.schema, &spec.target);
        }
        let rows_before = rows(&spec.schema, &spec.target, spec.staged);
        let start = Instant::now();
        let loaded = load::load(&mut survey.source, spec, place)?;
        let seconds = start.elapsed().as_secs_f64();
        if let Some(result) = step.table.and_then(|t| self.results.get_mut(t)) {
            result.note(loaded, rows_before, seconds);
        }
        let message = format!(
            "{}: {} rows in {seconds:.2} s ({} of {})",
            qualified(&spec.schema, &spec.target),
            loaded.rows,
            place.table_number,
            place.tables
        );
        interrupts::tell(PgLogLevel::NOTICE, &message);
        Ok(())
    }

    fn loads(&self) -> i64 {
        self.planned.steps.iter().filter(|s| matches!(s.action, Action::Load(_))).count() as i64
    }

    /// Removes rows without a parent, for all keys at once: removing a row can orphan another table's.
    fn settle_rejects(&mut self) -> Result<(), Error> {
        let specs: Vec<&OrphanSpec> = self.planned.steps.iter().filter_map(|s| self.orphans(s)).collect();
        for removed in orphans::settle_rejects(&specs, self.run) {
            let mut results = self.results.iter_mut();
            if let Some(r) = results.find(|r| r.schema == removed.schema && r.table == removed.table) {
                r.imported -= removed.rows as i64;
                r.rejected += removed.rows as i64;
                r.detail.push(format!("{} rows without a parent were rejected", removed.rows));
            }
        }
        Ok(())
    }

    /// The orphan question of a step, if both of its tables are there.
    fn orphans<'s>(&self, step: &'s Step) -> Option<&'s OrphanSpec> {
        let Action::Orphans(spec) = &step.action else { return None };
        let failed = |schema: &str, table: &str| {
            self.results.iter().any(|r| r.schema == schema && r.table == table && r.status == Status::Failed)
        };
        let gone = failed(&spec.schema, &spec.table) || failed(&spec.parent_schema, &spec.parent);
        (!gone).then_some(spec)
    }

    /// Notes a failed step; its effects are rolled back already.
    fn failed(&mut self, step: &Step, error: &Error) {
        let message = format!("{} failed: {}", step.title, error.one_line());
        interrupts::tell(PgLogLevel::WARNING, &message);
        self.findings.push(Finding::warning(step.title.clone(), error.one_line(), ""));
        let Some(result) = step.table.and_then(|t| self.results.get_mut(t)) else { return };
        result.detail.push(message);
        if step.phase <= Phase::Load {
            *result = TableResult { status: Status::Failed, imported: 0, rejected: 0, ..result.clone() };
        }
    }

    /// Counts both sides of every table; a difference rolls the run back.
    fn verify(&mut self, survey: &mut Survey) -> Result<(), Error> {
        let tables = self.planned.tables.iter().zip(&mut self.results);
        let loaded: Vec<_> = tables.filter(|(_, result)| result.status == Status::Loaded).collect();
        let asked: Vec<&TablePlan> = loaded.iter().map(|(table, _)| *table).collect();
        let source_rows: Vec<u64> = survey::on_thread(&mut survey.source, |source| {
            asked.iter().map(|t| sqlite::count(source, &t.source, t.filter.as_deref())).collect()
        })?;
        for ((table, result), source_rows) in loaded.into_iter().zip(source_rows) {
            let source_rows = source_rows as i64;
            result.source_rows = Some(source_rows);
            let target_rows = rows(&table.schema, &table.target, true);
            if target_rows != counts::expected(result.rows_before, source_rows, result.rejected) {
                return Err(Error::Counts {
                    table: table.source.clone(),
                    rows_source: source_rows,
                    rows_target: target_rows,
                    rejected: result.rejected,
                });
            }
        }
        Ok(())
    }

    fn record(&mut self, planned: &[Finding]) {
        for (i, result) in self.results.iter().enumerate() {
            let detail = result.detail.join("; ");
            log::table(
                self.run,
                &TableRecord {
                    ordinal: i + 1,
                    source: &result.source,
                    schema: &result.schema,
                    target: &result.table,
                    rows_before: result.rows_before,
                    source_rows: result.source_rows,
                    imported: result.imported,
                    rejected: result.rejected,
                    seconds: result.seconds,
                    load_seconds: result.load_seconds,
                    status: result.status.as_str(),
                    detail: (!detail.is_empty()).then_some(detail.as_str()),
                },
            );
        }
        let findings: Vec<Finding> = planned.iter().chain(&self.findings).cloned().collect();
        log::finish(self.run, &findings);
    }
}

/// The steps that stand or fall with `step` in a run that goes on: a table is cleared, made and loaded in one
/// subtransaction, so that one that cannot be loaded keeps what it had.
fn together<'a>(planned: &'a Planned, step: &'a Step) -> Vec<&'a Step> {
    match (step.phase, step.table) {
        (Phase::Tables, Some(_)) => vec![],
        (Phase::Load, Some(_)) => {
            let own = |s: &&Step| s.phase == Phase::Tables && s.table == step.table;
            planned.steps.iter().filter(own).chain([step]).collect()
        }
        _ => vec![step],
    }
}

impl TableResult {
    fn new(table: &TablePlan) -> TableResult {
        TableResult {
            source: table.source.clone(),
            schema: table.schema.clone(),
            table: table.target.clone(),
            source_rows: None,
            imported: 0,
            rejected: 0,
            seconds: 0.0,
            load_seconds: 0.0,
            status: if table.skipped { Status::Skipped } else { Status::Loaded },
            detail: table.detail.clone(),
            rows_before: 0,
        }
    }

    fn note(&mut self, loaded: Loaded, rows_before: i64, load_seconds: f64) {
        self.rows_before = rows_before;
        self.imported = loaded.rows as i64;
        self.rejected = loaded.rejected as i64;
        self.load_seconds = load_seconds;
        if loaded.nulled > 0 {
            self.detail.push(format!("{} values became NULL because they did not fit", loaded.nulled));
        }
    }

    /// Of the load alone; `None` when it was too short to say.
    pub fn rows_per_second(&self) -> Option<f64> {
        (self.load_seconds > 0.0).then(|| (self.imported as f64 / self.load_seconds).round())
    }
}

fn rowid_name(survey: &Survey, table: &str) -> Option<&'static str> {
    survey.catalog.table(table).and_then(Table::rowid_name)
}

fn expected_rows(survey: &Survey, table: &str) -> i64 {
    let position = survey.catalog.tables.iter().position(|t| t.name.eq_ignore_ascii_case(table));
    let profile = position.and_then(|i| survey.profiles.get(i)).and_then(Option::as_ref);
    profile.filter(|p| !p.sampled).map_or(0, |p| p.rows as i64)
}

/// Rows that a relation holds now; 0 for one that this run has made.
fn rows(schema: &str, table: &str, existed: bool) -> i64 {
    if !existed {
        return 0;
    }
    let _path = LocalSettings::safe_search_path();
    spi::number(&format!("SELECT count(*)::text FROM {}", qualified(schema, table)), &[])
}
