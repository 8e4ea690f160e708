//! Constants, and casts that leave a value in the file as it is.

use super::{Class, Node, Of, Result, constant_text, plain, refuse};

/// A cast that PostgreSQL prints. It must leave the value in the file as it is.
pub(super) fn cast(node: Node, name: &str) -> Result<Node> {
    let refused = || refuse(format!("a cast to {name} is not carried over"));
    let class = match (name, node.class, node.text.as_deref()) {
        (_, Class::Null, _) => Class::Null,
        // char(n) compares without the spaces at its end.
        ("character" | "bpchar", Class::Bytes, Some(text)) => {
            return Ok(constant_text(text.trim_end_matches(' ').into(), Of::Padded));
        }
        ("character" | "bpchar", Class::Text | Class::Bytes, None) if node.of == Of::Padded => node.class,
        ("text" | "character varying", Class::Text | Class::Bytes, _) if node.of == Of::Padded => {
            return Ok(Node { of: Of::Other, ..node });
        }
        ("text" | "character varying", Class::Text | Class::Bytes, _) => node.class,
        // Digits are the same on both sides.
        ("text", Class::Number, None) if node.of <= Of::BigInt => {
            return Ok(plain(format!("CAST({} AS TEXT)", node.sql), Class::Bytes));
        }
        // A label; another constant may be printed otherwise than it was written.
        ("text" | "character varying", Class::Named, None) => Class::Text,
        (_, Class::Number, _) => match number_of(name) {
            Some(of) if keeps_number(&node, of) => return Ok(Node { of, ..node }),
            _ => return refused(),
        },
        (_, Class::Bytes, Some(text)) if number_of(name).is_some() => {
            let number = number(text)?;
            return cast(number, name);
        }
        ("date", Class::Bytes, Some(text)) if is_date(text) => Class::Date,
        ("timestamp without time zone", Class::Bytes, Some(text)) if is_timestamp(text) => Class::Timestamp,
        ("boolean", Class::Boolean, _) => Class::Boolean,
        (other, Class::Bytes, Some(_)) if !BUILTIN.contains(&other) && !other.ends_with(']') => Class::Named,
        _ => return refused(),
    };
    Ok(Node { class, ..node })
}

pub(super) fn number_of(name: &str) -> Option<Of> {
    Some(match name {
        "smallint" => Of::SmallInt,
        "integer" => Of::Integer,
        "bigint" => Of::BigInt,
        "numeric" => Of::Numeric,
        "double precision" => Of::Double,
        _ => return None,
    })
}

/// No number is another one as one of `to`. A double becomes a numeric of 15 digits.
fn keeps_number(node: &Node, to: Of) -> bool {
    const WHOLE: i64 = 1 << 53;
    let value = node.text.as_deref().map(str::parse::<i64>);
    match (value, to) {
        (Some(Ok(value)), Of::SmallInt) => i16::try_from(value).is_ok(),
        (Some(Ok(value)), Of::Integer) => i32::try_from(value).is_ok(),
        (Some(Ok(value)), Of::Double) => (-WHOLE..=WHOLE).contains(&value),
        (None, Of::Double) => node.of != Of::BigInt,
        _ => node.of <= to,
    }
}

/// Types of the server's whose constants are not texts that can be compared as such.
pub(super) const BUILTIN: &[&str] = &[
    "boolean",
    "real",
    "date",
    "timestamp without time zone",
    "timestamp with time zone",
    "time without time zone",
    "time with time zone",
    "interval",
    "uuid",
    "json",
    "jsonb",
    "bytea",
    "money",
    "inet",
    "cidr",
    "bit",
    "bit varying",
    "xml",
    "regclass",
];

/// `2024-05-01`.
pub(super) fn is_date(text: &str) -> bool {
    shaped(text, "0000-00-00")
}

pub(super) fn is_timestamp(text: &str) -> bool {
    shaped(text, "0000-00-00 00:00:00")
}

fn shaped(text: &str, shape: &str) -> bool {
    text.len() == shape.len()
        && text.bytes().zip(shape.bytes()).all(|(b, s)| if s == b'0' { b.is_ascii_digit() } else { b == s })
}

pub(super) fn number(digits: &str) -> Result<Node> {
    if !is_decimal(digits) {
        return refuse("a number is not a finite decimal");
    }
    // As a double or as an integer it is the number that it is in PostgreSQL.
    let of = match digits.parse::<i64>() {
        Ok(value) if i32::try_from(value).is_ok() => Of::Integer,
        Ok(_) => Of::BigInt,
        Err(_) if digits.bytes().filter(u8::is_ascii_digit).count() > 15 => {
            return refuse("a number has more digits than a double");
        }
        Err(_) => Of::Numeric,
    };
    let text = Some(digits.to_owned());
    Ok(Node { constant: true, text, of, ..plain(digits.into(), Class::Number) })
}

/// `-?digits[.digits]`, which is printed into the file as it is.
pub(super) fn is_decimal(text: &str) -> bool {
    let (whole, fraction) = match text.strip_prefix('-').unwrap_or(text).split_once('.') {
        Some((whole, fraction)) => (whole, Some(fraction)),
        None => (text.strip_prefix('-').unwrap_or(text), None),
    };
    let digits = |part: &str| !part.is_empty() && part.bytes().all(|b| b.is_ascii_digit());
    digits(whole) && fraction.is_none_or(digits)
}
