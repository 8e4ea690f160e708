//! What a comparison has counted, and its first differences.

use std::fmt;

use pg_sqlite_migrate_core::plan::LoadColumn;
use pg_sqlite_migrate_core::verify::back::{Normalisation, Verdict};

/// One thing that is not as it should be.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Difference {
    pub key: String,
    /// The target column; `None` for a whole row.
    pub column: Option<String>,
    pub source: Option<String>,
    pub target: Option<String>,
    pub kind: &'static str,
}

/// A sentence.
impl fmt::Display for Difference {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match (&self.column, &self.source, &self.target) {
            (Some(column), Some(source), Some(target)) => {
                write!(
                    f,
                    "Row with {}, column \"{column}\": the file has {source}, the table has {target}.",
                    self.key
                )
            }
            _ => write!(f, "Row with {}: {}.", self.key, self.kind),
        }
    }
}

/// Which side has no row.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Missing {
    InTarget,
    InSource,
}

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
    /// Why it was not compared.
    pub refused: Option<String>,
}

/// One table.
#[derive(Debug, Clone, Default)]
pub struct Tally {
    pub columns: Vec<ColumnTally>,
    pub missing_in_target: u64,
    pub missing_in_source: u64,
    /// The first row that only one side has: the file, or the table.
    first_missing: [Option<Difference>; 2],
    pub differences: Vec<Difference>,
    others: u64,
    limit: usize,
}

impl ColumnTally {
    pub fn compared(&self) -> u64 {
        self.equal + self.normalised() + self.different + self.unknown
    }

    pub fn normalised(&self) -> u64 {
        self.normalised.iter().sum()
    }
}

impl Tally {
    pub fn new(columns: &[LoadColumn], others: u64, limit: usize) -> Tally {
        let column = |column: &LoadColumn| ColumnTally {
            name: column.target.clone(),
            pg_type: column.pg_type.to_string(),
            ..ColumnTally::default()
        };
        Tally { columns: columns.iter().map(column).collect(), others, limit, ..Tally::default() }
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
            Verdict::Normalised(kind) => {
                let count =
                    Normalisation::ALL.iter().zip(&mut column.normalised).find(|(of, _)| **of == kind);
                count.into_iter().for_each(|(_, count)| *count += 1);
            }
            Verdict::Different => column.different += 1,
            Verdict::Unknown => column.unknown += 1,
        }
    }

    /// `named` gives the row's key and both values, which take long to print.
    pub fn different(&mut self, column: usize, named: impl FnOnce() -> (String, String, String)) {
        self.compared(column, Verdict::Different);
        let Some(column) = self.columns.get_mut(column) else { return };
        if column.first.is_some() && self.differences.len() >= self.limit {
            return;
        }
        let (key, source, target) = named();
        let difference = Difference {
            key,
            column: Some(column.name.clone()),
            source: Some(source),
            target: Some(target),
            kind: "different",
        };
        if self.differences.len() < self.limit {
            self.differences.push(difference.clone());
        }
        column.first.get_or_insert(difference);
    }

    pub fn missing(&mut self, missing: Missing, key: impl FnOnce() -> String) {
        let kind = match missing {
            Missing::InTarget => {
                self.missing_in_target += 1;
                "missing in target"
            }
            // Nobody can tell which rows come from elsewhere, only how many.
            Missing::InSource if self.others > 0 => return self.others -= 1,
            Missing::InSource => {
                self.missing_in_source += 1;
                "missing in source"
            }
        };
        let [in_target, in_source] = &mut self.first_missing;
        let first = if missing == Missing::InTarget { in_target } else { in_source };
        let listed = self.differences.len() < self.limit;
        if first.is_some() && !listed {
            return;
        }
        let difference = Difference { key: key(), column: None, source: None, target: None, kind };
        if listed {
            self.differences.push(difference.clone());
        }
        first.get_or_insert(difference);
    }

    /// The first row that only one side has.
    pub fn first_missing(&self) -> Option<&Difference> {
        self.first_missing.iter().flatten().next()
    }

    /// What an error names.
    pub fn first_difference(&self) -> Option<&Difference> {
        self.columns.iter().find_map(|column| column.first.as_ref()).or(self.first_missing())
    }

    /// Takes rows off that only their number accounts for: if no other row is missing, none of them is.
    pub fn finish(&mut self, unnamed: u64) {
        self.missing_in_target = self.missing_in_target.saturating_sub(unnamed);
        if self.missing_in_target == 0 {
            self.differences.retain(|difference| difference.kind != "missing in target");
            self.first_missing[0] = None;
        }
    }
}
