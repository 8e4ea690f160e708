"""Every function that docs/translate.md lists (a unit test proves that they are the code's own), as generated columns over the
cross product of its arguments' edge values: what PostgreSQL computes by the translation is what SQLite computes.

Arguments are columns of every family and literals. What is not translated is left out by a finding, which is no fault here.
A function that is new in the table is checked without being named here."""

import decimal
import itertools
import json
import math
import re
import sqlite3

import pytest

from harness import ROOT, shared

# Of each kind of column: declared type, and edge values of a first, second and third argument alike.
KINDS = {
    "t": ("TEXT", [None, "", "a", "é", "abc", " a ", "12", "-0.15", "€x\U0001f600", "%_"]),
    "n": ("INTEGER", [None, -(1 << 63), -2, -1, 0, 1, 2, 3, 4, (1 << 63) - 1]),
    "r": ("REAL", [None, -1e300, -2.5, -0.15, 0.0, 0.15, 0.5, 2.675, 1e15 + 0.5, math.inf]),
    "b": ("BLOB", [None, b"", b"\0", b"a", b"abc", b"\xff\xfe", b"a\0b", b"\xc3\xa9", b"12", b" "]),
    "d": ("DATETIME", [None, "0001-01-01 00:00:00", "1969-12-31 23:59:59", "1970-01-01 00:00:00", "2000-02-29 12:00:00", "2024-12-31 23:59:59", "2024-03-10 08:09:10", "1999-01-01 00:00:01", "2038-01-19 03:14:08", "9999-12-31 23:59:59"]),
    "f": ("BOOLEAN", [None, 0, 1, 1, 0, 1, None, 0, 1, 0]),
}
LITERALS = ["NULL", "''", "'a'", "'é'", "0", "1", "-1", "9223372036854775807", "-0.15", "x'61'", "'%Y-%j %H:%M'", "'unixepoch'"]
FEW = ["NULL", "''", "'a'", "1", "-1", "9223372036854775807"]
# Where PostgreSQL raises an error and SQLite does not: as docs/translate.md says.
OVERFLOWS = ("22003", "22008")


def functions():
    """Name and numbers of arguments."""
    page = (ROOT / "docs" / "translate.md").read_text().split("\n## Functions\n")[1].split("\n## ")[0]
    for name, numbers in re.findall(r"^\| `(\w+)` \| ([^|]+) \|", page, re.M):
        first, *rest = re.findall(r"\d+", numbers)
        last = 3 if "more" in numbers else int(rest[0]) if rest else int(first)
        for arity in range(int(first), min(last, 3) + 1):
            yield name, arity


def expressions(name, arity):
    """Calls with a column or a literal in each place; the n-th place has columns of its own."""
    columns = [[f"{kind}{place}" for kind in KINDS] for place in range(arity)]
    if arity < 3:
        places = [c + LITERALS for c in columns]
    else:
        places = [[c for c in names if c[0] in "tn"] + FEW for names in columns]
    for args in itertools.product(*places):
        yield f"{name}({', '.join(args)})"


def build(t, path):
    """Base tables with the values, and tables whose generated columns compute over them."""
    db, found = sqlite3.connect(path), {}
    for arity in range(4):
        columns = [f"{kind}{place} {declared}" for place in range(arity) for kind, (declared, _) in KINDS.items()]
        db.execute(f"CREATE TABLE base{arity} ({', '.join(['id INTEGER PRIMARY KEY', *columns])})")
        numbers = range(10) if arity < 3 else range(0, 10, 2)
        for chosen in itertools.product(numbers, repeat=arity):
            values = [edges[at] for at in chosen for _, edges in KINDS.values()]
            db.execute(f"INSERT INTO base{arity} VALUES ({', '.join(['NULL'] + ['?'] * len(values))})", values)
    for name, arity in functions():
        usable = []
        for expression in expressions(name, arity):
            try:
                db.execute(f"CREATE TEMP TABLE tried ({', '.join(['id', *(f'{k}{p}' for p in range(arity) for k in KINDS)])}, g AS ({expression})); ")
                db.execute("DROP TABLE tried")
                usable.append(expression)
            except sqlite3.OperationalError:
                pass  # not deterministic, or not that many arguments
        if not usable:
            continue
        table = f"made_{name}_{arity}"
        columns = [f"{kind}{place} {declared}" for place in range(arity) for kind, (declared, _) in KINDS.items()]
        generated = [f"g{number} AS ({expression})" for number, expression in enumerate(usable)]
        db.execute(f"CREATE TABLE {table} ({', '.join(['id INTEGER PRIMARY KEY', *columns, *generated])})")
        found[table] = (arity, usable)
    db.commit()
    t.own(path)
    return db, found


