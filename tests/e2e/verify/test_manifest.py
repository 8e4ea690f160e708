"""sqlite_manifest and verify_manifest: both are what a script of Python's makes of the file alone, and of the database alone."""

import importlib
import json
import random
import sys

import pytest

import app_db
import fdw_db
import real_files
from client import fails
from harness import FIXTURES, ROOT, ident, quote, shared

sys.path.insert(0, str(ROOT / "tests" / "witness"))
import postgres_manifest  # noqa: E402
import sqlite_manifest  # noqa: E402

LENIENT = {"keys": "as_data_allows", "orphans": "keep", "on_error": "continue"}
REFUSED = {"pgloader_sqlite"}
APPLICATIONS = ["alexandria", "mirror", "paralegal", "qckstrt", "strategy"]


def manifest_of(t, path, plan=None, run=None):
    """The manifest, with the numbers of JSON as they are printed."""
    plan = "NULL" if plan is None else quote(json.dumps(plan, ensure_ascii=False))
    return json.loads((run or t.sql)(f"SELECT sqlite_manifest({quote(str(path))}, {plan})").out)


def checks(t, manifest, schema=None, run=None):
    call = f"verify_manifest({quote(json.dumps(manifest, ensure_ascii=False))}{', ' + quote(schema) if schema else ''})"
    return json.loads((run or t.sql)(f"SELECT coalesce(json_agg(q), '[]') FROM {call} q").out)


def bad(rows):
    return [row for row in rows if row["ok"] is not True]


def witnessed(t, path, manifest, schema=None):
    """What the scripts make of the file, and of the database."""
    assert_same(sqlite_manifest.recompute(path, manifest), manifest)
    with t.server.session(t.database) as session:
        assert_same(postgres_manifest.recompute(lambda sql: session.execute(sql).rows, manifest, schema), manifest)


def assert_same(found, manifest):
    """What a script has found is what the manifest says, as far as the script computes it; the smallest part first."""
    wrong = [
        (of_table["source"], of_column["type"], of_column["reading"], key, column[key], of_column.get(key))
        for table, of_table in zip(found["tables"], manifest["tables"], strict=True)
        for column, of_column in zip(table["columns"], of_table["columns"], strict=True)
        for key in column if column[key] != of_column.get(key)]
    assert not wrong, "\n".join(map(str, wrong[:20]))
    for table, of_table in zip(found["tables"], manifest["tables"]):
        assert {**table, "columns": None} == {**{key: of_table[key] for key in table}, "columns": None}
    assert {**found, "tables": None} == {**{key: manifest[key] for key in found}, "tables": None}


def proven(t, path, plan=None):
    """An import, whose manifest, made before and after it, is what both scripts compute and what the database holds."""
    before = manifest_of(t, path, plan)
    t.import_(path, plan)
    assert manifest_of(t, path, plan) == before
    witnessed(t, path, before)
    rows = checks(t, before)
    assert not bad(rows), bad(rows)[:5]
    return before


@pytest.mark.parametrize("name", real_files.NAMES)
def test_a_real_file(t, name):
    manifest = proven(t, t.copy_of(shared("data", f"{name}.db")), LENIENT if name in REFUSED else real_files.plan_of(name))
    assert manifest["checksum"] is not None


@pytest.mark.parametrize("name", [path.stem for path in sorted((FIXTURES / "small").glob("*.sql"))])
def test_a_small_file(t, name):
    proven(t, t.fixture(name), {})


@pytest.mark.parametrize("name", ["app", *APPLICATIONS])
def test_an_application(t, name):
    path = t.dir / f"{name}.db"
    (app_db if name == "app" else importlib.import_module(f"apps.{name}")).build(path)
    proven(t, t.own(path), {"orphans": "keep"})


def test_the_values_of_every_kind(t):
    path = t.dir / "kinds.db"
    fdw_db.build(path)
    proven(t, t.own(path), {"nocase": "none", "keys": "as_data_allows", "orphans": "keep"})


