"""What a plan says is so: `before` comes first, indexes belong to tables, and messages are short, single and true."""

import json
import re

import pytest

import sqlstates as s
from client import fails
from harness import ident, until

ITEMS = "CREATE TABLE items (id INTEGER PRIMARY KEY, name TEXT, mood TEXT); INSERT INTO items VALUES (1, 'a', 'ok'), (2, 'b', 'sad');"
PREVIEWS = ("sqlite_plan", "sqlite_findings", "sqlite_ddl", "sqlite_compare", "sqlite_inspect")
def typed(table, column):
    """A plan under which the column's values do not fit."""
    return {"tables": {table: {"columns": {column: {"type": "integer"}}}}}


NOT_RUN = "its statements were not run: what they create or change is not visible here"


# before


def test_the_plan_sees_the_tables_that_before_makes(t):
    path = t.file("a.db", ITEMS)
    made = "CREATE TABLE items (id integer PRIMARY KEY, name varchar(9), mood text, note text DEFAULT 'made before')"
    t.import_(path, {"before": made})
    assert t.rows("SELECT * FROM items ORDER BY id")[0] == {"id": 1, "name": "a", "mood": "ok", "note": "made before"}
    # What stood in the way is gone before the plan is made.
    for away in ("TRUNCATE items", "DROP TABLE items", ["DELETE FROM items WHERE id > 1", "DELETE FROM items"]):
        t.import_fails(path, {}, s.EXISTS, "exists and holds 2 rows")
        t.import_(path, {"before": away})
        assert t.value("SELECT count(*) FROM items") == "2", away
    # A column of the wrong kind is found before anything is loaded, and nothing is left.
    was = t.traces()
    wrong = ["DROP TABLE items", "CREATE TABLE items (id bigint, name integer, mood text)"]
    t.import_fails(path, {"before": wrong}, s.INVALID_VALUE, 'column "name" of table "items"')
    assert t.traces() == was


def test_the_plan_sees_the_types_and_schemas_that_before_makes(t):
    path = t.file("a.db", ITEMS)
    t.role("maker", "pg_read_server_files", f"CREATE ON DATABASE {ident(t.database)}")
    for n, (before, type_) in enumerate((
            (["CREATE SCHEMA app0", "CREATE TYPE app0.mood AS ENUM ('sad', 'ok')"], "app0.mood"),
            (["CREATE SCHEMA app1", "SET LOCAL search_path = app1", "CREATE TYPE feeling AS ENUM ('sad', 'ok')"], "feeling"),
            (["CREATE SCHEMA app2", "CREATE DOMAIN app2.short AS text CHECK (length(VALUE) < 9)"], "app2.short"))):
        plan = {"schema": f"app{n}", "before": before, "tables": {"items": {"columns": {"mood": {"type": type_}}}}}
        # The explicit plan of before is its own fixed point, and imports.
        explicit = t.plan(path, plan)
        assert t.plan(path, explicit) == explicit
        t.sql(f"SET ROLE maker; {t.call('sqlite_import', path, explicit if n else plan)}")
        assert t.type_of("items", "mood", f"app{n}").endswith(type_.split(".")[-1])
        assert t.value(f"SELECT nspowner::regrole FROM pg_namespace WHERE nspname = 'app{n}'") == "maker"
    # A type that nobody makes is still refused.
    t.import_fails(path, {"before": "SELECT 1", "types": {"TEXT": "moood"}}, "42704", "moood")
    with fails("42704", "^plan.types.TEXT: type \"moood\" does not exist"):
        t.sql(t.call("sqlite_plan", path, {"types": {"TEXT": "moood"}}))


