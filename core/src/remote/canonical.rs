//! Values into and out of their canonical form (the table in [`crate::remote`]). Pure.

use std::borrow::Cow;

use super::compute::Fault;
use super::{ParameterForm, Type};
use crate::value::buffer::{self, Buffer, OutOfMemory};
use crate::value::datetime::{DAY, SECOND, UNIX_TO_PG};
use crate::value::encode::iso_date;
use crate::value::native::Native;
use crate::value::{Cell, CellBuf, Decoded, InvalidValue, PgType, text, uuid};

/// The type of a column whose cells have a canonical form.
pub fn type_of(pg_type: &PgType) -> Option<Type> {
    Some(match pg_type {
        PgType::Bool => Type::Bool,
        PgType::Int2 => Type::Int2,
        PgType::Int4 => Type::Int4,
        PgType::Int8 => Type::Int8,
        PgType::Float4 => Type::Float4,
        PgType::Float8 => Type::Float8,
        PgType::Text | PgType::Varchar(_) => Type::Text,
        PgType::Bytea => Type::Bytea,
        PgType::Uuid => Type::Uuid,
        PgType::Date => Type::Date,
        PgType::Time(_) => Type::Time,
        PgType::Timestamp(_) => Type::Timestamp,
        PgType::TimestampTz(_) => Type::TimestampTz,
        _ => return None,
    })
}

/// A real; NaN has no other form than its name, which SQLite sorts above every number.
pub fn real(value: f64) -> CellBuf<'static> {
    if value.is_nan() { CellBuf::Text(Cow::Borrowed("NaN")) } else { CellBuf::Real(value) }
}

/// The double of a canonical cell.
pub fn float(cell: Cell<'_>) -> Option<f64> {
    match cell {
        Cell::Real(real) => Some(real),
        Cell::Integer(i) => crate::value::number::exact_double(i),
        Cell::Text(b"NaN") => Some(f64::NAN),
        _ => None,
    }
}

pub fn uuid_text(bytes: [u8; 16]) -> String {
    ::uuid::Uuid::from_bytes(bytes).hyphenated().to_string()
}

const NOT_CANONICAL: InvalidValue = InvalidValue::Unreadable("value is not in its type's canonical form");

/// What a column's decoder made of a cell.
pub fn from_decoded<'a>(type_: Type, decoded: Decoded<'a>) -> Result<CellBuf<'a>, InvalidValue> {
    Ok(match decoded {
        Decoded::Null => CellBuf::Null,
        Decoded::Word(word) => match type_ {
            Type::Float4 => real(f64::from(f32::from_bits(word as u32))),
            Type::Float8 => real(f64::from_bits(word)),
            _ => CellBuf::Integer(word as i64),
        },
        Decoded::Uuid(bytes) => CellBuf::text(uuid_text(bytes)),
        Decoded::Varlena(bytes) if type_ == Type::Bytea => CellBuf::Blob(bytes),
        Decoded::Varlena(Cow::Borrowed(bytes)) => CellBuf::Text(Cow::Borrowed(text::check(bytes)?)),
        Decoded::Varlena(Cow::Owned(bytes)) => {
            CellBuf::text(String::from_utf8(bytes).map_err(|_| InvalidValue::InvalidUtf8)?)
        }
        Decoded::Input(_) => return Err(NOT_CANONICAL),
    })
}

/// A result of the remote query in the server's form.
pub fn decode<'a>(type_: Type, cell: Cell<'a>) -> Result<Decoded<'a>, InvalidValue> {
    let integer = |min: i64, max: i64| match cell {
        Cell::Integer(i) if (min..=max).contains(&i) => Ok(Decoded::Word(i as u64)),
        _ => Err(NOT_CANONICAL),
    };
    match (type_, cell) {
        (_, Cell::Null) => Ok(Decoded::Null),
        (Type::Bool, _) => integer(0, 1),
        (Type::Int2, _) => integer(i16::MIN.into(), i16::MAX.into()),
        (Type::Int4 | Type::Date, _) => integer(i32::MIN.into(), i32::MAX.into()),
        (Type::Int8 | Type::Time | Type::Timestamp | Type::TimestampTz, _) => integer(i64::MIN, i64::MAX),
        (Type::Float8, _) => float(cell).map(|f| Decoded::Word(f.to_bits())).ok_or(NOT_CANONICAL),
        (Type::Float4, _) => {
            float(cell).map(|f| Decoded::Word((f as f32).to_bits().into())).ok_or(NOT_CANONICAL)
        }
        (Type::Text, Cell::Text(_)) => text::decode(cell, &text::Rule::default()),
        (Type::Bytea, Cell::Blob(bytes)) => Ok(Decoded::Varlena(Cow::Borrowed(bytes))),
        (Type::Uuid, Cell::Text(text)) => uuid::parse(text).map(Decoded::Uuid).ok_or(NOT_CANONICAL),
        _ => Err(NOT_CANONICAL),
    }
}

/// A value in canonical form; `None` where its type has none.
pub fn encode<'a>(value: &'a Native<'_>) -> Option<CellBuf<'a>> {
    Some(match value {
        Native::Null => CellBuf::Null,
        Native::Bool(b) => CellBuf::Integer((*b).into()),
        Native::Integer(i) => CellBuf::Integer(*i),
        Native::Float(f) => real(*f),
        Native::Text(text) => CellBuf::Text(Cow::Borrowed(text)),
        Native::Bytes(bytes) => CellBuf::Blob(Cow::Borrowed(bytes)),
        Native::Uuid(bytes) => CellBuf::text(uuid_text(*bytes)),
        Native::Date(day) => CellBuf::Integer((*day).into()),
        Native::Time(t) | Native::Timestamp(t) | Native::TimestampTz(t) => CellBuf::Integer(*t),
        Native::Printed(_) => return None,
    })
}

