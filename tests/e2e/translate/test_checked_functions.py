"""plpgsql_check finds no error in the functions that an import makes, nor in the helper functions."""

import pytest

import trigger_pair
from harness import ROOT, shared

ERRORS = "SELECT p.oid::regprocedure AS function, c.message, c.statement FROM {} CROSS JOIN LATERAL plpgsql_check_function_tb(p.oid{}) c WHERE c.level = 'error'"
TRIGGERS = ERRORS.format("pg_trigger g JOIN pg_proc p ON p.oid = g.tgfoid AND NOT g.tgisinternal AND p.pronamespace = 'public'::regnamespace", ", g.tgrelid")
HELPERS = ERRORS.format("pg_proc p JOIN pg_language l ON l.oid = p.prolang AND l.lanname = 'plpgsql' AND p.pronamespace = 'sqlite_compat'::regnamespace", "")


@pytest.fixture
def checked(t):
    t.needs("plpgsql_check")
    t.sql("CREATE SCHEMA checks; CREATE EXTENSION plpgsql_check SCHEMA checks")
    return lambda query: t.rows(f"{query.replace('plpgsql_check_function_tb', 'checks.plpgsql_check_function_tb')}")


@pytest.mark.parametrize("name", ["shop", "forms", "calibre_metadata.db", "calibre_web_metadata.db"])
def test_triggers(t, checked, name):
    scripts = {"shop": trigger_pair.SHOP, "forms": trigger_pair.FORMS}
    path = t.file("f.db", scripts[name]) if name in scripts else t.copy_of(shared("data", name))
    t.import_(path, {"orphans": "keep", "on_invalid": "text"})
    assert len(trigger_pair.triggers(t)) >= 2
    assert checked(TRIGGERS) == []
    t.sql("""CREATE FUNCTION wrong() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN DELETE FROM pg_class WHERE nosuch = NEW.nosuch; RETURN NULL; END';
             CREATE TABLE wrong (n integer); CREATE TRIGGER wrong AFTER INSERT ON wrong FOR EACH ROW EXECUTE FUNCTION wrong()""")
    assert [row["function"] for row in checked(TRIGGERS)] == ["wrong()"]


def test_helpers(t, checked):
    files = sorted((ROOT / "core" / "src" / "translate" / "helper" / "sql").glob("*.sql"))
    # Each calls others, in whatever order they are made.
    t.sql("CREATE SCHEMA sqlite_compat")
    left = [file.read_text() for file in files]
    while left:
        before, left = left, [sql for sql in left if t.attempt(f"SET check_function_bodies = off; {sql}").sqlstate]
        assert len(left) < len(before), left
    assert len(files) > 30 and checked(HELPERS) == []
