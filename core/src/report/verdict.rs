//! The word on top of a report: the rules of `migration_verdict`, over what verifications found last.

use serde::Serialize;

use super::model::{Run, Table, Totals, Verification, Verified};
use super::words::{count, list};
use crate::progress::grouped;
use crate::verify::verdict::{self as rules, Found, Ground, THRESHOLD, judge};

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
    #[serde(rename = "rolled back")]
    RolledBack,
}

impl Word {
    pub fn as_str(self) -> &'static str {
        match self {
            Word::Pass => "pass",
            Word::Investigate => "investigate",
            Word::RollBack => "roll back",
            Word::NotVerified => "not verified",
            Word::RolledBack => "rolled back",
        }
    }
}

impl From<rules::Verdict> for Word {
    fn from(verdict: rules::Verdict) -> Word {
        match verdict {
            rules::Verdict::Pass => Word::Pass,
            rules::Verdict::Investigate => Word::Investigate,
            rules::Verdict::RollBack => Word::RollBack,
        }
    }
}

/// Without a comparison of values nothing is proven.
pub fn verdict(run: &Run, tables: &[Table], totals: &Totals, verification: &[Verification]) -> Verdict {
    if run.status == "rolled back" {
        let reasons = vec!["What the run made is not there any more.".to_owned()];
        return Verdict { verdict: Word::RolledBack, reasons, next: None };
    }
    let grounds = grounds(tables, totals, verification);
    let lost = grounds.iter().any(|f| matches!(f.ground, Ground::ValuesDifferent | Ground::RowsMissing));
    let verified = verification.iter().any(|of_kind| of_kind.kind == "values");
    let rows = u64::try_from(totals.source_rows).unwrap_or(0);
    let (word, said) = judge(grounds, rows, THRESHOLD);
    let word = match Word::from(word) {
        Word::Pass if !verified => Word::NotVerified,
        word => word,
    };
    let next = match word {
        Word::Pass => None,
        _ if lost => Some(format!("SELECT * FROM verify_differences(run => {});", run.id)),
        _ if verified => None,
        _ => Some(call(run)),
    };
    let mut reasons: Vec<String> = said.into_iter().map(|reason| format!("{reason}.")).collect();
    reasons.extend(proven(verification, verified));
    Verdict { verdict: word, reasons, next }
}

/// What `migration_verdict` would find, as far as the log tells.
fn grounds(tables: &[Table], totals: &Totals, verification: &[Verification]) -> Vec<Found> {
    let results = |kind: &'static str| {
        verification.iter().filter(move |v| v.kind == kind).flat_map(|of_kind| &of_kind.results)
    };
    let mut found = vec![];
    let mut say = |ground, count: u64, words, names: Vec<String>| {
        found.extend(Found::of(ground, count, words, &names));
    };
    let wrong = |kind, is: &dyn Fn(&Verified) -> bool| -> Vec<String> {
        results(kind).filter(|result| is(result)).map(Verified::name).collect()
    };
    let different = results("values").map(different).sum();
    let names = wrong("values", &|result| self::different(result) > 0);
    say(Ground::ValuesDifferent, different, ["value differs", "values differ"], names);
    let rows = |of: fn(&Rows) -> u64| -> (u64, Vec<String>) {
        let tables = tables.iter().map(|table| (table, of(&Rows::of(table, &results))));
        let tables: Vec<_> = tables.filter(|(_, rows)| *rows > 0).collect();
        let names = tables.iter().map(|(table, _)| format!("{}.{}", table.schema, table.table)).collect();
        (tables.iter().map(|(_, rows)| rows).sum(), names)
    };
    let (missing, names) = rows(|rows| rows.missing);
    say(Ground::RowsMissing, missing, ["row is missing", "rows are missing"], names);
    let (added, names) = rows(|rows| rows.added);
    say(Ground::RowsAdded, added, ["row was added", "rows were added"], names);
    let rejected = totals.rejected.unsigned_abs();
    say(Ground::RowsRejected, rejected, ["row was rejected", "rows were rejected"], vec![]);
    say(Ground::TablesUnloaded, totals.failed, ["table was not loaded", "tables were not loaded"], vec![]);
    for (ground, kind, words, is) in OBJECTS {
        let names = wrong(kind, is);
        say(*ground, names.len() as u64, *words, names);
    }
    found
}

