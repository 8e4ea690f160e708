//! `verify_values` and what belongs to it, and `verify` of an import.

mod computed;
mod opened;
mod recorded;
mod tables;
mod views;

use self::computed::{refuse, with_computed};
use self::opened::Opened;
use self::recorded::Logged;
use self::tables::{OfTable, compare, loads, nulled_keys, refused};
use super::about::{self, invalid};
use super::log::{self, Verification, VerificationRecord};
use super::notices::Notices;
use super::result::{Status, TableResult};
use super::survey::Survey;
use crate::error::Error;
use crate::pg::relation;
use crate::verify::values::{self, Kept, List, Repair, Step, Tally, Verified, Wish, report};
use pg_sqlite_migrate_core::plan::{LoadSpec, Planned, Verify};
use pg_sqlite_migrate_core::sqltext::qualified;

/// What is to be verified.
#[derive(Debug, Default)]
pub struct Asked<'a> {
    pub of: about::Asked<'a>,
    /// Names of tables, of the file or of the database; all where there are none.
    pub tables: Option<Vec<Option<String>>>,
}

/// How much of it.
#[derive(Debug, Clone, Copy, Default)]
pub struct Measure {
    /// About so many rows of each table.
    pub sample: Option<i64>,
    /// Each table until so many rows are not as they should be.
    pub stop_after: Option<i64>,
}

/// The result of `verify_values`.
pub fn verify(asked: Asked<'_>, measure: Measure) -> Result<Vec<report::Row>, Error> {
    let sample = positive("sample", measure.sample)?;
    let stop_after = positive("limit", measure.stop_after)?;
    let mut open = Opened::new(asked)?;
    let wish = |_: &LoadSpec| Some(sample.map_or(Wish::All, Wish::Sample));
    let mut found = open.compare(wish, stop_after, |_, _| Kept::default())?;
    // A view is compared as a whole.
    if sample.is_none() {
        found.extend(open.compare_views(Kept::default)?);
    }
    let rows = report::rows(&found);
    open.keep(&rows, found.iter().filter_map(|table| Some((table, table.sink.as_ref()?))));
    Ok(rows)
}

fn positive(name: &str, count: Option<i64>) -> Result<Option<u64>, Error> {
    match count {
        Some(count) if count < 1 => {
            Err(invalid(name, "must be at least 1", "Leave it out, or give a number of rows."))
        }
        count => Ok(count.map(i64::unsigned_abs)),
    }
}

/// The differences of each table, which has some.
pub fn differences(asked: Asked<'_>, limit: Option<i64>, recheck: bool) -> Result<Vec<Of<List>>, Error> {
    let limit = limit.map(u64::try_from).transpose();
    let hint = "Give NULL to see all.";
    let limit = limit.map_err(|_| invalid("limit", "must not be negative", hint))?;
    let mut open = Opened::new(asked)?;
    let earlier = if recheck { Some(open.earlier()?) } else { None };
    let wish = |spec: &LoadSpec| match &earlier {
        None => Some(Wish::All),
        Some(earlier) => {
            earlier.iter().find(|table| table.is_of(spec)).map(|table| Wish::Again(table.keys.clone()))
        }
    };
    let mut found = open.compare(wish, None, |_, _| (Kept::default(), List::new(limit)))?;
    if earlier.is_none() {
        found.extend(open.compare_views(|| (Kept::default(), List::new(limit)))?);
    }
    let compared = || found.iter().filter_map(|table| Some((table, &table.sink.as_ref()?.0)));
    match &earlier {
        None => open.keep(&report::rows(&found), compared()),
        Some(earlier) => open.keep_again(earlier, compared()),
    }
    let listed = found.into_iter().filter_map(|table| {
        let (_, rows) = table.sink?;
        Some(Of { schema: table.schema, table: table.table, rows })
    });
    Ok(listed.filter(|of| !of.rows.is_empty()).collect())
}

/// Something of one table.
pub struct Of<R> {
    pub schema: String,
    pub table: String,
    pub rows: R,
}

