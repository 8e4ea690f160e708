"""What an import would be, before it is done: counts by subject, the level, and what it takes of disk, WAL and time."""

import json

import pytest

import real_files
import sqlstates as s
from client import fails
from cluster import Server
from harness import quote, shared

SUBJECTS = ["tables", "columns", "keys", "expressions", "views", "triggers", "full text", "virtual tables", "data quality", "size",
            "time", "overall"]
SHOP = """
    CREATE TABLE customer (id INTEGER PRIMARY KEY, mail TEXT UNIQUE, since DATETIME DEFAULT CURRENT_TIMESTAMP);
    CREATE TABLE sale (id INTEGER PRIMARY KEY, customer INTEGER REFERENCES customer, cents INTEGER CHECK (cents > 0));
    CREATE INDEX sale_customer ON sale (customer);
    INSERT INTO customer VALUES (1, 'a@x', '2024-01-02'), (2, 'b@x', '2024-01-03'); INSERT INTO sale VALUES (1, 1, 100), (2, 2, 200);"""
SEARCH = "CREATE VIRTUAL TABLE search USING fts5(words); INSERT INTO search VALUES ('a b');"
BOXES = "CREATE VIRTUAL TABLE boxes USING rtree(id, x0, x1); INSERT INTO boxes VALUES (1, 0, 1);"


def assessed(t, path, plan=None, user="postgres"):
    """The rows by subject: (objects, automatic, with findings, by hand, level)."""
    rows = t.rows(t.call("sqlite_assess", path, plan), user)
    assert [row["subject"] for row in rows] == SUBJECTS
    for row in rows:
        if row["objects"] is not None:
            assert row["objects"] == row["automatic"] + row["with_findings"] + row["by_hand"], row
    return {row["subject"]: row for row in rows}


def counts(row):
    return tuple(row[name] for name in ("objects", "automatic", "with_findings", "by_hand", "level"))


def test_nothing_to_do(t):
    found = assessed(t, t.file("shop.db", SHOP))
    assert {name: counts(row) for name, row in found.items()} == {
        "tables": (2, 2, 0, 0, "A"), "columns": (6, 6, 0, 0, "A"),
        # Two primary keys, a unique one, a foreign key, an index.
        "keys": (5, 5, 0, 0, "A"),
        # A default and a check.
        "expressions": (2, 2, 0, 0, "A"),
        "views": (0, 0, 0, 0, "A"), "triggers": (0, 0, 0, 0, "A"), "full text": (0, 0, 0, 0, "A"), "virtual tables": (0, 0, 0, 0, "A"),
        # The file, two tables, their columns and keys, the check.
        "data quality": (15, 15, 0, 0, "A"),
        "size": (None, None, None, None, "1"), "time": (None, None, None, None, None), "overall": (30, 30, 0, 0, "A-1")}
    assert found["overall"]["detail"] == "the import would run"
    assert found["size"]["detail"].startswith("4 rows of a file of "), found["size"]


def test_findings_to_read_and_what_resolves_them(t):
    path = t.file("orphans.db", SHOP + "INSERT INTO sale VALUES (3, 9, 300);")
    found = assessed(t, path)
    assert counts(found["data quality"]) == (15, 14, 1, 0, "B")
    assert (found["data quality"]["detail"], found["overall"]["level"]) == ("blocking: orphans 1", "B-1")
    assert found["overall"]["detail"] == "one finding would stop the import: see sqlite_findings"
    found = assessed(t, path, {"orphans": "reject"})
    assert (found["data quality"]["detail"], found["overall"]["detail"]) == ("warning: orphans 1", "the import would run")
    # What the plan leaves out is not counted.
    found = assessed(t, path, {"exclude": ["sale"]})
    assert counts(found["tables"]) == (1, 1, 0, 0, "A") and counts(found["overall"])[3:] == (0, "A-1")


def test_work_by_hand(t):
    script = SHOP + """CREATE VIEW dear AS SELECT taxed(cents) AS c FROM sale; CREATE VIEW w AS SELECT c FROM dear;
        CREATE TRIGGER g AFTER INSERT ON sale BEGIN SELECT title_sort(NEW.id); END;""" + SEARCH + BOXES
    found = assessed(t, t.file("shop.db", script))
    assert counts(found["views"]) == (2, 0, 0, 2, "C")
    assert counts(found["triggers"]) == (1, 0, 0, 1, "C")
    # Virtual tables that keep their rows are tables like any other.
    assert counts(found["full text"]) == (1, 1, 0, 0, "A")
    assert counts(found["virtual tables"]) == (1, 1, 0, 0, "A")
    assert counts(found["tables"]) == (4, 4, 0, 0, "A"), found["tables"]
    assert counts(found["overall"])[2:] == (0, 3, "C-2"), found["overall"]
    # The texts of this one are not in the file.
    script = "CREATE TABLE t (a TEXT); CREATE VIRTUAL TABLE v USING fts5(a, content=''); CREATE VIRTUAL TABLE w USING fts5vocab(v, row)"
    found = assessed(t, t.file("index.db", script))
    assert counts(found["full text"]) == (2, 1, 0, 1, "C")
    assert counts(found["virtual tables"]) == (0, 0, 0, 0, "A")


