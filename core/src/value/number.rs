//! Numbers: integers, floats and the digits of decimals. Nothing is rounded: a value that would be does not fit.

use super::single::digits;
use super::{Cell, CellBuf, Excess, InvalidValue};
use std::borrow::Cow;

const NOT_INTEGER: InvalidValue = InvalidValue::Unreadable("value is not an integer");
const NOT_NUMBER: InvalidValue = InvalidValue::Unreadable("value is not a number");

/// An integer between `min` and `max`: stored as one, as an integral real, or as its canonical decimal text.
#[inline]
pub fn integer(cell: Cell<'_>, min: i64, max: i64) -> Result<i64, InvalidValue> {
    let value = match cell {
        Cell::Integer(value) => value,
        Cell::Real(real) => integral(real).ok_or(NOT_INTEGER)?,
        Cell::Text([]) => return Err(InvalidValue::EmptyText),
        Cell::Text(text) => canonical_integer(text).ok_or(NOT_INTEGER)?,
        _ => return Err(NOT_INTEGER),
    };
    if (min..=max).contains(&value) { Ok(value) } else { Err(InvalidValue::OutOfRange) }
}

/// The integer that a real is exactly.
pub fn integral(real: f64) -> Option<i64> {
    const LIMIT: f64 = 9_223_372_036_854_775_808.0;
    (real.trunc() == real && (-LIMIT..LIMIT).contains(&real)).then_some(real as i64)
}

/// Decimal digits of any number, as they are printed.
pub fn is_integer(text: &[u8]) -> bool {
    match text.strip_prefix(b"-").unwrap_or(text) {
        [b'0'] => text.len() == 1,
        [b'1'..=b'9', digits @ ..] => digits.len() < MAX_DIGITS && digits.iter().all(u8::is_ascii_digit),
        _ => false,
    }
}

/// Decimal digits as `i64` prints them: no plus, no leading zero, no `-0`.
pub fn canonical_integer(text: &[u8]) -> Option<i64> {
    let (negative, digits) = match text {
        [b'-', digits @ ..] => (true, digits),
        digits => (false, digits),
    };
    match digits {
        [b'0'] if !negative => return Some(0),
        [b'1'..=b'9', ..] if digits.len() <= 19 => {}
        _ => return None,
    }
    digits.iter().try_fold(0i64, |sum, byte| {
        let digit = i64::from(byte.wrapping_sub(b'0'));
        let digit = (0..=9).contains(&digit).then_some(if negative { -digit } else { digit })?;
        sum.checked_mul(10)?.checked_add(digit)
    })
}

/// `double precision`; integers and texts only if the double is exactly the same number.
#[inline]
pub fn float8(cell: Cell<'_>) -> Result<f64, InvalidValue> {
    match cell {
        Cell::Real(real) => Ok(real),
        Cell::Integer(i) => exact_double(i).ok_or(InvalidValue::Inexact),
        Cell::Text([]) => Err(InvalidValue::EmptyText),
        Cell::Text(text) => float_text(text),
        _ => Err(NOT_NUMBER),
    }
}

/// `real`: numbers that single precision holds exactly, reals that it prints alike, and texts that print one.
pub fn float4(cell: Cell<'_>) -> Result<f32, InvalidValue> {
    match cell {
        Cell::Real(real) => single(real).ok_or(InvalidValue::Inexact),
        Cell::Text(text) if let Some(single) = single_text(text) => Ok(single),
        _ => {
            let double = float8(cell)?;
            exact_single(double).ok_or(InvalidValue::Inexact)
        }
    }
}

/// The four-byte float that is exactly `double`, or has the same shortest text: a program that keeps 0.15 in single
/// precision writes the double 0.15 into SQLite.
pub fn single(double: f64) -> Option<f32> {
    let single = double as f32;
    let alike = exact_single(double).is_some() || is_short(double) || from_single(single) == double;
    alike.then_some(single)
}

