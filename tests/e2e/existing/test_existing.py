"""Tables that were there before the import: their triggers, sequences, constraints and rows."""

import pytest

import sqlstates as s

ROWS = "CREATE TABLE t (id INTEGER PRIMARY KEY, v TEXT, p INTEGER); INSERT INTO t VALUES (1, 'a', 5), (2, 'b', NULL);"
TRIGGERS = """
CREATE TABLE noise (n text);
CREATE FUNCTION noise() RETURNS trigger LANGUAGE plpgsql AS $$BEGIN INSERT INTO public.noise VALUES (TG_NAME); RETURN NEW; END$$;
CREATE TRIGGER always BEFORE INSERT ON t FOR EACH ROW EXECUTE FUNCTION noise();
CREATE TRIGGER replica AFTER INSERT ON t FOR EACH ROW EXECUTE FUNCTION noise();
CREATE TRIGGER disabled BEFORE INSERT ON t FOR EACH ROW EXECUTE FUNCTION noise();
CREATE TRIGGER "as Usual" AFTER INSERT ON t FOR EACH ROW EXECUTE FUNCTION noise();
ALTER TABLE t ENABLE ALWAYS TRIGGER always, ENABLE REPLICA TRIGGER replica, DISABLE TRIGGER disabled;
"""
STATES = "SELECT string_agg(tgname::text || '=' || tgenabled::text, ' ' ORDER BY tgname) FROM pg_trigger WHERE tgrelid = 't'::regclass AND NOT tgisinternal"


def test_triggers_are_as_before(t):
    t.sql("CREATE TABLE t (id bigint PRIMARY KEY, v text, p bigint);" + TRIGGERS)
    before = t.value(STATES)
    assert sorted(before.replace("as Usual", "usual").split()) == ["always=A", "disabled=D", "replica=R", "usual=O"], before
    assert t.import_(t.file("rows.db", ROWS))["t"]["imported"] == 2
    assert t.value(STATES) == before
    assert t.value("SELECT count(*) FROM noise") == "0", "a trigger fired during the load"
    t.import_fails(t.file("rows.db", ROWS), {"existing_rows": "append"}, s.DUPLICATE_KEY, r"t_pkey.*\(id\)=\(1\)")
    assert t.value(STATES) == before, "after an error"


DEFERRED = """
CREATE TABLE parent (id bigint PRIMARY KEY); INSERT INTO parent VALUES ({});
CREATE TABLE t (id bigint PRIMARY KEY, v text, p bigint REFERENCES parent DEFERRABLE INITIALLY DEFERRED);
"""


def test_deferred_foreign_key(t):
    """Its check is still pending when the triggers are put back."""
    t.sql(DEFERRED.format(5) + TRIGGERS)
    before = t.value(STATES)
    assert t.import_(t.file("rows.db", ROWS))["t"]["imported"] == 2
    assert t.value(STATES) == before
    assert "DEFERRABLE INITIALLY DEFERRED" in t.constraints("t", "f") and "NOT VALID" not in t.constraints("t", "f")


def test_deferred_foreign_key_is_checked(t):
    t.sql(DEFERRED.format(6) + TRIGGERS)
    t.import_fails(t.file("rows.db", ROWS), {}, s.ORPHANS, "parent")
    assert t.value("SELECT count(*) FROM t") == "0"


def test_rollback_leaves_the_sequence(t):
    """A sequence is not transactional by itself: the import must make it so."""
    t.sql("CREATE TABLE t (id serial PRIMARY KEY, v text, p bigint); INSERT INTO t (v) VALUES ('x'), ('y'); DELETE FROM t")
    path = t.file("rows.db", ROWS.replace("(2,", "(900,"))
    state = "SELECT last_value || '/' || is_called FROM t_id_seq"
    assert t.value(state) == "2/true"
    session = t.session()
    session.run("BEGIN")
    session.run(t.call("sqlite_import", path, {}))
    session.run("ROLLBACK")
    assert t.value(state) == "2/true", "a rolled back import moved the sequence"
    assert t.import_(path)["t"]["imported"] == 2
    assert t.value("INSERT INTO t (v) VALUES ('z') RETURNING id") == "901"


