"""Triggers of the file become triggers of the target: the same statements leave the same rows on both sides, or the same refusal."""

import json
import os
import pathlib
import random
import re
import sqlite3

import pglast
import psycopg
import pytest

import client
import rotation
from client import fails
from harness import ident, quote, shared
from translated import connected, difference, run_fixed

SEED = os.environ.get("TRIGGER_SEED", "1")
RAISED = "23000"


class Pair:
    """A file that SQLite writes, and what an import made of it. Statements are run on both sides, each undone where it fails."""

    def __init__(self, t, script, plan=None, name="pair.db"):
        self.path = script if isinstance(script, pathlib.Path) else t.file(name, script)
        self.said = findings(t, self.path, plan)
        t.import_(self.path, plan or {})
        self.source = sqlite3.connect(self.path, isolation_level=None)
        self.source.execute("PRAGMA foreign_keys = on")
        self.target = connected(t)
        self.t = t

    def both(self, statement, parameters=None):
        """Runs a statement; whether it was refused, with the message."""
        said = []
        for side in (self.in_sqlite, self.in_postgres):
            said.append(side(statement))
        assert (said[0] is None) == (said[1] is None), f"{statement}\nSQLite: {said[0]}\nPostgreSQL: {said[1]}"
        return said

    def in_sqlite(self, statement):
        try:
            self.source.execute(statement)
            return None
        except sqlite3.Error as error:
            return str(error)

    def in_postgres(self, statement):
        try:
            self.target.execute(statement)
            return None
        except psycopg.Error as error:
            assert error.diag.sqlstate.startswith("23"), f"{statement}\n{error}"
            return error.diag.message_primary

    def same(self, *tables, columns="*"):
        for table in tables:
            cursor = self.source.execute(f"SELECT {columns} FROM {ident(table)}")
            expected = cursor.fetchall()
            rows = run_fixed(self.target, rotation.FIXED, f"SELECT {columns} FROM public.{ident(table)}", len(cursor.description))
            assert difference(expected, rows, ordered=False) == "", table
        return self

    def rows(self, table):
        return self.source.execute(f"SELECT * FROM {ident(table)} ORDER BY 1").fetchall()

    def close(self):
        self.source.close()
        self.target.close()


@pytest.fixture
def pair(t):
    pairs = []

    def make(*arguments, **options):
        pairs.append(Pair(t, *arguments, **options))
        return pairs[-1]
    yield make
    for made in pairs:
        made.close()


def findings(t, path, plan=None):
    return {f["object"]: f for f in t.findings(path, plan or {}) if f["object"].startswith("trigger ")}


def triggers(t):
    return [row["tgname"] for row in t.rows("SELECT tgname FROM pg_trigger WHERE NOT tgisinternal ORDER BY tgname")]