fn exact_single(double: f64) -> Option<f32> {
    let single = double as f32;
    (f64::from(single) == double || double.is_nan()).then_some(single)
}

/// The double with the text of a four-byte float, as PostgreSQL prints it.
pub fn from_single(single: f32) -> f64 {
    digits(single).parse().unwrap_or(f64::from(single))
}

/// The double is a decimal of at most six digits near 1, all of which single precision keeps (C's `FLT_DIG`). Spares
/// most reals the printing.
fn is_short(double: f64) -> bool {
    const POWERS: [f64; 7] = [1.0, 1e1, 1e2, 1e3, 1e4, 1e5, 1e6];
    POWERS.iter().any(|power| {
        let digits = (double * power).round();
        digits.abs() < 1e6 && digits / power == double
    })
}

/// The four-byte float whose shortest decimal is the same number.
fn single_text(text: &[u8]) -> Option<f32> {
    let single: f32 = std::str::from_utf8(text).ok()?.parse().ok()?;
    let decimal = Decimal::parse(text)?;
    (Decimal::parse(digits(single).as_bytes())? == decimal).then_some(single)
}

/// The double that is exactly `i`.
#[inline]
pub fn exact_double(i: i64) -> Option<f64> {
    let double = i as f64;
    // Through i128, because i64::MAX rounds up to 2^63.
    (double as i128 == i128::from(i)).then_some(double)
}

/// `Infinity` and `NaN` as PostgreSQL reads them, in any case: `float8in_internal` has the list, and `numeric_in` the
/// same. A sign before NaN, and `nan(ind)`, are read by the C library of some servers only.
pub fn word(text: &[u8]) -> Option<f64> {
    let (sign, word) = match text {
        [b'-', word @ ..] => (-1.0, word),
        [b'+', word @ ..] => (1.0, word),
        word if word.eq_ignore_ascii_case(b"nan") => return Some(f64::NAN),
        word => (1.0, word),
    };
    let infinite = word.eq_ignore_ascii_case(b"inf") || word.eq_ignore_ascii_case(b"infinity");
    infinite.then_some(sign * f64::INFINITY)
}

fn float_text(text: &[u8]) -> Result<f64, InvalidValue> {
    if let Some(value) = word(text) {
        return Ok(value);
    }
    let decimal = Decimal::parse(text).ok_or(NOT_NUMBER)?;
    let text = std::str::from_utf8(text).map_err(|_| NOT_NUMBER)?;
    let value: f64 = text.parse().map_err(|_| NOT_NUMBER)?;
    let written = format!("{value:e}");
    match Decimal::parse(written.as_bytes()) {
        Some(read_back) if read_back == decimal => Ok(value),
        _ => Err(InvalidValue::Inexact),
    }
}

/// The digits of a decimal number, apart from their spelling.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Decimal {
    negative: bool,
    /// Significant digits, without zeros at either end; empty for zero.
    digits: Vec<u8>,
    /// Digits before the point, less the zeros after it: 3 for 123.4, 0 for 0.5, -1 for 0.05.
    pub integer_digits: i32,
    /// Digits after the point that are needed; negative where the number ends in zeros before the point.
    pub scale: i32,
}

/// PostgreSQL cannot hold a number with a larger exponent.
const MAX_EXPONENT: i32 = 200_000;

/// The most that PostgreSQL takes as the precision of a numeric.
const MAX_DIGITS: usize = 1000;

/// PostgreSQL cannot hold a number with a longer text.
const MAX_TEXT: usize = 1 << 20;

