//! Text: the check of every text of a load, and numbers as text.

use super::{Cell, Decoded, Excess, InvalidValue};
use std::borrow::Cow;

const LOW: u64 = 0x0101_0101_0101_0101;
const HIGH: u64 = 0x8080_8080_8080_8080;

/// The text, when it is valid UTF-8 without NUL, as PostgreSQL wants it.
pub fn check(bytes: &[u8]) -> Result<&str, InvalidValue> {
    if !is_plain_ascii(bytes) && bytes.contains(&0) {
        return Err(InvalidValue::NulInText);
    }
    simdutf8::basic::from_utf8(bytes).map_err(|_| InvalidValue::InvalidUtf8)
}

/// ASCII without NUL, eight bytes at a time: nearly all text there is.
#[inline]
pub fn is_plain_ascii(bytes: &[u8]) -> bool {
    let (words, rest) = bytes.as_chunks::<8>();
    // A high bit stays set in the word; a zero byte borrows into its own high bit.
    let bad = words.iter().fold(0, |bad, bytes| {
        let word = u64::from_le_bytes(*bytes);
        bad | ((word | word.wrapping_sub(LOW)) & HIGH)
    });
    bad == 0 && rest.iter().all(|b| (1..0x80).contains(b))
}

/// What `text` and `varchar(limit)` take; the default is any text of a database that has an encoding.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Rule {
    pub limit: Option<u32>,
    /// The limit counts bytes, not characters.
    pub of_bytes: bool,
    /// A text need not be UTF-8.
    pub as_stored: bool,
}

impl Rule {
    fn check(&self, bytes: &[u8]) -> Result<(), InvalidValue> {
        match check(bytes) {
            Err(InvalidValue::InvalidUtf8) if self.as_stored => Ok(()),
            checked => checked.map(drop),
        }
    }

    #[inline]
    fn within(&self, bytes: &[u8]) -> Result<(), InvalidValue> {
        match self.limit {
            Some(n) if self.of_bytes && bytes.len() > n as usize => Err(InvalidValue::TooLong { limit: n }),
            limit => within(bytes, limit),
        }
    }

    /// The beginning of a longer text that fits, in whole characters, where it may be cut.
    pub fn shortened<'a>(&self, cell: Cell<'a>, excess: Excess) -> Result<&'a [u8], InvalidValue> {
        let limit = self.limit.ok_or(InvalidValue::Inexact)?;
        let Cell::Text(bytes) = cell else { return Err(InvalidValue::TooLong { limit }) };
        if !self.of_bytes {
            return shortened(cell, limit, excess).map(str::as_bytes);
        }
        self.check(bytes)?;
        let head = bytes.get(..limit as usize).filter(|_| excess == Excess::Truncate);
        let head = head.ok_or(InvalidValue::TooLong { limit })?;
        let whole = match std::str::from_utf8(head) {
            Err(e) if std::str::from_utf8(bytes).is_ok() => e.valid_up_to(),
            _ => head.len(),
        };
        Ok(head.get(..whole).unwrap_or(head))
    }
}

/// `text` and `varchar(limit)`.
#[inline]
pub fn decode<'a>(cell: Cell<'a>, rule: &Rule) -> Result<Decoded<'a>, InvalidValue> {
    match cell {
        Cell::Null => Ok(Decoded::Null),
        Cell::Text(bytes) => {
            if !is_plain_ascii(bytes) {
                rule.check(bytes)?;
            }
            rule.within(bytes)?;
            Ok(Decoded::Varlena(Cow::Borrowed(bytes)))
        }
        Cell::Blob(_) => Err(InvalidValue::Unreadable("a blob has no text form")),
        number => {
            let text = number_text(number).into_bytes();
            rule.within(&text)?;
            Ok(Decoded::Varlena(Cow::Owned(text)))
        }
    }
}

/// `char(n)`: its input function pads, so a trailing space is kept only if the text fills the width.
pub fn decode_bpchar<'a>(cell: Cell<'a>, limit: Option<u32>) -> Result<Decoded<'a>, InvalidValue> {
    let text: Cow<'a, str> = match cell {
        Cell::Null => return Ok(Decoded::Null),
        Cell::Text(bytes) => Cow::Borrowed(check(bytes)?),
        Cell::Blob(_) => return Err(InvalidValue::Unreadable("a blob has no text form")),
        number => Cow::Owned(number_text(number)),
    };
    within(text.as_bytes(), limit)?;
    if text.ends_with(' ') && limit.is_some_and(|n| text.chars().count() < n as usize) {
        return Err(InvalidValue::Unreadable("trailing spaces would be lost in the padding of char(n)"));
    }
    Ok(Decoded::Input(text))
}

/// The first `limit` characters of a longer text, where it may be cut.
pub fn shortened(cell: Cell<'_>, limit: u32, excess: Excess) -> Result<&str, InvalidValue> {
    let too_long = InvalidValue::TooLong { limit };
    let (Cell::Text(bytes), Excess::Truncate) = (cell, excess) else { return Err(too_long) };
    let text = check(bytes)?;
    let (end, _) = text.char_indices().nth(limit as usize).ok_or(too_long)?;
    Ok(text.get(..end).unwrap_or(text))
}

fn within(bytes: &[u8], limit: Option<u32>) -> Result<(), InvalidValue> {
    match limit {
        // There are never more characters than bytes.
        Some(n) if bytes.len() > n as usize && characters(bytes) > n as usize => {
            Err(InvalidValue::TooLong { limit: n })
        }
        _ => Ok(()),
    }
}

/// Characters of valid UTF-8: the bytes that do not continue one.
pub fn characters(bytes: &[u8]) -> usize {
    bytes.iter().filter(|b| (**b & 0xC0) != 0x80).count()
}

