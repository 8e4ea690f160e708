"""Full-text tables and R*Trees come back: MATCH and ranges find the rows that they found in the original file."""

import sqlite3

import sqlstates as s
from client import fails
from exports import cells, export, findings, schema
from harness import quote

FILE = """
    CREATE TABLE post (id INTEGER PRIMARY KEY, title TEXT, body TEXT);
    INSERT INTO post VALUES (1, 'Brown fox', 'The quick brown fox jumps'), (7, 'Crème', 'brûlée and coffee'), (9, NULL, 'foxes run');
    CREATE VIRTUAL TABLE post_fts USING fts5(title, body, content='post', content_rowid='id', tokenize='porter unicode61', prefix='2 3');
    INSERT INTO post_fts(post_fts) VALUES ('rebuild');
    CREATE TRIGGER post_ai AFTER INSERT ON post BEGIN INSERT INTO post_fts(rowid, title, body) VALUES (new.id, new.title, new.body); END;
    CREATE TRIGGER post_ad AFTER DELETE ON post BEGIN INSERT INTO post_fts(post_fts, rowid, title, body) VALUES ('delete', old.id, old.title, old.body); END;
    CREATE VIRTUAL TABLE note USING fts5(txt, author UNINDEXED, n);
    INSERT INTO note (rowid, txt, author, n) VALUES (3, 'alpha beta', 'ann', 5), (40, 'beta gamma', NULL, -7), (41, NULL, '', NULL);
    CREATE VIRTUAL TABLE old3 USING fts3(txt, tokenize=porter); INSERT INTO old3 (docid, txt) VALUES (2, 'running'), (4, 'sat');
    CREATE VIRTUAL TABLE old4 USING fts4("a b", rowid, notindexed=rowid, tokenize=unicode61 "remove_diacritics=0"); INSERT INTO old4 (docid, "a b", rowid) VALUES (-5, 'Één', 'x');
    CREATE VIRTUAL TABLE area USING rtree(id, x0, x1, y0, y1, +name TEXT, +extra);
    INSERT INTO area VALUES (1, 0.1, 0.2, -5, 5, 'a', x'07'), (2, 10, 20.3, 10, 20, NULL, x'01'), (5000000000, -1e30, 1e30, 0, 0, '3', NULL);
    CREATE VIRTUAL TABLE grid USING rtree_i32(id, a, b); INSERT INTO grid VALUES (1, -2147483648, 2147483647), (2, 5, 9)"""

QUERIES = [
    "SELECT rowid FROM post_fts WHERE post_fts MATCH {} ORDER BY 1".format(quote(text)) for text in ('fox', 'title: fox', '"quick brown"', 'bru* OR jumping', 'creme', 'NEAR(quick fox)')
] + [
    "SELECT rowid, title, body FROM post_fts ORDER BY 1", "SELECT rowid, *, typeof(txt), typeof(author), typeof(n) FROM note ORDER BY 1", "SELECT rowid FROM note WHERE note MATCH 'beta NOT gamma'", "SELECT rowid FROM note WHERE note MATCH '5'",
    "SELECT docid, txt FROM old3 WHERE old3 MATCH 'run'", 'SELECT docid, "a b", typeof("a b"), old4.rowid FROM old4', "SELECT docid FROM old4 WHERE old4 MATCH 'één'", "SELECT docid FROM old4 WHERE old4 MATCH 'een'",
    "SELECT *, typeof(name), typeof(extra) FROM area ORDER BY 1", "SELECT id FROM area WHERE x0 >= 0.0999 AND y1 <= 20 ORDER BY 1", "SELECT *, typeof(a) FROM grid ORDER BY 1", "SELECT id FROM grid WHERE a > 0",
]


def imported(t, sql):
    path = t.file("a.db", sql)
    t.import_(path)
    return path, int(t.value("SELECT max(id) FROM sqlite_migrate.run"))


def unequal(t, back, run):
    return t.rows(f"SELECT * FROM verify_export({quote(str(back))}, run => {run}) WHERE NOT ok")


