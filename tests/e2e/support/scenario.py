"""A scenario's own database and directory, and the calls that scenarios make. Tests get one as their fixture `t`."""

import json
import os
import pathlib
import re
import shutil
import sqlite3
import tempfile

import psycopg
import pytest

import accepted_plans
import rotation
from client import Session, fails
from cluster import FIXED
from harness import FIXTURES, ident, quote, until

# What the server's log must never say while a scenario runs.
CRASH = re.compile(r"terminated by signal|reinitializing|PANIC|panicked at| XX000 |double free|stack smashing")
TEMPLATE = "extension_template"
# What is numbered below is the server's own.
FIRST_NORMAL_OID = 16384


class Scenario:
    """A database with the extension, and a directory for SQLite files. The directory belongs to the server's user, so that
    the server may write beside a file. The database has session settings of its own (rotation.py), for every session but
    those that `shown`, `shown_rows` and `copy` read with."""

    def __init__(self, server, name, settings):
        self.server, self.name, self.settings = server, name, settings
        self.crash_expected = False
        self.database = "t_" + re.sub(r"\W", "_", name.lower())[-55:]
        self.sessions = []
        # Plans of calls that have not succeeded yet, by their SQL.
        self.plans = {}

    def __enter__(self):
        self.dir = self.own(pathlib.Path(tempfile.mkdtemp(prefix="pgsm-e2e.")))
        self.server.run("postgres", f"CREATE DATABASE {ident(self.database)} TEMPLATE {TEMPLATE}")
        self.configure(self.database)
        self.log_start = self.server.log_size()
        return self

    def __exit__(self, *_):
        for session in self.sessions:
            session.close()
        log = self.server.log_since(self.log_start)
        self.server.wait_until_up()
        self.clear()
        shutil.rmtree(self.dir, ignore_errors=True)
        bad = [line for line in log.splitlines() if CRASH.search(line)]
        assert self.crash_expected or not bad, "the server's log says:\n" + "\n".join(bad[:5])

    def clear(self):
        """Drops what the scenario has made in the cluster: databases first, so that nothing depends on roles any more."""
        with self.server.session("postgres") as session:
            made = lambda name, catalog: [row[0] for row in session.execute(f"SELECT {name} FROM {catalog} WHERE oid >= {FIRST_NORMAL_OID}").rows]  # noqa: E731
            session.execute([f"DROP DATABASE {ident(name)} WITH (FORCE)" for name in made("datname", "pg_database") if name != TEMPLATE])
            session.execute([f"DROP TABLESPACE {ident(name)}" for name in made("spcname", "pg_tablespace")])
            # The server spells the name of a role that was made in a database of another encoding.
            session.execute([f"""DO $$DECLARE name text; BEGIN FOR name IN SELECT rolname FROM pg_roles WHERE oid >= {FIRST_NORMAL_OID}
                LOOP EXECUTE format('DROP ROLE %I', name); END LOOP; END$$"""])

    def needs(self, *features):
        """Skips the test where the server lacks an extension, is built without `icu` or `xml`, or is too old for `NOT ENFORCED`."""
        missing = [feature for feature in features if feature not in self.server.features]
        if missing:
            pytest.skip(f"the server has no {', no '.join(missing)}")

    def role(self, name, *grants):
        """A role that can log in, with the rights that `GRANT … TO` gives it; it goes when the scenario ends."""
        self.sql("; ".join([f"CREATE ROLE {ident(name)} LOGIN", *(f"GRANT {grant} TO {ident(name)}" for grant in grants)]))
        return name

    def end(self, session, how):
        """Ends what a session does by `pg_cancel_backend` or `pg_terminate_backend`, and waits for it."""
        self.sql(f"SELECT {how}({session.pid})")
        try:
            session.wait()
        except psycopg.Error as error:
            assert error.sqlstate in ("57014", "57P01", None), error

    def gone(self, session):
        """Closes a session, and waits until its backend has ended."""
        session.close()
        until(lambda: self.value(f"SELECT count(*) FROM pg_stat_activity WHERE pid = {session.pid}") == "0", "the session has ended")

    # Databases

    def other_database(self, suffix, options=f"TEMPLATE {TEMPLATE}"):
        """A second database with the extension: a copy of the template, or with options of its own."""
        name = self.made(suffix, options)
        self.server.run(name, "CREATE EXTENSION IF NOT EXISTS pg_sqlite_migrate")
        return name

    def empty_database(self, suffix):
        """A database with nothing in it, not even the extension."""
        return self.made(suffix, "TEMPLATE template0")

    def made(self, suffix, options):
        name = f"{self.database[:40]}_{suffix}"
        self.server.run("postgres", f"CREATE DATABASE {ident(name)} {options}")
        self.configure(name)
        return name

    def configure(self, database):
        """Gives a database the scenario's settings."""
        self.server.run("postgres", rotation.commands(f"ALTER DATABASE {ident(database)} SET", self.settings))

    # Files

    def own(self, path, mode=None):
        os.chmod(path, mode or (0o755 if path.is_dir() else 0o644))
        if os.getuid() == 0:
            os.chown(path, self.server.user.pw_uid, self.server.user.pw_gid)
        return path

    def file(self, name, script, encoding="UTF-8"):
        """Makes a SQLite file from SQL."""
        path = self.dir / name
        path.unlink(missing_ok=True)
        db = sqlite3.connect(path)
        db.execute(f"PRAGMA encoding = '{encoding}'")
        db.executescript(script)
        db.commit()
        db.close()
        return self.own(path)

    def fixture(self, name):
        """Makes a SQLite file from tests/fixtures/small/NAME.sql."""
        return self.file(f"{name}.db", (FIXTURES / "small" / f"{name}.sql").read_text())

    def copy_of(self, source):
        path = self.dir / pathlib.Path(source).name
        shutil.copyfile(source, path)
        return self.own(path)

    # SQL

    def sql(self, script, user="postgres"):
        """Runs a script in a session of its own, up to the first error, which is raised."""
        result = self.server.run(self.database, script, user)
        for plan in [plan for plan in self.plans if plan in script]:
            accepted_plans.check(self.plans.pop(plan))
        return result

    def attempt(self, script, user="postgres"):
        """As `sql`, with an error as part of the result."""
        return self.server.attempt(self.database, script, user)

    def rows(self, query, user="postgres"):
        """The rows of a query as dictionaries."""
        return json.loads(self.value(f"SELECT coalesce(json_agg(q), '[]') FROM ({query}) q", user))

    def value(self, query, user="postgres"):
        """As `psql -At` prints it."""
        return self.sql(query, user).out.strip()

    def shown(self, query, user="postgres"):
        """As `value`, printed in one style whatever the scenario's settings are."""
        return self.value(FIXED + query, user)

    def shown_rows(self, query):
        """As `rows`, printed in one style."""
        return json.loads(self.shown(f"SELECT coalesce(json_agg(q), '[]') FROM ({query}) q"))

    def session(self, user="postgres", database=None):
        """A session that stays until the scenario ends."""
        session = Session(self.server, database or self.database, user)
        self.sessions.append(session)
        return session

    # The extension

    def call(self, function, path, plan=None):
        if plan is None:
            return f"SELECT * FROM {function}({quote(str(path))})"
        self.plans[quote(json.dumps(plan))] = plan
        return f"SELECT * FROM {function}({quote(str(path))}, {quote(json.dumps(plan))})"

    def import_(self, path, plan=None):
        """Imports, which must succeed; the result rows by table name."""
        return {row["table"]: row for row in self.rows(self.call("sqlite_import", path, plan or {}))}

    def import_fails(self, path, plan, sqlstates, message, hint=""):
        with fails(sqlstates, message, hint) as failure:
            self.sql(self.call("sqlite_import", path, plan))
        return failure

    def plan(self, path, plan=None):
        return json.loads(self.value(self.call("sqlite_plan", path, plan or {})))

    def findings(self, path, plan=None):
        return self.rows(self.call("sqlite_findings", path, plan or {}))

    def merged(self, plan, *fixes):
        """The plan with the fixes of findings."""
        patches = ", ".join(f"{quote(json.dumps(fix))}::jsonb" for fix in fixes)
        return json.loads(self.value(f"SELECT sqlite_plan_merge({quote(json.dumps(plan))}, {patches})"))

    def type_of(self, table, column, schema="public"):
        return self.value(
            "SELECT format_type(atttypid, atttypmod) FROM pg_attribute"
            f" WHERE attrelid = {quote(f'{ident(schema)}.{ident(table)}')}::regclass AND attname = {quote(column)}")

    def constraints(self, table, kind, schema="public"):
        """Definitions of a table's constraints of one kind (p, u, f, c), in order."""
        return self.value(
            "SELECT coalesce(string_agg(pg_get_constraintdef(oid), E'\\n' ORDER BY conname), '') FROM pg_constraint"
            f" WHERE contype = '{kind}' AND conrelid = {quote(f'{ident(schema)}.{ident(table)}')}::regclass")

    def traces(self):
        """Everything that an import may leave behind in the database, as one text."""
        parts = [
            "SELECT n.nspname, c.relname, c.relkind FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace"
            " WHERE n.nspname !~ '^pg_(toast|temp)'",
            "SELECT nspname FROM pg_namespace WHERE nspname !~ '^pg_(toast_)?temp'",
            "SELECT collname, collnamespace::regnamespace FROM pg_collation WHERE oid >= 16384",
            "SELECT * FROM sqlite_migrate.run",
            "SELECT * FROM sqlite_migrate.run_table",
            "SELECT * FROM sqlite_migrate.run_step",
            "SELECT * FROM sqlite_migrate.reject",
            "SELECT * FROM sqlite_migrate.finding",
        ]
        return self.sql(";".join(f"SELECT q::text FROM ({part}) q ORDER BY 1" for part in parts)).out