impl Decimal {
    /// `[+-]digits[.digits][e[+-]digits]`, with digits on one side of the point at least.
    pub fn parse(text: &[u8]) -> Option<Decimal> {
        if text.len() > MAX_TEXT {
            return None;
        }
        let (negative, unsigned) = match text {
            [b'-', rest @ ..] => (true, rest),
            [b'+', rest @ ..] => (false, rest),
            rest => (false, rest),
        };
        let (number, exponent) = match unsigned.iter().position(|b| matches!(b, b'e' | b'E')) {
            Some(at) => (unsigned.get(..at)?, exponent(unsigned.get(at + 1..)?)?),
            None => (unsigned, 0),
        };
        let point = number.iter().position(|b| *b == b'.').unwrap_or(number.len());
        let fraction = number.get(point + 1..).unwrap_or(&[]);
        let digits = [number.get(..point)?, fraction].concat();
        if digits.is_empty() || !digits.iter().all(u8::is_ascii_digit) {
            return None;
        }
        let before_point = i32::try_from(point).ok()?.checked_add(exponent)?;
        let leading = digits.iter().take_while(|b| **b == b'0').count();
        let trailing = digits.iter().rev().take_while(|b| **b == b'0').count();
        let Some(digits) = digits.get(leading..digits.len() - trailing).filter(|digits| !digits.is_empty())
        else {
            return Some(Decimal { negative: false, digits: vec![], integer_digits: 0, scale: 0 });
        };
        let integer_digits = before_point.saturating_sub(leading as i32);
        let scale = (digits.len() as i32).saturating_sub(integer_digits);
        Some(Decimal { negative, digits: digits.to_vec(), integer_digits, scale })
    }

    pub fn of_real(real: f64) -> Option<Decimal> {
        if real.is_finite() { Decimal::parse(format!("{real:e}").as_bytes()) } else { None }
    }

    /// With at most `scale` digits after the point.
    fn rounded(self, scale: i32, excess: Excess) -> Decimal {
        if self.scale <= scale || excess == Excess::Error {
            return self;
        }
        let (negative, mut integer_digits) = (self.negative, self.integer_digits);
        let zero = Decimal { negative: false, digits: vec![], integer_digits: 0, scale: 0 };
        let Ok(kept) = usize::try_from(integer_digits.saturating_add(scale)) else { return zero };
        let Some((digits, beyond)) = self.digits.split_at_checked(kept) else { return self };
        let mut digits = digits.to_vec();
        if excess == Excess::Round && beyond.first().is_some_and(|digit| *digit >= b'5') {
            let nines = digits.iter().rev().take_while(|digit| **digit == b'9').count();
            digits.truncate(digits.len() - nines);
            match digits.last_mut() {
                Some(digit) => *digit += 1,
                None => {
                    digits.push(b'1');
                    integer_digits += 1;
                }
            }
        }
        let zeros = digits.iter().rev().take_while(|digit| **digit == b'0').count();
        digits.truncate(digits.len() - zeros);
        if digits.is_empty() {
            return zero;
        }
        let scale = (digits.len() as i32).saturating_sub(integer_digits);
        Decimal { negative, digits, integer_digits, scale }
    }

    /// For PostgreSQL's input function.
    fn written(&self) -> String {
        if self.digits.is_empty() {
            return "0".to_owned();
        }
        let sign = if self.negative { "-" } else { "" };
        format!("{sign}0.{}e{}", String::from_utf8_lossy(&self.digits), self.integer_digits)
    }

    /// As a person writes it.
    fn without_exponent(&self) -> String {
        let sign = if self.negative { "-" } else { "" };
        let (before, digits) = (self.integer_digits, String::from_utf8_lossy(&self.digits));
        let zeros = |n: i32| "0".repeat(n.max(0) as usize);
        let whole = digits.get(..digits.len().min(before.max(0) as usize)).unwrap_or_default();
        let fraction = digits.get(whole.len()..).unwrap_or_default();
        let (whole, point) =
            (format!("{whole}{}", zeros(-self.scale)), if fraction.is_empty() { "" } else { "." });
        let whole = if whole.is_empty() { "0" } else { &whole };
        format!(
            "{sign}{whole}{point}{}{fraction}",
            if fraction.is_empty() { String::new() } else { zeros(-before) }
        )
    }

