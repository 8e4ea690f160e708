//! `time with time zone`: text for the type's input function, as its output function prints it. Always with an offset:
//! the input function would take a missing one from the session.

use super::datetime::{Rule, SECOND};
use super::encode::iso_time;
use super::{Cell, Excess, InvalidValue};

pub fn decode(cell: Cell<'_>, rule: &Rule) -> Result<String, InvalidValue> {
    Ok(written(rule.timetz(cell)?))
}

/// Without what the column cannot hold.
pub fn decode_without(cell: Cell<'_>, rule: &Rule, excess: Excess) -> Result<String, InvalidValue> {
    Ok(written(rule.timetz_without(cell, excess)?))
}

fn written((time, offset): (i64, i64)) -> String {
    let (sign, minutes) = (if offset < 0 { '-' } else { '+' }, offset.abs() / SECOND / 60);
    let clock = iso_time(time);
    let clock = if clock.contains('.') { clock.trim_end_matches('0') } else { &clock };
    let (hour, minute) = (minutes / 60, minutes % 60);
    if minute == 0 {
        format!("{clock}{sign}{hour:02}")
    } else {
        format!("{clock}{sign}{hour:02}:{minute:02}")
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::value::Timezone;

    fn read(text: &str, zone: &str) -> Result<String, String> {
        let rule = Rule { format: None, step: 1000, zone: Timezone::parse(zone).unwrap() };
        decode(Cell::Text(text.as_bytes()), &rule).map_err(|invalid| invalid.to_string())
    }

    #[test]
    fn an_offset_is_the_texts_own_or_one_that_is_always_the_same() {
        for (text, zone, read_as) in [
            ("12:30", "UTC", "12:30:00+00"),
            ("12:30:00.5+02", "UTC", "12:30:00.5+02"),
            ("23:59:59 -0330", "Europe/Berlin", "23:59:59-03:30"),
            ("12:30:00Z", "Europe/Berlin", "12:30:00+00"),
            ("12:30", "-05:30", "12:30:00-05:30"),
        ] {
            assert_eq!(read(text, zone).as_deref(), Ok(read_as), "{text}");
        }
        for (text, zone, why) in [
            (
                "12:30",
                "Europe/Berlin",
                "time has no offset, and the offset of the plan's time zone is not always the same",
            ),
            ("12:30:00.0005", "UTC", "time is more precise than its column"),
            ("2024-07-01 12:30", "UTC", "text is not an ISO-8601 date or time"),
            ("", "UTC", "text is empty"),
        ] {
            assert_eq!(read(text, zone), Err(why.to_owned()), "{text}");
        }
    }
}
