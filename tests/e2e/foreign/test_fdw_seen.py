"""A column whose every cell was seen to fit is read without tests, as long as the file is the same. After whatever changes the
file, a cell that does not fit is the error that it is with tests."""

import os
import re
import shutil
import sqlite3

import pytest

import fdw_ways
from client import fails

ROWS = 400
# Column and type in PostgreSQL, and a value that does not fit, of a file whose other cells fit.
COLUMNS = {"n": ("bigint", "'x'"), "i": ("integer", "3000000000"), "b": ("boolean", "2"), "r": ("float8", "'x'"), "y": ("bytea", "7"),
           "t": ("text COLLATE \"C\"", "CAST(x'ff' AS TEXT)"), "v": ("varchar(9)", "'longer than nine'"),
           "m": ("timestamptz OPTIONS (format 'unixepoch')", "'x'")}
# For each column a query that does not carry but compute.
ASKED = {"n": "sum(n)", "i": "sum(i)", "b": "bool_or(b)", "r": "count(r)", "y": "count(y)", "t": "sum(length(t))", "v": "count(v)", "m": "count(m)"}
FULL = "SELECT " + ", ".join(COLUMNS) + " FROM a"


def script(mode="delete", table="id INTEGER PRIMARY KEY, n INTEGER, i INTEGER, b BOOLEAN, r REAL, y BLOB, t TEXT, v TEXT, m INTEGER", tail=""):
    return f"""PRAGMA journal_mode = {mode}; CREATE TABLE a ({table}) {tail};
        WITH RECURSIVE g (k) AS (SELECT 1 UNION ALL SELECT k + 1 FROM g WHERE k < {ROWS})
        INSERT INTO a SELECT k, k * 3, k, k % 2, k / 7.0, x'00ff', 'text ' || k, 'v' || k, 1700000000 + k FROM g;
        INSERT INTO a (id) VALUES ({ROWS + 1});"""


def table(t, path, options="", of_table=""):
    columns = ", ".join(f"{name} {kind}" for name, (kind, _) in COLUMNS.items())
    fdw_ways.server(t, "s", path, options)
    t.sql(f"CREATE FOREIGN TABLE a (id bigint, {columns}) SERVER s OPTIONS (table 'a'{of_table})")


def is_tested(s, query):
    """Whether the query that has run for this tests cells."""
    plan = "\n".join(line for line, in s.run(f"EXPLAIN (ANALYZE, COSTS off, TIMING off, SUMMARY off) {query}").rows)
    assert "Remote SQL" in plan, plan
    return bool(re.search(r"typeof\(|pg_is_text\(", plan))


def query(column):
    return f"SELECT {ASKED[column]} FROM a"


def taught(s, columns=COLUMNS, by=FULL):
    """A session that knows that the cells fit, and what it says."""
    said = {column: s.value(query(column)) for column in columns}
    s.run(by)
    assert [column for column in columns if is_tested(s, query(column))] == []
    assert {column: s.value(query(column)) for column in columns} == said
    return said


def misfit(path, column):
    db = sqlite3.connect(path)
    db.execute(f"UPDATE a SET {column} = {COLUMNS[column][1]} WHERE id = {ROWS // 2}")
    db.commit()
    db.close()


def refused(s, column, prefix=""):
    """With tests, whatever was known before; a later statement does not know better."""
    for _ in range(2):
        with fails(("22P02", "22003"), f"value does not fit column \"{column}\" of table \"a\""):
            s.run(prefix + query(column))
        s.run("ROLLBACK")


def test_scans_aggregates_and_analyze_teach(t):
    table(t, t.file("a.db", script()))
    for teacher in (FULL, "ANALYZE a", ";".join(query(column) for column in COLUMNS), "SELECT count(x) FROM a x WHERE random() >= 0",
                    "DECLARE c CURSOR WITH HOLD FOR SELECT * FROM a; CLOSE c", "CREATE TEMP TABLE kept AS SELECT * FROM a"):
        s = t.session()
        assert [column for column in COLUMNS if not is_tested(s, query(column))] == [], "nothing is known before"
        s.close()
        s = t.session()
        s.run(teacher)
        assert [column for column in COLUMNS if is_tested(s, query(column))] == [], teacher
        s.close()


