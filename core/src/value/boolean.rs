//! Booleans: the integers and reals 0 and 1, and the words that PostgreSQL reads.

use super::{Cell, InvalidValue, ValueList};

const NOT_BOOLEAN: InvalidValue = InvalidValue::Unreadable("value is not a boolean");

/// Values of one column that a plan calls true or false, before what PostgreSQL calls so.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Words {
    pub truths: ValueList,
    pub falsehoods: ValueList,
}

impl Words {
    pub fn is_empty(&self) -> bool {
        self.truths.is_empty() && self.falsehoods.is_empty()
    }
}

#[inline]
pub fn decode(cell: Cell<'_>, words: &Words) -> Result<bool, InvalidValue> {
    match cell {
        cell if words.truths.holds(cell) => Ok(true),
        cell if words.falsehoods.holds(cell) => Ok(false),
        Cell::Integer(0) => Ok(false),
        Cell::Integer(1) => Ok(true),
        Cell::Real(0.0) => Ok(false),
        Cell::Real(1.0) => Ok(true),
        Cell::Text([]) => Err(InvalidValue::EmptyText),
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
            assert_eq!(decode(cell, &Words::default()), Ok(value), "{cell:?}");
        }
        for cell in [Cell::Integer(2), Cell::Real(0.5), Cell::Text(b"ja"), Cell::Blob(b"1")] {
            assert_eq!(decode(cell, &Words::default()), Err(NOT_BOOLEAN), "{cell:?}");
        }
        assert_eq!(decode(Cell::Text(b""), &Words::default()), Err(InvalidValue::EmptyText));
    }

    #[test]
    fn a_plan_s_words_come_first() {
        let list = |words: &[&str]| ValueList::new(words.iter().map(|word| word.to_string()));
        let words = Words { truths: list(&["ja", "2"]), falsehoods: list(&["nein", "", "1"]) };
        for (cell, value) in [
            (Cell::Text(b"ja"), Ok(true)),
            (Cell::Integer(2), Ok(true)),
            (Cell::Text(b""), Ok(false)),
            (Cell::Integer(1), Ok(false)),
            (Cell::Text(b"true"), Ok(true)),
            (Cell::Text(b"JA"), Err(NOT_BOOLEAN)),
        ] {
            assert_eq!(decode(cell, &words), value, "{cell:?}");
        }
    }
}
