"""What stands in an export's way, by accident or on purpose: paths, other transactions, owners, shapes of tables."""

import json
import os
import stat

import pytest

import sqlstates as s
from client import fails
from cluster import Server
from exports import call, cells, export, findings, in_encoding, left_behind, opened, schema
from harness import ident, quote, until

TABLE = "CREATE TABLE p (id int PRIMARY KEY, name text); INSERT INTO p VALUES (1, 'a'), (2, 'b')"
ROWS = [(1, "a"), (2, "b")]
REWRITTEN = object()


@pytest.mark.parametrize("name", ["a?mode=ro.db", "a%41#b.db", "a'b\"c.db", "a\nb.db", "file:a.db", "ä ö.db", ":memory:", "-a.db", "a\\b.db"])
def test_odd_names_of_files(t, name):
    t.sql(TABLE)
    path, _ = export(t, name)
    assert os.listdir(t.dir) == [name]
    path.rename(t.dir / "read.db")
    assert cells(t.dir / "read.db", "SELECT * FROM p") == ROWS


def test_a_name_that_is_not_utf8(t):
    """A database of one byte a character may name a file by bytes that are no UTF-8, or not in the database's encoding."""
    run = in_encoding(t, "SQL_ASCII")
    run(TABLE)
    with fails(s.UNTRANSLATABLE + ("22021",), "UTF-?8|encoding"):
        run(f"SELECT 1 FROM sqlite_export({quote(str(t.dir))} || '/' || chr(228) || '.db')")
    run = in_encoding(t, "LATIN1")
    run(TABLE)
    run(f"SELECT 1 FROM sqlite_export({quote(str(t.dir / 'ä1.db'))})")
    assert os.listdir(os.fsencode(t.dir)) == ["ä1.db".encode()]


def test_places_that_take_no_file(t):
    t.sql(TABLE)
    locked = t.own(t.dir, 0o755) / "locked"
    locked.mkdir()
    t.own(locked, 0o555)
    with fails(s.UNREADABLE, 'could not create file ".*a.db": permission denied'):
        t.sql(call(locked / "a.db"))
    with fails(("42602",), "could not create|too long|invalid"):
        t.sql(call(t.dir / ("n" * 300)))
    # The next export would take it for what a crash has left.
    with fails(("42602",), "its name begins with .sqlite_export.", hint="another name"):
        t.sql(call(t.dir / ".sqlite_export.4194305.0"))
    os.mkfifo(t.dir / "fifo")
    t.own(t.dir / "fifo")
    with fails(("58P02",), "already exists"):
        t.sql(call(t.dir / "fifo"))
    for special in (t.dir / "fifo", "/dev/null", "/dev/full"):
        with fails(s.NOT_A_FILE + s.UNREADABLE, "not a regular file|could not"):
            t.sql(call(special, {"overwrite": True}))
    assert stat.S_ISFIFO(os.stat(t.dir / "fifo").st_mode)


def test_a_directory_that_is_another_at_the_end(t):
    """The directory is moved away and another one put in its place: nothing is written there, and nothing is left in the first."""
    t.sql(TABLE)
    folder, elsewhere, moved = (t.dir / name for name in ("folder", "elsewhere", "moved"))
    for place in (folder, elsewhere):
        place.mkdir()
        t.own(place)
    session = t.session()
    session.run(f"BEGIN; {call(folder / 'a.db')}")
    folder.rename(moved)
    folder.symlink_to(elsewhere)
    with fails(s.MISSING + ("58030",), "could not create file"):
        session.run("COMMIT")
    assert os.listdir(elsewhere) == [] and cells_of_p(t) == 2
    # What lies where nobody can reach it by its name goes with the next export into its directory, when its process is gone.
    session.close()
    until(lambda: not os.path.exists(f"/proc/{session.pid}"), "the session ends")
    t.sql(call(moved / "b.db"))
    assert os.listdir(moved) == ["b.db"]


def cells_of_p(t):
    return int(t.value("SELECT count(*) FROM p"))