def test_what_does_not_see_every_cell_does_not_teach(t):
    path = t.file("a.db", script() + "CREATE INDEX a_n ON a (n);")
    misfit(path, "n")
    table(t, path)
    t.sql("CREATE FUNCTION fails_at(bigint) RETURNS bigint LANGUAGE plpgsql AS $$ BEGIN IF $1 > 50 THEN RAISE division_by_zero; END IF; RETURN $1; END $$")
    for part in ("SELECT n FROM a LIMIT 5", "SELECT n FROM a WHERE random() >= 0 LIMIT 5", "SELECT n FROM a WHERE id < 9", "SELECT min(n) FROM a",
                 "SELECT sum(n) FILTER (WHERE id < 9) FROM a", "SELECT n FROM a OFFSET 300", "SELECT count(*) FROM a", "SELECT i FROM a ORDER BY id LIMIT 7",
                 "BEGIN; DECLARE c CURSOR FOR SELECT n FROM a; FETCH 20 FROM c; COMMIT", "SELECT fails_at(n) FROM a", "ANALYZE a", FULL):
        s = t.session()
        s.attempt(part)
        s.run("ROLLBACK")
        assert is_tested(s, "SELECT count(n) FROM a WHERE id = 1"), part
        refused(s, "n")
        s.close()
    # The others are known.
    s = t.session()
    s.attempt("ANALYZE a")
    assert [column for column in COLUMNS if column != "n" and is_tested(s, query(column))] == []


def test_what_is_read_but_not_canonical_does_not_teach(t):
    """A real without a fraction, a text of digits, NULL in the place of what does not fit: they can be read, and SQLite cannot compute with them."""
    path = t.file("a.db", "CREATE TABLE a (id INTEGER PRIMARY KEY, n, t); INSERT INTO a VALUES (1, 1, 'a'), (2, 3.0, 'b'), (3, '7', 5);")
    fdw_ways.server(t, "s", path)
    t.sql("CREATE FOREIGN TABLE a (id bigint, n bigint, t text) SERVER s")
    s = t.session()
    for _ in range(2):
        s.run("SELECT * FROM a")
        s.run("ANALYZE a")
        assert s.value("SELECT sum(n) || ' ' || sum(length(t)) FROM a") == "11 3"
        assert is_tested(s, "SELECT sum(n) FROM a") and is_tested(s, "SELECT count(t) FROM a")
    misfit_path = t.file("b.db", script())
    misfit(misfit_path, "n")
    t.sql("DROP SERVER s CASCADE")
    table(t, misfit_path, of_table=", on_invalid 'null'")
    s = t.session()
    for _ in range(2):
        s.run("SELECT * FROM a")
        assert s.value("SELECT count(n) FROM a") == str(ROWS - 1)
        assert is_tested(s, query("n")) and not is_tested(s, query("i"))


def test_what_is_computed_anew_is_tested_always(t):
    path = t.file("a.db", """CREATE TABLE a (id INTEGER PRIMARY KEY, n INTEGER, twice INTEGER AS (n * 2) VIRTUAL, half INTEGER AS (n / 2) STORED);
        INSERT INTO a (id, n) VALUES (1, 1), (2, 5); CREATE VIEW w AS SELECT id, n, CASE WHEN strftime('%s') > 0 THEN n END AS k FROM a;
        CREATE VIRTUAL TABLE d USING fts5(body); INSERT INTO d VALUES ('word');""")
    fdw_ways.server(t, "s", path)
    t.sql("CREATE FOREIGN TABLE a (id bigint, n bigint, twice bigint, half bigint) SERVER s; CREATE FOREIGN TABLE w (id bigint, n bigint, k bigint) SERVER s;"
          "CREATE FOREIGN TABLE d (body text) SERVER s")
    s = t.session()
    for _ in range(2):
        s.run("SELECT * FROM a; SELECT * FROM w; SELECT * FROM d; ANALYZE a; ANALYZE w; ANALYZE d")
    for computed in ("SELECT sum(twice) FROM a", "SELECT sum(half) FROM a", "SELECT sum(n) FROM w", "SELECT sum(k) FROM w", "SELECT count(body) FROM d",
                     "SELECT sum(a.n) FROM a JOIN w ON a.id = w.n"):
        assert is_tested(s, computed), computed
    assert not is_tested(s, "SELECT sum(n) FROM a") and s.value("SELECT sum(twice) FROM a") == "12"


