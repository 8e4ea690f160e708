"""Rows wider than a page and keys longer than a btree allows: found before the load, exactly where PostgreSQL refuses them."""

import json
import random

import pytest

from harness import quote, shared

APPEND = {"create": "never", "existing_rows": "append"}
LIMITS = ("row_too_wide", "key_too_long")


def noise(length, seed=1):
    """Text that pglz cannot shorten."""

    return "".join(random.Random(seed).choices("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_", k=length))


def limits(t, path, plan=None):
    return [f for f in t.findings(path, plan) if f["kind"] in LIMITS]


def follow(t, path, plan=None):
    """Follows the fixes of what blocks, and imports."""
    found = [f for f in t.findings(path, plan) if f["severity"] == "blocking"]
    assert found
    fixed = t.merged(plan or {}, *(f["fix"] for f in found))
    return fixed, t.import_(path, fixed)


def case(t, name):
    return t.file(f"{name}.db", shared("cases", f"{name}.sql").read_text())


# Rows


def test_bigrow(t):
    path = case(t, "40-bigrow")
    [finding] = limits(t, path)
    assert (finding["object"], finding["severity"]) == ("bigrow", "blocking")
    assert finding["message"] == "rowid 1 would take 31,536 bytes of the 8,160 in a page"
    t.import_fails(path, {}, "54000", "^bigrow: rowid 1 would take 31,536 bytes", hint="plan.tables.bigrow.skip")
    _, result = follow(t, path)
    assert result == {} and t.value("SELECT to_regclass('bigrow') IS NULL") == "t"


def columns(count, declared):
    return ", ".join(f"c{n} {declared}" for n in range(count))


def test_smaller_types_where_values_fit(t):
    ones = ", ".join(["1"] * 1500)
    path = t.file("a.db", f"CREATE TABLE t (id INTEGER PRIMARY KEY, {columns(1500, 'INTEGER')}); INSERT INTO t VALUES (7, {ones})")
    [finding] = limits(t, path)
    assert finding["message"] == "rowid 7 would take 12,032 bytes of the 8,160 in a page"
    assert finding["fix"]["tables"]["t"]["columns"]["c9"] == {"type": "smallint"}
    follow(t, path)
    assert t.value("SELECT sum(c0 + c1499) FROM t") == "2"
    assert t.type_of("t", "id") == "bigint", "others may refer to a key"


def test_rows_that_are_too_wide_can_be_left_out(t):
    big, nulls = ", ".join(["3000000000"] * 1100), ", ".join(["NULL"] * 1099 + ["1"])
    path = t.file("a.db", f"CREATE TABLE t ({columns(1100, 'INTEGER')}); INSERT INTO t VALUES ({nulls}), ({big}), ({nulls}), ({big})")
    [finding] = limits(t, path)
    assert finding["message"] == "rowid 2 would take 8,824 bytes of the 8,160 in a page, and 1 other row takes too many as well"
    assert finding["fix"] == {"tables": {"t": {"where": "rowid NOT IN (2, 4)"}}}
    assert finding["hint"] == "Set plan.tables.t.where to \"rowid NOT IN (2, 4)\" to leave 2 rows out, or skip columns that are not needed."
    follow(t, path)
    assert t.value("SELECT count(*) FROM t") == "2"
    [again] = limits(t, path, {"tables": {"t": {"where": "true -- all"}}})
    assert again["fix"] == {"tables": {"t": {"where": "(true -- all\n) AND rowid NOT IN (2, 4)"}}}
    t.sql("DROP TABLE t")
    follow(t, path, {"tables": {"t": {"where": "true -- all"}}})


@pytest.mark.parametrize("length, count", [(20, 370), (21, 400), (26, 330), (3000, 350), (3000, 440), (3000, 480), (19, 1000)])
def test_only_what_the_server_refuses_is_found(t, length, count):
    """Long texts are moved out, and take 18 bytes; short ones are not, and 24 bytes are the edge."""
    values = ", ".join(quote(noise(length, n)) for n in range(count))
    path = t.file("a.db", f"CREATE TABLE t ({columns(count, 'TEXT')}); INSERT INTO t VALUES ({values})")
    t.sql(f"CREATE TABLE oracle ({columns(count, 'text')})")
    refused = t.attempt(f"INSERT INTO oracle VALUES ({values})").sqlstate
    assert refused in (None, "54000")
    assert len(limits(t, path)) == (refused is not None)
    if not refused:
        assert t.import_(path)["t"]["imported"] == 1


