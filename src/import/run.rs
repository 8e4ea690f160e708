//! `sqlite_import`: walks the plan's steps inside the caller's transaction.

use std::convert::Infallible;
use std::time::Instant;

use pgrx::{PgLogLevel, PgSqlErrorCode};

use super::existing;
use super::load::transfer;
use super::load::triggers;
use super::load::triggers::DisabledTriggers;
use super::load::{self, Place};
use super::log::{self, Rejects, TableRecord};
use super::orphans::{self, OrphanQuery};
use super::result::{Status, TableResult};
use super::survey::{self, Survey};
use crate::error::{Changer, Error};
use crate::pg::settings::LocalSettings;
use crate::pg::{citus, import_lock, interrupts, relation, spi, xact};
use crate::sqlite;
use crate::verify::counts;
use pg_sqlite_migrate_core::catalog::Table;
use pg_sqlite_migrate_core::finding::{Cause, Finding, Severity};
use pg_sqlite_migrate_core::plan::{
    Action, LoadSpec, Needs, OrphanSpec, Orphans, Phase, Planned, Step, TablePlan,
};
use pg_sqlite_migrate_core::sqltext::qualified;

/// Imports a file; everything or nothing, unless the plan says `on_error: "continue"`.
pub fn import(path: Option<&str>, overrides: Option<serde_json::Value>) -> Result<Vec<TableResult>, Error> {
    xact::refuse_read_only(c"sqlite_import()");
    let _mode = citus::one_by_one();
    let mut survey = survey::survey_after(path, overrides, begin)?;
    let imported = run(&mut survey);
    // An error may come of a file that was changed while it was read: that is the error then.
    survey.source.prove()?;
    imported
}

/// What comes before the first look at the target: others' imports into its schemas end, and `before` makes what the
/// plan is to see. An error there ends the import, whatever `on_error` says.
fn begin(needs: &mut Needs) {
    import_lock::take(&needs.schemas);
    // They see the caller's search path.
    for sql in std::mem::take(&mut needs.before) {
        spi::execute(&sql);
    }
}

fn run(survey: &mut Survey) -> Result<Vec<TableResult>, Error> {
    let planned = survey::planned(survey)?;
    stop_if_blocked(survey, &planned)?;
    existing::check_create(&planned)?;
    let run = log::start(
        &survey.source.path().display().to_string(),
        &planned.plan,
        &survey.catalog,
        survey.check_seconds,
    );
    let mut import = Import::new(run, &planned);
    import.leave_out_blocked();
    import.leave_out_broken(survey);
    // `before` has been run.
    let steps = planned.steps.iter().filter(|step| step.phase != Phase::Before);
    let (last, own): (Vec<&Step>, Vec<&Step>) = steps.partition(|step| step.phase == Phase::After);
    for step in own {
        if step.phase > Phase::Load {
            import.restore_triggers();
        }
        import.step(step, survey)?;
    }
    import.restore_triggers();
    if survey.needs.verify_counts {
        import.verify(survey)?;
    }
    for step in &last {
        import.step(step, survey)?;
    }
    if survey.needs.verify_counts && !last.is_empty() {
        import.verify_again()?;
    }
    import.results.iter_mut().for_each(TableResult::conclude);
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
    loads_done: usize,
    rejects_settled: bool,
    quiet: Vec<DisabledTriggers>,
}