def test_before_is_not_run_by_what_only_looks(t):
    path = t.file("a.db", ITEMS)
    was = t.traces()
    for before in ("CREATE TABLE items (a int)", ["CREATE SCHEMA x", "SELECT 1/0"], "DROP EXTENSION pg_sqlite_migrate"):
        plan = {"before": before}
        for function in PREVIEWS:
            said = t.sql(t.call(function, path, plan))
            assert (said.out + said.told).count(NOT_RUN) == 1, (function, said.told)
        found = [f for f in t.findings(path, plan) if f["object"] == "before"]
        assert [f["severity"] for f in found] == ["info"]
        listed = t.rows(t.call("sqlite_ddl", path, plan))
        assert [r["sql"] for r in listed if r["phase"] == "before"] == ([before] if isinstance(before, str) else before)
    assert t.traces() == was
    said = t.sql(t.call("sqlite_findings", path, {"after": "SELECT 1", "before": []}))
    assert NOT_RUN not in said.out
    t.import_(path, {"before": "SELECT 1"})
    assert t.value("SELECT count(*) FROM sqlite_migrate.finding WHERE object = 'before'") == "0"


def test_an_import_that_fails_in_or_after_before_leaves_nothing(t):
    path = t.file("a.db", ITEMS)
    was = t.traces()
    for on_error in ("stop", "continue"):
        t.import_fails(path, {"on_error": on_error, "before": ["CREATE TABLE x ()", "SELECT 1/0"]}, "22012", "division by zero")
        t.import_fails(path, {"on_error": on_error, "before": "COMMIT"}, "0A000", "transaction control is not possible during an import")
        t.import_fails(path, {"before": "CREATE TABLE x ()", **typed("items", "name")}, s.INVALID_VALUE, 'column "name" of table "items"')
        t.import_fails(path, {"on_error": on_error, "before": ["CREATE TABLE x ()"], "after": "SELECT 1/0", "nope": 1}, s.PLAN, "^plan.nope: unknown key")
        t.import_fails(t.dir / "no.db", {"before": "SELECT 1/0"}, s.MISSING, "no.db")
        assert t.traces() == was, on_error
    t.role("nobody")
    with fails(s.PRIVILEGE, "permission denied to read SQLite files"):
        t.sql("SET ROLE nobody; " + t.call("sqlite_import", path, {"before": "SELECT 1/0"}))


def test_before_waits_for_the_other_import(t):
    path = t.file("a.db", ITEMS)
    call = t.call("sqlite_import", path, {"schema": "app", "before": ["DROP SCHEMA IF EXISTS app CASCADE", "CREATE SCHEMA app"]})
    first, second = t.session(), t.session()
    first.run("BEGIN; " + call)
    second.send(call)
    until(lambda: t.value(f"SELECT count(*) FROM pg_stat_activity WHERE {first.pid} = ANY (pg_blocking_pids(pid))") == "1", "waits")
    first.run("COMMIT")
    second.wait()
    assert t.value("SELECT count(*) FROM app.items") == "2"


# existing_rows: "replace"


def test_replaced_tables_give_up_the_names_of_their_own_indexes_only(t):
    path = t.file("a.db", """
        CREATE TABLE item (id INTEGER PRIMARY KEY, name TEXT); CREATE INDEX other_name ON item (name);
        CREATE INDEX item_log_name ON item (name, id); CREATE INDEX item_seq ON item (id, name);""")
    t.sql("""CREATE TABLE item (id int); CREATE INDEX other_name ON item (id);
             CREATE TABLE item_log (name text); CREATE INDEX item_log_name ON item_log (name);
             CREATE SEQUENCE item_seq;""")
    t.import_(path, {"existing_rows": "replace"})
    def indexes():
        return t.value("SELECT string_agg(relname, ' ' ORDER BY relname) FROM pg_class JOIN pg_index ON indexrelid = oid"
                       " WHERE indrelid = 'item'::regclass").split()
    first = indexes()
    assert "other_name" in first and len(first) == 4 and "item_log_name" not in first and "item_seq" not in first, first
    assert t.value("SELECT indrelid::regclass FROM pg_index WHERE indexrelid = 'item_log_name'::regclass") == "item_log"
    t.import_(path, {"existing_rows": "replace"})
    assert indexes() == first
    # A sequence goes with the table that owns it, whatever it is called.
    t.sql("DROP SEQUENCE item_seq; CREATE SEQUENCE item_seq OWNED BY item.id")
    t.import_(path, {"existing_rows": "replace", "on_error": "continue"})
    assert "item_seq" in indexes() and "other_name" in indexes()


