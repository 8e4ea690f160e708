"""The plan keys text_encoding and nul: texts that PostgreSQL does not take as they are stored."""

import json
import re

import pytest

from client import fails
from harness import ROOT, quote
from test_remedies import blocking, check_all

MIXED = """CREATE TABLE t (id INTEGER PRIMARY KEY, v TEXT, w TEXT);
    INSERT INTO t VALUES (1, CAST(x'4cf67765' AS TEXT), 'plain'), (2, 'L' || char(246) || 'we', CAST(x'8000' AS TEXT)), (3, 'a' || char(0) || 'b', NULL);"""


def lines(t, query):
    return t.shown(query).split("\n")


def test_the_example_of_the_page(t):
    section = (ROOT / "docs/plan.md").read_text().split("## Texts that are not UTF-8")[1]
    (example,) = re.findall(r"```sql\n(.*?)\n```", section.split("\n## ")[0], re.S)
    path = t.file("a.db", MIXED)
    (row,) = t.rows(example.replace("'/srv/app/dev.db'", quote(str(path))).rstrip(";"))
    assert row["imported"] == 3 and "2 texts are read as windows-1252, or without NUL characters" in row["detail"], row
    assert lines(t, "SELECT * FROM t ORDER BY id") == ["1|Löwe|plain", "2|Löwe|€", "3|ab|"]


def test_findings_offer_both_keys(t):
    path = t.file("a.db", MIXED)
    found = {f["object"]: f["fix"]["tables"]["t"]["columns"] for f in t.findings(path) if f["kind"] == "type_missed"}
    both = {"text_encoding": "windows-1252", "nul": "strip"}
    assert found == {"t.v": {"v": both}, "t.w": {"w": both}}, found
    check_all(t, path, {})
    explicit = {"tables": {"t": {"columns": {"v": {"type": "text"}}}}}
    assert [f["fix"]["tables"]["t"]["columns"]["v"] for f in blocking(t.findings(path, explicit))] == [both]
    check_all(t, path, explicit)
    t.sql("CREATE TABLE t (id bigint PRIMARY KEY, v text, w varchar(10))")
    check_all(t, path, {})
    plan = t.merged({}, *(f["fix"] for f in blocking(t.findings(path))))
    t.import_(path, plan)
    assert lines(t, "SELECT * FROM t ORDER BY id") == ["1|Löwe|plain", "2|Löwe|€", "3|ab|"]


@pytest.mark.parametrize("encoding, expected", [("latin1", "\u0080"), ("windows-1252", "€"), ("cp1251", "Ђ"), ("koi8-r", "─")])
def test_the_encoding_decides(t, encoding, expected):
    path = t.file("a.db", "CREATE TABLE t (a TEXT); INSERT INTO t VALUES (CAST(x'80' AS TEXT))")
    row = t.import_(path, {"text_encoding": encoding})["t"]
    assert t.value("SELECT a FROM t") == expected and "1 text that is not UTF-8 is read as" in row["detail"], row
    assert t.plan(path, t.plan(path, {"text_encoding": encoding})) == t.plan(path, {"text_encoding": encoding})


def test_the_lowest_level_wins(t):
    path = t.file("a.db", "CREATE TABLE t (a TEXT, b TEXT, c TEXT); INSERT INTO t VALUES (CAST(x'80' AS TEXT), CAST(x'80' AS TEXT), CAST(x'80' AS TEXT))")
    plan = {"text_encoding": "latin1", "tables": {"t": {"text_encoding": "windows-1252", "columns": {"a": {"text_encoding": "koi8-r"}, "c": {"text_encoding": None}}}}}
    t.import_(path, plan)
    assert t.shown("SELECT a, b, encode(c, 'hex') FROM t") == "─|€|80"
    assert t.plan(path, t.plan(path, plan)) == t.plan(path, plan)


