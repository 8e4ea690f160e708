#!/usr/bin/env python3
"""The measured comparisons: one run, the same files, the contenders in turn, medians; a Markdown table on stdout.

    SIZE=1 RUNS=3 ONLY=a,b,c,j,d,e benches/run.py

Contenders, each into a fresh database of one private cluster:
  import      sqlite_import(file, '{}'): plan, profile, load, keys, indexes, verification
  load        the load phase of that import alone (run_table.load_seconds)
  ddl         of (d): the statements of that import other than loads, as plain SQL in one transaction: what the server takes at least
  copy        COPY FROM a prepared binary file (of text where that is said) into the same table without indexes
  pgloader    Debian's package with its defaults, where it is installed
  dump        sqlite3 .dump | psql, with the least that makes it load at all (see `fix_dump`)
"""

import json
import re
import shutil
import statistics
import subprocess
import sys
import tempfile
import time

from common import RUNS, SIZE, chosen, ground, own, psql, psql_milliseconds, where
import bench_db
from harness import quote

TITLES = {
    "a": "2M rows, 6 columns, 1 index", "b": "200k rows, 100 integers", "c": "50k rows, 4 kB JSON text",
    "j": "the same into jsonb; `COPY` of text", "d": "application, 30 small tables", "e": "application, 300k chats with long texts",
}
# What the call is given beside the file, and how the rows are written for COPY.
PLANS = {"j": '{"types": {"TEXT": "jsonb"}}'}
FORMATS = {"j": "text"}


