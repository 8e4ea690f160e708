//! Loaded rows break a key, an index or a check: the error of the server with the rows as the file names them.

use pgrx::PgSqlErrorCode as Code;

use super::survey::{Survey, on_thread};
use crate::error::{BrokenRows, Error};
use crate::pg::spi;
use crate::pg::xact::Caught;
use crate::sqlite;
use crate::sqlite::largest::largest;
use pg_sqlite_migrate_core::catalog::Table;
use pg_sqlite_migrate_core::finding::Fix;
use pg_sqlite_migrate_core::path;
use pg_sqlite_migrate_core::plan::trial::NAMED;
use pg_sqlite_migrate_core::plan::{
    Bound, Breakable, Built, EqualKeys, IntoExisting, KeyQuestion, LoadSpec, Phase, ProfileMode,
};
use pg_sqlite_migrate_core::sqltext::{ident, qualified};

/// The error of a statement that creates something over loaded rows.
pub fn statement(survey: &mut Survey, built: &Built, caught: Caught) -> Result<Error, Error> {
    let mut hint = built.fix.as_ref().map(|(fix, rest)| fix.hint(rest));
    let rows = match caught.sqlstate {
        _ if is_of_equal_rows(&caught) => equal(survey, &built.key)?.as_ref().and_then(said),
        code if code == Code::ERRCODE_PROGRAM_LIMIT_EXCEEDED => {
            let found = match &built.bound {
                Some(bound) => longest(survey, &built.key, bound)?,
                None => None,
            };
            let (rows, shorter) = found.unzip();
            if let (Phase::Keys, ProfileMode::Full) = (built.phase, survey.needs.profile) {
                hint = shorter.map(|shorter| shorter.hint(SHORTER));
            }
            rows
        }
        code if code == Code::ERRCODE_CHECK_VIOLATION => {
            built.first.as_ref().and_then(|sql| spi::value::<Option<String>>(sql, &[]).flatten())
        }
        _ => return Ok(caught.into()),
    };
    Ok(Error::Broken(Box::new(BrokenRows {
        source: built.key.source.clone(),
        what: built.what.clone(),
        on: built.on.clone(),
        rows,
        hint,
        caught,
    })))
}

/// The error of a load, with the rows of the file that break a key of an existing table; they may break it by rows that
/// the table has.
pub fn load(survey: &mut Survey, spec: &LoadSpec, error: Error) -> Result<Error, Error> {
    let (source_table, table, caught) = match error {
        Error::Conflict { source_table, table, caught, .. } => (source_table, table, caught),
        Error::Server(caught) if caught.sqlstate == Code::ERRCODE_PROGRAM_LIMIT_EXCEEDED => {
            return too_long(survey, spec, *caught);
        }
        error => return survey.blame(&spec.source, error),
    };
    if spec.existing.as_ref().is_some_and(|into| is_no_arbiter(into, &caught)) {
        let path = path::of_table(&spec.source, "where");
        let hint = format!("Correct the rows, or leave all but one of each key out with {path}.");
        return Ok(Error::Conflict { source_table, table, caught, rows: None, hint: Some(hint) });
    }
    let broken: Vec<&Breakable> = match &spec.existing {
        Some(into) if caught.sqlstate == Code::ERRCODE_CARDINALITY_VIOLATION => arbiter(into).collect(),
        Some(into) => named(&into.keys, &caught),
        None => vec![],
    };
    let mut found = None;
    for key in broken {
        found = found.or(equal(survey, &key.rows)?);
    }
    let rows = found.as_ref().and_then(said);
    let hint =
        (caught.sqlstate == Code::ERRCODE_CARDINALITY_VIOLATION).then(|| one_each(survey, spec, found));
    Ok(Error::Conflict { source_table, table, caught, rows, hint })
}

/// The key of ON CONFLICT.
fn arbiter(into: &IntoExisting) -> impl Iterator<Item = &Breakable> {
    let arbiter = into.conflict.as_ref().map(|conflict| conflict.arbiter.name.as_str());
    into.keys.iter().filter(move |key| arbiter == Some(key.name.as_str()))
}

/// An index that ON CONFLICT cannot name: over expressions or some of the rows, or a partition's own.
fn is_no_arbiter(into: &IntoExisting, caught: &Caught) -> bool {
    let named = |all: &[Breakable]| all.iter().any(|one| is_named(one, caught));
    named(&into.indexes) && !named(&into.keys)
}

