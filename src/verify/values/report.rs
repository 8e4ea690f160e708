//! The result of `verify_values`: a row for each column, the worst first.

use serde_json::{Map, Value, json};

use super::Verified;
use super::tally::{ColumnTally, Extent, Tally};
use pg_sqlite_migrate_core::finding::counted;
use pg_sqlite_migrate_core::verify::back::Normalisation;

/// The worst first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Judgement {
    Different,
    MissingRows,
    NotCompared,
    Normalised,
    Equal,
}

impl Judgement {
    pub fn as_str(self) -> &'static str {
        match self {
            Judgement::Different => "different",
            Judgement::MissingRows => "missing rows",
            Judgement::NotCompared => "not compared",
            Judgement::Normalised => "normalised",
            Judgement::Equal => "equal",
        }
    }

    pub fn is_good(self) -> bool {
        matches!(self, Judgement::Normalised | Judgement::Equal)
    }
}

/// A row of `verify_values`.
#[derive(Debug, Clone)]
pub struct Row {
    pub schema: String,
    pub table: String,
    /// `None` where the table was not compared.
    pub column: Option<String>,
    pub compared: i64,
    pub equal: i64,
    pub normalised: i64,
    /// How many of each kind.
    pub normalisations: Option<Value>,
    pub different: i64,
    pub missing_in_target: i64,
    pub missing_in_source: i64,
    /// Key, stored value and value in the target of the first difference.
    pub first: Option<(Option<String>, Option<String>, Option<String>)>,
    pub verdict: Judgement,
    pub detail: Option<String>,
}

impl Row {
    /// What was counted, for the run log.
    pub fn counts(&self) -> Value {
        json!({ "compared": self.compared, "equal": self.equal, "normalised": self.normalised,
                "different": self.different, "missing_in_target": self.missing_in_target,
                "missing_in_source": self.missing_in_source })
    }
}

pub fn rows<S>(verified: &[Verified<S>]) -> Vec<Row> {
    let mut rows: Vec<Row> = verified.iter().flat_map(of_table).collect();
    // Tables and columns stay in their order otherwise.
    rows.sort_by_key(|row| row.verdict);
    rows
}

fn of_table<S>(verified: &Verified<S>) -> Vec<Row> {
    match &verified.found {
        Ok(tally) => tally.columns.iter().map(|column| of_column(verified, tally, column)).collect(),
        Err(reason) => vec![Row {
            schema: verified.schema.clone(),
            table: verified.table.clone(),
            column: None,
            compared: 0,
            equal: 0,
            normalised: 0,
            normalisations: None,
            different: 0,
            missing_in_target: 0,
            missing_in_source: 0,
            first: None,
            verdict: Judgement::NotCompared,
            detail: Some(reason.clone()),
        }],
    }
}

fn of_column<S>(verified: &Verified<S>, tally: &Tally, column: &ColumnTally) -> Row {
    let missing = tally.missing_in_target + tally.missing_in_source + tally.lost > 0;
    let verdict = match column {
        column if column.different > 0 => Judgement::Different,
        _ if missing => Judgement::MissingRows,
        column if column.unknown > 0 || column.refused.is_some() => Judgement::NotCompared,
        column if column.normalised() > 0 => Judgement::Normalised,
        _ => Judgement::Equal,
    };
    let unknown = || {
        let values = counted(column.unknown, "value is", "values are");
        let pg_type = &column.pg_type;
        format!(
            "{values} printed in another form than stored: only the type {pg_type} itself can tell whether it is the same"
        )
    };
    let first = column.first.as_ref().or(tally.first_missing());
    Row {
        schema: verified.schema.clone(),
        table: verified.table.clone(),
        column: Some(column.name.clone()),
        compared: column.compared() as i64,
        equal: column.equal as i64,
        normalised: column.normalised() as i64,
        normalisations: kinds(column),
        different: column.different as i64,
        missing_in_target: tally.missing_in_target as i64,
        missing_in_source: tally.missing_in_source as i64,
        first: first.map(|first| (Some(first.key.clone()), first.source.clone(), first.target.clone())),
        verdict,
        detail: joined([
            column.refused.clone().or_else(|| (column.unknown > 0).then(unknown)),
            column
                .approximate
                .then(|| "numbers that are computed were compared up to their last digits".into()),
            beyond(column),
            lost(tally),
            tally.unpaired.then(|| "rows were compared as a whole: no key pairs them".into()),
            extent(tally),
        ]),
    }
}

fn joined<const N: usize>(notes: [Option<String>; N]) -> Option<String> {
    let notes: Vec<String> = notes.into_iter().flatten().collect();
    (!notes.is_empty()).then(|| notes.join("; "))
}

fn beyond(column: &ColumnTally) -> Option<String> {
    let (one, many) = ("value is", "values are");
    let said = |of| format!("{of} NULL or a default, which the run has not made so");
    (column.beyond > 0).then(|| said(counted(column.beyond, one, many)))
}

fn lost(tally: &Tally) -> Option<String> {
    let (one, many) =
        ("row that was there before the run is missing", "rows that were there before the run are missing");
    (tally.lost > 0).then(|| counted(tally.lost, one, many))
}

/// How much of the table was compared, if that is not all of it.
pub fn extent(tally: &Tally) -> Option<String> {
    let compared = counted(tally.paired + tally.missing_in_target, "row", "rows");
    match tally.extent {
        Extent::Whole => None,
        Extent::Sample => Some(format!("a sample: {compared} of the file compared")),
        Extent::Again => Some(format!("{compared} of the file compared again")),
        Extent::Unsampled => Some(format!("no sample: all {compared} of the file compared")),
        Extent::Stopped { differing } => {
            let differing = counted(differing, "differing row", "differing rows");
            let compared =
                counted(tally.paired + tally.missing_in_target + tally.missing_in_source, "row", "rows");
            Some(format!("stopped after {differing}, {compared} compared"))
        }
    }
}

fn kinds(column: &ColumnTally) -> Option<Value> {
    let counts = Normalisation::ALL.iter().zip(column.normalised).filter(|(_, count)| *count > 0);
    let kinds: Map<String, Value> =
        counts.map(|(kind, count)| (kind.as_str().to_owned(), count.into())).collect();
    (!kinds.is_empty()).then(|| Value::from(kinds))
}
