"""sqlite_rollback: a committed run is taken back whole, or refused with what stands against it."""

import json

import pytest

import sqlstates as s
from client import fails
from harness import quote, until

STATE = s.WAL_ALONE  # object_not_in_prerequisite_state
DEPENDS = ("55000",)

FILE = """
CREATE TABLE p (id INTEGER PRIMARY KEY AUTOINCREMENT, name TEXT UNIQUE COLLATE NOCASE, at DATETIME DEFAULT CURRENT_TIMESTAMP);
CREATE TABLE c (id INTEGER PRIMARY KEY, p INTEGER NOT NULL REFERENCES p ON DELETE CASCADE, s TEXT CHECK (s IN ('a', 'b')), self INTEGER REFERENCES c);
CREATE INDEX c_p ON c (p);
CREATE TABLE log (c INTEGER, at TEXT);
CREATE VIEW v AS SELECT p.name, count(*) AS n, unicode(p.name) AS y FROM p JOIN c ON c.p = p.id GROUP BY 1, 3;
CREATE VIEW w AS SELECT * FROM v WHERE n > 1;
CREATE TRIGGER g AFTER INSERT ON c BEGIN INSERT INTO log VALUES (NEW.id, datetime('now')); END;
INSERT INTO p (name, at) VALUES ('a', '2020-01-01 00:00:00'), ('b', '2021-01-01 00:00:00');
INSERT INTO c VALUES (1, 1, 'a', NULL), (2, 1, 'b', 1), (3, 2, 'a', 3);
"""


def rollback(t, run=None, force=False, user="postgres"):
    run = run or t.value("SELECT max(id) FROM sqlite_migrate.run")
    return t.rows(f"SELECT * FROM sqlite_rollback({run}{', force => true' if force else ''})", user)


def database(t):
    """What is there, but for the log of runs."""
    return t.sql("""
        SELECT n.nspname, c.relname, c.relkind FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
        WHERE n.nspname !~ '^pg_(toast|temp)' ORDER BY 1, 2;
        SELECT nspname FROM pg_namespace WHERE nspname !~ '^pg_(toast_)?temp' ORDER BY 1;
        SELECT pronamespace::regnamespace, proname FROM pg_proc WHERE oid >= 16384 ORDER BY 1, 2;
        SELECT typnamespace::regnamespace, typname FROM pg_type WHERE oid >= 16384 AND typnamespace <> 'pg_toast'::regnamespace ORDER BY 1, 2;
        SELECT collname FROM pg_collation WHERE oid >= 16384 ORDER BY 1; SELECT extname FROM pg_extension ORDER BY 1;
        SELECT conrelid::regclass, conname FROM pg_constraint WHERE oid >= 16384 ORDER BY 1, 2;
        SELECT tgrelid::regclass, tgname, tgenabled FROM pg_trigger WHERE oid >= 16384 AND NOT tgisinternal ORDER BY 1, 2""").out


def test_all_that_a_run_made_is_gone(t):
    """Schemas, types, extensions, tables with keys and sequences, views over views, triggers with their functions, helpers."""
    before = database(t)
    path = t.file("a.db", FILE)
    t.import_(path, {"schema": "app", "enums": True, "after": ["CREATE VIEW app.after AS SELECT * FROM app.w", "CREATE INDEX ON app.c (s)"]})
    assert database(t) != before
    assert t.value("SELECT count(*) FROM app.after") == "1"
    done = rollback(t)
    assert database(t) == before
    assert {row["action"] for row in done} == {"dropped"} and "table app.p" in [row["object"] for row in done]
    assert t.rows("SELECT status, rolled_back_at > started_at AS at FROM sqlite_migrate.run") == [{"status": "rolled back", "at": True}]
    # The run is over for everybody who asks about it, and its log can still be read and removed.
    for ask in ("sqlite_rollback(1)", "verify_counts(1)", "verify_values(1)", "sqlite_export_plan(run => 1)", "migration_verdict(1)"):
        with fails(STATE, "run 1 was rolled back"):
            t.sql(f"SELECT * FROM {ask}")
    with fails(s.NO_RUN, "no recorded run"):
        t.sql("SELECT * FROM verify_counts()")
    assert t.value("SELECT sqlite_report(1)").startswith("Run 1: ROLLED BACK\n")
    # The same file goes in again.
    assert t.import_(path, {"schema": "app"})["c"]["imported"] == 3
    t.sql("SELECT sqlite_forget(1)")


