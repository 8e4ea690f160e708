"""Statements in which SQLite is looser than PostgreSQL: texts as numbers and conditions, comparisons of unlike classes, collations."""

FILE = r"""
CREATE TABLE w (id INTEGER PRIMARY KEY, n INTEGER, r REAL, d DECIMAL(10,2), t TEXT, u TEXT, c TEXT COLLATE NOCASE, p TEXT COLLATE RTRIM, f BOOLEAN);
INSERT INTO w VALUES
 (1, 0, 0.0, 0, '', '0', 'Abc', 'x  ', 0),
 (2, 1, 1.5, 1.25, '1', '1.50', 'abc', 'x', 1),
 (3, -1, -2.5, -3, 'abc', 'B', 'ABC', 'y', NULL),
 (4, 10, 3, 12.5, '10', '9', 'xyz', 'Y ', 0),
 (5, 42, 1e3, 42, '42abc', ' 42 ', 'x y', '', 1),
 (6, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL),
 (7, 2, 2.0, 2, '1e2', '-5', 'Ä', '  ', 1),
 (8, 100, 0.5, 0.5, '+7.25x', '.5', 'abd', 'x ', 0),
 (9, 42, 42.0, 42, '42', '42', 'ABD', 'z', 1),
 (10, 9, 9.5, 9.5, '0x10', 'a%', 'b', 'z ', 0),
 (11, 5, 5.0, 5, '5.', 'A', '', 'é', 1);
CREATE TABLE g (id INTEGER PRIMARY KEY, i, s, n INTEGER, t TEXT);
INSERT INTO g VALUES (1, 5, '5', 5, '5'), (2, 7, 'x', 8, '7.0'), (3, NULL, NULL, NULL, NULL), (4, 10, '10', 10, 'x');
CREATE TABLE m (id INTEGER PRIMARY KEY, i INTEGER, b BLOB, n INTEGER, t TEXT);
INSERT INTO m VALUES (1, 5, 5, 5, '5'), (2, 'N/A', 'x', 1, 'x'), (3, 10, '10', 10, '10'), (4, NULL, NULL, NULL, NULL), (5, '', 7, 7, '7.0'), (6, '12abc', '7', 0, 'N/A'), (7, -3, -3, 12, '-3');
CREATE TABLE x (k INTEGER, s TEXT, c TEXT COLLATE NOCASE);
INSERT INTO x VALUES (42, '42', 'abc'), (1, '1.0', 'XYZ'), (NULL, 'abc', NULL), (10, NULL, 'b'), (9, '9', 'B');
"""

_TEXTS = ["t", "u", "t || ''", "'12abc'", "c"]
_NUMBERS = ["n", "n + 0", "r", "42", "f"]


def _products():
    for t in _TEXTS:
        for n in _NUMBERS:
            for op in ["=", "<>", "<", "<=", ">", ">=", "IS", "IS NOT"]:
                yield f"{t} {op} {n}"
        for op in ["+", "-", "*"]:
            yield f"{t} {op} 1"
            yield f"n {op} {t}"
        for form in ["{t} / 2.0", "-{t}", "+{t}", "NOT {t}", "{t} AND n", "{t} OR 0", "CASE WHEN {t} THEN 'y' ELSE 'n' END", "iif({t}, 1, 2)", "{t} IS TRUE", "{t} IS NOT FALSE",
                     "CAST({t} AS REAL)", "CAST({t} AS NUMERIC)", "CAST({t} AS INTEGER)", "abs({t} + 0)", "{t} IN (1, '42', 42)", "{t} IN (n, 'abc')", "n IN ({t}, 7)",
                     "{t} NOT IN (1, 10)", "{t} BETWEEN 1 AND 50", "n BETWEEN {t} AND 100", "{t} BETWEEN '1' AND n", "coalesce({t}, 0)", "coalesce(n, {t})", "ifnull({t}, n) || '!'",
                     "nullif({t}, 42)", "nullif(n, {t})", "CASE {t} WHEN 42 THEN 'x' WHEN '1' THEN 'y' END", "CASE n WHEN {t} THEN 1 ELSE 0 END",
                     "CASE WHEN n > 1 THEN {t} ELSE n END", "coalesce({t}, 0) = n", "coalesce({t}, 0) = u", "coalesce({t}, 0) + 1", "length(coalesce({t}, 0))"]:
            yield form.replace("{t}", t)


