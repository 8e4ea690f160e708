"""Statements that write, in SQLite's SQL over one file: by hand, and random ones."""

import random

FILE = r"""
CREATE TABLE w (id INTEGER PRIMARY KEY, n INTEGER, m INTEGER NOT NULL DEFAULT 7, r REAL, d DECIMAL(10,2), t TEXT DEFAULT 'none',
                c TEXT COLLATE NOCASE, f BOOLEAN, at DATETIME, day DATE, made DATETIME, b BLOB, word VARCHAR(20));
INSERT INTO w VALUES
 (1, 0, 7, 0.0, 0, '', 'Abc', 0, '2020-01-31 10:20:30', '2020-01-31', 1580466030, x'', 'one'),
 (2, 1, -7, 1.5, 1.25, 'a', 'abd', 1, '2021-02-28 00:00:00', '2021-02-28', 1614470400, x'00ff', 'two'),
 (3, -1, 2, -2.5, -3, 'Zürich', 'x y', NULL, '2000-02-29 23:59:59', '2000-02-29', 951868799, x'61', NULL),
 (4, 10, 3, 1e300, 12.5, '10', 'xyz', 1, '1970-01-01 00:00:00', '1970-01-01', 0, x'c3a9', 'it''s'),
 (5, -9007199254740993, 4, 1e-7, 99999.99, ' pad ', 'Ä', 0, '2038-01-19 03:14:08', '2038-01-19', 2147483648, NULL, ''),
 (6, NULL, 0, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL),
 (7, 9223372036854775807, 1, 3.0, 4, 'it''s 100%_\', 'B', 1, '1999-12-31 12:00:00', '1999-12-31', 946641600, x'ff', '€x😀');
CREATE TABLE k (a TEXT, b INTEGER, v INTEGER, note TEXT, PRIMARY KEY (a, b)) WITHOUT ROWID;
INSERT INTO k VALUES ('x', 1, 10, 'first'), ('x', 2, 20, NULL), ('y', 1, 30, 'third'), ('Z', 0, NULL, '');
CREATE TABLE named (id INTEGER PRIMARY KEY AUTOINCREMENT, name TEXT NOT NULL UNIQUE, hits INTEGER NOT NULL DEFAULT 0, last TEXT);
INSERT INTO named VALUES (1, 'ann', 1, NULL), (2, 'bob', 5, '2020-01-01'), (3, 'cy', 0, 'x');
CREATE TABLE two (id INTEGER PRIMARY KEY, code TEXT UNIQUE, slot INTEGER, side TEXT, v REAL, UNIQUE (slot, side));
INSERT INTO two VALUES (1, 'a', 1, 'l', 1.5), (2, 'b', 1, 'r', NULL), (3, 'c', 2, 'l', 3.25), (4, NULL, NULL, NULL, 0.0);
CREATE TABLE computed (id INTEGER PRIMARY KEY, x INTEGER, y INTEGER, total INTEGER AS (x + y) STORED, label TEXT);
INSERT INTO computed (id, x, y, label) VALUES (1, 1, 2, 'a'), (2, 10, NULL, 'b'), (3, -5, 5, NULL);
CREATE TABLE strict_one (id INTEGER PRIMARY KEY, n INT, r REAL, t TEXT NOT NULL, b BLOB) STRICT;
INSERT INTO strict_one VALUES (1, 1, 1.5, 'a', x'01'), (2, NULL, NULL, 'b', NULL);
CREATE TABLE keeps (k TEXT UNIQUE ON CONFLICT IGNORE, v INTEGER);
INSERT INTO keeps VALUES ('a', 1), ('b', 2);
CREATE TABLE takes (k TEXT PRIMARY KEY ON CONFLICT REPLACE, v INTEGER, w TEXT DEFAULT 'dflt');
INSERT INTO takes VALUES ('a', 1, 'x'), ('b', 2, 'y');
CREATE TABLE part (id INTEGER PRIMARY KEY, x TEXT, gone INTEGER, v INTEGER);
CREATE UNIQUE INDEX part_there ON part (x) WHERE gone = 0;
CREATE UNIQUE INDEX part_gone ON part (x) WHERE gone = 1;
INSERT INTO part VALUES (1, 'a', 0, 10), (2, 'a', 1, 20), (3, 'b', 1, 30);
CREATE TABLE summed (id INTEGER PRIMARY KEY, x INTEGER, y INTEGER AS (x * 2) STORED UNIQUE);
INSERT INTO summed (id, x) VALUES (1, 5), (2, 6), (3, NULL);
CREATE TABLE held (k TEXT NOT NULL DEFAULT 'none' UNIQUE, v INTEGER);
INSERT INTO held VALUES ('none', 1), ('b', 2);
CREATE TABLE src (id INTEGER PRIMARY KEY, name TEXT, n INTEGER, r REAL, flag BOOLEAN, day DATE);
INSERT INTO src VALUES (1, 'ann', 7, 0.5, 1, '2020-01-31'), (2, 'dee', 8, NULL, 0, NULL), (3, 'eve', NULL, -1.25, NULL, '2021-12-31'), (9, 'flo', 100, 2.0, 1, '1999-01-01');
CREATE TABLE "odd name" ("a b" INTEGER PRIMARY KEY, "select" TEXT, "Ü" TEXT);
INSERT INTO "odd name" VALUES (1, 'one', 'ü'), (2, 'two', NULL);
"""

