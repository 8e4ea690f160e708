"""What the hints about locked, unreadable and journaled files advise works: each is followed, in every way that it names."""

import os
import sqlite3

import pytest

import sqlstates as s
from client import fails
from harness import quote
from source_files import (
    Application,
    beside,
    connected,
    copied_with_its_log,
    crashed,
    home,
    make,
    once,
    rollback,
    server,
)


def imports(t, path, plan=None):
    """How many rows an import loads; nothing of it stays."""
    return int(t.sql(f"BEGIN; WITH i AS ({t.call('sqlite_import', path, plan or {})}) SELECT sum(imported) FROM i; ROLLBACK").out)


def foreign(t, name, path, **options):
    """A foreign table of the file whose columns are declared by hand: a file that cannot be opened cannot be asked."""
    options = "".join(f", {key} {quote(value)}" for key, value in options.items())
    t.sql(f"CREATE SERVER {name} FOREIGN DATA WRAPPER pg_sqlite_fdw OPTIONS (database {quote(str(path))}{options});"
          f"CREATE FOREIGN TABLE {name} (id bigint, v text) SERVER {name} OPTIONS (\"table\" 't')")


def test_a_locked_file_is_waited_for(t):
    """"Wait for the writer to finish, or raise pg_sqlite_migrate.busy_timeout.\""""
    path, rows, _ = rollback(home(t, "locked"))
    foreign(t, "f", path, busy_timeout="100")
    writer = Application(path)
    writer.run("BEGIN EXCLUSIVE")
    call, scan = t.call("sqlite_import", path), "SELECT count(*) FROM f"
    for command in (call, scan):
        with fails(s.LOCKED, "is locked", hint="Wait for the writer to finish, or raise pg_sqlite_migrate.busy_timeout"):
            t.sql(f"SET pg_sqlite_migrate.busy_timeout = '100ms'; {command}")
    session = t.session()
    session.run("SET pg_sqlite_migrate.busy_timeout = '60s'")
    session.send(call)
    waiting = t.session()
    waiting.run("ALTER SERVER f OPTIONS (DROP busy_timeout); SET pg_sqlite_migrate.busy_timeout = '60s'")
    waiting.send(scan)
    writer.run("COMMIT")
    writer.close()
    session.wait()
    assert waiting.wait().out.split()[-1] == str(rows)
    assert t.value("SELECT count(*) FROM t") == str(rows)


@pytest.mark.parametrize("plan", ({"wal": "copy"}, {"wal": "copy", "immutable": True}), ids=("instead", "too"))
@pytest.mark.parametrize("state", (connected, crashed, copied_with_its_log))
def test_a_copy_instead_of_immutable(t, state, plan):
    path, rows, application = state(home(t, "home", 0o777))
    with fails(s.WAL_ALONE, "cannot be read as immutable", hint='Set "wal" to "copy" instead, in the plan or as an option of the foreign server'):
        imports(t, path, {"immutable": True})
    assert imports(t, path, plan) == rows
    foreign(t, "f", path, **{key: str(value).lower() for key, value in plan.items()})
    assert t.value("SELECT count(*) FROM f") == str(rows)
    if application:
        application.close()


def test_a_log_of_its_own_is_copied_or_closed(t):
    """"Set "wal" to "copy", in the plan or as an option of the foreign server, …; or let the application open and close the file once.\""""
    path, rows, _ = copied_with_its_log(home(t, "home"))
    foreign(t, "f", path)
    for command in (t.call("sqlite_import", path), "SELECT count(*) FROM f"):
        with fails(s.WAL_ALONE, "has a -wal and no -shm", hint='Set "wal" to "copy", in the plan or as an option of the foreign server'):
            t.sql(command)
    assert imports(t, path, {"wal": "copy"}) == rows
    t.sql("ALTER SERVER f OPTIONS (ADD wal 'copy')")
    assert t.value("SELECT count(*) FROM f") == str(rows)
    t.sql("ALTER SERVER f OPTIONS (DROP wal)")
    once(path, "SELECT count(*) FROM t")
    assert (imports(t, path), t.value("SELECT count(*) FROM f")) == (rows, str(rows))


def test_a_copy_is_too_large(t):
    """"Raise temp_file_limit, or let the file's application open and close the file once.\""""
    path, rows, _ = copied_with_its_log(home(t, "home"))
    call = t.call("sqlite_import", path, {"wal": "copy"})
    with fails("53400", "temp_file_limit", hint="Raise temp_file_limit, or let the file's application open and close"):
        t.sql(f"SET temp_file_limit = '8kB'; {call}")
    t.sql(f"SET temp_file_limit = '1MB'; BEGIN; {call}; ROLLBACK")
    once(path, "SELECT count(*) FROM t")
    t.sql(f"SET temp_file_limit = '8kB'; {call}")
    assert t.value("SELECT count(*) FROM t") == str(rows)


