//! Texts that are to become statements again: each is the one statement that it is taken for, and nothing after it.

use sqlite3_parser::dialect::TokenType;

use super::tokens::{matching_parenthesis, tokens};
use crate::sqltext::sqlite_unquote;

/// Name and module of a text that is one `CREATE VIRTUAL TABLE name USING module (…)`.
pub fn virtual_table(sql: &str) -> Option<(String, String)> {
    let tokens = tokens(sql).ok()?;
    let tokens = match tokens.split_last()? {
        (last, rest) if last.kind == TokenType::TK_SEMI => rest,
        _ => &tokens,
    };
    let [create, what, table, name, using, module, list @ ..] = tokens else { return None };
    let kinds = [create.kind, what.kind, table.kind, using.kind];
    let expected = [TokenType::TK_CREATE, TokenType::TK_VIRTUAL, TokenType::TK_TABLE, TokenType::TK_USING];
    let is_list = match list {
        [] => true,
        [open, ..] => open.kind == TokenType::TK_LP && matching_parenthesis(list) == Some(list.len() - 1),
    };
    let is_one = kinds == expected && is_list && tokens.iter().all(|t| t.kind != TokenType::TK_SEMI);
    is_one.then(|| (sqlite_unquote(name.text(sql)), sqlite_unquote(module.text(sql))))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_virtual_table_is_one_statement() {
        let read = |sql: &str| virtual_table(sql);
        let both = |name: &str, module: &str| Some((name.to_owned(), module.to_owned()));
        assert_eq!(read("CREATE VIRTUAL TABLE \"a b\" USING fts5(x, y);"), both("a b", "fts5"));
        assert_eq!(read("create virtual table r using fts3 -- no arguments"), both("r", "fts3"));
        for sql in [
            "CREATE VIRTUAL TABLE d USING fts5(a); DROP TABLE x",
            "CREATE VIRTUAL TABLE d USING fts5(a) (b)",
            "CREATE VIRTUAL TABLE d USING fts5(a;b)",
            "CREATE VIRTUAL TABLE IF NOT EXISTS d USING fts5(a)",
            "CREATE VIRTUAL TABLE d USING fts5(a",
            "CREATE TABLE d (a)",
            "",
        ] {
            assert_eq!(read(sql), None, "{sql}");
        }
    }
}
