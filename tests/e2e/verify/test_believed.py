"""What a comparison cannot see in the file: it believes what the run has counted, and no more."""

import sqlite3


def values(t, arguments=""):
    return t.rows(f"SELECT * FROM verify_values({arguments})")


def of(rows, column):
    return next(row for row in rows if row["column"] == column)


FILE = """
CREATE TABLE p(id INTEGER PRIMARY KEY);
CREATE TABLE t(id INTEGER PRIMARY KEY, n INTEGER, p INTEGER REFERENCES p);
INSERT INTO p VALUES (1);
INSERT INTO t VALUES (1, -1, 1), (2, 5, 9), (3, 6, 1), (4, 7, NULL);
"""


def lenient(t):
    t.sql("CREATE DOMAIN positive AS int CHECK (VALUE > 0); CREATE TABLE p(id bigint PRIMARY KEY);"
          "CREATE TABLE t(id bigint PRIMARY KEY, n positive, p bigint REFERENCES p)")
    t.import_(t.file("t.db", FILE), {"create": "never", "on_invalid": "null", "orphans": "null"})


def test_no_more_nulls_than_the_run_has_made(t):
    lenient(t)
    assert t.rows("SELECT became FROM sqlite_migrate.run_table WHERE source_table = 't'") == [
        {"became": {"n": {"on_invalid": 1}, "p": {"orphans": 1}}}]
    rows = values(t)
    assert {row["verdict"] for row in rows} == {"equal", "normalised"}, rows
    t.sql("UPDATE t SET n = NULL, p = NULL WHERE id = 3")
    rows = values(t)
    for column in ("n", "p"):
        row = of(rows, column)
        assert (row["verdict"], row["different"], row["normalised"], row["detail"]) == (
            "different", 1, 1, "1 value is NULL or a default, which the run has not made so"), row


def test_a_value_instead_of_one_that_the_run_has_made_null_is_found(t):
    lenient(t)
    t.sql("UPDATE t SET n = 1 WHERE id = 1; UPDATE t SET p = 1 WHERE id = 2")
    assert [(row["column"], row["different"], row["first_key"]) for row in values(t) if row["different"]] == [
        ("n", 1, "id = 1"), ("p", 1, "id = 2")]


def test_an_import_believes_no_more_than_it_has_done(t):
    t.sql("CREATE DOMAIN positive AS int CHECK (VALUE > 0); CREATE TABLE t(id bigint PRIMARY KEY, n positive);"
          "CREATE FUNCTION lose() RETURNS trigger LANGUAGE plpgsql AS $$BEGIN NEW.n := NULL; RETURN NEW; END$$;"
          "CREATE TRIGGER lose BEFORE INSERT ON t FOR EACH ROW WHEN (NEW.id = 2) EXECUTE FUNCTION lose()")
    path = t.file("t.db", "CREATE TABLE t(id INTEGER PRIMARY KEY, n INTEGER); INSERT INTO t VALUES (1, -1), (2, 5), (3, 6)")
    error = t.attempt(t.call("sqlite_import", path, {"create": "never", "on_invalid": "null", "fire_triggers": True, "verify": "values"}))
    error.failed("22000", 'table "public"."t" differs from the file')
    assert 'Column "n": values that the import has not made NULL or a default: 1.' in error.detail


def test_rows_that_were_there_before_and_are_lost(t):
    path = t.file("t.db", "CREATE TABLE t(id INTEGER PRIMARY KEY, v TEXT); INSERT INTO t VALUES (1, 'a')")
    t.sql("CREATE TABLE t(id bigint PRIMARY KEY, v text); INSERT INTO t VALUES (7, 'old'), (8, 'old')")
    t.import_(path, {"existing_rows": "append", "verify": "values"})
    t.sql("DELETE FROM t WHERE id = 8")
    assert {(row["verdict"], row["missing_in_target"], row["detail"]) for row in values(t)} == {
        ("missing rows", 0, "1 row that was there before the run is missing")}


def test_long_values_are_shown_where_they_are_different(t):
    path = t.file("t.db", "CREATE TABLE t(id INTEGER PRIMARY KEY, v TEXT, b BLOB);"
                          "INSERT INTO t VALUES (1, printf('%01000d', 0) || 'end', zeroblob(100)), (2, 'short', NULL)")
    t.import_(path)
    t.sql("UPDATE t SET v = left(v, 1000) || 'END', b = set_byte(b, 99, 1) WHERE id = 1")
    shown = [(row["source_value"], row["target_value"]) for row in t.rows("SELECT * FROM verify_differences()")]
    zeros = "0" * 20
    assert shown == [(f"…'{zeros}end' from character 981", f"…'{zeros}END' from character 981"),
                     (f"…x'{'00' * 21}' from byte 80", f"…x'{'00' * 20}01' from byte 80")]


def test_a_file_that_has_changed_since_is_told(t):
    path = t.file("t.db", "CREATE TABLE t(id INTEGER PRIMARY KEY, v TEXT); INSERT INTO t VALUES (1, 'a')")
    t.import_(path)
    assert "has changed" not in t.sql("SELECT * FROM verify_values()").told
    with sqlite3.connect(path) as database:
        database.execute("UPDATE t SET v = 'b'")
    told = t.sql("SELECT * FROM verify_values()").told
    assert "the file has changed since run 1: change counter is " in told, told
    assert "has changed" not in t.sql(f"SELECT * FROM verify_values(path => '{path}')").told
