"""Changes through foreign tables; what is in the file afterwards is read with Python's sqlite3."""

import os
import sqlite3

from client import CopyIn, fails
from fdw_ways import server
from harness import until

ITEMS = """
CREATE TABLE items (id INTEGER PRIMARY KEY, name TEXT, qty INTEGER, price REAL);
INSERT INTO items VALUES (1, 'one', 10, 1.5), (2, 'two', 20, NULL), (3, 'three', NULL, 3.5), (4, NULL, 40, 4.0);
CREATE TABLE bare (a TEXT, b INTEGER); INSERT INTO bare VALUES ('x', 1), ('y', 2), ('x', 1);
CREATE TABLE pairs (x INTEGER, y TEXT, v TEXT, PRIMARY KEY (x, y)); INSERT INTO pairs VALUES (1, 'a', 'va'), (1, 'b', 'vb'), (2, 'a', 'vc');
CREATE TABLE keyed (k TEXT, n INTEGER, v TEXT, PRIMARY KEY (k, n)) WITHOUT ROWID;
INSERT INTO keyed VALUES ('a', 1, 'one'), ('a', 2, 'two'), ('b', 1, 'three');
CREATE TABLE gen (id INTEGER PRIMARY KEY, a INTEGER, twice INTEGER GENERATED ALWAYS AS (a * 2) STORED, text TEXT DEFAULT 'dflt');
CREATE TABLE uniq (id INTEGER PRIMARY KEY, code TEXT UNIQUE NOT NULL CHECK (length(code) < 6));
INSERT INTO uniq VALUES (1, 'a');
CREATE TABLE owner (id INTEGER PRIMARY KEY); INSERT INTO owner VALUES (1);
CREATE TABLE thing (id INTEGER PRIMARY KEY, owner INTEGER REFERENCES owner (id) DEFERRABLE INITIALLY DEFERRED);
CREATE TABLE strict_thing (id INTEGER PRIMARY KEY, owner INTEGER REFERENCES owner (id));
"""
FOREIGN = """
CREATE FOREIGN TABLE items (id bigint, name text, qty integer, price float8) SERVER w;
CREATE FOREIGN TABLE bare (a text, b bigint) SERVER w;
CREATE FOREIGN TABLE pairs (x bigint, y text, v text) SERVER w;
CREATE FOREIGN TABLE keyed (k text OPTIONS (key 'true'), n bigint OPTIONS (key 'true'), v text) SERVER w;
CREATE FOREIGN TABLE gen (id bigint, a bigint, twice bigint GENERATED ALWAYS AS (a * 2) STORED, text text) SERVER w;
CREATE FOREIGN TABLE uniq (id bigint, code text) SERVER w;
CREATE FOREIGN TABLE owner (id bigint) SERVER w;
CREATE FOREIGN TABLE thing (id bigint, owner bigint) SERVER w;
CREATE FOREIGN TABLE strict_thing (id bigint, owner bigint) SERVER w;
"""


class Written:
    """A file that may be written, its foreign tables, and what the file says."""

    def __init__(self, t, script=ITEMS, foreign=FOREIGN, options=", updatable 'true', truncatable 'true'"):
        self.t, self.path = t, t.file("w.db", script)
        server(t, "w", self.path, options)
        t.sql(foreign)

    def says(self, query):
        db = sqlite3.connect(f"file:{self.path}?mode=ro", uri=True)
        try:
            return db.execute(query).fetchall()
        finally:
            db.close()

    def run(self, sql):
        return self.t.value(sql)


def test_insert(t):
    w = Written(t)
    w.run("INSERT INTO items VALUES (10, 'ten', 5, 0.5), (11, NULL, NULL, NULL), (12, '', 0, '-Infinity')")
    assert w.says("SELECT * FROM items WHERE id >= 10") == [(10, "ten", 5, 0.5), (11, None, None, None), (12, "", 0, float("-inf"))]
    assert w.run("INSERT INTO items (id, name) VALUES (20, 'é😀''\"') RETURNING id, name, qty, name || 'x'") == "20|é😀'\"||é😀'\"x"
    assert w.says("SELECT name, typeof(qty) FROM items WHERE id = 20") == [("é😀'\"", "null")]
    w.run("INSERT INTO items SELECT g, 'g' || g, g % 7, g / 2.0 FROM generate_series(100, 3099) g")
    assert w.says("SELECT count(*), sum(id), sum(qty), sum(price) FROM items WHERE id >= 100") == [
        (3000, sum(range(100, 3100)), sum(g % 7 for g in range(100, 3100)), sum(g / 2 for g in range(100, 3100)))]
    w.run("INSERT INTO bare VALUES ('z', 9223372036854775807), (NULL, NULL)")
    assert w.says("SELECT * FROM bare WHERE a IS NULL OR a = 'z'") == [("z", 2**63 - 1), (None, None)]
    w.run("INSERT INTO items SELECT id + 10000, name, qty, price FROM items")
    assert w.says("SELECT count(*) FROM items") == [(2 * 3008,)]
    assert w.says("PRAGMA integrity_check") == [("ok",)]


