//! Texts that PostgreSQL does not take as they are stored: bytes that are not UTF-8, which the plan reads in another
//! encoding (`text_encoding`), and NUL characters, which it may take out or keep as bytes (`nul`).
//!
//! SQLite stores whatever bytes an application calls a text. Profile and load read through [`TextReading`], so that types
//! are decided from what is loaded.

use encoding_rs::{Encoding, UTF_8, UTF_16BE, UTF_16LE, WINDOWS_1252, X_USER_DEFINED};

use super::Cell;
use super::text::is_plain_ascii;

/// The encoding of texts that are not UTF-8.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TextEncoding {
    /// ISO 8859-1, in which every byte is a character.
    Latin1,
    /// Another one of <https://encoding.spec.whatwg.org/>, by any of its labels.
    Other(&'static Encoding),
}

/// What becomes of NUL characters in texts.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Nul {
    /// The text does not fit any text type.
    #[default]
    Error,
    /// They are taken out.
    Strip,
    /// The texts are loaded as their bytes: a new column that has such texts is bytea.
    Bytea,
}

/// How the texts of a column are read; the default is as they are stored.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct TextReading {
    pub encoding: Option<TextEncoding>,
    pub nul: Nul,
    /// The database has no encoding (SQL_ASCII): its texts are bytes, and their lengths are counted in bytes.
    pub of_bytes: bool,
}

impl TextEncoding {
    /// `None` for an unknown name, and for UTF-8 and UTF-16: SQLite itself converts between these.
    pub fn parse(name: &str) -> Option<TextEncoding> {
        if ["latin1", "iso-8859-1"].iter().any(|latin1| latin1.eq_ignore_ascii_case(name)) {
            return Some(TextEncoding::Latin1);
        }
        let own = [UTF_8, UTF_16LE, UTF_16BE, X_USER_DEFINED];
        let found = Encoding::for_label_no_replacement(name.as_bytes()).filter(|e| !own.contains(e))?;
        Some(TextEncoding::Other(found))
    }

    /// The name that the plan prints.
    pub fn name(self) -> String {
        match self {
            TextEncoding::Latin1 => "latin1".into(),
            TextEncoding::Other(encoding) => encoding.name().to_ascii_lowercase(),
        }
    }

    /// `None` where the bytes are no text in it either.
    fn decode(self, bytes: &[u8]) -> Option<Vec<u8>> {
        match self {
            TextEncoding::Latin1 => Some(encoding_rs::mem::decode_latin1(bytes).into_owned().into_bytes()),
            TextEncoding::Other(encoding) => {
                let text = encoding.decode_without_bom_handling_and_without_replacement(bytes)?;
                Some(text.into_owned().into_bytes())
            }
        }
    }
}

impl TextReading {
    /// The text that is read instead of the stored one; `None` where that is used as it is.
    #[inline]
    pub fn read(&self, cell: Cell<'_>) -> Option<Vec<u8>> {
        match cell {
            Cell::Text(bytes) if *self != TextReading::default() && !is_plain_ascii(bytes) => {
                self.convert(bytes)
            }
            _ => None,
        }
    }

    /// Texts that are not UTF-8 are loaded as they are stored.
    pub fn as_stored(&self) -> bool {
        self.of_bytes && self.encoding.is_none()
    }

    /// The text is not UTF-8, and is loaded as it is stored.
    #[inline]
    pub fn keeps(&self, cell: Cell<'_>) -> bool {
        match cell {
            Cell::Text(bytes) if self.as_stored() => {
                !bytes.contains(&0) && std::str::from_utf8(bytes).is_err()
            }
            _ => false,
        }
    }

    fn convert(&self, bytes: &[u8]) -> Option<Vec<u8>> {
        let without_nul = |bytes: &[u8]| -> Vec<u8> { bytes.iter().copied().filter(|b| *b != 0).collect() };
        let strip = self.nul == Nul::Strip && bytes.contains(&0);
        if std::str::from_utf8(bytes).is_ok() {
            return strip.then(|| without_nul(bytes));
        }
        let read = self.encoding.and_then(|encoding| encoding.decode(bytes));
        match strip {
            true => Some(without_nul(read.as_deref().unwrap_or(bytes))),
            false => read,
        }
    }

    /// Another reading by which a text is valid that this one leaves invalid, and that text. Nobody knows the real
    /// encoding, so it is a guess; in `windows-1252` every byte is a character.
    pub fn remedy(&self, bytes: &[u8]) -> Option<(TextReading, Vec<u8>)> {
        let nul = bytes.contains(&0) && self.nul != Nul::Strip;
        let encoding = std::str::from_utf8(bytes).is_err() && self.encoding.is_none() && !self.of_bytes;
        let other = TextReading {
            encoding: if encoding { Some(TextEncoding::Other(WINDOWS_1252)) } else { self.encoding },
            nul: if nul { Nul::Strip } else { self.nul },
            of_bytes: self.of_bytes,
        };
        let read = other.convert(bytes).filter(|_| nul || encoding)?;
        let valid = self.as_stored() || std::str::from_utf8(&read).is_ok();
        (valid && !read.contains(&0)).then_some((other, read))
    }

