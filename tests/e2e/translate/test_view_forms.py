"""What a view of the file may become: a view, a materialized view, a table, a text of the plan's own; and what is said of one that becomes nothing."""

import json
import re

import pytest

import sqlstates as s
from client import fails
from harness import quote

# object_not_in_prerequisite_state: a finding stops the import.
OWN = ("55000",)

FILE = """
    CREATE TABLE "saleItems" (id INTEGER PRIMARY KEY, "itemName" TEXT NOT NULL, cents INTEGER, sold DATETIME);
    INSERT INTO "saleItems" VALUES (1, 'pen', 120, '2024-01-31 10:00:00'), (2, 'ink', 560, '2024-02-01 11:30:00'), (3, 'cap', NULL, NULL);
    CREATE VIEW dear AS SELECT id, "itemName" FROM "saleItems" WHERE cents > 150;
    CREATE VIEW monthly(month, total) AS SELECT strftime('%Y-%m', sold), sum(cents) FROM "saleItems" GROUP BY 1;
    CREATE VIEW dearest AS SELECT max("itemName") AS name FROM dear;
    CREATE VIEW coded AS SELECT id, title_sort("itemName") AS code
      FROM "saleItems" AS i
      WHERE i."itemName" <> '' /* no blanks */;
    CREATE VIEW codes AS SELECT code FROM coded;"""


@pytest.fixture
def path(t):
    return t.file("sale.db", FILE)


def kinds(t, schema="public"):
    rows = t.rows(f"SELECT relname, relkind FROM pg_class WHERE relnamespace = {quote(schema)}::regnamespace AND relkind IN ('v', 'm', 'r')")
    return {row["relname"]: row["relkind"] for row in rows}


def findings(t, path, plan):
    return {f["object"].removeprefix("view "): f for f in t.findings(path, plan) if f["object"].startswith("view ")}


def test_all_views_or_some_become_materialized_views_or_tables(t, path):
    t.import_(path, {"views": "materialized"})
    assert kinds(t) == {"saleItems": "r", "dear": "m", "monthly": "m", "dearest": "m"}
    assert t.rows("SELECT * FROM dear") == [{"id": 2, "itemName": "ink"}] and t.value("SELECT name FROM dearest") == "ink"
    assert t.value("SELECT bool_and(relispopulated) FROM pg_class WHERE relkind = 'm'") == "t"
    plan = {"schema": "app", "views": {"exclude": ["d*r"], "table": ["m*"], "materialized": ["*"]}}
    assert t.plan(path, plan)["views"] == plan["views"]
    t.import_(path, {**plan, "views": {"table": ["monthly"], "materialized": ["*e*"]}})
    assert kinds(t, "app") == {"saleItems": "r", "dear": "m", "monthly": "r", "dearest": "m"}
    assert t.rows("SELECT * FROM app.monthly ORDER BY month NULLS FIRST") == [
        {"month": None, "total": None}, {"month": "2024-01", "total": 120}, {"month": "2024-02", "total": 560}]
    analyzed = t.rows("SELECT statement FROM sqlite_migrate.run_step WHERE phase = 'analyze' AND run = 2 ORDER BY ordinal")
    assert [row["statement"] for row in analyzed][1:] == ['ANALYZE "app"."dear"', 'ANALYZE "app"."monthly"', 'ANALYZE "app"."dearest"']
    states = t.rows("SELECT name, state FROM verify_constraints() WHERE kind = 'view'")
    assert {row["name"]: row["state"] for row in states} == {"dear": "holds", "monthly": "holds", "dearest": "holds", "coded": "left out", "codes": "left out"}


