use super::*;
use crate::remote::shippable;
use crate::remote::testing::*;
use crate::remote::{Collation, Groups};
use crate::value::Format;

fn condition(expr: Expr) -> String {
    let tables = tables();
    assert!(shippable::condition(&expr, &tables), "{expr:?}");
    Printer::new(&tables).conjunction(&[expr]).unwrap()
}

fn value(expr: &Expr) -> String {
    let tables = tables();
    assert!(shippable::value(expr, &tables), "{expr:?}");
    Printer::new(&tables).expr(expr)
}

#[test]
fn columns_are_tested_before_they_are_used() {
    for (attribute, sql) in [
        (ID, "r1.\"id\""),
        (
            N,
            "CASE WHEN typeof(r1.\"n\") IN ('integer', 'null') THEN r1.\"n\" \
             ELSE pg_value(r1.\"n\", 'bigint', 't.n') END",
        ),
        (
            OK,
            "CASE WHEN typeof(r1.\"ok\") = 'integer' AND r1.\"ok\" IN (0, 1) OR r1.\"ok\" IS NULL \
             THEN r1.\"ok\" ELSE pg_value(r1.\"ok\", 'boolean', 't.ok') END",
        ),
        (KEY, "pg_value(r1.\"key\", 'uuid', 't.key')"),
        (
            CODE,
            "CASE WHEN r1.\"code\" IS NULL OR pg_is_text(r1.\"code\") AND length(r1.\"code\") <= 3 \
             THEN r1.\"code\" ELSE pg_value(r1.\"code\", 'character varying(3)', 't.code') END",
        ),
        (
            MADE,
            "CASE WHEN typeof(r1.\"made\") = 'integer' AND r1.\"made\" BETWEEN -100000000000 AND 100000000000 \
             OR r1.\"made\" IS NULL THEN r1.\"made\" * 1000000 - 946684800000000 \
             ELSE pg_value(r1.\"made\", 'timestamp with time zone;format=unixepoch', 't.made') END",
        ),
        (
            NICK,
            "CASE WHEN r1.\"nick\" IS NULL OR pg_is_text(r1.\"nick\") THEN (r1.\"nick\" COLLATE BINARY) \
             ELSE pg_value(r1.\"nick\", 'text', 't.nick') END",
        ),
    ] {
        assert_eq!(value(&col(attribute)), sql);
    }
}

#[test]
fn conditions_that_an_index_serves_compare_the_bare_column() {
    let guard_n = "CASE WHEN typeof(r1.\"n\") IN ('integer', 'null') THEN 1 \
                   ELSE pg_value(r1.\"n\", 'bigint', 't.n') IS NOT NULL END";
    let guard_name = "CASE WHEN r1.\"name\" IS NULL OR pg_is_text(r1.\"name\") THEN 1 \
                      ELSE pg_value(r1.\"name\", 'text', 't.name') IS NOT NULL END";
    let name = value(&col(NAME));
    for (expr, sql) in [
        (op("=", col(ID), param(0, Type::Int4)), "r1.\"id\" = ?1".to_owned()),
        (op("=", col(N), int(-5)), format!("((r1.\"n\" COLLATE BINARY) = (-5) AND {guard_n})")),
        (op(">", int(7), col(N)), format!("(7 > r1.\"n\" AND {guard_n})")),
        (
            op("=", col(NAME), text("it's")),
            format!("((r1.\"name\" COLLATE BINARY) = 'it''s' AND {guard_name})"),
        ),
        (
            any("=", col(N), vec![int(1), int(2)], false),
            format!("((r1.\"n\" COLLATE BINARY) IN (1, 2) AND {guard_n})"),
        ),
        (
            any("=", col(N), vec![Expr::ArrayParam { index: 3, element: Type::Int4 }], false),
            format!("((r1.\"n\" COLLATE BINARY) IN (SELECT value FROM json_each(?1)) AND {guard_n})"),
        ),
        (
            op("~~", col(NAME), text("ab%")),
            format!("((r1.\"name\" >= 'ab' AND r1.\"name\" < 'ac') AND pg_like({name}, 'ab%'))"),
        ),
        (op("~~", col(NAME), text("%ab")), format!("pg_like({name}, '%ab')")),
        (Expr::NullTest { arg: col(N).into(), negated: false }, "r1.\"n\" IS NULL".to_owned()),
        (op("=", col(ID), other(ID)), "r1.\"id\" = r2.\"id\"".to_owned()),
    ] {
        assert_eq!(condition(expr), sql);
    }
}

