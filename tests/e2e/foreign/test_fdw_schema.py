"""Plans outlive the schema that they were made for, and transactions the file that they write to."""

import os
import shutil
import sqlite3

import pytest

import fdw_ways
from client import fails

INT = "CREATE TABLE a (id INTEGER PRIMARY KEY, k INTEGER, t TEXT) STRICT; INSERT INTO a VALUES (1, 5, 'Ann'), (2, 40, 'ann'), (3, 100, 'Bob');"
# The same columns, with other meanings: what was proven of INT does not hold.
OTHERS = {
    "texts": "CREATE TABLE a (id INTEGER PRIMARY KEY, k TEXT, t TEXT); INSERT INTO a VALUES (1, '5', 'Ann'), (2, '40', 'ann'), (3, '100', 'Bob');",
    "no rowid": "CREATE TABLE a (id INTEGER PRIMARY KEY, k INTEGER, t TEXT) WITHOUT ROWID; INSERT INTO a VALUES (3, 5, 'x'), (1, 40, 'y');",
    "no key": "CREATE TABLE a (id INTEGER, k INTEGER, t TEXT); INSERT INTO a VALUES (7, 5, 'x'), (7, 40, 'y');",
    "nocase": "CREATE TABLE a (id INTEGER PRIMARY KEY, k INTEGER, t TEXT COLLATE NOCASE) STRICT; INSERT INTO a VALUES (1, 5, 'Ann'), (2, 40, 'ann'), (3, 9, 'ANN');",
    "anything": "CREATE TABLE a (id INTEGER PRIMARY KEY, k ANY, t TEXT) STRICT; INSERT INTO a VALUES (1, '5', 'Ann'), (2, 40, 'ann');",
    "a view": "CREATE TABLE b (id INTEGER, k INTEGER, t TEXT COLLATE NOCASE); INSERT INTO b VALUES (1, '5', 'Ann'), (2, 40, 'ANN'); CREATE VIEW a AS SELECT * FROM b;",
}
READS = {
    "filtered": "SELECT id FROM a WHERE k > 9 ORDER BY id", "grouped": "SELECT t, count(*) FROM a GROUP BY t ORDER BY t COLLATE \"C\"",
    "joined": "SELECT x.id, y.id FROM a x JOIN a y ON x.k = y.k AND x.t = y.t ORDER BY 1, 2", "viewed": "SELECT id FROM v ORDER BY 1",
    "largest": "SELECT max(k), count(DISTINCT t) FROM a", "called": "SELECT * FROM largest()",
}


def table(t, path, more=""):
    fdw_ways.server(t, "s", path, more)
    t.sql("CREATE FOREIGN TABLE a (id bigint, k bigint, t text COLLATE \"C\") SERVER s; CREATE VIEW v AS SELECT * FROM a WHERE k = 40 OR t = 'Ann';"
          "CREATE FUNCTION largest() RETURNS SETOF bigint LANGUAGE plpgsql AS $$ BEGIN RETURN QUERY SELECT k FROM a WHERE k > 9 ORDER BY 1 DESC; END $$")


def prepare(s, statements):
    s.run("SET plan_cache_mode = force_generic_plan;" + ";".join(f"PREPARE \"{name}\" AS {sql}" for name, sql in statements.items()))


def execute(s, name):
    """The answer, and whether the plan had to be given up before."""
    said = s.attempt(f"EXECUTE \"{name}\"")
    if said.sqlstate != "0A000":
        return said, False
    said.failed("0A000", "changed since the query was planned", hint="again")
    return s.run(f"EXECUTE \"{name}\""), True


def by_a_program(t, path, script):
    db = sqlite3.connect(path)
    db.executescript("DROP TABLE IF EXISTS a;" + script)
    db.close()


def by_renaming(t, path, script):
    os.rename(t.file("other.db", script), path)


def by_copying(t, path, script):
    """Into the same inode, with the same number of changes of the schema."""
    other = t.file("other.db", script)
    number = sqlite3.connect(path).execute("PRAGMA schema_version").fetchone()[0]
    db = sqlite3.connect(other)
    db.execute(f"PRAGMA schema_version = {number}")
    db.close()
    shutil.copyfile(other, path)


