"""Statements of SQLite, translated and run in PostgreSQL, beside what SQLite itself gives for them.

A translation may refuse; what it gives must be the same rows. Values are the same when NULL meets NULL, text meets equal text,
bytes meet equal bytes, an integer meets an equal number, a REAL meets an equal number that is no integer's type (up to the
last digits), a boolean column meets 0 and 1, and a time meets a text that spells it, or the number of its seconds or milliseconds.
"""

import dataclasses
import datetime
import decimal
import json
import math
import re
import sqlite3

import psycopg

import rotation
from harness import quote

# What a translation says it assumes: that nothing is out of range, that texts read as times are ISO 8601, and that no text has NUL.
ASSUMED = ("22003", "22008", "22007", "54000")


@dataclasses.dataclass
class Outcome:
    statement: str
    # "equal", "refused", "assumption" (an error that a note announces), "wrong", or "invalid": this SQLite does not take it.
    kind: str
    said: str = ""
    translated: str = ""


class Oracle:
    """A file imported into the scenario's database, and open in SQLite."""

    def __init__(self, t, path, plan="{}"):
        self.path, self.plan = path, plan
        t.sql(f"SELECT * FROM sqlite_import({quote(str(path))}, {quote(plan)})")
        self.source = sqlite3.connect(f"file:{path}?mode=ro", uri=True)
        self.source.create_function("regexp", 2, lambda pattern, x: None if None in (pattern, x) else bool(re.search(str(pattern), str(x))))
        self.target = connected(t)
        self.created = set()

    def close(self):
        self.source.close()
        self.target.close()

    def translate_all(self, statements):
        """Each one's translation, or the refusal's message; in one session, with one call each."""
        found = []
        for statement in statements:
            try:
                row = self.target.execute(
                    f"SELECT statement, notes, helpers FROM sqlite_translate({quote(statement)}, {quote(str(self.path))}, {quote(self.plan)})").fetchone()
                self.create(row[2])
                found.append((row[0], row[1], None))
            except psycopg.Error as error:
                assert error.diag.sqlstate == "0A000", f"{statement}\n{error}"
                assert error.diag.message_hint, statement
                found.append((None, None, f"{error.diag.message_primary} ({error.diag.message_detail})"))
        return found

    def create(self, helpers):
        """Helper functions, once each."""
        for helper in helpers:
            if helper not in self.created:
                self.target.execute(helper)
                self.created.add(helper)

    def judge(self, statement, translation, ordered):
        translated, notes, refusal = translation
        if refusal:
            return Outcome(statement, "refused", refusal)
        try:
            cursor = self.source.execute(statement)
            expected, width = cursor.fetchall(), len(cursor.description)
        except sqlite3.Error as error:
            return Outcome(statement, "invalid", str(error), translated)
        try:
            rows = run_fixed(self.target, rotation.FIXED, translated, width)
        except psycopg.Error as error:
            if error.diag.sqlstate in ASSUMED and notes:
                return Outcome(statement, "assumption", str(error), translated)
            return Outcome(statement, "wrong", str(error), translated)
        why = difference(expected, rows, ordered, "\n".join(notes))
        return Outcome(statement, "wrong" if why else "equal", why, translated)

    def judge_all(self, statements, ordered=lambda _: True):
        translations = self.translate_all(statements)
        return [self.judge(s, found, ordered(s)) for s, found in zip(statements, translations)]


def judge_together(oracle, expressions, table, width=12):
    """An outcome for each expression over a table; what is equal is so in statements of several of them."""
    outcomes = []
    for at in range(0, len(expressions), width):
        some = expressions[at:at + width]
        [whole] = oracle.judge_all([f"SELECT id, {', '.join(some)} FROM {table} ORDER BY id"])
        if whole.kind == "equal":
            outcomes += [Outcome(e, "equal") for e in some]
        else:
            outcomes += oracle.judge_all([f"SELECT id, {e} FROM {table} ORDER BY id" for e in some])
    return outcomes


def judge_by_lines(oracle, expressions, table, width=10):
    """The same for many expressions: one that is refused is found by its line, and one that differs by halves."""
    def judged(some):
        lines = ",\n".join(some)
        [whole] = oracle.judge_all([f"SELECT id,\n{lines}\nFROM {table} ORDER BY id"])
        if whole.kind == "equal" or len(some) == 1:
            return [dataclasses.replace(whole, statement=e) for e in some]
        line = re.search(r"At line (\d+)", whole.said) if whole.kind == "refused" else None
        at = int(line[1]) - 2 if line else -1
        if 0 <= at < len(some):
            rest = some[:at] + some[at + 1:]
            return [Outcome(some[at], "refused", whole.said), *judged(rest)]
        half = len(some) // 2
        return [*judged(some[:half]), *judged(some[half:])]

    return [outcome for at in range(0, len(expressions), width) for outcome in judged(expressions[at:at + width])]


