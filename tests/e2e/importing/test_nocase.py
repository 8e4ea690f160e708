"""What COLLATE NOCASE becomes where the plan does not say: citext where it can be had."""

import json

import pytest

import sqlstates as s
from client import fails

PEOPLE = """CREATE TABLE people (name TEXT COLLATE NOCASE PRIMARY KEY, nick VARCHAR(20) COLLATE NOCASE DEFAULT 'x', CHECK (name <> 'nobody'));
    CREATE TABLE notes (id INTEGER PRIMARY KEY, author TEXT REFERENCES people(name), title TEXT);
    CREATE INDEX by_bytes ON people (name COLLATE BINARY); CREATE INDEX by_nick ON people (nick) WHERE nick IS NOT NULL; CREATE UNIQUE INDEX by_title ON notes (title COLLATE NOCASE);
    INSERT INTO people VALUES ('Ann', 'A'), ('Bob', NULL); INSERT INTO notes VALUES (1, 'ANN', 'T'), (2, 'bob', 'é'), (3, 'Bob', 'É');"""


def types(t, table):
    return t.value(f"SELECT string_agg(attname || ' ' || format_type(atttypid, atttypmod), ', ' ORDER BY attnum) FROM pg_attribute WHERE attrelid = '{table}'::regclass AND attnum > 0")


def check(t):
    """Both tables compare as in the file, whatever they are made of."""
    assert t.value("SELECT count(*) FROM notes JOIN people ON author = name") == "3"
    assert t.value("SELECT name FROM people WHERE name = 'ANN' AND nick IN ('a', 'b')") == "Ann"
    assert t.value("SELECT count(*) FROM people WHERE name LIKE 'a%' AND name ~ '^AN' AND nick LIKE '%'") == "1"
    assert t.constraints("notes", "f") == "FOREIGN KEY (author) REFERENCES people(name)"
    for broken, sqlstate, named in (("people VALUES ('ANN')", "23505", "people_pkey"), ("people VALUES ('NoBody')", "23514", "people_name_check"),
                                    ("notes VALUES (4, 'Ann', 't')", "23505", "by_title"), ("notes VALUES (4, 'Cy', 'u')", "23503", "notes_author_fkey")):
        with fails(sqlstate, named):
            t.sql(f"INSERT INTO {broken}")


def test_citext_is_the_default(t):
    """Its extension is created with the tables, and gone with them."""
    t.needs("citext")
    path = t.file("people.db", PEOPLE)
    said = {f["object"]: (f["severity"], f["message"], f["hint"]) for f in t.findings(path) if f["kind"] == "collation"}
    assert said["people.name"] == ("info", 'COLLATE NOCASE becomes "public"."citext", which ignores the case of all letters, not only of ASCII\'s, so that a unique key may be stricter',
                                   "The type's schema has to be in the application's search_path: its comparisons are found there. Set plan.tables.people.nocase to \"lower\" for indexes on lower().")
    assert said["notes.author"][1] == "ignores case as the NOCASE column that it points to"
    t.sql(f"BEGIN; {t.call('sqlite_import', path, {})}; ROLLBACK")
    assert t.value("SELECT count(*) FROM pg_extension WHERE extname = 'citext'") == "0"
    plan = json.loads(t.value(t.call("sqlite_plan", path, {})))
    assert (plan["nocase"], plan["tables"]["people"]["columns"]["name"]["type"]) == ("citext", "text")
    t.import_(path, plan)
    assert (types(t, "people"), types(t, "notes")) == ("name citext, nick citext", "id bigint, author citext, title text")
    check(t)
    assert t.value("SELECT indexdef FROM pg_indexes WHERE indexname = 'by_nick'").endswith("(nick) WHERE (nick IS NOT NULL)")
    # Into what is there now, and as foreign tables.
    t.import_(path, {"existing_rows": "truncate"})
    t.sql(f"CREATE SCHEMA f; CREATE SERVER s FOREIGN DATA WRAPPER pg_sqlite_fdw OPTIONS (database '{path}'); IMPORT FOREIGN SCHEMA main FROM SERVER s INTO f")
    assert types(t, "f.people") == "name citext, nick citext"
    assert t.value("SELECT count(*) FROM f.people JOIN f.notes ON author = name WHERE name LIKE '%'") == "3"


def test_where_the_extension_is(t):
    """It is found in any schema, by a caller whose search path does not have it."""
    t.needs("citext")
    path = t.file("people.db", PEOPLE)
    t.sql("CREATE SCHEMA ext; CREATE EXTENSION citext SCHEMA ext; SET search_path = pg_catalog; " + t.call("public.sqlite_import", path, {}))
    assert types(t, "people") == "name ext.citext, nick ext.citext"
    t.sql(f'ALTER DATABASE "{t.database}" SET search_path = public, ext')
    check(t)


