//! SQL text -> one expression of SQLite's grammar, guarded against hostile input.
//!
//! The text is wrapped in `SELECT (…)`. Tokens are counted first, so that a text can neither close the parenthesis, nor
//! start a statement, nor nest too deeply for the recursion of the parser and of this module.

use sqlite3_parser::ast::{Cmd, Expr, OneSelect, ResultColumn, Stmt};
use sqlite3_parser::dialect::TokenType;
use sqlite3_parser::lexer::Scanner;
use sqlite3_parser::lexer::sql::{Parser, Tokenizer};
use sqlite3_parser::{Bump, FallibleIterator};

use super::node::{Result, refuse};

/// The most bytes of an SQL text; CHECKs of real schemas are much shorter.
const MAX_TEXT: usize = 100_000;
/// The most levels of nesting, in parentheses and in the tree.
pub(super) const MAX_DEPTH: usize = 200;

/// Parses exactly one expression.
pub(super) fn parse<'b>(sql: &str, bump: &'b Bump) -> Result<&'b Expr<'b>> {
    check_tokens(sql)?;
    // The line break ends a trailing `--` comment.
    let wrapped = bump.alloc_str(&format!("SELECT ({sql}\n)"));
    let command = match Parser::new(bump, wrapped.as_bytes()).next() {
        Ok(Some(command)) => command,
        Ok(None) => return refuse("the expression is empty"),
        Err(e) => return refuse(format!("the expression cannot be parsed: {}", first_line(&e.to_string()))),
    };
    if let Cmd::Stmt(Stmt::Select(select)) = command
        && let OneSelect::Select { columns, .. } = &select.body.select
        && let [ResultColumn::Expr(expr, None)] = *columns
    {
        return Ok(expr);
    }
    refuse("the text is not a single expression")
}

/// Refuses what must not reach the parser: unbalanced or deep parentheses, statements, subqueries.
fn check_tokens(sql: &str) -> Result<()> {
    if sql.len() > MAX_TEXT {
        return refuse(format!("the expression is longer than {MAX_TEXT} bytes"));
    }
    let mut scanner = Scanner::new(Tokenizer::new());
    let mut depth = 0usize;
    loop {
        let token = match scanner.scan(sql.as_bytes()) {
            Ok((_, Some((_, token)), _)) => token,
            Ok((_, None, _)) => break,
            Err(e) => {
                return refuse(format!("the expression cannot be read: {}", first_line(&e.to_string())));
            }
        };
        depth = match token {
            TokenType::TK_LP if depth >= MAX_DEPTH => return refuse("the expression is nested too deeply"),
            TokenType::TK_LP => depth + 1,
            TokenType::TK_RP if depth == 0 => return refuse("parentheses do not match"),
            TokenType::TK_RP => depth - 1,
            TokenType::TK_SEMI => return refuse("the text is not a single expression"),
            TokenType::TK_SELECT | TokenType::TK_VALUES | TokenType::TK_WITH => {
                return refuse("subqueries have no equivalent here");
            }
            TokenType::TK_VARIABLE => return refuse("parameters have no equivalent"),
            _ => depth,
        };
    }
    if depth != 0 { refuse("parentheses do not match") } else { Ok(()) }
}

/// A message of the parser, without a place as Rust prints it.
pub(super) fn first_line(message: &str) -> &str {
    let line = message.lines().next().unwrap_or("");
    line.split(" at Some(").next().unwrap_or(line).trim_end_matches(" at None")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn reason(sql: &str) -> String {
        let bump = Bump::new();
        match parse(sql, &bump) {
            Ok(e) => format!("parsed {e:?}"),
            Err(e) => e.reason,
        }
    }

    #[test]
    fn only_one_expression_gets_through() {
        for sql in ["1", " a = 'x;' -- comment", "/* c */ (1)", "\"a;b\"", "[x y] > 0"] {
            assert!(reason(sql).starts_with("parsed"), "{sql}: {}", reason(sql));
        }
        for (sql, expected) in [
            ("1) FROM x WHERE (2", "parentheses do not match"),
            ("1; DROP TABLE x", "the text is not a single expression"),
            ("(SELECT 1)", "subqueries have no equivalent here"),
            ("a = ?", "parameters have no equivalent"),
            ("((1)", "parentheses do not match"),
            ("'open", "the expression cannot be read: non-terminated literal"),
            ("1 @ 2", "the expression cannot be read: bad variable name"),
        ] {
            assert_eq!(reason(sql), expected, "{sql}");
        }
        for sql in ["", "a +", "'open", "/* open", "x'0'", "1 AS b FROM", "\0", "é +* 1"] {
            assert!(!reason(sql).starts_with("parsed"), "{sql}");
        }
    }

    #[test]
    fn depth_and_size_are_bounded() {
        assert_eq!(reason(&"(".repeat(50_000)), "the expression is nested too deeply");
        let fine = format!("{}1{}", "(".repeat(199), ")".repeat(199));
        assert!(reason(&fine).starts_with("parsed"));
        assert_eq!(reason(&"1+".repeat(60_000)), "the expression is longer than 100000 bytes");
    }
}
