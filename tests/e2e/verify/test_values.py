"""verify_values and verify_differences: a true copy has no difference, and every change of one is found where it is."""

import json
import random

import pytest

import real_files
from harness import ident, quote, shared

LENIENT = {"keys": "as_data_allows", "orphans": "keep", "on_error": "continue"}
REFUSED = {"pgloader_sqlite"}
GOOD = {"equal", "normalised"}


def values(t, arguments=""):
    return t.rows(f"SELECT * FROM verify_values({arguments})")


def bad(rows):
    return [row for row in rows if row["verdict"] not in GOOD]


@pytest.mark.parametrize("name", real_files.NAMES)
def test_a_true_copy_of_a_real_file_has_no_difference(t, name):
    path = t.copy_of(shared("data", f"{name}.db"))
    t.import_(path, LENIENT if name in REFUSED else real_files.plan_of(name))
    rows = values(t)
    wrong = [row for row in rows if row["different"] or row["missing_in_target"] or row["missing_in_source"]]
    assert not wrong, wrong[:5]
    assert t.value("SELECT count(*) FROM verify_differences()") == "0"
    not_compared = {(row["table"], row["column"], row["detail"]) for row in bad(rows)}
    assert not not_compared, not_compared
    loaded = {row["target_table"]: row["imported"] for row in t.rows("SELECT target_table, imported FROM sqlite_migrate.run_table")}
    # Rows of views are not loaded.
    assert all(row["compared"] == loaded[row["table"]] for row in rows if row["table"] in loaded), rows[:5]


def after(session, change, *queries):
    """What queries answer after a change that is undone."""
    session.run(f"BEGIN; {change}")
    answers = [json.loads(session.value(f"SELECT coalesce(json_agg(q), '[]') FROM ({query}) q")) for query in queries]
    session.run("ROLLBACK")
    return answers


VALUES, DIFFERENCES = "SELECT * FROM verify_values()", "SELECT * FROM verify_differences()"

FILE = """
CREATE TABLE t(
    id INTEGER PRIMARY KEY, word TEXT, other TEXT, amount DECIMAL(8,2), ratio REAL, big INTEGER, flag BOOLEAN, doc JSON,
    raw BLOB, token UUID, at DATETIME, stamp DATETIME, day DATE);
INSERT INTO t
WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 50)
SELECT i, 'word ' || i, 'other ' || i, i + 0.25, i / 7.0, i * 1000003, i % 2, '{"a": ' || i || ', "b": [1, 2]}',
    CAST('raw ' || i AS BLOB), printf('550e8400-e29b-41d4-a716-%012x', i),
    datetime('2024-03-01 10:00:00', i || ' hours'), 1719828000 + i, date('2024-01-01', i || ' days') FROM n;
UPDATE t SET word = 'é', other = NULL WHERE id = 7;
UPDATE t SET ratio = 0.0 WHERE id = 8;
"""