def test_what_is_no_text_in_the_encoding_either_is_invalid(t):
    path = t.file("a.db", "CREATE TABLE t (id INTEGER PRIMARY KEY, a TEXT); INSERT INTO t VALUES (1, CAST(x'93fa' AS TEXT)), (2, CAST(x'ffff' AS TEXT))")
    plan = {"text_encoding": "shift_jis", "on_invalid": "reject", "tables": {"t": {"columns": {"a": {"type": "text"}}}}}
    row = t.import_(path, plan)["t"]
    assert (row["imported"], row["rejected"]) == (1, 1) and t.value("SELECT a FROM t") == "日", row
    assert "ffff" in t.value('SELECT "values" FROM sqlite_migrate.reject')


def test_types_keys_and_using_see_the_converted_texts(t):
    path = t.file("a.db", """CREATE TABLE p (code TEXT PRIMARY KEY); INSERT INTO p VALUES ('L' || char(246) || 'we'), ('b');
        CREATE TABLE c (id INTEGER PRIMARY KEY, p TEXT REFERENCES p, n INTEGER, v TEXT); INSERT INTO c VALUES (1, CAST(x'4cf67765' AS TEXT), '1' || char(0), CAST(x'e4' AS TEXT))""")
    plan = {"text_encoding": "latin1", "nul": "strip", "tables": {"c": {"columns": {"v": {"using": "v || v"}, "n": {"type": "bigint"}}}}}
    assert not blocking(t.findings(path, plan)), t.findings(path, plan)
    t.import_(path, plan)
    assert t.shown("SELECT c.id, p.code, n, v FROM c JOIN p ON p.code = c.p") == "1|Löwe|1|ää"


def test_bytes_stay_as_they_are(t):
    """Some drivers store binary data as text: in a bytea column, new or existing, it is not converted."""
    path = t.file("a.db", "CREATE TABLE t (id INTEGER PRIMARY KEY, b BLOB, v TEXT); INSERT INTO t VALUES (1, CAST(x'ff00e4' AS TEXT), CAST(x'e4' AS TEXT)), (2, x'e400', CAST(x'ff00' AS TEXT))")
    plan = {"text_encoding": "latin1", "nul": "strip", "tables": {"t": {"columns": {"v": {"nul": "error"}}}}}
    for options in ({}, {"create": "never", "existing_rows": "truncate"}):
        assert [f["object"] for f in t.findings(path, {**plan, **options}) if f["kind"] == "converted_texts"] == []
        row = t.import_(path, {**plan, **options})["t"]
        assert "latin1" not in (row["detail"] or ""), row
        assert lines(t, "SELECT encode(b, 'hex'), encode(v, 'hex') FROM t ORDER BY id") == ["ff00e4|e4", "e400|ff00"]


def test_bad_values_name_their_path(t):
    path = t.file("a.db", "CREATE TABLE t (a)")
    for plan, message, hint in [
        ({"text_encoding": "latin-one"}, "plan.text_encoding: unknown encoding", "windows-1252"), ({"text_encoding": "utf-8"}, "unknown encoding", "other than UTF-8"),
        ({"text_encoding": 1}, "plan.text_encoding: expected a string", ""), ({"tables": {"t": {"columns": {"a": {"nul": "drop"}}}}}, "plan.tables.t.columns.a.nul: invalid value", "strip"),
    ]:
        with fails("22023", message, hint=hint):
            t.sql(t.call("sqlite_plan", path, plan))