def test_batches(t):
    w = Written(t)
    for size in (1, 2, 999, 5000):
        t.sql(f"ALTER SERVER w OPTIONS ({'ADD' if size == 1 else 'SET'} batch_size '{size}')")
        w.run("DELETE FROM bare; INSERT INTO bare SELECT 'r' || g, g FROM generate_series(1, 2501) g")
        assert w.says("SELECT count(*), count(DISTINCT a), min(b), max(b) FROM bare") == [(2501, 2501, 1, 2501)], size
    with fails("23514", "breaks a constraint\nSQLite: CHECK"):
        t.sql("INSERT INTO uniq SELECT g, CASE WHEN g = 700 THEN 'toolong' ELSE 'c' || g END FROM generate_series(2, 1000) g")
    assert w.says("SELECT count(*) FROM uniq") == [(1,)]


def test_update_and_delete(t):
    w = Written(t)
    assert w.run("UPDATE items SET qty = qty + 1 WHERE id = 1 RETURNING id, qty") == "1|11"
    w.run("UPDATE items SET name = upper(name), price = NULL WHERE name LIKE 't%'")
    assert w.says("SELECT name, qty, price FROM items ORDER BY id") == [("one", 11, 1.5), ("TWO", 20, None), ("THREE", None, None), (None, 40, 4.0)]
    w.run("UPDATE items SET id = id + 100")
    assert w.says("SELECT id, qty FROM items ORDER BY id") == [(101, 11), (102, 20), (103, None), (104, 40)]
    w.run("UPDATE items SET id = id + 100, name = md5(name) WHERE random() >= 0")
    assert w.says("SELECT id, qty FROM items ORDER BY id") == [(201, 11), (202, 20), (203, None), (204, 40)]
    # A key that is taken in passing: SQLite checks row by row, as PostgreSQL does.
    before = w.says("SELECT * FROM items")
    with fails("23505", "breaks a constraint\nSQLite: UNIQUE constraint failed: items.id"):
        t.sql("UPDATE items SET id = id + 1 WHERE random() >= 0")
    with fails("23505", "breaks a constraint\nSQLite: UNIQUE constraint failed: items.id"):
        t.sql("UPDATE items SET id = id + 1")
    assert w.says("SELECT * FROM items") == before
    assert sorted(w.run("DELETE FROM items WHERE qty > 15 RETURNING id").split()) == ["202", "204"]
    assert w.says("SELECT id FROM items ORDER BY id") == [(201,), (203,)]
    w.run("UPDATE bare SET b = b + 10 WHERE a = 'x'")
    assert w.says("SELECT * FROM bare ORDER BY rowid") == [("x", 11), ("y", 2), ("x", 11)]
    w.run("DELETE FROM bare WHERE ctid = (SELECT max(ctid::text)::tid FROM bare)")
    assert w.says("SELECT * FROM bare ORDER BY rowid") == [("x", 11), ("y", 2)]
    w.run("DELETE FROM bare")
    assert w.says("SELECT * FROM bare") == []


def test_keys(t):
    w = Written(t)
    w.run("UPDATE pairs SET v = v || '!' WHERE x = 1 AND v <> repeat('n', 2)")
    w.run("UPDATE pairs SET x = x + 5, y = reverse(y || '1') WHERE v = 'vc'")
    assert w.says("SELECT * FROM pairs ORDER BY x, y") == [(1, "a", "va!"), (1, "b", "vb!"), (7, "1a", "vc")]
    w.run("UPDATE keyed SET v = v || random()::text WHERE k = 'b' AND random() >= 0")
    w.run("UPDATE keyed SET v = initcap(v) WHERE n = 2")
    w.run("UPDATE keyed SET n = n + 10")
    assert w.says("SELECT k, n FROM keyed ORDER BY k, n") == [("a", 11), ("a", 12), ("b", 11)]
    assert w.run("DELETE FROM keyed WHERE k = 'a' AND md5(v) <> '' RETURNING n").split() == ["11", "12"]
    w.run("INSERT INTO keyed VALUES ('c', 1, NULL)")
    assert w.says("SELECT k, n FROM keyed ORDER BY k, n") == [("b", 11), ("c", 1)]


