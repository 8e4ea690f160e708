"""What every end-to-end scenario uses: the private server, psql, and errors as data.

A scenario is a function `test_…(t)` in a module `test_*.py`; `t` (a `Scenario`) has a database and a directory of its
own, both removed afterwards. The directory belongs to the server's user, so that the server may write beside a file.
The database has session settings of its own (see rotation.py), for every session but those that `shown`, `shown_rows` and
`copy` read with.
A scenario fails when it raises, and also when the server's log shows a crash, a panic or an internal error meanwhile.
"""

import dataclasses
import json
import os
import pathlib
import pwd
import queue
import re
import shutil
import sqlite3
import subprocess
import tempfile
import threading
import time

import rotation

ROOT = pathlib.Path(__file__).resolve().parents[2]
FIXTURES = ROOT / "tests" / "fixtures"
DATA = ROOT.parent / "shared" / "data"
TIMEOUT = 300  # seconds; only so that a hang ends, nothing is measured with it

# For a session that reads what is stored, in one style.
FIXED = rotation.commands("SET", rotation.FIXED)

# What the server's log must never say while a scenario runs.
CRASH = re.compile(r"terminated by signal|reinitializing|PANIC|panicked at| XX000 |double free|stack smashing")


class Skip(Exception):
    """The scenario cannot run here; the text says why."""


@dataclasses.dataclass
class Result:
    """What one psql call said. `sqlstate` is None when nothing failed."""

    out: str
    err: str
    sqlstate: str | None = None
    message: str = ""
    detail: str = ""
    hint: str = ""

    @staticmethod
    def of(out, err):
        result = Result(out, err)
        error = re.search(r"(?:ERROR|FATAL):  (\w{5}): (.*)", err)
        if error:
            result.sqlstate, result.message = error.groups()
            result.detail = field(err[error.start():], "DETAIL")
            result.hint = field(err[error.start():], "HINT")
        elif "connection to server was lost" in err or "server closed the connection" in err:
            result.sqlstate, result.message = "08006", "connection lost"
        return result

    def ok(self):
        assert self.sqlstate is None, f"{self.sqlstate}: {self.message}\n{self.detail}\n{self.hint}"
        return self

    def fails(self, *sqlstates, message="", hint=""):
        """Asserts on one of the SQLSTATEs and on patterns that message (with DETAIL) and HINT must show."""
        said = f"{self.sqlstate}: {self.message}\nDETAIL: {self.detail}\nHINT: {self.hint}"
        assert self.sqlstate is not None, f"no error, but {self.out[:300]!r}"
        assert self.sqlstate in sqlstates, f"expected {' or '.join(sqlstates)}, got {said}"
        assert re.search(message, self.message + "\n" + self.detail, re.I), f"message lacks {message!r}: {said}"
        assert re.search(hint, self.hint, re.I), f"hint lacks {hint!r}: {said}"
        return self


def field(text, name):
    found = re.search(rf"^{name}:  (.*(?:\n(?!\w+:  ).*)*)", text, re.M)
    return found.group(1).strip() if found else ""


