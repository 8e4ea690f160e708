"""Unique keys whose values are different in SQLite and equal once they are converted: found before the load."""

import json

import pytest

from harness import quote, shared

APPEND = {"create": "never", "existing_rows": "append"}
UUID = "3f2504e0-4f89-41d3-9a0c-0305e82c3301"


def duplicates(t, path, plan=None):
    return [f for f in t.findings(path, plan) if f["kind"] == "duplicate_key"]


def follow(t, path, plan=None):
    fixes = [f["fix"] for f in t.findings(path, plan) if f["severity"] == "blocking"]
    assert fixes and None not in fixes
    patches = ", ".join(f"{quote(json.dumps(fix))}::jsonb" for fix in fixes)
    return t.import_(path, json.loads(t.value(f"SELECT sqlite_plan_merge({quote(json.dumps(plan or {}))}, {patches})")))


def test_one_instant_and_one_uuid_spelled_twice(t):
    path = t.file("a.db", shared("cases", "51-dup-and-null-pk.sql").read_text())
    found = {f["object"]: f for f in duplicates(t, path)}
    assert found["primary key of ts"]["message"] == "1 group of rows has one value as timestamp with time zone (rowid 1 and rowid 2)"
    assert found["unique constraint on uu(u)"]["message"] == "1 group of rows has one value as uuid (rowid 1 and rowid 2)"
    assert {f["severity"] for f in found.values()} == {"blocking"}
    result = follow(t, path)
    assert [result[name]["imported"] for name in ("wo", "ts", "uu")] == [3, 2, 2]


@pytest.mark.parametrize("declared, plan, one, other", [
    ("UUID", {}, f"'{UUID}'", f"'{{{UUID.upper()}}}'"),
    ("UUID", {}, f"'{UUID}'", f"x'{UUID.replace('-', '')}'"),
    ("DATETIME", {}, "'2024-01-01 00:00:00Z'", "'2024-01-01 01:00:00+01:00'"),
    ("DATETIME", {}, "'2024-01-01 00:00:00'", "'2024-01-01 00:00'"),
    ("DATETIME", {}, "'2024-01-01 00:00:00Z'", "1704067200"),
    ("DATETIME", {"timezone": "Europe/Berlin", "types": {"DATETIME": "timestamptz"}}, "'2024-03-31 02:30:00'", "'2024-03-31 03:30:00'"),
    ("DATETIME", {"excess": "round"}, "'2024-01-01 00:00:00.1234561'", "'2024-01-01 00:00:00.1234562'"),
    ("TEXT", {"type": "numeric"}, "'1.5'", "'1.50'"),
    ("TEXT", {"type": "double precision"}, "'1.5'", "'1.50'"),
    ("TEXT", {"type": "boolean"}, "'t'", "'true'"),
    ("TEXT", {"type": "date"}, "'2024-01-01'", "'2024-01-01 00:00:00'"),
    ("TEXT", {"type": "bytea", "format": "hex"}, "'ab'", "'AB'"),
    ("TEXT", {"type": "varchar(3)", "excess": "truncate"}, "'abcd'", "'abce'"),
    ("", {"type": "text"}, "'1'", "1"),
    ("BLOB", {"type": "bytea"}, "'ab'", "x'6162'"),
])
@pytest.mark.parametrize("key", ["v {0} PRIMARY KEY", "id INTEGER PRIMARY KEY, v {0} UNIQUE", "v {0}, UNIQUE (v)"])
def test_every_type(t, declared, plan, one, other, key):
    """PostgreSQL refuses each of these once loaded; the finding is there before."""
    column = {key: plan[key] for key in plan if key in ("type", "format", "excess")}
    plan = {key: plan[key] for key in plan if key not in column}
    plan["tables"] = {"t": {"columns": {"v": column}}}
    path = t.file("a.db", f"CREATE TABLE t ({key.format(declared)}); INSERT INTO t (v) VALUES ({one}), ({other})")
    [finding] = duplicates(t, path, plan)
    assert finding["severity"] == "blocking" and "(rowid 1 and rowid 2)" in finding["message"], finding
    assert follow(t, path, plan)["t"]["imported"] == 2
    values = t.value("SELECT count(DISTINCT v) FROM t")
    assert values == "1", "they are one value"


