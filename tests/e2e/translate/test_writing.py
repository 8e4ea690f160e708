"""Statements that write: executed in SQLite, and translated in PostgreSQL after an import; afterwards every table is the same.

WRITING_SEED=… draws other random statements, WRITING_COUNT=… more of them.
"""

import collections
import datetime
import json
import os
import sqlite3
import uuid

import psycopg
import pytest

import rotation
from client import fails
from harness import ident, quote
from translated import connected, same, sort_key
from writing import FILE, STATEMENTS, TABLES, TYPED, TYPED_PLAN, TYPED_STATEMENTS, TYPED_TABLES, Generator

SEED = int(os.environ.get("WRITING_SEED", "1"))
COUNT = int(os.environ.get("WRITING_COUNT", "200"))

# Errors that a note announces: a value that the type does not hold, a row that breaks a constraint, a row that is written twice.
ASSUMED = ("22001", "22003", "22007", "22008", "22015", "22P02", "23502", "23505", "23514", "21000")
# What breaks a constraint in SQLite breaks it in PostgreSQL.
BROKEN = ("22", "23", "21", "0A")


class Both:
    """A file and the tables of its import, written to alike."""

    def __init__(self, t, path, tables, plan="{}"):
        self.path, self.plan, self.tables = path, plan, tables
        t.sql(f"SELECT * FROM sqlite_import({quote(str(path))}, {quote(plan)})")
        self.source = sqlite3.connect(":memory:", isolation_level=None)
        with sqlite3.connect(f"file:{path}?mode=ro", uri=True) as file:
            file.backup(self.source)
        self.target = connected(t)
        self.columns = {table: [row[1] for row in self.source.execute(f"PRAGMA table_xinfo({ident(table)})")] for table in tables}
        numbered = "SELECT attrelid::regclass::text, attname FROM pg_attribute WHERE attidentity <> '' AND attrelid::regclass::text !~ '^sqlite_'"
        self.numbered = self.target.execute(numbered).fetchall()
        self.sequences = self.source.execute("SELECT 1 FROM sqlite_master WHERE name = 'sqlite_sequence'").fetchone()

    def close(self):
        self.source.close()
        self.target.close()

    def translate(self, statement):
        """The translation and its notes, or why there is none."""
        try:
            statement, notes, helpers = self.target.execute(
                f"SELECT statement, notes, helpers FROM sqlite_translate({quote(statement)}, {quote(str(self.path))}, {quote(self.plan)})").fetchone()
            for helper in helpers:
                self.target.execute(helper)
            return (statement, notes), None
        except psycopg.Error as error:
            assert error.diag.sqlstate == "0A000", f"{statement}\n{error}"
            assert error.diag.message_hint, statement
            return None, f"{error.diag.message_primary} ({error.diag.message_detail})"

    def renumber(self):
        """The next numbers are SQLite's: a sequence goes on where a transaction is rolled back."""
        for table, column in self.numbered:
            bare = table.strip('"')
            kept = self.sequences and self.source.execute("SELECT seq FROM sqlite_sequence WHERE name = ?", (bare,)).fetchone()
            top = self.target.execute(f"SELECT max({ident(column)}) FROM {table}").fetchone()[0]
            number = max(kept[0] if kept else 0, top or 0)
            self.target.execute(f"SELECT setval(pg_get_serial_sequence({quote(table)}, {quote(column)}), {max(number, 1)}, {'true' if number else 'false'})")

    def judge(self, statement, keep):
        """What becomes of a statement in both; its rows stay in both, or in neither."""
        translation, refusal = self.translate(statement)
        if refusal:
            return "refused", refusal, ""
        translated, notes = translation
        self.renumber()
        self.source.execute("SAVEPOINT here")
        self.target.execute("BEGIN")
        self.target.execute("SAVEPOINT here")
        kind, said = self.outcome(statement, translated, notes)
        if not (keep and kind == "equal"):
            self.source.execute("ROLLBACK TO here")
            self.target.execute("ROLLBACK")
        else:
            self.target.execute("COMMIT")
        self.source.execute("RELEASE here")
        return kind, said, translated

    def outcome(self, statement, translated, notes):
        expected, broken = None, None
        try:
            expected = self.source.execute(statement).fetchall()
        except sqlite3.IntegrityError as error:
            broken = error
        except sqlite3.Error as error:
            return "invalid", str(error)
        try:
            rows = self.run(translated)
        except psycopg.Error as error:
            self.target.execute("ROLLBACK TO here")
            if broken and error.diag.sqlstate[:2] in BROKEN:
                return "equal", ""
            if error.diag.sqlstate in ASSUMED and notes:
                return "assumption", f"{error.diag.message_primary} {notes}"
            return "wrong", str(error)
        if broken:
            return "wrong", f"SQLite: {broken}; PostgreSQL takes it"
        if not alike(expected, rows):
            return "wrong", f"RETURNING {expected} in SQLite, {rows} in PostgreSQL"
        return ("wrong", self.difference()) if self.difference() else ("equal", "")

    def run(self, translated):
        # In binary, values do not depend on the session's settings.
        cursor = self.target.cursor(binary=True)
        cursor.execute(translated)
        if not cursor.description:
            return []
        return cursor.fetchall()

    def difference(self):
        self.target.execute("SAVEPOINT reading")
        self.target.execute(rotation.commands("SET LOCAL", rotation.FIXED))
        said = ""
        for table, key in self.tables.items():
            names = ", ".join(ident(name) for name in self.columns[table])
            expected = self.source.execute(f"SELECT {names} FROM {ident(table)}").fetchall()
            rows = self.target.execute(f"SELECT {names} FROM {ident(table)}").fetchall()
            if not alike(expected, rows):
                said += f"{table}:\n  {sorted(expected, key=sort_key)} in SQLite,\n  {sorted(rows, key=sort_key)} in PostgreSQL\n"
        self.target.execute("ROLLBACK TO reading")
        return said