EXPRESSIONS = [*_products(), *(line for line in r"""
CAST(n AS TEXT) = 42
CAST(n AS TEXT) = '42'
CAST(n AS TEXT) < 5
CAST(t AS INTEGER) = '42'
CAST(42 AS TEXT) = n + 0
CAST('42' AS INTEGER) = '42'
CAST(42 AS TEXT) IN (n + 0, t)
n = CAST(42 AS TEXT)
t = CAST('42' AS INTEGER)
CAST(t AS INTEGER) > u
CAST(n AS TEXT) = u
+t = 42
+n = '42'
(SELECT t) = 42
(SELECT n) = '42'
(n, t) < (42, 'b')
(n, t) <= (42, '42')
(n, t) > (1, '1')
(n, t) >= (n, t)
(n, t) <> (42, '42')
(n, t) IS (42, '42')
(n, t) IS NOT (42, '42')
(n, u) BETWEEN (0, 'a') AND (42, '42')
(n, u) NOT BETWEEN (0, 'a') AND (42, '42')
(n, t, u) < (42, '42', '9')
(n, t) = (SELECT k, s FROM x WHERE k = 42)
(n, t) <> (SELECT k, s FROM x WHERE k = 42)
(n, t) IN (SELECT k, s FROM x)
(t, n) IN (SELECT k, s FROM x)
(n, t) IN (VALUES (42, '42'), (1, 'x'))
n IN (SELECT s FROM x)
n NOT IN (SELECT s FROM x WHERE s IS NOT NULL)
n NOT IN (SELECT s FROM x)
t IN (SELECT k FROM x)
42 IN (SELECT s FROM x)
'42' IN (SELECT k FROM x)
'42' IN (n)
42 IN (t)
1 NOT IN (t, u)
n IN ('42', 'x', NULL)
nullif(n, '42')
nullif(t, 42)
nullif('x', n)
t LIKE 4
n LIKE '4%'
n LIKE t
t LIKE u
u LIKE '%\%' ESCAPE '\'
t LIKE u ESCAPE '\'
t LIKE '%' || u
u GLOB t
t GLOB u || '*'
t GLOB '[' || n || '0-9]*'
c GLOB '[^' || substr(t, 1, 1) || ']*'
t GLOB '*[]' || t || ']'
t GLOB '[z-a' || n || ']*'
glob(u, t)
json_valid(t) IS TRUE
json_valid(u) IS NOT TRUE
t GLOB '*' || n || '*'
coalesce(t, 5) = 5
coalesce(t, 5) = '42'
coalesce(n, t) > 5
coalesce(n, t) IN (5, '42', 'abc')
iif(id > 4, t, n) = iif(id > 8, n, t)
iif(id > 4, t, n) >= iif(id > 8, n, t)
CASE WHEN id > 4 THEN 'x' ELSE id END IS 3
CASE WHEN id > 4 THEN t ELSE f END <> 1
typeof(coalesce(t, 5))
typeof(CASE id WHEN 1 THEN 'a' WHEN 2 THEN 7 END)
typeof(ifnull(t, n + 1)) = 'text'
coalesce(coalesce(t, 5), 7) < 'b'
coalesce(t, 5) BETWEEN 1 AND 'b'
nullif(coalesce(n, t), 42) = 5
max(n, t)
min(t, n)
max(n, 'x')
min(r, t, 5)
max(coalesce(t, ''), n, 'B')
t REGEXP '^[0-9]+$'
t MATCH 'x'
n REGEXP '4'
'abc' + 1
'12abc' * 2
- '5x'
'0x10' + 0
'abc' AND 1
'1' OR 0
NOT 'a'
'' IS FALSE
5 = '5'
5 < 'a'
'a' > 5
'5' = 5
5 IS '5'
1.5 = '1.5'
n = 'abc'
n < 'abc'
n > 'abc'
n <> 'abc'
n IS 'abc'
n BETWEEN 'a' AND 'b'
n BETWEEN 0 AND 'b'
t BETWEEN 0 AND 50
f = 'abc'
f < 'x'
r = '42.0'
r < 'x'
d = '42'
d > t
strftime('%Y', '2020-01-01') > 2000
strftime('%Y', '2020-01-01') = 2020
strftime('%Y', '2020-01-01') + 1
max(n, 5) = '5'
max(t, u) = 42
min(t, 'm') > n
length(t) = '2'
length(t) > t
c = 'abc'
c IN ('ABC', 'x')
c = t
p = 'x'
p = 'x   '
p IN ('x', 'z   ')
c BETWEEN 'a' AND 'B'
c < 'B'
p < 'y'
max(c, 'm')
min(p, 'm')
t & 3
t | 1
t << 1
t % 3
~t
t / 2
t || n
n || t
n + f
f + t
f || t
sum(t)
round(t)
round(t, 1)
round(u, n)
abs(t)
round(u + 0.0)
printf('%d', t)
t IS NOT DISTINCT FROM 42
CASE t WHEN n THEN 'same' ELSE 'other' END
CASE WHEN t > 5 THEN 1 WHEN t < 5 THEN 2 END
CASE WHEN n THEN n WHEN t THEN t END
CASE f WHEN 1 THEN 'on' ELSE 0 END
coalesce(n, 'none')
coalesce(n, t, 'none')
coalesce(n, 0) || t
coalesce(f, 'unknown')
iif(n > 5, 'many', n)
typeof(coalesce(n, 'x'))
length(CASE WHEN n > 5 THEN 'abc' ELSE 7 END)
(CASE WHEN n > 5 THEN 'abc' ELSE 7 END) = 'abc'
(CASE WHEN n > 5 THEN '10' ELSE 7 END) + 1
(CASE WHEN n > 5 THEN '10' ELSE 7 END) = n
""".strip().splitlines())]

