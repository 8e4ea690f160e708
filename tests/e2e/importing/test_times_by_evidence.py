"""Which numbers and texts are times, and in which unit: by the declaration, by most of the values, by the plan."""

from harness import shared


def case(t, name):
    return t.file(f"{name}.db", shared("cases", f"{name}.sql").read_text())


def fixes(findings, kind):
    return {f["object"]: f["fix"] for f in findings if f["kind"] == kind}


def test_numbers_are_not_times_because_of_a_name(t):
    path = case(t, "56-epoch-apps")
    named = fixes(t.findings(path), "unread_numbers")
    assert named["chat.created_at"] == {"tables": {"chat": {"columns": {"created_at": {"epochs": "named"}}}}}
    assert {"chat.created_at", "events.origin_server_ts", "events.received_ts"} <= set(named)
    read = ["chat.created_at", "events.received_ts"]
    plan = t.merged({}, *(named[o] for o in read))
    assert not set(read) & set(fixes(t.findings(path, plan), "unread_numbers"))
    t.import_(path, plan)
    assert t.shown("SELECT created_at, updated_at FROM chat") == "2024-06-10 06:13:20+00|1718000001"
    assert t.shown("SELECT origin_server_ts, received_ts FROM events") == "1718000000123|2024-06-10 06:13:20.2+00"


def test_floats_stay_floats(t):
    path = case(t, "47-float-timestamps")
    t.import_(path)
    assert t.type_of("events", "time_fired_ts") == t.type_of("states", "last_updated_ts") == "double precision"
    assert t.shown("SELECT time_fired, time_fired_ts FROM events") == "2023-04-28 22:03:57.123456|1682719437.123456"
    t.import_(path, {"schema": "named", "epochs": "named", "tables": {"statistics": {"epochs": "declared"}, "states": {"columns": {"last_changed_ts": {"epochs": "never"}}}}})
    assert t.type_of("events", "time_fired_ts", "named") == t.type_of("states", "last_updated_ts", "named") == "timestamp with time zone"
    assert t.type_of("statistics", "created_ts", "named") == t.type_of("states", "last_changed_ts", "named") == "double precision"


def test_numbers_of_declared_times_can_stay_numbers(t):
    path = t.file("a.db", "CREATE TABLE t (made DATETIME); INSERT INTO t VALUES (1718000000123)")
    assert fixes(t.findings(path, {"epochs": "never"}), "unread_numbers") == {"t.made": {"tables": {"t": {"columns": {"made": {"epochs": "declared"}}}}}}
    t.import_(path, {"epochs": "never"})
    assert t.type_of("t", "made") == "bigint"


def test_milliseconds_before_1980(t):
    path = case(t, "07-epoch-ms")
    assert "ev.neg" in fixes(t.findings(path), "unusual_times")
    t.import_(path)
    assert t.shown("SELECT neg FROM ev ORDER BY id") == "1969-12-31 00:00:00+00\n2021-07-26 12:51:46.122+00"
    assert t.shown("SELECT \"on\" FROM ev ORDER BY id") == "2021-07-26 12:51:46.122+00\n2021-08-31 23:12:22+00"
    assert t.shown("SELECT updated_at, published_at FROM roles ORDER BY id") == "2021-07-26 12:51:46.122+00|\n2021-08-31 23:12:22+00|2021-07-26 12:51:46.123+00"
    assert t.shown("SELECT migration_time FROM migrations WHERE id = 1") == "2024-04-07 20:17:52.575+00"


def test_an_existing_time_with_two_negative_numbers(t):
    rows = [f"({n}, {1690000000000 + n * 86400000})" for n in range(90)] + ["(90, -86400000)", "(91, -62135596800000)"]
    rows += [f"({n}, '2023-08-01 10:{n - 100:02}:00')" for n in range(100, 157)]
    path = t.file("a.db", f"CREATE TABLE w (id INTEGER PRIMARY KEY, createdAt DATETIME NOT NULL); INSERT INTO w VALUES {', '.join(rows)}")
    t.sql("CREATE TABLE w (id integer PRIMARY KEY, \"createdAt\" timestamp(3) NOT NULL)")
    plan = {"create": "never"}
    assert not [f for f in t.findings(path, plan) if f["severity"] == "blocking"]
    assert t.import_(path, plan)["w"]["imported"] == 149
    assert t.shown("SELECT \"createdAt\" FROM w WHERE id IN (0, 90, 91, 100) ORDER BY id") == "2023-07-22 04:26:40\n1969-12-31 00:00:00\n0001-01-01 00:00:00\n2023-08-01 10:00:00"


