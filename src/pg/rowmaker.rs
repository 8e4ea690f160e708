//! Batch rows -> complete rows of an existing table, as COPY forms them.
//!
//! A batch has values for some of the table's columns, in its own order. The other columns get their defaults, stored
//! generated columns are computed, dropped ones are NULL; then the row's constraints are checked.

use pgrx::pg_sys;

use super::executor::{ColumnDefault, Executor};
use super::relation::Attribute;
use super::slot;

pub(crate) struct RowMaker {
    executor: Executor,
    /// One per attribute of the table; empty if the batch has the table's columns in the same order.
    cells: Vec<Cell>,
    constraints: Constraints,
    computes: bool,
    defaults: bool,
    looks: bool,
}

/// Where the value of an attribute comes from.
#[derive(Clone, Copy)]
enum Cell {
    Null,
    /// This column of the batch.
    Value(usize),
    Default(ColumnDefault),
}

/// How a row's constraints are checked.
struct Constraints {
    /// The executor checks all constraints.
    all: bool,
    /// These positions must not be NULL; there are no other constraints.
    not_null: Vec<usize>,
}

impl RowMaker {
    /// # Safety
    /// The relation stays open for as long as the result is used; the attributes are its own.
    pub unsafe fn new(relation: pg_sys::Relation, attributes: &[Attribute]) -> RowMaker {
        // SAFETY: an open relation, by this function's contract, which `RowSink` keeps; its descriptor lives as long.
        unsafe {
            let executor = Executor::new(relation);
            let desc = pgrx::PgTupleDesc::from_pg_unchecked((*relation).rd_att);
            let table: Vec<&pg_sys::FormData_pg_attribute> = desc.iter().collect();
            let cells: Vec<Cell> = table.iter().map(|a| Cell::new(&executor, a, attributes)).collect();
            let in_order = cells.len() == attributes.len()
                && cells.iter().enumerate().all(|(i, c)| matches!(c, Cell::Value(column) if *column == i));
            let is_default = |c: &Cell| matches!(c, Cell::Default(_));
            RowMaker {
                constraints: Constraints::new(relation, &table),
                computes: table.iter().any(|a| a.attgenerated as u8 == pg_sys::ATTRIBUTE_GENERATED_STORED),
                defaults: cells.iter().any(is_default),
                looks: cells.iter().any(|c| matches!(c, Cell::Default(d) if d.may_look)),
                cells: if in_order { vec![] } else { cells },
                executor,
            }
        }
    }

    /// Whether a default may read the table, so that all rows before must be visible to it.
    pub fn one_by_one(&self) -> bool {
        self.looks
    }

    /// Whether a batch's rows are the table's as they are. Of each column, `not_null`: NULL was refused before.
    pub fn is_complete(&self, not_null: &[bool]) -> bool {
        let refused = |at: &usize| not_null.get(*at).is_some_and(|refused| *refused);
        self.cells.is_empty()
            && !self.computes
            && !self.constraints.all
            && self.constraints.not_null.iter().all(refused)
    }

    /// Fills a slot with the next row.
    ///
    /// # Safety
    /// The slot is one of [`slot::make`]'s for the relation; both slices are a row of the batch, in which values
    /// are of their attributes' types, and outlive the row's insert.
    pub unsafe fn make(
        &self,
        slot: *mut pg_sys::TupleTableSlot,
        values: &mut [pg_sys::Datum],
        nulls: &mut [bool],
    ) {
        // SAFETY: slot and values are as this function's contract says, which `RowSink` keeps.
        unsafe {
            if self.cells.is_empty() {
                slot::borrow(slot, values.as_mut_ptr(), nulls.as_mut_ptr());
            } else {
                self.spread(slot, values, nulls);
                slot::store(slot);
            }
            if self.computes {
                self.executor.compute_generated(slot);
            }
        }
        // SAFETY: the slot holds the row now, and its arrays have an entry per attribute. Before the memory of defaults is
        // reused, the slot has made them its own.
        unsafe {
            let is_null = |i: &usize| *(*slot).tts_isnull.add(*i);
            let check = self.constraints.all || self.constraints.not_null.iter().any(is_null);
            if check {
                self.executor.check(slot);
            }
            if self.defaults {
                slot::materialize(slot);
            }
            if self.defaults || self.computes || check {
                self.executor.next_row();
            }
        }
    }

    unsafe fn spread(&self, slot: *mut pg_sys::TupleTableSlot, values: &[pg_sys::Datum], nulls: &[bool]) {
        for (i, cell) in self.cells.iter().enumerate() {
            let (value, null) = match *cell {
                Cell::Null => (pg_sys::Datum::from(0usize), true),
                Cell::Value(column) => (values[column], nulls[column]),
                Cell::Default(default) => self.executor.evaluate(default),
            };
            // SAFETY: the slot's own arrays have an entry per attribute, and so has `cells`.
            unsafe {
                *(*slot).tts_values.add(i) = value;
                *(*slot).tts_isnull.add(i) = null;
            }
        }
    }
}

impl Cell {
    /// # Safety
    /// `attribute` is one of the executor's relation.
    unsafe fn new(
        executor: &Executor,
        attribute: &pg_sys::FormData_pg_attribute,
        attributes: &[Attribute],
    ) -> Cell {
        if attribute.attisdropped || attribute.attgenerated != 0 {
            return Cell::Null;
        }
        if let Some(column) = attributes.iter().position(|a| a.attnum == attribute.attnum) {
            return Cell::Value(column);
        }
        // SAFETY: the executor's attribute, by this function's contract; it is neither dropped nor generated.
        unsafe { executor.default(attribute) }.map_or(Cell::Null, Cell::Default)
    }
}

impl Constraints {
    /// # Safety
    /// The relation is open, and `table` has its attributes.
    unsafe fn new(relation: pg_sys::Relation, table: &[&pg_sys::FormData_pg_attribute]) -> Constraints {
        // SAFETY: rd_rel of an open relation is valid.
        let has_checks = unsafe { (*(*relation).rd_rel).relchecks > 0 };
        // A generated column needs the executor, which also handles virtual columns.
        let (computed, plain): (Vec<_>, Vec<_>) =
            table.iter().enumerate().filter(|(_, a)| a.attnotnull).partition(|(_, a)| a.attgenerated != 0);
        Constraints {
            all: has_checks || !computed.is_empty(),
            not_null: plain.into_iter().map(|(i, _)| i).collect(),
        }
    }
}
