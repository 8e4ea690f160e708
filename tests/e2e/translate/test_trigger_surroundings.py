"""Triggers and what is around them: tables and views that are not there, views that hold rows, triggers of the same event, keys that replace."""

import re

import pytest

import trigger_pair
from test_sqlite_translate import refused, translated
from trigger_pair import findings, triggers


@pytest.fixture
def pair(t):
    with trigger_pair.pairs(t) as make:
        yield make


def failed(t):
    return {row["object"]: row["message"] for row in t.rows("SELECT object, message FROM sqlite_migrate.finding WHERE kind = 'step_failed'")}


FAILING = """
    CREATE TABLE good (id INTEGER PRIMARY KEY, n INTEGER); CREATE TABLE bad (id INTEGER PRIMARY KEY, n INTEGER NOT NULL); CREATE TABLE log (what INTEGER);
    INSERT INTO good VALUES (1, 1); INSERT INTO bad VALUES (1, 'x');
    CREATE VIEW bads AS SELECT id, n FROM bad; CREATE VIEW logs AS SELECT what FROM log;
    CREATE TRIGGER to_log AFTER INSERT ON good BEGIN INSERT INTO log VALUES (1); END;
    CREATE TRIGGER to_bad AFTER INSERT ON good BEGIN INSERT INTO bad VALUES (NEW.id, NEW.n); END;
    CREATE TRIGGER of_bad BEFORE INSERT ON good BEGIN SELECT RAISE(ABORT, 'no') WHERE EXISTS (SELECT 1 FROM bad WHERE id = NEW.n); END;
    CREATE TRIGGER of_view BEFORE INSERT ON good WHEN NEW.n IN (SELECT id FROM bads) BEGIN SELECT RAISE(ABORT, 'no'); END;
    CREATE TRIGGER instead INSTEAD OF INSERT ON logs BEGIN INSERT INTO bad VALUES (7, NEW.what); END;
    CREATE TRIGGER by_instead AFTER INSERT ON good BEGIN INSERT INTO logs VALUES (2); END;"""


def test_what_writes_to_or_reads_a_table_that_failed_is_left_out(t):
    path = t.file("go.db", FAILING)
    plan = {"on_error": "continue", "tables": {"bad": {"columns": {"n": {"type": "integer"}}}}}
    given = findings(t, path, plan)
    rows = t.import_(path, plan)
    assert rows["bad"]["status"] == "failed" and rows["good"]["status"] == "loaded", rows
    assert triggers(t) == ["to_log"]
    said = failed(t)
    for name in ("to_bad", "of_bad", "of_view", "instead", "by_instead"):
        assert said.get(f"create trigger {name}") == "it needs table bad, which is not loaded", (name, said, given)
    t.sql("INSERT INTO good VALUES (2, 2)")
    assert t.value("SELECT string_agg(what::text, ',') FROM log") == "1"


def test_a_table_that_was_there_before_stays_there(t):
    """A load into it that fails leaves it as it was, and triggers go on writing to it."""
    path = t.file("go.db", FAILING)
    t.sql("CREATE TABLE bad (id bigint PRIMARY KEY, n integer NOT NULL)")
    plan = {"on_error": "continue", "existing_rows": "append"}
    rows = t.import_(path, plan)
    assert rows["bad"]["status"] == "failed", rows
    assert "table bad" not in str(failed(t)) and {"to_bad", "by_instead", "instead"} <= set(triggers(t)), failed(t)
    t.sql("INSERT INTO good VALUES (2, 2)")
    assert t.value("SELECT string_agg(id || ':' || n, ',' ORDER BY id) FROM bad") == "2:2,7:2"


VIEWS = """
    CREATE TABLE t (id INTEGER PRIMARY KEY, s TEXT); CREATE TABLE log (what TEXT); INSERT INTO t VALUES (1, 'a');
    CREATE VIEW v AS SELECT id, s FROM t; CREATE VIEW w AS SELECT id, s FROM v;
    CREATE TRIGGER w_new INSTEAD OF INSERT ON w BEGIN INSERT INTO v VALUES (NEW.id, NEW.s); END;
    CREATE TRIGGER v_new INSTEAD OF INSERT ON v BEGIN INSERT INTO t VALUES (NEW.id, NEW.s || '!'); END;
    CREATE TRIGGER into_w AFTER INSERT ON log BEGIN INSERT INTO w VALUES (10, NEW.what); END;"""


def test_triggers_write_through_the_triggers_of_views(t, pair):
    made = pair(VIEWS)
    assert triggers(t) == ["into_w", "v_new", "w_new"], made.said
    for sql in ("INSERT INTO log VALUES ('b')", "INSERT INTO w VALUES (2, 'c')", "INSERT INTO v VALUES (3, 'd')"):
        made.both(sql)
    made.same("t", "log")
    made_in_order = [re.search(r'CREATE TRIGGER "(\w+)"', row["sql"])[1] for row in t.rows(t.call("sqlite_ddl", made.path, {"existing_rows": "replace"})) if row["phase"] == "triggers"]
    assert made_in_order == ["w_new", "v_new", "into_w"]


@pytest.mark.parametrize("plan", [
    {"triggers": {"exclude": ["v_new"]}},
    {"views": {"table": ["v"]}},
    {"views": {"materialized": ["v"]}},
])
def test_without_the_trigger_of_a_view_nothing_writes_to_it(t, plan):
    """PostgreSQL would write to the view's table, past the trigger."""
    path = t.file("v.db", VIEWS)
    said = findings(t, path, plan)
    assert "view v has no INSTEAD OF INSERT trigger in the target" in said["trigger w_new"]["message"], said
    assert "view w has no INSTEAD OF INSERT trigger in the target" in said["trigger into_w"]["message"], said
    for view in "vw":
        refused(t, f"view {view} has no INSTEAD OF INSERT trigger in the target", "", f"INSERT INTO {view} VALUES (5, 'e')", path, plan)
    t.import_(path, plan)
    assert triggers(t) == []


