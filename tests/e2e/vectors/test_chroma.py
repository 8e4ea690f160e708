"""ChromaDB folders: every collection of real folders equals what its own client said of it; what is lost is named."""

import json
import shutil
import sqlite3
import struct

import pytest

from chroma_folders import folder, has_pgvector
from harness import quote

HALF = ["chroma-0.4.24", "chroma-0.5.23", "chroma-0.6.3", "chroma-1.0.20", "chroma-1.5.9"]
FOLDERS = HALF + [
    "chroma-0.4.24-edge", "chroma-0.5.23-edge", "chroma-1.5.9-edge",
    "chroma-0.4.24-empty", "chroma-0.5.23-empty", "chroma-1.5.9-empty",
    "chroma-0.4.24-hnsw", "chroma-0.5.23-hnsw", "chroma-1.0.20-hnsw", "chroma-1.5.9-hnsw",
    "chroma-0.4.24-novec", "chroma-0.5.23-novec", "chroma-1.5.9-novec", "chroma-1.5.9-badpickle",
    "chroma-0.4.24-tenants", "chroma-0.5.23-tenants", "chroma-1.5.9-tenants",
    "chroma-0.4.24-to-1.0.20", "chroma-0.4.24-to-1.5.9", "chroma-0.4.24-to-0.5.23-to-1.5.9",
    "chroma-0.4.24-hnsw-to-1.5.9", "chroma-0.5.23-hnsw-to-1.5.9",
]
NUMBERS = {"NaN": float("nan"), "Infinity": float("inf"), "-Infinity": float("-inf")}


def floats(vector):
    return None if vector is None else [NUMBERS[x] if isinstance(x, str) else x for x in vector]


def bits(vector):
    return struct.pack(f"<{len(vector)}f", *vector)


def near(a, b):
    norm = sum(x * x for x in b) ** 0.5
    return sum((x - y) ** 2 for x, y in zip(a, b)) ** 0.5 <= 1e-6 * norm


def finite(vector):
    return all(x == x and abs(x) != float("inf") for x in vector)


def tables_of(t, path):
    """(tenant, database, name) -> the collection's row."""
    return {(row["tenant"], row["database"], row["name"]): row for row in t.rows(f"SELECT * FROM sqlite_chroma({quote(str(path))})")}


def loaded(t, table):
    """id -> (document, uri, metadata, embedding), bytes as texts."""
    kinds = {c: t.type_of(table, c) for c in ("id", "document", "uri", "metadata", "embedding")}

    def shown(column):
        if kinds[column] == "bytea":
            return f"encode({column}, 'hex')"
        if column == "embedding":
            return "embedding::real[]::text"
        return f"{column}::text"

    rows = [tuple(row.values()) for row in t.shown_rows("SELECT " + ", ".join(f"{shown(c)} AS {c}" for c in kinds) + f" FROM {quote_ident(table)}")]

    def text(column, value):
        if value is not None and kinds[column] == "bytea":
            return bytes.fromhex(value).decode()
        return value

    def vector(value):
        return None if value is None else [float(x) for x in value.strip("{}").split(",")]

    return {text("id", row[0]): (text("document", row[1]), text("uri", row[2]), row[3], vector(row[4])) for row in rows}


def quote_ident(name):
    return '"' + name.replace('"', '""') + '"'


def same_metadata(found, wanted):
    """jsonb has numbers with all their digits; what no JSON has is a text, and 1.5 does not show it."""

    def same(found, wanted):
        if isinstance(wanted, list):
            return isinstance(found, list) and len(found) == len(wanted) and all(map(same, found, wanted))
        if isinstance(wanted, float):
            return float(found) == wanted
        return type(found) is type(wanted) and found == wanted 

    found = {key: value for key, value in (json.loads(found) if found else {}).items() if key in (wanted or {}) or not isinstance(value, str) or value not in NUMBERS}
    return set(found) == set(wanted or {}) and all(same(found[key], wanted[key]) for key in found)