def test_data_that_no_plan_corrects_is_work(t):
    script = "CREATE TABLE t (a PRIMARY KEY, b); INSERT INTO t VALUES (1, 2), ('1', 3)"
    blocked = [f for f in t.findings(t.file("t.db", script)) if f["severity"] == "blocking"]
    found = assessed(t, t.dir / "t.db")
    by_hand = sum(f["fix"] is None for f in blocked)
    assert (found["data quality"]["by_hand"], found["data quality"]["with_findings"]) == (by_hand, len(blocked) - by_hand)


def test_nothing_is_written_and_nothing_stays(t):
    path = t.file("shop.db", SHOP)
    before = t.traces()
    first, second = assessed(t, path), assessed(t, path)
    assert "rows took that were loaded to measure it" in first["time"]["detail"], first["time"]
    assert [counts(row) for row in first.values()] == [counts(row) for row in second.values()]
    assert t.traces() == before
    # In a transaction that may only read, nothing can be measured.
    said = t.value(f"BEGIN READ ONLY; SELECT detail FROM sqlite_assess({quote(str(path))}) WHERE subject = 'time'")
    assert said.endswith("to read and plan; how fast this server writes was not measured"), said
    # Earlier runs are the better evidence, of this role's.
    t.import_(path)
    time = "SELECT detail FROM sqlite_assess({}, '{{\"schema\": \"other\"}}') WHERE subject = 'time'".format(quote(str(path)))
    assert t.value(time).endswith("at the rate of an earlier run")
    assert t.value(f"BEGIN READ ONLY; {time}").endswith("at the rate of an earlier run")
    reader = t.role("reader", "pg_read_server_files")
    assert t.value(time, reader).endswith("rows took that were loaded to measure it")


def test_a_table_that_cannot_be_tried_is_not_measured(t):
    """No right to temporary tables, a table without rowid, no row at all."""
    t.sql("REVOKE TEMPORARY ON DATABASE " + t.database + " FROM PUBLIC")
    reader = t.role("reader", "pg_read_server_files")
    assert assessed(t, t.file("shop.db", SHOP), user=reader)["time"]["detail"].endswith("was not measured")
    for script in ("CREATE TABLE t (a INTEGER PRIMARY KEY) WITHOUT ROWID; INSERT INTO t VALUES (1)", "CREATE TABLE t (a)", "CREATE TABLE t (a); DROP TABLE t"):
        found = assessed(t, t.file("t.db", script))
        assert found["overall"]["level"] == ("B-1" if "DROP" in script else "A-1"), found


def test_more_locks_than_the_server_has_room_for(t):
    """As many as PostgreSQL needs: a table, its TOAST table with an index, a key, a sequence."""
    # Since PostgreSQL 18 workers of autovacuum have slots, of which a setting may use fewer.
    room = int(t.value("""SELECT sum(setting::int) FROM pg_settings
        WHERE name IN ('max_connections', 'max_worker_processes', 'max_wal_senders', 'max_prepared_transactions')
           OR name = coalesce((SELECT name FROM pg_settings WHERE name = 'autovacuum_worker_slots'), 'autovacuum_max_workers')""")) + 1
    tables = room * 64 // 5
    path = t.file("many.db", "".join(f"CREATE TABLE t{n} (id INTEGER PRIMARY KEY, v TEXT);" for n in range(tables + 40)))
    needed = assessed(t, path)["overall"]["detail"]
    assert needed == f"the import would need about {5 * (tables + 40)} locks: set max_locks_per_transaction to at least {-(-5 * (tables + 40) * 64 // (room * 64))}"
    assert assessed(t, path, {"include": ["t1*"]})["overall"]["detail"] == "the import would run"


def test_code_of_others_is_not_run_to_measure(t):
    t.role("owner", "CREATE ON SCHEMA public")
    t.sql("""CREATE FUNCTION evil(text) RETURNS boolean IMMUTABLE LANGUAGE plpgsql AS $$ BEGIN RAISE NOTICE 'run as %', current_user; RETURN true; END $$;
             CREATE DOMAIN mail AS text CHECK (evil(VALUE)); CREATE TABLE customer (id bigint PRIMARY KEY, mail mail)""", "owner")
    path = t.file("a.db", "CREATE TABLE customer (id INTEGER PRIMARY KEY, mail TEXT); INSERT INTO customer VALUES (1, 'a@x'), (2, 'b@x')")
    said = t.sql(t.call("sqlite_assess", path, {"create": "never", "existing_rows": "append"}))
    assert "run as" not in said.told and "loaded to measure it" in said.out, said


