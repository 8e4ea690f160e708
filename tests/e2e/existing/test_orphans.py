"""Rows without a parent: which are asked about, what becomes of them, what is said before, and what it costs."""

import json
import re
import threading
import time

import pytest

import sqlstates as s
from harness import shared

APPEND = {"create": "never", "existing_rows": "append"}
FAMILY = """CREATE TABLE p (id INTEGER PRIMARY KEY); CREATE TABLE c (id INTEGER PRIMARY KEY, p INTEGER REFERENCES p);
            INSERT INTO p VALUES (1), (2); INSERT INTO c VALUES (11, 1), (12, 2), (13, 77), (14, NULL);"""
# What the load leaves of the file's children.
LEFT = {"reject": "11:1 12:2 14:", "null": "11:1 12:2 13: 14:"}


def children(t):
    return t.value("SELECT string_agg(concat(id, ':', p), ' ' ORDER BY id) FROM c WHERE id > 10")


def make(t, key="REFERENCES p", more=""):
    """Tables with two rows that have no parent, as disabled triggers or a restore leave them."""
    t.sql(f"""DROP TABLE IF EXISTS c, p CASCADE; CREATE TABLE p (id int PRIMARY KEY); INSERT INTO p VALUES (9);
        CREATE TABLE c (id int PRIMARY KEY, p int {key}); {more}
        SET session_replication_role = replica; INSERT INTO c VALUES (1, 98), (2, 99), (3, 9), (4, NULL)""")


def kept(t):
    return t.value("SELECT string_agg(concat(id, ':', p), ' ' ORDER BY id) FROM c WHERE id < 10") == "1:98 2:99 3:9 4:"


def rejected(t):
    return t.value("SELECT coalesce(string_agg(values ->> 'id', ' ' ORDER BY id), '') FROM sqlite_migrate.reject")


def existing_orphans(t, path, plan):
    return [f["message"] for f in t.findings(path, plan) if re.search("existing rows? points?", f["message"])]


# Only rows of the load


@pytest.mark.parametrize("key, more, plan", (
        ("REFERENCES p", "", {}),
        ("REFERENCES p", "", {"constraints": "keep"}),
        ("REFERENCES p", "", {"on_error": "continue"}),
        ("REFERENCES p", "", {"fire_triggers": True}),
        ("REFERENCES p DEFERRABLE INITIALLY DEFERRED", "", {}),
        ("", "ALTER TABLE c ADD FOREIGN KEY (p) REFERENCES p NOT VALID;", {}),
        ("", "ALTER TABLE c ADD FOREIGN KEY (p) REFERENCES p NOT VALID;", {"on_error": "continue"}),
        ("", "DROP TABLE c; CREATE TABLE c (id int, p int REFERENCES p) PARTITION BY RANGE (id);"
             "CREATE TABLE c_1 PARTITION OF c DEFAULT;", {}),
    ))
def test_rows_that_were_there_are_left_alone(t, key, more, plan):
    path = t.file("f.db", FAMILY)
    said = ['2 existing rows point to no row of "p"; the import does not change existing rows']
    for orphans in LEFT:
        make(t, key, more)
        whole = {**APPEND, **plan, "orphans": orphans}
        assert existing_orphans(t, path, whole) == said, (whole, existing_orphans(t, path, whole))
        row = t.import_(path, whole)["c"]
        assert kept(t) and children(t) == LEFT[orphans], (key, whole, children(t))
        assert row["rejected"] == (orphans == "reject"), whole
        assert rejected(t) == ("13" if orphans == "reject" else ""), whole
        t.sql("SELECT sqlite_forget(id) FROM sqlite_migrate.run")


def test_what_was_there_does_not_stop_an_import(t):
    path = t.file("f.db", FAMILY.replace(", (13, 77)", ""))
    for plan in ({}, {"constraints": "keep"}, {"on_error": "continue"}):
        make(t)
        assert t.import_(path, {**APPEND, **plan})["c"]["imported"] == 3
        assert kept(t), plan
    make(t)
    t.import_fails(t.file("f.db", FAMILY), APPEND, s.ORPHANS, r'"public.c" have no parent in "public.p"\n1 rows?, .*\(p\) = \(77\)')


