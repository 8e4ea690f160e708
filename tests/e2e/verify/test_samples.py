"""Verification of a part: a sample of each table, until so many rows were found, and again the rows that were found before."""

import time

import pytest

from harness import quote

# Twenty thousand rows of each kind of key, as many as make a difference between a sample and the whole.
FILE = """
CREATE TABLE numbered(id INTEGER PRIMARY KEY, v TEXT);
CREATE TABLE named(k TEXT PRIMARY KEY, v TEXT) WITHOUT ROWID;
CREATE TABLE paired(a TEXT, b REAL, v TEXT, PRIMARY KEY(a, b));
CREATE TABLE keyless(v TEXT, n INTEGER);
CREATE TABLE small(id INTEGER PRIMARY KEY, v TEXT);
INSERT INTO numbered
WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 20000)
SELECT i * 3 - 30000, 'v' || i FROM n;
INSERT INTO named SELECT 'k' || id, v FROM numbered;
INSERT INTO paired SELECT 'k' || (id % 7), id / 2.0, v FROM numbered;
INSERT INTO keyless SELECT v, id FROM numbered WHERE id < 0;
INSERT INTO small SELECT id, v FROM numbered LIMIT 10;
"""


@pytest.fixture
def copy(t):
    t.import_(t.file("t.db", FILE))
    return t


def values(t, arguments=""):
    return t.rows(f"SELECT * FROM verify_values({arguments})")


def of(rows, table):
    return next(row for row in rows if row["table"] == table and row["column"] == "v")


def test_a_sample_is_as_large_as_it_was_asked_for_and_says_so(copy):
    rows = values(copy, "sample => 1000")
    assert {row["verdict"] for row in rows} == {"equal"}, rows[0]
    for table in ("numbered", "named", "paired"):
        compared = of(rows, table)["compared"]
        assert 500 < compared < 1500, (table, compared)
        assert of(rows, table)["detail"] == f"a sample: {compared} rows of the file compared"
    assert (of(rows, "keyless")["compared"], of(rows, "keyless")["detail"]) == (
        9999, "no sample: all 9999 rows of the file compared")
    assert (of(rows, "small")["compared"], of(rows, "small")["detail"]) == (10, "no sample: all 10 rows of the file compared")


@pytest.mark.parametrize("table", ["numbered", "named", "paired"])
@pytest.mark.parametrize("change, column", [
    ("UPDATE {0} SET v = v || 'x'", "different"), ("DELETE FROM {0}", "missing_in_target"),
    ("CREATE TABLE more AS SELECT * FROM {0}; TRUNCATE {0}; ALTER TABLE {0} DROP CONSTRAINT {0}_pkey;"
     " INSERT INTO {0} SELECT * FROM more; INSERT INTO {0} SELECT * FROM more", "missing_in_source"),
], ids=["changed", "lost", "doubled"])
def test_a_sample_finds_what_most_rows_have(copy, table, change, column):
    copy.sql(change.format(table))
    row = of(values(copy, f"sample => 1000, tables => '{{{table}}}'"), table)
    assert 500 < row[column] < 1500, row


def test_a_sample_takes_rows_of_every_part_of_the_key(copy):
    """A tenth of the table is other than the file: rows that only one side has at an end of the keys, and changed ones."""
    copy.sql("""UPDATE numbered SET v = 'x' WHERE id < -24000;
                INSERT INTO numbered SELECT 60000 + i, 'x' FROM generate_series(1, 3000) AS i""")
    for _ in range(5):
        row = of(values(copy, "sample => 1000, tables => '{numbered}'"), "numbered")
        assert row["different"] > 20 and row["missing_in_source"] > 4, row


def test_a_sample_of_a_table_with_gaps_reaches_every_side_of_them(t):
    t.import_(t.file("gaps.db", """
        CREATE TABLE t(id INTEGER PRIMARY KEY, v TEXT);
        INSERT INTO t WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 5000) SELECT i, 'a' FROM n;
        INSERT INTO t VALUES (9223372036854775807, 'last'), (-9223372036854775808, 'first');"""))
    row = of(values(t, "sample => 100"), "t")
    assert (row["verdict"], 2 < row["compared"] < 200) == ("equal", True), row
    t.sql("UPDATE t SET v = 'x' WHERE id < 0")
    assert any(of(values(t, "sample => 4000"), "t")["different"] for _ in range(20))


def test_a_comparison_ends_after_so_many_rows(copy):
    copy.sql("UPDATE numbered SET v = 'x' WHERE id > 0; DELETE FROM named WHERE k LIKE 'k2%'")
    rows = values(copy, '"limit" => 5')
    assert (of(rows, "numbered")["different"], of(rows, "numbered")["detail"]) == (
        5, "stopped after 5 differing rows, 10005 rows compared")
    assert of(rows, "named")["missing_in_target"] == 5 and "stopped after 5 differing rows, " in of(rows, "named")["detail"]
    assert of(rows, "paired")["verdict"] == "equal"
    whole = of(values(copy), "numbered")
    assert (whole["different"], whole["detail"]) == (10000, None)


