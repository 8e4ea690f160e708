"""What the plan says about triggers, what is said of them, and what they are in the target: names, rights, encodings, dumps."""

import json
import re

import pytest

import trigger_pair
from client import fails
from trigger_pair import SHOP, findings, triggers


@pytest.fixture
def pair(t):
    with trigger_pair.pairs(t) as make:
        yield make


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



def test_a_function_of_others_is_not_replaced(t):
    """Whoever owns it could change later what the trigger runs; one without triggers is for something else."""
    t.role("bob")
    path = t.file("others.db", "CREATE TABLE t (id INTEGER PRIMARY KEY); CREATE TRIGGER g AFTER INSERT ON t BEGIN DELETE FROM t WHERE id = 7; END;")
    t.import_(path)
    t.sql("ALTER FUNCTION g() OWNER TO bob")
    t.import_(path, {"existing_rows": "replace"})
    called = "SELECT tgfoid::regproc || ' of ' || proowner::regrole FROM pg_trigger JOIN pg_proc p ON p.oid = tgfoid WHERE tgname = 'g'"
    assert t.value(called) == "g_2 of postgres"
    t.sql("DROP TABLE t; DROP FUNCTION g(), g_2(); CREATE FUNCTION g() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN OLD; END'")
    t.import_(path, {"existing_rows": "replace"})
    assert t.value(called) == "g_2 of postgres" and t.value("SELECT prosrc FROM pg_proc WHERE oid = 'g()'::regprocedure") == "BEGIN RETURN OLD; END"


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


def test_a_role_without_rights_on_the_log_is_refused(t, pair):
    pair(SHOP)
    t.role("clerk", "INSERT, UPDATE, SELECT ON item")
    with fails("42501", "stock"):
        t.sql("INSERT INTO item (id, name, qty) VALUES (50, 'x', 1)", user="clerk")
    t.sql("GRANT INSERT ON stock, log TO clerk; GRANT USAGE ON ALL SEQUENCES IN SCHEMA public TO clerk")
    t.sql("INSERT INTO item (id, name, qty) VALUES (50, 'x', 1)", user="clerk")


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