SHOP = """
    CREATE TABLE item (id INTEGER PRIMARY KEY, name TEXT NOT NULL, qty INTEGER NOT NULL DEFAULT 0, price REAL, changes INTEGER NOT NULL DEFAULT 0);
    CREATE TABLE stock (item INTEGER PRIMARY KEY, qty INTEGER NOT NULL);
    CREATE TABLE part (id INTEGER PRIMARY KEY, item INTEGER REFERENCES item (id) ON DELETE CASCADE, label TEXT);
    CREATE TABLE log (id INTEGER PRIMARY KEY, what TEXT, item INTEGER, before TEXT, after TEXT);
    INSERT INTO item (id, name, qty, price) VALUES (1, 'bolt', 5, 0.5), (2, 'nut', 7, NULL), (3, 'frozen', 1, 2);
    INSERT INTO stock SELECT id, qty FROM item;
    INSERT INTO part (item, label) VALUES (1, 'a'), (1, 'b'), (2, 'c');
    CREATE TRIGGER item_check BEFORE INSERT ON item WHEN NEW.qty < 0 BEGIN SELECT RAISE(ABORT, 'quantity below zero'); END;
    CREATE TRIGGER item_check_update BEFORE UPDATE OF qty, price ON item BEGIN
        SELECT CASE WHEN NEW.qty < 0 THEN RAISE(ABORT, 'quantity below zero') WHEN NEW.price > 100 THEN RAISE(FAIL, 'too dear') END;
    END;
    CREATE TRIGGER item_frozen BEFORE DELETE ON item BEGIN SELECT RAISE(IGNORE) WHERE OLD.name = 'frozen'; END;
    CREATE TRIGGER item_new AFTER INSERT ON item BEGIN
        INSERT INTO stock (item, qty) VALUES (NEW.id, NEW.qty);
        INSERT INTO log (what, item, after) VALUES ('insert', NEW.id, NEW.name);
    END;
    CREATE TRIGGER item_qty AFTER UPDATE OF qty ON item WHEN NEW.qty <> OLD.qty BEGIN
        UPDATE stock SET qty = NEW.qty WHERE item = NEW.id;
        INSERT INTO log (what, item, before, after) VALUES ('qty', NEW.id, OLD.qty, NEW.qty);
    END;
    CREATE TRIGGER item_touch AFTER UPDATE ON item BEGIN UPDATE item SET changes = changes + 1 WHERE id = NEW.id; END;
    CREATE TRIGGER item_gone AFTER DELETE ON item BEGIN
        DELETE FROM stock WHERE item = OLD.id;
        INSERT INTO log (what, item, before) VALUES ('delete', OLD.id, OLD.name);
    END;
    CREATE TRIGGER part_gone AFTER DELETE ON part BEGIN INSERT INTO log (what, item, before) SELECT 'part', OLD.item, OLD.label; END;
    CREATE VIEW stocked AS SELECT item.id AS id, item.name AS name, stock.qty AS qty FROM item JOIN stock ON stock.item = item.id;
    CREATE TRIGGER stocked_new INSTEAD OF INSERT ON stocked BEGIN INSERT INTO item (id, name, qty) VALUES (NEW.id, NEW.name, NEW.qty); END;
    CREATE TRIGGER stocked_set INSTEAD OF UPDATE ON stocked BEGIN UPDATE item SET name = NEW.name, qty = NEW.qty WHERE id = OLD.id; END;
    CREATE TRIGGER stocked_gone INSTEAD OF DELETE ON stocked BEGIN DELETE FROM item WHERE id = OLD.id; END;"""


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
    assert triggers(t) == ["a", "b"], made.said
    said = made.said
    for name in "cde":
        assert "compared with a literal of another storage class" in said[f"trigger {name}"]["message"], said
        assert said[f"trigger {name}"]["severity"] == "warning"
    for sql in ("INSERT INTO t VALUES (1, 'abc', 5, '5')", "INSERT INTO t VALUES (2, 'abd', 5, '5')"):
        made.both(sql)
    assert made.rows("log") == [("nocase",), ("rowid",)]
    made.same("log")


def test_a_role_without_rights_on_the_log_is_refused(t, pair):
    pair(SHOP)
    t.role("clerk", "INSERT, UPDATE, SELECT ON item")
    with fails("42501", "stock"):
        t.sql("INSERT INTO item (id, name, qty) VALUES (50, 'x', 1)", user="clerk")
    t.sql("GRANT INSERT ON stock, log TO clerk; GRANT USAGE ON ALL SEQUENCES IN SCHEMA public TO clerk")
    t.sql("INSERT INTO item (id, name, qty) VALUES (50, 'x', 1)", user="clerk")


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


def test_the_plan_says_which(t):
    path = t.file("p.db", SHOP)
    assert t.plan(path)["triggers"] is True
    plan = {"triggers": {"exclude": ["item_*"]}}
    assert t.plan(path, plan)["triggers"] == plan["triggers"]
    said = findings(t, path, plan)
    assert said["trigger item_new"]["severity"] == "info" and "left out by the plan" in said["trigger item_new"]["message"]
    t.import_(path, plan)
    assert triggers(t) == ["part_gone", "stocked_gone", "stocked_new", "stocked_set"]
    t.import_(path, {"triggers": False, "existing_rows": "replace"})
    assert triggers(t) == []
    t.import_fails(path, {"triggers": {"exclude": ["nothing_*"]}}, "22023", 'plan.triggers.exclude\\[0\\]: "nothing_\\*" matches no trigger')
    t.import_fails(path, {"triggers": "table"}, "22023", "plan.triggers: expected true, false, or an object")


