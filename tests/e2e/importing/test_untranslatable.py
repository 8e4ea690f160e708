"""What the database's encoding lacks: names and defaults are found before anything is written, and the log spells them."""

import json

import pytest
from test_encodings import in_encoding

import sqlstates as s
from client import fails
from harness import quote

FILE = r"""
    CREATE TABLE "東" (a INTEGER PRIMARY KEY, v TEXT);
    CREATE TABLE "\u{6771}" (a INTEGER PRIMARY KEY, b);
    CREATE TABLE "column" (id INTEGER PRIMARY KEY, "長い" TEXT);
    CREATE TABLE "default" (id INTEGER PRIMARY KEY, é TEXT DEFAULT '長');
    CREATE TABLE "index" (id INTEGER PRIMARY KEY, v TEXT); CREATE INDEX "索引" ON "index" (v);
    CREATE TABLE "check" (id INTEGER PRIMARY KEY, v TEXT CHECK (v <> '短')); CREATE INDEX partial ON "check" (v) WHERE v = '東';
    CREATE TABLE "tâche" (id INTEGER PRIMARY KEY, "été" TEXT DEFAULT 'é');
    INSERT INTO "東" VALUES (1, 'a'); INSERT INTO "\u{6771}" VALUES (1, '\u{6771}'); INSERT INTO "column" VALUES (1, 'a');
    INSERT INTO "default" VALUES (1, 'a'); INSERT INTO "index" VALUES (1, 'a'); INSERT INTO "check" VALUES (1, 'a'); INSERT INTO "tâche" VALUES (1, 'à');"""
TABLE = "a name or a default of the table"
# What cannot be made in LATIN1: which part, which characters.
LACKING = {r"\u{6771}": (TABLE, r"\u{6771}"), "column": (TABLE, r"\u{3044} \u{9577}"), "default": (TABLE, r"\u{9577}"),
           "index": ("an index", r"\u{5f15} \u{7d22}")}
MENDED = {"tables": {r"\u{6771}": {"target": "est"}, "column": {"columns": {r"\u{9577}\u{3044}": {"name": "long"}}},
                     "default": {"columns": {"é": {"default": None}}}, "index": {"indexes": False}}}


def rows(run, query):
    return json.loads(run(f"SELECT coalesce(json_agg(q), '[]') FROM ({query}) q").out)


def test_names_and_defaults_are_found_beforehand(t):
    path = t.file("a.db", FILE)
    run = in_encoding(t, "LATIN1")
    found = [f for f in rows(run, t.call("sqlite_findings", path, {})) if f["severity"] == "blocking"]
    assert {f["object"]: f["message"] for f in found} == {
        table: f"{what} has characters that the database's encoding LATIN1 lacks: {characters}" for table, (what, characters) in LACKING.items()}, found
    with fails(s.UNTRANSLATABLE, "^4 findings stop the import before anything is written", hint="target"):
        run(t.call("sqlite_import", path, {}))
    with fails(s.UNTRANSLATABLE, r"^default: a name or a default .*LATIN1 lacks: \\u\{9577\}$"):
        run(t.call("sqlite_import", path, {"include": ["default"]}))
    # Each is mended as its hint says.
    assert not [f for f in rows(run, t.call("sqlite_findings", path, MENDED)) if f["severity"] == "blocking"]
    assert {r["table"]: r["imported"] for r in rows(run, t.call("sqlite_import", path, MENDED))} == dict.fromkeys(
        ["est", r"\u{6771}", "column", "default", "index", "check", "tâche"], 1)
    in_encoding(t, "EUC_JP")(t.call("sqlite_import", path, {}))


@pytest.mark.parametrize("function", ["sqlite_import", "sqlite_plan"])
def test_a_schema_that_cannot_be(t, function):
    path = t.file("a.db", "CREATE TABLE t (a)")
    with fails(s.UNTRANSLATABLE, r'^the name of schema "\\u\{6771\}" has characters that the database.s encoding LATIN1 lacks'):
        in_encoding(t, "LATIN1")(t.call(function, path, {"schema": r"\u{6771}"}))


def test_a_run_that_goes_on_leaves_them_out_and_logs_them(t):
    path = t.file("a.db", FILE)
    run = in_encoding(t, "LATIN1")
    run(t.call("sqlite_import", path, {"on_error": "continue"}))
    logged = rows(run, "SELECT source_table, target_table, status, imported FROM sqlite_migrate.run_table ORDER BY ordinal")
    assert [(r["source_table"], r["status"], r["imported"]) for r in logged] == [
        (r"\u{6771}", "failed", 0), (r"\u{6771}", "loaded", 1), ("column", "failed", 0), ("default", "failed", 0), ("index", "failed", 0),
        ("check", "loaded", 1), ("tâche", "loaded", 1)], logged
    assert logged[0]["target_table"] == r"\u{6771}"


