"""What PostgreSQL would refuse when a table, its keys, indexes and checks are made is known before anything is written, and
the import goes through without it."""

import json
import re

import pytest

# Types that the file knows nothing of: without an order, and with one.
TYPES = """CREATE SCHEMA app;
CREATE DOMAIN app.document AS json; CREATE DOMAIN app.code AS text; CREATE TYPE app.mood AS ENUM ('good', 'bad');
CREATE DOMAIN app.place AS point; CREATE FUNCTION app.of_the_day(integer) RETURNS integer LANGUAGE sql STABLE AS 'SELECT $1 + extract(day FROM now())::integer'"""


def leftovers(t, path, plan=None):
    """The findings of parts that PostgreSQL refuses, by object; afterwards nothing is left of the trial."""
    said = {f["object"]: f for f in t.findings(path, plan) if "PostgreSQL refuses it" in f["message"]}
    assert t.value("SELECT count(*) FROM pg_class WHERE relname LIKE '%trial%'") == "0"
    return said


def made(t, table):
    """Names of its indexes and constraints, but for its NOT NULLs."""
    return {row["n"] for row in t.rows(
        f"SELECT conname AS n FROM pg_constraint WHERE conrelid = '{table}'::regclass AND contype <> 'n'"
        f" UNION SELECT indexrelid::regclass::text FROM pg_index WHERE indrelid = '{table}'::regclass")}


@pytest.mark.parametrize("pg_type, value, ordered", [
    ("app.document", "{}", False), ("app.place", "(1,2)", False), ("tid", "(0,1)", True), ("app.code", "x", True), ("app.mood", "good", True), ("pg_lsn", "0/1", True)])
def test_keys_over_types_without_an_order(t, pg_type, value, ordered):
    """Primary keys, unique constraints and indexes over the plan's types: those that cannot be are left out, the rest is made."""
    t.sql(TYPES)
    path = t.file("k.db", f"""CREATE TABLE k (k TEXT PRIMARY KEY, u TEXT CONSTRAINT unlike UNIQUE, x TEXT, n INTEGER CHECK (n > 0));
        CREATE INDEX i ON k (n, x DESC); CREATE INDEX number ON k (n); INSERT INTO k VALUES ('{value}', '{value}', '{value}', 1)""")
    plan = {"tables": {"k": {"columns": {c: {"type": pg_type} for c in "kux"}}}}
    said = leftovers(t, path, plan)
    assert set(said) == (set() if ordered else {"primary key of k", "unique constraint on k(u)", "index i"}), said
    assert all(f["severity"] == "warning" and "operator class" in f["message"] for f in said.values()), said
    assert t.import_(path, plan)["k"]["status"] == "loaded"
    always, others = {"number", "k_n_check"}, {"k_pkey", "unlike", "i"}
    assert made(t, "k") == (always | others if ordered else always)


@pytest.mark.parametrize("pg_type", ["json", "app.document", "xml"])
def test_expressions_over_types_without_operators(t, pg_type):
    """Translations are made for the families of types; a type of the plan's may not have the operator."""
    t.needs(*["xml"] * (pg_type == "xml"))
    t.sql(TYPES)
    path = t.file("x.db", """CREATE TABLE x (id INTEGER PRIMARY KEY, d TEXT, n INTEGER, g TEXT AS (d || 'x'), CONSTRAINT filled CHECK (d <> ''), CHECK (n > 0), CHECK (coalesce(d, 'a') = d));
        CREATE INDEX x_expression ON x (coalesce(d, '{}')); CREATE INDEX x_partial ON x (n) WHERE d = '{}'; CREATE UNIQUE INDEX x_null ON x (n) WHERE d IS NULL; CREATE INDEX x_upper ON x (n, upper(d)); CREATE INDEX x_sum ON x (n + 1);
        INSERT INTO x (d, n) VALUES ('{}', 1), (NULL, 2)""")
    plan = {"tables": {"x": {"columns": {"d": {"type": pg_type, **({"on_invalid": "null"} if pg_type == "xml" else {})}}}}}
    warnings = [f for f in t.findings(path, plan) if f["severity"] == "warning"]
    about = {f["object"]: f["message"] for f in warnings}
    left = t.import_(path, plan)
    assert left["x"]["status"] == "loaded"
    kept = made(t, "x")
    named = {name.split(".")[-1].strip('"') for name in kept}
    # The rest is there; whatever is not was told of, with the words of the file.
    assert {"x_pkey", "x_n_check", "x_null", "x_sum"} <= named, (pg_type, named)
    for object_, name, words in (("check filled of x", "filled", "d <> ''"), ("index x_expression", "x_expression", "coalesce(d, '{}')"), ("index x_partial", "x_partial", "WHERE d = '{}'"), ("index x_upper", "x_upper", "upper(d)")):
        assert (name in named) != (object_ in about), (pg_type, name, about)
        assert object_ not in about or words in about[object_], about
    assert "x_partial" not in named and "filled" not in named, (pg_type, named)


