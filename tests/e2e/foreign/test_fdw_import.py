"""IMPORT FOREIGN SCHEMA: what it declares is what an import would, and what cannot be is left out with a word."""

import re
import sqlite3

import fdw_ways
from client import fails
from harness import quote

NAMES = ["Ann", "ann", "ANN", "Bob", "bob ", "bob", "", None, "Zoe", "zoë", "a_c", "A_C"]
QUERIES = [
    "SELECT id FROM {t} WHERE name = 'ANN' ORDER BY id", "SELECT id FROM {t} WHERE name IN ('ann', 'BOB') ORDER BY id", "SELECT id FROM {t} WHERE name <> 'ann' ORDER BY id",
    "SELECT count(*), min(id) FROM {t} GROUP BY name ORDER BY 2", "SELECT count(DISTINCT name) FROM {t}", "SELECT x.id, y.id FROM {t} x JOIN {t} y ON x.name = y.name ORDER BY 1, 2",
    "SELECT count(*) FROM (SELECT DISTINCT name FROM {t}) d", "SELECT id FROM {t} WHERE name BETWEEN 'ANN' AND 'ANN' ORDER BY id",
    "SELECT a.id FROM {t} a WHERE EXISTS (SELECT 1 FROM {t} b WHERE b.name = a.name AND b.id > a.id) ORDER BY 1", "SELECT id FROM {t} WHERE plain = 'Ann' ORDER BY id",
]


def warnings(result):
    return re.findall(r'WARNING:  \w+: table "(.*)" of the SQLite file is left out: (.*)', result.told)


def test_nocase_columns_compare_as_the_file_does(t):
    t.needs("icu")
    path = t.file("n.db", "CREATE TABLE n (id INTEGER PRIMARY KEY, name TEXT COLLATE NOCASE, plain TEXT); CREATE INDEX n_name ON n (name);")
    db = sqlite3.connect(path)
    db.executemany("INSERT INTO n (name, plain) VALUES (?1, ?1)", [(name,) for name in NAMES])
    db.commit()
    fdw_ways.server(t, "s", path)
    t.sql("CREATE SCHEMA f; CREATE SCHEMA i; IMPORT FOREIGN SCHEMA main FROM SERVER s INTO f")
    t.import_(path, {"schema": "i"})
    for query in QUERIES:
        expected = "\n".join("|".join(map(str, row)) for row in db.execute(query.format(t="n")))
        for pushdown in ("on", "off"):
            found = t.value(f"SET pg_sqlite_migrate.pushdown = {pushdown}; {query.format(t='f.n')}")
            assert found == expected, (query, pushdown, found, expected)
        assert t.value(query.format(t="i.n")) == expected, query
    # The same again with what was there; a role that may not make it; and plain text where that is wished.
    t.sql("DROP FOREIGN TABLE f.n; IMPORT FOREIGN SCHEMA main FROM SERVER s INTO f; DROP FOREIGN TABLE f.n;"
          "IMPORT FOREIGN SCHEMA main FROM SERVER s INTO f OPTIONS (nocase 'none')")
    assert t.value("SELECT count(*) FROM f.n WHERE name = 'ANN'") == "1"
    with fails("22023", "nocase"):
        t.sql("IMPORT FOREIGN SCHEMA main FROM SERVER s INTO f OPTIONS (nocase 'upper')")


def test_what_cannot_be_is_left_out(t):
    wide = ", ".join(f"c{n} INTEGER" for n in range(1700))
    path = t.file("odd.db", f'CREATE TABLE good (id INTEGER PRIMARY KEY, name TEXT); INSERT INTO good VALUES (1, \'x\'); CREATE TABLE "" (a INTEGER); CREATE TABLE unnamed ("" TEXT, b INTEGER);'
                  f'CREATE TABLE wide ({wide}); CREATE TABLE "ctid" (ctid TEXT, "tableoid" TEXT); CREATE TABLE gone (a); CREATE VIEW lost AS SELECT a FROM gone; CREATE VIEW circle AS SELECT 1 AS a;'
                  'CREATE VIEW strange AS SELECT nobody_knows(id) AS a FROM good; CREATE VIEW sound AS SELECT id FROM good; DROP TABLE gone;'
                  "PRAGMA writable_schema = ON; INSERT INTO sqlite_schema (type, name, tbl_name, rootpage, sql) VALUES ('table', 'virtual', 'virtual', 0, 'CREATE VIRTUAL TABLE virtual USING mystery(a)');"
                  "UPDATE sqlite_schema SET sql = 'CREATE VIEW circle AS SELECT a FROM circle' WHERE name = 'circle'")
    fdw_ways.server(t, "s", path)
    t.sql("CREATE SCHEMA f; CREATE SCHEMA g; CREATE SCHEMA h")
    said = warnings(t.sql("IMPORT FOREIGN SCHEMA main FROM SERVER s INTO f"))
    reasons = {"": "it has no name", "unnamed": "a column of it has no name", "wide": "1700 columns, and PostgreSQL allows at most 1600", "virtual": 'its module "mystery" is not available',
               "lost": "no such table: main.gone", "strange": "no such function: nobody_knows", "circle": "circular"}
    assert sorted(name for name, _ in said) == sorted(reasons), said
    for name, reason in said:
        assert reasons[name] in reason, (name, reason)
    assert t.value("SELECT string_agg(relname, ',' ORDER BY relname) FROM pg_class WHERE relnamespace = 'f'::regnamespace AND relkind = 'f'") == "ctid,good,sound"
    assert t.value("SELECT * FROM f.good") == "1|x"
    # Only what was asked for is spoken of.
    assert warnings(t.sql("IMPORT FOREIGN SCHEMA main LIMIT TO (good, wide) FROM SERVER s INTO g")) == [("wide", "it has 1700 columns, and PostgreSQL allows at most 1600")]
    said = warnings(t.sql("IMPORT FOREIGN SCHEMA main EXCEPT (wide, lost) FROM SERVER s INTO h OPTIONS (import_views 'false')"))
    assert sorted(name for name, _ in said) == ["", "unnamed", "virtual"], said


def test_names_that_the_database_cannot_spell_are_left_out(t):
    path = t.file("names.db", 'CREATE TABLE good (a INTEGER); CREATE TABLE "жук" (a INTEGER); CREATE TABLE columns ("имя" TEXT); CREATE TABLE "é" (a INTEGER)')
    other = t.other_database("latin1", "ENCODING 'LATIN1' LC_COLLATE 'C' LC_CTYPE 'C' TEMPLATE template0")
    said = t.server.run(other, f"SET client_encoding = 'UTF8'; CREATE SERVER s FOREIGN DATA WRAPPER pg_sqlite_fdw OPTIONS (database {quote(str(path))}); IMPORT FOREIGN SCHEMA main FROM SERVER s INTO public")
    assert len(warnings(said)) == 2, said.told
    assert t.server.value(other, "SET client_encoding = 'UTF8'; SELECT string_agg(relname, ',' ORDER BY relname) FROM pg_class WHERE relkind = 'f'") == "good,é"
