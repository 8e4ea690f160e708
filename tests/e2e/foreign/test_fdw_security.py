"""Who may open what, what a hostile file can reach, and how options are refused."""

import re
import sqlite3

from client import CopyIn, fails
from fdw_ways import server
from harness import quote

PLAIN = "CREATE TABLE t (id INTEGER PRIMARY KEY, v TEXT); INSERT INTO t VALUES (1, 'a'), (2, 'b');"


def role(t, name, *grants):
    """A role that may make foreign servers and tables."""
    return t.role(name, "CREATE ON SCHEMA public", "USAGE ON FOREIGN DATA WRAPPER pg_sqlite_fdw", *grants)


def create(name, path, options=""):
    return f"CREATE SERVER {name} FOREIGN DATA WRAPPER pg_sqlite_fdw OPTIONS (database {quote(str(path))}{options})"


def test_only_readers_of_server_files_name_a_file(t):
    path = t.file("p.db", PLAIN)
    nobody, reader = role(t, "nobody"), role(t, "reader", "pg_read_server_files")
    with fails("42501", "permission denied to read SQLite files"):
        t.sql(create("x", path), nobody)
    with fails("HV00J", "option \"database\" is required"):
        t.sql("CREATE SERVER x FOREIGN DATA WRAPPER pg_sqlite_fdw", nobody)
    t.sql(create("x", path), reader)
    t.sql("CREATE FOREIGN TABLE t (id bigint, v text) SERVER x; SELECT count(*) FROM t", reader)
    # A server that was given away: its new owner cannot point it elsewhere, nor leave `database` out to do so later.
    t.sql(f'ALTER SERVER x OWNER TO "{nobody}"')
    with fails("42501", "permission denied to read SQLite files"):
        t.sql("ALTER SERVER x OPTIONS (SET database '/etc/passwd')", nobody)
    with fails("HV00J", "option \"database\" is required"):
        t.sql("ALTER SERVER x OPTIONS (DROP database)", nobody)
    with fails("42501", "permission denied to read SQLite files"):
        t.sql("ALTER SERVER x OPTIONS (ADD updatable 'true')", nobody)
    # Who may use the table reads it, as with file_fdw.
    t.sql(f'GRANT SELECT ON t TO "{nobody}"')
    assert t.value("SELECT count(*) FROM t", nobody) == "2"
    with fails("42501", "permission denied for foreign table t"):
        t.sql("SELECT count(*) FROM t", role(t, "third"))


def test_usage_on_the_wrapper_opens_nothing(t):
    path = t.file("p.db", PLAIN)
    nobody = role(t, "nobody")
    server(t, "x", path)
    with fails("42501", "permission denied for foreign server x"):
        t.sql("CREATE FOREIGN TABLE mine (id bigint) SERVER x OPTIONS (table 't')", nobody)
    with fails("42501", "permission denied for foreign server x"):
        t.sql("IMPORT FOREIGN SCHEMA main FROM SERVER x INTO public", nobody)
    for name in ("t'; DROP TABLE t; --", "main.t", '"t"', "t; ATTACH '/etc/passwd' AS p"):
        t.sql(f"CREATE FOREIGN TABLE odd (id bigint) SERVER x OPTIONS (table {quote(name)})")
        with fails("HV00R", f"table \"{re.escape(name)}\" does not exist in the SQLite file"):
            t.sql("SELECT * FROM odd")
        t.sql("DROP FOREIGN TABLE odd")
    assert sqlite3.connect(path).execute("SELECT count(*) FROM t").fetchone() == (2,)


