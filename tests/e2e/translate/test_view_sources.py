"""What views may read: other views, tables that are renamed, left out, existing or foreign; and under which names they come."""


from harness import quote

BASE = """CREATE TABLE a (id INTEGER PRIMARY KEY, name TEXT); INSERT INTO a VALUES (1, 'x'), (2, 'y');
          CREATE TABLE b (id INTEGER PRIMARY KEY, a INTEGER REFERENCES a); INSERT INTO b VALUES (7, 1);"""


def views(t, schema="public"):
    return t.value(f"SELECT coalesce(string_agg(relname, ',' ORDER BY relname), '') FROM pg_class WHERE relkind = 'v' AND relnamespace = {quote(schema)}::regnamespace").split(",")


def said(t, path, plan=None):
    return {f["object"].removeprefix("view "): f["message"] for f in t.findings(path, plan) if f["object"].startswith("view ")}


def test_tables_that_are_renamed_left_out_or_elsewhere(t):
    path = t.file("v.db", BASE + "CREATE VIEW of_a AS SELECT name FROM a; CREATE VIEW of_both AS SELECT a.name, b.id FROM b JOIN a ON a.id = b.a; CREATE VIEW of_view AS SELECT * FROM of_both;")
    t.import_(path, {"tables": {"a": {"target": "persons", "columns": {"name": {"name": "full name"}}}, "b": {"schema": "other"}}})
    assert t.value('SELECT string_agg("full name", \',\') FROM of_a') == "x,y" and t.rows("SELECT * FROM of_view") == [{"full name": "x", "id": 7}]
    t.sql("DROP SCHEMA other CASCADE; DROP TABLE persons CASCADE")
    plan = {"exclude": ["b"]}
    found = said(t, path, plan)
    assert "table b takes no part in the plan" in found["of_both"] and "table of_both is a view, which is not carried over" in found["of_view"], found
    t.import_(path, plan)
    assert views(t) == ["of_a"]
    found = said(t, path, {"schema": "c", "tables": {"a": {"columns": {"name": {"skip": True}}}}})
    assert "column name is not carried over" in found["of_a"], found


def test_tables_that_exist(t):
    """An ORM's schema, a table of another role's, a foreign table: a view reads what the import has loaded into."""
    path = t.file("v.db", BASE + "CREATE VIEW names AS SELECT upper(name) AS big FROM a;")
    t.sql("CREATE TABLE a (id bigint PRIMARY KEY, name varchar(20)); CREATE TABLE b (id bigint PRIMARY KEY, a bigint REFERENCES a)")
    assert 'create is "never"' in said(t, path, {"create": "never"})["names"]
    t.import_(path)
    assert t.value("SELECT string_agg(big, ',' ORDER BY big) FROM names") == "X,Y"
    assert {row["name"]: row["state"] for row in t.rows("SELECT name, state FROM verify_constraints() WHERE kind = 'view'")} == {"names": "holds"}


def test_views_that_read_what_is_not_there(t):
    path = t.file("v.db", BASE + "CREATE VIEW lost AS SELECT * FROM gone; CREATE VIEW below AS SELECT * FROM lost; CREATE VIEW kept AS SELECT id FROM a;")
    found = said(t, path)
    assert "no table gone" in found["lost"] and "table lost is a view, which is not carried over" in found["below"], found
    t.import_(path)
    assert views(t) == ["kept"]


def test_names_that_postgresql_does_not_take_as_they_are(t):
    long = "n" * 70
    path = t.file("v.db", BASE + f"""CREATE VIEW "{long}" AS SELECT id AS "{long}", name AS "{'é' * 40}" FROM a;
        CREATE VIEW twice AS SELECT a.id, b.id, a.name AS "ID" FROM a LEFT JOIN b ON b.a = a.id; CREATE VIEW "select" AS SELECT 1 AS "from", 2 AS "a""b", 3 AS "";
        CREATE VIEW given("{long}", "b") AS SELECT id, name FROM a;""")
    t.import_(path, {"verify": "values"})
    found = said(t, path, {"schema": "again"})
    assert sorted(views(t)) == sorted(["n" * 63, "twice", "select", "given"]), found
    assert t.value(f"SELECT string_agg(attname, '|' ORDER BY attnum) FROM pg_attribute WHERE attrelid = '{'n' * 63}'::regclass AND attnum > 0") == f"{'n' * 63}|{'é' * 31}"
    verdicts = t.rows("SELECT \"table\", verdict FROM verify_values() WHERE \"table\" NOT IN ('a', 'b')")
    assert {row["verdict"] for row in verdicts} == {"equal"} and len({row["table"] for row in verdicts}) == 4, verdicts


def test_a_dump_is_restored(t):
    """Views, materialized views and tables of views come back in an order in which each finds what it reads."""
    path = t.file("v.db", BASE + "CREATE VIEW z AS SELECT * FROM y; CREATE VIEW y AS SELECT name FROM x; CREATE VIEW x AS SELECT name FROM a WHERE id > 1; CREATE VIEW w AS SELECT count(*) AS n FROM z;")
    t.import_(path, {"schema": "app", "views": {"materialized": ["y"], "table": ["w"]}})
    dump = t.server.dump(t.database, "postgres", "-n", "app")
    assert dump.returncode == 0, dump.stderr
    empty = t.empty_database("restored")
    t.server.restore(empty, dump.stdout)
    assert t.server.run(empty, "SELECT name FROM app.z").out.strip() == "y" and t.server.run(empty, "SELECT n FROM app.w").out.strip() == "1"


def test_views_over_foreign_tables_stay(t):
    """IMPORT FOREIGN SCHEMA takes views as foreign tables, whatever a plan says of views."""
    path = t.file("v.db", BASE + "CREATE VIEW names AS SELECT upper(name) AS big FROM a;")
    t.sql(f"CREATE SERVER s FOREIGN DATA WRAPPER pg_sqlite_fdw OPTIONS (database {quote(str(path))}); CREATE SCHEMA f; IMPORT FOREIGN SCHEMA main FROM SERVER s INTO f")
    assert t.value("SELECT string_agg(big, ',' ORDER BY big) FROM f.names") == "X,Y"


def test_statements_read_the_views_that_are_there(t):
    path = t.file("v.db", BASE + "CREATE VIEW names AS SELECT upper(name) AS big FROM a; CREATE VIEW other AS SELECT big FROM names;")
    call = f"SELECT statement FROM sqlite_translate('SELECT big FROM names', {quote(str(path))})"
    assert t.value(call) == 'SELECT "names"."big" FROM "public"."names"'
    t.import_(path)
    assert t.value(call) == 'SELECT "names"."big" FROM "public"."names"', "also when it is there"
    t.sql("DROP VIEW other, names; CREATE VIEW names AS SELECT 1 AS another")
    result = t.attempt(call)
    assert "is a view, which is not carried over" in result.message, result
