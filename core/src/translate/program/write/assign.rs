//! A value as what its column holds: what a load would make of the value that SQLite stores there.
//!
//! SQLite converts by the column's affinity and stores whatever comes out, PostgreSQL has a type. A literal is converted here;
//! a computed value is converted by PostgreSQL, and is an error where it has no place in the type, as a note says.

use sqlite3_parser::ast::Expr;

use super::super::{guard, times};
use super::target::Field;
use crate::catalog::Affinity;
use crate::sqltext;
use crate::translate::expr::Walk;
use crate::translate::member::Member;
use crate::translate::node::{Kind, Lit, Node, Prec, Result, class_name, refuse};
use crate::translate::size::Size;
use crate::translate::{default, literal};
use crate::types::TypeClass;
use crate::value::{Format, PgType};

use TypeClass::{
    Bool, Bytea, Date, Float, Integer, Json, Jsonb, Numeric, Text, Time, Timestamp, TimestampTz, Uuid,
};

const NO_NUMBER: &str = "a text that is no number is an error in a column of numbers, where SQLite stores it";
const FRACTION: &str = "a number with a fraction is an error in a column of integers, where SQLite stores it";
const NO_FLAG: &str = "a number other than 0 and 1 is an error in a boolean column, where SQLite stores it";
const RANGE: &str = "a number that its column's type does not hold is an error, where SQLite stores it";
const DIGITS: &str = "a number is rounded to the digits of its numeric column, where SQLite stores them all";
const DOUBLE: &str = "a double in a numeric column is its number of 15 digits";
const LENGTH: &str =
    "a text that is longer than its column's type allows is an error, where SQLite stores it";
const NO_TIME: &str =
    "a text that is written to a column of times is in ISO 8601 without an offset; others are an error";
const NO_UUID: &str = "a text that is no UUID is an error in a uuid column, where SQLite stores it";
const NO_JSON: &str =
    "a text that is no JSON document is an error in a column of JSON, where SQLite stores it";
const LOOKS: &str = "a text that is written to a text column with numeric affinity is no number, which SQLite would store as one";
const NOW: &str = "the current time is that of the transaction's start, to the microsecond in a column of times, where SQLite takes the statement's";

impl<'s> Walk<'s> {
    /// What is written to a column, for an expression.
    pub(super) fn assign_expr(&mut self, node: Node, field: &Field, e: &Expr<'_>) -> Result<Node> {
        self.assign(node, field).map_err(|mut refusal| {
            refusal.near.get_or_insert_with(|| guard::shown(e));
            refusal
        })
    }

    pub(super) fn assign(&mut self, node: Node, field: &Field) -> Result<Node> {
        let mut node = self.parameter_of(node, field)?;
        if matches!(node.class, Float | Numeric)
            && node.literal().is_none()
            && field.affinity == Affinity::Text
        {
            node = self.real_as_text(node);
        }
        if node.is_null() {
            return Ok(crate::translate::node::null());
        }
        let written = match node.literal() {
            Some(lit) => constant(lit, field)?,
            None => {
                let (written, note) = computed(&node, field)?;
                note.into_iter().for_each(|note| self.note(note));
                limit(&node, field).into_iter().for_each(|note| self.note(note));
                written
            }
        };
        if field.cast {
            let sql = format!("{}::{}", written.operand(), field.printed);
            return Ok(Node { sql, prec: Prec::Atom, ..written });
        }
        Ok(written)
    }

    /// A parameter has the type of the column that it is written to.
    pub(super) fn parameter_of(&mut self, node: Node, field: &Field) -> Result<Node> {
        if !matches!(node.kind, Kind::Parameter(_)) {
            return Ok(node);
        }
        if field.class == TypeClass::Other {
            return refuse(format!("a parameter for a column of type {}", field.pg_type));
        }
        let mut node = self.typed(node, field.class)?;
        // It is the column's value, not a text or number that would have to become one.
        node.kind = Kind::Column {
            format: field.format,
            collation: crate::translate::Collation::Binary,
            timezone: field.timezone.clone(),
        };
        node.numeric_text = field.class == Text && is_numeric(field.affinity);
        if node.numeric_text {
            self.note(LOOKS);
        }
        Ok(node)
    }
}

fn is_numeric(affinity: Affinity) -> bool {
    matches!(affinity, Affinity::Integer | Affinity::Numeric | Affinity::Real)
}

