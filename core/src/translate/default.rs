//! DEFAULT: a value or expression, converted as a new row's column would store it.
//!
//! A literal is converted as a stored value is. The current time has the form of the column: `now()` for `timestamptz`,
//! text in SQLite's format for text, a number for an epoch column.

use sqlite3_parser::Bump;
use sqlite3_parser::ast::Expr;

use super::expr::Walk;
use super::node::{Epoch, Kind, Lit, Moment, Node, Part, Prec, Result, class_name, refuse};
use super::{Scope, literal, parse, random};
use crate::export::expression::default::NOW;
use crate::types::TypeClass;
use crate::value::{Format, PgType, Timezone};

pub(super) fn default(
    sql: &str,
    pg_type: &PgType,
    format: Option<Format>,
    timezone: &Timezone,
) -> Result<Option<String>> {
    let bump = Bump::new();
    let mut e = parse::parse(sql, &bump)?;
    while let Expr::Parenthesized(items) = e
        && let [one] = items.as_slice()
    {
        e = one;
    }
    let class = TypeClass::of(pg_type);
    if class == TypeClass::Uuid && (random::is_random_uuid(e) || random::is_sixteen_bytes(e)) {
        return Ok(Some("gen_random_uuid()".into()));
    }
    // The one that an exported file has for `now()`.
    if class == TypeClass::TimestampTz && format.is_none_or(|format| format == Format::Iso8601) && sql == NOW
    {
        return Ok(Some("now()".into()));
    }
    let scope = Scope::default();
    let mut walk = Walk { words_are_strings: true, ..Walk::new(&scope) };
    let node = walk.expr(e)?;
    if node.is_null() {
        return Ok(None);
    }
    let assigned = match node.literal() {
        Some(lit) => fit(lit, class, pg_type, format, timezone)?,
        None => assign(&node, class, format)?,
    };
    // A default is parsed as b_expr, which does not allow AT TIME ZONE, IS or IN.
    let sign = assigned.prec == Prec::Unary && assigned.literal().is_some();
    Ok(Some(if sign { assigned.sql } else { assigned.operand() }))
}

/// A literal within the limits of the type.
pub(super) fn fit(
    lit: &Lit,
    class: TypeClass,
    pg_type: &PgType,
    format: Option<Format>,
    timezone: &Timezone,
) -> Result<Node> {
    let citext = matches!(pg_type, PgType::Other(name) if name.eq_ignore_ascii_case("citext"));
    let node = match lit {
        Lit::Text(t) if citext => super::node::text(t),
        _ if class == TypeClass::Other => {
            return refuse(format!("defaults of type {pg_type} are not translated"));
        }
        _ => literal::stored(lit, class, format, timezone)?,
    };
    let int_limit = match pg_type {
        PgType::Int2 => i64::from(i16::MAX),
        PgType::Int4 => i64::from(i32::MAX),
        _ => i64::MAX,
    };
    if node
        .integer()
        .is_some_and(|n| class == TypeClass::Integer && !(-int_limit - 1..=int_limit).contains(&n))
    {
        return literal::invalid(lit, class);
    }
    match (pg_type, node.text_literal()) {
        (PgType::Varchar(Some(limit)) | PgType::Bpchar(Some(limit)), Some(t))
            if t.chars().count() > *limit as usize =>
        {
            refuse(format!("the default is longer than {pg_type}"))
        }
        _ => Ok(node),
    }
}

