"""Attacks on foreign tables: what a user, a file or another program can do that ordinary scenarios do not."""

import os
import random
import sqlite3

import pytest

from client import CopyIn, fails
from fdw_ways import server
from harness import quote, until

ITEMS = """
CREATE TABLE items (id INTEGER PRIMARY KEY, name TEXT, qty INTEGER, price REAL);
INSERT INTO items VALUES (1, 'one', 10, 1.5), (2, 'two', 20, NULL), (3, 'three', NULL, 3.5), (4, NULL, 40, 4.0);
"""
MUCH = ("22P02", "column \"qty\" .*\n.*'much'")
COLUMNS = "(id bigint, name text, qty integer, price float8)"
ACCENTS = """
CREATE TABLE "naïve" (id INTEGER PRIMARY KEY, v TEXT);
INSERT INTO "naïve" VALUES (1, 'é'), (2, 'ß'), (3, 'plain'), (4, 'xé');
CREATE TABLE short (id INTEGER PRIMARY KEY, "größe" TEXT); INSERT INTO short VALUES (1, 'lang');
"""


def items(t):
    path = t.file("w.db", ITEMS)
    server(t, "w", path, ", updatable 'true'")
    t.sql(f"CREATE FOREIGN TABLE items {COLUMNS} SERVER w")
    return path


def lines(sql, t):
    # Settings that are drawn for a scenario may leave a number no digit behind the point.
    return t.sql("SET extra_float_digits = 1; " + sql).out.split("\n")[:-1]


def test_returning_some_columns(t):
    """RETURNING asks for any columns, in any place of the table."""
    items(t)
    for columns, expected in (("price", "1.5"), ("qty, price", "10|1.5"), ("name", "one"), ("id, qty", "1|10"), ("price, id", "1.5|1"), ("5", "5"), ("items", "(1,one,10,1.5)")):
        for where in ("id = 1", "id = 1 AND random() >= 0"):
            assert lines(f"BEGIN; DELETE FROM items WHERE {where} RETURNING {columns}; ROLLBACK", t) == [expected], (columns, where)
            assert lines(f"BEGIN; UPDATE items SET qty = 10 WHERE {where} RETURNING {columns}; ROLLBACK", t) == [expected], (columns, where)
    t.sql("CREATE VIEW few AS SELECT id, qty FROM items WHERE qty < 100 WITH CHECK OPTION")
    assert lines("UPDATE few SET qty = 11 WHERE id = 1 RETURNING *", t) == ["1|11"]
    with fails("44000", "check option for view \"few\""):
        t.sql("UPDATE few SET qty = 1000 WHERE id = 1")
    assert lines("DELETE FROM few WHERE id = 1 RETURNING *", t) == ["1|11"]
    t.sql(f"CREATE TABLE parent {COLUMNS}; CREATE FOREIGN TABLE child {COLUMNS} INHERITS (parent) SERVER w OPTIONS (table 'items')")
    assert lines("UPDATE parent SET qty = id + 1 WHERE id = 3 RETURNING tableoid::regclass, id, qty, price", t) == ["child|3|4|3.5"]


def test_dropped_and_added_columns(t):
    items(t)
    t.sql("ALTER FOREIGN TABLE items DROP COLUMN name")
    assert lines("SELECT items FROM items WHERE id = 1", t) == ["(1,10,1.5)"]
    for where in ("id = 1", "id = 1 AND random() >= 0"):
        assert lines(f"UPDATE items SET qty = qty + 1 WHERE {where} RETURNING items, price", t)[0].endswith(",1.5)|1.5"), where
    assert lines("INSERT INTO items VALUES (9, 1, 2.5) RETURNING items", t) == ["(9,1,2.5)"]
    assert lines("DELETE FROM items WHERE id = 9 RETURNING *", t) == ["9|1|2.5"]
    t.sql("ALTER FOREIGN TABLE items ADD COLUMN name text")
    assert lines("UPDATE items SET name = 'X' WHERE id = 1 RETURNING *", t) == ["1|12|1.5|X"]
    assert lines("ANALYZE items; SELECT items FROM items WHERE id = 2", t) == ["(2,20,,two)"]


