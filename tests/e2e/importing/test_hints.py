"""What a hint advises works: each is followed, in every way that it names, and what it was about is gone then."""

import copy
import json
import re

import psycopg
import pytest

from harness import quote

T = "plan.tables.t"
ROWS = "CREATE TABLE t (id INTEGER PRIMARY KEY, v TEXT); INSERT INTO t VALUES (1, 'a'), (2, 'b');"
EMPTY = "CREATE TABLE t (id int PRIMARY KEY, v text);"
THERE = EMPTY + "INSERT INTO t VALUES (7, 'old');"
MINE = EMPTY + "INSERT INTO t VALUES (1, 'mine');"
ORPHAN = "CREATE TABLE p (id INTEGER PRIMARY KEY); CREATE TABLE t (id INTEGER PRIMARY KEY, p INTEGER {} REFERENCES p); INSERT INTO p VALUES (5); INSERT INTO t VALUES (1, 9), (2, 5);"
KEYED = "CREATE TABLE p (id int PRIMARY KEY); CREATE TABLE t (id int PRIMARY KEY, v int {} REFERENCES p);"
CHILD = "CREATE TABLE t (id INTEGER PRIMARY KEY, v INTEGER); INSERT INTO t VALUES (1, 9);"
NEGATIVE = "PRAGMA ignore_check_constraints = ON; CREATE TABLE t (id INTEGER PRIMARY KEY, v INTEGER CHECK (v > 0)); INSERT INTO t VALUES (1, -1);"
NUMBERS = "CREATE TABLE t (id INTEGER, v INTEGER); INSERT INTO t VALUES (1, 5), (2, 7);"
LONG = "INSERT INTO t SELECT hex(randomblob(4000))"
FOLDED = "CREATE TABLE t (k TEXT COLLATE NOCASE UNIQUE); INSERT INTO t VALUES ('ä'), ('Ä');"
ME = "CREATE ROLE {0} IN ROLE pg_read_server_files; CREATE SCHEMA s; SET ROLE {0};"
TRIGGER = "CREATE FUNCTION f() RETURNS trigger LANGUAGE plpgsql AS $${}$$; CREATE TRIGGER g {} EXECUTE FUNCTION f();"
READS = ROWS + "CREATE VIEW w AS SELECT {} FROM t;"
ENDLESS = "CREATE VIEW w AS WITH RECURSIVE c (n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM c) SELECT n FROM c;"
FIRES = ROWS + "CREATE TRIGGER g AFTER INSERT ON t BEGIN {}; END;"
SEARCHED = "CREATE VIRTUAL TABLE f USING fts5(v); INSERT INTO f VALUES ('brown fox');"
OVER = "CREATE VIRTUAL TABLE f USING fts5(v, content=t, content_rowid=id);"
COMPUTED = "CREATE VIRTUAL TABLE d USING fts5(a); INSERT INTO d VALUES ('alpha'); CREATE VIRTUAL TABLE w USING fts5vocab(d, row);"


def table(**keys):
    return {"tables": {"t": keys}}


def column(name, /, **keys):
    return table(columns={name: keys})


