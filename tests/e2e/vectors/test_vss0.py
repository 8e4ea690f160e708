"""sqlite-vss's tables: the vectors of a flat faiss index, its distance, and what is wrong with one."""

import sqlite3

import pytest

from vector_files import blob, declare, faiss, has_pgvector, loaded, vectors


def vss(t, index, declared="body(12)"):
    path = t.file("vss.db", "CREATE TABLE v_data (rowid INTEGER PRIMARY KEY, _ TEXT); CREATE TABLE v_index (rowid INTEGER PRIMARY KEY, idx BLOB)")
    given = vectors(20, 12)
    db = sqlite3.connect(path)
    db.executemany("INSERT INTO v_data (rowid) VALUES (?)", [(n,) for n in given])
    db.execute("INSERT INTO v_index VALUES (0, ?)", (index(given),))
    declare(db, "v", f"vss0({declared})")
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


@pytest.mark.parametrize("metric, declared, kind, ops", [
    (1, "body(12)", b"IxF2", "vector_l2_ops"), (0, "body(12) metric_type=INNER_PRODUCT", b"IxFI", "vector_ip_ops"),
    (0, "body(12)", b"IxFI", "vector_ip_ops"), (2, "body(12) metric_type=L1", b"IxFl", "vector_l1_ops"), (3, "body(12) metric_type=Linf", b"IxFl", None)])
def test_the_index_searches_by_the_distance_of_faiss(t, metric, declared, kind, ops):
    path, given = vss(t, lambda given: faiss(given, kind, metric), declared)
    t.import_(path)
    assert loaded(t, "v", "rowid", "body") == {n: blob(vector) for n, vector in given.items()}
    said = [f["message"] for f in t.findings(path, {"schema": "other"}) if f["kind"] == "vectors"]
    if has_pgvector(t):
        index = t.value("SELECT coalesce(string_agg(indexdef, ' '), '') FROM pg_indexes WHERE tablename = 'v' AND indexdef LIKE '%hnsw%'")
        assert (ops in index) if ops else (index == "" and "pgvector does not have the distance" in said[0]), (index, said)


def test_a_table_that_has_no_vectors_yet_has_the_distance_that_it_declares(t):
    path = t.file("vss.db", "CREATE TABLE v_data (rowid INTEGER PRIMARY KEY, _ TEXT); CREATE TABLE v_index (rowid INTEGER PRIMARY KEY, idx BLOB)")
    db = sqlite3.connect(path)
    declare(db, "v", "vss0(body(12) factory=\"Flat,IDMap2\" metric_type=INNER_PRODUCT)")
    db.commit()
    db.close()
    t.import_(path)
    if has_pgvector(t):
        assert "vector_ip_ops" in t.value("SELECT string_agg(indexdef, ' ') FROM pg_indexes WHERE tablename = 'v'")


def test_vectors_of_another_length_do_not_fit_and_are_shown(t):
    """The index has twelve dimensions, and the table says ten; one row has no vector at all."""
    path, given = vss(t, faiss, "body(10)")
    with sqlite3.connect(path) as db:
        db.execute("INSERT INTO v_data (rowid) VALUES (1)")
    db.close()
    t.attempt(t.call("sqlite_import", path, {})).failed("22P02", 'does not fit column "body" of table "v"')
    assert t.import_(path, {"on_invalid": "reject"})["v"]["rejected"] == 21
    shown = {row["rowid"]: row["v"] for row in t.rows("SELECT rowid, coalesce(values->'body'->>'blob', values->>'body') AS v FROM sqlite_migrate.reject")}
    assert shown == {1: "x''"} | {n: f"a vector of 48 bytes, not of 40: x'{blob(vector).hex()}'" for n, vector in given.items()}
    assert t.import_(path, {"schema": "nulls", "on_invalid": "null", "verify": "values"})["v"]["imported"] == 21
    assert t.value("SELECT count(body) FROM nulls.v") == "0"
