"""Plans that live long, scans that start again, files that go away: no crash, no leak, the right answer or an ERROR."""

import os
import shutil
import sqlite3
import time

import fdw_db
import fdw_ways
import real_files
from client import fails
from harness import ident, quote, shared, until

ROWS = 3000


def numbers(t, name="n.db", wal=False, rows=ROWS):
    """A server `nums` with tables a and b, which share keys."""
    path = t.file(name, f"""
        {'PRAGMA journal_mode = wal;' if wal else ''}
        CREATE TABLE a (id INTEGER PRIMARY KEY, k INTEGER, t TEXT); CREATE INDEX a_k ON a (k);
        CREATE TABLE b (id INTEGER PRIMARY KEY, a INTEGER, t TEXT); CREATE INDEX b_a ON b (a);
        WITH RECURSIVE g (n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM g WHERE n < {rows}) INSERT INTO a SELECT n, n % 100, 't' || n FROM g;
        INSERT INTO b SELECT id, (id * 7) % {rows} + 1, 'b' || id FROM a;""")
    fdw_ways.server(t, "nums", path)
    t.sql("CREATE FOREIGN TABLE a (id bigint, k integer, t text) SERVER nums; CREATE FOREIGN TABLE b (id bigint, a bigint, t text) SERVER nums")
    return path


def big(t):
    path = t.dir / "big.db"
    fdw_db.build_big(path)
    t.own(path)
    fdw_ways.server(t, "bigs", path)
    t.sql("CREATE FOREIGN TABLE big (id bigint, k bigint, t text, r float8, ms timestamptz OPTIONS (format 'unixepoch_ms')) SERVER bigs;"
          "CREATE FOREIGN TABLE other (id bigint, k bigint, big bigint, t text) SERVER bigs")
    return path


def steady(session, directory, work, warm=3, times=10, room=6 << 20):
    """Runs `work` again and again: descriptors, memory contexts and private memory stay as they are."""
    contexts = "SELECT sum(used_bytes) FROM pg_backend_memory_contexts"
    for _ in range(warm):
        work()
    before = (len(os.listdir(f"/proc/{session.pid}/fd")), int(session.run(contexts).out), session.private_memory())
    for _ in range(times):
        work()
    after = (len(os.listdir(f"/proc/{session.pid}/fd")), int(session.run(contexts).out), session.private_memory())
    assert after[0] <= before[0] + 1, f"descriptors: {before[0]} to {after[0]}"
    assert after[1] <= before[1] + (512 << 10), f"memory contexts: {before[1]} to {after[1]} bytes"
    assert after[2] <= before[2] + room, f"private memory: {before[2]} to {after[2]} bytes"
    assert len(session.open_files(directory)) <= 8, session.open_files(directory)


def test_generic_plans(t):
    """The same plan, executed 20 times with other parameters; NULL and missing keys among them."""
    numbers(t)
    s = t.session()
    s.run("SET plan_cache_mode = force_generic_plan; PREPARE p (bigint) AS SELECT t FROM a WHERE id = $1;"
          "PREPARE q (int, text) AS SELECT count(*) FROM a WHERE k = $1 AND t <> $2; PREPARE r (int[]) AS SELECT count(*) FROM a WHERE k = ANY ($1);"
          "PREPARE l (bigint, bigint) AS SELECT id FROM a ORDER BY id LIMIT $1 OFFSET $2; PREPARE n (bigint) AS SELECT count(*) FROM a WHERE id = $1 OR $1 IS NULL;"
          "PREPARE j (bigint) AS SELECT b.t FROM a JOIN b ON b.a = a.id WHERE a.id = $1")
    for n in range(20):
        assert s.value(f"EXECUTE p ({n + 1})") == f"t{n + 1}"
        assert s.run("EXECUTE p (NULL)").out == "" and s.run("EXECUTE p (-5)").out == ""
        assert s.value(f"EXECUTE q ({n}, 't{n}')") == str(30 - (n > 0))
        assert s.value(f"EXECUTE r ('{{{n},{n + 1},NULL}}')") == "60"
        assert s.run(f"EXECUTE l (2, {n})").out.split() == [str(n + 1), str(n + 2)]
        assert s.value(f"EXECUTE n ({n + 1})") == "1" and s.value("EXECUTE n (NULL)") == str(ROWS)
        assert s.value(f"EXECUTE j ({n * 7 % ROWS + 1})") == (f"b{n}" if n else f"b{ROWS}")
    s.run("EXECUTE l (NULL, NULL)")
    with fails("2201W", "LIMIT must not be negative"):
        s.run("EXECUTE l (-1, 0)")
    with fails("2201X", "OFFSET must not be negative"):
        s.run("EXECUTE l (1, -1)")
    s.run("EXECUTE r (NULL)")
    steady(s, t.dir, lambda: [s.run(f"EXECUTE p ({n})") for n in range(20)])


