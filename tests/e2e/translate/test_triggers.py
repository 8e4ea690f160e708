"""Triggers of the file become triggers of the target: the same statements leave the same rows on both sides, or the same refusal."""

import os
import random

import psycopg
import pytest

import trigger_pair
from translated import connected
from trigger_pair import SHOP, findings, triggers

SEED = os.environ.get("TRIGGER_SEED", "1")
RAISED = "23000"


@pytest.fixture
def pair(t):
    with trigger_pair.pairs(t) as make:
        yield make


def statement(generator, number):
    """One that both databases read alike."""
    item = generator.randint(1, 12)
    qty = generator.choice([-1, 0, 1, 2, 3, 50])
    name = generator.choice(["bolt", "nut", "frozen", "O''Neil", "é"])
    return generator.choice([
        f"INSERT INTO item (id, name, qty, price) VALUES ({100 + number}, '{name}', {qty}, {generator.choice(['NULL', '1.5', '99'])})",
        f"INSERT INTO item (id, name, qty) VALUES ({item}, '{name}', {qty})",
        f"INSERT INTO item (id, name, qty) SELECT id + {1000 * (number + 1)}, name, qty FROM item WHERE id <= {item}",
        f"UPDATE item SET qty = {qty} WHERE id = {item}",
        f"UPDATE item SET qty = qty + 1, price = {generator.choice(['200', '3'])} WHERE id <= {item}",
        f"UPDATE item SET name = '{name}' WHERE id = {item}",
        f"UPDATE item SET qty = qty - 1 WHERE name = '{name}'",
        f"DELETE FROM item WHERE id = {item}",
        f"DELETE FROM item WHERE qty > {qty} AND id > 100",
        f"INSERT INTO part (id, item, label) VALUES ({500 + number}, {generator.randint(1, 3)}, '{name}')",
        f"DELETE FROM part WHERE item = {item}",
        f"INSERT INTO stocked (id, name, qty) VALUES ({200 + number}, '{name}', {qty})",
        f"UPDATE stocked SET qty = {qty} WHERE id = {item}",
        f"DELETE FROM stocked WHERE id = {100 + generator.randint(0, number + 1)}",
    ])


@pytest.mark.parametrize("seed", range(3))
def test_the_same_statements_leave_the_same_rows(t, pair, seed):
    shop = pair(SHOP)
    assert len(triggers(t)) == 11, triggers(t)
    generator = random.Random(f"{SEED}:{seed}")
    refused = 0
    for number in range(200):
        refused += shop.both(statement(generator, number))[0] is not None
        if number % 20 == 0:
            shop.same("item", "stock", "part").same("log", columns="what, item, before, after")
    shop.same("item", "stock", "part").same("log", columns="what, item, before, after")
    assert 10 < refused < 150 and len(shop.rows("log")) > 30


def test_the_load_does_not_fire_them(t, pair):
    shop = pair(SHOP)
    assert shop.rows("log") == [] and t.value("SELECT count(*) FROM log") == "0"
    shop.same("item", "stock", "part", "log")


