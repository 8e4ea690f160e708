"""Every type's edges, read back by Python's sqlite3: exact, or refused."""

import json
import math
import sqlite3

import pytest

import sqlstates as s
from client import fails
from exports import call, cells, export, findings, in_encoding, schema

# Type, SQL of the values, what the file holds: storage class and value.
EDGES = {
    "boolean": ("boolean", ["true", "false", "NULL"], [("integer", 1), ("integer", 0), ("null", None)]),
    "smallint": ("smallint", ["-32768", "32767"], [("integer", -32768), ("integer", 32767)]),
    "bigint": ("bigint", ["-9223372036854775808", "9223372036854775807"], [("integer", -(2**63)), ("integer", 2**63 - 1)]),
    "double": ("double precision", ["'-0'", "5e-324", "1.7976931348623157e308", "'-Infinity'", "0.1", "3"],
               [("real", 0.0), ("real", 5e-324), ("real", 1.7976931348623157e308), ("real", -math.inf), ("real", 0.1), ("real", 3.0)]),
    "real": ("real", ["0.1", "3.4028235e38", "1e-45", "16777216", "-320228.125", "1073752064"],
             [("real", 0.1), ("real", 3.4028235e38), ("real", 1e-45), ("real", 16777216.0), ("real", -320228.12), ("real", 1073752100.0)]),
    "numeric": ("numeric", ["1.10", "'NaN'", "12345678901234567890123456789.000000000000000000001", "-0.0", "1e30"],
                [("text", "1.10"), ("text", "NaN"), ("text", "12345678901234567890123456789.000000000000000000001"), ("text", "0.0"),
                 ("text", "1000000000000000000000000000000")]),
    "decimal": ("numeric(15,2)", ["1.10", "2.00", "-9999999999999.99", "'NaN'", "0.01"],
                [("real", 1.1), ("integer", 2), ("real", -9999999999999.99), ("text", "NaN"), ("real", 0.01)]),
    "money": ("money", ["'-1234.5'::numeric::money", "'0.01'::numeric::money"], [("text", "-1234.50"), ("text", "0.01")]),
    "text": ("text", ["''", "'12'", "E'a\\\\b\\nc''d'", "'日本語 é 😀'"], [("text", ""), ("text", "12"), ("text", "a\\b\nc'd"), ("text", "日本語 é 😀")]),
    "varchar": ("varchar(5)", ["'007'", "' x '"], [("text", "007"), ("text", " x ")]),
    "char": ("char(5)", ["'ab'", "'12'"], [("text", "ab"), ("text", "12")]),
    "bytea": ("bytea", [r"decode('00ff5c', 'hex')", "''"], [("blob", b"\x00\xff\\"), ("blob", b"")]),
    "date": ("date", ["'2024-02-29'", "'0001-01-01'", "'9999-12-31'"], [("text", "2024-02-29"), ("text", "0001-01-01"), ("text", "9999-12-31")]),
    "time": ("time", ["'00:00'", "'10:11:12.000001'"], [("text", "00:00:00"), ("text", "10:11:12.000001")]),
    "timestamp": ("timestamp", ["'2024-05-01 10:11:12.5'", "'0001-01-01 00:00'", "'9999-12-31 23:59:59.999999'"],
                  [("text", "2024-05-01 10:11:12.500000"), ("text", "0001-01-01 00:00:00"), ("text", "9999-12-31 23:59:59.999999")]),
    "timestamptz": ("timestamptz", ["'2024-05-01 10:11:12+02'", "'1969-12-31 23:59:59.999999+00'"],
                    [("text", "2024-05-01 08:11:12+00:00"), ("text", "1969-12-31 23:59:59.999999+00:00")]),
    "timetz": ("timetz", ["'10:11:12.5+05:30'"], [("text", "10:11:12.5+05:30")]),
    "interval": ("interval", ["'1 year 2 mons -3 days 04:05:06.789'", "'0'"], [("text", "1 year 2 mons -3 days +04:05:06.789"), ("text", "00:00:00")]),
    "uuid": ("uuid", ["'A0EEBC99-9C0B-4EF8-BB6D-6BB9BD380A11'"], [("text", "a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11")]),
    "json": ("json", ["'{\"a\" : 1.0, \"a\":2}'", "'12'"], [("text", '{"a" : 1.0, "a":2}'), ("text", "12")]),
    "jsonb": ("jsonb", ["'{\"b\": [1, null], \"a\": \"é\"}'", "'1.0'", "'null'"], [("text", '{"a": "é", "b": [1, null]}'), ("text", "1.0"), ("text", "null")]),
    "integers": ("integer[]", ["'{1,NULL,-3}'", "'{{1,2},{3,4}}'", "'{}'"], [("text", "[1,null,-3]"), ("text", "[[1,2],[3,4]]"), ("text", "[]")]),
    "texts": ("text[]", ["ARRAY['a', 'NULL', '', 'b\"c', E'\\\\', 'd,{e}', NULL]"], [("text", '["a","NULL","","b\\"c","\\\\","d,{e}",null]')]),
    "numerics": ("numeric[]", ["'{1.10,NaN,12345678901234567890.5}'"], [("text", '[1.10,"NaN",12345678901234567890.5]')]),
    "floats": ("float8[]", ["'{0.1,Infinity,1e300}'"], [("text", '[0.1,"Infinity",1e+300]')]),
    "booleans": ("boolean[]", ["'{t,f}'"], [("text", "[true,false]")]),
    "documents": ("jsonb[]", ["ARRAY['{\"a\": \"x, y\"}'::jsonb, '1']"], [("text", '[{"a": "x, y"},1]')]),
    "moments": ("timestamptz[]", ["ARRAY['2024-05-01 10:11:12+02'::timestamptz]"], [("text", '["2024-05-01 08:11:12+00"]')]),
    "range": ("int4range", ["'[1,5)'", "'empty'"], [("text", "[1,5)"), ("text", "empty")]),
    "tsrange": ("tsrange", ["'[2024-01-01 00:00,)'"], [("text", '["2024-01-01 00:00:00",)')]),
    "inet": ("inet", ["'10.0.0.1/8'", "'::1'"], [("text", "10.0.0.1/8"), ("text", "::1")]),
    "cidr": ("cidr", ["'10.0.0.0/8'", "'2001:db8::/32'"], [("text", "10.0.0.0/8"), ("text", "2001:db8::/32")]),
    "mac": ("macaddr8", ["'08:00:2b:01:02:03:04:05'"], [("text", "08:00:2b:01:02:03:04:05")]),
    "bits": ("bit(3)", ["B'000'", "B'111'"], [("text", "000"), ("text", "111")]),
    "nobits": ("varbit", ["B''", f"B'{'10' * 200}'"], [("text", ""), ("text", "10" * 200)]),
    "multirange": ("int4multirange", ["'{[1,3),[5,9)}'", "'{}'"], [("text", "{[1,3),[5,9)}"), ("text", "{}")]),
    "numrange": ("numrange", ["'(1.10,)'", "'[NaN,NaN]'"], [("text", "(1.10,)"), ("text", "[NaN,NaN]")]),
    "daterange": ("daterange", ["'[2024-01-01,2024-01-31]'", "'[,infinity)'"], [("text", "[2024-01-01,2024-02-01)"), ("text", "(,infinity)")]),
    "moneys": ("money", ["'-92233720368547758.08'::numeric::money", "'92233720368547758.07'::numeric::money"], [("text", "-92233720368547758.08"), ("text", "92233720368547758.07")]),
    "cube": ("integer[]", ["'{{{1,2}},{{3,NULL}}}'"], [("text", "[[[1,2]],[[3,null]]]")]),
    "ranges": ("int4range[]", ["ARRAY['[1,5)'::int4range, 'empty']"], [("text", '["[1,5)","empty"]')]),
    "boxes": ("box[]", ["ARRAY['(2,2),(1,1)'::box, '(4,4),(3,3)']"], [("text", "{(2,2),(1,1);(4,4),(3,3)}")]),
    "intervals": ("interval[]", ["ARRAY['1 mon -1 days'::interval]"], [("text", '["1 mon -1 days"]')]),
    "tid": ("tid", ["'(0,1)'"], [("text", "(0,1)")]),
    "bit": ("bit varying", ["B'0101'"], [("text", "0101")]),
    "point": ("point", ["'(0.1,2)'"], [("text", "(0.1,2)")]),
    "regclass": ("regclass", ["'pg_catalog.pg_class'"], [("text", "pg_class")]),
    "oid": ("oid", ["'4294967295'"], [("text", "4294967295")]),
}


