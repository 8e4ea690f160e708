"""Random conditions and expressions over one table's columns, as PostgreSQL writes them, and rows at the edges of what they ask;
the same for the same seed. Nothing here knows which of them an export carries over.

    case = generate(seed)
    case.script              makes table `rows` with its rows, and a table `t0`, `t1`, … for each constraint
    case.constraints         by table, what was drawn
"""

import dataclasses
import random

COLUMNS = {"i": "integer", "b": "bigint", "h": "smallint", "n": "numeric(8,2)", "f": "double precision", "s": 'text COLLATE "C"', "w": "text",
           "v": 'varchar(6) COLLATE "C"', "c": 'char(4) COLLATE "C"', "y": "boolean", "d": "date", "m": "timestamptz", "o": "timestamp", "u": "uuid", "e": "mood"}
WORDS = ("", "a", "A", "b", "ab", "aB", "Ab%", "a_b", "ä", "Ä", "12", " a", "a ", "0", "x'y", "zz[a]", "*")
VALUES = {
    "i": ("0", "1", "-1", "7", "100", "2147483647", "-2147483648"),
    "b": ("0", "1", "-1", "9223372036854775807", "-9223372036854775808", "4294967296"),
    "h": ("0", "1", "-3", "32767", "-32768"),
    "n": ("0", "1.50", "-0.01", "999999.99", "2", "0.10"),
    "f": ("0", "'-0'", "1.5", "0.1", "-2.25", "1e300", "3"),
    "y": ("true", "false"),
    "d": ("'2024-02-29'", "'0001-01-01'", "'9999-12-31'", "'2024-03-01'"),
    "m": ("'2024-02-29 10:11:12+00'", "'2024-02-29 10:11:12.5+00'", "'1969-12-31 23:59:59+00'"),
    "o": ("'2024-02-29 10:11:12'", "'2024-02-29 00:00:00'", "'2024-02-29 10:11:12.000001'"),
    "u": ("'a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11'", "'00000000-0000-0000-0000-000000000000'"),
    "e": ("'low'", "'high'", "'Mid'"),
}
ROWS = 40
TABLES = 60


def quoted(word):
    return "'" + word.replace("'", "''") + "'"


@dataclasses.dataclass(frozen=True)
class Case:
    script: str
    constraints: dict


