"""`on_conflict: "skip"`: a row that is left out because its key is there has to be the row that is there."""

import re

import pytest

from harness import ident, shared

SKIP = {"create": "never", "on_conflict": "skip"}
TAKEN = "23505"

DJANGO = """
CREATE TABLE django_content_type (id int PRIMARY KEY, app_label varchar(100) NOT NULL, model varchar(100) NOT NULL, UNIQUE (app_label, model));
CREATE TABLE auth_permission (id int PRIMARY KEY, content_type_id int NOT NULL REFERENCES django_content_type, codename varchar(100) NOT NULL,
    UNIQUE (content_type_id, codename));
"""
DJANGO_FILE = DJANGO.replace(" int PRIMARY", " INTEGER PRIMARY") + """
INSERT INTO django_content_type VALUES (1, 'admin', 'logentry'), (2, 'auth', 'permission'), (3, 'shop', 'order');
INSERT INTO auth_permission VALUES (1, 1, 'add_logentry'), (2, 2, 'add_permission'), (3, 3, 'add_order');
"""


def warnings(t, path, plan):
    """What an import that works has warned of: message by object, from the run's log."""
    t.import_(path, plan)
    return {row["object"]: row["message"] for row in t.rows(
        "SELECT object, message FROM sqlite_migrate.finding WHERE severity = 'warning' AND run = (SELECT max(id) FROM sqlite_migrate.run)")}


def follow(t, path, plan, hint):
    """The plans that a hint leads to, by the key that each sets; `where` leaves out what the error is about."""
    plans = {}
    for key, value in re.findall(r'(plan\.\S+) to (?:"(\w+)"|leave)', hint):
        *names, last = key.split(".")[1:]
        changed = {**plan, "tables": {**plan.get("tables", {})}}
        value = value or "id NOT IN (1, 2)"
        if names:
            changed["tables"][names[1]] = {**changed["tables"].get(names[1], {}), last: value}
        else:
            changed[last] = value
        plans[last] = changed
    return plans


def works(t, path, plan):
    """Imports in a transaction that is rolled back; what `probe` says inside it."""
    session = t.session()
    session.run("BEGIN")
    session.run(t.call("sqlite_import", path, plan))
    return session


def test_seed_rows_of_an_orm(t):
    """The file's account 1 is a guest: nothing may make it an admin in silence."""
    t.sql(shared("orms", "seed-rows.pg.sql").read_text())
    path = t.file("seed.db", shared("orms", "seed-rows.sql").read_text())
    failed = t.import_fails(path, SKIP, TAKEN, "have the same key as different rows", hint="truncate")
    assert failed.message == 'rows of table "role" have the same key as different rows in "public"."role"', failed.message
    assert failed.detail == '2 rows, the first of them: ("id") = (1) has (name) = (admin) in the file and (guest) in the table.', failed.detail
    assert t.value("SELECT string_agg(id || name, ' ' ORDER BY id) FROM role") == "1guest 2admin"
    assert t.value("SELECT count(*) FROM account") == "0"
    # Each name is taken by the other row: an update could not be followed, and is not advised.
    plans = follow(t, path, SKIP, failed.hint)
    assert set(plans) == {"match", "existing_rows", "where"}, failed.hint
    for key, roles in (("match", "1guest 2admin"), ("existing_rows", "1admin 2guest"), ("where", "1guest 2admin")):
        session = works(t, path, plans[key])
        assert session.value("SELECT string_agg(id || name, ' ' ORDER BY id) FROM role") == roles
        session.close()


def test_a_name_that_nobody_has_can_be_given(t):
    t.sql("CREATE TABLE role (id int PRIMARY KEY, name text UNIQUE); INSERT INTO role VALUES (1, 'guest'), (2, 'admin')")
    path = t.file("seed.db", "CREATE TABLE role (id INTEGER PRIMARY KEY, name TEXT UNIQUE);"
                             "INSERT INTO role VALUES (1, 'guest'), (2, 'editor'), (3, 'new');")
    failed = t.import_fails(path, SKIP, TAKEN, r"^rows of.*\n1 row, the first of them: \(\"id\"\) = \(2\) has \(name\) = \(editor\)")
    plans = follow(t, path, SKIP, failed.hint)
    assert set(plans) == {"on_conflict", "existing_rows", "where"}, failed.hint
    expected = {"on_conflict": "1guest 2editor 3new", "existing_rows": "1guest 2editor 3new", "where": "1guest 2admin 3new"}
    for key, roles in expected.items():
        session = works(t, path, plans[key])
        assert session.value("SELECT string_agg(id || name, ' ' ORDER BY id) FROM role") == roles, key
        session.close()


