//! PostgreSQL's expressions, as `pg_get_expr` prints them, -> SQLite's: those that are the same for every row that the
//! file can hold. What cannot be shown to be is refused with a reason, and its constraint becomes a finding.
//!
//! Understood are columns, constants with their casts, comparisons, AND, OR, NOT, IS NULL, lists, `length`; of defaults
//! also the clock and random UUIDs.

mod cast;
mod default;
mod tokens;

use std::fmt;

use self::cast::{cast, number};
use self::tokens::{Token, tokens};
use super::columns::OutColumn;
use super::convert::OnInvalid;
use super::types::Family;
use crate::sqltext::{sqlite_ident, sqlite_literal};
use crate::value::PgType;

pub use self::default::default;

/// Why an expression is not carried over: lower case, no full stop.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Untranslatable(pub String);

impl fmt::Display for Untranslatable {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

type Result<T> = std::result::Result<T, Untranslatable>;

fn refuse<T>(reason: impl Into<String>) -> Result<T> {
    Err(Untranslatable(reason.into()))
}

/// What values of an expression are in the file, as far as comparing them goes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Class {
    Boolean,
    /// Integers and reals, compared by value.
    Number,
    /// Texts that are equal where their bytes are.
    Text,
    /// The same, in the order of their bytes.
    Bytes,
    /// ISO-8601 texts of one form.
    Date,
    Timestamp,
    /// A constant of a type that is known only to the server, as an enum's.
    Named,
    Null,
}

#[derive(Debug, Clone)]
struct Node {
    sql: String,
    class: Class,
    constant: bool,
    /// The text of a constant.
    text: Option<String>,
    of: Of,
}

/// Whose values those of a number or of a text are: what casts leave as it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Of {
    SmallInt,
    Integer,
    BigInt,
    Numeric,
    Double,
    /// `char(n)`, without the spaces at its end.
    Padded,
    Other,
}

/// Nesting beyond it is refused.
const DEEPEST: usize = 100;

/// More conditions are refused: SQLite takes expressions of a depth of 1000, and has each AND one deeper than the last.
const MOST_TERMS: usize = 500;

/// A condition of a CHECK or of a partial index, over columns of the file. A domain's `VALUE` is the column `value`.
pub fn condition(sql: &str, columns: &[OutColumn<'_>], value: Option<&OutColumn<'_>>) -> Result<String> {
    let mut parser = Parser { tokens: tokens(sql)?, at: 0, columns, value, depth: 0, terms: 0 };
    let node = parser.or()?;
    if parser.peek().is_some() {
        return refuse("the expression is not understood");
    }
    if node.class != Class::Boolean {
        return refuse("the expression is no condition");
    }
    Ok(node.sql)
}

/// What an expression names, in order, which may be columns; nothing of one that cannot be split into words.
pub fn named_columns(sql: &str) -> Vec<String> {
    let tokens = tokens(sql).unwrap_or_default();
    let mut out: Vec<String> = vec![];
    for (at, token) in tokens.iter().enumerate() {
        let (Token::Word(name) | Token::Name(name)) = token else { continue };
        let next = tokens.get(at + 1);
        let is_other = next.is_some_and(|next| next.is("(") || next.is("."));
        let is_type = at.checked_sub(1).is_some_and(|before| tokens[before].is("::"));
        if !is_other && !is_type && !out.contains(name) {
            out.push(name.clone());
        }
    }
    out
}

struct Parser<'a> {
    tokens: Vec<Token>,
    at: usize,
    columns: &'a [OutColumn<'a>],
    value: Option<&'a OutColumn<'a>>,
    depth: usize,
    terms: usize,
}

