//! ISO-8601 dates and times to PostgreSQL's binary form: days and microseconds since 2000-01-01. Parsed by hand,
//! because this is the hot path of a load.
//!
//! Accepted are `YYYY-MM-DD`, `HH:MM[:SS[.f…]]`, and both joined by `T` or a space and followed by `Z`, `±HH`, `±HH:MM`
//! or `±HHMM`, in the years 0001 to 9999. `24:00:00`, leap seconds and digits other than zero beyond microseconds do
//! not fit.

use super::excess::without_fine_digits;
use super::{Cell, Excess, Format, InvalidValue, Timezone, epoch};

/// SQLite's clock as an exported `timestamptz` is spelled: the default that stands for `now()` there.
pub const NOW: &str = "strftime('%Y-%m-%d %H:%M:%f000+00:00', 'now')";
pub const SECOND: i64 = 1_000_000;
pub const DAY: i64 = 86_400 * SECOND;
/// Unix microseconds + this = PostgreSQL microseconds.
pub const UNIX_TO_PG: i64 = -946_684_800 * SECOND;

/// How the times of one column are read.
#[derive(Debug, Clone)]
pub struct Rule {
    pub format: Option<Format>,
    /// Values must be multiples of this many microseconds (`timestamp(3)`: 1000).
    pub step: i64,
    pub zone: Timezone,
}

/// The parts of one text.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Iso {
    /// Since 2000-01-01; `None` for a time of day alone.
    pub day: Option<i32>,
    /// Since midnight; `None` for a date alone.
    pub time: Option<i64>,
    /// Microseconds east of Greenwich.
    pub offset: Option<i64>,
}

impl Iso {
    /// The local time as written.
    fn wall(&self) -> Option<i64> {
        Some(i64::from(self.day?) * DAY + self.time.unwrap_or(0))
    }

    /// A time of day after one of the dates that are written before one.
    pub fn is_dayless(&self) -> bool {
        self.time.is_some()
            && matches!(self.offset, None | Some(0))
            && self.day.is_some_and(|day| NO_DAY.contains(&day))
    }
}

/// Daylight saving depends on the day.
const NO_OFFSET: InvalidValue = InvalidValue::Unreadable(
    "time has no offset, and the offset of the plan's time zone is not always the same",
);
/// 2000-01-01 and 1970-01-01: the dates that Rails and SQLite, and Prisma, write before a time of day.
const NO_DAY: [i32; 2] = [0, -10_957];
const NOT_TIME: InvalidValue = InvalidValue::Unreadable("text is not an ISO-8601 date or time");
pub const NO_SUCH_TIME: InvalidValue = InvalidValue::Unreadable("there is no such date or time");
pub const TOO_FINE: InvalidValue = InvalidValue::Unreadable("time is more precise than its column");

/// Reads any of the forms.
#[inline]
pub fn parse(text: &[u8]) -> Result<Iso, InvalidValue> {
    match text {
        [y1, y2, y3, y4, b'-', m1, m2, b'-', d1, d2, rest @ ..] => {
            let year = pair(*y1, *y2).zip(pair(*y3, *y4)).map(|(c, y)| c * 100 + y).ok_or(NOT_TIME)?;
            let month = pair(*m1, *m2).ok_or(NOT_TIME)?;
            let day = Some(day_number(year, month, pair(*d1, *d2).ok_or(NOT_TIME)?).ok_or(NO_SUCH_TIME)?);
            match rest {
                [] => Ok(Iso { day, time: None, offset: None }),
                [b' ' | b'T' | b't', rest @ ..] => {
                    let (time, rest) = time_of_day(rest)?;
                    Ok(Iso { day, time: Some(time), offset: zone(rest)? })
                }
                _ => Err(NOT_TIME),
            }
        }
        [] => Err(InvalidValue::EmptyText),
        _ => match time_of_day(text)? {
            (time, []) => Ok(Iso { day: None, time: Some(time), offset: None }),
            _ => Err(NOT_TIME),
        },
    }
}

/// A text that is more precise than microseconds, read without what is beyond.
pub fn parse_coarsely(text: &[u8]) -> Result<Iso, InvalidValue> {
    without_fine_digits(text).map_or_else(|| parse(text), |(text, _)| parse(&text))
}

