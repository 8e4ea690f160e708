//! Division of numbers of which SQLite holds some as integers: it divides two integers without a fraction.

use crate::translate::node::{Kind, Node, Prec};
use crate::translate::size::Size;
use crate::types::TypeClass;

/// A column with numeric affinity holds a whole number as an integer, and nothing else as one: its value tells.
fn tells(node: &Node) -> bool {
    node.class == TypeClass::Integer || node.mixed && matches!(node.kind, Kind::Column { .. })
}

/// Whether the values of both operands tell how SQLite divides them. Doubles would lose digits of large integers.
pub(super) fn divides(l: &Node, r: &Node) -> bool {
    let exact = |n: &Node| tells(n) && n.class != TypeClass::Float;
    exact(l) && exact(r) && (l.mixed || r.mixed)
}

/// Without a fraction where both numbers are whole.
pub(super) fn divided(l: &Node, r: &Node) -> Node {
    let whole = |n: &Node| format!("{} = trunc({})", n.at(Prec::Operator), n.sql);
    let whole: Vec<String> = [l, r].iter().filter(|n| n.mixed).map(|n| whole(n)).collect();
    let (l_sql, divisor) = (l.operand(), format!("nullif({}, 0)::numeric", r.sql));
    let condition = whole.join(" AND ");
    let sql = format!("CASE WHEN {condition} THEN div({l_sql}, {divisor}) ELSE {l_sql} / {divisor} END");
    Node::new(sql, TypeClass::Numeric, Prec::Unary).after(&[l, r]).sized(Size::ASSUMED, 64).mixed(true)
}
