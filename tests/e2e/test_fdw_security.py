"""Who may open what, what a hostile file can reach, and how options are refused."""

import sqlite3

from fdw_ways import server
from harness import quote
from test_bad_input import drop

PLAIN = "CREATE TABLE t (id INTEGER PRIMARY KEY, v TEXT); INSERT INTO t VALUES (1, 'a'), (2, 'b');"


def role(t, name, *grants):
    user = f"{name}_{t.database[-40:]}"
    t.sql(f'DROP ROLE IF EXISTS "{user}"; CREATE ROLE "{user}" LOGIN; GRANT CREATE ON SCHEMA public TO "{user}";'
          f'GRANT USAGE ON FOREIGN DATA WRAPPER pg_sqlite_fdw TO "{user}"' + "".join(f'; GRANT {grant} TO "{user}"' for grant in grants)).ok()
    return user


def create(name, path, options=""):
    return f"CREATE SERVER {name} FOREIGN DATA WRAPPER pg_sqlite_fdw OPTIONS (database {quote(str(path))}{options})"


def test_only_readers_of_server_files_name_a_file(t):
    path = t.file("p.db", PLAIN)
    nobody, reader = role(t, "nobody"), role(t, "reader", "pg_read_server_files")
    try:
        t.sql(create("x", path), nobody).fails("42501", message="database|permission")
        t.sql("CREATE SERVER x FOREIGN DATA WRAPPER pg_sqlite_fdw", nobody).fails("42501", "HV00J", "HV00B", "HV00D")
        t.sql(create("x", path), reader).ok()
        t.sql("CREATE FOREIGN TABLE t (id bigint, v text) SERVER x; SELECT count(*) FROM t", reader).ok()
        # A server that was given away: its new owner cannot point it elsewhere, nor leave `database` out to do so later.
        t.sql(f'ALTER SERVER x OWNER TO "{nobody}"').ok()
        t.sql("ALTER SERVER x OPTIONS (SET database '/etc/passwd')", nobody).fails("42501")
        t.sql("ALTER SERVER x OPTIONS (DROP database)", nobody).fails("42501", "HV00J", "HV00B", "HV00D")
        t.sql("ALTER SERVER x OPTIONS (ADD updatable 'true')", nobody)
        # Who may use the table reads it, as with file_fdw.
        t.sql(f'GRANT SELECT ON t TO "{nobody}"').ok()
        assert t.sql("SELECT count(*) FROM t", nobody).ok().out.strip() == "2"
        t.sql("SELECT count(*) FROM t", role(t, "third")).fails("42501")
    finally:
        t.sql("DROP SERVER IF EXISTS x CASCADE")
        for user in (nobody, reader, f"third_{t.database[-40:]}"):
            drop(t, user)


def test_usage_on_the_wrapper_opens_nothing(t):
    path = t.file("p.db", PLAIN)
    nobody = role(t, "nobody")
    try:
        server(t, "x", path)
        t.sql("CREATE FOREIGN TABLE mine (id bigint) SERVER x OPTIONS (table 't')", nobody).fails("42501")
        t.sql("IMPORT FOREIGN SCHEMA main FROM SERVER x INTO public", nobody).fails("42501")
        for name in ("t'; DROP TABLE t; --", "main.t", '"t"', "t; ATTACH '/etc/passwd' AS p"):
            t.sql(f"CREATE FOREIGN TABLE odd (id bigint) SERVER x OPTIONS (table {quote(name)})").ok()
            t.sql("SELECT * FROM odd").fails("42P01", "HV00R", "HV00L")
            t.sql("DROP FOREIGN TABLE odd").ok()
        assert sqlite3.connect(path).execute("SELECT count(*) FROM t").fetchone() == (2,)
    finally:
        drop(t, nobody)


