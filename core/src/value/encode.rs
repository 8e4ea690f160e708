//! One PostgreSQL value -> one SQLite cell for a column of the file, or why the column cannot keep it. Pure.
//!
//! The rule: the value that the column's [`Decoder`] reads back equals the written value, or the value is refused.
//! Nothing is rounded, and a value that the column's affinity would change is refused. The stored forms, by type:
//!
//! - **boolean**: 0 or 1. **smallint, integer, bigint**: the integer.
//! - **real, double precision**: the real; the shortest text in a column of TEXT affinity. NaN is refused: SQLite
//!   stores it as NULL.
//! - **numeric**: the integer where it is one within 64 bits, the double whose shortest decimal is the same number,
//!   else the digits as text where the column keeps text.
//! - **text, varchar, char(n)**: the text, without the padding of char(n).
//! - **bytea**: a blob; text by the formats `hex` and `base64`.
//! - **date, time, timestamp, timestamptz**: ISO-8601 text, timestamptz in UTC with `+00:00`; an integer by a
//!   numeric format, when it is exact.
//! - **uuid**: lower-case text with dashes. **anything else**: the text that the type's output function prints.

use std::borrow::Cow;

use super::affinity::Affinity;
use super::buffer::{self, OutOfMemory};
use super::datetime::{DAY, SECOND, UNIX_TO_PG};
use super::native::Native;
use super::number::{Decimal, from_single};
use super::{Cell, CellBuf, Decoded, Decoder, Format, InvalidValue, PgType, Timezone, text};

/// Why a column cannot keep a value. The caller adds table, column and the value.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Refusal {
    #[error("SQLite stores NaN as NULL")]
    NotANumber,
    #[error("SQLite would change the value to fit the column's {} affinity", affinity_name(*.0))]
    Changed(Affinity),
    #[error("format \"{}\" does not hold this value exactly", .0.as_str())]
    Inexact(Format),
    #[error("ISO-8601 text holds the years 0001 to 9999 only")]
    Year,
    #[error("geometries are not written by format \"{}\"", .0.as_str())]
    Geometry(Format),
    #[error("the value could not be read back: {0}")]
    Unreadable(InvalidValue),
    #[error("{0}")]
    NoMemory(#[from] OutOfMemory),
}

fn affinity_name(affinity: Affinity) -> &'static str {
    match affinity {
        Affinity::Integer => "INTEGER",
        Affinity::Real => "REAL",
        Affinity::Numeric => "NUMERIC",
        Affinity::Text => "TEXT",
        Affinity::Blob => "BLOB",
    }
}

/// Writes the values of one column.
#[derive(Debug, Clone)]
pub struct Encoder {
    pg_type: PgType,
    format: Option<Format>,
    affinity: Affinity,
    timezone: Timezone,
    decoder: Decoder,
    /// The type's values are stored as their output function prints them, without a format.
    printed: Decoder,
}

impl Encoder {
    /// The type, format and time zone that the column is read by.
    pub fn new(pg_type: &PgType, format: Option<Format>, affinity: Affinity, timezone: &Timezone) -> Encoder {
        // A domain keeps what its base type keeps.
        let pg_type = pg_type.base();
        Encoder {
            pg_type: pg_type.clone(),
            format,
            affinity,
            timezone: timezone.clone(),
            decoder: Decoder::new(pg_type, format, timezone),
            printed: Decoder::new(pg_type, None, timezone),
        }
    }

    pub fn encode<'a>(&self, value: &'a Native<'_>) -> Result<CellBuf<'a>, Refusal> {
        if let (Some(format), Native::Bytes(_) | Native::Printed(_)) = (self.format, value)
            && format.is_geometry()
        {
            return Err(Refusal::Geometry(format));
        }
        let cell = self.form(value)?;
        if !self.is_kept(&cell) && !self.is_iso(value) {
            self.check(value, &cell)?;
        }
        Ok(cell)
    }

