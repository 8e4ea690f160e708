//! Comparisons: IS, lists, LIKE, and the operators.

use super::cast::cast;
use super::like::glob;
use super::tokens::Token;
use super::{Class, Node, Parser, Result, boolean, refuse};
use crate::sqltext::sqlite_literal;

impl Parser<'_> {
    pub(super) fn comparison(&mut self) -> Result<Node> {
        let left = self.arithmetic()?;
        if self.take("IS") {
            return self.is(&left);
        }
        let Some(Token::Mark(operator)) = self.peek().cloned() else { return Ok(left) };
        match operator.as_str() {
            ")" | "]" | "," => return Ok(left),
            "~~" | "!~~" => {
                self.at += 1;
                let pattern = self.arithmetic()?;
                return like(&left, &pattern, operator == "!~~");
            }
            "=" | "<>" | "<" | "<=" | ">" | ">=" => {}
            other => return refuse(format!("operator {other} is not carried over")),
        }
        self.at += 1;
        if self.take("ANY") {
            return self.listed(&left, &operator, false);
        }
        if self.take("ALL") {
            return self.listed(&left, &operator, true);
        }
        let right = self.arithmetic()?;
        comparable(&left, &right, matches!(operator.as_str(), "=" | "<>"))?;
        Ok(boolean(format!("({} {operator} {})", left.sql, right.sql)))
    }

    fn is(&mut self, left: &Node) -> Result<Node> {
        let not = if self.take("NOT") { "NOT " } else { "" };
        if self.take("NULL") {
            return Ok(boolean(format!("({} IS {not}NULL)", left.sql)));
        }
        for (word, value) in [("TRUE", "1"), ("FALSE", "0")] {
            if self.take(word) {
                return match left.class {
                    Class::Boolean => Ok(boolean(format!("({} IS {not}{value})", left.sql))),
                    _ => refuse(format!("IS {word} of anything but a truth value is not carried over")),
                };
            }
        }
        if self.take("DISTINCT") {
            self.need("FROM")?;
            let right = self.arithmetic()?;
            comparable(left, &right, true)?;
            // `IS NOT` says the same.
            let not = if not.is_empty() { "NOT " } else { "" };
            return Ok(boolean(format!("({} IS {not}{})", left.sql, right.sql)));
        }
        refuse("IS with anything but NULL, a truth value and DISTINCT is not carried over")
    }

    /// `= ANY (ARRAY[…])` and `<> ALL (ARRAY[…])`: IN and NOT IN.
    fn listed(&mut self, left: &Node, operator: &str, all: bool) -> Result<Node> {
        let word = match (operator, all) {
            ("=", false) => "IN",
            ("<>", true) => "NOT IN",
            _ => return refuse(format!("{operator} with a list is not carried over")),
        };
        self.need("(")?;
        let nested = self.take("(");
        self.need("ARRAY")?;
        self.need("[")?;
        let mut items = vec![];
        loop {
            items.push(self.arithmetic()?);
            if !self.take(",") {
                break;
            }
        }
        self.need("]")?;
        if nested {
            self.need(")")?;
        }
        while self.take("::") {
            let name = self.type_name()?;
            let Some(of) = name.strip_suffix(" []") else { return refuse("a list is cast to no list") };
            items = items.into_iter().map(|item| cast(item, of)).collect::<Result<_>>()?;
        }
        self.need(")")?;
        for item in &items {
            comparable(left, item, true)?;
            if !item.constant || item.class == Class::Null {
                return refuse("a list of anything but constants is not carried over");
            }
        }
        let items: Vec<String> = items.into_iter().map(|item| item.sql).collect();
        Ok(boolean(format!("({} {word} ({}))", left.sql, items.join(", "))))
    }
}

/// LIKE tells letters apart by case, which SQLite's does not, and GLOB does.
fn like(left: &Node, pattern: &Node, not: bool) -> Result<Node> {
    use super::Of;
    if !matches!(left.class, Class::Text | Class::Bytes) || left.of == Of::Padded {
        return refuse("LIKE of anything but a text is not carried over");
    }
    let Some(text) = pattern.text.as_deref().filter(|_| pattern.class == Class::Bytes) else {
        return refuse("LIKE with a pattern that is no constant is not carried over");
    };
    let word = if not { "NOT GLOB" } else { "GLOB" };
    Ok(boolean(format!("({} {word} {})", left.sql, sqlite_literal(&glob(text)?))))
}

/// Both sides are told apart, or sorted, as PostgreSQL does it.
pub(in crate::export) fn comparable(left: &Node, right: &Node, equality: bool) -> Result<()> {
    use Class::*;
    let fits = match (left.class, right.class) {
        (Null, _) | (_, Null) => false,
        (Other, _) => return refuse(left.reason()),
        (_, Other) => return refuse(right.reason()),
        (Number, Number) | (Date, Date) | (Timestamp, Timestamp) | (Boolean, Boolean) | (Bytes, Bytes) => {
            true
        }
        // A constant has the column's collation.
        (Text, Text | Bytes) | (Bytes, Text) => equality,
        (Named, Named | Bytes) | (Bytes, Named) => equality,
        _ => false,
    };
    match fits {
        true => Ok(()),
        false if equality => refuse("the sides of a comparison are not of one kind"),
        false => refuse("texts are sorted by the rules of a language, which SQLite does not know"),
    }
}
