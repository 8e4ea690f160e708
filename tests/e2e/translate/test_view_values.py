"""With `verify: "values"` the rows of each view are those that SQLite gives for it; what cannot be compared says why."""

import json

import pytest

import real_files
from client import fails
from harness import SHARED, shared

FILE = """
    CREATE TABLE t (id INTEGER PRIMARY KEY, name TEXT, price REAL, made DATETIME, at INTEGER, flag BOOLEAN, amount DECIMAL(10,2), data BLOB);
    INSERT INTO t VALUES (1, 'a', 0.1, '2024-01-31 10:00:00', 1700000000, 1, 1.5, x'00ff'), (2, 'a', 0.2, NULL, NULL, 0, 2.25, NULL),
                         (3, 'b', 1e300, '2024-02-01 00:00:00', 1700000001, NULL, NULL, x''), (4, NULL, NULL, '2024-02-02 00:00:00', 0, 1, -3, x'01');
    CREATE VIEW plain AS SELECT * FROM t;
    CREATE VIEW doubled AS SELECT name, flag FROM t UNION ALL SELECT name, flag FROM t;
    CREATE VIEW sums AS SELECT name, sum(price) AS total, avg(price) AS mean, sum(amount) AS exact, count(*) AS n FROM t GROUP BY name;
    CREATE VIEW months AS SELECT strftime('%Y-%m', made) AS month, date(made) AS day, max(made) AS last FROM t GROUP BY 1, 2;
    CREATE VIEW over_views AS SELECT s.name, p.price * 3 AS thrice FROM sums s JOIN plain p ON p.name = s.name;
    CREATE VIEW now AS SELECT name, date('now') AS today FROM t;
    CREATE VIEW listed AS SELECT group_concat(name) AS names FROM t;
    CREATE VIEW one AS SELECT id FROM t LIMIT 1;
    CREATE VIEW constants AS SELECT 1 AS one, 'x' AS x, NULL AS nil, 2.5 AS half;"""


@pytest.fixture
def path(t):
    return t.file("values.db", FILE)


PLAN = {"verify": "values"}


def verdicts(t, call="verify_values()"):
    rows = t.rows(f"SELECT \"table\", \"column\", verdict, detail FROM {call} WHERE \"table\" <> 't'")
    return {(row["table"], row["column"]): (row["verdict"], row["detail"]) for row in rows}


def made(t):
    return set(t.value("SELECT string_agg(relname, ',') FROM pg_class WHERE relkind = 'v' AND relnamespace = 'public'::regnamespace").split(","))


def test_every_view_is_compared(t, path):
    t.import_(path, PLAN)
    found = verdicts(t)
    assert {table for table, _ in found} == made(t)
    bad = {key: said for key, said in found.items() if said[0] not in ("equal", "normalised") and key[0] != "now"}
    assert not bad, bad
    if "now" in made(t):
        assert found["now", None] == ("not compared", "its rows depend on the clock")
    assert "up to their last digits" in found["sums", "total"][1] and "compared as a whole" in found["plain", "id"][1]
    logged = t.rows("SELECT DISTINCT target_table FROM sqlite_migrate.verification WHERE kind = 'values' AND run = 1")
    assert {row["target_table"] for row in logged} >= {"plain", "sums", "over_views"}
    assert t.value("SELECT verdict FROM migration_verdict()") in ("pass", "investigate")


@pytest.mark.parametrize("form", ["materialized", "table"])
def test_what_holds_the_rows_is_compared_too(t, path, form):
    t.import_(path, {**PLAN, "views": form})
    assert {said[0] for key, said in verdicts(t).items() if key[0] != "now"} <= {"equal", "normalised"}
    t.sql("UPDATE t SET name = 'c' WHERE id = 3")
    assert {said[0] for key, said in verdicts(t).items() if key[0] != "now"} <= {"equal", "normalised"}, "they hold what they were made with"
    if form == "table":
        t.sql("UPDATE sums SET mean = mean * 1.001 WHERE name = 'a'")
        found = verdicts(t)
        assert (found["sums", "mean"][0], found["sums", "total"][0], found["sums", "name"][0]) == ("different", "equal", "equal"), found
    row = t.rows("SELECT * FROM verify_differences() WHERE \"table\" = 'sums'")
    assert len(row) == 0, "no row is missing"