/// Two digits.
#[inline]
fn pair(high: u8, low: u8) -> Option<u32> {
    let (high, low) = (high.wrapping_sub(b'0'), low.wrapping_sub(b'0'));
    (high <= 9 && low <= 9).then(|| u32::from(high) * 10 + u32::from(low))
}

/// Days since 2000-01-01 in the proleptic Gregorian calendar, for years 1 to 9999.
/// After Howard Hinnant's `days_from_civil`: years begin in March, so that leap days come last.
#[inline]
pub fn day_number(year: u32, month: u32, day: u32) -> Option<i32> {
    let leap = year.is_multiple_of(4) && (!year.is_multiple_of(100) || year.is_multiple_of(400));
    let length = match month {
        4 | 6 | 9 | 11 => 30,
        2 => 28 + u32::from(leap),
        _ => 31,
    };
    if !(1..=9999).contains(&year) || !(1..=12).contains(&month) || !(1..=length).contains(&day) {
        return None;
    }
    let (year, month) = if month > 2 { (year, month - 3) } else { (year - 1, month + 9) };
    let of_year = (153 * month + 2) / 5 + day - 1;
    let days = year * 365 + year / 4 - year / 100 + year / 400 + of_year;
    // 730425 days lie between 0000-03-01 and 2000-01-01.
    Some(days as i32 - 730_425)
}

/// `HH:MM[:SS[.f…]]`, and what follows it.
#[inline]
fn time_of_day(text: &[u8]) -> Result<(i64, &[u8]), InvalidValue> {
    let [h1, h2, b':', m1, m2, rest @ ..] = text else { return Err(NOT_TIME) };
    let hour = pair(*h1, *h2).ok_or(NOT_TIME)?;
    let minute = pair(*m1, *m2).ok_or(NOT_TIME)?;
    let (second, fraction, rest) = match rest {
        [b':', s1, s2, rest @ ..] => {
            let (fraction, rest) = match rest {
                [b'.', rest @ ..] => fraction(rest)?,
                _ => (0, rest),
            };
            (pair(*s1, *s2).ok_or(NOT_TIME)?, fraction, rest)
        }
        _ => (0, 0, rest),
    };
    if hour > 23 || minute > 59 || second > 59 {
        return Err(NO_SUCH_TIME);
    }
    Ok((i64::from((hour * 60 + minute) * 60 + second) * SECOND + fraction, rest))
}

/// The digits after the point in microseconds.
#[inline]
fn fraction(text: &[u8]) -> Result<(i64, &[u8]), InvalidValue> {
    let digits = text.iter().take_while(|b| b.is_ascii_digit()).count();
    let (fraction, rest) = text.split_at(digits);
    let (kept, beyond) = fraction.split_at(digits.min(6));
    if digits == 0 {
        return Err(NOT_TIME);
    }
    if beyond.iter().any(|b| *b != b'0') {
        return Err(TOO_FINE);
    }
    let value = kept.iter().fold(0, |sum, b| sum * 10 + i64::from(b - b'0'));
    Ok((value * 10i64.pow(6 - kept.len() as u32), rest))
}

#[inline]
fn zone(text: &[u8]) -> Result<Option<i64>, InvalidValue> {
    match text {
        [] => Ok(None),
        [b' ', rest @ ..] if !rest.is_empty() => offset(rest).map(Some).ok_or(NOT_TIME),
        _ => offset(text).map(Some).ok_or(NOT_TIME),
    }
}

/// `Z`, `±HH`, `±HH:MM` or `±HHMM` in microseconds; PostgreSQL takes up to 15:59.
pub fn offset(text: &[u8]) -> Option<i64> {
    let (sign, digits) = match text {
        [b'Z' | b'z'] => return Some(0),
        [b'+', digits @ ..] => (1, digits),
        [b'-', digits @ ..] => (-1, digits),
        _ => return None,
    };
    let (hour, minute) = match digits {
        [h1, h2] => (pair(*h1, *h2)?, 0),
        [h1, h2, b':', m1, m2] | [h1, h2, m1, m2] => (pair(*h1, *h2)?, pair(*m1, *m2)?),
        _ => return None,
    };
    (hour <= 15 && minute <= 59).then(|| sign * i64::from(hour * 60 + minute) * 60 * SECOND)
}