#[test]
fn times_are_looked_for_nearby_and_compared_exactly() {
    let made = value(&col(MADE));
    assert_eq!(
        condition(op(">=", col(MADE), param(0, Type::TimestampTz))),
        format!("((r1.\"made\" >= ?1 - 1 OR r1.\"made\" >= '') AND ({made} >= ?2))")
    );
    let at = value(&col(AT));
    let noon = Expr::Const(Type::Timestamp, Native::Timestamp(43_200_000_000));
    assert_eq!(
        condition(op("=", noon, col(AT))),
        format!("((r1.\"at\" >= '1999-12-30' AND r1.\"at\" < '2000-01-04') AND (43200000000 = {at}))")
    );
}

#[test]
fn conditions_elsewhere_compare_canonical_values() {
    let (n, name, ok) = (value(&col(N)), value(&col(NAME)), value(&col(OK)));
    let is_n = || op("=", col(N), int(1));
    for (expr, sql) in [
        (Expr::Not(is_n().into()), format!("(NOT ({n} = 1))")),
        (Expr::Or(vec![is_n(), col(OK)]), format!("(({n} = 1) OR {ok})")),
        (col(OK), ok.clone()),
        (Expr::BoolTest { arg: col(OK).into(), value: true, negated: true }, format!("({ok} IS NOT 1)")),
        (
            Expr::Distinct {
                left: col(N).into(),
                right: int(1).into(),
                negated: false,
                collation: Collation::None,
            },
            format!("({n} IS NOT 1)"),
        ),
        (op("<>", col(NAME), text("a")), format!("({name} <> 'a')")),
        (any("<>", col(NAME), vec![text("a")], true), format!("({name} NOT IN ('a'))")),
        (any("<", col(ID), vec![int(1), int(2)], true), "((r1.\"id\" < 1) AND (r1.\"id\" < 2))".to_owned()),
        (any("<", col(ID), vec![], true), "1".to_owned()),
        (
            any("<>", col(ID), vec![Expr::ArrayParam { index: 0, element: Type::Int8 }], true),
            "CASE WHEN ?1 IS NOT NULL THEN (r1.\"id\" NOT IN (SELECT value FROM json_each(?1))) END"
                .to_owned(),
        ),
        (
            Expr::Exists {
                negated: true,
                from: Box::new(From::Table { relation: 2 }),
                conditions: vec![op("=", other(ID), col(ID))],
            },
            "(NOT EXISTS (SELECT 1 FROM main.\"t\" AS r2 WHERE r2.\"id\" = r1.\"id\"))".to_owned(),
        ),
    ] {
        assert_eq!(condition(expr), sql);
    }
}

#[test]
fn arithmetic_is_checked_where_it_can_fail() {
    let small = || col(SMALL);
    let sql = value(&small());
    for (expr, printed) in [
        (typed("+", small(), small(), Type::Int4), format!("pg_int4({sql} + {sql})")),
        (typed("+", col(ID), int(1), Type::Int8), "pg_add(r1.\"id\", 1)".to_owned()),
        (typed("/", col(ID), int(10), Type::Int8), "(r1.\"id\" / 10)".to_owned()),
        (typed("/", col(ID), int(-1), Type::Int8), "pg_div(r1.\"id\", (-1))".to_owned()),
        (typed("%", col(ID), int(0), Type::Int8), "pg_mod(r1.\"id\", 0)".to_owned()),
        (call("-", vec![col(ID)], Type::Int8), "pg_sub(0, r1.\"id\")".to_owned()),
        (call("-", vec![small()], Type::Int4), format!("pg_int4(- {sql})")),
        (call("float8", vec![col(ID)], Type::Float8), "CAST(r1.\"id\" AS REAL)".to_owned()),
        (
            Expr::Coalesce { args: vec![col(ID), int(0)], result: Type::Int8 },
            "coalesce(r1.\"id\", 0)".to_owned(),
        ),
    ] {
        assert_eq!(value(&expr), printed);
    }
}

fn sql(build: impl FnOnce(&mut Select)) -> String {
    let mut query =
        crate::remote::testing::select(vec![Target::Cell(Var { relation: 1, attribute: ID })], vec![]);
    build(&mut query);
    super::select(&query, &tables()).sql
}

