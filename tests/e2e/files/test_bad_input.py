"""What cannot be imported: the right SQLSTATE, a message that names the file, a HINT that helps, and no trace."""

import os
import socket
import sqlite3

import sqlstates as s
from client import fails

SOUND = "CREATE TABLE t (id INTEGER PRIMARY KEY, v TEXT); INSERT INTO t VALUES (1, 'a'), (2, 'b');"
READERS = ["sqlite_check", "sqlite_inspect", "sqlite_findings", "sqlite_plan", "sqlite_ddl", "sqlite_import"]


def refused(t, path, sqlstates, message="", hint=".", readers=READERS, user="postgres"):
    """Every function refuses the file alike, and nothing is left behind."""
    before = t.traces()
    for reader in readers:
        with fails(sqlstates, message, hint=hint):
            t.sql(t.call(reader, path), user)
    assert t.traces() == before


def refused_but_checked(t, path, sqlstates, message, hint="."):
    """The same of a file that a check is there to describe: it says so in a row."""
    refused(t, path, sqlstates, message, hint, readers=READERS[1:])
    for full in ("false", "true"):
        rows = t.rows(f"SELECT * FROM sqlite_check('{path}', full => {full})")
        assert len(rows) == 1 and rows[0]["message"], rows


def test_missing(t):
    refused(t, t.dir / "nowhere.db", s.MISSING, "nowhere")


def test_relative_path(t):
    refused(t, "app.db", s.RELATIVE_PATH, "absolute")


def test_null_path(t):
    for reader in READERS:
        with fails("22004", "NULL"):
            t.sql(f"SELECT * FROM {reader}(NULL)")


def test_directory(t):
    refused(t, t.dir, s.NOT_A_FILE, "is a directory, not a SQLite file")


def test_device_and_socket(t):
    refused(t, "/dev/zero", s.NOT_A_FILE, "regular")
    listener = socket.socket(socket.AF_UNIX)
    listener.bind(str(t.dir / "socket"))
    refused(t, t.dir / "socket", s.NOT_A_FILE, "regular")
    os.mkfifo(t.dir / "fifo")
    refused(t, t.dir / "fifo", s.NOT_A_FILE, "regular")
    listener.close()


def test_unreadable(t):
    path = t.file("closed.db", SOUND)
    os.chmod(path, 0o000)
    if os.getuid() == 0:
        os.chown(path, 0, 0)
    refused(t, path, s.UNREADABLE, "permission")


def test_not_a_database(t):
    path = t.dir / "letter.db"
    path.write_text("Dear all,\n" * 500)
    t.own(path)
    refused_but_checked(t, path, s.NOT_A_DATABASE, "letter.db")


