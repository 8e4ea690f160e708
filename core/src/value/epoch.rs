//! Numbers as instants and durations, in integer arithmetic if the number is an integer or a decimal text.
//!
//! Integers and decimal texts are exact or do not fit. Reals are rounded to the nearest microsecond (Julian days to the
//! millisecond, as by SQLite's functions), because a double that counts seconds from 1970 has no more digits.
//! Which unit a column has is decided by `types::times`.

use super::datetime::{SECOND, UNIX_TO_PG};
use super::{Cell, Excess, Format, InvalidValue, number};

/// A count: `numerator / denominator` microseconds each, from `origin` in PostgreSQL microseconds.
struct Unit {
    numerator: i64,
    denominator: i64,
    origin: i64,
}

/// Days from the Julian epoch, 4714-11-24 BC noon, to 2000-01-01 in milliseconds.
const JULIAN_TO_PG_MS: i64 = 211_813_444_800_000;
/// The end of SQLite's calendar, 9999-12-31 23:59:59.999.
const JULIAN_END: f64 = 5_373_484.5;
/// The range of a timestamp: 4713 BC to 294276 AD (`MIN_TIMESTAMP`, `END_TIMESTAMP`).
pub const HELD: std::ops::Range<i64> = -211_813_488_000_000_000..9_223_371_331_200_000_000;

fn instant_unit(format: Format) -> Option<Unit> {
    let unit = |numerator, denominator, origin| Some(Unit { numerator, denominator, origin });
    match format {
        Format::UnixEpoch => unit(SECOND, 1, UNIX_TO_PG),
        Format::UnixEpochMs => unit(1000, 1, UNIX_TO_PG),
        Format::UnixEpochUs => unit(1, 1, UNIX_TO_PG),
        Format::UnixEpochNs => unit(1, 1000, UNIX_TO_PG),
        Format::Chrome => unit(1, 1, UNIX_TO_PG - 11_644_473_600 * SECOND),
        Format::Apple => unit(SECOND, 1, UNIX_TO_PG + 978_307_200 * SECOND),
        _ => None,
    }
}

fn duration_unit(format: Format) -> Option<Unit> {
    let unit = |numerator| Some(Unit { numerator, denominator: 1, origin: 0 });
    match format {
        Format::Seconds => unit(SECOND),
        Format::Milliseconds => unit(1000),
        Format::Microseconds => unit(1),
        Format::Days => unit(86_400 * SECOND),
        _ => None,
    }
}

/// The format reads numbers as instants.
pub fn is_instant(format: Format) -> bool {
    format == Format::JulianDay || instant_unit(format).is_some()
}

/// The format reads numbers as durations.
pub fn is_duration(format: Format) -> bool {
    duration_unit(format).is_some()
}

/// Whether the format reads numbers, so that a text that is a number is one.
pub fn reads_numbers(format: Option<Format>) -> bool {
    format.is_some_and(|f| is_instant(f) || is_duration(f))
}

/// A number as PostgreSQL microseconds since 2000-01-01 UTC.
#[inline]
pub fn instant(cell: Cell<'_>, format: Option<Format>, excess: Excess) -> Result<i64, InvalidValue> {
    let value = match format {
        Some(Format::JulianDay) => julian(cell)?,
        Some(format) => instant_unit(format).ok_or(NO_FORMAT)?.read(cell, excess)?,
        None => return Err(NO_FORMAT),
    };
    if HELD.contains(&value) { Ok(value) } else { Err(InvalidValue::OutOfRange) }
}

/// A number as microseconds.
pub fn duration(cell: Cell<'_>, format: Option<Format>, excess: Excess) -> Result<i64, InvalidValue> {
    format.and_then(duration_unit).ok_or(NO_FORMAT)?.read(cell, excess)
}

const NO_FORMAT: InvalidValue = InvalidValue::Unreadable("a number can be read as a time only with a format");
const NOT_NUMBER: InvalidValue = InvalidValue::Unreadable("text is neither an ISO-8601 time nor a number");
const TOO_FINE: InvalidValue = InvalidValue::Unreadable("number is more precise than microseconds");

impl Unit {
    fn read(&self, cell: Cell<'_>, excess: Excess) -> Result<i64, InvalidValue> {
        match cell {
            Cell::Integer(value) => self.exact(i128::from(value), 1, excess),
            Cell::Real(value) => self.nearest(value),
            Cell::Text(text) => {
                let (value, scale) = decimal(text).ok_or(NOT_NUMBER)?;
                self.exact(value, scale, excess)
            }
            _ => Err(NOT_NUMBER),
        }
    }

    /// `value / scale` units.
    #[inline]
    fn exact(&self, value: i128, scale: i128, excess: Excess) -> Result<i64, InvalidValue> {
        let denominator = scale * i128::from(self.denominator);
        let mut micros = value.checked_mul(i128::from(self.numerator)).ok_or(InvalidValue::OutOfRange)?;
        if denominator != 1 {
            micros = excess.multiple(micros, denominator).ok_or(TOO_FINE)?;
        }
        i64::try_from(micros + i128::from(self.origin)).map_err(|_| InvalidValue::OutOfRange)
    }

    fn nearest(&self, value: f64) -> Result<i64, InvalidValue> {
        // Whole units are split off, so that the fraction keeps all its bits.
        let whole = number::integral(value.floor()).ok_or(InvalidValue::OutOfRange)?;
        let fraction = (value - value.floor()) * self.numerator as f64 / self.denominator as f64;
        let scaled = i128::from(whole) * i128::from(self.numerator);
        let whole = scaled.div_euclid(i128::from(self.denominator));
        let micros = whole + i128::from(fraction.round() as i64) + i128::from(self.origin);
        i64::try_from(micros).map_err(|_| InvalidValue::OutOfRange)
    }
}

