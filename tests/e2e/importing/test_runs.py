"""Runs that are watched, stopped, killed and rolled back: nothing stays behind, and memory stays flat."""

import os
import re
import signal
import sqlite3
import time

import pytest

import sqlstates as s
from client import fails
from harness import until

ROWS = 300_000


def big(t, rows=ROWS):
    return t.file("big.db", f"""
        CREATE TABLE big (id INTEGER PRIMARY KEY, a INTEGER, b TEXT, c REAL, d TEXT, e DATETIME);
        CREATE INDEX big_a ON big (a);
        WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < {rows})
        INSERT INTO big SELECT i, i % 1000, 'name ' || i, i / 7.0, printf('%.*c', i % 90, 'x'),
            datetime(1700000000 + i, 'unixepoch') FROM n;""")


# SQLite works for minutes before the first row comes out.
SLOW_STEP = {"profile": "none", "tables": {"big": {
    "where": "id = (SELECT count(*) FROM big x, big y WHERE x.a <> y.id * 3)"}}}


def loading(t, session):
    """The load of the session's backend is under way."""
    return lambda: tuples(t, session) > 0


def tuples(t, session):
    """Rows that the running load of the session's backend has written."""
    return int(t.server.run("postgres", "SELECT coalesce(max(tuples_processed), 0) FROM pg_stat_progress_copy"
                                        f" WHERE pid = {session.pid}").out)


def stopped(t, session, path, result, before, threads):
    """After any end of a run: the right error, and nothing left in database, directory or process."""
    if result is not None:
        result.failed(s.CANCELED, "canceling statement due to (user request|statement timeout)")
    session.run("ROLLBACK")
    assert t.traces() == before, "something stayed in the database"
    assert not session.open_files(t.dir), session.open_files(t.dir)
    until(lambda: session.threads() == threads, "the reader thread ends", 10)
    assert [p for p in t.dir.iterdir() if p != path] == [], "something stayed beside the file"
    assert writable(path), "a lock stayed on the SQLite file"
    assert session.value("SELECT 1") == "1"


def writable(path):
    db = sqlite3.connect(path, timeout=0.2, isolation_level=None)
    db.execute("BEGIN EXCLUSIVE")
    db.execute("ROLLBACK")
    db.close()
    return True


def start(t):
    path, session = big(t), t.session()
    session.run("SET client_min_messages = warning")
    before, threads = t.traces(), session.threads()
    return path, session, before, threads


def test_cancel_during_load(t):
    path, session, before, threads = start(t)
    session.send(t.call("sqlite_import", path, {}))
    until(loading(t, session), "the load starts")
    t.value(f"SELECT pg_cancel_backend({session.pid})")
    stopped(t, session, path, session.attempted(30), before, threads)


def test_statement_timeout_during_load(t):
    path, session, before, threads = start(t)
    call = t.call("sqlite_import", path, {"profile": "none"})
    begin = time.monotonic()
    session.send(f"BEGIN; {call}; ROLLBACK")
    until(loading(t, session), "the load starts")
    started = time.monotonic() - begin
    while loading(t, session)():
        pass
    ended = time.monotonic() - begin
    session.wait()
    # In the middle of the load, as measured; when a load runs faster or slower than that one, somewhere else.
    for part in (0.5, 0.3, 0.7, 0.15):
        session.run(f"SET statement_timeout = '{int(1000 * (started + part * (ended - started)))}ms'")
        session.send(f"BEGIN; {call}")
        rows = 0
        while session.running():
            rows = tuples(t, session) or rows
        result = session.attempted(60)
        session.run("ROLLBACK; RESET statement_timeout")
        if result.sqlstate and rows:
            break
    assert 0 < rows < ROWS, f"the timeout did not strike during the load but at {rows} rows"
    assert "statement timeout" in result.message, result.message
    stopped(t, session, path, result, before, threads)