def test_a_text_of_the_plan_s_own_takes_a_trigger_s_place(t):
    path = t.file("own.db", "CREATE TABLE t (id INTEGER PRIMARY KEY, s TEXT); CREATE TRIGGER g BEFORE INSERT ON t BEGIN SELECT title_sort(NEW.s); END;")
    said = findings(t, path)["trigger g"]
    assert said["kind"] == "trigger" and 'function title_sort()' in said["message"] and "line 1, column" in said["message"] and "plan.triggers.g.sql" in said["hint"]
    sql = """CREATE FUNCTION g() RETURNS trigger LANGUAGE plpgsql AS $$BEGIN NEW.s := upper(NEW.s); RETURN NEW; END$$;
             CREATE TRIGGER g BEFORE INSERT ON t FOR EACH ROW EXECUTE FUNCTION g()"""
    plan = {"triggers": {"g": {"sql": sql}}}
    assert findings(t, path, plan) == {} and t.plan(path, plan)["triggers"] == plan["triggers"]
    t.sql("SET search_path = public;" + t.call("sqlite_import", path, plan))
    t.sql("INSERT INTO t VALUES (1, 'low')")
    assert t.value("SELECT s FROM t") == "LOW"


def test_an_existing_table_keeps_its_own(t):
    path = t.file("there.db", "CREATE TABLE t (id INTEGER PRIMARY KEY, s TEXT); CREATE TRIGGER g AFTER INSERT ON t BEGIN DELETE FROM t WHERE id = 7; END;")
    t.import_(path)
    assert triggers(t) == ["g"]
    said = findings(t, path, {"create": "never", "existing_rows": "append"})["trigger g"]
    assert "keeps its own triggers" in said["message"] and said["severity"] == "warning"
    t.import_(path, {"existing_rows": "replace"})
    assert triggers(t) == ["g"] and t.value("SELECT count(*) FROM pg_proc WHERE proname LIKE 'g%' AND pronamespace = 'public'::regnamespace") == "1"
    assert "takes no part" in findings(t, path, {"exclude": ["t"]})["trigger g"]["message"]


def test_a_function_that_is_there_keeps_its_name(t):
    t.sql("CREATE FUNCTION g() RETURNS integer LANGUAGE sql AS 'SELECT 1'")
    path = t.file("taken.db", "CREATE TABLE t (id INTEGER PRIMARY KEY); CREATE TRIGGER g AFTER INSERT ON t BEGIN DELETE FROM t WHERE id = 7; END;")
    assert 'its function becomes "g_2"' in " ".join(f["message"] for f in t.findings(path))
    t.import_(path)
    t.sql("INSERT INTO t VALUES (7), (8)")
    assert t.value("SELECT id FROM t") == "8" and t.value("SELECT g()") == "1"


def test_names_follow_the_plan(t):
    path = t.file("n.db", """CREATE TABLE "userLog" ("rowNo" INTEGER PRIMARY KEY, "userName" TEXT); CREATE TABLE "Audit" (n TEXT);
        CREATE TRIGGER "onInsert" AFTER INSERT ON "userLog" BEGIN INSERT INTO "Audit" VALUES (NEW."userName"); END;
        CREATE TRIGGER "on_insert" AFTER UPDATE OF "userName" ON "userLog" BEGIN INSERT INTO "Audit" VALUES (OLD."userName"); END;""")
    t.import_(path, {"names": "snake_case", "schema": "app"})
    assert triggers(t) == ["on_insert", "on_insert_2"]
    t.sql("INSERT INTO app.user_log VALUES (1, 'a'); UPDATE app.user_log SET user_name = 'b'")
    assert t.value("SELECT string_agg(n, ',') FROM app.audit") == "a,a"


def test_verify_constraints_judges_them(t):
    path = t.file("v.db", SHOP + "CREATE TRIGGER odd AFTER INSERT ON part BEGIN SELECT title_sort(NEW.label); END;")
    t.import_(path)
    judged = lambda: {row["name"]: (row["state"], row["reason"] or "") for row in t.rows("SELECT * FROM verify_constraints() WHERE kind = 'trigger'")}  # noqa: E731
    rows = judged()
    state, reason = rows.pop("odd")
    assert state == "left out" and 'function title_sort()' in reason
    assert {state for state, _ in rows.values()} == {"holds"} and len(rows) == 11, rows
    t.sql("ALTER TABLE item DISABLE TRIGGER item_new; DROP TRIGGER item_qty ON item; DROP TRIGGER item_gone ON item; DROP TRIGGER stocked_new ON stocked")
    t.sql("CREATE TRIGGER item_gone BEFORE DELETE ON item FOR EACH ROW EXECUTE FUNCTION item_gone()")
    rows = judged()
    assert rows["item_new"][0] == "disabled" and rows["item_qty"][0] == "missing" and rows["stocked_new"][0] == "missing"
    assert rows["item_gone"] == ("differs", "it fires BEFORE DELETE, not AFTER DELETE")


