//! Time literals: ISO text and epoch numbers -> typed PostgreSQL literals.
//!
//! Typed literals are constants, so they are immutable whatever DateStyle and TimeZone say: dates
//! are written year first and `timestamptz` carries its offset. They are read as stored values are (`value/datetime.rs`):
//! text without an offset is a time of the plan's zone, and an instant is its clock's where the column has no zone.

use jiff::SignedDuration;
use jiff::civil::{Date, DateTime, Time, date as day};
use jiff::tz::Offset;

use super::literal::{invalid, number, whole};
use super::node::{Kind, Lit, Node, Result};
use crate::types::TypeClass;
use crate::value::datetime::UNIX_TO_PG;
use crate::value::{Format, Timezone};

/// ISO-8601 as SQLite and its applications write it.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Iso {
    pub date: Option<Date>,
    pub time: Option<Time>,
    pub offset: Option<Offset>,
}

/// A literal as a value of a time class.
pub(super) fn literal(
    lit: &Lit,
    class: TypeClass,
    format: Option<Format>,
    timezone: &Timezone,
) -> Result<Node> {
    let sql = match lit {
        Lit::Text(t) => match iso(t) {
            Some(iso) => from_iso(iso, class, timezone),
            None => number(t).and_then(|n| match n.kind {
                Kind::Literal(n) => from_number(&n, class, format, timezone),
                _ => None,
            }),
        },
        _ => from_number(lit, class, format, timezone),
    };
    match sql {
        Some(sql) => Ok(Node::atom(sql, class)),
        None => invalid(lit, class),
    }
}

fn from_iso(iso: Iso, class: TypeClass, timezone: &Timezone) -> Option<String> {
    let date = match (iso.date, iso.time) {
        (None, Some(t)) if class == TypeClass::Time && iso.offset.is_none() => {
            return Some(format!("'{t}'::time"));
        }
        (date, _) => date?,
    };
    let clock = micros(DateTime::from_parts(date, iso.time.unwrap_or_default()));
    let instant = iso.offset.map(|offset| clock - i64::from(offset.seconds()) * 1_000_000);
    match (class, instant) {
        (TypeClass::TimestampTz, instant) => {
            of_class(instant.unwrap_or_else(|| timezone.instant(clock)), class)
        }
        (_, instant) => of_class(instant.map_or(clock, |instant| timezone.wall(instant)), class),
    }
}

fn from_number(lit: &Lit, class: TypeClass, format: Option<Format>, timezone: &Timezone) -> Option<String> {
    let instant = epoch_micros(lit, format?)?.checked_add(UNIX_TO_PG)?;
    of_class(if class == TypeClass::TimestampTz { instant } else { timezone.wall(instant) }, class)
}

/// PostgreSQL's microseconds of a clock that shows this.
fn micros(civil: DateTime) -> i64 {
    i64::try_from(civil.duration_since(PG_EPOCH).as_micros()).unwrap_or(i64::MAX)
}

const PG_EPOCH: DateTime = day(2000, 1, 1).to_datetime(Time::midnight());

/// An instant in UTC, or a local time.
fn of_class(micros: i64, class: TypeClass) -> Option<String> {
    let civil = PG_EPOCH.checked_add(SignedDuration::from_micros(micros)).ok()?;
    match class {
        TypeClass::Date if civil.time() == Time::midnight() => typed_date(civil.date()),
        TypeClass::Timestamp | TypeClass::TimestampTz => typed_timestamp(civil, class),
        _ => None,
    }
}

/// Microseconds since 1970 of a stored number; `None` if the format does not read numbers as times.
fn epoch_micros(lit: &Lit, format: Format) -> Option<i64> {
    let (unit, start): (i64, i64) = match format {
        Format::UnixEpoch => (1_000_000, 0),
        Format::UnixEpochMs => (1_000, 0),
        Format::UnixEpochUs => (1, 0),
        Format::Chrome => (1, -11_644_473_600_000_000),
        Format::Apple => (1_000_000, 978_307_200_000_000),
        _ => return None,
    };
    match lit {
        Lit::Integer(n) => n.checked_mul(unit)?.checked_add(start),
        #[expect(clippy::cast_precision_loss, reason = "units are small")]
        Lit::Real(x, _) => whole((x * unit as f64).round())?.checked_add(start),
        _ => None,
    }
}