def test_every_type(t):
    for name, (of, values, _) in EDGES.items():
        t.sql(f"CREATE TABLE e_{name} (n int, v {of}); " + "; ".join(f"INSERT INTO e_{name} VALUES ({n}, {value})" for n, value in enumerate(values)))
    path, rows = export(t)
    assert len(rows) == len(EDGES)
    for name, (of, values, expected) in EDGES.items():
        found = cells(path, f"SELECT typeof(v), v FROM e_{name} ORDER BY n")
        assert found == expected, (of, found)
        assert rows[f"e_{name}"]["rows"] == len(values) and rows[f"e_{name}"]["detail"] is None
    strict, _ = export(t, "strict.db", {"strict": True})
    for name, (of, _, expected) in EDGES.items():
        assert cells(strict, f"SELECT typeof(v), v FROM e_{name} ORDER BY n") == expected, of
    assert all(sql.endswith("STRICT") for sql in schema(strict).values())


REFUSED = {
    "nan": ("double precision", "'NaN'", "NaN.*SQLite stores NaN as NULL", "NaN"),
    "infinity": ("timestamptz", "'infinity'", "infinity.*0001 to 9999", "infinity"),
    "minus": ("date", "'-infinity'", "-infinity", "-infinity"),
    "bc": ("date", "'0044-03-15 BC'", "0044-03-15 BC", "0044-03-15 BC"),
    "far": ("timestamp", "'20240-01-02 03:04:05.5'", "20240-01-02 03:04:05.5", "20240-01-02 03:04:05.5"),
    "midnight": ("time", "'24:00'", "24:00:00 cannot be stored exactly: the value could not be read back", "24:00:00"),
    "bytes": ("bytea[]", r"ARRAY[decode('00ff', 'hex')]", "would be read as another value", r'{"\\x00ff"}'),
    "bounds": ("integer[]", "'[2:3]={1,2}'", "where its indexes begin", "[2:3]={1,2}"),
}


