//! Intervals: months, days and microseconds, which PostgreSQL stores separately. Only the formats listed here are
//! accepted. PostgreSQL's input function accepts more, with another meaning (.NET's `1.02:03:04`, a day and two hours,
//! would be `1 day 03:32:48`), and rounds.
//!
//! - **hours and minutes**: `HH:MM:SS[.f]` and `HH:MM`, with any number of hours, with or without a sign;
//! - **.NET**: `d.hh:mm:ss[.f]`, one sign for all parts;
//! - **days and a time**: `3 04:05:06`, `3 days, 04:05:06` (Django, Python), `-1 days +02:03:04` (PostgreSQL), a sign
//!   for each part;
//! - **PostgreSQL**: `1 year 2 mons 3 days 04:05:06`, also with weeks, hours, minutes and seconds in words; only
//!   seconds may have a fraction;
//! - **ISO 8601**: `P1Y2M3DT4H5M6.7S`, `P2W`, a sign before the P for all parts, or before each number.
//!
//! A part may be larger than the next greater unit, and stays so. Digits other than zero beyond microseconds, or beyond
//! the column's precision, do not fit.

mod precision;

pub use precision::Precision;

use super::datetime::{SECOND, UNIX_TO_PG, wall};
use super::{Cell, Excess, Format, InvalidValue, epoch, text};
use std::borrow::Cow;

const NOT_INTERVAL: InvalidValue = InvalidValue::Unreadable("text is not an interval in a known spelling");
const TOO_FINE: InvalidValue = InvalidValue::Unreadable("interval is more precise than its column");
const MINUTE: i64 = 60 * SECOND;
const HOUR: i64 = 60 * MINUTE;

/// An interval as PostgreSQL stores it.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
struct Span {
    months: i32,
    days: i32,
    micros: i64,
}

/// What PostgreSQL keeps of an interval.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Parts {
    pub months: i32,
    pub days: i32,
    pub micros: i64,
}

/// The parts of an interval that is printed in the style `postgres`; `None` for the infinite ones.
pub fn parts(printed: &str) -> Option<Parts> {
    let Span { months, days, micros } = words(printed.as_bytes(), Excess::Error).ok()?;
    Some(Parts { months, days, micros })
}

pub fn decode<'a>(
    cell: Cell<'a>,
    format: Option<Format>,
    precision: Precision,
) -> Result<Cow<'a, str>, InvalidValue> {
    decode_without(cell, format, precision, Excess::Error)
}

/// Without the digits that the column cannot hold.
pub fn decode_without<'a>(
    cell: Cell<'a>,
    format: Option<Format>,
    precision: Precision,
    excess: Excess,
) -> Result<Cow<'a, str>, InvalidValue> {
    let span = match cell {
        Cell::Text([]) => return Err(InvalidValue::EmptyText),
        Cell::Text(bytes) if format == Some(Format::Since1970) => Span::of_time(wall(bytes)? - UNIX_TO_PG),
        Cell::Text(bytes) => match epoch::duration(cell, format, excess) {
            Ok(micros) => Span::of_time(micros),
            Err(_) => parse(text::check(bytes)?, excess)?,
        },
        Cell::Blob(_) => return Err(InvalidValue::Unreadable("a blob is not an interval")),
        _ => Span::of_time(epoch::duration(cell, format, excess)?),
    };
    let span = precision.rounded(span, excess)?;
    if precision.keeps(span) { Ok(span.written().into()) } else { Err(TOO_FINE) }
}

/// A text that would be an interval but for the digits beyond microseconds.
pub fn is_too_fine(text: &[u8]) -> bool {
    const LONGEST: usize = 60;
    let begins = matches!(text, [b'0'..=b'9' | b'-' | b'+' | b'P', ..]);
    begins
        && text.len() <= LONGEST
        && matches!(decode(Cell::Text(text), None, Precision::FULL), Err(TOO_FINE))
}

impl Span {
    /// Hours are not carried into days, since a day does not always have 24 hours.
    fn of_time(micros: i64) -> Span {
        Span { micros, ..Span::default() }
    }

