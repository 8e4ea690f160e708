//! Checks JSON text without building a tree: is it valid, and would `jsonb` keep all of it?
//!
//! `jsonb` keeps only the last of equal keys and refuses `\u0000`, so both are detected. Nesting is limited, because
//! the server's parser is recursive, too.
#![deny(clippy::disallowed_methods)]

use super::buffer::{self, OutOfMemory};
use super::{Cell, InvalidValue, number, text};
use std::borrow::Cow;

const MAX_DEPTH: u32 = 500;
/// A number of more bytes, or with an exponent of more digits, may be beyond `numeric`.
const MAX_NUMBER: usize = 4000;
const MAX_EXPONENT: usize = 4;
/// A key with escapes that is longer than this is not compared with others, and counts as one that jsonb does not keep.
const MAX_ESCAPED_KEY: usize = 1 << 16;

/// What `jsonb` would not keep of a valid document.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Facts {
    /// An object has a key twice.
    pub duplicate_keys: bool,
    /// `\u0000`, half a surrogate pair, a number beyond `numeric`, or an escaped key that is too long to be compared.
    pub unfit: bool,
}

/// The JSON text of a cell for `json` or `jsonb`. Numbers are scalars; a blob may hold the text's bytes.
pub fn decode<'a>(cell: Cell<'a>, binary: bool) -> Result<Cow<'a, str>, InvalidValue> {
    let text = match cell {
        Cell::Integer(i) => return Ok(i.to_string().into()),
        Cell::Real(r) if r.is_finite() => return Ok(number::input_real(r).into()),
        Cell::Text([]) => return Err(InvalidValue::EmptyText),
        Cell::Text(bytes) | Cell::Blob(bytes) => text::check(bytes)?,
        _ => return Err(InvalidValue::Unreadable("value has no JSON form")),
    };
    let mut scanner = Scanner::new(text.as_bytes());
    let facts = scanner.document();
    match facts {
        None if scanner.starved => Err(OutOfMemory.into()),
        None => Err(InvalidValue::Unreadable("text is not valid JSON")),
        Some(Facts { duplicate_keys: true, .. }) if binary => {
            Err(InvalidValue::Unreadable("an object has a key twice, which jsonb does not keep"))
        }
        Some(Facts { unfit: true, .. }) if binary => Err(InvalidValue::Unreadable(
            "jsonb cannot hold \\u0000, half a surrogate pair or a number as large as this",
        )),
        Some(_) => Ok(Cow::Borrowed(text)),
    }
}

/// Reads one document of valid UTF-8; `None` when it is not JSON.
pub fn inspect(text: &[u8]) -> Option<Facts> {
    Scanner::new(text).document()
}

/// Reads valid UTF-8 from its beginning; every step is `None` where the text is not JSON.
pub(super) struct Scanner<'a> {
    rest: &'a [u8],
    /// Keys of the objects that are open, innermost last.
    keys: Vec<Cow<'a, [u8]>>,
    facts: Facts,
    /// Whether memory ran out.
    starved: bool,
}

impl<'a> Scanner<'a> {
    pub(super) fn new(text: &'a [u8]) -> Scanner<'a> {
        Scanner { rest: text, keys: vec![], facts: Facts::default(), starved: false }
    }

    /// The whole text as one value.
    fn document(&mut self) -> Option<Facts> {
        self.value(0)?;
        self.is_at_end().then_some(self.facts)
    }

    /// The first byte of what comes next.
    pub(super) fn peek(&mut self) -> Option<u8> {
        self.space();
        self.rest.first().copied()
    }

    /// The text of one value.
    pub(super) fn raw(&mut self) -> Option<&'a str> {
        self.space();
        let start = self.rest;
        self.value(0)?;
        std::str::from_utf8(start.get(..start.len() - self.rest.len())?).ok()
    }

    pub(super) fn is_at_end(&mut self) -> bool {
        self.space();
        self.rest.is_empty()
    }

    fn value(&mut self, depth: u32) -> Option<()> {
        self.space();
        match self.rest.first()? {
            b'{' if depth < MAX_DEPTH => self.object(depth + 1),
            b'[' if depth < MAX_DEPTH => self.array(depth + 1),
            b'"' => self.string().map(|_| ()),
            b't' => self.word(b"true"),
            b'f' => self.word(b"false"),
            b'n' => self.word(b"null"),
            _ => self.number(),
        }
    }

