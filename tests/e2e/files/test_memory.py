"""Memory that cannot be had: an error of the statement, never the end of the server.

A backend's address space is limited from outside, a little above what it has, so that what a value needs is not there.
"""

import os
import shutil
import sqlite3
import subprocess

import pytest

from client import fails
from harness import quote

MB = 1_000_000
ERRORS = ("53200", "54000")  # out_of_memory, program_limit_exceeded
UNLIMITED = "unlimited"


class Limited:
    """A session whose address space grows by so many megabytes at the most."""

    def __init__(self, t, database=None):
        if not shutil.which("prlimit"):
            pytest.skip("prlimit is not installed")
        self.t = t
        self.session = t.session(database=database)
        self.met = 0
        # What every statement loads once is not to be counted.
        self.session.attempt("SELECT * FROM sqlite_check('/nothing')")

    def limit(self, room):
        self.set("as", UNLIMITED if room is None else self.address_space() + room)

    def set(self, resource, value):
        # Not even root may do so to a process of another user's, without a capability that containers lack.
        user = ["runuser", "-u", self.t.server.user.pw_name, "--"] if os.getuid() == 0 else []
        command = [*user, "prlimit", f"--pid={self.session.pid}", f"--{resource}={value}:"]
        if subprocess.run(command, cwd="/", capture_output=True).returncode:
            assert os.path.exists(f"/proc/{self.session.pid}"), "the backend is gone"
            pytest.skip("the limits of a backend cannot be changed here")

    def address_space(self):
        with open(f"/proc/{self.session.pid}/statm") as sizes:
            return int(sizes.read().split()[0]) * 4096

    def run(self, sql, room):
        """Runs one statement within the limit; afterwards the session goes on."""
        self.limit(room)
        result = self.session.attempt(sql)
        self.limit(None)
        self.session.run("ROLLBACK")
        assert self.session.value("SELECT 40 + 2") == "42", (sql, room, result)
        return result

    def survives(self, sql, rooms, *others):
        """Whatever the limit, the statement succeeds or says what it lacks; gives the SQLSTATEs. What a statement has
        used before is free for it: which limit is met, and where, is not foretold."""
        said = [self.run(sql, room) for room in rooms]
        for room, result in zip(rooms, said):
            assert result.sqlstate in (None, *ERRORS, *others), (sql, room, result)
        self.met += sum(result.sqlstate is not None for result in said)
        return [result.sqlstate for result in said]

    def has_met_the_limit(self):
        assert self.met > 0, "every statement had the memory that it wanted"


