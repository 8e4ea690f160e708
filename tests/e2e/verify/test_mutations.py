"""What goes wrong in migrations, one thing at a time: verify_values finds it in the right table, column and row."""

import json

import pytest

# Row 7 of `t` has of everything what is lost most easily.
FILE = r"""
CREATE TABLE t(
    id INTEGER PRIMARY KEY, name TEXT, other TEXT, raw BLOB, nul BLOB, doc JSON, kept TEXT, ratio REAL, single REAL, amount DECIMAL(20,6),
    exact NUMERIC, at DATETIME, zoned DATETIME, millis DATETIME, day DATE, clock TIME, flag BOOLEAN, mixed TEXT, long TEXT, n INTEGER);
CREATE TABLE other(id INTEGER PRIMARY KEY, name TEXT);
INSERT INTO t
WITH RECURSIVE i(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM i WHERE i < 20)
SELECT i, 'Name ' || i, 'other ' || i, CAST('abc' || i AS BLOB), x'610062', '{"b": ' || i || ', "a": [1, 2]}', '{"b": 1, "a": 2}',
    0.1 * i, 0.5 * i, i + 0.000001, i, datetime('2024-03-31 00:30:00', i || ' hours'), '2024-10-27T00:30:00.123456+02:00',
    1719828000123 + i, date('2024-02-28', i || ' days'), time('23:59:50', i || ' seconds'), i % 2, i, 'x' || printf('%0300d', i), i FROM i;
UPDATE t SET name = 'Café Ünïcödé', ratio = 0.0, exact = 12345678901234567890, mixed = '1.0',
    doc = '{"n": 1, "big": 12345678901234567890.123456789, "f": 0.1, "s": "1", "e": "é"}', kept = '{"b": 1, "a": 2, "b": 3}' WHERE id = 7;
INSERT INTO other SELECT id, name FROM t;
"""
PLAN = {"tables": {"t": {"columns": {
    "kept": {"type": "json"}, "single": {"type": "real"}, "zoned": {"type": "timestamptz"}, "clock": {"type": "time"},
    "nul": {"type": "bytea"}, "exact": {"type": "numeric"}}}}}

