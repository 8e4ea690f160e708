//! Values as SQLite converts them where a function or an operator needs another storage class.

use super::times;
use crate::catalog::Affinity;
use crate::translate::Untranslatable;
use crate::translate::expr::Walk;
use crate::translate::helper;
use crate::translate::node::{Kind, Lit, Node, Result, integer, refuse, text};
use crate::translate::size::Size;
use crate::types::TypeClass;

const DIGITS: &str = "a REAL as a text has 15 significant digits, as SQLite printed it for long; its newest releases print up to 17";

const QUOTED: &str = "quote() of a REAL that 15 digits do not hold has 21 digits; SQLite's releases differ in the last of them";

/// Which arguments a function reads as texts: the first so many, or all.
const OF_TEXTS: &[(&str, usize)] = &[
    ("concat", ALL),
    ("concat_ws", ALL),
    ("glob", ALL),
    ("hex", ALL),
    ("instr", ALL),
    ("length", ALL),
    ("like", ALL),
    ("lower", ALL),
    ("ltrim", ALL),
    ("octet_length", ALL),
    ("replace", ALL),
    ("rtrim", ALL),
    ("soundex", ALL),
    ("substr", 1),
    ("substring", 1),
    ("trim", ALL),
    ("unhex", ALL),
    ("unicode", ALL),
    ("unistr", ALL),
    ("upper", ALL),
];

const ALL: usize = usize::MAX;

impl<'s> Walk<'s> {
    /// Helper functions may be called.
    pub(super) fn helps(&self) -> bool {
        self.program.as_ref().is_some_and(|program| !program.schema.no_helpers)
    }

    /// Refuses what calls a helper function where the plan has none.
    pub(super) fn without_helpers(&mut self, node: Node) -> Result<Node> {
        if self.helps() {
            return Ok(node);
        }
        match helper::called_by(&node.sql).last() {
            Some(helper) => refuse(format!(
                "it needs the helper function {}.{}, and helpers is false",
                helper::SCHEMA,
                helper.name
            )),
            None => Ok(node),
        }
    }

    /// The arguments of a function, those that it reads as texts as texts.
    pub(super) fn texts_of(&mut self, function: &str, args: Vec<Node>) -> Result<Vec<Node>> {
        let Some((_, count)) = OF_TEXTS.iter().find(|(name, _)| *name == function) else { return Ok(args) };
        let convert = |(at, arg): (usize, Node)| match arg.class {
            TypeClass::Float | TypeClass::Numeric | TypeClass::Bool if at < *count => self.as_text(arg),
            _ if arg.spelled && at < *count => self.as_text(arg),
            _ => Ok(arg),
        };
        args.into_iter().enumerate().map(convert).collect()
    }

    /// A CAST that has no form of PostgreSQL's own.
    pub(super) fn cast_by_helper(
        &mut self,
        value: Node,
        to: Affinity,
        refused: Untranslatable,
    ) -> Result<Node> {
        let computed = value.literal().is_none();
        match (to, value.class) {
            (Affinity::Real, TypeClass::Text) if computed => self.as_real(value),
            (Affinity::Numeric, TypeClass::Text) if computed => {
                let sql = helper::call("text_number", &[value.text()?.sql]);
                let number = Node::atom(sql, TypeClass::Numeric).after(&[&value]);
                Ok(number.sized(Size::ASSUMED, 64).mixed(true))
            }
            (Affinity::Integer, TypeClass::Float | TypeClass::Numeric) if computed => self.as_integer(value),
            _ => Err(refused),
        }
    }

    /// A number with a fraction as the text that SQLite prints, if that is known.
    pub(super) fn real_as_text(&mut self, node: Node) -> Node {
        let printed = match real_text(&node) {
            Some(printed) if self.helps() || printed.literal().is_some() => printed,
            _ => return node,
        };
        self.note(DIGITS);
        printed
    }

    /// `quote()` of a number with a fraction, or of a boolean.
    pub(super) fn quoted_number(&mut self, node: &Node) -> Result<Option<Node>> {
        let sql = match (node.class, node.literal()) {
            (TypeClass::Float, None) if !node.mixed && self.helps() => {
                self.note(QUOTED);
                helper::call("real_quote", &[&node.sql])
            }
            (TypeClass::Float | TypeClass::Numeric | TypeClass::Bool, _) => {
                self.as_text(node.clone())?.text()?.sql
            }
            _ => return Ok(None),
        };
        Ok(Some(Node::atom(format!("coalesce({sql}, 'NULL')"), TypeClass::Text).after(&[node])))
    }