# A small value of each kind, and a large one of so many bytes.
KINDS = {
    "texts": ("small", lambda size: "xy" * (size // 2)),
    "blobs": (b"\0", bytes),
    "lists": ("[1]", lambda size: "[" + "1234567," * (size // 8) + "1]"),
    "documents": ("1", lambda size: '"' + "x" * size + '"'),
}


def large(t, size, encoding="UTF-8", kinds=tuple(KINDS)):
    """A file with a table per kind, and a view that makes its value."""
    path = t.file(f"large-{size}-{encoding}.db", f"CREATE VIEW made AS SELECT 1 AS id, zeroblob({size}) AS v", encoding)
    db = sqlite3.connect(path)
    for kind in kinds:
        small, make = KINDS[kind]
        db.execute(f"CREATE TABLE {kind} (id INTEGER PRIMARY KEY, v)")
        db.executemany(f"INSERT INTO {kind} VALUES (?, ?)", [(1, small), (2, make(size))])
    db.commit()
    db.close()
    return path


def load(path, table, **column):
    plan = {"include": [table], "existing_rows": "replace", "on_invalid": column.pop("on_invalid", "error"), "profile": "none",
            "tables": {table: {"columns": {"v": column}}}}
    return f"SELECT status, detail FROM sqlite_import({quote(str(path))}, {quote(str(plan).replace(chr(39), chr(34)))})"


def test_loads_of_large_values_under_many_limits(t):
    limited, size = Limited(t), 6 * MB
    rooms = [room * MB for room in (3, 8, 25)]
    for encoding in ("UTF-8", "UTF-16le"):
        path = large(t, size, encoding)
        for sql, others in (
            (load(path, "texts", type="text"), ()),
            (load(path, "documents", type="jsonb"), ()),
            (load(path, "blobs", type="bytea"), ()),
            # What is refused for itself is so whatever memory there is.
            (load(path, "texts", type="inet", on_invalid="reject"), ()),
        ) + ((
            (load(path, "documents", type="bytea", format="base64", on_invalid="null"), ()),
            (load(path, "texts", type="bytea", format="hex", on_invalid="reject"), ()),
            (load(path, "lists", type="bigint[]"), ()),
            (load(path, "texts", type="varchar(10)", on_invalid="reject"), ()),
            (load(path, "blobs", type="text", on_invalid="reject"), ()),
            (load(path, "lists", type="point", on_invalid="null"), ()),
        ) if encoding == "UTF-8" else ()):
            limited.survives(sql, rooms, *others)
    limited.has_met_the_limit()
    logged = t.rows("SELECT source_table, rowid, \"values\" -> 'v' ->> 'bytes' AS bytes FROM sqlite_migrate.reject WHERE rowid = 2")
    assert all(int(row["bytes"]) > 5 * MB for row in logged if row["bytes"]), logged
    assert t.value("SELECT count(*) FROM sqlite_migrate.run_table WHERE imported = 1 AND rejected = 0") == "0"


@pytest.mark.parametrize("how", ("load", "scan"))
def test_refusals_of_large_values_under_many_limits(t, how):
    """The server's message about a value holds all of it, and so do the copies of the message."""
    path, limited = large(t, 60 * MB, kinds=["texts"]), Limited(t)
    t.sql(f"CREATE TYPE mood AS ENUM ('a'); CREATE SERVER files FOREIGN DATA WRAPPER pg_sqlite_fdw OPTIONS (database {quote(str(path))});"
          "CREATE FOREIGN TABLE moods (id bigint, v mood OPTIONS (on_invalid 'null')) SERVER files OPTIONS (table 'texts')")
    sql = load(path, "texts", type="mood", on_invalid="reject") if how == "load" else "SELECT v FROM moods"
    limited.survives(sql, [room * MB for room in range(20, 260, 5)])
    limited.has_met_the_limit()


def test_a_message_that_is_not_utf_8_under_many_limits(t):
    """Where nothing says what a text's encoding is, what is no UTF-8 is replaced in a copy."""
    path, rooms = large(t, 20 * MB, kinds=["texts"]), [room * MB for room in range(20, 200, 15)]
    name = t.other_database("ascii", "ENCODING 'SQL_ASCII' LC_COLLATE 'C' LC_CTYPE 'C' TEMPLATE template0")
    limited = Limited(t, name)
    limited.session.run(f"""CREATE FUNCTION refuse(text) RETURNS boolean LANGUAGE plpgsql AS $$ BEGIN RAISE check_violation USING MESSAGE = $1 || E'\\xff'; END $$;
        CREATE DOMAIN refused AS text CHECK (refuse(VALUE)); CREATE SERVER files FOREIGN DATA WRAPPER pg_sqlite_fdw OPTIONS (database {quote(str(path))});
        CREATE FOREIGN TABLE texts (id bigint, v refused OPTIONS (on_invalid 'null')) SERVER files""")
    limited.survives("SELECT count(v) FROM texts", rooms)
    limited.has_met_the_limit()


def test_the_error_names_the_cell(t):
    limited, path = Limited(t), large(t, 100 * MB, kinds=["texts"])
    for room in (20, 90, 150):
        result = limited.run(load(path, "texts", type="text"), room * MB)
        result.failed("53200", r'out of memory\n.*table "texts", row with rowid 2')
    result = limited.run(load(path, "texts", type="text"), 20 * MB)
    result.failed("53200", 'column "v" of table "texts"', hint="plan.tables.texts.columns.v.skip")
    left_out = load(path, "texts", type="text").replace('"type": "text"', '"skip": true')
    limited.run(left_out, 20 * MB)
    only = load(path, "texts", type="text").replace('"columns"', '"where": "id < 2", "columns"')
    limited.run(only, 20 * MB)
    assert t.value("SELECT count(*) FROM texts") == "1"


def test_what_is_beyond_the_servers_own_limit_is_named(t):
    """The server has an internal error for more than the gigabyte that it gives at once. A domain's check says it here:
    an input function needs tens of millions of elements for it."""
    t.sql("""CREATE FUNCTION large(bigint) RETURNS boolean LANGUAGE plpgsql AS $$ BEGIN
                 IF $1 = 2 THEN RAISE 'invalid memory alloc request size 1073741824' USING ERRCODE = 'XX000'; END IF; RETURN true;
             END $$; CREATE DOMAIN limited AS bigint CHECK (large(VALUE))""")
    path = t.file("some.db", "CREATE TABLE some (id INTEGER PRIMARY KEY, v INTEGER); INSERT INTO some VALUES (1, 1), (7, 2)")
    with fails("54000", r'column "v" of table "some"\n.*rowid 7.*1 GB of memory'):
        t.sql(load(path, "some", type="limited"))


def test_a_thread_that_cannot_be_made_is_done_without(t):
    path, limited = large(t, 1000), Limited(t)
    limited.set("nproc", 1)
    for kind, type_ in (("texts", "text"), ("blobs", "bytea"), ("lists", "bigint[]")):
        limited.session.run(load(path, kind, type=type_))
    assert limited.session.threads() == 1
    limited.session.run(f"SELECT * FROM sqlite_check({quote(str(path))}, true)")
    assert t.value("SELECT count(*) FROM texts") == "2"


def foreign(t, path):
    t.sql(f"CREATE SERVER files FOREIGN DATA WRAPPER pg_sqlite_fdw OPTIONS (database {quote(str(path))}, updatable 'true')")
    for name, kind in {"texts": "text", "blobs": "bytea", "documents": "jsonb", "lists": "bigint[]", "made": "bytea"}.items():
        t.sql(f"CREATE FOREIGN TABLE {name} (id bigint OPTIONS (key 'true'), v {kind}) SERVER files")


def test_several_readers_under_many_limits(t):
    """One that has no memory for a connection, a thread or its batches is done without, or the load says what it lacks."""
    path = t.file("many.db", "CREATE TABLE t (id INTEGER PRIMARY KEY, a TEXT);"
                  "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 101000) INSERT INTO t SELECT i * 3, 'text ' || i FROM n")
    limited = Limited(t)
    load = "BEGIN; " + t.call("sqlite_import", path, {"readers": 6}).replace("*", "sum(imported)") + "; ROLLBACK"
    said = limited.survives(load, [room * MB for room in (1, 2, 4, 6, 8, 12, 16, 20, 26, 32, 40, 60, 90)])
    assert said[-1] is None and limited.session.threads() == 1
    limited.has_met_the_limit()
    t.import_(path, {"readers": 6})


def test_scans_of_large_values_under_many_limits(t):
    rooms = [room * MB for room in (3, 10, 40)]
    for encoding in ("UTF-8", "UTF-16le"):
        foreign(t, large(t, 16 * MB, encoding))
        limited = Limited(t)
        for sql in (
            "SELECT length(v) FROM texts",
            "SELECT length(reverse(v)) FROM texts",
            "SELECT md5(v) FROM texts",
            "SET pg_sqlite_migrate.pushdown = off; SELECT max(length(v)), count(DISTINCT v) FROM texts",
            "SET pg_sqlite_migrate.pushdown = on; SELECT a.id FROM texts a JOIN texts b USING (v)",
            "SELECT v -> 'x' FROM documents",
        ) + ((
            "SELECT md5(v) FROM blobs",
            "SELECT md5(v) FROM made",
            "SELECT cardinality(v) FROM lists",
            "SELECT id FROM texts WHERE v = repeat('xy', 8000000)",
            "SELECT id FROM texts WHERE v = ANY (ARRAY[repeat('xy', 8000000), 'small'])",
            # Its rows are kept, because they change.
            "BEGIN; DECLARE c CURSOR FOR SELECT * FROM texts; MOVE 1 FROM c; UPDATE texts SET v = 'x' WHERE id = 1; MOVE ALL FROM c",
        ) if encoding == "UTF-8" else ()):
            limited.survives(sql, rooms)
        limited.has_met_the_limit()
        t.sql("DROP SERVER files CASCADE")


def test_writes_of_large_values_under_many_limits(t):
    rooms = [room * MB for room in (8, 20, 40, 70)]
    foreign(t, large(t, 1 * MB))
    limited = Limited(t)
    for sql in (
        "INSERT INTO texts VALUES (3, repeat('x', 12000000))",
        "INSERT INTO blobs VALUES (3, decode(repeat('00', 12000000), 'hex'))",
        "UPDATE texts SET v = repeat('y', 12000000) WHERE id = 1",
        "INSERT INTO documents VALUES (3, to_jsonb(repeat('x', 12000000)))",
        "WITH w AS (INSERT INTO texts VALUES (4, repeat('x', 12000000)) RETURNING v) SELECT length(v) FROM w",
    ):
        limited.survives(f"BEGIN; {sql}; ROLLBACK", rooms)
    limited.has_met_the_limit()
    assert t.value("SELECT count(*) FROM texts") == "2"


def test_hundreds_of_megabytes_within_nine_hundred(t):
    """A text of 300 MB, and one of 600 MB, where a process may have 900 MB in all."""
    path = large(t, 600 * MB, kinds=["texts"])
    db = sqlite3.connect(path)
    db.execute("UPDATE texts SET v = ? WHERE id = 1", ("x" * (300 * MB),))
    db.commit()
    db.close()
    limited = Limited(t)
    room = 900 * MB - limited.address_space()
    limited.run(load(path, "texts", type="text"), room).failed("53200", 'table "texts", row with rowid')
    t.sql(f"CREATE SERVER files FOREIGN DATA WRAPPER pg_sqlite_fdw OPTIONS (database {quote(str(path))});"
          "CREATE FOREIGN TABLE texts (id bigint, v text) SERVER files")
    for sql in ("SELECT md5(v) FROM texts", "SELECT length(reverse(v)) FROM texts WHERE id = 1"):
        assert limited.run(sql, room).sqlstate in ERRORS, sql


def test_many_small_things_under_many_limits(t):
    """A schema of thousands of tables, a plan of megabytes, and deep expressions have no large piece."""
    tables = "".join(f"CREATE TABLE t{i} (id INTEGER PRIMARY KEY, a TEXT DEFAULT 'x' CHECK (a <> '{i}'), b REFERENCES t{i // 2});"
                     for i in range(1500))
    path, limited = t.file("many.db", f"BEGIN; {tables} COMMIT"), Limited(t)
    rooms = [room * MB for room in (4, 10, 20, 40)]
    limited.survives(f"SELECT count(*) FROM sqlite_findings({quote(str(path))})", rooms)
    t.sql("CREATE TABLE plans AS SELECT jsonb_build_object('before', jsonb_agg('SELECT ' || i)) AS plan FROM generate_series(1, 300000) i")
    limited.survives(f"SELECT sqlite_plan({quote(str(path))}, plan) IS NULL FROM plans", [MB * room for room in (20, 40, 80)])
    limited.has_met_the_limit()


def test_deep_expressions_end_the_statement_at_most(t):
    path = t.file("deep.db", f"CREATE TABLE t (a INTEGER CHECK ({'(' * 90}a{')' * 90} > 0)); INSERT INTO t VALUES (1)")
    t.sql(t.call("sqlite_findings", path))
    for where in ("(" * 50_000 + "1" + ")" * 50_000, "a" + "+1" * 200_000, "NOT " * 100_000 + "a"):
        with fails("22023", "^condition .* is not valid"):
            t.sql(t.call("sqlite_plan", path, {"tables": {"t": {"where": where}}}))
    foreign_table = (f"CREATE SERVER s FOREIGN DATA WRAPPER pg_sqlite_fdw OPTIONS (database {quote(str(path))});"
                     "CREATE FOREIGN TABLE t (a bigint) SERVER s")
    t.sql(foreign_table)
    for depth in (100, 1_000, 3_000):
        for condition in ("abs(" * depth + "a" + ")" * depth + " = 1", "a" + " + 0" * depth + " = 1", "NOT (" * depth + "a = 2" + ")" * depth):
            result = t.attempt(f"SELECT a FROM t WHERE {condition}")
            assert not result.error or result.failed("54001", "stack depth limit exceeded"), (depth, condition[:20])


def test_an_answer_of_a_million_keys_is_within_bounds(t):
    """The keys of changed rows grow with their number."""
    path = t.file("keys.db", "CREATE TABLE k (id INTEGER PRIMARY KEY, v); WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n"
                             " WHERE i < 60000) INSERT INTO k SELECT i, i FROM n")
    t.sql(f"CREATE SERVER s FOREIGN DATA WRAPPER pg_sqlite_fdw OPTIONS (database {quote(str(path))}, updatable 'true');"
          "CREATE FOREIGN TABLE k (id bigint OPTIONS (key 'true'), v bigint) SERVER s; CREATE TABLE other AS SELECT id FROM k")
    limited = Limited(t)
    update = "BEGIN; UPDATE k SET v = 0 FROM other o WHERE o.id = k.id AND o.id % 1 = 0 AND random() < 2; ROLLBACK"
    limited.survives(update, [room * MB for room in (4, 8, 16)])
    assert t.value("SELECT count(*) FROM k") == "60000"
