"""Several connections read one file: the result is that of one, and all of it is of one moment."""

import json
import os
import random
import sqlite3
import time

import pytest

import sqlstates as s
from client import fails
from harness import quote, until
from source_files import AS_OWNER, OWNER, as_owner, give, home

# Enough for several readers of a load, and with gaps of two for a profile in parts.
ROWS = 101_000
# How many are asked for; None leaves it to the number of processors.
READERS = [1, 2, 5, None]
SERIES = f"WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < {ROWS})"


def made(t, name="many.db", mode="delete", encoding="UTF-8"):
    """A file whose tables have rowids at even distances, at others, in a few far places, and none."""
    path = t.file(name, f"""
        PRAGMA journal_mode = {mode};
        CREATE TABLE even (id INTEGER PRIMARY KEY, kind TEXT, score REAL, at DATETIME, price DECIMAL(9,2), doc JSON, odd);
        {SERIES} INSERT INTO even SELECT i * 2, 'kind ' || i % 17, i / 8.0, datetime(1700000000 + i, 'unixepoch'), i % 100000 / 100.0,
            CASE i % 5 WHEN 0 THEN '{{"n": ' || i || '}}' END, CASE WHEN i > {ROWS} - 9 THEN 'text ' || i ELSE i END FROM n;
        CREATE TABLE sparse (id INTEGER PRIMARY KEY, v TEXT);
        {SERIES} INSERT INTO sparse SELECT (i * 7919) % {ROWS} * 1000003, hex(i) FROM n WHERE i < 9000;
        CREATE TABLE places (id INTEGER PRIMARY KEY, v INTEGER);
        {SERIES} INSERT INTO places SELECT CASE WHEN i % 3 = 0 THEN -9223372036854775808 + i WHEN i % 3 = 1 THEN i ELSE 9223372036854775807 - i END, i FROM n WHERE i < 9000;
        CREATE TABLE keyed (k TEXT PRIMARY KEY, v INTEGER) WITHOUT ROWID;
        {SERIES} INSERT INTO keyed SELECT 'k' || i, i FROM n WHERE i < 9000;
        CREATE TABLE small (id INTEGER PRIMARY KEY, v TEXT); INSERT INTO small VALUES (1, 'a'), (900000, 'b'); CREATE TABLE none (a)""", encoding)
    return path


def plan_of(t, path, options):
    plan = json.loads(t.value(t.call("sqlite_plan", path, options)))
    return {key: value for key, value in plan.items() if key != "readers"}


@pytest.mark.parametrize("encoding,mode,numbers", [("UTF-8", "delete", READERS), ("UTF-16le", "wal", [1, 3])], ids=["journal", "wal"])
def test_plans_findings_and_tables_are_the_same(t, encoding, mode, numbers):
    path = made(t, "many.db", mode, encoding)
    tables = ["even", "sparse", "places", "keyed", "small", "none"]
    first = None
    for readers in numbers:
        schema = f"r{readers}".lower()
        options = {"readers": readers}
        plan, findings = plan_of(t, path, options), t.value(t.call("sqlite_findings", path, options))
        t.import_(path, {**options, "schema": schema, "verify": "values"})
        # Rows lie in the order of the file, whoever has read them.
        told = [t.value(f"SELECT md5(string_agg(ctid || x::text, '' ORDER BY ctid)), count(*) FROM {schema}.{table} x") for table in tables]
        first = first or (plan, findings, told)
        assert (plan, findings, told) == first, readers
    assert [line.split("|")[1] for line in first[2]] == [str(ROWS), *["8999"] * 3, "2", "0"]


@pytest.mark.parametrize("readers", [1, 4])
def test_the_first_row_that_does_not_fit_ends_the_load(t, readers):
    path = t.file("bad.db", f"CREATE TABLE t (id INTEGER PRIMARY KEY, n INTEGER); {SERIES} INSERT INTO t SELECT i, CASE WHEN i % 20000 = 19000 THEN 'x' || i ELSE i END FROM n")
    plan = {"readers": readers, "tables": {"t": {"columns": {"n": {"type": "integer"}}}}, "profile": "none"}
    with fails(s.INVALID_VALUE, "rowid 19000"):
        t.import_(path, plan)
    assert t.value("SELECT to_regclass('public.t')") == ""
    t.import_(path, {**plan, "on_invalid": "reject"})
    assert t.value("SELECT count(*), (SELECT string_agg(rowid::text, ' ' ORDER BY id) FROM sqlite_migrate.reject) FROM t") \
        == f"{ROWS - 5}|19000 39000 59000 79000 99000"


