//! What statements that write become, over one small schema.

use super::super::writable::{Arbiter, Resolve, UniqueKey, Unset, Writable, WritableColumn};
use super::super::{Column, Relation, Schema, Stored, statement};
use crate::catalog::Affinity;
use crate::translate::{Collation, ScopeColumn, Size};
use crate::value::{Format, PgType};

const COLUMNS: &[(&str, &str, &str, Option<Format>)] = &[
    ("id", "INTEGER", "bigint", None),
    ("name", "TEXT", "text", None),
    ("n", "INTEGER", "bigint", None),
    ("ok", "BOOLEAN", "boolean", None),
    ("at", "INTEGER", "timestamp with time zone", Some(Format::UnixEpochMs)),
    ("made", "TEXT", "timestamp without time zone", None),
    ("price", "DECIMAL", "numeric(8,2)", None),
];

fn schema() -> Schema {
    let column = |(source, declared, pg_type, format): &(&str, &str, &str, Option<Format>)| Column {
        column: ScopeColumn {
            source: (*source).into(),
            target: (*source).into(),
            pg_type: PgType::parse(pg_type),
            format: *format,
            collation: Collation::Binary,
            read_as_text: false,
            size: Size::UNKNOWN,
        },
        affinity: Affinity::of(declared),
        stored: format.map(|_| Stored { integers: true, ..Stored::default() }),
        missing: false,
    };
    let facts = |at: usize, pg_type: &str| WritableColumn {
        printed: pg_type.into(),
        cast: false,
        not_null: at == 0,
        unset: if at == 0 { Unset::Number } else { Unset::Null },
        generated: false,
        unstored: false,
        on_null: Resolve::Error,
        any: false,
        using: false,
    };
    let key = |at: usize| UniqueKey {
        columns: Some(vec![at]),
        reads: vec![at],
        arbiter: Arbiter::Index(format!("(\"{}\")", COLUMNS[at].0)),
        resolve: Resolve::Error,
        partial: false,
        plain: true,
    };
    let relation = |name: &str| Relation {
        source: name.into(),
        target: Ok(format!("\"public\".\"{name}\"")),
        columns: COLUMNS.iter().map(column).collect(),
        rowid: Some(0),
        view: None,
    };
    let writable = |keys: &[usize]| Writable {
        columns: COLUMNS.iter().enumerate().map(|(at, c)| facts(at, c.2)).collect(),
        keys: keys.iter().map(|at| key(*at)).collect(),
        ..Writable::default()
    };
    Schema {
        relations: vec![relation("t"), relation("u")],
        writables: [("t".to_owned(), writable(&[0])), ("u".to_owned(), writable(&[0, 1]))].into(),
        ..Schema::default()
    }
}

fn translated(sql: &str) -> String {
    match statement(sql, &schema()) {
        Ok(statement) => statement.sql.replace("\"public\".", ""),
        Err(refusal) => format!("refused: {}", refusal.reason),
    }
}

#[test]
fn values_become_those_of_their_columns() {
    for (sql, expected) in [
        (
            "INSERT INTO t (name, at, ok, price) VALUES ('a', 1700000000000, 1, '2.50')",
            "INSERT INTO \"t\" (\"name\", \"at\", \"ok\", \"price\") VALUES ('a', '2023-11-14 22:13:20+00'::timestamptz, true, 2.50)",
        ),
        (
            "INSERT INTO t (id, n) VALUES (NULL, 1), (7, 2)",
            "INSERT INTO \"t\" (\"id\", \"n\") VALUES (DEFAULT, 1), (7, 2)",
        ),
        (
            "INSERT INTO t (id, n) SELECT NULL, n FROM u",
            "INSERT INTO \"t\" (\"n\") SELECT \"u\".\"n\" FROM \"u\"",
        ),
        (
            "INSERT INTO t DEFAULT VALUES RETURNING id",
            "INSERT INTO \"t\" DEFAULT VALUES RETURNING \"t\".\"id\"",
        ),
        ("UPDATE t SET made = datetime('now')", "UPDATE \"t\" SET \"made\" = (now() AT TIME ZONE 'UTC')"),
        (
            "UPDATE t SET ok = NOT ok, name = n WHERE id = ?",
            "UPDATE \"t\" SET \"ok\" = NOT \"t\".\"ok\", \"name\" = \"t\".\"n\"::text WHERE \"t\".\"id\" = $1::bigint",
        ),
        (
            "UPDATE t SET at = at + 5",
            "UPDATE \"t\" SET \"at\" = ('1970-01-01 00:00:00+00'::timestamptz + ((extract(epoch FROM \"t\".\"at\") * 1000)::bigint + 5) * '1 millisecond'::interval)",
        ),
        ("UPDATE t SET n = 1.5", "refused: 1.5 is no bigint value"),
        ("UPDATE t SET price = 1.005", "refused: 1.005 has more digits than numeric(8,2)"),
    ] {
        assert_eq!(translated(sql), expected, "{sql}");
    }
}