def test_keys_of_several_columns_partial_indexes_and_rows_left_out(t):
    path = t.file("a.db", f"""CREATE TABLE t (id INTEGER PRIMARY KEY, u UUID, n INTEGER, UNIQUE (u, n)); CREATE UNIQUE INDEX i ON t (u) WHERE n > 1;
        INSERT INTO t VALUES (3, '{UUID}', 1), (4, '{UUID.upper()}', 2), (5, '{UUID.replace('-', '')}', 3), (6, NULL, 3), (7, NULL, 3)""")
    [finding] = duplicates(t, path)
    assert finding["object"] == "index i" and finding["message"].endswith("(rowid 4 and rowid 5)"), "u and n are different rows"
    assert duplicates(t, path, {"tables": {"t": {"where": "id <> 4"}}}) == []
    follow(t, path)
    assert t.value("SELECT indexdef FROM pg_indexes WHERE indexname = 'i'") == "CREATE INDEX i ON public.t USING btree (u) WHERE (n > 1)"


def test_texts_that_the_plan_reads_otherwise(t):
    """Two texts that are one in another encoding, or without NUL characters."""
    path = t.file("a.db", """CREATE TABLE t (k TEXT PRIMARY KEY, u TEXT UNIQUE);
        INSERT INTO t VALUES ('Löwe', 'a' || char(0)), (CAST(x'4cf67765' AS TEXT), 'a')""")
    plan = {"text_encoding": "latin1", "nul": "strip"}
    assert sorted(f["object"] for f in duplicates(t, path, plan)) == ["primary key of t", "unique constraint on t(u)"]
    follow(t, path, plan)
    assert t.value("SELECT count(*) || ' ' || count(DISTINCT k) || ' ' || count(DISTINCT u) FROM t") == "2 1 1"


def test_expressions_and_conditions_that_name_the_table(t):
    path = t.file("a.db", f"CREATE TABLE visits (id INTEGER PRIMARY KEY, u UUID UNIQUE); INSERT INTO visits VALUES (1, ' {UUID}'), (2, '{UUID.upper()} ')")
    plan = {"tables": {"visits": {"where": "visits.id > 0", "columns": {"u": {"using": "trim(visits.u)"}}}}}
    [finding] = duplicates(t, path, plan)
    assert "(rowid 1 and rowid 2)" in finding["message"]
    assert follow(t, path, plan)["visits"]["imported"] == 2


def test_different_values_stay_unique(t):
    path = t.file("a.db", f"""CREATE TABLE t (at DATETIME PRIMARY KEY, u UUID UNIQUE);
        INSERT INTO t VALUES ('2024-01-01 00:00:00Z', '{UUID}'), ('2024-01-01T00:00:01Z', '{UUID.upper().replace('3', '4')}')""")
    assert duplicates(t, path) == []
    t.import_(path)
    assert (t.constraints("t", "p"), t.constraints("t", "u")) == ("PRIMARY KEY (at)", "UNIQUE (u)")


def test_keys_of_existing_tables(t):
    t.needs("citext")
    t.sql("CREATE EXTENSION citext")
    path = t.file("a.db", f"CREATE TABLE t (id INTEGER PRIMARY KEY, v TEXT); INSERT INTO t VALUES (1, '{UUID}'), (2, '{UUID.upper()}'), (3, '{UUID.replace('3', '4')}')")
    for pg_type in ("uuid", "public.citext"):
        t.sql(f"DROP TABLE IF EXISTS t; CREATE TABLE t (id bigint PRIMARY KEY, v {pg_type} UNIQUE)")
        [finding] = duplicates(t, path, APPEND)
        assert (finding["object"], finding["message"]) == ("key t_v_key of public.t", f"1 group of rows has one value as {pg_type} (rowid 1 and rowid 2)")
        assert finding["fix"] == {"tables": {"t": {"where": "rowid NOT IN (2)"}}}
        follow(t, path, APPEND)
        assert t.value("SELECT string_agg(id::text, ' ' ORDER BY id) FROM t") == "1 3"


