"""Files with vectors, written by hand: what sqlite-vss keeps, and virtual tables of modules that this Python does not have."""

import random
import struct


def has_pgvector(t):
    return t.value("SELECT count(*) FROM pg_available_extensions WHERE name = 'vector'") == "1"


def blob(vector):
    return struct.pack(f"<{len(vector)}f", *vector)


def vectors(count, dimension):
    chance = random.Random(dimension)
    return {n * 3: [struct.unpack("<f", struct.pack("<f", chance.uniform(-2, 2)))[0] for _ in range(dimension)] for n in range(1, count + 1)}


def faiss(vectors, kind=b"IxF2", metric=1):
    """A flat index as faiss writes it; metrics: 0 inner product, 1 L2, 2 L1."""
    dimension, count = len(next(iter(vectors.values()))), len(vectors)
    header = struct.pack("<iqqqBi", dimension, count, 1 << 20, 1 << 20, 1, metric) + (b"" if metric < 2 else bytes(4))
    body = struct.pack("<Q", count * dimension) + b"".join(map(blob, vectors.values()))
    return b"IxM2" + header + kind + header + body + struct.pack("<Q", count) + struct.pack(f"<{count}q", *vectors)


def declare(db, name, module):
    """A virtual table whose module this Python does not have."""
    db.execute("PRAGMA writable_schema = ON")
    db.execute("INSERT INTO sqlite_schema VALUES ('table', ?, ?, 0, ?)", (name, name, f"CREATE VIRTUAL TABLE {name} USING {module}"))


def loaded(t, table, key, column):
    return {row["k"]: blob([float(x) for x in row["v"].strip("{}").split(",")]) for row in t.shown_rows(f"SELECT {key} AS k, {column}::real[]::text AS v FROM {table}")}