RAISES = """
    CREATE TABLE a (id INTEGER PRIMARY KEY, n INTEGER, s TEXT); CREATE TABLE b (id INTEGER PRIMARY KEY, a INTEGER);
    INSERT INTO a VALUES (1, 1, 'one'), (2, 2, NULL); INSERT INTO b VALUES (1, 1);
"""
# A trigger on a or b with one RAISE, a statement that is refused with this message, and one that is not.
REFUSALS = {
    "abort": ("BEFORE INSERT ON a BEGIN SELECT RAISE(ABORT, 'it''s no') WHERE NEW.n = 3; END", "INSERT INTO a VALUES (3, 3, 'x')", "INSERT INTO a VALUES (3, 4, 'x')", "it's no"),
    "rollback": ("BEFORE UPDATE ON a WHEN NEW.s IS NULL BEGIN SELECT RAISE(ROLLBACK, 'null'); END", "UPDATE a SET s = NULL WHERE id = 1", "UPDATE a SET s = 'x' WHERE id = 2", "null"),
    "fail": ("BEFORE DELETE ON a BEGIN SELECT RAISE(FAIL, 'kept') WHERE EXISTS (SELECT 1 FROM b WHERE b.a = OLD.id); END", "DELETE FROM a WHERE id = 1", "DELETE FROM a WHERE id = 2", "kept"),
    "case": ("BEFORE INSERT ON b BEGIN SELECT CASE WHEN (SELECT id FROM a WHERE id = NEW.a) IS NULL THEN RAISE(ABORT, 'no such a') END; END", "INSERT INTO b VALUES (2, 9)", "INSERT INTO b VALUES (2, 2)", "no such a"),
    "case else": ("BEFORE INSERT ON a BEGIN SELECT CASE WHEN NEW.n > 5 THEN 1 WHEN NEW.n > 3 THEN 2 ELSE RAISE(ABORT, 'small') END; END", "INSERT INTO a VALUES (7, 2, '')", "INSERT INTO a VALUES (8, 6, '')", "small"),
    "case of": ("BEFORE INSERT ON a BEGIN SELECT CASE NEW.n WHEN 7 THEN RAISE(ABORT, 'seven') WHEN 8 THEN RAISE(ABORT, 'eight') END; END", "INSERT INTO a VALUES (7, 8, '')", "INSERT INTO a VALUES (8, 6, '')", "eight"),
    "iif": ("BEFORE INSERT ON a BEGIN SELECT iif(NEW.n % 2 = 1, RAISE(ABORT, 'odd'), 0); END", "INSERT INTO a VALUES (7, 3, '')", "INSERT INTO a VALUES (8, 6, '')", "odd"),
    "coalesce": ("BEFORE INSERT ON a BEGIN SELECT coalesce(NEW.s, RAISE(ABORT, 'empty')); END", "INSERT INTO a VALUES (7, 3, NULL)", "INSERT INTO a VALUES (8, 6, '')", "empty"),
    "rows": ("BEFORE DELETE ON a BEGIN SELECT RAISE(ABORT, 'used') FROM b WHERE b.a = OLD.id; END", "DELETE FROM a WHERE id = 1", "DELETE FROM a WHERE id = 2", "used"),
    "case of rows": ("BEFORE DELETE ON a BEGIN SELECT CASE WHEN b.a = OLD.id THEN RAISE(ABORT, 'used') END FROM b; END", "DELETE FROM a WHERE id = 1", "DELETE FROM a WHERE id = 2", "used"),
    "count": ("BEFORE INSERT ON b BEGIN SELECT CASE WHEN count(*) > 0 THEN RAISE(ABORT, 'twice') END FROM b WHERE a = NEW.a; END", "INSERT INTO b VALUES (2, 1)", "INSERT INTO b VALUES (2, 2)", "twice"),
    "having": ("BEFORE INSERT ON b BEGIN SELECT RAISE(ABORT, 'many') FROM b WHERE a = NEW.a GROUP BY a HAVING count(*) > 0; END", "INSERT INTO b VALUES (2, 1)", "INSERT INTO b VALUES (2, 2)", "many"),
    "a subquery": ("BEFORE INSERT ON b BEGIN SELECT (SELECT RAISE(ABORT, 'within') WHERE NEW.a IS NULL); END", "INSERT INTO b VALUES (2, NULL)", "INSERT INTO b VALUES (2, 2)", "within"),
    "when with a subquery": ("BEFORE INSERT ON b WHEN NOT EXISTS (SELECT 1 FROM a WHERE a.id = NEW.a) BEGIN SELECT RAISE(ABORT, 'lost'); END", "INSERT INTO b VALUES (2, 9)", "INSERT INTO b VALUES (2, 2)", "lost"),
}


@pytest.mark.parametrize("case", REFUSALS, ids=lambda case: case.replace(" ", "_"))
def test_what_raises_is_refused_with_its_message(t, pair, case):
    definition, refused, taken, message = REFUSALS[case]
    made = pair(f"{RAISES} CREATE TRIGGER g {definition};")
    assert triggers(t) == ["g"], made.said
    assert made.both(refused) == [message, message]
    made.same("a", "b")
    assert made.both(taken) == [None, None]
    made.same("a", "b")


def test_an_error_names_table_and_trigger(t, pair):
    pair(f"{RAISES} CREATE TRIGGER guard BEFORE INSERT ON a BEGIN SELECT RAISE(ABORT, 'no'); END;")
    with pytest.raises(psycopg.errors.IntegrityConstraintViolation) as raised, connected(t) as session:
        session.execute("INSERT INTO a VALUES (9, 9, '')")
    said = raised.value.diag
    assert (said.sqlstate, said.message_primary, said.table_name, said.constraint_name) == (RAISED, "no", "a", "guard")


