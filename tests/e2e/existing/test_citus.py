"""Loads into tables that Citus' catalogue lists. The catalogue and its functions are planted, as a superuser can; shards are
acted by checks that raise what comes from a shard."""

from test_keepers import CITUS_CATALOG

WORKERS = 3 << 48  # where the third worker's numbers begin


def plant(t, definition, /, **tables):
    """Makes tables, and lists some of them with the column that each is distributed by."""
    rows = "; ".join(f"INSERT INTO pg_catalog.pg_dist_partition VALUES ('public.{name}', 'h', NULLIF('{by or ''}', ''))" for name, by in tables.items())
    t.sql(definition + "; " + CITUS_CATALOG + rows)


def test_a_null_in_the_distribution_column_is_found_before(t):
    plant(t, "CREATE TABLE p (x int PRIMARY KEY); CREATE TABLE t (id int, tenant int REFERENCES p, PRIMARY KEY (id)); CREATE TABLE r (id int, tenant int);"
             "CREATE TABLE f (id int, tenant int, must int NOT NULL); INSERT INTO p VALUES (1)", t="tenant", r=None, f="tenant")
    path = t.file("t.db", "CREATE TABLE t (id INTEGER PRIMARY KEY, tenant INT); INSERT INTO t VALUES (1, 1), (2, NULL);")
    never = {"create": "never"}
    t.import_fails(path, never, "23502", '1 row has NULL, and existing column "tenant" is the distribution column', hint='on_invalid to "reject"')
    row = t.import_(path, never | {"on_invalid": "reject"})["t"]
    assert (row["imported"], row["rejected"]) == (1, 1), row
    # A reference table has no such column, and takes it.
    assert t.import_(t.file("r.db", "CREATE TABLE r (id INT, tenant INT); INSERT INTO r VALUES (1, NULL)"), never)["r"]["imported"] == 1
    # No value comes at all; and rows without a parent cannot lose it.
    t.import_fails(t.file("f.db", "CREATE TABLE f (id INT, must INT); INSERT INTO f VALUES (1, 1)"), never, "55000", "it is the distribution column and has no default")
    path = t.file("o.db", "CREATE TABLE p (x INTEGER PRIMARY KEY); CREATE TABLE t (id INT PRIMARY KEY, tenant INT REFERENCES p); INSERT INTO t VALUES (3, 9);")
    plan = never | {"existing_rows": "append", "orphans": "null", "tables": {"p": {"skip": True}}}
    assert "orphans cannot be set to NULL: a column of the key is NOT NULL" in [f["message"] for f in t.findings(path, plan)]
    t.import_fails(path, plan, "23503", "t_tenant_fkey")


def test_a_table_of_citus_is_not_made_anew(t):
    plant(t, "CREATE TABLE t (id int PRIMARY KEY); INSERT INTO t VALUES (7); CREATE TABLE r (id int); CREATE TABLE plain (id int)", t="id", r=None)
    path = t.file("t.db", "CREATE TABLE t (id INTEGER PRIMARY KEY); INSERT INTO t VALUES (1); CREATE TABLE r (id INT); CREATE TABLE plain (id INT);")
    before = t.value("SELECT 't'::regclass::oid, 'r'::regclass::oid")
    for create in ("auto", "always"):
        t.import_fails(path, {"create": create, "existing_rows": "replace"}, "42P07", '"public.t" is a table of Citus', hint='existing_rows to "truncate"')
    rows = t.import_(path, {"existing_rows": "replace", "on_error": "continue"})
    assert [rows[name]["status"] for name in ("t", "r", "plain")] == ["failed", "failed", "loaded"], rows
    assert (t.value("SELECT 't'::regclass::oid, 'r'::regclass::oid"), t.value("SELECT id FROM t")) == (before, "7")
    t.import_(path, {"existing_rows": "truncate"})
    assert t.value("SELECT id FROM t") == "1"


