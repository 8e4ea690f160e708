"""Tables that are there already: every value becomes one of the column's type, or is named with its cell."""

import sqlstates as s
from client import fails
from harness import ident, quote

MOODS = "CREATE TYPE mood AS ENUM ('happy', 'so so')"
DOMAINS = """
CREATE DOMAIN flag AS boolean;
CREATE DOMAIN code AS varchar(5) CHECK (VALUE = upper(VALUE));
CREATE DOMAIN price AS numeric(5,2) NOT NULL CHECK (VALUE >= 0);
CREATE DOMAIN even AS integer CHECK (VALUE % 2 = 0);
CREATE DOMAIN even_positive AS even CHECK (VALUE > 0);
CREATE DOMAIN required AS text NOT NULL;
CREATE DOMAIN moment AS timestamptz CHECK (VALUE > '2000-01-01');
CREATE DOMAIN evens AS integer[] CHECK (array_length(VALUE, 1) > 0);
CREATE DOMAIN key AS uuid CHECK (VALUE <> '00000000-0000-0000-0000-000000000000');
CREATE DOMAIN free AS integer;
"""


def make(t, columns):
    """A table `t` with these columns in both databases, and its file. A column: name, PostgreSQL type, declared
    type, and its cells from rowid 1 on as SQL; NULL where it has no more."""
    t.sql("DROP TABLE IF EXISTS t; TRUNCATE sqlite_migrate.log_reject")
    t.sql("CREATE TABLE t (id bigint PRIMARY KEY, " + ", ".join(f"{ident(n)} {p}" for n, p, *_ in columns) + ")")
    rows = max(len(cells) for *_, cells in columns)
    script = "CREATE TABLE t (id INTEGER PRIMARY KEY, " + ", ".join(f"{ident(n)} {d}" for n, _, d, _ in columns) + ");\n"
    for row in range(rows):
        cells = [cells[row] if row < len(cells) else "NULL" for *_, cells in columns]
        script += f"INSERT INTO t VALUES ({row + 1}, {', '.join(cells)});\n"
    return t.file("values.db", script)


def holds(t, columns, plan=None):
    """Loads columns whose cells are pairs of SQL and the text that PostgreSQL prints afterwards."""
    bare = [(n, p, d, [sql for sql, _ in cells]) for n, p, d, cells in columns]
    path = make(t, bare)
    row = t.import_(path, plan or {})["t"]
    assert (row["imported"], row["rejected"], row["status"]) == (row["source_rows"], 0, "loaded"), row
    for name, pg_type, _, cells in columns:
        found = t.shown_rows(f"SELECT {ident(name)}::text AS v FROM t ORDER BY id")
        expected = [text for _, text in cells]
        found = [row["v"] for row in found[:len(cells)]]
        assert found == expected, f"{pg_type}: {found} instead of {expected}"


def refuses(t, pg_type, declared, good, bad, why, sqlstates=s.INVALID_VALUE, keys=None):
    """The bad cell, in rowid 2 between good ones, is named and obeys the policy."""
    path = make(t, [("c", pg_type, declared, [good, bad, good])])
    plan = {"tables": {"t": {"columns": {"c": keys}}}} if keys else {}
    label = f"{pg_type} {bad}"
    failed = t.attempt(t.call("sqlite_import", path, {**plan, "on_invalid": "error"}))
    failed.failed(sqlstates, why, hint="on_invalid")
    said = failed.message + failed.detail
    assert 'column "c" of table "t"' in said and "rowid 2" in said, f"{label}: {said}"
    assert t.value("SELECT count(*) FROM t") == "0", label
    row = t.import_(path, {**plan, "on_invalid": "null"})["t"]
    assert (row["imported"], row["rejected"]) == (3, 0), f"{label}: {row}"
    assert t.value("SELECT string_agg(id::text, ',') FROM t WHERE c IS NULL") == "2", label
    t.sql("TRUNCATE t")
    row = t.import_(path, {**plan, "on_invalid": "reject"})["t"]
    assert (row["imported"], row["rejected"]) == (2, 1), f"{label}: {row}"
    assert t.value("SELECT string_agg(id::text, ',' ORDER BY id) FROM t WHERE c IS NOT NULL") == "1,3", label
    rejects = t.rows('SELECT rowid, source_column, error FROM sqlite_migrate.reject')
    assert [(r["rowid"], r["source_column"]) for r in rejects] == [(2, "c")], f"{label}: {rejects}"


