"""Helper functions: created with what calls them and only then, the same under every setting, restorable without the extension, and
never those of a role that the caller does not trust."""

import json
import os
import random
import sqlite3
import time

import pytest

from client import fails
from harness import quote

FILE = """
    CREATE TABLE e (id INTEGER PRIMARY KEY, at TEXT, price REAL, name TEXT);
    INSERT INTO e VALUES (1, '2024-01-31 10:00', 0.5, 'Ann'), (2, 'never', 1e20, 'bob'), (3, NULL, NULL, NULL), (4, '2024-02-29', 2.125, 'é');
    CREATE VIEW plain AS SELECT id, upper(name) AS name FROM e;
    CREATE VIEW months AS SELECT id, date(at, '+1 month') AS next, printf('%08.2f|%s', price, name) AS shown, name || price AS text FROM e;
    CREATE VIEW "of months" AS SELECT next FROM months WHERE strftime('%w', next) > '2';"""
VIEWS = {"views": True}


@pytest.fixture
def path(t):
    return t.file("helpers.db", FILE)


def helpers(t):
    return t.value("SELECT coalesce(string_agg(proname, ',' ORDER BY proname), '') FROM pg_proc WHERE pronamespace = to_regnamespace('sqlite_compat')").split(",")


def rows_of(t, view):
    return [tuple(None if v is None else str(v) for v in row.values()) for row in t.rows(f"SELECT * FROM {view}")]


def expected(path, view):
    with sqlite3.connect(path) as source:
        return [tuple(None if v is None else str(v) for v in row) for row in source.execute(f"SELECT * FROM {view}")]


def test_they_are_created_where_a_view_calls_them(t, path):
    t.import_(path, {"views": {"exclude": ["*months"]}})
    assert t.value("SELECT to_regnamespace('sqlite_compat') IS NULL") == "t"
    t.sql("DROP TABLE e CASCADE")
    ddl = [row for row in t.rows(t.call("sqlite_ddl", path, VIEWS)) if row["phase"] in ("helpers", "views")]
    assert [row["sql"].split("(")[0] for row in ddl][:3] == [
        "CREATE SCHEMA IF NOT EXISTS sqlite_compat", "DO $check$\nDECLARE\n    schema_oid constant pg_catalog.oid := ", "GRANT USAGE ON SCHEMA sqlite_compat TO PUBLIC"]
    assert [row["phase"] for row in ddl].index("views") == len(ddl) - 3
    t.import_(path, VIEWS)
    made = helpers(t)
    assert {"date", "strftime", "printf_real", "real_text", "moment"} <= set(made) and "soundex" not in made and "timediff" not in made, made
    for view in ("months", '"of months"', "plain"):
        assert sorted(map(repr, rows_of(t, view))) == sorted(map(repr, expected(path, view))), view


def test_a_schema_that_is_there_is_no_news(t, path):
    """Neither to views that call helpers, nor to vectors; the schema is looked at all the same."""
    searched = t.file("f.db", "CREATE VIRTUAL TABLE f USING fts5(a, tokenize = 'unicode61 remove_diacritics 1'); INSERT INTO f VALUES ('crème')")
    for file, schema in [(path, "one"), (path, "two"), (searched, "three"), (searched, "four"), (path, "five")]:
        said = t.sql(t.call("sqlite_import", file, {"schema": schema})).notices
        assert not [notice for notice in said if "already exists" in str(notice)], (schema, said)
        made = "SELECT count(*) FROM sqlite_migrate.run_step WHERE run = (SELECT max(id) FROM sqlite_migrate.run) AND statement LIKE "
        assert t.value(f"{made} 'CREATE SCHEMA IF NOT EXISTS sqlite_compat%'") == ("1" if schema == "one" else "0")
        assert t.value(f"{made} 'DO $check$%'") == "1"


def test_without_them_what_needs_one_is_left_out(t, path):
    plan = {"views": True, "helpers": False}
    assert t.plan(path, {})["helpers"] is True and t.plan(path, plan)["helpers"] is False
    said = {f["object"]: f["message"] for f in t.findings(path, plan)}
    assert "needs the helper function sqlite_compat." in said["view months"] and "helpers is false (line 1" in said["view months"], said
    t.import_(path, plan)
    assert t.value("SELECT to_regnamespace('sqlite_compat') IS NULL") == "t"
    assert t.value("SELECT string_agg(relname, ',' ORDER BY relname) FROM pg_class WHERE relkind = 'v' AND relnamespace = 'public'::regnamespace") == "plain"
    [row] = t.rows(f"SELECT statement, helpers FROM sqlite_translate('SELECT date(at) FROM e', {quote(str(path))}, {quote(json.dumps(plan))})")
    assert "not a time in ISO 8601" in row["statement"] and row["helpers"] == [], row


