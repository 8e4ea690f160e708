#!/usr/bin/env python3
"""Vectors from a ChromaDB folder, measured against COPY binary of the same rows into the same table.

    SIZE=1 RUNS=3 benches/vectors.py      (`make bench ONLY=vectors` runs this alone; needs pgvector: PG_MAJOR=18)

One private cluster; 100,000 vectors of 384 dimensions (SIZE=1) in an HNSW folder, with documents and metadata of three keys. The
import runs without its index (`"indexes": false`), as COPY does; medians.
"""

import json
import pickle
import random
import shutil
import sqlite3
import struct
import sys
import uuid

from common import RUNS, SIZE, chosen, ground, median, own, psql, psql_milliseconds, where
from harness import quote

COPY = "`COPY` binary"
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
        self.server, self.times, self.rows = server, {}, int(100_000 * SIZE)
        shutil.rmtree(directory, ignore_errors=True)
        directory.mkdir(mode=0o755)
        own(server, directory)
        self.path = build(directory, self.rows)
        for path in sorted(directory.rglob("*")):
            own(server, path)
        self.copied = directory / "copy.bin"

    def sql(self, sql):
        return psql(self.server, "contest", sql)

    def timed(self, sql):
        return psql_milliseconds(self.sql(f"LOAD 'pg_sqlite_migrate';\n\\timing on\n{sql};\n")) / 1000

    def round(self):
        self.server.run("postgres", "DROP DATABASE IF EXISTS contest WITH (FORCE)")
        self.server.run("postgres", "CREATE DATABASE contest TEMPLATE template0")
        self.sql("CREATE EXTENSION pg_sqlite_migrate; CREATE EXTENSION vector")
        plan = json.dumps({"indexes": False, "notices": "none"})
        self.times.setdefault("`sqlite_import`", []).append(self.timed(f"SELECT * FROM sqlite_import({quote(str(self.path))}, {quote(plan)})"))
        self.times.setdefault("`verify_values()`", []).append(self.timed("SELECT * FROM verify_values()"))
        self.sql(f"COPY docs TO {quote(str(self.copied))} (FORMAT binary); CREATE TABLE again (LIKE docs INCLUDING ALL)")
        self.times.setdefault(COPY, []).append(self.timed(f"COPY again FROM {quote(str(self.copied))} (FORMAT binary)"))


def report(bench, server):
    print(f"\n{where(server)}; {bench.rows:,} vectors of {DIMENSION} dimensions, with documents and metadata.\n\n| | time | rows/s | ÷ COPY |\n|---|---|---|---|")
    whole = median(bench.times, COPY)
    for name in bench.times:
        seconds = median(bench.times, name)
        print(f"| {name} | {seconds:.2f} s | {bench.rows / seconds:,.0f} | {seconds / whole:.2f} |")


def main():
    if not chosen("vectors"):
        return
    with ground() as (server, directory):
        if server.value("postgres", "SELECT count(*) FROM pg_available_extensions WHERE name = 'vector'") == "0":
            print("\nVectors: this server has no pgvector (PG_MAJOR=18 has it).")
            return
        bench = Bench(server, directory / "chroma")
        for n in range(RUNS):
            print(f"vectors, round {n + 1} of {RUNS}", file=sys.stderr)
            bench.round()
        report(bench, server)


if __name__ == "__main__":
    main()
