"""Statements in SQLite's SQL over one file: by hand, and random ones by a grammar."""

import random

FILE = r"""
CREATE TABLE v (id INTEGER PRIMARY KEY, n INTEGER, m INTEGER, r REAL, d DECIMAL(10,2), t TEXT, u TEXT, c TEXT COLLATE NOCASE,
                f BOOLEAN, at DATETIME, day DATE, made DATETIME, b BLOB, iso TEXT);
INSERT INTO v VALUES
 (1, 0, 7, 0.0, 0, '', 'a', 'Abc', 0, '2020-01-31 10:20:30', '2020-01-31', 1580466030, x'', '2020-01-31 10:20:30'),
 (2, 1, -7, 1.5, 1.25, 'a', 'A', 'abc', 1, '2021-02-28 00:00:00', '2021-02-28', 1614470400, x'00ff', '2021-02-28'),
 (3, -1, 2, -2.5, -3, 'Zürich', 'zürich', 'ABC', NULL, '2000-02-29 23:59:59', '2000-02-29', 951868799, x'61', '2000-02-29T23:59:59'),
 (4, 10, 3, 1e300, 12.5, '10', '9', 'xyz', 1, '1970-01-01 00:00:00', '1970-01-01', 0, x'c3a9', '1970-01-01'),
 (5, -9007199254740993, 4, 1e-7, 99999.99, ' pad ', 'pad', 'x y', 0, '2038-01-19 03:14:08', '2038-01-19', 2147483648, NULL, '2038-01-19 03:14'),
 (6, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL),
 (7, 9223372036854775807, 1, 3.0, 4, 'it''s 100%_\', '€x😀', 'Ä', 1, '1999-12-31 12:00:00', '1999-12-31', 946641600, x'ff', '1999-12-31 12:00:00'),
 (8, 42, 5, -0.0, 2.5, 'abc', 'ABC', 'abd', 0, '2024-03-10 08:09:10', '2024-03-10', 1710058150, x'616263', '2024-03-10 08:09:10'),
 (9, 42, 5, 2.5, 2.5, 'abc', 'b', 'B', 1, '2024-03-10 08:09:10', '2024-03-10', 1710058150, x'616263', '2024-03-10 08:09:10.5');
CREATE TABLE p (id INTEGER PRIMARY KEY, name TEXT NOT NULL, boss INTEGER, pay REAL, "group" TEXT, since DATE, active BOOLEAN NOT NULL);
INSERT INTO p VALUES (1,'Ann',NULL,100.5,'x','2010-05-01',1), (2,'bob',1,50.25,'x','2012-06-02',1), (3,'Cy',1,75.0,'y','2012-06-02',0),
 (4,'dee',2,NULL,'y','2015-07-03',1), (5,'Eve',2,20.0,NULL,'2018-08-04',0), (6,'Flo',9,1e3,'z',NULL,1);
CREATE TABLE o (id INTEGER PRIMARY KEY, person INTEGER, item TEXT, amount INTEGER, price DECIMAL(10,2));
INSERT INTO o VALUES (1,1,'pen',3,1.5), (2,1,'ink',1,12), (3,2,'pen',10,1.5), (4,4,'cup',2,7.25), (5,4,'pen',1,1.75), (6,7,'mug',5,3), (7,NULL,'ink',1,11.5);
CREATE TABLE "odd name" ("a b" INTEGER, "select" TEXT, "Ü" TEXT);
INSERT INTO "odd name" VALUES (1, 'one', 'ü'), (2, 'two', NULL);
"""

INTEGERS, REALS, DECIMALS, TEXTS = ["n", "m", "id", "3", "-1", "0"], ["r", "2.5", "-0.5"], ["d"], ["t", "u", "'abc'", "''"]
TIMES = ["at", "day", "iso", "'2020-02-29'", "made"]


def _products():
    numbers = ["n", "m", "r", "d", "3", "2.5", "0", "NULL"]
    for a in ["n", "m", "r", "d"]:
        for op in ["+", "-", "*", "/", "%", "=", "<>", "<", ">=", "IS", "IS NOT", "&", "|", "<<", ">>", "||"]:
            for b in numbers:
                # Bits are of integers.
                if op not in ("%", "&", "|", "<<", ">>") or a in "nm" and b in ("m", "3", "0", "NULL"):
                    yield f"{a} {op} {b}"
    for a in ["t", "u", "c", "iso"]:
        for op in ["=", "<", "IS", "||", "LIKE", "GLOB"]:
            for b in ["u", "c", "'abc'", "5", "NULL", "'a%'"]:
                yield f"{a} {op} {b}"
    for a in ["f", "at", "day", "made", "b"]:
        for op in ["=", "<", "IS NOT", "IN"]:
            for b in ["1", "0", "'2020-01-31'", "'2020-01-31 10:20:30'", "x'61'", "NULL", "951868799"]:
                yield f"{a} {op} ({b})" if op == "IN" else f"{a} {op} {b}"


