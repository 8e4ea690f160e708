"""The recipes of docs/howto.md do what they say: every plan in it is imported."""

import json
import re

import pytest

from harness import ROOT

PAGE = (ROOT / "docs/howto.md").read_text()
EVENTS = "CREATE TABLE events (id INTEGER PRIMARY KEY, at INTEGER, created_at BIGINT, data TEXT); INSERT INTO events VALUES (1, 1700000000000, 1700000000, '{}'), (2, 1600000000000, 1600000000, '[1]');"
BILLS = "CREATE TABLE bills (id INTEGER PRIMARY KEY, day TEXT, price TEXT); INSERT INTO bills VALUES (1, '31.12.2020', '1.234,50'), (2, '01.02.2021', '2');"
USERS = "CREATE TABLE users (id INTEGER PRIMARY KEY, code {}, active TEXT); INSERT INTO users VALUES (1, {}, 'Y'), (2, 'b', 'N');"
ONE_BAD = "CREATE TABLE events (id INTEGER PRIMARY KEY, at DATETIME); INSERT INTO events VALUES (1, '2024-01-01 00:00:00Z'), (2, '{}');"
EXISTING = "CREATE TABLE users (id bigint PRIMARY KEY, code varchar(3){}, active text);"

ROLES = ("CREATE TABLE role (id INTEGER PRIMARY KEY, name TEXT UNIQUE); INSERT INTO role VALUES (1, 'admin'), (2, 'guest');"
         "CREATE TABLE account (id INTEGER PRIMARY KEY, role_id INTEGER REFERENCES role); INSERT INTO account VALUES (1, 2);")
THERE = "CREATE TABLE role (id int PRIMARY KEY, name text UNIQUE); INSERT INTO role VALUES (1, 'guest'), (2, 'admin'); CREATE TABLE account (id int PRIMARY KEY, role_id int REFERENCES role);"

