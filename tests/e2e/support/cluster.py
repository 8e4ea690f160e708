"""The private cluster of scripts/server.sh."""

import contextlib
import os
import pathlib
import pwd
import re
import subprocess
import time

import psycopg

import rotation
from client import TIMEOUT, Session
from harness import ROOT

# What not every server has: extensions, ICU, and the type xml. The collation `unicode` is there without it too, but has no version then.
FEATURES = """SELECT name FROM pg_available_extensions UNION ALL
    (SELECT 'icu' FROM pg_collation WHERE collprovider = 'i' AND pg_collation_actual_version(oid) IS NOT NULL LIMIT 1) UNION ALL
    SELECT 'NOT ENFORCED' FROM pg_attribute WHERE attrelid = 'pg_constraint'::regclass AND attname = 'conenforced'"""
# For a session that reads what is stored, in one style.
FIXED = rotation.commands("SET", rotation.FIXED)


class Server:
    def __init__(self, name="e2e", options=""):
        self.name = name
        self.environment = {**os.environ, "SERVER_OPTIONS": options}

    def script(self, *arguments):
        run = subprocess.run([ROOT / "scripts/server.sh", *arguments], env=self.environment, cwd=ROOT,
                             stdout=subprocess.PIPE, text=True, check=True)
        return run.stdout.strip()

    def start(self):
        self.script("remove", self.name)
        self.socket = self.script("start", self.name)
        self.log = pathlib.Path(self.script("log", self.name))
        self.data = pathlib.Path(self.script("data", self.name))
        self.bin = pathlib.Path(self.script("pg_config")).parent
        self.user = pwd.getpwnam("postgres") if os.getuid() == 0 else pwd.getpwuid(os.getuid())
        self.features = set(self.value("postgres", FEATURES).split("\n"))
        if self.attempt("postgres", "SELECT xmlparse(CONTENT '')").sqlstate is None:
            self.features.add("xml")

    def stop(self):
        self.script("remove", self.name)

    # SQL

    @contextlib.contextmanager
    def session(self, database, user="postgres"):
        session = Session(self, database, user)
        try:
            yield session
        finally:
            session.close()

    def run(self, database, script, user="postgres"):
        """Runs a script in a session of its own, up to the first error, which is raised."""
        with self.session(database, user) as session:
            return session.execute(script)

    def attempt(self, database, script, user="postgres"):
        """As `run`, with an error as part of the result."""
        with self.session(database, user) as session:
            return session.attempt(script)

    def value(self, database, query, user="postgres"):
        """As `psql -At` prints it."""
        return self.run(database, query, user).out.strip()

    def copy(self, database, query):
        """The rows of a query in COPY's text form, as bytes, printed in one style."""
        with self.session(database) as session:
            session.execute(FIXED)
            return session.copy_out(query)

    # The programs of PostgreSQL

    def psql(self, database, user="postgres", *options):
        """The command line of a psql."""
        return [str(self.bin / "psql"), "-X", "-q", "-h", self.socket, "-p", "5432", "-U", user, "-d", database,
                "-v", "VERBOSITY=verbose", *options]

    def restore(self, database, dump):
        """Runs what pg_dump has written."""
        subprocess.run(self.psql(database, "postgres", "-v", "ON_ERROR_STOP=1"), input=dump, stdout=subprocess.DEVNULL,
                       text=True, timeout=TIMEOUT, check=True)

    def dump(self, database, user, *options):
        """What pg_dump says, run by a role."""
        return subprocess.run([str(self.bin / "pg_dump"), "-h", self.socket, "-p", "5432", "-U", user, *options, database],
                              capture_output=True, text=True, timeout=TIMEOUT)

    def dump_schema(self, database):
        """pg_dump's account of everything but the extension's own."""
        run = self.dump(database, "postgres", "--schema-only", "--exclude-schema=sqlite_migrate")
        assert run.returncode == 0, run.stderr
        return re.sub(r"^\\(un)?restrict .*\n", "", run.stdout, flags=re.M)

    # Its log, and its end

    def log_size(self):
        return self.log.stat().st_size

    def log_since(self, position):
        with open(self.log, "rb") as log:
            log.seek(position)
            return log.read().decode(errors="replace")

    def wait_until_restarted(self, position):
        """After a crash that the log tells of behind this position. Until the server has noticed, it takes connections."""
        for _ in range(600):
            if "reinitializing" in self.log_since(position):
                return self.wait_until_up()
            time.sleep(0.1)
        raise AssertionError("the server has not noticed the crash")

    def wait_until_up(self):
        for _ in range(600):
            with contextlib.suppress(psycopg.Error):
                if self.value("postgres", "SELECT 1") == "1":
                    return
            time.sleep(0.1)
        raise AssertionError("the server did not come back")
