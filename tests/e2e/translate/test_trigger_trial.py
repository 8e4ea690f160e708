"""Triggers are tried while the plan is made: what PostgreSQL would refuse when a trigger fires is a finding, and the rest goes on."""

import pytest

from trigger_pair import findings, triggers

FILE = """
    CREATE TABLE t (id INTEGER PRIMARY KEY, s TEXT, n INTEGER); CREATE TABLE base (id INTEGER PRIMARY KEY, s TEXT, n INTEGER); INSERT INTO t VALUES (1, 'a', 2);
    CREATE VIEW v AS SELECT id, s, n FROM base;
    CREATE TRIGGER v_new INSTEAD OF INSERT ON v BEGIN INSERT INTO base VALUES (NEW.id, NEW.s, NEW.n); END;
    CREATE TRIGGER writes AFTER INSERT ON t BEGIN INSERT INTO v VALUES (NEW.id, NEW.s, NEW.n); END;
    CREATE TRIGGER reads AFTER UPDATE ON t BEGIN UPDATE base SET s = 'read' WHERE n IN (SELECT n FROM v WHERE v.n = NEW.n); END;
    CREATE TRIGGER raises BEFORE DELETE ON t BEGIN SELECT RAISE(ABORT, 'there') WHERE EXISTS (SELECT 1 FROM v WHERE v.n = OLD.n); END;
    CREATE TRIGGER when_it BEFORE INSERT ON t WHEN NEW.n > 7 AND NEW.s <> '' BEGIN DELETE FROM base WHERE id = NEW.n; END;"""


def test_what_is_refused_when_it_fires_is_known_before(t):
    """A view that was there before has the names of the file's, and other types."""
    path = t.file("v.db", FILE)
    t.sql("CREATE TABLE theirs (id bigint, s text, n point); CREATE VIEW v AS SELECT id, s, n FROM theirs")
    said = findings(t, path)
    refused = {name: f for name, f in said.items() if "PostgreSQL refuses the translation" in f["message"]}
    assert set(refused) == {"trigger writes", "trigger reads", "trigger raises"}, said
    assert all(f["severity"] == "warning" and "plan.triggers." in f["hint"] for f in refused.values())
    assert '"n" is of type point' in refused["trigger writes"]["message"] and "operator does not exist" in refused["trigger reads"]["message"], refused
    assert t.value("SELECT count(*) FROM pg_class WHERE relname LIKE '%trial%'") == "0" and t.value("SELECT count(*) FROM pg_proc WHERE proname LIKE '%trial%'") == "0"
    t.import_(path)
    assert triggers(t) == ["when_it"]
    t.sql("INSERT INTO t VALUES (2, 'b', 8); UPDATE t SET n = 3; DELETE FROM t")


@pytest.mark.parametrize("lacks", ["the right to temporary tables", "function bodies are not checked"])
def test_nothing_is_tried_away(t, lacks):
    path = t.file("v.db", FILE)
    if lacks == "function bodies are not checked":
        t.sql(f'ALTER DATABASE "{t.database}" SET check_function_bodies = off')
    else:
        t.role("without", "pg_read_server_files")
        t.sql(f'REVOKE TEMPORARY ON DATABASE "{t.database}" FROM PUBLIC; SET ROLE without; ' + t.call("sqlite_findings", path, {}))
    assert not [f for f in findings(t, path).values() if f["kind"] == "trigger"]
    t.import_(path)
    assert triggers(t) == ["raises", "reads", "v_new", "when_it", "writes"]


def test_a_trigger_without_the_key_that_it_resolves_conflicts_of_is_left_out(t):
    """With `on_error: "continue"` a key may fail to be made: its ON CONFLICT would be an error of every statement that fires the trigger."""
    path = t.file("k.db", """
        CREATE TABLE t (id INTEGER PRIMARY KEY, s TEXT); CREATE TABLE seen (s TEXT NOT NULL, n INTEGER); CREATE UNIQUE INDEX by_s ON seen (s); CREATE TABLE log (s TEXT);
        INSERT INTO t VALUES (1, 'a'); INSERT INTO seen VALUES ('a', 1);
        CREATE TRIGGER counts AFTER INSERT ON t BEGIN INSERT INTO seen VALUES (NEW.s, 1) ON CONFLICT (s) DO UPDATE SET n = n + 1; END;
        CREATE TRIGGER ignores AFTER UPDATE ON t BEGIN INSERT OR IGNORE INTO seen VALUES (NEW.s, 1); END;
        CREATE TRIGGER logs AFTER DELETE ON t BEGIN INSERT INTO log VALUES (OLD.s); UPDATE seen SET n = n - 1 WHERE s = OLD.s; END;""")
    t.sql("""CREATE FUNCTION refuse() RETURNS event_trigger LANGUAGE plpgsql AS $$ BEGIN
                 IF EXISTS (SELECT FROM pg_event_trigger_ddl_commands() WHERE object_identity = 'public.by_s') THEN RAISE 'not now'; END IF; END $$;
             CREATE EVENT TRIGGER refuse ON ddl_command_end WHEN TAG IN ('CREATE INDEX') EXECUTE FUNCTION refuse()""")
    t.import_(path, {"on_error": "continue"})
    assert triggers(t) == ["logs"]
    said = {row["object"]: row["message"] for row in t.rows("SELECT object, message FROM sqlite_migrate.finding WHERE kind = 'step_failed'")}
    assert set(said) == {"create index by_s on public.seen", "create trigger counts", "create trigger ignores"}, said
    assert said["create trigger counts"] == 'it needs what "create index by_s on public.seen" would have made'
    t.sql("INSERT INTO t VALUES (2, 'b'); UPDATE t SET s = 'c'; DELETE FROM t")
    assert t.value("SELECT count(*) FROM log") == "2"