def test_a_form_is_replaced_by_another(t, path):
    t.import_(path, {"views": "table"})
    said = findings(t, path, {"existing_rows": "append"})
    assert '"public"."dear" exists, and is left alone' in said["dear"]["message"] and said["dear"]["severity"] == "warning"
    t.import_(path, {"views": "table", "existing_rows": "replace"})
    t.sql("DROP TABLE dear, monthly, dearest")
    for form, kind in (("materialized", "m"), (True, "v"), ("materialized", "m")):
        t.import_(path, {"views": form, "existing_rows": "replace"})
        assert kinds(t) == {"saleItems": "r", "dear": kind, "monthly": kind, "dearest": kind}
    assert t.rows("SELECT * FROM dear") == [{"id": 2, "itemName": "ink"}]


def test_a_text_of_the_plan_s_own(t, path):
    own = {"coded": {"sql": 'SELECT id, upper(left("itemName", 1)) AS code FROM "saleItems" WHERE "itemName" <> \'\' -- no blanks'}}
    plan = {"views": own}
    t.sql("SET search_path TO public; CREATE SCHEMA app")
    assert t.plan(path, plan)["views"] == own
    t.import_(path, plan)
    assert t.rows("SELECT * FROM coded ORDER BY id") == [{"id": 1, "code": "P"}, {"id": 2, "code": "I"}, {"id": 3, "code": "C"}]
    assert kinds(t) == {"saleItems": "r", "dear": "v", "monthly": "v", "dearest": "v", "coded": "v"}
    said = findings(t, path, {**plan, "schema": "app"})
    assert "coded" not in said and "a text of the plan's own" in said["codes"]["message"], said
    # An entry wins over a glob, and globs of forms count for it.
    plan = {"schema": "app", "views": {"exclude": ["*"], "table": ["co*"], **own}}
    t.import_(path, plan)
    assert kinds(t, "app") == {"saleItems": "r", "coded": "r"} and t.value("SELECT count(*) FROM app.coded") == "3"


def test_own_names_of_columns_are_those_of_the_file(t, path):
    t.import_(path, {"views": {"monthly": {"sql": "VALUES (1, 2);"}}, "names": "snake_case"})
    assert t.rows("SELECT * FROM monthly") == [{"month": 1, "total": 2}]


@pytest.mark.parametrize("sql,said", [("SELECT nosuch FROM \"saleItems\"", "nosuch"), ("SELECT 1; DROP TABLE \"saleItems\"", "syntax error"), ("SELEC 1", "SELEC"),
                                      ("SELECT * FROM public.nowhere", "nowhere"), ("DELETE FROM \"saleItems\" RETURNING id", "DELETE"), ("SELECT 1 AS a, 2 AS a", "more than once")])
def test_an_own_text_that_is_wrong_stops_the_import_before_anything_is_written(t, path, sql, said):
    plan = {"views": {"coded": {"sql": sql}}}
    found = findings(t, path, plan)["coded"]
    assert (found["severity"], found["kind"]) == ("blocking", "expression_refused") and said in found["message"], found
    assert found["hint"] == "Correct plan.views.coded.sql."
    with fails(OWN, "plan.views.coded.sql", ""):
        t.sql(t.call("sqlite_import", path, plan))
    assert kinds(t) == {}


def test_own_texts_read_views_and_what_before_creates(t, path):
    t.import_(path, {"before": "CREATE TABLE extra (n int)", "views": {"coded": {"sql": "SELECT d.id, e.n FROM dear d LEFT JOIN extra e ON e.n = d.id"}}})
    assert t.rows("SELECT * FROM coded") == [{"id": 2, "n": None}]


def test_own_texts_read_one_another(t, path):
    """In whatever order the file has the views."""
    own = {"dear": {"sql": "SELECT n::int + 1 AS n FROM dearest"}, "monthly": {"sql": "SELECT 'dear' AS s, d.n FROM dear AS d"}, "dearest": {"sql": "SELECT count(*) AS n FROM coded"},
           "coded": {"sql": 'SELECT id FROM "saleItems"'}}
    t.import_(path, {"views": {"materialized": ["*"], **own}})
    assert t.rows("SELECT * FROM monthly") == [{"month": "dear", "total": 4}]


