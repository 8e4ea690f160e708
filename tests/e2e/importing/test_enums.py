"""`enums`: a CHECK that lists the texts of a column becomes an enum type, where nothing is lost by it."""

import pytest

import oracle
from client import fails

ORDERS = """CREATE TABLE orders (id INTEGER PRIMARY KEY, status VARCHAR(10) NOT NULL DEFAULT 'open' CHECK (status IN ('open', 'paid', 'it''s \\ lost', '')),
        kind TEXT CONSTRAINT kinds CHECK ("kind" IS NULL OR kind = 'a' OR kind IN ('ä', 'a')), n INTEGER CHECK (n IN (1, 2)), CHECK (status <> 'paid' OR kind IS NOT NULL));
    CREATE INDEX by_status ON orders (status DESC, n); CREATE UNIQUE INDEX by_kind ON orders (kind);
    INSERT INTO orders VALUES (1, 'open', NULL, 1), (2, 'paid', 'ä', 2), (3, 'it''s \\ lost', 'a', NULL), (4, '', NULL, NULL)"""


def labels(t, name):
    return t.value(f"SELECT string_agg(enumlabel, ',' ORDER BY enumsortorder) FROM pg_enum WHERE enumtypid = '{name}'::regtype")


def test_columns_become_enums(t):
    path = t.file("a.db", ORDERS)
    plan = {"enums": True, "schema": "shop"}
    full = t.plan(path, plan)
    assert t.plan(path, full) == full and full["enums"] is True
    found = {f["object"]: f for f in t.findings(path, plan) if f["kind"] == "enum"}
    assert {f["severity"] for f in found.values()} == {"info"} and sorted(found) == ["orders.kind", "orders.status"]
    assert 'the enum "shop"."orders_status_enum", of the 4 values' in found["orders.status"]["message"]
    t.import_(path, plan)
    assert oracle.compare_file(t, path, full)
    assert t.value("SELECT pg_get_expr(adbin, adrelid) FROM pg_attrdef WHERE adrelid = 'shop.orders'::regclass") == "'open'::shop.orders_status_enum"
    assert (labels(t, "shop.orders_status_enum"), labels(t, "shop.orders_kind_enum")) == ("open,paid,it's \\ lost,", "a,ä")
    # The CHECKs that list are gone, the others hold.
    assert len(t.constraints("orders", "c", "shop").splitlines()) == 2
    with fails("22P02", "invalid input value for enum"):
        t.sql("INSERT INTO shop.orders (status) VALUES ('closed')")
    with fails("23514", "violates check constraint"):
        t.sql("INSERT INTO shop.orders (status) VALUES ('paid')")
    with fails("23505", "by_kind"):
        t.sql("INSERT INTO shop.orders (kind) VALUES ('a')")
    assert t.value("SELECT string_agg(id::text, ' ' ORDER BY status) FROM shop.orders") == "1 2 3 4"


def test_the_same_type_is_used_again(t):
    path = t.file("a.db", ORDERS)
    t.import_(path, {"enums": True})
    again = {"enums": True, "existing_rows": "replace"}
    assert [f["message"] for f in t.findings(path, again) if f["kind"] == "enum" and "which exists" in f["message"]]
    t.import_(path, again)
    assert t.value("SELECT count(*) FROM pg_type WHERE typtype = 'e'") == "2"
    # With other values it is another type, and the table that had the first may be gone.
    other = t.file("b.db", ORDERS.replace("'open', 'paid',", "'paid', 'open',"))
    t.import_(other, again)
    assert t.type_of("orders", "status") == "orders_status_enum_2"
    assert t.type_of("orders", "kind") == "orders_kind_enum"


def test_globs_leave_columns_out(t):
    path = t.file("a.db", ORDERS)
    t.import_(path, {"enums": {"exclude": ["k*"]}})
    assert (t.type_of("orders", "status"), t.type_of("orders", "kind")) == ("orders_status_enum", "text")
    with fails("23514", "kinds"):
        t.sql("INSERT INTO orders (kind) VALUES ('b')")
    with fails("22023", "matches no column with a CHECK that lists its values"):
        t.findings(path, {"enums": {"exclude": ["n"]}})


def test_without_the_check_there_is_nothing_to_make(t):
    path = t.file("a.db", ORDERS)
    t.import_(path, {"enums": True, "checks": {"exclude": ["kinds"]}})
    assert (t.type_of("orders", "status"), t.type_of("orders", "kind")) == ("orders_status_enum", "text")


A = "CREATE TABLE t (id INTEGER PRIMARY KEY, s TEXT CHECK (s IN ('a', 'b'))"


