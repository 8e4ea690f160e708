#!/usr/bin/env python3
"""Vectors from a ChromaDB folder, measured against COPY binary of the same rows into the same table.

    SIZE=1 RUNS=3 benches/vectors.py      (`make bench ONLY=vectors` runs this alone; needs pgvector: PG_MAJOR=18)

One private cluster; 100,000 vectors of 384 dimensions (SIZE=1) in an HNSW folder, with documents and metadata of three keys. The
import runs without the index of its vectors (`"indexes": false`), which COPY does not make either; COPY has no key to make, and
reads a file of what the import has made. In turn; medians. The folder is made once.
"""

import json
import pickle
import random
import shutil
import sqlite3
import struct
import sys
import uuid

from common import RUNS, SIZE, chosen, ground, grown, own, psql, psql_milliseconds, report, where
from harness import quote

ROWS = int(100_000 * SIZE)
IMPORT, LOAD, VERIFY, COPY = "`sqlite_import`", "its load phase", "`verify_values()`", "`COPY` binary"
DIMENSION, M = 384, 16
SCHEMA = """
    CREATE TABLE tenants (id TEXT PRIMARY KEY);
    CREATE TABLE databases (id TEXT PRIMARY KEY, name TEXT NOT NULL, tenant_id TEXT NOT NULL);
    CREATE TABLE collections (id TEXT PRIMARY KEY, name TEXT NOT NULL, dimension INTEGER, database_id TEXT NOT NULL, config_json_str TEXT);
    CREATE TABLE collection_metadata (collection_id TEXT, key TEXT NOT NULL, str_value TEXT, int_value INTEGER, float_value REAL, bool_value INTEGER, PRIMARY KEY (collection_id, key));
    CREATE TABLE segments (id TEXT PRIMARY KEY, type TEXT NOT NULL, scope TEXT NOT NULL, collection TEXT NOT NULL);
    CREATE TABLE embeddings (id INTEGER PRIMARY KEY, segment_id TEXT NOT NULL, embedding_id TEXT NOT NULL, seq_id BLOB NOT NULL, created_at TIMESTAMP NOT NULL DEFAULT CURRENT_TIMESTAMP, UNIQUE (segment_id, embedding_id));
    CREATE TABLE embedding_metadata (id INTEGER REFERENCES embeddings(id), key TEXT NOT NULL, string_value TEXT, int_value INTEGER, float_value REAL, bool_value INTEGER, PRIMARY KEY (id, key));
    CREATE TABLE max_seq_id (segment_id TEXT PRIMARY KEY, seq_id INTEGER);
    CREATE TABLE embeddings_queue (seq_id INTEGER PRIMARY KEY, created_at TIMESTAMP NOT NULL DEFAULT CURRENT_TIMESTAMP, operation INTEGER NOT NULL, topic TEXT NOT NULL, id TEXT NOT NULL, vector BLOB, encoding TEXT, metadata TEXT);
    CREATE TABLE embeddings_queue_config (id INTEGER PRIMARY KEY, config_json_str TEXT);
"""


