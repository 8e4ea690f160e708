"""Two imports at once, and sessions in which triggers do not fire."""

import pytest

import sqlstates as s
from client import fails
from harness import until

PARENTS = "CREATE TABLE parent (id INTEGER PRIMARY KEY); INSERT INTO parent VALUES (1), (2);"
CHILDREN = "CREATE TABLE child (id INTEGER PRIMARY KEY, parent INTEGER REFERENCES parent); INSERT INTO child VALUES (1, 1), (2, 77);"


def waits_for(t, session):
    """Somebody waits for what this session has."""
    return lambda: t.value(f"SELECT count(*) FROM pg_stat_activity WHERE {session.pid} = ANY (pg_blocking_pids(pid))") == "1"


@pytest.mark.parametrize("schema", ("public", "not yet"))
def test_the_second_import_into_a_schema_waits(t, schema):
    """Also where the schema does not exist yet; another schema and reads do not wait."""
    path = t.file("one.db", PARENTS)
    first, second = t.session(), t.session()
    call = t.call("sqlite_import", path, {"schema": schema})
    first.run("BEGIN; " + call)
    second.send(call)
    until(waits_for(t, first), "the second import waits")
    for function in ("sqlite_plan", "sqlite_findings", "sqlite_ddl", "sqlite_compare"):
        t.sql("SET lock_timeout = '5s'; " + t.call(function, path, {"schema": schema}))
    t.sql("SET lock_timeout = '5s'; " + t.call("sqlite_import", path, {"schema": "other"}))
    first.run("COMMIT")
    said = second.attempted()
    said.failed(s.EXISTS, "holds 2 rows")
    assert f'waiting for session {first.pid} to end its import into schema "{schema}"' in said.told, said.told
    # After a ROLLBACK the second makes the tables itself.
    t.sql(f'DROP TABLE "{schema}".parent')
    first.run("BEGIN; " + call)
    second.send(call)
    until(waits_for(t, first), "the second import waits")
    first.run("ROLLBACK")
    second.wait()
    assert t.value(f'SELECT count(*) FROM "{schema}".parent') == "2"


def test_a_wait_for_another_import_can_be_ended(t):
    path = t.file("one.db", PARENTS)
    first, second = t.session(), t.session()
    call = t.call("sqlite_import", path, {"existing_rows": "replace", "tables": {"parent": {"schema": "b"}}})
    first.run("BEGIN; " + call)
    with fails("55P03", "lock timeout"):
        second.run("SET lock_timeout = '300ms'; " + call)
    with fails(s.CANCELED, "statement timeout"):
        second.run("SET lock_timeout = 0; SET statement_timeout = '300ms'; " + call)
    # The same transaction imports again; an import that failed in a savepoint keeps nobody waiting.
    first.run("SAVEPOINT a; " + call)
    first.run("COMMIT")
    with fails("22012", "division by zero"):
        first.run("BEGIN; SAVEPOINT a; " + t.call("sqlite_import", path, {"existing_rows": "replace", "after": "SELECT 1/0"}))
    first.run("ROLLBACK TO a")
    second.run("SET statement_timeout = 0; SET lock_timeout = '5s'; " + call)


def test_many_schemas_are_taken_in_one_order(t):
    path = t.file("two.db", PARENTS + "CREATE TABLE other (id INTEGER PRIMARY KEY);")
    plans = [{"schema": a, "tables": {"other": {"schema": b}}, "existing_rows": "replace"} for a, b in (("a", "b"), ("b", "a"))]
    t.import_(path, plans[0])
    t.import_(path, plans[1])
    sessions = [t.session(), t.session()]
    for _ in range(5):
        for session, plan in zip(sessions, plans):
            session.send(t.call("sqlite_import", path, plan))
        for session in sessions:
            session.wait()