/// The server's message names it, whatever its language.
fn is_named(one: &Breakable, caught: &Caught) -> bool {
    caught.message.contains(&format!("\"{}\"", one.name))
}

/// Those that the server's message names; all if there is none.
fn named<'b>(all: &'b [Breakable], caught: &Caught) -> Vec<&'b Breakable> {
    let named: Vec<&Breakable> = all.iter().filter(|one| is_named(one, caught)).collect();
    if named.is_empty() { all.iter().collect() } else { named }
}

/// Two rows of the file would update one row.
fn one_each(survey: &Survey, spec: &LoadSpec, found: Option<EqualKeys>) -> String {
    let skip = Fix::of_table(&spec.source, "on_conflict", "skip");
    let rest = ", which leaves existing rows as they are and takes the first of the file's";
    let later = found.and_then(|found| found.later).filter(|later| later.len() <= NAMED);
    let alias = survey.catalog.table(&spec.source).and_then(Table::rowid_name);
    match alias.zip(later) {
        Some((alias, later)) => {
            let filter = spec.reading.filter.as_deref();
            let fix = Fix::without_rows(&spec.source, filter, alias, &later);
            fix.hint(&format!(" to load the first row of each key, or {skip}{rest}"))
        }
        None => {
            let path = path::of_table(&spec.source, "where");
            format!("Leave all rows but one of each key out with {path}, or set {skip}{rest}.")
        }
    }
}

/// An index of an existing table refuses a value.
fn too_long(survey: &mut Survey, spec: &LoadSpec, caught: Caught) -> Result<Error, Error> {
    let indexes = spec.existing.as_ref().map(|into| named(&into.indexes, &caught)).unwrap_or_default();
    let only = match indexes.as_slice() {
        [only] => Some(*only),
        _ => None,
    };
    let mut found = None;
    for index in &indexes {
        found = found.or(longest(survey, &index.rows, &index.bound)?);
    }
    let (rows, fix) = found.unzip();
    let hint = match survey.needs.profile {
        ProfileMode::Full => fix.map(|fix| fix.hint(SHORTER)),
        _ => Some(Fix::of_plan("profile", "full").hint(BEFORE)),
    };
    Ok(Error::Broken(Box::new(BrokenRows {
        source: spec.source.clone(),
        what: only.map_or("an index".into(), |index| format!("index {}", ident(&index.name))),
        on: qualified(&spec.schema, &spec.target),
        rows,
        hint,
        caught,
    })))
}

const BEFORE: &str = " to have such rows found before the load";
const SHORTER: &str = " to leave out the rows whose values may be too long";

fn is_of_equal_rows(caught: &Caught) -> bool {
    [Code::ERRCODE_UNIQUE_VIOLATION, Code::ERRCODE_EXCLUSION_VIOLATION].iter().any(|c| caught.sqlstate == *c)
}

fn equal(survey: &mut Survey, key: &KeyQuestion) -> Result<Option<EqualKeys>, Error> {
    let Survey { source, catalog, .. } = survey;
    let Some(table) = catalog.table(&key.source).filter(|_| !key.columns.is_empty()) else { return Ok(None) };
    on_thread(source, |source| sqlite::equal_keys(source, table, key))
}

fn said(found: &EqualKeys) -> Option<String> {
    found.examples.first().map(|pair| format!("The first of them are {pair}."))
}

/// The row with the longest values, and a `where` without all rows that may be too long.
fn longest(
    survey: &mut Survey,
    key: &KeyQuestion,
    Bound { size, safe }: &Bound,
) -> Result<Option<(String, Fix)>, Error> {
    let Survey { source, catalog, overrides, .. } = survey;
    let Some(table) = catalog.table(&key.source).filter(|_| !key.columns.is_empty()) else { return Ok(None) };
    let filter = key.filter.as_deref();
    let rows = on_thread(source, |source| largest(source, table, (size, *safe), filter))?;
    let Some(first) = rows.first() else { return Ok(None) };
    let longest = format!("The longest value is that of {}.", first.name);
    let filter = overrides.reading(&table.name).filter;
    let rowids: Option<Vec<i64>> = rows.iter().map(|row| row.rowid).collect();
    let rowids = rowids.filter(|rowids| rowids.len() <= NAMED).zip(table.rowid_name());
    let fix = match rowids {
        Some((rowids, alias)) => Fix::without_rows(&table.name, filter.as_deref(), alias, &rowids),
        None => Fix::narrowed(&table.name, filter.as_deref(), &format!("{size} <= {safe}")),
    };
    Ok(Some((longest, fix)))
}
