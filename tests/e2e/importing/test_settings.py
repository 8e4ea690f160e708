"""No setting of the session reaches what is stored or read, and no text is read as something else than it says."""

import contextlib
import itertools
import re
import sqlite3

import pytest

import rotation
import sqlstates as s
from client import fails
from harness import ROOT, quote, shared

STYLES = ["SET DateStyle = 'SQL, DMY'; SET IntervalStyle = 'sql_standard'; SET TimeZone = 'America/New_York'; SET extra_float_digits = -15; SET bytea_output = 'escape';",
          "SET DateStyle = 'German, DMY'; SET IntervalStyle = 'iso_8601'; SET TimeZone = 'Asia/Kolkata'; SET extra_float_digits = 0; SET array_nulls = off;",
          "SET DateStyle = 'Postgres, MDY'; SET IntervalStyle = 'postgres_verbose'; SET TimeZone = 'Pacific/Kiritimati'; SET quote_all_identifiers = on; SET xmlbinary = 'hex';"]

# A column for everything that some setting has a say in: type, and a text that says one thing only.
WIDE = {
    "dr": ("daterange", "[2024-01-02,2024-03-04)"), "tr": ("tstzrange", '["2024-01-02 09:00:00+00","2024-03-04 05:06:07.5+00")'),
    "ts": ("tsrange", '["2024-01-02 09:00:00",infinity)'), "mr": ("datemultirange", "{[2024-01-02,2024-03-04)}"),
    "da": ("date[]", "{2024-01-02,NULL}"), "ta": ("timestamptz[]", '{"2024-01-02 09:00:00+00"}'), "ia": ("interval[]", '{"-1 days +02:03:04"}'),
    "fa": ("float8[]", "{0.1,1.2345678901234567}"), "ra": ("float4[]", "{0.1}"), "ba": ("bytea[]", r'{"\\x00ff"}'), "i": ("interval", "1 mon -2 days +03:04:05.678"),
    "co": ("span", '(2024-01-02,"2024-01-02 09:00:00+00",1.2345678901234567,"1 day 02:00:00")'), "p": ("point", "(0.1,1.2345678901234567)"),
    "m": ("money", "1234.5"), "ma": ("money[]", "{1234.50}"), "rc": ("regclass", "app.things"), "ra2": ("regtype[]", "{app.span,integer}"), "x": ("xml", "text <b/>"),
    "tz": ("timetz", "10:00:00+02"), "dm": ("day", "2024-01-02"), "ea": ("mood[]", "{happy}"),
}
TYPES = """CREATE SCHEMA app; CREATE TABLE app.things (); CREATE TYPE app.span AS (d date, t timestamptz, f float8, i interval);
           CREATE TYPE app.mood AS ENUM ('happy'); CREATE DOMAIN app.day AS date CHECK (VALUE > '2000-01-01');"""


def sqlite(text):
    return "'" + text.replace("'", "''") + "'"


def typed(pg_type):
    return f"app.{pg_type}" if pg_type.strip("[]") in ("span", "mood", "day") else pg_type


def wide_file(t):
    t.needs("xml")
    columns = ", ".join(f"{name} TEXT" for name in WIDE)
    values = ", ".join(sqlite(text) for _, text in WIDE.values())
    return t.file("wide.db", f"CREATE TABLE w (id INTEGER PRIMARY KEY, {columns}); INSERT INTO w VALUES (1, {values});")


def wide_columns():
    return ", ".join(f"{name} {typed(pg_type)}" for name, (pg_type, _) in WIDE.items())


def foreign(t, name, path, columns, options=""):
    """A foreign table over table w of a file that may be written."""
    t.own(t.dir, 0o777)
    t.own(path, 0o666)
    t.sql(f"CREATE SERVER {name} FOREIGN DATA WRAPPER pg_sqlite_fdw OPTIONS (database {quote(str(path))}, updatable 'true'{options});"
          f"CREATE FOREIGN TABLE {name} ({columns}) SERVER {name} OPTIONS (table 'w')")