def build(directory, rows):
    """A folder as ChromaDB 1.0 leaves it: everything is in the index, nothing in the queue."""
    chance = random.Random(1)
    path = directory / "chroma.sqlite3"
    collection, vector, metadata = (str(uuid.UUID(int=chance.getrandbits(128))) for _ in range(3))
    db = sqlite3.connect(path)
    db.executescript(SCHEMA)
    db.execute("INSERT INTO tenants VALUES ('default_tenant')")
    db.execute("INSERT INTO databases VALUES ('d', 'default_database', 'default_tenant')")
    db.execute("INSERT INTO collections VALUES (?, 'docs', ?, 'd', NULL)", (collection, DIMENSION))
    db.execute("INSERT INTO segments VALUES (?, 'urn:chroma:segment/vector/hnsw-local-persisted', 'VECTOR', ?)", (vector, collection))
    db.execute("INSERT INTO segments VALUES (?, 'urn:chroma:segment/metadata/sqlite', 'METADATA', ?)", (metadata, collection))
    ids = [f"doc-{n:08}" for n in range(1, rows + 1)]
    db.executemany("INSERT INTO embeddings (id, segment_id, embedding_id, seq_id) VALUES (?, ?, ?, ?)", ((n, metadata, id, n) for n, id in enumerate(ids, 1)))
    values = []
    for n in range(1, rows + 1):
        values += [(n, "chroma:document", f"document {n}: " + "words of it " * 8, None, None), (n, "userId", f"user-{n % 997}", None, None), (n, "page", None, n % 31, None), (n, "score", None, None, chance.random())]
    db.executemany("INSERT INTO embedding_metadata (id, key, string_value, int_value, float_value) VALUES (?, ?, ?, ?, ?)", values)
    db.executemany("INSERT INTO max_seq_id VALUES (?, ?)", [(vector, rows), (metadata, rows)])
    db.commit()
    db.close()
    folder = directory / vector
    folder.mkdir()
    data = 4 + 4 * 2 * M
    label = data + 4 * DIMENSION
    size = label + 8
    header = struct.pack("<iQQQQQQiIQQQdQ", 1, 0, rows, rows, size, label, data, 0, 0, M, 2 * M, M, 0.36, 100)
    (folder / "header.bin").write_bytes(header)
    (folder / "length.bin").write_bytes(bytes(4 * rows))
    noise = [chance.randbytes(4 * DIMENSION) for _ in range(97)]
    # Exponents of ordinary numbers, whatever the rest is.
    noise = [bytes(b if i % 4 != 3 else 0x3E | b & 0x80 for i, b in enumerate(one)) for one in noise]
    with open(folder / "data_level0.bin", "wb") as out:
        for n in range(1, rows + 1):
            vector_bytes = struct.pack("<f", n % 4096 / 4096) + noise[n % 97][4:]
            out.write(bytes(data) + vector_bytes + struct.pack("<Q", n))
    state = {"dimensionality": None, "total_elements_added": rows, "max_seq_id": None,
             "id_to_label": {id: n for n, id in enumerate(ids, 1)}, "label_to_id": {n: id for n, id in enumerate(ids, 1)}, "id_to_seq_id": {}}
    # Without a memo, as the Rust client writes.
    with open(folder / "index_metadata.pickle", "wb") as out:
        pickler = pickle._Pickler(out, protocol=3)
        pickler.memoize, pickler.fast = lambda obj: None, True
        pickler.dump(state)
    return path


class Bench:
    def __init__(self, server, directory):
        self.server, self.times = server, {}
        shutil.rmtree(directory, ignore_errors=True)
        directory.mkdir(mode=0o755)
        self.path = build(directory, ROWS)
        for path in [directory, *directory.rglob("*")]:
            own(server, path)
        self.copied = directory / "copy.bin"
        plan = json.dumps({"indexes": False, "notices": "none"})
        self.call = f"SELECT * FROM sqlite_import({quote(str(self.path))}, {quote(plan)})"

    def sql(self, sql):
        return psql(self.server, "contest", sql)

    def timed(self, name, sql):
        seconds = psql_milliseconds(self.sql(f"LOAD 'pg_sqlite_migrate';\n\\timing on\n{sql};\n")) / 1000
        self.times.setdefault(name, []).append(seconds)

    def fresh(self):
        self.server.run("postgres", "DROP DATABASE IF EXISTS contest WITH (FORCE)")
        self.server.run("postgres", "CREATE DATABASE contest TEMPLATE template0")
        self.sql("CREATE EXTENSION pg_sqlite_migrate; CREATE EXTENSION vector")

    def round(self):
        self.fresh()
        self.timed(IMPORT, self.call)
        self.times.setdefault(LOAD, []).append(float(self.sql("SELECT sum(load_seconds) FROM sqlite_migrate.run_table")))
        self.timed(VERIFY, "SELECT * FROM verify_values()")
        self.sql(f"COPY docs TO {quote(str(self.copied))} (FORMAT binary); CREATE TABLE again (LIKE docs INCLUDING STORAGE)")
        self.timed(COPY, f"COPY again FROM {quote(str(self.copied))} (FORMAT binary)")
        found = self.sql("SELECT count(*) FROM docs JOIN again ON docs IS NOT DISTINCT FROM again AND docs.id = again.id")
        assert int(found) == ROWS, f"{found} rows are the same"

    def memory(self):
        """Bytes by which a backend has grown at most while it imported."""
        self.fresh()
        return grown(self.server, "contest", "LOAD 'pg_sqlite_migrate'", self.call)


def main():
    if not chosen("vectors"):
        return
    with ground() as (server, directory):
        if "vector" not in server.features:
            print("\nVectors: this server has no pgvector (PG_MAJOR=18 has it).")
            return
        bench = Bench(server, directory / "chroma")
        for n in range(RUNS):
            print(f"vectors, round {n + 1} of {RUNS}", file=sys.stderr)
            bench.round()
        title = f"{where(server)}; {ROWS:,} vectors of {DIMENSION} dimensions, with documents and metadata"
        report(title, bench.times, COPY, "`COPY`", bench.memory(), of=IMPORT, rows=ROWS)


if __name__ == "__main__":
    main()
