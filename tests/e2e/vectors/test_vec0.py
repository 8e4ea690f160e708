"""sqlite-vec's tables: every table of real files equals what the extension itself said of it."""

import json
import struct

import pytest

from harness import quote, shared

NUMBERS = {"NaN": float("nan"), "Infinity": float("inf"), "-Infinity": float("-inf")}


def has_pgvector(t):
    return t.value("SELECT count(*) FROM pg_available_extensions WHERE name = 'vector'") == "1"


def ident(name):
    return '"' + name.replace('"', '""') + '"'


def same_vector(kind, found, wanted):
    if kind == "bit":
        return found == wanted
    found = [float(x) for x in found.strip("{}").split(",")]
    wanted = [NUMBERS.get(x, x) if isinstance(x, str) else x for x in wanted]
    return struct.pack(f"<{len(found)}f", *map(float, found)) == struct.pack(f"<{len(wanted)}f", *map(float, wanted))


@pytest.mark.parametrize("file", ["vec0.db", "vec0-0.1.6.db"])
def test_every_table_equals_its_truth(t, file):
    path = t.copy_of(shared("vectors", file))
    truth = json.loads(shared("vectors", f"{file}.truth.json").read_text())["tables"]
    pgvector = has_pgvector(t)
    plan = {"verify": "values", "names": "preserve", "on_invalid": "null" if pgvector else "error"}
    result = t.import_(path, plan)
    assert "ordinary" in result
    for table in truth:
        name, kinds = table["name"], {v["name"]: v["kind"] for v in table["vectors"]}
        assert result[name]["imported"] == table["count"], name
        for vector in table["vectors"]:
            wanted = {"float": f"vector({vector['dim']})", "int8": f"halfvec({vector['dim']})", "bit": f"bit({vector['dim']})"}[vector["kind"]]
            wanted = wanted if pgvector or vector["kind"] == "bit" else "real[]"
            assert t.type_of(name, vector["name"]) == wanted
            index = t.value(f"SELECT string_agg(indexdef, E'\\n') FROM pg_indexes WHERE tablename = {quote(name)} AND indexdef LIKE '%hnsw%{vector['name']}%'")
            assert (f"_{vector['metric']}_ops" in index) == pgvector, (name, index)
        if not table["rows"]:
            continue
        key = next(iter(table["rows"][0]))
        shown = [f"{ident(c)}::real[]::text AS {ident(c)}" if kinds.get(c) in ("float", "int8") else f"encode({ident(c)}, 'hex') AS {ident(c)}" if t.type_of(name, c) == "bytea" else ident(c) for c in table["rows"][0]]
        found = {row[key]: row for row in t.shown_rows(f"SELECT {', '.join(shown)} FROM {ident(name)}")}
        assert len(found) == table["count"]
        for row in table["rows"]:
            for column, wanted in row.items():
                value = found[row[key]][column]
                if column in kinds:
                    odd = pgvector and kinds[column] == "float" and any(isinstance(x, str) for x in wanted)
                    assert value is None if odd else same_vector(kinds[column], value, wanted), (name, row[key], column)
                elif isinstance(wanted, dict):
                    assert value == wanted["hex"], (name, row[key], column)
                elif isinstance(value, bool):
                    assert value == bool(wanted), (name, row[key], column)
                elif wanted in NUMBERS:
                    assert value == wanted
                else:
                    # A column with a NUL in one of its texts has the bytes of all.
                    bytes_of = isinstance(wanted, str) and t.type_of(name, column) == "bytea"
                    assert value == (wanted.encode().hex() if bytes_of else wanted), (name, row[key], column, value, wanted)
        assert t.constraints(name, "p") == f"PRIMARY KEY ({key})"


def test_a_foreign_table_reads_a_row_by_its_key(t):
    path = t.copy_of(shared("vectors", "vec0.db"))
    t.sql(f"CREATE SERVER vec FOREIGN DATA WRAPPER pg_sqlite_fdw OPTIONS (database {quote(str(path))});"
          "CREATE FOREIGN TABLE texts (doc_id text, v bytea) SERVER vec OPTIONS (table 't_text')")
    assert t.value("SELECT length(v) FROM texts WHERE doc_id = 'a'") == "32"
    assert t.value("SELECT count(*) FROM texts") == "16"


def test_nothing_of_it_is_changed(t):
    path = t.copy_of(shared("vectors", "vec0.db"))
    t.sql(f"CREATE SERVER vec FOREIGN DATA WRAPPER pg_sqlite_fdw OPTIONS (database {quote(str(path))}, updatable 'true');"
          "CREATE FOREIGN TABLE texts (doc_id text OPTIONS (key 'true'), v bytea) SERVER vec OPTIONS (table 't_text')")
    assert t.attempt("DELETE FROM texts").error


def test_every_vector_is_verified_bit_by_bit(t):
    path = t.copy_of(shared("vectors", "vec0.db"))
    t.import_(path, {"on_invalid": "null"})
    verdicts = {(row["table"], row["column"]): row["verdict"] for row in t.rows("SELECT * FROM verify_values()")}
    assert set(verdicts.values()) <= {"equal", "normalised"}, {key: value for key, value in verdicts.items() if value == "not compared"}
    array = t.value("SELECT embedding::real[] FROM t_float ORDER BY rowid LIMIT 1")
    first, rest = array.strip("{}").split(",", 1)
    changed = struct.unpack("<f", struct.pack("<I", struct.unpack("<I", struct.pack("<f", float(first)))[0] ^ 1))[0]
    t.sql(f"UPDATE t_float SET embedding = '{{{changed!r},{rest}}}'::real[] WHERE rowid = (SELECT min(rowid) FROM t_float)")
    found = [(row["table"], row["column"], row["different"]) for row in t.rows("SELECT * FROM verify_values()") if row["verdict"] == "different"]
    assert found == [("t_float", "embedding", 1)]