# Type, plan of the column, and the cells, as SQL.
KINDS = [
    ("boolean", {"true_values": ["ja"], "false_values": ["", "2"]}, "1, 0, 'true', 'OFF', 'ja', '', 2, 0.0"),
    ("smallint", {}, "1, -32768, 7.0, '12', NULL"),
    ("bigint", {}, "9223372036854775807, -9223372036854775808, 0, '-5', 1e15"),
    ("real", {}, "0.1, 0.15, 16777216, -0.0, 9e999, 'nan', 1.5"),
    ("double precision", {}, "0.1, -0.0, 5e-324, 1.7976931348623157e308, -9e999, 'NaN', 9007199254740992, '0.5'"),
    ("numeric", {}, "1, 1.5, '12.3400', 'NaN', '-0.000001', 100, 1e300, '-inf', 0.000010728836059570312"),
    ("numeric(8,2)", {"excess": "round"}, "1.005, '1.005', '-1.255', 12, '999999.99', '0.004'"),
    ("numeric(8,2)", {"excess": "truncate"}, "'1.009', '-1.255', '-0.001'"),
    ("money", {}, "1, '12.50', 0.25, '-$1,234.50'"),
    ("text", {}, "'a', 'ä', '', ' ', 12, 1.5, 1e20, 1e-7, 9e999, 123456789012345.0, 1e15"),
    ("varchar(3)", {"excess": "truncate"}, "'abcd', 'äöüß', 'ab'"),
    ("char(5)", {}, "'ab', 'äöü', ''"),
    ("bytea", {}, "x'', x'00ff', 'text'"),
    ("bytea", {"format": "hex"}, "'00ff', '', x'01'"),
    ("bytea", {"format": "base64"}, "'YQ==', 'YWI', x'01'"),
    ("bytea", {"format": "text"}, "1, 1.5, 'a', x'00'"),
    ("date", {}, "'2024-02-29', '0001-01-01', '9999-12-31', '2024-01-01 00:00:00'"),
    ("date", {"format": "unixepoch"}, "0, 86400, -86400"),
    ("time", {}, "'10:00', '23:59:59.999999', '2000-01-01 10:00:00'"),
    ("time", {"format": "seconds"}, "0, 1.5, 86399"),
    ("time with time zone", {}, "'10:00+02', '10:00:00.5-05:30', '00:00Z'"),
    ("timestamp", {}, "'2024-03-31 02:30:00', '2024-07-01T10:00:00.25Z', '2024-07-01', '0001-01-01'"),
    ("timestamp(3)", {"excess": "round"}, "'2024-07-01 10:00:00.1235', '1999-12-31 23:59:59.9996', '1969-12-31 23:59:59.00049'"),
    ("timestamp", {"format": "unixepoch_ns", "excess": "truncate"}, "1719828000000000999, -1, '2024-07-01 10:00:00.1234567'"),
    ("timestamptz", {}, "'2024-03-31 02:30:00', '2024-10-27 02:30:00', '2024-07-01 10:00:00+02', '9999-12-31 23:59:59.999999'"),
    ("timestamptz", {"format": "unixepoch_ms"}, "1719828000250, -1, 0, '2024-07-01', 1719828000250.5"),
    ("timestamptz", {"format": "unixepoch"}, "1719828000, 1719828000.123456, -0.5"),
    ("timestamptz", {"format": "julianday"}, "2460493, 2460492.91666956"),
    ("timestamptz", {"format": "chrome"}, "13364301600250000"),
    ("timestamptz", {"format": "apple"}, "741520800, 741520800.25"),
    ("interval", {}, "'1.02:03:04', '26:03:04.5', '1 day, 2:03:04', '-1 days +02:03:04', '10 days'"),
    ("interval", {"format": "microseconds"}, "90000000, -1, 0"),
    ("uuid", {}, "'550E8400E29B41D4A716446655440000', '{550e8400-e29b-41d4-a716-446655440000}', x'550e8400e29b41d4a716446655440001'"),
    ("jsonb", {}, "'{ \"b\" : 1.50, \"a\" : [1e2, null, \"\\u00e4\\/\\n\\u0001\"]}', '[]', 'null', 12, 1.5, x'7b7d', 1e20"),
    ("text", {"text_encoding": "latin1"}, "CAST(x'e4' AS TEXT), 'ä', 'a'"),
    ("text", {"nul": "strip"}, "'a' || char(0) || 'b', char(0), 'c'"),
    ("integer", {"null_values": ["n/a", "0", "1.5"], "on_invalid": "null"}, "1, 'n/a', 'x', '0', 1.5, 2.5, x'00'"),
    ("bigint", {"using": "v * 2"}, "1, 2.5, NULL"),
    ("date", {"null_values": [""], "excess": "round"}, "'', '2024-01-01'"),
    ("timestamp(0)", {"excess": "truncate"}, "'1969-12-31 23:59:59.999', '2024-01-01 00:00:00.5'"),
    ("time(1)", {"excess": "round"}, "'10:00:00.05', '23:59:59.94'"),
    ("interval(0)", {"excess": "round"}, "'00:00:01.5', '-00:00:01.5', '00:00:00.4999999'"),
    ("json", {}, "'{ \"b\" : 1.50, \"a\" : 1, \"b\": 2}', '\"x\"', '0.10'"),
]


