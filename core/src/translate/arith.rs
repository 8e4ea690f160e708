//! Arithmetic, bits and concatenation.
//!
//! Integers of literals are folded. A result that may be out of range in PostgreSQL is refused (`size`); division by zero
//! stays NULL.

use sqlite3_parser::ast::Operator;

use super::node::{Epoch, Kind, Lit, Node, Prec, Result, integer, null, refuse, text};
use super::size::{self, Size};
use crate::types::TypeClass;

pub(super) fn binary(left: &Node, op: Operator, right: &Node) -> Result<Node> {
    if left.is_null() || right.is_null() {
        return Ok(null());
    }
    let (l, r) = (left.numeric()?, right.numeric()?);
    if let Some(epoch) = epoch(&l, op, &r) {
        return Ok(epoch);
    }
    if let (Some(a), Some(b)) = (l.integer(), r.integer()) {
        return fold(a, op, b);
    }
    match op {
        Operator::Add => plain(&l, "+", &r),
        Operator::Subtract => plain(&l, "-", &r),
        Operator::Multiply => plain(&l, "*", &r),
        Operator::Divide => divide(&l, "/", &r),
        Operator::Modulus => both_integer(&l, &r, "%").and_then(|()| divide(&l, "%", &r)),
        Operator::BitwiseAnd => both_integer(&l, &r, "&").and_then(|()| plain(&l, "&", &r)),
        Operator::BitwiseOr => both_integer(&l, &r, "|").and_then(|()| plain(&l, "|", &r)),
        Operator::LeftShift => shift(&l, "<<", &r),
        Operator::RightShift => shift(&l, ">>", &r),
        _ => refuse("the operator has no equivalent"),
    }
}

fn fold(a: i64, op: Operator, b: i64) -> Result<Node> {
    let value = match op {
        Operator::Add => a.checked_add(b),
        Operator::Subtract => a.checked_sub(b),
        Operator::Multiply => a.checked_mul(b),
        Operator::Divide | Operator::Modulus if b == 0 => return Ok(null()),
        Operator::Divide => a.checked_div(b),
        Operator::Modulus => a.checked_rem(b),
        Operator::BitwiseAnd => Some(a & b),
        Operator::BitwiseOr => Some(a | b),
        Operator::LeftShift => u32::try_from(b).ok().and_then(|b| a.checked_shl(b)),
        Operator::RightShift => u32::try_from(b).ok().and_then(|b| a.checked_shr(b)),
        _ => None,
    };
    value.map_or_else(|| refuse("a constant is out of the range of bigint"), |n| Ok(integer(n)))
}

/// PostgreSQL reads `1.5` as numeric.
fn as_float(n: &Node) -> Node {
    if n.class == TypeClass::Float && n.literal().is_none() {
        n.clone()
    } else {
        n.cast("double precision", TypeClass::Float)
    }
}

fn plain(l: &Node, op: &str, r: &Node) -> Result<Node> {
    use TypeClass::{Float, Integer, Numeric};
    let least = match (op, l.least, r.least, r.integer()) {
        ("+", Some(a), Some(b), _) => a.checked_add(b),
        ("-", Some(a), _, Some(n)) => a.checked_sub(n),
        ("*", Some(a), Some(b), _) if a >= 0 && b >= 0 => a.checked_mul(b),
        _ => None,
    };
    let real = |n: &Node| matches!(n.literal(), Some(Lit::Real(..)));
    let mixed = l.may_be_integer() && r.may_be_integer();
    // The family of the result, the operands converted to it, and its bounds.
    let ((l, size), class, r) = match (l.class, r.class) {
        (Integer, Integer) if matches!(op, "&" | "|") => ((l.clone(), bitwise(l, r)), Integer, r.clone()),
        (Integer, Integer) => (size::of_integers(l, op, r)?, Integer, r.clone()),
        (Numeric, Float) if real(r) => ((l.clone(), Size::UNKNOWN), Numeric, r.clone()),
        (Float, Numeric) if real(l) => ((l.clone(), Size::UNKNOWN), Numeric, r.clone()),
        (Numeric, Integer | Numeric) | (Integer, Numeric) => ((l.clone(), Size::UNKNOWN), Numeric, r.clone()),
        _ => {
            let (l, r) = (as_float(l), as_float(r));
            let size = size::of_reals(&l, op, &r)?;
            ((l, size), Float, r)
        }
    };
    let sql = format!("{} {op} {}", l.operand(), r.operand());
    let bits = l.bits.max(r.bits);
    Ok(Node::new(sql, class, Prec::Operator)
        .after(&[&l, &r])
        .least(least)
        .sized(size, bits)
        .mixed(mixed && class != Integer))
}

/// Bits of either operand: no more than the larger one has.
fn bitwise(l: &Node, r: &Node) -> Size {
    let both = l.size.magnitude().hull(r.size.magnitude());
    Size::integers(-2.0 * both.high - 1.0, 2.0 * both.high + 1.0)
}

