"""Pages that a load writes are those that the server itself would have written."""

import random
import sqlite3

import pytest

import sqlstates as s
from client import fails
from heap_pages import broken, differing, tuples

# Lengths at which a header shrinks, a value is moved out, a page is full.
EDGES = [0, 1, 2, 3, 7, 8, *range(122, 132), *range(1960, 2045), *range(8080, 8170, 3), 20_000, 300_000]
# A declared type, the column's type if not by itself, and what it holds.
COLUMNS = [
    ("INTEGER", None, lambda r: r.randint(-2**63, 2**63 - 1)),
    ("INTEGER", "smallint", lambda r: r.randint(-2**15, 2**15 - 1)),
    ("INTEGER", "integer", lambda r: r.randint(-2**31, 2**31 - 1)),
    ("REAL", None, lambda r: r.uniform(-1e9, 1e9)),
    ("REAL", "real", lambda r: float(r.randint(-1000, 1000))),
    ("BOOLEAN", None, lambda r: r.randint(0, 1)),
    ("DATE", None, lambda r: f"20{r.randint(10, 99)}-01-02"),
    ("DATETIME", "timestamptz", lambda r: f"2024-01-02 03:04:{r.randint(10, 59)}"),
    ("TEXT", "uuid", lambda r: f"{r.getrandbits(128):032x}"),
    ("TEXT", "char(9)", lambda r: "x" * r.randint(0, 9)),
    ("TEXT", None, lambda r: text(r)),
    ("TEXT", "varchar(400000)", lambda r: text(r)),
    ("BLOB", None, lambda r: text(r).encode()),
    ("NUMERIC", None, lambda r: r.randint(-10**9, 10**9) / 8),
    ("JSON", None, lambda r: f'{{"a": [{r.randint(0, 9)}, "{text(r, 100)}"]}}'),
    ("TEXT", "interval", lambda r: f"{r.randint(0, 99)} days"),
]


