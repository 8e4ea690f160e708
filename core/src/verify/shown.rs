//! A value for people: at most 60 characters, or 30 bytes.

use crate::sqltext::sqlite_literal;
use crate::value::encode::{iso, iso_date, iso_time};
use crate::value::native::Native;

const CHARACTERS: usize = 60;
const BYTES: usize = 30;

pub fn value(value: &Native<'_>) -> String {
    match value {
        Native::Null => "NULL".into(),
        Native::Bool(truth) => truth.to_string(),
        Native::Integer(integer) => integer.to_string(),
        Native::Float(real) => format!("{real:?}"),
        Native::Text(text) => {
            let short = shortened(text);
            let dots = if short.len() < text.len() { "…" } else { "" };
            format!("{}{dots}", sqlite_literal(&short))
        }
        Native::Printed(text) => {
            let short = shortened(text);
            let dots = if short.len() < text.len() { "…" } else { "" };
            format!("{short}{dots}")
        }
        Native::Bytes(bytes) => {
            let digits: String = bytes.iter().take(BYTES).map(|byte| format!("{byte:02x}")).collect();
            let dots = if bytes.len() > BYTES { "…" } else { "" };
            format!("x'{digits}{dots}'")
        }
        Native::Uuid(bytes) => uuid::Uuid::from_bytes(*bytes).hyphenated().to_string(),
        Native::Date(day) => iso_date(*day).unwrap_or_else(|_| beyond(i64::from(*day), i32::MAX.into())),
        Native::Time(time) => iso_time(*time),
        Native::Timestamp(wall) => iso(*wall).unwrap_or_else(|_| beyond(*wall, i64::MAX)),
        Native::TimestampTz(instant) => {
            iso(*instant).map_or_else(|_| beyond(*instant, i64::MAX), |text| text + "+00")
        }
    }
}

fn shortened(text: &str) -> String {
    text.chars().take(CHARACTERS).collect()
}

/// A time that no ISO 8601 text of four digits has.
fn beyond(time: i64, infinity: i64) -> String {
    match time {
        time if time == infinity => "infinity".into(),
        time if time == -infinity - 1 => "-infinity".into(),
        time if time < 0 => "a time before the year 1".into(),
        _ => "a time after the year 9999".into(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn long_values_are_shortened() {
        assert_eq!(value(&Native::Text("it's".into())), "'it''s'");
        assert_eq!(value(&Native::Text("ä".repeat(61).into())), format!("'{}'…", "ä".repeat(60)));
        assert_eq!(value(&Native::Bytes(vec![255; 31].into())), format!("x'{}…'", "ff".repeat(30)));
        assert_eq!(value(&Native::TimestampTz(1)), "2000-01-01 00:00:00.000001+00");
        assert_eq!(value(&Native::Timestamp(i64::MIN)), "-infinity");
        assert_eq!(value(&Native::Date(i32::MAX)), "infinity");
    }
}
