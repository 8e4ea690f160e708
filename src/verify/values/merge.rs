//! Merges the rows of a file with those of a table, which come in the same order.

use std::cmp::Ordering;

use super::absent::Absent;
use super::found::{Begun, Found, Kind, Sink};
use super::tally::{Extent, Tally};
use super::{Order, Pairing};
use crate::pg::cursor::Cursor;
use crate::sqlite::ordered::Rows;
use crate::sqlite::rows::display;
use pg_sqlite_migrate_core::plan::LoadSpec;
use pg_sqlite_migrate_core::value::Cell;
use pg_sqlite_migrate_core::verify::back::Verdict;
use pg_sqlite_migrate_core::verify::sample::{Key, Wanted};

/// Why rows could not be paired.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Stop {
    #[error("rows of the file cannot be told apart by the columns that both sides can be sorted by")]
    NotUnique,
    #[error("rows do not come in the same order on both sides")]
    Unordered,
    #[error("it has no column that both sides can be sorted by")]
    NoOrder,
    #[error("no column of it has values that can be compared")]
    NoForm,
    #[error("too many rows to compare")]
    TooMany,
}

/// Why the merge ended before its time.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum End {
    Impossible(Stop),
    /// As many differing rows were found as were to be.
    Enough,
}

pub struct Merge<'a> {
    cursor: &'a mut Cursor,
    pairing: &'a Pairing<'a>,
    order: &'a Order,
    /// Rows of the table with other keys are not looked at.
    wanted: Option<&'a Wanted>,
    stop_after: Option<u64>,
    begun: bool,
    /// The key of the table's row that has no pair yet.
    target: Option<Key>,
    /// The last key of the file's.
    source: Option<Key>,
    /// The columns of a row that are different.
    columns: Vec<usize>,
    tally: Tally,
    absent: &'a mut Absent,
    sink: &'a mut dyn Sink,
    end: Option<End>,
}