def test_cancel_during_a_long_sqlite_step(t):
    path, session, before, threads = start(t)
    session.send(t.call("sqlite_import", path, SLOW_STEP))
    time.sleep(1)
    t.value(f"SELECT pg_cancel_backend({session.pid})")
    stopped(t, session, path, session.attempted(30), before, threads)


def test_statement_timeout_during_a_long_sqlite_step(t):
    path, session, before, threads = start(t)
    result = session.attempt("SET statement_timeout = '500ms'; " + t.call("sqlite_import", path, SLOW_STEP), 30)
    session.run("RESET statement_timeout")
    stopped(t, session, path, result, before, threads)


def test_statement_timeout_during_profile_and_check(t):
    path, session, before, threads = start(t)
    for call in (f"SELECT * FROM sqlite_check('{path}', full => true)", t.call("sqlite_inspect", path)):
        result = session.attempt("SET statement_timeout = '20ms'; " + call, 30)
        session.run("RESET statement_timeout")
        stopped(t, session, path, result, before, threads)


def test_terminate_during_load(t):
    path, session, before, _ = start(t)
    session.send(t.call("sqlite_import", path, {}))
    until(loading(t, session), "the load starts")
    t.value(f"SELECT pg_terminate_backend({session.pid})")
    with fails(s.TERMINATED, "terminating connection due to administrator command"):
        session.wait(30)
    until(lambda: not os.path.exists(f"/proc/{session.pid}"), "the backend ends", 30)
    assert t.traces() == before and writable(path)


def test_terminate_during_profile(t):
    """FATAL while the helper thread reads, outside any load: the server stays up, and nothing stays open."""
    path = big(t)
    for call in (t.call("sqlite_inspect", path), t.call("sqlite_import", path, {})):
        session, before = t.session(), t.traces()
        session.send(call)
        until(lambda: session.open_files(t.dir), "the file is opened")
        assert tuples(t, session) == 0
        t.value(f"SELECT pg_terminate_backend({session.pid})")
        with fails(s.TERMINATED, "terminating connection due to administrator command"):
            session.wait(30)
        until(lambda: not os.path.exists(f"/proc/{session.pid}"), "the backend ends", 30)
        assert t.traces() == before and writable(path)
        assert [p for p in t.dir.iterdir() if p != path] == [], "something stayed beside the file"
    assert t.import_(t.file("small.db", "CREATE TABLE small (a); INSERT INTO small VALUES (1);"))["small"]["imported"] == 1


def bad_in_the_middle(t, pg_type, good, bad):
    """A file whose load in 200,000 rows meets a bad value at the 150,000th, and a plan that does not look before."""
    path = t.file("middle.db", f"""CREATE TABLE m (id INTEGER PRIMARY KEY, v TEXT);
        WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 200000)
        INSERT INTO m SELECT i, CASE i WHEN 150000 THEN '{bad}' ELSE '{good}' END FROM n;""")
    return path, {"profile": "none", "tables": {"m": {"columns": {"v": {"type": pg_type}}}}}


@pytest.mark.parametrize("pg_type, good, bad", (("numeric", "12.5", "n/a"), ("inet", "10.0.0.1", "10.0.0.999")))
def test_error_in_the_middle_of_a_load(t, pg_type, good, bad):
    """Raised by our own conversion (numeric) and by the type's input function (inet)."""
    path, plan = bad_in_the_middle(t, pg_type, good, bad)
    session = t.session()
    before, threads = t.traces(), session.threads()
    call = t.call("sqlite_import", path, plan)
    with fails(s.INVALID_VALUE, f"rowid 150000.*{re.escape(bad)}", hint="on_invalid"):
        session.run(call)
    stopped(t, session, path, None, before, threads)
    session.run("BEGIN")
    block = "DO $$ BEGIN PERFORM * FROM ({}) q; EXCEPTION WHEN invalid_text_representation THEN NULL; END $$"
    session.run(block.format(call))
    assert session.value("SELECT count(*) FROM pg_class WHERE relname = 'm' OR relname ~ '^sqlite_migrate_stage'") == "0"
    assert not session.open_files(t.dir) and session.threads() == threads
    # The transaction goes on, and imports again.
    plan["tables"]["m"]["where"] = "id <> 150000"
    session.run(t.call("sqlite_import", path, plan))
    session.run("COMMIT")
    assert t.value(f"SELECT count(*) FILTER (WHERE v = '{good}') FROM m") == "199999"
    assert t.value("SELECT count(*) FROM sqlite_migrate.run") == "1"
    t.sql("DROP TABLE m; SELECT sqlite_forget(id) FROM sqlite_migrate.run")


