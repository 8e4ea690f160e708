//! LIKE as PostgreSQL matches it under a deterministic collation in UTF-8: bytes, `_` a character, `\` escapes.
//! Whether a LIKE is shipped is decided by [`crate::remote::shippable`], from [`crate::remote::vocabulary`].

use super::{Fault, text};
use crate::value::{Cell, CellBuf};

pub fn matches<'a>(args: &[Cell<'a>]) -> Result<CellBuf<'a>, Fault> {
    let (subject, pattern) = (text::argument(args, 0)?, text::argument(args, 1)?);
    like(subject.as_bytes(), pattern.as_bytes()).map(|found| CellBuf::Integer(found.into()))
}

fn ends_with_escape() -> Fault {
    Fault::new("22025", "LIKE pattern must not end with escape character")
}

/// After `MatchText` of like_match.c, which recurses at every `%`. Once a later `%` is reached the earlier ones are
/// settled, so remembering the last one is the same, and errors come at the same places.
fn like(mut subject: &[u8], mut pattern: &[u8]) -> Result<bool, Fault> {
    // Where to go on after a mismatch: what follows the last `%`, and the text that it may begin with.
    let mut retry: Option<(&[u8], &[u8])> = None;
    loop {
        let step = match pattern {
            // The text is used up: no later start is any longer.
            [_, ..] if subject.is_empty() => return Ok(pattern.iter().all(|byte| *byte == b'%')),
            [b'%', ..] => {
                let Some((rest_of_pattern, rest)) = after_percent(pattern, subject) else { return Ok(false) };
                match rest_of_pattern {
                    [] => return Ok(true),
                    [b'\\'] => return Err(ends_with_escape()),
                    _ => {}
                }
                retry = Some((rest_of_pattern, rest));
                Some((rest_of_pattern, rest))
            }
            [b'_', rest @ ..] => Some((rest, next_character(subject))),
            [b'\\'] => return Err(ends_with_escape()),
            [b'\\', byte, rest @ ..] | [byte, rest @ ..] => {
                subject.split_first().filter(|(first, _)| *first == byte).map(|(_, tail)| (rest, tail))
            }
            [] if subject.is_empty() => return Ok(true),
            [] => None,
        };
        match (step, retry) {
            (Some((rest_of_pattern, rest)), _) => (pattern, subject) = (rest_of_pattern, rest),
            (None, Some((after, tried))) if !tried.is_empty() => {
                let rest = next_character(tried);
                retry = Some((after, rest));
                (pattern, subject) = (after, rest);
            }
            (None, _) => return Ok(false),
        }
    }
}

/// What follows a run of `%` and `_`, with the text that the `_` leave; `None` when the text is too short.
fn after_percent<'p, 's>(mut pattern: &'p [u8], mut subject: &'s [u8]) -> Option<(&'p [u8], &'s [u8])> {
    loop {
        match pattern {
            [b'%', rest @ ..] => pattern = rest,
            [b'_', ..] if subject.is_empty() => return None,
            [b'_', rest @ ..] => (pattern, subject) = (rest, next_character(subject)),
            _ => return Some((pattern, subject)),
        }
    }
}

fn next_character(text: &[u8]) -> &[u8] {
    let length = 1 + text.iter().skip(1).take_while(|b| (**b & 0xC0) == 0x80).count();
    text.get(length..).unwrap_or(&[])
}
