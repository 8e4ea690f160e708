"""A source file is only read: nothing is left beside it, nothing is taken away, and its application can go on writing.

The application runs as another operating system user where the scenarios run as root, as it does in life.
"""

import json
import os
import pathlib
import pwd
import shutil
import signal
import subprocess
import sys

import sqlstates as s
from client import fails
from harness import quote, until

OWNER = pwd.getpwnam("nobody") if os.getuid() == 0 else pwd.getpwuid(os.getuid())
OLD = 1_700_000_000         # long ago: no clock tick is in doubt

# The interpreter may be where only its owner can start it.
AS_OWNER = """
import json, os, sqlite3, sys
if os.getuid() == 0:
    os.setgroups([])
    os.setgid(int(sys.argv[2]))
    os.setuid(int(sys.argv[1]))
"""

PROGRAM = AS_OWNER + """
db = None
for line in sys.stdin:
    kind, text = json.loads(line)
    try:
        if kind == "open":
            db = sqlite3.connect(text, isolation_level=None, timeout=5)
            answer = []
        elif kind == "close":
            db.close()
            answer = []
        else:
            answer = db.execute(text).fetchall()
    except sqlite3.Error as e:
        answer = str(e)
    print(json.dumps(answer), flush=True)
"""


def as_owner(program, *arguments, **pipes):
    command = [sys.executable, "-I", "-c", program, str(OWNER.pw_uid), str(OWNER.pw_gid), *arguments]
    return subprocess.Popen(command, stdout=subprocess.PIPE, cwd="/", **pipes)


class Application:
    """A process of the file's owner with one connection."""

    def __init__(self, path):
        self.process = as_owner(PROGRAM, stdin=subprocess.PIPE, text=True, bufsize=1)
        self.ask("open", str(path))

    def ask(self, kind, text=""):
        self.process.stdin.write(json.dumps([kind, text]) + "\n")
        answer = json.loads(self.process.stdout.readline())
        assert isinstance(answer, list), f"the application cannot: {text}: {answer}"
        return answer

    def run(self, sql):
        return [tuple(row) for row in self.ask("run", sql)]

    def close(self):
        self.ask("close")
        self.end()

    def kill(self):
        self.process.send_signal(signal.SIGKILL)
        self.end()

    def end(self):
        self.process.stdin.close()
        self.process.wait()
        self.process.stdout.close()


def once(path, *statements):
    """What the application does between opening the file and closing it."""
    application = Application(path)
    answers = [application.run(sql) for sql in statements]
    application.close()
    return answers[-1] if answers else []


def home(t, name, mode=0o755):
    """A directory of the application's. The server's user may make files there only with mode 0o777."""
    directory = t.dir / name
    directory.mkdir()
    os.chmod(directory, mode)
    if os.getuid() == 0:
        os.chown(directory, OWNER.pw_uid, OWNER.pw_gid)
    return directory


def give(path):
    if os.getuid() == 0:
        os.chown(path, OWNER.pw_uid, OWNER.pw_gid)
    os.chmod(path, 0o644)


def make(directory, *more, mode="wal"):
    path = directory / "app.db"
    once(path, f"PRAGMA journal_mode = {mode}", "CREATE TABLE t (id INTEGER PRIMARY KEY, v TEXT)",
         "INSERT INTO t VALUES (1, 'one'), (2, 'two')", *more)
    os.utime(path, (OLD, OLD))
    return path


# States of a file: each makes one, and gives its path, how many rows it holds, and the application if that is connected.


def closed(directory):
    return make(directory), 2, None


def rollback(directory):
    return make(directory, mode="delete"), 2, None


def empty_log(directory):
    path = make(directory)
    beside(path, "-wal").touch()
    give(beside(path, "-wal"))
    return path, 2, None


def empty_log_and_index(directory):
    path, _, _ = empty_log(directory)
    beside(path, "-shm").touch()
    give(beside(path, "-shm"))
    return path, 2, None


def index_alone(directory):
    path = make(directory)
    beside(path, "-shm").write_bytes(bytes(32768))
    give(beside(path, "-shm"))
    return path, 2, None


def connected(directory):
    path = make(directory)
    application = Application(path)
    application.run("INSERT INTO t VALUES (3, 'in the wal')")
    return path, 3, application


