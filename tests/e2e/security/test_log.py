"""The run log: nobody writes into it but the import, everybody sees what is his, and dumps keep it."""

import json
import re

from test_roles import importer

import sqlstates as s
from client import fails

TABLES = ("log_run", "log_run_table", "log_run_step", "log_reject", "log_finding", "log_verification", "log_difference", "log_object", "log_sequence", "log_former")
VIEWS = ("run", "run_table", "run_step", "run_phase", "object", "reject", "finding")
FILE = "CREATE TABLE t (id INTEGER PRIMARY KEY, v); INSERT INTO t VALUES (1, 'a');"


def log_of(t, database):
    """Everything in the log, as a superuser sees it."""
    ask = lambda view: t.server.run(database, f"SELECT json_agg(v ORDER BY v::text) FROM sqlite_migrate.{view} v").out  # noqa: E731
    return [json.loads(ask(view)) for view in VIEWS]


def test_nobody_writes_into_the_log(t):
    """Neither a number taken in advance nor a forged line: the tables are closed, and so are the views."""
    user, run = importer(t, "mine")
    reader = t.role("reader", "pg_read_all_data")
    with fails("55000", "cannot insert into view \"run\""):
        t.sql(f"INSERT INTO sqlite_migrate.run (id, path, plan, source, extension_version) OVERRIDING SYSTEM VALUE"
              f" VALUES ({run + 1}, 'x', '{{}}', '{{}}', '0')", user)
    for name in TABLES + VIEWS:
        known = t.value("SELECT string_agg(quote_ident(attname), ', ') FROM pg_attribute"
                        f" WHERE attrelid = 'sqlite_migrate.{name}'::regclass AND attnum > 0 AND attname <> 'id'")
        for sql in (f"INSERT INTO sqlite_migrate.{name} ({known}) SELECT {known} FROM sqlite_migrate.{name}",
                    f"DELETE FROM sqlite_migrate.{name}", f"UPDATE sqlite_migrate.{name} SET {known.split(',')[0]} = 0",
                    f"TRUNCATE sqlite_migrate.{name}", f"CREATE TRIGGER x BEFORE INSERT ON sqlite_migrate.{name} EXECUTE FUNCTION f()"):
            for who in (user, reader):
                with fails((*s.PRIVILEGE, "55000", "42809"), rf'(permission denied for (table|view) {name}|cannot (insert into|delete from|update) view "{name}"|"{name}" is not a table)\n'):
                    t.sql(sql, who)
    for sequence in ("log_run_id_seq", "log_reject_id_seq"):
        with fails(s.PRIVILEGE, f"sequence {sequence}"):
            t.sql(f"SELECT nextval('sqlite_migrate.{sequence}')", user)
        with fails(s.PRIVILEGE, f"sequence {sequence}"):
            t.sql(f"SELECT setval('sqlite_migrate.{sequence}', 1, false)", user)
    with fails(s.PRIVILEGE, "schema sqlite_migrate"):
        t.sql("CREATE TABLE sqlite_migrate.x ()", user)
    assert t.import_(t.file("next.db", FILE))["t"]["imported"] == 1


def test_a_log_can_be_read_by_its_owner_and_by_who_reads_all_data(t):
    user, run = importer(t, "mine")
    reader, other = t.role("reader", "pg_read_all_data"), t.role("other")
    for who, seen in ((user, "t"), (reader, "t"), ("postgres", "t"), (other, "f")):
        for view in VIEWS[:-1]:
            assert t.value(f"SELECT count(*) > 0 FROM sqlite_migrate.{view}", who) == seen, (who, view)
    assert t.value("SELECT bool_and(own) FROM sqlite_migrate.run", user) == "t"
    assert t.value("SELECT bool_or(own) FROM sqlite_migrate.run", reader) == "f"
    # A leaky condition sees nothing that the view hides.
    t.sql("CREATE FUNCTION pg_temp.spy(jsonb) RETURNS bool LANGUAGE plpgsql COST 0.0001 AS $$ BEGIN RAISE NOTICE 'seen %', $1;"
          " RETURN true; END $$; SELECT * FROM sqlite_migrate.reject WHERE pg_temp.spy(\"values\")", other)
    spied = t.attempt("SET client_min_messages = notice; CREATE FUNCTION pg_temp.spy(jsonb) RETURNS bool LANGUAGE plpgsql COST 0.0001"
                  " AS $$ BEGIN RAISE NOTICE 'seen %', $1; RETURN true; END $$;"
                  " SELECT * FROM sqlite_migrate.reject WHERE pg_temp.spy(\"values\")", other)
    assert "seen" not in spied.told and not spied.error, spied
    # Another role that takes the name has none of its runs; nor does a member of it.
    t.sql(f'GRANT "{user}" TO "{other}"; ALTER ROLE "{user}" RENAME TO "old {user}"; CREATE ROLE "{user}" LOGIN')
    for who in (user, other):
        assert t.value("SELECT count(*) FROM sqlite_migrate.run", who) == "0"
        with fails(s.NO_RUN, "no recorded run"):
            t.sql(f"SELECT sqlite_forget({run})", who)
    t.sql(f'DROP ROLE "{user}"; ALTER ROLE "old {user}" RENAME TO "{user}"')
    assert t.value("SELECT count(*) FROM sqlite_migrate.run", user) == "1"


