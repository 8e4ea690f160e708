//! The texts of `sqlite_schema`.

use pg_sqlite_migrate_core::ddl;
use proptest::prelude::*;

use crate::text::near;
use crate::{bounded, cases};

const WORDS: &[&str] = &[
    "CREATE",
    "TABLE",
    "INDEX",
    "UNIQUE",
    "VIRTUAL",
    "TEMP",
    "IF NOT EXISTS",
    "USING",
    "ON",
    "(",
    ")",
    ",",
    ".",
    ";",
    "t",
    "a",
    "b",
    "\"a b\"",
    "[a]",
    "`a`",
    "'a'",
    "''",
    "\"",
    "'",
    "[",
    "INTEGER",
    "VARCHAR(10)",
    "DECIMAL(5, -2)",
    "PRIMARY KEY",
    "AUTOINCREMENT",
    "NOT NULL",
    "NULL",
    "DEFAULT",
    "CURRENT_TIMESTAMP",
    "CHECK",
    "CONSTRAINT",
    "c",
    "REFERENCES",
    "FOREIGN KEY",
    "DEFERRABLE",
    "INITIALLY DEFERRED",
    "ON DELETE CASCADE",
    "MATCH FULL",
    "COLLATE NOCASE",
    "GENERATED ALWAYS AS",
    "AS",
    "STORED",
    "VIRTUAL",
    "WITHOUT ROWID",
    "STRICT",
    "WHERE",
    "DESC",
    "SELECT",
    "CASE",
    "WHEN",
    "THEN",
    "END",
    "BETWEEN",
    "AND",
    "LIKE",
    "ESCAPE",
    "IN",
    "EXISTS",
    "NOT",
    "-",
    "~",
    "1",
    "1.5e400",
    "x'00'",
    "?1",
    ":a",
    "||",
    "->>",
    "--",
    "/*",
    "*/",
    "\n",
    "\u{feff}",
    "é",
    "\0",
];

const TABLES: &[&str] = &[
    "CREATE TABLE t (id INTEGER PRIMARY KEY AUTOINCREMENT, a TEXT NOT NULL DEFAULT 'x' CHECK (length(a) < 10), b REFERENCES u (id) ON DELETE CASCADE DEFERRABLE INITIALLY DEFERRED)",
    "CREATE TABLE \"a b\" ([c d] VARCHAR(20) COLLATE NOCASE, `e` DECIMAL(10, 2) DEFAULT (1 + 2), CONSTRAINT k UNIQUE ([c d], e) ON CONFLICT IGNORE, CONSTRAINT f FOREIGN KEY (e) REFERENCES u, CHECK (e > 0 AND ([c d] LIKE 'a%' ESCAPE '\\'))) WITHOUT ROWID, STRICT",
    "CREATE TABLE g (a INT, b AS (a * 2) STORED, c TEXT GENERATED ALWAYS AS (CASE WHEN a BETWEEN 1 AND 2 THEN 'x' ELSE json_extract(b, '$.a') END) VIRTUAL, PRIMARY KEY (a DESC))",
    "CREATE TABLE s AS SELECT 1 AS a",
    "CREATE VIRTUAL TABLE v USING fts5(a, content='', tokenize = \"unicode61 remove_diacritics 2\")",
];

const INDEXES: &[&str] = &[
    "CREATE INDEX i ON t (a, b DESC, lower(c) COLLATE NOCASE) WHERE a IS NOT NULL AND b IN (1, 2)",
    "CREATE UNIQUE INDEX IF NOT EXISTS main.\"i j\" ON t ((a || 'x)' || b), json_extract(c, '$[0]'))",
];

const CONDITIONS: &[&str] =
    &["deleted = 0 AND (a > 'x' OR NOT b)", "a IN (SELECT b FROM u)", "1); DROP TABLE t; --"];

proptest! {
    #![proptest_config(cases(4))]

    #[test]
    fn a_table(sql in near(TABLES, WORDS)) {
        bounded(|| _ = ddl::table(&sql));
        bounded(|| _ = ddl::module(&sql));
    }

    #[test]
    fn an_index(sql in near(INDEXES, WORDS)) {
        bounded(|| _ = ddl::index(&sql));
    }

    /// A plan's `where` that is taken stays between its parentheses.
    #[test]
    fn a_condition(sql in near(CONDITIONS, WORDS)) {
        bounded(|| _ = ddl::check_expression(&sql));
    }
}
