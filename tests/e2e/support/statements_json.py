"""Statements over JSON: each expression over a jsonb, a json and a text column with the same documents."""

import random
import re

FILE = r"""
CREATE TABLE j (id INTEGER PRIMARY KEY, d TEXT, k TEXT, t TEXT, n INTEGER, s TEXT, r REAL);
INSERT INTO j(id, t, n, s, r) VALUES
 (1, '{"a":1,"b":"x","c":[1,2,3],"f":2.5,"n":null,"o":{"p":true,"q":null}}', 1, 'x', 2.5),
 (2, '{"a":"1","b":"","c":[],"f":-0.5,"o":{},"t":true}', 2, '', 1.0),
 (3, '{"a":true,"b":"héllo \"q\" \\ \n","c":[{"x":1},{"x":"y"}],"f":1000}', 1, '1', NULL),
 (4, '{"a":null,"b":"5","c":"text","f":10}', 5, '5', -0.5),
 (5, '[1,"two",null,true,{"k":"v"}]', 0, 'two', 1.0),
 (6, NULL, NULL, NULL, NULL),
 (7, '7', 7, '7', 7.0),
 (8, '"str"', NULL, 'str', 0.0),
 (9, '{"a":false,"b":"12abc","c":[3,1,2],"f":1.25,"o":{"p":"deep","odd key":[[1],[2]]}}', 12, '12abc', 1.25),
 (10, '{"a":"x","b":"Z","c":[true,false],"f":0}', 3, 'x', 3.5),
 (11, 'null', 1, 'null', 1.5),
 (12, '{"a":[1],"b":"{}","f":7}', 4, '[1]', 4.0);
UPDATE j SET d = t, k = t;
CREATE TABLE tag (id INTEGER PRIMARY KEY, name TEXT, list TEXT);
INSERT INTO tag VALUES (1, 'one', '["x","y"]'), (2, 'two', '[]'), (3, 'three', '["x","5",5]'), (4, 'none', NULL);
"""
PLAN = '{"tables": {"j": {"columns": {"d": {"type": "jsonb"}, "k": {"type": "json"}}}}}'

_MEMBERS = ["json_extract(@, '$.a')", "@ ->> 'a'", "json_extract(@, '$.b')", "@ ->> '$.o.p'", "@ ->> 'f'"]
_OF_A_MEMBER = r"""
{m}
{m} IS NULL
{m} IS NOT NULL
{m} = 1
{m} <> 1
{m} = 0
{m} = '1'
{m} = 'x'
{m} <> 'x'
{m} IS 'x'
{m} IS NOT 1
{m} > 1
{m} <= 2.5
{m} > '1'
{m} < 'y'
{m} = n
{m} = s
{m} > n
{m} < s
{m} >= r
{m} = n + 0
{m} = s || ''
{m} IN (1, 'x', '5')
{m} NOT IN ('x', 2)
n IN ({m}, 5)
{m} BETWEEN 0 AND 5
{m} BETWEEN '1' AND 'z'
{m} + 1
{m} * 2.0
-({m})
NOT {m}
CASE WHEN {m} THEN 'yes' ELSE 'no' END
{m} || '!'
length({m})
upper({m})
substr({m}, 1, 2)
instr({m}, 'x')
{m} LIKE '%1%'
{m} GLOB 'x*'
typeof({m})
coalesce({m}, 'none')
coalesce({m}, 0) = 0
coalesce({m}, 0) + 1
ifnull({m}, n)
nullif({m}, 'x')
nullif({m}, 1)
iif({m} = 1, 'one', {m})
CASE {m} WHEN 1 THEN 'one' WHEN 'x' THEN 'ex' END
CAST({m} AS INTEGER)
CAST({m} AS REAL)
CAST({m} AS TEXT)
CAST({m} AS NUMERIC) / 2
json_array({m}, n)
json_object('k', {m})
json_quote({m})
abs({m} + 0)
round({m} + 0.0)
{m} AND 1
{m} IS TRUE
""".strip().splitlines()