    /// What happens to `count` texts, for people: `3 texts that are not UTF-8 are read as latin1`.
    pub fn describe(&self, count: u64) -> String {
        let (texts, are, lose) = if count == 1 { ("text", "is", "loses") } else { ("texts", "are", "lose") };
        match (self.encoding.map(TextEncoding::name), self.nul) {
            (Some(name), Nul::Error | Nul::Bytea) => {
                format!("{count} {texts} that {are} not UTF-8 {are} read as {name}")
            }
            (Some(name), Nul::Strip) => {
                format!("{count} {texts} {are} read as {name}, or without NUL characters")
            }
            (None, Nul::Strip) if self.of_bytes => {
                format!("{count} {texts} {are} not UTF-8 and loaded as stored, or without NUL characters")
            }
            (None, _) if self.of_bytes => {
                format!("{count} {texts} that {are} not UTF-8 {are} loaded as stored")
            }
            (None, _) => format!("{count} {texts} {lose} NUL characters"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(encoding: Option<&str>, nul: Nul, bytes: &[u8]) -> Option<String> {
        let encoding = encoding.and_then(TextEncoding::parse);
        TextReading { encoding, nul, of_bytes: false }
            .read(Cell::Text(bytes))
            .map(|bytes| String::from_utf8_lossy(&bytes).into_owned())
    }

    #[test]
    fn only_what_is_no_utf8_is_read_otherwise() {
        for (encoding, nul, bytes, expected) in [
            (Some("latin1"), Nul::Error, &b"L\xF6we"[..], Some("Löwe")),
            (Some("latin1"), Nul::Error, b"\x80", Some("\u{80}")),
            (Some("windows-1252"), Nul::Error, b"\x80", Some("€")),
            (Some("CP1251"), Nul::Error, b"\xCF\xF0", Some("Пр")),
            (Some("shift_jis"), Nul::Error, b"\x93\xFA", Some("日")),
            (Some("shift_jis"), Nul::Error, b"\xFF\xFF", None),
            (Some("latin1"), Nul::Error, "Löwe".as_bytes(), None),
            (Some("latin1"), Nul::Error, b"plain", None),
            (None, Nul::Error, b"L\xF6we", None),
            (Some("latin1"), Nul::Error, b"a\0b", None),
            (None, Nul::Bytea, b"a\0b", None),
            (Some("latin1"), Nul::Bytea, b"L\xF6we", Some("Löwe")),
            (None, Nul::Strip, b"a\0b\0", Some("ab")),
            (Some("latin1"), Nul::Strip, b"\xF6\0", Some("ö")),
        ] {
            assert_eq!(read(encoding, nul, bytes).as_deref(), expected, "{encoding:?} {bytes:?}");
        }
        assert_eq!(TextReading::default().read(Cell::Integer(1)), None);
    }

    #[test]
    fn a_database_without_encoding_keeps_what_no_encoding_is_named_for() {
        let keeps = |encoding: Option<&str>, bytes| {
            let encoding = encoding.and_then(TextEncoding::parse);
            TextReading { encoding, of_bytes: true, ..TextReading::default() }.keeps(Cell::Text(bytes))
        };
        assert!(keeps(None, b"\xF6") && !keeps(None, "ö".as_bytes()) && !keeps(None, b"\xF6\0"));
        assert!(!keeps(Some("latin1"), b"\xF6"));
        assert!(!TextReading::default().keeps(Cell::Text(b"\xF6")));
    }

    #[test]
    fn what_is_offered_reads_the_text() {
        let reading = |encoding: Option<&str>, nul| TextReading {
            encoding: encoding.and_then(TextEncoding::parse),
            nul,
            of_bytes: false,
        };
        let plain = TextReading::default();
        let (cp1252, strip) = (Some("windows-1252"), Nul::Strip);
        for (now, bytes, expected) in [
            (plain, &b"L\xF6we"[..], Some((reading(cp1252, Nul::Error), "Löwe"))),
            (plain, b"a\0b", Some((reading(None, strip), "ab"))),
            (plain, b"\xF6\0", Some((reading(cp1252, strip), "ö"))),
            (reading(None, Nul::Bytea), b"a\0", Some((reading(None, strip), "a"))),
            (reading(Some("shift_jis"), strip), b"\xFF\xFF\0", None),
            (reading(Some("shift_jis"), Nul::Error), b"\xFF\0", None),
            (plain, b"fine", None),
        ] {
            let found = now.remedy(bytes);
            let expected = expected.map(|(reading, text)| (reading, text.as_bytes().to_vec()));
            assert_eq!(found, expected, "{now:?} {bytes:?}");
        }
    }

    #[test]
    fn names_are_those_of_encodings_that_sqlite_does_not_know() {
        for name in ["latin1", "ISO-8859-1", "windows-1252", "koi8-r", "gbk", "euc-jp"] {
            let encoding = TextEncoding::parse(name);
            assert!(encoding.is_some_and(|e| TextEncoding::parse(&e.name()) == Some(e)), "{name}");
        }
        for name in ["utf-8", "utf-16", "UTF-16BE", "latin-one", "", "x-user-defined", "hz-gb-2312"] {
            assert_eq!(TextEncoding::parse(name), None, "{name}");
        }
    }
}
