"""What other sessions see of an import: the view sqlite_migrate.progress, and the page that shows it."""

import sqlite3

import pytest

import sqlstates as s
from client import fails
from harness import quote, until
from test_report import Page

ROWS = 400_000
SHOP = """
    CREATE TABLE customer (id INTEGER PRIMARY KEY, mail TEXT UNIQUE);
    CREATE TABLE sale (id INTEGER PRIMARY KEY, customer INTEGER REFERENCES customer);
    INSERT INTO customer VALUES (1, 'a@x'), (2, 'b@x'); INSERT INTO sale VALUES (1, 1), (2, 2);"""
SLEEPS = {"after": "SELECT pg_sleep(1000)"}
QUERY = "SELECT query FROM pg_stat_activity WHERE pid = {}"


def page(t, user="postgres", refresh=2):
    return t.value(f"SELECT sqlite_progress_page({refresh})", user)


def progress(t, session, user="postgres"):
    return t.rows(f"SELECT * FROM sqlite_migrate.progress WHERE pid = {session.pid}", user)


def cancelled(t, session):
    t.sql(f"SELECT pg_cancel_backend({session.pid})")
    with fails(s.CANCELED, "canceling statement due to user request"):
        session.wait()


def sleeping(t, session, plan=None):
    """An import that sleeps after its work, in a session."""
    session.send(t.call("sqlite_import", t.file("shop.db", SHOP), {**SLEEPS, **(plan or {})}))
    until(lambda: [row["phase"] for row in progress(t, session)] == ["after"], "the import comes to its end")


def test_a_page_shows_the_phase_the_table_and_the_rows(t):
    path = t.file("big.db", "CREATE TABLE big (id INTEGER PRIMARY KEY, a INTEGER, b TEXT)")
    with sqlite3.connect(path) as db:
        db.executemany("INSERT INTO big VALUES (?, ?, ?)", ((n, n * 3, "x" * 40) for n in range(ROWS)))
        db.execute("CREATE INDEX big_a ON big (a)")
    session = t.session()
    session.send(t.call("sqlite_import", path, {}))
    seen, pages = [], []
    while session.running():
        seen += progress(t, session)
        pages.append(page(t))
    session.wait()
    phases = [row["phase"] for row in seen]
    assert {"profile", "load", "keys"} <= set(phases), phases
    loads = [row for row in seen if row["phase"] == "load" and 0 < (row["tuples_processed"] or 0) < ROWS]
    assert len(loads) > 1, seen
    for row in loads:
        assert (row["title"], row["table_number"], row["tables"], row["tuples_total"]) == ("load public.big", 1, 1, ROWS)
        assert row["run"] == 1 and row["tuples_per_second"] > 0 and 0 < row["step"] < row["steps"]
    texts = [Page(shown).text for shown in pages]
    assert any("load public. big" in text.replace("public.big", "public. big") and f"of {ROWS:,}" in text for text in texts), texts
    assert "No import is running." in Page(page(t)).text and str(path) in Page(page(t)).text.replace(" ", "")
    assert progress(t, session) == []


def test_a_comparison_is_shown_while_it_runs(t):
    path = t.file("big.db", f"CREATE TABLE big (id INTEGER PRIMARY KEY, a INTEGER, b TEXT); WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < {ROWS})"
                            " INSERT INTO big SELECT i, i * 3, printf('%.40d', i) FROM n")
    for call, run in ((t.call("sqlite_import", path, {"verify": "values"}), 1), ("SELECT * FROM verify_values()", 1),
                      (f"SELECT * FROM verify_values(path => {quote(str(path))})", None)):
        session = t.session()
        session.send(call)
        seen = []
        while session.running():
            seen += [row for row in progress(t, session) if row["phase"] == "verify" and 0 < (row["tuples_processed"] or 0)]
        session.wait()
        assert len(seen) > 1, call
        for row in seen:
            assert row["run"] == run and row["tuples_processed"] <= ROWS and row["table_number"] is None, row
            # Only a run's log tells beforehand how many rows there are.
            assert row["tuples_total"] == (ROWS if run else None) and row["title"].startswith("compare"), row
        assert progress(t, session) == []


