//! Sums over the rows of a table, equal on both sides where the rows are, in whatever order they lie. A cell counts with its
//! storage class.

use xxhash_rust::xxh3::Xxh3;

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
}
