"""sqlite_compare: both schemas side by side; and the records of migration tools, which stay the target's own."""

import json

from harness import shared

SHOP = """
CREATE TABLE users (id INTEGER PRIMARY KEY, "fullName" VARCHAR(50) NOT NULL DEFAULT 'x', born DATETIME, tag);
INSERT INTO users VALUES (1, 'Ann', '2020-01-01 10:00:00', 'a'), (2, 'Bob', NULL, 'b');
CREATE TABLE "Orders" (id INTEGER PRIMARY KEY, user_id INTEGER REFERENCES users, total REAL GENERATED ALWAYS AS (id * 2.0));
CREATE VIEW named AS SELECT spoken("fullName") FROM users;
"""
TARGET = """
CREATE SCHEMA shop;
CREATE TABLE shop.users (id int GENERATED ALWAYS AS IDENTITY PRIMARY KEY, "fullName" text NOT NULL, born timestamptz(3), tag text,
    note text DEFAULT 'n');
INSERT INTO shop.users ("fullName") VALUES ('seed');
CREATE TABLE shop.audit (id int) PARTITION BY LIST (id);
CREATE TABLE shop.audit_1 PARTITION OF shop.audit FOR VALUES IN (1);
CREATE TABLE shop.alembic_version (version_num text);
CREATE VIEW shop.everything AS SELECT 1 AS x;
"""


def compare(t, path, plan=None, user="postgres"):
    out = t.sql(f"SELECT coalesce(json_agg(q), '[]') FROM ({t.call('sqlite_compare', path, plan)}) q", user).out
    return json.loads(out)


def of(rows, name):
    return [row for row in rows if row["object"] == name]


def sides(rows, name):
    found = {(row["in_source"], row["in_target"]) for row in of(rows, name)}
    assert len(found) == 1, f"{name}: {found}"
    return found.pop()


def in_order(rows):
    ranks = [["blocking", "warning", "info"].index(row["severity"]) for row in rows]
    assert ranks == sorted(ranks), "the worst come first"


def test_what_is_not_there_is_null(t):
    """Nothing is written, the schema need not exist, and the plan is not needed."""
    before = t.traces()
    rows = compare(t, t.file("shop.db", SHOP), {"schema": "nowhere"})
    assert rows and all(row["in_target"] is None for row in rows), rows
    assert sides(rows, "view named") == ("view", None)
    assert compare(t, t.file("shop.db", SHOP))
    assert t.traces() == before


def test_both_sides(t):
    t.sql(TARGET)
    rows = compare(t, t.file("shop.db", SHOP), {"schema": "shop"})
    in_order(rows)
    assert rows[0]["severity"] == "blocking", "a table with rows stops an import, not a comparison"
    assert sides(rows, "users") == ("table, 2 rows", "table, 1 row")
    assert of(rows, "shop.audit") == [{"object": "shop.audit", "in_source": None, "in_target": "partitioned table", "severity": "info",
                                       "message": "no table of the file goes into it", "hint": "", "fix": None}]
    untouched = [row["object"] for row in rows if row["message"].startswith("no table of the file")]
    assert untouched == ["shop.audit"], untouched
    findings = t.findings(t.dir / "shop.db", {"schema": "shop"})
    assert of(rows, "users.fullName") == [{"object": "users.fullName", "in_source": "DEFAULT 'x'", "in_target": None, "severity": "info",
                                           "message": "default: the existing table has none", "hint": "", "fix": None}]
    said = sorted((row["severity"], row["object"], row["message"]) for row in rows if row["object"] not in ("shop.audit", "users.fullName"))
    assert said == sorted((f["severity"], f["object"], f["message"]) for f in findings), "every finding, and no other"


DECLARED = """
CREATE TABLE p(id INTEGER PRIMARY KEY, code TEXT UNIQUE);
CREATE TABLE c(id INTEGER PRIMARY KEY, p INTEGER NOT NULL REFERENCES p(id) ON DELETE CASCADE, q INTEGER REFERENCES p(id),
    n INTEGER CHECK (n > 0), word TEXT);
CREATE INDEX by_word ON c(word);
"""
THERE = """
CREATE TABLE p(id integer PRIMARY KEY, code text NOT NULL);
CREATE TABLE c(id integer PRIMARY KEY, p integer REFERENCES p(id), q integer, n integer CONSTRAINT small CHECK (n < 100), word text);
CREATE UNIQUE INDEX words ON c(word);
CREATE INDEX by_n ON c(n);
CREATE FUNCTION nothing() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN NEW; END';
CREATE TRIGGER own BEFORE DELETE ON c FOR EACH ROW EXECUTE FUNCTION nothing();
"""