def alike(expected, rows):
    """The same rows in any order."""
    expected, rows = sorted(expected, key=sort_key), sorted(map(plain, rows), key=sort_key)
    return len(expected) == len(rows) and all(all(equal(x, y) for x, y in zip(a, b, strict=True)) for a, b in zip(matched(expected, rows), rows))


def matched(expected, rows):
    """The rows of SQLite in the order of PostgreSQL's: spellings of times and numbers sort otherwise."""
    left = list(expected)
    out = []
    for row in rows:
        found = next((e for e in left if len(e) == len(row) and all(equal(x, y) for x, y in zip(e, row))), None)
        out.append(found if found is not None else left[0])
        left.remove(out[-1])
    return out


def plain(row):
    utc = datetime.timezone.utc
    aware = lambda v: isinstance(v, datetime.datetime) and v.tzinfo is not None
    return tuple(v.astimezone(utc) if aware(v) else v for v in row)


def equal(a, b):
    if isinstance(b, (dict, list)):
        return isinstance(a, str) and json.loads(a) == b
    if isinstance(a, str) and isinstance(b, str) and a.startswith('"'):
        # A text in JSON.
        return a == b or json.loads(a) == b
    if isinstance(b, uuid.UUID):
        return isinstance(a, str) and uuid.UUID(a) == b
    if isinstance(a, str) and isinstance(b, bytes):
        # A label of an enum, in binary.
        return a.encode() == b
    if isinstance(b, datetime.datetime) and isinstance(a, str) and len(a) == 10:
        return a == b.date().isoformat() and b.time() == datetime.time()
    return same(a, b)


def check(outcomes, share):
    outcomes = [o for o in outcomes if o[1] != "invalid"]
    kinds = collections.Counter(kind for _, kind, *_ in outcomes)
    wrong = "\n\n".join(f"{s}\n  -> {translated}\n  {said}" for s, kind, said, translated in outcomes if kind == "wrong")
    refused = "\n".join(f"{s}\n  refused: {said}" for s, kind, said, _ in outcomes if kind == "refused")
    part = 100 * (kinds["equal"] + kinds["assumption"]) / len(outcomes)
    print(f"{dict(kinds)}: {part:.1f} % translated\n{refused}")
    assert not wrong, f"{dict(kinds)}\n{wrong}"
    assert part >= share, f"{part:.1f} % translated\n{refused}"


@pytest.fixture
def both(t):
    both = Both(t, t.file("writing.db", FILE), TABLES, '{"verify": "none"}')
    yield both
    both.close()


def test_listed_statements(both):
    assert len(STATEMENTS) >= 250
    check([(statement, *both.judge(statement, keep=False)) for statement in STATEMENTS], 87)


@pytest.mark.parametrize("tables", ["there", "to be made"])
def test_random_statements_one_after_the_other(both, tables):
    if tables == "to be made":
        # As before the import: names of keys, defaults and types are those of the plan.
        both.plan = '{"existing_rows": "replace", "verify": "none"}'
    generator = Generator(SEED)
    statements = [generator.statement() for _ in range(COUNT)]
    check([(statement, *both.judge(statement, keep=True)) for statement in statements], 98)


