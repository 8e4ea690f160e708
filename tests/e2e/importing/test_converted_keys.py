"""Unique keys whose values are different in SQLite and equal once they are converted: found before the load."""

import json

import pytest

from harness import quote, shared

APPEND = {"create": "never", "existing_rows": "append"}
UUID = "3f2504e0-4f89-41d3-9a0c-0305e82c3301"


def duplicates(t, path, plan=None):
    return [f for f in t.findings(path, plan) if f["kind"] == "duplicate_key"]


def follow(t, path, plan=None):
    fixes = [f["fix"] for f in t.findings(path, plan) if f["severity"] == "blocking"]
    assert fixes and None not in fixes
    patches = ", ".join(f"{quote(json.dumps(fix))}::jsonb" for fix in fixes)
    return t.import_(path, json.loads(t.value(f"SELECT sqlite_plan_merge({quote(json.dumps(plan or {}))}, {patches})")))


def test_one_instant_and_one_uuid_spelled_twice(t):
    path = t.file("a.db", shared("cases", "51-dup-and-null-pk.sql").read_text())
    found = {f["object"]: f for f in duplicates(t, path)}
    assert found["primary key of ts"]["message"] == "1 group of rows has one value as timestamp with time zone (rowid 1 and rowid 2)"
    assert found["unique constraint on uu(u)"]["message"] == "1 group of rows has one value as uuid (rowid 1 and rowid 2)"
    assert {f["severity"] for f in found.values()} == {"blocking"}
    result = follow(t, path)
    assert [result[name]["imported"] for name in ("wo", "ts", "uu")] == [3, 2, 2]


@pytest.mark.parametrize("declared, plan, one, other", [
    ("UUID", {}, f"'{UUID}'", f"'{{{UUID.upper()}}}'"),
    ("UUID", {}, f"'{UUID}'", f"x'{UUID.replace('-', '')}'"),
    ("DATETIME", {}, "'2024-01-01 00:00:00Z'", "'2024-01-01 01:00:00+01:00'"),
    ("DATETIME", {}, "'2024-01-01 00:00:00'", "'2024-01-01 00:00'"),
    ("DATETIME", {}, "'2024-01-01 00:00:00Z'", "1704067200"),
    ("DATETIME", {"timezone": "Europe/Berlin", "types": {"DATETIME": "timestamptz"}}, "'2024-03-31 02:30:00'", "'2024-03-31 03:30:00'"),
    ("DATETIME", {"excess": "round"}, "'2024-01-01 00:00:00.1234561'", "'2024-01-01 00:00:00.1234562'"),
    ("TEXT", {"type": "numeric"}, "'1.5'", "'1.50'"),
    ("TEXT", {"type": "double precision"}, "'1.5'", "'1.50'"),
    ("TEXT", {"type": "boolean"}, "'t'", "'true'"),
    ("TEXT", {"type": "date"}, "'2024-01-01'", "'2024-01-01 00:00:00'"),
    ("TEXT", {"type": "bytea", "format": "hex"}, "'ab'", "'AB'"),
    ("TEXT", {"type": "varchar(3)", "excess": "truncate"}, "'abcd'", "'abce'"),
    ("", {"type": "text"}, "'1'", "1"),
    ("BLOB", {"type": "bytea"}, "'ab'", "x'6162'"),
])
@pytest.mark.parametrize("key", ["v {0} PRIMARY KEY", "id INTEGER PRIMARY KEY, v {0} UNIQUE", "v {0}, UNIQUE (v)"])
def test_every_type(t, declared, plan, one, other, key):
    """PostgreSQL refuses each of these once loaded; the finding is there before."""
    column = {key: plan[key] for key in plan if key in ("type", "format", "excess")}
    plan = {key: plan[key] for key in plan if key not in column}
    plan["tables"] = {"t": {"columns": {"v": column}}}
    path = t.file("a.db", f"CREATE TABLE t ({key.format(declared)}); INSERT INTO t (v) VALUES ({one}), ({other})")
    [finding] = duplicates(t, path, plan)
    assert finding["severity"] == "blocking" and "(rowid 1 and rowid 2)" in finding["message"], finding
    assert follow(t, path, plan)["t"]["imported"] == 2
    values = t.value("SELECT count(DISTINCT v) FROM t")
    assert values == "1", "they are one value"


def test_keys_of_several_columns_partial_indexes_and_rows_left_out(t):
    path = t.file("a.db", f"""CREATE TABLE t (id INTEGER PRIMARY KEY, u UUID, n INTEGER, UNIQUE (u, n)); CREATE UNIQUE INDEX i ON t (u) WHERE n > 1;
        INSERT INTO t VALUES (3, '{UUID}', 1), (4, '{UUID.upper()}', 2), (5, '{UUID.replace('-', '')}', 3), (6, NULL, 3), (7, NULL, 3)""")
    [finding] = duplicates(t, path)
    assert finding["object"] == "index i" and finding["message"].endswith("(rowid 4 and rowid 5)"), "u and n are different rows"
    assert duplicates(t, path, {"tables": {"t": {"where": "id <> 4"}}}) == []
    follow(t, path)
    assert t.value("SELECT indexdef FROM pg_indexes WHERE indexname = 'i'") == "CREATE INDEX i ON public.t USING btree (u) WHERE (n > 1)"


def test_different_values_stay_unique(t):
    path = t.file("a.db", f"""CREATE TABLE t (at DATETIME PRIMARY KEY, u UUID UNIQUE);
        INSERT INTO t VALUES ('2024-01-01 00:00:00Z', '{UUID}'), ('2024-01-01T00:00:01Z', '{UUID.upper().replace('3', '4')}')""")
    assert duplicates(t, path) == []
    t.import_(path)
    assert (t.constraints("t", "p"), t.constraints("t", "u")) == ("PRIMARY KEY (at)", "UNIQUE (u)")


def test_keys_of_existing_tables(t):
    t.needs("citext")
    t.sql("CREATE EXTENSION citext")
    path = t.file("a.db", f"CREATE TABLE t (id INTEGER PRIMARY KEY, v TEXT); INSERT INTO t VALUES (1, '{UUID}'), (2, '{UUID.upper()}'), (3, '{UUID.replace('3', '4')}')")
    for pg_type in ("uuid", "public.citext"):
        t.sql(f"DROP TABLE IF EXISTS t; CREATE TABLE t (id bigint PRIMARY KEY, v {pg_type} UNIQUE)")
        [finding] = duplicates(t, path, APPEND)
        assert (finding["object"], finding["message"]) == ("key t_v_key of public.t", f"1 group of rows has one value as {pg_type} (rowid 1 and rowid 2)")
        assert finding["fix"] == {"tables": {"t": {"where": "rowid NOT IN (2)"}}}
        follow(t, path, APPEND)
        assert t.value("SELECT string_agg(id::text, ' ' ORDER BY id) FROM t") == "1 3"


def test_rows_without_rowids(t):
    path = t.file("a.db", f"CREATE TABLE t (u UUID PRIMARY KEY) WITHOUT ROWID; INSERT INTO t VALUES ('{UUID}'), ('{UUID.upper()}')")
    [finding] = duplicates(t, path)
    assert finding["message"] == f"1 group of rows has one value as uuid (('{UUID.upper()}') and ('{UUID}'))"
