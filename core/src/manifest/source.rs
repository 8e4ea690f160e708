//! The rows of a file, added up as what a load makes of them.

use super::array;
use super::canonical::{self, Taken};
use super::form::Form;
use super::sums::Sums;
use crate::value::Cell;
use crate::value::batch::OnInvalid;
use crate::value::buffer::{self, OutOfMemory};
use crate::verify::back::{Meant, Way};

/// How one column is read.
#[derive(Debug, Clone)]
pub struct SourceColumn {
    pub way: Way,
    pub form: Form,
    /// Of a column of arrays.
    pub texts: Option<array::Texts>,
    pub on_invalid: OnInvalid,
}

/// What a column's cells are, apart from the values that they become.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Cells {
    /// NULL, INTEGER, REAL, TEXT, BLOB.
    pub classes: [u64; 5],
    /// Cells that the column cannot hold, at which a load stops.
    pub invalid: u64,
    /// Cells of which only the server knows what they become.
    pub unknown: u64,
}

/// Storage classes, as SQLite's `typeof` names them.
pub const CLASSES: [&str; 5] = ["null", "integer", "real", "text", "blob"];

/// The rows of one table.
#[derive(Debug)]
pub struct SourceSums {
    columns: Vec<SourceColumn>,
    pub cells: Vec<Cells>,
    pub sums: Sums,
    /// Rows that a load leaves out, because of a cell that does not fit.
    pub rejected: u64,
}

/// What the type of a column prints after it has read a text.
pub type Print<'a> = &'a mut dyn FnMut(usize, &str) -> Result<String, Refused>;

/// The type's input function does not take the text.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Refused;

/// There was no memory for the cell of this column.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct OutOfMemoryAt {
    pub column: usize,
}

/// What is not hashed.
enum Untaken {
    Invalid,
    Unknown,
}

impl SourceSums {
    pub fn new(columns: Vec<SourceColumn>) -> SourceSums {
        let sums = Sums::new(columns.iter().map(|column| column.form));
        SourceSums { cells: vec![Cells::default(); columns.len()], columns, sums, rejected: 0 }
    }

    /// Adds a row, if there is memory for its cells.
    pub fn add<'c>(
        &mut self,
        cell: impl Fn(usize) -> Cell<'c>,
        print: Print<'_>,
    ) -> Result<(), OutOfMemoryAt> {
        for (at, column) in self.columns.iter().enumerate() {
            let (Cell::Text(bytes) | Cell::Blob(bytes)) = cell(at) else { continue };
            let room = canonical::room(column.form, bytes.len());
            buffer::afford(room).map_err(|OutOfMemory| OutOfMemoryAt { column: at })?;
        }
        let refused = |(at, column): (usize, &SourceColumn)| {
            column.on_invalid == OnInvalid::Reject
                && column.take(at, cell(at), print, |taken| matches!(taken, Err(Untaken::Invalid)))
        };
        if self.columns.iter().enumerate().any(refused) {
            self.rejected += 1;
            return Ok(());
        }
        let sums = &mut self.sums;
        for (at, (column, cells)) in self.columns.iter().zip(&mut self.cells).enumerate() {
            let stored = cell(at);
            if let Some(count) = cells.classes.get_mut(class(stored)) {
                *count += 1;
            }
            column.take(at, stored, print, |taken| {
                match taken {
                    Err(Untaken::Invalid) => cells.invalid += 1,
                    Err(Untaken::Unknown) => cells.unknown += 1,
                    Ok(_) => {}
                }
                sums.add(taken.unwrap_or_else(|_| canonical::null()));
            });
        }
        self.sums.end_row();
        Ok(())
    }
}

impl SourceColumn {
    /// Hands over what is hashed of a cell.
    fn take<T>(
        &self,
        at: usize,
        cell: Cell<'_>,
        print: Print<'_>,
        take: impl FnOnce(Result<Taken<'_>, Untaken>) -> T,
    ) -> T {
        self.way.with_meant(cell, |meant| match &meant {
            Meant::Printed(text) => {
                let literal = match self.texts {
                    Some(texts) => texts.literal(text),
                    None => Some(text.as_ref().into()),
                };
                match literal.ok_or(Refused).and_then(|literal| print(at, &literal)) {
                    Ok(printed) => take(Ok(canonical::printed(&printed))),
                    Err(Refused) => take(self.taken(&self.way.instead(cell))),
                }
            }
            meant => take(self.taken(meant)),
        })
    }

    fn taken<'a>(&self, meant: &'a Meant<'_>) -> Result<Taken<'a>, Untaken> {
        match meant {
            Meant::Unknown => Err(Untaken::Unknown),
            meant => canonical::of_meant(self.form, meant).ok_or(Untaken::Invalid),
        }
    }
}

fn class(cell: Cell<'_>) -> usize {
    match cell {
        Cell::Null => 0,
        Cell::Integer(_) => 1,
        Cell::Real(_) => 2,
        Cell::Text(_) => 3,
        Cell::Blob(_) => 4,
    }
}