impl Parser<'_> {
    fn peek(&self) -> Option<&Token> {
        self.tokens.get(self.at)
    }

    fn take(&mut self, mark: &str) -> bool {
        let found = self.peek().is_some_and(|token| token.is(mark));
        self.at += usize::from(found);
        found
    }

    fn need(&mut self, mark: &str) -> Result<()> {
        if self.take(mark) { Ok(()) } else { refuse(format!("\"{mark}\" was expected")) }
    }

    fn or(&mut self) -> Result<Node> {
        self.depth += 1;
        if self.depth > DEEPEST {
            return refuse("the expression is nested too deeply");
        }
        let node = self.joined("OR", Parser::and)?;
        self.depth -= 1;
        Ok(node)
    }

    fn and(&mut self) -> Result<Node> {
        self.joined("AND", Parser::not)
    }

    fn joined(&mut self, word: &str, part: fn(&mut Self) -> Result<Node>) -> Result<Node> {
        let mut left = part(self)?;
        while self.take(word) {
            self.terms += 1;
            if self.terms > MOST_TERMS {
                return refuse("the expression has too many conditions");
            }
            let right = part(self)?;
            if [left.class, right.class].iter().any(|class| !matches!(class, Class::Boolean | Class::Null)) {
                return refuse(format!("an operand of {word} is no condition"));
            }
            left = boolean(format!("({} {word} {})", left.sql, right.sql));
        }
        Ok(left)
    }

    fn not(&mut self) -> Result<Node> {
        if !self.take("NOT") {
            return self.comparison();
        }
        let node = self.not()?;
        match node.class {
            Class::Boolean => Ok(boolean(format!("(NOT {})", node.sql))),
            _ => refuse("the operand of NOT is no condition"),
        }
    }

    fn comparison(&mut self) -> Result<Node> {
        let left = self.operand()?;
        if self.take("IS") {
            let not = if self.take("NOT") { "NOT " } else { "" };
            return match self.take("NULL") {
                true => Ok(boolean(format!("({} IS {not}NULL)", left.sql))),
                false => refuse("IS with anything but NULL is not carried over"),
            };
        }
        let Some(Token::Mark(operator)) = self.peek().cloned() else { return Ok(left) };
        if !matches!(operator.as_str(), "=" | "<>" | "<" | "<=" | ">" | ">=") {
            return match operator.as_str() {
                ")" | "]" | "," => Ok(left),
                other => refuse(format!("operator {other} is not carried over")),
            };
        }
        self.at += 1;
        if self.take("ANY") || self.take("ALL") {
            let all = self.tokens[self.at - 1].is("ALL");
            return self.listed(&left, &operator, all);
        }
        let right = self.operand()?;
        comparable(&left, &right, matches!(operator.as_str(), "=" | "<>"))?;
        Ok(boolean(format!("({} {operator} {})", left.sql, right.sql)))
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
            items.push(self.operand()?);
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

    /// A column, constant or parenthesis, with its casts.
    fn operand(&mut self) -> Result<Node> {
        let mut node = self.primary()?;
        while self.take("::") {
            let name = self.type_name()?;
            node = cast(node, &name)?;
        }
        Ok(node)
    }

    fn primary(&mut self) -> Result<Node> {
        let Some(token) = self.peek().cloned() else { return refuse("the expression ends too early") };
        self.at += 1;
        match token {
            Token::Mark(mark) if mark == "(" => {
                let node = self.or()?;
                self.need(")")?;
                Ok(node)
            }
            Token::Mark(mark) if mark == "-" => match self.peek().cloned() {
                Some(Token::Number(digits)) => {
                    self.at += 1;
                    number(&format!("-{digits}"))
                }
                _ => refuse("operator - is not carried over"),
            },
            Token::Number(digits) => number(&digits),
            Token::Text(text) => Ok(constant_text(text, Of::Other)),
            Token::Name(name) if self.take("(") => self.call(&name),
            Token::Word(word) if word.eq_ignore_ascii_case("true") => Ok(flag("1")),
            Token::Word(word) if word.eq_ignore_ascii_case("false") => Ok(flag("0")),
            Token::Word(word) if word.eq_ignore_ascii_case("null") => {
                Ok(Node { constant: true, ..plain("NULL".into(), Class::Null) })
            }
            Token::Word(word) if self.take("(") => self.call(&word),
            Token::Word(word) if word == "VALUE" && self.value.is_some() => match self.value {
                Some(column) => column_node(column),
                None => refuse("VALUE is no column"),
            },
            Token::Name(name) | Token::Word(name) => {
                match self.columns.iter().find(|c| c.source.name == name) {
                    Some(column) => column_node(column),
                    None => refuse(format!("\"{name}\" is not carried over")),
                }
            }
            Token::Mark(mark) => refuse(format!("\"{mark}\" is not carried over")),
        }
    }

    fn call(&mut self, name: &str) -> Result<Node> {
        if !matches!(name, "length" | "char_length" | "character_length") {
            return refuse(format!("function {name}() is not carried over"));
        }
        let argument = self.or()?;
        self.need(")")?;
        match argument.class {
            Class::Text | Class::Bytes => {
                Ok(Node { of: Of::Integer, ..plain(format!("length({})", argument.sql), Class::Number) })
            }
            _ => refuse(format!("function {name}() of anything but a text is not carried over")),
        }
    }

    /// A type's name as `format_type` prints it. One with modifiers is refused: a cast to it rounds or shortens.
    fn type_name(&mut self) -> Result<String> {
        let mut words = vec![];
        while let Some(Token::Word(word) | Token::Name(word)) = self.peek() {
            // A condition may follow.
            if matches!(word.as_str(), "AND" | "OR" | "IS" | "NOT" | "THEN" | "ELSE" | "END") {
                break;
            }
            words.push(word.clone());
            self.at += 1;
            if self.take(".") {
                words.push(".".into());
            }
            if self.peek().is_some_and(|token| token.is("(")) {
                return refuse(format!(
                    "a cast to {} of a given length is not carried over",
                    words.join(" ")
                ));
            }
        }
        while self.take("[") {
            self.need("]")?;
            words.push("[]".into());
        }
        if words.is_empty() { refuse("a type's name is not understood") } else { Ok(words.join(" ")) }
    }
}