# What tells the rows of a table apart, for a comparison.
TABLES = {"w": "id", "k": "a, b", "named": "id", "two": "id", "computed": "id", "strict_one": "id", "keeps": "k", "takes": "k", "part": "id", "summed": "id", "held": "k", "src": "id", "odd name": '"a b"'}

LITERALS = {
    "n": ["0", "-5", "'12'", "'-3'", "NULL", "4.0", "TRUE", "0x1F", "9223372036854775807", "'abc'", "1.5"],
    "m": ["1", "'7'", "NULL"],
    "r": ["0", "1.5", "-2.5", "'3.25'", "1e10", "NULL", "7"],
    "d": ["0", "1.25", "'12.50'", "-3", "NULL", "99999.99", "1.005"],
    "t": ["''", "'text'", "5", "-7", "NULL", "'it''s \\ 100%'", "1.5", "x'61'", "'€😀'", '"quoted"'],
    "c": ["'ABC'", "'é'", "NULL", "7"],
    "f": ["0", "1", "TRUE", "FALSE", "NULL", "'1'", "2"],
    "at": ["'2024-03-10 08:09:10'", "'2024-03-10'", "NULL", "'soon'", "'2024-03-10T08:09:10'"],
    "day": ["'2024-03-10'", "NULL", "'2024-02-30'", "'2024-03-10 10:00:00'"],
    "made": ["1710058150", "0", "NULL", "'1710058150'", "-1", "'x'"],
    "b": ["x'00ff'", "x''", "NULL", "'abc'"],
    "word": ["'short'", "'longer than twenty characters'", "NULL", "12"],
}

# Expressions that are written to a column: over the row itself, and of other types.
COMPUTED = {
    "n": ["n + 1", "m * 2", "-n", "length(t)", "n % 3", "f", "r", "t", "d", "id", "coalesce(n, 0) + id", "CASE WHEN f THEN 1 ELSE 2 END", "n IS NULL", "made", "made + 60",
          "(SELECT max(n) FROM src)", "CAST(r AS INTEGER)", "m / 2", "m & 3", "instr(t, 'a')", "word"],
    "m": ["m + 1", "abs(m)", "id * 10", "ifnull(n, 1)"],
    "r": ["r * 2", "n", "m / 2.0", "d", "abs(r)", "t", "-r", "round(r)"],
    "d": ["d + 1", "n", "d * 2", "-d", "id", "r", "t"],
    "t": ["t || '!'", "upper(t)", "c", "n", "word", "substr(t, 1, 2)", "trim(t)", "replace(t, 'a', 'b')", "day", "date(at)", "datetime(at)", "m || 'x'", "lower(c)", "r", "b", "f", "hex(b)",
          "coalesce(t, 'dflt')", "CASE n WHEN 0 THEN 'zero' ELSE t END", "strftime('%Y', at)", "(SELECT name FROM src WHERE src.id = w.id)"],
    "c": ["c || 'x'", "t", "upper(c)", "id"],
    "f": ["NOT f", "n > 0", "f", "n", "1 - f", "id = 3", "t LIKE 'a%'", "EXISTS (SELECT 1 FROM src WHERE src.id = w.id)", "t", "coalesce(f, 0)"],
    "at": ["at", "day", "datetime(at, '+1 day')", "date(at)", "t", "made", "n"],
    "day": ["day", "date(day, '+1 month')", "date(at)", "at", "date(day, 'start of month')", "t"],
    "made": ["made", "made + 3600", "made - 1", "n", "id", "at", "m * 60", "NULL"],
    "b": ["b", "t", "n"],
    "word": ["word", "word || word", "t", "upper(word)", "id"],
}


def _assignments():
    for column, values in LITERALS.items():
        for value in values:
            yield f"UPDATE w SET {column} = {value} WHERE id = 2"
            yield f"INSERT INTO w (id, {column}) VALUES (50, {value})"
    for column, values in COMPUTED.items():
        for value in values:
            yield f"UPDATE w SET {column} = {value}"
            if "w." not in value:
                yield f"INSERT INTO w (id, {column}) SELECT id + 100, {value} FROM w"


