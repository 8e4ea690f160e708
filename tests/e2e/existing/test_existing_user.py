"""What a person meets who imports into an ORM's tables: hints that work, triggers that stay quiet, what follows."""

import sqlstates as s
from harness import ident


def messages(rows):
    return [(row["severity"], row["object"], row["message"], row["hint"]) for row in rows
            if not row["message"].startswith("table exists and keeps")]


def test_a_column_that_is_there_has_no_other_type_to_choose(t):
    """Findings about types that a new column might have would lead to a plan that is refused."""
    t.sql("CREATE TABLE log (id bigint PRIMARY KEY, uid text, doc text, flag bigint, created_at bigint, t timestamptz, t3 timestamptz(3))")
    path = t.file("log.db", """
        CREATE TABLE log (id INTEGER PRIMARY KEY, uid TEXT, doc TEXT, flag TINYINT(1), created_at BIGINT, t DATETIME, t3 DATETIME);
        INSERT INTO log VALUES (1, '550e8400-e29b-41d4-a716-446655440000', '{"a": 1}', 1, 1719828000, 0, 0);
        INSERT INTO log VALUES (2, '550e8400-e29b-41d4-a716-446655440001', '[]', 0, 1719828001, 1719828000, 1719828000);""")
    zero = "1 value is 0: 0 becomes 1970-01-01 00:00:00+00"
    assert messages(t.findings(path)) == [("warning", "log.t", zero, ""), ("warning", "log.t3", zero, "")]
    hints = " ".join(finding["hint"] for finding in t.findings(path, {"schema": "fresh"}))
    assert all(f"columns.{column}" in hints for column in ("uid.type", "doc.type", "created_at.epochs", "t.type")), hints
    assert t.import_(path)["log"]["imported"] == 2


def test_what_does_not_fit_says_why_and_what_helps(t):
    """(type there, declared type, values, why in the finding, the cell's hint)"""
    set_format = ", or set plan.tables.t.columns.c.format to"
    plain, number, comma = (
        f'Set plan.tables.t.columns.c.on_invalid to "null" or "reject"{other}, or correct the values. '
        'As a plan: {"tables":{"t":{"columns":{"c":{"on_invalid":"null"}}}}}'
        for other in ("", f"{set_format} say how numbers are read", f'{set_format} "comma" where texts are elements between commas'))
    rounded, cut = (
        f'Set plan.tables.t.columns.c.excess to "{word}", or plan.tables.t.columns.c.on_invalid to "null" or "reject", or correct the values. '
        f'As a plan: {{"tables":{{"t":{{"columns":{{"c":{{"excess":"{word}"}}}}}}}}}}' for word in ("round", "truncate"))
    for pg_type, declared, values, why, hint in [
        ("smallint", "INTEGER", ["-1", "40000"], "the values go from -1 to 40000", plain),
        ("real", "REAL", ["0.5", "0.123456789"], "some values need more digits", plain),
        ("varchar(3)", "TEXT", ["'a'", "'abcd'"], "the longest text has 4 characters", cut),
        ("timestamp(3)", "DATETIME", ["'2024-07-01 10:00:00.123456'"], "some times have 6 digits after the second", rounded),
        ("timestamptz", "TEXT", ["'2024-07-01'", "''"], "1 of 2 values are date text, 1 is empty text", plain),
        ("time", "INTEGER", ["36000"], "the only value is integer", number),
        ("interval", "INTEGER", ["36000"], "the only value is integer", number),
        ("text[]", "TEXT", ["'{a,b'"], None, comma),
    ]:
        t.sql(f"DROP TABLE IF EXISTS t; CREATE TABLE t (id bigint PRIMARY KEY, c {pg_type})")
        rows = "".join(f"INSERT INTO t (c) VALUES ({value});" for value in values)
        path = t.file("t.db", f"CREATE TABLE t (id INTEGER PRIMARY KEY, c {declared}); {rows}")
        shown = t.value("SELECT format_type(atttypid, atttypmod) FROM pg_attribute WHERE attrelid = 't'::regclass AND attname = 'c'")
        advised = {
            "timestamptz": 'Set plan.tables.t.columns.c.null_values to [""]: 1 value becomes NULL.',
            # What costs every value is not advised.
            "time": "Correct the values, or set plan.tables.t.columns.c.format to say how numbers are read.",
        }.get(pg_type, hint).split(" As a plan")[0]
        expected = [("blocking", "t.c", f"not every stored value fits {shown}: {why}", advised)] if why else []
        assert messages(t.findings(path)) == expected, messages(t.findings(path))
        failed = t.import_fails(path, {"create": "never"}, s.INVALID_VALUE, 'column "c" of table "t"')
        assert failed.hint == hint, f"{pg_type}: {failed.message}: {failed.hint}"
    plan = {"tables": {"t": {"columns": {"c": {"format": "comma"}}}}}
    assert t.import_(path, plan)["t"]["imported"] == 1 and t.value("SELECT c[2] FROM t") == "b"


