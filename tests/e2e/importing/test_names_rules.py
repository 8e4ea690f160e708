"""Rules of the plan key names: prefix, suffix and regular expressions over the names of tables."""

import re

import pytest

from client import fails
from harness import ROOT, quote

FILE = "CREATE TABLE tblUserNames (userId INTEGER PRIMARY KEY); CREATE TABLE t_orders (id INTEGER PRIMARY KEY, u INTEGER REFERENCES tblUserNames); INSERT INTO tblUserNames VALUES (1); INSERT INTO t_orders VALUES (1, 1)"


def tables(t):
    return t.value("SELECT string_agg(relname, ' ' ORDER BY relname) FROM pg_class WHERE relkind = 'r' AND relnamespace = 'public'::regnamespace")


def test_the_example_of_the_page(t):
    section = (ROOT / "docs/plan.md").read_text().split("## Rules for names")[1]
    (example,) = re.findall(r"```sql\n(.*?)\n```", section.split("\n## ")[0], re.S)
    path = t.file("a.db", FILE)
    t.sql(example.replace("'/srv/app/dev.db'", quote(str(path))))
    assert tables(t) == "app_orders app_user_names"
    assert t.shown("SELECT o.id, n.user_id FROM app_orders o JOIN app_user_names n ON n.user_id = o.u") == "1|1"
    assert t.constraints("app_orders", "f") == "FOREIGN KEY (u) REFERENCES app_user_names(user_id)"


@pytest.mark.parametrize("names, expected", [
    ({"prefix": "a_"}, "a_t_orders a_tblUserNames"), ({"suffix": "s", "case": "lower"}, "t_orderss tblusernamess"),
    ({"replace": [{"pattern": "^(tbl)(.*)$", "with": "${2}_$1"}]}, "UserNames_tbl t_orders"), ({}, "t_orders tblUserNames"),
    ({"replace": [{"pattern": ".*", "with": "x"}]}, "x x_2"), ({"replace": [{"pattern": "(?i)T", "with": ""}, {"pattern": "^_", "with": "o_"}]}, "blUserNames o_orders"),
])
def test_rules_in_their_order(t, names, expected):
    path = t.file("a.db", FILE)
    printed = t.plan(path, {"names": names})
    assert t.plan(path, printed) == printed
    t.import_(path, {"names": names})
    assert tables(t) == expected


def test_existing_tables_and_explicit_targets(t):
    path = t.file("a.db", FILE)
    t.sql('CREATE TABLE app_orders (id bigint PRIMARY KEY, u bigint); CREATE TABLE t_orders (id bigint)')
    plan = {"names": {"case": "snake_case", "prefix": "app_", "replace": [{"pattern": "^t_", "with": ""}]}, "tables": {"tblUserNames": {"target": "people"}}}
    t.import_(path, plan)
    assert t.shown("SELECT * FROM app_orders") == "1|1" and t.value("SELECT count(*) FROM t_orders") == "0"
    assert tables(t) == "app_orders people t_orders"


def test_bad_rules_name_their_path(t):
    path = t.file("a.db", FILE)
    for names, message in [
        ({"replace": [{"pattern": "^t", "with": "x"}, {"pattern": "^t", "with": ""}]}, r'plan.names.replace\[1\].pattern: "\^t" matches no table'),
        ({"replace": [{"pattern": "(", "with": ""}]}, r"plan.names.replace\[0\].pattern: invalid regular expression"), ({"prefx": "a"}, "plan.names.prefx: unknown key"),
        ({"case": "upper"}, "plan.names.case: invalid value"), (1, "plan.names: expected one of"),
    ]:
        with fails("22023", message):
            t.sql(t.call("sqlite_plan", path, {"names": names}))
