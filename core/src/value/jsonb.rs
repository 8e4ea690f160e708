//! SQLite's own binary form of JSON (JSONB, <https://sqlite.org/jsonb.html>): is a blob one?
//!
//! Each element is a header and its content. The header's low four bits are the kind; the high ones the content's length
//! up to 11, or 12 to 15 for a length in the next 1, 2, 4 or 8 bytes, most significant first.

/// SQLite's `JSON_MAX_DEPTH`.
const MAX_DEPTH: u32 = 1000;

/// The whole blob is one element, with all that is in it, so that `json()` of SQLite makes text of it. As
/// `json_valid(x, 8)`, whose `jsonbValidityCheck()` is followed here.
pub fn is_jsonb(blob: &[u8]) -> bool {
    element(blob, 0).is_some_and(|(_, rest)| rest.is_empty())
}

/// The kind of the first element, and what follows it.
fn element(bytes: &[u8], depth: u32) -> Option<(u8, &[u8])> {
    let (header, rest) = bytes.split_first()?;
    let (kind, wide) = (header & 15, usize::from(header >> 4));
    let (length, rest) = match wide {
        0..=11 => (wide, rest),
        _ => {
            let (size, rest) = rest.split_at_checked(1 << (wide - 12))?;
            let length = size
                .iter()
                .try_fold(0usize, |n, byte| n.checked_mul(256)?.checked_add(usize::from(*byte)))?;
            (length, rest)
        }
    };
    let (content, rest) = rest.split_at_checked(length)?;
    is_content(kind, content, depth).then_some((kind, rest))
}

fn is_content(kind: u8, content: &[u8], depth: u32) -> bool {
    match kind {
        // null, true, false
        0..=2 => content.is_empty(),
        3 => is_digits(unsigned(content)),
        4 => is_hexadecimal(unsigned(content)),
        5 => is_real(unsigned(content), false),
        6 => is_real(unsigned(content), true),
        7..=10 => is_text(kind, content),
        11 | 12 => depth < MAX_DEPTH && is_list(content, depth, kind == 12),
        _ => false,
    }
}

fn unsigned(number: &[u8]) -> &[u8] {
    number.strip_prefix(b"-").unwrap_or(number)
}

fn is_digits(text: &[u8]) -> bool {
    !text.is_empty() && text.iter().all(u8::is_ascii_digit)
}

/// An integer of JSON5: `0x1F`
fn is_hexadecimal(text: &[u8]) -> bool {
    let digits = text.strip_prefix(b"0x").or_else(|| text.strip_prefix(b"0X"));
    digits.is_some_and(|digits| !digits.is_empty() && digits.iter().all(u8::is_ascii_hexdigit))
}

/// `1.5`, `2e-7`; of JSON5 also `.5` and `5.`
fn is_real(text: &[u8], json5: bool) -> bool {
    let (mantissa, exponent) = match text.iter().position(|b| matches!(b, b'e' | b'E')) {
        Some(e) => (text.get(..e).unwrap_or_default(), text.get(e + 1..)),
        None => (text, None),
    };
    let digits =
        |power: &[u8]| is_digits(power.strip_prefix(b"-").or(power.strip_prefix(b"+")).unwrap_or(power));
    let mut parts = mantissa.splitn(2, |b| *b == b'.');
    let (whole, fraction) = (parts.next().unwrap_or_default(), parts.next());
    let open = |part: &[u8]| json5 && part.is_empty();
    let mantissa_fits = match fraction {
        Some(fraction) => {
            (is_digits(whole) || open(whole) && is_digits(fraction))
                && (is_digits(fraction) || open(fraction))
        }
        None => is_digits(whole) && exponent.is_some(),
    };
    let leading_zero = !json5 && whole.len() > 1 && whole.starts_with(b"0");
    mantissa_fits && !leading_zero && exponent.is_none_or(digits)
}