def test_rows_without_rowids(t):
    path = t.file("a.db", f"CREATE TABLE t (u UUID PRIMARY KEY) WITHOUT ROWID; INSERT INTO t VALUES ('{UUID}'), ('{UUID.upper()}')")
    [finding] = duplicates(t, path)
    assert finding["message"] == f"1 group of rows has one value as uuid (('{UUID.upper()}') and ('{UUID}'))"


# What only the server finds


def test_keys_that_were_not_profiled(t):
    path = t.file("a.db", f"CREATE TABLE t (id INTEGER PRIMARY KEY, u UUID UNIQUE); INSERT INTO t VALUES (4, '{UUID}'), (6, 'x'), (7, '{UUID.upper()}')")
    plan = {"profile": "none", "tables": {"t": {"where": "id <> 6", "columns": {"u": {"type": "uuid"}}}}}
    failure = t.import_fails(path, plan, "23505", 'rows of table "t" break constraint "t_u_key" of "public"."t"', hint='Set plan.profile to "full"')
    assert "is duplicated. The first of them are rowid 4 and rowid 7." in failure.result.detail
    [finding] = duplicates(t, path, {**plan, "profile": "full"})
    assert "(rowid 4 and rowid 7)" in finding["message"]
    path = t.file("b.db", f"CREATE TABLE b (u UUID); CREATE UNIQUE INDEX i ON b (u); INSERT INTO b VALUES ('{UUID}'), ('{UUID.upper()}')")
    failure = t.import_fails(path, {"profile": "none", "on_invalid": "error", "types": {"UUID": "uuid"}}, "23505", 'rows of table "b" break index "i" of "public"."b"')
    assert "rowid 1 and rowid 2" in failure.result.detail


def test_types_whose_equality_only_the_server_knows(t):
    path = t.file("a.db", "CREATE TABLE t (v TEXT UNIQUE); INSERT INTO t VALUES ('1 day'), ('24:00:00')")
    plan = {"tables": {"t": {"columns": {"v": {"type": "interval"}}}}}
    t.import_fails(path, plan, "23505", 'break constraint "t_v_key"', hint='Set plan.tables.t.columns.v.type to "text" to keep the values')
    t.import_(path, {"tables": {"t": {"columns": {"v": {"type": "text"}}}}})
    assert t.value("SELECT count(*) FROM t") == "2"


def test_rows_of_the_file_that_break_a_key_of_an_existing_table(t):
    path = t.file("a.db", "CREATE TABLE t (id INTEGER PRIMARY KEY, v TEXT); INSERT INTO t VALUES (1, 'a'), (2, 'b'), (3, 'a')")
    t.sql("CREATE TABLE t (id bigint PRIMARY KEY, v text UNIQUE)")
    for plan in (APPEND, {**APPEND, "constraints": "keep"}):
        failure = t.import_fails(path, plan, "23505", 'rows of table "t" break a key of "public"."t"')
        assert failure.result.detail.endswith("The first of them are rowid 1 and rowid 3."), failure.result.detail
    t.sql("INSERT INTO t VALUES (9, 'b')")
    path = t.file("b.db", "CREATE TABLE t (id INTEGER PRIMARY KEY, v TEXT); INSERT INTO t VALUES (1, 'a'), (2, 'b')")
    assert "first of them" not in t.import_fails(path, APPEND, "23505", "break a key").result.detail


