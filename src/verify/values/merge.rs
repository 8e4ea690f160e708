//! Merges the rows of a file with those of a table, which come in the same order.

use std::cmp::Ordering;

use super::absent::Absent;
use super::tally::{Missing, Tally};
use crate::pg::cursor::Cursor;
use crate::sqlite::ordered::Rows;
use crate::sqlite::rows::display;
use pg_sqlite_migrate_core::plan::LoadSpec;
use pg_sqlite_migrate_core::value::Cell;
use pg_sqlite_migrate_core::verify::back::{Verdict, Way};
use pg_sqlite_migrate_core::verify::shown;

/// Why rows could not be paired.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Stop {
    #[error("rows of the file cannot be told apart by the columns that both sides can be sorted by")]
    NotUnique,
    #[error("rows do not come in the same order on both sides")]
    Unordered,
    #[error("it has no column that both sides can be sorted by")]
    NoOrder,
}

/// One part for each column of the key; NULL sorts first.
type Key = Vec<Option<Vec<u8>>>;

pub struct Merge<'a> {
    cursor: &'a mut Cursor,
    spec: &'a LoadSpec,
    ways: &'a [Way],
    key: &'a [usize],
    unique: bool,
    /// The key of the table's row that has no pair yet.
    target: Option<Key>,
    /// The last key of the file's.
    source: Option<Key>,
    tally: Tally,
    absent: &'a mut Absent,
    stop: Option<Stop>,
}

impl<'a> Merge<'a> {
    pub fn new(
        cursor: &'a mut Cursor,
        spec: &'a LoadSpec,
        ways: &'a [Way],
        key: &'a [usize],
        unique: bool,
        tally: Tally,
        absent: &'a mut Absent,
    ) -> Merge<'a> {
        let mut merge =
            Merge { cursor, spec, ways, key, unique, target: None, source: None, tally, absent, stop: None };
        merge.advance();
        merge
    }

    /// Takes rows of the file; `false` if they cannot be paired.
    pub fn take(&mut self, rows: &Rows) -> bool {
        for row in 0..rows.count() {
            if self.stop.is_some() {
                return false;
            }
            self.take_row(rows, row);
        }
        self.stop.is_none()
    }

    /// Why the rows cannot be paired, if that is so.
    pub fn stopped(&self) -> Option<Stop> {
        self.stop
    }

    /// What is left of the table has no row in the file.
    pub fn finish(mut self) -> Result<Tally, Stop> {
        while self.stop.is_none() && self.target.is_some() {
            self.missing_in_source();
            self.advance();
        }
        match self.stop {
            Some(stop) => Err(stop),
            None => {
                self.tally.finish(self.absent.unnamed());
                Ok(self.tally)
            }
        }
    }

    fn take_row(&mut self, rows: &Rows, row: usize) {
        let part = |column: &usize| self.ways.get(*column)?.key(rows.cell(row, *column));
        // A row whose key fits no value of the table's can have no pair.
        let Some(key) = self.key.iter().map(part).collect::<Option<Key>>() else {
            return self.missing_in_target(rows, row);
        };
        match self.source.as_ref().map(|last| last.cmp(&key)) {
            Some(Ordering::Greater) => return self.stop = Some(Stop::Unordered),
            Some(Ordering::Equal) if self.unique => return self.stop = Some(Stop::NotUnique),
            _ => {}
        }
        loop {
            match self.target.as_ref().map(|target| target.cmp(&key)) {
                Some(Ordering::Less) => self.missing_in_source(),
                Some(Ordering::Equal) => {
                    self.compare(rows, row);
                    self.advance();
                    break;
                }
                Some(Ordering::Greater) | None => {
                    self.missing_in_target(rows, row);
                    break;
                }
            }
            self.advance();
            if self.stop.is_some() {
                return;
            }
        }
        self.source = Some(key);
    }

    /// Goes on to the table's next row.
    fn advance(&mut self) {
        let last = self.target.take();
        while self.cursor.advance() {
            let part = |column: &usize| self.ways.get(*column)?.key_of(&self.cursor.value(*column));
            let Some(key) = self.key.iter().map(part).collect::<Option<Key>>() else {
                // No cell can become such a value.
                self.missing_in_source();
                continue;
            };
            if last.is_some_and(|last| last > key) {
                self.stop = Some(Stop::Unordered);
            }
            self.target = Some(key);
            return;
        }
    }

    fn compare(&mut self, rows: &Rows, row: usize) {
        for (column, way) in self.ways.iter().enumerate() {
            let (cell, value) = (rows.cell(row, column), self.cursor.value(column));
            let verdict = way.compare(cell, &value);
            let named = || (name(self.spec, self.key, rows, row), display(cell), shown::value(&value));
            match verdict {
                Verdict::Different => self.tally.different(column, named),
                verdict => self.tally.compared(column, verdict),
            }
        }
    }

    fn missing_in_target(&mut self, rows: &Rows, row: usize) {
        let cells = |column: usize| rows.cell(row, column);
        if !self.absent.accounts_for(self.spec, rows.rowid(row), cells) {
            self.tally.missing(Missing::InTarget, || name(self.spec, self.key, rows, row));
        }
    }

    fn missing_in_source(&mut self) {
        let part = |column: &usize| {
            Some(format!(
                "{} = {}",
                self.spec.columns.get(*column)?.target,
                shown::value(&self.cursor.value(*column))
            ))
        };
        self.tally
            .missing(Missing::InSource, || self.key.iter().filter_map(part).collect::<Vec<_>>().join(", "));
    }
}

/// The columns of the key with what the file has in them.
fn name(spec: &LoadSpec, key: &[usize], rows: &Rows, row: usize) -> String {
    let part = |column: &usize| {
        Some(format!("{} = {}", spec.columns.get(*column)?.source, display(rows.cell(row, *column))))
    };
    key.iter().filter_map(part).collect::<Vec<_>>().join(", ")
}

/// As the run log names a row that has no rowid.
pub fn logged_name<'c>(spec: &LoadSpec, cell: impl Fn(usize) -> Cell<'c>) -> String {
    let part = |name: &String| {
        let at = spec.columns.iter().position(|column| column.source.eq_ignore_ascii_case(name))?;
        Some(format!("{} = {}", spec.columns.get(at)?.source, display(cell(at))))
    };
    spec.source_key.iter().filter_map(part).collect::<Vec<_>>().join(", ")
}