@pytest.mark.parametrize("change", (by_a_program, by_renaming, by_copying))
def test_cached_plans_follow_the_file(t, change):
    path = t.file("a.db", INT)
    table(t, path)
    s, other = t.session(), t.session()
    prepare(s, READS)
    before = {read: execute(s, read)[0].out for read in READS}
    for name, script in OTHERS.items():
        change(t, path, script)
        given_up = 0
        other.run("DISCARD PLANS; SELECT pg_sqlite_fdw_disconnect_all()")
        for read, query in READS.items():
            said, anew = execute(s, read)
            given_up += anew
            fresh = other.attempt(query)
            assert (said.sqlstate, said.out) == (fresh.sqlstate, fresh.out), (change.__name__, name, read, said, fresh)
        assert given_up > 0, (change.__name__, name)
        by_renaming(t, path, INT)
        for read in READS:
            assert execute(s, read)[0].out == before[read], (change.__name__, name, read)


def test_what_a_plan_does_not_rest_on_may_change(t):
    path = t.file("a.db", INT)
    table(t, path)
    s = t.session()
    prepare(s, READS)
    before = {read: execute(s, read)[0].out for read in READS}
    db = sqlite3.connect(path)
    db.executescript("CREATE INDEX a_k ON a (k); CREATE TABLE another (x); ALTER TABLE a ADD COLUMN more TEXT; ANALYZE; VACUUM")
    for read in READS:
        said, anew = execute(s, read)
        assert said.out == before[read] and not anew, read
    # The same schema in another file.
    by_renaming(t, path, INT.replace("100", "200"))
    said, anew = execute(s, "largest")
    assert said.out.startswith("200") and not anew


def test_cached_changes_follow_the_file(t):
    changes = {
        "direct": "UPDATE a SET k = k + 1 WHERE k > 9", "by row": "UPDATE a SET k = k + 1 WHERE k > 9 AND random() >= 0",
        "deleted": "DELETE FROM a WHERE k > 9", "by key": "DELETE FROM a USING generate_series(40, 40) g WHERE k = g AND random() >= 0",
        "inserted": "INSERT INTO a (id, k, t) VALUES (9, 9, 'nine')", "returned": "UPDATE a SET t = 'x' WHERE k = 40 RETURNING id, k, t",
    }
    for name in ("texts", "no rowid", "nocase"):
        t.sql("DROP SERVER IF EXISTS s CASCADE; DROP FUNCTION IF EXISTS largest")
        path = t.file("a.db", INT)
        table(t, path, ", updatable 'true'")
        for change, statement in changes.items():
            os.rename(t.file("first.db", INT), path)
            s = t.session()
            prepare(s, {change: statement})
            s.run(f"BEGIN; EXECUTE \"{change}\"; ROLLBACK")
            by_renaming(t, path, OTHERS[name])
            said, anew = execute(s, change)
            stored = sqlite3.connect(path).execute("SELECT * FROM a ORDER BY 1, 2, 3").fetchall()
            by_renaming(t, path, OTHERS[name])
            fresh = t.attempt(statement)
            expected = sqlite3.connect(path).execute("SELECT * FROM a ORDER BY 1, 2, 3").fetchall()
            assert anew and (said.sqlstate, said.out, stored) == (fresh.sqlstate, fresh.out, expected), (name, change, said, fresh, stored, expected)
            s.close()


def test_a_plan_that_is_given_up_within_plpgsql(t):
    path = t.file("a.db", INT)
    table(t, path)
    t.sql("CREATE FUNCTION patient() RETURNS bigint LANGUAGE plpgsql AS $$ DECLARE n bigint; BEGIN SELECT count(*) INTO n FROM a WHERE k > 9; RETURN n;"
          " EXCEPTION WHEN feature_not_supported THEN SELECT count(*) INTO n FROM a WHERE k > 9; RETURN -n; END $$")
    s = t.session()
    for _ in range(8):
        assert s.value("SELECT patient()") == "2"
    by_renaming(t, path, OTHERS["texts"])
    assert s.value("SELECT patient()") == "-2", "given up in a subtransaction"
    assert s.value("SELECT patient()") == "2", "and planned anew"


# Replaced in mid-transaction