def test_in_a_loop_with_handlers(t):
    """Each block is a subtransaction: what failed leaves nothing, what did not is there."""
    t.sql(TABLE + "; CREATE TABLE bad (v float8); INSERT INTO bad VALUES ('NaN')")
    t.sql(f"""DO $$ DECLARE n int; BEGIN
        FOR n IN 1..6 LOOP
            BEGIN
                PERFORM sqlite_export({quote(str(t.dir))} || '/' || n || '.db', jsonb_build_object('include', CASE WHEN n % 2 = 0 THEN '["p"]'::jsonb ELSE '["bad"]' END));
                BEGIN
                    PERFORM sqlite_export({quote(str(t.dir))} || '/inner' || n || '.db', '{{"include": ["p"]}}');
                    IF n = 4 THEN RAISE division_by_zero; END IF;
                EXCEPTION WHEN division_by_zero THEN NULL;
                END;
                IF n = 6 THEN RAISE EXCEPTION 'late'; END IF;
            EXCEPTION WHEN data_exception OR raise_exception THEN NULL;
            END;
        END LOOP; END $$""")
    assert left_behind(t) == ["2.db", "4.db", "inner2.db"]
    assert cells(t.dir / "4.db", "SELECT * FROM p") == ROWS
    # A procedure that commits on its way: each transaction has its file.
    t.sql(f"""DO $$ BEGIN
        PERFORM sqlite_export({quote(str(t.dir / 'one.db'))}, '{{"include": ["p"]}}'); COMMIT;
        PERFORM sqlite_export({quote(str(t.dir / 'two.db'))}, '{{"include": ["p"]}}'); ROLLBACK;
        PERFORM sqlite_export({quote(str(t.dir / 'three.db'))}, '{{"include": ["p"]}}'); END $$""")
    assert left_behind(t) == ["2.db", "4.db", "inner2.db", "one.db", "three.db"]
    # A cursor that outlives its transaction has its rows by then.
    session = t.session()
    session.run(f"BEGIN; DECLARE c CURSOR WITH HOLD FOR {call(t.dir / 'held.db', {'include': ['p']})}; COMMIT")
    assert session.value("FETCH c").split("|")[1] == "p" and cells(t.dir / "held.db", "SELECT * FROM p") == ROWS


@pytest.mark.parametrize("change, expected", [
    ("DROP TABLE p", None), ("ALTER TABLE p RENAME TO r", ("r", ROWS)), ("ALTER TABLE p ADD COLUMN more int DEFAULT 7", ("p", [(1, "a", 7), (2, "b", 7)])),
    ("ALTER TABLE p DROP COLUMN id", ("p", [("a",), ("b",)])), ("ALTER TABLE p ALTER COLUMN id TYPE text", REWRITTEN),
    ("ALTER TABLE p SET SCHEMA other", None), ("TRUNCATE p", REWRITTEN), ("DROP TABLE p; CREATE TABLE p (v text); INSERT INTO p VALUES ('new')", REWRITTEN),
    ("ALTER TABLE p ENABLE ROW LEVEL SECURITY", ("p", ROWS)), ("DROP TABLE p; CREATE VIEW p AS SELECT 1 AS x", None),
    ("REFRESH MATERIALIZED VIEW q", REWRITTEN), ("TRUNCATE part_1", REWRITTEN), ("CLUSTER p USING p_pkey", REWRITTEN),
], ids=lambda value: value.replace(" ", "_")[:40] if isinstance(value, str) else "")
def test_a_table_that_changes_before_it_is_locked(t, change, expected):
    """The export waits for whoever changes it, and exports what is there then."""
    t.sql(TABLE + "; CREATE SCHEMA other; CREATE TABLE r0 (n int); CREATE MATERIALIZED VIEW q AS SELECT count(*) AS n FROM r0; CREATE TABLE part (k int) PARTITION BY LIST (k)")
    t.sql("CREATE TABLE part_1 PARTITION OF part FOR VALUES IN (1); INSERT INTO part VALUES (1)")
    other, session = t.session(), t.session()
    other.run(f"BEGIN; {change}")
    session.send(call(t.dir / "a.db"))
    until(lambda: t.value(f"SELECT coalesce(wait_event_type, '') FROM pg_stat_activity WHERE pid = {session.pid}") == "Lock" or not session.running(), "the export waits")
    assert session.running()
    other.run("COMMIT")
    if expected is REWRITTEN:
        with fails(s.SERIALIZATION, "was made or rewritten by another transaction meanwhile", hint="Run it again"):
            session.wait()
        assert left_behind(t) == []
        session.run(call(t.dir / "a.db"))
        return
    session.wait()
    with opened(t.dir / "a.db") as db:
        tables = {name for name, in db.execute("SELECT name FROM sqlite_schema WHERE type = 'table'")}
    assert tables == {"q", "part", "r0", *([expected[0]] if expected else [])}, tables
    if expected:
        assert cells(t.dir / "a.db", f"SELECT * FROM {expected[0]}") == expected[1]


