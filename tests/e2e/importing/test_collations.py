"""Collations that only the application has: every row is read, and nothing is decided by a comparison that is not known."""

import contextlib
import sqlite3

import pytest

import sqlstates as s
from client import fails
from harness import quote

SCRIPT = """
    CREATE TABLE w (k TEXT COLLATE unicase PRIMARY KEY, v INTEGER) WITHOUT ROWID;
    CREATE TABLE d (k TEXT, n INTEGER, v TEXT, PRIMARY KEY (k COLLATE "de DE" DESC, n)) WITHOUT ROWID;
    CREATE TABLE u (id INTEGER PRIMARY KEY, name TEXT COLLATE unicase UNIQUE, age INTEGER);
    CREATE INDEX u_age ON u (age, name COLLATE unicase);
    CREATE TABLE plain (id INTEGER PRIMARY KEY, name TEXT);
    CREATE TABLE checked (id INTEGER PRIMARY KEY, name TEXT COLLATE unicase CHECK (name <> 'BAD'));
    CREATE TABLE child (id INTEGER PRIMARY KEY, name TEXT REFERENCES u (name));
    CREATE VIEW names AS SELECT DISTINCT name FROM u;
    CREATE TRIGGER into_w AFTER INSERT ON checked BEGIN INSERT INTO w VALUES (NEW.name, NEW.id); END;
"""
NAMES = ["b", "A", "ä", "C", "a2", "Z", "z2", "Ä2"]


def application(t, name="app.db", encoding="UTF-8"):
    path = t.dir / name
    db = sqlite3.connect(path)
    for collation in ("unicase", "de DE"):
        db.create_collation(collation, lambda a, b: (a.lower() > b.lower()) - (a.lower() < b.lower()))
    db.execute(f"PRAGMA encoding = '{encoding}'")
    db.executescript(SCRIPT)
    db.executemany("INSERT INTO w VALUES (?, ?)", [(n, i) for i, n in enumerate(NAMES)])
    db.executemany("INSERT INTO d VALUES (?, ?, ?)", [(n, i, n * 3) for i, n in enumerate(NAMES)])
    db.executemany("INSERT INTO u (name, age) VALUES (?, ?)", [(n, i % 3) for i, n in enumerate(NAMES)])
    db.executemany("INSERT INTO plain (name) VALUES (?)", [(n,) for n in NAMES])
    db.execute("DROP TRIGGER into_w")
    db.executemany("INSERT INTO checked (name) VALUES (?)", [(n,) for n in NAMES])
    db.execute("CREATE TRIGGER into_w AFTER INSERT ON checked BEGIN INSERT INTO w VALUES (NEW.name, NEW.id); END")
    db.executemany("INSERT INTO child (name) VALUES (?)", [(n,) for n in NAMES])
    db.commit()
    db.close()
    return t.own(path)


@pytest.mark.parametrize("encoding", ("UTF-8", "UTF-16le", "UTF-16be"))
def test_every_row_is_imported(t, encoding):
    path = application(t, f"{encoding}.db", encoding)
    schema = encoding.lower().replace("-", "_")
    rows = t.import_(path, {"schema": schema})
    assert {name: row["imported"] for name, row in rows.items()} == dict.fromkeys(
        ("w", "d", "u", "plain", "checked", "child"), 8), rows
    for table, column in (("w", "k"), ("d", "k"), ("u", "name")):
        got = t.value(f'SELECT string_agg({column}, \' \' ORDER BY {column} COLLATE "C") FROM {schema}.{table}')
        assert got.split() == sorted(NAMES), (table, got)
    assert all(row["ok"] for row in t.rows("SELECT * FROM verify_counts()"))
    named = {f["object"] for f in t.findings(path, {"schema": "other"}) if "unicase" in f["message"]}
    assert {"w.k", "u.name", "checked.name"} <= named, named
    assert t.rows(t.call("sqlite_check", path)) == []
    full = t.rows(f"SELECT * FROM sqlite_check({quote(str(path))}, full => true)")
    assert full and all("unicase" in row["message"] or "de DE" in row["message"] for row in full), full


def test_a_condition_does_not_decide_by_a_stand_in(t):
    path = application(t)
    where = lambda table, condition, **more: {"tables": {table: {"where": condition}}, **more}  # noqa: E731
    for table, condition in (("w", "k = 'a'"), ("u", "name > 'b'"), ("u", "name IN ('A', 'b')"), ("d", "k COLLATE \"de DE\" < 'c'")):
        for more in ({}, {"profile": "none"}, {"profile": "none", "verify": "none"}, {"profile": "sample"}):
            t.import_fails(path, where(table, condition, **more), s.UNSUPPORTED, "collation", hint="COLLATE BINARY")
    t.import_fails(path, where("w", "k COLLATE unicode = 'a'"), s.PLAN, "unicode")
    rows = t.import_(path, where("w", "k = 'A' COLLATE BINARY OR v > 5"))
    assert rows["w"]["imported"] == 1 + 2, rows["w"]
    # A run that goes on goes on without the table.
    rows = t.import_(path, where("u", "name = 'a'", on_error="continue", schema="b"))
    assert rows["u"]["status"] == "failed" and "unicase" in rows["u"]["detail"] and rows["w"]["imported"] == 8, rows