def test_writing_needs_the_owner_s_right(t):
    path = t.file("p.db", PLAIN)
    reader, writer = role(t, "reader", "pg_read_server_files"), role(t, "writer", "pg_read_server_files", "pg_write_server_files")
    for user, allowed in ((reader, False), (writer, True)):
        t.sql(create("x", path, ", updatable 'true', truncatable 'true'"), user)
        t.sql("CREATE FOREIGN TABLE t (id bigint, v text) SERVER x", user)
        for who in (user, "postgres"):  # a superuser who writes does not make up for the owner
            for sql in ("INSERT INTO t VALUES (50, 'n')", "UPDATE t SET v = 'n' WHERE id = 50", "DELETE FROM t WHERE id = 50", CopyIn("t", "50\tn\n"), "TRUNCATE t"):
                result = t.attempt(["BEGIN", sql, "ROLLBACK"], who)
                if allowed:
                    assert not result.error, (user, who, sql, result)
                else:
                    result.failed("42501", '^foreign table "t" is read-only\n.*not a member of "pg_write_server_files"')
        t.sql("DROP SERVER x CASCADE")
    assert sqlite3.connect(path).execute("SELECT count(*) FROM t").fetchone() == (2,)


def test_allowed_directories(t):
    path = t.file("p.db", PLAIN)
    server(t, "x", path)
    t.sql("CREATE FOREIGN TABLE t (id bigint, v text) SERVER x")
    t.sql(f"ALTER DATABASE \"{t.database}\" SET pg_sqlite_migrate.allowed_directories = '/nowhere'")
    with fails("42501", "p.db\" is outside the allowed directories"):
        t.sql("SELECT * FROM t")
    with fails("42501", "p.db\" is outside the allowed directories"):
        t.sql("IMPORT FOREIGN SCHEMA main FROM SERVER x INTO public")
    t.sql(f"ALTER DATABASE \"{t.database}\" SET pg_sqlite_migrate.allowed_directories = {quote(str(t.dir))}")
    assert t.value("SELECT count(*) FROM t") == "2"
    (t.dir / "sub").mkdir()
    t.own(t.dir / "sub")
    (t.dir / "sub" / "link.db").symlink_to("/etc/passwd")
    t.sql(f"ALTER SERVER x OPTIONS (SET database {quote(str(t.dir / 'sub' / 'link.db'))})")
    with fails("42501", "link.db\" is outside the allowed directories"):
        t.sql("SELECT * FROM t")
    t.sql(f"ALTER SERVER x OPTIONS (SET database {quote(str(t.dir) + '/../../etc/passwd')})")
    with fails("42501", "etc/passwd\" is outside the allowed directories"):
        t.sql("SELECT * FROM t")


def test_files_that_are_no_database(t):
    """As everywhere: the right SQLSTATE when the file is opened, whatever it is."""
    letter = t.dir / "letter.db"
    letter.write_text("Dear all,\n" * 500)
    t.own(letter)
    for path, failure in ((letter, ("22P03", "is not a SQLite database")), (t.dir, ("42809", "is a directory")), (t.dir / "missing.db", ("58P01", "does not exist")),
                          ("/dev/zero", ("42809", "is not a regular file"))):
        t.sql(create("x", path))
        t.sql("CREATE FOREIGN TABLE t (id bigint) SERVER x")
        with fails(*failure, hint="."):
            t.sql("SELECT * FROM t")
        with fails(*failure):
            t.sql("IMPORT FOREIGN SCHEMA main FROM SERVER x INTO public")
        t.sql("DROP SERVER x CASCADE")
    with fails("22023", "\"database\" must be an absolute path"):
        t.sql(create("x", "relative.db"))


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
        db.execute(statement)
    db.commit()
    db.close()
    t.own(path)
    server(t, "x", path, ", updatable 'true'")
    for view in ("v_load", "v_read", "v_write", "v_fts"):
        t.sql(f"CREATE FOREIGN TABLE {view} (x text) SERVER x")
        with fails("38000", f'SQLite cannot read view "{view}"', hint="not allowed"):
            t.sql(f"SET statement_timeout = '5s'; SELECT * FROM {view}")
    t.sql("CREATE FOREIGN TABLE v_pragma (x text) SERVER x; CREATE FOREIGN TABLE v_blob (x bytea) SERVER x; CREATE FOREIGN TABLE v_endless (x bigint) SERVER x")
    with fails("38000", 'SQLite cannot read view "v_pragma"'):
        t.sql("SELECT * FROM v_pragma")
    with fails("54000", "size limit of SQLite exceeded .*: string or blob too big"):
        t.sql("SELECT length(x) FROM v_blob")
    with fails("57014", "statement timeout"):
        t.sql("SET statement_timeout = '500ms'; SELECT count(*) FROM v_endless")
    t.sql("".join(f"CREATE FOREIGN TABLE {table} (id bigint) SERVER x;" for table in ("tl", "tw", "tg", "ts")))
    for table, failure in (("tl", ("38000", "could not change .*: not authorized to use function: load_extension")), ("tw", ("0A000", 'function "writefile" does not exist')),
                           ("ts", ("38000", "could not change .*: table sqlite_master may not be modified"))):
        with fails(*failure):
            t.sql(f"INSERT INTO {table} VALUES (1)")
        assert sqlite3.connect(path).execute(f"SELECT count(*) FROM {table}").fetchone() == (0,)
    t.sql("INSERT INTO tg VALUES (1)")
    assert sqlite3.connect(path).execute("SELECT said FROM log").fetchall() == [("harmless",)]
    assert not out.exists() and victim.exists()


