//! Time zones by name, for times without an offset. The IANA rules are those of `jiff`, which includes a copy for
//! machines without one.
//!
//! A local time that a change of the offset skips or repeats is read by the "compatible" rule: the offset before the
//! change is used in both cases.

use std::fmt;

use super::datetime::{SECOND, UNIX_TO_PG};
use jiff::Timestamp;
use jiff::tz::{AmbiguousOffset, Offset, TimeZone};
use serde::{Deserialize, Deserializer, Serialize, Serializer, de};

/// A time zone; UTC and fixed offsets never look anything up.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Timezone(Zone);

#[derive(Debug, Clone, Default, PartialEq)]
enum Zone {
    #[default]
    Utc,
    /// Microseconds east of Greenwich.
    Fixed(i64),
    Named(TimeZone),
}

impl Timezone {
    pub const UTC: Timezone = Timezone(Zone::Utc);

    /// `UTC`, an IANA name (`Europe/Berlin`) in any case, or an offset (`+05:30`, east of Greenwich).
    pub fn parse(name: &str) -> Result<Timezone, String> {
        let utc = ["UTC", "Z", "GMT", "Etc/UTC", "Etc/GMT", "UCT", "Zulu", "Universal"];
        if utc.iter().any(|u| u.eq_ignore_ascii_case(name)) {
            return Ok(Timezone::UTC);
        }
        if let Some(offset) = super::datetime::offset(name.as_bytes()) {
            return Ok(Timezone(Zone::Fixed(offset)));
        }
        let zone = TimeZone::get(name).map_err(|_| format!("time zone \"{name}\" not recognized"))?;
        Ok(Timezone(Zone::Named(zone)))
    }

    pub fn is_utc(&self) -> bool {
        matches!(self.0, Zone::Utc)
    }

    /// Microseconds east of Greenwich, if the zone has the same offset all year.
    pub fn fixed(&self) -> Option<i64> {
        match &self.0 {
            Zone::Utc => Some(0),
            Zone::Fixed(offset) => Some(*offset),
            Zone::Named(_) => None,
        }
    }

    /// Local time -> instant; both in PostgreSQL microseconds.
    #[inline]
    pub fn instant(&self, wall: i64) -> i64 {
        match &self.0 {
            Zone::Utc => wall,
            Zone::Fixed(offset) => wall.saturating_sub(*offset),
            Zone::Named(zone) => {
                let clock = Offset::UTC.to_datetime(timestamp(wall));
                let offset = match zone.to_ambiguous_timestamp(clock).offset() {
                    AmbiguousOffset::Unambiguous { offset } => offset,
                    AmbiguousOffset::Gap { before, .. } | AmbiguousOffset::Fold { before, .. } => before,
                };
                wall.saturating_sub(micros(offset))
            }
        }
    }

    /// Instant -> local time; both in PostgreSQL microseconds.
    #[inline]
    pub fn wall(&self, instant: i64) -> i64 {
        match &self.0 {
            Zone::Utc => instant,
            Zone::Fixed(offset) => instant.saturating_add(*offset),
            Zone::Named(zone) => {
                let offset = zone.to_offset(timestamp(instant));
                instant.saturating_add(micros(offset))
            }
        }
    }
}

/// A name that [`Timezone::parse`] reads.
impl fmt::Display for Timezone {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.0 {
            Zone::Utc => f.write_str("UTC"),
            Zone::Fixed(offset) => {
                let (sign, minutes) = (if *offset < 0 { '-' } else { '+' }, offset.abs() / SECOND / 60);
                write!(f, "{sign}{:02}:{:02}", minutes / 60, minutes % 60)
            }
            Zone::Named(zone) => f.write_str(zone.iana_name().unwrap_or("UTC")),
        }
    }
}

/// Outside of jiff's years (-9999 to 9999) the rules of the nearest year are used.
fn timestamp(pg_micros: i64) -> Timestamp {
    let unix = pg_micros.saturating_sub(UNIX_TO_PG);
    let nearest = if unix < 0 { Timestamp::MIN } else { Timestamp::MAX };
    Timestamp::from_microsecond(unix).unwrap_or(nearest)
}

fn micros(offset: Offset) -> i64 {
    i64::from(offset.seconds()) * SECOND
}

impl Serialize for Timezone {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Timezone {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Timezone, D::Error> {
        Timezone::parse(&String::deserialize(deserializer)?).map_err(de::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    use super::super::datetime::wall;
    use super::*;

    fn clock(text: &str) -> i64 {
        wall(text.as_bytes()).unwrap()
    }

    #[test]
    fn names_and_offsets_are_zones() {
        for name in ["utc", "Europe/Berlin", "america/new_york", "+05:30", "-08", "Z"] {
            assert!(Timezone::parse(name).is_ok(), "{name}");
        }
        assert_eq!(
            Timezone::parse("Mars/Olympus").err().as_deref(),
            Some("time zone \"Mars/Olympus\" not recognized")
        );
        assert!(Timezone::parse("").is_err());
    }

    #[test]
    fn skipped_and_repeated_hours_take_the_offset_before_the_change() {
        let berlin = Timezone::parse("Europe/Berlin").unwrap();
        for (local, utc) in [
            ("2024-01-15 12:00:00", "2024-01-15 11:00:00"),
            ("2024-07-15 12:00:00", "2024-07-15 10:00:00"),
            ("2024-03-31 02:30:00", "2024-03-31 01:30:00"),
            ("2024-10-27 02:30:00", "2024-10-27 00:30:00"),
        ] {
            assert_eq!(berlin.instant(clock(local)), clock(utc), "{local}");
        }
        assert_eq!(berlin.wall(clock("2024-07-15 10:00:00")), clock("2024-07-15 12:00:00"));
    }

    #[test]
    fn the_ends_of_time_have_an_offset_too() {
        let tokyo = Timezone::parse("Asia/Tokyo").unwrap();
        assert_eq!(tokyo.instant(clock("9999-12-31 23:59:59")), clock("9999-12-31 14:59:59"));
        let fixed = Timezone::parse("+01:00").unwrap();
        assert_eq!(fixed.instant(clock("2000-01-01 01:00:00")), 0);
        tokyo.instant(i64::MIN);
        tokyo.wall(i64::MAX);
    }
}
