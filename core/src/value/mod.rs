//! One SQLite value -> one PostgreSQL value, or why it does not fit. Pure; a file per kind.
//!
//! Nothing is rounded, cut or guessed, unless the plan says so ([`excess`]): a value that the column's type cannot
//! represent exactly is an `InvalidValue`; the caller adds table, column and rowid. NULL is NULL in every type. The
//! rules, by target type:
//!
//! - **boolean**: 0 and 1 as integer or real; `t f true false yes no on off y n 1 0` in any ASCII case.
//! - **smallint, integer, bigint**: integers in range, integral reals, canonical decimal text (no plus, no leading
//!   zero, no space).
//! - **double precision**: reals; integers and decimal texts that a double represents exactly (every integer up to
//!   2^53); the infinities and NaN by name: `NaN`, `inf`, `-Infinity` in any case. **real**: numbers that a four-byte
//!   float represents exactly, and reals and decimal texts as it prints them.
//! - **numeric**: integers, reals in their shortest form, decimal texts, the infinities and NaN by name; with `(p,s)` only values that need no
//!   rounding.
//! - **money**: integers, reals and decimal texts with at most two digits after the point; `$1,234.50`.
//! - **text, varchar(n), char(n)**: valid UTF-8 without NUL, within `n` characters. Numbers are written as
//!   SQLite's `CAST(x AS TEXT)` does, reals with every digit they need. A blob does not fit.
//! - **bytea**: blobs; texts as their bytes, or decoded by the formats `hex` and `base64`. Numbers only with the format
//!   `text`, as the bytes of their text.
//! - **date, time, timestamp, timestamptz**: ISO-8601 text whatever the format (see `datetime`); numbers, and texts
//!   that are numbers, as instants in the column's `Format`. A text without an offset is a local time: timestamptz
//!   reads it in the plan's time zone, timestamp keeps it as it is. timestamp converts a text with an offset, and an
//!   instant, to the local time of the plan's time zone. The instant is kept, the spelling and the offset are not. In a
//!   skipped or repeated hour the offset before the change is used. A date accepts a text with a time only at midnight.
//!   The empty text does not fit. Reals are rounded to the nearest microsecond.
//! - **time with time zone**: ISO-8601 times of day; without an offset only if the plan's time zone has the same offset
//!   all year.
//! - **uuid**: with or without dashes, in braces, after `urn:uuid:`, or 16 bytes; the spelling is not kept.
//! - **json, jsonb**: valid JSON text, also stored as a blob; numbers are scalars. A document with equal keys or
//!   `\u0000`, which `jsonb` would not keep, does not fit `jsonb`.
//! - **interval**: texts in the formats that `interval` lists; numbers with the formats `seconds`, `milliseconds`,
//!   `microseconds`; dates with `since_1970`. With a precision or fields only values that are not cut.
//! - **arrays**: JSON arrays as text or as the text's bytes, one dimension per level of nesting, null for NULL, each
//!   element by the rules of its type; `json[]` and `jsonb[]` have one dimension of JSON values. PostgreSQL's literals
//!   as well. With the format `comma`, a list of elements separated by commas. Ragged nesting, an empty inner array,
//!   and an object outside of `json[]` do not fit.
//! - **vector, halfvec** (pgvector's): a JSON array of numbers as it is, but for white space before it; a blob of
//!   little-endian 4-byte floats, all of them finite. The type itself checks the number of dimensions.
//! - **ranges, multiranges, composites**: PostgreSQL's literals, each value in them by the rules of its type.
//! - **domains**: as their base type with its modifier; the server then checks NOT NULL and CHECK for each value.
//! - **anything else**: text for the type's input function; for PostgreSQL's own types only text that the function
//!   reads as it is written ([`spelling`]). A blob does not fit.

pub mod affinity;
pub mod array;
pub mod batch;
pub mod boolean;
pub mod buffer;
pub mod bytes;
pub mod cellbuf;
pub mod datetime;
pub mod encode;
pub mod encoding;
pub mod epoch;
pub mod excess;
pub mod format;
pub mod geometry;
pub mod image;
pub mod input;
pub mod interval;
pub mod json;
pub mod jsonb;
pub mod listed;
pub mod literal;
pub mod money;
pub mod native;
pub mod number;
pub mod pgtype;
mod single;
pub mod spelling;
pub mod text;
pub mod timetz;
pub mod timezone;
pub mod uuid;
pub mod vector;