    fn object(&mut self, depth: u32) -> Option<()> {
        let outer = self.keys.len();
        self.byte(b'{')?;
        if self.closes(b'}') {
            return Some(());
        }
        loop {
            self.space();
            let raw = self.string()?;
            let key = self.unescape(raw);
            if buffer::push(&mut self.keys, key).is_err() {
                self.starved = true;
                return None;
            }
            self.space();
            self.byte(b':')?;
            self.value(depth)?;
            if self.closes(b'}') {
                break;
            }
            self.byte(b',')?;
        }
        if let Some(own) = self.keys.get_mut(outer..) {
            own.sort_unstable();
            self.facts.duplicate_keys |= own.windows(2).any(|pair| pair.first() == pair.last());
        }
        self.keys.truncate(outer);
        Some(())
    }

    fn array(&mut self, depth: u32) -> Option<()> {
        self.byte(b'[')?;
        if self.closes(b']') {
            return Some(());
        }
        loop {
            self.value(depth)?;
            if self.closes(b']') {
                return Some(());
            }
            self.byte(b',')?;
        }
    }

    /// A string with its quotes.
    fn string(&mut self) -> Option<&'a [u8]> {
        let start = self.rest;
        self.byte(b'"')?;
        loop {
            let plain = self.rest.iter().position(|b| matches!(b, b'"' | b'\\' | 0..0x20))?;
            self.skip(plain);
            match self.rest {
                [b'"', rest @ ..] => {
                    self.rest = rest;
                    return start.get(..start.len() - rest.len());
                }
                [b'\\', b'u', ..] => self.code_unit()?,
                [b'\\', b'"' | b'\\' | b'/' | b'b' | b'f' | b'n' | b'r' | b't', rest @ ..] => {
                    self.rest = rest
                }
                _ => return None,
            }
        }
    }

    /// `\uHHHH`, followed by its other half if it is a surrogate.
    fn code_unit(&mut self) -> Option<()> {
        let unit = escaped_unit(self.rest)?;
        self.skip(6);
        let low = escaped_unit(self.rest).filter(|unit| (0xDC00..0xE000).contains(unit));
        match unit {
            0xD800..0xDC00 if low.is_some() => self.skip(6),
            0 | 0xD800..0xE000 => self.facts.unfit = true,
            _ => {}
        }
        Some(())
    }

    /// A quoted key without quotes and escapes, for comparisons.
    fn unescape(&mut self, quoted: &'a [u8]) -> Cow<'a, [u8]> {
        if !quoted.contains(&b'\\') {
            return Cow::Borrowed(quoted);
        }
        if quoted.len() > MAX_ESCAPED_KEY {
            self.facts.unfit = true;
            return Cow::Borrowed(quoted);
        }
        match serde_json::from_slice::<String>(quoted) {
            Ok(key) => Cow::Owned(format!("\"{key}\"").into_bytes()),
            Err(_) => Cow::Borrowed(quoted),
        }
    }

    fn number(&mut self) -> Option<()> {
        let start = self.rest.len();
        if self.rest.first() == Some(&b'-') {
            self.skip(1);
        }
        match self.rest.first()? {
            b'0' => self.skip(1),
            _ => self.digits().map(|_| ())?,
        }
        if self.rest.first() == Some(&b'.') {
            self.skip(1);
            self.digits()?;
        }
        if let [b'e' | b'E', rest @ ..] = self.rest {
            self.rest = rest;
            if let [b'+' | b'-', rest @ ..] = self.rest {
                self.rest = rest;
            }
            self.facts.unfit |= self.digits()? > MAX_EXPONENT;
        }
        self.facts.unfit |= start - self.rest.len() > MAX_NUMBER;
        Some(())
    }

    fn digits(&mut self) -> Option<usize> {
        let digits = self.rest.iter().take_while(|b| b.is_ascii_digit()).count();
        self.skip(digits);
        (digits > 0).then_some(digits)
    }

    fn word(&mut self, word: &[u8]) -> Option<()> {
        self.rest = self.rest.strip_prefix(word)?;
        Some(())
    }

    pub(super) fn byte(&mut self, byte: u8) -> Option<()> {
        self.rest = self.rest.strip_prefix(&[byte])?;
        Some(())
    }

    pub(super) fn closes(&mut self, byte: u8) -> bool {
        self.space();
        self.byte(byte).is_some()
    }

    fn space(&mut self) {
        let space = self.rest.iter().take_while(|b| matches!(b, b' ' | b'\t' | b'\n' | b'\r')).count();
        self.skip(space);
    }

    fn skip(&mut self, bytes: usize) {
        self.rest = self.rest.get(bytes..).unwrap_or(&[]);
    }
}