def test_constants_that_the_column_cannot_hold(t):
    """No row has the value, and none is to blame: SQLite puts an equal constant in the place of the column, guards too."""
    path = t.file("c.db", "CREATE TABLE c (id INTEGER PRIMARY KEY, n INTEGER, s TEXT, d TEXT, b INTEGER); INSERT INTO c VALUES (1, 5, 'abc', '2024-01-01', 1);"
                          "CREATE INDEX c_n ON c (n); CREATE INDEX c_s ON c (s); CREATE INDEX c_d ON c (d); CREATE INDEX c_b ON c (b)")
    server(t, "c", path)
    t.sql("CREATE FOREIGN TABLE c (id bigint, n integer, s varchar(3), d date) SERVER c; CREATE FOREIGN TABLE small (id bigint, n smallint) SERVER c OPTIONS (table 'c')")
    for pushdown in ("on", "off"):
        for query in ("SELECT id FROM c WHERE n = 3000000000", "SELECT id FROM c WHERE 3000000000 = n", "SELECT id FROM small WHERE n = 100000", "SELECT id FROM c WHERE s = 'abcdef'",
                      "SELECT id FROM c WHERE n = (SELECT 3000000000)", "SELECT id FROM c WHERE s = (SELECT 'abcdef'::text)", "SELECT id FROM c WHERE n IN (3000000000)",
                      "SELECT id FROM c WHERE d = 'infinity'", "SELECT id FROM c WHERE d = '5874897-12-31'", "SELECT x.id FROM c x JOIN c y ON x.n = y.n WHERE x.n = 3000000000"):
            assert lines(f"SET pg_sqlite_migrate.pushdown = {pushdown}; {query}", t) == [], (pushdown, query)
        prepared = "PREPARE p(bigint) AS SELECT id FROM small WHERE n = $1; PREPARE q(text) AS SELECT id FROM c WHERE s = $1;"
        script = f"SET pg_sqlite_migrate.pushdown = {pushdown}; SET plan_cache_mode = force_generic_plan; {prepared} EXECUTE p(5); EXECUTE p(100000); EXECUTE q('abc'); EXECUTE q('abcdef')"
        assert lines(script, t) == ["1", "1"], pushdown
    # A row that does hold it is to blame.
    db = sqlite3.connect(path)
    db.execute("INSERT INTO c (id, n, s) VALUES (2, 3000000000, 'abcdef')")
    db.commit()
    db.close()
    with fails("22P02", "column \"n\""):
        t.sql("SELECT id FROM c WHERE n = 3000000000")
    with fails("22P02", "column \"s\""):
        t.sql("SELECT id FROM c WHERE s = 'abcdef'")


def test_a_database_without_encoding(t):
    """In SQL_ASCII a character is a byte, for PostgreSQL's functions."""
    path = t.file("e.db", ACCENTS)
    database = t.other_database("ascii", "ENCODING 'SQL_ASCII' LC_COLLATE 'C' LC_CTYPE 'C' TEMPLATE template0")
    run = lambda sql: t.server.run(database, sql)  # noqa: E731
    run(f"CREATE SERVER e FOREIGN DATA WRAPPER pg_sqlite_fdw OPTIONS (database {quote(str(path))}); CREATE FOREIGN TABLE f (id bigint, v text) SERVER e OPTIONS (table 'naïve')")
    for query in ("SELECT id FROM f WHERE v LIKE '_'", "SELECT id FROM f WHERE length(v) = 2", "SELECT id FROM f WHERE left(v, 1) = v", "SELECT id FROM f WHERE reverse(v) = v",
                  "SELECT id FROM f WHERE strpos(v, 'é') > 1", "SELECT id FROM f WHERE substr(v, 3, 1) <> ''", "SELECT max(length(v)), count(DISTINCT left(v, 1)) FROM f", "SELECT id FROM f WHERE v = 'é'"):
        pushed, local = (run(f"SET pg_sqlite_migrate.pushdown = {way}; {query}").out for way in ("on", "off"))
        assert pushed == local, (query, pushed, local)


def test_a_database_in_another_encoding(t):
    path = t.file("e.db", ACCENTS)
    database = t.other_database("latin1", "ENCODING 'LATIN1' LC_COLLATE 'C' LC_CTYPE 'C' TEMPLATE template0")
    run = lambda sql: t.server.run(database, "SET client_encoding = 'UTF8'; " + sql)  # noqa: E731
    run(f"CREATE SERVER e FOREIGN DATA WRAPPER pg_sqlite_fdw OPTIONS (database {quote(str(path))}); CREATE SCHEMA one")
    run("IMPORT FOREIGN SCHEMA main FROM SERVER e INTO public")
    assert run("SELECT v FROM \"naïve\" WHERE id = 1").out == "é\n"
    run("IMPORT FOREIGN SCHEMA main LIMIT TO (\"naïve\") FROM SERVER e INTO one")
    assert run("SELECT count(*) FROM one.\"naïve\"").out == "4\n"
    with fails("22P02", "column \"größe\""):
        run("CREATE FOREIGN TABLE s (v varchar(1) OPTIONS (column_name 'größe')) SERVER e OPTIONS (table 'short'); SELECT v FROM s")
    with fails("42704", "server \"é\" does not exist"):
        run("SELECT pg_sqlite_fdw_disconnect('é')")
    with fails("58P01", "/é.db"):
        run("SELECT * FROM sqlite_check('/é.db')")
    with fails("HV00D", "naïve"):
        run("CREATE FOREIGN TABLE wrong (v text OPTIONS (\"naïve\" 'x')) SERVER e")


