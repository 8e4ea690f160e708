"""An application writes to a source file while it is read: one state is seen, or the reader is told."""

import os
import pathlib
import shutil

import sqlstates as s
from client import fails
from harness import quote, until
from source_files import (
    AS_OWNER,
    OWNER,
    Application,
    as_owner,
    beside,
    closed,
    give,
    goes_on,
    home,
    leftovers,
    listing,
    make,
    once,
    server,
)

WRITER = AS_OWNER + """
db = sqlite3.connect(sys.argv[3], isolation_level=None, timeout=30)
db.execute("PRAGMA wal_autocheckpoint = 5")
n = 0
print("ready", flush=True)
while True:
    n += 1
    db.execute("BEGIN IMMEDIATE")
    db.execute("UPDATE a SET v = v - ? WHERE id = ?", (n % 7, n % 50))
    db.execute("UPDATE b SET v = v + ? WHERE id = ?", (n % 7, n % 50))
    db.execute("COMMIT")
"""


def test_a_copy_is_one_state_while_the_application_writes_and_checkpoints(t):
    directory = home(t, "busy")
    path = directory / "app.db"
    rows = "WITH RECURSIVE n(i) AS (SELECT 0 UNION ALL SELECT i + 1 FROM n WHERE i < 49) INSERT INTO {} SELECT i, 1000, zeroblob(3000) FROM n"
    once(path, "PRAGMA journal_mode = wal", *(sql for name in "ab" for sql in (
        f"CREATE TABLE {name} (id INTEGER PRIMARY KEY, v INTEGER, pad BLOB)", rows.format(name))))
    writer = as_owner(WRITER, str(path))
    try:
        writer.stdout.readline()
        for wal in ("copy", "in_place"):
            server(t, wal, path, wal=wal, keep_connections="false")
            session, totals = t.session(), set()
            for n in range(15):
                total = f"SELECT (SELECT sum(v) FROM {wal}.a) + (SELECT sum(v) FROM {wal}.b), sum(v) FROM {wal}.a"
                both, one = session.value(total).split("|")
                assert both == "100000", (wal, n, both)
                totals.add(one)
            assert len(totals) > 1, "nothing was written meanwhile"
            assert t.rows(f"SELECT * FROM sqlite_check({quote(str(path))})") == []
    finally:
        writer.kill()
        writer.wait()
        writer.stdout.close()
    assert leftovers(t) == []


def during(t, path, plan, act):
    """Imports, and does something when all rows have been read and nothing is believed yet."""
    gate, session = t.session(), t.session()
    gate.run("SELECT pg_advisory_lock(9)")
    session.send(t.call("sqlite_import", path, {**plan, "after": "SELECT pg_advisory_xact_lock(9)"}))
    until(lambda: t.value(f"SELECT wait_event FROM pg_stat_activity WHERE pid = {session.pid}") == "advisory", "the import has loaded")
    act()
    gate.run("SELECT pg_advisory_unlock(9)")
    result = session.wait()
    gate.close(), session.close()
    return result


def test_a_file_that_is_written_to_while_it_is_read_as_still(t):
    insert = "INSERT INTO t (v) VALUES ('late')"
    for n, script in enumerate((
            [insert],
            [insert, "PRAGMA wal_checkpoint(TRUNCATE)"],
            ["PRAGMA wal_autocheckpoint = 0", insert, insert])):
        path = make(home(t, f"w{n}"))
        before = t.traces()
        plan = {"schema": f"w{n}"}
        with fails(s.SERIALIZATION, "changed while it was read", hint="again"):
            during(t, path, plan, lambda: once(path, *script))
        assert t.traces() == before
        assert t.import_(path, {**plan, "wal": "copy"})["t"]["imported"] == 2 + script.count(insert)
        goes_on(path, None)
    # Who only reads changes nothing.
    path = make(home(t, "r"))
    during(t, path, {"schema": "r"}, lambda: once(path, "SELECT count(*) FROM t"))
    # Written so shortly before that the file's time says nothing.
    path = make(home(t, "y"))
    os.utime(path)
    with fails(s.SERIALIZATION, "was changed while it was read"):
        during(t, path, {"schema": "y"}, lambda: once(path, insert, "PRAGMA wal_checkpoint(TRUNCATE)"))


