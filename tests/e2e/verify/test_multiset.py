"""Rows that no key pairs are compared as a whole, each as often as it is there."""

import json

import pytest

UNKEYED = "rows were compared as a whole: no key pairs them"

# What both sides can sort by is the same in several rows; the rest only tells them apart.
FILE = r"""
CREATE TABLE t(a INTEGER, doc JSON, span TEXT, at DATETIME, r REAL, b BLOB);
INSERT INTO t
WITH RECURSIVE i(i) AS (SELECT 0 UNION ALL SELECT i + 1 FROM i WHERE i < 999)
SELECT 1, '{"n": ' || (i / 2) || ', "m": [1.0, null, "é"]}', (i / 2) || ' days 01:00:00', '2024-01-01T10:00:00Z', 0.5, x'00' FROM i;
INSERT INTO t VALUES (NULL, NULL, NULL, NULL, NULL, NULL), (1, '{"m":2, "n":1}', '1 day', NULL, -1e300, x'');
"""
PLAN = {"tables": {"t": {"columns": {"doc": {"type": "jsonb"}, "span": {"type": "interval"}}}}}


@pytest.fixture
def copy(t):
    t.import_(t.file("t.db", FILE), PLAN)
    return t


def values(t):
    return t.rows("SELECT * FROM verify_values()")


def test_a_true_copy_has_no_difference(copy):
    assert {(row["verdict"], row["compared"], row["detail"]) for row in values(copy)} == {("equal", 1002, UNKEYED)}
    assert copy.rows("SELECT * FROM verify_differences()") == []


@pytest.mark.parametrize("change, missing", [
    ("UPDATE t SET doc = jsonb_set(doc, '{m,0}', '1') WHERE ctid = '(0,3)'", (1, 1)),
    ("UPDATE t SET span = '1 day 00:00:01' WHERE ctid = '(0,3)'", (1, 1)),
    ("DELETE FROM t WHERE ctid = '(0,3)'", (1, 0)),
    ("INSERT INTO t SELECT * FROM t WHERE ctid IN ('(0,3)', '(0,4)')", (0, 2)),
    ("INSERT INTO t DEFAULT VALUES", (0, 1)),
    ("UPDATE t SET r = NULL WHERE r < 0", (1, 1)),
    ("UPDATE t SET b = NULL WHERE b = ''", (1, 1)),
    ("DELETE FROM t WHERE ctid = '(0,3)'; INSERT INTO t SELECT * FROM t WHERE ctid = '(0,8)'", (1, 1)),
    ("UPDATE t SET a = 2", (1002, 1002)),
    ("TRUNCATE t", (1002, 0)),
], ids=["JSON", "interval", "lost", "two doubled", "NULLs", "real", "bytes", "one for another", "every row", "all lost"])
def test_rows_that_one_side_has_are_shown(copy, change, missing):
    copy.sql(change)
    rows = values(copy)
    assert {(row["verdict"], row["missing_in_target"], row["missing_in_source"]) for row in rows} == {("missing rows", *missing)}
    kinds = [row["kind"] for row in copy.rows('SELECT * FROM verify_differences("limit" => NULL)')]
    assert (kinds.count("missing in target"), kinds.count("missing in source")) == missing


def test_the_rows_are_named_by_their_values(copy):
    copy.sql("""UPDATE t SET doc = '{"m": 2, "n": 1.0}' WHERE r < 0""")
    assert [(row["kind"], row["key"]) for row in copy.rows("SELECT * FROM verify_differences()")] == [
        ("missing in target", """a = 1, doc = '{"m":2, "n":1}', span = '1 day', at = NULL, r = -1e300, b = x''"""),
        ("missing in source", """a = 1, doc = {"m": 2, "n": 1.0}, span = 1 day, at = NULL, r = -1e300, b = x''""")]
    assert copy.rows("SELECT statement, detail FROM verify_repair()") == [
        {"statement": None, "detail": "missing in target: no key tells the row from others"},
        {"statement": None, "detail": "missing in source: no key tells the row from others"}]