def compare(t, collection, table, pgvector):
    records, found = collection["records"], loaded(t, table)
    assert set(found) == set(records)
    lost = set(collection.get("missing_vectors") or []) | set(collection.get("ambiguous_vectors") or [])
    damaged = set(collection.get("damaged_vectors") or [])
    exact = 0
    for id, record in records.items():
        document, uri, metadata, embedding = found[id]
        assert document == record["document"] and uri == record["uri"], id
        assert same_metadata(metadata, record["metadata"]), (id, metadata, record["metadata"])
        given = floats(record.get("embedding_given") or record["embedding"] or record.get("embedding_lost"))
        told = floats(record["embedding"])
        if id in lost or id in damaged or (pgvector and told is not None and not finite(given)):
            assert embedding is None or (given and bits(embedding) == bits(given)), id
        elif not finite(given):
            assert embedding is None or bits(embedding) == bits(given), id
        else:
            assert embedding is not None, id
            exact += bits(embedding) == bits(given)
            assert bits(embedding) in (bits(given), bits(told)) or near(embedding, told), (id, embedding, told)
            assert collection["space"] == "cosine" or bits(embedding) == bits(given), id
    return exact


@pytest.mark.parametrize("name", FOLDERS)
def test_every_collection_equals_its_truth(t, name):
    path, collections = folder(t, name)
    pgvector = has_pgvector(t)
    listed = tables_of(t, path)
    assert set(listed) == {(c["tenant"], c["database"], c["name"]) for c in collections}
    lacking = {row["source_table"]: {"columns": {"embedding": {"on_invalid": "null"}}} for row in listed.values()}
    result = t.import_(path, {"tables": lacking, "verify": "values"})
    exact = 0
    for collection in collections:
        row = listed[collection["tenant"], collection["database"], collection["name"]]
        assert (row["space"], row["records"]) == (collection["space"], collection["count"]), row
        # An old client does not tell the dimension of a collection without records.
        assert row["dimension"] == collection["dimension"] or (collection["dimension"] is None and not collection["count"]), row
        surely_lost = set(collection.get("missing_vectors") or []) - set(collection.get("ambiguous_vectors") or [])
        assert surely_lost <= set(row["missing"]), surely_lost - set(row["missing"])
        assert row["vectors"] + len(row["missing"]) == row["records"]
        assert result[row["source_table"]]["imported"] == collection["count"]
        exact += compare(t, collection, row["source_table"], pgvector)
        if pgvector and collection["dimension"]:
            assert t.type_of(row["source_table"], "embedding") == f"vector({collection['dimension']})"
            index = t.value(f"SELECT indexdef FROM pg_indexes WHERE tablename = {quote(row['source_table'])} AND indexdef LIKE '%hnsw%'")
            assert f"vector_{collection['space']}_ops" in index and " WITH (m=" in index, index
    assert exact > 0 or "empty" in name
    assert t.value("SELECT verdict FROM migration_verdict()") != "fail"


def test_lost_vectors_are_named_before_anything_is_written(t):
    path, (collection, *_) = folder(t, "chroma-1.5.9-novec")
    said = [f for f in t.findings(path) if f["severity"] == "blocking"]
    assert said and all(f["kind"] == "vectors" for f in said)
    assert "no vector in the folder" in said[0]["message"] and "the index is lost: " in said[0]["message"]
    t.import_fails(path, {}, "22P02", "findings stop the import" if len(said) > 1 else "no vector in the folder")
    rejected = t.import_(path, {"on_invalid": "reject"})
    row = next(r for r in t.rows(f"SELECT * FROM sqlite_chroma({quote(str(path))})") if r["missing"])
    assert rejected[row["source_table"]]["rejected"] == len(row["missing"])
    named = t.rows(f"SELECT \"values\"->>'id' AS id FROM sqlite_migrate.reject WHERE source_table = {quote(row['source_table'])}")
    assert {r["id"] for r in named} == set(row["missing"])


