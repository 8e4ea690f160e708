//! What is added up over the rows of a table. No sum depends on the order of the rows.
//!
//! Digests are added modulo 2^128. With XOR, two equal values would cancel each other, so that a lost pair would not be seen.

use super::canonical::{self, Order, Taken};
use super::form::Form;

#[derive(Debug, Clone, PartialEq)]
pub struct ColumnSums {
    pub form: Form,
    pub nulls: u64,
    pub length: u64,
    pub checksum: u128,
    pub least: Option<Order<'static>>,
    pub greatest: Option<Order<'static>>,
}

/// Rows of one table, as far as they were read.
#[derive(Debug, Clone, PartialEq)]
pub struct Sums {
    pub columns: Vec<ColumnSums>,
    pub rows: u64,
    pub checksum: u128,
    /// The digests of the current row.
    row: Vec<u128>,
}

impl Sums {
    pub fn new(forms: impl IntoIterator<Item = Form>) -> Sums {
        let column =
            |form| ColumnSums { form, nulls: 0, length: 0, checksum: 0, least: None, greatest: None };
        Sums { columns: forms.into_iter().map(column).collect(), rows: 0, checksum: 0, row: vec![] }
    }

    /// The value of the current row's next column.
    pub fn add(&mut self, taken: Taken<'_>) {
        let digest = taken.digest;
        if let Some(column) = self.columns.get_mut(self.row.len()) {
            column.add(taken);
        }
        self.row.push(digest);
    }

    pub fn end_row(&mut self) {
        self.rows += 1;
        self.checksum = self.checksum.wrapping_add(canonical::row(&self.row));
        self.row.clear();
    }
}

impl ColumnSums {
    fn add(&mut self, taken: Taken<'_>) {
        self.nulls += u64::from(taken.is_null);
        self.length = self.length.wrapping_add(taken.length);
        self.checksum = self.checksum.wrapping_add(taken.digest);
        let Some(order) = taken.order else { return };
        if self.least.as_ref().is_none_or(|least| order < *least) {
            self.least = Some(order.clone().into_owned());
        }
        if self.greatest.as_ref().is_none_or(|greatest| *greatest < order) {
            self.greatest = Some(order.into_owned());
        }
    }

    pub fn minimum(&self) -> Option<String> {
        self.least.as_ref().map(|order| order.shown(self.form))
    }

    pub fn maximum(&self) -> Option<String> {
        self.greatest.as_ref().map(|order| order.shown(self.form))
    }
}

/// Of a file: its tables' checksums, each with the table's name.
pub fn of_file<'a>(tables: impl IntoIterator<Item = (&'a str, Option<u128>)>) -> Option<u128> {
    tables
        .into_iter()
        .try_fold(0u128, |sum, (name, checksum)| Some(sum.wrapping_add(canonical::table(name, checksum?))))
}
