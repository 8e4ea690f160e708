"""The run log: nobody writes into it but the import, everybody sees what is his, and dumps keep it."""

import json
import re

import sqlstates as s
from test_bad_input import drop
from test_roles import importer

TABLES = ("log_run", "log_run_table", "log_reject", "log_finding")
VIEWS = ("run", "run_table", "reject", "finding")
FILE = "CREATE TABLE t (id INTEGER PRIMARY KEY, v); INSERT INTO t VALUES (1, 'a');"


def role(t, name, *grants):
    """A role that can log in; dropped by `drop`."""
    user = f"{name}_{t.database[-40:]}"
    t.sql(f'DROP ROLE IF EXISTS "{user}"; CREATE ROLE "{user}" LOGIN' + "".join(f'; GRANT {g} TO "{user}"' for g in grants)).ok()
    return user


def log_of(t, database):
    """Everything in the log, as a superuser sees it."""
    ask = lambda view: t.server.run(database, f"SELECT json_agg(v ORDER BY v::text) FROM sqlite_migrate.{view} v").ok().out  # noqa: E731
    return [json.loads(ask(view)) for view in VIEWS]


def test_nobody_writes_into_the_log(t):
    """Neither a number taken in advance nor a forged line: the tables are closed, and so are the views."""
    user, run = importer(t, "mine")
    reader = role(t, "reader", "pg_read_all_data")
    try:
        t.sql(f"INSERT INTO sqlite_migrate.run (id, path, plan, source, extension_version) OVERRIDING SYSTEM VALUE"
              f" VALUES ({run + 1}, 'x', '{{}}', '{{}}', '0')", user).fails(*s.PRIVILEGE, "42809", "55000")
        for name in TABLES + VIEWS:
            known = t.value("SELECT string_agg(quote_ident(attname), ', ') FROM pg_attribute"
                            f" WHERE attrelid = 'sqlite_migrate.{name}'::regclass AND attnum > 0 AND attname <> 'id'")
            for sql in (f"INSERT INTO sqlite_migrate.{name} ({known}) SELECT {known} FROM sqlite_migrate.{name}",
                        f"DELETE FROM sqlite_migrate.{name}", f"UPDATE sqlite_migrate.{name} SET {known.split(',')[0]} = 0",
                        f"TRUNCATE sqlite_migrate.{name}", f"CREATE TRIGGER x BEFORE INSERT ON sqlite_migrate.{name} EXECUTE FUNCTION f()"):
                for who in (user, reader):
                    t.sql(sql, who).fails(*s.PRIVILEGE, "55000", "42809")
        for sequence in ("log_run_id_seq", "log_reject_id_seq"):
            t.sql(f"SELECT nextval('sqlite_migrate.{sequence}')", user).fails(*s.PRIVILEGE)
            t.sql(f"SELECT setval('sqlite_migrate.{sequence}', 1, false)", user).fails(*s.PRIVILEGE)
        t.sql("CREATE TABLE sqlite_migrate.x ()", user).fails(*s.PRIVILEGE)
        assert t.import_(t.file("next.db", FILE))["t"]["imported"] == 1
    finally:
        drop(t, user)
        drop(t, reader)


