//! Times of a statement: columns that hold texts or numbers in SQLite, and texts that date functions read.

use crate::translate::compare::Op;
use crate::translate::node::{self, Kind, Lit, Node, Prec, Result, refuse};
use crate::translate::size::Size;
use crate::translate::{default, temporal};
use crate::types::TypeClass;
use crate::value::Format;

use TypeClass::{Date, Float, Integer, Text, Time, Timestamp, TimestampTz};

pub(super) fn is_time(node: &Node) -> bool {
    matches!(node.class, Date | Time | Timestamp | TimestampTz)
}

/// SQLite holds its text.
pub(super) fn is_text(node: &Node) -> bool {
    matches!(node.format(), None | Some(Format::Iso8601))
}

/// A value that is compared with a time: the current moment in the form of the time.
pub(super) fn beside(lead: &Node, node: Node, orders: bool) -> Result<Node> {
    let moment = matches!(node.kind, Kind::Moment(_) | Kind::Epoch(_));
    if is_time(&node) && node.spelled != lead.spelled {
        return refuse(
            "a time compared with the result of a date function, whose text may be spelled otherwise",
        );
    }
    match node.kind {
        _ if moment && lead.spelled => refuse("the result of a date function compared with the current time"),
        Kind::Moment(_) | Kind::Epoch(_) => default::assign(&node, lead.class, lead.format()),
        Kind::Literal(Lit::Text(ref t)) if lead.class == Date && !spelled(Date, t) => {
            refuse(format!("'{t}' is no date, with which SQLite compares texts"))
        }
        Kind::Literal(Lit::Text(ref t)) if !orders && lead.class != Date && spelled(Date, t) => {
            refuse(format!("'{t}' has no time of the day, with which SQLite compares texts"))
        }
        Kind::Literal(Lit::Text(ref t)) if lead.spelled && !spelled(lead.class, t) => {
            refuse(format!("'{t}' is not spelled as date functions spell their results"))
        }
        _ => Ok(node),
    }
}

/// A literal as date(), time() and datetime() spell it.
fn spelled(class: TypeClass, text: &str) -> bool {
    let shape = match class {
        Date => "0000-00-00",
        Time => "00:00:00",
        _ => "0000-00-00 00:00:00",
    };
    let same = |(a, b): (char, char)| if b == '0' { a.is_ascii_digit() } else { a == b };
    text.len() == shape.len() && text.chars().zip(shape.chars()).all(same)
}

/// A date column beside a text that begins with a date and goes on: SQLite's text of the date is less than it, and so the
/// date is less than the text, or equal to its date.
pub(super) fn longer(l: &Node, op: Op, r: &Node) -> Option<(Op, Node)> {
    let date = l.class == Date && l.is_column() && is_text(l);
    let start = r.text_literal().filter(|t| date && t.len() > 10).and_then(|t| t.get(..10))?;
    let op = match op {
        Op::Gt | Op::Ge => Op::Gt,
        Op::Lt | Op::Le => Op::Le,
        _ => return None,
    };
    spelled(Date, start).then(|| (op, node::text(start)))
}

/// `datetime('2020-01-31')` as SQLite computes it, without modifiers.
pub(super) fn constant(function: &str, args: &[Node]) -> Option<Node> {
    let [time] = args else { return None };
    let iso = temporal::iso(time.text_literal()?)?;
    let (date, clock) = (iso.date.filter(|_| iso.offset.is_none())?, iso.time.unwrap_or_default());
    let clock = format!("{:02}:{:02}:{:02}", clock.hour(), clock.minute(), clock.second());
    Some(node::text(&match function {
        "date" => date.to_string(),
        "time" => clock,
        "datetime" => format!("{date} {clock}"),
        _ => return None,
    }))
}

/// The number that SQLite holds for a column whose numbers were read as times.
pub(super) fn number(node: Node) -> Result<Node> {
    let factor = match (&node.kind, node.class, node.format()) {
        (Kind::Column { .. }, TimestampTz, Some(Format::UnixEpoch)) => "",
        (Kind::Column { .. }, TimestampTz, Some(Format::UnixEpochMs)) => " * 1000",
        (Kind::Column { .. }, TimestampTz, Some(Format::UnixEpochUs)) => " * 1000000",
        _ => return Ok(node),
    };
    let sql = format!("(extract(epoch FROM {}){factor})::bigint", node.sql);
    Ok(Node::atom(sql, Integer).after(&[&node]).sized(Size::ASSUMED, 64))
}