def test_generated(t):
    w = Written(t)
    w.run("INSERT INTO gen (id, a, text) VALUES (1, 21, 'x')")
    w.run("UPDATE gen SET a = 4 WHERE id = 1")
    assert w.says("SELECT id, a, twice, text FROM gen") == [(1, 4, 8, "x")]
    assert w.run("INSERT INTO gen (id, a) VALUES (2, 3) RETURNING twice") == "6"
    with fails("428C9", "column \"twice\""):
        t.sql("INSERT INTO gen (id, a, twice) VALUES (3, 1, 2)")
    # The file computes it, PostgreSQL does not know: still never written.
    t.sql("CREATE FOREIGN TABLE plain_gen (id bigint, a bigint, twice bigint) SERVER w OPTIONS (table 'gen')")
    w.run("INSERT INTO plain_gen (id, a) VALUES (5, 5); UPDATE plain_gen SET a = 6 WHERE id = 5")
    assert w.says("SELECT a, twice FROM gen WHERE id = 5") == [(6, 12)]


def test_conflicts(t):
    w = Written(t)
    with fails("23505", "breaks a constraint\nSQLite: UNIQUE constraint failed: uniq.code"):
        t.sql("INSERT INTO uniq VALUES (2, 'a')")
    with fails("23505", "breaks a constraint\nSQLite: UNIQUE constraint failed: uniq.id"):
        t.sql("INSERT INTO uniq VALUES (1, 'b')")
    with fails("23502", "breaks a constraint\nSQLite: NOT NULL constraint failed: uniq.code"):
        t.sql("INSERT INTO uniq VALUES (9, NULL)")
    with fails("23514", "breaks a constraint\nSQLite: CHECK"):
        t.sql("INSERT INTO uniq VALUES (9, 'much too long')")
    assert w.run("INSERT INTO uniq VALUES (2, 'a'), (3, 'c'), (1, 'd') ON CONFLICT DO NOTHING RETURNING id") == "3"
    with fails("23514", "breaks a constraint\nSQLite: CHECK"):
        t.sql("INSERT INTO uniq VALUES (9, 'much too long') ON CONFLICT DO NOTHING")
    with fails("23502", "breaks a constraint\nSQLite: NOT NULL constraint failed: uniq.code"):
        t.sql("INSERT INTO uniq VALUES (9, NULL) ON CONFLICT DO NOTHING")
    with fails("42P10", "no unique or exclusion constraint matching the ON CONFLICT"):
        t.sql("INSERT INTO uniq VALUES (9, 'z') ON CONFLICT (code) DO UPDATE SET code = 'q'")
    assert w.says("SELECT * FROM uniq ORDER BY id") == [(1, "a"), (3, "c")]


def test_copy_and_partitions(t):
    w = Written(t)
    w.run([CopyIn("items", "50\tfifty\t1\t2.5\n51\t\\N\t\\N\t\\N\n")])
    assert w.says("SELECT * FROM items WHERE id >= 50") == [(50, "fifty", 1, 2.5), (51, None, None, None)]
    w.run("""CREATE TABLE parted (id bigint, name text, qty integer, price float8) PARTITION BY RANGE (id);
             CREATE TABLE low PARTITION OF parted FOR VALUES FROM (0) TO (1000);
             DROP FOREIGN TABLE items;
             CREATE FOREIGN TABLE items PARTITION OF parted FOR VALUES FROM (1000) TO (1000000) SERVER w;
             INSERT INTO parted SELECT g * 100, 'p' || g, g, g FROM generate_series(1, 30) g""")
    w.run([CopyIn("parted", "7\tlocal\t1\t1\n70000\tremote\t2\t2\n"), "UPDATE parted SET qty = qty + 1000 WHERE id IN (500, 2000)"])
    assert w.says("SELECT count(*), max(id) FROM items WHERE id >= 1000") == [(22, 70000)]
    assert w.says("SELECT qty FROM items WHERE id = 2000") == [(1020,)]
    assert w.run("SELECT count(*) FROM low") == "10"
    assert w.run("UPDATE parted SET id = 1555 WHERE id = 500 RETURNING tableoid::regclass, id") == "items|1555"
    assert w.says("SELECT name FROM items WHERE id = 1555 AND qty = 1005") == [("p5",)]


def test_truncate(t):
    w = Written(t)
    w.run("TRUNCATE items, bare")
    assert w.says("SELECT (SELECT count(*) FROM items) + (SELECT count(*) FROM bare)") == [(0,)]
    t.sql("ALTER FOREIGN TABLE pairs OPTIONS (truncatable 'false')")
    with fails("55000", "\"pairs\" does not allow truncates"):
        t.sql("TRUNCATE pairs")
    assert w.says("SELECT count(*) FROM pairs") == [(3,)]
    w.run("BEGIN; TRUNCATE keyed; ROLLBACK")
    assert w.says("SELECT count(*) FROM keyed") == [(3,)]