@pytest.mark.parametrize("name", REFUSED)
def test_what_has_no_form(t, name):
    of, value, message, spelled = REFUSED[name]
    t.sql(f"CREATE TABLE r (id int PRIMARY KEY, v {of}); INSERT INTO r VALUES (1, NULL), (7, {value})")
    with fails("22000", f'column "v" of table "public.r" does not fit.*\n.*id = 7.*{message}', hint="on_invalid"):
        t.sql(call(t.dir / "a.db"))
    assert not (t.dir / "a.db").exists()
    path, rows = export(t, "null.db", {"on_invalid": "null"})
    assert cells(path, "SELECT v FROM r ORDER BY id") == [(None,), (None,)]
    assert rows["r"]["detail"] == "v: 1 value became NULL"
    path, rows = export(t, "text.db", {"tables": {"r": {"columns": {"v": {"on_invalid": "text"}}}}})
    assert cells(path, "SELECT v FROM r ORDER BY id") == [(None,), (spelled,)]
    assert rows["r"]["detail"] == "v: 1 value became text"
    path, _ = export(t, "strict.db", {"strict": True, "on_invalid": "text"})
    assert cells(path, "SELECT v FROM r ORDER BY id") == [(None,), (spelled,)]


def test_numeric_as_the_plan_says(t):
    t.sql("CREATE TABLE n (id int, a numeric(10,2), b numeric); INSERT INTO n VALUES (1, 1.50, 0.1), (2, 2, 12345678901234567890.5), (3, NULL, 'Infinity')")
    path, _ = export(t, "text.db", {"numeric": "text"})
    assert cells(path, "SELECT a, b FROM n ORDER BY id") == [("1.50", "0.1"), ("2.00", "12345678901234567890.5"), (None, "Infinity")]
    path, rows = export(t, "real.db", {"numeric": "real"})
    assert cells(path, "SELECT a, b FROM n ORDER BY id") == [(1.5, 0.1), (2.0, 12345678901234567890.5), (None, math.inf)]
    assert rows["n"]["detail"] == "b: 1 value became the nearest double"


