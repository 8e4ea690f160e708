//! JSON that is made of values: as a text without spaces, part by part.

use super::{READ, made};
use crate::sqltext;
use crate::translate::expr::Walk;
use crate::translate::json;
use crate::translate::node::{Kind, Lit, Node, Prec, Result, class_name, refuse};
use crate::translate::program::times;
use crate::types::TypeClass;

const SPELLED: &str = "numbers with a fraction may be spelled otherwise within JSON, as 2 instead of 2.0";
const LABELS: &str = "a label of JSON is no NULL, of which SQLite makes an error";

/// A value's JSON text, and what is assumed.
pub(super) struct Part {
    pub sql: String,
    assumed: Option<&'static str>,
}

impl<'s> Walk<'s> {
    fn part(&mut self, node: &Node) -> Result<String> {
        let node = self.typed(node.clone(), TypeClass::Text)?;
        let part = part(&node)?;
        part.assumed.into_iter().for_each(|assumed| self.note(assumed));
        Ok(part.sql)
    }

    pub(super) fn json_array(&mut self, args: &[Node]) -> Result<Node> {
        let parts = args.iter().map(|a| self.part(a)).collect::<Result<Vec<String>>>()?;
        let list =
            if parts.is_empty() { String::new() } else { format!("{} || ", parts.join(" || ',' || ")) };
        Ok(made(Node::new(format!("'[' || {list}']'"), TypeClass::Text, Prec::Operator)))
    }

    pub(super) fn json_object(&mut self, args: &[Node]) -> Result<Node> {
        let mut members = vec![];
        for pair in args.chunks(2) {
            let [label, of] = pair else { return refuse("json_object() with a label and no value") };
            members.push(format!("{} || ':' || {}", self.label(label)?, self.part(of)?));
        }
        let list =
            if members.is_empty() { String::new() } else { format!("{} || ", members.join(" || ',' || ")) };
        Ok(made(Node::new(format!("'{{' || {list}'}}'"), TypeClass::Text, Prec::Operator)))
    }

    fn label(&mut self, label: &Node) -> Result<String> {
        if label.literal().is_none() {
            self.note(LABELS);
        }
        of_label(label)
    }

    pub(super) fn json_quote(&mut self, x: &Node) -> Result<Node> {
        let sql = self.part(x)?;
        Ok(made(Node::new(sql, TypeClass::Text, Prec::Operator)))
    }

    /// As jsonb, to be put into a document.
    pub(super) fn json_value(&mut self, x: &Node) -> Result<String> {
        Ok(format!("({})::jsonb", self.json_part(x)?))
    }

    /// As a text, to be put into a document.
    pub(super) fn json_part(&mut self, x: &Node) -> Result<String> {
        self.note(READ);
        self.part(x)
    }
}

fn of_label(label: &Node) -> Result<String> {
    match label.text_literal() {
        Some(text) => Ok(sqltext::literal(&serde_json::Value::String(text.to_owned()).to_string())),
        None if label.class == TypeClass::Text => Ok(format!("to_json({})::text", label.text()?.sql)),
        None => refuse("a label of JSON that is no text"),
    }
}

/// A value within JSON; an operand.
pub(super) fn part(node: &Node) -> Result<Part> {
    let plain = |sql: String| Ok(Part { sql, assumed: None });
    match (&node.kind, node.class) {
        (Kind::Literal(Lit::Text(_) | Lit::Integer(_) | Lit::Null), _) => {
            plain(sqltext::literal(&json::value(node)?))
        }
        (Kind::Member(member), _) if member.json.is_none() => {
            refuse("one of several values within JSON, of which some are JSON and others not")
        }
        _ if node.maybe_json => {
            refuse("one of several texts within JSON, of which some are JSON and others not")
        }
        _ if node.json && node.literal().is_none() => plain(format!("coalesce({}, 'null')", node.sql)),
        (Kind::Member(member), _) => plain(format!("({})", member.within())),
        (Kind::Document(_), _) => plain(format!("coalesce({}, 'null')", node.sql)),
        (_, TypeClass::Bool | TypeClass::Integer) => {
            plain(format!("coalesce({}::text, 'null')", node.number()?.operand()))
        }
        (_, TypeClass::Float | TypeClass::Numeric) => {
            let number = if node.literal().is_some() {
                node.cast("double precision", TypeClass::Float)
            } else {
                node.clone()
            };
            Ok(Part {
                sql: format!("coalesce(to_json({})::text, 'null')", number.sql),
                assumed: Some(SPELLED),
            })
        }
        (_, TypeClass::Text) => plain(format!("coalesce(to_json({})::text, 'null')", node.text()?.sql)),
        (_, TypeClass::Json) => plain(format!("coalesce(to_json({}::text)::text, 'null')", node.operand())),
        _ => match times::text(node) {
            Some(text) => plain(format!("coalesce(to_json({})::text, 'null')", text.sql)),
            None => refuse(format!("a {} value within JSON", class_name(node.class))),
        },
    }
}

/// `json_group_array(x)`: the texts of its values.
pub(in crate::translate::program) fn group_array(args: &[Node]) -> Result<(String, Option<&'static str>)> {
    match args {
        [x] => part(x).map(|part| (part.sql, part.assumed)),
        _ => refuse("json_group_array() takes one argument"),
    }
}

/// `json_group_object(label, x)`
pub(in crate::translate::program) fn group_object(args: &[Node]) -> Result<(String, Option<&'static str>)> {
    let [label, x] = args else { return refuse("json_group_object() takes two arguments") };
    let value = part(x)?;
    Ok((format!("{} || ':' || {}", of_label(label)?, value.sql), value.assumed.or(Some(LABELS))))
}