impl<'a> Import<'a> {
    fn new(run: i64, planned: &'a Planned) -> Import<'a> {
        let results = planned.tables.iter().map(TableResult::new).collect();
        Import {
            run,
            planned,
            results,
            findings: vec![],
            loads_done: 0,
            rejects_settled: false,
            quiet: vec![],
        }
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
        if survey.needs.stop_on_error {
            return f(self, survey);
        }
        let before = self.results.clone();
        let outcome = match xact::attempt(|| f(self, survey)) {
            Ok(outcome) => outcome,
            Err(caught) => Err(caught.into()),
        };
        if let Err(error) = outcome {
            self.results = before;
            self.failed(step, &error);
        }
        Ok(())
    }

    fn act(&mut self, step: &Step, survey: &mut Survey) -> Result<(), Error> {
        match &step.action {
            Action::Sql(sql) => {
                // The user's own statements see the caller's search path, and so do the index expressions that
                // ANALYZE evaluates; ours see only pg_catalog.
                let own = matches!(step.phase, Phase::Analyze | Phase::After);
                let _path = (!own).then(LocalSettings::safe_search_path);
                match step.phase {
                    Phase::Sequences => {
                        let _apart = citus::sequences_apart();
                        spi::execute(sql);
                    }
                    Phase::Analyze if citus::is_installed() => self.analyze(step, sql),
                    _ => _ = spi::execute(sql),
                }
                Ok(())
            }
            Action::Load(spec) => self.load(step, spec, survey),
            Action::Orphans(spec) => self.settle(step, spec),
        }
    }

    /// Citus refuses it for some of its tables once the transaction has used them on this node.
    fn analyze(&mut self, step: &Step, sql: &str) {
        let Err(caught) = xact::attempt(|| -> Result<u64, Infallible> { Ok(spi::execute(sql)) }) else {
            return;
        };
        if let Some(result) = step.table.and_then(|t| self.results.get_mut(t)) {
            result.detail.push(format!("was not analyzed, run ANALYZE after COMMIT: {}", caught.message));
        }
    }

    fn load(&mut self, step: &Step, spec: &LoadSpec, survey: &mut Survey) -> Result<(), Error> {
        self.loads_done += 1;
        let to_come: Vec<(&str, &str)> = self.loads().skip(self.loads_done).collect();
        let detour = survey.detour(&spec.source);
        let place = Place {
            rejects: Rejects { run: self.run },
            table_number: self.loads_done as i64,
            tables: self.loads().count() as i64,
            rows_expected: expected_rows(survey, &spec.source),
            rowid: rowid_name(survey, &spec.source),
            detour: detour.as_ref(),
            to_come: &to_come,
            parents_to_come: self.parents_to_come(&to_come),
            counted: survey.needs.verify_counts,
        };
        let start = Instant::now();
        let mut loaded = load::load(&mut survey.source, spec, place)?;
        self.quiet.extend(loaded.quiet.take());
        for finding in loaded.findings.drain(..) {
            interrupts::tell(PgLogLevel::WARNING, &format!("{}: {}", finding.object, finding.message));
            loaded.notes.push(finding.message.clone());
            self.findings.push(finding);
        }
        let seconds = start.elapsed().as_secs_f64();
        let message = format!(
            "{}: {} rows in {seconds:.2} s ({} of {})",
            qualified(&spec.schema, &spec.target),
            loaded.imported + loaded.updated,
            place.table_number,
            place.tables
        );
        if let Some(result) = step.table.and_then(|t| self.results.get_mut(t)) {
            result.note(loaded, seconds);
        }
        self.settle_loaded(spec, &to_come);
        interrupts::tell(PgLogLevel::NOTICE, &message);
        Ok(())
    }

    /// Removes rows without a parent from a table that was there before, unless the parents are still to come: the
    /// tables that follow may have a foreign key that looks for theirs there.
    fn settle_loaded(&mut self, spec: &LoadSpec, to_come: &[(&str, &str)]) {
        let specs = spec.existing.iter().flat_map(|into| &into.orphans).filter(|s| {
            s.policy == Orphans::Reject && !to_come.contains(&(s.parent_schema.as_str(), s.parent.as_str()))
        });
        let checked = self.result(&spec.schema, &spec.target).is_some_and(|r| r.checked);
        let hold = |s: &&OrphanSpec| orphans::hold_parents(s);
        let questions: Vec<_> = specs.filter(|_| !checked).inspect(hold).map(|s| self.question(s)).collect();
        self.reject(&questions);
    }

    /// About the rows that the load of the table has written.
    fn question<'s>(&self, spec: &'s OrphanSpec) -> OrphanQuery<'s> {
        let result = self.result(&spec.schema, &spec.table);
        OrphanQuery::of_table(spec, result.and_then(|r| r.loaded_rows.as_ref()))
    }

    fn result(&self, schema: &str, table: &str) -> Option<&TableResult> {
        self.results.iter().find(|r| r.schema == schema && r.table == table)
    }

    /// A foreign key of a table that is loaded by now, or now, points to one that is still to come.
    fn parents_to_come(&self, to_come: &[(&str, &str)]) -> bool {
        self.planned.orphans().any(|spec| {
            to_come.contains(&(spec.parent_schema.as_str(), spec.parent.as_str()))
                && !to_come.contains(&(spec.schema.as_str(), spec.table.as_str()))
        })
    }

    /// Triggers that had to stay disabled until the parents of their tables' rows were there.
    fn restore_triggers(&mut self) {
        self.quiet.drain(..).for_each(DisabledTriggers::restore);
    }

    /// The tables that are loaded, in order.
    fn loads(&self) -> impl Iterator<Item = (&'a str, &'a str)> + use<'a> {
        self.planned.steps.iter().filter_map(|s| match &s.action {
            Action::Load(spec) => Some((spec.schema.as_str(), spec.target.as_str())),
            _ => None,
        })
    }

    /// Removes rows without a parent, for all keys at once: removing a row can orphan another table's.
    fn settle_rejects(&mut self) -> Result<(), Error> {
        let specs: Vec<&OrphanSpec> =
            self.planned.steps.iter().filter_map(|s| self.open_question(s)).collect();
        specs.iter().for_each(|s| orphans::hold_parents(s));
        let rejecting = specs.into_iter().filter(|s| s.policy == Orphans::Reject);
        let questions: Vec<OrphanQuery<'_>> = rejecting.map(|s| self.question(s)).collect();
        let poorer = self.reject(&questions);
        // What has come through an INSERT has found its parent, which may be gone by now.
        let lost = |s: &OrphanSpec| poorer.iter().any(|r| r.schema == s.parent_schema && r.table == s.parent);
        let checked = |s: &OrphanSpec| self.result(&s.schema, &s.table).is_some_and(|r| r.checked);
        let mut specs = self.planned.orphans().filter(|s| lost(s) && checked(s));
        specs.try_for_each(|s| self.question(s).refuse())
    }

    /// Removes rows without a parent, and says so in the results.
    fn reject(&mut self, questions: &[OrphanQuery<'_>]) -> Vec<orphans::Removed> {
        let all = orphans::settle_rejects(questions, Rejects { run: self.run });
        for removed in &all {
            let mut results = self.results.iter_mut();
            if let Some(r) = results.find(|r| r.schema == removed.schema && r.table == removed.table) {
                r.lose(removed.rows);
            }
        }
        all
    }

    fn settle(&mut self, step: &Step, spec: &OrphanSpec) -> Result<(), Error> {
        match spec.policy {
            _ if self.open_question(step).is_none() => Ok(()),
            Orphans::Error => self.question(spec).refuse(),
            Orphans::Null => {
                self.nullify(step, spec);
                Ok(())
            }
            Orphans::Reject | Orphans::Keep => Ok(()),
        }
    }

    /// Sets all keys of the table to NULL that have no parent, when the first of them has its turn.
    fn nullify(&mut self, step: &Step, spec: &OrphanSpec) {
        let planned = self.planned;
        let of_table = planned.steps.iter().filter(|s| s.table == step.table);
        let specs = of_table.filter_map(|s| self.open_question(s)).filter(|s| s.policy == Orphans::Null);
        let questions: Vec<OrphanQuery<'_>> = specs.map(|s| self.question(s)).collect();
        if !questions.first().is_some_and(|first| first.spec == spec) {
            return;
        }
        // These rows are updated; triggers of the table's have no part in a load.
        let quiet = triggers::disable(&spec.schema, &spec.table);
        let nulled = orphans::nullify(&questions);
        quiet.restore();
        if let (Some(nulled), Some(result)) = (nulled, step.table.and_then(|t| self.results.get_mut(t))) {
            let notes = questions.iter().zip(&nulled.rows);
            result.detail.extend(notes.filter_map(|(question, rows)| question.nulled(*rows)));
            result.loaded_rows.iter_mut().for_each(|loaded_rows| loaded_rows.also_by(nulled.by));
        }
    }

    /// The orphan question of a step, if both of its tables are there and nobody has asked it yet: a foreign key
    /// that was in place has seen the rows that came through an INSERT.
    fn open_question<'s>(&self, step: &'s Step) -> Option<&'s OrphanSpec> {
        let Action::Orphans(spec) = &step.action else { return None };
        let failed = |schema, table| self.result(schema, table).is_some_and(|r| r.status == Status::Failed);
        let gone = failed(&spec.schema, &spec.table) || failed(&spec.parent_schema, &spec.parent);
        let asked = self.result(&spec.schema, &spec.table).is_some_and(|r| r.checked);
        (!gone && !asked).then_some(spec)
    }

    /// Notes a failed step; its effects are rolled back already.
    fn failed(&mut self, step: &Step, error: &Error) {
        let message = format!("{} failed: {}", step.title, error.one_line());
        interrupts::tell(PgLogLevel::WARNING, &message);
        self.findings.push(Finding::warning(step.title.clone(), error.one_line(), ""));
        let Some(result) = step.table.and_then(|t| self.results.get_mut(t)) else { return };
        result.detail.push(message);
        if step.phase <= Phase::Load {
            result.fail();
        }
    }

    /// Counts both sides of every table; a difference rolls the run back.
    fn verify(&mut self, survey: &mut Survey) -> Result<(), Error> {
        let tables = self.planned.tables.iter().zip(&mut self.results);
        let loaded: Vec<_> = tables.filter(|(_, result)| result.status == Status::Loaded).collect();
        let asked: Vec<&TablePlan> = loaded.iter().map(|(table, _)| *table).collect();
        // How many rows a damaged table has nobody can tell.
        let damage = &survey.damage;
        let source_rows: Vec<Option<u64>> = survey::on_thread(&mut survey.source, |source| {
            let count = |t: &&TablePlan| match damage.of(&t.source) {
                Some(_) => Ok(None),
                None => sqlite::count(source, &t.source, t.filter.as_deref()).map(Some),
            };
            asked.iter().map(count).collect()
        })?;
        for ((table, result), source_rows) in loaded.into_iter().zip(source_rows) {
            result.source_rows = source_rows.map(|n| n as i64);
            let source_rows = result.source_rows.unwrap_or_else(|| result.accounted());
            let expected = result.rows_before + result.imported;
            let target_rows = match result.countable {
                true => count(table, Changer::Triggers)?,
                false => expected,
            };
            if target_rows != expected && triggers::may_fire(&self.planned.tables) {
                return Err(changed(table, Some((expected, target_rows)), Changer::Triggers));
            }
            if source_rows != result.accounted() || target_rows != expected {
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

    /// Every table still holds what was counted before the statements of `after`.
    fn verify_again(&self) -> Result<(), Error> {
        let tables = self.planned.tables.iter().zip(&self.results);
        for (table, result) in tables.filter(|(_, r)| r.status == Status::Loaded && r.countable) {
            let expected = result.rows_before + result.imported;
            let found = count(table, Changer::After)?;
            if found != expected {
                return Err(changed(table, Some((expected, found)), Changer::After));
            }
        }
        Ok(())
    }

    fn record(&mut self, planned: &[Finding]) {
        for (i, result) in self.results.iter().enumerate() {
            log::table(
                self.run,
                &TableRecord {
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
                    detail: result.detail_text().as_deref(),
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

/// Rows of a table that was loaded; who would have dropped it, if it is gone.
fn count(table: &TablePlan, by: Changer) -> Result<i64, Error> {
    if relation::find(&table.schema, &table.target).is_none() {
        return Err(changed(table, None, by));
    }
    counts::rows(&table.schema, &table.target).map_err(|reason| uncounted(table, &reason))
}

fn changed(table: &TablePlan, rows: Option<(i64, i64)>, by: Changer) -> Error {
    Error::Changed { table: qualified(&table.schema, &table.target), rows, by }
}

fn uncounted(table: &TablePlan, reason: &str) -> Error {
    let name = qualified(&table.schema, &table.target);
    let message = format!("rows of {name} cannot be counted after the load: {reason}");
    Error::server(PgSqlErrorCode::ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE, message)
}

fn rowid_name(survey: &Survey, table: &str) -> Option<&'static str> {
    survey.catalog.table(table).and_then(Table::rowid_name)
}

fn expected_rows(survey: &Survey, table: &str) -> i64 {
    let position = survey.catalog.tables.iter().position(|t| t.name.eq_ignore_ascii_case(table));
    let profile = position.and_then(|i| survey.profiles.get(i)).and_then(Option::as_ref);
    profile.filter(|p| !p.sampled).map_or(0, |p| p.rows as i64)
}