def test_arrays_of_doubles_and_bytes_and_far_times_as_parameters(t):
    path = t.file("p.db", """CREATE TABLE p (id INTEGER PRIMARY KEY, r REAL, b BLOB, ts INTEGER); CREATE INDEX p_ts ON p (ts);
        INSERT INTO p VALUES (1, 1.5, x'01', 1700000000000000), (2, 0.1, x'02', 5), (3, -9e999, x'', NULL);""")
    fdw_ways.server(t, "params", path)
    t.sql("CREATE FOREIGN TABLE p (id bigint, r float8, b bytea, ts timestamptz OPTIONS (format 'unixepoch_us')) SERVER params")
    generic = "SET plan_cache_mode = force_generic_plan; PREPARE q ({}[]) AS SELECT id FROM p WHERE {} = ANY ($1) ORDER BY id; "
    assert t.sql(generic.format("float8", "r") + "EXECUTE q ('{0.1,NaN,-Infinity,NULL}')").out.split() == ["2", "3"]
    assert t.sql(generic.format("bytea", "b") + r"EXECUTE q (ARRAY['\x01', '\x', NULL]::bytea[])").out.split() == ["1", "3"]
    assert t.value("SELECT count(*) FROM p WHERE ts < '294276-12-31 23:59:59+00'") == "2"


def test_plpgsql(t):
    numbers(t)
    t.sql("""CREATE FUNCTION look_up(key bigint) RETURNS text LANGUAGE plpgsql AS $$
                 DECLARE said text; BEGIN SELECT t INTO said FROM a WHERE id = key; RETURN said; END $$;
             CREATE FUNCTION total(bucket int) RETURNS bigint LANGUAGE plpgsql AS $$
                 DECLARE r record; n bigint := 0; BEGIN FOR r IN SELECT id FROM a WHERE k = bucket LOOP n := n + r.id; END LOOP; RETURN n; END $$;
             CREATE FUNCTION first(bucket int) RETURNS bigint LANGUAGE plpgsql AS $$
                 DECLARE r record; BEGIN FOR r IN SELECT id FROM a WHERE k >= bucket ORDER BY id LOOP RETURN r.id; END LOOP; END $$;
             CREATE FUNCTION failing(n int) RETURNS int LANGUAGE plpgsql AS $$ DECLARE r record; BEGIN
                 FOR r IN SELECT id FROM a LOOP IF r.id > n THEN RAISE division_by_zero; END IF; END LOOP; RETURN 0;
                 EXCEPTION WHEN division_by_zero THEN RETURN n; END $$""")
    s = t.session()
    for mode in ("auto", "force_generic_plan", "force_custom_plan"):
        s.run(f"SET plan_cache_mode = {mode}")
        for n in range(1, 21):
            assert s.value(f"SELECT look_up({n})") == f"t{n}"
            assert s.value(f"SELECT total({n})") == str(sum(range(n, ROWS + 1, 100)))
            assert s.value(f"SELECT first(0), failing({n})") == f"1|{n}"
    assert s.value("SELECT count(look_up(g)) FROM generate_series(1, 2000) g") == "2000"
    steady(s, t.dir, lambda: s.run("SELECT sum(total(g)), count(look_up(g)), sum(failing(g)) FROM generate_series(1, 40) g"))


