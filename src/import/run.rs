//! `sqlite_import`: does the plan's steps, one after the other, inside the caller's transaction.

mod blocked;
mod known;
mod record;
mod without;

use std::borrow::Cow;
use std::convert::Infallible;
use std::time::Instant;

use pgrx::PgLogLevel;

use self::blocked::{blocking, stop_if_blocked};
use self::known::{cut, expected_rows, rowid_name};
use super::backup::{self, Backed};
use super::load::key_maps::KeyMaps;
use super::load::triggers::{self, DisabledTriggers};
use super::load::{self, Loaded, Place};
use super::log::{self, Rejects};
use super::made::{Before, By};
use super::notices::Notices;
use super::orphans::{OrphanChecks, Work};
use super::result::{Status, TableResult};
use super::steps::Steps;
use super::survey::{self, Survey};
use super::{broken, existing, validity, values, verification};
use crate::error::Error;
use crate::pg::activity::Activity;
use crate::pg::settings::LocalSettings;
use crate::pg::{citus, import_lock, interrupts, raised, spi, xact};
use pg_sqlite_migrate_core::catalog::TableId;
use pg_sqlite_migrate_core::finding::{Finding, Kind, counted};
use pg_sqlite_migrate_core::plan::given::index_build::IndexBuild;
use pg_sqlite_migrate_core::plan::{Action, LoadSpec, Needs, Phase, Planned, Step, TablePlan};
use pg_sqlite_migrate_core::progress;
use pg_sqlite_migrate_core::sqltext::qualified;

/// Imports a file; everything or nothing, unless the plan says `on_error: "continue"`. `manifest` makes that of a copy which
/// the plan asks for.
pub fn import(
    path: Option<&str>,
    overrides: Option<serde_json::Value>,
    manifest: MakeManifest,
) -> Result<Vec<TableResult>, Error> {
    xact::refuse_read_only(c"sqlite_import()");
    let _mode = citus::one_by_one();
    let _shown = Activity::begin();
    let mut backed = None;
    let mut survey = survey::survey_after(path, overrides, |needs, steps, source| {
        if let Some(to) = needs.backup.take() {
            let copied = steps.time(Phase::Open, "copy the file", || backup::in_place_of(source, &to))?;
            backed = Some((copied, manifest));
        }
        begin(needs, steps);
        Ok(())
    })?;
    let imported = run(&mut survey, backed);
    // An error may come of a file that was changed while it was read: that is the error then.
    survey.source.prove()?;
    imported
}

/// Reads what a plan makes of a file.
pub type MakeManifest = fn(&mut Survey, &Planned) -> Result<serde_json::Value, Error>;

/// What comes before the first look at the target: others' imports into its schemas end, and `before` makes what the
/// plan is to see. An error there ends the import, whatever `on_error` says.
fn begin(needs: &mut Needs, steps: &mut Steps<'static>) {
    steps.start(Phase::Before, "take the import lock", None);
    import_lock::take(&needs.schemas);
    steps.end(None);
    // They see the caller's search path.
    for (i, sql) in std::mem::take(&mut needs.before).into_iter().enumerate() {
        steps.start(Phase::Before, format!("before {}", i + 1), Some(Cow::Owned(sql.clone())));
        let rows = spi::execute(&sql);
        steps.end(Some(rows));
    }
}

fn run(survey: &mut Survey, backed: Option<(Backed, MakeManifest)>) -> Result<Vec<TableResult>, Error> {
    survey.steps.start(Phase::Plan, "make the plan", None);
    let planned = survey::planned(survey)?;
    survey.steps.end(None);
    stop_if_blocked(survey, &planned)?;
    existing::check_create(&planned)?;
    let backup = backed.map(|(backed, manifest)| -> Result<_, Error> {
        let mut json = backed.json();
        json["manifest"] = manifest(survey, &planned)?;
        Ok(json)
    });
    let backup = backup.transpose()?;
    let read = (&survey.catalog, &*survey.profiles);
    let id = log::start(&survey.source, &planned.plan, read, backup, &survey.steps);
    let mut run = Run::new(id, survey, &planned);
    // The log of a run that fails is rolled back with it: the error reports how far it was.
    match raised::hold_apart(|| run.all()) {
        Ok(Ok(())) => Ok(run.results),
        Ok(Err(error)) => Err(Error::InRun { error: Box::new(error), summary: run.summary() }),
        Err(raised) => raised.go_on(&run.summary()),
    }
}

