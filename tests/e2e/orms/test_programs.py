"""The programs that write files: each is recognised by what it leaves, and its declarations mean what they mean to it."""

import json
import re
import sqlite3

import pytest

import oracle
from client import fails
from harness import ROOT

UUIDS = ("3f2504e0-4f89-41d3-9a0c-0305e82c3301", "3f2504e0-4f89-41d3-9a0c-0305e82c3302")
# Program: a script of its own, and the types of some of the table's columns.
FILES = {
    "prisma": ("""CREATE TABLE "_prisma_migrations" ("id" TEXT PRIMARY KEY NOT NULL, "migration_name" TEXT NOT NULL);
        CREATE TABLE "User" ("id" INTEGER NOT NULL PRIMARY KEY AUTOINCREMENT, "at" DATETIME, "gone" DATETIME, "f" BOOLEAN);
        INSERT INTO "User" VALUES (1, 1700000000123, NULL, 1), (2, -86400000, NULL, 0)""",
               {"id": "integer", "at": "timestamp(3) without time zone", "gone": "timestamp(3) without time zone"}),
    "django": ("""CREATE TABLE "django_migrations" ("id" integer NOT NULL PRIMARY KEY AUTOINCREMENT, "app" varchar(255) NOT NULL, "name" varchar(255) NOT NULL);
        CREATE TABLE "shop" ("id" integer NOT NULL PRIMARY KEY AUTOINCREMENT, "n" smallint unsigned, "ip" char(39), "ip6" char(39), "at" datetime, "none" datetime);
        INSERT INTO "shop" VALUES (1, 7, '10.0.0.1', '2001:db8::1', '2024-01-01 10:00:00.123456', NULL)""",
               {"id": "integer", "n": "smallint", "ip": "inet", "ip6": "inet", "at": "timestamp with time zone", "none": "timestamp with time zone"}),
    "sqlalchemy": ("CREATE TABLE t (\n\tid INTEGER NOT NULL, \n\tn SMALLINT, \n\tc CHAR(3), \n\tv VARCHAR, \n\tPRIMARY KEY (id)\n);INSERT INTO t VALUES (1, 2, 'abc', 'x')",
                   {"id": "integer", "n": "smallint", "c": "character(3)", "v": "character varying"}),
    "typeorm": (f"""CREATE TABLE "t" ("id" varchar PRIMARY KEY NOT NULL, "n" integer NOT NULL, "v" varchar NOT NULL, "j" json, CONSTRAINT "UQ_648e3f5447f725579d7d4ffdfb7" UNIQUE ("n"));
        INSERT INTO t VALUES ('{UUIDS[0]}', 1, 'x', '{{"b": 1}}'), ('{UUIDS[1]}', 2, 'y', NULL)""",
                {"id": "uuid", "n": "integer", "v": "character varying", "j": "json"}),
    "sequelize": ("""CREATE TABLE `posts` (`id` INTEGER PRIMARY KEY AUTOINCREMENT, `tags` JSON); INSERT INTO posts VALUES (1, '["a", "b"]'); CREATE TABLE `t` (`id` INTEGER PRIMARY KEY AUTOINCREMENT, `f` TINYINT(1), `createdAt` DATETIME NOT NULL, `updatedAt` DATETIME NOT NULL, `gone` DATETIME);
        INSERT INTO t VALUES (1, 1, '2024-01-01 10:00:00.123 +00:00', '2024-01-01 10:00:00.123 +00:00', NULL)""",
                  {"id": "integer", "f": "boolean", "createdAt": "timestamp with time zone", "gone": "timestamp with time zone"}),
    "mikro_orm": ("""CREATE TABLE `mikro_orm_migrations` (`id` integer not null primary key autoincrement, `name` text);
        CREATE TABLE `t` (`id` integer not null primary key autoincrement, `at` datetime not null); INSERT INTO t VALUES (1, 1700000000123), (2, 253402300799000)""",
                  {"id": "integer", "at": "timestamp with time zone"}),
    "knex": ("CREATE TABLE `t` (`id` integer not null primary key autoincrement, `at` datetime, `c` char(2)); INSERT INTO t VALUES (1, 0, 'ab'), (2, -5, 'cd')",
             {"id": "integer", "at": "timestamp with time zone", "c": "character(2)"}),
    "drizzle": (f"""CREATE TABLE `t` (\n\t`id` integer PRIMARY KEY AUTOINCREMENT NOT NULL,\n\t`at` integer,\n\t`u` text,\n\t`j` text,\n\t`d` text,\n\t`v` text(9),\n\t`n` blob,\n\t`b` blob\n);
        INSERT INTO t VALUES (1, 1700000000123, '{UUIDS[0]}', '{{"a": 1}}', '2024-01-01', 'x', CAST('12345678901234567890' AS BLOB), CAST('[1]' AS BLOB)),
                             (2, 1700000000124, '{UUIDS[1]}', '"x"', '2024-01-02', 'y', CAST('-7' AS BLOB), CAST('{{}}' AS BLOB)),
                             (3, -5, NULL, NULL, NULL, NULL, NULL, NULL)""",
                {"id": "integer", "at": "timestamp with time zone", "u": "uuid", "j": "jsonb", "d": "date", "v": "character varying(9)", "n": "numeric", "b": "jsonb"}),
    "kysely": ("CREATE TABLE kysely_migration (name TEXT, timestamp TEXT); CREATE TABLE t (id INTEGER PRIMARY KEY, n INTEGER); INSERT INTO t VALUES (1, 3)", {"id": "integer", "n": "integer"}),
    "peewee": (f"""CREATE TABLE "t" ("id" INTEGER NOT NULL PRIMARY KEY, "u" TEXT NOT NULL, "r" REAL, "x" REAL);
        INSERT INTO t VALUES (1, '{UUIDS[0].replace("-", "")}', 0.15, 0.123456789)""", {"id": "integer", "u": "uuid", "r": "real", "x": "double precision"}),
    "tortoise": ("""CREATE TABLE "aerich" ("id" INTEGER PRIMARY KEY AUTOINCREMENT NOT NULL, "app" VARCHAR(100), "version" VARCHAR(255));
        CREATE TABLE "t" ("id" INTEGER PRIMARY KEY AUTOINCREMENT NOT NULL, "p" VARCHAR(40), "q" VARCHAR(40), "at" TIMESTAMP);
        INSERT INTO t VALUES (1, '2.10', '0123', '2024-01-01 10:00:00+00:00'), (2, '10', '4567', NULL)""",
                 {"id": "integer", "p": "numeric", "q": "character varying(40)", "at": "timestamp with time zone"}),
    "pony": ("CREATE TABLE \"T\" (\n  \"id\" INTEGER PRIMARY KEY AUTOINCREMENT,\n  \"d\" INTERVAL\n); INSERT INTO \"T\" VALUES (1, 1.5), (2, 2)", {"id": "integer", "d": "interval"}),
    "rails": ("""CREATE TABLE "ar_internal_metadata" ("key" varchar NOT NULL PRIMARY KEY, "value" varchar);
        CREATE TABLE "users" ("id" integer PRIMARY KEY AUTOINCREMENT NOT NULL, "n" integer, "name" varchar);
        CREATE TABLE "posts" ("id" integer PRIMARY KEY AUTOINCREMENT NOT NULL, "user_id" integer NOT NULL, FOREIGN KEY ("user_id") REFERENCES "users" ("id"));
        INSERT INTO users VALUES (1, 2, 'x'); INSERT INTO posts VALUES (1, 1)""",
              {"users.id": "bigint", "users.n": "integer", "users.name": "character varying", "posts.user_id": "bigint"}),
    "ef_core": (f"""CREATE TABLE "__EFMigrationsHistory" ("MigrationId" TEXT NOT NULL CONSTRAINT "PK___EFMigrationsHistory" PRIMARY KEY, "ProductVersion" TEXT NOT NULL);
        CREATE TABLE "t" ("Id" INTEGER NOT NULL CONSTRAINT "PK_t" PRIMARY KEY AUTOINCREMENT, "G" TEXT, "At" TEXT);
        INSERT INTO t VALUES (1, '{UUIDS[0].upper()}', '2024-01-01 10:00:00')""", {"Id": "integer", "G": "uuid", "At": "timestamp without time zone"}),
    "diesel": ("CREATE TABLE __diesel_schema_migrations (version VARCHAR(50) PRIMARY KEY NOT NULL); CREATE TABLE t (id INTEGER PRIMARY KEY, n BIGINT); INSERT INTO t VALUES (1, 2)",
               {"id": "integer", "n": "bigint"}),
    "sea_orm": (f"""CREATE TABLE "seaql_migrations" ("version" varchar NOT NULL PRIMARY KEY); CREATE TABLE "t" ("id" integer NOT NULL PRIMARY KEY AUTOINCREMENT,
        "u" uuid_text, "d" date_text, "at" timestamp_with_timezone_text, "j" json_text);
        INSERT INTO t VALUES (1, x'{UUIDS[0].replace("-", "")}', '2024-01-01', '2024-01-01T10:00:00+00:00', '{{"a": 1}}')""",
                {"id": "integer", "u": "uuid", "d": "date", "at": "timestamp with time zone", "j": "jsonb"}),
    "sqlx": ("CREATE TABLE _sqlx_migrations (version BIGINT PRIMARY KEY); CREATE TABLE t (id INTEGER PRIMARY KEY); INSERT INTO t VALUES (1)", {"id": "bigint"}),
    "gorm": ("CREATE TABLE `t` (`id` integer PRIMARY KEY AUTOINCREMENT,`at` datetime,`f` numeric,`p` numeric); INSERT INTO t VALUES (1, '2024-01-01 10:00:00.123+02:00', 1, 2.5)",
             {"id": "bigint", "at": "timestamp with time zone", "f": "boolean", "p": "numeric"}),
    "ecto": (f"""CREATE TABLE "t" ("id" INTEGER PRIMARY KEY AUTOINCREMENT, "u" TEXT, "inserted_at" TEXT NOT NULL, "updated_at" TEXT NOT NULL);
        INSERT INTO t VALUES (1, '{UUIDS[0]}', '2024-01-01T10:00:00', '2024-01-01T10:00:00')""", {"id": "bigint", "u": "uuid", "inserted_at": "timestamp without time zone"}),
    "laravel": ("""CREATE TABLE "migrations" ("id" integer primary key autoincrement not null, "migration" varchar not null, "batch" integer not null);
        CREATE TABLE "t" ("id" integer primary key autoincrement not null, "name" varchar not null, "n" integer, "created_at" datetime);
        INSERT INTO t VALUES (1, 'x', 2, '2024-01-01 10:00:00')""",
                {"id": "bigint", "name": "character varying", "n": "integer", "created_at": "timestamp(0) without time zone"}),
    "doctrine": ("""CREATE TABLE doctrine_migration_versions (version VARCHAR(191) NOT NULL PRIMARY KEY);
        CREATE TABLE t (id INTEGER PRIMARY KEY AUTOINCREMENT NOT NULL, at DATETIME NOT NULL); INSERT INTO t VALUES (1, '2024-01-01 10:00:00')""",
                 {"id": "integer", "at": "timestamp(0) without time zone"}),
    "room": ("CREATE TABLE room_master_table (id INTEGER PRIMARY KEY, identity_hash TEXT); CREATE TABLE t (id INTEGER PRIMARY KEY NOT NULL); INSERT INTO t VALUES (1)", {"id": "bigint"}),
    "core_data": ("""CREATE TABLE Z_PRIMARYKEY (Z_ENT INTEGER PRIMARY KEY, Z_NAME VARCHAR); CREATE TABLE Z_METADATA (Z_VERSION INTEGER PRIMARY KEY);
        CREATE TABLE ZNOTE (Z_PK INTEGER PRIMARY KEY, n INTEGER); INSERT INTO ZNOTE VALUES (1, 2)""", {"Z_PK": "bigint", "n": "bigint"}),
    "pocketbase": ("""CREATE TABLE `_collections` (`id` TEXT PRIMARY KEY); CREATE TABLE `_params` (`id` TEXT PRIMARY KEY);
        CREATE TABLE `t` (`id` TEXT PRIMARY KEY, `created` TEXT); INSERT INTO t VALUES ('r1', '2022-06-25 11:03:50.052Z')""", {"id": "text", "created": "text"}),
}


