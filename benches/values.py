#!/usr/bin/env python3
"""Comparing every value with the file, measured against the import and against EXCEPT ALL through foreign tables.

    SIZE=1 RUNS=3 benches/values.py      (`make bench ONLY=values` runs this alone)

One private cluster, the file of (a): 2M rows (SIZE=1). It is imported once; the contenders look at that copy, in turn; medians.
EXCEPT ALL is what SQL has for the question: the foreign tables convert each cell as the import did, and both directions are
asked for. The backend's memory is what it has grown by over the comparison.
"""

import json
import sys

from common import RUNS, SIZE, chosen, ground, grown, own, psql, psql_milliseconds, report, where
import bench_db
from harness import quote

IMPORT = "`sqlite_import`"
CONTENDERS = {
    "`verify_values()`": "SELECT * FROM verify_values()",
    "`verify_values(sample => 10000)`": "SELECT * FROM verify_values(sample => 10000)",
    "`EXCEPT ALL` through foreign tables, both directions": "SELECT {except_all}",
}
ONE_WAY = "(SELECT count(*) FROM (SELECT {columns} FROM {left} EXCEPT ALL SELECT {columns} FROM {right}) AS d)"


class Bench:
    def __init__(self, server, directory):
        self.server, self.times = server, {}
        self.path = directory / "values.db"
        bench_db.build("a", str(self.path), SIZE)
        own(server, self.path)

    def sql(self, sql):
        return psql(self.server, "contest", sql)

    def timed(self, sql):
        return psql_milliseconds(self.sql(f"LOAD 'pg_sqlite_migrate';\n\\timing on\n{sql};\n")) / 1000

    def fresh(self):
        self.server.run("postgres", "DROP DATABASE IF EXISTS contest WITH (FORCE)")
        self.server.run("postgres", "CREATE DATABASE contest TEMPLATE template0")
        self.sql("CREATE EXTENSION pg_sqlite_migrate")

    def except_all(self):
        """Rows that one side has, of every table and in both directions."""
        tables = self.sql("""SELECT json_agg(q) FROM (SELECT quote_ident(t.target_table) AS name,
            (SELECT string_agg(quote_ident(attname), ', ' ORDER BY attnum) FROM pg_attribute
             WHERE attrelid = format('%I.%I', t.target_schema, t.target_table)::regclass AND attnum > 0 AND NOT attisdropped) AS columns
            FROM sqlite_migrate.run_table AS t WHERE status = 'loaded') AS q""")
        ways = [(f"public.{table['name']}", f"file.{table['name']}", table["columns"]) for table in json.loads(tables)]
        return " + ".join(ONE_WAY.format(columns=columns, left=left, right=right)
                          for one, other, columns in ways for left, right in ((one, other), (other, one)))

    def round(self):
        self.fresh()
        seconds = self.timed(f"SELECT * FROM sqlite_import({quote(str(self.path))})")
        self.times.setdefault(IMPORT, []).append(seconds)
        self.sql(f"CREATE SERVER file FOREIGN DATA WRAPPER pg_sqlite_fdw OPTIONS (database {quote(str(self.path))}); CREATE SCHEMA file;"
                 " IMPORT FOREIGN SCHEMA main FROM SERVER file INTO file; VACUUM ANALYZE")
        found = self.except_all()
        assert self.sql(f"SELECT {found}") == "0", "the copy differs from the file"
        for name, sql in CONTENDERS.items():
            self.times.setdefault(name, []).append(self.timed(sql.format(except_all=found)))

    def memory(self):
        """Bytes by which a backend has grown at most while it compared everything."""
        return grown(self.server, "contest", "SELECT count(*) FROM verify_counts()", CONTENDERS["`verify_values()`"])


def main():
    if not chosen("values"):
        return
    with ground() as (server, directory):
        bench = Bench(server, directory)
        for n in range(RUNS):
            print(f"values, round {n + 1} of {RUNS}", file=sys.stderr)
            bench.round()
        title = f"{where(server)}; {int(2_000_000 * SIZE):,} rows"
        report(title, bench.times, IMPORT, "import", bench.memory(), of="`verify_values()`")


if __name__ == "__main__":
    main()
