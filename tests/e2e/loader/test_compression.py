"""Long values: compressed before they reach the server, in forms that it reads back, and stored where it would store them."""

import os
import random
import sqlite3

import pytest

from client import fails
from heap_pages import broken


def long_values(r):
    """Some that compress well, hardly, and not at all, around the lengths at which the server compresses and moves out."""
    words = ["alpha", "beta", "gamma", "délta", '{"key": ', "1234", "\n", "x" * 40]
    text = lambda length: "".join(r.choices(words, k=length // 5 + 1))[:length]  # noqa: E731
    for length in (1900, 2000, 2100, 3000, 4100, 7900, 8300, 20_000, 300_000):
        yield text(length), text(length).encode()
        yield text(length // 2) + text(length // 2), os.urandom(length)
        yield "z" * length, bytes(length)
        yield None, (text(50) * (length // 50 + 1)).encode()[:length]


@pytest.fixture
def file(t):
    path = t.file("long.db", "CREATE TABLE t (a INTEGER PRIMARY KEY, b TEXT, c BLOB, d TEXT, e JSON)")
    r = random.Random(4)
    with sqlite3.connect(path) as db:
        for number, (text, blob) in enumerate(long_values(r)):
            db.execute("INSERT INTO t VALUES (?, ?, ?, ?, ?)", (number, text, blob, text if number % 3 == 0 else "short", '{"a": "' + "x" * (number * 200) + '"}'))
    db.close()
    return path


@pytest.mark.parametrize("loader", ["pages", "rows"])
@pytest.mark.parametrize("method", ["default", "pglz", "lz4"])
def test_values_come_back_and_say_how_they_are_stored(t, file, method, loader):
    t.needs("amcheck")
    if method == "lz4" and "lz4" not in t.value("SELECT enumvals::text FROM pg_settings WHERE name = 'default_toast_compression'"):
        with fails(("0A000",), "lz4"):
            t.sql(t.call("sqlite_import", file, {"compression": "lz4"}))
        return
    t.import_(file, {"compression": method, "loader": loader, "verify": "values"})
    expected = "pglz" if method == "default" else method
    found = t.value("SELECT string_agg(DISTINCT m, ',') FROM t, unnest(ARRAY[pg_column_compression(b), pg_column_compression(c), pg_column_compression(d)]) m")
    assert found == expected
    # Of every length but the shortest, what compresses is stored in much less, and noise as it is.
    assert t.value("SELECT count(*) FROM t WHERE b LIKE 'zzz%' AND length(b) > 2100 AND pg_column_size(b) > length(b) / 20") == "0"
    assert t.value("SELECT count(*) FROM t WHERE a % 4 = 1 AND length(c) > 2100 AND pg_column_size(c) < length(c)") == "0"
    assert t.value("SELECT DISTINCT verdict FROM verify_values() WHERE verdict NOT IN ('equal', 'normalised')") == ""
    assert broken(t.server, t.database, "t", "t_pkey") == ""
    column = t.value("SELECT string_agg(attcompression::text, ',' ORDER BY attnum) FROM pg_attribute WHERE attrelid = 't'::regclass AND attnum > 0")
    assert column == {"default": ",,,,", "pglz": ",p,p,p,p", "lz4": ",l,l,l,l"}[method]


def test_a_table_has_its_own_method_and_the_session_decides_for_the_others(t, file):
    lz4 = "lz4" in t.value("SELECT enumvals::text FROM pg_settings WHERE name = 'default_toast_compression'")
    session = t.session()
    session.run(f"SET default_toast_compression = {'lz4' if lz4 else 'pglz'}; " + t.call("sqlite_import", file, {"schema": "a"}))
    assert session.value("SELECT DISTINCT pg_column_compression(b) FROM a.t WHERE pg_column_compression(b) IS NOT NULL") == ("lz4" if lz4 else "pglz")
    session.run(t.call("sqlite_import", file, {"schema": "b", "tables": {"t": {"compression": "pglz"}}}))
    assert session.value("SELECT DISTINCT pg_column_compression(b) FROM b.t WHERE pg_column_compression(b) IS NOT NULL") == "pglz"


def test_rows_that_come_through_a_staging_table_are_stored_as_its_columns_say(t, file):
    t.sql("CREATE SCHEMA x; CREATE TABLE x.t (a bigint PRIMARY KEY, b text, c bytea, d text, e json); ALTER TABLE x.t ALTER b SET STORAGE external, ALTER c SET STORAGE main")
    loaded = t.import_(file, {"schema": "x", "create": "never", "existing_rows": "append", "constraints": "keep", "verify": "values"})["t"]
    assert loaded["imported"] == 36, loaded
    assert t.value("SELECT count(pg_column_compression(b)), count(pg_column_compression(d)) > 0 FROM x.t") == "0|t"


def test_columns_that_say_how_they_are_stored_are_followed(t, file):
    """An existing table that is new in the transaction: pages, with what its columns allow."""
    session = t.session()
    session.run("BEGIN; CREATE SCHEMA x; CREATE TABLE x.t (a bigint, b text, c bytea, d text, e json);"
                "ALTER TABLE x.t ALTER b SET STORAGE external, ALTER c SET STORAGE main, ALTER d SET STORAGE plain; ALTER TABLE x.t ALTER d SET STORAGE extended")
    session.run(t.call("sqlite_import", file, {"schema": "x", "create": "never", "loader": "pages", "verify": "values"}) + "; COMMIT")
    assert session.value("SELECT count(pg_column_compression(b)), count(pg_column_compression(d)) > 0 FROM x.t") == "0|t"
    assert broken(t.server, t.database, "x.t") == ""