# Findings


def test_a_blocking_finding_is_said_once(t):
    one = t.file("one.db", ITEMS)
    t.import_(one)
    said = t.attempt(t.call("sqlite_import", one, {}))
    assert f"{said.told}{said.error}".count("exists and holds 2 rows") == 1 and said.detail == "", said
    two = t.file("two.db", ITEMS + "CREATE TABLE more (id INTEGER PRIMARY KEY); INSERT INTO more VALUES (1);")
    t.sql("CREATE TABLE more (id bigint); INSERT INTO more VALUES (7)")
    said = t.import_fails(two, {}, s.EXISTS, "^2 findings")
    lines = said.detail.splitlines()
    assert len(lines) == len(set(lines)) == 2 and not any(line in said.message + said.hint for line in lines)
    for path, plan in ((one, {}), (two, {}), (two, {"types": {"INTEGER": "date"}, "schema": "x"})):
        found = [(f["object"], f["message"]) for f in t.findings(path, plan)]
        assert len(found) == len(set(found)), found


def test_a_run_that_goes_on_says_each_finding_once(t):
    path = t.file("a.db", """
        CREATE TABLE dup (id INTEGER PRIMARY KEY, k TEXT COLLATE NOCASE); INSERT INTO dup VALUES (1, 'a'), (2, 'A');
        CREATE TABLE p (id INTEGER PRIMARY KEY); CREATE TABLE c (id INTEGER PRIMARY KEY, p INTEGER REFERENCES p);
        INSERT INTO c VALUES (1, 9); CREATE TABLE n (a TEXT NOT NULL, b INT); INSERT INTO n VALUES ('x', 'y');
        CREATE TABLE ok (id INTEGER PRIMARY KEY);""")
    t.sql("CREATE TABLE ok (id bigint); INSERT INTO ok VALUES (1)")
    plan = {"on_error": "continue", **typed("n", "b")}
    rows = t.import_(path, plan)
    for name, row in rows.items():
        notes = (row["detail"] or "").split("; ")
        assert len(notes) == len(set(notes)), (name, notes)
    logged = t.rows("SELECT object, message FROM sqlite_migrate.finding")
    assert len(logged) == len({json.dumps(f) for f in logged}), logged
    assert {name: row["status"] for name, row in rows.items()} == {
        "dup": "loaded", "p": "loaded", "c": "loaded", "n": "failed", "ok": "failed"}, rows


# Messages


# Characters of a text, and of a list, with what is said of the part that is left out.
TEXT, LIST = 2_040, 20_040


def shorts(said):
    for message in [*said.notices, *([said.error] if said.error else [])]:
        lengths = [len(message.message), len(message.hint), max(map(len, message.context.splitlines()), default=0)]
        assert max(lengths) <= TEXT and len(message.detail) <= LIST, (lengths, len(message.detail), str(message)[:300])
    assert len(said.told) < 60_000
    return said