# What is done to row 7 or 8 of a copy, and the column in which it has to be found.
CHANGES = {
    "one byte": ("UPDATE t SET word = 'word 9' WHERE id = 7", "word", 7),
    "a trailing space": ("UPDATE t SET word = word || ' ' WHERE id = 7", "word", 7),
    "case": ("UPDATE t SET word = upper(word) WHERE id = 8", "word", 8),
    "another normal form": ("UPDATE t SET word = normalize(word, NFD) WHERE id = 7", "word", 7),
    "NULL": ("UPDATE t SET word = NULL WHERE id = 7", "word", 7),
    "no NULL": ("UPDATE t SET other = '' WHERE id = 7", "other", 7),
    "cut": ("UPDATE t SET word = left(word, 3) WHERE id = 8", "word", 8),
    "the last bit of a double": ("UPDATE t SET ratio = 1.0000000000000002 WHERE id = 7", "ratio", 7),
    "the sign of zero": ("UPDATE t SET ratio = '-0' WHERE id = 8", "ratio", 8),
    "a decimal's last digit": ("UPDATE t SET amount = amount + 0.01 WHERE id = 7", "amount", 7),
    "a number": ("UPDATE t SET big = big + 1 WHERE id = 7", "big", 7),
    "a boolean": ("UPDATE t SET flag = NOT flag WHERE id = 7", "flag", 7),
    "JSON's number": ("UPDATE t SET doc = jsonb_set(doc, '{a}', '8') WHERE id = 7", "doc", 7),
    "JSON's digits": ("UPDATE t SET doc = jsonb_set(doc, '{a}', '7.0') WHERE id = 7", "doc", 7),
    "JSON's order": ("UPDATE t SET doc = jsonb_set(doc, '{b}', '[2, 1]') WHERE id = 7", "doc", 7),
    "JSON's string": ("UPDATE t SET doc = jsonb_set(doc, '{a}', '\"7\"') WHERE id = 7", "doc", 7),
    "a byte of a blob": ("UPDATE t SET raw = set_byte(raw, 0, 0) WHERE id = 7", "raw", 7),
    "a UUID": ("UPDATE t SET token = '550e8400-e29b-41d4-a716-000000000008' WHERE id = 7", "token", 7),
    "an hour": ("UPDATE t SET at = at + interval '1 hour' WHERE id = 7", "at", 7),
    "a microsecond": ("UPDATE t SET at = at + interval '1 microsecond' WHERE id = 7", "at", 7),
    "a microsecond of an epoch": ("UPDATE t SET stamp = stamp + interval '1 microsecond' WHERE id = 7", "stamp", 7),
    "a day": ("UPDATE t SET day = day + 1 WHERE id = 7", "day", 7),
    "infinity": ("UPDATE t SET at = 'infinity' WHERE id = 7", "at", 7),
    "one of two swapped columns": ("UPDATE t SET word = other, other = word WHERE id = 8", "word", 8),
    "values of two rows": (
        "UPDATE t SET word = (SELECT word FROM t AS o WHERE o.id = 57 - t.id) WHERE id IN (7, 50)", "word", 7),
}


@pytest.fixture
def copy(t):
    t.import_(t.file("t.db", FILE))
    assert not bad(values(t))
    return t


def test_every_change_of_a_value_is_found_where_it_is(copy):
    session = copy.session()
    for name, (change, column, row) in CHANGES.items():
        [first, *_], differences = after(session, change, VALUES, DIFFERENCES)
        assert (first["table"], first["column"], first["verdict"]) == ("t", column, "different"), (name, first)
        assert first["first_key"] == f"id = {row}", (name, first)
        assert differences[0]["key"] == f"id = {row}" and differences[0]["kind"] == "different", (name, differences)
        assert differences[0]["source_value"] != differences[0]["target_value"], (name, differences)


@pytest.mark.parametrize("change, missing, key", [
    ("DELETE FROM t WHERE id = 7", (1, 0), "id = 7"),
    ("INSERT INTO t (id) VALUES (51)", (0, 1), "id = 51"),
    ("INSERT INTO t (id) VALUES (-1)", (0, 1), "id = -1"),
    ("ALTER TABLE t DROP CONSTRAINT t_pkey; INSERT INTO t SELECT * FROM t WHERE id = 7", (0, 1), "id = 7"),
    ("UPDATE t SET id = 100 WHERE id = 7", (1, 1), "id = 7"),
    ("TRUNCATE t", (50, 0), "id = 1"),
], ids=["lost", "added", "added first", "doubled", "other key", "all lost"])
def test_rows_of_one_side_are_missing_on_the_other(copy, change, missing, key):
    copy.sql(change)
    rows = values(copy)
    assert {(row["missing_in_target"], row["missing_in_source"]) for row in rows} == {missing}, rows[0]
    assert rows[0]["verdict"] == "missing rows" and rows[0]["first_key"] == key, rows[0]
    kinds = [row["kind"] for row in copy.rows("SELECT * FROM verify_differences()")]
    assert (kinds.count("missing in target"), kinds.count("missing in source")) == missing