class Bench:
    def __init__(self, server, directory, which):
        self.server, self.which = server, which
        self.path = directory / f"bench_{which}.db"
        bench_db.build(which, str(self.path), SIZE)
        own(server, self.path)
        self.copies = directory / f"copy_{which}"
        self.times = {}
        self.databases = 0
        self.share = 0.0
        self.notes = {}

    def prepare(self):
        """Imports once, for warm caches, and writes every table as a binary COPY file."""
        self.fresh("prepared")
        self.sql("prepared", self.call())
        tables = self.sql("prepared", "SELECT quote_ident(target_schema) || '.' || quote_ident(target_table)"
                                      " FROM sqlite_migrate.run_table ORDER BY ordinal").split("\n")
        self.copies.mkdir(exist_ok=True)
        own(self.server, self.copies)
        self.tables = [(table, self.copies / f"{n}.bin", self.columns(table)) for n, table in enumerate(tables) if table]
        self.rows = self.count("prepared")
        for table, file, _ in self.tables:
            self.sql("prepared", f"COPY {table} TO {quote(str(file))} (FORMAT {self.format()})")

    def count(self, database):
        """Rows in all tables of the database's public schema."""
        tables = self.sql(database, "SELECT string_agg(format('(SELECT count(*) FROM %s)', oid::regclass), '+') FROM pg_class"
                                    " WHERE relkind = 'r' AND relnamespace = 'public'::regnamespace")
        return int(self.sql(database, f"SELECT {tables or 0}"))

    def columns(self, table):
        return self.sql("prepared", "SELECT string_agg(quote_ident(attname) || ' ' || format_type(atttypid, atttypmod)"
                        " || CASE WHEN attnotnull THEN ' NOT NULL' ELSE '' END, ', ' ORDER BY attnum) FROM pg_attribute"
                        f" WHERE attrelid = {quote(table)}::regclass AND attnum > 0 AND NOT attisdropped")

    def call(self):
        return f"SELECT * FROM sqlite_import({quote(str(self.path))}, {quote(PLANS.get(self.which, '{}'))})"

    def format(self):
        return FORMATS.get(self.which, "binary")

    def fresh(self, name):
        """A new database. A former one of (d) stays, under another name: ext4 passes over the inodes of files that were deleted
        within minutes, one by one, for every file that is created then."""
        there = self.server.value("postgres", f"SELECT count(*) FROM pg_database WHERE datname = '{name}'") != "0"
        if there and self.which == "d":
            self.databases += 1
            self.server.run("postgres", f"ALTER DATABASE {name} RENAME TO {self.which}_{self.databases}")
        elif there:
            self.server.run("postgres", f"DROP DATABASE {name} WITH (FORCE)")
        self.server.run("postgres", f"CREATE DATABASE {name} TEMPLATE template0")
        self.server.run(name, "CREATE EXTENSION pg_sqlite_migrate; CHECKPOINT")

    def sql(self, database, sql):
        return psql(self.server, database, sql)

    def round(self, first):
        """Every contender once; the dump, which takes minutes, in the first round only."""
        for name in ("import", *(["ddl"] if self.which == "d" else []), "copy", "pgloader", *(["dump"] if first else [])):
            self.fresh("contest")
            seconds = getattr(self, f"run_{name}")()
            loaded = self.rows if name == "ddl" else self.count("contest")
            if seconds is not None and loaded != self.rows:
                self.note(name, f"{loaded} of {self.rows} rows arrived, in {seconds:.2f} s")
            elif seconds is not None:
                self.times.setdefault(name, []).append(seconds)

    def run_import(self):
        # One connection, and the time of the statement alone: connecting and loading the library are not the import.
        out = self.sql("contest", "LOAD 'pg_sqlite_migrate';\n\\timing on\n" + self.call() + ";\n\\timing off\n"
                       "SELECT 'load ' || sum(load_seconds) FROM sqlite_migrate.run_table;\n"
                       "SELECT 'check ' || (source #>> '{check,seconds}') FROM sqlite_migrate.run;")
        for name in ("load", "check"):
            self.times.setdefault(name, []).append(float(re.search(rf"^{name} (\S+)", out, re.M).group(1)))
        return psql_milliseconds(out) / 1000

    def run_ddl(self):
        plan = self.call().replace("SELECT * FROM sqlite_import", "FROM sqlite_ddl")
        hexed = self.sql("contest", f"SELECT encode(convert_to(sql, 'UTF8'), 'hex') {plan} WHERE phase <> 'load' ORDER BY ordinal")
        statements = [bytes.fromhex(line).decode() for line in hexed.split("\n")]
        script = "".join(f"{statement};\n" for statement in statements)
        return psql_milliseconds(self.sql("contest", f"\\o /dev/null\n\\timing on\nBEGIN;\n{script}COMMIT;\n")) / 1000

    def run_copy(self):
        script = "".join(f"CREATE SCHEMA IF NOT EXISTS {t.split('.')[0]};\n" for t, _, _ in self.tables[:1])
        script += "".join(f"CREATE TABLE {table} ({columns});\n" for table, _, columns in self.tables)
        script += "BEGIN;\n\\timing on\n"
        script += "".join(f"COPY {table} FROM {quote(str(file))} (FORMAT {self.format()});\n" for table, file, _ in self.tables)
        return psql_milliseconds(self.sql("contest", script + "COMMIT;\n")) / 1000

    def run_pgloader(self):
        if not shutil.which("pgloader"):
            return None
        # pgloader reads a host that begins with %2F wrongly; `unix:` is its own spelling of a socket directory.
        target = f"postgresql://postgres@unix:{self.server.socket}:5432/contest"
        start = time.monotonic()
        run = subprocess.run(["pgloader", "--on-error-stop", "--no-ssl-cert-verification", f"sqlite://{self.path}", target],
                             capture_output=True, text=True, cwd=tempfile.gettempdir())
        seconds = time.monotonic() - start
        if run.returncode or "FATAL" in run.stdout + run.stderr or "KABOOM" in run.stdout + run.stderr:
            self.note("pgloader", run.stdout + run.stderr)
            return None
        return seconds

    def run_dump(self):
        psql = self.server.psql("contest", "postgres", "-v", "ON_ERROR_STOP=1")
        start = time.monotonic()
        dump = subprocess.Popen(["sqlite3", str(self.path), ".dump"], stdout=subprocess.PIPE)
        fixed = subprocess.Popen(["sed", "-E", *fix_dump()], stdin=dump.stdout, stdout=subprocess.PIPE)
        run = subprocess.run(psql, stdin=fixed.stdout, capture_output=True, text=True)
        seconds = time.monotonic() - start
        if run.returncode:
            self.note("dump", run.stderr)
            return None
        return seconds

    def note(self, contender, text):
        lines = [line for line in text.splitlines() if re.search("ERROR|FATAL|KABOOM|error", line)] or text.splitlines()
        note = f"({self.which}) {contender} failed: {' '.join(lines[:2])[:200]}"
        print(note, file=sys.stderr)
        self.notes[contender] = note

    def plan_share(self):
        """How much of the whole comes before the first statement: opening, integrity, catalog, profile, key questions, plan."""
        plan = self.call().replace("sqlite_import", "sqlite_findings").replace("*", "count(*)")
        times = []
        for _ in range(RUNS):
            self.fresh("contest")
            times.append(psql_milliseconds(self.sql("contest", "LOAD 'pg_sqlite_migrate';\n\\timing on\n" + plan)) / 1000)
        return statistics.median(times) / statistics.median(self.times["import"])


