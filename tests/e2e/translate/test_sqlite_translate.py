"""`sqlite_translate`: what it returns, what it refuses and where, parameters, names of the plan, rights."""

import json

import pytest

from client import fails
from harness import quote

FILE = """
    CREATE TABLE "userAccounts" (id INTEGER PRIMARY KEY, "firstName" TEXT, price DECIMAL(10,2), "createdAt" DATETIME, secret TEXT, mixed);
    INSERT INTO "userAccounts" VALUES (1, 'Ann', 2.5, '2024-01-31 10:00:00', 'x', 1), (2, 'bob', 3, '2024-02-01 00:00:00', 'y', 'z');
    CREATE TABLE codes (code TEXT PRIMARY KEY, label TEXT) WITHOUT ROWID; INSERT INTO codes VALUES ('a', 'A');
    CREATE VIEW names AS SELECT "firstName" FROM "userAccounts"; CREATE VIEW spoken AS SELECT title_sort("firstName") AS s FROM "userAccounts";"""
PLAN = {"names": "snake_case", "schema": "app", "tables": {"userAccounts": {"columns": {"secret": {"skip": True}}}}}


@pytest.fixture
def path(t):
    return t.file("app.db", FILE)


def call(sql, path=None, plan=None):
    args = [quote(sql), quote(str(path)) if path else "NULL", quote(json.dumps(plan)) if plan else "NULL"]
    return f"SELECT statement, notes FROM sqlite_translate({', '.join(args)})"


def translated(t, sql, path=None, plan=None):
    [row] = t.rows(call(sql, path, plan))
    return row["statement"], row["notes"]


def refused(t, reason, place, sql, path=None, plan=None, hint="docs/translate.md"):
    with fails("0A000", reason, hint) as failure:
        t.sql(call(sql, path, plan))
    assert place in failure.detail, failure.detail


def test_names_and_types_are_those_of_the_plan(t, path):
    statement, notes = translated(t, 'SELECT "firstName", createdat FROM useraccounts u WHERE u.price > 2 ORDER BY 1', path, PLAN)
    assert statement == (
        'SELECT "u"."first_name", "u"."created_at" FROM "app"."user_accounts" AS "u" WHERE "u"."price" > 2'
        ' ORDER BY "u"."first_name" COLLATE "C" NULLS FIRST')
    assert notes == []
    t.import_(path, PLAN)
    assert t.sql(statement).rows[0][0] == "Ann"


def test_without_a_file_no_table_is_known(t):
    assert translated(t, "SELECT 7 / 2, 'a' || 1 AS x, \"word\"") == (
        "SELECT 3, 'a1' AS \"x\", 'word' AS \"word\"", ['"word" names no column, and is a text as in SQLite'])
    refused(t, "no table t", "line 1, column 15: t", "SELECT * FROM t", hint="Pass the path")
    with fails("22004", "sql must not be NULL"):
        t.sql("SELECT * FROM sqlite_translate(NULL)")


def test_parameters_are_numbered_as_sqlite_does(t, path):
    statement, notes = translated(
        t, 'SELECT id FROM "userAccounts" WHERE id = ? OR "firstName" = :name OR id > ?5 OR "firstName" || @tail = :name OR id < ? LIMIT ?', path)
    assert "= $1::bigint" in statement and "= $2::text" in statement and "> $5::bigint" in statement, statement
    assert '|| $6::text' in statement and "< $7::bigint" in statement and statement.endswith("LIMIT $8::bigint"), statement
    assert "parameter name is $2" in notes and "parameter tail is $6" in notes and "$2 is a text value" in notes and "2 of the numbers up to $8 are not used" in notes, notes
    t.import_(path)
    t.sql(f"PREPARE q(bigint, text, text, text) AS {statement}; EXECUTE q(1, 'bob', 0, 0, 5, '', 0, 1)")
    statement, _ = translated(t, 'SELECT id FROM "userAccounts" WHERE $2 IS NULL OR id = $2 OR "createdAt" < $1', path)
    assert "$2::bigint IS NULL" in statement and "< $1::timestamp" in statement, statement
    refused(t, "nothing tells the type of parameter 1", "", "SELECT 1 WHERE ? IS NULL")
    refused(t, "parameter 1 would be a bigint and a text value", "line 1", "SELECT ?1 = 1, ?1 = 'a'")
    refused(t, "a parameter as a result", "column 8: ?", "SELECT ?")


