//! Conditions that list what a column may hold, such as `status IN ('active', 'invited')`.

use sqlite3_parser::Bump;
use sqlite3_parser::ast::{Expr, Literal, Operator};
use sqlite3_parser::dialect::TokenType;
use sqlite3_parser::lexer::Scanner;
use sqlite3_parser::lexer::sql::Tokenizer;

use super::literal::unquote;
use super::parse;

/// A column with the texts that a condition allows, each once, in the order of the condition.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Listed {
    pub column: String,
    pub texts: Vec<String>,
}

/// What the condition lists, if that is all it says. NULL is always allowed.
pub fn listed(sql: &str) -> Option<Listed> {
    let bump = Bump::new();
    let mut found = Listed { column: String::new(), texts: vec![] };
    found.read(parse::parse(sql, &bump).ok()?, 0)?;
    (!found.texts.is_empty()).then_some(found)
}

impl Listed {
    fn read(&mut self, e: &Expr<'_>, depth: usize) -> Option<()> {
        if depth >= parse::MAX_DEPTH {
            return None;
        }
        match e {
            Expr::Parenthesized(items) => match items.as_slice() {
                [one] => self.read(one, depth + 1),
                _ => None,
            },
            Expr::Binary(left, Operator::Or, right) => {
                self.read(left, depth + 1)?;
                self.read(right, depth + 1)
            }
            Expr::Binary(left, Operator::Equals, right) => {
                self.of(left)?;
                self.text(right)
            }
            Expr::InList { lhs, not: false, rhs } => {
                self.of(lhs)?;
                rhs.unwrap_or(&[]).iter().try_for_each(|item| self.text(item))
            }
            Expr::IsNull(column) | Expr::Binary(column, Operator::Is, Expr::Literal(Literal::Null)) => {
                self.of(column)
            }
            _ => None,
        }
    }

    /// Every part must be about the same column.
    fn of(&mut self, e: &Expr<'_>) -> Option<()> {
        let name = match e {
            Expr::Id(id) => unquote(id.0),
            Expr::Name(name) => unquote(name.0),
            Expr::Qualified(_, name) | Expr::DoublyQualified(_, _, name) => unquote(name.0),
            _ => return None,
        };
        if self.column.is_empty() {
            self.column = name;
            return Some(());
        }
        self.column.eq_ignore_ascii_case(&name).then_some(())
    }

    fn text(&mut self, e: &Expr<'_>) -> Option<()> {
        let Expr::Literal(Literal::String(token)) = e else { return None };
        let text = unquote(token);
        if !self.texts.contains(&text) {
            self.texts.push(text);
        }
        Some(())
    }
}

/// Whether an expression may name the column. A string in double quotes may be a name.
pub fn may_name(sql: &str, column: &str) -> bool {
    let mut scanner = Scanner::new(Tokenizer::new());
    loop {
        match scanner.scan(sql.as_bytes()) {
            Ok((_, Some((token, kind)), _)) => {
                let name = String::from_utf8_lossy(token);
                let text = kind == TokenType::TK_STRING && name.starts_with('\'');
                if !text && unquote(&name).eq_ignore_ascii_case(column) {
                    return true;
                }
            }
            Ok((_, None, _)) => return false,
            // What cannot be read may name anything.
            Err(_) => return true,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_condition_lists() {
        for (sql, column, texts) in [
            ("status IN ('a', 'b')", "status", &["a", "b"][..]),
            ("\"status\" in ('b','a','b')", "status", &["b", "a"]),
            ("(([my status] IN ('it''s', '')))", "my status", &["it's", ""]),
            ("t.s IS NULL OR S IN ('x')", "s", &["x"]),
            ("s = 'a' OR s == 'b' OR s IN ('c')", "s", &["a", "b", "c"]),
        ] {
            let texts = texts.iter().map(|text| (*text).to_owned()).collect();
            assert_eq!(listed(sql), Some(Listed { column: column.into(), texts }), "{sql}");
        }
    }

    #[test]
    fn conditions_that_say_something_else() {
        for sql in [
            "s NOT IN ('a')",
            "s IN ('a', NULL)",
            "s IN ('a', 1)",
            "s IN ()",
            "s IS NULL",
            "s = 'a' OR r = 'b'",
            "s = 'a' AND s = 'b'",
            "lower(s) IN ('a')",
            "s COLLATE NOCASE IN ('a')",
            "s IN (\"a\")",
            "'a' = s",
            "(s, r) IN ('a')",
            "s IN (SELECT 'a')",
            "s IN (",
        ] {
            assert_eq!(listed(sql), None, "{sql}");
        }
        assert_eq!(listed(&format!("s='a'{}", " OR s='a'".repeat(9_000))), None);
    }

    #[test]
    fn names_of_columns() {
        for sql in ["Status = 'x'", "\"status\" > 1", "lower(t.[STATUS])", "x || `status`", "'open"] {
            assert!(may_name(sql, "status"), "{sql}");
        }
        for sql in ["", "x = 'status'", "my_status = 1", "1 -- status"] {
            assert!(!may_name(sql, "status"), "{sql}");
        }
    }
}