@pytest.mark.parametrize("role", ("origin", "local", "replica"))
def test_foreign_keys_are_proven_where_triggers_do_not_fire(t, role):
    """session_replication_role = replica: the staged way finds what the direct way does, or says what it did not check."""
    t.sql("CREATE TABLE parent (id bigint PRIMARY KEY); CREATE TABLE child (id bigint PRIMARY KEY, parent bigint REFERENCES parent)")
    # The file declares no key: what it says of its own rows would stop the import before.
    both = t.file("both.db", PARENTS + CHILDREN.replace(" REFERENCES parent", ""))
    ways = {"direct": {}, "staged": {"constraints": "keep"}, "conflict": {"on_conflict": "skip"}}
    for name, way in ways.items():
        call = lambda plan: f"SET session_replication_role = {role}; " + t.call("sqlite_import", both, {"existing_rows": "append", **way, **plan})  # noqa: E731
        failed = t.attempt(call({}))
        failed.failed(s.ORPHANS, r"\(parent\) ?= ?\(77\)")
        assert t.value("SELECT count(*) FROM child") == "0", (role, name)
        done = t.sql(call({"orphans": "reject"}))
        assert t.value("SELECT string_agg(id::text, ',') FROM child") == "1", (role, name)
        assert t.value("SELECT count(*) FROM sqlite_migrate.reject") == "1", (role, name, done.out)
        t.sql("TRUNCATE parent, child; SELECT sqlite_forget(id) FROM sqlite_migrate.run")
        t.sql(call({"orphans": "null"}))
        assert t.value("SELECT string_agg(id || coalesce(':' || parent, ''), ',' ORDER BY id) FROM child") == "1:1,2", (role, name)
        t.sql("TRUNCATE parent, child; SELECT sqlite_forget(id) FROM sqlite_migrate.run")


def test_a_key_that_nobody_checked_is_named(t):
    """A foreign key that comes during the import is the server's to check; where its triggers are silent, that is said."""
    t.sql("""CREATE TABLE a_first (id bigint PRIMARY KEY); CREATE TABLE parent (id bigint PRIMARY KEY); CREATE TABLE child (id bigint PRIMARY KEY, parent bigint);
        CREATE FUNCTION late() RETURNS trigger LANGUAGE plpgsql AS $$BEGIN
            ALTER TABLE public.child ADD CONSTRAINT late FOREIGN KEY (parent) REFERENCES public.parent; RETURN NULL; END$$;
        CREATE TRIGGER late AFTER INSERT ON a_first FOR EACH STATEMENT EXECUTE FUNCTION late(); ALTER TABLE a_first ENABLE ALWAYS TRIGGER late""")
    path = t.file("child.db", "CREATE TABLE a_first (id INTEGER PRIMARY KEY); INSERT INTO a_first VALUES (1);" + CHILDREN.replace(" REFERENCES parent", ""))
    call = t.call("sqlite_import", path, {"existing_rows": "append", "tables": {"a_first": {"fire_triggers": True}}})
    with fails(s.ORPHANS, 'foreign key constraint "late"'):
        t.sql(call)
    said = t.sql("SET session_replication_role = replica; " + call)
    assert "not checked, because session_replication_role is replica: late" in said.out, said.out


def test_a_key_that_before_makes_is_the_plans_to_check(t):
    """Whatever the session's triggers are."""
    t.sql("CREATE TABLE parent (id bigint PRIMARY KEY); CREATE TABLE child (id bigint PRIMARY KEY, parent bigint)")
    path = t.file("child.db", CHILDREN.replace(" REFERENCES parent", ""))
    plan = {"existing_rows": "append", "before": "ALTER TABLE child ADD CONSTRAINT early FOREIGN KEY (parent) REFERENCES parent"}
    with fails(s.ORPHANS, r'"public.child" have no parent in "public.parent"\n2 rows, .*\(parent\) = \(77\)'):
        t.sql("SET session_replication_role = replica; " + t.call("sqlite_import", path, plan))
