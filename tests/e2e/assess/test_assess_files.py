"""Every SQLite file below a directory: one that cannot be read is a row with the reason."""

import os
import shutil
import sqlite3

import real_files
import sqlstates as s
from client import fails
from harness import quote, shared, until
from source_files import copied_with_its_log, listing

T = "CREATE TABLE t (id INTEGER PRIMARY KEY, v TEXT); INSERT INTO t VALUES (1, 'a'), (2, 'b');"
DJANGO = "CREATE TABLE django_migrations (id integer, app varchar, name varchar);"


def made(t, name, script):
    """A file in a directory below the scenario's."""
    path = t.dir / name
    folder(t, path.parent)
    t.file("made.db", script).rename(path)
    return path


def folder(t, path, mode=0o755):
    for made in [parent for parent in [path, *path.parents] if t.dir in parent.parents and not parent.exists()][::-1]:
        made.mkdir()
        t.own(made, mode)
    return path


def call(directory, rest=""):
    return f"SELECT * FROM sqlite_assess_files({quote(str(directory))}{rest})"


def found(t, directory, rest="", user="postgres"):
    return {os.path.relpath(row.pop("path"), directory): row for row in t.rows(call(directory, rest), user)}


def test_files_are_known_by_their_first_bytes(t):
    root = folder(t, t.dir / "root")
    made(t, "root/app", T)
    made(t, "root/below/deep/shop.sqlite", T + DJANGO + "CREATE VIEW v AS SELECT own(1);")
    made(t, "root/below/orphans.db", "CREATE TABLE p (id INTEGER PRIMARY KEY); CREATE TABLE c (p INTEGER REFERENCES p); INSERT INTO c VALUES (7);")
    (root / "empty.db").touch()
    (root / "notes.txt").write_text("no database")
    os.mkfifo(root / "pipe.db")
    files = found(t, root)
    assert list(files) == ["app", "below/deep/shop.sqlite", "below/orphans.db"]
    size = files["app"].pop("bytes")
    assert size == (root / "app").stat().st_size
    assert files["app"] == {"maker": None, "tables": 1, "rows": 2, "level": "A-1", "worst_finding": None, "detail": "0 objects with findings, 0 by hand"}
    shop = files["below/deep/shop.sqlite"]
    assert (shop["maker"], shop["tables"], shop["rows"], shop["level"]) == ("Django", 2, 2, "C-2")
    assert shop["worst_finding"] == '''warning: view v: view "v" is not carried over: function own() is the application's (line 1, column 25: CREATE VIEW v AS SELECT «own(1)»)'''
    orphans = files["below/orphans.db"]
    assert (orphans["level"], orphans["detail"]) == ("B-1", "1 object with findings, 0 by hand; 1 finding would stop an import")
    assert orphans["worst_finding"].startswith("blocking: foreign key c(p): "), orphans
    assert list(found(t, root, ", false")) == ["app"]
    # What an import has put into the database does not count.
    t.import_(root / "app")
    assert found(t, root)["app"]["level"] == "A-1"


def test_one_bad_file_is_a_row(t):
    root = folder(t, t.dir / "root")
    made(t, "root/good.db", T)
    damaged = made(t, "root/damaged.db", "CREATE TABLE t (id INTEGER PRIMARY KEY, v TEXT); WITH RECURSIVE g (n) AS (SELECT 1 UNION ALL"
                   " SELECT n + 1 FROM g WHERE n < 2000) INSERT INTO t SELECT n, 'text ' || n FROM g;")
    with open(damaged, "r+b") as file:
        file.seek(3 * 4096)
        file.write(bytes(4096))
    cut = made(t, "root/cut.db", T)
    os.truncate(cut, 3000)
    (root / "encrypted.db").write_bytes(os.urandom(8192))
    (root / "random.bin").write_bytes(os.urandom(8192))
    locked = made(t, "root/locked.db", T)
    writer = sqlite3.connect(locked, isolation_level=None)
    writer.execute("BEGIN EXCLUSIVE")
    closed = made(t, "root/closed.db", T)
    os.chmod(closed, 0o000)
    odd = os.fsencode(root) + b"/\xff\xfe.db"
    shutil.copyfile(root / "good.db", odd)
    os.chmod(folder(t, root / "private"), 0o000)
    t.sql(f"ALTER DATABASE {t.database} SET pg_sqlite_migrate.busy_timeout = 100")
    rows = t.rows(call(root))
    level = {os.path.relpath(row["path"], root): row["level"] for row in rows}
    detail = {os.path.relpath(row["path"], root): row["detail"] for row in rows}
    assert level == {"closed.db": None, "cut.db": None, "damaged.db": "C-2", "encrypted.db": None, "good.db": "A-1", "locked.db": None,
                     "private": None, "\ufffd\ufffd.db": None}, rows
    for name, reason in {"closed.db": "ermission denied", "cut.db": "malformed", "encrypted.db": "is not a SQLite database, or is encrypted",
                         "locked.db": "is locked", "private": "cannot be read: Permission denied", "\ufffd\ufffd.db": "the name is not UTF-8"}.items():
        assert reason in detail[name], (name, detail[name])
    writer.close()


def test_files_that_are_broken_on_purpose(t):
    root = folder(t, t.dir / "root")
    for name in real_files.MALFORMED:
        shutil.copyfile(shared("data", "malformed", f"{name}.db"), root / f"{name}.db")
    rows = t.rows(call(root))
    assert [os.path.basename(row["path"]) for row in rows] == [f"{name}.db" for name in real_files.MALFORMED]
    for row in rows:
        assert row["detail"] and (row["level"] is None) == (row["rows"] is None), row
    assert {row["level"] for row in rows} >= {None, "C-2", "C-3"}


