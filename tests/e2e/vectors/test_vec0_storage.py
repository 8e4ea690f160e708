"""Where sqlite-vec keeps vectors: rescored tables, DiskANN (0.1.10), and shadow tables of which something is missing."""

import sqlite3
import struct

import pytest

from vector_files import blob, declare, has_pgvector, loaded, vectors

GIVEN = vectors(9, 8)
ROWIDS = "(rowid INTEGER PRIMARY KEY AUTOINCREMENT, id, chunk_id INTEGER, chunk_offset INTEGER)"
CHUNKS = "(chunk_id INTEGER PRIMARY KEY AUTOINCREMENT, size INTEGER NOT NULL, validity BLOB NOT NULL, rowids BLOB NOT NULL"


def made(t, declared, tables, fill):
    """A file with one table `v`: its shadow tables by their ending, and what fills them."""
    path = t.file("vec0.db", ";".join(f"CREATE TABLE v_{name} {columns}" for name, columns in tables.items()))
    db = sqlite3.connect(path)
    fill(db)
    declare(db, "v", f"vec0({declared})")
    db.commit()
    db.close()
    return path


def rescored(db):
    db.executemany("INSERT INTO v_rowids VALUES (?, NULL, 1, ?)", [(n, at) for at, n in enumerate(GIVEN)])
    db.execute("INSERT INTO v_chunks VALUES (1, 16, x'ff01', zeroblob(128))")
    db.execute("INSERT INTO v_rescore_chunks00 VALUES (1, zeroblob(16))")
    db.executemany("INSERT INTO v_rescore_vectors00 VALUES (?, ?)", [(n, blob(vector)) for n, vector in GIVEN.items()])


def diskann(db):
    """As 0.1.10a4 writes it: nothing is in chunks, and no row of the table of rowids names one."""
    db.executemany("INSERT INTO v_rowids VALUES (?, NULL, NULL, NULL)", [(n,) for n in GIVEN])
    db.executemany("INSERT INTO v_vectors00 VALUES (?, ?)", [(n, blob(vector)) for n, vector in GIVEN.items()])
    db.executemany("INSERT INTO v_diskann_nodes00 VALUES (?, x'00', x'00', x'00')", [(n,) for n in GIVEN])
    db.execute("INSERT INTO v_diskann_buffer00 VALUES (3, x'00')")


STORAGES = {
    "rescore": ("rescore(quantizer=bit)", rescored, {
        "rowids": ROWIDS, "chunks": CHUNKS + ")", "rescore_chunks00": "(rowid PRIMARY KEY, vectors BLOB)", "rescore_vectors00": "(rowid INTEGER PRIMARY KEY, vector BLOB)"}),
    "diskann": ("diskann(neighbor_quantizer=binary, n_neighbors=8)", diskann, {
        "rowids": ROWIDS, "chunks": CHUNKS + ")", "vectors00": "(rowid INTEGER PRIMARY KEY, vector BLOB)",
        "diskann_nodes00": "(rowid INTEGER PRIMARY KEY, neighbors_validity BLOB, neighbor_ids BLOB, neighbor_quantized_vectors BLOB)",
        "diskann_buffer00": "(rowid INTEGER PRIMARY KEY, vector BLOB)"}),
}


@pytest.mark.parametrize("storage", STORAGES)
def test_an_indexed_table_has_its_whole_vectors(t, storage):
    index, fill, tables = STORAGES[storage]
    path = made(t, f"e float[8] distance_metric=cosine indexed by {index}", tables, fill)
    assert [f["object"] for f in t.findings(path) if f["severity"] == "blocking"] == []
    result = t.import_(path, {"verify": "values"})
    # Its shadow tables are no tables of the application's.
    assert set(result) == {"v"} and result["v"]["imported"] == 9
    assert loaded(t, "v", "rowid", "e") == {n: blob(vector) for n, vector in GIVEN.items()}


def whole(db):
    """A table of all that may be in chunks, of which a test then takes something."""
    given = list(GIVEN.items())[:3]
    db.executemany("INSERT INTO v_rowids VALUES (?, NULL, 1, ?)", [(n, at) for at, (n, _) in enumerate(given)])
    db.execute("INSERT INTO v_chunks VALUES (1, 8, x'07', zeroblob(64), 'eu')")
    db.execute("INSERT INTO v_vector_chunks00 VALUES (1, ?)", (b"".join(blob(vector) for _, vector in given),))
    db.execute("INSERT INTO v_vector_chunks01 VALUES (1, x'010203')")
    db.executemany("INSERT INTO v_auxiliary VALUES (?, ?)", [(n, f"note {n}") for n, _ in given])
    texts = [b"short", b"a text beyond twelve", b"caf\xe9"]
    db.execute("INSERT INTO v_metadatachunks00 VALUES (1, ?)", (b"".join(struct.pack("<i12s", len(text), text[:12]) for text in texts),))
    db.execute("INSERT INTO v_metadatatext00 VALUES (?, ?)", (given[1][0], texts[1].decode()))
    db.execute("INSERT INTO v_metadatachunks01 VALUES (1, ?)", (struct.pack("<3q", 10, 20, 30),))


ALL = "e float[8], b bit[8], part text partition key, +note text, m text, n integer"
TABLES = {
    "rowids": ROWIDS, "chunks": CHUNKS + ", partition00)", "vector_chunks00": "(rowid PRIMARY KEY, vectors BLOB)", "vector_chunks01": "(rowid PRIMARY KEY, vectors BLOB)",
    "auxiliary": "(rowid INTEGER PRIMARY KEY, value00)", "metadatachunks00": "(rowid PRIMARY KEY, data BLOB)", "metadatatext00": "(rowid INTEGER PRIMARY KEY, data)",
    "metadatachunks01": "(rowid PRIMARY KEY, data BLOB)"}