class Server:
    """The private cluster of scripts/server.sh."""

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

    def stop(self):
        self.script("remove", self.name)

    def command(self, database, user="postgres", *options):
        return [str(self.bin / "psql"), "-X", "-q", "-h", self.socket, "-p", "5432", "-U", user, "-d", database,
                "-v", "VERBOSITY=verbose", *options]

    def run(self, database, sql, user="postgres", options=("-A", "-t")):
        """Runs SQL as one script that ends at the first error."""
        run = subprocess.run(self.command(database, user, "-v", "ON_ERROR_STOP=1", *options), input=sql,
                             capture_output=True, text=True, errors="surrogateescape", timeout=TIMEOUT)
        return Result.of(run.stdout, run.stderr)

    def copy(self, database, query):
        """The rows of a query in COPY's text form, as bytes."""
        sql = FIXED + f"COPY ({query}) TO STDOUT"
        run = subprocess.run(self.command(database) + ["-v", "ON_ERROR_STOP=1"], input=sql.encode(),
                             capture_output=True, timeout=TIMEOUT)
        assert run.returncode == 0, run.stderr.decode(errors="replace")
        return run.stdout

    def dump_schema(self, database):
        """pg_dump's account of everything but the extension's own."""
        run = self.dump(database, "postgres", "--schema-only", "--exclude-schema=sqlite_migrate")
        assert run.returncode == 0, run.stderr
        return re.sub(r"^\\(un)?restrict .*\n", "", run.stdout, flags=re.M)

    def dump(self, database, user, *options):
        """What pg_dump says, run by a role."""
        return subprocess.run([str(self.bin / "pg_dump"), "-h", self.socket, "-p", "5432", "-U", user, *options, database],
                              capture_output=True, text=True, timeout=TIMEOUT)

    def log_size(self):
        return self.log.stat().st_size

    def log_since(self, position):
        with open(self.log, "rb") as log:
            log.seek(position)
            return log.read().decode(errors="replace")

    def wait_until_up(self):
        for _ in range(600):
            if self.run("postgres", "SELECT 1").sqlstate is None and "1" in self.run("postgres", "SELECT 1").out:
                return
            time.sleep(0.1)
        raise AssertionError("the server did not come back")