def test_conflict_clauses_of_the_file_do_not_decide(t):
    """`ON CONFLICT REPLACE` and its like in a declaration would lose rows without a word."""
    clauses = ("replace", "ignore", "rollback")
    script = "".join(f'CREATE TABLE "{c}" (id INTEGER PRIMARY KEY, u INTEGER UNIQUE ON CONFLICT {c}); INSERT INTO "{c}" VALUES (1, 10), (2, 20);'
                     for c in clauses)
    w = Written(t, script, "".join(f'CREATE FOREIGN TABLE "{c}" (id bigint, u integer) SERVER w;' for c in clauses))
    for table in clauses:
        for pushdown in ("on", "off"):
            with fails("23505", f"breaks a constraint\nSQLite: UNIQUE constraint failed: {table}.u"):
                t.sql(f'SET pg_sqlite_migrate.pushdown = {pushdown}; UPDATE "{table}" SET u = 20 WHERE id = 1')
        assert w.says(f'SELECT * FROM "{table}"') == [(1, 10), (2, 20)]


def test_direct(t):
    """A change that SQLite can compute is one statement there, with the same outcome as row by row."""
    w = Written(t)
    for sql in ("UPDATE items SET qty = 7 WHERE id = 1", "DELETE FROM items WHERE qty > 3", "UPDATE items SET name = NULL",
                "DELETE FROM keyed WHERE k = 'a'", "UPDATE items SET qty = 1 WHERE id = 2 RETURNING id"):
        plan = w.run(f"EXPLAIN (VERBOSE, COSTS off) {sql}")
        assert "Foreign Update" in plan or "Foreign Delete" in plan, plan
    for sql in ("UPDATE items SET name = md5(name)", "DELETE FROM items WHERE random() < 0.5", "UPDATE items SET qty = qty + (random() * 0)::int"):
        plan = w.run(f"EXPLAIN (VERBOSE, COSTS off) {sql}")
        assert "Foreign Update on" not in plan.split("\n", 1)[1] and "Foreign Delete on" not in plan.split("\n", 1)[1], plan
    answers = []
    for pushdown in ("on", "off"):
        out = w.run(f"SET pg_sqlite_migrate.pushdown = {pushdown}; BEGIN; UPDATE items SET qty = 7 WHERE id < 3 RETURNING id, qty;"
                    "DELETE FROM items WHERE price > 3 RETURNING id; UPDATE pairs SET v = 'n' WHERE y = 'a'; SELECT * FROM items ORDER BY id;"
                    "SELECT * FROM pairs ORDER BY x, y; ROLLBACK")
        answers.append(out)
    assert answers[0] == answers[1] and answers[0].startswith("1|7\n2|7\n3\n4"), answers
    prepared = "PREPARE u (int, bigint) AS UPDATE items SET qty = $1 WHERE id = $2; SET plan_cache_mode = force_generic_plan;"
    w.run(prepared + "".join(f"EXECUTE u ({n}, {n % 4 + 1});" for n in range(20)))
    assert w.says("SELECT qty FROM items ORDER BY id") == [(16,), (17,), (18,), (19,)]


def test_a_refused_value_is_refused_where_a_row_takes_it(t):
    w = Written(t)
    for value, column, sqlstate in (("'NaN'::float8", "price", "0A000"), ("'12'::text", "name", None)):
        for where, hit in (("id < 0", False), ("id > 2", True)):
            change = f"SET plan_cache_mode = force_generic_plan; PREPARE u AS UPDATE items SET {column} = $1 WHERE {where}; EXECUTE u ({value})"
            shown = w.run(f"PREPARE u AS UPDATE items SET {column} = $1 WHERE {where}; SET plan_cache_mode = force_generic_plan; EXPLAIN (COSTS OFF) EXECUTE u ({value})")
            assert "Foreign Update on items" in shown, shown
            if hit and sqlstate:
                with fails(sqlstate, f'column "{column}" of table "items"'):
                    t.sql(change)
            else:
                t.sql(change)
    assert w.says("SELECT name, price FROM items") == [("one", 1.5), ("two", None), ("12", 3.5), ("12", 4.0)]


def test_explain_shows_what_is_run_per_row(t):
    w = Written(t)
    shown = w.run("EXPLAIN (COSTS OFF, VERBOSE) UPDATE items SET name = upper(name) RETURNING qty")
    assert 'Remote SQL: UPDATE OR ABORT main."items" SET "name" = ?1 WHERE "id" IS ?2 RETURNING "qty"' in shown, shown
    assert 'Remote SQL: INSERT OR ABORT INTO main."bare" ("a", "b") VALUES (?1, ?2)' in w.run(
        "EXPLAIN (COSTS OFF, VERBOSE) INSERT INTO bare VALUES ('a', 1)")


def test_direct_returning_some_columns(t):
    w = Written(t)
    assert w.run("SET extra_float_digits = 1; UPDATE items SET qty = qty + 1 WHERE id = 1 RETURNING price, name") == "1.5|one"
    assert w.run("UPDATE items SET qty = 5 WHERE id = 2 RETURNING name") == "two"
    assert w.run("DELETE FROM items WHERE id = 4 RETURNING price") == "4"


