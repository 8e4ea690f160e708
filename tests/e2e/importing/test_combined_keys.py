"""Plan keys that change what is read, together with what looks at the values: keys, sizes, orphans. And each plan prints itself."""

import json

import pytest

import sqlstates as s
from harness import quote

UUIDS = "CREATE TABLE t (id INTEGER PRIMARY KEY, u UUID UNIQUE); INSERT INTO t VALUES (1, 'x3f2504e0-4f89-41d3-9a0c-0305e82c3301'), (2, 'x3F2504E0-4F89-41D3-9A0C-0305E82C3301');"


def test_values_of_using_are_equal_once_converted(t):
    """Two spellings of one UUID, of which the file has more than the type takes."""
    path = t.file("u.db", UUIDS)
    plan = {"tables": {"t": {"columns": {"u": {"using": "substr(u, 2)", "type": "uuid"}}}}}
    t.import_fails(path, plan, s.DUPLICATE_KEY, r"unique constraint on t\(u\): .*rowid 1.*rowid 2")
    assert t.import_(path, {**plan, "keys": "as_data_allows"})["t"]["imported"] == 2
    assert t.value("SELECT count(*) FROM pg_index WHERE indrelid = 't'::regclass AND indisunique AND NOT indisprimary") == "0"


def test_texts_are_equal_once_they_are_read(t):
    """latin1 and UTF-8 of one word; and one with a NUL that is taken out."""
    path = t.file("l.db", "CREATE TABLE t (id INTEGER PRIMARY KEY, w TEXT UNIQUE); INSERT INTO t VALUES (1, CAST(x'fc' AS TEXT)), (2, 'ü'), (3, 'ü' || char(0))")
    for plan, pair in (({"text_encoding": "latin1", "nul": "strip"}, "rowid 1 and rowid 2"), ({"nul": "strip", "tables": {"t": {"where": "id > 1"}}}, "rowid 2 and rowid 3")):
        t.import_fails(path, plan, s.DUPLICATE_KEY, pair)


def test_sizes_are_those_of_what_is_read(t):
    """A value that is short where it is stored, and too long for an index as it is read."""
    path = t.file("s.db", "CREATE TABLE t (id INTEGER PRIMARY KEY, k TEXT UNIQUE, b BLOB); INSERT INTO t VALUES (1, 'x', randomblob(4000)), (2, 'y', x'00');")
    plan = {"tables": {"t": {"columns": {"k": {"using": "k || hex(b)"}}}}}
    found = [f for f in t.findings(path, plan) if f["severity"] == "blocking"]
    assert [f["kind"] for f in found] == ["key_too_long"] and "rowid 1" in found[0]["message"], found
    assert t.import_(path, t.rows(f"SELECT sqlite_plan_merge({quote(json.dumps(plan))}, {quote(json.dumps(found[0]['fix']))}) AS plan")[0]["plan"])["t"]["imported"] >= 1


PLANS = [
    {"tables": {"t": {"columns": {"u": {"using": "upper(u)"}}}}}, {"nocase": "lower"}, {"nocase": "citext"}, {"text_encoding": "latin1"}, {"nul": "strip"},
    {"indexes": {"exclude": ["by_*"]}}, {"foreign_keys": {"exclude": ["c_*"]}, "checks": {"exclude": ["t_*"]}}, {"names": {"prefix": "a_", "suffix": "_z", "case": "snake_case"}},
    {"names": {"replace": [{"pattern": "^(.)$", "with": "${1}x"}]}},
]


@pytest.mark.parametrize("plan", PLANS, ids=lambda plan: json.dumps(plan))
def test_a_printed_plan_does_the_same(t, plan):
    if plan.get("nocase") == "citext":
        t.needs("citext")
    path = t.file("p.db", """CREATE TABLE t (id INTEGER PRIMARY KEY, u TEXT COLLATE NOCASE UNIQUE CHECK (u <> ''), w TEXT); INSERT INTO t VALUES (1, 'a', CAST(x'fc' AS TEXT)), (2, 'b', 'x' || char(0));
        CREATE INDEX by_w ON t (w); CREATE TABLE c (id INTEGER PRIMARY KEY, t TEXT REFERENCES t (u)); INSERT INTO c VALUES (1, 'a');""")
    dumps = []
    printed = t.plan(path, {**plan, "schema": "x"})
    for given in ({**plan, "schema": "x"}, printed):
        t.import_(path, given)
        tables = t.value("SELECT string_agg(oid::regclass::text, ' ' ORDER BY relname) FROM pg_class WHERE relnamespace = 'x'::regnamespace AND relkind = 'r'").split()
        dumps.append(t.server.dump_schema(t.database) + "".join(t.shown(f"SELECT array_agg(r ORDER BY r::text) FROM {table} r") for table in tables))
        t.sql("DROP SCHEMA x CASCADE; DROP EXTENSION IF EXISTS citext")
    assert dumps[0] == dumps[1]
