//! The result of `verify_differences`: a row for each difference, in memory only as far as `work_mem` allows.

use super::found::{Begun, Difference, Found, Kind, Sink};
use crate::pg::spool::{Field, Spool};

/// The differences of one table.
pub struct List {
    spool: Spool,
    /// So many are listed.
    limit: u64,
    listed: u64,
    /// Rows that are missing in the target, as long as their number accounts for them.
    held: Vec<Difference>,
    unnamed: u64,
}

impl List {
    pub fn new(limit: Option<u64>) -> List {
        let limit = limit.unwrap_or(u64::MAX);
        List { spool: Spool::new(5), limit, listed: 0, held: vec![], unnamed: 0 }
    }

    pub fn is_empty(&self) -> bool {
        self.spool.is_empty()
    }

    fn list(&mut self, difference: &Difference) {
        if self.listed < self.limit {
            self.listed += 1;
            let Difference { key, column, source, target, kind } = difference;
            let row =
                [Some(&**key), column.as_deref(), source.as_deref(), target.as_deref(), Some(kind.as_str())];
            self.spool.push(&row);
        }
    }
}

impl Sink for List {
    fn begin(&mut self, begun: &Begun<'_>) {
        self.spool.clear();
        self.held.clear();
        self.listed = 0;
        self.unnamed = begun.unnamed;
    }

    fn row(&mut self, row: &Found<'_>) {
        if self.listed >= self.limit {
            return;
        }
        let differences = row.differences();
        if row.kind == Kind::MissingInTarget && (self.held.len() as u64) < self.unnamed {
            return self.held.extend(differences);
        }
        if row.kind == Kind::MissingInTarget {
            self.unnamed = 0;
            std::mem::take(&mut self.held).iter().for_each(|difference| self.list(difference));
        }
        differences.iter().for_each(|difference| self.list(difference));
    }
}

/// Key, column, source value, target value and kind.
impl Iterator for List {
    type Item = [Field; 5];

    fn next(&mut self) -> Option<[Field; 5]> {
        self.spool.next()?.try_into().ok()
    }
}