def test_truncate_is_taken_back_when_the_load_fails(t):
    """With on_error: continue a table that fails is as it was; the others are loaded."""
    t.sql("CREATE TABLE t (id bigint PRIMARY KEY, v text CHECK (v <> 'b'), p bigint); INSERT INTO t VALUES (7, 'mine', NULL), (8, 'too', 1)")
    t.sql("CREATE TABLE other (id bigint PRIMARY KEY); INSERT INTO other VALUES (99)")
    path = t.file("rows.db", ROWS + "CREATE TABLE other (id INTEGER PRIMARY KEY); INSERT INTO other VALUES (1), (2);")
    rows = t.import_(path, {"existing_rows": "truncate", "on_error": "continue"})
    assert (rows["t"]["status"], rows["other"]["status"]) == ("failed", "loaded"), rows
    assert t.value("SELECT string_agg(id || v, ',' ORDER BY id) FROM t") == "7mine,8too"
    assert t.value("SELECT string_agg(id::text, ',' ORDER BY id) FROM other") == "1,2"


@pytest.mark.parametrize("profile", ("full", "none"))
def test_truncate_is_taken_back_when_a_value_does_not_fit(t, profile):
    t.sql("CREATE TABLE t (id bigint PRIMARY KEY, v bigint, p bigint); INSERT INTO t VALUES (7, 1, NULL)")
    rows = t.import_(t.file("rows.db", ROWS), {"existing_rows": "truncate", "on_error": "continue", "profile": profile,
                                               "tables": {"t": {"columns": {"v": {"type": "bigint"}}}}})
    assert rows["t"]["status"] == "failed" and rows["t"]["imported"] == 0, rows
    assert t.value("SELECT string_agg(id || '/' || v, ',') FROM t") == "7/1"


FAMILIES = """
CREATE TABLE bad (id INTEGER PRIMARY KEY, n INTEGER); INSERT INTO bad VALUES (1, 'n/a');
CREATE TABLE of_bad (id INTEGER PRIMARY KEY, b INTEGER REFERENCES bad); INSERT INTO of_bad VALUES (1, 1);
CREATE TABLE p (id INTEGER PRIMARY KEY); INSERT INTO p VALUES (1);
CREATE TABLE c (id INTEGER PRIMARY KEY, p INTEGER REFERENCES p); INSERT INTO c VALUES (1, 1), (2, 77);
"""


@pytest.mark.parametrize("profile", ("full", "none"))
def test_a_failed_parent_does_not_stop_the_settlement_of_others(t, profile):
    plan = {"schema": profile, "profile": profile, "on_error": "continue", "orphans": "reject",
            "tables": {"bad": {"columns": {"n": {"type": "bigint"}}}}}
    rows = t.import_(t.file("families.db", FAMILIES), plan)
    assert rows["bad"]["status"] == "failed", rows
    assert (rows["c"]["status"], rows["c"]["imported"], rows["c"]["rejected"]) == ("loaded", 1, 1), rows
    assert "NOT VALID" not in t.constraints("c", "f", profile) and t.constraints("c", "f", profile) != ""
    assert (rows["of_bad"]["status"], rows["of_bad"]["imported"]) == ("loaded", 1) and rows["of_bad"]["detail"], rows
    assert t.constraints("of_bad", "f", profile) == ""


def test_orphans_reject_with_a_column_named_gone(t):
    path = t.file("gone.db", """CREATE TABLE p (id INTEGER PRIMARY KEY); INSERT INTO p VALUES (1);
        CREATE TABLE c (id INTEGER PRIMARY KEY, gone INTEGER REFERENCES p, c TEXT, p TEXT);
        INSERT INTO c VALUES (1, 1, 'x', 'y'), (2, 77, 'x', 'y');""")
    row = t.import_(path, {"orphans": "reject"})["c"]
    assert (row["imported"], row["rejected"]) == (1, 1), row
    assert t.rows('SELECT "values" FROM sqlite_migrate.reject') == [{"values": {"id": 2, "gone": 77, "c": "x", "p": "y"}}]