def test_what_the_transaction_itself_has_rewritten(t):
    t.sql(TABLE)
    t.sql(f"BEGIN; TRUNCATE p; INSERT INTO p VALUES (3, 'c'); ALTER TABLE p ALTER COLUMN id TYPE text; CREATE TABLE q AS SELECT 1 AS n; {call(t.dir / 'a.db')}; COMMIT")
    assert cells(t.dir / "a.db", "SELECT * FROM p, q") == [("3", "c", 1)]
    # Under an older snapshot.
    session = t.session()
    session.run("BEGIN ISOLATION LEVEL REPEATABLE READ; SELECT 1")
    t.sql("ALTER TABLE p ALTER COLUMN id TYPE integer USING id::integer")
    for sql in (call(t.dir / "b.db"), f"SELECT * FROM verify_export({quote(str(t.dir / 'a.db'))})", "SELECT sqlite_export_bytes()"):
        with fails(s.SERIALIZATION, "table (public.)?p was made or rewritten by another transaction meanwhile"):
            session.run(f"SAVEPOINT s; {sql}")
        session.run("ROLLBACK TO s")


def test_policies_never_hide_rows(t):
    """A role under policies is refused, one above them gets every row; also where the owner is under his own."""
    t.sql(TABLE + "; ALTER TABLE p ENABLE ROW LEVEL SECURITY; CREATE POLICY q ON p USING (id = 1)")
    reader, above, owner = t.role("reader", "pg_write_server_files"), t.role("above", "pg_write_server_files"), t.role("owning", "pg_write_server_files")
    t.sql("GRANT SELECT ON p TO reader, above; ALTER ROLE above BYPASSRLS; ALTER TABLE p OWNER TO owning; GRANT USAGE ON SCHEMA public TO PUBLIC")
    for setting in ("on", "off"):
        with fails(s.PRIVILEGE, "row-level security applies"):
            t.sql(f"SET row_security = {setting}; {call(t.dir / 'r.db')}", reader)
        with fails(s.PRIVILEGE, "row-level security applies"):
            t.sql(f"SET row_security = {setting}; SELECT sqlite_export_bytes()", reader)
        for user in (above, owner, "postgres"):
            t.sql(f"SET row_security = {setting}; {call(t.dir / f'{user}.db', {'overwrite': True})}", user)
            assert cells(t.dir / f"{user}.db", "SELECT * FROM p") == ROWS
    t.sql("ALTER TABLE p FORCE ROW LEVEL SECURITY")
    with fails(s.PRIVILEGE, "row-level security"):
        t.sql(call(t.dir / "f.db"), owner)
    # A superuser reads it with its owner's rights, and the owner may not see all rows.
    with fails(s.PRIVILEGE, "row-level security"):
        t.sql(call(t.dir / "f.db"))
    assert not (t.dir / "f.db").exists()
    t.sql("ALTER TABLE p NO FORCE ROW LEVEL SECURITY; ALTER TABLE p DISABLE ROW LEVEL SECURITY; CREATE TABLE part (id int, v text) PARTITION BY LIST (id); CREATE TABLE part_1 PARTITION OF part FOR VALUES IN (1); INSERT INTO part VALUES (1, 'x')")
    # Policies of a partition hold for queries on the partition only, as everywhere in PostgreSQL.
    t.sql("ALTER TABLE part_1 ENABLE ROW LEVEL SECURITY; GRANT SELECT ON part TO reader")
    t.sql(call(t.dir / "part.db", {"include": ["part"]}), reader)
    assert cells(t.dir / "part.db", "SELECT * FROM part") == [(1, "x")]