def test_what_looks_like_an_escape_is_itself(t):
    path = t.file("a.db", FILE)
    run = in_encoding(t, "LATIN1")
    tables = set(run(f"SELECT jsonb_object_keys(sqlite_plan({quote(str(path))}) -> 'tables')").out.split())
    assert {r"\u{6771}", r"\u{5c}u{6771}"} <= tables, tables
    assert run(f"SELECT sqlite_plan({quote(str(path))}, p) = p FROM sqlite_plan({quote(str(path))}) p").out == "t\n"
    given = {"include": ["?u?6771?"], "tables": {r"\u{5c}u{6771}": {"target": "itself"}}}
    assert [(r["table"], r["imported"]) for r in rows(run, t.call("sqlite_import", path, given))] == [("itself", 1)]


def test_a_value_is_not_advised_to_become_text(t):
    path = t.file("a.db", "CREATE TABLE t (id INTEGER PRIMARY KEY, v TEXT); INSERT INTO t VALUES (1, '東')")
    run = in_encoding(t, "LATIN1")
    with fails(s.UNTRANSLATABLE, r"Row with rowid 1: the text value '\\u\{6771\}' cannot become text", hint='to "null" or "reject", or'):
        run(t.call("sqlite_import", path, {}))
    for policy, imported in (("null", 1), ("reject", 0)):
        columns = {"schema": policy, "tables": {"t": {"columns": {"v": {"on_invalid": policy}}}}}
        assert rows(run, t.call("sqlite_import", path, columns))[0]["imported"] == imported


# The file's tables, what the plan says, what the hint says, and the ways of following it: SQL and a change of the plan.
HINTS = {
    "schema": ("CREATE TABLE t (a);", {"schema": r"\u{6771}"}, "^Set another schema for the plan or the table", [("", {"schema": "app"})]),
    "schema of a table": ("CREATE TABLE t (a);", {"tables": {"t": {"schema": r"\u{6771}"}}}, "^Set another schema for the plan or the table", [("", {"tables": {"t": {"schema": "app"}}})]),
    "table": ('CREATE TABLE "東" (a);', {}, r'Set plan\.tables\."?\\u\{6771\}"?\.target', [("", {"tables": {r"\u{6771}": {"target": "est"}}})]),
    "column": ('CREATE TABLE t ("東");', {}, r"name and default in plan\.tables\.t\.columns", [("", {"tables": {"t": {"columns": {r"\u{6771}": {"name": "est"}}}}})]),
    "default": ("CREATE TABLE t (a TEXT DEFAULT '東', b);", {}, r"name and default in plan\.tables\.t\.columns", [("", {"tables": {"t": {"columns": {"a": {"default": word}}}}}) for word in (None, "'est'")]),
    "unique key": ('CREATE TABLE t (a TEXT CONSTRAINT "東" UNIQUE, b);', {}, "Create the table before the import, with the key under another name", [("CREATE TABLE t (a text UNIQUE, b text)", {})]),
    "primary key": ('CREATE TABLE t (a TEXT, b, CONSTRAINT "東" PRIMARY KEY (a, b));', {}, "Create the table before the import, with the key under another name", [("CREATE TABLE t (a text, b text, PRIMARY KEY (a, b))", {})]),
    "index": ('CREATE TABLE t (a TEXT); CREATE INDEX "東" ON t (a);', {}, r"Set plan\.tables\.t\.indexes to false", [("", {"tables": {"t": {"indexes": False}}})]),
    "foreign key": ('CREATE TABLE p (id INTEGER PRIMARY KEY); CREATE TABLE t (a INTEGER CONSTRAINT "東" REFERENCES p);', {}, r"Set plan\.tables\.t\.foreign_keys to false", [("", {"tables": {"t": {"foreign_keys": False}}})]),
    "check": ("CREATE TABLE t (a TEXT CONSTRAINT \"東\" CHECK (a <> 'x'));", {}, r"Set plan\.tables\.t\.checks to false", [("", {"tables": {"t": {"checks": False}}})]),
}


@pytest.mark.parametrize("name", HINTS)
def test_a_hint_is_followed(t, name):
    tables, plan, hint, ways = HINTS[name]
    path = t.file("a.db", tables)
    run = in_encoding(t, "LATIN1")
    with fails(s.UNTRANSLATABLE, "LATIN1 lacks", hint=hint):
        run(t.call("sqlite_import", path, plan))
    for sql, change in ways:
        run(f"BEGIN; {sql}; {t.call('sqlite_import', path, change)}; ROLLBACK")