/// A literal as SQLite stores it, and as a load reads it.
fn constant(lit: &Lit, field: &Field) -> Result<Node> {
    let stored = with_affinity(lit, field.affinity);
    let lit = stored.as_ref().unwrap_or(lit);
    if field.class == Bytea && matches!(lit, Lit::Text(_)) {
        return refuse("a text for a bytea column");
    }
    if field.class == TypeClass::Other {
        return refuse(format!("a value for a column of type {}", field.pg_type));
    }
    if let (PgType::Varchar(Some(most)) | PgType::Bpchar(Some(most)), Lit::Text(t)) =
        (field.pg_type.base(), lit)
        && t.chars().count() > *most as usize
    {
        return refuse(format!("a text that is longer than {}", field.pg_type));
    }
    let node = default::fit(lit, field.class, field.pg_type.base(), field.format, &field.timezone)?;
    if let (PgType::Numeric(Some((_, scale))), Some(Lit::Real(_, digits))) =
        (field.pg_type.base(), node.literal())
    {
        let fraction =
            digits.split(['e', 'E']).next().and_then(|d| d.split_once('.')).map_or(0, |(_, f)| f.len());
        if digits.contains(['e', 'E']) || i64::try_from(fraction).unwrap_or(i64::MAX) > i64::from(*scale) {
            return refuse(format!("{digits} has more digits than {}", field.pg_type));
        }
    }
    if matches!(field.pg_type.base(), PgType::Time(p) | PgType::Timestamp(p) | PgType::TimestampTz(p) if *p < 6)
        && node.sql.contains('.')
    {
        return refuse(format!("{} may have more digits than {}", node.sql, field.pg_type));
    }
    Ok(node)
}

/// What SQLite stores for a literal, where that is another one.
fn with_affinity(lit: &Lit, affinity: Affinity) -> Option<Lit> {
    let number = |t: &str| literal::number(t).and_then(|n| n.literal().cloned());
    #[expect(clippy::cast_precision_loss, reason = "SQLite converts so as well")]
    match (affinity, lit) {
        (Affinity::Integer | Affinity::Numeric, Lit::Text(t)) => {
            let number = number(t)?;
            Some(with_affinity(&number, affinity).unwrap_or(number))
        }
        (Affinity::Integer | Affinity::Numeric, Lit::Real(x, _)) => literal::whole(*x).map(Lit::Integer),
        (Affinity::Real, Lit::Text(t)) => {
            let number = number(t)?;
            Some(with_affinity(&number, affinity).unwrap_or(number))
        }
        (Affinity::Real, Lit::Integer(n)) => Some(Lit::Real(*n as f64, format!("{:?}", *n as f64))),
        (Affinity::Text, Lit::Integer(n)) => Some(Lit::Text(n.to_string())),
        _ => None,
    }
}

/// What PostgreSQL's limits mean for a computed value.
fn limit(node: &Node, field: &Field) -> Option<&'static str> {
    match field.pg_type.base() {
        PgType::Varchar(Some(_)) | PgType::Bpchar(Some(_)) => Some(LENGTH),
        PgType::Int2 if node.bits > 16 => Some(RANGE),
        PgType::Int4 if node.bits > 32 => Some(RANGE),
        PgType::Float4 => Some("a number is rounded to single precision"),
        PgType::Numeric(Some(_)) if node.class == Integer => Some(RANGE),
        PgType::Numeric(Some(_)) => Some(DIGITS),
        PgType::Time(p) | PgType::Timestamp(p) | PgType::TimestampTz(p) if *p < 6 => {
            Some("a time is rounded to the digits of its column")
        }
        _ => None,
    }
}