def test_a_row_that_is_ignored_is_left_alone(t, pair):
    made = pair(RAISES + """
        CREATE TRIGGER i BEFORE INSERT ON a WHEN NEW.n < 0 BEGIN SELECT RAISE(IGNORE); INSERT INTO b VALUES (99, 99); END;
        CREATE TRIGGER u BEFORE UPDATE ON a BEGIN SELECT CASE WHEN OLD.n = 2 THEN RAISE(IGNORE) END; END;
        CREATE TRIGGER d AFTER DELETE ON a BEGIN SELECT RAISE(IGNORE) WHERE OLD.n = 1; INSERT INTO b VALUES (OLD.id + 10, OLD.n); END;""")
    assert triggers(t) == ["d", "i", "u"]
    for sql in ("INSERT INTO a VALUES (3, -1, 'x'), (4, 4, 'y')", "UPDATE a SET s = 'z'", "DELETE FROM a WHERE id < 3"):
        assert made.both(sql) == [None, None]
        made.same("a", "b")
    assert made.rows("b") == [(1, 1), (12, 2)] and made.rows("a") == [(4, 4, "z")]


def test_a_trigger_that_runs_does_not_fire_again(t, pair):
    """Neither itself, nor through others, nor through a foreign key; each of the others fires as it does in SQLite."""
    made = pair("""
        CREATE TABLE t (id INTEGER PRIMARY KEY, n INTEGER, up INTEGER REFERENCES t (id) ON DELETE CASCADE);
        CREATE TABLE u (id INTEGER PRIMARY KEY, n INTEGER); CREATE TABLE log (id INTEGER PRIMARY KEY, what TEXT);
        INSERT INTO t VALUES (1, 0, NULL), (2, 0, 1), (3, 0, 2), (4, 0, NULL); INSERT INTO u VALUES (1, 0), (2, 0);
        CREATE TRIGGER own AFTER UPDATE OF n ON t BEGIN UPDATE t SET n = n + 1 WHERE id = NEW.id; INSERT INTO log (what) VALUES ('own'); END;
        CREATE TRIGGER there AFTER UPDATE ON u BEGIN UPDATE t SET n = n + 10 WHERE id = NEW.id; INSERT INTO log (what) VALUES ('there'); END;
        CREATE TRIGGER back AFTER UPDATE OF n ON t BEGIN UPDATE u SET n = n + 100 WHERE id = NEW.id; INSERT INTO log (what) VALUES ('back'); END;
        CREATE TRIGGER gone AFTER DELETE ON t BEGIN DELETE FROM t WHERE id = OLD.id + 3; INSERT INTO log (what) VALUES ('gone ' || OLD.id); END;
        CREATE TRIGGER logged AFTER INSERT ON log WHEN NEW.what = 'there' BEGIN INSERT INTO log (what) VALUES ('logged'); END;""")
    assert triggers(t) == ["back", "gone", "logged", "own", "there"]
    for sql in ("UPDATE t SET n = 5 WHERE id = 1", "UPDATE u SET n = 7 WHERE id = 2", "UPDATE t SET n = n WHERE id = 4", "UPDATE u SET n = n + 1",
                "INSERT INTO log (what) VALUES ('there')", "DELETE FROM t WHERE id = 1"):
        assert made.both(sql) == [None, None]
        made.same("t", "u").same("log", columns="what")
    guarded = t.value("SELECT string_agg(proname, ',' ORDER BY proname) FROM pg_proc WHERE prosrc LIKE '%pg_trigger_depth() > 1%' AND pronamespace = 'public'::regnamespace")
    assert guarded == "back,gone,logged,own,there"


def test_an_error_leaves_no_trigger_running(t, pair):
    made = pair("""
        CREATE TABLE t (id INTEGER PRIMARY KEY, n INTEGER CHECK (n < 10)); INSERT INTO t VALUES (1, 0);
        CREATE TRIGGER own AFTER UPDATE ON t BEGIN UPDATE t SET n = n + 1 WHERE id = NEW.id; END;""")
    with made.target.transaction():
        with pytest.raises(psycopg.errors.CheckViolation), made.target.transaction():
            made.target.execute("UPDATE t SET n = 9")
        made.target.execute("UPDATE t SET n = 3")
    made.source.execute("UPDATE t SET n = 3")
    made.same("t")
    assert made.rows("t") == [(1, 4)]


