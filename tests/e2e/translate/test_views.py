"""Views of the file become views of the target, with the same names, columns and rows; what cannot be translated is told of."""

import sqlite3

import pytest

import real_files
import rotation
from harness import ident, quote, shared
from translated import connected, difference, run_fixed

FILE = """
    CREATE TABLE "userAccounts" (id INTEGER PRIMARY KEY, "firstName" TEXT, boss INTEGER, pay REAL, since DATETIME);
    INSERT INTO "userAccounts" VALUES (1, 'Ann', NULL, 10.5, '2020-01-31 00:00:00'), (2, 'bob', 1, NULL, '2021-01-01 00:00:00'), (3, 'Cy', 1, 3, NULL);
    CREATE VIEW top AS SELECT * FROM "bossNames" WHERE n > 1;
    CREATE VIEW "bossNames"("Boss", n) AS SELECT b."firstName", count(*) FROM "userAccounts" a JOIN "userAccounts" b ON b.id = a.boss GROUP BY b.id;
    CREATE VIEW sums AS SELECT max(pay), count( * ), pay+1 AS "more Pay", pay+1, 'é' FROM "userAccounts";
    CREATE VIEW odd AS SELECT title_sort("firstName") FROM "userAccounts";
    CREATE VIEW "after odd" AS SELECT * FROM odd;
    CREATE VIEW cycle AS SELECT * FROM cycle2; CREATE VIEW cycle2 AS SELECT * FROM cycle;"""


@pytest.fixture
def path(t):
    return t.file("views.db", FILE)


def views(t, schema="public"):
    return t.value(f"SELECT coalesce(string_agg(relname, ',' ORDER BY relname), '') FROM pg_class WHERE relkind = 'v' AND relnamespace = {quote(schema)}::regnamespace").split(",")


def columns(t, view):
    return [row["attname"] for row in t.rows(f"SELECT attname FROM pg_attribute WHERE attrelid = {quote(view)}::regclass AND attnum > 0 ORDER BY attnum")]


def findings(t, path, plan):
    return {f["object"]: f for f in t.findings(path, plan) if f["object"].startswith("view ")}


def test_views_are_made(t, path):
    t.import_(path)
    assert views(t) == ["bossNames", "sums", "top"]
    assert columns(t, '"bossNames"') == ["Boss", "n"] == columns(t, "top")
    assert columns(t, "sums") == ["max(pay)", "count( * )", "more Pay", "pay+1", "'é'"]
    assert t.rows("SELECT * FROM top") == [{"Boss": "Ann", "n": 2}]
    assert t.shown("SELECT \"max(pay)\", \"count( * )\", \"more Pay\" FROM sums") == "10.5|3|11.5"
    steps = t.rows("SELECT phase, statement AS sql FROM sqlite_migrate.run_step WHERE phase = 'views' ORDER BY ordinal")
    assert [step["sql"].split("(")[0] for step in steps] == ['CREATE VIEW "public"."bossNames" ', 'CREATE VIEW "public"."sums" ', 'CREATE VIEW "public"."top" ']


def test_the_plan_leaves_them_out(t, path):
    said = findings(t, path, {"views": False})
    assert {f["fix"]["views"] for f in said.values()} == {True} and len(said) == 7, said
    assert {f["severity"] for f in said.values()} == {"info"}, said
    t.import_(path, {"views": False})
    assert views(t) == [""]


def test_what_hinders_is_told_with_its_place(t, path):
    said = findings(t, path, {})
    assert said["view odd"]["message"] == '''view "odd" is not carried over: function title_sort() is the application's (line 1, column 27: ''' \
        '''CREATE VIEW odd AS SELECT «title_sort("firstName")» FROM "userAccounts")'''
    assert said["view odd"]["severity"] == "warning" and said["view odd"]["kind"] == "view"
    assert "table odd is a view, which is not carried over" in said["view after odd"]["message"] or "no table odd" in said["view after odd"]["message"]
    assert "no table cycle" in said["view cycle"]["message"]
    assert said["view sums"]["kind"] == "view_assumes" and "out of its type's range" in said["view sums"]["message"]


def test_names_and_globs_are_those_of_the_plan(t, path):
    plan = {"views": {"exclude": ["SUM*", "odd"]}, "schema": "app", "names": "snake_case"}
    assert t.plan(path, plan)["views"] == plan["views"]
    t.import_(path, plan)
    assert views(t, "app") == ["boss_names", "top"]
    assert columns(t, "app.boss_names") == ["boss", "n"]
    ddl = [row["sql"] for row in t.rows(t.call("sqlite_ddl", path, plan)) if row["phase"] == "views"]
    assert ddl == [], "both are there now"


def test_an_existing_relation_is_left_alone_unless_it_is_replaced(t, path):
    t.sql("CREATE TABLE sums (a int)")
    t.import_(path)
    assert views(t) == ["bossNames", "top"]
    again = findings(t, path, {"existing_rows": "append"})
    assert '"public"."sums" exists, and is left alone' in again["view sums"]["message"] and again["view sums"]["severity"] == "warning"
    assert '"public"."top" exists, and is left alone' in again["view top"]["message"] and again["view top"]["severity"] == "info"
    plan = {"existing_rows": "replace"}
    t.import_(path, plan)
    assert t.rows("SELECT * FROM top") == [{"Boss": "Ann", "n": 2}] and columns(t, "sums") == ["a"]
    assert "never" in findings(t, path, {"create": "never", "existing_rows": "append"})["view top"]["message"]


def test_a_type_has_the_name_too(t, path):
    t.sql("CREATE TYPE sums AS ENUM ('a')")
    assert 'type "public"."sums" exists' in findings(t, path, {})["view sums"]["message"]
    t.import_(path)
    assert views(t) == ["bossNames", "top"]


