//! Changes of documents: `json_set`, `json_insert`, `json_replace`, `json_array_insert`, `json_remove`, `json_patch`; and
//! `json_pretty`.
//!
//! A helper function changes a document at any path as SQLite does. Without helper functions, jsonb is changed at a literal
//! path through objects.

use super::paths::array;
use super::{LABELS, LINES, ORDER, document};
use crate::sqltext;
use crate::translate::expr::Walk;
use crate::translate::helper;
use crate::translate::member::{Member, Step};
use crate::translate::node::{Lit, Node, Result, refuse};
use crate::translate::path;
use crate::translate::program::LONGEST;
use crate::types::TypeClass;

const OBJECTS: &str =
    "a path of a change leads through objects; through an array, or into a number or text, it is an error";
/// The most steps of a path whose missing members are made.
const DEEPEST: usize = 4;

impl<'s> Walk<'s> {
    pub(super) fn json_remove(&mut self, x: &Node, paths: &[Node]) -> Result<Node> {
        if self.helps() {
            let mut sql = self.edited(x)?;
            for path in paths {
                sql = edit(&sql, &self.path(path)?, "NULL::json", "remove");
            }
            return Ok(document(Member::root(sql, false)));
        }
        let mut sql = self.changed(x)?;
        for path in paths {
            sql = format!("({sql} #- {})", array(&labels(path)?));
        }
        Ok(document(Member::root(sql, true)))
    }

    /// `json_set(x, path, value, …)` and its kin.
    pub(super) fn json_change(&mut self, name: &str, x: &Node, changes: &[Node]) -> Result<Node> {
        let helps = self.helps();
        let mut sql = if helps { self.edited(x)? } else { self.changed(x)? };
        for change in changes.chunks(2) {
            let [path, value] = change else { return refuse(format!("{name}() with a path and no value")) };
            sql = match helps {
                true => {
                    let (path, value) = (self.path(path)?, self.json_part(value)?);
                    edit(&sql, &path, &format!("({value})::json"), name.trim_start_matches("json_"))
                }
                false => {
                    let (path, value) = (labels(path)?, self.json_value(value)?);
                    set_by(name, &sql, &path, &value)?
                }
            };
            if sql.len() > LONGEST {
                return refuse("its translation is too long");
            }
        }
        Ok(document(Member::root(sql, !helps)))
    }

    pub(super) fn json_patch(&mut self, x: &Node, patch: &Node) -> Result<Node> {
        let (x, patch) = (self.edited(x)?, self.edited(patch)?);
        Ok(document(Member::root(helper::call("json_patch", &[x, patch]), false)))
    }

    /// Its result is a text, which is no JSON within other JSON.
    pub(super) fn json_pretty(&mut self, x: &Node, indent: &Node) -> Result<Node> {
        let document = self.document(x)?;
        self.note(LINES);
        let indent = match indent.literal() {
            Some(Lit::Null) => "NULL::text".to_owned(),
            _ => self.as_text(indent.clone())?.text()?.sql,
        };
        Ok(Node::atom(
            helper::call("json_pretty", &[document.of_json(), indent, "''".into()]),
            TypeClass::Text,
        ))
    }

    /// A document that a helper function changes.
    fn edited(&mut self, x: &Node) -> Result<String> {
        if x.is_null() {
            return Ok("NULL::json".into());
        }
        let document = self.document(x)?;
        self.note(LABELS);
        Ok(document.of_json())
    }

    fn changed(&mut self, x: &Node) -> Result<String> {
        let document = self.document(x)?;
        self.note(ORDER);
        self.note(OBJECTS);
        Ok(document.of_jsonb())
    }
}

fn edit(document: &str, path: &str, value: &str, how: &str) -> String {
    let (document, path) = (document.to_owned(), path.to_owned());
    helper::call("json_edit", &[document, path, value.to_owned(), sqltext::literal(how)])
}

fn set_by(name: &str, sql: &str, path: &[String], value: &str) -> Result<String> {
    Ok(match name {
        "json_replace" => format!("jsonb_set({sql}, {}, {value}, false)", array(path)),
        "json_insert" => {
            let new = set(sql, path, value);
            format!("(CASE WHEN {sql} #> {} IS NULL THEN {new} ELSE {sql} END)", array(path))
        }
        "json_set" => set(sql, path, value),
        _ => return refuse(format!("{name}() needs a helper function, and helpers is false")),
    })
}

/// Sets a member, and makes the objects that lead to it.
fn set(document: &str, path: &[String], value: &str) -> String {
    match path {
        [] => value.to_owned(),
        [label] => format!("jsonb_set({document}, {}, {value})", array(std::slice::from_ref(label))),
        [label, rest @ ..] => {
            let inner = format!("coalesce({document} -> {}, '{{}}'::jsonb)", sqltext::literal(label));
            let inner = set(&inner, rest, value);
            format!("jsonb_set({document}, {}, {inner})", array(std::slice::from_ref(label)))
        }
    }
}

fn labels(path: &Node) -> Result<Vec<String>> {
    let steps = path.text_literal().and_then(path::steps).filter(|s| (1..=DEEPEST).contains(&s.len()));
    let label = |step: Step| match step {
        Step::Label(label) => Ok(label),
        Step::Index(_) => {
            refuse("a change of a place in an array needs a helper function, and helpers is false")
        }
    };
    match steps {
        Some(steps) => steps.into_iter().map(label).collect(),
        None => refuse(
            "a change at a JSON path that is computed or beyond simple members needs a helper function, and helpers is false",
        ),
    }
}