def test_a_file_that_is_replaced_while_it_is_read(t):
    directory = home(t, "replaced")
    path = make(directory)
    other = directory / "other.db"
    shutil.copy2(path, other)
    give(other)
    with fails(s.SERIALIZATION, "was changed while it was read"):
        during(t, path, {"schema": "a"}, lambda: other.rename(path))
    assert t.import_(path, {"schema": "a"})["t"]["imported"] == 2
    # Overwritten in place with the same bytes, at another time.
    with fails(s.SERIALIZATION, "was changed while it was read"):
        during(t, path, {"schema": "b"}, lambda: path.write_bytes(path.read_bytes()))
    # Another file that the link leads to.
    link = directory / "link.db"
    link.symlink_to(path)
    second = make(home(t, "second"))

    def turn():
        link.unlink()
        link.symlink_to(second)

    with fails(s.SERIALIZATION, "was changed while it was read"):
        during(t, link, {"schema": "c"}, turn)
    assert t.import_(link, {"schema": "c"})["t"]["imported"] == 2
    assert sorted(p.name for p in directory.iterdir()) == ["app.db", "link.db"]
    # A file that the user vouched for, in another mode.
    path = make(home(t, "vouched"), mode="delete")
    with fails(s.SERIALIZATION, "was changed while it was read"):
        during(t, path, {"schema": "d", "immutable": True}, lambda: once(path, "INSERT INTO t VALUES (3, 'x')"))


def test_foreign_tables_of_a_still_file_follow_its_writers(t):
    directory = home(t, "follow", 0o777)
    path, _, _ = closed(directory)
    server(t, "app", path)
    one, two = t.session(), t.session()
    count = "SELECT count(*) FROM app.t"
    before = listing(directory)
    for session in (one, two):
        assert session.value(count) == "2"
    assert listing(directory) == before
    # A statement sees what was committed before it, also in a transaction that has read already.
    one.run("BEGIN")
    assert one.value(count) == "2"
    two.run("BEGIN ISOLATION LEVEL REPEATABLE READ")
    assert two.value(count) == "2"
    application = Application(path)
    application.run("INSERT INTO t VALUES (3, 'three')")
    assert one.value(count) == "3"
    one.run("COMMIT")
    # A snapshot that nobody held is gone.
    with fails(s.SERIALIZATION, "changed while it was read", hint="again"):
        two.run(count)
    two.run("ROLLBACK")
    assert two.value("BEGIN ISOLATION LEVEL REPEATABLE READ; " + count) == "3"
    # Now SQLite's own locks hold one.
    application.run("INSERT INTO t VALUES (4, 'four')")
    assert two.value(count) == "3"
    two.run("COMMIT")
    application.close()
    for session in (one, two):
        assert session.value(count) == "4"
        session.run("SELECT pg_sqlite_fdw_disconnect_all()")
    assert all(stat[0] == OWNER.pw_uid for stat in listing(directory).values())
    goes_on(path, None)
    assert sorted(listing(directory)) == ["app.db"]


def test_what_a_cursor_has_shown_is_not_committed_when_the_file_was_written_meanwhile(t):
    directory = home(t, "cursor", 0o777)
    path, _, _ = closed(directory)
    server(t, "app", path)
    t.sql("CREATE TABLE copied (id bigint)")
    for n, read in enumerate(("DECLARE c CURSOR FOR SELECT id FROM app.t; FETCH 1 FROM c", "INSERT INTO copied SELECT id FROM app.t")):
        session = t.session()
        session.run(f"BEGIN; {read}")
        once(path, f"INSERT INTO t VALUES ({n + 10}, 'x')", "PRAGMA wal_checkpoint(TRUNCATE)")
        end = session.attempt("COMMIT")
        if n == 0:
            end.failed(s.SERIALIZATION, "was changed while it was read")
        else:
            assert not end.error, end  # Its scan was proven when it ended, before anybody wrote.
    assert t.value("SELECT count(*) FROM copied") == "3"