def test_cursors(t):
    numbers(t)
    s = t.session()
    said = s.run("BEGIN; DECLARE c SCROLL CURSOR FOR SELECT id FROM a ORDER BY id; FETCH 3 FROM c; FETCH BACKWARD 2 FROM c; FETCH LAST FROM c; FETCH FIRST FROM c;"
                 "FETCH ABSOLUTE 5 FROM c; FETCH RELATIVE -2 FROM c; COMMIT").out.split()
    assert said == ["1", "2", "3", "2", "1", str(ROWS), "1", "5", "3"], said
    said = s.run("BEGIN; DECLARE h CURSOR WITH HOLD FOR SELECT id FROM a WHERE k = 1 ORDER BY id; FETCH 1 FROM h; COMMIT; FETCH 2 FROM h; CLOSE h").out.split()
    assert said == ["1", "101", "201"], said
    # Unsorted, without scroll: the scan itself is open when the transaction ends.
    for end in ("ROLLBACK", "COMMIT"):
        s.run(f"BEGIN; DECLARE c CURSOR FOR SELECT id FROM a; FETCH 5 FROM c; DECLARE d CURSOR FOR SELECT id FROM b; FETCH 1 FROM d; {end}")
    with fails("22012", "division by zero"):
        s.run("BEGIN; DECLARE c CURSOR FOR SELECT id FROM a; FETCH 5 FROM c; SELECT 1 / 0")
    s.run("ROLLBACK; SELECT count(*) FROM a")
    said = s.run("BEGIN; SAVEPOINT s; DECLARE c CURSOR FOR SELECT id FROM a ORDER BY id; FETCH 2 FROM c; ROLLBACK TO s; SELECT count(*) FROM a; COMMIT").out.split()
    assert said == ["1", "2", str(ROWS)], said
    said = s.run("BEGIN; DECLARE c CURSOR FOR SELECT id FROM a ORDER BY id; FETCH 1 FROM c; SAVEPOINT s; FETCH 1 FROM c; ROLLBACK TO s; FETCH 1 FROM c; COMMIT").out.split()
    assert said[:2] == ["1", "2"], said
    steady(s, t.dir, lambda: s.run("BEGIN; DECLARE c CURSOR FOR SELECT id FROM a; FETCH 5 FROM c; ROLLBACK"))


def test_rescans(t):
    """Nested loops, LATERAL and correlated subqueries start the inner scan again with other parameters."""
    numbers(t, rows=400)
    t.sql("CREATE TABLE la AS SELECT * FROM a; CREATE TABLE lb AS SELECT * FROM b; ANALYZE la; ANALYZE lb")
    queries = ["SELECT count(*), sum(x.id), sum(y.id) FROM {a} x JOIN {b} y ON y.a = x.id", "SELECT count(*) FROM {a} x JOIN {b} y ON y.a = x.k",
               "SELECT x.id, y.t FROM {a} x, LATERAL (SELECT t FROM {b} y WHERE y.a = x.id ORDER BY y.id LIMIT 1) y ORDER BY 1, 2",
               "SELECT id, (SELECT max(t) FROM {b} y WHERE y.a = x.id) FROM {a} x ORDER BY 1", "SELECT id FROM {a} x WHERE k = (SELECT count(*) FROM {b} y WHERE y.a = x.k) ORDER BY 1",
               "SELECT x.id, y.id FROM {a} x LEFT JOIN {b} y ON y.a = x.id AND y.id > x.id ORDER BY 1, 2",
               "SELECT v.n, x.t FROM (VALUES (1), (NULL), (5), (1), (99999)) v (n) LEFT JOIN {a} x ON x.id = v.n ORDER BY 1, 2",
               "SELECT count(*) FROM {a} x WHERE EXISTS (SELECT 1 FROM {b} y WHERE y.a = x.id AND y.t < x.t COLLATE \"C\")",
               "SELECT x.id FROM {a} x WHERE x.k IN (SELECT y.id % 100 FROM {b} y WHERE y.a < x.id) ORDER BY 1"]
    expected = [t.value(query.format(a="la", b="lb")) for query in queries]
    for settings in ("SET enable_hashjoin = off; SET enable_mergejoin = off;", "SET enable_hashjoin = off; SET enable_mergejoin = off; SET enable_material = off; SET enable_memoize = off;",
                     "SET enable_nestloop = off;", "SET pg_sqlite_migrate.pushdown = off; SET enable_hashjoin = off; SET enable_mergejoin = off; SET enable_material = off;"):
        for query, rows in zip(queries, expected):
            for a, b in (("a", "b"), ("la", "b"), ("a", "lb")):
                assert t.value(settings + query.format(a=a, b=b)) == rows, (settings, a, b, query)
    s = t.session()
    s.run("SET enable_hashjoin = off; SET enable_mergejoin = off; SET enable_material = off")
    steady(s, t.dir, lambda: s.run(queries[0].format(a="la", b="b")))