def test_a_view_is_written_to_for_the_events_of_its_triggers(t):
    path = t.file("v.db", VIEWS)
    assert translated(t, "INSERT INTO v VALUES (5, 'e')", path)[1] == ["view v has an INSTEAD OF trigger, by which it is written to"]
    refused(t, "view v has no INSTEAD OF DELETE trigger in the target", "", "DELETE FROM v", path)
    refused(t, "view v has no INSTEAD OF UPDATE trigger in the target", "", "UPDATE v SET s = 'x'", path)


@pytest.mark.parametrize("form", ["materialized", "table"])
def test_a_view_that_holds_the_rows_of_the_import_is_noted(t, form):
    path = t.file("m.db", """CREATE TABLE t (id INTEGER PRIMARY KEY, n INTEGER); CREATE TABLE u (n INTEGER); INSERT INTO t VALUES (1, 1);
        CREATE VIEW kept AS SELECT n FROM t; CREATE VIEW over AS SELECT n + 1 AS m FROM kept;
        CREATE TRIGGER direct BEFORE INSERT ON u BEGIN SELECT RAISE(ABORT, 'no') FROM kept WHERE n = NEW.n; END;
        CREATE TRIGGER through BEFORE INSERT ON u BEGIN SELECT RAISE(ABORT, 'no') FROM over WHERE m = NEW.n; END;""")
    stale = "{} holds the rows of the import, where SQLite's view has those of now"
    plan = {"views": {form: ["kept"]}}
    said = findings(t, path, plan)
    for trigger, view in (("direct", "kept"), ("through", "over")):
        assert stale.format(view) in said[f"trigger {trigger}"]["message"], said
        assert translated(t, f"SELECT * FROM {view}", path, plan)[1] == [stale.format(view)]
        assert translated(t, f"SELECT * FROM {view}", path)[1] == []
    assert "holds the rows" not in str(findings(t, path))
    t.import_(path, {**plan, "strict": True})
    assert triggers(t) == []


def test_a_view_that_was_there_keeps_its_triggers(t):
    path = t.file("v.db", VIEWS)
    t.import_(path)
    plan = {"existing_rows": "append", "tables": {"t": {"where": "0"}, "log": {"where": "0"}}}
    said = findings(t, path, plan)
    for name in ("v_new", "w_new"):
        assert "the view was there before, and keeps its own triggers" in said[f"trigger {name}"]["message"], said
    t.import_(path, plan)
    assert triggers(t) == ["into_w", "v_new", "w_new"]
    assert t.value("SELECT string_agg(proname, ',' ORDER BY proname) FROM pg_proc WHERE pronamespace = 'public'::regnamespace AND prorettype = 'trigger'::regtype") == "into_w,v_new,w_new"


def test_triggers_before_and_after_the_rows_that_meet_are_noted(t):
    """SQLite refuses the third row, PostgreSQL's checks have all run before the first row is counted."""
    path = t.file("acc.db", """CREATE TABLE t (n INTEGER); CREATE TABLE acc (n INTEGER); INSERT INTO acc VALUES (2);
        CREATE TRIGGER enough BEFORE INSERT ON t BEGIN SELECT RAISE(ABORT, 'spent') WHERE (SELECT n FROM acc) < 1; END;
        CREATE TRIGGER spend AFTER INSERT ON t BEGIN UPDATE acc SET n = n - 1; END;
        CREATE TRIGGER other AFTER DELETE ON t BEGIN UPDATE acc SET n = 9; END;""")
    said = findings(t, path)
    assert 'they meet in "acc"' in said["trigger spend"]["message"] and "trigger other" not in said, said
    t.import_(path, {"strict": True})
    assert triggers(t) == ["other"]


def test_a_key_that_replaces_counts_as_what_it_does(t, pair):
    """Without the guard, the trigger would fire itself without end."""
    made = pair("""CREATE TABLE t (id INTEGER PRIMARY KEY, k INTEGER UNIQUE ON CONFLICT REPLACE, n INTEGER); INSERT INTO t VALUES (1, 1, 0);
        CREATE TRIGGER again AFTER UPDATE ON t BEGIN INSERT INTO t (k, n) VALUES (NEW.k, NEW.n + 1); END;""")
    assert triggers(t) == ["again"], made.said
    body = t.value("SELECT string_agg(prosrc, '') FROM pg_proc WHERE proname = 'again'")
    assert "pg_trigger_depth()" in body
    made.both("UPDATE t SET n = 5")
    made.same("t", columns="k, n")
    assert [row[1:] for row in made.rows("t")] == [(1, 6)]


def test_columns_that_are_computed_are_never_set(t, pair):
    made = pair("""CREATE TABLE t (a INTEGER, b INTEGER AS (a + 1) STORED, c INTEGER); CREATE TABLE log (what TEXT); INSERT INTO t (a, c) VALUES (1, 1);
        CREATE TRIGGER never AFTER UPDATE OF b ON t BEGIN INSERT INTO log VALUES ('never'); END;
        CREATE TRIGGER both AFTER UPDATE OF b, c ON t BEGIN INSERT INTO log VALUES ('both'); END;""")
    assert triggers(t) == ["both"] and made.said["trigger never"]["kind"] == "trigger_unneeded", made.said
    for sql in ("UPDATE t SET a = 2", "UPDATE t SET c = 3"):
        made.both(sql)
    made.same("t", "log")
    assert made.rows("log") == [("both",)]