use std::borrow::Cow;

use geometry::Container;
use geometry::value::{Rule as GeometryRule, Srids};

use buffer::OutOfMemory;
pub use cellbuf::CellBuf;
use encoding::TextReading;
pub use excess::Excess;
pub use format::Format;
pub use listed::ValueList;
pub use pgtype::PgType;
pub use timezone::Timezone;

/// A value as SQLite stores it. `Text` should be UTF-8, but a file may contain other bytes: check before use.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Cell<'a> {
    Null,
    Integer(i64),
    Real(f64),
    Text(&'a [u8]),
    Blob(&'a [u8]),
}

impl Cell<'_> {
    /// A blob as the text of its bytes.
    fn as_text(self) -> Self {
        match self {
            Cell::Blob(bytes) => Cell::Text(bytes),
            cell => cell,
        }
    }
}

/// A converted value in the server's binary form.
#[derive(Debug, Clone, PartialEq)]
pub enum Decoded<'a> {
    Null,
    /// A pass-by-value datum: bool, int2/4/8, float4/8 bits, date, time, timestamp.
    Word(u64),
    /// The payload of a `text` or `bytea` varlena, without its header.
    Varlena(Cow<'a, [u8]>),
    Uuid([u8; 16]),
    /// Text for the type's input function (numeric, jsonb, anything unusual).
    Input(Cow<'a, str>),
}

/// How the values of one column are passed. Except for NULL, a decoder always yields the same variant of `Decoded`, but
/// for vectors.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Wire {
    Word,
    Varlena,
    Uuid,
    Input,
    /// `Varlena`, or `Input` that [`vector::is_text`] knows.
    Vector,
}

impl Wire {
    /// The server's input function makes the datums, or some of them.
    pub fn has_texts(self) -> bool {
        matches!(self, Wire::Input | Wire::Vector)
    }
}

