"""What a remote query finds by an index of the file, and how SQLite runs it."""

import re
import sqlite3

from client import fails
from fdw_ways import server

FILE = """
CREATE TABLE e (id INTEGER PRIMARY KEY, i INTEGER, v TEXT, k TEXT, made INTEGER, txt TEXT);
CREATE INDEX e_i ON e (i); CREATE INDEX e_v ON e (v); CREATE INDEX e_k ON e (k); CREATE INDEX e_made ON e (made);
WITH RECURSIVE g(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM g WHERE n < 2000)
INSERT INTO e SELECT n, n % 100, 'v' || n, printf('%08x-0000-4000-8000-%012x', n * 65537, n), 1700000000000 + n * 1000, 't' FROM g;
UPDATE e SET k = upper(k) WHERE id % 3 = 0;
UPDATE e SET k = replace(k, '-', '') WHERE id % 5 = 0;
"""
FOREIGN = """
CREATE FOREIGN TABLE e (id bigint, i integer, v varchar(300) COLLATE "C", k uuid, made timestamptz OPTIONS (format 'unixepoch_ms'), txt text) SERVER x;
CREATE TABLE l AS SELECT * FROM e;
"""


def made(t):
    path = t.file("x.db", FILE)
    server(t, "x", path)
    t.sql(FOREIGN)
    return path


def steps(t, path, query):
    """EXPLAIN QUERY PLAN of the remote query, as far as it needs none of our functions registered."""
    shown = t.sql("EXPLAIN (COSTS OFF) " + query).out
    remote = re.search(r"Remote SQL: (.*)", shown)
    assert remote and shown.strip().startswith("Foreign Scan"), shown
    db = sqlite3.connect(path)
    for name, arity in (("pg_value", 3), ("pg_is_text", 1), ("pg_uuid_begins", 1), ("unhex", 2)):
        db.create_function(name, arity, lambda *a: None, deterministic=True)
    return [row[3] for row in db.execute("EXPLAIN QUERY PLAN " + remote[1])]


def same(t, query):
    assert t.sql(query).out == t.sql(query.replace(" e ", " l ").replace("FROM e", "FROM l")).out, query


def test_constants_that_no_cell_can_hold(t):
    made(t)
    for condition in ("i = 3000000000", "v = repeat('x', 301)", "i = 3000000000 AND i < 7", "i IN (3000000000)", "i = ANY ('{3000000000}'::bigint[])"):
        assert t.value(f"SELECT id FROM e WHERE {condition}") == "", condition
    assert t.value("SELECT a.id FROM e a JOIN e b ON a.i = b.id WHERE b.id = 3000000000") == ""
    assert t.value("PREPARE p(bigint) AS SELECT id FROM e WHERE i = $1; SET plan_cache_mode = force_generic_plan;"
                 "EXECUTE p(3000000000); EXECUTE p(NULL); EXECUTE p(-1)") == ""


def test_an_order_walks_an_index(t):
    path = made(t)
    for query, step in (
        ("SELECT id FROM e ORDER BY made DESC LIMIT 3", "SCAN r1 USING COVERING INDEX e_made"),
        ("SELECT id, v FROM e ORDER BY v LIMIT 3", "SCAN r1 USING COVERING INDEX e_v"),
        ("SELECT id FROM e ORDER BY i DESC NULLS LAST LIMIT 1", "SCAN r1 USING COVERING INDEX e_i"),
        ("SELECT max(i), 1 FROM e", None),
        ("SELECT max(i) FROM e", "SEARCH r1 USING COVERING INDEX e_i"),
        ("SELECT min(v) FROM e", "SEARCH r1 USING COVERING INDEX e_v"),
        ("SELECT max(made) FROM e", "SEARCH r1 USING COVERING INDEX e_made"),
        ("SELECT i, count(*) FROM e GROUP BY i", "SCAN r1 USING COVERING INDEX e_i"),
        ("SELECT DISTINCT i FROM e", "SCAN r1 USING COVERING INDEX e_i"),
    ):
        if step:
            assert step in steps(t, path, query), (query, steps(t, path, query))
    for query in ("SELECT id FROM e ORDER BY made DESC LIMIT 3 OFFSET 2", "SELECT min(made), max(made) FROM e", "SELECT max(made) FROM e WHERE id < 0",
                  "SELECT min(v) FROM e", "SELECT i, count(*) FROM e GROUP BY i ORDER BY i DESC LIMIT 4", "SELECT DISTINCT i FROM e ORDER BY i"):
        same(t, query)
    db = sqlite3.connect(path, isolation_level=None)
    db.execute("UPDATE e SET made = '2100-01-01 00:00:00' WHERE id = 7")
    assert t.sql("SELECT id FROM e ORDER BY made DESC LIMIT 1; SELECT extract(year FROM max(made) AT TIME ZONE 'UTC') FROM e").out.split() == ["7", "2100"]
    db.execute("UPDATE e SET i = 3000000000 WHERE id = 7")
    for query in ("SELECT max(i) FROM e", "SELECT id FROM e ORDER BY i DESC LIMIT 1", "SELECT i, count(*) FROM e GROUP BY i", "SELECT DISTINCT i FROM e"):
        with fails("22P02", 'column "i" of table "e"'):
            t.sql(query)
    assert t.value("SELECT min(i) FROM e") == "0"