class Session:
    """One psql that stays connected: statement by statement, with the backend's process id."""

    MARK = "--done--"

    def __init__(self, server, database, user="postgres"):
        self.process = subprocess.Popen(server.command(database, user, "-A", "-t"), stdin=subprocess.PIPE, bufsize=0,
                                        stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
        self.lines = queue.Queue()
        threading.Thread(target=self.read, daemon=True).start()
        self.pid = int(self.run("SELECT pg_backend_pid()").out)

    def read(self):
        for line in self.process.stdout:
            self.lines.put(line.decode(errors="replace"))
        self.lines.put(None)

    def send(self, sql):
        """Starts statements without waiting for them."""
        self.process.stdin.write(f"{sql};\n\\echo {self.MARK}\n".encode())

    def wait(self, timeout=TIMEOUT):
        """What has been said up to the end of what was sent."""
        said = []
        while True:
            try:
                line = self.lines.get(timeout=timeout)
            except queue.Empty:
                raise AssertionError(f"no answer within {timeout} s") from None
            if line is None or line.strip() == self.MARK:
                break
            said.append(line)
        text = "".join(said)
        notice = re.compile(r"^(NOTICE|WARNING|INFO|LOCATION|CONTEXT):.*\n", re.M)
        return Result.of(notice.sub("", text), text)

    def run(self, sql, timeout=TIMEOUT):
        self.send(sql)
        return self.wait(timeout)

    def close(self):
        try:
            self.process.stdin.close()
            self.process.wait(10)
        except (OSError, subprocess.TimeoutExpired):
            self.process.kill()

    def open_files(self, below):
        """Files below a directory that the backend has open."""
        found = []
        for link in pathlib.Path(f"/proc/{self.pid}/fd").iterdir():
            try:
                target = os.readlink(link)
            except OSError:
                continue
            if target.startswith(str(below)):
                found.append(target)
        return found

    def threads(self):
        return len(os.listdir(f"/proc/{self.pid}/task"))

    def private_memory(self):
        """Bytes that are the backend's own: the shared buffers it touched do not count."""
        status = pathlib.Path(f"/proc/{self.pid}/status").read_text()
        return sum(int(re.search(rf"{name}:\s+(\d+)", status).group(1)) for name in ("RssAnon",)) * 1024


class Scenario:
    """A database with the extension, a directory for SQLite files, and the calls that scenarios make."""

    def __init__(self, server, name):
        self.server, self.name = server, name
        # The scripts show what a user with the server's defaults sees.
        self.settings = rotation.FIXED if name.endswith(".sql") else rotation.drawn(name)
        self.crash_expected = False
        self.database = "t_" + re.sub(r"\W", "_", name.lower())[-55:]
        self.sessions = []
        self.others = []

    def __enter__(self):
        self.dir = pathlib.Path(tempfile.mkdtemp(prefix="pgsm-e2e."))
        self.own(self.dir)
        self.server.run("postgres", f'CREATE DATABASE "{self.database}" TEMPLATE extension_template').ok()
        self.configure(self.database)
        self.log_start = self.server.log_size()
        return self

    def __exit__(self, kind, *_):
        for session in self.sessions:
            session.close()
        log = self.server.log_since(self.log_start)
        for database in (self.database, *self.others):
            self.server.run("postgres", f'DROP DATABASE IF EXISTS "{database}" WITH (FORCE)')
        shutil.rmtree(self.dir, ignore_errors=True)
        if kind is None and not self.crash_expected:
            bad = [line for line in log.splitlines() if CRASH.search(line)]
            assert not bad, "the server's log says:\n" + "\n".join(bad[:5])

    def other_database(self, suffix, options=""):
        """A second database with the extension: a copy of the template, or with options of its own."""
        name = f"{self.database[:40]}_{suffix}"
        self.server.run("postgres", f'CREATE DATABASE "{name}" {options or "TEMPLATE extension_template"}').ok()
        self.others.append(name)
        self.configure(name)
        self.server.run(name, "CREATE EXTENSION IF NOT EXISTS pg_sqlite_migrate").ok()
        return name

    def configure(self, database):
        """Gives a database the scenario's settings."""
        self.server.run("postgres", rotation.commands(f"ALTER DATABASE {ident(database)} SET", self.settings)).ok()

    def empty_database(self, suffix):
        """A database with nothing in it, not even the extension."""
        name = f"{self.database[:40]}_{suffix}"
        self.server.run("postgres", f'CREATE DATABASE "{name}" TEMPLATE template0').ok()
        self.others.append(name)
        self.configure(name)
        return name

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

    def sql(self, sql, user="postgres"):
        return self.server.run(self.database, sql, user)

    def rows(self, query):
        """The rows of a query as dictionaries."""
        out = self.sql(f"SELECT coalesce(json_agg(q), '[]') FROM ({query}) q").ok().out
        return json.loads(out)

    def value(self, query):
        return self.sql(query).ok().out.strip()

    def shown(self, query, user="postgres"):
        """As `value`, printed in one style whatever the scenario's settings are."""
        return self.sql(FIXED + query, user).ok().out.strip()

    def shown_rows(self, query):
        """As `rows`, printed in one style."""
        return json.loads(self.shown(f"SELECT coalesce(json_agg(q), '[]') FROM ({query}) q"))

    def session(self, user="postgres"):
        session = Session(self.server, self.database, user)
        self.sessions.append(session)
        return session

    # The extension

    def call(self, function, path, plan=None):
        return f"SELECT * FROM {function}({quote(str(path))}{', ' + quote(json.dumps(plan)) if plan is not None else ''})"

    def import_(self, path, plan=None):
        """Imports, which must succeed; the result rows by table name."""
        return {row["table"]: row for row in self.rows(self.call("sqlite_import", path, plan or {}))}

    def import_fails(self, path, plan, *sqlstates, message="", hint=""):
        return self.sql(self.call("sqlite_import", path, plan)).fails(*sqlstates, message=message, hint=hint)

    def plan(self, path, plan=None):
        return json.loads(self.value(self.call("sqlite_plan", path, plan or {})))

    def findings(self, path, plan=None):
        return self.rows(self.call("sqlite_findings", path, plan or {}))

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
            "SELECT * FROM sqlite_migrate.reject",
            "SELECT * FROM sqlite_migrate.finding",
        ]
        return "\n".join(self.sql(f"SELECT q::text FROM ({part}) q ORDER BY 1").ok().out for part in parts)


def quote(text):
    return "'" + text.replace("'", "''") + "'" if "\\" not in text else " E'" + text.replace("\\", "\\\\").replace("'", "''") + "'"


def ident(name):
    return '"' + name.replace('"', '""') + '"'


def until(condition, what, seconds=60):
    """Waits for something that another process brings about."""
    for _ in range(seconds * 20):
        if condition():
            return
        time.sleep(0.05)
    raise AssertionError(f"never happened: {what}")
