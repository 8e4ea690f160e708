//! Aggregates whose result is wider than SQLite's integers: bigint is summed in 128 bits.

use super::Fault;
use crate::value::{Cell, CellBuf};

/// The running total of one group. 2^63 rows of 2^63 fit.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Total {
    sum: i128,
    count: i64,
}

impl Total {
    pub fn add(&mut self, cell: Cell<'_>) -> Result<(), Fault> {
        match cell {
            Cell::Null => return Ok(()),
            Cell::Integer(i) => self.sum += i128::from(i),
            _ => return Err(Fault::misuse()),
        }
        self.count += 1;
        Ok(())
    }
}

/// An aggregate function of one argument over a [`Total`].
#[derive(Debug, Clone, Copy)]
pub struct Aggregate {
    pub name: &'static str,
    /// What it is in PostgreSQL.
    pub meaning: &'static str,
    finish: fn(&Total) -> CellBuf<'static>,
}

impl Aggregate {
    /// NULL for a group without values.
    pub fn finish(&self, total: &Total) -> CellBuf<'static> {
        if total.count == 0 { CellBuf::Null } else { (self.finish)(total) }
    }
}

pub const AGGREGATES: &[Aggregate] = &[
    Aggregate {
        name: "pg_sum",
        meaning: "sum(bigint), a numeric as text",
        finish: |total| CellBuf::text(total.sum.to_string()),
    },
    Aggregate {
        name: "pg_avg",
        meaning: "avg(smallint, integer, bigint), a numeric as the text sum/count",
        finish: |total| CellBuf::text(format!("{}/{}", total.sum, total.count)),
    },
];