def _functions():
    for x in ["n", "r", "d", "t", "c", "f", "at", "b", "NULL", "'é'", "-3", "2.5"]:
        for name in ["abs", "length", "lower", "upper", "trim", "ltrim", "rtrim", "hex", "typeof", "quote", "unicode", "round",
                     "sign", "ceil", "floor", "sqrt", "date", "datetime", "time", "julianday", "likely", "char"]:
            yield f"{name}({x})"
        yield f"coalesce({x}, NULL)"
        yield f"ifnull({x}, 7)"
        yield f"nullif({x}, {x})"
        yield f"iif({x} IS NULL, 1, 2)"
        for kind in ["INTEGER", "REAL", "TEXT", "NUMERIC", "BLOB"]:
            yield f"CAST({x} AS {kind})"
    for text in ["t", "c", "'héllo'"]:
        for start in ["1", "2", "0", "-2", "-9", "m", "id - 5", "NULL"]:
            yield f"substr({text}, {start})"
            for count in ["1", "-3", "100", "id - 4"]:
                yield f"substr({text}, {start}, {count})"
        for other in ["'a'", "''", "u", "NULL", "'b'"]:
            yield f"instr({text}, {other})"
            yield f"replace({text}, {other}, 'XY')"
            yield f"replace({text}, 'a', {other})"
            yield f"trim({text}, {other})"
            yield f"max({text}, {other})"
            yield f"min({text}, {other}, 'm')"
    for x in ["n", "m", "r", "d", "3"]:
        for y in ["m", "r", "0", "2", "NULL", "-2.5"]:
            yield f"max({x}, {y})"
            yield f"min({x}, {y})"
            yield f"round({x}, {y})"
            yield f"coalesce({x}, {y})"
            yield f"nullif({x}, {y})"
            yield f"pow(id, {y})"
    for x in ["at", "day", "iso", "made, 'unixepoch'", "n, 'unixepoch'"]:
        for modifiers in ["", ", 'start of month'", ", '+1 month'", ", '-1 day', '+2 hours'", ", 'start of year', '+40 days'", ", 'weekday 0'", ", '+1 month', 'start of month', '-1 day'"]:
            for name in ["date", "time", "datetime", "unixepoch"]:
                yield f"{name}({x}{modifiers})"
            for form in ["%Y-%m", "%d/%m/%Y %H:%M", "%j %w %W", "%s"]:
                yield f"strftime('{form}', {x}{modifiers})"
    for x in ["at", "day"]:
        yield f"julianday({x}) - julianday('2000-01-01')"
        yield f"CAST(strftime('%Y', {x}) AS INTEGER) + 1"
        yield f"strftime('%m', {x}) = '02'"
        yield f"date({x}) >= '2020-01-01'"
        yield f"date({x}) || '!'"
        yield f"date({x}) = {x}"
        yield f"{x} BETWEEN '2000-01-01' AND '2024-12-31'"
    for x in ["made"]:
        yield f"{x} / 1000"
        yield f"{x} + 60"
        yield f"{x} > 1000000000"
        yield f"datetime({x}, 'unixepoch')"
        yield f"coalesce({x}, 0)"
        yield f"strftime('%Y', {x}, 'unixepoch')"


EXPRESSIONS = [*_products(), *_functions(), *(line for line in r"""
(n + m) * 2
-n
-r
-d
+n
~m
NOT n
NOT f
NOT r
n AND m
n OR NULL
f AND n
f = 1
f = 0 OR f IS NULL
f IS TRUE
n IS NOT FALSE
f + 1
f || ''
CASE n WHEN 42 THEN 'x' WHEN 0 THEN 'y' END
CASE WHEN n > 0 THEN n ELSE m END
CASE WHEN n > 0 THEN n ELSE r END
CASE WHEN n > 0 THEN 1 ELSE 1.5 END / 2
CASE WHEN f THEN t ELSE u END
CASE c WHEN 'ABC' THEN 1 ELSE 0 END
CASE WHEN t THEN 1 END
t IN ('a', 'abc', NULL)
t NOT IN ('a', '10')
c IN ('ABC', 'XYZ')
n IN (1, 42, NULL)
n IN (m, 42)
n IN ()
n NOT IN (SELECT m FROM v WHERE m IS NOT NULL)
n IN (SELECT n FROM v)
t IN (SELECT u FROM v)
(n, m) = (42, 5)
(n, m) IN (SELECT n, m FROM v WHERE id > 7)
n BETWEEN 0 AND 42
n NOT BETWEEN m AND 100
t BETWEEN 'a' AND 'b'
c BETWEEN 'ABC' AND 'b'
t LIKE 'A%'
t LIKE '%\%' ESCAPE '\'
t LIKE '%100%'
t NOT LIKE '_'
u LIKE t
t GLOB 'a*'
t GLOB '[a-c]*'
c LIKE 'AB_'
t COLLATE NOCASE = u
t = u COLLATE NOCASE
t COLLATE NOCASE < u
t || u || c
t || n
n || m
n || ''
r || ''
"t"
"nocolumn"
[n] + `m`
v.n + v."m"
rowid
v.rowid * 2
oid = id
(SELECT max(n) FROM v)
(SELECT n FROM v WHERE id = 8)
(SELECT n FROM v x WHERE x.id = v.id)
(SELECT count(*) FROM v x WHERE x.n = v.n)
(SELECT n FROM v WHERE id > 100)
EXISTS (SELECT 1 FROM v x WHERE x.m = v.m AND x.id <> v.id)
NOT EXISTS (SELECT * FROM v WHERE n = 4)
(SELECT count(*) FROM v) + n % 5
1 / 0
n % 0
7 / 2
-7 / 2
-7 % 3
7 / 2.0
1e2
0x1F
1_000
'a' || 'b'
'it''s'
x'41'
typeof(n + 1)
typeof(n / 2)
typeof(r)
typeof(d)
typeof(t)
typeof(f)
typeof(at)
typeof(n = 1)
NULL IS NULL
t IS NULL
t ISNULL
n NOTNULL
t IS 'a'
n IS 42
n IS m
n IS NOT DISTINCT FROM 42
concat(t, n, NULL)
printf('%d', n)
printf('%s', t)
t -> '$.a'
t REGEXP 'a'
t MATCH 'a'
soundex(t)
random() IS NOT NULL
length(randomblob(4))
d / 2
d / 4
d * 2 / 3
d / m
d % 2
d = 2.5
d > 2
d + 0.1
d || ''
n / 2.0
m / 2
m * 1.0 / 2
sum(n)
at || ''
at = day
at < '2020'
day < '2020-01-31 00:00:00'
day <= '2020-01-31 00:00:00'
day > '2020-01-31 00:00:00'
day >= '2020-01-31 10:00'
day BETWEEN datetime('2000-01-01') AND datetime('2021-02-28')
day NOT BETWEEN '2000-01-01 00:00:00' AND '2021-02-28'
at BETWEEN datetime('2000-01-01') AND datetime('2024-03-10 08:09:10')
date('2024-02-29', '+1 year')
date('2024-01-31', '+1 month', '-1 day')
strftime('%Y', '2024-02-29')
julianday('2024-02-29') - julianday('2024-01-01')
day < '2020'
iso < '2020'
iso = '1970-01-01'
date(iso)
strftime('%Y-%m-%dT%H:%M:%S', at)
length(b)
b = x'61'
b || 'x'
hex(b)
substr(b, 1, 1)
t > 5
n = '42'
n = 'x'
t = 10
t < 10
r = '1.5'
c = 'ABC'
c < 'b'
c || 'z' = 'ABCz'
f = 't'
f = 'true'
f IN (0, 1)
f > 0
CAST(t AS INTEGER) + 1
CAST(u AS REAL)
CAST(n AS TEXT) || '!'
CAST(r AS INTEGER)
CAST(m AS REAL) / 2
CAST(d AS INTEGER) / 2
(n IS NULL) + (t IS NULL)
(n > 1) * 10
min(n, m) + max(n, m)
round(m / 2.0)
round(r)
abs(-9007199254740993)
length(t) / 2
length(t) * 1.5
upper(c) = 'ABC'
""".strip().splitlines())]

