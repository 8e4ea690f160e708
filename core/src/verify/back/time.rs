//! Times as picoseconds: fine enough for what an application writes, so that what a type leaves away can be measured.
//!
//! Texts are read by the grammar of ISO 8601 that docs/types.md states; time zones are `jiff`'s.

use jiff::civil::Date;
use jiff::tz::{Offset, TimeZone};
use jiff::{SignedDuration, Timestamp};

use super::number::{Decimal, Number};
use crate::value::Format;

/// Picoseconds in a microsecond, the unit of PostgreSQL's times, and in longer ones.
pub const MICRO: i128 = 1_000_000;
pub const SECOND: i128 = 1_000_000 * MICRO;
pub const DAY: i128 = 86_400 * SECOND;

const FIRST: Date = Date::constant(1970, 1, 1);

/// 2000-01-01, from which PostgreSQL counts, since 1970.
const POSTGRES_EPOCH: i64 = 946_684_800_000_000;

/// A moment of PostgreSQL's as picoseconds since 1970; `None` for the infinities.
pub fn moment(postgres: i64) -> Option<i128> {
    let finite = postgres != i64::MAX && postgres != i64::MIN;
    finite.then(|| (i128::from(postgres) + i128::from(POSTGRES_EPOCH)) * MICRO)
}

/// The start of a day of PostgreSQL's; `None` for the infinities.
pub fn day(postgres: i32) -> Option<i128> {
    let finite = postgres != i32::MAX && postgres != i32::MIN;
    finite.then(|| (i128::from(postgres) + 10_957) * DAY)
}

/// What a text says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Written {
    /// Picoseconds from 1970 to the start of the day.
    pub day: Option<i128>,
    /// Picoseconds since midnight.
    pub clock: Option<i128>,
    /// East of Greenwich.
    pub offset: Option<i128>,
}

/// Reads a text from its beginning.
struct Reader<'a>(&'a [u8]);

impl Reader<'_> {
    fn take(&mut self, wanted: impl Fn(u8) -> bool) -> Option<u8> {
        let (first, rest) = self.0.split_first()?;
        let found = wanted(*first).then_some(*first)?;
        self.0 = rest;
        Some(found)
    }

    /// A number of so many digits.
    fn digits(&mut self, count: usize) -> Option<i128> {
        (0..count)
            .try_fold(0, |sum, _| Some(sum * 10 + i128::from(self.take(|b| b.is_ascii_digit())? - b'0')))
    }

    fn date(&mut self) -> Option<i128> {
        let year = self.digits(4)?;
        self.take(|b| b == b'-')?;
        let month = self.digits(2)?;
        self.take(|b| b == b'-')?;
        let day = self.digits(2)?;
        let date = Date::new(year.try_into().ok()?, month.try_into().ok()?, day.try_into().ok()?).ok()?;
        (year > 0).then(|| i128::from(date.duration_since(FIRST).as_secs()) * SECOND)
    }

    fn clock(&mut self) -> Option<i128> {
        let hours = self.digits(2)?;
        self.take(|b| b == b':')?;
        let (minutes, mut seconds, mut fraction) = (self.digits(2)?, 0, 0);
        if self.take(|b| b == b':').is_some() {
            seconds = self.digits(2)?;
            if self.take(|b| b == b'.').is_some() {
                fraction = self.fraction()?;
            }
        }
        (hours < 24 && minutes < 60 && seconds < 60)
            .then_some(((hours * 60 + minutes) * 60 + seconds) * SECOND + fraction)
    }

    /// Digits beyond picoseconds count as one picosecond, if any of them is not zero.
    fn fraction(&mut self) -> Option<i128> {
        let (mut sum, mut unit, mut beyond) = (0, SECOND, 0);
        let mut any = false;
        while let Some(digit) = self.take(|b| b.is_ascii_digit()) {
            any = true;
            unit /= 10;
            sum += i128::from(digit - b'0') * unit;
            beyond |= i128::from(unit == 0 && digit != b'0');
        }
        any.then_some(sum + beyond)
    }

    fn offset(&mut self) -> Option<i128> {
        if self.take(|b| matches!(b, b'Z' | b'z')).is_some() {
            return Some(0);
        }
        let sign = if self.take(|b| matches!(b, b'+' | b'-'))? == b'-' { -1 } else { 1 };
        let (hours, mut minutes) = (self.digits(2)?, 0);
        let colon = self.take(|b| b == b':').is_some();
        if colon || !self.0.is_empty() {
            minutes = self.digits(2)?;
        }
        (hours < 16 && minutes < 60).then_some(sign * (hours * 60 + minutes) * 60 * SECOND)
    }
}

