//! Literals: SQLite's spelling -> a value; a value -> a typed PostgreSQL literal.
//!
//! A literal that is compared with a column is converted as a stored value of the column is: text that is a number
//! becomes a number for a number column, ISO text or an epoch number becomes a time for a time column.

use super::Size;
use super::node::{Kind, Lit, Node, Prec, Result, class_name, integer, refuse, text};
use crate::sqltext;
use crate::types::TypeClass;
use crate::value::{Format, Timezone};

/// A numeric token: digits, fraction, exponent, `0x…`, `_` between digits.
pub(super) fn numeric_token(token: &str) -> Result<Node> {
    let digits: String = token.chars().filter(|c| *c != '_').collect();
    if let Some(hex) = digits.strip_prefix("0x").or_else(|| digits.strip_prefix("0X")) {
        // Hexadecimal wraps to negative at 64 bits, as SQLite documents.
        return match u64::from_str_radix(hex, 16) {
            Ok(n) => Ok(integer(n.cast_signed())),
            Err(_) => refuse(format!("hexadecimal literal {token} is too big")),
        };
    }
    match number(&digits) {
        Some(node) => Ok(node),
        None => refuse(format!("number {token} is out of range")),
    }
}

/// Text that is wholly a number, as numeric affinity converts it; `None` when it stays text.
pub(super) fn number(value: &str) -> Option<Node> {
    let trimmed = value.trim_matches([' ', '\t', '\n', '\x0b', '\x0c', '\r']);
    let plain = trimmed.bytes().all(|b| matches!(b, b'0'..=b'9' | b'+' | b'-' | b'.' | b'e' | b'E'));
    if !plain || trimmed.is_empty() {
        return None;
    }
    if let Ok(n) = trimmed.parse::<i64>() {
        return Some(integer(n));
    }
    let x = trimmed.parse::<f64>().ok().filter(|x| x.is_finite())?;
    let digits = as_held(x, trimmed.trim_start_matches('+'));
    let prec = if digits.starts_with('-') { Prec::Unary } else { Prec::Atom };
    let kind = Kind::Literal(Lit::Real(x, digits.clone()));
    Some(Node::new(digits, TypeClass::Float, prec).kind(kind).sized(Size::constant(x), 64))
}

/// The number that SQLite holds. Digits beyond those of a double would make it another one where PostgreSQL computes exactly.
fn as_held(x: f64, digits: &str) -> String {
    let significant = digits.split(['e', 'E']).next().unwrap_or(digits).trim_start_matches(['-', '0', '.']);
    // The smallest integer is a minus before this.
    let smallest = digits.trim_start_matches('-') == "9223372036854775808";
    match significant.bytes().filter(u8::is_ascii_digit).count() {
        0..=15 => digits.to_owned(),
        _ if smallest => digits.to_owned(),
        _ => format!("{x:?}"),
    }
}

/// `'it''s'` -> `it's`; also for `"…"`, `` `…` `` and `[…]`.
pub(super) fn unquote(token: &str) -> String {
    let mut chars = token.chars();
    match chars.next() {
        Some(q @ ('\'' | '"' | '`')) => {
            let body = chars.as_str();
            let body = body.strip_suffix(q).unwrap_or(body);
            body.replace(&format!("{q}{q}"), &q.to_string())
        }
        Some('[') => chars.as_str().trim_end_matches(']').to_string(),
        _ => token.to_string(),
    }
}

/// The digits between the quotes of `x'…'`.
pub(super) fn blob_token(digits: &str) -> Result<Node> {
    let nibbles: Option<Vec<u32>> = digits.chars().map(|c| c.to_digit(16)).collect();
    let Some(nibbles) = nibbles.filter(|n| n.len() % 2 == 0) else { return refuse("malformed blob literal") };
    let byte = |pair: &[u32]| u8::try_from(pair.iter().fold(0, |n, d| n * 16 + d)).ok();
    Ok(blob(nibbles.chunks(2).filter_map(byte).collect()))
}

pub(super) fn blob(bytes: Vec<u8>) -> Node {
    Node::atom(bytea(&bytes), TypeClass::Bytea).kind(Kind::Literal(Lit::Blob(bytes)))
}