def test_a_rollback_can_be_rolled_back(t):
    t.import_(t.file("a.db", FILE), {})
    before = database(t)
    t.sql("BEGIN; SELECT * FROM sqlite_rollback(1); ROLLBACK")
    assert database(t) == before and t.value("SELECT status FROM sqlite_migrate.run") == "done"
    assert t.value("SELECT bool_and(ok) FROM verify_counts(1)") == "t"


def test_what_has_changed_since_stands_against_it(t):
    """With the numbers; what the run's own transaction did afterwards is the user's, too."""
    path = t.file("a.db", FILE)
    t.sql(f"BEGIN; {t.call('sqlite_import', path, {'triggers': False})}; UPDATE c SET s = 'b' WHERE id = 1; COMMIT")
    with fails(STATE, r"cannot be rolled back without a loss\n.*public\.c: 1 row was added or changed since\.\n.*public\.c: 1 row was changed or deleted since", hint="force => true"):
        rollback(t)
    t.sql("SET session_replication_role = replica; DELETE FROM p WHERE id = 2; INSERT INTO log VALUES (7), (8)")
    with fails(STATE, r"public\.p: 1 row was changed or deleted(.|\n)*public\.log: 2 rows were added"):
        rollback(t)
    # VACUUM moves and freezes rows, but they stay the run's; a table that is rewritten does not tell any more.
    t.sql("VACUUM FREEZE p; VACUUM FULL log")
    with fails(STATE, r"public\.log: 2 rows were added"):
        rollback(t)
    before = t.value("SELECT count(*) FROM pg_class WHERE relnamespace = 'public'::regnamespace")
    assert before != "0"
    rollback(t, force=True)
    assert t.value("SELECT count(*) FROM pg_class WHERE relnamespace = 'public'::regnamespace AND relname IN ('p', 'c', 'log', 'v')") == "0"


def test_who_depends_on_it(t):
    t.import_(t.file("a.db", FILE), {})
    # What goes with a table or takes the place of what the run made is no dependency in PostgreSQL's eyes.
    for change, line in (
            ("CREATE INDEX mine ON c (s)", r"public\.c: index public\.mine was added or replaced since"),
            ('ALTER TABLE c ADD COLUMN "My own" int', r'public\.c: columns were added or altered since: "My own"'),
            ("CREATE TRIGGER mine BEFORE UPDATE ON p FOR EACH ROW EXECUTE FUNCTION suppress_redundant_updates_trigger()", r"public\.p: trigger mine on public\.p was added"),
            ("CREATE OR REPLACE VIEW w AS SELECT name, n + 1 AS n, y FROM v", r'public\.w: rule "_RETURN" on public\.w was added or replaced'),
            ("CREATE OR REPLACE FUNCTION g() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN NULL; END'", r"function public\.g\(\) was replaced or altered since"),
            ("CREATE TABLE heir (LIKE log); ALTER TABLE log INHERIT heir", r"public\.log: it became a part of public\.heir since")):
        with fails(STATE, line, hint="force => true"):
            t.sql(f"BEGIN; {change}; SELECT * FROM sqlite_rollback(1)")
    t.sql("CREATE TABLE mine (p bigint REFERENCES p); CREATE VIEW yours AS SELECT * FROM c; INSERT INTO mine VALUES (1)")
    with fails(STATE, r"other objects depend on what it made\n.*(constraint mine_p_fkey on table public.mine|view public.yours) depends on", hint="force => true"):
        rollback(t)
    assert t.value("SELECT count(*) FROM c") == "3"
    rollback(t, force=True)
    # Dependents went along; the stranger's rows are its own.
    assert t.value("SELECT (SELECT count(*) FROM mine) || ' ' || (to_regclass('yours') IS NULL)") == "1 true"