@pytest.mark.parametrize("encoding, said", (("LATIN1", r"\\u\{9577\}\\u\{3044\} é"), ("EUC_JP", "長い é"), ("EUC_KR", r"長い \\u\{e9\}")))
def test_a_message_that_the_encoding_cannot_say(t, encoding, said):
    """What is said arrives, with an escape in the place of what the database's encoding lacks."""
    path = t.file("e.db", "CREATE TABLE j (id INTEGER PRIMARY KEY, n INTEGER); INSERT INTO j VALUES (1, '長い é')")
    database = t.other_database("said_" + encoding.lower(), f"ENCODING '{encoding}' LC_COLLATE 'C' LC_CTYPE 'C' TEMPLATE template0")
    run = lambda sql: t.server.run(database, "SET client_encoding = 'UTF8'; " + sql)  # noqa: B023,E731
    run(f"CREATE SERVER e FOREIGN DATA WRAPPER pg_sqlite_fdw OPTIONS (database {quote(str(path))}); CREATE FOREIGN TABLE j (n integer) SERVER e")
    with fails("22P02", said):
        run("SELECT n FROM j")


def test_a_held_cursor_outlives_a_change(t):
    """Its rows are those of when it was declared; the commit, which reads them, must not fail."""
    items(t)
    script = "BEGIN; DECLARE c CURSOR WITH HOLD FOR SELECT id FROM items ORDER BY id; {} INSERT INTO items (id) VALUES ({}); COMMIT; FETCH ALL FROM c"
    assert lines(script.format("FETCH 1 FROM c;", -1), t) == ["1", "2", "3", "4"]
    assert lines(script.format("", -2), t) == ["-1", "1", "2", "3", "4"]


def test_an_open_cursor_keeps_its_rows(t):
    """Whether rows were read or not, and whichever way it is read again."""
    items(t)
    for fetched, expected in (("", "1 2 3 4"), ("FETCH 2 FROM c;", "3 4"), ("MOVE ALL FROM c;", "")):
        for kind in ("", "SCROLL ", "NO SCROLL "):
            for change in ("DELETE FROM items", "UPDATE items SET id = id + 100 WHERE random() >= 0", "INSERT INTO items (id) VALUES (0)"):
                script = f"BEGIN; DECLARE c {kind}CURSOR FOR SELECT id FROM items ORDER BY id; {{}} {change}; FETCH ALL FROM c; {{}} ROLLBACK"
                assert " ".join(lines(script.format(fetched.replace("FETCH", "MOVE"), ""), t)) == expected, (fetched, kind, change)
                if kind == "SCROLL ":
                    assert lines(script.format(fetched.replace("FETCH", "MOVE"), "MOVE ABSOLUTE 0 FROM c; FETCH ALL FROM c;"), t)[-4:] == list("1234")
    held = "BEGIN; DECLARE c {} CURSOR WITH HOLD FOR SELECT id FROM items ORDER BY id; {} DELETE FROM items WHERE id = 4; COMMIT; FETCH ALL FROM c; INSERT INTO items (id) VALUES (4)"
    for kind in ("", "SCROLL"):
        assert lines(held.format(kind, ""), t) == list("1234")
        assert lines(held.format(kind, "MOVE ALL FROM c; MOVE BACKWARD ALL FROM c;") if kind else held.format(kind, ""), t) == list("1234")
    # Started within a savepoint that is rolled back, after what was written in it.
    script = "BEGIN; DECLARE c CURSOR FOR SELECT id FROM items ORDER BY id; SAVEPOINT s; DELETE FROM items; FETCH 1 FROM c; ROLLBACK TO s; FETCH ALL FROM c; ROLLBACK"
    assert lines(script, t) == list("1234")
    # A row that no one reads is no error, another's reading it is.
    t.sql("INSERT INTO items (id, qty) VALUES (5, 5); CREATE FOREIGN TABLE tight (id bigint, qty integer, price float8) SERVER w OPTIONS (table 'items')")
    script = "BEGIN; DECLARE c CURSOR FOR SELECT id FROM tight WHERE qty > 0 ORDER BY id; FETCH 1 FROM c; DELETE FROM items; FETCH {} FROM c; ROLLBACK"
    db = sqlite3.connect(t.dir / "w.db")
    db.execute("UPDATE items SET qty = 'much' WHERE id = 5")
    db.commit()
    db.close()
    assert lines(script.format("1"), t) == list("12")
    with fails("22P02", 'column "qty"'):
        t.sql(script.format("ALL"))
    # What is asked with other values later, can no longer be answered.
    t.sql("CREATE TABLE loc (id bigint); INSERT INTO loc SELECT generate_series(1, 4); CREATE FUNCTION gone(bigint) RETURNS bigint LANGUAGE plpgsql AS "
          "$$BEGIN DELETE FROM items WHERE id = 4; RETURN $1; END$$")
    with fails("0A000", "cannot scan a foreign table again"):
        t.sql("SET enable_hashjoin = off; SET enable_mergejoin = off; SELECT gone(loc.id), i.id FROM loc, LATERAL (SELECT id FROM items WHERE items.id = loc.id OFFSET 0) i")