KEYS = """
CREATE TABLE text_key(k TEXT PRIMARY KEY, v TEXT) WITHOUT ROWID;
CREATE TABLE two(a TEXT, b INTEGER, v TEXT, PRIMARY KEY(a, b));
CREATE TABLE uuid_key(k UUID PRIMARY KEY, v TEXT);
CREATE TABLE time_key(k DATETIME PRIMARY KEY, v TEXT);
CREATE TABLE real_key(k REAL PRIMARY KEY, v TEXT);
CREATE TABLE bytes_key(k BLOB PRIMARY KEY, v TEXT);
CREATE TABLE nocase(k TEXT COLLATE NOCASE PRIMARY KEY, v TEXT);
CREATE TABLE none(a INTEGER, b TEXT);
CREATE TABLE none_at_all(a INTEGER, b TEXT, doc JSON);
INSERT INTO text_key VALUES ('b', 1), ('a', 2), ('Z', 3), ('ä', 4), ('', 5), ('a b', 6), ('😀', 7), ('ￜ', 8);
INSERT INTO two VALUES ('a', 2, 'x'), ('a', 10, 'y'), ('B', 1, 'z'), ('', -1, 'w');
INSERT INTO uuid_key VALUES ('FF0E8400-e29b-41d4-a716-446655440000', 1), ('aa0e8400e29b41d4a716446655440000', 2);
INSERT INTO time_key VALUES ('2024-01-02T00:00:00', 1), ('2024-01-01 10:00:00', 2), ('2024-01-01 09:00', 3);
INSERT INTO real_key VALUES (-1.5, 1), (0.1, 2), (1e300, 3), (-1e300, 4), (7, 5);
INSERT INTO bytes_key VALUES (x'ff', 1), (x'00', 2), (x'', 3), (x'0001', 4);
INSERT INTO nocase VALUES ('b', 1), ('A', 2), ('c', 3);
INSERT INTO none VALUES (1, 'a'), (1, 'a'), (NULL, 'b'), (2, NULL), (NULL, NULL), (-5, 'c');
INSERT INTO none_at_all VALUES (1, 'a', '{"x":1}'), (2, 'a', '{"x":1}'), (3, 'b', '[]');
"""


def test_rows_are_paired_whatever_their_key_is(t):
    t.import_(t.file("keys.db", KEYS))
    rows = values(t)
    assert not bad(rows), bad(rows)
    counts = {row["source_table"]: row["imported"] for row in t.rows("SELECT source_table, imported FROM sqlite_migrate.run_table")}
    assert {row["table"]: row["compared"] for row in rows} == counts
    session = t.session()
    for table in counts:
        column = {"none": "b", "none_at_all": "doc"}.get(table, "v")
        value = "'[7]'" if column == "doc" else "'other'"
        first = f"SELECT min(ctid) FROM {ident(table)}"
        [rows] = after(session, f"UPDATE {ident(table)} SET {column} = {value} WHERE ctid = ({first})", VALUES)
        found = bad(rows)
        assert {row["table"] for row in found} == {table}, (table, found)
        if table == "none":
            assert {(row["missing_in_target"], row["missing_in_source"]) for row in found} == {(1, 1)}, found
        else:
            assert [(row["column"], row["different"]) for row in found] == [(column, 1)], (table, found)


INETS = "CREATE TABLE t(a TEXT); INSERT INTO t VALUES ('10.0.0.1'), ('10.0.0.2')"


def test_rows_that_cannot_be_told_apart_are_not_compared(t):
    t.import_(t.file("inets.db", INETS), {"types": {"TEXT": "inet"}})
    [row] = values(t)
    assert (row["verdict"], row["column"], row["detail"]) == (
        "not compared", None, "it has no column that both sides can be sorted by")


