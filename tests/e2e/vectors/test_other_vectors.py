"""Vectors of other programs: sqlite-vss's faiss indexes, rescored tables of sqlite-vec, and plain blobs of floats."""

import random
import sqlite3
import struct

import pytest

from harness import shared


def has_pgvector(t):
    return t.value("SELECT count(*) FROM pg_available_extensions WHERE name = 'vector'") == "1"


def blob(vector):
    return struct.pack(f"<{len(vector)}f", *vector)


def vectors(count, dimension):
    chance = random.Random(dimension)
    return {n * 3: [struct.unpack("<f", struct.pack("<f", chance.uniform(-2, 2)))[0] for _ in range(dimension)] for n in range(1, count + 1)}


def faiss(vectors, kind=b"IxF2"):
    dimension, count = len(next(iter(vectors.values()))), len(vectors)
    header = struct.pack("<iqqqBi", dimension, count, 1 << 20, 1 << 20, 1, 1)
    body = struct.pack("<Q", count * dimension) + b"".join(map(blob, vectors.values()))
    return b"IxM2" + header + kind + header + body + struct.pack("<Q", count) + struct.pack(f"<{count}q", *vectors)


def declare(db, name, module):
    """A virtual table whose module this Python does not have."""
    db.execute("PRAGMA writable_schema = ON")
    db.execute("INSERT INTO sqlite_schema VALUES ('table', ?, ?, 0, ?)", (name, name, f"CREATE VIRTUAL TABLE {name} USING {module}"))


def loaded(t, table, key, column):
    return {row["k"]: blob([float(x) for x in row["v"].strip("{}").split(",")]) for row in t.shown_rows(f"SELECT {key} AS k, {column}::real[]::text AS v FROM {table}")}


def vss(t, index):
    path = t.file("vss.db", "CREATE TABLE v_data (rowid INTEGER PRIMARY KEY, _ TEXT); CREATE TABLE v_index (rowid INTEGER PRIMARY KEY, idx BLOB)")
    given = vectors(20, 12)
    db = sqlite3.connect(path)
    db.executemany("INSERT INTO v_data (rowid) VALUES (?)", [(n,) for n in given])
    db.execute("INSERT INTO v_index VALUES (0, ?)", (index(given),))
    declare(db, "v", "vss0(body(12))")
    db.commit()
    db.close()
    return path, given


def test_a_flat_index_of_faiss_is_read(t):
    path, given = vss(t, faiss)
    assert t.import_(path, {"verify": "values"})["v"]["imported"] == 20
    assert loaded(t, "v", "rowid", "body") == {n: blob(vector) for n, vector in given.items()}
    assert t.type_of("v", "body") == ("vector(12)" if has_pgvector(t) else "real[]")


@pytest.mark.parametrize("index", [lambda given: faiss(given, b"IwFl"), lambda given: faiss(given)[:-1]], ids=["another kind", "cut"])
def test_another_index_of_faiss_is_refused(t, index):
    path, _ = vss(t, index)
    (said,) = [f for f in t.findings(path) if f["object"] == "v"]
    assert said["severity"] == "warning" and "is not loaded" in said["message"] and "20 rows are stored only there" in said["message"], said
    assert t.import_(path)["v"]["status"] == "skipped"


def test_a_rescored_table_has_its_whole_vectors(t):
    path = t.file("rescore.db", "CREATE TABLE v_rowids (rowid INTEGER PRIMARY KEY, id, chunk_id INTEGER, chunk_offset INTEGER);"
                                "CREATE TABLE v_rescore_vectors00 (rowid INTEGER PRIMARY KEY, vector BLOB)")
    given = vectors(9, 8)
    db = sqlite3.connect(path)
    db.executemany("INSERT INTO v_rowids VALUES (?, NULL, 1, ?)", [(n, at) for at, n in enumerate(given)])
    db.executemany("INSERT INTO v_rescore_vectors00 VALUES (?, ?)", [(n, blob(vector)) for n, vector in given.items()])
    declare(db, "v", "vec0(e float[8] distance_metric=cosine indexed by rescore(quantizer=bit))")
    db.commit()
    db.close()
    assert t.import_(path, {"verify": "values"})["v"]["imported"] == 9
    assert loaded(t, "v", "rowid", "e") == {n: blob(vector) for n, vector in given.items()}


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


def test_an_index_that_is_a_table_of_its_own_kind(t):
    path = t.file("vss.db", "CREATE TABLE v_data (rowid INTEGER PRIMARY KEY, _ TEXT); INSERT INTO v_data VALUES (0, NULL);"
                            "CREATE TABLE v_index_data (rowid INTEGER PRIMARY KEY, _ TEXT); INSERT INTO v_index_data VALUES (0, NULL);"
                            "CREATE TABLE v_index_index (rowid INTEGER PRIMARY KEY, idx BLOB); INSERT INTO v_index_index VALUES (0, x'00')")
    db = sqlite3.connect(path)
    declare(db, "v", "vss0(body(12))")
    declare(db, "v_index", "vss0(idx(12))")
    db.commit()
    db.close()
    assert [f["severity"] for f in t.findings(path) if f["object"] == "v"] == ["warning"]


def test_a_file_with_chromas_tables_and_other_columns_is_read_as_any(t):
    path = t.file("other.db", "".join(f"CREATE TABLE {table} (x INTEGER); INSERT INTO {table} VALUES (1);" for table in (
        "collections", "collection_metadata", "embeddings", "embedding_metadata", "embeddings_queue", "max_seq_id", "segments")))
    assert t.import_(path)["collections"]["imported"] == 1
    assert t.rows(f"SELECT * FROM sqlite_chroma('{path}')") == []