/// The local time of a text, whatever its offset; for durations counted from a day.
pub fn wall(text: &[u8]) -> Result<i64, InvalidValue> {
    parse(text)?.wall().ok_or(NOT_TIME)
}

impl Rule {
    /// `timestamp with time zone`: microseconds since 2000-01-01 UTC.
    #[inline]
    pub fn timestamptz(&self, cell: Cell<'_>) -> Result<i64, InvalidValue> {
        self.in_step(self.instant(cell, Excess::Error)?)
    }

    #[inline]
    fn instant(&self, cell: Cell<'_>, excess: Excess) -> Result<i64, InvalidValue> {
        match self.iso(cell)? {
            Some(iso) => {
                let wall = iso.wall().ok_or(NOT_TIME)?;
                Ok(iso.offset.map_or_else(|| self.zone.instant(wall), |offset| wall - offset))
            }
            None => epoch::instant(cell, self.format, excess),
        }
    }

    /// `timestamp without time zone`: the local time as written; instants become the zone's local time.
    #[inline]
    pub fn timestamp(&self, cell: Cell<'_>) -> Result<i64, InvalidValue> {
        self.in_step(self.wall(cell, Excess::Error)?)
    }

    #[inline]
    fn wall(&self, cell: Cell<'_>, excess: Excess) -> Result<i64, InvalidValue> {
        match self.iso(cell)? {
            Some(iso) => {
                let wall = iso.wall().ok_or(NOT_TIME)?;
                Ok(iso.offset.map_or(wall, |offset| self.zone.wall(wall - offset)))
            }
            None => Ok(self.zone.wall(epoch::instant(cell, self.format, excess)?)),
        }
    }

    /// `date`: a date, or a time that is midnight.
    #[inline]
    pub fn date(&self, cell: Cell<'_>) -> Result<i32, InvalidValue> {
        if let Some(Iso { day: Some(day), time: None, .. }) = self.iso(cell)? {
            return Ok(day);
        }
        let wall = self.timestamp(cell)?;
        if wall.rem_euclid(DAY) != 0 {
            return Err(InvalidValue::Unreadable("value has a time of day"));
        }
        i32::try_from(wall / DAY).map_err(|_| InvalidValue::OutOfRange)
    }

    /// `time`: microseconds since midnight; also of a text with one of the dates that are written before a time of day.
    #[inline]
    pub fn time(&self, cell: Cell<'_>) -> Result<i64, InvalidValue> {
        let time = self.time_of_day(cell, Excess::Error)?;
        if (0..DAY).contains(&time) { self.in_step(time) } else { Err(InvalidValue::OutOfRange) }
    }

    #[inline]
    fn time_of_day(&self, cell: Cell<'_>, excess: Excess) -> Result<i64, InvalidValue> {
        Ok(match self.iso(cell)? {
            Some(Iso { day: None, time: Some(time), .. }) => time,
            Some(iso @ Iso { time: Some(time), .. }) if iso.is_dayless() => time,
            Some(_) => return Err(InvalidValue::Unreadable("value is not a time of day alone")),
            None => epoch::duration(cell, self.format, excess)?,
        })
    }

    /// `time with time zone`: microseconds since midnight, and east of Greenwich.
    pub fn timetz(&self, cell: Cell<'_>) -> Result<(i64, i64), InvalidValue> {
        let (time, offset) = self.offset_time(cell)?;
        Ok((self.in_step(time)?, offset))
    }

    fn offset_time(&self, cell: Cell<'_>) -> Result<(i64, i64), InvalidValue> {
        let Cell::Text(text) = cell else { return Err(NOT_TIME) };
        let (time, rest) = if text.is_empty() { Err(InvalidValue::EmptyText) } else { time_of_day(text) }?;
        let fixed = || self.zone.fixed().ok_or(NO_OFFSET);
        Ok((time, zone(rest)?.map_or_else(fixed, Ok)?))
    }

    /// `timestamp with time zone` without what the column cannot hold.
    pub fn timestamptz_without(&self, cell: Cell<'_>, excess: Excess) -> Result<i64, InvalidValue> {
        self.without(cell, excess, |cell| self.instant(cell, excess))
    }