def test_rows_of_the_same_transaction_are_left_alone(t):
    """The same transaction id, and another command: in the transaction itself, in a savepoint, and after a failure."""
    path = t.file("f.db", FAMILY)
    stray = "SET LOCAL session_replication_role = replica; INSERT INTO c VALUES (5, 66); SET LOCAL session_replication_role = origin;"
    for orphans in LEFT:
        for before, after in ((stray, ""), ("SAVEPOINT a; " + stray, "RELEASE a;"), (stray + "SAVEPOINT a; ", "RELEASE a;"),
                              ("SAVEPOINT a; UPDATE c SET p = p WHERE id = 3; ROLLBACK TO a; " + stray, "")):
            make(t)
            t.sql(f"BEGIN; {before} {t.call('sqlite_import', path, {**APPEND, 'orphans': orphans})}; {after} COMMIT")
            assert t.value("SELECT p FROM c WHERE id = 5") == "66" and children(t) == LEFT[orphans], (orphans, before)


def test_rows_are_told_apart_where_the_load_fills_gaps(t):
    """Free space lies before and between rows that were there: an address alone does not tell which came when."""
    values = ", ".join(f"({i}, {1 if i % 10 else 77})" for i in range(10_001, 13_001))
    path = t.file("f.db", FAMILY.replace("(11, 1), (12, 2), (13, 77), (14, NULL)", values))
    for orphans in LEFT:
        make(t, more="ALTER TABLE c ADD pad text DEFAULT repeat('x', 50);")
        t.sql("""SET session_replication_role = replica; INSERT INTO c SELECT i, 55 FROM generate_series(101, 2100) i;
                 DELETE FROM c WHERE id > 10 AND id % 4 > 0; """)
        t.sql("VACUUM c")
        t.import_(path, {**APPEND, "orphans": orphans})
        assert kept(t) and t.value("SELECT count(*) FROM c WHERE id BETWEEN 101 AND 2100 AND p = 55") == "500"
        assert t.value("SELECT count(*) || ' ' || count(p) FROM c WHERE id > 10000") == {"reject": "2700 2700", "null": "3000 2700"}[orphans]


def test_two_keys_of_one_table_lose_their_values(t):
    """Rows that lost one key have been written anew, and are still rows of the load."""
    path = t.file("f.db", """CREATE TABLE p (id INTEGER PRIMARY KEY); INSERT INTO p VALUES (1);
        CREATE TABLE c (id INTEGER PRIMARY KEY, a INTEGER REFERENCES p, b INTEGER REFERENCES p);
        INSERT INTO c VALUES (11, 7, 8), (12, 1, 8), (13, 7, 1)""")
    for plan in ({}, {"on_error": "continue"}):
        t.sql("""DROP TABLE IF EXISTS c, p; CREATE TABLE p (id int PRIMARY KEY);
            CREATE TABLE c (id int PRIMARY KEY, a int REFERENCES p, b int REFERENCES p);
            SET session_replication_role = replica; INSERT INTO c VALUES (1, 98, 99)""")
        t.import_(path, {**APPEND, **plan, "orphans": "null"})
        assert t.value("SELECT string_agg(concat_ws(':', id, a, b), ' ' ORDER BY id) FROM c") == "1:98:99 11 12:1 13:1"


def test_a_row_that_was_there_may_find_a_parent_and_lose_none(t):
    """The row that was there points to a row of the load which goes: it is as it was before."""
    t.sql("""CREATE TABLE g (id int PRIMARY KEY); CREATE TABLE p (id int PRIMARY KEY, g int REFERENCES g);
        CREATE TABLE c (id int PRIMARY KEY, p int); INSERT INTO c VALUES (1, 1), (2, 2);
        ALTER TABLE c ADD FOREIGN KEY (p) REFERENCES p NOT VALID""")
    path = t.file("f.db", """CREATE TABLE p (id INTEGER PRIMARY KEY, g INTEGER); INSERT INTO p VALUES (1, 5), (2, NULL);
        CREATE TABLE c (id INTEGER PRIMARY KEY, p INTEGER REFERENCES p); INSERT INTO c VALUES (11, 1), (12, 2)""")
    rows = t.import_(path, {**APPEND, "orphans": "reject"})
    assert (rows["p"]["rejected"], rows["c"]["rejected"]) == (1, 1), rows
    assert t.value("SELECT string_agg(concat(id, ':', p), ' ' ORDER BY id) FROM c") == "1:1 2:2 12:2"


