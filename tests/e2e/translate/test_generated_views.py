"""Generated columns in a view beside their table (`"generated": "view"`), and what undoes, proves and exports a run."""

import json
import sqlite3

from client import fails
from exports import export, findings, schema
from harness import quote

SCRIPT = """CREATE TABLE g (id INTEGER PRIMARY KEY, a INTEGER, v INTEGER AS (a * 2) VIRTUAL, n TEXT NOT NULL, s TEXT AS (upper(n)) STORED);
            CREATE TABLE c (id INTEGER PRIMARY KEY, g INTEGER REFERENCES g, w TEXT AS ('w' || g));
            INSERT INTO g (a, n) VALUES (1, 'x'), (NULL, ''), (-3, 'é'); INSERT INTO c (g) VALUES (1), (3), (NULL);"""
PLAN = {"schema": "app", "generated": "view", "verify": "values"}
OBJECTS = """SELECT n.nspname || '.' || c.relname || ' ' || c.relkind::text AS object FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
             WHERE n.nspname !~ '^pg_(toast|temp)' AND c.oid >= 16384 ORDER BY 1"""


def objects(t):
    return [row["object"] for row in t.rows(OBJECTS)]


def cells(path, query):
    with sqlite3.connect(path) as db:
        return db.execute(query).fetchall()


def test_a_rollback_drops_the_views(t):
    before = objects(t)
    path = t.file("g.db", SCRIPT)
    t.import_(path, PLAN)
    assert {"app.g_with_generated v", "app.c_with_generated v"} < set(objects(t))
    # A view of somebody's stands against it.
    t.sql("CREATE VIEW own AS SELECT v FROM app.g_with_generated")
    with fails("55000", "public.own"):
        t.sql("SELECT * FROM sqlite_rollback(1)")
    t.sql("DROP VIEW own")
    done = {row["object"]: row["action"] for row in t.rows("SELECT object, action FROM sqlite_rollback(1)")}
    assert done["view app.g_with_generated"] == done["table app.g"] == "dropped", done
    assert objects(t) == before


def test_a_view_that_was_replaced_stands_against_a_rollback(t):
    t.import_(t.file("g.db", SCRIPT), PLAN)
    text = t.value("SELECT pg_get_viewdef('app.g_with_generated'::regclass)")
    assert "* 2" in text
    t.sql(f"CREATE OR REPLACE VIEW app.g_with_generated AS {text.replace('* 2', '* 3')}")
    with fails("55000", "app.g_with_generated"):
        t.sql("SELECT * FROM sqlite_rollback(1)")
    t.sql("SELECT * FROM sqlite_rollback(1, force => true)")
    assert not [name for name in objects(t) if name.startswith("app.")]


def test_a_manifest_is_of_what_is_stored(t):
    """As with other generated columns: what a view computes is no value of the table."""
    path = t.file("g.db", SCRIPT)
    made = {word: json.loads(t.sql(f"SELECT sqlite_manifest({quote(str(path))}, {quote(json.dumps({**PLAN, 'generated': word}))})").out) for word in ("view", "stored")}
    assert made["view"] == made["stored"]
    assert [[column["column"] for column in table["columns"]] for table in made["view"]["tables"]] == [["id", "a", "n"], ["id", "g"]]
    t.import_(path, PLAN)
    check = f"SELECT DISTINCT ok FROM verify_manifest({quote(json.dumps(made['view']))})"
    assert t.rows(check) == [{"ok": True}]
    t.sql("UPDATE app.g SET a = 7 WHERE id = 1")
    assert {"ok": False} in t.rows(check)


def test_an_export_has_the_columns_again(t):
    """Of the run as the file declares them, with what they compute of the rows of now."""
    path = t.file("g.db", SCRIPT)
    t.import_(path, PLAN)
    t.sql("INSERT INTO app.g (a, n) VALUES (21, 'new')")
    back, rows = export(t, "back.db", run=1)
    assert set(schema(back)) == {"g", "c"} and set(rows) == {"g", "c"}
    assert cells(back, "SELECT * FROM g ORDER BY id") == [*cells(path, "SELECT * FROM g ORDER BY id"), (4, 21, 42, "new", "NEW")]
    assert cells(back, "SELECT * FROM c ORDER BY id") == cells(path, "SELECT * FROM c ORDER BY id")
    assert cells(back, "SELECT name, hidden FROM pragma_table_xinfo('g')") == cells(path, "SELECT name, hidden FROM pragma_table_xinfo('g')")
    said = [line for line in findings(t, run=1) if line.split(":")[0].split(".")[0] in ("g", "c")]
    assert said == [], said
    assert {row["ok"] for row in t.rows(f"SELECT ok FROM verify_export({quote(str(back))}, run => 1)")} == {True}


def test_an_export_of_a_schema_has_the_view(t):
    """Without a run nothing says that the view's columns were the table's."""
    path = t.file("g.db", SCRIPT)
    t.import_(path, PLAN)
    out, _ = export(t, plan={"schemas": ["app"]})
    assert [row[0] for row in cells(out, "SELECT name FROM pragma_table_xinfo('g')")] == ["id", "a", "n"]
    # upper() is not the same in both databases, || is.
    assert "g_with_generated" not in schema(out) and [line for line in findings(t, {"schemas": ["app"]}) if "g_with_generated" in line]
    assert "c_with_generated" in schema(out) and cells(out, "SELECT w FROM c_with_generated ORDER BY id") == [("w1",), ("w3",), (None,)]


def test_a_second_import_takes_the_file_s_rows_again(t):
    """Of the exported file, into the same place."""
    path = t.file("g.db", SCRIPT)
    t.import_(path, PLAN)
    t.sql("INSERT INTO app.g (a, n) VALUES (21, 'new')")
    back, _ = export(t, "back.db", run=1)
    t.import_(back, {**PLAN, "existing_rows": "replace"})
    assert t.value("SELECT count(*) || ' ' || sum(v) FROM app.g_with_generated") == "4 38"
    assert [row for row in t.rows("SELECT * FROM verify_values()") if row["verdict"] != "equal"] == []
