//! Functions of text, in characters of UTF-8. SQLite's own count a NUL as the end and read negative positions
//! from the end.
#![deny(clippy::disallowed_methods)]

use std::borrow::Cow;

use super::Fault;
use crate::value::buffer::{self, OutOfMemory};
use crate::value::text::check;
use crate::value::{Cell, CellBuf};

type Answer<'a> = Result<CellBuf<'a>, Fault>;

/// A text that PostgreSQL could hold.
pub fn argument<'a>(args: &[Cell<'a>], at: usize) -> Result<&'a str, Fault> {
    let Some(Cell::Text(bytes)) = args.get(at) else { return Err(Fault::misuse()) };
    check(bytes).map_err(|invalid| Fault::new("22021", invalid.to_string()))
}

/// An `integer`.
fn number(args: &[Cell<'_>], at: usize) -> Result<i64, Fault> {
    match args.get(at) {
        Some(Cell::Integer(i)) => Ok(*i),
        _ => Err(Fault::misuse()),
    }
}

fn answer(text: &str) -> Answer<'_> {
    Ok(CellBuf::Text(Cow::Borrowed(text)))
}

fn characters(text: &str) -> i64 {
    crate::value::text::characters(text.as_bytes()) as i64
}

/// The text from character `from` (from 0) on, and at most `count` of them.
fn slice(text: &str, from: i64, count: i64) -> &str {
    let tail = skip(text, from);
    &tail[..tail.len() - skip(tail, count).len()]
}

fn skip(text: &str, count: i64) -> &str {
    let count = usize::try_from(count).unwrap_or(0);
    let at = if text.is_ascii() { Some(count) } else { text.char_indices().nth(count).map(|(at, _)| at) };
    at.and_then(|at| text.get(at..)).unwrap_or("")
}

pub fn is_text<'a>(args: &[Cell<'a>]) -> Answer<'a> {
    let holds = matches!(args.first(), Some(Cell::Text(bytes)) if check(bytes).is_ok());
    Ok(CellBuf::Integer(holds.into()))
}

pub fn length<'a>(args: &[Cell<'a>]) -> Answer<'a> {
    Ok(CellBuf::Integer(characters(argument(args, 0)?)))
}

/// Positions count from 1; what lies before it counts against the length (`text_substring`).
pub fn substr<'a>(args: &[Cell<'a>]) -> Answer<'a> {
    let (text, start) = (argument(args, 0)?, number(args, 1)?);
    let from = start.max(1);
    if args.len() < 3 {
        return answer(skip(text, from - 1));
    }
    let length = number(args, 2)?;
    if length < 0 {
        return Err(Fault::new("22011", "negative substring length not allowed"));
    }
    answer(slice(text, from - 1, start.saturating_add(length).saturating_sub(from).max(0)))
}

/// All but the last |n| characters when `n` is negative.
pub fn left<'a>(args: &[Cell<'a>]) -> Answer<'a> {
    let (text, n) = (argument(args, 0)?, number(args, 1)?);
    let n = if n < 0 { characters(text) + n } else { n };
    answer(slice(text, 0, n.max(0)))
}

/// All but the first |n| characters when `n` is negative.
pub fn right<'a>(args: &[Cell<'a>]) -> Answer<'a> {
    let (text, n) = (argument(args, 0)?, number(args, 1)?);
    // The smallest integer too; releases before 15.20 negated it in 32 bits and skipped nothing.
    let skipped = if n < 0 { n.saturating_neg() } else { characters(text) - n };
    answer(skip(text, skipped.max(0)))
}

pub fn strpos<'a>(args: &[Cell<'a>]) -> Answer<'a> {
    let (text, wanted) = (argument(args, 0)?, argument(args, 1)?);
    let found = text.find(wanted).map_or(0, |at| characters(&text[..at]) + 1);
    Ok(CellBuf::Integer(found))
}

pub fn starts_with<'a>(args: &[Cell<'a>]) -> Answer<'a> {
    Ok(CellBuf::Integer(argument(args, 0)?.starts_with(argument(args, 1)?).into()))
}

pub fn reverse<'a>(args: &[Cell<'a>]) -> Answer<'a> {
    let text = argument(args, 0)?;
    let mut reversed = String::new();
    reversed.try_reserve_exact(text.len()).map_err(OutOfMemory::from)?;
    reversed.extend(text.chars().rev());
    Ok(CellBuf::text(reversed))
}

/// An empty text is found nowhere (`replace_text`).
pub fn replace<'a>(args: &[Cell<'a>]) -> Answer<'a> {
    /// Bytes that a text of the server's may have.
    const LONGEST: usize = (1 << 30) - 1;
    let (text, from, to) = (argument(args, 0)?, argument(args, 1)?, argument(args, 2)?);
    if from.is_empty() {
        return answer(text);
    }
    let found = text.matches(from).count();
    let length =
        found.checked_mul(to.len()).and_then(|added| (text.len() - found * from.len()).checked_add(added));
    let length = length.filter(|length| *length <= LONGEST);
    let length = length.ok_or_else(|| Fault::new("54000", "result of replace() is too long"))?;
    let mut out = String::new();
    out.try_reserve_exact(length).map_err(OutOfMemory::from)?;
    for (at, part) in text.split(from).enumerate() {
        if at > 0 {
            buffer::append(&mut out, to)?;
        }
        buffer::append(&mut out, part)?;
    }
    Ok(CellBuf::text(out))
}