WRITER = AS_OWNER + """
db = sqlite3.connect(sys.argv[3], isolation_level=None, timeout=60)
db.execute("PRAGMA wal_autocheckpoint = 50")
print("ready", flush=True)
n = 0
while True:
    n += 1
    try:
        db.execute("BEGIN IMMEDIATE")
        # At both ends and in the middle of each table: whoever reads a part later must not see more.
        for table in "ab":
            for place in (2, 100000, 200002):
                db.execute(f"UPDATE {table} SET v = ? WHERE id = ?", (n, place))
        db.execute("INSERT INTO log VALUES (?)", (n,))
        db.execute("COMMIT")
    except sqlite3.OperationalError:
        db.execute("ROLLBACK") if db.in_transaction else None
"""


@pytest.mark.parametrize("mode", ["wal", "delete"])
def test_everything_is_of_one_moment_while_another_process_writes(t, mode):
    directory = home(t, "busy", 0o777)
    path = directory / "app.db"
    with sqlite3.connect(path) as db:
        db.executescript(f"PRAGMA journal_mode = {mode}; CREATE TABLE log (n INTEGER);" + "".join(
            f"CREATE TABLE {table} (id INTEGER PRIMARY KEY, v INTEGER, pad TEXT); "
            f"{SERIES} INSERT INTO {table} SELECT i * 2, 0, 'padding ' || i FROM n;"
            for table in "ab"))
    db.close()
    give(path)
    writer = as_owner(WRITER, str(path))
    moments = set()
    try:
        writer.stdout.readline()
        for number in range(5):
            t.sql("SET pg_sqlite_migrate.busy_timeout = '60s'; " + t.call("sqlite_import", path, {"readers": 4, "schema": f"s{number}"}).replace("*", "count(*)"))
            places = " UNION ".join(f"SELECT v FROM s{number}.{table} WHERE id IN (2, 100000, 200002)" for table in "ab")
            one = t.value(f"SELECT string_agg(v::text, ' '), (SELECT count(*) FROM s{number}.log), (SELECT count(DISTINCT n) FROM s{number}.log) FROM ({places}) x")
            assert len(set(one.split("|"))) == 1, one
            moments.add(one)
            until(lambda: os.stat(path).st_mtime > 0 and writer.poll() is None, "the application goes on")
        assert len(moments) > 1, "nothing was written meanwhile"
    finally:
        writer.kill()
        writer.wait()
        writer.stdout.close()


def test_readers_end_with_their_load(t):
    path = made(t)
    t.own(path)
    call = t.call("sqlite_import", path, {"readers": 4})
    session, most, start = t.session(), 0, time.monotonic()
    session.send("BEGIN; " + call + "; ROLLBACK")
    while session.running():
        most = max(most, session.threads())
    session.wait()
    whole = time.monotonic() - start
    assert most == 5, "the backend and four readers"
    session.close()
    r = random.Random(3)
    for end in ["pg_cancel_backend", "pg_terminate_backend"] * 4:
        session = t.session()
        session.send("BEGIN; SAVEPOINT s; " + call)
        time.sleep(r.uniform(0, whole))
        t.end(session, end)
        if end == "pg_cancel_backend":
            session.attempt("ROLLBACK TO s")
            until(lambda s=session: s.threads() == 1, "the threads have ended")
            assert session.open_files(t.dir) == []
        t.gone(session)
        # The application can write at once: no lock is left.
        with sqlite3.connect(path, timeout=0) as db:
            db.execute("INSERT INTO none VALUES (1)")
        db.close()


@pytest.mark.parametrize("readers,said", [(0, "0"), (65, "65"), (-1, "-1"), (1.5, "1.5"), ("2", "a string"), (True, "a boolean")])
def test_a_number_of_readers_is_one(t, readers, said):
    path = t.file("x.db", "CREATE TABLE t (a)")
    with fails(s.PLAN, f"plan.readers: expected a number from 1 to 64, or null, not {said}$"):
        t.import_(path, {"readers": readers})
