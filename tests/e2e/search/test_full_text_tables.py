"""Full-text tables that keep their texts themselves are data: their rows become a table, keyed by the rowid."""

import sqlite3

import pytest

from harness import quote

# A table v of each kind, its rows with the rowid, and what the columns become.
ROWS = [(3, "Alpha beta", "x"), (7, "", None), (-2, "Zoë's café — naïve", "y")]
KINDS = {
    "fts5": "fts5(title, note)",
    "fts5, porter": "fts5(title, note, tokenize = 'porter unicode61')",
    "fts5, trigram": "fts5(title, note, tokenize = 'trigram')",
    "fts5, ascii": "fts5(title, note, tokenize = \"ascii separators '-'\")",
    "fts5, no positions": "fts5(title, note, detail = none)",
    "fts5, columns only": "fts5(title, note, detail = 'column')",
    "fts5, no sizes": "fts5(title, note, columnsize = 0)",
    "fts5, prefixes": "fts5(title, note, prefix = '2 3')",
    "fts5, not indexed": "fts5(title, note UNINDEXED)",
    "fts4": "fts4(title, note)",
    "fts4, porter": "fts4(title, note, tokenize=porter)",
    "fts4, unicode61": 'fts4(title, note, tokenize=unicode61 "remove_diacritics=2")',
    "fts4, not indexed": "fts4(title, note, notindexed=note)",
    "fts4, descending": "fts4(title, note, order=desc)",
    "fts4, no sizes": "fts4(title, note, matchinfo=fts3)",
    "fts3": "fts3(title, note)",
}


def file(t, declared, rows=ROWS, name="v.db"):
    path = t.file(name, f"CREATE VIRTUAL TABLE v USING {declared}")
    db = sqlite3.connect(path)
    db.executemany("INSERT INTO v (rowid, title, note) VALUES (?, ?, ?)", rows)
    db.commit()
    db.close()
    return path


@pytest.mark.parametrize("kind", KINDS)
def test_rows_are_loaded(t, kind):
    path = file(t, KINDS[kind])
    rows = t.import_(path, {"verify": "values"})
    assert list(rows) == ["v"] and rows["v"]["imported"] == 3, rows
    found = t.shown_rows("SELECT rowid, title, note FROM v ORDER BY rowid")
    assert [tuple(row.values()) for row in found] == sorted(ROWS)
    assert t.constraints("v", "p") == "PRIMARY KEY (rowid)"
    assert t.type_of("v", "rowid") == "bigint" and t.type_of("v", "title") == "text"
    (said,) = [f for f in t.findings(path, {"schema": "other"}) if f["kind"] == "virtual_table"]
    assert said["severity"] == "info" and 'its 3 rows become a table' in said["message"] and 'and the rowid becomes column "rowid"' in said["message"], said


def test_what_is_hidden_stays_hidden(t):
    """No rank, no column named as the table."""
    path = file(t, "fts5(title, note)")
    t.import_(path)
    names = "SELECT string_agg(attname, ' ' ORDER BY attnum) FROM pg_attribute WHERE attrelid = 'v'::regclass AND attnum > 0"
    assert t.value(names).split()[:3] == ["rowid", "title", "note"]


def test_the_rowid_goes_on(t):
    path = file(t, "fts5(title, note)")
    t.import_(path)
    assert t.value("INSERT INTO v (title) VALUES ('new') RETURNING rowid") == "8"
    t.sql("CREATE TABLE of_v (id bigint REFERENCES v)")


def test_a_column_named_rowid(t):
    path = t.file("v.db", "CREATE VIRTUAL TABLE v USING fts4(rowid, title); INSERT INTO v (docid, title) VALUES (5, 'x')")
    t.import_(path, {"verify": "values"})
    assert t.value("SELECT docid, rowid IS NULL, title FROM v") == "5|t|x"


def test_languages_are_data(t):
    path = t.file("v.db", "CREATE VIRTUAL TABLE v USING fts4(title, languageid=\"lid\"); INSERT INTO v (title, lid) VALUES ('a', 0), ('b', 3)")
    t.import_(path, {"verify": "values"})
    assert t.value("SELECT string_agg(rowid || title || lid, ' ' ORDER BY rowid) FROM v") == "1a0 2b3"


