//! Literals of arrays, ranges, multiranges and composites: split, so that each value in them is read by the rules of
//! its type, and composed again for the input function.
//!
//! Without this, the input function would read the values inside: with the session's order of day and month, in the
//! session's time zone, `today`, with rounded numbers. In a literal, `infinity` and `NaN` can only be PostgreSQL's
//! values.
#![deny(clippy::disallowed_methods)]

use super::buffer::{self, OutOfMemory};
use super::{Cell, Decoded, Decoder, Excess, Format, InvalidValue, PgType, Timezone, encode, text};
use std::borrow::Cow;
use std::ops::Range;

const MALFORMED: InvalidValue = InvalidValue::Unreadable("text is not a literal of its column's type");

/// Reads values of one type as the text that its input function takes.
#[derive(Debug, Clone)]
pub struct TextDecoder {
    pg_type: PgType,
    decoder: Box<Decoder>,
    /// What becomes of what the type cannot hold of a value.
    excess: Excess,
}

impl TextDecoder {
    /// A domain's values are spelled as its base's.
    pub fn new(pg_type: &PgType, format: Option<Format>, timezone: &Timezone) -> TextDecoder {
        let pg_type = pg_type.base();
        TextDecoder {
            pg_type: pg_type.clone(),
            decoder: Box::new(Decoder::new(pg_type, format, timezone)),
            excess: Excess::Error,
        }
    }

    /// The same decoder, which leaves away the excess of values.
    pub fn without(&self, excess: Excess) -> TextDecoder {
        TextDecoder { excess, ..self.clone() }
    }

    /// A separate value: a JSON string or a number.
    pub fn read<'a>(&self, cell: Cell<'a>) -> Result<Cow<'a, str>, InvalidValue> {
        let decoded = match self.decoder.decode(cell) {
            Err(invalid) if self.excess != Excess::Error && invalid.is_of_value() => {
                self.decoder.decode_without(cell, self.excess).ok_or(invalid)?
            }
            decoded => decoded?,
        };
        Ok(match decoded {
            Decoded::Word(word) => self.word(word, cell)?,
            Decoded::Varlena(bytes) if self.pg_type == PgType::Bytea => {
                let mut text = buffer::text("\\x")?;
                buffer::append_hex(&mut text, &bytes)?;
                text.into()
            }
            Decoded::Varlena(Cow::Borrowed(bytes)) => text::check(bytes)?.into(),
            Decoded::Varlena(Cow::Owned(bytes)) => {
                String::from_utf8(bytes).map_err(|_| InvalidValue::InvalidUtf8)?.into()
            }
            Decoded::Uuid(bytes) => ::uuid::Uuid::from_bytes(bytes).hyphenated().to_string().into(),
            Decoded::Input(text) => text,
            Decoded::Null => return Err(InvalidValue::Unreadable("value is NULL")),
        })
    }

    fn word<'a>(&self, word: u64, cell: Cell<'a>) -> Result<Cow<'a, str>, InvalidValue> {
        let value = word as i64;
        let held = |text: Result<String, encode::Refusal>| text.map_err(|_| InvalidValue::OutOfRange);
        Ok(match (&self.pg_type, cell) {
            (PgType::Date, _) => held(encode::iso_date(value as i32))?.into(),
            (PgType::Time(_), _) => encode::iso_time(value).into(),
            (PgType::Timestamp(_), _) => held(encode::iso(value))?.into(),
            (PgType::TimestampTz(_), _) => (held(encode::iso(value))? + "+00").into(),
            (_, Cell::Text(bytes)) => text::check(bytes)?.into(),
            _ => text::number_text(cell).into(),
        })
    }

    /// A value inside of a literal.
    fn part(&self, part: Part) -> Result<String, InvalidValue> {
        // Spaces around the value are part of it.
        let keeps_blanks = matches!(
            self.pg_type,
            PgType::Text | PgType::Varchar(_) | PgType::Bpchar(_) | PgType::Other(_) | PgType::UserDefined(_)
        );
        let text = if part.quoted || keeps_blanks { &*part.text } else { part.text.trim_ascii() };
        let words: &[&str] = match self.pg_type {
            PgType::Date | PgType::Timestamp(_) | PgType::TimestampTz(_) => &["infinity", "-infinity"],
            PgType::Numeric(None) => &["NaN", "Infinity", "-Infinity"],
            _ => &[],
        };
        // In a literal, bytea has the hex format, which no setting affects.
        if words.contains(&text) || self.pg_type == PgType::Bytea {
            return Ok(buffer::text(text)?);
        }
        Ok(buffer::owned_text(self.read(Cell::Text(text.as_bytes()))?)?)
    }
}