FAILS = object()


def computed(db, expression, arity):
    """What SQLite makes of each row, in the order of the ids, which count from 1."""
    query = f"SELECT {expression} FROM base{arity}"
    try:
        return [value for value, in db.execute(query + " ORDER BY id")]
    except sqlite3.Error:
        pass
    values = []
    for row, in db.execute(f"SELECT id FROM base{arity} ORDER BY id").fetchall():
        try:
            values.append(db.execute(query + " WHERE id = ?", (row,)).fetchone()[0])
        except sqlite3.Error:
            values.append(FAILS)
    return values


def same(value, text, type_):
    """A value of SQLite's beside the text of PostgreSQL's."""
    if value is None or text is None:
        return value is None and text is None
    if type_ == "boolean":
        return value == {"true": 1, "false": 0}[text]
    if type_ == "bytea":
        return text == "\\x" + (value.encode() if isinstance(value, str) else value).hex()
    if type_ == "text":
        return text == (value if isinstance(value, str) else str(value))
    if isinstance(value, (int, float)):
        return (float(text) if type_ == "double precision" or isinstance(value, float) else decimal.Decimal(text)) == value
    return isinstance(value, str) and text == value


def test_functions_in_generated_columns(t):
    path = t.dir / "made.db"
    db, found = build(t, path)
    t.import_(path, {"include": ["base*"]})
    plan = t.plan(path, {"include": ["made_*"], "keys": "as_data_allows", "profile": "full", "generated": "stored"})
    translated = []
    for table, (arity, usable) in found.items():
        columns = plan["tables"][table]["columns"]
        generated = [f"{name} {c['type']} GENERATED ALWAYS AS ({c['generated']}) STORED" for name, c in columns.items() if c["generated"]]
        t.sql(f"CREATE TABLE tried ({', '.join([f'LIKE base{arity}', *generated])}); DROP TABLE tried")
        for number, expression in enumerate(usable):
            form = columns[f"g{number}"]["generated"]
            if form:
                translated.append((arity, expression, f"({form})::{columns[f'g{number}']['type']}"))
    assert len({expression.split("(")[0] for _, expression, _ in translated}) >= 20
    session, wrong = t.session(), []
    session.run("SET timezone = 'UTC'; SET datestyle = 'ISO'; SET bytea_output = 'hex'; SET extra_float_digits = 1")
    for arity, expression, form in translated:
        said = session.attempt([f"SELECT json_build_object('type', min(pg_typeof(v)::text), 'values', json_agg(v::text ORDER BY id)) FROM (SELECT id, {form} AS v FROM base{arity}) x"])
        if said.sqlstate in OVERFLOWS:
            continue
        if said.error:
            wrong.append((expression, form, str(said.error)))
            continue
        answer = json.loads(said.out)
        for row, value, text in zip(itertools.count(1), computed(db, expression, arity), answer["values"]):
            if value is not FAILS and not same(value, text, answer["type"]):
                wrong.append((expression, form, answer["type"], db.execute(f"SELECT * FROM base{arity} WHERE id = ?", (row,)).fetchone(), value, text))
                break
    assert not wrong, f"{len(wrong)} of {len(translated)}\n" + "\n".join(map(str, wrong[:40]))


