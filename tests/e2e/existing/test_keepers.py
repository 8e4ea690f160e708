"""Tables that look like ordinary heaps, but in which somebody else has a hand: never written past PostgreSQL's own ways."""

import pytest

from harness import ident

ROWS = "CREATE TABLE t (id INTEGER PRIMARY KEY, v TEXT); INSERT INTO t VALUES (1, 'a'), (2, 'b');"
TABLE = "CREATE TABLE t (id bigint PRIMARY KEY, v text);"

# Citus keeps its catalogue in pg_catalog, where only a superuser who means to can make a table.
# A row for each table: its method and the column that it is distributed by, or NULL.
CITUS_CATALOG = ("SET allow_system_table_mods = on; CREATE TABLE pg_catalog.pg_dist_partition (logicalrelid regclass, partmethod \"char\", partkey text);"
                 "GRANT SELECT ON pg_catalog.pg_dist_partition TO PUBLIC; CREATE FUNCTION pg_catalog.column_to_column_name(regclass, text) RETURNS text"
                 " STRICT LANGUAGE sql AS 'SELECT $2'; RESET allow_system_table_mods;")
CITUS = CITUS_CATALOG + "INSERT INTO pg_catalog.pg_dist_partition VALUES ('{0}', 'h', 'id')"
# TimescaleDB's belongs to the extension: here another one that goes by its name.
TIMESCALE = ("CREATE EXTENSION citext SCHEMA public; CREATE SCHEMA _timescaledb_catalog;"
             "CREATE TABLE _timescaledb_catalog.hypertable (schema_name name, table_name name); INSERT INTO _timescaledb_catalog.hypertable VALUES ('public', '{0}');")
OWNED_BY_IT = "ALTER EXTENSION citext ADD TABLE _timescaledb_catalog.hypertable; SET allow_system_table_mods = on; UPDATE pg_extension SET extname = 'timescaledb' WHERE extname = 'citext'"

# The table, the hand, what is said of it, and the extension that it takes.
HANDS = {
    "citus": (TABLE, CITUS.format("t"), "it is a table of Citus", []),
    "timescaledb": (TABLE, TIMESCALE.format("t") + OWNED_BY_IT, "it is a hypertable of TimescaleDB", ["citext"]),
    "trigger": (TABLE, "CREATE EXTENSION lo SCHEMA public; ALTER TABLE t ADD COLUMN l oid; CREATE TRIGGER m BEFORE UPDATE ON t FOR EACH ROW EXECUTE FUNCTION lo_manage(l)",
                "one of its triggers belongs to an extension", ["lo"]),
    "child": (TABLE, "CREATE TABLE child (more int) INHERITS (t); INSERT INTO child VALUES (7, 'z', 1)", "other tables inherit from it", []),
}


@pytest.mark.parametrize("name", HANDS)
def test_somebody_else_has_a_hand_in_the_table(t, name):
    table, hand, reason, needs = HANDS[name]
    t.needs(*needs)
    path = t.file("t.db", ROWS)
    t.sql(table + hand)
    for verify in ("counts", "none"):
        call = t.call("sqlite_import", path, {"create": "never", "existing_rows": "truncate", "verify": verify})
        detail = t.value(f"SELECT imported || ' ' || detail FROM ({call}) AS q")
        assert detail == f"2 loaded through a temporary table: {reason}"
        assert t.value("SELECT string_agg(id || v, ' ' ORDER BY id) FROM ONLY t") == "1a 2b"
    # Rows that are there already, and two of the file's.
    t.sql("DELETE FROM ONLY t WHERE id = 2; SET citus.multi_shard_modify_mode TO 'parallel'")
    call = t.call("sqlite_import", path, {"create": "never", "on_conflict": "skip"})
    assert t.value(f"SELECT imported || ' ' || skipped FROM ({call}) AS q") == "1 1"


def test_a_table_becomes_somebody_else_s_while_it_is_made(t):
    """A new table is looked at when its load begins: an event trigger may have given it away."""
    t.sql(CITUS.format("pg_class") + """; CREATE FUNCTION give() RETURNS event_trigger LANGUAGE plpgsql AS $$BEGIN
            INSERT INTO pg_catalog.pg_dist_partition SELECT objid, 'n' FROM pg_event_trigger_ddl_commands() WHERE object_type = 'table'; END$$;
        CREATE EVENT TRIGGER give ON ddl_command_end WHEN TAG IN ('CREATE TABLE') EXECUTE FUNCTION give()""")
    row = t.import_(t.file("t.db", ROWS))["t"]
    assert row["detail"] == "loaded through a temporary table: it is a table of Citus", row
    assert t.value("SELECT count(*) FROM t") == "2"


def test_a_look_alike_that_anybody_can_plant_is_not_believed(t):
    """Neither a catalogue in another schema, nor one that belongs to no extension."""
    user = t.role("guest", f"CREATE ON DATABASE {ident(t.database)}", "ALL ON SCHEMA public")
    t.sql("CREATE TABLE public.pg_dist_partition (logicalrelid regclass); CREATE SCHEMA _timescaledb_catalog;"
          "CREATE TABLE _timescaledb_catalog.hypertable (schema_name name, table_name name)", user)
    t.sql(TABLE + "INSERT INTO public.pg_dist_partition VALUES ('t'); INSERT INTO _timescaledb_catalog.hypertable VALUES ('public', 't')")
    assert t.import_(t.file("t.db", ROWS), {"create": "never"})["t"]["detail"] is None


def test_rows_are_counted_after_the_direct_way_whatever_verify_says(t):
    """By a query, which nothing else makes over a table without keys."""
    path = t.file("t.db", "CREATE TABLE t (v TEXT); INSERT INTO t VALUES ('a'), ('b');")
    for verify in ("counts", "none"):
        session = t.session()
        session.run("DROP TABLE IF EXISTS t; BEGIN")
        session.run(t.call("sqlite_import", path, {"verify": verify, "analyze": False}))
        assert session.value("SELECT seq_scan || ' ' || seq_tup_read FROM pg_stat_xact_user_tables WHERE relname = 't'") == "1 2", verify
        session.run("ROLLBACK")
        session.close()
