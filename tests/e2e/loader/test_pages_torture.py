"""A load of pages is ended at random moments: nothing of it is visible, no thread is left, no checkpoint is held up."""

import os
import random
import sqlite3
import time

from harness import quote, until

# `make torture` asks for many.
ROUNDS = int(os.environ.get("TORTURE", "12"))


def made(t):
    path = t.file("x.db", "CREATE TABLE t (a INTEGER PRIMARY KEY, b TEXT, c BLOB); CREATE TABLE u (a INTEGER, n NUMERIC); CREATE INDEX i ON t (b)")
    with sqlite3.connect(path) as db:
        db.executemany("INSERT INTO t VALUES (?, ?, ?)", ((i, f"text {i}", os.urandom(4000) if i % 200 == 0 else None) for i in range(60_000)))
        db.executemany("INSERT INTO u VALUES (?, ?)", ((i, i / 8) for i in range(20_000)))
    db.close()
    return path


def test_random_cancels_and_terminations(t):
    path = made(t)
    call = t.call("sqlite_import", path, {"loader": "pages"})
    start = time.monotonic()
    t.sql("BEGIN; " + call + "; ROLLBACK")
    whole = time.monotonic() - start
    r = random.Random(int(os.environ.get("TORTURE_SEED", "1")))
    for number in range(ROUNDS):
        end = r.choice(["pg_cancel_backend", "pg_terminate_backend"])
        session = t.session()
        session.send("BEGIN; SAVEPOINT s; " + call)
        time.sleep(r.uniform(0, whole))
        t.end(session, end)
        if end == "pg_cancel_backend":
            # The transaction goes on where it was before.
            session.attempt("ROLLBACK TO s")
            until(lambda s=session: s.threads() == 1, "the thread has ended")
            if number % 3 == 0:
                session.run("ROLLBACK TO s; SET LOCAL statement_timeout = 0; " + call + "; COMMIT")
                assert session.value("SELECT (SELECT count(*) FROM t), (SELECT count(*) FROM u)") == "60000|20000"
                session.run("DROP TABLE t, u")
            session.run("ROLLBACK")
        t.gone(session)
        assert t.value(f"SELECT to_regclass({quote('public.t')}), to_regclass({quote('public.u')})") == "|"
        t.sql("CHECKPOINT")


def test_a_full_disk_ends_a_load_and_holds_nothing_up(t, small_disk):
    path = made(t)
    t.own(small_disk, 0o700)
    t.sql(f"CREATE TABLESPACE small LOCATION {quote(str(small_disk))}")
    session = t.session()
    session.run("BEGIN; SAVEPOINT s; SET LOCAL default_tablespace = small")
    failed = session.attempt(t.call("sqlite_import", path, {"loader": "pages"}))
    assert failed.error.sqlstate == "53100", failed
    session.run("ROLLBACK TO s")
    # The subtransaction is gone, the transaction is not: no checkpoint may wait for it.
    t.sql("CHECKPOINT")
    session.run(t.call("sqlite_import", path, {"loader": "pages"}) + "; COMMIT")
    assert session.value("SELECT count(*) FROM t") == "60000"
    t.sql("DROP TABLE t, u; DROP TABLESPACE small")
    session.close()
