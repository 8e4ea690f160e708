//! The words of an expression that PostgreSQL has printed.

use super::{Result, refuse};

#[derive(Debug, Clone, PartialEq, Eq)]
pub(in crate::export) enum Token {
    /// Not quoted.
    Word(String),
    /// Quoted.
    Name(String),
    Text(String),
    Number(String),
    Mark(String),
}

impl Token {
    pub(in crate::export) fn is(&self, mark: &str) -> bool {
        matches!(self, Token::Mark(text) | Token::Word(text) if text == mark)
    }
}

/// Longer expressions are refused.
const LONGEST: usize = 100_000;

pub(in crate::export) fn tokens(sql: &str) -> Result<Vec<Token>> {
    if sql.len() > LONGEST {
        return refuse("the expression is too long");
    }
    let mut out = vec![];
    let mut rest = sql.trim_start();
    while let Some(c) = rest.chars().next() {
        let (token, length) = match c {
            '\'' => quoted(rest, '\'').map(|(text, length)| (Token::Text(text), length))?,
            '"' => quoted(rest, '"').map(|(text, length)| (Token::Name(text), length))?,
            'E' if rest.starts_with("E'") => {
                let (text, length) = quoted(&rest[1..], '\'')?;
                (Token::Text(text.replace("\\\\", "\\")), length + 1)
            }
            c if c.is_ascii_digit() => {
                let length = number(rest);
                (Token::Number(rest[..length].into()), length)
            }
            c if c.is_alphabetic() || c == '_' => {
                let length =
                    rest.find(|c: char| !c.is_alphanumeric() && c != '_' && c != '$').unwrap_or(rest.len());
                (Token::Word(rest[..length].into()), length)
            }
            _ => {
                let length = mark(rest);
                (Token::Mark(rest[..length].into()), length)
            }
        };
        out.push(token);
        rest = rest[length..].trim_start();
    }
    Ok(out)
}

/// The text between two quotes, where a doubled one stands for itself, and the length with both.
fn quoted(text: &str, quote: char) -> Result<(String, usize)> {
    let mut out = String::new();
    let mut at = 1;
    loop {
        let Some(length) = text[at..].find(quote) else { return refuse("a quote is not closed") };
        out.push_str(&text[at..at + length]);
        at += length + 1;
        if !text[at..].starts_with(quote) {
            return Ok((out, at));
        }
        out.push(quote);
        at += 1;
    }
}

fn number(text: &str) -> usize {
    let bytes = text.as_bytes();
    let mut at = 0;
    while let Some(b) = bytes.get(at) {
        let sign_of_exponent =
            matches!(b, b'+' | b'-') && matches!(bytes.get(at.wrapping_sub(1)), Some(b'e' | b'E'));
        if !(b.is_ascii_digit() || matches!(b, b'.' | b'e' | b'E') || sign_of_exponent) {
            break;
        }
        at += 1;
    }
    at
}

/// `::`, an operator, or one character.
fn mark(text: &str) -> usize {
    if text.starts_with("::") {
        return 2;
    }
    let operator = text.find(|c| !"+-*/<>=~!@#%^&|`?".contains(c)).unwrap_or(text.len());
    operator.max(text.chars().next().map_or(1, char::len_utf8))
}
