//! A translated piece of an expression: PostgreSQL text, the family of its value, and what is known about it.
//!
//! Assumes that every constructor sets `sql`, `class` and `prec` consistently. Does not read SQLite's syntax; `expr`
//! does.

use super::beginning::beginning;
use super::member::{Member, Typed};
use super::{Size, Untranslatable};
use crate::sqltext;
use crate::types::TypeClass;
use crate::value::{Format, Timezone};

pub(super) type Result<T> = std::result::Result<T, Untranslatable>;

/// Refuses, with a reason in lower case and without a full stop.
pub(super) fn refuse<T>(reason: impl Into<String>) -> Result<T> {
    Err(Untranslatable { reason: reason.into(), near: None })
}

/// How tightly the outermost operator of a text binds, loosest first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Prec {
    Or,
    And,
    Not,
    Compare,
    Operator,
    Unary,
    Atom,
}

/// Reads a citext column as text, whose operators and functions compare bytes.
pub(super) const TEXT: &str = "::text";

/// A value that is known when the expression is read.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Lit {
    Null,
    Integer(i64),
    /// The value, and its digits as PostgreSQL reads them.
    Real(f64, String),
    Text(String),
    Blob(Vec<u8>),
}

/// How SQLite compares texts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Collation {
    /// Byte by byte.
    Binary,
    /// Without regard to the case of ASCII letters.
    Nocase,
    /// Without spaces at the end.
    Rtrim,
    /// The application's own, which SQLite itself does not know.
    Own,
}

impl Collation {
    /// The collation of a declaration or of COLLATE.
    pub fn named(name: &str) -> Collation {
        match name.to_ascii_uppercase().as_str() {
            "BINARY" => Collation::Binary,
            "NOCASE" => Collation::Nocase,
            "RTRIM" => Collation::Rtrim,
            _ => Collation::Own,
        }
    }
}

/// Which collation a value brings to a comparison without COLLATE.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) enum Brings {
    /// That of the column, if it is one.
    #[default]
    OfColumn,
    /// One even if it is no column: BINARY of a subquery's computed column, and of `+x`.
    Always,
    /// None, though it has a column's affinity: a subquery as a value.
    Nothing,
}

/// What is known about a value in addition to its family.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Kind {
    Plain,
    Literal(Lit),
    Column {
        format: Option<Format>,
        collation: Collation,
        /// Of times that are stored without an offset.
        timezone: Timezone,
    },
    /// Text that is a whole number; the field computes the number.
    Digits(String),
    /// Upper-case hexadecimal of a bytea; the field is the bytea.
    Hex(String),
    /// The current moment as text; see `Moment`.
    Moment(Moment),
    /// The current moment as a number, `mul * seconds since 1970 + add`.
    Epoch(Epoch),
    /// `typeof(x)`; the field says what x can be.
    TypeOf(TypeOf),
    /// A member of a jsonb value, NULL for JSON's null.
    JsonMember,
    /// A value within a JSON document; only in statements, of class `Other`.
    Member(Member),
    /// A text that is a JSON document, which is this value of type json or jsonb.
    Document(Member),
    /// A text whose storage class in SQLite may be another; only in statements, of class `Other`.
    Dynamic,
    /// A parameter of a statement, which has the type of what it stands beside.
    Parameter(usize),
}

#[derive(Debug, Clone, PartialEq)]
pub(super) struct Moment {
    pub part: Part,
    /// A `timestamp without time zone` in UTC (in the session's zone when `local`).
    pub civil: String,
    /// The same moment as `timestamp with time zone`, if that can be expressed.
    pub instant: Option<String>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Part {
    Date,
    Time,
    DateTime,
}

#[derive(Debug, Clone, PartialEq)]
pub(super) struct Epoch {
    pub mul: f64,
    pub add: f64,
    /// The number whose text the node is.
    pub digits: Option<String>,
}

#[derive(Debug, Clone, PartialEq)]
pub(super) struct TypeOf {
    pub arg: String,
    /// The storage classes that a value other than NULL can have.
    pub possible: &'static [&'static str],
}

/// The column of a table of the file whose values an expression has, unchanged.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Origin {
    pub table: String,
    pub column: String,
    /// The expression: what is made of it has another one.
    pub sql: String,
}