# What the target has, the file's tables, the plan, what the hint says, and the ways of following it: a change of the plan,
# the key to be removed from it, or SQL and a change of the plan.
CASES = {
    "orphans": ("", ORPHAN.format(""), {}, f'Set {T}.orphans to "keep" to leave the constraint NOT VALID, {T}.orphans to "null" or "reject", which changes 1 row, or correct', [{"orphans": word} for word in ("reject", "null", "keep")]),
    "orphans, not null": ("", ORPHAN.format("NOT NULL"), {}, f'Set {T}.orphans to "keep" to leave the constraint NOT VALID, {T}.orphans to "reject", which changes 1 row, or correct', [{"orphans": word} for word in ("reject", "keep")]),
    "orphans, made null": ("", ORPHAN.format("NOT NULL"), {"orphans": "null"}, f'Set {T}.orphans to "keep" or "reject", which changes 1 row, or the column\'s nullable to true',
                           [table(orphans="reject"), table(orphans="keep"), column("p", nullable=True)]),
    "existing orphans": (KEYED.format(""), CHILD, {}, 'orphans to "null" or "reject"', [table(orphans="reject"), table(orphans="null"), ("INSERT INTO p VALUES (9)", {})]),
    "existing orphans, kept": (KEYED.format(""), CHILD, {"orphans": "keep"}, f'Set {T}.orphans to "error", "null" or "reject"',
                               [("INSERT INTO p VALUES (9)", table(orphans="error")), table(orphans="reject"), table(orphans="null")]),
    "existing orphans, not null": (KEYED.format("NOT NULL"), CHILD, {}, r'orphans to "reject"[.,]', [table(orphans="reject")]),
    "existing orphans, made null": (KEYED.format("NOT NULL"), CHILD, {"orphans": "null"}, f'Set {T}.orphans to "reject"', [table(orphans="reject")]),
    "null in a key": ("", "CREATE TABLE t (k TEXT, PRIMARY KEY (k)); INSERT INTO t VALUES (NULL), ('a');", {}, f'Set {T}.keys to "as_data_allows"', [{"keys": "as_data_allows"}]),
    "null, explicitly": ("", "CREATE TABLE t (v TEXT); INSERT INTO t VALUES (NULL);", column("v", nullable=False), rf"^Set {T}\.columns\.v\.nullable to true\.", [column("v", nullable=True)]),
    "null in existing": ("CREATE TABLE t (id int, v text NOT NULL);", "CREATE TABLE t (id INTEGER, v TEXT); INSERT INTO t VALUES (1, NULL), (2, 'b');", {}, f'Set {T}.columns.v.on_invalid to "reject"', [column("v", on_invalid="reject")]),
    "check": ("", NEGATIVE, {}, f'Set {T}.keys to "as_data_allows" to leave the constraint NOT VALID, or checks to false', [table(checks=False), {"keys": "as_data_allows"}]),
    "check, to be validated": ("", NEGATIVE, {"keys": "as_data_allows"}, "Correct the rows and run ALTER TABLE . VALIDATE CONSTRAINT", [{"after": ["UPDATE t SET v = 1", "ALTER TABLE t VALIDATE CONSTRAINT t_v_check"]}]),
    "check, not translated": ("", "CREATE TABLE t (a TEXT CHECK (printf('%q', a) <> 'x'));", {}, "Add the constraint in after", [{"after": "ALTER TABLE t ADD CHECK (a <> 'x')"}]),
    "index, not translated": ("", "CREATE TABLE t (a TEXT); CREATE INDEX i ON t (printf('%q', a));", {}, "Create a PostgreSQL index in after", [{"after": "CREATE INDEX i ON t (quote_literal(a))"}]),
    "index over a long value": ("", f"CREATE TABLE t (a TEXT); CREATE INDEX i ON t (a); {LONG}", {}, f'Set {T}.keys to "as_data_allows" for an index on a hash', [{"keys": "as_data_allows"}, {"indexes": False, "after": "CREATE INDEX i ON t USING hash (a)"}]),
    "key over a long value": ("", f"CREATE TABLE t (a TEXT PRIMARY KEY); {LONG}", {}, f'Set {T}.keys to "as_data_allows" for an index on a hash', [{"keys": "as_data_allows"}, ("CREATE TABLE t (a text)", {"create": "never"}), ("CREATE TABLE t (a text)", {})]),
    "value": ("", ROWS, column("v", type="integer"), f'Set {T}.columns.v.on_invalid to "text", "null" or "reject", or its type', [column("v", on_invalid=word) for word in ("null", "reject", "text")] + [column("v", type="text")]),
    "value, widened": ("", ROWS, column("v", type="integer", on_invalid="text"), f"Set {T}.columns.v.on_invalid to another value to keep the type", [column("v", on_invalid="null"), column("v", on_invalid="reject")]),
    "value, no profile": ("", ROWS, {"profile": "none", **column("v", type="integer", on_invalid="text")}, 'Set profile to "full", or on_invalid to "null" or "reject"', [{"profile": "full"}, column("v", on_invalid="null"), column("v", on_invalid="reject")]),
    "value, existing": ("CREATE TABLE t (id int, v int);", ROWS, {}, 'on_invalid to "null" or "reject"', [column("v", on_invalid="null"), column("v", on_invalid="reject")]),
    "value, existing, not null": ("CREATE TABLE t (id int, v int NOT NULL);", ROWS, {}, 'on_invalid to "reject"', [column("v", on_invalid="reject")]),
    "epoch, existing": ("CREATE TABLE t (id int, v timestamptz);", NUMBERS, {}, f'on_invalid to "null" or "reject", or set {T}.columns.v.format', [column("v", format="unixepoch"), column("v", on_invalid="null"), column("v", on_invalid="reject")]),
    "duration, existing": ("CREATE TABLE t (id int, v interval);", NUMBERS, {}, f"set {T}.columns.v.format", [column("v", format="seconds")]),
    "list, existing": ("CREATE TABLE t (id int, v text[]);", "CREATE TABLE t (id INTEGER, v TEXT); INSERT INTO t VALUES (1, '{a,b');", {}, f'set {T}.columns.v.format to "comma"', [column("v", format="comma"), column("v", on_invalid="null")]),
    "type, existing": ("CREATE TABLE t (id int, v text);", ROWS, column("v", type="varchar(9)"), rf"^Remove {T}\.columns\.v\.type\.", ["tables"]),
    "rows": (THERE, ROWS, {}, f'Set {T}.existing_rows to "append", "truncate" or "replace", or on_conflict to "skip" or "update"',
             [{"existing_rows": word} for word in ("append", "truncate", "replace")] + [{"on_conflict": word} for word in ("skip", "update")]),
    "rows, never created": (THERE, ROWS, {"create": "never"}, f'Set {T}.existing_rows to "append" or "truncate", or on_conflict to "skip" or "update"',
                            [{"existing_rows": word} for word in ("append", "truncate")] + [{"on_conflict": word} for word in ("skip", "update")]),
    "rows, always created": (THERE, ROWS, {"create": "always"}, f'Set {T}.create to "auto", or existing_rows to "replace", or choose another schema or target',
                             [{"create": "auto", "existing_rows": "append"}, {"existing_rows": "replace"}, {"schema": "other"}, table(target="u")]),
    "rows, never replaced": (THERE, ROWS, {"create": "never", "existing_rows": "replace"}, f'Set {T}.create to "auto", or existing_rows to another value', [{"existing_rows": "append"}, {"create": "auto"}]),
    "no table": ("", ROWS, {"create": "never"}, f'Set {T}.create to "auto", {T}.target to an existing table, or {T}.skip to true', [("CREATE TABLE u (id int, v text)", table(target="u")), table(skip=True)]),
    "no schema": ("", ROWS, {"create": "never", "schema": "nowhere"}, 'Set plan.create to "auto", or schema to an existing one', [(EMPTY, {"schema": "public"}), {"create": "auto"}]),
    "view": ("CREATE TABLE u (id int, v text); CREATE VIEW t AS SELECT * FROM u;", ROWS, {"existing_rows": "truncate"}, f'Set {T}.existing_rows to "append"', [{"existing_rows": "append"}]),
    "several tables": ('CREATE TABLE "Item" (id int, v text); CREATE TABLE "ITEM" (id int, v text);', ROWS.replace(" t ", " item "), {}, "Set plan.tables.item.target to the table's name", [{"tables": {"item": {"target": name}}} for name in ("Item", "ITEM")]),
    "another table": ('CREATE TABLE "T" (id int, v text);', ROWS, {}, f"Set {T}.target if another table is meant", [("CREATE TABLE u (id int, v text)", table(target="u"))]),
    "another's table": ("CREATE ROLE {0}; GRANT CREATE ON SCHEMA public TO {0}; SET ROLE {0}; " + EMPTY + " RESET ROLE;", ROWS, {}, f'Set {T}.target to "t" if that is what you want, or create to "never"; or choose another schema', [table(target="t"), {"create": "never"}, {"schema": "other"}]),
    "several columns": ('CREATE TABLE t (id int, "Vv" text, "VV" text);', ROWS.replace("v TEXT", "vv TEXT"), {}, f"Set {T}.columns.vv.name to the column's name, or skip the column", [column("vv", name="VV"), column("vv", skip=True)]),
    "another column": ('CREATE TABLE t (id int, "V" text, w text);', ROWS, {}, f"Set name in {T}.columns if others are meant", [column("v", name="w")]),
    "no column": ("CREATE TABLE t (id int);", ROWS, {}, f"Set {T}.columns.v.skip to true to leave its 2 values out, or {T}.columns.v.name to an existing column", [("ALTER TABLE t ADD w text", column("v", name="w")), column("v", skip=True)]),
    "no value": ("CREATE TABLE t (id int, v text, w text NOT NULL);", ROWS, {}, f"Set name of a column in {T}.columns, or give the existing column a default", [column("v", name="w"), ("ALTER TABLE t ALTER w SET DEFAULT 'x'", {})]),
    "referenced": (THERE + "CREATE TABLE c (t int REFERENCES t); INSERT INTO c VALUES (7);", ROWS + "CREATE TABLE c (t INTEGER); INSERT INTO c VALUES (1);", {"include": ["t"], "existing_rows": "truncate"},
                   f'Set {T}.existing_rows to "append", or truncate those tables in the same plan', [{"include": ["t", "c"]}, {"existing_rows": "append"}]),
    "several keys": ("CREATE TABLE t (id int UNIQUE, v text UNIQUE); INSERT INTO t VALUES (1, 'a');", ROWS, {"on_conflict": "skip"}, f'Set {T}.conflict_target to "t_id_key" or "t_v_key"', [table(conflict_target="t_id_key"), table(conflict_target="t_v_key")]),
    "another key": ("CREATE TABLE t (id int UNIQUE, v text); INSERT INTO t VALUES (1, 'a');", ROWS, {"on_conflict": "skip", **table(conflict_target="nothing")}, f'Set {T}.conflict_target to "t_id_key"', [table(conflict_target="t_id_key")]),
    "no key": ("CREATE TABLE t (id int, v text); INSERT INTO t VALUES (1, 'a');", ROWS, {"on_conflict": "skip"}, f'Set {T}.on_conflict to "error"', [table(on_conflict="error", existing_rows="append")]),
    "no effect": (EMPTY, ROWS, table(checks=False), f'Remove {T}.checks, or set existing_rows to "replace"', ["tables", {"existing_rows": "replace"}]),
    "no effect, never created": (EMPTY, ROWS, {"create": "never", **table(checks=False)}, rf"^Remove {T}\.checks\.$", ["tables"]),
    "no effect, on conflict": (EMPTY, ROWS, table(conflict_target="t_pkey"), f'Remove {T}.conflict_target, or set on_conflict to "skip" or "update"', ["tables", {"on_conflict": "skip"}, {"on_conflict": "update"}]),
    "no effect, new": ("", ROWS, table(conflict_target="t_pkey"), rf"^Remove {T}\.conflict_target\.$", ["tables"]),
    "kept": (EMPTY, ROWS, {}, f'Set {T}.existing_rows to "replace" to drop and create it', [{"existing_rows": "replace"}]),
    "skipped, other values": (MINE, ROWS, {"on_conflict": "skip"}, f'Set {T}.on_conflict to "update"', [table(on_conflict="update")]),
    "skipped, another row": ("CREATE TABLE t (id int PRIMARY KEY, v text UNIQUE); INSERT INTO t VALUES (1, 'mine');", ROWS, {"on_conflict": "skip", **table(conflict_target="t_pkey")},
                             f'set {T}.on_conflict to "update" to .*, or {T}.existing_rows to "truncate" to .*, or {T}.where to leave', [table(on_conflict="update"), table(existing_rows="truncate"), table(where="id > 1")]),
    "same keys": (MINE, ROWS, {"existing_rows": "append"}, f'set {T}.conflict_target to the key and {T}.on_conflict to "skip" or "update"', [table(conflict_target="t_pkey", on_conflict=word) for word in ("skip", "update")]),
    "default": ("", "CREATE TABLE t (v TEXT DEFAULT (nosuch(1)));", {}, f"Set {T}.columns.v.default to a PostgreSQL expression", [column("v", default="upper('x')")]),
    "default of the plan": ("", ROWS, column("v", default="nosuch(1)"), f"Correct {T}.columns.v.default", [column("v", default="'x'")]),
    "generated": ("", "CREATE TABLE t (a INTEGER, v TEXT AS (printf('%q', a)));", {}, f"Set {T}.columns.v.generated to a PostgreSQL expression", [column("v", generated="(a::text)")]),
    "generated, decimal": ("", "CREATE TABLE t (a NUMERIC(10,2), b NUMERIC(10,2) AS (a * 2)); INSERT INTO t VALUES (1.5);", {"types": {"NUMERIC": "numeric(10,2)"}}, f"Set {T}.columns.b.generated to false", [column("b", generated=False)]),
    "columns, none": ("", "CREATE TABLE t (a TEXT); CREATE TABLE u (a TEXT);", column("a", skip=True), f"Set {T}.skip to true", [table(skip=True)]),
    "columns, too many": ("", f"CREATE TABLE t ({', '.join(f'c{n} TEXT' for n in range(1601))});", {}, f"Leave some out with skip in {T}.columns", [column("c1600", skip=True)]),
    "log's schema": ("", ROWS, {"schema": "sqlite_migrate"}, "Set another schema for the plan or the table", [{"schema": "public"}]),
    "nothing included": ("", ROWS, {"include": []}, "Leave the key out for all tables", ["include"]),
    "time zone": ("", ROWS, {"timezone": "Mars"}, 'Use a name such as "Europe/Berlin"', [{"timezone": "Europe/Berlin"}]),
    "type": ("", ROWS, column("v", type="moood"), "Name a type of this database, with its schema where needed", [("CREATE DOMAIN moood AS text", column("v", type="public.moood"))]),
    "declared type": ("", ROWS, {"types": {"TEXXT": "text"}}, "Check the spelling of the plan's types", ["types"]),
    "long name": ("", f"CREATE TABLE {'t' * 70} (id INTEGER);", {}, "Set plan.tables.t+.target to another name", [{"tables": {"t" * 70: {"target": "short"}}}]),
    "triggers": (EMPTY + TRIGGER.format("BEGIN RETURN NEW; END", "BEFORE INSERT ON t FOR EACH ROW"), ROWS, {}, f"Set {T}.fire_triggers to true to fire them", [table(fire_triggers=True)]),
    "triggers that take rows": (EMPTY + "CREATE TABLE z (id int);" + TRIGGER.format("BEGIN DELETE FROM t; RETURN NULL; END", "AFTER INSERT ON z FOR EACH STATEMENT"), ROWS + "CREATE TABLE z (id INTEGER); INSERT INTO z VALUES (1);",
                                {"fire_triggers": True}, 'Set "fire_triggers" to false, disable the', [{"fire_triggers": False}, ("ALTER TABLE z DISABLE TRIGGER g", {})]),
    "after that takes rows": ("", ROWS, {"after": "DELETE FROM t"}, 'Run the statement after the import instead, or set "verify" to "none"', ["after", {"verify": "none"}]),
    "json": ("", "CREATE TABLE t (v TEXT); INSERT INTO t VALUES ('{}'), ('[1, 2]');", {}, f'Set {T}.columns.v.type to "jsonb" to convert it', [column("v", type="jsonb")]),
    "boolean": ("", "CREATE TABLE kysely_migration (name TEXT, timestamp TEXT); CREATE TABLE t (v INTEGER); INSERT INTO t VALUES (0), (1);", {}, f'Set {T}.columns.v.type to "boolean" if it is a boolean', [column("v", type="boolean")]),
    "nocase, folded": ("", FOLDED, {}, f'Set {T}.nocase to "lower"', [table(nocase="lower")]),
    "nocase, lower": ("", "CREATE TABLE t (k TEXT COLLATE NOCASE UNIQUE);", {"nocase": "lower"}, f'Set {T}.nocase to "citext" to ignore case everywhere', [{"nocase": "citext"}]),
    "nocase, none": ("", "CREATE TABLE t (k TEXT COLLATE NOCASE UNIQUE);", {"nocase": "none"}, f'Set {T}.nocase to "citext" or "lower"', [{"nocase": "citext"}, {"nocase": "lower"}]),
    "nocase, primary key": ("", "CREATE TABLE t (k TEXT COLLATE NOCASE, PRIMARY KEY (k COLLATE BINARY));", {}, f'Set {T}.nocase to "lower" for a primary key', [table(nocase="lower")]),
    "another's sequence": (ME + "RESET ROLE; CREATE TABLE t (id int, v text); CREATE SEQUENCE q; ALTER TABLE t ALTER id SET DEFAULT nextval('q'); ALTER TABLE t OWNER TO {0}; SET ROLE {0};", ROWS, {}, f"Set {T}.reset_sequences to false", [table(reset_sequences=False)]),
    "no right to create": (ME, ROWS, {"schema": "s"}, 'Run GRANT CREATE, USAGE ON SCHEMA "s" TO .*, or choose another schema in the plan',
                           [("RESET ROLE; GRANT CREATE, USAGE ON SCHEMA s TO {0}; SET ROLE {0}", {}), ("RESET ROLE; GRANT CREATE ON SCHEMA public TO {0}; SET ROLE {0}", {"schema": "public"})]),
    "no right to files": ("CREATE ROLE {0}; GRANT CREATE ON SCHEMA public TO {0}; SET ROLE {0};", ROWS, {}, "GRANT pg_read_server_files TO the role", [("RESET ROLE; GRANT pg_read_server_files TO {0}; SET ROLE {0}", {})]),
    "migration records": ("CREATE TABLE alembic_version (version_num text PRIMARY KEY);", ROWS + "CREATE TABLE alembic_version (version_num TEXT PRIMARY KEY); INSERT INTO alembic_version VALUES ('1');", {},
                          "Set plan.tables.alembic_version.skip to false to load them", [{"tables": {"alembic_version": {"skip": False}}}]),
    # Views, triggers, full text, R*Trees, virtual tables.
    "view, not translated": ("", READS.format("title_sort(v) AS s"), {}, "Finish the SELECT where it has « », and set plan.views.w.sql to it", [{"views": {"w": {"sql": "SELECT upper(v) AS s FROM public.t"}}}]),
    "view, own text": ("", READS.format("v"), {"views": {"w": {"sql": "SELECT nothing FROM public.t"}}}, "Correct plan.views.w.sql", [{"views": {"w": {"sql": "SELECT v FROM public.t"}}}]),
    "view, strict": ("", READS.format("id + 1"), {"strict": True}, "Set plan.strict to false to carry over what rests", [{"strict": False}]),
    "view, left out": ("", READS.format("v"), {"views": False}, "Set plan.views to true to carry all of them over", [{"views": True}]),
    "view, endless": ("", ROWS + ENDLESS, {"views": {"table": ["*"]}}, "List in plan.views.table only views that end, or set plan.views.w.sql to a SELECT that ends",
                      [{"views": True}, {"views": {"table": ["*"], "w": {"sql": "SELECT 1 AS n"}}}]),
    "view, there": ("CREATE VIEW w AS SELECT 1 AS v;", READS.format("v"), {}, 'Set plan.existing_rows to "replace" to replace existing tables and views', [{"existing_rows": "replace"}]),
    "view, in the way": ("CREATE TABLE w (v text);", READS.format("v"), {}, "Create it in after, under a name that is free", [{"after": "CREATE VIEW w2 AS SELECT v FROM public.t"}]),
    "trigger, not translated": ("", FIRES.format("SELECT title_sort(NEW.v)"), {}, "Finish the statements where they have « », and set plan.triggers.g.sql to them",
                                [{"triggers": {"g": {"sql": TRIGGER.format("BEGIN RETURN NEW; END", "BEFORE INSERT ON public.t FOR EACH ROW").replace("f()", "public.f()")}}}]),
    "trigger, strict": ("", FIRES.format("UPDATE t SET v = 'x' WHERE id = NEW.id + 1"), {"strict": True}, "Set plan.strict to false to carry over what rests", [{"strict": False}]),
    "trigger, left out": ("", FIRES.format("DELETE FROM t WHERE id = 9"), {"triggers": False}, "Set plan.triggers to true to carry all of them over", [{"triggers": True}]),
    "trigger, kept": (EMPTY, FIRES.format("DELETE FROM t WHERE id = 9"), {}, f'Set {T}.existing_rows to "replace" to make the table anew, or create the trigger in after',
                      [table(existing_rows="replace"), {"after": TRIGGER.format("BEGIN RETURN NEW; END", "BEFORE INSERT ON public.t FOR EACH ROW").rstrip(";").replace("; CREATE", ";|CREATE").split(";|")}]),
    "trigger, of a kept view": ("CREATE VIEW w AS SELECT 'x'::text AS v;", READS.format("v") + "CREATE TRIGGER g INSTEAD OF INSERT ON w BEGIN DELETE FROM t WHERE id = 9; END;", {},
                                'Set plan.existing_rows to "replace" to make the view anew, or create the trigger in after', [{"existing_rows": "replace"}]),
    "full text, without helpers": ("", SEARCHED, {"helpers": False}, "Set plan.helpers to true", [{"helpers": True}]),
    "full text, a configuration": ("", SEARCHED, {"fts": {"config": "nothing"}}, "Set plan.tables.f.fts to true to search as SQLite does", [{"tables": {"f": {"fts": True}}}]),
    "full text, without the key": ("", ROWS + OVER, {"fts": False}, f"Set {T}.fts to true for a search vector", [table(fts=True)]),
    "full text, of a view": ("", ROWS + "CREATE VIEW w AS SELECT id, v FROM t;" + OVER.replace("content=t", "content=w"), {}, "Set plan.tables.f.skip to false to load its rows into an ordinary table", [{"tables": {"f": {"skip": False}}}]),
    "full text, without texts": ("", ROWS + "CREATE VIRTUAL TABLE f USING fts5(v, content=''); INSERT INTO f (rowid, v) VALUES (1, 'a');", {}, "Create a text search index in after, where the texts are",
                                 [{"after": "CREATE INDEX ON public.t USING gin (to_tsvector('simple', v))"}]),
    "module, computed": ("", ROWS + COMPUTED, {}, "Set plan.tables.w.skip to false to load its rows into an ordinary table", [{"tables": {"w": {"skip": False}}}]),
    "r*tree, no number": ("", "CREATE VIRTUAL TABLE t USING rtree(id, x0, x1); INSERT INTO t VALUES (1, 2, 3);", column("x0", type="text"), "Create a PostgreSQL index in after",
                          [{"after": "CREATE INDEX ON public.t (x0, x1)"}, column("x0", type="double precision")]),
    "computed, in a view": ("", "CREATE TABLE t (a INTEGER, v INTEGER AS (a * 2)); INSERT INTO t VALUES (1);", {"generated": "view"}, "Read the view where the column is needed",
                            [{"after": "CREATE VIEW w AS SELECT v FROM public.t_with_generated"}]),
}


