"""Random triggers, and statements that fire them: both databases read the statements alike, and what the triggers do is what an
import makes of them.

Each event of a table has one trigger, so that their order is certain, and each statement changes one row: what SQLite does from row
to row, PostgreSQL does from statement to statement. No statement with OR … or DO UPDATE fires triggers, whose own OR … it would
override in SQLite. `Several` has several triggers of one event, which write to their own table as well; in `Resolving` the outer
statements have OR … and DO UPDATE, and the triggers nothing that could conflict."""

import random

TABLES = ["t0", "t1", "t2"]
EVENTS = ["INSERT", "UPDATE", "DELETE"]
WORDS = ["a", "b", "c", "dd", "é"]
BASE = """
    CREATE TABLE log (id INTEGER PRIMARY KEY, what TEXT, n INTEGER); INSERT INTO log (what, n) VALUES ('first', 0);
    CREATE TABLE agg (k TEXT PRIMARY KEY NOT NULL, n INTEGER NOT NULL, m INTEGER); INSERT INTO agg VALUES ('a', 1, 2), ('b', 2, NULL);
    CREATE TABLE pair (x INTEGER NOT NULL, y INTEGER NOT NULL, n INTEGER, PRIMARY KEY (x, y)); INSERT INTO pair (x, y, n) VALUES (1, 1, 1), (1, 2, 3);
    CREATE TABLE loose (u TEXT UNIQUE ON CONFLICT IGNORE, v INTEGER); INSERT INTO loose VALUES ('a', 1);"""