@pytest.mark.parametrize("zone", ["UTC", "Europe/Zurich", "-05:30"])
def test_a_column_of_every_type(t, zone):
    script, tables = "", {}
    for at, (pg_type, reading, cells) in enumerate(KINDS):
        # What only one offset can be read with.
        if zone != "UTC" and (pg_type, bool(reading)) in [("time with time zone", False), ("date", True)]:
            continue
        values = cells.replace(", ", "), (") if "{" not in cells and "day, " not in cells and "$" not in cells else None
        rows = f"({values})" if values else ", ".join(f"({cell})" for cell in split(cells))
        script += f"CREATE TABLE t{at} (v); INSERT INTO t{at} VALUES {rows};"
        tables[f"t{at}"] = {"columns": {"v": {"type": pg_type, **reading}}}
    path = t.file("kinds.db", script)
    manifest = proven(t, path, {"timezone": zone, "tables": tables})
    assert all(table["checksum"] for table in manifest["tables"]), manifest


def split(cells):
    """Literals between commas that are outside of quotes."""
    parts, quoted = [""], False
    for character in cells:
        quoted ^= character == "'"
        if character == "," and not quoted:
            parts.append("")
        else:
            parts[-1] += character
    return parts


FILE = """
CREATE TABLE t(
    id INTEGER PRIMARY KEY, word TEXT, other TEXT, amount DECIMAL(8,2), ratio REAL, big INTEGER, flag BOOLEAN, doc JSON,
    raw BLOB, token UUID, at DATETIME, stamp DATETIME, day DATE);
INSERT INTO t
WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 50)
SELECT i, 'word ' || i, 'other ' || i, i + 0.25, i / 7.0, i * 1000003, i % 2, '{"a": ' || i || ', "b": [1, 2]}',
    CAST('raw ' || i AS BLOB), printf('550e8400-e29b-41d4-a716-%012x', i),
    datetime('2024-03-01 10:00:00', i || ' hours'), 1719828000 + i, date('2024-01-01', i || ' days') FROM n;
UPDATE t SET word = 'é', other = NULL WHERE id = 7;
UPDATE t SET ratio = 0.0 WHERE id = 8;
"""

# What is done to a copy, the columns in which it has to be found (None: only the table's rows tell), and other checks that fail.
CHANGES = {
    "one byte": ("UPDATE t SET word = 'word 9' WHERE id = 7", {"word"}),
    "a trailing space": ("UPDATE t SET word = word || ' ' WHERE id = 7", {"word"}),
    "case": ("UPDATE t SET word = upper(word) WHERE id = 8", {"word"}),
    "another normal form": ("UPDATE t SET word = normalize(word, NFD) WHERE id = 7", {"word"}),
    "NULL": ("UPDATE t SET word = NULL WHERE id = 7", {"word"}),
    "no NULL": ("UPDATE t SET other = '' WHERE id = 7", {"other"}),
    "the last bit of a double": ("UPDATE t SET ratio = 1.0000000000000002 WHERE id = 7", {"ratio"}),
    "the sign of zero": ("UPDATE t SET ratio = '-0' WHERE id = 8", {"ratio"}),
    "a decimal's last digit": ("UPDATE t SET amount = amount + 0.01 WHERE id = 7", {"amount"}),
    "a number": ("UPDATE t SET big = big + 1 WHERE id = 7", {"big"}),
    "a boolean": ("UPDATE t SET flag = NOT flag WHERE id = 7", {"flag"}),
    "JSON's number": ("UPDATE t SET doc = jsonb_set(doc, '{a}', '8') WHERE id = 7", {"doc"}),
    "JSON's order": ("UPDATE t SET doc = jsonb_set(doc, '{b}', '[2, 1]') WHERE id = 7", {"doc"}),
    "JSON's string": ("UPDATE t SET doc = jsonb_set(doc, '{a}', '\"7\"') WHERE id = 7", {"doc"}),
    "a byte of a blob": ("UPDATE t SET raw = set_byte(raw, 0, 0) WHERE id = 7", {"raw"}),
    "a UUID": ("UPDATE t SET token = '550e8400-e29b-41d4-a716-000000000008' WHERE id = 7", {"token"}),
    "an hour": ("UPDATE t SET at = at + interval '1 hour' WHERE id = 7", {"at"}),
    "a microsecond": ("UPDATE t SET at = at + interval '1 microsecond' WHERE id = 7", {"at"}),
    "a microsecond of an epoch": ("UPDATE t SET stamp = stamp + interval '1 microsecond' WHERE id = 7", {"stamp"}),
    "a day": ("UPDATE t SET day = day + 1 WHERE id = 7", {"day"}),
    "infinity": ("UPDATE t SET at = 'infinity' WHERE id = 7", {"at"}),
    "exchanged columns": ("UPDATE t SET word = other, other = word WHERE id = 8", {"word", "other"}),
    "values of two rows": (
        "UPDATE t SET word = (SELECT word FROM t AS o WHERE o.id = 57 - t.id) WHERE id IN (7, 50)", set()),
    "a lost row": ("DELETE FROM t WHERE id = 7", None),
    "a doubled row": ("ALTER TABLE t DROP CONSTRAINT t_pkey; INSERT INTO t SELECT * FROM t WHERE id = 7", None),
    "two lost equal rows": ("DELETE FROM same WHERE v = 'b'", None),
}