def damaged(t, *statements):
    def fill(db):
        whole(db)
        for statement in statements:
            db.execute(statement)
    return made(t, ALL, TABLES, fill)


def blocking(t, path, plan=None):
    return [f"{f['object']}: {f['message']}" for f in t.findings(path, plan or {}) if f["severity"] == "blocking"]


def test_a_text_that_is_not_utf8_is_the_blob_of_its_bytes(t):
    path = damaged(t)
    assert blocking(t, path) == []
    t.import_(path)
    assert t.value("SELECT string_agg(encode(m, 'escape'), ' ' ORDER BY rowid) FROM v") == "short a text beyond twelve caf\\351"
    t.import_(path, {"schema": "texts", "on_invalid": "reject", "tables": {"v": {"columns": {"m": {"type": "text"}}}}})
    assert t.rows("SELECT part, note, m, n, b::text FROM texts.v ORDER BY rowid") == [
        {"part": "eu", "note": "note 3", "m": "short", "n": 10, "b": "10000000"}, {"part": "eu", "note": "note 6", "m": "a text beyond twelve", "n": 20, "b": "01000000"}]
    assert t.value("SELECT values->'m'->>'blob' FROM sqlite_migrate.reject") == "x'636166e9'"


@pytest.mark.parametrize("statement, said", [
    ("DELETE FROM v_auxiliary WHERE rowid = 6", 'v: 1 row does not have a row in "v_auxiliary": the auxiliary values are lost, and NULL'),
    ("DELETE FROM v_chunks", 'v: 3 rows do not have a row in "v_chunks": the values of the partition are lost, and NULL'),
    ("DELETE FROM v_rowids WHERE rowid = 3", 'v: 1 slot that is in use is of no row of "v_rowids", and not loaded'),
])
def test_what_is_missing_stops_the_import_unless_the_plan_goes_on(t, statement, said):
    path = damaged(t, "UPDATE v_rowids SET rowid = 10 WHERE rowid = 9", "DELETE FROM v_rowids WHERE rowid = 10", "UPDATE v_chunks SET validity = x'03'", statement)
    said = said.replace("3 rows do", "2 rows do")
    assert blocking(t, path) == [said]
    (finding,) = [f for f in t.findings(path) if f["severity"] == "blocking"]
    assert said.split(": ", 1)[1] in {row["message"] for row in t.rows(f"SELECT * FROM sqlite_check('{path}')")}
    result = t.import_(path, t.merged({}, finding["fix"]))
    left = int(t.value("SELECT count(*) FROM v"))
    assert result["v"]["imported"] == left == (1 if "rowids" in statement else 2)
    assert t.value("SELECT count(*) FROM v WHERE note IS NULL") == ("1" if "auxiliary" in statement else "0")
    assert t.value("SELECT count(*) FROM v WHERE part IS NULL") == ("2" if "v_chunks" in statement else "0")


@pytest.mark.parametrize("statement", ["DELETE FROM v_metadatachunks01", "UPDATE v_metadatachunks01 SET data = substr(data, 1, 8)", "DELETE FROM v_metadatatext00"])
def test_metadata_that_is_missing_is_a_null_that_does_not_fit(t, statement):
    path = damaged(t, "DELETE FROM v_rowids WHERE rowid = 9", "UPDATE v_chunks SET validity = x'03'", statement)
    (finding,) = [f for f in t.findings(path) if f["severity"] == "blocking"]
    assert finding["kind"] == "null_key", finding
    t.import_(path, t.merged({}, finding["fix"]))
    assert int(t.value("SELECT count(*) FROM v WHERE n IS NULL OR m IS NULL")) > 0


def test_a_vector_that_is_cut_shows_what_is_left_where_it_is_rejected(t):
    path = damaged(t, "UPDATE v_vector_chunks00 SET vectors = substr(vectors, 1, 36)", "DELETE FROM v_rowids WHERE rowid = 9", "UPDATE v_chunks SET validity = x'03'",
                   "UPDATE v_vector_chunks01 SET vectors = x'01'")
    t.attempt(t.call("sqlite_import", path, {})).failed("22P02", 'does not fit column')
    assert t.import_(path, {"on_invalid": "reject"})["v"]["rejected"] == 1
    left = blob(list(GIVEN.values())[1])[:4].hex()
    assert t.value("SELECT values->>'e' FROM sqlite_migrate.reject") == f"a vector of 4 bytes, not of 32: x'{left}'"
    assert t.import_(path, {"schema": "nulls", "on_invalid": "null"})["v"]["imported"] == 2
    assert t.value("SELECT string_agg(coalesce(b::text, '-'), ' ' ORDER BY rowid) FROM nulls.v WHERE e IS NOT NULL OR b IS NULL") == "10000000 -"


@pytest.mark.parametrize("type_, code", [("text", None), ("bit varying", None), ("bit(4)", "22026"), ("vector", "22P02")])
def test_bits_of_another_type(t, type_, code):
    if type_ == "vector" and not has_pgvector(t):
        pytest.skip("this server has no pgvector")
    path = damaged(t, "DELETE FROM v_rowids WHERE rowid = 9", "UPDATE v_chunks SET validity = x'03'")
    result = t.attempt(t.call("sqlite_import", path, {"tables": {"v": {"columns": {"b": {"type": type_}}}}}))
    if code:
        result.failed(code, 'does not fit column "b" of table "v"')
    else:
        assert result.error is None, result.error
        assert t.value("SELECT string_agg(b::text, ' ' ORDER BY rowid) FROM v") == "10000000 01000000"
        assert t.value("SELECT count(*) FROM pg_indexes WHERE tablename = 'v' AND indexdef LIKE '%(b %'") == "0"