def test_200_failures_in_a_row(t):
    numbers(t)
    bad = t.file("bad.db", fdw_db.INVALID_VALUES)
    fdw_ways.server(t, "bads", bad)
    t.sql("CREATE FOREIGN TABLE bad_int (id bigint, n bigint) SERVER bads; CREATE FOREIGN TABLE none (a text) SERVER nums;"
          "CREATE FOREIGN TABLE wrong (id bigint, nothing text) SERVER nums OPTIONS (table 'a')")
    misfit, zero, closed = ("22P02", 'column "n" of table "bad_int"'), ("22012", "division by zero"), ("55000", '"a" is read-only')
    failures = [("SELECT n FROM bad_int", misfit), ("SELECT * FROM none", ("HV00R", 'table "none" does not exist')),
                ("SELECT nothing FROM wrong", ("HV005", 'column "nothing" of table "a" does not exist')), ("SELECT 1 / (k - 50) FROM a", zero),
                ("SELECT a.id FROM a, bad_int WHERE n > 0 AND a.id = n", misfit), ("SELECT sum(n) FROM bad_int", misfit),
                ("INSERT INTO a VALUES (1)", closed), ("SELECT id FROM a ORDER BY id LIMIT -1", ("2201W", "LIMIT must not be negative")),
                ("SELECT id / (id - 2900) FROM a", zero), ("UPDATE a SET k = 1", closed)]
    s = t.session()

    def storm(savepoints):
        s.run("BEGIN" if savepoints else "SELECT 1")
        for n in range(200):
            if savepoints:
                s.run(f"SAVEPOINT s{n}")
            sql, failure = failures[n % len(failures)]
            with fails(*failure):
                s.run(sql)
            if savepoints:
                s.run(f"ROLLBACK TO s{n}")
                if n % 20 == 0:
                    assert s.value("SELECT count(*) FROM a") == str(ROWS)
        s.run("COMMIT" if savepoints else "SELECT 1")
    for savepoints in (True, False):
        steady(s, t.dir, lambda: storm(savepoints), warm=1, times=2)
    assert s.value("SELECT count(*) FROM a") == str(ROWS)


def test_long_scans_do_not_grow(t):
    """Memory per tuple is given back: the whole of 100,000 rows in the same few megabytes."""
    big(t)
    s = t.session()
    for query in ("SELECT count(t), sum(length(t)), max(ms) FROM big WHERE random() >= 0", "SELECT count(*) FROM big JOIN other ON other.big = big.id",
                  "SELECT count(*) FROM (SELECT t, ms, r FROM big OFFSET 0) x"):
        steady(s, t.dir, lambda: s.run(query), warm=1, times=2, room=16 << 20)


