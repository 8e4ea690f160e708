//! UUIDs: the texts that PostgreSQL reads, `urn:uuid:` before one, or 16 bytes in network order.

use super::{Cell, InvalidValue};

const NOT_UUID: InvalidValue = InvalidValue::Unreadable("value is not a UUID");

#[inline]
pub fn decode(cell: Cell<'_>) -> Result<[u8; 16], InvalidValue> {
    match cell {
        Cell::Blob(bytes) => bytes.try_into().map_err(|_| NOT_UUID),
        Cell::Text([]) => Err(InvalidValue::EmptyText),
        Cell::Text(text) => parse(text).ok_or(NOT_UUID),
        _ => Err(NOT_UUID),
    }
}

/// What a text may begin with before its first digit.
pub const PREFIXES: [&str; 3] = ["", "{", "urn:uuid:"];

/// 32 hexadecimal digits in any case, with dashes between groups of four, in braces or not, as `string_to_uuid` of
/// PostgreSQL reads them; or such a text after `urn:uuid:`.
pub fn parse(text: &[u8]) -> Option<[u8; 16]> {
    let digits = match text {
        [b'{', within @ .., b'}'] => within,
        text => text.strip_prefix(b"urn:uuid:").unwrap_or(text),
    };
    let (mut bytes, mut rest) = ([0; 16], digits);
    for (i, byte) in bytes.iter_mut().enumerate() {
        let [high, low, after @ ..] = rest else { return None };
        *byte = digit(*high)? << 4 | digit(*low)?;
        rest = match after {
            [b'-', after @ ..] if i % 2 == 1 && i < 15 => after,
            after => after,
        };
    }
    rest.is_empty().then_some(bytes)
}

fn digit(byte: u8) -> Option<u8> {
    char::from(byte).to_digit(16).map(|digit| digit as u8)
}

/// Whether the version and variant bits are those of RFC 9562, so that the value is unlikely to be a hash.
pub fn is_rfc(bytes: &[u8; 16]) -> bool {
    (1..=8).contains(&(bytes[6] >> 4)) && (bytes[8] >> 6) == 0b10
}

#[cfg(test)]
mod tests {
    use super::*;

    const BYTES: [u8; 16] =
        [0x55, 0x0e, 0x84, 0x00, 0xe2, 0x9b, 0x41, 0xd4, 0xa7, 0x16, 0x44, 0x66, 0x55, 0x44, 0x00, 0x00];

    #[test]
    fn every_spelling_is_one_uuid() {
        for cell in [
            Cell::Text(b"550e8400-e29b-41d4-a716-446655440000"),
            Cell::Text(b"550E8400E29B41D4A716446655440000"),
            Cell::Text(b"{550E8400-e29b-41d4-a716-446655440000}"),
            Cell::Text(b"{550e8400e29b41d4a716446655440000}"),
            Cell::Text(b"550e-8400-e29b-41d4-a716-4466-5544-0000"),
            Cell::Text(b"550e8400-e29b41d4-a716446655440000"),
            Cell::Text(b"urn:uuid:550e8400-e29b-41d4-a716-446655440000"),
            Cell::Blob(&BYTES),
        ] {
            assert_eq!(decode(cell), Ok(BYTES), "{cell:?}");
        }
        assert!(is_rfc(&BYTES));
        assert!(!is_rfc(&[0; 16]));
    }

    #[test]
    fn other_spellings_do_not_fit() {
        for text in [
            "550e8400-e29b-41d4-a716-44665544000g",
            "x",
            "{}",
            "{550e8400-e29b-41d4-a716-4466554400}",
            "{550e8400-e29b-41d4-a716-446655440000",
            "550e8400-e29b-41d4-a716-446655440000}",
            "550e8400--e29b-41d4-a716-446655440000",
            "550e8400-e29b-41d4-a716-446655440000-",
            "55-0e8400-e29b-41d4-a716-446655440000",
            " 550e8400-e29b-41d4-a716-446655440000",
            "urn:uuid:{550e8400-e29b-41d4-a716-446655440000}",
        ] {
            assert_eq!(decode(Cell::Text(text.as_bytes())), Err(NOT_UUID), "{text}");
        }
        assert_eq!(decode(Cell::Blob(b"short")), Err(NOT_UUID));
        assert_eq!(decode(Cell::Integer(1)), Err(NOT_UUID));
    }
}
