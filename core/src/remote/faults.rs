//! Can computing an expression raise an error? Pure.
//!
//! PostgreSQL evaluates conditions in an order of its own, and SQLite in another: a condition that divides by what
//! another one proves not to be zero must stay where that one is. So a condition ships only when it cannot fail,
//! which intervals of integers often prove. Values of a target list may fail: both sides compute them for the same
//! rows. An invalid value is no fault in this sense: whatever reads the row raises its error.

use super::shippable::type_of;
use super::vocabulary::{is_float, is_int};
use super::{Expr, Tables, Type};
use crate::value::native::Native;

/// The longest text that the server holds has fewer characters.
const LONGEST: i128 = 1 << 30;

pub fn can_fail(expr: &Expr, tables: &Tables) -> bool {
    expr.parts().into_iter().any(|part| can_fail(part, tables))
        || match expr {
            Expr::Operator { name, left, right, result, .. } => {
                operation_fails(name, &[left.as_ref(), right.as_ref()], *result, tables)
            }
            Expr::Function { name, args, result, .. } => {
                operation_fails(name, &args.iter().collect::<Vec<_>>(), *result, tables)
            }
            // Joins of their own, whose conditions have been checked one by one.
            _ => false,
        }
}

fn operation_fails(name: &str, args: &[&Expr], result: Type, tables: &Tables) -> bool {
    match (name, args) {
        // A pattern must not end with an escape.
        ("~~" | "!~~", [_, Expr::Const(_, Native::Text(pattern))]) => {
            pattern.bytes().rev().take_while(|b| *b == b'\\').count() % 2 == 1
        }
        ("~~" | "!~~", [_, pattern]) => !matches!(pattern, Expr::Const(_, Native::Null)),
        ("substr" | "substring", [_, _, length]) => !matches!(length, Expr::Const(_, Native::Integer(0..))),
        // A cast to double is always possible, and so are the signs of one.
        ("float8" | "abs" | "-", [_]) if is_float(result) => false,
        _ if is_float(result) => true,
        _ if is_int(result) => computed(name, args, result, tables).is_none(),
        _ => false,
    }
}

type Interval = (i128, i128);

/// Where the integers of an operation lie, if it cannot fail.
fn computed(name: &str, args: &[&Expr], result: Type, tables: &Tables) -> Option<Interval> {
    let limits = limits(result)?;
    let ranges: Vec<Option<Interval>> = args.iter().map(|arg| interval(arg, tables)).collect();
    let found = match (name, ranges.as_slice()) {
        ("+", [Some(a), Some(b)]) => (a.0 + b.0, a.1 + b.1),
        ("-", [Some(a), Some(b)]) => (a.0 - b.1, a.1 - b.0),
        ("*", [Some(a), Some(b)]) => {
            let products = [a.0 * b.0, a.0 * b.1, a.1 * b.0, a.1 * b.1];
            (products.into_iter().min()?, products.into_iter().max()?)
        }
        // The divisor is never zero; what is divided only comes nearer to zero, or changes its sign.
        ("/", [Some(a), Some(b)]) if b.0 > 0 || b.1 < 0 => {
            let largest = a.0.abs().max(a.1.abs());
            let size = largest / b.0.abs().min(b.1.abs());
            (if a.0 >= 0 && b.0 > 0 { 0 } else { -size }, if a.1 <= 0 && b.0 > 0 { 0 } else { size })
        }
        ("%" | "mod", [_, Some(b)]) if b.0 > 0 || b.1 < 0 => {
            let size = b.0.abs().max(b.1.abs()) - 1;
            (-size, size)
        }
        ("-", [Some(a)]) => (-a.1, -a.0),
        ("abs", [Some(a)]) => (0, a.0.abs().max(a.1.abs())),
        ("int2" | "int4" | "int8", [Some(a)]) => *a,
        ("int4", [None]) => (0, 1),
        ("&" | "|", [Some(_), Some(_)]) => limits,
        ("length" | "char_length" | "character_length" | "octet_length" | "strpos" | "position", _) => {
            (0, LONGEST)
        }
        _ => return None,
    };
    (limits.0 <= found.0 && found.1 <= limits.1).then_some(found)
}

/// Where an integer lies: as computed, or within its type.
fn interval(expr: &Expr, tables: &Tables) -> Option<Interval> {
    let type_ = type_of(expr, tables)?;
    let limits = limits(type_)?;
    let found = match expr {
        Expr::Const(_, Native::Integer(i)) => Some((i128::from(*i), i128::from(*i))),
        Expr::Operator { name, left, right, result, .. } => computed(name, &[left, right], *result, tables),
        Expr::Function { name, args, result, .. } => {
            computed(name, &args.iter().collect::<Vec<_>>(), *result, tables)
        }
        _ => None,
    };
    Some(found.unwrap_or(limits))
}

fn limits(type_: Type) -> Option<Interval> {
    match type_ {
        Type::Int2 => Some((i16::MIN.into(), i16::MAX.into())),
        Type::Int4 => Some((i32::MIN.into(), i32::MAX.into())),
        Type::Int8 => Some((i64::MIN.into(), i64::MAX.into())),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::remote::testing::*;

    #[test]
    fn intervals_prove_that_nothing_fails() {
        let tables = tables();
        let small = || col(SMALL);
        let wide = |e| call("int8", vec![e], Type::Int8);
        for (expr, fails) in [
            (typed("+", small(), int(1), Type::Int4), true),
            (typed("+", wide(small()), int(1), Type::Int8), false),
            (typed("*", wide(small()), wide(small()), Type::Int8), false),
            (typed("+", col(N), int(0), Type::Int8), false),
            (typed("+", col(N), int(1), Type::Int8), true),
            (typed("/", col(N), int(10), Type::Int8), false),
            (typed("+", typed("/", col(N), int(10), Type::Int8), int(5), Type::Int8), false),
            (typed("/", col(N), int(-1), Type::Int8), true),
            (typed("/", int(1), col(N), Type::Int8), true),
            (typed("%", col(N), int(-3), Type::Int8), false),
            (typed("%", col(N), col(ID), Type::Int8), true),
            (call("abs", vec![small()], Type::Int4), true),
            (call("abs", vec![wide(small())], Type::Int8), false),
            (typed("-", call("length", vec![col(NAME)], Type::Int4), int(1), Type::Int4), false),
            (call("float8", vec![col(N)], Type::Float8), false),
            (typed("+", col(PRICE), col(PRICE), Type::Float8), true),
            (op("~~", col(NAME), text("a\\\\")), false),
            (op("~~", col(NAME), text("a\\")), true),
            (op("~~", col(NAME), col(NICK)), true),
            (call("substr", vec![col(NAME), int(1), int(2)], Type::Text), false),
            (call("substr", vec![col(NAME), int(1), small()], Type::Text), true),
            (Expr::Not(op("=", typed("/", int(1), col(N), Type::Int8), int(1)).into()), true),
            (op("=", col(N), int(1)), false),
        ] {
            assert_eq!(can_fail(&expr, &tables), fails, "{expr:?}");
        }
    }
}
