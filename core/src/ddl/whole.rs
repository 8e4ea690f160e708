//! Texts that are to become statements again: each is the one statement that it is taken for, and nothing after it.

use sqlite3_parser::ast::{Cmd, Stmt};
use sqlite3_parser::dialect::TokenType;
use sqlite3_parser::lexer::sql::Parser;
use sqlite3_parser::{Bump, FallibleIterator};

use super::tokens::{matching_parenthesis, problem, tokens};
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

/// The table of a text that is one CREATE TRIGGER, not of a temporary one; the error is a reason for a person.
pub fn trigger_table(sql: &str) -> Result<String, String> {
    tokens(sql)?;
    let bump = Bump::new();
    let mut parser = Parser::new(&bump, sql.as_bytes());
    let mut next = || parser.next().map_err(|e| problem(&e));
    match (next()?, next()?) {
        (Some(Cmd::Stmt(Stmt::CreateTrigger { temporary: false, tbl_name, .. })), None) => {
            Ok(sqlite_unquote(tbl_name.name.0))
        }
        _ => Err("not one CREATE TRIGGER statement".into()),
    }
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

    #[test]
    fn a_trigger_is_one_statement() {
        let body = "AFTER INSERT ON \"Post\" BEGIN INSERT INTO f(rowid, a) VALUES (new.id, new.a); DELETE FROM x; END";
        assert_eq!(trigger_table(&format!("CREATE TRIGGER t {body}")).as_deref(), Ok("Post"));
        for sql in [
            format!("CREATE TRIGGER t {body}; DROP TABLE post"),
            format!("CREATE TEMP TRIGGER t {body}"),
            "DROP TABLE post".to_owned(),
            "CREATE TRIGGER t AFTER INSERT ON post BEGIN".to_owned(),
        ] {
            assert!(trigger_table(&sql).is_err(), "{sql}");
        }
    }
}
