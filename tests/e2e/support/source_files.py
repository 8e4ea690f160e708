"""Files of applications that are connected to them, or were: what a source file can look like, and what is beside it.

The application runs as another operating system user where the scenarios run as root, as it does in life.
"""

import json
import os
import pwd
import signal
import subprocess
import sys

from harness import quote

OWNER = pwd.getpwnam("nobody") if os.getuid() == 0 else pwd.getpwuid(os.getuid())
OLD = 1_700_000_000         # long ago: no clock tick is in doubt

# The interpreter may be where only its owner can start it.
AS_OWNER = """
import json, os, sqlite3, sys
if os.getuid() == 0:
    os.setgroups([])
    os.setgid(int(sys.argv[2]))
    os.setuid(int(sys.argv[1]))
"""

PROGRAM = AS_OWNER + """
db = None
for line in sys.stdin:
    kind, text = json.loads(line)
    try:
        if kind == "open":
            db = sqlite3.connect(text, isolation_level=None, timeout=5)
            answer = []
        elif kind == "close":
            db.close()
            answer = []
        else:
            answer = db.execute(text).fetchall()
    except sqlite3.Error as e:
        answer = str(e)
    print(json.dumps(answer), flush=True)
"""


def as_owner(program, *arguments, **pipes):
    command = [sys.executable, "-I", "-c", program, str(OWNER.pw_uid), str(OWNER.pw_gid), *arguments]
    return subprocess.Popen(command, stdout=subprocess.PIPE, cwd="/", **pipes)


class Application:
    """A process of the file's owner with one connection."""

    def __init__(self, path):
        self.process = as_owner(PROGRAM, stdin=subprocess.PIPE, text=True, bufsize=1)
        self.ask("open", str(path))

    def ask(self, kind, text=""):
        self.process.stdin.write(json.dumps([kind, text]) + "\n")
        answer = json.loads(self.process.stdout.readline())
        assert isinstance(answer, list), f"the application cannot: {text}: {answer}"
        return answer

    def run(self, sql):
        return [tuple(row) for row in self.ask("run", sql)]

    def close(self):
        self.ask("close")
        self.end()

    def kill(self):
        self.process.send_signal(signal.SIGKILL)
        self.end()

    def end(self):
        self.process.stdin.close()
        self.process.wait()
        self.process.stdout.close()


def once(path, *statements):
    """What the application does between opening the file and closing it."""
    application = Application(path)
    answers = [application.run(sql) for sql in statements]
    application.close()
    return answers[-1] if answers else []


def home(t, name, mode=0o755):
    """A directory of the application's. The server's user may make files there only with mode 0o777."""
    directory = t.dir / name
    directory.mkdir()
    os.chmod(directory, mode)
    if os.getuid() == 0:
        os.chown(directory, OWNER.pw_uid, OWNER.pw_gid)
    return directory


def give(path):
    if os.getuid() == 0:
        os.chown(path, OWNER.pw_uid, OWNER.pw_gid)
    os.chmod(path, 0o644)


def make(directory, *more, mode="wal"):
    path = directory / "app.db"
    once(path, f"PRAGMA journal_mode = {mode}", "CREATE TABLE t (id INTEGER PRIMARY KEY, v TEXT)",
         "INSERT INTO t VALUES (1, 'one'), (2, 'two')", *more)
    os.utime(path, (OLD, OLD))
    return path


# States of a file: each makes one, and gives its path, how many rows it holds, and the application if that is connected.


def closed(directory):
    return make(directory), 2, None


def rollback(directory):
    return make(directory, mode="delete"), 2, None


def empty_log(directory):
    path = make(directory)
    beside(path, "-wal").touch()
    give(beside(path, "-wal"))
    return path, 2, None


def empty_log_and_index(directory):
    path, _, _ = empty_log(directory)
    beside(path, "-shm").touch()
    give(beside(path, "-shm"))
    return path, 2, None