def test_code_of_owners_in_every_place(t):
    """Whatever an owner can put around a table or into a schema runs with his rights, or not at all, while a superuser exports."""
    hostile = t.role("hostile")
    t.sql(f'GRANT CREATE ON DATABASE "{t.database}" TO hostile')
    t.sql("""CREATE SCHEMA trap; GRANT ALL ON SCHEMA trap TO PUBLIC; CREATE TABLE trap.ran (who text, what text); GRANT ALL ON trap.ran TO PUBLIC;
        CREATE FUNCTION trap.note(what text) RETURNS bool LANGUAGE plpgsql AS $$ BEGIN INSERT INTO trap.ran VALUES (current_user, what); RETURN true; END $$;
        CREATE FUNCTION trap.evil(int, what text) RETURNS int IMMUTABLE LANGUAGE plpgsql AS $$ BEGIN PERFORM trap.note(what); RETURN $1; END $$;
        CREATE DOMAIN trap.dom AS int CHECK (trap.evil(VALUE, 'domain') = VALUE);
        CREATE TYPE trap.pair AS (a int, b text);
        CREATE FUNCTION trap.shown(trap.pair) RETURNS text LANGUAGE plpgsql IMMUTABLE AS $$ BEGIN PERFORM trap.note('cast'); RETURN 'x'; END $$;
        CREATE CAST (trap.pair AS text) WITH FUNCTION trap.shown(trap.pair) AS IMPLICIT;
        CREATE FUNCTION trap.canonical(int, int) RETURNS float8 LANGUAGE plpgsql IMMUTABLE AS $$ BEGIN PERFORM trap.note('range'); RETURN $1 - $2; END $$;
        CREATE TYPE trap.span AS RANGE (subtype = int, subtype_diff = trap.canonical);
        CREATE FUNCTION trap.later() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN PERFORM trap.note('trigger'); RETURN NEW; END $$;
        CREATE TABLE trap.t (id int PRIMARY KEY, d trap.dom, p trap.pair, s trap.span, g int GENERATED ALWAYS AS (trap.evil(id, 'generated')) STORED,
                             n int DEFAULT trap.evil(1, 'default'), CHECK (trap.evil(id, 'check') > 0));
        INSERT INTO trap.t VALUES (1, 2, (3, 'x'), '[1,4)');
        CREATE TRIGGER later BEFORE INSERT OR UPDATE ON trap.t FOR EACH ROW EXECUTE FUNCTION trap.later();
        CREATE INDEX ON trap.t (trap.evil(id, 'index')); CREATE INDEX ON trap.t (id) WHERE trap.evil(1, 'predicate') = 1; CREATE STATISTICS trap.st ON (trap.evil(id, 'statistics')) , id FROM trap.t;
        CREATE POLICY pol ON trap.t USING (trap.evil(1, 'policy') = 1); ALTER TABLE trap.t ENABLE ROW LEVEL SECURITY;
        CREATE VIEW trap.v AS SELECT id, trap.evil(id, 'view') AS e FROM trap.t; CREATE TABLE trap.seen (id int); CREATE VIEW trap.w AS SELECT id FROM trap.seen WHERE id > 0;
        CREATE MATERIALIZED VIEW trap.m AS SELECT id FROM trap.t; CREATE INDEX ON trap.m (trap.evil(id, 'matview'));
        CREATE TABLE trap.heir () INHERITS (trap.t); CREATE TABLE trap.parted (k int) PARTITION BY RANGE (k);
        CREATE TABLE trap.parted_1 PARTITION OF trap.parted FOR VALUES FROM (0) TO (9); INSERT INTO trap.parted VALUES (1); CREATE INDEX ON trap.parted (trap.evil(k, 'partition'))""", hostile)
    t.sql("ANALYZE trap.t")
    t.sql("TRUNCATE trap.ran", hostile)
    plan = {"schema": "trap", "exclude": ["ran"]}
    path = t.dir / "a.db"
    t.sql(f"SET search_path = trap, public; {call(path, plan)}")
    t.sql(f"SET search_path = trap, public; SELECT * FROM verify_export({quote(str(path))}, '{{\"schema\": \"trap\", \"exclude\": [\"ran\"]}}')")
    t.sql("SELECT sqlite_export_bytes('{\"schema\": \"trap\", \"exclude\": [\"ran\"]}')")
    assert t.value("SELECT coalesce(string_agg(DISTINCT who || ' ' || what, ', '), '') FROM trap.ran WHERE who <> 'hostile'") == ""
    assert cells(path, "SELECT id, d, p, s, g, n FROM t") == [(1, 2, "(3,x)", "[1,4)", 1, 1)] and cells(path, "SELECT * FROM parted") == [(1,)] and cells(path, "SELECT * FROM m") == [(1,)]
    assert schema(path).keys() >= {"t", "w", "m", "heir", "parted"} and "v" not in schema(path)