def test_virtual_tables_of_a_run_come_back(t):
    path, run = imported(t, FILE)
    back, _ = export(t, "back.db", run=run)
    for query in QUERIES:
        assert cells(back, query) == cells(path, query), query
    declared, original = schema(back), schema(path)
    for name in ("post_fts", "post_ai", "post_ad", "note", "old3", "old4", "area", "grid"):
        assert declared[name] == original[name]
    assert declared.keys() == original.keys()
    assert unequal(t, back, run) == []
    # Its triggers maintain it, and the file goes on as before.
    db = sqlite3.connect(back)
    db.executescript("INSERT INTO post VALUES (11, 'new', 'kangaroo'); DELETE FROM post WHERE id = 1; INSERT INTO note (txt) VALUES ('kangaroo'); INSERT INTO area VALUES (9, 0, 1, 0, 1, 'z', 0)")
    assert [db.execute(f"SELECT rowid FROM {of} WHERE {of} MATCH '{word}'").fetchall() for of, word in (("post_fts", "kangaroo"), ("post_fts", "quick"), ("note", "kangaroo"))] == [[(11,)], [], [(42,)]]
    db.execute("INSERT INTO post_fts(post_fts) VALUES ('integrity-check')")
    db.close()
    # Rows of PostgreSQL's that have changed since are found; coordinates are rounded as SQLite does, and counted.
    t.sql("UPDATE post SET body = 'wombat' WHERE id = 7; INSERT INTO note (rowid, txt) VALUES (50, 'wombat'); INSERT INTO area (id, x0, x1, y0, y1) VALUES (6, 0.1, 0.1, 1, 2)")
    again, rows = export(t, "again.db", run=run)
    assert cells(again, "SELECT rowid FROM post_fts WHERE post_fts MATCH 'wombat'") == [(7,)] and cells(again, "SELECT rowid FROM note WHERE note MATCH 'wombat'") == [(50,)]
    assert rows["area"]["detail"] == "x0: 1 value became a number of 32 bits; x1: 1 value became a number of 32 bits"
    assert cells(again, "SELECT x0, x1 FROM area WHERE id = 6") == [(0.09999998658895493, 0.10000000149011612)] and unequal(t, again, run) == []
    plain, _ = export(t, "plain.db", {"fts": False}, run)
    assert cells(plain, "SELECT rowid, txt FROM note ORDER BY 1") == [(3, "alpha beta"), (40, "beta gamma"), (41, None), (50, "wombat")] and "post_fts" not in schema(plain)


def test_what_does_not_come_back_is_said(t):
    path, run = imported(t, """
        CREATE TABLE post (id INTEGER PRIMARY KEY, body TEXT); INSERT INTO post VALUES (1, 'one');
        CREATE VIRTUAL TABLE gone USING fts5(body, content='nowhere'); CREATE VIRTUAL TABLE bare USING fts5(body, content='');
        INSERT INTO bare (rowid, body) VALUES (1, 'x');
        CREATE VIRTUAL TABLE kept USING fts5(body); INSERT INTO kept (rowid, body) VALUES (1, 'x'); CREATE VIRTUAL TABLE area USING rtree(id, a, b); INSERT INTO area VALUES (1, 0, 1);
        CREATE VIRTUAL TABLE post_fts USING fts5(body, content='post', content_rowid=id); CREATE VIRTUAL TABLE vocabulary USING fts5vocab(kept, row);
        CREATE VIRTUAL TABLE both USING fts5(body, content='post', content_rowid=id); CREATE VIRTUAL TABLE own USING fts4(txt, tokenize=porter); INSERT INTO own (txt) VALUES ('x');
        CREATE TRIGGER one AFTER INSERT ON post BEGIN INSERT INTO post_fts (rowid, body) VALUES (new.id, new.body); INSERT INTO both (rowid, body) VALUES (new.id, new.body); INSERT INTO gone (rowid, body) VALUES (1, 'x'); END;
        CREATE TRIGGER two AFTER DELETE ON post BEGIN DELETE FROM post_fts WHERE rowid = old.id; DELETE FROM both WHERE rowid = old.id; END""")
    told = findings(t, run=run)
    for line in ('gone: the virtual table does not come back: table "nowhere", which has its texts, is not exported', "bare: the virtual table does not come back: its texts are not in the database, as they were not in the file",
                 'vocabulary: the virtual table does not come back: tables of module "fts5vocab" are not made again', 'trigger one: it is not made as it was in the file: no such table: main.gone'):
        assert line in told, (line, told)
    # A trigger of two tables comes back once.
    whole, _ = export(t, "whole.db", run=run)
    assert "two" in schema(whole) and "one" not in schema(whole) and {"post_fts", "both"} <= set(schema(whole))
    # A table that takes the name of another one is not that.
    renamed, _ = export(t, "renamed.db", {"tables": {"own": {"skip": True}, "kept": {"target": "own"}}}, run)
    assert schema(renamed)["own"].startswith('CREATE TABLE "own"')
    t.sql("ALTER TABLE kept ADD COLUMN later text; CREATE TABLE child (k bigint REFERENCES kept); ALTER TABLE area ALTER COLUMN a TYPE numeric; ALTER TABLE post DROP COLUMN search_vector, DROP COLUMN search_vector_2, DROP COLUMN body, ADD COLUMN words tsvector")
    told = findings(t, run=run)
    for line in ('kept: the virtual table does not come back: it had no column "later"', 'area: the virtual table does not come back: column "a" is of type numeric', 'post_fts: the virtual table does not come back: table "post" has no column "body" in the file',
                 "post.words: a column of type tsvector is not carried over: a virtual table of the run's file is not made of it"):
        assert line in told, (line, told)
    back, _ = export(t, "back.db", run=run)
    assert cells(back, "SELECT * FROM kept") == [(1, "x", None)] and cells(back, "SELECT * FROM area") == [(1, 0.0, 1.0)]
    t.sql("DROP TABLE area; CREATE TABLE area (id bigint PRIMARY KEY, a float8, b float8); INSERT INTO area VALUES (1, NULL, 1)")
    # SQLite would make a zero of it.
    for plan in (None, {"on_invalid": "null"}, {"on_invalid": "text"}):
        with fails("22000", 'column "a".*\n.*id = 1: .*an R\\*Tree has no NULL', "Correct the row"):
            export(t, "null.db", plan, run)
    with fails("23000", "rtree constraint", "Correct the row"):
        t.sql("UPDATE area SET a = 2")
        export(t, "order.db", run=run)