def index_alone(directory):
    path = make(directory)
    beside(path, "-shm").write_bytes(bytes(32768))
    give(beside(path, "-shm"))
    return path, 2, None


def connected(directory):
    path = make(directory)
    application = Application(path)
    application.run("INSERT INTO t VALUES (3, 'in the wal')")
    return path, 3, application


def connected_and_idle(directory):
    path, _, application = connected(directory)
    application.run("PRAGMA wal_checkpoint(TRUNCATE)")
    assert beside(path, "-wal").stat().st_size == 0
    return path, 3, application


def crashed(directory):
    path, rows, application = connected(directory)
    application.kill()
    assert beside(path, "-wal").stat().st_size > 0 and beside(path, "-shm").exists()
    return path, rows, None


def copied_with_its_log(directory):
    path, rows, _ = crashed(directory)
    beside(path, "-shm").unlink()
    return path, rows, None


IN_PLACE = (closed, rollback, empty_log, empty_log_and_index, index_alone, connected, connected_and_idle, crashed)


def beside(path, suffix):
    return path.with_name(path.name + suffix)


def listing(directory):
    """Names, owners, modes, inodes; of all but a -shm, whose content is for readers to use, also sizes and times."""
    out = {}
    for path in sorted(directory.iterdir()):
        stat = path.stat()
        out[path.name] = (stat.st_uid, stat.st_gid, stat.st_mode, stat.st_ino, stat.st_nlink)
        if not path.name.endswith("-shm"):
            out[path.name] += (stat.st_size, stat.st_mtime_ns)
    return out


def server(t, name, path, **options):
    options = "".join(f", {key} {quote(value)}" for key, value in options.items())
    t.sql(f"CREATE SERVER {name} FOREIGN DATA WRAPPER pg_sqlite_fdw OPTIONS (database {quote(str(path))}{options});"
          f"CREATE SCHEMA {name}; IMPORT FOREIGN SCHEMA main FROM SERVER {name} INTO {name}")


def everything(t, path, name, plan=None):
    """Every function that reads a file, an import and a foreign table, as one script; the rows that each way shows."""
    said = quote(json.dumps({"schema": f"{name}_import", **(plan or {})}))
    p, options = quote(str(path)), "".join(f", {key} {quote(str(value).lower())}" for key, value in (plan or {}).items())
    calls = "".join(f"SELECT count(*) FROM {f}({p}, {said});\n" for f in ("sqlite_inspect", "sqlite_findings", "sqlite_plan", "sqlite_ddl", "sqlite_compare"))
    out = t.sql(f"""
        SELECT count(*) FROM sqlite_check({p}, full => true);
        {calls}
        SELECT sum(imported) FROM sqlite_import({p}, {said});
        CREATE SERVER {name} FOREIGN DATA WRAPPER pg_sqlite_fdw OPTIONS (database {p}{options});
        CREATE SCHEMA {name};
        IMPORT FOREIGN SCHEMA main FROM SERVER {name} INTO {name};
        ANALYZE {name}.t;
        BEGIN ISOLATION LEVEL REPEATABLE READ;
        SELECT count(*) FROM {name}.t;
        COMMIT;
        SELECT count(*) FROM {name}.t WHERE v IS NOT NULL""").out.split()
    assert out[0] == "0", f"the file is not sound: {out}"
    return out[-3:]


def goes_on(path, application):
    """The application can write, and its file is sound."""
    if application is None:
        application = Application(path)
    before = application.run("SELECT count(*) FROM t")[0][0]
    application.run("INSERT INTO t SELECT max(id) + 1, 'afterwards' FROM t")
    assert application.run("SELECT count(*) FROM t") == [(before + 1,)]
    assert application.run("PRAGMA integrity_check") == [("ok",)]
    application.close()


def leftovers(t):
    """Private copies among the server's temporary files."""
    directory = t.server.data / "base" / "pgsql_tmp"
    return sorted(p.name for p in directory.iterdir() if ".sqlite." in p.name) if directory.exists() else []
