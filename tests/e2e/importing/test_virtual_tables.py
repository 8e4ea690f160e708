"""A virtual table's finding says where its rows come from; those that are stored nowhere else can be loaded."""

import pytest

from harness import shared

DOCS = "CREATE TABLE docs (id INTEGER PRIMARY KEY, body TEXT); INSERT INTO docs VALUES (1, 'alpha'), (2, 'beta'), (3, 'gamma');"
# The file's tables, what the finding of v says, and the rows that its fix loads.
KINDS = {
    "fts5": ("CREATE VIRTUAL TABLE v USING fts5(body, tokenize = 'porter'); INSERT INTO v VALUES ('alpha'), ('beta')", 'of module "fts5" is not loaded: its 2 rows are stored only there', 2),
    "fts5, a column named content": ("CREATE VIRTUAL TABLE v USING fts5(content); INSERT INTO v VALUES ('alpha')", "its 1 row is stored only there", 1),
    "fts3": ("CREATE VIRTUAL TABLE v USING fts3(body); INSERT INTO v VALUES ('alpha')", "its 1 row is stored only there", 1),
    "fts4": ("CREATE VIRTUAL TABLE v USING FTS4(body); INSERT INTO v VALUES ('alpha')", "its 1 row is stored only there", 1),
    "empty": ("CREATE VIRTUAL TABLE v USING fts5(body)", "its 0 rows are stored only there", 0),
    "fts5 over a table": (DOCS + "CREATE VIRTUAL TABLE v USING fts5(body, content='docs', content_rowid=id); INSERT INTO v(v) VALUES ('rebuild')", 'its content is derived from table "docs"', 3),
    "fts4 over a table": (DOCS + 'CREATE VIRTUAL TABLE v USING fts4(content="docs", body); INSERT INTO v(v) VALUES (\'rebuild\')', 'its content is derived from table "docs"', 3),
    "fts5 without texts": ("CREATE VIRTUAL TABLE v USING fts5(body, content = ''); INSERT INTO v (rowid, body) VALUES (1, 'a'), (5, 'b')", "it is an index of 2 rows whose texts are not in the file", None),
    "fts4 without texts": ('CREATE VIRTUAL TABLE v USING fts4(body, content=""); INSERT INTO v (docid, body) VALUES (7, \'a\')', "it is an index of 1 row whose texts are not in the file", None),
    "rtree": ("CREATE VIRTUAL TABLE v USING rtree(id, low, high); INSERT INTO v VALUES (1, 0, 1), (2, 5, 6), (3, 7, 8)", 'of module "rtree" is not loaded: its 3 rows are stored only there', 3),
    "vocabulary": ("CREATE VIRTUAL TABLE d USING fts5(body); INSERT INTO d VALUES ('alpha beta'); CREATE VIRTUAL TABLE v USING fts5vocab(d, row)", "its module computes its content", 2),
}


@pytest.mark.parametrize("kind", KINDS)
def test_where_the_rows_come_from(t, kind):
    tables, says, rows = KINDS[kind]
    path = t.file("v.db", tables)
    (finding,) = [f for f in t.findings(path) if f["object"] == "v" and f["kind"] == "virtual_table"]
    assert finding["severity"] == "warning" and finding["message"].endswith(says), finding
    assert t.import_(path)["v"]["detail"].endswith(says)
    if rows is None:
        assert finding["fix"] is None and "text search index" in finding["hint"], finding
    else:
        assert t.import_(path, {"schema": "fixed", "tables": {"v": {"skip": False}}})["v"]["imported"] == rows


def test_a_module_that_is_missing_keeps_rows(t):
    path = t.file("v.db", "CREATE TABLE v_rowids (rowid INTEGER PRIMARY KEY, id); INSERT INTO v_rowids VALUES (1, 1), (2, 2); PRAGMA writable_schema = ON;"
                          "INSERT INTO sqlite_schema VALUES ('table', 'v', 'v', 0, 'CREATE VIRTUAL TABLE v USING vec0(e float[4])')")
    said = [f["message"] for f in t.findings(path) if f["object"] == "v"]
    assert said == ['virtual table is not loaded: its module "vec0" is not available, and its 2 rows are stored only there'], said


def test_full_text_of_a_case(t):
    path = t.file("fts.db", shared("cases", "37-fts.sql").read_text())
    said = {f["object"]: f["message"].split(": ")[1] for f in t.findings(path) if f["kind"] == "virtual_table"}
    assert said == {"docs_fts": 'its content is derived from table "docs"', "notes": "its 1 row is stored only there", "old4": "its 1 row is stored only there"}
    plan = {"tables": {name: {"skip": False} for name in ("notes", "old4")}}
    t.import_(path, plan)
    assert t.rows("SELECT txt FROM notes UNION ALL SELECT txt FROM old4") == [{"txt": "only stored in the fts table"}, {"txt": "only stored in fts4"}]