def test_a_difference_stops_the_import(t, path):
    wrong = {"doubled": {"sql": "SELECT name, flag FROM t"}}
    with fails(("22000",), "doubled") as failure:
        t.sql(t.call("sqlite_import", path, {**PLAN, "views": wrong}))
    assert "missing in target" in failure.detail
    assert t.value("SELECT to_regclass('public.t') IS NULL") == "t"
    t.import_(path, {"views": wrong})
    found = verdicts(t)
    assert found["doubled", "name"][0] == "missing rows" and found["plain", "name"][0] == "equal"
    [verdict] = t.rows("SELECT verdict, reasons::text AS reasons FROM migration_verdict()")
    assert verdict["verdict"] == "roll back" and "4 rows are missing" in verdict["reasons"] and "public.doubled" in verdict["reasons"], verdict
    listed = t.rows("SELECT key, kind FROM verify_differences() WHERE \"table\" = 'doubled'")
    assert len(listed) == 4 and {row["kind"] for row in listed} == {"missing in target"}, listed
    right = {"doubled": {"sql": "SELECT name, flag FROM t UNION ALL SELECT name, flag FROM t"}}
    t.import_(path, {**PLAN, "views": right, "existing_rows": "replace"})
    assert verdicts(t)["doubled", "flag"][0] in ("equal", "normalised")


def test_a_changed_value_in_what_a_side_computes(t, path):
    wrong = {"sums": {"sql": "SELECT name, sum(price) * 1.0001 AS total, avg(price) AS mean, sum(amount) AS exact, count(*) AS n FROM t GROUP BY name"}}
    with fails(("22000",), "sums"):
        t.sql(t.call("sqlite_import", path, {**PLAN, "views": wrong}))
    near = {"sums": {"sql": "SELECT name, sum(price) * 1.0000000000001::float8 AS total, avg(price) AS mean, sum(amount) AS exact, count(*) AS n FROM t GROUP BY name"}}
    t.import_(path, {**PLAN, "views": near})


def test_tables_that_are_not_the_file_s_say_so(t, path):
    t.import_(path, {**PLAN, "tables": {"t": {"where": "id < 3"}}})
    found = verdicts(t)
    assert found["plain", None] == ("not compared", 'it reads table "t", of which the plan selects or computes what is loaded')
    assert found["constants", "one"][0] == "equal"
    t.import_(path, {**PLAN, "schema": "b", "null_values": ["a"]})
    assert "whose values the plan lets become others" in verdicts(t)["plain", None][1]


def test_views_are_asked_for_by_name(t, path):
    t.import_(path)
    assert {table for table, _ in verdicts(t, "verify_values(tables => '{plain,sums}')")} == {"plain", "sums"}
    assert t.value("SELECT count(DISTINCT \"table\") FROM verify_values(tables => '{t}')") == "1"
    assert verdicts(t, "verify_values(sample => 10)") == {}
    with fails("22023", "no table .nothing. was loaded"):
        t.sql("SELECT * FROM verify_values(tables => '{nothing}')")
    t.sql("DROP VIEW over_views")
    assert verdicts(t)["over_views", None] == ("not compared", "it does not exist any more")
    t.sql("CREATE VIEW over_views AS SELECT 1 AS a")
    assert verdicts(t)["over_views", None] == ("not compared", "it has another number of columns than in the file")


def test_another_role_s_view_is_not_read(t, path):
    """Its functions would run with the rights of who verifies."""
    t.import_(path)
    t.role("other", "CREATE ON SCHEMA public")
    t.sql("""DROP VIEW constants; CREATE TABLE ran (a text); GRANT INSERT ON ran TO PUBLIC; SET ROLE other;
             CREATE FUNCTION trap() RETURNS int LANGUAGE plpgsql AS $$BEGIN INSERT INTO public.ran VALUES (current_user); RETURN 1; END$$;
             CREATE VIEW constants AS SELECT trap() AS one, 'x' AS x, NULL AS nil, 2.5 AS half; RESET ROLE""")
    assert verdicts(t)["constants", None] == ("not compared", "it, or what it reads, belongs to another role")
    t.sql("CREATE OR REPLACE VIEW one AS SELECT one::bigint AS id FROM constants")
    assert verdicts(t)["one", None] == ("not compared", "it, or what it reads, belongs to another role")
    t.sql("CREATE OR REPLACE VIEW one AS SELECT trap()::bigint AS id")
    assert verdicts(t)["one", None] == ("not compared", "it, or what it reads, belongs to another role")
    assert t.value("SELECT count(*) FROM ran") == "0"


def test_what_row_security_guards_is_not_read(t, path):
    t.import_(path)
    t.sql("ALTER TABLE t ENABLE ROW LEVEL SECURITY")
    assert verdicts(t)["plain", None] == ("not compared", "row-level security applies to what it reads")