def test_a_role_that_may_not_look_is_told_so(t):
    make(t)
    clerk = t.role("clerk", "pg_read_server_files", "SELECT, INSERT ON c")
    path = t.file("c.db", "CREATE TABLE c (id INTEGER PRIMARY KEY, p INTEGER); INSERT INTO c VALUES (11, 9)")
    found = t.sql(f"SELECT message FROM sqlite_findings('{path}', '{json.dumps(APPEND)}')", user=clerk).out
    assert "were not checked for parents: the caller may not read the table that it references" in found, found
    t.sql(t.call("sqlite_import", path, APPEND), user=clerk)


# Operators


@pytest.mark.parametrize("types, left", (({"TEXT": "citext"}, "1 2 3"), ({"TEXT": "elsewhere.name"}, "1 2 3"), ({}, "3")))
def test_a_key_still_to_be_made_compares_by_its_type(t, types, left):
    t.needs("citext")
    t.sql("CREATE EXTENSION citext; CREATE SCHEMA elsewhere; CREATE DOMAIN elsewhere.name AS citext")
    path = t.file("f.db", """CREATE TABLE p (id TEXT PRIMARY KEY); CREATE TABLE c (id INTEGER PRIMARY KEY, p TEXT REFERENCES p);
        INSERT INTO p VALUES ('Ann'), ('bob'); INSERT INTO c VALUES (1, 'ann'), (2, 'BOB'), (3, 'Ann'), (4, 'cid')""")
    for path_of_session in ("public", "elsewhere", "pg_catalog"):
        t.sql("DROP TABLE IF EXISTS c, p")
        spelt = {k: v if "." in v else f"public.{v}" for k, v in types.items()}
        plan = {"schema": "public", "types": spelt, "orphans": "reject"}
        t.sql(f"SET search_path = {path_of_session}; {t.call('public.sqlite_import', path, plan)}")
        assert t.value("SELECT string_agg(id::text, ' ' ORDER BY id) FROM c") == left, (types, path_of_session)


def test_operators_of_others_are_not_called(t):
    """An operator of the same name is on the path, and is a better match than the one that is meant."""
    t.sql("""CREATE SCHEMA trap; CREATE TYPE trap.state AS ENUM ('a', 'b');
        CREATE FUNCTION trap.own() RETURNS bool LANGUAGE plpgsql AS $$ BEGIN RAISE EXCEPTION 'own code ran'; END $$;
        CREATE FUNCTION trap.same(trap.state, trap.state) RETURNS bool LANGUAGE sql AS 'SELECT trap.own()';
        CREATE OPERATOR trap.= (LEFTARG = trap.state, RIGHTARG = trap.state, FUNCTION = trap.same);
        CREATE FUNCTION trap.same(bigint, bigint) RETURNS bool LANGUAGE sql AS 'SELECT trap.own()';
        CREATE OPERATOR trap.= (LEFTARG = bigint, RIGHTARG = bigint, FUNCTION = trap.same);
        """)
    path = t.file("f.db", """CREATE TABLE p (id TEXT PRIMARY KEY, n INTEGER UNIQUE);
        CREATE TABLE c (id INTEGER PRIMARY KEY, p TEXT REFERENCES p, n INTEGER REFERENCES p(n));
        INSERT INTO p VALUES ('a', 1); INSERT INTO c VALUES (1, 'a', 1), (2, 'b', 1), (3, 'a', 2)""")
    plan = {"schema": "public", "types": {"TEXT": "trap.state"}, "orphans": "reject"}
    t.sql(f"SET search_path = trap, pg_catalog, public; {t.call('public.sqlite_import', path, plan)}")
    assert t.value("SELECT string_agg(id::text, ' ' ORDER BY id) FROM public.c") == "1"


EXPRESSIONS = """
    CREATE TABLE p (id TEXT PRIMARY KEY); INSERT INTO p VALUES ('a');
    CREATE TABLE c (id INTEGER PRIMARY KEY, p TEXT REFERENCES p, n INTEGER CHECK (n > 0 AND n + 1 <> 5),
        twice INTEGER AS (n * 2 + abs(n)), label TEXT AS (lower(p) || '-' || substr(p, 1, 2)),
        at DATETIME DEFAULT CURRENT_TIMESTAMP, u BLOB DEFAULT (randomblob(16)), CHECK (p LIKE 'a%' OR length(trim(p)) = 1));
    INSERT INTO c (id, p, n, at) VALUES (1, 'a', 1, '2024-01-01 00:00:00'), (2, 'b', 2, '2024-01-01 00:00:00');
    CREATE INDEX c_expression ON c (upper(p), n - 1 DESC) WHERE n >= 1 AND p < 'z' AND p GLOB '[a-c]*';"""


