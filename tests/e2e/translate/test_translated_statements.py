"""Expressions and SELECTs over tables with awkward values: what PostgreSQL gives for the translation is what SQLite gives.

TRANSLATE_SEED=… draws other random expressions and statements, TRANSLATE_COUNT=… another number of expressions, of which the
statements are 15 in 100.
"""

import collections
import json
import os

import pytest

from harness import quote
from statements import EXPRESSIONS, FILE, SELECTS, Generator
from translated import Oracle, judge_by_lines

SEED = int(os.environ.get("TRANSLATE_SEED", "1"))
COUNT = int(os.environ.get("TRANSLATE_COUNT", "2000"))


@pytest.fixture
def oracle(t):
    oracle = Oracle(t, t.file("awkward.db", FILE))
    yield oracle
    oracle.close()


def check(outcomes, share):
    """No outcome is wrong, and at least this share in percent is translated."""
    outcomes = [o for o in outcomes if o.kind != "invalid"]
    kinds = collections.Counter(o.kind for o in outcomes)
    report = "\n\n".join(f"{o.statement}\n  -> {o.translated}\n  {o.said}" for o in outcomes if o.kind == "wrong")
    refused = "\n".join(f"{o.statement}\n  refused: {o.said}" for o in outcomes if o.kind == "refused")
    translated = 100 * (kinds["equal"] + kinds["assumption"]) / len(outcomes)
    print(f"{dict(kinds)}: {translated:.1f} % translated\n{refused}")
    assert not report, f"{dict(kinds)}\n{report}"
    assert translated >= share, f"{translated:.1f} % translated\n{refused}"


def test_expressions(oracle):
    statements = [f"SELECT id, {e} FROM v ORDER BY id" for e in EXPRESSIONS]
    check(oracle.judge_all(statements), 80)


def test_selects(oracle):
    check(oracle.judge_all(SELECTS, lambda s: "ORDER BY" in s.rsplit(")", 1)[-1]), 94)


def test_random_expressions(oracle):
    generator = Generator(SEED)
    check(judge_by_lines(oracle, [generator.result() for _ in range(COUNT)], "v"), 80)


