//! The fields and digits that a column keeps of an interval.

use std::fmt;

use serde::{Deserialize, Serialize};

use super::{HOUR, MINUTE, Span};
use crate::value::{Excess, InvalidValue};

/// A part of an interval that a column may be limited to, the greatest first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
enum Field {
    Year,
    Month,
    Day,
    Hour,
    Minute,
    Second,
}

const FIELDS: [(&str, Field); 6] = [
    ("year", Field::Year),
    ("month", Field::Month),
    ("day", Field::Day),
    ("hour", Field::Hour),
    ("minute", Field::Minute),
    ("second", Field::Second),
];

/// What a column keeps: `interval(3)`, `interval day to hour`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Precision {
    /// The first and the last of its fields; `None` for all.
    fields: Option<(Field, Field)>,
    /// After the second.
    digits: u32,
}

impl Precision {
    pub const FULL: Precision = Precision { fields: None, digits: 6 };

    /// Of the words after `interval`, with the space before them, and the digits after the second.
    pub fn parse(fields: &str, digits: u32) -> Option<Precision> {
        let field = |word: &str| FIELDS.iter().find(|(name, _)| *name == word).map(|(_, field)| *field);
        let fields = match fields {
            "" => None,
            words => {
                let words = words.strip_prefix(' ')?;
                let (first, last) = words.split_once(" to ").unwrap_or((words, words));
                Some((field(first)?, field(last)?))
            }
        };
        Some(Precision { fields, digits })
    }

    /// After the second.
    pub fn digits(self) -> u32 {
        self.digits
    }

    /// With as many digits after the second as the column has.
    pub(super) fn rounded(self, span: Span, excess: Excess) -> Result<Span, InvalidValue> {
        let seconds = self.fields.is_none_or(|(_, last)| last == Field::Second);
        let step = 10i64.pow(6u32.saturating_sub(self.digits));
        if excess == Excess::Error || !seconds || span.micros % step == 0 {
            return Ok(span);
        }
        let steps = excess.multiple(span.micros.into(), step.into()).unwrap_or_default();
        let micros = i64::try_from(steps * i128::from(step)).map_err(|_| InvalidValue::OutOfRange)?;
        Ok(Span { micros, ..span })
    }

    /// The column stores the interval without cutting any of it.
    pub(super) fn keeps(self, span: Span) -> bool {
        let last = self.fields.map_or(Field::Second, |(_, last)| last);
        // Microseconds are a multiple of this; `None` where no time is kept.
        let step = match last {
            Field::Year | Field::Month | Field::Day => None,
            Field::Hour => Some(HOUR),
            Field::Minute => Some(MINUTE),
            Field::Second => Some(10i64.pow(6u32.saturating_sub(self.digits))),
        };
        (last != Field::Year || span.months % 12 == 0)
            && (last >= Field::Day || span.days == 0)
            && step.map_or(span.micros == 0, |step| span.micros % step == 0)
    }
}

/// What stands after `interval`.
impl fmt::Display for Precision {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let name = |field| FIELDS.iter().find(|(_, f)| *f == field).map_or("", |(name, _)| *name);
        match self.fields {
            Some((first, last)) if first == last => write!(f, " {}", name(first))?,
            Some((first, last)) => write!(f, " {} to {}", name(first), name(last))?,
            None => {}
        }
        if self.digits == Precision::FULL.digits { Ok(()) } else { write!(f, "({})", self.digits) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::value::Cell;
    use crate::value::interval::decode;

    #[test]
    fn what_the_precision_would_cut_does_not_fit() {
        for (fields, digits, text, fits) in [
            ("", 3, "00:00:00.123", true),
            ("", 3, "00:00:00.1234", false),
            ("", 0, "00:00:01.0", true),
            (" year", 6, "2 years", true),
            (" year", 6, "1 year 1 mon", false),
            (" year to month", 6, "1 year 1 mon", true),
            (" year to month", 6, "1 day", false),
            (" day", 6, "1 mon 3 days", true),
            (" day", 6, "24:00:00", false),
            (" day to hour", 6, "1 day 02:00", true),
            (" hour to minute", 6, "02:00:01", false),
            (" day to second", 6, "1 day 00:00:00.000001", true),
        ] {
            let read = decode(Cell::Text(text.as_bytes()), None, Precision::parse(fields, digits).unwrap());
            assert_eq!(read.is_ok(), fits, "{fields}({digits}) {text}: {read:?}");
        }
    }
}
