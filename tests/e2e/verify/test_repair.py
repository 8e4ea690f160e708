"""verify_repair: the statements that it gives make the tables equal to the file again, in any session."""

import pytest

FILE = """
CREATE TABLE parent(id INTEGER PRIMARY KEY, name TEXT);
CREATE TABLE t(
    id INTEGER PRIMARY KEY, word TEXT, code VARCHAR(5), amount DECIMAL(8,2), ratio REAL, big INTEGER, flag BOOLEAN, doc JSON,
    raw BLOB, token UUID, at DATETIME, stamp DATETIME, day DATE, clock TIME, tags TEXT, span TEXT, parent INTEGER REFERENCES parent);
CREATE TABLE "odd ""name"" x"("the ""key"" x" TEXT PRIMARY KEY, "a b" TEXT) WITHOUT ROWID;
CREATE TABLE two(a REAL, b BLOB, v TEXT, PRIMARY KEY(a, b));
CREATE TABLE times(k DATETIME PRIMARY KEY, v TEXT);
CREATE TABLE keyless(a INTEGER, b TEXT);
INSERT INTO parent VALUES (1, 'one'), (2, 'two');
INSERT INTO t
WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 30)
SELECT i, 'it''s \\ ' || i, 'c' || i, i + 0.25, i / 7.0, i * -1000003, i % 2, '{"a": ' || i || ', "b": ["\\n"]}',
    CAST('raw \\' || i AS BLOB), printf('550e8400-e29b-41d4-a716-%012x', i), datetime('2024-03-01 10:00:00', i || ' hours'),
    1719828000 + i, date('2024-01-01', i || ' days'), time('10:00', i || ' minutes'), '{a,b' || i || ',"c d",NULL}',
    i || ' days -0' || (i % 10) || ':00:01.5', 1 + i % 2 FROM n;
UPDATE t SET ratio = 0.0, word = '', raw = x'' WHERE id = 7;
UPDATE t SET ratio = 1e300, doc = NULL, at = NULL WHERE id = 8;
UPDATE t SET word = 'é😀', stamp = 253402300800, ratio = 5e-324 WHERE id = 9;
INSERT INTO "odd ""name"" x" VALUES ('it''s \\', 'x'), ('"', NULL), ('', 'y');
INSERT INTO two VALUES (-0.5, x'00ff', 'a'), (1e300, x'', 'b'), (0.1, x'5c27', 'c');
INSERT INTO times VALUES ('2024-03-31T01:30:00+01:00', 'a'), ('2024-03-31 02:30', 'b');
INSERT INTO keyless VALUES (1, 'a'), (2, 'b');
"""

PLAN = {"tables": {
    "t": {"columns": {"clock": {"type": "time"}, "tags": {"type": "text[]"}, "span": {"type": "interval"},
                      "stamp": {"type": "timestamp with time zone", "format": "unixepoch"}}},
    "times": {"columns": {"k": {"type": "timestamp with time zone"}}}}}

# Sessions in which a literal of another form would be another value.
SESSIONS = {
    "plain": "",
    "others": """SET DateStyle = 'SQL, DMY'; SET IntervalStyle = 'sql_standard'; SET TimeZone = 'America/New_York';
                 SET bytea_output = 'escape'; SET standard_conforming_strings = off; SET escape_string_warning = off;
                 SET extra_float_digits = -5; SET search_path = ''; SET quote_all_identifiers = on;""",
}


@pytest.fixture
def copy(t):
    path = t.file("t.db", FILE)
    t.import_(path, PLAN)
    assert not wrong(t)
    return t


def wrong(t):
    return [row for row in t.rows("SELECT * FROM verify_values()") if row["verdict"] not in ("equal", "normalised")]


def repaired(t, setting=""):
    """Runs what verify_repair says; its rows."""
    session = t.session()
    steps = t.rows(f"SELECT * FROM verify_repair()")
    session.run(setting)
    for step in steps:
        if step["statement"]:
            session.run([step["statement"]])
    return steps


