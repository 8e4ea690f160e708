//! What a run can do without: a view or a trigger is worth less than the rows. One that PostgreSQL does not make is left
//! out, unless its text is the plan's own.

use std::convert::Infallible;

use pgrx::PgLogLevel;

use super::Run;
use crate::error::Error;
use crate::import::result::Status;
use crate::pg::xact::Caught;
use crate::pg::{interrupts, spi, xact};
use pg_sqlite_migrate_core::catalog::TableId;
use pg_sqlite_migrate_core::finding::{Fix, Kind};
use pg_sqlite_migrate_core::plan::Step;

impl<'a> Run<'a> {
    pub(super) fn make_view(&mut self, step: &'a Step, sql: &str) -> Result<u64, Error> {
        let Err(caught) = made(sql) else { return Ok(0) };
        let Some(view) = self.planned.view(step) else { return Err(caught.into()) };
        if view.of_table.is_some() {
            // Its columns are nowhere else.
            let stored = Fix::of_table(&view.source, "generated", "stored");
            return self.do_without(step, caught, true, stored.hint(" to have its columns in the table"));
        }
        let without = self.survey.overrides.views.clone().unwrap_or_default().without(&view.source);
        self.do_without(step, caught, view.own, Fix::of_plan("views", without).hint(" to leave the view out"))
    }

    pub(super) fn make_trigger(&mut self, step: &'a Step, sql: &str) -> Result<u64, Error> {
        let Err(caught) = made(sql) else { return Ok(0) };
        let Some(trigger) = self.planned.trigger(step) else { return Err(caught.into()) };
        let without = self.survey.overrides.triggers.clone().unwrap_or_default().without(&trigger.source);
        let hint = Fix::of_plan("triggers", without).hint(" to leave the trigger out");
        self.do_without(step, caught, trigger.is_own(), hint)
    }

    /// A trigger's function names what need not be there when it is made: without it, every statement would fail that fires it.
    pub(super) fn leave_out_trigger(&mut self, step: &'a Step) -> bool {
        let planned = self.planned;
        let Some(trigger) = planned.trigger(step) else { return false };
        let failed = |id: &&TableId| {
            self.results.iter().any(|result| result.id == Some(**id) && result.status == Status::Failed)
        };
        let table = trigger.needs.tables.iter().find(failed).and_then(|id| planned.table(*id));
        let needed = trigger.needs.steps.iter().find(|title| self.unmade.contains(&title.as_str()));
        let why = match (table, needed) {
            (Some(table), _) => format!("it needs table {}, which is not loaded", table.source),
            (None, Some(title)) => format!("it needs what \"{title}\" would have made"),
            (None, None) => return false,
        };
        interrupts::tell(PgLogLevel::WARNING, &format!("{} failed: {why}", step.title));
        self.unmade.push(&step.title);
        self.findings.push(Kind::StepFailed.warning(&step.title, why));
        true
    }

    fn do_without(
        &mut self,
        step: &'a Step,
        mut caught: Caught,
        own: bool,
        hint: String,
    ) -> Result<u64, Error> {
        if own || !caught.is_of_value() {
            caught.hint = Some(hint);
            return Err(caught.into());
        }
        let error = Error::from(caught).one_line();
        interrupts::tell(PgLogLevel::WARNING, &format!("{} failed: {error}", step.title));
        self.done.fail(&error);
        self.unmade.push(&step.title);
        self.findings.push(Kind::StepFailed.warning(&step.title, error).hint(hint));
        Ok(0)
    }
}

fn made(sql: &str) -> Result<u64, Caught> {
    let make = || -> Result<u64, Infallible> { Ok(spi::execute(sql)) };
    xact::attempt(make).map(|Ok(rows)| rows)
}
