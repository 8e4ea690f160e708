//! A definition's tokens, and the texts between them. A text is untrusted: it is bounded in length and nesting here,
//! before it is parsed.

use sqlite3_parser::dialect::TokenType;
use sqlite3_parser::lexer::Scanner;
use sqlite3_parser::lexer::sql::Tokenizer;

use crate::sqltext::sqlite_unquote;

/// Longer definitions are not parsed.
pub const LONGEST: usize = 1 << 20;
/// Deeper nesting is not parsed: dropping the tree recurses once per parenthesis.
const DEEPEST: usize = 200;

/// A token of SQLite's grammar and where it is.
pub struct Token {
    pub kind: TokenType,
    start: usize,
    end: usize,
}

impl Token {
    pub fn text<'a>(&self, sql: &'a str) -> &'a str {
        sql.get(self.start..self.end).unwrap_or_default()
    }
}

/// Splits a text into tokens; refuses what is too long or nested too deep, or closes what it did not open.
pub fn tokens(sql: &str) -> Result<Vec<Token>, String> {
    if sql.len() > LONGEST {
        return Err(format!("the text is longer than {LONGEST} bytes"));
    }
    let mut scanner = Scanner::new(Tokenizer::new());
    let mut tokens = vec![];
    let mut depth = 0usize;
    while let (start, Some((_, kind)), end) = scanner.scan(sql.as_bytes()).map_err(|e| problem(&e))? {
        depth = match kind {
            TokenType::TK_LP => depth + 1,
            TokenType::TK_RP => depth.checked_sub(1).ok_or("unbalanced parentheses")?,
            _ => depth,
        };
        if depth > DEEPEST {
            return Err(format!("parentheses are nested deeper than {DEEPEST}"));
        }
        tokens.push(Token { kind, start, end });
    }
    if depth > 0 { Err("unbalanced parentheses".into()) } else { Ok(tokens) }
}

/// What an expression may name: its words but strings, unquoted; `None` where it cannot be split.
pub fn words(sql: &str) -> Option<Vec<String>> {
    let tokens = tokens(sql).ok()?;
    let words = tokens.iter().filter(|token| token.kind != TokenType::TK_STRING);
    Some(words.map(|token| sqlite_unquote(token.text(sql))).collect())
}

/// The parser's message without a position, which means nothing where only a part of the text is shown.
pub fn problem(error: &sqlite3_parser::lexer::sql::Error) -> String {
    let text = error.to_string();
    text.split(" at ").next().unwrap_or_default().to_owned()
}

/// The texts in the parentheses that follow a keyword directly inside the statement's own parentheses.
pub fn parenthesized_after(sql: &str, tokens: &[Token], keyword: TokenType) -> Vec<String> {
    let mut depth = 0;
    let mut found = vec![];
    for (i, token) in tokens.iter().enumerate() {
        match token.kind {
            TokenType::TK_LP => depth += 1,
            TokenType::TK_RP => depth -= 1,
            kind if kind == keyword && depth == 1 => {
                let follow = &tokens[i + 1..];
                found.extend(matching_parenthesis(follow).map(|close| text(sql, &follow[1..close])));
            }
            _ => {}
        }
    }
    found
}

/// Position of the parenthesis that closes the one at 0.
pub fn matching_parenthesis(tokens: &[Token]) -> Option<usize> {
    let mut depth = 0;
    for (i, token) in tokens.iter().enumerate() {
        match token.kind {
            TokenType::TK_LP => depth += 1,
            TokenType::TK_RP => depth -= 1,
            _ => {}
        }
        if depth == 0 {
            return (i > 0).then_some(i);
        }
    }
    None
}

/// Splits at the commas outside of parentheses.
pub fn split_at_commas(tokens: &[Token]) -> Vec<&[Token]> {
    let mut depth = 0;
    let is_comma = |token: &Token| {
        match token.kind {
            TokenType::TK_LP => depth += 1,
            TokenType::TK_RP => depth -= 1,
            _ => {}
        }
        depth == 0 && token.kind == TokenType::TK_COMMA
    };
    tokens.split(is_comma).collect()
}

/// The text from the first of the tokens to the last.
pub fn text(sql: &str, tokens: &[Token]) -> String {
    let (Some(first), Some(last)) = (tokens.first(), tokens.last()) else { return String::new() };
    sql.get(first.start..last.end).unwrap_or_default().to_owned()
}