def test_well_known_triggers_are_not_needed(t):
    path = t.file("known.db", """
        CREATE TABLE doc (id INTEGER PRIMARY KEY, body TEXT);
        CREATE VIRTUAL TABLE doc_fts USING fts5(body, content='doc', content_rowid='id');
        CREATE TRIGGER doc_ai AFTER INSERT ON doc BEGIN INSERT INTO doc_fts(rowid, body) VALUES (new.id, new.body); END;
        CREATE TRIGGER doc_au AFTER UPDATE ON doc BEGIN
            INSERT INTO doc_fts(doc_fts, rowid, body) VALUES ('delete', old.id, old.body); INSERT INTO doc_fts(rowid, body) VALUES (new.id, new.body); END;
        CREATE TRIGGER never BEFORE UPDATE OF gone ON doc BEGIN SELECT RAISE(ABORT, 'x'); END;
        CREATE TRIGGER idle AFTER INSERT ON doc BEGIN SELECT 1; END;""")
    said = findings(t, path)
    assert {f["kind"] for f in said.values()} == {"trigger_unneeded"} and {f["severity"] for f in said.values()} == {"info"} and len(said) == 4, said
    assert 'maintains the full-text index "doc_fts"' in said["trigger doc_ai"]["message"]
    t.import_(path)
    assert triggers(t) == []


# Of the triggers of each file: how many are made, how many are not needed, and how many are left out.
REAL = {"llm_logs.db": (0, 6, 0), "calibre_metadata.db": (62, 8, 4), "calibre_web_metadata.db": (32, 3, 4), "gpkg_example.db": (0, 54, 0)}


@pytest.mark.parametrize("name", sorted(REAL))
def test_triggers_of_real_files(t, name):
    path = t.copy_of(shared("data", name))
    said = findings(t, path, {"orphans": "keep", "on_invalid": "text"})
    t.import_(path, {"orphans": "keep", "on_invalid": "text"})
    count = lambda kind: sum(f["kind"] == kind for f in said.values())  # noqa: E731
    left = {name: f["message"] for name, f in said.items() if f["kind"] == "trigger"}
    assert (len(triggers(t)), count("trigger_unneeded"), len(left)) == REAL[name], left
    # Those that are left out call functions of the application.
    assert all(re.search('function (title_sort|uuid4)\\(\\) is the application', message) for message in left.values()), left


def test_what_is_left_out_comes_with_statements_to_finish(t):
    """Whoever finishes them, as the hint says, has the trigger."""
    path = t.file("hint.db", """CREATE TABLE t (id INTEGER PRIMARY KEY, "userName" TEXT, n INTEGER); CREATE TABLE log (what TEXT);
        CREATE TRIGGER g AFTER UPDATE OF "userName" ON t WHEN NEW.n > 1 BEGIN
            INSERT INTO log VALUES ('changed'); /* the application's */ UPDATE t SET "userName" = title_sort(NEW."userName") WHERE id = NEW.id; END;""")
    said = findings(t, path, {"names": "snake_case"})["trigger g"]
    assert "«title_sort(NEW.\"userName\")»" in said["message"] and said["severity"] == "warning"
    with pytest.raises(json.JSONDecodeError):
        json.loads(said["hint"])
    plan = {"names": "snake_case", **json.loads(said["hint"].split("As a plan: ")[1])}
    text = plan["triggers"]["g"]["sql"]
    assert 'INSERT INTO "public"."log"' in text and "«UPDATE t SET" in text and 'WHEN ("new"."n" > 1)' in text and "/* CREATE TRIGGER g" in text
    # It is no statement before it is finished.
    t.import_fails(path, plan, "42601", "«")
    begin, rest = text.split("«", 1)
    plan["triggers"]["g"]["sql"] = begin + 'UPDATE "public"."t" SET "user_name" = upper(NEW."user_name") WHERE "t"."id" = NEW."id"' + rest.split("»", 1)[1]
    t.import_(path, plan)
    t.sql("INSERT INTO t VALUES (1, 'a', 1), (2, 'b', 2); UPDATE t SET user_name = 'new'")
    assert t.value("SELECT string_agg(user_name, ',' ORDER BY id) FROM t") == "new,NEW" and t.value("SELECT count(*) FROM log") in ("1", "2")


