"""sqlite_backup: a copy from one snapshot, which is there when the transaction has committed; and an import that reads one."""

import contextlib
import hashlib
import sqlite3
import stat

import pytest

import sqlstates as s
from client import fails
from exports import cells, left_behind
from harness import quote, until

FILE = "CREATE TABLE t (id INTEGER PRIMARY KEY, v TEXT); INSERT INTO t VALUES (1, 'a'), (2, 'b')"


def backup(path, to):
    return f"SELECT * FROM sqlite_backup({quote(str(path))}, {quote(str(to))})"


def writer(t, name="w.db"):
    """An application that goes on writing: its file is in WAL mode, and what it commits stays in the -wal."""
    path = t.file(name, "PRAGMA journal_mode = WAL; " + FILE)
    db = sqlite3.connect(path, isolation_level=None)
    db.execute("PRAGMA wal_autocheckpoint = 0")
    db.execute("INSERT INTO t VALUES (3, 'in the -wal')")
    for suffix in ("-wal", "-shm"):
        t.own(path.with_name(name + suffix), 0o666)
    return path, db


def test_a_copy_has_what_the_wal_has_and_stops_no_writer(t):
    path, db = writer(t)
    to = t.dir / "copy.db"
    session = t.session()
    session.execute("BEGIN")
    [row] = t.rows(backup(path, t.dir / "other.db"))
    session.execute(backup(path, to))
    assert not to.exists()
    db.execute("INSERT INTO t VALUES (4, 'later')")
    session.execute("COMMIT")
    assert cells(to, "SELECT id FROM t") == [(1,), (2,), (3,)]
    other = (t.dir / "other.db").read_bytes()
    assert row == {"path": str(t.dir / "other.db"), "pages": 2, "bytes": len(other), "sha256": hashlib.sha256(other).hexdigest(), "integrity": "ok"}
    # The application's own file is as it was, and stays in use.
    assert db.execute("SELECT count(*) FROM t").fetchone() == (4,) and db.execute("PRAGMA wal_checkpoint").fetchone()[0] == 0
    db.close()
    assert [name for name in left_behind(t) if name.startswith(".")] == []


def test_nothing_is_left_of_what_was_rolled_back_or_refused(t):
    path = t.file("a.db", FILE)
    to = t.dir / "copy.db"
    session = t.session()
    session.execute(f"BEGIN; {backup(path, to)}; ROLLBACK")
    session.execute(f"BEGIN; SAVEPOINT s; {backup(path, to)}; ROLLBACK TO s; COMMIT")
    assert left_behind(t) == ["a.db"]
    with fails(("0A000", "55000"), "PREPARE|prepared transactions are disabled"):
        t.sql(f"BEGIN; {backup(path, to)}; PREPARE TRANSACTION 'x'")
    with fails("58P02", "already exists", hint="another path"):
        t.sql(backup(path, path))
    # Beside a database, SQLite would take a file of that name for a part of it.
    for suffix in ("-wal", "-journal", "-shm"):
        with fails("42602", f"its name ends in {suffix}", hint="another name"):
            t.sql(backup(path, f"{path}{suffix}"))
    for arguments in ("NULL, '/tmp/x'", f"{quote(str(path))}, NULL"):
        with fails("22004", "must not be NULL"):
            t.sql(f"SELECT * FROM sqlite_backup({arguments})")
    with fails(s.MISSING, "does not exist"):
        t.sql(backup(t.dir / "none.db", to))
    assert left_behind(t) == ["a.db"]


@pytest.mark.parametrize("mode", ["delete", "wal"])
def test_a_file_that_another_has_locked(t, mode):
    """Who holds it EXCLUSIVE-ly is waited for, and named after `busy_timeout`; nothing is left of the copy."""
    path = t.file("a.db", f"PRAGMA journal_mode = {mode}; " + FILE)
    with contextlib.closing(sqlite3.connect(path, isolation_level=None)) as db:
        db.executescript("PRAGMA locking_mode = EXCLUSIVE; BEGIN EXCLUSIVE; INSERT INTO t VALUES (3, 'not committed')")
        for suffix in ("-wal", "-shm", "-journal"):
            if path.with_name(path.name + suffix).exists():
                t.own(path.with_name(path.name + suffix), 0o666)
        there = left_behind(t)
        for call in (backup(path, t.dir / "copy.db"), t.call("sqlite_import", path, {"backup": f"{t.dir}/copy.db"})):
            with fails(s.LOCKED + s.WAL_ALONE, "lock"):
                t.sql(f"SET pg_sqlite_migrate.busy_timeout = '200ms'; {call}")
            assert left_behind(t) == there
        session = t.session()
        session.execute("SET pg_sqlite_migrate.busy_timeout = '60s'")
        if mode == "delete":
            session.send(backup(path, t.dir / "copy.db"))
            db.execute("COMMIT")
            db.execute("PRAGMA locking_mode = NORMAL")
            db.execute("SELECT count(*) FROM t").fetchall()
            session.wait()
            assert cells(t.dir / "copy.db", "SELECT count(*) FROM t") == [(3,)]