_OF_A_DOCUMENT = r"""
@ -> 'a'
@ -> 'c'
@ -> 'o' -> 'p'
@ -> 'c' ->> 0
@ ->> 0
@ -> 4 ->> 'k'
@ -> '$.c[1]'
@ ->> '$.c[#-1]'
@ ->> '$.c[0].x'
@ ->> '$.o."odd key"'
@ -> '$.o."odd key"[1][0]'
@ -> '$'
@ ->> '$'
json(@)
json(@ -> 'c')
json_extract(@, '$')
json_extract(@, '$.c')
json_extract(@, '$.c[1]')
json_extract(@, '$[1]')
json_extract(@, '$.c[#-1]')
json_extract(@, '$.c[#-9]')
json_extract(@, '$.a', '$.b')
json_extract(@, '$.zzz')
json_extract(json_extract(@, '$.o'), '$.p')
json_array_length(@)
json_array_length(@, '$.c')
json_array_length(@ -> 'c')
json_type(@)
json_type(@, '$.a')
json_type(@, '$.f')
json_type(@, '$.c[0]')
json_type(@, '$.zzz')
json_valid(@ -> 'c') IS TRUE
json_array(@ -> 'c', json(@), n)
json_array(json_extract(@, '$.c'))
json_object('c', @ -> 'c', 'n', n, 's', s)
json_object('m', json_extract(@, '$.o'))
json_quote(@ -> 'c')
json_set(coalesce(@ -> 'o', '{}'), '$.z', 1)
json_set(CASE WHEN json_type(@) IN ('object', 'array') THEN @ -> '$' END, '$.b', n, '$.new', s)
json_set(CASE WHEN json_type(@) = 'object' THEN @ -> '$' END, '$.new.deep', json_array(1, 2))
json_insert(CASE WHEN json_type(@) = 'object' THEN @ -> '$' END, '$.a', 9, '$.new', 'y')
json_replace(CASE WHEN json_type(@) = 'object' THEN @ -> '$' END, '$.a', NULL, '$.new', 'y')
json_remove(CASE WHEN json_type(@) = 'object' THEN @ -> '$' END, '$.a', '$.zzz')
json_remove(CASE WHEN json_type(@) = 'object' THEN @ -> '$' END)
#set($.c[0], n)
#set($.c[1], s, $.c[#-1], 0)
#set($.c[1].deep, 1, $.a.b, 2)
#set($.c[9], 1)
#set($[0], 'first', $[5], 'last', $[#-9], 1)
#set($.new[0].x, json('{"y" : [1, 2]}'), $.new[1], 2, $.new[5], 3)
json_set(CASE WHEN json_type(@) = 'object' THEN @ -> '$' END, '$.o."odd key"[0][0]', 'deep')
#set($.a, NULL)
#insert($.c[0], 1, $.c[3], 4, $.zzz, 5)
#insert($[2], 1, $[#], json_array(n))
#replace($.c[0], 'x', $.c[#-1], 'y', $.c[#], 'z')
#replace($[1], n, $.zzz, 1)
#remove($.c[0])
#remove($.c[0], $.c[#-1], $.o.p)
#remove($[#-1], $[0], $[99])
json_remove(CASE WHEN json_type(@) = 'object' THEN @ -> '$' END, '$.o."odd key"[1]')
json_set(CASE WHEN json_type(@) = 'object' THEN @ -> '$' END, CASE WHEN id > 3 THEN '$.' || 'k' || id ELSE '$.c[' || (id - 1) || ']' END, s)
json_remove(CASE WHEN json_type(@) = 'object' THEN @ -> '$' END, '$.' || substr('abcfo', id, 1) || 'x', '$.c[0]')
json_extract(@, '$.' || substr('abcfoabcfoabcf', id, 1))
json_extract(@, '$.c[' || (n - 1) || ']')
json_extract(@, '$.c[#-' || id || ']')
json_extract(@, '$."' || 'o' || '"."odd key"[0]')
json_extract(@, CASE WHEN id % 2 THEN '$' END)
json_extract(@, '$.a', '$.' || 'b', '$.c[0]')
json_type(@, '$.' || substr('abcfo', id % 5 + 1, 1))
json_array_length(@, '$' || '.c')
@ -> substr('abcfoabcfoabcf', id, 1)
@ ->> substr('abcfoabcfoabcf', id, 1)
@ ->> ('$.' || 'a') = 'x'
@ -> 'c' ->> (id % 3)
@ -> (n % 3)
(SELECT group_concat(value, '|') FROM (SELECT value FROM json_each(@, '$.' || 'c') ORDER BY key))
(SELECT sum(key) FROM json_each(@, '$.c[#-1]'))
json_patch(@, '{"a":null,"b":{"x":1,"y":null},"new":[1,{"z":null}]}')
json_patch(@, '{"c":{"x":{"y":null}}}')
json_patch('{"a":{"b":1},"c":2}', @)
json_patch(@, @)
json_patch(@, NULL)
(SELECT count(*) FROM json_each(@))
(SELECT sum(value) FROM json_each(@, '$.c'))
(SELECT group_concat(key, ',') FROM (SELECT key FROM json_each(@, '$.c') ORDER BY key))
(SELECT max(value) FROM json_each(@, '$.c'))
EXISTS (SELECT 1 FROM json_each(@, '$.c') WHERE value = 1)
EXISTS (SELECT 1 FROM json_each(@, '$.c') WHERE json_each.value = 'y' OR type = 'object')
n IN (SELECT value FROM json_each(@, '$.c'))
s IN (SELECT value FROM json_each(@, '$.c'))
n NOT IN (SELECT value FROM json_each(@, '$.c') WHERE value IS NOT NULL)
'x' IN (SELECT value FROM json_each(@))
1 IN (SELECT atom FROM json_tree(@))
(SELECT json_group_array(value) FROM json_each(@, '$.c') WHERE type <> 'object')
(SELECT count(*) FROM json_tree(@))
(SELECT count(*) FROM json_tree(@) WHERE type = 'integer')
(SELECT max(fullkey) FROM json_tree(@))
(SELECT min(path) FROM json_tree(@, '$.c'))
(SELECT fullkey FROM json_each(@) ORDER BY fullkey LIMIT 1)
(SELECT path FROM json_each(@, '$.c') LIMIT 1)
(SELECT atom FROM json_tree(@) WHERE atom IS NOT NULL ORDER BY atom LIMIT 1)
""".strip().splitlines()