def test_every_program_has_a_file(t):
    described = t.value("SELECT sqlite_plan_schema()->'properties'->'orm'->'anyOf'->1->'items'->'enum'")
    assert sorted(FILES) == sorted(eval(described))


@pytest.mark.parametrize("orm", FILES)
def test_a_program_is_recognised_and_its_declarations_mean_what_they_do_to_it(t, orm):
    script, columns = FILES[orm]
    path = t.file("a.db", script)
    full = t.plan(path)
    assert full["orm"] == orm
    assert [f["fix"] for f in t.findings(path) if f["kind"] == "program"] == [{"orm": orm}]
    for column, pg_type in columns.items():
        table, _, column = column.rpartition(".")
        table = table or table_of(path)
        assert full["tables"][table]["columns"][column]["type"] == pg_type, (column, full["tables"][table]["columns"][column])
    t.import_(path)
    assert oracle.compare_file(t, path, full)
    assert t.plan(path, {"orm": "none"})["orm"] == "none"


@pytest.mark.parametrize("orm", FILES)
def test_the_plans_of_a_page(t, orm):
    """Every plan of docs/howto/ORM.md loads a file of that program: into tables that exist where it creates none, else into new ones."""
    path = t.file("a.db", FILES[orm][0])
    t.import_(path, {"schema": "existing"})
    tables = ", ".join(f'existing."{row["name"]}"' for row in t.rows("SELECT tablename AS name FROM pg_tables WHERE schemaname = 'existing'"))
    page = (ROOT / f"docs/howto/{orm}.md").read_text()
    plans = sorted({in_sql or inline for in_sql, inline in re.findall(r"'(\{.*?\})'|`(\{\".*?\})`", page)})
    assert len(plans) >= 1
    for n, plan in enumerate(map(json.loads, plans)):
        if plan.get("create") == "never":
            t.sql(f"TRUNCATE {tables}")
        rows = t.import_(path, {**plan, "schema": "existing" if plan.get("create") == "never" else f"new{n}"})
        assert sum(int(row["imported"]) for row in rows.values()) > 0, plan


