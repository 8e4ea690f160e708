"""Keys that compare by another collation than their column: PostgreSQL refuses exactly what SQLite refuses."""

import itertools
import sqlite3

import pytest

import sqlstates as s
from client import fails
from harness import quote, shared

WORDS = ["Ann", "ANN", "Ann  ", "ann ", "ann", "Bob", "bob  ", "Bob\t", "zoe"]


def accepts_sqlite(path, table, row):
    """Whether SQLite takes one more row."""
    db = sqlite3.connect(path)
    try:
        db.execute(f"INSERT INTO {table} VALUES ({', '.join('?' * len(row))})", row)
        return True
    except sqlite3.IntegrityError:
        return False
    finally:
        db.rollback()
        db.close()


# What each needs of the server.
NEEDS = {"citext": ["citext"], "collation": ["icu"], "lower": []}


@pytest.fixture(params=NEEDS)
def nocase(t, request):
    """What a plan makes of NOCASE."""
    t.needs(*NEEDS[request.param])
    return request.param


def test_nocase_in_a_key(t, nocase):
    """UNIQUE (x COLLATE NOCASE) and a WITHOUT ROWID primary key: 'ANN' is refused beside 'Ann'."""
    path = t.file("74.db", shared("cases", "74-nocase-in-key.sql").read_text())
    t.import_(path, {"nocase": nocase})
    for table in ("u", "p", "q"):
        rows = [("ANN", "5"), ("ann ", "6"), ("bob", "7")]
        wanted = [accepts_sqlite(path, table, row) for row in rows]
        assert (answers(t, table, rows), wanted) == ([False, True, True],) * 2, table
    assert "PRIMARY KEY (a)" in t.constraints("p", "p") and "PRIMARY KEY (a)" in t.constraints("q", "p")


# Table: its columns and keys. Every key is over text columns a and b.
KEYS = {
    "unique_nocase": "a TEXT, b TEXT, UNIQUE (a COLLATE NOCASE)",
    "unique_rtrim": "a TEXT, b TEXT, UNIQUE (a COLLATE RTRIM)",
    "unique_both": "a TEXT, b TEXT, UNIQUE (a COLLATE nocase, b COLLATE Rtrim)",
    "unique_twice": "a TEXT, b TEXT, UNIQUE (a, a COLLATE NOCASE)",
    "unique_binary": "a TEXT COLLATE NOCASE, b TEXT, UNIQUE (a COLLATE BINARY)",
    "unique_rtrim_over_nocase": "a TEXT COLLATE NOCASE, b TEXT, UNIQUE (a COLLATE RTRIM)",
    "column_rtrim": "a TEXT COLLATE RTRIM UNIQUE, b TEXT",
    "column_nocase": "a TEXT COLLATE NOCASE UNIQUE, b TEXT",
    "primary_rtrim": "a TEXT, b TEXT, PRIMARY KEY (a COLLATE RTRIM)",
    "primary_nocase": "a TEXT NOT NULL, b TEXT, PRIMARY KEY (a COLLATE NOCASE, b)",
    "primary_binary": "a TEXT COLLATE NOCASE NOT NULL, b TEXT, PRIMARY KEY (a COLLATE BINARY)",
    "without_rowid": "a TEXT, b TEXT, PRIMARY KEY (a COLLATE NOCASE, b COLLATE RTRIM)) WITHOUT ROWID; --",
    "two_uniques": "a TEXT, b TEXT, UNIQUE (a), UNIQUE (a COLLATE NOCASE)",
}
# Indexes, over (a TEXT, b TEXT COLLATE NOCASE).
INDEXES = {
    "index_nocase": "(a COLLATE NOCASE)", "index_rtrim": "(a COLLATE RTRIM DESC, b)", "index_binary": "(b COLLATE BINARY)",
    "index_rtrim_over_nocase": "(b COLLATE RTRIM)", "index_expression": "(a || '' COLLATE NOCASE)",
    "index_expression_rtrim": "(lower(a) COLLATE RTRIM)", "index_expression_of_nocase": "(b || 'x')", "index_partial": "(a COLLATE RTRIM) WHERE b = 'x'",
}