/// An expression as a value of the column's class.
pub(super) fn assign(node: &Node, class: TypeClass, format: Option<Format>) -> Result<Node> {
    use TypeClass::{Bool, Float, Integer, Numeric, Text, Timestamp, TimestampTz};
    match (&node.kind, node.class, class) {
        (Kind::Moment(m), _, _) if class != Text => moment(m, class, format),
        (Kind::Epoch(e), _, Timestamp | TimestampTz) => epoch_moment(e, class, format),
        (Kind::Epoch(_), Float, Integer) => Ok(Node::atom(format!("round({})::bigint", node.sql), Integer)),
        (Kind::Epoch(_) | Kind::Digits(_), Text, Integer | Float | Numeric) => node.number(),
        (_, a, b) if a == b => Ok(node.clone()),
        (_, Integer | Float | Numeric, Float) | (_, Integer | Float, Numeric) => Ok(node.clone()),
        (_, Bool, Integer | Float | Numeric) => node.number(),
        (_, Integer | Bool, Text) => node.text(),
        (_, a, b) => refuse(format!("a {} expression for a {} column", class_name(a), class_name(b))),
    }
    .map(|n| n.after(&[node]))
}

/// The current moment, which SQLite would store as text.
fn moment(m: &Moment, class: TypeClass, format: Option<Format>) -> Result<Node> {
    use TypeClass::{Date, Integer, Time, Timestamp, TimestampTz};
    let sql = match (class, m.part) {
        (Date, Part::Date | Part::DateTime) => format!("({})::date", m.civil),
        (Time, Part::Time) => format!("({})::time", m.civil),
        (Timestamp, Part::DateTime) => format!("({})", m.civil),
        (Timestamp, Part::Date) => format!("date_trunc('day', {})", m.civil),
        (TimestampTz, Part::DateTime) if m.instant.is_some() => m.instant.clone().unwrap_or_default(),
        (TimestampTz, Part::Date) => format!("(date_trunc('day', {}) AT TIME ZONE 'UTC')", m.civil),
        (Integer | TypeClass::Float, Part::DateTime) if m.instant.as_deref() == Some("now()") => {
            return epoch_number(class, format);
        }
        _ => return refuse(format!("a date or time for a {} column", class_name(class))),
    };
    Ok(Node::atom(sql, class))
}

/// The current moment as a number of the column's format.
fn epoch_number(class: TypeClass, format: Option<Format>) -> Result<Node> {
    let Some((mul, add)) = format.and_then(scale) else {
        return refuse(format!("a date or time for a {} column", class_name(class)));
    };
    let seconds = "extract(epoch FROM now())";
    let scaled = match (mul, add) {
        (1.0, 0.0) => seconds.to_string(),
        (_, 0.0) => format!("{seconds} * {mul}"),
        (_, _) if mul < 1.0 => format!("{seconds} / 86400.0 + {add}"),
        (1.0, _) => format!("{seconds} + {add}"),
        _ => format!("{seconds} * {mul} + {add}"),
    };
    let sql = match class {
        TypeClass::Integer => format!("floor({})::bigint", scaled.replace("+ -", "- ")),
        _ => format!("({})::double precision", scaled.replace("+ -", "- ")),
    };
    Ok(Node::atom(sql, class))
}

/// `mul * seconds since 1970 + add` of a number format.
fn scale(format: Format) -> Option<(f64, f64)> {
    Some(match format {
        Format::UnixEpoch => (1.0, 0.0),
        Format::UnixEpochMs => (1e3, 0.0),
        Format::UnixEpochUs => (1e6, 0.0),
        Format::UnixEpochNs => (1e9, 0.0),
        Format::JulianDay => (1.0 / 86400.0, 2_440_587.5),
        Format::Apple => (1.0, -978_307_200.0),
        Format::Chrome => (1e6, 11_644_473_600_000_000.0),
        _ => return None,
    })
}

/// A number of the current moment in a column whose numbers are read as times.
fn epoch_moment(e: &Epoch, class: TypeClass, format: Option<Format>) -> Result<Node> {
    let near = |a: f64, b: f64| (a - b).abs() <= b.abs().max(1.0) * 1e-9;
    match format.and_then(scale) {
        Some((mul, add)) if near(e.mul / mul, 1.0) && near(e.add, add) => {
            let sql = if class == TypeClass::Timestamp { "(now() AT TIME ZONE 'UTC')" } else { "now()" };
            Ok(Node::atom(sql, class))
        }
        _ => refuse("the default's numbers are of another unit than the column's format"),
    }
}