class Generator:
    def __init__(self, seed):
        self.random = random.Random(seed)
        self.next = 100

    def one(self, *of):
        return self.random.choice(of)

    # What a file declares

    def script(self):
        parts = [BASE]
        for name in TABLES:
            parts.append(f"CREATE TABLE {name} (id INTEGER PRIMARY KEY, a INTEGER, b TEXT, c INTEGER NOT NULL DEFAULT 0);")
            parts += [f"INSERT INTO {name} VALUES ({n}, {n % 3}, '{WORDS[n % 5]}', {n * 2});" for n in range(1, 8)]
        parts.append("CREATE VIEW joined AS SELECT t0.id AS id, t0.a AS a, t0.b AS b, t1.c AS c FROM t0 JOIN t1 ON t1.id = t0.id;")
        parts += self.triggers()
        parts.append(self.trigger("log", "AFTER", "INSERT"))
        parts += [self.instead(event) for event in EVENTS]
        return "\n".join(parts)

    def triggers(self):
        return [self.trigger(name, time, event) for name in TABLES for event in EVENTS for time in ("BEFORE", "AFTER") if self.random.random() < 0.7]

    def trigger(self, table, time, event, suffix=""):
        rows = {"INSERT": ["NEW"], "DELETE": ["OLD"], "UPDATE": ["NEW", "OLD"]}[event]
        columns = ["n"] if table == "log" else ["id", "a", "c"]
        of = self.one("", "", " OF a", " OF b, c") if event == "UPDATE" and table != "log" else ""
        values = [f"{row}.{column}" for row in rows for column in columns]
        texts = [f"{row}.{'what' if table == 'log' else 'b'}" for row in rows]
        when = f" WHEN {self.condition(values, texts)}" if self.random.random() < 0.4 else ""
        body = [self.command(table, time, values, texts) for _ in range(self.random.randint(1, 3))]
        return f"CREATE TRIGGER {table}_{time.lower()}_{event.lower()}{suffix} {time} {event}{of} ON {table}{when} BEGIN {' '.join(body)} END;"

    def instead(self, event):
        number = self.one("NEW.a", "NEW.id + NEW.c", "7")
        body = {
            "INSERT": f"INSERT INTO t0 (id, a, b, c) VALUES (NEW.id, NEW.a, NEW.b, 1); INSERT INTO t1 (id, a, c) SELECT NEW.id, {number}, coalesce(NEW.c, 0) WHERE NOT EXISTS (SELECT 1 FROM t1 WHERE t1.id = NEW.id);",
            "UPDATE": "UPDATE t0 SET a = NEW.a, b = NEW.b WHERE id = OLD.id; UPDATE t1 SET c = NEW.c WHERE id = OLD.id AND c IS NOT NEW.c;",
            "DELETE": self.one("DELETE FROM t0 WHERE id = OLD.id;", "DELETE FROM t1 WHERE id = OLD.id; INSERT INTO log (what, n) VALUES ('view ' || OLD.b, OLD.c);"),
        }[event]
        return f"CREATE TRIGGER joined_{event.lower()} INSTEAD OF {event} ON joined BEGIN {body} END;"

    def number(self, values):
        value = self.random.choice(values)
        return self.one(value, value, f"{value} + 1", f"coalesce({value}, 3)", f"{value} % 5", f"{value} / 2", f"abs({value} - 4)", f"(SELECT max(n) FROM agg WHERE n < {value})",
                        f"(WITH twice AS (SELECT {value} AS v) SELECT v * 2 FROM twice)", f"(SELECT count(*) FROM t2 WHERE a = {value})", "7")

    def text(self, values, texts):
        text = self.random.choice(texts)
        return self.one(text, f"coalesce({text}, 'none')", f"upper({text})", f"substr({text}, 1, 1) || 'x'", f"coalesce({text}, '') || {self.random.choice(values)}",
                        f"CASE WHEN {self.random.choice(values)} > 2 THEN 'a' ELSE {text} END", "'b'")

    def condition(self, values, texts):
        value, text = self.random.choice(values), self.random.choice(texts)
        return self.one(f"{value} > 2", f"{value} % 2 = 0", f"{text} <> 'b'", f"{text} IS NOT NULL AND {value} < 6", f"NOT {value} IS NULL", f"{value} IN (1, 2, 5)",
                        f"EXISTS (SELECT 1 FROM agg WHERE k = {text})", f"{text} IN (WITH large(k) AS (SELECT k FROM agg WHERE n > {value}) SELECT k FROM large)", f"{text} LIKE 'a%'")

    def command(self, table, time, values, texts):
        number, text, condition = self.number(values), self.text(values, texts), self.condition(values, texts)
        key = self.one(f"coalesce({text}, 'k')", "'a'", "'b'")
        x, y = f"coalesce({self.number(values)}, 0) % 3", f"coalesce({self.random.choice(values)}, 1) % 3"
        aside = [
            f"INSERT INTO agg (k, n) VALUES ({key}, 1) ON CONFLICT (k) DO UPDATE SET n = n + excluded.n, m = coalesce(m, 0) + 1 WHERE agg.n < 40;",
            f"INSERT INTO agg (k, n) VALUES ({key}, 1) ON CONFLICT DO NOTHING;",
            f"INSERT OR IGNORE INTO agg VALUES ({key}, coalesce({number}, 0), {number});",
            f"INSERT OR REPLACE INTO agg VALUES ({key}, coalesce({number}, 0), NULL);",
            f"INSERT INTO agg (k, n) SELECT {key}, coalesce({number}, 1) WHERE {condition} ON CONFLICT (k) DO UPDATE SET n = excluded.n;",
            f"REPLACE INTO pair (x, y, n) VALUES ({x}, {y}, {number});",
            f"INSERT INTO pair (x, y, n) VALUES ({x}, {y}, {number}) ON CONFLICT (x, y) DO UPDATE SET n = coalesce(pair.n, 0) + 1;",
            f"UPDATE OR IGNORE agg SET k = {key} WHERE k = 'b';",
            f"UPDATE OR REPLACE agg SET k = {key}, n = n + 1 WHERE k = 'a';",
            f"UPDATE OR REPLACE pair SET x = {x}, y = {y} WHERE x = {self.one('1', '2', self.random.choice(values))} AND y = 1;",
            f"UPDATE agg SET n = n + 1, m = {number} WHERE k = {key};",
            f"UPDATE agg SET (n, m) = (SELECT count(*), max(a) FROM t2 WHERE a > 1) WHERE k = {key};",
            f"DELETE FROM agg WHERE k = {text} AND n > 3;",
            f"DELETE FROM pair WHERE x = {x} AND y IN (WITH w AS (SELECT max(y) AS m FROM pair WHERE x = {x}) SELECT m FROM w);",
            f"INSERT INTO loose VALUES ({text}, {number});",
            f"SELECT RAISE(ABORT, 'no') WHERE {condition} AND {self.random.choice(values)} = 5;",
            f"SELECT CASE WHEN {self.random.choice(values)} = 4 THEN RAISE(ABORT, 'four') WHEN {condition} AND {self.random.choice(values)} = 6 THEN RAISE(ROLLBACK, 'six') END;",
            f"SELECT RAISE(ABORT, 'there') FROM agg WHERE k = {text} AND n = 13;",
            f"WITH w AS (SELECT count(*) AS n FROM pair WHERE x = {x}) SELECT RAISE(ABORT, 'many') FROM w WHERE w.n > 6;",
        ]
        ignored = [f"SELECT RAISE(IGNORE) WHERE {self.random.choice(values)} = 3 AND {condition};"]
        logged = [
            f"INSERT INTO log (what, n) VALUES ({text}, {number});",
            f"INSERT INTO log (what, n) SELECT k, {number} FROM agg WHERE k = {key};",
            f"INSERT INTO log (what, n) WITH w(k, n) AS (SELECT {text}, {number}) SELECT k, n FROM w WHERE {condition};",
        ]
        if table == "log":
            return self.random.choice(aside)
        if time == "BEFORE":
            return self.random.choice(aside + logged + ignored)
        nested = self.nested(table, values, texts)
        return self.random.choice(aside + logged + nested + nested)

    def nested(self, table, values, texts):
        """Statements that fire triggers."""
        number, text = self.number(values), self.text(values, texts)
        other = self.random.choice([name for name in TABLES if name != table])
        return [
            f"UPDATE {other} SET a = {number} WHERE id = coalesce({self.random.choice(values)}, 1) % 7 + 1;",
            f"UPDATE {other} SET b = {text}, c = c + 1 WHERE id = 2;",
            f"DELETE FROM {other} WHERE id = {self.random.choice(values)} + 3;",
            f"INSERT INTO {other} (id, a, b) VALUES (coalesce({number}, 0) % 9 + 1, {number}, {text});",
            f"INSERT INTO {other} (id, a, b) SELECT n.id, 1, n.b FROM (SELECT coalesce({number}, 0) % 9 + 1 AS id, {text} AS b) n WHERE NOT EXISTS (SELECT 1 FROM {other} o WHERE o.id = n.id);",
        ]

    # What fires them

    def statement(self):
        table, row = self.random.choice(TABLES), self.random.randint(1, 9)
        a, b, c = self.one("NULL", "0", "1", "2", "3", "5"), self.one("NULL", *(f"'{word}'" for word in WORDS)), self.random.randint(0, 9)
        self.next += 1
        return self.one(
            f"INSERT INTO {table} (id, a, b, c) VALUES ({row}, {a}, {b}, {c})",
            f"INSERT INTO {table} (id, a, b, c) VALUES ({self.next}, {a}, {b}, {c})",
            f"UPDATE {table} SET a = {a} WHERE id = {row}",
            f"UPDATE {table} SET a = a + 1, b = {b} WHERE id = {row}",
            f"UPDATE {table} SET c = c + {c} WHERE id = {row}",
            f"DELETE FROM {table} WHERE id = {row}",
            f"INSERT INTO joined (id, a, b, c) VALUES ({row}, {a}, {b}, {c})",
            f"UPDATE joined SET a = {a}, c = c + 1 WHERE id = {row}",
            f"DELETE FROM joined WHERE id = {row}")