def test_encrypted(t):
    path = t.dir / "secret.db"
    path.write_bytes(bytes((n * 151 + n // 7) % 256 for n in range(8192)))
    t.own(path)
    refused_but_checked(t, path, s.NOT_A_DATABASE, "database", "encrypt|password|SQLCipher")


def test_empty_file(t):
    path = t.dir / "empty.db"
    path.touch()
    t.own(path)
    refused_but_checked(t, path, s.NOT_A_DATABASE, "empty")


def test_truncated(t):
    path = big_file(t)
    with open(path, "r+b") as f:
        f.truncate(path.stat().st_size // 2 + 100)
    readers = ["sqlite_import"]  # the first half may well be readable; a check says so in rows
    before = t.traces()
    for reader in readers:
        with fails(s.CORRUPT, "big.db", hint="sqlite_check"):
            t.sql(t.call(reader, path))
    assert t.traces() == before


def test_corrupt_page(t):
    path = big_file(t)
    corrupt(path)
    problems = t.rows(t.call("sqlite_check", path))
    assert problems, "a corrupt file has no problems"
    before = t.traces()
    t.import_fails(path, {}, s.CORRUPT, "\\bbig\\b", hint="sqlite_check.*on_error")
    assert t.traces() == before
    rows = t.import_(path, {"on_error": "continue"})
    assert (rows["t"]["imported"], rows["t"]["status"]) == (2, "loaded"), rows
    assert rows["big"]["status"] == "loaded" and "could not be read" in rows["big"]["detail"], rows
    assert 19_000 < rows["big"]["imported"] < 20_000, rows


def test_sound_file_has_no_problems(t):
    path = t.file("sound.db", SOUND)
    assert t.rows(t.call("sqlite_check", path)) == []
    assert t.rows(f"SELECT * FROM sqlite_check('{path}', full => true)") == []


def test_check_finds_orphans(t):
    path = t.file("orphans.db", "CREATE TABLE p (id INTEGER PRIMARY KEY); CREATE TABLE c (p INTEGER REFERENCES p);"
                                "INSERT INTO c VALUES (1), (2);")
    assert t.rows(t.call("sqlite_check", path)) == []
    assert len(t.rows(f"SELECT * FROM sqlite_check('{path}', full => true)")) >= 1


def big_file(t):
    return t.file("big.db", SOUND + """
        CREATE TABLE big (id INTEGER PRIMARY KEY, v TEXT);
        WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 20000)
        INSERT INTO big SELECT i, printf('row %d %.*c', i, 60, 'x') FROM n;""")


def corrupt(path):
    """Overwrites a leaf page in the middle of the big table."""
    size = path.stat().st_size // 4096
    with open(path, "r+b") as f:
        f.seek(4096 * (size // 2))
        f.write(b"\xa5" * 4096)


def test_wal_is_read(t):
    path, db = wal_file(t)
    assert t.import_(path)["t"]["imported"] == 3, "the row in the -wal file is missing"
    db.close()


def wal_file(t, directory=None):
    """A file whose last row is only in its -wal; the writer stays connected, so that nothing is checkpointed."""
    path = (directory or t.dir) / "wal.db"
    db = sqlite3.connect(path)
    db.executescript("PRAGMA journal_mode = wal; PRAGMA wal_autocheckpoint = 0;" + SOUND + "PRAGMA wal_checkpoint;")
    db.execute("INSERT INTO t VALUES (3, 'in the wal')")
    db.commit()
    for file in path.parent.iterdir():
        if file.is_file():
            t.own(file, 0o666)
    return path, db


def test_wal_with_unwritable_directory(t):
    directory = t.dir / "closed"
    directory.mkdir()
    path, db = wal_file(t, directory)
    close(directory)
    assert t.import_(path)["t"]["imported"] == 3, "the -shm is there and writable, yet the -wal was not read"
    os.chmod(directory, 0o755)
    os.remove(f"{path}-shm")
    close(directory)
    again = {"schema": "again"}
    t.import_fails(path, again, s.WAL_ALONE, "-wal and no -shm", hint='"wal" to "copy"')
    assert t.import_(path, {**again, "wal": "copy"})["t"]["imported"] == 3
    assert sorted(p.name for p in directory.iterdir()) == ["wal.db", "wal.db-wal"]
    os.chmod(directory, 0o755)
    db.close()


def close(directory):
    """Nobody but root may make files there."""
    os.chmod(directory, 0o555)
    if os.getuid() == 0:
        os.chown(directory, 0, 0)


def test_hot_journal(t):
    """A crash in the middle of a transaction leaves a journal: whoever ignores it reads rows that never were."""
    path = t.file("hot.db", """CREATE TABLE t (id INTEGER PRIMARY KEY, v TEXT);
        WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 5000) INSERT INTO t SELECT i, printf('%.*c', 500, 'a') FROM n;""")
    db = sqlite3.connect(path, isolation_level=None)
    db.execute("PRAGMA cache_size = 1")
    db.execute("PRAGMA cache_spill = 1")
    db.execute("BEGIN IMMEDIATE")
    db.execute("UPDATE t SET v = replace(v, 'a', 'b')")
    journal = path.with_name("hot.db-journal")
    saved, saved_journal = path.read_bytes(), journal.read_bytes()
    db.execute("ROLLBACK")
    db.close()
    path.write_bytes(saved)
    journal.write_bytes(saved_journal)
    t.own(path), t.own(journal)
    assert changed_when_opened(t.dir / "recovered", saved, saved_journal) == 0, "the journal is not hot"
    assert changed_when_opened(t.dir / "torn", saved, None) > 1000, "the transaction had not reached the file"
    before = t.traces()
    t.import_fails(path, {}, s.HOT_JOURNAL, "journal", hint="roll")
    assert t.traces() == before
    assert (path.read_bytes(), journal.read_bytes()) == (saved, saved_journal), "a reader changed the files"
    # Whoever may write rolls it back; then it is as if the transaction had never begun.
    sqlite3.connect(path).execute("SELECT count(*) FROM t").fetchone()
    assert t.import_(path)["t"]["imported"] == 5000
    assert t.value("SELECT count(*) FROM t WHERE v LIKE 'a%'") == "5000"


def changed_when_opened(directory, content, journal):
    """How many rows of the unfinished transaction SQLite itself sees in a file that it may write."""
    directory.mkdir()
    path = directory / "hot.db"
    path.write_bytes(content)
    if journal is not None:
        path.with_name("hot.db-journal").write_bytes(journal)
    db = sqlite3.connect(path)
    rows = db.execute("SELECT count(*) FROM t WHERE v LIKE 'b%'").fetchone()[0]
    db.close()
    return rows


def test_locked_by_a_writer(t):
    path = t.file("locked.db", SOUND)
    db = sqlite3.connect(path, isolation_level=None)
    db.execute("BEGIN EXCLUSIVE")
    result = t.attempt("SET pg_sqlite_migrate.busy_timeout = '200ms'; " + t.call("sqlite_import", path))
    db.execute("ROLLBACK")
    db.close()
    result.failed(s.LOCKED, f"is locked: process {os.getpid()}, a writer, holds an exclusive lock", hint="busy_timeout")
    t.import_(path)


def test_plan_with_a_typo(t):
    path = t.file("sound.db", SOUND)
    t.import_fails(path, {"shema": "x"}, s.PLAN, '^plan.shema: unknown key, did you mean "schema"')
    result = t.import_fails(path, {"tables": {"t": {"columns": {"v": {"typ": "text"}}}}}, s.PLAN, "plan.tables.t.columns.v.typ")
    assert "type" in result.message + result.hint + result.detail
    t.import_fails(path, {"tables": {"tt": {"skip": True}}}, s.PLAN, r"^plan\.tables\.tt: .*did you mean \"t\"")
    t.import_fails(path, {"tables": {"t": {"columns": {"w": {"skip": True}}}}}, s.PLAN, r"^plan\.tables\.t\.columns\.w: table \"t\" has no column")
    t.import_fails(path, {"names": "SnakeCase"}, s.PLAN, "^plan.names: invalid value")
    t.import_fails(path, {"schema": 5}, s.PLAN, "^plan.schema: ")
    t.import_fails(path, {"include": "t"}, s.PLAN, "^plan.include: ")
    t.import_fails(path, [], s.PLAN, "^plan: expected an object")
    t.import_fails(path, {"tables": {"t": {"columns": {"v": {"type": "no_such_type"}}}}}, "42704", "no_such_type")
    t.import_fails(path, {"tables": {"t": {"where": "nope = 1"}}}, s.PLAN, "no such column: nope")
    t.import_fails(path, {"tables": {"t": {"where": "1; DROP TABLE t"}}}, s.PLAN, "parameters and semicolons are not allowed")
    t.import_fails(path, {"timezone": "Mars/Olympus"}, s.PLAN, "^plan.timezone: .*Mars/Olympus")
    t.import_fails(path, {"before": ["SELECT 1/0"]}, "22012", "division by zero")
    t.import_fails(path, {"after": ["SELEC"]}, "42601", "at or near \"SELEC\"")
    assert t.value("SELECT count(*) FROM pg_tables WHERE tablename = 't'") == "0"


def test_unsupported_keys_are_refused(t):
    path = t.file("sound.db", SOUND)
    tables = [{"partition_by": "range (id)"}, {"distribute_by": "id"}, {"primary_key": ["v"]}, {"names": "lower"},
              {"on_error": "continue"}, {"profile": "none"}, {"before": "SELECT 1"}, {"views": True}]
    before = t.traces()
    for table in tables:
        t.import_fails(path, {"tables": {"t": table}}, s.UNSUPPORTED, rf"plan\.tables\.t\.{next(iter(table))}\b", hint=".")
    assert t.traces() == before


def test_existing_table(t):
    path = t.file("sound.db", SOUND)
    t.import_(path)
    t.import_fails(path, {}, s.EXISTS, "\\bt\\b", hint="existing_rows")


def test_existing_view_and_incompatible_table(t):
    path = t.file("sound.db", SOUND)
    t.sql("CREATE VIEW t AS SELECT 1 AS id")
    t.import_fails(path, {"existing_rows": "append"}, s.EXISTS, '"public.t" exists and is not a table')
    t.sql("DROP VIEW t; CREATE TABLE t (other int)")
    t.import_fails(path, {"existing_rows": "append"}, "55000", '^3 findings.*\\nt.id: table "public.t" has no column "id"')


def test_role_without_server_files(t):
    path = t.file("sound.db", SOUND)
    user = t.role("nobody")
    for file in (path, t.dir / "nowhere.db"):  # nor may it learn which files exist
        refused(t, file, s.PRIVILEGE, "permission", "pg_read_server_files", user=user)


def test_role_without_schema(t):
    path = t.file("sound.db", SOUND)
    user = t.role("reader", "pg_read_server_files")
    with fails(s.PRIVILEGE, 'permission denied to create tables in schema "public"', hint=f'GRANT CREATE ON SCHEMA "public" TO "{user}"'):
        t.sql(t.call("sqlite_import", path, {}), user)
    created = f'permission denied to create schema "brand_new" in database "{t.database}"'
    with fails(s.PRIVILEGE, created, hint=f'GRANT CREATE ON DATABASE "{t.database}" TO "{user}"'):
        t.sql(t.call("sqlite_import", path, {"schema": "brand_new"}), user)


def test_ordinary_role_with_rights_imports(t):
    """Nothing but pg_read_server_files and CREATE on a schema is needed, the run log included."""
    path = t.file("sound.db", SOUND)
    user = t.role("reader", "pg_read_server_files")
    t.sql(f'CREATE SCHEMA mine AUTHORIZATION "{user}"')
    t.sql(t.call("sqlite_import", path, {"schema": "mine"}), user)
    assert t.value("SELECT tableowner FROM pg_tables WHERE schemaname = 'mine'") == user
    t.sql("SELECT * FROM verify_counts()", user)


def test_allowed_directories(t):
    path = t.file("sound.db", SOUND)
    with fails(s.PRIVILEGE, "sound.db\" is outside the allowed directories", hint="allowed_directories"):
        t.sql("SET pg_sqlite_migrate.allowed_directories = '/srv/nothing'; " + t.call("sqlite_check", path))
    t.sql(f"SET pg_sqlite_migrate.allowed_directories = '{t.dir}'; " + t.call("sqlite_check", path))
    with fails(s.PRIVILEGE, r"/\.\./\.\./etc/passwd\" is outside the allowed directories"):
        t.sql(f"SET pg_sqlite_migrate.allowed_directories = '{t.dir}'; " + t.call("sqlite_check", f"{t.dir}/../../etc/passwd"))
    os.symlink("/etc/passwd", t.dir / "link.db")
    with fails(s.PRIVILEGE, "link.db\" is outside the allowed directories"):
        t.sql(f"SET pg_sqlite_migrate.allowed_directories = '{t.dir}'; " + t.call("sqlite_check", t.dir / "link.db"))


def test_hostile_schema(t):
    """Objects that cannot be resolved do not stop what can."""
    path = t.file("hostile.db", SOUND)
    db = sqlite3.connect(path)
    db.create_collation("HOUSE", lambda a, b: (a > b) - (a < b))
    db.execute("CREATE TABLE c (v TEXT COLLATE HOUSE)")
    db.execute("CREATE INDEX c_v ON c (v)")
    db.execute("INSERT INTO c VALUES ('x')")
    db.execute("PRAGMA writable_schema = on")
    db.execute("INSERT INTO sqlite_master VALUES ('table', 'vt', 'vt', 0, 'CREATE VIRTUAL TABLE vt USING no_such_module(a)')")
    db.execute("INSERT INTO sqlite_master VALUES ('view', 'vw', 'vw', 0, 'CREATE VIEW vw AS SELECT nosuch(1) FROM gone')")
    db.commit()
    db.close()
    t.own(path)
    objects = " ".join(f["object"] + f["message"] for f in t.findings(path))
    rows = t.import_(path, {"on_error": "continue"})
    assert rows["t"]["imported"] == 2, rows
    assert rows["c"]["imported"] == 1, rows
    assert "vt" in objects and "HOUSE" in objects, objects


def test_the_run_log_s_schema_is_no_target(t):
    path = t.file("a.db", "CREATE TABLE a (x)")
    for plan in ({"schema": "sqlite_migrate"}, {"tables": {"a": {"schema": "sqlite_migrate"}}}):
        for function in ("sqlite_import", "sqlite_plan"):
            with fails(s.PLAN, '^plan.schema: "sqlite_migrate" is the run log.s schema$', hint="another schema"):
                t.sql(t.call(function, path, plan))