#[test]
fn conflicts_are_resolved_as_sqlite_resolves_them() {
    for (sql, expected) in [
        (
            "INSERT OR IGNORE INTO t (id, n) VALUES (1, 2)",
            "INSERT INTO \"t\" (\"id\", \"n\") VALUES (1, 2) ON CONFLICT DO NOTHING",
        ),
        ("INSERT OR IGNORE INTO t (n) VALUES (2)", "INSERT INTO \"t\" (\"n\") VALUES (2)"),
        (
            "INSERT INTO t (id, n) VALUES (1, 2) ON CONFLICT (id) DO UPDATE SET n = n + excluded.n WHERE t.n < 9",
            "INSERT INTO \"t\" (\"id\", \"n\") VALUES (1, 2) ON CONFLICT (\"id\") DO UPDATE SET \"n\" = \"t\".\"n\" + \"excluded\".\"n\" WHERE \"t\".\"n\" < 9",
        ),
        (
            "REPLACE INTO u (id, name) VALUES (1, 'a')",
            "WITH \"written\" (\"id\", \"name\") AS (VALUES (1::bigint, 'a'::text)), \"replaced\" AS (DELETE FROM \"u\" USING \"written\" \
             WHERE (\"u\".\"id\" = \"written\".\"id\") OR (\"u\".\"name\" = \"written\".\"name\") RETURNING 1) INSERT INTO \"u\" (\"id\", \"name\") \
             SELECT \"written\".\"id\", \"written\".\"name\" FROM \"written\" WHERE (SELECT count(*) FROM \"replaced\") >= 0",
        ),
        (
            "INSERT INTO t (id) VALUES (1) ON CONFLICT (n) DO NOTHING",
            "refused: ON CONFLICT names no key of the table",
        ),
        (
            "UPDATE OR IGNORE u SET name = 'a' WHERE n > 1",
            "UPDATE \"u\" SET \"name\" = 'a' WHERE (\"u\".\"n\" > 1) AND NOT EXISTS (SELECT 1 FROM \"u\" AS \"other\" WHERE \"other\".\"name\" = 'a' AND (\"other\".\"id\") <> (\"u\".\"id\"))",
        ),
        (
            "UPDATE OR REPLACE u SET name = 'a'",
            "refused: UPDATE that deletes rows with the same key (OR REPLACE), of more rows than one",
        ),
        (
            "UPDATE OR REPLACE u SET name = 'a' WHERE id = 7 OR n = 1",
            "refused: UPDATE that deletes rows with the same key (OR REPLACE), of more rows than one",
        ),
        (
            "UPDATE OR REPLACE u SET name = 'a' WHERE id = n",
            "refused: UPDATE that deletes rows with the same key (OR REPLACE), of more rows than one",
        ),
        (
            "UPDATE OR REPLACE u AS new SET name = 'a' WHERE new.id = new.n",
            "refused: UPDATE that deletes rows with the same key (OR REPLACE), of more rows than one",
        ),
        (
            "UPDATE OR REPLACE u SET name = 'a' WHERE n > 1 AND id = 3 + 4",
            "WITH \"replaced\" AS (DELETE FROM \"u\" AS \"other\" USING \"u\" WHERE (\"u\".\"n\" > 1 AND \"u\".\"id\" = 7) AND ((\"other\".\"name\" = 'a')) \
             AND (\"other\".\"id\") <> (\"u\".\"id\") RETURNING 1) UPDATE \"u\" SET \"name\" = 'a' \
             WHERE (\"u\".\"n\" > 1 AND \"u\".\"id\" = 7) AND (SELECT count(*) FROM \"replaced\") >= 0",
        ),
        ("UPDATE OR REPLACE t SET n = 1 WHERE n > 1", "UPDATE \"t\" SET \"n\" = 1 WHERE \"t\".\"n\" > 1"),
        (
            "INSERT INTO u (id, name) VALUES (1, 'a') ON CONFLICT (id) DO NOTHING ON CONFLICT (name) DO UPDATE SET n = 1",
            "refused: several ON CONFLICT clauses that do different things, of which PostgreSQL has one",
        ),
    ] {
        assert_eq!(translated(sql), expected, "{sql}");
    }
    let replaced = translated("REPLACE INTO t (id, name) VALUES (1, 'a')");
    assert!(replaced.contains("ON CONFLICT (\"id\") DO UPDATE SET \"id\" = \"excluded\".\"id\", \"name\" = \"excluded\".\"name\", \"n\" = "), "{replaced}");
}