    /// Every part has its sign, so that the session's IntervalStyle does not apply one sign to all parts.
    fn written(self) -> String {
        let sign = if self.micros < 0 { '-' } else { '+' };
        let size = self.micros.unsigned_abs();
        let (seconds, fraction) = (size / SECOND as u64, size % SECOND as u64);
        let (hours, minutes, seconds) = (seconds / 3600, seconds / 60 % 60, seconds % 60);
        let mut out = String::new();
        for (number, unit) in [(self.months, "mons"), (self.days, "days")] {
            if number != 0 {
                out += &format!("{number:+} {unit} ");
            }
        }
        out + &format!("{sign}{hours:02}:{minutes:02}:{seconds:02}.{fraction:06}")
    }

    fn add(&mut self, number: Number, unit: &Unit) -> Result<(), InvalidValue> {
        let whole = || if number.fraction == 0 { Ok(number.whole) } else { Err(NOT_INTERVAL) };
        let small = |n: i64| i32::try_from(n).map_err(|_| InvalidValue::OutOfRange);
        match unit.part {
            Part::Months => self.months = sum(self.months, small(times(whole()?, unit.size)?)?)?,
            Part::Days => self.days = sum(self.days, small(times(whole()?, unit.size)?)?)?,
            Part::Time if unit.size == SECOND => self.tick(number.micros()?)?,
            Part::Time => self.tick(times(whole()?, unit.size)?)?,
        }
        Ok(())
    }

    fn tick(&mut self, micros: i64) -> Result<(), InvalidValue> {
        self.micros = self.micros.checked_add(micros).ok_or(InvalidValue::OutOfRange)?;
        Ok(())
    }

    fn negated(self) -> Result<Span, InvalidValue> {
        let negated = |n: i32| n.checked_neg().ok_or(InvalidValue::OutOfRange);
        let micros = self.micros.checked_neg().ok_or(InvalidValue::OutOfRange)?;
        Ok(Span { months: negated(self.months)?, days: negated(self.days)?, micros })
    }
}

fn times(a: i64, b: i64) -> Result<i64, InvalidValue> {
    a.checked_mul(b).ok_or(InvalidValue::OutOfRange)
}

fn sum(a: i32, b: i32) -> Result<i32, InvalidValue> {
    a.checked_add(b).ok_or(InvalidValue::OutOfRange)
}

/// A number with its sign.
#[derive(Clone, Copy)]
struct Number {
    whole: i64,
    /// Millionths.
    fraction: i64,
}

impl Number {
    fn micros(self) -> Result<i64, InvalidValue> {
        times(self.whole, SECOND)?.checked_add(self.fraction).ok_or(InvalidValue::OutOfRange)
    }
}

#[derive(Clone, Copy)]
enum Part {
    Months,
    Days,
    Time,
}

struct Unit {
    /// As ISO 8601 writes it before and after its `T`.
    letter: Option<(u8, bool)>,
    words: &'static [&'static str],
    part: Part,
    size: i64,
}

/// In the order in which a text has them.
const UNITS: [Unit; 7] = [
    Unit { letter: Some((b'Y', false)), words: &["year", "years"], part: Part::Months, size: 12 },
    Unit {
        letter: Some((b'M', false)),
        words: &["mon", "mons", "month", "months"],
        part: Part::Months,
        size: 1,
    },
    Unit { letter: Some((b'W', false)), words: &["week", "weeks"], part: Part::Days, size: 7 },
    Unit { letter: Some((b'D', false)), words: &["day", "days"], part: Part::Days, size: 1 },
    Unit { letter: Some((b'H', true)), words: &["hour", "hours"], part: Part::Time, size: HOUR },
    Unit {
        letter: Some((b'M', true)),
        words: &["min", "mins", "minute", "minutes"],
        part: Part::Time,
        size: MINUTE,
    },
    Unit {
        letter: Some((b'S', true)),
        words: &["sec", "secs", "second", "seconds"],
        part: Part::Time,
        size: SECOND,
    },
];

