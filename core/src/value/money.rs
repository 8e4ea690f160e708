//! `money`: a decimal number for `numeric_in`. The type's own input function depends on the session's `lc_monetary`,
//! where a comma may be the decimal point, and rounds.

use super::{Cell, InvalidValue, number, text};
use std::borrow::Cow;

/// The range of money in every locale, apart from the digits after the decimal point.
const HELD: Option<(i32, i32)> = Some((19, 2));
const NOT_MONEY: InvalidValue =
    InvalidValue::Unreadable("text is not an amount of money as the locale C prints it");

pub fn decode(cell: Cell<'_>) -> Result<Cow<'_, str>, InvalidValue> {
    let Cell::Text(bytes) = cell else { return number::numeric(cell, HELD) };
    let text = text::check(bytes)?;
    if !text.contains(['$', ',']) {
        return number::numeric(cell, HELD);
    }
    let plain = amount(text).ok_or(NOT_MONEY)?;
    number::numeric(Cell::Text(plain.as_bytes()), HELD).map(|number| number.into_owned().into())
}

/// `-$1,234.50` without its signs and commas, which stand between groups of three digits.
fn amount(text: &str) -> Option<String> {
    let (sign, unsigned) = text.strip_prefix('-').map_or(("", text), |rest| ("-", rest));
    let unsigned = unsigned.strip_prefix('$').unwrap_or(unsigned);
    let (whole, fraction) = unsigned.split_once('.').map_or((unsigned, None), |(w, f)| (w, Some(f)));
    let mut groups = whole.split(',');
    let first = groups.next()?;
    let digits = |text: &str| !text.is_empty() && text.bytes().all(|b| b.is_ascii_digit());
    let grouped = !whole.contains(',') || first.len() <= 3;
    if !grouped || !digits(first) || !groups.all(|group| group.len() == 3 && digits(group)) {
        return None;
    }
    let fraction = fraction.map(|digits| format!(".{digits}")).unwrap_or_default();
    Some(format!("{sign}{}{fraction}", whole.replace(',', "")))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn amounts_are_numbers_in_one_notation() {
        for (text, number) in
            [("12.5", "12.5"), ("$12.50", "12.50"), ("-$1,234,567.89", "-1234567.89"), ("1,000", "1000")]
        {
            assert_eq!(decode(Cell::Text(text.as_bytes())), Ok(number.into()), "{text}");
        }
        for text in
            ["12,5", "1,2.50", ",100", "12.5,0", "$", "-", "(5)", "5 $", "$-5", "1234,567", "12.345", ""]
        {
            assert!(decode(Cell::Text(text.as_bytes())).is_err(), "{text}");
        }
        assert_eq!(decode(Cell::Real(12.5)), Ok("12.5".into()));
        assert_eq!(decode(Cell::Integer(-3)), Ok("-3".into()));
    }
}
