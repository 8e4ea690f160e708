"""Plain blobs of floats, and tables that only seem to be another program's."""

import sqlite3

import pytest

from harness import shared
from vector_files import blob, declare, has_pgvector, loaded, vectors


def test_blobs_of_floats_become_vectors_when_the_plan_says_so(t):
    path = t.file("blobs.db", "CREATE TABLE embeddings (id TEXT PRIMARY KEY, embedding BLOB, content_hash BLOB)")
    given = vectors(30, 16)
    with sqlite3.connect(path) as db:
        db.executemany("INSERT INTO embeddings VALUES (?, ?, ?)", [(str(n), blob(vector), blob(vector)) for n, vector in given.items()])
    db.close()
    (said,) = [f for f in t.findings(path) if f["object"] == "embeddings.embedding"]
    assert said["message"] == "every blob has 16 floats of 4 bytes, as a vector has"
    assert said["fix"] == {"tables": {"embeddings": {"columns": {"embedding": {"type": "vector"}}}}}
    assert not [f for f in t.findings(path) if f["object"] == "embeddings.content_hash"]
    if not has_pgvector(t):
        pytest.skip("this server has no pgvector")
    plan = t.merged({}, said["fix"])
    t.import_(path, plan | {"verify": "values"})
    assert t.type_of("embeddings", "embedding") == "vector(16)" and t.type_of("embeddings", "content_hash") == "bytea"
    assert loaded(t, "embeddings", "id::int", "embedding") == {n: blob(vector) for n, vector in given.items()}
    again = t.plan(path, plan)
    assert t.plan(path, again) == again


def test_the_blobs_of_llm(t):
    path = t.copy_of(shared("data", "llm_logs.db"))
    with sqlite3.connect(f"file:{path}?mode=ro", uri=True) as db:
        tables = [name for (name,) in db.execute("SELECT name FROM sqlite_schema WHERE type = 'table' AND name = 'embeddings'")]
    db.close()
    assert not tables or t.plan(path)["tables"]["embeddings"]


CHROMA = """
    CREATE TABLE collections (id TEXT PRIMARY KEY, name TEXT, dimension INTEGER); CREATE TABLE collection_metadata (collection_id TEXT, key TEXT, str_value TEXT, int_value INTEGER, float_value REAL);
    CREATE TABLE segments (id TEXT PRIMARY KEY, type TEXT, scope TEXT, collection TEXT); CREATE TABLE embedding_metadata (id INTEGER, key TEXT, string_value TEXT, int_value INTEGER, float_value REAL);
    CREATE TABLE max_seq_id (segment_id TEXT PRIMARY KEY, seq_id INTEGER); CREATE TABLE embeddings_queue (seq_id INTEGER PRIMARY KEY, operation INTEGER, topic TEXT, id TEXT, vector BLOB, encoding TEXT, metadata TEXT);
    INSERT INTO collections VALUES ('c', 'embeddings_rowids', 2); INSERT INTO max_seq_id VALUES ('aa', 1);
    INSERT INTO segments VALUES ('aa', 'urn:chroma:segment/vector/hnsw-local-persisted', 'VECTOR', 'c'), ('bb', 'urn:chroma:segment/metadata/sqlite', 'METADATA', 'c');"""


def test_tables_that_read_each_other_come_to_an_end(t):
    """A collection whose name is that of a shadow table, of a vec0 table in the place of ChromaDB's own."""
    path = t.file("loop.db", CHROMA)
    db = sqlite3.connect(path)
    declare(db, "embeddings", "vec0(embedding_id text primary key, v float[2], +segment_id text)")
    db.commit()
    db.close()
    for function in ("sqlite_chroma", "sqlite_findings", "sqlite_check"):
        said = t.attempt(f"SELECT * FROM {function}('{path}')")
        assert said.error is None or said.error.sqlstate != "XX000", (function, said.error)
    assert t.value("SELECT 1") == "1"


def test_a_file_with_chromas_tables_and_other_columns_is_read_as_any(t):
    path = t.file("other.db", "".join(f"CREATE TABLE {table} (x INTEGER); INSERT INTO {table} VALUES (1);" for table in (
        "collections", "collection_metadata", "embeddings", "embedding_metadata", "embeddings_queue", "max_seq_id", "segments")))
    assert t.import_(path)["collections"]["imported"] == 1
    assert t.rows(f"SELECT * FROM sqlite_chroma('{path}')") == []