SELECTS = [line.strip() for line in r"""
SELECT 1
SELECT 1 AS a, 'x' b, NULL c, 2.5
SELECT * FROM p ORDER BY id
SELECT p.* FROM p ORDER BY p.id DESC
SELECT p.*, o.item FROM p JOIN o ON o.person = p.id ORDER BY o.id
SELECT name FROM p ORDER BY name
SELECT name FROM p ORDER BY name COLLATE NOCASE DESC
SELECT name AS n FROM p ORDER BY n
SELECT name FROM p ORDER BY 1 COLLATE NOCASE DESC
SELECT name FROM p ORDER BY +1 DESC
SELECT name FROM p ORDER BY (1) DESC LIMIT 2
SELECT "group" AS name, id FROM p ORDER BY name COLLATE NOCASE DESC, 2
SELECT t || u AS made FROM v ORDER BY (made) COLLATE NOCASE, id
SELECT DISTINCT name FROM p ORDER BY name COLLATE NOCASE
SELECT DISTINCT name COLLATE NOCASE AS x FROM p ORDER BY name DESC
SELECT name FROM p UNION SELECT item FROM o ORDER BY 1 COLLATE NOCASE DESC
SELECT count(*), max(id) FROM v GROUP BY (u) COLLATE NOCASE ORDER BY 2
SELECT lower(u), count(*), max(id) AS top FROM v WHERE id > 7 OR id < 3 GROUP BY 1 COLLATE NOCASE ORDER BY top
SELECT name, pay FROM p ORDER BY 2, 1
SELECT name, pay FROM p ORDER BY pay DESC, name
SELECT name, pay FROM p ORDER BY pay NULLS LAST, name
SELECT name FROM p ORDER BY pay * -1, 1
SELECT name FROM p WHERE pay > 50 ORDER BY id
SELECT name FROM p WHERE active ORDER BY id
SELECT name FROM p WHERE NOT active ORDER BY id
SELECT name FROM p WHERE active = 1 AND "group" = 'x' ORDER BY id
SELECT name FROM p WHERE "group" = "x" ORDER BY id
SELECT name FROM p WHERE boss IS NULL ORDER BY id
SELECT name FROM p WHERE since >= '2012-06-02' ORDER BY id
SELECT name FROM p WHERE since BETWEEN '2012-01-01' AND '2015-12-31' ORDER BY id
SELECT name FROM p WHERE date(since, '+1 month') > '2015-08-01' ORDER BY id
SELECT name FROM p ORDER BY id LIMIT 2
SELECT name FROM p ORDER BY id LIMIT 2 OFFSET 3
SELECT name FROM p ORDER BY id LIMIT 3, 2
SELECT name FROM p ORDER BY id LIMIT -1 OFFSET 4
SELECT name FROM p ORDER BY id LIMIT 0
SELECT DISTINCT item FROM o
SELECT DISTINCT item FROM o ORDER BY item
SELECT DISTINCT item AS what, amount > 2 FROM o ORDER BY what DESC, 2
SELECT DISTINCT item FROM o ORDER BY amount
SELECT ALL item FROM o ORDER BY id
SELECT count(*) FROM p
SELECT count(pay), count(*), count(DISTINCT "group") FROM p
SELECT sum(amount), avg(amount), min(amount), max(amount), total(amount) FROM o
SELECT sum(pay), avg(pay), min(pay), max(pay), total(pay) FROM p
SELECT sum(price), avg(price), min(price), max(price) FROM o
SELECT sum(amount), total(amount), max(item) FROM o WHERE id > 100
SELECT min(name), max(name) FROM p
SELECT min(since), max(since) FROM p
SELECT max(since) > '2015-01-01' FROM p
SELECT sum(active) FROM p
SELECT sum(amount > 2) FROM o
SELECT sum(amount) / count(*) FROM o
SELECT sum(price) / count(*) FROM o
SELECT sum(pay) / count(pay) FROM p
SELECT sum(amount * price) FROM o
SELECT count(*) FILTER (WHERE amount > 2) FROM o
SELECT sum(amount) FILTER (WHERE item = 'pen'), count(*) FROM o
SELECT item, count(*) FROM o GROUP BY item ORDER BY item
SELECT item, count(*) AS c FROM o GROUP BY item ORDER BY c DESC, item
SELECT item, count(*) FROM o GROUP BY 1 ORDER BY 2, 1
SELECT item AS i, sum(amount) FROM o GROUP BY i ORDER BY i
SELECT upper(item) AS i, sum(amount) FROM o GROUP BY i ORDER BY i
SELECT upper(item), sum(amount) FROM o GROUP BY upper(item) ORDER BY upper(item)
SELECT item, sum(amount) AS s FROM o GROUP BY item HAVING s > 3 ORDER BY item
SELECT item, sum(amount) FROM o GROUP BY item HAVING count(*) > 1 ORDER BY item
SELECT item FROM o GROUP BY item HAVING sum(amount) > 3 ORDER BY sum(amount)
SELECT item, max(amount), id FROM o WHERE item <> 'ink' GROUP BY item ORDER BY item
SELECT item, max(amount), id FROM o WHERE item <> 'ink' GROUP BY item ORDER BY max(amount)
SELECT item, id, max(amount) FROM o WHERE item <> 'ink' GROUP BY item HAVING max(o.amount) > 2 ORDER BY MAX((amount)) DESC
SELECT item, amount FROM o WHERE item <> 'ink' GROUP BY item HAVING min(id) > 0 ORDER BY min(id)
SELECT item, id, max(amount) FILTER (WHERE price < 5) FROM o GROUP BY item ORDER BY item
SELECT item, min(price), person FROM o WHERE item IN ('pen', 'cup') GROUP BY item ORDER BY item
SELECT p.name, count(o.id) FROM p LEFT JOIN o ON o.person = p.id GROUP BY p.id ORDER BY p.id
SELECT p.id, p.name, sum(o.amount * o.price) FROM p JOIN o ON o.person = p.id GROUP BY p.id, p.name ORDER BY p.id
SELECT amount > 2, count(*) FROM o GROUP BY amount > 2 ORDER BY 1
SELECT person, item, count(*) FROM o GROUP BY person, item ORDER BY person, item
SELECT count(*) FROM o GROUP BY NULL
SELECT strftime('%Y', since) AS y, count(*) FROM p GROUP BY y ORDER BY y
SELECT since, count(*) FROM p GROUP BY since ORDER BY since
SELECT active, count(*) FROM p GROUP BY active ORDER BY active
SELECT group_concat(DISTINCT person) FROM o WHERE person = 1
SELECT length(group_concat(item)) FROM o
SELECT length(group_concat(item, '--')) FROM o
SELECT group_concat(item) FROM o WHERE id = 3
SELECT group_concat(amount, ';') FROM o WHERE id = 3
SELECT group_concat(item) FROM o WHERE id > 100
SELECT p.name, o.item FROM p, o WHERE o.person = p.id ORDER BY o.id
SELECT p.name, o.item FROM p CROSS JOIN o WHERE o.person = p.id ORDER BY o.id
SELECT p.name, o.item FROM p LEFT JOIN o ON o.person = p.id ORDER BY p.id, o.id
SELECT p.name, o.item FROM p LEFT JOIN o ON o.person = p.id AND o.amount > 2 ORDER BY p.id, o.id
SELECT p.name, o.item FROM p RIGHT JOIN o ON o.person = p.id ORDER BY o.id
SELECT p.name, o.item FROM p FULL JOIN o ON o.person = p.id ORDER BY p.id, o.id
SELECT p.name, o.item FROM p FULL OUTER JOIN o ON o.person = p.id AND p.id < 3 ORDER BY p.id, o.id
SELECT a.name, b.name FROM p a JOIN p b ON b.id = a.boss ORDER BY a.id
SELECT a.name, b.name FROM p AS a LEFT OUTER JOIN p AS b ON b.id = a.boss ORDER BY a.id
SELECT a.name FROM p a, p b, p c WHERE b.id = a.boss AND c.id = b.boss ORDER BY 1
SELECT * FROM p a JOIN o USING (id) ORDER BY id
SELECT id, name, item FROM p JOIN o USING (id) ORDER BY id
SELECT * FROM p LEFT JOIN o USING (id) ORDER BY id
SELECT id FROM p RIGHT JOIN o USING (id) ORDER BY id
SELECT id, name, item FROM p FULL JOIN o USING (id) ORDER BY id
SELECT * FROM p NATURAL JOIN o ORDER BY id
SELECT count(*) FROM p NATURAL LEFT JOIN o
SELECT * FROM (p JOIN o ON o.person = p.id) ORDER BY o.id
SELECT p.id FROM p JOIN (o JOIN v ON v.id = o.id) ON o.person = p.id ORDER BY p.id, v.id
SELECT x.name FROM (SELECT name, pay FROM p WHERE pay > 40) AS x ORDER BY x.name
SELECT name FROM (SELECT * FROM p) WHERE id > 3 ORDER BY id
SELECT s + 1 FROM (SELECT sum(amount) AS s FROM o)
SELECT item, s * 2 FROM (SELECT item, sum(amount) s FROM o GROUP BY item) ORDER BY s, item
SELECT a.item, b.c FROM (SELECT DISTINCT item FROM o) a JOIN (SELECT item, count(*) c FROM o GROUP BY item) b ON a.item = b.item ORDER BY 1
SELECT x FROM (SELECT 1 AS x UNION ALL SELECT 2) ORDER BY x DESC
SELECT name, (SELECT count(*) FROM o WHERE o.person = p.id) AS c FROM p ORDER BY id
SELECT name, (SELECT item FROM o WHERE o.person = p.id ORDER BY o.id LIMIT 1) FROM p ORDER BY id
SELECT name, (SELECT item FROM o WHERE o.person = p.id ORDER BY o.id) FROM p ORDER BY id
SELECT name FROM p WHERE id IN (SELECT person FROM o) ORDER BY id
SELECT name FROM p WHERE id NOT IN (SELECT person FROM o) ORDER BY id
SELECT name FROM p WHERE id NOT IN (SELECT person FROM o WHERE person IS NOT NULL) ORDER BY id
SELECT name FROM p WHERE EXISTS (SELECT 1 FROM o WHERE o.person = p.id AND amount > 2) ORDER BY id
SELECT name FROM p WHERE NOT EXISTS (SELECT 1 FROM o WHERE person = p.id) ORDER BY id
SELECT name FROM p WHERE pay = (SELECT max(pay) FROM p)
SELECT name FROM p WHERE pay > (SELECT avg(pay) FROM p x WHERE x."group" = p."group") ORDER BY id
SELECT name FROM p a WHERE (SELECT count(*) FROM p b WHERE b.pay > a.pay) < 2 ORDER BY id
SELECT item FROM o UNION SELECT name FROM p ORDER BY 1
SELECT item FROM o UNION ALL SELECT name FROM p ORDER BY item DESC
SELECT person FROM o INTERSECT SELECT id FROM p ORDER BY 1
SELECT id FROM p EXCEPT SELECT person FROM o ORDER BY id
SELECT 1 UNION SELECT 2 UNION ALL SELECT 2 ORDER BY 1
SELECT 1 AS a UNION SELECT NULL UNION SELECT 2.5 ORDER BY a
SELECT NULL UNION ALL SELECT NULL UNION ALL SELECT 'x'
SELECT id, name FROM p UNION SELECT id, item FROM o ORDER BY 1, 2 LIMIT 3
SELECT 1 UNION SELECT 2 INTERSECT SELECT 2
SELECT amount FROM o UNION SELECT pay FROM p ORDER BY 1
SELECT item FROM o UNION SELECT amount FROM o
VALUES (1, 'a'), (2, NULL), (3, 'c')
SELECT * FROM (VALUES (1, 'a'), (2.5, 'b')) ORDER BY column1
SELECT column2 FROM (VALUES (1, 'a'), (2, 'b')) WHERE column1 > 1
WITH x AS (SELECT * FROM p WHERE active) SELECT name FROM x ORDER BY id
WITH x(a, b) AS (SELECT id, name FROM p) SELECT a, b FROM x WHERE a < 3 ORDER BY a
WITH x AS (SELECT id FROM p), y AS (SELECT id FROM x WHERE id > 2) SELECT * FROM y JOIN x USING (id) ORDER BY 1
WITH x AS MATERIALIZED (SELECT 1 AS a), y AS NOT MATERIALIZED (SELECT 2 AS a) SELECT * FROM x UNION ALL SELECT * FROM y ORDER BY a
WITH RECURSIVE c(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM c WHERE n < 10) SELECT sum(n), count(*) FROM c
WITH RECURSIVE c(n) AS (VALUES (1) UNION ALL SELECT n * 2 FROM c WHERE n < 100) SELECT n FROM c ORDER BY n
WITH c(n) AS (SELECT 1 UNION SELECT n % 3 + 1 FROM c) SELECT n FROM c ORDER BY n
WITH RECURSIVE tree(id, name, depth, path) AS (SELECT id, name, 0, name FROM p WHERE boss IS NULL UNION ALL SELECT p.id, p.name, depth + 1, path || '/' || p.name FROM tree JOIN p ON p.boss = tree.id) SELECT * FROM tree ORDER BY path
WITH RECURSIVE up(id, boss) AS (SELECT id, boss FROM p WHERE id = 5 UNION ALL SELECT p.id, p.boss FROM p, up WHERE p.id = up.boss) SELECT id FROM up ORDER BY id
WITH RECURSIVE c(a, b) AS (SELECT 1, NULL UNION ALL SELECT a + 1, 'x' FROM c WHERE a < 3) SELECT * FROM c ORDER BY a
WITH RECURSIVE c(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM c LIMIT 5) SELECT n FROM c
SELECT name, row_number() OVER (ORDER BY id) FROM p ORDER BY id
SELECT name, rank() OVER (ORDER BY since), dense_rank() OVER (ORDER BY since DESC) FROM p ORDER BY id
SELECT name, sum(pay) OVER (PARTITION BY "group" ORDER BY id) FROM p ORDER BY id
SELECT id, sum(amount) OVER (ORDER BY id ROWS BETWEEN 1 PRECEDING AND 1 FOLLOWING) FROM o ORDER BY id
SELECT id, avg(amount) OVER (ORDER BY amount, id RANGE BETWEEN UNBOUNDED PRECEDING AND CURRENT ROW) FROM o ORDER BY id
SELECT id, avg(amount) OVER (ORDER BY amount RANGE BETWEEN 1 PRECEDING AND 1 FOLLOWING) FROM o ORDER BY id
SELECT id, count(*) OVER (ORDER BY amount GROUPS 1 PRECEDING) FROM o ORDER BY id
SELECT id, sum(amount) OVER (ORDER BY id ROWS UNBOUNDED PRECEDING EXCLUDE CURRENT ROW) FROM o ORDER BY id
SELECT id, lag(item) OVER (ORDER BY id), lead(item, 2, 'none') OVER (ORDER BY id) FROM o ORDER BY id
SELECT id, lag(amount, 1, 0) OVER (PARTITION BY item ORDER BY id) FROM o ORDER BY id
SELECT id, first_value(item) OVER w, last_value(item) OVER w, nth_value(item, 2) OVER w FROM o WINDOW w AS (PARTITION BY person ORDER BY id) ORDER BY id
SELECT id, ntile(3) OVER (ORDER BY id), percent_rank() OVER (ORDER BY amount), cume_dist() OVER (ORDER BY amount) FROM o ORDER BY id
SELECT item, sum(amount), sum(sum(amount)) OVER (ORDER BY item) FROM o GROUP BY item ORDER BY item
SELECT item, rank() OVER (ORDER BY count(*) DESC) FROM o GROUP BY item ORDER BY 2, 1
SELECT id, count(*) FILTER (WHERE amount > 1) OVER (ORDER BY id) FROM o ORDER BY id
SELECT * FROM (SELECT id, item, row_number() OVER (PARTITION BY item ORDER BY price DESC, id) AS r FROM o) WHERE r = 1 ORDER BY id
SELECT id, max(item) OVER (ORDER BY id) FROM o ORDER BY id
SELECT "a b", "select" FROM "odd name" ORDER BY "a b"
SELECT [a b], `select`, "Ü" FROM [odd name] ORDER BY 1
SELECT "Ü" FROM "odd name" WHERE "Ü" = 'ü'
SELECT main.p.name FROM main.p ORDER BY main.p.id
SELECT P.NAME FROM P ORDER BY ID
SELECT name FROM p INDEXED BY nothing
SELECT name FROM p NOT INDEXED ORDER BY id
SELECT rowid, name FROM p ORDER BY rowid
SELECT a.rowid, b._rowid_ FROM p a JOIN o b ON b.person = a.oid ORDER BY 2
SELECT id + 1 AS x FROM p WHERE x > 3 ORDER BY x
SELECT id AS name FROM p WHERE name = 'Ann'
SELECT id * 2 AS y, id * 2 + 1 AS z FROM p ORDER BY y + z DESC
SELECT CASE WHEN pay IS NULL THEN 'none' WHEN pay > 60 THEN 'high' ELSE 'low' END AS level, count(*) FROM p GROUP BY level ORDER BY level
SELECT name || ' <' || "group" || '>' FROM p ORDER BY id
SELECT coalesce("group", '-') AS g, count(*), sum(active) FROM p GROUP BY g ORDER BY g
SELECT max(id), min(id) FROM p GROUP BY boss ORDER BY boss
SELECT boss, group_concat(id) FROM p WHERE boss = 9 GROUP BY boss
SELECT (SELECT name FROM p WHERE id = o.person) AS who, sum(amount) FROM o GROUP BY who ORDER BY who
SELECT person, (SELECT name FROM p WHERE p.id = o.person) FROM o GROUP BY person ORDER BY person
SELECT count(*) FROM (SELECT 1 FROM p, o)
SELECT total(pay) FROM p WHERE id > 100
SELECT avg(amount) FROM o WHERE id > 100
SELECT max(1, 2), min(3, NULL)
SELECT 'a' = 'A', 'a' = 'A' COLLATE NOCASE, 'a ' = 'a' COLLATE RTRIM
SELECT 5 / 2, 5 / 2.0, 5 % 3, -5 / 2, 5 / 0
SELECT 1 = 1.0, '1' = 1, 'a' < 'B'
SELECT count(*) FROM p WHERE name LIKE '%E%'
SELECT date('2024-02-29'), date('2024-01-31', '+1 month')
SELECT * FROM json_each('[1]')
SELECT item, count(*) c FROM o GROUP BY item ORDER BY c, item LIMIT 2 OFFSET 1
SELECT sum(c) FROM (SELECT count(*) AS c FROM o GROUP BY item HAVING c > 1)
SELECT a.id FROM o a WHERE a.amount = (SELECT max(b.amount) FROM o b WHERE b.item = a.item) ORDER BY a.id
SELECT p.name, t.s FROM p LEFT JOIN (SELECT person, sum(amount) AS s FROM o GROUP BY person) t ON t.person = p.id ORDER BY p.id
SELECT name, pay FROM p WHERE pay IS NOT NULL ORDER BY pay DESC LIMIT 1
SELECT name FROM p WHERE "group" IN ('x', 'y') AND NOT (pay < 60) ORDER BY id
SELECT name FROM p WHERE id % 2 = 0 AND id / 2 > 1
SELECT id FROM p ORDER BY 'x' IS NOT NULL, id DESC
SELECT count(*) FROM p GROUP BY 1 = 1
SELECT 1 WHERE 0
SELECT 1 WHERE NULL
SELECT 'x' FROM p WHERE name > 'C' ORDER BY id
SELECT length(name) l, count(*) FROM p GROUP BY l HAVING l >= 3 ORDER BY l
SELECT name FROM p ORDER BY "group" IS NULL, "group", id
SELECT id FROM p ORDER BY CASE WHEN boss IS NULL THEN 0 ELSE 1 END, id DESC
SELECT DISTINCT boss, active FROM p ORDER BY boss DESC, active
SELECT x.a FROM (SELECT id AS a FROM p UNION SELECT id FROM o) x WHERE x.a > 5 ORDER BY x.a
SELECT count(DISTINCT item) FROM o
SELECT max(price) - min(price) FROM o
SELECT price / 2 FROM o ORDER BY id
SELECT amount / 2 FROM o ORDER BY id
SELECT round(avg(price), 1) FROM o
SELECT round(sum(amount * price), 2) FROM o
SELECT CAST(avg(amount) AS INTEGER) FROM o
SELECT 100.0 * sum(active) / count(*) FROM p
SELECT 100 * sum(active) / count(*) FROM p
""".strip().splitlines()]