def test_a_view_that_cannot_be_computed_is_told(t):
    path = t.file("far.db", "CREATE TABLE t (a INTEGER); INSERT INTO t VALUES (9223372036854775807), (1); CREATE VIEW v AS SELECT a + 1 AS b FROM t; CREATE VIEW w AS SELECT a FROM t;")
    t.import_(path, PLAN)
    assert verdicts(t)["v", None] == ("not compared", "PostgreSQL cannot compute it: bigint out of range") and verdicts(t)["w", "a"][0] == "equal"



ENDLESS = """CREATE TABLE t (id INTEGER PRIMARY KEY); INSERT INTO t VALUES (1), (2);
    CREATE VIEW n AS WITH RECURSIVE c(x) AS (SELECT 1 UNION ALL SELECT x + 1 FROM c) SELECT x FROM c;
    CREATE VIEW many AS SELECT count(*) AS n FROM n JOIN t ON t.id = n.x;
    CREATE VIEW ten AS WITH RECURSIVE c(x) AS (SELECT 1 UNION ALL SELECT x + 1 FROM c LIMIT 10) SELECT x FROM c;"""


def test_what_may_never_end_is_not_computed(t):
    path = t.file("endless.db", ENDLESS)
    t.import_(path, PLAN)
    reason = ("not compared", "it reads a table that reads itself without a LIMIT of its own, which may never end")
    found = verdicts(t)
    assert found["n", None] == found["many", None] == reason, found
    assert t.value("SELECT sum(x) FROM ten") == "55"
    assert t.value("SELECT sum(x) FROM (SELECT x FROM n LIMIT 4) AS n") == "10"


@pytest.mark.parametrize("form", ["materialized", "table"])
def test_what_may_never_end_is_not_stored(t, form):
    path = t.file("endless.db", ENDLESS)
    said = {f["object"]: f for f in t.findings(path, {"views": form})}
    for name in ("view n", "view many"):
        assert "its rows are to be stored, and it reads a table that reads itself" in said[name]["message"] and f"plan.views.{form}" in said[name]["hint"], said
    t.import_(path, {**PLAN, "views": form})
    assert t.value("SELECT string_agg(relname, ',' ORDER BY relname) FROM pg_class WHERE relname IN ('n', 'many', 'ten')") == "ten" and t.value("SELECT sum(x) FROM ten") == "55"
    t.import_(path, {"schema": "b", "views": {form: ["*"], "n": {"sql": "SELECT 1 AS x"}, "many": {"sql": "SELECT 2 AS n"}}})
    assert t.value("SELECT x + m.n FROM b.n, b.many m") == "3"


def test_a_product_of_tables_is_not_read_to_its_end(t):
    path = t.file("wide.db", """CREATE TABLE t (id INTEGER PRIMARY KEY);
        WITH RECURSIVE c(x) AS (SELECT 1 UNION ALL SELECT x + 1 FROM c WHERE x < 1100) INSERT INTO t SELECT x FROM c;
        CREATE VIEW product AS SELECT a.id AS a, b.id AS b FROM t a, t b; CREATE VIEW part AS SELECT a, b FROM product WHERE a < 100;""")
    t.import_(path, PLAN)
    found = verdicts(t)
    assert found["product", None] == ("not compared", "too many rows to compare") and found["part", "a"][0] == "equal", found


REAL = sorted(path.name for path in (SHARED / "data").glob("*.db")) if (SHARED / "data").is_dir() else ["northwind.db"]


@pytest.mark.parametrize("name", REAL)
def test_real_views_are_equal_or_listed(t, name):
    """Every view of every real file is there with SQLite's rows, or a finding says why not."""
    path = t.copy_of(shared("data", name))
    plan = {**real_files.plan_of(name), "orphans": "keep", "on_invalid": "text", "keys": "as_data_allows", "on_error": "continue"}
    t.import_(path, plan)
    found = verdicts(t)
    wrong = {key: said for key, said in found.items() if said[0] in ("different", "missing rows")}
    assert not wrong, wrong
    views = {row["name"] for row in t.rows("SELECT name FROM verify_constraints() WHERE kind = 'view'")}
    held = {row["name"] for row in t.rows("SELECT name FROM verify_constraints() WHERE kind = 'view' AND state = 'holds'")}
    told = {row["object"].removeprefix("view ") for row in t.rows("SELECT object FROM sqlite_migrate.finding WHERE kind = 'view'")}
    assert views == held | told, (views, held, told)
    print(json.dumps({"file": name, "views": len(views), "made": len(held), "left": sorted(told)}))