def test_content_types_and_permissions_of_django(t):
    """`migrate` has numbered the content types in another order than the file."""
    t.sql(DJANGO + "INSERT INTO django_content_type VALUES (1, 'admin', 'logentry'), (2, 'shop', 'order'), (3, 'auth', 'permission');"
                   "INSERT INTO auth_permission VALUES (1, 1, 'add_logentry'), (2, 2, 'add_order'), (3, 3, 'add_permission')")
    path = t.file("django.db", DJANGO_FILE)
    t.import_fails(path, SKIP, TAKEN, r'"django_content_type"(.|\n)*\(app_label, model\) = \(auth,permission\) in the file and \(shop,order\)')
    # The permissions alone tell it as well.
    t.import_fails(path, {**SKIP, "include": ["auth_permission"]}, TAKEN, r'"auth_permission"(.|\n)*add_permission')
    # Numbered alike, they are the same rows.
    t.sql("TRUNCATE auth_permission, django_content_type; INSERT INTO django_content_type VALUES (1, 'admin', 'logentry'), (2, 'auth', 'permission')")
    assert warnings(t, path, SKIP) == {}
    again = t.import_(path, SKIP)
    assert {row["table"]: row["skipped"] for row in again.values()} == {"django_content_type": 3, "auth_permission": 3}


def test_by_another_key_the_numbers_count_where_they_are_used(t):
    """Skipping by name gives the file's children another row's parent, if anything points to the numbers."""
    plan = {**SKIP, "tables": {"role": {"conflict_target": "role_name_key"}}}
    t.sql(shared("orms", "seed-rows.pg.sql").read_text())
    path = t.file("seed.db", shared("orms", "seed-rows.sql").read_text())
    failed = t.import_fails(path, plan, TAKEN, r'\("name"\) = \(admin\) has \(id\) = \(1\) in the file and \(2\) in the table')
    assert "update" not in failed.hint, failed.hint
    lonely = t.file("lonely.db", shared("orms", "seed-rows.sql").read_text().split("CREATE TABLE account")[0])
    t.sql("DROP TABLE account")
    found = warnings(t, lonely, plan)
    assert found == {"role": '2 rows are skipped and differ from the row with the same key in "public"."role":'
                             ' ("name") = (admin) has ("id") = (1) in the file and (2) in the table'}, found


# Columns, index, a key in the file, another spelling of the same key, another key, and what of the server it takes.
KEYS = {
    "expression": ("email text", "CREATE UNIQUE INDEX ON p (lower(email))", "'Ann@x'", "'ann@X'", "'bob@x'", []),
    "partial": ("email text, live int", "CREATE UNIQUE INDEX ON p (email) WHERE live = 1", "'ann', 1", "'bob', 0", "'bob', 1", []),
    "citext": ("email public.citext", "CREATE UNIQUE INDEX ON p (email)", "'Ann'", "'ANN'", "'bob'", ["citext"]),
    "collation": ('email text', 'CREATE COLLATION public.ci (provider = icu, locale = \'und-u-ks-level2\', deterministic = false);'
                  'CREATE UNIQUE INDEX ON p (email COLLATE public.ci)', "'Ann'", "'ANN'", "'bob'", ["icu"]),
    "two": ("a int, b int", "ALTER TABLE p ADD UNIQUE (a, b)", "1, 2", "1, 2", "1, 3", []),
    "null": ("a int, b int", "ALTER TABLE p ADD UNIQUE (a, b)", "1, NULL", "2, NULL", "1, 3", []),
}


@pytest.mark.parametrize("name", KEYS)
def test_what_a_key_is_its_index_says(t, name):
    """The key in the file and its other spelling are one row, the third is not."""
    columns, index, came, same, other, needs = KEYS[name]
    t.needs(*needs)
    t.sql("".join(f"CREATE EXTENSION {extension} SCHEMA public;" for extension in needs if extension != "icu"))
    plain = columns.replace("public.citext", "text")
    path = t.file("p.db", f"CREATE TABLE p (id INTEGER PRIMARY KEY, {plain}); INSERT INTO p VALUES (1, {came}), (2, NULL{', NULL' * came.count(',')});")
    t.sql(f"CREATE TABLE p (id int PRIMARY KEY, {columns}); {index}; INSERT INTO p VALUES (1, {same})")
    assert ("p" in warnings(t, path, SKIP)) == (came != same)
    t.sql(f"DELETE FROM p; INSERT INTO p VALUES (1, {other})")
    if name == "null":
        assert "p" in warnings(t, path, SKIP), "a key with a NULL in it tells no rows apart"
    else:
        t.import_fails(path, SKIP, TAKEN, "have the same key as different rows")


TYPES = {
    "json": ("""'{"a": 1}'""", """'{"a":2}'"""), "point": ("'(1,2)'", "'(1,3)'"), "xml": ("'<a/>'", "'<b/>'"), "jsonb": ("'[1]'", "'[2]'"),
    "numeric": ("'1.5'", "'1.25'"), "text[]": ("'{a,NULL}'", "'{a,b}'"), "timestamptz": ("'2024-07-01 10:00:00+00:00'", "'2024-07-01 10:00:01+00:00'"),
    "bytea": ("x'00ff'", "x'00fe'"), "text": ("'a'", "NULL"), "double precision": ("0.1", "0.2"), "daterange": ("'[2024-01-02,2024-02-01)'", "'empty'"),
}