class Generator:
    """Random statements that SQLite takes, and a few that it does not."""

    def __init__(self, seed):
        self.random = random.Random(seed)
        self.depth = 0

    def pick(self, *choices):
        return self.random.choice(choices)

    def statement(self):
        return self.pick(self.rows, self.groups, self.compound, self.expressions, self.expressions, self.derived, self.windows, self.joins, self.grouped_joins, self.folded)()

    # Each kind of expression by the storage class that it mostly has.

    def of(self, leaf, *deeper):
        self.depth += 1
        made = leaf() if self.depth > 4 or self.random.random() < 0.3 else self.pick(*deeper)()
        self.depth -= 1
        return made

    def integer(self):
        r = self.pick
        return self.of(
            lambda: r("v.n", "v.m", "v.id", "v.f", "0", "1", "-3", "7", "42", "NULL", str(self.random.randint(-10**6, 10**6))),
            lambda: f"({self.integer()} {r('+', '-', '*', '/', '%', '&', '|')} {self.integer()})",
            lambda: f"(- {self.integer()})",
            lambda: f"abs({self.integer()})",
            lambda: f"length({self.text()})",
            lambda: f"coalesce({self.integer()}, {self.integer()})",
            lambda: f"CASE WHEN {self.truth()} THEN {self.integer()} ELSE {self.integer()} END",
            lambda: f"{r('min', 'max')}({self.integer()}, {self.integer()})",
            lambda: f"iif({self.truth()}, {self.integer()}, {self.integer()})",
            lambda: f"nullif({self.integer()}, {self.integer()})",
            lambda: f"CAST({self.number()} AS INTEGER)",
            lambda: f"instr({self.text()}, {self.text()})",
            lambda: f"CAST(strftime('{r('%Y', '%m', '%d', '%s')}', {self.time()}) AS INTEGER)",
            lambda: f"({self.truth()})",
            lambda: f"({self.text()} {r('+', '-', '*')} {self.integer()})",
            lambda: f"(coalesce({self.text()}, {self.integer()}) + 0)",
            lambda: f"(SELECT {r('count(*)', 'max(x.m)', 'min(x.id)', 'sum(x.m)')} FROM v x WHERE x.id {r('<', '=', '>')} v.id)",
        )

    def real(self):
        r = self.pick
        return self.of(
            lambda: r("v.r", "v.r", "2.5", "-0.5", "1e3", "0.0"),
            lambda: f"({self.real()} {r('+', '-', '*', '/')} {self.number()})",
            lambda: f"abs({self.real()})",
            lambda: f"round({self.real()})",
            lambda: f"coalesce({self.real()}, {self.real()})",
            lambda: f"CAST({self.integer()} AS REAL)",
            lambda: f"(julianday({self.time()}) - 2451544.5)",
        )

    def number(self):
        return self.of(lambda: self.pick("v.n", "v.r", "v.d", "3", "0.25"), self.integer, self.real, self.integer,
                       lambda: f"({self.number()} {self.pick('+', '-', '*', '/')} {self.number()})")

    def text(self):
        r = self.pick
        return self.of(
            lambda: r("v.t", "v.u", "v.c", "v.iso", "''", "'a'", "'ABC'", "'é'", "'10'", "NULL"),
            lambda: f"({self.text()} || {self.text()})",
            lambda: f"({self.text()} || {self.integer()})",
            lambda: f"{r('lower', 'upper', 'trim', 'ltrim', 'rtrim')}({self.text()})",
            lambda: f"substr({self.text()}, {r('1', '2', '-1', '-2', '0', 'v.m')}, {r('1', '2', '3', '-1', 'v.id')})",
            lambda: f"replace({self.text()}, {self.text()}, {self.text()})",
            lambda: f"coalesce({self.text()}, {self.text()})",
            lambda: f"CASE WHEN {self.truth()} THEN {self.text()} ELSE {self.text()} END",
            lambda: f"CAST({self.integer()} AS TEXT)",
            lambda: f"strftime('{r('%Y-%m-%d', '%H:%M', '%Y')}', {self.time()})",
            lambda: f"typeof({r(self.integer, self.text, self.mixed)()})",
            lambda: f"printf({r('v.u', chr(39) + '%' + chr(39))} || '{r('5d', 'x|%s', '-6s', 'q', '.2s', '+d')}', {self.integer()}, {self.text()})",
            lambda: f"json_extract(json_array({self.integer()}, {self.text()}), '$[' || {r('0', '1', 'v.id')} || ']')",
        )

    def time(self):
        return self.pick("v.at", "v.day", "v.iso", "v.at, 'start of month'", "v.day, '+1 day'", "v.made, 'unixepoch'")

    def truth(self):
        r = self.pick
        compare = lambda: r("=", "<>", "<", "<=", ">", ">=", "IS", "IS NOT")  # noqa: E731
        return self.of(
            lambda: r("v.f", "v.n IS NULL", "v.id > 4", "1", "0", "NULL"),
            lambda: f"({self.integer()} {compare()} {self.integer()})",
            lambda: f"({self.number()} {compare()} {self.number()})",
            lambda: f"({self.text()} {compare()} {self.text()})",
            lambda: f"({self.text()} {r('LIKE', 'NOT LIKE', 'GLOB')} {r(chr(39) + 'a%' + chr(39), chr(39) + '*b*' + chr(39), self.text())})",
            lambda: f"({self.truth()} {r('AND', 'OR')} {self.truth()})",
            lambda: f"(NOT {self.truth()})",
            lambda: f"({self.integer()} IN ({self.integer()}, {self.integer()}))",
            lambda: f"({self.text()} IN ({self.text()}, {self.text()}))",
            lambda: f"({self.integer()} BETWEEN {self.integer()} AND {self.integer()})",
            lambda: f"({self.integer()} IN (SELECT x.{r('n', 'm', 'id')} FROM v x))",
            lambda: f"EXISTS (SELECT 1 FROM v x WHERE x.m = {self.integer()})",
            lambda: f"(v.{r('at', 'day')} {compare()} {r(chr(39) + '2020-01-31' + chr(39), chr(39) + '2021-02-28 00:00:00' + chr(39))})",
            lambda: f"(v.n = {self.text()})",
            lambda: f"({self.text()} COLLATE NOCASE {compare()} {self.text()})",
            lambda: f"({self.text()})",
            lambda: f"({self.number()} {compare()} {self.text()})",
            lambda: f"({self.text()} {compare()} {self.integer()})",
            lambda: f"({self.text()} {r('IN', 'NOT IN')} ({self.integer()}, {self.text()}))",
            lambda: f"({self.integer()} {r('IN', 'NOT IN')} ({self.text()}, {self.integer()}))",
            lambda: f"({self.integer()} IN (SELECT x.{r('t', 'u')} FROM v x))",
            lambda: f"({self.number()} BETWEEN {self.text()} AND {self.number()})",
            lambda: f"({self.mixed()} {compare()} {r(self.integer, self.text, self.mixed)()})",
            lambda: f"({r('v.n', 'v.id + 9007199254740992')} {compare()} {self.real()})",
            lambda: f"(({self.integer()}, {self.text()}) {r('=', '<>', '<', '>=', 'IS')} ({self.integer()}, {self.text()}))",
        )

    def mixed(self):
        return self.pick(f"coalesce({self.integer()}, {self.text()})", f"CASE WHEN {self.truth()} THEN {self.text()} ELSE {self.integer()} END",
                         f"nullif({self.text()}, {self.integer()})", f"iif({self.truth()}, {self.integer()}, {self.text()})")

    def any(self):
        return self.pick(self.integer, self.integer, self.text, self.truth, self.real, self.number)()

    def result(self):
        return self.pick(self.any, self.any, self.any, self.mixed)()

    # Statements

    def expressions(self):
        return f"SELECT v.id, {self.result()}, {self.result()} FROM v ORDER BY v.id"

    def rows(self):
        columns = ", ".join(self.any() for _ in range(self.random.randint(1, 3)))
        table = self.pick("v", "v LEFT JOIN o ON o.id = v.id", "v JOIN p ON p.id = v.id", f"v LEFT JOIN p ON p.id = v.id AND {self.truth()}")
        limit = self.pick("", "", " LIMIT 3", " LIMIT 2 OFFSET 1")
        return f"SELECT {columns} FROM {table} WHERE {self.truth()} ORDER BY {self.pick(self.any, self.any, self.mixed)()} {self.pick('', 'DESC', 'NULLS LAST')}, v.id{limit}"

    def groups(self):
        key = self.pick(self.integer, self.text, self.truth, self.mixed)()
        aggregate = self.pick(f"sum({self.integer()})", "count(*)", f"count({self.any()})", f"max({self.text()})", f"min({self.integer()})",
                              f"avg({self.number()})", f"count(DISTINCT {self.integer()})", f"total({self.real()})", f"sum({self.number()})")
        having = self.pick("", "", f" HAVING {self.pick('count(*)', 'max(v.id)')} > {self.random.randint(0, 3)}")
        return f"SELECT {key} AS k, {aggregate}, {self.pick('count(*)', 'min(v.id)', '1')} FROM v WHERE {self.truth()} GROUP BY {self.pick('k', '1', key)}{having} ORDER BY k"

    def folded(self):
        key = self.pick("v.c", "v.c", f"{self.text()} COLLATE NOCASE", "v.t COLLATE RTRIM")
        aggregate = self.pick("count(*)", f"sum({self.text()})", f"count(DISTINCT {key})", "lower(max(v.c))", "max(v.id)", f"total({self.text()})")
        return self.pick(f"SELECT count(*), {aggregate} FROM v WHERE {self.truth()} GROUP BY {key} ORDER BY count(*), max(v.id), min(v.id)",
                         f"SELECT count(*) FROM (SELECT DISTINCT {key}, {self.truth()} FROM v)", f"SELECT {aggregate} FROM v WHERE {self.truth()}",
                         f"SELECT v.id, count(*) OVER (PARTITION BY {key}) FROM v ORDER BY v.id")

    def compound(self):
        kind = self.pick(self.integer, self.text, lambda: self.pick(self.integer, self.text)())
        word = self.pick("UNION", "UNION ALL", "EXCEPT", "INTERSECT")
        return f"SELECT {kind()} AS k FROM v UNION SELECT {kind()} FROM v WHERE {self.truth()} {word} SELECT {kind()} FROM v ORDER BY k"

    def derived(self):
        kind = self.pick(self.integer, self.text, self.number, self.truth)
        inner = self.pick(f"SELECT {kind()} AS k, {self.any()} AS a, v.id FROM v WHERE {self.truth()}",
                          f"SELECT {kind()} AS k, count(*) AS a, min(v.id) AS id FROM v GROUP BY k",
                          f"SELECT {kind()} AS k, v.t AS a, v.id FROM v UNION ALL SELECT {kind()}, v.u, v.id + 100 FROM v")
        outer = self.pick("d.k, d.a", "d.k IS NULL, d.a, d.id", "d.id, coalesce(d.k, d.k)", "max(d.k), count(d.a)", "d.k, count(*), min(d.id)")
        tail = {"max(d.k), count(d.a)": "", "d.k, count(*), min(d.id)": " GROUP BY d.k ORDER BY d.k"}.get(outer, " ORDER BY d.id, d.k, d.a")
        condition = self.pick("", f" WHERE d.k {self.pick('=', '<', 'IS NOT', '>=')} {self.pick('0', '1', chr(39) + 'a' + chr(39), 'd.id', 'NULL')}")
        source = self.pick(f"FROM ({inner}) d", f"FROM ({inner}) AS d")
        with_clause = ""
        if self.random.random() < 0.3:
            with_clause, source = f"WITH d AS ({inner}) ", "FROM d"
        return f"{with_clause}SELECT {outer} {source}{condition}{tail}"

    def windows(self):
        partition = self.pick("", f"PARTITION BY {self.pick(self.integer, self.text, self.truth)()} ")
        order = f"ORDER BY {self.any()} {self.pick('', 'DESC', 'NULLS LAST')}, v.id"
        frame = self.pick("", "", " ROWS BETWEEN 1 PRECEDING AND 1 FOLLOWING", " ROWS UNBOUNDED PRECEDING", " GROUPS 1 PRECEDING", " ROWS CURRENT ROW EXCLUDE TIES")
        function = self.pick("row_number()", "rank()", "dense_rank()", "ntile(3)", f"lag({self.integer()})", f"lead({self.text()}, 2)", f"sum({self.integer()})",
                             "count(*)", f"min({self.text()})", f"max({self.number()})", f"first_value({self.text()})", f"nth_value({self.integer()}, 2)")
        return f"SELECT v.id, {function} OVER ({partition}{order}{frame}) FROM v WHERE {self.pick('1', self.truth())} ORDER BY v.id"

    def joins(self):
        word = self.pick("JOIN", "LEFT JOIN", "RIGHT JOIN", "FULL JOIN", "NATURAL JOIN", "NATURAL LEFT JOIN")
        other = self.pick("p", "o", "(SELECT m AS id, t AS word FROM v) w")
        how = "" if "NATURAL" in word else " USING (id)"
        columns = self.pick("id", "*", "id, count(*)")
        tail = {"id, count(*)": " GROUP BY id ORDER BY id"}.get(columns, " ORDER BY id" if columns == "id" else "")
        return f"SELECT {columns} FROM v {word} {other}{how}{tail}"

    def grouped_joins(self):
        key = self.pick("p.\"group\"", "p.active", "o.item", "o.person", "p.since", "strftime('%Y', p.since)", "o.amount > 2", "upper(o.item)")
        aggregate = self.pick("sum(o.amount)", "count(DISTINCT o.item)", "max(p.pay)", "min(o.price)", "avg(o.amount)", "sum(o.amount * o.price)", "sum(p.active)",
                              "count(o.id) FILTER (WHERE o.amount > 1)", "total(p.pay)", "max(o.item)", "min(p.since)")
        source = self.pick("p JOIN o ON o.person = p.id", "p LEFT JOIN o ON o.person = p.id", "p, o", "o LEFT JOIN p ON p.id = o.person")
        having = self.pick("", " HAVING count(*) > 1", f" HAVING {aggregate} IS NOT NULL")
        order = self.pick("1", "k", "count(*), k", "2, 1")
        return f"SELECT {key} AS k, {aggregate}, count(*) FROM {source} GROUP BY {self.pick('k', '1', key)}{having} ORDER BY {order}"
