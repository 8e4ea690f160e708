"""migration_verdict: pass, investigate or roll back, with reasons, by the rules of docs/reference.md; and what verify_counts and
verify_sequences tell it."""

import json

import pytest

import real_files
from harness import quote, shared

LENIENT = {"keys": "as_data_allows", "orphans": "keep", "on_error": "continue"}
FILE = """
CREATE TABLE parent(id INTEGER PRIMARY KEY AUTOINCREMENT, code TEXT UNIQUE);
CREATE TABLE child(id INTEGER PRIMARY KEY, parent INTEGER REFERENCES parent(id), amount INTEGER CHECK (amount > 0), at DATETIME);
CREATE INDEX child_amount ON child(amount);
INSERT INTO parent WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 100) SELECT i, 'c' || i FROM n;
INSERT INTO child SELECT id, id, id, datetime('2024-01-01', id || ' hours') FROM parent;
"""


def verdict(t, arguments="", user="postgres"):
    [row] = t.rows(f"SELECT * FROM migration_verdict({arguments})", user)
    return row


@pytest.fixture
def copy(t):
    t.path = t.file("t.db", FILE)
    t.import_(t.path)
    return t


def test_a_true_copy_passes(copy):
    assert verdict(copy) == {
        "verdict": "pass", "reasons": [], "run": 1, "tables": 2, "rows": 200, "rows_rejected": 0, "rows_missing": 0, "rows_added": 0,
        "values_compared": 600, "values_different": 0, "constraints": 8, "constraints_missing": 0, "sequences": 2,
        "sequences_behind": 0}
    assert copy.value("SELECT verdict = 'pass' FROM migration_verdict()") in ("t", "true")
    kinds = copy.value("SELECT string_agg(DISTINCT kind, ',' ORDER BY kind) FROM sqlite_migrate.verification")
    assert {"constraints", "counts", "sequences"} <= set(kinds.split(","))


@pytest.mark.parametrize("name", real_files.NAMES)
def test_a_true_import_of_a_real_file_loses_nothing(t, name):
    t.import_(t.copy_of(shared("data", f"{name}.db")), LENIENT if name == "pgloader_sqlite" else real_files.plan_of(name))
    row = verdict(t)
    # Views and triggers of the file are left out, and findings say so.
    assert row["verdict"] == "pass" and not [r for r in row["reasons"] if "left out" not in r] or name == "pgloader_sqlite", row
    assert (row["rows_missing"], row["values_different"], row["constraints_missing"], row["sequences_behind"]) == (0, 0, 0, 0), row


@pytest.mark.parametrize("change, wanted, reason", [
    ("UPDATE child SET amount = 7 WHERE id = 8", "roll back", "1 value differs: public.child"),
    ("UPDATE child SET at = at + interval '1 microsecond' WHERE id = 8", "roll back", "1 value differs: public.child"),
    ("DELETE FROM child WHERE id = 8", "roll back", "1 row is missing: public.child"),
    ("DROP TABLE child", "roll back", "100 rows are missing: public.child"),
    ("TRUNCATE child", "roll back", "100 rows are missing: public.child"),
    ("INSERT INTO child (id) VALUES (0)", "investigate", "1 row was added: public.child (0.500 % of the source's rows, within the threshold)"),
    ("INSERT INTO child (id) SELECT -i FROM generate_series(1, 3) i", "roll back",
     "3 rows were added: public.child (1.500 % of the source's rows, above the threshold)"),
    ("DELETE FROM child WHERE id = 8; INSERT INTO child (id) VALUES (0)", "roll back", "1 row is missing: public.child"),
    ("ALTER TABLE child DROP CONSTRAINT child_parent_fkey", "investigate",
     "1 object is not in force: foreign key child_parent_fkey of public.child (missing)"),
    ("DROP INDEX child_amount", "investigate", "1 object is not in force: index child_amount of public.child (missing)"),
    ("ALTER TABLE child DISABLE TRIGGER ALL", "investigate",
     "1 object is not in force: foreign key child_parent_fkey of public.child (disabled)"),
    ("SELECT setval('parent_id_seq', 50)", "investigate", "1 sequence is behind or gone: public.parent.id"),
    ("ALTER TABLE child ALTER id DROP IDENTITY", "investigate", "1 sequence is behind or gone: public.child.id"),
], ids=lambda value: value.split(":")[0][:40])
def test_each_rule_has_its_verdict_and_names_what_it_is_about(copy, change, wanted, reason):
    copy.sql(change)
    row = verdict(copy)
    assert row["verdict"] == wanted, row
    assert reason in row["reasons"], row
    # A report knows it from the log.
    report = json.loads(copy.value("SELECT sqlite_report(format => 'json')::json -> 'verdict'"))
    assert report["verdict"] == wanted, report
    # It knows the number of what is wrong, and not always its state.
    assert any(of_report.split(":")[0] == reason.split(":")[0] for of_report in report["reasons"]), (report, reason)


