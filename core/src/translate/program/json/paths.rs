//! What a path leads to: a literal one is taken apart, a computed one is read by a helper function.

use super::document;
use crate::sqltext;
use crate::translate::expr::Walk;
use crate::translate::helper;
use crate::translate::member::{Member, Step};
use crate::translate::node::{Lit, Node, Result, class_name, refuse, text};
use crate::translate::path;
use crate::types::TypeClass;

const ARROW: &str = "the right operand of -> is read as SQLite's newest releases do: a text of digits, or with a point, is a label, and a number below zero counts from the end";

impl<'s> Walk<'s> {
    /// `x -> 'a'` and `x ->> 'a'`
    pub(in crate::translate) fn json_arrow(&mut self, x: &Node, path: &Node, as_json: bool) -> Result<Node> {
        let steps = match path.literal() {
            Some(Lit::Text(label)) if is_label(label) => Some(vec![Step::Label(label.clone())]),
            Some(Lit::Integer(n @ 0..)) => i32::try_from(*n).ok().map(|n| vec![Step::Index(n)]),
            Some(Lit::Integer(n)) => {
                self.note(ARROW);
                i32::try_from(*n).ok().map(|n| vec![Step::Index(n)])
            }
            Some(Lit::Text(path)) if path.starts_with('$') => path::steps(path),
            _ => None,
        };
        let root = self.document(x)?;
        let member = match steps {
            Some(steps) => steps.iter().fold(root, |member, step| member.step(step)),
            None => self.by_computed(&root, path)?,
        };
        Ok(if as_json { document(member) } else { member.into_value().node() }.after(&[x, path]))
    }

    /// By an operand of `->` that is computed, or of which SQLite's releases make different paths.
    fn by_computed(&mut self, root: &Member, path: &Node) -> Result<Member> {
        let path = &self.typed(path.clone(), TypeClass::Text)?;
        match path.class {
            _ if path.is_null() => Ok(called("json_at", root, "NULL::text")),
            TypeClass::Text => {
                if !path.text_literal().is_some_and(|t| t.starts_with('$')) {
                    self.note(ARROW);
                }
                Ok(called("json_arrow", root, &path.text()?.sql))
            }
            // Beyond these there is no place.
            TypeClass::Integer => {
                self.note(ARROW);
                let place = format!("least(greatest({}, -2147483647), 2147483647)::integer", path.sql);
                Ok(Member::root(format!("({} -> {place})", root.of_json()), false))
            }
            class => refuse(format!("a {} value as a JSON path", class_name(class))),
        }
    }

    /// What a path leads to.
    pub(super) fn at(&mut self, x: &Node, path: &Node) -> Result<Member> {
        let root = self.document(x)?;
        if let Some(steps) = path.text_literal().and_then(path::steps) {
            return Ok(steps.iter().fold(root, |member, step| member.step(step)));
        }
        Ok(called("json_at", &root, &self.path(path)?))
    }

    /// A path for a helper function, as SQL.
    pub(super) fn path(&mut self, path: &Node) -> Result<String> {
        let path = &self.typed(path.clone(), TypeClass::Text)?;
        match path.literal() {
            Some(Lit::Null) => Ok("NULL::text".into()),
            Some(Lit::Text(t)) if t.starts_with('$') => Ok(text(t).sql),
            Some(_) => refuse("it is no JSON path, of which SQLite makes an error"),
            None if path.class == TypeClass::Text => Ok(path.text()?.sql),
            None if path.json || path.class == TypeClass::Other => refuse("a value of JSON as a path"),
            None => refuse(format!("a {} value as a JSON path", class_name(path.class))),
        }
    }
}

fn called(helper: &str, root: &Member, path: &str) -> Member {
    Member::root(helper::call(helper, &[root.of_json(), path.to_owned()]), false)
}

/// A label that every release of SQLite reads as such.
fn is_label(label: &str) -> bool {
    !label.is_empty()
        && !label.starts_with(|c: char| c.is_ascii_digit() || matches!(c, '$' | '-' | '['))
        && !label.contains(['.', '[', '"', '\\'])
}

/// A path as SQLite spells it.
pub(super) fn spelled(steps: &[Step]) -> String {
    steps.iter().fold("$".to_owned(), |path, step| match step {
        Step::Index(n) => format!("{path}[{n}]"),
        Step::Label(label) => {
            let plain = label.starts_with(|c: char| c.is_ascii_alphabetic())
                && label.bytes().all(|b| b.is_ascii_alphanumeric());
            if plain { format!("{path}.{label}") } else { format!("{path}.\"{label}\"") }
        }
    })
}

/// A label of a literal path as SQL.
pub(super) fn array(labels: &[String]) -> String {
    let labels: Vec<String> = labels.iter().map(|l| sqltext::literal(l)).collect();
    format!("ARRAY[{}]", labels.join(", "))
}