#[derive(Debug, Clone, PartialEq)]
pub(super) struct Node {
    pub sql: String,
    pub class: TypeClass,
    pub prec: Prec,
    pub immutable: bool,
    pub kind: Kind,
    /// An explicit COLLATE.
    pub collate: Option<Collation>,
    pub brings: Brings,
    /// There is a COLLATE in what it is made of, which SQLite applies to comparisons of it as well.
    pub collate_within: bool,
    /// The value is an integer not below this, when it is not NULL.
    pub least: Option<i64>,
    /// Of a number.
    pub size: Size,
    /// Of an integer: those with which PostgreSQL computes.
    pub bits: u8,
    /// A text that JSON functions take for a document.
    pub json: bool,
    /// A text that is one of several, of which some are such.
    pub maybe_json: bool,
    /// Of a number that is no integer in PostgreSQL: SQLite may hold an integer, by which it divides without a fraction.
    pub mixed: bool,
    /// A text that SQLite would compare as a number if it were one: the column's affinity is numeric.
    pub numeric_text: bool,
    /// A time that a date function made: SQLite's text of it has one spelling.
    pub spelled: bool,
    /// In a statement, where a text in a computation is the number that it begins with.
    pub loose: bool,
    /// Its affinity depends on SQLite's release.
    pub unsure: bool,
    /// A column with affinity BLOB, which keeps another column's affinity from it.
    pub untyped: bool,
    /// A column of a trigger's NEW or OLD, which gives nothing that it is compared with its affinity.
    pub bare: bool,
    /// See `Node::origin`.
    pub from: Option<Box<Origin>>,
    /// See `Node::typed`.
    pub classed: Option<Box<Typed>>,
}

impl Node {
    pub fn new(sql: impl Into<String>, class: TypeClass, prec: Prec) -> Node {
        let (kind, collate, size) = (Kind::Plain, None, Size::UNKNOWN);
        Node {
            sql: sql.into(),
            class,
            prec,
            immutable: true,
            kind,
            collate,
            brings: Brings::OfColumn,
            collate_within: false,
            least: None,
            size,
            bits: 64,
            json: false,
            maybe_json: false,
            mixed: false,
            numeric_text: false,
            spelled: false,
            loose: false,
            unsure: false,
            untyped: false,
            bare: false,
            from: None,
            classed: None,
        }
    }
    /// A function call, a cast, a name: needs no parentheses anywhere.
    pub fn atom(sql: impl Into<String>, class: TypeClass) -> Node {
        Node::new(sql, class, Prec::Atom)
    }
    pub fn boolean(sql: impl Into<String>) -> Node {
        Node::new(sql, TypeClass::Bool, Prec::Compare)
    }
    pub fn kind(mut self, kind: Kind) -> Node {
        self.kind = kind;
        self
    }
    pub fn least(mut self, least: Option<i64>) -> Node {
        self.least = least;
        self
    }
    /// A number within these bounds, which PostgreSQL computes with so many bits if it is an integer.
    pub fn sized(mut self, size: Size, bits: u8) -> Node {
        (self.size, self.bits) = (size, bits);
        self
    }
    pub fn mixed(mut self, mixed: bool) -> Node {
        self.mixed = mixed;
        self
    }
    /// Whether the value depends on the clock or on settings.
    pub fn volatile(mut self) -> Node {
        self.immutable = false;
        self
    }
    /// Volatile, or with a COLLATE within, if one of its parts is.
    pub fn after(mut self, parts: &[&Node]) -> Node {
        self.immutable &= parts.iter().all(|p| p.immutable);
        self.collate_within |= parts.iter().any(|p| p.has_collate());
        self
    }

    /// A COLLATE is on it or within it, which SQLite applies to whatever it is compared with.
    pub fn has_collate(&self) -> bool {
        self.collate.is_some() || self.collate_within
    }

    /// The column whose values it has, unchanged.
    pub fn origin(&self) -> Option<&Origin> {
        self.from.as_deref().filter(|origin| origin.sql == self.sql)
    }

