"""Import, then export of the run: the file's tables, values and storage classes again, or the reason why not."""

import collections
import sqlite3

import pytest

import real_files
import sqlstates as s
from client import fails
from exports import call, cells, export, findings, schema
from harness import ident, quote, shared

LENIENT = {"keys": "as_data_allows", "orphans": "keep", "on_error": "continue"}


def read(path):
    """Tables by name: columns, and rows of (storage class, value), in any order. Texts that are not UTF-8 stay bytes."""
    db = sqlite3.connect(f"file:{path}?mode=ro", uri=True)
    db.text_factory = lambda raw: raw
    tables = {}
    for (name,) in db.execute("SELECT name FROM sqlite_schema WHERE type = 'table' AND name NOT LIKE 'sqlite~_%' ESCAPE '~'").fetchall():
        name = name.decode()
        try:
            columns = [row[1].decode() for row in db.execute(f"PRAGMA table_info({ident(name)})")]
            parts = ", ".join(f"typeof({ident(column)}), {ident(column)}" for column in columns)
            rows = db.execute(f"SELECT {parts} FROM {ident(name)}").fetchall()
        except sqlite3.Error:
            continue
        tables[name] = columns, [list(zip(row[::2], row[1::2])) for row in rows]
    db.close()
    return tables


def differences(before, after, loaded):
    """Columns whose values are not those of the file, with an example of what was and what is."""
    out = {}
    for name in loaded:
        columns, rows = before[name]
        found_columns, found = after[name]
        assert len(rows) == len(found), f"{name}: {len(rows)} rows, {len(found)} in the exported file"
        for at, column in enumerate(columns):
            if column not in found_columns:
                out[f"{name}.{column}"] = "is not there"
                continue
            was = collections.Counter(row[at] for row in rows)
            now = collections.Counter(row[found_columns.index(column)] for row in found)
            if was != now:
                out[f"{name}.{column}"] = f"{next(iter(was - now))} became {next(iter(now - was))}"
    return out


def round_trip(t, original, plan=None):
    path = t.copy_of(original)
    t.import_(path, plan or {})
    run = int(t.value("SELECT max(id) FROM sqlite_migrate.run"))
    loaded = t.value("SELECT string_agg(source_table, E'\\n') FROM sqlite_migrate.run_table WHERE status = 'loaded' AND rejected = 0").split("\n")
    back, _ = export(t, "back.db", run=run)
    return differences(read(original), read(back), loaded), back


@pytest.mark.parametrize("name", real_files.NAMES)
def test_real_files_come_back(t, name):
    found, _ = round_trip(t, shared("data", f"{name}.db"), LENIENT if name == "pgloader_sqlite" else {})
    print(name, found)
    assert found == {}


def test_an_exported_file_is_compared(t):
    t.sql("""CREATE TABLE v (id int PRIMARY KEY, a text, n numeric(8,2), at timestamptz); CREATE TABLE w (x float8);
             INSERT INTO v SELECT n, 'text ' || n, n / 4.0, 'epoch'::timestamptz + n * interval '1 s' FROM generate_series(1, 3000) n; INSERT INTO w VALUES (0.1), ('-0')""")
    path, _ = export(t)
    compare = lambda: [(row["table"], row["column"], row["rows"], row["rows_in_file"], row["detail"]) for row in t.rows(f"SELECT * FROM verify_export({quote(str(path))})") if not row["ok"]]  # noqa: E731
    assert compare() == [] and t.value(f"SELECT count(*) FROM verify_export({quote(str(path))})") == "7"
    # Order is none of a table's properties.
    t.sql("UPDATE v SET a = a WHERE id < 100")
    assert compare() == []
    db = sqlite3.connect(path)
    for change, expected in (("UPDATE v SET a = 'other' WHERE id = 7", [("v", None, 3000, 3000, "values differ"), ("v", "a", 3000, 3000, None)]),
                             ("UPDATE v SET a = 'text 8' WHERE id = 7; UPDATE v SET a = 'text 7' WHERE id = 8", [("v", None, 3000, 3000, "the same values are in other rows")]),
                             ("UPDATE v SET a = 'text ' || id; UPDATE w SET x = CAST(x AS TEXT)", []),
                             ("DELETE FROM w WHERE x < 0.05", [("w", None, 2, 1, "the numbers of rows differ"), ("w", "x", 2, 1, None)]),
                             ("ALTER TABLE w RENAME COLUMN x TO y", [("w", None, 2, None, f'column "t.x" does not exist in SQLite file "{path}"')]),
                             ("DROP TABLE w", [("w", None, 2, None, f'table "w" does not exist in SQLite file "{path}"')])):
        db.executescript(change)
        assert compare() == expected, change
    db.close()