SELECTS = [line.strip() for line in r"""
SELECT id, t IN (SELECT n FROM w), t NOT IN (SELECT n FROM w WHERE n IS NOT NULL), t IN (SELECT r FROM w) FROM w ORDER BY id
SELECT id, u IN (SELECT n FROM w), u NOT IN (SELECT k FROM x), u IN (SELECT n + 0 FROM w), u IN (SELECT f FROM w) FROM w ORDER BY id
SELECT id, (u, n) IN (SELECT n, n FROM w), (t, 1) IN (SELECT k, 1 FROM x) FROM w ORDER BY id
SELECT id FROM w WHERE t ORDER BY id
SELECT id FROM w WHERE NOT t ORDER BY id
SELECT id FROM w WHERE t AND n ORDER BY id
SELECT id FROM w WHERE u > 5 ORDER BY id
SELECT id FROM w WHERE n > 'abc' ORDER BY id
SELECT id FROM w WHERE n < 'abc' ORDER BY id
SELECT id FROM w WHERE t = 42 ORDER BY id
SELECT id FROM w WHERE n = t ORDER BY id
SELECT id FROM w WHERE n = u ORDER BY id
SELECT id FROM w WHERE n IN (SELECT s FROM x) ORDER BY id
SELECT id FROM w WHERE (n, 1) <> (SELECT s, 1 FROM x ORDER BY s DESC) ORDER BY id
SELECT id FROM w WHERE (n, 1) = (SELECT s, 1 FROM x ORDER BY s DESC) ORDER BY id
SELECT id FROM w WHERE t IN (SELECT k FROM x) ORDER BY id
SELECT w.id, x.k FROM w JOIN x ON w.t = x.k ORDER BY 1, 2
SELECT w.id, x.k FROM w JOIN x ON x.s = w.n ORDER BY 1, 2
SELECT w.id, x.k FROM w LEFT JOIN x ON x.s = w.n ORDER BY 1, 2
SELECT w.id, x.k FROM w JOIN x ON w.c = x.c ORDER BY 1, 2
SELECT sum(t), avg(t), total(t), count(t) FROM w
SELECT sum(t + 1), sum(u * 2) FROM w
SELECT sum(t) OVER (ORDER BY id) FROM w ORDER BY id
SELECT f, sum(u) FROM w GROUP BY f ORDER BY f
SELECT max(t + 0), min(u + 0) FROM w
SELECT count(*) FROM w GROUP BY c ORDER BY 1
SELECT upper(c), count(*) FROM w WHERE c < 'b' GROUP BY c ORDER BY 1
SELECT lower(c) AS l, count(*) FROM w GROUP BY c ORDER BY l
SELECT count(*), min(id) FROM w GROUP BY c ORDER BY c
SELECT rtrim(p), count(*) FROM w GROUP BY p ORDER BY p
SELECT count(*), max(id) FROM w GROUP BY t COLLATE NOCASE ORDER BY max(id)
SELECT c, min(id) FROM w GROUP BY c HAVING count(*) = 1 ORDER BY c
SELECT count(DISTINCT c), count(DISTINCT p) FROM w
SELECT count(DISTINCT t COLLATE NOCASE) FROM w
SELECT count(*) FROM (SELECT DISTINCT c FROM w)
SELECT count(*) FROM (SELECT DISTINCT p, f FROM w)
SELECT DISTINCT lower(c) FROM w ORDER BY 1
SELECT DISTINCT c FROM w WHERE id > 9 ORDER BY c
SELECT c, n FROM w WHERE n > 40 GROUP BY c, n ORDER BY n, c
SELECT lower(max(c)), lower(min(c)) FROM w
SELECT upper(c), row_number() OVER (PARTITION BY c ORDER BY id) FROM w ORDER BY id
SELECT id, rank() OVER (ORDER BY c) FROM w ORDER BY id
SELECT id, count(*) OVER (PARTITION BY p) FROM w ORDER BY id
SELECT c FROM w WHERE id = 1 UNION SELECT c FROM w WHERE id = 2
SELECT t FROM w UNION ALL SELECT n FROM w
SELECT n FROM w WHERE id < 4 UNION ALL SELECT 'none'
SELECT n, t FROM w WHERE id = 2 UNION ALL SELECT u, n FROM w WHERE id = 3
SELECT t FROM w UNION SELECT n FROM w
VALUES (3, 'c'), (1, 'a'), (2, 'b') ORDER BY 1
VALUES (3, 'c'), (1, 'a'), (2, 'b') ORDER BY column2 DESC LIMIT 2
VALUES (1), ('a'), (NULL)
SELECT * FROM (VALUES (1, 'a'), ('x', 2)) ORDER BY column1 || ''
SELECT n + 1 FROM w UNION SELECT k FROM x ORDER BY n + 1
SELECT k FROM x UNION ALL SELECT n + 1 FROM w WHERE id = 2 ORDER BY k LIMIT 3
SELECT * FROM w WHERE id = 2 GROUP BY id
SELECT * FROM x GROUP BY k ORDER BY k
SELECT k, s FROM x GROUP BY k ORDER BY k
SELECT *, count(*) FROM x WHERE k = 42 GROUP BY k
SELECT x.*, max(k) FROM x
WITH RECURSIVE c(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM c LIMIT 5) SELECT n FROM c
WITH RECURSIVE c(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM c LIMIT 5 OFFSET 2) SELECT n FROM c ORDER BY n
WITH RECURSIVE c(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM c WHERE n < 8 ORDER BY 1 DESC) SELECT n FROM c ORDER BY n
WITH RECURSIVE c(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM c LIMIT 10) SELECT sum(n), count(*) FROM c a JOIN (SELECT 1) ON 1
WITH RECURSIVE c(n) AS (VALUES (1) UNION SELECT (n + 1) % 5 FROM c LIMIT 20) SELECT n FROM c ORDER BY n
WITH a AS (SELECT n FROM b), b AS (SELECT k AS n FROM x) SELECT * FROM a ORDER BY n
WITH a AS (SELECT * FROM x2), x2 AS (SELECT * FROM x3), x3 AS (SELECT 7 AS q) SELECT q FROM a
WITH x AS (SELECT 1 AS k), y AS (SELECT k FROM x) SELECT * FROM y
WITH y AS (SELECT k FROM x), x AS (SELECT 9 AS k) SELECT * FROM y
SELECT id FROM w WHERE EXISTS (WITH q AS (SELECT * FROM x) SELECT * FROM q WHERE q.k = w.n) ORDER BY id
SELECT id FROM w WHERE EXISTS (VALUES (1)) AND EXISTS (SELECT * FROM (SELECT * FROM x) q WHERE q.k = w.n LIMIT 1) ORDER BY id
SELECT EXISTS (VALUES (1)), * FROM (SELECT * FROM x) ORDER BY k
SELECT id FROM w WHERE EXISTS (SELECT DISTINCT * FROM x WHERE x.k = w.n ORDER BY s) ORDER BY id
SELECT id FROM w ORDER BY id LIMIT 2.0
SELECT id FROM w ORDER BY id LIMIT '3' OFFSET 1.0
SELECT id FROM w ORDER BY id LIMIT 1 + 1
SELECT id FROM w ORDER BY t + 0, id
SELECT id FROM w ORDER BY t, u, id
SELECT id FROM w ORDER BY c, id
SELECT id FROM w ORDER BY c DESC, p, id
SELECT id FROM w ORDER BY coalesce(t, 0) + 0, id
SELECT id FROM w ORDER BY t = 42, n = 'abc', id
SELECT id, sum(r) OVER (ORDER BY r RANGE BETWEEN 1 PRECEDING AND 1.5 FOLLOWING) FROM w ORDER BY id
SELECT id, count(*) OVER (ORDER BY d RANGE BETWEEN 2.5 PRECEDING AND CURRENT ROW) FROM w ORDER BY id
SELECT id, sum(n) FILTER (WHERE t) OVER (ORDER BY id) FROM w ORDER BY id
SELECT id FROM w WHERE EXISTS (SELECT 1 FROM x WHERE x.k = w.t UNION ALL SELECT 2 FROM x WHERE x.s = w.n) ORDER BY id
SELECT id FROM w WHERE (n, t) < (42, '42') ORDER BY id
SELECT id FROM w WHERE (n, t) IN (SELECT k, s FROM x) ORDER BY id
SELECT id FROM w WHERE (t, n) IN (SELECT k, s FROM x) ORDER BY id
SELECT id FROM w WHERE (n, u) BETWEEN (0, '0') AND (42, '42') ORDER BY id
SELECT id FROM w a WHERE n = (SELECT max(s) FROM x WHERE x.k = a.t) ORDER BY id
SELECT id, (SELECT s FROM x WHERE x.k = w.t) FROM w ORDER BY id
SELECT id, (SELECT group_concat(s) FROM x WHERE x.s = w.n) FROM w ORDER BY id
SELECT id, CASE WHEN t > 5 THEN 'big' WHEN t < 5 THEN 'small' END FROM w ORDER BY id
SELECT coalesce(n, 'none'), count(*) FROM w GROUP BY n ORDER BY n
SELECT a.v || '!' FROM (SELECT coalesce(n, t) AS v, id FROM w) a ORDER BY a.id
SELECT a.id FROM (SELECT coalesce(n, t) AS v, id FROM w) a WHERE a.v IS NULL ORDER BY a.id
SELECT a.id FROM (SELECT coalesce(n, 'x') AS v, id FROM w) a JOIN x ON x.k = a.v ORDER BY a.id
SELECT a.id FROM (SELECT CAST(n AS TEXT) AS v, id FROM w) a WHERE a.v = 42 ORDER BY a.id
SELECT a.id FROM (SELECT n + 0 AS v, id FROM w) a WHERE a.v = '42' ORDER BY a.id
SELECT a.id FROM (SELECT t || '' AS v, id FROM w) a WHERE a.v = 42 ORDER BY a.id
SELECT a.id FROM (SELECT t AS v, id FROM w) a WHERE a.v = 42 ORDER BY a.id
SELECT a.id FROM (SELECT t AS v, id FROM w UNION ALL SELECT s || '', k FROM x) a WHERE a.v = 42 ORDER BY a.id
SELECT a.id FROM (SELECT n AS v, id FROM w UNION ALL SELECT k + 0, k FROM x) a WHERE a.v = '42' ORDER BY a.id
SELECT group_concat(t, n) FROM w WHERE id = 2
SELECT total(u) FROM w WHERE t = 42 OR t LIKE '1%'
SELECT f, count(*) FROM w WHERE f = '1' OR f = 0 GROUP BY f ORDER BY f
SELECT id FROM w NATURAL JOIN (SELECT n AS n, t AS t FROM w WHERE id = 9) ORDER BY id
SELECT id FROM w JOIN (SELECT '42' AS n) USING (n) ORDER BY id
SELECT a.id, b.id FROM w a FULL JOIN w b ON a.n = b.t ORDER BY a.id, b.id
SELECT w.id FROM w CROSS JOIN x WHERE w.t < x.k ORDER BY w.id, x.k
SELECT id FROM w WHERE c IN (SELECT c FROM x) ORDER BY id
SELECT id FROM w WHERE c IN ('ABC', 'x y') ORDER BY id
SELECT id FROM w WHERE t IN (42, 1, 10) ORDER BY id
SELECT id FROM w WHERE n IN ('42', '1') ORDER BY id
SELECT id FROM w WHERE t BETWEEN 1 AND 5 ORDER BY id
SELECT id FROM w WHERE n BETWEEN '1' AND 'x' ORDER BY id
SELECT id FROM w WHERE t LIKE u OR u LIKE t ORDER BY id
SELECT id FROM w WHERE length(t) ORDER BY id
SELECT id FROM w WHERE instr(t, 'a') ORDER BY id
SELECT id FROM w WHERE substr(t, 1, 1) = 4 ORDER BY id
SELECT id FROM w WHERE substr(t, 1, 1) + 0 = 4 ORDER BY id
SELECT id FROM w WHERE CAST(substr(t, 1, 1) AS INTEGER) = '4' ORDER BY id
SELECT sum(CASE WHEN t THEN 1 ELSE 0 END) FROM w
SELECT count(*) FROM w HAVING count(*) > 5
SELECT max(n) FROM w HAVING max(n) < 5
SELECT max(n), t FROM w
SELECT min(n), t, u FROM w WHERE n IS NOT NULL
SELECT t, max(length(t)) FROM w WHERE id <> 8 GROUP BY f ORDER BY f
SELECT DISTINCT t > 5 FROM w ORDER BY 1
SELECT n > 'x' AS big, count(*) FROM w GROUP BY big ORDER BY big
SELECT iif(t, 'y', 'n') AS y, count(*) FROM w GROUP BY y ORDER BY y
SELECT round(avg(t), 2), round(sum(u), 1) FROM w
SELECT id FROM w ORDER BY CASE WHEN t THEN 0 ELSE 1 END, id DESC
SELECT id FROM w GROUP BY t + 0 HAVING count(*) = 1 ORDER BY t + 0
SELECT t FROM w UNION SELECT n FROM w ORDER BY 1
SELECT n FROM w UNION SELECT t FROM w UNION SELECT 42 ORDER BY 1 DESC
SELECT n, t FROM w INTERSECT SELECT t, n FROM w ORDER BY 1, 2
SELECT t FROM w EXCEPT SELECT n FROM w ORDER BY t
SELECT n FROM w EXCEPT SELECT t FROM w ORDER BY n
SELECT coalesce(t, 1) FROM w UNION SELECT n FROM w ORDER BY 1
SELECT typeof(k), count(*) FROM (SELECT t AS k FROM w UNION SELECT n FROM w) GROUP BY 1 ORDER BY 1
SELECT k FROM (SELECT t AS k FROM w UNION SELECT n FROM w) WHERE k > 5 ORDER BY k
SELECT id FROM w WHERE id IN (SELECT n FROM w UNION SELECT t FROM w) ORDER BY id
WITH q AS (SELECT n AS k FROM w UNION SELECT 'abc') SELECT k, k = 42, k < 'b' FROM q ORDER BY k
SELECT 1 AS k UNION SELECT '1' UNION SELECT NULL UNION SELECT 'a' ORDER BY k
SELECT * FROM (VALUES (1), ('a')) UNION VALUES ('1'), (NULL)
SELECT coalesce(t, n) AS k, count(*) FROM w GROUP BY k ORDER BY k
SELECT id FROM w ORDER BY CASE WHEN id > 5 THEN n ELSE t END, id
SELECT DISTINCT typeof(iif(id > 5, n, t)) FROM w ORDER BY 1
SELECT count(DISTINCT iif(id > 5, n, t)), max(iif(id > 5, n, t)), min(coalesce(n, t)) FROM w
SELECT id, iif(id > 5, n, t) < ifnull(t, 7) FROM w ORDER BY id
SELECT id, rank() OVER (ORDER BY coalesce(t, 5)) FROM w ORDER BY id
SELECT max(n, t), min(n, t), max(t, 5, 'x'), min(u, n, 3), max(f, 't'), min(NULL, n, t) FROM w ORDER BY id
SELECT s, n FROM w RIGHT JOIN (SELECT k AS n, s FROM x) USING (n) ORDER BY s
SELECT n, x.s FROM w RIGHT JOIN (SELECT s AS n, s FROM x) x USING (n) ORDER BY x.s, n
WITH RECURSIVE c(x) AS (SELECT 1 UNION ALL SELECT x + 3 FROM c ORDER BY 1 DESC LIMIT 4) SELECT x FROM c ORDER BY x
WITH RECURSIVE c(x) AS (VALUES (5) UNION ALL SELECT x - 1 FROM c WHERE x > 0 ORDER BY 1 LIMIT 3 OFFSET 1) SELECT x FROM c ORDER BY x
""".strip().splitlines()]