def test_who_may_ask_and_what_is_refused(t):
    path = t.file("shop.db", SHOP)
    nobody = t.role("nobody")
    with fails(s.PRIVILEGE, "permission denied to read SQLite files"):
        t.sql(t.call("sqlite_assess", path), nobody)
    with fails("22004", "path must not be NULL"):
        t.sql("SELECT * FROM sqlite_assess(NULL)")
    with fails("22023", "plan.colour: unknown key"):
        t.sql(t.call("sqlite_assess", path, {"colour": "red"}))


def number(text):
    size, unit = text.split()
    return float(size) * 1024 ** ["bytes", "kB", "MB", "GB"].index(unit)


def estimated(detail):
    """Disk and WAL of the line about the size."""
    disk = detail.split("about ")[1].split(" on disk")[0]
    wal = detail.split(" and ")[-1].removesuffix(" of WAL")
    return number(disk), number(wal)


@pytest.mark.parametrize("name", [name for name in real_files.NAMES if name not in ("pgloader_bad_utf8", "pgloader_collision", "pgloader_type_mismatch")])
def test_the_estimate_is_within_a_factor_of_two(t, name):
    path = t.copy_of(shared("data", f"{name}.db"))
    plan = {"schema": "there", "on_error": "continue", **real_files.plan_of(name)}
    disk, wal = estimated(assessed(t, path, plan)["size"]["detail"])
    real = measured(t, t.server, t.database, t.call("sqlite_import", path, plan))
    assert 0.5 <= disk / real["disk"] <= 2 and 0.5 <= wal / real["wal"] <= 2, (name, disk, wal, real)


def measured(t, server, database, call):
    """What an import has taken, and no other session: autovacuum writes as well."""
    # A server with checksums logs pages of the catalog whose hint bits are set, by whoever reads them first.
    server.run(database, "VACUUM")
    # Every page that is changed for the first time is written whole, in each measurement.
    server.run("postgres", "CHECKPOINT")
    plan = json.loads(server.value(database, f"EXPLAIN (ANALYZE, WAL, FORMAT JSON) {call}"))
    disk = server.value(database, "SELECT sum(pg_total_relation_size(oid)) FROM pg_class WHERE relnamespace = 'there'::regnamespace AND relkind = 'r'")
    return {"wal": plan[0]["Plan"]["WAL Bytes"], "disk": int(disk)}


ROWS = """CREATE TABLE t (id INTEGER PRIMARY KEY, name TEXT, at DATETIME, note TEXT);
    WITH RECURSIVE g (n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM g WHERE n < 60000)
    INSERT INTO t SELECT n, 'name ' || n, '2024-01-02 03:04:05', hex(randomblob(20)) FROM g; CREATE INDEX i ON t (name);"""


def test_indexes_of_tables_that_exist_are_counted(t):
    path = t.file("rows.db", ROWS)
    t.sql("CREATE SCHEMA there; CREATE TABLE there.t (id bigint PRIMARY KEY, name text, at timestamptz, note text);"
          " CREATE INDEX a ON there.t (name, note); CREATE INDEX b ON there.t (at, id)")
    plan = {"schema": "there", "create": "never"}
    disk, _ = estimated(assessed(t, path, plan)["size"]["detail"])
    alone, _ = estimated(assessed(t, path, {"schema": "there", "create": "always", "existing_rows": "replace", "indexes": False})["size"]["detail"])
    real = measured(t, t.server, t.database, t.call("sqlite_import", path, plan))["disk"]
    assert 0.5 <= disk / real <= 2 and alone < disk * 0.8, (disk, alone, real)


def test_wal_level_minimal_writes_no_rows_of_new_tables(t):
    path = t.file("rows.db", ROWS)
    plan = {"schema": "there"}
    _, wal = estimated(assessed(t, path, plan)["size"]["detail"])
    minimal = Server(f"{t.server.name}_minimal", "wal_level = minimal\nmax_wal_senders = 0\nautovacuum = off")
    minimal.start()
    try:
        minimal.run("postgres", "CREATE EXTENSION pg_sqlite_migrate")
        little = estimated(minimal.value("postgres", f"SELECT detail FROM ({t.call('sqlite_assess', path, plan)}) q WHERE subject = 'size'"))[1]
        minimal.run("postgres", "CHECKPOINT")
        before = minimal.value("postgres", "SELECT pg_current_wal_insert_lsn()")
        minimal.run("postgres", t.call("sqlite_import", path, plan))
        # The index is below wal_skip_threshold, and written to the WAL by COMMIT.
        real = int(minimal.value("postgres", f"SELECT pg_current_wal_insert_lsn() - '{before}'"))
        assert little < wal / 2 and 0.5 <= little / real <= 2, (wal, little, real)
    finally:
        minimal.stop()
