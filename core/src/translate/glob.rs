//! SQLite's GLOB -> an anchored POSIX regular expression.
//!
//! `*` is any text, `?` one character, `[…]` a class with ranges and `^`; there is no escape character.
//! Only literal patterns are translated. Case matters on both sides.

use super::node::{Node, Prec, Result, refuse, text};

/// Limits the pattern, since the time and memory to compile a regular expression grow with its length.
const MAX_PATTERN: usize = 1000;

pub(super) fn glob(value: &Node, pattern: &Node, not: bool) -> Result<Node> {
    if value.is_null() || pattern.is_null() {
        return Ok(Node::atom("NULL::boolean", crate::types::TypeClass::Bool));
    }
    let value = value.text()?;
    let Some(pattern) = pattern.text_literal() else {
        return refuse("GLOB with a computed pattern");
    };
    let regex = regex(pattern)?;
    let op = if not { "!~" } else { "~" };
    Ok(Node::boolean(format!("{} {op} {}", value.at(Prec::Unary), text(&regex).sql)).after(&[&value]))
}

/// The regular expression that matches what the pattern matches.
pub(super) fn regex(pattern: &str) -> Result<String> {
    if pattern.len() > MAX_PATTERN {
        return refuse(format!("the GLOB pattern is longer than {MAX_PATTERN} bytes"));
    }
    let inner = pattern.trim_start_matches('*');
    let open_start = inner.len() < pattern.len();
    let mut out = String::from(if open_start { "" } else { "^" });
    let mut chars = inner.chars().peekable();
    let mut open_end = open_start && inner.is_empty();
    while let Some(c) = chars.next() {
        match c {
            '*' => {
                while chars.next_if_eq(&'*').is_some() {}
                open_end = chars.peek().is_none();
                out.push_str(if open_end { "" } else { ".*" });
            }
            '?' => out.push('.'),
            '[' => class(&mut chars, &mut out)?,
            c => push_escaped(&mut out, c),
        }
    }
    out.push_str(if open_end { "" } else { "$" });
    Ok(out)
}

type Chars<'p> = std::iter::Peekable<std::str::Chars<'p>>;

/// What follows `[`.
fn class(chars: &mut Chars<'_>, out: &mut String) -> Result<()> {
    let invert = chars.next_if_eq(&'^').is_some();
    let members = members(chars)?;
    if members.is_empty() {
        return refuse("GLOB pattern with an empty class");
    }
    out.push_str(if invert { "[^" } else { "[" });
    out.push_str(&members);
    out.push(']');
    Ok(())
}

/// Reads up to the `]`, in the order of SQLite's matcher (func.c, patternCompare).
fn members(chars: &mut Chars<'_>) -> Result<String> {
    let mut members = String::new();
    let mut prior: Option<char> = None;
    // A leading ] is a member, but never the low end of a range.
    if chars.next_if_eq(&']').is_some() {
        push_escaped(&mut members, ']');
    }
    loop {
        let Some(c) = chars.next() else { return refuse("GLOB pattern with an open [") };
        match (c, prior, chars.peek().copied()) {
            (']', _, _) => return Ok(members),
            ('-', Some(low), Some(high)) if high != ']' => {
                chars.next();
                range(&mut members, low, high);
                prior = None;
            }
            _ => {
                push_escaped(&mut members, c);
                prior = Some(c);
            }
        }
    }
}

/// The low end has been written already; a reversed range contains no other character.
fn range(members: &mut String, low: char, high: char) {
    if low < high {
        members.push('-');
        push_escaped(members, high);
    }
}

fn push_escaped(out: &mut String, c: char) {
    if c.is_ascii_punctuation() && c != '_' {
        out.push('\\');
    }
    out.push(c);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn patterns() {
        for (pattern, expected) in [
            ("abc", "^abc$"),
            ("*", ""),
            ("", "^$"),
            ("a*", "^a"),
            ("*a", "a$"),
            ("*[^0-9]*", "[^0-9]"),
            ("a**b", "^a.*b$"),
            ("?.?", "^.\\..$"),
            ("[]a]", "^[\\]a]$"),
            ("[^]a]", "^[^\\]a]$"),
            ("[a-]", "^[a\\-]$"),
            ("[-a]", "^[\\-a]$"),
            ("[[:x:]]", "^[\\[\\:x\\:]\\]$"),
            ("[]-a]", "^[\\]\\-a]$"),
            ("[z-a]", "^[z]$"),
            ("[0-9][0-9]-[a-zA-Z]", "^[0-9][0-9]\\-[a-zA-Z]$"),
            ("a\\b$", "^a\\\\b\\$$"),
        ] {
            assert_eq!(regex(pattern).unwrap(), expected, "{pattern}");
        }
        assert!(regex("[a").is_err());
        assert!(regex("[").is_err());
        assert!(regex(&"a".repeat(2000)).is_err());
    }
}