def test_helpers_of_others_stay(t):
    """A function's text is no dependency in PostgreSQL's eyes."""
    t.import_(t.file("a.db", FILE), {"schema": "one"})
    t.sql("CREATE FUNCTION code(t text) RETURNS text LANGUAGE plpgsql AS $$ BEGIN RETURN sqlite_compat.unicode(t); END $$")
    names = t.value("SELECT string_agg(DISTINCT proname, ',' ORDER BY proname) FROM pg_proc WHERE pronamespace = 'sqlite_compat'::regnamespace")
    assert "unicode" in names
    kept = {row["object"] for row in rollback(t, 1) if row["action"] == "kept"}
    assert any("sqlite_compat.unicode" in name for name in kept) and "schema sqlite_compat" in kept
    assert t.value("SELECT code('a')") == "97"
    # Those of a second run are the second run's.
    t.sql("DROP FUNCTION code")
    t.import_(t.file("b.db", FILE), {"schema": "two"})
    t.sql("SELECT * FROM sqlite_rollback(2)")
    assert t.value("SELECT to_regclass('two.v') IS NULL") == "t"


def test_what_was_moved_stays(t):
    """An object that a statement of the plan put into another schema was there before."""
    t.sql("CREATE TABLE mine (a int); CREATE TYPE pair AS (a int, b int); CREATE SEQUENCE counter")
    after = [f"ALTER {kind} SET SCHEMA app" for kind in ("TABLE public.mine", "TYPE public.pair", "SEQUENCE public.counter")]
    t.import_(t.file("a.db", "CREATE TABLE t (a)"), {"schema": "app", "after": after})
    assert {row["object"]: row["action"] for row in rollback(t)} == {"table app.t": "dropped", "schema app": "kept"}
    assert t.value("SELECT count(*) FROM pg_class WHERE relnamespace = 'app'::regnamespace") == "3"


def test_another_table_by_that_name_is_not_the_run_s(t):
    t.import_(t.file("a.db", "CREATE TABLE t (a); INSERT INTO t VALUES (1); CREATE TABLE u (a); CREATE TABLE w (a)"), {})
    t.sql("DROP TABLE t; CREATE TABLE t (mine int); INSERT INTO t VALUES (7); ALTER TABLE u RENAME TO u2; DROP TABLE w")
    with fails(STATE, r"table public\.t is another one than the run made\.\n.*table public\.u is called public\.u2 now"):
        rollback(t)
    t.sql("CREATE VIEW w AS SELECT 1 AS a")
    done = {row["object"]: row["action"] for row in rollback(t, force=True)}
    assert done == {"table public.t": "kept", "table public.u2": "dropped", "table public.w": "gone"}
    assert t.value("SELECT a FROM w") == "1" and t.value("SELECT mine FROM t") == "7"


PARENT = "CREATE TABLE p (id bigint GENERATED BY DEFAULT AS IDENTITY PRIMARY KEY, name citext UNIQUE, n numeric(9, 2), at timestamptz, j json)"
EXISTING = "CREATE EXTENSION IF NOT EXISTS citext; " + PARENT + """;
CREATE TABLE c (id bigint PRIMARY KEY, p bigint REFERENCES p ON DELETE CASCADE, self bigint REFERENCES c);
INSERT INTO p (id, name, n, at, j) VALUES (1, 'One', 1.50, '2020-01-01 00:00:00.123456+02', '{"a":  1}'), (2, NULL, NULL, 'infinity', NULL), (3, 'x"(,\\ ''', -0.01, NULL, '[]');
SELECT setval('p_id_seq', 3); INSERT INTO c VALUES (10, 1, 10)"""
MORE = """
CREATE TABLE p (id INTEGER PRIMARY KEY, name TEXT, n NUMERIC, at TEXT, j TEXT);
INSERT INTO p VALUES (1, 'other', 9, NULL, 'null'), (3, 'z', 7, '2021-01-01', NULL), (4, 'new', 1, NULL, NULL), (5, 'newer', 2, NULL, NULL);
CREATE TABLE c (id INTEGER PRIMARY KEY, p INTEGER, self INTEGER);
INSERT INTO c VALUES (11, 4, 12), (12, 5, 11);
"""
KEEP = {"create": "never", "on_conflict": "update"}


def rows(t):
    return t.shown("SELECT string_agg(p::text, '; ' ORDER BY id) FROM p") + t.value("SELECT string_agg(c::text, ';' ORDER BY id) FROM c")


