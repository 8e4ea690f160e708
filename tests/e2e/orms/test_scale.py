"""`scale`: SQLite keeps 2.10 as 2.1; the digits after the point that an application shows come back."""

import pytest

import oracle
from client import fails

DJANGO = "CREATE TABLE django_migrations (id integer NOT NULL PRIMARY KEY AUTOINCREMENT, app varchar(255) NOT NULL, name varchar(255) NOT NULL);"


def shown(t, table="t"):
    return t.value(f"SELECT string_agg(d::text, ' ' ORDER BY n) FROM {table}")


@pytest.mark.parametrize("values,texts,scale", [
    ("2.1, 2, -0.01, 100, '7.5'", "2.10 2.00 -0.01 100.00 7.50", 2), ("1, 2", "1 2", None), ("1e12, 0.125", "1000000000000.000 0.125", 3),
    # More than a double holds comes from its arithmetic, not from the application.
    ("0.1, 0.30000000000000004", "0.1 0.30000000000000004", None), ("123456789012.12345", "123456789012.12344", None), ("1e300, 0.5", None, None), ("NULL", None, None),
])
def test_what_django_shows(t, values, texts, scale):
    rows = ", ".join(f"({n}, {value})" for n, value in enumerate(values.split(", ")))
    path = t.file("a.db", DJANGO + f"CREATE TABLE t (n integer PRIMARY KEY, d decimal NOT NULL DEFAULT 0); CREATE TABLE u (n integer PRIMARY KEY, d decimal); INSERT INTO {'u' if values == 'NULL' else 't'} VALUES {rows}")
    full = t.plan(path)
    assert t.plan(path, full) == full
    assert full["tables"]["t"]["columns"]["d"].get("scale") == scale
    t.import_(path)
    assert oracle.compare_file(t, path, full)
    if texts:
        assert shown(t) == texts
    assert t.type_of("t", "d") == "numeric"


def test_the_plan_says_it(t):
    path = t.file("a.db", "CREATE TABLE t (n INTEGER PRIMARY KEY, d DECIMAL, e REAL); INSERT INTO t VALUES (1, 2.1, 1.5), (2, '3.123', 2), (3, 'NaN', 0), (4, 1e20, 0), (5, NULL, 0)")
    plan = {"tables": {"t": {"columns": {"d": {"type": "numeric", "scale": 2}}}}}
    full = t.plan(path, plan)
    assert t.plan(path, full) == full
    t.import_(path, plan)
    assert shown(t) == "2.10 3.123 NaN 100000000000000000000.00"
    # An existing column without precision takes the digits as well, one with precision has its own.
    t.sql("CREATE TABLE s.t (n bigint, d numeric, e float8); CREATE TABLE s2.t (n bigint, d numeric(30,4), e float8)".replace("CREATE TABLE s.", "CREATE SCHEMA s; CREATE TABLE s.").replace("CREATE TABLE s2.", "CREATE SCHEMA s2; CREATE TABLE s2."))
    existing = {"schema": "s", "create": "never", "tables": {"t": {"columns": {"d": {"scale": 2}}}}}
    t.import_(path, existing)
    assert shown(t, "s.t") == "2.10 3.123 NaN 100000000000000000000.00"
    found, = [f for f in t.findings(path, {**existing, "schema": "s2"}) if f["kind"] == "no_effect"]
    assert found["fix"] == {"tables": {"t": {"columns": {"d": {"scale": None}}}}}
    assert [f["kind"] for f in t.findings(path, {"tables": {"t": {"columns": {"e": {"scale": 2}}}}}) if f["kind"] == "no_effect"] == ["no_effect"]


def test_digits_in_blobs(t):
    path = t.file("a.db", "CREATE TABLE t (n INTEGER PRIMARY KEY, d BLOB); INSERT INTO t VALUES (1, x'3132'), (2, 5)")
    t.import_(path, {"tables": {"t": {"columns": {"d": {"type": "numeric", "format": "text", "scale": 2}}}}})
    assert shown(t) == "12.00 5.00"


@pytest.mark.parametrize("scale", [-1, 1001, 1.5, "2", True, [2]])
def test_what_is_no_scale(t, scale):
    path = t.file("a.db", "CREATE TABLE t (d DECIMAL); INSERT INTO t VALUES (1)")
    with fails("22023", r"plan.tables.t.columns.d.scale: expected a number from 0 to 1000, or null"):
        t.findings(path, {"tables": {"t": {"columns": {"d": {"scale": scale}}}}})


def test_a_file_without_django_keeps_its_numbers(t):
    path = t.file("a.db", "CREATE TABLE t (n INTEGER PRIMARY KEY, d DECIMAL); INSERT INTO t VALUES (1, 2.1), (2, 2.25)")
    t.import_(path)
    assert shown(t) == "2.1 2.25"