@pytest.mark.parametrize("pg_type", TYPES)
def test_other_columns_are_a_warning_whatever_their_type(t, pg_type):
    t.needs(*["xml"] * (pg_type == "xml"))
    first, second = TYPES[pg_type]
    declared = {"bytea": "BLOB", "double precision": "REAL"}.get(pg_type, "TEXT")
    t.sql(f"CREATE TABLE public.p (id int PRIMARY KEY, c {pg_type})")
    file = "CREATE TABLE p (id INTEGER PRIMARY KEY, c {}); INSERT INTO p VALUES (1, {});"
    same = t.file("same.db", file.format(declared, first))
    assert warnings(t, same, SKIP) == {}
    assert warnings(t, same, SKIP) == {}, "the same row again"
    found = warnings(t, t.file("other.db", file.format(declared, second)), SKIP)
    start = '1 row is skipped and differs from the row with the same key in "public"."p": ("id") = (1) has ("c")'
    assert found["p"].startswith(start), found


def test_rows_of_the_file_with_one_key(t):
    """SQLite tells 'a' from 'A', the table does not: the second is left out, and is not always the first."""
    t.needs("citext")
    t.sql("CREATE EXTENSION citext SCHEMA public; CREATE TABLE p (k public.citext PRIMARY KEY, name text, code text UNIQUE)")
    path = t.file("p.db", "CREATE TABLE p (k TEXT PRIMARY KEY, name TEXT, code TEXT); INSERT INTO p VALUES ('a', 'x', NULL), ('A', 'y', NULL), ('b', 'z', 'b');")
    found = warnings(t, path, SKIP)
    assert found == {"p": '1 row is skipped and differs from the row with the same key in the file: ("k") = (A) has ("k", "name") = (A,y)'
                          ' in the file and (a,x) in an earlier row'}, found
    t.sql("TRUNCATE p")
    path = t.file("p.db", "CREATE TABLE p (k TEXT PRIMARY KEY, name TEXT, code TEXT); INSERT INTO p VALUES ('a', 'x', '1'), ('A', 'x', '2');")
    for there in ("", "INSERT INTO p VALUES ('c', 'c', 'c')"):
        t.sql(there or "SELECT 1")
        failed = t.import_fails(path, SKIP, TAKEN, r"have the same key as different rows in the file(.|\n)*\(code\) = \(2\) in the file and \(1\) in an earlier row")
        assert failed.hint == "Correct the rows, or set plan.tables.p.where to leave such rows of the file out.", failed.hint
    assert t.import_(path, {**SKIP, "tables": {"p": {"where": "code <> '2'"}}})["p"]["imported"] == 1


def test_a_run_that_goes_on_leaves_the_table_as_it_was(t):
    t.sql("CREATE TABLE role (id int PRIMARY KEY, name text UNIQUE); INSERT INTO role VALUES (1, 'guest'); CREATE TABLE other (id int PRIMARY KEY)")
    path = t.file("seed.db", "CREATE TABLE role (id INTEGER PRIMARY KEY, name TEXT); INSERT INTO role VALUES (1, 'admin'), (2, 'guest2');"
                             "CREATE TABLE other (id INTEGER PRIMARY KEY); INSERT INTO other VALUES (1);")
    rows = t.import_(path, {**SKIP, "on_error": "continue"})
    assert (rows["role"]["status"], rows["other"]["status"]) == ("failed", "loaded") and "(name) = (admin)" in rows["role"]["detail"], rows
    assert t.value("SELECT string_agg(id || name, ' ') FROM role") == "1guest"


def test_what_the_caller_may_not_see_is_not_compared(t):
    """Row-level security and columns of others: said, and never read."""
    user = t.role("guest", "pg_read_server_files")
    t.sql("CREATE TABLE secret (id int PRIMARY KEY, name text UNIQUE); INSERT INTO secret VALUES (1, 'theirs');"
          "CREATE FUNCTION told() RETURNS boolean LANGUAGE plpgsql AS $$BEGIN RAISE EXCEPTION 'code of the owner'; END$$;"
          f"CREATE TABLE veiled (id int PRIMARY KEY, name text UNIQUE); INSERT INTO veiled VALUES (1, 'theirs');"
          "ALTER TABLE veiled ENABLE ROW LEVEL SECURITY; CREATE POLICY w ON veiled FOR INSERT WITH CHECK (true); CREATE POLICY r ON veiled FOR SELECT USING (id > 0);"
          f"GRANT INSERT, SELECT (id) ON secret TO {ident(user)}; GRANT INSERT, SELECT ON veiled TO {ident(user)}")
    plan = {**SKIP, "verify": "none", "analyze": False}
    for table, why in (("veiled", "row-level security applies to the caller"), ("secret", "the caller may not read the table")):
        path = t.file("s.db", f"CREATE TABLE {table} (id INTEGER PRIMARY KEY, name TEXT); INSERT INTO {table} VALUES (1, 'ours'), (2, 'two');")
        said = t.sql(t.call("sqlite_import", path, plan), user)
        assert f"skipped rows were not compared with the existing rows of the same key: {why}" in said.told, said.told
