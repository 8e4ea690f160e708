//! What SQLite answers to the printed text, with the registered functions: the rows are those that PostgreSQL gives.

use rusqlite::functions::{Aggregate as SqlAggregate, Context, FunctionFlags};
use rusqlite::types::{Value, ValueRef};
use rusqlite::{Connection, Error};

use pg_sqlite_migrate_core::remote::compute;
use pg_sqlite_migrate_core::remote::compute::{Rule, Total};
use pg_sqlite_migrate_core::remote::deparse;
use pg_sqlite_migrate_core::remote::shippable;
use pg_sqlite_migrate_core::remote::testing::*;
use pg_sqlite_migrate_core::remote::{Expr, From, Groups, JoinKind, Select, Target, Type, Var, canonical};
use pg_sqlite_migrate_core::value::native::Native;
use pg_sqlite_migrate_core::value::{Cell, CellBuf};

fn cell(value: ValueRef<'_>) -> Cell<'_> {
    match value {
        ValueRef::Null => Cell::Null,
        ValueRef::Integer(i) => Cell::Integer(i),
        ValueRef::Real(r) => Cell::Real(r),
        ValueRef::Text(text) => Cell::Text(text),
        ValueRef::Blob(bytes) => Cell::Blob(bytes),
    }
}

fn sql_value(cell: CellBuf<'_>) -> Value {
    match cell {
        CellBuf::Null => Value::Null,
        CellBuf::Integer(i) => Value::Integer(i),
        CellBuf::Real(r) => Value::Real(r),
        CellBuf::Text(text) => Value::Text(text.into_owned()),
        CellBuf::Blob(bytes) => Value::Blob(bytes.into_owned()),
    }
}

fn failed(message: impl ToString) -> Error {
    Error::UserFunctionError(message.to_string().into())
}

struct Adder(compute::Aggregate);

impl SqlAggregate<Total, Value> for Adder {
    fn init(&self, _: &mut Context<'_>) -> rusqlite::Result<Total> {
        Ok(Total::default())
    }

    fn step(&self, context: &mut Context<'_>, total: &mut Total) -> rusqlite::Result<()> {
        total.add(cell(context.get_raw(0))).map_err(failed)
    }

    fn finalize(&self, _: &mut Context<'_>, total: Option<Total>) -> rusqlite::Result<Value> {
        Ok(sql_value(self.0.finish(&total.unwrap_or_default())))
    }
}

fn database() -> Connection {
    let db = Connection::open_in_memory().unwrap();
    let flags = FunctionFlags::SQLITE_UTF8 | FunctionFlags::SQLITE_DETERMINISTIC;
    db.create_scalar_function("pg_value", 3, flags, |context| {
        let rule = Rule::parse(context.get_raw(1).as_str()?).ok_or_else(|| failed("no rule"))?;
        rule.canonical(cell(context.get_raw(0))).map(sql_value).map_err(failed)
    })
    .unwrap();
    for function in compute::FUNCTIONS {
        db.create_scalar_function(function.name, function.arity, flags, |context| {
            let args: Vec<Cell<'_>> = (0..context.len()).map(|at| cell(context.get_raw(at))).collect();
            function.call(&args).map(sql_value).map_err(|fault| failed(fault.sqlstate))
        })
        .unwrap();
    }
    for aggregate in compute::AGGREGATES {
        db.create_aggregate_function(aggregate.name, 1, flags, Adder(*aggregate)).unwrap();
    }
    db.execute_batch(DDL).unwrap();
    db.execute_batch(
        "INSERT INTO t VALUES
         (1, 5, 'abc', 1, 1.5, 0, '2000-01-01 12:00:00', '2000-01-01', 'ABABABAB-ABAB-ABAB-ABAB-ABABABABABAB',
          x'00', 2147483647, 'abc', 1.5, 'ABC'),
         (2, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL),
         (3, -9223372036854775808, '', 'f', 'NaN', '2024-07-01 10:00:00', '2000-01-01T14:00:00+02:00',
          '1999-12-31', 'ffffffffffffffffffffffffffffffff', 'x', -2147483648, 'é€x', 2, 'abc'),
         (4, 9223372036854775807, 'a_c', 't', '-Infinity', 1719828000.25, '2000-01-02', '2024-02-29', NULL,
          x'01', 10, '', 3, 'abcd')",
    )
    .unwrap();
    db
}

/// The ids of the rows for which the condition holds, or the error's text.
fn ids(db: &Connection, condition: &Expr) -> Result<Vec<i64>, String> {
    let tables = tables();
    assert!(shippable::value(condition, &tables), "{condition:?}");
    let targets = vec![Target::Value(col(ID))];
    let remote = deparse::select(&select(targets, vec![condition.clone()]), &tables);
    let mut statement = db.prepare(&remote.sql).map_err(|e| format!("{e}: {}", remote.sql))?;
    let mut found: Vec<i64> = statement.query_map([], |row| row.get(0)).and_then(Iterator::collect).map_err(
        |error| match error {
            Error::SqliteFailure(_, Some(message)) => message,
            other => other.to_string(),
        },
    )?;
    found.sort_unstable();
    Ok(found)
}

fn stamp(type_: Type, text: &str) -> Expr {
    let micros = pg_sqlite_migrate_core::value::datetime::wall(text.as_bytes()).unwrap();
    Expr::Const(
        type_,
        if type_ == Type::Timestamp { Native::Timestamp(micros) } else { Native::TimestampTz(micros) },
    )
}

#[test]
fn conditions_select_the_rows_that_postgres_selects() {
    let db = database();
    let float = |f| Expr::Const(Type::Float8, Native::Float(f));
    let date = |day| Expr::Const(Type::Date, Native::Date(day));
    let null = || Expr::Const(Type::Int8, Native::Null);
    let not = |e: Expr| Expr::Not(e.into());
    let made = |text: &str| stamp(Type::TimestampTz, text);
    let at = |text: &str| stamp(Type::Timestamp, text);
    for (expr, expected) in [
        (op("=", col(N), int(5)), vec![1]),
        (op("<>", col(N), int(5)), vec![3, 4]),
        (not(op("=", col(N), int(5))), vec![3, 4]),
        (op("=", col(N), int(i64::MIN)), vec![3]),
        (op(">", col(N), int(i64::MAX - 1)), vec![4]),
        (op("=", col(N), null()), vec![]),
        (any("=", col(N), vec![int(5), null()], false), vec![1]),
        (any("<>", col(N), vec![int(5), null()], true), vec![]),
        (any("<>", col(N), vec![], true), vec![1, 2, 3, 4]),
        (not(any("=", col(N), vec![], false)), vec![1, 2, 3, 4]),
        (any("<", col(ID), vec![int(2), int(3)], true), vec![1]),
        (any("<", col(ID), vec![int(2), int(3)], false), vec![1, 2]),
        (col(OK), vec![1, 4]),
        (not(col(OK)), vec![3]),
        (Expr::BoolTest { arg: col(OK).into(), value: true, negated: true }, vec![2, 3]),
        (Expr::NullTest { arg: col(OK).into(), negated: false }, vec![2]),
        (Expr::NullTest { arg: col(N).into(), negated: false }, vec![2]),
        (Expr::NullTest { arg: col(N).into(), negated: true }, vec![1, 3, 4]),
        (
            Expr::Distinct {
                left: col(N).into(),
                right: int(5).into(),
                negated: false,
                collation: pg_sqlite_migrate_core::remote::Collation::None,
            },
            vec![2, 3, 4],
        ),
        (op("=", col(PRICE), float(f64::NAN)), vec![3]),
        (op(">", col(PRICE), float(f64::INFINITY)), vec![3]),
        (op("<", col(PRICE), float(-1e300)), vec![4]),
        (op("=", col(NAME), text("")), vec![3]),
        (op("<", col(NAME), text("abc")), vec![3, 4]),
        (op("~~", col(NAME), text("a_c")), vec![1, 4]),
        (op("~~", col(NAME), text("a\\_c")), vec![4]),
        (op("!~~", col(NAME), text("A%")), vec![1, 3, 4]),
        (op("^@", col(NAME), text("a")), vec![1, 4]),
        (op("=", col(NICK), text("abc")), vec![3]),
        (op("=", col(NICK), col(NAME)), vec![]),
        (op(">=", col(NICK), text("a")), vec![3, 4]),
        (op("~~", col(NICK), text("abc%")), vec![3, 4]),
        (any("=", col(NICK), vec![text("abc"), text("ABCD")], false), vec![3]),
        (op("=", col(CODE), text("é€x")), vec![3]),
        (op("=", call("length", vec![col(CODE)], Type::Int4), int(3)), vec![1, 3]),
        (op("=", col(MADE), made("1970-01-01")), vec![1]),
        (op("=", col(MADE), made("2024-07-01 10:00:00")), vec![3]),
        (op("=", col(MADE), made("2024-07-01 10:00:00.25")), vec![4]),
        (op("<", col(MADE), made("2024-07-01 10:00:00.25")), vec![1, 3]),
        (op(">", col(MADE), made("2024-07-01 10:00:00.2")), vec![4]),
        (op("<=", col(MADE), made("2024-07-01 10:00:00")), vec![1, 3]),
        (op("=", col(AT), at("2000-01-01 12:00:00")), vec![1, 3]),
        (op(">=", at("2000-01-02"), col(AT)), vec![1, 3, 4]),
        (op(">", col(AT), at("2000-01-01 12:00:00")), vec![4]),
        (op("=", col(DAY), date(-1)), vec![3]),
        (op(">=", col(DAY), date(0)), vec![1, 4]),
        (op("=", col(KEY), Expr::Const(Type::Uuid, Native::Uuid([0xAB; 16]))), vec![1]),
        (op("=", col(BODY), Expr::Const(Type::Bytea, Native::Bytes(b"x".as_slice().into()))), vec![3]),
        (op("=", typed("-", col(SMALL), int(1), Type::Int8), int(9)), vec![4]),
        (
            Expr::Exists {
                negated: true,
                from: Box::new(From::Table { relation: 2 }),
                conditions: vec![op("<", other(N), col(N))],
            },
            vec![2, 3],
        ),
    ] {
        assert_eq!(ids(&db, &expr), Ok(expected), "{expr:?}");
    }
}

#[test]
fn errors_are_those_of_postgres() {
    let db = database();
    let one = || Expr::Const(Type::Int4, Native::Integer(1));
    let by_zero = typed("/", col(ID), typed("-", col(ID), int(1), Type::Int8), Type::Int8);
    for (expr, sqlstate) in [
        (op(">", typed("+", col(SMALL), one(), Type::Int4), one()), "22003"),
        (op(">", typed("+", col(N), int(1), Type::Int8), int(1)), "22003"),
        (op(">", call("-", vec![col(N)], Type::Int8), int(1)), "22003"),
        (op(">", by_zero.clone(), int(1)), "22012"),
        (op("~~", col(NAME), text("abc\\")), "never"),
        (op("~~", col(NAME), text("ab\\")), "22025"),
        (
            op(
                "=",
                call("left", vec![col(NAME), one()], Type::Text),
                call("substr", vec![col(NAME), one(), call("-", vec![one()], Type::Int4)], Type::Text),
            ),
            "22011",
        ),
    ] {
        match ids(&db, &expr) {
            Ok(found) => assert_eq!((found, sqlstate), (vec![], "never"), "{expr:?}"),
            Err(error) => assert_eq!(error, sqlstate, "{expr:?}"),
        }
    }
    let guarded = Expr::Case {
        whens: vec![(op("<>", col(ID), int(1)), op(">=", by_zero, int(1)))],
        default: None,
        result: Type::Bool,
    };
    assert_eq!(ids(&db, &guarded), Ok(vec![2, 3, 4]));
}

#[test]
fn a_value_that_does_not_fit_is_an_error_where_it_is_met() {
    let db = database();
    db.execute_batch("INSERT INTO t (id, n, ok, name) VALUES (9, 'many', 2, x'00')").unwrap();
    assert_eq!(ids(&db, &col(OK)), Err("value is not a boolean".to_owned()));
    assert_eq!(ids(&db, &op(">", col(N), int(5))), Err("value is not an integer".to_owned()));
    assert_eq!(ids(&db, &op("<", col(N), int(6))), Ok(vec![1, 3]), "the index does not meet it");
    assert_eq!(ids(&db, &op("<>", col(NAME), text(""))), Err("a blob has no text form".to_owned()));
}

/// SQLite must not judge the constant in the place of the cell.
#[test]
fn a_constant_that_no_cell_can_hold_finds_nothing() {
    let db = database();
    let beyond = || int(3_000_000_000);
    for condition in [
        vec![op("=", col(SMALL), beyond())],
        vec![op("=", beyond(), col(SMALL)), op("<", col(SMALL), int(5))],
        vec![any("=", col(SMALL), vec![beyond()], false)],
        vec![op("=", col(SMALL), col(ID)), op("=", col(ID), beyond())],
        vec![op("=", col(SMALL), col(N)), op("=", col(N), beyond())],
        vec![op("=", col(CODE), text("abcdef"))],
        vec![op("=", col(CODE), col(NAME)), op("=", col(NAME), text("abcdef"))],
    ] {
        assert_eq!(ids(&db, &Expr::And(condition.clone())), Ok(vec![]), "{condition:?}");
    }
}

/// Rows of a query, or the error's text; and how SQLite runs it.
fn answer(
    db: &Connection,
    query: &pg_sqlite_migrate_core::remote::Select,
) -> (Result<Vec<Value>, String>, String) {
    let sql = deparse::select(query, &tables()).sql;
    let mut plan = db.prepare(&format!("EXPLAIN QUERY PLAN {sql}")).unwrap();
    let steps: Vec<String> =
        plan.query_map([], |row| row.get("detail")).unwrap().collect::<Result<_, _>>().unwrap();
    let mut statement = db.prepare(&sql).unwrap_or_else(|e| panic!("{e}: {sql}"));
    let rows = statement.query_map([], |row| row.get(0)).unwrap().collect::<Result<_, _>>();
    (rows.map_err(|e| e.to_string()), steps.join("; "))
}

fn order(attribute: i16, descending: bool, nulls_first: bool) -> pg_sqlite_migrate_core::remote::Order {
    let collation = pg_sqlite_migrate_core::remote::Collation::Bytes;
    pg_sqlite_migrate_core::remote::Order { expr: col(attribute), collation, descending, nulls_first }
}

#[test]
fn indexes_are_walked_in_order() {
    let db = database();
    for (attribute, descending, nulls_first, expected) in [
        (N, true, true, [2, 4]),
        (N, false, false, [3, 1]),
        (SMALL, true, false, [1, 4]),
        (NAME, false, true, [2, 3]),
        (NICK, true, false, [4, 3]),
        (MADE, true, false, [4, 3]),
        (MADE, true, true, [2, 4]),
    ] {
        let mut query = select(vec![Target::Value(col(ID))], vec![]);
        query.order_by = vec![order(attribute, descending, nulls_first)];
        query.limit = Some(int(2));
        let (rows, plan) = answer(&db, &query);
        assert_eq!(rows, Ok(expected.map(Value::Integer).to_vec()), "{attribute}");
        let sorts = plan.contains("TEMP B-TREE");
        assert_eq!(sorts, attribute == MADE, "{plan}");
        db.execute_batch("SAVEPOINT a; UPDATE t SET made = 1719828000 WHERE id = 3").unwrap();
        if attribute == MADE {
            let (rows, plan) = answer(&db, &query);
            assert_eq!(rows, Ok(expected.map(Value::Integer).to_vec()), "{attribute}");
            assert!(plan.contains("SCAN r1 USING") && plan.contains("(made>?)"), "{plan}");
        }
        db.execute_batch("ROLLBACK TO a").unwrap();
    }
    db.execute_batch("INSERT INTO t (id, small) VALUES (9, 3000000000)").unwrap();
    for (descending, expected) in
        [(true, Err("value is out of range".to_owned())), (false, Ok(vec![Value::Integer(3)]))]
    {
        let mut query = select(vec![Target::Value(col(ID))], vec![]);
        query.order_by = vec![order(SMALL, descending, false)];
        query.limit = Some(int(1));
        assert_eq!(answer(&db, &query).0, expected);
    }
}

#[test]
fn groups_and_extremes_walk_an_index() {
    let db = database();
    db.execute_batch("INSERT INTO t (id, n, name, nick, made) VALUES (5, 5, 'abc', 'abc', 5)").unwrap();
    let grouped = |targets, by| {
        let groups = Some(Groups { by, having: vec![] });
        Select { groups, ..select(targets, vec![]) }
    };
    let count = || Target::Value(aggregate("count", vec![], Type::Int8));
    for (attribute, groups) in [(N, 4), (NAME, 4), (NICK, 4), (SMALL, 4)] {
        let (rows, plan) = answer(&db, &grouped(vec![count()], vec![col(attribute)]));
        assert_eq!((rows.unwrap().len(), plan.contains("TEMP")), (groups, false), "{attribute} {plan}");
        let mut distinct = select(vec![Target::Value(col(attribute))], vec![]);
        distinct.distinct = true;
        let (rows, plan) = answer(&db, &distinct);
        assert_eq!((rows.unwrap().len(), plan.contains("TEMP")), (groups, false), "{attribute} {plan}");
    }
    let extreme = |name: &str, attribute, result| {
        grouped(vec![Target::Value(aggregate(name, vec![col(attribute)], result))], vec![])
    };
    for (name, attribute, result, expected) in [
        ("max", N, Type::Int8, Value::Integer(i64::MAX)),
        ("min", N, Type::Int8, Value::Integer(i64::MIN)),
        ("min", NAME, Type::Text, Value::Text("".into())),
        ("max", NICK, Type::Text, Value::Text("abcd".into())),
        ("max", MADE, Type::TimestampTz, Value::Integer(773_143_200_250_000)),
        ("min", MADE, Type::TimestampTz, Value::Integer(-946_684_800_000_000)),
    ] {
        let (rows, plan) = answer(&db, &extreme(name, attribute, result));
        assert_eq!(rows, Ok(vec![expected]), "{name} {attribute}");
        assert!(plan.contains("SEARCH r1 USING COVERING INDEX"), "{plan}");
    }
    db.execute_batch("INSERT INTO t (id, n, small) VALUES (9, 'many', 3000000000)").unwrap();
    for attribute in [N, SMALL] {
        assert!(answer(&db, &extreme("max", attribute, Type::Int8)).0.is_err());
        assert!(answer(&db, &extreme("min", attribute, Type::Int8)).0.is_ok());
        assert!(answer(&db, &grouped(vec![count()], vec![col(attribute)])).0.is_err());
    }
}

#[test]
fn uuids_are_found_in_every_spelling() {
    let uuid = |first: u8| Native::Uuid([&[first, 0xCD][..], &[0x5E; 14]].concat().try_into().unwrap());
    let constant = |first| Expr::Const(Type::Uuid, uuid(first));
    for declared in ["TEXT", "UUID", "BLOB", "TEXT COLLATE NOCASE", "INTEGER", "REAL"] {
        let db = database();
        db.execute_batch(&format!(
            "DROP TABLE t; CREATE TABLE t (id INTEGER PRIMARY KEY, key {declared});
             CREATE INDEX t_key ON t (key COLLATE BINARY);
             INSERT INTO t VALUES
             (1, 'abcd5e5e-5e5e-5e5e-5e5e-5e5e5e5e5e5e'), (2, 'ABCD5E5E5E5E5E5E5E5E5E5E5E5E5E5E'),
             (3, 'aBcD5E5e-5e5e-5E5e-5e5e-5e5e5e5e5e5e'), (4, x'abcd5e5e5e5e5e5e5e5e5e5e5e5e5e5e'),
             (5, 'abcd5e5e-5e5e-5e5e-5e5e-5e5e5e5e5e5f'), (6, '12cd5e5e-5e5e-5e5e-5e5e-5e5e5e5e5e5e'),
             (7, '12CD5e5E5e5e5e5e5e5e5e5e5e5e5e5e'), (8, NULL)"
        ))
        .unwrap();
        let array = Expr::ArrayParam { index: 0, element: Type::Uuid };
        for (condition, expected) in [
            (op("=", col(KEY), constant(0xAB)), vec![1, 2, 3, 4]),
            (op("=", constant(0x12), col(KEY)), vec![6, 7]),
            (op("=", col(KEY), constant(0)), vec![]),
            (any("=", col(KEY), vec![constant(0x12), constant(0xAB)], false), vec![1, 2, 3, 4, 6, 7]),
            (any("=", col(KEY), vec![array], false), vec![6, 7]),
            (op("=", col(KEY), Expr::Const(Type::Uuid, Native::Null)), vec![]),
        ] {
            let remote = deparse::select(&select(vec![Target::Value(col(ID))], vec![condition]), &tables());
            let json = canonical::json_array([uuid(0x12)]).unwrap().unwrap();
            let bound = &[json][..remote.parameters.len()];
            let mut plan = db.prepare(&format!("EXPLAIN QUERY PLAN {}", remote.sql)).unwrap();
            let steps: Vec<String> = plan
                .query_map(rusqlite::params_from_iter(bound), |row| row.get("detail"))
                .unwrap()
                .collect::<Result<_, _>>()
                .unwrap();
            assert!(
                steps.iter().any(|s| s == "SEARCH x USING COVERING INDEX t_key (key>? AND key<?)"),
                "{steps:?}"
            );
            assert_eq!(steps[0], "SEARCH r1 USING COVERING INDEX t_key (key=?)");
            let mut statement = db.prepare(&remote.sql).unwrap();
            let mut found: Vec<i64> = statement
                .query_map(rusqlite::params_from_iter(bound), |row| row.get(0))
                .unwrap()
                .collect::<Result<_, _>>()
                .unwrap();
            found.sort_unstable();
            assert_eq!(found, expected, "{declared} {}", remote.sql);
        }
    }
}

#[test]
fn indexes_are_used() {
    let db = database();
    let made = Expr::Const(Type::TimestampTz, Native::TimestampTz(0));
    for (expr, plan) in [
        (op("=", col(ID), int(1)), "SEARCH r1 USING INTEGER PRIMARY KEY (rowid=?)"),
        (op("=", col(N), int(1)), "SEARCH r1 USING COVERING INDEX t_n (n=?)"),
        (op("~~", col(NAME), text("ab%")), "SEARCH r1 USING COVERING INDEX t_name (name>? AND name<?)"),
        (any("=", col(N), vec![int(1), int(2)], false), "SEARCH r1 USING COVERING INDEX t_n (n=?)"),
        (op("=", col(NICK), text("a")), "SEARCH r1 USING COVERING INDEX t_nick (nick=?)"),
        (
            op(">", col(AT), stamp(Type::Timestamp, "2000-01-01")),
            "SEARCH r1 USING COVERING INDEX t_at (at>?)",
        ),
        (op("=", col(MADE), made), "MULTI-INDEX OR"),
    ] {
        let tables = tables();
        let remote = deparse::select(&select(vec![Target::Value(col(ID))], vec![expr]), &tables);
        let plan_of: String =
            db.query_row(&format!("EXPLAIN QUERY PLAN {}", remote.sql), [], |row| row.get("detail")).unwrap();
        assert_eq!(plan_of, plan, "{}", remote.sql);
    }
}

#[test]
fn joins_groups_and_aggregates_run() {
    let db = database();
    let tables = tables();
    let first = |query: &pg_sqlite_migrate_core::remote::Select| -> Vec<Value> {
        let remote = deparse::select(query, &tables);
        let mut statement = db.prepare(&remote.sql).unwrap();
        statement.query_map([], |row| row.get(0)).unwrap().collect::<Result<_, _>>().unwrap()
    };
    let agg = |name: &str, attribute, result| Target::Value(aggregate(name, vec![col(attribute)], result));
    let groups = |by, having| Some(Groups { by, having });
    let grouped = |target| Select { groups: groups(vec![], vec![]), ..select(vec![target], vec![]) };
    for (target, value) in [
        (agg("sum", N, Type::Numeric), Value::Text("4".into())),
        (agg("avg", N, Type::Numeric), Value::Text("4/3".into())),
        (agg("sum", SMALL, Type::Int8), Value::Integer(9)),
        (agg("bool_and", OK, Type::Bool), Value::Integer(0)),
        (agg("max", PRICE, Type::Float8), Value::Text("NaN".into())),
        (agg("min", NAME, Type::Text), Value::Text("".into())),
        (Target::Value(aggregate("count", vec![], Type::Int8)), Value::Integer(4)),
        (Target::Value(int(7)), Value::Integer(7)),
    ] {
        assert_eq!(first(&grouped(target)), [value]);
    }
    let mut empty = grouped(Target::Value(int(7)));
    empty.conditions = vec![op("<", col(ID), int(0))];
    assert_eq!(first(&empty), [Value::Integer(7)]);
    empty.groups = groups(vec![], vec![op(">", aggregate("count", vec![], Type::Int8), int(0))]);
    assert_eq!(first(&empty), []);
    empty.groups = groups(vec![int(1)], vec![]);
    assert_eq!(first(&empty), []);
    let mut join = select(vec![Target::Value(Expr::Column(Var { relation: 2, attribute: N }))], vec![]);
    join.from = From::Join {
        kind: JoinKind::Left,
        left: Box::new(From::Table { relation: 1 }),
        right: Box::new(From::Table { relation: 2 }),
        on: vec![op("=", col(N), other(N)), op(">", other(N), int(0))],
    };
    join.order_by = vec![pg_sqlite_migrate_core::remote::Order {
        expr: other(N),
        collation: pg_sqlite_migrate_core::remote::Collation::None,
        descending: true,
        nulls_first: false,
    }];
    assert_eq!(first(&join), [Value::Integer(i64::MAX), Value::Integer(5), Value::Null, Value::Null]);
}

#[test]
fn array_parameters_are_taken_apart_as_they_were_put_together() {
    let db = database();
    let tables = tables();
    let bytes = |b: &'static [u8]| Native::Bytes(b.into());
    let float = Native::Float;
    for (attribute, element, values, expected) in [
        (N, Type::Int8, vec![Native::Integer(i64::MIN), Native::Null], vec![3]),
        (NAME, Type::Text, vec![Native::Text("a_c".into()), Native::Text("\"\\".into())], vec![4]),
        (PRICE, Type::Float8, vec![float(f64::NAN), float(f64::NEG_INFINITY), float(1.5)], vec![1, 3, 4]),
        (BODY, Type::Bytea, vec![bytes(b"\0"), bytes(b"\x01")], vec![1, 4]),
        (OK, Type::Bool, vec![Native::Bool(true)], vec![1, 4]),
    ] {
        let array = Expr::ArrayParam { index: 0, element };
        for (condition, expected) in [
            (any("=", col(attribute), vec![array.clone()], false), expected.clone()),
            (Expr::Not(any("<>", col(attribute), vec![array], true).into()), expected),
        ] {
            assert!(shippable::condition(&condition, &tables));
            let remote = deparse::select(&select(vec![Target::Value(col(ID))], vec![condition]), &tables);
            let json = canonical::json_array(values.iter().cloned()).unwrap().unwrap();
            let run = |bound: Option<&str>| -> Vec<i64> {
                let mut statement = db.prepare(&remote.sql).unwrap();
                let mut ids: Vec<i64> = statement
                    .query_map([bound], |row| row.get(0))
                    .unwrap()
                    .collect::<Result<_, _>>()
                    .unwrap();
                ids.sort_unstable();
                ids
            };
            assert_eq!(run(Some(&json)), expected, "{}", remote.sql);
            assert_eq!(run(None), Vec::<i64>::new());
        }
    }
}

#[test]
fn joins_nest_on_either_side() {
    let db = database();
    let mut tables = tables();
    let table = tables[&1].clone();
    tables.insert(3, table);
    let third = |attribute| Expr::Column(Var { relation: 3, attribute });
    let leaf = |relation| Box::new(From::Table { relation });
    let inner = From::Join {
        kind: JoinKind::Inner,
        left: leaf(2),
        right: leaf(3),
        on: vec![op("=", other(NICK), third(NICK))],
    };
    for (kind, expected) in [
        (JoinKind::Inner, vec![Some(i64::MIN)]),
        (JoinKind::Left, vec![None, None, None, Some(i64::MIN)]),
        (JoinKind::Right, vec![Some(i64::MIN), Some(5), Some(i64::MAX)]),
    ] {
        for nested_left in [false, true] {
            let kind = match (kind, nested_left) {
                (JoinKind::Left, true) => JoinKind::Right,
                (JoinKind::Right, true) => JoinKind::Left,
                (kind, _) => kind,
            };
            let (left, right) = if nested_left {
                (Box::new(inner.clone()), leaf(1))
            } else {
                (leaf(1), Box::new(inner.clone()))
            };
            let on = vec![op("=", col(DAY), third(DAY)), op("=", col(NAME), text(""))];
            let mut query = select(vec![Target::Value(third(N))], vec![]);
            query.from = From::Join { kind, left, right, on };
            query.order_by = vec![pg_sqlite_migrate_core::remote::Order {
                expr: other(ID),
                collation: pg_sqlite_migrate_core::remote::Collation::None,
                descending: true,
                nulls_first: true,
            }];
            let remote = deparse::select(&query, &tables);
            let mut statement = db.prepare(&remote.sql).unwrap();
            let mut found: Vec<Option<i64>> =
                statement.query_map([], |row| row.get(0)).unwrap().collect::<Result<_, _>>().unwrap();
            let mut expected = expected.clone();
            found.sort_unstable();
            expected.sort_unstable();
            assert_eq!(found, expected, "{}", remote.sql);
        }
    }
}

#[test]
fn changes_run() {
    let db = database();
    let tables = tables();
    let set =
        [(N, typed("*", col(N), int(2), Type::Int8)), (NAME, typed("||", col(NAME), text("!"), Type::Text))];
    let conditions = [op("=", col(N), int(5))];
    let update = deparse::Modification {
        relation: 1,
        set: Some(&set),
        conditions: &conditions,
        returning: &[NAME, N],
    };
    let text = deparse::direct_modification(&update, &tables).unwrap();
    let row = db.query_row(&text.remote.sql, [], |row| Ok((row.get(0)?, row.get(1)?))).unwrap();
    assert_eq!(row, ("abc!".to_owned(), 10));
    let delete = deparse::Modification { set: None, returning: &[], ..update };
    assert_eq!(db.execute(&deparse::direct_modification(&delete, &tables).unwrap().remote.sql, []), Ok(0));
    let conditions = [Expr::NullTest { arg: col(N).into(), negated: false }];
    let delete = deparse::Modification { conditions: &conditions, ..delete };
    assert_eq!(db.execute(&deparse::direct_modification(&delete, &tables).unwrap().remote.sql, []), Ok(1));
}

/// The model that writing relies on: what the affinity makes of a value is what SQLite makes of it.
#[test]
fn affinities_store_what_the_model_says() {
    use pg_sqlite_migrate_core::remote::Affinity;
    let db = Connection::open_in_memory().unwrap();
    let texts = [
        "",
        "a",
        "12",
        "-0",
        "007",
        "1.0",
        "1e5",
        " 12 ",
        "1e999",
        "0x10",
        "9223372036854775808",
        "nan",
        "inf",
        ".",
        "2024-01-01",
        "+5",
        "5.",
        ".5",
        "1e",
        "1e+",
        "-",
        "12 a",
        "\t7\n",
        "9223372036854775807",
        "-9223372036854775808",
        "1_000",
        "00000000-0000-0000-0000-000000000000",
        "11111111-1111-1111-1111-111111111111",
        "1-1",
        "1+1",
        "e5",
        "1e5e5",
    ];
    let mut cells: Vec<CellBuf<'static>> = texts.map(CellBuf::text).to_vec();
    cells.extend([0, -1, i64::MAX, i64::MIN, (1 << 53) + 1].map(CellBuf::Integer));
    cells.extend(
        [0.0, 0.5, 1e300, -1.0, 9.3e18, -9_223_372_036_854_775_808.0, f64::INFINITY].map(CellBuf::Real),
    );
    cells.push(CellBuf::Blob(b"12".as_slice().into()));
    for (affinity, declared) in [
        (Affinity::Integer, "INTEGER"),
        (Affinity::Real, "REAL"),
        (Affinity::Numeric, "NUMERIC"),
        (Affinity::Text, "TEXT"),
        (Affinity::Blob, "BLOB"),
    ] {
        db.execute_batch(&format!("DROP TABLE IF EXISTS a; CREATE TABLE a (v {declared})")).unwrap();
        for cell in &cells {
            let stored: Value = db
                .execute("INSERT INTO a VALUES (?1)", [sql_value(cell.clone())])
                .and_then(|_| {
                    db.query_row("SELECT v FROM a ORDER BY rowid DESC LIMIT 1", [], |row| row.get(0))
                })
                .unwrap();
            if let Some(model) = affinity.stored(cell.as_cell()) {
                assert_eq!(sql_value(model), stored, "{cell:?} in {declared}");
            }
        }
    }
}
