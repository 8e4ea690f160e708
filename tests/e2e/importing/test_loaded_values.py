"""Keys and checks are judged over the rows that are loaded, and over their values as they are loaded."""

import json

import pytest

from harness import quote

UUID = "3f2504e0-4f89-41d3-9a0c-0305e82c3301"
APPEND = {"create": "never", "existing_rows": "append"}


def broken(t, path, plan):
    return [(f["severity"], f["message"]) for f in t.findings(path, plan) if f["kind"] == "broken_check"]


def fixed(t, plan, fix):
    return json.loads(t.value(f"SELECT sqlite_plan_merge({quote(json.dumps(plan))}, {quote(json.dumps(fix))}::jsonb)"))


def checked(t, column, check, *values):
    """A table whose rows are older than its CHECK."""
    listed = ", ".join(f"({value})" for value in values)
    return t.file("a.db", f"""CREATE TABLE t (id INTEGER PRIMARY KEY, {column}); INSERT INTO t (v) VALUES {listed};
        PRAGMA writable_schema = 1; UPDATE sqlite_schema SET sql = {quote(f"CREATE TABLE t (id INTEGER PRIMARY KEY, {column}, CHECK ({check}))")} WHERE name = 't'""")


@pytest.mark.parametrize("column, plan, check, values, rows", [
    ("v TEXT", {"nul": "strip"}, "length(v) > 2", ["'ab' || char(0) || 'c'", "'abc'"], 0),
    ("v TEXT", {"nul": "strip"}, "v <> 'ab'", ["'ab' || char(0)", "'abc'"], 1),
    ("v TEXT", {"text_encoding": "latin1"}, "v = 'Löwe'", ["CAST(x'4cf67765' AS TEXT)"], 0),
    ("v TEXT", {"text_encoding": "latin1"}, "v <> 'Löwe'", ["CAST(x'4cf67765' AS TEXT)", "'x'"], 1),
    ("v INTEGER", {"null_values": ["n/a"]}, "v > 0 AND v < 9", ["'n/a'", "5"], 0),
    ("v INTEGER", {"null_values": ["n/a"]}, "v IS NOT NULL", ["'n/a'", "5"], 1),
    ("v INTEGER", {"on_invalid": "null", "type": "bigint"}, "v < 9", ["'many'", "5"], 0),
    ("v INTEGER", {"on_invalid": "null", "type": "bigint"}, "v IS NOT NULL", ["'many'", "5"], 1),
    ("v INTEGER", {"on_invalid": "reject", "type": "bigint"}, "v IS NOT NULL AND v < 9", ["'many'", "5"], 0),
    ("v TEXT", {"excess": "truncate", "type": "varchar(3)"}, "length(v) < 4", ["'abcdef'", "'a'"], 0),
    ("v TEXT", {"excess": "truncate", "type": "varchar(3)"}, "v <> 'abc'", ["'abcdef'", "'a'"], 1),
    ("v NUMERIC", {"excess": "round", "type": "numeric(9,1)"}, "v <= 1.5", ["1.54", "1"], 0),
    ("v NUMERIC", {"excess": "round", "type": "numeric(9,1)"}, "v < 1.6", ["1.59", "1"], 1),
    ("v TEXT", {"using": "trim(v)"}, "v = 'a'", ["' a '", "'a'"], 0),
    ("v TEXT", {"using": "v || 'x'"}, "v = 'a'", ["'a'"], 1),
    ("v", {"type": "bigint"}, "v > 4", ["'5'", "6"], 0),
    ("v TEXT", {"nul": "strip", "null_values": ["-"]}, "v <> 5", ["'5' || char(0)", "'-'"], 1),
    ("v TEXT COLLATE NOCASE", {"nul": "strip", "nocase": "lower"}, "v <> 'a'", ["'A' || char(0)", "'b'"], 1),
    ("v BOOLEAN", {}, "v IN (0, 1)", ["'t'", "0"], 0),
    ("v BOOLEAN", {}, "v = 0", ["'true'", "0"], 1),
    ("v", {"type": "double precision"}, "v > 1.4", ["'1.5'", "2"], 0),
    ("v DATETIME", {"null_values": ["never"]}, "v > '2000-01-01 00:00:00'", ["'never'", "'2024-01-01 00:00:00'"], 0),
])
def test_a_check_over_converted_values(t, column, plan, check, values, rows):
    """What is known beforehand is what PostgreSQL finds."""
    path = checked(t, column, check, *values)
    of_column = {key: plan[key] for key in plan if key in ("type", "using", "excess", "on_invalid")}
    plan = {key: plan[key] for key in plan if key not in of_column} | {"tables": {"t": {"columns": {"v": of_column}}}}
    said = broken(t, path, plan)
    expected = [("blocking", f"{rows} row{'' if rows == 1 else 's'} break{'s' if rows == 1 else ''} it: {check}")] if rows else []
    assert said == expected
    without = t.import_(path, {**plan, "checks": False})
    condition = t.value(f"SELECT sql FROM sqlite_ddl({quote(str(path))}, {quote(json.dumps({**plan, 'keys': 'as_data_allows', 'existing_rows': 'replace'}))}) WHERE phase = 'checks'")
    assert ("NOT VALID" in condition) == (rows > 0), "one row that breaks it is known"
    assert without["t"]["status"] == "loaded"
    outcome = t.attempt(condition.replace(" NOT VALID", ""))
    assert (outcome.sqlstate == "23514") == (rows > 0), outcome