@pytest.mark.parametrize("script,why,plan", [
    ("PRAGMA ignore_check_constraints = ON; " + A + "); INSERT INTO t VALUES (1, 'c')", "1 row breaks it", {"keys": "as_data_allows"}),
    (f"CREATE TABLE t (s TEXT CHECK (s IN ('{'x' * 64}')))", "a value is longer than 63 bytes", {}),
    (A.replace("TEXT", "TEXT DEFAULT 'c'") + ")", "its default 'c' is not among the values", {}),
    (A.replace("TEXT", "TEXT COLLATE NOCASE") + "); INSERT INTO t VALUES (1, 'A')", "it compares by COLLATE NOCASE", {"nocase": "lower"}),
    (A.replace("TEXT", "TEXT COLLATE RTRIM") + "); INSERT INTO t VALUES (1, 'a ')", "it compares by COLLATE RTRIM", {}),
    (A + ", g TEXT AS (s || 'x') STORED); INSERT INTO t VALUES (1, 'a')", 'generated column "g" reads it', {}),
    (A + "); CREATE INDEX i ON t (id) WHERE S = 'a'; INSERT INTO t VALUES (1, 'a')", 'index "i" reads its text', {}),
    (A + "); CREATE INDEX i ON t (lower(s)); INSERT INTO t VALUES (1, 'a')", 'index "i" reads its text', {}),
    (A + "); CREATE INDEX i ON t (s COLLATE NOCASE); INSERT INTO t VALUES (1, 'a')", 'index "i" reads its text', {}),
    ("CREATE TABLE p (k TEXT PRIMARY KEY); " + A + " REFERENCES p); INSERT INTO p VALUES ('a'); INSERT INTO t VALUES (1, 'a')", "a foreign key has it", {}),
    (A + " UNIQUE); CREATE TABLE c (s TEXT REFERENCES t (s)); INSERT INTO t VALUES (1, 'a'); INSERT INTO c VALUES ('a')", "a foreign key points to it", {}),
    (A + "); INSERT INTO t VALUES (1, 'a')", "its values are those of an expression", {"tables": {"t": {"columns": {"s": {"using": "trim(s)"}}}}, "keys": "as_data_allows"}),
])
def test_a_column_that_stays_text(t, script, why, plan):
    path = t.file("a.db", script)
    plan = {"enums": True, **plan}
    found, = [f for f in t.findings(path, plan) if f["kind"] == "enum"]
    assert found["severity"] == "warning" and why in found["message"], found
    t.import_(path, plan)
    assert t.value("SELECT count(*) FROM pg_type WHERE typtype = 'e'") == "0"
    assert t.value("SELECT count(*) FROM pg_constraint WHERE conrelid = 't'::regclass AND contype = 'c'") == "1"
    # As the hint says.
    assert found["fix"] == {"tables": {"t": {"enums": {"exclude": ["s"]}}}} and found["hint"].endswith(" if it is to stay so.")
    assert not [f for f in t.findings(path, t.merged(plan, found["fix"])) if f["kind"] == "enum"]


def test_one_fix_leaves_all_columns_of_a_table_out(t):
    """What is left out already stays out, and a name is no glob."""
    path = t.file("a.db", """CREATE TABLE t (id INTEGER PRIMARY KEY, "a""[b]*" TEXT DEFAULT 'x' CHECK ("a""[b]*" IN ('a')), c TEXT DEFAULT 'x' CHECK (C IN ('a')), d TEXT CHECK (d IN ('a')),
        e TEXT CHECK (e IN ('a')))""")
    plan = {"enums": {"exclude": ["D"]}}
    found = [f for f in t.findings(path, plan) if f["kind"] == "enum" and f["severity"] == "warning"]
    assert [f["object"] for f in found] == ['t.a"[b]*', "t.c"]
    first, second = (t.merged(plan, f["fix"]) for f in found)
    assert first == second
    assert [(f["severity"], f["object"]) for f in t.findings(path, first) if f["kind"] == "enum"] == [("info", "t.e")]


def test_a_value_that_sqlite_keeps_as_a_number(t):
    """STRING has the affinity NUMERIC: '01' is stored as 1, which is none of the enum's values."""
    path = t.file("a.db", "CREATE TABLE t (id INTEGER PRIMARY KEY, s STRING CHECK (s IN ('01', 'a'))); INSERT INTO t VALUES (1, '01'), (2, 'a')")
    plan = {"enums": True, "checks": True, "keys": "as_data_allows"}
    found, = [f for f in t.findings(path, plan) if f["kind"] == "enum"]
    assert "SQLite keeps a value as a number" in found["message"]


