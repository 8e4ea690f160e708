//! Whether a migration can go live, from what its verification has found. One table of rules, which docs/reference.md
//! repeats.

use std::fmt::Write;

use crate::finding::counted;

/// What the caller does next.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Verdict {
    Pass,
    Investigate,
    RollBack,
}

impl Verdict {
    pub fn as_str(self) -> &'static str {
        match self {
            Verdict::Pass => "pass",
            Verdict::Investigate => "investigate",
            Verdict::RollBack => "roll back",
        }
    }
}

/// What may speak against a migration.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Ground {
    ValuesDifferent,
    RowsMissing,
    RowsAdded,
    RowsRejected,
    TablesUnloaded,
    TablesNotCounted,
    ValuesNotCompared,
    ValuesUnproven,
    ConstraintsBroken,
    ConstraintsNotInForce,
    ConstraintsNotProven,
    ConstraintsUnproven,
    SequencesBehind,
    ObjectsLeftOut,
}

/// How much a ground weighs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Weight {
    /// One is too much.
    RollBack,
    /// Investigate up to the threshold, as a share of the source's rows; roll back above it.
    Share,
    Investigate,
    /// Said, and nothing else.
    Note,
}

/// Every ground with its weight, and what it is about.
pub const RULES: &[(Ground, Weight, &str)] = &[
    (Ground::ValuesDifferent, Weight::RollBack, "a value differs from the file's"),
    (Ground::RowsMissing, Weight::RollBack, "a row is missing and accounted for nowhere, or its table is"),
    (
        Ground::RowsAdded,
        Weight::Share,
        "rows are in a table that neither the file nor the time before the run has",
    ),
    (Ground::RowsRejected, Weight::Share, "rows were rejected, each with its values in the run log"),
    (Ground::TablesUnloaded, Weight::Investigate, "a table was left out because its load failed"),
    (Ground::TablesNotCounted, Weight::Investigate, "the caller cannot count a table's rows"),
    (Ground::ValuesNotCompared, Weight::Investigate, "values or tables could not be compared"),
    (
        Ground::ValuesUnproven,
        Weight::Investigate,
        "the file cannot be read any more, so no value is compared",
    ),
    (Ground::ConstraintsBroken, Weight::Investigate, "rows break what the file declares"),
    (
        Ground::ConstraintsNotInForce,
        Weight::Investigate,
        "what the file declares is missing, another one, invalid, disabled or not validated",
    ),
    (
        Ground::ConstraintsNotProven,
        Weight::Investigate,
        "the caller cannot count which rows break a constraint",
    ),
    (
        Ground::ConstraintsUnproven,
        Weight::Investigate,
        "the file cannot be read any more, so no constraint is compared",
    ),
    (
        Ground::SequencesBehind,
        Weight::Investigate,
        "the next number of a sequence is in use, or a sequence is gone",
    ),
    (
        Ground::ObjectsLeftOut,
        Weight::Note,
        "the plan or a finding says why an object of the file is not there",
    ),
];

/// The share of the source's rows above which a difference is too much.
pub const THRESHOLD: f64 = 0.01;

/// A ground that was found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Found {
    pub ground: Ground,
    /// Rows, values, tables or objects.
    pub count: u64,
    /// `12 rows were rejected: public.users`
    pub said: String,
}

impl Found {
    /// `None` where there is nothing. `one` and `many` are the words after the number; the names of the first few are
    /// appended.
    pub fn of(ground: Ground, count: u64, [one, many]: [&str; 2], names: &[String]) -> Option<Found> {
        if count == 0 {
            return None;
        }
        let mut said = counted(count, one, many);
        let shown = names.iter().take(NAMED).cloned().collect::<Vec<_>>().join(", ");
        if !shown.is_empty() {
            let more = if names.len() > NAMED { ", …" } else { "" };
            // Writing to a String does not fail.
            _ = write!(said, ": {shown}{more}");
        }
        Some(Found { ground, count, said })
    }
}

const NAMED: usize = 3;

