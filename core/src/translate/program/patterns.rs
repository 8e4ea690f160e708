//! Patterns of statements: REGEXP, which is a function of the application, and LIKE and GLOB whose pattern is computed.

use crate::translate::expr::Walk;
use crate::translate::node::{Node, Prec, Result};
use crate::types::TypeClass;

const FLAVOUR: &str = "REGEXP is the application's function in SQLite: its regular expressions may have another flavour than PostgreSQL's";

impl<'s> Walk<'s> {
    pub(in crate::translate) fn regexp(&mut self, value: &Node, pattern: &Node, not: bool) -> Result<Node> {
        self.note(FLAVOUR);
        if value.is_null() || pattern.is_null() {
            return Ok(Node::atom("NULL::boolean", TypeClass::Bool));
        }
        let (value, pattern) = (value.text()?, pattern.text()?);
        let word = if not { "!~" } else { "~" };
        let sql = format!("{} {word} {}", value.at(Prec::Unary), pattern.at(Prec::Unary));
        Ok(Node::boolean(sql).after(&[&value, &pattern]))
    }
}