@pytest.fixture
def copy(t):
    t.import_(t.file("t.db", FILE + "CREATE TABLE same(v TEXT); INSERT INTO same VALUES ('a'), ('b'), ('b')"))
    return t


def test_every_change_is_found_where_it_is(copy):
    session, manifest = copy.session(), manifest_of(copy, copy.dir / "t.db")
    call = f"SELECT coalesce(json_agg(q), '[]') FROM verify_manifest({quote(json.dumps(manifest, ensure_ascii=False))}) q"
    assert not bad(json.loads(session.value(call)))
    for name, (change, columns) in CHANGES.items():
        session.run(f"BEGIN; {change}")
        rows = json.loads(session.value(call))
        session.run("ROLLBACK")
        wrong = bad(rows)
        assert rows[:len(wrong)] == wrong, f"{name}: what is wrong comes first"
        assert all(row["expected"] != row["found"] for row in wrong), (name, wrong)
        whole = [row for row in wrong if row["column"] is None and row["check"] == "checksum"]
        assert len(whole) == 1, (name, wrong)
        found = {row["column"] for row in wrong if row["check"] == "checksum" and row["column"]}
        if columns is None:
            assert any(row["check"] == "rows" for row in wrong), (name, wrong)
        else:
            assert found == columns, (name, wrong)
            assert (whole[0]["detail"] is not None) == (not columns), (name, whole)


def test_random_changes_of_one_value_are_found(copy):
    session, manifest = copy.session(), manifest_of(copy, copy.dir / "t.db")
    call = f"SELECT coalesce(json_agg(q), '[]') FROM verify_manifest({quote(json.dumps(manifest, ensure_ascii=False))}) q"
    columns = session.run("SELECT attname FROM pg_attribute WHERE attrelid = 't'::regclass AND attnum > 1").out.split()
    generator = random.Random(17)
    for _ in range(60):
        column, rows = ident(generator.choice(columns)), generator.sample(range(9, 50), 2)
        change = f"UPDATE t SET {column} = (SELECT o.{column} FROM t o WHERE o.id = {rows[0]}) WHERE id = {rows[1]} AND {column} IS DISTINCT FROM (SELECT o.{column} FROM t o WHERE o.id = {rows[0]})"
        session.run("BEGIN")
        changed = session.value(f"WITH u AS ({change} RETURNING 1) SELECT count(*) FROM u")
        found = {row["column"] for row in bad(json.loads(session.value(call))) if row["check"] == "checksum"}
        session.run("ROLLBACK")
        assert found == ({None, column.strip('"')} if changed == "1" else set()), (change, found)