/// What is bound for a parameter.
pub fn parameter<'a>(type_: Type, form: ParameterForm, value: &'a Native<'_>) -> Result<CellBuf<'a>, Fault> {
    let no_form = || Fault::new("XX000", format!("a value of type {type_:?} cannot be sent as {form:?}"));
    match form {
        ParameterForm::Canonical => encode(value).ok_or_else(no_form),
        ParameterForm::UnixSeconds => unix(value, SECOND).ok_or_else(no_form),
        ParameterForm::UnixMilliseconds => unix(value, 1000).ok_or_else(no_form),
        ParameterForm::UnixMicroseconds => unix(value, 1).ok_or_else(no_form),
        ParameterForm::IsoDayFrom => iso_day(value, -2).ok_or_else(no_form),
        ParameterForm::IsoDayTo => iso_day(value, 3).ok_or_else(no_form),
        ParameterForm::JsonArray => match value {
            Native::Null => Ok(CellBuf::Null),
            Native::Text(json) | Native::Printed(json) => Ok(CellBuf::Text(Cow::Borrowed(json))),
            _ => Err(no_form()),
        },
        // Only the column's encoder knows.
        ParameterForm::Refused => Err(no_form()),
        ParameterForm::Limit => row_count(value, -1, "2201W", "LIMIT"),
        ParameterForm::Offset => row_count(value, 0, "2201X", "OFFSET"),
    }
}

/// The instant in units of `unit` microseconds. Between two units it is the middle of them; the infinities are infinite
/// reals.
fn unix(value: &Native<'_>, unit: i64) -> Option<CellBuf<'static>> {
    let micros = match value {
        Native::Null => return Some(CellBuf::Null),
        Native::Timestamp(t) | Native::TimestampTz(t) => *t,
        _ => return None,
    };
    Some(match micros {
        i64::MIN => CellBuf::Real(f64::NEG_INFINITY),
        i64::MAX => CellBuf::Real(f64::INFINITY),
        _ => {
            let unix = i128::from(micros) - i128::from(UNIX_TO_PG);
            let (whole, rest) = (unix.div_euclid(unit.into()), unix.rem_euclid(unit.into()));
            match i64::try_from(whole) {
                Ok(whole) if rest == 0 => CellBuf::Integer(whole),
                // The last timestamps are further from 1970 than an integer counts microseconds.
                _ => CellBuf::Real(whole as f64 + if rest == 0 { 0.0 } else { 0.5 }),
            }
        }
    })
}

/// The date, `days` later, as text; outside of the years 1 to 9999, a text below or above all of those.
fn iso_day(value: &Native<'_>, days: i64) -> Option<CellBuf<'static>> {
    let day = match value {
        Native::Null => return Some(CellBuf::Null),
        Native::Date(day) => i64::from(*day),
        Native::Timestamp(t) | Native::TimestampTz(t) => t.div_euclid(DAY),
        _ => return None,
    };
    let written = i32::try_from(day + days).ok().and_then(|day| iso_date(day).ok());
    // Texts of a year begin with a digit, which lies between these.
    Some(CellBuf::text(written.unwrap_or_else(|| if day < 0 { "" } else { ":" }.to_owned())))
}

fn row_count(
    value: &Native<'_>,
    when_null: i64,
    sqlstate: &'static str,
    clause: &str,
) -> Result<CellBuf<'static>, Fault> {
    match value {
        Native::Null => Ok(CellBuf::Integer(when_null)),
        Native::Integer(count) => not_negative(*count, sqlstate, clause),
        _ => Err(Fault::new("XX000", format!("{clause} is not a bigint"))),
    }
}

/// A row count of LIMIT or OFFSET.
pub fn not_negative(count: i64, sqlstate: &'static str, clause: &str) -> Result<CellBuf<'static>, Fault> {
    if count < 0 {
        return Err(Fault::new(sqlstate, format!("{clause} must not be negative")));
    }
    Ok(CellBuf::Integer(count))
}

/// The elements of an array as the JSON array that the remote query takes apart: integers as numbers, text as
/// strings, doubles as strings of their shortest form, bytes as strings of hexadecimal digits. `None` where an
/// element's type has no canonical form.
pub fn json_array<'a>(elements: impl IntoIterator<Item = Native<'a>>) -> Result<Option<String>, OutOfMemory> {
    let mut json = buffer::text("[")?;
    for (at, element) in elements.into_iter().enumerate() {
        if at > 0 {
            buffer::append(&mut json, ",")?;
        }
        let Some(cell) = encode(&element) else { return Ok(None) };
        write_element(&mut json, &cell)?;
    }
    buffer::append(&mut json, "]")?;
    Ok(Some(json))
}

fn write_element(json: &mut String, cell: &CellBuf<'_>) -> Result<(), OutOfMemory> {
    match cell {
        CellBuf::Null => buffer::append(json, "null"),
        CellBuf::Integer(i) => buffer::append(json, &i.to_string()),
        CellBuf::Real(r) => buffer::append(json, &format!("\"{r:?}\"")),
        CellBuf::Text(text) => {
            let mut quoted = Buffer::new();
            serde_json::to_writer(&mut quoted, text).map_err(|_| OutOfMemory)?;
            buffer::append(json, quoted.as_str())
        }
        CellBuf::Blob(bytes) => {
            buffer::append(json, "\"")?;
            buffer::append_hex(json, bytes)?;
            buffer::append(json, "\"")
        }
    }
}

/// The shortest text that reads back as the same double.
pub fn float_text(value: f64) -> String {
    format!("{value:?}")
}

pub fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|b| format!("{b:02x}")).collect()
}
