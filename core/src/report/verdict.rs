//! The word on top of a report: one rule over what verification found last.

use serde::Serialize;
use serde_json::Value;

use super::model::{Run, Table, Totals, Verification, Verified};
use super::words::{count, list};
use crate::progress::grouped;

#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Verdict {
    pub verdict: Word,
    /// Sentences.
    pub reasons: Vec<String>,
    /// The call that would tell more.
    pub next: Option<String>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub enum Word {
    #[serde(rename = "pass")]
    Pass,
    #[serde(rename = "investigate")]
    Investigate,
    #[serde(rename = "roll back")]
    RollBack,
    #[serde(rename = "not verified")]
    NotVerified,
}

impl Word {
    pub fn as_str(self) -> &'static str {
        match self {
            Word::Pass => "pass",
            Word::Investigate => "investigate",
            Word::RollBack => "roll back",
            Word::NotVerified => "not verified",
        }
    }
}

/// Rejected rows above this share of the source's rows are too many.
const THRESHOLD: f64 = 0.01;

/// A value that is not the file's, or a row that is missing, is a reason to roll back, and so are too many rejected rows; anything
/// else that is not right is one to investigate. Without a comparison of values nothing is proven.
pub fn verdict(run: &Run, tables: &[Table], totals: &Totals, verification: &[Verification]) -> Verdict {
    let results =
        || verification.iter().flat_map(|of_kind| of_kind.results.iter().map(|r| (&*of_kind.kind, r)));
    let lost = results().any(|(kind, result)| is_loss(kind, result, tables));
    let wrong = results().any(|(_, result)| !result.ok);
    let too_many = totals.rejected as f64 > THRESHOLD * totals.source_rows as f64;
    let verified = verification.iter().any(|of_kind| of_kind.kind == "values");
    let word = match () {
        () if lost || too_many => Word::RollBack,
        () if wrong || totals.failed > 0 || totals.rejected > 0 => Word::Investigate,
        () if verified => Word::Pass,
        () => Word::NotVerified,
    };
    let next = match word {
        Word::Pass => None,
        _ if lost => Some(format!("SELECT * FROM verify_differences(run => {});", run.id)),
        _ if verified => None,
        _ => Some(call(run)),
    };
    Verdict { verdict: word, reasons: reasons(totals, verification, verified), next }
}

/// What verifies everything of a run.
pub fn call(run: &Run) -> String {
    format!("SELECT * FROM migration_verdict(run => {});", run.id)
}

/// A value or a row is not there as the file has it, and nothing accounts for it.
fn is_loss(kind: &str, result: &Verified, tables: &[Table]) -> bool {
    let count = |name: &str| result.counts.get(name).and_then(Value::as_i64);
    match kind {
        _ if result.ok => false,
        "values" if result.verdict == "not compared" => false,
        "values" => (count("different"), count("missing_in_target")) != (Some(0), Some(0)),
        "counts" => {
            let table = tables.iter().find(|t| (&t.schema, &t.table) == (&result.schema, &result.table));
            let expected = table.map(|table| table.rows_before.saturating_add(table.imported));
            count("target_rows").zip(expected).is_some_and(|(found, expected)| found < expected)
        }
        _ => false,
    }
}

fn reasons(totals: &Totals, verification: &[Verification], verified: bool) -> Vec<String> {
    let mut reasons = vec![];
    if totals.failed > 0 {
        reasons.push(format!("{} failed.", count(totals.failed, "table", "tables")));
    }
    if totals.rejected > 0 {
        let rows =
            count(totals.rejected.unsigned_abs(), "row was rejected and is", "rows were rejected and are");
        reasons.push(format!("{rows} in the run log."));
    }
    for of_kind in verification.iter().filter(|v| v.failed > 0) {
        reasons.push(format!("{}.", faults(of_kind)));
    }
    let sound: Vec<String> = verification.iter().filter(|v| v.failed == 0).map(objects).collect();
    if !sound.is_empty() {
        reasons.push(format!("Verified without a difference: {}.", list(&sound)));
    }
    if !verified {
        reasons.push("No value has been compared with the file.".into());
    }
    reasons
}

/// How many objects a verification has looked at: `29 tables`
pub fn objects(of_kind: &Verification) -> String {
    let [one, many, _] = words(&of_kind.kind);
    count(of_kind.objects, one, many)
}

/// How many of them are not right: `2 of 201 columns: values differ from the file`
pub fn faults(of_kind: &Verification) -> String {
    let [_, _, wrong] = words(&of_kind.kind);
    format!("{} of {}: {wrong}", grouped(of_kind.failed), objects(of_kind))
}

/// What a verification looks at: one, many, and what is wrong with some of them.
fn words(kind: &str) -> [&'static str; 3] {
    match kind {
        "counts" => ["table", "tables", "rows are missing, or there are too many"],
        "values" => ["column", "columns", "values differ from the file"],
        "constraints" => ["constraint", "constraints", "missing, or broken by rows"],
        "sequences" => ["sequence", "sequences", "the next number is not free"],
        _ => ["object", "objects", "not as expected"],
    }
}
