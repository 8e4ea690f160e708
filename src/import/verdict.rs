//! `migration_verdict`: everything of a run verified afresh, and one answer.

use crate::error::Error;
use crate::import::{about, constraints, sequences, values, verification};
use crate::pg::{relation, spi};
use crate::verify::counts::{self, Count};
use crate::verify::values::report::Judgement;
use pg_sqlite_migrate_core::verify::declared::{Row, State};
use pg_sqlite_migrate_core::verify::verdict::{Found, Ground, Verdict, judge};

/// A row of `migration_verdict`.
#[derive(Debug, Clone)]
pub struct Answer {
    pub verdict: Verdict,
    /// The gravest first; of a run that passes, what was left out on purpose.
    pub reasons: Vec<String>,
    pub run: i64,
    pub tables: i64,
    /// Rows that the run has read.
    pub rows: i64,
    pub rows_rejected: i64,
    pub rows_missing: i64,
    pub rows_added: i64,
    /// `None` where the file cannot be read.
    pub values: Option<Values>,
    pub constraints: Option<Objects>,
    pub sequences: Objects,
}

/// Values by what became of them.
#[derive(Debug, Clone, Default)]
pub struct Values {
    pub compared: i64,
    pub different: i64,
    /// Columns, and tables as a whole.
    pub not_compared: Vec<String>,
    tables: Vec<TableValues>,
}

/// What a comparison says of a table's rows.
#[derive(Debug, Clone)]
struct TableValues {
    table: (String, String),
    missing: i64,
    added: i64,
    different: i64,
    compared: bool,
}

/// Constraints or sequences, and how many of them are not as they should be.
#[derive(Debug, Clone, Copy, Default)]
pub struct Objects {
    pub all: i64,
    pub wrong: i64,
}

/// Verifies counts, values, constraints and sequences of a run of the caller's. A file that is gone proves nothing, and is
/// no error.
pub fn verdict(run: Option<i64>, threshold: f64) -> Result<Answer, Error> {
    if !(0.0..=1.0).contains(&threshold) {
        let message = "is a share of the source's rows, from 0 to 1";
        return Err(about::invalid("threshold", message, "Give 0.01 for one percent."));
    }
    let run = counts::recorded(run)?;
    let mut found = vec![];
    let counted = verification::verify_counts(counts::Asked { run: Some(run), schema: None })?;
    let of_values = match compared(run) {
        Ok(values) => Some(values),
        Err(error) => {
            found.push(unproven(Ground::ValuesUnproven, "no value was compared", &error));
            None
        }
    };
    let rows = rows(&counted, of_values.as_ref(), &mut found);
    if let Some(values) = &of_values {
        say_values(values, &mut found);
    }
    let of_constraints = say_constraints(run, &mut found);
    let of_sequences = say_sequences(run, &mut found)?;
    found.extend(unloaded(run));
    let (verdict, reasons) = judge(found, rows.all.unsigned_abs(), threshold);
    Ok(Answer {
        verdict,
        reasons,
        run,
        tables: counted.len() as i64,
        rows: rows.all,
        rows_rejected: rows.rejected,
        rows_missing: rows.missing,
        rows_added: rows.added,
        values: of_values,
        constraints: of_constraints,
        sequences: of_sequences,
    })
}

fn unproven(ground: Ground, what: &str, error: &Error) -> Found {
    Found { ground, count: 1, said: format!("{what}: {error}") }
}

#[derive(Debug, Default)]
struct Rows {
    all: i64,
    rejected: i64,
    missing: i64,
    added: i64,
}

/// The only call of `verify_values`.
fn compared(run: i64) -> Result<Values, Error> {
    let of = about::Asked { run: Some(run), ..about::Asked::default() };
    let asked = values::Asked { of, tables: None };
    let mut out = Values::default();
    for row in values::verify(asked, values::Measure::default())? {
        out.compared += row.compared;
        out.different += row.different;
        let named = match &row.column {
            Some(column) => format!("{}.{}.{column}", row.schema, row.table),
            None => format!("{}.{}", row.schema, row.table),
        };
        let not_compared = row.verdict == Judgement::NotCompared;
        if not_compared {
            out.not_compared
                .push(row.detail.as_ref().map_or(named.clone(), |why| format!("{named} ({why})")));
        }
        let table = (row.schema, row.table);
        let place = match out.tables.iter().position(|t| t.table == table) {
            Some(place) => place,
            None => {
                let (missing, added) = (row.missing_in_target, row.missing_in_source);
                let compared = row.column.is_some();
                out.tables.push(TableValues { table, missing, added, different: 0, compared });
                out.tables.len() - 1
            }
        };
        if let Some(table) = out.tables.get_mut(place) {
            table.different += row.different;
        }
    }
    Ok(out)
}

