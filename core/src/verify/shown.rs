//! A value for people: at most 60 characters, or 30 bytes.

use crate::sqltext::sqlite_literal;
use crate::value::Cell;
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

/// Where a stored value and one of the table's are different, if that is beyond what is shown of both.
pub fn apart(cell: Cell<'_>, value: &Native<'_>) -> Option<(String, String)> {
    /// What comes before the difference is shown in part.
    const BEFORE: usize = 20;
    let same = |a: &[u8], b: &[u8]| a.iter().zip(b).take_while(|(a, b)| a == b).count();
    match (cell, value) {
        (Cell::Text(stored), Native::Text(found) | Native::Printed(found)) => {
            // Of a long text only what is near is read.
            let place = |text: &str, at: usize| text.get(..at).map_or(0, |before| before.chars().count());
            let at = found.floor_char_boundary(same(stored, found.as_bytes()));
            let first =
                place(found, at).checked_sub(CHARACTERS).map(|beyond| beyond + CHARACTERS - BEFORE)?;
            let start = found.char_indices().nth(first).map_or(found.len(), |(start, _)| start);
            let head = |bytes: &[u8]| {
                let bytes = bytes.get(start..).unwrap_or_default();
                let head = String::from_utf8_lossy(bytes.get(..4 * CHARACTERS).unwrap_or(bytes));
                let short = shortened(&head).replace('\0', "\u{2400}");
                let dots = if short.len() < bytes.len() { "…" } else { "" };
                format!("…{}{dots} from character {}", sqlite_literal(&short), first + 1)
            };
            Some((head(stored), head(found.as_bytes())))
        }
        (Cell::Blob(stored), Native::Bytes(found)) => {
            let first = same(stored, found).checked_sub(BYTES)? + BYTES - BEFORE;
            let head = |bytes: &[u8]| {
                let bytes = bytes.get(first..).unwrap_or_default();
                let digits: String = bytes.iter().take(BYTES).map(|byte| format!("{byte:02x}")).collect();
                let dots = if bytes.len() > BYTES { "…" } else { "" };
                format!("…x'{digits}{dots}' from byte {}", first + 1)
            };
            Some((head(stored), head(found)))
        }
        _ => None,
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

    #[test]
    fn long_values_are_shown_where_they_are_different() {
        let text = |end: &str| "ä".repeat(100) + end;
        let apart_at =
            |stored: &str, found: &str| apart(Cell::Text(stored.as_bytes()), &Native::Text(found.into()));
        let before = "ä".repeat(20);
        assert_eq!(
            apart_at(&text("x"), &text("")),
            Some((format!("…'{before}x' from character 81"), format!("…'{before}' from character 81")))
        );
        assert_eq!(apart_at(&"ä".repeat(59), &text("")), None);
        assert_eq!(
            apart(Cell::Blob(&[1; 40]), &Native::Bytes(vec![1; 39].into())),
            Some((
                format!("…x'{}' from byte 20", "01".repeat(21)),
                format!("…x'{}' from byte 20", "01".repeat(20))
            ))
        );
    }
}
