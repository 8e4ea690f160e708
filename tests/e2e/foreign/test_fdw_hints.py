"""What the hints about changing foreign tables advise works: each is followed, in every way that it names."""

import sqlite3

import pytest

from client import fails
from fdw_ways import server

# The foreign table lacks column b, and with it the primary key.
PAIRS = """CREATE TABLE p (a TEXT, b INTEGER, code TEXT UNIQUE, v TEXT, PRIMARY KEY (a, b)) WITHOUT ROWID;
           INSERT INTO p VALUES ('x', 1, 'c1', 'old'), ('x', 2, 'c2', 'old'), ('y', 1, 'c3', 'old');"""
CHANGES = {"UPDATE": ("UPDATE p SET v = 'new' WHERE code = 'c2'", ["old", "new", "old"]),
           "UPDATE, row by row": ("UPDATE p SET v = 'new' WHERE code = 'c2' AND random() >= 0", ["old", "new", "old"]),
           "DELETE": ("DELETE FROM p WHERE code = 'c2'", ["old", "old"])}
# Ways of following the hints: adding the key's column, or marking another key.
KEYS = {"column": "ALTER FOREIGN TABLE p ADD b bigint", "option": "ALTER FOREIGN TABLE p ALTER code OPTIONS (ADD key 'true')"}


def rows(path):
    return [v for v, in sqlite3.connect(path).execute("SELECT v FROM p ORDER BY a, b")]


def pairs(t, a=""):
    path = t.file("p.db", PAIRS)
    server(t, "s", path, ", updatable 'true'")
    t.sql(f"CREATE FOREIGN TABLE p (a text{a}, code text, v text) SERVER s")
    return path


@pytest.mark.parametrize("way", KEYS)
@pytest.mark.parametrize("change", CHANGES)
def test_a_table_without_a_key(t, change, way):
    path = pairs(t)
    sql, after = CHANGES[change]
    with fails("55000", "rows of foreign table .p. have no key", hint="Add the columns of the file's primary key to the foreign table, or set option \"key\" to 'true' on other columns"):
        t.sql(sql)
    t.sql(KEYS[way])
    t.sql(sql)
    assert rows(path) == after


@pytest.mark.parametrize("way", ("column", "option"))
def test_a_key_that_is_not_unique(t, way):
    path = pairs(t, " OPTIONS (key 'true')")
    sql, after = CHANGES["UPDATE, row by row"]
    with fails("21000", "the key of table .p. identifies 2 rows", hint="Set option \"key\" to 'true' on columns that are unique together"):
        t.sql(sql)
    assert rows(path) == ["old"] * 3, "nothing was changed"
    t.sql(KEYS[way])
    t.sql(sql)
    assert rows(path) == after


@pytest.mark.parametrize("rowid", (-1, 1 << 48, 2**63 - 1))
def test_a_rowid_that_is_no_ctid(t, rowid):
    """"Add the table's INTEGER PRIMARY KEY to the foreign table, or a primary key to the table.\""""
    hint = "Add the table's INTEGER PRIMARY KEY to the foreign table, or a primary key to the table"
    change = "UPDATE {} SET v = 'new' WHERE random() >= 0"
    path = t.file("p.db", f"CREATE TABLE p (id INTEGER PRIMARY KEY, v TEXT); INSERT INTO p VALUES ({rowid}, 'old');"
                          f"CREATE TABLE q (a TEXT, v TEXT); INSERT INTO q (rowid, a, v) VALUES ({rowid}, 'x', 'old')")
    server(t, "s", path, ", updatable 'true'")
    t.sql("CREATE FOREIGN TABLE p (v text) SERVER s; CREATE FOREIGN TABLE q (a text, v text) SERVER s")
    for table in "pq":
        with fails("54000", f"rowid {rowid} does not fit a ctid", hint=hint):
            t.sql(change.format(table))
    t.sql("ALTER FOREIGN TABLE p ADD id bigint")
    t.sql(change.format("p"))
    db = sqlite3.connect(path, isolation_level=None)
    assert db.execute("SELECT * FROM p").fetchall() == [(rowid, "new")]
    # SQLite adds no primary key to a table: it is made anew.
    db.execute("ALTER TABLE q RENAME TO old")
    db.execute("CREATE TABLE q (id INTEGER PRIMARY KEY, a TEXT, v TEXT)")
    db.execute("INSERT INTO q SELECT rowid, a, v FROM old")
    db.execute("DROP TABLE old")
    db.close()
    t.sql("DROP FOREIGN TABLE q; IMPORT FOREIGN SCHEMA main LIMIT TO (q) FROM SERVER s INTO public")
    t.sql(change.format("q"))
    assert sqlite3.connect(path).execute("SELECT * FROM q").fetchall() == [(rowid, "x", "new")]
