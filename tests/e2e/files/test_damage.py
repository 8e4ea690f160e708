"""A damaged file: what is imported is what was there, or nothing and an error that says what is broken."""

import re
from collections import Counter

import pytest

import damaged
import sqlstates as s
from client import fails
from harness import shared

TABLES = ("t", "w", "o", "other")
# Nothing in the file can show these: SQLite reads the other value just the same.
UNSEEN = ("text_flipped", "value_changed")
CONTINUE = {"on_error": "continue"}


@pytest.mark.parametrize("name", damaged.names())
def test_every_kind(t, name):
    path = t.dir / "d.db"
    damaged.build(path)
    before = {table: Counter(damaged.rows(path, table)) for table in TABLES}
    hits, change = damaged.kinds(path)[name]
    broken = damaged.Bytes(path)
    change(broken)
    broken.write()
    t.own(path)
    t.rows(t.call("sqlite_check", path))
    schema = f"{name[:40]}"
    stopped = t.attempt(t.call("sqlite_import", path, {"schema": schema}))
    if stopped.sqlstate is None:
        for table in TABLES:
            assert imported(t, schema, table) == now(path, table, name, before), table
    else:
        stopped.failed(s.CORRUPT, "(is|are) damaged|is corrupt or truncated", hint="sqlite_check|recover")
        if hits in TABLES:
            assert re.search(rf"\b{hits}\b", f"{stopped.message}\n{stopped.detail}"), f"{stopped.message}\n{stopped.detail}"
    loaded = t.attempt(t.call("sqlite_import", path, {**CONTINUE, "schema": schema + "_saved"}))
    if loaded.sqlstate is not None:
        loaded.failed(s.CORRUPT, "(is|are) damaged|is corrupt or truncated", hint="recover|sqlite_check")
        assert hits not in TABLES, f"did not go on: {loaded.message}, {loaded.detail}"
        return
    for table in TABLES:
        saved, there = imported(t, schema + "_saved", table), now(path, table, name, before)
        assert not saved - there, f"{table}: rows that were not there, or twice: {list((saved - there))[:2]}"
        assert table == hits or hits == "any" or saved == there, f"{table} has lost rows"
    assert all(row["ok"] for row in t.rows("SELECT * FROM verify_counts()"))


def now(path, table, name, before):
    return Counter(damaged.rows(path, table)) if name.endswith(UNSEEN) else before[table]


def imported(t, schema, table):
    """The rows of an imported table, as Python's sqlite3 gives them; none where the table was not made."""
    if t.value(f"SELECT to_regclass('\"{schema}\".\"{table}\"') IS NULL") == "t":
        return Counter()
    return Counter(tuple(row.values()) for row in t.rows(f'SELECT * FROM "{schema}"."{table}"'))


