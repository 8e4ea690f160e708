#!/usr/bin/env python3
"""An export, measured against what else brings a table of PostgreSQL into a SQLite file.

    SIZE=1 RUNS=3 benches/export.py      (`make bench ONLY=export` runs this alone)

One private cluster, the table of (a): 2M rows (SIZE=1), 6 columns, a primary key and an index. All write the same table with
the same index, into a file that was not there; the files' rows are counted. In turn; medians; db-to-sqlite, which takes
minutes, in the first round only.
  sqlite_export   one statement, its COMMIT included: types, keys, index, every check, fsync
  pipe            COPY TO STDOUT (csv) | sqlite3 .import, into a declared table, without a journal and without fsync
  db-to-sqlite    from PyPI, installed below target/: its defaults, and the index afterwards
"""

import subprocess
import sys
import time

from common import ROOT, RUNS, SIZE, chosen, ground, grown, own, psql, psql_milliseconds, report, where
import bench_db
from harness import quote

ROWS = int(2_000_000 * SIZE)
EXPORT, PIPE, PEER = "`sqlite_export`", "`COPY TO STDOUT (csv) \\| sqlite3 .import`", "db-to-sqlite 1.5"
INDEX = "CREATE INDEX events_number ON events (number);"
TABLE = ("CREATE TABLE events (id INTEGER PRIMARY KEY, number BIGINT NOT NULL, kind TEXT NOT NULL, score REAL, message TEXT,"
         " created_at TIMESTAMP NOT NULL);")
WANTED = ["db-to-sqlite==1.5", "psycopg2-binary"]


class Bench:
    def __init__(self, server, directory):
        self.server, self.times, self.directory = server, {}, directory
        self.path = directory / "bench_a.db"
        bench_db.build("a", str(self.path), SIZE)
        own(server, self.path)
        self.peer = installed()
        self.server.run("postgres", "DROP DATABASE IF EXISTS contest WITH (FORCE)")
        self.server.run("postgres", "CREATE DATABASE contest TEMPLATE template0")
        self.sql(f"CREATE EXTENSION pg_sqlite_migrate; SELECT count(*) FROM sqlite_import({quote(str(self.path))});")
        self.sql("VACUUM ANALYZE; CHECKPOINT")

    def sql(self, sql):
        return psql(self.server, "contest", sql)

    def fresh(self, name):
        """A path at which there is no file, in a directory that is the server's."""
        into = self.directory / "exported"
        into.mkdir(exist_ok=True)
        own(self.server, into)
        path = into / name
        path.unlink(missing_ok=True)
        return path

    def call(self, path):
        return f"SELECT * FROM sqlite_export({quote(str(path))}, '{{\"schema\": \"public\"}}')"

    def run_export(self):
        path = self.fresh("export.db")
        out = self.sql(f"LOAD 'pg_sqlite_migrate';\n\\timing on\n{self.call(path)};\n")
        return psql_milliseconds(out) / 1000, path

    def run_pipe(self):
        path = self.fresh("pipe.db")
        settings = "PRAGMA journal_mode = OFF;\nPRAGMA synchronous = OFF;\n"
        script = f"{settings}{TABLE}\n.import --csv /dev/stdin events\n{INDEX}\n"
        copy = self.server.psql("contest", "postgres", "-c", "COPY events TO STDOUT (FORMAT csv)")
        commands = path.with_suffix(".sql")
        commands.write_text(script)
        start = time.monotonic()
        rows = subprocess.Popen(copy, stdout=subprocess.PIPE)
        subprocess.run(["sqlite3", "-bail", "-init", str(commands), str(path), ".quit"], stdin=rows.stdout, check=True, capture_output=True)
        seconds = time.monotonic() - start
        assert rows.wait() == 0
        return seconds, path

    def run_peer(self):
        path = self.fresh("peer.db")
        source = f"postgresql+psycopg2://postgres@/contest?host={self.server.socket}&port=5432"
        start = time.monotonic()
        subprocess.run([self.peer, source, str(path), "--table", "events"], check=True, capture_output=True)
        subprocess.run(["sqlite3", str(path), INDEX], check=True)
        return time.monotonic() - start, path

    def round(self, first):
        contenders = {EXPORT: self.run_export, PIPE: self.run_pipe}
        if first and self.peer:
            contenders[PEER] = self.run_peer
        for name, run in contenders.items():
            seconds, path = run()
            count = subprocess.run(["sqlite3", str(path), "SELECT count(*) FROM events"], capture_output=True, text=True, check=True)
            assert int(count.stdout) == ROWS, f"{name}: {count.stdout.strip()} rows"
            self.times.setdefault(name, []).append(seconds)

    def memory(self):
        """Bytes by which a backend has grown at most while it exported."""
        return grown(self.server, "contest", "LOAD 'pg_sqlite_migrate'", self.call(self.fresh("memory.db")))


def installed():
    """The program of db-to-sqlite, installed below target/ the first time; None where it cannot be."""
    place = ROOT / "target" / "db-to-sqlite"
    program = place / "bin" / "db-to-sqlite"
    if not program.exists():
        make = [["/usr/bin/python3", "-m", "venv", str(place)], [str(place / "bin" / "pip"), "install", "--quiet", *WANTED]]
        if any(subprocess.run(command).returncode for command in make):
            print("db-to-sqlite is not installed, and left out", file=sys.stderr)
            return None
    return str(program)


def main():
    if not chosen("export"):
        return
    with ground() as (server, directory):
        bench = Bench(server, directory)
        for n in range(RUNS):
            print(f"export, round {n + 1} of {RUNS}", file=sys.stderr)
            bench.round(first=n == 0)
        title = f"{where(server)}; {ROWS:,} rows; db-to-sqlite once"
        report(title, bench.times, EXPORT, "`sqlite_export`", bench.memory())


if __name__ == "__main__":
    main()