def test_the_default_names_the_unit(t):
    path = t.file("a.db", """
        CREATE TABLE a (born TIMESTAMP DEFAULT (unixepoch() * 1000)); INSERT INTO a VALUES (-86400000);
        CREATE TABLE b (born TIMESTAMP DEFAULT (strftime('%s', 'now'))); INSERT INTO b VALUES (-86400), (0)""")
    t.import_(path)
    assert t.shown("SELECT born FROM a") == "1969-12-31 00:00:00+00"
    assert t.shown("SELECT born FROM b ORDER BY 1") == "1969-12-31 00:00:00+00\n1970-01-01 00:00:00+00"


def test_seconds_among_milliseconds_are_not_guessed(t):
    path = t.file("a.db", "CREATE TABLE t (at DATETIME); INSERT INTO t VALUES (1690000000000), (1690000000001), (1690000000)")
    t.import_(path)
    assert t.type_of("t", "at") == "bigint"


def test_times_of_day_after_a_date_that_says_nothing(t):
    path = case(t, "31-rails-bool-time")
    t.import_(path)
    assert t.type_of("dmsf_files", "opens_at") == t.type_of("dmsf_files", "closes_at") == "time without time zone"
    assert t.type_of("dmsf_files", "made_at") == "timestamp without time zone"
    assert t.shown("SELECT opens_at, closes_at FROM dmsf_files ORDER BY id") == "09:30:00|17:00:00\n00:00:00|\n|"


def test_more_digits_than_microseconds_in_new_columns(t):
    path = case(t, "53-subsecond-precision")
    found = fixes(t.findings(path), "type_missed")
    assert found["ciphers.created_at"] == {"tables": {"ciphers": {"columns": {"created_at": {"excess": "round"}}}}}
    plan = t.merged({}, found["ciphers.created_at"], found["items.DateCreated"])
    assert not fixes(t.findings(path, plan), "type_missed")
    result = t.import_(path, plan)
    assert result["ciphers"]["rejected"] == result["items"]["rejected"] == 0
    assert '2 values of "created_at" were rounded' in result["ciphers"]["detail"]
    assert '1 value of "DateCreated" was rounded' in result["items"]["detail"]
    assert t.shown("SELECT created_at, updated_at FROM ciphers ORDER BY uuid") == "2024-05-01 10:11:12.123457|2024-05-01 10:11:12\n2024-05-01 10:11:12|2024-05-02 10:11:12.5"
    assert t.shown('SELECT "DateCreated" FROM items ORDER BY "Id"') == "2020-07-12 10:11:12.123457+00\n2020-07-12 10:11:12+00"


def test_more_digits_than_microseconds_in_existing_columns(t):
    path = case(t, "53-subsecond-precision")
    t.sql(shared("cases", "53-subsecond-precision.pg.sql").read_text())
    plan = {"create": "never"}
    stopping = [f for f in t.findings(path, plan) if f["severity"] == "blocking"]
    assert {f["object"] for f in stopping} == {"ciphers.created_at", "items.DateCreated", "items.Span", "items.Added"}
    assert all(list(f["fix"]["tables"].values())[0]["columns"][f["object"].split(".")[1]] == {"excess": "round"} for f in stopping)
    plan = t.merged(plan, *(f["fix"] for f in stopping))
    result = t.import_(path, plan)
    assert [(r["imported"], r["rejected"]) for r in result.values()] == [(2, 0), (2, 0)]
    assert '1 value of "Span" was rounded' in result["items"]["detail"]
    assert "rounded" in t.value("SELECT string_agg(detail, ' ') FROM sqlite_migrate.run_table")
    assert t.shown('SELECT "DateCreated", "Price", "Span", "Added" FROM items WHERE "Id" = 1') == \
        "2020-07-12 10:11:12.123457+00|12.50|1 day 02:03:04.123457|2022-01-01 00:00:00.123457+00"