fn loads(planned: &Planned) -> impl Iterator<Item = &LoadSpec> {
    planned.steps.iter().filter_map(|step| match &step.action {
        Action::Load(spec) => Some(&**spec),
        _ => None,
    })
}

/// A run under way.
struct Run<'a> {
    id: i64,
    survey: &'a mut Survey,
    planned: &'a Planned,
    /// One per table of the plan, in its order; then those that could not be planned.
    results: Vec<TableResult>,
    /// What only the run could find.
    findings: Vec<Finding>,
    /// What was done, in its order.
    done: Steps<'a>,
    notices: Notices,
    steps_begun: usize,
    loads_begun: usize,
    orphans: OrphanChecks<'a>,
    maps: KeyMaps,
    /// Triggers that stay disabled until the loads are done, after which deferred constraints of their tables are checked.
    disabled: Vec<DisabledTriggers>,
    /// The titles of the steps that have made nothing.
    unmade: Vec<&'a str>,
    /// What was there before, and what is there since.
    before: Option<Before>,
}

impl<'a> Run<'a> {
    fn new(id: i64, survey: &'a mut Survey, planned: &'a Planned) -> Run<'a> {
        let mut done = std::mem::replace(&mut survey.steps, Steps::begin());
        done.run = Some(id);
        let notices = Notices::new(survey.needs.notices, done.begun());
        Run {
            id,
            survey,
            planned,
            done,
            notices,
            steps_begun: 0,
            results: planned.tables.iter().map(TableResult::new).collect(),
            findings: vec![],
            loads_begun: 0,
            orphans: OrphanChecks::of(planned),
            maps: KeyMaps::default(),
            disabled: vec![],
            unmade: vec![],
            before: None,
        }
    }

    fn all(&mut self) -> Result<(), Error> {
        let planned = self.planned;
        let counts = planned.tables.iter().any(|table| table.verify.counts());
        let (own, after) = planned.steps.split_at(planned.steps.partition_point(|s| s.phase < Phase::After));
        self.leave_out_blocked();
        self.leave_out_broken();
        let mut before = Before::of(planned);
        {
            // The user's last statements run as the session is.
            let index_build = self.survey.overrides.index_build.iter().flat_map(IndexBuild::settings);
            let _given = LocalSettings::all(index_build);
            self.steps(own)?;
        }
        self.maps.end();
        if counts {
            let (survey, results) = (&mut *self.survey, &mut self.results);
            let count = || verification::count(survey, planned, results);
            self.done.time(Phase::Verify, "count the rows", count)?;
            let judged = |spec: &&LoadSpec| planned.table(spec.id).is_some_and(|table| table.verify.counts());
            let columns = validity::columns(loads(planned).filter(judged));
            if !columns.is_empty() {
                let results = &mut self.results;
                let judge = || Ok::<_, Error>(validity::count(&columns, results));
                let found = self.done.time(Phase::Verify, "count the invalid geometries", judge)?;
                self.findings.extend(found);
            }
        }
        if planned.tables.iter().any(|table| table.verify.compares(1).is_some()) {
            let (survey, id, results) = (&mut *self.survey, self.id, &mut self.results);
            let prove = || values::prove(survey, planned, id, &self.notices, results);
            self.done.time(Phase::Verify, "compare the values", prove)?;
        }
        before.observe(By::Run);
        self.steps(after)?;
        before.observe(By::After);
        self.before = Some(before);
        if counts && !after.is_empty() {
            let count = || verification::count_again(planned, &self.results);
            self.done.time(Phase::Verify, "count the rows again", count)?;
        }
        self.results.iter_mut().for_each(TableResult::conclude);
        self.record();
        if self.notices.end() {
            let message = progress::finished(self.totals(), &self.done.spent(), self.done.elapsed());
            interrupts::tell(PgLogLevel::NOTICE, &message);
        }
        Ok(())
    }

    /// Tables that a blocking finding keeps out of a run that goes on. A key that the rows break costs only the
    /// key.
    fn leave_out_blocked(&mut self) {
        for finding in blocking(&self.planned.findings) {
            let Some(table) = finding.table.and_then(|id| self.planned.table(id)) else { continue };
            let Some(result) = self.results.iter_mut().find(|r| r.id == Some(table.id)) else { continue };
            result.detail.push(format!("{}: {}", finding.object, finding.message));
            if !finding.kind.costs_only_the_key() {
                result.status = Status::Failed;
                self.orphans.leave_out((&table.schema, &table.target));
            }
        }
    }

    /// Tables that could not even be profiled have no plan; their line says why.
    fn leave_out_broken(&mut self) {
        for table in &self.survey.broken {
            let Some(id) = self.survey.catalog.id(&table.object) else { continue };
            let (name, why) = (table.object.clone(), table.message.clone());
            let mut result =
                TableResult::new(&TablePlan::left_out(id, &table.object, String::new(), name, why));
            result.status = Status::Failed;
            self.results.push(result);
        }
    }

    /// With `on_error: "continue"`, a table is cleared and created with its load, so that one that cannot be loaded keeps
    /// what it had.
    fn steps(&mut self, steps: &'a [Step]) -> Result<(), Error> {
        for step in steps {
            self.steps_begun += 1;
            if step.phase > Phase::Load {
                self.restore_triggers();
            }
            let with_its_load = self.goes_on() && step.phase == Phase::Tables && step.table.is_some();
            let failed = self.result(step.table).is_some_and(|r| r.status == Status::Failed);
            match &step.action {
                _ if failed || step.phase == Phase::Before => {}
                _ if self.leave_out_trigger(step) => {}
                Action::Sql(_) if with_its_load => {}
                // A view is not made over functions of somebody else, whatever else goes on.
                Action::Sql(sql) if step.phase == Phase::Helpers => self.execute(step, sql)?,
                Action::Sql(sql) => self.attempt(Attempted::from(step), |run| run.execute(step, sql))?,
                Action::Load(spec) => {
                    self.attempt(Attempted::from(step), |run| run.load(step, spec))?;
                    self.resolve_orphans()?;
                }
                // The loads that complete its tables have made the check.
                Action::Orphans(_) => {}
            }
        }
        self.restore_triggers();
        Ok(())
    }

    fn goes_on(&self) -> bool {
        !self.survey.needs.stop_on_error
    }

    fn result(&mut self, table: Option<TableId>) -> Option<&mut TableResult> {
        let id = table?;
        self.results.iter_mut().find(|result| result.id == Some(id))
    }

    /// Triggers that had to stay disabled until the loads were done.
    fn restore_triggers(&mut self) {
        self.disabled.drain(..).for_each(DisabledTriggers::restore);
    }

    /// Runs `f`; if the run goes on after errors, in a subtransaction, and an error is reported instead of returned.
    fn attempt(
        &mut self,
        what: Attempted<'a>,
        f: impl FnOnce(&mut Self) -> Result<(), Error>,
    ) -> Result<(), Error> {
        let start = Instant::now();
        let outcome = if self.goes_on() { self.attempt_apart(&what, f) } else { f(self) };
        if let Some(result) = self.result(what.table) {
            result.seconds += start.elapsed().as_secs_f64();
        }
        outcome
    }

    fn attempt_apart(
        &mut self,
        what: &Attempted<'a>,
        f: impl FnOnce(&mut Self) -> Result<(), Error>,
    ) -> Result<(), Error> {
        let before = self.results.clone();
        let outcome = match xact::attempt(|| f(self)) {
            Ok(outcome) => outcome,
            Err(caught) => Err(caught.into()),
        };
        let Err(error) = outcome else { return Ok(()) };
        self.results = before;
        let message = format!("{} failed: {}", what.title, error.one_line());
        interrupts::tell(PgLogLevel::WARNING, &message);
        self.done.fail(&error.one_line());
        self.unmade.push(what.title);
        self.findings.push(Kind::StepFailed.warning(what.title, error.one_line()));
        let Some(result) = self.result(what.table) else { return Ok(()) };
        result.detail.push(message);
        if what.loads {
            result.fail();
            let (schema, table) = (result.schema.clone(), result.table.clone());
            self.orphans.leave_out((&schema, &table));
        }
        Ok(())
    }

    /// The user's own statements see the caller's search path, and so do the index expressions that ANALYZE evaluates;
    /// ours see only pg_catalog.
    fn execute(&mut self, step: &'a Step, sql: &'a str) -> Result<(), Error> {
        self.begin(step, Some(sql));
        let rows = self.statement(step, sql)?;
        // What a statement of our own processes is not about rows that the user knows.
        self.done.end(Some(rows).filter(|_| step.phase == Phase::After));
        Ok(())
    }

    fn begin(&mut self, step: &'a Step, sql: Option<&'a str>) {
        let steps = self.planned.steps.len();
        self.notices.step(&step.title, self.steps_begun, steps);
        self.done.of_plan = Some((self.steps_begun, steps));
        self.done.start_step(step, sql);
    }

    fn statement(&mut self, step: &'a Step, sql: &str) -> Result<u64, Error> {
        let own = self.planned.view(step).is_some_and(|view| view.own)
            || self.planned.trigger(step).is_some_and(|trigger| trigger.is_own());
        let callers = own || matches!(step.phase, Phase::Analyze | Phase::After);
        let _path = (!callers).then(LocalSettings::safe_search_path);
        if let Some(built) = &step.built {
            let built_it = xact::attempt(|| -> Result<u64, Infallible> { Ok(spi::execute(sql)) });
            return match built_it {
                Ok(Ok(rows)) => Ok(rows),
                Err(caught) => Err(broken::statement(self.survey, built, caught)?),
            };
        }
        match step.phase {
            Phase::Views => self.make_view(step, sql),
            Phase::Triggers => self.make_trigger(step, sql),
            Phase::Sequences => {
                let _apart = citus::sequences_apart();
                Ok(spi::execute(sql))
            }
            // Citus refuses it for some of its tables once the transaction has used them on this node.
            Phase::Analyze if citus::is_installed() => {
                let analyzed = xact::attempt(|| -> Result<u64, Infallible> { Ok(spi::execute(sql)) });
                if let (Err(caught), Some(result)) = (analyzed, self.result(step.table)) {
                    let note = format!("was not analyzed, run ANALYZE after COMMIT: {}", caught.message);
                    result.detail.push(note);
                }
                Ok(0)
            }
            _ => Ok(spi::execute(sql)),
        }
    }

    fn load(&mut self, step: &'a Step, spec: &'a LoadSpec) -> Result<(), Error> {
        let (planned, table) = (self.planned, (spec.schema.as_str(), spec.target.as_str()));
        if self.goes_on() {
            for step in planned.steps.iter().filter(|s| s.phase == Phase::Tables && s.table == step.table) {
                if let Action::Sql(sql) = &step.action {
                    self.execute(step, sql)?;
                }
            }
        }
        self.begin(step, None);
        self.loads_begun += 1;
        self.orphans.load_begins(table);
        let recovery = self.survey.recovery(&spec.source);
        let place = Place {
            rejects: Rejects { run: self.id },
            notices: &self.notices,
            table_number: self.loads_begun as i64,
            tables: loads(planned).count() as i64,
            rows_expected: expected_rows(self.survey, &spec.source),
            cut: cut(self.survey, &spec.source),
            rowid: rowid_name(self.survey, &spec.source),
            recovery: recovery.as_ref(),
            orphans: &self.orphans,
            maps: &self.maps,
            counted: planned.table(spec.id).is_none_or(|table| table.verify.counts()),
            undo: self.survey.overrides.undo == Some(true),
        };
        let start = Instant::now();
        let mut loaded = match load::load(&mut self.survey.source, spec, place) {
            Ok(loaded) => loaded,
            Err(error) => return Err(broken::load(self.survey, spec, error)?),
        };
        if self.goes_on() && loaded.disabled.is_some() && !self.orphans.any_parents_to_come(table) {
            // What breaks a deferred constraint is to cost this table only, not the run at its end.
            triggers::check_deferred(&spec.schema, &spec.target)?;
        }
        let seconds = start.elapsed().as_secs_f64();
        let rows = loaded.imported + loaded.updated;
        let message = format!(
            "{}: {} in {seconds:.2} s ({} of {})",
            qualified(&spec.schema, &spec.target),
            counted(rows, "row", "rows"),
            place.table_number,
            place.tables
        );
        self.maps.loaded(spec.id, loaded.key_map.take());
        self.orphans.loaded(table, loaded.rows.clone(), loaded.enforced);
        self.take_over(step, loaded, seconds);
        self.done.end(Some(rows));
        if self.notices.tables() {
            interrupts::tell(PgLogLevel::NOTICE, &message);
        }
        Ok(())
    }

    fn take_over(&mut self, step: &Step, mut loaded: Loaded, seconds: f64) {
        self.disabled.extend(loaded.disabled.take());
        for finding in loaded.findings.drain(..) {
            interrupts::tell(PgLogLevel::WARNING, &format!("{}: {}", finding.object, finding.message));
            loaded.notes.push(finding.message.clone());
            self.findings.push(finding);
        }
        if let Some(result) = self.result(step.table) {
            result.note(loaded, seconds);
        }
    }

    /// Makes the orphan checks that the last load has made possible.
    fn resolve_orphans(&mut self) -> Result<(), Error> {
        for task in self.orphans.ready() {
            let what = Attempted { title: task.title, table: task.table, loads: false };
            self.attempt(what, |run| {
                run.notices.step(task.title, run.steps_begun, run.planned.steps.len());
                run.done.start(Phase::ForeignKeys, task.title, None);
                run.done.concerns(task.table);
                let rejected = run.resolve(task.table, &task.work)?;
                run.done.end(rejected);
                Ok(())
            })?;
        }
        Ok(())
    }

    /// Gives the number of rows that it rejects, if it does.
    fn resolve(&mut self, table: Option<TableId>, work: &Work<'_>) -> Result<Option<u64>, Error> {
        match work {
            Work::Refuse(spec) => self.orphans.refuse(spec)?,
            Work::Reject(specs) => {
                let removed = self.orphans.reject(specs, Rejects { run: self.id })?;
                let rejected = removed.iter().map(|removed| removed.rows).sum();
                for removed in removed {
                    let mut results = self.results.iter_mut();
                    let of = results.find(|r| r.schema == removed.schema && r.table == removed.table);
                    of.into_iter().for_each(|result| result.lose(removed.rows));
                }
                return Ok(Some(rejected));
            }
            Work::Nullify(specs) => {
                let Some(first) = specs.first() else { return Ok(None) };
                // These rows are updated; triggers of the table's have no part in a load.
                let disabled = triggers::disable(&first.schema, &first.table);
                let told = self.orphans.nullify(specs);
                self.disabled.extend(disabled.restore_unless_waiting());
                if let Some(result) = self.result(table) {
                    result.detail.extend(told.notes);
                    result.became.extend(told.columns);
                }
            }
        }
        Ok(None)
    }
}

/// What is done in one subtransaction in a run that goes on.
struct Attempted<'a> {
    title: &'a str,
    table: Option<TableId>,
    /// Without it there are no rows.
    loads: bool,
}

impl<'a> From<&'a Step> for Attempted<'a> {
    fn from(step: &'a Step) -> Attempted<'a> {
        Attempted { title: &step.title, table: step.table, loads: step.phase <= Phase::Load }
    }
}