# A change of what is no object or array is a number in some releases of SQLite, and a text in others.
_OF_A_DOCUMENT = [re.sub(r"#(\w+)\((.*)\)$", lambda found: "json_{}(CASE WHEN json_type(@) IN ('object', 'array') THEN @ -> '$' END, {})".format(
    found[1], re.sub(r"(?<![\w'])(\$[^ ,]*?)(?=,|$)", r"'\1'", found[2])), line) for line in _OF_A_DOCUMENT]

_ALONE = r"""
json_array(1, 'a', NULL, 2)
json_array()
json_object()
json_object('a', n, 'b', s)
json_object('r', r)
json_array(n, s, r)
json_array(n > 1, s IS NULL)
json_array('[1]', json('[1]'), s)
json_object('list', json_array(n, n), 'o', json_object('x', s))
json_quote(s)
json_quote(n)
json_quote(NULL)
json_valid('{"a":1}')
json_valid('{oops')
json('{"a" : [1, 2]}')
json_array_length('[1,2,3]')
json_extract('{"a":{"b":[10,20]}}', '$.a.b[1]')
'{"a":5}' ->> 'a'
'{"a":5}' -> 'a'
json_type('[1]')
json_extract(t, '$.' || 'a')
json_patch(t, '{}')
json_array(x'00')
json_object('a', (SELECT json_group_array(q.n) FROM j q WHERE q.id = j.id))
json_array((SELECT q.t FROM j q WHERE q.id = j.id))
json_array(coalesce(json_array(n), '[]'))
json_array(ifnull(json_array(n), json('[]')))
json_array(CASE WHEN n > 1 THEN json_array(n) END)
json_array(nullif(json_array(n), '[1]'))
json_array(json_array(n) || '')
json_array(s || '')
lag(json_extract(t, '$.a')) OVER (ORDER BY id)
first_value(t ->> 'b') OVER (ORDER BY id)
json_extract(n, '$')
jsonb_extract(t, '$.a')
""".strip().splitlines()


def _over(lines, columns):
    return [line.replace("@", column) for line in lines for column in columns]