def test_a_statement_comes_with_what_creates_them(t):
    [row] = t.rows("SELECT statement, helpers FROM sqlite_translate('SELECT 1')")
    assert row["helpers"] == []
    [row] = t.rows("SELECT statement, helpers FROM sqlite_translate('SELECT datetime(''2024-01-31'', ''localtime''), 0.1 || soundex(''x'')')")
    assert row["helpers"][0].startswith("CREATE SCHEMA") and all(h.startswith("CREATE OR REPLACE FUNCTION") for h in row["helpers"][3:])
    # The words of a setting's own parser do not reach their text.
    t.sql("; ".join(["SET standard_conforming_strings = off", "SET search_path = ''", *row["helpers"], *row["helpers"], f"CREATE TABLE public.r AS {row['statement']}"]))
    assert rows_of(t, "public.r")[0][1] == "0.1?000" or rows_of(t, "public.r")[0][1] == "0.1X000"


def test_an_untrusted_role_cannot_lend_its_own(t, path):
    t.role("mallory")
    t.role("importer", "pg_read_server_files")
    t.sql(f"GRANT CREATE ON DATABASE {t.database} TO mallory, importer; GRANT CREATE ON SCHEMA public TO importer")
    t.sql("CREATE SCHEMA sqlite_compat; CREATE FUNCTION sqlite_compat.date(text, text) RETURNS text LANGUAGE sql AS 'SELECT current_user::text'", user="mallory")
    reason = 'schema "sqlite_compat" is not used: role mallory could replace what is in it'
    for user, plan in [("importer", VIEWS), ("postgres", VIEWS), ("importer", {"views": True, "on_error": "continue"})]:
        said = {f["object"]: f["message"] for f in t.rows(t.call("sqlite_findings", path, plan), user=user)}
        assert f"it needs helper functions: {reason}" in said["view months"], said
        t.sql(t.call("sqlite_import", path, plan), user=user)
        assert t.value("SELECT string_agg(relname, ',') FROM pg_class WHERE relkind = 'v' AND relnamespace = 'public'::regnamespace") == "plain"
        t.sql("DROP TABLE e CASCADE")
    # One who may create in a trusted role's schema, or owns a function in it, could lend one too.
    t.sql("DROP SCHEMA sqlite_compat CASCADE; CREATE SCHEMA sqlite_compat; GRANT CREATE ON SCHEMA sqlite_compat TO PUBLIC")
    guard = t.rows("SELECT helpers[2] AS guard FROM sqlite_translate('SELECT date(''x'')')")[0]["guard"]
    with fails("42501", "role PUBLIC could replace", "privileges"):
        t.sql(guard)
    t.sql("CREATE FUNCTION sqlite_compat.date(text, text) RETURNS text LANGUAGE sql AS 'SELECT 1::text'", user="mallory")
    t.sql("REVOKE CREATE ON SCHEMA sqlite_compat FROM PUBLIC")
    with fails("42501", "role mallory could replace", "owner"):
        t.sql(guard)
    t.sql("DROP FUNCTION sqlite_compat.date(text, text)")
    # What stems words is taken by its name as well.
    for kind, made in [("DICTIONARY", "TEMPLATE = simple"), ("CONFIGURATION", "COPY = simple")]:
        t.sql(f"CREATE TEXT SEARCH {kind} sqlite_compat.porter ({made}); ALTER TEXT SEARCH {kind} sqlite_compat.porter OWNER TO mallory")
        with fails("42501", "role mallory could replace", "owner"):
            t.sql(guard)
        t.sql(f"DROP TEXT SEARCH {kind} sqlite_compat.porter")
    t.sql(guard)
    t.import_(path, VIEWS)
    assert t.rows("SELECT next FROM months WHERE id = 1") == [{"next": "2024-03-02"}]


def test_other_roles_read_the_views(t, path):
    t.role("reader")
    t.import_(path, VIEWS)
    t.sql("GRANT USAGE ON SCHEMA public TO reader; GRANT SELECT ON months, \"of months\" TO reader")
    assert t.sql("SET search_path = pg_temp; SELECT next, shown FROM public.months WHERE id = 1", user="reader").rows[-1] == ("2024-03-02", "00000.50|Ann")


def test_a_dump_restores_where_the_extension_is_not(t, path):
    t.import_(path, VIEWS)
    dump = t.server.dump(t.database, "postgres", "--schema=public", "--schema=sqlite_compat")
    other = t.empty_database("restored")
    t.server.restore(other, dump.stdout.replace("CREATE SCHEMA public;", ""))
    assert t.server.run(other, "SELECT * FROM public.months ORDER BY 1").rows == t.sql("SELECT * FROM public.months ORDER BY 1").rows
    assert t.server.run(other, "SELECT count(*) FROM pg_extension WHERE extname = 'pg_sqlite_migrate'").out == "0\n"