def connected_and_idle(directory):
    path, _, application = connected(directory)
    application.run("PRAGMA wal_checkpoint(TRUNCATE)")
    assert beside(path, "-wal").stat().st_size == 0
    return path, 3, application


def crashed(directory):
    path, rows, application = connected(directory)
    application.kill()
    assert beside(path, "-wal").stat().st_size > 0 and beside(path, "-shm").exists()
    return path, rows, None


def copied_with_its_log(directory):
    path, rows, _ = crashed(directory)
    beside(path, "-shm").unlink()
    return path, rows, None


IN_PLACE = (closed, rollback, empty_log, empty_log_and_index, index_alone, connected, connected_and_idle, crashed)


def beside(path, suffix):
    return path.with_name(path.name + suffix)


def listing(directory):
    """Names, owners, modes, inodes; of all but a -shm, whose content is for readers to use, also sizes and times."""
    out = {}
    for path in sorted(directory.iterdir()):
        stat = path.stat()
        out[path.name] = (stat.st_uid, stat.st_gid, stat.st_mode, stat.st_ino, stat.st_nlink)
        if not path.name.endswith("-shm"):
            out[path.name] += (stat.st_size, stat.st_mtime_ns)
    return out


def server(t, name, path, **options):
    options = "".join(f", {key} {quote(value)}" for key, value in options.items())
    t.sql(f"CREATE SERVER {name} FOREIGN DATA WRAPPER pg_sqlite_fdw OPTIONS (database {quote(str(path))}{options});"
          f"CREATE SCHEMA {name}; IMPORT FOREIGN SCHEMA main FROM SERVER {name} INTO {name}")


def everything(t, path, name, plan=None):
    """Every function that reads a file, an import and a foreign table, as one script; the rows that each way shows."""
    said = quote(json.dumps({"schema": f"{name}_import", **(plan or {})}))
    p, options = quote(str(path)), "".join(f", {key} {quote(str(value).lower())}" for key, value in (plan or {}).items())
    calls = "".join(f"SELECT count(*) FROM {f}({p}, {said});\n" for f in ("sqlite_inspect", "sqlite_findings", "sqlite_plan", "sqlite_ddl", "sqlite_compare"))
    out = t.sql(f"""
        SELECT count(*) FROM sqlite_check({p}, full => true);
        {calls}
        SELECT sum(imported) FROM sqlite_import({p}, {said});
        CREATE SERVER {name} FOREIGN DATA WRAPPER pg_sqlite_fdw OPTIONS (database {p}{options});
        CREATE SCHEMA {name};
        IMPORT FOREIGN SCHEMA main FROM SERVER {name} INTO {name};
        ANALYZE {name}.t;
        BEGIN ISOLATION LEVEL REPEATABLE READ;
        SELECT count(*) FROM {name}.t;
        COMMIT;
        SELECT count(*) FROM {name}.t WHERE v IS NOT NULL""").out.split()
    assert out[0] == "0", f"the file is not sound: {out}"
    return out[-3:]


def goes_on(path, application):
    """The application can write, and its file is sound."""
    if application is None:
        application = Application(path)
    before = application.run("SELECT count(*) FROM t")[0][0]
    application.run("INSERT INTO t SELECT max(id) + 1, 'afterwards' FROM t")
    assert application.run("SELECT count(*) FROM t") == [(before + 1,)]
    assert application.run("PRAGMA integrity_check") == [("ok",)]
    application.close()


def test_a_file_s_directory_is_left_as_it_was(t):
    for mode in (0o755, 0o777):
        for state in IN_PLACE:
            name = f"{state.__name__}_{mode:o}"
            directory = home(t, name, mode)
            path, rows, application = state(directory)
            before = listing(directory)
            assert everything(t, path, name) == [str(rows)] * 3, name
            assert listing(directory) == before, name
            goes_on(path, application)


