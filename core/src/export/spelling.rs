//! How a column's times, intervals and UUIDs are spelled, given by an example whose digits are zeros:
//! `0000-00-00T00:00:00.000Z`, `0000-00-00`, `0000-00-00 00:00:00[.000000]` where a fraction is left out that is zero,
//! `PT0S`, 32 zeros for a UUID without dashes.

mod span;

pub use self::span::Span;

use crate::value::Timezone;
use crate::value::datetime::{DAY, SECOND};
use crate::value::encode::{iso_date, iso_time};
use crate::value::native::Native;

#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Spelling {
    Moment(Moment),
    Interval(Span),
    /// 32 digits.
    BareUuid,
}

/// A date, then a time, then a zone.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Moment {
    time: Option<Time>,
    zone: Zone,
}

#[derive(Debug, Clone, PartialEq, Eq)]
struct Time {
    separator: char,
    seconds: bool,
    /// Digits after the second.
    fraction: usize,
    /// A fraction of zero is left out.
    optional: bool,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Zone {
    None,
    Letter,
    Offset,
}

const DATE: &str = "0000-00-00";
const BARE_UUID: &str = "00000000000000000000000000000000";

impl Spelling {
    pub fn parse(example: &str) -> Option<Spelling> {
        if example == BARE_UUID {
            return Some(Spelling::BareUuid);
        }
        if let Some(span) = Span::parse(example) {
            return Some(Spelling::Interval(span));
        }
        let rest = example.strip_prefix(DATE)?;
        let (rest, zone) = match (rest.strip_suffix('Z'), rest.strip_suffix("+00:00")) {
            (Some(rest), _) => (rest, Zone::Letter),
            (_, Some(rest)) => (rest, Zone::Offset),
            _ => (rest, Zone::None),
        };
        if rest.is_empty() {
            return (zone == Zone::None).then_some(Spelling::Moment(Moment { time: None, zone }));
        }
        let separator = rest.chars().next().filter(|c| matches!(c, ' ' | 'T'))?;
        let clock = rest[1..].strip_prefix("00:00")?;
        let (seconds, fraction) = match clock.strip_prefix(":00") {
            Some(fraction) => (true, fraction),
            None => (false, clock),
        };
        let inner = fraction.strip_prefix('[').and_then(|f| f.strip_suffix(']'));
        let digits = match inner.unwrap_or(fraction) {
            "" => "",
            text => text.strip_prefix('.').filter(|digits| !digits.is_empty())?,
        };
        let is_right =
            digits.len() <= 6 && digits.bytes().all(|b| b == b'0') && (seconds || digits.is_empty());
        let time = Time { separator, seconds, fraction: digits.len(), optional: inner.is_some() };
        is_right.then_some(Spelling::Moment(Moment { time: Some(time), zone }))
    }

    /// The example that a text follows, if there is one.
    pub fn of_text(text: &str) -> Option<String> {
        let is_uuid = text.len() == 32 && text.bytes().all(|b| matches!(b, b'0'..=b'9' | b'a'..=b'f'));
        let zero = |c: char| if c.is_ascii_digit() || is_uuid { '0' } else { c };
        let example: String = text.chars().map(zero).collect();
        // The offset is a number, too: only UTC's is told.
        let is_utc = !example.ends_with("+00:00") || text.ends_with("+00:00");
        Spelling::parse(&example).filter(|_| is_utc).map(|_| example)
    }

    /// The example of a column whose least and greatest text are these.
    pub fn of_edges(least: &str, greatest: &str) -> Option<String> {
        if let Some(example) = Span::of_edges(least, greatest) {
            return Some(example.to_owned());
        }
        let (one, other) = (Spelling::of_text(least)?, Spelling::of_text(greatest)?);
        if one == other {
            return Some(one);
        }
        // As Python prints them: the one has a fraction, the other none.
        let (short, long) = if one.len() < other.len() { (one, other) } else { (other, one) };
        let (head, fraction) = long.split_once('.')?;
        let zone = fraction.trim_start_matches('0');
        (short == format!("{head}{zone}")).then(|| Spelling::with_optional_fraction(&long))
    }

    /// The same example, with a fraction that is left out where it is zero.
    pub fn with_optional_fraction(example: &str) -> String {
        if Span::parse(example).is_some() {
            return example.to_owned();
        }
        match example.split_once('.').filter(|(head, _)| !head.ends_with('[')) {
            Some((head, fraction)) => {
                let digits = fraction.bytes().take_while(|b| *b == b'0').count();
                let (digits, zone) = fraction.split_at_checked(digits).unwrap_or((fraction, ""));
                format!("{head}[.{digits}]{zone}")
            }
            None => example.to_owned(),
        }
    }