def test_column_names_and_values_are_not_sql(t):
    path = t.file("odd.db", """CREATE TABLE "a""b" ("x""; DROP TABLE t; --" TEXT, "y'" INTEGER); INSERT INTO "a""b" VALUES ('v''; --', 1); CREATE TABLE t (id);""")
    server(t, "x", path, ", updatable 'true'")
    t.sql('''IMPORT FOREIGN SCHEMA main FROM SERVER x INTO public OPTIONS (names 'preserve')''')
    assert t.value('''SELECT "y'" FROM "a""b" WHERE "x""; DROP TABLE t; --" = 'v''; --' ''') == "1"
    t.sql('''UPDATE "a""b" SET "x""; DROP TABLE t; --" = '''  + quote("'); DROP TABLE t; --") + ''' WHERE "y'" = 1''')
    assert sqlite3.connect(path).execute('SELECT * FROM "a""b"').fetchall() == [("'); DROP TABLE t; --", 1)]
    assert sqlite3.connect(path).execute("SELECT count(*) FROM sqlite_schema WHERE name = 't'").fetchone() == (1,)


def test_options_are_checked(t):
    path = t.file("p.db", PLAIN)
    with fails("HV00J", "option \"database\" is required", hint="database"):
        t.sql("CREATE SERVER x FOREIGN DATA WRAPPER pg_sqlite_fdw")
    with fails("HV00D", "updateable", hint="updatable"):
        t.sql(create("x", path, ", updateable 'true'"))
    with fails("22023", "updatable"):
        t.sql(create("x", path, ", updatable 'perhaps'"))
    with fails("22023", "batch_size"):
        t.sql(create("x", path, ", batch_size '0'"))
    with fails("22023", "batch_size"):
        t.sql(create("x", path, ", batch_size 'many'"))
    with fails("22023", "on_invalid"):
        t.sql(create("x", path, ", on_invalid 'ignore'"))
    with fails("22023", "timezone"):
        t.sql(create("x", path, ", timezone 'Mars/Olympus'"))
    with fails("HV00D", "invalid option \"zzz\" for a server", hint="database"):
        t.sql(create("x", path, ", zzz '1'"))
    server(t, "x", path)
    with fails("HV00D", "tabel", hint="table"):
        t.sql("CREATE FOREIGN TABLE t (id bigint) SERVER x OPTIONS (tabel 't')")
    with fails("HV00D", "fromat", hint="format"):
        t.sql("CREATE FOREIGN TABLE t (id bigint OPTIONS (fromat 'x')) SERVER x")
    with fails("22023", "format"):
        t.sql("CREATE FOREIGN TABLE t (id bigint OPTIONS (format 'stardate')) SERVER x")
    with fails("22023", "option \"key\" must be a Boolean value"):
        t.sql("CREATE FOREIGN TABLE t (id bigint OPTIONS (key 'maybe')) SERVER x")
    with fails("HV00D", "password"):
        t.sql("CREATE USER MAPPING FOR postgres SERVER x OPTIONS (password 'x')")
    with fails("HV00R", "table \"nowhere\" does not exist"):
        t.sql("CREATE FOREIGN TABLE t (id bigint) SERVER x OPTIONS (table 'nowhere'); SELECT * FROM t")
    with fails("HV005", "column \"vv\" of table \"t\" does not exist"):
        t.sql("CREATE FOREIGN TABLE u (id bigint, vv text) SERVER x OPTIONS (table 't'); SELECT vv FROM u")
    with fails("HV00D", "invalid option \"nmaes\" for IMPORT FOREIGN SCHEMA", hint="names"):
        t.sql("IMPORT FOREIGN SCHEMA main FROM SERVER x INTO public OPTIONS (nmaes 'preserve')")
    with fails("HV00Q", "schema \"elsewhere\" does not exist"):
        t.sql("IMPORT FOREIGN SCHEMA elsewhere FROM SERVER x INTO public")