def test_what_is_long_is_shortened_in_messages(t):
    much = "x" * 400_000
    path = t.file("a.db", ITEMS + f"""
        CREATE TABLE checked (a TEXT CHECK (printf('%q', a) <> '{much}x'), b INT DEFAULT (printf('%q', '{much}')));
        CREATE VIEW v AS SELECT '{much}' AS a, nosuch(1); INSERT INTO checked (a, b) VALUES ('{much}', '{much}');""")
    call = lambda plan, function="sqlite_import": t.attempt(t.call(function, path, plan))  # noqa: E731
    only = {"include": ["items"]}
    tables = lambda **keys: {**only, "tables": {"items": keys}}
    for n, (sqlstates, plan, end) in enumerate((
            (s.PLAN, tables(where=f"name <> '{much}' AND"), "syntax error"),
            (s.PLAN, tables(where=f"name <> '{much}' AND nosuch(1)"), "nosuch"),
            (s.PLAN, tables(where=f'{much} = 1'), r"^condition .* \(\d+ characters left out\) "),
            (s.PLAN, {much: 1}, "unknown key"),
            (s.PLAN, {"on_error": much}, "^plan.on_error: invalid value"),
            (s.PLAN, {"tables": {much: {}}}, r"^plan\.tables\.x+.*: the file has no table"),
            ("42622", {"types": {"TEXT": much}}, "^plan.types.TEXT: no type has so long a name"),
            (("42601",), {**only, "before": f"SELECT '{much}' FROM WHERE"}, "syntax error"),
            (("42703",), {**only, "after": f"SELECT nosuch, '{much}'"}, "nosuch"),
            ("22P02", {**only, "after": f"SELECT '{much}'::int"}, "invalid input syntax for type integer"),
            (("0A000",), {**only, "after": f"COPY items TO STDOUT (FORMAT text, NULL '{much}')"}, "COPY"),
    )):
        said = shorts(call(plan))
        said.failed(sqlstates, end)
        if plan.get("on_error") is None:
            shorts(call({**plan, "on_error": "continue", "schema": f"s{n}"}))
    shorts(call({**typed("checked", "b"), "include": ["checked"]})).failed(s.INVALID_VALUE, 'column "b" of table "checked"')
    for function in ("sqlite_findings", "sqlite_compare"):
        for row in t.rows(t.call(function, path, {})):
            assert all(len(str(v)) < 5_000 for k, v in row.items() if not k.startswith("in_")), row["object"]
    # What is kept is kept whole.
    plan = {**typed("checked", "b"), "on_invalid": "reject", "include": ["checked"]}
    said = shorts(call(plan))
    assert not said.error and len(said.out) < 20_000, len(said.out)
    assert t.value("SELECT length(\"values\"->>'b') FROM sqlite_migrate.reject") == "400000"
    assert len(t.value(t.call("sqlite_plan", path, {**only, "before": f"SELECT '{much}'"}))) > 400_000


def test_long_names_are_shortened_in_messages(t):
    """Names in SQLite have no limit."""
    much = "x" * 200_000
    path = t.file("names.db", f"""CREATE TABLE "t{much}" (id INTEGER PRIMARY KEY, "c{much}" TEXT COLLATE NOCASE UNIQUE, n INTEGER); CREATE INDEX "i{much}" ON "t{much}" (n);
        CREATE TABLE other (n INTEGER); CREATE INDEX empty ON other (n); INSERT INTO "t{much}" VALUES (1, 'a', 1), (2, 'b', 2);
        PRAGMA writable_schema = ON; UPDATE sqlite_schema SET rootpage = (SELECT rootpage FROM sqlite_schema WHERE name = 'empty') WHERE name = 'i{much}';""")
    found = t.findings(path)
    assert all(len(finding[part]) <= TEXT for finding in found for part in ("object", "message", "hint")), [f["object"][:9] for f in found]
    assert any(len(f["hint"]) > 2_000 for f in found) and any(len(f["object"]) > 2_000 for f in found)
    broken = t.rows(t.call("sqlite_check", path) .replace(")", ", true)"))
    assert any("i" + "x" * 1_000 in problem["message"] for problem in broken), broken[:1]
    assert all(len(problem["message"]) <= TEXT for problem in broken)
    shorts(t.attempt(t.call("sqlite_import", path, {"tables": {"T" + much: {"columns": {"N" + much: {"type": "date"}}}}}))).failed(s.PLAN, "has no column")
    shorts(t.attempt(t.call("sqlite_import", path, {"keys": "as_data_allows", "indexes": False, "tables": {"T" + much: {"columns": {"n": {"type": "boolean"}}}}})))