def test_ordinary_types(t):
    uuid = "550e8400-e29b-41d4-a716-446655440000"
    holds(t, [
        ("b", "boolean", "BOOLEAN", [("0", "false"), ("1", "true"), ("'t'", "true"), ("'true'", "true"), ("'f'", "false")]),
        ("i2", "smallint", "INTEGER", [("-32768", "-32768"), ("'7'", "7")]),
        ("i4", "integer", "TEXT", [("2147483647", "2147483647")]),
        ("f4", "real", "REAL", [("0.5", "0.5")]),
        ("f8", "double precision", "TEXT", [("'0.1'", "0.1")]),
        ("n", "numeric(6,2)", "DECIMAL", [("12.5", "12.50"), ("'7'", "7.00")]),
        ("v", "varchar(5)", "TEXT", [("'größe'", "größe"), ("12345", "12345")]),
        ("c", "char(3)", "TEXT", [("'ab'", "ab"), ("'ab '", "ab")]),
        ("ba", "bytea", "BLOB", [("x'00ff'", "\\x00ff")]),
        ("d", "date", "TEXT", [("'2024-07-01'", "2024-07-01"), ("'2024-07-01 00:00:00'", "2024-07-01")]),
        ("ti", "time", "TEXT", [("'10:00:00.5'", "10:00:00.5")]),
        ("tz", "timetz", "TEXT", [("'10:00:00+05:30'", "10:00:00+05:30"), ("'10:00'", "10:00:00+00")]),
        ("ts", "timestamp(3)", "DATETIME", [("1719828000250", "2024-07-01 10:00:00.25"), ("'2024-07-01 10:00:00'", "2024-07-01 10:00:00")]),
        ("tt", "timestamptz", "INTEGER", [("1719828000", "2024-07-01 10:00:00+00"), ("1719828001", "2024-07-01 10:00:01+00")]),
        ("ju", "timestamptz", "REAL", [("2460493.0", "2024-07-01 12:00:00+00")]),
        ("u", "uuid", "", [(f"'{uuid}'", uuid), (f"'{uuid.replace('-', '').upper()}'", uuid), (f"x'{uuid.replace('-', '')}'", uuid)]),
        ("j", "json", "TEXT", [("'{\"a\":1, \"a\":2}'", '{"a":1, "a":2}')]),
        ("jb", "jsonb", "TEXT", [("'{\"b\":1,\"a\":[1.50]}'", '{"a": [1.50], "b": 1}'), ("x'5b315d'", "[1]")]),
    ])


def test_types_that_only_their_input_function_reads(t):
    t.needs("citext", "hstore")
    t.sql(MOODS + "; CREATE EXTENSION citext; CREATE EXTENSION hstore; CREATE TYPE pair AS (a int, b text)")
    t.sql("CREATE TYPE vector AS ENUM ('1', '2'); CREATE SCHEMA odd; CREATE TYPE odd.uuid AS ENUM ('x')")
    holds(t, [
        ("e", "mood", "TEXT", [("'happy'", "happy"), ("'so so'", "so so")]),
        ("ci", "citext", "TEXT", [("'ÄbC'", "ÄbC")]),
        ("ts", "tsvector", "TEXT", [("'a fat cat'", "'a' 'cat' 'fat'")]),
        ("ip", "inet", "TEXT", [("'10.0.0.1/8'", "10.0.0.1/8")]),
        ("ci2", "cidr", "TEXT", [("'10.0.0.0/8'", "10.0.0.0/8")]),
        ("ma", "macaddr", "TEXT", [("'08:00:2b:01:02:03'", "08:00:2b:01:02:03")]),
        ("r", "int4range", "TEXT", [("'[1,5]'", "[1,6)")]),
        ("bi", "bit(3)", "TEXT", [("'101'", "101")]),
        ("vb", "varbit", "TEXT", [("'10'", "10")]),
        ("h", "hstore", "TEXT", [("'a=>1'", '"a"=>"1"')]),
        ("p", "pair", "TEXT", [("'(1,\"b c\")'", '(1,"b c")')]),
        ("m", "money", "TEXT", [("'12.50'", "$12.50")]),
        ("mr", "nummultirange", "TEXT", [("'{[1,2],[3,4]}'", "{[1,2],[3,4]}")]),
        # Anybody's type may have such a name.
        ("ve", "public.vector", "INTEGER", [("1", "1"), ("2", "2")]),
        ("ou", "odd.uuid", "TEXT", [("'x'", "x")]),
    ])