@pytest.mark.parametrize("taken", ["CREATE TYPE t_s_enum AS (a int)", "CREATE DOMAIN t_s_enum AS text", "CREATE TABLE t_s_enum (a int)", "CREATE TYPE t_s_enum AS ENUM ('b', 'a')",
                                   "CREATE TYPE t_s_enum AS RANGE (subtype = float8)", "CREATE TYPE t_s_enum", "CREATE DOMAIN t_s_enum AS int[]"])
def test_a_name_that_is_taken(t, taken):
    t.sql(taken)
    path = t.file("a.db", A + "); INSERT INTO t VALUES (1, 'b')")
    t.import_(path, {"enums": True})
    assert t.type_of("t", "s") == "t_s_enum_2"
    assert t.value("SELECT s FROM t") == "b"


def test_a_type_that_the_caller_may_not_use(t):
    role = t.role("mover", "pg_read_server_files", "ALL ON SCHEMA public")
    t.sql("CREATE TYPE t_s_enum AS ENUM ('a', 'b'); REVOKE USAGE ON TYPE t_s_enum FROM public")
    path = t.file("a.db", A + "); INSERT INTO t VALUES (1, 'b')")
    t.sql(f"SELECT sqlite_import('{path}', '{{\"enums\": true}}')", user=role)
    assert t.type_of("t", "s") == "t_s_enum_2"


def test_a_value_that_the_database_s_encoding_lacks(t):
    name = t.other_database("latin1", "ENCODING 'LATIN1' LOCALE 'C' TEMPLATE template0")
    path = t.file("a.db", A.replace("'b'", "'\u20ac'") + "); INSERT INTO t VALUES (1, 'a'); CREATE TABLE u (n INTEGER PRIMARY KEY)")
    run = lambda plan: t.server.attempt(name, t.call("sqlite_import", path, plan))  # noqa: E731
    run({"enums": True}).failed("22P05", "an enum has characters that the database.s encoding LATIN1 lacks", r'Set plan\.tables\.t\.enums to false')
    status = {row[1]: row[9] for row in run({"enums": True, "on_error": "continue"}).rows}
    assert status == {"t": "failed", "u": "loaded"}
    assert not run({"tables": {"t": {"enums": False}}, "enums": True, "existing_rows": "replace"}).error


def test_rows_that_break_the_check_are_seen_without_a_profile(t):
    path = t.file("a.db", "PRAGMA ignore_check_constraints = ON; " + A + "); INSERT INTO t VALUES (1, 'c')")
    found = [f["message"] for f in t.findings(path, {"enums": True, "profile": "none"}) if f["kind"] == "enum"]
    assert found and "1 row breaks it" in found[0]


def test_an_application_s_schema_has_one(t):
    """TypeORM's own schema has an enum there: the finding has the plan."""
    path = t.file("a.db", """CREATE TABLE "users" ("id" integer PRIMARY KEY AUTOINCREMENT NOT NULL, "status" varchar CHECK( "status" IN ('active','invited') ) NOT NULL DEFAULT ('active'),
        CONSTRAINT "UQ_648e3f5447f725579d7d4ffdfb7" UNIQUE ("id")); INSERT INTO users VALUES (1, 'invited')""")
    found, = [f for f in t.findings(path) if f["kind"] == "untold"]
    assert found["fix"] == {"tables": {"users": {"enums": True}}}
    t.import_(path, found["fix"])
    assert t.type_of("users", "status") == "users_status_enum"
    assert not [f for f in t.findings(path, found["fix"]) if f["kind"] == "untold"]


@pytest.mark.parametrize("column,plan", [("varchar COLLATE NOCASE", {}), ("varchar DEFAULT 'c'", {}), ("varchar REFERENCES p", {}), ("varchar", {"enums": {"exclude": ["s"]}}), ("STRING", {})])
def test_no_enum_is_offered_that_cannot_be_made_or_is_not_wanted(t, column, plan):
    path = t.file("a.db", f"CREATE TABLE p (k varchar PRIMARY KEY); CREATE TABLE t (id integer PRIMARY KEY AUTOINCREMENT NOT NULL, s {column} CHECK (s IN ('01', 'b')))")
    plan = {"orm": "typeorm", **plan}
    assert not [f for f in t.findings(path, plan) if f["kind"] == "untold"]
    if column != "varchar":
        assert [f["severity"] for f in t.findings(path, {**plan, "enums": True}) if f["kind"] == "enum"] == ["warning"]