# A value of each type that a sample plan names.
SAMPLES = {"text[]": '["a", "b"]', "varchar(255)[]": "[]", "jsonb": "{}", "uuid": UUIDS[0], "boolean": "1"}


@pytest.mark.parametrize("orm", FILES)
def test_the_sample_plans_of_a_page(t, orm):
    """Those in blocks name tables of an application: they load what has such tables."""
    for n, block in enumerate(re.findall(r"```json\n(.*?)```", (ROOT / f"docs/howto/{orm}.md").read_text(), re.S)):
        plan, script = json.loads(block), ""
        for table, entry in plan.get("tables", {}).items():
            columns = {"id": "1", **{column: "a,b" if given.get("format") == "comma" else SAMPLES.get(given.get("type"), "active") for column, given in entry["columns"].items()}}
            script += f'CREATE TABLE "{table}" ({", ".join(columns)}); INSERT INTO "{table}" VALUES ({", ".join(f"{value!r}" for value in columns.values())});'
        t.sql("DROP TYPE IF EXISTS status, \"Status\", user_status, enum_users_status CASCADE")
        rows = t.import_(t.file(f"{n}.db", script), {**plan, "schema": f"sample{n}"})
        assert rows and all(row["imported"] == 1 for row in rows.values()), rows


def test_the_readme_has_the_plans_of_the_pages():
    table = (ROOT / "README.md").read_text().split("### By program")[1].split("\n## ")[0]
    rows = {page: re.findall(r"`(.*?)`", plans) for page, plans in re.findall(r"^\| \[.*?\]\(docs/howto/(\w+)\.md\) \|(.*)$", table, re.M)}
    assert rows == {orm: re.findall(r"sqlite_import\('.*?', '(.*?)'\)", (ROOT / f"docs/howto/{orm}.md").read_text()) for orm in FILES}