def test_what_chroma_keeps_its_collections_in_is_loaded_on_request_only(t):
    path, _ = folder(t, "chroma-1.5.9")
    loaded = t.import_(path, {"on_invalid": "null"})
    assert set(loaded) == {"docs_cosine", "ip_small", "notes_l2"}
    t.import_(path, {"schema": "one", "on_invalid": "null", "include": ["tenants"], "tables": {"tenants": {"skip": False}}})
    assert t.value("SELECT count(*) FROM one.tenants") == "1"
    raw = t.import_(path, {"schema": "raw", "chroma": False})
    assert "embeddings_queue" in raw and "docs_cosine" not in raw
    plan = t.plan(path, {"on_invalid": "null"})
    assert plan["chroma"] is True and t.plan(path, plan) == plan


def test_one_table_has_the_records_of_all(t):
    path, collections = folder(t, "chroma-1.5.9-tenants")
    t.import_(path, {"chroma": {"layout": "single"}, "on_invalid": "null", "verify": "values"})
    assert int(t.value("SELECT count(*) FROM chroma_records")) == sum(c["count"] for c in collections)
    counts = {(c["tenant"], c["database"], c["name"]): c["count"] for c in collections if c["count"]}
    found = t.rows("SELECT tenant, database, collection, count(*) AS n FROM chroma_records GROUP BY 1, 2, 3")
    assert {(r["tenant"], r["database"], r["collection"]): r["n"] for r in found} == counts
    assert t.constraints("chroma_records", "p") == "PRIMARY KEY (tenant, database, collection, id)"


def test_a_collection_goes_into_the_applications_table(t):
    path, collections = folder(t, "chroma-1.5.9")
    (truth,) = [c for c in collections if c["name"] == "ip_small"]
    pgvector = has_pgvector(t)
    kind = "vector(12)" if pgvector else "real[]"
    if pgvector:
        t.sql("CREATE EXTENSION vector")
    t.sql(f"CREATE TABLE vector_embeddings (id text PRIMARY KEY, title text, score float8, content text, embedding {kind} NOT NULL, created_at timestamptz, note text DEFAULT 'x')")
    columns = {"id": "id", "title": "metadata.title", "score": "metadata.score", "content": "document", "embedding": "embedding", "created_at": "created_at"}
    plan = {"chroma": {"collections": {"ip_small": {"target": "vector_embeddings", "columns": columns}}}, "include": ["ip_small"], "create": "never", "verify": "values"}
    assert t.import_(path, plan)["vector_embeddings"]["imported"] == truth["count"]
    for row in t.rows("SELECT id, title, score, content, embedding::real[] AS embedding, created_at, note FROM vector_embeddings"):
        record = truth["records"][row["id"]]
        metadata = record["metadata"] or {}
        assert (row["title"], row["score"], row["content"]) == (metadata.get("title"), metadata.get("score"), record["document"])
        assert bits(row["embedding"]) == bits(record["embedding"]) and row["note"] == "x" and row["created_at"]
    # The same rows again are the same rows.
    again = t.import_(path, plan | {"on_conflict": "skip"})
    assert again["vector_embeddings"]["skipped"] == truth["count"]


def segment_of(path, collection):
    with sqlite3.connect(f"file:{path}?mode=ro", uri=True) as db:
        (segment,) = db.execute("SELECT s.id FROM segments s JOIN collections c ON c.id = s.collection WHERE c.name = ? AND s.scope = 'VECTOR'", (collection,)).fetchone()
    db.close()
    return path.parent / segment


def cut(name, end=-1):
    def damage(segment):
        file = segment / name
        file.write_bytes(file.read_bytes()[:end])
    return damage


def link(segment):
    moved = segment.parent / "elsewhere"
    segment.rename(moved)
    segment.symlink_to(moved)


def link_of_file(segment):
    moved = segment.parent / "data"
    (segment / "data_level0.bin").rename(moved)
    (segment / "data_level0.bin").symlink_to(moved)


def other_class(segment):
    (segment / "index_metadata.pickle").write_bytes(b"\x80\x05\x8c\x05posix\x94\x8c\x06system\x94\x93\x94\x8c\x04true\x94\x85\x94R\x94.")


def other_dimension(segment):
    file = segment / "header.bin"
    bytes = bytearray(file.read_bytes())
    bytes[28:36], bytes[36:44] = struct.pack("<Q", struct.unpack("<Q", bytes[28:36])[0] + 4), struct.pack("<Q", struct.unpack("<Q", bytes[36:44])[0] + 4)
    file.write_bytes(bytes)