def test_a_server_that_may_write_leaves_nothing_behind(t):
    if os.getuid() != 0:
        raise AssertionError("needs another user's file")
    directory = home(t, "guest", 0o777)
    path, _, _ = closed(directory)
    os.chmod(path, 0o666)
    names = sorted(listing(directory))
    server(t, "app", path, updatable="true")
    session = t.session()
    for sql in ("SELECT count(*) FROM app.t", "INSERT INTO app.t VALUES (5, 'five')", "BEGIN; DELETE FROM app.t WHERE id = 5; ROLLBACK", "SELECT 1 / (count(*) - 3) FROM app.t"):
        session.attempt(sql)
        assert sorted(listing(directory)) == names, sql
    assert t.value("SELECT count(*) FROM app.t") == "3"
    # While nothing is changed, nothing is there even in the middle of a transaction.
    session.run("BEGIN")
    assert session.value("SELECT count(*) FROM app.t") == "3"
    assert sorted(listing(directory)) == names
    goes_on(path, None)
    assert session.value("SELECT count(*) FROM app.t") == "4"
    # Its application has found us there when it closed the file, and tidies up the next time.
    session.run("COMMIT; SELECT pg_sqlite_fdw_disconnect_all()")
    once(path, "SELECT count(*) FROM t")
    assert sorted(listing(directory)) == names
    session.run("BEGIN; SELECT count(*) FROM app.t; INSERT INTO app.t VALUES (60, 'x'); SAVEPOINT a; DELETE FROM app.t; ROLLBACK TO a; COMMIT")
    assert once(path, "SELECT count(*) FROM t") == [(5,)]
    assert sorted(listing(directory)) == names
    # A snapshot that may be written in is one for writing.
    session.run("BEGIN ISOLATION LEVEL REPEATABLE READ; SELECT count(*) FROM app.t; DELETE FROM app.t WHERE id = 60; COMMIT")
    assert once(path, "SELECT count(*) FROM t") == [(4,)]
    assert sorted(listing(directory)) == names
    # Beside an application that is connected, its files are used.
    application = Application(path)
    application.run("INSERT INTO t VALUES (200, 'x')")
    for name in ("-wal", "-shm"):
        os.chmod(beside(path, name), 0o666)
    session.run("UPDATE app.t SET v = 'ours' WHERE id = 200")
    assert application.run("SELECT v FROM t WHERE id = 200") == [("ours",)]
    assert all(stat[0] == OWNER.pw_uid for name, stat in listing(directory).items())
    goes_on(path, application)


def test_two_imports_at_once_and_one_within_a_foreign_scan(t):
    directory = home(t, "twice", 0o777)
    path, _, _ = closed(directory)
    before = listing(directory)
    a, b = t.session(), t.session()
    a.run("BEGIN; " + t.call("sqlite_import", path, {"schema": "a"}))
    b.run("BEGIN; " + t.call("sqlite_import", path, {"schema": "b"}))
    a.run("COMMIT"), b.run("COMMIT")
    assert t.value("SELECT (SELECT count(*) FROM a.t) + (SELECT count(*) FROM b.t)") == "4"
    # One backend has the file open twice; that one of them is closed takes no lock from the other.
    server(t, "f", path)
    a.run("BEGIN; DECLARE c CURSOR FOR SELECT id FROM f.t ORDER BY id; FETCH 1 FROM c")
    a.run(t.call("sqlite_import", path, {"schema": "c"}))
    a.run(t.call("sqlite_check", path))
    holders = [line for line in pathlib.Path("/proc/locks").read_text().splitlines() if f" {a.pid} " in line and f":{path.stat().st_ino} " in line]
    assert holders, "the cursor has lost its lock"
    assert a.run("FETCH ALL FROM c").out.split() == ["2"]
    a.run("COMMIT")
    assert listing(directory) == before
    goes_on(path, None)