def test_a_damaged_file_is_no_copy(t):
    """Its pages could be copied as they are: SQLite's check of the copy says that it is worth nothing."""
    path = t.file("a.db", FILE + "; CREATE TABLE u (b); WITH n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 400) INSERT INTO u SELECT hex(zeroblob(100)) FROM n")
    data = bytearray(path.read_bytes())
    data[5 * 4096 + 3:5 * 4096 + 90] = b"\xff" * 87
    path.write_bytes(data)
    with fails(s.CORRUPT, "corrupt"):
        t.sql(backup(path, t.dir / "copy.db"))
    assert left_behind(t) == ["a.db"]
    # What breaks a declaration is in the file as the application left it, and so it is in the copy.
    path = t.file("b.db", "CREATE TABLE t (a); INSERT INTO t VALUES (NULL); PRAGMA writable_schema = ON; UPDATE sqlite_schema SET sql = 'CREATE TABLE t (a NOT NULL)'")
    assert t.value(f"SELECT integrity FROM ({backup(path, t.dir / 'copy.db')}) q") == "NULL value in t.a"
    with contextlib.closing(sqlite3.connect(t.dir / "copy.db")) as db:
        assert db.execute("SELECT * FROM t").fetchall() == [(None,)]


def test_who_may_copy(t):
    path = t.file("a.db", FILE)
    t.own(path, 0o600)
    to = t.dir / "copy.db"
    reader, writes = t.role("reader", "pg_read_server_files"), t.role("writes", "pg_write_server_files")
    with fails(s.PRIVILEGE, "write SQLite files", hint="pg_write_server_files"):
        t.sql(backup(path, to), reader)
    with fails(s.PRIVILEGE, "read SQLite files"):
        t.sql(backup(path, to), writes)
    t.sql("GRANT pg_read_server_files TO writes")
    t.sql(backup(path, to), writes)
    # Who may not read the file may not read its copy.
    assert stat.S_IMODE(to.stat().st_mode) == 0o600
    (t.dir / "in").mkdir()
    t.own(t.dir / "in")
    with fails(s.PRIVILEGE, "outside the allowed directories"):
        t.sql(f"SET pg_sqlite_migrate.allowed_directories = '{t.dir}/in'; {backup(t.dir / 'in' / 'x.db', t.dir / 'y.db')}")


def test_a_copy_is_cancelled_within_its_pages(t):
    """The copy of a large file is stopped by its user; the temporary file goes with the transaction."""
    path = t.dir / "large.db"
    db = sqlite3.connect(path)
    db.executescript("CREATE TABLE t (v); WITH n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 300) INSERT INTO t SELECT randomblob(1000000) FROM n")
    db.close()
    t.own(path)
    session = t.session()
    [[pid]] = session.execute("SELECT pg_backend_pid()").rows
    session.send(backup(path, t.dir / "copy.db"))
    until(lambda: any(name.startswith(".sqlite_export.") for name in left_behind(t)), "a temporary file")
    t.sql(f"SELECT pg_cancel_backend({pid})")
    with fails("57014", "cancel|interrupted"):
        session.wait()
    assert left_behind(t) == ["large.db"]


def test_an_import_reads_its_copy(t):
    path, db = writer(t)
    plan = {"backup": f"{t.dir}/{{name}}-{{time}}.db"}
    session = t.session()
    session.execute(f"BEGIN; {t.call('sqlite_import', path, plan)}")
    db.execute("INSERT INTO t VALUES (4, 'later')")
    assert not list(t.dir.glob("w-*.db"))
    session.execute("COMMIT")
    [copy] = t.dir.glob("w-*.db")
    assert t.value("SELECT count(*) FROM t") == "3" and cells(copy, "SELECT count(*) FROM t") == [(3,)]
    [run] = t.rows("SELECT path, source FROM sqlite_migrate.run")
    kept = run["source"]["backup"]
    assert run["path"] == str(path) and kept["path"] == str(copy)
    assert kept["sha256"] == hashlib.sha256(copy.read_bytes()).hexdigest() and kept["integrity"] == "ok"
    # The manifest answers for the database without the file.
    db.close()
    wrong = "SELECT count(*) FROM sqlite_migrate.run r, verify_manifest(r.source #> '{backup,manifest}') AS m WHERE NOT m.ok"
    assert t.value(wrong) == "0"
    t.sql("UPDATE t SET v = 'changed' WHERE id = 1")
    assert t.value(wrong) != "0"
    # An import that fails leaves no copy.
    with fails(s.EXISTS, ""):
        t.sql(t.call("sqlite_import", path, {"backup": f"{t.dir}/second.db"}))
    assert not (t.dir / "second.db").exists()
    for wrong, message in (("copy.db", "absolute path"), (f"{t.dir}/{{nme}}.db", "another placeholder")):
        with fails(s.PLAN, message):
            t.sql(t.call("sqlite_import", path, {"backup": wrong}))
