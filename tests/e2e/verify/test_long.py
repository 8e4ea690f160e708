"""A verification that takes long: it reports how far it is, can be stopped, and takes little memory."""

import json
import re
import time

import sqlstates as s
from harness import quote, until

# Each row takes about a twentieth of a second to read, and fills a batch.
FILE = ("CREATE TABLE t(id INTEGER PRIMARY KEY, a TEXT); WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 100)"
        " INSERT INTO t SELECT i, printf('%.*c', 1200000, 'x') FROM n")
SLOW = {"create": "never", "profile": "none", "integrity": "none",
        "tables": {"t": {"columns": {"a": {"using": "CASE WHEN length(hex(zeroblob(20000000 + id % 2))) > 0 THEN a END"}}}}}


def slow(t):
    path = t.file("slow.db", FILE)
    t.import_(path)
    call = lambda plan: f"SELECT * FROM verify_values(path => {quote(str(path))}, plan => {quote(json.dumps(plan))})"  # noqa: E731
    return call(SLOW), call({**SLOW, "notices": "none"})


def told(result):
    return [notice.message for notice in result.notices if notice.message.startswith("comparing")]


def test_a_long_comparison_says_how_far_it_is(t):
    talking, silent = slow(t)
    notices = told(t.sql(talking))
    assert notices and all(re.fullmatch(r'comparing "public"."t": \d+ rows, \d+ rows/s', notice) for notice in notices), notices
    assert told(t.sql(silent)) == []


def test_a_comparison_can_be_stopped(t):
    talking, _ = slow(t)
    session = t.session()
    session.run("SET client_min_messages = warning; SELECT count(*) FROM verify_counts()")
    threads, before = session.threads(), t.traces()
    for call in (talking, talking.replace("SELECT *", "SELECT count(*)")):
        session.send(call)
        time.sleep(1)
        assert session.running()
        t.value(f"SELECT pg_cancel_backend({session.pid})")
        # A second is meant; a busy machine gets some more.
        session.attempted(5).failed(s.CANCELED, "canceling statement due to user request")
        until(lambda: session.threads() == threads, "the reader thread ends", 10)
        assert t.traces() == before and not session.open_files(t.dir)
    assert session.value("SELECT 1") == "1"


def most(session, call):
    """Bytes by which the backend grows at most."""
    before, highest = session.private_memory(), 0
    session.send(call)
    while session.running():
        highest = max(highest, session.private_memory())
        time.sleep(0.005)
    session.wait()
    return highest - before


def test_memory_is_flat_however_many_rows_there_are(t):
    t.import_(t.file("many.db", """
        CREATE TABLE small(id INTEGER PRIMARY KEY, a TEXT, b REAL);
        CREATE TABLE large(id INTEGER PRIMARY KEY, a TEXT, b REAL);
        CREATE TABLE named(k TEXT PRIMARY KEY, a TEXT) WITHOUT ROWID;
        CREATE TABLE unkeyed(a TEXT, doc JSON);
        INSERT INTO large WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 300000)
        SELECT i, 'a text of some length, as it may be in a log of events: ' || i, i / 7.0 FROM n;
        INSERT INTO small SELECT * FROM large WHERE id < 1000;
        INSERT INTO named SELECT 'key ' || id, a FROM large;
        INSERT INTO unkeyed SELECT 'x', '{"n": ' || id || '}' FROM large;"""), {"tables": {"unkeyed": {"columns": {"doc": {"type": "jsonb"}}}}})
    session = t.session()
    session.run("SET max_parallel_workers_per_gather = 0; SET work_mem = '1MB'")
    calls = {table: f"SELECT * FROM verify_values(tables => '{{{table}}}')" for table in ("small", "large", "named", "unkeyed")}
    small = most(session, calls["small"])
    for table in ("large", "named", "unkeyed"):
        assert most(session, calls[table]) < small + (32 << 20), table


def test_a_large_value_takes_no_more_than_some_of_its_size(t):
    size = 40 << 20
    path = t.file("wide.db", f"CREATE TABLE t(id INTEGER PRIMARY KEY, a TEXT, b BLOB); INSERT INTO t VALUES (1, printf('%.*c', {size}, 'x'), NULL), (2, NULL, zeroblob({size}))")
    t.import_(path)
    session = t.session()
    session.run("SELECT * FROM verify_counts()")
    assert most(session, "SELECT * FROM verify_values()") < 6 * size
    t.sql("UPDATE t SET a = left(a, -1) || 'y', b = set_byte(b, 1000, 1)")
    rows = {row["column"]: (row["source_value"], row["target_value"]) for row in t.rows("SELECT * FROM verify_values()")}
    assert rows["a"] == (f"…'{'x' * 21}' from character {size - 20}", f"…'{'x' * 20}y' from character {size - 20}")
