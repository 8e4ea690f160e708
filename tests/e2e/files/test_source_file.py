"""A source file is only read: nothing is left beside it, nothing is taken away, and its application can go on writing."""

import os
import signal

import pytest

import sqlstates as s
from client import fails
from harness import quote, until
from source_files import (
    IN_PLACE,
    Application,
    beside,
    closed,
    connected,
    connected_and_idle,
    copied_with_its_log,
    crashed,
    everything,
    goes_on,
    home,
    leftovers,
    listing,
    make,
    once,
    rollback,
    server,
)


@pytest.mark.parametrize("mode", (0o755, 0o777), ids=oct)
@pytest.mark.parametrize("state", IN_PLACE)
def test_a_file_s_directory_is_left_as_it_was(t, state, mode):
    directory = home(t, "home", mode)
    path, rows, application = state(directory)
    before = listing(directory)
    assert everything(t, path, "app") == [str(rows)] * 3
    assert listing(directory) == before
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
    with fails(s.WAL_ALONE, "-wal and no -shm", hint='"wal" to "copy"'):
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


@pytest.mark.parametrize("state", (connected, connected_and_idle, crashed))
def test_files_beside_it_that_may_not_be_used(t, state):
    """What the owner keeps from the server's user is not forced; what the hint says works."""
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
            with fails(s.WAL_ALONE, "cannot be read as immutable: its -wal", hint='"wal" to "copy" instead'):
                t.sql(t.call(function, path, {"immutable": True}))
        name = f"i_{state.__name__}"
        t.sql(f"CREATE SERVER {name} FOREIGN DATA WRAPPER pg_sqlite_fdw OPTIONS (database {quote(str(path))}, immutable 'true');"
              f"CREATE FOREIGN TABLE {name} (id bigint) SERVER {name} OPTIONS (\"table\" 't')")
        with fails(s.WAL_ALONE, "cannot be read as immutable: its -wal", hint='"wal" to "copy" instead'):
            t.sql(f"SELECT * FROM {name}")
        t.sql(f"ALTER SERVER {name} OPTIONS (DROP immutable, ADD wal 'copy')")
        assert t.value(f"SELECT count(*) FROM {name}") == str(rows)
        assert listing(directory) == before
        goes_on(path, application)
    # Where nothing is in a -wal, the user's word is enough, and no lock is taken.
    directory = home(t, "vouched")
    path, rows, _ = closed(directory)
    assert everything(t, path, "vouched", {"immutable": True}) == ["2"] * 3
    with fails("55000", "\"t\" is read-only"):
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


def test_a_copy_is_gone_however_it_ends(t):
    path, rows, _ = copied_with_its_log(home(t, "ends"))
    plan = {"wal": "copy"}
    done = t.sql(t.call("sqlite_import", path, plan))
    assert "private copy" in done.told and "pgsql_tmp" in done.told, done.told
    size = path.stat().st_size + beside(path, "-wal").stat().st_size
    assert f"{size} bytes" in done.told
    assert t.value("SELECT message FROM sqlite_migrate.finding WHERE message LIKE '%private copy%'").startswith("read from a private copy")
    assert leftovers(t) == []
    t.import_fails(path, plan, s.EXISTS, "holds 3 rows")
    assert leftovers(t) == []
    bad = {**plan, "schema": "bad", "tables": {"t": {"columns": {"v": {"type": "bigint"}}}}}
    t.import_fails(path, bad, s.INVALID_VALUE, 'column "v" of table "t"')
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
    with fails("55000", "\"t\" is read-only"):
        t.sql("INSERT INTO kept.t VALUES (9, 'x')")


def test_a_copy_of_a_crashed_server_goes_at_its_start(t):
    path, rows, _ = copied_with_its_log(home(t, "crash"))
    session = t.session()
    session.send(t.call("sqlite_import", path, {"wal": "copy", "after": "SELECT pg_sleep(600)"}))
    until(lambda: len(leftovers(t)) == 1, "the copy is in use")
    t.crash_expected = True
    position = t.server.log_size()
    os.kill(session.pid, signal.SIGKILL)
    session.attempted()
    t.server.wait_until_restarted(position)
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