def test_kill_9_during_load(t):
    t.crash_expected = True
    path, session, before, _ = start(t)
    session.send(t.call("sqlite_import", path, {}))
    until(loading(t, session), "the load starts")
    position = t.server.log_size()
    os.kill(session.pid, signal.SIGKILL)
    session.attempted(60)
    t.server.wait_until_restarted(position)
    assert t.traces() == before and writable(path)
    assert t.import_(path)["big"]["imported"] == ROWS


def test_rollback_leaves_no_trace(t):
    path, session, before, threads = start(t)
    session.run("BEGIN")
    session.run(t.call("sqlite_import", path, {"schema": "brand_new"}))
    assert session.value("SELECT count(*) FROM brand_new.big") == str(ROWS)
    stopped(t, session, path, None, before, threads)


def test_success_leaves_no_handle(t):
    path, session, _, threads = start(t)
    session.run(t.call("sqlite_import", path, {}))
    assert not session.open_files(t.dir) and session.threads() == threads and writable(path)


def test_error_in_a_subtransaction_leaves_no_handle(t):
    path, session, before, threads = start(t)
    session.run(f"""DO $$ BEGIN
        PERFORM * FROM sqlite_import('{path}', '{{"after": ["SELECT 1/0"]}}');
    EXCEPTION WHEN division_by_zero THEN NULL; END $$""")
    stopped(t, session, path, None, before, threads)


def test_interrupted_cursor_leaves_no_handle(t):
    """A result that is not read to its end."""
    path, session, before, threads = start(t)
    session.run("BEGIN")
    session.run(f"DECLARE c CURSOR FOR SELECT * FROM sqlite_inspect('{path}')")
    session.run("FETCH 1 FROM c")
    stopped(t, session, path, None, before, threads)


def test_memory_stays_flat(t):
    grown = growth(t, big(t, 1_000_000), {"indexes": False})
    assert grown < 64, f"the backend grew by {grown} MB"


def test_memory_with_values_of_megabytes(t):
    """Values larger than a batch: its buffer is not kept for each of them."""
    path = t.file("wide.db", "CREATE TABLE w (id INTEGER PRIMARY KEY, v BLOB, s TEXT);" + "".join(
        f"INSERT INTO w VALUES ({n}, zeroblob({1 + n % 7} * 1000000), printf('%.*c', {7 - n % 7} * 1000000, 'y'));" for n in range(60)))
    grown = growth(t, path, {})
    assert t.value("SELECT sum(length(v)) || '/' || sum(length(s)) FROM w") == "234000000/246000000"
    # A few of the largest values, of 7 MB each, are in memory at the same time.
    assert grown < 64 + 2 * 7, f"the backend grew by {grown} MB"


def test_memory_with_many_rejected_rows(t):
    path = t.file("bad.db", """CREATE TABLE b (id INTEGER PRIMARY KEY, n INTEGER, s TEXT);
        WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 100001)
        INSERT INTO b SELECT i, CASE WHEN i = 100001 THEN 1 ELSE 'not a number' END, printf('%.*c', 200, 'x') FROM n;""")
    plan = {"on_invalid": "reject", "tables": {"b": {"columns": {"n": {"type": "bigint"}}}}}
    grown = growth(t, path, plan)
    assert t.value("SELECT rejected || '/' || imported FROM sqlite_migrate.run_table WHERE source_table = 'b'") == "100000/1"
    assert t.value("SELECT count(*) FROM sqlite_migrate.reject") == "100000"
    assert grown < 64, f"the backend grew by {grown} MB"