def connected(t):
    """A session with the scenario's settings, whose values are Python's."""
    return psycopg.connect(host=t.server.socket, port=5432, user="postgres", dbname=t.database, autocommit=True,
                           client_encoding="UTF8", prepare_threshold=None)


def run_fixed(target, fixed, query, width):
    """The rows, computed under the session's settings and read under fixed ones."""
    names = ", ".join(f"c{n}" for n in range(width))
    with target.transaction(force_rollback=True):
        target.execute(f"CREATE TEMP TABLE result({names}) ON COMMIT DROP AS {query}")
        target.execute(rotation.commands("SET LOCAL", fixed))
        return target.execute("SELECT * FROM result").fetchall()


# What a translation says of results that are texts, and of JSON that is spelled otherwise.
TEXTS = ("as a result is a text", "in one place are texts")
JSON = ("members in an order of its own", "spelled otherwise within JSON")
# And of numbers that SQLite rounds.
EXACT = ("computed exactly, where SQLite rounds",)
# And of groups of texts that are equal under their collation.
ANY = ("equal under their collation", "is of any row of the group")


def difference(expected, rows, ordered, notes=""):
    if len(expected) != len(rows):
        return f"{len(expected)} rows in SQLite, {len(rows)} in PostgreSQL: {expected[:4]} {rows[:4]}"
    texts, spelled, folded, exact = (any(n in notes for n in known) for known in (TEXTS, JSON, ANY, EXACT))
    if not ordered:
        expected, rows = sorted(expected, key=lambda r: sort_key(r, texts)), sorted(rows, key=lambda r: sort_key(r, texts))
    for at, (a, b) in enumerate(zip(expected, rows)):
        if not all(same(x, y) or texts and spells(y, x) or spelled and same_json(x, y) or folded and same_folded(x, y) or exact and rounded(x, y) for x, y in zip(a, b)):
            return f"row {at}: {a!r} in SQLite, {b!r} in PostgreSQL"
    return ""


def spells(text, number):
    """A text of a number."""
    if not isinstance(text, str) or not isinstance(number, (int, float)):
        return False
    try:
        return text == str(number) if isinstance(number, int) else close(number, float(text))
    except ValueError:
        return False


def rounded(a, b):
    """Integers beyond what a double holds, one of which went through one; a number may be a text."""
    try:
        return isinstance(a, int) and abs(a) > 2**52 and close(a, float(b))
    except (TypeError, ValueError):
        return False


def same_folded(a, b):
    """One text of a group as good as another, under NOCASE or RTRIM."""
    return isinstance(a, str) and isinstance(b, str) and a.rstrip(" ").casefold() == b.rstrip(" ").casefold()


def same_json(a, b):
    return isinstance(a, str) and isinstance(b, str) and parsed(a) == parsed(b)


def parsed(value):
    """JSON, and the JSON within its texts."""
    if isinstance(value, str):
        try:
            return parsed(json.loads(value))
        except ValueError:
            return value
    if isinstance(value, dict):
        return {key: parsed(of) for key, of in value.items()}
    return [parsed(of) for of in value] if isinstance(value, list) else value


def sort_key(row, texts=False):
    def number(v):
        try:
            return float(v) if texts or not isinstance(v, str) else None
        except ValueError:
            return None
    return [(0, "") if v is None else (1, f"{number(v):.9e}") if isinstance(v, (int, float, decimal.Decimal, str)) and number(v) is not None else (2, str(v)) for v in row]


def same(a, b):
    if a is None or b is None:
        return a is b
    if isinstance(b, bool):
        return a in (0, 1) and not isinstance(a, (str, bytes, float)) and bool(a) == b
    if isinstance(a, int) and isinstance(b, datetime.datetime):
        # Seconds, or milliseconds, that the plan reads as a time.
        return a in (b.timestamp(), b.timestamp() * 1000)
    if isinstance(a, int):
        return isinstance(b, (int, float, decimal.Decimal)) and (a == b or isinstance(b, float) and close(a, b))
    if isinstance(a, float):
        return isinstance(b, (float, decimal.Decimal)) and close(a, float(b))
    if isinstance(b, datetime.datetime):
        return isinstance(a, str) and moment(a) == b.replace(tzinfo=None)
    if isinstance(b, datetime.date):
        return a == b.isoformat()
    if isinstance(b, datetime.time):
        return a == b.isoformat()
    if isinstance(a, bytes):
        return isinstance(b, (bytes, memoryview)) and a == bytes(b)
    return isinstance(b, str) and a == b


def moment(text):
    try:
        return datetime.datetime.fromisoformat(text.replace("Z", "+00:00")).replace(tzinfo=None)
    except ValueError:
        return None


def close(a, b):
    return a == b or math.isclose(a, b, rel_tol=1e-11, abs_tol=1e-300)