/// Rows that both looks have missed: a comparison tells more than a count.
fn rows(counted: &[Count], values: Option<&Values>, found: &mut Vec<Found>) -> Rows {
    let mut out = Rows::default();
    let (mut missing, mut added, mut rejected, mut uncounted) = (vec![], vec![], vec![], vec![]);
    for count in counted {
        let name = format!("{}.{}", count.schema, count.table);
        let accounted = count.imported + count.updated + count.skipped + count.rejected;
        let source = count.source_rows.unwrap_or(accounted);
        out.all += source;
        out.rejected += count.rejected;
        if count.rejected > 0 {
            rejected.push(name.clone());
        }
        let compared = values.and_then(|values| {
            let is = |t: &&TableValues| t.table.0 == count.schema && t.table.1 == count.table && t.compared;
            values.tables.iter().find(is)
        });
        let (lost, more) = match (count.target_rows, count.wanted) {
            (Some(there), Some(wanted)) => ((wanted - there).max(0), (there - wanted).max(0)),
            (None, wanted) if relation::find(&count.schema, &count.table).is_none() => {
                (wanted.unwrap_or(count.imported), 0)
            }
            (None, _) => {
                uncounted.push(match &count.detail {
                    Some(why) => format!("{name} ({why})"),
                    None => name.clone(),
                });
                (0, 0)
            }
            (Some(_), None) => (0, 0),
        };
        let unaccounted = (source - accounted).max(0);
        let lost = (lost + unaccounted).max(compared.map_or(0, |t| t.missing));
        let more = more.max(compared.map_or(0, |t| t.added));
        if lost > 0 {
            missing.push(name.clone());
        }
        if more > 0 {
            added.push(name);
        }
        out.missing += lost;
        out.added += more;
    }
    // Rows of views are compared and not counted.
    let is_counted = |t: &&TableValues| counted.iter().any(|c| t.table.0 == c.schema && t.table.1 == c.table);
    for view in values.iter().flat_map(|values| &values.tables).filter(|t| t.compared && !is_counted(t)) {
        let name = format!("{}.{}", view.table.0, view.table.1);
        missing.extend((view.missing > 0).then(|| name.clone()));
        added.extend((view.added > 0).then_some(name));
        out.missing += view.missing;
        out.added += view.added;
    }
    let of =
        |ground, count: i64, words, names: &[String]| Found::of(ground, count.unsigned_abs(), words, names);
    found.extend(of(Ground::RowsMissing, out.missing, ["row is missing", "rows are missing"], &missing));
    found.extend(of(Ground::RowsAdded, out.added, ["row was added", "rows were added"], &added));
    found.extend(of(
        Ground::RowsRejected,
        out.rejected,
        ["row was rejected", "rows were rejected"],
        &rejected,
    ));
    let words = ["table could not be counted", "tables could not be counted"];
    found.extend(of(Ground::TablesNotCounted, uncounted.len() as i64, words, &uncounted));
    out
}

fn say_values(values: &Values, found: &mut Vec<Found>) {
    let different = values.tables.iter().filter(|t| t.different > 0);
    let different: Vec<String> = different.map(|t| format!("{}.{}", t.table.0, t.table.1)).collect();
    let words = ["value differs", "values differ"];
    found.extend(Found::of(Ground::ValuesDifferent, values.different.unsigned_abs(), words, &different));
    let words = ["column or table was not compared", "columns or tables were not compared"];
    let not_compared = values.not_compared.len() as u64;
    found.extend(Found::of(Ground::ValuesNotCompared, not_compared, words, &values.not_compared));
}

fn say_constraints(run: i64, found: &mut Vec<Found>) -> Option<Objects> {
    let asked = about::Asked { run: Some(run), ..about::Asked::default() };
    let rows = match constraints::verify(asked) {
        Ok(rows) => rows,
        Err(error) => {
            found.push(unproven(Ground::ConstraintsUnproven, "no constraint was compared", &error));
            return None;
        }
    };
    let wrong = rows.iter().filter(|row| !row.state.is_ok());
    let named = |rows: &mut dyn Iterator<Item = &Row>| -> Vec<String> { rows.map(name).collect() };
    let of = |state: fn(State) -> bool| named(&mut wrong.clone().filter(|row| state(row.state)));
    let broken = of(|state| state == State::Broken);
    let unproven = of(|state| state == State::NotProven);
    let others = of(|state| !matches!(state, State::Broken | State::NotProven));
    let left_out = named(&mut rows.iter().filter(|row| row.state == State::LeftOut));
    for (ground, names, words) in [
        (Ground::ConstraintsBroken, broken, ["object is broken by rows", "objects are broken by rows"]),
        (Ground::ConstraintsNotInForce, others, ["object is not in force", "objects are not in force"]),
        (Ground::ConstraintsNotProven, unproven, ["object was not proven", "objects were not proven"]),
        (Ground::ObjectsLeftOut, left_out, ["object was left out", "objects were left out"]),
    ] {
        found.extend(Found::of(ground, names.len() as u64, words, &names));
    }
    Some(Objects { all: rows.len() as i64, wrong: wrong.count() as i64 })
}

/// `foreign key a_fkey of public.t (missing)`
fn name(row: &Row) -> String {
    let name = row.name.clone().unwrap_or_else(|| row.columns.join(", "));
    format!("{} {name} of {}.{} ({})", row.kind.as_str(), row.schema, row.table, row.state.as_str())
}

fn say_sequences(run: i64, found: &mut Vec<Found>) -> Result<Objects, Error> {
    let next = sequences::verify(Some(run))?;
    let behind: Vec<String> =
        next.iter().filter(|n| !n.ok).map(|n| format!("{}.{}.{}", n.schema, n.table, n.column)).collect();
    let words = ["sequence is behind or gone", "sequences are behind or gone"];
    found.extend(Found::of(Ground::SequencesBehind, behind.len() as u64, words, &behind));
    Ok(Objects { all: next.len() as i64, wrong: behind.len() as i64 })
}

/// Tables whose load failed in a run that went on.
fn unloaded(run: i64) -> Option<Found> {
    const FAILED: &str = "SELECT target_schema || '.' || target_table FROM sqlite_migrate.run_table
                          WHERE run = $1 AND status = 'failed' ORDER BY ordinal";
    let names: Vec<String> = spi::values(FAILED, &[run.into()]);
    Found::of(
        Ground::TablesUnloaded,
        names.len() as u64,
        ["table was not loaded", "tables were not loaded"],
        &names,
    )
}
