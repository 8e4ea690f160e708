"""Blobs of floats come into pgvector's `vector` without its input function: byte for byte what it would have made, refused as it
refuses, and only where it makes the same of a sample."""

import random
import sqlite3
import struct

import pytest

from client import fails

SPECIAL = [0.0, -0.0, 1.0, -1.0, 0.1, 1e-45, -1e-45, 1.1754942e-38, 1.17549435e-38, 3.4028235e38, -3.4028235e38, 16777217.0]
# About the ends of short headers, of what stays in the row, and of the type.
DIMENSIONS = [1, 2, 3, 30, 31, 32, 384, 500, 2000, 16000]


@pytest.fixture(autouse=True)
def pgvector(t):
    t.needs("vector")
    t.sql("CREATE EXTENSION vector")


def single(x):
    return struct.unpack("<f", struct.pack("<f", x))[0]


def floats(chance, dimension):
    """Any bits that are a finite float, and those that are easily lost."""
    found = []
    while len(found) < dimension:
        (x,) = struct.unpack("<f", chance.randbytes(4))
        if chance.random() < 0.2:
            x = chance.choice(SPECIAL)
        if x == x and abs(x) != float("inf"):
            found.append(single(x))
    return found


def blob(vector):
    return struct.pack(f"<{len(vector)}f", *vector)


def literal(vector):
    return "[" + ",".join(map(repr, vector)) + "]"


def file(t, rows):
    path = t.file("vectors.db", "CREATE TABLE v (id INTEGER PRIMARY KEY, e)")
    db = sqlite3.connect(path)
    db.executemany("INSERT INTO v VALUES (?, ?)", rows.items())
    db.commit()
    db.close()
    return path


def assert_same(t, wanted):
    """What `vector_in` makes of the same numbers, in the same number of bytes."""
    t.sql("CREATE TABLE wanted (id bigint, e vector)")
    for n, vector in wanted.items():
        t.sql(f"INSERT INTO wanted VALUES ({n}, '{literal(vector)}')")
    rows = t.rows("SELECT v.id, encode(vector_send(v.e), 'hex') AS sent, v.e::text = w.e::text AS printed, v.e = w.e AS equal,"
                  " vector_send(v.e) = vector_send(w.e) AS same, pg_column_size(v.e) = pg_column_size(w.e) AS long,"
                  " vector_dims(v.e) AS dimensions FROM v FULL JOIN wanted w USING (id)")
    assert len(rows) == len(wanted)
    for row in rows:
        vector = wanted[row["id"]]
        assert row["printed"] and row["equal"] and row["same"] and row["long"] and row["dimensions"] == len(vector), row["id"]
        assert bytes.fromhex(row["sent"]) == struct.pack(f">hh{len(vector)}f", len(vector), 0, *vector), row["id"]


@pytest.mark.parametrize("seed", range(2))
def test_every_finite_float_is_stored_as_vector_in_stores_it(t, seed):
    chance = random.Random(seed)
    wanted = {n: floats(chance, dimension) for n, dimension in enumerate(DIMENSIONS * 4, 1)}
    wanted[len(wanted) + 1] = SPECIAL
    t.sql("CREATE TABLE v (id bigint PRIMARY KEY, e vector)")
    t.import_(file(t, {n: blob(vector) for n, vector in wanted.items()}), {"verify": "values"})
    assert_same(t, wanted)


def test_texts_and_blobs_of_one_column(t):
    """Whatever a text begins with; floats whose bytes begin as a text does, too."""
    bracket = struct.unpack("<2f", b"[1.5" + b"\x5b\x5b\x5b\x5b")
    wanted = {1: [1.0, 2.0], 2: [3.5, -0.0], 3: [0.25, 1e-45], 4: list(bracket), 5: [5.0, 6.0], 6: [7.0, 8.0]}
    given = {1: literal(wanted[1]), 2: blob(wanted[2]), 3: " \t\n[0.25, 1e-45 ]", 4: blob(bracket), 5: literal(wanted[5]).encode(), 6: blob(wanted[6])}
    t.sql("CREATE TABLE v (id bigint PRIMARY KEY, e vector(2))")
    path = file(t, given | {7: None})
    assert t.import_(path, {"verify": "values"})["v"]["imported"] == 7
    assert t.value("SELECT count(*) FROM v WHERE id = 7 AND e IS NULL") == "1"
    t.sql("DELETE FROM v WHERE id = 7")
    assert_same(t, wanted)