def test_a_log_without_an_index_is_not_read_in_place(t):
    directory = home(t, "apart", 0o777)
    path, rows, _ = copied_with_its_log(directory)
    before = listing(directory)
    for function in ("sqlite_inspect", "sqlite_findings", "sqlite_plan", "sqlite_ddl", "sqlite_compare", "sqlite_import"):
        with fails(s.WAL_ALONE, "-wal and no -shm", hint='"wal" to "copy"'):
            t.sql(t.call(function, path, {}))
    # It looks at the file itself, and says what it had to do.
    check = t.sql(t.call("sqlite_check", path))
    assert check.out == "" and "private copy" in check.told, check
    with fails(s.WAL_ALONE, hint='"wal" to "copy"'):
        t.sql(f"CREATE SERVER plain FOREIGN DATA WRAPPER pg_sqlite_fdw OPTIONS (database {quote(str(path))});"
              "IMPORT FOREIGN SCHEMA main FROM SERVER plain INTO public")
    assert listing(directory) == before
    # The hint, followed.
    assert everything(t, path, "hinted", {"wal": "copy"}) == [str(rows)] * 3
    assert listing(directory) == before
    until(lambda: leftovers(t) == [], "the copy is gone with its session")
    # The other half of the hint.
    once(path, "SELECT count(*) FROM t")
    assert everything(t, path, "opened_once") == [str(rows)] * 3
    goes_on(path, None)


def test_files_beside_it_that_may_not_be_used(t):
    """What the owner keeps from the server's user is not forced; what the hint says works."""
    for state in (connected, connected_and_idle, crashed):
        directory = home(t, state.__name__)
        path, rows, application = state(directory)
        os.chmod(beside(path, "-shm"), 0o600)
        before = listing(directory)
        with fails("42501", "-wal and -shm", hint='"wal" to "copy"'):
            t.sql(t.call("sqlite_findings", path, {}))
        assert everything(t, path, f"u_{state.__name__}", {"wal": "copy"}) == [str(rows)] * 3
        assert listing(directory) == before
        if state is not connected_and_idle:
            # A -wal that may not be read at all can be had by nobody.
            os.chmod(beside(path, "-wal"), 0o600)
            t.import_fails(path, {"wal": "copy"}, "58030", "could not copy.*ermission")
            os.chmod(beside(path, "-wal"), 0o644)
        goes_on(path, application)


def test_immutable_does_not_leave_a_log_out(t):
    for state in (connected, crashed, copied_with_its_log):
        directory = home(t, state.__name__, 0o777)
        path, rows, application = state(directory)
        before = listing(directory)
        for function in ("sqlite_inspect", "sqlite_findings", "sqlite_plan", "sqlite_ddl", "sqlite_compare", "sqlite_import"):
            with fails(s.WAL_ALONE, "-wal", hint='"wal" to "copy" instead'):
                t.sql(t.call(function, path, {"immutable": True}))
        name = f"i_{state.__name__}"
        t.sql(f"CREATE SERVER {name} FOREIGN DATA WRAPPER pg_sqlite_fdw OPTIONS (database {quote(str(path))}, immutable 'true');"
              f"CREATE FOREIGN TABLE {name} (id bigint) SERVER {name} OPTIONS (\"table\" 't')")
        with fails(s.WAL_ALONE, hint='"wal" to "copy" instead'):
            t.sql(f"SELECT * FROM {name}")
        t.sql(f"ALTER SERVER {name} OPTIONS (DROP immutable, ADD wal 'copy')")
        assert t.value(f"SELECT count(*) FROM {name}") == str(rows)
        assert listing(directory) == before
        goes_on(path, application)
    # Where nothing is in a -wal, the user's word is enough, and no lock is taken.
    directory = home(t, "vouched")
    path, rows, _ = closed(directory)
    assert everything(t, path, "vouched", {"immutable": True}) == ["2"] * 3
    with fails("55000", "insert|read-only"):
        t.sql("INSERT INTO vouched.t VALUES (9, 'x')")
    goes_on(path, None)