def test_transactions(t):
    w = Written(t)
    w.run("BEGIN; INSERT INTO bare VALUES ('gone', 1); ROLLBACK")
    w.run("BEGIN; INSERT INTO bare VALUES ('kept', 1); SAVEPOINT a; INSERT INTO bare VALUES ('undone', 2); ROLLBACK TO a;"
          "INSERT INTO bare VALUES ('kept', 3); SAVEPOINT b; DELETE FROM bare WHERE a = 'y'; RELEASE b; COMMIT")
    assert w.says("SELECT a, b FROM bare ORDER BY rowid") == [("x", 1), ("x", 1), ("kept", 1), ("kept", 3)]
    with fails("22012", "division by zero"):
        t.sql("BEGIN; INSERT INTO bare VALUES ('lost', 1); SELECT 1 / 0; COMMIT")
    assert w.says("SELECT count(*) FROM bare") == [(4,)]
    w.run("""DO $$ BEGIN
        FOR i IN 1..50 LOOP
            BEGIN
                INSERT INTO bare VALUES ('loop', i);
                IF i % 2 = 0 THEN PERFORM 1 / 0; END IF;
                IF i % 5 = 0 THEN INSERT INTO uniq VALUES (1, 'dup'); END IF;
            EXCEPTION WHEN division_by_zero OR unique_violation THEN NULL;
            END;
        END LOOP; END $$""")
    kept = [i for i in range(1, 51) if i % 2 and i % 5]
    assert w.says("SELECT b FROM bare WHERE a = 'loop' ORDER BY b") == [(i,) for i in kept]
    # Nested, released and rolled back.
    w.run("BEGIN; SAVEPOINT a; INSERT INTO bare VALUES ('n', 1); SAVEPOINT b; INSERT INTO bare VALUES ('n', 2); RELEASE b; ROLLBACK TO a;"
          "INSERT INTO bare VALUES ('n', 3); RELEASE a; SAVEPOINT c; COMMIT")
    assert w.says("SELECT b FROM bare WHERE a = 'n'") == [(3,)]
    # A savepoint that was set before the file was touched.
    w.run("BEGIN; SAVEPOINT s; SAVEPOINT s2; INSERT INTO bare VALUES ('early', 1); ROLLBACK TO s; SELECT count(*) FROM bare; COMMIT")
    assert w.says("SELECT count(*) FROM bare WHERE a = 'early'") == [(0,)]
    # One's own changes are seen, others' are not disturbed.
    assert w.run("BEGIN; INSERT INTO bare VALUES ('own', 1); SELECT count(*) FROM bare WHERE a = 'own'; ROLLBACK") == "1"


def test_a_deferred_foreign_key_fails_at_commit(t):
    w = Written(t)
    t.sql("CREATE TABLE beside (n int)")
    with fails("23503", "breaks a constraint\nSQLite: FOREIGN KEY"):
        t.sql("BEGIN; INSERT INTO beside VALUES (1); INSERT INTO thing VALUES (1, 99); COMMIT")
    assert w.run("SELECT count(*) FROM beside") == "0", "PostgreSQL's part is rolled back too"
    assert w.says("SELECT count(*) FROM thing") == [(0,)]
    w.run("BEGIN; INSERT INTO thing VALUES (1, 99); INSERT INTO owner VALUES (99); COMMIT")
    assert w.says("SELECT owner FROM thing") == [(99,)]
    with fails("23503", "breaks a constraint\nSQLite: FOREIGN KEY"):
        t.sql("INSERT INTO strict_thing VALUES (1, 5)")
    w.run("INSERT INTO strict_thing VALUES (1, 1)")


def test_two_phase_commit_is_refused(t):
    w = Written(t)
    with fails("0A000", "cannot PREPARE a transaction that has operated on foreign tables of pg_sqlite_fdw"):
        t.sql("BEGIN; INSERT INTO bare VALUES ('p', 1); PREPARE TRANSACTION 'x'")
    assert w.says("SELECT count(*) FROM bare WHERE a = 'p'") == [(0,)]


