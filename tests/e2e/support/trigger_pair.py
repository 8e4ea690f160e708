"""A file that SQLite writes beside what an import made of it, with its triggers: what both leave behind is compared."""

import contextlib
import pathlib
import sqlite3

import psycopg

import rotation
from harness import ident
from translated import connected, difference, run_fixed


class Pair:
    """A file that SQLite writes, and what an import made of it. Statements are run on both sides, each undone where it fails."""

    def __init__(self, t, script, plan=None, name="pair.db"):
        self.path = script if isinstance(script, pathlib.Path) else t.file(name, script)
        self.said = findings(t, self.path, plan)
        t.import_(self.path, plan or {})
        self.source = sqlite3.connect(self.path, isolation_level=None)
        self.source.execute("PRAGMA foreign_keys = on")
        self.target = connected(t)
        self.t = t

    def both(self, statement, translated=None):
        """Runs a statement, in PostgreSQL as it is or as it is translated; whether it was refused, with the message."""
        said = [self.in_sqlite(statement), self.in_postgres(translated or statement)]
        assert (said[0] is None) == (said[1] is None), f"{statement}\nSQLite: {said[0]}\nPostgreSQL: {said[1]}"
        return said

    def in_sqlite(self, statement):
        try:
            self.source.execute(statement)
            return None
        except sqlite3.Error as error:
            return str(error)

    def in_postgres(self, statement):
        try:
            self.target.execute(statement)
            return None
        except psycopg.Error as error:
            assert error.diag.sqlstate.startswith("23"), f"{statement}\n{error}"
            return error.diag.message_primary

    def same(self, *tables, columns="*"):
        for table in tables:
            cursor = self.source.execute(f"SELECT {columns} FROM {ident(table)}")
            expected = cursor.fetchall()
            rows = run_fixed(self.target, rotation.FIXED, f"SELECT {columns} FROM public.{ident(table)}", len(cursor.description))
            assert difference(expected, rows, ordered=False) == "", table
        return self

    def rows(self, table):
        return self.source.execute(f"SELECT * FROM {ident(table)} ORDER BY 1").fetchall()

    def close(self):
        self.source.close()
        self.target.close()


@contextlib.contextmanager
def pairs(t):
    """Makes pairs, which are closed at the end."""
    made = []

    def make(*arguments, **options):
        made.append(Pair(t, *arguments, **options))
        return made[-1]
    yield make
    for one in made:
        one.close()


def findings(t, path, plan=None):
    return {f["object"]: f for f in t.findings(path, plan or {}) if f["object"].startswith("trigger ")}


def triggers(t):
    return [row["tgname"] for row in t.rows("SELECT tgname FROM pg_trigger WHERE NOT tgisinternal ORDER BY tgname")]