/// The UTF-16 unit of a leading `\uHHHH`.
fn escaped_unit(text: &[u8]) -> Option<u32> {
    let hex = text.strip_prefix(b"\\u")?.get(..4)?;
    hex.iter().try_fold(0, |unit, b| Some(unit * 16 + char::from(*b).to_digit(16)?))
}

#[cfg(test)]
#[allow(clippy::disallowed_methods)]
mod tests {
    use super::*;

    const FINE: Option<Facts> = Some(Facts { duplicate_keys: false, unfit: false });
    const TWICE: Option<Facts> = Some(Facts { duplicate_keys: true, unfit: false });
    const UNFIT: Option<Facts> = Some(Facts { duplicate_keys: false, unfit: true });

    #[test]
    fn documents_are_told_apart() {
        for (text, facts) in [
            ("{}", FINE),
            (" [1, -0.5e+3, \"a\\n\\u00e9\", true, null, {\"a\": {\"a\": 1}}] ", FINE),
            ("\"\\ud83d\\ude00\"", FINE),
            ("{\"a\":1,\"b\":2,\"a\":3}", TWICE),
            ("{\"a\":1,\"\\u0061\":3}", TWICE),
            ("[{\"a\":1},{\"a\":1}]", FINE),
            ("{\"x\":[{\"k\":1,\"k\":2}],\"y\":0}", TWICE),
            ("\"\\u0000\"", UNFIT),
            ("\"\\ud83d\"", UNFIT),
            ("1e99999", UNFIT),
        ] {
            assert_eq!(inspect(text.as_bytes()), facts, "{text}");
        }
    }

    #[test]
    fn what_is_not_json_is_not_json() {
        for text in [
            "",
            "{",
            "[1,]",
            "{\"a\"}",
            "{a:1}",
            "01",
            "1.",
            "-",
            "+1",
            "nul",
            "\"\t\"",
            "\"\\x\"",
            "\"\\u12g4\"",
            "1 2",
            "'a'",
            "NaN",
        ] {
            assert_eq!(inspect(text.as_bytes()), None, "{text}");
        }
        assert_eq!(inspect("[".repeat(100_000).as_bytes()), None);
        let deep = "[".repeat(500) + &"]".repeat(500);
        assert_eq!(inspect(deep.as_bytes()), FINE);
    }

    #[test]
    fn validity_agrees_with_serde_json_on_every_mutation() {
        let seed = b"{\"a\":[1,2.5e1,\"x\\n\"],\"b\":{\"c\":null},\"d\":false}";
        for at in 0..seed.len() {
            for byte in b"{}[]\",:0-e.\\tx " {
                let mut text = seed.to_vec();
                text[at] = *byte;
                let theirs = serde_json::from_slice::<serde_json::Value>(&text).is_ok();
                assert_eq!(inspect(&text).is_some(), theirs, "{}", String::from_utf8_lossy(&text));
            }
        }
    }

    #[test]
    fn json_keeps_what_jsonb_would_drop() {
        let twice = Cell::Text(b"{\"a\":1,\"a\":2}");
        assert!(decode(twice, false).is_ok());
        assert!(decode(twice, true).is_err());
        assert_eq!(decode(Cell::Blob(b"{\"a\":1}"), true), Ok("{\"a\":1}".into()));
        assert_eq!(decode(Cell::Integer(5), true), Ok("5".into()));
        assert_eq!(decode(Cell::Real(1e300), true), Ok("1e300".into()));
        assert!(decode(Cell::Real(f64::INFINITY), true).is_err());
        assert_eq!(decode(Cell::Text(b""), true), Err(InvalidValue::EmptyText));
    }
}
