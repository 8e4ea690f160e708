"""Vectors do not depend on the database's encoding, the session's settings, or where pgvector is."""

import json
import struct

import pytest

from harness import quote, shared
from vector_files import has_pgvector

SETTINGS = "SET standard_conforming_strings = off; SET bytea_output = escape; SET extra_float_digits = 0; SET search_path = pg_catalog"


def bits(numbers):
    return struct.pack(f"<{len(numbers)}f", *map(float, numbers))


def same(t, run):
    path = t.copy_of(shared("vectors", "vec0.db"))
    truth = {table["name"]: table for table in json.loads(shared("vectors", "vec0.db.truth.json").read_text())["tables"]}
    plan = '{"verify": "values", "schema": "loaded", "include": ["t_float", "t_int8", "t_bit", "t_cos"]}'
    run(f"{SETTINGS}; SELECT public.sqlite_import({quote(str(path))}, {quote(plan)})")
    assert {verdict for (verdict,) in run("SELECT DISTINCT verdict FROM public.verify_values()").rows} <= {"equal", "normalised"}
    for name, key, column in (("t_float", "rowid", "embedding"), ("t_cos", "rowid", "v")):
        rows = run(f"SET extra_float_digits = 3; SELECT {key}, {column}::real[]::text FROM loaded.{name}").rows
        found = {str(row[0]): bits(row[1].strip("{}").split(",")) for row in rows}
        assert found == {str(row[key]): bits(row[column]) for row in truth[name]["rows"]}


@pytest.mark.parametrize("encoding", ["LATIN1", "SQL_ASCII"])
def test_in_a_database_of_another_encoding(t, encoding):
    name = t.other_database(f"vec_{encoding.lower()}", f"ENCODING '{encoding}' LC_COLLATE 'C' LC_CTYPE 'C' TEMPLATE template0")
    same(t, lambda sql: t.server.run(name, f"SET client_encoding = 'UTF8'; {sql}"))


def test_pgvector_in_a_schema_that_is_not_searched(t):
    if not has_pgvector(t):
        pytest.skip("this server has no pgvector")
    t.sql('CREATE SCHEMA "Vec!"; CREATE EXTENSION vector SCHEMA "Vec!"')
    same(t, lambda sql: t.server.run(t.database, sql))
    assert t.type_of("t_float", "embedding", "loaded").startswith('"Vec!".vector(')
    assert int(t.value("SELECT count(*) FROM pg_indexes WHERE schemaname = 'loaded' AND indexdef LIKE '%USING hnsw%'")) == 5