fn plain(sql: String, class: Class) -> Node {
    Node { sql, class, constant: false, text: None, of: Of::Other }
}

fn boolean(sql: String) -> Node {
    plain(sql, Class::Boolean)
}

fn flag(sql: &str) -> Node {
    Node { constant: true, ..plain(sql.into(), Class::Boolean) }
}

fn constant_text(text: String, of: Of) -> Node {
    Node { sql: sqlite_literal(&text), class: Class::Bytes, constant: true, text: Some(text), of }
}

fn column_node(column: &OutColumn<'_>) -> Result<Node> {
    let family = match column.source.pg_type.base() {
        // A single is stored as the double that prints alike, and compared as another one.
        PgType::Float4 => Family::Other,
        // A run's own declared type may keep its values otherwise.
        _ if !keeps_class(column) => Family::Other,
        _ => column.rule.family,
    };
    let class = match family {
        Family::Boolean => Class::Boolean,
        Family::SmallInt | Family::Integer | Family::BigInt | Family::Float | Family::ShortNumeric => {
            Class::Number
        }
        Family::Text | Family::Varchar | Family::Char if column.nocase => {
            return refuse(format!("column \"{}\" has a collation of its own", column.source.name));
        }
        Family::Text | Family::Varchar | Family::Char if column.by_bytes => Class::Bytes,
        Family::Text | Family::Varchar | Family::Char => Class::Text,
        Family::Date if column.format.is_none() => Class::Date,
        Family::Timestamp if column.format.is_none() && column.spelling.is_none() => Class::Timestamp,
        Family::Other if column.source.labels.is_some() => Class::Named,
        _ => {
            let (name, of) = (&column.source.name, &column.source.type_name);
            return refuse(format!("column \"{name}\" of type {of} compares otherwise in SQLite"));
        }
    };
    if column.on_invalid == OnInvalid::Text && !matches!(class, Class::Text | Class::Bytes | Class::Named) {
        return refuse(format!("column \"{}\" may hold texts in place of its values", column.source.name));
    }
    let of = match family {
        Family::SmallInt => Of::SmallInt,
        Family::Integer => Of::Integer,
        Family::BigInt => Of::BigInt,
        Family::ShortNumeric => Of::Numeric,
        Family::Float => Of::Double,
        Family::Char => Of::Padded,
        _ => Of::Other,
    };
    Ok(Node { of, ..plain(sqlite_ident(&column.name), class) })
}

/// The column's affinity leaves its values in the storage class that comparisons count on.
fn keeps_class(column: &OutColumn<'_>) -> bool {
    use crate::value::affinity::Affinity;
    match column.rule.family {
        Family::Text | Family::Varchar | Family::Char => {
            matches!(column.affinity, Affinity::Text | Affinity::Blob)
        }
        Family::Boolean
        | Family::SmallInt
        | Family::Integer
        | Family::BigInt
        | Family::Float
        | Family::ShortNumeric => column.affinity != Affinity::Text,
        _ => true,
    }
}

fn comparable(left: &Node, right: &Node, equality: bool) -> Result<()> {
    use Class::*;
    let fits = match (left.class, right.class) {
        (Null, _) | (_, Null) => false,
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