@pytest.mark.parametrize("may", [True, False])
def test_who_may_create_it(t, may):
    """A role with the right to create in the database creates it; another one gets indexes on lower(), and the plan's word is an error."""
    t.needs("citext")
    path = t.file("people.db", PEOPLE)
    role = t.role("importer", "pg_read_server_files", *[f'CREATE ON DATABASE "{t.database}"'] * may)
    t.sql(f'CREATE SCHEMA app AUTHORIZATION "{role}"')
    plan = {"schema": "app", "orphans": "keep"}
    t.sql(t.call("sqlite_import", path, plan), role)
    assert types(t, "app.people") == ("name citext, nick citext" if may else "name text, nick character varying(20)")
    assert t.value("SELECT count(*) FROM pg_extension WHERE extname = 'citext'") == str(int(may))
    if not may:
        with fails("23503", r'rows of table "app.notes" have no parent', "orphans"):
            t.sql(t.call("sqlite_import", path, {"schema": "app", "existing_rows": "replace"}), role)
        t.sql("DROP SCHEMA app CASCADE")
        t.sql(f'CREATE SCHEMA app AUTHORIZATION "{role}"')
        with fails("55000", "COLLATE NOCASE needs the extension citext", 'nocase to "lower"'):
            t.sql(t.call("sqlite_import", path, {**plan, "nocase": "citext"}), role)


def test_an_update_keeps_the_spelling_of_its_key(t):
    """The key finds the row whatever its case, and is not written; a finding says so."""
    t.needs("citext")
    t.sql("CREATE EXTENSION citext; CREATE TABLE u (name citext PRIMARY KEY, n int); INSERT INTO u VALUES ('ANN', 1)")
    path = t.file("u.db", "CREATE TABLE u (name TEXT PRIMARY KEY, n INT); INSERT INTO u VALUES ('Ann', 2)")
    plan = {"create": "never", "on_conflict": "update"}
    assert ("u.name", "is compared without regard to case: an updated row keeps its existing spelling") in [(f["object"], f["message"]) for f in t.findings(path, plan)]
    t.import_(path, plan)
    assert t.value("SELECT * FROM u") == "ANN|2"


def test_an_explicit_type_is_kept(t):
    t.needs("citext")
    path = t.file("people.db", PEOPLE)
    plan = {"tables": {"people": {"columns": {"nick": {"type": "varchar(9)"}}}}}
    said = [f["message"] for f in t.findings(path, plan) if f["object"] == "people.nick" and f["kind"] == "collation"]
    assert said == ["COLLATE NOCASE becomes indexes on lower(), because character varying(9) is explicit: uniqueness is kept, comparisons are case-sensitive"], said
    t.import_(path, plan)
    assert types(t, "people") == "name citext, nick character varying(9)"


def test_an_explicit_type_that_points_to_citext(t):
    """PostgreSQL compares no varchar with citext: the plan's type costs the foreign key, and a finding says so."""
    t.needs("citext")
    path = t.file("people.db", PEOPLE)
    plan = {"tables": {"notes": {"columns": {"author": {"type": "varchar(9)"}}}}}
    [said] = [f["message"] for f in t.findings(path, plan) if f["kind"] == "left_out"]
    assert said.startswith('is left out: "author" is character varying(9), "name" is "public"."citext"'), said
    t.import_(path, plan)
    assert types(t, "notes") == "id bigint, author character varying(9), title text"


def test_letters_beyond_ascii_by_the_database(t):
    """What a database's lower() leaves alone is no duplicate for citext."""
    t.needs("citext")
    path = t.file("letters.db", "CREATE TABLE t (k TEXT COLLATE NOCASE UNIQUE); INSERT INTO t VALUES ('é'), ('É')")
    folds = t.value("SELECT lower('É') = 'é'") == "t"
    blocking = [f for f in t.findings(path) if f["severity"] == "blocking"]
    assert bool(blocking) == folds, blocking
    if folds:
        t.import_fails(path, {}, s.DUPLICATE_KEY, "the case of all letters is ignored", hint='nocase to "lower"')


@pytest.mark.parametrize("encoding", ["UTF8", "LATIN1", "SQL_ASCII"])
def test_letters_beyond_ascii_where_no_letter_has_two_cases(t, encoding):
    t.needs("citext")
    name = t.other_database("bytes", f"ENCODING '{encoding}' LOCALE 'C' TEMPLATE template0")
    path = t.file("letters.db", "CREATE TABLE t (k TEXT COLLATE NOCASE UNIQUE); INSERT INTO t VALUES ('é'), ('É')")
    t.server.run(name, t.call("sqlite_import", path))
    assert t.server.value(name, "SELECT count(*) FROM t") == "2"