#[test]
fn clauses_follow_each_other() {
    let order = |expr| Order { expr, collation: Collation::Bytes, descending: true, nulls_first: false };
    let from = "SELECT r1.\"id\" FROM main.\"t\" AS r1";
    assert_eq!(sql(|_| ()), from);
    assert_eq!(sql(|q| q.targets = vec![]), "SELECT NULL FROM main.\"t\" AS r1");
    assert_eq!(
        sql(|q| q.order_by = vec![order(int(1)), order(col(ID))]),
        format!("{from} ORDER BY r1.\"id\" DESC NULLS LAST")
    );
    assert_eq!(sql(|q| q.limit = Some(int(3))), format!("{from} LIMIT 3"));
    assert_eq!(sql(|q| q.limit = Some(int(-3))), format!("{from} LIMIT pg_limit((-3))"));
    assert_eq!(sql(|q| q.limit = Some(param(0, Type::Int8))), format!("{from} LIMIT ?1"));
    assert_eq!(sql(|q| q.offset = Some(int(3))), format!("{from} LIMIT -1 OFFSET 3"));
    assert_eq!(
        sql(|q| {
            q.targets = vec![Target::Value(aggregate("count", vec![], Type::Int8))];
            q.groups = Some(Groups {
                by: vec![int(1), col(ID)],
                having: vec![op(">", aggregate("count", vec![col(ID)], Type::Int8), int(1))],
            });
        }),
        "SELECT count(*) FROM main.\"t\" AS r1 GROUP BY NULL, r1.\"id\" HAVING (count(r1.\"id\") > 1)"
    );
    assert_eq!(
        sql(|q| {
            q.targets = vec![Target::Value(int(1))];
            q.groups = Some(Groups { by: vec![], having: vec![] });
        }),
        "SELECT 1, count(*) FROM main.\"t\" AS r1"
    );
    let join = From::Join {
        kind: JoinKind::Left,
        left: Box::new(From::Table { relation: 1 }),
        right: Box::new(From::Table { relation: 2 }),
        on: vec![op("=", col(ID), other(ID))],
    };
    assert_eq!(sql(|q| q.from = join), format!("{from} LEFT JOIN main.\"t\" AS r2 ON r1.\"id\" = r2.\"id\""));
}

#[test]
fn outputs_say_how_they_are_read() {
    let targets = vec![
        Target::Rowid { relation: 1 },
        Target::Cell(Var { relation: 1, attribute: MADE }),
        Target::Value(col(OK)),
        Target::Value(aggregate("sum", vec![col(N)], Type::Numeric)),
        Target::Value(aggregate("avg", vec![col(SMALL)], Type::Numeric)),
    ];
    let remote = super::select(&crate::remote::testing::select(targets, vec![]), &tables());
    let attributes: Vec<i16> = remote.outputs.iter().map(|o| o.attribute).collect();
    assert_eq!(attributes, [0, 2, 3, 4, 5]);
    assert_eq!(remote.outputs[2].decode, Decode::Canonical(Type::Bool));
    assert_eq!(remote.outputs[3].decode, Decode::Decimal);
    assert_eq!(remote.outputs[4].decode, Decode::Quotient);
    assert!(matches!(&remote.outputs[1].decode, Decode::Cell { format, timezone, .. }
        if *format == Some(Format::UnixEpoch) && timezone.is_utc()));
    assert_eq!(remote.reads, ["t"]);
}

#[test]
fn changes_ship_whole_or_not_at_all() {
    let change = |set: &[(i16, Expr)]| {
        let conditions = [op("=", col(ID), param(0, Type::Int8))];
        let change = Modification { relation: 1, set: Some(set), conditions: &conditions, returning: &[N] };
        super::direct_modification(&change, &tables())
    };
    let text_of = change(&[(N, param(0, Type::Int8)), (SMALL, typed("+", col(SMALL), int(1), Type::Int8))]);
    assert!(text_of.is_none(), "a bigint is no integer");
    let found = change(&[
        (N, param(0, Type::Int8)),
        (SMALL, typed("+", col(SMALL), Expr::Const(Type::Int4, Native::Integer(1)), Type::Int4)),
        (DAY, Expr::Const(Type::Date, Native::Date(0))),
    ])
    .unwrap();
    let small = value(&col(SMALL));
    assert_eq!(
        found.remote.sql,
        format!(
            "UPDATE OR ABORT main.\"t\" AS r1 SET \"n\" = ?1, \"small\" = pg_int4({small} + 1), \"day\" = '2000-01-01' \
             WHERE r1.\"id\" = ?2 RETURNING \"n\""
        )
    );
    assert_eq!(found.stored, [(0, N)]);
    assert_eq!(found.remote.outputs[0].attribute, N);
    let found = change(&[(PRICE, param(0, Type::Float8))]).unwrap();
    assert!(found.remote.sql.contains("\"price\" = CASE WHEN ?2 THEN pg_refuse('price') ELSE ?1 END WHERE"));
    assert_eq!(found.stored, [(0, PRICE), (1, PRICE)]);
    assert!(change(&[(PRICE, Expr::Const(Type::Float8, Native::Float(f64::NAN)))]).is_none());
    assert!(change(&[(CODE, col(NAME))]).is_none(), "varchar(3) may be too short");
}