def test_intervals(t):
    django = [("93784500000", "26:03:04.5"), ("-1", "-00:00:00.000001")]
    holds(t, [
        ("i", "interval", "bigint", django),
        ("x", "interval", "TEXT", [("'P1DT2H'", "1 day 02:00:00"), ("'26:03:04'", "26:03:04"), ("'1 02:03:04.5'", "1 day 02:03:04.5")]),
    ])
    assert t.plan(t.dir / "values.db")["tables"]["t"]["columns"]["i"]["format"] == "microseconds"


def test_arrays(t):
    t.sql(MOODS + ";" + DOMAINS)
    big = "12345678901234567890.123456789012345678901"
    holds(t, [
        ("t", "text[]", "TEXT", [(r"""'["a","b c","",null,"NULL","q\"\\"]'""", '{a,"b c","",NULL,"NULL","q\\"\\\\"}'),
                                 ("'[]'", "{}"), ("'{a,\"b c\"}'", '{a,"b c"}'), ("x'5b2261225d'", "{a}")]),
        ("n", "numeric[]", "JSON", [(f"'[1,null,2.5,{big}]'", f"{{1,NULL,2.5,{big}}}")]),
        ("i", "integer[]", "TEXT", [("'[[1,2],[3,4]]'", "{{1,2},{3,4}}"), ("'[2:3]={7,8}'", "[2:3]={7,8}")]),
        ("b", "boolean[]", "TEXT", [("'[true,0,\"no\",null]'", "{t,f,f,NULL}")]),
        ("f", "real[]", "TEXT", [("'[0.1,-2]'", "{0.1,-2}")]),
        ("u", "uuid[]", "TEXT", [("'[\"550E8400E29B41D4A716446655440000\"]'", "{550e8400-e29b-41d4-a716-446655440000}")]),
        # A text without an offset is a clock of the plan's time zone, not of the session's.
        ("z", "timestamptz[]", "TEXT", [("'[\"2024-07-01T10:00:00\"]'", '{"2024-07-01 10:00:00+00"}')]),
        ("j", "jsonb[]", "TEXT", [("'[{\"a\": [1]}, [1,2], \"s\", 1.50, null]'", '{"{\\"a\\": [1]}","[1, 2]","\\"s\\"",1.50,NULL}')]),
        ("e", "mood[]", "TEXT", [("'[\"happy\",\"so so\"]'", '{happy,"so so"}')]),
        ("d", "even[]", "TEXT", [("'[2,4]'", "{2,4}")]),
        ("v", "varchar(3)[]", "TEXT", [("'[\"abc\"]'", "{abc}")]),
        ("x", "bytea[]", "TEXT", [("'[\"a\"]'", '{"\\\\x61"}')]),
        ("p", "point[]", "TEXT", [("'[\"(1,2)\"]'", '{"(1,2)"}')]),
        ("o", "box[]", "TEXT", [("'{(1,1),(0,0);(2,2),(1,1)}'", "{(1,1),(0,0);(2,2),(1,1)}")]),
        ("s", "text[]", "TEXT", [("'a,b,c'", "{a,b,c}"), ("''", "{}"), ("'{x}'", '{"{x}"}')]),
        ("si", "integer[]", "TEXT", [("'1,2'", "{1,2}"), ("7", "{7}")]),
    ], {"timezone": "UTC", "tables": {"t": {"columns": {"s": {"format": "comma"}, "si": {"format": "comma"}}}}})


