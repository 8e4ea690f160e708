#!/usr/bin/env python3
"""Foreign tables, measured: pg_sqlite_fdw, sqlite_fdw where it is installed, and the bare sqlite3 for the pure scan.

    SIZE=1 RUNS=3 benches/fdw.py      (`make bench ONLY=fdw` runs this alone)

One private cluster, one file, one connection per contender; each question is asked once to warm the caches and RUNS
times to be measured, contenders in turn; medians. Memory is how much the backend's own memory (RssAnon) has grown
from its first answer to its last. SIZE=1 is 2M rows.
"""

import re
import shutil
import sqlite3
import subprocess
import sys
import time

import psycopg

from common import RUNS, SIZE, chosen, ground, median, own, where
from client import Session, statements
from harness import quote

ROWS, INSERTED, LOOK_UPS = int(2_000_000 * SIZE), int(1_000_000 * SIZE), 10_000

LOOP = """DO $$ DECLARE said text; BEGIN
    FOR i IN 1..{n} LOOP SELECT name INTO said FROM events WHERE id = (i * 7919::bigint) % {rows} + 1; END LOOP; END $$"""
# Title, statements, and what runs before each measurement; `sqlite` is what the bare program is asked instead.
QUESTIONS = [
    ("full scan, `count(name)`", "SELECT count(name) FROM events", "", "SELECT count(name) FROM events"),
    ("full scan, `sum(length(name))`", "SELECT sum(length(name)) FROM events", "", "SELECT sum(length(name)) FROM events"),
    ("full scan, every column, computed here", "SELECT count(e) FROM events e WHERE random() >= 0", "",
     "SELECT count(*) FROM (SELECT id + 0, kind || '', name || '', score + 0, ms + 0, flag + 0 FROM events LIMIT -1 OFFSET 0) WHERE random() IS NOT NULL"),
    ("`INSERT INTO local SELECT * FROM ft`", "INSERT INTO taken SELECT * FROM events", "TRUNCATE taken", None),
    (f"{LOOK_UPS:,} look-ups by key, PL/pgSQL", LOOP.format(n=LOOK_UPS, rows=ROWS), "", None),
    (f"{LOOK_UPS:,} look-ups by key, join with a local table", "SELECT count(e.name) FROM keys k JOIN events e ON e.id = k.id", "", None),
    (f"{LOOK_UPS // 10:,} look-ups by index, join with a local table", "SELECT count(e.name) FROM (SELECT id % 5003 AS n FROM keys LIMIT 1000) k JOIN events e ON e.kind = 'kind ' || k.n", "", None),
    ("join of two foreign tables", "SELECT count(*), max(o.label) FROM events e JOIN owners o ON o.id = e.flag WHERE e.score < 1000", "",
     "SELECT count(*), max(o.label) FROM events e JOIN owners o ON o.id = e.flag WHERE e.score < 1000"),
    ("aggregate by group", "SELECT flag, count(*), max(id), min(kind COLLATE \"C\") FROM events GROUP BY flag", "", "SELECT flag, count(*), max(id), min(kind) FROM events GROUP BY flag"),
    ("sort and limit", "SELECT id FROM events ORDER BY score DESC, id LIMIT 10", "", "SELECT id FROM events ORDER BY score DESC, id LIMIT 10"),
    (f"bulk INSERT of {INSERTED:,} rows", f"INSERT INTO filled SELECT g, 'row number ' || g, g / 3.0 FROM generate_series(1, {INSERTED}) g", "DELETE FROM filled",
     None),
]
CONTENDERS = {
    "pg_sqlite_fdw": ("pg_sqlite_migrate", "pg_sqlite_fdw", ", updatable 'true'"),
    "sqlite_fdw": ("sqlite_fdw", "sqlite_fdw", ""),
}


def build(path):
    if path.exists():
        return
    db = sqlite3.connect(path)
    db.executescript("PRAGMA synchronous = off; PRAGMA journal_mode = off;"
                     "CREATE TABLE events (id INTEGER PRIMARY KEY, kind TEXT, name TEXT, score REAL, ms INTEGER, flag INTEGER);"
                     "CREATE TABLE owners (id INTEGER PRIMARY KEY, label TEXT); CREATE TABLE filled (id INTEGER PRIMARY KEY, t TEXT, r REAL);")
    db.executemany("INSERT INTO events VALUES (?, ?, ?, ?, ?, ?)",
                   ((n, f"kind {n % 5003}", f"the name of event number {n}", n * 7 % 100003 / 8, 1_600_000_000_000 + n, n % 50) for n in range(1, ROWS + 1)))
    db.executemany("INSERT INTO owners VALUES (?, ?)", ((n, f"owner {n}") for n in range(50)))
    db.executescript("CREATE INDEX events_kind ON events (kind); ANALYZE;")
    db.commit()
    db.close()