def test_writing_needs_the_owner_s_right(t):
    path = t.file("p.db", PLAIN)
    reader, writer = role(t, "reader", "pg_read_server_files"), role(t, "writer", "pg_read_server_files", "pg_write_server_files")
    try:
        for user, allowed in ((reader, False), (writer, True)):
            t.sql(create("x", path, ", updatable 'true', truncatable 'true'"), user).ok()
            t.sql("CREATE FOREIGN TABLE t (id bigint, v text) SERVER x", user).ok()
            for who in (user, "postgres"):  # a superuser who writes does not make up for the owner
                for sql in ("INSERT INTO t VALUES (50, 'n')", "UPDATE t SET v = 'n' WHERE id = 50", "DELETE FROM t WHERE id = 50", "COPY t FROM STDIN\n;\n50\tn\n\\.\n", "TRUNCATE t"):
                    result = t.sql("BEGIN; " + sql + "; ROLLBACK", who)
                    assert (result.sqlstate is None) == allowed, (user, who, sql, result.sqlstate, result.message)
                    assert allowed or result.sqlstate in ("42501", "55000", "0A000"), result
            t.sql("DROP SERVER x CASCADE").ok()
        assert sqlite3.connect(path).execute("SELECT count(*) FROM t").fetchone() == (2,)
    finally:
        t.sql("DROP SERVER IF EXISTS x CASCADE")
        drop(t, reader)
        drop(t, writer)


def test_allowed_directories(t):
    path = t.file("p.db", PLAIN)
    server(t, "x", path)
    t.sql("CREATE FOREIGN TABLE t (id bigint, v text) SERVER x").ok()
    t.sql(f"ALTER DATABASE \"{t.database}\" SET pg_sqlite_migrate.allowed_directories = '/nowhere'").ok()
    t.sql("SELECT * FROM t").fails("42501", message="allowed_directories|directories")
    t.sql("IMPORT FOREIGN SCHEMA main FROM SERVER x INTO public").fails("42501")
    t.sql(f"ALTER DATABASE \"{t.database}\" SET pg_sqlite_migrate.allowed_directories = {quote(str(t.dir))}").ok()
    assert t.value("SELECT count(*) FROM t") == "2"
    (t.dir / "sub").mkdir()
    t.own(t.dir / "sub")
    (t.dir / "sub" / "link.db").symlink_to("/etc/passwd")
    t.sql(f"ALTER SERVER x OPTIONS (SET database {quote(str(t.dir / 'sub' / 'link.db'))})")
    t.sql("SELECT * FROM t").fails("42501")
    t.sql(f"ALTER SERVER x OPTIONS (SET database {quote(str(t.dir) + '/../../etc/passwd')})")
    t.sql("SELECT * FROM t").fails("42501", "58P01")


def test_files_that_are_no_database(t):
    """As everywhere: the right SQLSTATE when the file is opened, whatever it is."""
    letter = t.dir / "letter.db"
    letter.write_text("Dear all,\n" * 500)
    t.own(letter)
    for path, sqlstates in ((letter, ("22P03",)), (t.dir, ("42809",)), (t.dir / "missing.db", ("58P01",)), ("/dev/zero", ("42809",))):
        made = t.sql(create("x", path))
        if made.sqlstate is None:
            t.sql("CREATE FOREIGN TABLE t (id bigint) SERVER x").ok()
            t.sql("SELECT * FROM t").fails(*sqlstates, hint=".")
            t.sql("IMPORT FOREIGN SCHEMA main FROM SERVER x INTO public").fails(*sqlstates)
            t.sql("DROP SERVER x CASCADE").ok()
        else:
            made.fails(*sqlstates)
    t.sql(create("x", "relative.db")).fails("42602", "22023", message="absolute")