def test_a_log_can_be_read_by_its_owner_and_by_who_reads_all_data(t):
    user, run = importer(t, "mine")
    reader, other = role(t, "reader", "pg_read_all_data"), role(t, "other")
    try:
        for who, seen in ((user, "1"), (reader, "1"), ("postgres", "1"), (other, "0")):
            for view in VIEWS[:3]:
                assert t.sql(f"SELECT count(*) FROM sqlite_migrate.{view}", who).ok().out.strip() == seen, (who, view)
        assert t.sql("SELECT bool_and(own) FROM sqlite_migrate.run", user).ok().out.strip() == "t"
        assert t.sql("SELECT bool_or(own) FROM sqlite_migrate.run", reader).ok().out.strip() == "f"
        # A leaky condition sees nothing that the view hides.
        t.sql("CREATE FUNCTION pg_temp.spy(jsonb) RETURNS bool LANGUAGE plpgsql COST 0.0001 AS $$ BEGIN RAISE NOTICE 'seen %', $1;"
              " RETURN true; END $$; SELECT * FROM sqlite_migrate.reject WHERE pg_temp.spy(\"values\")", other).ok()
        spied = t.sql("SET client_min_messages = notice; CREATE FUNCTION pg_temp.spy(jsonb) RETURNS bool LANGUAGE plpgsql COST 0.0001"
                      " AS $$ BEGIN RAISE NOTICE 'seen %', $1; RETURN true; END $$;"
                      " SELECT * FROM sqlite_migrate.reject WHERE pg_temp.spy(\"values\")", other)
        assert "seen" not in spied.err and spied.sqlstate is None
        # Another role that takes the name has none of its runs; nor does a member of it.
        t.sql(f'GRANT "{user}" TO "{other}"; ALTER ROLE "{user}" RENAME TO "old {user}"; CREATE ROLE "{user}" LOGIN').ok()
        for who in (user, other):
            assert t.sql("SELECT count(*) FROM sqlite_migrate.run", who).ok().out.strip() == "0"
            t.sql(f"SELECT sqlite_forget({run})", who).fails(*s.NO_RUN)
        t.sql(f'DROP ROLE "{user}"; ALTER ROLE "old {user}" RENAME TO "{user}"').ok()
        assert t.sql("SELECT count(*) FROM sqlite_migrate.run", user).ok().out.strip() == "1"
    finally:
        for who in (user, reader, other):
            drop(t, who)


def test_the_log_is_written_for_the_role_that_acts(t):
    """SET ROLE, SECURITY DEFINER, a caller who may do nothing in the log's schema, a run inside a subtransaction."""
    user, _ = importer(t, "mine")
    path = t.file("one.db", FILE)
    call = lambda n: t.call("sqlite_import", path, {"schema": "mine", "tables": {"t": {"target": n}}})  # noqa: E731
    try:
        t.sql(f'SET ROLE "{user}"; {call("set_role")}').ok()
        t.sql(f"CREATE FUNCTION run_it() RETURNS bigint LANGUAGE sql SECURITY DEFINER AS $f$ SELECT sum(imported)::bigint FROM"
              f" ({call('definer')}) q $f$; ALTER FUNCTION run_it() OWNER TO \"{user}\"; SELECT run_it()").ok()
        failing = t.call("sqlite_import", path, {"schema": "mine", "tables": {"t": {"target": "set_role"}}})
        said = t.sql(f"DO $d$ BEGIN PERFORM * FROM ({failing}) q; EXCEPTION WHEN duplicate_table THEN RAISE NOTICE 'I am %',"
                     " current_user; END $d$; SELECT current_user", user).ok()
        assert f"I am {user}" in said.err and said.out.strip() == user
        # An error of the import's own in mid-write, and of the log's: who calls is who called afterwards.
        broken = t.file("broken.db", "CREATE TABLE b (id INTEGER PRIMARY KEY, n INTEGER); INSERT INTO b VALUES (1, 'x');")
        again = t.call("sqlite_import", broken, {"schema": "mine", "on_invalid": "reject", "after": "SELECT 1/0",
                                                 "tables": {"b": {"columns": {"n": {"type": "bigint"}}}}})
        said = t.sql(f"DO $d$ BEGIN PERFORM * FROM ({again}) q; EXCEPTION WHEN division_by_zero THEN RAISE NOTICE 'I am %',"
                     " current_user; END $d$; SELECT current_user; SELECT nextval('sqlite_migrate.log_run_id_seq')", user)
        assert f"I am {user}" in said.err and said.out.split()[0] == user and said.sqlstate == "42501", said
        assert t.value(f"SELECT string_agg(DISTINCT role::text, ',') FROM sqlite_migrate.run") == user
        # `before` and `after` are the caller's, and the log's rights do not reach them.
        took = t.call("sqlite_import", path, {"schema": "mine", "existing_rows": "replace", "after": "DELETE FROM sqlite_migrate.log_run"})
        t.sql(took, user).fails(*s.PRIVILEGE)
    finally:
        t.sql("DROP FUNCTION IF EXISTS run_it()")
        drop(t, user)


