"""QCKSTRT leaves SQLite and ChromaDB in one transaction: its tables from one file, its embeddings from a real folder, both into the
schema that its PostgreSQL provider makes."""

import dataclasses
import json
import sqlite3
import struct
import sys
from pathlib import Path

import pytest

from applications import Migration, owner
from harness import quote
from test_chroma import bits, floats, folder, near
from test_stored_vectors import single

sys.path.append(str(Path(__file__).parents[1] / "orms"))

from test_app_qckstrt import QCKSTRT  # noqa: E402

NEIGHBOURS = 20
INDEX = "vector_embeddings_embedding"
# What the provider makes beside the tables of TypeORM.
EMBEDDINGS = f"""
    CREATE TABLE vector_embeddings (
        id text PRIMARY KEY,
        user_id text NOT NULL,
        document_id text NOT NULL,
        content text NOT NULL,
        embedding vector(16) NOT NULL,
        created_at timestamptz NOT NULL DEFAULT now()
    );
    CREATE INDEX vector_embeddings_user_id ON vector_embeddings (user_id);
    CREATE INDEX {INDEX} ON vector_embeddings USING hnsw (embedding vector_cosine_ops);
"""
COLLECTION = "qckstrt-embeddings"
PLAN = {
    "create": "never",
    "include": [COLLECTION],
    "chroma": {"collections": {COLLECTION: {
        "target": "vector_embeddings",
        "columns": {"id": "id", "user_id": "metadata.userId", "document_id": "metadata.documentId", "content": "document",
                    "embedding": "embedding", "created_at": "created_at"},
    }}},
    "verify": "values",
}


class Embeddings:
    """A real folder whose largest collection is the application's: every record is of a document of the SQLite file."""

    def __init__(self, t, name, documents):
        self.path, collections = folder(t, name)
        (truth,) = [c for c in collections if c["name"] == "docs_cosine"]
        self.vectors = {id: floats(record.get("embedding_given") or record["embedding"]) for id, record in truth["records"].items()}
        self.contents = {id: record["document"] if record["document"] is not None else f"page of {id}" for id, record in truth["records"].items()}
        self.documents = {id: documents[n % len(documents)] for n, id in enumerate(truth["records"])}
        with sqlite3.connect(self.path) as db:
            (collection,) = db.execute("SELECT id FROM collections WHERE name = 'docs_cosine'").fetchone()
            db.execute("UPDATE collections SET name = ? WHERE id = ?", (COLLECTION, collection))
            keys = db.execute("SELECT e.id, e.embedding_id FROM embeddings e JOIN segments s ON s.id = e.segment_id WHERE s.collection = ?", (collection,)).fetchall()
            said = "INSERT OR IGNORE INTO embedding_metadata (id, key, string_value) VALUES (?, ?, ?)"
            for key, id in keys:
                document, user = self.documents[id]
                db.executemany(said, [(key, "userId", user), (key, "documentId", document), (key, "chroma:document", self.contents[id])])
        db.close()

    def distance(self, id, query):
        """As ChromaDB's cosine space has it, in double precision. Without a length there is no angle."""
        a, b = self.vectors[id], query
        lengths = (sum(x * x for x in a) * sum(y * y for y in b)) ** 0.5
        return 1 - sum(x * y for x, y in zip(a, b)) / lengths if lengths else float("inf")

    def queries(self):
        """Vectors of records, and some between two records, each with its nearest by looking at all: what ChromaDB answers, but for
        what its index misses. Only where the last one is told from the next by more than rounding."""
        vectors = list(self.vectors.values())
        between = [[single((x + y) / 2) for x, y in zip(a, b)] for a, b in zip(vectors[::97], vectors[40::97])]
        for query in vectors[::61] + between:
            nearest = sorted((self.distance(id, query), id) for id in self.vectors)
            (last, _), (next, _) = nearest[NEIGHBOURS - 1:NEIGHBOURS + 1]
            if 1e-5 < next - last < float("inf"):
                yield query, {id for _, id in nearest[:NEIGHBOURS]}


def documents_of(path):
    """Documents with an owner, each with the owner's id."""
    with sqlite3.connect(path) as db:
        found = db.execute('SELECT "id", "ownerId" FROM "documents" WHERE "ownerId" IS NOT NULL ORDER BY "id"').fetchall()
    db.close()
    return found