def test_a_strict_plan_takes_none_that_assumes(t):
    path = t.file("strict.db", SHOP)
    said = findings(t, path, {"strict": True})
    assert re.search("the plan is strict, and its translation assumes: .*it fires after all rows of a statement have changed", said["trigger item_touch"]["message"])
    assert said["trigger item_touch"]["fix"] == {"strict": False}
    t.import_(path, {"strict": True})
    assert "item_touch" not in triggers(t) and "part_gone" in triggers(t)


def test_notes_say_what_differs(t):
    path = t.file("notes.db", """
        CREATE TABLE p (id INTEGER PRIMARY KEY, n INTEGER); CREATE TABLE c (id INTEGER PRIMARY KEY, p INTEGER REFERENCES p (id));
        CREATE TRIGGER parent AFTER INSERT ON c BEGIN INSERT OR IGNORE INTO p VALUES (NEW.p, 0); END;
        CREATE TRIGGER emulated BEFORE UPDATE ON c BEGIN SELECT RAISE(ABORT, 'no') WHERE NOT EXISTS (SELECT 1 FROM p WHERE p.id = NEW.p); END;
        CREATE TRIGGER number BEFORE INSERT ON p WHEN NEW.id > 100 BEGIN SELECT RAISE(FAIL, 'no'); END;
        CREATE TRIGGER first AFTER DELETE ON p BEGIN SELECT RAISE(IGNORE); DELETE FROM c; END;
        CREATE TRIGGER second AFTER DELETE ON p BEGIN DELETE FROM c WHERE p = OLD.id; END;""")
    said = {name: f["message"] for name, f in findings(t, path).items()}
    for name, *notes in (("parent", "foreign keys that are not deferrable are checked before"), ("emulated", "written or deleted by another transaction"),
                         ("number", "NEW has the row's number", "RAISE\\(FAIL\\) undoes"), ("first", "RAISE\\(IGNORE\\) ends this trigger only", "in the order of their names"),
                         ("second", "in the order of their names")):
        assert all(re.search(note, said[f"trigger {name}"]) for note in notes), (name, said)


@pytest.mark.parametrize("encoding", ["SQL_ASCII", "LATIN1", "EUC_JP"])
def test_triggers_in_databases_of_other_encodings(t, encoding):
    path = t.file("e.db", """CREATE TABLE t (id INTEGER PRIMARY KEY, s TEXT); CREATE TABLE log (what TEXT);
        CREATE TRIGGER plain AFTER INSERT ON t WHEN NEW.s <> 'a\\b' BEGIN INSERT INTO log VALUES ('it''s \\ ' || NEW.s); END;
        CREATE TRIGGER "größer" AFTER DELETE ON t BEGIN INSERT INTO log VALUES ('grün'); END;
        CREATE TRIGGER kanji AFTER UPDATE ON t BEGIN INSERT INTO log VALUES ('東'); END;""")
    database = t.other_database(encoding.lower(), f"TEMPLATE template0 ENCODING '{encoding}' LC_COLLATE 'C' LC_CTYPE 'C'")
    session = t.session(database=database)
    session.execute(t.call("sqlite_import", path, {}))
    made = [row[0] for row in session.execute("SELECT tgname FROM pg_trigger WHERE NOT tgisinternal").rows]
    # A trigger whose text the encoding does not have is left out.
    assert "plain" in made and len(made) == {"SQL_ASCII": 3, "LATIN1": 2, "EUC_JP": 3}[encoding], made
    session.execute("SET standard_conforming_strings = off; INSERT INTO t VALUES (1, 'x'), (2, E'a\\\\b')")
    assert session.execute("SELECT what FROM log").rows == (("it's \\ x",),)