def test_a_row_of_an_existing_table(t):
    ones = ", ".join(["1"] * 1100)
    path = t.file("a.db", f"CREATE TABLE t ({columns(1100, 'INTEGER')}); INSERT INTO t VALUES ({ones}); INSERT INTO t (c0) VALUES (5)")
    t.sql(f"CREATE TABLE t ({columns(1100, 'bigint')})")
    [finding] = limits(t, path, APPEND)
    assert "rowid 1 would take 8,824 bytes" in finding["message"] and finding["fix"] == {"tables": {"t": {"where": "rowid NOT IN (1)"}}}
    follow(t, path, APPEND)
    assert t.value("SELECT c0 FROM t") == "5"
    t.sql(f"DROP TABLE t; CREATE TABLE t ({columns(1100, 'int')})")
    assert limits(t, path, APPEND) == []


# Entries


def test_index_row_size(t):
    path = case(t, "32-index-row-size")
    found = {f["object"]: f for f in limits(t, path)}
    assert found["unique constraint on entries(hash)"]["message"] == "the entry of rowid 1 would take 3,016 bytes of the 2,704 that a btree allows"
    assert found["index entries_feed_url_idx"]["message"] == "the entry of rowid 1 would take 8,040 bytes of the 2,704 that a btree allows"
    t.import_fails(path, {}, "54000", "2 findings stop the import", hint="plan.tables.entries.keys")
    follow(t, path)
    assert t.constraints("entries", "x").splitlines() == ["EXCLUDE USING hash (feed_url WITH =)", "EXCLUDE USING hash (hash WITH =)"]
    again = "INSERT INTO entries SELECT 9, 'other', hash FROM entries WHERE id = 1"
    assert t.attempt(again).sqlstate == "23P01", "the same duplicates are refused"
    path = t.file("b.db", f"CREATE TABLE b (a TEXT); CREATE INDEX i ON b (a DESC); INSERT INTO b VALUES ('{noise(3000)}')")
    follow(t, path)
    assert t.value("SELECT indexdef FROM pg_indexes WHERE indexname = 'i'") == "CREATE INDEX i ON public.b USING hash (a)"


def test_keys_of_several_columns_and_tables_without_rowid(t):
    path = t.file("a.db", f"""CREATE TABLE t (a TEXT, b INTEGER, PRIMARY KEY (a, b)) WITHOUT ROWID;
        INSERT INTO t VALUES ('{noise(3000)}', 1), ('{noise(3000)}', 2), ('x', 1);
        CREATE TABLE u (a TEXT COLLATE NOCASE, b TEXT, UNIQUE (a, b)); INSERT INTO u VALUES ('{noise(1500)}', '{noise(1500, 2)}')""")
    found = {f["object"]: f for f in limits(t, path)}
    assert found["primary key of t"]["message"].startswith(f"the entry of ('{noise(3000)[:39]}…, 1) would take 3,024 bytes")
    assert "for an index on a hash of the values" in found["unique constraint on u(a, b)"]["hint"]
    follow(t, path)
    assert t.value("SELECT indexdef FROM pg_indexes WHERE tablename = 't'") == "CREATE UNIQUE INDEX t_pkey ON public.t USING btree (md5(a), b)"
    assert t.value("SELECT count(*) FROM pg_attribute WHERE attrelid = 't'::regclass AND attnotnull AND attnum > 0") == "2"


@pytest.mark.parametrize("value", ["a" * 100_000, noise(2600), noise(2680), noise(2690), noise(2692), noise(2693), noise(2700),
                                   noise(1500) + "b" * 4000, (noise(300) + "c") * 40, "é" * 5000])
def test_entries_are_found_exactly_where_a_btree_refuses_them(t, value):
    """What compresses well enough is indexed, however long it is."""
    path = t.file("a.db", f"CREATE TABLE t (id INTEGER PRIMARY KEY, a TEXT, b INTEGER); CREATE INDEX one ON t (a); CREATE INDEX two ON t (b, a); INSERT INTO t VALUES (1, {quote(value)}, NULL), (2, 'x', 1)")
    t.sql(f"CREATE TABLE oracle (a text, b bigint); INSERT INTO oracle VALUES ({quote(value)}, NULL)")
    refused = {f"index {name}" for name, keys in (("one", "a"), ("two", "b, a")) if t.attempt(f"CREATE INDEX ON oracle ({keys})").sqlstate == "54000"}
    assert {f["object"] for f in limits(t, path)} == refused
    if not refused:
        t.import_(path)
        assert t.value("SELECT count(*) FROM pg_indexes WHERE tablename = 't'") == "3"