@pytest.mark.parametrize("damage,said", [
    (cut("index_metadata.pickle"), "index_metadata.pickle cannot be read: it ends too early"),
    (cut("header.bin"), "header.bin is shorter than 100 bytes"),
    (cut("data_level0.bin", 5000), "data_level0.bin is shorter than its header says"),
    (cut("length.bin", 100), "length.bin is shorter than its header says"),
    (link, "its folder is a link or a file"),
    (link_of_file, "data_level0.bin cannot be read"),
    (other_class, "index_metadata.pickle cannot be read: it has an object of another class than ChromaDB's own"),
    (other_dimension, "header.bin is of another number of dimensions than the collection"),
    (lambda segment: (segment / "data_level0.bin").unlink(), "data_level0.bin is missing"),
    (lambda segment: shutil.rmtree(segment), "its folder is missing"),
])
def test_a_damaged_folder_is_an_index_that_is_lost(t, damage, said):
    path, collections = folder(t, "chroma-1.5.9")
    damage(segment_of(path, "docs_cosine"))
    rows = {r["name"]: r for r in t.rows(f"SELECT * FROM sqlite_chroma({quote(str(path))})")}
    assert said in (rows["docs_cosine"]["detail"] or ""), rows["docs_cosine"]["detail"]
    assert rows["docs_cosine"]["missing"] and not rows["ip_small"]["missing"]
    result = t.import_(path, {"on_invalid": "null", "verify": "values"})
    assert result["docs_cosine"]["imported"] == 1150
    (truth,) = [c for c in collections if c["name"] == "docs_cosine"]
    for id, (_, _, _, embedding) in loaded(t, "docs_cosine").items():
        record = truth["records"][id]
        assert embedding is None or bits(embedding) == bits(record.get("embedding_given") or record["embedding"]), id


@pytest.mark.parametrize("name", ["fts5", "VEC0", "pragma_table_info"])
def test_a_collection_takes_no_modules_name(t, name):
    path, _ = folder(t, "chroma-1.5.9")
    with sqlite3.connect(path) as db:
        db.execute("UPDATE collections SET name = ? WHERE name = 'ip_small'", (name,))
    db.close()
    rows = {r["name"]: r["source_table"] for r in t.rows(f"SELECT * FROM sqlite_chroma({quote(str(path))})")}
    assert rows[name] == f"default_database.{name}"
    result = t.import_(path, {"on_invalid": "null", "verify": "values"})
    assert result[rows[name]]["imported"] > 0


def test_other_segments_are_refused_by_name(t):
    path, _ = folder(t, "chroma-1.5.9")
    with sqlite3.connect(path) as db:
        db.execute("UPDATE segments SET type = 'urn:chroma:segment/vector/spann' WHERE scope = 'VECTOR' AND collection = (SELECT id FROM collections WHERE name = 'ip_small')")
    db.close()
    (said,) = [f for f in t.findings(path, {"on_invalid": "null"}) if f["object"] == "collection ip_small"]
    assert said["severity"] == "warning" and 'a segment of type "urn:chroma:segment/vector/spann"' in said["message"]
    assert "ip_small" not in t.import_(path, {"on_invalid": "null"})


def test_foreign_tables_show_collections(t):
    path, collections = folder(t, "chroma-1.5.9")
    (truth,) = [c for c in collections if c["name"] == "notes_l2"]
    t.sql(f"CREATE SERVER chroma FOREIGN DATA WRAPPER pg_sqlite_fdw OPTIONS (database {quote(str(path))});"
          "CREATE FOREIGN TABLE notes (id text, document text, embedding bytea) SERVER chroma OPTIONS (table 'notes_l2')")
    rows = t.rows("SELECT id, document, encode(embedding, 'hex') AS embedding FROM notes")
    assert len(rows) == truth["count"]
    for row in rows:
        assert bytes.fromhex(row["embedding"]) == bits(truth["records"][row["id"]]["embedding"])
    id = rows[0]["id"]
    assert t.value(f"SELECT count(*) FROM notes WHERE id = {quote(id)}") == "1"


