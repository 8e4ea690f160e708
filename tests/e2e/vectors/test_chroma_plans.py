"""What a plan says of collections: which one it names, which keys of metadata, and what becomes of vectors without pgvector."""

import pytest

from chroma_folders import add_collection, changing, folder, has_pgvector


def empty(t):
    """A folder without collections, to add some."""
    path, truth = folder(t, "chroma-1.5.9-empty")
    with changing(path) as db:
        for table in ("collections", "segments", "embeddings", "embedding_metadata", "embeddings_queue", "max_seq_id"):
            db.execute(f"DELETE FROM {table}")
    return path


def loads(columns):
    return {"columns": {"id": "id"} | {key: f"metadata.{key}" for key in columns}}


def test_the_keys_that_a_plan_names_are_always_there(t):
    path = empty(t)
    keys = [f"key{n:04}" for n in range(700)]
    metadata = [("a", key, f"value of {key}") for key in keys] + [("a", "chroma:custom", "own"), ("a", "Title", "upper"), ("a", "title", "lower"), ("a", "chroma:document", "text")]
    with changing(path) as db:
        add_collection(db, "docs", {"a": [1.0], "b": [2.0]}, metadata=metadata)
    columns = {"id": "id", "first": "metadata.key0000", "last": "metadata.key0699", "custom": "metadata.chroma:custom", "lower": "metadata.title"}
    t.import_(path, {"chroma": {"collections": {"docs": {"columns": columns}}}, "verify": "values"})
    assert t.rows("SELECT * FROM docs ORDER BY id") == [
        {"id": "a", "first": "value of key0000", "last": "value of key0699", "custom": "own", "lower": "lower"},
        {"id": "b", "first": None, "last": None, "custom": None, "lower": None}]
    assert t.value("SELECT sum(different + missing_in_target + missing_in_source) FROM verify_values()") == "0"
    t.import_(path, {"schema": "one", "chroma": {"layout": "single"}, "tables": {"chroma_records": {"columns": {"metadata.key0698": {"name": "last"}}}}})
    assert t.value("SELECT last FROM one.chroma_records WHERE id = 'a'") == "value of key0698"
    for wrong in "key9999", "chroma:document":
        t.import_fails(path, {"chroma": {"collections": {"docs": {"columns": {"id": "id", "x": f"metadata.{wrong}"}}}}}, "22023", "no column of this name")


def test_a_collection_of_the_name_of_a_table_of_chromas(t):
    path = empty(t)
    with changing(path) as db:
        add_collection(db, "embeddings", {"a": [1.0, 2.0]})
    plan = {"chroma": {"collections": {"embeddings": {"target": "mine", "columns": {"id": "id", "v": "embedding"}}}}}
    assert t.import_(path, plan)["mine"]["imported"] == 1
    assert t.rows("SELECT id, v::real[] AS v FROM mine") == [{"id": "a", "v": [1.0, 2.0]}]


def test_a_name_that_several_databases_have_is_told_apart(t):
    path = empty(t)
    with changing(path) as db:
        (tenant,) = db.execute("SELECT tenant_id FROM databases").fetchone()
        db.execute("INSERT INTO databases (id, name, tenant_id) VALUES ('00000000-0000-0000-0000-00000000000d', 'other', ?)", (tenant,))
        add_collection(db, "docs", {"a": [1.0]})
        add_collection(db, "docs", {"b": [1.0]}, database="00000000-0000-0000-0000-00000000000d")
        add_collection(db, "alone", {"c": [1.0]})

    def named(name):
        return {"chroma": {"collections": {name: {"target": "t", "columns": {"id": "id"}}}}, "include": ["*docs"]}

    t.import_fails(path, named("docs"), "22023", "several databases have a collection of this name", 'Name one of them: "default_database.docs", "other.docs".')
    assert t.import_(path, named("other.docs"))["t"]["imported"] == 1 and t.value("SELECT id FROM t") == "b"
    t.import_fails(path, named("alnoe"), "22023", 'the file has no collection of this name, did you mean "alone"?', 'Collections are "alone", "default_database.docs", "other.docs".')
    plain = t.file("plain.db", "CREATE TABLE docs (id)")
    t.import_fails(plain, named("docs"), "22023", "the file has no collections of ChromaDB's", "Leave chroma.collections out")