def test_the_gravest_reason_comes_first(copy):
    copy.sql("DROP INDEX child_amount; UPDATE parent SET code = 'x' WHERE id = 1")
    row = verdict(copy)
    assert [reason[:7] for reason in row["reasons"]] == ["1 value", "1 objec"], row


REJECTS = "CREATE TABLE t(id INTEGER PRIMARY KEY, n INTEGER); INSERT INTO t VALUES (1, 1), (2, 'x'), (3, 3), (4, 4);"


def test_rejected_rows_are_weighed_by_the_callers_threshold(t):
    t.import_(t.file("t.db", REJECTS), {"on_invalid": "reject", "tables": {"t": {"columns": {"n": {"type": "integer"}}}}})
    row = verdict(t)
    assert (row["verdict"], row["rows_rejected"], row["rows_missing"]) == ("roll back", 1, 0), row
    assert row["reasons"] == ["1 row was rejected: public.t (25.000 % of the source's rows, above the threshold)"]
    assert verdict(t, "threshold => 0.25")["verdict"] == "investigate"
    assert verdict(t, "threshold => NULL")["verdict"] == "roll back"
    assert "threshold: is a share" in t.attempt("SELECT * FROM migration_verdict(threshold => 1.5)").message
    assert "threshold: is a share" in t.attempt("SELECT * FROM migration_verdict(threshold => 'NaN')").message


def test_a_file_that_is_gone_proves_no_value_and_is_no_error(copy):
    copy.path.unlink()
    row = verdict(copy)
    assert row["verdict"] == "investigate", row
    assert [reason.split(":")[0] for reason in row["reasons"]] == ["no value was compared", "no constraint was compared"], row
    assert row["values_compared"] is row["constraints"] is None and row["sequences"] == 2
    # What the log alone can prove is still proven.
    copy.sql("DELETE FROM child WHERE id = 8; SELECT setval('parent_id_seq', 1)")
    row = verdict(copy)
    assert (row["verdict"], row["rows_missing"], row["sequences_behind"]) == ("roll back", 1, 1), row
    assert row["reasons"][0] == "1 row is missing: public.child"


def test_a_table_that_failed_is_to_be_looked_at(t):
    path = t.file("t.db", "CREATE TABLE a(id INTEGER PRIMARY KEY); CREATE TABLE b(n INTEGER); INSERT INTO a VALUES (1); INSERT INTO b VALUES ('x');")
    plan = {"on_error": "continue", "tables": {"b": {"columns": {"n": {"type": "integer"}}}}}
    t.import_(path, plan)
    row = verdict(t)
    assert row["verdict"] != "pass" and any("public.b" in reason for reason in row["reasons"]), row


def test_a_role_without_rights_cannot_prove_and_a_reader_can(copy):
    copy.role("reader", "pg_read_server_files", "pg_read_all_data")
    assert verdict(copy, "run => 1", "reader")["verdict"] == "pass"
    copy.role("logs_only", "pg_read_all_data")
    row = verdict(copy, "run => 1", "logs_only")
    assert row["verdict"] == "investigate" and "permission denied to read SQLite files" in row["reasons"][0], row
    copy.role("nobody", "pg_read_server_files")
    assert "no recorded run" in copy.attempt("SELECT * FROM migration_verdict(run => 1)", "nobody").message
    # Only who made the run, or a superuser, keeps what was found.
    assert copy.value("SELECT count(*) FROM sqlite_migrate.verification") == "0"


def test_the_owner_of_a_run_needs_no_more_rights_than_the_import(t):
    t.role("app", "pg_read_server_files")
    t.sql("CREATE SCHEMA app AUTHORIZATION app")
    path = t.file("t.db", FILE)
    t.sql(t.call("sqlite_import", path, {"schema": "app"}), "app")
    assert verdict(t, "", "app")["verdict"] == "pass"


def test_a_read_only_transaction_answers_and_keeps_nothing(copy):
    result = copy.sql("BEGIN READ ONLY; SELECT verdict FROM migration_verdict(); COMMIT")
    assert result.out.strip() == "pass"
    assert copy.value("SELECT count(*) FROM sqlite_migrate.verification") == "0"


def test_no_session_setting_changes_the_verdict(copy):
    session = copy.session()
    session.run("""CREATE SCHEMA hostile; CREATE FUNCTION hostile.count(integer) RETURNS bigint LANGUAGE sql AS 'SELECT 0';
        SET search_path = hostile, public; SET DateStyle = 'SQL, DMY'; SET TimeZone = 'Asia/Kolkata'; SET extra_float_digits = -3;
        SET quote_all_identifiers = on; SET bytea_output = escape; SET standard_conforming_strings = off""")
    assert session.value("SELECT verdict FROM public.migration_verdict()") == "pass"