/// Why a cell does not fit its column. The caller adds table, column, rowid and the value.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum InvalidValue {
    #[error("value is out of range")]
    OutOfRange,
    #[error("value would be rounded")]
    Inexact,
    #[error("value is longer than 1 GB - 1 kB, the longest that PostgreSQL holds")]
    TooLarge,
    #[error("text is empty")]
    EmptyText,
    #[error("text is longer than {limit} characters")]
    TooLong { limit: u32 },
    #[error("text is not valid UTF-8")]
    InvalidUtf8,
    #[error("text contains a NUL character")]
    NulInText,
    #[error("{0}")]
    Unreadable(&'static str),
    /// Not about the value: memory ran out, so `on_invalid` does not apply.
    #[error("{0}")]
    NoMemory(#[from] OutOfMemory),
}

impl InvalidValue {
    /// Whether the value is the cause, so that `on_invalid` applies.
    pub fn is_of_value(&self) -> bool {
        !matches!(self, InvalidValue::NoMemory(_))
    }
}

/// Converts the cells of one column to one PostgreSQL type.
#[derive(Debug, Clone)]
pub struct Decoder {
    kind: Kind,
}

#[derive(Debug, Clone)]
enum Kind {
    Bool(boolean::Words),
    Integer {
        min: i64,
        max: i64,
    },
    /// Digits, which a blob may hold.
    IntegerText {
        min: i64,
        max: i64,
    },
    Float4,
    Float8,
    Text(text::Rule),
    Bytea(Option<Format>),
    Date(datetime::Rule),
    Time(datetime::Rule),
    TimeTz(datetime::Rule),
    Timestamp(datetime::Rule),
    TimestampTz(datetime::Rule),
    Uuid,
    Numeric(Option<(i32, i32)>),
    /// Without limits, with as many digits after the point at least; a blob may hold digits.
    Padded {
        scale: usize,
        blobs: bool,
    },
    /// Digits, which a blob may hold.
    NumericText(Option<(i32, i32)>),
    Money,
    Bpchar(Option<u32>),
    Interval(Option<Format>, interval::Precision),
    Json {
        binary: bool,
    },
    Array(array::Rule),
    Vector(Option<vector::Stored>),
    Made(literal::Rule),
    /// For PostGIS.
    Geometry(GeometryRule),
    /// As WKB.
    Wkb(GeometryRule),
    Other(Option<spelling::Check>),
}

impl Decoder {
    /// `timezone` is for text times without an offset.
    pub fn new(pg_type: &PgType, format: Option<Format>, timezone: &Timezone) -> Decoder {
        let rule = |digits: u32| datetime::Rule {
            format,
            step: 10i64.pow(6u32.saturating_sub(digits)),
            zone: timezone.clone(),
        };
        let integer = |min, max| match format {
            Some(Format::Text) => Kind::IntegerText { min, max },
            _ => Kind::Integer { min, max },
        };
        let geometries =
            format.and_then(Container::of).map(|container| GeometryRule { container, srids: None });
        let kind = match *pg_type {
            PgType::Bytea | PgType::Other(_) | PgType::UserDefined(_) if let Some(rule) = geometries => {
                match pg_type {
                    PgType::Bytea => Kind::Wkb(rule),
                    _ => Kind::Geometry(rule),
                }
            }
            PgType::Bool => Kind::Bool(boolean::Words::default()),
            PgType::Int2 => integer(i16::MIN.into(), i16::MAX.into()),
            PgType::Int4 => integer(i32::MIN.into(), i32::MAX.into()),
            PgType::Int8 => integer(i64::MIN, i64::MAX),
            PgType::Float4 => Kind::Float4,
            PgType::Float8 => Kind::Float8,
            PgType::Text => Kind::Text(text::Rule::default()),
            PgType::Varchar(limit) => Kind::Text(text::Rule { limit, ..text::Rule::default() }),
            PgType::Bpchar(limit) => Kind::Bpchar(limit),
            PgType::Bytea => Kind::Bytea(format),
            PgType::Date => Kind::Date(rule(6)),
            PgType::Time(digits) => Kind::Time(rule(digits)),
            PgType::TimeTz(digits) => Kind::TimeTz(rule(digits)),
            PgType::Timestamp(digits) => Kind::Timestamp(rule(digits)),
            PgType::TimestampTz(digits) => Kind::TimestampTz(rule(digits)),
            PgType::Uuid => Kind::Uuid,
            PgType::Numeric(typmod) if format == Some(Format::Text) => Kind::NumericText(typmod),
            PgType::Numeric(typmod) => Kind::Numeric(typmod),
            PgType::Money => Kind::Money,
            PgType::Interval(precision) => Kind::Interval(format, precision),
            PgType::Json => Kind::Json { binary: false },
            PgType::Jsonb => Kind::Json { binary: true },
            PgType::Array(ref element) => Kind::Array(array::Rule::new(element, format, timezone)),
            PgType::Vector(_) => Kind::Vector(None),
            PgType::Range { ref of, .. } => Kind::Made(literal::Rule::range(of, timezone)),
            PgType::Multirange { ref of, .. } => Kind::Made(literal::Rule::multirange(of, timezone)),
            PgType::Row { ref fields, .. } => Kind::Made(literal::Rule::row(fields, timezone)),
            PgType::Domain { ref base, .. } => Kind::Made(literal::Rule::domain(base, format, timezone)),
            PgType::Other(ref name) => Kind::Other(spelling::check_of(name)),
            PgType::UserDefined(_) => Kind::Other(None),
        };
        Decoder { kind }
    }

    /// The same decoder, with a plan's words for true and false, which only a boolean has.
    pub fn with_words(self, words: boolean::Words) -> Decoder {
        match self.kind {
            Kind::Bool(_) => Decoder { kind: Kind::Bool(words) },
            _ => self,
        }
    }

    /// The same decoder, with the digits after the point that a numeric without limits has at least.
    pub fn with_scale(self, scale: Option<u16>) -> Decoder {
        let blobs = matches!(self.kind, Kind::NumericText(_));
        match (&self.kind, scale) {
            (Kind::Numeric(None) | Kind::NumericText(None), Some(scale)) => {
                Decoder { kind: Kind::Padded { scale: scale.into(), blobs } }
            }
            _ => self,
        }
    }

    /// The same decoder, with what is known of the SRID of a column with geometries.
    pub fn with_srids(self, srids: Option<Srids>) -> Decoder {
        match self.kind {
            Kind::Geometry(rule) => Decoder { kind: Kind::Geometry(GeometryRule { srids, ..rule }) },
            Kind::Wkb(rule) => Decoder { kind: Kind::Wkb(GeometryRule { srids, ..rule }) },
            _ => self,
        }
    }

    /// The same decoder in the database that the texts are read for, which a text type depends on.
    pub fn with_texts(self, texts: TextReading) -> Decoder {
        match self.kind {
            Kind::Text(text::Rule { limit, .. }) => Decoder {
                kind: Kind::Text(text::Rule {
                    limit,
                    of_bytes: texts.of_bytes,
                    as_stored: texts.as_stored(),
                }),
            },
            _ => self,
        }
    }

    /// The same decoder, with the form in which the column stores vectors, if it is known.
    pub fn with_vectors(self, stored: Option<vector::Stored>) -> Decoder {
        match self.kind {
            Kind::Vector(_) => Decoder { kind: Kind::Vector(stored) },
            _ => self,
        }
    }

    /// How this decoder's values are passed.
    pub fn wire(&self) -> Wire {
        match self.kind {
            Kind::Bool(_) | Kind::Integer { .. } | Kind::IntegerText { .. } => Wire::Word,
            Kind::Float4 | Kind::Float8 => Wire::Word,
            Kind::Date(_) | Kind::Time(_) | Kind::Timestamp(_) | Kind::TimestampTz(_) => Wire::Word,
            Kind::Text(_) | Kind::Bytea(_) | Kind::Wkb(_) => Wire::Varlena,
            Kind::Uuid => Wire::Uuid,
            Kind::Vector(Some(_)) => Wire::Vector,
            _ => Wire::Input,
        }
    }

    /// Converts one cell. Hot: called once per value of a load.
    #[inline]
    pub fn decode<'a>(&self, cell: Cell<'a>) -> Result<Decoded<'a>, InvalidValue> {
        if let Cell::Null = cell {
            return Ok(Decoded::Null);
        }
        match &self.kind {
            Kind::Integer { min, max } => number::integer(cell, *min, *max).map(signed),
            Kind::Text(rule) => text::decode(cell, rule),
            Kind::Float8 => number::float8(cell).map(|f| Decoded::Word(f.to_bits())),
            Kind::Timestamp(rule) => rule.timestamp(cell).map(signed),
            Kind::TimestampTz(rule) => rule.timestamptz(cell).map(signed),
            Kind::Date(rule) => rule.date(cell).map(|day| signed(day.into())),
            Kind::Time(rule) => rule.time(cell).map(signed),
            Kind::Bool(words) => boolean::decode(cell, words).map(|b| Decoded::Word(b.into())),
            Kind::Float4 => number::float4(cell).map(|f| Decoded::Word(f.to_bits().into())),
            Kind::Bytea(format) => bytes::decode(cell, *format),
            Kind::Wkb(rule) => rule.wkb(cell).map(|wkb| Decoded::Varlena(Cow::Owned(wkb))),
            Kind::IntegerText { min, max } => number::integer(cell.as_text(), *min, *max).map(signed),
            Kind::Uuid => uuid::decode(cell).map(Decoded::Uuid),
            Kind::Vector(stored) => vector::decode(cell, *stored),
            other => other.input(cell),
        }
    }
}

