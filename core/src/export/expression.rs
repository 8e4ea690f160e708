//! PostgreSQL's expressions, as `pg_get_expr` prints them, -> SQLite's: those that are the same for every row that the
//! file can hold. What cannot be shown to be is refused with a reason, and its constraint becomes a finding.
//!
//! Understood are columns, constants with their casts, comparisons, AND, OR, NOT, IS, lists, LIKE, arithmetic of integers,
//! `||`, CASE, COALESCE, NULLIF, `abs`, `length`; of defaults also the clock and random UUIDs. Where PostgreSQL's
//! arithmetic is an error, as on overflow and division by zero, there is no row that the file could hold.

mod cast;
mod column;
mod comparison;
pub mod default;
mod like;
mod operand;
pub(super) mod tokens;

use std::fmt;

use self::tokens::{Token, tokens};
use super::columns::OutColumn;
use super::types::Family;
use crate::sqltext::sqlite_literal;

pub(super) use self::comparison::comparable;
pub use self::default::default;

/// Why an expression is not carried over: lower case, no full stop.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Untranslatable(pub String);

impl fmt::Display for Untranslatable {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

pub(super) type Result<T> = std::result::Result<T, Untranslatable>;

pub(super) fn refuse<T>(reason: impl Into<String>) -> Result<T> {
    Err(Untranslatable(reason.into()))
}

/// What values of an expression are in the file, as far as comparing them goes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Class {
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
    /// What SQLite compares otherwise than PostgreSQL, or keeps otherwise: only whether it is NULL is the same.
    Other,
}

/// An expression of the file.
#[derive(Debug, Clone)]
pub(super) struct Node {
    pub sql: String,
    pub class: Class,
    pub constant: bool,
    /// The text of a constant.
    text: Option<String>,
    pub of: Of,
    /// Why its values are not compared.
    why: Option<String>,
    /// It is this column of this scope, and nothing else.
    pub column: Option<(usize, usize)>,
}

/// Whose values those of a number or of a text are: what casts leave as it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Of {
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

/// The columns that an expression can name.
#[derive(Debug, Clone)]
pub(super) struct Scope<'a> {
    /// How the expression calls the table, if there are several.
    pub alias: Option<String>,
    pub columns: Vec<&'a OutColumn<'a>>,
}

impl<'a> Scope<'a> {
    /// Of one table, by their names alone.
    pub fn of(columns: impl Iterator<Item = &'a OutColumn<'a>>) -> Scope<'a> {
        Scope { alias: None, columns: columns.collect() }
    }
}

/// A condition of a CHECK or of a partial index, over columns of the file. A domain's `VALUE` is the column `value`.
pub(super) fn condition(sql: &str, scope: &Scope<'_>, value: Option<&OutColumn<'_>>) -> Result<String> {
    let mut parser = Parser::new(tokens(sql)?, std::slice::from_ref(scope), value);
    let node = parser.whole()?;
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

/// An expression whose values a unique index tells apart as PostgreSQL does.
pub(super) fn key(sql: &str, scope: &Scope<'_>) -> Result<String> {
    let node = Parser::new(tokens(sql)?, std::slice::from_ref(scope), None).whole()?;
    match node.class {
        Class::Other | Class::Null | Class::Named => refuse(node.reason()),
        _ if node.constant => refuse("the expression is a constant"),
        _ => Ok(node.sql),
    }
}

/// The expression of a generated column, whose values are stored as those of the column are.
pub(super) fn generated(sql: &str, scope: &Scope<'_>, column: &OutColumn<'_>) -> Result<String> {
    let node = Parser::new(tokens(sql)?, std::slice::from_ref(scope), None).whole()?;
    let fits = match (node.class, column.rule.family) {
        (Class::Null | Class::Boolean, Family::Boolean) => true,
        (Class::Number, Family::SmallInt | Family::Integer | Family::BigInt) => node.of <= Of::BigInt,
        (Class::Text | Class::Bytes, Family::Text | Family::Varchar) => node.of != Of::Padded,
        (Class::Date, Family::Date) => column.format.is_none(),
        (Class::Timestamp, Family::Timestamp) => column.format.is_none() && column.spelling.is_none(),
        _ => false,
    };
    match fits && column::keeps_class(column) {
        true => Ok(node.sql),
        false => refuse("what SQLite computes is not stored as the column is"),
    }
}

pub(super) struct Parser<'a> {
    tokens: Vec<Token>,
    pub at: usize,
    scopes: &'a [Scope<'a>],
    value: Option<&'a OutColumn<'a>>,
    depth: usize,
    terms: usize,
    /// `count`, `sum`, `min` and `max` may be called.
    pub aggregates: bool,
    /// One was.
    pub aggregated: bool,
}

impl<'a> Parser<'a> {
    pub fn new(tokens: Vec<Token>, scopes: &'a [Scope<'a>], value: Option<&'a OutColumn<'a>>) -> Parser<'a> {
        Parser { tokens, at: 0, scopes, value, depth: 0, terms: 0, aggregates: false, aggregated: false }
    }

    /// All of the text.
    fn whole(&mut self) -> Result<Node> {
        let node = self.or()?;
        match self.peek() {
            None => Ok(node),
            Some(_) => refuse("the expression is not understood"),
        }
    }

    pub fn peek(&self) -> Option<&Token> {
        self.tokens.get(self.at)
    }

    pub fn take(&mut self, mark: &str) -> bool {
        let found = self.peek().is_some_and(|token| token.is(mark));
        self.at += usize::from(found);
        found
    }

    pub fn need(&mut self, mark: &str) -> Result<()> {
        if self.take(mark) { Ok(()) } else { refuse(format!("\"{mark}\" was expected")) }
    }

    fn deeper(&mut self) -> Result<()> {
        self.depth += 1;
        if self.depth > DEEPEST { refuse("the expression is nested too deeply") } else { Ok(()) }
    }

    pub fn or(&mut self) -> Result<Node> {
        self.deeper()?;
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
        self.deeper()?;
        let node = self.not()?;
        self.depth -= 1;
        match node.class {
            Class::Boolean => Ok(boolean(format!("(NOT {})", node.sql))),
            _ => refuse("the operand of NOT is no condition"),
        }
    }
}

impl Node {
    /// Why it is not compared.
    fn reason(&self) -> String {
        self.why.clone().unwrap_or_else(|| "the expression compares otherwise in SQLite".into())
    }
}

fn plain(sql: String, class: Class) -> Node {
    Node { sql, class, constant: false, text: None, of: Of::Other, why: None, column: None }
}

fn boolean(sql: String) -> Node {
    plain(sql, Class::Boolean)
}

fn flag(sql: &str) -> Node {
    Node { constant: true, ..plain(sql.into(), Class::Boolean) }
}

fn constant_text(text: String, of: Of) -> Node {
    Node { constant: true, text: Some(text.clone()), of, ..plain(sqlite_literal(&text), Class::Bytes) }
}
