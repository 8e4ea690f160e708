//! What a comparison has counted of one table, and its first differences.

use std::collections::HashMap;

use super::found::{Difference, Kind};
use pg_sqlite_migrate_core::plan::LoadColumn;
use pg_sqlite_migrate_core::verify::back::{Normalisation, Verdict};

/// The cells of one column.
#[derive(Debug, Clone, Default)]
pub struct ColumnTally {
    pub name: String,
    pub pg_type: String,
    pub equal: u64,
    pub normalised: [u64; Normalisation::ALL.len()],
    pub different: u64,
    /// Only the type's own functions can tell.
    pub unknown: u64,
    pub first: Option<Difference>,
    /// Of the different ones, those that are more than the run has made others.
    pub beyond: u64,
    /// Why it was not compared.
    pub refused: Option<String>,
    /// It was compared up to its last digits, which each side computes by itself.
    pub approximate: bool,
}

/// How much of a table was compared.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Extent {
    #[default]
    Whole,
    /// Some rows, drawn by chance.
    Sample,
    /// All, though a sample was asked for: no key is there to draw rows by.
    Unsampled,
    /// As many differing rows were found as were to be.
    Stopped { differing: u64 },
    /// The rows that were different before.
    Again,
}

/// One table.
#[derive(Debug, Clone, Default)]
pub struct Tally {
    pub columns: Vec<ColumnTally>,
    pub extent: Extent,
    /// No key pairs the rows: each was compared as a whole.
    pub unpaired: bool,
    /// Rows that are on both sides.
    pub paired: u64,
    /// Rows of which a value is different.
    pub differing: u64,
    pub missing_in_target: u64,
    pub missing_in_source: u64,
    /// Rows that were there before the run and are there no more.
    pub lost: u64,
    /// The first row that only one side has: the file, or the table.
    first_missing: [Option<Difference>; 2],
    others: u64,
    /// What the run has counted; `None` without a run.
    believed: Option<Believed>,
}

/// How many values of each column the run has made others, by the column's name. What is NULL for a reason that the cell
/// does not tell is believed to be one of these.
#[derive(Debug, Clone, Default)]
pub struct Believed(pub HashMap<String, HashMap<String, u64>>);

impl Believed {
    fn of(&self, column: &str, kinds: &[Normalisation]) -> u64 {
        let counts = self.0.get(column);
        kinds.iter().filter_map(|kind| counts?.get(kind.as_str())).sum()
    }
}

/// Kinds of which only the run knows, those that one reason can be taken for another's together.
const TOLD: [&[Normalisation]; 2] =
    [&[Normalisation::InvalidNull, Normalisation::Orphan], &[Normalisation::Defaulted]];

impl ColumnTally {
    pub fn compared(&self) -> u64 {
        self.equal + self.normalised() + self.different + self.unknown
    }

    pub fn normalised(&self) -> u64 {
        self.normalised.iter().sum()
    }

    fn count(&mut self, kind: Normalisation) -> Option<&mut u64> {
        Normalisation::ALL
            .iter()
            .zip(&mut self.normalised)
            .find(|(of, _)| **of == kind)
            .map(|(_, count)| count)
    }

    /// Values beyond those that the run has made others are different: which ones, nobody can tell.
    fn believe(&mut self, believed: &Believed) {
        for kinds in TOLD {
            let most = believed.of(&self.name, kinds);
            let mut beyond: u64 = kinds
                .iter()
                .map(|kind| self.count(*kind).map_or(0, |count| *count))
                .sum::<u64>()
                .saturating_sub(most);
            self.different += beyond;
            self.beyond += beyond;
            for kind in kinds {
                if let Some(count) = self.count(*kind) {
                    let taken = beyond.min(*count);
                    (*count, beyond) = (*count - taken, beyond - taken);
                }
            }
        }
    }
}

impl Tally {
    /// `others` rows of the table come from elsewhere.
    pub fn new(columns: &[LoadColumn], others: u64, believed: Option<Believed>, extent: Extent) -> Tally {
        let column = |column: &LoadColumn| ColumnTally {
            name: column.target.clone(),
            pg_type: column.pg_type.to_string(),
            ..ColumnTally::default()
        };
        Tally { columns: columns.iter().map(column).collect(), others, believed, extent, ..Tally::default() }
    }

    /// Rows of the table that come from elsewhere, and are not counted yet.
    pub fn others(&self) -> u64 {
        self.others
    }

    /// Lists a column that was not compared.
    pub fn refuse(&mut self, name: &str, reason: &str) {
        let refused = Some(reason.to_owned());
        self.columns.push(ColumnTally { name: name.to_owned(), refused, ..ColumnTally::default() });
    }

    pub fn compared(&mut self, column: usize, verdict: Verdict) {
        let Some(column) = self.columns.get_mut(column) else { return };
        match verdict {
            Verdict::Equal => column.equal += 1,
            Verdict::Normalised(kind) => column.count(kind).into_iter().for_each(|count| *count += 1),
            Verdict::Different => column.different += 1,
            Verdict::Unknown => column.unknown += 1,
        }
    }

    /// `named` gives the difference, which takes long to print.
    pub fn different(&mut self, column: usize, named: impl FnOnce() -> Difference) {
        self.compared(column, Verdict::Different);
        if let Some(column) = self.columns.get_mut(column) {
            column.first.get_or_insert_with(named);
        }
    }

    /// Counts a row that only one side has; `false` for one that comes from elsewhere.
    pub fn missing(&mut self, kind: Kind, named: impl FnOnce() -> Difference) -> bool {
        let [in_target, in_source] = &mut self.first_missing;
        let first = match kind {
            // Nobody can tell which rows come from elsewhere, only how many.
            Kind::MissingInSource if self.others > 0 => {
                self.others -= 1;
                return false;
            }
            Kind::MissingInSource => {
                self.missing_in_source += 1;
                in_source
            }
            Kind::MissingInTarget | Kind::Different => {
                self.missing_in_target += 1;
                in_target
            }
        };
        first.get_or_insert_with(named);
        true
    }

    /// Rows that are not as they should be, but for `unnamed` that only their number accounts for.
    pub fn rows_found(&self, unnamed: u64) -> u64 {
        self.differing + self.missing_in_target.saturating_sub(unnamed) + self.missing_in_source
    }

    /// The first row that only one side has.
    pub fn first_missing(&self) -> Option<&Difference> {
        self.first_missing.iter().flatten().next()
    }

    /// What is wrong, as a sentence.
    pub fn problem(&self) -> Option<String> {
        let first = self.columns.iter().find_map(|column| column.first.as_ref()).or(self.first_missing());
        let beyond = self.columns.iter().find(|column| column.beyond > 0);
        let beyond = beyond.map(|column| {
            format!(
                "Column \"{}\": values that the import has not made NULL or a default: {}.",
                column.name, column.beyond
            )
        });
        first.map(Difference::to_string).or(beyond).or_else(|| {
            (self.lost > 0)
                .then(|| format!("Rows that were there before the import: {} are missing.", self.lost))
        })
    }

    /// Takes rows off that only their number accounts for: if no other row is missing, none of them is.
    pub fn finish(&mut self, unnamed: u64) {
        self.missing_in_target = self.missing_in_target.saturating_sub(unnamed);
        if self.missing_in_target == 0 {
            self.first_missing[0] = None;
        }
        if let Some(believed) = self.believed.take() {
            self.columns.iter_mut().for_each(|column| column.believe(&believed));
        }
        if matches!(self.extent, Extent::Whole | Extent::Unsampled) {
            self.lost = self.others;
        }
    }
}
