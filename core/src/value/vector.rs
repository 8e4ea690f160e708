//! pgvector's `vector` and `halfvec`: text for the type's input function, which reads a JSON array of numbers as it
//! is; or little-endian single-precision floats in a blob, as sqlite-vec, sqlite-vss and NumPy write them.
#![deny(clippy::disallowed_methods)]

use super::buffer::{self, OutOfMemory};
use super::{Cell, InvalidValue, json, text};
use std::borrow::Cow;
use std::fmt::Write;

const NOT_LIST: InvalidValue = InvalidValue::Unreadable("text is not a JSON array");
const NOT_FLOATS: InvalidValue = InvalidValue::Unreadable("blob is not a list of 4-byte floats");
const NO_VECTOR: InvalidValue = InvalidValue::Unreadable("there is no vector in it");
const NOT_FINITE: InvalidValue = InvalidValue::Unreadable("blob holds a float that is NaN or infinite");

pub fn decode<'a>(cell: Cell<'a>) -> Result<Cow<'a, str>, InvalidValue> {
    match cell {
        Cell::Text([]) => Err(InvalidValue::EmptyText),
        Cell::Text(bytes) => match text::check(bytes)? {
            list if list.trim_ascii_start().starts_with('[') => Ok(Cow::Borrowed(list)),
            _ => Err(NOT_LIST),
        },
        // The bytes of floats are unlikely to be JSON by accident.
        Cell::Blob(bytes @ [b'[', .., b']']) if json::inspect(bytes).is_some() => {
            text::check(bytes).map(Cow::Borrowed)
        }
        Cell::Blob([]) => Err(NO_VECTOR),
        Cell::Blob(bytes) => floats(bytes).map(Cow::Owned),
        _ => Err(InvalidValue::Unreadable("a number is not a vector")),
    }
}

/// Each in the shortest form that reads back as the same float.
fn floats(bytes: &[u8]) -> Result<String, InvalidValue> {
    let (floats, rest) = bytes.as_chunks::<4>();
    if !rest.is_empty() {
        return Err(NOT_FLOATS);
    }
    let mut out = String::new();
    for (at, bytes) in floats.iter().enumerate() {
        let float = f32::from_le_bytes(*bytes);
        if !float.is_finite() {
            return Err(NOT_FINITE);
        }
        // Sign, nine digits, point, exponent and a comma.
        out.try_reserve(32).map_err(OutOfMemory::from)?;
        out.push(if at == 0 { '[' } else { ',' });
        let _ = write!(out, "{float:?}");
    }
    buffer::append(&mut out, "]")?;
    Ok(out)
}

/// The same as the literal of an array of `real`, which also takes what is not finite.
pub fn array(bytes: &[u8]) -> Result<String, InvalidValue> {
    let (floats, rest) = bytes.as_chunks::<4>();
    if bytes.is_empty() {
        return Err(NO_VECTOR);
    }
    if !rest.is_empty() {
        return Err(NOT_FLOATS);
    }
    let mut out = String::new();
    for (at, bytes) in floats.iter().enumerate() {
        out.try_reserve(32).map_err(OutOfMemory::from)?;
        out.push(if at == 0 { '{' } else { ',' });
        let _ = match f32::from_le_bytes(*bytes) {
            float if float.is_infinite() => {
                write!(out, "{}", if float > 0.0 { "Infinity" } else { "-Infinity" })
            }
            float => write!(out, "{float:?}"),
        };
    }
    buffer::append(&mut out, "}")?;
    Ok(out)
}

#[cfg(test)]
#[allow(clippy::disallowed_methods)]
mod tests {
    use super::*;

    fn blob(floats: &[f32]) -> Vec<u8> {
        floats.iter().flat_map(|f| f.to_le_bytes()).collect()
    }

    #[test]
    fn floats_keep_every_bit() {
        let floats = [1.0, -0.0, 0.1, 1e-45, f32::MAX, 16_777_217.0];
        let bytes = blob(&floats);
        let text = decode(Cell::Blob(&bytes)).unwrap();
        assert_eq!(text, "[1.0,-0.0,0.1,1e-45,3.4028235e38,16777216.0]");
        let read: Vec<u32> =
            text.trim_matches(['[', ']']).split(',').map(|f| f.parse::<f32>().unwrap().to_bits()).collect();
        assert_eq!(read, floats.map(f32::to_bits));
    }

    #[test]
    fn json_passes_as_it_is_and_nothing_else_is_guessed() {
        for cell in [Cell::Text(b" [1, 2.5]"), Cell::Text(b"[1,"), Cell::Blob(b"[1,2, 3]")] {
            let (Cell::Text(bytes) | Cell::Blob(bytes)) = cell else { unreachable!() };
            assert_eq!(decode(cell).unwrap().as_bytes(), bytes);
        }
        let (nan, infinite) = (blob(&[1.0, f32::NAN]), blob(&[f32::INFINITY]));
        for (cell, invalid) in [
            (Cell::Blob(b""), NO_VECTOR),
            (Cell::Blob(b"12345"), NOT_FLOATS),
            (Cell::Blob(&nan), NOT_FINITE),
            (Cell::Blob(&infinite), NOT_FINITE),
            (Cell::Text(b"1,2"), NOT_LIST),
            (Cell::Text(b""), InvalidValue::EmptyText),
            (Cell::Text(b"[1,\0]"), InvalidValue::NulInText),
            (Cell::Integer(1), InvalidValue::Unreadable("a number is not a vector")),
        ] {
            assert_eq!(decode(cell), Err(invalid), "{cell:?}");
        }
    }
}