def test_time_spans_of_dotnet(t):
    path = case(t, "77-dotnet-timespan")
    t.sql(shared("cases", "77-dotnet-timespan.pg.sql").read_text())
    plan = {"create": "never"}
    [stopping] = [f for f in t.findings(path, plan) if f["severity"] == "blocking"]
    assert (stopping["object"], stopping["fix"]) == ("jobs.frac", {"tables": {"jobs": {"columns": {"frac": {"excess": "round"}}}}})
    result = t.import_(path, t.merged(plan, stopping["fix"]))
    assert '2 values of "frac" were rounded' in result["jobs"]["detail"]
    assert t.shown("SELECT extract(epoch FROM span), frac FROM jobs ORDER BY id") == "93784.000000|00:00:01.123457\n7384.000000|00:00:00\n864000.000000|00:00:01"


def test_digits_and_characters_that_are_too_many(t):
    path = t.file("a.db", "CREATE TABLE t (id INTEGER PRIMARY KEY, price DECIMAL(10,2), name VARCHAR(5), at DATETIME);"
                  "INSERT INTO t VALUES (1, 12.345, 'longer than five', '2024-05-01 10:11:12.9999'), (2, 1, 'short', '2024-05-01 10:11:12')")
    t.sql("CREATE TABLE t (id bigint PRIMARY KEY, price numeric(10,2), name varchar(5), at timestamp(3))")
    plan = {"create": "never", "excess": "round"}
    [left] = [f for f in t.findings(path, plan) if f["severity"] == "blocking"]
    assert left["object"] == "t.name"
    result = t.import_(path, {"create": "never", "excess": "truncate", "tables": {"t": {"columns": {"price": {"excess": "round"}}}}})
    assert result["t"]["detail"].count("1 value of") == 3
    assert t.shown("SELECT price, name, at FROM t WHERE id = 1") == "12.35|longe|2024-05-01 10:11:12.999"
    t.sql("TRUNCATE t")
    t.import_(path, {"create": "never", "excess": "round", "tables": {"t": {"columns": {"name": {"excess": "truncate"}}}}})
    assert t.shown("SELECT price, name, at FROM t WHERE id = 1") == "12.35|longe|2024-05-01 10:11:13"


def test_the_cell_that_is_too_fine_names_the_key(t):
    path = t.file("a.db", "CREATE TABLE t (id INTEGER PRIMARY KEY, span TEXT); INSERT INTO t VALUES (1, '00:00:01.1234567')")
    t.sql("CREATE TABLE t (id bigint, span interval)")
    t.import_fails(path, {"create": "never", "profile": "none"}, "22P02", "more precise", hint='plan.tables.t.columns.span.excess to "round"')


def test_each_value_in_an_array_a_range_or_a_composite_loses_its_excess(t):
    path = t.file("a.db", """CREATE TABLE t (id INTEGER PRIMARY KEY, n TEXT, r TEXT, c TEXT, w TEXT);
        INSERT INTO t VALUES (1, '[1.25, null, 2]', '[2024-01-02 03:04:05.1234567,)', '(1.25,2024-01-02 03:04:05.5)', '["abc","d"]'), (2, '[3]', NULL, NULL, NULL)""")
    t.sql("CREATE TYPE pair AS (a numeric(4,1), b timestamp(0)); CREATE TABLE t (id bigint PRIMARY KEY, n numeric(4,1)[], r tsrange, c pair, w varchar(2)[])")
    t.import_fails(path, {}, "22P02", "rowid 1", hint='plan.tables.t.columns.n.excess to "round"')
    plan = {"excess": "round", "tables": {"t": {"columns": {"w": {"excess": "truncate"}}}}}
    row = t.import_(path, plan)["t"]
    assert t.shown("SELECT * FROM t WHERE id = 1") == '1|{1.3,NULL,2.0}|["2024-01-02 03:04:05.123457",)|(1.3,"2024-01-02 03:04:06")|{ab,d}'
    assert '1 value of "n" was rounded' in row["detail"] and '1 value of "w" was cut off' in row["detail"], row
    # A range that would become empty does not fit.
    path = t.file("a.db", "CREATE TABLE t (id INTEGER PRIMARY KEY, r TEXT); INSERT INTO t VALUES (1, '[2024-01-02 03:04:05.1234567,2024-01-02 03:04:05.1234568)')")
    t.import_fails(path, {"excess": "round", "existing_rows": "truncate"}, "22P02", "rowid 1")
