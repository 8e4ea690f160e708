"""Pages survive what rows survive: a crash, a checkpoint at any moment, a standby; and they are not written where the log is decoded."""

import contextlib
import os
import shutil
import sqlite3
import threading

import pytest

import sqlstates as s
from client import fails
from cluster import Server
from harness import quote, until
from heap_pages import ITEMS, broken

# Every block is checked when it is read.
OPTIONS = "autovacuum = off\nmax_wal_size = 10GB\ncheckpoint_timeout = 1h\nshared_buffers = 32MB\n"
VISIBLE = "SELECT count(*) FILTER (WHERE all_visible AND all_frozen AND pd_all_visible) FROM pg_visibility('t')"
CONTENT = "SELECT count(*), sum(hashtextextended(t::text, 0)) FROM t"


@pytest.fixture
def file(t):
    path = t.file("c.db", "CREATE TABLE t (a INTEGER PRIMARY KEY, b TEXT, c BLOB); CREATE INDEX i ON t (b)")
    with sqlite3.connect(path) as db:
        db.executemany("INSERT INTO t VALUES (?, ?, ?)", ((i, f"text {i * 7919 % 40000}", os.urandom(5000) if i % 500 == 0 else None) for i in range(40_000)))
    db.close()
    return path


@contextlib.contextmanager
def server(t, name, options=OPTIONS):
    made = Server(f"{t.server.name}_{name}", options)
    made.start()
    try:
        made.run("postgres", "CREATE EXTENSION pg_sqlite_migrate")
        yield made
        log = made.log.read_text(errors="replace")
        assert "PANIC" not in log and "XX000" not in log and "invalid page" not in log, log[-3000:]
    finally:
        made.stop()


def load(t, path, plan=None):
    return t.call("sqlite_import", path, plan or {"loader": "pages"})


def again(server):
    server.script("start", server.name)


@pytest.mark.parametrize("plan", [{"loader": "pages"}, {"freeze": True}], ids=["", "frozen"])
@pytest.mark.parametrize("lost", [False, True], ids=["", "file_lost"])
def test_after_a_crash_a_committed_load_is_whole(t, file, lost, plan):
    with server(t, "crash") as run:
        run.run("postgres", "CHECKPOINT")
        run.run("postgres", load(t, file, plan))
        content = run.value("postgres", CONTENT)
        heap = run.data / run.value("postgres", "SELECT pg_relation_filepath('t')")
        run.script("crash", run.name)
        if lost:
            # Whatever the operating system had not written yet: all of it.
            os.truncate(heap, 0)
        again(run)
        assert run.value("postgres", CONTENT) == content
        assert broken(run, "postgres", "t", "t_pkey", "i") == ""


def test_after_a_crash_in_a_load_nothing_is_there(t, file):
    with server(t, "crash") as run:
        with run.session("postgres") as session:
            session.run("BEGIN; " + load(t, file))
            run.script("crash", run.name)
        again(run)
        assert run.value("postgres", "SELECT to_regclass('t')") == ""
        run.run("postgres", load(t, file))
        assert run.value("postgres", CONTENT).startswith("40000|")


def test_checkpoints_at_every_moment(t, file):
    with server(t, "checkpoints", OPTIONS + "fsync = on\n") as run:
        content, stop = None, threading.Event()

        def checkpoints():
            with run.session("postgres") as session:
                while not stop.is_set():
                    session.run("CHECKPOINT")

        for _ in range(4):
            run.run("postgres", "DROP TABLE IF EXISTS t")
            stop.clear()
            thread = threading.Thread(target=checkpoints)
            thread.start()
            try:
                run.run("postgres", load(t, file))
            finally:
                stop.set()
                thread.join()
            run.script("crash", run.name)
            again(run)
            found = run.value("postgres", CONTENT)
            assert content in (None, found)
            content = found
        assert broken(run, "postgres", "t", "t_pkey", "i") == ""


