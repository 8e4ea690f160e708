//! Compares an exported file with the tables: every value, as it would be exported now, by sums that no order changes.

use serde_json::Value;

use super::files::{self, Part};
use super::{held, rows, unblocked};
use crate::error::Error;
use crate::import::source;
use crate::pg::thread;
use crate::sqlite;
use crate::sqlite::sums::sums;

/// A table, or one of its columns, on both sides.
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

/// A line for each table and each of its columns.
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
        let ours = rows::sums(table, &planned.timezone)?;
        let names: Vec<String> = table.columns.iter().map(|column| column.name.clone()).collect();
        let source = &mut file;
        let theirs = match thread::run(|| sums(source, &table.name, &names)) {
            Ok(theirs) => Ok(theirs),
            Err(gone @ sqlite::Error::Vanished { .. }) => Err(gone.to_string()),
            Err(error) => return Err(error.into()),
        };
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
        match &theirs {
            Err(gone) => out.push(line(None, false, Some(gone))),
            Ok(theirs) => {
                let detail = match () {
                    () if ours == *theirs => None,
                    () if ours.rows != theirs.rows => Some("the numbers of rows differ"),
                    () if ours.columns != theirs.columns => Some("values differ"),
                    () => Some("the same values are in other rows"),
                };
                out.push(line(None, ours == *theirs, detail));
                for (at, name) in names.iter().enumerate() {
                    out.push(line(Some(name), ours.columns.get(at) == theirs.columns.get(at), None));
                }
            }
        }
    }
    file.prove()?;
    Ok(())
}