def test_read_only_by_default(t):
    w = Written(t, options="")
    for sql in ("INSERT INTO bare VALUES ('x', 1)", "UPDATE bare SET b = 1", "DELETE FROM bare", "TRUNCATE bare", CopyIn("bare", "x\t1\n")):
        with fails("55000", "does not allow truncates" if sql == "TRUNCATE bare" else "\"bare\" is read-only"):
            t.sql(sql)
    t.sql("ALTER FOREIGN TABLE bare OPTIONS (updatable 'true')")
    w.run("INSERT INTO bare VALUES ('x', 1)")
    with fails("55000", "\"items\" is read-only"):
        t.sql("INSERT INTO items (id) VALUES (77)")
    t.sql("ALTER SERVER w OPTIONS (force_readonly 'true')")
    with fails("55000", "\"bare\" is read-only", hint="force_readonly"):
        t.sql("INSERT INTO bare VALUES ('x', 1)")
    assert w.says("SELECT count(*) FROM bare") == [(4,)]
    t.sql("ALTER SERVER w OPTIONS (DROP force_readonly, ADD updatable 'true')")
    t.sql("ALTER FOREIGN TABLE items OPTIONS (updatable 'false')")
    with fails("55000", "\"items\" is read-only"):
        t.sql("INSERT INTO items (id) VALUES (77)")
    with fails("25006", "cannot execute INSERT in a read-only transaction"):
        t.sql("BEGIN READ ONLY; INSERT INTO bare VALUES ('x', 1)")
    with fails("HV00R", "table \"missing\" does not exist"):
        t.sql("CREATE FOREIGN TABLE v (a text) SERVER w OPTIONS (table 'missing'); INSERT INTO v VALUES ('x')")


TYPES = """
CREATE TABLE ty (id INTEGER PRIMARY KEY, n NUMERIC, nt TEXT, r REAL, i INTEGER, t TEXT, y BLOB, bo BOOLEAN, u TEXT, d TEXT, ts TEXT, ms INTEGER,
                 s INTEGER, j TEXT, iv TEXT, a TEXT, c TEXT, ub BLOB);
"""
TYPED = """
CREATE FOREIGN TABLE ty (id bigint, n numeric, nt numeric, r float8, i integer, t text, y bytea, bo boolean, u uuid, d date, ts timestamp,
    ms timestamptz OPTIONS (format 'unixepoch_ms'), s timestamptz OPTIONS (format 'unixepoch'), j jsonb, iv interval, a integer[], c char(4), ub uuid) SERVER w;
"""
ROUND_TRIPS = {
    "n": ["1", "-1", "0", "1.5", "9007199254740993", "9223372036854775807", "0.1", "100", "0.1000"], "i": ["2147483647", "-2147483648"],
    "nt": ["12345678901234567890.123456789", "0.1", "1.00", "99999999999999999999"],
    "r": ["0.1", "1e308", "5e-324", "Infinity", "-Infinity", "-0", "3"], "t": ["", "x", "é😀", "1", "1.0", "a'b", "\\x61", " "],
    "y": ["\\x", "\\x00ff", "\\x61"], "bo": ["t", "f"], "u": ["00000000-0000-0400-0000-00000000000a"], "ub": ["00000000-0000-0400-0000-00000000000a"],
    "d": ["2020-02-29", "0001-01-01", "9999-12-31", "1969-12-31"], "ts": ["2020-02-29 12:34:56.789012", "1960-01-01 00:00:00"],
    "ms": ["2020-01-01 00:00:00.123+00", "1960-01-01 00:00:00+00"], "s": ["2020-01-01 00:00:00+00"], "j": ['{"a": [1, 2.50, null]}', '"x"', "5"],
    "iv": ["1 year 2 mons 3 days 04:05:06.7"], "a": ["{1,2,NULL}", "{}"], "c": ["ab", "", "abcd"],
}
REFUSED = {"n": ["NaN", "12345678901234567890.123456789"], "nt": ["NaN"], "r": ["NaN"], "ms": ["2020-01-01 00:00:00.0001+00", "infinity"], "s": ["2020-01-01 00:00:00.5+00"],
           "d": ["infinity"], "ts": ["-infinity"]}


def test_values_read_back_as_they_were_written(t):
    """Or they are refused: nothing is rounded silently."""
    w = Written(t, TYPES, TYPED)
    wrong = []
    for column, values in ROUND_TRIPS.items():
        type_ = t.type_of("ty", column)
        for value in values:
            text = "E'" + value.replace("\\", "\\\\").replace("'", "''") + "'"
            out = t.attempt(f"SET timezone = 'UTC'; BEGIN; INSERT INTO ty (id, {column}) VALUES (1, {text}); "
                        f"SELECT {column}::text = ({text}::{type_})::text OR ({column}::text = trim_scale(({text}::{type_})::text::numeric)::text) FROM ty; ROLLBACK"
                        if type_ == "numeric" else
                        f"SET timezone = 'UTC'; BEGIN; INSERT INTO ty (id, {column}) VALUES (1, {text}); SELECT {column}::text = ({text}::{type_})::text FROM ty; ROLLBACK")
            if out.out.strip() != "t" and not (column == "r" and value == "-0"):
                wrong.append((column, value, out.out.strip(), out.sqlstate, out.message))
    for column, values in REFUSED.items():
        for value in values:
            out = t.attempt(f"SET timezone = 'UTC'; INSERT INTO ty (id, {column}) VALUES (1, '{value}'); SELECT {column}::text = '{value}'::{t.type_of('ty', column)}::text FROM ty WHERE id = 1; DELETE FROM ty")
            if out.sqlstate is None and out.out.strip() != "t" or out.sqlstate == "XX000":
                wrong.append((column, value, out.out.strip(), out.sqlstate, out.message))
    assert not wrong, "\n".join(map(str, wrong))
    w.run("INSERT INTO ty (id, bo, u, ms, s, n) VALUES (7, true, '00000000-0000-0400-0000-00000000000A', '2020-01-01 00:00:00.123+00', '2020-01-01 00:00:00+00', 5)")
    assert w.says("SELECT bo, ms, s, typeof(n) FROM ty WHERE id = 7") == [(1, 1577836800123, 1577836800, "integer")]