/// A value in a literal, without its quotes and escapes.
struct Part {
    text: String,
    quoted: bool,
}

/// The rest of a literal.
pub struct Literal<'a> {
    rest: &'a [u8],
    out: String,
}

impl<'a> Literal<'a> {
    pub fn new(text: &'a str) -> Literal<'a> {
        Literal { rest: text.trim_ascii().as_bytes(), out: String::new() }
    }

    /// `{a,"b",{…}}`, with or without bounds before it. The input function refuses malformed braces.
    pub fn array(mut self, element: &TextDecoder) -> Result<String, InvalidValue> {
        while self.rest.first().is_some_and(|b| *b != b'{') {
            let bound = self.next()?;
            self.put(bound)?;
        }
        while let Some(byte) = self.rest.first().copied() {
            match byte {
                b'{' | b'}' | b',' => self.byte(b"{},")?,
                _ if byte.is_ascii_whitespace() => drop(self.next()?),
                _ => {
                    let mut part = self.part(b",{}", false)?;
                    if part.quoted {
                        quote(&mut self.out, &element.part(part)?)?;
                    } else if part.text.trim_ascii_end().eq_ignore_ascii_case("null") {
                        buffer::append(&mut self.out, "NULL")?;
                    } else {
                        part.text.truncate(part.text.trim_ascii_end().len());
                        quote(&mut self.out, &element.part(part)?)?;
                    }
                }
            }
        }
        Ok(self.out)
    }

    /// `[a,b)`; `empty` in any case.
    pub fn range(mut self, bound: &TextDecoder) -> Result<String, InvalidValue> {
        self.one_range(bound)?;
        self.end()
    }

    /// `{[a,b),…}`.
    pub fn multirange(mut self, bound: &TextDecoder) -> Result<String, InvalidValue> {
        self.byte(b"{")?;
        self.blanks();
        while self.rest.first() != Some(&b'}') {
            if self.out.len() > 1 {
                self.byte(b",")?;
                self.blanks();
            }
            self.one_range(bound)?;
            self.blanks();
        }
        self.byte(b"}")?;
        self.end()
    }

    /// `(a,"b",)`; an empty field is NULL.
    pub fn row(mut self, fields: &[TextDecoder]) -> Result<String, InvalidValue> {
        self.byte(b"(")?;
        for (at, field) in fields.iter().enumerate() {
            if at > 0 {
                self.byte(b",")?;
            }
            let part = self.part(b",)", true)?;
            self.value(part, field)?;
        }
        self.byte(b")")?;
        self.end()
    }

    fn one_range(&mut self, bound: &TextDecoder) -> Result<(), InvalidValue> {
        const EMPTY: &[u8] = b"empty";
        if self.rest.get(..EMPTY.len()).is_some_and(|word| word.eq_ignore_ascii_case(EMPTY)) {
            self.rest = self.rest.get(EMPTY.len()..).unwrap_or_default();
            return Ok(buffer::append(&mut self.out, "empty")?);
        }
        let rest = self.rest;
        self.byte(b"[(")?;
        let [lower, upper] = [&b","[..], b"])"].map(|end| self.bound(bound, end));
        let ((lower, lower_read), (upper, upper_read)) = (lower?, upper?);
        let closed = rest.first() == Some(&b'[') && self.out.ends_with(']');
        // The range would be empty, and its bounds lost.
        let is_empty = !closed && !lower.is_empty() && self.out.get(lower_read) == self.out.get(upper_read);
        if bound.excess != Excess::Error && lower != upper && is_empty {
            return Err(InvalidValue::Inexact);
        }
        Ok(())
    }

    /// One bound, as it is written and where the text is that it becomes.
    fn bound(&mut self, bound: &TextDecoder, end: &[u8]) -> Result<(&'a [u8], Range<usize>), InvalidValue> {
        let (rest, begin) = (self.rest, self.out.len());
        let part = self.part(b",])", true)?;
        let written = rest.get(..rest.len() - self.rest.len()).unwrap_or_default();
        self.value(part, bound)?;
        let read = begin..self.out.len();
        self.byte(end)?;
        Ok((written, read))
    }

    fn value(&mut self, part: Part, decoder: &TextDecoder) -> Result<(), InvalidValue> {
        if part.quoted || !part.text.is_empty() {
            let text = decoder.part(part)?;
            quote(&mut self.out, &text)?;
        }
        Ok(())
    }

    /// Up to one of `stops` outside of quotes. `doubled`: two quotes inside of quotes are one, and quotes may begin
    /// anywhere.
    fn part(&mut self, stops: &[u8], doubled: bool) -> Result<Part, InvalidValue> {
        let (mut text, mut quoted, mut inside, mut closed) = (vec![], false, false, false);
        while let Some((byte, rest)) = self.rest.split_first() {
            match byte {
                b'\\' => {
                    let (escaped, rest) = rest.split_first().ok_or(MALFORMED)?;
                    buffer::push(&mut text, *escaped)?;
                    quoted = true;
                    self.rest = rest;
                    continue;
                }
                b'"' if inside && doubled && rest.first() == Some(&b'"') => {
                    buffer::push(&mut text, b'"')?;
                    self.rest = rest.get(1..).unwrap_or_default();
                    continue;
                }
                b'"' => (quoted, closed, inside) = (true, inside && !doubled, !inside),
                _ if !inside && stops.contains(byte) => break,
                // Spaces after the quotes of an array's element; anything else is malformed.
                _ if closed && !inside => {
                    if !byte.is_ascii_whitespace() {
                        return Err(MALFORMED);
                    }
                }
                _ => buffer::push(&mut text, *byte)?,
            }
            self.rest = rest;
        }
        let text = String::from_utf8(text).map_err(|_| InvalidValue::InvalidUtf8)?;
        if inside { Err(MALFORMED) } else { Ok(Part { text, quoted }) }
    }

    /// Keeps a byte of ASCII, or the first of a character that the input function refuses.
    fn put(&mut self, byte: u8) -> Result<(), OutOfMemory> {
        buffer::append(&mut self.out, char::from(byte).encode_utf8(&mut [0; 2]))
    }

    fn blanks(&mut self) {
        self.rest = self.rest.trim_ascii_start();
    }

    fn next(&mut self) -> Result<u8, InvalidValue> {
        let (byte, rest) = self.rest.split_first().ok_or(MALFORMED)?;
        self.rest = rest;
        Ok(*byte)
    }

    /// Reads and keeps one of these bytes.
    fn byte(&mut self, allowed: &[u8]) -> Result<(), InvalidValue> {
        let byte = self.next()?;
        self.put(byte)?;
        if allowed.contains(&byte) { Ok(()) } else { Err(MALFORMED) }
    }

    fn end(self) -> Result<String, InvalidValue> {
        if self.rest.is_empty() { Ok(self.out) } else { Err(MALFORMED) }
    }
}

/// Writes a value in quotes, unless it needs none in any literal.
pub fn quote(out: &mut String, value: &str) -> Result<(), OutOfMemory> {
    let plain =
        |b: u8| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'+' | b'.' | b':' | b'_') || b >= 0x80;
    if !value.is_empty() && !value.eq_ignore_ascii_case("null") && value.bytes().all(plain) {
        return buffer::append(out, value);
    }
    let escapes = value.bytes().filter(|b| matches!(b, b'"' | b'\\')).count();
    out.try_reserve(value.len() + escapes + 2)?;
    out.push('"');
    for c in value.chars() {
        if matches!(c, '"' | '\\') {
            out.push('\\');
        }
        out.push(c);
    }
    out.push('"');
    Ok(())
}