    /// The value as it is bound.
    fn form<'a>(&self, value: &'a Native<'_>) -> Result<CellBuf<'a>, Refusal> {
        Ok(match value {
            Native::Null => CellBuf::Null,
            Native::Bool(b) => CellBuf::Integer((*b).into()),
            Native::Integer(i) if self.format == Some(Format::Text) => {
                CellBuf::Blob(Cow::Owned(i.to_string().into_bytes()))
            }
            Native::Integer(i) => CellBuf::Integer(*i),
            Native::Float(f) if f.is_nan() => return Err(Refusal::NotANumber),
            Native::Float(f) if self.pg_type == PgType::Float4 => self.real(from_single(*f as f32)),
            Native::Float(f) => self.real(*f),
            Native::Text(text) if matches!(self.pg_type, PgType::Bpchar(_)) => {
                CellBuf::Text(Cow::Borrowed(text.trim_end_matches(' ')))
            }
            Native::Text(text) => CellBuf::Text(Cow::Borrowed(text)),
            Native::Bytes(bytes) => match self.format {
                Some(Format::Hex) => CellBuf::text(hex(bytes)?),
                Some(Format::Base64) => CellBuf::text(base64(bytes)?),
                _ => CellBuf::Blob(Cow::Borrowed(bytes)),
            },
            Native::Uuid(bytes) => CellBuf::text(::uuid::Uuid::from_bytes(*bytes).hyphenated().to_string()),
            Native::Date(day) => self.date(*day)?,
            Native::Time(time) => self.time(*time)?,
            Native::Timestamp(wall) => self.timestamp(*wall)?,
            Native::TimestampTz(instant) => self.timestamptz(*instant)?,
            Native::Printed(printed) => self.printed(printed),
        })
    }