/// The verdict and its reasons, the gravest first.
pub fn judge(found: Vec<Found>, source_rows: u64, threshold: f64) -> (Verdict, Vec<String>) {
    let mut grave: Vec<(Verdict, String)> =
        found.into_iter().map(|found| weigh(found, source_rows, threshold)).collect();
    grave.sort_by_key(|(verdict, _)| std::cmp::Reverse(*verdict));
    let verdict = grave.first().map_or(Verdict::Pass, |(verdict, _)| *verdict);
    (verdict, grave.into_iter().map(|(_, reason)| reason).collect())
}

fn weigh(found: Found, source_rows: u64, threshold: f64) -> (Verdict, String) {
    let weight = RULES.iter().find(|(ground, ..)| *ground == found.ground).map(|(_, weight, _)| *weight);
    match weight {
        Some(Weight::RollBack) => (Verdict::RollBack, found.said),
        Some(Weight::Share) => {
            let share = if source_rows == 0 { 1.0 } else { found.count as f64 / source_rows as f64 };
            let verdict = if share > threshold { Verdict::RollBack } else { Verdict::Investigate };
            let above = if share > threshold { "above" } else { "within" };
            (
                verdict,
                format!(
                    "{} ({:.3} % of the source's rows, {above} the threshold)",
                    found.said,
                    share * 100.0
                ),
            )
        }
        Some(Weight::Investigate) | None => (Verdict::Investigate, found.said),
        Some(Weight::Note) => (Verdict::Pass, found.said),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn found(ground: Ground, count: u64) -> Option<Found> {
        Found::of(ground, count, ["row", "rows"], &["public.t".into()])
    }

    fn verdict(grounds: &[(Ground, u64)], rows: u64) -> Verdict {
        judge(grounds.iter().filter_map(|(g, n)| found(*g, *n)).collect(), rows, THRESHOLD).0
    }

    #[test]
    fn a_lost_or_changed_value_is_too_much_and_a_rejected_row_is_weighed() {
        use Ground::*;
        for (grounds, rows, wanted) in [
            (&[][..], 1000, Verdict::Pass),
            (&[(ValuesDifferent, 0)], 1000, Verdict::Pass),
            (&[(ValuesDifferent, 1)], 1_000_000, Verdict::RollBack),
            (&[(RowsMissing, 1)], 1_000_000, Verdict::RollBack),
            (&[(RowsRejected, 10)], 1000, Verdict::Investigate),
            (&[(RowsRejected, 11)], 1000, Verdict::RollBack),
            (&[(RowsAdded, 1)], 0, Verdict::RollBack),
            (&[(ConstraintsNotInForce, 500)], 1, Verdict::Investigate),
            (&[(SequencesBehind, 1), (RowsMissing, 1)], 1, Verdict::RollBack),
            (&[(ObjectsLeftOut, 17)], 1, Verdict::Pass),
        ] {
            assert_eq!(verdict(grounds, rows), wanted, "{grounds:?}");
        }
    }

    #[test]
    fn reasons_name_what_they_are_about_the_gravest_first() {
        let found = [
            Found::of(Ground::RowsRejected, 2, ["row was rejected", "rows were rejected"], &["a".into()]),
            Found::of(
                Ground::RowsMissing,
                1,
                ["row is missing", "rows are missing"],
                &["a", "b", "c", "d"].map(String::from),
            ),
        ];
        let (_, reasons) = judge(found.into_iter().flatten().collect(), 1000, THRESHOLD);
        assert_eq!(
            reasons,
            [
                "1 row is missing: a, b, c, …",
                "2 rows were rejected: a (0.200 % of the source's rows, within the threshold)"
            ]
        );
    }

    #[test]
    fn the_reference_has_every_rule() {
        let reference = include_str!("../../../docs/reference.md");
        for (_, weight, what) in RULES {
            let weight = match weight {
                Weight::RollBack => "`roll back`",
                Weight::Share => "`investigate`, above the threshold `roll back`",
                Weight::Investigate => "`investigate`",
                Weight::Note => "`pass`",
            };
            let row = format!("| {what} | {weight} |");
            assert!(reference.contains(&row), "docs/reference.md has no row {row}");
        }
    }
}
