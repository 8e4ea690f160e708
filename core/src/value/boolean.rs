//! Booleans: the integers and reals 0 and 1, and the words that PostgreSQL reads.

use super::{Cell, Misfit};

const NOT_BOOLEAN: Misfit = Misfit::Unreadable("value is not a boolean");

#[inline]
pub fn decode(cell: Cell<'_>) -> Result<bool, Misfit> {
    match cell {
        Cell::Integer(0) => Ok(false),
        Cell::Integer(1) => Ok(true),
        Cell::Real(0.0) => Ok(false),
        Cell::Real(1.0) => Ok(true),
        Cell::Text([]) => Err(Misfit::EmptyText),
        Cell::Text(text) => word(text).ok_or(NOT_BOOLEAN),
        _ => Err(NOT_BOOLEAN),
    }
}

/// A boolean word in any ASCII case.
pub fn word(text: &[u8]) -> Option<bool> {
    let is = |words: [&str; 6]| words.iter().any(|w| text.eq_ignore_ascii_case(w.as_bytes()));
    if text.len() > "false".len() {
        None
    } else if is(["1", "t", "true", "y", "yes", "on"]) {
        Some(true)
    } else if is(["0", "f", "false", "n", "no", "off"]) {
        Some(false)
    } else {
        None
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn zero_one_and_the_words_are_booleans_and_nothing_else_is() {
        for (cell, value) in [
            (Cell::Integer(1), true),
            (Cell::Real(0.0), false),
            (Cell::Text(b"TRUE"), true),
            (Cell::Text(b"f"), false),
            (Cell::Text(b"Off"), false),
            (Cell::Text(b"1"), true),
        ] {
            assert_eq!(decode(cell), Ok(value), "{cell:?}");
        }
        for cell in [Cell::Integer(2), Cell::Real(0.5), Cell::Text(b"ja"), Cell::Blob(b"1")] {
            assert_eq!(decode(cell), Err(NOT_BOOLEAN), "{cell:?}");
        }
        assert_eq!(decode(Cell::Text(b"")), Err(Misfit::EmptyText));
    }
}