CONSTRAINTS = "SELECT conname FROM pg_constraint WHERE contype IN ('f', 'u') AND conrelid IN ('users'::regclass, 'posts'::regclass) ORDER BY 1"


@pytest.mark.parametrize("orm,script,names", [
    ("mikro_orm", """CREATE TABLE `users` (`id` integer not null primary key autoincrement, `email` text not null, `done` integer not null);
        CREATE TABLE `posts` (`id` integer not null primary key autoincrement,
            `author_id` integer not null, constraint `posts_author_id_foreign` foreign key(`author_id`) references `users`(`id`) on update cascade);
        CREATE UNIQUE INDEX `users_email_unique` on `users` (`email`); CREATE UNIQUE INDEX `users_mine` on `users` (`email`, `done`)""",
     ["posts_author_id_foreign", "users_email_unique"]),
    ("knex", """CREATE TABLE `users` (`id` integer not null primary key autoincrement, `email` varchar(255) not null, `done` boolean not null);
        CREATE TABLE `posts` (`id` integer not null primary key autoincrement, `author_id` integer, foreign key(`author_id`) references `users`(`id`));
        CREATE UNIQUE INDEX `users_email_unique` on `users` (`email`)""", ["posts_author_id_foreign", "users_email_unique"]),
    ("drizzle", """CREATE TABLE `users` (\n\t`id` integer PRIMARY KEY AUTOINCREMENT NOT NULL,\n\t`email` text NOT NULL,\n\t`done` integer NOT NULL\n);
        CREATE TABLE `posts` (\n\t`id` integer PRIMARY KEY AUTOINCREMENT NOT NULL,\n\t`author_id` integer,\n\tFOREIGN KEY (`author_id`) REFERENCES `users`(`id`)\n);
        CREATE UNIQUE INDEX `users_email_unique` ON `users` (`email`); CREATE UNIQUE INDEX `mine` ON `users` (`done`, `id`)""",
     ["posts_author_id_users_id_fk", "users_email_unique"]),
])
def test_keys_are_constraints_under_the_names_that_the_program_looks_for(t, orm, script, names):
    path = t.file("a.db", f"{script}; INSERT INTO users VALUES (1, 'a@example.com', 1), (2, 'b@example.com', 0); INSERT INTO posts VALUES (1, 1)")
    assert t.plan(path)["orm"] == orm
    t.import_(path)
    assert [row["conname"] for row in t.rows(CONSTRAINTS)] == names


def table_of(path):
    """The last table that the script makes."""
    source = sqlite3.connect(path)
    name, = source.execute("SELECT name FROM sqlite_schema WHERE type = 'table' AND name NOT LIKE 'sqlite_%' ORDER BY rowid DESC LIMIT 1").fetchone()
    source.close()
    return name


@pytest.mark.parametrize("script", [
    "CREATE TABLE t (id INTEGER PRIMARY KEY, created_at INTEGER, v VARCHAR(9)); INSERT INTO t VALUES (1, 2, 'x')",
    "CREATE TABLE `t` (`id` INTEGER PRIMARY KEY, `name` VARCHAR(9)); INSERT INTO t VALUES (1, 'x')",
    "CREATE TABLE \"t\" (\n    \"id\" INTEGER PRIMARY KEY,\n    \"name\" TEXT\n); INSERT INTO t VALUES (1, 'x')",
    "CREATE TABLE t (\n\tid INTEGER PRIMARY KEY,\n\tname TEXT\n); INSERT INTO t VALUES (1, 'x')",
])
def test_a_schema_by_hand_follows_sqlites_own_rules(t, script):
    path = t.file("a.db", script)
    full = t.plan(path)
    assert full["orm"] == "none" and full["identity"] == "identity"
    assert full["tables"]["t"]["columns"]["id"]["type"] == "bigint"


@pytest.mark.parametrize("largest,pg_type", [(2**30 - 1, "integer"), (2**30, "bigint"), (2**31, "bigint")])
def test_keys_keep_room_and_references_their_keys_type(t, largest, pg_type):
    path = t.file("a.db", f"""CREATE TABLE kysely_migration (name TEXT, timestamp TEXT);
        CREATE TABLE p (id INTEGER PRIMARY KEY); CREATE TABLE c (id INTEGER PRIMARY KEY, p INTEGER REFERENCES p, n INTEGER);
        INSERT INTO p VALUES (1), ({largest}); INSERT INTO c VALUES (1, 1, {2**31 - 1})""")
    full = t.plan(path)
    types = {f"{table}.{column}": spec["type"] for table in "pc" for column, spec in full["tables"][table]["columns"].items()}
    assert types == {"p.id": pg_type, "c.id": "integer", "c.p": pg_type, "c.n": "integer"}
    t.import_(path)
    assert t.value("SELECT max(id) FROM p") == str(largest)


def test_a_foreign_key_of_64_bits_makes_its_key_as_wide(t):
    path = t.file("a.db", """CREATE TABLE "django_migrations" ("id" integer NOT NULL PRIMARY KEY, "app" varchar, "name" varchar);
        CREATE TABLE p (id integer NOT NULL PRIMARY KEY AUTOINCREMENT); CREATE TABLE c (id integer PRIMARY KEY, p bigint REFERENCES p, q integer REFERENCES p);
        INSERT INTO p VALUES (1); INSERT INTO c VALUES (1, 1, 1)""")
    full = t.plan(path)["tables"]
    assert [full["p"]["columns"]["id"]["type"], full["c"]["columns"]["p"]["type"], full["c"]["columns"]["id"]["type"]] == ["bigint", "bigint", "integer"]
    t.import_(path)


