//! SQLite's SELECT statements, which become PostgreSQL's.

use pg_sqlite_migrate_core::catalog::{Affinity, Encoding};
use pg_sqlite_migrate_core::translate::program::{
    Arbiter, Column, Relation, Resolve, Schema, Stored, UniqueKey, Unset, Writable, WritableColumn, statement,
};
use pg_sqlite_migrate_core::translate::{Collation, ScopeColumn, Size};
use pg_sqlite_migrate_core::value::{Format, PgType, Timezone};
use proptest::prelude::*;

use crate::text::near;
use crate::{bounded, cases, sql};

const WORDS: &[&str] = &[
    "(",
    ")",
    ",",
    ".",
    "*",
    ";",
    "SELECT",
    "FROM",
    "t",
    "u",
    "AS",
    "x",
    "id",
    "name",
    "at",
    "price",
    "body",
    "\"name\"",
    "[id]",
    "WHERE",
    "GROUP BY",
    "HAVING",
    "ORDER BY",
    "LIMIT",
    "OFFSET",
    "DISTINCT",
    "DESC",
    "NULLS LAST",
    "UNION",
    "UNION ALL",
    "EXCEPT",
    "INTERSECT",
    "VALUES",
    "WITH",
    "RECURSIVE",
    "JOIN",
    "LEFT JOIN",
    "FULL JOIN",
    "NATURAL JOIN",
    "CROSS JOIN",
    "ON",
    "USING (id)",
    "IN",
    "NOT",
    "EXISTS",
    "BETWEEN",
    "AND",
    "OR",
    "IS",
    "LIKE",
    "GLOB",
    "CASE",
    "WHEN",
    "THEN",
    "ELSE",
    "END",
    "CAST(",
    "AS TEXT)",
    "COLLATE NOCASE",
    "count(*)",
    "sum(",
    "max(",
    "group_concat(",
    "row_number()",
    "OVER (",
    "PARTITION BY",
    "ROWS 1 PRECEDING",
    "FILTER (WHERE",
    "date(",
    "strftime('%Y',",
    "round(",
    "substr(",
    "coalesce(",
    "?",
    "?1",
    ":a",
    "@b",
    "$1",
    "1",
    "-1",
    "2.5",
    "'a'",
    "'2020-01-01'",
    "x'00'",
    "NULL",
    "=",
    "<",
    "+",
    "-",
    "/",
    "||",
    "--",
    "/*",
    "*/",
    "\0",
    "\u{1}",
    "é",
    "(SELECT",
    "1+",
    "rowid",
    "INSERT INTO",
    "REPLACE INTO",
    "INSERT OR IGNORE INTO",
    "DEFAULT VALUES",
    "ON CONFLICT (id)",
    "DO UPDATE SET",
    "DO NOTHING",
    "excluded.",
    "UPDATE",
    "UPDATE OR FAIL",
    "SET",
    "DELETE FROM",
    "RETURNING",
    "INDEXED BY",
];

