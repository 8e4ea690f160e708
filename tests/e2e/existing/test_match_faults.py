"""`match`: references that cannot take over the key of the row that they refer to, and new numbers that nobody can give."""

import pytest

NATURAL = {"create": "never", "on_conflict": "skip", "match": "natural"}
NO_PARENT, NOT_READY = "23503", "55000"


def details(t, path, plan):
    return {table: (row["imported"], row["skipped"], row["detail"]) for table, row in t.import_(path, plan).items()}


CODES = "CREATE TABLE p (id serial PRIMARY KEY, email text UNIQUE, code text UNIQUE);"
CODES_FILE = "CREATE TABLE p (id INTEGER PRIMARY KEY, email TEXT UNIQUE, code TEXT UNIQUE); CREATE TABLE c (n INTEGER, code TEXT REFERENCES p(code));"


@pytest.mark.parametrize("on_conflict", ["skip", "update"])
def test_a_matched_row_without_the_key_that_is_referred_to(t, on_conflict):
    """The table's row of 'a' has no code, and code X is another row's there."""
    t.sql(CODES + "CREATE TABLE c (n int, code text REFERENCES p (code)); INSERT INTO p VALUES (10, 'a', NULL), (11, 'z', 'X')")
    path = t.file("p.db", CODES_FILE + "INSERT INTO p VALUES (1, 'a', 'X'); INSERT INTO c VALUES (1, 'X'), (2, NULL);")
    plan = {"on_conflict": on_conflict, "tables": {"p": {"match": "p_email_key"}}}
    failed = t.import_fails(path, plan, NO_PARENT, r'references of table "c" cannot follow(.|\n)*1 row refers to a row of p .* NULL there, the first of them: \(code\) = \(X\) would become \(\)')
    assert failed.hint == 'Give the rows of "public"."p" values in (code), or set plan.tables.c.where to leave such rows out.', failed.hint
    found = details(t, path, {**plan, "tables": {**plan["tables"], "c": {"where": "n = 2"}}})
    assert '1 matched row keeps NULL in "code", where the file has a value' in found["p"][2], found
    t.sql("UPDATE p SET code = 'A' WHERE id = 10; TRUNCATE c")
    t.import_(path, plan)
    assert t.value("SELECT string_agg(n || coalesce(email, '-'), ' ' ORDER BY n) FROM c LEFT JOIN p USING (code)") == "1a 2-"


def test_a_row_of_the_same_table_without_the_key_that_is_referred_to(t):
    t.sql("CREATE TABLE p (id serial PRIMARY KEY, email text UNIQUE, code text UNIQUE, at text REFERENCES p (code)); INSERT INTO p VALUES (10, 'a', NULL), (11, 'z', 'X')")
    path = t.file("p.db", "CREATE TABLE p (id INTEGER PRIMARY KEY, email TEXT UNIQUE, code TEXT UNIQUE, at TEXT REFERENCES p(code)); INSERT INTO p VALUES (1, 'a', 'X', NULL), (2, 'b', 'Y', 'X');")
    plan = {"on_conflict": "skip", "tables": {"p": {"match": "p_email_key"}}}
    t.import_fails(path, plan, NO_PARENT, r"1 row refers to a row of p .* NULL there")
    t.sql("UPDATE p SET code = 'A' WHERE id = 10")
    t.import_(path, plan)
    assert t.value("SELECT q.email || r.email FROM p q JOIN p r ON r.code = q.at") == "ba"


def test_a_reference_to_what_is_no_key_of_the_table(t):
    """Two rows of a group refer to nothing else than it: rows are not multiplied, and what is ambiguous is refused."""
    t.sql("CREATE TABLE p (id serial PRIMARY KEY, name text UNIQUE, grp text); INSERT INTO p VALUES (7, 'a', 'g')")
    file = "CREATE TABLE p (id INTEGER PRIMARY KEY, name TEXT UNIQUE, grp TEXT); CREATE TABLE c (n INTEGER, grp TEXT REFERENCES p(grp)); INSERT INTO p VALUES (1, 'a', 'g'), (2, 'b', 'g'), (3, 'c', 'h');"
    path = t.file("p.db", file + "INSERT INTO c VALUES (1, 'g'), (2, 'h');")
    t.sql("CREATE TABLE c (n int, grp text)")
    plan = {"create": "never", "on_conflict": "skip", "tables": {"p": {"match": "p_name_key"}}}
    rows = t.import_(path, plan)
    assert (rows["p"]["imported"], rows["c"]["imported"]) == (2, 2), rows
    assert t.value("SELECT string_agg(n || grp, ' ' ORDER BY n) FROM c") == "1g 2h"
    t.sql("TRUNCATE c; UPDATE p SET grp = 'other' WHERE id = 7")
    failed = t.import_fails(path, plan, NO_PARENT, r"1 row refers to several rows of p, whose keys are different ones now, the first of them: \(grp\) = \(g\)")
    assert "plan.tables.c.where" in failed.hint, failed.hint
    t.import_(path, {**plan, "tables": {**plan["tables"], "c": {"where": "grp = 'h'"}}})
    assert t.value("SELECT string_agg(n || grp, ' ' ORDER BY n) FROM c") == "2h"