# By heading, for each of its plans: the file, the target's tables before, and what a query then finds.
RECIPES = {
    "The app stores milliseconds": [
        (EVENTS, "", "SELECT created_at AT TIME ZONE 'UTC' || ' ' || pg_typeof(at) FROM events WHERE id = 1", "2023-11-14 22:13:20 timestamp with time zone"),
        (EVENTS, "", "SELECT at AT TIME ZONE 'UTC' || ' ' || created_at FROM events WHERE id = 1", "2023-11-14 22:13:20 1700000000")],
    "My times have no time zone": [
        ("CREATE TABLE e (at DATETIME); INSERT INTO e VALUES ('2024-07-01 12:00:00'), ('2024-07-01T10:00:00Z')", "", "SELECT count(DISTINCT at) FROM e", "1")],
    "My dates are dd.mm.yyyy": [(BILLS, "", "SELECT string_agg(day::text, ',' ORDER BY id) FROM bills", "2020-12-31,2021-02-01")],
    "My numbers have decimal commas": [(BILLS, "", "SELECT string_agg(price::text, ',' ORDER BY id) FROM bills", "1234.50,2.00")],
    "The test database must not have real addresses": [
        ("CREATE TABLE people (id INTEGER PRIMARY KEY, email TEXT UNIQUE); INSERT INTO people VALUES (1, 'ann@example.net'), (7, NULL)", "", "SELECT string_agg(email, ',' ORDER BY id) FROM people", "user1@example.com,user7@example.com")],
    'Umlauts are broken, or "invalid byte sequence for encoding UTF8"': [
        ("CREATE TABLE p (a TEXT); INSERT INTO p VALUES (CAST(x'4dfc6c6c6572' AS TEXT)), ('Müller')", "", "SELECT count(*) FROM p WHERE a = 'Müller'", "2"),
        ("CREATE TABLE p (a TEXT); INSERT INTO p VALUES ('a' || char(0) || 'b')", "", "SELECT a FROM p", "ab")],
    "0000-00-00, '' and n/a should be NULL": [
        ("CREATE TABLE e (d DATE, t TEXT); INSERT INTO e VALUES ('2024-01-01', ''), ('0000-00-00', 'n/a'), ('', 'x'), ('n/a', NULL)", "", "SELECT count(d) || ' ' || count(t) || ' ' || pg_typeof(max(d)) FROM e", "1 3 date")],
    "A few values are garbage": [
        (ONE_BAD.format("soon"), "CREATE TABLE events (id bigint PRIMARY KEY, at timestamptz);", "SELECT (SELECT count(*) FROM events) || ' ' || (SELECT string_agg(\"values\" ->> 'at', ',') FROM sqlite_migrate.reject)", "1 soon")],
    "My fractions of a second have nine digits": [
        (ONE_BAD.format("2024-01-01T00:00:00.123456789Z"), "", "SELECT extract(microseconds FROM at) FROM events WHERE id = 2", "123457")],
    "pgloader said: value too long for type character varying": [
        (USERS.format("VARCHAR(3)", "'abcdef'"), EXISTING.format(""), "SELECT string_agg(code, ',' ORDER BY id) FROM users", "abc,b")],
    "pgloader said: null value violates not-null constraint": [
        ("CREATE TABLE k (a TEXT, b INT, PRIMARY KEY (a, b)); INSERT INTO k VALUES ('x', 1), (NULL, 2)", "", "SELECT count(*) FROM k WHERE a IS NULL", "1"),
        (USERS.format("TEXT", "NULL"), EXISTING.format(" NOT NULL DEFAULT 'new'"), "SELECT string_agg(code, ',' ORDER BY id) FROM users", "new,b")],
    "Rows without parents": [
        ("CREATE TABLE p (id INTEGER PRIMARY KEY); CREATE TABLE c (p INTEGER REFERENCES p); INSERT INTO c VALUES (7)", "", "SELECT convalidated::text || ' ' || (SELECT count(*) FROM c) FROM pg_constraint WHERE conrelid = 'c'::regclass", "false 1")],
    "Logins ignore case, and LIKE has to work": [
        ("CREATE TABLE u (login TEXT COLLATE NOCASE UNIQUE); INSERT INTO u VALUES ('Löwe'), ('LÖWE')", "", "SELECT count(*) FROM u WHERE login LIKE 'L%'", "2")],
    "My JSON is text": [(EVENTS, "", "SELECT pg_typeof(data) FROM events LIMIT 1", "jsonb")],
    "My booleans are Y and N": [(USERS.format("TEXT", "'a'"), "", "SELECT string_agg(active::text, ',' ORDER BY id) || pg_typeof(max(active::int)) FROM users", "true,falseinteger")],
    "Names like createdAt have to be quoted everywhere": [
        ('CREATE TABLE userNames (createdAt TEXT); INSERT INTO userNames VALUES (1)', "", "SELECT created_at FROM user_names", "1"),
        (USERS.format("TEXT", "'a'"), "", "SELECT string_agg(short_code, ',' ORDER BY id) FROM app_user", "a,b")],
    "Leave out old indexes, or a foreign key": [
        ("CREATE TABLE p (id INTEGER PRIMARY KEY); CREATE TABLE notes (id INTEGER PRIMARY KEY, p INTEGER REFERENCES p); CREATE INDEX idx_old_p ON notes (p); CREATE INDEX idx_p ON notes (p)", "",
         "SELECT (SELECT string_agg(indexname, ',' ORDER BY indexname COLLATE \"C\") FROM pg_indexes WHERE tablename = 'notes') || ' ' || (SELECT count(*) FROM pg_constraint WHERE contype = 'f' AND conrelid = 'notes'::regclass)", "idx_p,notes_pkey 0")],
    "All tables need a prefix": [('CREATE TABLE userNames (firstName TEXT); INSERT INTO userNames VALUES (1)', "", "SELECT first_name FROM old_user_names", "1")],
    "Only some tables, or some rows": [(EVENTS + "CREATE TABLE cache_x (a)", "", "SELECT string_agg(id::text, ',') || coalesce(to_regclass('cache_x')::text, '') FROM events", "1")],
    "Prisma, Django or Rails has made the schema already": [(USERS.format("TEXT", "'a'"), EXISTING.format(""), "SELECT count(*) FROM users", "2")],
    "The tables have rows already": [
        (USERS.format("TEXT", "'a'"), EXISTING.format("") + "INSERT INTO users VALUES (9, 'old')", "SELECT string_agg(code, ',' ORDER BY id) FROM users", "a,b"),
        (USERS.format("TEXT", "'a'"), EXISTING.format("") + "INSERT INTO users VALUES (2, 'old'), (9, 'own')", "SELECT string_agg(code, ',' ORDER BY id) FROM users", "a,b,own")],
    "Django's permissions mean something else, or seed rows have other numbers": [
        (ROLES, THERE, "SELECT string_agg(a.id || r.name || r.id, ',') FROM account a JOIN role r ON r.id = a.role_id", "1guest1"),
        (ROLES, THERE, "SELECT string_agg(a.id || r.name || r.id, ',') FROM account a JOIN role r ON r.id = a.role_id", "1guest2")],
    "The file is damaged": [(EVENTS, "", "SELECT count(*) FROM events", "2")],
}


def recipes():
    """Every plan of the page with its heading."""
    for section in re.split(r"^## ", PAGE, flags=re.M)[1:]:
        for n, plan in enumerate(re.findall(r"```json\n(.*?)```", section, flags=re.S)):
            yield section.split("\n")[0], n, json.loads(plan)


def test_every_plan_is_tried():
    assert [(heading, n) for heading, n, _ in recipes()] == [(heading, n) for heading, tries in RECIPES.items() for n in range(len(tries))]


@pytest.mark.parametrize("heading, n, plan", recipes(), ids=lambda value: re.sub(r"\W+", "-", value) if isinstance(value, str) else "")
def test_recipe(t, heading, n, plan):
    tables, there, query, found = RECIPES[heading][n]
    path = t.file("app.db", tables)
    t.sql(there)
    t.import_(path, plan)
    assert t.shown(query) == found