def test_types_that_sqlite_has_not(t):
    both = Both(t, t.file("typed.db", TYPED), TYPED_TABLES, json.dumps(TYPED_PLAN))
    both.columns["typed"].remove("gone")
    outcomes = [(statement, *both.judge(statement, keep=False)) for statement in TYPED_STATEMENTS]
    both.close()
    check(outcomes, 73)


# A statement, the values that it is run with, and types that a note names.
PARAMETERS = [
    ("INSERT INTO w (id, n, f, t, day) VALUES (?, ?, ?, ?, ?)", (90, 5, 1, "x", "2020-01-31"), ["$1 is a bigint", "$3 is a boolean", "$5 is a date"]),
    ("INSERT INTO w (id, r) SELECT ?, ?", (91, 2.5), ["$2 is a double precision"]),
    ("INSERT INTO w (id, r) SELECT id + ?, ? FROM src WHERE id = ?", (91, 2.5, 1), []),
    ("UPDATE w SET t = ?, n = n + ? WHERE id = ?", ("new", 3, 1), ["$2 is a bigint"]),
    ("UPDATE w SET n = s.n + ? FROM src s WHERE s.id = w.id AND s.n > ?", (1000, 7), []),
    ("UPDATE w SET t = q.x FROM (SELECT id, name || ? AS x FROM src LIMIT ?, ?) q WHERE q.id = w.id AND w.m > ?", ("!", 0, 3, 1), []),
    ("INSERT INTO k VALUES (?1, ?2, ?2, ?1) ON CONFLICT (a, b) DO UPDATE SET v = v + ?3", ("x", 1, 5), []),
    ("REPLACE INTO two VALUES (?, ?, ?, ?, ?)", (1, "b", 2, "l", 0.5), ["$5 is a double precision"]),
    ("DELETE FROM w WHERE day = ? OR t = ? RETURNING id", ("2020-01-31", "a"), []),
    ("DELETE FROM w WHERE n > ? ORDER BY id LIMIT ?", (0, 2), []),
]


@pytest.mark.parametrize("statement, values, said", PARAMETERS)
def test_parameters_have_the_types_of_their_columns(both, statement, values, said):
    (translated, notes), refusal = both.translate(statement)
    assert not refusal and all(any(word in note for note in notes) for word in said), (refusal, notes)
    expected = both.source.execute(statement, values).fetchall()
    spelled = ", ".join(quote(str(v)) if isinstance(v, str) else ("true" if f"${at}::boolean" in translated else str(v)) for at, v in enumerate(values, 1))
    both.target.execute(f"PREPARE written AS {translated}")
    cursor = both.target.execute(f"EXECUTE written({spelled})")
    rows = cursor.fetchall() if cursor.description else []
    assert alike(expected, rows), (expected, rows)
    with both.target.transaction(force_rollback=True):
        assert not both.difference()


VIEWED = """
    CREATE TABLE base (id INTEGER PRIMARY KEY, a TEXT, n INTEGER, ok BOOLEAN);
    INSERT INTO base VALUES (1, 'x', 5, 1), (2, 'y', NULL, 0), (3, NULL, 7, NULL);
    CREATE VIEW shown AS SELECT id, a, n, ok FROM base;
    CREATE TRIGGER ins INSTEAD OF INSERT ON shown BEGIN INSERT INTO base (id, a, n, ok) VALUES (NEW.id, NEW.a, NEW.n, NEW.ok); END;
    CREATE TRIGGER upd INSTEAD OF UPDATE ON shown BEGIN UPDATE base SET a = NEW.a, n = NEW.n, ok = NEW.ok WHERE id = OLD.id; END;
    CREATE TRIGGER del INSTEAD OF DELETE ON shown BEGIN DELETE FROM base WHERE id = OLD.id; END;"""


def test_views_are_written_to_by_their_triggers(t):
    both = Both(t, t.file("viewed.db", VIEWED), {"base": "id"}, '{"existing_rows": "replace"}')
    outcomes = [(statement, *both.judge(statement, keep=True)) for statement in [
        "INSERT INTO shown VALUES (10, 'new', 4, 1)", "INSERT INTO shown (id, a) SELECT id + 20, a || '!' FROM base", "UPDATE shown SET n = coalesce(n, 0) + 1, ok = NOT ok WHERE id < 3",
        "UPDATE shown SET a = 'z' WHERE a = (SELECT min(a) FROM shown)", "DELETE FROM shown WHERE n IS NULL", "DELETE FROM shown WHERE id = 1"]]
    both.close()
    assert [(statement, kind, said) for statement, kind, said, _ in outcomes if kind != "equal"] == []