def test_a_dump_restores_without_the_extension(t):
    """Function and trigger are PostgreSQL's own: their definitions, as a dump has them, work in a database that has nothing else."""
    path = t.file("dump.db", SHOP)
    statements = [row["sql"] for row in t.rows(t.call("sqlite_ddl", path)) if row["phase"] in ("tables", "keys", "views", "triggers")]
    t.import_(path)
    functions = [row["d"] for row in t.rows("SELECT pg_get_functiondef(p.oid) AS d FROM pg_proc p WHERE prorettype = 'trigger'::regtype AND pronamespace = 'public'::regnamespace")]
    made = [row["d"] for row in t.rows("SELECT pg_get_triggerdef(oid) AS d FROM pg_trigger WHERE NOT tgisinternal")]
    empty = t.session(database=t.empty_database("restored"))
    for sql in statements:
        empty.execute(sql)
    empty.execute("DROP TRIGGER item_new ON item; DROP FUNCTION item_new()")
    for sql in [d for d in functions if "item_new" in d] + [d for d in made if "item_new" in d]:
        empty.execute(sql)
    empty.execute("INSERT INTO item (id, name, qty) VALUES (1, 'x', 2); UPDATE item SET qty = 3; DELETE FROM item")
    assert empty.execute("SELECT what FROM log ORDER BY id").rows == (("insert",), ("qty",), ("delete",))


def test_a_run_that_goes_on_leaves_out_what_fails(t):
    t.sql("CREATE FUNCTION deny() RETURNS event_trigger LANGUAGE plpgsql AS $$BEGIN IF EXISTS (SELECT FROM pg_event_trigger_ddl_commands() WHERE object_identity LIKE '%item_new%') THEN RAISE EXCEPTION 'not this one'; END IF; END$$;"
          "CREATE EVENT TRIGGER deny ON ddl_command_end EXECUTE FUNCTION deny()")
    path = t.file("go.db", SHOP)
    t.import_(path)
    assert "item_new" not in triggers(t) and len(triggers(t)) == 10
    assert t.value("SELECT count(*) FROM pg_proc WHERE proname = 'item_new'") == "0"
    found = t.rows("SELECT message, hint FROM sqlite_migrate.finding WHERE kind = 'step_failed'")
    assert len(found) == 1 and "not this one" in found[0]["message"] and '"exclude":["item_new"]' in found[0]["hint"].replace(" ", ""), found
    row = t.rows("SELECT state, ok FROM verify_constraints() WHERE name = 'item_new'")
    assert row == [{"state": "missing", "ok": False}], row


def calibre_statement(generator, number):
    book, other = generator.randint(1, 8), generator.randint(1, 8)
    link = generator.choice(["authors", "tags", "publishers", "ratings", "series"])
    column = link.rstrip("s") if link != "series" else "series"
    return generator.choice([
        f"INSERT INTO books (id, title, path) VALUES ({100 + number}, 'Book {number}', '')",
        f"INSERT INTO books_{link}_link (id, book, {column}) VALUES ({1000 + number}, {book}, {other})",
        f"UPDATE books_{link}_link SET book = {book} WHERE id = {1000 + generator.randint(0, number + 1)}",
        f"UPDATE books_{link}_link SET {column} = {other} WHERE book = {book}",
        f"DELETE FROM {link} WHERE id = {other}",
        f"DELETE FROM books WHERE id = {book}",
        f"DELETE FROM books WHERE id > {100 + number - 3}",
        f"INSERT INTO comments (id, book, text) VALUES ({1000 + number}, {book}, 'text')",
        f"UPDATE comments SET book = {other}",
        f"INSERT INTO custom_column_1 (id, book, value) VALUES ({1000 + number}, {book}, 'v')",
        f"INSERT INTO tags (id, name) VALUES ({generator.randint(1, 30)}, 'tag {number}')",
        f"INSERT INTO identifiers (id, book, type, val) VALUES ({1000 + number}, {book}, 'isbn', '{number}')",
    ])


def test_calibre_s_triggers_do_what_they_do_in_sqlite(t, pair):
    """Without the four that call functions of calibre, and the full-text index that PostgreSQL does not have."""
    path = t.copy_of(shared("data", "calibre_metadata.db"))
    source = sqlite3.connect(path)
    for name in ("books_insert_trg", "books_update_trg", "series_insert_trg", "series_update_trg", "annotations_fts_insert_trg",
                 "annotations_fts_update_trg", "annotations_fts_delete_trg"):
        source.execute(f"DROP TRIGGER {name}")
    source.commit()
    source.close()
    made = pair(path)
    generator = random.Random(SEED)
    refused = sum(made.both(calibre_statement(generator, number))[0] is not None for number in range(200))
    assert 40 < refused < 190
    made.same("authors", "tags", "publishers", "ratings", "series", "comments", "custom_column_1", "identifiers", "books_authors_link", "books_tags_link",
              "books_publishers_link", "books_ratings_link", "books_series_link", "data")
    made.same("books", columns="id, title, path").same("books_pages_link", columns="book, pages")