#[test]
fn rows_are_chosen_by_their_key() {
    assert_eq!(
        translated("DELETE FROM t WHERE n > 1 ORDER BY n DESC LIMIT 2"),
        "DELETE FROM \"t\" WHERE (\"t\".\"id\") IN (SELECT \"t\".\"id\" FROM \"t\" WHERE \"t\".\"n\" > 1 ORDER BY \"t\".\"n\" DESC NULLS LAST LIMIT 2)"
    );
    assert_eq!(
        translated("UPDATE t AS x SET n = (SELECT max(n) FROM u WHERE u.id = x.id) RETURNING x.id AS k"),
        "UPDATE \"t\" AS \"x\" SET \"n\" = (SELECT max(\"u\".\"n\") FROM \"u\" WHERE \"u\".\"id\" = \"x\".\"id\") RETURNING \"x\".\"id\" AS \"k\""
    );
}

#[test]
fn parameters_keep_the_numbers_of_the_text() {
    for (sql, expected) in [
        (
            "UPDATE t SET n = ? FROM u WHERE u.id = t.id AND u.n = ?",
            "UPDATE \"t\" SET \"n\" = $1::bigint FROM \"u\" WHERE \"u\".\"id\" = \"t\".\"id\" AND \"u\".\"n\" = $2::bigint",
        ),
        (
            "SELECT id + ? FROM t WHERE n = ?",
            "SELECT \"t\".\"id\" + $1::bigint FROM \"t\" WHERE \"t\".\"n\" = $2::bigint",
        ),
        (
            "SELECT id FROM t WHERE n = ?3 AND id = ? LIMIT ?, ?",
            "SELECT \"t\".\"id\" FROM \"t\" WHERE \"t\".\"n\" = $3::bigint AND \"t\".\"id\" = $4::bigint LIMIT $6::bigint OFFSET $5::bigint",
        ),
    ] {
        assert_eq!(translated(sql), expected, "{sql}");
    }
}

#[test]
fn keys_are_results_without_parentheses_and_collate() {
    let name = r#"SELECT "t"."name" FROM "t""#;
    for (sql, expected) in [
        ("ORDER BY 1 COLLATE NOCASE", "ORDER BY lower(\"t\".\"name\" COLLATE \"C\") NULLS FIRST"),
        ("ORDER BY (1) DESC", "ORDER BY \"t\".\"name\" COLLATE \"C\" DESC NULLS LAST"),
        ("ORDER BY +1", "ORDER BY \"t\".\"name\" COLLATE \"C\" NULLS FIRST"),
        ("ORDER BY 0x1", "ORDER BY \"t\".\"name\" COLLATE \"C\" NULLS FIRST"),
        (
            "ORDER BY ((1 COLLATE BINARY) COLLATE NOCASE)",
            "ORDER BY lower(\"t\".\"name\" COLLATE \"C\") NULLS FIRST",
        ),
    ] {
        assert_eq!(translated(&format!("SELECT name FROM t {sql}")), format!("{name} {expected}"), "{sql}");
    }
    for (sql, expected) in [
        (
            "SELECT count(*), name FROM t GROUP BY 2 COLLATE NOCASE",
            " GROUP BY lower(\"t\".\"name\" COLLATE \"C\")",
        ),
        ("SELECT count(*), name FROM t GROUP BY (2)", " GROUP BY \"t\".\"name\""),
        (
            "SELECT DISTINCT name FROM t ORDER BY name COLLATE NOCASE",
            " ORDER BY lower(\"q\".\"name\" COLLATE \"C\") NULLS FIRST",
        ),
        (
            "SELECT DISTINCT name COLLATE NOCASE AS x FROM t ORDER BY name",
            " ORDER BY \"q\".\"x\" COLLATE \"C\" NULLS FIRST",
        ),
        (
            "SELECT name || 'x' AS made FROM t ORDER BY made COLLATE NOCASE",
            " ORDER BY lower((\"t\".\"name\" || 'x') COLLATE \"C\") NULLS FIRST",
        ),
        (
            "SELECT name FROM t UNION SELECT name FROM u ORDER BY (name) COLLATE NOCASE",
            " ORDER BY lower(\"q\".\"name\" COLLATE \"C\") NULLS FIRST",
        ),
        ("SELECT name FROM t ORDER BY (2) COLLATE NOCASE", "refused: there is no result 2"),
    ] {
        let translated = translated(sql);
        assert!(translated.ends_with(expected), "{sql}: {translated}");
    }
}