def growth(t, path, plan):
    """Megabytes by which the backend grows at most during an import, after a first small one."""
    session = t.session()
    session.run("SET client_min_messages = warning")
    session.run(t.call("sqlite_import", t.file("warm.db", "CREATE TABLE warm (a); INSERT INTO warm VALUES (1);"), {}))
    start_memory, most = session.private_memory(), 0
    session.send(t.call("sqlite_import", path, plan))
    while session.running():
        most = max(most, session.private_memory())
    session.wait()
    return (most - start_memory) >> 20


def test_memory_with_large_values(t):
    """A few values of some megabytes, then many ordinary ones: buffers shrink again."""
    path = t.file("large.db", """CREATE TABLE l (id INTEGER PRIMARY KEY, v BLOB, s TEXT);
        INSERT INTO l VALUES (1, randomblob(20000000), 'x'), (2, zeroblob(30000000), NULL), (3, NULL, printf('%.*c', 10000000, 'y'));""")
    session = t.session()
    session.run(t.call("sqlite_import", path, {}))
    assert t.value("SELECT string_agg(coalesce(length(v), 0) || '/' || coalesce(length(s), 0), ' ' ORDER BY id) FROM l") \
        == "20000000/1 30000000/0 0/10000000"


def test_progress_is_seen_by_others(t):
    path, session = big(t), t.session()
    db = sqlite3.connect(path)
    db.execute("CREATE TABLE also (id INTEGER PRIMARY KEY, p INTEGER REFERENCES big)")
    db.commit()
    db.close()
    session.send(t.call("sqlite_import", path, {}))
    look = "SELECT * FROM {} WHERE pid = " + str(session.pid)
    seen, ours = [], []
    while session.running():
        seen += t.rows(look.format("pg_stat_progress_copy"))
        ours += t.rows("SELECT *, extract(epoch FROM eta) AS eta_seconds FROM (" + look.format("sqlite_migrate.progress") + ") p")
    session.wait()
    run = int(t.value("SELECT max(id) FROM sqlite_migrate.run"))
    first = [row for row in ours if row["table_number"] == 1 and 0 < row["tuples_processed"] < ROWS]
    assert len(first) >= 2 and len(seen) >= 2, f"seen {len(first)} and {len(seen)} times in the middle of the load"
    for row in first:
        assert (row["run"], row["tables"], row["tuples_total"], row["datname"]) == (run, 2, ROWS, t.database), row
        assert abs(row["percent"] - 100 * row["tuples_processed"] / ROWS) < 0.06, row
        assert 0 < row["eta_seconds"] < 300 and row["relation"] is None, row
    percents = [row["percent"] for row in first]
    assert percents == sorted(percents) and percents[0] < percents[-1], percents
    copies = [row for row in seen if 0 < row["tuples_processed"] < ROWS]
    assert copies and all((row["command"], row["type"]) == ("COPY FROM", "CALLBACK") for row in copies), seen[:3]
    assert {row["relid"] for row in copies} == {row["relid"] for row in first}
    assert all(row["bytes_processed"] > row["tuples_processed"] for row in copies), copies
    assert t.rows("SELECT * FROM sqlite_migrate.progress") == []
    assert t.rows("SELECT * FROM pg_stat_progress_copy") == []