const EXAMPLES: &[&str] = &[
    "SELECT * FROM t JOIN u USING (id) LEFT JOIN t x ON x.id = u.id WHERE t.name LIKE 'a%' ORDER BY t.name DESC LIMIT 3, 2",
    "SELECT at AS n, count(*), max(price) FROM t GROUP BY n HAVING count(*) > 1 ORDER BY 2 DESC, n",
    "WITH RECURSIVE c(n, s) AS (SELECT 1, NULL UNION ALL SELECT n + 1, 'x' FROM c WHERE n < 9) SELECT * FROM c",
    "SELECT id, sum(price) OVER (PARTITION BY id ORDER BY at ROWS BETWEEN 1 PRECEDING AND CURRENT ROW) FROM t",
    "SELECT DISTINCT a.price, (SELECT max(b.id) FROM u b WHERE b.id < a.id) FROM t a, (SELECT 1 AS one) q ORDER BY 1",
    "VALUES (1, 'a', NULL), (2.5, 'b', x'00')",
    "SELECT id FROM t WHERE (id, name) IN (SELECT id, name FROM u) UNION SELECT :a + id FROM u EXCEPT SELECT ?2",
    "SELECT group_concat(DISTINCT name) FILTER (WHERE id > ?), total(price) FROM t NATURAL JOIN u",
    "SELECT date(at, '+1 month'), strftime('%Y-%m', made, 'unixepoch'), substr(name, -2), name || id FROM t WHERE ok",
    "SELECT CASE WHEN x.y THEN 1 END FROM (SELECT id = 1 AS y FROM t UNION ALL SELECT ok FROM t) x",
    "INSERT INTO t (id, name, at, made) VALUES (NULL, 'a', '2020-01-01', 1580000000), (?, :a, NULL, 5) RETURNING *, id + 1 AS x",
    "INSERT OR REPLACE INTO t AS x SELECT id, name, 1, price, 2.5, '{}', at, made + 60 FROM u ORDER BY 2 LIMIT 3, 2",
    "INSERT INTO t (id, ok) SELECT 1, 0 WHERE true ON CONFLICT (id) DO UPDATE SET ok = excluded.ok, price = t.price + 1 WHERE name <> 'a'",
    "WITH c AS (SELECT id FROM u) UPDATE t AS x SET name = 'a', (price, ok) = (SELECT price, ok FROM u WHERE u.id = x.id) WHERE id IN c",
    "UPDATE OR FAIL t SET name = u.name || '!' FROM u JOIN w ON u.id = w.id WHERE u.id = t.id RETURNING id",
    "DELETE FROM t WHERE at < '2020-01-31 10:00:00' ORDER BY price DESC LIMIT 2 RETURNING name AS n",
];

pub(crate) fn schema() -> Schema {
    let column = |(source, declared, pg_type, format): (&str, &str, &str, Option<Format>)| Column {
        column: ScopeColumn {
            source: source.into(),
            target: format!("{source}'s \"own\""),
            pg_type: PgType::parse(pg_type),
            format,
            collation: if source == "name" { Collation::Nocase } else { Collation::Binary },
            read_as_text: source == "name",
            size: Size::UNKNOWN,
        },
        affinity: Affinity::of(declared),
        stored: match declared {
            "DATETIME" => {
                Some(Stored { integers: format.is_some(), texts: format.is_none(), ..Stored::default() })
            }
            "JSON" => Some(Stored { texts: true, ..Stored::default() }),
            _ => None,
        },
        missing: source == "gone",
    };
    let columns = [
        ("id", "INTEGER", "bigint", None),
        ("name", "TEXT", "text", None),
        ("ok", "BOOLEAN", "boolean", None),
        ("price", "REAL", "double precision", None),
        ("amount", "DECIMAL", "numeric", None),
        ("body", "JSON", "jsonb", None),
        ("at", "DATETIME", "timestamp without time zone", None),
        ("made", "DATETIME", "timestamp with time zone", Some(Format::UnixEpoch)),
        ("gone", "TEXT", "text", None),
    ];
    let relation = |source: &str, target: Result<String, String>| Relation {
        source: source.into(),
        target,
        columns: columns.map(column).into_iter().filter(|c| source == "w" || !c.missing).collect(),
        rowid: Some(0),
        view: None,
    };
    let relations = vec![
        relation("t", Ok("\"public\".\"t\"".into())),
        relation("u", Ok("\"s\".\"T\"\"s\"".into())),
        relation("v", Err("is a view".into())),
        relation("w", Ok("\"w\".\"w\"".into())),
    ];
    let writables =
        relations.iter().filter(|r| r.target.is_ok()).map(|r| (r.source.clone(), writable(r))).collect();
    Schema {
        relations,
        timezone: Timezone::UTC,
        encoding: Encoding::Utf8,
        writables,
        no_helpers: false,
        searches: vec![],
    }
}