def test_values_of_all_classes(t):
    """FTS5 stores what it is given; types are chosen by what is stored."""
    path = t.file("v.db", "CREATE VIRTUAL TABLE v USING fts5(a, b, c UNINDEXED); INSERT INTO v VALUES ('x', 1, x'00ff'), ('y', 2, x'01')")
    t.import_(path, {"verify": "values"})
    assert (t.type_of("v", "a"), t.type_of("v", "b"), t.type_of("v", "c")) == ("text", "bigint", "bytea")


def test_a_tokenizer_of_the_application(t):
    """The module cannot read the table, the shadow table with its rows can be read."""
    path = file(t, "fts4(title, note, tokenize=porter)")
    with sqlite3.connect(path) as db:
        db.execute("PRAGMA writable_schema = ON")
        db.execute("UPDATE sqlite_schema SET sql = replace(sql, 'porter', 'own_one') WHERE name = 'v'")
    db.close()
    (said,) = [f for f in t.findings(path) if f["kind"] == "virtual_table"]
    assert said["severity"] == "info", said
    assert said["message"] == 'virtual table cannot be read by its module "fts4": its 3 rows are read from table "v_content", and it gets column "search_vector"'
    rows = t.import_(path, {"verify": "values"})
    assert [row["imported"] for row in rows.values()] == [3], rows
    found = t.shown_rows("SELECT rowid, title, note FROM v ORDER BY rowid")
    assert [tuple(row.values()) for row in found] == sorted(ROWS)
    assert t.import_(path, {"schema": "none", "tables": {"v": {"skip": True}}}) == {}


def test_compressed_texts(t):
    path = t.dir / "v.db"
    db = sqlite3.connect(path)
    db.create_function("squeeze", 1, lambda text: text and b"<" + text.encode() + b">")
    db.create_function("unsqueeze", 1, lambda data: data and data[1:-1].decode())
    db.execute("CREATE VIRTUAL TABLE v USING fts4(title, compress=squeeze, uncompress=unsqueeze)")
    db.execute("INSERT INTO v VALUES ('alpha')")
    db.commit()
    db.close()
    t.own(path)
    (said,) = [f for f in t.findings(path) if f["kind"] == "virtual_table"]
    assert said["severity"] == "warning" and 'as function "squeeze" of the application has compressed them' in said["message"], said
    t.import_(path, {"verify": "values"})
    assert t.value("SELECT encode(title, 'escape') FROM v") == "<alpha>"


def test_a_damaged_content_table(t):
    path = file(t, "fts5(title, note)", [(i, f"text {i} " * 40, "n") for i in range(1, 400)])
    db = sqlite3.connect(path)
    page = [p for (p,) in db.execute("SELECT pageno FROM dbstat WHERE name = 'v_content' AND pagetype = 'leaf' ORDER BY pageno")][3]
    size = db.execute("PRAGMA page_size").fetchone()[0]
    db.close()
    with open(path, "r+b") as f:
        f.seek((page - 1) * size)
        f.write(b"\xff" * size)
    result = t.attempt(t.call("sqlite_import", path, {}))
    assert result.sqlstate is not None, result
    rows = t.import_(path, {"on_error": "continue"})
    assert t.value("SELECT count(*) BETWEEN 300 AND 398, bool_and(title LIKE 'text ' || rowid || ' %') FROM v") == "t|t", rows


def test_shadow_tables_are_named_and_stay(t):
    path = file(t, "fts5(title, note)")
    said = [(f["object"], f["message"]) for f in t.findings(path) if f["kind"] == "shadow_table"]
    assert said == [("v", 'tables "v_data", "v_idx", "v_content", "v_docsize", "v_config" hold its data and are not loaded')], said
    # Nothing is said of a table that the plan leaves out.
    assert not [f for f in t.findings(path, {"tables": {"v": {"skip": True}}}) if f["kind"] == "shadow_table"]
    t.import_(path)
    assert t.value("SELECT count(*) FROM pg_class WHERE relname LIKE 'v\\_%' AND relkind = 'r'") == "0"