def test_a_generated_vector_becomes_a_full_text_table(t):
    t.sql("""CREATE TABLE post (id bigint PRIMARY KEY, title text, "Body" varchar(90), n int, author text,
                 search tsvector GENERATED ALWAYS AS (setweight(to_tsvector('english', coalesce(title, '')), 'A') || to_tsvector('english', coalesce("Body", ''::text))) STORED, other tsvector);
             INSERT INTO post (id, title, "Body") VALUES (1, 'Brown foxes', 'jumped'), (2, NULL, 'it''s'), (3, 'x', NULL);
             CREATE INDEX post_search ON post USING gin (search); CREATE TABLE post_fts_data (a int); CREATE TABLE bare (a text, v tsvector GENERATED ALWAYS AS (to_tsvector('simple', a)) STORED)""")
    told = findings(t)
    for line in ('post.search: it becomes the full-text table "post_fts_2", whose words are those of the tokenizer porter unicode61: it may find other rows',
                 "post.other: a column of type tsvector is not carried over: SQLite has no such values",
                 "bare.v: a column of type tsvector is not carried over: its table has no primary key of one integer, by which a full-text table finds its rows",
                 "index post_search of post: it is not carried over: SQLite has no indexes of method gin"):
        assert line in told, (line, told)
    path, _ = export(t)
    find = lambda db, text: [row[0] for row in db.execute("SELECT rowid FROM post_fts_2 WHERE post_fts_2 MATCH ? ORDER BY 1", (text,))]  # noqa: E731
    db = sqlite3.connect(path)
    assert (find(db, "fox"), find(db, "jump"), find(db, "Body: jump"), find(db, "title: jump"), find(db, "x")) == ([1], [1], [1], [], [3])
    db.executescript("INSERT INTO post (id, title) VALUES (8, 'new foxes'); UPDATE post SET title = 'cats' WHERE id = 1; DELETE FROM post WHERE id = 3; INSERT INTO post_fts_2(post_fts_2) VALUES ('integrity-check')")
    assert (find(db, "fox"), find(db, "cat"), find(db, "x")) == ([8], [1], [])
    db.close()
    text, _ = export(t, "text.db", {"tsvector": "text"})
    assert cells(text, "SELECT search, other FROM post ORDER BY id") == [("'brown':1A 'fox':2A 'jump':3", None), ("", None), ("'x':1A", None)] and "post_fts_2" not in schema(text)
    none, _ = export(t, "none.db", {"fts": False})
    assert [row[1] for row in cells(none, "PRAGMA table_info(post)")] == ["id", "title", "Body", "n", "author"] and "post_fts_2" not in schema(none)
    # Without the run, the columns that an import made are such columns, too.
    assert t.value("SELECT string_agg(sql, E'\\n') FROM sqlite_export_ddl('{\"include\": [\"post\"]}') WHERE sql LIKE 'CREATE VIRTUAL%'") == "CREATE VIRTUAL TABLE \"post_fts\" USING fts5(\"title\", \"Body\", content='post', content_rowid='id', tokenize='porter unicode61')"