def test_an_import_reads_the_same_under_all_settings(t):
    t.sql(TYPES + f"CREATE TABLE w (id bigint PRIMARY KEY, {wide_columns()})")
    path, seen = wide_file(t), {}
    for style in ["", *STYLES]:
        t.sql(f"TRUNCATE w; {style}" + t.call("sqlite_import", path, {"timezone": "Europe/Berlin"}))
        seen[t.shown("SELECT w::text FROM w")] = style
    assert len(seen) == 1, seen
    # Both columns say the same instant.
    assert t.value("SELECT lower(tr) = ta[1] AND lower(tr) = (co).t FROM w") == "t"
    assert t.shown("SELECT rc, m, ra2::text, fa[2] FROM w") == "app.things|$1,234.50|{app.span,integer}|1.2345678901234567"


def test_a_foreign_table_holds_the_same_under_all_settings(t):
    t.sql(TYPES)
    path = wide_file(t)
    foreign(t, "f", path, f"id bigint, {wide_columns()}")
    columns = ", ".join(WIDE)
    t.sql(f"CREATE TABLE kept AS SELECT {columns} FROM f WHERE id = 1")
    for number, (writes, reads) in enumerate(itertools.product(STYLES, STYLES)):
        t.sql(f"{writes} INSERT INTO f SELECT {number + 10}, {columns} FROM kept")
        t.sql(f"DROP TABLE IF EXISTS back; {reads} CREATE TABLE back AS SELECT {columns} FROM f WHERE id = {number + 10}")
        assert t.value("SELECT (SELECT back::text FROM back) = (SELECT kept::text FROM kept)") == "t", (writes, reads, t.shown("TABLE back"))
        t.sql(f"{reads} UPDATE f SET {', '.join(f'{c} = (SELECT {c} FROM kept)' for c in WIDE)} WHERE id = {number + 10}")
    cells = {row[1:] for row in rows_of(path) if row[0] >= 10}
    assert len(cells) == 1, cells


def rows_of(path):
    with contextlib.closing(sqlite3.connect(path)) as db:
        return db.execute("SELECT * FROM w").fetchall()


def test_a_key_finds_its_row_under_all_settings(t):
    path = t.file("keys.db", "CREATE TABLE w (k TEXT, f TEXT, n INTEGER, PRIMARY KEY (k, f)) WITHOUT ROWID")
    foreign(t, "f", path, "k daterange OPTIONS (key 'true'), f float8[] OPTIONS (key 'true'), n bigint")
    for style, other in zip(STYLES, STYLES[1:] + STYLES):
        t.sql(f"{style} INSERT INTO f VALUES (daterange('2024-02-01', '2024-03-04'), ARRAY[0.1::float8 + 0.2::float8, 1e-9], 0)")
        t.sql(f"{other} UPDATE f SET n = n + 1")
        assert t.shown("SELECT k, f, n FROM f") == "[2024-02-01,2024-03-04)|{0.30000000000000004,1e-09}|1"
        t.sql(f"{style} DELETE FROM f WHERE n = 1")
        assert rows_of(path) == []


@pytest.mark.parametrize("zone, hour", (("Europe/Berlin", "07:00"), ("+05:30", "03:30"), ("-03:00", "12:00"), ("UTC", "09:00")))
def test_times_without_an_offset_are_the_plans_everywhere(t, zone, hour):
    t.sql("CREATE TABLE w (id int, a timestamptz, r tstzrange, l timestamptz[], m tstzmultirange)")
    path = t.file("zone.db", """CREATE TABLE w (id INTEGER PRIMARY KEY, a TEXT, r TEXT, l TEXT, m TEXT);
        INSERT INTO w VALUES (1, '2024-07-01 09:00', '[2024-07-01 09:00,)', '{"2024-07-01 09:00:00"}', '{["2024-07-01T09:00:00",]}');""")
    t.sql("TRUNCATE w")
    t.import_(path, {"timezone": zone})
    assert t.shown("SELECT a, lower(r) = a, l[1] = a, lower(m) = a FROM w") == f"2024-07-01 {hour}:00+00|t|t|t", zone