/// How the literals of a type that is made of others are read.
#[derive(Debug, Clone)]
pub enum Rule {
    Range(TextDecoder),
    Multirange(TextDecoder),
    Row(Vec<TextDecoder>),
    Domain(TextDecoder),
}

impl Rule {
    // A column's format applies to numbers, which a literal does not contain.
    pub fn range(of: &PgType, timezone: &Timezone) -> Rule {
        Rule::Range(TextDecoder::new(of, None, timezone))
    }

    pub fn multirange(of: &PgType, timezone: &Timezone) -> Rule {
        Rule::Multirange(TextDecoder::new(of, None, timezone))
    }

    pub fn row(fields: &[PgType], timezone: &Timezone) -> Rule {
        Rule::Row(fields.iter().map(|field| TextDecoder::new(field, None, timezone)).collect())
    }

    pub fn domain(base: &PgType, format: Option<Format>, timezone: &Timezone) -> Rule {
        Rule::Domain(TextDecoder::new(base, format, timezone))
    }

    /// The same rule, which leaves away the excess of bounds and fields.
    pub fn without(&self, excess: Excess) -> Rule {
        match self {
            Rule::Range(bound) => Rule::Range(bound.without(excess)),
            Rule::Multirange(bound) => Rule::Multirange(bound.without(excess)),
            Rule::Row(fields) => Rule::Row(fields.iter().map(|field| field.without(excess)).collect()),
            Rule::Domain(base) => Rule::Domain(base.without(excess)),
        }
    }

