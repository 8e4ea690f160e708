"""What statements of triggers are made of: common table expressions that see NEW and OLD, messages of RAISE, and errors."""

import psycopg
import pytest

import trigger_pair
from harness import quote
from trigger_pair import FORMS, triggers


@pytest.fixture
def pair(t):
    with trigger_pair.pairs(t) as make:
        yield make


def test_common_table_expressions_see_the_rows(t, pair):
    made = pair(FORMS)
    assert triggers(t) == ["ins", "upd"], made.said
    said = []
    for sql in ("INSERT INTO t VALUES (3, 2, 'x')", "INSERT INTO t VALUES (4, 9, 'q')", "INSERT INTO t VALUES (5, 4, 'x')", "INSERT INTO t VALUES (101, 4, 'z')",
                "INSERT INTO t VALUES (7, 5, 'u'), (8, 6, 'u')", "UPDATE t SET a = a + 1", "UPDATE t SET a = 2 WHERE id = 3", "INSERT INTO t VALUES (9, 1, NULL)"):
        said.append(made.both(sql)[0])
        made.same("t", "l")
    assert said == [None, "nine", "third", "large", None, None, None, None] and len(made.rows("l")) > 5


def test_messages_and_sqlstates(t, pair):
    """A constraint keeps its own SQLSTATE within a trigger; OR IGNORE around one does not hide what RAISE says."""
    made = pair("""
        CREATE TABLE t (id INTEGER PRIMARY KEY, n INTEGER, s TEXT); CREATE TABLE u (k INTEGER PRIMARY KEY, n INTEGER CHECK (n < 10), s TEXT NOT NULL, t INTEGER REFERENCES t (id));
        CREATE TABLE q (n INTEGER);
        CREATE TRIGGER guard BEFORE INSERT ON t WHEN NEW.n < 0 BEGIN SELECT RAISE(ABORT, 'below zero'); END;
        CREATE TRIGGER other BEFORE INSERT ON t WHEN NEW.n > 100 BEGIN SELECT RAISE(FAIL, "too many"); END;
        CREATE TRIGGER copies AFTER INSERT ON t BEGIN INSERT INTO u VALUES (NEW.n, NEW.n, NEW.s, NEW.id); END;
        CREATE TRIGGER divides AFTER INSERT ON q BEGIN UPDATE t SET n = 100 / NEW.n; END;""")
    assert triggers(t) == ["copies", "divides", "guard", "other"], made.said
    states = []
    for sql in ("INSERT INTO t VALUES (1, 5, 'a')", "INSERT INTO t VALUES (2, -1, 'a')", "INSERT OR IGNORE INTO t VALUES (2, -1, 'a')", "INSERT INTO t VALUES (2, 101, 'a')",
                "INSERT INTO t VALUES (2, 11, 'a')", "INSERT INTO t VALUES (2, 6, NULL)", "INSERT INTO t VALUES (2, 5, 'b')", "INSERT INTO q VALUES (0)", "INSERT INTO q VALUES (NULL)"):
        [row] = t.rows(f"SELECT statement FROM sqlite_translate({quote(sql)}, {quote(str(made.path))})")
        refused = made.in_sqlite(sql)
        try:
            made.target.execute(row["statement"])
            states.append(None)
        except psycopg.Error as error:
            states.append(error.diag.sqlstate)
            assert refused, (sql, error)
            assert error.diag.sqlstate != "23000" or error.diag.message_primary == refused
        assert (states[-1] is None) == (refused is None), (sql, refused, states)
        made.same("t", "u", "q")
    assert states == [None, "23000", "23000", "23000", "23514", "23502", "23505", None, None]