def test_only_the_coordinator_loads_tables_of_citus(t):
    plant(t, "CREATE TABLE t (id int PRIMARY KEY)", t="id")
    path = t.file("t.db", "CREATE TABLE t (id INTEGER PRIMARY KEY); INSERT INTO t VALUES (1);")
    says = "CREATE OR REPLACE FUNCTION pg_catalog.citus_is_coordinator() RETURNS bool LANGUAGE sql AS 'SELECT {}'"
    t.sql(says.format("false"))
    for plan in ({"create": "never"}, {}, {"existing_rows": "replace"}, {"existing_rows": "truncate"}):
        t.import_fails(path, plan, "42P07", '"public.t" is a table of Citus, and this server is not its coordinator', hint="Connect to the coordinator")
    assert t.import_(path, {"schema": "own"})["t"]["imported"] == 1
    t.sql(says.format("true"))
    assert t.import_(path, {"create": "never"})["t"]["imported"] == 1


SHARD_SAYS = {
    'duplicate key value violates unique constraint "uq_102544"': "23505",
    'insert or update on table "t_102008" violates foreign key constraint "f_102008"': "23503",
    'new row for relation "t_102008" violates check constraint "c_102008"': "23514",
    "connection to the remote node failed": None,  # stays an internal error
}


def test_an_error_of_a_shard_is_one_of_the_table(t):
    """Citus' COPY raises each as an internal error."""
    plant(t, """CREATE FUNCTION shard(int, text) RETURNS bool LANGUAGE plpgsql AS
             $$BEGIN IF $1 = 2 THEN RAISE '%', current_setting('my.message') USING ERRCODE = 'XX000'; END IF; RETURN true; END$$;
             CREATE TABLE t (id int PRIMARY KEY CHECK (shard(id, '')))""", t="id")
    path = t.file("t.db", "CREATE TABLE t (id INTEGER PRIMARY KEY); INSERT INTO t VALUES (1), (2); CREATE TABLE u (id INT); INSERT INTO u VALUES (3);")
    for message, sqlstate in SHARD_SAYS.items():
        t.sql(f"ALTER DATABASE \"{t.database}\" SET my.message = '{message}'")
        for fire in (False, True):
            plan = {"existing_rows": "append", "fire_triggers": fire}
            if sqlstate:
                said = t.import_fails(path, plan, sqlstate, "(?s)" + message)
                assert ("on_conflict" in said.hint) == (sqlstate == "23505" and not fire), (message, fire, said.hint)
            rows = t.import_(path, plan | {"on_error": "continue"})
            assert (rows["t"]["status"], rows["u"]["status"]) == ("failed", "loaded") and message in rows["t"]["detail"], rows
            t.sql("DROP TABLE u")
    assert t.value("SELECT count(*) FROM t") == "0"


# Runs something as soon as the keys of parents are fetched.
FETCHED = """CREATE FUNCTION fetched() RETURNS event_trigger LANGUAGE plpgsql AS $$BEGIN
    IF EXISTS (SELECT FROM pg_event_trigger_ddl_commands() WHERE object_identity ~ 'sqlite_migrate_keys') THEN
        RAISE NOTICE 'fetched'; {0} END IF; END$$;
    CREATE EVENT TRIGGER fetched ON ddl_command_end WHEN TAG IN ('CREATE TABLE AS') EXECUTE FUNCTION fetched()"""
PARENTS = "CREATE TABLE p (id int PRIMARY KEY); INSERT INTO p VALUES (1); CREATE TABLE c (id int, up int REFERENCES p);"
CHILDREN = "CREATE TABLE c (id INT, up INT); INSERT INTO c VALUES (1, 1), (2, 9), (3, NULL);"


