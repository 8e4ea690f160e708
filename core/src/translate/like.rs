//! SQLite's LIKE -> an exactly equal LIKE.
//!
//! SQLite folds ASCII letters only and has no default escape character. ILIKE folds by locale, and
//! LIKE's backslash escapes; so both sides are folded under collation "C", and the escape is switched
//! off. All forms are immutable.

use super::node::{Node, Prec, Result, refuse, text};

pub(super) fn like(value: &Node, pattern: &Node, escape: Option<&Node>, not: bool) -> Result<Node> {
    if value.is_null() || pattern.is_null() {
        return Ok(Node::atom("NULL::boolean", crate::types::TypeClass::Bool));
    }
    let (value, pattern) = (value.text()?, pattern.text()?);
    let escape = match escape {
        Some(e) => Some(escape_char(e, &pattern)?),
        None => None,
    };
    let letters = pattern.text_literal().is_none_or(|p| p.bytes().any(|b| b.is_ascii_alphabetic()));
    let (left, right) = match (letters, pattern.text_literal()) {
        (false, _) => (value.at(Prec::Unary), pattern.sql.clone()),
        (true, Some(p)) => (fold(&value), text(&p.to_ascii_lowercase()).sql),
        (true, None) => (fold(&value), fold(&pattern)),
    };
    let tail = match escape {
        Some(c) => format!(" ESCAPE {}", text(&c.to_string()).sql),
        None if pattern.text_literal().is_some_and(|p| !p.contains('\\')) => String::new(),
        None => " ESCAPE ''".to_string(),
    };
    let word = if not { "NOT LIKE" } else { "LIKE" };
    Ok(Node::boolean(format!("{left} {word} {right}{tail}")).after(&[&value, &pattern]))
}

/// Lower case for ASCII letters only, whatever the database's locale.
pub(super) fn fold(node: &Node) -> String {
    match node.text_literal() {
        Some(t) => text(&t.to_ascii_lowercase()).sql,
        None => format!("lower({})", c_collation(node)),
    }
}

pub(super) fn c_collation(node: &Node) -> String {
    let sql = node.operand();
    if sql.ends_with(" COLLATE \"C\"") { sql } else { format!("{sql} COLLATE \"C\"") }
}

/// A one-character ESCAPE, checked against the pattern: a letter would be folded away, and
/// PostgreSQL raises an error on a pattern that ends with its escape character.
fn escape_char(escape: &Node, pattern: &Node) -> Result<char> {
    let mut chars = escape.text_literal().unwrap_or("").chars();
    let (Some(c), None) = (chars.next(), chars.next()) else {
        return refuse("ESCAPE is not a single literal character");
    };
    let Some(p) = pattern.text_literal() else {
        return refuse("LIKE with ESCAPE and a computed pattern");
    };
    if c.is_ascii_alphabetic() || c == '%' || c == '_' {
        return refuse(format!("ESCAPE '{c}' has no equivalent"));
    }
    let mut rest = p.chars();
    while let Some(next) = rest.next() {
        if next == c && rest.next().is_none() {
            return refuse("the LIKE pattern ends with its escape character");
        }
    }
    Ok(c)
}