def test_pg_dump_takes_them_along(t):
    t.import_(t.file("dump.db", SHOP))
    dump = t.server.dump(t.database, "postgres", "-n", "public")
    assert dump.returncode == 0, dump.stderr
    restored = t.empty_database("restored")
    t.session(database=restored).execute("DROP SCHEMA public")
    t.server.restore(restored, dump.stdout)
    session = t.session(database=restored)
    session.execute("INSERT INTO public.item (id, name, qty) VALUES (70, 'x', 2); UPDATE public.stocked SET qty = 3 WHERE id = 70")
    assert session.execute("SELECT what FROM public.log ORDER BY id").rows == (("insert",), ("qty",))
    assert session.execute("SELECT qty FROM public.stock WHERE item = 70").rows == (("3",),)


def queries(node):
    """The expressions and statements of a function's tree."""
    if isinstance(node, list):
        return [query for item in node for query in queries(item)]
    if isinstance(node, dict):
        own = [node["PLpgSQL_expr"]["query"]] if "PLpgSQL_expr" in node else []
        return own + [query for item in node.values() for query in queries(item)]
    return []


@pytest.mark.parametrize("name", ["calibre_metadata.db", "calibre_web_metadata.db"])
def test_postgresql_s_own_parser_takes_every_statement(t, name):
    path = t.copy_of(shared("data", name))
    made = [row["sql"] for row in t.rows(t.call("sqlite_ddl", path)) if row["phase"] == "triggers"]
    assert len(made) == REAL[name][0]
    for sql in made:
        function, trigger = client.statements(sql)
        pglast.parse_sql(trigger)
        found = queries(pglast.parse_plpgsql(function))
        assert found, function
        for query in found:
            pglast.parse_sql(query if query.split()[0] in ("INSERT", "UPDATE", "DELETE", "WITH") else f"SELECT {query}")


@pytest.mark.parametrize("name", ["calibre_metadata.db", "calibre_web_metadata.db", "shop"])
def test_plpgsql_check_finds_nothing(t, name):
    t.needs("plpgsql_check")
    t.import_(t.file("shop.db", SHOP) if name == "shop" else t.copy_of(shared("data", name)))
    t.sql("CREATE EXTENSION plpgsql_check")
    said = t.rows("SELECT tgname, c FROM pg_trigger g JOIN pg_proc p ON p.oid = tgfoid, plpgsql_check_function(tgfoid, tgrelid) c WHERE NOT tgisinternal")
    assert said == []


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


def test_triggers_that_write_to_virtual_tables_with_rows_of_their_own(t):
    """These become tables: the triggers go on writing to them."""
    path = t.file("own.db", """
        CREATE TABLE place (id INTEGER PRIMARY KEY, x REAL NOT NULL, y REAL NOT NULL, note TEXT NOT NULL);
        CREATE VIRTUAL TABLE near USING rtree(id, minx, maxx, miny, maxy);
        CREATE VIRTUAL TABLE notes USING fts5(note);
        CREATE TRIGGER near_new AFTER INSERT ON place BEGIN INSERT INTO near VALUES (NEW.id, NEW.x, NEW.x, NEW.y, NEW.y); END;
        CREATE TRIGGER near_gone AFTER DELETE ON place BEGIN DELETE FROM near WHERE id = OLD.id; END;
        CREATE TRIGGER notes_new AFTER INSERT ON place BEGIN INSERT INTO notes (rowid, note) VALUES (NEW.id, NEW.note); END;
        CREATE TRIGGER notes_gone AFTER DELETE ON place BEGIN DELETE FROM notes WHERE rowid = OLD.id; END;
        INSERT INTO place VALUES (1, 2, 3, 'here'), (2, 4, 5, 'there');""")
    said = findings(t, path)
    t.import_(path)
    assert triggers(t) == ["near_gone", "near_new", "notes_gone", "notes_new"], said
    t.sql("INSERT INTO place VALUES (3, 6, 7, 'anywhere'); DELETE FROM place WHERE id = 1")
    assert t.value("SELECT string_agg(id || ':' || minx, ',' ORDER BY id) FROM near") == "2:4,3:6"
    assert t.value("SELECT string_agg(rowid || ':' || note, ',' ORDER BY rowid) FROM notes") == "2:there,3:anywhere"