def test_hostile_views_and_triggers(t):
    """What a file's own SQL asks for is refused: files, extensions, other databases."""
    victim, out = t.file("victim.db", PLAIN), t.dir / "written"
    path = t.dir / "hostile.db"
    db = sqlite3.connect(path)
    db.executescript(PLAIN)
    statements = [line.strip() for line in f"""
        CREATE TABLE log (id INTEGER PRIMARY KEY, said)
        CREATE VIEW v_load AS SELECT load_extension('/tmp/evil.so') AS x
        CREATE VIEW v_read AS SELECT readfile('/etc/passwd') AS x
        CREATE VIEW v_write AS SELECT writefile('{out}', 'x') AS x
        CREATE VIEW v_fts AS SELECT fts3_tokenizer('simple', x'4141414141414141') AS x
        CREATE VIEW v_pragma AS SELECT file AS x FROM pragma_database_list
        CREATE VIEW v_blob AS SELECT zeroblob(2000000000) AS x
        CREATE VIEW v_endless AS WITH RECURSIVE r (n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM r) SELECT n AS x FROM r
        CREATE TABLE tl (id INTEGER PRIMARY KEY)
        CREATE TRIGGER tl_i AFTER INSERT ON tl BEGIN SELECT load_extension('/tmp/evil.so'); END
        CREATE TABLE tw (id INTEGER PRIMARY KEY)
        CREATE TRIGGER tw_i AFTER INSERT ON tw BEGIN SELECT writefile('{out}', 'x'); END
        CREATE TABLE tg (id INTEGER PRIMARY KEY)
        CREATE TRIGGER tg_i AFTER INSERT ON tg BEGIN INSERT INTO log (said) VALUES ('harmless'); END
        CREATE TABLE ts (id INTEGER PRIMARY KEY)
        CREATE TRIGGER ts_i AFTER INSERT ON ts BEGIN DELETE FROM sqlite_schema; END
        """.strip().splitlines()]
    for statement in statements:
        try:
            db.execute(statement)
        except sqlite3.Error:
            pass  # what SQLite itself does not take cannot be in a file
    db.commit()
    db.close()
    t.own(path)
    server(t, "x", path, ", updatable 'true'")
    for view in ("v_load", "v_read", "v_write", "v_fts"):
        t.sql(f"CREATE FOREIGN TABLE {view} (x text) SERVER x").ok()
        result = t.sql(f"SET statement_timeout = '5s'; SELECT * FROM {view}")
        assert result.sqlstate not in (None, "XX000", "08006"), (view, result.out, result.sqlstate)
    t.sql("CREATE FOREIGN TABLE v_pragma (x text) SERVER x; CREATE FOREIGN TABLE v_blob (x bytea) SERVER x; CREATE FOREIGN TABLE v_endless (x bigint) SERVER x").ok()
    assert "passwd" not in t.sql("SELECT * FROM v_pragma").out
    assert t.sql("SELECT length(x) FROM v_blob").sqlstate not in ("08006", "XX000")
    t.sql("SET statement_timeout = '500ms'; SELECT count(*) FROM v_endless").fails("57014")
    t.sql("".join(f"CREATE FOREIGN TABLE {table} (id bigint) SERVER x;" for table in ("tl", "tw", "tg", "ts"))).ok()
    for table in ("tl", "tw", "ts"):
        result = t.sql(f"INSERT INTO {table} VALUES (1)")
        exists = sqlite3.connect(path).execute("SELECT count(*) FROM sqlite_schema WHERE type = 'trigger' AND tbl_name = ?", (table,)).fetchone()[0]
        assert not exists or result.sqlstate not in (None, "XX000", "08006"), (table, result)
        assert sqlite3.connect(path).execute(f"SELECT count(*) FROM {table}").fetchone() == (0,) or not exists
    t.sql("INSERT INTO tg VALUES (1)").ok()
    assert sqlite3.connect(path).execute("SELECT said FROM log").fetchall() == [("harmless",)]
    assert not out.exists() and victim.exists()


def test_column_names_and_values_are_not_sql(t):
    path = t.file("odd.db", """CREATE TABLE "a""b" ("x""; DROP TABLE t; --" TEXT, "y'" INTEGER); INSERT INTO "a""b" VALUES ('v''; --', 1); CREATE TABLE t (id);""")
    server(t, "x", path, ", updatable 'true'")
    t.sql('''IMPORT FOREIGN SCHEMA main FROM SERVER x INTO public OPTIONS (names 'preserve')''').ok()
    assert t.value('''SELECT "y'" FROM "a""b" WHERE "x""; DROP TABLE t; --" = 'v''; --' ''') == "1"
    t.sql('''UPDATE "a""b" SET "x""; DROP TABLE t; --" = '''  + quote("'); DROP TABLE t; --") + ''' WHERE "y'" = 1''').ok()
    assert sqlite3.connect(path).execute('SELECT * FROM "a""b"').fetchall() == [("'); DROP TABLE t; --", 1)]
    assert sqlite3.connect(path).execute("SELECT count(*) FROM sqlite_schema WHERE name = 't'").fetchone() == (1,)