def test_every_other_form_is_counted_by_its_kind(t):
    path = t.file("forms.db", """
        CREATE TABLE t(id INTEGER PRIMARY KEY, at DATETIME, token UUID, flag BOOLEAN, doc JSON, price DECIMAL(8,2), n INTEGER);
        INSERT INTO t VALUES
            (1, '2024-01-01T10:00:00Z', '550E8400E29B41D4A716446655440000', 'true', '{"b":1,"a":2}', 1.5, 7),
            (2, '2024-01-01 10:00:00+00', '550e8400-e29b-41d4-a716-446655440000', 0, '{"a": 2}', 2.25, 8);""")
    t.import_(path)
    kinds = {row["column"]: (row["equal"], row["normalisations"]) for row in values(t)}
    assert kinds == {
        "id": (2, None), "n": (2, None), "at": (1, {"spelling of a time": 1}), "token": (1, {"spelling of a UUID": 1}),
        "flag": (1, {"spelling of a boolean": 1}), "doc": (1, {"spelling of JSON": 1}), "price": (1, {"spelling of a number": 1}),
    }


def test_rows_and_values_that_the_plan_leaves_out_are_accounted_for(t):
    path = t.file("left.db", """
        CREATE TABLE p(id INTEGER PRIMARY KEY, n INTEGER, v TEXT);
        CREATE TABLE c(id INTEGER PRIMARY KEY, p INTEGER REFERENCES p(id));
        CREATE TABLE o(id INTEGER PRIMARY KEY, p INTEGER REFERENCES p(id));
        CREATE TABLE w(k TEXT PRIMARY KEY, n INTEGER) WITHOUT ROWID;
        INSERT INTO p VALUES (1, 10, 'a'), (2, 'x', 'b'), (3, 'n/a', 'c'), (4, 40, 'gone');
        INSERT INTO c VALUES (1, 1), (2, 99);
        INSERT INTO o VALUES (1, 1), (2, 99);
        INSERT INTO w VALUES ('a', 1), ('b', 'x');""")
    plan = {"tables": {
        "p": {"where": "v <> 'gone'", "columns": {"n": {"type": "integer", "on_invalid": "reject", "null_values": ["n/a"]}}},
        "c": {"orphans": "reject"}, "o": {"orphans": "null"},
        "w": {"columns": {"n": {"type": "integer", "on_invalid": "reject"}}}}}
    t.import_(path, plan)
    rows = values(t)
    assert not bad(rows), bad(rows)
    normalised = {(row["table"], row["column"]): row["normalisations"] for row in rows if row["normalised"]}
    assert normalised == {("p", "n"): {"null_values": 1}, ("o", "p"): {"orphans": 1}}
    # Nothing but the rejected rows is accounted for.
    t.sql("DELETE FROM p WHERE id = 3; DELETE FROM c WHERE id = 1; DELETE FROM w WHERE k = 'a'")
    missing = {row["table"]: (row["missing_in_target"], row["first_key"]) for row in bad(values(t))}
    assert missing == {"p": (1, "id = 3"), "c": (1, "id = 1"), "w": (1, "k = 'a'")}


def test_existing_rows_are_no_differences(t):
    path = t.file("append.db", "CREATE TABLE t(id INTEGER PRIMARY KEY, v TEXT); INSERT INTO t VALUES (1, 'a'), (2, 'b')")
    t.sql("CREATE TABLE t(id bigint PRIMARY KEY, v text); INSERT INTO t VALUES (10, 'old'), (0, 'old')")
    t.import_(path, {"existing_rows": "append"})
    assert not bad(values(t))
    t.sql("INSERT INTO t VALUES (11, 'new')")
    assert {row["missing_in_source"] for row in values(t)} == {1}