def test_rejected_and_existing_rows_are_accounted_for(t):
    path = t.file("t.db", "CREATE TABLE t(a INTEGER, doc JSON); INSERT INTO t VALUES (1, '[1]'), (1, '[2]'), ('x', '[3]')")
    t.sql("CREATE TABLE t(a int, doc jsonb); INSERT INTO t VALUES (1, '[0]'), (1, '[1]')")
    t.import_(path, {"existing_rows": "append", "on_invalid": "reject", "verify": "values"})
    assert {row["verdict"] for row in values(t)} == {"equal"}
    t.sql("DELETE FROM t WHERE doc = '[2]'")
    assert {(row["missing_in_target"], row["missing_in_source"]) for row in values(t)} == {(1, 0)}


@pytest.mark.parametrize("encoding", ["LATIN1", "EUC_JP", "SQL_ASCII"])
def test_texts_of_a_database_in_another_encoding(t, encoding):
    name = t.other_database(encoding.lower(), f"ENCODING '{encoding}' LC_COLLATE 'C' LC_CTYPE 'C' TEMPLATE template0")
    run = lambda sql: t.server.run(name, f"SET client_encoding = 'UTF8'; {sql}")  # noqa: E731
    word = "é" if encoding == "LATIN1" else "東"
    path = t.file("t.db", f"CREATE TABLE t(word TEXT, n INTEGER); INSERT INTO t VALUES ('a{word}', 1), ('b', 1), ('b', 1), (NULL, 2)")
    run(t.call("sqlite_import", path, {"verify": "values"}))
    found = "SELECT verdict, missing_in_target, missing_in_source, compared, detail FROM verify_values() WHERE \"column\" = 'word'"
    detail = UNKEYED
    assert run(found).out == f"equal|0|0|4|{detail}\n"
    run(f"UPDATE t SET word = 'c' WHERE word = 'a{word}'; DELETE FROM t WHERE ctid IN (SELECT ctid FROM t WHERE word = 'b' LIMIT 1)")
    assert run(found).out == f"missing rows|2|1|2|{detail}\n"


def test_bytes_that_are_no_text_are_not_called_equal(t):
    name = t.other_database("ascii", "ENCODING 'SQL_ASCII' LC_COLLATE 'C' LC_CTYPE 'C' TEMPLATE template0")
    path = t.file("t.db", "CREATE TABLE t(word TEXT, n INTEGER); INSERT INTO t VALUES (CAST(x'636166e9' AS TEXT), 1), ('b', 1), ('b', 1)")
    t.server.run(name, t.call("sqlite_import", path, {"verify": "values"}))
    t.server.run(name, "UPDATE t SET word = convert_from(decode('636166e8', 'hex'), 'SQL_ASCII') WHERE word <> 'b'")
    found = t.server.run(name, 'SELECT "column", verdict, compared, equal FROM verify_values()').out
    assert found == "word|not compared|3|2\nn|equal|3|3\n"


def test_a_column_that_tells_nothing_is_not_compared_and_the_others_are(t):
    path = t.file("t.db", "CREATE TABLE t(a INTEGER, doc JSON, net TEXT);"
                          "INSERT INTO t VALUES (1, '[1]', '10.0.0.1'), (1, '[2]', '10.0.0.2'), (1, '[2]', '10.0.0.3')")
    t.import_(path, {"types": {"TEXT": "inet"}})
    verdicts = {row["column"]: (row["verdict"], row["detail"]) for row in values(t)}
    assert verdicts == {"a": ("equal", UNKEYED), "doc": ("equal", UNKEYED), "net": (
        "not compared", f"no key pairs the rows, and the cell does not tell the value; {UNKEYED}")}
    t.sql("UPDATE t SET doc = '[3]' WHERE net = '10.0.0.2'")
    assert {(row["missing_in_target"], row["missing_in_source"]) for row in values(t)} == {(1, 1)}


def test_a_comparison_of_such_rows_ends_as_well(copy):
    copy.sql("UPDATE t SET a = 2")
    row = copy.rows('SELECT * FROM verify_values("limit" => 3)')[0]
    assert "stopped after " in row["detail"] and json.dumps(row["missing_in_target"]) != "0", row