STATEMENTS = [*_assignments(), *(line for line in r"""
INSERT INTO w VALUES (NULL, 1, 2, 3.5, 4, 'five', 'six', 1, '2020-01-01 00:00:00', '2020-01-01', 5, x'00', 'w')
INSERT INTO w VALUES (NULL, 1, 2, 3.5, 4, 'five', 'six', 1, '2020-01-01 00:00:00', '2020-01-01', 5, x'00', 'w') RETURNING *
INSERT INTO w DEFAULT VALUES
INSERT INTO w DEFAULT VALUES RETURNING id, m, t
INSERT INTO w (n) VALUES (1), (2), (NULL) RETURNING id, n AS number
INSERT INTO w (id, n) VALUES (NULL, 1), (77, 2)
INSERT INTO w (rowid, n) VALUES (88, 1)
INSERT INTO w (oid, n) VALUES (88, 1) RETURNING rowid, n
INSERT INTO w (id, n) VALUES (1, 1)
INSERT INTO w (n, m) VALUES (1, NULL)
INSERT INTO w (n) SELECT n FROM src
INSERT INTO w (id, n, t, f, day) SELECT id + 40, n, name, flag, day FROM src
INSERT INTO w (id, n, t, f, day) SELECT id + 40, n, name, flag, day FROM src ORDER BY name LIMIT 2
INSERT INTO w (id, n, t, f, day) SELECT id + 40, n, name, flag, day FROM src ORDER BY name LIMIT 1, 2
INSERT INTO w (id, n) SELECT DISTINCT id + 200, n FROM src
INSERT INTO w (id, n) SELECT id + 200, n FROM src UNION SELECT id + 300, m FROM w
INSERT INTO w (id, n) VALUES (201, 1) UNION ALL SELECT 202, 2
INSERT INTO w (id, f, m) SELECT id + 200, 1, count(*) FROM src GROUP BY id
INSERT INTO w (id, t) SELECT id + 200, 'const' FROM src WHERE n > 7
INSERT INTO w (id, f, made, day) SELECT id + 200, 0, 86400, '2020-01-31' FROM src
INSERT INTO w (id, n) WITH x AS (SELECT 1 AS one) SELECT one + 500, one FROM x
WITH x(a, b) AS (VALUES (601, 1), (602, 2)) INSERT INTO w (id, n) SELECT a, b FROM x
WITH x AS (SELECT max(id) AS top FROM w) INSERT INTO w (id, n) VALUES ((SELECT top FROM x) + 1, 5)
INSERT INTO w (id, t) VALUES (99, (SELECT name FROM src WHERE id = 1))
INSERT INTO w (id, t) VALUES (99, (SELECT name FROM src WHERE id = 1000))
INSERT INTO w (n, n) VALUES (1, 2)
INSERT INTO w (nosuch) VALUES (1)
INSERT INTO w (id, n) VALUES (1)
INSERT INTO k VALUES ('new', 1, 2, 'x')
INSERT INTO k VALUES ('x', 1, 2, 'dup')
INSERT INTO k (b, a) VALUES (9, 'b')
INSERT INTO k (a, v) VALUES ('only', 1)
INSERT OR IGNORE INTO k VALUES ('x', 1, 2, 'dup')
INSERT OR IGNORE INTO k VALUES ('x', 1, 2, 'dup'), ('q', 1, 2, 'new')
INSERT OR IGNORE INTO k SELECT name, 1, n, NULL FROM src
INSERT OR REPLACE INTO k VALUES ('x', 1, 2, 'dup')
INSERT OR REPLACE INTO k (a, b) VALUES ('x', 1)
REPLACE INTO k VALUES ('x', 1, 2, 'dup'), ('q', 1, 2, 'new')
REPLACE INTO k (a, b, v) SELECT a, b, v + 1 FROM k
REPLACE INTO k VALUES ('x', 1, 2, 'dup'), ('x', 1, 3, 'again')
INSERT OR ABORT INTO k VALUES ('x', 1, 2, 'dup')
INSERT OR FAIL INTO k VALUES ('q', 1, 2, 'new')
INSERT OR ROLLBACK INTO k VALUES ('q', 1, 2, 'new')
INSERT INTO part (x, gone, v) VALUES ('a', 1, 5) ON CONFLICT (x) WHERE gone = 1 DO UPDATE SET v = excluded.v
INSERT INTO part (x, gone, v) VALUES ('a', 0, 5) ON CONFLICT (x) WHERE gone = 0 DO UPDATE SET v = excluded.v
INSERT INTO part (x, gone, v) VALUES ('b', 1, 5) ON CONFLICT (x) WHERE gone = 1 DO NOTHING
REPLACE INTO held VALUES (NULL, 9)
REPLACE INTO held (k, v) SELECT NULL, id FROM src WHERE id = 9
INSERT OR REPLACE INTO held (v) VALUES (7)
INSERT INTO k VALUES ('x', 1, 2, 'dup') ON CONFLICT DO NOTHING
INSERT INTO k VALUES ('x', 1, 2, 'dup') ON CONFLICT (a, b) DO NOTHING
INSERT INTO k VALUES ('x', 1, 2, 'dup') ON CONFLICT (b, a) DO UPDATE SET v = excluded.v
INSERT INTO k VALUES ('x', 1, 2, 'dup') ON CONFLICT (a, b) DO UPDATE SET v = v + excluded.v, note = note || '+' || excluded.note RETURNING *
INSERT INTO k VALUES ('x', 1, 2, 'dup') ON CONFLICT (a, b) DO UPDATE SET v = 0 WHERE v > 100
INSERT INTO k VALUES ('x', 1, 2, 'dup') ON CONFLICT (a, b) DO UPDATE SET v = 0 WHERE excluded.v < k.v RETURNING a, v
INSERT INTO k VALUES ('x', 1, 2, 'dup') ON CONFLICT (a, b) DO UPDATE SET (v, note) = (99, 'row')
INSERT INTO k VALUES ('x', 1, 2, 'dup') ON CONFLICT (a, b) DO UPDATE SET (v, note) = (SELECT n, name FROM src WHERE id = 1)
INSERT INTO k AS t VALUES ('x', 1, 2, 'dup') ON CONFLICT (a, b) DO UPDATE SET v = t.v + 1
INSERT INTO k VALUES ('x', 1, 2, 'dup') ON CONFLICT (a) DO NOTHING
INSERT INTO k VALUES ('x', 1, 2, 'dup'), ('x', 1, 3, 'again') ON CONFLICT (a, b) DO UPDATE SET v = excluded.v
INSERT INTO k SELECT name, 1, n, NULL FROM src WHERE true ON CONFLICT (a, b) DO UPDATE SET v = excluded.v
INSERT INTO k SELECT 'x', b, 5, NULL FROM k WHERE a = 'x' ON CONFLICT (a, b) DO UPDATE SET v = excluded.v + k.v RETURNING a, b, v
INSERT INTO named (name) VALUES ('dan') RETURNING id, name, hits
INSERT INTO named (name) VALUES ('ann')
INSERT OR IGNORE INTO named (name) VALUES ('ann')
INSERT OR IGNORE INTO named (name, hits) VALUES ('ann', 5), ('dan', 6)
INSERT OR REPLACE INTO named (id, name, hits) VALUES (2, 'bob', 9)
INSERT OR REPLACE INTO named (id, name, hits) VALUES (2, 'ann', 9)
INSERT OR REPLACE INTO named (id, name) VALUES (20, 'ann')
INSERT OR REPLACE INTO named (name, hits) VALUES ('zed', 9)
REPLACE INTO named (id, name) VALUES (NULL, 'zed')
REPLACE INTO named (id, name, hits) VALUES (1, 'x', NULL)
INSERT INTO named (name) VALUES ('ann') ON CONFLICT (name) DO UPDATE SET hits = hits + 1
INSERT INTO named (name) VALUES ('ann') ON CONFLICT (name) DO UPDATE SET hits = hits + 1, last = excluded.name RETURNING id, hits
INSERT INTO named (name) VALUES ('ann'), ('dan') ON CONFLICT (name) DO UPDATE SET hits = hits + 1
INSERT INTO named (name) VALUES ('ann') ON CONFLICT (name COLLATE BINARY) DO NOTHING
INSERT INTO named (id, name) VALUES (1, 'dan') ON CONFLICT (id) DO UPDATE SET name = excluded.name
INSERT INTO named (id, name) VALUES (1, 'dan') ON CONFLICT (id) DO NOTHING ON CONFLICT (name) DO NOTHING
INSERT INTO named (id, name) VALUES (1, 'dan') ON CONFLICT (id) DO NOTHING ON CONFLICT (name) DO UPDATE SET hits = 1
INSERT INTO named (name) VALUES ('ann') ON CONFLICT DO UPDATE SET hits = 100
INSERT INTO named (name, last) VALUES ('dan', datetime('now') IS NOT NULL)
INSERT INTO named (name, hits) VALUES (NULL, 1)
INSERT INTO named (name, hits) SELECT name, coalesce(n, 0) FROM src WHERE name NOT IN (SELECT name FROM named)
INSERT OR IGNORE INTO named (name, hits) SELECT name, coalesce(n, 0) FROM src
INSERT OR REPLACE INTO two VALUES (1, 'a', 1, 'l', 9.5)
INSERT OR REPLACE INTO two VALUES (9, 'a', 1, 'r', 9.5)
INSERT OR REPLACE INTO two VALUES (1, 'b', 2, 'l', 9.5)
INSERT OR REPLACE INTO two VALUES (1, 'b', 2, 'l', 9.5) RETURNING id, v
INSERT OR REPLACE INTO two VALUES (8, 'new', 7, 'l', 9.5), (2, 'a', 2, 'l', NULL)
INSERT OR REPLACE INTO two (code, slot, side) VALUES ('a', 5, 'x')
INSERT OR REPLACE INTO two (id, code) VALUES (1, 'b')
INSERT OR REPLACE INTO two (id, slot, side) SELECT id + 1, slot, side FROM two WHERE id IN (1, 3)
REPLACE INTO two (id, code, v) SELECT id, name, r FROM src
INSERT OR IGNORE INTO two VALUES (1, 'z', 9, 'z', 1.0), (9, 'a', 9, 'z', 1.0), (10, 'q', 1, 'l', 1.0), (11, 'ok', 11, 'l', 1.0)
WITH x AS (SELECT 'a' AS code) INSERT OR REPLACE INTO two (id, code) SELECT 1, code FROM x
INSERT INTO two (id, code) VALUES (12, 'a') ON CONFLICT (code) DO UPDATE SET v = 77
INSERT INTO two (id, slot, side) VALUES (12, 1, 'l') ON CONFLICT (slot, side) DO UPDATE SET v = coalesce(v, 0) + 1
INSERT INTO two (id, code) VALUES (1, 'q') ON CONFLICT (code) DO NOTHING
INSERT INTO computed (id, x, y) VALUES (9, 4, 5) RETURNING total
INSERT INTO computed VALUES (9, 4, 5, 'all')
INSERT INTO computed (id, total) VALUES (9, 4)
UPDATE computed SET x = x + 1 RETURNING id, total
UPDATE computed SET total = 1
INSERT OR REPLACE INTO computed VALUES (1, 7, 7, 'again')
INSERT INTO strict_one VALUES (9, 5, 2.5, 'x', x'02')
INSERT INTO strict_one VALUES (9, '5', '2.5', 7, NULL)
INSERT INTO strict_one VALUES (9, 'abc', NULL, 'x', NULL)
INSERT INTO strict_one (id, t) VALUES (9, NULL)
UPDATE strict_one SET n = coalesce(n, 0) + 1, r = n
INSERT INTO keeps VALUES ('a', 9)
INSERT INTO keeps VALUES ('a', 9), ('c', 3)
INSERT OR REPLACE INTO keeps VALUES ('a', 9)
INSERT OR ABORT INTO keeps VALUES ('a', 9)
INSERT INTO takes VALUES ('a', 9, 'n')
INSERT INTO takes (k, v) VALUES ('a', 9), ('q', 1)
INSERT OR IGNORE INTO takes (k, v) VALUES ('a', 9)
UPDATE takes SET v = v + 1
UPDATE takes SET k = 'b' WHERE k = 'a'
UPDATE OR IGNORE takes SET v = 1
UPDATE w SET n = 1
UPDATE w SET n = 1, t = 'x' WHERE id = 3 RETURNING *
UPDATE w SET n = 1, n = 2 WHERE id = 3
UPDATE w SET n = m, m = coalesce(n, 0)
UPDATE w SET (n, t) = (5, 'five') WHERE id IN (1, 2)
UPDATE w SET (n, t) = (SELECT n, name FROM src WHERE src.id = w.id)
UPDATE w SET (n, t) = (SELECT n, name FROM src WHERE src.id = w.id) WHERE id IN (SELECT id FROM src) RETURNING id, n, t
UPDATE w SET (n, f, day) = (SELECT n, flag, day FROM src WHERE id = 1)
UPDATE w SET (n, t) = (1, 2, 3)
UPDATE w AS x SET n = x.n + 1 WHERE x.id < 4
UPDATE w AS x SET n = (SELECT count(*) FROM src s WHERE s.id <= x.id)
UPDATE w INDEXED BY nosuch SET n = 1
UPDATE w NOT INDEXED SET n = 1 WHERE id = 1
UPDATE w SET n = (SELECT max(n) FROM src), m = (SELECT count(*) FROM w)
UPDATE w SET n = src.n FROM src WHERE src.id = w.id
UPDATE w SET n = s.n, t = s.name, f = s.flag FROM src AS s WHERE s.id = w.id RETURNING w.id, n, t
UPDATE w SET n = q.total FROM (SELECT id, sum(n) AS total FROM src GROUP BY id) AS q WHERE q.id = w.id
UPDATE w SET t = s.name || k.a FROM src s JOIN k ON k.b = s.id AND k.a < 'y' WHERE s.id = w.id
UPDATE w SET n = s.n FROM src s, k WHERE s.id = w.id AND k.b = w.id AND k.a = 'y'
UPDATE w AS x SET n = y.m FROM w AS y WHERE y.id = x.id + 1
UPDATE w SET n = w.n FROM w WHERE 1
UPDATE w SET id = id + 100
UPDATE w SET id = 1 WHERE id = 2
UPDATE w SET rowid = 500 WHERE id = 2
UPDATE w SET m = NULL WHERE id = 1
UPDATE OR IGNORE w SET m = NULL WHERE id = 1
UPDATE OR IGNORE w SET id = 1 WHERE id = 2
UPDATE OR IGNORE w SET id = 1 WHERE id = 2 OR id = 3
UPDATE OR IGNORE k SET b = 1
UPDATE OR IGNORE k SET b = b + 1 WHERE a = 'y' RETURNING a, b
UPDATE OR IGNORE k SET a = 'x' WHERE a = 'y'
UPDATE OR IGNORE named SET name = 'ann', hits = 7 WHERE id IN (1, 2)
UPDATE OR IGNORE two SET code = 'a', slot = slot + 1 WHERE id = 2
UPDATE keeps SET k = 'a' WHERE k = 'b'
UPDATE OR IGNORE part SET gone = 1 WHERE id = 1
UPDATE OR REPLACE part SET gone = 0 WHERE id = 2
UPDATE OR REPLACE part SET v = 9 WHERE id = 2
UPDATE OR REPLACE summed SET x = 5 WHERE id = 2
INSERT OR IGNORE INTO summed (x) VALUES (5)
INSERT OR REPLACE INTO summed (x) VALUES (5)
UPDATE OR REPLACE w SET id = 1 WHERE id = 2
UPDATE OR REPLACE w SET n = 5 WHERE id = 2
UPDATE OR REPLACE w SET id = id + 1
UPDATE OR REPLACE named SET name = 'ann' WHERE id = 2
UPDATE OR REPLACE named SET name = 'ann', hits = hits + 1 WHERE name = 'bob' RETURNING id, name
UPDATE OR REPLACE named SET id = 1 WHERE id = 2 AND hits >= 0
UPDATE OR REPLACE two SET code = 'a', slot = 2 WHERE id = 2
UPDATE OR REPLACE two SET code = 'a' WHERE id > 1
UPDATE OR REPLACE k SET b = 1 WHERE a = 'y' AND b = 2
WITH x AS (SELECT 'ann' AS n) UPDATE OR REPLACE named SET name = (SELECT n FROM x) WHERE id = 2
UPDATE OR FAIL w SET n = 5 WHERE id = 2
UPDATE OR ROLLBACK w SET n = 5 WHERE id = 2
UPDATE w SET n = 9 WHERE t LIKE 'a%' OR f
UPDATE w SET n = 9 WHERE c = 'ABC'
UPDATE w SET n = 9 WHERE at < '2020-06-01' AND day IS NOT NULL
UPDATE w SET n = 9 WHERE EXISTS (SELECT 1 FROM src WHERE src.id = w.id AND flag)
UPDATE w SET n = 9 WHERE id = (SELECT max(id) FROM w)
UPDATE w SET n = 9 WHERE (id, m) IN (SELECT id, m FROM w WHERE m > 2)
UPDATE w SET n = 9 ORDER BY id DESC LIMIT 2
UPDATE w SET n = 9 WHERE id < 6 RETURNING id ORDER BY t LIMIT 2 OFFSET 1
UPDATE k SET v = 0 ORDER BY v DESC LIMIT 1
UPDATE w SET n = 9 LIMIT 100
UPDATE k SET b = b + 10
UPDATE k SET b = 2 WHERE a = 'x' AND b = 1
UPDATE k SET note = upper(note) WHERE note <> ''
UPDATE k SET v = v * 2, note = 'v was ' || v WHERE v IS NOT NULL RETURNING a || ':' || b AS key, v, note
UPDATE named SET hits = hits + 1, last = name WHERE name IN ('ann', 'cy')
UPDATE named SET name = 'ann' WHERE id = 2
UPDATE "odd name" SET "select" = "Ü", "Ü" = "a b" || '!'
UPDATE "odd name" SET [select] = 'x' WHERE "a b" = 1 RETURNING `select`
INSERT INTO "odd name" ("select", "Ü") VALUES ('three', NULL) RETURNING "a b"
DELETE FROM w
DELETE FROM w WHERE id = 3
DELETE FROM w WHERE id > 3 RETURNING id, n, t, f
DELETE FROM w AS x WHERE x.n IS NULL
DELETE FROM w WHERE n = (SELECT max(n) FROM w)
DELETE FROM w WHERE id IN (SELECT id FROM src)
DELETE FROM w WHERE NOT EXISTS (SELECT 1 FROM src WHERE src.id = w.id)
DELETE FROM w ORDER BY n DESC LIMIT 2
DELETE FROM w WHERE f RETURNING * ORDER BY id LIMIT 1
DELETE FROM w LIMIT 0
DELETE FROM k WHERE a = 'x' ORDER BY b DESC LIMIT 1
DELETE FROM keeps LIMIT 1
WITH x AS (SELECT id FROM src WHERE flag) DELETE FROM w WHERE id IN (SELECT id FROM x)
WITH x AS (SELECT id FROM src WHERE flag) UPDATE w SET n = 0 WHERE id IN x
WITH RECURSIVE c(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM c WHERE i < 4) DELETE FROM w WHERE id IN (SELECT i FROM c)
WITH RECURSIVE c(i) AS (SELECT 1000 UNION ALL SELECT i + 1 FROM c WHERE i < 1004) INSERT INTO w (id, n) SELECT i, i * i FROM c
DELETE FROM main.w WHERE id = 1
DELETE FROM temp.w WHERE id = 1
DELETE FROM named WHERE name NOT IN (SELECT name FROM src) RETURNING name
DELETE FROM "odd name" WHERE "Ü" IS NULL
DELETE FROM src WHERE day BETWEEN '2020-01-01' AND '2020-12-31'
DELETE FROM src WHERE changes() > 0
INSERT INTO named (name) VALUES (last_insert_rowid())
DELETE FROM w WHERE id = 1 RETURNING (SELECT count(*) FROM w)
UPDATE w SET n = max(n, m), m = min(m, 3) RETURNING id, n, m
UPDATE w SET t = CASE WHEN n > 0 THEN 'pos' WHEN n < 0 THEN 'neg' ELSE 'none' END, f = n > 0
UPDATE w SET t = NULL, c = NULL, b = NULL, word = NULL, at = NULL, day = NULL, made = NULL, f = NULL, r = NULL, d = NULL, n = NULL
UPDATE w SET word = printf('%d', n)
INSERT INTO w (id, word) VALUES (60, 'x'), (61, 'twenty characters!!!')
""".strip().splitlines())]