def test_existing_rows_that_were_updated_make_no_room_for_others(t):
    path = t.file("update.db", "CREATE TABLE t(id INTEGER PRIMARY KEY, v TEXT); INSERT INTO t VALUES (1, 'a'), (2, 'b')")
    t.sql("CREATE TABLE t(id bigint PRIMARY KEY, v text); INSERT INTO t VALUES (1, 'old'), (7, 'old')")
    t.import_(path, {"existing_rows": "append", "on_conflict": "update", "verify": "values"})
    assert not bad(values(t))
    t.sql("INSERT INTO t VALUES (99, 'new')")
    assert {row["missing_in_source"] for row in values(t)} == {1}


def test_rows_without_a_key_pair_by_what_their_cells_have_become(t):
    path = t.file("none.db", """
        CREATE TABLE p(id INTEGER PRIMARY KEY);
        CREATE TABLE t(day DATE, word TEXT, p INTEGER REFERENCES p);
        INSERT INTO p VALUES (1);
        INSERT INTO t VALUES ('', 'a', 1), ('soon', 'b', 1), ('2024-01-01', 'c', 9), ('', 'd', NULL);""")
    column = {"type": "date", "null_values": [""], "on_invalid": "null"}
    t.import_(path, {"verify": "values", "orphans": "null", "tables": {"t": {"columns": {"day": column}}}})
    rows = values(t)
    assert not bad(rows), bad(rows)
    assert [row["normalisations"] for row in rows if row["table"] == "t" and row["normalised"]] == [
        {"null_values": 2, "on_invalid": 1}, {"orphans": 1}]
    t.sql("UPDATE t SET day = '2024-01-01' WHERE word = 'a'")
    assert {(row["missing_in_target"], row["missing_in_source"]) for row in bad(values(t))} == {(1, 1)}


def test_rejected_orphans_are_accounted_for_whatever_their_key_is(t):
    tables = {"uuid": "'550E8400-E29B-41D4-A716-446655440000'", "real": "1.5", "blob": "x'01'", "datetime": "'2024-01-01T10:00'"}
    path = t.file("orphans.db", "CREATE TABLE p(id INTEGER PRIMARY KEY);" + "".join(
        f"CREATE TABLE of_{name}(k {name} PRIMARY KEY, p INTEGER REFERENCES p) WITHOUT ROWID; INSERT INTO of_{name} VALUES ({key}, 9);"
        for name, key in tables.items()))
    t.import_(path, {"orphans": "reject", "verify": "values"})
    assert t.value("SELECT count(*) FROM sqlite_migrate.reject") == "4"
    assert not bad(values(t))


def test_what_may_be_cut_off_is_no_other_value(t):
    path = t.file("fine.db", """
        CREATE TABLE t(id INTEGER PRIMARY KEY, at DATETIME, span TEXT);
        INSERT INTO t VALUES (1, '2024-01-01 10:00:00.000001', '00:00:01.5'), (2, '2024-01-01 10:00:00.0000016', '00:00:01.0000016');""")
    t.import_(path, {"excess": "round", "tables": {"t": {"columns": {"at": {"type": "timestamp"}, "span": {"type": "interval"}}}}})
    rows = values(t)
    assert not bad(rows), bad(rows)
    assert {row["column"]: row["normalisations"] for row in rows if row["normalised"]} == {"at": {"excess": 1}, "span": {"excess": 1}}
    session = t.session()
    for row in (1, 2):
        for column in ("at", "span"):
            for sign in "+-":
                change = f"UPDATE t SET {column} = {column} {sign} interval '1 microsecond' WHERE id = {row}"
                [[first, *_]] = after(session, change, VALUES)
                assert (first["column"], first["verdict"], first["first_key"]) == (column, "different", f"id = {row}"), (change, first)


def test_a_late_year_is_no_empty_text(t):
    path = t.file("late.db", "CREATE TABLE t(id INTEGER PRIMARY KEY, day DATE); INSERT INTO t VALUES (1, '')")
    t.import_(path, {"tables": {"t": {"columns": {"day": {"type": "date", "null_values": [""]}}}}})
    t.sql("UPDATE t SET day = '12024-01-01'")
    [row] = bad(values(t))
    assert (row["column"], row["source_value"], row["target_value"]) == ("day", "''", "a time after the year 9999")