    fn real(&self, value: f64) -> CellBuf<'static> {
        // SQLite would print fewer digits than the value needs.
        match self.affinity {
            Affinity::Text => CellBuf::text(text::real_text(value)),
            _ => CellBuf::Real(value),
        }
    }

    fn date(&self, day: i32) -> Result<CellBuf<'static>, Refusal> {
        match self.instant_format() {
            Some(format) => number(self.timezone.instant(i64::from(day).saturating_mul(DAY)), format),
            None => Ok(CellBuf::text(iso_date(day)?)),
        }
    }

    fn time(&self, time: i64) -> Result<CellBuf<'static>, Refusal> {
        if !(0..=DAY).contains(&time) {
            return Err(self.inexact());
        }
        let unit = match self.format {
            Some(Format::Seconds) => SECOND,
            Some(Format::Milliseconds) => 1000,
            Some(Format::Microseconds) => 1,
            _ => return Ok(CellBuf::text(iso_time(time))),
        };
        whole(time.into(), unit.into()).ok_or(self.inexact())
    }

    fn timestamp(&self, wall: i64) -> Result<CellBuf<'static>, Refusal> {
        match self.instant_format() {
            Some(format) => number(self.timezone.instant(wall), format),
            None => Ok(CellBuf::text(iso(wall)?)),
        }
    }

    fn timestamptz(&self, instant: i64) -> Result<CellBuf<'static>, Refusal> {
        match self.instant_format() {
            Some(format) => number(instant, format),
            None => {
                let mut text = iso(instant)?;
                text.push_str("+00:00");
                Ok(CellBuf::text(text))
            }
        }
    }

    fn instant_format(&self) -> Option<Format> {
        self.format.filter(|f| f.is_epoch())
    }

    fn inexact(&self) -> Refusal {
        Refusal::Inexact(self.format.unwrap_or(Format::Iso8601))
    }

    /// A type whose values are text here; a number is stored as a number if that is exact.
    fn printed<'a>(&self, printed: &'a str) -> CellBuf<'a> {
        if self.is_decimal() && self.format == Some(Format::Text) {
            return CellBuf::Blob(Cow::Borrowed(printed.as_bytes()));
        }
        let as_text = CellBuf::Text(Cow::Borrowed(printed));
        if !self.is_decimal() || self.affinity == Affinity::Text {
            return as_text;
        }
        let Some(decimal) = Decimal::parse(printed.as_bytes()) else { return as_text };
        // `12`, `12.00`.
        let (whole, fraction) = printed.split_once('.').unwrap_or((printed, ""));
        if fraction.bytes().all(|b| b == b'0')
            && let Ok(integer) = whole.parse()
        {
            return CellBuf::Integer(integer);
        }
        match printed.parse::<f64>() {
            Ok(double) if Decimal::of_real(double).is_some_and(|d| d == decimal) => CellBuf::Real(double),
            _ => as_text,
        }
    }

    /// Cells that only REAL affinity changes, and that every decoder of their type reads.
    fn is_kept(&self, cell: &CellBuf<'_>) -> bool {
        match (cell, self.affinity) {
            (CellBuf::Null, _) => true,
            (CellBuf::Blob(_), _) => self.pg_type == PgType::Bytea,
            (CellBuf::Text(_), Affinity::Text | Affinity::Blob) => {
                matches!(self.pg_type, PgType::Text | PgType::Varchar(_))
            }
            (CellBuf::Real(_), Affinity::Real | Affinity::Blob) => {
                self.pg_type == PgType::Float8 && self.format.is_none()
            }
            (CellBuf::Integer(_), Affinity::Integer | Affinity::Numeric | Affinity::Blob) => {
                matches!(self.pg_type, PgType::Bool | PgType::Int2 | PgType::Int4 | PgType::Int8)
            }
            _ => false,
        }
    }

    /// Values that are written as texts of one form, which no affinity changes, and which every decoder of their type reads.
    fn is_iso(&self, value: &Native<'_>) -> bool {
        let of_type = match value {
            Native::Date(_) => self.pg_type == PgType::Date,
            Native::Timestamp(i) => {
                matches!(self.pg_type, PgType::Timestamp(digits) if has_digits(*i, digits))
            }
            Native::TimestampTz(i) => {
                matches!(self.pg_type, PgType::TimestampTz(digits) if has_digits(*i, digits))
            }
            Native::Uuid(_) => self.pg_type == PgType::Uuid,
            _ => false,
        };
        of_type && matches!(self.format, None | Some(Format::Iso8601))
    }

    /// Reads the cell back as it will be stored.
    fn check(&self, value: &Native<'_>, cell: &CellBuf<'_>) -> Result<(), Refusal> {
        let changed = Refusal::Changed(self.affinity);
        let stored = self.affinity.stored(cell.as_cell()).ok_or(changed.clone())?;
        match self.decoder.decode(stored.as_cell()) {
            Ok(read) if self.same(value, &read) => Ok(()),
            Err(InvalidValue::NoMemory(error)) => Err(error.into()),
            _ if stored != *cell => Err(changed),
            Ok(_) => Err(self.inexact()),
            Err(invalid) => Err(Refusal::Unreadable(invalid)),
        }
    }

    fn same(&self, value: &Native<'_>, read: &Decoded<'_>) -> bool {
        match (value, read) {
            (Native::Bool(b), Decoded::Word(word)) => u64::from(*b) == *word,
            (Native::Date(day), Decoded::Word(word)) => i64::from(*day) as u64 == *word,
            (Native::Float(f), Decoded::Word(word)) => match self.pg_type {
                PgType::Float4 => f64::from(f32::from_bits(*word as u32)) == *f,
                _ => f64::from_bits(*word) == *f,
            },
            (
                Native::Integer(i) | Native::Time(i) | Native::Timestamp(i) | Native::TimestampTz(i),
                Decoded::Word(word),
            ) => *i as u64 == *word,
            (Native::Text(text), Decoded::Varlena(bytes)) => text.as_bytes() == bytes.as_ref(),
            (Native::Text(text), Decoded::Input(read)) => {
                text.trim_end_matches(' ') == read.trim_end_matches(' ')
            }
            (Native::Bytes(bytes), Decoded::Varlena(read)) => bytes.as_ref() == read.as_ref(),
            (Native::Uuid(uuid), Decoded::Uuid(read)) => uuid == read,
            // A decoder normalises the text of some values.
            (Native::Printed(printed), Decoded::Input(read)) => {
                let number = |text: &str| Decimal::parse(text.as_bytes());
                printed == read
                    || self.printed.decode(Cell::Text(printed.as_bytes()))
                        == Ok(Decoded::Input(read.as_ref().into()))
                    || self.is_decimal() && number(printed).is_some_and(|n| Some(n) == number(read))
            }
            _ => false,
        }
    }

    fn is_decimal(&self) -> bool {
        matches!(self.pg_type, PgType::Numeric(_) | PgType::Money)
    }
}

/// The fraction of the second has no more digits than the type's.
fn has_digits(micros: i64, digits: u32) -> bool {
    10i64.checked_pow(6u32.saturating_sub(digits)).is_some_and(|unit| micros % unit == 0)
}