def test_the_log_is_written_for_the_role_that_acts(t):
    """SET ROLE, SECURITY DEFINER, a caller who may do nothing in the log's schema, a run inside a subtransaction."""
    user, _ = importer(t, "mine")
    path = t.file("one.db", FILE)
    call = lambda n: t.call("sqlite_import", path, {"schema": "mine", "tables": {"t": {"target": n}}})  # noqa: E731
    t.sql(f'SET ROLE "{user}"; {call("set_role")}')
    t.sql(f"CREATE FUNCTION run_it() RETURNS bigint LANGUAGE sql SECURITY DEFINER AS $f$ SELECT sum(imported)::bigint FROM"
          f" ({call('definer')}) q $f$; ALTER FUNCTION run_it() OWNER TO \"{user}\"; SELECT run_it()")
    failing = t.call("sqlite_import", path, {"schema": "mine", "tables": {"t": {"target": "set_role"}}})
    said = t.sql(f"DO $d$ BEGIN PERFORM * FROM ({failing}) q; EXCEPTION WHEN duplicate_table THEN RAISE NOTICE 'I am %',"
                 " current_user; END $d$; SELECT current_user", user)
    assert f"I am {user}" in said.told and said.out.strip() == user
    # An error of the import's own in mid-write, and of the log's: who calls is who called afterwards.
    broken = t.file("broken.db", "CREATE TABLE b (id INTEGER PRIMARY KEY, n INTEGER); INSERT INTO b VALUES (1, 'x');")
    again = t.call("sqlite_import", broken, {"schema": "mine", "on_invalid": "reject", "after": "SELECT 1/0",
                                             "tables": {"b": {"columns": {"n": {"type": "bigint"}}}}})
    said = t.attempt(f"DO $d$ BEGIN PERFORM * FROM ({again}) q; EXCEPTION WHEN division_by_zero THEN RAISE NOTICE 'I am %',"
                 " current_user; END $d$; SELECT current_user; SELECT nextval('sqlite_migrate.log_run_id_seq')", user)
    assert f"I am {user}" in said.told and said.out.split()[0] == user and said.sqlstate == "42501", said
    assert t.value("SELECT string_agg(DISTINCT role::text, ',') FROM sqlite_migrate.run") == user
    # `before` and `after` are the caller's, and the log's rights do not reach them.
    took = t.call("sqlite_import", path, {"schema": "mine", "existing_rows": "replace", "after": "DELETE FROM sqlite_migrate.log_run"})
    with fails(s.PRIVILEGE, "table log_run"):
        t.sql(took, user)


def test_a_run_can_be_forgotten(t):
    user, run = importer(t, "mine")
    t.sql("SELECT sqlite_forget(id) FROM sqlite_migrate.run", user)
    assert [t.value(f"SELECT count(*) FROM sqlite_migrate.{name}") for name in TABLES] == ["0"] * len(TABLES)
    with fails(s.NO_RUN, "no recorded run"):
        t.sql(f"SELECT sqlite_forget({run})", user)
    assert t.value('SELECT count(*) FROM mine.t') == "1", "what was imported stays"
    # Not a run that is under way; and a superuser may forget anybody's.
    path = t.file("one.db", FILE)
    plan = {"schema": "mine", "existing_rows": "replace"}
    after = {**plan, "after": "SELECT sqlite_forget(max(id)) FROM sqlite_migrate.run"}
    with fails(s.NO_RUN, "no recorded run"):
        t.sql(t.call("sqlite_import", path, after), user)
    t.sql(t.call("sqlite_import", path, plan), user)
    t.sql("SELECT sqlite_forget(id), sqlite_forget(NULL) FROM sqlite_migrate.run")
    assert t.value("SELECT count(*) FROM sqlite_migrate.log_run") == "0"