COLUMNS = ["word", "code", "amount", "ratio", "big", "flag", "doc", "raw", "token", "at", "stamp", "day", "clock", "tags", "span", "parent"]
CORRUPTIONS = {
    "every value is NULL": "UPDATE t SET " + ", ".join(f"{column} = NULL" for column in COLUMNS),
    "all rows are lost": "TRUNCATE t, parent, keyless RESTART IDENTITY; DELETE FROM two; DELETE FROM times; DELETE FROM \"odd \"\"name\"\" x\"",
    "rows are added": """INSERT INTO parent VALUES (3, 'x'); INSERT INTO t (id, parent) VALUES (-1, 3), (99, 3); INSERT INTO two VALUES (7, decode('07', 'hex'), 'x');
                         INSERT INTO times VALUES ('2024-01-01', 'x'); INSERT INTO "odd ""name"" x" VALUES ('''\"', 'x')""",
    "rows have other keys": "UPDATE t SET id = id + 100 WHERE id > 20; UPDATE two SET a = -a; UPDATE times SET k = k + interval '1 microsecond'",
    "values are exchanged": "UPDATE t SET word = o.word, doc = o.doc, raw = o.raw FROM t AS o WHERE o.id = 31 - t.id",
    "values are others": """UPDATE t SET word = word || 'x', code = 'x', amount = -amount, ratio = ratio + 1, big = 0, flag = NOT flag, doc = '[]',
        raw = raw || decode('00', 'hex'), token = '00000000-0000-0000-0000-000000000000', at = 'infinity', stamp = '-infinity', day = '0044-03-15 BC',
        clock = '24:00', span = '1 mon', parent = 1;
        UPDATE two SET v = NULL; UPDATE times SET v = 'x'; UPDATE "odd ""name"" x" SET "a b" = 'z'""",
    "a parent and its children are lost": "DELETE FROM t WHERE parent = 2; DELETE FROM parent WHERE id = 2",
}


@pytest.mark.parametrize("setting", SESSIONS)
@pytest.mark.parametrize("corruption", CORRUPTIONS)
def test_the_statements_make_the_tables_equal(copy, corruption, setting):
    copy.sql(CORRUPTIONS[corruption])
    assert wrong(copy)
    steps = repaired(copy, SESSIONS[setting])
    assert not [row for row in wrong(copy) if row["table"] != "keyless"], steps[:3]
    reasons = {(step["table"], step["key"], step["detail"]) for step in steps if not step["statement"]}
    assert reasons == ({("keyless", f"a = {n}, b = '{v}'", "missing in target: no key tells the row from others") for n, v in ((1, "a"), (2, "b"))}
                       if corruption == "all rows are lost" else set())


def test_deletes_go_around_the_rest_children_before_parents(copy):
    copy.sql("DELETE FROM t WHERE id = 2; INSERT INTO parent VALUES (3, 'x'); UPDATE t SET parent = 3 WHERE id = 1; INSERT INTO t (id, parent) VALUES (40, 3)")
    steps = [(step["table"], step["action"], step["key"]) for step in repaired(copy)]
    assert steps == [("t", "DELETE", "id = 40"), ("t", "UPDATE", "id = 1"), ("t", "INSERT", "id = 2"), ("parent", "DELETE", "id = 3")]
    assert not wrong(copy)


def test_a_cascade_takes_no_row_that_is_to_stay(t):
    path = t.file("t.db", """
        CREATE TABLE parent(id INTEGER PRIMARY KEY, up INTEGER REFERENCES parent ON DELETE CASCADE);
        CREATE TABLE child(id INTEGER PRIMARY KEY, parent INTEGER REFERENCES parent ON DELETE CASCADE);
        INSERT INTO parent VALUES (1, NULL), (2, 1); INSERT INTO child VALUES (10, 1), (11, 2);""")
    t.import_(path)
    t.sql("INSERT INTO parent VALUES (3, NULL); UPDATE parent SET up = 3 WHERE id = 2; UPDATE child SET parent = 3; INSERT INTO child VALUES (12, 3)")
    repaired(t)
    assert not wrong(t)
    assert t.shown("SELECT id, parent FROM child ORDER BY id").split() == ["10|1", "11|2"]