def test_definitions_change_between_executions(t):
    numbers(t)
    other = t.file("o.db", "CREATE TABLE a (id INTEGER PRIMARY KEY, k INTEGER, t TEXT); INSERT INTO a VALUES (1, 1, 'other'); CREATE TABLE c (id INTEGER, k TEXT, t TEXT);"
                           "INSERT INTO c VALUES (5, '6', 'c')")
    s = t.session()
    s.run("SET plan_cache_mode = force_generic_plan; PREPARE p AS SELECT t FROM a WHERE id = 1; PREPARE w AS SELECT * FROM a WHERE id < 6 ORDER BY id LIMIT 1")
    assert s.value("EXECUTE p") == "t1"
    t.sql(f"ALTER SERVER nums OPTIONS (SET database {quote(str(other))})")
    assert s.value("EXECUTE p") == "other"
    t.sql("ALTER FOREIGN TABLE a OPTIONS (ADD table 'c')")
    assert s.value("EXECUTE p") == ""
    assert s.value("EXECUTE w") == "5|6|c"
    t.sql("ALTER FOREIGN TABLE a ALTER COLUMN t OPTIONS (ADD column_name 'k')")
    assert s.value("EXECUTE w") == "5|6|6"
    t.sql("ALTER FOREIGN TABLE a DROP COLUMN k, ADD COLUMN k2 text OPTIONS (column_name 't')")
    with fails("0A000", "result type"):
        s.run("EXECUTE w")
    assert s.value("SELECT * FROM a") == "5|6|c"
    s.run("BEGIN; DECLARE c CURSOR FOR SELECT * FROM a; FETCH 1 FROM c")
    with fails("55006", "being used by active queries"):
        s.run("DROP FOREIGN TABLE a")
    s.run("ROLLBACK")
    s.run("SELECT * FROM a")
    assert s.value("SELECT server_name, valid FROM pg_sqlite_fdw_get_connections()") == "nums|t"
    t.sql("ALTER SERVER nums OPTIONS (ADD busy_timeout '1000')")
    assert s.value("SELECT valid FROM pg_sqlite_fdw_get_connections()") in ("f", "")
    assert s.value("SELECT count(*) FROM pg_sqlite_fdw_get_connections()") == "0"
    s.run("SELECT * FROM a")
    t.sql("DROP SERVER nums CASCADE")
    with fails("42P01", "relation \"a\" does not exist"):
        s.run("EXECUTE p")
    until(lambda: s.run("SELECT 1") and not s.open_files(t.dir), "a dropped server's file is closed", 5)


def test_the_file_changes_its_tables(t):
    path = numbers(t)
    s = t.session()
    s.run("SET plan_cache_mode = force_generic_plan; PREPARE p AS SELECT k, t FROM a WHERE id = 2")
    assert s.value("EXECUTE p") == "2|t2"
    db = sqlite3.connect(path, isolation_level=None)
    db.execute("ALTER TABLE a ADD COLUMN more TEXT")
    db.execute("DROP INDEX a_k")
    assert s.value("EXECUTE p") == "2|t2"
    db.execute("ALTER TABLE a RENAME COLUMN k TO kk")
    with fails("HV005", 'column "k" of table "a" does not exist', hint="import the table again"):
        s.run("EXECUTE p")
    db.execute("DROP TABLE a")
    with fails("HV00R", 'table "a" does not exist', hint='option "table"'):
        s.run("EXECUTE p")
    db.execute("CREATE TABLE a (t TEXT, k INTEGER, id INTEGER)")
    db.execute("INSERT INTO a VALUES ('new', 9, 2)")
    assert s.value("EXECUTE p") == "9|new"
    db.execute("DROP TABLE a")
    db.execute("CREATE VIEW a AS SELECT 2 AS id, 4 AS k, 'view' AS t")
    with fails("0A000", "changed since the query was planned", hint="again"):
        s.run("EXECUTE p")
    assert s.value("EXECUTE p") == "4|view"
    db.close()