class Generator:
    """Random statements that write, each of which leaves rows for the next ones."""

    def __init__(self, seed):
        self.random = random.Random(seed)

    def pick(self, *choices):
        return self.random.choice(choices)

    def text(self):
        return self.pick("'a'", "'ann'", "'Zed'", "''", "'x y'", "NULL", "'é'", "'B'")

    def number(self):
        return self.pick("0", "1", "-3", "42", "NULL", "7", "1000")

    def condition(self, *columns):
        column = self.pick(*columns)
        return self.pick(f"{column} > {self.pick('0', '2', '5')}", f"{column} IS NULL", f"{column} % 2 = 0", f"{column} IN (1, 3, 5, 7, 42)",
                         f"{column} BETWEEN 1 AND 4", f"NOT ({column} = 1)", f"{column} IS NOT NULL AND {column} < 6")

    def value(self, column):
        of = {"n": [self.number(), "n + 1", "m", "-n", "length(t)"], "m": ["m + 1", "abs(m) + 1", "5", "id"], "r": ["r / 2", "1.5", "n", "NULL", "-r"],
              "t": [self.text(), "t || 'x'", "upper(t)", "c", "substr(t, 1, 3)"], "f": ["NOT f", "n > 0", "1", "0", "NULL"], "c": [self.text(), "t"],
              "day": ["'2020-02-29'", "date(day, '+1 day')", "NULL", "day"], "made": ["made + 60", self.pick("0", "86400", "NULL")], "b": ["x'01'", "NULL", "b"]}
        return self.random.choice(of[column])

    def statement(self):
        r = self.random
        kind = r.randrange(12)
        columns = r.sample(["n", "m", "r", "t", "f", "c", "day", "made", "b"], r.randint(1, 3))
        if kind <= 2:
            sets = ", ".join(f"{c} = {self.value(c)}" for c in columns)
            tail = self.pick("", f" WHERE {self.condition('n', 'm', 'id')}", f" WHERE {self.condition('id')}", f" WHERE id IN (SELECT id FROM src WHERE {self.condition('n')})")
            return f"UPDATE w SET {sets}{tail}{self.pick('', ' RETURNING id, n, t')}"
        if kind == 3:
            return f"UPDATE w SET n = s.n, t = s.name FROM src s WHERE s.id = w.id AND {self.condition('s.n', 'w.m')}"
        if kind == 4:
            rows = ", ".join(f"({r.randint(1, 60)}, {self.number()}, {self.text()}, {self.pick('0', '1', 'NULL')})" for _ in range(r.randint(1, 3)))
            return f"INSERT{self.pick('', ' OR IGNORE', ' OR REPLACE')} INTO w (id, n, t, f) VALUES {rows}"
        if kind == 5:
            return f"INSERT OR IGNORE INTO w (id, n, m, t) SELECT id + {r.randint(1, 40)}, n, m + 1, t FROM w WHERE {self.condition('id')}"
        if kind == 6:
            return f"DELETE FROM w WHERE {self.condition('id')} AND id % {r.randint(3, 9)} = 0{self.pick('', ' RETURNING *')}"
        if kind == 7:
            row = f"('{self.pick('x', 'y', 'q', 'r')}', {r.randint(0, 3)}, {self.number()}, {self.text()})"
            tail = self.pick("ON CONFLICT DO NOTHING", "ON CONFLICT (a, b) DO UPDATE SET v = excluded.v", "ON CONFLICT (a, b) DO UPDATE SET v = coalesce(v, 0) + 1, note = excluded.note WHERE v < 20")
            return f"INSERT INTO k VALUES {row} {tail}{self.pick('', ' RETURNING *')}"
        if kind == 8:
            return self.pick(f"UPDATE k SET v = {self.pick('v + 1', 'b', '0', 'NULL')} WHERE {self.condition('b', 'v')}", f"DELETE FROM k WHERE {self.condition('v')} AND b > 1",
                             f"REPLACE INTO k SELECT coalesce(name, 'n'), id, n, NULL FROM src WHERE {self.condition('id')}")
        if kind == 9:
            row = f"({r.randint(1, 9)}, {self.pick('NULL', chr(39) + r.choice('abcdef') + chr(39))}, {self.pick('1', '2', '3', 'NULL')}, {self.pick(chr(39) + 'l' + chr(39), chr(39) + 'r' + chr(39))}, {self.pick('1.5', 'NULL', '0')})"
            return f"INSERT OR {self.pick('REPLACE', 'IGNORE', 'ABORT')} INTO two VALUES {row}{self.pick('', ' RETURNING id, code')}"
        if kind == 10:
            return self.pick(f"INSERT INTO keeps VALUES ({self.text()}, {self.number()})", f"INSERT INTO takes (k, v) VALUES ('{r.choice('abcd')}', {self.number()})",
                             f"UPDATE takes SET v = {self.number()} WHERE k > 'a'", f"DELETE FROM keeps WHERE {self.condition('v')}")
        return self.pick(f"INSERT INTO computed (id, x, y) VALUES ({r.randint(1, 30)}, {self.number()}, {self.number()}) ON CONFLICT (id) DO UPDATE SET x = excluded.x RETURNING total",
                         f"UPDATE computed SET y = coalesce(x, 0) + {r.randint(0, 5)} WHERE {self.condition('id', 'total')} RETURNING id, total",
                         f"UPDATE src SET n = coalesce(n, 0) + 1, flag = NOT flag WHERE {self.condition('id')}",
                         f"UPDATE named SET hits = hits + 1 WHERE {self.condition('id', 'hits')}")


