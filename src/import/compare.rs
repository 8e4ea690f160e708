//! `sqlite_compare`: what the plan has noticed, with what each side has; and what the file declares that an existing table
//! lacks, and the other way round.

use serde_json::Value;

use super::{constraints, survey};
use crate::error::Error;
use pg_sqlite_migrate_core::plan::emit::compare;
use pg_sqlite_migrate_core::plan::emit::compare::Compared;

/// Findings that would stop an import are rows like the others.
pub fn compare(path: Option<&str>, overrides: Option<Value>) -> Result<Vec<Compared>, Error> {
    let mut survey = survey::survey(path, overrides)?;
    let (target, planned) = survey::facing_target(&mut survey)?;
    let mut rows = compare::compare(&survey.facts(), &target, &planned);
    rows.extend(constraints::compare(&survey, &planned, &rows)?);
    rows.sort_by_key(|row| std::cmp::Reverse(row.severity));
    Ok(rows)
}