#[test]
fn columns_are_of_the_row_that_has_the_extreme() {
    let of = |tail: &str| translated(&format!("SELECT n, name, max(at) FROM t GROUP BY n{tail}"));
    for tail in ["", " ORDER BY max(at)", " HAVING max(t.at) > 0", " ORDER BY (MAX((at))), 1"] {
        assert!(
            of(tail).contains("(array_agg(\"t\".\"name\" ORDER BY \"t\".\"at\" DESC NULLS LAST))[1]"),
            "{}",
            of(tail)
        );
    }
    for tail in [" ORDER BY min(at)", " HAVING max(id) > 0"] {
        assert!(of(tail).contains("(array_agg(\"t\".\"name\"))[1]"), "{}", of(tail));
    }
    assert_eq!(
        translated("SELECT n, name, max(id) FILTER (WHERE ok) FROM t GROUP BY n"),
        "refused: a column of the row that min() or max() with FILTER is of"
    );
}

#[test]
fn a_key_is_told_apart_from_others_over_its_columns() {
    let with = |keys: Vec<UniqueKey>, sql: &str| {
        let mut schema = schema();
        if let Some(writable) = schema.writables.get_mut("t") {
            writable.keys.extend(keys);
        }
        statement(sql, &schema).map_or_else(|refusal| refusal.reason, |statement| statement.sql)
    };
    let key = |condition: &str, plain: bool| UniqueKey {
        columns: Some(vec![2]),
        reads: vec![2],
        arbiter: Arbiter::Index(format!("(\"n\"){condition}")),
        resolve: Resolve::Error,
        partial: !condition.is_empty(),
        plain,
    };
    let (upsert, conditional) = (
        "INSERT INTO t (n) VALUES (1) ON CONFLICT (n) DO UPDATE SET name = 'a'",
        "INSERT INTO t (n) VALUES (1) ON CONFLICT (n) WHERE ok = 1 DO UPDATE SET name = 'a'",
    );
    let refused = "ON CONFLICT by one of several keys over the same columns: the key over (\"n\")";
    let (off, on) = (|| key(" WHERE NOT ok", true), || key(" WHERE ok", true));
    assert_eq!(with(vec![off(), on()], conditional), refused);
    assert_eq!(with(vec![key("", true), key("", false)], upsert), refused);
    assert!(with(vec![off(), key("", true)], upsert).contains("ON CONFLICT (\"n\") DO UPDATE"));
    assert!(with(vec![on()], conditional).contains("ON CONFLICT (\"n\") WHERE ok DO UPDATE"));
}

#[test]
fn a_null_that_becomes_the_default_may_conflict() {
    let mut schema = schema();
    if let Some(writable) = schema.writables.get_mut("u") {
        writable.columns[1].not_null = true;
        writable.columns[1].unset = Unset::Default;
    }
    let of =
        |sql: &str| statement(sql, &schema).map_or_else(|refusal| refusal.reason, |statement| statement.sql);
    let replaced = of("REPLACE INTO u (name, n) VALUES (NULL, 1)");
    assert!(replaced.contains("ON CONFLICT (\"name\") DO UPDATE"), "{replaced}");
    let inserted = of("INSERT INTO u (name, n) VALUES (NULL, 1)");
    assert!(!inserted.contains("ON CONFLICT"), "{inserted}");
}

#[test]
fn the_first_row_of_a_subquery_is_compared() {
    assert_eq!(
        translated("SELECT id FROM t WHERE (n, 1) = (SELECT n, 1 FROM u)"),
        "SELECT \"t\".\"id\" FROM \"t\" WHERE (\"t\".\"n\", 1) = (SELECT * FROM (SELECT \"u\".\"n\", 1 FROM \"u\") AS \"q\" LIMIT 1)"
    );
    assert_eq!(
        translated("SELECT id FROM t WHERE (n, 1) <> (SELECT name, 1 FROM u)"),
        "refused: a row value compared with values of other storage classes of a subquery"
    );
}