def test_nothing_that_is_made_names_what_others_have_put_on_the_path(t):
    """Functions, operators, types and a collation of the same names come first on the path: every expression, index
    and key is made of the server's own nevertheless."""
    path = t.file("f.db", EXPRESSIONS)
    body = "LANGUAGE plpgsql IMMUTABLE AS $$ BEGIN RAISE EXCEPTION 'own code ran'; END $$"
    functions = ["abs(bigint)", "lower(text)", "upper(text)", "length(text)", "btrim(text)", "substr(text, int, int)", "now()",
                 "max(bigint)", "gen_random_uuid()", "setval(regclass, bigint, bool)", "pg_get_serial_sequence(text, text)"]
    operators = [(o, x) for o in ("=", "<>", "<", ">", "<=", ">=", "+", "-", "*", "||", "~", "~~") for x in ("text", "bigint")]
    traps = "".join(f"CREATE FUNCTION trap.{f} RETURNS text {body};" for f in functions) + "".join(
        f"CREATE FUNCTION trap.own_{i}({x}, {x}) RETURNS bool {body}; CREATE OPERATOR trap.{o} (LEFTARG = {x}, RIGHTARG = {x}, FUNCTION = trap.own_{i});"
        for i, (o, x) in enumerate(operators))
    other = t.other_database("plain")
    plan = {"orphans": "reject", "schema": "made"}
    t.server.run(other, t.call("sqlite_import", path, plan))
    t.sql(f"""CREATE SCHEMA trap; {traps} CREATE DOMAIN trap.text AS pg_catalog.int4; CREATE DOMAIN trap.timestamptz AS pg_catalog.int4;
        CREATE DOMAIN trap.tid AS pg_catalog.int4; CREATE COLLATION trap."C" (locale = 'C.UTF-8')""")
    t.sql(f"SET search_path = trap, pg_catalog, public; {t.call('public.sqlite_import', path, plan)}")
    made = lambda database: re.sub("(?s)^.*?CREATE SCHEMA made", "CREATE SCHEMA made", re.sub(
        r"(?ms)^-- Name: [^\n]*Schema: (trap|-);.*?(?=^-- Name: )", "", t.server.dump_schema(database)))
    assert "c_expression" in made(other) and made(t.database) == made(other)
    assert t.value("SELECT string_agg(id || label || twice, ' ') FROM made.c") == "1a-a3"


# What the log keeps