def test_the_file_is_replaced_deleted_and_back(t):
    path = numbers(t)
    s = t.session()
    assert s.value("SELECT count(*) FROM a") == str(ROWS)
    new = t.file("new.db", "CREATE TABLE a (id INTEGER PRIMARY KEY, k INTEGER, t TEXT); INSERT INTO a VALUES (1, 2, 'replaced');")
    os.rename(new, path)
    assert s.value("SELECT t FROM a") == "replaced"
    shutil.move(path, t.dir / "away.db")
    with fails("58P01", "n.db\" does not exist"):
        s.run("SELECT t FROM a")
    path.write_text("not a database at all, but long enough to be read as one" * 100)
    t.own(path)
    with fails("22P03", "n.db\" is not a SQLite database"):
        s.run("SELECT t FROM a")
    os.rename(t.dir / "away.db", path)
    assert s.value("SELECT t FROM a") == "replaced"
    # While a scan is open on the old file, it is read to its end.
    said = s.value("BEGIN; DECLARE c CURSOR FOR SELECT t FROM a; FETCH 1 FROM c")
    os.unlink(path)
    s.run("FETCH 1 FROM c")
    s.run("COMMIT")
    assert said == "replaced"
    steady(s, t.dir, lambda: s.attempt("SELECT t FROM a").failed("58P01", "does not exist"))


def test_a_locked_file(t):
    path = numbers(t)
    t.sql("ALTER SERVER nums OPTIONS (ADD busy_timeout '200')")
    db = sqlite3.connect(path, isolation_level=None)
    s = t.session()
    s.run("SELECT count(*) FROM a")
    db.execute("BEGIN EXCLUSIVE")
    for _ in range(3):
        with fails("55P03", f"process {os.getpid()}, a writer, holds an exclusive lock"):
            s.run("SELECT count(*) FROM a")
    t.sql("ALTER SERVER nums OPTIONS (SET busy_timeout '60000')")
    s.run("SET statement_timeout = '300ms'")
    with fails("57014", "statement timeout"):
        s.run("SELECT count(*) FROM a")
    db.execute("COMMIT")
    assert s.value("SELECT count(*) FROM a") == str(ROWS)
    # We release our lock when the statement is over: the program may write.
    db.execute("PRAGMA busy_timeout = 2000")
    db.execute("UPDATE a SET k = k + 1")
    s.run("BEGIN; SELECT count(*) FROM a")
    db.execute("UPDATE a SET k = k + 1")
    s.run("COMMIT")
    with fails("22012", "division by zero"):
        s.run("SELECT 1 / (id - 5) FROM a")
    db.execute("UPDATE a SET k = k + 1")
    db.close()


def test_snapshots(t):
    """Two tables in one query agree; READ COMMITTED sees the next statement's rows, REPEATABLE READ does not."""
    path = numbers(t, wal=True)
    db = sqlite3.connect(path, isolation_level=None)
    # The application is connected from the start: a file without its -wal would be read as immutable, and the first
    # write would be a serialization failure.
    db.execute("SELECT count(*) FROM a").fetchall()
    for suffix in ("-wal", "-shm"):
        t.own(t.dir / ("n.db" + suffix))
    s = t.session()
    both = "SELECT (SELECT count(*) FROM a), (SELECT count(*) FROM b)"
    for pushdown in ("on", "off"):
        s.run(f"SET pg_sqlite_migrate.pushdown = {pushdown}")
        for n in range(30):
            s.send(both)
            db.executescript("BEGIN; INSERT INTO a (k) VALUES (1); INSERT INTO b (a) VALUES (1); COMMIT;")
            a, b = s.wait().out.strip().split("|")
            assert a == b, (pushdown, n, a, b)
    s.run("BEGIN ISOLATION LEVEL READ COMMITTED")
    first = int(s.run("SELECT count(*) FROM a").out)
    db.execute("INSERT INTO a (k) VALUES (2)")
    assert int(s.run("SELECT count(*) FROM a").out) == first + 1
    s.run("COMMIT; BEGIN ISOLATION LEVEL REPEATABLE READ")
    first = int(s.run("SELECT count(*) FROM a").out)
    db.executescript("INSERT INTO a (k) VALUES (2); INSERT INTO b (a) VALUES (2);")
    assert int(s.run("SELECT count(*) FROM a").out) == first
    assert s.value("SELECT count(*) FROM b WHERE a = 2 AND t IS NULL") == "0"
    with fails("22012", "division by zero"):
        s.run("SAVEPOINT x; SELECT 1 / 0")
    s.run("ROLLBACK TO x")
    assert int(s.run("SELECT count(*) FROM a").out) == first
    s.run("COMMIT")
    assert int(s.run("SELECT count(*) FROM a").out) == first + 1
    db.close()