EXPRESSIONS = [*_over([line.replace("{m}", m) for m in _MEMBERS for line in _OF_A_MEMBER], ["d"]),
               *_over([line.replace("{m}", m) for m in _MEMBERS[:3] for line in _OF_A_MEMBER], ["t"]),
               *_over([line.replace("{m}", _MEMBERS[0]) for line in _OF_A_MEMBER], ["k"]),
               *_over(_OF_A_DOCUMENT, ["d", "k", "t"]), *_ALONE]

SELECTS = [line.replace("@", column) for column in ("d", "k", "t") for line in r"""
SELECT id FROM j WHERE json_extract(@, '$.a') = 1 ORDER BY id
SELECT id FROM j WHERE json_extract(@, '$.b') = 'x' ORDER BY id
SELECT id FROM j WHERE @ ->> 'b' IN ('x', '5') ORDER BY id
SELECT id FROM j WHERE json_extract(@, '$.f') > 2 ORDER BY id
SELECT id FROM j WHERE NOT json_extract(@, '$.f') > 2 ORDER BY id
SELECT id FROM j WHERE json_extract(@, '$.o.p') ORDER BY id
SELECT id FROM j ORDER BY json_extract(@, '$.a'), id
SELECT id FROM j ORDER BY json_extract(@, '$.a') DESC, id
SELECT id, @ ->> 'a' AS a FROM j ORDER BY a, id
SELECT id FROM j ORDER BY @ ->> 'b' NULLS LAST, id
SELECT json_extract(@, '$.a') AS a, count(*) FROM j GROUP BY a ORDER BY count(*), a
SELECT json_extract(@, '$.a'), max(id) FROM j GROUP BY json_extract(@, '$.a') ORDER BY 2
SELECT CASE WHEN id < 4 THEN json_extract(@, '$.a') ELSE id END AS k, max(id) FROM j GROUP BY k ORDER BY 2
SELECT json_extract(@, '$.a') || '' AS a, count(*) FROM j WHERE id < 5 GROUP BY 1 ORDER BY a
SELECT count(DISTINCT json_extract(@, '$.a')) FROM j
SELECT count(json_extract(@, '$.a')), count(*) FROM j
SELECT sum(json_extract(@, '$.f')), avg(json_extract(@, '$.f')), total(@ ->> 'f') FROM j
SELECT max(json_extract(@, '$.f')), min(json_extract(@, '$.f')) FROM j
SELECT max(json_extract(@, '$.a')), min(json_extract(@, '$.a')) FROM j
SELECT n, max(@ ->> 'f') AS m FROM j GROUP BY n ORDER BY n
SELECT DISTINCT json_extract(@, '$.a') FROM j
SELECT a FROM (SELECT id, json_extract(@, '$.a') AS a FROM j) WHERE a = 1 ORDER BY id
SELECT id FROM (SELECT id, json_extract(@, '$.a') AS a, n FROM j) WHERE a = n ORDER BY id
SELECT id FROM (SELECT id, @ ->> 'f' AS f FROM j) WHERE f > 2 ORDER BY f, id
WITH x AS (SELECT id, @ ->> 'f' AS f FROM j) SELECT id, f + 1 FROM x WHERE f IS NOT NULL ORDER BY id
WITH x AS (SELECT @ ->> 'a' AS a FROM j) SELECT a, count(*) FROM x GROUP BY a ORDER BY 2, a
SELECT j.id, e.key, e.value, e.type FROM j, json_each(j.@) AS e ORDER BY j.id, e.key
SELECT j.id, value FROM j, json_each(@, '$.c') ORDER BY j.id, value
SELECT j.id, e.value FROM j JOIN json_each(j.@, '$.c') e ON e.value = 1 ORDER BY j.id
SELECT j.id, count(e.value) FROM j LEFT JOIN json_each(j.@, '$.c') e ON 1 GROUP BY j.id ORDER BY j.id
SELECT j.id, e.key FROM j LEFT JOIN json_each(j.@, '$.c') e ON e.value > 1 ORDER BY j.id, e.key
SELECT id, (SELECT count(*) FROM json_each(@, '$.c') WHERE value > 1) FROM j ORDER BY id
SELECT DISTINCT j.id FROM j, json_each(j.@, '$.c') x WHERE x.value IN (1, 'text') ORDER BY 1
SELECT j.id, x.fullkey, x.path, x.atom FROM j, json_tree(j.@) x WHERE x.type <> 'object' ORDER BY j.id, x.fullkey
SELECT x.key, count(*) FROM j, json_each(j.@) x WHERE json_type(j.@) = 'object' GROUP BY x.key ORDER BY x.key
SELECT e.value ->> 'x' FROM j, json_each(j.@, '$.c') e WHERE e.type = 'object' ORDER BY 1
SELECT key FROM j, json_tree(j.@) WHERE key IS NOT NULL AND j.id = 1 ORDER BY fullkey
SELECT id, row_number() OVER (PARTITION BY n ORDER BY json_extract(@, '$.f'), id) FROM j ORDER BY id
SELECT j.id FROM j JOIN tag ON tag.name = json_extract(j.@, '$.b') ORDER BY j.id
SELECT a.id, b.id FROM j a JOIN j b ON json_extract(a.@, '$.a') = b.n ORDER BY a.id, b.id
SELECT a.id, b.id FROM j a JOIN j b ON json_extract(a.@, '$.b') = b.s ORDER BY a.id, b.id
SELECT json_extract(@, '$.b') FROM j WHERE id < 3 UNION ALL SELECT json_extract(@, '$.b') FROM j WHERE id = 4
SELECT group_concat(json_extract(@, '$.b'), ';') FROM j WHERE id = 4
SELECT json_group_array(json_extract(@, '$.a')) FROM j WHERE id = 1
SELECT json_group_array(n) FROM j WHERE id < 0
SELECT json_group_array(n) FILTER (WHERE id = 2) FROM j
SELECT n, json_group_array(id) FROM j WHERE id IN (2, 4) GROUP BY n ORDER BY n
SELECT json_group_object(s, n) FROM j WHERE id = 1
SELECT json_array_length(json_group_array(s)) FROM j
SELECT json_object('rows', json_group_array(json_object('id', id, 's', s))) FROM j WHERE id = 2
SELECT sum(json_array_length(@, '$.c')) FROM j
SELECT * FROM (SELECT json_extract(@, '$.a') AS a, id FROM j ORDER BY id LIMIT 2) ORDER BY id
SELECT id, CASE WHEN json_type(@, '$.a') = 'text' THEN @ ->> 'a' END FROM j ORDER BY id
SELECT id FROM j WHERE EXISTS (SELECT 1 FROM json_each(@, '$.c') WHERE value IN (SELECT n FROM j)) ORDER BY id""".strip().splitlines()] + r"""
SELECT value FROM json_each('[1,"a",null,2.5,true]')
SELECT key, value, type, atom, parent, fullkey, path FROM json_each('{"a":1,"b c":[1]}')
SELECT key, value, type, atom, fullkey, path FROM json_tree('{"a":{"b":[1,true]},"c d":null}', '$.a')
SELECT * FROM json_each('[1]')
SELECT id FROM json_each('[1]')
SELECT value FROM json_each('[3,1,2]') ORDER BY value DESC
SELECT sum(value) FROM json_each('[3,1,2]')
SELECT value + 1 FROM json_each('[3,1,2]') WHERE value <> 1 ORDER BY 1
SELECT tag.id, e.value FROM tag, json_each(tag.list) e ORDER BY tag.id, e.value
SELECT name FROM tag WHERE 'x' IN (SELECT value FROM json_each(list)) ORDER BY id
SELECT name FROM tag WHERE 5 IN (SELECT value FROM json_each(list)) ORDER BY id
SELECT name FROM tag WHERE '5' NOT IN (SELECT value FROM json_each(list)) ORDER BY id
SELECT name FROM tag WHERE EXISTS (SELECT * FROM json_each(tag.list) WHERE json_each.value = 'y') ORDER BY id
SELECT e.value, count(*) FROM tag JOIN json_each(tag.list) AS e GROUP BY e.value ORDER BY 2 DESC, e.value
SELECT tag.name, e.key FROM tag LEFT JOIN json_each(tag.list) e ON e.value = 'x' ORDER BY tag.id
SELECT name FROM tag WHERE id IN (SELECT value FROM json_each('[1,3]')) ORDER BY id
SELECT name FROM tag WHERE id NOT IN (SELECT value FROM json_each('["1",3]')) ORDER BY id
SELECT name FROM tag WHERE name IN (SELECT value FROM json_each('["one",3]')) ORDER BY id
SELECT a.value, b.value FROM json_each('[1,2]') a, json_each('[1,2]') b WHERE a.value < 2 ORDER BY 1, 2
SELECT json_group_array(json_object('n', name, 'l', json(list))) FROM tag WHERE id = 1
SELECT json_object('a', json_extract('{"x":true}', '$.x'), 'b', json_extract('{"x":[1, 2]}', '$.x'))
SELECT max(value) FROM json_each('[1,"b","a",null]')
SELECT json_array(a) FROM (SELECT json_array(n) AS a FROM j WHERE id < 3 ORDER BY id)
SELECT json_array(a) FROM (SELECT json_extract(t, '$.c') AS a, id FROM j) ORDER BY id
SELECT json_group_array(value) FROM json_each('[[1],{"a":2}]') WHERE key = 0
WITH x AS (SELECT json_object('a', n) AS o FROM j WHERE id = 1) SELECT json_array(o), json_extract(o, '$.a') + 1 FROM x
SELECT json_extract(value, '$.a') FROM json_each('[{"a":1},{"a":"x"}]') ORDER BY 1""".strip().splitlines()