def test_formats_say_how_numbers_of_a_declared_type_are_read(t):
    path = t.file("a.db", "CREATE TABLE t (a DATETIME, b DATETIME, n BIGINT); INSERT INTO t VALUES (5, 1700000000, 3)")
    plan = {"formats": {"datetime": "unixepoch_ms"}}
    columns = t.plan(path, plan)["tables"]["t"]["columns"]
    # What cannot be milliseconds, by the years of most numbers, is read by what its numbers say.
    assert [columns[c]["format"] for c in "abn"] == ["unixepoch_ms", "unixepoch", None]
    table = {"tables": {"t": {"formats": {"DATETIME": None}}}, **plan}
    assert t.plan(path, table)["tables"]["t"]["columns"]["a"]["format"] == "unixepoch"
    t.import_(path, plan)
    assert t.value("SELECT extract(epoch FROM a) FROM t") == "0.005000"


@pytest.mark.parametrize("word,kind", [("serial", "nextval"), ("identity", "")])
def test_identity(t, word, kind):
    path = t.file("a.db", "CREATE TABLE t (id INTEGER PRIMARY KEY, v TEXT); INSERT INTO t VALUES (41, 'x')")
    t.import_(path, {"identity": word})
    default = t.value("SELECT coalesce(pg_get_expr(adbin, adrelid), '') FROM pg_attribute a LEFT JOIN pg_attrdef d ON d.adrelid = attrelid AND adnum = attnum WHERE attrelid = 't'::regclass AND attname = 'id'")
    assert default.startswith(kind) and (default == "") == (kind == "")
    assert t.value("INSERT INTO t (v) VALUES ('y') RETURNING id") == "42"


def test_a_table_that_is_called_as_the_sequence_would_be(t):
    path = t.file("a.db", "CREATE TABLE t (id INTEGER PRIMARY KEY); INSERT INTO t VALUES (41); CREATE TABLE t_id_seq (a)")
    t.import_(path, {"identity": "serial"})
    assert t.value("INSERT INTO t DEFAULT VALUES RETURNING id") == "42"


def test_a_uuid_key_gets_the_default_that_its_program_relies_on(t):
    path = t.file("a.db", FILES["typeorm"][0])
    t.import_(path)
    assert t.value("INSERT INTO t (n, v) VALUES (3, 'z') RETURNING id IS NOT NULL") == "t"


def test_binary_json_of_typeorm_is_read_by_an_expression(t):
    """Its type `jsonb` is SQLite's own binary form: here `{"a":[1,null]}`."""
    path = t.file("a.db", """CREATE TABLE "t" ("n" integer NOT NULL, "j" jsonb, CONSTRAINT "UQ_648e3f5447f725579d7d4ffdfb7" UNIQUE ("n"));
        INSERT INTO t VALUES (1, x'6c17613b133100'), (2, NULL)""")
    t.import_(path, {"tables": {"t": {"columns": {"j": {"using": "json(j)", "type": "jsonb"}}}}})
    assert t.value("SELECT j->'a' FROM t WHERE n = 1") == "[1, null]"


def test_later_migrations_of_knex_find_keys_by_name(t):
    """As it names them: `dropUnique` drops a constraint, `dropIndex` an index, `dropForeign` a key that SQLite has no name for."""
    path = t.file("a.db", """CREATE TABLE `p` (`id` integer not null primary key autoincrement, `Email` varchar(255), `n` integer);
        CREATE UNIQUE INDEX `p_email_unique` on `p` (`Email`); CREATE UNIQUE INDEX `p_n_unique` on `p` (`n`) where `n` > 0; CREATE INDEX `p_n_index` on `p` (`n`);
        CREATE TABLE `c` (`id` integer not null primary key autoincrement, `parentId` integer, foreign key(`parentId`) references `p`(`id`))""")
    t.import_(path)
    t.sql("ALTER TABLE p DROP CONSTRAINT p_email_unique; DROP INDEX p_n_index, p_n_unique; ALTER TABLE c DROP CONSTRAINT c_parentid_foreign")


@pytest.mark.parametrize("declared,value,pg_type", [
    ("INTERVAL", "1 day 02:00:00", "interval"), ("INTERVAL", "soon", "text"), ("INT[]", "{1,2}", "integer[]"), ("TEXT[]", '["a", "b"]', "text[]"), ("TEXT[]", "a, b", "text"),
])
def test_declared_types_of_postgresqls_own(t, declared, value, pg_type):
    path = t.file("a.db", f"CREATE TABLE t (a {declared}, b {declared}); INSERT INTO t (a) VALUES ('{value}')")
    columns = t.plan(path)["tables"]["t"]["columns"]
    assert columns["a"]["type"] == pg_type
    t.import_(path)