@pytest.mark.parametrize("encoding", ("UTF8", "LATIN1"))
def test_long_lists_are_shortened_in_messages(t, encoding):
    """Whether pgrx raises the error or the server."""
    name = t.other_database("long", f"ENCODING '{encoding}' LC_COLLATE 'C' LC_CTYPE 'C' TEMPLATE template0")
    tables = [f"é{n:03}_{'x' * 300}" for n in range(100)]
    path = t.file("many.db", "CREATE TABLE p (id INTEGER PRIMARY KEY);" + "".join(
        f'CREATE TABLE "{table}" (p INTEGER REFERENCES p); INSERT INTO "{table}" VALUES (1);' for table in tables))
    call = lambda plan: t.server.attempt(name, "SET client_encoding = 'UTF8';" + t.call("sqlite_import", path, plan))  # noqa: E731
    said = shorts(call({})).failed(s.ORPHANS, "^100 findings")
    assert len(said.detail) > 20_000 and "characters left out" in said.detail
    long = "USING DETAIL = repeat('d', 400000), HINT = repeat('h', 400000)"
    for n, after in enumerate((f"DO $$BEGIN RAISE '%', repeat('é', 400000) {long}; END$$" + " " * 4_000, f"SELECT '{'x' * 400_000}'::int")):
        said = shorts(call({"after": after, "schema": f"s{n}", "include": ["p"]}))
        said.failed(("P0001", "22P02"), "characters left out")
        shorts(call({"after": after, "schema": f"t{n}", "include": ["p"], "on_error": "continue"}))


def test_what_a_server_says_of_a_rejected_value_is_shortened(t):
    path = t.file("a.db", f"CREATE TABLE a (id INTEGER PRIMARY KEY, v TEXT); INSERT INTO a VALUES (1, '{'x' * 400_000}')")
    t.sql("CREATE TYPE mood AS ENUM ('good')")
    t.import_(path, {"on_invalid": "reject", "tables": {"a": {"columns": {"v": {"type": "mood"}}}}})
    assert t.value("SELECT length(error) BETWEEN 2000 AND 2040 FROM sqlite_migrate.reject") == "t"


def test_examples_in_messages_are_brief(t):
    """Of a key, and of rows that differ from those of their keys."""
    path = t.file("a.db", f"CREATE TABLE a (id INTEGER PRIMARY KEY, k TEXT COLLATE NOCASE, v TEXT); INSERT INTO a VALUES (1, '{'x' * 900}', '{'y' * 900}'), (2, '{'X' * 900}', 'z');"
                          "CREATE UNIQUE INDEX a_k ON a (k COLLATE BINARY); CREATE UNIQUE INDEX a_n ON a (k COLLATE NOCASE) WHERE id < 0;")
    double = t.file("b.db", f"CREATE TABLE b (k TEXT, PRIMARY KEY (k)); INSERT INTO b VALUES ('{'x' * 900}'), (NULL); CREATE TABLE c (k TEXT REFERENCES b); INSERT INTO c VALUES ('{'q' * 900}');"
                             f"CREATE TABLE e (k TEXT PRIMARY KEY); CREATE TABLE d (k TEXT PRIMARY KEY, e TEXT REFERENCES e) WITHOUT ROWID; INSERT INTO d VALUES ('{'r' * 900}', 's');")
    found = t.findings(path) + t.findings(double)
    assert any("'rrrrrrrrr" in finding["message"] and "r…'" in finding["message"] for finding in found), found
    for finding in found:
        assert not re.search(r"(\w)\1{60}", finding["message"]), finding
    t.sql(f"CREATE TABLE a (id int PRIMARY KEY, k text, v text); INSERT INTO a VALUES (1, '{'x' * 900}', '{'w' * 900}')")
    said = t.sql(t.call("sqlite_import", path, {"on_conflict": "skip", "tables": {"a": {"conflict_target": "a_pkey"}}}))
    [warning] = [notice.message for notice in said.notices if notice.severity == "WARNING"]
    assert re.search(r"1 row is skipped and differs .*\(w{190,200} in the table", warning), warning


def test_location_tells_the_truth(t):
    """An own error names its own place, one of the server's the server's."""
    path = t.file("a.db", ITEMS)
    for call, place in (
            (t.call("sqlite_import", path, {"nope": 1}), r"pg_sqlite_migrate::api::import, import\.rs:\d+"),
            (t.call("sqlite_plan", t.dir / "none.db"), r"pg_sqlite_migrate::api::plan, plan\.rs:\d+"),
            ("SELECT * FROM verify_counts(99)", r"pg_sqlite_migrate::api::verify, verify\.rs:\d+"),
            (t.call("sqlite_import", path, {"after": "SELECT 1/0"}), r"int4div, int\.c:\d+"),
            (t.call("sqlite_import", path, {"types": {"TEXT": "nosuch"}}), r"pg_sqlite_migrate::api::import, import\.rs:\d+"),
            (t.call("sqlite_import", path, {"after": "SELECT 1/0" + " " * 3000}), r"int4div, int\.c:\d+")):
        said = t.attempt(call)
        assert said.error and re.fullmatch(place, said.error.place), (call, said)
    places = {notice.place for notice in t.sql(t.call("sqlite_import", path, {})).notices}
    assert any(re.fullmatch(r"pg_sqlite_migrate::import::run, run\.rs:\d+", place) for place in places), places


