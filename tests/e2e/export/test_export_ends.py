"""Exports that do not come to their end: killed, out of disk, out of time. Nothing is beside the target afterwards but what
docs/export.md says, and the next export into the directory takes that away."""

import fcntl
import os
import signal

import pytest

import sqlstates as s
from client import fails
from cluster import Server
from exports import call, cells, left_behind
from harness import until

ROWS = 100000
BIG = f"CREATE TABLE big (n bigint PRIMARY KEY, v text); INSERT INTO big SELECT n, repeat('x', 80) FROM generate_series(1, {ROWS}) n; CREATE INDEX big_v ON big (v)"
WHOLE = [(ROWS, ROWS * (ROWS + 1) // 2)]
SUMS = "SELECT count(*), sum(n) FROM big"


def written(t, session):
    """Whether a session's export has written rows."""
    return lambda: any(path.stat().st_size > 1 << 20 for path in t.dir.glob(f".sqlite_export.{session.pid}.*"))


def is_quiet(t, session, threads):
    """The session has neither file nor thread any more; one that has ended may be listed a moment longer."""
    until(lambda: session.threads() == threads, "the thread is gone")
    assert not session.open_files(t.dir)


def test_kill_9_of_the_backend(t):
    t.crash_expected = True
    t.sql(BIG + f"; {call(t.dir / 'old.db')}")
    before = (t.dir / "old.db").read_bytes()
    for path, plan in ((t.dir / "new.db", None), (t.dir / "old.db", {"overwrite": True})):
        session, position = t.session(), t.server.log_size()
        session.send(call(path, plan))
        until(written(t, session), "rows are written")
        os.kill(session.pid, signal.SIGKILL)
        session.attempted(60)
        t.server.wait_until_restarted(position)
        [left] = [name for name in left_behind(t) if name != "old.db"]
        assert left.startswith(f".sqlite_export.{session.pid}."), left
    assert (t.dir / "old.db").read_bytes() == before
    t.sql(call(t.dir / "new.db"))
    assert left_behind(t) == ["new.db", "old.db"] and cells(t.dir / "new.db", SUMS) == WHOLE


def test_kill_9_of_the_postmaster(t):
    """Its backends go on until they notice; what they leave is a temporary file at most, or the whole one."""
    server = Server(f"{t.server.name}_killed")
    server.start()
    try:
        server.run("postgres", "CREATE EXTENSION pg_sqlite_migrate; " + BIG)
        with server.session("postgres") as session:
            session.send(call(t.dir / "a.db"))
            until(written(t, session), "rows are written")
            os.kill(int((server.data / "postmaster.pid").read_text().split("\n")[0]), signal.SIGKILL)
            session.attempted(60)
            until(lambda: not os.path.exists(f"/proc/{session.pid}"), "the backend ends")
        names = left_behind(t)
        assert len(names) <= 1, names
        if names == ["a.db"]:
            assert cells(t.dir / "a.db", SUMS) == WHOLE
        server.script("start", server.name)
        server.run("postgres", call(t.dir / "b.db"))
        assert [name for name in left_behind(t) if name != "a.db"] == ["b.db"] and cells(t.dir / "b.db", SUMS) == WHOLE
    finally:
        server.stop()


def test_a_full_disk(t, small_disk):
    t.sql(BIG + "; CREATE TABLE little (n int); INSERT INTO little VALUES (1)")
    old = small_disk / "old.db"
    t.sql(call(old, {"include": ["little"]}))
    before = old.read_bytes()
    session = t.session()
    session.run("SELECT sqlite_export_findings()")
    threads = session.threads()
    for path, plan in ((small_disk / "new.db", {}), (old, {"overwrite": True})):
        with fails("53100", f'could not extend SQLite file "{path}": the disk is full'):
            session.run(call(path, plan))
        assert [path.name for path in small_disk.iterdir()] == ["old.db"] and old.read_bytes() == before
    # The session goes on, and so do others.
    is_quiet(t, session, threads)
    session.run(call(small_disk / "new.db", {"include": ["little"]}))
    assert cells(small_disk / "new.db", "SELECT n FROM little") == [(1,)]


def test_out_of_time(t):
    """At whatever it is then: reading rows, building the index, SQLite's checks."""
    t.sql(BIG)
    session = t.session()
    session.run("SELECT sqlite_export_findings()")
    threads = session.threads()
    for milliseconds in (20, 150, 400, 700):
        out = session.attempt(f"SET statement_timeout = {milliseconds}; {call(t.dir / 'a.db', {'overwrite': True})}")
        if out.error:
            out.failed(s.CANCELED, "statement timeout")
            assert not (t.dir / "a.db").exists()
        assert all(not name.startswith(".") for name in left_behind(t))
        is_quiet(t, session, threads)
    session.run(f"SET statement_timeout = 0; {call(t.dir / 'b.db')}")
    assert cells(t.dir / "b.db", SUMS) == WHOLE
    # A table that another locks is waited for no longer than the role says.
    holder = t.session()
    holder.execute("BEGIN; LOCK big")
    with fails("55P03", "lock timeout"):
        session.run(f"SET lock_timeout = 50; {call(t.dir / 'c.db')}")
    assert not (t.dir / "c.db").exists()


def test_an_error_of_the_reader_and_of_the_writer(t):
    """In a late row: one that has no form in SQLite, and one that breaks a key there, since doubles are coarser than numeric."""
    t.sql("""CREATE TABLE r (n int PRIMARY KEY, v float8); INSERT INTO r SELECT n, CASE n WHEN 90000 THEN 'NaN'::float8 ELSE n END FROM generate_series(1, 100000) n;
             CREATE TABLE w (n numeric UNIQUE); INSERT INTO w SELECT n FROM generate_series(1, 90000) n; INSERT INTO w VALUES (1.00000000000000000001)""")
    session, path = t.session(), t.dir / "a.db"
    refusals = ((("22000",), "n = 90000.*NaN", {"include": ["r"]}), (("23505",), "UNIQUE constraint failed: w.n", {"include": ["w"], "numeric": "real"}))
    for sqlstates, message, plan in refusals:
        with fails(sqlstates, message):
            session.run(f"BEGIN; {call(path, plan)}")
        session.run("ROLLBACK")
        assert left_behind(t) == []
        session.run("BEGIN; SAVEPOINT s")
        with fails(sqlstates, message):
            session.run(call(path, plan))
        session.run("ROLLBACK TO s")
        assert left_behind(t) == []
        session.run(f"{call(path, {'on_invalid': 'null', 'overwrite': True})}; COMMIT")
        assert left_behind(t) == ["a.db"] and cells(path, "SELECT n FROM r WHERE v IS NULL") == [(90000,)]
        path.unlink()


def test_temporary_files_of_a_living_server_stay(t):
    """Another export into the directory, and what a process has left whose number another process has now."""
    t.sql("CREATE TABLE p (n int); INSERT INTO p VALUES (1)")
    session = t.session()
    session.execute(f"BEGIN; {call(t.dir / 'a.db')}")
    t.sql(call(t.dir / "b.db"))
    assert len(left_behind(t)) == 2
    session.execute("COMMIT")
    assert left_behind(t) == ["a.db", "b.db"] and cells(t.dir / "a.db", "SELECT n FROM p") == [(1,)]
    # The first process lives; an old file that nobody has locked is not its.
    for name in (".sqlite_export.1.0", ".sqlite_export.1.1"):
        t.own(t.dir / name) if (t.dir / name).write_text("x") else None
    os.utime(t.dir / ".sqlite_export.1.0", (0, 0))
    t.sql(call(t.dir / "c.db"))
    assert left_behind(t) == [".sqlite_export.1.1", "a.db", "b.db", "c.db"]
    # A process that is not seen here: the lock tells that it lives.
    t.own(t.dir / ".sqlite_export.4194305.0") if (t.dir / ".sqlite_export.4194305.0").write_text("x") else None
    with open(t.dir / ".sqlite_export.4194305.0") as other:
        fcntl.flock(other, fcntl.LOCK_EX)
        t.sql(call(t.dir / "d.db"))
        assert ".sqlite_export.4194305.0" in left_behind(t)
    t.sql(call(t.dir / "e.db"))
    assert ".sqlite_export.4194305.0" not in left_behind(t)


def test_what_others_see_of_an_export(t):
    """Each phase, if it is met: rows with their table, then the file as a whole. A role that is no monitor sees nothing."""
    t.sql(BIG + "; ANALYZE big")
    session, stranger, seen = t.session(), t.session(t.role("stranger")), {}
    look = f"SELECT * FROM sqlite_migrate.progress WHERE pid = {session.pid}"
    session.send(call(t.dir / "a.db"))
    while session.running():
        for row in t.rows(look):
            seen[row["title"]] = row
        assert stranger.value(f"SELECT count(*) FROM ({look}) q") == "0"
    session.wait()
    row = seen["write rows"]
    assert (row["phase"], row["relation"], row["table_number"], row["tables"], row["tuples_total"]) == ("export", "big", 1, 1, ROWS), row
    assert set(seen) <= {"write rows", "create indexes", "check the file"} and all(row["phase"] == "export" for row in seen.values()), seen
    assert all(row["relid"] is None for title, row in seen.items() if title != "write rows")
    assert t.rows(look) == []
