//! One row: in SQLite's hands, or a copy that was put aside.

use rusqlite::Row;

use crate::sqlite::rows::cell;
use crate::value::Cell;

/// A copy of a row. Text stays as it is stored, UTF-8 or not.
#[derive(Debug, Clone, Default)]
pub struct KeptRow(Vec<KeptCell>);

#[derive(Debug, Clone)]
enum KeptCell {
    Null,
    Integer(i64),
    Real(f64),
    Text(Box<[u8]>),
    Blob(Box<[u8]>),
}

impl KeptRow {
    #[inline]
    pub fn cell(&self, at: usize) -> Cell<'_> {
        self.0.get(at).map_or(Cell::Null, KeptCell::cell)
    }

    pub fn copy(row: &Row<'_>) -> KeptRow {
        let live = RowView::Live(row);
        KeptRow((0..row.as_ref().column_count()).map(|at| KeptCell::copy(live.cell(at))).collect())
    }
}

impl KeptCell {
    fn copy(cell: Cell<'_>) -> KeptCell {
        match cell {
            Cell::Null => KeptCell::Null,
            Cell::Integer(i) => KeptCell::Integer(i),
            Cell::Real(r) => KeptCell::Real(r),
            Cell::Text(t) => KeptCell::Text(t.into()),
            Cell::Blob(b) => KeptCell::Blob(b.into()),
        }
    }

    fn cell(&self) -> Cell<'_> {
        match self {
            KeptCell::Null => Cell::Null,
            KeptCell::Integer(i) => Cell::Integer(*i),
            KeptCell::Real(r) => Cell::Real(*r),
            KeptCell::Text(t) => Cell::Text(t),
            KeptCell::Blob(b) => Cell::Blob(b),
        }
    }
}

#[derive(Clone, Copy)]
pub enum RowView<'a> {
    Live(&'a Row<'a>),
    Kept(&'a KeptRow),
}

impl RowView<'_> {
    #[inline]
    pub fn cell(&self, at: usize) -> Cell<'_> {
        match self {
            RowView::Live(row) => row.get_ref(at).map_or(Cell::Null, cell),
            RowView::Kept(row) => row.cell(at),
        }
    }
}
