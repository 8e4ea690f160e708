"""`freeze`: rows that everybody sees at once, on pages that the first VACUUM leaves alone, as COPY FREEZE writes them."""

import os
import sqlite3

import pytest

import sqlstates as s
from client import fails
from harness import quote
from heap_pages import broken

FREEZE = {"freeze": True}
# A page with tuples: PostgreSQL 16 and later extend a file by more pages than they need at once.
USED = "EXISTS (SELECT FROM heap_page_items(get_raw_page({table}, blkno::int)))"
# Pages with tuples in a table's file, and of those the all-visible and the all-frozen ones.
PAGES = f"""SELECT (SELECT count(*) FROM generate_series(0, pg_relation_size({{table}}) / 8192 - 1) AS blkno WHERE {USED}),
    v.all_visible, v.all_frozen FROM pg_visibility_map_summary({{table}}) v"""
# Tuples, and those whose xmin is frozen: both hint bits.
FROZEN = """SELECT count(*), count(*) FILTER (WHERE t_infomask & 768 = 768) FROM generate_series(0, pg_relation_size({table}) / 8192 - 1) AS blkno,
    heap_page_items(get_raw_page({table}, blkno::int)) WHERE lp_flags = 1"""
# All bytes of a table's pages with tuples and of its visibility map, but for their LSN: VACUUM takes empty pages off both.
BYTES = f"""SELECT md5(string_agg(encode(substr(get_raw_page({{table}}, fork, blkno::int), 9), 'hex'), '' ORDER BY fork, blkno))
    FROM unnest(ARRAY['main', 'vm']) AS fork, generate_series(0, pg_relation_size({{table}}, fork) / 8192 - 1) AS blkno
    WHERE fork = 'vm' OR {USED}"""
TOAST = "SELECT reltoastrelid::regclass FROM pg_class WHERE oid = {table}::regclass"


@pytest.fixture
def file(t):
    """Some pages of rows, of which some have values that are moved out, and a table that refers to it."""
    t.needs("pageinspect", "pg_visibility", "amcheck")
    t.sql("CREATE EXTENSION pageinspect; CREATE EXTENSION pg_visibility")
    path = t.file("f.db", """CREATE TABLE t (a INTEGER PRIMARY KEY, b TEXT, c BLOB); CREATE INDEX i ON t (b);
        CREATE TABLE u (a INTEGER PRIMARY KEY, t INTEGER REFERENCES t); INSERT INTO u VALUES (1, 1), (2, 2);""")
    with sqlite3.connect(path) as db:
        db.executemany("INSERT INTO t VALUES (?, ?, ?)", ((i, f"text {i}" * 5, os.urandom(5000) if i % 100 == 0 else None) for i in range(2000)))
    db.close()
    return path


def asked(t, query, table):
    return t.value(query.format(table=quote(table)))


def is_frozen(t, table="t"):
    """Every page of the table is marked, and what is marked is so."""
    pages, visible, frozen = asked(t, PAGES, table).split("|")
    tuples, frozen_tuples = asked(t, FROZEN, table).split("|")
    wrong = t.value(f"SELECT (SELECT count(*) FROM pg_check_frozen({quote(table)})) + (SELECT count(*) FROM pg_check_visible({quote(table)}))")
    assert wrong == "0" and broken(t.server, t.database, table) == ""
    return int(pages) > 0 and pages == visible == frozen and tuples == frozen_tuples


def test_every_page_is_frozen_and_vacuum_writes_nothing(t, file):
    rows = t.import_(file, FREEZE)
    assert rows["t"]["detail"] == "inserted as frozen rows" and rows["t"]["imported"] == 2000
    assert is_frozen(t) and is_frozen(t, "u")
    assert broken(t.server, t.database, "t", "t_pkey", "i") == ""
    before = asked(t, BYTES, "t")
    t.sql("VACUUM t")
    assert asked(t, BYTES, "t") == before
    # Rows that are not frozen are written again.
    t.import_(file, {"schema": "plain"})
    before = asked(t, BYTES, "plain.t")
    assert not is_frozen(t, "plain.t")
    t.sql("VACUUM plain.t")
    assert asked(t, BYTES, "plain.t") != before