def test_times_that_orms_write_with_a_date(t):
    """SQLAlchemy's intervals; Rails' and Prisma's times of day."""
    t.sql("CREATE TABLE t (id bigint PRIMARY KEY, i interval, c time)")
    path = t.file("t.db", """CREATE TABLE t (id INTEGER PRIMARY KEY, i DATETIME, c DATETIME);
        INSERT INTO t VALUES (1, '1970-01-02 01:00:00.000000', '2000-01-01 10:30:00'), (2, '1969-12-31 23:59:00', '1970-01-01T08:00:00.000Z');""")
    assert t.import_(path)["t"]["imported"] == 2
    assert t.value("SELECT string_agg(i || ' ' || c, ', ' ORDER BY id) FROM t") == "25:00:00 10:30:00, -00:01:00 08:00:00"
    path = t.file("other.db", "CREATE TABLE t (id INTEGER PRIMARY KEY, c DATETIME); INSERT INTO t VALUES (3, '2024-07-01 10:30:00');")
    t.import_fails(path, {"existing_rows": "append"}, s.INVALID_VALUE, "not a time of day alone")


def test_hints_about_tables_that_are_there_work(t):
    t.sql("CREATE TABLE t (id bigint PRIMARY KEY, v text); INSERT INTO t VALUES (1, 'seed')")
    path = t.file("t.db", "CREATE TABLE t (id INTEGER PRIMARY KEY, v TEXT); INSERT INTO t VALUES (1, 'a'), (2, 'b');")
    failed = t.import_fails(path, {"create": "never"}, "42P07", "holds 1 row")
    assert failed.hint == ('Set plan.tables.t.existing_rows to "append" or "truncate", or on_conflict to "skip" or "update". '
                           'As a plan: {"tables":{"t":{"existing_rows":"append"}}}'), failed.hint
    row = t.import_(path, {"create": "never", "on_conflict": "update"})["t"]
    assert (row["imported"], row["updated"]) == (1, 1), row
    failed = t.import_fails(path, {"create": "always"}, "42P07", "always")
    assert failed.hint == ('Set plan.tables.t.create to "auto", or existing_rows to "replace", or choose another schema or target. '
                           'As a plan: {"tables":{"t":{"create":"auto"}}}'), failed.hint


def test_several_findings_tell_where_their_hints_are(t):
    t.sql("CREATE TABLE a (id bigint PRIMARY KEY, must int NOT NULL); CREATE TABLE persons (id bigint PRIMARY KEY)")
    path = t.file("t.db", """CREATE TABLE a (id INTEGER PRIMARY KEY); INSERT INTO a VALUES (1);
        CREATE TABLE person (id INTEGER PRIMARY KEY); INSERT INTO person VALUES (1);""")
    failed = t.import_fails(path, {"create": "never"}, "55000", "2 findings")
    assert 'did you mean "persons"?\n' in failed.detail + "\n", failed.detail
    assert failed.hint.endswith('For the others see sqlite_findings(path, plan). As a plan: {"tables":{"person":{"target":"persons"}}}'), failed.hint