def test_auxiliary_tables_are_named(t):
    path = t.file("v.db", """CREATE VIRTUAL TABLE d USING fts5(body); INSERT INTO d VALUES ('alpha beta'); CREATE VIRTUAL TABLE v USING fts5vocab(d, row);
        CREATE VIRTUAL TABLE o USING fts4(body); CREATE VIRTUAL TABLE a USING fts4aux(o)""")
    said = {f["object"]: f for f in t.findings(path) if f["kind"] == "virtual_table" and "auxiliary" in f["message"]}
    assert set(said) == {"v", "a"} and {f["severity"] for f in said.values()} == {"info"}, said


def test_existing_tables_take_the_rows(t):
    path = file(t, "fts5(title, note)")
    t.sql("CREATE TABLE v (rowid bigint PRIMARY KEY, title text, note text)")
    assert t.import_(path, {"create": "never", "verify": "values"})["v"]["imported"] == 3
    assert t.import_(path, {"existing_rows": "truncate"})["v"]["imported"] == 3
    assert t.import_(path, {"on_conflict": "skip"})["v"]["imported"] in (0, 3)
    assert t.value("SELECT count(*) FROM v") == "3"


def test_an_existing_table_without_the_rowid(t):
    path = file(t, "fts5(title, note)")
    t.sql("CREATE TABLE v (id serial PRIMARY KEY, title text, note text)")
    (said,) = [f for f in t.findings(path, {"create": "never"}) if f["severity"] == "blocking"]
    assert said["object"] == "v.rowid" and said["fix"] == {"tables": {"v": {"columns": {"rowid": {"name": "id"}}}}}, said
    assert t.import_(path, t.merged({"create": "never"}, said["fix"]))["v"]["imported"] == 3
    assert t.value("SELECT string_agg(id || coalesce(note, '-'), ' ' ORDER BY id) FROM v") == "-2y 3x 7-"


def test_a_plan_is_its_own_fixed_point(t):
    path = file(t, "fts5(title, note)")
    full = t.plan(path)
    assert t.plan(path, full) == full
    assert full["tables"]["v"]["skip"] is False and full["tables"]["v_content"] == {"skip": True}


def test_a_damaged_index_costs_nothing(t):
    path = file(t, "fts5(title, note)")
    db = sqlite3.connect(path)
    db.execute("UPDATE v_content SET c0 = 'other words' WHERE id = 3")
    db.commit()
    db.close()
    (said,) = [f for f in t.findings(path) if f["kind"] == "damaged"]
    assert said["severity"] == "warning" and "rows are read without it: fts5: checksum mismatch" in said["message"], said
    assert said["hint"] == """INSERT INTO "v" ("v") VALUES ('rebuild') in SQLite repairs it.""", said
    assert t.import_(path)["v"]["imported"] == 3


def test_manifests_and_inspection(t):
    path = file(t, "fts5(title, note)")
    t.import_(path)
    checked = t.rows(f"SELECT * FROM verify_manifest(sqlite_manifest({quote(str(path))}))")
    assert checked and all(row["ok"] for row in checked), checked
    found = {row["column"]: row["proposed_type"] for row in t.rows(t.call("sqlite_inspect", path)) if row["table"] == "v"}
    assert found == {"rowid": "bigint", "title": "text", "note": "text"}


def test_a_where_and_a_column_that_is_left_out(t):
    path = file(t, "fts5(title, note)")
    t.import_(path, {"verify": "values", "tables": {"v": {"where": "rowid > 0", "columns": {"note": {"skip": True}, "title": {"name": "heading"}}}}})
    assert t.value("SELECT string_agg(rowid || heading, ',' ORDER BY rowid) FROM v") == "3Alpha beta,7"
    (said,) = [f for f in t.findings(path, {"schema": "other", "tables": {"v": {"columns": {"note": {"skip": True}}}}}) if f["kind"] == "virtual_table"]
    assert 'become a table with column "search_vector"' in said["message"], said
    assert t.value("SELECT count(*) FROM v WHERE search_vector @@ 'beta'::tsquery") == "1"
