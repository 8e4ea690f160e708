"""Somebody works against an import while it runs: names change hands, the log is opened, keys are hit in bad moments."""

from test_rights import FILE, caller, hostile, ran

from client import fails
from harness import until


def waits(t, session):
    return t.value(f"SELECT wait_event_type = 'Lock' FROM pg_stat_activity WHERE pid = {session.pid}") == "t"


# A table in the place of another, with code wherever a reader or a writer of rows comes by.
TRAPPED = ("CREATE TABLE {name} (id int PRIMARY KEY, name text, x text DEFAULT trap.own(), CHECK (trap.evil(id) > 0));"
           "CREATE INDEX ON {name} ((id + trap.evil(1))); GRANT ALL ON {name} TO PUBLIC;")


def test_a_table_is_exchanged_while_somebody_waits_for_it(t):
    """Whoever owns a schema may drop what is in it and make something else, all in a transaction that others wait for."""
    user, other = hostile(t), caller(t)
    t.sql("CREATE SCHEMA theirs; GRANT ALL ON SCHEMA theirs TO PUBLIC", user)
    path = t.file("a.db", FILE)
    append = {"schema": "theirs", "existing_rows": "append"}
    calls = {
        "import": t.call("sqlite_import", path, append),
        "findings": t.call("sqlite_findings", path, append),
        "verify": "SELECT * FROM verify_counts()",
        "sequences": "SELECT * FROM reset_sequences()",
    }
    for i, (name, call) in enumerate(calls.items()):
        who = ("postgres", other)[i % 2]
        t.sql(t.call("sqlite_import", path, {"schema": "theirs"}), who)
        thief, victim = t.session(user), t.session(who)
        thief.run(f"BEGIN; DROP TABLE theirs.items; {TRAPPED.format(name='theirs.items')}")
        victim.send(call)
        until(lambda: waits(t, victim), "the call waits")
        thief.run("COMMIT")
        said = victim.attempted()
        assert ran(t, user) == "", (name, who, ran(t, user), said)
        # Made anew by the hostile role, it is what it is when nobody waits: not loaded unasked.
        expected = {"import": f'belongs to role "{user}"', "findings": f'belongs to role "{user}"',
                    "verify": "not counted: it does not exist any more", "sequences": "not looked at: its sequence does not exist any more"}
        assert expected[name] in f"{said.out}{said.told}{said.error}", (name, said)
        t.sql("DROP TABLE theirs.items", user)


def test_a_schema_is_exchanged_in_the_middle_of_an_import(t):
    """Its owner renames it and makes another of the same name, with a trap in the place of a table that the plan has seen or that was just made."""
    user, other = hostile(t), caller(t)
    path = t.file("a.db", "CREATE TABLE a (id INTEGER PRIMARY KEY); INSERT INTO a VALUES (1);"
                  "CREATE TABLE items (id INTEGER PRIMARY KEY, name TEXT, a INTEGER REFERENCES a); INSERT INTO items VALUES (1, 'a', 1), (2, 'b', 1);")
    for i, (who, there) in enumerate((("postgres", False), (other, False), ("postgres", True), (other, True))):
        schema = f"theirs{i}"
        t.sql(f"CREATE SCHEMA {schema}; GRANT ALL ON SCHEMA {schema} TO PUBLIC", user)
        t.sql(f'CREATE SCHEMA IF NOT EXISTS mine; GRANT ALL ON SCHEMA mine TO PUBLIC; DROP TABLE IF EXISTS mine.a CASCADE;'
              f'CREATE TABLE mine.a (id bigint PRIMARY KEY); ALTER TABLE mine.a OWNER TO "{who}"')
        if there:
            t.sql(f'CREATE TABLE {schema}.items (id bigint PRIMARY KEY, name text, a bigint); ALTER TABLE {schema}.items OWNER TO "{who}"')
        holder, victim, thief = t.session(), t.session(who), t.session(user)
        holder.run("BEGIN; LOCK TABLE mine.a IN SHARE MODE")
        victim.send(t.call("sqlite_import", path, {"schema": schema, "tables": {"a": {"schema": "mine"}}}))
        until(lambda: waits(t, victim), "the import waits")
        thief.send(f"ALTER SCHEMA {schema} RENAME TO gone{i}; CREATE SCHEMA {schema}; GRANT ALL ON SCHEMA {schema} TO PUBLIC;"
                   + TRAPPED.format(name=f"{schema}.items"))
        gone = f"SELECT count(*) FROM pg_indexes WHERE schemaname = '{schema}' AND indexname = 'items_expr_idx'"
        until(lambda: waits(t, thief) or t.value(gone) == "1", "the other waits, or is done")
        exchanged = t.value(gone) == "1"
        holder.run("COMMIT")
        said = victim.attempted()
        thief.wait()
        assert ran(t, user) == "", (who, ran(t, user), said)
        if exchanged:
            # A server whose ALTER SCHEMA waits for nobody (18): what has the table's name now is not what was made.
            said.failed("42P01", rf'"{schema}"."items" was dropped or changed while the import was running')
            assert t.value("SELECT count(*) FROM mine.a") == "0", "all is rolled back"
        else:
            assert "items" in said.out and not said.error, said
            assert t.value(f"SELECT count(*) FROM gone{i}.items") == "2", "loaded where it was made"


def test_default_privileges_do_not_open_the_log(t):
    """Privileges that an administrator gives on all new tables are not meant for a log that is to be believed."""
    user = t.role("app")
    other = t.empty_database("open")
    t.server.run(other, f"""ALTER DEFAULT PRIVILEGES GRANT ALL ON TABLES TO PUBLIC, "{user}";
        ALTER DEFAULT PRIVILEGES GRANT ALL ON SEQUENCES TO "{user}"; ALTER DEFAULT PRIVILEGES GRANT ALL ON SCHEMAS TO "{user}";
        CREATE EXTENSION pg_sqlite_migrate""")
    path = t.file("a.db", FILE)
    t.server.run(other, t.call("sqlite_import", path))
    for statement in ("INSERT INTO sqlite_migrate.log_finding SELECT id, 99, 'info', '', '', '' FROM sqlite_migrate.log_run",
                      "SELECT * FROM sqlite_migrate.log_reject", "DELETE FROM sqlite_migrate.run", "DELETE FROM sqlite_migrate.finding",
                      "SELECT nextval('sqlite_migrate.log_run_id_seq')", "TRUNCATE sqlite_migrate.log_run CASCADE",
                      "CREATE TABLE sqlite_migrate.x ()"):
        with fails(("42501", "55000"), "permission denied for|cannot delete from view"):
            t.server.run(other, statement, user)
    assert t.server.value(other, "SELECT count(*) FROM sqlite_migrate.run", user) == "0"