def test_another_database_and_another_schema(t):
    path = t.file("t.db", FILE)
    manifest = manifest_of(t, path)
    t.import_(path, {"schema": "app"})
    dump = t.server.dump(t.database, "postgres", "--schema", "app").stdout
    other = t.other_database("other")
    run = lambda sql: t.server.run(other, sql)  # noqa: E731
    missing = checks(t, manifest, "app", run)
    assert [(row["check"], row["found"], row["ok"]) for row in missing] == [("table", "missing", False)]
    t.server.restore(other, dump)
    assert not bad(checks(t, manifest, "app", run))
    assert [(row["schema"], row["ok"]) for row in checks(t, manifest, None, run)] == [("public", False)]


def test_other_types_and_missing_columns_are_said(copy):
    manifest = manifest_of(copy, copy.dir / "t.db")
    copy.sql("ALTER TABLE t ALTER word TYPE varchar(20), ALTER big TYPE numeric, ALTER id TYPE integer, DROP COLUMN other")
    rows = {(row["column"], row["check"]): row for row in checks(copy, manifest) if row["table"] == "t"}
    assert rows["word", "type"]["ok"] and rows["word", "checksum"]["ok"] and rows["id", "checksum"]["ok"]
    assert rows["word", "type"]["detail"] == "values of both types are checked in one form"
    big = rows["big", "type"]
    assert (big["ok"], big["expected"], big["found"]) == (False, "bigint", "numeric")
    assert big["detail"] == "its values have the form numeric, not integer"
    assert (rows["other", "column"]["ok"], rows["other", "column"]["detail"]) == (False, "there is no such column")
    assert rows[None, "checksum"]["ok"] is None and rows[None, "rows"]["ok"]


def test_what_the_plan_leaves_out_is_not_in_the_manifest(t):
    path = t.file("left.db", """
        CREATE TABLE p(id INTEGER PRIMARY KEY, n INTEGER, v TEXT);
        CREATE TABLE c(id INTEGER PRIMARY KEY, p INTEGER REFERENCES p(id));
        CREATE TABLE d(id INTEGER PRIMARY KEY, n INTEGER);
        CREATE TABLE e(id INTEGER PRIMARY KEY, p INTEGER REFERENCES p(id));
        CREATE TABLE f(id INTEGER PRIMARY KEY, p INTEGER REFERENCES p(id));
        INSERT INTO p VALUES (1, 10, 'a'), (2, 'x', 'b'), (3, 'n/a', 'c'), (4, 40, 'gone');
        INSERT INTO c VALUES (1, 1), (2, 99);
        INSERT INTO d VALUES (1, 1), (2, 'x'); INSERT INTO e VALUES (1, 2); INSERT INTO f VALUES (1, 1), (2, NULL);""")
    number = {"type": "integer", "null_values": ["n/a"]}
    plan = {"orphans": "reject", "tables": {
        "p": {"where": "v <> 'gone'", "columns": {"n": {**number, "on_invalid": "reject"}, "v": {"name": "w"}}},
        "d": {"columns": {"n": {**number, "on_invalid": "null"}}}}}
    manifest = manifest_of(t, path, plan)
    p, c, d, e, f = manifest["tables"]
    assert (p["rows"], p["rejected"], p["where"]) == (2, 1, "v <> 'gone'")
    assert p["columns"][1]["classes"] == {"integer": 1, "text": 1} and p["columns"][1]["nulls"] == 1
    assert p["columns"][1]["reading"] == {"on_invalid": "reject", "null_values": ["n/a"]}
    # Of a row without a parent, and of one whose parent is rejected.
    for table in (c, e):
        assert (table["rows"], table["checksum"], table["unchecked"]) == (None, None, "a load rejects or changes its rows without a parent")
    assert f["rows"] == 2 and f["checksum"]
    assert (d["rows"], d["columns"][1]["nulls"]) == (2, 1)
    assert manifest["checksum"] is None
    t.import_(path, plan)
    rows = checks(t, manifest)
    assert [(row["table"], row["check"], row["ok"]) for row in bad(rows)] == [("c", "rows", None), ("e", "rows", None)], bad(rows)
    assert sqlite_manifest.recompute(path, {**manifest, "tables": [p, d, f]})["tables"] == [p, d, f]