# Columns that hold integers and texts, and are text in PostgreSQL: i has numeric affinity, b has none.
MIXED = [form.replace("@", column) for column in ("i", "b") for form in """
@
@ IS NULL
@ = 5
@ <> 5
@ = '5'
@ = 'N/A'
@ > 5
@ < 'x'
@ >= '10'
@ = n
@ < n
@ = t
@ > t
@ + 1
@ * 2.0
NOT @
@ AND 1
@ || '!'
length(@)
upper(@)
substr(@, 1, 1)
+@ = t
(SELECT @) = t
(SELECT @) = n
@ || '' = t
@ LIKE '1%'
@ IN (5, 'N/A')
@ IN ('5', 10)
5 IN (@)
'5' IN (@)
@ BETWEEN 1 AND 7
@ BETWEEN 1 AND 'x'
@ IN (SELECT n FROM m)
n IN (SELECT @ FROM m)
t IN (SELECT @ FROM m)
coalesce(@, 0)
coalesce(@, 'none') || ''
coalesce(@, 0) + 1
nullif(@, 5)
nullif(@, '5')
CASE @ WHEN 5 THEN 'five' WHEN 'N/A' THEN 'none' END
CASE WHEN @ THEN 1 ELSE 0 END
CAST(@ AS TEXT)
CAST(@ AS INTEGER)
CAST(@ AS REAL)
+@ = 5
likely(@) = 5
(SELECT @) = 5
(SELECT max(@) FROM m)
(SELECT min(@) FROM m)
(SELECT sum(@) FROM m)
(SELECT count(DISTINCT @) FROM m)
(SELECT group_concat(@) FROM m q WHERE q.id = m.id)
@ IS 5
@ IS NOT 'N/A'
(@, n) = (5, 5)
(@, n) < (7, 3)
max(@, 3)
typeof(@)
rank() OVER (ORDER BY @)
""".strip().splitlines()]
SELECTS += [s.replace("@", c) for c in ("i", "b") for s in """
SELECT id FROM m ORDER BY @, id
SELECT id FROM m ORDER BY @ DESC, id
SELECT @, count(*) FROM m GROUP BY @ ORDER BY @
SELECT DISTINCT @ FROM m
SELECT id FROM m WHERE @ > 4 ORDER BY id
SELECT q.id FROM (SELECT id, @ AS v FROM m) q WHERE q.v = 5
SELECT a.id, b.id FROM m a JOIN m b ON a.@ = b.n ORDER BY 1, 2
SELECT a.id, b.id FROM m a JOIN m b ON a.@ = b.@ ORDER BY 1, 2
SELECT @ FROM m UNION ALL SELECT n FROM m
SELECT @ FROM m WHERE id < 3 UNION SELECT n FROM m
SELECT max(@), min(@), sum(@), count(@) FROM m
SELECT n, max(@) FROM m GROUP BY n ORDER BY n
""".strip().splitlines()]

# Columns without a type, of integers (i) and of texts (s): beside another column neither is converted.
UNTYPED = [f"{a} {op} {b}" for a in ("i", "s", "+i", "+s", "(SELECT i)", "(SELECT s)", "i + 0", "s || ''") for op in ("=", "<", ">=", "IS")
           for b in ("n", "t", "i", "s", "5", "'5'", "n + 0", "t || ''")] + [f"{a} IN ({b}, 7)" for a in ("i", "s", "n", "t") for b in ("i", "s", "n", "t", "'5'")] + [
    f"{a} IN (SELECT {b} FROM g)" for a in ("i", "s", "n", "t") for b in ("i", "s", "n", "t")]
