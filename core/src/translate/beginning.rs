//! Texts as numbers: SQLite takes a text in a computation for the number that it begins with, or 0.
//!
//! Pure text: assumes that what it is given is an operand of type text.

use super::helper;
use super::literal;
use super::node::{Kind, Lit, Node, integer};
use super::size::Size;
use crate::sqltext;
use crate::types::TypeClass;

const SPACE: &str = "[ \\t\\n\\v\\f\\r]*";
const NUMBER: &str = "(?:[0-9]+[.]?[0-9]*|[.][0-9]+)(?:[eE][+-]?[0-9]+)?";

/// The number that a text begins with, as numeric.
pub(super) fn number_of(text: &str) -> String {
    helper::call("text_number", &[text])
}

/// Whether the whole text is a number, which numeric affinity makes of it then.
pub(super) fn is_number(text: &str) -> String {
    let pattern = sqltext::literal(&format!("^{SPACE}[+-]?{NUMBER}{SPACE}$"));
    format!("{text} ~ {pattern}")
}

/// The number that a text is taken for.
pub(super) fn beginning(node: &Node) -> Option<Node> {
    match &node.kind {
        Kind::Literal(Lit::Text(t)) => Some(of_literal(t)),
        Kind::Plain | Kind::Column { .. } | Kind::Document(_) | Kind::Hex(_)
            if node.class == TypeClass::Text =>
        {
            let number = number_of(&node.text().ok()?.sql);
            Some(Node::atom(number, TypeClass::Numeric).after(&[node]).sized(Size::ASSUMED, 64).mixed(true))
        }
        _ => None,
    }
}

fn of_literal(text: &str) -> Node {
    let trimmed = text.trim_start_matches([' ', '\t', '\n', '\x0b', '\x0c', '\r']);
    let (mut end, mut digits, mut point) = (0, 0, false);
    for (at, c) in trimmed.char_indices() {
        match c {
            '+' | '-' if at == 0 => {}
            '0'..='9' => digits += 1,
            '.' if !point => point = true,
            _ => break,
        }
        end = at + 1;
    }
    if digits == 0 {
        return integer(0);
    }
    let mantissa = trimmed.get(..end).unwrap_or("");
    let rest = trimmed.get(end..).unwrap_or("");
    let exponent = rest.strip_prefix(['e', 'E']).map_or("", |tail| {
        let sign = usize::from(tail.starts_with(['+', '-']));
        let digits = tail.bytes().skip(sign).take_while(u8::is_ascii_digit).count();
        rest.get(..if digits == 0 { 0 } else { 1 + sign + digits }).unwrap_or("")
    });
    literal::number(&format!("{mantissa}{exponent}")).unwrap_or_else(|| integer(0))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn literals_as_sqlite_reads_them() {
        for (text, sql) in [
            ("12abc", "12"),
            ("12.5x", "12.5"),
            ("abc", "0"),
            ("", "0"),
            (" 12", "12"),
            ("1e2", "1e2"),
            ("1e", "1"),
            ("1e+", "1"),
            ("1e+2z", "1e+2"),
            (".5", ".5"),
            ("5.", "5."),
            ("+5", "5"),
            ("-", "0"),
            ("--5", "0"),
            ("-.", "0"),
            ("0x10", "0"),
            ("1.2.3", "1.2"),
        ] {
            assert_eq!(of_literal(text).sql, sql, "{text}");
        }
    }
}