def test_a_path_and_a_plan_need_no_run(t):
    path = t.file("t.db", FILE)
    t.import_(path)
    t.sql("UPDATE t SET word = 'x' WHERE id = 9")
    [first, *_] = values(t, f"path => {quote(str(path))}, tables => '{{t}}'")
    assert (first["column"], first["first_key"], first["source_value"], first["target_value"]) == (
        "word", "id = 9", "'word 9'", "'x'")
    t.attempt("SELECT * FROM verify_values(tables => '{nothing}')").failed("22023", 'no table "nothing" was loaded')
    t.attempt("SELECT * FROM verify_values(tables => ARRAY['t', NULL])").failed("22023", "a name is NULL")
    t.attempt("SELECT * FROM verify_values(run => 99)").failed("42704", "there is no recorded run")


def test_a_table_that_cannot_be_read_is_not_compared(copy):
    copy.sql("ALTER TABLE t RENAME COLUMN word TO name")
    [row] = bad(values(copy))
    assert (row["column"], row["verdict"], row["detail"]) == (
        "word", "not compared", "the table as it is now has no place for it")
    copy.sql("DROP TABLE t")
    [row] = values(copy)
    assert (row["verdict"], row["detail"]) == ("not compared", "it does not exist any more")


def test_a_column_that_the_table_computes_is_compared_with_what_was_not_loaded(t):
    path = t.file("t.db", """CREATE TABLE t(id INTEGER PRIMARY KEY, n INTEGER, twice INTEGER, at DATETIME, thrice INTEGER GENERATED ALWAYS AS (n * 3) STORED);
        INSERT INTO t(id, n, twice, at) VALUES (1, 2, 4, 1719828000), (2, 5, 99, 1719828001);""")
    t.sql("""CREATE TABLE t(id bigint PRIMARY KEY, n int, twice int GENERATED ALWAYS AS (n * 2) STORED,
        at timestamp GENERATED ALWAYS AS (timestamp '2024-07-01 10:00:00' + (id - 1) * interval '1 second') STORED,
        thrice int GENERATED ALWAYS AS (n * 3 + 1) STORED)""")
    t.import_(path, {"create": "never"})
    assert [(row["column"], row["source_value"], row["target_value"], row["verdict"]) for row in bad(values(t))] == [
        ("twice", "99", "10", "different"), ("at", None, None, "not compared")]
    assert t.value("SELECT verdict FROM migration_verdict()") == "roll back"
    t.import_fails(path, {"create": "never", "existing_rows": "truncate", "verify": "values"}, ("22000",), "twice")
    t.import_(path, {"tables": {"t": {"schema": "apart", "columns": {"thrice": {"generated": False}}}}})
    t.sql("ALTER TABLE apart.t DROP thrice; ALTER TABLE apart.t ADD thrice int GENERATED ALWAYS AS (n * 3 + 1) STORED")
    assert [(row["column"], row["source_value"], row["target_value"]) for row in bad(values(t))] == [("thrice", "6", "7")]


def test_a_cursor_that_an_error_has_ended_is_closed_without_harm(copy):
    copy.sql("UPDATE t SET word = 'x'; CREATE SEQUENCE n")
    session = copy.session()
    session.run("""BEGIN; SET LOCAL work_mem = '64kB';
        DECLARE c CURSOR FOR SELECT (verify_differences()).key, 1 / (3 - nextval('n'));
        FETCH c; SAVEPOINT s""")
    session.attempt("FETCH 5 FROM c").failed("22012", "division by zero")
    session.run("ROLLBACK TO s; CLOSE c; COMMIT")
    session.run("""BEGIN; SELECT setval('n', 10); DECLARE c CURSOR FOR SELECT (verify_differences()).key; SAVEPOINT s; FETCH 3 FROM c; ROLLBACK TO s""")
    assert session.value("FETCH c") == "id = 4"
    session.run("COMMIT")
    assert copy.value("SELECT (verify_differences()).key LIMIT 1") == "id = 1"
    assert copy.value("SELECT count(*) FROM verify_differences(\"limit\" => NULL, recheck => NULL)") == "50"