def test_options_are_checked(t):
    path = t.file("p.db", PLAIN)
    t.sql("CREATE SERVER x FOREIGN DATA WRAPPER pg_sqlite_fdw").fails("HV00J", "HV00B", "HV00D", hint="database")
    t.sql(create("x", path, ", updateable 'true'")).fails("HV00D", message="updateable", hint="updatable")
    t.sql(create("x", path, ", updatable 'perhaps'")).fails("22023", message="updatable")
    t.sql(create("x", path, ", batch_size '0'")).fails("22023", message="batch_size")
    t.sql(create("x", path, ", batch_size 'many'")).fails("22023", message="batch_size")
    t.sql(create("x", path, ", on_invalid 'ignore'")).fails("22023", message="on_invalid")
    t.sql(create("x", path, ", timezone 'Mars/Olympus'")).fails("22023", message="timezone")
    t.sql(create("x", path, ", zzz '1'")).fails("HV00D", message="zzz", hint="database")
    server(t, "x", path)
    t.sql("CREATE FOREIGN TABLE t (id bigint) SERVER x OPTIONS (tabel 't')").fails("HV00D", message="tabel", hint="table")
    t.sql("CREATE FOREIGN TABLE t (id bigint OPTIONS (fromat 'x')) SERVER x").fails("HV00D", message="fromat", hint="format")
    t.sql("CREATE FOREIGN TABLE t (id bigint OPTIONS (format 'stardate')) SERVER x").fails("22023", message="format")
    t.sql("CREATE FOREIGN TABLE t (id bigint OPTIONS (key 'maybe')) SERVER x").fails("22023", message="key")
    t.sql("CREATE USER MAPPING FOR postgres SERVER x OPTIONS (password 'x')").fails("HV00D", message="password")
    t.sql("CREATE FOREIGN TABLE t (id bigint) SERVER x OPTIONS (table 'nowhere'); SELECT * FROM t").fails("42P01", "HV00R", "HV00L", message="nowhere")
    t.sql("CREATE FOREIGN TABLE u (id bigint, vv text) SERVER x OPTIONS (table 't'); SELECT vv FROM u").fails("42703", "HV005", "HV00L", message="vv")
    t.sql("IMPORT FOREIGN SCHEMA main FROM SERVER x INTO public OPTIONS (nmaes 'preserve')").fails("HV00D", "22023", message="nmaes", hint="names")
    t.sql("IMPORT FOREIGN SCHEMA elsewhere FROM SERVER x INTO public").fails("HV00R", "3F000", "22023", "HV00Q", message="elsewhere")


def test_import_foreign_schema_s_choices(t):
    path = t.file("c.db", PLAIN + """CREATE TABLE Other (id INTEGER PRIMARY KEY, n INTEGER NOT NULL DEFAULT 7, g INTEGER GENERATED ALWAYS AS (n + 1));
        INSERT INTO Other (id) VALUES (1); CREATE VIEW v AS SELECT * FROM t; CREATE VIRTUAL TABLE f USING fts5 (body); INSERT INTO f VALUES ('x');""")
    server(t, "x", path)
    tables = lambda: set(t.value("SELECT string_agg(relname, ' ') FROM pg_class WHERE relkind = 'f'").split())  # noqa: E731
    clear = lambda: t.sql("DROP SERVER x CASCADE; " + create("x", path)).ok()  # noqa: E731
    t.sql("IMPORT FOREIGN SCHEMA main LIMIT TO (t) FROM SERVER x INTO public").ok()
    assert tables() == {"t"}
    clear()
    t.sql("IMPORT FOREIGN SCHEMA main EXCEPT (t, v) FROM SERVER x INTO public OPTIONS (names 'preserve')").ok()
    assert tables() - {"f"} == {"Other"}
    clear()
    t.sql("IMPORT FOREIGN SCHEMA main FROM SERVER x INTO public OPTIONS (import_views 'false', names 'lower', import_default 'true', import_not_null 'false')").ok()
    assert tables() - {"f"} == {"t", "other"}
    assert t.value("SELECT attnotnull FROM pg_attribute WHERE attrelid = 'other'::regclass AND attname = 'n'") == "f"
    assert t.value("SELECT count(*) FROM pg_attrdef WHERE adrelid = 'other'::regclass") in ("1", "2")
    assert t.value("SELECT n, g FROM other") == "7|8"


def test_sessions_of_other_roles_share_nothing(t):
    """A connection that one user opened does not serve another who may not."""
    path = t.file("p.db", PLAIN)
    server(t, "x", path)
    nobody = role(t, "nobody")
    try:
        t.sql("CREATE FOREIGN TABLE t (id bigint, v text) SERVER x").ok()
        s = t.session()
        s.run("SELECT count(*) FROM t").ok()
        s.run(f'SET ROLE "{nobody}"').ok()
        s.run("SELECT count(*) FROM t").fails("42501")
        s.run("ANALYZE t")
        s.run("SELECT pg_sqlite_fdw_disconnect_all()")
        s.run("RESET ROLE; SELECT count(*) FROM t").ok()
    finally:
        drop(t, nobody)
