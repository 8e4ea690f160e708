//! Division of numbers of which SQLite holds some as integers: it divides two integers without a fraction.

use crate::translate::node::{Kind, Node, Prec};
use crate::translate::size::Size;
use crate::types::TypeClass;

/// A column with numeric affinity holds a whole number as an integer, and nothing else as one: its value tells.
fn tells(node: &Node) -> bool {
    node.class == TypeClass::Integer || node.mixed && matches!(node.kind, Kind::Column { .. })
}

/// Whether the values of both operands tell how SQLite divides them.
pub(super) fn divides(l: &Node, r: &Node) -> bool {
    tells(l) && tells(r) && (l.mixed || r.mixed)
}

/// Without a fraction where both numbers are whole.
pub(super) fn divided(l: &Node, r: &Node) -> Node {
    let whole = |n: &Node| format!("{} = trunc({})", n.at(Prec::Operator), n.sql);
    let whole: Vec<String> = [l, r].iter().filter(|n| n.mixed).map(|n| whole(n)).collect();
    let float = |n: &Node| format!("{}::double precision", n.operand());
    let quotient = format!("{} / nullif({}, 0)", float(l), float(r));
    let sql = format!("CASE WHEN {} THEN trunc({quotient}) ELSE {quotient} END", whole.join(" AND "));
    Node::new(sql, TypeClass::Float, Prec::Unary).after(&[l, r]).sized(Size::ASSUMED, 64).mixed(true)
}
