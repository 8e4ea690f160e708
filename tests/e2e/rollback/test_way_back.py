"""The third way back, rehearsed: users have worked on PostgreSQL, the run is exported, and the application's queries find in the
file what they would find in PostgreSQL."""

import sqlite3
import sys
from pathlib import Path

import pytest

import new_rows
from applications import Migration
from exports import export
from harness import ident

sys.path.append(str(Path(__file__).parents[1] / "orms"))

from test_app_paralegal import PARALEGAL  # noqa: E402
from test_app_strategy import APPLICATION as STRATEGY  # noqa: E402


def worked(m):
    """A user adds a row to every table, and changes a text in each of some others."""
    session = m.t.session()
    maker = new_rows.Maker(m.t, session, m.app.samples)
    for table in m.tables():
        maker.insert(table)
    # The clock of PostgreSQL counts fractions of seconds, where this application's file has whole ones.
    for column, kind in m.app.formats.items():
        if kind == "unixepoch" and (table := column.split(".")[0]) in m.tables():
            name = ident(column.split(".")[1])
            session.execute(f"UPDATE {ident(table)} SET {name} = date_trunc('second', {name})")
    session.close()


def references(path):
    """The keys by which an application joins: child, its column, parent, its column."""
    db = sqlite3.connect(path)
    try:
        tables = [name for name, in db.execute("SELECT name FROM sqlite_schema WHERE type = 'table' AND name NOT LIKE 'sqlite%'")]
        found = [(table, *key) for table in tables for key in db.execute("SELECT \"from\", \"table\", \"to\" FROM pragma_foreign_key_list(?) WHERE seq = 0", (table,))]
        primary = {table: [name for name, in db.execute("SELECT name FROM pragma_table_info(?) WHERE pk", (table,))] for table in tables}
        return [(child, column, parent, to or primary[parent][0]) for child, column, parent, to in found]
    finally:
        db.close()


def fewer(path):
    """Leaves a seventh of the rows, and those that they refer to: all of them are compared where the applications are imported."""
    keys = references(path)
    db = sqlite3.connect(path)
    tables = [name for name, in db.execute("SELECT name FROM pragma_table_list WHERE schema = 'main' AND type = 'table' AND NOT wr AND name NOT LIKE 'sqlite%'")]
    changed = None
    while changed != db.total_changes:
        changed = db.total_changes
        for table in tables:
            used = "".join(f" AND NOT EXISTS (SELECT 1 FROM {ident(child)} c WHERE c.{ident(column)} = t.{ident(to)})" for child, column, parent, to in keys if parent == table)
            db.execute(f"DELETE FROM {ident(table)} AS t WHERE rowid % 7 <> 1{used}")
    db.commit()
    db.close()


@pytest.mark.parametrize("application", [STRATEGY, PARALEGAL], ids=lambda application: application.name)
def test_an_application_goes_on_with_its_file(t, application):
    m = Migration(t, application, "postgres")
    fewer(m.path)
    m.import_()
    original = m.path
    worked(m)
    path, _ = export(t, "back.db", run=1)
    assert t.value(f"SELECT count(*) FROM verify_export('{path}', run => 1) WHERE NOT ok") == "0"
    # What the application reads of each table, in its own formats, is what PostgreSQL holds.
    m.path = path
    assert m.source_tables()
    for source in m.source_tables():
        table = m.app.target(source)
        kinds, key, rows = m.columns_of(table), m.key_of(table), {}
        with m.source() as db:
            cursor = db.execute(f"SELECT * FROM {ident(source)}")
            names = [column[0] for column in cursor.description]
            for cells in cursor:
                row = dict(m.meaning(source, kinds, pair) for pair in zip(names, cells) if m.app.target_column(source, pair[0]))
                rows[tuple(row[column] for column in key)] = row
        there = m.read_table(table)
        assert rows and len(rows) == len(there), table
        m.compare_rows(table, rows, {k: v for k, v in there.items() if k in rows})
    # Its joins find as many rows on both sides.
    joins = references(original)
    assert joins
    query = "SELECT {} AS n, count(*) AS a, count(p.{}) AS b FROM {} c LEFT JOIN {} p ON c.{} = p.{}"
    name, table = m.app.target_column, m.app.target
    of_file = [query.format(n, *map(ident, (to, child, parent, column, to))) for n, (child, column, parent, to) in enumerate(joins)]
    of_target = [query.format(n, *map(ident, (name(parent, to), table(child), table(parent), name(child, column), name(parent, to)))) for n, (child, column, parent, to) in enumerate(joins)]
    db = sqlite3.connect(path)
    in_file = db.execute(" UNION ALL ".join(of_file) + " ORDER BY 1").fetchall()
    db.close()
    there = t.rows(" UNION ALL ".join(of_target) + " ORDER BY 1")
    assert [tuple(row.values()) for row in there] == in_file, joins
