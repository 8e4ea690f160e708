"""Schemas that were in the way of an import once, each reduced to what it takes."""

import catalog
from client import fails

STOP = "CREATE FUNCTION stop() RETURNS trigger LANGUAGE plpgsql AS $$BEGIN RAISE EXCEPTION '% fired', TG_NAME; END$$;"


def imported(t, path, plan, *tables):
    """Imports; nothing of the catalog changes. The numbers of rows that came into the tables."""
    before = catalog.dumped(t)
    rows = t.import_(path, plan)
    catalog.assert_same(before, catalog.dumped(t))
    return [rows[table]["imported"] for table in tables]


def test_a_view_is_loaded_by_its_trigger(t):
    t.sql("""
        CREATE TABLE base (id int PRIMARY KEY, v text);
        CREATE VIEW t AS SELECT id, v || '!' AS v FROM base;
        CREATE FUNCTION instead() RETURNS trigger LANGUAGE plpgsql AS $$BEGIN INSERT INTO base VALUES (NEW.id, NEW.v); RETURN NEW; END$$;
        CREATE TRIGGER instead INSTEAD OF INSERT ON t FOR EACH ROW EXECUTE FUNCTION instead();
    """)
    path = t.file("rows.db", "CREATE TABLE t (id INTEGER PRIMARY KEY, v TEXT); INSERT INTO t VALUES (1, 'a'), (2, 'b');")
    assert imported(t, path, {}, "t") == [2]
    assert t.value("SELECT string_agg(id || v, ',' ORDER BY id) FROM t") == "1a!,2b!"


def test_each_partition_s_triggers_are_as_before(t):
    """The parent's are quiet in all partitions, and a partition's own are too."""
    t.sql(STOP + """
        CREATE TABLE t (id int PRIMARY KEY, v text) PARTITION BY RANGE (id);
        CREATE TABLE low PARTITION OF t FOR VALUES FROM (0) TO (10);
        CREATE TABLE high PARTITION OF t FOR VALUES FROM (10) TO (100) PARTITION BY RANGE (id);
        CREATE TABLE higher PARTITION OF high DEFAULT;
        CREATE TRIGGER parents BEFORE INSERT ON t FOR EACH ROW EXECUTE FUNCTION stop();
        CREATE TRIGGER statement AFTER INSERT ON t EXECUTE FUNCTION stop();
        CREATE TRIGGER own BEFORE INSERT ON higher FOR EACH ROW EXECUTE FUNCTION stop();
        CREATE TRIGGER replica BEFORE INSERT ON low FOR EACH ROW EXECUTE FUNCTION stop();
        ALTER TABLE low DISABLE TRIGGER parents, ENABLE REPLICA TRIGGER replica;
        ALTER TABLE higher ENABLE ALWAYS TRIGGER parents;
    """)
    path = t.file("rows.db", "CREATE TABLE t (id INTEGER PRIMARY KEY, v TEXT); INSERT INTO t VALUES (1, 'a'), (22, 'b');")
    assert imported(t, path, {}, "t") == [2]
    with fails("P0001", "own fired"):
        t.sql("INSERT INTO t VALUES (23, 'c')")


CYCLE = """
    CREATE TABLE a (id int PRIMARY KEY, b int); CREATE TABLE b (id int PRIMARY KEY, a int REFERENCES a {});
    ALTER TABLE a ADD FOREIGN KEY (b) REFERENCES b {};
"""
CYCLE_ROWS = """
    CREATE TABLE a (id INTEGER PRIMARY KEY, b INTEGER); INSERT INTO a VALUES (1, 2), (2, NULL);
    CREATE TABLE b (id INTEGER PRIMARY KEY, a INTEGER); INSERT INTO b VALUES (1, 1), (2, {});
"""


def test_triggers_wait_for_a_cycle_s_parents(t):
    """A trigger is enabled again after deferred keys were checked, and that is after the parents have come."""
    t.sql(STOP + CYCLE.format(*["DEFERRABLE INITIALLY DEFERRED"] * 2))
    for table in "ab":
        t.sql(f"CREATE TRIGGER quiet BEFORE INSERT ON {table} FOR EACH ROW EXECUTE FUNCTION stop()")
    for on_error in ("stop", "continue"):
        plan = {"constraints": "keep", "on_error": on_error}
        t.import_fails(t.file("broken.db", CYCLE_ROWS.format(3)), {**plan, "on_error": "stop"}, "23503", r"\(a\)=\(3\) is not present")
        assert imported(t, t.file("rows.db", CYCLE_ROWS.format(2)), plan, "a", "b") == [2, 2]
        with fails("P0001", "quiet fired"):
            t.sql("INSERT INTO a VALUES (7, 1)")
        t.sql("TRUNCATE a, b")


