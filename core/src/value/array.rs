//! Arrays: JSON arrays, comma-separated lists and PostgreSQL's literals become the text that `array_in` reads.
//!
//! Each element is read by the rules of its type first, because the input functions round silently and read times in
//! the session's time zone. An array inside an array is another dimension; in `json[]` and `jsonb[]` it is an element.
#![deny(clippy::disallowed_methods)]

use super::buffer;
use super::literal::{Literal, TextDecoder, quote};
use super::{Cell, Excess, Format, InvalidValue, PgType, Timezone, json, number, text, vector};
use std::borrow::Cow;

const NOT_ARRAY: InvalidValue =
    InvalidValue::Unreadable("value is neither a JSON array nor an array literal");
const RAGGED: InvalidValue = InvalidValue::Unreadable("inner arrays do not all have the same length");
const EMPTY_INNER: InvalidValue =
    InvalidValue::Unreadable("an inner array is empty, which PostgreSQL does not keep");
const TOO_DEEP: InvalidValue = InvalidValue::Unreadable("arrays have at most 6 dimensions");
const OBJECT: InvalidValue = InvalidValue::Unreadable("an element is a JSON object");
const HALF_PAIR: InvalidValue = InvalidValue::Unreadable("an element has half a surrogate pair");

/// `MAXDIM` of array.h.
const MAX_DIMENSIONS: usize = 6;

/// How the arrays of one column are read.
#[derive(Debug, Clone)]
pub struct Rule {
    element: TextDecoder,
    /// The elements are JSON documents.
    holds_json: bool,
    commas: bool,
    /// The elements are `real`, as which a blob may have them.
    singles: bool,
}

impl Rule {
    /// The format is the elements', or `comma`.
    pub fn new(element: &PgType, format: Option<Format>, timezone: &Timezone) -> Rule {
        let commas = format == Some(Format::Comma);
        let singles = *element.base() == PgType::Float4;
        let holds_json = matches!(element.base(), PgType::Json | PgType::Jsonb);
        let element = TextDecoder::new(element, format.filter(|_| !commas), timezone);
        Rule { element, holds_json, commas, singles }
    }

    /// The same rule, which leaves away the excess of elements.
    pub fn without(&self, excess: Excess) -> Rule {
        Rule { element: self.element.without(excess), ..self.clone() }
    }

    pub fn decode<'a>(&self, cell: Cell<'a>) -> Result<Cow<'a, str>, InvalidValue> {
        match cell {
            _ if self.commas => self.split(cell).map(Cow::Owned),
            Cell::Text([]) => Err(InvalidValue::EmptyText),
            // The bytes of floats are unlikely to be JSON by accident.
            Cell::Blob(bytes) if self.singles && json::inspect(bytes).is_none() => {
                vector::array(bytes).map(Cow::Owned)
            }
            Cell::Text(bytes) | Cell::Blob(bytes) => match text::check(bytes)? {
                literal if is_literal(literal) => Literal::new(literal).array(&self.element),
                json => self.read(json),
            }
            .map(Cow::Owned),
            _ => Err(NOT_ARRAY),
        }
    }

    /// `a,b,c`; the empty text is the empty array.
    fn split(&self, cell: Cell<'_>) -> Result<String, InvalidValue> {
        let mut out = String::from("{");
        match cell {
            Cell::Text([]) => {}
            Cell::Text(bytes) => {
                for (at, part) in text::check(bytes)?.split(',').enumerate() {
                    buffer::append(&mut out, if at > 0 { "," } else { "" })?;
                    quote(&mut out, &self.element.read(Cell::Text(part.as_bytes()))?)?;
                }
            }
            Cell::Blob(_) => return Err(NOT_ARRAY),
            number => quote(&mut out, &self.element.read(number)?)?,
        }
        buffer::append(&mut out, "}")?;
        Ok(out)
    }

    fn read(&self, text: &str) -> Result<String, InvalidValue> {
        let scanner = json::Scanner::new(text.as_bytes());
        let mut reader = Reader { rule: self, scanner, out: String::new(), lengths: vec![], leaves: None };
        reader.array(0)?;
        if reader.scanner.is_at_end() { Ok(reader.out) } else { Err(NOT_ARRAY) }
    }

    /// Writes one element of a JSON array into the literal.
    fn json_element(&self, raw: &str, out: &mut String) -> Result<(), InvalidValue> {
        let string: String;
        let cell = match raw.as_bytes() {
            bytes if self.holds_json => Cell::Text(bytes),
            [b'"', plain @ .., b'"'] if !plain.contains(&b'\\') => Cell::Text(plain),
            [b'"', ..] => {
                // The parser's allocations are infallible, so memory is checked first: for what it decodes, and for a
                // list that doubles.
                buffer::afford(2 * raw.len())?;
                string = serde_json::from_str(raw).map_err(|_| HALF_PAIR)?;
                Cell::Text(string.as_bytes())
            }
            [b'{', ..] => return Err(OBJECT),
            // Numbers that are not 64-bit integers keep all their digits as text.
            bytes => number::canonical_integer(bytes).map_or(Cell::Text(bytes), Cell::Integer),
        };
        Ok(quote(out, &self.element.read(cell)?)?)
    }
}