def test_a_step_is_named_before_anything_is_committed(t):
    session = t.session()
    sleeping(t, session)
    [row] = progress(t, session)
    assert (row["run"], row["phase"], row["title"], row["datname"]) == (1, "after", "after 1", t.database)
    assert row["step"] == row["steps"] > 5 and row["relid"] is None and row["tuples_processed"] is None
    # The statement stays to be read behind the comment, and is as it was in the end.
    said = t.value(QUERY.format(session.pid))
    assert said.startswith(f"/* sqlite_import run 1 phase after step {row['step']}/{row['steps']}: after 1 */ SELECT * FROM sqlite_import("), said
    text = Page(page(t)).text
    assert "Running imports" in text and "after 1steps" + f"{row['step']} of {row['steps']}" in text, text
    cancelled(t, session)
    assert t.value(QUERY.format(session.pid)).startswith("SELECT * FROM sqlite_import(")
    assert progress(t, session) == []


def test_who_sees_a_running_import(t):
    owner, other, monitor = t.role("owner", "pg_read_server_files"), t.role("other"), t.role("monitor", "pg_monitor")
    t.sql("CREATE SCHEMA own AUTHORIZATION owner")
    session = t.session(owner)
    sleeping(t, session, {"schema": "own"})
    for who, seen in ((owner, 1), (monitor, 1), ("postgres", 1), (other, 0)):
        assert len(progress(t, session, who)) == seen, who
        assert ("after 1" in Page(page(t, who)).text) == bool(seen), who
    # The other role's page shows no run of the owner's that has ended, either.
    cancelled(t, session)
    t.import_(t.dir / "shop.db", {"schema": "own"})
    assert "shop.db" in Page(page(t)).text and "shop.db" not in Page(page(t, other)).text


def test_nobody_is_shown_who_only_writes_the_comment(t):
    session = t.session()
    session.send("/* sqlite_import run 1 phase load step 1/2: load public.x */ SELECT pg_sleep(1000)")
    until(lambda: "pg_sleep" in t.value(QUERY.format(session.pid)), "the forgery runs")
    assert t.rows("SELECT * FROM sqlite_migrate.progress") == []
    cancelled(t, session)


def test_a_comment_with_numbers_out_of_range_is_nobody_s(t):
    session = t.session()
    session.send(f"BEGIN; {t.call('sqlite_import', t.file('shop.db', SHOP), {})}")
    session.wait()
    # The transaction holds the import lock still.
    session.send(f"/* sqlite_import run {'9' * 40} phase load step {'9' * 40}/1: x */ SELECT pg_sleep(1000)")
    until(lambda: "pg_sleep" in t.value(QUERY.format(session.pid)), "the forgery runs")
    assert t.rows("SELECT * FROM sqlite_migrate.progress") == []
    assert "No import is running." in Page(page(t)).text
    cancelled(t, session)


def test_a_caught_error_leaves_the_statement_as_it_was(t):
    path = t.file("shop.db", SHOP)
    call = t.call("sqlite_import", path, {"after": "SELECT 1/0"}).replace("'", "''")
    session = t.session()
    session.send(f"DO $$ BEGIN BEGIN EXECUTE '{call}'; EXCEPTION WHEN division_by_zero THEN NULL; END; PERFORM pg_sleep(1000); END $$")
    until(lambda: t.value(QUERY.format(session.pid)).startswith("DO ")
          and t.value(f"SELECT wait_event FROM pg_stat_activity WHERE pid = {session.pid}") == "PgSleep", "the block sleeps")
    assert progress(t, session) == []
    cancelled(t, session)


def test_without_track_activities_an_import_goes_unseen(t):
    t.sql("ALTER DATABASE " + t.database + " SET track_activities = off")
    session = t.session()
    session.send(t.call("sqlite_import", t.file("shop.db", SHOP), SLEEPS))
    until(lambda: t.value(f"SELECT wait_event FROM pg_stat_activity WHERE pid = {session.pid}") in ("PgSleep", ""), "the import runs")
    assert progress(t, session) == []
    cancelled(t, session)


@pytest.mark.parametrize("refresh, content", [(2, "2"), (30, "30"), (0, None), ("NULL", None)])
def test_a_page_is_loaded_again(t, refresh, content):
    shown = page(t, refresh=refresh)
    assert shown.isascii() and Page(shown).open == []
    assert [value for tag, name, value in Page(shown).attributes if (tag, name) == ("meta", "content")][1:] == ([content] if content else [])


def test_no_page_is_loaded_before_it_is_there(t):
    with fails(s.PLAN, "refresh: must not be negative", "0 for a page that stays"):
        page(t, refresh=-1)
