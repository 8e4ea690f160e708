//! DEFAULTs: constants, the clock where its form is the column's, random UUIDs.

use super::cast::{BUILTIN, is_date, is_decimal, is_timestamp, number_of};
use super::tokens::{Token, tokens};
use super::{Of, Parser, Result, refuse};
use crate::export::columns::OutColumn;
use crate::export::spelling::Spelling;
use crate::export::types::{Family, Form, counts};
use crate::sqltext::sqlite_literal;
use crate::value::Format;

/// A UUID of version 4 in the form that PostgreSQL prints.
const RANDOM_UUID: &str = "(lower(hex(randomblob(4)) || '-' || hex(randomblob(2)) || '-4' || substr(hex(randomblob(2)), 2) || '-' || substr('89AB', 1 + abs(random() % 4), 1) || substr(hex(randomblob(2)), 2) || '-' || hex(randomblob(6))))";

/// The DEFAULT of a column; `Ok(None)` for NULL. A sequence is not asked about here.
pub fn default(sql: &str, column: &OutColumn<'_>) -> Result<Option<String>> {
    let tokens = tokens(sql)?;
    let words: Vec<&str> = tokens
        .iter()
        .filter_map(|token| match token {
            Token::Word(word) | Token::Mark(word) => Some(word.as_str()),
            _ => None,
        })
        .collect();
    match words.as_slice() {
        ["CURRENT_TIMESTAMP"] | ["now" | "transaction_timestamp", "(", ")"]
            if tokens.len() == words.len() =>
        {
            return clock(column).map(Some);
        }
        ["gen_random_uuid", "(", ")"]
            if column.rule.family == Family::Uuid
                && column.form == Form::Value
                && column.spelling.is_none() =>
        {
            return Ok(Some(RANDOM_UUID.into()));
        }
        _ => {}
    }
    let mut parser = Parser::new(tokens, &[], None);
    let Some(constant) = constant(&mut parser, column)? else { return Ok(None) };
    if parser.peek().is_some() {
        return refuse("the expression is no constant");
    }
    stored(constant, column).map(Some)
}

enum Constant {
    Number(String),
    Text(String),
    Flag(bool),
}

/// A constant with its casts, in parentheses or not.
fn constant(parser: &mut Parser<'_>, column: &OutColumn<'_>) -> Result<Option<Constant>> {
    let nested = parser.take("(");
    let negative = parser.take("-");
    let token = parser.peek().cloned();
    parser.at += 1;
    let found = match token {
        Some(Token::Number(digits)) => {
            Some(Constant::Number(if negative { format!("-{digits}") } else { digits }))
        }
        Some(Token::Text(text)) if !negative => Some(Constant::Text(text)),
        Some(Token::Word(word)) if !negative => match word.to_ascii_lowercase().as_str() {
            "true" => Some(Constant::Flag(true)),
            "false" => Some(Constant::Flag(false)),
            "null" => None,
            _ => return refuse(format!("{word} is no constant")),
        },
        _ => return refuse("the expression is no constant"),
    };
    let mut to = vec![];
    casts(parser, &mut to)?;
    if nested {
        parser.need(")")?;
        casts(parser, &mut to)?;
    }
    if let Some(found) = &found {
        unchanged(found, &to, column)?;
    }
    Ok(found)
}

/// The types that a constant is cast to.
fn casts(parser: &mut Parser<'_>, into: &mut Vec<String>) -> Result<()> {
    while parser.take("::") {
        into.push(parser.type_name()?);
    }
    Ok(())
}

/// The casts leave the constant as it is written.
fn unchanged(constant: &Constant, casts: &[String], column: &OutColumn<'_>) -> Result<()> {
    let text = match constant {
        Constant::Number(text) | Constant::Text(text) => text,
        Constant::Flag(_) => return Ok(()),
    };
    let is_text =
        matches!(column.rule.family, Family::Text | Family::Varchar | Family::Char | Family::Citext);
    for name in casts {
        let number = number_of(name);
        if number.is_some_and(|of| of <= Of::BigInt) && text.parse::<i64>().is_err() {
            return refuse(format!("a cast to {name} is not carried over"));
        }
        if is_text && (number.is_some() || BUILTIN.contains(&name.as_str()) || name.ends_with(']')) {
            return refuse("a constant of another type is printed otherwise than it is written");
        }
    }
    Ok(())
}