/// `{…}`, or with its bounds `[2:3]={…}`, which no JSON begins with.
fn is_literal(text: &str) -> bool {
    let text = text.trim_ascii_start();
    let bounds = |b: &u8| matches!(b, b'[' | b']' | b':' | b'+' | b'-' | b'0'..=b'9' | b' ');
    match text.as_bytes() {
        [b'{', ..] => true,
        bytes @ [b'[', ..] => bytes.iter().find(|b| !bounds(b)) == Some(&b'='),
        _ => false,
    }
}

/// A JSON array that is being converted to a literal.
struct Reader<'r, 'a> {
    rule: &'r Rule,
    scanner: json::Scanner<'a>,
    out: String,
    /// Elements of the first array of each depth.
    lengths: Vec<Option<usize>>,
    /// The depth at which elements are.
    leaves: Option<usize>,
}

impl Reader<'_, '_> {
    fn array(&mut self, depth: usize) -> Result<(), InvalidValue> {
        if depth == MAX_DIMENSIONS {
            return Err(TOO_DEEP);
        }
        self.scanner.peek();
        self.scanner.byte(b'[').ok_or(NOT_ARRAY)?;
        buffer::append(&mut self.out, "{")?;
        if self.lengths.len() == depth {
            self.lengths.push(None);
        }
        let mut length = 0;
        while !self.scanner.closes(b']') {
            if length > 0 {
                self.scanner.byte(b',').ok_or(NOT_ARRAY)?;
                buffer::append(&mut self.out, ",")?;
            }
            self.value(depth)?;
            length += 1;
        }
        buffer::append(&mut self.out, "}")?;
        if depth > 0 && length == 0 {
            return Err(EMPTY_INNER);
        }
        let first = self.lengths.get_mut(depth).map_or(length, |first| *first.get_or_insert(length));
        if first == length { Ok(()) } else { Err(RAGGED) }
    }

    fn value(&mut self, depth: usize) -> Result<(), InvalidValue> {
        let inner = self.scanner.peek() == Some(b'[') && !self.rule.holds_json;
        if inner && self.leaves != Some(depth) {
            return self.array(depth + 1);
        }
        if inner || *self.leaves.get_or_insert(depth) != depth {
            return Err(RAGGED);
        }
        match self.scanner.raw().ok_or(NOT_ARRAY)? {
            "null" => buffer::append(&mut self.out, "NULL")?,
            raw => self.rule.json_element(raw, &mut self.out)?,
        }
        Ok(())
    }
}

#[cfg(test)]
#[allow(clippy::disallowed_methods)]
mod tests {
    use super::*;

    fn read(pg_type: &str, text: &str) -> Result<String, InvalidValue> {
        formatted(pg_type, None, Cell::Text(text.as_bytes()))
    }

    fn formatted(pg_type: &str, format: Option<Format>, cell: Cell<'_>) -> Result<String, InvalidValue> {
        let zone = Timezone::parse("+02:00").unwrap();
        let PgType::Array(element) = PgType::parse(pg_type) else { panic!("{pg_type} is no array") };
        Rule::new(&element, format, &zone).decode(cell).map(Cow::into_owned)
    }

