"""A virtual table's finding says where its rows come from; those that are stored nowhere else are loaded."""

import pytest

from harness import shared

DOCS = "CREATE TABLE docs (id INTEGER PRIMARY KEY, body TEXT); INSERT INTO docs VALUES (1, 'alpha'), (2, 'beta'), (3, 'gamma');"
# The file's tables, severity and end of the finding of v, and the rows that its fix loads.
KINDS = {
    "fts5 over a table": (DOCS + "CREATE VIRTUAL TABLE v USING fts5(body, content='docs', content_rowid=id); INSERT INTO v(v) VALUES ('rebuild')", "info", 'its content is derived from table "docs", which gets column "search_vector"', 3),
    "fts4 over a table": (DOCS + 'CREATE VIRTUAL TABLE v USING fts4(content="docs", body); INSERT INTO v(v) VALUES (\'rebuild\')', "info", 'its content is derived from table "docs", which gets column "search_vector"', 3),
    "fts5 without texts": ("CREATE VIRTUAL TABLE v USING fts5(body, content = ''); INSERT INTO v (rowid, body) VALUES (1, 'a'), (5, 'b')", "warning", "it is an index of 2 rows whose texts are not in the file", None),
    "fts4 without texts": ('CREATE VIRTUAL TABLE v USING fts4(body, content=""); INSERT INTO v (docid, body) VALUES (7, \'a\')', "warning", "it is an index of 1 row whose texts are not in the file", None),
    "fts5 over a table, without sizes": (DOCS + "CREATE VIRTUAL TABLE v USING fts5(body, content='docs', content_rowid=id, columnsize=0); INSERT INTO v(v) VALUES ('rebuild')", "info", 'its content is derived from table "docs", which gets column "search_vector"', 3),
    "fts5 without texts and sizes": ("CREATE VIRTUAL TABLE v USING fts5(body, content = '', columnsize = 0); INSERT INTO v (rowid, body) VALUES (1, 'a')", "warning", "it is an index of rows whose texts are not in the file", None),
    "vocabulary": ("CREATE VIRTUAL TABLE d USING fts5(body); INSERT INTO d VALUES ('alpha beta'); CREATE VIRTUAL TABLE v USING fts5vocab(d, row)", "info", "it is an auxiliary table, which shows what a full-text index consists of", 2),
}


@pytest.mark.parametrize("kind", KINDS)
def test_where_the_rows_come_from(t, kind):
    tables, severity, says, rows = KINDS[kind]
    path = t.file("v.db", tables)
    (finding,) = [f for f in t.findings(path) if f["object"] == "v" and f["kind"] == "virtual_table"]
    assert finding["severity"] == severity and finding["message"].endswith(says), finding
    assert t.import_(path)["v"]["detail"].endswith(says)
    if rows is None:
        assert finding["fix"] is None and "text search index" in finding["hint"], finding
    else:
        assert severity == "info" or finding["fix"] == {"tables": {"v": {"skip": False}}}, finding
        assert t.import_(path, {"schema": "fixed", "tables": {"v": {"skip": False}}})["v"]["imported"] == rows


# Tables beside v, its declaration, what the finding says of its rows and of where they are.
MISSING = {
    "vec0": ("CREATE TABLE v_rowids (rowid INTEGER PRIMARY KEY, id); INSERT INTO v_rowids VALUES (1, 1), (2, 2);", "vec0(e float[4])", ", and its 2 rows are stored only there", 'Its data is in "v_rowids" (2 rows). '),
    "spellfix1": ("CREATE TABLE v_vocab (id INTEGER PRIMARY KEY, rank INT, langid INT, word TEXT, k1 TEXT, k2 TEXT); INSERT INTO v_vocab (word) VALUES ('alpha');", "spellfix1",
                  ", and its 1 row is stored only there", 'Its data is in "v_vocab" (1 row). '),
    "transitive_closure": ("", "transitive_closure(tablename=docs, idcolumn=id, parentcolumn=up)", "", ""),
    "csv": ("", "csv(filename='/srv/data.csv')", "", ""),
    "mystery": ("CREATE TABLE v_data (id INTEGER PRIMARY KEY, x TEXT); INSERT INTO v_data VALUES (1, 'a');", "mystery(x)", "", ""),
}


@pytest.mark.parametrize("module", MISSING)
def test_a_module_that_is_missing(t, module):
    tables, declared, rows, data = MISSING[module]
    declaration = f"CREATE VIRTUAL TABLE v USING {declared}".replace("'", "''")
    write = f"PRAGMA writable_schema = ON; INSERT INTO sqlite_schema VALUES ('table', 'v', 'v', 0, '{declaration}');"
    path = t.file("v.db", DOCS + tables + write)
    (said,) = [f for f in t.findings(path) if f["object"] == "v"]
    assert said["severity"] == "warning" and said["message"] == f'virtual table is not loaded: its module "{module}" is not available{rows}', said
    assert said["hint"] == f"{data}Copy its content into an ordinary table with the application that has the module.", said
    result = t.import_(path, {"verify": "values"})
    # What no module is known to keep its data in is a table like any other.
    assert result["v"]["status"] == "skipped" and result["docs"]["imported"] == 3 and ("v_data" in result) == (module == "mystery"), result
    # What the application does then.
    path = t.file("v.db", DOCS + tables + write + "CREATE TABLE v_copy (x); INSERT INTO v_copy VALUES (1), (2); DELETE FROM sqlite_schema WHERE name = 'v';")
    assert t.import_(path, {"schema": "copied"})["v_copy"]["imported"] == 2 and not [f for f in t.findings(path, {"schema": "c"}) if f["object"] == "v"]


def test_a_module_that_computes(t):
    path = t.file("v.db", DOCS + "CREATE VIRTUAL TABLE v USING dbstat(main)")
    (said,) = [f for f in t.findings(path) if f["object"] == "v"]
    assert said["severity"] == "warning" and 'module "dbstat" is not' in said["message"], said
    assert t.import_(path)["docs"]["imported"] == 3


def test_full_text_of_a_case(t):
    path = t.file("fts.db", shared("cases", "37-fts.sql").read_text())
    said = {f["object"]: f["message"].split(": ")[1] for f in t.findings(path) if f["kind"] == "virtual_table"}
    rows = 'its 1 row becomes a table with column "search_vector", and the rowid becomes column "rowid"'
    assert said == {"docs_fts": 'its content is derived from table "docs", which gets column "search_vector"', "notes": rows, "old4": rows}
    t.import_(path)
    assert t.rows("SELECT txt FROM notes UNION ALL SELECT txt FROM old4") == [{"txt": "only stored in the fts table"}, {"txt": "only stored in fts4"}]
