//! Integers beside numbers of double precision: SQLite compares the two exactly, PostgreSQL in double precision.
//!
//! Rounding keeps the order of two numbers, or makes them equal. So only where the rounded integer is equal to the other number
//! does the integer itself decide.

use crate::translate::compare::{self, Op};
use crate::translate::node::{Node, Prec};
use crate::translate::size::Size;
use crate::types::TypeClass;

/// What an integer of 64 bits is below.
const BEYOND: &str = "9223372036854775808::double precision";
/// Up to here every integer is a number of double precision.
const EXACT: f64 = 9_007_199_254_740_992.0;
/// The longest operands, which the form repeats.
const LONGEST: usize = 500;

fn is_large(node: &Node) -> bool {
    if let Some(n) = node.integer() {
        return n.unsigned_abs() > 1 << 53;
    }
    let within = |size: Size| size.low >= -EXACT && size.high <= EXACT;
    node.class == TypeClass::Integer && node.literal().is_none() && node.bits > 53 && !within(node.size)
}

fn is_double(node: &Node) -> bool {
    node.class == TypeClass::Float && node.literal().is_none()
}

/// Whether PostgreSQL would round the integer for the comparison.
pub(super) fn rounds(l: &Node, r: &Node) -> bool {
    let both = is_large(l) && is_double(r) || is_double(l) && is_large(r);
    both && l.sql.len() + r.sql.len() <= LONGEST
}

/// The comparison of two that would be rounded.
pub(super) fn compared(l: &Node, op: Op, r: &Node) -> Node {
    let (n, op, x) = if is_large(l) { (l, op, r) } else { (r, op.flipped(), l) };
    let rounded = format!("{}::double precision", n.operand());
    let (n_sql, x_sql, x_integer) =
        (n.at(Prec::Operator), x.at(Prec::Operator), format!("{}::bigint", x.operand()));
    let same = format!(
        "{rounded} = {x_sql} AND CASE WHEN {x_sql} < -{BEYOND} OR {x_sql} >= {BEYOND} THEN {n_sql} <> {n_sql} ELSE {n_sql} = {x_integer} END"
    );
    let nulls = || {
        let null = |node: &Node| compare::is_null(node, false).sql;
        format!("CASE WHEN {} OR {} THEN {} AND {} ELSE {same} END", null(n), null(x), null(n), null(x))
    };
    let (sql, prec) = match op {
        Op::Eq => (same, Prec::And),
        Op::Ne => (format!("NOT ({same})"), Prec::Not),
        Op::Is => (nulls(), Prec::Unary),
        Op::IsNot => (format!("NOT ({})", nulls()), Prec::Not),
        _ => {
            let (word, less) = (op.sql(), op.of_less());
            let sql = format!(
                "CASE WHEN {rounded} <> {x_sql} THEN {rounded} {word} {x_sql} \
                 WHEN {rounded} = {x_sql} AND {x_sql} < {BEYOND} THEN {n_sql} {word} {x_integer} \
                 WHEN {rounded} = {x_sql} THEN {less} END"
            );
            (sql, Prec::Unary)
        }
    };
    Node::new(sql, TypeClass::Bool, prec).after(&[l, r])
}
