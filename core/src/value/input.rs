//! Types without a converter: the text goes to the type's input function, after a check that the function reads it as
//! it is written.
#![deny(clippy::disallowed_methods)]

use super::spelling::Check;
use super::{Cell, InvalidValue, number, text};
use std::borrow::Cow;

const MISREAD: InvalidValue =
    InvalidValue::Unreadable("text is not in a format that is accepted for its type");

pub fn decode<'a>(cell: Cell<'a>, check: Option<Check>) -> Result<Cow<'a, str>, InvalidValue> {
    let text = match cell {
        Cell::Integer(i) => i.to_string().into(),
        Cell::Real(r) => number::input_real(r).into(),
        Cell::Text(bytes) => text::check(bytes).map(Cow::Borrowed)?,
        Cell::Blob(_) | Cell::Null => return Err(InvalidValue::Unreadable("a blob has no text form")),
    };
    if check.is_none_or(|is_plain| is_plain(&text)) { Ok(text) } else { Err(MISREAD) }
}

#[cfg(test)]
#[allow(clippy::disallowed_methods)]
mod tests {
    use super::*;

    #[test]
    fn the_text_is_exact() {
        assert_eq!(decode(Cell::Integer(-5), None), Ok("-5".into()));
        assert_eq!(decode(Cell::Real(0.1), None), Ok("0.1".into()));
        assert_eq!(decode(Cell::Real(f64::NEG_INFINITY), None), Ok("-Infinity".into()));
        assert_eq!(decode(Cell::Text(b" 10.0.0.1 "), None), Ok(" 10.0.0.1 ".into()));
        assert!(decode(Cell::Blob(b"x"), None).is_err());
        assert_eq!(decode(Cell::Text(b"\0"), None), Err(InvalidValue::NulInText));
    }
}
