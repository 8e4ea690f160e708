"""Random schemas with values at every edge, both ways: from PostgreSQL into a file that Python's sqlite3 reads, and from SQLite through
an import and back.

PROPERTY_SEED (the first) and PROPERTY_COUNT choose other schemas than the suite's.
"""

import collections
import json
import os

import pytest

import export_generator
import sqlite_generator
from cluster import FIXED
from exports import export, opened
from harness import ident, quote

SEEDS = range(1, 13)


def seeds():
    first, count = int(os.environ.get("PROPERTY_SEED", SEEDS.start)), int(os.environ.get("PROPERTY_COUNT", len(SEEDS)))
    return range(first, first + count)


@pytest.mark.parametrize("seed", seeds())
def test_from_postgresql(t, seed):
    case = export_generator.generate(seed)
    t.sql(case.script)
    path, rows = export(t, plan=case.plan)
    with opened(path) as db:
        assert db.execute("PRAGMA foreign_key_check").fetchall() == []
        for table in case.tables:
            check_values(t, db, case, table, rows[table.name])
            check_declared(db, table, rows[table.name]["target"])
    plan = quote(json.dumps(case.plan))
    assert t.rows(f"SELECT * FROM verify_export({quote(str(path))}, {plan}) WHERE NOT ok") == []
    assert t.value(f"SELECT sqlite_export_plan(p) = p FROM sqlite_export_plan({plan}) p") == "t"
    check_way_back(t, path)


@pytest.mark.parametrize("seed", seeds())
def test_from_sqlite(t, seed):
    path = t.dir / "a.db"
    sqlite_generator.write(path, seed)
    check_way_back(t, path)


def check_values(t, db, case, table, row):
    with t.server.session(t.database) as session:
        printed = session.execute(FIXED + table.select()).rows
    expected, without = table.expected(printed, case.plan)
    parts = ", ".join(f"typeof({ident(c.name)}), {ident(c.name)}" for c in table.columns)
    found = table.found(db.execute(f"SELECT {parts} FROM {ident(row['target'])}"))
    assert found == expected, f"{table.q()}: missing {list((expected - found).items())[:3]}, not expected {list((found - expected).items())[:3]}"
    assert row["rows"] == len(printed)
    became = [f"{name}: {count} {'value' if count == 1 else 'values'} became NULL" for name, count in without.items()]
    told = row["detail"] or ""
    assert all(part in told for part in became) and told.count("became NULL") == len(became), (told, without)


def check_declared(db, table, target):
    columns = db.execute(f"PRAGMA table_info({ident(target)})").fetchall()
    assert [column[1] for column in columns] == [column.name for column in table.columns]
    key = [column[1] for column in sorted(columns, key=lambda c: c[5]) if column[5]]
    assert key == (table.primary or []), (key, table.primary)
    for column, (_, name, _, not_null, _, in_key) in zip(table.columns, columns):
        assert bool(not_null) == column.not_null or in_key, (name, not_null)
    keys = {row[0]: [] for row in db.execute(f"PRAGMA foreign_key_list({ident(target)})")}
    assert len(keys) == len(table.foreign)
    uniques = [[row[2] for row in db.execute(f"PRAGMA index_info({ident(name)})")] for _, name, unique, origin, _ in db.execute(f"PRAGMA index_list({ident(target)})") if unique and origin == "u"]
    assert sorted(uniques) == sorted(key for key in table.uniques if key != table.primary)


def check_way_back(t, path):
    """The file is imported, and the run exported: the same file."""
    t.own(path)
    t.import_(path, {"schema": "back"})
    run = int(t.value("SELECT max(id) FROM sqlite_migrate.run"))
    back, _ = export(t, "back.db", run=run)
    before, after = read(path), read(back)
    assert before.keys() == after.keys()
    for name in before:
        assert before[name] == after[name], f"{name}: {before[name][0]} {after[name][0]} was {minus(before[name], after[name])}, is {minus(after[name], before[name])}"


def read(path):
    """Tables by name: declared columns, and the rows with their storage classes, in any order."""
    tables = {}
    with opened(path) as db:
        for (name,) in db.execute("SELECT name FROM sqlite_schema WHERE type = 'table' AND name NOT LIKE 'sqlite~_%' ESCAPE '~'").fetchall():
            columns = db.execute(f"PRAGMA table_info({ident(name)})").fetchall()
            parts = ", ".join(f"typeof({ident(column[1])}), {ident(column[1])}" for column in columns)
            rows = [list(zip(row[::2], row[1::2])) for row in db.execute(f"SELECT {parts} FROM {ident(name)}")]
            for at, column in enumerate(columns):
                if column[2] == "ANY" and any(row[at][0] == "text" for row in rows):
                    # Numbers among texts, in a column without an affinity, are texts in PostgreSQL.
                    for row in rows:
                        row[at] = row[at] if row[at][1] is None else ("text", str(row[at][1]))
            # What is part of a key is NOT NULL in PostgreSQL anyway.
            tables[name] = [(*column[1:3], column[3] and not column[5], column[5]) for column in columns], sorted(map(repr, rows))
    return tables


def minus(rows, others):
    return list((collections.Counter(rows[1]) - collections.Counter(others[1])))[:3]