def test_import_foreign_schema_s_choices(t):
    path = t.file("c.db", PLAIN + """CREATE TABLE Other (id INTEGER PRIMARY KEY, n INTEGER NOT NULL DEFAULT 7, g INTEGER GENERATED ALWAYS AS (n + 1));
        INSERT INTO Other (id) VALUES (1); CREATE VIEW v AS SELECT * FROM t; CREATE VIRTUAL TABLE f USING fts5 (body); INSERT INTO f VALUES ('x');""")
    server(t, "x", path)
    tables = lambda: set(t.value("SELECT string_agg(relname, ' ') FROM pg_class WHERE relkind = 'f'").split())  # noqa: E731
    clear = lambda: t.sql("DROP SERVER x CASCADE; " + create("x", path))  # noqa: E731
    t.sql("IMPORT FOREIGN SCHEMA main LIMIT TO (t) FROM SERVER x INTO public")
    assert tables() == {"t"}
    clear()
    t.sql("IMPORT FOREIGN SCHEMA main EXCEPT (t, v) FROM SERVER x INTO public OPTIONS (names 'preserve')")
    assert tables() - {"f"} == {"Other"}
    clear()
    t.sql("IMPORT FOREIGN SCHEMA main FROM SERVER x INTO public OPTIONS (import_views 'false', names 'lower', import_default 'true', import_not_null 'false')")
    assert tables() - {"f"} == {"t", "other"}
    assert t.value("SELECT attnotnull FROM pg_attribute WHERE attrelid = 'other'::regclass AND attname = 'n'") == "f"
    assert t.value("SELECT count(*) FROM pg_attrdef WHERE adrelid = 'other'::regclass") in ("1", "2")
    assert t.value("SELECT n, g FROM other") == "7|8"


def test_sessions_of_other_roles_share_nothing(t):
    """A connection that one user opened does not serve another who may not."""
    path = t.file("p.db", PLAIN)
    server(t, "x", path)
    nobody = role(t, "nobody")
    t.sql("CREATE FOREIGN TABLE t (id bigint, v text) SERVER x")
    s = t.session()
    s.run("SELECT count(*) FROM t")
    s.run(f'SET ROLE "{nobody}"')
    with fails("42501", "permission denied for foreign table t"):
        s.run("SELECT count(*) FROM t")
    s.run("ANALYZE t")
    s.run("SELECT pg_sqlite_fdw_disconnect_all()")
    s.run("RESET ROLE; SELECT count(*) FROM t")
