//! Blocking findings: they stop a run before anything is written.

use super::{loads, rowid_name};
use crate::error::Error;
use crate::import::load::transfer;
use crate::import::survey::Survey;
use pg_sqlite_migrate_core::finding::{Finding, Kind, Severity};
use pg_sqlite_migrate_core::plan::Planned;

/// Stops before anything is written. With `on_error: "continue"` only for what is not about one table.
pub(super) fn stop_if_blocked(survey: &mut Survey, planned: &Planned) -> Result<(), Error> {
    let go_on = !survey.needs.stop_on_error;
    let blocking: Vec<Finding> =
        blocking(&planned.findings).filter(|f| !(go_on && f.table.is_some())).cloned().collect();
    let Some(first) = blocking.first() else { return Ok(()) };
    if first.kind == Kind::InvalidValue {
        // A profile counts values that do not fit; whoever has to correct them wants to see one.
        for spec in loads(planned).filter(|spec| first.table == Some(spec.id)) {
            let rowid = rowid_name(survey, &spec.source);
            transfer::probe(&mut survey.source, spec, rowid).map_err(|error| as_advised(error, first))?;
        }
    }
    Err(Error::Blocked(blocking))
}

/// A value that does not fit, with the finding's way of reading it: what costs nothing comes before what costs values.
fn as_advised(error: Error, finding: &Finding) -> Error {
    match (error, &finding.fix) {
        (Error::Cell { table, cell, .. }, Some(fix))
            if fix.sets("using") && finding.object == format!("{table}.{}", cell.column) =>
        {
            Error::Cell { table, cell, hint: format!("{} {}", finding.hint, fix.pasted()) }
        }
        (error, _) => error,
    }
}

pub(super) fn blocking(findings: &[Finding]) -> impl Iterator<Item = &Finding> {
    findings.iter().filter(|f| f.severity == Severity::Blocking)
}
