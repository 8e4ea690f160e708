//! SQLite's own binary form of JSON (JSONB, <https://sqlite.org/jsonb.html>): is a blob one?
//!
//! Each element is a header and its content. The header's low four bits are the kind; the high ones the content's length
//! up to 11, or 12 to 15 for a length in the next 1, 2, 4 or 8 bytes, most significant first.

/// SQLite's `JSON_MAX_DEPTH`.
const MAX_DEPTH: u32 = 1000;

/// The whole blob is one element, with all that is in it. `json()` of SQLite makes text of it.
pub fn is_jsonb(blob: &[u8]) -> bool {
    element(blob, 0).is_some_and(|(_, rest)| rest.is_empty())
}

/// The kind of the first element, and what follows it.
fn element(bytes: &[u8], depth: u32) -> Option<(u8, &[u8])> {
    let (header, rest) = bytes.split_first().filter(|_| depth <= MAX_DEPTH)?;
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
    let only = |of: fn(&u8) -> bool| !content.is_empty() && content.iter().all(of);
    match kind {
        // null, true, false
        0..=2 => content.is_empty(),
        // Integers, also of JSON5
        3 => only(|b| b.is_ascii_digit() || *b == b'-'),
        4 => only(|b| b.is_ascii_hexdigit() || matches!(b, b'-' | b'+' | b'x' | b'X')),
        // Reals, also of JSON5
        5 | 6 => only(|b| b.is_ascii_digit() || matches!(b, b'-' | b'+' | b'.' | b'e' | b'E')),
        // Texts: plain, with the escapes of JSON or JSON5, and as they are
        7..=10 => std::str::from_utf8(content).is_ok(),
        11 => elements(content, depth).is_some(),
        12 => elements(content, depth).is_some_and(|kinds| {
            kinds.len() % 2 == 0 && kinds.iter().step_by(2).all(|key| (7..=10).contains(key))
        }),
        _ => false,
    }
}

/// The kinds of the elements of an array or an object.
fn elements(mut content: &[u8], depth: u32) -> Option<Vec<u8>> {
    let mut kinds = Vec::new();
    while !content.is_empty() {
        let (kind, rest) = element(content, depth + 1)?;
        kinds.push(kind);
        content = rest;
    }
    Some(kinds)
}

#[cfg(test)]
mod tests {
    use super::*;

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
        ] {
            assert!(is_jsonb(blob), "{blob:?}");
        }
    }

    #[test]
    fn other_blobs() {
        let deep: Vec<u8> =
            (0..3000u32).rev().flat_map(|n| [&[0xeb][..], &(n * 5).to_be_bytes()].concat()).collect();
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
            &deep,
        ] {
            assert!(!is_jsonb(blob), "{:?}", &blob[..blob.len().min(20)]);
        }
    }
}