/// A text as it is (10), or as it stands between the quotes: without escapes (7), with those of JSON (8), of JSON5 (9).
fn is_text(kind: u8, content: &[u8]) -> bool {
    let Ok(text) = std::str::from_utf8(content) else { return false };
    let mut rest = text.chars();
    while let Some(c) = rest.next().filter(|_| kind != 10) {
        let fits = match c {
            '\\' if kind == 7 => false,
            '\\' => match rest.next() {
                Some('"' | '\\' | '/' | 'b' | 'f' | 'n' | 'r' | 't') => true,
                Some('u') => has_hex_digits(&mut rest, 4),
                Some('x') => kind == 9 && has_hex_digits(&mut rest, 2),
                Some('\'' | 'v' | '0' | '\n' | '\r' | '\u{2028}' | '\u{2029}') => kind == 9,
                _ => false,
            },
            '"' | '\0'..='\u{1f}' => kind == 9,
            _ => true,
        };
        if !fits {
            return false;
        }
    }
    true
}

fn has_hex_digits(rest: &mut std::str::Chars<'_>, count: usize) -> bool {
    rest.take(count).filter(char::is_ascii_hexdigit).count() == count
}

/// The elements of an array, or the names and values of an object.
fn is_list(mut content: &[u8], depth: u32, object: bool) -> bool {
    let mut is_value = true;
    while !content.is_empty() {
        let Some((kind, rest)) = element(content, depth + 1) else { return false };
        is_value = !is_value;
        if object && !is_value && !(7..=10).contains(&kind) {
            return false;
        }
        content = rest;
    }
    !object || is_value
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Arrays in arrays.
    fn nested(depth: u32) -> Vec<u8> {
        (0..depth).rev().flat_map(|n| [&[0xeb][..], &(n * 5).to_be_bytes()].concat()).collect()
    }

    #[test]
    fn blobs_that_sqlite_s_jsonb_makes() {
        let long = [&[0xe7, 0, 0, 0, 20][..], &[b'x'; 20]].concat();
        for blob in [
            &[0x00][..],
            &[0x01],
            &[0x0b],
            &[0x0c],
            &[0x13, b'7'],
            &[0x35, b'1', b'.', b'5'],
            // {"a":1}, [[null],"x"]
            &[0x4c, 0x17, b'a', 0x13, b'1'],
            &[0x4b, 0x1b, 0x00, 0x17, b'x'],
            &[0xc7, 1, b'a'],
            &long,
            b"\x54-0x1F",
            b"\x555.5e3",
            b"\x55-5e-1",
            b"\x26.5",
            b"\x265.",
            b"\x28\\n",
            b"\x68\\u00e9",
            b"\x49\\x41",
            b"\x39\\'\"",
            b"\x3aa\"b",
            &nested(1000),
        ] {
            assert!(is_jsonb(blob), "{blob:?}");
        }
    }

    #[test]
    fn other_blobs() {
        for blob in [
            &[][..],
            &[0x00, 0x00],
            &[0x10],
            &[0x13],
            &[0x13, b'a'],
            &[0x1d, 0],
            &[0x27, 0xff, 0xfe],
            &[0x3c, 0x13, b'1', 0x00],
            &[0x2c, 0x17, b'a'],
            &[0xf7, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, b'x'],
            b"{\"a\":1}",
            b"\x89PNG\r\n\x1a\n",
            // Of a blob that says it is JSON, json() would make malformed text, or 0.
            b"\x13-",
            b"\x33--5",
            b"\x24ff",
            b"\x24+5",
            b"\x245.",
            b"\x25.5",
            b"\x255.",
            b"\x4501.5",
            b"\x35+.5",
            b"\x3515e",
            b"\x451..5",
            b"\x451e+x",
            b"\x37a\"b",
            b"\x37a\nb",
            b"\x27\\n",
            b"\x28\\x",
            b"\x58\\u00e",
            b"\x38a\"b",
            &nested(1001),
            &nested(3000),
        ] {
            assert!(!is_jsonb(blob), "{:?}", &blob[..blob.len().min(20)]);
        }
    }
}
