//! Compares an exported file with the tables: every value, as it would be exported now, by sums that no order changes.

use pgrx::pg_sys;
use serde_json::Value;

use super::files::{self, Part};
use super::{held, rows, unblocked};
use crate::error::Error;
use crate::import::source;
use crate::pg::{reading, spi, thread};
use crate::sqlite::{self, sums};
use pg_sqlite_migrate_core::export::planned::{OutTable, Planned};
use pg_sqlite_migrate_core::export::sums::Sums;
use pg_sqlite_migrate_core::sqltext::qualified;

/// A table or view, or one of its columns, on both sides.
#[derive(Debug, Clone)]
pub struct Compared {
    pub schema: String,
    pub table: String,
    pub target: String,
    /// `None` for the rows as a whole.
    pub column: Option<String>,
    pub rows: i64,
    /// `None` where the file has no such table or column.
    pub rows_in_file: Option<i64>,
    pub ok: bool,
    pub detail: Option<String>,
}

/// A line for each table and view, and for each of its columns.
pub fn verify(path: Option<&str>, plan: Option<Value>, run: Option<i64>) -> Result<Vec<Compared>, Error> {
    let path = path.ok_or(Error::NullPath)?;
    let survey = held(files::asked(path, plan), run)?;
    let mut out = vec![];
    for part in files::parts(path, unblocked(survey.planned()?)?)? {
        compare(&part, &mut out)?;
    }
    Ok(out)
}

fn compare(part: &Part<'_>, out: &mut Vec<Compared>) -> Result<(), Error> {
    let planned = &part.planned;
    let mut file = source::open_to_check(Some(&part.path))?;
    for table in &planned.tables {
        let triggers = planned.triggers.iter().filter(|t| t.table.eq_ignore_ascii_case(&table.name)).count();
        let (compared, indexes) = (table.with_computed(), table.indexes.len());
        let names: Vec<String> = compared.columns.iter().map(|column| column.name.clone()).collect();
        let lines = one(&mut file, &compared, names, planned)?;
        out.extend(with_objects(&mut file, lines, &table.name, [("index", indexes), ("trigger", triggers)])?);
        let Some(last) = out.last().filter(|last| last.rows_in_file.is_some()).cloned() else { continue };
        out.extend(table.rounded().map(|column| Compared {
            column: Some(column.name.clone()),
            ok: true,
            detail: Some("not compared: SQLite computes it in doubles".into()),
            ..last.clone()
        }));
    }
    for view in &planned.views {
        let Some((compared, places)) = view.as_table() else { continue };
        // A view that is read runs others' code with the caller's rights.
        if let Err(reason) = reading::from_view(pg_sys::Oid::from(compared.source.id)) {
            out.push(Compared {
                schema: compared.source.schema.clone(),
                table: compared.source.name.clone(),
                target: view.name.clone(),
                column: None,
                rows: 0,
                rows_in_file: None,
                ok: true,
                detail: Some(format!("not compared: {reason}")),
            });
            continue;
        }
        let source = &mut file;
        let names = match found(thread::run(|| sums::columns(source, &view.name)))? {
            Ok(names) => places.iter().map(|at| names.get(*at).cloned().unwrap_or_default()).collect(),
            Err(_) => compared.columns.iter().map(|column| column.name.clone()).collect(),
        };
        out.extend(one(&mut file, &compared, names, planned)?);
    }
    file.prove()?;
    Ok(())
}

/// What was found, or that it is not there.
fn found<T>(outcome: Result<T, sqlite::Error>) -> Result<Result<T, String>, Error> {
    match outcome {
        Ok(found) => Ok(Ok(found)),
        Err(gone @ sqlite::Error::Vanished { .. }) => Ok(Err(gone.to_string())),
        Err(error) => Err(error.into()),
    }
}

/// The rows as a whole, then each column by its name in the file.
fn one(
    file: &mut sqlite::Source,
    table: &OutTable<'_>,
    names: Vec<String>,
    planned: &Planned<'_>,
) -> Result<Vec<Compared>, Error> {
    let ours = match names.is_empty() {
        true => Sums { rows: count(table), ..Sums::new(0) },
        false => rows::sums(table, &planned.timezone)?,
    };
    let theirs = found(thread::run(|| match names.is_empty() {
        true => Ok(Sums { rows: sums::count(file, &table.name)?.unsigned_abs(), ..ours.clone() }),
        false => sums::sums(file, &table.name, &names),
    }))?;
    let line = |column: Option<&String>, ok: bool, detail: Option<&str>| Compared {
        schema: table.source.schema.clone(),
        table: table.source.name.clone(),
        target: table.name.clone(),
        column: column.cloned(),
        rows: i64::try_from(ours.rows).unwrap_or(i64::MAX),
        rows_in_file: theirs.as_ref().ok().map(|sums| i64::try_from(sums.rows).unwrap_or(i64::MAX)),
        ok,
        detail: detail.map(str::to_owned),
    };
    let theirs = match &theirs {
        Err(gone) => return Ok(vec![line(None, false, Some(gone))]),
        Ok(theirs) => theirs,
    };
    let detail = match () {
        () if ours == *theirs => None,
        () if ours.rows != theirs.rows => Some("the numbers of rows differ"),
        () if ours.columns != theirs.columns => Some("values differ"),
        () => Some("the same values are in other rows"),
    };
    let columns = names
        .iter()
        .enumerate()
        .map(|(at, name)| line(Some(name), ours.columns.get(at) == theirs.columns.get(at), None));
    Ok([line(None, ours == *theirs, detail)].into_iter().chain(columns).collect())
}

/// How many rows a view has of which no column is compared.
fn count(view: &OutTable<'_>) -> u64 {
    let _settings = reading::guarded_with_views();
    let sql = format!("SELECT count(*) FROM {}", qualified(&view.source.schema, &view.source.name));
    spi::value::<i64>(&sql, &[]).unwrap_or(0).unsigned_abs()
}

/// The lines of a table that is there, with what the file lacks or has of its indexes and triggers.
fn with_objects(
    file: &mut sqlite::Source,
    mut lines: Vec<Compared>,
    table: &str,
    objects: [(&str, usize); 2],
) -> Result<Vec<Compared>, Error> {
    let Some(whole) = lines.first_mut().filter(|line| line.rows_in_file.is_some()) else { return Ok(lines) };
    for (kind, expected) in objects {
        let found = thread::run(|| sums::declared(file, kind, table))?;
        if usize::try_from(found).ok() != Some(expected) {
            let plural = if kind == "index" { "indexes" } else { "triggers" };
            let told = format!("the file has {found} {plural} where {expected} are expected");
            whole.ok = false;
            whole.detail = whole.detail.take().into_iter().chain([told]).reduce(|a, b| format!("{a}; {b}"));
        }
    }
    Ok(lines)
}