def test_foreign_tables_answer_as_a_copy_would(t):
    path = application(t)
    t.import_(path, {"schema": "copy", "foreign_keys": False})
    t.sql(f"""CREATE SERVER f FOREIGN DATA WRAPPER pg_sqlite_fdw OPTIONS (database {quote(str(path))}, updatable 'true');
        CREATE SCHEMA f; IMPORT FOREIGN SCHEMA main LIMIT TO (w, d, u, plain, checked) FROM SERVER f INTO f""")
    queries = [
        "SELECT * FROM {}.w ORDER BY k COLLATE \"C\"", "SELECT v FROM {}.w WHERE k = 'A'", "SELECT v FROM {}.w WHERE k IN ('a', 'Z', 'b')",
        "SELECT count(*) FROM {}.w WHERE k COLLATE \"C\" > 'B'", "SELECT n FROM {}.d WHERE k = 'ä' AND n >= 0",
        "SELECT max(k COLLATE \"C\"), min(k COLLATE \"C\"), count(DISTINCT k) FROM {}.w",
        "SELECT name, count(*) FROM {}.u GROUP BY name ORDER BY name COLLATE \"C\"", "SELECT DISTINCT age FROM {}.u ORDER BY age",
        "SELECT age, name FROM {}.u WHERE age = 1 ORDER BY age, name COLLATE \"C\" LIMIT 2",
        "SELECT u.id, w.v FROM {0}.u JOIN {0}.w ON u.name = w.k ORDER BY u.id",
        "SELECT p.id, u.id FROM {0}.plain p JOIN {0}.u ON u.name = p.name WHERE u.age < 2 ORDER BY 1",
        "SELECT id FROM {0}.plain p WHERE EXISTS (SELECT 1 FROM {0}.w WHERE w.k = p.name) ORDER BY id",
    ]
    for query in queries:
        expected = t.value(query.format("copy"))
        for pushdown in ("on", "off"):
            got = t.value(f"SET pg_sqlite_migrate.pushdown = {pushdown}; " + query.format("f"))
            assert got == expected, f"{query}, pushdown {pushdown}: {got!r} for {expected!r}"


def test_what_would_spoil_an_index_is_refused(t):
    path = application(t)
    before = path.read_bytes()
    t.sql(f"""CREATE SERVER f FOREIGN DATA WRAPPER pg_sqlite_fdw OPTIONS (database {quote(str(path))}, updatable 'true', truncatable 'true');
        CREATE SCHEMA f; IMPORT FOREIGN SCHEMA main FROM SERVER f INTO f""")
    for change in ("INSERT INTO f.w VALUES ('q', 9)", "UPDATE f.w SET v = v + 1", "DELETE FROM f.w WHERE k = 'A'",
                   "INSERT INTO f.u (name) VALUES ('q')", "UPDATE f.u SET age = 7 WHERE id = 1", "DELETE FROM f.u",
                   "TRUNCATE f.w", "INSERT INTO f.d VALUES ('q', 1, '')"):
        with fails(s.UNSUPPORTED, 'cannot be changed\n.*uses collation "(unicase|de DE)"', hint="application"):
            t.sql(change)
    # By a trigger of the file, by a foreign key's look-up.
    with fails(s.UNSUPPORTED, "unicase"):
        t.sql("INSERT INTO f.checked (id, name) VALUES (99, 'q')")
    with fails(s.UNSUPPORTED, "unicase"):
        t.sql("INSERT INTO f.child (id, name) VALUES (99, 'B')")
    t.sql("CREATE FOREIGN TABLE f.view (name text) SERVER f OPTIONS (\"table\" 'names')")
    with fails(s.UNSUPPORTED, "unicase"):
        t.sql("SELECT * FROM f.view")
    assert path.read_bytes() == before, "the file changed"
    t.sql("INSERT INTO f.plain (id, name) VALUES (99, 'q'); UPDATE f.plain SET name = 'r' WHERE id = 99")
    assert t.value("SELECT name FROM f.plain WHERE id = 99") == "r"


@pytest.mark.parametrize("nocase", ["lower", "collation"])
def test_generated_columns_compare_as_sqlite_does(t, nocase):
    """A cast to text is still the column; a COLLATE applies from within an operand; planner's hints hide the column."""
    expressions = ["CAST(r AS TEXT) = 'a'", "CAST(n AS TEXT) = 'a'", "'a' = CAST(n AS TEXT)", "CAST(n AS TEXT) IN ('a')", "CASE CAST(n AS TEXT) WHEN 'a' THEN 1 END",
                   "CAST(n AS TEXT) BETWEEN 'a' AND 'b'", "CAST(r AS TEXT) < 'a'", "likely(n) = 'a'", "upper(r COLLATE RTRIM) = 'A'", "n || 'x' COLLATE NOCASE = 'ax'",
                   "+r = 'a'", "coalesce(n, 'x') = 'a'", "r || '' = 'a'"]
    columns = ", ".join(f"g{i} AS ({expression})" for i, expression in enumerate(expressions))
    if nocase == "collation":
        t.needs("icu")
    path = t.file("a.db", f"CREATE TABLE t (id INTEGER PRIMARY KEY, r TEXT COLLATE RTRIM, n TEXT COLLATE NOCASE, {columns}); INSERT INTO t (id, r, n) VALUES (1, 'a ', 'A'), (2, 'b', 'b')")
    with contextlib.closing(sqlite3.connect(path)) as db:
        expected = db.execute("SELECT * FROM t").fetchall()
    t.import_(path, {"nocase": nocase})
    rows = t.sql("SELECT * FROM t ORDER BY id").rows
    assert [list(row) for row in rows] == [[None if cell is None else str(cell) for cell in row] for row in expected]