def test_links_are_not_followed(t):
    root = folder(t, t.dir / "root")
    outside = made(t, "outside/secret.db", T)
    made(t, "root/a.db", T)
    (root / "loop").symlink_to(root)
    (root / "away").symlink_to(outside.parent)
    (root / "link.db").symlink_to(outside)
    assert list(found(t, root)) == ["a.db"]
    # The directory itself may be one.
    (t.dir / "entry").symlink_to(root)
    assert [row["path"] for row in t.rows(call(t.dir / "entry"))] == [str(t.dir / "entry" / "a.db")]


def test_nothing_is_left_beside_a_file(t):
    root = folder(t, t.dir / "root", 0o777)
    path, rows, _ = copied_with_its_log(root)
    made(t, "root/wal.db", "PRAGMA journal_mode = wal; " + T)
    live = made(t, "root/live.db", "PRAGMA journal_mode = wal; " + T)
    application = sqlite3.connect(live, isolation_level=None)
    application.execute("INSERT INTO t VALUES (3, 'c')")
    for suffix in ("-wal", "-shm"):
        t.own(root / f"live.db{suffix}", 0o666)
    before = listing(root)
    files = found(t, root)
    assert {name: row["rows"] for name, row in files.items()} == {path.name: rows, "wal.db": 2, "live.db": 3}
    assert listing(root) == before
    application.execute("INSERT INTO t VALUES (4, 'd')")
    application.close()


def test_who_may_look_and_where(t):
    root, other = folder(t, t.dir / "root"), folder(t, t.dir / "other")
    made(t, "root/a.db", T)
    (root / "way out").symlink_to(other)
    nobody, reader = t.role("nobody"), t.role("reader", "pg_read_server_files")
    with fails(s.PRIVILEGE, "permission denied to read SQLite files"):
        t.sql(call(root), nobody)
    assert list(found(t, root, user=reader)) == ["a.db"]
    t.sql(f"ALTER ROLE reader SET pg_sqlite_migrate.allowed_directories = {quote(str(root))}")
    assert list(found(t, root, user=reader)) == ["a.db"]
    for outside in (t.dir, other, root / "..", root / "way out", t.dir / "missing"):
        with fails(s.PRIVILEGE, "^directory .* is outside the allowed directories"):
            t.sql(call(outside), reader)
    for directory, sqlstate, message in [
            ("root", "42602", "path of directory must be absolute"), (t.dir / "missing", "58P01", "does not exist"), (root / "a.db", "42809", "is not a directory")]:
        with fails(sqlstate, message):
            t.sql(call(directory))
    with fails("22004", "directory must not be NULL"):
        t.sql("SELECT * FROM sqlite_assess_files(NULL)")
    os.chmod(other, 0o000)
    with fails(s.PRIVILEGE, "could not open directory .*: permission denied"):
        t.sql(call(other))
    empty = folder(t, t.dir / "empty")
    assert t.rows(call(empty)) == []
    assert list(found(t, root, user="postgres")) == ["a.db"] == list(found(t, root, ", recursive => NULL"))
    assert t.value(f"BEGIN READ ONLY; SELECT count(*) FROM sqlite_assess_files({quote(str(root))})") == "1"


def test_a_cancel_ends_all_of_it(t):
    root = folder(t, t.dir / "root")
    locked = [made(t, f"root/{n}.db", T) for n in range(3)]
    writers = [sqlite3.connect(path, isolation_level=None) for path in locked]
    for writer in writers:
        writer.execute("BEGIN EXCLUSIVE")
    session = t.session()
    session.execute("SET pg_sqlite_migrate.busy_timeout = '1h'")
    session.send(call(root))
    until(lambda: t.value("SELECT count(*) FROM pg_stat_activity WHERE query LIKE 'SELECT * FROM sqlite_assess_files%' AND state = 'active'") == "1", "it waits")
    t.sql("SELECT pg_cancel_backend(pid) FROM pg_stat_activity WHERE pid <> pg_backend_pid() AND query LIKE 'SELECT * FROM sqlite_assess_files%'")
    with fails(s.CANCELED, "cancel"):
        session.wait()
    assert session.execute("SELECT 1").out == "1\n"
    for writer in writers:
        writer.close()


def test_a_file_that_the_session_has_open_stays_locked(t):
    """The locks of a process are gone with the first handle that it closes, unless SQLite closes it."""
    root = folder(t, t.dir / "root", 0o777)
    path = made(t, "root/a.db", T)
    t.own(path, 0o666)
    session = t.session()
    session.execute(f"CREATE SERVER a FOREIGN DATA WRAPPER pg_sqlite_fdw OPTIONS (database {quote(str(path))}); CREATE SCHEMA a;"
                    " IMPORT FOREIGN SCHEMA main FROM SERVER a INTO a")
    session.execute("BEGIN ISOLATION LEVEL REPEATABLE READ; SELECT count(*) FROM a.t")
    session.execute(call(root))
    writer = sqlite3.connect(path, isolation_level=None, timeout=0)
    writer.execute("BEGIN IMMEDIATE")
    writer.execute("INSERT INTO t VALUES (3, 'c')")
    try:
        writer.execute("COMMIT")
    except sqlite3.OperationalError as error:
        assert "locked" in str(error)
    else:
        raise AssertionError("a reader's lock is gone")
    session.execute("COMMIT")
    writer.close()