def test_immutable_does_not_read_past_a_hot_journal(t):
    directory = home(t, "hot")
    path = make(directory, "INSERT INTO t SELECT value, printf('%.*c', 900, 'a') FROM json_each('[' || replace(printf('%.*c', 2000, '1'), '1', '9,') || '9]') WHERE 0", mode="delete")
    once(path, "WITH RECURSIVE n(i) AS (SELECT 10 UNION ALL SELECT i + 1 FROM n WHERE i < 2000) INSERT INTO t SELECT i, printf('%.*c', 500, 'a') FROM n")
    application = Application(path)
    for sql in ("PRAGMA cache_size = 1", "BEGIN IMMEDIATE", "UPDATE t SET v = 'torn' || id"):
        application.run(sql)
    application.kill()
    assert beside(path, "-journal").stat().st_size > 0
    for plan in ({}, {"immutable": True}):
        t.import_fails(path, plan, s.HOT_JOURNAL, "journal", hint="roll")
    once(path, "SELECT count(*) FROM t")
    assert t.import_(path, {"immutable": True})["t"]["imported"] == 1993


def leftovers(t):
    """Private copies among the server's temporary files."""
    directory = t.server.data / "base" / "pgsql_tmp"
    return sorted(p.name for p in directory.iterdir() if ".sqlite." in p.name) if directory.exists() else []


def test_a_copy_is_gone_however_it_ends(t):
    path, rows, _ = copied_with_its_log(home(t, "ends"))
    plan = {"wal": "copy"}
    done = t.sql(t.call("sqlite_import", path, plan))
    assert "private copy" in done.told and "pgsql_tmp" in done.told, done.told
    size = path.stat().st_size + beside(path, "-wal").stat().st_size
    assert f"{size} bytes" in done.told
    assert t.value("SELECT message FROM sqlite_migrate.finding WHERE message LIKE '%private copy%'").startswith("read from a private copy")
    assert leftovers(t) == []
    t.import_fails(path, plan, s.EXISTS)
    assert leftovers(t) == []
    bad = {**plan, "schema": "bad", "tables": {"t": {"columns": {"v": {"type": "bigint"}}}}}
    t.import_fails(path, bad, s.MISFIT)
    t.sql("BEGIN; " + t.call("sqlite_import", path, {**plan, "schema": "undone"}) + "; ROLLBACK")
    assert leftovers(t) == []
    # Canceled and terminated in the middle.
    for stop in ("pg_cancel_backend", "pg_terminate_backend"):
        session = t.session()
        session.send(t.call("sqlite_import", path, {**plan, "schema": "slow", "after": "SELECT pg_sleep(600)"}))
        until(lambda: len(leftovers(t)) == 1 and t.value(f"SELECT wait_event FROM pg_stat_activity WHERE pid = {session.pid}") == "PgSleep", "the copy is in use")
        t.sql(f"SELECT {stop}({session.pid})")
        until(lambda: leftovers(t) == [], f"the copy is gone after {stop}")
        session.attempted()
    # A session that keeps its foreign file open, until it ends.
    server(t, "kept", path, wal="copy")
    session = t.session()
    assert session.value("SELECT count(*) FROM kept.t") == str(rows)
    assert len(leftovers(t)) == 1
    session.run("SELECT pg_sqlite_fdw_disconnect_all()")
    assert leftovers(t) == []
    session.run("SELECT count(*) FROM kept.t")
    session.close()
    until(lambda: leftovers(t) == [], "the copy is gone with its session")
    with fails("55000", "insert|read-only"):
        t.sql("INSERT INTO kept.t VALUES (9, 'x')")


def test_a_copy_of_a_crashed_server_goes_at_its_start(t):
    path, rows, _ = copied_with_its_log(home(t, "crash"))
    session = t.session()
    session.send(t.call("sqlite_import", path, {"wal": "copy", "after": "SELECT pg_sleep(600)"}))
    until(lambda: len(leftovers(t)) == 1, "the copy is in use")
    t.crash_expected = True
    os.kill(session.pid, signal.SIGKILL)
    session.attempted()
    t.server.wait_until_up()
    assert leftovers(t) == []
    assert t.import_(path, {"wal": "copy"})["t"]["imported"] == rows