def fix_dump():
    """What a .dump needs before psql takes it at all: no PRAGMA and no sqlite_sequence, keys as bigint, DATETIME as text
    and BOOLEAN as integer (both hold integers, which PostgreSQL refuses there), foreign keys away (tables come in any
    order), and chr() for SQLite's char(). What it makes is therefore less than what an import makes."""
    rules = [
        "/^PRAGMA|sqlite_sequence/d",
        "s/^INSERT INTO ([A-Za-z_]+) VALUES/INSERT INTO \"\\1\" VALUES/",
        "/^INSERT/s/,char\\(([0-9]+)\\)\\)/,chr(\\1))/g",
        "/^INSERT/!s/INTEGER (NOT NULL )?PRIMARY KEY( AUTOINCREMENT)?/bigint GENERATED BY DEFAULT AS IDENTITY PRIMARY KEY/",
        "/^INSERT/!s/DATETIME/text/g", "/^INSERT/!s/BOOLEAN/integer/g", "/^INSERT/!s/INTEGER UNSIGNED/bigint/",
        "/^INSERT/!s/INTEGER/bigint/g", "/^INSERT/!s/DEFAULT (true|false)//",
        "s/^ *CONSTRAINT .* FOREIGN KEY [^;]*(CASCADE|NULL|RESTRICT)(,?)$/CHECK (true)\\2/",
    ]
    return [part for rule in rules for part in ("-e", rule)]


def cell(bench, name):
    return f"{statistics.median(bench.times[name]):.2f} s" if bench.times.get(name) else "–"


def ratio(bench, name, to):
    if not bench.times.get(name) or not bench.times.get(to):
        return "–"
    return f"{statistics.median(bench.times[name]) / statistics.median(bench.times[to]):.2f}"


def report(benches, server):
    columns = ["import", "check", "load", "ddl", "copy", "pgloader", "dump"]
    print(f"\n{where(server)}; `.dump` once.\n")
    print("| | whole import | its integrity check | its load phase | its DDL alone | `COPY` binary | pgloader | `.dump \\| psql` | load ÷ COPY"
          " | pgloader ÷ import | all before the first statement ÷ import |")
    print("|---|---|---|---|---|---|---|---|---|---|---|")
    for bench in benches:
        cells = [cell(bench, name) for name in columns]
        cells += [ratio(bench, "load", "copy"), ratio(bench, "pgloader", "import"), f"{bench.share:.0%}"]
        print(f"| ({bench.which}) {TITLES[bench.which]} | {' | '.join(cells)} |")
    for bench in benches:
        print("".join(f"\n- {note}" for note in bench.notes.values()), end="")
    print("\n\nEach run, in seconds:\n\n```json")
    print(json.dumps({b.which: {k: [round(s, 3) for s in v] for k, v in b.times.items()} for b in benches}))
    print("```")


def main():
    which = chosen(*TITLES)
    if not which:
        return
    with ground() as (server, directory):
        benches = [Bench(server, directory, name) for name in which]
        for bench in benches:
            print(f"preparing ({bench.which})", file=sys.stderr)
            bench.prepare()
            for n in range(RUNS):
                print(f"({bench.which}) round {n + 1} of {RUNS}", file=sys.stderr)
                bench.round(first=n == 0)
            bench.share = bench.plan_share()
        report(benches, server)


if __name__ == "__main__":
    main()
