"""What generated columns become: stored, virtual (PostgreSQL 18 and later), a view beside the table, or ordinary columns."""

import sqlite3

import pytest

from client import fails
from exports import export
from harness import quote

SCRIPT = """CREATE TABLE g (id INTEGER PRIMARY KEY, a INTEGER, v INTEGER AS (a * 2) VIRTUAL, n TEXT NOT NULL, s TEXT AS (upper(n)) STORED, w TEXT AS (n || '!') VIRTUAL NOT NULL,
                              k INTEGER AS (a % 7) VIRTUAL, CHECK (v < 1000));
            CREATE INDEX over_k ON g (k);
            INSERT INTO g (a, n) VALUES (1, 'x'), (NULL, ''), (-3, 'long ' || hex(zeroblob(3000))), (400, 'é');"""
COLUMNS = "id, a, v, n, s, w, k"


def major(t):
    return int(t.value("SHOW server_version_num")) // 10000


def where(t, table="g"):
    return t.value(f"SELECT string_agg(attname || coalesce(nullif(attgenerated::text, ''), '-'), ' ' ORDER BY attnum) FROM pg_attribute WHERE attrelid = {quote(table)}::regclass AND attnum > 0 AND NOT attisdropped")


def in_file(path, query):
    with sqlite3.connect(path) as db:
        cursor = db.execute(query)
        return [dict(zip([column[0] for column in cursor.description], row, strict=True)) for row in cursor]


def same(t, path, relation="g", columns=COLUMNS):
    return t.rows(f"SELECT {columns} FROM {relation} ORDER BY id") == in_file(path, f"SELECT {columns} FROM g ORDER BY id")


def proven(t):
    """Every value and every declaration."""
    values = t.rows('SELECT "table", "column", verdict, detail FROM verify_values()')
    assert {row["verdict"] for row in values} == {"equal"}, values
    bad = t.rows("SELECT kind, columns, state, reason FROM verify_constraints() WHERE NOT ok")
    assert bad == [], bad


def test_where_the_values_are(t):
    path = t.file("g.db", SCRIPT)
    unstored = "v" if major(t) >= 18 else "s"
    t.import_(path, {"verify": "values"})
    # What an index is over is stored.
    assert where(t) == f"id- a- v{unstored} n- ss w{unstored} ks" and same(t, path)
    proven(t)
    said = [f["message"] for f in t.findings(path, {"schema": "new"}) if f["kind"] == "generated_otherwise"]
    assert said == (['the column is stored, not virtual: index "over_k" reads it'] if unstored == "v" else [])
    t.sql("UPDATE g SET a = 5 WHERE id = 1")
    assert t.rows("SELECT v, k FROM g WHERE id = 1") == [{"v": 10, "k": 5}]
    assert t.attempt("INSERT INTO g (a, n) VALUES (500, 'x')").sqlstate == "23514"
    for word, expected in {"stored": "id- a- vs n- ss ws ks", "none": "id- a- v- n- s- w- k-"}.items():
        t.import_(path, {"existing_rows": "replace", "generated": word, "verify": "values"})
        assert where(t) == expected and same(t, path), word
    t.import_(path, {"existing_rows": "replace", "generated": "none", "tables": {"g": {"columns": {"v": {"generated": "stored"}, "w": {"generated": {"stored": "n || '!'"}}}}}, "verify": "values"})
    assert where(t) == "id- a- vs n- s- ws k-" and same(t, path)


def test_virtual_is_said_of_a_server_that_has_it(t):
    path = t.file("g.db", SCRIPT)
    plan = {"tables": {"g": {"generated": "virtual"}}}
    if major(t) >= 18:
        t.import_(path, {**plan, "verify": "values"})
        assert where(t) == "id- a- vv n- sv wv ks" and same(t, path)
        proven(t)
        return
    t.import_fails(path, plan, {"55000"}, "since version 18", 'plan.tables.g.generated to "stored"')
    fixes = [f["fix"] for f in t.findings(path, plan) if f["severity"] == "blocking"]
    assert len(fixes) == 4
    t.import_(path, t.merged(plan, *fixes))
    assert where(t) == "id- a- vs n- ss ws ks"