/// An ISO 8601 date, time of day, or both, with or without an offset.
pub fn read(text: &str) -> Option<Written> {
    let mut reader = Reader(text.as_bytes());
    let dated = text.as_bytes().get(4) == Some(&b'-');
    let day = if dated { Some(reader.date()?) } else { None };
    if dated && reader.0.is_empty() {
        return Some(Written { day, clock: None, offset: None });
    }
    if dated {
        reader.take(|b| matches!(b, b' ' | b'T' | b't'))?;
    }
    let clock = Some(reader.clock()?);
    let offset = match reader.0 {
        [] => None,
        _ => {
            reader.take(|b| b == b' ');
            Some(reader.offset()?)
        }
    };
    reader.0.is_empty().then_some(Written { day, clock, offset })
}

impl Written {
    /// The local time.
    pub fn wall(&self) -> Option<i128> {
        Some(self.day? + self.clock.unwrap_or(0))
    }

    /// A time of day after one of the dates that Rails (2000-01-01) and Prisma (1970-01-01) write before it.
    pub fn is_clock_alone(&self) -> bool {
        let stands_for_none = [0, 10_957 * DAY];
        self.clock.is_some()
            && match self.day {
                Some(day) => stands_for_none.contains(&day) && matches!(self.offset, None | Some(0)),
                None => self.offset.is_none(),
            }
    }
}

/// Where a plan's times without an offset are.
#[derive(Debug, Clone)]
pub enum Zone {
    Fixed(i128),
    Named(TimeZone),
}

impl Zone {
    pub fn parse(name: &str) -> Option<Zone> {
        let same = ["UTC", "Z", "GMT", "Etc/UTC", "Etc/GMT", "UCT", "Zulu", "Universal"];
        if same.iter().any(|same| same.eq_ignore_ascii_case(name)) {
            return Some(Zone::Fixed(0));
        }
        let mut reader = Reader(name.as_bytes());
        match reader.offset() {
            Some(offset) if reader.0.is_empty() => Some(Zone::Fixed(offset)),
            _ => TimeZone::get(name).ok().map(Zone::Named),
        }
    }

    /// The moment of a local time. In an hour that is skipped or repeated, the offset before the change counts.
    pub fn instant(&self, wall: i128) -> i128 {
        match self {
            Zone::Fixed(offset) => wall - offset,
            Zone::Named(zone) => {
                let clock = second(wall);
                let found = zone.to_ambiguous_timestamp(Offset::UTC.to_datetime(clock)).compatible();
                let moved = found.map_or(0, |found| found.as_second() - clock.as_second());
                wall + i128::from(moved) * SECOND
            }
        }
    }

    /// The local time at a moment.
    pub fn wall(&self, instant: i128) -> i128 {
        match self {
            Zone::Fixed(offset) => instant + offset,
            Zone::Named(zone) => instant + i128::from(zone.to_offset(second(instant)).seconds()) * SECOND,
        }
    }
}

/// Without its fraction; the nearest that there are rules for.
fn second(picoseconds: i128) -> Timestamp {
    let seconds = picoseconds.div_euclid(SECOND);
    let nearest = if seconds < 0 { Timestamp::MIN } else { Timestamp::MAX };
    i64::try_from(seconds).ok().and_then(|s| Timestamp::from_second(s).ok()).unwrap_or(nearest)
}