NOTED = """
    CREATE TABLE parent (id INTEGER PRIMARY KEY, name TEXT UNIQUE ON CONFLICT REPLACE, n INTEGER NOT NULL ON CONFLICT IGNORE, CHECK (n > 0));
    CREATE TABLE child (id INTEGER PRIMARY KEY, parent INTEGER REFERENCES parent, at TIMESTAMP, small INTEGER);
    CREATE TRIGGER t AFTER INSERT ON parent BEGIN SELECT 1; END;"""


@pytest.mark.parametrize("statement, said", [
    ("REPLACE INTO parent VALUES (1, 'a', 1)", ["are treated by ON DELETE", "its DELETE triggers fire", "statements of triggers resolve conflicts as they say themselves", "does not move its sequence"]),
    ("INSERT INTO parent (name, n) VALUES ('a', ?)", ["rows that refer to a replaced row stay", "its UPDATE triggers fire", "NOT NULL or a CHECK is an error, where SQLite leaves it out"]),
    ("DELETE FROM parent", ["foreign keys that refer to a deleted row"]),
    ("INSERT INTO child (parent, at) VALUES (1, CURRENT_TIMESTAMP)", ["foreign keys are checked", "the current time is that of the transaction's start"]),
    ("INSERT OR FAIL INTO child (small) VALUES (1)", ["OR FAIL keeps the rows that were written before"]),
    ("UPDATE parent SET n = (SELECT count(*) FROM parent p WHERE p.id < parent.id) + 1", ["SQLite sees rows that it has changed already"]),
    ("UPDATE parent SET n = (SELECT count(*) FROM parent p) + 1", []),
    ("UPDATE parent SET id = id + 1", ["keys are checked row by row"]),
    ("UPDATE OR IGNORE parent SET id = id + 1", ["where another has its new key before the statement", "statements of triggers resolve conflicts as they say themselves"]),
    ("UPDATE child SET small = 1 LIMIT 2", ["LIMIT takes without ORDER BY is certain in neither"]),
    ("UPDATE child NOT INDEXED SET small = 1", ["INDEXED BY and NOT INDEXED are left out"]),
])
def test_what_differs_is_a_note(t, statement, said):
    path = t.file("noted.db", NOTED)
    [row] = t.rows(f"SELECT notes FROM sqlite_translate({quote(statement)}, {quote(str(path))})")
    text = "\n".join(row["notes"])
    assert all(note in text for note in said), text
    assert said or "changed already" not in text


def test_a_column_without_its_default_is_not_left_to_it(t):
    path = t.file("lost.db", "CREATE TABLE d (id INTEGER PRIMARY KEY, a TEXT DEFAULT (soundex('x')), b INTEGER, c INTEGER AS (b + 1)); INSERT INTO d (b) VALUES (1)")
    with fails("0A000", "column a is left to its default, which PostgreSQL's column has not"):
        t.sql(f"SELECT * FROM sqlite_translate('INSERT INTO d (b) VALUES (1)', {quote(str(path))})")
    assert t.rows(f"SELECT statement FROM sqlite_translate('INSERT INTO d (a, b) VALUES (1, 2)', {quote(str(path))})")[0]["statement"] == \
        "INSERT INTO \"public\".\"d\" (\"a\", \"b\") VALUES ('1', 2)"


def test_a_column_that_the_plan_computes_is_not_written(t):
    path = t.file("using.db", "CREATE TABLE u (id INTEGER PRIMARY KEY, code TEXT, n INTEGER); INSERT INTO u VALUES (1, 'x7', 1)")
    plan = '{"tables": {"u": {"columns": {"code": {"using": "substr(code, 2)", "type": "integer"}}}}}'
    with fails("0A000", "column code is loaded by the plan's using"):
        t.sql(f"SELECT * FROM sqlite_translate('UPDATE u SET code = ''x8''', {quote(str(path))}, {quote(plan)})")
    assert "SET" in t.rows(f"SELECT statement FROM sqlite_translate('UPDATE u SET n = 2', {quote(str(path))}, {quote(plan)})")[0]["statement"]
