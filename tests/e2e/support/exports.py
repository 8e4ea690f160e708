"""Exports of scenarios, and what Python's sqlite3 reads of them."""

import contextlib
import json
import sqlite3

from harness import quote


def call(path, plan=None, run=None):
    """`sqlite_export(…)`, as SQL."""
    arguments = [quote(str(path)), "NULL" if plan is None else quote(json.dumps(plan, ensure_ascii=False)), "NULL" if run is None else str(run)]
    return f"SELECT * FROM sqlite_export({', '.join(arguments)})"


def export(t, name="out.db", plan=None, run=None, user="postgres"):
    """Exports, which must succeed: the path, and the result's rows by table name."""
    path = t.dir / name
    return path, {row["table"]: row for row in t.rows(call(path, plan, run), user)}


@contextlib.contextmanager
def opened(path):
    """The file, sound by SQLite's own checks."""
    db = sqlite3.connect(f"file:{path}?mode=ro", uri=True)
    try:
        assert db.execute("PRAGMA integrity_check").fetchall() == [("ok",)]
        yield db
    finally:
        db.close()


def cells(path, sql):
    """The rows of a query, each cell with its storage class where that is not what Python makes of it anyway."""
    with opened(path) as db:
        return db.execute(sql).fetchall()


def schema(path):
    """The statements that the file declares, by name."""
    with opened(path) as db:
        return dict(db.execute("SELECT name, sql FROM sqlite_schema WHERE sql IS NOT NULL AND name NOT LIKE 'sqlite_%'"))


def findings(t, plan=None, run=None):
    """`object: message` of every finding."""
    arguments = f"{'NULL' if plan is None else quote(json.dumps(plan))}, {'NULL' if run is None else run}"
    return [f"{row['object']}: {row['message']}" for row in t.rows(f"SELECT * FROM sqlite_export_findings({arguments})")]


def left_behind(t):
    """What lies in the scenario's directory."""
    return sorted(path.name for path in t.dir.iterdir())


def in_encoding(t, encoding):
    """Runs SQL in a database of this encoding; the client's is UTF-8."""
    name = t.other_database(encoding.lower(), f"ENCODING '{encoding}' LC_COLLATE 'C' LC_CTYPE 'C' TEMPLATE template0")
    return lambda sql: t.server.run(name, f"SET client_encoding = 'UTF8'; {sql}")