    pub fn literal(&self) -> Option<&Lit> {
        match &self.kind {
            Kind::Literal(lit) => Some(lit),
            _ => None,
        }
    }
    pub fn is_null(&self) -> bool {
        self.literal() == Some(&Lit::Null)
    }
    pub fn integer(&self) -> Option<i64> {
        match self.literal() {
            Some(Lit::Integer(n)) => Some(*n),
            _ => None,
        }
    }
    pub fn text_literal(&self) -> Option<&str> {
        match self.literal() {
            Some(Lit::Text(t)) => Some(t),
            _ => None,
        }
    }
    pub fn is_column(&self) -> bool {
        matches!(self.kind, Kind::Column { .. })
    }
    pub fn is_nocase_column(&self) -> bool {
        self.collation() == Collation::Nocase
    }
    /// The column's own; BINARY of anything else.
    pub fn collation(&self) -> Collation {
        match self.kind {
            Kind::Column { collation, .. } => collation,
            _ => Collation::Binary,
        }
    }
    /// What it brings to a comparison.
    pub fn implicit_collation(&self) -> Option<Collation> {
        let brings = match self.brings {
            Brings::OfColumn => self.is_column(),
            Brings::Always => true,
            Brings::Nothing => false,
        };
        brings.then(|| self.collation())
    }
    /// Comparisons of it may be by another collation than BINARY.
    pub fn is_collated(&self) -> bool {
        self.collate.is_some() || self.collate_within || self.collation() != Collation::Binary
    }
    /// SQLite may hold an integer.
    pub fn may_be_integer(&self) -> bool {
        self.class == TypeClass::Integer || self.mixed
    }
    pub fn is_number(&self) -> bool {
        matches!(self.class, TypeClass::Integer | TypeClass::Float | TypeClass::Numeric)
    }
    pub fn format(&self) -> Option<Format> {
        match self.kind {
            Kind::Column { format, .. } => format,
            _ => None,
        }
    }

    /// How times are read that the value is compared with.
    pub fn timezone(&self) -> &Timezone {
        static UTC: Timezone = Timezone::UTC;
        match &self.kind {
            Kind::Column { timezone, .. } => timezone,
            _ => &UTC,
        }
    }

    /// The text, in parentheses unless it binds at least as tightly as `prec`.
    pub fn at(&self, prec: Prec) -> String {
        if self.prec >= prec { self.sql.clone() } else { format!("({})", self.sql) }
    }
    pub fn operand(&self) -> String {
        self.at(Prec::Atom)
    }
    /// `(…)::type`
    pub fn cast(&self, pg_type: &str, class: TypeClass) -> Node {
        let bits = if pg_type == "integer" { 32 } else { 64 };
        let sql = format!("{}::{pg_type}", self.operand());
        let mixed = self.mixed && class == TypeClass::Numeric;
        Node::atom(sql, class).after(&[self]).least(self.least).sized(self.size, bits).mixed(mixed)
    }

    /// The value as the text that SQLite would make of it.
    pub fn text(&self) -> Result<Node> {
        match (&self.kind, self.class) {
            (Kind::Literal(Lit::Null), _) => Ok(Node::atom("NULL::text", TypeClass::Text)),
            (Kind::Literal(Lit::Integer(n)), _) => Ok(text(&n.to_string())),
            // A nondeterministic collation does not support LIKE and regular expressions, and would apply to the result.
            (Kind::Column { collation: Collation::Nocase, .. }, TypeClass::Text) => {
                Ok(Node::atom(format!("{} COLLATE \"C\"", self.operand()), TypeClass::Text))
            }
            (_, TypeClass::Text) => Ok(self.clone()),
            (Kind::Member(member), _) => Ok(member.text().after(&[self])),
            (Kind::Dynamic, _) => Ok(Node::new(self.sql.clone(), TypeClass::Text, self.prec).after(&[self])),
            (_, TypeClass::Integer) => Ok(self.cast("text", TypeClass::Text)),
            (kind, TypeClass::Bool) if !matches!(kind, Kind::Column { .. }) => {
                Ok(self.cast("integer", TypeClass::Integer).cast("text", TypeClass::Text))
            }
            _ => refuse(format!("the text of a {} value differs", class_name(self.class))),
        }
    }