def test_who_may_not_read_a_table_or_a_file_is_told_so(copy):
    path = copy.value("SELECT path FROM sqlite_migrate.run")
    role = copy.role("reader")
    copy.attempt("SELECT * FROM verify_values(run => 1)", role).failed("42704", "there is no recorded run")
    copy.attempt(f"SELECT * FROM verify_values(path => {quote(path)})", role).failed("42501", "permission denied to read SQLite")
    copy.sql(f"GRANT pg_read_server_files TO {role}")
    [row] = copy.rows(f"SELECT * FROM verify_values(path => {quote(path)})", role)
    assert row["verdict"] == "not compared" and 'belongs to role "postgres"' in row["detail"], row


RANDOM = """
SELECT c.relname AS table, a.attname AS column, format_type(a.atttypid, NULL) AS type
FROM pg_class c JOIN pg_attribute a ON a.attrelid = c.oid
WHERE c.relnamespace = 'public'::regnamespace AND c.relkind = 'r' AND a.attnum > 0 AND NOT a.attisdropped
  AND a.attgenerated = '' AND pg_relation_size(c.oid) > 0
  AND NOT EXISTS (SELECT FROM pg_constraint k WHERE k.conrelid = c.oid AND k.contype IN ('p', 'u') AND a.attnum = ANY (k.conkey))
  AND NOT EXISTS (SELECT FROM pg_index i WHERE i.indrelid = c.oid AND i.indisunique AND a.attnum = ANY (i.indkey::int2[]))
"""
# Another value of the same type.
OTHER = {
    "bigint": "CASE {0} WHEN 7 THEN 8 ELSE 7 END", "integer": "CASE {0} WHEN 7 THEN 8 ELSE 7 END", "boolean": "{0} IS NOT TRUE",
    "smallint": "CASE {0} WHEN 7 THEN 8 ELSE 7 END", "text": "coalesce({0}, '') || 'x'", "character varying": "coalesce(left({0}, -1), '') || chr(1)",
    "double precision": "coalesce({0}, 0) + 1", "numeric": "coalesce({0}, 0) + 1", "bytea": "coalesce({0}, '') || decode('00', 'hex')",
    "timestamp without time zone": "coalesce({0}, 'epoch') + interval '1 microsecond'",
    "timestamp with time zone": "coalesce({0}, 'epoch') + interval '1 microsecond'", "date": "coalesce({0}, 'epoch') + 1",
    "jsonb": "jsonb_build_array({0})",
}


@pytest.mark.parametrize("name", ["chinook", "northwind", "grafana_grafana", "calibre_metadata", "calibre_web_metadata"])
def test_a_changed_cell_of_a_real_file_is_found(t, name):
    """Forty cells of each file, spread over its columns; constraints other than keys do not stand in the way."""
    t.import_(t.copy_of(shared("data", f"{name}.db")))
    drawn = random.Random(name)
    columns = [column for column in t.rows(RANDOM) if column["type"] in OTHER]
    session = t.session()
    session.run("SET session_replication_role = replica")
    t.sql("DO $$DECLARE c record; BEGIN FOR c IN SELECT conrelid::regclass AS t, conname FROM pg_constraint WHERE contype = 'c' AND conrelid <> 0"
          " AND connamespace = 'public'::regnamespace LOOP EXECUTE format('ALTER TABLE %s DROP CONSTRAINT %I', c.t, c.conname); END LOOP; END$$")
    for column in drawn.sample(columns, min(40, len(columns))):
        table, name = ident(column["table"]), ident(column["column"])
        row = drawn.randrange(int(t.value(f"SELECT count(*) FROM {table}")))
        change = (f"UPDATE {table} SET {name} = {OTHER[column['type']].format(name)} "
                  f"WHERE ctid = (SELECT ctid FROM {table} ORDER BY ctid LIMIT 1 OFFSET {row})")
        [rows] = after(session, change, f"SELECT * FROM verify_values(tables => ARRAY[{quote(column['table'])}])")
        found = bad(rows)
        assert found, (column, row)
        if not (found[0]["missing_in_target"] and found[0]["missing_in_source"]):
            assert [(f["column"], f["different"]) for f in found] == [(column["column"], 1)], (column, row, found)