/// The statements that make a run's tables equal to the file, in the order in which they are to run, and what has none.
pub fn repair(run: Option<i64>, tables: Option<Vec<Option<String>>>) -> Result<Vec<Of<Steps>>, Error> {
    let mut open = Opened::new(Asked { of: about::Asked { run, ..about::Asked::default() }, tables })?;
    let sink = |planned: &Planned, spec: &LoadSpec| Repair::new(nulled_keys(planned, spec));
    let found = open.compare(|_| Some(Wish::All), None, sink)?;
    let [mut deletes, mut changes, mut last]: [Vec<Of<Steps>>; 3] = Default::default();
    for table in found {
        let rest = values::unrepaired(&table.found);
        let of = |rows| Of { schema: table.schema.clone(), table: table.table.clone(), rows };
        if let Some([first, then]) = table.sink.map(Repair::parts) {
            // A row that is to refer to another one would go with the one that it refers to.
            let found = relation::find(&table.schema, &table.table);
            let referenced = found.is_some_and(relation::is_referenced);
            if referenced { &mut last } else { &mut deletes }.push(of(first));
            changes.push(of(then));
        }
        let rest: Vec<Step> = rest.into_iter().map(|reason| [None, None, None, Some(reason)]).collect();
        changes.push(of(Box::new(rest.into_iter())));
    }
    // Rows that refer to others go before these, and come after them.
    Ok(deletes.into_iter().rev().chain(changes).chain(last.into_iter().rev()).collect())
}

/// Key, action, statement and why there is none.
pub type Steps = Box<dyn Iterator<Item = Step>>;

/// What an import has loaded: the first difference is an error. Tables that cannot be compared say so in their detail.
pub fn prove(
    survey: &mut Survey,
    planned: &Planned,
    run: i64,
    notices: &Notices,
    results: &mut [TableResult],
) -> Result<(), Error> {
    let mut verified = vec![];
    for result in results.iter_mut().filter(|result| result.status == Status::Loaded) {
        let Some(spec) = loads(planned).find(|spec| Some(spec.id) == result.id) else { continue };
        let rows = (result.imported + result.updated).unsigned_abs();
        let verify = planned.table(spec.id).map(|table| table.verify).unwrap_or_default();
        let Some(wanted) = verify.compares(rows) else { continue };
        let (spec, unread) = &with_computed(survey, planned, spec);
        let wish = if wanted < rows { Wish::Sample(wanted) } else { Wish::All };
        let logged = Logged::of(result);
        let mut found = match refused(survey, planned, spec, Some(&logged)) {
            Some(reason) => Err(reason),
            None => {
                let of = OfTable { run: Some(run), logged: Some(&logged), wish, stop_after: None };
                compare(survey, planned, spec, of, notices, &mut ())?
            }
        };
        found.iter_mut().for_each(|tally| refuse(tally, unread));
        if let Some(difference) = found.as_ref().ok().and_then(Tally::problem) {
            return Err(Error::Values { table: qualified(&spec.schema, &spec.target), difference });
        }
        result.detail.extend(notes(&found));
        verified.push(Verified {
            schema: spec.schema.clone(),
            table: spec.target.clone(),
            found,
            sink: None::<()>,
        });
    }
    if planned.plan["verify"] == Verify::Values.json() {
        verified.extend(views::prove(survey, planned, run, notices, results)?);
    }
    record(run, &report::rows(&verified));
    Ok(())
}

/// How far the comparison of an import's table went, if not all the way.
fn notes(found: &Result<Tally, String>) -> Vec<String> {
    match found {
        Err(reason) => vec![format!("values were not compared: {reason}")],
        Ok(tally) => {
            let partly = tally.columns.iter().filter(|column| column.unknown > 0 || column.refused.is_some());
            let names: Vec<&str> = partly.map(|column| column.name.as_str()).collect();
            let partly = (!names.is_empty())
                .then(|| format!("values were not compared in full: {}", names.join(", ")));
            report::extent(tally)
                .map(|extent| format!("values: {extent}"))
                .into_iter()
                .chain(partly)
                .collect()
        }
    }
}

/// Keeps in the run log what was found of each column.
fn record(run: i64, rows: &[report::Row]) {
    let records: Vec<VerificationRecord<'_>> = (rows.iter())
        .map(|row| VerificationRecord {
            schema: &row.schema,
            table: &row.table,
            object: row.column.as_deref(),
            ok: row.verdict.is_good(),
            verdict: row.verdict.as_str(),
            detail: row.detail.as_deref(),
            counts: row.counts(),
        })
        .collect();
    log::verification(run, Verification::Values, &records);
}

const NAMES: &str = "Name tables of the file or of the database.";
