//! An interval as PostgreSQL prints it by default -> ISO 8601, a number of days, seconds, milliseconds or microseconds, or a
//! time since 1970.

use super::{Result, refuse};
use crate::value::datetime::{DAY, SECOND, UNIX_TO_PG};
use crate::value::interval::{Parts, parts};
use crate::value::{CellBuf, Excess, Format, epoch};

/// `P1Y2M-3DT4H5M6.789S`, each number with its sign, as PostgreSQL prints it with `IntervalStyle` `iso_8601`.
pub fn iso8601(printed: &str) -> Result<String> {
    let Some(Parts { months, days, micros }) = parts(printed) else {
        return refuse("ISO 8601 has no such interval");
    };
    let part = |number: i64, unit: char| if number == 0 { String::new() } else { format!("{number}{unit}") };
    let date =
        part(i64::from(months / 12), 'Y') + &part(i64::from(months % 12), 'M') + &part(i64::from(days), 'D');
    let (sign, size) = (if micros < 0 { "-" } else { "" }, micros.unsigned_abs());
    let (seconds, fraction) = (size / SECOND.unsigned_abs(), size % SECOND.unsigned_abs());
    let (hours, minutes, seconds) = (seconds / 3600, seconds / 60 % 60, seconds % 60);
    let part =
        |number: u64, unit: char| if number == 0 { String::new() } else { format!("{sign}{number}{unit}") };
    let mut time = part(hours, 'H') + &part(minutes, 'M');
    if seconds != 0 || fraction != 0 {
        let fraction = format!(".{fraction:06}");
        let fraction = fraction.trim_end_matches('0').trim_end_matches('.');
        time += &format!("{sign}{seconds}{fraction}S");
    }
    Ok(match (date.is_empty(), time.is_empty()) {
        (true, true) => "PT0S".into(),
        (_, true) => format!("P{date}"),
        _ => format!("P{date}T{time}"),
    })
}

/// A number of units; of days it may have a fraction.
pub fn number(printed: &str, format: Format) -> Result<CellBuf<'static>> {
    let whole = micros(printed)?;
    let unit = match format {
        Format::Days => DAY,
        Format::Seconds => SECOND,
        Format::Milliseconds => 1000,
        _ => 1,
    };
    match i64::try_from(whole / i128::from(unit)) {
        Ok(number) if whole % i128::from(unit) == 0 => Ok(CellBuf::Integer(number)),
        Ok(_) if format == Format::Days => {
            let days = CellBuf::Real(whole as f64 / unit as f64);
            let read = epoch::duration(days.as_cell(), Some(format), Excess::Error);
            if read.is_ok_and(|read| i128::from(read) == whole) {
                Ok(days)
            } else {
                refuse("no number of days is so exact")
            }
        }
        Ok(_) => refuse("it is no whole number of units"),
        Err(_) => refuse("its number has more than 64 bits"),
    }
}

/// The moment so long after 1970 began, in microseconds since 2000.
pub fn since_1970(printed: &str) -> Result<i64> {
    match i64::try_from(micros(printed)? + i128::from(UNIX_TO_PG)) {
        Ok(moment) => Ok(moment),
        Err(_) => refuse("there is no such time"),
    }
}

/// A day has 24 hours, as PostgreSQL compares intervals; a month has no length.
fn micros(printed: &str) -> Result<i128> {
    match parts(printed) {
        None => refuse("it is no number of units"),
        Some(Parts { months: 0, days, micros }) => {
            Ok(i128::from(days) * i128::from(DAY) + i128::from(micros))
        }
        Some(_) => refuse("a month is no number of units"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn intervals_are_written_as_postgresql_does() {
        for (printed, iso) in [
            ("00:00:00", Some("PT0S")),
            ("1 year 2 mons -3 days +04:05:06.789", Some("P1Y2M-3DT4H5M6.789S")),
            ("-1 years -2 mons", Some("P-1Y-2M")),
            ("-00:00:00.000001", Some("PT-0.000001S")),
            ("-04:05:00", Some("PT-4H-5M")),
            ("178000000 years", Some("P178000000Y")),
            ("2562047788:00:54.775807", Some("PT2562047788H54.775807S")),
            ("1 day 25:00:00", Some("P1DT25H")),
            ("infinity", None),
            ("@ 1 day", None),
        ] {
            assert_eq!(iso8601(printed).ok().as_deref(), iso, "{printed}");
        }
    }

    #[test]
    fn numbers_are_whole() {
        for (printed, format, expected) in [
            ("1 day 00:00:01", Format::Seconds, Some(86_401)),
            ("-00:00:00.25", Format::Milliseconds, Some(-250)),
            ("-00:00:00.25", Format::Seconds, None),
            ("00:00:00.000001", Format::Microseconds, Some(1)),
            ("1 mon", Format::Seconds, None),
            ("-1 days +23:59:59", Format::Seconds, Some(-1)),
            ("2147483647 days", Format::Microseconds, None),
            ("2147483647 days", Format::Days, Some(2_147_483_647)),
        ] {
            assert_eq!(number(printed, format).ok(), expected.map(CellBuf::Integer), "{printed}");
        }
        assert_eq!(number("1 day 12:00:00", Format::Days).ok(), Some(CellBuf::Real(1.5)));
        assert_eq!(number("2147483647 days 00:00:00.000001", Format::Days).ok(), None);
    }

    #[test]
    fn a_time_since_1970_is_so_long_after_it() {
        for (printed, expected) in [
            ("1 day 00:00:01.5", Some(UNIX_TO_PG + DAY + 1_500_000)),
            ("-00:00:01", Some(UNIX_TO_PG - SECOND)),
            ("1 mon", None),
            ("infinity", None),
        ] {
            assert_eq!(since_1970(printed).ok(), expected, "{printed}");
        }
    }
}