def test_a_copy_keeps_to_temp_file_limit_and_temp_tablespaces(t):
    path, rows, _ = copied_with_its_log(home(t, "limit"))
    call = t.call("sqlite_findings", path, {"wal": "copy"})
    with fails("53400", "temp_file_limit", hint="temp_file_limit"):
        t.sql("SET temp_file_limit = '8kB'; " + call)
    place = home(t, "space")
    os.chmod(place, 0o700)
    if os.getuid() == 0:
        os.chown(place, t.server.user.pw_uid, t.server.user.pw_gid)
    space = t.database[:50] + "_space"
    t.sql(f"CREATE TABLESPACE {space} LOCATION {quote(str(place))}")
    try:
        said = t.sql(f"SET temp_tablespaces = {space}; {call}")
        assert "pg_tblspc" in said.told and leftovers(t) == [] and not list(place.glob("*/pgsql_tmp/*")), said.told
    finally:
        t.sql(f"DROP TABLESPACE {space}")


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
    with fails(s.SERIALIZATION):
        during(t, path, {"schema": "y"}, lambda: once(path, insert, "PRAGMA wal_checkpoint(TRUNCATE)"))


def test_a_file_that_is_replaced_while_it_is_read(t):
    directory = home(t, "replaced")
    path = make(directory)
    other = directory / "other.db"
    shutil.copy2(path, other)
    give(other)
    with fails(s.SERIALIZATION):
        during(t, path, {"schema": "a"}, lambda: other.rename(path))
    assert t.import_(path, {"schema": "a"})["t"]["imported"] == 2
    # Overwritten in place with the same bytes, at another time.
    with fails(s.SERIALIZATION):
        during(t, path, {"schema": "b"}, lambda: path.write_bytes(path.read_bytes()))
    # Another file that the link leads to.
    link = directory / "link.db"
    link.symlink_to(path)
    second = make(home(t, "second"))

    def turn():
        link.unlink()
        link.symlink_to(second)

    with fails(s.SERIALIZATION):
        during(t, link, {"schema": "c"}, turn)
    assert t.import_(link, {"schema": "c"})["t"]["imported"] == 2
    assert sorted(p.name for p in directory.iterdir()) == ["app.db", "link.db"]
    # A file that the user vouched for, in another mode.
    path = make(home(t, "vouched"), mode="delete")
    with fails(s.SERIALIZATION):
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
            end.failed(s.SERIALIZATION)
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


def test_what_the_file_says_of_itself_is_found(t):
    directory = home(t, "says")
    path, _, _ = closed(directory)

    def of_file(path, plan=None):
        return [(f["severity"], f["message"]) for f in t.findings(path, plan) if f["object"] == str(path)]

    assert [(severity, "copied without it" in message) for severity, message in of_file(path)] == [("info", True)]
    t.import_(path)
    assert t.value("SELECT count(*) FROM sqlite_migrate.finding WHERE message LIKE '%no -wal%'") == "1"
    os.link(path, directory / "second.db")
    assert sorted(severity for severity, _ in of_file(path)) == ["info", "warning"], of_file(path)
    assert of_file(rollback(home(t, "plain"))[0]) == []
    assert of_file(connected_and_idle(home(t, "idle"))[0]) == []
    # As a role that may only read files.
    assert "copied without it" in t.value(t.call("sqlite_findings", path, {"schema": "elsewhere"}), t.role("reader", "pg_read_server_files"))


def test_a_file_without_tables_says_so(t):
    for name, script in (("version.db", "PRAGMA user_version = 3"), ("emptied.db", "CREATE TABLE t (a); DROP TABLE t"), ("view.db", "CREATE VIEW v AS SELECT 1 AS a")):
        path = t.file(name, script)
        for function in ("sqlite_inspect", "sqlite_findings", "sqlite_plan", "sqlite_ddl", "sqlite_compare", "sqlite_import"):
            result = t.sql(t.call(function, path, {"immutable": True} if function == "sqlite_ddl" else {}))
            assert "WARNING" in result.told and "has no tables" in result.told, (name, function, result.told)
        found = [(f["severity"], f["message"]) for f in t.findings(path) if f["object"] == str(path)]
        assert found == [("warning", "the file has no tables")], (name, t.findings(path))
        assert t.value(f"SELECT count(*) FROM sqlite_migrate.finding WHERE object = {quote(str(path))}") == "1"
    # One whose tables the plan leaves out has some.
    path = t.file("some.db", "CREATE TABLE t (a)")
    assert "no tables" not in t.sql(t.call("sqlite_import", path, {"exclude": ["*"]})).told