def test_round_of_halves(t):
    """To whole numbers as SQLite does it in floating point; to digits SQLite's own values are kept."""
    values = [-0.15, 0.15, 2.675, 1.005, 0.5, -0.5, 1.5, 2.5, -2.5, 0.49999999999999994, -0.49999999999999994, 4503599627370495.5, 4503599627370497.0, 1e300, -1e300, 1e-320, None]
    path = t.file("r.db", "CREATE TABLE r (id INTEGER PRIMARY KEY, x REAL, whole REAL AS (round(x)), one REAL AS (round(x, 1)), two REAL AS (round(x, 2)), none REAL AS (round(x, -1)), n INTEGER, i REAL AS (round(n, 2)) STORED)")
    db = sqlite3.connect(path)
    db.executemany("INSERT INTO r (x, n) VALUES (?, ?)", [(x, n) for n, x in enumerate(values)])
    db.commit()
    t.import_(path)
    made = {row["attname"] for row in t.rows("SELECT attname FROM pg_attribute WHERE attrelid = 'r'::regclass AND attgenerated <> ''")}
    assert made == {"whole", "none", "i"}, made
    stored = [dict(zip(("id", "whole", "none", "i"), row)) for row in db.execute("SELECT id, whole, none, i FROM r ORDER BY id")]
    assert t.shown_rows("SELECT id, whole, none, i FROM r ORDER BY id") == stored
    said = [f["message"] for f in t.findings(path, {"schema": "other"}) if f["object"] in ("r.one", "r.two")]
    assert len(said) == 2 and all("releases differ" in message for message in said), said


@pytest.mark.parametrize("declared", ("", "TEXT", "INTEGER", "REAL", "BLOB"))
def test_what_create_table_would_refuse_is_found_before(t, declared):
    """Generated columns without a column in them, and others, whatever becomes of them: the import goes through and keeps the values."""
    expressions = ["1", "-1", "1 + 1", "'x'", "'x' || 'y'", "NULL", "NULL + 1", "1 = 1", "x'00'", "upper('abc')", "length('abc')", "substr('abcdef', 2, 3)", "instr('abc', 'c')", "replace('abc', 'b', 'x')",
                   "max(1, 2)", "min('a', 'b')", "coalesce(NULL, 1)", "coalesce(NULL, NULL)", "nullif(1, 1)", "nullif('a', 'b')", "iif(1, 'a', 'b')", "CASE WHEN 1 THEN 2 END", "typeof(1)", "hex('a')", "abs(-5)", "round(2.5)",
                   "trim('  a ')", "ltrim('xxa', 'x')", "'a' LIKE 'A'", "'a' GLOB 'a*'", "1 IN (1, 2)", "NULL IS NULL", "1 BETWEEN 0 AND 2", "CAST('12' AS INTEGER)", "CAST(1 AS TEXT)", "1 << 3", "5 % 3", "7 / 2", "7.0 / 2", "~1",
                   "date('2024-01-01')", "strftime('%Y', '2024-01-01')", "char(65)", "quote('a')", "unhex('61')", "likely(1)", "json('{}')", "json_extract('{\"a\":1}', '$.a')", "printf('%d', 1)", "length(x'00ff')", "substr(x'0102', 1, 1)"]
    path = t.dir / f"g{declared}.db"
    db = sqlite3.connect(path)
    usable = []
    for expression in expressions:
        try:
            db.execute(f"CREATE TEMP TABLE tried (a, g {declared} AS ({expression})); ")
            db.execute("DROP TABLE tried")
            usable.append(expression)
        except sqlite3.OperationalError:
            pass
    assert len(usable) > 40
    db.execute(f"CREATE TABLE g (id INTEGER PRIMARY KEY, {', '.join(f'g{n} {declared} AS ({e})' for n, e in enumerate(usable))})")
    db.execute("INSERT INTO g VALUES (1), (2)")
    db.commit()
    t.own(path)
    schema = f"s{declared.lower()}"
    assert any("PostgreSQL refuses it" in f["message"] for f in t.findings(path, {"schema": schema})), declared
    t.import_(path, {"schema": schema})
    types = {row["a"]: row["t"] for row in t.rows(f"SELECT attname AS a, format_type(atttypid, atttypmod) AS t FROM pg_attribute WHERE attrelid = '{schema}.g'::regclass AND attnum > 0")}
    stored = db.execute("SELECT * FROM g WHERE id = 1").fetchone()[1:]
    shown = json.loads(t.value(f"SET bytea_output = hex; SET extra_float_digits = 1; SELECT to_json(ARRAY[{', '.join(f'g{n}::text' for n in range(len(usable)))}]) FROM {schema}.g WHERE id = 1"))
    wrong = [(declared, e, types[f"g{n}"], value, text) for n, (e, value, text) in enumerate(zip(usable, stored, shown)) if not same(value, text, types[f"g{n}"])]
    assert not wrong, wrong