# The spellings of docs/types.md

def spellings():
    """Type, texts that are read and texts that are refused, of the table in the documentation."""
    section = re.search(r"<!-- begin spellings.*?-->\n(.*?)<!-- end", (ROOT / "docs" / "types.md").read_text(), re.S)[1]
    for line in section.splitlines()[2:]:
        types, _, reads, refuses = (cell.strip() for cell in line.strip("| ").split(" | "))
        for pg_type in re.split(r", (?![^(]*\))", types):
            yield pg_type, re.findall(r"`(.*?)`", reads), re.findall(r"`(.*?)`", refuses)


class Texts:
    """A file with a column for each type of the table, one text in each row."""

    def __init__(self, t):
        self.columns = [(f"c{n}", pg_type, good, bad) for n, (pg_type, good, bad) in enumerate(spellings())]
        self.good, self.bad, script = {}, {}, ""
        for name, _, good, bad in self.columns:
            for kept, texts in ((self.good, good), (self.bad, bad)):
                for text in texts:
                    number = len(self.good) + len(self.bad) + 1
                    kept[number] = (name, text)
                    script += f"INSERT INTO w (id, {name}) VALUES ({number}, {sqlite(text)});"
        declared = ", ".join(f"{name} TEXT" for name, *_ in self.columns)
        self.path = t.file("texts.db", f"CREATE TABLE w (id INTEGER PRIMARY KEY, {declared}); {script}")
        self.declared = ", ".join(f"{name} {pg_type}" for name, pg_type, *_ in self.columns)
        assert len(self.columns) > 40 and len(self.bad) > 100

    def check(self, t, row):
        """Each text that would be misread is a rejected row, named; the others are loaded."""
        rejected = {r["rowid"]: r["source_column"] for r in t.rows("SELECT rowid, source_column FROM sqlite_migrate.reject")}
        wrong = {n: cell for n, cell in {**self.good, **self.bad}.items() if (n in rejected) != (n in self.bad)}
        assert not wrong, wrong
        assert rejected == {n: name for n, (name, _) in self.bad.items()}
        assert (row["imported"], row["rejected"]) == (len(self.good), len(self.bad)), row


def test_spellings_in_columns_that_are_there(t):
    texts = Texts(t)
    t.sql(f"CREATE TABLE w (id bigint PRIMARY KEY, {texts.declared})")
    texts.check(t, t.import_(texts.path, {"on_invalid": "reject"})["w"])


def test_spellings_of_types_that_the_plan_says(t):
    texts = Texts(t)
    columns = {name: {"type": pg_type} for name, pg_type, *_ in texts.columns}
    texts.check(t, t.import_(texts.path, {"on_invalid": "reject", "tables": {"w": {"columns": columns}}})["w"])


def test_spellings_in_foreign_tables(t):
    texts = Texts(t)
    foreign(t, "f", texts.path, f"id bigint, {texts.declared}")
    t.sql("""CREATE FUNCTION read(name text, n int) RETURNS text LANGUAGE plpgsql AS $$
             DECLARE answer text;
             BEGIN EXECUTE format('SELECT %I::text FROM f WHERE id = %s', name, n) INTO answer; RETURN answer;
             EXCEPTION WHEN data_exception THEN RETURN sqlstate; END $$""")
    cells = {**texts.good, **texts.bad}
    listed = ", ".join(f"({n}, '{name}')" for n, (name, _) in cells.items())
    codes = {row["n"]: row["code"] for row in t.rows(f"SELECT n, read(name, n) AS code FROM (VALUES {listed}) v (n, name)")}
    wrong = {n: (cells[n], code) for n, code in codes.items() if (code in ("22P02", "22003", "22007", "22008", "22001")) != (n in texts.bad)}
    assert not wrong, wrong
    # What can be read can be written, and means the same afterwards.
    t.sql("; ".join(f"INSERT INTO f (id, {name}) SELECT id + 1000, {name} FROM f WHERE id = {n}" for n, (name, _) in texts.good.items()))
    pairs = " UNION ALL ".join(f"SELECT {n} AS n, count(DISTINCT {name}::text), count({name}) AS both FROM f WHERE id IN ({n}, {n + 1000})"
                               for n, (name, _) in texts.good.items())
    wrong = [(texts.good[row["n"]], row) for row in t.shown_rows(pairs) if (row["count"], row["both"]) != (1, 2)]
    assert not wrong, wrong


