//! What a JSON document says, whatever its spaces, the order of its keys, its escapes and the exponents of its numbers.

use super::number::Decimal;

/// A document that is nested more deeply is not read: SQLite's own functions do not read it either.
const DEEPEST: usize = 1000;

#[derive(Debug, PartialEq, Eq)]
pub enum Document {
    Null,
    Bool(bool),
    /// With the digits after the point that jsonb keeps of it: `1` is not `1.0`, but `1e1` is `10`.
    Number(Decimal, i64),
    Text(String),
    List(Vec<Document>),
    /// By key.
    Object(Vec<(String, Document)>),
}

impl Document {
    /// A text in it has a NUL, which `jsonb` does not hold.
    pub fn has_nul(&self) -> bool {
        match self {
            Document::Text(text) => text.contains('\0'),
            Document::List(items) => items.iter().any(Document::has_nul),
            Document::Object(members) => {
                members.iter().any(|(key, value)| key.contains('\0') || value.has_nul())
            }
            Document::Null | Document::Bool(_) | Document::Number(..) => false,
        }
    }
}

/// `None` if the text is not JSON, has a key twice, or is too deep.
pub fn read(text: &str) -> Option<Document> {
    whole(Reader { text, at: 0, twice: false })
}

/// The same of a document that may have a key twice, as `json` keeps it: both members stay, in their order.
pub fn read_all(text: &str) -> Option<Document> {
    whole(Reader { text, at: 0, twice: true })
}

fn whole(mut reader: Reader<'_>) -> Option<Document> {
    let document = reader.document(0)?;
    reader.space();
    (reader.at == reader.text.len()).then_some(document)
}

struct Reader<'a> {
    text: &'a str,
    at: usize,
    /// An object may have a key twice.
    twice: bool,
}