    #[test]
    fn json_becomes_a_literal_that_says_the_same() {
        for (pg_type, json, literal) in [
            ("text[]", "[]", "{}"),
            ("text[]", " [ \"a\" , \"b c\",\"\", \"null\", null] ", r#"{a,"b c","","null",NULL}"#),
            (
                "text[]",
                r#"["q\"\\", "{x,y}", "\u00e9\n", 1.50, true]"#,
                "{\"q\\\"\\\\\",\"{x,y}\",\"é\n\",1.50,true}",
            ),
            ("any[]", "[[\"a\",\"b\"],[\"c\",null]]", "{{a,b},{c,NULL}}"),
            ("integer[]", "[[[1,2],[3,4]],[[5,6],[7,8]]]", "{{{1,2},{3,4}},{{5,6},{7,8}}}"),
            ("bigint[]", "[9223372036854775807, \"-1\"]", "{9223372036854775807,-1}"),
            (
                "numeric[]",
                "[12345678901234567890.12345678901234567890]",
                "{12345678901234567890.12345678901234567890}",
            ),
            ("real[]", "[0.1, 2, 1e-7]", "{0.1,2,1e-7}"),
            ("boolean[]", "[true, 0, \"yes\", null]", "{true,0,yes,NULL}"),
            (
                "jsonb[]",
                r#"[{"a": [1,2.50]}, [1, "x"], "s", null]"#,
                r#"{"{\"a\": [1,2.50]}","[1, \"x\"]","\"s\"",NULL}"#,
            ),
            ("bytea[]", "[\"aé\"]", r#"{"\\x61c3a9"}"#),
            ("uuid[]", "[\"550E8400E29B41D4A716446655440000\"]", "{550e8400-e29b-41d4-a716-446655440000}"),
            ("date[]", "[\"2024-07-01\"]", "{2024-07-01}"),
            ("time(0)[]", "[\"10:00\"]", "{10:00:00}"),
            (
                "timestamp with time zone[]",
                "[\"2024-07-01T10:00:00\", \"2024-07-01 10:00:00.5Z\"]",
                r#"{"2024-07-01 08:00:00+00","2024-07-01 10:00:00.500000+00"}"#,
            ),
        ] {
            assert_eq!(read(pg_type, json).as_deref(), Ok(literal), "{json}");
        }
        let (ms, epochs) = (Some(Format::UnixEpochMs), Cell::Text(b"[1719828000250]"));
        assert_eq!(
            formatted("timestamp without time zone[]", ms, epochs).as_deref(),
            Ok("{\"2024-07-01 12:00:00.250000\"}")
        );
        assert_eq!(formatted("text[]", None, Cell::Blob(b"[\"a\"]")).as_deref(), Ok("{a}"));
    }

    #[test]
    fn literals_keep_their_shape() {
        for (text, literal) in [
            ("{a,b}", "{a,b}"),
            (" { 1, 2 } ", "{1,2}"),
            ("[2:3]={x,y}", "[2:3]={x,y}"),
            ("[-1:0][1:1]={{1},{2}}", "[-1:0][1:1]={{1},{2}}"),
            ("{}", "{}"),
            ("{{a},{b}}", "{{a},{b}}"),
            (r#"{"a b",x y, NULL , "NULL", a\,b, "q\"" }"#, r#"{"a b","x y",NULL,"NULL","a,b","q\""}"#),
        ] {
            assert_eq!(read("text[]", text).as_deref(), Ok(literal));
        }
        for text in ["{01/02/2024}", "{today}", "{\"2024-07-01 10:00:00\"}"] {
            assert!(read("date[]", text).is_err(), "{text}");
        }
    }

    #[test]
    fn what_would_change_or_is_no_array_does_not_fit() {
        for (pg_type, text, invalid) in [
            ("text[]", "", InvalidValue::EmptyText),
            ("text[]", "a,b", NOT_ARRAY),
            ("text[]", "\"a\"", NOT_ARRAY),
            ("text[]", "null", NOT_ARRAY),
            ("text[]", "[\"a\"", NOT_ARRAY),
            ("text[]", "[\"a\",]", NOT_ARRAY),
            ("text[]", "[\"a\"]]", NOT_ARRAY),
            ("text[]", "[\"a\" \"b\"]", NOT_ARRAY),
            ("text[]", "[[1],[2,3]]", RAGGED),
            ("text[]", "[1,[2]]", RAGGED),
            ("text[]", "[[1],2]", RAGGED),
            ("text[]", "[[1],null]", RAGGED),
            ("text[]", "[[[1]],[2]]", RAGGED),
            ("text[]", "[[],[]]", EMPTY_INNER),
            ("text[]", "[[[[[[[1]]]]]]]", TOO_DEEP),
            ("text[]", "[{\"a\":1}]", OBJECT),
            ("text[]", r#"["\ud83d"]"#, HALF_PAIR),
            ("text[]", r#"["\u0000"]"#, InvalidValue::NulInText),
            (
                "jsonb[]",
                r#"[{"a":1,"a":2}]"#,
                InvalidValue::Unreadable("an object has a key twice, which jsonb does not keep"),
            ),
            ("character varying(2)[]", "[\"abc\"]", InvalidValue::TooLong { limit: 2 }),
            ("integer[]", "[2147483648]", InvalidValue::OutOfRange),
            ("integer[]", "[1.5]", InvalidValue::Unreadable("value is not an integer")),
            ("numeric(4,1)[]", "[1.25]", InvalidValue::Inexact),
            (
                "timestamp(0) without time zone[]",
                "[\"2024-07-01 10:00:00.5\"]",
                super::super::datetime::TOO_FINE,
            ),
        ] {
            assert_eq!(read(pg_type, text), Err(invalid), "{pg_type} {text}");
        }
        assert_eq!(formatted("text[]", None, Cell::Integer(1)), Err(NOT_ARRAY));
        assert_eq!(formatted("text[]", None, Cell::Blob(b"[\"\xFF\"]")), Err(InvalidValue::InvalidUtf8));
    }

    #[test]
    fn commas_separate_whatever_stands_between_them() {
        let comma = |pg_type, cell| formatted(pg_type, Some(Format::Comma), cell);
        for (pg_type, cell, literal) in [
            ("text[]", Cell::Text(b""), "{}"),
            ("text[]", Cell::Text(b"a, b,,[c]"), r#"{a," b","","[c]"}"#),
            ("text[]", Cell::Text(b"{a}"), r#"{"{a}"}"#),
            ("integer[]", Cell::Text(b"1,-2"), "{1,-2}"),
            ("integer[]", Cell::Integer(7), "{7}"),
        ] {
            assert_eq!(comma(pg_type, cell).as_deref(), Ok(literal), "{cell:?}");
        }
        assert!(comma("integer[]", Cell::Text(b"1,x")).is_err());
        assert_eq!(comma("text[]", Cell::Blob(b"a")), Err(NOT_ARRAY));
    }
}