def test_values_that_no_text_says_are_refused_on_writing(t):
    """What could not be read back is an error: years that ISO 8601 has not, infinity where a column has no word for it."""
    path = t.file("write.db", "CREATE TABLE w (id INTEGER PRIMARY KEY, r TEXT, i TEXT, n NUMERIC)")
    foreign(t, "f", path, "id bigint, r daterange, i interval, n money")
    with fails("0A000", '^value cannot be stored in column "r"'):
        t.sql("INSERT INTO f (r) VALUES (daterange('0044-03-15 BC', NULL))")
    t.sql("INSERT INTO f (i, n) VALUES (make_interval(months => 14, days => -3, secs => 0.000001), 12.5::money)")
    assert t.shown("SELECT i, n FROM f") == "1 year 2 mons -3 days +00:00:00.000001|$12.50"
    assert rows_of(path)[-1][2:] == ("1 year 2 mons -3 days +00:00:00.000001", 12.5)


# Intervals

def test_timespans_of_dotnet(t):
    t.sql(shared("cases", "77-dotnet-timespan.pg.sql").read_text())
    path = t.file("jobs.db", shared("cases", "77-dotnet-timespan.sql").read_text())
    said = t.import_fails(path, {}, s.INVALID_VALUE, "more precise than")
    assert 'column "frac" of table "jobs"' in said.message + said.detail and "rowid 1" in said.detail
    row = t.import_(path, {"on_invalid": "null"})["jobs"]
    assert (row["imported"], row["rejected"]) == (3, 0), row
    assert t.shown("SELECT string_agg(concat_ws(' / ', span, frac), ', ' ORDER BY id) FROM jobs") == \
        "1 day 02:03:04, 02:03:04, 10 days / 00:00:01"


def test_intervals_that_a_precision_would_cut(t):
    t.sql("CREATE TABLE w (id int, a interval(3), b interval year to month, c interval day to hour)")
    path = t.file("cut.db", """CREATE TABLE w (id INTEGER PRIMARY KEY, a TEXT, b TEXT, c TEXT);
        INSERT INTO w VALUES (1, '00:00:01.5', 'P1Y2M', '3.04:00:00'), (2, '00:00:01.2345', NULL, NULL), (3, NULL, '1 mon 2 days', NULL),
                             (4, NULL, NULL, '3 days 04:05:00');""")
    assert t.import_(path, {"on_invalid": "reject"})["w"]["rejected"] == 3
    assert t.shown("SELECT a, b, c FROM w") == "00:00:01.5|1 year 2 mons|3 days 04:00:00"


# A user's own code