# Loaded first, with a trigger to enable again while its key waits to be checked.
FIRST = STOP + """
    CREATE TABLE p (id int PRIMARY KEY); INSERT INTO p VALUES (1);
    CREATE TABLE first (id int PRIMARY KEY, p int REFERENCES p DEFERRABLE INITIALLY DEFERRED);
    CREATE TRIGGER quiet BEFORE INSERT ON first FOR EACH ROW EXECUTE FUNCTION stop();
"""
FIRST_ROWS = "CREATE TABLE first (id INTEGER PRIMARY KEY, p INTEGER); INSERT INTO first VALUES (1, 1), (2, {});"


def test_a_cycle_is_deferred_after_another_table_s_triggers(t):
    """To enable them again, deferred keys are checked: those of the tables to come stay deferred."""
    t.sql(FIRST + CYCLE.format(*["DEFERRABLE INITIALLY DEFERRED"] * 2))
    path = t.file("rows.db", FIRST_ROWS.format(1) + CYCLE_ROWS.format(2))
    for on_error in ("stop", "continue"):
        assert imported(t, path, {"constraints": "keep", "on_error": on_error}, "first", "a", "b") == [2, 2, 2]
        with fails("P0001", "quiet fired"):
            t.sql("INSERT INTO first VALUES (7, 1)")
        t.sql("TRUNCATE first, a, b")


def test_a_deferred_key_that_is_broken_costs_its_table_only(t):
    t.sql(FIRST + CYCLE.format(*["DEFERRABLE INITIALLY DEFERRED"] * 2))
    path = t.file("broken.db", FIRST_ROWS.format(9) + CYCLE_ROWS.format(2))
    plan = {"constraints": "keep", "on_error": "continue"}
    rows = t.import_(path, plan)
    assert [rows[table]["status"] for table in ("first", "a", "b")] == ["failed", "loaded", "loaded"]
    assert "(p)=(9) is not present" in rows["first"]["detail"]
    assert t.value("SELECT count(*) FROM first") == "0" and t.value("SELECT count(*) FROM b") == "2"
    t.sql("TRUNCATE a, b")
    t.import_fails(path, {**plan, "on_error": "stop"}, "23503", r"\(p\)=\(9\) is not present")


def test_a_constraint_trigger_is_deferred_after_another_table_s_triggers(t):
    """An order needs an item, which comes after it."""
    t.sql(FIRST + """
        CREATE TABLE an_order (id int PRIMARY KEY); CREATE TABLE item (id int PRIMARY KEY, an_order int REFERENCES an_order);
        CREATE FUNCTION has_item() RETURNS trigger LANGUAGE plpgsql AS $$BEGIN
            IF NOT EXISTS (SELECT FROM item i WHERE i.an_order = NEW.id) THEN RAISE EXCEPTION 'order % has no item', NEW.id; END IF; RETURN NULL; END$$;
        CREATE CONSTRAINT TRIGGER has_item AFTER INSERT ON an_order DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION has_item();
    """)
    path = t.file("rows.db", "CREATE TABLE an_order (id INTEGER PRIMARY KEY); INSERT INTO an_order VALUES (1), (2);" + FIRST_ROWS.format(1) +
                  "CREATE TABLE item (id INTEGER PRIMARY KEY, an_order INTEGER); INSERT INTO item VALUES (1, 1), (2, 2);")
    for on_error in ("stop", "continue"):
        plan = {"constraints": "keep", "on_error": on_error, "tables": {"an_order": {"fire_triggers": True}}}
        assert imported(t, path, plan, "an_order", "first", "item") == [2, 2, 2]
        t.sql("TRUNCATE first, an_order, item")


def test_what_hangs_on_a_cycle_comes_after_it(t):
    """A key that is checked at once, to a table of a cycle: only the cycle's own keys may have to wait."""
    t.sql("CREATE TABLE aa (id int PRIMARY KEY, b int);" + CYCLE.format("DEFERRABLE INITIALLY DEFERRED", "DEFERRABLE INITIALLY DEFERRED"))
    t.sql("ALTER TABLE aa ADD FOREIGN KEY (b) REFERENCES b")
    path = t.file("rows.db", "CREATE TABLE aa (id INTEGER PRIMARY KEY, b INTEGER); INSERT INTO aa VALUES (1, 1), (2, 2);" + CYCLE_ROWS.format(2))
    assert imported(t, path, {"constraints": "keep"}, "aa", "a", "b") == [2, 2, 2]


def test_an_index_that_is_a_deferrable_key_s_twin_is_no_arbiter(t):
    t.sql("CREATE TABLE t (id int PRIMARY KEY DEFERRABLE, v text); CREATE UNIQUE INDEX twin ON t (id); INSERT INTO t VALUES (1, 'mine')")
    path = t.file("rows.db", "CREATE TABLE t (id INTEGER PRIMARY KEY, v TEXT); INSERT INTO t VALUES (1, 'a'), (2, 'b');")
    plan = {"on_conflict": "skip", "tables": {"t": {"conflict_target": "twin"}}}
    t.import_fails(path, plan, "55000", 'cannot use "twin": "t_pkey" has the same columns and is deferrable', hint='"error"')