def test_a_key_that_ignores_case_names_one_spelling(t):
    t.needs("icu", "citext")
    path = t.file("t.db", "CREATE TABLE t(k TEXT PRIMARY KEY, v TEXT); INSERT INTO t VALUES ('A', '1'), ('b', '2')")
    t.sql("""CREATE EXTENSION citext;
        CREATE COLLATION nocase (provider = icu, locale = 'und-u-ks-level2', deterministic = false)""")
    for pg_type in ("citext", "text COLLATE nocase"):
        t.sql(f"DROP TABLE IF EXISTS t; CREATE TABLE t(k {pg_type} PRIMARY KEY, v text)")
        t.import_(path, {"create": "never", "existing_rows": "append"})
        t.sql("ALTER TABLE t DROP CONSTRAINT t_pkey; INSERT INTO t VALUES ('a', 'extra'), ('B', 'extra'); UPDATE t SET v = 'x' WHERE k::text = 'A'")
        repaired(t)
        assert t.shown("SELECT k::text, v FROM t ORDER BY v").split() == ["A|1", "b|2"], pg_type


def test_a_statement_names_only_what_is_different(copy):
    copy.sql("UPDATE t SET word = 'x', ratio = 1 WHERE id = 7; UPDATE two SET v = NULL WHERE a = 0.1")
    assert copy.rows("SELECT schema, \"table\", key, action, statement, detail FROM verify_repair(tables => '{t,two}')") == [
        {"schema": "public", "table": "t", "key": "id = 7", "action": "UPDATE", "detail": None, "statement":
         """UPDATE "public"."t" SET "word" = ''::pg_catalog.text, "ratio" = '0.0'::double precision WHERE "id" = '7'::bigint"""},
        {"schema": "public", "table": "two", "key": "a = 0.1, b = x'5c27'", "action": "UPDATE", "detail": None, "statement":
         """UPDATE "public"."two" SET "v" = 'c'::pg_catalog.text WHERE "a" = '0.1'::double precision AND "b" = E'\\\\x5c27'::pg_catalog.bytea"""}]


def test_an_identity_that_is_always_generated_and_generated_columns(t):
    path = t.file("t.db", "CREATE TABLE t(id INTEGER PRIMARY KEY, v TEXT, twice TEXT GENERATED ALWAYS AS (v || v)); INSERT INTO t(id, v) VALUES (1, 'a'), (2, 'b'), (3, 'c')")
    t.sql("CREATE TABLE t(id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY, v text, twice text GENERATED ALWAYS AS (v || v) STORED)")
    t.import_(path, {"create": "never"})
    t.sql("DELETE FROM t WHERE id = 1; UPDATE t SET v = 'x' WHERE id = 2; UPDATE t SET id = DEFAULT WHERE id = 3")
    statements = [step["statement"] for step in repaired(t)]
    assert statements[1] == """INSERT INTO "public"."t" ("id", "v") OVERRIDING SYSTEM VALUE VALUES ('1'::bigint, 'a'::pg_catalog.text)""", statements
    assert not wrong(t) and t.value("SELECT string_agg(twice, ',' ORDER BY id) FROM t") == "aa,bb,cc"


def test_what_the_table_computes_is_left_to_it(t):
    path = t.file("t.db", "CREATE TABLE t(id INTEGER PRIMARY KEY, n INTEGER, twice INTEGER); INSERT INTO t VALUES (1, 2, 4), (2, 5, 99), (3, 6, 12)")
    t.sql("CREATE TABLE t(id bigint PRIMARY KEY, n int, twice int GENERATED ALWAYS AS (n * 2) STORED)")
    t.import_(path, {"create": "never"})
    t.sql("DELETE FROM t WHERE id = 3")
    assert [(step["key"], step["action"], step["detail"]) for step in repaired(t)] == [
        ("id = 2", None, 'different: the table computes column "twice"'), ("id = 3", "INSERT", None)]
    assert t.shown("SELECT id, n, twice FROM t ORDER BY id").split() == ["1|2|4", "2|5|10", "3|6|12"]