def test_operators_of_others_on_the_search_path(t):
    """What the export asks the catalogs is asked by PostgreSQL's own operators."""
    t.role("hostile")
    t.sql(TABLE + "; CREATE SCHEMA evil; GRANT ALL ON SCHEMA evil TO PUBLIC; CREATE TABLE evil.ran (who text); GRANT ALL ON evil.ran TO PUBLIC")
    for left, right in (("oid", "oid"), ("oid", "int"), ("text", "text"), ("name", "name"), ("int", "int")):
        t.sql(f"""CREATE FUNCTION evil.same({left}, {right}) RETURNS bool LANGUAGE plpgsql AS $$ BEGIN INSERT INTO evil.ran VALUES (current_user); RETURN true; END $$;
                  CREATE OPERATOR evil.= (FUNCTION = evil.same, LEFTARG = {left}, RIGHTARG = {right})""", "hostile")
    t.sql(f"SET search_path = evil, pg_catalog, public; {call(t.dir / 'a.db')}")
    assert cells(t.dir / "a.db", "SELECT * FROM p") == ROWS
    assert t.value("SELECT count(*) FROM evil.ran") == "0"


def test_an_owner_who_may_not_read_his_table(t):
    """A superuser reads it with the owner's rights: that fails, and says whose."""
    t.role("hostile")
    t.sql(TABLE + "; ALTER TABLE p OWNER TO hostile; REVOKE ALL ON p FROM hostile")
    with fails(s.PRIVILEGE, "permission denied for (table|schema)"):
        t.sql(call(t.dir / "a.db"))
    assert left_behind(t) == []


def test_shapes_of_tables(t):
    """Wide, without columns, without rows, unlogged, temporary, inherited, partitioned twice; names that SQLite keeps to itself, or takes for equal."""
    wide = ", ".join(f"c{n} int" for n in range(1600))
    t.sql(f"""CREATE TABLE wide ({wide}); INSERT INTO wide (c0, c1599) VALUES (1, 2); CREATE TABLE none (); INSERT INTO none DEFAULT VALUES; CREATE TABLE bare (a int);
        CREATE UNLOGGED TABLE unlogged (a int); INSERT INTO unlogged VALUES (3);
        CREATE TABLE "Same" (a int, "A" int); CREATE TABLE same (b int); INSERT INTO "Same" VALUES (1, 2); INSERT INTO same VALUES (3); CREATE INDEX "SAME" ON same (b);
        CREATE TABLE sqlite_x (a int PRIMARY KEY); INSERT INTO sqlite_x VALUES (4); CREATE TABLE "SQLite_Sequence" (rowid int, oid int, _rowid_ int); INSERT INTO "SQLite_Sequence" VALUES (5, 6, 7);
        CREATE INDEX sqlite_i ON bare (a); CREATE VIEW sqlite_v AS SELECT a FROM bare; CREATE TABLE "a""b'c`d[e]" ("f""g'h`i[j]" int, x int);
        CREATE TABLE tree (k int, l int) PARTITION BY LIST (k); CREATE TABLE tree_1 PARTITION OF tree FOR VALUES IN (1) PARTITION BY RANGE (l);
        CREATE TABLE tree_1_1 PARTITION OF tree_1 FOR VALUES FROM (0) TO (10); CREATE TABLE tree_d PARTITION OF tree DEFAULT; INSERT INTO tree VALUES (1, 5), (2, 50);
        CREATE TABLE a (n int); CREATE TABLE b (m int) INHERITS (a); CREATE TABLE c () INHERITS (a, b); INSERT INTO a VALUES (1); INSERT INTO b VALUES (2, 2); INSERT INTO c VALUES (3, 3);
        CREATE EXTENSION file_fdw; CREATE SERVER f FOREIGN DATA WRAPPER file_fdw; CREATE FOREIGN TABLE away (v text) SERVER f OPTIONS (filename '/etc/hostname')""")
    path, rows = export(t)
    assert {row["rows"] for row in rows.values()} <= {0, 1, 2}
    assert cells(path, "SELECT c0, c1599 FROM wide") == [(1, 2)]
    tables = {row["table"]: row["target"] for row in rows.values()}
    assert "none" not in tables and "away" not in tables
    read = lambda name: cells(path, f"SELECT * FROM {ident(tables[name])}")  # noqa: E731
    assert (read("Same"), read("same"), read("sqlite_x"), read("SQLite_Sequence"), read("unlogged")) == ([(1, 2)], [(3,)], [(4,)], [(5, 6, 7)], [(3,)])
    assert read("bare") == [] and read('a"b\'c`d[e]') == [] and sorted(read("tree")) == [(1, 5), (2, 50)]
    assert (read("a"), read("b"), read("c")) == ([(1,)], [(2, 2)], [(3, 3)])
    said = " | ".join(findings(t))
    for part in ("none: no column", "away: a foreign table is not carried over", "sqlite_x"):
        assert part in said, said
    assert t.rows(f"SELECT * FROM verify_export({quote(str(path))}) WHERE NOT ok") == []
    # Temporary tables are in a schema that a plan may name.
    session = t.session()
    session.run("CREATE TEMP TABLE mine (a int); INSERT INTO mine VALUES (8)")
    temporary = session.value("SELECT nspname FROM pg_namespace WHERE oid = pg_my_temp_schema()")
    session.run(call(t.dir / "temp.db", {"schema": temporary}))
    assert cells(t.dir / "temp.db", "SELECT * FROM mine") == [(8,)]
    with fails(s.PRIVILEGE + ("55000",), "mine: the table cannot be read: it belongs to another session"):
        t.sql(call(t.dir / "other.db", {"schema": temporary}))