@pytest.mark.parametrize("column,value,pg_type,default", [
    ("`c` integer DEFAULT 3000000000", "1", "bigint", "'3000000000'::bigint"),
    ("`c` text(3) DEFAULT 'abcdef'", "'x'", "text", "'abcdef'::text"),
    ("`c` text CHECK (length(c) = 36)", f"'{UUIDS[0]}'", "text", ""),
    ("`c` text UNIQUE", "'[1]'), ('[1 ]'), ('{}'", "text", ""),
    ("`c` text", "'[1]'), ('[1 ]'), ('{}'", "jsonb", ""),
    ("`c` text DEFAULT (CURRENT_DATE)", "'2024-01-01'", "date", "((now() AT TIME ZONE 'UTC'::text))::date"),
    ("`c` integer DEFAULT false", "0", "boolean", "false"),
])
def test_a_convention_costs_no_default_check_or_key(t, column, value, pg_type, default):
    path = t.file("a.db", f"CREATE TABLE `t` (\n\t{column}\n); INSERT INTO t VALUES ({value})")
    full = t.plan(path, {"orm": "drizzle"})
    assert full["tables"]["t"]["columns"]["c"]["type"] == pg_type
    assert not [f for f in t.findings(path, {"orm": "drizzle"}) if f["severity"] != "info"]
    t.import_(path, {"orm": "drizzle"})
    assert t.value("SELECT coalesce((SELECT pg_get_expr(adbin, adrelid) FROM pg_attrdef WHERE adrelid = 't'::regclass), '')").replace("::bigint", "").strip("'") \
        == default.replace("::bigint", "").strip("'")
    assert oracle.compare_file(t, path, full)


@pytest.mark.parametrize("orm,column,values,plan,pg_type", [
    # A declaration with a length is another one, and an empty column says nothing.
    ("gorm", "c numeric(10,2)", "(0), (1)", {}, "numeric(10,2)"), ("gorm", "c numeric", "(NULL)", {}, "numeric"), ("gorm", "c numeric DEFAULT 1", "(NULL)", {}, "boolean"),
    # Nothing is padded or cut that was not read.
    ("knex", "c char(10)", "('ab')", {}, "character varying(10)"), ("knex", "c char(2)", "('ab')", {"profile": "none"}, "character varying(2)"),
    ("knex", "c integer", "(1)", {"profile": "none"}, "bigint"), ("knex", "c char(2)", "(NULL)", {}, "character(2)"),
    # 0.15 of single precision is not 0.15 of double precision.
    ("peewee", "c REAL CHECK (c <= 0.15)", "(0.15)", {}, "double precision"), ("peewee", "c REAL, d REAL GENERATED ALWAYS AS (c * 3)", "(0.15)", {}, "double precision"),
    # The application reads the spelling that it has written.
    ("drizzle", "c TEXT", "('08:30')", {}, "text"), ("drizzle", "c TEXT", f"('{UUIDS[0].upper()}')", {}, "text"), ("drizzle", "c TEXT", f"('{UUIDS[0].replace('-', '')}')", {}, "text"),
    ("drizzle", "c TEXT DEFAULT ''", f"('{UUIDS[0]}')", {}, "text"),
])
def test_a_convention_is_not_stretched(t, orm, column, values, plan, pg_type):
    path = t.file("a.db", f"CREATE TABLE t ({column}); INSERT INTO t (c) VALUES {values}")
    plan = {"orm": orm, **plan}
    full = t.plan(path, plan)
    assert full["tables"]["t"]["columns"]["c"]["type"] == pg_type
    t.import_(path, plan)
    assert oracle.compare_file(t, path, full)


def test_numbers_that_were_given_before_count_for_a_key(t):
    path = t.file("a.db", "CREATE TABLE t (id INTEGER PRIMARY KEY AUTOINCREMENT); INSERT INTO t VALUES (1); UPDATE sqlite_sequence SET seq = 3000000000")
    assert t.plan(path, {"orm": "knex"})["tables"]["t"]["columns"]["id"]["type"] == "bigint"
    t.import_(path, {"orm": "knex"})
    assert t.value("INSERT INTO t DEFAULT VALUES RETURNING id") == "3000000001"
    # A type of the user's own holds the rows, but no further one.
    t.import_(path, {"schema": "narrow", "types": {"INTEGER": "integer"}})
    with fails("2200H", "reached maximum value"):
        t.sql("INSERT INTO narrow.t DEFAULT VALUES")


def test_a_real_column_is_in_no_expression(t):
    path = t.file("a.db", """CREATE TABLE t (r REAL CHECK (r <= 0.15), g REAL AS (r * 3), n INTEGER); INSERT INTO t (r, n) VALUES (0.15, 1);
        CREATE UNIQUE INDEX i ON t (n) WHERE r = 0.15""")
    plan = {"tables": {"t": {"columns": {"r": {"type": "real"}}}}}
    found = [(f["severity"], f["kind"]) for f in t.findings(path, plan) if f["severity"] != "info"]
    assert found == [("warning", "left_out")] * 3, found
    t.import_(path, plan)
    assert t.value("SELECT g = 0.15::float8 * 3 AND r = 0.15::float4 FROM t") == "t"


def test_many_tables_take_no_time_to_report(t):
    """Each column is looked up once: two thousand columns of one program."""
    tables = "".join(f"CREATE TABLE t{n} (id INTEGER PRIMARY KEY, p INTEGER REFERENCES t{n // 2}, {', '.join(f'f{m} INTEGER' for m in range(8))}); INSERT INTO t{n} (id, f0) VALUES (1, 1);"
                     for n in range(200))
    path = t.file("a.db", "CREATE TABLE kysely_migration (name TEXT, timestamp TEXT);" + tables)
    flags, = [f for f in t.findings(path) if f["kind"] == "flag_form"]
    assert len(flags["fix"]["tables"]) == 200


