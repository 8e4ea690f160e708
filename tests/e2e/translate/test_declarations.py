"""Declarations that PostgreSQL has in another way: each has a rule, which docs/translate.md states."""


def test_strict_tables(t):
    path = t.file("s.db", "CREATE TABLE s (id INTEGER PRIMARY KEY, i INT, r REAL, x TEXT, b BLOB, a ANY) STRICT; INSERT INTO s VALUES (1, 2, 2.5, 'x', x'00', 'any'), (2, NULL, 3, NULL, NULL, 7);")
    t.import_(path, {"verify": "values"})
    found = {row["attname"]: row["t"] for row in t.rows("SELECT attname, format_type(atttypid, atttypmod) AS t FROM pg_attribute WHERE attrelid = 's'::regclass AND attnum > 0")}
    assert found == {"id": "bigint", "i": "bigint", "r": "double precision", "x": "text", "b": "bytea", "a": "text"}
    assert t.value("SELECT string_agg(a, ',' ORDER BY id) FROM s") == "any,7"


def test_keys_without_rowid_and_descending(t):
    path = t.file("k.db", """CREATE TABLE w (a TEXT, b INTEGER, PRIMARY KEY (a, b DESC)) WITHOUT ROWID; INSERT INTO w VALUES ('x', 1), ('x', 2);
        CREATE TABLE d (id INTEGER PRIMARY KEY DESC, v TEXT, UNIQUE (v DESC)); INSERT INTO d VALUES (5, 'a'), (NULL, 'b');
        CREATE INDEX down ON w (b DESC);""")
    t.import_(path, {"keys": "as_data_allows"})
    assert t.value("SELECT pg_get_constraintdef(oid) FROM pg_constraint WHERE conrelid = 'w'::regclass AND contype = 'p'") == "PRIMARY KEY (a, b)"
    assert t.constraints("d", "u") == "UNIQUE (v)"
    assert "(b DESC)" in t.value("SELECT pg_get_indexdef('down'::regclass)")
    # Not the rowid, and so it may be NULL: a unique index.
    assert t.value("SELECT string_agg(coalesce(id::text, '-'), ',' ORDER BY v) FROM d") == "5,-"
    assert t.value("SELECT attidentity FROM pg_attribute WHERE attrelid = 'd'::regclass AND attname = 'id'") == ""


def test_deferrable_keys(t):
    path = t.file("f.db", """CREATE TABLE p (id INTEGER PRIMARY KEY); CREATE TABLE c (a REFERENCES p DEFERRABLE INITIALLY DEFERRED, b REFERENCES p DEFERRABLE, c REFERENCES p NOT DEFERRABLE INITIALLY DEFERRED, d INTEGER REFERENCES p, e INTEGER REFERENCES p MATCH FULL);
        INSERT INTO p VALUES (1); INSERT INTO c VALUES (1, 1, 1, 1, 1);""")
    t.import_(path)
    rows = t.rows("SELECT conname, condeferrable, condeferred, confmatchtype FROM pg_constraint WHERE contype = 'f' AND conrelid = 'c'::regclass ORDER BY conname")
    assert [(row["condeferrable"], row["condeferred"]) for row in rows] == [(True, True), (True, False), (False, False), (False, False), (False, False)]
    assert {row["confmatchtype"] for row in rows} == {"s"}


def test_conflict_clauses(t):
    path = t.file("c.db", """CREATE TABLE c (id INTEGER PRIMARY KEY ON CONFLICT REPLACE, a TEXT UNIQUE ON CONFLICT IGNORE, b INTEGER NOT NULL ON CONFLICT REPLACE DEFAULT 5,
        d INTEGER, e INTEGER UNIQUE ON CONFLICT ABORT, UNIQUE (b, d) ON CONFLICT ROLLBACK); INSERT INTO c VALUES (1, 'x', NULL, 1, 1); CREATE TABLE plain (a UNIQUE);""")
    [found] = [f for f in t.findings(path, {}) if f["kind"] == "conflict_clause"]
    assert (found["object"], found["severity"]) == ("c", "warning")
    assert found["message"] == ('a row that breaks a constraint is an error in PostgreSQL, in spite of PRIMARY KEY ON CONFLICT REPLACE; UNIQUE ("a") ON CONFLICT IGNORE; '
                                'UNIQUE ("b", "d") ON CONFLICT ROLLBACK; NOT NULL of "b" ON CONFLICT REPLACE')
    path = t.file("r.db", "CREATE TABLE r (id INTEGER PRIMARY KEY ON CONFLICT REPLACE, a TEXT); INSERT INTO r VALUES (1, 'x');")
    t.import_(path)
    assert t.attempt("INSERT INTO r VALUES (1, 'y')").sqlstate == "23505"
    # The hint, followed.
    t.sql(t.value(f"SELECT statement FROM sqlite_translate('INSERT INTO r VALUES (1, ''y'')', '{path}')"))
    assert t.value("SELECT a FROM r") == "y"