def test_a_cursor_and_another_program_s_change_in_wal_mode(t):
    path = items(t)
    db = sqlite3.connect(path, isolation_level=None)
    db.executescript("PRAGMA journal_mode = wal; UPDATE items SET qty = qty")
    for name in ("", "-wal", "-shm"):
        if (t.dir / ("w.db" + name)).exists():
            t.own(t.dir / ("w.db" + name))
    for n, (level, declared, overtaken) in enumerate((("READ COMMITTED", "FETCH 1 FROM c", False), ("READ COMMITTED", "SELECT 1", False), ("REPEATABLE READ", "FETCH 1 FROM c", True))):
        s = t.session()
        s.run(f"BEGIN ISOLATION LEVEL {level}; DECLARE c CURSOR WITH HOLD FOR SELECT qty FROM items WHERE id < 3 ORDER BY id; {declared}")
        db.execute("UPDATE items SET qty = qty + 1")
        before = db.execute("SELECT qty FROM items WHERE id = 2").fetchone()[0] - 1
        result = s.attempt("UPDATE items SET qty = qty + 10 WHERE id = 2 RETURNING qty")
        if overtaken:
            result.failed("40001", "it was changed after the transaction's snapshot")
            s.run("ROLLBACK")
            continue
        assert result.out.strip() == str(before + 11), result
        assert s.run("FETCH ALL FROM c").out.split()[-1] == str(before)
        s.run("COMMIT")
        assert db.execute("SELECT qty FROM items WHERE id = 2").fetchone() == (before + 11,)
    # What is still to be asked with other values cannot be read before.
    db.execute("CREATE TABLE other (n INTEGER)")
    join = "SELECT i.qty FROM loc, LATERAL (SELECT qty FROM items WHERE items.id = loc.id OFFSET 0) i"
    s = t.session()
    s.run("SET enable_hashjoin = off; SET enable_mergejoin = off; CREATE TABLE loc (id bigint); INSERT INTO loc SELECT generate_series(1, 4); CREATE FOREIGN TABLE other (n bigint) SERVER w")
    for overtaken in (False, True):
        s.run(f"BEGIN; DECLARE c CURSOR FOR {join}; FETCH 1 FROM c")
        if overtaken:
            db.execute("UPDATE items SET qty = 0")
        s.run("INSERT INTO other VALUES (1)")
        result = s.attempt("FETCH ALL FROM c")
        if overtaken:
            result.failed("40001", "cannot go on reading .* as it was when the query began")
        else:
            assert not result.error, result
        s.run("ROLLBACK")
    db.close()


def test_no_lock_is_left_behind(t):
    """A program that wants the file alone gets it, between the statements of a transaction that has only read."""
    path = items(t)
    db = sqlite3.connect(path, isolation_level=None, timeout=0)
    db.execute("INSERT INTO items (id, qty) VALUES (9, 'much')")
    s = t.session()
    s.run("CREATE FUNCTION caught() RETURNS text LANGUAGE plpgsql AS $$BEGIN PERFORM qty FROM items; RETURN 'none'; EXCEPTION WHEN others THEN RETURN SQLSTATE; END$$")
    s.run("BEGIN; DECLARE c CURSOR FOR SELECT id FROM items; FETCH 1 FROM c")
    try:
        db.execute("BEGIN EXCLUSIVE")
        raise AssertionError("a cursor holds no snapshot")
    except sqlite3.OperationalError:
        s.run("CLOSE c")
    for sql, failure in (("SELECT id FROM items", None), ("EXPLAIN SELECT * FROM items WHERE id = 1", None), ("EXPLAIN ANALYZE SELECT id FROM items", None),
                          ("PREPARE p AS SELECT id FROM items WHERE id = $1; EXPLAIN EXECUTE p(1); EXECUTE p(1)", None), ("EXPLAIN UPDATE items SET qty = 1", None),
                          ("SELECT qty FROM items", MUCH), ("SELECT 1 / (id - 3) FROM items", ("22012", "division by zero")), ("SELECT caught()", None), ("SELECT nothing FROM items", ("42703", "\"nothing\"")),
                          ("DECLARE c CURSOR FOR SELECT id FROM items; FETCH 1 FROM c; CLOSE c", None), ("DECLARE c CURSOR FOR SELECT qty FROM items; FETCH 1 FROM c; MOVE ALL FROM c", MUCH),
                          ("SELECT id FROM items LIMIT 1", None), ("SET LOCAL statement_timeout = '200ms'; SELECT count(*) FROM items a, items b, items c, items d, items e, items f, items g, items h, items i, items j", ("57014", "statement timeout")),
                          ("SELECT pg_relation_is_updatable('items', true)", None), ("ANALYZE items (id)", MUCH)):
        s.run("SAVEPOINT s")
        result = s.attempt(sql)
        if failure:
            result.failed(*failure)
        else:
            assert not result.error, (sql, result)
        for _ in range(2):
            db.execute("BEGIN EXCLUSIVE")
            db.execute("ROLLBACK")
            s.run("ROLLBACK TO s")
    db.execute("DELETE FROM items WHERE id = 9")
    assert s.value("SELECT count(*) FROM items") == "4"
    s.run("COMMIT")
    db.close()