/// Division and remainder truncate toward zero on both sides; by zero they are NULL in SQLite.
fn divide(l: &Node, op: &str, r: &Node) -> Result<Node> {
    let whole = (l.mixed || r.mixed) && l.may_be_integer() && r.may_be_integer();
    if l.class == TypeClass::Numeric && !matches!(r.class, TypeClass::Float)
        || r.class == TypeClass::Numeric && !matches!(l.class, TypeClass::Float)
        || whole
    {
        return refuse("division of numeric values: SQLite divides whole numbers without a fraction");
    }
    let least = if l.least.is_some_and(|n| n >= 0) && op == "%" { Some(0) } else { None };
    let computed = r.literal().is_none();
    if constant(r) == Some(0.0) {
        return Ok(null());
    }
    let ((l, size), class, r) = if l.class == TypeClass::Integer && r.class == TypeClass::Integer {
        // The remainder by -1 is 0 in PostgreSQL, too.
        let of_integers = match op {
            "%" => (l.clone(), Size::integers(-l.size.magnitude().high, l.size.magnitude().high)),
            _ => size::of_integers(l, op, r)?,
        };
        (of_integers, TypeClass::Integer, r.clone())
    } else {
        let (l, r) = (as_float(l), as_float(r));
        let size = size::of_reals(&l, op, &r)?;
        ((l, size), TypeClass::Float, r)
    };
    let divisor = if computed { format!("nullif({}, 0)", r.sql) } else { r.operand() };
    let bits = l.bits.max(r.bits);
    Ok(Node::new(format!("{} {op} {divisor}", l.operand()), class, Prec::Operator)
        .after(&[&l, &r])
        .least(least)
        .sized(size, bits))
}

fn both_integer(l: &Node, r: &Node, op: &str) -> Result<()> {
    if l.class == TypeClass::Integer && r.class == TypeClass::Integer {
        return Ok(());
    }
    refuse(format!("{op} over values that are not integers"))
}

/// PostgreSQL shifts by the distance modulo the width; only distances for which SQLite gives the same are translated.
fn shift(l: &Node, op: &str, r: &Node) -> Result<Node> {
    both_integer(l, r, op)?;
    let Some(distance @ 0..=63) = r.integer() else {
        return refuse(format!("{op} by a computed distance"));
    };
    let l = l.cast("bigint", TypeClass::Integer);
    Ok(Node::new(format!("{} {op} {distance}", l.sql), TypeClass::Integer, Prec::Operator).after(&[&l]))
}

pub(super) fn negate(x: &Node) -> Result<Node> {
    if x.is_null() {
        return Ok(null());
    }
    let x = x.numeric()?;
    match x.literal() {
        Some(Lit::Integer(n)) => fold(0, Operator::Subtract, *n),
        Some(Lit::Real(v, digits)) => {
            let digits = digits.strip_prefix('-').map_or_else(|| format!("-{digits}"), str::to_string);
            // The smallest integer is written as minus and a number that is out of range without the minus.
            if digits.parse::<i64>() == Ok(i64::MIN) {
                return Ok(integer(i64::MIN));
            }
            let kind = Kind::Literal(Lit::Real(-v, digits.clone()));
            Ok(Node::new(digits, TypeClass::Float, Prec::Unary).kind(kind).sized(Size::constant(-v), 64))
        }
        _ => {
            let size = x.size.negated();
            let x = if x.class == TypeClass::Integer { size::of_integer(&x, "-", size)? } else { x };
            let sql = format!("- {}", x.operand());
            Ok(Node::new(sql, x.class, Prec::Unary).after(&[&x]).sized(size, x.bits).mixed(x.mixed))
        }
    }
}

pub(super) fn bit_not(x: &Node) -> Result<Node> {
    let x = x.number()?;
    both_integer(&x, &x, "~")?;
    match x.integer() {
        Some(n) => Ok(integer(!n)),
        None => Ok(Node::new(format!("~ {}", x.operand()), TypeClass::Integer, Prec::Operator).after(&[&x])),
    }
}

pub(super) fn concat(left: &Node, right: &Node) -> Result<Node> {
    if left.is_null() || right.is_null() {
        return Ok(null());
    }
    let (l, r) = (left.text()?, right.text()?);
    if let (Some(a), Some(b)) = (l.text_literal(), r.text_literal()) {
        return Ok(text(&format!("{a}{b}")));
    }
    // || is associative, so a chain on the left needs no parentheses.
    let chain = matches!(&left.kind, Kind::Plain) && l.prec == Prec::Operator;
    let l_sql = if chain { l.sql.clone() } else { l.operand() };
    let sql = format!("{l_sql} || {}", r.operand());
    Ok(Node::new(sql, TypeClass::Text, Prec::Operator).after(&[&l, &r]))
}

/// Moments as numbers stay moments under a constant factor or offset, so that
/// `strftime('%s','now') * 1000` is known to be milliseconds.
fn epoch(left: &Node, op: Operator, right: &Node) -> Option<Node> {
    let (Kind::Epoch(e), Some(k)) = (&left.kind, constant(right)) else { return None };
    let (mul, add) = match op {
        Operator::Multiply => (e.mul * k, e.add * k),
        Operator::Add => (e.mul, e.add + k),
        Operator::Subtract => (e.mul, e.add - k),
        _ => return None,
    };
    let number = Node { kind: Kind::Plain, ..left.clone() };
    Some(binary(&number, op, right).ok()?.kind(Kind::Epoch(Epoch { mul, add, digits: None })))
}

fn constant(n: &Node) -> Option<f64> {
    match n.literal()? {
        #[expect(clippy::cast_precision_loss, reason = "compared with a tolerance")]
        Lit::Integer(n) => Some(*n as f64),
        Lit::Real(x, _) => Some(*x),
        _ => None,
    }
}
