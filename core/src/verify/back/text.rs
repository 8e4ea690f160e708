//! Texts, and what is written in them: bytes, UUIDs, words.

use super::Normalisation;
use crate::value::Cell;
use crate::value::encoding::{Nul, TextEncoding, TextReading};

/// What the plan reads instead of a stored text: in another encoding if it is not UTF-8, and without NUL.
pub fn recoded(bytes: &[u8], reading: TextReading) -> Option<(Vec<u8>, Normalisation)> {
    let other = match std::str::from_utf8(bytes) {
        Ok(_) => None,
        Err(_) => reading.encoding.and_then(|encoding| in_encoding(bytes, encoding)),
    };
    let strips = reading.nul == Nul::Strip && bytes.contains(&0);
    let kind = if other.is_some() { Normalisation::Recoded } else { Normalisation::NulStripped };
    let mut text = other.map(String::into_bytes).or_else(|| strips.then(|| bytes.to_vec()))?;
    if strips {
        text.retain(|byte| *byte != 0);
    }
    Some((text, kind))
}

fn in_encoding(bytes: &[u8], encoding: TextEncoding) -> Option<String> {
    match encoding {
        TextEncoding::Latin1 => Some(bytes.iter().map(|byte| char::from(*byte)).collect()),
        TextEncoding::Other(encoding) => {
            let (text, wrong) = encoding.decode_without_bom_handling(bytes);
            (!wrong).then(|| text.into_owned())
        }
    }
}

/// A real with all the digits that it needs, as SQLite would print it: always with a point or an exponent.
pub fn of_real(real: f64) -> String {
    if real.is_infinite() {
        return if real > 0.0 { "Inf" } else { "-Inf" }.to_owned();
    }
    let shortest = format!("{real:e}");
    let Some((digits, exponent)) = shortest.split_once('e') else { return shortest };
    let digits = if digits.contains('.') { digits.to_owned() } else { format!("{digits}.0") };
    match exponent.parse::<i32>() {
        Ok(power @ -4..=14) => {
            let plain = format!("{real}");
            if power >= 0 && !plain.contains('.') { plain + ".0" } else { plain }
        }
        Ok(power) => format!("{digits}e{}{:02}", if power < 0 { '-' } else { '+' }, power.abs()),
        Err(_) => shortest,
    }
}

pub fn truth(text: &[u8]) -> Option<bool> {
    let word = std::str::from_utf8(text).ok()?.to_ascii_lowercase();
    match word.as_str() {
        "1" | "t" | "true" | "y" | "yes" | "on" => Some(true),
        "0" | "f" | "false" | "n" | "no" | "off" => Some(false),
        _ => None,
    }
}

/// 16 bytes, or 32 digits with dashes after groups of four, in braces, or after `urn:uuid:`.
pub fn uuid(cell: Cell<'_>) -> Option<[u8; 16]> {
    let text = match cell {
        Cell::Blob(bytes) => return bytes.try_into().ok(),
        Cell::Text(bytes) => std::str::from_utf8(bytes).ok()?,
        _ => return None,
    };
    let braced = text.strip_prefix('{').and_then(|rest| rest.strip_suffix('}'));
    let spelled = braced.or_else(|| text.strip_prefix("urn:uuid:")).unwrap_or(text);
    let mut digits = String::new();
    let mut dashed = true;
    for letter in spelled.chars() {
        let after_group = digits.len().is_multiple_of(4) && !dashed && digits.len() < 32;
        dashed = letter == '-';
        match letter {
            '-' if after_group => {}
            digit if digit.is_ascii_hexdigit() => digits.push(digit),
            _ => return None,
        }
    }
    (!dashed).then(|| hex(digits.as_bytes()))??.try_into().ok()
}

pub fn hex(digits: &[u8]) -> Option<Vec<u8>> {
    let digit = |byte: u8| char::from(byte).to_digit(16);
    let pair = |pair: &[u8]| match pair {
        [high, low] => u8::try_from(digit(*high)? * 16 + digit(*low)?).ok(),
        _ => None,
    };
    digits.chunks(2).map(pair).collect()
}

/// RFC 4648, with either alphabet; without padding, or with the right one.
pub fn base64(text: &[u8]) -> Option<Vec<u8>> {
    let padding = text.iter().rev().take_while(|byte| **byte == b'=').count();
    if padding > 2 || padding > 0 && !text.len().is_multiple_of(4) {
        return None;
    }
    let sextet = |byte: &u8| match byte {
        b'A'..=b'Z' => Some(byte - b'A'),
        b'a'..=b'z' => Some(byte - b'a' + 26),
        b'0'..=b'9' => Some(byte - b'0' + 52),
        b'+' | b'-' => Some(62),
        b'/' | b'_' => Some(63),
        _ => None,
    };
    let sextets: Vec<u8> = text.get(..text.len() - padding)?.iter().map(sextet).collect::<Option<_>>()?;
    let mut out = vec![];
    for group in sextets.chunks(4) {
        let bits =
            group.iter().fold(0u32, |bits, sextet| bits << 6 | u32::from(*sextet)) << (6 * (4 - group.len()));
        let [_, bytes @ ..] = bits.to_be_bytes();
        let (kept, rest) = bytes.split_at(group.len() - 1);
        // A single character holds no byte; what is left over has to be zero.
        if group.len() < 2 || rest.iter().any(|byte| *byte != 0) {
            return None;
        }
        out.extend(kept);
    }
    Some(out)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bytes_in_texts() {
        assert_eq!(hex(b"00fF"), Some(vec![0, 255]));
        assert_eq!(hex(b"0"), None);
        for (text, bytes) in
            [("", ""), ("YQ==", "a"), ("YQ", "a"), ("YWI=", "ab"), ("YWJj", "abc"), ("YWJjZA", "abcd")]
        {
            assert_eq!(base64(text.as_bytes()).as_deref(), Some(bytes.as_bytes()), "{text}");
        }
        assert_eq!(base64(b"-_-_"), Some(vec![0xfb, 0xff, 0xbf]));
        for text in ["Y", "YR==", "YQ=", "Y Q="] {
            assert_eq!(base64(text.as_bytes()), None, "{text}");
        }
    }

    #[test]
    fn a_uuid_in_every_spelling() {
        let bytes = uuid(Cell::Text(b"550e8400-e29b-41d4-a716-446655440000"));
        assert!(bytes.is_some());
        for text in [
            "550E8400E29B41D4A716446655440000",
            "{550e8400-e29b-41d4-a716-446655440000}",
            "urn:uuid:550e8400e29b41d4a716446655440000",
        ] {
            assert_eq!(uuid(Cell::Text(text.as_bytes())), bytes, "{text}");
        }
        for text in [
            "",
            "550e8400-e29b-41d4-a716-44665544000",
            "550e8400--e29b41d4a716446655440000",
            "-550e8400e29b41d4a716446655440000",
            "550e8400e29b41d4a716446655440000-",
        ] {
            assert_eq!(uuid(Cell::Text(text.as_bytes())), None, "{text}");
        }
    }

    #[test]
    fn a_real_reads_back_as_one() {
        for (real, text) in [
            (1.0, "1.0"),
            (0.1, "0.1"),
            (1e20, "1.0e+20"),
            (1.5e-7, "1.5e-07"),
            (1e14, "100000000000000.0"),
            (1e15, "1.0e+15"),
            (f64::NEG_INFINITY, "-Inf"),
        ] {
            assert_eq!(of_real(real), text);
        }
    }
}