ROW = "WHERE id = 7"
# Each with the column and the row where it is to be found.
VALUES = {
    "NUL stripped": (f"SET nul = '\\x6162' {ROW}", "nul"),
    "a text cut at NUL": (f"SET nul = '\\x61' {ROW}", "nul"),
    "one byte": (f"SET raw = set_byte(raw, 3, 0) {ROW}", "raw"),
    "bytes as the text of their digits": (f"SET raw = convert_to(encode(raw, 'hex'), 'UTF8') {ROW}", "raw"),
    "bytes as they are printed": (f"SET raw = convert_to(raw::text, 'UTF8') {ROW}", "raw"),
    "a text as the bytes that it has": (f"SET name = convert_to(name, 'UTF8')::text {ROW}", "name"),
    "UTF-8 read as Latin-1": (f"SET name = convert_from(convert_to(name, 'UTF8'), 'LATIN1') {ROW}", "name"),
    "letters that were not known": (f"SET name = regexp_replace(name, '[^[:ascii:]]', '?', 'g') {ROW}", "name"),
    "letters taken apart": (f"SET name = normalize(name, NFD) {ROW}", "name"),
    "letters made others that look alike": (f"SET name = normalize(name, NFKD) {ROW}", "name"),
    "a trailing space": (f"SET name = name || ' ' {ROW}", "name"),
    "a leading space": (f"SET name = ' ' || name {ROW}", "name"),
    "a line's end": (f"SET name = name || E'\\r\\n' {ROW}", "name"),
    "case": (f"SET name = lower(name) {ROW}", "name"),
    "the empty text": (f"SET name = '' {ROW}", "name"),
    "NULL": (f"SET name = NULL {ROW}", "name"),
    "the text NULL": (f"SET name = 'NULL' {ROW}", "name"),
    "cut at 255": (f"SET long = left(long, 255) {ROW}", "long"),
    "the last of many characters": (f"SET long = left(long, 300) || '8' {ROW}", "long"),
    "JSON's members in another order": (f"""SET kept = '{{"a": 2, "b": 1, "b": 3}}' {ROW}""", "kept"),
    "a member of JSON that is there twice": (f"""SET kept = '{{"a": 2, "b": 3}}' {ROW}""", "kept"),
    "JSON's spaces": (f"""SET kept = '{{"b":1,"a":2,"b":3}}' {ROW}""", "kept"),
    "1 as 1.0": (f"SET doc = jsonb_set(doc, '{{n}}', '1.0') {ROW}", "doc"),
    "1 as a text": (f"SET doc = jsonb_set(doc, '{{n}}', '\"1\"') {ROW}", "doc"),
    "a text as 1": (f"SET doc = jsonb_set(doc, '{{s}}', '1') {ROW}", "doc"),
    "1 as true": (f"SET doc = jsonb_set(doc, '{{n}}', 'true') {ROW}", "doc"),
    "a number of JSON as a double": (f"SET doc = jsonb_set(doc, '{{big}}', to_jsonb((doc ->> 'big')::float8)) {ROW}", "doc"),
    "all digits of a double": (f"SET doc = jsonb_set(doc, '{{f}}', '0.1000000000000000055511151231257827') {ROW}", "doc"),
    "a letter of JSON": (f"SET doc = jsonb_set(doc, '{{e}}', '\"e\"') {ROW}", "doc"),
    "a member of JSON": (f"SET doc = doc - 'e' {ROW}", "doc"),
    "NULL as JSON's null": (f"SET doc = 'null' {ROW}", "doc"),
    "an integer's text": (f"SET mixed = '1' {ROW}", "mixed"),
    "-0.0": (f"SET ratio = '-0' {ROW}", "ratio"),
    "a double's last digit": ("SET ratio = 0.30000000000000004::float8 + 1.1102230246251565e-16 WHERE id = 3", "ratio"),
    "a double as a single": ("SET ratio = ratio::real WHERE id = 3", "ratio"),
    "a single's last digit": ("SET single = 1.5000001 WHERE id = 3", "single"),
    "NaN": (f"SET ratio = 'NaN' {ROW}", "ratio"),
    "infinity": (f"SET ratio = 'infinity' {ROW}", "ratio"),
    "a decimal's last digit": (f"SET amount = amount + 0.000001 {ROW}", "amount"),
    "a decimal's sign": (f"SET amount = -amount {ROW}", "amount"),
    "an integer as a double": (f"SET exact = exact::float8::numeric {ROW}", "exact"),
    "an hour": (f"SET at = at + interval '1 hour' {ROW}", "at"),
    "the hour of summer time": ("SET at = at AT TIME ZONE 'Europe/Zurich' AT TIME ZONE 'UTC' WHERE id = 7", "at"),
    "a microsecond": (f"SET zoned = zoned + interval '1 microsecond' {ROW}", "zoned"),
    "the offset": (f"SET zoned = zoned + interval '2 hours' {ROW}", "zoned"),
    "a fraction of a second": (f"SET zoned = date_trunc('second', zoned) {ROW}", "zoned"),
    "milliseconds": (f"SET millis = date_trunc('second', millis) {ROW}", "millis"),
    "milliseconds as seconds": (f"SET millis = to_timestamp(0) AT TIME ZONE 'UTC' + (millis - 'epoch') * 1000 {ROW}", "millis"),
    "a day": (f"SET day = day - 1 {ROW}", "day"),
    "month and day": ("SET day = '2024-01-03' WHERE id = 2", "day"),
    "midnight at the other end": ("SET clock = '24:00' WHERE id = 10", "clock"),
    "a boolean": (f"SET flag = NOT flag {ROW}", "flag"),
    "a bit": (f"SET n = n # 1 {ROW}", "n"),
}
ROWS = {
    "a row is lost": (f"DELETE FROM t {ROW}", {("t", 1, 0, "id = 7")}),
    "the last row is lost": ("DELETE FROM t WHERE id = 20", {("t", 1, 0, "id = 20")}),
    "a row is there twice": (f"ALTER TABLE t DROP CONSTRAINT t_pkey; INSERT INTO t SELECT * FROM t {ROW}", {("t", 0, 1, "id = 7")}),
    "a row has another key": (f"UPDATE t SET id = 77 {ROW}", {("t", 1, 1, "id = 7")}),
    "a row too many": ("INSERT INTO other VALUES (21, 'x')", {("other", 0, 1, "id = 21")}),
}