def test_texts_that_are_bytes(t):
    """nul: "bytea" decides for a new column, takes the texts into an existing bytea column, and not into a text column."""
    path = t.file("a.db", """CREATE TABLE t (id INTEGER PRIMARY KEY, v TEXT, n INTEGER, w TEXT, u);
        INSERT INTO t VALUES (1, 'L' || char(246, 0), 7, 'x', 1), (2, CAST(x'ff00' AS TEXT), 'a' || char(0), 'y', 'b' || char(0))""")
    plan = {"nul": "bytea", "on_invalid": "null", "text_encoding": "latin1"}
    types = lambda: [t.type_of("t", column) for column in ("v", "n", "w", "u")]
    stored = lambda: lines(t, "SELECT encode(v, 'hex'), encode(n, 'hex'), w, encode(u, 'hex') FROM t ORDER BY id")
    found = t.findings(path, plan)
    assert {(f["severity"], f["object"]) for f in found} == {("info", "t.v"), ("info", "t.n"), ("info", "t.u")}, found
    assert [f["fix"] for f in found] == [None, None, None], found
    for options in ({}, {"create": "never", "existing_rows": "truncate"}):
        row = t.import_(path, {**plan, **options})["t"]
        assert types() == ["bytea", "bytea", "text", "bytea"] and "latin1" not in (row["detail"] or ""), row
        assert stored() == ["4cc3b600|37|x|31", "ff00|6100|y|6200"], stored()
    assert t.plan(path, t.plan(path, plan)) == t.plan(path, plan)
    t.sql("DROP TABLE t; CREATE TABLE t (id bigint PRIMARY KEY, v bytea, n text, w text, u text)")
    plan = {"tables": {"t": {"nul": "bytea"}}}
    assert {f["object"]: f["fix"] for f in blocking(t.findings(path, plan))} == {
        "t.n": columns(n={"nul": "strip"}), "t.u": columns(u={"nul": "strip"})}
    check_all(t, path, plan)
    with fails("22P02", 'column "n" of table "t"', hint='"nul":"strip"'):
        t.sql(t.call("sqlite_import", path, plan))


def columns(**keys):
    return {"tables": {"t": {"columns": keys}}}


def test_a_new_column_becomes_text_where_the_plan_names_its_type(t):
    path = t.file("a.db", "CREATE TABLE t (id INTEGER PRIMARY KEY, v); INSERT INTO t VALUES (1, 'a' || char(0)), (2, 3)")
    found = blocking(t.findings(path, {"nul": "bytea", **columns(v={"type": "text"})}))
    assert [f["fix"] for f in found] == [columns(v={"nul": "strip"})], found
    (found,) = t.findings(path)
    assert found["fix"] == columns(v={"type": "text", "nul": "strip"}), found
    check_all(t, path, {})


@pytest.mark.parametrize("value, fix", [
    ("4cf67765", {"text_encoding": "windows-1252"}), ("6100", {"nul": "strip"}), ("f600", {"text_encoding": "windows-1252", "nul": "strip"})])
@pytest.mark.parametrize("kind", ["text", "varchar(9)", "character(4)", "word"])
def test_errors_of_the_load_name_the_keys(t, value, fix, kind):
    """Where values were not looked at before, the error has the fix that a finding would have."""
    t.sql("CREATE DOMAIN word AS text")
    path = t.file("a.db", f"CREATE TABLE t (id INTEGER PRIMARY KEY, v TEXT); INSERT INTO t VALUES (1, 'x'), (2, CAST(x'{value}' AS TEXT))")
    plan = {"profile": "none", **columns(v={"type": kind})}
    with fails("22P02", 'value does not fit column "v"(.|\n)*rowid 2', hint='or plan.tables.t.columns.v.type to "bytea"') as failure:
        t.sql(t.call("sqlite_import", path, plan))
    assert pasted(failure) == columns(v=fix), failure.hint
    t.import_(path, t.merged(plan, pasted(failure)))
    t.sql("TRUNCATE t")
    with fails("22P02", "rowid 2") as failure:
        t.sql(t.call("sqlite_import", path, {"profile": "none"}))
    assert "bytea" not in failure.hint and pasted(failure) == columns(v=fix), failure.hint
    t.import_(path, t.merged({"profile": "none"}, pasted(failure)))


def pasted(failure):
    return json.loads(failure.hint.split("As a plan: ")[1])


def test_no_key_is_offered_that_does_not_help(t):
    """Bytes that are no text in the plan's encoding, and a type that has no such texts."""
    path = t.file("a.db", "CREATE TABLE t (v TEXT); INSERT INTO t VALUES (CAST(x'ffff' AS TEXT))")
    for plan in ({"text_encoding": "shift_jis", **columns(v={"type": "text"})}, columns(v={"type": "bigint"})):
        with fails("22P02", 'column "v"') as failure:
            t.sql(t.call("sqlite_import", path, {"profile": "none", **plan}))
        assert "text_encoding" not in failure.hint and "nul" not in pasted(failure), failure.hint


# SQL_ASCII