def test_what_cannot_be_judged_beforehand_is_said(t):
    path = checked(t, "v DATETIME", "v <> '2024-01-01T00:00:00'", "'2024-02-01 00:00'", "'2024-01-01 00:00:00'")
    [(severity, message)] = broken(t, path, {})
    assert (severity, message) == ("info", "rows may break it once column \"v\" is converted, which only the load can tell: v <> '2024-01-01T00:00:00'")
    failure = t.import_fails(path, {}, "23514", 'rows of table "t" break check "t_v_check" of "public"."t"', hint="Set plan.tables.t.checks to false")
    assert failure.result.detail.endswith("The first of them is rowid 2.")
    [fix] = [f["fix"] for f in t.findings(path) if f["kind"] == "broken_check"]
    assert t.import_(path, fixed(t, {}, fix))["t"]["imported"] == 2


def test_rows_that_break_a_check_are_named_without_a_rowid(t):
    path = t.file("a.db", """CREATE TABLE t (k TEXT, n INTEGER, at DATETIME CHECK (at <> '2024-01-01T00:00:00'), PRIMARY KEY (k, n)) WITHOUT ROWID;
        INSERT INTO t VALUES ('it''s', 1, '2024-01-01 00:00:00'), ('x', 2, '2024-02-01 00:00')""")
    failure = t.import_fails(path, {}, "23514", "break check")
    assert failure.result.detail.endswith("One of them has \"k\" 'it''s', \"n\" '1'."), failure.result.detail
    path = t.file("b.db", "CREATE TABLE t (at DATETIME CHECK (at <> '2024-01-01T00:00:00')); INSERT INTO t VALUES ('2024-01-01 00:00:00'), ('2024-02-01 00:00')")
    assert "One of them has \"at\" '" in t.import_fails(path, {}, "23514", "break check").result.detail


# Rows that are rejected


def test_rows_that_are_rejected_break_nothing(t):
    path = t.file("a.db", f"""CREATE TABLE p (id INTEGER PRIMARY KEY); INSERT INTO p VALUES (1);
        CREATE TABLE t (id INTEGER PRIMARY KEY, u UUID UNIQUE, n INTEGER CHECK (n < 9), p INTEGER REFERENCES p);
        PRAGMA ignore_check_constraints = on; INSERT INTO t VALUES (1, '{UUID}', 1, 1), (2, '{UUID.upper()}', 'x', 1), (3, NULL, 'y', 7)""")
    plan = {"tables": {"t": {"columns": {"n": {"type": "bigint"}}}}, "on_invalid": "reject"}
    assert {f["kind"] for f in t.findings(path, {**plan, "on_invalid": "null"}) if f["severity"] == "blocking"} == {"duplicate_key", "orphans"}
    assert [f for f in t.findings(path, plan) if f["severity"] == "blocking"] == []
    assert (t.import_(path, plan)["t"]["imported"], t.value("SELECT u::text FROM t")) == (1, UUID)
    assert t.constraints("t", "u") == "UNIQUE (u)"


