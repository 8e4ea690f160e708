//! Patterns of statements: REGEXP, which is a function of the application, and LIKE and GLOB whose pattern is computed.

use crate::translate::expr::Walk;
use crate::translate::helper;
use crate::translate::like::fold;
use crate::translate::node::{Node, Prec, Result, refuse, text};
use crate::types::TypeClass;

const FLAVOUR: &str = "REGEXP is the application's function in SQLite: its regular expressions may have another flavour than PostgreSQL's";

const ENDS: &str =
    "a pattern of LIKE that ends with its escape character is an error, where it matches nothing in SQLite";

impl<'s> Walk<'s> {
    /// LIKE with an escape character and a pattern that is computed.
    pub(in crate::translate) fn like_escaped(
        &mut self,
        value: &Node,
        pattern: &Node,
        escape: char,
        not: bool,
    ) -> Result<Node> {
        if escape.is_ascii_alphabetic() || matches!(escape, '%' | '_') {
            return refuse(format!("ESCAPE '{escape}' has no equivalent"));
        }
        self.note(ENDS);
        let (value, pattern) = (value.text()?, pattern.text()?);
        let word = if not { "NOT LIKE" } else { "LIKE" };
        let escape = text(&escape.to_string()).sql;
        let sql = format!("{} {word} {} ESCAPE {escape}", fold(&value), fold(&pattern));
        Ok(Node::boolean(sql).after(&[&value, &pattern]))
    }

    /// GLOB with a pattern that is computed.
    pub(in crate::translate) fn glob_computed(
        &mut self,
        value: &Node,
        pattern: &Node,
        not: bool,
    ) -> Result<Node> {
        let (value, pattern) = (value.text()?, pattern.text()?);
        let word = if not { "!~" } else { "~" };
        let regex = helper::call("glob_pattern", &[&pattern.sql]);
        Ok(Node::boolean(format!("{} {word} {regex}", value.at(Prec::Unary))).after(&[&value, &pattern]))
    }

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