RAW = """CREATE TABLE t (id INTEGER PRIMARY KEY, v TEXT UNIQUE, w VARCHAR(4), n TEXT COLLATE NOCASE UNIQUE, z TEXT);
    INSERT INTO t VALUES (1, CAST(x'4cf67765' AS TEXT), 'äöü', CAST(x'41f6' AS TEXT), CAST(x'f600' AS TEXT)), (2, CAST(x'4ce4' AS TEXT), CAST(x'e4' AS TEXT), 'ä', 'x'), (3, 'ö', NULL, 'b', NULL);"""
BYTES = "SELECT id, encode(convert_to(v, 'SQL_ASCII'), 'hex'), encode(convert_to(w, 'SQL_ASCII'), 'hex'), encode(convert_to(n::text, 'SQL_ASCII'), 'hex'), encode(convert_to(z, 'SQL_ASCII'), 'hex') FROM t ORDER BY id"
STORED = "1|4cf67765|c3a4c3b6c3bc|41f6|f6\n2|4ce4|e4|c3a4|78\n3|c3b6||62|\n"


def ascii_database(t):
    name = t.other_database("ascii", "ENCODING 'SQL_ASCII' LC_COLLATE 'C' LC_CTYPE 'C' TEMPLATE template0")
    return lambda sql: t.server.run(name, sql)


def result(run, t, path, plan):
    columns = ["status", "imported", "updated", "skipped", "rejected", "detail"]
    return json.loads(run(f"SELECT to_jsonb(r) FROM ({t.call('sqlite_import', path, plan).rstrip(';')}) r").out)


def found(run, path, plan):
    return json.loads(run(f"SELECT jsonb_agg(to_jsonb(f)) FROM sqlite_findings({quote(str(path))}, {quote(json.dumps(plan))}) f").out)


@pytest.mark.parametrize("plan", [{}, {"nocase": "lower"}, {"profile": "none", "types": {"VARCHAR(4)": "text"}}])
def test_sql_ascii_takes_the_bytes_as_they_are(t, plan):
    run = ascii_database(t)
    path = t.file("a.db", RAW)
    plan = {"nul": "strip", **plan}
    counts = {f["object"]: (f["severity"], f["message"]) for f in found(run, path, plan) if f["kind"] == "converted_texts"}
    row = result(run, t, path, plan)
    if "profile" not in plan:
        said = "not UTF-8 and loaded as stored, or without NUL characters"
        assert counts == {"t.v": ("info", f"2 texts are {said}"), "t.w": ("info", f"1 text is {said}"), "t.n": ("info", f"1 text is {said}"), "t.z": ("info", f"1 text is {said}")}, counts
    assert row["imported"] == 3 and '"v": 2 texts are not UTF-8' in row["detail"] and '"z": 1 text' in row["detail"], row
    assert run(BYTES).out == STORED
    types = run("SELECT string_agg(format_type(atttypid, atttypmod), ',' ORDER BY attnum) FROM pg_attribute WHERE attrelid = 't'::regclass AND attnum > 0").out.strip()
    kind = "text" if plan.get("nocase") else "citext"
    assert types == f"bigint,text,text,{kind},text", types
    assert run("SELECT ok FROM verify_counts()").out == "t\n"
    assert run(f"SELECT sqlite_plan({quote(str(path))}, p) = p FROM sqlite_plan({quote(str(path))}, {quote(json.dumps(plan))}) p").out == "t\n"


def test_sql_ascii_converts_where_the_plan_says_so(t):
    run = ascii_database(t)
    path = t.file("a.db", "CREATE TABLE t (v TEXT, w TEXT); INSERT INTO t VALUES (CAST(x'f6' AS TEXT), CAST(x'93fa' AS TEXT)), ('ö', CAST(x'ffff' AS TEXT))")
    (v, w) = [f for f in found(run, path, {}) if f["kind"] == "converted_texts"]
    assert v["message"] == "1 text that is not UTF-8 is loaded as stored" and v["fix"]["tables"]["t"]["columns"] == {"v": {"text_encoding": "windows-1252"}}, v
    plan = {"text_encoding": "shift_jis", "tables": {"t": {"columns": {"v": {"text_encoding": "latin1"}}}}}
    row = result(run, t, path, plan)
    assert run("SELECT encode(convert_to(v, 'SQL_ASCII'), 'hex'), encode(w, 'hex') FROM t").out == "c3b6|93fa\nc3b6|ffff\n", row
    assert '"v": 1 text that is not UTF-8 is read as latin1' in row["detail"], row