impl<'a> Merge<'a> {
    #[allow(clippy::too_many_arguments)]
    pub fn new(
        cursor: &'a mut Cursor,
        pairing: &'a Pairing<'a>,
        order: &'a Order,
        wanted: Option<&'a Wanted>,
        stop_after: Option<u64>,
        tally: Tally,
        absent: &'a mut Absent,
        sink: &'a mut dyn Sink,
    ) -> Merge<'a> {
        sink.begin(&Begun {
            spec: pairing.spec,
            attributes: &pairing.attributes,
            by_primary: order.primary,
            unnamed: absent.unnamed(),
            others: tally.others(),
        });
        Merge {
            cursor,
            pairing,
            order,
            wanted,
            stop_after,
            begun: false,
            target: None,
            source: None,
            columns: vec![],
            tally,
            absent,
            sink,
            end: None,
        }
    }

    /// Takes rows of the file, of which there may be none; `false` when no others are wanted.
    pub fn take(&mut self, rows: &Rows) -> bool {
        if !std::mem::replace(&mut self.begun, true) {
            self.advance();
        }
        for row in 0..rows.count() {
            if self.end.is_some() {
                return false;
            }
            self.take_row(rows, row);
        }
        self.end.is_none()
    }

    /// It has ended before its time.
    pub fn has_ended(&self) -> bool {
        self.end.is_some()
    }

    /// What is left of the table has no row in the file.
    pub fn finish(mut self) -> Result<Tally, Stop> {
        while self.end.is_none() && self.target.is_some() {
            self.missing_in_source();
            self.advance();
        }
        match self.end {
            Some(End::Impossible(stop)) => return Err(stop),
            Some(End::Enough) => {
                let differing = self.tally.rows_found(self.absent.unnamed());
                self.tally.extent = Extent::Stopped { differing };
            }
            None => {}
        }
        self.tally.finish(self.absent.unnamed());
        Ok(self.tally)
    }

    fn take_row(&mut self, rows: &Rows, row: usize) {
        let part = |column: &usize| self.pairing.ways.get(*column)?.key(rows.cell(row, *column));
        // A row whose key fits no value of the table's can have no pair.
        let Some(key) = self.order.columns.iter().map(part).collect::<Option<Key>>() else {
            return self.missing_in_target(rows, row, None);
        };
        match self.source.as_ref().map(|last| last.cmp(&key)) {
            Some(Ordering::Greater) => return self.end = Some(End::Impossible(Stop::Unordered)),
            Some(Ordering::Equal) if self.order.unique => {
                return self.end = Some(End::Impossible(Stop::NotUnique));
            }
            _ => {}
        }
        loop {
            match self.target.as_ref().map(|target| target.cmp(&key)) {
                Some(Ordering::Less) => self.missing_in_source(),
                Some(Ordering::Equal) => {
                    self.compare(rows, row, &key);
                    self.advance();
                    break;
                }
                Some(Ordering::Greater) | None => {
                    self.missing_in_target(rows, row, Some(&key));
                    break;
                }
            }
            self.advance();
            if self.end.is_some() {
                return;
            }
        }
        self.source = Some(key);
    }

    /// Goes on to the table's next row.
    fn advance(&mut self) {
        let last = self.target.take();
        while self.end.is_none() && self.cursor.advance() {
            let part = |column: &usize| self.pairing.ways.get(*column)?.key_of(&self.cursor.value(*column));
            let Some(key) = self.order.columns.iter().map(part).collect::<Option<Key>>() else {
                // No cell can become such a value.
                self.missing_in_source();
                continue;
            };
            if self.wanted.is_some_and(|wanted| !wanted.takes(&key)) {
                continue;
            }
            if last.is_some_and(|last| last > key) {
                self.end = Some(End::Impossible(Stop::Unordered));
            }
            self.target = Some(key);
            return;
        }
    }

    fn compare(&mut self, rows: &Rows, row: usize, key: &Key) {
        self.columns.clear();
        self.tally.paired += 1;
        for (column, way) in self.pairing.ways.iter().enumerate() {
            let verdict = way.compare(rows.cell(row, column), &self.cursor.value(column));
            match verdict {
                Verdict::Different => self.columns.push(column),
                verdict => self.tally.compared(column, verdict),
            }
        }
        if self.columns.is_empty() {
            return;
        }
        self.tally.differing += 1;
        let found = Found {
            kind: Kind::Different,
            spec: self.pairing.spec,
            order: self.order,
            key: Some(key),
            doubled: false,
            source: Some((rows, row)),
            target: Some(&*self.cursor),
            columns: &self.columns,
        };
        for column in &self.columns {
            self.tally.different(*column, || found.of_column(*column));
        }
        self.sink.row(&found);
        self.look_whether_enough();
    }

    fn missing_in_target(&mut self, rows: &Rows, row: usize, key: Option<&Key>) {
        let cells = |column: usize| rows.cell(row, column);
        if self.absent.accounts_for(self.pairing.spec, rows.rowid(row), cells) {
            return;
        }
        let found = Found {
            kind: Kind::MissingInTarget,
            spec: self.pairing.spec,
            order: self.order,
            key,
            doubled: false,
            source: Some((rows, row)),
            target: None,
            columns: &[],
        };
        if self.tally.missing(found.kind, || found.of_column(0)) {
            self.sink.row(&found);
        }
        self.look_whether_enough();
    }

    fn missing_in_source(&mut self) {
        let found = Found {
            kind: Kind::MissingInSource,
            spec: self.pairing.spec,
            order: self.order,
            key: self.target.as_ref(),
            doubled: self.target.is_some() && self.target == self.source,
            source: None,
            target: Some(&*self.cursor),
            columns: &[],
        };
        if self.tally.missing(found.kind, || found.of_column(0)) {
            self.sink.row(&found);
        }
        self.look_whether_enough();
    }

    fn look_whether_enough(&mut self) {
        let found = self.tally.rows_found(self.absent.unnamed());
        if self.stop_after.is_some_and(|limit| found >= limit) {
            self.end.get_or_insert(End::Enough);
        }
    }
}

/// As the run log names a row that has no rowid.
pub fn logged_name<'c>(spec: &LoadSpec, cell: impl Fn(usize) -> Cell<'c>) -> String {
    let part = |name: &String| {
        let at = spec.columns.iter().position(|column| column.source.eq_ignore_ascii_case(name))?;
        Some(format!("{} = {}", spec.columns.get(at)?.source, display(cell(at))))
    };
    spec.source_key.iter().filter_map(part).collect::<Vec<_>>().join(", ")
}