@pytest.mark.parametrize("made", [
    "CREATE TABLE t (id bigint, v text) PARTITION BY RANGE (id); CREATE TABLE t1 PARTITION OF t FOR VALUES FROM (0) TO (3); CREATE TABLE t2 PARTITION OF t DEFAULT; CREATE UNIQUE INDEX i ON t1 (v)",
    "CREATE TABLE t (id bigint, v text); CREATE UNIQUE INDEX i ON t (lower(v))",
    "CREATE TABLE t (id bigint, v text); CREATE UNIQUE INDEX i ON t (v) WHERE id < 3",
])
def test_rows_that_break_an_index_which_on_conflict_cannot_name(t, made):
    path = t.file("a.db", "CREATE TABLE t (id INTEGER PRIMARY KEY, v TEXT); INSERT INTO t VALUES (1, 'a'), (2, 'a'), (3, 'b')")
    t.sql(made)
    for plan in (APPEND, {**APPEND, "constraints": "keep"}):
        failure = t.import_fails(path, plan, "23505", 'rows of table "t" break a key of "public"."t"', hint="leave all but one of each key out with plan.tables.t.where")
        assert '"i"' in failure.result.detail and "first of them" not in failure.result.detail
    assert t.import_(path, {**APPEND, "tables": {"t": {"where": "id <> 2"}}})["t"]["imported"] == 2


def test_two_rows_of_the_file_for_one_existing_row(t):
    """The hint is not what the plan says already, and works."""
    update = {**APPEND, "on_conflict": "update"}
    path = t.file("a.db", "CREATE TABLE t (k INTEGER, v TEXT); INSERT INTO t VALUES (1, 'a'), (2, 'b'), (1, 'c')")
    t.sql("CREATE TABLE t (k bigint PRIMARY KEY, v text, w int UNIQUE)")
    failure = t.import_fails(path, update, "21000", 'rows of table "t" break a key of "public"."t"', hint="to load the first row of each key, or plan.tables.t.on_conflict to")
    assert failure.result.detail.endswith("The first of them are rowid 1 and rowid 3.")
    patch = json.loads(failure.result.hint.split("As a plan: ")[1])
    t.import_(path, {**update, **patch})
    assert t.value("SELECT string_agg(v, '' ORDER BY k) FROM t") == "ab"
    path = t.file("b.db", "CREATE TABLE t (v TEXT PRIMARY KEY) WITHOUT ROWID; INSERT INTO t VALUES ('1 day'), ('24:00:00')")
    t.sql("DROP TABLE t; CREATE TABLE t (v interval PRIMARY KEY, n int)")
    assert t.import_(path, update)["t"]["skipped"] == 1, "there is nothing to update"


def test_a_check_that_means_something_else_in_postgresql(t):
    path = t.file("a.db", """CREATE TABLE t (id INTEGER PRIMARY KEY, at DATETIME CONSTRAINT never CHECK (at <> '2024-01-01T00:00:00'));
        INSERT INTO t VALUES (4, '2024-02-01 00:00:00'), (5, '2024-01-01 00:00:00')""")
    failure = t.import_fails(path, {}, "23514", 'rows of table "t" break check "never" of "public"."t"', hint="Set plan.tables.t.checks to false")
    assert failure.result.detail.endswith("The first of them is rowid 5.")
    assert t.import_(path, {"tables": {"t": {"checks": False}}})["t"]["imported"] == 2


def test_errors_of_a_run_that_goes_on_name_the_rows(t):
    path = t.file("a.db", "CREATE TABLE t (v TEXT UNIQUE); INSERT INTO t VALUES ('1 day'), ('24:00:00')")
    result = t.import_(path, {"on_error": "continue", "tables": {"t": {"columns": {"v": {"type": "interval"}}}}})
    assert result["t"]["imported"] == 2 and 'break constraint "t_v_key"' in result["t"]["detail"]