@pytest.mark.parametrize("kind", ("without rowid", "utf-16", "encoding"))
def test_other_files(t, kind):
    columns = list(COLUMNS)
    path = t.file("a.db", ("PRAGMA encoding = 'UTF-16le';" if kind == "utf-16" else "") + script(tail="WITHOUT ROWID" if kind == "without rowid" else ""))
    table(t, path)
    if kind == "utf-16":
        columns = [column for column in columns if column not in ("t", "v")]
    s = t.session()
    taught(s, columns)
    for column in columns:
        misfit(path, column)
        refused(s, column)
        db = sqlite3.connect(path)
        db.execute(f"UPDATE a SET {column} = NULL WHERE id = {ROWS // 2}")
        db.commit()
        db.close()


# How the file changes under a session that knows its columns. Each puts a cell into it that does not fit.

def by_a_program(t, path, column):
    misfit(path, column)


def by_a_program_and_back_in_time(t, path, column):
    """The time of the last write is not what tells."""
    before = os.stat(path)
    misfit(path, column)
    os.utime(path, ns=(before.st_atime_ns, before.st_mtime_ns))


def by_renaming(t, path, column):
    other = t.file("other.db", script())
    misfit(other, column)
    os.rename(other, path)


def by_copying(t, path, column):
    other = t.file("other.db", script())
    misfit(other, column)
    shutil.copyfile(other, path)


def by_deleting_and_vacuum(t, path, column):
    db = sqlite3.connect(path, isolation_level=None)
    db.executescript(f"DELETE FROM a WHERE id % 3 = 1; UPDATE a SET {column} = {COLUMNS[column][1]} WHERE id = 2; VACUUM")
    db.close()


def by_another_column(t, path, column):
    db = sqlite3.connect(path, isolation_level=None)
    db.executescript(f"ALTER TABLE a RENAME COLUMN {column} TO old; ALTER TABLE a ADD COLUMN {column} DEFAULT {COLUMNS[column][1].replace('CAST(x', 'x').replace(' AS TEXT)', '')};"
                     "ALTER TABLE a DROP COLUMN old")
    db.close()


CHANGES = (by_a_program, by_a_program_and_back_in_time, by_renaming, by_copying, by_deleting_and_vacuum)


@pytest.mark.parametrize("change", CHANGES)
@pytest.mark.parametrize("mode", ("delete", "wal"))
def test_what_others_write_is_tested_again(t, change, mode):
    for column in COLUMNS:
        t.sql("DROP SERVER IF EXISTS s CASCADE")
        path = t.file("a.db", script(mode))
        table(t, path)
        s = t.session()
        taught(s)
        change(t, path, column)
        assert is_tested(s, query("i" if column != "i" else "n")), (change.__name__, mode, column)
        refused(s, column)
        s.close()


@pytest.mark.parametrize("under_way", [False, True])
def test_a_copy_that_sqlite_does_not_notice(t, under_way):
    """Another file, copied over the one that is open, with the same change counter and size: its pages are read as they come.
    A query that is under way, and does not test, teaches nothing."""
    path = t.file("a.db", script())
    misfit(path, "i")
    misfit(path, "i")
    other = t.file("other.db", script())
    for column in ("n", "i"):
        misfit(other, column)
    db = sqlite3.connect(path)
    db.execute(f"UPDATE a SET i = 5 WHERE id = {ROWS // 2}")
    db.commit()
    misfit(other, "i")
    db.close()
    assert path.read_bytes()[24:40] == other.read_bytes()[24:40] and path.stat().st_size == other.stat().st_size
    table(t, path)
    s = t.session()
    taught(s)
    if under_way:
        s.run(f"BEGIN; DECLARE c CURSOR FOR {query('n')}")
    before = path.stat()
    shutil.copyfile(other, path)
    os.utime(path, ns=(before.st_atime_ns, before.st_mtime_ns))
    if under_way:
        s.run("FETCH ALL FROM c; COMMIT")
    assert is_tested(s, query("n")) and is_tested(s, "SELECT count(b) FROM a")
    s.run("SELECT pg_sqlite_fdw_disconnect_all()")
    refused(s, "n")


