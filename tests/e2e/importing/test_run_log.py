"""What an import leaves in the log of its steps, what it tells while it runs and at its end, and what it says where it fails."""

import re

import pytest

import sqlstates as s
from client import fails
from harness import until

SHOP = """
    CREATE TABLE customer (id INTEGER PRIMARY KEY, mail TEXT UNIQUE);
    CREATE TABLE sale (id INTEGER PRIMARY KEY, customer INTEGER REFERENCES customer, cents INTEGER CHECK (cents > 0));
    CREATE INDEX sale_customer ON sale (customer);
    INSERT INTO customer VALUES (1, 'a@x'), (2, 'b@x');
    INSERT INTO sale VALUES (1, 1, 100), (2, 2, 200), (3, 9, 300);"""
END = r"imported {} in \d+\.\d\d s(: [a-z ]+ \d+ %(, [a-z ]+ \d+ %)*)?"
FAILED = r'The import failed after \d+\.\d\d s in phase {}, step "{}"\. {}'
LOST = "{} had been loaded, and nothing of it remains."
STEPS = "SELECT phase, source_table, title, rows, error FROM sqlite_migrate.run_step ORDER BY run, ordinal"


def told(said):
    return [notice.message for notice in said.notices if notice.severity == "NOTICE"]


def steps(t):
    return [tuple(row.values()) for row in t.rows(STEPS)]


def test_every_step_is_recorded_in_its_order(t):
    plan = {"orphans": "reject", "before": ["CREATE TABLE note (n int)", "INSERT INTO note VALUES (1), (2)"],
            "after": "UPDATE customer SET mail = mail"}
    t.import_(t.file("shop.db", SHOP), plan)
    assert steps(t) == [
        ("open", None, "open the file", None, None),
        ("before", None, "take the import lock", None, None),
        ("before", None, "before 1", 0, None),
        ("before", None, "before 2", 2, None),
        ("catalog", None, "read the catalog", None, None),
        ("integrity", None, "check for damage", None, None),
        ("profile", None, "profile the tables", None, None),
        ("plan", None, "make the plan", None, None),
        ("tables", "customer", "create table public.customer", None, None),
        ("tables", "sale", "create table public.sale", None, None),
        ("load", "customer", "load public.customer", 2, None),
        ("load", "sale", "load public.sale", 3, None),
        ("foreign_keys", None, "look for orphans in public.sale(customer)", 1, None),
        ("keys", "customer", "add constraint customer_pkey to public.customer", None, None),
        ("keys", "customer", "add constraint customer_mail_key to public.customer", None, None),
        ("keys", "sale", "add constraint sale_pkey to public.sale", None, None),
        ("indexes", "sale", "create index sale_customer on public.sale", None, None),
        ("foreign_keys", "sale", "add constraint sale_customer_fkey to public.sale", None, None),
        ("checks", "sale", "add constraint sale_cents_check to public.sale", None, None),
        ("sequences", "customer", "reset sequence of public.customer.id", None, None),
        ("sequences", "sale", "reset sequence of public.sale.id", None, None),
        ("analyze", "customer", "analyze public.customer", None, None),
        ("analyze", "sale", "analyze public.sale", None, None),
        ("verify", None, "count the rows", None, None),
        ("after", None, "after 1", 2, None),
        ("verify", None, "count the rows again", None, None),
    ]
    # The statements are those that sqlite_ddl shows, and the user's own.
    statements = "SELECT statement FROM sqlite_migrate.run_step WHERE {} ORDER BY ordinal"
    ours = t.value(statements.format("statement IS NOT NULL AND phase NOT IN ('before', 'after')"))
    t.sql("DROP TABLE customer, sale")
    ddl = t.call("sqlite_ddl", t.dir / "shop.db", {"orphans": "reject"})
    assert ours == t.value(f"SELECT sql FROM ({ddl}) ddl WHERE sql NOT LIKE '-- %'")
    assert t.value(statements.format("phase IN ('before', 'after')")).splitlines()[-3:] == [*plan["before"], plan["after"]]
    # One after the other, within the run.
    assert t.value("""
        SELECT bool_and(started_at BETWEEN coalesce(before, begun) AND finished_at) AND bool_and(seconds >= 0)
        FROM (SELECT step.*, lag(step.started_at) OVER (ORDER BY ordinal) AS before, run.started_at AS begun, run.finished_at
              FROM sqlite_migrate.run JOIN sqlite_migrate.run_step step ON run = id) step""") == "t"
    phases = t.rows("SELECT phase, steps, rows FROM sqlite_migrate.run_phase WHERE phase IN ('load', 'before', 'keys') ORDER BY started_at")
    assert [tuple(phase.values()) for phase in phases] == [("before", 3, 2), ("load", 2, 5), ("keys", 3, None)]
    # Orphans of all tables are rejected at once; other policies are about one table.
    t.import_(t.dir / "shop.db", {"orphans": "null"})
    assert [step for step in steps(t) if "orphans" in step[2]][-1] == ("foreign_keys", "sale", "look for orphans in public.sale(customer)", None, None)