# Where SQLite goes on and PostgreSQL has an error: the ends of integers and of doubles.
EDGES = {"INTEGER": [None, -(1 << 63), -(1 << 62), -(1 << 31), -1, 0, 1, 255, 1 << 31, (1 << 63) - 1], "REAL": [None, -1e308, -1e19, -1e-308, 0.0, 5e-324, 1e-200, 2.5, 1e19, 1.5e308]}
OPERATORS = ["{0} + {1}", "{0} - {1}", "{0} * {1}", "{0} / {1}", "{0} % {1}", "{0} & {1}", "{0} | {1}", "({0} + 1) > 0", "({0} * {1}) IS NULL", "-{0}", "~{0}", "abs({0})", "{0} << 3", "{0} >> 3", "{0} * 0.5", "{0} / 0.1", "{0} + 1 - 1",
             "round({0})", "CAST({0} AS INTEGER)", "CAST({0} AS REAL) * 10", "coalesce({0}, 0) * 2", "max({0}, {1}) + 1", "min({0}, {1}) - 1", "iif({0} > {1}, {0}, {1}) * 2", "nullif({0}, {1}) + 1", "date({0}, 'unixepoch')", "datetime({0}, 'unixepoch')",
             "strftime('%Y', {0}, 'unixepoch') + 1", "substr('abcdef', max({0}, 0))", "substr('abcdef', 1, max({0}, 0))", "length({2}) * 3000000000", "instr({2}, '9') * length({2}) * 1000000000", "CAST({2} AS INTEGER)", "CAST({2} AS INTEGER) + 1"]


@pytest.mark.parametrize("kinds", (("INTEGER", "INTEGER"), ("REAL", "REAL"), ("INTEGER", "REAL"), ("REAL", "INTEGER")), ids="-".join)
@pytest.mark.parametrize("size", ("extreme", "ordinary"))
def test_what_postgresql_would_refuse_to_compute_is_loaded(t, kinds, size):
    """A generated column, CHECK or index that PostgreSQL would have an error for is plain or left out, by a finding beforehand."""
    edges = [[v for v in EDGES[kind] if size == "extreme" or v is None or v == 0 or 1e-3 < abs(v) < 1e6] for kind in kinds]
    texts = ["", "9" * 30, "-" + "9" * 30, "12", "9223372036854775807", "x"]
    path = t.dir / "edges.db"
    db = sqlite3.connect(path)
    made = [operator.format("a", "b", "t") for operator in OPERATORS]
    usable = []
    for expression in made:
        values = [(a, b, text) for a in edges[0] for b in edges[1] for text in texts]
        try:
            for a, b, text in values:
                db.execute(f"WITH v(a, b, t) AS (VALUES (?, ?, ?)) SELECT {expression} FROM v", (a, b, text)).fetchall()
            usable.append(expression)
        except sqlite3.OperationalError:
            pass  # abs() of the smallest integer is an error in SQLite, too
    checks = ", ".join(f"CHECK (({e}) IS NOT 'never')" for e in usable)
    db.execute(f"CREATE TABLE edges (id INTEGER PRIMARY KEY, a {kinds[0]}, b {kinds[1]}, t TEXT, {', '.join(f'g{n} AS ({e})' for n, e in enumerate(usable))}, {checks})")
    for n, e in enumerate(usable):
        db.execute(f"CREATE INDEX i{n} ON edges ({e})")
    db.executemany("INSERT INTO edges (a, b, t) VALUES (?, ?, ?)", [(a, b, texts[n % len(texts)]) for n, (a, b) in enumerate(itertools.product(*edges))])
    db.commit()
    t.own(path)
    imported = t.import_(path)["edges"]
    rows = db.execute("SELECT * FROM edges ORDER BY id").fetchall()
    assert imported["imported"] == len(rows) and imported["rejected"] == 0, imported
    types = {row["a"]: row["t"] for row in t.rows("SELECT attname AS a, format_type(atttypid, atttypmod) AS t FROM pg_attribute WHERE attrelid = 'edges'::regclass AND attnum > 0")}
    generated = {row["attname"] for row in t.rows("SELECT attname FROM pg_attribute WHERE attrelid = 'edges'::regclass AND attgenerated <> ''")}
    assert len(generated) >= (3 if size == "extreme" else 15), generated
    shown = json.loads(t.value(f"SET bytea_output = hex; SET extra_float_digits = 1; SET datestyle = 'ISO'; SELECT json_agg(ARRAY[{', '.join(f'g{n}::text' for n in range(len(usable)))}] ORDER BY id) FROM edges"))
    wrong = [(usable[n], row[1:4], types[f"g{n}"], value, text) for row, texts in zip(rows, shown) for n, (value, text) in enumerate(zip(row[4:], texts))
             if f"g{n}" in generated and not same(value, text, types[f"g{n}"])]
    assert not wrong, (len(wrong), wrong[:20])