/// The same, or a refusal for a time whose number is not known.
pub(super) fn known_number(node: Node) -> Result<Node> {
    let node = number(node)?;
    if is_time(&node) {
        refuse("a time of another number format in one place with another value")
    } else {
        Ok(node)
    }
}

/// Values that are compared: beside a text that no date function spells so, the result of one is a text as well.
pub(super) fn beside_texts(nodes: Vec<Node>) -> Vec<Node> {
    let Some(class) = nodes.iter().find(|n| n.spelled).map(|n| n.class) else { return nodes };
    let other = |n: &Node| match &n.kind {
        Kind::Literal(Lit::Text(t)) => !spelled(class, t),
        Kind::Moment(_) | Kind::Epoch(_) | Kind::Literal(_) => false,
        _ => n.class == Text,
    };
    if !nodes.iter().any(other) || nodes.iter().any(|n| is_time(n) && !n.spelled) {
        return nodes;
    }
    nodes.into_iter().map(|n| text(&n).unwrap_or(n)).collect()
}

/// The text of a date function's result.
pub(super) fn text(node: &Node) -> Option<Node> {
    if !node.spelled {
        return None;
    }
    let format = match node.class {
        Date => "YYYY-MM-DD",
        Timestamp => "YYYY-MM-DD HH24:MI:SS",
        Time => return Some(node.cast("text", Text)),
        _ => return None,
    };
    Some(Node::atom(format!("to_char({}, '{format}')", node.sql), Text).after(&[node]))
}

pub(super) fn takes_times(function: &str) -> bool {
    ["date", "time", "datetime", "julianday", "unixepoch", "strftime", "timediff"].contains(&function)
}

/// Texts that SQLite reads as times and PostgreSQL reads alike; others are an error.
const ISO: &str = "'^\\d{4}-\\d\\d-\\d\\d([ T]\\d\\d:\\d\\d(:\\d\\d(\\.\\d{1,6})?)?)?$'";

/// The arguments of a date function, of which the first, or the second after a format, may be a text or a column's number.
pub(super) fn arguments(args: Vec<Node>) -> Result<Vec<Node>> {
    let epoch = args.iter().any(|a| a.text_literal().is_some_and(|t| t.eq_ignore_ascii_case("unixepoch")));
    args.into_iter().map(|a| argument(a, epoch)).collect()
}

/// A text that a date function reads.
pub(super) fn is_read(node: &Node) -> bool {
    node.class == Text && matches!(node.kind, Kind::Column { .. } | Kind::Plain)
}

fn argument(node: Node, epoch: bool) -> Result<Node> {
    match (&node.kind, node.class) {
        (Kind::Column { .. }, TimestampTz) if epoch => number(node),
        (_, Text) if !epoch && is_read(&node) => {
            let text = node.text()?;
            let refused = format!("'not a time in ISO 8601: ' || {}", text.operand());
            let sql = format!(
                "(CASE WHEN {} !~ {} THEN {refused} ELSE {} END)::timestamp",
                text.at(Prec::Operator),
                pattern(),
                text.sql
            );
            Ok(Node::atom(sql, Timestamp).after(&[&text]))
        }
        (Kind::Literal(Lit::Text(t)), _) if !epoch => match temporal::iso(t) {
            Some(temporal::Iso { date: Some(date), time, offset: None }) => {
                let clock = time.unwrap_or_default();
                Ok(Node::atom(format!("'{date} {clock}'::timestamp"), Timestamp))
            }
            _ => Ok(node),
        },
        (_, Float) if epoch && node.literal().is_none() => {
            refuse("a date function of seconds with a fraction")
        }
        _ => Ok(node),
    }
}

fn pattern() -> String {
    format!("E{}", ISO.replace('\\', "\\\\"))
}