fn typed_date(d: Date) -> Option<String> {
    (d.year() > 0).then(|| format!("'{d}'::date"))
}

fn typed_timestamp(civil: DateTime, class: TypeClass) -> Option<String> {
    let text = format!("{} {}", civil.date(), civil.time());
    (civil.year() > 0).then(|| match class {
        TypeClass::TimestampTz => format!("'{text}+00'::timestamptz"),
        _ => format!("'{text}'::timestamp"),
    })
}

/// `YYYY-MM-DD`, `HH:MM[:SS[.f…]]`, or both with a space or `T`, then `Z` or `±HH:MM`.
pub(super) fn iso(text: &str) -> Option<Iso> {
    if !text.is_ascii() {
        return None;
    }
    let split = text.split_at_checked(10).and_then(|(d, rest)| Some((date(d)?, rest)));
    let (date, rest) = match split {
        Some((d, rest)) => (Some(d), rest),
        None => (None, text),
    };
    if date.is_some() && rest.is_empty() {
        return Some(Iso { date, time: None, offset: None });
    }
    let rest = if date.is_some() { rest.strip_prefix([' ', 'T', 't'])? } else { rest };
    let end = rest.find(['Z', 'z', '+', '-', ' ']).unwrap_or(rest.len());
    let (clock, zone) = rest.split_at(end);
    Some(Iso { date, time: Some(time(clock)?), offset: offset(zone.trim_start())? })
}

fn date(text: &str) -> Option<Date> {
    let mut parts = text.split('-');
    let (y, m, d) = (parts.next()?, parts.next()?, parts.next()?);
    if parts.next().is_some() || (y.len(), m.len(), d.len()) != (4, 2, 2) {
        return None;
    }
    Date::new(digits(y)?.try_into().ok()?, digits(m)?.try_into().ok()?, digits(d)?.try_into().ok()?).ok()
}

fn time(text: &str) -> Option<Time> {
    let (clock, fraction) = text.split_once('.').unwrap_or((text, "0"));
    let parts: Vec<i8> = clock
        .split(':')
        .map(|p| (p.len() == 2).then(|| digits(p)?.try_into().ok())?)
        .collect::<Option<_>>()?;
    let (h, m, s) = match *parts {
        [h, m] if !text.contains('.') => (h, m, 0),
        [h, m, s] => (h, m, s),
        _ => return None,
    };
    let nanos = digits(fraction)?.checked_mul(10i32.checked_pow(9u32.checked_sub(len(fraction))?)?)?;
    // PostgreSQL keeps microseconds; a finer literal would be rounded.
    if nanos % 1000 != 0 { None } else { Time::new(h, m, s, nanos).ok() }
}

fn len(text: &str) -> u32 {
    u32::try_from(text.len()).unwrap_or(u32::MAX)
}

/// `Some(None)`: there is no offset; `None`: the text is not an offset.
fn offset(text: &str) -> Option<Option<Offset>> {
    let sign = match text.chars().next() {
        None => return Some(None),
        Some('Z' | 'z') if text.len() == 1 => return Some(Some(Offset::UTC)),
        Some('+') => 1,
        Some('-') => -1,
        Some(_) => return None,
    };
    let (h, m) = match text.get(1..)?.split_once(':') {
        Some((h, m)) => (h, m),
        None => (text.get(1..3)?, text.get(3..).filter(|m| !m.is_empty()).unwrap_or("00")),
    };
    if (h.len(), m.len()) != (2, 2) {
        return None;
    }
    Some(Some(Offset::from_seconds(sign * (digits(h)? * 3600 + digits(m)? * 60)).ok()?))
}

fn digits(text: &str) -> Option<i32> {
    text.bytes().all(|b| b.is_ascii_digit()).then(|| text.parse().ok())?
}

#[cfg(test)]
mod tests {
    use super::*;

    fn lit(value: Lit, class: TypeClass, format: Option<Format>) -> String {
        literal(&value, class, format, &Timezone::UTC).map_or_else(|e| e.reason, |n| n.sql)
    }