def changed(plan, change):
    plan = copy.deepcopy(plan)
    for key, value in change.items():
        plan[key] = changed(plan[key], value) if isinstance(value, dict) and isinstance(plan.get(key), dict) else value
    return plan


def told(t, session, path, plan):
    """Messages and hints of an import, beforehand and afterwards, and its error. Nothing of it stays."""
    of_run = "SELECT object || ': ' || message, hint FROM sqlite_migrate.finding WHERE run = (SELECT max(id) FROM sqlite_migrate.run)"
    beforehand = t.call("sqlite_findings", path, plan).replace("*", "object || ': ' || message, hint", 1)
    hints, error = [], None
    for script in (beforehand, f"{t.call('sqlite_import', path, plan)}; RESET ROLE; {of_run}"):
        session.run("SAVEPOINT told")
        result = session.attempt(script)
        session.run("ROLLBACK TO told")
        error = result.error
        hints += [(error.message, error.hint)] if error else [row for row in result.rows if len(row) == 2]
    return hints, error


@pytest.mark.parametrize("name", CASES)
def test_a_hint_is_followed(t, name):
    if name.startswith("nocase, "):
        t.needs("citext")
    there, tables, plan, hint, ways = CASES[name]
    role = f'"{t.database}"'
    path, session = t.file("h.db", tables), t.session()
    session.run("BEGIN; " + there.replace("{0}", role))
    hints, _ = told(t, session, path, plan)
    about = {message for message, advice in hints if re.search(hint, advice or "")}
    assert about, f"no hint says {hint!r}: {hints}"
    for way in ways:
        sql, change = way if isinstance(way, tuple) else ("", way)
        followed = {key: value for key, value in plan.items() if key != change} if isinstance(change, str) else changed(plan, change)
        session.run("ROLLBACK; BEGIN; " + (there + sql).replace("{0}", role))
        hints, error = told(t, session, path, followed)
        assert not error, f"{way}: {error}"
        # What is made in "after" is still left out of the plan.
        assert "after" in change or not about & {message for message, _ in hints}, (way, hints)
    session.run("ROLLBACK")
