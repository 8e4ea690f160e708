"""Defaults of JSON and of the current time: what PostgreSQL puts into a new row is what SQLite puts there."""

import itertools
import json
import sqlite3

JSON = ["json('[]')", "json('{}')", "json_array()", "json_object()", "json(' { \"a\" : [ 1 , \"x \\\" y\" ] } ')", "json_array(1, -2, 'a\"b\\c', NULL, json('{}'))", "json_array(json_array(), '[]')",
        "json_object('a', 1, 'b', json_array('é', char(9)))", "json(json('[ ]'))", "json(NULL)"]


def test_json_of_literals(t):
    columns = ", ".join(f"c{n} TEXT DEFAULT ({sql})" for n, sql in enumerate(JSON))
    path = t.file("json.db", f"CREATE TABLE j (id INTEGER PRIMARY KEY, {columns}); CREATE TABLE d (id INTEGER PRIMARY KEY, tags JSON DEFAULT (json_array()), other JSON DEFAULT (json('{{}}'))); INSERT INTO d DEFAULT VALUES")
    assert not [f for f in t.findings(path) if f["kind"] == "left_out"]
    t.import_(path)
    db = sqlite3.connect(path)
    db.execute("INSERT INTO j DEFAULT VALUES")
    theirs = db.execute("SELECT * FROM j").fetchone()[1:]
    t.sql("INSERT INTO j DEFAULT VALUES")
    ours = json.loads(t.value(f"SELECT json_build_array({', '.join(f'c{n}' for n in range(len(JSON)))}) FROM j"))
    assert ours == list(theirs), (theirs, ours)
    t.sql("INSERT INTO d DEFAULT VALUES")
    assert t.rows("SELECT pg_typeof(tags)::text AS type, tags::text, other::text FROM d") == [{"type": "jsonb", "tags": "[]", "other": "{}"}] * 2


def test_months_as_sqlite_counts_them(t):
    modifiers = [f"{n:+d} {unit}" for unit in ("month", "months", "year", "years") for n in (-25, -12, -1, 0, 1, 2, 11, 13)]
    calls = [f"datetime('now', '{m}')" for m in modifiers] + [f"date('now', 'start of month', '{m}', '-1 day')" for m in modifiers] + [f"date('now', '{a}', '{b}')" for a, b in itertools.product(("+1 month", "-1 year"), modifiers)]
    path = t.file("months.db", f"CREATE TABLE m (id INTEGER PRIMARY KEY, {', '.join(f'c{n} TEXT DEFAULT ({sql})' for n, sql in enumerate(calls))})")
    columns = t.plan(path)["tables"]["m"]["columns"]
    db, wrong = sqlite3.connect(path), []
    for day in ("2023-01-31 23:59:59", "2024-01-31 00:00:00", "2024-02-29 12:30:00", "2023-03-01 00:00:00", "2023-12-31 01:02:03", "2000-10-30 10:00:00"):
        forms = [columns[f"c{n}"]["default"].replace("now() AT TIME ZONE 'UTC'", f"timestamp '{day}'") for n in range(len(calls))]
        theirs = db.execute("SELECT " + ", ".join(sql.replace("'now'", f"'{day}'") for sql in calls)).fetchone()
        ours = json.loads(t.value(f"SELECT json_build_array({', '.join(forms[:90])})")) + json.loads(t.value(f"SELECT json_build_array({', '.join(forms[90:])})"))
        wrong += [(day, sql, a, b) for sql, a, b in zip(calls, theirs, ours) if a != b]
    assert not wrong, (len(wrong), wrong[:10])


def test_the_current_time_again(t):
    path = t.file("now.db", """CREATE TABLE n (id INTEGER PRIMARY KEY, local TEXT DEFAULT (datetime(CURRENT_TIMESTAMP, 'localtime')), day TEXT DEFAULT (date(CURRENT_TIMESTAMP)),
        later TEXT DEFAULT (datetime(CURRENT_DATE, '+1 day')), at DATETIME DEFAULT (datetime(CURRENT_TIMESTAMP, 'localtime')), ms INTEGER DEFAULT (round((julianday('now') - 2440587.5) * 86400000)),
        made DATETIME DEFAULT (round((julianday('now') - 2440587.5) * 86400)), never TEXT DEFAULT (date(CURRENT_TIME))); INSERT INTO n (at, made) VALUES ('2024-01-02 03:04:05', 1700000000);""")
    assert [f["object"] for f in t.findings(path) if f["kind"] == "left_out"] == ["n.never"]
    t.import_(path)
    t.sql("SET timezone = 'Asia/Tokyo'; BEGIN; INSERT INTO n DEFAULT VALUES; INSERT INTO n (id) VALUES (77);"
          "DO $$ DECLARE r n; BEGIN SELECT * INTO r FROM n WHERE id = 77;"
          " ASSERT r.local = to_char(localtimestamp, 'YYYY-MM-DD HH24:MI:SS'), r.local; ASSERT r.at = localtimestamp OR r.at = date_trunc('second', localtimestamp), r.at;"
          " ASSERT r.day = to_char(now() AT TIME ZONE 'UTC', 'YYYY-MM-DD'), r.day; ASSERT r.later = to_char(now() AT TIME ZONE 'UTC' + interval '1 day', 'YYYY-MM-DD 00:00:00'), r.later;"
          " ASSERT abs(r.ms - extract(epoch FROM now()) * 1000) < 100, r.ms; ASSERT r.made = now(), r.made; END $$; COMMIT")


def test_rounded_differences_of_days(t):
    forms = ["round((julianday(b) - julianday(a)) * 24)", "round((julianday(b) - julianday(a)) * 86400)", "CAST(round((julianday(b) - julianday(a)) * 1440) AS INTEGER)", "round((julianday(b) - julianday('2000-01-01')) / 7)",
             "round((julianday(b) - julianday(a)) / 7.0)"]
    path = t.file("days.db", f"CREATE TABLE d (id INTEGER PRIMARY KEY, a DATETIME, b DATETIME, {', '.join(f'c{n} REAL AS ({sql})' for n, sql in enumerate(forms))});"
                             "INSERT INTO d (a, b) VALUES ('2024-01-01 00:00:00', '2024-01-02 12:00:00'), ('1969-07-20 20:17:40', '2038-01-19 03:14:07'), ('2024-03-01 00:00:00', '2024-02-28 23:59:59'), (NULL, '2024-01-01 00:00:00')")
    t.import_(path)
    generated = {row["attname"] for row in t.rows("SELECT attname FROM pg_attribute WHERE attrelid = 'd'::regclass AND attgenerated <> ''")}
    assert generated == {"c0", "c1", "c2", "c4"}
    theirs = [list(row) for row in sqlite3.connect(path).execute("SELECT c0, c1, c2, c3, c4 FROM d ORDER BY id")]
    assert json.loads(t.value("SELECT json_agg(json_build_array(c0, c1, c2, c3, c4) ORDER BY id) FROM d")) == theirs