def test_an_import_proves_its_values(t):
    path = t.file("t.db", FILE)
    [row] = t.import_(path, {"verify": "values"}).values()
    assert row["imported"] == 50 and "compared" not in (row["detail"] or ""), row
    assert not bad(values(t))


def test_an_import_that_changes_a_value_is_rolled_back(t):
    path = t.file("own.db", "CREATE TABLE own(id INTEGER PRIMARY KEY, v TEXT); INSERT INTO own VALUES (1, 'a'), (2, 'b')")
    t.sql("""CREATE TABLE own(id bigint PRIMARY KEY, v text);
             CREATE FUNCTION shout() RETURNS trigger LANGUAGE plpgsql AS $$BEGIN NEW.v := upper(NEW.v); RETURN NEW; END$$;
             CREATE TRIGGER shout BEFORE INSERT ON own FOR EACH ROW WHEN (NEW.id = 2) EXECUTE FUNCTION shout()""")
    plan = {"fire_triggers": True, "verify": "values"}
    error = t.attempt(t.call("sqlite_import", path, plan))
    error.failed("22000", 'table "public"."own" differs from the file', hint="A trigger, rule or default")
    assert error.detail == "Row with id = 2, column \"v\": the file has 'b', the table has 'B'.", error.detail
    assert t.value("SELECT count(*) FROM own") == "0"
    t.import_(path, {**plan, "verify": "counts"})
    assert t.rows("SELECT key, column, source_value, target_value, kind FROM verify_differences()".replace("column", '"column"')) == [
        {"key": "id = 2", "column": "v", "source_value": "'b'", "target_value": "'B'", "kind": "different"}]


def test_an_import_says_what_it_could_not_compare(t):
    path = t.file("inets.db", INETS)
    [row] = t.import_(path, {"types": {"TEXT": "inet"}, "verify": "values"}).values()
    assert "values were not compared: it has no column that both sides can be sorted by" in row["detail"], row


def test_differences_are_listed_up_to_a_limit(copy):
    copy.sql("UPDATE t SET big = big + 1, amount = amount + 1")
    count = "SELECT count(*) FROM verify_differences"
    arguments = ("", '"limit" => 7', '"limit" => 0', '"limit" => NULL')
    assert [copy.value(f"{count}({given})") for given in arguments] == ["100", "7", "0", "100"]
    [_, first, *_] = values(copy)
    assert (first["column"], first["different"], first["first_key"]) == ("big", 50, "id = 1")


def test_a_damaged_table_is_not_compared_and_others_are(t):
    path = t.file("t.db", "CREATE TABLE a(id INTEGER PRIMARY KEY, v TEXT); CREATE TABLE b(id INTEGER PRIMARY KEY, v TEXT);"
                          "INSERT INTO a VALUES (1, 'x'); INSERT INTO b VALUES (1, 'y')")
    t.import_(path)
    page = int(t.value("SELECT source ->> 'page_size' FROM sqlite_migrate.run"))
    with open(path, "r+b") as file:
        # Table a is on the second page.
        file.seek(page)
        file.write(b"\xff" * 100)
    verdicts = {row["table"]: (row["verdict"], row["detail"]) for row in values(t)}
    assert verdicts["b"] == ("equal", None)
    assert verdicts["a"][0] == "not compared" and "corrupt" in verdicts["a"][1], verdicts