def test_a_column_that_was_added_is_another_one(t):
    path = t.file("a.db", script())
    table(t, path)
    s = t.session()
    taught(s)
    s.run(f"PREPARE q AS {query('n')}; EXECUTE q")
    by_another_column(t, path, "n")
    s.attempt("EXECUTE q")
    refused(s, "n")
    with fails("22P02", "value does not fit column \"n\""):
        s.run("EXECUTE q")


def test_an_application_in_wal_mode(t):
    """Its connection stays open: commits, checkpoints and restarts of the -wal are seen at the next statement, and not before."""
    path = t.file("a.db", script("wal"))
    app = sqlite3.connect(path, isolation_level=None)
    app.execute("UPDATE a SET n = n WHERE id = 1")
    for beside in ("-wal", "-shm"):
        t.own(path.with_name(path.name + beside))
    table(t, path)
    s, kept = t.session(), t.session()
    said = taught(s)
    # An open cursor, and a transaction that keeps its snapshot, see what was there.
    taught(kept)
    kept.run("BEGIN ISOLATION LEVEL REPEATABLE READ")
    assert kept.value(query("n")) == said["n"]
    s.run("BEGIN; DECLARE c CURSOR FOR SELECT * FROM a; FETCH 10 FROM c")
    app.execute(f"UPDATE a SET n = 'x' WHERE id = {ROWS // 2}")
    assert kept.value(query("n")) == said["n"] and kept.value(query("i")) == said["i"]
    assert len(s.run("FETCH ALL FROM c").rows) == ROWS + 1 - 10
    s.run("CLOSE c")
    refused(s, "n")
    kept.run("COMMIT")
    refused(kept, "n")
    app.execute(f"UPDATE a SET n = 3 WHERE id = {ROWS // 2}")
    for checkpoint in ("PASSIVE", "FULL", "RESTART"):
        taught(s)
        app.execute(f"PRAGMA wal_checkpoint({checkpoint})")
        changed = s.value(query("n"))
        app.execute(f"UPDATE a SET n = 'x' WHERE id = {ROWS // 2}")
        refused(s, "n")
        app.execute(f"UPDATE a SET n = 3 WHERE id = {ROWS // 2}")
        assert s.value(query("n")) == changed
    app.close()


def test_between_two_statements_of_a_transaction(t):
    path = t.file("a.db", script())
    table(t, path)
    t.sql("CREATE FUNCTION total() RETURNS numeric LANGUAGE plpgsql AS $$ BEGIN RETURN (SELECT sum(n) FROM a); END $$")
    for settings in ("SET plan_cache_mode = force_generic_plan", "SET plan_cache_mode = force_custom_plan"):
        os.rename(t.file("new.db", script()), path)
        s = t.session()
        taught(s)
        s.run(f"{settings}; PREPARE q AS {query('n')}")
        said = s.value("EXECUTE q")
        s.run("BEGIN")
        assert s.value(query("n")) == said == s.value("EXECUTE q") == s.value("SELECT total()")
        misfit(path, "n")
        for again in ("EXECUTE q", "SELECT total()", query("n")):
            s.run("ROLLBACK")
            with fails("22P02", "value does not fit column \"n\""):
                s.run(again)
        s.close()


def written(t, mode):
    path = t.file("a.db", script(mode))
    table(t, path, ", updatable 'true'")
    t.sql("CREATE FOREIGN TABLE raw (id bigint, n text) SERVER s OPTIONS (table 'a')")
    s = t.session()
    return path, s, taught(s)


