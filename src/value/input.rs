//! Types without a converter of their own: exact text for the type's input function.

use super::{Cell, Misfit, number, text};
use std::borrow::Cow;

pub fn decode<'a>(cell: Cell<'a>) -> Result<Cow<'a, str>, Misfit> {
    match cell {
        Cell::Integer(i) => Ok(i.to_string().into()),
        Cell::Real(r) => Ok(number::input_real(r).into()),
        Cell::Text(bytes) => text::check(bytes).map(Cow::Borrowed),
        Cell::Blob(_) | Cell::Null => Err(Misfit::Unreadable("a blob has no text form")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_text_is_exact() {
        assert_eq!(decode(Cell::Integer(-5)), Ok("-5".into()));
        assert_eq!(decode(Cell::Real(0.1)), Ok("0.1".into()));
        assert_eq!(decode(Cell::Real(f64::NEG_INFINITY)), Ok("-Infinity".into()));
        assert_eq!(decode(Cell::Text(b" 10.0.0.1 ")), Ok(" 10.0.0.1 ".into()));
        assert!(decode(Cell::Blob(b"x")).is_err());
        assert_eq!(decode(Cell::Text(b"\0")), Err(Misfit::NulInText));
    }
}