@pytest.mark.parametrize("nocase", ["citext", "collation", "lower", "none"])
def test_nothing_is_tried_away(t, nocase):
    """What PostgreSQL takes is made: collations that are still to be made, generated columns in checks and indexes, many parts."""
    t.needs(*{"citext": ["citext"], "collation": ["icu"]}.get(nocase, []))
    columns = ", ".join(f"g{n} INTEGER AS (n + {n})" for n in range(40))
    checks = ", ".join(f"CHECK (g{n} > n - 1)" for n in range(40))
    path = t.file("m.db", f"""CREATE TABLE m (id INTEGER PRIMARY KEY, n INTEGER, a TEXT COLLATE NOCASE UNIQUE, b TEXT DEFAULT (1 + 1), c TEXT COLLATE NOCASE, {columns}, constant INTEGER AS (1), CHECK (a <> 'X'), CHECK (a <> c), {checks});
        CREATE INDEX by_case ON m (n, b COLLATE NOCASE) WHERE a <> ''; CREATE INDEX by_g ON m (g1 + 1, upper(a)) WHERE g39 > 0; CREATE INDEX "odd ""name" ON m (a || c); INSERT INTO m (n, a) VALUES (1, 'a')""")
    said = leftovers(t, path, {"nocase": nocase})
    assert set(said) <= {"m.constant"}, said
    t.import_(path, {"nocase": nocase})
    assert len(made(t, "m")) >= 40 + 2 + 2 + 3
    assert t.value("SELECT count(*) FROM pg_attribute WHERE attrelid = 'm'::regclass AND attgenerated <> ''") in ("40", "41")


def test_where_nothing_can_be_tried(t):
    """Without the right to temporary tables, or read-only, the plan is made all the same."""
    path = t.file("r.db", "CREATE TABLE r (id INTEGER PRIMARY KEY, n INTEGER CHECK (n > 0), g INTEGER AS (n + 1)); CREATE INDEX r_n ON r (n) WHERE n > 1; INSERT INTO r (n) VALUES (1)")
    role = t.role("without", "pg_read_server_files")
    t.sql(f'REVOKE TEMPORARY ON DATABASE "{t.database}" FROM PUBLIC')
    for start in ("BEGIN READ ONLY", f"SET ROLE {role}"):
        plan = json.loads(t.value(f"{start}; {t.call('sqlite_plan', path, {})}"))
        assert plan["tables"]["r"]["columns"]["g"]["generated"], start


def test_words_of_the_plan_that_are_refused(t):
    """The plan's own SQL is not changed: it stops the import before anything is written, and the finding names its path."""
    t.sql(TYPES)
    path = t.file("p.db", "CREATE TABLE p (id INTEGER PRIMARY KEY, n INTEGER, m INTEGER); CREATE TABLE q (id INTEGER PRIMARY KEY); INSERT INTO p (n) VALUES (1); INSERT INTO q VALUES (1)")
    for key, sql, reason in (("default", "nothing()", "does not exist"), ("default", "'x'::text || 1 +", "syntax error"), ("default", "id + 1", "column reference"), ("default", "ARRAY[1]", "type"),
                             ("generated", "app.of_the_day(m::integer)", "immutable"), ("generated", "now()", "type|immutable"), ("generated", "missing + 1", "does not exist"), ("generated", "(SELECT 1)", "subquer")):
        plan = {"tables": {"p": {"columns": {"n": {key: sql}}}}}
        where = f"plan.tables.p.columns.n.{key}"
        found = [f for f in t.findings(path, plan) if f["severity"] == "blocking"]
        assert [f["object"] for f in found] == ["p.n"] and where in found[0]["message"] and where in found[0]["hint"] and re.search(reason, found[0]["message"]), (sql, found)
        t.import_fails(path, plan, "55000", re.escape(where))
        assert t.value("SELECT to_regclass('public.p') IS NULL") == "t"
        # A run that goes on leaves that table out.
        results = t.import_(path, {**plan, "on_error": "continue", "schema": f"go_{key}", "existing_rows": "replace"})
        assert (results["p"]["status"], results["q"]["status"]) == ("failed", "loaded"), results
    # What is still to be made is no fault of the plan's.
    t.sql("CREATE SEQUENCE app.there")
    t.import_(path, {"schema": "s1", "before": "CREATE FUNCTION app.later(integer) RETURNS integer LANGUAGE sql IMMUTABLE AS 'SELECT 2 * $1'", "tables": {"p": {"columns": {"n": {"generated": "app.later(m::integer)"}}}}})
    t.import_(path, {"schema": "s2", "tables": {"q": {"target": "a"}, "p": {"columns": {"m": {"default": "nextval('app.there')"}, "n": {"generated": "m + 1"}}}}})
    assert t.value("INSERT INTO s2.p (id) VALUES (7) RETURNING n - m") == "1"


def test_what_hangs_on_a_refused_column_is_tried_without_it(t):
    """A generated column of the plan's that PostgreSQL refuses is one finding; indexes and checks over it are not refused with it."""
    path = t.file("h.db", """CREATE TABLE h (id INTEGER PRIMARY KEY, d TEXT, g TEXT AS (d || 'x'), CONSTRAINT filled CHECK (g <> ''));
        CREATE INDEX h_g ON h (upper(g)); INSERT INTO h (d) VALUES ('a')""")
    assert set(leftovers(t, path, {"tables": {"h": {"columns": {"g": {"generated": "no_such(d)"}}}}})) == {"h.g"}
    assert not leftovers(t, path)
    t.import_(path)
    assert {"h_pkey", "h_g", "filled"} == made(t, "h")