LATER = {
    "docs": 'ALTER TABLE "public"."docs" ALTER COLUMN "embedding" TYPE vector(3) USING "embedding"::vector(3); '
            'CREATE INDEX ON "public"."docs" USING hnsw ("embedding" vector_cosine_ops) WITH (m = 16, ef_construction = 100);',
    "large": 'ALTER TABLE "public"."large" ALTER COLUMN "embedding" TYPE vector(2500) USING "embedding"::vector(2500); '
             'CREATE INDEX ON "public"."large" USING hnsw (("embedding"::halfvec(2500)) halfvec_l2_ops) WITH (m = 16, ef_construction = 100);',
}


def test_what_is_said_without_pgvector_works_when_pgvector_is_there(t):
    path = empty(t)
    with changing(path) as db:
        add_collection(db, "docs", {"a": [1.0, 2.0, 3.0], "b": [3.0, 2.0, 1.0]}, space="cosine")
        add_collection(db, "large", {"a": [0.5] * 2500})
    if not has_pgvector(t):
        said = {f["object"]: f for f in t.findings(path) if f["kind"] == "vectors" and "embedding" in f["object"]}
        for table, later in LATER.items():
            finding = said[f"{table}.embedding"]
            assert finding["severity"] == "warning" and finding["message"] == "the extension vector cannot be had: its vectors become real[], and no index is made"
            assert finding["hint"] == f"Install pgvector and import again; or later: CREATE EXTENSION IF NOT EXISTS vector; {later}"
        t.import_(path)
        return
    arrays = {"columns": {"embedding": {"type": "real[]"}}}
    t.import_(path, {"tables": {"docs": arrays, "large": arrays}})
    assert t.type_of("docs", "embedding") == "real[]"
    t.sql("CREATE EXTENSION IF NOT EXISTS vector; " + LATER["docs"] + LATER["large"])
    assert (t.type_of("docs", "embedding"), t.type_of("large", "embedding")) == ("vector(3)", "vector(2500)")
    assert t.value("SELECT id FROM docs ORDER BY embedding <=> '[3,2,1]' LIMIT 1") == "b"


def test_more_dimensions_than_pgvector_has(t):
    path = empty(t)
    with changing(path) as db:
        add_collection(db, "huge", {"a": [0.5] * 16_001})
    (said,) = [f for f in t.findings(path) if f["object"] == "huge.embedding"]
    why = "pgvector's types have at most 16000 dimensions, and it has 16001"
    no_index = f"no index is made for its vectors: {why}" if has_pgvector(t) else f"{why}: its vectors become real[], and no index is made"
    assert (said["severity"], said["message"], said["hint"]) == ("info", no_index, "")
    t.import_(path, {"verify": "values"})
    assert t.type_of("huge", "embedding") == "real[]" and t.value("SELECT cardinality(embedding) FROM huge") == "16001"


@pytest.mark.parametrize("spaces,dimensions", [(("l2", "cosine"), (3, 3)), (("l2", "l2"), (3, 2)), (("ip", "ip"), (3, 3))])
def test_one_table_of_collections_that_are_searched_otherwise(t, spaces, dimensions):
    path = empty(t)
    with changing(path) as db:
        for n, (space, dimension) in enumerate(zip(spaces, dimensions)):
            add_collection(db, f"c{n}", {"a": [1.0] * dimension}, space=space)
        add_collection(db, "none", {}, space=spaces[0])
    plan = {"chroma": {"layout": "single"}, "verify": "values"}
    (said,) = [f for f in t.findings(path, plan) if f["object"] == "chroma_records.embedding"] or [None]
    t.import_(path, plan)
    assert t.value("SELECT count(*) FROM chroma_records WHERE embedding IS NOT NULL") == "2"
    same = len(set(dimensions)) == 1
    if not has_pgvector(t):
        name = "vector(3)" if same else "vector"
        assert f"TYPE {name} USING" in said["hint"] and ("CREATE INDEX" in said["hint"]) == (same and len(set(spaces)) == 1)
        return
    assert t.type_of("chroma_records", "embedding") == ("vector(3)" if same else "vector")
    why = {("l2", "cosine"): "they are of collections with several distances", ("l2", "l2"): "its vectors have no one number of dimensions"}.get(spaces)
    assert (said and said["message"]) == (why and f"no index is made for its vectors: {why}")
    indexes = t.value("SELECT count(*) FROM pg_indexes WHERE tablename = 'chroma_records' AND indexdef LIKE '%vector_ip_ops%'")
    assert indexes == ("0" if why else "1")