def test_the_one_row_among_many_that_compress(t):
    path = t.file("a.db", f"""CREATE TABLE t (id INTEGER PRIMARY KEY, a TEXT); CREATE INDEX i ON t (a);
        WITH RECURSIVE g (n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM g WHERE n < 3000) INSERT INTO t SELECT n, replace(hex(zeroblob(3000 + n % 7)), '00', 'ab') FROM g;
        UPDATE t SET a = '{noise(2800)}' WHERE id = 1777""")
    [finding] = limits(t, path)
    assert finding["message"] == "the entry of rowid 1777 would take 2,816 bytes of the 2,704 that a btree allows"
    assert limits(t, path, {"tables": {"t": {"where": "id <> 1777"}}}) == []
    follow(t, path)
    assert t.value("SELECT count(*) FROM t") == "3000"


def test_partial_and_computed_indexes(t):
    path = t.file("a.db", f"""CREATE TABLE t (id INTEGER PRIMARY KEY, a TEXT, k INTEGER); INSERT INTO t VALUES (1, '{noise(3000)}', 1), (2, 'x', 2);
        CREATE INDEX without ON t (a) WHERE k = 2; CREATE INDEX within ON t (a) WHERE k = 1; CREATE INDEX lower ON t (lower(a)); CREATE INDEX length ON t (length(a))""")
    assert {f["object"] for f in limits(t, path)} == {"index within", "index lower"}
    follow(t, path)
    assert t.value("SELECT count(*) FROM pg_indexes WHERE tablename = 't'") == "5"


def test_indexes_of_an_existing_table(t):
    path = t.file("a.db", f"CREATE TABLE t (id INTEGER PRIMARY KEY, a TEXT); INSERT INTO t VALUES (1, '{noise(3000)}'), (2, 'x'), (3, '{'y' * 9000}'), (4, '{noise(3000, 2)}')")
    made = "CREATE TABLE t (id bigint PRIMARY KEY, a text, c int NOT NULL DEFAULT 1)"
    for index, found in [("CREATE INDEX i ON t (a)", True), ("CREATE INDEX i ON t (lower(a), c)", True), ("CREATE INDEX i ON t (c) INCLUDE (a)", True),
                         ("CREATE INDEX i ON t USING hash (a)", False), ("CREATE INDEX i ON t (md5(a))", False), ("CREATE INDEX i ON t (a) WHERE id > 9", False)]:
        t.sql(f"DROP TABLE IF EXISTS t; {made}; {index}")
        assert [f["object"] for f in limits(t, path, APPEND)] == ["index i of public.t"] * found, index
        if not found:
            assert t.import_(path, APPEND)["t"]["imported"] == 4, index
            continue
        [finding] = limits(t, path, APPEND)
        assert finding["fix"] == {"tables": {"t": {"where": "rowid NOT IN (1, 4)"}}}
        follow(t, path, APPEND)
        assert t.value("SELECT string_agg(id::text, ' ' ORDER BY id) FROM t") == "2 3", index


def test_a_unique_key_that_ignores_case(t):
    t.needs("citext")
    path = t.file("a.db", f"""CREATE TABLE t (id INTEGER PRIMARY KEY, a TEXT COLLATE NOCASE UNIQUE); INSERT INTO t VALUES (1, '{noise(3000)}');
        CREATE TABLE u (id INTEGER PRIMARY KEY, a TEXT COLLATE NOCASE, b INTEGER, UNIQUE (a, b)); INSERT INTO u VALUES (1, '{noise(3000)}', 1)""")
    follow(t, path)
    for table, columns, values in (("t", "a", "v"), ("u", "a, b", "v, 1")):
        for value in (f"'{noise(3000)}'", f"upper('{noise(3000)}')", f"'{noise(3000)}'::text || 'é'", f"'{noise(3000)}'::text || 'É'"):
            t.attempt(f"INSERT INTO {table} (id, {columns}) SELECT (SELECT max(id) + 1 FROM {table}), {values} FROM (SELECT ({value})::citext AS v) x")
        assert t.value(f"SELECT count(*) || ' ' || count(DISTINCT lower(a::text)) FROM {table}") == "2 2", table