# Tables that change under the import


def test_after_that_takes_what_was_loaded_is_named(t):
    path = t.file("a.db", ITEMS + "CREATE TABLE b (id INTEGER PRIMARY KEY);")
    was = t.traces()
    for after, sqlstate, message in (
            ("DROP TABLE items", "42P01", "was dropped"), ("ALTER TABLE items RENAME TO things", "42P01", "was dropped"),
            ("TRUNCATE items", "27000", "It had 2 rows"), ("DELETE FROM items WHERE id = 1", "27000", "has 1 now"),
            ("INSERT INTO items VALUES (3)", "27000", "has 3 now"), ("INSERT INTO b VALUES (3)", "27000", '"b" were changed')):
        said = t.import_fails(path, {"after": after}, sqlstate, message, hint='"after".*"verify" to "none"')
        assert "bug" not in said.hint
        assert t.traces() == was
    for after in ("TRUNCATE items", "DROP TABLE items"):
        t.import_(path, {"after": after, "verify": "none"})
        t.sql("DROP TABLE IF EXISTS items, b")
    t.import_(path, {"after": "UPDATE items SET name = 'z'"})
    assert t.value("SELECT count(*) FROM items WHERE name = 'z'") == "2"


def test_triggers_that_take_what_was_loaded_are_named(t):
    path = t.file("a.db", "CREATE TABLE a (id INTEGER PRIMARY KEY); INSERT INTO a VALUES (1), (2);"
                          "CREATE TABLE b (id INTEGER PRIMARY KEY, a INTEGER REFERENCES a); INSERT INTO b VALUES (1, 1);")
    for does, failure in (("DELETE FROM a WHERE id = 2", ("27000", "It had 2 rows after the load, and has 1 now")),
                          ("INSERT INTO a VALUES (7)", ("27000", "It had 2 rows after the load, and has 3 now")),
                          ("DROP TABLE a", ("42P01", 'relation "public.a" does not exist')),
                          ("TRUNCATE a", ("27000", "It had 2 rows after the load, and has 0 now"))):
        t.sql(f"""CREATE TABLE a (id bigint); CREATE TABLE b (id bigint, a bigint);
                  CREATE FUNCTION does() RETURNS trigger LANGUAGE plpgsql AS $$BEGIN {does}; RETURN NULL; END$$;
                  CREATE TRIGGER does AFTER INSERT ON b FOR EACH STATEMENT EXECUTE FUNCTION does();""")
        was = t.traces()
        said = t.import_fails(path, {"fire_triggers": True}, *failure)
        assert "bug" not in said.hint and "internal" not in said.message
        assert t.traces() == was
        t.import_(path, {"fire_triggers": False})
        t.sql("DROP TABLE a, b; DROP FUNCTION does")
    # An event trigger acts on the statements of the import itself.
    t.sql("""CREATE FUNCTION on_ddl() RETURNS event_trigger LANGUAGE plpgsql AS
             $$BEGIN IF to_regclass('public.b') IS NOT NULL THEN DELETE FROM public.a; END IF; END$$;
             CREATE EVENT TRIGGER on_ddl ON ddl_command_end WHEN TAG IN ('ALTER TABLE') EXECUTE FUNCTION on_ddl();""")
    try:
        t.import_fails(path, {"foreign_keys": False}, "27000", "It had 2 rows after the load, and has 0 now", hint="event trigger")
    finally:
        t.sql("DROP EVENT TRIGGER on_ddl")