def test_a_users_code_sees_the_session_as_it_is(t):
    """Domains, triggers and what they call run under the caller's settings, among its objects."""
    t.sql("""CREATE SCHEMA app; CREATE TABLE app.seen (place text, style text);
        CREATE FUNCTION app.note(place text) RETURNS boolean LANGUAGE plpgsql AS $$
        BEGIN INSERT INTO seen VALUES (place, current_setting('DateStyle') || current_setting('IntervalStyle') || current_setting('TimeZone')); RETURN true; END $$;
        CREATE DOMAIN app.day AS date CHECK (app.note('domain'));
        CREATE DOMAIN app.days AS daterange CHECK (app.note('made'));
        CREATE TABLE w (id int, d app.day, r app.days, e date[] CHECK (app.note('check')), u text DEFAULT current_setting('DateStyle'));
        CREATE FUNCTION app.fire() RETURNS trigger LANGUAGE plpgsql AS $$BEGIN PERFORM app.note('trigger'); RETURN NEW; END$$;
        CREATE TRIGGER fire BEFORE INSERT ON w FOR EACH ROW EXECUTE FUNCTION app.fire()""")
    path = t.file("code.db", """CREATE TABLE w (id INTEGER PRIMARY KEY, d TEXT, r TEXT, e TEXT);
                                INSERT INTO w VALUES (1, '2024-02-01', '[2024-02-01,)', '{2024-02-01}');""")
    style = "SET search_path = app, public; SET DateStyle = 'SQL, DMY'; SET IntervalStyle = 'iso_8601'; SET TimeZone = 'Asia/Tokyo';"
    for plan in ({}, {"fire_triggers": True}):
        t.sql("TRUNCATE w, app.seen")
        t.sql(style + t.call("sqlite_import", path, plan))
        places = {"domain", "made", "check"} | ({"trigger"} if plan else set())
        seen = {(row["place"], row["style"]) for row in t.rows("SELECT * FROM app.seen")}
        assert seen == {(place, "SQL, DMYiso_8601Asia/Tokyo") for place in places}, seen
        assert t.shown("SELECT d, r, e, u FROM w") == "2024-02-01|[2024-02-01,)|{2024-02-01}|SQL, DMY"
    foreign(t, "f", path, "id bigint, d app.day, r app.days")
    t.sql("TRUNCATE app.seen")
    t.sql(style + "SELECT d, r FROM f")
    assert {row["style"] for row in t.rows("SELECT style FROM app.seen")} == {"SQL, DMYiso_8601Asia/Tokyo"}


def test_settings_are_as_they_were_whatever_happens(t):
    t.sql("CREATE TABLE w (id bigint, r daterange, d date)")
    path = t.file("after.db", """CREATE TABLE w (id INTEGER PRIMARY KEY, r TEXT, d TEXT);
        INSERT INTO w VALUES (1, '[2024-02-01,)', '2024-02-01'), (2, '[2024-02-02,2024-02-01)', '2024-02-02');""")
    foreign(t, "f", path, "id bigint, r daterange, d date")
    shown = " || ' ' || ".join(f"current_setting('{name}')" for name in [*rotation.CHOICES, "array_nulls", "lc_monetary", "quote_all_identifiers"])
    for style in STYLES:
        session = t.session()
        session.run(style)
        before = session.run(f"SELECT {shown}").out
        for statement in ("SELECT r FROM f WHERE id = 1", "SELECT r FROM f", "INSERT INTO f VALUES (3, '[2024-01-01,)')", "DELETE FROM f WHERE id = 3",
                          t.call("sqlite_import", path, {"on_invalid": "null"}), t.call("sqlite_import", path, {"on_invalid": "error"}),
                          "DO $$BEGIN PERFORM r FROM f; EXCEPTION WHEN OTHERS THEN NULL; END$$",
                          "PREPARE p AS SELECT r FROM f WHERE id = $1; EXECUTE p(1); EXECUTE p(2); EXECUTE p(1); DEALLOCATE p",
                          "BEGIN; DECLARE c CURSOR FOR SELECT r FROM f; FETCH 1 FROM c; SAVEPOINT a; FETCH 1 FROM c; ROLLBACK TO a; COMMIT"):
            session.attempt(statement)
            session.run("ROLLBACK")
            assert session.run(f"SELECT {shown}").out == before, statement
        session.close()