def test_a_key_that_is_not_the_one_gone_by(t):
    """Seed rows with numbers of their own: the unique name is what they share with the file."""
    t.sql("CREATE TABLE setting (id serial PRIMARY KEY, key text CONSTRAINT setting_key UNIQUE, v text);"
          "INSERT INTO setting (key, v) VALUES ('theme', 'dark'), ('lang', 'en')")
    path = t.file("t.db", "CREATE TABLE setting (id INTEGER PRIMARY KEY, key TEXT, v TEXT);"
                          "INSERT INTO setting VALUES (7, 'theme', 'light'), (8, 'zone', 'UTC'), (9, 'zone', 'CET');")
    hint = ('Correct the rows, or set plan.tables.setting.conflict_target to the key and plan.tables.setting.on_conflict to "skip" or '
            '"update"; "update" needs loaded rows with different keys.')
    followed = ('Set plan.tables.setting.where to "rowid NOT IN (9)" to load the first row of each key, or plan.tables.setting.on_conflict to "skip", '
                'which leaves existing rows as they are and takes the first of the file\'s. As a plan: {"tables":{"setting":{"where":"rowid NOT IN (9)"}}}')
    target = {"tables": {"setting": {"conflict_target": "setting_key"}}}
    for plan, sqlstate, why, hint in [
        ({"existing_rows": "append"}, "23505", "setting_key", hint),
        ({"on_conflict": "skip"}, "23505", "setting_key", hint),
        ({"on_conflict": "update", **target}, "21000", "cannot affect row a second time", followed),
    ]:
        failed = t.import_fails(path, plan, sqlstate, why)
        assert failed.message == 'rows of table "setting" break a key of "public"."setting"', failed.message
        assert failed.hint == hint, failed.hint
    row = t.import_(path, {"on_conflict": "skip", **target})["setting"]
    assert (row["imported"], row["skipped"]) == (1, 2), row
    assert t.value("SELECT string_agg(id || key || v, ' ' ORDER BY id) FROM setting") == "1themedark 2langen 8zoneUTC"


def test_a_view_with_an_instead_of_trigger(t):
    t.sql("""CREATE TABLE base (id bigint PRIMARY KEY, v text); CREATE VIEW front AS SELECT id, v FROM base;
        CREATE FUNCTION put() RETURNS trigger LANGUAGE plpgsql AS
            $$BEGIN INSERT INTO public.base VALUES (NEW.id + 100, NEW.v); RETURN NEW; END$$;
        CREATE TRIGGER put INSTEAD OF INSERT ON front FOR EACH ROW EXECUTE FUNCTION put();""")
    path = t.file("t.db", "CREATE TABLE front (id INTEGER PRIMARY KEY, v TEXT); INSERT INTO front VALUES (1, 'a'), (2, 'b');")
    row = t.import_(path, {"create": "never"})["front"]
    assert (row["imported"], row["status"]) == (2, "loaded"), row
    assert t.value("SELECT string_agg(id || v, ' ' ORDER BY id) FROM base") == "101a 102b"


def test_triggers_of_partitions_stay_quiet_and_keep_their_states(t):
    t.sql("""CREATE TABLE noise (n text); CREATE FUNCTION noise() RETURNS trigger LANGUAGE plpgsql AS
            $$BEGIN INSERT INTO public.noise VALUES (TG_NAME || ' ' || TG_TABLE_NAME); RETURN NEW; END$$;
        CREATE TABLE p (id int, k text) PARTITION BY LIST (k);
        CREATE TABLE p_a PARTITION OF p FOR VALUES IN ('a'); CREATE TABLE p_b PARTITION OF p FOR VALUES IN ('b');
        CREATE TRIGGER whole AFTER INSERT ON p FOR EACH ROW EXECUTE FUNCTION noise();
        CREATE TRIGGER part AFTER INSERT ON p_a FOR EACH ROW EXECUTE FUNCTION noise();
        CREATE TRIGGER always BEFORE INSERT ON p_b FOR EACH ROW EXECUTE FUNCTION noise();
        ALTER TABLE p_b ENABLE ALWAYS TRIGGER always, DISABLE TRIGGER whole;""")
    states = ("SELECT string_agg(tgrelid::regclass || '.' || tgname || '=' || tgenabled::text, ' ' ORDER BY tgrelid::regclass::text, tgname)"
              " FROM pg_trigger WHERE tgrelid::regclass::text ~ '^p'")
    before = t.value(states)
    assert before == "p.whole=O p_a.part=O p_a.whole=O p_b.always=A p_b.whole=D", before
    path = t.file("t.db", "CREATE TABLE p (id INTEGER, k TEXT); INSERT INTO p VALUES (1, 'a'), (2, 'b');")
    assert t.import_(path)["p"]["imported"] == 2
    assert (t.value(states), t.value("SELECT count(*) FROM noise")) == (before, "0")
    assert t.import_(path, {"existing_rows": "append", "fire_triggers": True})["p"]["imported"] == 2
    assert t.value("SELECT string_agg(n, ', ' ORDER BY n) FROM noise") == "always p_b, part p_a, whole p_a"