def test_what_is_no_array(t):
    t.sql(MOODS + ";" + DOMAINS)
    for pg_type, bad, why, *sqlstates in [
        ("text[]", "'[\"a\"'", "JSON array"),
        ("text[]", "'a,b'", "JSON array"),
        ("text[]", "'\"a\"'", "JSON array"),
        ("text[]", "7", "JSON array"),
        ("text[]", "'[[\"a\"],[]]'", "inner array"),
        ("text[]", "'[[\"a\"],[\"b\",\"c\"]]'", "same length"),
        ("text[]", "'[\"\\u0000\"]'", "NUL"),
        ("text[]", "'{a'", "malformed array literal"),
        ("text[]", "CAST(x'5b22ff225d' AS TEXT)", "UTF-8"),
        ("integer[]", "'[2147483648]'", "out of range"),
        ("jsonb[]", "'[{\"a\":1,\"a\":2}]'", "key twice"),
        ("mood[]", "'[\"sad\"]'", "invalid input value for enum (public\\.)?mood"),
        ("even[]", "'[3]'", "domain (public\\.)?even", "23514"),
    ]:
        refuses(t, pg_type, "TEXT", "'[]'", bad, why, *[tuple(sqlstates)] if sqlstates else [s.INVALID_VALUE])


def test_domains(t):
    t.sql(DOMAINS)
    uuid = "550e8400-e29b-41d4-a716-446655440000"
    holds(t, [
        ("f", "flag", "BOOLEAN", [("0", "false"), ("1", "true"), ("'true'", "true"), ("NULL", None)]),
        ("c", "code", "TEXT", [("'ABCDE'", "ABCDE"), ("12345", "12345"), ("NULL", None), ("''", "")]),
        ("p", "price", "REAL", [("12.5", "12.50"), ("0.25", "0.25"), ("1", "1.00"), ("999.99", "999.99")]),
        ("e", "even_positive", "INTEGER", [("2", "2"), ("'4'", "4"), ("NULL", None), ("2147483646", "2147483646")]),
        ("r", "required", "TEXT", [("'a'", "a"), ("''", ""), ("1.5", "1.5"), ("'größe'", "größe")]),
        ("m", "moment", "DATETIME", [("1719828000250", "2024-07-01 10:00:00.25+00"), ("'2024-07-01T10:00:00+02:00'", "2024-07-01 08:00:00+00")]),
        ("a", "evens", "TEXT", [("'[2,4]'", "{2,4}"), ("'{1}'", "{1}")]),
        ("k", "key", "TEXT", [(f"'{uuid.upper()}'", uuid), (f"x'{uuid.replace('-', '')}'", uuid)]),
        ("n", "free", "TEXT", [("'7'", "7")]),
    ], {"profile": "none", "tables": {"t": {"columns": {"m": {"format": "unixepoch_ms"}}}}})


def test_domains_are_enforced(t):
    t.sql(DOMAINS)
    check = ("23514",)
    for pg_type, declared, good, bad, why, sqlstates in [
        ("flag", "BOOLEAN", "1", "2", "not a boolean", s.INVALID_VALUE),
        ("code", "TEXT", "'ABC'", "'ABCDEF'", "longer than 5", s.INVALID_VALUE),
        ("code", "TEXT", "'ABC'", "'abc'", "domain (public\\.)?code violates check constraint", check),
        ("even", "INTEGER", "2", "3", "domain (public\\.)?even violates check constraint", check),
        ("even", "INTEGER", "2", "2147483648", "out of range", s.INVALID_VALUE),
        ("even_positive", "INTEGER", "2", "-2", "domain (public\\.)?even_positive violates", check),
        ("even_positive", "INTEGER", "2", "3", "domain (public\\.)?even_positive violates", check),
        ("key", "TEXT", "'550e8400e29b41d4a716446655440000'", "'00000000000000000000000000000000'", "domain (public\\.)?key violates", check),
        ("free", "INTEGER", "1", "'x'", "not an integer", s.INVALID_VALUE),
    ]:
        refuses(t, pg_type, declared, good, bad, why, sqlstates)
    # NULL in the place of a value that does not fit has to pass the domain too.
    for pg_type, good, bad, why in [("price", "1", "-1", "price violates"), ("price", "1", "1.234", "rounded"), ("price", "1", "NULL", "1 row has NULL"),
                                    ("required", "'a'", "NULL", "1 row has NULL"), ("required", "'a'", "x'00'", "blob")]:
        path = make(t, [("c", pg_type, "", [good, bad, good])])
        for policy in ("error", "null"):
            failed = t.import_fails(path, {"on_invalid": policy}, ("23502", "23514", *s.INVALID_VALUE), why if policy == "error" else r"column \"c\" of table \"t\"|^t\.c: 1 row has NULL")
            said = failed.message + failed.detail
            # NULLs are counted before the load, which alone could name a row.
            named = "t.c: " in said if bad == "NULL" else 'column "c" of table "t"' in said and "rowid 2" in said
            assert named, f"{pg_type} {bad} {policy}: {said}"
        row = t.import_(path, {"on_invalid": "reject"})["t"]
        assert (row["imported"], row["rejected"]) == (2, 1), row
        assert t.value("SELECT string_agg(id::text, ',' ORDER BY id) FROM t") == "1,3"