/// A computed value, and what is assumed of it.
fn computed(node: &Node, field: &Field) -> Result<(Node, Option<&'static str>)> {
    if let Kind::Moment(_) | Kind::Epoch(_) | Kind::Digits(_) = node.kind {
        let note = (!matches!(node.kind, Kind::Digits(_))).then_some(NOW);
        return Ok((default::assign(node, field.class, field.format)?, note));
    }
    if let Kind::Member(member) = &node.kind {
        return of_member(member, node, field);
    }
    if let (Kind::Document(document), Jsonb) = (&node.kind, field.class) {
        return Ok((Node::atom(document.of_jsonb(), Jsonb).after(&[node]), None));
    }
    if (&node.kind, field.class) == (&Kind::Dynamic, Text) && !is_numeric(field.affinity) {
        return Ok((node.text()?, None));
    }
    if matches!(node.kind, Kind::JsonMember | Kind::TypeOf(_)) && node.class != Text {
        return refuse("a value of a JSON document, whose type is not known, for a column");
    }
    let plain = |node: Node| Ok((node.after(&[]), None));
    if times::is_time(node) {
        return time(node, field).and_then(plain);
    }
    let (sql, note) = match (node.class, field.class) {
        (Text, Text) if is_numeric(field.affinity) && !node.numeric_text => {
            return Ok((node.clone(), Some(LOOKS)));
        }
        (Integer | Float | Numeric, Text) if is_numeric(field.affinity) => {
            return refuse("a number for a column of texts and numbers");
        }
        (a, b) if a == b && a != TypeClass::Other => return plain(node.clone()),
        (Integer, Float | Numeric) | (Numeric, Float) => return plain(node.clone()),
        (Float, Numeric) => return Ok((node.clone(), Some(DOUBLE))),
        (Bool, Integer | Float | Numeric) => return plain(node.number()?),
        (Bool, Text) => return plain(node.number()?.text()?),
        (Integer, Text) => return plain(node.text()?),
        (Json, Jsonb) | (Jsonb, Json) => (format!("{}::{}", node.operand(), class_name(field.class)), None),
        (Integer, Bool) => (format!("{}::text::boolean", node.operand()), Some(NO_FLAG)),
        (Float | Numeric, Integer) => (whole(node), Some(FRACTION)),
        (Integer, Timestamp | TimestampTz) => (moment(node, field)?, Some(RANGE)),
        (Text, class) => return of_text(node, class, field),
        (a, b) => {
            return refuse(format!("a {} value for a {} column", class_name(a), class_name(b)));
        }
    };
    Ok((Node::atom(sql, field.class).after(&[node]).sized(Size::ASSUMED, 64), note))
}

/// A value of a JSON document: a text that is no number is an error in a column of numbers.
fn of_member(member: &Member, node: &Node, field: &Field) -> Result<(Node, Option<&'static str>)> {
    let number = || {
        format!(
            "(CASE {} WHEN 'boolean' THEN ({})::boolean::integer ELSE ({})::numeric END)",
            member.kind(),
            member.plain,
            member.plain
        )
    };
    let (sql, note) = match field.class {
        Text if !is_numeric(field.affinity) => return Ok((member.text().after(&[node]), None)),
        Integer => (whole(&Node::atom(number(), Numeric)), Some(FRACTION)),
        Float => (format!("{}::double precision", number()), Some(NO_NUMBER)),
        Numeric => (number(), Some(NO_NUMBER)),
        Bool => (format!("({})::boolean", member.plain), Some(NO_FLAG)),
        Json | Jsonb => (format!("({})::{}", member.text().sql, class_name(field.class)), Some(NO_JSON)),
        class => return refuse(format!("a value of a JSON document for a {} column", class_name(class))),
    };
    Ok((Node::atom(sql, field.class).after(&[node]).sized(Size::ASSUMED, 64), note))
}

/// A number without a fraction, or an error.
fn whole(node: &Node) -> String {
    let x = node.operand();
    format!(
        "(CASE WHEN {x} = trunc({x}) THEN {x}::bigint ELSE ('no whole number: ' || {x}::text)::bigint END)"
    )
}

/// A number that the column's format reads as a time.
fn moment(node: &Node, field: &Field) -> Result<String> {
    let unit = match field.format {
        Some(Format::UnixEpoch) => "1 second",
        Some(Format::UnixEpochMs) => "1 millisecond",
        Some(Format::UnixEpochUs) => "1 microsecond",
        _ => return refuse("a number for a column of times whose format reads no numbers"),
    };
    let start = match field.class {
        TimestampTz => "'1970-01-01 00:00:00+00'::timestamptz",
        _ if field.timezone.is_utc() => "'1970-01-01 00:00:00'::timestamp",
        _ => return refuse("a number for a timestamp column of another time zone than UTC"),
    };
    Ok(format!("({start} + {} * '{unit}'::interval)", node.at(Prec::Unary)))
}

/// A time in a column of times, texts or numbers.
fn time(node: &Node, field: &Field) -> Result<Node> {
    let texts = times::is_text(node);
    let reads_texts = matches!(field.format, None | Some(Format::Iso8601)) || node.spelled;
    let utc = field.timezone.is_utc();
    let (sql, class) = match (node.class, field.class) {
        (_, Text) => match times::text(node) {
            Some(text) => return Ok(text),
            None => return refuse("the text of a time whose spelling is not known"),
        },
        (_, Integer | Float | Numeric) => {
            let number = times::known_number(node.clone())?;
            return Ok(number);
        }
        (a, b) if a == b && (texts && reads_texts || node.format() == field.format) => {
            return Ok(node.clone());
        }
        (Date, Timestamp) if texts && reads_texts => (format!("{}::timestamp", node.operand()), Timestamp),
        (Date, TimestampTz) if texts && reads_texts && utc => {
            (format!("({}::timestamp AT TIME ZONE 'UTC')", node.operand()), TimestampTz)
        }
        (Timestamp, TimestampTz) if node.spelled && utc => {
            (format!("({} AT TIME ZONE 'UTC')", node.operand()), TimestampTz)
        }
        (a, b) => return refuse(format!("a {} value for a {} column", class_name(a), class_name(b))),
    };
    Ok(Node::atom(sql, class).after(&[node]))
}

