//! Each case is one that a naive translation gets wrong.

use super::*;
use crate::remote::Collation;
use crate::remote::testing::*;

#[test]
fn what_is_not_provably_the_same_stays_here() {
    let tables = tables();
    let float = |f| Expr::Const(Type::Float8, Native::Float(f));
    let many = |n: i64| (0..n).map(int).collect::<Vec<_>>();
    let under = |name: &str, collation| collated(name, col(NAME), text("a"), Type::Bool, collation);
    for (expr, ships) in [
        (under("=", Collation::Bytes), true),
        (under("=", Collation::Deterministic), true),
        (under("=", Collation::Nondeterministic), false),
        (under("=", Collation::None), false),
        (under("<", Collation::Bytes), true),
        (under("<", Collation::Deterministic), false),
        (under("~~", Collation::Deterministic), true),
        (under("~~", Collation::Nondeterministic), false),
        (under("~~*", Collation::Bytes), false),
        (under("~", Collation::Bytes), false),
        (op("=", col(N), float(1.0)), false),
        (op("=", col(PRICE), float(1.0)), true),
        (op("=", col(AMOUNT), int(1)), false),
        (op("=", col(MADE), col(AT)), false),
        (op("=", col(DAY), col(AT)), false),
        (op("=", call("lower", vec![col(NAME)], Type::Text), text("a")), false),
        (op("=", call("length", vec![col(NAME)], Type::Int4), int(1)), true),
        (op("=", call("length", vec![col(AMOUNT)], Type::Int4), int(1)), false),
        (any("=", col(N), many(2000), false), true),
        (any("=", col(N), many(2001), false), false),
        (any("<", col(N), many(50), false), true),
        (any("<", col(N), many(51), false), false),
        (any("=", col(N), vec![Expr::ArrayParam { index: 0, element: Type::Text }], false), false),
        (any("<", col(N), vec![Expr::ArrayParam { index: 0, element: Type::Int8 }], false), false),
        (Expr::Or(vec![col(OK); 3000]), true),
        (Expr::Or(vec![col(OK); 5000]), false),
        (op("=", col(NAME), text(&"x".repeat(500_000))), true),
        (op("=", col(NAME), text(&"x".repeat(600_000))), false),
        (col(N), false),
        (col(99), false),
        (Expr::NullTest { arg: col(AMOUNT).into(), negated: true }, false),
    ] {
        assert_eq!(condition(&expr, &tables), ships, "{expr:?}");
    }
    let deep = (0..MAX_HEIGHT).fold(col(OK), |inner, _| Expr::Not(inner.into()));
    assert!(!condition(&deep, &tables));
}

#[test]
fn aggregates_ship_by_the_types_that_they_are_exact_for() {
    let tables = tables();
    for (name, arg, result, ships) in [
        ("sum", N, Type::Numeric, true),
        ("sum", SMALL, Type::Int8, true),
        ("avg", N, Type::Numeric, true),
        ("sum", PRICE, Type::Float8, false),
        ("avg", PRICE, Type::Float8, false),
        ("sum", AMOUNT, Type::Numeric, false),
        ("min", NAME, Type::Text, true),
        ("max", AT, Type::Timestamp, true),
        ("max", KEY, Type::Uuid, false),
        ("bool_and", OK, Type::Bool, true),
        ("count", KEY, Type::Int8, true),
        ("count", AMOUNT, Type::Int8, false),
        ("string_agg", NAME, Type::Text, false),
    ] {
        assert_eq!(value(&aggregate(name, vec![col(arg)], result), &tables), ships, "{name}");
    }
    let sum = aggregate("sum", vec![col(N)], Type::Numeric);
    assert!(!condition(&op(">", sum, int(1)), &tables), "a numeric is a target only");
    let sorted = |collation| Order { expr: col(NAME), collation, descending: false, nulls_first: false };
    assert!(order(&sorted(Collation::Bytes), &tables));
    assert!(!order(&sorted(Collation::Deterministic), &tables));
}

#[test]
fn indexes_serve_where_the_bare_column_selects_the_rows() {
    let tables = tables();
    let indexable: Vec<i16> =
        (1..=14).filter(|a| is_indexable(Var { relation: 1, attribute: *a }, &tables)).collect();
    assert_eq!(indexable, [ID, N, NAME, MADE, AT, KEY, SMALL, CODE, NICK]);
}