def test_a_domain_names_rows_without_a_rowid(t):
    t.sql(DOMAINS + "CREATE TABLE w (k text PRIMARY KEY, m moment, e even)")
    path = t.file("w.db", "CREATE TABLE w (k TEXT PRIMARY KEY, m TEXT, e INTEGER) WITHOUT ROWID;"
                          "INSERT INTO w VALUES ('a', '2024-07-01', 2), ('b', '1999-07-01', 2), ('c', NULL, 5);")
    failed = t.import_fails(path, {}, "23514", "moment")
    said = failed.message + failed.detail
    assert "k = 'b'" in said and "1999-07-01" in said, said
    row = t.import_(path, {"on_invalid": "reject"})["w"]
    assert (row["imported"], row["rejected"]) == (1, 2), row


def test_cells_that_do_not_fit(t):
    t.sql(MOODS)
    nul = "CAST(x'610062' AS TEXT)"
    for pg_type, declared, good, bad, why in [
        ("smallint", "INTEGER", "1", "32768", "out of range"),
        ("integer", "INTEGER", "1", "-2147483649", "out of range"),
        ("varchar(3)", "TEXT", "'äöü'", "'abcd'", "longer than 3 characters"),
        ("char(3)", "TEXT", "'ab'", "'abcd'", "longer than 3 characters"),
        ("numeric(4,1)", "DECIMAL", "12.5", "1000", "out of range"),
        ("numeric(4,1)", "DECIMAL", "12.5", "'1.25'", "rounded"),
        ("text", "TEXT", "'a'", nul, "NUL"),
        ("text", "TEXT", "'a'", "CAST(x'ff' AS TEXT)", "UTF-8"),
        ("varchar(9)", "TEXT", "'a'", nul, "NUL"),
        ("jsonb", "TEXT", "'1'", "'\"\\u0000\"'", "u0000"),
        ("json", "TEXT", "'1'", "'{'", "not valid JSON"),
        ("jsonb", "TEXT", "'1'", "CAST(x'22ff22' AS TEXT)", "UTF-8"),
        ("uuid", "TEXT", "'550e8400e29b41d4a716446655440000'", "'n/a'", "UUID"),
        ("boolean", "BOOLEAN", "1", "2", "boolean"),
        ("timestamp(3)", "DATETIME", "'2024-07-01 10:00:00.123'", "'2024-07-01 10:00:00.1234'", "more precise"),
        ("timetz", "TEXT", "'10:00+01'", "'10:00+99'", "ISO-8601"),
        ("mood", "TEXT", "'happy'", "'sad'", "invalid input value for enum (public\\.)?mood"),
        ("mood", "TEXT", "'happy'", "x'6861707079'", "blob"),
        ("mood", "TEXT", "'happy'", nul, "NUL"),
        ("mood", "TEXT", "'happy'", "''", "invalid input value for enum (public\\.)?mood"),
        ("inet", "TEXT", "'10.0.0.1'", "'10.0.0.256'", "not in a format that is accepted"),
        ("tsvector", "TEXT", "'a'", "'''a'", "syntax error in tsvector"),
        ("interval", "TEXT", "'1 day'", "'soon'", "not an interval in a known spelling"),
    ]:
        sqlstates = ("22P02", "42601") if pg_type in ("tsvector", "interval") else s.INVALID_VALUE
        refuses(t, pg_type, declared, good, bad, why, (*sqlstates, "22007"))
    refuses(t, "bit(3)", "TEXT", "'101'", "'1010'", "does not match type bit", ("22026",))
    refuses(t, "int4range", "TEXT", "'[1,2]'", "'[2,1]'", "lower bound", ("22000",))