def test_malformed_files(t):
    """Damaged files as servers: an ERROR or rows, never a crash."""
    session, read = t.session(), 0
    session.run("SET statement_timeout = '10s'; SET client_min_messages = error")
    for name in real_files.MALFORMED:
        path = t.copy_of(shared("data", "malformed", f"{name}.db"))
        session.run(f"CREATE SERVER m{name} FOREIGN DATA WRAPPER pg_sqlite_fdw OPTIONS (database {quote(str(path))}); CREATE SCHEMA m{name}")
        said = [session.attempt(f"IMPORT FOREIGN SCHEMA main FROM SERVER m{name} INTO m{name} OPTIONS (names 'preserve')")]
        for (table,) in session.run(f"SELECT oid::regclass FROM pg_class WHERE relnamespace = 'm{name}'::regnamespace AND relkind = 'f' LIMIT 6").rows:
            said += [session.attempt(f"SELECT count(*) FROM (SELECT * FROM {table} OFFSET 0) x"), session.attempt(f"SELECT count(*) FROM {table}")]
        wrong = [result for result in said if result.sqlstate in ("XX000", "08006")]
        assert not wrong, (name, wrong)
        read += sum(not result.error for result in said[1:])
    assert read > 20, "hardly a table could be read"


def test_cancels(t):
    """A pushed-down cross join of 100,000 by 100,000 ends soon after it is told to."""
    big(t)
    endless = "SELECT count(*) FROM big x, other y WHERE x.t || y.t = 'nothing'"
    plan = t.value("EXPLAIN (COSTS off) " + endless)
    assert "Nested Loop" not in plan, plan
    for sql in (endless, "SELECT x.id FROM big x, other y WHERE x.t || y.t = 'nothing'", "SELECT max(x.t || y.t) FROM big x, other y WHERE x.id <> y.id"):
        start = time.monotonic()
        with fails("57014", "statement timeout"):
            t.sql(f"SET statement_timeout = '300ms'; {sql}")
        assert time.monotonic() - start < 20, "far too late"
    s = t.session()
    for function, failure in (("pg_cancel_backend", ("57014", "due to user request")), ("pg_terminate_backend", ("08006", "due to administrator command"))):
        s.send(endless)
        until(lambda: t.value(f"SELECT count(*) FROM pg_stat_activity WHERE pid = {s.pid} AND state = 'active' AND query ~ 'big x'") == "1", "the query runs")
        t.sql(f"SELECT {function}({s.pid})")
        with fails(*failure):
            s.wait(30)
        if function == "pg_cancel_backend":
            assert s.value("SELECT count(*) FROM big") == "100000"
    until(lambda: t.value(f"SELECT count(*) FROM pg_stat_activity WHERE pid = {s.pid}") == "0", "the backend ends")