/// A form that means the same bytes under every `standard_conforming_strings` and `bytea_output`.
fn bytea(bytes: &[u8]) -> String {
    let hex: String = bytes.iter().map(|b| format!("{b:02x}")).collect();
    format!("{}::bytea", sqltext::literal(&format!("\\x{hex}")))
}

/// A literal as it would be stored in a column of this class; the caller handles NULL.
pub(super) fn stored(
    lit: &Lit,
    class: TypeClass,
    format: Option<Format>,
    timezone: &Timezone,
) -> Result<Node> {
    use TypeClass::*;
    match (class, lit) {
        (Bool, _) => match truth_word(lit) {
            Some(b) => Ok(super::node::boolean(b)),
            None => invalid(lit, class),
        },
        (Integer, Lit::Integer(n)) => Ok(integer(*n)),
        (Integer, Lit::Real(x, _)) if whole(*x).is_some() => Ok(integer(whole(*x).unwrap_or(0))),
        (Float | Numeric, Lit::Integer(n)) => Ok(integer(*n)),
        (Float | Numeric, Lit::Real(_, digits)) => Ok(number(digits).unwrap_or_else(|| text(digits))),
        (Integer | Float | Numeric, Lit::Text(t)) => match number(t) {
            Some(Node { kind: Kind::Literal(n), .. }) => stored(&n, class, format, timezone),
            _ => invalid(lit, class),
        },
        (Text, Lit::Text(t)) => Ok(text(t)),
        (Text, Lit::Integer(n)) => Ok(text(&n.to_string())),
        (Text, Lit::Real(x, digits)) if sqlite_spelling(*x, digits) => Ok(text(digits)),
        (Bytea, Lit::Blob(b)) => Ok(blob(b.clone())),
        (Bytea, Lit::Text(t)) if !matches!(format, Some(Format::Hex | Format::Base64)) => {
            Ok(blob(t.clone().into_bytes()))
        }
        (Uuid, _) => uuid(lit),
        (Json | Jsonb, _) => json(lit, class),
        (Date | Time | Timestamp | TimestampTz, _) => super::temporal::literal(lit, class, format, timezone),
        (Interval, Lit::Integer(0)) => Ok(Node::atom("'0'::interval", Interval)),
        _ => invalid(lit, class),
    }
}

pub(super) fn invalid<T>(lit: &Lit, class: TypeClass) -> Result<T> {
    let shown = match lit {
        Lit::Null => "NULL".to_string(),
        Lit::Integer(n) => n.to_string(),
        Lit::Real(_, digits) => digits.clone(),
        Lit::Text(t) => format!("'{}'", t.chars().take(40).collect::<String>()),
        Lit::Blob(_) => "a blob".to_string(),
    };
    match class {
        TypeClass::Other => refuse(format!("values of the column's type are not known here: {shown}")),
        _ => refuse(format!("{shown} is no {} value", class_name(class))),
    }
}

/// 0 and 1, and the words that ORMs store for them.
pub(super) fn truth_word(lit: &Lit) -> Option<bool> {
    match lit {
        Lit::Integer(0) => Some(false),
        Lit::Integer(1) => Some(true),
        Lit::Real(x, _) if *x == 0.0 => Some(false),
        Lit::Real(x, _) if *x == 1.0 => Some(true),
        Lit::Text(t) => match t.to_ascii_lowercase().as_str() {
            "0" | "f" | "false" | "n" | "no" | "off" => Some(false),
            "1" | "t" | "true" | "y" | "yes" | "on" => Some(true),
            _ => None,
        },
        _ => None,
    }
}

/// A real without a fraction that a bigint holds exactly.
pub(super) fn whole(x: f64) -> Option<i64> {
    #[expect(clippy::cast_possible_truncation, reason = "the range is checked first")]
    (x.fract() == 0.0 && x.abs() < 9.0e15).then_some(x as i64)
}

/// SQLite prints a REAL with up to 15 digits and always a point; only such spellings are kept.
pub(super) fn sqlite_spelling(x: f64, digits: &str) -> bool {
    let plain = !digits.contains(['e', 'E']) && digits.len() <= 15 && x.abs() >= 1e-4 || x == 0.0;
    plain && format!("{x:?}") == digits
}

