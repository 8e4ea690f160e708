"""Tables that are there already, against what others do meanwhile and against what a plan cannot know."""

import json

import pytest

import sqlstates as s
from client import fails
from harness import quote, until

NEVER = {"create": "never"}


# Foreign keys


def dangling(t, child, column, parent):
    return t.value(f"SELECT count(*) FROM ONLY {child} c WHERE c.{column} IS NOT NULL"
                   f" AND NOT EXISTS (SELECT FROM ONLY {parent} p WHERE p.id = c.{column})")


def test_a_foreign_key_that_came_after_the_plan(t):
    t.sql("""CREATE TABLE p (id int PRIMARY KEY); CREATE TABLE c (id int PRIMARY KEY, p int); CREATE TABLE a (id int);
        CREATE FUNCTION add_key() RETURNS trigger LANGUAGE plpgsql AS
        $$ BEGIN ALTER TABLE public.c ADD FOREIGN KEY (p) REFERENCES public.p; RETURN NULL; END $$;
        CREATE TRIGGER add_key AFTER INSERT ON a FOR EACH STATEMENT EXECUTE FUNCTION add_key()""")
    path = t.file("x.db", """CREATE TABLE a (id INTEGER PRIMARY KEY); INSERT INTO a VALUES (1);
        CREATE TABLE c (id INTEGER PRIMARY KEY, p INTEGER); INSERT INTO c VALUES (1, 1)""")
    plan = {**NEVER, "tables": {"a": {"fire_triggers": True}}}
    t.import_fails(path, plan, s.ORPHANS, "c_p_fkey")
    t.sql("INSERT INTO p VALUES (1)")
    assert "a foreign key was added to it after the plan" in t.import_(path, plan)["c"]["detail"]


def test_rejected_parents_of_rows_that_come_by_insert(t):
    t.sql("""CREATE TABLE g (id int PRIMARY KEY); CREATE TABLE a (id int PRIMARY KEY, g int REFERENCES g);
             CREATE TABLE b (id int PRIMARY KEY, a int REFERENCES a)""")
    path = t.file("x.db", """
        CREATE TABLE a (id INTEGER PRIMARY KEY, g INTEGER); INSERT INTO a VALUES (1, 1), (2, NULL);
        CREATE TABLE b (id INTEGER PRIMARY KEY, a INTEGER REFERENCES a); INSERT INTO b VALUES (1, 1), (2, 2)""")
    result = t.import_(path, {**NEVER, "orphans": "reject", "tables": {"b": {"constraints": "keep"}}})
    assert [(result[n]["imported"], result[n]["rejected"]) for n in "ab"] == [(1, 1), (1, 1)], result
    assert dangling(t, "b", "a", "a") == "0"


@pytest.mark.parametrize("table, failure", (("a", "a_p_fkey"), ("b", '"public.b" have no parent in "public.a"'), ("p", None)))
def test_rejected_parents_in_a_cycle(t, table, failure):
    t.sql("""CREATE TABLE p (id int PRIMARY KEY, b int); CREATE TABLE a (id int PRIMARY KEY, p int REFERENCES p);
             CREATE TABLE b (id int PRIMARY KEY, a int REFERENCES a);
             ALTER TABLE p ADD FOREIGN KEY (b) REFERENCES b""")
    path = t.file("x.db", """
        CREATE TABLE a (id INTEGER PRIMARY KEY, p INTEGER REFERENCES p); INSERT INTO a VALUES (1, 1), (2, 7);
        CREATE TABLE b (id INTEGER PRIMARY KEY, a INTEGER REFERENCES a); INSERT INTO b VALUES (1, 1), (2, 2);
        CREATE TABLE p (id INTEGER PRIMARY KEY, b INTEGER REFERENCES b); INSERT INTO p VALUES (1, 1)""")
    # Which keys are checked when decides who is met first: whatever that is, no row is left without its parent.
    result = t.attempt(t.call("sqlite_import", path, {**NEVER, "orphans": "reject", "tables": {table: {"constraints": "keep"}}}))
    if failure:
        result.failed(s.ORPHANS, failure)
    else:
        assert not result.error, result
    assert [dangling(t, *key) for key in (("a", "p", "p"), ("b", "a", "a"), ("p", "b", "b"))] == ["0"] * 3
    t.sql("TRUNCATE a, b, p")


