"""The run log among roles: each sees its own runs, and superusers see all."""

import sqlstates as s
from client import fails

BAD_CELLS = "CREATE TABLE t (id INTEGER PRIMARY KEY, n INTEGER); INSERT INTO t VALUES (1, 10), (2, 'secret');"


def importer(t, name):
    """A role that may import into a schema of its own, and the number of the run in which it rejected a row."""
    user = t.role(name, "pg_read_server_files")
    t.sql(f'CREATE SCHEMA {name} AUTHORIZATION "{user}"')
    plan = {"schema": name, "on_invalid": "reject", "tables": {"t": {"columns": {"n": {"type": "bigint"}}}}}
    t.sql(t.call("sqlite_import", t.file(f"{name}.db", BAD_CELLS), plan), user)
    return user, int(t.value("SELECT max(id) FROM sqlite_migrate.run"))


def test_run_log_shows_only_one_s_own(t):
    one, first = importer(t, "one")
    two, second = importer(t, "two")
    assert first != second
    for user, own, others in ((one, first, second), (two, second, first)):
        ask = lambda sql: t.value(sql, user)  # noqa: E731
        assert ask("SELECT string_agg(id::text, ',') FROM sqlite_migrate.run") == str(own)
        for table in ("run_table", "run_step", "run_phase", "reject", "finding"):
            assert ask(f"SELECT count(*) FROM sqlite_migrate.{table} WHERE run = {others}") == "0", table
        assert ask("SELECT values->>'n' || run FROM sqlite_migrate.reject") == f"secret{own}"
        assert ask(f"SELECT count(*) FROM verify_counts(run => {own}) WHERE ok") == "1"
        assert ask('SELECT string_agg(schema || source_rows, \',\') FROM verify_counts()') == ("one2" if user == one else "two2")
        with fails(s.NO_RUN, "no recorded run"):
            t.sql(f"SELECT * FROM verify_counts(run => {others})", user)
        with fails(s.NO_RUN, "no recorded run"):
            t.sql(f"SELECT sqlite_forget({others})", user)
    assert t.value("SELECT count(*) FROM sqlite_migrate.run") == "2", "a superuser sees all"
