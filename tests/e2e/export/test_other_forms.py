"""Types that the file holds in another form than the one that PostgreSQL prints, each against PostgreSQL's own account."""

import json
import sqlite3
import struct

import pytest

import sqlstates as s
from client import fails
from exports import call, cells, export, findings, schema

INTERVALS = ["1 year 2 mons -3 days 04:05:06.789", "0", "-1 year -2 mons +3 days -04:05:06", "00:00:00.000001", "-00:00:00.5", "178000000 years 11 mons", "-178000000 years", "2147483647 days", "-2147483648 days",
             "2562047788:00:54.775807", "1 day 25:59:59", "-23 hours -1 mon", "60 mons 90 days 100:00:00"]


def test_intervals(t):
    t.sql("CREATE TABLE i (n serial PRIMARY KEY, v interval, d interval DEFAULT '1 day 01:00:00'); CREATE TABLE u (n int, s interval, ms interval, us interval)")
    t.sql("; ".join(f"INSERT INTO i (v) VALUES ('{text}')" for text in INTERVALS) + "; INSERT INTO i (v) VALUES (NULL)")
    for plan, style in (({}, "postgres"), ({"interval": "iso8601"}, "iso_8601")):
        path, _ = export(t, f"{style}.db", plan)
        own = t.value(f"SET intervalstyle = {style}; SELECT string_agg(v::text, E'\\n' ORDER BY n) FROM i").split("\n")
        assert [row[0] for row in cells(path, "SELECT v FROM i ORDER BY n")] == [*own, None]
        t.import_(path, {"schema": style, "tables": {"i": {"columns": {"v": {"type": "interval"}}}}})
        assert t.value(f"SELECT count(*) FROM i JOIN {style}.i AS other USING (n) WHERE i.v::text IS DISTINCT FROM other.v::text") == "0"
    assert "DEFAULT '1 day 01:00:00'" in schema(t.dir / "postgres.db")["i"] and "DEFAULT" not in schema(t.dir / "iso_8601.db")["i"]
    assert "the default of column d of i: it is not carried over: a constant of type interval has another form in SQLite" in findings(t, {"interval": "iso8601"})
    t.sql("INSERT INTO u VALUES (1, '1 day 00:00:01', '-00:00:00.25', '2562047788:00:54.775807'), (2, NULL, '-1 days +23:59:59', '0')")
    columns = {"s": {"format": "seconds"}, "ms": {"format": "milliseconds"}, "us": {"format": "microseconds"}}
    for strict in (False, True):
        path, _ = export(t, f"u{strict}.db", {"strict": strict, "include": ["u"], "tables": {"u": {"columns": columns}}})
        assert cells(path, "SELECT s, ms, us, typeof(us) FROM u ORDER BY n") == [(86401, -250, 2**63 - 1, "integer"), (None, -1000, 0, "integer")]
    for value, reason in (("1 mon", "a month is no number of units"), ("00:00:00.5", "no whole number of units")):
        t.sql(f"UPDATE u SET s = '{value}' WHERE n = 2")
        with fails("22000", f'column "s".*\n.*{reason}', hint="on_invalid"):
            t.sql(call(t.dir / "b.db", {"include": ["u"], "tables": {"u": {"columns": columns}}}))


def test_documents_as_blobs(t):
    documents = ['{"b": [1, null, -2.5e3, true], "a": "é \\" \\n"}', "[]", "null", '"x"', json.dumps({"k" * 300: ["y" * 70000, {}]}), "12345678901234567890.10", json.dumps([[["a" * 12]], {"": {}}])]
    t.sql("CREATE TABLE d (n int PRIMARY KEY, j jsonb DEFAULT '{}', k json); " + "; ".join(f"INSERT INTO d VALUES ({n}, $q${text}$q$, $q${text}$q$)" for n, text in enumerate(documents)) + "; INSERT INTO d VALUES (99, NULL, NULL)")
    for strict in (False, True):
        path, _ = export(t, f"{strict}.db", {"json": "blob", "strict": strict})
        assert set(cells(path, "SELECT typeof(j), typeof(k) FROM d WHERE n < 99")) == {("blob", "blob")} and cells(path, "SELECT j FROM d WHERE n = 99") == [(None,)]
        assert 'CHECK (json_valid("j", 8))' in schema(path)["d"] and "DEFAULT" not in schema(path)["d"]
        assert t.rows(f"SELECT * FROM verify_export('{path}', '{json.dumps({'json': 'blob', 'strict': strict})}') WHERE NOT ok") == []
        # An import takes them for JSON, by SQLite's own rules.
        t.import_(path, {"schema": f"again_{strict:d}", "tables": {"d": {"columns": {name: {"type": "jsonb", "using": f'json("{name}")'} for name in "jk"}}}})
        assert t.value(f"SELECT count(*) FROM d JOIN again_{strict:d}.d AS other USING (n) WHERE d.j IS DISTINCT FROM other.j OR d.k::jsonb IS DISTINCT FROM other.k") == "0"
    t.sql("UPDATE d SET k = (repeat('[', 1001) || repeat(']', 1001))::json WHERE n = 0")
    with fails("22000", "nested less deep"):
        t.sql(call(t.dir / "deep.db", {"json": "blob"}))