def test_an_update_changes_a_row_once(t):
    """Whatever joins it with how many others: as a table of PostgreSQL's own, by the rowid's alias, the rowid and a key."""
    w = Written(t)
    for table, key, column in (("items", "id", "qty"), ("bare", "a", "b"), ("pairs", "x", "v")):
        rows = int(w.run(f"SELECT count(*) FROM {table}"))
        update = f"SET {column} = o.n::text FROM (VALUES (7), (7), (7)) o(n)" if table == "pairs" else f"SET {column} = o.n FROM (VALUES (7), (7), (7)) o(n)"
        assert rows > 1 and w.run(f"WITH u AS (UPDATE {table} {update} RETURNING 1) SELECT count(*) FROM u") == str(rows), table
        assert w.says(f"SELECT count(*) FROM {table} WHERE {column} = 7 OR {column} = '7'") == [(rows,)], key


def test_a_statement_that_moves_what_it_reads(t):
    """A row is changed once, and what a statement inserts it does not read."""
    w = Written(t)
    w.run("INSERT INTO bare SELECT a || '2', b FROM bare; INSERT INTO bare SELECT a || '3', b FROM bare WHERE random() >= 0")
    assert w.says("SELECT count(*) FROM bare") == [(12,)]
    w.run("UPDATE items SET qty = coalesce(o.qty, 0) + 100 FROM items o WHERE o.id = items.id - 1")
    assert w.says("SELECT qty FROM items ORDER BY id") == [(10,), (110,), (120,), (100,)]
    w.run("DELETE FROM items USING uniq WHERE items.id = uniq.id")
    assert w.says("SELECT id FROM items ORDER BY id") == [(2,), (3,), (4,)]
    w.run("UPDATE items SET qty = (SELECT count(*) FROM pairs WHERE x = items.id)")
    assert w.says("SELECT qty FROM items ORDER BY id") == [(1,), (0,), (0,)]
    said = w.run("WITH gone AS (DELETE FROM pairs WHERE x = 1 RETURNING *) INSERT INTO keyed SELECT y, x + 50, v FROM gone RETURNING k, n")
    assert sorted(said.split()) == ["a|51", "b|51"] and w.says("SELECT count(*) FROM pairs") == [(1,)]
    w.run("INSERT INTO bare SELECT 'many', g FROM generate_series(1, 5000) g")
    w.run("UPDATE bare SET b = b + 1 WHERE a = 'many' AND md5(a) <> ''")
    assert w.says("SELECT sum(b) FROM bare WHERE a = 'many'") == [(sum(range(2, 5002)),)]


def test_a_cursor_does_not_see_later_changes(t):
    w = Written(t)
    w.run("INSERT INTO bare SELECT 'c', g FROM generate_series(1, 300) g")
    out = w.run("BEGIN; DECLARE c CURSOR FOR SELECT b FROM bare WHERE a = 'c' ORDER BY b; FETCH 2 FROM c; UPDATE bare SET b = b + 1000 WHERE a = 'c';"
                "DELETE FROM bare WHERE b > 1200; FETCH 3 FROM c; MOVE 290 FROM c; FETCH ALL FROM c; CLOSE c; SELECT count(*) FROM bare WHERE a = 'c'; COMMIT")
    assert out.split() == ["1", "2", "3", "4", "5", "296", "297", "298", "299", "300", "200"], out
    out = w.run("""CREATE TABLE seen (b bigint); DO $$ DECLARE r record; BEGIN
        FOR r IN SELECT b, ctid FROM bare WHERE a = 'c' LOOP INSERT INTO seen VALUES (r.b); DELETE FROM bare WHERE ctid = r.ctid; INSERT INTO bare VALUES ('c', 1); END LOOP; END $$;
        SELECT count(*) FROM seen; SELECT count(*) FROM bare WHERE a = 'c' AND b = 1""")
    assert out.split() == ["200", "200"], out


