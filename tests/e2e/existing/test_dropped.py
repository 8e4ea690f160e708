"""What `existing_rows: "replace"` cannot drop because a view reads it is said while the plan is made, with a fix that works."""

import json

FILE = """
    CREATE TABLE t (id INTEGER PRIMARY KEY, n INTEGER); INSERT INTO t VALUES (1, 2), (2, 3);
    CREATE TABLE u (id INTEGER PRIMARY KEY); INSERT INTO u VALUES (1);
    CREATE VIEW kept AS SELECT id FROM t; CREATE VIEW other AS SELECT id FROM kept WHERE id > 1;
    CREATE VIEW odd AS SELECT title_sort(n) AS n FROM t;"""
REPLACE = {"existing_rows": "replace"}


def blocking(t, path, plan):
    return {f["object"]: f for f in t.findings(path, plan) if f["severity"] == "blocking"}


def test_views_of_the_file_that_are_excluded(t):
    path = t.file("x.db", FILE)
    t.import_(path)
    assert not blocking(t, path, REPLACE)
    t.import_(path, REPLACE)
    plan = {**REPLACE, "views": {"exclude": ["kept"]}}
    said = blocking(t, path, plan)
    assert set(said) == {"t"} and said["t"]["kind"] == "referenced" and '"public.t" cannot be dropped' in said["t"]["message"] and '"public.kept"' in said["t"]["message"], said
    failure = t.import_fails(path, plan, "55000", "cannot be dropped", "truncate")
    assert "DROP VIEW" in failure.hint
    # Both ways that the hint gives.
    assert t.import_(path, t.merged(plan, said["t"]["fix"]))["t"]["imported"] == 2
    again = {**plan, "before": ['DROP VIEW "public"."kept", "public"."other"'], "after": ["CREATE VIEW public.kept AS SELECT id FROM public.t"]}
    assert not blocking(t, path, again)
    assert t.import_(path, again)["t"]["imported"] == 2 and t.value("SELECT count(*) FROM kept") == "2"


def test_views_of_others(t):
    """A view that is not translated, and one that the file does not have, a materialized one over it, and one over a view of the file."""
    path = t.file("x.db", FILE)
    t.import_(path)
    t.sql("CREATE SCHEMA app; CREATE VIEW odd AS SELECT n FROM t; CREATE MATERIALIZED VIEW app.mine AS SELECT n FROM odd; CREATE VIEW app.over AS SELECT id FROM other")
    said = blocking(t, path, REPLACE)
    assert set(said) == {"t"}, said
    for name in ('"public.odd"', '"app.mine"', '"app.over"'):
        assert name in said["t"]["message"], said
    drops = said["t"]["hint"].split("in before (")[1].split(") and create")[0]
    t.import_(path, {**REPLACE, "before": drops.split("; ")})
    t.sql("CREATE VIEW app.over AS SELECT id FROM other")
    # Only the view itself is in the way.
    plan = {**REPLACE, "tables": {"t": {"existing_rows": "truncate"}}}
    said = blocking(t, path, plan)
    assert set(said) == {"view other"}, said
    fixed = t.merged(plan, said["view other"]["fix"])
    assert set(blocking(t, path, fixed)) == {"view kept"}, json.dumps(fixed)
    fixed = t.merged(fixed, blocking(t, path, fixed)["view kept"]["fix"])
    assert t.import_(path, fixed)["t"]["imported"] == 2


def test_a_run_that_goes_on_leaves_the_table(t):
    path = t.file("x.db", FILE)
    t.import_(path)
    t.sql("CREATE VIEW app_view AS SELECT n FROM t")
    results = t.import_(path, {**REPLACE, "on_error": "continue", "views": False})
    assert (results["t"]["status"], results["u"]["status"]) == ("failed", "loaded"), results
    assert t.value("SELECT count(*) FROM app_view") == "2"
