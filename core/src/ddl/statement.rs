//! Whether a text is one statement that makes a certain object of the file, and nothing else.

use sqlite3_parser::ast::{Cmd, CreateTableBody, QualifiedName, Stmt};
use sqlite3_parser::dialect::TokenType;
use sqlite3_parser::lexer::sql::Parser;
use sqlite3_parser::{Bump, FallibleIterator};

use super::tokens::tokens;
use crate::sqltext::sqlite_unquote;

/// What a statement makes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Object {
    Table,
    Index,
    View,
    Trigger,
}

/// The text makes the object of this name, an index or a trigger on that table or view, in the file itself.
pub fn makes(sql: &str, object: Object, name: &str, table: &str) -> bool {
    let Ok(tokens) = tokens(sql) else { return false };
    if tokens.iter().any(|token| token.kind == TokenType::TK_VARIABLE) {
        return false;
    }
    let bump = Bump::new();
    let mut parser = Parser::new(&bump, sql.as_bytes());
    let Ok(Some(Cmd::Stmt(statement))) = parser.next() else { return false };
    let is = |found: &str, name: &str| sqlite_unquote(found).eq_ignore_ascii_case(name);
    let own = |found: &QualifiedName<'_>, name: &str| found.db_name.is_none() && is(found.name.0, name);
    let made = match (object, &statement) {
        (Object::Table, Stmt::CreateTable { temporary: false, if_not_exists: false, tbl_name, body }) => {
            own(tbl_name, name) && matches!(body, CreateTableBody::ColumnsAndConstraints { .. })
        }
        (Object::Index, Stmt::CreateIndex { if_not_exists: false, idx_name, tbl_name, .. }) => {
            own(idx_name, name) && is(tbl_name.0, table)
        }
        (Object::View, Stmt::CreateView { temporary: false, if_not_exists: false, view_name, .. }) => {
            own(view_name, name)
        }
        (
            Object::Trigger,
            Stmt::CreateTrigger { temporary: false, if_not_exists: false, trigger_name, tbl_name, .. },
        ) => own(trigger_name, name) && own(tbl_name, table),
        _ => false,
    };
    made && matches!(parser.next(), Ok(None))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_text_is_the_statement_that_it_is_said_to_be() {
        for (sql, object) in [
            ("CREATE TABLE \"t\" (a, b CHECK (a > ';'), PRIMARY KEY (a)) -- end", Object::Table),
            ("CREATE UNIQUE INDEX t ON [t] (a) WHERE a <> ''", Object::Index),
            ("CREATE VIEW T (x) AS SELECT 1 UNION SELECT 2", Object::View),
            (
                "CREATE TRIGGER 't' INSTEAD OF INSERT ON `t` BEGIN SELECT 1; DELETE FROM u; END",
                Object::Trigger,
            ),
        ] {
            assert!(makes(sql, object, "t", "t"), "{sql}");
            for other in [Object::Table, Object::Index, Object::View, Object::Trigger] {
                assert_eq!(makes(sql, other, "t", "t"), other == object, "{sql}");
            }
            assert!(!makes(sql, object, "u", "t"), "{sql}");
        }
        for sql in [
            "CREATE TABLE t (a); CREATE TABLE u (a)",
            "CREATE TEMP TABLE t (a)",
            "CREATE TABLE main.t (a)",
            "CREATE TABLE temp.t (a)",
            "CREATE TABLE t AS SELECT 1",
            "EXPLAIN CREATE TABLE t (a)",
            "CREATE TABLE t (a",
            "CREATE VIRTUAL TABLE t USING fts5(a)",
            "DROP TABLE t",
            "",
        ] {
            assert!(!makes(sql, Object::Table, "t", "t"), "{sql}");
        }
        assert!(!makes("CREATE INDEX t ON u (a)", Object::Index, "t", "t"));
        assert!(!makes("CREATE TRIGGER t AFTER INSERT ON u BEGIN SELECT 1; END", Object::Trigger, "t", "t"));
    }
}
