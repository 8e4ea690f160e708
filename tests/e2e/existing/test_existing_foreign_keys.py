"""Foreign keys of tables that were there before: which loaded rows have a parent is for PostgreSQL's rules to say."""

import pytest

import sqlstates as s
from client import fails

WAYS = ("rebuild", "keep")


def family(t, parents, children, declared=False):
    """A file with parents (id) and children (id, up)."""
    up = "up REFERENCES parent (id)" if declared else "up"
    return t.file("family.db", f"CREATE TABLE parent (id PRIMARY KEY); CREATE TABLE child (id INTEGER PRIMARY KEY, {up});"
                  + "".join(f"INSERT INTO parent VALUES ({v});" for v in parents)
                  + "".join(f"INSERT INTO child VALUES ({v});" for v in children))


def children(t):
    return t.value("SELECT string_agg(concat(id, ':', up), ' ' ORDER BY id) FROM ONLY child")


@pytest.mark.parametrize("of_parent, of_child, there", [("C", "POSIX", "1:a 4:"), ("default", "C", "1:a 4:"), ("ci", "ci", "1:a 2:A 4:")])
def test_values_are_compared_by_the_parents_collation(t, of_parent, of_child, there):
    if of_parent == "ci":
        t.needs("icu")
        t.sql("CREATE COLLATION ci (provider = icu, locale = 'und-u-ks-level2', deterministic = false)")
    path = family(t, ["'a'"], ["1, 'a'", "2, 'A'", "3, 'b'", "4, NULL"])
    for way in WAYS:
        t.sql(f"""DROP TABLE IF EXISTS child, parent;
            CREATE TABLE parent (id text COLLATE "{of_parent}" PRIMARY KEY);
            CREATE TABLE child (id int PRIMARY KEY, up text COLLATE "{of_child}" REFERENCES parent)""")
        row = t.import_(path, {"orphans": "reject", "constraints": way})["child"]
        assert children(t) == there, (way, children(t))
        assert row["rejected"] == 4 - len(there.split()), row


def test_values_are_compared_as_the_constraint_takes_them(t):
    path = family(t, ["'ab'"], ["1, 'ab'", "2, 'ab  '", "3, 'abc'"])
    for way in WAYS:
        t.sql("""DROP TABLE IF EXISTS child, parent;
            CREATE TABLE parent (id char(4) PRIMARY KEY);
            CREATE TABLE child (id int PRIMARY KEY, up text REFERENCES parent)""")
        t.import_(path, {"orphans": "reject", "constraints": way})
        assert t.value("SELECT string_agg(quote_literal(up), ',' ORDER BY id) FROM child") == "'ab','ab  '", way


def test_tables_that_inherit_have_no_part(t):
    path = family(t, ["1"], ["1, 1", "2, 7"])
    for way in WAYS:
        t.sql("""DROP TABLE IF EXISTS child, parent CASCADE;
            CREATE TABLE parent (id int PRIMARY KEY); CREATE TABLE parent_heir () INHERITS (parent); INSERT INTO parent_heir VALUES (7);
            CREATE TABLE child (id int PRIMARY KEY, up int REFERENCES parent);
            CREATE TABLE child_heir () INHERITS (child); INSERT INTO child_heir VALUES (1, 99), (2, 98)""")
        t.import_fails(path, {"constraints": way}, s.ORPHANS, r"child_up_fkey.*\n.*\(up\)=\(7\)")
        t.import_(path, {"orphans": "reject", "constraints": way})
        assert children(t) == "1:1", way
        assert t.value("SELECT count(*) FROM child_heir") == "2"


def test_a_partition_of_the_parent_holds_parents(t):
    path = family(t, ["1", "7"], ["1, 1", "2, 7", "3, 8"])
    t.sql("""CREATE TABLE parent (id int PRIMARY KEY) PARTITION BY RANGE (id);
        CREATE TABLE parent_1 PARTITION OF parent FOR VALUES FROM (0) TO (5);
        CREATE TABLE parent_2 PARTITION OF parent DEFAULT;
        CREATE TABLE child (id int PRIMARY KEY, up int REFERENCES parent)""")
    t.import_(path, {"orphans": "null"})
    assert children(t) == "1:1 2:7 3:"