fn parse(text: &str, excess: Excess) -> Result<Span, InvalidValue> {
    let (negative, unsigned) = match text.as_bytes() {
        [b'-', rest @ ..] => (true, rest),
        [b'+', rest @ ..] => (false, rest),
        rest => (false, rest),
    };
    if let [b'P', rest @ ..] = unsigned {
        let span = iso(rest, excess)?;
        return if negative { span.negated() } else { Ok(span) };
    }
    match dotted(unsigned, excess) {
        Some(span) => span.and_then(|span| if negative { span.negated() } else { Ok(span) }),
        None => words(text.as_bytes(), excess),
    }
}

/// What follows the `P`.
fn iso(mut rest: &[u8], excess: Excess) -> Result<Span, InvalidValue> {
    let (mut span, mut next, mut in_time) = (Span::default(), 0, false);
    let empty = |rest: &[u8]| rest.is_empty() || rest == b"T";
    if empty(rest) || rest.ends_with(b"T") {
        return Err(NOT_INTERVAL);
    }
    while !rest.is_empty() {
        if let ([b'T', after @ ..], false) = (rest, in_time) {
            (rest, in_time) = (after, true);
            continue;
        }
        let (number, after) = number(rest, excess)?;
        let [letter, after @ ..] = after else { return Err(NOT_INTERVAL) };
        let at = UNITS.iter().position(|u| u.letter == Some((*letter, in_time))).ok_or(NOT_INTERVAL)?;
        if at < next {
            return Err(NOT_INTERVAL);
        }
        span.add(number, &UNITS[at])?;
        (rest, next) = (after, at + 1);
    }
    Ok(span)
}

/// `d.hh:mm:ss[.f]`; `None` for any other text.
fn dotted(text: &[u8], excess: Excess) -> Option<Result<Span, InvalidValue>> {
    let digits = text.iter().take_while(|b| b.is_ascii_digit()).count();
    let (days, rest) = text.split_at(digits);
    let [b'.', rest @ ..] = rest else { return None };
    if digits == 0 || rest.iter().filter(|b| **b == b':').count() != 2 {
        return None;
    }
    let span = || {
        let (days, _) = number(days, excess)?;
        let micros = clock(rest, excess)?;
        let rounded_up = excess == Excess::Round && micros == 24 * HOUR && !rest.starts_with(b"24");
        if micros >= 24 * HOUR && !rounded_up {
            return Err(NOT_INTERVAL);
        }
        Ok(Span { months: 0, days: i32::try_from(days.whole).map_err(|_| InvalidValue::OutOfRange)?, micros })
    };
    Some(span())
}

/// Numbers with units, and a time of day last.
fn words(text: &[u8], excess: Excess) -> Result<Span, InvalidValue> {
    let (mut span, mut next) = (Span::default(), 0);
    let mut tokens = text.split(|b| *b == b' ').peekable();
    let last = |token: Option<&&[u8]>| token.is_none();
    while let Some(token) = tokens.next() {
        if token.contains(&b':') {
            // The time of day is last.
            if next > CLOCK || !last(tokens.peek()) {
                return Err(NOT_INTERVAL);
            }
            span.tick(signed_clock(token, excess)?)?;
            return Ok(span);
        }
        let (number, rest) = number(token, excess)?;
        let Some(word) = tokens.peek().filter(|_| rest.is_empty()).copied() else { return Err(NOT_INTERVAL) };
        // `3 04:05:06`: days before a time of day need no unit.
        let at = if word.contains(&b':') {
            DAYS
        } else {
            tokens.next();
            let word = word.strip_suffix(b",").filter(|_| !last(tokens.peek())).unwrap_or(word);
            let is = |unit: &Unit| unit.words.iter().any(|w| w.as_bytes().eq_ignore_ascii_case(word));
            UNITS.iter().position(is).ok_or(NOT_INTERVAL)?
        };
        if at < next {
            return Err(NOT_INTERVAL);
        }
        span.add(number, &UNITS[at])?;
        next = at + 1;
    }
    Ok(span)
}

/// Positions in [`UNITS`] of days, and of the first unit that a time of day contains.
const DAYS: usize = 3;
const CLOCK: usize = 4;

fn signed_clock(text: &[u8], excess: Excess) -> Result<i64, InvalidValue> {
    match text {
        [b'-', clock_text @ ..] => Ok(-clock(clock_text, excess)?),
        [b'+', clock_text @ ..] => clock(clock_text, excess),
        _ => clock(text, excess),
    }
}