def test_functions(t):
    numbers(t)
    s = t.session()
    count = lambda: int(s.run("SELECT count(*) FROM pg_sqlite_fdw_get_connections()").out)  # noqa: E731
    assert count() == 0
    s.run("SELECT count(*) FROM a")
    assert count() == 1 and s.open_files(t.dir)
    assert s.value("SELECT pg_sqlite_fdw_disconnect('nums')") == "t"
    assert count() == 0 and not s.open_files(t.dir)
    assert s.value("SELECT pg_sqlite_fdw_disconnect('nums')") == "f"
    with fails("42704", "server \"nowhere\" does not exist"):
        s.run("SELECT pg_sqlite_fdw_disconnect('nowhere')")
    s.run("SELECT count(*) FROM a; SELECT pg_sqlite_fdw_disconnect_all()")
    assert count() == 0
    s.run("BEGIN; DECLARE c CURSOR FOR SELECT id FROM a ORDER BY id; FETCH 1 FROM c; SELECT pg_sqlite_fdw_disconnect('nums')")
    assert s.value("FETCH 1 FROM c") == "2"
    s.run("COMMIT")
    assert int(s.run("SELECT pg_sqlite_fdw_version()").out) > 0
    t.sql("ALTER SERVER nums OPTIONS (ADD keep_connections 'false')")
    s.run("SELECT count(*) FROM a")
    assert count() == 0 and not s.open_files(t.dir), "keep_connections 'false' closes with the transaction"


def test_analyze_and_plans(t):
    """ANALYZE samples; a nested loop pushes the key; EXPLAIN runs nothing and names what runs where."""
    numbers(t)
    t.sql("ANALYZE a; ANALYZE a (k)")
    assert t.value("SELECT n_distinct::int FROM pg_stats WHERE tablename = 'a' AND attname = 'k'") == "100"
    rows = float(t.value("SELECT reltuples FROM pg_class WHERE oid = 'a'::regclass"))
    assert ROWS * 0.8 <= rows <= ROWS * 1.2, rows
    t.sql("CREATE TABLE keys AS SELECT g * 100 AS id FROM generate_series(1, 5) g; ANALYZE keys")
    plan = t.value("EXPLAIN (VERBOSE, COSTS off) SELECT a.t FROM keys JOIN a USING (id)")
    assert "Nested Loop" in plan and "?1" in plan, plan
    plan = t.value("EXPLAIN (VERBOSE, COSTS off) SELECT id FROM a WHERE k = 1 AND md5(t) = 'x'")
    assert "Remote SQL" in plan and "Filter" in plan and "md5" in plan, plan
    plan = t.value("EXPLAIN (ANALYZE, COSTS off, TIMING off, SUMMARY off) SELECT id FROM a WHERE k = 1 ORDER BY id LIMIT 3")
    assert "actual rows=3" in plan and "Sort" not in plan, plan
    for form in ("json", "xml", "yaml"):
        assert "Remote SQL" in t.value(f"EXPLAIN (FORMAT {form}) SELECT id FROM a").replace("-", " "), form


def test_real_files(t):
    """Every table of every real file: the rows that SQLite counts."""
    files = [shared("data", f"{name}.db") for name in real_files.NAMES if name != "pgloader_bad_utf8"]
    wrong = []
    for n, source in enumerate(files):
        path = t.copy_of(source)
        fdw_ways.server(t, f"r{n}", path)
        made = t.attempt(f"CREATE SCHEMA r{n}; IMPORT FOREIGN SCHEMA main FROM SERVER r{n} INTO r{n} OPTIONS (names 'preserve', import_views 'false')")
        if made.sqlstate:
            wrong.append((source.name, made.sqlstate, made.message))
            continue
        db = sqlite3.connect(path)
        for row in t.rows(f"SELECT relname FROM pg_class WHERE relnamespace = 'r{n}'::regnamespace AND relkind = 'f'"):
            name = ident(row["relname"])
            try:
                expected = db.execute(f"SELECT count(*) FROM {name}").fetchone()[0]
            except sqlite3.Error:
                continue
            for query in (f"SELECT count(*) FROM (SELECT * FROM r{n}.{name} OFFSET 0) x", f"SELECT count(*) FROM r{n}.{name}"):
                result = t.attempt(query)
                if result.out.strip() != str(expected):
                    wrong.append((source.name, query, expected, result.out.strip(), result.sqlstate, result.message))
        db.close()
    assert not wrong, "\n".join(map(str, wrong[:30]))