def test_rejected_parents_in_a_cycle_with_a_partitioned_table(t):
    t.sql("""CREATE TABLE p (id int PRIMARY KEY, b int); CREATE TABLE a (id int PRIMARY KEY, p int REFERENCES p);
             CREATE TABLE b (id int PRIMARY KEY, a int REFERENCES a) PARTITION BY LIST (id);
             CREATE TABLE b_1 PARTITION OF b DEFAULT; ALTER TABLE p ADD FOREIGN KEY (b) REFERENCES b""")
    path = t.file("x.db", """
        CREATE TABLE a (id INTEGER PRIMARY KEY, p INTEGER REFERENCES p); INSERT INTO a VALUES (1, 1), (2, 7);
        CREATE TABLE b (id INTEGER PRIMARY KEY, a INTEGER REFERENCES a); INSERT INTO b VALUES (1, 1), (2, 2);
        CREATE TABLE p (id INTEGER PRIMARY KEY, b INTEGER REFERENCES b); INSERT INTO p VALUES (1, 1)""")
    t.import_fails(path, {**NEVER, "orphans": "reject"}, s.ORPHANS, r'"public.b" have no parent in "public.a"\n.*\(a\) = \(2\)')


def test_parents_stay_until_the_children_are_committed(t):
    """Another session sees no child yet: only a lock can keep it from deleting the parent. The children have no index, whose
    rebuild would make it wait too."""
    t.sql("CREATE TABLE p (id int PRIMARY KEY); CREATE TABLE c (id int, p int REFERENCES p); INSERT INTO p VALUES (1), (2)")
    path = t.file("x.db", "CREATE TABLE c (id INTEGER PRIMARY KEY, p INTEGER); INSERT INTO c VALUES (1, 1)")
    session, other = t.session(), t.session()
    session.run("BEGIN")
    session.run(t.call("sqlite_import", path, NEVER))
    other.send("DELETE FROM p WHERE id = 1")
    until(lambda: t.value(f"SELECT 1 FROM pg_locks WHERE pid = {other.pid} AND NOT granted") == "1", "the wait")
    session.run("COMMIT")
    with fails("23503", "^update or delete on table \"p\" .*\n.*still referenced"):
        other.wait()
    assert t.value("SELECT count(*) FROM p") == "2"


def test_a_parent_that_is_in_an_inheriting_table_is_none(t):
    t.sql("""CREATE TABLE p (id int PRIMARY KEY); CREATE TABLE p2 () INHERITS (p); INSERT INTO p2 VALUES (5);
             CREATE TABLE c (id int PRIMARY KEY, p int REFERENCES p)""")
    path = t.file("x.db", "CREATE TABLE c (id INTEGER PRIMARY KEY, p INTEGER); INSERT INTO c VALUES (1, 5)")
    t.import_fails(path, NEVER, s.ORPHANS, r'"public.c" have no parent in "public.p"\n1 rows?, .*\(p\) = \((5|b)\)')
    for constraints in ("rebuild", "keep"):
        plan = {**NEVER, "orphans": "reject", "constraints": constraints}
        assert t.import_(path, plan)["c"]["rejected"] == 1, constraints


@pytest.mark.parametrize("orphans", ("error", "reject", "null"))
def test_rows_of_inheriting_tables_are_left_alone(t, orphans):
    t.sql("""DROP TABLE IF EXISTS c2, c, p; CREATE TABLE p (id int PRIMARY KEY); INSERT INTO p VALUES (1);
             CREATE TABLE c (id int PRIMARY KEY, p int REFERENCES p);
             CREATE TABLE c2 () INHERITS (c); INSERT INTO c2 VALUES (9, 77)""")
    path = t.file("x.db", "CREATE TABLE c (id INTEGER PRIMARY KEY, p INTEGER); INSERT INTO c VALUES (1, 1)")
    assert t.import_(path, {**NEVER, "orphans": orphans})["c"]["imported"] == 1, orphans
    assert t.rows("SELECT * FROM c ORDER BY id") == [{"id": 1, "p": 1}, {"id": 9, "p": 77}], orphans