def test_the_table_is_as_copy_freeze_makes_it(t, file):
    """Its TOAST table, too: tuples are frozen there, and pages are left to VACUUM."""
    t.import_(file, {**FREEZE, "indexes": False})
    copied = quote(str(t.own(t.dir, 0o777) / "copied"))
    t.sql(f"COPY t TO {copied}; BEGIN; CREATE SCHEMA c; CREATE TABLE c.t (a bigint, b text, c bytea); COPY c.t FROM {copied} (FREEZE); COMMIT")
    for query in (PAGES, FROZEN):
        assert asked(t, query, "t") == asked(t, query, "c.t")
        assert asked(t, query, asked(t, TOAST, "t")) == asked(t, query, asked(t, TOAST, "c.t"))
    assert t.value("SELECT count(*) FROM (TABLE t EXCEPT ALL TABLE c.t) q") == "0"


def test_others_see_the_rows_once_the_table_is_there(t, file):
    """The caveat of COPY FREEZE: also those whose snapshot is older."""
    other, session = t.session(), t.session()
    other.run("BEGIN ISOLATION LEVEL REPEATABLE READ; SELECT 1")
    session.run("BEGIN; " + t.call("sqlite_import", file, FREEZE))
    assert other.value("SELECT to_regclass('t')") == ""
    session.run("COMMIT")
    assert other.value("SELECT count(*) FROM t") == "2000"


@pytest.mark.parametrize("begin, message", [
    ("DECLARE c CURSOR FOR SELECT 1", "open cursors or uses older snapshots"),
    ("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ", "open cursors or uses older snapshots"),
    ("SET TRANSACTION ISOLATION LEVEL SERIALIZABLE", "open cursors or uses older snapshots"),
])
def test_a_transaction_with_older_snapshots_is_refused(t, file, begin, message):
    before = t.traces()
    with fails(s.NO_FREEZE, message, r"Set plan\.tables\.t\.freeze to false"):
        t.sql(f"BEGIN; {begin}; " + t.call("sqlite_import", file, FREEZE))
    assert t.traces() == before


@pytest.mark.parametrize("plan, sqlstate, message", [
    ({"existing_rows": "append"}, s.NO_FREEZE, "not created or truncated in the current subtransaction"),
    ({"create": "never"}, s.NO_FREEZE, "not created or truncated in the current subtransaction"),
    ({"constraints": "keep"}, s.NO_FREEZE, "its rows are to be inserted one by one"),
    ({"on_conflict": "skip"}, s.NO_FREEZE, "rows may have to be skipped or updated by their keys"),
    ({"on_conflict": "update", "existing_rows": "truncate"}, s.NO_FREEZE, "rows may have to be skipped or updated by their keys"),
    ({"loader": "pages"}, s.NO_PAGES, "its rows are to be frozen"),
])
def test_tables_that_were_there_are_refused(t, file, plan, sqlstate, message):
    t.sql("CREATE TABLE t (a bigint PRIMARY KEY, b text, c bytea)")
    # One that the caller's own transaction has made is there as well.
    for begin in ("", "BEGIN; TRUNCATE t; ", "BEGIN; TRUNCATE t; SAVEPOINT s; "):
        with fails(sqlstate, message):
            t.sql(begin + t.call("sqlite_import", file, {"include": ["t"], **FREEZE, **plan}))
        assert t.value("SELECT count(*) FROM t") == "0"


@pytest.mark.parametrize("plan", [{"existing_rows": "truncate"}, {"existing_rows": "replace"}])
def test_tables_that_the_import_empties_are_frozen(t, file, plan):
    t.sql("CREATE TABLE t (a bigint PRIMARY KEY, b text, c bytea); CREATE INDEX i ON t (b); INSERT INTO t VALUES (-1)")
    rows = t.import_(file, {"include": ["t"], **FREEZE, **plan})
    assert rows["t"]["imported"] == 2000 and is_frozen(t)
    assert broken(t.server, t.database, "t", "t_pkey", "i") == ""
    assert t.value("SELECT count(*) FROM verify_values() WHERE verdict NOT IN ('equal', 'normalised')") == "0"


def test_one_table_only(t, file):
    rows = t.import_(file, {"tables": {"t": FREEZE}})
    assert rows["t"]["detail"] == "inserted as frozen rows" and rows["u"]["detail"] == "written as pages"
    rows = t.import_(file, {"schema": "other", **FREEZE, "tables": {"t": {"freeze": False}}})
    assert rows["t"]["detail"] == "written as pages" and rows["u"]["detail"] == "inserted as frozen rows"
    assert is_frozen(t, "t") and is_frozen(t, "other.u") and not is_frozen(t, "other.t")


