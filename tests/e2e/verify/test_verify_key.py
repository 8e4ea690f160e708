"""The plan's `verify`: counts, values, a sample or nothing, for everything or a table."""

import re

import pytest

FILE = """
CREATE TABLE a(id INTEGER PRIMARY KEY, v TEXT);
CREATE TABLE b(id INTEGER PRIMARY KEY, v TEXT);
INSERT INTO a WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 5000) SELECT i, 'v' || i FROM n;
INSERT INTO b SELECT * FROM a;
"""
# A trigger that changes every row, or leaves every second one out.
SHOUT = "NEW.v := upper(NEW.v); RETURN NEW;"
LOSE = "IF NEW.id % 2 = 0 THEN RETURN NULL; END IF; RETURN NEW;"


def triggered(t, body, table="a"):
    t.sql(f"""CREATE TABLE {table}(id bigint PRIMARY KEY, v text);
              CREATE FUNCTION change() RETURNS trigger LANGUAGE plpgsql AS $$BEGIN {body} END$$;
              CREATE TRIGGER change BEFORE INSERT ON {table} FOR EACH ROW EXECUTE FUNCTION change()""")


def details(t, plan):
    return {name: row["detail"] for name, row in t.import_(t.file("t.db", FILE), plan).items()}


@pytest.mark.parametrize("plan, expected", [
    ({"verify": "sample"}, {"a": 1000, "b": 1000}),
    ({"verify": {"sample": 0.5}}, {"a": 2500, "b": 2500}),
    ({"verify": {"sample": 1}}, {"a": None, "b": None}),
    ({"tables": {"b": {"verify": "sample"}}}, {"a": None, "b": 1000}),
    ({"verify": "sample", "tables": {"a": {"verify": "values"}, "b": {"verify": "none"}}}, {"a": None, "b": None}),
], ids=["sample", "half", "all", "a table's sample", "tables of their own"])
def test_a_sample_is_a_share_of_each_table(t, plan, expected):
    for table, detail in details(t, plan).items():
        said = re.fullmatch(r"written as pages(?:; values: a sample: (\d+) rows of the file compared)?", detail).group(1)
        rows = said and int(said)
        # Parts of the table that touch each other have fewer.
        assert rows == expected[table] or 0.9 * expected[table] < rows < expected[table], (table, rows)
    verified = {row["target_table"] for row in t.rows("SELECT DISTINCT target_table FROM sqlite_migrate.verification WHERE kind = 'values' AND ok")}
    none = {name for name, of in plan.get("tables", {}).items() if of["verify"] in ("none", "counts")}
    assert verified == ({"b"} if "verify" not in plan else {"a", "b"} - none)


def test_a_sample_finds_what_many_rows_have(t):
    triggered(t, SHOUT)
    path, plan = t.file("t.db", FILE), {"fire_triggers": True, "create": "auto"}
    t.attempt(t.call("sqlite_import", path, {**plan, "verify": "sample"})).failed("22000", 'table "public"."a" differs from the file')
    assert t.value("SELECT count(*) FROM a") == "0"
    t.attempt(t.call("sqlite_import", path, {**plan, "tables": {"a": {"verify": "values"}}})).failed("22000", 'table "public"."a" differs')
    t.import_(path, {**plan, "tables": {"b": {"verify": "values"}}})
    assert t.value("SELECT v FROM a WHERE id = 7") == "V7"


def test_the_rows_of_a_table_are_not_counted_where_it_says_so(t):
    """A statement of `after` loses rows of one of two tables."""
    path = t.file("t.db", FILE)
    lose = {"after": "DELETE FROM a WHERE id = 1"}
    t.attempt(t.call("sqlite_import", path, {**lose, "tables": {"b": {"verify": "none"}}})).failed("27000", 'rows of "public"."a" were changed')
    t.import_(path, {**lose, "tables": {"a": {"verify": "none"}}})
    assert t.value("SELECT count(*) FROM a") == "4999"


@pytest.mark.parametrize("verify", ["counts", "values", "sample", {"sample": 0.25}, "none"])
def test_a_plan_prints_what_it_was_given(t, verify):
    path = t.file("t.db", FILE)
    plan = t.plan(path, {"verify": verify, "tables": {"b": {"verify": "counts"}}})
    assert (plan["verify"], plan["tables"]["a"]["verify"], plan["tables"]["b"]["verify"]) == (verify, verify, "counts")
    assert t.plan(path, plan) == plan


@pytest.mark.parametrize("plan, message", [
    ({"verify": "value"}, 'plan.verify: invalid value "value", did you mean "values"'),
    ({"verify": {"sample": 0}}, "plan.verify.sample: 0 is not above 0 and at most 1"),
    ({"tables": {"a": {"verify": {"share": 1}}}}, "plan.tables.a.verify.share: unknown key"),
    ({"tables": {"a": {"verify": True}}}, "plan.tables.a.verify: expected one of"),
], ids=["word", "share", "key", "shape"])
def test_what_it_does_not_take_is_refused(t, plan, message):
    t.attempt(t.call("sqlite_plan", t.file("t.db", FILE), plan)).failed("22023", message)