def test_parent_and_child_of_different_collations(t):
    t.sql("""CREATE TABLE p (id text COLLATE "C" PRIMARY KEY); INSERT INTO p VALUES ('a');
             CREATE TABLE c (id int PRIMARY KEY, p text COLLATE "POSIX" REFERENCES p)""")
    path = t.file("x.db", "CREATE TABLE c (id INTEGER PRIMARY KEY, p TEXT); INSERT INTO c VALUES (1, 'a'), (2, 'b')")
    t.import_fails(path, NEVER, s.ORPHANS, r'"public.c" have no parent in "public.p"\n1 rows?, .*\(p\) = \((5|b)\)')
    for constraints in ("rebuild", "keep"):
        plan = {**NEVER, "existing_rows": "truncate", "constraints": constraints}
        assert t.import_(path, {**plan, "orphans": "reject"})["c"]["rejected"] == 1
        t.import_(path, {**plan, "orphans": "null"})
        assert t.value("SELECT string_agg(coalesce(p, '-'), '' ORDER BY id) FROM c") == "a-"


# Others at work


@pytest.mark.parametrize("orphans, left", (("reject", "2,3"), ("null", ",2,3")))
def test_a_parent_that_went_after_the_snapshot(t, orphans, left):
    t.sql("""CREATE TABLE p (id int PRIMARY KEY); CREATE TABLE c (id int PRIMARY KEY, p int REFERENCES p)""")
    path = t.file("x.db", """CREATE TABLE c (id INTEGER PRIMARY KEY, p INTEGER);
                             INSERT INTO c VALUES (1, 1), (2, 2), (3, 3)""")
    t.sql("TRUNCATE p, c; INSERT INTO p VALUES (1), (2)")
    session = t.session()
    session.run("BEGIN ISOLATION LEVEL REPEATABLE READ; SELECT count(*) FROM p")
    t.sql("DELETE FROM p WHERE id = 1; INSERT INTO p VALUES (3)")
    session.run(t.call("sqlite_import", path, {**NEVER, "orphans": orphans}))
    session.run("COMMIT")
    assert t.value("SELECT string_agg(coalesce(p::text, ''), ',' ORDER BY id) FROM c") == left, orphans


@pytest.mark.parametrize("plan", ({}, {"on_conflict": "skip"}, {"existing_rows": "append", "constraints": "keep"}))
def test_rows_that_came_after_the_snapshot(t, plan):
    t.sql("CREATE TABLE c (id serial PRIMARY KEY)")
    path = t.file("x.db", "CREATE TABLE c (id INTEGER PRIMARY KEY); INSERT INTO c VALUES (200)")
    t.sql("TRUNCATE c RESTART IDENTITY")
    session = t.session()
    session.run("BEGIN ISOLATION LEVEL REPEATABLE READ; SELECT count(*) FROM c")
    t.sql("INSERT INTO c VALUES (201); SELECT setval('c_id_seq', 201)")
    with fails(s.SERIALIZATION, "could not serialize access due to concurrent update"):
        session.run(t.call("sqlite_import", path, {**NEVER, **plan}))
    session.run("ROLLBACK")
    t.sql("INSERT INTO c DEFAULT VALUES")


@pytest.mark.parametrize("plan, refused", (({}, True), ({"existing_rows": "append"}, False)))
def test_rows_that_came_after_the_plan(t, plan, refused):
    t.sql("CREATE TABLE c (id int PRIMARY KEY)")
    path = t.file("x.db", "CREATE TABLE c (id INTEGER PRIMARY KEY); INSERT INTO c VALUES (1)")
    t.sql("TRUNCATE c")
    other, session = t.session(), t.session()
    other.run("BEGIN; INSERT INTO c VALUES (7)")
    session.send(t.call("sqlite_import", path, {**NEVER, **plan}))
    until(lambda: t.value(f"SELECT 1 FROM pg_locks WHERE pid = {session.pid} AND NOT granted") == "1", "the wait")
    other.run("COMMIT")
    result = session.attempted()
    if refused:
        result.failed(s.EXISTS, "was empty when the plan was made, but has 1")
    else:
        assert not result.error, result
    assert t.value("SELECT string_agg(id::text, ',' ORDER BY id) FROM c") == ("7" if refused else "1,7")


# The session