def test_rows_of_existing_tables(t):
    """Added rows go, changed ones are as before to the last digit, the sequence counts on from where it stood."""
    t.sql(EXISTING)
    path = t.file("a.db", MORE)
    before, schema = rows(t), database(t)
    said = [f for f in t.findings(path, KEEP) if f["kind"] == "irreversible"]
    assert [(f["object"], f["fix"]) for f in said] == [("p", {"undo": True}), ("c", {"undo": True})], said
    assert not [f for f in t.findings(path, {**KEEP, "undo": True}) if f["kind"] == "irreversible"]
    result = t.import_(path, {**KEEP, "undo": True})
    assert (result["p"]["imported"], result["p"]["updated"]) == (2, 2) and rows(t) != before
    assert t.value("SELECT last_value - is_called::int FROM p_id_seq") != "2"
    done = rollback(t)
    assert [(row["object"], row["action"], row["rows"]) for row in done] == [
        ("table \"public\".\"p\"", "restored", 2), ("table \"public\".\"c\"", "deleted", 2), ("table \"public\".\"p\"", "deleted", 2),
        ("sequence public.p_id_seq", "set back", None)] or sorted(row["action"] for row in done) == ["deleted", "deleted", "restored", "set back"], done
    assert rows(t) == before and database(t) == schema
    assert t.value("INSERT INTO p (name) VALUES ('next') RETURNING id") == "4"


def test_rows_that_others_have_changed_or_refer_to(t):
    t.sql(EXISTING)
    t.import_(t.file("a.db", MORE), {**KEEP, "undo": True})
    t.sql("INSERT INTO c VALUES (20, 5, NULL)")
    with fails(STATE, r"c: 1 row refers to rows of \"public\".\"p\" and would go or change with them"):
        rollback(t)
    t.sql("DELETE FROM c WHERE id = 20; UPDATE p SET n = 8 WHERE id IN (1, 4)")
    # The number of a row that stays is not given away again.
    assert t.sql("BEGIN; SELECT FROM sqlite_rollback(1, force => true); INSERT INTO p (name) VALUES ('next') RETURNING id; ROLLBACK").out.split()[-1] == "6"
    t.sql("SELECT nextval('p_id_seq')")
    with fails(STATE, r"\"public\".\"p\": 2 rows were changed or deleted since"):
        rollback(t)
    done = rollback(t, force=True)
    # What others changed stays as they left it.
    assert t.value("SELECT string_agg(id || ' ' || coalesce(n::text, ''), ', ' ORDER BY id) FROM p") == "1 8.00, 2 , 3 -0.01, 4 8.00"
    assert t.value("SELECT string_agg(id::text, ',') FROM c") == "10"
    assert [row["action"] for row in done if row["object"].startswith("sequence")] == ["kept"]


def test_former_rows_are_read_once(t):
    """Nothing has analysed the log when a run is taken back; the planner took it for one row, and read the table for each."""
    t.sql("CREATE TABLE p (id bigint PRIMARY KEY, v text); INSERT INTO p SELECT i, 'old' FROM generate_series(1, 1000) AS i; ANALYZE p")
    many = "WITH n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 1000) INSERT INTO p SELECT i, 'new' FROM n"
    t.import_(t.file("a.db", "CREATE TABLE p (id INTEGER PRIMARY KEY, v TEXT); " + many), {**KEEP, "undo": True})
    read = "SELECT sum(seq_tup_read + coalesce(idx_tup_fetch, 0)) FROM pg_stat_xact_all_tables WHERE relname IN ('p', 'log_former')"
    counted = t.sql(f"BEGIN; SELECT FROM sqlite_rollback(1); {read}; COMMIT").out.split()[-1]
    assert 2000 <= int(counted) < 20000
    assert t.value("SELECT count(*) FROM p WHERE v = 'old'") == "1000"


def test_what_cannot_be_taken_back_is_said_before(t):
    t.sql(EXISTING)
    path = t.file("a.db", MORE)
    t.import_(path, KEEP)
    with fails(STATE, "rows that were there before get other values, and their own are not kept"):
        rollback(t)
    assert {row["action"] for row in rollback(t, force=True)} <= {"kept", "deleted", "set back"}
    t.import_(path, {"create": "never", "existing_rows": "truncate"})
    with fails(STATE, "truncated"):
        rollback(t)
    assert t.value("SELECT count(*) FROM p") == "4"