    /// As an argument that is an integer: `sqlite3_value_int64()`.
    pub(super) fn as_integer(&mut self, node: Node) -> Result<Node> {
        let node = times::number(self.typed(node, TypeClass::Integer)?)?;
        match (node.literal(), node.class) {
            (Some(Lit::Null), _) => Ok(integer(0)),
            (Some(Lit::Integer(_)), _) => Ok(node),
            (Some(Lit::Text(_) | Lit::Real(..)), _) | (None, TypeClass::Text) => {
                crate::translate::cast::cast(node, "INTEGER")
            }
            (None, TypeClass::Integer) => Ok(node.cast("bigint", TypeClass::Integer)),
            (None, TypeClass::Float | TypeClass::Numeric) => {
                let real = as_double(&node);
                Ok(Node::atom(helper::call("real_integer", &[real]), TypeClass::Integer)
                    .after(&[&node])
                    .sized(Size::ASSUMED, 64))
            }
            (None, TypeClass::Bool) => Ok(node.number()?.cast("bigint", TypeClass::Integer)),
            _ => refuse("a number is needed"),
        }
    }

    /// As an argument that is a number of double precision: `sqlite3_value_double()`.
    pub(super) fn as_real(&mut self, node: Node) -> Result<Node> {
        let node = times::number(self.typed(node, TypeClass::Float)?)?;
        match (node.literal(), node.class) {
            (Some(Lit::Null), _) => Ok(Node::atom("0::double precision", TypeClass::Float)),
            (None, TypeClass::Text) => {
                Ok(Node::atom(helper::call("text_real", &[node.text()?.sql]), TypeClass::Float)
                    .after(&[&node])
                    .sized(Size::ASSUMED, 64))
            }
            (Some(Lit::Text(_)), _) => Ok(node.number()?.cast("double precision", TypeClass::Float)),
            (None, TypeClass::Float) => Ok(node),
            (_, TypeClass::Integer | TypeClass::Float | TypeClass::Numeric) => {
                Ok(node.cast("double precision", TypeClass::Float))
            }
            (None, TypeClass::Bool) => Ok(node.number()?.cast("double precision", TypeClass::Float)),
            _ => refuse("a number is needed"),
        }
    }
}

fn as_double(node: &Node) -> String {
    match node.class {
        TypeClass::Float => node.sql.clone(),
        _ => node.cast("double precision", TypeClass::Float).sql,
    }
}

/// The text of a number that SQLite holds as a REAL, or of a column whose value tells how it is held.
fn real_text(node: &Node) -> Option<Node> {
    if let Some(Lit::Real(x, _)) = node.literal() {
        return Some(text(&printed(*x)));
    }
    let column = matches!(node.kind, Kind::Column { .. });
    let (name, argument) = match node.class {
        TypeClass::Float if !node.mixed => ("real_text", node.sql.clone()),
        TypeClass::Numeric if !node.mixed => ("real_text", as_double(node)),
        TypeClass::Float if column => ("number_text", node.sql.clone()),
        TypeClass::Numeric if column => ("decimal_text", node.sql.clone()),
        _ => return None,
    };
    Some(Node::atom(helper::call(name, &[argument]), TypeClass::Text).after(&[node]))
}

/// A REAL as SQLite's `%!.15g`.
fn printed(x: f64) -> String {
    let scientific = format!("{:.14e}", x.abs());
    let sign = if x < 0.0 { "-" } else { "" };
    if x == 0.0 {
        return "0.0".into();
    }
    let Some((mantissa, exponent)) = scientific.split_once('e') else { return format!("{sign}Inf") };
    let exponent: i32 = exponent.parse().unwrap_or_default();
    let digits: String = mantissa.chars().filter(char::is_ascii_digit).collect();
    let digits = digits.trim_end_matches('0');
    let tail = |rest: &str| if rest.is_empty() { "0".to_owned() } else { rest.to_owned() };
    match usize::try_from(exponent) {
        Ok(whole @ 0..=14) => {
            let padded = format!("{digits:0<width$}", width = whole + 1);
            let (before, after) = padded.split_at(whole + 1);
            format!("{sign}{before}.{}", tail(after))
        }
        Err(_) if exponent >= -4 => {
            let zeros = "0".repeat(usize::try_from(-1 - exponent).unwrap_or_default());
            format!("{sign}0.{zeros}{digits}")
        }
        _ => {
            let (first, rest) = digits.split_at(1);
            let (direction, size) = if exponent < 0 { ('-', -exponent) } else { ('+', exponent) };
            format!("{sign}{first}.{}e{direction}{size:02}", tail(rest))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reals_are_printed_with_fifteen_digits() {
        for (x, shown) in [
            (0.1 + 0.2, "0.3"),
            (1.0, "1.0"),
            (-2.5, "-2.5"),
            (1e15, "1.0e+15"),
            (999_999_999_999_999.0, "999999999999999.0"),
            (1e-5, "1.0e-05"),
            (1.5e-4, "0.00015"),
            (-1.25e300, "-1.25e+300"),
            (0.0, "0.0"),
            (f64::INFINITY, "Inf"),
            (123_456.789, "123456.789"),
        ] {
            assert_eq!(printed(x), shown);
        }
    }
}