def test_an_index_that_only_a_partition_has(t):
    path = t.file("a.db", f"CREATE TABLE t (id INTEGER, v TEXT); INSERT INTO t VALUES (1, '{noise(3000)}'), (11, 'b'), (12, '{noise(3000, 2)}')")
    t.sql("""CREATE TABLE t (id int, v text) PARTITION BY RANGE (id); CREATE TABLE t1 PARTITION OF t FOR VALUES FROM (0) TO (10);
        CREATE TABLE t2 PARTITION OF t FOR VALUES FROM (10) TO (12); CREATE TABLE t3 PARTITION OF t DEFAULT; CREATE INDEX i2 ON t2 (v)""")
    assert limits(t, path, APPEND) == []
    t.sql("CREATE INDEX i3 ON t3 (lower(v))")
    [finding] = limits(t, path, APPEND)
    assert finding["object"] == "index i3 of public.t" and finding["message"].startswith("the entry of rowid 3 would take")
    follow(t, path, APPEND)
    assert t.value("SELECT string_agg(id::text, ' ' ORDER BY id) FROM t") == "1 11"


def test_rows_that_are_skipped_come_into_no_index(t):
    path = t.file("a.db", f"CREATE TABLE t (id INTEGER PRIMARY KEY, v TEXT); INSERT INTO t VALUES (1, '{noise(3000)}'), (2, 'b')")
    t.sql(f"CREATE TABLE t (id bigint PRIMARY KEY, v text); INSERT INTO t VALUES (1, '{noise(3000)}'); CREATE INDEX i ON t (v) WHERE id > 1")
    assert limits(t, path, {**APPEND, "on_conflict": "skip"}) == []
    t.sql(f"DROP INDEX i; CREATE INDEX i ON t (left(v, 2000), right(v, 2000)) WHERE v <> '{noise(3000)}'")
    path = t.file("b.db", f"CREATE TABLE t (id INTEGER PRIMARY KEY, v TEXT); INSERT INTO t VALUES (1, '{noise(4000, 5)}'), (2, 'b')")
    [finding] = [f for f in t.findings(path, {**APPEND, "on_conflict": "update"}) if f["kind"] == "key_too_long"]
    assert "rowid 1" in finding["message"]
    assert limits(t, path, {**APPEND, "on_conflict": "skip"}) == []


def test_many_rows_of_an_existing_table_are_not_named_one_by_one(t):
    rows = ", ".join(f"('{noise(3000, n)}')" for n in range(30))
    path = t.file("a.db", f"CREATE TABLE t (a TEXT); INSERT INTO t VALUES {rows}")
    t.sql("CREATE TABLE t (a text); CREATE INDEX i ON t (a)")
    [finding] = limits(t, path, APPEND)
    assert finding["fix"] is None and finding["message"].endswith(", and 20 other rows or more take too many as well")
    assert finding["hint"] == "Leave the rows out with plan.tables.t.where, or drop the index in before."
    assert t.import_(path, {**APPEND, "before": "DROP INDEX i"})["t"]["imported"] == 30


def test_the_rest_of_a_run_that_goes_on(t):
    path = t.file("a.db", f"CREATE TABLE t (a TEXT UNIQUE); INSERT INTO t VALUES ('{noise(3000)}'); CREATE TABLE w ({columns(1100, 'INTEGER')}); INSERT INTO w VALUES ({', '.join(['3000000000'] * 1100)})")
    result = t.import_(path, {"on_error": "continue"})
    assert (result["t"]["imported"], result["w"]["status"]) == (1, "failed"), "a key costs only itself"
    assert "the entry of rowid 1 would take" in result["t"]["detail"] and "rowid 1 would take 8,824 bytes" in result["w"]["detail"]


