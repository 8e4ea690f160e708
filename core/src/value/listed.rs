//! Values that a plan lists: those that mean NULL, true or false.
//!
//! A listed text is that text, and the number that it spells: `"0"` is the text `0`, the integer 0 and the real 0.0.

use std::sync::Arc;

use super::Cell;
use super::number::Decimal;

/// Shared with the reader thread.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct ValueList(Arc<[Listed]>);

#[derive(Debug, PartialEq)]
struct Listed {
    text: String,
    number: Option<f64>,
}

impl ValueList {
    pub fn new(texts: impl IntoIterator<Item = String>) -> ValueList {
        let listed = |text: String| {
            let number = Decimal::parse(text.as_bytes()).and_then(|_| text.parse().ok());
            Listed { text, number }
        };
        ValueList(texts.into_iter().map(listed).collect())
    }

    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    pub fn texts(&self) -> impl Iterator<Item = &str> {
        self.0.iter().map(|listed| listed.text.as_str())
    }

    /// The position of a stored value in the list.
    pub fn position(&self, cell: Cell<'_>) -> Option<usize> {
        self.0.iter().position(|listed| match cell {
            Cell::Text(text) => listed.text.as_bytes() == text,
            Cell::Integer(i) => listed
                .number
                .is_some_and(|number| number as i128 == i128::from(i) && number.trunc() == number),
            Cell::Real(real) => listed.number == Some(real),
            Cell::Null | Cell::Blob(_) => false,
        })
    }

    pub fn holds(&self, cell: Cell<'_>) -> bool {
        self.position(cell).is_some()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_listed_text_is_also_the_number_that_it_spells() {
        let list = ValueList::new(["", "n/a", "0", "1e3", "-0.5", "1.5"].map(String::from));
        for (cell, position) in [
            (Cell::Text(b""), Some(0)),
            (Cell::Text(b"n/a"), Some(1)),
            (Cell::Text(b"N/A"), None),
            (Cell::Integer(0), Some(2)),
            (Cell::Real(0.0), Some(2)),
            (Cell::Text(b"0"), Some(2)),
            (Cell::Text(b"00"), None),
            (Cell::Integer(1000), Some(3)),
            (Cell::Real(-0.5), Some(4)),
            (Cell::Integer(1), None),
            (Cell::Null, None),
            (Cell::Blob(b""), None),
        ] {
            assert_eq!(list.position(cell), position, "{cell:?}");
        }
        assert!(!ValueList::default().holds(Cell::Text(b"")));
    }
}