    /// `numeric(precision, scale)`, or `numeric` within PostgreSQL's limits, holds it without rounding.
    pub fn fits(&self, typmod: Option<(i32, i32)>) -> bool {
        let (integer_digits, scale) = match typmod {
            Some((precision, scale)) => (precision.saturating_sub(scale), scale),
            None => (131_072, 16_383),
        };
        self.digits.is_empty() || (self.integer_digits <= integer_digits && self.scale <= scale)
    }
}

fn exponent(text: &[u8]) -> Option<i32> {
    let value: i32 = std::str::from_utf8(text).ok()?.parse().ok()?;
    (-MAX_EXPONENT..=MAX_EXPONENT).contains(&value).then_some(value)
}

/// `numeric`: text for its input function, which would silently round to the scale.
pub fn numeric<'a>(cell: Cell<'a>, typmod: Option<(i32, i32)>) -> Result<Cow<'a, str>, InvalidValue> {
    let (text, decimal): (Cow<'a, str>, _) = match cell {
        Cell::Integer(i) => {
            let text = i.to_string();
            let decimal = Decimal::parse(text.as_bytes());
            (text.into(), decimal)
        }
        Cell::Real(real) if real.is_finite() => (input_real(real).into(), Decimal::of_real(real)),
        Cell::Real(real) if typmod.is_none() => return Ok(input_real(real).into()),
        Cell::Real(_) => return Err(InvalidValue::OutOfRange),
        Cell::Text([]) => return Err(InvalidValue::EmptyText),
        Cell::Text(text) if let Some(value) = word(text) => {
            // Infinities are in no range that has limits.
            return match typmod {
                Some(_) if value.is_infinite() => Err(InvalidValue::OutOfRange),
                _ => Ok(input_real(value).into()),
            };
        }
        Cell::Text(text) => {
            let decimal = Decimal::parse(text);
            (std::str::from_utf8(text).map_err(|_| NOT_NUMBER)?.into(), decimal)
        }
        _ => return Err(NOT_NUMBER),
    };
    match decimal {
        None => Err(NOT_NUMBER),
        Some(decimal) if decimal.fits(typmod) => Ok(text),
        Some(decimal) if decimal.scale > typmod.map_or(16_383, |t| t.1) => Err(InvalidValue::Inexact),
        Some(_) => Err(InvalidValue::OutOfRange),
    }
}