def test_keys_of_parents_are_fetched(t):
    """Citus does not join its tables with temporary ones, nor with others of this server's."""
    plant(t, PARENTS, p="id")
    # Another parent comes then: who asks the table itself would find it.
    t.sql(FETCHED.format("INSERT INTO public.p VALUES (9) ON CONFLICT DO NOTHING;"))
    path = t.file("c.db", CHILDREN)
    for listed in ("p", "p and c"):
        for orphans, left in (("reject", "1:1 3:"), ("null", "1:1 2: 3:")):
            plan = {"create": "never", "existing_rows": "truncate", "orphans": orphans}
            done = t.sql("DELETE FROM p WHERE id = 9; TRUNCATE c; " + t.call("sqlite_import", path, plan))
            assert "fetched" in done.told, (listed, orphans)
            assert t.value("SELECT string_agg(id || ':' || COALESCE(up::text, ''), ' ' ORDER BY id) FROM c") == left, (listed, orphans)
        t.sql("INSERT INTO pg_catalog.pg_dist_partition VALUES ('c', 'h', 'id'); TRUNCATE c; DELETE FROM p WHERE id = 9")
    t.import_fails(path, {"create": "never"}, "23503", "c_up_fkey")
    t.sql("DELETE FROM pg_catalog.pg_dist_partition WHERE logicalrelid = 'c'::regclass")
    said = t.import_fails(path, {"create": "never"}, "23503", "1 row", hint='"null" or "reject"')
    assert "fetched" in said.told


def test_keys_of_a_table_that_points_to_itself_are_fetched(t):
    """By two keys, of which each has a copy of its own."""
    plant(t, "CREATE TABLE n (id int PRIMARY KEY, code text COLLATE \"C\" UNIQUE, up int REFERENCES n, upcode text REFERENCES n (code));"
             "INSERT INTO n VALUES (5, 'five')", n="id")
    t.sql(FETCHED.format(""))
    path = t.file("n.db", """CREATE TABLE n (id INTEGER PRIMARY KEY, code TEXT, up INT, upcode TEXT);
        INSERT INTO n VALUES (1, 'a', NULL, 'a'), (2, 'b', 1, 'five'), (3, 'c', 9, NULL), (4, 'd', 3, 'b'), (6, 'f', 5, 'FIVE');""")
    done = t.sql(t.call("sqlite_import", path, {"create": "never", "existing_rows": "append", "orphans": "reject"}))
    assert done.told.count("fetched") == 2, done.told
    assert t.value("SELECT string_agg(id::text, ' ' ORDER BY id) FROM n") == "1 2 5"
    assert t.value("SELECT string_agg(values ->> 'id', ' ' ORDER BY id) FROM sqlite_migrate.reject") == "3 4 6"


def test_fetched_keys_go_with_their_transaction(t):
    """They are there until then, and the next import of the transaction fetches them again."""
    plant(t, PARENTS, p="id")
    append = {"create": "never", "existing_rows": "append", "orphans": "reject"}
    first = t.call("sqlite_import", t.file("c.db", CHILDREN), append)
    second = t.call("sqlite_import", t.file("more.db", "CREATE TABLE c (id INT, up INT); INSERT INTO c VALUES (4, 9), (5, 8);"), append)
    copies = "SELECT count(*) FROM pg_class WHERE relname ~ '^sqlite_migrate_(keys|there)'"
    for end, left in (("ROLLBACK", ""), ("COMMIT", "1 3 4")):
        session = t.session()
        session.run(f"BEGIN; {first}; INSERT INTO p VALUES (9); {second}")
        assert session.value(copies) == "1"
        session.run(end)
        assert session.value(copies) == "0", end
        assert t.value("SELECT string_agg(id::text, ' ' ORDER BY id) FROM c") == left, end
    session.run(first)
    assert session.value(copies) == "0"
    # What a skip compares with goes at once.
    path = t.file("p.db", "CREATE TABLE p (id INTEGER PRIMARY KEY); INSERT INTO p VALUES (1), (7);")
    session.run("BEGIN; " + t.call("sqlite_import", path, {"create": "never", "on_conflict": "skip"}))
    assert session.value(copies + "; SELECT count(*) FROM p") == "0\n3"