# What it stands on.

def test_counts_say_what_became_of_every_row(t):
    path = t.file("t.db", "CREATE TABLE t(id INTEGER PRIMARY KEY, n INTEGER); INSERT INTO t VALUES (1, 1), (2, 'x'), (3, 3), (4, 4);")
    t.sql("CREATE TABLE t(id integer PRIMARY KEY, n integer); INSERT INTO t VALUES (1, 1), (9, 9)")
    t.import_(path, {"create": "never", "existing_rows": "append", "on_conflict": "skip", "on_invalid": "reject"})
    columns = "source_rows, imported, updated, skipped, rejected, target_rows, ok"
    assert t.shown(f"SELECT {columns} FROM verify_counts()") == "4|2|0|1|1|4|t"
    t.import_(path, {"create": "never", "existing_rows": "append", "on_conflict": "update", "on_invalid": "reject"})
    assert t.shown(f"SELECT {columns} FROM verify_counts()") == "4|0|3|0|1|4|t"
    t.sql("DELETE FROM t WHERE id = 9")
    assert t.shown(f"SELECT {columns} FROM verify_counts()") == "4|0|3|0|1|3|f"


def test_a_schema_is_counted_against_the_newest_run_of_each_table(t):
    one = t.file("one.db", "CREATE TABLE a(i INTEGER); CREATE TABLE b(i INTEGER); INSERT INTO a VALUES (1); INSERT INTO b VALUES (1), (2);")
    two = t.file("two.db", "CREATE TABLE b(i INTEGER); INSERT INTO b VALUES (5);")
    t.import_(one, {"schema": "s"})
    t.import_(two, {"schema": "s", "existing_rows": "append"})
    t.import_(two, {"schema": "other"})
    for path in (one, two):
        path.unlink()
    rows = t.rows("SELECT \"table\", source_rows, target_rows, ok FROM verify_counts(schema => 's')")
    assert rows == [{"table": "a", "source_rows": 1, "target_rows": 1, "ok": True}, {"table": "b", "source_rows": 1, "target_rows": 3, "ok": True}]
    assert t.rows("SELECT \"table\", ok FROM verify_counts(1, 's')") == [{"table": "a", "ok": True}, {"table": "b", "ok": False}]
    assert t.rows("SELECT * FROM verify_counts(3, 's')") == [] == t.rows("SELECT * FROM verify_counts(schema => 'none')")
    kept = t.rows("SELECT run, target_table, ok FROM sqlite_migrate.verification WHERE kind = 'counts' ORDER BY run, target_table")
    assert [(row["run"], row["target_table"], row["ok"]) for row in kept] == [(1, "a", True), (1, "b", False), (2, "b", True)]


@pytest.mark.parametrize("change, detail", [
    ("DROP TABLE child", "the table does not exist any more"),
    ("ALTER TABLE child ALTER id DROP IDENTITY", "no sequence numbers the column any more"),
    ("ALTER TABLE child RENAME id TO key; ALTER TABLE child ALTER key DROP IDENTITY", "the column does not exist any more"),
], ids=["table", "identity", "column"])
def test_a_sequence_that_is_gone_has_a_row(copy, change, detail):
    copy.sql(change)
    rows = copy.rows("SELECT * FROM verify_sequences() WHERE NOT ok")
    assert [(row["table"], row["column"], row["sequence"], row["detail"]) for row in rows] == [("child", "id", None, detail)]
    kept = copy.rows("SELECT object, verdict FROM sqlite_migrate.verification WHERE kind = 'sequences' AND NOT ok")
    assert kept == [{"object": "id", "verdict": "missing"}]


def test_a_default_that_takes_numbers_from_another_sequence_is_looked_at(t):
    t.sql("CREATE SEQUENCE numbers; CREATE TABLE parent(id bigint PRIMARY KEY DEFAULT nextval('numbers'), code text)")
    t.import_(t.file("t.db", "CREATE TABLE parent(id INTEGER PRIMARY KEY, code TEXT); INSERT INTO parent VALUES (41, 'a');"), {"create": "never"})
    assert t.rows("SELECT \"column\", sequence, next_value, ok FROM verify_sequences()") == [
        {"column": "id", "sequence": "public.numbers", "next_value": 42, "ok": True}]
    t.sql("SELECT setval('numbers', 7)")
    assert verdict(t)["sequences_behind"] == 1
    assert t.rows("SELECT * FROM reset_sequences()") == [], "only what a column owns is reset"
