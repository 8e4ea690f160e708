//! The result of `verify_values`: a row for each column, the worst first.

use serde_json::{Map, Value};

use super::Verified;
use super::tally::{ColumnTally, Tally};
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

pub fn rows(verified: Vec<Verified>) -> Vec<Row> {
    let mut rows: Vec<Row> = verified.iter().flat_map(of_table).collect();
    // Tables and columns stay in their order otherwise.
    rows.sort_by_key(|row| row.verdict);
    rows
}

fn of_table(verified: &Verified) -> Vec<Row> {
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

fn of_column(verified: &Verified, tally: &Tally, column: &ColumnTally) -> Row {
    let missing = tally.missing_in_target + tally.missing_in_source > 0;
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
        detail: column.refused.clone().or_else(|| (column.unknown > 0).then(unknown)),
    }
}

fn kinds(column: &ColumnTally) -> Option<Value> {
    let counts = Normalisation::ALL.iter().zip(column.normalised).filter(|(_, count)| *count > 0);
    let kinds: Map<String, Value> =
        counts.map(|(kind, count)| (kind.as_str().to_owned(), count.into())).collect();
    (!kinds.is_empty()).then(|| Value::from(kinds))
}