REFUSED = {
    "too short": (blob([1, 2]), "22000", "expected 3 dimensions, not 2"),
    "too long": (blob([1, 2, 3, 4]), "22000", "expected 3 dimensions, not 4"),
    "more than there are": (blob([0.5] * 16001), "54000", "vector cannot have more than 16000 dimensions"),
    "a short text": ("[1,2]", "22000", "expected 3 dimensions, not 2"),
    "no text": ("[1,x]", "22P02", "invalid input syntax for type vector: \"\\[1,x\\]\""),
    "nan": (blob([1, float("nan"), 3]), "22P02", "blob holds a float that is NaN or infinite"),
    "infinite": (blob([1, 2, float("-inf")]), "22P02", "blob holds a float that is NaN or infinite"),
    "odd": (b"12345", "22P02", "blob is not a list of 4-byte floats"),
}


@pytest.mark.parametrize("kind", REFUSED)
def test_what_does_not_fit_is_refused_in_pgvectors_words(t, kind):
    value, sqlstate, message = REFUSED[kind]
    wanted = {n: [n + 0.5, -0.0, 1e-45] for n in range(1, 40)}
    path = file(t, {n: blob(vector) for n, vector in wanted.items()} | {99: value})
    t.sql("CREATE TABLE v (id bigint PRIMARY KEY, e vector(3))")
    with fails(sqlstate, message) as failure:
        t.sql(t.call("sqlite_import", path, {}))
    assert "rowid 99" in f"{failure.message}\n{failure.detail}", failure.message
    loaded = t.import_(path, {"on_invalid": "reject"})["v"]
    assert (loaded["imported"], loaded["rejected"]) == (39, 1)
    (reject,) = t.rows("SELECT rowid, error FROM sqlite_migrate.reject")
    assert reject["rowid"] == 99
    t.sql("TRUNCATE v")
    t.import_(path, {"on_invalid": "null"})
    assert t.value("SELECT id FROM v WHERE e IS NULL") == "99"
    t.sql("DELETE FROM v WHERE id = 99")
    assert_same(t, wanted)


def test_a_domain_checks_what_was_stored(t):
    t.sql("CREATE DOMAIN small AS vector(2) CHECK (vector_norm(VALUE) < 10)")
    t.sql("CREATE TABLE v (id bigint PRIMARY KEY, e small)")
    wanted = {1: [1.0, -0.0], 2: [3.0, 4.0]}
    given = {n: blob(vector) for n, vector in wanted.items()}
    for value in (blob([30, 40]), "[50,60]"):
        with fails("23514", "rowid 3: .* small"):
            t.sql(t.call("sqlite_import", file(t, given | {3: value}), {}))
    loaded = t.import_(file(t, given | {3: blob([30, 40]), 4: "[50,60]", 5: blob([1])}), {"on_invalid": "reject"})["v"]
    assert (loaded["imported"], loaded["rejected"]) == (2, 3)
    assert_same(t, wanted)


def test_a_halfvec_is_read_by_its_input_function(t):
    t.sql("CREATE TABLE v (id bigint PRIMARY KEY, e halfvec(3))")
    t.import_(file(t, {1: blob([1.5, -0.0, 65504]), 2: "[1,2,3]"}), {"verify": "values"})
    assert t.value("SELECT string_agg(e::text, ' ' ORDER BY id) FROM v") == "[1.5,-0,65504] [1,2,3]"


def test_vector_in_is_asked_once(t):
    """A function with a setting is counted as those of procedural languages are."""
    t.sql("ALTER FUNCTION vector_in(cstring, oid, integer) SET work_mem = '4MB'")
    wanted = {n: [float(n), 0.5] for n in range(1, 301)}
    path = file(t, {n: blob(vector) for n, vector in wanted.items()})
    t.sql("CREATE TABLE v (id bigint PRIMARY KEY, e vector(2))")
    calls = "SELECT coalesce(sum(calls), 0) FROM pg_stat_user_functions WHERE funcname = 'vector_in'"
    session = t.session()
    session.run("SET track_functions = 'all'")
    session.run(t.call("sqlite_import", path, {"verify": "none"}))
    session.run("SELECT pg_stat_force_next_flush()")
    session.close()
    assert t.value(calls) == "1"


def test_another_form_is_left_to_vector_in(t):
    """A pgvector whose `vector_in` makes other bytes: here those of a text."""
    t.sql("CREATE OR REPLACE FUNCTION vector_in(cstring, oid, integer) RETURNS vector AS 'bpcharin' LANGUAGE internal IMMUTABLE STRICT")
    t.sql("CREATE OR REPLACE FUNCTION vector_out(vector) RETURNS cstring AS 'bpcharout' LANGUAGE internal IMMUTABLE STRICT")
    t.sql("CREATE TABLE v (id bigint PRIMARY KEY, e vector)")
    t.import_(file(t, {1: blob([1.5, -0.0]), 2: "[2, 3]"}), {"verify": "none"})
    assert t.value("SELECT string_agg(e::text, ' ' ORDER BY id) FROM v") == "[1.5,-0.0] [2, 3]"