    #[test]
    fn iso_text_becomes_a_typed_literal() {
        use TypeClass::{Date, Time, Timestamp, TimestampTz};
        for (text, class, sql) in [
            ("2020-01-01", Date, "'2020-01-01'::date"),
            ("2020-01-01 00:00:00", Date, "'2020-01-01'::date"),
            ("2020-01-01", Timestamp, "'2020-01-01 00:00:00'::timestamp"),
            ("2000-01-01 00:00:00+00:00", TimestampTz, "'2000-01-01 00:00:00+00'::timestamptz"),
            ("2000-01-01T12:30:00.250Z", Timestamp, "'2000-01-01 12:30:00.25'::timestamp"),
            ("2000-01-01 00:00:00+02:00", Timestamp, "'1999-12-31 22:00:00'::timestamp"),
            ("2000-01-01 00:00:00 -0530", TimestampTz, "'2000-01-01 05:30:00+00'::timestamptz"),
            ("08:30", Time, "'08:30:00'::time"),
            ("9999-12-31 23:59:59", Timestamp, "'9999-12-31 23:59:59'::timestamp"),
        ] {
            assert_eq!(lit(Lit::Text(text.into()), class, None), sql, "{text}");
        }
        for text in [
            "",
            "now",
            "2020-13-01",
            "2020-02-30",
            "0000-00-00",
            "2020-01-01x",
            "2020-1-1",
            "24:00",
            "é",
            "2020-01-01T",
        ] {
            assert!(literal(&Lit::Text(text.into()), Timestamp, None, &Timezone::UTC).is_err(), "{text}");
        }
        for text in ["2020-01-01 10:00", "2020-01-01 00:00+02:00"] {
            assert!(literal(&Lit::Text(text.into()), Date, None, &Timezone::UTC).is_err());
        }
    }

    #[test]
    fn what_has_no_offset_is_the_zones_and_an_instant_shows_on_its_clock() {
        use TypeClass::{Date, Timestamp, TimestampTz};
        let berlin = Timezone::parse("Europe/Berlin").unwrap();
        for (value, class, sql) in [
            (Lit::Text("2024-07-01 09:00".into()), TimestampTz, "'2024-07-01 07:00:00+00'::timestamptz"),
            (Lit::Text("2024-01-01".into()), TimestampTz, "'2023-12-31 23:00:00+00'::timestamptz"),
            (Lit::Text("2024-07-01 09:00Z".into()), TimestampTz, "'2024-07-01 09:00:00+00'::timestamptz"),
            (Lit::Text("2024-07-01 09:00".into()), Timestamp, "'2024-07-01 09:00:00'::timestamp"),
            (Lit::Text("2024-07-01 09:00Z".into()), Timestamp, "'2024-07-01 11:00:00'::timestamp"),
            (Lit::Text("2024-07-01T22:00:00Z".into()), Date, "'2024-07-02'::date"),
            (Lit::Integer(0), TimestampTz, "'1970-01-01 00:00:00+00'::timestamptz"),
            (Lit::Integer(0), Timestamp, "'1970-01-01 01:00:00'::timestamp"),
            (Lit::Integer(-3600), Date, "'1970-01-01'::date"),
        ] {
            let literal = literal(&value, class, Some(Format::UnixEpoch), &berlin).unwrap();
            assert_eq!(literal.sql, sql, "{value:?}");
        }
    }

    #[test]
    fn epoch_numbers_follow_the_format() {
        let ts = TypeClass::TimestampTz;
        for (value, format, sql) in [
            (Lit::Integer(0), Format::UnixEpoch, "'1970-01-01 00:00:00+00'::timestamptz"),
            (Lit::Integer(1_700_000_000_000), Format::UnixEpochMs, "'2023-11-14 22:13:20+00'::timestamptz"),
            (Lit::Integer(0), Format::Apple, "'2001-01-01 00:00:00+00'::timestamptz"),
            (Lit::Integer(0), Format::Chrome, "'1601-01-01 00:00:00+00'::timestamptz"),
            (Lit::Text("60".into()), Format::UnixEpoch, "'1970-01-01 00:01:00+00'::timestamptz"),
        ] {
            assert_eq!(lit(value, ts, Some(format)), sql);
        }
        assert!(literal(&Lit::Integer(i64::MAX), ts, Some(Format::UnixEpoch), &Timezone::UTC).is_err());
        assert!(literal(&Lit::Integer(0), ts, None, &Timezone::UTC).is_err());
    }
}