    /// The value in this spelling; `None` where it does not hold it.
    pub fn spell(&self, value: &Native<'_>, timezone: &Timezone) -> Option<String> {
        match (self, value) {
            (Spelling::BareUuid, Native::Uuid(bytes)) => {
                Some(::uuid::Uuid::from_bytes(*bytes).simple().to_string())
            }
            (Spelling::Interval(span), Native::Printed(printed)) => span.respell(printed),
            // A local time is one of the plan's zone; a text with a zone says it in UTC.
            (Spelling::Moment(moment), Native::Timestamp(wall)) => match moment.zone {
                Zone::None => moment.spell(*wall),
                _ => moment.spell(timezone.instant(*wall)),
            },
            (Spelling::Moment(moment), Native::TimestampTz(instant)) => match moment.zone {
                Zone::None => moment.spell(timezone.wall(*instant)),
                _ => moment.spell(*instant),
            },
            _ => None,
        }
    }
}

impl Moment {
    fn spell(&self, micros: i64) -> Option<String> {
        let (day, time) = (micros.div_euclid(DAY), micros.rem_euclid(DAY));
        let date = iso_date(i32::try_from(day).ok()?).ok()?;
        let Some(of) = &self.time else { return (time == 0).then_some(date) };
        let whole = iso_time(time - time % SECOND);
        let clock = match of.seconds {
            true => whole.as_str(),
            false => whole.strip_suffix(":00")?,
        };
        let micros = time % SECOND;
        let fraction = match of.fraction {
            digits if digits == 0 || of.optional && micros == 0 => (micros == 0).then(String::new)?,
            digits => {
                let unit = 10i64.pow(6 - u32::try_from(digits).ok()?);
                (micros % unit == 0).then(|| format!(".{:0digits$}", micros / unit))?
            }
        };
        let zone = match self.zone {
            Zone::None => "",
            Zone::Letter => "Z",
            Zone::Offset => "+00:00",
        };
        Some(format!("{date}{}{clock}{fraction}{zone}", of.separator))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_moment_is_spelled_by_its_example() {
        let berlin = Timezone::parse("Europe/Berlin").unwrap();
        let noon = Native::TimestampTz(43_200_250_000);
        for (example, spelled) in [
            ("0000-00-00T00:00:00.000Z", Some("2000-01-01T12:00:00.250Z")),
            ("0000-00-00 00:00:00.00", Some("2000-01-01 13:00:00.25")),
            ("0000-00-00 00:00:00[.000000]+00:00", Some("2000-01-01 12:00:00.250000+00:00")),
            ("0000-00-00 00:00:00", None),
            ("0000-00-00", None),
        ] {
            assert_eq!(
                Spelling::parse(example).unwrap().spell(&noon, &berlin).as_deref(),
                spelled,
                "{example}"
            );
        }
        for (example, value, spelled) in [
            ("0000-00-00", 0, Some("2000-01-01")),
            ("0000-00-00 00:00:00[.000000]", DAY, Some("2000-01-02 00:00:00")),
            ("0000-00-00T00:00", 60 * SECOND, Some("2000-01-01T00:01")),
            ("0000-00-00T00:00", 61 * SECOND, None),
        ] {
            let spelling = Spelling::parse(example).unwrap();
            assert_eq!(
                spelling.spell(&Native::Timestamp(value), &Timezone::UTC).as_deref(),
                spelled,
                "{example}"
            );
        }
        for wrong in [
            "0000-00-00X00:00",
            "0000-00-00Z",
            "0000-00-00 00:00.0",
            "0000-00-00 00:00:00.0000000",
            "00:00",
            "",
            "0000-00-00T00:00:00.",
        ] {
            assert_eq!(Spelling::parse(wrong), None, "{wrong}");
        }
    }

    #[test]
    fn a_fraction_may_be_optional() {
        for (example, optional) in [
            ("0000-00-00 00:00:00.000Z", "0000-00-00 00:00:00[.000]Z"),
            ("0000-00-00 00:00:00.000000+00:00", "0000-00-00 00:00:00[.000000]+00:00"),
            ("0000-00-00 00:00:00[.000]", "0000-00-00 00:00:00[.000]"),
            ("0000-00-00", "0000-00-00"),
            ("0.00:00:00[.0000000]", "0.00:00:00[.0000000]"),
        ] {
            assert_eq!(Spelling::with_optional_fraction(example), optional);
        }
    }

    #[test]
    fn the_example_of_a_column_is_that_of_its_edges() {
        for (least, greatest, example) in [
            ("2024-01-01T10:00:00Z", "2025-01-01T10:00:00Z", Some("0000-00-00T00:00:00Z")),
            ("2024-01-01 00:00:00", "2026-11-20 15:14:10.465776", Some("0000-00-00 00:00:00[.000000]")),
            ("2024-01-01 00:00:00.5Z", "2026-11-20 15:14:10Z", Some("0000-00-00 00:00:00[.0]Z")),
            ("2024-01-01", "2026-11-20 15:14:10", None),
            ("2024-01-01 00:00:00+02:00", "2024-01-01 00:00:00+02:00", None),
            ("57116d4c475140929d1d40962eff832f", "67116d4c475140929d1d40962eff832f", Some(BARE_UUID)),
        ] {
            assert_eq!(Spelling::of_edges(least, greatest).as_deref(), example, "{least}");
        }
    }
}