@pytest.mark.parametrize("arguments, message", [
    ("sample => 0", "sample: must be at least 1"), ('"limit" => -1', "limit: must be at least 1")])
def test_a_number_of_rows_is_positive(copy, arguments, message):
    copy.attempt(f"SELECT * FROM verify_values({arguments})").failed("22023", message)
    copy.attempt('SELECT * FROM verify_differences("limit" => -1)').failed("22023", "limit: must not be negative")


LOG = ("SELECT object, ok, verdict, counts ->> 'different' AS different, detail FROM sqlite_migrate.verification"
       " WHERE kind = 'values' AND target_table = 'small' ORDER BY object")


def test_the_run_log_keeps_what_was_found_last(copy):
    assert copy.rows(LOG) == []
    copy.sql("UPDATE small SET v = 'x' WHERE id < -29990")
    values(copy)
    assert [(row["object"], row["ok"], row["verdict"], row["different"]) for row in copy.rows(LOG)] == [
        ("id", True, "equal", "0"), ("v", False, "different", "3")]
    copy.sql("UPDATE small SET v = 'v' || ((id + 30000) / 3)")
    values(copy, "tables => '{small}'")
    assert [(row["object"], row["ok"]) for row in copy.rows(LOG)] == [("id", True), ("v", True)]
    assert copy.value("SELECT count(DISTINCT target_table) FROM sqlite_migrate.verification") == "5"
    copy.sql("UPDATE small SET v = 'x'; BEGIN READ ONLY; SELECT count(*) FROM verify_values(); COMMIT")
    assert [(row["object"], row["ok"]) for row in copy.rows(LOG)] == [("id", True), ("v", True)]


def test_an_import_keeps_what_it_has_compared(t):
    t.import_(t.file("t.db", FILE), {"verify": "values", "include": ["small"]})
    assert [(row["object"], row["ok"]) for row in t.rows(LOG)] == [("id", True), ("v", True)]


AGAIN = 'SELECT "table", key, "column", kind FROM verify_differences(recheck => true) ORDER BY "table", key'


def test_rows_that_were_different_are_looked_at_again(copy):
    copy.attempt(AGAIN).failed("22023", "recheck: the run log has no verification of the run's values")
    copy.sql("""UPDATE numbered SET v = v || 'x' WHERE id = 0; INSERT INTO numbered VALUES (1, 'more');
                DELETE FROM named WHERE k = 'k3'; UPDATE paired SET v = '' WHERE b = 1.5; DELETE FROM keyless WHERE n = -3""")
    values(copy)
    found = copy.rows(AGAIN)
    assert [(row["table"], row["kind"]) for row in found] == [
        ("keyless", "missing in target"), ("named", "missing in target"), ("numbered", "different"), ("numbered", "missing in source"),
        ("paired", "different")], found
    # Other rows are not looked at.
    copy.sql("""UPDATE numbered SET v = 'other' WHERE id = 3; UPDATE numbered SET v = 'v10000' WHERE id = 0;
                INSERT INTO named VALUES ('k3', 'v10001'); INSERT INTO keyless VALUES ('v9999', -3)""")
    assert [(row["table"], row["kind"]) for row in copy.rows(AGAIN)] == [("numbered", "missing in source"), ("paired", "different")]
    # What was mended is not looked at again.
    copy.sql("UPDATE numbered SET v = 'again' WHERE id = 0; DELETE FROM numbered WHERE id = 1; UPDATE paired SET v = 'v10001' WHERE b = 1.5")
    assert copy.rows(AGAIN) == [] and copy.rows(AGAIN) == []
    assert copy.value("SELECT count(*) FROM verify_differences()") == "2"
    assert len(copy.rows(AGAIN)) == 2


def test_a_row_beyond_those_that_were_there_before_stays_one(t):
    path = t.file("t.db", "CREATE TABLE t(id INTEGER PRIMARY KEY, v TEXT); INSERT INTO t VALUES (1, 'a'), (2, 'b')")
    t.sql("CREATE TABLE t(id bigint PRIMARY KEY, v text); INSERT INTO t VALUES (-2, 'x'), (-1, 'y')")
    t.import_(path, {"create": "never", "existing_rows": "append"})
    t.sql("INSERT INTO t VALUES (9, 'added')")
    again = [{"table": "t", "key": "id = 9", "column": None, "kind": "missing in source"}]
    assert t.rows('SELECT "table", key, "column", kind FROM verify_differences()') == again
    assert t.rows(AGAIN) == again and t.rows(AGAIN) == again
    t.sql("DELETE FROM t WHERE id = 9")
    assert t.rows(AGAIN) == []