def test_the_log_takes_what_json_does_not(t):
    xml = "xml" if "xml" in t.server.features else "text"
    t.sql(f"""CREATE TABLE p (id int PRIMARY KEY); CREATE TYPE pair AS (a json, b float8);
        CREATE TABLE c (id int PRIMARY KEY, p int REFERENCES p, j json, jb jsonb, f float8, n numeric, r tstzrange, x {xml},
            b bytea, at timestamptz, ja json[], pr pair, ok boolean, t text)""")
    deep = "[" * 100 + "]" * 100
    cells = {
        1: ("j", '{"a": "\\u0000"}', {"json": '{"a": "\\u0000"}'}),
        2: ("j", '["\\ud800"]', {"json": '["\\ud800"]'}),
        3: ("j", '{"a": 1e400000}', {"json": '{"a": 1e400000}'}),
        4: ("j", deep, json.loads(deep)),
        5: ("j", '{"a": [1, {"b": null}], "n": 12345678901234567890.5}', {"a": [1, {"b": None}], "n": 12345678901234567890.5}),
        6: ("jb", '{"k": "v"}', {"k": "v"}),
        8: ("f", None, {"number": "-Infinity"}),
        10: ("n", "12345678901234567890.123456789", 12345678901234567890.123456789),
        11: ("x", "<a>é</a>", "<a>é</a>"),
        12: ("r", "[2024-01-02 00:00:00+00,2024-01-03 00:00:00+00)", '["2024-01-02 00:00:00+00","2024-01-03 00:00:00+00")'),
        14: ("at", "2024-01-02 03:04:05+00", "2024-01-02 03:04:05+00"),
        15: ("t", 'quote " back\\slash\ttab', 'quote " back\\slash\ttab'),
    }
    columns = ["j", "jb", "f", "n", "x", "r", "at", "t"]
    literal = lambda text: "-9e999" if text is None else "'" + text.replace("'", "''") + "'"
    rows = ", ".join(
        f"({i}, 7, " + ", ".join("NULL" if column != name else literal(text) for name in columns) + ")"
        for i, (column, text, _) in cells.items())
    path = t.file("f.db", f"CREATE TABLE c (id INTEGER PRIMARY KEY, p INTEGER, {', '.join(columns)}); INSERT INTO c VALUES {rows}")
    count = len(cells)
    for way in ("rebuild", "keep"):
        row = t.import_(path, {**APPEND, "orphans": "reject", "constraints": way})["c"]
        assert (row["imported"], row["rejected"]) == (0, count), row
        logged = {r["values"]["id"]: r["values"] for r in t.rows("SELECT values FROM sqlite_migrate.reject")}
        for i, (column, _, expected) in cells.items():
            assert logged[i][column] == expected, (way, i, logged[i][column], expected)
        exact = t.value("SELECT values -> 'n' FROM sqlite_migrate.reject WHERE values ->> 'id' = '10'")
        assert exact == "12345678901234567890.123456789", exact
        t.sql("SELECT sqlite_forget(id) FROM sqlite_migrate.run")


def test_the_log_of_a_database_that_is_not_utf_8(t):
    other = t.other_database("latin", "TEMPLATE template0 ENCODING 'LATIN1' LOCALE 'C'")
    t.server.run(other, "CREATE TABLE p (id int PRIMARY KEY); CREATE TABLE c (id int PRIMARY KEY, p int REFERENCES p, t text, j json)")
    path = t.file("f.db", """CREATE TABLE c (id INTEGER PRIMARY KEY, p INTEGER, t TEXT, j TEXT);
        INSERT INTO c VALUES (1, 7, 'née', '["é"]'), (2, 7, 'x', '["\\u20ac"]')""")
    t.server.run(other, t.call("sqlite_import", path, {**APPEND, "orphans": "reject"}))
    found = t.server.run(other, """SELECT values ->> 't' = U&'n\\00e9e' OR values -> 'j' ->> 'json' = '["\\u20ac"]'
        FROM sqlite_migrate.reject ORDER BY id""").out.split()
    assert found == ["t", "t"], found


def test_a_value_that_is_too_long_for_the_log(t):
    t.sql("CREATE TABLE p (id int PRIMARY KEY); CREATE TABLE c (id int PRIMARY KEY, p int REFERENCES p, t text, n int)")
    path = t.file("f.db", """CREATE TABLE c (id INTEGER PRIMARY KEY, p INTEGER, t TEXT, n INTEGER);
        INSERT INTO c VALUES (1, 7, printf('%.*c', 17000000, 'x'), 5)""")
    t.import_(path, {**APPEND, "orphans": "reject"})
    assert t.rows("SELECT values - 't' AS rest, values #>> '{t,bytes}' AS bytes, length(values #>> '{t,beginning}') AS kept"
                  " FROM sqlite_migrate.reject") == [{"rest": {"id": 1, "p": 7, "n": 5}, "bytes": "17000000", "kept": 1024}]


# Chains and cycles


def said_of_orphans(t, path, plan):
    return [f["message"] for f in t.findings(path, plan) if f["object"].startswith("foreign key")]


def test_a_chain_is_counted_before_and_settled_in_one_pass(t):
    script = shared("cases", "58-selfref-chain.sql").read_text()
    path = t.file("chain.db", script)
    plan = {"orphans": "reject"}
    assert said_of_orphans(t, path, plan) == [
        '3001 rows point to no row of "states": 1 now (rowid 1000), 3000 once their parents are rejected; they go to sqlite_migrate.reject']
    row = t.import_(path, plan)["states"]
    assert (row["source_rows"], row["imported"], row["rejected"]) == (3001, 0, 3001), row
    assert row["detail"] == "written as pages; 3001 rows without a parent were rejected", row["detail"]
    assert t.value("SELECT count(DISTINCT values ->> 'state_id') FROM sqlite_migrate.reject WHERE error = 'no parent in \"public\".\"states\"'") == "3001"
    assert t.value("SELECT count(*) FROM sqlite_migrate.finding WHERE message LIKE '3001 rows%'") == "1"