@pytest.mark.parametrize("mode", ("delete", "wal"))
def test_own_changes(t, mode):
    """Through another foreign table of the same file, which writes what does not fit here."""
    path, s, said = written(t, mode)
    change = f"UPDATE raw SET n = 'x' WHERE id = {ROWS // 2}"
    # In the transaction, after it was rolled back, after it was rolled back to a savepoint, and after it was committed.
    refused(s, "n", prefix=f"BEGIN; {change};")
    assert s.value(query("n")) == said["n"]
    taught(s)
    s.run(f"BEGIN; {change}; ROLLBACK")
    assert s.value(query("n")) == said["n"]
    taught(s)
    s.run(f"BEGIN; SAVEPOINT one; {change}; SAVEPOINT two; ROLLBACK TO one")
    assert s.value(query("n")) == said["n"] and is_tested(s, query("n")), "whoever writes tests"
    s.run(f"SELECT count(*) FROM a; {FULL}; SAVEPOINT three; {change}")
    with fails("22P02", "value does not fit column \"n\""):
        s.run(query("n"))
    s.run("ROLLBACK TO three")
    assert s.value(query("n")) == said["n"]
    s.run("COMMIT")
    taught(s)
    s.run("BEGIN; DECLARE c CURSOR FOR SELECT * FROM a; FETCH 3 FROM c")
    s.run(f"{change}; FETCH ALL FROM c; COMMIT")
    refused(s, "n")
    s.run(f"UPDATE raw SET n = '3' WHERE id = {ROWS // 2}")
    taught(s)
    s.run(change)
    refused(s, "n")
    assert sqlite3.connect(path).execute(f"SELECT n FROM a WHERE id = {ROWS // 2}").fetchone() == ("x",)


def test_two_servers_of_one_file(t):
    path = t.file("a.db", script())
    table(t, path)
    fdw_ways.server(t, "w", path, ", updatable 'true'")
    t.sql("CREATE FOREIGN TABLE raw (id bigint, n text) SERVER w OPTIONS (table 'a')")
    s = t.session()
    taught(s)
    s.run(f"UPDATE raw SET n = 'x' WHERE id = {ROWS // 2}")
    refused(s, "n")


def test_a_foreign_table_that_is_altered_is_another_one(t):
    path = t.file("a.db", script())
    db = sqlite3.connect(path)
    db.execute("UPDATE a SET n = 3000000000 WHERE id = 1")
    db.commit()
    table(t, path)
    s = t.session()
    taught(s)
    s.run("PREPARE q AS SELECT count(n) FROM a; EXECUTE q")
    for alter, back, message in (
            ("ALTER COLUMN n TYPE integer", "ALTER COLUMN n TYPE bigint", "value does not fit column \"n\""),
            ("ALTER COLUMN n TYPE smallint", "ALTER COLUMN n TYPE bigint", "value does not fit column \"n\""),
            ("ALTER COLUMN n OPTIONS (column_name 't')", "ALTER COLUMN n OPTIONS (DROP column_name)", "value does not fit column \"t\"")):
        for session in (s, t.session()):
            session.run(f"ALTER FOREIGN TABLE a {alter}")
            for asked in ("SELECT sum(n) FROM a", "EXECUTE q"):
                if asked == "EXECUTE q" and session is not s:
                    continue
                with fails(("22P02", "22003"), message):
                    s.run(asked)
            session.run(f"ALTER FOREIGN TABLE a {back}")
            taught(s)
    s.run("ALTER FOREIGN TABLE a ALTER COLUMN v TYPE varchar(3)")
    with fails("22P02", "value does not fit column \"v\""):
        s.run(query("v"))
    # Options that leave the cells alone but not their meaning.
    s.run("ALTER FOREIGN TABLE a ALTER COLUMN m OPTIONS (SET format 'unixepoch_ms')")
    assert s.value("SELECT max(m) < '1971-01-01' FROM a") == "t"


def test_roles_and_connections(t):
    path = t.file("a.db", script())
    table(t, path)
    reader = t.role("seen_reader", "SELECT ON a")
    s = t.session()
    said = taught(s)
    s.run(f"SET ROLE {reader}")
    assert s.value(query("n")) == said["n"]
    misfit(path, "n")
    refused(s, "n")
    s.run("RESET ROLE")
    os.rename(t.file("new.db", script()), path)
    taught(s)
    s.run("SELECT pg_sqlite_fdw_disconnect_all()")
    assert is_tested(s, query("n")), "a connection that was closed knows nothing"