@pytest.mark.parametrize("sql, reason, place", [
    ("SELECT id,\n  title_sort(\"firstName\") FROM \"userAccounts\"", "function title_sort\\(\\) is the application's", "line 2, column 3: title_sort"),
    ("SELECT secret FROM \"userAccounts\"", "column secret is not carried over", "line 1, column 8"),
    ("SELECT * FROM \"userAccounts\"", "\\* with column secret", ""),
    ("SELECT mixed > 1 FROM \"userAccounts\"", "whose storage classes are not known", "line 1, column 8: mixed > 1"),
    ("SELECT rowid FROM codes", "rowid of codes is no column", "column 8: rowid"),
    ("SELECT * FROM spoken", "is a view, which is not carried over", "column 15: spoken"),
    ("SELECT nosuch FROM codes", "no column nosuch", "column 8: nosuch"),
    ("SELECT code FROM codes, codes", "column name code is ambiguous", "column 8: code"),
    ("SELECT * FROM carray(1)", "table function carray", "column 15: carray"),
    ("SELECT id FROM json_each('[1]')", "column id is not carried over", "column 8: id"),
    ("SELECT sum(price) / 2 FROM \"userAccounts\"", "division of numeric values", "column 8"),
    ("SELECT code FROM codes WHERE code = 'a", "cannot be read: non-terminated literal", ""),
    ("DROP TABLE codes", "DROP is written by hand", ""),
    ("PRAGMA foreign_keys = ON", "foreign keys are always checked", ""),
    ("BEGIN IMMEDIATE", "BEGIN is the same", ""),
    ("ATTACH 'x' AS y", "another file becomes a schema", ""),
    ("EXPLAIN QUERY PLAN SELECT 1", "EXPLAIN is PostgreSQL's own", ""),
    ("DELETE FROM nosuch", "no table nosuch", "column 13: nosuch"),
    ("UPDATE names SET x = 1", "view names has no INSTEAD OF UPDATE trigger in the target", "column 8: names"),
    ("UPDATE spoken SET x = 1", "is a view, which is not carried over", "column 8: spoken"),
    ("DELETE FROM sqlite_sequence", "reset_sequences\\(\\)", "column 13: sqlite_sequence"),
    ("SELECT last_insert_rowid()", "INSERT … RETURNING", "column 8: last_insert_rowid"),
    ("DELETE FROM codes WHERE code = changes()", "GET DIAGNOSTICS", "column 32: changes"),
    ("SELECT 1; SELECT 2", "more than one statement", ""),
    ("SELECT", "cannot be parsed", ""),
    ("", "it is empty", ""),
    ("SELECT " + "(" * 500 + "1" + ")" * 500, "nested too deeply", ""),
    ("SELECT * FROM codes -- " + "x" * 300_000, "longer than", ""),
])
def test_what_is_refused_is_named_with_its_place(t, path, sql, reason, place):
    with fails("0A000", reason, "") as failure:
        t.sql(call(sql, path, PLAN))
    assert place.replace("\\", "") in failure.detail, failure.detail


def test_assumptions_are_notes(t, path):
    _, notes = translated(t, 'SELECT max("createdAt"), sum(price + 1), round(price, 1) FROM "userAccounts" WHERE "createdAt" >= \'2024-01-31\'', path)
    said = "\n".join(notes)
    for word in ["compared as a moment", "sums and averages", "numeric is computed exactly", "out of its type's range", "round() to digits"]:
        assert word in said, said


def test_reading_a_file_needs_the_right_to(t, path):
    t.role("reader")
    t.role("member", "pg_read_server_files")
    with fails("42501", "permission denied to read SQLite files"):
        t.sql(call("SELECT * FROM codes", path), user="reader")
    assert t.sql(call("SELECT 1"), user="reader").out == "SELECT 1|{}\n"
    assert "codes" in t.sql(call("SELECT code FROM codes", path), user="member").out


def test_nothing_is_written(t, path):
    before = t.traces()
    translated(t, "SELECT * FROM codes", path, {"schema": "elsewhere"})
    assert t.traces() == before