def test_pairs_of_hstore(t):
    t.sql("CREATE SCHEMA ext; CREATE EXTENSION hstore SCHEMA ext; CREATE TABLE h (n int, v ext.hstore)")
    pairs = [{}, {"a": "1", "b": None}, {"NULL": "NULL", "": ""}, {"q\"\\, é": "=>,\"'"}, {"n\nt\t": "\r"}]
    values = ", ".join(f"({n}, ext.hstore(ARRAY[{', '.join(quoted(key) for key in of)}]::text[], ARRAY[{', '.join(quoted(value) for value in of.values())}]::text[]))" for n, of in enumerate(pairs))
    t.sql(f"INSERT INTO h VALUES {values}, (99, NULL)")
    path, _ = export(t)
    assert [row[0] and json.loads(row[0]) for row in cells(path, "SELECT v FROM h ORDER BY n")] == [*pairs, None]
    assert t.value("SELECT count(*) FROM h") == "6" and "json_valid" not in schema(path)["h"]


def quoted(text):
    return "NULL" if text is None else "$q$" + text + "$q$"


def test_vectors(t):
    if t.value("SELECT count(*) FROM pg_available_extensions WHERE name = 'vector'") == "0":
        pytest.skip("the server has no pgvector")
    t.sql("CREATE SCHEMA ext; CREATE EXTENSION vector SCHEMA ext; CREATE TABLE v (n int, v ext.vector(3), h ext.halfvec(2), s ext.sparsevec(5)); INSERT INTO v VALUES (1, '[1,-2.5,1e-45]', '[1,65504]', '{1:1.5,3:2}/5'), (2, NULL, NULL, NULL), (3, '[3.4028235e38,0,0.1]', '[0,0]', '{}/5')")
    path, _ = export(t)
    [(v, h, sparse), _, _] = cells(path, "SELECT v, h, s FROM v ORDER BY n")
    assert (struct.pack("<3f", *json.loads(v)), json.loads(h), sparse) == (struct.pack("<3f", 1, -2.5, 1e-45), [1, 65504], "{1:1.5,3:2}/5")
    path, _ = export(t, "blob.db", {"vector": "blob"})
    assert cells(path, "SELECT v, h FROM v ORDER BY n") == [(struct.pack("<3f", 1, -2.5, 1e-45), "[1,65504]"), (None, None), (struct.pack("<3f", 3.4028235e38, 0, 0.1), "[0,0]")]
    # A run whose file had blobs gives blobs back.
    t.sql("CREATE SCHEMA own; CREATE TABLE own.e (id int PRIMARY KEY, e ext.vector(3))")
    t.import_(t.file("own.db", f"CREATE TABLE e (id INTEGER PRIMARY KEY, e BLOB); INSERT INTO e VALUES (1, x'{struct.pack('<3f', 0.1, 2, 3).hex()}')"), {"schema": "own", "create": "never"})
    back, _ = export(t, "back.db", run=int(t.value("SELECT max(id) FROM sqlite_migrate.run")))
    assert cells(back, "SELECT e FROM e") == [(struct.pack("<3f", 0.1, 2, 3),)]