def test_what_the_plan_s_types_say_is_not_asked(t):
    """TypeORM's datetime may have a time zone: not once the plan has decided."""
    path = t.file("a.db", """CREATE TABLE "t" ("id" integer PRIMARY KEY AUTOINCREMENT NOT NULL, "at" datetime NOT NULL, CONSTRAINT "UQ_648e3f5447f725579d7d4ffdfb7" UNIQUE ("id"));
        INSERT INTO t VALUES (1, '2024-01-01 10:00:00')""")
    assert [f["object"] for f in t.findings(path) if f["kind"] == "untold"] == ["t.at"]
    assert not [f for f in t.findings(path, {"types": {"DATETIME": "timestamptz"}}) if f["kind"] == "untold"]


EF_CORE = 'CREATE TABLE "__EFMigrationsHistory" ("MigrationId" TEXT NOT NULL);'
SEA_ORM = "CREATE TABLE seaql_migrations (version varchar);"


@pytest.mark.parametrize("script,message,pg_type,shown", [
    # .NET has seven digits, Rust nine; microseconds beside them do not matter.
    (EF_CORE + "CREATE TABLE t (c TEXT); INSERT INTO t VALUES ('2024-01-01 10:00:00.1234567'), ('2024-01-01 10:00:00')", "every text is an ISO-8601 time with more digits than microseconds",
     "timestamp without time zone", "2024-01-01 10:00:00.123457 2024-01-01 10:00:00"),
    (SEA_ORM + "CREATE TABLE t (c timestamp_with_timezone_text); INSERT INTO t VALUES ('2024-01-01T10:00:00.123456789+00:00')", "every text is an ISO-8601 time with more digits",
     "timestamp with time zone", "2024-01-01 10:00:00.123457+00"),
    (EF_CORE + "CREATE TABLE t (c TEXT); INSERT INTO t VALUES ('12.50'), ('7')", "every text is a decimal number", "numeric", "12.50 7"),
])
def test_texts_that_need_a_word_of_the_user(t, script, message, pg_type, shown):
    path = t.file("a.db", script)
    found, = [f for f in t.findings(path) if f["kind"] == "text_form"]
    assert message in found["message"], found
    assert t.plan(path)["tables"]["t"]["columns"]["c"]["type"] == "text"
    t.import_(path, found["fix"])
    assert t.type_of("t", "c") == pg_type
    assert t.value("SET timezone = 'UTC'; SET datestyle = 'ISO'; SELECT string_agg(c::text, ' ') FROM t") == shown
    if "digits" in message:
        # The plan may say it for all columns.
        assert t.plan(path, {"excess": "round"})["tables"]["t"]["columns"]["c"]["type"] == pg_type


def test_the_fix_of_fine_times_leaves_what_the_plan_says_of_excess(t):
    path = t.file("a.db", "CREATE TABLE t (c TEXT); INSERT INTO t VALUES ('2024-01-01 10:00:00.1234567')")
    found, = [f for f in t.findings(path, {"excess": "truncate"}) if f["kind"] == "text_form"]
    assert found["fix"] == {"tables": {"t": {"columns": {"c": {"type": "timestamp without time zone"}}}}}
    t.import_(path, {"excess": "truncate", **found["fix"]})
    assert t.shown("SELECT c FROM t") == "2024-01-01 10:00:00.123456"


def test_decimals_in_texts_are_asked_of_one_program_only(t):
    path = t.file("a.db", SEA_ORM + "CREATE TABLE t (c TEXT); INSERT INTO t VALUES ('12.50')")
    assert not [f for f in t.findings(path) if f["kind"] == "text_form"]


def test_names_in_small_letters(t):
    path = t.file("a.db", 'CREATE TABLE "Person" (\n  "id" INTEGER PRIMARY KEY AUTOINCREMENT,\n  "d" INTERVAL\n); INSERT INTO "Person" VALUES (1, 1.5)')
    found, = [f for f in t.findings(path) if f["kind"] == "untold" and f["object"] == "file"]
    assert found["fix"] == {"names": "lower"}
    t.import_(path, found["fix"])
    assert t.value("SELECT count(*) FROM person") == "1"
    # A table that the plan names has its name.
    for plan in ({"names": "lower"}, {"names": "preserve"}, {"tables": {"Person": {"target": "People"}}}):
        assert not [f for f in t.findings(path, plan) if f["kind"] == "untold"]


def test_keys_of_either_width(t):
    path = t.file("a.db", """CREATE TABLE django_migrations (id integer NOT NULL PRIMARY KEY AUTOINCREMENT, app varchar(255), name varchar(255));
        CREATE TABLE a (id integer NOT NULL PRIMARY KEY AUTOINCREMENT); CREATE TABLE b (id integer NOT NULL PRIMARY KEY AUTOINCREMENT, a_id bigint REFERENCES a (id));
        INSERT INTO a VALUES (1); INSERT INTO b VALUES (1, 1)""")
    found, = [f for f in t.findings(path) if f["kind"] == "untold"]
    assert found["fix"] == {"tables": {"b": {"columns": {"id": {"type": "bigint"}}}}}, found
    t.import_(path, found["fix"])
    assert (t.type_of("a", "id"), t.type_of("b", "id")) == ("bigint", "bigint")