@pytest.mark.parametrize("options", (", immutable 'true'", ", wal 'copy'", ", keep_connections 'false'"))
def test_other_ways_to_open(t, options):
    path = t.file("a.db", script())
    table(t, path, options)
    s = t.session()
    s.run(FULL)
    assert is_tested(s, query("n")) == ("keep" in options), "known as long as the file is open"
    for _ in range(2):
        misfit(path, "n")
        refused(s, "n")
        os.rename(t.file("new.db", script()), path)
        assert s.value(query("n")) == str(3 * ROWS * (ROWS + 1) // 2)
        s.run(FULL)


def test_nested_scans_and_writes_of_functions(t):
    """A function that a scan calls for its rows writes to the table that is scanned."""
    path, s, said = written(t, "delete")
    t.sql("CREATE FUNCTION spoils(bigint) RETURNS bigint LANGUAGE plpgsql AS $$ BEGIN IF $1 = 300 THEN UPDATE raw SET n = 'x' WHERE id = 7; END IF; RETURN $1; END $$")
    fresh = t.session()
    fresh.run("SELECT a.*, spoils(id) FROM a")
    refused(fresh, "n")
    refused(s, "n")


def test_answers_are_the_same(t):
    """Comparisons, sorts and groups of columns with affinities and collations: the tests kept these from the values."""
    path = t.file("m.db", """CREATE TABLE m (id INTEGER PRIMARY KEY, n NUMERIC, t TEXT COLLATE NOCASE, u NUMERIC, r REAL, i INT);
        CREATE INDEX m_t ON m (t); CREATE INDEX m_u ON m (u); CREATE INDEX m_i ON m (i);
        INSERT INTO m VALUES (1, 5, 'b', 'x', 3, 2), (2, -7, 'B', 'abc', 2.5, 10), (3, NULL, NULL, NULL, NULL, NULL), (4, 10, 'a', 'Z', -0.0, 2), (5, 2, 'é', '9z', 1e300, 1);""")
    fdw_ways.server(t, "s", path)
    t.sql("CREATE FOREIGN TABLE m (id bigint, n bigint, t text COLLATE \"C\", u text COLLATE \"C\", r float8, i integer) SERVER s; CREATE TABLE local AS SELECT * FROM m")
    columns = ("n", "t", "u", "r", "i")
    queries = [f"SELECT id FROM m WHERE {c} {op} {v} ORDER BY id" for c, values in
               (("n", ("5", "'5'", "i")), ("t", ("'5'", "'B'", "'b'", "u")), ("u", ("'5'", "'9'", "'x'", "'1e3'", "t")), ("r", ("3", "2.5", "0", "'NaN'", "1e300")), ("i", ("2", "n")))
               for v in values for op in ("=", "<", ">=", "<>", "IS DISTINCT FROM")]
    queries += [f"SELECT {c}, count(*) FROM m GROUP BY {c} ORDER BY {c}" for c in columns] + [f"SELECT DISTINCT {c} FROM m ORDER BY 1" for c in columns]
    queries += [f"SELECT {c} FROM m ORDER BY {c} DESC, id LIMIT 3" for c in columns] + [f"SELECT min({c}), max({c}), count(DISTINCT {c}) FROM m" for c in columns]
    queries += [f"SELECT a.id, b.id FROM m a JOIN m b ON a.{x} = b.{y} ORDER BY 1, 2" for x, y in (("t", "u"), ("t", "t"), ("n", "i"), ("i", "i"), ("r", "r"))]
    queries += ["SELECT sum(n), avg(n), sum(i), sum(length(t)) FROM m", "SELECT id FROM m WHERE u || t = 'abcB'", "SELECT id FROM m WHERE i IN (2, 10) AND n > 1",
                "SELECT id FROM m WHERE t = 'B' AND length(t) = 1", "SELECT id FROM m WHERE i = 2 AND i + 1 = 3", "SELECT id FROM m WHERE t LIKE 'b%' ORDER BY t"]
    s = t.session()
    before = [s.attempt(q) for q in queries]
    tested = {q for q in queries if is_tested(s, q)}
    s.run("SELECT * FROM m")
    after = [s.attempt(q) for q in queries]
    local = [s.attempt(q.replace("FROM m", "FROM local").replace("JOIN m", "JOIN local")) for q in queries]
    assert [q for q in tested if is_tested(s, q)] == [] and len(tested) > 40, len(tested)
    differ = [(q, b.out, a.out, c.out) for q, b, a, c in zip(queries, before, after, local) if not (b.sqlstate, b.out) == (a.sqlstate, a.out) == (c.sqlstate, c.out)]
    assert not differ, differ