def test_values_at_which_a_load_stops_are_counted(t):
    path = t.file("stops.db", "CREATE TABLE t(a INTEGER, b TEXT); INSERT INTO t VALUES (1, 'x'), ('x', 'y'), (3, NULL)")
    plan = {"tables": {"t": {"columns": {"a": {"type": "integer"}}}}}
    [table] = manifest_of(t, path, plan)["tables"]
    a, b = table["columns"]
    assert (a["invalid"], "checksum" in a, b["nulls"], table["rows"], table["checksum"]) == (1, False, 1, 3, None)
    t.sql("CREATE TABLE t(a integer, b text); INSERT INTO t VALUES (1, 'x'), (2, 'y'), (3, NULL)")
    rows = bad(checks(t, manifest_of(t, path, plan)))
    assert {(row["column"], row["ok"], row["detail"]) for row in rows} == {
        ("a", None, "the column cannot hold 1 cells of the file"), (None, None, "some of its columns could not be checked")}


def test_what_only_a_server_knows_is_not_checked(t):
    path = t.file("default.db", "CREATE TABLE t(a INTEGER PRIMARY KEY, b TEXT); INSERT INTO t VALUES (1, 'x'), (2, NULL)")
    t.sql("CREATE TABLE t(a bigint PRIMARY KEY, b text NOT NULL DEFAULT md5(random()::text))")
    plan = {"create": "never", "tables": {"t": {"null_to_default": True}}}
    [table] = manifest_of(t, path, plan)["tables"]
    assert (table["columns"][1]["unknown"], table["columns"][1]["classes"]) == (1, {"text": 1, "null": 1})
    t.import_(path, plan)
    rows = bad(checks(t, manifest_of(t, path, plan)))
    assert {(row["column"], row["ok"], row["detail"]) for row in rows} == {
        ("b", None, "only the server that loaded them knows what 1 cells became"),
        (None, None, "some of its columns could not be checked")}


def test_domains_have_the_form_of_their_base(t):
    t.sql("CREATE DOMAIN positive AS integer CHECK (VALUE > 0); CREATE DOMAIN code AS char(3)")
    path = t.file("domains.db", "CREATE TABLE t(id INTEGER PRIMARY KEY, n INTEGER, c TEXT); INSERT INTO t VALUES (1, 7, 'ab'), (2, 8, NULL)")
    columns = {"n": {"type": "positive"}, "c": {"type": "code"}}
    plan = {"tables": {"t": {"columns": columns}}}
    manifest = manifest_of(t, path, plan)
    assert [(column["type"], column["form"]) for column in manifest["tables"][0]["columns"][1:]] == [
        ("public.positive", "integer"), ("public.code", "character")]
    t.import_(path, plan)
    assert not bad(checks(t, manifest))
    t.sql("UPDATE t SET n = 9 WHERE id = 2")
    assert {row["column"] for row in bad(checks(t, manifest))} == {"n", None}
    columns["n"]["on_invalid"] = "null"
    assert manifest_of(t, path, plan)["tables"][0]["unchecked"] == "a domain's checks may refuse values"


def test_texts_of_a_database_without_an_encoding(t):
    path = t.file("bytes.db", "CREATE TABLE t(id INTEGER PRIMARY KEY, v TEXT); INSERT INTO t VALUES (1, 'ä'), (2, CAST(x'e4' AS TEXT))")
    name = t.other_database("ascii", "ENCODING 'SQL_ASCII' LC_COLLATE 'C' LC_CTYPE 'C' TEMPLATE template0")
    run = lambda sql: t.server.run(name, sql)  # noqa: E731
    manifest = manifest_of(t, path, {"tables": {"t": {"columns": {"v": {"type": "text"}}}}}, run)
    assert manifest["tables"][0]["columns"][1]["unknown"] == 1
    run(t.call("sqlite_import", path, {}))
    assert [(row["column"], row["check"], row["ok"]) for row in bad(checks(t, manifest, None, run))] == [
        ("v", "checksum", None), (None, "checksum", None)]


def test_a_manifest_does_not_depend_on_what_the_database_holds(t):
    path = t.file("t.db", FILE)
    before = manifest_of(t, path)
    t.sql("CREATE TABLE t(id text, word varchar(3)); CREATE TABLE alembic_version(version_num text)")
    assert manifest_of(t, path) == before
    # Unless the plan loads into what there is.
    [table] = manifest_of(t, path, {"create": "never", "tables": {"t": {"columns": {"word": {"on_invalid": "null"}}}}})["tables"]
    assert [(column["column"], column["type"], column["nulls"]) for column in table["columns"]] == [("id", "text", 0), ("word", "character varying(3)", 49)]


