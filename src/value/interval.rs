//! Intervals: text for the type's input function. Texts pass as they are; numbers by their format.

use super::datetime::{SECOND, UNIX_TO_PG, wall};
use super::{Cell, Format, Misfit, epoch, text};
use std::borrow::Cow;

pub fn decode<'a>(cell: Cell<'a>, format: Option<Format>) -> Result<Cow<'a, str>, Misfit> {
    match cell {
        Cell::Text([]) => Err(Misfit::EmptyText),
        Cell::Text(bytes) if format == Some(Format::Since1970) => {
            wall(bytes).map(|clock| written(clock - UNIX_TO_PG).into())
        }
        Cell::Text(bytes) => match epoch::duration(cell, format) {
            Ok(micros) => Ok(written(micros).into()),
            Err(_) => text::check(bytes).map(Cow::Borrowed),
        },
        Cell::Blob(_) => Err(Misfit::Unreadable("a blob is no interval")),
        _ => epoch::duration(cell, format).map(|micros| written(micros).into()),
    }
}

/// `-49:00:00.000001`: hours are not carried into days, which are not always 24 hours long.
fn written(micros: i64) -> String {
    let sign = if micros < 0 { "-" } else { "" };
    let size = micros.unsigned_abs();
    let (seconds, fraction) = (size / SECOND as u64, size % SECOND as u64);
    let (hours, minutes, seconds) = (seconds / 3600, seconds / 60 % 60, seconds % 60);
    format!("{sign}{hours:02}:{minutes:02}:{seconds:02}.{fraction:06}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_texts_and_sqlalchemy_dates_become_intervals() {
        for (cell, format, text) in [
            (Cell::Integer(90_000), Some(Format::Seconds), "25:00:00.000000"),
            (Cell::Integer(-1), Some(Format::Microseconds), "-00:00:00.000001"),
            (Cell::Text(b"1 day 02:00"), None, "1 day 02:00"),
            (Cell::Text(b"1500"), Some(Format::Milliseconds), "00:00:01.500000"),
            (Cell::Text(b"1970-01-03 01:00:00.000000"), Some(Format::Since1970), "49:00:00.000000"),
            (Cell::Text(b"1969-12-31 23:59:59.500000"), Some(Format::Since1970), "-00:00:00.500000"),
        ] {
            assert_eq!(decode(cell, format), Ok(text.into()), "{cell:?}");
        }
        assert!(decode(Cell::Integer(1), None).is_err());
        assert_eq!(decode(Cell::Text(b""), None), Err(Misfit::EmptyText));
        assert_eq!(written(i64::MIN), "-2562047788:00:54.775808");
    }
}
