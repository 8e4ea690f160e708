"""Several schemas: names with a prefix, or a file of each, all of them or none."""

import sqlstates as s
from client import fails
from exports import call, cells, export, findings, left_behind, schema
from harness import quote

TABLES = """CREATE SCHEMA a; CREATE SCHEMA "b c"; CREATE SCHEMA empty;
            CREATE TABLE a.p (id int PRIMARY KEY, t text); CREATE TABLE a.child (id int PRIMARY KEY, p int CONSTRAINT own REFERENCES a.p); CREATE INDEX same ON a.p (t);
            CREATE TABLE "b c".p (id int PRIMARY KEY, t text, far int CONSTRAINT far REFERENCES a.p, near int CONSTRAINT near REFERENCES "b c".p); CREATE INDEX same ON "b c".p (t);
            CREATE TABLE "b c".s (id int PRIMARY KEY, t text, v tsvector GENERATED ALWAYS AS (to_tsvector('simple', t)) STORED);
            INSERT INTO a.p VALUES (1, 'one'); INSERT INTO a.child VALUES (1, 1); INSERT INTO "b c".p VALUES (2, 'two', 1, 2); INSERT INTO "b c".s VALUES (1, 'word')"""
SCHEMAS = ["a", "b c", "empty"]


def test_a_file_of_each_schema(t):
    t.sql(TABLES)
    rows = t.rows(call(t.dir / "{schema}.db", {"schemas": SCHEMAS}))
    assert left_behind(t) == ["a.db", "b c.db"]
    assert [(row["schema"], row["table"], row["target"], row["rows"]) for row in rows] == [("a", "child", "child", 1), ("a", "p", "p", 1), ("b c", "p", "p", 1), ("b c", "s", "s", 1)]
    first, second = schema(t.dir / "a.db"), schema(t.dir / "b c.db")
    assert set(first) == {"child", "p", "same"} and {"p", "s", "same", "s_fts"} <= set(second)
    assert 'REFERENCES "p"' in first["child"] and second["p"].count("REFERENCES") == 1
    assert cells(t.dir / "b c.db", "SELECT p.*, s_fts.t FROM p, s_fts('word')") == [(2, "two", 1, 2, "word")]
    assert 'foreign key far of b c.p: it is not carried over: table a.p is in another file' in findings(t, {"schemas": SCHEMAS, "files": "schema"})
    assert not any("foreign key" in line for line in findings(t, {"schemas": SCHEMAS}))
    verify = f"SELECT count(*) || ' ' || count(*) FILTER (WHERE ok) FROM verify_export({quote(str(t.dir / '{schema}.db'))}, '{{\"schemas\": [\"a\", \"b c\"]}}')"
    assert t.value(verify) == "14 14"
    t.sql("UPDATE \"b c\".p SET t = 'other'")
    assert t.value(verify) == "14 12"


def test_all_files_or_none(t):
    t.sql(TABLES)
    path, plan = t.dir / "{schema}.db", {"schemas": SCHEMAS}
    session = t.session()
    session.execute(f"BEGIN; {call(path, plan)}; ROLLBACK")
    assert left_behind(t) == []
    (t.dir / "b c.db").write_text("mine")
    with fails(("58P02",), 'b c.db" already exists'):
        t.sql(call(path, plan))
    assert left_behind(t) == ["b c.db"]
    (t.dir / "b c.db").unlink()
    # The second is there when the first has been placed.
    session.execute(f"BEGIN; {call(path, plan)}")
    (t.dir / "b c.db").write_text("mine")
    with fails(("58P02",), 'b c.db" already exists'):
        session.execute("COMMIT")
    assert left_behind(t) == ["b c.db"] and (t.dir / "b c.db").read_text() == "mine"
    (t.dir / "b c.db").unlink()
    t.sql("INSERT INTO \"b c\".s VALUES (2, 'x'); ALTER TABLE \"b c\".s ADD n float8; UPDATE \"b c\".s SET n = 'NaN' WHERE id = 2")
    with fails("22000", 'column "n" of table "b c.s"'):
        t.sql(call(path, plan))
    assert left_behind(t) == []