def test_types_of_the_servers_own_are_hashed_as_they_are_printed(t):
    t.sql("CREATE TYPE mood AS ENUM ('sad', 'ok')")
    path = t.file("own.db", """
        CREATE TABLE t(id INTEGER PRIMARY KEY, m TEXT, address TEXT, tags TEXT, span TEXT, bits TEXT, moments TEXT, words TEXT);
        INSERT INTO t VALUES
            (1, 'ok', '10.0.0.1/32', '{a,"b c"}', '[1,7)', '0101', '["2024-01-01T10:00:00", null]', 'a,b c,"'),
            (2, 'sad', '::1', '["x\\"", "", null, "null", 1.50]', '[3,4]', '1', '[]', ''),
            (3, NULL, NULL, '[["a"],["b"]]', NULL, NULL, '["2024-07-01 10:00+05"]', 'x')""")
    types = {"m": "mood", "address": "inet", "tags": "text[]", "span": "int4range", "bits": "bit varying(5)",
             "moments": "timestamptz[]", "words": "text[]"}
    columns = {name: {"type": pg_type} for name, pg_type in types.items()}
    columns["words"]["format"] = "comma"
    plan = {"timezone": "Europe/Zurich", "tables": {"t": {"columns": columns}}}
    manifest = manifest_of(t, path, plan)
    assert [column["form"] for column in manifest["tables"][0]["columns"]] == ["integer"] + ["printed"] * 7
    t.import_(path, plan)
    assert not bad(checks(t, manifest))
    t.sql("UPDATE t SET span = '[3,6)' WHERE id = 2")
    assert {row["column"] for row in bad(checks(t, manifest))} == {"span", None}


def test_settings_roles_and_encodings_do_not_matter(t):
    path = t.file("é.db", FILE)
    expected = manifest_of(t, path)
    for encoding in ("LATIN1", "EUC_JP", "SQL_ASCII"):
        name = t.other_database(encoding.lower(), f"ENCODING '{encoding}' LC_COLLATE 'C' LC_CTYPE 'C' TEMPLATE template0")
        run = lambda sql: t.server.run(name, "SET client_encoding = 'UTF8';" + sql)  # noqa: B023, E731
        assert manifest_of(t, path, None, run) == expected, encoding
        run(t.call("sqlite_import", path, {}))
        assert not bad(checks(t, expected, None, run)), encoding
    role = t.role("clerk", "pg_read_server_files")
    t.sql("GRANT CREATE ON SCHEMA public TO clerk")
    settings = "SET extra_float_digits = -15; SET DateStyle = 'SQL, DMY'; SET TimeZone = 'Asia/Kolkata'; SET bytea_output = 'escape'; SET search_path = ''; "
    # NUMERIC and texts: byte for byte the same jsonb.
    call = f"public.sqlite_manifest({quote(str(path))})::text"
    assert t.sql(f"{settings} SELECT {call}", role).out == t.sql(f"SELECT {call}").out
    t.import_(path)
    with fails("42501", "permission denied"):
        t.sql(f"SELECT {call}", t.role("nobody"))


def test_what_an_encoding_lacks_is_spelled_in_extremes_and_nowhere_else(t):
    path = t.file("kanji.db", "CREATE TABLE t(id INTEGER PRIMARY KEY, v TEXT); INSERT INTO t VALUES (1, 'é'), (2, '東')")
    expected = manifest_of(t, path)
    name = t.other_database("latin1", "ENCODING 'LATIN1' LC_COLLATE 'C' LC_CTYPE 'C' TEMPLATE template0")
    found = manifest_of(t, path, None, lambda sql: t.server.run(name, "SET client_encoding = 'UTF8';" + sql))
    assert found["tables"][0]["columns"][1].pop("maximum") == r"\u{6771}"
    assert expected["tables"][0]["columns"][1].pop("maximum") == "東"
    assert found == expected


def test_a_utf_16_file_differs_in_its_encoding_alone(t):
    texts = "CREATE TABLE t(id INTEGER PRIMARY KEY, v TEXT); INSERT INTO t VALUES (1, 'é'), (2, '😀'), (3, 'ￜ'), (4, '')"
    one = manifest_of(t, t.file("8.db", texts))
    for encoding in ("UTF-16le", "UTF-16be"):
        other = manifest_of(t, t.file("16.db", texts, encoding))
        assert other["file"]["encoding"] == encoding
        assert {**other, "file": None} == {**one, "file": None}


