//! The results of a SELECT: which are told apart, how values of JSON are shown, their labels, and their order.

use super::scope::{groupable, of_query};
use super::select::{is_constant, key_sql};
use super::{Output, Query, json, storage};
use crate::sqltext::{LONGEST_NAME, ident};
use crate::translate::compare;
use crate::translate::expr::Walk;
use crate::translate::node::{Kind, Node, Result, refuse};
use crate::types::TypeClass;

/// A key of an order, and its place among the results.
pub(super) struct Key {
    pub at: Option<usize>,
    pub node: Node,
    pub sorted: &'static str,
}

impl Key {
    /// The result as the SELECT around it sees it, in the order of the key: its collation may be another than the result's.
    fn outside(&self, seen: &Node) -> Result<Node> {
        if self.node.class != TypeClass::Text || matches!(self.node.kind, Kind::Member(_)) {
            return Ok(seen.clone());
        }
        Ok(Node { collate: Some(compare::collation(&[&self.node])?), ..seen.clone() })
    }
}

impl<'s> Walk<'s> {
    /// `SELECT DISTINCT `; of values that are equal in SQLite and differ in PostgreSQL any one.
    pub(super) fn distinct(&mut self, outputs: &[Output]) -> Result<String> {
        outputs.iter().for_each(|o| self.note_equal(&o.node));
        let keyed =
            |n: &Node| storage::is_folded(n) || matches!(n.kind, Kind::Member(_)) || n.typed().is_some();
        if !outputs.iter().any(|o| keyed(&o.node)) {
            outputs.iter().try_for_each(|o| groupable(&o.node))?;
            return Ok("SELECT DISTINCT ".into());
        }
        let mut keys = vec![];
        for node in outputs.iter().map(|o| &o.node).filter(|n| !is_constant(n)) {
            if !keyed(node) {
                groupable(node)?;
            }
            keys.push(storage::group_key(node)?);
        }
        if keys.is_empty() {
            return Ok("SELECT DISTINCT ".into());
        }
        self.note("of values that are equal in another spelling, DISTINCT gives any one, as in SQLite");
        Ok(format!("SELECT DISTINCT ON ({}) ", keys.join(", ")))
    }

    /// Values of JSON as another SELECT reads them, or as the texts that the statement gives. With their classes, values of
    /// several are of JSON as well.
    pub(super) fn shown(&mut self, mut outputs: Vec<Output>, classed: bool) -> Result<Vec<Output>> {
        let inner = classed || self.program()?.nested > 1;
        for output in &mut outputs {
            if classed {
                output.node = output.node.with_class();
            }
            self.note_dynamic(&output.node);
            let Kind::Member(member) = &output.node.kind else { continue };
            let (chain, text) = (member.chain().to_owned(), member.text());
            if inner {
                output.node.sql = chain;
            } else {
                self.note(json::AS_TEXT);
                output.node = Node::new(text.sql, TypeClass::Other, text.prec).kind(Kind::Dynamic);
            }
        }
        Ok(outputs)
    }
}

impl Query {
    /// The rows in this order. Keys of DISTINCT and of a compound must be results, which are then sorted from outside. Values of
    /// JSON may become texts there.
    pub(super) fn sorted(self, keys: &[Key], outside: bool, texts: bool) -> Result<Query> {
        let texts = texts && self.columns.iter().any(|c| matches!(c.node.kind, Kind::Member(_)));
        if keys.is_empty() && !texts {
            return Ok(self);
        }
        if !outside {
            let keys = keys.iter().map(|k| key_sql(&k.node, k.sorted)).collect::<Result<Vec<String>>>()?;
            return Ok(Query { sql: format!("{} ORDER BY {}", self.sql, keys.join(", ")), ..self });
        }
        let labels: Vec<Option<String>> = self.columns.iter().map(|c| c.label.clone()).collect();
        let inner = self.labelled();
        let seen = of_query(&inner.columns, "q", "q");
        let mut sorted = vec![];
        for key in keys {
            let Some(column) = key.at.and_then(|at| seen.columns.get(at)) else {
                return refuse(
                    "ORDER BY an expression that is no result of DISTINCT or of a compound SELECT",
                );
            };
            sorted.push(key_sql(&key.outside(&column.node)?, key.sorted)?);
        }
        let items: Vec<String> = seen
            .columns
            .iter()
            .zip(&labels)
            .map(|(c, label)| {
                item(&Output {
                    name: None,
                    label: label.clone(),
                    node: if texts { as_text(&c.node) } else { c.node.clone() },
                    aliased: false,
                    text: None,
                })
            })
            .collect();
        let text = |c: &Output| if texts { as_text(&c.node) } else { c.node.clone() };
        let columns = inner
            .columns
            .iter()
            .zip(labels)
            .map(|(c, label)| Output { label, node: text(c), ..c.clone() })
            .collect();
        let order =
            if sorted.is_empty() { String::new() } else { format!(" ORDER BY {}", sorted.join(", ")) };
        let sql =
            format!("SELECT {} FROM ({}) AS {}{order}", items.join(", "), inner.sql, inner.called("q"),);
        Ok(Query { sql, columns, one_row: inner.one_row, relabelled: false })
    }

    /// With a label of its own for every column.
    pub(super) fn labelled(mut self) -> Query {
        let mut taken: Vec<String> = vec![];
        for (at, column) in self.columns.iter_mut().enumerate() {
            let wanted = column.label.clone().filter(|l| !l.is_empty() && l.len() <= LONGEST_NAME);
            let base = wanted.unwrap_or_else(|| format!("column{}", at + 1));
            let mut label = base.clone();
            let mut number = 1;
            while taken.contains(&label) {
                number += 1;
                label = numbered(&base, number);
            }
            self.relabelled |= column.label.as_ref() != Some(&label);
            taken.push(label.clone());
            column.label = Some(label);
        }
        self
    }

    /// An alias for the query as a table, with its columns' names where they are not those that it gives itself.
    pub(super) fn called(&self, alias: &str) -> String {
        match self.relabelled {
            true => {
                let labels = self.columns.iter().map(|c| c.label.clone().unwrap_or_default());
                format!("{}({})", ident(alias), crate::sqltext::ident_list(labels))
            }
            false => ident(alias),
        }
    }
}

/// A value of JSON as the text that a statement gives.
fn as_text(node: &Node) -> Node {
    match &node.kind {
        Kind::Member(member) => {
            let text = member.text();
            Node::new(text.sql, TypeClass::Other, text.prec).kind(Kind::Dynamic)
        }
        _ => node.clone(),
    }
}

pub(super) fn item(output: &Output) -> String {
    match &output.label {
        Some(label) if !output.node.sql.ends_with(&format!(".{}", ident(label))) => {
            format!("{} AS {}", output.node.sql, ident(label))
        }
        _ => output.node.sql.clone(),
    }
}

/// The last name of `"t"."x"`.
pub(super) fn label_of(node: &Node) -> Option<String> {
    let sql = node.sql.strip_suffix("::text").unwrap_or(&node.sql);
    let (table, name) = sql.strip_prefix('"')?.split_once("\".\"")?;
    let name = name.strip_suffix('"')?;
    let plain = |text: &str| !text.replace("\"\"", "").contains('"');
    (plain(table) && plain(name)).then(|| name.replace("\"\"", "\""))
}

/// A name with a number, no longer than PostgreSQL's names are.
fn numbered(base: &str, number: usize) -> String {
    let number = format!("_{number}");
    let end = base.floor_char_boundary(LONGEST_NAME - number.len());
    format!("{}{number}", base.get(..end).unwrap_or_default())
}
