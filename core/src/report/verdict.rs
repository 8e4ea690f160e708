//! The word on top of a report: one rule over what verification found last.

use serde::Serialize;

use super::model::{Run, Totals, Verification};
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

/// A value that is not the file's is a reason to roll back; anything else that is not right is one to look at. Without a
/// comparison of values nothing is proven.
pub fn verdict(run: &Run, totals: &Totals, verification: &[Verification]) -> Verdict {
    let failed = |kind: &str| verification.iter().find(|v| v.kind == kind).map_or(0, |v| v.failed);
    let others: u64 = verification.iter().filter(|v| v.kind != "values").map(|v| v.failed).sum();
    let verified = verification.iter().any(|v| v.kind == "values");
    let word = match (failed("values"), others + totals.failed) {
        (1.., _) => Word::RollBack,
        (0, 1..) => Word::Investigate,
        (0, 0) if verified => Word::Pass,
        (0, 0) => Word::NotVerified,
    };
    let next = match word {
        Word::Pass => None,
        Word::RollBack => Some(format!("SELECT * FROM verify_differences(run => {});", run.id)),
        _ if verified => None,
        _ => Some(format!("SELECT * FROM verify_values(run => {});", run.id)),
    };
    Verdict { verdict: word, reasons: reasons(totals, verification, verified), next }
}

fn reasons(totals: &Totals, verification: &[Verification], verified: bool) -> Vec<String> {
    let mut reasons = vec![];
    if totals.failed > 0 {
        reasons.push(format!("{} failed.", count(totals.failed, "table", "tables")));
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