# Columns whose types in PostgreSQL have no counterpart in SQLite.
TYPED = r"""
CREATE TABLE typed (id INTEGER PRIMARY KEY, mood TEXT CHECK (mood IN ('sad', 'ok', '')), mail TEXT COLLATE NOCASE UNIQUE, uid TEXT, body JSON, ms INTEGER, zone TEXT,
                    small INTEGER, price DECIMAL(8,2), clock TEXT, gone TEXT);
INSERT INTO typed VALUES (1, 'sad', 'Ann@x.org', 'A0EEBC99-9C0B-4EF8-BB6D-6BB9BD380A11', '{"a": 1}', 1700000000000, '2020-01-31 10:00:00', 1, 1.5, '10:20:30', 'x'),
 (2, 'ok', 'bob@x.org', 'a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a12', '[]', 0, '2021-06-01 00:00:00', -2, 12.25, '00:00:00', 'y'), (3, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL);
CREATE TABLE texts (id INTEGER PRIMARY KEY, mood TEXT, mail TEXT, uid TEXT, body TEXT, n TEXT, at TEXT, odd TEXT);
INSERT INTO texts VALUES (1, 'ok', 'new@x.org', 'b0eebc9999999999bb6d6bb9bd380a11', '{"z": [1, 2]}', ' 12 ', '2020-02-29 01:02:03', '0x1F'),
 (2, 'sad', 'ANN@X.ORG', NULL, '[null]', '-7', '2020-02-29', '1.5'), (3, NULL, NULL, 'a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a13', '"s"', NULL, NULL, '');
"""

