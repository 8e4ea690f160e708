//! CAST: by the affinity of the type's name, as SQLite does.

use super::Size;
use super::node::{Kind, Lit, Node, Prec, Result, class_name, integer, null, refuse, text};
use crate::catalog::Affinity;
use crate::types::TypeClass;

pub(super) fn cast(x: Node, type_name: &str) -> Result<Node> {
    if x.is_null() {
        return Ok(null());
    }
    let computed = x.literal().is_none();
    match (Affinity::of(type_name), x.class) {
        (Affinity::Integer, _) => to_integer(x),
        (Affinity::Text, TypeClass::Bool) if x.is_column() => refuse("CAST of a boolean column to text"),
        // It compares as the column does.
        (Affinity::Text, TypeClass::Text) if x.is_column() => Ok(x),
        (Affinity::Text, _) => {
            let mut node = x.text()?;
            // A cast has the affinity of its type, not of the column.
            if matches!(node.kind, Kind::Column { .. }) {
                node.kind = Kind::Plain;
            }
            Ok(node)
        }
        (Affinity::Real, TypeClass::Float) if computed => Ok(x.mixed(false)),
        (Affinity::Real, TypeClass::Text) if computed => refuse("CAST of text to a real"),
        (Affinity::Real, _) => Ok(x.number()?.cast("double precision", TypeClass::Float)),
        (Affinity::Numeric, TypeClass::Text) if computed => refuse("CAST of text to a number"),
        (Affinity::Numeric, _) => x.number(),
        (Affinity::Blob, TypeClass::Bytea) => Ok(x),
        (Affinity::Blob, class) => refuse(format!("CAST of a {} value to a blob", class_name(class))),
    }
}

/// Truncates toward zero. For text the result is its leading integer, or 0.
fn to_integer(x: Node) -> Result<Node> {
    match (&x.kind, x.class) {
        (Kind::Literal(Lit::Integer(_)), _) => Ok(x),
        (Kind::Literal(Lit::Real(v, _)), _) => match super::literal::whole(v.trunc()) {
            Some(n) => Ok(integer(n)),
            None => refuse("CAST of a constant out of range"),
        },
        (Kind::Epoch(e), TypeClass::Float) => {
            let kind = Kind::Epoch(e.clone());
            Ok(truncated(&x).kind(kind))
        }
        (Kind::Digits(_) | Kind::Epoch(_), _) | (_, TypeClass::Bool) => x.number(),
        (_, TypeClass::Integer) => Ok(x),
        (_, TypeClass::Float | TypeClass::Numeric) if x.size.fits(64) => Ok(truncated(&x)),
        (_, TypeClass::Float | TypeClass::Numeric) => {
            refuse("the result of CAST can be out of range for bigint")
        }
        (_, TypeClass::Text) => {
            let t = x.text()?;
            let (value, digits) = (t.operand(), text("^[ \\t\\n\\v\\f\\r]*([+-]?[0-9]+)").sql);
            // SQLite takes the nearest integer that there is.
            let found = format!(
                "least(greatest(coalesce(substring({value} FROM {digits})::numeric, 0), {}), {})::bigint",
                i64::MIN,
                i64::MAX
            );
            let sql = format!("CASE WHEN {value} IS NOT NULL THEN {found} END");
            Ok(Node::new(sql, TypeClass::Integer, Prec::Unary).after(&[&x]))
        }
        (_, class) => refuse(format!("CAST of a {} value to an integer", class_name(class))),
    }
}

fn truncated(x: &Node) -> Node {
    let size = Size { tiny: 1.0, ..x.size };
    Node::atom(format!("trunc({})::bigint", x.sql), TypeClass::Integer).after(&[x]).sized(size, 64)
}