def test_the_objects_of_both_schemas(t):
    """What the file declares and the existing tables lack, and what only they have, before anything is loaded."""
    t.sql(THERE)
    before = t.traces()
    rows = compare(t, t.file("t.db", DECLARED), {"create": "never"})
    in_order(rows)
    found = {(row["object"], row["in_source"], row["in_target"], row["severity"]) for row in rows if ": " in row["message"]}
    refuses = "only the existing table has it, and it may refuse rows of the file"
    assert found == {
        ("unique constraint on p(code)", 'UNIQUE ("code")', None, "warning"),
        ("foreign key c(p)", 'FOREIGN KEY ("p") REFERENCES "p" ("id") ON DELETE CASCADE', "FOREIGN KEY (p) REFERENCES public.p(id)", "warning"),
        ("foreign key c(q)", 'FOREIGN KEY ("q") REFERENCES "p" ("id")', None, "warning"),
        ("c.p", "NOT NULL", None, "warning"),
        ("check of c", "CHECK (n > 0)", None, "info"),
        ("c.id", "INTEGER PRIMARY KEY", None, "info"), ("p.id", "INTEGER PRIMARY KEY", None, "info"),
        ("p.code", None, "NOT NULL", "info"),
        ("check small of c", None, "CHECK ((n < 100))", "info"),
        ("index by_n of c", None, "CREATE INDEX by_n ON public.c USING btree (n)", "info"),
        ("trigger own of c", None, "CREATE TRIGGER own BEFORE DELETE ON public.c FOR EACH ROW EXECUTE FUNCTION public.nothing()", "info"),
    }, found
    assert [row["message"] for row in of(rows, "check small of c")] == [f"check: {refuses}"]
    assert t.traces() == before


def test_column_that_has_no_place(t):
    t.sql(TARGET + "ALTER TABLE shop.users DROP COLUMN tag; TRUNCATE shop.users")
    rows = compare(t, t.file("shop.db", SHOP), {"schema": "shop"})
    assert sides(rows, "users.tag") == ("no type", None)
    assert sides(rows, "users.note") == (None, "text, with a default")


def test_needs_no_rights_beyond_the_tables_of_the_plan(t):
    """Tables that the caller may not read are seen, and neither counted nor looked into."""
    user = t.role("reader", "pg_read_server_files")
    t.sql(TARGET + f'GRANT SELECT ON shop.users TO "{user}"; GRANT USAGE ON SCHEMA shop TO "{user}"')
    path = t.file("shop.db", SHOP + "CREATE TABLE alembic_version (version_num TEXT); INSERT INTO alembic_version VALUES ('a1');")
    # Nobody has said that the table of another role is the one: it is not even counted.
    assert sides(compare(t, path, {"schema": "shop"}, user), "users") == ("table, 2 rows", "table")
    rows = compare(t, path, {"schema": "shop", "create": "never"}, user)
    assert sides(rows, "users") == ("table, 2 rows", "table, 1 row")
    assert sides(rows, "shop.audit") == (None, "partitioned table")
    message = of(rows, "alembic_version")[0]["message"]
    assert message == "migration records of Alembic are not loaded: the target has its own", message


# Records of migration tools: the file's table, the target's, and what is said of them.