/// Where a format counts from, in picoseconds since 1970, and the length of its unit.
fn epoch(format: Format) -> Option<(i128, i128)> {
    Some(match format {
        Format::UnixEpoch => (0, SECOND),
        Format::UnixEpochMs => (0, 1000 * MICRO),
        Format::UnixEpochUs => (0, MICRO),
        Format::UnixEpochNs => (0, MICRO / 1000),
        Format::Chrome => (-11_644_473_600 * SECOND, MICRO),
        Format::Apple => (978_307_200 * SECOND, SECOND),
        _ => return None,
    })
}

/// The length of a format's unit, if it counts durations.
fn unit(format: Format) -> Option<i128> {
    Some(match format {
        Format::Seconds => SECOND,
        Format::Milliseconds => 1000 * MICRO,
        Format::Microseconds => MICRO,
        Format::Days => DAY,
        _ => return None,
    })
}

/// A number that counts something.
#[derive(Debug, Clone, Copy)]
pub enum Count<'a> {
    Integer(i64),
    Real(f64),
    /// The digits of one.
    Text(&'a str),
}

/// Picoseconds since 1970.
pub fn counted(count: Count<'_>, format: Format) -> Option<i128> {
    if format == Format::JulianDay {
        return julian(count);
    }
    let (start, unit) = epoch(format)?;
    Some(start + amount(count, unit)?)
}

/// Picoseconds.
pub fn duration(count: Count<'_>, format: Format) -> Option<i128> {
    amount(count, unit(format)?)
}

/// A real has no more digits than to the microsecond.
fn amount(count: Count<'_>, unit: i128) -> Option<i128> {
    match count {
        Count::Integer(count) => Some(i128::from(count) * unit),
        Count::Real(real) => nearest_micro(real, unit),
        Count::Text(text) => digits(text, unit),
    }
}

/// The digits of a number without an exponent, as multiples of the unit; `None` where they are finer than a picosecond.
fn digits(text: &str, unit: i128) -> Option<i128> {
    let (negative, unsigned) = text.strip_prefix('-').map_or((false, text), |rest| (true, rest));
    let (whole, fraction) = unsigned.split_once('.').unwrap_or((unsigned, "0"));
    let plain = |digits: &str| !digits.is_empty() && digits.bytes().all(|b| b.is_ascii_digit());
    if !plain(whole) || !plain(fraction) || whole.len() > 19 {
        return None;
    }
    let fraction = fraction.trim_end_matches('0');
    let scale = 10i128.checked_pow(u32::try_from(fraction.len()).ok()?)?;
    let value: i128 = format!("{whole}{fraction}").parse().ok()?;
    let scaled = value.checked_mul(unit)?;
    (scaled % scale == 0).then_some(if negative { -scaled / scale } else { scaled / scale })
}

/// A real times the unit, to the nearest microsecond, the later one of two. Whole units are taken apart, so that the
/// fraction keeps all its bits.
fn nearest_micro(real: f64, unit: i128) -> Option<i128> {
    if !real.is_finite() || real.abs() >= 1e19 {
        return None;
    }
    let (floor, fraction) = (real.floor(), real - real.floor());
    let whole = (floor as i128).checked_mul(unit)?;
    // Of whole units that are no whole microseconds, only nanoseconds are counted.
    let whole = whole.div_euclid(MICRO) * MICRO;
    let micros = fraction * (unit as f64 / MICRO as f64);
    Some(whole + (micros.round() as i128) * MICRO)
}

/// To the millisecond, by the formula of SQLite's own functions.
fn julian(count: Count<'_>) -> Option<i128> {
    let days = match count {
        Count::Integer(days) => days as f64,
        Count::Real(days) => days,
        Count::Text(text) => {
            Decimal::parse(text).filter(|_| !text.contains(['e', 'E', '+']))?;
            text.parse().ok()?
        }
    };
    let in_calendar = (0.0..5_373_484.5).contains(&days);
    in_calendar.then(|| ((days * 86_400_000.0 + 0.5) as i128 - 210_866_760_000_000) * 1000 * MICRO)
}