def test_what_postgresql_does_not_compute_at_reading(t):
    """Each of these the server would refuse as a virtual column."""
    if major(t) < 18:
        pytest.skip("the server has no virtual columns")
    t.sql("CREATE EXTENSION citext; CREATE FUNCTION marked(text) RETURNS text IMMUTABLE LANGUAGE sql AS $$SELECT 'd' || $1$$")
    plan = {"tables": {"c": {"columns": {"d": {"generated": "public.marked(t)"}}}}}
    path = t.file("r.db", """CREATE TABLE p (id INTEGER PRIMARY KEY, a INTEGER, u INTEGER AS (a + 1) VIRTUAL UNIQUE); INSERT INTO p (a) VALUES (1), (2);
        CREATE TABLE c (id INTEGER PRIMARY KEY, a INTEGER, t TEXT, f INTEGER AS (a + 1) VIRTUAL REFERENCES p (u), x INTEGER AS (a + 2), y INTEGER AS (a + 3), z INTEGER AS (a + 4),
                        n TEXT AS ('n' || a) COLLATE NOCASE, d TEXT AS ('d' || t), fine INTEGER AS (a + 5));
        CREATE INDEX of_x ON c (abs(x)); CREATE INDEX of_y ON c (a) WHERE y > 0; INSERT INTO c (a, t) VALUES (1, 'x'), (2, NULL);""")
    t.import_(path, {"verify": "values", **plan})
    assert where(t, "p") == "id- a- us" and where(t, "c") == "id- a- t- fs xs ys zv ns ds finev"
    assert t.rows("SELECT * FROM c ORDER BY id") == in_file(path, "SELECT * FROM c ORDER BY id")
    proven(t)
    said = {f["object"]: f["message"] for f in t.findings(path, {"schema": "new", **plan}) if f["kind"] == "generated_otherwise"}
    assert set(said) == {"p.u", "c.f", "c.x", "c.y", "c.n", "c.d"} and "PostgreSQL refuses it" in said["c.d"], said


def test_triggers_and_views_find_what_they_read(t):
    """A trigger of PostgreSQL's sees no value of a column that is not stored."""
    path = t.file("t.db", """CREATE TABLE g (id INTEGER PRIMARY KEY, a INTEGER, v INTEGER AS (a * 2), w INTEGER AS (a * 3), x INTEGER AS (a * 4)); CREATE TABLE seen (v INTEGER);
        CREATE TRIGGER look AFTER INSERT ON g BEGIN INSERT INTO seen VALUES (NEW.v); END; CREATE VIEW reader AS SELECT w FROM g; INSERT INTO g (a) VALUES (1);""")
    for plan, stored in ({}, "v"), ({"generated": "virtual"}, "v"), ({"generated": "view"}, "vw"):
        if major(t) < 18 and plan.get("generated") != "view":
            continue
        t.import_(path, {"verify": "values", "existing_rows": "replace", **plan})
        assert {word[0] for word in where(t).split() if word.endswith("s")} == set(stored), plan
        t.sql("INSERT INTO g (a) VALUES (5)")
        assert t.value("SELECT max(v) FROM seen") == "10" and t.value("SELECT max(w) FROM reader") == "15"
    assert where(t, "g_with_generated") == "id- a- v- w- x-"


def test_a_trigger_of_the_application_finds_no_virtual_value(t):
    path = t.file("t.db", "CREATE TABLE g (id INTEGER PRIMARY KEY, a INTEGER, v INTEGER AS (a * 2)); CREATE TABLE seen (v INTEGER); INSERT INTO g (a) VALUES (1);")
    t.import_(path)
    for made in ("AFTER INSERT ON g BEGIN INSERT INTO seen VALUES (NEW.v); END", "BEFORE DELETE ON g WHEN OLD.v > 1 BEGIN INSERT INTO seen VALUES (OLD.a); END"):
        attempt = t.attempt(f"SELECT * FROM sqlite_translate({quote(f'CREATE TRIGGER l {made}')}, {quote(str(path))})")
        assert attempt.sqlstate == ("0A000" if major(t) >= 18 else None), made