def test_every_collation_in_every_kind_of_key(t, nocase):
    script = "".join(f"CREATE TABLE {name} ({keys});\n" for name, keys in KEYS.items())
    script += "".join(f"CREATE TABLE {name} (a TEXT, b TEXT COLLATE NOCASE); CREATE UNIQUE INDEX {name}_i ON {name} {index};\n" for name, index in INDEXES.items())
    tables = [*KEYS, *INDEXES]
    script += "".join(f"INSERT INTO {name} VALUES ('Ann', 'x'), ('Bob', 'Y');\n" for name in tables)
    path = t.file("keys.db", script)
    rows = [*itertools.product(WORDS, ["x", "X ", "new"])]
    t.import_(path, {"nocase": nocase})
    for table in tables:
        said = answers(t, table, rows)
        wanted = [accepts_sqlite(path, table, row) for row in rows]
        wrong = [row for row, here, there in zip(rows, said, wanted) if here != there]
        assert not wrong, f"{table}: {wrong}, SQLite {'takes' if wanted[rows.index(wrong[0])] else 'refuses'} the first"
        assert {True, False} <= set(wanted), f"{table} tests nothing"


def answers(t, table, rows):
    """For each row whether PostgreSQL takes it; one script, and nothing stays."""
    tries = "".join(f"""
        BEGIN INSERT INTO {table} VALUES ({quote(a)}, {quote(b)}); RAISE SQLSTATE 'TAKEN';
        EXCEPTION WHEN unique_violation THEN INSERT INTO said VALUES ({n}, false); WHEN SQLSTATE 'TAKEN' THEN INSERT INTO said VALUES ({n}, true); END;
        """ for n, (a, b) in enumerate(rows))
    said = t.value(f"CREATE TEMP TABLE said (n int, ok boolean); DO $$BEGIN {tries} END$$; SELECT ok FROM said ORDER BY n")
    return [line == "t" for line in said.split("\n")]


def test_what_has_no_counterpart_is_said(t):
    """A collation of the application's, and NOCASE where the plan has none."""
    path = t.file("own.db", """
        CREATE TABLE u (a TEXT, b TEXT, UNIQUE (a COLLATE BINARY), UNIQUE (b COLLATE NOCASE)); CREATE INDEX by_b ON u (b COLLATE BINARY);
        INSERT INTO u VALUES ('x', 'y'); PRAGMA writable_schema = ON;
        UPDATE sqlite_schema SET sql = replace(sql, 'a COLLATE BINARY', 'a COLLATE unicase') WHERE name = 'u';
        UPDATE sqlite_schema SET sql = replace(sql, 'BINARY', 'unicase') WHERE name = 'by_b';""")
    found = {(f["severity"], f["object"], f["message"]) for f in t.findings(path, {"nocase": "none"})}
    assert ("warning", "unique constraint on u(a)", 'COLLATE unicase of column "a" is defined by the application and is not carried over') in found, found
    assert ("warning", "index by_b", 'COLLATE unicase of column "b" is defined by the application and is not carried over') in found, found
    assert any(f[1] == "unique constraint on u(b)" and "values that differ in case only are different" in f[2] for f in found), found
    assert not [f for f in t.findings(path, {"nocase": "lower"}) if f["object"] == "unique constraint on u(b)" and f["severity"] == "warning"]


def test_a_primary_key_that_its_column_would_break(t):
    """BINARY over a NOCASE column holds 'Ann' and 'ANN': the import takes them, says so, and its hint works."""
    t.needs("icu")
    path = t.file("p.db", "CREATE TABLE p (a TEXT COLLATE NOCASE, PRIMARY KEY (a COLLATE BINARY)); INSERT INTO p VALUES ('Ann'), ('ANN');")
    said = [f for f in t.findings(path) if f["object"] == "primary key of p"]
    assert len(said) == 1 and said[0]["severity"] == "warning" and "unique index" in said[0]["message"], said
    assert t.import_(path)["p"]["imported"] == 2
    assert (t.constraints("p", "p"), t.value("SELECT attnotnull FROM pg_attribute WHERE attrelid = 'p'::regclass AND attname = 'a'")) == ("", "t")
    assert said[0]["hint"] == 'Set plan.tables.p.nocase to "lower" for a primary key.', said
    t.import_(path, {"schema": "followed", "tables": {"p": {"nocase": "lower"}}})
    assert t.constraints("p", "p", "followed") == "PRIMARY KEY (a)"


def test_foreign_keys_to_such_keys(t):
    """A column that is declared RTRIM or NOCASE stays a target of foreign keys; where NOCASE is an index on lower(), by the letter."""
    t.needs("icu")
    path = t.file("f.db", """
        CREATE TABLE r (a TEXT COLLATE RTRIM UNIQUE, n TEXT COLLATE NOCASE UNIQUE); INSERT INTO r VALUES ('x', 'Y');
        CREATE TABLE p (a TEXT, PRIMARY KEY (a COLLATE NOCASE)) WITHOUT ROWID; INSERT INTO p VALUES ('Key');
        CREATE TABLE c (id INTEGER PRIMARY KEY, a TEXT REFERENCES r(a), n TEXT REFERENCES r(n), p TEXT REFERENCES p); INSERT INTO c VALUES (1, 'x', 'y', 'Key');""")
    t.import_(path, {"schema": "s"})
    assert t.constraints("c", "f", "s").count("FOREIGN KEY") == 3, t.constraints("c", "f", "s")
    with fails(s.DUPLICATE_KEY, "r_a_key1"):
        t.sql("INSERT INTO s.r VALUES ('x ', 'z')")