def test_old_runs_are_purged_by_who_made_them(t):
    one, first = importer(t, "one")
    two, second = importer(t, "two")
    purge = "SELECT runs, tables, steps > 10, rejects, findings, verifications FROM sqlite_migrate.purge(before => {})"
    runs = "SELECT coalesce(string_agg(id::text, ',' ORDER BY id), '') FROM sqlite_migrate.run"
    # None is old enough; and without a time nothing is done.
    assert t.value(purge.format("now() - interval '1 day'"), one) == "0|0|f|0|0|0"
    assert t.value(purge.format("NULL"), one) == ""
    # One's own, and only those that had finished before.
    between = t.value(f"SELECT finished_at FROM sqlite_migrate.run WHERE id = {first}")
    t.sql(t.call("sqlite_import", t.dir / "one.db", {"schema": "one", "existing_rows": "replace"}), one)
    findings = t.value(f"SELECT count(*) FROM sqlite_migrate.finding WHERE run = {first}")
    assert t.value(purge.format(f"'{between}'"), one) == "0|0|f|0|0|0"
    assert t.value(purge.format(f"timestamptz '{between}' + interval '1 us'"), one) == f"1|1|t|1|{findings}|0"
    assert t.value(runs) == f"{second},{second + 1}"
    assert t.value(purge.format("'infinity'"), t.role("stranger", f'"{two}"')) == "0|0|f|0|0|0", "nor those of a role that one is a member of"
    assert t.value(purge.format("'infinity'"), t.role("reader", "pg_read_all_data")) == "0|0|f|0|0|0", "nor those that one may read"
    # Not the run under way; everybody's for a superuser.
    after = {"schema": "one", "existing_rows": "replace", "after": "SELECT sqlite_migrate.purge('infinity')"}
    t.sql(t.call("sqlite_import", t.dir / "one.db", after), one)
    assert t.value(runs) == f"{second},{second + 2}"
    assert t.value(purge.format("'infinity'")).startswith("2|2|t|1|")
    for table in TABLES:
        assert t.value(f"SELECT count(*) FROM sqlite_migrate.{table}") == "0"
    assert t.value("SELECT count(*) FROM one.t") == "2", "what was imported stays"
    with fails(s.PRIVILEGE, "log_run_step"):
        t.sql("DELETE FROM sqlite_migrate.log_run_step", one)


def test_a_dump_keeps_the_log(t):
    """By a superuser, a member of pg_read_all_data, and the database's owner; each dump is restored and compared."""
    user, _ = importer(t, "mine")
    reader, owner, plain = t.role("reader", "pg_read_all_data"), t.role("owner"), t.role("plain")
    t.sql(f'ALTER DATABASE "{t.database}" OWNER TO "{owner}"; GRANT SELECT ON ALL TABLES IN SCHEMA mine TO "{owner}", "{plain}";'
          f'GRANT USAGE ON SCHEMA mine TO "{owner}", "{plain}"; GRANT SELECT ON ALL SEQUENCES IN SCHEMA mine TO "{owner}", "{plain}"')
    before = log_of(t, t.database)
    assert all(before[:-1])
    for i, who in enumerate(("postgres", reader, owner)):
        dumped = t.server.dump(t.database, who)
        assert dumped.returncode == 0, f"{who}: {dumped.stderr}"
        restored = t.empty_database(f"restored{i}")
        t.server.restore(restored, dumped.stdout)
        assert log_of(t, restored) == before, who
        # The numbers go on behind those of the log.
        t.server.run(restored, t.call("sqlite_import", t.file("one.db", FILE)))
        assert t.server.value(restored, "SELECT count(*), count(DISTINCT id) FROM sqlite_migrate.run") == "2|2"
        assert t.server.value(restored, "SELECT count(*) FROM sqlite_migrate.reject", user) == "1"
    # A role that was given single tables leaves the log's rows out, or gets them as well.
    refused = t.server.dump(t.database, plain)
    # pg_dump 18 reads sequences first, and says it in words of its own.
    assert refused.returncode and re.search("permission denied for|user may lack SELECT privilege", refused.stderr), refused.stderr
    without = t.server.dump(t.database, plain, "--exclude-table-data=sqlite_migrate.*")
    assert without.returncode == 0 and "COPY mine.t" in without.stdout and "log_run" not in without.stdout, without.stderr
    t.sql(f'GRANT SELECT ON ALL TABLES IN SCHEMA sqlite_migrate TO "{plain}"; GRANT SELECT ON ALL SEQUENCES IN SCHEMA sqlite_migrate TO "{plain}"')
    granted = t.server.dump(t.database, plain)
    assert granted.returncode == 0 and "COPY sqlite_migrate.log_run" in granted.stdout, granted.stderr