SHOP = """
    CREATE TABLE item (id INTEGER PRIMARY KEY, name TEXT NOT NULL, qty INTEGER NOT NULL DEFAULT 0, price REAL, changes INTEGER NOT NULL DEFAULT 0);
    CREATE TABLE stock (item INTEGER PRIMARY KEY, qty INTEGER NOT NULL);
    CREATE TABLE part (id INTEGER PRIMARY KEY, item INTEGER REFERENCES item (id) ON DELETE CASCADE, label TEXT);
    CREATE TABLE log (id INTEGER PRIMARY KEY, what TEXT, item INTEGER, before TEXT, after TEXT);
    INSERT INTO item (id, name, qty, price) VALUES (1, 'bolt', 5, 0.5), (2, 'nut', 7, NULL), (3, 'frozen', 1, 2);
    INSERT INTO stock SELECT id, qty FROM item;
    INSERT INTO part (item, label) VALUES (1, 'a'), (1, 'b'), (2, 'c');
    CREATE TRIGGER item_check BEFORE INSERT ON item WHEN NEW.qty < 0 BEGIN SELECT RAISE(ABORT, 'quantity below zero'); END;
    CREATE TRIGGER item_check_update BEFORE UPDATE OF qty, price ON item BEGIN
        SELECT CASE WHEN NEW.qty < 0 THEN RAISE(ABORT, 'quantity below zero') WHEN NEW.price > 100 THEN RAISE(FAIL, 'too dear') END;
    END;
    CREATE TRIGGER item_frozen BEFORE DELETE ON item BEGIN SELECT RAISE(IGNORE) WHERE OLD.name = 'frozen'; END;
    CREATE TRIGGER item_new AFTER INSERT ON item BEGIN
        INSERT INTO stock (item, qty) VALUES (NEW.id, NEW.qty);
        INSERT INTO log (what, item, after) VALUES ('insert', NEW.id, NEW.name);
    END;
    CREATE TRIGGER item_qty AFTER UPDATE OF qty ON item WHEN NEW.qty <> OLD.qty BEGIN
        UPDATE stock SET qty = NEW.qty WHERE item = NEW.id;
        INSERT INTO log (what, item, before, after) VALUES ('qty', NEW.id, OLD.qty, NEW.qty);
    END;
    CREATE TRIGGER item_touch AFTER UPDATE ON item BEGIN UPDATE item SET changes = changes + 1 WHERE id = NEW.id; END;
    CREATE TRIGGER item_gone AFTER DELETE ON item BEGIN
        DELETE FROM stock WHERE item = OLD.id;
        INSERT INTO log (what, item, before) VALUES ('delete', OLD.id, OLD.name);
    END;
    CREATE TRIGGER part_gone AFTER DELETE ON part BEGIN INSERT INTO log (what, item, before) SELECT 'part', OLD.item, OLD.label; END;
    CREATE VIEW stocked AS SELECT item.id AS id, item.name AS name, stock.qty AS qty FROM item JOIN stock ON stock.item = item.id;
    CREATE TRIGGER stocked_new INSTEAD OF INSERT ON stocked BEGIN INSERT INTO item (id, name, qty) VALUES (NEW.id, NEW.name, NEW.qty); END;
    CREATE TRIGGER stocked_set INSTEAD OF UPDATE ON stocked BEGIN UPDATE item SET name = NEW.name, qty = NEW.qty WHERE id = OLD.id; END;
    CREATE TRIGGER stocked_gone INSTEAD OF DELETE ON stocked BEGIN DELETE FROM item WHERE id = OLD.id; END;"""

# Common table expressions that see NEW and OLD, within each statement that may have one.
FORMS = """
    CREATE TABLE t (id INTEGER PRIMARY KEY, a INTEGER, b TEXT); CREATE TABLE l (x INTEGER, y TEXT); INSERT INTO t VALUES (1, 2, 'x'), (2, 3, 'y');
    CREATE TRIGGER ins AFTER INSERT ON t BEGIN
        INSERT INTO l WITH c AS (SELECT NEW.a AS n, 'new' AS k UNION ALL SELECT id, b FROM t WHERE a = NEW.a) SELECT n, k FROM c;
        INSERT INTO l WITH RECURSIVE r(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM r WHERE n < NEW.a) SELECT sum(n), 'sum ' || NEW.b FROM r;
        SELECT RAISE(ABORT, 'nine') FROM (WITH d AS (SELECT NEW.a AS z) SELECT z FROM d) WHERE z = 9;
        WITH e AS (SELECT count(*) AS n FROM t WHERE b = NEW.b) SELECT CASE WHEN e.n > 2 THEN RAISE(ABORT, 'third') END FROM e;
        WITH f AS (SELECT max(id) AS m FROM t) SELECT RAISE(ABORT, 'large') WHERE (SELECT m FROM f) > 100; END;
    CREATE TRIGGER upd AFTER UPDATE OF a ON t BEGIN
        UPDATE l SET x = (WITH e AS (SELECT max(id) AS m FROM t WHERE a < NEW.a AND b IN (WITH g AS (SELECT OLD.b AS v) SELECT v FROM g)) SELECT m FROM e) WHERE x = OLD.a;
        DELETE FROM l WHERE x IN (WITH h(v) AS (VALUES (OLD.a - 1), (NEW.a + 1)) SELECT v FROM h); END;"""