def test_a_long_chain_reads_each_row_a_few_times(t):
    """Into new tables, existing ones and by way of a stage; a pass for each link would read 400 million rows."""
    path = t.file("chain.db", """CREATE TABLE n (id INTEGER PRIMARY KEY, up INTEGER REFERENCES n);
        WITH RECURSIVE c(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM c WHERE n < 20001) INSERT INTO n SELECT n, n - 1 FROM c;
        INSERT INTO n VALUES (-1, NULL), (-2, -1)""")
    there = "CREATE TABLE n (id int PRIMARY KEY, up int REFERENCES n)"
    for made, plan in (("", {}), (there, APPEND), (there, {**APPEND, "constraints": "keep"})):
        t.sql(f"DROP TABLE IF EXISTS n; {made}")
        out = t.sql(f"BEGIN; {t.call('sqlite_import', path, {**plan, 'orphans': 'reject'})};"
                    "SELECT 'read', seq_tup_read FROM pg_stat_xact_user_tables WHERE relname = 'n'; COMMIT").out
        read = int(out.strip().split("read|")[1])
        assert read < 20 * 20_003, f"{plan}: {read} rows were read"
        assert t.value("SELECT string_agg(id::text, ' ' ORDER BY id) FROM n") == "-2 -1", plan
    t.sql("ALTER TABLE n VALIDATE CONSTRAINT n_up_fkey")


CYCLE = """
    CREATE TABLE a (id INTEGER PRIMARY KEY, c TEXT REFERENCES c, x INTEGER REFERENCES x);
    CREATE TABLE b (a INTEGER REFERENCES a, k INTEGER, PRIMARY KEY (a, k)) WITHOUT ROWID;
    CREATE TABLE c (id TEXT PRIMARY KEY, a INTEGER, k INTEGER, FOREIGN KEY (a, k) REFERENCES b);
    CREATE TABLE x (id INTEGER PRIMARY KEY); CREATE TABLE leaf (id INTEGER PRIMARY KEY, a INTEGER REFERENCES a);
    INSERT INTO x VALUES (1);
    INSERT INTO a VALUES (1, 'three', 1), (2, 'one', 9), (3, 'two', 1), (4, NULL, 1), (5, 'five', 1);
    INSERT INTO b VALUES (1, 1), (2, 2), (3, 3), (4, 4), (5, 5);
    INSERT INTO c VALUES ('one', 1, 1), ('two', 2, 2), ('three', 3, 3), ('four', 4, 4), ('five', 5, 5);
    INSERT INTO leaf VALUES (1, 1), (2, 1), (3, 4), (4, 5);"""
CYCLE_TARGET = """
    CREATE TABLE x (id int PRIMARY KEY); CREATE TABLE a (id int PRIMARY KEY, c text, x int REFERENCES x);
    CREATE TABLE b (a int REFERENCES a, k int, PRIMARY KEY (a, k));
    CREATE TABLE c (id text PRIMARY KEY, a int, k int, FOREIGN KEY (a, k) REFERENCES b);
    ALTER TABLE a ADD FOREIGN KEY (c) REFERENCES c; CREATE TABLE leaf (id int PRIMARY KEY, a int REFERENCES a)"""


def test_rows_of_several_tables_go_in_turn(t):
    """A cycle of three tables that nobody outside holds stays; one that a missing row breaks goes, with what hangs on it."""
    path = t.file("cycle.db", CYCLE)
    plan = {"orphans": "reject"}
    gone = "once their parents are rejected; they go to sqlite_migrate.reject"
    assert sorted(said_of_orphans(t, path, plan)) == sorted([
        f'3 rows point to no row of "c" {gone}', '1 row points to no row of "x" (rowid 2); they go to sqlite_migrate.reject',
        f'3 rows point to no row of "a" {gone}', f'3 rows point to no row of "b" {gone}', f'2 rows point to no row of "a" {gone}'])
    for target, more in (("", {}), (CYCLE_TARGET, APPEND)):
        t.sql(f"DROP TABLE IF EXISTS leaf, c, b, a, x CASCADE; {target}")
        rows = t.import_(path, {**plan, **more})
        assert {n: (rows[n]["imported"], rows[n]["rejected"]) for n in rows} == {
            "a": (2, 3), "b": (2, 3), "c": (2, 3), "x": (1, 0), "leaf": (2, 2)}, rows
        assert t.value("SELECT string_agg(id::text, ' ' ORDER BY id) FROM leaf") == "3 4"
        t.sql("""ALTER TABLE a VALIDATE CONSTRAINT a_c_fkey""")
        assert all((row["detail"] or "").count("without a parent") <= 1 for row in rows.values()), rows


