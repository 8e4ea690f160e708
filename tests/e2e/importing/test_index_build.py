"""`index_build`: what the server may use while indexes are built, for the run alone; and how it builds and validates."""

import contextlib
import re
import sqlite3

import pytest

import sqlstates as s
from client import fails
from cluster import Server
from harness import until

SETTINGS = "SELECT current_setting('maintenance_work_mem'), current_setting('max_parallel_maintenance_workers')"
# DEBUG1 of an index build.
BUILT = re.compile(r'building index "(\w+)" on table "\w+" (serially|with request for (\d+) parallel workers)')
# DEBUG1 of the postmaster.
LAUNCHED = 'starting background worker process "parallel worker for PID {pid}"'


@pytest.fixture
def file(t):
    path = t.file("f.db", """CREATE TABLE p (a INTEGER PRIMARY KEY, b TEXT UNIQUE); CREATE INDEX i ON p (b, a);
        CREATE TABLE c (a INTEGER PRIMARY KEY, p INTEGER REFERENCES p, b TEXT REFERENCES p (b))""")
    with sqlite3.connect(path) as db:
        db.executemany("INSERT INTO p VALUES (?, ?)", ((i, f"text {i}" * 5) for i in range(5000)))
        db.executemany("INSERT INTO c VALUES (?, ?, ?)", ((i, i % 5000, f"text {i % 5000}" * 5) for i in range(10000)))
    db.close()
    return path


def built(notices):
    """The workers that the build of each index asked for."""
    found = (BUILT.search(notice.message) for notice in notices)
    return {m[1]: int(m[3] or 0) for m in found if m and not m[1].startswith("pg_toast")}


@contextlib.contextmanager
def server(t):
    """One that uses workers for small tables, and tells of every worker that it starts."""
    made = Server(f"{t.server.name}_workers", "min_parallel_table_scan_size = 0\nlog_min_messages = debug1\nmax_worker_processes = 8\n")
    made.start()
    try:
        made.run("postgres", "CREATE EXTENSION pg_sqlite_migrate")
        yield made
        log = made.log.read_text(errors="replace")
        assert "PANIC" not in log and "terminated by signal" not in log, log[-3000:]
    finally:
        made.stop()


def test_workers_build_indexes_inside_an_import(t, file):
    indexes = {"p_pkey", "c_pkey", "p_b_key", "i"}
    with server(t) as run, run.session("postgres") as session:
        launched = lambda: run.log.read_text(errors="replace").count(LAUNCHED.format(pid=session.pid))  # noqa: E731
        session.run("SET client_min_messages = debug1")
        for workers, plan in ((0, {"workers": 0, "memory": "1GB"}), (2, {"workers": 2, "memory": "96MB"}), (1, {"workers": 4, "memory": "64MB"})):
            before = launched()
            result = session.run(t.call("sqlite_import", file, {"schema": f"w{workers}", "index_build": plan}))
            found = built(result.notices)
            assert set(found) == indexes and set(found.values()) == {workers}, found
            until(lambda: launched() - before >= workers * len(indexes), "the workers were started")
            assert (launched() > before) == (workers > 0)
        assert session.value("SELECT count(*) FROM w2.p") == "5000"
        # Indexes of existing tables are rebuilt with them, too.
        session.run("TRUNCATE w2.c, w2.p")
        before = launched()
        session.run(t.call("sqlite_import", file, {"schema": "w2", "create": "never", "index_build": {"workers": 2, "memory": "96MB"}}))
        until(lambda: launched() - before >= 2, "the workers were started")


def test_settings_hold_for_the_run_and_its_own_steps(t, file):
    plan = {"index_build": {"memory": "77MB", "workers": 1}, "schema": "s",
            "before": ["CREATE SCHEMA s", "CREATE TABLE s.before AS SELECT current_setting('maintenance_work_mem') AS m"],
            "after": "CREATE TABLE s.after AS SELECT current_setting('maintenance_work_mem') AS m"}
    with t.server.session(t.database) as session:
        session.run("SET maintenance_work_mem = '33MB'; SET max_parallel_maintenance_workers = 3")
        session.run(t.call("sqlite_import", file, plan))
        assert session.value("SELECT b.m, a.m FROM s.before b, s.after a") == "33MB|33MB"
        assert session.value(SETTINGS) == "33MB|3"
        # What is not given stays the session's.
        session.run(t.call("sqlite_import", file, {"schema": "t", "index_build": {}}))
        assert session.value(SETTINGS) == "33MB|3"


FAILING = {"columns": {"b": {"type": "integer"}}}


@pytest.mark.parametrize("begin", ["", "BEGIN; SAVEPOINT s; "])
def test_settings_are_restored_after_an_error(t, file, begin):
    call = t.call("sqlite_import", file, {"index_build": {"memory": "77MB", "workers": 1}, "tables": {"p": FAILING}})
    with t.server.session(t.database) as session:
        session.run("SET maintenance_work_mem = '33MB'; SET max_parallel_maintenance_workers = 3")
        with fails(s.INVALID_VALUE, "text"):
            session.run(begin + call)
        session.run("ROLLBACK TO s" if begin else "SELECT 1")
        assert session.value(SETTINGS) == "33MB|3"
    with t.server.session(t.database) as session:
        session.run("SET maintenance_work_mem = '33MB'; SET max_parallel_maintenance_workers = 3")
        session.run("CREATE TABLE seen (m text)")
        inner = call.replace("SELECT *", "PERFORM 1")
        session.run(f"DO $$BEGIN {inner}; EXCEPTION WHEN others THEN INSERT INTO seen VALUES (current_setting('maintenance_work_mem')); END$$")
        assert session.value("TABLE seen") == "33MB" and session.value(SETTINGS) == "33MB|3"
        # A run that goes on leaves them as well.
        session.run(t.call("sqlite_import", file, {"index_build": {"memory": "77MB"}, "on_error": "continue", "tables": {"p": FAILING}}))
        assert session.value(SETTINGS) == "33MB|3"


def test_the_plan_prints_it_and_its_mistakes_are_named(t, file):
    assert t.plan(file)["index_build"] == {"memory": None, "workers": None}
    given = {"memory": "512MB", "workers": 2}
    assert t.plan(file, {"index_build": given})["index_build"] == given
    t.import_fails(file, {"index_build": {"memory": "lots"}}, s.PLAN, r"plan\.index_build\.memory", "512MB")
    t.import_fails(file, {"tables": {"p": {"index_build": {}}}}, s.UNSUPPORTED, r"plan\.tables\.p\.index_build")


def test_foreign_keys_are_validated_by_one_join_each(t, file):
    """Though nothing was analyzed yet: the build of an index leaves the number of rows in pg_class."""
    with t.server.session(t.database) as session:
        if session.attempt("LOAD 'auto_explain'").error:
            pytest.skip("the server has no auto_explain")
        session.run("SET auto_explain.log_min_duration = 0; SET auto_explain.log_nested_statements = on; SET client_min_messages = log")
        result = session.run(t.call("sqlite_import", file, {"analyze": False}))
    plans = [notice.message for notice in result.notices if "LEFT OUTER JOIN ONLY" in notice.message]
    assert len(plans) == 2, result.told[:2000]
    for plan in plans:
        assert re.search(r"(Hash|Merge) (Right )?Anti Join", plan) and "Nested Loop" not in plan, plan
