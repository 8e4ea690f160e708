//! The values in the blobs of vec0's shadow tables.

use std::fmt::Write;

/// Of a metadata column: one bit, the lowest first.
pub fn boolean(chunk: &[u8], slot: usize) -> Option<bool> {
    Some(chunk.get(slot / 8)? >> (slot % 8) & 1 == 1)
}

pub fn integer(bytes: &[u8]) -> Option<i64> {
    <[u8; 8]>::try_from(bytes).ok().map(i64::from_le_bytes)
}

pub fn real(bytes: &[u8]) -> Option<f64> {
    <[u8; 8]>::try_from(bytes).ok().map(f64::from_le_bytes)
}

/// A text of a metadata column.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Text<'a> {
    /// It stands in the slot.
    Whole(&'a [u8]),
    /// It is in a table of its own, and has these bytes.
    Long(usize),
}

/// The slot has the text's length, and twelve bytes of it.
pub fn text(slot: &[u8]) -> Option<Text<'_>> {
    const WITHIN: usize = 12;
    let slot: &[u8; 4 + WITHIN] = slot.try_into().ok()?;
    let length = usize::try_from(i32::from_le_bytes(*slot.first_chunk()?)).ok()?;
    if length > WITHIN {
        return Some(Text::Long(length));
    }
    slot.get(4..4 + length).map(Text::Whole)
}

/// A vector of 8-bit integers as one of floats, four bytes each.
pub fn floats_of_int8(bytes: &[u8]) -> Option<Vec<u8>> {
    let mut out = Vec::new();
    out.try_reserve_exact(bytes.len().checked_mul(4)?).ok()?;
    bytes.iter().for_each(|byte| out.extend(f32::from(i8::from_le_bytes([*byte])).to_le_bytes()));
    Some(out)
}

/// A vector of bits as PostgreSQL writes it: the first bit is the lowest of the first byte.
pub fn bits(bytes: &[u8]) -> Option<String> {
    let mut out = String::new();
    out.try_reserve_exact(bytes.len().checked_mul(8)?).ok()?;
    for byte in bytes {
        let _ = write!(out, "{:08b}", byte.reverse_bits());
    }
    Some(out)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bits_come_lowest_first() {
        assert_eq!(bits(&[0b0000_0001, 0b1000_0000]).as_deref(), Some("1000000000000001"));
        assert_eq!(
            (boolean(&[0, 2], 9), boolean(&[0, 2], 8), boolean(&[0], 8)),
            (Some(true), Some(false), None)
        );
    }

    #[test]
    fn a_text_is_in_the_slot_or_elsewhere() {
        let slot = |length: i32, text: &[u8; 12]| [&length.to_le_bytes()[..], text].concat();
        assert_eq!(text(&slot(12, b"abcdefghijkl")), Some(Text::Whole(b"abcdefghijkl")));
        assert_eq!(text(&slot(0, b"abcdefghijkl")), Some(Text::Whole(b"")));
        assert_eq!(text(&slot(13, b"abcdefghijkl")), Some(Text::Long(13)));
        assert_eq!((text(&slot(-1, b"abcdefghijkl")), text(b"abc")), (None, None));
    }

    #[test]
    fn numbers_are_little_endian() {
        assert_eq!((integer(&[1, 0, 0, 0, 0, 0, 0, 0]), integer(b"1")), (Some(1), None));
        assert_eq!(real(&1.5f64.to_le_bytes()), Some(1.5));
        assert_eq!(floats_of_int8(&[255]), Some((-1f32).to_le_bytes().to_vec()));
    }
}