def test_random_statements(oracle):
    generator = Generator(SEED + 1)
    statements = [generator.statement() for _ in range(COUNT * 15 // 100)]
    check(oracle.judge_all(statements, lambda s: "ORDER BY" in s.rsplit(")", 1)[-1]), 55)


COLLATED = """
    CREATE TABLE a (id INTEGER PRIMARY KEY, c TEXT COLLATE NOCASE, t TEXT, n INTEGER, w TEXT);
    INSERT INTO a VALUES (1, 'A', 'a', 1, 'a'), (2, 'a', 'A', 2, 'b'), (3, 'B', 'b', NULL, 'c'), (4, NULL, NULL, 4, NULL), (5, 'x', 'x', 42, '');
    CREATE TABLE c (k INTEGER, z TEXT); INSERT INTO c VALUES (1, 'one'), (2, 'two');"""

# The columns of a subquery are compared by BINARY, whatever they compute; a subquery as a value brings no collation.
COLLATIONS = """
SELECT id FROM (SELECT id, t || '' AS q, c FROM a) WHERE q = c ORDER BY id
SELECT id FROM (SELECT id, t || '' AS q, c FROM a LIMIT 100) WHERE c = q ORDER BY id
SELECT a.id FROM a, (SELECT 'a' AS q) WHERE q = c ORDER BY id
SELECT a.id FROM a, (VALUES ('a')) v WHERE v.column1 = c ORDER BY id
SELECT id FROM a WHERE (SELECT t) = c ORDER BY id
SELECT id FROM a WHERE +t = c ORDER BY id
SELECT id, CASE (SELECT t FROM a y WHERE y.id = x.id) WHEN x.c THEN 1 END FROM a x ORDER BY id
SELECT v.c, w.t FROM (SELECT max(t) AS c FROM a GROUP BY id) v JOIN a w USING (c) ORDER BY 1, 2
SELECT v.c, w.t FROM (SELECT t AS c FROM a UNION ALL SELECT 'x') v JOIN a w ON v.c = w.c ORDER BY 1, 2
WITH v AS (SELECT upper(t) AS c FROM a) SELECT v.c, w.id FROM v JOIN a w ON v.c = w.c ORDER BY 1, 2
SELECT id, t BETWEEN w AND c, w NOT BETWEEN t AND 'b' FROM a ORDER BY id
SELECT id FROM a x WHERE (SELECT t FROM a y WHERE y.id = x.id) BETWEEN x.w AND 'b' ORDER BY id""".strip().splitlines()

# A table of WITH is read before one of the file, also by those before it; a member of a list has no affinity.
BEFORE = """
WITH x AS (SELECT * FROM c), c AS (SELECT 9 AS k, 'cte' AS z) SELECT * FROM x
WITH x AS (SELECT 1 AS k WHERE 1 IN c), c AS (SELECT 9 AS k) SELECT * FROM x
SELECT '42' IN (n), 42 IN (n) FROM a ORDER BY id
SELECT 1 NOT IN (t) FROM a ORDER BY id""".strip().splitlines()

# What would be read otherwise than SQLite reads it.
AMBIGUOUS = {
    "WITH x AS (SELECT * FROM y), y AS (SELECT * FROM x) SELECT * FROM x": "read each other",
    "SELECT \"1\" FROM (SELECT 1)": "may be a column that is named by its expression",
    "SELECT \"COUNT(*)\" + 1 FROM (SELECT count( * ) FROM a)": "may be a column that is named by its expression",
}


def test_what_a_subquery_is_compared_by(t):
    t.needs("icu")
    oracle = Oracle(t, t.file("collated.db", COLLATED), '{"nocase": "collation"}')
    outcomes = oracle.judge_all([*COLLATIONS, *BEFORE, *AMBIGUOUS])
    oracle.close()
    kinds = {o.statement: o for o in outcomes}
    assert [(o.statement, o.translated, o.said) for o in outcomes if o.kind == "wrong"] == []
    assert [kinds[s].kind for s in COLLATIONS].count("equal") >= 10, [o.said for o in outcomes if o.kind == "refused"]
    assert [kinds[s].kind for s in BEFORE] == ["equal"] * 4, [kinds[s] for s in BEFORE]
    for statement, reason in AMBIGUOUS.items():
        assert reason in kinds[statement].said, kinds[statement]


# A COLLATE anywhere within a value is that of the value, of whatever classes; in a compound SELECT it is that of the column.
WITHIN = """
SELECT t || 'x' FROM a EXCEPT SELECT json_extract(json_array(NULL, (c COLLATE NOCASE > t)), '$[' || 0 || ']') FROM a
SELECT t FROM a UNION SELECT (c COLLATE NOCASE > t) FROM a
SELECT t FROM a UNION ALL SELECT (w COLLATE NOCASE > t) FROM a ORDER BY 1
SELECT DISTINCT json_extract(json_array(t COLLATE NOCASE), '$[0]') FROM a
SELECT count(*) FROM a GROUP BY json_extract(json_array(t COLLATE NOCASE), '$[0]')
SELECT id FROM a ORDER BY coalesce(t, (w COLLATE NOCASE > t)), id
SELECT max(coalesce(t, (w COLLATE NOCASE > t))) FROM a
SELECT count(DISTINCT coalesce(t, (w COLLATE NOCASE > t))) FROM a
SELECT id, rank() OVER (ORDER BY coalesce(t, (w COLLATE NOCASE > t))) FROM a
SELECT id FROM a WHERE coalesce(t, (w COLLATE NOCASE > t)) BETWEEN 'A' AND 'B'
SELECT id FROM a WHERE json_extract(json_array(t COLLATE NOCASE), '$[0]') IN ('A', 'B')
SELECT CASE coalesce(t, (w COLLATE NOCASE > t)) WHEN 'A' THEN 1 END FROM a""".strip().splitlines()

# Of a text that is no integer the sum is a REAL.
SUMS = ["SELECT typeof(sum('abc')), sum('abc'), sum(''), sum('10abc'), sum('10.0'), sum('10'), sum(' 7 '), sum('-3') FROM a",
        "SELECT id, sum('abc') OVER (ORDER BY id) FROM a ORDER BY id"]


def test_a_collate_within_is_of_what_it_is_in(t):
    oracle = Oracle(t, t.file("collated.db", COLLATED))
    outcomes = oracle.judge_all([*WITHIN, "SELECT count(*) FROM a WHERE json_extract(json_array(t), '$[0]') = 'a'", *SUMS])
    oracle.close()
    assert [o.kind for o in outcomes] == ["refused"] * len(WITHIN) + ["equal"] * 3, [o for o in outcomes if o.kind == "wrong"]
    assert {"COLLATE" in o.said for o in outcomes[:len(WITHIN)]} == {True}, [o.said for o in outcomes]


# A table that reads itself by UNION has each row once: what one row is must be the same in both databases.
ITSELF = {
    "WITH r(x) AS (SELECT c FROM a UNION SELECT x FROM r) SELECT count(*) FROM r": "refused",
    "WITH r(x) AS (SELECT t FROM a UNION SELECT x COLLATE NOCASE FROM r) SELECT count(*) FROM r": "refused",
    "WITH r(x) AS (SELECT json_extract(json_array(t), '$[0]') FROM a UNION SELECT x FROM r) SELECT count(*) FROM r": "refused",
    "WITH r(x) AS (SELECT j FROM j UNION SELECT x FROM r) SELECT count(*) FROM r": "refused",
    "WITH r(x) AS (SELECT t FROM a UNION SELECT x FROM r) SELECT x FROM r ORDER BY x": "equal",
    "WITH r(x, y) AS (SELECT n, NULL FROM a UNION SELECT x % 3, NULL FROM r) SELECT x, y FROM r ORDER BY x": "equal",
}


def test_rows_of_a_table_that_reads_itself(t):
    oracle = Oracle(t, t.file("collated.db", COLLATED + "CREATE TABLE j (j JSON); INSERT INTO j VALUES ('{\"a\":1}'), ('{\"a\": 1}');"))
    outcomes = oracle.judge_all(list(ITSELF))
    oracle.close()
    assert {o.statement: o.kind for o in outcomes} == ITSELF, [(o.kind, o.said, o.translated) for o in outcomes]


EQUAL = """
    CREATE TABLE e (id INTEGER PRIMARY KEY, n INTEGER, small INTEGER, r REAL, big NUMERIC, at DATETIME, u TEXT, t TEXT);
    INSERT INTO e VALUES (1, 9007199254740993, 1, 9007199254740992.0, 12345678901234567890, '2020-01-31 10:00:00', 'A0EEBC99-9C0B-4EF8-BB6D-6BB9BD380A11', 'ā'),
        (2, 9007199254740992, 2, 2.0, 1.5, '2020-01-31T10:00:00', 'a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11', 'b');"""
ROUNDED, MOMENT, UUID, UTF16 = "integers beside numbers of double precision", "is compared as a moment", "is compared as a uuid", "the file's UTF-16"


@pytest.mark.parametrize("statement, note", [
    ("SELECT id FROM e WHERE n = r", None), ("SELECT id FROM e WHERE r BETWEEN n AND 5 OR r IN (n, 5)", None), ("SELECT coalesce(r, n) FROM e", ROUNDED), ("SELECT n FROM e UNION ALL SELECT r FROM e", ROUNDED),
    ("SELECT n > 9.1e15 FROM e", None), ("SELECT id FROM e WHERE n > 1.5", None), ("SELECT id FROM e WHERE small = r", None),
    ("SELECT at, count(*) FROM e GROUP BY at", MOMENT), ("SELECT count(DISTINCT at) FROM e", MOMENT), ("SELECT DISTINCT at FROM e", MOMENT),
    ("SELECT at FROM e UNION SELECT at FROM e", MOMENT), ("SELECT id FROM e ORDER BY at", MOMENT), ("WITH r(x) AS (SELECT at FROM e UNION SELECT x FROM r) SELECT x FROM r", MOMENT),
    ("WITH r(x) AS (SELECT at FROM e UNION ALL SELECT x FROM r) SELECT x FROM r", None), ("SELECT max(at) FROM e", MOMENT),
    ("SELECT rank() OVER (PARTITION BY at ORDER BY id) FROM e", MOMENT), ("SELECT at FROM e ORDER BY id", None),
    ("SELECT id FROM e WHERE u = 'a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11'", UUID), ("SELECT u FROM e GROUP BY u", UUID), ("SELECT id FROM e ORDER BY u", UUID),
    ("SELECT id FROM e ORDER BY t", UTF16), ("SELECT max(t) FROM e", UTF16), ("SELECT t > 'b' FROM e", UTF16), ("SELECT t = 'b' FROM e", None),
])
def test_values_that_are_one_in_postgresql_are_a_note(t, statement, note):
    encoding = "PRAGMA encoding = 'UTF-16le';" if note == UTF16 else ""
    plan = {"tables": {"e": {"columns": {"u": {"type": "uuid"}, "small": {"type": "integer"}}}}}
    path = t.file("equal.db", encoding + EQUAL)
    [row] = t.rows(f"SELECT notes FROM sqlite_translate({quote(statement)}, {quote(str(path))}, {quote(json.dumps(plan))})")
    said = [known for known in (ROUNDED, MOMENT, UUID, UTF16) if known in "\n".join(row["notes"])]
    assert said == ([note] if note else []), row["notes"]


BEYOND = """
    CREATE TABLE k (id INTEGER PRIMARY KEY, n INTEGER, r REAL);
    INSERT INTO k(n, r) VALUES (9007199254740993, 9007199254740992.0), (9007199254740992, 9007199254740992.0), (9007199254740991, 9007199254740992.0),
        (9223372036854775807, 9223372036854775807.0), (-9223372036854775807 - 1, -9223372036854775808.0), (-9223372036854775807, -9223372036854775808.0),
        (9223372036854775807, 1e300), (-1, -1e300), (0, 9e999), (-9007199254740993, -9e999), (1, 1.5), (2, 1.5), (NULL, 1.0), (1, NULL), (NULL, NULL),
        (1152921504606846977, 1152921504606846976.0), (-1152921504606846977, -1152921504606846976.0), (7, 7.0), (0, -0.0);"""


def test_integers_and_numbers_of_double_precision_are_compared_exactly(t):
    oracle = Oracle(t, t.file("beyond.db", BEYOND))
    forms = [f"{a} {op} {b}" for a, b in (("n", "r"), ("r", "n"), ("n + 0", "r"), ("n", "r * 1.0")) for op in ("=", "<>", "<", "<=", ">", ">=", "IS", "IS NOT")]
    forms += ["r BETWEEN n AND n", "n NOT BETWEEN r AND r", "r IN (n, 7)", "n NOT IN (r, NULL)", "(n, 1) < (r, 2)", "CASE n WHEN r THEN 'same' END",
              "n > 9007199254740992.0", "n = 9007199254740993.0", "r = 9223372036854775807", "n < 9223372036854775808", "n < 1e19"]
    [outcome] = oracle.judge_all([f"SELECT id, {', '.join(forms)} FROM k ORDER BY id"])
    joined = oracle.judge_all(["SELECT a.id, b.id FROM k a JOIN k b ON a.n = b.r ORDER BY 1, 2", "SELECT a.id, b.id FROM k a LEFT JOIN k b ON a.r > b.n ORDER BY 1, 2"])
    oracle.close()
    assert [o.kind for o in [outcome, *joined]] == ["equal"] * 3, [outcome, *joined]


def test_a_literal_is_the_number_that_sqlite_holds(t):
    oracle = Oracle(t, t.file("equal.db", EQUAL))
    outcomes = oracle.judge_all(["SELECT id, big = 12345678901234567890, big > 12345678901234567000 FROM e ORDER BY id",
                                 "SELECT id, big = 1.50000000000000000001, n = 9007199254740993.0 FROM e ORDER BY id"])
    oracle.close()
    assert [o.kind for o in outcomes] == ["equal", "equal"], outcomes