DJANGO = "(id integer PRIMARY KEY, app varchar(255) NOT NULL, name varchar(255) NOT NULL, applied {})"
PRISMA = "(id varchar(36) PRIMARY KEY, checksum varchar(64), finished_at {}, migration_name varchar(255), logs text, rolled_back_at {})"
TOOLS = {
    "django_migrations": (DJANGO, "(1, 'auth', '0001_initial', '2026-01-01'), (2, 'shop', '0001_initial', '2026-01-02')",
                          "Django", "with the same migrations up to \"shop.0001_initial\""),
    "_prisma_migrations": (PRISMA, "('a', 'c', '2026-01-01', '20260101_init', NULL, NULL), ('b', 'c', NULL, '20260202_broken', NULL, NULL)",
                           "Prisma", "with the same migrations up to \"20260101_init\""),
    "alembic_version": ("(version_num varchar(32) PRIMARY KEY)", "('ae1027a6acf')", "Alembic", "with the same migrations up to \"ae1027a6acf\""),
    "migrations": ("(id integer PRIMARY KEY, timestamp bigint, name varchar(99))", "(1, 1700, 'Init1700'), (2, 1800, 'More1800')",
                   "TypeORM", "with the same migrations up to \"More1800\""),
    "schema_migrations": ("(version varchar(99) PRIMARY KEY)", "('20250101'), ('20260101')", "the application",
                          "with the same migrations up to \"20260101\""),
    "knex_migrations": ("(id integer PRIMARY KEY, name varchar(99), batch integer)", "(1, 'one.js', 1)", "Knex", "with the same migrations up to \"one.js\""),
    "knex_migrations_lock": ("(\"index\" integer PRIMARY KEY, is_locked integer)", "(1, 0)", "Knex", ""),
    "d1_migrations": ("(id integer PRIMARY KEY, name text)", "(1, '0001.sql')", "D1", "with the same migrations up to \"0001.sql\""),
    "ar_internal_metadata": ("(key varchar(99), value varchar(99))", "('environment', 'production')", "Rails", ""),
    "typeorm_metadata": ("(type varchar(99), name varchar(99), value text)", "('VIEW', 'v', 'x')", "TypeORM", ""),
    "__drizzle_migrations": ("(id integer PRIMARY KEY, hash text, created_at bigint)", "(1, 'abc', 17)", "Drizzle", "with the same migrations up to \"abc\""),
    "__EFMigrationsHistory": ("(\"MigrationId\" varchar(150) PRIMARY KEY, \"ProductVersion\" varchar(32))", "('2026_Init', '8.0')", "Entity Framework",
                              "with the same migrations up to \"2026_Init\""),
    "databasechangelog": ("(id varchar(255), author varchar(255), filename varchar(255), orderexecuted integer)", "('1', 'ann', 'a.xml', 1)", "Liquibase",
                          "with the same migrations up to \"1.ann.a.xml\""),
    "_sqlx_migrations": ("(version bigint PRIMARY KEY, description text, success boolean)", "(20260101, 'init', true)", "SQLx",
                         "with the same migrations up to \"20260101\""),
    "room_master_table": ("(id integer PRIMARY KEY, identity_hash text)", "(42, 'ab12')", "Room", ""),
}


def records(kind):
    """The tools' tables as SQL of one side."""
    return "".join(f"CREATE TABLE \"{table}\" {columns.replace('{}', kind)}; INSERT INTO \"{table}\" VALUES {rows};"
                   for table, (columns, rows, _, _) in TOOLS.items())


def test_records_stay_the_target_s_own(t):
    t.sql(records("timestamptz"))
    everything = " UNION ALL ".join(f"SELECT '{table}', count(*) FROM \"{table}\"" for table in TOOLS)
    before = t.value(everything)
    path = t.file("records.db", records("datetime") + "CREATE TABLE users (id INTEGER PRIMARY KEY); INSERT INTO users VALUES (1), (2);")
    full = t.plan(path)
    assert {table for table, entry in full["tables"].items() if entry == {"skip": True}} == set(TOOLS), full["tables"].keys()
    assert t.plan(path, full) == full, "the printed plan is its own fixed point"
    rows = compare(t, path)
    for table, (_, _, tool, level) in TOOLS.items():
        message = f"migration records of {tool} are not loaded: the target has its own" + (f", {level}" if level else "")
        assert [(r["severity"], r["message"]) for r in of(rows, table)] == [("info", message)], of(rows, table)
        assert sides(rows, table)[1] == "table"
    results = t.import_(path)
    assert results["users"]["imported"] == 2
    assert all(results[table]["status"] == "skipped" and results[table]["detail"] for table in TOOLS), results
    assert t.value(everything) == before
    assert all(row["ok"] for row in t.rows("SELECT * FROM verify_counts()"))