def test_a_table_that_fails_keeps_its_view(t):
    path = t.file("t.db", "CREATE TABLE g (id INTEGER PRIMARY KEY, a INTEGER, v INTEGER AS (a * 2)); INSERT INTO g (a) VALUES (1);")
    plan = {"generated": "view", "existing_rows": "replace", "on_error": "continue"}
    t.import_(path, plan)
    t.sql("CREATE TABLE o (g bigint REFERENCES g)")
    assert t.import_(path, plan)["g"]["status"] == "failed"
    assert t.rows("SELECT * FROM g_with_generated") == [{"id": 1, "a": 1, "v": 2}]


def test_a_view_computes_them(t):
    path = t.file("g.db", SCRIPT + "CREATE VIEW reader AS SELECT v FROM g; CREATE VIEW other AS SELECT a FROM g;")
    plan = {"generated": "view", "tables": {"g": {"columns": {"v": {"generated": "stored"}}}}}
    for again in [{}, {"existing_rows": "replace"}]:
        t.import_(path, {**plan, **again, "verify": "values"})
        # A CHECK and an index need v and k in the table.
        assert where(t) == "id- a- vs n- ks" and same(t, path, "g_with_generated")
        assert where(t, "g_with_generated") == "id- a- v- n- s- w- k-"
        assert t.value("SELECT count(*) FROM pg_class WHERE relkind = 'v' AND relnamespace = 'public'::regnamespace") == "3"
    proven(t)
    assert {row["table"] for row in t.rows('SELECT "table" FROM verify_values()')} >= {"g", "g_with_generated", "reader"}
    t.sql("INSERT INTO g (a, n) VALUES (7, 'new')")
    assert t.rows("SELECT v, s, w FROM g_with_generated WHERE a = 7") == [{"v": 14, "s": "NEW", "w": "new!"}]
    # What reads it stands in the way of a new one.
    t.sql("CREATE VIEW own AS SELECT s FROM g_with_generated")
    [held] = [f["message"] for f in t.findings(path, {**plan, "existing_rows": "replace"}) if f["severity"] == "blocking"]
    assert held == '"public.g_with_generated" cannot be dropped: views that the plan does not make anew read it: "public.own"'
    t.sql("DROP VIEW own")
    # A difference is found.
    t.sql("DELETE FROM g WHERE a = 7; DROP VIEW g_with_generated; CREATE VIEW g_with_generated AS SELECT id, a, v, n, lower(n) AS s, n || '!' AS w, k FROM g")
    assert {row["verdict"] for row in t.rows("SELECT verdict FROM verify_values() WHERE \"table\" = 'g_with_generated'")} == {"missing rows"}


def test_names_and_types_in_such_a_view(t):
    long = "t" * 63
    path = t.file("n.db", f"""CREATE TABLE "{long}" (id INTEGER PRIMARY KEY, "a b" TEXT, "c""d" VARCHAR(5) AS (substr("a b", 1, 3)), at INTEGER); INSERT INTO "{long}" ("a b", at) VALUES ('hello', 1), ('日本語の', 2);
        CREATE TABLE odd (x TEXT, y TEXT AS (x || '?')); INSERT INTO odd (x) VALUES ('a'), (NULL); CREATE TABLE odd_with_generated (z); CREATE TABLE empty (x, y TEXT AS (x));""")
    t.import_(path, {"generated": "view", "verify": "values", "tables": {"odd": {"columns": {"y": {"generated": {"view": "x || (SELECT '?')"}}}}}})
    views = t.value("SELECT string_agg(relname, ' ' ORDER BY relname) FROM pg_class WHERE relkind = 'v' AND relnamespace = 'public'::regnamespace").split()
    assert "odd_with_generated_2" in views and f"{'t' * 48}_with_generated" in views, views
    assert t.rows(f'SELECT "c""d" AS c FROM {"t" * 48}_with_generated ORDER BY id') == [{"c": "hel"}, {"c": "日本語"}]
    assert t.rows("SELECT y FROM odd_with_generated_2 ORDER BY y") == [{"y": "a?"}, {"y": None}]
    proven(t)
    for expression, said in {"nothing": "nothing", "max(x)": "GROUP BY", "unnest(ARRAY[x, x])": "set-returning"}.items():
        [refused] = [f for f in t.findings(path, {"schema": "s", "tables": {"odd": {"columns": {"y": {"generated": {"view": expression}}}}}}) if f["severity"] == "blocking"]
        assert refused["object"] == "odd.y" and said in refused["message"] and refused["hint"] == "Correct plan.tables.odd.columns.y.generated.", refused
    # What `before` may create is not tried, and fails where it is made.
    plan = {"schema": "s", "before": "SELECT 1", "tables": {"odd": {"columns": {"y": {"generated": {"view": "nothing"}}}}}}
    with fails("42703", "nothing", 'odd.generated to "stored"'):
        t.sql(t.call("sqlite_import", path, plan))