def test_uuids_in_any_spelling(t):
    path = made(t)
    sqlite3.connect(path, isolation_level=None).execute("UPDATE e SET k = 'aBcD0000-0000-4000-8000-00000000000F' WHERE id = 8")
    t.sql("DROP TABLE l; CREATE TABLE l AS SELECT * FROM e")
    keys = t.sql("SELECT k FROM l WHERE id IN (1, 3, 5, 8, 15, 16)").out.split()
    for key in keys:
        query = f"SELECT id FROM e WHERE k = '{key}'"
        assert "SEARCH r1 USING COVERING INDEX e_k (k=?)" in steps(t, path, query), steps(t, path, query)
        same(t, query)
        same(t, f"PREPARE p(uuid) AS SELECT id FROM e WHERE k = $1; SET plan_cache_mode = force_generic_plan; EXECUTE p('{key}')")
    found = "','".join(keys)
    same(t, f"SELECT id FROM e WHERE k IN ('{found}') ORDER BY id")
    same(t, f"SELECT id FROM e WHERE k = ANY (ARRAY['{found}']::uuid[]) ORDER BY id")
    assert t.value(f"SELECT e.id FROM (VALUES ('{keys[0]}'::uuid)) v(k) JOIN e USING (k)") == "1"


def test_virtual_tables_are_imported(t):
    path = t.file("v.db", """
        CREATE VIRTUAL TABLE docs USING fts5 (title, body); INSERT INTO docs VALUES ('a', 'b'), ('c', 'd');
        CREATE VIRTUAL TABLE old USING fts4 (text); INSERT INTO old VALUES ('x');
        CREATE VIRTUAL TABLE box USING rtree (id, x0, x1); INSERT INTO box VALUES (1, 2, 3);
        CREATE TABLE plain (id INTEGER PRIMARY KEY, docs_content TEXT); CREATE VIEW seen AS SELECT title, 1 AS n FROM docs;
    """)
    server(t, "v", path)
    t.sql("CREATE SCHEMA v; IMPORT FOREIGN SCHEMA main FROM SERVER v INTO v")
    tables = "SELECT string_agg(relname, ' ' ORDER BY relname) FROM pg_class WHERE relkind = 'f' AND relnamespace = '{}'::regnamespace"
    assert t.value(tables.format("v")) == "box docs old plain seen"
    t.sql("CREATE SCHEMA w; IMPORT FOREIGN SCHEMA main LIMIT TO (docs) FROM SERVER v INTO w OPTIONS (import_views 'false')")
    assert t.value(tables.format("w")) == "docs"
    shown = t.sql("SELECT * FROM v.docs ORDER BY title; SELECT * FROM v.old; SELECT * FROM v.box; SELECT title, n FROM v.seen WHERE n = 1 ORDER BY title").out.split()
    assert shown == ["a|b", "c|d", "x", "1|2|3", "a|1", "c|1"], shown
    assert t.sql("SELECT id FROM v.box WHERE x0 <= 2 AND x1 >= 3; SELECT count(*) FROM v.docs WHERE title = 'a'").out.split() == ["1", "1"]


def test_any_keeps_what_it_is_given(t):
    path = t.file("s.db", "CREATE TABLE s (id INTEGER PRIMARY KEY, a ANY, b INT) STRICT; CREATE INDEX s_a ON s (a); INSERT INTO s VALUES (1, '5', 1), (2, 5, 2), (3, 'x', 3)")
    server(t, "s", path)
    t.sql("CREATE FOREIGN TABLE s (id bigint, a text, b bigint) SERVER s")
    for query, answer in (("SELECT id FROM s WHERE a = '5' ORDER BY id", "1\n2"), ("SELECT id FROM s WHERE a < 'x' ORDER BY id", "1\n2"), ("SELECT count(DISTINCT a) FROM s", "2")):
        assert t.value(query) == answer, query