    pub fn decode<'a>(&self, cell: Cell<'a>) -> Result<Cow<'a, str>, InvalidValue> {
        if let Rule::Domain(base) = self {
            return base.read(cell);
        }
        let literal = match cell {
            Cell::Text([]) => return Err(InvalidValue::EmptyText),
            Cell::Text(bytes) => Literal::new(text::check(bytes)?),
            Cell::Blob(_) => return Err(InvalidValue::Unreadable("a blob has no text form")),
            _ => return Err(MALFORMED),
        };
        match self {
            Rule::Range(bound) => literal.range(bound),
            Rule::Multirange(bound) => literal.multirange(bound),
            Rule::Row(fields) => literal.row(fields),
            Rule::Domain(_) => Err(MALFORMED),
        }
        .map(Cow::Owned)
    }
}

#[cfg(test)]
#[allow(clippy::disallowed_methods)]
mod tests {
    use super::*;

    fn read(pg_type: &str, text: &str) -> Result<String, InvalidValue> {
        let zone = Timezone::parse("+02:00").unwrap();
        Decoder::new(&PgType::parse(pg_type), None, &zone).decode(Cell::Text(text.as_bytes())).map(
            |decoded| match decoded {
                Decoded::Input(text) => text.into_owned(),
                other => format!("{other:?}"),
            },
        )
    }

    #[test]
    fn values_in_literals_are_read_by_the_rules_of_their_types() {
        for (pg_type, text, literal) in [
            ("daterange", "[2024-01-01,2024-02-01)", "[2024-01-01,2024-02-01)"),
            ("daterange", " [2024-01-01, 2024-02-01] ", "[2024-01-01,2024-02-01]"),
            ("daterange", "(,infinity)", "(,infinity)"),
            ("daterange", "Empty", "empty"),
            ("tstzrange", "[\"2024-01-01 12:00:00\",)", "[\"2024-01-01 10:00:00+00\",)"),
            ("tstzrange", "[2024-01-01T12:00:00Z,)", "[\"2024-01-01 12:00:00+00\",)"),
            ("numrange", "[1.5,]", "[1.5,]"),
            ("range(text)", "[ a,\"b\"\"c\\d\"]", "[\" a\",\"b\\\"cd\"]"),
            ("nummultirange", "{ [1,2), (3,4] }", "{[1,2),(3,4]}"),
            ("int4multirange", "{}", "{}"),
            ("row(date,text,integer)", "(2024-01-01,\"a,b\",)", "(2024-01-01,\"a,b\",)"),
            ("row(text,text)", "(,\"\")", "(,\"\")"),
            (
                "row(range(date),integer[])",
                "(\"[2024-01-01,)\",\"{1,NULL}\")",
                "(\"[2024-01-01,)\",\"{1,NULL}\")",
            ),
            ("daterange[]", "{\"[2024-01-01,)\",NULL}", "{\"[2024-01-01,)\",NULL}"),
            ("timestamptz[]", "{\"2024-07-01 10:00\"}", "{\"2024-07-01 08:00:00+00\"}"),
            ("numeric[]", "{NaN,1.5}", "{NaN,1.5}"),
            ("bytea[]", "{\"\\\\x61\"}", "{\"\\\\x61\"}"),
            ("domain(integer)", "7", "7"),
            ("domain(timestamptz)", "2024-07-01 10:00", "2024-07-01 08:00:00+00"),
        ] {
            assert_eq!(read(pg_type, text).as_deref(), Ok(literal), "{pg_type} {text}");
        }
    }

    #[test]
    fn what_the_input_function_would_read_in_its_own_way_does_not_fit() {
        for (pg_type, text) in [
            ("daterange", "[01/02/2024,)"),
            ("daterange", "[today,)"),
            ("tstzrange", "[now,)"),
            ("numrange", "[0x10,)"),
            ("row(date)", "(epoch)"),
            ("date[]", "{yesterday}"),
            ("numeric(4,1)[]", "{1.25}"),
            ("time[]", "{\"2024-01-01 10:00\"}"),
            ("domain(date)", "01/02/2024"),
            ("range(varchar(2))", "[abc,]"),
        ] {
            assert!(read(pg_type, text).is_err(), "{pg_type} {text}");
        }
        for (pg_type, text) in [
            ("daterange", "2024-01-01"),
            ("daterange", "[2024-01-01"),
            ("daterange", "[2024-01-01,) x"),
            ("daterange", "[\"2024-01-01,)"),
            ("daterange", "[\\"),
            ("nummultirange", "{[1,2) [3,4)}"),
            ("row(integer)", "(1,2)"),
            ("row(integer,integer)", "(1)"),
            ("text[]", "{\"a\"b}"),
            ("range(text)", "[a,b,c]"),
            ("range(text)", "[a]"),
        ] {
            assert_eq!(read(pg_type, text), Err(MALFORMED), "{pg_type} {text}");
        }
        assert_eq!(read("daterange", ""), Err(InvalidValue::EmptyText));
    }
}
