"""A standby, and a transaction that may only read: what only reads works, and what writes says so."""

import contextlib
import sqlite3

import sqlstates as s
from client import fails
from cluster import Server
from harness import quote

FILE = """
    CREATE TABLE p (id INTEGER PRIMARY KEY, name TEXT UNIQUE CHECK (length(name) > 0), at DATETIME, e TEXT AS (name || '!'));
    CREATE TABLE c (id INTEGER PRIMARY KEY, p INTEGER REFERENCES p, x REAL DEFAULT 1.5, CHECK (x > 0)); CREATE INDEX ci ON c (abs(p)) WHERE p > 0;
    INSERT INTO p VALUES (1, 'a', '2024-01-02'), (2, 'b', '2024-01-02 03:04:05'); INSERT INTO c VALUES (1, 1, 2.5), (2, 2, 3.5);"""
EXISTING = """CREATE SCHEMA there; CREATE TABLE there.p (id bigint PRIMARY KEY, name text, at timestamptz, e text);
    CREATE TABLE there.c (id serial PRIMARY KEY, p bigint, x float8); INSERT INTO there.c VALUES (40)"""
PLANS = ({}, {"schema": "there", "existing_rows": "append"}, {"schema": "there", "create": "never", "existing_rows": "append"},
         {"schema": "new", "before": "CREATE TABLE x ()"}, {"wal": "copy"})
READERS = ("sqlite_inspect", "sqlite_findings", "sqlite_plan", "sqlite_ddl", "sqlite_compare")


@contextlib.contextmanager
def standby(t, prepare):
    """A cluster with the extension that was made with `prepare` and started again as a standby."""
    server = Server(f"{t.server.name}_standby")
    server.start()
    try:
        for sql in ("CREATE EXTENSION pg_sqlite_migrate", *prepare):
            server.run("postgres", sql)
        server.script("stop", server.name)
        (server.data / "standby.signal").touch()
        server.script("start", server.name)
        position = server.log_size()
        yield lambda sql: server.run("postgres", sql)
        log = server.log_since(position)
        assert "XX000" not in log and "terminated by signal" not in log, log
    finally:
        server.stop()


def test_functions_that_read_say_the_same_on_a_standby(t):
    path = t.file("a.db", FILE)
    wal = t.file("wal.db", "PRAGMA journal_mode = wal; CREATE TABLE t (a INTEGER PRIMARY KEY); INSERT INTO t VALUES (1)")
    application = sqlite3.connect(wal)
    application.execute("INSERT INTO t VALUES (2)")
    application.commit()
    calls = [t.call(reader, path, plan) for reader in READERS for plan in PLANS]
    calls += [t.call("sqlite_check", file) for file in (path, wal)]
    calls += [t.call("sqlite_assess", path, plan) + " WHERE subject <> 'time'" for plan in PLANS]
    calls += ["SELECT * FROM sqlite_advise() WHERE subject IN ('primary key', 'foreign key', 'index', 'column type')"]
    calls += [f"SELECT * FROM sqlite_assess_files({quote(str(t.dir))})"]
    calls += [t.call("sqlite_inspect", wal, plan) for plan in ({}, {"wal": "copy"})]
    calls += [f"SELECT sqlite_manifest({quote(str(path))})",
              f"SELECT * FROM verify_manifest(sqlite_manifest({quote(str(path))}), 'done')"]
    exported = quote(str(t.dir / "exported.db"))
    calls += [f"SELECT schema, \"table\", target, rows, detail FROM sqlite_export({exported}, '{{\"schema\": \"done\", \"overwrite\": true}}')",
              f"SELECT * FROM verify_export({exported}, '{{\"schema\": \"done\"}}')"]
    calls += ["SELECT * FROM verify_counts()", "SELECT * FROM verify_values()", "SELECT id, status FROM sqlite_migrate.run", "SELECT * FROM f.c JOIN f.p ON p.id = c.p ORDER BY c.id",
              "SELECT count(*), max(id) FROM f.c", "SELECT server_name FROM pg_sqlite_fdw_get_connections()"]
    foreign = f"CREATE SERVER f FOREIGN DATA WRAPPER pg_sqlite_fdw OPTIONS (database {quote(str(path))}, updatable 'true', truncatable 'true'); CREATE SCHEMA f; IMPORT FOREIGN SCHEMA main FROM SERVER f INTO f"
    prepare = [EXISTING, foreign, t.call("sqlite_import", path, {"schema": "done"})]
    for sql in prepare:
        t.sql(sql)
    try:
        with standby(t, prepare) as run:
            assert run("SELECT pg_is_in_recovery()").out == "t\n"
            for call in calls:
                said, expected = run(call).out.strip(), t.shown(call)
                assert said == expected, (call, said, expected)
            for plan in PLANS:
                with fails(s.READ_ONLY, r"^cannot execute sqlite_import\(\)"):
                    run(t.call("sqlite_import", path, plan))
            with fails(s.READ_ONLY, r"^cannot execute sqlite_forget\(\)"):
                run("SELECT sqlite_forget(1)")
            with fails(s.READ_ONLY, r"^cannot execute sqlite_migrate.purge\(\)"):
                run("SELECT sqlite_migrate.purge('infinity')")
            run("SELECT * FROM reset_sequences('done')")
            with fails(s.READ_ONLY, "setval"):
                run("SELECT * FROM reset_sequences('there')")
            for sql in ("INSERT INTO f.c VALUES (9, 1, 1)", "UPDATE f.c SET x = 3", "DELETE FROM f.c", "TRUNCATE f.c", "IMPORT FOREIGN SCHEMA main FROM SERVER f INTO done"):
                with fails(s.READ_ONLY, "^cannot execute (INSERT|UPDATE|DELETE|TRUNCATE TABLE|IMPORT FOREIGN SCHEMA) "):
                    run(sql)
    finally:
        application.close()


def test_a_transaction_that_may_only_read(t):
    path = t.file("a.db", FILE)
    t.sql(EXISTING)
    t.import_(path, {"schema": "done"})
    for reader in READERS:
        for plan in PLANS:
            call = t.call(reader, path, plan)
            assert t.sql("BEGIN READ ONLY; " + call).out == t.sql(call).out, call
    traces = t.traces()
    with fails(s.READ_ONLY, r"^cannot execute sqlite_import\(\)"):
        t.sql("BEGIN READ ONLY; " + t.call("sqlite_import", path, {"schema": "new"}))
    with fails(s.READ_ONLY, r"^cannot execute sqlite_forget\(\)"):
        t.sql("BEGIN READ ONLY; SELECT sqlite_forget(1)")
    with fails(s.READ_ONLY, r"^cannot execute sqlite_migrate.purge\(\)"):
        t.sql("BEGIN READ ONLY; SELECT sqlite_migrate.purge('infinity')")
    with fails(s.READ_ONLY, "setval"):
        t.sql("BEGIN READ ONLY; SELECT * FROM reset_sequences('there')")
    t.sql("BEGIN READ ONLY; SELECT * FROM verify_counts(); SELECT * FROM verify_values()")
    assert t.traces() == traces
