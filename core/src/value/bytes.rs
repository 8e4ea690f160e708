//! `bytea`: blobs as they are, texts as their bytes or decoded, numbers only where the format allows it.
#![deny(clippy::disallowed_methods)]

use super::buffer::OutOfMemory;
use super::{Cell, Decoded, Format, InvalidValue, text};
use std::borrow::Cow;

#[inline]
pub fn decode<'a>(cell: Cell<'a>, format: Option<Format>) -> Result<Decoded<'a>, InvalidValue> {
    let bytes = match cell {
        Cell::Null => return Ok(Decoded::Null),
        Cell::Blob(bytes) => Cow::Borrowed(bytes),
        Cell::Text(text) => match format {
            Some(Format::Hex) => Cow::Owned(hex(text)?.ok_or(NOT_HEX)?),
            Some(Format::Base64) => Cow::Owned(base64(text)?.ok_or(NOT_BASE64)?),
            _ => Cow::Borrowed(text),
        },
        number if format == Some(Format::Text) => Cow::Owned(text::number_text(number).into_bytes()),
        _ => return Err(InvalidValue::Unreadable("a number has no bytes")),
    };
    Ok(Decoded::Varlena(bytes))
}

const NOT_HEX: InvalidValue = InvalidValue::Unreadable("text is not hexadecimal");
const NOT_BASE64: InvalidValue = InvalidValue::Unreadable("text is not base64");

/// Pairs of hexadecimal digits in any case, nothing else.
fn hex(text: &[u8]) -> Result<Option<Vec<u8>>, OutOfMemory> {
    let digit = |b: u8| char::from(b).to_digit(16).map(|d| d as u8);
    let (pairs, rest) = text.as_chunks::<2>();
    if !rest.is_empty() {
        return Ok(None);
    }
    let mut out = Vec::new();
    out.try_reserve_exact(pairs.len())?;
    for [high, low] in pairs {
        let (Some(high), Some(low)) = (digit(*high), digit(*low)) else { return Ok(None) };
        out.push((high << 4) | low);
    }
    Ok(Some(out))
}

/// RFC 4648 base64, the standard or the URL alphabet, padded or not. Left-over bits must be zero, so that each value
/// has one text.
fn base64(text: &[u8]) -> Result<Option<Vec<u8>>, OutOfMemory> {
    let padding = text.iter().rev().take_while(|b| **b == b'=').count();
    if padding > 0 && (padding > 2 || !text.len().is_multiple_of(4)) {
        return Ok(None);
    }
    let data = &text[..text.len() - padding];
    let mut out = Vec::new();
    out.try_reserve_exact(data.len() / 4 * 3 + 2)?;
    let (mut bits, mut held) = (0u32, 0u32);
    for byte in data {
        let Some(sextet) = sextet(*byte) else { return Ok(None) };
        bits = (bits << 6) | sextet;
        held += 6;
        if held >= 8 {
            held -= 8;
            out.push((bits >> held) as u8);
            bits &= (1 << held) - 1;
        }
    }
    Ok((held < 6 && bits == 0).then_some(out))
}

fn sextet(byte: u8) -> Option<u32> {
    let value = match byte {
        b'A'..=b'Z' => byte - b'A',
        b'a'..=b'z' => byte - b'a' + 26,
        b'0'..=b'9' => byte - b'0' + 52,
        b'+' | b'-' => 62,
        b'/' | b'_' => 63,
        _ => return None,
    };
    Some(u32::from(value))
}

#[cfg(test)]
#[allow(clippy::disallowed_methods)]
mod tests {
    use super::*;

    fn bytes(cell: Cell<'_>, format: Option<Format>) -> Result<Vec<u8>, InvalidValue> {
        match decode(cell, format)? {
            Decoded::Varlena(bytes) => Ok(bytes.into_owned()),
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn blobs_and_texts_keep_their_bytes() {
        assert_eq!(bytes(Cell::Blob(b"\0\xFF"), None), Ok(vec![0, 255]));
        assert_eq!(bytes(Cell::Text(b"\0\xFF"), None), Ok(vec![0, 255]));
        assert!(bytes(Cell::Integer(1), None).is_err());
        assert_eq!(bytes(Cell::Integer(-7), Some(Format::Text)), Ok(b"-7".to_vec()));
        assert_eq!(bytes(Cell::Real(2.0), Some(Format::Text)), Ok(b"2.0".to_vec()));
    }

    #[test]
    fn encoded_texts_are_decoded_and_blobs_are_not() {
        assert_eq!(bytes(Cell::Text(b"00fF"), Some(Format::Hex)), Ok(vec![0, 255]));
        assert_eq!(bytes(Cell::Text(b"0"), Some(Format::Hex)), Err(NOT_HEX));
        assert_eq!(bytes(Cell::Text("0é".as_bytes()), Some(Format::Hex)), Err(NOT_HEX));
        assert_eq!(bytes(Cell::Blob(b"00"), Some(Format::Hex)), Ok(b"00".to_vec()));
        for (text, plain) in [("", ""), ("Zg==", "f"), ("Zm8=", "fo"), ("Zm9v", "foo"), ("Zm8", "fo")] {
            let decoded = bytes(Cell::Text(text.as_bytes()), Some(Format::Base64));
            assert_eq!(decoded, Ok(plain.as_bytes().to_vec()), "{text}");
        }
        for text in ["Z", "Zh==", "Zg=", "====", "Zm9v\n", "Z g="] {
            assert_eq!(bytes(Cell::Text(text.as_bytes()), Some(Format::Base64)), Err(NOT_BASE64), "{text}");
        }
    }
}
