//! Sums over the rows of a table, equal on both sides where the rows are, in whatever order they lie. A cell counts with its
//! storage class.

use xxhash_rust::xxh3::{Xxh3, xxh3_128};

use crate::value::Cell;

/// Sums of 128-bit hashes: of whole rows, and of the cells of each column.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Sums {
    pub rows: u64,
    pub whole: u128,
    pub columns: Vec<u128>,
}

impl Sums {
    pub fn new(columns: usize) -> Sums {
        Sums { rows: 0, whole: 0, columns: vec![0; columns] }
    }

    /// Adds a row, which has as many cells as there are columns.
    pub fn add<'c>(&mut self, cells: impl Iterator<Item = Cell<'c>>) {
        let mut row = Xxh3::new();
        for (sum, cell) in self.columns.iter_mut().zip(cells) {
            let hash = hash(cell);
            *sum = sum.wrapping_add(hash);
            row.update(&hash.to_le_bytes());
        }
        self.rows += 1;
        self.whole = self.whole.wrapping_add(row.digest128());
    }
}

/// The number of rows, and the sum of their hashes alone.
#[derive(Debug, Clone, Default)]
pub struct RowSum {
    rows: u64,
    whole: u128,
    /// A row's cells one behind the other.
    row: Vec<u8>,
}

impl PartialEq for RowSum {
    fn eq(&self, other: &RowSum) -> bool {
        (self.rows, self.whole) == (other.rows, other.whole)
    }
}

impl RowSum {
    /// Adds a cell to the row.
    pub fn add(&mut self, cell: Cell<'_>) {
        /// Longer ones are there by their hash.
        const SHORT: usize = 64;
        match cell {
            Cell::Integer(i) => {
                self.row.push(b'i');
                self.row.extend_from_slice(&i.to_le_bytes());
            }
            Cell::Text(bytes) | Cell::Blob(bytes) if bytes.len() < SHORT => {
                self.row.push(if matches!(cell, Cell::Text(_)) { b't' } else { b'b' });
                self.row.push(bytes.len() as u8);
                self.row.extend_from_slice(bytes);
            }
            other => self.row.extend_from_slice(&hash(other).to_le_bytes()),
        }
    }

    /// The row is whole.
    pub fn end_row(&mut self) {
        self.rows += 1;
        self.whole = self.whole.wrapping_add(xxh3_128(&self.row));
        self.row.clear();
    }
}

fn hash(cell: Cell<'_>) -> u128 {
    let mut hash = Xxh3::new();
    match cell {
        Cell::Null => hash.update(b"n"),
        Cell::Integer(i) => {
            hash.update(b"i");
            hash.update(&i.to_le_bytes());
        }
        Cell::Real(r) => {
            hash.update(b"r");
            // Both zeros are one number, and SQLite keeps one of them.
            hash.update(&(r + 0.0).to_bits().to_le_bytes());
        }
        Cell::Text(text) => {
            hash.update(b"t");
            hash.update(text);
        }
        Cell::Blob(bytes) => {
            hash.update(b"b");
            hash.update(bytes);
        }
    }
    hash.digest128()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sums(rows: &[[Cell<'_>; 2]]) -> Sums {
        let mut sums = Sums::new(2);
        rows.iter().for_each(|row| sums.add(row.iter().copied()));
        sums
    }

    #[test]
    fn order_does_not_matter_and_everything_else_does() {
        let (a, b, c) = (Cell::Integer(1), Cell::Text(b"1"), Cell::Real(1.0));
        assert_eq!(sums(&[[a, b], [b, c]]), sums(&[[b, c], [a, b]]));
        assert_eq!(sums(&[[Cell::Real(0.0), a]]), sums(&[[Cell::Real(-0.0), a]]));
        for other in [[[a, c], [b, b]], [[a, b], [a, c]], [[b, a], [b, c]], [[a, Cell::Blob(b"1")], [b, c]]] {
            assert_ne!(sums(&[[a, b], [b, c]]), sums(&other));
        }
        // The same columns, in other rows.
        let (one, two) = (sums(&[[a, b], [b, c]]), sums(&[[a, c], [b, b]]));
        assert!(one.columns == two.columns && one.whole != two.whole);
        assert_ne!(sums(&[[a, b], [a, b]]), sums(&[]));
    }

    #[test]
    fn sums_of_rows_are_as_exact() {
        let long = "x".repeat(100);
        let sum = |rows: &[&[Cell<'_>]]| {
            let mut sum = RowSum::default();
            for row in rows {
                row.iter().for_each(|cell| sum.add(*cell));
                sum.end_row();
            }
            sum
        };
        let (a, b, c) = (Cell::Integer(1), Cell::Text(b"1"), Cell::Text(long.as_bytes()));
        assert!(sum(&[&[a, b], &[b, c]]) == sum(&[&[b, c], &[a, b]]));
        for other in [[[a, c], [b, b]], [[a, b], [a, c]], [[b, a], [b, c]], [[a, Cell::Blob(b"1")], [b, c]]] {
            assert!(sum(&[&[a, b], &[b, c]]) != sum(&[&other[0], &other[1]]));
        }
        let blob = Cell::Blob(long.as_bytes());
        assert!(sum(&[&[c]]) != sum(&[&[blob]]) && sum(&[&[a]]) != sum(&[&[a], &[a]]));
        assert!(sum(&[&[b, Cell::Text(b"")]]) != sum(&[&[Cell::Text(b""), b]]));
    }
}
