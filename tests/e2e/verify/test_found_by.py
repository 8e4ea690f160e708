"""`verify_constraints` of what the file does not declare as such: search vectors and their indexes, indexes of R*Trees, and the
helper functions that translated objects call."""

import pytest

FILE = """
    CREATE TABLE doc (id INTEGER PRIMARY KEY, title TEXT, body TEXT); INSERT INTO doc VALUES (1, 'one', 'a b c'), (2, 'two', 'c d');
    CREATE VIRTUAL TABLE doc_fts USING fts5(title, body, content='doc', content_rowid='id');
    INSERT INTO doc_fts (doc_fts) VALUES ('rebuild');
    CREATE VIRTUAL TABLE own USING fts5(words); INSERT INTO own VALUES ('x y');
    CREATE VIRTUAL TABLE places USING rtree(id, low, high, south, north); INSERT INTO places VALUES (1, 0, 1, 2, 3);
    CREATE VIEW months AS SELECT id, date(title, '+1 month') AS next, title || 1.5 AS text FROM doc;
    CREATE TRIGGER t AFTER INSERT ON doc BEGIN UPDATE doc SET body = soundex(NEW.title) WHERE id = NEW.id + 1; END;"""
KINDS = ("search vector", "index", "helper function")


def judged(t):
    rows = t.rows("SELECT * FROM verify_constraints()")
    return {(row["kind"], row["name"]): row for row in rows if row["kind"] in KINDS}


def test_what_is_searched_by_is_there(t):
    path = t.file("f.db", FILE)
    t.import_(path)
    rows = judged(t)
    assert {state for state in (row["state"] for row in rows.values())} == {"holds"}, rows
    assert {("search vector", "search_vector"), ("index", "doc_search_vector_idx"), ("index", "own_search_vector_idx"), ("index", "places_box_idx"),
            ("helper function", "soundex"), ("helper function", "date")} <= set(rows), list(rows)
    column = rows[("search vector", "search_vector")]
    assert column["columns"] == ["search_vector"] and "GENERATED ALWAYS AS (" in column["found"]
    assert rows[("index", "places_box_idx")]["declared"].startswith("CREATE VIRTUAL TABLE places USING rtree")
    assert rows[("helper function", "date")]["schema"] == "sqlite_compat" and rows[("helper function", "date")]["reason"] is None
    t.sql("""DROP INDEX doc_search_vector_idx, places_box_idx; CREATE INDEX places_box_idx ON places USING gist (box(point(low, south), point(high, high)));
             ALTER TABLE own DROP COLUMN search_vector; ALTER TABLE own ADD COLUMN search_vector tsvector GENERATED ALWAYS AS (to_tsvector('pg_catalog.simple', '')) STORED;
             CREATE OR REPLACE FUNCTION sqlite_compat.month_days(y integer, mo integer) RETURNS integer LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE RETURN 31;
             ALTER FUNCTION sqlite_compat.day_text VOLATILE; DROP FUNCTION sqlite_compat.soundex""")
    after = judged(t)
    changed = {name: row["state"] for (kind, name), row in after.items() if kind != "search vector" and row["state"] != "holds"}
    assert changed == {"doc_search_vector_idx": "missing", "places_box_idx": "differs", "own_search_vector_idx": "missing", "soundex": "missing", "month_days": "differs", "day_text": "differs"}, changed
    columns = {row["table"]: row["state"] for row in t.rows("SELECT * FROM verify_constraints() WHERE kind = 'search vector'")}
    assert columns == {"doc": "holds", "own": "differs"}
    assert t.value("SELECT count(*) FROM pg_proc WHERE proname LIKE 'pg_sqlite%helper'") == "0"


@pytest.mark.parametrize("start", ["SET default_transaction_read_only = on", "SET ROLE reader"])
def test_helpers_that_cannot_be_compared_are_found(t, start):
    """A read-only session makes no functions, nor does a role without the right to temporary objects."""
    path = t.file("f.db", FILE)
    t.import_(path)
    t.role("reader", "pg_read_server_files", "SELECT ON ALL TABLES IN SCHEMA public")
    t.sql(f'REVOKE TEMPORARY ON DATABASE "{t.database}" FROM PUBLIC')
    found = t.value(f"{start}; SELECT string_agg(DISTINCT state || ': ' || split_part(reason, ':', 1), ',') FROM verify_constraints(path => '{path}') WHERE kind = 'helper function'")
    assert found == "holds: its text was not compared", found