def test_an_own_text_that_never_ends_is_stopped(t, path):
    plan = {"views": {"materialized": ["coded"], "coded": {"sql": "WITH RECURSIVE c AS (SELECT 1 AS n UNION ALL SELECT n % 7 + 1 FROM c) SELECT n FROM c WHERE n < 0"}}}
    session = t.session()
    session.run("SET statement_timeout = '2s'")
    assert session.attempt(t.call("sqlite_import", path, plan)).sqlstate == "57014"
    assert kinds(t) == {} and t.value("SELECT count(*) FROM sqlite_migrate.run") == "0"


@pytest.mark.parametrize("views,message", [
    ({"dearr": {"sql": "SELECT 1"}}, 'plan.views.dearr: the file has no view of this name, did you mean "dear"'),
    ({"exclude": ["x*"]}, 'plan.views.exclude[0]: "x*" matches no view'), ({"table": ["dearr"]}, 'plan.views.table[0]: "dearr" matches no view, did you mean "dear'),
    ("tables", 'plan.views: invalid value "tables", did you mean "table"'), ({"dear": ["a"]}, "plan.views.dear: unknown list")])
def test_what_names_nothing_is_an_error_with_its_path(t, path, views, message):
    with fails(s.PLAN, re.escape(message)):
        t.plan(path, {"views": views})


def test_strict_takes_no_assumption(t, path):
    t.import_(path, {"strict": True})
    said = findings(t, path, {"strict": True, "existing_rows": "replace"})
    assert kinds(t) == {"saleItems": "r", "dear": "v", "dearest": "v", "monthly": "v"}, said
    path = t.file("sums.db", "CREATE TABLE t (a INTEGER, b REAL); INSERT INTO t VALUES (1, 2); CREATE VIEW v AS SELECT sum(a + 1) AS c, avg(b) AS d FROM t; CREATE VIEW w AS SELECT c FROM v;")
    said = findings(t, path, {"strict": True})
    assert "the plan is strict, and its translation assumes: a number out of its type's range" in said["v"]["message"], said
    assert "averages of numbers with a fraction may differ in the last digits" in said["v"]["message"] and said["v"]["fix"] == {"strict": False}
    assert "is a view, which is not carried over" in said["w"]["message"]
    assert t.plan(path, {"strict": True})["strict"] is True


def template(finding):
    """The part of a plan that a hint gives to be finished."""
    return json.loads(re.search(r"As a plan: (\{.*\})", finding["hint"])[1])


def test_what_is_not_translated_comes_with_a_template(t, path):
    plan = {"names": "snake_case", "schema": "app"}
    found = findings(t, path, plan)["coded"]
    assert found["message"] == '''view "coded" is not carried over: function title_sort() is the application's (line 1, column 33: CREATE VIEW coded AS SELECT id, «title_sort("itemName")» AS code)'''
    assert found["hint"].startswith("Finish the SELECT where it has « », and set plan.views.coded.sql to it. As a plan: ")
    given = template(found)
    sql, original = given["views"]["coded"]["sql"].split("\n/* ")
    assert sql == '''SELECT "id", «title_sort("item_name")» AS code\n      FROM "app"."sale_items" AS i\n      WHERE "i"."item_name" <> '' /* no blanks */'''
    assert "FROM \"saleItems\" AS i" in original
    # As it stands nobody can take it for the view.
    with fails(OWN, "plan.views.coded.sql"):
        t.sql(t.call("sqlite_import", path, {**plan, **given}))
    given["views"]["coded"]["sql"] = given["views"]["coded"]["sql"].replace("«", "upper(left(").replace('title_sort("item_name")', '"item_name", 1))').replace("»", "")
    t.import_(path, {**plan, **given})
    assert t.value("SELECT string_agg(code, '' ORDER BY id) FROM app.coded") == "PIC"


def test_a_template_keeps_what_the_plan_says_of_other_views(t, path):
    found = findings(t, path, {"views": "materialized"})["coded"]
    assert template(found)["views"]["materialized"] == ["*"]
    left = findings(t, path, {"views": {"exclude": ["dear"]}})
    assert "dearest" in left and "is a view that the plan leaves out" in left["dearest"]["message"]