/// `-12.50` as (-125, 10): trailing zeros of the fraction dropped.
fn decimal(text: &[u8]) -> Option<(i128, i128)> {
    let (sign, unsigned) = match text {
        [b'-', rest @ ..] => (-1, rest),
        rest => (1, rest),
    };
    let mut parts = unsigned.splitn(2, |b| *b == b'.');
    let (whole, fraction) = (parts.next()?, parts.next());
    let fraction = match fraction {
        Some([]) => return None,
        Some(digits) => digits.trim_suffix_zeros(),
        None => &[],
    };
    if whole.is_empty() || whole.len() > 19 || fraction.len() > 9 {
        return None;
    }
    let value = whole
        .iter()
        .chain(fraction)
        .try_fold(0i128, |sum, b| b.is_ascii_digit().then(|| sum * 10 + i128::from(b - b'0')))?;
    Some((sign * value, 10i128.pow(fraction.len() as u32)))
}

trait TrimZeros {
    fn trim_suffix_zeros(&self) -> &Self;
}

impl TrimZeros for [u8] {
    fn trim_suffix_zeros(&self) -> &[u8] {
        let zeros = self.iter().rev().take_while(|b| **b == b'0').count();
        self.get(..self.len() - zeros).unwrap_or(&[])
    }
}

fn julian(cell: Cell<'_>) -> Result<i64, InvalidValue> {
    let days = match cell {
        Cell::Integer(days) => days as f64,
        Cell::Real(days) => days,
        Cell::Text(text) if decimal(text).is_some() => {
            std::str::from_utf8(text).ok().and_then(|t| t.parse().ok()).ok_or(NOT_NUMBER)?
        }
        _ => return Err(NOT_NUMBER),
    };
    if !(0.0..JULIAN_END).contains(&days) {
        return Err(InvalidValue::OutOfRange);
    }
    let millis = (days * 86_400_000.0 + 0.5) as i64;
    Ok((millis - JULIAN_TO_PG_MS) * 1000)
}

#[cfg(test)]
mod tests {
    use super::super::datetime::wall;
    use super::*;

    #[test]
    fn one_moment_in_every_unit() {
        let moment = wall(b"2024-07-01 10:00:00.25").unwrap();
        for (cell, format) in [
            (Cell::Real(1_719_828_000.25), Format::UnixEpoch),
            (Cell::Text(b"1719828000.250"), Format::UnixEpoch),
            (Cell::Integer(1_719_828_000_250), Format::UnixEpochMs),
            (Cell::Real(1_719_828_000_250.0), Format::UnixEpochMs),
            (Cell::Integer(1_719_828_000_250_000), Format::UnixEpochUs),
            (Cell::Integer(1_719_828_000_250_000_000), Format::UnixEpochNs),
            (Cell::Integer(13_364_301_600_250_000), Format::Chrome),
            (Cell::Real(741_520_800.25), Format::Apple),
            (Cell::Real(2_460_492.916_669_56), Format::JulianDay),
        ] {
            assert_eq!(instant(cell, Some(format), Excess::Error), Ok(moment), "{cell:?} {format:?}");
        }
    }

    #[test]
    fn the_epochs_themselves() {
        for (cell, format, text) in [
            (Cell::Integer(0), Format::UnixEpoch, "1970-01-01"),
            (Cell::Integer(-1), Format::UnixEpoch, "1969-12-31 23:59:59"),
            (Cell::Integer(0), Format::Chrome, "1601-01-01"),
            (Cell::Integer(0), Format::Apple, "2001-01-01"),
            (Cell::Integer(2_451_545), Format::JulianDay, "2000-01-01 12:00:00"),
        ] {
            assert_eq!(instant(cell, Some(format), Excess::Error), wall(text.as_bytes()), "{text}");
        }
    }

    #[test]
    fn what_does_not_fit_is_never_rounded_or_wrapped() {
        assert_eq!(instant(Cell::Integer(1), Some(Format::UnixEpochNs), Excess::Error), Err(TOO_FINE));
        assert_eq!(instant(Cell::Text(b"0.1234567"), Some(Format::UnixEpoch), Excess::Error), Err(TOO_FINE));
        assert_eq!(
            instant(Cell::Integer(i64::MAX), Some(Format::UnixEpoch), Excess::Error),
            Err(InvalidValue::OutOfRange)
        );
        assert_eq!(
            instant(Cell::Integer(i64::MIN), Some(Format::UnixEpochUs), Excess::Error),
            Err(InvalidValue::OutOfRange)
        );
        assert_eq!(
            instant(Cell::Real(f64::NAN), Some(Format::UnixEpoch), Excess::Error),
            Err(InvalidValue::OutOfRange)
        );
        assert_eq!(
            instant(Cell::Real(-1.0), Some(Format::JulianDay), Excess::Error),
            Err(InvalidValue::OutOfRange)
        );
        assert_eq!(instant(Cell::Text(b"soon"), Some(Format::UnixEpoch), Excess::Error), Err(NOT_NUMBER));
        assert_eq!(instant(Cell::Integer(0), Some(Format::Seconds), Excess::Error), Err(NO_FORMAT));
    }

    #[test]
    fn durations_are_counted_in_their_unit() {
        assert_eq!(duration(Cell::Real(1.5), Some(Format::Seconds), Excess::Error), Ok(1_500_000));
        assert_eq!(duration(Cell::Integer(-3), Some(Format::Milliseconds), Excess::Error), Ok(-3000));
        assert_eq!(duration(Cell::Integer(7), Some(Format::Microseconds), Excess::Error), Ok(7));
        assert_eq!(duration(Cell::Integer(7), Some(Format::UnixEpoch), Excess::Error), Err(NO_FORMAT));
    }
}