def test_a_view_that_the_server_does_not_make_does_not_stop_the_import(t, path):
    """What nobody could know when the plan was made: an event trigger has its own opinion."""
    t.sql("""CREATE FUNCTION no_sums() RETURNS event_trigger LANGUAGE plpgsql AS $$BEGIN
             IF EXISTS (SELECT FROM pg_event_trigger_ddl_commands() WHERE object_identity = 'public.sums') THEN RAISE 'no sums here'; END IF; END$$;
             CREATE EVENT TRIGGER no_sums ON ddl_command_end WHEN TAG IN ('CREATE VIEW') EXECUTE FUNCTION no_sums()""")
    result = t.sql(t.call("sqlite_import", path))
    assert any("create view sums failed: no sums here" in notice for notice in map(str, result.notices)), result.notices
    assert views(t) == ["bossNames", "top"]
    said = t.rows("SELECT severity, message, hint FROM sqlite_migrate.finding WHERE kind = 'step_failed'")
    assert [row["severity"] for row in said] == ["warning"] and "no sums here" in said[0]["message"], said
    assert '{"views":{"exclude":["sums"]}}' in said[0]["hint"].replace(" ", ""), said
    assert t.value("SELECT error IS NOT NULL FROM sqlite_migrate.run_step WHERE title = 'create view sums'") == "t"


# Of the views of each file: how many are made, and how many are left out. What is left out calls the application's functions.
REAL = {"northwind.db": (17, 0), "calibre_metadata.db": (9, 12), "gpkg_example.db": (4, 0)}


@pytest.mark.parametrize("name", sorted(REAL))
def test_real_views_have_the_rows_that_sqlite_gives(t, name):
    path = t.copy_of(shared("data", name))
    t.import_(path, {**real_files.plan_of(name), "orphans": "keep", "on_invalid": "text"})
    source, target = sqlite3.connect(path), connected(t)
    made, left = 0, []
    for view, in source.execute("SELECT name FROM sqlite_master WHERE type = 'view' ORDER BY name").fetchall():
        if t.value(f"SELECT to_regclass({quote(f'public.{ident(view)}')}) IS NULL") == "t":
            left.append(view)
            continue
        made += 1
        cursor = source.execute(f"SELECT * FROM {ident(view)}")
        expected = cursor.fetchall()
        assert columns(t, f"public.{ident(view)}") == [c[0] for c in cursor.description], view
        rows = run_fixed(target, rotation.FIXED, f"SELECT * FROM public.{ident(view)}", len(cursor.description))
        assert difference(expected, rows, ordered=False) == "", view
    target.close()
    assert (made, len(left)) == REAL[name], f"{made} made, left out: {left}"


# Of every real file with views: how many it has, how many call functions of the application, and how many are left out otherwise.
COUNTED = {"anki_anki12.db": (7, 0, 0), "calibre_metadata.db": (21, 12, 0), "calibre_web_metadata.db": (11, 7, 0), "gpkg_example.db": (4, 0, 0),
           "llm_logs.db": (1, 0, 1), "mbtiles_plain_1.db": (1, 0, 0), "northwind.db": (17, 0, 0)}


def test_the_numbers_of_the_documentation(t):
    """Of 62 views 42 are made, 19 call functions of their application, and one reads a rowid that no column holds."""
    counted = {}
    for name in COUNTED:
        path = t.copy_of(shared("data", name))
        with sqlite3.connect(path) as source:
            [[count]] = source.execute("SELECT count(*) FROM sqlite_master WHERE type = 'view'").fetchall()
        left = [f["message"] for f in findings(t, path, {"orphans": "keep", "on_invalid": "text"}).values() if f["kind"] == "view"]
        own = [message for message in left if "is the application's" in message]
        assert all("is no column of PostgreSQL's table" in message for message in set(left) - set(own)), left
        counted[name] = (count, len(own), len(left) - len(own))
    assert counted == COUNTED
    assert [sum(column) for column in zip(*counted.values())] == [62, 19, 1]


def test_a_name_that_the_import_makes_otherwise_is_taken(t):
    path = t.file("names.db", """
        CREATE TABLE p (id INTEGER PRIMARY KEY AUTOINCREMENT, n TEXT, m INT UNIQUE); INSERT INTO p VALUES (1, 'a', 1);
        CREATE VIEW p_pkey AS SELECT 1; CREATE VIEW p_m_key AS SELECT 1; CREATE VIEW p_id_seq AS SELECT 1;
        CREATE VIEW "userNames" AS SELECT n FROM p; CREATE VIEW user_names AS SELECT n || 'x' AS n FROM p;""")
    plan = {"names": "snake_case"}
    said = findings(t, path, plan)
    for name in ("p_pkey", "p_m_key", "p_id_seq"):
        assert "a key, an index or a sequence of the plan has its name" in said[f"view {name}"]["message"], said
    assert "another view has its name" in said["view user_names"]["message"], said
    t.import_(path, plan)
    assert views(t) == ["user_names"] and t.value("SELECT n FROM user_names") == "a"


def test_many_views_that_each_read_the_next_one(t):
    many = 400
    chain = "".join(f"CREATE VIEW v{n:03} AS SELECT id, a FROM {'t' if n == many - 1 else f'v{n + 1:03}'} WHERE id > 1;" for n in range(many))
    path = t.file("chain.db", f"CREATE TABLE t (id INTEGER PRIMARY KEY, a TEXT); INSERT INTO t VALUES (1, 'x'), (2, 'y'); {chain} CREATE VIEW own AS SELECT * FROM own;")
    assert list(findings(t, path, {})) == ["view own"]
    t.import_(path)
    assert len(views(t)) == many and t.rows("SELECT * FROM v000") == [{"id": 2, "a": "y"}]