def test_what_is_rolled_back_leaves_nothing(t, file):
    call, before = t.call("sqlite_import", file, FREEZE), t.traces()
    t.sql(f"BEGIN; {call}; ROLLBACK")
    t.sql(f"BEGIN; SAVEPOINT s; {call}; ROLLBACK TO s; COMMIT")
    t.sql(f"DO $$BEGIN PERFORM 1 FROM sqlite_import({quote(str(file))}, '{{\"freeze\": true}}'); RAISE division_by_zero; EXCEPTION WHEN division_by_zero THEN END$$")
    assert t.traces() == before
    t.sql(f"BEGIN; SAVEPOINT s; SAVEPOINT r; {call}; RELEASE r; ROLLBACK TO s; {call}; RELEASE s; COMMIT")
    assert is_frozen(t) and t.value("SELECT count(*) FROM t") == "2000"


def test_a_run_that_goes_on_freezes_what_it_can_load(t, file):
    with sqlite3.connect(file) as db:
        db.execute("CREATE TABLE bad (a INTEGER)")
        db.execute("INSERT INTO bad VALUES ('x')")
    db.close()
    t.sql("CREATE TABLE u (a bigint, t bigint); INSERT INTO u VALUES (-1)")
    plan = {**FREEZE, "on_error": "continue", "existing_rows": "append", "tables": {"bad": {"columns": {"a": {"type": "integer"}}}}}
    rows = t.import_(file, plan)
    assert [rows[name]["status"] for name in ("t", "u", "bad")] == ["loaded", "failed", "failed"]
    assert "not created or truncated" in rows["u"]["detail"]
    assert is_frozen(t) and t.value("SELECT a FROM u") == "-1" and t.value("SELECT to_regclass('bad')") == ""


def test_rows_without_a_parent_leave_the_others_frozen(t, file):
    with sqlite3.connect(file) as db:
        db.execute("INSERT INTO u VALUES (3, 99999)")
    db.close()
    rows = t.import_(file, {**FREEZE, "orphans": "reject"})
    assert (rows["u"]["imported"], rows["u"]["rejected"]) == (2, 1)
    assert t.value("SELECT array_agg(a ORDER BY a) FROM u") == "{1,2}"
    assert asked(t, FROZEN, "u") == "3|3" and broken(t.server, t.database, "u") == ""


def test_columns_that_are_computed_are_there_before_the_load(t, file):
    """To add them after it would write the table anew."""
    with sqlite3.connect(file) as db:
        db.executescript("CREATE VIRTUAL TABLE v USING fts5(title); INSERT INTO v VALUES ('alpha beta'), ('gamma')")
    db.close()
    t.import_(file, FREEZE)
    assert t.value("SELECT count(*) FROM v WHERE search_vector @@ 'beta'") == "1"
    assert is_frozen(t, "v")
    t.import_(file, {"schema": "plain"})
    columns = "SELECT string_agg(attname, ' ' ORDER BY attnum) FROM pg_attribute WHERE attrelid = '{}'::regclass AND attnum > 0"
    assert t.value(columns.format("v")) == t.value(columns.format("plain.v"))


def test_defaults_and_values_of_the_server(t, file):
    """Types of which only their input functions can read values, and columns that the file does not have."""
    t.sql("CREATE TABLE t (a bigint, b varchar(200), c bytea, n numeric DEFAULT 1.5, g text GENERATED ALWAYS AS (b || '!') STORED, CHECK (a >= 0))")
    rows = t.import_(file, {"include": ["t"], **FREEZE, "existing_rows": "truncate"})
    assert rows["t"]["imported"] == 2000 and is_frozen(t)
    assert t.value("SELECT count(*) FROM t WHERE n = 1.5 AND g = b || '!'") == "2000"


def test_an_unlogged_table(t, file):
    t.sql("CREATE UNLOGGED TABLE t (a bigint, b text, c bytea); INSERT INTO t VALUES (-1)")
    t.import_(file, {"include": ["t"], **FREEZE, "existing_rows": "truncate"})
    assert is_frozen(t) and t.value("SELECT count(*) FROM t") == "2000"