def test_the_printed_plan_is_its_own_fixed_point(t, path):
    for views in (True, False, "materialized", {"exclude": ["dear"], "dearest": {"sql": "SELECT 'x' AS name"}}):
        plan = t.plan(path, {"views": views})
        assert plan["views"] == views and t.plan(path, plan) == plan


def test_the_statements_can_be_run_by_hand(t, path):
    plan = {"schema": "app", "views": {"materialized": ["dear"], "coded": {"sql": 'SELECT count(*) AS code FROM app.dear'}}}
    ddl = [row["sql"] for row in t.rows(f"SELECT ordinal, sql FROM ({t.call('sqlite_ddl', path, plan)}) d ORDER BY ordinal")]
    t.sql(";\n".join(sql for sql in ddl if not sql.startswith("--")))
    assert kinds(t, "app") == {"saleItems": "r", "dear": "m", "monthly": "v", "dearest": "v", "coded": "v"}


def test_a_role_of_its_own(t, path):
    role = t.role("mover", "pg_read_server_files")
    t.sql(f"CREATE SCHEMA app AUTHORIZATION {role}; CREATE SCHEMA other; CREATE TABLE other.secret (a int)")
    call = t.call("sqlite_import", path, {"schema": "app", "views": {"materialized": ["dear"], "coded": {"sql": "SELECT a FROM other.secret"}}})
    with fails(OWN, "permission denied for schema other"):
        t.sql(call, user=role)
    t.sql(t.call("sqlite_import", path, {"schema": "app", "views": {"materialized": ["dear"]}}), user=role)
    owners = t.rows("SELECT relname, pg_get_userbyid(relowner) AS owner FROM pg_class WHERE relnamespace = 'app'::regnamespace AND relkind IN ('v', 'm')")
    assert {(row["relname"], row["owner"]) for row in owners} == {("dear", role), ("monthly", role), ("dearest", role)}
    # Without the right to temporary tables nothing is tried, and all is made nevertheless.
    t.sql(f"REVOKE TEMPORARY ON DATABASE {t.database} FROM PUBLIC")
    t.sql(t.call("sqlite_import", path, {"schema": "app", "existing_rows": "replace", "views": {"coded": {"sql": "SELECT 1 AS id, 'x' AS code"}}}), user=role)
    assert kinds(t, "app") == {"saleItems": "r", "dear": "v", "monthly": "v", "dearest": "v", "coded": "v"}
    # Those of another role are not replaced.
    t.sql("CREATE VIEW app.codes AS SELECT 1")
    said = t.sql(t.call("sqlite_findings", path, {"schema": "app", "existing_rows": "replace"}), user=role)
    assert "dear" not in [row[1] for row in said.rows]


@pytest.mark.parametrize("encoding", ["LATIN1", "SQL_ASCII", "EUC_JP"])
def test_what_the_encoding_lacks_costs_only_the_view(t, encoding):
    database = t.other_database(encoding.lower(), f"ENCODING '{encoding}' LC_COLLATE 'C' LC_CTYPE 'C' TEMPLATE template0")
    path = t.file("enc.db", "CREATE TABLE t (a TEXT); INSERT INTO t VALUES ('x'); CREATE VIEW v AS SELECT a FROM t; CREATE VIEW w AS SELECT a || '🙂ü' AS b FROM t;")
    t.server.run(database, t.call("sqlite_import", path))
    made = t.server.run(database, "SELECT string_agg(relname, ',' ORDER BY relname) FROM pg_class WHERE relkind = 'v' AND relnamespace = 'public'::regnamespace").out.strip()
    said = t.server.run(database, "SELECT message FROM sqlite_migrate.finding WHERE object = 'view w'").out
    assert made == ("v,w" if encoding == "SQL_ASCII" else "v"), said
    assert encoding == "SQL_ASCII" or "lacks" in said, said