def test_rows_that_the_caller_may_not_read(copy):
    manifest = manifest_of(copy, copy.dir / "t.db")
    role = copy.role("reader")
    run = lambda sql: copy.sql(sql, role)  # noqa: E731
    told = lambda: [(row["table"], row["check"], row["found"], row["detail"]) for row in bad(checks(copy, manifest, None, run))]  # noqa: E731
    refused = ("t", "table", "not readable", "permission denied")
    assert told() == [refused, ("same", *refused[1:])]
    copy.sql("GRANT SELECT ON same TO reader; GRANT SELECT (id, word) ON t TO reader")
    assert told() == [("t", "table", "not readable", "permission denied for table t")]
    copy.sql("GRANT SELECT ON t TO reader; ALTER TABLE t ENABLE ROW LEVEL SECURITY; CREATE POLICY p ON t USING (id < 10)")
    assert told() == [("t", "table", "not readable", "row-level security applies to the caller")]
    copy.sql("DROP POLICY p ON t; ALTER TABLE t DISABLE ROW LEVEL SECURITY")
    # The tables are a superuser's, whose code runs anyway.
    assert told() == []


@pytest.mark.parametrize("change, message", [
    ("'null'::jsonb", "^manifest: expected an object, not null"),
    ("NULL::jsonb", "^manifest: expected an object, not null"),
    ("'[]'::jsonb", "^manifest: expected an object, not a list"),
    ("'{}'::jsonb", '^manifest: it has no key "format"'),
    ("'{\"format\": 99}'::jsonb", "^manifest.format: unknown format"),
    ("jsonb_set(m, '{tables,0,rows}', '1e400')", r"^manifest.tables\[0\].rows: expected an integer"),
    ("jsonb_set(m, '{tables,0,rows}', '-1')", r"^manifest.tables\[0\].rows: expected an integer"),
    ("jsonb_set(m, '{tables,0,columns,0,form}', '\"x\"')", r'^manifest.tables\[0\].columns\[0\].form: unknown form "x"'),
    ("jsonb_set(m, '{tables,0,columns,0,checksum}', '\"zz\"')", r"^manifest.tables\[0\].columns\[0\].checksum: expected 32 hex"),
    ("jsonb_set(m, '{tables,0,columns}', '7')", r"^manifest.tables\[0\].columns: expected a list"),
    ("m || '{\"more\": 1}'", "^manifest.more: unknown key"),
])
def test_what_is_no_manifest(copy, change, message):
    manifest = quote(json.dumps(manifest_of(copy, copy.dir / "t.db"), ensure_ascii=False))
    with fails("22023", message, hint="sqlite_manifest"):
        copy.sql(f"SELECT * FROM verify_manifest((SELECT {change} FROM (SELECT {manifest}::jsonb) AS given (m)))")


LISTS = {"notificationPreferences": {"columns": {"channels": {"format": "comma"}}}, "documents": {"columns": {"keywords": {"format": "comma"}}}}
NULLS = {"columns": {"processing_time": {"format": "since_1970"}, "subject": {"on_invalid": "reject"}}, "on_invalid": "null"}


@pytest.mark.parametrize("name, plan, unchecked", [
    ("mirror", {"create": "never"}, set()),
    ("strategy", {"create": "never", "orphans": "reject"}, {"accounts", "holdings"}),
    ("qckstrt", {"create": "never", "exclude": ["typeorm_metadata"], "tables": LISTS}, set()),
    ("alexandria", {"create": "never", "tables": {"resources": NULLS}}, set()),
])
def test_into_the_schema_of_an_orm(t, name, plan, unchecked):
    """Existing columns: enums, arrays, domains, intervals, renamed columns, and columns that the server computes."""
    t.sql((FIXTURES / "apps" / f"{name}.sql").read_text())
    path = t.dir / f"{name}.db"
    importlib.import_module(f"apps.{name}").build(path)
    manifest = manifest_of(t, t.own(path), plan)
    assert {table["table"] for table in manifest["tables"] if not table["checksum"]} == unchecked
    t.import_(path, plan)
    rows = checks(t, manifest)
    assert {(row["table"], row["check"], row["ok"]) for row in bad(rows)} == {(table, "rows", None) for table in unchecked}, bad(rows)[:5]