def test_a_writer_at_the_same_time(t):
    """The tables are locked first, and counted as they are then: also under REPEATABLE READ, whose snapshot is older."""
    t.import_(t.file("a.db", FILE), {"triggers": False})
    for begin in ("BEGIN", "BEGIN ISOLATION LEVEL REPEATABLE READ"):
        writer, session = t.session(), t.session()
        session.execute(f"{begin}; SELECT count(*) FROM log")
        writer.execute("BEGIN; INSERT INTO log VALUES (1)")
        session.send("SELECT * FROM sqlite_rollback(1)")
        until(lambda: t.value(f"SELECT wait_event_type FROM pg_stat_activity WHERE pid = {session.pid}") == "Lock", "the rollback waits")
        writer.execute("COMMIT")
        with fails(STATE, "log: [12] rows? (was|were) added or changed since"):
            session.wait()
        session.execute("ROLLBACK")


def test_who_may(t):
    """A role takes back its own runs; a superuser all, but without its rights being lent to others' code."""
    user, other = t.role("importer", "pg_read_server_files"), t.role("other", "pg_read_all_data")
    t.sql("CREATE SCHEMA s AUTHORIZATION importer")
    path = t.file("a.db", "CREATE TABLE t (id INTEGER PRIMARY KEY, v TEXT); INSERT INTO t VALUES (1, 'a')")
    t.sql(t.call("sqlite_import", path, {"schema": "s"}), user)
    with fails(s.PRIVILEGE, "cannot be rolled back by this role"):
        rollback(t, 1, user=other)
    with fails(s.NO_RUN, "no recorded run"):
        t.sql("SELECT * FROM sqlite_rollback(1)", t.role("nobody"))
    for run in ("NULL", "77"):
        with fails(s.NO_RUN, "no recorded run"):
            t.sql(f"SELECT * FROM sqlite_rollback({run})", user)
    # The table was given to somebody else: only its owner may drop it.
    t.sql("ALTER TABLE s.t OWNER TO other")
    with fails(s.PRIVILEGE, "must be owner of table s.t"):
        rollback(t, 1, user=user)
    t.sql("ALTER TABLE s.t OWNER TO importer")
    # The policies of its owner, who forces them on himself, hide rows: that is an error and not an empty table.
    t.sql("ALTER TABLE s.t ENABLE ROW LEVEL SECURITY; ALTER TABLE s.t FORCE ROW LEVEL SECURITY", user)
    with fails(s.PRIVILEGE, "row-level security"):
        rollback(t, 1, user=user)
    t.sql("ALTER TABLE s.t NO FORCE ROW LEVEL SECURITY", user)
    # Code that the planner runs, for an index that was made since, runs as its owner.
    spy = "CREATE FUNCTION {0}.spy(int) RETURNS boolean LANGUAGE plpgsql IMMUTABLE AS $$BEGIN RAISE NOTICE 'spy as %', current_user; RETURN true; END$$; CREATE INDEX spied ON {1} (id) WHERE {0}.spy(1)"
    t.sql(spy.format("s", "s.t"), user)
    seen = t.attempt("SELECT * FROM sqlite_rollback(1)").failed(STATE, "index s.spied was added")
    assert "spy as importer" in seen.told and "spy as postgres" not in seen.told
    t.sql("DROP INDEX s.spied; BEGIN; SELECT * FROM sqlite_rollback(1); ROLLBACK")
    assert rollback(t, 1, user=user)[0]["action"] == "dropped"
    # Rows of a table whose owner could have put code around it.
    t.sql("CREATE TABLE s.e (id bigint PRIMARY KEY, v text)", user)
    path = t.file("e.db", "CREATE TABLE e (id INTEGER PRIMARY KEY, v TEXT); INSERT INTO e VALUES (1, 'a')")
    t.sql(t.call("sqlite_import", path, {"schema": "s"}), user)
    with fails(STATE, "code of its owner would run"):
        rollback(t, 2)
    t.sql("CREATE SCHEMA o AUTHORIZATION other; GRANT USAGE ON SCHEMA s TO other; GRANT REFERENCES ON s.e TO other")
    t.sql("CREATE TABLE o.child (id bigint REFERENCES s.e ON DELETE CASCADE); GRANT USAGE ON SCHEMA o TO importer; GRANT SELECT ON o.child TO importer; " + spy.format("o", "o.child"), other)
    seen = t.attempt("SELECT * FROM sqlite_rollback(2)", user).failed(STATE, 'rows of o.child may refer to rows of "s"."e", and cannot be counted', hint="force => true")
    assert "spy" not in seen.told
    # By force they go along, as in every DELETE: the server runs that as their owner.
    seen = t.sql("BEGIN; SELECT * FROM sqlite_rollback(2, force => true); ROLLBACK", user)
    assert "spy as importer" not in seen.told
    t.sql("DROP TABLE o.child")
    assert [(row["action"], row["rows"]) for row in rollback(t, 2, user=user)] == [("deleted", 1)]
    with fails(s.READ_ONLY, "read-only"):
        t.sql("BEGIN READ ONLY; SELECT * FROM sqlite_rollback(1)")