TYPED_PLAN = {"enums": True, "tables": {"typed": {"columns": {
    "uid": {"type": "uuid"}, "body": {"type": "jsonb"}, "ms": {"type": "timestamptz", "format": "unixepoch_ms"}, "zone": {"type": "timestamptz"},
    "small": {"type": "smallint"}, "price": {"type": "numeric(8,2)"}, "clock": {"type": "time"}, "gone": {"skip": True}}}}}

TYPED_TABLES = {"typed": "id", "texts": "id"}

TYPED_STATEMENTS = r"""
INSERT INTO typed (id, mood, mail, uid, body, ms, zone, small, price, clock) VALUES (9, 'ok', 'N@x.org', 'c0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11', '{"b": [true]}', 1600000000123, '2024-03-10', 7, 3.25, '23:59:00')
INSERT INTO typed VALUES (9, 'ok', 'N@x.org', 'c0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11', '[1]', 5, '2024-03-10', 7, 3.25, '23:59:00', 'left out')
INSERT INTO typed (id, mood) VALUES (9, 'angry')
INSERT INTO typed (id, uid) VALUES (9, 'no uuid')
INSERT INTO typed (id, body) VALUES (9, '{broken')
INSERT INTO typed (id, small) VALUES (9, 100000)
INSERT INTO typed (id, price) VALUES (9, 1.005)
INSERT INTO typed (id, price) VALUES (9, '7.5')
INSERT INTO typed (id, ms) VALUES (9, '1600000000123')
INSERT INTO typed (id, clock) VALUES (9, 'noon')
INSERT INTO typed (id, mood, mail) SELECT id + 10, mood, mail FROM texts WHERE id = 1
INSERT INTO typed (id, mood) SELECT id + 10, mood FROM texts
INSERT INTO typed (id, mood) SELECT id + 10, 'ok' FROM texts
INSERT INTO typed (id, mood) SELECT id + 10, 'ok' FROM texts UNION SELECT id + 20, mood FROM typed
INSERT INTO typed (id, mail) SELECT id + 10, mail FROM texts
INSERT OR IGNORE INTO typed (id, mail) SELECT id + 10, mail FROM texts
INSERT OR REPLACE INTO typed (id, mail) VALUES (20, 'ANN@x.ORG')
INSERT OR REPLACE INTO typed (id, mail, mood) VALUES (2, 'ANN@x.ORG', 'ok')
INSERT INTO typed (mail) VALUES ('ANN@x.org') ON CONFLICT (mail) DO UPDATE SET mail = excluded.mail, small = coalesce(small, 0) + 1
INSERT INTO typed (id, uid) SELECT id + 10, uid FROM texts
INSERT INTO typed (id, body) SELECT id + 10, body FROM texts
INSERT INTO typed (id, small) SELECT id + 10, n FROM texts
INSERT INTO typed (id, small) SELECT id + 10, odd FROM texts WHERE id = 1
INSERT INTO typed (id, small) SELECT id + 10, odd FROM texts WHERE id = 2
INSERT INTO typed (id, price) SELECT id + 10, n FROM texts
INSERT INTO typed (id, price) SELECT id + 10, odd FROM texts WHERE id = 2
INSERT INTO typed (id, price) SELECT id + 10, odd FROM texts WHERE id = 3
INSERT INTO typed (id, zone) SELECT id + 10, at FROM texts
INSERT INTO typed (id, zone) SELECT id + 10, odd FROM texts
INSERT INTO typed (id, ms) SELECT id + 10, id * 86400000 FROM texts
INSERT INTO typed (id, ms) SELECT id + 10, n FROM texts
UPDATE typed SET ms = ms + 1500
UPDATE typed SET ms = ms + 60000, zone = datetime(zone, '+1 hour')
UPDATE typed SET zone = date(zone)
UPDATE typed SET zone = (SELECT at FROM texts WHERE texts.id = typed.id)
UPDATE typed SET mood = (SELECT mood FROM texts WHERE texts.id = typed.id)
UPDATE typed SET mood = t.mood, mail = upper(typed.mail) FROM texts t WHERE t.id = typed.id
UPDATE typed SET mood = CASE WHEN small > 0 THEN 'ok' ELSE 'sad' END
UPDATE typed SET mood = mood, mail = mail, uid = uid, body = body, ms = ms, zone = zone, price = price, clock = clock
UPDATE typed SET price = price * 2 WHERE price IS NOT NULL
UPDATE typed SET price = small, small = price
UPDATE typed SET small = small * 30000
UPDATE typed SET clock = time(clock, '+1 hour')
UPDATE typed SET gone = 'x', small = 4
UPDATE typed SET gone = 'x'
UPDATE texts SET mail = typed.mail FROM typed WHERE typed.id = texts.id
UPDATE texts SET uid = typed.uid FROM typed WHERE typed.id = texts.id
UPDATE texts SET n = ms FROM typed WHERE typed.id = texts.id
UPDATE texts SET n = price FROM typed WHERE typed.id = texts.id
UPDATE texts SET n = small / 4.0 FROM typed WHERE typed.id = texts.id
UPDATE texts SET body = typed.body FROM typed WHERE typed.id = texts.id
DELETE FROM typed WHERE mail = 'ANN@X.ORG' RETURNING id, mood, mail, ms, price
DELETE FROM typed WHERE ms > 1600000000000 RETURNING id
DELETE FROM typed WHERE mood = 'ok'
""".strip().splitlines()