@pytest.mark.parametrize("wal_level", ["minimal", "replica"])
def test_levels_of_the_log(t, file, wal_level):
    options = OPTIONS + (f"wal_level = {wal_level}\nwal_skip_threshold = 0\n" + ("max_wal_senders = 0\n" if wal_level == "minimal" else ""))
    with server(t, wal_level, options) as run:
        run.run("postgres", "CHECKPOINT")
        before = run.value("postgres", "SELECT pg_current_wal_insert_lsn()")
        run.run("postgres", load(t, file))
        wal = int(run.value("postgres", f"SELECT pg_current_wal_insert_lsn() - '{before}'"))
        heap = int(run.value("postgres", "SELECT pg_relation_size('t')"))
        assert (wal > heap) == (wal_level == "replica"), (wal, heap)
        content = run.value("postgres", CONTENT)
        run.script("crash", run.name)
        again(run)
        assert run.value("postgres", CONTENT) == content
        assert broken(run, "postgres", "t", "t_pkey", "i") == ""


def test_where_the_log_is_decoded_subscribers_get_every_row(t, file):
    with server(t, "logical", OPTIONS + "wal_level = logical\n") as run:
        with fails(s.NO_PAGES, "wal_level is logical"):
            run.run("postgres", load(t, file))
        run.run("postgres", "CREATE PUBLICATION p FOR ALL TABLES; CREATE DATABASE copy")
        # The run log is published as well.
        run.run("copy", "CREATE TABLE t (a bigint PRIMARY KEY, b text, c bytea); CREATE EXTENSION pg_sqlite_migrate")
        # Within one cluster the slot is made apart from the subscription.
        run.run("postgres", "SELECT pg_create_logical_replication_slot('s', 'pgoutput')")
        detail = run.value("postgres", f"SELECT detail FROM ({t.call('sqlite_import', file, {})}) q")
        assert detail == "inserted as rows: wal_level is logical, and subscribers would not see its rows"
        run.run("copy", f"CREATE SUBSCRIPTION s CONNECTION {quote(f'host={run.socket} port=5432 user=postgres dbname=postgres')}"
                        " PUBLICATION p WITH (create_slot = false, copy_data = false, slot_name = 's')")
        until(lambda: run.value("copy", "SELECT count(*) FROM t") == "40000", "the subscriber has the rows")
        assert run.value("copy", CONTENT) == run.value("postgres", CONTENT)
        run.run("copy", "DROP SUBSCRIPTION s")
        # What nobody decodes is written as pages there, too.
        with run.session("postgres") as session:
            session.run("CREATE SCHEMA u; BEGIN; CREATE UNLOGGED TABLE u.t (a bigint, b text, c bytea)")
            session.run(t.call("sqlite_import", file, {"schema": "u", "create": "never", "loader": "pages", "indexes": False}) + "; COMMIT")
            assert session.value("SELECT count(*) FROM u.t") == "40000"


@pytest.mark.parametrize("plan", [{"loader": "pages"}, {"freeze": True}], ids=["", "frozen"])
def test_a_standby_has_the_same_pages(t, file, plan):
    t.needs("pageinspect", "pg_visibility")
    with server(t, "primary") as primary:
        primary.run("postgres", "CREATE EXTENSION pageinspect; CREATE EXTENSION pg_visibility")
        standby = Server(f"{primary.name}_standby", "")
        standby.start()
        try:
            standby.script("stop", standby.name)
            primary.script("stop", primary.name)
            shutil.rmtree(standby.data)
            shutil.copytree(primary.data, standby.data, symlinks=True)
            for path in [standby.data, *standby.data.rglob("*")]:
                os.chown(path, primary.user.pw_uid, primary.user.pw_gid)
            (standby.data / "postmaster.pid").unlink(missing_ok=True)
            (standby.data / "standby.signal").touch()
            again(primary)
            standby.environment["SERVER_OPTIONS"] = f"primary_conninfo = 'host={primary.socket} port=5432 user=postgres'\n"
            again(standby)
            primary.run("postgres", load(t, file, plan))
            marked = primary.value("postgres", VISIBLE)
            assert (marked == "0") == (plan != {"freeze": True})
            end = primary.value("postgres", "SELECT pg_current_wal_lsn()")
            until(lambda: standby.value("postgres", f"SELECT pg_last_wal_replay_lsn() >= '{end}'") == "t", "the standby has replayed the load")
            for query in (CONTENT, VISIBLE, f"SELECT md5(string_agg(q::text, '' ORDER BY blkno, lp)) FROM ({ITEMS.format(table=quote('t'))}) q"):
                assert standby.value("postgres", query) == primary.value("postgres", query)
        finally:
            standby.stop()
