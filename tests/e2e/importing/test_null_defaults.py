"""null_to_default: NULL for an existing NOT NULL column becomes the column's default."""

from test_remedies import blocking, check_all

SOURCE = """CREATE TABLE u (id INTEGER PRIMARY KEY, role TEXT, made DATETIME, n INTEGER, bio TEXT);
    INSERT INTO u VALUES (1, 'admin', '2024-01-01 00:00:00', 7, NULL), (2, NULL, NULL, NULL, NULL), (3, NULL, '2024-01-02 00:00:00', NULL, 'x');"""
TARGET = """CREATE SEQUENCE numbers START 100;
    CREATE FUNCTION guess() RETURNS text LANGUAGE sql AS $$SELECT 'guest'$$;
    CREATE TABLE u (id bigint PRIMARY KEY, role text NOT NULL DEFAULT guess(), made timestamptz NOT NULL DEFAULT '2000-01-01 00:00:00+00',
        n int NOT NULL DEFAULT nextval('numbers'), bio text)"""


def test_the_fix_gives_null_its_default(t):
    t.sql(TARGET)
    path = t.file("u.db", SOURCE)
    plan = {"create": "never"}
    found = blocking(t.findings(path, plan))
    assert {f["object"]: f["fix"] for f in found} == {
        f"u.{column}": {"tables": {"u": {"columns": {column: {"null_to_default": True}}}}} for column in ("role", "made", "n")}, found
    check_all(t, path, plan)
    t.sql("ALTER SEQUENCE numbers RESTART")
    row = t.import_(path, t.merged(plan, *(f["fix"] for f in found)))["u"]
    assert row["imported"] == 3, row
    for text in ['2 NULLs became the default of "role"', '1 NULL became the default of "made"', '2 NULLs became the default of "n"']:
        assert text in row["detail"], row
    assert t.shown("SELECT id, role, made, n, bio FROM u ORDER BY id").split("\n") == [
        "1|admin|2024-01-01 00:00:00+00|7|", "2|guest|2000-01-01 00:00:00+00|100|", "3|guest|2024-01-02 00:00:00+00|101|x"]


def test_a_table_s_word_and_a_column_s(t):
    t.sql(TARGET)
    path = t.file("u.db", SOURCE)
    plan = {"create": "never", "tables": {"u": {"null_to_default": True, "columns": {"n": {"null_to_default": False}}}}}
    stopping, = blocking(t.findings(path, plan))
    assert stopping["object"] == "u.n", stopping
    plan["tables"]["u"]["columns"]["n"] = {"on_invalid": "reject"}
    assert not blocking(t.findings(path, plan)), "the table's word is enough"
    printed = t.plan(path, plan)
    assert printed["tables"]["u"]["null_to_default"] is True and t.plan(path, printed) == printed
    assert t.import_(path, plan)["u"]["imported"] == 3


def test_with_null_values_and_what_does_not_fit(t):
    t.sql(TARGET)
    path = t.file("u.db", SOURCE + "UPDATE u SET made = '' WHERE id = 2; UPDATE u SET n = 'many' WHERE id = 3;")
    plan = {"create": "never", "null_values": [""], "on_invalid": "null", "tables": {"u": {"null_to_default": True}}}
    assert not blocking(t.findings(path, plan))
    assert t.import_(path, plan)["u"]["imported"] == 3
    assert t.shown("SELECT made, n FROM u WHERE id > 1 ORDER BY id").split("\n") == ["2000-01-01 00:00:00+00|100", "2024-01-02 00:00:00+00|101"]


def test_functions_of_the_default_are_those_that_it_names(t):
    t.sql(TARGET + """; CREATE SCHEMA own; CREATE FUNCTION own.guess() RETURNS text LANGUAGE sql AS $$SELECT 'own'$$;
        CREATE FUNCTION own.nextval(regclass) RETURNS bigint LANGUAGE sql AS $$SELECT 0$$""")
    path = t.file("u.db", SOURCE)
    s = t.session()
    s.run("SET search_path = own, public, pg_catalog")
    s.run(t.call("sqlite_import", path, {"create": "never", "tables": {"u": {"null_to_default": True}}}))
    assert t.value("SELECT string_agg(DISTINCT role, ',' ORDER BY role) || min(n) FROM public.u") == "admin,guest7"


def test_a_new_table_has_no_default_to_give(t):
    path = t.file("u.db", SOURCE)
    ignored = [f for f in t.findings(path, {"tables": {"u": {"null_to_default": True}}}) if f["kind"] == "no_effect"]
    assert [f["object"] for f in ignored] == ["u"] and "null_to_default" in ignored[0]["message"], ignored


def test_a_default_of_another_type_is_cast_as_an_insert_casts_it(t):
    t.sql("""CREATE TABLE u (id bigint PRIMARY KEY, role varchar(5) NOT NULL DEFAULT 12345, made text NOT NULL DEFAULT clock_timestamp(),
        n int NOT NULL DEFAULT 7.6, bio text)""")
    path = t.file("u.db", SOURCE)
    plan = {"create": "never", "tables": {"u": {"null_to_default": True}}}
    t.import_(path, plan)
    assert t.shown("SELECT role, length(made) > 9, n FROM u ORDER BY id").split() == ["admin|t|7", "12345|t|8", "12345|t|8"]
    t.sql("TRUNCATE u; ALTER TABLE u ALTER role SET DEFAULT 123456")
    t.import_fails(path, plan, ("22001",), "value too long for type character varying")
