//! pgvector's `vector` and `halfvec`: text for the type's input function, which reads a JSON array of numbers as it
//! is; or little-endian single-precision floats in a blob, as sqlite-vec, sqlite-vss and NumPy write them. These
//! become text too, or the value of a `vector` as pgvector stores it, which saves printing and reading every float.
#![deny(clippy::disallowed_methods)]

use super::buffer::{self, OutOfMemory};
use super::{Cell, Decoded, InvalidValue, json, text};
use std::borrow::Cow;
use std::fmt::Write;

const NOT_LIST: InvalidValue = InvalidValue::Unreadable("text is not a JSON array");
const NOT_FLOATS: InvalidValue = InvalidValue::Unreadable("blob is not a list of 4-byte floats");
const NO_VECTOR: InvalidValue = InvalidValue::Unreadable("there is no vector in it");
const NOT_FINITE: InvalidValue = InvalidValue::Unreadable("blob holds a float that is NaN or infinite");

/// Of a `vector` (`VECTOR_MAX_DIM` of pgvector's vector.h).
const MAX_DIMENSION: usize = 16_000;

/// The stored form of a column's values: two bytes of dimension, two that are 0, and the floats, all in the machine's
/// byte order (`Vector` of pgvector's vector.h). The server says whether its pgvector has this form.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Stored {
    /// That of the column; `None` if it takes any.
    pub dimension: Option<usize>,
}

impl Stored {
    /// The payload of the varlena. `None` where the column would refuse the vector: its input function knows the words.
    pub fn payload(self, floats: &[[u8; 4]]) -> Result<Option<Vec<u8>>, OutOfMemory> {
        let dimension = floats.len();
        let fits = (1..=MAX_DIMENSION).contains(&dimension)
            && self.dimension.is_none_or(|wanted| wanted == dimension)
            && floats.iter().all(|float| f32::from_le_bytes(*float).is_finite());
        let Some(dimension) = u16::try_from(dimension).ok().filter(|_| fits) else { return Ok(None) };
        let mut out = Vec::new();
        out.try_reserve_exact(4 + 4 * floats.len())?;
        out.extend(dimension.to_ne_bytes());
        out.extend([0; 2]);
        for float in floats {
            out.extend(f32::from_le_bytes(*float).to_ne_bytes());
        }
        Ok(Some(out))
    }
}

/// Whether a value that [`decode`] gave is text, by its first byte as it is passed: a text begins with `[`, and no
/// header of a varlena does, in either byte order (postgres.h: its lowest two bits, or its highest two, are 0).
pub fn is_text(first: u8) -> bool {
    first == b'['
}

pub fn decode<'a>(cell: Cell<'a>, stored: Option<Stored>) -> Result<Decoded<'a>, InvalidValue> {
    let text = match cell {
        Cell::Text([]) => return Err(InvalidValue::EmptyText),
        Cell::Text(bytes) => match text::check(bytes)?.trim_ascii_start() {
            list if list.starts_with('[') => Cow::Borrowed(list),
            _ => return Err(NOT_LIST),
        },
        // The bytes of floats are unlikely to be JSON by accident.
        Cell::Blob(bytes @ [b'[', .., b']']) if json::inspect(bytes).is_some() => {
            Cow::Borrowed(text::check(bytes)?)
        }
        Cell::Blob([]) => return Err(NO_VECTOR),
        Cell::Blob(bytes) => match bytes.as_chunks() {
            (floats, []) => match stored.map_or(Ok(None), |stored| stored.payload(floats))? {
                Some(payload) => return Ok(Decoded::Varlena(Cow::Owned(payload))),
                None => Cow::Owned(printed(floats)?),
            },
            _ => return Err(NOT_FLOATS),
        },
        _ => return Err(InvalidValue::Unreadable("a number is not a vector")),
    };
    Ok(Decoded::Input(text))
}

/// Each in the shortest form that reads back as the same float.
fn printed(floats: &[[u8; 4]]) -> Result<String, InvalidValue> {
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
    use crate::value::batch::varlena_header;

    fn blob(floats: &[f32]) -> Vec<u8> {
        floats.iter().flat_map(|f| f.to_le_bytes()).collect()
    }

    fn text(cell: Cell<'_>) -> Result<Cow<'_, str>, InvalidValue> {
        match decode(cell, None)? {
            Decoded::Input(text) => Ok(text),
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn floats_keep_every_bit() {
        let floats = [1.0, -0.0, 0.1, 1e-45, f32::MAX, 16_777_217.0];
        let bytes = blob(&floats);
        let text = text(Cell::Blob(&bytes)).unwrap();
        assert_eq!(text, "[1.0,-0.0,0.1,1e-45,3.4028235e38,16777216.0]");
        let read: Vec<u32> =
            text.trim_matches(['[', ']']).split(',').map(|f| f.parse::<f32>().unwrap().to_bits()).collect();
        assert_eq!(read, floats.map(f32::to_bits));
    }

    #[test]
    fn a_stored_vector_is_its_dimension_and_its_floats() {
        let floats = [1.5, -0.0, 1e-45, f32::MAX];
        let wanted: Vec<u8> = [4u16.to_ne_bytes(), [0; 2]]
            .concat()
            .into_iter()
            .chain(floats.iter().flat_map(|f| f.to_ne_bytes()))
            .collect();
        let bytes = blob(&floats);
        for dimension in [None, Some(4)] {
            let decoded = decode(Cell::Blob(&bytes), Some(Stored { dimension }));
            assert_eq!(decoded, Ok(Decoded::Varlena(Cow::Borrowed(&wanted))));
        }
    }

    #[test]
    fn what_the_column_refuses_is_told_as_text() {
        let (short, nan, long) = (blob(&[1.0, 2.0]), blob(&[1.0, f32::NAN, 2.0]), blob(&[0.5; 16_001]));
        let three = Some(Stored { dimension: Some(3) });
        for cell in [Cell::Text(b"[1,2,3]"), Cell::Blob(b"[1,2,3]"), Cell::Blob(&short), Cell::Blob(&nan)] {
            assert_eq!(decode(cell, three), decode(cell, None), "{cell:?}");
        }
        let any = Some(Stored { dimension: None });
        assert_eq!(decode(Cell::Blob(&long), any), decode(Cell::Blob(&long), None));
        assert!(matches!(decode(Cell::Blob(&long[4..]), any), Ok(Decoded::Varlena(_))));
    }

    #[test]
    fn no_header_of_a_varlena_begins_as_a_text_does() {
        for payload in (1..=MAX_DIMENSION).map(|dimension| 4 + 4 * dimension) {
            let [first, ..] = varlena_header(payload);
            assert!(!is_text(first), "{payload}");
        }
        for cell in [Cell::Text(b" \t[1]"), Cell::Blob(b"[1]"), Cell::Blob(&blob(&[1.0]))] {
            assert!(is_text(text(cell).unwrap().as_bytes()[0]), "{cell:?}");
        }
    }

    #[test]
    fn json_passes_as_it_is_and_nothing_else_is_guessed() {
        for (cell, list) in [
            (Cell::Text(b" [1, 2.5]"), "[1, 2.5]"),
            (Cell::Text(b"[1,"), "[1,"),
            (Cell::Blob(b"[1,2, 3]"), "[1,2, 3]"),
        ] {
            assert_eq!(text(cell).unwrap(), list);
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
            assert_eq!(text(cell), Err(invalid), "{cell:?}");
        }
    }
}