/// Values that are not the file's. What is not right and says no number is one.
fn different(result: &Verified) -> u64 {
    let missing = result.count("missing_in_target") + result.count("missing_in_source");
    match result.count("different") {
        0 if !result.ok && missing == 0 && result.verdict != "not compared" => 1,
        count => count,
    }
}

type Object = (Ground, &'static str, [&'static str; 2], fn(&Verified) -> bool);

/// What each object that was looked at may say, by kind and the verdict in the log.
const OBJECTS: &[Object] = &[
    (
        Ground::TablesNotCounted,
        "counts",
        ["table could not be counted", "tables could not be counted"],
        |result| result.verdict == "not counted",
    ),
    (
        Ground::ValuesNotCompared,
        "values",
        ["column or table was not compared", "columns or tables were not compared"],
        |result| result.verdict == "not compared",
    ),
    (
        Ground::ConstraintsBroken,
        "constraints",
        ["object is broken by rows", "objects are broken by rows"],
        |result| result.verdict == "broken",
    ),
    (
        Ground::ConstraintsNotInForce,
        "constraints",
        ["object is not in force", "objects are not in force"],
        |result| !result.ok && !matches!(&*result.verdict, "broken" | "not proven"),
    ),
    (
        Ground::ConstraintsNotProven,
        "constraints",
        ["object was not proven", "objects were not proven"],
        |result| result.verdict == "not proven",
    ),
    (
        Ground::SequencesBehind,
        "sequences",
        ["sequence is behind or gone", "sequences are behind or gone"],
        |result| !result.ok,
    ),
    (Ground::ObjectsLeftOut, "constraints", ["object was left out", "objects were left out"], |result| {
        result.verdict == "left out"
    }),
];

/// Rows of a table that two looks have missed, or found beyond what was loaded: a comparison tells more than a count.
struct Rows {
    missing: u64,
    added: u64,
}

impl Rows {
    fn of<'v, R: Iterator<Item = &'v Verified>>(table: &Table, results: &impl Fn(&'static str) -> R) -> Rows {
        let of_table = |result: &&Verified| {
            (&table.schema, &table.table) == (&result.schema, &result.table) && !result.ok
        };
        let most = |name| results("values").filter(of_table).map(|result| result.count(name)).max();
        let (missing, added) = (most("missing_in_target"), most("missing_in_source"));
        let wanted = table.rows_before.saturating_add(table.imported);
        let counted = results("counts").filter(of_table).find(|result| result.verdict != "not counted");
        let source = table.source_rows.filter(|_| counted.is_some());
        let loaded = [table.imported, table.updated, table.skipped, table.rejected].iter().sum::<i64>();
        let unaccounted = source.map_or(0, |source| (source - loaded).max(0).unsigned_abs());
        let there = counted.map(|result| i64::try_from(result.count("target_rows")).unwrap_or(i64::MAX));
        let difference = there.map_or(0, |there| wanted.saturating_sub(there));
        let [fewer, more] = [difference, -difference].map(|rows| u64::try_from(rows).unwrap_or(0));
        Rows { missing: missing.unwrap_or(0).max(fewer + unaccounted), added: added.unwrap_or(0).max(more) }
    }
}

/// What verifies everything of a run.
pub fn call(run: &Run) -> String {
    format!("SELECT * FROM migration_verdict(run => {});", run.id)
}

fn proven(verification: &[Verification], verified: bool) -> Vec<String> {
    let sound: Vec<String> = verification.iter().filter(|v| v.failed == 0).map(objects).collect();
    let mut reasons = vec![];
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
