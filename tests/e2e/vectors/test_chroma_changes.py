"""ChromaDB writes on while a session of PostgreSQL has the folder open."""

import psycopg
import pytest

from chroma_folders import add_collection, change, changing, folder
from harness import quote


@pytest.fixture
def session(t):
    path, _ = folder(t, "chroma-1.5.9")
    t.sql(f"CREATE SERVER chroma FOREIGN DATA WRAPPER pg_sqlite_fdw OPTIONS (database {quote(str(path))});"
          "CREATE FOREIGN TABLE notes (id text) SERVER chroma OPTIONS (table 'notes_l2');"
          "CREATE FOREIGN TABLE later (id text, embedding bytea, title text OPTIONS (column_name 'metadata.title2')) SERVER chroma OPTIONS (table 'later')")
    session = t.session()
    assert int(session.execute("SELECT count(*) FROM notes").out) > 0
    return path, session


@pytest.mark.parametrize("begin,end", [("SELECT", "SELECT"), ("BEGIN", "COMMIT"), ("BEGIN ISOLATION LEVEL REPEATABLE READ", "COMMIT")])
def test_an_open_connection_sees_new_collections_and_keys(t, session, begin, end):
    path, session = session
    with changing(path) as db:
        segment = add_collection(db, "later", {"a": [1.0, 2.0], "b": [3.0, 4.0]}, metadata=[("a", "title2", "first")])
    session.execute(begin)
    rows = session.execute("SELECT id, encode(embedding, 'hex'), title FROM later ORDER BY id").rows
    assert list(rows) == [("a", "0000803f00000040", "first"), ("b", "0000404000008040", None)]
    session.execute(end)
    # A key that no record had.
    t.sql("ALTER FOREIGN TABLE later ADD COLUMN author text OPTIONS (column_name 'metadata.author')")
    change(path, ("INSERT INTO embedding_metadata (id, key, string_value) SELECT id, 'author', 'somebody' FROM embeddings WHERE segment_id = ?", (segment,)))
    assert session.execute("SELECT DISTINCT author FROM later").rows[-1:] == (("somebody",),)


def test_an_open_connection_follows_a_collection_to_its_new_name(t, session):
    path, session = session
    change(path, "UPDATE collections SET name = 'renamed' WHERE name = 'notes_l2'")
    t.sql("ALTER FOREIGN TABLE notes OPTIONS (SET table 'renamed')")
    assert int(session.execute("SELECT count(*) FROM notes").out) > 0
    # Another collection of the old name.
    with changing(path) as db:
        add_collection(db, "notes_l2", {"one": [1.0]})
    t.sql("ALTER FOREIGN TABLE notes OPTIONS (SET table 'notes_l2')")
    assert session.execute("SELECT id FROM notes").rows == (("one",),)
    change(path, "DELETE FROM collections WHERE name = 'notes_l2'")
    with pytest.raises(psycopg.Error, match='table "notes_l2" does not exist'):
        session.execute("SELECT id FROM notes")