def session_of(t):
    t.import_(t.file("t.db", FILE), PLAN)
    assert {row["verdict"] for row in t.rows("SELECT verdict FROM verify_values()")} <= {"equal", "normalised"}
    return t.session()


def found(session, change):
    """What is not as it should be after a change that is undone."""
    session.run(f"BEGIN; {change}")
    rows = session.value("SELECT json_agg(v) FROM verify_values() AS v WHERE verdict NOT IN ('equal', 'normalised')")
    session.run("ROLLBACK")
    return json.loads(rows or "[]")


def test_every_change_of_a_value_is_found(t):
    session = session_of(t)
    for name, (change, column) in VALUES.items():
        row = change.rsplit("id = ", 1)[1]
        rows = found(session, f"UPDATE t {change}")
        assert [(r["table"], r["column"], r["verdict"], r["different"], r["first_key"]) for r in rows] == [
            ("t", column, "different", 1, f"id = {row}")], (name, rows)
        assert rows[0]["source_value"] != rows[0]["target_value"], (name, rows)


def test_every_change_of_the_rows_is_found(t):
    session = session_of(t)
    for name, (change, expected) in ROWS.items():
        rows = found(session, change)
        assert {(r["table"], r["missing_in_target"], r["missing_in_source"], r["first_key"]) for r in rows} == expected, (name, rows[:1])


@pytest.mark.parametrize("change, expected", [
    ("UPDATE t SET name = other, other = name", {("name", 20), ("other", 20)}),
    ("UPDATE t SET name = other, other = name WHERE id = 7", {("name", 1), ("other", 1)}),
    ("UPDATE t SET name = o.name FROM t AS o WHERE t.id IN (7, 8) AND o.id = 15 - t.id", {("name", 2)}),
    ("UPDATE t SET n = n + 1", {("n", 20)}),
    ("UPDATE t SET (raw, nul) = (nul, raw) WHERE id > 18", {("raw", 2), ("nul", 2)}),
], ids=["two columns", "two columns of a row", "values of two rows", "a column by one row", "two columns of some rows"])
def test_exchanged_values_are_found(t, change, expected):
    rows = found(session_of(t), change)
    assert {(row["column"], row["different"]) for row in rows} == expected, rows


def test_a_text_whose_nul_the_plan_strips_is_told_from_another(t):
    path = t.file("nul.db", "CREATE TABLE t(id INTEGER PRIMARY KEY, v TEXT); INSERT INTO t VALUES (1, CAST(x'610062' AS TEXT)), (2, 'ab')")
    t.import_(path, {"nul": "strip", "types": {"TEXT": "text"}})
    rows = {row["column"]: row for row in t.rows("SELECT * FROM verify_values()")}
    assert (rows["v"]["verdict"], rows["v"]["normalisations"]) == ("normalised", {"nul": 1})
    t.sql("UPDATE t SET v = 'a'")
    rows = {row["column"]: row for row in t.rows("SELECT * FROM verify_values()")}
    assert (rows["v"]["different"], rows["v"]["first_key"]) == (2, "id = 1")