    /// `timestamp` without what the column cannot hold.
    pub fn timestamp_without(&self, cell: Cell<'_>, excess: Excess) -> Result<i64, InvalidValue> {
        self.without(cell, excess, |cell| self.wall(cell, excess))
    }

    /// `time` without what the column cannot hold; rounding may lead to 24:00:00.
    pub fn time_without(&self, cell: Cell<'_>, excess: Excess) -> Result<i64, InvalidValue> {
        let time = self.without(cell, excess, |cell| self.time_of_day(cell, excess))?;
        if (0..=DAY).contains(&time) { Ok(time) } else { Err(InvalidValue::OutOfRange) }
    }

    /// `time with time zone` without what the column cannot hold.
    pub fn timetz_without(&self, cell: Cell<'_>, excess: Excess) -> Result<(i64, i64), InvalidValue> {
        let offset = std::cell::Cell::new(0);
        let time = self.without(cell, excess, |cell| {
            let (time, east) = self.offset_time(cell)?;
            offset.set(east);
            Ok(time)
        })?;
        Ok((time, offset.get()))
    }

    fn without(
        &self,
        cell: Cell<'_>,
        excess: Excess,
        read: impl Fn(Cell<'_>) -> Result<i64, InvalidValue>,
    ) -> Result<i64, InvalidValue> {
        let shortened = match cell {
            Cell::Text(text) => without_fine_digits(text),
            _ => None,
        };
        let (value, up) = match &shortened {
            Some((text, up)) => (read(Cell::Text(text))?, *up && excess == Excess::Round),
            None => (read(cell)?, false),
        };
        let (value, step) = (value + i64::from(up), self.step);
        let value = match excess {
            // Digits of a text are cut off towards the past.
            Excess::Truncate => value.checked_sub(value.rem_euclid(step)).ok_or(InvalidValue::OutOfRange)?,
            _ => {
                let steps = excess.multiple(value.into(), step.into()).ok_or(TOO_FINE)?;
                i64::try_from(steps * i128::from(step)).map_err(|_| InvalidValue::OutOfRange)?
            }
        };
        if epoch::HELD.contains(&value) { Ok(value) } else { Err(InvalidValue::OutOfRange) }
    }

    /// The text's reading, `None` for numbers and for texts that are numbers.
    #[inline]
    fn iso(&self, cell: Cell<'_>) -> Result<Option<Iso>, InvalidValue> {
        match cell {
            Cell::Text(text) => match parse(text) {
                Ok(iso) => Ok(Some(iso)),
                Err(NOT_TIME) if epoch::reads_numbers(self.format) => Ok(None),
                Err(invalid) => Err(invalid),
            },
            Cell::Integer(_) | Cell::Real(_) => Ok(None),
            _ => Err(InvalidValue::Unreadable("a blob is not a date or time")),
        }
    }

    #[inline]
    fn in_step(&self, value: i64) -> Result<i64, InvalidValue> {
        // At the ends of PostgreSQL's range, a zone's offset may lead out of the range.
        if !epoch::HELD.contains(&value) {
            Err(InvalidValue::OutOfRange)
        } else if self.step == 1 || value % self.step == 0 {
            Ok(value)
        } else {
            Err(TOO_FINE)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rule(format: Option<Format>, zone: &str) -> Rule {
        Rule { format, step: 1, zone: Timezone::parse(zone).unwrap() }
    }

    fn text(text: &str) -> Cell<'_> {
        Cell::Text(text.as_bytes())
    }

    #[test]
    fn days_agree_with_the_calendar_of_jiff() {
        let start = jiff::civil::date(2000, 1, 1);
        for year in (1..=9999).step_by(7).chain([1900, 2000, 2024, 2100, 9999]) {
            for (month, day) in [(1, 1), (2, 28), (2, 29), (3, 1), (6, 30), (12, 31)] {
                let expected = jiff::civil::Date::new(year, month, day)
                    .ok()
                    .map(|d| d.since((jiff::Unit::Day, start)).unwrap().get_days());
                assert_eq!(
                    day_number(year as u32, month as u32, day as u32),
                    expected,
                    "{year}-{month}-{day}"
                );
            }
        }
    }

    #[test]
    fn every_iso_form_is_read() {
        let utc = rule(None, "UTC");
        for (written, micros) in [
            ("2000-01-01", 0),
            ("2000-01-01T00:00", 0),
            ("2000-01-01 00:00:01", SECOND),
            ("2000-01-01 00:00:00.5", 500_000),
            ("2000-01-01 00:00:00.123456", 123_456),
            ("2000-01-01 00:00:00.123456000", 123_456),
            ("2000-01-01T00:00:00Z", 0),
            ("2000-01-01 02:00:00 +02:00", 0),
            ("2000-01-01 02:00:00+0200", 0),
            ("1999-12-31 22:00-02", 0),
            ("0001-01-01", -730_119 * DAY),
            ("9999-12-31 23:59:59.999999", 2_921_940 * DAY - 1),
        ] {
            assert_eq!(utc.timestamptz(text(written)), Ok(micros), "{written}");
        }
    }

    #[test]
    fn what_is_no_time_is_invalid() {
        let utc = rule(None, "UTC");
        for (written, invalid) in [
            ("", InvalidValue::EmptyText),
            ("0000-00-00 00:00:00", NO_SUCH_TIME),
            ("2023-02-29", NO_SUCH_TIME),
            ("2023-01-01 24:00:00", NO_SUCH_TIME),
            ("2016-12-31 23:59:60", NO_SUCH_TIME),
            ("2023-01-01 00:00:00.1234567", TOO_FINE),
            ("2023-01-01 00:00:00.", NOT_TIME),
            ("2023-01-01 ", NOT_TIME),
            ("2023-01-01 00:00:00 ", NOT_TIME),
            ("2023-01-01 00:00:00+16:00", NOT_TIME),
            ("2023-1-1", NOT_TIME),
            ("12:00:00", NOT_TIME),
            ("now", NOT_TIME),
            ("20230101", NOT_TIME),
        ] {
            assert_eq!(utc.timestamptz(text(written)), Err(invalid), "{written}");
        }
    }

    #[test]
    fn offsets_and_zones_meet() {
        let berlin = rule(Some(Format::UnixEpoch), "Europe/Berlin");
        let noon = wall(b"2024-07-01 12:00:00").unwrap();
        assert_eq!(berlin.timestamp(text("2024-07-01 12:00:00")), Ok(noon));
        assert_eq!(berlin.timestamp(text("2024-07-01T10:00:00Z")), Ok(noon));
        assert_eq!(berlin.timestamp(Cell::Integer(1_719_828_000)), Ok(noon));
        assert_eq!(berlin.timestamptz(text("2024-07-01 12:00:00")), Ok(noon - 7200 * SECOND));
        assert_eq!(berlin.timestamptz(text("1719828000")), Ok(noon - 7200 * SECOND));
    }

    #[test]
    fn dates_and_times_of_day_take_no_more_than_they_hold() {
        let utc = rule(None, "UTC");
        assert_eq!(utc.date(text("2000-01-31")), Ok(30));
        assert_eq!(utc.date(text("1999-12-31 00:00:00.000")), Ok(-1));
        assert!(utc.date(text("1999-12-31 00:00:01")).is_err());
        assert_eq!(utc.time(text("23:59:59.999999")), Ok(DAY - 1));
        assert_eq!(utc.time(text("2000-01-01 10:00:00")), Ok(10 * 3600 * SECOND));
        assert_eq!(utc.time(text("1970-01-01T10:00:00.000+00:00")), Ok(10 * 3600 * SECOND));
        for other in ["2000-01-02 10:00:00", "1970-01-01T10:00:00+01:00", "2000-01-01"] {
            assert!(utc.time(text(other)).is_err(), "{other}");
        }
        assert_eq!(rule(Some(Format::Seconds), "UTC").time(Cell::Integer(60)), Ok(60 * SECOND));
        assert_eq!(
            rule(Some(Format::Seconds), "UTC").time(Cell::Integer(86400)),
            Err(InvalidValue::OutOfRange)
        );
        assert!(utc.timestamptz(Cell::Integer(1)).is_err());
    }

    #[test]
    fn a_precision_that_would_round_is_invalid() {
        let millis = Rule { step: 1000, ..rule(None, "UTC") };
        assert_eq!(millis.timestamp(text("2000-01-01 00:00:00.123")), Ok(123_000));
        assert_eq!(millis.timestamp(text("2000-01-01 00:00:00.1234")), Err(TOO_FINE));
    }
}