def test_geometries(t):
    """PostGIS prints the hexadecimal digits of EWKB; a type that prints the same stands for it."""
    t.sql("""CREATE TYPE geometry; CREATE FUNCTION geometry_in(cstring) RETURNS geometry LANGUAGE internal IMMUTABLE STRICT AS 'textin'; CREATE FUNCTION geometry_out(geometry) RETURNS cstring LANGUAGE internal IMMUTABLE STRICT AS 'textout';
             CREATE TYPE geometry (INPUT = geometry_in, OUTPUT = geometry_out, LIKE = text); CREATE TABLE g (n int, v geometry);
             INSERT INTO g VALUES (1, '0101000020E6100000000000000000F03F0000000000000040'), (2, NULL), (3, '0101000080000000000000F03F00000000000000400000000000000840')""")
    point = struct.pack("<2d", 1, 2)
    path, _ = export(t)
    assert cells(path, "SELECT v FROM g ORDER BY n") == [(struct.pack("<BII", 1, 0x20000001, 4326) + point,), (None,), (struct.pack("<BI", 1, 0x80000001) + struct.pack("<3d", 1, 2, 3),)]
    path, _ = export(t, "wkb.db", {"geometry": "wkb"})
    assert cells(path, "SELECT v FROM g ORDER BY n") == [(struct.pack("<BI", 1, 1) + point,), (None,), (struct.pack("<BI", 1, 1001) + struct.pack("<3d", 1, 2, 3),)]
    t.sql("INSERT INTO g VALUES (4, 'hello')")
    with fails("22000", "hello cannot be stored exactly: it is not printed as the digits of a geometry"):
        t.sql(call(t.dir / "b.db"))
    path, _ = export(t, "text.db", {"on_invalid": "text"})
    assert cells(path, "SELECT v FROM g WHERE n = 4") == [("hello",)]
    # An enum may have any name.
    t.sql("DROP TABLE g; CREATE TYPE hstore AS ENUM ('a'); CREATE DOMAIN vector AS text; CREATE TABLE g (n hstore, v vector); INSERT INTO g VALUES ('a', 'b')")
    path, _ = export(t, "enum.db")
    assert cells(path, "SELECT * FROM g") == [("a", "b")]


def test_comments(t):
    nasty = "*/ x TEXT, /* '\"`[ -- \n); DROP TABLE c; CREATE TABLE evil (a); --\r\n\n  ends \\"
    t.sql(f"""CREATE TABLE c (id int PRIMARY KEY, "a b" text DEFAULT '--', plain int); CREATE TABLE d (a int);
              COMMENT ON TABLE c IS $q${nasty}$q$; COMMENT ON COLUMN c.id IS 'The key'; COMMENT ON COLUMN c."a b" IS $q${nasty}$q$; COMMENT ON COLUMN d.a IS '  '; INSERT INTO c VALUES (1, 'x', 2)""")
    path, _ = export(t)
    assert schema(path).keys() == {"c", "d"} and cells(path, "SELECT * FROM c") == [(1, "x", 2)]
    lines = "\t-- */ x TEXT, /* '\"`[ --\n\t-- ); DROP TABLE c; CREATE TABLE evil (a); --\n\t--\n\t--   ends \\\n"
    assert schema(path)["c"] == f'CREATE TABLE "c" (\n{lines}\n\t-- The key\n\t"id" INTEGER PRIMARY KEY,\n{lines}\t"a b" TEXT DEFAULT \'--\',\n\t"plain" INTEGER\n)'
    assert schema(path)["d"] == 'CREATE TABLE "d" (\n\t"a" INTEGER\n)'
    db = sqlite3.connect(path)
    db.executescript('ALTER TABLE c ADD COLUMN later INT; ALTER TABLE c RENAME COLUMN "a b" TO b; ALTER TABLE c DROP COLUMN plain; INSERT INTO c (id) VALUES (2)')
    assert db.execute("SELECT * FROM c").fetchall() == [(1, "x", None), (2, "--", None)]
    db.close()
    t.import_(path, {"schema": "again"})
    assert t.value("SELECT string_agg(column_name, ',' ORDER BY ordinal_position) FROM information_schema.columns WHERE table_schema = 'again' AND table_name = 'c'") == "id,b,later"
    none, _ = export(t, "none.db", {"comments": False})
    assert "--" not in schema(none)["c"].replace("'--'", "")
    t.sql("COMMENT ON TABLE d IS $q$" + "x" * 70000 + "$q$")
    assert "the comment of the table of d: it is not carried over: it is longer than 64 kB" in findings(t)
    assert len(schema(export(t, "long.db")[0])["d"]) < 100


def test_unknown_words_of_a_plan(t):
    t.sql("CREATE TABLE a (a int)")
    for plan, message in (({"json": "jsonb"}, "plan.json: invalid value \"jsonb\""), ({"interval": 1}, "plan.interval: expected one of \"postgres\", \"iso8601\""), ({"tsvectors": "text"}, "plan.tsvectors: unknown key, did you mean \"tsvector\"?"), ({"fts": "no"}, "plan.fts: expected true or false")):
        with fails(s.PLAN, message.replace("?", "\\?")):
            t.sql(call(t.dir / "b.db", plan))