impl Kind {
    /// The types that PostgreSQL reads from text.
    fn input<'a>(&self, cell: Cell<'a>) -> Result<Decoded<'a>, InvalidValue> {
        match self {
            Kind::Numeric(typmod) => number::numeric(cell, *typmod),
            Kind::Padded { scale, blobs } => {
                let cell = if *blobs { cell.as_text() } else { cell };
                number::numeric(cell, None).map(|text| number::padded(text, *scale))
            }
            Kind::NumericText(typmod) => number::numeric(cell.as_text(), *typmod),
            Kind::Money => money::decode(cell),
            Kind::Interval(format, precision) => interval::decode(cell, *format, *precision),
            Kind::Json { binary } => json::decode(cell, *binary),
            Kind::TimeTz(rule) => timetz::decode(cell, rule).map(Cow::Owned),
            Kind::Array(rule) => rule.decode(cell),
            Kind::Bpchar(limit) => return text::decode_bpchar(cell, *limit),
            Kind::Made(rule) => rule.decode(cell),
            Kind::Geometry(rule) => rule.digits(cell).map(Cow::Owned),
            Kind::Other(check) => input::decode(cell, *check),
            _ => input::decode(cell, None),
        }
        .map(Decoded::Input)
    }
}

/// A signed integer as a datum.
#[inline]
fn signed<'a>(value: i64) -> Decoded<'a> {
    Decoded::Word(value as u64)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn decode<'a>(
        pg_type: &str,
        format: Option<Format>,
        cell: Cell<'a>,
    ) -> Result<Decoded<'a>, InvalidValue> {
        Decoder::new(&PgType::parse(pg_type), format, &Timezone::UTC).decode(cell)
    }

    #[test]
    fn words_are_postgres_datums() {
        for (pg_type, cell, word) in [
            ("boolean", Cell::Integer(1), 1),
            ("smallint", Cell::Integer(-1), u64::MAX),
            ("integer", Cell::Text(b"-2"), u64::MAX - 1),
            ("real", Cell::Real(1.0), 0x3F80_0000),
            ("double precision", Cell::Real(1.0), 0x3FF0_0000_0000_0000),
            ("date", Cell::Text(b"1999-12-31"), u64::MAX),
            ("time", Cell::Text(b"00:00:01"), 1_000_000),
            ("timestamp", Cell::Text(b"2000-01-01 00:00:00.000001"), 1),
        ] {
            assert_eq!(decode(pg_type, None, cell), Ok(Decoded::Word(word)), "{pg_type}");
        }
    }

    #[test]
    fn every_type_yields_its_own_wire_only() {
        let cells = [
            Cell::Integer(1),
            Cell::Real(1.0),
            Cell::Text(b"1"),
            Cell::Text(b"2020-01-01"),
            Cell::Text(b"12:00"),
            Cell::Blob(b"0123456789abcdef"),
        ];
        let types = "boolean int2 int4 int8 real float8 text varchar(9) char(9) bytea date time timestamp \
                     timestamptz(3) uuid numeric(9,2) json jsonb interval inet timetz text[] vector";
        for pg_type in types.split(' ') {
            let decoder = Decoder::new(&PgType::parse(pg_type), Some(Format::UnixEpoch), &Timezone::UTC);
            assert_eq!(decoder.decode(Cell::Null), Ok(Decoded::Null));
            for decoded in cells.iter().filter_map(|cell| decoder.decode(*cell).ok()) {
                let wire = match decoded {
                    Decoded::Word(_) => Wire::Word,
                    Decoded::Varlena(_) => Wire::Varlena,
                    Decoded::Uuid(_) => Wire::Uuid,
                    Decoded::Input(_) => Wire::Input,
                    Decoded::Null => panic!("{pg_type}: not a NULL"),
                };
                assert_eq!(wire, decoder.wire(), "{pg_type}");
            }
        }
    }

    #[test]
    fn invalid_values_say_what_is_wrong_in_postgres_style() {
        let said = |pg_type, cell| decode(pg_type, None, cell).unwrap_err().to_string();
        assert_eq!(said("timestamp", Cell::Text(b"")), "text is empty");
        assert_eq!(said("varchar(2)", Cell::Text(b"abc")), "text is longer than 2 characters");
        assert_eq!(said("smallint", Cell::Integer(40_000)), "value is out of range");
        assert_eq!(
            said("timestamptz", Cell::Integer(1)),
            "a number can be read as a time only with a format"
        );
        assert_eq!(said("jsonb", Cell::Text(b"{")), "text is not valid JSON");
    }
}
