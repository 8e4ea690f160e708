"""One query, four ways: a foreign table with pushdown, the foreign table without, a copy in PostgreSQL, and with pushdown after
all cells have been seen, when columns without misfits are not tested.

A way is one session for all queries: they name their tables without a schema, and the way's search_path decides.

FDW_SELF=1 puts copies with shuffled rows in the place of the foreign tables: it proves that the queries are valid and that
their answers do not depend on the order of the rows.
"""

import collections
import concurrent.futures
import dataclasses
import os
import re

import pglast

import fdw_db
import shrink
from client import CONNECTION_LOST
from cluster import FIXED
from harness import quote

SELF = os.environ.get("FDW_SELF") == "1"
WAYS = {"pushed": ("f", "on"), "unpushed": ("f", "off"), "local": ("l", "on"), "seen": ("f", "on")}


@dataclasses.dataclass(frozen=True)
class Answer:
    """What one query said: rows, or an SQLSTATE."""

    sqlstate: str
    rows: tuple

    def sorted(self):
        return Answer(self.sqlstate, tuple(sorted(self.rows)))

    def __str__(self):
        if self.sqlstate != "00000":
            return f"SQLSTATE {self.sqlstate}"
        return f"{len(self.rows)} rows: " + " ~ ".join("|".join(row) for row in self.rows[:12])[:600]


def server(t, name, path, options=""):
    """Creates a foreign server for a file."""
    t.sql(f"CREATE SERVER {name} FOREIGN DATA WRAPPER pg_sqlite_fdw OPTIONS (database {quote(str(path))}{options})")


def prepare(t):
    """The file of traps, as foreign tables in schema f and as copies in schema l."""
    path = t.dir / "traps.db"
    fdw_db.build(path)
    t.own(path)
    t.sql(fdw_db.collations("icu" in t.server.features))
    t.sql(FIXED + ";\n".join(fdw_db.local(path, "l")) + "; ANALYZE")
    if SELF:
        t.sql(FIXED + ";\n".join(fdw_db.local(path, "f", shuffled=True)) + "; ANALYZE")
    else:
        server(t, "traps", path)
        t.sql(";\n".join(fdw_db.foreign("traps", "f")))
    return path


def run(t, queries, way, explain=False, settings=""):
    """The answers to a list of queries."""
    schema, pushdown = WAYS[way]
    # The queries are written for standard strings; all other settings are the scenario's, for every way.
    begin = [f"SET search_path = {schema}, public", "SET standard_conforming_strings = on", "SET statement_timeout = '30s'",
             "SET jit = off", "SET client_min_messages = error"]
    if not SELF:
        begin.append(f"SET pg_sqlite_migrate.pushdown = {pushdown}")
    prefix = "EXPLAIN (COSTS off, VERBOSE) " if explain else ""
    with t.server.session(t.database) as session:
        session.execute(begin)
        session.execute(settings)
        if way == "seen":
            answers(session, [f"SELECT * FROM {fdw_db.ident(name)}" for name, _ in fdw_db.relations()])
        return answers(session, [prefix + query for query in queries])


def answers(session, queries):
    """What comes of each query, errors among them."""
    results = [session.attempt([query]) for query in queries]
    return [Answer(result.sqlstate or "00000", tuple(tuple(r"\N" if cell is None else cell for cell in row) for row in result.rows))
            for result in results]


def run_all(t, queries, settings=""):
    """The answers of all ways, and the plans of the first."""
    jobs = [(way, False) for way in WAYS] + [("pushed", True)]
    with concurrent.futures.ThreadPoolExecutor(2) as pool:
        said = list(pool.map(lambda job: run(t, queries, *job, settings=settings), jobs))
    return said[:-1], ["\n".join(line for line, in answer.rows) for answer in said[-1]]


def differences(queries, answers, ordered):
    """Number and a text for every query whose answers are not the same."""
    for number, query in enumerate(queries):
        all_ways = [way[number] if ordered(number) else way[number].sorted() for way in answers]
        if len(set(all_ways)) != 1 or all_ways[0].sqlstate in (CONNECTION_LOST, "57014", "XX000"):
            lines = [f"{way:>9}: {answer}" for way, answer in zip(WAYS, all_ways)]
            yield number, f"#{number} {query}\n" + "\n".join(lines)


def smallest(t, query, ordered):
    """What is left of a query whose answers differ, when all is left out that they differ without, and its answers."""
    before, order, after = query.rpartition(" ORDER BY ") if ordered else (query, "", "")
    written = lambda tokens: " ".join(tokens) + order + after  # noqa: E731

    def asked(tokens):
        return [run(t, [written(tokens)], way)[0] if ordered else run(t, [written(tokens)], way)[0].sorted() for way in WAYS]

    def differs(tokens):
        said = asked(tokens)
        # What is no query any more is the same error everywhere; an error that was none before is another matter.
        return len(set(said)) > 1 and [answer.sqlstate for answer in said] == states

    tokens = [before[token.start:token.end + 1] for token in pglast.parser.scan(before)]
    states = [answer.sqlstate for answer in asked(tokens)]
    tokens = shrink.smallest(tokens, differs)
    return written(tokens) + "".join(f"\n{way:>9}: {answer}" for way, answer in zip(WAYS, asked(tokens)))


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