class Contender:
    """A database with the foreign tables of one wrapper, and a session in it."""

    def __init__(self, server, name, path):
        self.name, (extension, wrapper, options) = name, CONTENDERS[name]
        database = f"bench_{name}"
        server.run("postgres", f"DROP DATABASE IF EXISTS {database} WITH (FORCE)")
        server.run("postgres", f"CREATE DATABASE {database} TEMPLATE template0")
        server.run(database, f"""CREATE EXTENSION {extension};
            CREATE SERVER bench FOREIGN DATA WRAPPER {wrapper} OPTIONS (database {quote(str(path))}{options});
            CREATE FOREIGN TABLE events (id bigint OPTIONS (key 'true'), kind text, name text, score float8, ms bigint, flag bigint) SERVER bench;
            CREATE FOREIGN TABLE owners (id bigint OPTIONS (key 'true'), label text) SERVER bench;
            CREATE FOREIGN TABLE filled (id bigint OPTIONS (key 'true'), t text, r float8) SERVER bench;
            CREATE TABLE taken (id bigint, kind text, name text, score float8, ms bigint, flag bigint);
            CREATE TABLE keys AS SELECT (g * 7919::bigint) % {ROWS} + 1 AS id FROM generate_series(1, {LOOK_UPS}) g; ANALYZE keys""")
        self.session = Session(server, database)
        self.times, self.notes = {}, []
        self.first = self.last = None

    def ask(self, title, sql, before, measured):
        if before:
            self.session.run(before)
        start = time.perf_counter()
        try:
            for statement in statements(sql):
                self.session.connection.execute(statement)
        except psycopg.Error as error:
            self.notes.append(f"{self.name}: {title}: {error.sqlstate}: {error.diag.message_primary}"[:200])
            return
        seconds = time.perf_counter() - start
        if self.first is None:
            self.first = self.session.private_memory()
        self.last = max(self.last or 0, self.session.private_memory())
        if measured:
            self.times.setdefault(title, []).append(seconds)

    def grown(self):
        return f"{(self.last - self.first) / 2**20:.0f} MB" if self.first else "–"


def sqlite_seconds(path, sql):
    """The time that the program itself says it took."""
    run = subprocess.run(["sqlite3", "-readonly", str(path)], input=f".timer on\n{sql};\n", capture_output=True, text=True, check=True)
    return float(re.search(r"real ([0-9.]+)", run.stdout).group(1))


def report(contenders, bare, server):
    ours, theirs = contenders.get("pg_sqlite_fdw"), contenders.get("sqlite_fdw")
    print(f"\n{where(server)}; {ROWS:,} rows.\n")
    print("| | pg_sqlite_fdw | sqlite_fdw | sqlite3 | ÷ sqlite_fdw | ÷ sqlite3 |\n|---|---|---|---|---|---|")
    for title, *_ in QUESTIONS:
        a, b, c = median(ours.times, title), median(theirs.times, title) if theirs else None, median(bare, title)
        seconds = [f"{s:.3f} s" if s is not None else "–" for s in (a, b, c)]
        print(f"| {title} | {' | '.join(seconds)} | {f'{a / b:.2f}' if a and b else '–'} | {f'{a / c:.2f}' if a and c else '–'} |")
    print(f"| backend's memory, growth | {ours.grown()} | {theirs.grown() if theirs else '–'} | | | |\n")
    for contender in contenders.values():
        print("".join(f"- {note}\n" for note in dict.fromkeys(contender.notes)), end="")


def main():
    if not chosen("fdw"):
        return
    with ground() as (server, directory):
        path = directory / "fdw.db"
        build(path)
        available = server.run("postgres", "SELECT name FROM pg_available_extensions").out.split()
        contenders, copies = {}, {}
        for name, (extension, *_) in CONTENDERS.items():
            if extension in available:  # a file each: one's writes do not disturb the other
                copies[name] = directory / f"fdw_{name}.db"
                shutil.copyfile(path, copies[name])
                own(server, copies[name])
                contenders[name] = Contender(server, name, copies[name])
        bare = {}
        for title, sql, before, sqlite in QUESTIONS:
            print(title, file=sys.stderr)
            for turn in range(RUNS + 1):
                for contender in contenders.values():
                    contender.ask(title, sql, before, measured=turn > 0)
                if sqlite and turn and shutil.which("sqlite3"):
                    bare.setdefault(title, []).append(sqlite_seconds(path, sqlite))
        for contender in contenders.values():
            contender.session.close()
        report(contenders, bare, server)
        for copy in copies.values():
            copy.unlink()


if __name__ == "__main__":
    main()