def test_paths_and_plans_that_do_not_fit(t):
    t.sql(TABLES + '; CREATE SCHEMA "../x"; CREATE TABLE "../x".t (a int); CREATE SCHEMA ".."; CREATE TABLE "..".t (a int)')
    for path, plan, message in (("one.db", {"files": "schema", "schemas": SCHEMAS}, "names one file"), ("{schema}.db", {"schemas": ["a", "../x"]}, 'schema "../x" is no name of a file'),
                                ("{schema}/x.db", {"schema": ".."}, 'schema ".." is no name of a file')):
        with fails(s.PLAN, f"plan.files: .*{message}"):
            t.sql(call(t.dir / path, plan))
    with fails(s.PLAN, "plan.files: there is one bytea"):
        t.sql("SELECT sqlite_export_bytes('{\"schema\": \"a\", \"files\": \"schema\"}')")
    assert left_behind(t) == []
    # A name may have braces.
    t.sql(call(t.dir / "{schema}.db", {"schema": "a", "files": "one"}))
    assert left_behind(t) == ["{schema}.db"]
    t.import_(t.file("r.db", "CREATE TABLE r (a)"))
    with fails(s.PLAN, "plan.files: cannot be combined with a run"):
        t.sql(call(t.dir / "{schema}.sqlite", run=int(t.value("SELECT max(id) FROM sqlite_migrate.run"))))


def test_names_of_several_schemas_in_one_file(t):
    t.sql(TABLES)
    path, _ = export(t, plan={"schemas": SCHEMAS})
    assert {name for name in schema(path) if "_fts" not in name} == {"child", "a_p", "b c_p", "s", "same", "same_2"}
    assert 'REFERENCES "a_p"' in schema(path)["b c_p"]
    path, _ = export(t, "always.db", {"schemas": SCHEMAS, "prefix": "always"})
    assert {name for name in schema(path) if "_fts" not in name} == {"a_child", "a_p", "b c_p", "b c_s", "same", "same_2"} and "b c_s_fts" in schema(path)
    path, _ = export(t, "one.db", {"schema": "a", "prefix": "always", "tables": {"p": {"target": "mine"}}})
    assert set(schema(path)) == {"a_child", "mine", "same"}


def test_views_go_with_their_schema(t):
    t.sql("""CREATE SCHEMA a; CREATE SCHEMA b; CREATE SCHEMA c; CREATE TABLE a.t (id int PRIMARY KEY); CREATE TABLE b.t (id int PRIMARY KEY); INSERT INTO a.t VALUES (1), (2); INSERT INTO b.t VALUES (7);
             CREATE VIEW a.v AS SELECT id FROM a.t WHERE id > 1; CREATE VIEW b.v AS SELECT id FROM b.t; CREATE VIEW b.w AS SELECT id FROM a.t; CREATE VIEW c.only AS SELECT id FROM b.v""")
    plan = {"schemas": ["a", "b", "c"]}
    t.sql(call(t.dir / "{schema}.db", plan))
    assert left_behind(t) == ["a.db", "b.db"]
    first, second = (t.dir / name for name in ("a.db", "b.db"))
    assert (set(schema(first)), set(schema(second))) == ({"t", "v"}, {"t", "v"}) and (cells(first, "SELECT * FROM v"), cells(second, "SELECT * FROM v")) == ([(2,)], [(7,)])
    told = findings(t, {**plan, "files": "schema"})
    assert [line for line in told if "view" in line] == ["b.w: the view is not carried over: it reads a.t, which is not in the file", "c.only: the view is not carried over: its schema has no table that is exported, and no file"]
    verify = f"SELECT string_agg(schema || '.' || \"table\" || ' ' || ok, ', ') FROM verify_export({quote(str(t.dir / '{schema}.db'))}, '{{\"schemas\": [\"a\", \"b\", \"c\"]}}') WHERE \"column\" IS NULL"
    assert t.value(verify) == "a.t true, a.v true, b.t true, b.v true"
    path, _ = export(t, "one.db", plan)
    assert set(schema(path)) == {"a_t", "b_t", "a_v", "b_v", "w", "only"} and cells(path, "SELECT * FROM only") == [(7,)]
    path, _ = export(t, "tables.db", {**plan, "views": False})
    assert set(schema(path)) == {"a_t", "b_t"}