class Several(Generator):
    """SQLite fires the trigger first that was made last: so the last has the first name, by which PostgreSQL goes."""

    def triggers(self):
        return [self.trigger(name, time, event, f"_{9 - number}") for name in TABLES for event in EVENTS for time in ("BEFORE", "AFTER")
                for number in range(self.one(0, 1, 2, 2, 3))]

    def nested(self, table, values, texts):
        number, text = self.number(values), self.text(values, texts)
        own = [
            f"UPDATE {table} SET a = {number}, c = c + 1 WHERE id = {self.random.choice(values)};",
            f"UPDATE {table} SET b = {text} WHERE id = coalesce({self.random.choice(values)}, 1) % 7 + 1;",
            f"DELETE FROM {table} WHERE id = {self.random.choice(values)} + 4;",
            f"INSERT INTO {table} (id, a, b) SELECT n.id, 2, n.b FROM (SELECT coalesce({self.random.choice(values)}, 1) + 20 AS id, {text} AS b) n WHERE NOT EXISTS (SELECT 1 FROM {table} o WHERE o.id = n.id);",
        ]
        return super().nested(table, values, texts) + own


# Their triggers are those for which the translation of OR … promises SQLite's result: PostgreSQL updates the row that REPLACE
# replaces, and does not update one that OR IGNORE leaves as it was.
RESOLVED = {"replaced": [("BEFORE", "INSERT")],
            "ignored": [("BEFORE", "INSERT"), ("AFTER", "INSERT"), ("AFTER", "UPDATE"), ("BEFORE", "DELETE"), ("AFTER", "DELETE")]}