def test_schemas_of_the_server(t):
    """Catalogs have types and shapes that no user's tables have."""
    for name in ("information_schema", "sqlite_migrate"):
        t.sql(call(t.dir / f"{name}.db", {"schema": name, "on_invalid": "text"}))
        assert t.rows(f"SELECT * FROM verify_export({quote(str(t.dir / f'{name}.db'))}, '{{\"schema\": \"{name}\", \"on_invalid\": \"text\", \"exclude\": [\"pg_stat*\", \"log_*\"]}}') WHERE NOT ok") == []
    # Functions of one name print as one text.
    with fails(("23505",), "pg_aggregate.aggfnoid"):
        t.sql(call(t.dir / "pg_catalog.db", {"schema": "pg_catalog", "on_invalid": "text"}))
    # Some catalogs have no file in pg_class.
    plan = {"schema": "pg_catalog", "include": ["pg_class", "pg_database", "pg_namespace"]}
    path, _ = export(t, "some.db", plan)
    assert cells(path, "SELECT relfilenode FROM pg_class WHERE relname = 'pg_class'") == [("0",)]
    assert t.rows(f"SELECT * FROM verify_export({quote(str(path))}, {quote(json.dumps(plan))}) WHERE NOT ok") == []


ODD = {"pg_lsn": "'16/B374D848'", "jsonpath": "'$.a[*] ? (@ > 1)'", '"char"': "'x'", "name": "'n'", "oidvector": "'1 2'", "int2vector": "'1 2'", "path": "'[(0,0),(1,1)]'", "polygon": "'((0,0),(1,1),(1,0))'",
       "circle": "'<(0,0),1>'", "line": "'{1,2,3}'", "lseg": "'[(0,0),(1,1)]'", "regproc": "'now'", "regtype": "'integer'", "xid8": "'4294967296'", "xid": "'7'", "cid": "'1'", "txid_snapshot": "'10:20:10,14'",
       "refcursor": "'c'", "aclitem": "'postgres=r/postgres'", "tsquery[]": "ARRAY['a & b'::tsquery]", "mood[]": "'{low,\"x,y\"}'", "small": "3", "small[]": "'{1,2}'", "words": "'{a,b}'", "pair": "'(1,\"x, y\")'",
       "pair[]": "ARRAY['(1,x)'::pair, '(2,)']", "nested": "ROW('(1,a)'::pair, ARRAY[1, 2])", "covered": "'(1,x)'", "timetz[]": "'{10:00+02}'", "bit(3)[]": "'{101,010}'", "money[]": "'{1.50}'", "date[]": "'{2024-02-29}'",
       "char(3)[]": "'{ab}'", "uuid[]": "'{a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11}'", "inet[]": "'{10.0.0.1}'", "datemultirange": "'{[2024-01-01,2024-01-05)}'", "int4range[]": "'{\"[1,2)\"}'", "jsonpath[]": "ARRAY['$.a'::jsonpath]"}


