"""Rows that ChromaDB did not write so, and pages that cannot be read: what is wrong with one collection is its own."""

import struct

import pytest

from chroma_folders import add_collection, change, changing, folder, has_pgvector
from harness import quote

OF = "(SELECT id FROM collections WHERE name = 'ip_small')"
SEGMENT = f"(SELECT id FROM segments WHERE scope = 'METADATA' AND collection = {OF})"
NULL = {"on_invalid": "null"}


def collections(t, path):
    return {row["name"]: row for row in t.rows(f"SELECT * FROM sqlite_chroma({quote(str(path))})")}


@pytest.mark.parametrize("statement,why", [
    (f"UPDATE collections SET dimension = 'many' WHERE name = 'ip_small'", "collections.dimension is no integer"),
    (f"UPDATE collections SET schema_str = CAST(x'ff' AS TEXT) WHERE name = 'ip_small'", "collections.schema_str is no UTF-8"),
    (f"UPDATE segments SET id = CAST(id AS BLOB) WHERE scope = 'VECTOR' AND collection = {OF}", "segments.id is no text"),
])
def test_a_damaged_collection_stops_only_an_import_that_selects_it(t, statement, why):
    path, _ = folder(t, "chroma-1.5.9")
    change(path, statement)
    rows = collections(t, path)
    assert rows["ip_small"]["detail"] == f"cannot be read: {why}" and rows["notes_l2"]["vectors"] == rows["notes_l2"]["records"]
    (said,) = [f for f in t.findings(path, NULL) if f["object"] == "ip_small"]
    assert (said["severity"], said["kind"]) == ("blocking", "unreadable")
    assert said["message"] == f'collection "ip_small" cannot be read: {why}'
    t.import_fails(path, NULL, "XX001", why)
    # The fix, the other ways to leave it out, and to go on in spite of it.
    for at, plan in enumerate([t.merged(NULL, said["fix"]), NULL | {"exclude": ["ip_small"]}, NULL | {"include": ["notes_l2"]}, NULL | {"on_error": "continue"}]):
        result = t.import_(path, plan | {"schema": f"s{at}"})
        assert result["notes_l2"]["imported"] > 0 and not result.get("ip_small", {}).get("imported")
    single = NULL | {"chroma": {"layout": "single"}}
    (said,) = [f for f in t.findings(path, single) if f["object"] == "chroma_records" and f["severity"] == "blocking"]
    assert [f["object"] for f in t.findings(path, t.merged(single, said["fix"])) if f["severity"] == "blocking"] == ["ip_small"]
    assert "embeddings_queue" in t.import_(path, {"schema": "raw", "chroma": False, "on_invalid": "text"})


def test_an_odd_id_is_that_of_a_record_without_a_vector(t):
    path, truth = folder(t, "chroma-1.5.9")
    (count,) = [c["count"] for c in truth if c["name"] == "ip_small"]
    change(path, f"UPDATE embeddings SET embedding_id = CAST(x'6162ff' AS TEXT) WHERE id = (SELECT min(id) FROM embeddings WHERE segment_id = {SEGMENT})",
           f"UPDATE embeddings SET embedding_id = x'00', seq_id = 1.5 WHERE id = (SELECT max(id) FROM embeddings WHERE segment_id = {SEGMENT})")
    row = collections(t, path)["ip_small"]
    assert (row["records"], row["vectors"], len(row["missing"]), row["detail"]) == (count, count - 2, 2, None)
    rejected = t.import_(path, {"on_invalid": "reject", "include": ["ip_small"], "tables": {"ip_small": {"columns": {"id": {"type": "text"}}}}})
    assert (rejected["ip_small"]["imported"], rejected["ip_small"]["rejected"]) == (count - 2, 2)