@pytest.mark.parametrize("plan", [{"on_conflict": "skip"}, {"on_conflict": "update"}, {"existing_rows": "truncate"}, {"existing_rows": "truncate", "excess": "truncate"}])
def test_existing_tables_of_sql_ascii(t, plan):
    run = ascii_database(t)
    path = t.file("a.db", RAW)
    width = 4 if "excess" in plan else 6
    run(f"CREATE EXTENSION citext; CREATE DOMAIN word AS text CHECK (length(VALUE) > 1); CREATE TABLE t (id bigint PRIMARY KEY, v word UNIQUE, w varchar({width}), n citext UNIQUE, z text)")
    for _ in range(2):
        row = result(run, t, path, {"nul": "strip", **plan})
        assert row["status"] == "loaded", row
        expected = STORED.replace("c3a4c3b6c3bc", "c3a4c3b6") if "excess" in plan else STORED
        assert run(BYTES).out == expected, row
    with fails("22P02", 'column "w"', hint="excess" if width == 6 else "on_invalid"):
        run("ALTER TABLE t ALTER w TYPE varchar(3) USING NULL; " + t.call("sqlite_import", path, {"nul": "strip", "existing_rows": "truncate"}))


def test_what_sql_ascii_says_of_such_bytes(t):
    """Keys, orphans, rejected rows and errors of the server whose texts are not UTF-8."""
    run = ascii_database(t)
    path = t.file("a.db", """CREATE TABLE p (code TEXT PRIMARY KEY); INSERT INTO p VALUES (CAST(x'f6' AS TEXT)), (CAST(x'e4' AS TEXT));
        CREATE TABLE t (id INTEGER PRIMARY KEY, code TEXT REFERENCES p, v TEXT);
        INSERT INTO t VALUES (1, CAST(x'f6' AS TEXT), 'a'), (2, CAST(x'fc' AS TEXT), 'b'), (3, NULL, CAST(x'f6' AS TEXT))""")
    assert [f["kind"] for f in found(run, path, {}) if f["severity"] == "blocking"] == ["orphans"], found(run, path, {})
    run(t.call("sqlite_import", path, {"orphans": "reject"}))
    assert run("SELECT id, encode(convert_to(code, 'SQL_ASCII'), 'hex') FROM t ORDER BY 1").out == "1|f6\n3|\n"
    assert run("SELECT source_table, octet_length(\"values\" ->> 'code') > 0 FROM sqlite_migrate.reject").out == "t|t\n"
    run("DROP TABLE t, p")
    for made, sqlstate in [("v text UNIQUE); INSERT INTO t VALUES (9, 'x', convert_from('\\xf6', 'SQL_ASCII'))", "23505"), ("v text CHECK (v < 'z'))", "23514")]:
        run("CREATE TABLE t (id bigint, code text, " + made)
        with fails(sqlstate, "t"):
            # The server itself cannot send such a message to a client of UTF8.
            run("SET client_encoding = 'SQL_ASCII'; " + t.call("sqlite_import", path, {"existing_rows": "append", "include": ["t"], "foreign_keys": False}))
        run("DROP TABLE t")
    path = t.file("b.db", "CREATE TABLE u (v TEXT COLLATE NOCASE UNIQUE); INSERT INTO u VALUES (CAST(x'41f6' AS TEXT)), (CAST(x'41d6' AS TEXT))")
    run(t.call("sqlite_import", path, {}))
    path = t.file("b.db", "CREATE TABLE k (id INTEGER PRIMARY KEY, v TEXT); INSERT INTO k VALUES (1, CAST(x'41f6' AS TEXT))")
    with fails("22P02", 'column "v"'):
        run(t.call("sqlite_import", path, {"tables": {"k": {"columns": {"v": {"type": "bigint"}}}}}))