/// `HH:MM[:SS[.f]]` without a sign.
fn clock(text: &[u8], excess: Excess) -> Result<i64, InvalidValue> {
    let mut parts = text.split(|b| *b == b':');
    let mut field = |digits: std::ops::RangeInclusive<usize>, seconds: bool| {
        let Some(text) = parts.next() else { return Ok(None) };
        let length = text.iter().take_while(|b| b.is_ascii_digit()).count();
        let (number, rest) = number(text, excess)?;
        let plain = digits.contains(&length) && rest.is_empty() && (seconds || length == text.len());
        if plain { Ok(Some(number)) } else { Err(NOT_INTERVAL) }
    };
    let hours = field(1..=18, false)?;
    let minutes = field(2..=2, false)?;
    let seconds = field(2..=2, true)?;
    let (Some(hours), Some(minutes), None) = (hours, minutes, parts.next()) else { return Err(NOT_INTERVAL) };
    let seconds = seconds.unwrap_or(Number { whole: 0, fraction: 0 });
    if minutes.whole > 59 || seconds.whole > 59 {
        return Err(NOT_INTERVAL);
    }
    let micros = times(minutes.whole, MINUTE)? + seconds.micros()?;
    times(hours.whole, HOUR)?.checked_add(micros).ok_or(InvalidValue::OutOfRange)
}

/// A number, and what follows it.
fn number(text: &[u8], excess: Excess) -> Result<(Number, &[u8]), InvalidValue> {
    let (sign, unsigned) = match text {
        [b'-', rest @ ..] => (-1, rest),
        [b'+', rest @ ..] => (1, rest),
        _ => (1, text),
    };
    let (whole, rest) = digits(unsigned)?;
    let whole = whole.iter().try_fold(0i64, |sum, b| sum.checked_mul(10)?.checked_add(i64::from(b - b'0')));
    let (fraction, rest) = match rest {
        [b'.', rest @ ..] => {
            let (fraction, rest) = digits(rest)?;
            let (kept, beyond) = fraction.split_at(fraction.len().min(6));
            let up = match excess {
                Excess::Error if beyond.iter().any(|b| *b != b'0') => return Err(TOO_FINE),
                Excess::Round => beyond.first().is_some_and(|digit| *digit >= b'5'),
                Excess::Error | Excess::Truncate => false,
            };
            let value = kept.iter().fold(0, |sum, b| sum * 10 + i64::from(b - b'0'));
            (value * 10i64.pow(6 - kept.len() as u32) + i64::from(up), rest)
        }
        _ => (0, rest),
    };
    let whole = whole.ok_or(InvalidValue::OutOfRange)?;
    Ok((Number { whole: sign * whole, fraction: sign * fraction }, rest))
}

