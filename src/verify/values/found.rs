//! A row that is not as it should be, for whoever wants to know of it.

use std::fmt;

use super::Order;
use crate::pg::cursor::Cursor;
use crate::pg::relation::Attribute;
use crate::sqlite::ordered::Rows;
use crate::sqlite::rows::display;
use pg_sqlite_migrate_core::plan::LoadSpec;
use pg_sqlite_migrate_core::verify::sample::Key;
use pg_sqlite_migrate_core::verify::shown;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    Different,
    MissingInTarget,
    MissingInSource,
}

impl Kind {
    pub fn as_str(self) -> &'static str {
        match self {
            Kind::Different => "different",
            Kind::MissingInTarget => "missing in target",
            Kind::MissingInSource => "missing in source",
        }
    }
}

/// One thing that is not as it should be, for people.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Difference {
    pub key: String,
    /// The target column; `None` for a whole row.
    pub column: Option<String>,
    pub source: Option<String>,
    pub target: Option<String>,
    pub kind: Kind,
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
            _ => write!(f, "Row with {}: {}.", self.key, self.kind.as_str()),
        }
    }
}

/// Such a row, as it lies on the sides that have it.
pub struct Found<'r> {
    pub kind: Kind,
    pub spec: &'r LoadSpec,
    pub order: &'r Order,
    /// `None` for cells or values that can be no key.
    pub key: Option<&'r Key>,
    /// Another row of the table has the same key.
    pub doubled: bool,
    pub source: Option<(&'r Rows, usize)>,
    pub target: Option<&'r Cursor>,
    /// The columns whose values are different.
    pub columns: &'r [usize],
}

impl Found<'_> {
    /// The columns of the key with what the file has in them, or else the table.
    pub fn name(&self) -> String {
        let part = |column: &usize| {
            let of_spec = self.spec.columns.get(*column)?;
            Some(match (self.source, self.target) {
                (Some((rows, row)), _) => {
                    format!("{} = {}", of_spec.source, display(rows.cell(row, *column)))
                }
                (None, Some(target)) => {
                    format!("{} = {}", of_spec.target, shown::value(&target.value(*column)))
                }
                (None, None) => return None,
            })
        };
        self.order.columns.iter().filter_map(part).collect::<Vec<_>>().join(", ")
    }

    /// The difference in one column.
    pub fn of_column(&self, column: usize) -> Difference {
        let whole =
            Difference { key: self.name(), column: None, source: None, target: None, kind: self.kind };
        let (Some((rows, row)), Some(target), Some(of_spec)) =
            (self.source, self.target, self.spec.columns.get(column))
        else {
            return whole;
        };
        let (cell, value) = (rows.cell(row, column), target.value(column));
        let (stored, found) =
            shown::apart(cell, &value).unwrap_or_else(|| (display(cell), shown::value(&value)));
        Difference {
            column: Some(of_spec.target.clone()),
            source: Some(stored),
            target: Some(found),
            ..whole
        }
    }

    /// Every difference: one for the row, or one for each column.
    pub fn differences(&self) -> Vec<Difference> {
        match self.columns {
            [] => vec![Difference {
                key: self.name(),
                column: None,
                source: None,
                target: None,
                kind: self.kind,
            }],
            columns => columns.iter().map(|column| self.of_column(*column)).collect(),
        }
    }
}

/// How the rows of a table are about to be paired.
pub struct Begun<'b> {
    pub spec: &'b LoadSpec,
    pub attributes: &'b [Attribute],
    /// By the primary key of the file.
    pub by_primary: bool,
    /// So many rows that are missing in the target are only known by their number.
    pub unnamed: u64,
    /// So many rows that are missing in the source as well.
    pub others: u64,
}

/// Takes the rows of one table that are not as they should be, as they are found.
pub trait Sink {
    /// What was found of the table before does not count: its rows could not be paired in that way.
    fn begin(&mut self, begun: &Begun<'_>);

    fn row(&mut self, row: &Found<'_>);
}

/// Nobody wants to know.
impl Sink for () {
    fn begin(&mut self, _begun: &Begun<'_>) {}

    fn row(&mut self, _row: &Found<'_>) {}
}

/// Two do.
impl<A: Sink, B: Sink> Sink for (A, B) {
    fn begin(&mut self, begun: &Begun<'_>) {
        self.0.begin(begun);
        self.1.begin(begun);
    }

    fn row(&mut self, row: &Found<'_>) {
        self.0.row(row);
        self.1.row(row);
    }
}

impl<S: Sink> Sink for &mut S {
    fn begin(&mut self, begun: &Begun<'_>) {
        (**self).begin(begun);
    }

    fn row(&mut self, row: &Found<'_>) {
        (**self).row(row);
    }
}