/// A text that is a number, as a format that counts reads it.
pub fn number_in(text: &str) -> Option<Count<'_>> {
    matches!(Number::parse(text), Some(Number::Finite(_))).then_some(Count::Text(text))
}

/// As PostgreSQL prints it in ISO style, without an offset; `None` for a year that no text can have.
pub fn printed(wall: i128) -> Option<String> {
    Some(format!("{} {}", date(wall)?, clock(wall.rem_euclid(DAY))))
}

/// The day alone.
pub fn date(wall: i128) -> Option<String> {
    let seconds = i64::try_from(wall.div_euclid(DAY) * 86_400).ok()?;
    let date = FIRST.checked_add(SignedDuration::from_secs(seconds)).ok()?;
    (date.year() > 0).then(|| date.to_string())
}

/// `HH:MM:SS`, with as many digits after the point as there are.
pub fn clock(time: i128) -> String {
    let (seconds, micros) = (time / SECOND, time % SECOND / MICRO);
    let clock = format!("{:02}:{:02}:{:02}", seconds / 3600, seconds / 60 % 60, seconds % 60);
    let fraction = format!(".{micros:06}");
    format!("{clock}{}", fraction.trim_end_matches('0').trim_end_matches('.'))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_text_says_a_day_a_clock_and_an_offset() {
        let hour = 3600 * SECOND;
        let moment = |text: &str| read(text).and_then(|w| Some(w.wall()? - w.offset.unwrap_or(0)));
        assert_eq!(moment("1970-01-01"), Some(0));
        assert_eq!(moment("1970-01-02T01:00:00.000001+01:00"), Some(DAY + MICRO));
        assert_eq!(moment("1969-12-31 23:00 -0100"), Some(0));
        assert_eq!(read("10:00"), Some(Written { day: None, clock: Some(10 * hour), offset: None }));
        for text in [
            "",
            "2024-02-30",
            "2024-01-01 24:00",
            "2024-1-1",
            "0000-01-01",
            "2024-01-01x",
            "10:00:60",
            "2024-01-01 10:00:00.",
        ] {
            assert_eq!(read(text), None, "{text}");
        }
    }

    #[test]
    fn the_offset_before_a_change_counts() {
        let zone = Zone::parse("Europe/Zurich").unwrap();
        let at = |text: &str| zone.instant(read(text).unwrap().wall().unwrap());
        let utc = |text: &str| read(text).unwrap().wall().unwrap();
        assert_eq!(at("2024-03-31 02:30:00.5"), utc("2024-03-31 01:30:00.5"));
        assert_eq!(at("2024-10-27 02:30"), utc("2024-10-27 00:30"));
        assert_eq!(zone.wall(utc("2024-07-01 10:00")), utc("2024-07-01 12:00"));
    }

    #[test]
    fn counts_of_one_moment() {
        let moment = read("2024-07-01 10:00:00.25").unwrap().wall();
        for (count, format) in [
            (Count::Real(1_719_828_000.25), Format::UnixEpoch),
            (Count::Text("1719828000.250"), Format::UnixEpoch),
            (Count::Integer(1_719_828_000_250), Format::UnixEpochMs),
            (Count::Integer(1_719_828_000_250_000_000), Format::UnixEpochNs),
            (Count::Integer(13_364_301_600_250_000), Format::Chrome),
            (Count::Real(741_520_800.25), Format::Apple),
            (Count::Real(2_460_492.916_669_56), Format::JulianDay),
        ] {
            assert_eq!(counted(count, format), moment, "{count:?} {format:?}");
        }
    }

    #[test]
    fn printed_as_postgresql_does() {
        for text in [
            "2024-07-01 10:00:00.25",
            "0001-01-01 00:00:00",
            "9999-12-31 23:59:59.999999",
            "1969-12-31 23:59:59",
        ] {
            assert_eq!(printed(read(text).unwrap().wall().unwrap()).as_deref(), Some(text));
        }
        let year = 366 * DAY;
        assert_eq!((date(8100 * year), date(-2000 * year)), (None, None));
    }
}
