"""MATCH in an application's statements and in the views of the file: the same rows by the search vector."""

import json
import sqlite3

import pytest

from client import fails
from harness import quote

FILE = """
    CREATE VIRTUAL TABLE docs USING fts5(title, body, tag UNINDEXED);
    INSERT INTO docs(rowid, title, body, tag) VALUES (1, 'The quick fox', 'A brown fox jumps; well-known.', 'x'), (7, 'Crème brûlée', 'cooking with cream', 'y'),
        (9, 'Foxes', 'brown foxes and quick dogs', 'z');
    CREATE TABLE post (id INTEGER PRIMARY KEY, head TEXT, text TEXT);
    INSERT INTO post VALUES (3, 'Running late', 'He runs, they ran'), (4, 'Walking', 'She walks while others run'), (5, 'Nothing', '');
    CREATE VIRTUAL TABLE post_fts USING fts5(head, text, content='post', content_rowid='id', tokenize='porter');
    INSERT INTO post_fts(post_fts) VALUES ('rebuild');
    CREATE VIRTUAL TABLE old USING fts4(subject, body); INSERT INTO old(docid, subject, body) VALUES (1, 'hello world', 'one two three'), (2, 'two', 'hello there');
    CREATE VIEW quick AS SELECT title FROM docs WHERE docs MATCH 'quick AND brown';
    CREATE VIEW running AS SELECT p.id, p.head FROM post_fts f JOIN post p ON p.id = f.rowid WHERE post_fts MATCH 'run';"""

STATEMENTS = """
SELECT rowid, title FROM docs WHERE docs MATCH 'fox* NOT dogs' ORDER BY rowid
SELECT rowid FROM docs WHERE docs MATCH '"well-known"'
SELECT rowid FROM docs d WHERE docs MATCH 'title : fox*' ORDER BY rowid
SELECT rowid FROM docs WHERE title MATCH 'creme'
SELECT rowid FROM docs WHERE body MATCH 'creme'
SELECT count(*) FROM docs WHERE docs MATCH 'NEAR(brown fox, 0)'
SELECT rowid, head FROM post_fts WHERE post_fts MATCH 'running' ORDER BY rowid
SELECT * FROM post_fts WHERE post_fts MATCH 'walk'
SELECT p.id, f.head FROM post p JOIN post_fts f ON f.rowid = p.id WHERE post_fts MATCH 'text : run' ORDER BY p.id
SELECT id FROM post WHERE id IN (SELECT rowid FROM post_fts WHERE post_fts MATCH 'ran OR walk') ORDER BY id
SELECT subject FROM old WHERE old MATCH 'hello two' ORDER BY 1
SELECT subject FROM old WHERE subject MATCH 'hello'
SELECT subject FROM old WHERE old MATCH 'subject:two hello'
SELECT subject FROM old WHERE body MATCH 'one NEAR/1 three'""".strip().splitlines()

# A phrase, NEAR, and single columns.
PLACED = ("well-known", "NEAR", " : ", "title MATCH", "body MATCH", "subject MATCH", "subject:")


def translated(t, path, statement, plan="{}"):
    [row] = t.rows(f"SELECT statement, notes FROM sqlite_translate({quote(statement)}, {quote(str(path))}, {quote(plan)})")
    return row["statement"], "\n".join(row["notes"])


def test_statements_find_the_same_rows(t):
    path = t.file("search.db", FILE)
    t.import_(path)
    sqlite = sqlite3.connect(path)
    for statement in STATEMENTS:
        expected = "".join("|".join(map(str, row)) + "\n" for row in sqlite.execute(statement))
        sql, notes = translated(t, path, statement)
        assert t.sql(sql).out == expected, (statement, sql)
        assert ("by the places of words" in notes) == any(word in statement for word in PLACED), (statement, notes)
        assert ("post_fts is read as post" in notes) == ("post_fts" in statement), notes
    sqlite.close()


def test_a_parameter_is_read_when_the_statement_runs(t):
    path = t.file("search.db", FILE)
    t.import_(path)
    sql, notes = translated(t, path, "SELECT rowid FROM post_fts WHERE post_fts MATCH ?1")
    assert "sqlite_fts_query($1::text, columns => ARRAY['head', 'text'], weights => 'AB', tokenizer => 'porter', syntax => 'fts5')" in sql, sql
    assert "extension pg_sqlite_migrate" in notes
    assert t.sql(f"PREPARE q(text) AS {sql}; EXECUTE q('head : running'); EXECUTE q('walks')").out == "3\n4\n"


def test_views_need_nothing_of_the_extension(t):
    path = t.file("search.db", FILE)
    t.import_(path, {"views": True})
    assert t.sql("DROP EXTENSION pg_sqlite_migrate CASCADE; SELECT title FROM quick ORDER BY 1; SELECT * FROM running ORDER BY id").out == "Foxes\nThe quick fox\n3|Running late\n4|Walking\n"


@pytest.mark.parametrize("statement, plan, reason", [
    ("SELECT rowid FROM docs WHERE docs MATCH '^quick'", {}, "first word of a column"),
    ("SELECT rowid FROM docs WHERE docs MATCH 'foo-bar'", {}, "no such column: bar"),
    ("SELECT rowid FROM docs WHERE docs MATCH 'a' || 'b'", {}, "anything but a text"),
    ("SELECT rowid FROM docs WHERE tag MATCH 'x'", {}, "nor a column of one"),
    ("SELECT id FROM post WHERE head MATCH 'x'", {}, "nor a column of one"),
    ("SELECT rowid FROM docs d WHERE d MATCH 'x'", {}, "nor a column of one"),
    ("SELECT rowid, bm25(docs) FROM docs WHERE docs MATCH 'x'", {}, "bm25"),
    ("SELECT rowid FROM docs WHERE docs MATCH 'x'", {"fts": {"config": "english"}}, "text search configuration english"),
    ("SELECT rowid FROM docs WHERE docs MATCH 'x'", {"fts": False}, "no full-text table that has a search vector"),
])
def test_what_no_tsquery_says_is_refused(t, statement, plan, reason):
    path = t.file("search.db", FILE)
    with fails("0A000", reason):
        translated(t, path, statement, json.dumps(plan))