def test_a_rejected_parent_leaves_orphans(t):
    path = t.file("a.db", """CREATE TABLE p (id INTEGER PRIMARY KEY, n INTEGER); INSERT INTO p VALUES (1, 1), (2, 'x');
        CREATE TABLE t (id INTEGER PRIMARY KEY, p INTEGER REFERENCES p); INSERT INTO t VALUES (1, 1), (2, 2)""")
    plan = {"tables": {"p": {"columns": {"n": {"type": "bigint", "on_invalid": "reject"}}}}}
    [finding] = [f for f in t.findings(path, plan) if f["severity"] == "blocking"]
    assert finding["kind"] == "orphans" and "rowid 2" in finding["message"]


def test_long_keys_of_rows_that_are_rejected(t):
    long = "".join(chr(97 + n * n * 7 % 26) + chr(65 + n * 31 % 26) + str(n) for n in range(1200))
    path = t.file("a.db", f"CREATE TABLE t (id INTEGER PRIMARY KEY, v TEXT UNIQUE, n INTEGER); INSERT INTO t VALUES (1, 'a', 1), (2, '{long}', 'x')")
    plan = {"tables": {"t": {"columns": {"n": {"type": "bigint"}}}}, "on_invalid": "null"}
    assert [f["kind"] for f in t.findings(path, plan) if f["severity"] == "blocking"] == ["key_too_long"]
    plan["on_invalid"] = "reject"
    assert [f for f in t.findings(path, plan) if f["severity"] == "blocking"] == []
    assert t.import_(path, plan)["t"]["imported"] == 1


# Conditions of indexes


@pytest.mark.parametrize("plan, condition, values", [
    ({"columns": {"s": {"using": "upper(s)"}}}, "s = 'ON'", ("on", "on")),
    ({"columns": {"s": {"using": "upper(s)"}}}, "s = 'on'", None),
    ({"null_values": ["-"], "columns": {"s": {"type": "bigint"}}}, "s IS NULL", ("-", "-")),
    ({"nul": "strip"}, "s = 'on'", ("on", "on\0")),
])
def test_the_condition_of_an_index_is_over_converted_values(t, plan, condition, values):
    listed = [value.replace("\0", "' || char(0) || '") for value in values or ("on", "on")]
    path = t.file("a.db", f"""CREATE TABLE t (id INTEGER PRIMARY KEY, u UUID, s TEXT); CREATE UNIQUE INDEX i ON t (u) WHERE {condition};
        INSERT INTO t VALUES (1, '{UUID}', '{listed[0]}'), (2, '{UUID.upper()}', '{listed[1]}')""")
    plan = {"tables": {"t": plan}}
    found = [f["message"] for f in t.findings(path, plan) if f["kind"] == "duplicate_key" and f["severity"] == "blocking"]
    assert found == (["1 group of rows has one value as uuid (rowid 1 and rowid 2)"] if values else [])
    if values is None:
        assert t.import_(path, plan)["t"]["imported"] == 2


# Generated columns


@pytest.mark.parametrize("kind", ["VIRTUAL", "STORED"])
@pytest.mark.parametrize("declared, expression, column, values, rejected", [
    ("VARCHAR(3)", "a || 'x'", {"type": "varchar(3)", "on_invalid": "null"}, [None, "bx"], 0),
    ("VARCHAR(3)", "a || 'x'", {"type": "varchar(3)", "on_invalid": "reject"}, ["bx"], 1),
    ("VARCHAR(3)", "a || 'x'", {"type": "varchar(3)", "excess": "truncate"}, ["abc", "bx"], 0),
    ("INTEGER", "length(a) * 20000", {"type": "smallint", "on_invalid": "null"}, [None, "20000"], 0),
])
def test_what_is_computed_is_converted_as_the_plan_says(t, kind, declared, expression, column, values, rejected):
    path = t.file("a.db", f"CREATE TABLE t (id INTEGER PRIMARY KEY, a TEXT, g {declared} AS ({expression}) {kind}); INSERT INTO t (a) VALUES ('abc'), ('b')")
    plan = {"tables": {"t": {"columns": {"g": column}}}}
    [finding] = [f for f in t.findings(path, plan) if f["kind"] == "left_out"]
    assert finding["message"].startswith("generated column becomes a plain one with the stored values: ")
    assert t.import_(path, plan)["t"]["rejected"] == rejected
    assert [row["g"] for row in t.rows("SELECT g::text FROM t ORDER BY id")] == values
    plan["tables"]["t"]["columns"]["g"] = {"type": "text"}
    t.import_(path, {**plan, "existing_rows": "replace"})
    assert t.value("SELECT attgenerated FROM pg_attribute WHERE attrelid = 't'::regclass AND attname = 'g'") in ("s", "v")