/// The constant as the column stores it.
fn stored(constant: Constant, column: &OutColumn<'_>) -> Result<String> {
    let text = match constant {
        Constant::Flag(flag) if column.rule.family == Family::Boolean => {
            return Ok(if flag { "1" } else { "0" }.into());
        }
        Constant::Flag(_) => return refuse("a truth value is no value of the column"),
        Constant::Number(text) | Constant::Text(text) => text,
    };
    let literal = sqlite_literal(&text);
    match column.rule.family {
        Family::Boolean => match text.as_str() {
            "true" | "t" => Ok("1".into()),
            "false" | "f" => Ok("0".into()),
            _ => refuse("a text is no truth value"),
        },
        Family::SmallInt | Family::Integer | Family::BigInt
            if is_decimal(&text) && text.parse::<i64>().is_ok() =>
        {
            Ok(text)
        }
        Family::Float | Family::ShortNumeric | Family::RealNumeric if is_short(&text) => Ok(text),
        Family::LongNumeric | Family::Money if is_short(&text) => Ok(literal),
        Family::Text | Family::Varchar | Family::Citext => Ok(literal),
        Family::Char => Ok(sqlite_literal(text.trim_end_matches(' '))),
        Family::Date if column.format.is_none() && is_date(&text) => Ok(literal),
        Family::Timestamp if column.format.is_none() && column.spelling.is_none() && is_timestamp(&text) => {
            Ok(literal)
        }
        Family::Uuid if text.len() == 36 && column.form == Form::Value && column.spelling.is_none() => {
            Ok(literal)
        }
        Family::Bytea if column.format.is_none() && column.form == Form::Value => {
            match text.strip_prefix("\\x") {
                Some(digits) if digits.len() % 2 == 0 && digits.bytes().all(|b| b.is_ascii_hexdigit()) => {
                    Ok(format!("x'{digits}'"))
                }
                _ => refuse("bytes are not written in hexadecimal digits"),
            }
        }
        Family::Interval if let Some((_, Spelling::Interval(span))) = &column.spelling => {
            match span.respell(&text) {
                Some(text) => Ok(sqlite_literal(&text)),
                None => refuse("the column's spelling does not hold it"),
            }
        }
        _ if column.form == Form::Printed => Ok(literal),
        _ => refuse(format!("a constant of type {} has another form in SQLite", column.source.type_name)),
    }
}

/// A number of as many digits as a double keeps.
fn is_short(text: &str) -> bool {
    is_decimal(text) && text.bytes().filter(u8::is_ascii_digit).count() <= 15
}

/// The current time as a `timestamptz` is spelled.
pub const NOW: &str = "strftime('%Y-%m-%d %H:%M:%f000+00:00', 'now')";

/// The clock, in the form of the column's other values.
fn clock(column: &OutColumn<'_>) -> Result<String> {
    if column.rule.family != Family::TimestampTz {
        return refuse("SQLite's clock is in UTC, and the session's time zone is not known to it");
    }
    if column.spelling.is_some() {
        return refuse("SQLite's clock has another spelling than the column");
    }
    match column.format {
        None | Some(Format::Iso8601) => Ok(format!("({NOW})")),
        Some(Format::UnixEpoch) => Ok("(unixepoch())".into()),
        Some(Format::UnixEpochMs) => Ok("(CAST(round(unixepoch('subsec') * 1000) AS INTEGER))".into()),
        Some(Format::JulianDay) => Ok("(julianday())".into()),
        format if counts(format) => refuse("SQLite's clock does not count in the column's format"),
        _ => refuse("SQLite's clock has another form"),
    }
}