/// Two keys, of which one resolves its conflicts itself.
fn writable(relation: &Relation) -> Writable {
    let column = |(at, column): (usize, &Column)| WritableColumn {
        printed: column.column.pg_type.to_string(),
        cast: false,
        not_null: at == 0,
        unset: if at == 0 { Unset::Number } else { Unset::Null },
        generated: false,
        unstored: false,
        on_null: Resolve::Error,
        any: false,
        using: false,
    };
    let key = |at: usize, resolve| UniqueKey {
        columns: Some(vec![at]),
        reads: vec![at],
        arbiter: Arbiter::Index(format!("(\"k{at}\")")),
        resolve,
        partial: false,
        plain: true,
    };
    let resolve = if relation.source == "u" { Resolve::Ignore } else { Resolve::Error };
    Writable {
        columns: relation.columns.iter().enumerate().map(column).collect(),
        keys: vec![key(0, Resolve::Error), key(1, resolve)],
        ..Writable::default()
    }
}

proptest! {
    #![proptest_config(cases(4))]

    #[test]
    fn a_statement(text in near(EXAMPLES, WORDS)) {
        let schema = schema();
        match bounded(|| statement(&text, &schema)) {
            Ok(translated) => {
                prop_assert_eq!(sql::flaw(&translated.sql), None, "{}", translated.sql);
                prop_assert!(!translated.sql.contains('\u{1}'), "{}", translated.sql);
            }
            Err(refusal) => prop_assert!(!refusal.reason.is_empty()),
        }
    }
}

#[test]
fn the_examples_are_translated() {
    let schema = schema();
    for text in EXAMPLES.iter().take(6) {
        statement(text, &schema).unwrap_or_else(|e| panic!("{text}: {}", e.reason));
    }
}

#[test]
fn deep_statements_are_refused() {
    let schema = schema();
    for (head, tail) in [
        ("SELECT (", ")"),
        ("SELECT * FROM (", ")"),
        ("SELECT 1+", ""),
        ("SELECT NOT ", ""),
        ("SELECT -", ""),
    ] {
        let (head, repeated) = head.split_at(7);
        let text = format!("{head}{}1{}", repeated.repeat(20_000), tail.repeat(20_000));
        assert!(bounded(|| statement(&text, &schema)).is_err(), "{head}{repeated}");
    }
    for (head, repeated) in [
        ("SELECT 1 FROM t", ", t"),
        ("SELECT 1 FROM t", " NATURAL JOIN t"),
        ("SELECT 1", " UNION SELECT 1"),
        ("SELECT 1 FROM t", " LIMIT 1"),
        ("SELECT 1 FROM t GROUP BY id", ", id + 1"),
        ("VALUES (1)", ", (NULL)"),
        ("SELECT id", ", id"),
        ("SELECT id AS x FROM t WHERE x", " AND x"),
    ] {
        let text = format!("{head}{}", repeated.repeat(10_000));
        let _ = bounded(|| statement(&text, &schema));
    }
    // What is almost too deep is translated, on a small stack.
    for text in [
        format!("SELECT {}1", "NOT ".repeat(85)),
        format!("SELECT {}1{}", "(SELECT ".repeat(9), ")".repeat(9)),
        format!("SELECT {}id{} FROM t", "coalesce(".repeat(80), ", 1)".repeat(80)),
        format!(
            "SELECT id FROM t WHERE {}id = 1{}",
            "id IN (SELECT id FROM u WHERE ".repeat(8),
            ")".repeat(8)
        ),
        format!("SELECT * FROM {}t{}", "(SELECT id FROM ".repeat(5), ")".repeat(5)),
    ] {
        bounded(|| statement(&text, &schema)).unwrap_or_else(|e| panic!("{text}: {}", e.reason));
    }
    let nested = format!("{}SELECT 1{}", "SELECT * FROM (".repeat(60), ")".repeat(60));
    let reason = statement(&nested, &schema).unwrap_err().reason;
    assert_eq!(reason, "it is nested too deeply");
}
