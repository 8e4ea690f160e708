"""The run log among roles: each sees its own runs, and superusers see all."""

import sqlstates as s
from test_bad_input import drop

BAD_CELLS = "CREATE TABLE t (id INTEGER PRIMARY KEY, n INTEGER); INSERT INTO t VALUES (1, 10), (2, 'secret');"


def importer(t, name):
    """A role that may import into a schema of its own, and the number of the run in which it rejected a row."""
    user = f"{name}_{t.database[-40:]}"
    t.sql(f'DROP ROLE IF EXISTS "{user}"; CREATE ROLE "{user}" LOGIN; GRANT pg_read_server_files TO "{user}"').ok()
    t.sql(f'CREATE SCHEMA {name} AUTHORIZATION "{user}"').ok()
    plan = {"schema": name, "on_invalid": "reject", "tables": {"t": {"columns": {"n": {"type": "bigint"}}}}}
    t.sql(t.call("sqlite_import", t.file(f"{name}.db", BAD_CELLS), plan), user).ok()
    return user, int(t.value("SELECT max(id) FROM sqlite_migrate.run"))


def test_run_log_shows_only_one_s_own(t):
    one, first = importer(t, "one")
    two, second = importer(t, "two")
    try:
        assert first != second
        for user, own, others in ((one, first, second), (two, second, first)):
            ask = lambda sql: t.sql(sql, user).ok().out.strip()  # noqa: E731
            assert ask("SELECT string_agg(id::text, ',') FROM sqlite_migrate.run") == str(own)
            for table in ("run_table", "reject", "finding"):
                assert ask(f"SELECT count(*) FROM sqlite_migrate.{table} WHERE run = {others}") == "0", table
            assert ask("SELECT values->>'n' || run FROM sqlite_migrate.reject") == f"secret{own}"
            assert ask(f"SELECT count(*) FROM verify_counts(run => {own}) WHERE ok") == "1"
            assert ask('SELECT string_agg(schema || source_rows, \',\') FROM verify_counts()') == ("one2" if user == one else "two2")
            t.sql(f"SELECT * FROM verify_counts(run => {others})", user).fails(*s.NO_RUN, message="no recorded run")
            t.sql(f"SELECT sqlite_forget({others})", user).fails(*s.NO_RUN)
        assert t.value("SELECT count(*) FROM sqlite_migrate.run") == "2", "a superuser sees all"
    finally:
        drop(t, one)
        drop(t, two)
