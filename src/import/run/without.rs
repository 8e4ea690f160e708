//! What a run can do without: a view or a trigger is worth less than the rows. One that PostgreSQL does not make is left
//! out, unless its text is the plan's own.

use std::convert::Infallible;

use pgrx::PgLogLevel;

use super::Run;
use crate::error::Error;
use crate::pg::xact::Caught;
use crate::pg::{interrupts, spi, xact};
use pg_sqlite_migrate_core::finding::{Fix, Kind};
use pg_sqlite_migrate_core::plan::Step;

impl Run<'_> {
    pub(super) fn make_view(&mut self, step: &Step, sql: &str) -> Result<u64, Error> {
        let Err(caught) = made(sql) else { return Ok(0) };
        let Some(view) = self.planned.view(step) else { return Err(caught.into()) };
        let without = self.survey.overrides.views.clone().unwrap_or_default().without(&view.source);
        self.do_without(step, caught, view.own, Fix::of_plan("views", without).hint(" to leave the view out"))
    }

    pub(super) fn make_trigger(&mut self, step: &Step, sql: &str) -> Result<u64, Error> {
        let Err(caught) = made(sql) else { return Ok(0) };
        let Some(trigger) = self.planned.trigger(step) else { return Err(caught.into()) };
        let without = self.survey.overrides.triggers.clone().unwrap_or_default().without(&trigger.source);
        let hint = Fix::of_plan("triggers", without).hint(" to leave the trigger out");
        self.do_without(step, caught, trigger.is_own(), hint)
    }

    fn do_without(&mut self, step: &Step, mut caught: Caught, own: bool, hint: String) -> Result<u64, Error> {
        if own || !caught.is_of_value() {
            caught.hint = Some(hint);
            return Err(caught.into());
        }
        let error = Error::from(caught).one_line();
        interrupts::tell(PgLogLevel::WARNING, &format!("{} failed: {error}", step.title));
        self.done.fail(&error);
        self.findings.push(Kind::StepFailed.warning(&step.title, error).hint(hint));
        Ok(0)
    }
}

fn made(sql: &str) -> Result<u64, Caught> {
    let make = || -> Result<u64, Infallible> { Ok(spi::execute(sql)) };
    xact::attempt(make).map(|Ok(rows)| rows)
}