def test_a_generated_column_that_would_overflow(t):
    path = t.file("gen.db", shared("cases", "14-gen-min.sql").read_text())
    said = [(f["severity"], f["message"]) for f in t.findings(path) if f["object"] == "g.b"]
    assert said[1:] == [("warning", "generated column becomes a plain one with the stored values: the result of + can be out of range for bigint: a+1")], said
    assert t.import_(path)["g"]["imported"] == 1
    assert t.rows("SELECT a, b = 2.0 ^ 63 AS overflown, pg_typeof(b)::text AS type FROM g") == [{"a": 9223372036854775807, "overflown": True, "type": "double precision"}]


def test_modifiers_of_columns(t):
    """Months and years over columns are counted as SQLite counts them; what is not in its years is NULL."""
    days = ["2023-01-31 23:59:59", "2024-01-31 00:00:00", "2024-02-29 12:30:00", "2023-03-01 00:00:00", "2000-10-30 10:00:00", "9999-12-31 23:59:59", "9999-01-31 00:00:00", "0500-01-01 00:00:00"]
    shifts = [f"{n:+d} {unit}" for unit in ("month", "year") for n in (-25, -1, 0, 1, 13)] + ["+1 day", "-1 hour", "start of month", "start of year"]
    calls = [f"{name}({column}, '{shift}')" for name in ("date", "datetime", "time") for column in ("ts", "d") for shift in shifts]
    calls += [f"datetime(ts, '{a}', '{b}')" for a, b in itertools.product(("+1 month", "start of month", "-1 month", "+2 years"), shifts)]
    calls += [f"date(n, 'unixepoch', '{shift}')" for shift in shifts] + ["date(ts, 'start of month', '+1 month', '-1 day')"]
    generated = ", ".join(f"g{i} {call.split('(')[0].upper()} AS ({call})" for i, call in enumerate(calls))
    rows = ", ".join(f"({i}, '{day}', '{day[:10]}', {i * 40_000_000})" for i, day in enumerate(days))
    path = t.file("a.db", f"CREATE TABLE t (id INTEGER PRIMARY KEY, ts DATETIME, d DATE, n INTEGER, {generated}); INSERT INTO t VALUES {rows}")
    assert [(f["object"], f["message"]) for f in t.findings(path) if f["kind"] == "left_out"] == []
    t.import_(path)
    db, wrong = sqlite3.connect(path), []
    for i, call in enumerate(calls):
        theirs = [row[0] for row in db.execute(f"SELECT g{i} FROM t ORDER BY id")]
        ours = json.loads(t.value(f"SELECT json_agg(to_json(g{i}) ORDER BY id) FROM t"))
        alike = [(a, b and b.replace("T", " ")) for a, b in zip(theirs, ours)]
        wrong += [(call, *pair) for pair in alike if pair[0] != pair[1]]
    assert not wrong, (len(wrong), wrong[:10])


def test_modifiers_that_are_not_translated(t):
    path = t.file("a.db", "CREATE TABLE t (ts DATETIME, a AS (date(ts, 'auto')), b AS (date(ts, '+1 day', '+1 day', '+1 day', '+1 day'))); INSERT INTO t VALUES ('2024-01-01 00:00:00')")
    found = {f["object"]: f["message"] for f in t.findings(path) if f["object"] in ("t.a", "t.b") and f["severity"] != "info"}
    assert "date modifier 'auto' has no equivalent" in found["t.a"]
    assert "more than 3 date modifiers over a column" in found["t.b"]