WHOLE = """
    CREATE TABLE post (id INTEGER PRIMARY KEY, title TEXT NOT NULL COLLATE NOCASE, body TEXT, size INT AS (length(body)), whole TEXT GENERATED ALWAYS AS (title || ' ' || coalesce(body, '')) STORED);
    INSERT INTO post (id, title, body) VALUES (1, 'Brown fox', 'The quick fox jumps'), (2, 'Crème', 'brûlée'), (9, 'x', NULL);
    CREATE INDEX by_size ON post (size DESC) WHERE size > 3;
    CREATE VIRTUAL TABLE post_fts USING fts5(title, whole, content='post', content_rowid='id', tokenize='porter unicode61');
    INSERT INTO post_fts(post_fts) VALUES ('rebuild');
    CREATE TRIGGER post_ai AFTER INSERT ON post BEGIN INSERT INTO post_fts(rowid, title, whole) VALUES (new.id, new.title, new.whole); END;
    CREATE TRIGGER post_ad AFTER DELETE ON post BEGIN INSERT INTO post_fts(post_fts, rowid, title, whole) VALUES ('delete', old.id, old.title, old.whole); END;
    CREATE TRIGGER post_au AFTER UPDATE ON post BEGIN INSERT INTO post_fts(post_fts, rowid, title, whole) VALUES ('delete', old.id, old.title, old.whole);
        INSERT INTO post_fts(rowid, title, whole) VALUES (new.id, new.title, new.whole); END;
    CREATE TABLE spot (id INTEGER PRIMARY KEY, name TEXT, x REAL, y REAL);
    CREATE VIRTUAL TABLE area USING rtree(id, x0, x1, y0, y1);
    CREATE TRIGGER spot_ai AFTER INSERT ON spot BEGIN INSERT INTO area VALUES (new.id, new.x, new.x, new.y, new.y); END;
    INSERT INTO spot VALUES (1, 'here', 0.5, 2), (2, 'there', -7, 3);
    CREATE VIEW found AS SELECT rowid, highlight(post_fts, 0, '[', ']') AS marked FROM post_fts WHERE post_fts MATCH 'fox' ORDER BY bm25(post_fts);
    CREATE VIEW right AS SELECT spot.name, x0 FROM spot JOIN area USING (id) WHERE x0 > 0;
    CREATE VIEW titles AS SELECT title FROM found JOIN post ON post.id = found.rowid;
    CREATE TRIGGER adds INSTEAD OF INSERT ON titles BEGIN INSERT INTO post (title) SELECT new.title WHERE NOT EXISTS (SELECT 1 FROM post_fts WHERE post_fts MATCH new.title); END"""


def test_a_whole_file_comes_back(t):
    path, run = imported(t, WHOLE)
    back, _ = export(t, "back.db", run=run)
    assert schema(back) == schema(path)
    answers = ["SELECT rowid, whole FROM post_fts WHERE post_fts MATCH 'jump*' ORDER BY 1", "SELECT rowid FROM post_fts WHERE post_fts MATCH 'title: creme'", "SELECT * FROM post", "SELECT * FROM found",
               "SELECT * FROM right", "SELECT * FROM titles", "SELECT * FROM area ORDER BY 1"]
    for query in answers:
        assert cells(back, query) == cells(path, query) != [], query
    assert unequal(t, back, run) == []
    told = [line for line in findings(t, run=run) if "virtual table of module" not in line]
    assert told == [], told
    # Each trigger fires from now on.
    change = "INSERT INTO titles VALUES ('foxes'), ('wombat'); UPDATE post SET body = 'kangaroo' WHERE id = 2; DELETE FROM post WHERE id = 1; INSERT INTO spot VALUES (5, 'far', 90, 1); INSERT INTO post_fts(post_fts) VALUES ('integrity-check')"
    for file in (path, back):
        db = sqlite3.connect(file)
        db.executescript(change)
        db.close()
    for query in ["SELECT rowid FROM post_fts WHERE post_fts MATCH 'kangaroo OR wombat OR quick' ORDER BY 1", "SELECT * FROM post", "SELECT * FROM right"]:
        assert cells(back, query) == cells(path, query) != [], query
    # The triggers of the table that it searches come with a virtual table, whatever else is translated; not without it.
    translated, _ = export(t, "translated.db", {"declarations": "translated"}, run)
    assert {name for name in schema(translated) if name.startswith(("post_a", "post_fts", "spot_ai", "adds"))} == {name for name in schema(path) if name.startswith(("post_a", "post_fts"))}
    none, _ = export(t, "none.db", {"fts": False, "include": ["post", "found"]}, run)
    assert set(schema(none)) == {"post", "by_size"}
    told = findings(t, {"fts": False, "include": ["post", "found"]}, run)
    for name in ("trigger post_ai", "trigger post_au", "trigger post_ad", "view found"):
        assert f"{name}: it is not made as it was in the file: no such table: main.post_fts" in told, (name, told)
    silent, _ = export(t, "silent.db", {"triggers": False}, run)
    assert "post_fts" in schema(silent) and not {"post_ai", "post_ad", "post_au", "spot_ai", "adds"} & set(schema(silent))