/// A number as SQLite's `CAST(x AS TEXT)` writes it, but with all the digits that a real needs to read back.
pub fn number_text(cell: Cell<'_>) -> String {
    match cell {
        Cell::Integer(i) => i.to_string(),
        Cell::Real(r) => real_text(r),
        _ => String::new(),
    }
}

/// `1.0`, `0.1`, `1.0e+16`, `-Inf`: always with a point, so that it reads back as REAL.
pub fn real_text(real: f64) -> String {
    if !real.is_finite() {
        return if real.is_nan() {
            "NaN"
        } else if real > 0.0 {
            "Inf"
        } else {
            "-Inf"
        }
        .to_owned();
    }
    let scientific = format!("{real:e}");
    let (mantissa, exponent) = scientific.split_once('e').unwrap_or((&scientific, "0"));
    let exponent: i32 = exponent.parse().unwrap_or(0);
    if (-4..15).contains(&exponent) {
        return format!("{real:?}");
    }
    let point = if mantissa.contains('.') { "" } else { ".0" };
    let sign = if exponent < 0 { '-' } else { '+' };
    format!("{mantissa}{point}e{sign}{:02}", exponent.abs())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn borrowed(bytes: &[u8]) -> Decoded<'_> {
        Decoded::Varlena(Cow::Borrowed(bytes))
    }

    fn limit(n: u32) -> Rule {
        Rule { limit: Some(n), ..Rule::default() }
    }

    #[test]
    fn texts_of_a_database_without_encoding_are_bytes() {
        let rule = |n| Rule { limit: Some(n), of_bytes: true, as_stored: true };
        let (any, utf8) = (Rule { limit: None, ..rule(0) }, Rule { as_stored: false, ..rule(9) });
        assert_eq!(decode(Cell::Text(b"L\xF6we"), &any), Ok(borrowed(b"L\xF6we")));
        assert_eq!(decode(Cell::Text(b"\xF6\0"), &any), Err(InvalidValue::NulInText));
        assert_eq!(decode(Cell::Text(b"L\xF6we"), &utf8), Err(InvalidValue::InvalidUtf8));
        let umlauts = Cell::Text("äö".as_bytes());
        assert_eq!(decode(umlauts, &rule(4)), Ok(borrowed("äö".as_bytes())));
        assert_eq!(decode(umlauts, &rule(3)), Err(InvalidValue::TooLong { limit: 3 }));
        assert_eq!(rule(3).shortened(umlauts, Excess::Truncate), Ok("ä".as_bytes()));
        assert_eq!(rule(2).shortened(Cell::Text(b"\xF6\xF6\xF6"), Excess::Truncate), Ok(&b"\xF6\xF6"[..]));
        assert!(rule(2).shortened(Cell::Text(b"abc"), Excess::Round).is_err());
    }

    #[test]
    fn valid_text_is_borrowed_whatever_its_length() {
        for text in ["", "a", "seven77", "eight888", "nine 9999", "größer als acht", "日本語日本語"] {
            assert_eq!(
                decode(Cell::Text(text.as_bytes()), &Rule::default()),
                Ok(borrowed(text.as_bytes())),
                "{text}"
            );
        }
    }

    #[test]
    fn nul_and_invalid_utf8_are_found_at_every_position() {
        for length in 1..40 {
            for at in 0..length {
                let mut bytes = vec![b'x'; length];
                bytes[at] = 0;
                assert_eq!(check(&bytes), Err(InvalidValue::NulInText));
                assert_eq!(decode(Cell::Text(&bytes), &Rule::default()), Err(InvalidValue::NulInText));
                bytes[at] = 0xFF;
                assert_eq!(decode(Cell::Text(&bytes), &Rule::default()), Err(InvalidValue::InvalidUtf8));
            }
        }
        // An encoded surrogate and an overlong slash are not UTF-8.
        assert_eq!(check(b"\xED\xA0\x80"), Err(InvalidValue::InvalidUtf8));
        assert_eq!(check(b"\xC0\xAF"), Err(InvalidValue::InvalidUtf8));
    }

    #[test]
    fn varchar_counts_characters_not_bytes() {
        let text = "äöü".as_bytes();
        assert_eq!(decode(Cell::Text(text), &limit(3)), Ok(borrowed(text)));
        assert_eq!(decode(Cell::Text(text), &limit(2)), Err(InvalidValue::TooLong { limit: 2 }));
        assert_eq!(decode(Cell::Integer(12345), &limit(4)), Err(InvalidValue::TooLong { limit: 4 }));
    }

    #[test]
    fn char_takes_trailing_spaces_only_where_they_survive() {
        assert_eq!(decode_bpchar(Cell::Text(b"ab"), Some(4)), Ok(Decoded::Input("ab".into())));
        assert_eq!(decode_bpchar(Cell::Text(b"ab  "), Some(4)), Ok(Decoded::Input("ab  ".into())));
        assert!(decode_bpchar(Cell::Text(b"ab "), Some(4)).is_err());
    }

    #[test]
    fn reals_are_written_as_sqlite_casts_them() {
        for (real, text) in [
            (1.0, "1.0"),
            (-0.5, "-0.5"),
            (0.1 + 0.2, "0.30000000000000004"),
            (1e14, "100000000000000.0"),
            (1e15, "1.0e+15"),
            (1e100, "1.0e+100"),
            (0.0001, "0.0001"),
            (1.5e-7, "1.5e-07"),
            (f64::NEG_INFINITY, "-Inf"),
        ] {
            assert_eq!(real_text(real), text);
        }
    }
}