def test_skip_goes_by_the_collation_of_a_key(t):
    """ON CONFLICT finds the index whatever its collation, and rows are compared by it."""
    t.needs("icu")
    path = t.file("74.db", shared("cases", "74-nocase-in-key.sql").read_text())
    t.import_(path, {"include": ["u"], "nocase": "collation"})
    again = t.file("again.db", "CREATE TABLE u (x TEXT, y TEXT); INSERT INTO u VALUES ('ANN', '2'), ('Bob', '3');")
    row = t.import_(again, {"create": "never", "on_conflict": "skip"})["u"]
    assert (row["imported"], row["skipped"]) == (1, 1) and '("x", "y") = (ANN,2) in the file and (Ann,1) in the table' in row["detail"], row


def test_letters_beyond_ascii(t):
    """'Löwe' and 'LÖWE' are two accounts in SQLite: found before the load, and the hint works."""
    t.needs("citext")
    path = t.file("34.db", shared("cases", "34-nocase.sql").read_text())
    found = [f for f in t.findings(path) if f["severity"] == "blocking"]
    assert [(f["object"], f["message"]) for f in found] == [
        ("unique constraint on acct(username)", "1 group of values is equal if the case of all letters is ignored ('LÖWE' and 'Löwe')")], found
    failed = t.import_fails(path, {}, s.DUPLICATE_KEY, r"^unique constraint on acct\(username\): 1 group .* the case of all letters is ignored", hint="plan.tables.acct.nocase")
    assert failed.hint == 'Set plan.tables.acct.nocase to "lower", which ignores the case of ASCII letters only, as SQLite does. As a plan: {"tables":{"acct":{"nocase":"lower"}}}', failed.hint
    t.import_(path, {"tables": {"acct": {"nocase": "lower"}}})
    assert t.value("SELECT count(*) FROM acct") == "3" and t.value("SELECT id FROM acct2 WHERE username = 'ANNA'") == "1"
    with fails(s.DUPLICATE_KEY, "acct_username_lower_key"):
        t.sql("INSERT INTO acct VALUES (4, 'lÖWE', 'd', 'z')")
    t.sql("INSERT INTO acct VALUES (4, 'löwE ', 'd', 'z')")
    # LIKE works on every such column.
    assert t.value("SELECT string_agg(username, ',') FROM acct2 WHERE username LIKE 'AN%' OR pname ~ '^P2'") == "Anna,berta"
    assert t.value("SELECT count(*) FROM acct WHERE username LIKE 'L%' OR tag LIKE 'A' OR city LIKE 'x%'") == "2"


@pytest.mark.parametrize("nocase, groups", [("citext", "1 group of values is"), ("collation", "2 groups of values are")])
def test_letters_beyond_ascii_in_other_keys(t, nocase, groups):
    """A primary key, a unique index over two columns, and a filter that leaves one of two out. citext takes 'ß' and 'SS' for two."""
    t.needs(*NEEDS[nocase])
    script = """CREATE TABLE p (k TEXT PRIMARY KEY COLLATE NOCASE); INSERT INTO p VALUES ('é'), ('É'), ('straße'), ('STRASSE');
        CREATE TABLE i (a TEXT, b TEXT COLLATE NOCASE); CREATE UNIQUE INDEX i_ab ON i (a, b); INSERT INTO i VALUES ('x', 'ñ'), ('x', 'Ñ'), ('y', 'Ñ');"""
    path = t.file("keys.db", script)
    found = {f["object"]: f["message"] for f in t.findings(path, {"nocase": nocase}) if f["severity"] == "blocking"}
    assert found.keys() == {"primary key of p", "index i_ab"} and found["primary key of p"].startswith(groups), found
    row = t.import_(path, {"on_error": "continue", "nocase": nocase})["p"]
    assert row["imported"] == 4 and groups in row["detail"], row
    where = {"tables": {"p": {"where": "k IN ('é', 'straße')"}, "i": {"where": "b = 'ñ'"}}}
    t.import_(path, {"schema": "filtered", "nocase": nocase, **where})