def test_rejected_rows_and_examples_are_printed_in_one_style(t):
    """The log keeps a row that was removed, and an error names one, as in any other session."""
    t.sql("CREATE TABLE days (d date PRIMARY KEY); CREATE TABLE w (id int, d date REFERENCES days, r daterange, i interval, f float8[])")
    path = t.file("orphans.db", """CREATE TABLE w (id INTEGER PRIMARY KEY, d TEXT, r TEXT, i TEXT, f TEXT);
        INSERT INTO w VALUES (1, '2024-02-01', '[2024-02-01,)', '1 day 02:00', '{0.30000000000000004}');""")
    logged, errors = set(), set()
    for style in STYLES:
        t.sql(style + t.call("sqlite_import", path, {"orphans": "reject"}))
        logged.add(t.value('SELECT "values" FROM sqlite_migrate.reject ORDER BY id DESC LIMIT 1'))
        with fails("23503", r"\(d\) = \(2024-02-01\)") as failed:
            t.sql(style + t.call("sqlite_import", path, {"orphans": "error"}))
        errors.add(failed.message + failed.detail)
    assert len(logged) == 1 and len(errors) == 1, (logged, errors)
    assert all(text in logged.copy().pop() for text in ("[2024-02-01,)", "1 day 02:00:00", "0.30000000000000004")), logged


@pytest.mark.parametrize("zone, hour", (("Europe/Berlin", "07:00"), ("+05:30", "03:30"), ("UTC", "09:00")))
def test_times_in_sql_without_an_offset_are_the_plans_too(t, zone, hour):
    """In a default, a CHECK and a partial index: as the stored texts that they are compared with are read."""
    path = t.file("zone.db", """CREATE TABLE w (id INTEGER PRIMARY KEY, at DATETIME DEFAULT '2024-07-01 09:00', plain TIMESTAMP DEFAULT '2024-07-01 09:00',
            CHECK (at >= '2024-07-01 09:00'), CHECK (plain <> '2024-07-02T00:00:00Z'));
        CREATE INDEX w_at ON w (id) WHERE at > '2024-07-01 09:00';
        INSERT INTO w VALUES (1, '2024-07-01 09:00', '2024-07-01 09:00'), (2, '2024-07-01T23:00:00Z', '2024-07-01 23:00');""")
    columns = {"at": {"type": "timestamptz"}, "plain": {"type": "timestamp"}}
    t.import_(path, {"timezone": zone, "tables": {"w": {"columns": columns}}})
    t.sql("INSERT INTO w (id) VALUES (3)")
    moment = f"2024-07-01 {hour}:00+00"
    assert t.shown("SELECT at, plain FROM w WHERE id IN (1, 3)") == f"{moment}|2024-07-01 09:00:00\n{moment}|2024-07-01 09:00:00"
    checks = t.shown("SELECT string_agg(pg_get_constraintdef(oid), ' ') FROM pg_constraint WHERE contype = 'c'")
    local = {"Europe/Berlin": "2024-07-02 02:00:00", "+05:30": "2024-07-02 05:30:00", "UTC": "2024-07-02 00:00:00"}[zone]
    assert f"'{moment}'" in checks and f"'{local}'" in checks, checks
    assert f"'{moment}'" in t.shown("SELECT indexdef FROM pg_indexes WHERE indexname = 'w_at'")
    with fails("23514", "w_at_check|w_check"):
        t.sql(f"INSERT INTO w (id, at) VALUES (4, '{moment}'::timestamptz - interval '1 s')")


def test_a_date_function_reads_stored_texts_as_utc(t):
    """SQLite does, whatever the plan's time zone is: another one leaves the CHECK out."""
    path = t.file("zone.db", """CREATE TABLE w (id INTEGER PRIMARY KEY, at DATETIME CHECK (date(at) > '2024-01-01'));
        INSERT INTO w VALUES (1, '2024-07-01T09:00:00Z');""")
    t.import_(path, {})
    assert "AT TIME ZONE 'UTC'" in t.constraints("w", "c")
    told = {f["object"]: f["message"] for f in t.findings(path, {"timezone": "Europe/Berlin", "schema": "b"})}
    assert any("another time zone than UTC" in message for message in told.values()), told
    t.import_(path, {"timezone": "Europe/Berlin", "schema": "b"})
    assert t.constraints("w", "c", "b") == ""