@pytest.mark.parametrize("parent, child, there, came, shown", [
    ("bigint", "int", 3000000000, 1, r"\(1\) would become \(3000000000\)"),
    ("text", "varchar(3)", "'longer'", "'abc'", r"\(abc\) would become \(longer\)"),
    ("numeric", "int", 1.5, 1, r"\(1\) would become \(1.5\)"),
])
def test_a_key_that_does_not_fit_its_reference(t, parent, child, there, came, shown):
    t.sql(f"CREATE TABLE p (id {parent} PRIMARY KEY, name text UNIQUE); INSERT INTO p VALUES ({there}, 'a'); CREATE TABLE c (n int, at {child} REFERENCES p)")
    path = t.file("p.db", f"CREATE TABLE p (id PRIMARY KEY, name TEXT UNIQUE); INSERT INTO p VALUES ({came}, 'a'); CREATE TABLE c (n INTEGER, at REFERENCES p(id)); INSERT INTO c VALUES (1, {came});")
    failed = t.import_fails(path, NATURAL, NO_PARENT, r"1 row refers to a row of p whose key does not fit \(at\), the first of them: " + shown)
    assert failed.hint == 'Change the type of (at) of "public"."c" to that of (id) of "public"."p", or set plan.tables.c.where to leave such rows out.', failed.hint
    t.sql(f"ALTER TABLE c ALTER at TYPE {parent}")
    t.import_(path, NATURAL)
    assert t.value(f"SELECT at = {there} FROM c") == "t"


@pytest.mark.parametrize("sequence, why", [
    ("AS int MAXVALUE 2", "reached maximum value of sequence"),
    ("START 3000000000", "integer out of range"),
    ("MAXVALUE 2 CYCLE", "all of its numbers are taken"),
    ("INCREMENT -1 MINVALUE 1 MAXVALUE 2 START 2 CYCLE", "all of its numbers are taken"),
])
def test_a_sequence_without_a_free_number(t, sequence, why):
    t.sql(f"CREATE SEQUENCE s {sequence}; CREATE TABLE role (id int PRIMARY KEY DEFAULT nextval('s'), name text UNIQUE); INSERT INTO role VALUES (1, 'x'), (2, 'y')")
    path = t.file("r.db", "CREATE TABLE role (id INTEGER PRIMARY KEY, name TEXT UNIQUE); INSERT INTO role VALUES (1, 'a');")
    failed = t.import_fails(path, NATURAL, NOT_READY, f'1 row needs a new number in "id", and sequence public.s gives no more: .*{why}')
    assert "sequence public.s" in failed.hint and "plan.tables.role.where" in failed.hint, failed.hint
    t.sql("ALTER SEQUENCE s MINVALUE 1 MAXVALUE 3 START 3 RESTART NO CYCLE")
    t.import_(path, NATURAL)
    assert t.value("SELECT string_agg(id || name, ' ' ORDER BY id) FROM role") == "1x 2y 3a", "the last number is given, too"


def test_a_number_is_not_cut_to_a_key_s_length(t):
    t.sql("CREATE SEQUENCE s START 1000; CREATE TABLE role (id varchar(3) PRIMARY KEY DEFAULT nextval('s')::text, name text UNIQUE); INSERT INTO role VALUES ('1', 'x')")
    path = t.file("r.db", "CREATE TABLE role (id TEXT PRIMARY KEY, name TEXT UNIQUE); INSERT INTO role VALUES ('1', 'a')")
    failed = t.import_fails(path, NATURAL, ("55000", "23505"), "")
    assert "1000" not in failed.detail, failed.detail
    assert t.value("SELECT string_agg(id || name, ' ') FROM role") == "1x"
    t.sql("ALTER TABLE role ALTER id TYPE text")
    t.import_(path, NATURAL)
    assert t.value("SELECT string_agg(id || name, ' ' ORDER BY name DESC) FROM role") == "1x 1000a"