def test_values_of_new_are_compared_as_they_are(t, pair):
    """NEW.x has no affinity in SQLite, but the collation of its column."""
    made = pair("""
        CREATE TABLE t (id INTEGER PRIMARY KEY, n TEXT COLLATE NOCASE, m INTEGER, s TEXT); CREATE TABLE log (what TEXT);
        CREATE TRIGGER a AFTER INSERT ON t WHEN NEW.n = 'ABC' BEGIN INSERT INTO log VALUES ('nocase'); END;
        CREATE TRIGGER b AFTER INSERT ON t WHEN NEW.id = '1' BEGIN INSERT INTO log VALUES ('rowid'); END;
        CREATE TRIGGER c AFTER INSERT ON t WHEN NEW.m = '5' BEGIN INSERT INTO log VALUES ('text'); END;
        CREATE TRIGGER d AFTER INSERT ON t WHEN NEW.s = 5 BEGIN INSERT INTO log VALUES ('number'); END;
        CREATE TRIGGER e AFTER INSERT ON t WHEN (SELECT NEW.m) = '5' BEGIN INSERT INTO log VALUES ('subquery'); END;""")
    assert triggers(t) == ["a", "b", "c", "d", "e"], made.said
    for sql in ("INSERT INTO t VALUES (1, 'abc', 5, '5')", "INSERT INTO t VALUES (2, 'abd', 5, '5')"):
        made.both(sql)
    assert made.rows("log") == [("nocase",), ("rowid",)]
    made.same("log")


def test_no_setting_and_no_object_of_who_fires_them_changes_them(t, pair):
    shop = pair(SHOP)
    t.role("clerk", "ALL ON item, stock, log, part, stocked", "USAGE ON ALL SEQUENCES IN SCHEMA public")
    t.sql("CREATE SCHEMA mine AUTHORIZATION clerk")
    t.sql("""CREATE TABLE mine.log (what text); CREATE TABLE mine.stock (item bigint, qty bigint);
             CREATE FUNCTION mine.lt(bigint, integer) RETURNS boolean LANGUAGE sql AS 'SELECT true';
             CREATE OPERATOR mine.< (LEFTARG = bigint, RIGHTARG = integer, FUNCTION = mine.lt);
             CREATE FUNCTION mine.pg_trigger_depth() RETURNS integer LANGUAGE sql AS 'SELECT 7';
             CREATE TEMP TABLE log (what text);
             SET search_path = mine, pg_temp, public, pg_catalog; SET standard_conforming_strings = off; SET plpgsql.variable_conflict = 'error';
             INSERT INTO public.item (id, name, qty) VALUES (60, 'set', 3); UPDATE public.item SET qty = 4 WHERE id = 60""", user="clerk")
    shop.in_sqlite("INSERT INTO item (id, name, qty) VALUES (60, 'set', 3)")
    shop.in_sqlite("UPDATE item SET qty = 4 WHERE id = 60")
    shop.same("item", "stock").same("log", columns="what, item, before, after")
    assert t.value("SELECT count(*) FROM mine.log") == "0"


def test_a_view_s_row_without_a_number_gets_one(t, pair):
    made = pair("""CREATE TABLE t (id INTEGER PRIMARY KEY, s TEXT); INSERT INTO t VALUES (5, 'a');
        CREATE VIEW v AS SELECT id, s FROM t WHERE s <> 'hidden';
        CREATE TRIGGER v_new INSTEAD OF INSERT ON v WHEN NEW.s IS NOT NULL BEGIN INSERT INTO t (s) VALUES (NEW.s); END;
        CREATE TRIGGER v_set INSTEAD OF UPDATE OF s ON v BEGIN UPDATE t SET s = NEW.s WHERE id = OLD.id AND OLD.s IS NOT NEW.s; END;""")
    assert triggers(t) == ["v_new", "v_set"], made.said
    assert "it fires where a value of its columns changes" in made.said["trigger v_set"]["message"]
    for sql in ("INSERT INTO v (s) VALUES ('b')", "INSERT INTO v (s) VALUES (NULL)", "INSERT INTO v (id, s) VALUES (1, 'c')", "UPDATE v SET s = s || 'x' WHERE id > 5",
                "INSERT INTO v (s) SELECT s || s FROM v"):
        assert made.both(sql) == [None, None]
        made.same("t")
    # The view's form decides: there is no INSTEAD OF on a table.
    said = findings(t, made.path, {"views": "table", "existing_rows": "replace"})
    assert "v is no view in the target" in said["trigger v_new"]["message"], said


