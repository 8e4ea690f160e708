//! Classifies texts: each text has one form, found from its first byte on. Hot while profiling.

use crate::value::number::{Decimal, canonical_integer};
use crate::value::{InvalidValue, boolean, datetime, number, uuid};

/// The forms that a text may have; each text has one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TextFormat {
    Date,
    Time,
    /// A date and time without an offset.
    DateTime,
    /// A date and time with `Z` or a zero offset.
    DateTimeUtc,
    DateTimeOffset,
    /// More precise than microseconds.
    TooFine,
    /// Written like a date, but no such date exists: `0000-00-00`.
    ImpossibleDate,
    /// As `i64` prints it.
    Integer,
    /// Plain decimal digits that are no `i64`.
    Decimal,
    /// With dashes, in lower case.
    Uuid,
    UuidUpper,
    /// 32 lower-case hexadecimal digits with the version and variant of a UUID.
    UuidHex,
    /// 32 other hexadecimal digits.
    Hex32,
    /// In braces, after `urn:uuid:`, or with dashes elsewhere.
    UuidOther,
    BooleanWord,
    /// `Infinity` and `NaN`, as PostgreSQL reads them.
    NumberWord,
    /// Brackets or braces around it.
    JsonLike,
    Empty,
    Other,
}

/// Label for people, by variant.
const LABELS: [(TextFormat, &str); 19] = [
    (TextFormat::Date, "date text"),
    (TextFormat::Time, "time text"),
    (TextFormat::DateTime, "ISO-8601 text"),
    (TextFormat::DateTimeUtc, "ISO-8601 text in UTC"),
    (TextFormat::DateTimeOffset, "ISO-8601 text with an offset"),
    (TextFormat::TooFine, "time text more precise than microseconds"),
    (TextFormat::ImpossibleDate, "impossible date text"),
    (TextFormat::Integer, "integer text"),
    (TextFormat::Decimal, "decimal text"),
    (TextFormat::Uuid, "UUID text"),
    (TextFormat::UuidUpper, "UUID text in upper case"),
    (TextFormat::UuidHex, "UUID text without dashes"),
    (TextFormat::Hex32, "32 hexadecimal digits"),
    (TextFormat::UuidOther, "UUID text in braces or another spelling"),
    (TextFormat::BooleanWord, "boolean words"),
    (TextFormat::NumberWord, "infinity or NaN"),
    (TextFormat::JsonLike, "text that looks like JSON"),
    (TextFormat::Empty, "empty text"),
    (TextFormat::Other, "other text"),
];

/// Every form of a UUID.
pub const UUIDS: [TextFormat; 5] =
    [TextFormat::Uuid, TextFormat::UuidUpper, TextFormat::UuidHex, TextFormat::Hex32, TextFormat::UuidOther];

impl TextFormat {
    pub const COUNT: usize = LABELS.len();

    pub fn label(self) -> &'static str {
        LABELS.iter().find(|l| l.0 == self).map_or("", |l| l.1)
    }

    pub fn all() -> impl Iterator<Item = TextFormat> {
        LABELS.iter().map(|l| l.0)
    }
}

/// A text's form, and its value where it is a number.
pub enum Reading {
    Plain(TextFormat),
    Integer(i64),
    Decimal(Decimal, f64),
    Clock(Clock),
    /// More precise than microseconds; what it is without the digits beyond.
    Fine(Clock),
}

pub struct Clock {
    pub form: TextFormat,
    /// The finest unit: 0, 3 or 6 digits.
    pub digits: u32,
    /// A time of day with a date that says nothing, as Rails and Prisma write them.
    pub dayless: bool,
}

#[inline]
pub fn read(text: &[u8]) -> Reading {
    let form = match text {
        [] => TextFormat::Empty,
        [_, _, _, _, b'-', _, _, b'-', ..] | [_, _, b':', ..] => return clock(text),
        [b'{', .., b'}'] | [b'[', .., b']'] => uuid_form(text).unwrap_or(TextFormat::JsonLike),
        _ if (32..=48).contains(&text.len()) => uuid_form(text).unwrap_or(TextFormat::Other),
        [b'0'..=b'9', ..] => TextFormat::Other,
        _ if number::word(text).is_some() => TextFormat::NumberWord,
        [b'-', ..] => TextFormat::Other,
        _ if boolean::word(text).is_some() => TextFormat::BooleanWord,
        _ => TextFormat::Other,
    };
    match (form, text) {
        (TextFormat::Other, [b'0'..=b'9' | b'-', ..]) => match canonical_integer(text) {
            Some(value) => Reading::Integer(value),
            None => plain_decimal(text).unwrap_or(Reading::Plain(TextFormat::Other)),
        },
        // Only digits: it may be a number or a UUID without dashes, and is longer than any i64.
        (form, _) => Reading::Plain(form),
    }
}

