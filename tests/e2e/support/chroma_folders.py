"""ChromaDB folders that the server may read: copies of real ones, with their truth, and changes to them."""

import contextlib
import json
import os
import shutil
import sqlite3
import struct

from harness import shared

QUEUED = "urn:chroma:segment/vector/hnsw-local-persisted"
RECORDS = "urn:chroma:segment/metadata/sqlite"


def has_pgvector(t):
    return t.value("SELECT count(*) FROM pg_available_extensions WHERE name = 'vector'") == "1"


def folder(t, name):
    """A copy of a real folder, and its truth."""
    source = shared("vectors", name)
    copy = t.dir / name
    shutil.rmtree(copy, ignore_errors=True)
    shutil.copytree(source, copy)
    for root, folders, files in os.walk(copy):
        os.chmod(root, 0o755)
        for file in files:
            os.chmod(os.path.join(root, file), 0o644)
        if os.getuid() == 0:
            for path in [root, *(os.path.join(root, file) for file in files)]:
                os.chown(path, t.server.user.pw_uid, t.server.user.pw_gid)
    truth = json.loads(shared("vectors", f"{name}.truth.json").read_text())
    return copy / "chroma.sqlite3", truth["collections"]


@contextlib.contextmanager
def changing(path):
    """Another program, which commits what it changes."""
    with contextlib.closing(sqlite3.connect(path)) as db, db:
        yield db


def change(path, *statements):
    with changing(path) as db:
        for statement in statements:
            db.execute(*statement) if isinstance(statement, tuple) else db.execute(statement)


def blob(vector):
    return struct.pack(f"<{len(vector)}f", *vector)


def add_collection(db, name, vectors, space="l2", metadata=(), database=None):
    """A collection as ChromaDB 1.5 has it before the first sync: id -> vector. `metadata` is (id, key, value)."""
    (fallback,) = db.execute("SELECT id FROM databases LIMIT 1").fetchone()
    (number,) = db.execute("SELECT count(*) FROM collections").fetchone()
    collection, records, index = (f"{kind}000000-0000-0000-0000-{number:012d}" for kind in ("c0", "5a", "1d"))
    dimension = len(next(iter(vectors.values()))) if vectors else None
    db.execute("INSERT INTO collections (id, name, dimension, database_id, config_json_str) VALUES (?, ?, ?, ?, ?)",
               (collection, name, dimension, database or fallback, json.dumps({"vector_index": {"hnsw": {"space": space}}})))
    db.execute("INSERT INTO segments (id, type, scope, collection) VALUES (?, ?, 'METADATA', ?), (?, ?, 'VECTOR', ?)",
               (records, RECORDS, collection, index, QUEUED, collection))
    for id, vector in vectors.items():
        row = db.execute("INSERT INTO embeddings_queue (operation, topic, id, vector, encoding) VALUES (0, ?, ?, ?, 'FLOAT32')",
                         (f"persistent://default/default/{collection}", id, blob(vector)))
        record = db.execute("INSERT INTO embeddings (segment_id, embedding_id, seq_id) VALUES (?, ?, ?)", (records, id, row.lastrowid))
        db.executemany("INSERT INTO embedding_metadata (id, key, string_value) VALUES (?, ?, ?)",
                       [(record.lastrowid, key, value) for of, key, value in metadata if of == id])
    return records