class Resolving(Generator):
    def script(self):
        made = [f"CREATE TABLE {name} (id INTEGER PRIMARY KEY, a INTEGER, b TEXT UNIQUE, c INTEGER NOT NULL DEFAULT 0);"
                f"INSERT INTO {name} VALUES (1, 1, 'a', 1), (2, NULL, 'b', 2), (3, 3, NULL, 3);" for name in RESOLVED]
        triggers = [self.trigger(name, time, event) for name, kinds in RESOLVED.items() for time, event in kinds if self.random.random() < 0.8]
        return "\n".join([super().script(), *made, *triggers])

    def command(self, table, time, values, texts):
        number, text, condition = self.number(values), self.text(values, texts), self.condition(values, texts)
        calm = [
            f"UPDATE agg SET n = n + 1, m = {number} WHERE k = {self.one(chr(39) + 'a' + chr(39), text)};",
            f"DELETE FROM pair WHERE x = coalesce({number}, 0) % 3 AND n > 40;",
            f"SELECT RAISE(ABORT, 'no') WHERE {condition} AND {self.random.choice(values)} = 5;",
        ]
        logged = [f"INSERT INTO log (what, n) VALUES ({text}, {number});", f"INSERT INTO log (what, n) SELECT k, {number} FROM agg WHERE n > 1;"]
        if table == "log":
            return self.random.choice(calm)
        if time == "BEFORE":
            return self.random.choice(calm + logged + [f"SELECT RAISE(IGNORE) WHERE {self.random.choice(values)} = 3 AND {condition};"])
        other = self.random.choice([name for name in TABLES if name != table])
        return self.random.choice(calm + logged + [f"UPDATE {other} SET a = {number} WHERE id = coalesce({self.random.choice(values)}, 1) % 7 + 1;"])

    def statement(self):
        if self.random.random() < 0.3:
            return super().statement()
        row = f"({self.random.randint(1, 12)}, {self.one('NULL', '0', '2', '5')}, {self.one('NULL', *(chr(39) + word + chr(39) for word in WORDS))}, {self.random.randint(0, 9)})"
        table, number = self.random.choice(TABLES), self.random.randint(1, 12)
        into, word = f"INTO {table} (id, a, b, c) VALUES {row}", self.random.choice(WORDS)
        return self.one(
            f"INSERT OR IGNORE {into}",
            f"INSERT {into} ON CONFLICT DO NOTHING",
            f"INSERT {into} ON CONFLICT (id) DO NOTHING",
            f"INSERT {into} ON CONFLICT (id) DO UPDATE SET a = excluded.a, b = excluded.b",
            f"INSERT {into} ON CONFLICT (id) DO UPDATE SET a = coalesce(a, 0) + 1, c = excluded.c WHERE {table}.c < 12",
            f"INSERT OR IGNORE INTO ignored (id, a, b, c) VALUES {row}",
            f"INSERT INTO ignored (id, a, b, c) VALUES {row} ON CONFLICT (b) DO NOTHING",
            f"INSERT INTO ignored (id, a, b, c) VALUES {row} ON CONFLICT (b) DO UPDATE SET a = excluded.a, c = ignored.c + 1",
            f"UPDATE OR IGNORE ignored SET b = '{word}', a = 7 WHERE id = {number}",
            f"UPDATE OR IGNORE ignored SET id = {number} WHERE b = '{word}'",
            f"DELETE FROM ignored WHERE id = {number}",
            f"REPLACE INTO replaced (id, a, b, c) VALUES {row}",
            f"INSERT OR REPLACE INTO replaced (id, a, b, c) SELECT {number}, NULL, '{word}', 1",
            f"UPDATE OR REPLACE replaced SET b = '{word}', c = c + 1 WHERE id = {number}",
            f"INSERT OR ABORT INTO replaced VALUES {row}",
            f"DELETE FROM replaced WHERE id = {number}")