def test_a_locked_file_is_waited_for(t):
    w = Written(t)
    db = sqlite3.connect(w.path, isolation_level=None)
    db.execute("BEGIN IMMEDIATE")
    t.sql("ALTER SERVER w OPTIONS (ADD busy_timeout '200')")
    with fails("55P03", f"process {os.getpid()}, a writer, holds a reserved lock"):
        t.sql("INSERT INTO bare VALUES ('blocked', 1)")
    t.sql("ALTER SERVER w OPTIONS (SET busy_timeout '60000')")
    session = t.session()
    session.send("INSERT INTO bare VALUES ('waited', 1)")
    db.execute("INSERT INTO bare VALUES ('first', 1)")
    db.execute("COMMIT")
    session.wait()
    assert w.says("SELECT a FROM bare WHERE a IN ('waited', 'first', 'blocked') ORDER BY rowid") == [("first",), ("waited",)]
    db.execute("BEGIN IMMEDIATE")
    with fails("57014", "statement timeout"):
        t.sql("SET statement_timeout = '500ms'; INSERT INTO bare VALUES ('late', 1)")
    db.execute("ROLLBACK")
    db.close()


def test_a_backend_that_dies_leaves_a_sound_file(t):
    w = Written(t)
    session = t.session()
    session.run("BEGIN; INSERT INTO bare SELECT 'x', g FROM generate_series(1, 20000) g")
    t.sql(f"SELECT pg_terminate_backend({session.pid})")
    until(lambda: t.value(f"SELECT count(*) FROM pg_stat_activity WHERE pid = {session.pid}") == "0", "the backend ends")
    assert w.says("SELECT count(*) FROM bare") == [(3,)]
    assert w.says("PRAGMA integrity_check") == [("ok",)]
    w.run("INSERT INTO bare VALUES ('after', 1)")


def test_ours_and_a_program_s_writes_in_wal_mode(t):
    w = Written(t)
    db = sqlite3.connect(w.path, isolation_level=None)
    db.execute("PRAGMA journal_mode = wal")
    for name in ("", "-wal", "-shm"):
        path = t.dir / ("w.db" + name)
        if path.exists():
            t.own(path)
    for n in range(20):
        db.execute("INSERT INTO bare VALUES ('theirs', ?)", (n,))
        w.run(f"INSERT INTO bare VALUES ('ours', {n})")
    assert w.run("SELECT a, count(*), sum(b) FROM bare WHERE a IN ('ours', 'theirs') GROUP BY a ORDER BY a") == "ours|20|190\ntheirs|20|190"
    assert db.execute("SELECT count(*) FROM bare WHERE a = 'ours'").fetchall() == [(20,)]
    db.close()


def test_a_key_is_found_in_every_spelling(t):
    """A row WITHOUT ROWID is named by its key, which the file may hold in another spelling than PostgreSQL prints."""
    spellings = {"interval": ("1 days", "P1DT2H", "90 minutes", "00:00:05"), "int4range": ("[1,5]", "(7,9)", "[ 20,30 )"), "int[]": ("{1, 2}", "{ 3 }", "{4}"),
                 "inet": ("10.0.0.1/32", "::0001", "10.0.0.2"), "numeric": ("1.50", "2.0", "7")}
    for n, (kind, texts) in enumerate(spellings.items()):
        rows = ", ".join(f"('{text}', {i}, 'same')" for i, text in enumerate(texts))
        path = t.file(f"k{n}.db", f"CREATE TABLE k (k TEXT, n INTEGER, v TEXT, PRIMARY KEY (k, v)) WITHOUT ROWID; INSERT INTO k (k, n, v) VALUES {rows}")
        server(t, f"k{n}", path, ", updatable 'true'")
        t.sql(f"CREATE FOREIGN TABLE k{n} (k {kind} OPTIONS (key 'true'), n bigint, v text OPTIONS (key 'true')) SERVER k{n} OPTIONS (\"table\" 'k')")
        says = lambda: [row for row in Written.says(type("F", (), {"path": path}), "SELECT n, k FROM k ORDER BY abs(n), n")]  # noqa: E731
        assert t.value(f"WITH w AS (UPDATE k{n} SET n = n + 10 RETURNING n) SELECT count(*) FROM w") == str(len(texts)), kind
        assert says() == [(i + 10, text) for i, text in enumerate(texts)], kind
        assert t.value(f"WITH w AS (DELETE FROM k{n} WHERE n = 10 RETURNING n) SELECT count(*) FROM w") == "1", kind
        assert len(says()) == len(texts) - 1
        # The row is there once: who comes to it again finds it gone, and that is no error.
        assert t.value(f"WITH w AS (DELETE FROM k{n} USING generate_series(1, 2) WHERE n > 10 RETURNING n) SELECT count(*) FROM w") == str(len(texts) - 1), kind
        assert says() == []