class Drawer:
    def __init__(self, seed):
        self.random = random.Random(seed)

    def value(self, column):
        words = VALUES.get(column)
        if words is None:
            word = self.random.choice(WORDS)
            return quoted(word[:4] if column == "c" else word[:6] if column == "v" else word)
        return self.random.choice(words)

    def number(self, depth):
        r = self.random
        if depth <= 0 or r.random() < 0.3:
            return r.choice(["i", "b", "h", str(r.choice((0, 1, 2, -1, 7, 100))), "i", "h"])
        one, other = self.number(depth - 1), self.number(depth - 1)
        return r.choice([
            lambda: f"({one} {r.choice('+-*')} {other})", lambda: f"({one} / {other})", lambda: f"({one} % {other})", lambda: f"abs({one})", lambda: f"(- {one})",
            lambda: f"coalesce({one}, {other})", lambda: f"nullif({one}, {other})", lambda: f"CASE WHEN {self.condition(depth - 1)} THEN {one} ELSE {other} END",
            lambda: f"length({self.text(depth - 1)})", lambda: f"CASE {one} WHEN {r.choice((0, 1, 7))} THEN {other} END", lambda: f"h::bigint", lambda: f"i::bigint",
            lambda: f"greatest({one}, {other})", lambda: f"round(n)::int", lambda: f"f::int", lambda: f"({one} & 7)", lambda: f"({one} >> 1)", lambda: "y::int",
        ])()

    def text(self, depth):
        r = self.random
        if depth <= 0 or r.random() < 0.4:
            return r.choice(["s", "w", "v", "c", quoted(r.choice(WORDS))])
        one, other = self.text(depth - 1), self.text(depth - 1)
        return r.choice([
            lambda: f"({one} || {other})", lambda: f"coalesce({one}, {other})", lambda: f"nullif({one}, {other})", lambda: f"lower({one})", lambda: f"(s || i)",
            lambda: f"CASE WHEN {self.condition(depth - 1)} THEN {one} ELSE {other} END", lambda: f"trim({one})", lambda: f"substr({one}, 1, 2)", lambda: "v::text", lambda: "c::text",
            lambda: "w::varchar(2)", lambda: "i::text", lambda: "e::text", lambda: "n::text", lambda: "d::text", lambda: "y::text", lambda: "u::text",
        ])()

    def comparison(self, depth):
        r = self.random
        operator = r.choice(("=", "<>", "<", "<=", ">", ">=", "IS DISTINCT FROM", "IS NOT DISTINCT FROM"))
        column = r.choice(list("nfdmou") + ["y", "e"])
        return r.choice([
            lambda: f"({self.number(depth)} {operator} {self.number(depth)})", lambda: f"({self.text(depth)} {operator} {self.text(depth)})",
            lambda: f"({column} {operator} {self.value(column)})", lambda: f"({column} IS {r.choice(('', 'NOT '))}NULL)",
            lambda: f"({self.number(depth)} {r.choice(('', 'NOT '))}BETWEEN {self.number(0)} AND {self.number(0)})",
            lambda: f"({self.number(depth)} {r.choice(('', 'NOT '))}IN ({', '.join(self.number(0) for _ in range(3))}))",
            lambda: f"({self.text(depth)} {r.choice(('', 'NOT '))}IN ({', '.join(quoted(r.choice(WORDS)) for _ in range(3))}))",
            lambda: f"({self.text(depth)} {r.choice(('', 'NOT '))}LIKE {quoted(r.choice(('a%', '%b', '_', '', '%', 'a_b', '%[%', 'Ab!%', '%*%', 'ä%')))})",
            lambda: f"({column} IN ({self.value(column)}, {self.value(column)}))", lambda: f"(n {operator} {self.number(0)})", lambda: f"(f {operator} n)",
            lambda: f"(o {operator} d)", lambda: f"(n * 2 {operator} f)", lambda: f"({self.text(depth)} = ANY (ARRAY['a', 'b', NULL]))", lambda: f"({self.number(depth)} <> ALL (ARRAY[1, 7]))",
        ])()

    def condition(self, depth):
        r = self.random
        if depth <= 0 or r.random() < 0.35:
            return r.choice([lambda: self.comparison(max(depth, 0)), lambda: "y", lambda: "(NOT y)", lambda: f"(y IS {r.choice(('', 'NOT '))}{r.choice(('TRUE', 'FALSE', 'UNKNOWN'))})"])()
        one, other = self.condition(depth - 1), self.condition(depth - 1)
        return r.choice([lambda: f"({one} AND {other})", lambda: f"({one} OR {other})", lambda: f"(NOT {one})", lambda: f"coalesce({one}, {r.choice(('true', 'false'))})",
                         lambda: f"(({one}) IS NOT TRUE)", lambda: f"CASE WHEN {one} THEN {other} ELSE y END"])()

    def constraint(self, table):
        """A CHECK, or a unique index on an expression, perhaps of some of the rows."""
        r = self.random
        if r.random() < 0.7:
            check = self.condition(r.randint(0, 3))
            return f"ALTER TABLE {table} ADD CONSTRAINT {table}_drawn CHECK ({check})"
        expression = r.choice((self.number, self.text, self.condition))(r.randint(0, 2))
        where = f" WHERE {self.condition(1)}" if r.random() < 0.5 else ""
        return f"CREATE UNIQUE INDEX {table}_drawn ON {table} (({expression})){where}"


def generate(seed):
    drawer = Drawer(seed)
    columns = ", ".join(f"{name} {kind}" for name, kind in COLUMNS.items())
    script = [f"CREATE TYPE mood AS ENUM ('low', 'Mid', 'high'); CREATE TABLE rows (id integer PRIMARY KEY, {columns})"]
    for number in range(ROWS):
        cells = ", ".join("NULL" if drawer.random.random() < 0.2 else drawer.value(column) for column in COLUMNS)
        script.append(f"INSERT INTO rows VALUES ({number}, {cells})")
    constraints = {}
    for number in range(TABLES):
        table = f"t{number}"
        constraints[table] = drawer.constraint(table)
        script.append(f"CREATE TABLE {table} (LIKE rows)")
    return Case(";\n".join(script), constraints)