def test_columns_of_core_data_are_no_booleans(t):
    path = t.file("a.db", """CREATE TABLE Z_PRIMARYKEY (Z_ENT INTEGER PRIMARY KEY, Z_NAME VARCHAR); CREATE TABLE Z_METADATA (Z_VERSION INTEGER PRIMARY KEY);
        CREATE TABLE ZNOTE (Z_PK INTEGER PRIMARY KEY, Z_ENT INTEGER, Z_OPT INTEGER, ZDONE INTEGER); INSERT INTO ZNOTE VALUES (1, 1, 1, 0), (2, 1, 0, 1)""")
    found, = [f for f in t.findings(path) if f["kind"] == "flag_form"]
    assert found["fix"] == {"tables": {"ZNOTE": {"columns": {"ZDONE": {"type": "boolean"}}}}}, found


@pytest.mark.parametrize("values,pg_type,arrays", [
    ("('a,b'), ('')", "text[]", "{a,b} {}"), ("('a,b'), ('c'), (NULL)", "text[]", "{a,b} {c} -"), ("('1'), ('2,3')", "text[]", "{1} {2,3}"), ("('1'), ('2,3')", "int[]", "{1} {2,3}"),
    ("('x, y')", "varchar(9)[]", '{x," y"}'), ("('')", "text[]", "{}"), ("('a\"b,c{')", "text[]", '{"a\\"b","c{"}'),
    # Brackets are JSON's and PostgreSQL's own.
    ("('[\"a\"]'), ('{b}')", "text[]", "{a} {b}"), ("(' [1]')", "int[]", "{1}"),
])
def test_texts_with_commas_go_into_an_array(t, values, pg_type, arrays):
    path = t.file("a.db", f"CREATE TABLE t (tags TEXT); INSERT INTO t VALUES {values}")
    t.sql(f"CREATE TABLE t (tags {pg_type})")
    plan = t.plan(path, {"create": "never"})
    assert plan["tables"]["t"]["columns"]["tags"]["format"] == (None if "[" in values else "comma")
    assert not [f for f in t.findings(path, {"create": "never"}) if f["severity"] == "blocking"]
    t.import_(path, {"create": "never"})
    assert t.value("SELECT string_agg(coalesce(tags::text, '-'), ' ' ORDER BY ctid) FROM t") == arrays


MIKRO_ORM = "CREATE TABLE `mikro_orm_migrations` (`id` integer not null primary key autoincrement, `name` text);"


@pytest.mark.parametrize("script,message,arrays", [
    (MIKRO_ORM + "CREATE TABLE t (tags text); INSERT INTO t VALUES ('a,b'), ('c'), ('')", "every text is a list with commas, or a word", "{a,b} {c} {}"),
    ("CREATE TABLE `t` (\n\t`id` integer PRIMARY KEY AUTOINCREMENT NOT NULL,\n\t`tags` text NOT NULL\n); INSERT INTO t (tags) VALUES ('[\"a\", \"b,c\"]'), ('[]')",
     "holds only lists: the application's schema may have an array here", '{a,"b,c"} {}'),
])
def test_lists_in_new_tables(t, script, message, arrays):
    path = t.file("a.db", script)
    found, = [f for f in t.findings(path) if f["object"] == "t.tags" and f["fix"]]
    assert message in found["message"] and found["fix"] == {"tables": {"t": {"columns": {"tags": {"type": "text[]"}}}}}, found
    t.import_(path, found["fix"])
    assert t.value("SELECT string_agg(tags::text, ' ' ORDER BY ctid) FROM t") == arrays


@pytest.mark.parametrize("values", ["('a,b'), ('c d')", "('a, b')", "('a'), ('b')", "('a,b'), ('{c}')"])
def test_texts_that_are_no_lists(t, values):
    path = t.file("a.db", MIKRO_ORM + f"CREATE TABLE t (tags text); INSERT INTO t VALUES {values}")
    assert not [f for f in t.findings(path) if "list with commas" in f["message"]]


def test_elements_that_are_brackets(t):
    """Who begins with a bracket may be a broken document: the plan has to say that it is a list with commas."""
    path = t.file("a.db", "CREATE TABLE t (tags TEXT NOT NULL); INSERT INTO t VALUES ('[,,'), ('a,b'), ('')")
    t.sql("CREATE TABLE t (tags text[] NOT NULL)")
    found, = [f for f in t.findings(path, {"create": "never"}) if f["severity"] == "blocking"]
    assert found["fix"] == {"tables": {"t": {"columns": {"tags": {"format": "comma"}}}}}, found
    t.import_(path, {"create": "never", **found["fix"]})
    assert t.value("SELECT string_agg(tags::text, ' ' ORDER BY ctid) FROM t") == '{[,"",""} {a,b} {}'


def test_both_forms_of_prisma_s_times_of_day_in_one_column(t):
    """Its native engine wrote milliseconds, a driver adapter writes texts."""
    path = t.file("a.db", """CREATE TABLE "T" ("id" INTEGER NOT NULL PRIMARY KEY AUTOINCREMENT, "w" DATETIME); INSERT INTO "T" VALUES (1, 27000000), (2, '1970-01-01T07:30:00.500+00:00'), (3, NULL)""")
    t.sql('CREATE TABLE "T" (id int PRIMARY KEY, w time(3))')
    plan = {"create": "never", "orm": "prisma"}
    assert not [f for f in t.findings(path, plan) if f["severity"] == "blocking"]
    t.import_(path, plan)
    assert t.value("""SELECT string_agg(coalesce(w::text, '-'), ' ' ORDER BY id) FROM "T" """) == "07:30:00 07:30:00.5 -"