def test_a_key_that_cannot_become_null(t):
    made = """DROP TABLE IF EXISTS child, parent;
        CREATE TABLE parent (tenant int, id int, PRIMARY KEY (tenant, id));
        CREATE TABLE child (id int PRIMARY KEY, tenant int NOT NULL, up int, FOREIGN KEY (tenant, up) REFERENCES parent)"""
    script = """CREATE TABLE parent (tenant INTEGER, id INTEGER, PRIMARY KEY (tenant, id));
        CREATE TABLE child (id INTEGER PRIMARY KEY, tenant INTEGER, up INTEGER{});
        INSERT INTO parent VALUES (1, 1); INSERT INTO child VALUES (1, 1, 1), (2, 1, 2), (3, 1, NULL)"""
    t.sql(made)
    declared = t.file("declared.db", script.format(", FOREIGN KEY (tenant, up) REFERENCES parent"))
    t.import_fails(declared, {"orphans": "null"}, s.ORPHANS, "orphans cannot be set to NULL: a column of the key is NOT NULL")
    silent = t.file("silent.db", script.format(""))
    t.import_fails(silent, {"orphans": "null"}, s.ORPHANS, r"\(tenant, up\) = \(1,2\)")
    t.sql(made + "; ALTER TABLE child ALTER tenant DROP NOT NULL")
    t.import_(silent, {"orphans": "null"})
    assert children(t) == "1:1 2: 3:" and t.value("SELECT count(*) FROM child WHERE tenant = 1") == "2"


def test_a_parent_that_went_since_the_snapshot_is_none(t):
    t.sql("""CREATE TABLE parent (id int PRIMARY KEY); INSERT INTO parent VALUES (1), (2);
        CREATE TABLE child (id int PRIMARY KEY, up int REFERENCES parent)""")
    path = t.file("children.db", "CREATE TABLE child (id INTEGER PRIMARY KEY, up INTEGER); INSERT INTO child VALUES (1, 1), (2, 2), (3, 3)")
    session = t.session()
    session.run("BEGIN ISOLATION LEVEL REPEATABLE READ; SELECT count(*) FROM parent")
    t.sql("DELETE FROM parent WHERE id = 2; INSERT INTO parent VALUES (3)")
    session.run(t.call("sqlite_import", path, {"orphans": "null"}))
    session.run("COMMIT")
    assert children(t) == "1:1 2: 3:3"
    t.sql("ALTER TABLE child ADD FOREIGN KEY (up) REFERENCES parent")


def test_a_parent_that_a_policy_hides_is_not_taken_for_none(t):
    clerk = t.role("clerk", "pg_read_server_files")
    t.sql(f"""CREATE TABLE parent (id int PRIMARY KEY); INSERT INTO parent VALUES (1), (2);
        ALTER TABLE parent ENABLE ROW LEVEL SECURITY; CREATE POLICY first ON parent USING (id = 1);
        CREATE TABLE child (id int PRIMARY KEY, up int REFERENCES parent);
        GRANT SELECT ON parent TO "{clerk}"; GRANT CREATE ON SCHEMA public TO "{clerk}"; ALTER TABLE child OWNER TO "{clerk}";
    """)
    path = t.file("children.db", "CREATE TABLE child (id INTEGER PRIMARY KEY, up INTEGER); INSERT INTO child VALUES (1, 1), (2, 2)")
    with fails("42501", "row-level security"):
        t.sql(t.call("sqlite_import", path, {"orphans": "reject"}), user=clerk)
    t.sql(t.call("sqlite_import", path), user=clerk)
    assert children(t) == "1:1 2:2"