def test_computed_columns_are_not_known_before(t, pair):
    made = pair("""CREATE TABLE t (id INTEGER PRIMARY KEY, n INTEGER, twice INTEGER AS (n * 2) STORED); CREATE TABLE log (n INTEGER);
        CREATE TRIGGER before_it BEFORE INSERT ON t WHEN NEW.twice > 10 BEGIN SELECT RAISE(ABORT, 'no'); END;
        CREATE TRIGGER after_it AFTER INSERT ON t WHEN NEW.twice > 10 BEGIN INSERT INTO log VALUES (NEW.twice); END;
        CREATE TRIGGER old_it BEFORE DELETE ON t WHEN OLD.twice > 10 BEGIN INSERT INTO log VALUES (-OLD.twice); END;""")
    assert triggers(t) == ["after_it", "old_it"]
    assert "PostgreSQL computes after BEFORE triggers" in made.said["trigger before_it"]["message"]
    made.source.execute("DROP TRIGGER before_it")
    for sql in ("INSERT INTO t (n) VALUES (3), (6)", "DELETE FROM t WHERE n = 6"):
        made.both(sql)
    made.same("t", "log")
    assert made.rows("log") == [(-12,), (12,)]


def test_conflicts_within_a_trigger(t, pair):
    made = pair("""CREATE TABLE t (id INTEGER PRIMARY KEY, s TEXT); CREATE TABLE seen (s TEXT PRIMARY KEY NOT NULL, n INTEGER NOT NULL); CREATE TABLE last (k INTEGER PRIMARY KEY, s TEXT);
        CREATE TRIGGER count_it AFTER INSERT ON t BEGIN
            INSERT INTO seen VALUES (NEW.s, 1) ON CONFLICT (s) DO UPDATE SET n = n + 1;
            INSERT OR REPLACE INTO last VALUES (1, NEW.s);
            INSERT OR IGNORE INTO last VALUES (2, 'first ' || NEW.s); END;
        CREATE TRIGGER touched AFTER UPDATE ON seen BEGIN UPDATE seen SET n = n + 100 WHERE s = NEW.s AND n = 3; END;""")
    assert triggers(t) == ["count_it", "touched"], made.said
    for s in "abacadaba":
        assert made.both(f"INSERT INTO t (s) VALUES ('{s}')") == [None, None]
        made.same("t", "seen", "last")
    assert ("a", 105) in made.rows("seen")


def test_times_and_counters_are_kept(t, pair):
    made = pair("""CREATE TABLE t (id INTEGER PRIMARY KEY, s TEXT, updated_at DATETIME DEFAULT CURRENT_TIMESTAMP, version INTEGER NOT NULL DEFAULT 1);
        INSERT INTO t (s, updated_at) VALUES ('a', '2020-01-01 00:00:00'), ('b', '2020-01-02 00:00:00');
        CREATE TRIGGER touch AFTER UPDATE OF s ON t FOR EACH ROW WHEN NEW.updated_at = OLD.updated_at BEGIN
            UPDATE t SET updated_at = CURRENT_TIMESTAMP, version = OLD.version + 1 WHERE id = NEW.id; END;""")
    assert triggers(t) == ["touch"], made.said
    for sql in ("UPDATE t SET s = 'c' WHERE id = 1", "UPDATE t SET s = 'd', updated_at = '2021-01-01 00:00:00' WHERE id = 2"):
        made.both(sql)
    made.same("t", columns="id, s, version")
    assert t.value("SELECT updated_at > now() AT TIME ZONE 'UTC' - interval '1 hour' FROM t WHERE id = 1") == "t"
    assert t.shown("SELECT updated_at::date FROM t WHERE id = 2") == "2021-01-01"