/// An instant in whole units of a numeric format.
fn number(instant: i64, format: Format) -> Result<CellBuf<'static>, Refusal> {
    let unix = i128::from(instant) - i128::from(UNIX_TO_PG);
    let second = i128::from(SECOND);
    let cell = match format {
        Format::UnixEpoch => whole(unix, second),
        Format::UnixEpochMs => whole(unix, 1000),
        Format::UnixEpochUs => whole(unix, 1),
        Format::UnixEpochNs => whole(unix * 1000, 1),
        Format::Chrome => whole(unix + 11_644_473_600 * second, 1),
        Format::Apple => whole(unix - 978_307_200 * second, second),
        // The nearest real; that it reads back exactly is checked by the caller.
        Format::JulianDay => {
            // 1970-01-01 is Julian day 2440587.5.
            let millis = unix as f64 / 1000.0 + 210_866_760_000_000.0;
            Some(CellBuf::Real(millis / 86_400_000.0))
        }
        _ => None,
    };
    cell.ok_or(Refusal::Inexact(format))
}

fn whole(value: i128, unit: i128) -> Option<CellBuf<'static>> {
    if value % unit != 0 {
        return None;
    }
    i64::try_from(value / unit).ok().map(CellBuf::Integer)
}

/// `2024-05-01`.
pub fn iso_date(day: i32) -> Result<String, Refusal> {
    let mut text = String::with_capacity(ISO);
    push_date(&mut text, day)?;
    Ok(text)
}

/// `10:11:12`, with six digits of a fraction where there is one.
pub fn iso_time(time: i64) -> String {
    let mut text = String::with_capacity(ISO);
    push_time(&mut text, time);
    text
}

/// `2024-05-01 10:11:12`.
pub fn iso(wall: i64) -> Result<String, Refusal> {
    let day = i32::try_from(wall.div_euclid(DAY)).map_err(|_| Refusal::Year)?;
    let mut text = String::with_capacity(ISO);
    push_date(&mut text, day)?;
    text.push(' ');
    push_time(&mut text, wall.rem_euclid(DAY));
    Ok(text)
}

/// The bytes of the longest, `2024-05-01 10:11:12.000000+00:00`.
const ISO: usize = 32;

/// After Howard Hinnant's `civil_from_days`, the inverse of [`super::datetime::day_number`].
fn push_date(text: &mut String, day: i32) -> Result<(), Refusal> {
    let days = i64::from(day) + 730_425;
    let era = days.div_euclid(146_097);
    let of_era = days.rem_euclid(146_097);
    let year_of_era = (of_era - of_era / 1460 + of_era / 36_524 - of_era / 146_096) / 365;
    let of_year = of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let month = (5 * of_year + 2) / 153;
    let day = of_year - (153 * month + 2) / 5 + 1;
    let (month, carry) = if month < 10 { (month + 3, 0) } else { (month - 9, 1) };
    let year = year_of_era + era * 400 + carry;
    if !(1..=9999).contains(&year) {
        return Err(Refusal::Year);
    }
    push_digits(text, year, 4);
    text.push('-');
    push_digits(text, month, 2);
    text.push('-');
    push_digits(text, day, 2);
    Ok(())
}

fn push_time(text: &mut String, time: i64) {
    let (seconds, fraction) = (time.div_euclid(SECOND), time.rem_euclid(SECOND));
    push_digits(text, seconds / 3600, 2);
    text.push(':');
    push_digits(text, seconds / 60 % 60, 2);
    text.push(':');
    push_digits(text, seconds % 60, 2);
    if fraction != 0 {
        text.push('.');
        push_digits(text, fraction, 6);
    }
}

/// The last digits of a number, with zeros before it.
fn push_digits(text: &mut String, number: i64, width: u32) {
    for place in (0..width).rev() {
        let digit = (number / 10i64.pow(place)).rem_euclid(10);
        text.push(char::from(b'0' + digit as u8));
    }
}

pub fn hex(bytes: &[u8]) -> Result<String, OutOfMemory> {
    let mut text = String::new();
    buffer::append_hex(&mut text, bytes)?;
    Ok(text)
}

/// RFC 4648, padded.
fn base64(bytes: &[u8]) -> Result<String, OutOfMemory> {
    const ALPHABET: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let mut out = String::new();
    out.try_reserve_exact(bytes.len().div_ceil(3).checked_mul(4).ok_or(OutOfMemory)?)?;
    for chunk in bytes.chunks(3) {
        let bits = chunk.iter().fold(0u32, |bits, b| (bits << 8) | u32::from(*b)) << (8 * (3 - chunk.len()));
        for at in 0..4 {
            let sextet = (bits >> (18 - 6 * at)) as usize & 63;
            out.push(if at <= chunk.len() { char::from(ALPHABET[sextet]) } else { '=' });
        }
    }
    Ok(out)
}

#[cfg(test)]
mod tests;