    /// The value as a number, if SQLite would read it as one.
    pub fn number(&self) -> Result<Node> {
        match (&self.kind, self.class) {
            (Kind::Literal(Lit::Null), _) => Ok(Node::atom("NULL::bigint", TypeClass::Integer)),
            (Kind::Literal(Lit::Text(t)), _) => match super::literal::number(t) {
                Some(n) => Ok(n),
                None => refuse(format!("the text '{t}' is used as a number")),
            },
            // Of a time, at the most its seconds.
            (Kind::Digits(n), _) => {
                let bits = if n.ends_with("::integer") { 32 } else { 64 };
                let size = Size::integers(-1e13, 1e13);
                Ok(Node::atom(n, TypeClass::Integer).after(&[self]).sized(size, bits))
            }
            (Kind::Epoch(e @ Epoch { digits: Some(n), .. }), _) => {
                let kind = Kind::Epoch(Epoch { digits: None, ..*e });
                Ok(Node::atom(n, TypeClass::Integer).after(&[self]).kind(kind).sized(self.size, 64))
            }
            (_, TypeClass::Integer | TypeClass::Float | TypeClass::Numeric) => Ok(self.clone()),
            (_, TypeClass::Bool) => Ok(self
                .cast("integer", TypeClass::Integer)
                .least(Some(0))
                .sized(Size::integers(0.0, 1.0), 32)),
            _ => refuse(format!("a {} value is used as a number", class_name(self.class))),
        }
    }

    /// The value as an operand of a computation: in a statement, a text is the number that it begins with.
    pub fn numeric(&self) -> Result<Node> {
        let strict = self.number();
        if strict.is_ok() || !self.loose {
            return strict;
        }
        let number = match &self.kind {
            Kind::Member(member) => {
                Some(Node::new(member.number(), TypeClass::Numeric, Prec::Unary).mixed(true))
            }
            Kind::Dynamic => beginning(&self.text()?),
            _ => beginning(self),
        };
        number.map_or(strict, |n| Ok(n.sized(Size::ASSUMED, 64).after(&[self])))
    }

    /// The value as a condition.
    pub fn truth(&self) -> Result<Node> {
        match (&self.kind, self.class) {
            (_, TypeClass::Bool) => Ok(self.clone()),
            (Kind::Literal(Lit::Null), _) => Ok(Node::atom("NULL::boolean", TypeClass::Bool)),
            (Kind::Literal(Lit::Integer(n)), _) => Ok(boolean(*n != 0)),
            (Kind::Literal(Lit::Real(x, _)), _) => Ok(boolean(*x != 0.0)),
            _ => {
                let n = self.numeric()?;
                if let Some(n) = n.literal() {
                    return Ok(boolean(
                        !matches!(n, Lit::Integer(0)) && !matches!(n, Lit::Real(x, _) if *x == 0.0),
                    ));
                }
                Ok(Node::boolean(format!("{} <> 0", n.at(Prec::Operator))).after(&[self]))
            }
        }
    }
}

/// A text literal.
pub(super) fn text(value: &str) -> Node {
    Node::atom(sqltext::literal(value), TypeClass::Text).kind(Kind::Literal(Lit::Text(value.to_string())))
}

/// An integer literal.
pub(super) fn integer(value: i64) -> Node {
    // The smallest bigint is out of range for PostgreSQL's scanner when written as minus and digits.
    let (sql, prec) = match value {
        i64::MIN => (format!("'{value}'::bigint"), Prec::Atom),
        n if n < 0 => (n.to_string(), Prec::Unary),
        n => (n.to_string(), Prec::Atom),
    };
    let bits = if i32::try_from(value).is_ok() { 32 } else { 64 };
    Node::new(sql, TypeClass::Integer, prec)
        .kind(Kind::Literal(Lit::Integer(value)))
        .least(Some(value))
        .sized(Size::constant(value as f64), bits)
}

pub(super) fn boolean(value: bool) -> Node {
    Node::atom(if value { "true" } else { "false" }, TypeClass::Bool)
}

pub(super) fn null() -> Node {
    Node::atom("NULL", TypeClass::Text).kind(Kind::Literal(Lit::Null))
}

pub(super) fn class_name(class: TypeClass) -> &'static str {
    match class {
        TypeClass::Bool => "boolean",
        TypeClass::Integer => "bigint",
        TypeClass::Float => "double precision",
        TypeClass::Numeric => "numeric",
        TypeClass::Text => "text",
        TypeClass::Bytea => "bytea",
        TypeClass::Date => "date",
        TypeClass::Time => "time",
        TypeClass::Timestamp => "timestamp",
        TypeClass::TimestampTz => "timestamptz",
        TypeClass::Interval => "interval",
        TypeClass::Uuid => "uuid",
        TypeClass::Json => "json",
        TypeClass::Jsonb => "jsonb",
        TypeClass::Other => "special",
    }
}