def test_a_hot_journal_is_rolled_back(t):
    path = make(home(t, "hot"), mode="delete")
    once(path, "WITH RECURSIVE n(i) AS (SELECT 10 UNION ALL SELECT i + 1 FROM n WHERE i < 2000) INSERT INTO t SELECT i, printf('%.*c', 500, 'a') FROM n")
    application = Application(path)
    for sql in ("PRAGMA cache_size = 1", "BEGIN IMMEDIATE", "UPDATE t SET v = 'torn' || id"):
        application.run(sql)
    application.kill()
    foreign(t, "f", path)
    hint = "Open the file once for writing, with its application or with the sqlite3 shell"
    for plan in ({}, {"wal": "copy"}, {"immutable": True}):
        with fails(s.HOT_JOURNAL, "hot rollback journal", hint=hint):
            imports(t, path, plan)
    with fails(s.HOT_JOURNAL, "hot rollback journal", hint=hint):
        t.sql("SELECT count(*) FROM f")
    once(path, "SELECT count(*) FROM t")
    assert imports(t, path) == 1993
    assert t.value("SELECT count(*) FROM f WHERE v LIKE 'torn%'") == "0"


def test_an_unreadable_file_and_directory(t):
    """"The server's operating system user must be able to read the file and enter its directories.\""""
    directory = home(t, "home", 0o700)
    path, rows, _ = rollback(directory)
    os.chmod(path, 0o600)
    hint = "must be able to read the file and enter its directories"
    for mend in ((directory, 0o755), (path, 0o644)):
        with fails(s.UNREADABLE, "permission", hint=hint):
            imports(t, path)
        os.chmod(*mend)
    assert imports(t, path) == rows


def test_a_file_that_may_not_be_written_to(t):
    """"The server's operating system user must be able to write to the file and to its directory.\""""
    directory = home(t, "home")
    path, rows, _ = rollback(directory)
    foreign(t, "f", path, updatable="true")
    change = "UPDATE f SET v = 'changed'"
    hint = "must be able to write to the file and to its directory"
    for mend in ((path, 0o666), (directory, 0o777)):
        with fails("42501", "app.db", hint=hint):
            t.sql(change)
        os.chmod(*mend)
    t.sql(change)
    assert once(path, "SELECT count(*) FROM t WHERE v = 'changed'") == [(rows,)]


def test_files_beside_it_that_may_not_be_written_to(t):
    """"… or, to change the file, …: it, both files beside it, and its directory.\""""
    directory = home(t, "home")
    path, rows, application = connected(directory)
    foreign(t, "f", path, updatable="true")
    change = "UPDATE f SET v = 'changed'"
    os.chmod(beside(path, "-shm"), 0o600)
    os.chmod(path, 0o666)
    with fails("42501", "-wal and -shm", hint='Set "wal" to "copy".* be able to write to it, to both files beside it, and to its directory'):
        t.sql(change)
    for file in (beside(path, "-wal"), beside(path, "-shm")):
        os.chmod(file, 0o666)
    os.chmod(directory, 0o777)
    t.sql(change)
    assert application.run("SELECT count(*) FROM t WHERE v = 'changed'") == [(rows,)]
    application.close()


def test_findings_about_the_file_itself(t):
    def about(path):
        return [f["hint"] for f in t.findings(path) if f["object"] == str(path)]

    path, rows, application = connected(home(t, "used"))
    os.makedirs(t.dir / "copies")
    copied, linked = t.dir / "copies" / "app.db", t.dir / "copies" / "linked.db"
    application.run("PRAGMA wal_autocheckpoint = 0")
    copied.write_bytes(path.read_bytes())
    t.own(copied)
    os.link(path, linked)
    # The copy alone lacks the row that is in the -wal; with it, and when the application has closed the file, it is complete.
    assert about(copied) == ["Copy a file together with its -wal, or when its application has closed it."]
    assert imports(t, copied) < rows
    beside(copied, "-wal").write_bytes(beside(path, "-wal").read_bytes())
    t.own(beside(copied, "-wal"))
    assert imports(t, copied, {"wal": "copy"}) == rows
    assert "Give the path that its application uses." in about(linked), about(linked)
    assert about(path) == [] and imports(t, path) == rows
    application.close()
    beside(copied, "-wal").unlink()
    copied.write_bytes(path.read_bytes())
    assert imports(t, copied) == rows