def test_only_so_many_rows_are_looked_at_again(copy):
    copy.sql("UPDATE numbered SET v = 'x'")
    session = copy.session()
    session.run("SELECT count(*) FROM verify_values()")
    again = session.run('SELECT count(*) FROM verify_differences(recheck => true, "limit" => NULL)')
    assert again.out == "10000\n"
    assert '"public"."numbered": 10000 rows that were different are not looked at again, because the run log does not have their keys' in again.told


def test_only_a_runs_rows_are_looked_at_again(copy):
    path = copy.value("SELECT path FROM sqlite_migrate.run")
    copy.attempt(f"SELECT * FROM verify_differences(path => {quote(path)}, recheck => true)").failed(
        "22023", "recheck: only rows of a recorded run are kept")


def test_many_differences_take_no_more_memory_than_few(t):
    """A million differences of some hundred bytes each, under a work_mem of 64 kB."""
    t.import_(t.file("many.db", """
        CREATE TABLE t(id INTEGER PRIMARY KEY, a TEXT);
        INSERT INTO t WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 500000)
        SELECT i, 'a rather long text, so that a list of these would be seen in the memory of the server: ' || i FROM n;"""))
    session = t.session()
    session.run("SET work_mem = '64kB'; UPDATE t SET a = 'x' || a")
    assert session.value("SELECT count(*) FROM verify_differences()") == "100"
    before, highest = session.private_memory(), 0
    session.send("""SELECT count(*), count(DISTINCT key), bool_and("column" = 'a' AND target_value ~ '^.xa rather' AND source_value ~ '^.a rather')
                    FROM verify_differences("limit" => NULL)""")
    while session.running():
        highest = max(highest, session.private_memory())
        time.sleep(0.01)
    assert session.wait().out == "500000|500000|t\n"
    assert highest - before < 32 << 20


def test_temporary_files_are_closed_however_a_query_ends(t):
    """Read to the end, not read to the end, cancelled by an error, and by a rollback to a savepoint."""
    t.import_(t.file("many.db", """
        CREATE TABLE t(id INTEGER PRIMARY KEY, a TEXT);
        INSERT INTO t WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 5000) SELECT i, 'a rather long text ' || i FROM n;"""))
    session = t.session()
    session.run("SET work_mem = '64kB'; UPDATE t SET a = 'x' || a")
    directory = t.value("SHOW data_directory") + "/base/pgsql_tmp"
    whole = 'verify_differences("limit" => NULL)'
    for script in (
        f"SELECT count(*) FROM {whole}",
        f"SELECT {whole} LIMIT 3",
        f"BEGIN; DECLARE c CURSOR FOR SELECT {whole}; FETCH 3 FROM c; CLOSE c; COMMIT",
        f"BEGIN; SAVEPOINT s; DECLARE c CURSOR FOR SELECT {whole}; FETCH 3 FROM c; ROLLBACK TO s; SELECT count(*) FROM verify_counts(); COMMIT",
        f"BEGIN; DECLARE c CURSOR FOR SELECT {whole}; FETCH 3 FROM c; ROLLBACK",
        f"SELECT count(1 / (length(key) - 6)) FROM {whole}",
        f"SELECT 1 / (7 - row_number() OVER ()), d FROM (SELECT {whole} AS d) AS d",
        "SELECT count(statement) FROM verify_repair()",
    ):
        result = session.attempt(script)
        assert "leak" not in result.told, (script, result.told)
        session.attempt("ROLLBACK")
        assert session.open_files(directory) == [], script
    assert session.value(f"SELECT count(*) FROM {whole}") == "5000"


def test_a_wide_table_without_a_key_is_looked_at_again_as_a_whole(t):
    """SQLite's functions take no more than a hundred and some arguments."""
    columns = [f"c{n}" for n in range(200)]
    t.import_(t.file("wide.db", f"CREATE TABLE t({', '.join(f'{c} INTEGER' for c in columns)}); INSERT INTO t(c0, c199) VALUES (1, 2), (3, 4)"))
    t.sql("UPDATE t SET c199 = 5 WHERE c0 = 3")
    kinds = "SELECT kind FROM verify_differences({})"
    for arguments in ("", "recheck => true", "recheck => true"):
        assert [row["kind"] for row in t.rows(kinds.format(arguments))] == ["missing in target", "missing in source"], arguments
    t.sql("UPDATE t SET c199 = 4 WHERE c0 = 3")
    assert t.rows(kinds.format("recheck => true")) == []