def test_a_step_that_a_run_survives_has_its_error(t):
    path = t.file("bad.db", "CREATE TABLE good (a INTEGER); CREATE TABLE bad (a INTEGER); INSERT INTO good VALUES (1); INSERT INTO bad VALUES ('x')")
    bad = {"bad": {"columns": {"a": {"type": "bigint", "on_invalid": "error"}}}}
    said = t.sql(t.call("sqlite_import", path, {"on_error": "continue", "profile": "none", "tables": bad}))
    done = {title: (rows, error) for _, _, title, rows, error in steps(t)}
    assert done["load public.good"] == (1, None) and "analyze public.bad" not in done, done
    rows, error = done["load public.bad"]
    assert rows is None and "'x' cannot become bigint" in error, error
    assert re.fullmatch(END.format(r"1 table, 1 row \(1 table failed\)"), told(said)[-1]), said.told


def test_a_failed_run_says_where_and_what_is_lost(t):
    """Nothing of it is in the log: the error has it, behind all that it says besides."""
    path = t.file("shop.db", SHOP)
    fail = lambda plan: t.attempt(t.call("sqlite_import", path, plan))  # noqa: E731
    before = t.traces()
    # An error of the import's own.
    said = fail({"profile": "none", "orphans": "reject", "tables": {"sale": {"columns": {"cents": {"type": "boolean"}}}}})
    assert said.detail.startswith("Row with rowid 1: ") and "\n" not in said.detail, said
    assert re.fullmatch(FAILED.format("load", "load public.sale", LOST.format("1 table, 2 rows")), said.error.summary), said.error
    assert '"on_invalid"' in said.hint, said
    # The server's, over what was loaded, without a word of its own to keep.
    said = fail({"orphans": "reject", "after": "SELECT 1/0"})
    assert (said.sqlstate, said.message, said.error.context) == ("22012", "division by zero", 'SQL statement "SELECT 1/0"')
    assert said.detail == "" and re.fullmatch(FAILED.format("after", "after 1", LOST.format("2 tables, 5 rows")), said.error.summary), said.error
    # The server's with DETAIL, HINT and CONTEXT, raised by the user's code.
    raising = "DO $$ BEGIN RAISE 'no' USING DETAIL = 'never', HINT = 'leave', ERRCODE = 'XY123'; END $$"
    said = fail({"orphans": "reject", "after": raising})
    assert (said.sqlstate, said.message, said.hint) == ("XY123", "no", "leave") and "PL/pgSQL function inline_code_block line 1" in said.error.context, said
    assert said.detail == "never" and said.error.summary, said.error
    # Names of the constraint and its table, which programs ask for.
    t.sql("CREATE TABLE kept (a int CONSTRAINT kept_a CHECK (a > 0))")
    before = t.traces()
    broken = {"orphans": "reject", "after": "INSERT INTO kept VALUES (-1)"}
    block = f"""DO $do$ DECLARE name text; DECLARE said text; BEGIN PERFORM * FROM ({t.call("sqlite_import", path, broken)}) q;
        EXCEPTION WHEN check_violation THEN GET STACKED DIAGNOSTICS name = CONSTRAINT_NAME, said = PG_EXCEPTION_DETAIL;
        RAISE NOTICE '% %', name, said; END $do$"""
    assert re.fullmatch("kept_a Failing row contains .*\n" + FAILED.format("after", "after 1", ".*"), told(t.sql(block))[-1])
    # A timeout is none of the import's doing, and says where it struck; so does a cancel.
    said = t.attempt("SET statement_timeout = '1s'; " + t.call("sqlite_import", path, {"orphans": "reject", "after": "SELECT pg_sleep(100)"}))
    assert said.sqlstate == "57014" and re.fullmatch(FAILED.format("after", "after 1", ".*"), said.error.summary), said.error
    # Nothing was done yet: there is nothing to say.
    for plan in ({}, {"nope": 1}):
        assert fail(plan).error.summary == ""
    assert t.traces() == before


def test_a_failed_run_says_so_in_the_database_s_encoding(t):
    """Of the server's errors and of ours."""
    path = t.file("é.db", 'CREATE TABLE "tâche" (a INTEGER); INSERT INTO "tâche" VALUES (\'ß\')')
    plan = {"profile": "none", "tables": {"tâche": {"columns": {"a": {"type": "bigint"}}}}}
    latin = t.other_database("latin1", "ENCODING 'LATIN1' LC_COLLATE 'C' LC_CTYPE 'C' TEMPLATE template0")
    for database in (t.database, latin):
        ours = t.server.attempt(database, t.call("sqlite_import", path, plan))
        assert "'ß' cannot become bigint" in ours.detail, ours
        assert re.fullmatch(FAILED.format("load", "load public.tâche", "No table had been loaded."), ours.error.summary), ours.error
        servers = t.server.attempt(database, t.call("sqlite_import", path, {"after": "DO $$ BEGIN RAISE 'x' USING DETAIL = 'ü'; END $$"}))
        assert servers.detail == "ü" and re.fullmatch(FAILED.format("after", "after 1", LOST.format("1 table, 1 row")), servers.error.summary), servers.error


