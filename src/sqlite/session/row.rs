//! One row: SQLite's current row, or a copy in memory.
#![deny(clippy::disallowed_methods)]

use std::ops::Range;

use crate::sqlite::raw::scan::ScannedRow;
use pg_sqlite_migrate_core::value::Cell;
use pg_sqlite_migrate_core::value::buffer;
use pg_sqlite_migrate_core::value::buffer::{Buffer, OutOfMemory};

/// Copies of rows. Text stays as it is stored, UTF-8 or not.
#[derive(Debug, Default)]
pub struct KeptRows {
    width: usize,
    rows: usize,
    cells: Vec<KeptCell>,
    /// The bytes of all texts and blobs.
    bytes: Buffer,
}

#[derive(Debug, Clone)]
enum KeptCell {
    Null,
    Integer(i64),
    Real(f64),
    Text(Range<usize>),
    Blob(Range<usize>),
}

impl KeptRows {
    /// Appends a copy.
    pub fn push(&mut self, row: RowView<'_>) -> Result<(), OutOfMemory> {
        self.width = row.width();
        for at in 0..self.width {
            let cell = match row.cell(at)? {
                Cell::Null => KeptCell::Null,
                Cell::Integer(i) => KeptCell::Integer(i),
                Cell::Real(r) => KeptCell::Real(r),
                Cell::Text(bytes) => KeptCell::Text(self.keep(bytes)?),
                Cell::Blob(bytes) => KeptCell::Blob(self.keep(bytes)?),
            };
            buffer::push(&mut self.cells, cell)?;
        }
        self.rows += 1;
        Ok(())
    }

    fn keep(&mut self, bytes: &[u8]) -> Result<Range<usize>, OutOfMemory> {
        let start = self.bytes.len();
        self.bytes.extend(bytes)?;
        Ok(start..self.bytes.len())
    }

    pub fn row(&self, number: usize) -> Option<RowView<'_>> {
        (number < self.rows).then_some(RowView(Place::Kept(self, number)))
    }

    fn cell(&self, row: usize, at: usize) -> Cell<'_> {
        let bytes = |range: &Range<usize>| self.bytes.bytes().get(range.clone()).unwrap_or_default();
        match self.cells.get(row * self.width + at).filter(|_| at < self.width) {
            None | Some(KeptCell::Null) => Cell::Null,
            Some(KeptCell::Integer(i)) => Cell::Integer(*i),
            Some(KeptCell::Real(r)) => Cell::Real(*r),
            Some(KeptCell::Text(range)) => Cell::Text(bytes(range)),
            Some(KeptCell::Blob(range)) => Cell::Blob(bytes(range)),
        }
    }
}

/// A row, wherever it is.
#[derive(Clone, Copy)]
pub struct RowView<'a>(Place<'a>);

#[derive(Clone, Copy)]
enum Place<'a> {
    Live(ScannedRow<'a>),
    /// A row by its number.
    Kept(&'a KeptRows, usize),
}

impl<'a> RowView<'a> {
    pub(super) fn live(row: ScannedRow<'a>) -> RowView<'a> {
        RowView(Place::Live(row))
    }

    fn width(&self) -> usize {
        match &self.0 {
            Place::Live(row) => row.width(),
            Place::Kept(rows, _) => rows.width,
        }
    }

    /// An error if SQLite has no memory for the value.
    #[inline]
    pub fn cell(&self, at: usize) -> Result<Cell<'a>, OutOfMemory> {
        match self.0 {
            Place::Live(row) => row.cell(at),
            Place::Kept(rows, row) => Ok(rows.cell(row, at)),
        }
    }
}