impl Reader<'_> {
    fn peek(&self) -> Option<u8> {
        self.text.as_bytes().get(self.at).copied()
    }

    fn space(&mut self) {
        while matches!(self.peek(), Some(b' ' | b'\t' | b'\n' | b'\r')) {
            self.at += 1;
        }
    }

    /// The next character is this one, and is taken.
    fn take(&mut self, wanted: u8) -> bool {
        let found = self.peek() == Some(wanted);
        self.at += usize::from(found);
        found
    }

    fn word(&mut self, word: &str, document: Document) -> Option<Document> {
        let found = self.text.get(self.at..)?.starts_with(word);
        self.at += word.len();
        found.then_some(document)
    }

    fn document(&mut self, depth: usize) -> Option<Document> {
        self.space();
        match self.peek()? {
            b'{' | b'[' if depth == DEEPEST => None,
            b'{' => self.object(depth + 1),
            b'[' => self.list(depth + 1),
            b'"' => self.string().map(Document::Text),
            b't' => self.word("true", Document::Bool(true)),
            b'f' => self.word("false", Document::Bool(false)),
            b'n' => self.word("null", Document::Null),
            _ => self.number(),
        }
    }

    fn list(&mut self, depth: usize) -> Option<Document> {
        self.at += 1;
        let mut items = vec![];
        self.space();
        if self.take(b']') {
            return Some(Document::List(items));
        }
        loop {
            items.push(self.document(depth)?);
            self.space();
            if self.take(b']') {
                return Some(Document::List(items));
            }
            self.take(b',').then_some(())?;
        }
    }

    fn object(&mut self, depth: usize) -> Option<Document> {
        self.at += 1;
        let mut members = vec![];
        self.space();
        if self.take(b'}') {
            return Some(Document::Object(members));
        }
        loop {
            self.space();
            let key = self.string()?;
            self.space();
            self.take(b':').then_some(())?;
            members.push((key, self.document(depth)?));
            self.space();
            if self.take(b'}') {
                break;
            }
            self.take(b',').then_some(())?;
        }
        members.sort_by(|(a, _), (b, _)| a.cmp(b));
        let twice = members.windows(2).any(|pair| matches!(pair, [(a, _), (b, _)] if a == b));
        (self.twice || !twice).then_some(Document::Object(members))
    }

    fn number(&mut self) -> Option<Document> {
        let rest = self.text.get(self.at..)?;
        let of_number = |c: char| c.is_ascii_digit() || matches!(c, '-' | '+' | '.' | 'e' | 'E');
        let length = rest.find(|c| !of_number(c)).unwrap_or(rest.len());
        let text = rest.get(..length)?;
        self.at += length;
        let digits = text.strip_prefix('-').unwrap_or(text).split(['.', 'e', 'E']).next()?;
        let plain = digits == "0" || digits.starts_with(|first| matches!(first, '1'..='9'));
        let ends =
            !text.contains("..") && !text.contains(".e") && !text.contains(".E") && !text.ends_with('.');
        let number = (plain && ends).then(|| Decimal::parse(text)).flatten()?;
        let (mantissa, exponent) = text.split_once(['e', 'E']).unwrap_or((text, "0"));
        let fraction = mantissa.split_once('.').map_or(0, |(_, fraction)| fraction.len());
        let scale = i64::try_from(fraction).ok()?.saturating_sub(exponent.parse().ok()?);
        Some(Document::Number(number, scale.max(0)))
    }

    fn string(&mut self) -> Option<String> {
        self.take(b'"').then_some(())?;
        let mut out = String::new();
        loop {
            let rest = self.text.get(self.at..)?;
            let plain = rest.find(['"', '\\'])?;
            out += rest.get(..plain)?;
            self.at += plain;
            if self.take(b'"') {
                return Some(out);
            }
            self.at += 1;
            out.push(self.escape()?);
        }
    }

    /// What follows a backslash.
    fn escape(&mut self) -> Option<char> {
        let letter = self.peek()?;
        self.at += 1;
        Some(match letter {
            b'b' => '\u{8}',
            b'f' => '\u{c}',
            b'n' => '\n',
            b'r' => '\r',
            b't' => '\t',
            b'"' | b'\\' | b'/' => char::from(letter),
            b'u' => {
                let unit = self.unit()?;
                if !(0xD800..0xDC00).contains(&unit) {
                    return char::from_u32(unit);
                }
                (self.take(b'\\') && self.take(b'u')).then_some(())?;
                let low = self.unit().filter(|low| (0xDC00..0xE000).contains(low))?;
                return char::from_u32(0x10000 + ((unit - 0xD800) << 10) + (low - 0xDC00));
            }
            _ => return None,
        })
    }

    fn unit(&mut self) -> Option<u32> {
        let digits = self.text.get(self.at..self.at + 4)?;
        self.at += 4;
        u32::from_str_radix(digits, 16).ok()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_document_says_counts() {
        for (a, b) in [
            (r#"{"a":1,"b":[true,null]}"#, r#" { "b" : [ true , null ], "a": 1 }"#),
            (r#""\u00e4\ud83d\ude00\/""#, "\"ä😀/\""),
            ("1e2", "100"),
            ("[1.5e1, 25e-1, 1.50e1, -0.0]", "[15, 2.5, 15.0, 0.0]"),
            ("[]", "[ ]"),
        ] {
            assert_eq!(read(a), read(b), "{a}");
            assert!(read(a).is_some(), "{a}");
        }
        assert_ne!(read("[1,2]"), read("[2,1]"));
        assert_ne!(read("0.1"), read("0.10000000000000001"));
        assert_ne!(read("[1]"), read("[1.0]"));
        assert_ne!(read("1.5"), read("1.50"));
        assert_ne!(read(r#"{"a":1}"#), read(r#"{"A":1}"#));
        assert_ne!(read(r#""1""#), read("1"));
    }

    #[test]
    fn what_is_not_json_or_has_a_key_twice_is_not_read() {
        for text in [
            "",
            "{",
            "[1,]",
            r#"{"a":1,"a":1}"#,
            "tru",
            "nul",
            r#""\ud83d""#,
            r#""\x""#,
            "1 2",
            "+1",
            "{a:1}",
            "01",
            "1.",
            ".5",
            "-",
            "1.e2",
        ] {
            assert_eq!(read(text), None, "{text}");
        }
        let deep = |depth: usize| "[".repeat(depth) + &"]".repeat(depth);
        assert!(read(&deep(1000)).is_some() && read(&deep(1001)).is_none());
    }
}