@pytest.mark.parametrize("name,metric", [("docs_cosine", "<=>"), ("ip_small", "<#>"), ("notes_l2", "<->")])
def test_the_same_neighbours_are_found(t, name, metric):
    """The twenty nearest records of ten of them, by the index and without it."""
    if not has_pgvector(t):
        pytest.skip("this server has no pgvector")
    path, collections = folder(t, "chroma-1.5.9")
    (truth,) = [c for c in collections if c["name"] == name]
    t.import_(path, {"include": [name]})
    vectors = {id: floats(record.get("embedding_given") or record["embedding"]) for id, record in truth["records"].items()}

    def distance(a, b):
        dot = sum(x * y for x, y in zip(a, b))
        if metric == "<#>":
            return -dot
        if metric == "<->":
            return sum((x - y) ** 2 for x, y in zip(a, b)) ** 0.5
        return 1 - dot / ((sum(x * x for x in a) ** 0.5 * sum(y * y for y in b) ** 0.5) or 1)

    for id in list(vectors)[::max(1, len(vectors) // 10)]:
        asked = vectors[id]
        if not any(asked):
            continue
        ranked = sorted(vectors, key=lambda other: (distance(asked, vectors[other]), other))
        limit = distance(asked, vectors[ranked[19]]) + 1e-3
        query = f"SELECT id FROM {quote_ident(name)} ORDER BY embedding {metric} {quote(str(asked))}::vector LIMIT 20"
        exact = [row["id"] for row in t.rows(f"SELECT * FROM ({query}) q")]
        assert all(distance(asked, vectors[other]) <= limit or not any(vectors[other]) for other in exact)
        session = t.session()
        session.execute("SET enable_seqscan = off; SET hnsw.ef_search = 1000")
        assert "hnsw" in name or "Index Scan" in "".join(line[0] for line in session.execute(f"EXPLAIN {query}").rows)
        found = [row[0] for row in session.execute(query).rows]
        assert len(set(found) & set(ranked[:40])) >= 15, (id, found, ranked[:20])


def test_two_files_move_in_one_transaction(t):
    """The application's database and its embeddings, into the schema that its provider has made."""
    path, collections = folder(t, "chroma-1.5.9")
    (truth,) = [c for c in collections if c["name"] == "docs_cosine"]
    ids = sorted(truth["records"])
    app = t.file("app.db", 'CREATE TABLE documents ("id" varchar PRIMARY KEY NOT NULL, "createdAt" datetime NOT NULL DEFAULT (datetime(\'now\')))')
    with sqlite3.connect(app) as db:
        db.executemany("INSERT INTO documents (id) VALUES (?)", [(id,) for id in ids])
    db.close()
    kind = "vector(16)" if has_pgvector(t) else "real[]"
    if has_pgvector(t):
        t.sql("CREATE EXTENSION vector")
    t.sql(f"CREATE TABLE documents (id varchar PRIMARY KEY, created_at timestamptz NOT NULL); CREATE TABLE vector_embeddings (document_id varchar PRIMARY KEY REFERENCES documents, content text, embedding {kind})")
    columns = {"document_id": "id", "content": "document", "embedding": "embedding"}
    plans = [(app, {"create": "never"}), (path, {"create": "never", "include": ["docs_cosine"], "chroma": {"collections": {"docs_cosine": {"target": "vector_embeddings", "columns": columns}}}})]
    counts = "SELECT (SELECT count(*) FROM documents) || ' ' || (SELECT count(*) FROM vector_embeddings)"
    session = t.session()
    for end, left in ("ROLLBACK", "0 0"), ("COMMIT", f"{len(ids)} {len(ids)}"):
        session.execute("BEGIN")
        for file, plan in plans:
            session.execute(t.call("sqlite_import", file, plan))
        assert session.execute(counts).out.strip() == f"{len(ids)} {len(ids)}"
        session.execute(end)
        assert t.value(counts) == left
    assert t.value("SELECT sum(different + missing_in_target + missing_in_source) FROM verify_values()") == "0"
