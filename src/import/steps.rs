//! The steps of an import as they are done: which, when, for how long, for how many rows. One is done after the other.

use std::borrow::Cow;
use std::time::{Duration, Instant};

use crate::pg::activity;
use pg_sqlite_migrate_core::catalog::TableId;
use pg_sqlite_migrate_core::plan::{Phase, Step};
use pg_sqlite_migrate_core::progress::{self, Totals};

/// The steps so far.
#[derive(Debug)]
pub struct Steps<'a> {
    /// When the import was called.
    begun: Instant,
    list: Vec<StepRecord<'a>>,
    /// What other sessions are shown of the run beside the step: its number once it has one, and how many of the plan's steps
    /// have begun.
    pub run: Option<i64>,
    pub of_plan: Option<(usize, usize)>,
    show: fn(&dyn Fn() -> String),
}

/// One step that was done, is under way, or has failed.
#[derive(Debug, Clone)]
pub struct StepRecord<'a> {
    pub phase: Phase,
    pub title: Cow<'a, str>,
    pub statement: Option<Cow<'a, str>>,
    pub table: Option<TableId>,
    /// Since the import was called.
    pub started: Duration,
    /// `None` while it is under way.
    pub took: Option<Duration>,
    /// Of a load and of the user's statements: rows that were written or found.
    pub rows: Option<u64>,
    /// Why it failed, in a run that goes on.
    pub error: Option<String>,
}

impl<'a> Steps<'a> {
    pub fn begin() -> Steps<'a> {
        Steps::shown_by(|note| activity::show(note))
    }

    fn shown_by(show: fn(&dyn Fn() -> String)) -> Steps<'a> {
        Steps { begun: Instant::now(), list: vec![], run: None, of_plan: None, show }
    }

    pub fn begun(&self) -> Instant {
        self.begun
    }

    pub fn elapsed(&self) -> Duration {
        self.begun.elapsed()
    }

    pub fn list(&self) -> &[StepRecord<'a>] {
        &self.list
    }

    /// Begins a step of the plan.
    pub fn start_step(&mut self, step: &'a Step, statement: Option<&'a str>) {
        self.start(step.phase, &*step.title, statement.map(Cow::Borrowed));
        self.concerns(step.table);
    }

    /// The table of the step that was begun last.
    pub fn concerns(&mut self, table: Option<TableId>) {
        self.list.last_mut().into_iter().for_each(|last| last.table = table);
    }

    /// Shows others what is being done.
    pub fn show(&self, phase: Phase, title: &str) {
        (self.show)(&|| progress::activity(self.run, phase, self.of_plan, title));
    }

    pub fn start(&mut self, phase: Phase, title: impl Into<Cow<'a, str>>, statement: Option<Cow<'a, str>>) {
        let title = title.into();
        self.show(phase, &title);
        self.list.push(StepRecord {
            phase,
            title,
            statement,
            table: None,
            started: self.elapsed(),
            took: None,
            rows: None,
            error: None,
        });
    }

    /// Ends the step that was begun last, as if nothing had been done beside it.
    pub fn end_after(&mut self, took: Duration) {
        self.list.last_mut().into_iter().for_each(|last| last.took = Some(took));
    }

    /// Begins a step of which something was done beside the one before: its time is what came after that one.
    pub fn start_after(&mut self, phase: Phase, title: &'static str) {
        let ended = self.list.last().and_then(|last| Some(last.started + last.took?));
        self.start(phase, title, None);
        if let (Some(last), Some(ended)) = (self.list.last_mut(), ended) {
            last.started = ended;
        }
    }

    /// Ends the step that was begun last.
    pub fn end(&mut self, rows: Option<u64>) {
        let now = self.elapsed();
        if let Some(last) = self.list.last_mut() {
            (last.took, last.rows) = (Some(now - last.started), rows);
        }
    }

    /// Ends the step that is under way, if one is, by an error that the run survives.
    pub fn fail(&mut self, error: &str) {
        let now = self.elapsed();
        if let Some(last) = self.list.last_mut().filter(|last| last.took.is_none()) {
            (last.took, last.error) = (Some(now - last.started), Some(error.to_owned()));
        }
    }

    /// Does something that is not a step of the plan. An error leaves it under way.
    pub fn time<T, E>(
        &mut self,
        phase: Phase,
        title: &'static str,
        f: impl FnOnce() -> Result<T, E>,
    ) -> Result<T, E> {
        self.start(phase, title, None);
        let done = f()?;
        self.end(None);
        Ok(done)
    }

    /// The step that is under way, or the last one.
    pub fn last(&self) -> Option<&StepRecord<'a>> {
        self.list.last()
    }

    pub fn spent(&self) -> Vec<(Phase, Duration)> {
        self.list.iter().filter_map(|done| Some((done.phase, done.took?))).collect()
    }

    pub fn of(&self, phase: Phase) -> Duration {
        self.spent().iter().filter(|(of, _)| *of == phase).map(|(_, took)| *took).sum()
    }

    /// What is loaded so far.
    pub fn loaded(&self) -> Totals {
        let loads = self.list.iter().filter(|done| done.phase == Phase::Load && done.error.is_none());
        let rows: Vec<u64> = loads.filter_map(|done| done.rows).collect();
        Totals { tables: rows.len() as u64, rows: rows.iter().sum(), ..Totals::default() }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn steps_are_summed_by_what_became_of_them() {
        let mut steps = Steps::shown_by(|_| ());
        assert_eq!(steps.time(Phase::Open, "open the file", || Ok::<_, ()>(7)), Ok(7));
        for (title, rows) in [("load a", Some(2)), ("load b", Some(3))] {
            steps.start(Phase::Load, title, None);
            steps.end(rows);
        }
        steps.start(Phase::Load, "load c", None);
        steps.fail("no room");
        steps.fail("not again");
        steps.start(Phase::Keys, "create key", Some("ALTER TABLE".into()));
        let loaded = steps.loaded();
        assert_eq!((loaded.tables, loaded.rows), (2, 5));
        let phases: Vec<Phase> = steps.spent().into_iter().map(|(phase, _)| phase).collect();
        assert_eq!(phases, [Phase::Open, Phase::Load, Phase::Load, Phase::Load]);
        let last = steps.last().map(|last| (&*last.title, last.took));
        assert_eq!(last, Some(("create key", None)));
        let errors: Vec<_> = steps.list().iter().filter_map(|done| done.error.as_deref()).collect();
        assert_eq!(errors, ["no room"]);
        assert_eq!(steps.time(Phase::Verify, "count rows", || Err::<(), _>("lost")), Err("lost"));
        assert_eq!(steps.last().and_then(|last| last.took), None);
    }
}
