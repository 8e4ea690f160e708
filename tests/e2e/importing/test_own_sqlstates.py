"""Functions, triggers and domains raise errors with SQLSTATEs of their own: they are caught like others, and passed on as they are."""

import pytest

from client import fails
from harness import quote

FILE = """CREATE TABLE p (id INTEGER PRIMARY KEY, v TEXT); INSERT INTO p VALUES (1, 'a'), (2, 'b');
    CREATE TABLE q (id INTEGER PRIMARY KEY, v TEXT); INSERT INTO q VALUES (1, 'a'), (2, 'b');"""
OWN = """CREATE FUNCTION refuse() RETURNS trigger LANGUAGE plpgsql AS $$BEGIN RAISE 'no % here', NEW.v USING ERRCODE = 'P0042'; END$$;
    CREATE FUNCTION no_b(v text) RETURNS bool LANGUAGE plpgsql AS $$BEGIN IF v = 'b' THEN RAISE 'b is not wanted' USING ERRCODE = 'ZZ042'; END IF; RETURN true; END$$;
    CREATE DOMAIN not_b AS text CHECK (no_b(VALUE))"""
DOMAIN = {"tables": {"p": {"columns": {"v": {"type": "not_b"}}}}}


@pytest.mark.parametrize("event", ["ddl_command_start", "ddl_command_end"])
def test_of_an_event_trigger(t, event):
    path = t.file("a.db", FILE)
    t.sql(f"""CREATE FUNCTION no_index() RETURNS event_trigger LANGUAGE plpgsql AS $$BEGIN
            IF TG_TAG = 'ALTER TABLE' THEN RAISE 'no % by %', TG_TAG, current_user USING ERRCODE = 'P0042'; END IF; END$$;
        CREATE EVENT TRIGGER e ON {event} EXECUTE FUNCTION no_index()""")
    t.import_fails(path, {}, "P0042", "^no ALTER TABLE by postgres$")
    t.import_(path, {"on_error": "continue"})
    assert t.value("SELECT count(*) FROM p") == "2"
    assert t.constraints("p", "p") == ""


def test_of_a_trigger_and_of_after(t):
    path = t.file("a.db", FILE)
    t.sql(OWN + "; CREATE TABLE p (id bigint PRIMARY KEY, v text); CREATE TRIGGER r BEFORE INSERT ON p FOR EACH ROW EXECUTE FUNCTION refuse()")
    plan = {"fire_triggers": True}
    t.import_fails(path, plan, "P0042", "^no a here$")
    done = t.import_(path, {**plan, "on_error": "continue", "after": "SELECT no_b('b')"})
    assert (done["p"]["status"], done["p"]["detail"], done["q"]["status"]) == ("failed", "load public.p failed: no a here", "loaded"), done
    assert t.value("SELECT string_agg(message, '|') FROM sqlite_migrate.finding WHERE message ~ 'wanted'") == "b is not wanted"
    t.import_fails(path, {"schema": "other", "after": "SELECT no_b('b')"}, "ZZ042", "^b is not wanted$")


def test_of_a_domain(t):
    path = t.file("a.db", FILE)
    t.sql(OWN)
    t.import_fails(path, DOMAIN, "ZZ042", "^value does not fit column \"v\" of table \"p\"\nRow with rowid 2: the text value 'b' cannot become .*: b is not wanted")
    assert t.import_(path, {**DOMAIN, "on_invalid": "reject"})["p"]["rejected"] == 1
    assert t.value("SELECT error FROM sqlite_migrate.reject") == "b is not wanted"
    t.sql(f"CREATE SERVER f FOREIGN DATA WRAPPER pg_sqlite_fdw OPTIONS (database {quote(str(path))}); CREATE FOREIGN TABLE fp (id bigint, v not_b) SERVER f OPTIONS (\"table\" 'p')")
    with fails("ZZ042", 'value does not fit column "v" of table "p"'):
        t.sql("SELECT * FROM fp")
    t.sql("ALTER SERVER f OPTIONS (ADD on_invalid 'null')")
    assert t.sql("SELECT v FROM fp ORDER BY id").rows == (("a",), (None,))