def test_a_run_can_be_forgotten(t):
    user, run = importer(t, "mine")
    try:
        t.sql("SELECT sqlite_forget(id) FROM sqlite_migrate.run", user).ok()
        assert [t.value(f"SELECT count(*) FROM sqlite_migrate.{name}") for name in TABLES] == ["0"] * 4
        t.sql(f"SELECT sqlite_forget({run})", user).fails(*s.NO_RUN, message="no recorded run")
        assert t.value('SELECT count(*) FROM mine.t') == "1", "what was imported stays"
        # Not a run that is under way; and a superuser may forget anybody's.
        path = t.file("one.db", FILE)
        plan = {"schema": "mine", "existing_rows": "replace"}
        after = {**plan, "after": "SELECT sqlite_forget(max(id)) FROM sqlite_migrate.run"}
        t.sql(t.call("sqlite_import", path, after), user).fails(*s.NO_RUN)
        t.sql(t.call("sqlite_import", path, plan), user).ok()
        t.sql("SELECT sqlite_forget(id), sqlite_forget(NULL) FROM sqlite_migrate.run").ok()
        assert t.value("SELECT count(*) FROM sqlite_migrate.log_run") == "0"
    finally:
        drop(t, user)


def test_a_dump_keeps_the_log(t):
    """By a superuser, a member of pg_read_all_data, and the database's owner; each dump is restored and compared."""
    user, _ = importer(t, "mine")
    reader, owner, plain = role(t, "reader", "pg_read_all_data"), role(t, "owner"), role(t, "plain")
    t.sql(f'ALTER DATABASE "{t.database}" OWNER TO "{owner}"; GRANT SELECT ON ALL TABLES IN SCHEMA mine TO "{owner}", "{plain}";'
          f'GRANT USAGE ON SCHEMA mine TO "{owner}", "{plain}"; GRANT SELECT ON ALL SEQUENCES IN SCHEMA mine TO "{owner}", "{plain}"').ok()
    before = log_of(t, t.database)
    assert before[0] and before[2]
    try:
        for i, who in enumerate(("postgres", reader, owner)):
            dumped = t.server.dump(t.database, who)
            assert dumped.returncode == 0, f"{who}: {dumped.stderr}"
            restored = t.empty_database(f"restored{i}")
            t.server.run(restored, re.sub(r"^\\\\(un)?restrict.*$", "", dumped.stdout, flags=re.M)).ok()
            assert log_of(t, restored) == before, who
            # The numbers go on behind those of the log.
            t.server.run(restored, t.call("sqlite_import", t.file("one.db", FILE))).ok()
            assert t.server.run(restored, "SELECT count(*), count(DISTINCT id) FROM sqlite_migrate.run").out.strip() == "2|2"
            assert t.server.run(restored, "SELECT count(*) FROM sqlite_migrate.reject", user).ok().out.strip() == "1"
        # A role that was given single tables leaves the log's rows out, or gets them as well.
        refused = t.server.dump(t.database, plain)
        assert refused.returncode and "permission denied for" in refused.stderr, refused.stderr
        without = t.server.dump(t.database, plain, "--exclude-table-data=sqlite_migrate.*")
        assert without.returncode == 0 and "COPY mine.t" in without.stdout and "log_run" not in without.stdout, without.stderr
        t.sql(f'GRANT SELECT ON ALL TABLES IN SCHEMA sqlite_migrate TO "{plain}"; GRANT SELECT ON ALL SEQUENCES IN SCHEMA sqlite_migrate TO "{plain}"').ok()
        granted = t.server.dump(t.database, plain)
        assert granted.returncode == 0 and "COPY sqlite_migrate.log_run" in granted.stdout, granted.stderr
    finally:
        t.sql(f'ALTER DATABASE "{t.database}" OWNER TO postgres').ok()
        for name in list(t.others):
            t.server.run("postgres", f'DROP DATABASE "{name}" WITH (FORCE)')
        for who in (user, reader, owner, plain):
            drop(t, who)