def test_times_by_their_formats(t):
    t.sql("""CREATE TABLE f (id int, a timestamptz, b timestamp, c date, d time, e bytea, g uuid);
             INSERT INTO f VALUES (1, '2024-05-01 10:11:12.250+02', '2024-05-01 10:11:12', '2024-05-01', '00:00:01.5', decode('00ff', 'hex'), 'a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11')""")
    formats = {"a": "unixepoch_ms", "b": "unixepoch", "c": "julianday", "d": "milliseconds", "e": "hex"}
    plan = {"uuid": "blob", "timezone": "Europe/Berlin", "tables": {"f": {"columns": {name: {"format": of} for name, of in formats.items()}}}}
    path, _ = export(t, plan=plan)
    [row] = cells(path, "SELECT a, b, c, d, e, g FROM f")
    assert row[:2] == (1714551072250, 1714551072) and abs(row[2] - 2460431.4166666665) < 1e-9
    assert row[3:] == (1500, "00FF", bytes.fromhex("a0eebc999c0b4ef8bb6d6bb9bd380a11")) or row[4] == "00ff"
    plan["tables"]["f"]["columns"]["a"]["format"] = "unixepoch"
    with fails("22000", "does not hold this value exactly"):
        t.sql(call(t.dir / "b.db", plan))
    with fails(s.PLAN, "plan.tables.f.columns.id.format: .*not written by this format"):
        t.sql(call(t.dir / "b.db", {"tables": {"f": {"columns": {"id": {"format": "unixepoch"}}}}}))


def test_enums_domains_and_composites(t):
    t.sql("""CREATE TYPE mood AS ENUM ('sad', 'it''s ok', 'happy'); CREATE DOMAIN positive AS integer CHECK (VALUE > 0) NOT NULL;
             CREATE DOMAIN small AS positive CHECK (VALUE < 100) DEFAULT 5; CREATE TYPE pair AS (a int, b text);
             CREATE TABLE d (m mood DEFAULT 'sad', p small, c pair, j jsonb); INSERT INTO d VALUES ('it''s ok', 3, ROW(1, 'x "y"'), '{}')""")
    path, _ = export(t)
    assert cells(path, "SELECT * FROM d") == [("it's ok", 3, '(1,"x ""y""")', "{}")]
    declared = schema(path)["d"]
    assert "\"m\" TEXT DEFAULT 'sad' CHECK (\"m\" IN ('sad', 'it''s ok', 'happy'))" in declared
    assert '"p" INTEGER NOT NULL DEFAULT 5 CHECK (("p" < 100)) CHECK (("p" > 0))' in declared
    assert 'CHECK (json_valid("j"))' in declared
    db = sqlite3.connect(path)
    for statement in ("UPDATE d SET m = 'angry'", "UPDATE d SET p = 100", "UPDATE d SET j = '{'"):
        with pytest.raises(sqlite3.IntegrityError):
            db.execute(statement)
    db.close()


def test_xml(t):
    t.needs("xml")
    t.sql("CREATE TABLE x (v xml); INSERT INTO x VALUES ('<a b=\"c\">é &amp; <!-- d --></a>'), (xmlparse(CONTENT 'text <e/>')), (NULL)")
    path, _ = export(t)
    assert cells(path, "SELECT v FROM x") == [('<a b="c">é &amp; <!-- d --></a>',), ("text <e/>",), (None,)]


