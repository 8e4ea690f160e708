"""`sqlite_translate` of CREATE VIEW and CREATE TRIGGER: what it returns creates what the application's statement creates in SQLite."""

import json

import pytest

import trigger_pair
from client import fails
from harness import quote
from trigger_pair import triggers


@pytest.fixture
def pair(t):
    with trigger_pair.pairs(t) as make:
        yield make


def call(sql, path=None, plan=None):
    args = [quote(sql), quote(str(path)) if path else "NULL", quote(json.dumps(plan)) if plan else "NULL"]
    return f"SELECT * FROM sqlite_translate({', '.join(args)})"


FILE = """
    CREATE TABLE item (id INTEGER PRIMARY KEY, name TEXT, qty INTEGER); INSERT INTO item VALUES (1, 'bolt', 5), (2, 'nut', 7);
    CREATE TABLE log (id INTEGER PRIMARY KEY, what TEXT, n INTEGER);
    CREATE VIEW many AS SELECT id, name FROM item WHERE qty > 5;
    CREATE TRIGGER logged AFTER INSERT ON log WHEN NEW.n > 1 BEGIN UPDATE item SET qty = qty + NEW.n WHERE id = 1; END;"""
CREATED = [
    "CREATE VIEW IF NOT EXISTS few AS SELECT m.id AS id, upper(m.name) AS shown, (SELECT count(*) FROM log WHERE log.n = m.id) AS logged FROM many m",
    "CREATE TRIGGER item_log AFTER UPDATE OF qty ON item WHEN NEW.qty <> OLD.qty BEGIN INSERT INTO log (what, n) VALUES ('qty ' || NEW.name || (NEW.qty - OLD.qty), 1); END",
    'CREATE TRIGGER "few new" INSTEAD OF INSERT ON few BEGIN INSERT INTO item (id, name, qty) VALUES (NEW.id, NEW.shown, 9); END',
]


def test_what_is_created_does_what_it_does_in_sqlite(t, pair):
    """Over tables that are there already; the next statement finds in the file what the one before created."""
    made = pair(FILE)
    notes = []
    for sql in CREATED:
        [row] = t.rows(call(sql, made.path))
        t.sql(row["statement"])
        made.source.execute(sql)
        notes += row["notes"]
    # The file's own trigger was made when nothing could fire it again.
    assert "trigger logged of the file can fire itself through it" in "".join(notes), notes
    assert triggers(t) == ["few new", "item_log", "logged"]
    for sql in ("UPDATE item SET qty = qty + 2", "INSERT INTO few (id, shown) VALUES (5, 'x')", "UPDATE item SET name = 'y' WHERE id = 2", "INSERT INTO log (what, n) VALUES ('two', 2)"):
        assert made.both(sql) == [None, None], sql
        made.same("item", "few").same("log", columns="what, n")
    # It may fire itself through the other one, which the file has.
    assert "pg_trigger_depth" in t.value("SELECT prosrc FROM pg_proc WHERE proname = 'item_log'")


def test_names_are_those_of_the_plan(t):
    path = t.file("n.db", FILE.replace("item", '"MyItem"'))
    plan = {"names": "snake_case", "schema": "app"}
    [row] = t.rows(call('CREATE VIEW "BigOnes" AS SELECT name AS "TheName" FROM "MyItem"', path, plan))
    assert row["statement"] == 'CREATE VIEW "app"."big_ones" ("the_name") AS SELECT "MyItem"."name" AS "TheName" FROM "app"."my_item" AS "MyItem"'
    [row] = t.rows(call('CREATE TRIGGER "onIt" BEFORE DELETE ON "MyItem" BEGIN DELETE FROM log WHERE n = OLD.qty; END', path, plan))
    assert 'CREATE FUNCTION "app"."on_it"()' in row["statement"] and 'BEFORE DELETE ON "app"."my_item"' in row["statement"]
    [row] = t.rows(call("CREATE TEMP VIEW v AS SELECT 7 / 2 AS n"))
    assert row["statement"] == 'CREATE TEMPORARY VIEW "v" ("n") AS SELECT 3 AS "n"'
    assert t.value("SELECT statement FROM sqlite_translate('CREATE VIEW v AS SELECT 1')").startswith('CREATE VIEW "v" ')


@pytest.mark.parametrize("sql, reason, place", [
    ("CREATE TRIGGER g AFTER INSERT ON nosuch BEGIN DELETE FROM log; END", "no table nosuch", ""),
    ("CREATE TRIGGER g AFTER INSERT ON item BEGIN DELETE FROM nosuch; END", "no table nosuch", "line 1, column 57: nosuch"),
    ("CREATE TRIGGER g AFTER INSERT ON item BEGIN DELETE FROM log WHERE what = title_sort(NEW.name); END", "is the application's", "column 74: title_sort"),
    ("CREATE TEMP TRIGGER g AFTER INSERT ON item BEGIN DELETE FROM log; END", "fires for its session only", ""),
    ("CREATE TRIGGER temp.g AFTER INSERT ON item BEGIN DELETE FROM log; END", "fires for its session only", ""),
    ("CREATE TRIGGER g AFTER INSERT ON many BEGIN DELETE FROM log; END", "on a view is one of INSTEAD OF", ""),
    ("CREATE TRIGGER g INSTEAD OF INSERT ON item BEGIN DELETE FROM log; END", "INSTEAD OF is on a view", ""),
    ("CREATE TRIGGER g AFTER INSERT ON item BEGIN SELECT 1; END", "change nothing", ""),
    ("CREATE VIEW v AS SELECT nosuch FROM item", "no column nosuch", "column 25: nosuch"),
    ("CREATE VIEW v AS SELECT ? AS x FROM item", "parameter", ""),
])
def test_what_is_refused_is_named_with_its_place(t, sql, reason, place):
    path = t.file("r.db", FILE)
    with fails("0A000", reason, "") as failure:
        t.sql(call(sql, path))
    assert place in failure.detail, failure.detail
    with fails("0A000", "no table", "Pass the path"):
        t.sql(call("CREATE TRIGGER g AFTER INSERT ON item BEGIN DELETE FROM log; END"))