def test_a_commit_into_a_file_that_was_replaced(t):
    path = t.file("a.db", INT)
    table(t, path, ", updatable 'true'")
    t.sql("CREATE TABLE log (x int)")
    s = t.session()

    def gone():
        os.unlink(path)

    for replace in (lambda: by_renaming(t, path, INT), gone, lambda: shutil.move(path, t.dir / "moved.db")):
        by_renaming(t, path, INT)
        s.run("BEGIN; INSERT INTO log VALUES (1); INSERT INTO a VALUES (9, 9, 'nine')")
        replace()
        with fails("40001", "was replaced while it was changed", hint="again"):
            s.run("COMMIT")
        assert t.value("SELECT count(*) FROM log") == "0"
        by_renaming(t, path, INT)
        s.run("BEGIN; INSERT INTO a VALUES (9, 9, 'nine'); COMMIT")
        assert sqlite3.connect(path).execute("SELECT count(*) FROM a").fetchone()[0] == 4
    # What only reads, and what is rolled back, loses nothing.
    s.run("BEGIN; SELECT count(*) FROM a")
    by_renaming(t, path, OTHERS["no key"])
    assert s.value("SELECT count(*) FROM a") == "2", "the next statement reads the file of that name"
    s.run("COMMIT; BEGIN ISOLATION LEVEL REPEATABLE READ; SELECT count(*) FROM a")
    by_renaming(t, path, INT)
    assert s.value("SELECT count(*) FROM a") == "2", "a snapshot stays"
    s.run("COMMIT; BEGIN; INSERT INTO a VALUES (9, 9, 'nine')")
    by_renaming(t, path, INT)
    s.run("ROLLBACK")
    assert s.value("SELECT count(*) FROM a") == "3"


# Several files


def two(t, wal=False, schema="CREATE TABLE n (id INTEGER PRIMARY KEY);"):
    for name in ("one", "two"):
        path = t.file(f"{name}.db", ("PRAGMA journal_mode = WAL;" if wal else "") + schema)
        for suffix in ("-wal", "-shm"):
            if (t.dir / (path.name + suffix)).exists():
                t.own(t.dir / (path.name + suffix))
        fdw_ways.server(t, name, path, ", updatable 'true', busy_timeout '200'")
        t.sql(f"CREATE FOREIGN TABLE {name} (id bigint) SERVER {name} OPTIONS (table 'n')")
    return t.dir / "one.db", t.dir / "two.db"


def rows(path):
    return sqlite3.connect(path).execute("SELECT count(*) FROM n").fetchone()[0]


def test_a_reader_of_one_file_keeps_back_all(t):
    paths = two(t)
    s = t.session()
    for read in paths:
        for order in (("one", "two"), ("two", "one")):
            reader = sqlite3.connect(read, isolation_level=None)
            reader.execute("BEGIN")
            before = reader.execute("SELECT count(*) FROM n").fetchone()[0]
            s.run("BEGIN; " + "; ".join(f"INSERT INTO {name} SELECT 100 + g FROM generate_series(1, 500) g" for name in order))
            with fails("55P03", f"process {os.getpid()}, a reader, holds a shared lock"):
                s.run("COMMIT")
            reader.execute("COMMIT")
            assert [rows(path) for path in paths] == [before, before], (read, order)
    s.run("BEGIN; INSERT INTO two VALUES (1); INSERT INTO one VALUES (1); COMMIT")
    assert [rows(path) for path in paths] == [1, 1]
    s.run("BEGIN; INSERT INTO two VALUES (2); INSERT INTO one VALUES (2); ROLLBACK")
    assert [rows(path) for path in paths] == [1, 1]


def test_readers_do_not_matter_in_wal_mode(t):
    paths = two(t, wal=True)
    reader = sqlite3.connect(paths[1], isolation_level=None)
    reader.execute("BEGIN")
    assert reader.execute("SELECT count(*) FROM n").fetchone() == (0,)
    t.sql("BEGIN; INSERT INTO one VALUES (1); INSERT INTO two VALUES (1); COMMIT")
    assert reader.execute("SELECT count(*) FROM n").fetchone() == (0,)
    reader.execute("COMMIT")
    assert [rows(path) for path in paths] == [1, 1]


