//! SQLite's expressions, which become PostgreSQL's.

use pg_sqlite_migrate_core::translate::{self, Collation, Scope, ScopeColumn, Size};
use pg_sqlite_migrate_core::value::{Format, PgType, Timezone};
use proptest::prelude::*;
use proptest::sample::select;

use crate::text::near;
use crate::{bounded, cases, sql};

const WORDS: &[&str] = &[
    "(",
    ")",
    ",",
    ".",
    "id",
    "name",
    "\"name\"",
    "[at]",
    "price",
    "ok",
    "body",
    "made",
    "main",
    "t",
    "'a'",
    "''",
    "'it''s'",
    "'\\'",
    "'a;--'",
    "\"",
    "'",
    "1",
    "0",
    "-1",
    "1.5",
    "9223372036854775807",
    "9223372036854775808",
    "1e308",
    "1e999",
    "0x1F",
    "x'00FF'",
    "NULL",
    "TRUE",
    "CURRENT_TIMESTAMP",
    "CURRENT_DATE",
    "+",
    "-",
    "*",
    "/",
    "%",
    "||",
    "<<",
    ">>",
    "&",
    "|",
    "~",
    "=",
    "==",
    "<>",
    "<",
    ">=",
    "IS",
    "IS NOT",
    "ISNULL",
    "NOTNULL",
    "NOT",
    "AND",
    "OR",
    "IN",
    "LIKE",
    "GLOB",
    "REGEXP",
    "MATCH",
    "ESCAPE",
    "BETWEEN",
    "COLLATE NOCASE",
    "COLLATE RTRIM",
    "CASE",
    "WHEN",
    "THEN",
    "ELSE",
    "END",
    "CAST(",
    "AS TEXT)",
    "AS INTEGER)",
    "AS REAL)",
    "AS BLOB)",
    "AS NUMERIC)",
    "->",
    "->>",
    "'$.a'",
    "'$[0]'",
    "'$.\"a b\"[#-1]'",
    "length(",
    "substr(",
    "lower(",
    "coalesce(",
    "ifnull(",
    "iif(",
    "nullif(",
    "abs(",
    "round(",
    "typeof(",
    "trim(",
    "instr(",
    "replace(",
    "printf(",
    "hex(",
    "min(",
    "max(",
    "count(*)",
    "random()",
    "date(",
    "datetime(",
    "strftime(",
    "julianday(",
    "unixepoch(",
    "time(",
    "'now'",
    "'+1 day'",
    "'start of month'",
    "'%Y-%m-%d'",
    "'unixepoch'",
    "json_extract(",
    "json_valid(",
    "json_array_length(",
    "json_type(",
    "SELECT",
    "EXISTS",
    "OVER",
    "FILTER",
    "?1",
    ":a",
    "--",
    "/*",
    "*/",
    ";",
    "$$",
    "\0",
    "é",
];

const EXAMPLES: &[&str] = &[
    "length(name) BETWEEN 1 AND 20 AND name NOT GLOB '*[^a-z0-9_]*'",
    "ok IN (0, 1) AND (price >= 0.0 OR price IS NULL)",
    "CASE WHEN ok THEN lower(trim(name)) ELSE coalesce(name, 'it''s') || '-' || CAST(id AS TEXT) END",
    "json_extract(body, '$.a[0].\"b c\"') ->> 'x' = 'y'",
    "strftime('%Y-%m-%dT%H:%M:%fZ', 'now', '-1 day')",
    "datetime(made, 'unixepoch', 'start of month', '+1 month', '-1 day')",
    "(id * 7 + 3) % 10 << 2 | ~id",
    "name LIKE 'a\\_%' ESCAPE '\\' COLLATE NOCASE",
    "substr(name, -3, 2) || printf('%05d', id) || hex(body)",
    "lower(hex(randomblob(4)) || '-' || hex(randomblob(2)))",
    "at > '2020-01-01' AND made < 1700000000",
    "typeof(name) = 'text' AND instr(name, 'x') > 0",
];

const TYPES: &[&str] = &[
    "boolean",
    "smallint",
    "integer",
    "bigint",
    "real",
    "double precision",
    "numeric",
    "numeric(5,2)",
    "money",
    "text",
    "character varying(3)",
    "character(4)",
    "bytea",
    "date",
    "time without time zone",
    "time with time zone",
    "timestamp without time zone",
    "timestamp(0) with time zone",
    "interval",
    "uuid",
    "json",
    "jsonb",
    "integer[]",
    "text[][]",
    "vector(3)",
    "int4range",
    "inet",
    "app.mood",
    "\"char\"",
];

fn scope() -> Scope {
    let column = |(source, pg_type, format): (&str, &str, Option<Format>)| ScopeColumn {
        read_as_text: false,
        source: source.into(),
        target: format!("{source}'s \"own\""),
        pg_type: PgType::parse(pg_type),
        format,
        collation: if source == "name" { Collation::Nocase } else { Collation::Binary },
        size: Size { low: -1e6, high: 1e6, tiny: 1e-6 },
    };
    let columns = [
        ("id", "bigint", None),
        ("name", "text", None),
        ("ok", "boolean", None),
        ("price", "double precision", None),
        ("amount", "numeric", None),
        ("body", "jsonb", None),
        ("at", "timestamp without time zone", None),
        ("made", "timestamp with time zone", Some(Format::UnixEpoch)),
    ];
    Scope { columns: columns.map(column).to_vec(), timezone: Timezone::UTC }
}

proptest! {
    #![proptest_config(cases(4))]

    #[test]
    fn an_expression(text in near(EXAMPLES, WORDS)) {
        let expression = bounded(|| translate::expression(&text, &scope()));
        let condition = bounded(|| translate::condition(&text, &scope()));
        for sql in [expression.map(|e| e.sql), condition].into_iter().flatten() {
            prop_assert_eq!(sql::flaw(&sql), None, "{}", sql);
        }
    }

    #[test]
    fn for_a_column(
        text in near(EXAMPLES, WORDS),
        pg_type in select(TYPES),
        format in prop::option::of(select(&Format::ALL[..])),
    ) {
        let pg_type = PgType::parse(pg_type);
        let generated = bounded(|| translate::generated(&text, &scope(), &pg_type, format));
        let default = bounded(|| translate::default(&text, &pg_type, format, &Timezone::UTC));
        for sql in [generated.ok(), default.ok().flatten()].into_iter().flatten() {
            prop_assert_eq!(sql::flaw(&sql), None, "{}", sql);
        }
    }
}