def test_a_caller_who_cannot_make_temporary_tables(t):
    path = t.file("a.db", f"CREATE TABLE t (a TEXT UNIQUE); INSERT INTO t VALUES ('{noise(3000)}')")
    t.sql(f'REVOKE TEMPORARY ON DATABASE "{t.database}" FROM PUBLIC')
    t.role("importer", "pg_read_server_files")
    t.sql("GRANT USAGE, CREATE ON SCHEMA public TO importer")
    found = f"SELECT severity, message, hint FROM sqlite_findings({quote(str(path))}, %s) WHERE kind = 'key_too_long'"
    for plan in ("NULL", """'{"schema": "new"}'"""):
        t.sql(f'GRANT CREATE ON DATABASE "{t.database}" TO importer')
        [finding] = t.rows(found % plan, "importer")
        assert finding["severity"] == "blocking" and finding["message"].startswith("the entry of rowid 1 would take 3,0")
    assert t.value("SELECT to_regclass('pg_sqlite_migrate_trial') IS NULL AND to_regnamespace('new') IS NULL") == "t"
    t.sql("CREATE TABLE t (a text); ALTER TABLE t OWNER TO importer; CREATE INDEX j ON t (a); REVOKE CREATE ON SCHEMA public FROM PUBLIC, importer")
    [finding] = t.rows(found % quote(json.dumps(APPEND)), "importer")
    assert finding["severity"] == "warning" and finding["message"].startswith("values may be too long for a btree, which could not be tried: permission denied")
    assert "right TEMPORARY in the database, or CREATE in the schema" in finding["hint"]
    failure = t.attempt(f"SELECT * FROM sqlite_import({quote(str(path))}, {quote(json.dumps(APPEND))})", "importer").error
    assert (failure.sqlstate, failure.message) == ("54000", 'rows of table "t" break index "j" of "public"."t"')
    assert failure.detail.endswith("The longest value is that of rowid 1.")
    assert failure.hint.startswith('Set plan.tables.t.where to "rowid NOT IN (1)" to leave out the rows whose values may be too long.')
    fixed = {**APPEND, "tables": {"t": {"where": "rowid NOT IN (1)"}}}
    assert not t.attempt(f"SELECT * FROM sqlite_import({quote(str(path))}, {quote(json.dumps(fixed))})", "importer").error


def test_keys_of_more_than_32_columns(t):
    names = ", ".join(f"c{n}" for n in range(40))
    path = t.file("a.db", f"CREATE TABLE t ({columns(40, 'INTEGER')}, PRIMARY KEY ({names}), UNIQUE ({', '.join(reversed(names.split(', ')))})); CREATE INDEX i ON t ({names})")
    found = {f["object"]: f["message"] for f in t.findings(path) if f["kind"] == "left_out"}
    assert found["primary key of t"] == "is left out: PostgreSQL allows at most 32 columns"
    assert found["index i"] == "is left out: it has 40 columns, PostgreSQL allows 1 to 32"
    assert len(found) == 3
    assert t.import_(path)["t"]["status"] == "loaded"


# What was not tried


def test_rows_and_entries_that_were_not_profiled(t):
    path = t.file("a.db", f"CREATE TABLE t (id INTEGER PRIMARY KEY, a TEXT); CREATE INDEX i ON t (a); INSERT INTO t VALUES (1, 'x'), (7, '{noise(3000)}')")
    failure = t.import_fails(path, {"profile": "none"}, "54000", 'rows of table "t" break index "i" of "public"."t"', hint='Set plan.profile to "full"')
    assert failure.result.detail.endswith("The longest value is that of rowid 7.")
    path = t.file("b.db", f"CREATE TABLE w ({columns(1100, 'INTEGER')}); INSERT INTO w VALUES ({', '.join(['1'] * 1100)})")
    failure = t.import_fails(path, {"profile": "none"}, "54000", "row is too big", hint='Set plan.profile to "full"')
    assert failure.result.detail == 'A row of table "w" was to be written.'


@pytest.mark.parametrize("plan", [APPEND, {**APPEND, "constraints": "keep"}])
def test_an_index_of_an_existing_table_that_was_not_tried(t, plan):
    path = t.file("a.db", f"CREATE TABLE t (a TEXT); INSERT INTO t VALUES ('{noise(3000)}')")
    t.sql("CREATE TABLE t (a text); CREATE INDEX i ON t (a)")
    t.import_fails(path, {**plan, "profile": "none"}, "54000", 'rows of table "t" break index "i" of "public"."t"', hint='Set plan.profile to "full"')