fn clock(text: &[u8]) -> Reading {
    let form = match datetime::parse(text) {
        Ok(iso) => return Reading::Clock(clock_of(iso)),
        Err(datetime::TOO_FINE) => match datetime::parse_coarsely(text) {
            Ok(iso) => return Reading::Fine(clock_of(iso)),
            Err(_) => TextFormat::Other,
        },
        Err(datetime::NO_SUCH_TIME) => TextFormat::ImpossibleDate,
        Err(InvalidValue::EmptyText) => TextFormat::Empty,
        Err(_) => TextFormat::Other,
    };
    Reading::Plain(form)
}

fn clock_of(iso: datetime::Iso) -> Clock {
    let form = match (iso.day, iso.time, iso.offset) {
        (Some(_), None, _) => TextFormat::Date,
        (None, ..) => TextFormat::Time,
        (_, _, None) => TextFormat::DateTime,
        (_, _, Some(0)) => TextFormat::DateTimeUtc,
        (_, _, Some(_)) => TextFormat::DateTimeOffset,
    };
    Clock { form, digits: digits(iso.time.unwrap_or(0)), dayless: iso.is_dayless() }
}

fn digits(micros: i64) -> u32 {
    if micros % 1_000_000 == 0 {
        0
    } else if micros % 1000 == 0 {
        3
    } else {
        6
    }
}

fn uuid_form(text: &[u8]) -> Option<TextFormat> {
    let bytes = uuid::parse(text)?;
    let lower = !text.iter().any(u8::is_ascii_uppercase);
    let dashes = [8, 13, 18, 23].iter().all(|at| text.get(*at) == Some(&b'-'));
    Some(match text.len() {
        36 if dashes && lower => TextFormat::Uuid,
        36 if dashes => TextFormat::UuidUpper,
        32 if lower && uuid::is_rfc(&bytes) => TextFormat::UuidHex,
        32 => TextFormat::Hex32,
        _ => TextFormat::UuidOther,
    })
}

/// Digits with or without a point; no exponent, plus, leading zeros or negative zero, so that the number prints as the
/// same text.
fn plain_decimal(text: &[u8]) -> Option<Reading> {
    const MAX_DIGITS: usize = 1000;
    let unsigned = text.strip_prefix(b"-").unwrap_or(text);
    let spelled = match unsigned {
        [b'0', b'.', _, ..] | [b'1'..=b'9', ..] => !matches!(unsigned.last(), Some(b'.')),
        _ => false,
    };
    if !spelled || text.len() > MAX_DIGITS || unsigned.iter().any(|b| matches!(b, b'e' | b'E')) {
        return None;
    }
    let decimal = Decimal::parse(text)?;
    let value: f64 = std::str::from_utf8(text).ok()?.parse().ok()?;
    (value != 0.0 || unsigned.len() == text.len()).then_some(Reading::Decimal(decimal, value))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_text_has_one_form() {
        for (text, form) in [
            ("", TextFormat::Empty),
            ("2024-01-31", TextFormat::Date),
            ("12:30:00.5", TextFormat::Time),
            ("2024-01-31T12:30:00", TextFormat::DateTime),
            ("2024-01-31 12:30:00Z", TextFormat::DateTimeUtc),
            ("2024-01-31 12:30:00.5+02:00", TextFormat::DateTimeOffset),
            ("2024-01-31 12:30:00.123456789", TextFormat::TooFine),
            ("0000-00-00 00:00:00", TextFormat::ImpossibleDate),
            ("-42", TextFormat::Integer),
            ("1.50", TextFormat::Decimal),
            ("99999999999999999999", TextFormat::Decimal),
            ("007", TextFormat::Other),
            ("-0.0", TextFormat::Other),
            ("1e5", TextFormat::Other),
            ("1.", TextFormat::Other),
            ("550e8400-e29b-41d4-a716-446655440000", TextFormat::Uuid),
            ("550E8400-e29b-41d4-a716-446655440000", TextFormat::UuidUpper),
            ("550e8400e29b41d4a716446655440000", TextFormat::UuidHex),
            ("d41d8cd98f00b204e9800998ecf8427e", TextFormat::Hex32),
            ("{550E8400-e29b-41d4-a716-446655440000}", TextFormat::UuidOther),
            ("urn:uuid:550e8400-e29b-41d4-a716-446655440000", TextFormat::UuidOther),
            ("550e84-00e29b-41d4-a716-446655440000", TextFormat::Other),
            ("{550E8400-e29b-41d4-a716-446655440000", TextFormat::Other),
            ("Yes", TextFormat::BooleanWord),
            ("NaN", TextFormat::NumberWord),
            ("-infinity", TextFormat::NumberWord),
            ("+Inf", TextFormat::NumberWord),
            ("nan(ind)", TextFormat::Other),
            ("-nan", TextFormat::Other),
            ("[1]", TextFormat::JsonLike),
            ("[", TextFormat::Other),
            ("n/a", TextFormat::Other),
        ] {
            let found = match read(text.as_bytes()) {
                Reading::Plain(form) | Reading::Clock(Clock { form, .. }) => form,
                Reading::Fine(_) => TextFormat::TooFine,
                Reading::Integer(_) => TextFormat::Integer,
                Reading::Decimal(..) => TextFormat::Decimal,
            };
            assert_eq!(found, form, "{text}");
        }
    }
}