class Generator:
    """Random statements over JSON."""

    def __init__(self, seed):
        self.random = random.Random(seed)

    def pick(self, *choices):
        return self.random.choice(choices)

    def column(self):
        return self.pick("j.d", "j.k", "j.t")

    def member(self):
        path = self.pick("$.a", "$.b", "$.f", "$.c[0]", "$.c[#-1]", "$.o.p", "$[1]", "$.c", "$", "$.zzz")
        label = self.pick("a", "b", "f", "t")
        return self.pick(f"json_extract({self.column()}, '{path}')", f"({self.column()} ->> '{label}')", f"({self.column()} ->> '{path}')",
                         f"json_extract({self.column()} -> 'c', '$[0]')")

    def expression(self):
        form = self.pick(*_OF_A_MEMBER, *_OF_A_DOCUMENT)
        return form.replace("{m}", self.member()).replace("@", self.column())

    def condition(self):
        one = lambda: self.pick(f"{self.member()} {self.pick('=', '<>', '<', '>=', 'IS')} {self.pick('1', '2.5', chr(39) + 'x' + chr(39), 'j.n', 'j.s', 'j.r', 'j.n + 1')}",  # noqa: E731
                                self.member(), f"{self.member()} IS NOT NULL", f"j.n IN (SELECT value FROM json_each({self.column()}, '$.c'))",
                                f"{self.member()} IN (1, 'x', j.n)", f"{self.member()} = {self.member()}", f"coalesce({self.member()}, 0) > 1")
        return self.pick(one(), f"({one()}) {self.pick('AND', 'OR')} NOT ({one()})")

    def statement(self):
        key = self.member()
        return self.pick(
            f"SELECT j.id, {self.expression()}, {self.expression()} FROM j ORDER BY j.id",
            f"SELECT j.id FROM j WHERE {self.condition()} ORDER BY {self.member()} {self.pick('', 'DESC', 'NULLS LAST')}, j.id",
            f"SELECT {key} AS k, count(*), sum({self.member()}), max({self.member()}) FROM j GROUP BY k ORDER BY k",
            f"SELECT count(DISTINCT {key}), min({self.member()}), total({self.member()}) FROM j WHERE {self.condition()}",
            f"SELECT q.id, q.m FROM (SELECT j.id, j.n, {key} AS m FROM j) q WHERE q.m {self.pick('=', '>', '<=', 'IS NOT')} {self.pick('1', 'q.n', chr(39) + 'x' + chr(39))} ORDER BY q.m, q.id",
            f"SELECT j.id, e.key, e.value, e.type FROM j, {self.pick('json_each', 'json_tree')}({self.column()}) e WHERE e.type <> 'object' ORDER BY j.id, e.fullkey",
            f"SELECT e.value, count(*) FROM j JOIN json_each({self.column()}, '$.c') e ON {self.condition()} GROUP BY e.value ORDER BY e.value",
            f"SELECT j.id, row_number() OVER (PARTITION BY j.n ORDER BY {key}, j.id) FROM j ORDER BY j.id",
            f"SELECT DISTINCT {key} FROM j WHERE {self.condition()}",
        )
