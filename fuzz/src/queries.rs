//! PostgreSQL's expressions, of which some become SQLite's.

use pg_sqlite_migrate_core::remote::testing::tables;
use pg_sqlite_migrate_core::remote::vocabulary::{AGGREGATES, COMPARISONS, FUNCTIONS, OPERATORS};
use pg_sqlite_migrate_core::remote::{
    Collation, Expr, From, JoinKind, Order, Select, Target, Type, Var, deparse, shippable,
};
use pg_sqlite_migrate_core::value::native::Native;
use proptest::prelude::*;
use proptest::sample::select;

use crate::text::near;
use crate::{bounded, cases, sql};

const TEXTS: &[&str] =
    &["", "a", "it's", "%_\\", "2020-01-01", "') OR (1=1", "a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11"];
const WORDS: &[&str] = &["'", "\"", "\\", ";", "--", "\0", "é", "\n", "(", ")"];

const TYPES: &[Type] = &[
    Type::Bool,
    Type::Int2,
    Type::Int4,
    Type::Int8,
    Type::Float4,
    Type::Float8,
    Type::Text,
    Type::Bpchar,
    Type::Bytea,
    Type::Uuid,
    Type::Date,
    Type::Time,
    Type::Timestamp,
    Type::TimestampTz,
    Type::Numeric,
    Type::Other,
];

const COLLATIONS: &[Collation] = &[
    Collation::None,
    Collation::Bytes,
    Collation::Bytes,
    Collation::Deterministic,
    Collation::Nondeterministic,
];

/// A constant as the server makes them: its value is of its type.
fn constant() -> impl Strategy<Value = Expr> {
    let of = |type_, value| Expr::Const(type_, value);
    prop_oneof![
        (select(TYPES)).prop_map(move |type_| of(type_, Native::Null)),
        any::<bool>().prop_map(move |b| of(Type::Bool, Native::Bool(b))),
        (select(&[Type::Int2, Type::Int4, Type::Int8][..]), any::<i16>())
            .prop_map(move |(t, i)| of(t, Native::Integer(i.into()))),
        any::<i64>().prop_map(move |i| of(Type::Int8, Native::Integer(i))),
        any::<f64>().prop_map(move |f| of(Type::Float8, Native::Float(f))),
        near(TEXTS, WORDS).prop_map(move |text| of(Type::Text, Native::Text(text.replace('\0', "").into()))),
        prop::collection::vec(any::<u8>(), 0..9)
            .prop_map(move |bytes| of(Type::Bytea, Native::Bytes(bytes.into()))),
        any::<[u8; 16]>().prop_map(move |uuid| of(Type::Uuid, Native::Uuid(uuid))),
        any::<i32>().prop_map(move |day| of(Type::Date, Native::Date(day))),
        (0..86_400_000_000i64).prop_map(move |time| of(Type::Time, Native::Time(time))),
        any::<i64>().prop_map(move |at| of(Type::Timestamp, Native::Timestamp(at))),
        any::<i64>().prop_map(move |at| of(Type::TimestampTz, Native::TimestampTz(at))),
        near(TEXTS, WORDS)
            .prop_map(move |text| of(Type::Numeric, Native::Printed(text.replace('\0', "").into()))),
    ]
}

/// Of two tables with fourteen columns each, and some that are not there.
fn var() -> impl Strategy<Value = Var> {
    (1..3u32, prop_oneof![20 => 1..15i16, 1 => any::<i16>()])
        .prop_map(|(relation, attribute)| Var { relation, attribute })
}