/// One digit or more, and what follows.
fn digits(text: &[u8]) -> Result<(&[u8], &[u8]), InvalidValue> {
    let length = text.iter().take_while(|b| b.is_ascii_digit()).count();
    if length == 0 { Err(NOT_INTERVAL) } else { Ok(text.split_at(length)) }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> Result<String, InvalidValue> {
        decode(Cell::Text(text.as_bytes()), None, Precision::FULL).map(Cow::into_owned)
    }

    #[test]
    fn every_stated_spelling_is_read_as_it_was_meant() {
        for (text, meant) in [
            // Clocks.
            ("26:03:04", "+26:03:04.000000"),
            ("-26:03:04.5", "-26:03:04.500000"),
            ("1:02", "+01:02:00.000000"),
            ("2562047788:00:54.775807", "+2562047788:00:54.775807"),
            // .NET's TimeSpan.
            ("1.02:03:04", "+1 days +02:03:04.000000"),
            ("-1.02:03:04.5", "-1 days -02:03:04.500000"),
            ("10675199.02:48:05.4775807", "too fine"),
            ("00:00:01.1234560", "+00:00:01.123456"),
            // Django, Python, PostgreSQL.
            ("1 02:03:04.5", "+1 days +02:03:04.500000"),
            ("-1 02:03:04", "-1 days +02:03:04.000000"),
            ("3 days, 4:05:06.7", "+3 days +04:05:06.700000"),
            ("1 day, 0:00:00", "+1 days +00:00:00.000000"),
            ("-1 days +02:03:04", "-1 days +02:03:04.000000"),
            ("1 year 2 mons 3 days 04:05:06", "+14 mons +3 days +04:05:06.000000"),
            ("-1 mons", "-1 mons +00:00:00.000000"),
            ("1 day 02:00", "+1 days +02:00:00.000000"),
            ("2 weeks", "+14 days +00:00:00.000000"),
            ("90 minutes", "+01:30:00.000000"),
            ("1 hour 1.5 seconds", "+01:00:01.500000"),
            ("00:00:00", "+00:00:00.000000"),
            // ISO 8601.
            ("P1DT2H", "+1 days +02:00:00.000000"),
            ("P1Y2M3DT4H5M6.789S", "+14 mons +3 days +04:05:06.789000"),
            ("-P3DT4H", "-3 days -04:00:00.000000"),
            ("P-1DT-0.000001S", "-1 days -00:00:00.000001"),
            ("P2W", "+14 days +00:00:00.000000"),
            ("PT26H3M4.5S", "+26:03:04.500000"),
        ] {
            match (read(text), meant) {
                (Err(TOO_FINE), "too fine") => {}
                (found, _) => assert_eq!(found.as_deref(), Ok(meant), "{text}"),
            }
        }
    }

    #[test]
    fn nothing_else_is_taken_and_nothing_is_rounded() {
        for text in [
            "soon",
            "1",
            "1.5",
            "P",
            "PT",
            "P1DT",
            "P1H",
            "PT1D",
            "P1D2Y",
            "P1.5D",
            "PT1.5H",
            "1.5 days",
            "@ 1 day",
            "1 day ago",
            "1-2",
            "1 day 2 days",
            "04:05:06 1 day",
            "1:2:3",
            "00:60:00",
            "00:00:60",
            "1.24:00:00",
            "1.02:03",
            "1.2.3:04:05",
            " 1 day",
            "1 day ",
            "1  day",
            "1day",
            "1 day,",
            "infinity",
            "12:00 AM",
            "1 fortnight",
            "1 century",
            "+-1 day",
            "--1 day",
            "1 02",
            "02:03:",
            ":02:03",
            "1e3 days",
        ] {
            assert_eq!(read(text), Err(NOT_INTERVAL), "{text}");
        }
        for text in ["00:00:00.0000004", "PT0.0000001S", "1.02:03:04.1234567", "1 day 0.0000005 seconds"] {
            assert_eq!(read(text), Err(TOO_FINE), "{text}");
        }
        for text in ["99999999999 days", "P300000000Y", "9999999999999999:00:00", "99999999999999999999 days"]
        {
            assert_eq!(read(text), Err(InvalidValue::OutOfRange), "{text}");
        }
        assert_eq!(read(""), Err(InvalidValue::EmptyText));
    }

    #[test]
    fn numbers_and_sqlalchemy_dates_become_intervals() {
        let all = Precision::FULL;
        for (cell, format, text) in [
            (Cell::Integer(90_000), Some(Format::Seconds), "+25:00:00.000000"),
            (Cell::Integer(-1), Some(Format::Microseconds), "-00:00:00.000001"),
            (Cell::Text(b"1500"), Some(Format::Milliseconds), "+00:00:01.500000"),
            (Cell::Real(1.5), Some(Format::Days), "+36:00:00.000000"),
            (Cell::Integer(-2), Some(Format::Days), "-48:00:00.000000"),
            (Cell::Text(b"1970-01-03 01:00:00.000000"), Some(Format::Since1970), "+49:00:00.000000"),
            (Cell::Text(b"1969-12-31 23:59:59.500000"), Some(Format::Since1970), "-00:00:00.500000"),
        ] {
            assert_eq!(decode(cell, format, all), Ok(text.into()), "{cell:?}");
        }
        assert!(decode(Cell::Integer(1), None, all).is_err());
        assert_eq!(Span::of_time(i64::MIN).written(), "-2562047788:00:54.775808");
    }
}