def test_types_of_types(t):
    """Domains over domains over arrays, enums of any words, composites in arrays, in the table as in PostgreSQL."""
    t.sql("""CREATE TYPE "odd ""kind" AS ENUM ('', 'a,b', 'q"u''o', '{x}', 'NULL', 'é'); CREATE DOMAIN list AS "odd ""kind"[]; CREATE DOMAIN short AS list CHECK (cardinality(VALUE) < 9); CREATE TYPE pair AS (a int, b text, c "odd ""kind"[]);
             CREATE DOMAIN price AS numeric(9,2) CHECK (VALUE >= 0); CREATE DOMAIN net AS price NOT NULL;
             CREATE TABLE d (id int GENERATED ALWAYS AS IDENTITY PRIMARY KEY, e "odd ""kind", l short, p pair[], n net, m pair);
             INSERT INTO d (e, l, p, n, m) VALUES ('q"u''o', '{"",NULL,"a,b","q\\"u''o","{x}","NULL"}', ARRAY[ROW(1, 'x,"y', '{é}')::pair, NULL], 1.5, ROW(NULL, '', NULL)), ('', '{}', NULL, 0, NULL)""")
    path, _ = export(t)
    own = json.loads(t.value("SELECT json_agg(json_build_array(e::text, array_to_json(l::\"odd \"\"kind\"[]), CASE WHEN p IS NULL THEN NULL ELSE (SELECT json_agg(p[i]::text ORDER BY i) FROM generate_subscripts(p, 1) i) END, n, m::text) ORDER BY id) FROM d"))
    found = [[e, json.loads(items), p and json.loads(p), n, m] for e, items, p, n, m in cells(path, "SELECT e, l, p, n, m FROM d ORDER BY id")]
    assert found == own
    declared = schema(path)["d"]
    assert """"e" TEXT CHECK ("e" IN ('', 'a,b', 'q"u''o', '{x}', 'NULL', 'é'))""" in declared and '"n" NUMERIC(9,2) NOT NULL CHECK (("n" >= 0))' in declared and '"id" INTEGER PRIMARY KEY AUTOINCREMENT' in declared
    assert any(line.startswith("a check of the domain of column l of d") for line in findings(t))


def test_tables_that_are_made_of_others(t):
    """Partitions of partitions, in another order and with columns that are gone; an identity with gaps; what inherits."""
    t.sql("""CREATE TABLE p (gone int, id int GENERATED BY DEFAULT AS IDENTITY, region text, at date, note text DEFAULT 'n', PRIMARY KEY (id, region, at)) PARTITION BY LIST (region); ALTER TABLE p DROP COLUMN gone;
             CREATE TABLE p_eu PARTITION OF p FOR VALUES IN ('eu') PARTITION BY RANGE (at); CREATE TABLE p_eu_1 PARTITION OF p_eu FOR VALUES FROM ('2024-01-01') TO ('2025-01-01');
             CREATE TABLE p_us (note text, x int, at date NOT NULL, region text NOT NULL, id int NOT NULL); ALTER TABLE p_us DROP COLUMN x; ALTER TABLE p ATTACH PARTITION p_us FOR VALUES IN ('us'); CREATE TABLE p_rest PARTITION OF p DEFAULT;
             INSERT INTO p (id, region, at, note) VALUES (1, 'eu', '2024-05-01', 'a'), (7, 'us', '2020-01-01', 'b'), (9, 'xx', '2021-01-01', NULL); SELECT setval('p_id_seq', 40);
             CREATE TABLE c (id bigint GENERATED ALWAYS AS IDENTITY (START 100 INCREMENT 5) PRIMARY KEY, p int, region text, at date, FOREIGN KEY (p, region, at) REFERENCES p); INSERT INTO c (p, region, at) SELECT id, region, at FROM p; DELETE FROM c WHERE id = 105;
             CREATE TABLE base (a int, gone int, b text); CREATE TABLE heir (z int) INHERITS (base); ALTER TABLE base DROP COLUMN gone; INSERT INTO base VALUES (1, 'x'); INSERT INTO heir VALUES (2, 'y', 3)""")
    path, rows = export(t)
    assert {name: row["rows"] for name, row in rows.items()} == {"p": 3, "c": 2, "base": 1, "heir": 1}
    assert cells(path, "SELECT id, region, at, note FROM p ORDER BY id") == [(1, "eu", "2024-05-01", "a"), (7, "us", "2020-01-01", "b"), (9, "xx", "2021-01-01", None)]
    assert cells(path, "SELECT * FROM c ORDER BY id") == [(100, 1, "eu", "2024-05-01"), (110, 9, "xx", "2021-01-01")] and cells(path, "SELECT * FROM base") == [(1, "x")] and cells(path, "SELECT * FROM heir") == [(2, "y", 3)]
    db = sqlite3.connect(path)
    db.execute("PRAGMA foreign_keys = ON")
    assert db.execute("INSERT INTO c (p, region, at) VALUES (7, 'us', '2020-01-01') RETURNING id").fetchall() == [(111,)]
    with pytest.raises(sqlite3.IntegrityError):
        db.execute("INSERT INTO c (p, region, at) VALUES (8, 'us', '2020-01-01')")
    db.close()
    part, _ = export(t, "part.db", {"include": ["p_*"]})
    assert schema(part) == {}


