//! Keys of ORDER BY and GROUP BY that are results, by their places or aliases.

use sqlite3_parser::ast::{Expr, Literal, ResultColumn, UnaryOperator};

use super::Output;
use crate::sqltext::sqlite_unquote;
use crate::translate::expr::collated;
use crate::translate::node::{Node, Result, refuse};

/// A key as SQLite looks for it among the results: without parentheses and COLLATE.
pub(super) struct Sought<'s> {
    pub e: &'s Expr<'s>,
    /// The collation that applies to the result.
    collation: Option<&'s str>,
}

impl<'s> Sought<'s> {
    pub fn of(mut e: &'s Expr<'s>) -> Sought<'s> {
        let mut collation = None;
        loop {
            match e {
                // Of several, the last one written applies.
                Expr::Collate(inner, name) => {
                    collation = collation.or(Some(*name));
                    e = inner;
                }
                Expr::Parenthesized(items) if items.len() == 1 => e = &items[0],
                _ => return Sought { e, collation },
            }
        }
    }

    /// The result that it is, under the key's collation.
    pub fn result(&self, node: Node) -> Result<Node> {
        match self.collation {
            Some(name) => collated(node, name),
            None => Ok(node),
        }
    }

    /// `GROUP BY 1`: the result at this place.
    pub fn at_place(&self, columns: &'s [ResultColumn<'s>]) -> Result<Option<&'s Expr<'s>>> {
        let Some(digits) = whole(self.e) else { return Ok(None) };
        if columns.iter().any(|c| !matches!(c, ResultColumn::Expr(..))) {
            return refuse("a place among results with *");
        }
        match place(digits, columns.len()).map(|at| &columns[at]) {
            Some(ResultColumn::Expr(e, _)) => Ok(Some(e)),
            _ => refuse(format!("there is no result {digits}")),
        }
    }

    /// The result that a key of ORDER BY is by its place or alias.
    pub fn place_of(&self, outputs: &[Output]) -> Result<Option<usize>> {
        if let Some(digits) = whole(self.e) {
            return match place(digits, outputs.len()) {
                None => refuse(format!("there is no result {digits}")),
                found => Ok(found),
            };
        }
        let Expr::Id(id) = self.e else { return Ok(None) };
        let name = sqlite_unquote(id.0);
        let is = |n: &String| n.eq_ignore_ascii_case(&name);
        Ok(outputs.iter().position(|o| o.aliased && o.name.as_ref().is_some_and(is)))
    }
}

/// The digits of a whole number, which is a place; of another number, a constant.
fn whole<'s>(e: &'s Expr<'s>) -> Option<&'s str> {
    match e {
        Expr::Unary(UnaryOperator::Positive, e) => match e {
            Expr::Parenthesized(items) if items.len() == 1 => whole(&items[0]),
            e => whole(e),
        },
        Expr::Literal(Literal::Numeric(digits)) => {
            let plain = digits.bytes().all(|b| b.is_ascii_digit());
            (plain || hexadecimal(digits).is_some()).then_some(digits)
        }
        _ => None,
    }
}

fn hexadecimal(digits: &str) -> Option<&str> {
    digits.strip_prefix("0x").or_else(|| digits.strip_prefix("0X"))
}

fn place(digits: &str, results: usize) -> Option<usize> {
    let number = match hexadecimal(digits) {
        Some(hex) => usize::from_str_radix(hex, 16),
        None => digits.parse(),
    };
    number.ok()?.checked_sub(1).filter(|at| *at < results)
}