fn uuid(lit: &Lit) -> Result<Node> {
    let parsed = match lit {
        Lit::Text(t) => uuid::Uuid::try_parse(t).ok(),
        Lit::Blob(b) => uuid::Uuid::from_slice(b).ok(),
        _ => None,
    };
    match parsed {
        Some(u) => Ok(Node::atom(format!("'{u}'::uuid"), TypeClass::Uuid)),
        None => invalid(lit, TypeClass::Uuid),
    }
}

fn json(lit: &Lit, class: TypeClass) -> Result<Node> {
    let value = match lit {
        Lit::Text(t) => t.clone(),
        Lit::Integer(n) => n.to_string(),
        Lit::Real(_, digits) => digits.clone(),
        _ => return invalid(lit, class),
    };
    let valid = serde_json::from_str::<serde::de::IgnoredAny>(&value).is_ok();
    // jsonb cannot contain U+0000.
    if !valid || value.contains("\\u0000") {
        return invalid(lit, class);
    }
    Ok(Node::atom(format!("{}::{}", sqltext::literal(&value), class_name(class)), class))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_as_sqlite_reads_them() {
        for (token, sql) in [
            ("1", "1"),
            ("0x1F", "31"),
            ("0xFFFFFFFFFFFFFFFF", "-1"),
            ("1.5", "1.5"),
            (".5", ".5"),
            ("1_000", "1000"),
            ("1e3", "1e3"),
            ("9223372036854775807", "9223372036854775807"),
            ("9223372036854775808", "9223372036854775808"),
        ] {
            assert_eq!(numeric_token(token).unwrap().sql, sql, "{token}");
        }
        assert_eq!(numeric_token("9223372036854775808").unwrap().class, TypeClass::Float);
        assert!(numeric_token("0x1FFFFFFFFFFFFFFFF").is_err());
        assert!(numeric_token("1e999").is_err());
        for no in ["", " ", "abc", "1a", "inf", "nan", "--1", "0x10", "e5"] {
            assert!(number(no).is_none(), "{no}");
        }
        assert_eq!(number(" -7 ").unwrap().integer(), Some(-7));
    }

    #[test]
    fn quotes_come_off() {
        for (token, plain) in
            [("'it''s'", "it's"), ("\"a\"\"b\"", "a\"b"), ("`a``b`", "a`b"), ("[a b]", "a b"), ("''", "")]
        {
            assert_eq!(unquote(token), plain);
        }
    }

    #[test]
    fn stored_literals() {
        let t = |s: &str| Lit::Text(s.into());
        for (lit, class, sql) in [
            (Lit::Integer(0), TypeClass::Bool, "false"),
            (t("T"), TypeClass::Bool, "true"),
            (t("0"), TypeClass::Integer, "0"),
            (Lit::Real(1.0, "1.0".into()), TypeClass::Integer, "1"),
            (Lit::Real(1.0, "1.0".into()), TypeClass::Text, "'1.0'"),
            (Lit::Integer(7), TypeClass::Text, "'7'"),
            (Lit::Blob(vec![0, 255]), TypeClass::Bytea, "E'\\\\x00ff'::bytea"),
            (t("ab"), TypeClass::Bytea, "E'\\\\x6162'::bytea"),
            (t("{}"), TypeClass::Jsonb, "'{}'::jsonb"),
            (
                t("550E8400E29B41D4A716446655440000"),
                TypeClass::Uuid,
                "'550e8400-e29b-41d4-a716-446655440000'::uuid",
            ),
        ] {
            assert_eq!(stored(&lit, class, None, &Timezone::UTC).unwrap().sql, sql, "{lit:?}");
        }
        for (lit, class) in [
            (Lit::Integer(2), TypeClass::Bool),
            (t(""), TypeClass::Integer),
            (Lit::Real(1.5, "1.5".into()), TypeClass::Integer),
            (t(""), TypeClass::Jsonb),
            (t("x"), TypeClass::Uuid),
            (Lit::Real(1e3, "1e3".into()), TypeClass::Text),
        ] {
            assert!(stored(&lit, class, None, &Timezone::UTC).is_err(), "{lit:?} {class:?}");
        }
    }
}