def test_views_are_not_changed(t):
    path = t.file("v.db", ITEMS + "CREATE VIEW few AS SELECT id, name FROM items WHERE id < 3; CREATE TRIGGER tr INSTEAD OF DELETE ON few BEGIN SELECT 1; END")
    server(t, "v", path, ", updatable 'true', truncatable 'true'")
    t.sql("CREATE FOREIGN TABLE few (id bigint, name text) SERVER v")
    for sql in ("INSERT INTO few VALUES (9, 'x')", "UPDATE few SET name = 'x'", "UPDATE few SET name = 'x' WHERE random() >= 0", "DELETE FROM few", "TRUNCATE few",
                "EXPLAIN DELETE FROM few", "INSERT INTO few SELECT * FROM few"):
        with fails("42809", "cannot change foreign table \"few\""):
            t.sql(sql)
    with fails("55000", "\"few\" does not allow inserts"):
        t.sql([CopyIn("few", "1\tx\n")])
    assert lines("SELECT is_updatable FROM information_schema.tables JOIN information_schema.columns c USING (table_name) WHERE table_name = 'few' LIMIT 1", t) == ["NO"]
    assert lines("SELECT id FROM few ORDER BY id", t) == ["1", "2"]


def test_a_directory_that_is_not_writable(t):
    items(t)
    t.own(t.dir, 0o555)
    try:
        with fails("42501", "its directory is not writable") as refused:
            t.sql("UPDATE items SET qty = 1")
        assert "WAL" not in refused.message, refused.message
        assert lines("SELECT count(*) FROM items", t) == ["4"]
    finally:
        t.own(t.dir)
    t.sql("UPDATE items SET qty = 1")


def test_arrays_of_any_type_as_parameters(t):
    path = t.file("a.db", "CREATE TABLE a (id INTEGER PRIMARY KEY, b BLOB, r REAL, s TEXT); CREATE INDEX a_b ON a (b); INSERT INTO a VALUES (1, x'00ff', 1.5, 'x'), (2, x'', 9e999, '\"'), (3, NULL, NULL, NULL)")
    server(t, "a", path)
    t.sql("CREATE FOREIGN TABLE a (id bigint, b bytea, r float8, s text) SERVER a")
    for pushdown in ("on", "off"):
        for type_, column, value, expected in (("bytea", "b", r"E'{\"\\\\x00ff\",NULL,\"\\\\x61\"}'", "1"), ("bytea", "b", r"E'{\"\\\\x\"}'", "2"), ("float8", "r", "'{Infinity,NaN}'", "2"), ("float8", "r", "'{1.5}'", "1"),
                                               ("text", "s", r"E'{\"\\\"\",é}'", "2"), ("bytea", "b", "'{}'", ""), ("bytea", "b", "NULL", "")):
            script = f"SET pg_sqlite_migrate.pushdown = {pushdown}; SET plan_cache_mode = force_generic_plan; PREPARE p({type_}[]) AS SELECT id FROM a WHERE {column} = ANY ($1); EXECUTE p({value})"
            assert " ".join(lines(script, t)) == expected, (pushdown, type_, value)


def test_a_value_beyond_sqlite_s_limits(t):
    items(t)
    with fails("54000", "limit of SQLite"):
        t.sql("INSERT INTO items (id, name) VALUES (9, repeat('x', 1000000001))")
    assert lines("SELECT count(*) FROM items", t) == ["4"]


