"""One query, three ways: a foreign table with pushdown, the foreign table without, and a copy in PostgreSQL.

A way is one psql for all queries: they name their tables without a schema, and the way's search_path decides. After each
query psql prints a marker with the SQLSTATE, so that rows and errors are read from one stream.

FDW_SELF=1 puts copies with shuffled rows in the place of the foreign tables: it proves that the queries are valid and that
their answers do not depend on the order of the rows.
"""

import collections
import concurrent.futures
import dataclasses
import os
import re
import subprocess

import fdw_db
from harness import FIXED, TIMEOUT, quote

SELF = os.environ.get("FDW_SELF") == "1"
MARK = "@@fdw"
WAYS = {"pushed": ("f", "on"), "unpushed": ("f", "off"), "local": ("l", "on")}


@dataclasses.dataclass(frozen=True)
class Answer:
    """What one query said: rows, or an SQLSTATE (`crash` when the connection went away)."""

    sqlstate: str
    rows: tuple

    def sorted(self):
        return Answer(self.sqlstate, tuple(sorted(self.rows)))

    def __str__(self):
        if self.sqlstate != "00000":
            return f"SQLSTATE {self.sqlstate}"
        return f"{len(self.rows)} rows: " + " ~ ".join(row.replace("\x1f", "|") for row in self.rows[:12])[:600]


def server(t, name, path, options=""):
    """Creates a foreign server for a file."""
    t.sql(f"CREATE SERVER {name} FOREIGN DATA WRAPPER pg_sqlite_fdw OPTIONS (database {quote(str(path))}{options})").ok()


def prepare(t):
    """The file of traps, as foreign tables in schema f and as copies in schema l."""
    path = t.dir / "traps.db"
    fdw_db.build(path)
    t.own(path)
    t.sql(fdw_db.COLLATIONS).ok()
    t.sql(FIXED + ";\n".join(fdw_db.local(path, "l")) + "; ANALYZE").ok()
    if SELF:
        t.sql(FIXED + ";\n".join(fdw_db.local(path, "f", shuffled=True)) + "; ANALYZE").ok()
    else:
        server(t, "traps", path)
        t.sql(";\n".join(fdw_db.foreign("traps", "f"))).ok()
    return path


def run(t, queries, way, explain=False, settings=""):
    """The answers to a list of queries."""
    schema, pushdown = WAYS[way]
    # The queries are written for standard strings; all other settings are the scenario's, for every way.
    script = [f"SET search_path = {schema}, public; SET standard_conforming_strings = on;",
              "SET statement_timeout = '30s'; SET jit = off; SET client_min_messages = error;",
              "" if SELF else f"SET pg_sqlite_migrate.pushdown = {pushdown};", settings,
              r"\set VERBOSITY sqlstate" "\n" r"\pset null '\\N'" "\n" r"\pset fieldsep '\037'" "\n" r"\pset recordsep '\036'"]
    for number, query in enumerate(queries):
        prefix = "EXPLAIN (COSTS off, VERBOSE) " if explain else ""
        script.append(f"{prefix}{query.rstrip(';')}\n;\n\\echo\n\\echo {MARK} {number} :SQLSTATE :ROW_COUNT")
    run = subprocess.run(t.server.command(t.database, "postgres", "-A", "-t"), input="\n".join(script).encode(),
                         stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, timeout=TIMEOUT)
    said = re.split(rf"\n{MARK} (\d+) (\w+) (\d+)\n", "\n" + run.stdout.decode(errors="replace"))
    answers = [Answer("crash", ())] * len(queries)
    for text, number, sqlstate, count in zip(said[0::4], said[1::4], said[2::4], said[3::4]):
        rows = text.strip("\n").split("\x1e") if count != "0" or explain else []
        answers[int(number)] = Answer(sqlstate, tuple(rows) if sqlstate == "00000" else ())
    return answers


def run_all(t, queries, settings=""):
    """The answers of all ways, and the plans of the first."""
    jobs = [(way, False) for way in WAYS] + [("pushed", True)]
    with concurrent.futures.ThreadPoolExecutor(2) as pool:
        answers = list(pool.map(lambda job: run(t, queries, *job, settings=settings), jobs))
    return answers[:3], ["\n".join(answer.rows) for answer in answers[3]]


def differences(queries, answers, ordered):
    """A text for every query whose answers are not the same."""
    for number, query in enumerate(queries):
        three = [way[number] if ordered(number) else way[number].sorted() for way in answers]
        if len(set(three)) != 1 or three[0].sqlstate in ("crash", "57014", "XX000"):
            lines = [f"{way:>9}: {answer}" for way, answer in zip(WAYS, three)]
            yield f"#{number} {query}\n" + "\n".join(lines)


# What is done where: a node of the local plan tells what SQLite did not do.
LOCAL = {
    "where": r"^ *(Filter|One-Time Filter|Join Filter):", "order": r"^ *(->  )?(Incremental )?Sort$", "limit": r"^ *(->  )?Limit$",
    "agg": r"^ *(->  )?(Mixed|Hash|Group|Partial )?(Aggregate|Group)\b", "join": r"^ *(->  )?(Nested Loop|Hash \w*\s*Join|Merge \w*\s*Join)",
    "semi": r"Nested Loop|Hash .*Join|Merge .*Join|SubPlan", "distinct": r"^ *(->  )?(Unique|HashAggregate)",
}


def misplaced(expected, plan):
    """Which of the expectations (`where`, `-order`, …) a plan does not meet."""
    for word in expected:
        negated, kind = word.startswith("-"), word.lstrip("-")
        pushed = "Remote SQL" in plan and not re.search(LOCAL[kind], plan, re.M)
        if pushed == negated:
            yield word


def counts(plans):
    """How many plans leave nothing but a foreign scan to PostgreSQL, and how many ship each kind of work."""
    found = collections.Counter()
    for plan in plans:
        remote = " ".join(re.findall(r"Remote SQL: (.*)", plan))
        found["whole"] += bool(remote) and plan.lstrip().startswith("Foreign Scan") and not re.search(LOCAL["where"], plan, re.M)
        found["where"] += " WHERE " in remote
        found["order"] += " ORDER BY " in remote
        found["limit"] += " LIMIT " in remote
        found["group"] += " GROUP BY " in remote
        found["join"] += " JOIN " in remote
        found["semi"] += "EXISTS" in remote
    return dict(found)