def test_metadata_that_is_no_json_does_not_fit(t):
    path, truth = folder(t, "chroma-1.5.9")
    (count,) = [c["count"] for c in truth if c["name"] == "ip_small"]
    change(path, f"INSERT INTO embedding_metadata (id, key, string_value) SELECT min(id), 'odd', CAST(x'22ff' AS TEXT) FROM embeddings WHERE segment_id = {SEGMENT}",
           f"INSERT INTO embedding_metadata (id, key, string_value) SELECT max(id), 'odd', x'61' FROM embeddings WHERE segment_id = {SEGMENT}")
    plan = {"include": ["ip_small"]}
    (said,) = [f for f in t.findings(path, plan) if f["object"] == "ip_small.metadata"]
    assert (said["kind"], said["severity"]) == ("type_missed", "warning")
    t.import_(path, plan)
    # Nothing of it is lost: `"odd":"\\"\\xff"`.
    assert t.value("SELECT count(*) FROM ip_small WHERE encode(metadata, 'hex') LIKE '%226f6464223a225c22ff22%'") == "1"
    t.import_(path, t.merged(plan | {"schema": "fixed"}, said["fix"]))
    assert t.value("SELECT count(*) FROM fixed.ip_small WHERE metadata->>'odd' = 'a'") == "1"
    assert t.value("SELECT (SELECT count(*) FROM ip_small WHERE metadata IS NOT NULL) - count(*) FROM fixed.ip_small WHERE metadata IS NOT NULL") == "1"


def damage_page(path, table):
    with changing(path) as db:
        (page,) = db.execute("SELECT rootpage FROM sqlite_schema WHERE name = ?", (table,)).fetchone()
        (size,) = db.execute("PRAGMA page_size").fetchone()
    with open(path, "r+b") as file:
        file.seek((page - 1) * size)
        file.write(b"\xff" * 100)


def test_a_file_whose_collections_cannot_be_listed_is_read_as_any_and_says_so(t):
    path, _ = folder(t, "chroma-1.5.9")
    damage_page(path, "collections")
    plan = {"include": ["tenants", "embeddings"]}
    (said,) = [f for f in t.findings(path, plan) if f["kind"] == "vectors"]
    assert (said["severity"], said["object"]) == ("warning", "chroma")
    assert said["message"].startswith("the file looks like ChromaDB's, and is read as any other: ")
    assert t.import_(path, plan)["embeddings"]["imported"] > 0
    settled = t.merged(plan, said["fix"])
    assert not [f for f in t.findings(path, settled) if f["kind"] == "vectors"]
    assert t.import_(path, settled | {"schema": "settled"})["embeddings"]["imported"] > 0
    named = {"chroma": {"collections": {"ip_small": {"target": "x"}}}}
    t.import_fails(path, named, "22023", "the file has no collections of ChromaDB's")
    assert not collections(t, path)


def test_a_queue_that_cannot_be_read_damages_the_collections_that_are_asked_for(t):
    path, _ = folder(t, "chroma-1.5.9")
    damage_page(path, "embeddings_queue")
    assert all(row["detail"].startswith("cannot be read: embeddings_queue cannot be read: ") for row in collections(t, path).values())
    said = [f for f in t.findings(path, {"include": ["ip_small"], "integrity": "none"}) if f["severity"] == "blocking"]
    assert [f["object"] for f in said] == ["ip_small"]
    assert t.import_(path, {"chroma": False, "include": ["embeddings"], "integrity": "none"})["embeddings"]["imported"] > 0


def test_more_collections_than_are_read(t):
    path, _ = folder(t, "chroma-1.5.9-empty")
    with changing(path) as db:
        db.executemany("INSERT INTO collections (id, name, database_id) SELECT ?, ?, id FROM databases LIMIT 1", [(f"{n:x}", f"c{n}") for n in range(20_001)])
    (said,) = [f for f in t.findings(path, {"include": ["tenants"]}) if f["object"] == "chroma"]
    assert "at most 20000 are read" in said["message"]


def test_vectors_of_another_length_do_not_fit_wherever_they_are_loaded(t):
    path, _ = folder(t, "chroma-1.5.9-empty")
    with changing(path) as db:
        add_collection(db, "lengths", {"a": [1, 2, 3], "b": [4, 5, 6], "c": [7, 8, 9]})
        db.execute("UPDATE embeddings_queue SET vector = x'0000803f' WHERE id = 'b'")
    plan = {"include": ["lengths"]}
    t.import_fails(path, plan, "22P02", "embedding")
    for at, (plan, loaded) in enumerate([(plan | {"on_invalid": "reject"}, "a, c"), (plan | {"on_invalid": "null"}, "a, b, c")]):
        t.import_(path, plan | {"schema": f"l{at}"})
        assert t.value(f"SELECT string_agg(id, ', ' ORDER BY id) FROM l{at}.lengths") == loaded
        assert t.value(f"SELECT count(*) FROM l{at}.lengths WHERE embedding IS NOT NULL") == "2"
    assert t.type_of("lengths", "embedding", "l1") == ("vector(3)" if has_pgvector(t) else "real[]")