fn expr() -> impl Strategy<Value = Expr> {
    let leaf = prop_oneof![
        4 => var().prop_map(Expr::Column),
        3 => constant(),
        1 => (0..4usize, select(TYPES)).prop_map(|(index, type_)| Expr::Param { index, type_ }),
    ];
    leaf.prop_recursive(5, 40, 4, |inner| {
        let one = || inner.clone().prop_map(Box::new);
        let some = |count: std::ops::Range<usize>| prop::collection::vec(inner.clone(), count);
        let operators = || {
            let known = OPERATORS.iter().map(|known| (known.name, known.result));
            known.chain(COMPARISONS.iter().map(|(name, ..)| (*name, Type::Bool))).chain([("@@", Type::Bool)]).collect::<Vec<_>>()
        };
        let functions: Vec<_> = FUNCTIONS.iter().map(|known| (known.name, known.result)).collect();
        let mut aggregates: Vec<_> = AGGREGATES.iter().map(|known| known.name).collect();
        aggregates.push("count");
        let list = prop_oneof![
            4 => some(0..5),
            1 => (0..4usize, select(TYPES)).prop_map(|(index, element)| vec![Expr::ArrayParam { index, element }]),
        ];
        prop_oneof![
            1 => one().prop_map(Expr::Not),
            1 => some(0..4).prop_map(Expr::And),
            1 => some(0..4).prop_map(Expr::Or),
            1 => (one(), any::<bool>()).prop_map(|(arg, negated)| Expr::NullTest { arg, negated }),
            1 => (one(), any::<bool>(), any::<bool>()).prop_map(|(arg, value, negated)| Expr::BoolTest { arg, value, negated }),
            1 => (one(), one(), any::<bool>(), select(COLLATIONS))
                .prop_map(|(left, right, negated, collation)| Expr::Distinct { left, right, negated, collation }),
            6 => (select(operators()), one(), one(), select(COLLATIONS)).prop_map(|((name, result), left, right, collation)| {
                Expr::Operator { name: name.into(), left, right, collation, result }
            }),
            2 => (select(operators()), one(), list, any::<bool>(), select(COLLATIONS)).prop_map(
                |((name, _), left, elements, all, collation)| Expr::ArrayTest { name: name.into(), left, elements, all, collation }
            ),
            4 => (select(functions), some(0..4), select(COLLATIONS)).prop_map(|((name, result), args, collation)| {
                Expr::Function { name: name.into(), args, collation, result }
            }),
            1 => (prop::collection::vec((inner.clone(), inner.clone()), 0..3), prop::option::of(one()), select(TYPES))
                .prop_map(|(whens, default, result)| Expr::Case { whens, default, result }),
            1 => (some(0..4), select(TYPES)).prop_map(|(args, result)| Expr::Coalesce { args, result }),
            1 => (one(), one(), select(COLLATIONS), select(TYPES))
                .prop_map(|(left, right, collation, result)| Expr::NullIf { left, right, collation, result }),
            1 => (select(aggregates), some(0..2), any::<bool>(), prop::option::of(one()), select(COLLATIONS), select(TYPES)).prop_map(
                |(name, args, distinct, filter, collation, result)| Expr::Aggregate {
                    name: name.into(), args, distinct, filter, collation, result,
                }
            ),
            1 => (any::<bool>(), some(0..3)).prop_map(|(negated, conditions)| Expr::Exists {
                negated,
                from: Box::new(From::Table { relation: 2 }),
                conditions,
            }),
        ]
    })
}

fn order() -> impl Strategy<Value = Order> {
    (expr(), select(COLLATIONS), any::<bool>(), any::<bool>()).prop_map(
        |(expr, collation, descending, nulls_first)| Order { expr, collation, descending, nulls_first },
    )
}

proptest! {
    #![proptest_config(cases(1))]

    /// Whatever ships becomes one statement.
    #[test]
    fn a_query(
        conditions in prop::collection::vec(expr(), 0..4),
        values in prop::collection::vec(expr(), 0..4),
        cells in prop::collection::vec(var(), 0..3),
        orders in prop::collection::vec(order(), 0..3),
        join in prop::option::of((select(&[JoinKind::Inner, JoinKind::Left, JoinKind::Right][..]), expr())),
        distinct in any::<bool>(),
        limit in prop::option::of(any::<i64>()),
    ) {
        let tables = tables();
        let ships = |expr: &Expr| bounded(|| shippable::condition(expr, &tables));
        let from = match join.filter(|(_, on)| ships(on)) {
            Some((kind, on)) => From::Join {
                kind,
                left: Box::new(From::Table { relation: 1 }),
                right: Box::new(From::Table { relation: 2 }),
                on: vec![on],
            },
            None => From::Table { relation: 1 },
        };
        let values = values.into_iter().filter(|value| shippable::value(value, &tables)).map(Target::Value);
        let cells = cells.into_iter().filter(|var| shippable::place(*var, &tables).is_some()).map(Target::Cell);
        let mut select = Select::of(from, values.chain(cells.filter(|_| !distinct)).collect());
        select.conditions = conditions.into_iter().filter(ships).collect();
        select.order_by = orders.into_iter().filter(|order| shippable::order(order, &tables)).collect();
        select.distinct = distinct;
        select.limit = limit.map(|n| Expr::Const(Type::Int8, Native::Integer(n)));
        let remote = bounded(|| deparse::select(&select, &tables));
        prop_assert_eq!(sql::flaw(&remote.sql), None, "{}", remote.sql);
    }
}