const INTEGERS: &str = "^[ \\t\\n\\v\\f\\r]*[+-]?[0-9]+[ \\t\\n\\v\\f\\r]*$";
const NUMBERS: &str =
    "^[ \\t\\n\\v\\f\\r]*[+-]?([0-9]+(\\.[0-9]*)?|\\.[0-9]+)([eE][+-]?[0-9]+)?[ \\t\\n\\v\\f\\r]*$";
const DATES: &str = "^\\d{4}-\\d\\d-\\d\\d$";
const CLOCKS: &str = "^\\d\\d:\\d\\d(:\\d\\d(\\.\\d{1,6})?)?$";
const STAMPS: &str = "^\\d{4}-\\d\\d-\\d\\d([ T]\\d\\d:\\d\\d(:\\d\\d(\\.\\d{1,6})?)?)?$";
const UUIDS: &str = "^[0-9A-Fa-f]{8}-?[0-9A-Fa-f]{4}-?[0-9A-Fa-f]{4}-?[0-9A-Fa-f]{4}-?[0-9A-Fa-f]{12}$";

/// A computed text in a column of another type: it has the form that both databases read alike, or is an error.
fn of_text(node: &Node, class: TypeClass, field: &Field) -> Result<(Node, Option<&'static str>)> {
    let utc = field.timezone.is_utc();
    let (pattern, what, note) = match class {
        Integer => (INTEGERS, "whole number", NO_NUMBER),
        Float | Numeric => (NUMBERS, "number", NO_NUMBER),
        Date => (DATES, "date in ISO 8601", NO_TIME),
        Time => (CLOCKS, "time in ISO 8601", NO_TIME),
        Timestamp => (STAMPS, "time in ISO 8601", NO_TIME),
        TimestampTz if utc => (STAMPS, "time in ISO 8601", NO_TIME),
        Uuid => (UUIDS, "UUID", NO_UUID),
        Json | Jsonb => {
            let sql = format!("{}::{}", node.operand(), class_name(class));
            return Ok((Node::atom(sql, class).after(&[node]), Some(NO_JSON)));
        }
        Bytea => return refuse("a computed text for a bytea column"),
        _ => return refuse(format!("a text for a {} column", class_name(class))),
    };
    if !node.immutable {
        return refuse(format!("a text that changes from call to call for a {} column", class_name(class)));
    }
    let value = node.text()?;
    let error = format!("{} || {}", sqltext::literal(&format!("no {what}: ")), value.operand());
    let checked = format!(
        "(CASE WHEN {} ~ {} THEN {} ELSE {error} END)",
        value.at(Prec::Operator),
        sqltext::literal(pattern),
        value.sql
    );
    let sql = match class {
        TimestampTz => format!("({checked}::timestamp AT TIME ZONE 'UTC')"),
        _ => format!("{checked}::{}", class_name(class)),
    };
    Ok((Node::atom(sql, class).after(&[node]).sized(Size::ASSUMED, 64), Some(note)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_literal_is_what_sqlite_stores() {
        let text = |t: &str| Lit::Text(t.into());
        for (lit, affinity, stored) in [
            (text("007"), Affinity::Numeric, Some(Lit::Integer(7))),
            (text("1.0"), Affinity::Integer, Some(Lit::Integer(1))),
            (text("abc"), Affinity::Integer, None),
            (text("0x10"), Affinity::Integer, None),
            (text("7"), Affinity::Text, None),
            (Lit::Integer(7), Affinity::Text, Some(text("7"))),
            (Lit::Integer(7), Affinity::Real, Some(Lit::Real(7.0, "7.0".into()))),
            (Lit::Integer(7), Affinity::Blob, None),
            (Lit::Blob(vec![1]), Affinity::Integer, None),
        ] {
            assert_eq!(with_affinity(&lit, affinity), stored, "{lit:?} {affinity:?}");
        }
    }
}