/// `numeric` with as many digits after the point at least, where its scale does not say how many.
pub fn padded(text: Cow<'_, str>, scale: usize) -> Cow<'_, str> {
    let text = match text.contains(['e', 'E']).then(|| Decimal::parse(text.as_bytes())).flatten() {
        Some(decimal) if decimal.scale < scale as i32 => decimal.without_exponent().into(),
        Some(_) => return text,
        None => text,
    };
    let fraction = text.split_once('.').map_or(0, |(_, fraction)| fraction.len());
    if fraction >= scale || !text.ends_with(|c: char| c.is_ascii_digit() || c == '.') {
        return text;
    }
    let point = if text.contains('.') { "" } else { "." };
    format!("{text}{point}{}", "0".repeat(scale - fraction)).into()
}

/// `numeric(p,s)` without the digits beyond its scale.
pub fn numeric_without(cell: Cell<'_>, typmod: (i32, i32), excess: Excess) -> Result<String, InvalidValue> {
    let decimal = match cell {
        Cell::Integer(i) => Decimal::parse(i.to_string().as_bytes()),
        Cell::Real(real) => Decimal::of_real(real),
        Cell::Text(text) => Decimal::parse(text),
        _ => None,
    };
    let rounded = decimal.ok_or(NOT_NUMBER)?.rounded(typmod.1, excess);
    if rounded.fits(Some(typmod)) { Ok(rounded.written()) } else { Err(InvalidValue::OutOfRange) }
}

/// The shortest text that reads back as the same real, in PostgreSQL's spelling.
pub fn input_real(real: f64) -> String {
    if real.is_finite() {
        format!("{real:?}")
    } else if real.is_nan() {
        "NaN".to_owned()
    } else {
        if real > 0.0 { "Infinity" } else { "-Infinity" }.to_owned()
    }
}

/// One text for each number, as it is compared; `None` for the infinities and NaN.
pub fn canonical_numeric(text: &str) -> Option<String> {
    Decimal::parse(text.as_bytes()).map(|decimal| decimal.written())
}

/// A double as it is compared: one zero, and NaN equal to itself.
pub fn nan_or_real(value: f64) -> CellBuf<'static> {
    // Adding zero makes the negative zero a positive one.
    if value.is_nan() { CellBuf::text("NaN") } else { CellBuf::Real(value + 0.0) }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn bigint(cell: Cell<'_>) -> Result<i64, InvalidValue> {
        integer(cell, i64::MIN, i64::MAX)
    }

    #[test]
    fn decimals_are_padded_to_a_scale() {
        for (text, padded_text) in [
            ("2.1", "2.10"),
            ("2", "2.00"),
            ("2.", "2.00"),
            ("-.5", "-.50"),
            ("2.105", "2.105"),
            ("2.00", "2.00"),
            ("1e3", "1000.00"),
            ("-1.5E+1", "-15.00"),
            ("12e-1", "1.20"),
            ("5e-1", "0.50"),
            ("0e7", "0.00"),
            ("1e-7", "1e-7"),
            ("NaN", "NaN"),
            ("-Infinity", "-Infinity"),
        ] {
            assert_eq!(padded(text.into(), 2), padded_text);
            assert_eq!(canonical_numeric(&padded(text.into(), 5)), canonical_numeric(text));
        }
    }

    #[test]
    fn integers_come_from_every_exact_spelling_and_from_no_other() {
        assert_eq!(bigint(Cell::Integer(i64::MIN)), Ok(i64::MIN));
        assert_eq!(bigint(Cell::Real(-9_223_372_036_854_775_808.0)), Ok(i64::MIN));
        assert_eq!(bigint(Cell::Text(b"-9223372036854775808")), Ok(i64::MIN));
        assert_eq!(bigint(Cell::Text(b"0")), Ok(0));
        for text in ["-0", "007", "+1", " 1", "1 ", "1.0", "1e3", "9223372036854775808", "-", "\u{663}"] {
            assert_eq!(bigint(Cell::Text(text.as_bytes())), Err(NOT_INTEGER), "{text}");
        }
        for real in [0.5, 9_223_372_036_854_775_808.0, f64::NAN, f64::INFINITY] {
            assert_eq!(bigint(Cell::Real(real)), Err(NOT_INTEGER), "{real}");
        }
        assert_eq!(integer(Cell::Integer(32768), -32768, 32767), Err(InvalidValue::OutOfRange));
    }

    #[test]
    fn doubles_take_only_what_they_hold_exactly() {
        assert_eq!(float8(Cell::Integer(1 << 53)), Ok(9_007_199_254_740_992.0));
        assert_eq!(float8(Cell::Integer((1 << 53) + 1)), Err(InvalidValue::Inexact));
        assert_eq!(float8(Cell::Integer(i64::MAX)), Err(InvalidValue::Inexact));
        assert_eq!(float8(Cell::Text(b"1.50")), Ok(1.5));
        assert_eq!(float8(Cell::Text(b"1e3")), Ok(1000.0));
        assert_eq!(float8(Cell::Text(b"0.1000000000000000000001")), Err(InvalidValue::Inexact));
        assert_eq!(float8(Cell::Text(b"-Infinity")), Ok(f64::NEG_INFINITY));
        assert_eq!(float8(Cell::Text(b"+INF")), Ok(f64::INFINITY));
        assert!(float8(Cell::Text(b"nAn")).is_ok_and(f64::is_nan));
        for text in ["1,5", "nan(ind)", "+nan", "-nan", "infin", "+", " inf"] {
            assert_eq!(float8(Cell::Text(text.as_bytes())), Err(NOT_NUMBER), "{text}");
        }
        assert_eq!(float4(Cell::Real(0.5)), Ok(0.5));
        for (real, single) in [
            (0.1, 0.1f32),
            (0.15, 0.15),
            (-123.456, -123.456),
            (123_456.78, 123_456.78),
            (1.1e-30, 1.1e-30),
            (123_456_790.0, 123_456_790.0),
            (f64::from(0.1f32), 0.1),
            (f64::INFINITY, f32::INFINITY),
        ] {
            assert_eq!(float4(Cell::Real(real)), Ok(single), "{real}");
        }
        for real in [0.1 + 0.2, 0.123456789, 1e39, 1e-50, 16_777_217.0, 1.0 / 3.0, 123_456.789] {
            assert_eq!(float4(Cell::Real(real)), Err(InvalidValue::Inexact), "{real}");
        }
        assert_eq!(float4(Cell::Integer(123_456_790)), Err(InvalidValue::Inexact));
        assert_eq!(float4(Cell::Text(b"0.1")), Ok(0.1));
        assert_eq!(float4(Cell::Text(b"0.10000000149011612")), Ok(0.1));
        assert_eq!(float4(Cell::Text(b"0.1000001234")), Err(InvalidValue::Inexact));
        assert_eq!(float4(Cell::Text(b"1e39")), Err(InvalidValue::Inexact));
    }

    #[test]
    fn six_digits_survive_single_precision() {
        for digits in (-999_999..=999_999).step_by(97) {
            for power in [1.0, 1e1, 1e2, 1e3, 1e4, 1e5, 1e6] {
                let double = f64::from(digits) / power;
                assert!(is_short(double), "{double}");
                assert_eq!(from_single(double as f32), double);
            }
        }
        assert!(!is_short(1_234_567.0) && !is_short(0.1 + 0.2) && !is_short(f64::NAN));
    }

    #[test]
    fn numeric_never_rounds() {
        let money = Some((6, 2));
        assert_eq!(numeric(Cell::Text(b"1234.50"), money), Ok("1234.50".into()));
        assert_eq!(numeric(Cell::Text(b"1.500"), money), Ok("1.500".into()));
        assert_eq!(numeric(Cell::Text(b"1.005"), money), Err(InvalidValue::Inexact));
        assert_eq!(numeric(Cell::Real(1e4), money), Err(InvalidValue::OutOfRange));
        assert_eq!(numeric(Cell::Real(0.1 + 0.2), None), Ok("0.30000000000000004".into()));
        assert_eq!(numeric(Cell::Real(f64::INFINITY), None), Ok("Infinity".into()));
        assert_eq!(numeric(Cell::Text(b"+inf"), None), Ok("Infinity".into()));
        assert_eq!(numeric(Cell::Text(b"nan"), money), Ok("NaN".into()));
        assert_eq!(numeric(Cell::Text(b"-infinity"), money), Err(InvalidValue::OutOfRange));
        assert_eq!(numeric(Cell::Integer(i64::MIN), None), Ok("-9223372036854775808".into()));
        assert_eq!(numeric(Cell::Integer(0), Some((2, 2))), Ok("0".into()));
        assert_eq!(numeric(Cell::Integer(1), Some((2, 2))), Err(InvalidValue::OutOfRange));
        assert_eq!(numeric(Cell::Text(b"1e999999999"), None), Err(NOT_NUMBER));
        assert_eq!(numeric(Cell::Text(b"0x10"), None), Err(NOT_NUMBER));
    }

    #[test]
    fn decimals_are_measured_by_their_value() {
        for (text, integer_digits, scale) in
            [("123.40", 3, 1), ("0.05", -1, 2), ("1e3", 4, -3), ("000", 0, 0), ("-1200", 4, -2), (".5", 0, 1)]
        {
            let decimal = Decimal::parse(text.as_bytes()).unwrap();
            assert_eq!((decimal.integer_digits, decimal.scale), (integer_digits, scale), "{text}");
        }
        for text in ["", ".", "-", "1e", "1.2.3", "1 2", "e5"] {
            assert_eq!(Decimal::parse(text.as_bytes()), None, "{text}");
        }
    }
}