def test_types_that_are_rare(t):
    """Each is there as PostgreSQL prints it, and is read back as the same value."""
    t.sql("""CREATE TYPE mood AS ENUM ('low', 'x,y'); CREATE DOMAIN small AS int CHECK (VALUE < 9); CREATE DOMAIN words AS text[]; CREATE TYPE pair AS (a int, b text); CREATE TYPE nested AS (p pair, n int[]); CREATE DOMAIN covered AS pair""")
    for at, (kind, value) in enumerate(ODD.items()):
        t.sql(f"CREATE TABLE odd_{at} (n int, v {kind}); INSERT INTO odd_{at} VALUES (1, {value}), (2, NULL)")
    path, rows = export(t)
    assert len(rows) == len(ODD) and t.rows(f"SELECT * FROM verify_export({quote(str(path))}) WHERE NOT ok") == []
    for at, kind in enumerate(ODD):
        (text,), (none,) = cells(path, f"SELECT v FROM odd_{at} ORDER BY n")
        assert none is None
        if kind.endswith("[]") or kind == "words":
            assert text.startswith("["), (kind, text)
        else:
            assert t.shown(f"SELECT v::text FROM odd_{at} WHERE n = 1") == str(text), (kind, text)


def test_encodings_of_names(t):
    for encoding in ("LATIN1", "SQL_ASCII"):
        run = in_encoding(t, encoding)
        run("CREATE TABLE \"größe\" (\"ä\" text, CHECK (\"ä\" <> 'ö')); INSERT INTO \"größe\" VALUES ('é'); COMMENT ON TABLE \"größe\" IS 'ü'")
        path = t.dir / f"{encoding}.db"
        run(call(path))
        assert cells(path, 'SELECT "ä" FROM "größe"') == [("é",)] and "-- ü" in schema(path)["größe"]
        run(f"SELECT 1 / (count(*) FILTER (WHERE ok) - count(*) + 1) FROM verify_export({quote(str(path))})")


def test_a_transaction_that_is_prepared(t):
    """It cannot say later whether it was committed: refused, and nothing stays. What was taken back before does not stand against it."""
    server = Server(f"{t.server.name}_prepared", "max_prepared_transactions = 5")
    server.start()
    try:
        server.run("postgres", f"CREATE EXTENSION pg_sqlite_migrate; {TABLE}")
        with fails(s.UNSUPPORTED, "cannot PREPARE a transaction that has written a SQLite file"):
            server.run("postgres", f"BEGIN; {call(t.dir / 'a.db')}; PREPARE TRANSACTION 'x'")
        assert left_behind(t) == [] and server.value("postgres", "SELECT count(*) FROM pg_prepared_xacts") == "0"
        server.run("postgres", f"BEGIN; SAVEPOINT s; {call(t.dir / 'a.db')}; ROLLBACK TO s; SELECT sqlite_export_bytes() IS NULL; PREPARE TRANSACTION 'y'")
        assert left_behind(t) == []
        server.run("postgres", "COMMIT PREPARED 'y'")
        with fails(s.UNSUPPORTED, "cannot PREPARE a transaction that has written a SQLite file"):
            server.run("postgres", f"BEGIN; SELECT * FROM sqlite_backup({quote(str(t.file('src.db', 'CREATE TABLE s (a)')))}, {quote(str(t.dir / 'copy.db'))}); PREPARE TRANSACTION 'z'")
        assert left_behind(t) == ["src.db"]
        # A run that was prepared is taken back as any other, in a transaction that is prepared as well.
        server.run("postgres", f"BEGIN; {t.call('sqlite_import', t.dir / 'src.db', {'schema': 'app'})}; PREPARE TRANSACTION 'run'")
        with fails(s.NO_RUN, "no recorded run"):
            server.run("postgres", "SELECT * FROM sqlite_rollback(1)")
        server.run("postgres", "COMMIT PREPARED 'run'")
        server.run("postgres", "BEGIN; SELECT * FROM sqlite_rollback(1); PREPARE TRANSACTION 'back'; ROLLBACK PREPARED 'back'")
        assert server.value("postgres", "SELECT to_regclass('app.s') IS NOT NULL AND status = 'done' FROM sqlite_migrate.run") == "t"
        server.run("postgres", "BEGIN; SELECT * FROM sqlite_rollback(1); PREPARE TRANSACTION 'back'; COMMIT PREPARED 'back'")
        assert server.value("postgres", "SELECT to_regclass('app.s') IS NULL AND status = 'rolled back' FROM sqlite_migrate.run") == "t"
    finally:
        server.stop()