def test_existing_tables_that_compute(t):
    """An ORM's schema has columns of its own that are computed, also ones that the file has."""
    word = "VIRTUAL" if major(t) >= 18 else "STORED"
    table = f"""CREATE TABLE g (id bigint PRIMARY KEY, extra bigint GENERATED ALWAYS AS (a + id) {word} NOT NULL, a bigint CHECK (a < 1000), v bigint GENERATED ALWAYS AS (a * 2) {word} CHECK (v < 900),
                n text NOT NULL, s text GENERATED ALWAYS AS (upper(n)) {word}, at int DEFAULT 7);"""
    rows = "CREATE TABLE g (id INTEGER PRIMARY KEY, a INTEGER, v INTEGER AS (a * 2), n TEXT, s TEXT); INSERT INTO g (a, n, s) VALUES (1, 'x', 'X'), (400, 'y', 'Y');"
    path = t.file("g.db", rows)
    expected = [{"id": 1, "extra": 2, "v": 2, "s": "X", "at": 7}, {"id": 2, "extra": 402, "v": 800, "s": "Y", "at": 7}]
    for plan in [{}, {"constraints": "keep"}, {"on_conflict": "update"}, {"on_conflict": "skip"}]:
        t.sql("DROP TABLE IF EXISTS g; " + table)
        t.import_(path, {"verify": "values", **plan})
        assert t.rows("SELECT id, extra, v, s, at FROM g ORDER BY id") == expected, plan
        if "on_conflict" in plan:
            t.import_(path, {"verify": "values", **plan})
            assert t.rows("SELECT id, extra, v, s, at FROM g ORDER BY id") == expected, plan
        if plan in ({}, {"on_conflict": "update"}):
            proven(t)
    # Not NULL, and a CHECK, over what is computed.
    for values, sqlstate in {"(NULL, 'x', 'X')": "23502", "(460, 'x', 'X')": "23514"}.items():
        bad = t.file("bad.db", rows.split("INSERT")[0] + f"INSERT INTO g (a, n, s) VALUES {values};")
        for plan in [{}, {"constraints": "keep"}][:1 if sqlstate == "23502" else 2]:
            t.sql("TRUNCATE g")
            assert t.attempt(t.call("sqlite_import", bad, {"existing_rows": "append", **plan})).sqlstate == sqlstate, (values, plan)


def test_foreign_tables_and_exports(t):
    path = t.file("g.db", SCRIPT)
    t.sql(f"CREATE SERVER s FOREIGN DATA WRAPPER pg_sqlite_fdw OPTIONS (database {quote(str(path))}); CREATE SCHEMA f; IMPORT FOREIGN SCHEMA main FROM SERVER s INTO f")
    assert where(t, "f.g") == "id- a- vs n- ss ws ks" and same(t, path, "f.g")
    t.import_(path)
    out, _ = export(t)
    assert in_file(out, f"SELECT {COLUMNS} FROM g ORDER BY id") == in_file(path, f"SELECT {COLUMNS} FROM g ORDER BY id")