def test_what_is_lost_is_said(t):
    path = t.dir / "d.db"
    damaged.build(path)
    leaf = damaged.pages(path, "t", "leaf")
    broken = damaged.Bytes(path)
    for page in (leaf[10], leaf[11], leaf[40]):
        broken.zero(page)
    broken.write()
    t.own(path)
    findings = {f["object"]: f for f in t.findings(path)}
    assert findings["t"]["severity"] == "blocking" and "btreeInitPage" in findings["t"]["message"], findings
    blocked = t.import_fails(path, {}, s.CORRUPT, "^t: pages of the table are damaged", hint="continue")
    assert "bug" not in blocked.hint
    rows = t.import_(path, CONTINUE)
    lost = re.fullmatch(r".*2 ranges of rowids could not be read: (\d+)–(\d+), (\d+)–(\d+).*", rows["t"]["detail"])
    assert lost, rows["t"]
    (a, b, c, d) = map(int, lost.groups())
    there = [int(n) for n in t.value("SELECT id FROM t ORDER BY id").split()]
    expected = [n for n in range(3, 3601, 3) if not (a <= n <= b or c <= n <= d)]
    assert there == expected and rows["t"]["imported"] == len(expected)
    assert rows["t"]["source_rows"] is None and rows["t"]["status"] == "loaded", rows["t"]
    assert rows["w"]["source_rows"] == 1200 and rows["w"]["detail"] == "written as pages", rows["w"]
    logged = t.rows("SELECT source_rows, detail FROM sqlite_migrate.run_table WHERE source_table = 't'")
    assert logged == [{"source_rows": None, "detail": rows["t"]["detail"]}], logged
    assert all(row["ok"] for row in t.rows("SELECT * FROM verify_counts()"))
    # What the plan leaves out is of no interest, and where is as good as ever.
    assert t.import_(path, {"schema": "b", "exclude": ["t"]})["w"]["imported"] == 1200
    some = t.import_(path, {**CONTINUE, "schema": "c", "tables": {"t": {"where": "n < 5"}}})["t"]["imported"]
    assert some == len([n for n in expected if n // 3 % 50 < 5]), some


def test_integrity_is_as_the_plan_says(t):
    path = t.dir / "d.db"
    damaged.build(path)
    index = damaged.pages(path, "t_n", "leaf")
    broken = damaged.Bytes(path)
    broken.swap(index[1], index[-2])
    broken.write()
    t.own(path)
    assert t.plan(path)["integrity"] == "quick"
    quiet = [f for f in t.findings(path) if "t_n" in f["object"]]
    full = [f for f in t.findings(path, {"integrity": "full"}) if f["object"] == "index t_n"]
    assert not quiet and full and full[0]["severity"] == "warning" and "REINDEX" in full[0]["hint"], (quiet, full)
    assert t.import_(path, {"integrity": "full"})["t"]["imported"] == 1200
    seconds = t.value("SELECT (source->'check'->>'seconds')::float8 >= 0 FROM sqlite_migrate.run")
    assert seconds == "t"
    with fails(s.PLAN, "plan.integrity"):
        t.sql(t.call("sqlite_plan", path, {"integrity": "fast"}))
    # Unchecked, the page that was cut brings rows that were never there: that is what the word means.
    leaf = damaged.pages(path, "t", "leaf")[7]
    broken = damaged.Bytes(path)
    broken.zero(leaf, 512)
    broken.write()
    t.import_fails(path, {"schema": "b"}, s.CORRUPT, r"\bt\b")
    t.import_fails(path, {"schema": "c", "integrity": "none", "keys": "as_data_allows"}, s.DUPLICATE_KEY, r"break constraint \"t_pkey\" of \"c\".\"t\"\n.*\(id\)=\(0\)")


def test_damage_that_is_met_only_while_reading_is_read_around(t):
    path = t.dir / "d.db"
    damaged.build(path)
    broken = damaged.Bytes(path)
    broken.zero(damaged.pages(path, "t", "leaf")[20])
    broken.write()
    t.own(path)
    t.import_fails(path, {"integrity": "none"}, s.CORRUPT, r"\bt\b", hint="on_error")
    row = t.import_(path, {**CONTINUE, "integrity": "none"})["t"]
    assert 1190 <= row["imported"] < 1200 and "1 range of rowids" in row["detail"], row


def test_the_check_can_be_canceled(t):
    path = t.file("large.db", """
        CREATE TABLE t (a, b, c);
        WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 400000)
        INSERT INTO t SELECT i, hex(randomblob(20)), i FROM n;""")
    for function in ("sqlite_import", "sqlite_check", "sqlite_findings"):
        with fails(s.CANCELED, "statement timeout"):
            t.sql("SET statement_timeout = '20ms';" + t.call(function, path))
    assert t.import_(path)["t"]["imported"] == 400000


def test_a_page_number_that_no_file_has_is_damage_and_no_full_disk(t):
    path = t.copy_of(shared("data", "malformed", "0079.db"))
    t.import_fails(path, {}, s.CORRUPT, "the schema of the file is damaged", hint="recover")
