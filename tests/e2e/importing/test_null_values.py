"""Texts and numbers that mean NULL where they do not fit: the plan key null_values, and the findings that offer it."""

import json

from client import fails
from harness import shared
from test_remedies import blocking, check_all


def case(t, name):
    return t.file(f"{name}.db", shared("cases", f"{name}.sql").read_text())


def lines(t, query):
    return t.shown(query).split("\n")


def null_values(t, path, plan=None):
    """The fixes of a file's findings that list null_values, by object."""
    found = {}
    for f in t.findings(path, plan or {}):
        for table, entry in ((f["fix"] or {}).get("tables") or {}).items():
            for column, keys in (entry.get("columns") or {}).items():
                if "null_values" in keys:
                    found[f"{table}.{column}"] = keys
    return found


def test_zeros_and_dates_of_zeros(t):
    path = case(t, "08-zero-unsigned")
    offered = null_values(t, path)
    assert offered == {"Job.SchedTime": {"null_values": ["0000-00-00 00:00:00", "0"], "nullable": True}, "Job.EndTime": {"null_values": ["0"]}}, offered
    assert not blocking(t.findings(path, {})) and t.import_(path)["Job"]["imported"] == 3
    t.sql('DROP TABLE "Job"')
    plan = t.merged({}, *(f["fix"] for f in t.findings(path, {}) if f["fix"] and "null_values" in json.dumps(f["fix"])))
    assert not null_values(t, path, plan)
    row = t.import_(path, plan)["Job"]
    assert row["imported"] == 3 and "4 values of null_values became NULL" in row["detail"], row
    assert lines(t, 'SELECT "JobId", "SchedTime", "EndTime", "JobBytes", "Name" FROM "Job" ORDER BY 1') == [
        "1|2014-07-01 10:00:00|2014-07-01 10:10:10|123456789012|backup-a", "2|||0|", "3|||0|c"]


def test_the_empty_text_in_a_not_null_column(t):
    path = case(t, "08b-notnull-min")
    for plan in [{}, {"tables": {"j": {"columns": {"at": {"type": "timestamp"}}}}},
                 {"tables": {"j": {"columns": {"at": {"type": "timestamp", "on_invalid": "null"}}}}}]:
        findings = [f for f in t.findings(path, plan) if f["object"] == "j.at"]
        assert [f["fix"] for f in findings] == [{"tables": {"j": {"columns": {"at": {"null_values": [""], "nullable": True}}}}}], findings
        assert [f["severity"] for f in findings] == ["blocking" if plan else "warning"], findings
        assert "1 value becomes NULL" in findings[0]["hint"], findings
        check_all(t, path, plan)
        fixed = t.merged(plan, findings[0]["fix"])
        assert t.import_(path, fixed)["j"]["imported"] == 2
        assert lines(t, "SELECT * FROM j ORDER BY id") == ["1|2024-01-01 10:00:00", "2|"]
        t.sql("DROP TABLE j")


MIXED = """CREATE TABLE m (id INTEGER PRIMARY KEY, at DATETIME, n INTEGER, note TEXT, ip TEXT, j JSON);
    INSERT INTO m VALUES (1, '2024-01-01', 1, 'n/a', '10.0.0.1', '{}'), (2, 'n/a', 'n/a', '', 'n/a', ''), (3, '', -1, 'x', '', 'n/a');"""


def test_every_level_and_every_type(t):
    path = t.file("m.db", MIXED)
    plan = {"null_values": ["n/a", ""], "tables": {"m": {"columns": {"ip": {"type": "inet"}, "n": {"null_values": ["n/a", -1]}}}}}
    row = t.import_(path, plan)["m"]
    assert lines(t, "SELECT * FROM m ORDER BY id") == ["1|2024-01-01 00:00:00|1|n/a|10.0.0.1|{}", "2|||||", "3||-1|x||"], "a text column keeps them, a number column its -1"
    assert "7 values of null_values became NULL" in row["detail"], row
    assert t.value("SELECT note FROM m WHERE id = 2") == ""
    printed = t.plan(path, plan)
    t.sql("DROP TABLE m")
    assert printed["null_values"] == ["n/a", ""] and printed["tables"]["m"]["columns"]["n"]["null_values"] == ["n/a", "-1"]
    assert t.plan(path, printed) == printed
    assert t.import_(path, {"null_values": ["n/a"], "tables": {"m": {"null_values": []}}})["m"]["imported"] == 3
    assert t.value("SELECT at FROM m WHERE id = 2") == "n/a", "the table's own list is empty"


def test_existing_columns(t):
    path = t.file("m.db", MIXED)
    t.sql("""CREATE DOMAIN label AS text CHECK (value <> 'n/a');
        CREATE TABLE m (id bigint PRIMARY KEY, at timestamptz, n int, note label, ip inet, j jsonb)""")
    findings = t.findings(path, {"create": "never"})
    fixes = {f["object"]: f["fix"] for f in findings if f["kind"] == "invalid_value"}
    assert "m.at" in fixes, findings
    plan = {"create": "never", "null_values": ["n/a", ""]}
    assert not blocking(t.findings(path, plan))
    row = t.import_(path, plan)["m"]
    assert row["imported"] == 3 and "8 values of null_values became NULL" in row["detail"], row
    assert lines(t, "SELECT * FROM m ORDER BY id") == ["1|2024-01-01 00:00:00+00|1||10.0.0.1|{}", "2|||||", "3||-1|x||"]
    t.sql("TRUNCATE m; ALTER TABLE m ALTER at SET NOT NULL")
    finding, = blocking(t.findings(path, plan))
    assert finding["message"].startswith("2 rows have NULL, and existing column \"at\" is NOT NULL"), finding
    with fails("22P02", "rowid 2: the text value 'n/a' cannot become timestamp with time zone: the column is NOT NULL"):
        t.import_(path, {**plan, "profile": "none"})


def test_the_whole_plan_makes_null_of_what_does_not_fit(t):
    path = t.file("m.db", """CREATE TABLE m (id INTEGER PRIMARY KEY, at DATETIME, n INTEGER, s VARCHAR(2), u UUID, q DATETIME NOT NULL);
        INSERT INTO m VALUES (1, '2024-01-01', 1, 'abc', 'x', '2024-01-01'), (2, 'soon', 'many', 'a', '3f2504e0-4f89-41d3-9a0c-0305e82c3301', 'x'), (3, '', 2, '', '', '');""")
    plan = {"on_invalid": "null"}
    messages = {f["object"]: f["message"] for f in t.findings(path, plan)}
    assert messages["m.at"].endswith("; 2 values that do not fit become NULL"), messages
    assert messages["m.n"].endswith("; 1 value that does not fit becomes NULL"), messages
    row = t.import_(path, plan)["m"]
    assert row["imported"] == 3 and "5 values became NULL because they did not fit" in row["detail"], row
    assert lines(t, "SELECT id, at, n, s, u, q FROM m ORDER BY id") == [
        "1|2024-01-01 00:00:00|1|abc||2024-01-01", "2|||a|3f2504e0-4f89-41d3-9a0c-0305e82c3301|x", "3||2|||"]
    assert t.value("SELECT pg_typeof(at)::text || pg_typeof(s) || pg_typeof(q) FROM m LIMIT 1") == "timestamp without time zonetexttext"