def test_an_analyze_that_citus_refuses_costs_only_the_statistics(t):
    """It refuses one after the transaction has used the table on this node. Here the table's index does."""
    refuse = """CREATE FUNCTION refuse(int) RETURNS int IMMUTABLE LANGUAGE plpgsql AS $$BEGIN
            PERFORM pg_catalog.pg_stat_clear_snapshot();
            IF EXISTS (SELECT FROM pg_catalog.pg_stat_progress_analyze WHERE pid = pg_catalog.pg_backend_pid()) THEN RAISE 'ANALYZE is refused'; END IF;
            RETURN $1; END$$; CREATE TABLE t (id int PRIMARY KEY); CREATE INDEX ON t (refuse(id)); CREATE TABLE z (id int PRIMARY KEY)"""
    path = t.file("t.db", "CREATE TABLE t (id INTEGER PRIMARY KEY); INSERT INTO t VALUES (1), (2); CREATE TABLE z (id INTEGER PRIMARY KEY); INSERT INTO z VALUES (3);")
    t.sql(refuse)
    t.import_fails(path, {}, "P0001", "ANALYZE is refused")
    plant(t, "SELECT 1", t="id")
    rows = t.import_(path, {})
    assert (rows["t"]["status"], rows["t"]["imported"], rows["z"]["imported"]) == ("loaded", 2, 1), rows
    assert "was not analyzed, run ANALYZE after COMMIT: ANALYZE is refused" in rows["t"]["detail"] and rows["z"]["detail"] is None, rows
    assert t.value("SELECT string_agg(tablename, ' ') FROM pg_stats WHERE tablename IN ('t', 'z')") == "z"


def test_numbers_of_workers_do_not_move_the_sequence(t):
    tables = {"i": "bigint GENERATED BY DEFAULT AS IDENTITY", "s": "bigserial", "n": "numeric DEFAULT nextval('q')", "own": "bigserial"}
    made = "".join(f"CREATE TABLE {name} (id {kind} PRIMARY KEY); INSERT INTO {name} VALUES ({WORKERS + 7});" for name, kind in tables.items())
    plant(t, "CREATE SEQUENCE q;" + made + "ALTER SEQUENCE q OWNED BY n.id", i="id", s="id", n="id")
    path = t.file("t.db", "".join(f"CREATE TABLE {name} (id INTEGER PRIMARY KEY); INSERT INTO {name} VALUES (5);" for name in tables))
    t.import_(path, {"create": "never", "existing_rows": "append"})
    following = "SELECT string_agg(nextval(pg_get_serial_sequence(name, 'id'))::text, ' ' ORDER BY place) FROM unnest('{i,s,n,own}'::text[]) WITH ORDINALITY AS x (name, place)"
    wanted = f"6 6 6 {WORKERS + 8}"
    assert t.value(following) == wanted
    t.sql("SELECT setval(pg_get_serial_sequence(name, 'id'), 1) FROM unnest('{i,s,n,own}'::text[]) AS name; SELECT * FROM reset_sequences()")
    assert t.value(following) == wanted


def test_what_citus_is_told_by_settings(t):
    """Statements run one after the other, sequences are moved apart from Citus, and both settings are as before afterwards."""
    plant(t, """CREATE TABLE t (id serial PRIMARY KEY, mode text DEFAULT current_setting('citus.multi_shard_modify_mode', true));
        CREATE FUNCTION peek() RETURNS int IMMUTABLE LANGUAGE plpgsql AS
            $$BEGIN RAISE NOTICE 'propagation is %', current_setting('citus.enable_ddl_propagation', true); RETURN 1; END$$;
        CREATE INDEX ON t (id) WHERE peek() = 1""", t="id")
    path = t.file("t.db", "CREATE TABLE t (id INTEGER PRIMARY KEY); INSERT INTO t VALUES (1), (7);")
    said = t.sql("SET citus.multi_shard_modify_mode = 'parallel'; SET citus.enable_ddl_propagation = 'on';" + t.call("sqlite_import", path, {"create": "never"})
                 + "; SELECT current_setting('citus.multi_shard_modify_mode'), current_setting('citus.enable_ddl_propagation')")
    assert said.rows[-1] == ("parallel", "on")
    assert t.value("SELECT DISTINCT mode FROM t") == "sequential"
    assert t.value("SELECT nextval('t_id_seq')") == "8"
    told = [notice.message for notice in said.notices if notice.message.startswith("propagation")]
    # The table is asked for its highest value without Citus; everything else is Citus' business.
    assert "propagation is off" in told and "propagation is on" in told, told