def test_a_policy_of_one_table_is_seen_by_its_children(t):
    """Parents go; what their children say of it is known before."""
    path = t.file("f.db", """CREATE TABLE a (id INTEGER PRIMARY KEY); CREATE TABLE b (id INTEGER PRIMARY KEY, a INTEGER REFERENCES a);
        CREATE TABLE c (id INTEGER PRIMARY KEY, b INTEGER REFERENCES b);
        INSERT INTO a VALUES (1); INSERT INTO b VALUES (1, 1), (2, 99); INSERT INTO c VALUES (1, 1), (2, 2), (3, 2)""")
    plan = {"tables": {"b": {"orphans": "reject"}}}
    t.import_fails(path, plan, s.ORPHANS, '2 rows point to no row of "b" once their parents are rejected')
    for orphans, left in (("null", "1:1 2: 3:"), ("keep", "1:1 2:2 3:2"), ("reject", "1:1")):
        t.sql("DROP TABLE IF EXISTS c, b, a")
        t.import_(path, {"tables": {"b": {"orphans": "reject"}, "c": {"orphans": orphans}}})
        assert t.value("SELECT string_agg(concat(id, ':', b), ' ' ORDER BY id) FROM c") == left, orphans
        assert ("NOT VALID" in t.constraints("c", "f")) == (orphans == "keep")


def test_a_row_with_two_keys_is_logged_once(t):
    path = t.file("f.db", """CREATE TABLE n (id INTEGER PRIMARY KEY, l INTEGER REFERENCES n, r INTEGER REFERENCES n);
        WITH RECURSIVE c(n) AS (SELECT 2 UNION ALL SELECT n + 1 FROM c WHERE n < 60)
        INSERT INTO n SELECT n, n - 2, n - 1 FROM c; INSERT INTO n VALUES (100, 100, 100), (101, 100, 60)""")
    row = t.import_(path, {"orphans": "reject"})["n"]
    assert (row["imported"], row["rejected"]) == (1, 60), row
    assert t.value("SELECT count(*) || ' ' || count(DISTINCT values ->> 'id') FROM sqlite_migrate.reject") == "60 60"


# Memory


@pytest.mark.parametrize("orphans, plan", (("reject", {}), ("reject", {**APPEND, "constraints": "keep"}), ("null", APPEND)))
def test_memory_does_not_grow_with_the_orphans(t, orphans, plan):
    """60,000 rows without a parent, by every policy that keeps going; their addresses alone once took 40 MB."""
    path = t.file("many.db", """CREATE TABLE p (id INTEGER PRIMARY KEY); CREATE TABLE c (id INTEGER PRIMARY KEY, p INTEGER REFERENCES p);
        WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 60000) INSERT INTO c SELECT i, i + 7 FROM n""")
    there = "DROP TABLE IF EXISTS c, p; CREATE TABLE p (id int PRIMARY KEY); CREATE TABLE c (id int PRIMARY KEY, p int REFERENCES p)"
    t.sql(there if plan else "DROP TABLE IF EXISTS c, p")
    session = t.session()
    session.run(t.call("sqlite_plan", path))
    before, highest, done = session.private_memory(), [0], threading.Event()

    def watch():
        while not done.is_set():
            highest[0] = max(highest[0], session.private_memory())
            time.sleep(0.01)

    watcher = threading.Thread(target=watch)
    watcher.start()
    session.run(t.call("sqlite_import", path, {**plan, "orphans": orphans}))
    done.set()
    watcher.join()
    grown = (highest[0] - before) >> 20
    assert grown < 24, f"{orphans} {plan}: {grown} MB"
    assert t.value("SELECT count(*) || ' ' || count(p) FROM c") == ("0 0" if orphans == "reject" else "60000 0")
    session.close()
