//! Loaded rows break a key, an index or a check: the error of the server with the rows as the file names them.

use pgrx::PgSqlErrorCode as Code;

use super::survey::{Survey, on_thread};
use crate::error::{BrokenRows, Error};
use crate::pg::spi;
use crate::pg::xact::Caught;
use crate::sqlite;
use crate::sqlite::largest::largest;
use pg_sqlite_migrate_core::finding::Fix;
use pg_sqlite_migrate_core::plan::{Built, KeyQuestion, LoadSpec, ProfileMode};
use pg_sqlite_migrate_core::sqltext::qualified;

/// The error of a statement that creates something over loaded rows.
pub fn statement(survey: &mut Survey, built: &Built, caught: Caught) -> Result<Error, Error> {
    let rows = match caught.sqlstate {
        _ if is_of_equal_rows(&caught) => equal(survey, &built.key)?,
        code if code == Code::ERRCODE_PROGRAM_LIMIT_EXCEEDED => longest(survey, &built.key)?,
        code if code == Code::ERRCODE_CHECK_VIOLATION => built
            .first
            .as_ref()
            .and_then(|sql| spi::value::<Option<i64>>(sql, &[]).flatten())
            .map(|rowid| format!("The first of them is rowid {rowid}.")),
        _ => return Ok(caught.into()),
    };
    Ok(Error::Broken(Box::new(BrokenRows {
        source: built.key.source.clone(),
        what: built.what.clone(),
        on: built.on.clone(),
        rows,
        hint: built.fix.as_ref().map(|(fix, rest)| fix.hint(rest)),
        caught,
    })))
}

/// The error of a load, with the rows of the file that break a key of an existing table; they may break it by rows that
/// the table has.
pub fn load(survey: &mut Survey, spec: &LoadSpec, error: Error) -> Result<Error, Error> {
    let (source_table, table, caught) = match error {
        Error::Conflict { source_table, table, caught, .. } => (source_table, table, caught),
        Error::Server(caught) if caught.sqlstate == Code::ERRCODE_PROGRAM_LIMIT_EXCEEDED => {
            return Ok(too_long(survey, spec, *caught));
        }
        error => return survey.blame(&spec.source, error),
    };
    let mut rows = None;
    for key in spec.existing.iter().flat_map(|into| &into.keys) {
        rows = rows.or(equal(survey, key)?);
    }
    Ok(Error::Conflict { source_table, table, caught, rows })
}

/// Of the indexes of an existing table only the server knows which one refuses the value.
fn too_long(survey: &Survey, spec: &LoadSpec, caught: Caught) -> Error {
    let untried = survey.needs.profile != ProfileMode::Full;
    Error::Broken(Box::new(BrokenRows {
        source: spec.source.clone(),
        what: "an index".into(),
        on: qualified(&spec.schema, &spec.target),
        rows: None,
        hint: untried
            .then(|| Fix::of_plan("profile", "full").hint(" to have such rows found before the load")),
        caught,
    }))
}

fn is_of_equal_rows(caught: &Caught) -> bool {
    [Code::ERRCODE_UNIQUE_VIOLATION, Code::ERRCODE_EXCLUSION_VIOLATION].iter().any(|c| caught.sqlstate == *c)
}

fn equal(survey: &mut Survey, key: &KeyQuestion) -> Result<Option<String>, Error> {
    let Survey { source, catalog, .. } = survey;
    let Some(table) = catalog.table(&key.source).filter(|_| !key.columns.is_empty()) else { return Ok(None) };
    let found = on_thread(source, |source| sqlite::equal_keys(source, table, key))?;
    let pair = found.and_then(|found| found.examples.into_iter().next());
    Ok(pair.map(|pair| format!("The first of them are {pair}.")))
}

fn longest(survey: &mut Survey, key: &KeyQuestion) -> Result<Option<String>, Error> {
    let Survey { source, catalog, .. } = survey;
    let Some(table) = catalog.table(&key.source).filter(|_| !key.columns.is_empty()) else { return Ok(None) };
    let size = |(term, _): &(String, _)| format!("ifnull(octet_length({term}), 0)");
    let size = key.columns.iter().map(size).collect::<Vec<_>>().join(" + ");
    let filter = key.conditions.first().map(String::as_str);
    let rows = on_thread(source, |source| largest(source, table, (&format!("({size})"), 0), filter))?;
    Ok(rows.first().map(|row| format!("The longest value is that of {}.", row.name)))
}