def test_odd_names_and_a_run_that_went_on(t):
    """Names that would be SQL if they were not quoted; tables that were loaded in subtransactions of their own."""
    odd = 'a"b; DROP TABLE x--'
    path = t.file("a.db", f'''CREATE TABLE "{odd.replace('"', '""')}" (id INTEGER PRIMARY KEY, "on c on d" TEXT); CREATE TABLE bad (a INTEGER); CREATE TABLE empty (a);
        INSERT INTO "{odd.replace('"', '""')}" VALUES (1, 'x'); INSERT INTO bad VALUES (1)''')
    t.sql("CREATE TABLE x (a int)")
    t.sql(t.call("sqlite_import", path, {"on_error": "continue", "schema": 'S "p', "tables": {"bad": {"columns": {"a": {"type": "date"}}}}}))
    kept = t.rows("SELECT kind, identity FROM sqlite_migrate.object ORDER BY ordinal")
    assert kept[0]["kind"] == "schema" and len(kept) >= 3
    assert {row["action"] for row in rollback(t)} == {"dropped"}
    assert t.value("SELECT count(*) FROM pg_namespace WHERE nspname ~ 'S'") == "0" and t.value("SELECT count(*) FROM x") == "0"


def test_a_restored_dump_is_another_place(t):
    """Oids and transaction ids of the log mean nothing there: nothing is taken for the run's that only has its name."""
    t.import_(t.file("a.db", FILE), {"triggers": False, "views": False})
    other = t.empty_database("restored")
    dump = t.server.dump(t.database, "postgres")
    assert dump.returncode == 0, dump.stderr
    t.server.restore(other, dump.stdout)
    ask = "SELECT json_agg(q) FROM sqlite_rollback(1{}) q"
    with fails(STATE, "its log is from another database"):
        t.server.run(other, ask.format(""))
    assert t.server.run(other, "SELECT count(*) FROM c").out.strip() == "3"
    done = json.loads(t.server.run(other, ask.format(", force => true")).out)
    assert {row["action"] for row in done} <= {"dropped", "kept"}
    assert t.server.run(other, "SELECT to_regclass('c') IS NULL").out.strip() == "t"
    assert t.value("SELECT status FROM sqlite_migrate.run") == "done"


@pytest.mark.parametrize("how", ["commit", "rollback"])
def test_in_the_transaction_of_the_run(t, how):
    before = database(t)
    t.sql(f"BEGIN; {t.call('sqlite_import', t.file('a.db', FILE), {'schema': 'app'})}; SELECT * FROM sqlite_rollback(1); {how.upper()}")
    assert database(t) == before and t.value("SELECT count(*) FROM sqlite_migrate.run") == ("1" if how == "commit" else "0")


def test_names_are_not_taken_from_the_session(t):
    """A schema in front of the search path cannot put another object in place of the run's."""
    t.import_(t.file("a.db", "CREATE TABLE t (a); INSERT INTO t VALUES (1)"), {})
    t.sql(f"CREATE SCHEMA evil; CREATE TABLE evil.t (a int); SET search_path = evil, public; SET quote_all_identifiers = on; SET row_security = off; SELECT * FROM sqlite_rollback({quote('1')})")
    assert t.value("SELECT to_regclass('public.t') IS NULL AND to_regclass('evil.t') IS NOT NULL") == "t"