def test_what_sqlite_has_not_is_said(t):
    t.sql("""CREATE TABLE w (id int PRIMARY KEY, v tsvector, g text GENERATED ALWAYS AS (upper(id::text)) STORED, x int, EXCLUDE USING btree (x WITH =));
             INSERT INTO w (id) VALUES (4); CREATE INDEX w_v ON w USING gin (v); CREATE INDEX w_e ON w (lower(x::text)); CREATE INDEX w_f ON w ((x + 1)); CREATE VIEW vw AS SELECT * FROM w;
             CREATE FUNCTION f() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN NEW; END'; CREATE TRIGGER tr BEFORE INSERT ON w FOR EACH ROW EXECUTE FUNCTION f()""")
    told = findings(t)
    for part in ("w.v: a column of type tsvector", "constraint w_x_excl of w", "index w_v of w: it is not carried over: SQLite has no indexes of method gin",
                 "index w_e of w", "trigger tr of w", "vw: the view is not carried over: \"v\" is not carried over", "the expression of column g of w"):
        assert any(line.startswith(part) for line in told), (part, told)
    path, _ = export(t)
    assert cells(path, "SELECT * FROM w") == [(4, "4", None)]


@pytest.mark.parametrize("encoding", ["LATIN1", "EUC_JP"])
def test_texts_are_utf8_in_the_file(t, encoding):
    run = in_encoding(t, encoding)
    text = "é" if encoding == "LATIN1" else "東京"
    run(f"CREATE TABLE \"{text}\" (id int, \"{text}\" text, j json, a text[], CHECK (\"{text}\" <> '{text}{text}')); INSERT INTO \"{text}\" VALUES (1, '{text}', '[\"{text}\"]', ARRAY['{text}'])")
    for name, plan in (("utf8.db", {}), ("utf16.db", {"encoding": "UTF-16be"})):
        run(call(t.dir / name, plan))
        assert cells(t.dir / name, f'SELECT "{text}", j, a FROM "{text}"') == [(text, f'["{text}"]', f'["{text}"]')]
        assert cells(t.dir / name, "PRAGMA encoding") == [(plan.get("encoding", "UTF-8"),)]


def test_texts_of_a_database_without_an_encoding(t):
    run = in_encoding(t, "SQL_ASCII")
    run("CREATE TABLE a (id int PRIMARY KEY, t text, c char(9), j jsonb, m varchar); INSERT INTO a VALUES (1, 'é', '日', '\"ü\"', NULL)")
    run(call(t.dir / "a.db"))
    assert cells(t.dir / "a.db", "SELECT t, c, j, m FROM a") == [("é", "日", '"ü"', None)]
    # A cast of a type is anyone's function; values are what the type prints.
    run("""CREATE TYPE mood AS ENUM ('ü', 'o'); CREATE TYPE pair AS (a int, b text);
           CREATE FUNCTION cast_of(mood) RETURNS text LANGUAGE sql AS $$ SELECT 'cast'::text $$; CREATE CAST (mood AS text) WITH FUNCTION cast_of(mood);
           CREATE TABLE m (id int, m mood, l mood[], p pair, i inet);
           INSERT INTO m VALUES (1, 'ü', '{ü,NULL}', ROW(NULL, 'é'), '10.0.0.1'), (2, NULL, NULL, NULL, NULL), (3, 'o', '{}', ROW(NULL, NULL), '::1')""")
    run(call(t.dir / "m.db", {"include": ["m"]}))
    assert cells(t.dir / "m.db", "SELECT m, l, p, i FROM m ORDER BY id") == [("ü", '["ü",null]', "(,é)", "10.0.0.1"), (None, None, None, None), ("o", "[]", "(,)", "::1")]
    run("INSERT INTO a VALUES (2, chr(233), NULL, NULL, NULL)")
    for plan in ({}, {"on_invalid": "text"}):
        with fails(s.UNTRANSLATABLE, 'column "t".*\n.*id = 2: the text is not valid UTF-8'):
            run(call(t.dir / "b.db", {"include": ["a"], **plan}))
    run(call(t.dir / "c.db", {"tables": {"a": {"columns": {"t": {"skip": True}}}}}))