def test_records_of_another_level(t):
    t.sql("CREATE TABLE django_migrations " + DJANGO.format("timestamptz") +
          "; INSERT INTO django_migrations VALUES (1, 'auth', '0001_initial', now()), (2, 'new', '0001', now())")
    names = ", ".join(f"({i}, 'shop', '000{i}', '2026-01-02')" for i in range(2, 8))
    script = f"CREATE TABLE Django_Migrations {DJANGO.format('datetime')}; INSERT INTO Django_Migrations VALUES (1, 'auth', '0001_initial', 'x'), {names};"
    path = t.file("records.db", script)
    row, = of(compare(t, path), "Django_Migrations")
    assert (row["severity"], row["in_source"], row["in_target"]) == ("warning", "table, 7 rows", "table"), row
    assert row["message"] == (
        "migration records of Django are not loaded: the target has its own, with other migrations: only in the file "
        '"shop.0002", "shop.0003", "shop.0004" and 3 more; only in the target "new.0001"'), row
    assert "plan.tables.Django_Migrations.skip to false" in row["hint"], row


def test_records_are_loaded_when_asked_for(t):
    t.sql("CREATE TABLE alembic_version (version_num varchar(32) PRIMARY KEY)")
    path = t.file("records.db", "CREATE TABLE alembic_version (version_num VARCHAR(32)); INSERT INTO alembic_version VALUES ('a1');")
    assert t.import_(path)["alembic_version"]["status"] == "skipped"
    assert t.import_(path, {"tables": {"alembic_version": {"skip": False}}})["alembic_version"]["imported"] == 1
    assert t.value("SELECT version_num FROM alembic_version") == "a1"
    assert t.import_(path, {"schema": "fresh"})["alembic_version"]["imported"] == 1, "a new schema takes them"


def test_a_table_that_is_only_called_migrations(t):
    t.sql("CREATE TABLE migrations (species text, year bigint)")
    path = t.file("birds.db", "CREATE TABLE migrations (species TEXT, year INTEGER); INSERT INTO migrations VALUES ('stork', 2020);")
    assert t.import_(path)["migrations"]["imported"] == 1


def test_records_that_somebody_set_a_trap_in(t):
    """Records are read unasked: nobody's code may run for it in the caller's name."""
    user = t.role("trapped", "pg_read_server_files")
    t.sql("""
        CREATE TABLE sprung (n int);
        CREATE FUNCTION trap() RETURNS boolean LANGUAGE plpgsql AS $$BEGIN INSERT INTO public.sprung VALUES (1); RETURN true; END$$;
        CREATE FUNCTION trap(int) RETURNS text LANGUAGE plpgsql AS $$BEGIN INSERT INTO public.sprung VALUES (1); RETURN 'x'; END$$;
        CREATE TABLE alembic_version (version_num text); INSERT INTO alembic_version VALUES ('b');
        ALTER TABLE alembic_version ENABLE ROW LEVEL SECURITY;
        CREATE POLICY trap ON alembic_version USING (trap());
        CREATE VIEW schema_migrations AS SELECT trap(1) AS version;
        GRANT ALL ON ALL TABLES IN SCHEMA public TO PUBLIC;
    """)
    path = t.file("records.db", """CREATE TABLE alembic_version (version_num TEXT); INSERT INTO alembic_version VALUES ('a');
        CREATE TABLE schema_migrations (version TEXT); INSERT INTO schema_migrations VALUES ('1');""")
    rows = compare(t, path, None, user)
    assert [r["message"].split(": ")[1] for r in rows[:2]] == ["the target has its own"] * 2, rows
    assert t.value("SELECT count(*) FROM sprung") == "0", "the trap was sprung"


def test_django(t):
    """A file that Django wrote against the schema that Django makes."""
    t.sql(shared("data", "django.pg.sql").read_text())
    t.sql("CREATE TABLE django_migrations " + DJANGO.format("timestamptz"))
    path = t.copy_of(shared("data", "django.db"))
    rows = compare(t, path)
    in_order(rows)
    assert [row for row in rows if row["severity"] == "blocking"] == [], rows
    records, = of(rows, "django_migrations")
    assert records["severity"] == "warning" and '"contenttypes.0001_initial"' in records["message"], records
    assert "and 16 more" in records["message"] and (records["in_source"], records["in_target"]) == ("table, 19 rows", "table"), records
    assert sides(rows, "shop_review") == ("table, 3000 rows", "table, 0 rows")
    untouched = [row["object"] for row in rows if row["message"].startswith("no table of the file")]
    assert untouched == [], untouched
    missing = [row for row in rows if row["in_target"] is None and not row["object"].startswith(("view ", "index ", "trigger ", "file", "check "))]
    # Of a one-to-one relation: its key is the other table's, and is numbered there.
    assert [(row["in_source"], row["severity"]) for row in missing] == [("INTEGER PRIMARY KEY", "info")], missing