def test_a_deferred_constraint_of_one_file_keeps_back_all(t):
    paths = two(t, schema="CREATE TABLE p (id INTEGER PRIMARY KEY); CREATE TABLE n (id INTEGER PRIMARY KEY REFERENCES p DEFERRABLE INITIALLY DEFERRED); INSERT INTO p VALUES (1);")
    for order in (("one", "two"), ("two", "one")):
        for sound, broken in (("one", "two"), ("two", "one")):
            with fails("23503", f"{'one' if sound == 'two' else 'two'}.db\" breaks a constraint\nSQLite: FOREIGN KEY"):
                t.sql("BEGIN; " + "; ".join(f"INSERT INTO {name} VALUES ({1 if name == sound else 7})" for name in order) + "; COMMIT")
            assert [rows(path) for path in paths] == [0, 0], (order, broken)
    t.sql("BEGIN; INSERT INTO one VALUES (1); INSERT INTO two VALUES (1); COMMIT")
    assert [rows(path) for path in paths] == [1, 1]


def test_who_holds_a_lock_is_said(t):
    path, _ = two(t)
    mine = f"process {os.getpid()}, a "
    db = sqlite3.connect(path, isolation_level=None)
    db.execute("BEGIN")
    db.execute("SELECT * FROM n").fetchall()
    with fails("55P03", mine + "reader, holds a shared lock"):
        t.sql("INSERT INTO one VALUES (5)")
    db.execute("COMMIT; ")
    db.execute("BEGIN IMMEDIATE")
    with fails("55P03", mine + "writer, holds a reserved lock"):
        t.sql("INSERT INTO one VALUES (5)")
    db.execute("ROLLBACK")
    db.execute("BEGIN EXCLUSIVE")
    with fails("55P03", mine + "writer, holds an exclusive lock"):
        t.sql("SELECT * FROM one")
    db.execute("ROLLBACK")
    # Ourselves, by another server.
    fdw_ways.server(t, "again", path, ", updatable 'true', busy_timeout '100'")
    with fails("55P03", "another connection of this session, a writer"):
        t.sql("CREATE FOREIGN TABLE again (id bigint) SERVER again OPTIONS (table 'n');"
              "BEGIN; INSERT INTO one VALUES (1); INSERT INTO again VALUES (2)")
    db.execute("PRAGMA journal_mode = WAL")
    for suffix in ("-wal", "-shm"):
        if (t.dir / (path.name + suffix)).exists():
            t.own(t.dir / (path.name + suffix))
    db.execute("BEGIN IMMEDIATE")
    with fails("55P03", mine + "writer, holds the write lock of the WAL"):
        t.sql("INSERT INTO one VALUES (5)")
    db.execute("ROLLBACK")


# Read-only


def test_a_change_of_a_read_only_table_says_what_opens_it(t):
    path = t.file("a.db", INT)
    table(t, path)
    t.sql("CREATE TABLE p (id bigint, k bigint, t text COLLATE \"C\") PARTITION BY LIST (id); CREATE TABLE p2 PARTITION OF p FOR VALUES IN (2);"
          "CREATE FOREIGN TABLE p1 PARTITION OF p FOR VALUES IN (1) SERVER s OPTIONS (table 'a')")
    changes = ["INSERT INTO a VALUES (9, 9, 'x')", "UPDATE a SET k = 1", "UPDATE a SET k = 1 WHERE random() > 2", "DELETE FROM a", "INSERT INTO v VALUES (9, 9, 'x')",
               "COPY a FROM PROGRAM 'true'", "INSERT INTO p VALUES (1, 1, 'x')", "COPY p FROM PROGRAM 'echo 1,1,x' CSV", "UPDATE p SET k = 1", "TRUNCATE a"]
    for change in changes[:-1]:
        with fails("55000", "is read-only", hint='option "updatable" of the foreign table, or of server "s"'):
            t.sql(change)
    said = "SELECT is_insertable_into FROM information_schema.tables WHERE table_name = 'a'"
    assert t.value(said) == "NO"
    t.sql("ALTER SERVER s OPTIONS (ADD updatable 'true', ADD force_readonly 'true')")
    for change in changes[:-1]:
        with fails("55000", "is read-only", hint='"force_readonly".* of server "s"'):
            t.sql(change)
    t.sql("ALTER SERVER s OPTIONS (SET force_readonly 'false')")
    assert t.value(said) == "YES"
    for change in changes[:-1]:
        t.sql(f"BEGIN; DELETE FROM a; {change}; ROLLBACK")
