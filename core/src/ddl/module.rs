//! The module of a `CREATE VIRTUAL TABLE` and its arguments. They follow no grammar: SQLite hands each module the texts
//! between the commas, and the module reads them as it likes.

use sqlite3_parser::dialect::TokenType;
use sqlite3_parser::lexer::Scanner;
use sqlite3_parser::lexer::sql::Tokenizer;

use super::tokens::{matching_parenthesis, split_at_commas, text, tokens};
use crate::sqltext::sqlite_unquote;

/// The name of the module, also of a text that breaks off after it.
pub fn module(sql: &str) -> Option<String> {
    let mut scanner = Scanner::new(Tokenizer::new());
    let mut next =
        || scanner.scan(sql.as_bytes()).ok().and_then(|(start, token, end)| Some((start, token?.1, end)));
    while let Some((_, kind, _)) = next() {
        if kind == TokenType::TK_USING {
            let (start, _, end) = next()?;
            return sql.get(start..end).map(sqlite_unquote);
        }
    }
    None
}

/// The arguments as the module gets them: without the white space around them, empty ones left out. The error is a
/// reason for a person.
pub fn module_arguments(sql: &str) -> Result<Vec<String>, String> {
    let tokens = tokens(sql)?;
    let using = tokens.iter().position(|t| t.kind == TokenType::TK_USING);
    let using = using.ok_or("not a CREATE VIRTUAL TABLE statement")?;
    let Some(list) = tokens.get(using + 2..).filter(|list| !list.is_empty()) else { return Ok(vec![]) };
    if list[0].kind != TokenType::TK_LP {
        return Ok(vec![]);
    }
    let close = matching_parenthesis(list).ok_or("unbalanced parentheses")?;
    let arguments = split_at_commas(&list[1..close]).into_iter().map(|argument| text(sql, argument));
    Ok(arguments.filter(|argument| !argument.is_empty()).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_module_of_a_virtual_table() {
        assert_eq!(module("CREATE VIRTUAL TABLE v USING \"fts5\"(a, tokenize='").as_deref(), Some("fts5"));
        assert_eq!(module("CREATE VIRTUAL TABLE v USING"), None);
        assert_eq!(module("CREATE TABLE \"using\"(a)"), None);
    }

    #[test]
    fn arguments_are_what_stands_between_the_commas() {
        let of = |sql: &str| module_arguments(sql).unwrap();
        assert_eq!(
            of(
                "CREATE VIRTUAL TABLE v USING fts4(a TEXT /* (, */ , \"b,c\",, tokenize=unicode61 \"tokenchars=,.\" , f(x, y))"
            ),
            ["a TEXT", "\"b,c\"", "tokenize=unicode61 \"tokenchars=,.\"", "f(x, y)"]
        );
        assert_eq!(of("CREATE VIRTUAL TABLE v USING fts3"), [] as [&str; 0]);
        assert_eq!(of("CREATE VIRTUAL TABLE v USING fts3()"), [] as [&str; 0]);
        assert!(module_arguments("CREATE TABLE v(a)").is_err());
        assert!(module_arguments("CREATE VIRTUAL TABLE v USING fts3(a").is_err());
    }
}