def test_domains_in_another_encoding(t):
    name = t.other_database("latin1", "ENCODING 'LATIN1' LOCALE 'C' TEMPLATE template0")
    setup = "SET client_encoding = 'UTF8';" + DOMAINS + "CREATE TABLE t (id bigint PRIMARY KEY, v required, a text[]);"
    t.server.run(name, setup)
    path = t.file("latin.db", "CREATE TABLE t (id INTEGER PRIMARY KEY, v TEXT, a TEXT);"
                              "INSERT INTO t VALUES (1, 'é', '[\"é\"]'), (2, '長', NULL), (3, 'x', '[\"長\"]');")
    with fails(s.UNTRANSLATABLE, "rowid 2"):
        t.server.run(name, t.call("sqlite_import", path))
    plan = {"on_invalid": "null", "tables": {"t": {"where": "id <> 2"}}}
    t.server.run(name, t.call("sqlite_import", path, plan))
    query = "SET client_encoding = 'UTF8'; SELECT string_agg(concat(id, v, a), ' ' ORDER BY id) FROM t"
    found = t.server.value(name, query)
    assert found == "1é{é} 3x", found


def test_vectors(t):
    t.needs("vector")
    t.sql("CREATE SCHEMA ext; CREATE EXTENSION vector SCHEMA ext; SET search_path = public, ext;"
          "CREATE DOMAIN public.embedding AS ext.vector(2)")
    floats = "x'0000803fcdcccc3d'"
    holds(t, [
        ("v", "ext.vector(2)", "TEXT", [("'[1, 0.1]'", "[1,0.1]"), ("' [ 1 ,2 ] '", "[1,2]"), (floats, "[1,0.1]"), ("x'5b312c325d'", "[1,2]")]),
        ("a", "ext.vector", "BLOB", [(floats, "[1,0.1]"), ("x'010000000000c03f0000807f'".replace("0000807f", "ffff7f7f"), "[1e-45,1.5,3.4028235e+38]")]),
        # Older releases of pgvector have no halfvec.
        *[("h", "ext.halfvec(2)", "BLOB", [("x'0000803f0000c03f'", "[1,1.5]")])] * (t.value("SELECT to_regtype('ext.halfvec') IS NOT NULL") == "t"),
        ("d", "embedding", "BLOB", [(floats, "[1,0.1]")]),
    ], {"profile": "none"})
    for bad, why, sqlstates in [
        ("x'00000000000000'", "4-byte floats", s.INVALID_VALUE),
        ("x''", "no vector in it", s.INVALID_VALUE),
        ("x'0000803f0000c07f'", "NaN", s.INVALID_VALUE),
        ("'[1,x]'", "invalid input syntax for type vector", s.INVALID_VALUE),
        ("'[1,2,3]'", "expected 2 dimensions, not 3", ("22000",)),
        ("'1,2'", "JSON array", s.INVALID_VALUE),
        ("5", "JSON array|vector", s.INVALID_VALUE),
    ]:
        refuses(t, "ext.vector(2)", "BLOB", "'[1,2]'", bad, why, sqlstates)


def test_arrays_in_foreign_tables(t):
    path = t.file("tags.db", "CREATE TABLE t (id INTEGER PRIMARY KEY, tags TEXT, c TEXT);"
                             "INSERT INTO t VALUES (1, '[\"a\",\"b c\"]', 'x,y'), (2, '{x}', ''), (3, 'no', 'z');")
    t.own(t.dir, 0o777)
    t.own(path, 0o666)
    t.sql("CREATE SERVER f FOREIGN DATA WRAPPER pg_sqlite_fdw OPTIONS (database " + quote(str(path)) + ", updatable 'true');"
          "CREATE FOREIGN TABLE t (id bigint OPTIONS (key 'true'), tags text[], c text[] OPTIONS (format 'comma')) SERVER f OPTIONS (table 't')")
    assert t.value("SELECT tags[2], c[1] FROM t WHERE id = 1") == "b c|x"
    assert t.value("SELECT id FROM t WHERE id < 3 AND c = '{}'") == "2"
    with fails(s.INVALID_VALUE, 'column "tags"'):
        t.sql("SELECT tags FROM t WHERE id = 3")
    t.sql("UPDATE t SET tags = '{q,\"r s\"}' WHERE id = 1")
    assert t.value("SELECT tags::text || c::text FROM t WHERE id = 1") == '{q,"r s"}{x,y}'
    with fails("22003", 'format "comma"'):
        t.sql("UPDATE t SET c = '{q}' WHERE id = 1")