def search(session, query, settings):
    """The ids of the nearest, in order, and the query's plan."""
    sql = f"FROM vector_embeddings ORDER BY embedding <=> {quote(json.dumps(query))} LIMIT {NEIGHBOURS}"
    for setting in settings:
        session.run(f"SET LOCAL {setting}")
    plan = "\n".join(row[0] for row in session.execute(f"EXPLAIN SELECT id {sql}").rows)
    return [row[0] for row in session.execute(f"SELECT id {sql}").rows], plan


EXACT = ["enable_indexscan = off", "enable_seqscan = on"]
INDEXED = ["enable_indexscan = on", "enable_seqscan = off", "hnsw.ef_search = 1000"]


def neighbours_are_the_same(session, embeddings):
    queries = list(embeddings.queries())
    assert len(queries) > 20
    found = 0
    for query, nearest in queries:
        ids, plan = search(session, query, EXACT)
        assert INDEX not in plan and set(ids) == nearest
        distances = [embeddings.distance(id, query) for id in ids]
        assert all(b > a - 1e-5 for a, b in zip(distances, distances[1:])), distances
        ids, plan = search(session, query, INDEXED)
        assert INDEX in plan
        found += len(nearest.intersection(ids))
    # An HNSW index may miss some, and its levels are drawn anew each time.
    assert found >= 0.98 * NEIGHBOURS * len(queries), f"the index finds {found} of {NEIGHBOURS * len(queries)}"


def everything_is_there(session, embeddings):
    rows = session.execute("SELECT e.id, e.user_id, e.document_id, e.content, encode(vector_send(e.embedding), 'hex'), d.owner_id::text, e.created_at IS NOT NULL"
                           " FROM vector_embeddings e JOIN documents d ON d.id::text = e.document_id").rows
    assert {row[0] for row in rows} == set(embeddings.vectors)
    for id, user, document, content, vector, owner_id, created in rows:
        assert (document, user) == embeddings.documents[id] and owner_id == user and created == "t", id
        assert content == embeddings.contents[id], id
        given = embeddings.vectors[id]
        # After the dimension.
        read = struct.unpack(f">{len(given)}f", bytes.fromhex(vector)[4:])
        # Exact where the queue still has it, else the index's.
        assert bits(read) == bits(given) or near(read, given), id


@pytest.mark.parametrize("name", ["chroma-0.4.24", "chroma-0.5.23", "chroma-1.5.9"])
def test_both_stores_come_in_one_transaction(t, name):
    m = Migration(t, dataclasses.replace(QCKSTRT, extensions=("vector",)), owner(t))
    embeddings = Embeddings(t, name, documents_of(m.path))
    m.sql(EMBEDDINGS)
    steps = [m.call("sqlite_import"), t.call("sqlite_import", embeddings.path, PLAN)]
    before = t.traces()

    session = t.session(m.user)
    session.run("BEGIN")
    for step in steps:
        session.run(step)
    everything_is_there(session, embeddings)
    neighbours_are_the_same(session, embeddings)
    session.run("ROLLBACK")
    assert t.traces() == before and m.read() == m.before, "a ROLLBACK left something"
    assert t.value("SELECT count(*) FROM vector_embeddings") == "0"

    session.run("BEGIN")
    for step in steps:
        session.run(step)
    session.run("COMMIT")
    m.check_values()
    everything_is_there(session, embeddings)
    assert not [row for row in m.rows("SELECT * FROM verify_counts()") if not row["ok"]]
    session.run("BEGIN")
    neighbours_are_the_same(session, embeddings)
    session.run("ROLLBACK")
    session.close()


def test_a_failure_of_the_second_store_takes_the_first_with_it(t):
    """A record without a document's id: the table takes none, and the application's tables are empty again."""
    m = Migration(t, dataclasses.replace(QCKSTRT, extensions=("vector",)), owner(t))
    embeddings = Embeddings(t, "chroma-1.5.9", documents_of(m.path))
    with sqlite3.connect(embeddings.path) as db:
        db.execute("DELETE FROM embedding_metadata WHERE key = 'documentId' AND id = (SELECT max(id) FROM embedding_metadata WHERE key = 'documentId')")
    db.close()
    m.sql(EMBEDDINGS)
    before = t.traces()
    script = ["BEGIN", m.call("sqlite_import"), t.call("sqlite_import", embeddings.path, PLAN), "COMMIT"]
    said = t.attempt(script, m.user)
    print(said)
    assert said.error and "document" in f"{said.message} {said.detail}", said.error
    assert t.traces() == before and m.read() == m.before