def text(r, most=None):
    """Now and then of a length at an edge; compressible or not."""
    length = r.choice([e for e in EDGES if most is None or e <= most]) if r.random() < 0.2 else r.randint(0, 40)
    return "é" * (length // 2) if r.random() < 0.3 else "".join(r.choices("abcdefghijklmnopqrstuvwxyz0123456789", k=length))


def made(t, name, seed, rows):
    """A file with a table of random columns and rows, and the plan for it."""
    r = random.Random(seed)
    columns = [r.choice(COLUMNS) for _ in range(r.choice([1, 2, 5, 8, 9, 17]))]
    plan = {f"c{i}": {"type": pg_type} for i, (_, pg_type, _) in enumerate(columns) if pg_type}
    nullable = [r.random() < 0.5 for _ in columns]
    declared = ", ".join(f"c{i} {kind}{'' if nullable[i] else ' NOT NULL'}" for i, (kind, _, _) in enumerate(columns))
    path = t.file(name, f"CREATE TABLE t ({declared})")
    with sqlite3.connect(path) as db:
        for _ in range(rows):
            row = [None if nullable[i] and r.random() < 0.3 else value(r) for i, (_, _, value) in enumerate(columns)]
            db.execute(f"INSERT INTO t VALUES ({', '.join('?' * len(row))})", row)
    db.close()
    return path, {"tables": {"t": {"columns": plan}}}


def in_both_ways(t, path, plan):
    """Loads a file's tables as rows and as pages; those of `t` are compared."""
    for loader in ("rows", "pages"):
        t.import_(path, {**plan, "schema": loader, "loader": loader, "analyze": False})
    return differing(t, "rows.t", "pages.t")


@pytest.mark.parametrize("seed", range(24))
def test_random_rows(t, seed):
    t.needs("pageinspect", "amcheck")
    t.sql("CREATE EXTENSION pageinspect")
    path, plan = made(t, "r.db", seed, 400)
    assert in_both_ways(t, path, plan) == []
    assert tuples(t, "pages.t") == 400
    assert broken(t.server, t.database, "pages.t") == ""
    assert t.value("SELECT DISTINCT verdict FROM verify_values() WHERE verdict NOT IN ('equal', 'normalised')") == ""


@pytest.mark.parametrize("length", [*range(124, 128), *range(1996, 2010), 2031, 2032, 2033, 8128, 8129, 8160, 300_000])
def test_rows_at_the_edges_of_a_page(t, length):
    t.needs("pageinspect")
    t.sql("CREATE EXTENSION pageinspect")
    path = t.file("e.db", "CREATE TABLE t (a TEXT)")
    with sqlite3.connect(path) as db:
        r = random.Random(length)
        db.executemany("INSERT INTO t VALUES (?)", [("".join(r.choices("abcdefghijklmnopqrstuvwxyz0123456789", k=length - r.randint(0, 2))),) for _ in range(40)])
    db.close()
    assert in_both_ways(t, path, {}) == []


@pytest.mark.parametrize("declared, plan", [
    ("a INTEGER, b INTEGER AS (a * 2) STORED", {}),
    ("a INTEGER CHECK (a < 100000), b INTEGER DEFAULT 7", {}),
    ("a INTEGER NOT NULL, b TEXT NOT NULL DEFAULT 'x'", {}),
    (", ".join(f"c{i} INTEGER" for i in range(300)), {}),
    (", ".join(f"c{i} INTEGER" for i in range(1500)), {"profile": "none"}),
], ids=["generated", "checked", "not_null", "300", "1500"])
def test_tables_that_the_server_completes(t, declared, plan):
    t.needs("pageinspect")
    t.sql("CREATE EXTENSION pageinspect")
    path = t.file("c.db", f"CREATE TABLE t ({declared})")
    with sqlite3.connect(path) as db:
        first = declared.split()[0]
        db.executemany(f"INSERT INTO t ({first}) VALUES (?)", [(i,) for i in range(3000)])
    db.close()
    assert in_both_ways(t, path, plan) == []


def test_a_fillfactor_is_kept(t):
    t.needs("pageinspect")
    t.sql("CREATE EXTENSION pageinspect")
    path = t.file("f.db", "CREATE TABLE t (a INTEGER, b TEXT); WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 3000)"
                          " INSERT INTO t SELECT i, 'text ' || i FROM n")
    for loader in ("rows", "pages"):
        t.sql(f"BEGIN; CREATE SCHEMA {loader}; CREATE TABLE {loader}.t (a bigint, b text) WITH (fillfactor = 40);"
              + t.call("sqlite_import", path, {"schema": loader, "loader": loader, "create": "never"}) + "; COMMIT")
    assert differing(t, "rows.t", "pages.t") == []
    assert t.value("SELECT pg_relation_size('pages.t') / 8192 > 30") == "t"


def test_the_result_says_how_a_table_was_written(t):
    path = t.file("d.db", "CREATE TABLE t (a); INSERT INTO t VALUES (1)")
    assert t.import_(path, {"schema": "a"})["t"]["detail"] == "written as pages"
    assert t.import_(path, {"schema": "b", "loader": "rows"})["t"]["detail"] is None
    said = t.sql("SET pg_sqlite_migrate.direct_load = off; " + t.call("sqlite_import", path, {"schema": "c"}).replace("*", "detail")).out
    assert said.split("\n")[0] == "inserted as rows: pg_sqlite_migrate.direct_load is off"
    assert t.value("SELECT string_agg(detail, '; ' ORDER BY run) FROM sqlite_migrate.run_table") == "written as pages; inserted as rows: pg_sqlite_migrate.direct_load is off"
    with fails(s.NO_PAGES, 'relation "d"."t" cannot be written as pages', hint='"loader":"auto"'):
        t.sql("SET pg_sqlite_migrate.direct_load = off; " + t.call("sqlite_import", path, {"schema": "d", "loader": "pages"}))


@pytest.mark.parametrize("prepare, reason", [
    ("", "not new in this transaction"),
    ("BEGIN; CREATE INDEX ON x.t (a)", "not new in this transaction"),
    ("BEGIN; DROP TABLE x.t; CREATE TABLE x.t (a bigint PRIMARY KEY)", "has indexes already"),
    ("BEGIN; DROP TABLE x.t; CREATE TABLE x.t (a bigint); CREATE FUNCTION f() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN NEW; END';"
     "CREATE TRIGGER g BEFORE INSERT ON x.t FOR EACH ROW EXECUTE FUNCTION f()", "has triggers"),
    ("BEGIN; DROP TABLE x.t; CREATE TABLE x.t (a bigint); CREATE RULE r AS ON UPDATE TO x.t DO INSTEAD NOTHING", "has rules"),
    ("BEGIN; DROP TABLE x.t; CREATE TABLE x.t (a bigint); CREATE RULE r AS ON INSERT TO x.t DO ALSO NOTHING", "has rules for INSERT"),
    ("BEGIN; DROP TABLE x.t; CREATE TABLE x.t (a bigint); ALTER TABLE x.t ENABLE ROW LEVEL SECURITY", "has row-level security"),
    ("BEGIN; DROP TABLE x.t; CREATE TABLE x.t (a bigint) PARTITION BY RANGE (a); CREATE TABLE x.u PARTITION OF x.t DEFAULT", "is partitioned"),
], ids=["old", "indexed", "keyed", "triggers", "rules", "insert_rules", "policies", "partitioned"])
def test_where_pages_may_not_be_the_plan_is_refused_and_rows_are_inserted(t, prepare, reason):
    path = t.file("o.db", "CREATE TABLE t (a INTEGER); INSERT INTO t VALUES (7)")
    t.sql("CREATE SCHEMA x; CREATE TABLE x.t (a bigint)")
    plan = {"schema": "x", "create": "never", "existing_rows": "append"}
    with fails(s.NO_PAGES, reason, hint='"loader":"auto"'):
        t.sql(f"{prepare}; " + t.call("sqlite_import", path, {**plan, "loader": "pages"}))
    session = t.session()
    session.run(f"{prepare}; " + t.call("sqlite_import", path, plan))
    assert session.value("SELECT a FROM x.t") == "7"


@pytest.mark.parametrize("kind", ["UNLOGGED", "TEMPORARY", ""])
def test_other_kinds_of_tables(t, kind):
    t.needs("amcheck")
    path = t.file("k.db", "CREATE TABLE t (a INTEGER, b TEXT); WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 5000)"
                          " INSERT INTO t SELECT i, 'text ' || i FROM n")
    schema = "pg_temp" if kind == "TEMPORARY" else "k"
    session = t.session()
    session.run(f"CREATE SCHEMA k; BEGIN; CREATE {kind} TABLE {schema}.t (a bigint, b text);")
    name = session.value(f"SELECT relnamespace::regnamespace FROM pg_class WHERE oid = '{schema}.t'::regclass")
    session.run(t.call("sqlite_import", path, {"schema": name, "create": "never", "loader": "pages"}))
    assert session.value(f"SELECT count(*), sum(a), count(b) FROM {schema}.t") == "5000|12502500|5000"
    session.run(f"UPDATE {schema}.t SET b = 'other' WHERE a % 2 = 0; CREATE INDEX i ON {schema}.t (a); DELETE FROM {schema}.t WHERE a % 3 = 0; COMMIT")
    session.run(f"VACUUM (FREEZE) {schema}.t; CLUSTER {schema}.t USING i; ANALYZE {schema}.t")
    assert session.value(f"SELECT count(*), sum(a) FROM {schema}.t") == "3334|8336667"


def test_two_loads_and_ordinary_commands_in_one_transaction(t):
    t.needs("amcheck")
    path = t.file("m.db", "CREATE TABLE t (a INTEGER, b TEXT); WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 4000)"
                          " INSERT INTO t SELECT i, CASE i % 100 WHEN 0 THEN hex(randomblob(3000)) ELSE 'text ' || i END FROM n")
    load = t.call("sqlite_import", path, {"schema": "x", "create": "never", "existing_rows": "append", "loader": "pages"})
    insert = "INSERT INTO x.t SELECT -i, 'own' FROM generate_series(1, 1000) i"
    session = t.session()
    session.run("CREATE SCHEMA x; BEGIN; CREATE TABLE x.t (a bigint, b text)")
    for step in (insert, load, insert, "SAVEPOINT s", load, insert, "ROLLBACK TO s", load, "UPDATE x.t SET b = 'changed' WHERE a = 7", insert):
        session.run(step)
    assert session.value("SELECT count(*), count(DISTINCT a), count(*) FILTER (WHERE b = 'changed') FROM x.t") == "11000|5000|2"
    session.run("CREATE INDEX i ON x.t (a)")
    session.run("COMMIT")
    assert broken(t.server, t.database, "x.t", "x.i") == ""
    session.run("VACUUM (FREEZE) x.t")
    assert session.value("SELECT count(*), sum(length(b)) > 0 FROM x.t") == "11000|t"
    assert broken(t.server, t.database, "x.t", "x.i") == ""


def test_a_savepoint_takes_pages_back(t):
    path = t.file("s.db", "CREATE TABLE t (a INTEGER); WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 20000) INSERT INTO t SELECT i FROM n")
    session = t.session()
    session.run("BEGIN; SAVEPOINT s; " + t.call("sqlite_import", path, {"loader": "pages"}) + "; ROLLBACK TO s")
    assert session.value("SELECT to_regclass('public.t')") == ""
    session.run(t.call("sqlite_import", path, {"loader": "pages"}) + "; COMMIT")
    assert session.value("SELECT count(*) FROM public.t") == "20000"


def test_indexes_are_built_by_workers_in_the_same_transaction(t):
    t.needs("amcheck")
    path = t.file("w.db", "CREATE TABLE t (a INTEGER PRIMARY KEY, b TEXT); CREATE INDEX i ON t (b); WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 60000)"
                          " INSERT INTO t SELECT i, 'text ' || (i * 7919 % 60000) FROM n")
    t.sql("SET max_parallel_maintenance_workers = 2; SET min_parallel_table_scan_size = 0; SET maintenance_work_mem = '256MB'; "
          + t.call("sqlite_import", path, {"loader": "pages"}))
    assert broken(t.server, t.database, "t", "t_pkey", "i") == ""
    assert t.value("SET enable_seqscan = off; SELECT count(*) FROM t WHERE b = 'text 77'").endswith("1")
