//! A JSON text -> SQLite's own binary form of it (JSONB, <https://sqlite.org/jsonb.html>), byte by byte as its function
//! `jsonb()` makes it.

use super::{Result, refuse};

/// SQLite's `JSON_MAX_DEPTH`.
const MAX_DEPTH: u32 = 1000;

const INTEGER: u8 = 3;
const REAL: u8 = 5;
const TEXT: u8 = 7;
/// With escapes, which stay as they are.
const ESCAPED: u8 = 8;
const ARRAY: u8 = 11;
const OBJECT: u8 = 12;

pub fn jsonb(json: &str) -> Result<Vec<u8>> {
    let mut out = Vec::new();
    // A header is no longer than what it stands for, but for those of long contents.
    out.try_reserve(json.len() + json.len() / 8 + 64)?;
    let mut reader = Reader { text: json.as_bytes(), at: 0 };
    reader.value(&mut out, 0)?;
    match reader.peek() {
        None => Ok(out),
        Some(_) => refuse("it is not one JSON document"),
    }
}

struct Reader<'a> {
    text: &'a [u8],
    at: usize,
}

impl Reader<'_> {
    /// The next byte but white space.
    fn peek(&mut self) -> Option<u8> {
        while self.text.get(self.at).is_some_and(u8::is_ascii_whitespace) {
            self.at += 1;
        }
        self.text.get(self.at).copied()
    }

    fn takes(&mut self, wanted: u8) -> bool {
        let found = self.peek() == Some(wanted);
        self.at += usize::from(found);
        found
    }

    fn value(&mut self, out: &mut Vec<u8>, depth: u32) -> Result<()> {
        match self.peek() {
            Some(b'{' | b'[') if depth >= MAX_DEPTH => refuse("SQLite's JSON is nested less deep"),
            Some(b'{') => self.list(out, depth, OBJECT),
            Some(b'[') => self.list(out, depth, ARRAY),
            Some(b'"') => self.string(out),
            Some(b'-' | b'0'..=b'9') => self.number(out),
            Some(b'n') => self.word(out, b"null", 0),
            Some(b't') => self.word(out, b"true", 1),
            Some(b'f') => self.word(out, b"false", 2),
            _ => refuse("it is not a JSON document"),
        }
    }

    fn word(&mut self, out: &mut Vec<u8>, word: &[u8], kind: u8) -> Result<()> {
        match self.text.get(self.at..self.at + word.len()) {
            Some(found) if found == word => {
                self.at += word.len();
                out.push(kind);
                Ok(())
            }
            _ => refuse("it is not a JSON document"),
        }
    }

    fn number(&mut self, out: &mut Vec<u8>) -> Result<()> {
        let rest = self.text.get(self.at..).unwrap_or_default();
        let is_part = |b: &u8| b.is_ascii_digit() || matches!(b, b'-' | b'+' | b'.' | b'e' | b'E');
        let length = rest.iter().position(|b| !is_part(b)).unwrap_or(rest.len());
        let digits = rest.get(..length).unwrap_or_default();
        let is_real = digits.iter().any(|b| matches!(b, b'.' | b'e' | b'E'));
        self.at += length;
        element(out, if is_real { REAL } else { INTEGER }, digits)
    }

    fn string(&mut self, out: &mut Vec<u8>) -> Result<()> {
        self.at += 1;
        let (start, mut kind) = (self.at, TEXT);
        loop {
            match self.text.get(self.at) {
                Some(b'"') => break,
                Some(b'\\') => (kind, self.at) = (ESCAPED, self.at + 2),
                Some(_) => self.at += 1,
                None => return refuse("it is not a JSON document"),
            }
        }
        let content = self.text.get(start..self.at).unwrap_or_default();
        self.at += 1;
        element(out, kind, content)
    }

    fn list(&mut self, out: &mut Vec<u8>, depth: u32, kind: u8) -> Result<()> {
        let (close, start) = (if kind == OBJECT { b'}' } else { b']' }, out.len());
        self.at += 1;
        out.push(kind);
        if !self.takes(close) {
            loop {
                if kind == OBJECT {
                    match self.peek() {
                        Some(b'"') => self.string(out)?,
                        _ => return refuse("it is not a JSON document"),
                    }
                    if !self.takes(b':') {
                        return refuse("it is not a JSON document");
                    }
                }
                self.value(out, depth + 1)?;
                if self.takes(close) {
                    break;
                }
                if !self.takes(b',') {
                    return refuse("it is not a JSON document");
                }
            }
        }
        // The header is known when the content is.
        let (head, length) = header(kind, out.len() - start - 1);
        out.try_reserve(length)?;
        out.splice(start..=start, head.into_iter().take(length));
        Ok(())
    }
}

fn element(out: &mut Vec<u8>, kind: u8, content: &[u8]) -> Result<()> {
    let (head, length) = header(kind, content.len());
    out.try_reserve(length + content.len())?;
    out.extend(head.into_iter().take(length));
    out.extend_from_slice(content);
    Ok(())
}

/// The header of a content of so many bytes, and how long it is.
fn header(kind: u8, size: usize) -> ([u8; 5], usize) {
    let [a, b, c, d] = u32::try_from(size).unwrap_or(u32::MAX).to_be_bytes();
    match size {
        0..=11 => ([(d << 4) | kind, 0, 0, 0, 0], 1),
        12..=0xff => ([0xc0 | kind, d, 0, 0, 0], 2),
        0x100..=0xffff => ([0xd0 | kind, c, d, 0, 0], 3),
        _ => ([0xe0 | kind, a, b, c, d], 5),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::value::jsonb::is_jsonb;

    #[test]
    fn documents_become_blobs() {
        for (json, blob) in [
            ("null", &[0x00][..]),
            (" true ", &[0x01]),
            ("{}", &[0x0c]),
            ("[1, -2.5e3]", &[0x9b, 0x13, b'1', 0x65, b'-', b'2', b'.', b'5', b'e', b'3']),
            (r#"{"a": [null, "x\n"]}"#, &[0x8c, 0x17, b'a', 0x5b, 0x00, 0x38, b'x', b'\\', b'n']),
        ] {
            assert_eq!(jsonb(json).unwrap(), blob, "{json}");
            assert!(is_jsonb(blob));
        }
        let long = format!("[\"{}\", {{\"k\": \"{}\"}}]", "é".repeat(200), "x".repeat(70_000));
        assert!(is_jsonb(&jsonb(&long).unwrap()));
        let deep = |depth: usize| format!("{}1{}", "[".repeat(depth), "]".repeat(depth));
        assert!(is_jsonb(&jsonb(&deep(1000)).unwrap()) && jsonb(&deep(1001)).is_err());
        for wrong in ["", "[1", "{\"a\" 1}", "{1: 2}", "1 2", "\"a", "nul", "[,]", "\"\\"] {
            assert!(jsonb(wrong).is_err(), "{wrong}");
        }
    }
}