def test_writer_goes_on_during_the_run(t):
    """One snapshot: rows that the application adds meanwhile are neither loaded nor counted."""
    path = big(t)
    db = sqlite3.connect(path, isolation_level=None)
    db.execute("PRAGMA journal_mode = wal")
    db.execute("INSERT INTO big (id, a) VALUES (0, 0)")
    for file in t.dir.iterdir():
        t.own(file, 0o666)
    session = t.session()
    session.send(t.call("sqlite_import", path, {}))
    until(loading(t, session), "the load starts")
    deleted = db.execute("DELETE FROM big WHERE id > ?", (ROWS // 2,)).rowcount
    db.close()
    session.wait()
    assert deleted == ROWS // 2
    assert t.value("SELECT count(*) FROM big") == str(ROWS + 1)
    assert t.value("SELECT ok FROM verify_counts()") in ("t", "true")


def test_result_row(t):
    path = t.file("one.db", "CREATE TABLE one (a INTEGER); INSERT INTO one VALUES (1), (2);")
    row = t.rows(t.call("sqlite_import", path, {}))[0]
    assert list(row) == ["schema", "table", "source_rows", "imported", "updated", "skipped", "rejected", "seconds",
                         "rows_per_second", "status", "detail"], list(row)
    assert (row["schema"], row["table"], row["source_rows"], row["imported"], row["rejected"]) == ("public", "one", 2, 2, 0)
    logged = t.rows("SELECT source_table, imported FROM sqlite_migrate.run_table")
    assert logged == [{"source_table": "one", "imported": 2}], logged


def latin1(t):
    """Runs SQL in a LATIN1 database, with UTF-8 on the client's side."""
    name = t.other_database("latin1", "ENCODING 'LATIN1' LOCALE 'C' TEMPLATE template0")
    return lambda sql: t.server.run(name, "SET client_encoding = 'UTF8'; " + sql)


def test_latin1_values(t):
    """A LATIN1 database takes what fits it, and says what does not."""
    sql = latin1(t)
    path = t.file("latin.db", "CREATE TABLE t (v TEXT); INSERT INTO t VALUES ('naïve café');")
    sql(t.call("sqlite_import", path, {}))
    assert sql("SELECT v || octet_length(v) FROM t").out.strip() == "naïve café10"
    path = t.file("kanji.db", "CREATE TABLE k (v TEXT); INSERT INTO k VALUES ('東京');")
    with fails(s.UNTRANSLATABLE, 'column "v" of table "k"\n.*rowid 1: '):
        sql(t.call("sqlite_import", path, {}))
    assert sql("SELECT count(*) FROM pg_tables WHERE schemaname = 'public'").out.strip() == "1"


def test_latin1_names_defaults_and_checks(t):
    """What goes into SQL text is converted as values are: names, DEFAULT, CHECK, indexes, keys."""
    sql = latin1(t)
    path = t.file("noms.db", """
        CREATE TABLE "tâche" ("clé" INTEGER PRIMARY KEY, "été" TEXT NOT NULL DEFAULT 'é', CHECK ("été" <> 'ü'));
        CREATE TABLE "sous-tâche" (id INTEGER PRIMARY KEY, "tâche" INTEGER REFERENCES "tâche" ("clé"));
        CREATE INDEX "idx_été" ON "tâche" ("été");
        INSERT INTO "tâche" VALUES (1, 'à'), (2, 'é'); INSERT INTO "sous-tâche" VALUES (7, 2);""")
    sql(t.call("sqlite_import", path, {}))
    names = "SELECT string_agg(relname, ' ' ORDER BY relname) FROM pg_class WHERE relnamespace = 'public'::regnamespace AND relkind IN ('r', 'i')"
    assert set(sql(names).out.split()) == {"idx_été", "sous-tâche", "sous-tâche_pkey", "tâche", "tâche_pkey"}
    assert sql("SELECT bool_and(ok) || '/' || count(*) FROM verify_counts()").out.strip() == "true/2"
    insert = 'INSERT INTO "tâche" ("clé") VALUES (9) RETURNING "été" || octet_length("été")'
    assert sql(insert).out.strip() == "é1"
    assert sql("""SELECT string_agg("été", ',' ORDER BY "clé") FROM "tâche" """).out.strip() == "à,é,é"
    with fails("23514", "tâche_été_check"):
        sql("""INSERT INTO "tâche" VALUES (10, 'ü')""")
    with fails(s.ORPHANS, "sous-tâche_tâche_fkey"):
        sql("""INSERT INTO "sous-tâche" VALUES (8, 77)""")
    assert sql("SELECT count(*) FROM sqlite_migrate.run_table WHERE source_table = 'tâche'").out.strip() == "1"
