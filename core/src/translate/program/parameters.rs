//! Parameters: their numbers in PostgreSQL, and the types that they have by what they stand beside.
//!
//! In SQLite a parameter has the storage class of what is bound to it. In PostgreSQL it has one type: that of the value it is
//! compared or computed with. A parameter whose type nothing tells is refused, and one that would have two.

use std::collections::BTreeMap;

use sqlite3_parser::dialect::TokenType;

use super::guard;

use crate::translate::expr::Walk;
use crate::translate::node::{Kind, Node, Prec, Result, class_name, refuse};
use crate::types::TypeClass;

/// The most parameters of a statement in SQLite.
const MOST: usize = 32_766;
/// Around the number of a parameter whose type is not known yet. A statement that has it is refused.
pub(super) const MARK: char = '\u{1}';

/// The statement with a number for each `?` that has none: parts of it are not translated in the order of the text.
pub(super) fn numbered(sql: &str) -> Result<String> {
    let (mut out, mut end) = (String::with_capacity(sql.len()), 0);
    let (mut last, mut names): (usize, Vec<&str>) = (0, vec![]);
    for (start, token, _) in guard::tokens(sql)?.into_iter().filter(|t| t.2 == TokenType::TK_VARIABLE) {
        // The scanner's token of `?` is empty, and that of any other parameter may lack the mark.
        let rest = sql.get(start..).unwrap_or_default();
        let name = match rest.starts_with('?') {
            true => rest.split(|c: char| c != '?' && !c.is_ascii_digit()).next().unwrap_or_default(),
            false => token,
        };
        match name.strip_prefix('?') {
            Some("") => {
                last += 1;
                out += sql.get(end..start).unwrap_or_default();
                out += &format!("?{last}");
                end = start + 1;
            }
            Some(digits) => last = last.max(digits.parse().unwrap_or(0)),
            None if names.contains(&name) => {}
            None => {
                names.push(name);
                last += 1;
            }
        }
    }
    out += sql.get(end..).unwrap_or_default();
    Ok(out)
}

#[derive(Default)]
pub(super) struct Parameters {
    /// Parameters with a name, and their numbers.
    names: Vec<(String, usize)>,
    last: usize,
    types: BTreeMap<usize, TypeClass>,
}

impl Parameters {
    /// Numbers as SQLite gives them: `?` is the next one, a name is the same one again. `$1` is 1, as in PostgreSQL.
    fn number(&mut self, name: &str, mark: char) -> Option<usize> {
        let digits = !name.is_empty() && name.bytes().all(|b| b.is_ascii_digit());
        let known = self.names.iter().find(|(n, _)| n == name).map(|(_, number)| *number);
        let number = match known {
            _ if matches!(mark, '?' | '$') && digits => name.parse().ok()?,
            Some(number) if !name.is_empty() => number,
            _ => self.last + 1,
        };
        if !(1..=MOST).contains(&number) {
            return None;
        }
        if known.is_none() && !name.is_empty() && !digits {
            self.names.push((name.to_owned(), number));
        }
        self.last = self.last.max(number);
        Some(number)
    }

    /// The statement with every parameter's type where it was not known yet.
    pub fn typed(&self, sql: &str) -> Result<String> {
        let mut out = String::with_capacity(sql.len());
        for (i, part) in sql.split(MARK).enumerate() {
            match part.parse::<usize>() {
                Ok(number) if i % 2 == 1 => match self.types.get(&number) {
                    Some(class) => out += &spelled(number, *class),
                    None => return refuse(format!("nothing tells the type of parameter {number}")),
                },
                _ => out += part,
            }
        }
        Ok(out)
    }

    pub fn notes(&self) -> Vec<String> {
        let named = self.names.iter().map(|(name, number)| format!("parameter {name} is ${number}"));
        let typed = self.types.iter().map(|(n, class)| format!("${n} is a {} value", class_name(*class)));
        let unused = (1..=self.last).filter(|n| !self.types.contains_key(n)).count();
        let unused =
            (unused > 0).then(|| format!("{unused} of the numbers up to ${} are not used", self.last));
        named.chain(typed).chain(unused).collect()
    }
}

fn spelled(number: usize, class: TypeClass) -> String {
    format!("${number}::{}", class_name(class))
}

impl<'s> Walk<'s> {
    /// The scanner gives `?` an empty name and leaves out the mark of other parameters, so that the text tells them apart.
    pub(super) fn parameter(&mut self, token: &str) -> Result<Node> {
        let (mark, name) = match token.chars().next() {
            Some(mark @ ('?' | ':' | '@' | '$' | '#')) => (mark, token.get(1..).unwrap_or("")),
            _ => ('?', token),
        };
        let Some(number) = self.program()?.parameters.number(name, mark) else {
            return refuse(format!("parameter {token} has no number in PostgreSQL"));
        };
        let sql = format!("{MARK}{number}{MARK}");
        Ok(Node::new(sql, TypeClass::Other, Prec::Atom).kind(Kind::Parameter(number)))
    }

    /// A parameter as a value of this class; anything else as it is.
    pub(super) fn typed(&mut self, node: Node, class: TypeClass) -> Result<Node> {
        let Kind::Parameter(number) = node.kind else { return Ok(node) };
        if matches!(class, TypeClass::Other) {
            return refuse("nothing tells the type of a parameter");
        }
        let given = *self.program()?.parameters.types.entry(number).or_insert(class);
        if given != class {
            let (a, b) = (class_name(given), class_name(class));
            return refuse(format!("parameter {number} would be a {a} and a {b} value"));
        }
        Ok(Node::atom(spelled(number, class), class).sized(crate::translate::size::Size::ASSUMED, 64))
    }

    /// Values beside each other: a parameter has the type of the first that is none.
    pub(super) fn bound(&mut self, nodes: Vec<Node>) -> Result<Vec<Node>> {
        let parameter = |n: &Node| matches!(n.kind, Kind::Parameter(_));
        if !nodes.iter().any(parameter) {
            return Ok(nodes);
        }
        let Some(class) = nodes.iter().find(|n| !parameter(n) && !n.is_null()).map(beside) else {
            // A test for NULL needs none.
            let all = nodes.iter().all(parameter);
            return if all { refuse("nothing tells the type of a parameter") } else { Ok(nodes) };
        };
        nodes.into_iter().map(|n| self.typed(n, class)).collect()
    }
}

/// The class of a parameter beside a value: of one of JSON, the texts that are the most of them.
fn beside(node: &Node) -> TypeClass {
    if matches!(node.kind, Kind::Member(_)) { TypeClass::Text } else { node.class }
}
