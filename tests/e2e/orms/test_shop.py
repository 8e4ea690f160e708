"""One shop, written by eight ORMs: into the schema that each makes itself, and into tables that the import makes."""

import sqlite3

import pytest

import oracle
from harness import shared

# The file, and the program that is recognised.
SHOPS = {
    "django": "django", "drizzle": "drizzle", "objection": "knex", "peewee": "peewee", "prisma_ms": "prisma", "sequelize": "sequelize",
    "sqlalchemy": "sqlalchemy", "typeorm": "typeorm",
}
# What no file says: BigAutoField or AutoField, BigIntegerField or IntegerField, SmallIntegerField; precisions of times; the
# types of texts that are no enums.
UNSAID = {
    ("INTEGER", "bigint", "integer"), ("INTEGER", "smallint", "integer"), ("INTEGER", "timestamp(0) with time zone", "timestamp with time zone"),
    ("TEXT", "character(32)", "text"), ("TEXT", "text[]", "jsonb"),
}
TYPES = """SELECT c.relname AS "table", a.attname AS "column", format_type(a.atttypid, a.atttypmod) AS type FROM pg_attribute a
    JOIN pg_class c ON c.oid = a.attrelid WHERE c.relkind = 'r' AND c.relnamespace = 'public'::regnamespace AND a.attnum > 0 AND NOT a.attisdropped"""


def types(t):
    return {f"{row['table']}.{row['column']}": row["type"] for row in t.rows(TYPES)}


def restored(t, name):
    """The tables that the ORM has made; what pg_dump sets of the session is not wanted, and not every server has uuid-ossp."""
    lines = shared("orms", f"{name}.pg.sql").read_text().replace("public.uuid_generate_v4()", "gen_random_uuid()").split("\n")
    t.sql("\n".join(line for line in lines if not line.startswith(("SET ", "SELECT pg_catalog.", "CREATE EXTENSION", "COMMENT ON EXTENSION"))))


@pytest.mark.parametrize("name", SHOPS)
def test_into_the_orms_own_schema(t, name):
    path = t.copy_of(shared("orms", f"{name}.db"))
    restored(t, name)
    plan = {"create": "never"}
    full = t.plan(path, plan)
    assert full["orm"] == SHOPS[name]
    assert not [f for f in t.findings(path, plan) if f["severity"] == "blocking"]
    rows = t.import_(path, plan)
    assert sum(int(row["imported"]) for row in rows.values()) > 700
    assert oracle.compare_file(t, path, full) > 4000


@pytest.mark.parametrize("name", SHOPS)
def test_into_new_tables(t, name):
    path = t.copy_of(shared("orms", f"{name}.db"))
    restored(t, name)
    wanted = types(t)
    t.sql("DROP SCHEMA public CASCADE; CREATE SCHEMA public; CREATE EXTENSION pg_sqlite_migrate SCHEMA public")
    full = t.plan(path)
    assert full["orm"] == SHOPS[name]
    findings = t.findings(path)
    t.import_(path)
    assert oracle.compare_file(t, path, full) > 4000
    made, declared = types(t), declarations(path)
    objects = {f["object"] for f in findings}
    flags = " ".join(str(f["fix"]) for f in findings if f["kind"] in ("flag_form", "wide_numbers"))
    unsaid = []
    for column, pg_type in sorted(wanted.items()):
        if made[column] == pg_type or column in objects or f"'{column.split('.')[1]}'" in flags:
            continue
        if (declared.get(column, "").upper(), pg_type, made[column]) not in UNSAID:
            unsaid.append((column, declared.get(column), pg_type, made[column]))
    assert not unsaid, unsaid
    assert sum(made[column] == pg_type for column, pg_type in wanted.items()) / len(wanted) > 0.75
    new_rows_get_numbers(t, full)


def declarations(path):
    source = sqlite3.connect(f"file:{path}?mode=ro", uri=True)
    tables = [name for name, in source.execute("SELECT name FROM sqlite_schema WHERE type = 'table'")]
    found = {f"{table}.{row[1]}": row[2] for table in tables for row in source.execute(f"SELECT * FROM pragma_table_xinfo('{table}')")}
    source.close()
    return found


def new_rows_get_numbers(t, full):
    """Each sequence, of an identity column or of a serial one, goes on after the largest number."""
    numbered = t.rows("""SELECT a.attrelid::regclass AS "table", quote_ident(a.attname) AS "column", pg_get_serial_sequence(a.attrelid::regclass::text, a.attname) AS sequence
        FROM pg_attribute a JOIN pg_class c ON c.oid = a.attrelid WHERE c.relkind = 'r' AND c.relnamespace = 'public'::regnamespace
        AND pg_get_serial_sequence(a.attrelid::regclass::text, a.attname) IS NOT NULL AND (a.attidentity = '') = %s""" % (full["identity"] == "serial"))
    assert numbered
    for row in numbered:
        beyond = t.value(f"SELECT nextval('{row['sequence']}') > coalesce(max({row['column']}), 0) FROM {row['table']}")
        assert beyond == "t", row


@pytest.mark.parametrize("orm", ["none", "prisma", ["django", "sqlalchemy"]])
def test_the_plan_says_the_program(t, orm):
    path = t.copy_of(shared("orms", "drizzle.db"))
    full = t.plan(path, {"orm": orm})
    assert full["orm"] == orm
    assert t.plan(path, full) == full
    assert not [f for f in t.findings(path, {"orm": orm}) if f["kind"] == "program"]
    assert full["tables"]["users"]["columns"]["created_at"]["type"] == "bigint"
    t.import_(path, {"orm": orm})
    assert oracle.compare_file(t, path, full) > 4000