def test_the_end_says_where_the_time_went(t):
    path = t.file("shop.db", SHOP)
    for plan, tables in (({}, 0), ({"notices": "progress"}, 0), ({"notices": "tables"}, 2)):
        said = told(t.sql(t.call("sqlite_import", path, {"orphans": "reject", "existing_rows": "replace", **plan})))
        assert len(said) == tables + 1 and re.fullmatch(END.format(r"2 tables, 4 rows \(1 row rejected\)"), said[-1]), said
        for notice, table in zip(said, ("customer", "sale"), strict=False):
            assert tables == 0 or notice.startswith(f'"public"."{table}": '), said
    silent = t.sql(t.call("sqlite_import", path, {"orphans": "reject", "existing_rows": "replace", "notices": "none"}))
    assert told(silent) == []
    assert t.plan(path)["notices"] == "progress" and t.plan(path, {"notices": "none"})["notices"] == "none"
    t.import_fails(path, {"notices": "all"}, s.PLAN, "plan.notices")
    # What must be known is said in any case.
    empty = t.file("empty.db", "CREATE TABLE t (a); DROP TABLE t")
    assert "has no tables" in t.sql(t.call("sqlite_import", empty, {"notices": "none"})).told


SLOW = """
    CREATE FUNCTION slow(text) RETURNS boolean LANGUAGE plpgsql AS $$BEGIN PERFORM pg_sleep(0.1); RETURN true; END$$;
    CREATE DOMAIN slow AS text CHECK (slow(VALUE))"""


def test_a_long_load_says_how_far_it_is(t):
    """Each row takes a tenth of a second and fills a batch, and the load ends no sooner than after four seconds."""
    path = t.file("slow.db", "CREATE TABLE t (a TEXT); WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 40)"
                             " INSERT INTO t SELECT printf('%.*c', 1200000, 'x') FROM n")
    t.sql(SLOW)
    held = t.session()
    held.run("SELECT pg_advisory_lock(7)")
    importing = t.session()
    slow = {"create": "auto", "tables": {"t": {"columns": {"a": {"type": "slow"}}}}}
    importing.send(t.call("sqlite_import", path, {"after": "SELECT pg_advisory_xact_lock(7)", **slow}))
    # They come while the import runs, not with its end.
    until(lambda: importing.notices, "the first NOTICE")
    assert importing.running()
    held.close()
    progress = [notice for notice in told(importing.wait()) if notice.startswith('"public"."t"')]
    assert progress and all(re.fullmatch(r'"public"."t": \d+ of 40 rows \(\d+ %\), \d+ rows/s, \d+ s left', notice) for notice in progress), progress
    t.sql("DROP TABLE t")
    # Nobody has counted the rows before.
    unknown = told(t.sql(t.call("sqlite_import", path, {"profile": "none", **slow})))
    assert any(re.fullmatch(r'"public"."t": \d+ rows, \d+ rows/s', notice) for notice in unknown), unknown
    for words, lines in (("tables", 2), ("none", 0)):
        t.sql("DROP TABLE t")
        assert len(told(t.sql(t.call("sqlite_import", path, {"notices": words, **slow})))) == lines


ENDLESS = "(WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT 1 FROM n) SELECT count(*) FROM n) > 0"


@pytest.mark.parametrize("function", ["sqlite_import", "sqlite_plan"])
def test_a_long_look_at_the_file_says_where_it_is(t, function):
    path = t.file("two.db", 'CREATE TABLE a (a); CREATE TABLE "B c" (a); INSERT INTO "B c" VALUES (1)')
    reading = t.session()
    reading.send(t.call(function, path, {"tables": {"B c": {"where": ENDLESS}}}))
    until(lambda: reading.notices, "the first NOTICE")
    t.value(f"SELECT pg_cancel_backend({reading.pid})")
    with fails(s.CANCELED, "user request"):
        reading.wait()
    assert re.fullmatch(r'profile of "B c" \(table 2 of 2\), \d+ s so far', reading.notices[0].message), reading.notices


def test_a_long_import_says_what_begins(t):
    """The server builds an index without a word, so its beginning is told."""
    path = t.file("shop.db", SHOP)
    plan = {"orphans": "reject", "before": "SELECT pg_sleep(2.1)"}
    said = told(t.sql(t.call("sqlite_import", path, plan)))
    assert said[0] == "create table public.customer (step 2 of 16)", said
    # Quick steps are not told one by one.
    assert len(said) < 10, said
    t.sql("DROP TABLE customer, sale")
    assert len(told(t.sql(t.call("sqlite_import", path, {**plan, "notices": "tables"})))) == 3