# Settings of a session that print or read values otherwise.
SETTINGS = ["DateStyle = 'SQL, DMY'", "IntervalStyle = 'sql_standard'", "extra_float_digits = -15", "bytea_output = 'escape'", "standard_conforming_strings = off",
            "search_path = ''", "lc_numeric = 'C'", "TimeZone = 'Pacific/Kiritimati'", "lc_time = 'C'"]
SAMPLE = """SELECT sqlite_compat.datetime('2024-01-31 10:00:00.5', '+1 month', '-1.5 hours', 'subsec') || sqlite_compat.julianday('2024-02-29 12:34:56.789')::numeric
    || sqlite_compat.real_text(1e-7) || sqlite_compat.real_text(2/3::float8) || sqlite_compat.printf_real(2/3::float8, 'g', '', 12, 10) || sqlite_compat.printf_integer(-1234567, 'd', ',', 0, 12)
    || sqlite_compat.text_real('1.5e3x')::numeric || sqlite_compat.text_number('12.5') || sqlite_compat.strftime('%J %W %s %f', '2459000.123456')
    || sqlite_compat.time_text(timestamp '2024-01-31 10:00:00.25') || encode(sqlite_compat.unhex('41 42', ' '), 'hex') || sqlite_compat.characters(8364) || sqlite_compat.unicode('€')
    || sqlite_compat.timediff('2024-03-01', '2023-12-31') || sqlite_compat.real_mod(5.5, 0.1)::numeric || sqlite_compat.soundex('Robert') || sqlite_compat.real_quote(0.1) AS said"""


# It needs every helper but that of a column's times.
STATEMENT = """SELECT timediff(t, t), strftime(t, t), soundex(t), unhex(t), unicode(t), char(n), printf('%f%5d%5s', r, n, t), quote(r), mod(r, 2.5), datetime(t), julianday(t),
    unixepoch(t), date(t), time(t), CAST(t AS REAL), CAST(t AS NUMERIC), r || '' FROM (SELECT 65 AS n, abs(v) + 0.5 AS r, 'x' || v AS t FROM (SELECT 1 AS v UNION SELECT 2))"""


def test_no_setting_changes_a_result(t):
    [row] = t.rows(f"SELECT helpers FROM sqlite_translate({quote(STATEMENT)})")
    t.sql(";\n".join(row["helpers"]))
    t.sql("CREATE FUNCTION sqlite_compat.time_text(timestamp) RETURNS text LANGUAGE sql AS 'SELECT 2024::text'")
    plain = t.sql(SAMPLE).out
    for setting in SETTINGS:
        assert t.sql(f"SET {setting}; {SAMPLE}").out == plain, setting


def test_local_time_is_the_sessions(t):
    """SQLite's local time is that of the process: the same zone in both, with its summer time and before 1970."""
    zone = "America/New_York"
    [row] = t.rows("SELECT helpers FROM sqlite_translate('SELECT datetime(?1, ?2)')")
    t.sql("; ".join(row["helpers"]))
    before = os.environ.get("TZ")
    os.environ["TZ"] = zone
    time.tzset()
    try:
        source = sqlite3.connect(":memory:")
        chance = random.Random(14)
        times = [f"{chance.randint(1900, 2100):04d}-{chance.randint(1, 12):02d}-{chance.randint(1, 28):02d} {chance.randint(0, 23):02d}:{chance.randint(0, 59):02d}:00" for _ in range(150)]
        times += ["2024-03-10 06:59:59", "2024-03-10 07:00:00", "2024-11-03 05:30:00", "2024-11-03 06:30:00", "2024-11-03 01:30:00", "2024-03-10 02:30:00"]
        for modifiers in (["localtime"], ["utc"], ["localtime", "+1 month", "utc"]):
            args = ", ".join(map(quote, modifiers))
            wanted = [source.execute(f"SELECT datetime(?, {args})", [at]).fetchone()[0] for at in times]
            values = ", ".join(f"({n}, {quote(at)})" for n, at in enumerate(times))
            found = t.sql(f"SET TimeZone = '{zone}'; SELECT sqlite_compat.datetime(at, {args}) FROM (VALUES {values}) v(n, at) ORDER BY n")
            assert [row[0] for row in found.rows] == wanted, modifiers
    finally:
        os.environ.pop("TZ") if before is None else os.environ.update(TZ=before)
        time.tzset()
