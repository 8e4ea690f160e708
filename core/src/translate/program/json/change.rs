//! Changes of documents: `json_set`, `json_insert`, `json_replace`, `json_remove`, by jsonb.

use super::{ORDER, document};
use crate::sqltext;
use crate::translate::expr::Walk;
use crate::translate::member::{Member, Step};
use crate::translate::node::{Node, Result, refuse};
use crate::translate::path;
use crate::translate::program::LONGEST;

const OBJECTS: &str =
    "a path of a change leads through objects; through an array, or into a number or text, it is an error";
/// The most steps of a path whose missing members are made.
const DEEPEST: usize = 4;

impl<'s> Walk<'s> {
    pub(super) fn json_remove(&mut self, x: &Node, paths: &[Node]) -> Result<Node> {
        let mut sql = self.changed(x)?;
        for path in paths {
            sql = format!("({sql} #- {})", array(&labels(path)?));
        }
        Ok(document(Member::root(sql, true)))
    }

    /// `json_set(x, path, value, …)` and its kin.
    pub(super) fn json_change(&mut self, name: &str, x: &Node, changes: &[Node]) -> Result<Node> {
        let mut sql = self.changed(x)?;
        for change in changes.chunks(2) {
            let [path, value] = change else { return refuse(format!("{name}() with a path and no value")) };
            let (path, value) = (labels(path)?, self.json_value(value)?);
            sql = match name {
                "json_replace" => format!("jsonb_set({sql}, {}, {value}, false)", array(&path)),
                "json_insert" => {
                    let new = set(&sql, &path, &value);
                    format!("(CASE WHEN {sql} #> {} IS NULL THEN {new} ELSE {sql} END)", array(&path))
                }
                "json_set" => set(&sql, &path, &value),
                _ => return refuse(format!("function \"{name}\" has no equivalent")),
            };
            if sql.len() > LONGEST {
                return refuse("its translation is too long");
            }
        }
        Ok(document(Member::root(sql, true)))
    }

    fn changed(&mut self, x: &Node) -> Result<String> {
        let document = self.document(x)?;
        self.note(ORDER);
        self.note(OBJECTS);
        Ok(document.of_jsonb())
    }
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

fn array(labels: &[String]) -> String {
    let labels: Vec<String> = labels.iter().map(|l| sqltext::literal(l)).collect();
    format!("ARRAY[{}]", labels.join(", "))
}

fn labels(path: &Node) -> Result<Vec<String>> {
    let steps = path.text_literal().and_then(path::steps).filter(|s| (1..=DEEPEST).contains(&s.len()));
    let label = |step: Step| match step {
        Step::Label(label) => Ok(label),
        Step::Index(_) => refuse("a change of a place in an array"),
    };
    match steps {
        Some(steps) => steps.into_iter().map(label).collect(),
        None => refuse("a change at a JSON path that is computed or beyond simple members"),
    }
}