def test_reset_sequences_does_not_go_back(t):
    """What SQLite has given away and deleted stays given away."""
    t.sql("CREATE TABLE t (id serial PRIMARY KEY, v text); CREATE TABLE gone (id serial PRIMARY KEY, v text);"
          "CREATE TABLE high (id int GENERATED BY DEFAULT AS IDENTITY (START 1000), v text); CREATE TABLE none (id serial, v text)")
    path = t.file("t.db", """CREATE TABLE t (id INTEGER PRIMARY KEY AUTOINCREMENT, v TEXT); INSERT INTO t VALUES (5, 'a'), (50, 'b'); DELETE FROM t WHERE id = 50;
        CREATE TABLE gone (id INTEGER PRIMARY KEY AUTOINCREMENT, v TEXT); INSERT INTO gone VALUES (40, 'x'); DELETE FROM gone;""")
    t.import_(path)
    t.sql("INSERT INTO high VALUES (3, 'by hand')")
    values = {row["table"]: (row["old_value"], row["new_value"]) for row in t.rows("SELECT * FROM reset_sequences()")}
    assert values == {"t": (50, 50), "gone": (40, 40), "high": (999, 999), "none": (None, None)}, values
    following = [t.value(f"INSERT INTO {table} (v) VALUES ('next') RETURNING id") for table in ("t", "gone", "high", "none")]
    assert following == ["51", "41", "1000", "1"], following


def test_a_sequence_of_somebody_else(t):
    """The error comes before the rows, and its hint works."""
    user = t.role("guest", "pg_read_server_files")
    t.sql(f"CREATE TABLE t (id serial PRIMARY KEY, v text); GRANT SELECT, INSERT ON t TO {ident(user)}")
    path = t.file("t.db", "CREATE TABLE t (id INTEGER PRIMARY KEY, v TEXT); INSERT INTO t VALUES (5, 'a');")
    failed = t.attempt(t.call("sqlite_import", path, {"create": "never"}), user)
    failed.failed("55000", r"^t\.id: only the owner of sequence public\.t_id_seq can set it")
    assert failed.hint == 'Set plan.tables.t.reset_sequences to false. As a plan: {"tables":{"t":{"reset_sequences":false}}}', failed.hint
    plan = {"create": "never", "tables": {"t": {"reset_sequences": False, "analyze": False}}}
    t.sql(t.call("sqlite_import", path, plan), user)
    assert t.value("SELECT v FROM t") == "a"


def test_orphans_of_a_constraint_that_stays(t):
    t.sql("CREATE TABLE p (id bigint PRIMARY KEY); INSERT INTO p VALUES (1); CREATE TABLE c (id bigint PRIMARY KEY, p bigint REFERENCES p)")
    path = t.file("t.db", "CREATE TABLE c (id INTEGER PRIMARY KEY, p INTEGER); INSERT INTO c VALUES (1, 1), (2, 7);")
    failed = t.import_fails(path, {}, s.ORPHANS, "public.c")
    assert failed.hint == 'Set plan.tables.c.orphans to "null" or "reject". As a plan: {"tables":{"c":{"orphans":"null"}}}', failed.hint
    assert t.import_(path, {"orphans": "null"})["c"]["imported"] == 2