def test_triggers_of_a_replica_session(t):
    t.sql("""CREATE TABLE l (x text);
             CREATE FUNCTION f() RETURNS trigger LANGUAGE plpgsql
                AS 'BEGIN INSERT INTO public.l VALUES (tg_name); RETURN new; END';
             CREATE TABLE c (id int PRIMARY KEY);
             CREATE TRIGGER a BEFORE INSERT ON c FOR EACH ROW EXECUTE FUNCTION f();
             CREATE TRIGGER b BEFORE INSERT ON c FOR EACH ROW EXECUTE FUNCTION f();
             CREATE TRIGGER d BEFORE INSERT ON c FOR EACH ROW EXECUTE FUNCTION f();
             ALTER TABLE c ENABLE REPLICA TRIGGER a; ALTER TABLE c ENABLE ALWAYS TRIGGER b""")
    path = t.file("x.db", "CREATE TABLE c (id INTEGER PRIMARY KEY); INSERT INTO c VALUES (1)")
    t.sql("SET session_replication_role = replica;"
          + t.call("sqlite_import", path, {**NEVER, "constraints": "keep"}))
    assert t.rows("SELECT * FROM l") == []
    states = "SELECT string_agg(tgname || tgenabled::text, ',' ORDER BY tgname) FROM pg_trigger WHERE NOT tgisinternal"
    assert t.value(states) == "aR,bA,dO"


def test_values_do_not_depend_on_settings(t):
    t.sql("CREATE TABLE c (id int PRIMARY KEY, a text[], i interval)")
    path = t.file("x.db", """CREATE TABLE c (id INTEGER PRIMARY KEY, a TEXT, i TEXT);
                             INSERT INTO c VALUES (1, '[null,"NULL"]', '-1 02:03:04')""")
    seen = set()
    for setting in ("array_nulls = on", "array_nulls = off", "IntervalStyle = sql_standard"):
        t.sql(f"TRUNCATE c; SET {setting};" + t.call("sqlite_import", path, NEVER))
        seen.add(t.shown("SELECT a::text || i FROM c"))
    assert seen == {'{NULL,"NULL"}-1 days +02:03:04'}, seen


def test_rejected_rows_that_the_encoding_lacks(t):
    database = t.other_database("latin1", "ENCODING 'LATIN1' TEMPLATE template0 LC_COLLATE 'C' LC_CTYPE 'C'")
    t.server.run(database, "CREATE TABLE c (id int PRIMARY KEY, v text)")
    path = t.file("x.db", """CREATE TABLE c (id INTEGER PRIMARY KEY, v TEXT);
                             INSERT INTO c VALUES (1, 'a'), (2, '€"ä')""")
    t.server.run(database, t.call("sqlite_import", path, {**NEVER, "on_invalid": "reject"}))
    kept = """SELECT "values" ->> 'v' = E'\\\\u{20ac}"' || chr(228) FROM sqlite_migrate.reject"""
    assert t.server.value(database, kept) == "t"


@pytest.mark.parametrize("mine", ("CREATE TEMP TABLE {} AS SELECT 'mine' AS v", "CREATE TEMP VIEW {} AS SELECT 'mine' AS v", "CREATE TYPE pg_temp.{} AS ENUM ('mine')"))
def test_the_caller_has_something_by_the_name_of_a_temporary_table(t, mine):
    """Of a stage, and of those that cascaded orphans take; it stays as it is."""
    t.sql("CREATE TABLE t (id int PRIMARY KEY, up int REFERENCES t, v text); INSERT INTO t VALUES (7, NULL, 'old')")
    path = t.file("t.db", "CREATE TABLE t (id INTEGER PRIMARY KEY, up INTEGER, v TEXT); INSERT INTO t VALUES (1, NULL, 'a'), (2, 9, 'b'), (3, 2, 'c');")
    run = int(t.value("SELECT nextval('sqlite_migrate.log_run_id_seq')")) + 1
    names = [f"sqlite_migrate_stage_{t.value('SELECT CAST($$t$$ AS regclass)::oid')}", f"sqlite_migrate_gone_{run}", f"sqlite_migrate_link_{run}"]
    session = t.session()
    session.run("; ".join(mine.format(name) for name in names))
    there = f"SELECT (SELECT count(*) FROM pg_class WHERE relname IN ({', '.join(map(quote, names))})), (SELECT count(*) FROM pg_type WHERE typname IN ({', '.join(map(quote, names))}))"
    before = session.value(there)
    done = session.run("SELECT imported, rejected, detail FROM sqlite_import({}, {})".format(quote(str(path)), quote(json.dumps(
        {"existing_rows": "append", "constraints": "keep", "orphans": "reject"}))))
    assert done.out == "1|2|2 rows without a parent were rejected\n", done.out
    assert t.value("SELECT max(id) FROM sqlite_migrate.run") == str(run)
    assert session.value(there) == before
    assert session.value("SELECT count(*) FROM pg_class WHERE relname ~ '^sqlite_migrate_(stage|gone|link)'") == ("0" if "TYPE" in mine else "3")