def test_policies_of_the_plan_are_kept(t):
    path = t.file("t.db", """
        CREATE TABLE p(id INTEGER PRIMARY KEY);
        CREATE TABLE t(id INTEGER PRIMARY KEY, n INTEGER, day DATE, p INTEGER REFERENCES p, price DECIMAL(6,1), name TEXT, old TEXT);
        INSERT INTO p VALUES (1);
        INSERT INTO t VALUES (1, 'x', '', 9, 1.25, 'abcdef', NULL), (2, 2, '2024-01-01', 1, 2, 'ab', 'b');""")
    t.sql("CREATE TABLE p(id bigint PRIMARY KEY); CREATE TABLE t(id bigint PRIMARY KEY, n int, day date, p bigint REFERENCES p, price numeric(6,1),"
          " name varchar(3), old text NOT NULL DEFAULT 'none')")
    t.import_(path, {"create": "never", "orphans": "null", "tables": {"t": {"excess": "truncate", "null_to_default": True, "columns": {
        "n": {"on_invalid": "null"}, "day": {"null_values": [""]}}}}})
    assert not wrong(t)
    before = t.rows("SELECT * FROM t ORDER BY id")
    assert before[0] == {"id": 1, "n": None, "day": None, "p": None, "price": 1.2, "name": "abc", "old": "none"}
    t.sql("DELETE FROM t")
    repaired(t)
    assert t.rows("SELECT * FROM t ORDER BY id") == before and not wrong(t)


def test_what_cannot_be_repaired_says_why(t):
    path = t.file("t.db", "CREATE TABLE t(id INTEGER PRIMARY KEY, v TEXT); CREATE TABLE e(id INTEGER PRIMARY KEY, v TEXT); CREATE TABLE gone(id INTEGER PRIMARY KEY);"
                          "INSERT INTO t VALUES (1, 'a'), (2, 'b'); INSERT INTO e VALUES (1, 'a'); INSERT INTO gone VALUES (1)")
    t.sql("CREATE TABLE e(id bigint PRIMARY KEY, v text); INSERT INTO e VALUES (7, 'old'), (8, 'old')")
    t.import_(path, {"existing_rows": "append"})
    t.sql("ALTER TABLE t DROP CONSTRAINT t_pkey; INSERT INTO t VALUES (1, 'again'); DELETE FROM e WHERE id = 8; DROP TABLE gone")
    assert sorted((row["table"], row["key"] or "", row["detail"]) for row in t.rows("SELECT * FROM verify_repair()")) == [
        ("e", "", "1 row that was there before the run is missing, and the file does not have them"),
        ("gone", "", "it does not exist any more"),
        ("t", "id = 1", "missing in source: another row of the table has the same key")]
    t.sql("INSERT INTO e VALUES (9, 'x'), (10, 'x')")
    [row] = t.rows("SELECT * FROM verify_repair(tables => '{e}')")
    assert (row["statement"], row["detail"]) == (
        None, "missing in source: rows that were there before the run are in the table, and this may be one of them")


def test_nothing_is_changed_and_nothing_is_to_be_done(copy):
    assert copy.rows("SELECT * FROM verify_repair()") == []
    copy.sql("UPDATE t SET word = 'x' WHERE id = 1")
    copy.sql("BEGIN READ ONLY; SELECT * FROM verify_repair(); COMMIT")
    assert copy.value("SELECT word FROM t WHERE id = 1") == "x"
    copy.attempt("SELECT * FROM verify_repair(tables => '{nothing}')").failed("22023", 'no table "nothing" was loaded')
    copy.attempt("SELECT * FROM verify_repair(run => 99)").failed("42704", "there is no recorded run")