def test_explain_shows_what_a_row_runs(t):
    items(t)
    for sql in ("INSERT INTO items VALUES (7)", "UPDATE items SET qty = 1 WHERE random() < 2", "DELETE FROM items WHERE random() < 2"):
        plan = t.value(f"EXPLAIN (VERBOSE, COSTS off) {sql}")
        assert sql.split()[0] + " " in "".join(line for line in plan.split("\n") if "Remote SQL" in line), plan


def test_rows_are_rechecked_after_a_wait(t):
    """What the query joins to a row that another session has changed meanwhile is read from copies."""
    items(t)
    t.sql("CREATE TABLE loc (id bigint PRIMARY KEY, z integer); INSERT INTO loc SELECT g, g FROM generate_series(1, 4) g")
    first, second = t.session(), t.session()
    for sql, expected in (("UPDATE loc SET z = z + qty FROM items WHERE items.id = loc.id AND loc.id = 1 RETURNING z, to_jsonb(items) ->> 'name'", "111|one"),
                          ("SELECT z, name FROM loc LEFT JOIN items USING (id) WHERE id = 1 AND z < 1000 FOR UPDATE OF loc", "211|one"),
                          ("DELETE FROM loc USING items x JOIN items y USING (id) WHERE x.id = loc.id AND loc.id = 1 AND z > 100 RETURNING z, to_jsonb(y) ->> 'qty'", "311|10")):
        first.run("BEGIN; UPDATE loc SET z = z + 100 WHERE id = 1")
        second.send(sql)
        until(lambda: t.value(f"SELECT wait_event_type FROM pg_stat_activity WHERE pid = {second.pid}") == "Lock", "the other session waits")
        first.run("COMMIT")
        assert second.wait().out.strip() == expected, sql


def rows_of(path, query):
    db = sqlite3.connect(path)
    try:
        return db.execute(query).fetchall()
    finally:
        db.close()


def test_a_killed_backend_leaves_the_file_whole(t):
    t.crash_expected = True
    path = items(t)
    s = t.session()
    s.run("CREATE TABLE loc (id int); BEGIN; INSERT INTO loc VALUES (1); INSERT INTO items SELECT g, repeat('x', 500), 1, 1 FROM generate_series(10, 20000) g; UPDATE items SET qty = 7")
    position = t.server.log_size()
    os.kill(s.pid, 9)
    t.server.wait_until_restarted(position)
    assert lines("SELECT count(*), sum(qty) FROM items", t) == ["4|70"]
    assert rows_of(path, "PRAGMA integrity_check") == [("ok",)]


def test_a_file_damaged_while_it_is_read(t):
    path = t.file("b.db", "CREATE TABLE big (id INTEGER PRIMARY KEY, t TEXT); WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 60000)"
                          "INSERT INTO big SELECT i, 'row number ' || i || ' of a table that is longer than the cache' FROM n")
    server(t, "b", path, ", updatable 'true'")
    t.sql("CREATE FOREIGN TABLE big (id bigint, t text) SERVER b")
    whole = path.read_bytes()
    s = t.session()
    for damage in (whole[:len(whole) // 2], whole[:80000] + random.Random(7).randbytes(len(whole) - 80000)):
        s.run("BEGIN; DECLARE c CURSOR FOR SELECT * FROM big; FETCH 1 FROM c")
        with open(path, "r+b") as file:
            file.write(damage)
            file.truncate(len(damage))
        with fails("XX001", "b.db"):
            s.run("MOVE ALL FROM c")
        s.run("ROLLBACK")
        for sql in ("SELECT max(t COLLATE \"C\") FROM big", "UPDATE big SET t = t || 'x'", "UPDATE big SET t = md5(t) WHERE random() >= 0", "ANALYZE big", "DELETE FROM big WHERE length(t) > 1"):
            with fails("XX001", "b.db"):
                s.run(sql)
        with open(path, "r+b") as file:
            file.write(whole)
            file.truncate(len(whole))
        t.own(path)
        s.run("SELECT pg_sqlite_fdw_disconnect_all()")  # its cache holds pages of the damaged file
        assert s.run("SELECT count(*), max(length(t)) FROM big").out.startswith("60000|")


def test_triggers_that_raise(t):
    """ABORT and FAIL undo the statement, IGNORE leaves a row out, ROLLBACK loses the transaction: nothing commits by half."""
    actions = "".join(f"CREATE TRIGGER on_{a} BEFORE INSERT ON g WHEN NEW.m = '{a}' BEGIN SELECT RAISE({a}, 'no'); END;" for a in ("ABORT", "FAIL", "ROLLBACK"))
    path = t.file("g.db", f"CREATE TABLE g (id INTEGER PRIMARY KEY, m TEXT); {actions} CREATE TRIGGER on_ig BEFORE INSERT ON g WHEN NEW.m = 'IGNORE' BEGIN SELECT RAISE(IGNORE); END")
    server(t, "g", path, ", updatable 'true'")
    t.sql("CREATE FOREIGN TABLE g (id bigint, m text) SERVER g")
    s = t.session()
    for action in ("ABORT", "FAIL", "ROLLBACK"):
        with fails("23000", "a trigger of SQLite file \".*g.db\" refused the change\nSQLite: no\\."):
            s.run(f"INSERT INTO g VALUES (1, 'ok'), (2, '{action}')")
        assert rows_of(path, "SELECT * FROM g") == []
    s.run("BEGIN; INSERT INTO g VALUES (1, 'ok'); SAVEPOINT s")
    with fails("23000", "a trigger of SQLite file \".*g.db\" refused the change\nSQLite: no\\."):
        s.run("INSERT INTO g VALUES (2, 'ROLLBACK')")
    s.run("ROLLBACK TO s")
    with fails("40000", "server \"g\" was rolled back"):
        s.run("SELECT count(*) FROM g")
    s.run("COMMIT")
    s.run("BEGIN; INSERT INTO g VALUES (1, 'ok'); SAVEPOINT s")
    with fails("23000", "a trigger of SQLite file \".*g.db\" refused the change\nSQLite: no\\."):
        s.run("INSERT INTO g VALUES (2, 'ABORT')")
    s.run("ROLLBACK TO s; INSERT INTO g VALUES (3, 'IGNORE'), (4, 'ok'); COMMIT")
    assert rows_of(path, "SELECT id FROM g ORDER BY id") == [(1,), (4,)]


@pytest.mark.parametrize("change", ["INSERT INTO g VALUES (1, '{')", "UPDATE g SET m = '['", "UPDATE g SET m = '[' || random()", "DELETE FROM g"])
def test_triggers_that_fail(t, change):
    """An error inside a trigger of the file is one of the change, not of a reader."""
    events = "".join(f"CREATE TRIGGER on_{e} AFTER {e} ON g BEGIN SELECT json('{{'); END;" for e in ("INSERT", "UPDATE", "DELETE"))
    server(t, "g", t.file("g.db", f"CREATE TABLE g (id INTEGER PRIMARY KEY, m TEXT); INSERT INTO g VALUES (7, 'kept'); {events}"), ", updatable 'true'")
    t.sql("CREATE FOREIGN TABLE g (id bigint, m text) SERVER g")
    with fails("38000", "could not change SQLite file \".*g.db\": malformed JSON"):
        t.sql(change)
    assert lines("SELECT m FROM g", t) == ["kept"]


@pytest.mark.parametrize("view,reason", [("SELECT * FROM gone", "no such table: main.gone"), ("SELECT own(id) AS x FROM g", "no such function: own"),
                                         ("SELECT y AS x FROM g", "no such column: y"), ("SELECT x COLLATE own AS x FROM v ORDER BY 1", "view v is circularly defined")])
def test_views_that_sqlite_cannot_read(t, view, reason):
    server(t, "g", t.file("g.db", f"CREATE TABLE g (id INTEGER PRIMARY KEY); CREATE VIEW v AS {view}"))
    t.sql("CREATE FOREIGN TABLE v (x bigint) SERVER g; CREATE FOREIGN TABLE gone (x bigint) SERVER g")
    for query in ("SELECT * FROM v", "ANALYZE v", "DELETE FROM v"):
        with fails("38000", f"SQLite cannot read view \"v\": {reason}", hint="file of server \"g\" lacks"):
            t.sql(query)
    with fails("HV00R", "table \"gone\" does not exist in the SQLite file"):
        t.sql("SELECT * FROM gone")


def test_expressions_without_end(t):
    """Depth and length end in an answer or in the server's own limits."""
    items(t)
    make = "DO $$DECLARE x text := '{}'; n bigint; BEGIN FOR i IN 1..{} LOOP x := {}; END LOOP; EXECUTE 'SELECT count(*) FROM items WHERE ' || x || '{}' INTO n; END$$"
    for start, count, step, end in (("id", 10000, "x || '+1'", " > 5"), ("id = 1", 10000, "x || ' OR id = ' || i", ""), ("id", 3000, "'abs(' || x || ')'", " = 1"),
                                    ("id = 1", 3000, "'CASE WHEN ' || x || ' THEN qty IS NULL ELSE false END'", ""), ("id = 1", 900, "'coalesce((' || x || '), true) IS TRUE'", "")):
        result = t.attempt(make.format(start, count, step, end))
        assert not result.error or result.failed("54001", "stack depth limit exceeded"), start
    t.sql("DO $$DECLARE x text; BEGIN SELECT string_agg(g::text, ',') INTO x FROM generate_series(1, 100000) g; EXECUTE 'SELECT FROM items WHERE id IN (' || x || ')'; END$$")
    assert lines("SELECT count(*) FROM items WHERE id = ANY ((SELECT array_agg(g) FROM generate_series(1, 1000000) g)::bigint[])", t) == ["4"]
    joins = " ".join(f"JOIN items i{n} ON i{n}.id = i0.id" for n in range(1, 80))
    assert lines(f"SELECT count(*) FROM items i0 {joins}", t) == ["4"]


def test_savepoints_while_a_shipped_change_is_read(t):
    """RETURNING calls a function that writes to the same file in subtransactions, kept and undone."""
    path = items(t)
    t.sql("CREATE FUNCTION f(i bigint) RETURNS text LANGUAGE plpgsql AS $$BEGIN INSERT INTO items VALUES (i + 10, 'f', 0, 0); IF i % 2 = 0 THEN RAISE 'even'; END IF; RETURN 'kept';"
          "EXCEPTION WHEN raise_exception THEN RETURN 'undone'; END$$")
    update, delete = "UPDATE items SET qty = 7 - qty WHERE id <= 3 RETURNING id, qty, f(id)", "DELETE FROM items WHERE id IN (3, 4) RETURNING f(id + 20)"
    for shipped in (update, delete):
        plan = t.sql(f"EXPLAIN {shipped}").out
        assert "Foreign Update" in plan or "Foreign Delete" in plan, plan
    assert lines(update, t) == ["1|-3|kept", "2|-13|undone", "3||kept"]
    assert rows_of(path, "SELECT id, qty FROM items ORDER BY id") == [(1, -3), (2, -13), (3, None), (4, 40), (11, 0), (13, 0)]
    assert lines(delete, t) == ["kept", "undone"]
    assert rows_of(path, "SELECT id FROM items ORDER BY id") == [(1,), (2,), (11,), (13,), (33,)]
    t.sql("DO $$DECLARE n bigint; BEGIN UPDATE items SET qty = 7 WHERE id < 20; GET DIAGNOSTICS n = ROW_COUNT; IF n <> 4 THEN RAISE '%', n; END IF; END$$")


def test_what_was_undone_was_not_written(t):
    """A scan starts again after its query has changed the table, and has undone that: there is nothing that it must not see."""
    path = items(t)
    t.sql("CREATE FUNCTION f(i bigint, how text) RETURNS text LANGUAGE plpgsql AS $$BEGIN BEGIN INSERT INTO items VALUES (i + 10, 'f', 0, 0); IF how = 'undo' THEN RAISE 'no'; END IF;"
          "EXCEPTION WHEN raise_exception THEN RETURN 'undone'; END; RETURN 'kept'; END$$")
    query = "SELECT f(i, '{}'), (SELECT name FROM items WHERE id = i AND random() >= 0) FROM generate_series(1, 3) i"
    assert lines(query.format("undo"), t) == ["undone|one", "undone|two", "undone|three"]
    with fails("0A000", "again"):
        t.sql(query.format("keep"))
    # What an outer level has written stays written when an inner one is undone.
    outer = "SELECT CASE i WHEN 1 THEN f(i, 'keep') END, f(i + 50, 'undo'), (SELECT name FROM items WHERE id = i AND random() >= 0) FROM generate_series(1, 3) i"
    with fails("0A000", "again"):
        t.sql(outer)
    assert rows_of(path, "SELECT count(*) FROM items") == [(4,)]


def test_a_file_that_is_gone_when_it_is_to_be_changed(t):
    """A file is opened anew for its first change; where that fails, the transaction still ends in order."""
    path = t.file("v.db", ITEMS)
    server(t, "v", path, "")
    t.sql(f"CREATE FOREIGN TABLE seen {COLUMNS} SERVER v OPTIONS (table 'items'); CREATE FOREIGN TABLE changed {COLUMNS} SERVER v OPTIONS (table 'items', updatable 'true')")
    s, away = t.session(), path.with_suffix(".away")
    s.run("BEGIN; DECLARE c CURSOR FOR SELECT id FROM seen; FETCH 1 FROM c")
    path.rename(away)
    with fails("58P01", "v.db\" does not exist"):
        s.run("UPDATE changed SET qty = 1")
    s.run("ROLLBACK")
    away.rename(path)
    for expected in (4, 5):
        assert s.value("SELECT count(*) FROM seen") == str(expected)
        db = sqlite3.connect(path)
        db.execute("INSERT INTO items (name) VALUES ('more')")
        db.commit()
        db.close()
    s.run("UPDATE changed SET qty = 1")
