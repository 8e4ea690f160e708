"""The queries of the differential suite, by trap. A line is EXPECTATIONS | QUERY.

EXPECTATIONS, separated by blanks: `where order limit agg join semi distinct` must be SQLite's work, `-where` … must not be;
`o` says that the order of the rows is total and compared. What has none is compared only.
"""

GROUPS = {
    "comparison": """
        where | SELECT id FROM kinds WHERE b = 10
        where | SELECT id FROM kinds WHERE b <> 10
        where | SELECT id FROM kinds WHERE b < 10
        where | SELECT id FROM kinds WHERE b >= 10 AND b <= 20
        where | SELECT id FROM kinds WHERE 10 > b
        where | SELECT id FROM kinds WHERE b BETWEEN 3 AND 9
        where | SELECT id FROM kinds WHERE b NOT BETWEEN 3 AND 9
        where | SELECT id FROM kinds WHERE b IN (1, 2, 3, NULL)
        where | SELECT id FROM kinds WHERE b NOT IN (1, 2, 3)
              | SELECT id FROM kinds WHERE b NOT IN (1, 2, NULL)
        where | SELECT id FROM kinds WHERE b = ANY ('{1,2,3}'::bigint[])
              | SELECT id FROM kinds WHERE b = ANY ('{1,2,NULL}'::bigint[])
              | SELECT id FROM kinds WHERE b = ANY ('{}'::bigint[])
              | SELECT id FROM kinds WHERE b = ANY (NULL::bigint[])
              | SELECT id FROM kinds WHERE b <> ALL ('{1,2,3}'::bigint[])
              | SELECT id FROM kinds WHERE b <> ALL ('{1,NULL}'::bigint[])
              | SELECT id FROM kinds WHERE b > ANY ('{10,50}'::bigint[])
              | SELECT id FROM kinds WHERE b > ALL ('{10,50}'::bigint[])
              | SELECT id FROM kinds WHERE b > ALL ('{}'::bigint[])
        where | SELECT id FROM kinds WHERE b IS NULL
        where | SELECT id FROM kinds WHERE b IS NOT NULL
              | SELECT id FROM kinds WHERE b = NULL
              | SELECT id FROM kinds WHERE b IS DISTINCT FROM 10
              | SELECT id FROM kinds WHERE b IS NOT DISTINCT FROM NULL
              | SELECT id FROM kinds WHERE b IS NOT DISTINCT FROM 10
              | SELECT id FROM kinds WHERE b IS DISTINCT FROM i
        where | SELECT id FROM kinds WHERE b = i
        where | SELECT id FROM kinds WHERE b > s
        where | SELECT id FROM kinds WHERE i = s
              | SELECT id FROM kinds WHERE r = i
              | SELECT id FROM kinds WHERE r > 1
        where | SELECT id FROM kinds WHERE r = 0.5::float8
              | SELECT id FROM kinds WHERE b = 10.0
              | SELECT id FROM kinds WHERE b = 10.5
              | SELECT id FROM kinds WHERE b > 10.5
              | SELECT id FROM kinds WHERE b < 10.5::float8
              | SELECT id FROM kinds WHERE s = 100000
              | SELECT id FROM kinds WHERE i = 3000000000
              | SELECT id FROM kinds WHERE n = 2.5
              | SELECT id FROM kinds WHERE n = 2.50
              | SELECT id FROM kinds WHERE n > 1
              | SELECT id FROM kinds WHERE n IN (1, 99)
              | SELECT id FROM kinds WHERE n IS NULL
              | SELECT id, n FROM kinds WHERE n < 0
        where | SELECT id FROM kinds WHERE id = 7
        where | SELECT id, t FROM kinds WHERE id IN (3, 4, 5)
        where | SELECT id FROM kinds WHERE id < 3 OR id > 158
              | SELECT id FROM kinds WHERE id = -1
              | SELECT id FROM kinds WHERE id = 9223372036854775807
              | SELECT id FROM kinds WHERE id > 9223372036854775807
              | SELECT id FROM kinds WHERE id = 1.0
              | SELECT id FROM kinds WHERE (b, i) = (10, 3)
              | SELECT id FROM kinds WHERE (b, i) < (10, 3)
              | SELECT id FROM kinds WHERE (b, i) >= (10, 3)
              | SELECT id FROM kinds WHERE (b, i) IN ((10, 3), (11, 4), (1, NULL))
              | SELECT id FROM kinds WHERE ROW(b, i) IS NULL
              | SELECT id FROM kinds WHERE ROW(b, i) IS NOT NULL
              | SELECT id FROM kinds k WHERE k IS NOT NULL
        """,
    "logic": """
        where | SELECT id FROM kinds WHERE b > 10 AND i < 3
        where | SELECT id FROM kinds WHERE b > 50 OR i < -3
        where | SELECT id FROM kinds WHERE NOT (b > 10)
        where | SELECT id FROM kinds WHERE NOT (b > 10 AND i < 3)
        where | SELECT id FROM kinds WHERE NOT (b > 10 OR i IS NULL)
        where | SELECT id FROM kinds WHERE bo
        where | SELECT id FROM kinds WHERE NOT bo
        where | SELECT id FROM kinds WHERE bo IS TRUE
        where | SELECT id FROM kinds WHERE bo IS NOT TRUE
        where | SELECT id FROM kinds WHERE bo IS FALSE
        where | SELECT id FROM kinds WHERE bo IS NOT FALSE
        where | SELECT id FROM kinds WHERE bo IS UNKNOWN
        where | SELECT id FROM kinds WHERE bo IS NOT UNKNOWN
        where | SELECT id FROM kinds WHERE bo = true
              | SELECT id FROM kinds WHERE bo <> false
              | SELECT id FROM kinds WHERE bo > false
              | SELECT id FROM kinds WHERE bo = tf
              | SELECT id FROM kinds WHERE tf
              | SELECT id FROM kinds WHERE tf IS NOT TRUE
              | SELECT id FROM kinds WHERE bo AND tf
              | SELECT id FROM kinds WHERE bo OR tf
              | SELECT id FROM kinds WHERE (b > 10) = bo
              | SELECT id FROM kinds WHERE (b > 10) IS DISTINCT FROM bo
              | SELECT id FROM kinds WHERE (b > 10) IS UNKNOWN
              | SELECT id FROM kinds WHERE (b > 10) IS NOT TRUE
              | SELECT id, bo AND b > 10, bo OR b > 10, NOT bo FROM kinds
              | SELECT id, b IS NULL, b > 10 IS TRUE, b IN (1, NULL) FROM kinds
              | SELECT id FROM kinds WHERE true
              | SELECT id FROM kinds WHERE false
              | SELECT id FROM kinds WHERE NULL
              | SELECT id FROM kinds WHERE b > 10 AND NULL
              | SELECT id FROM kinds WHERE b > 10 OR NULL
              | SELECT id FROM kinds WHERE bo::int = 1
              | SELECT id, bo::int, bo::text FROM kinds
              | SELECT id, b, tf FROM bools JOIN (SELECT 1) x ON true WHERE tf OR b
              | SELECT id FROM bools WHERE b = tf
              | SELECT b, tf, count(*) FROM bools GROUP BY b, tf
              | SELECT bool_and(b), bool_or(b), every(tf), bool_or(tf) FROM bools
              | SELECT z, bool_and(b), bool_or(tf) FROM bools GROUP BY z
              | SELECT max(b::int), min(tf::int) FROM bools
        o     | SELECT b, id FROM bools ORDER BY b, id
        o     | SELECT tf, id FROM bools ORDER BY tf DESC NULLS LAST, id
        """,
    "text collations": """
        where | SELECT id FROM texts WHERE bin = 'abc'
        where | SELECT id FROM texts WHERE bin IN ('abc', 'ABC', 'é')
        where | SELECT id FROM texts WHERE bin <> 'abc'
        where | SELECT id FROM texts WHERE nocase = 'abc'
        where | SELECT id FROM texts WHERE nocase = 'ABC'
        where | SELECT id FROM texts WHERE nocase IN ('abc', 'A')
        where | SELECT id FROM texts WHERE nocase <> 'a'
              | SELECT id FROM texts WHERE nocase < 'b'
              | SELECT id FROM texts WHERE nocase BETWEEN 'A' AND 'b'
        where | SELECT id FROM texts WHERE rtrim = 'a'
        where | SELECT id FROM texts WHERE rtrim = 'a '
        where | SELECT id FROM texts WHERE rtrim IN ('', ' ')
              | SELECT id FROM texts WHERE rtrim > 'a'
        where | SELECT id FROM texts WHERE c < 'b'
        where | SELECT id FROM texts WHERE c >= 'é'
        where | SELECT id FROM texts WHERE nc < 'B'
        where | SELECT id FROM texts WHERE nc > 'a' AND nc < 'b'
        where | SELECT id FROM texts WHERE c BETWEEN 'A' AND 'a'
        where | SELECT id FROM texts WHERE bin < 'b' COLLATE "C"
        -where | SELECT id FROM texts WHERE lang < 'b'
        -where | SELECT id FROM texts WHERE lang >= 'Äpfel'
        where | SELECT id FROM texts WHERE lang = 'ab'
        where | SELECT id FROM texts WHERE lang < 'b' COLLATE "C"
        -where | SELECT id FROM texts WHERE nd = 'ABC'
        -where | SELECT id FROM texts WHERE nd <> 'a'
        -where | SELECT id FROM texts WHERE nd < 'b'
        -where | SELECT id FROM texts WHERE nd IN ('abc', 'SS')
        -where | SELECT id FROM texts WHERE bin = 'ABC' COLLATE public.nd
        where | SELECT id FROM texts WHERE nd = 'abc' COLLATE "C"
              | SELECT id FROM texts WHERE nd IS NULL
        where | SELECT id FROM texts WHERE bin = nocase
        where | SELECT id FROM texts WHERE rtrim = nocase
              | SELECT id FROM texts WHERE bin = v
              | SELECT id FROM texts WHERE c < v COLLATE "C"
              | SELECT id FROM texts WHERE c = lang COLLATE "C"
              | SELECT id FROM texts WHERE c = lang
              | SELECT id FROM texts WHERE bin < c
        -where | SELECT id FROM texts WHERE ch = 'a'
        -where | SELECT id FROM texts WHERE ch = 'a    '
              | SELECT id FROM texts WHERE ch < 'b'
              | SELECT id FROM texts WHERE ch::text = 'a'
              | SELECT id, ch, length(ch), octet_length(ch), ch || '|' FROM texts
              | SELECT id FROM texts WHERE ch::text = bin
              | SELECT id FROM texts WHERE ch LIKE 'a%'
              | SELECT count(DISTINCT ch), min(ch), max(ch) FROM texts
              | SELECT ch, count(*) FROM texts GROUP BY ch
        where | SELECT id FROM texts WHERE v = 'abc'
        where | SELECT id FROM texts WHERE bin = ''
        where | SELECT id FROM texts WHERE bin <> ''
        o order | SELECT id, c FROM texts ORDER BY c, id
        o order | SELECT id, nc FROM texts ORDER BY nc, id
        o order | SELECT id, nc FROM texts ORDER BY nc DESC, id DESC
        o -order | SELECT id, lang FROM texts ORDER BY lang, id
        o -order | SELECT id, nd FROM texts ORDER BY nd, id
        o order | SELECT id, lang FROM texts ORDER BY lang COLLATE "C", id
        o     | SELECT id, bin FROM texts ORDER BY bin, id
        o     | SELECT id, nocase FROM texts ORDER BY nocase, id
        o     | SELECT id, rtrim FROM texts ORDER BY rtrim, id
        o     | SELECT id, ch FROM texts ORDER BY ch, id
        o     | SELECT id FROM texts ORDER BY c USING >, id
        distinct | SELECT DISTINCT nocase FROM texts
        distinct | SELECT DISTINCT rtrim FROM texts
        distinct | SELECT DISTINCT nc FROM texts
        distinct | SELECT DISTINCT lang FROM texts
        -distinct | SELECT count(*) FROM (SELECT DISTINCT nd FROM texts) x
        agg   | SELECT nocase, count(*) FROM texts GROUP BY nocase
        agg   | SELECT rtrim, count(*) FROM texts GROUP BY rtrim
        agg   | SELECT nc, count(*) FROM texts GROUP BY nc
        -agg  | SELECT min(c), count(*) FROM texts GROUP BY nd
        agg   | SELECT min(nc), max(nc) FROM texts
        agg   | SELECT min(c), max(c) FROM texts
        -agg  | SELECT min(lang), max(lang) FROM texts
              | SELECT min(nocase), max(nocase), min(rtrim), max(rtrim), min(bin), max(bin) FROM texts
        agg   | SELECT count(DISTINCT nocase), count(DISTINCT rtrim), count(DISTINCT bin) FROM texts
        -agg  | SELECT count(DISTINCT nd) FROM texts
              | SELECT lower(nd) COLLATE "C" FROM texts
        -join | SELECT a.id, b.id FROM texts a JOIN texts b ON a.nd = b.nd WHERE a.id < 30 AND b.id < 30
        join  | SELECT a.id, b.id FROM texts a JOIN texts b ON a.nocase = b.nocase WHERE a.id < 30 AND b.id < 30
        join  | SELECT a.id, b.id FROM texts a JOIN texts b ON a.nocase = b.rtrim WHERE a.id < 30
              | SELECT a.id, b.id FROM texts a JOIN texts b ON a.ch = b.ch WHERE a.id < 20
        """,
    "like": """
              | SELECT id FROM texts WHERE bin LIKE 'a%'
              | SELECT id FROM texts WHERE bin LIKE 'A%'
              | SELECT id FROM texts WHERE bin LIKE '%b'
              | SELECT id FROM texts WHERE bin LIKE '%b%'
              | SELECT id FROM texts WHERE bin LIKE 'a_'
              | SELECT id FROM texts WHERE bin LIKE '_'
              | SELECT id FROM texts WHERE bin LIKE '__'
              | SELECT id FROM texts WHERE bin LIKE 'a\\%b'
              | SELECT id FROM texts WHERE bin LIKE 'a\\_b'
              | SELECT id FROM texts WHERE bin LIKE 'a\\\\b'
              | SELECT id FROM texts WHERE bin LIKE 'a#%b' ESCAPE '#'
              | SELECT id FROM texts WHERE bin LIKE 'a\\b' ESCAPE ''
              | SELECT id FROM texts WHERE bin LIKE 'a\\'
              | SELECT id FROM texts WHERE bin NOT LIKE 'a%'
              | SELECT id FROM texts WHERE bin LIKE ''
              | SELECT id FROM texts WHERE bin LIKE '%'
              | SELECT id FROM texts WHERE bin LIKE NULL
              | SELECT id FROM texts WHERE bin LIKE '*'
              | SELECT id FROM texts WHERE bin LIKE '[a-z]%'
              | SELECT id FROM texts WHERE bin LIKE '?'
              | SELECT id FROM texts WHERE bin LIKE 'é%'
              | SELECT id FROM texts WHERE bin LIKE '😀_'
              | SELECT id FROM texts WHERE bin LIKE c
              | SELECT id FROM texts WHERE nocase LIKE 'ab%'
              | SELECT id FROM texts WHERE rtrim LIKE 'a '
              | SELECT id FROM texts WHERE c LIKE 'ab%'
              | SELECT id FROM texts WHERE lang LIKE 'ab%'
              | SELECT id FROM texts WHERE nd LIKE 'ab%'
              | SELECT id FROM texts WHERE bin ILIKE 'ab%'
              | SELECT id FROM texts WHERE bin ILIKE 'é'
              | SELECT id FROM texts WHERE bin ILIKE 'İ'
              | SELECT id FROM texts WHERE bin NOT ILIKE 'A%'
              | SELECT id FROM texts WHERE bin ~ '^a.b$'
              | SELECT id FROM texts WHERE bin ~* '^A'
              | SELECT id FROM texts WHERE bin SIMILAR TO '(a|b)%'
              | SELECT id FROM texts WHERE bin ^@ 'ab'
              | SELECT id FROM texts WHERE starts_with(bin, 'A')
              | SELECT id FROM texts WHERE bin LIKE 'a%' AND c LIKE '%b'
              | SELECT id FROM texts WHERE c LIKE 'a%' OR NOT bin LIKE 'b%'
              | SELECT id FROM blobs WHERE y LIKE '\\x61%'::bytea
              | SELECT id FROM texts WHERE ch LIKE 'a    '
              | SELECT id FROM texts WHERE ch LIKE 'a'
        """,
    "string functions": """
              | SELECT id, length(bin), char_length(bin), octet_length(bin), bit_length(bin) FROM texts
              | SELECT id, lower(bin), upper(bin) FROM texts
              | SELECT id, lower(c), upper(c) FROM texts
              | SELECT id, lower(lang), upper(lang), initcap(bin) FROM texts
              | SELECT id FROM texts WHERE lower(bin) = 'ab'
              | SELECT id FROM texts WHERE upper(bin) = 'SS'
              | SELECT id FROM texts WHERE lower(c) = 'é'
              | SELECT id FROM texts WHERE lower(c) = 'abc'
        where | SELECT id FROM texts WHERE length(bin) = 2
              | SELECT id FROM texts WHERE length(bin) = 1
              | SELECT id FROM texts WHERE octet_length(bin) > 2
              | SELECT id, substr(bin, 2), substr(bin, 2, 1), substr(bin, 0, 2), substr(bin, -1, 3), substr(bin, -5) FROM texts
              | SELECT id, substr(bin, -1) FROM texts
              | SELECT id, substr(bin, 2147483647, 2) FROM texts
              | SELECT id, substr(bin, 1, -1) FROM texts
              | SELECT id, substring(bin FROM 2 FOR 3), substring(bin FROM -2147483648 FOR 2147483647) FROM texts
              | SELECT id, left(bin, 2), left(bin, -1), right(bin, 2), right(bin, -1) FROM texts
              | SELECT id, trim(bin), ltrim(bin), rtrim(bin), btrim(bin, 'aA'), ltrim(bin, ''), rtrim(bin, 'b ') FROM texts
              | SELECT id, replace(bin, 'a', 'xx'), replace(bin, '', 'y'), replace(bin, 'a', '') FROM texts
              | SELECT id, bin || c, bin || 'x', 'x' || NULL || bin FROM texts
              | SELECT id, bin || id, id || bin FROM texts
              | SELECT id, concat(bin, c, 1), concat_ws('-', bin, c) FROM texts
              | SELECT id, strpos(bin, 'b'), position('' IN bin), strpos(bin, 'é') FROM texts
              | SELECT id, reverse(bin), repeat(bin, 2), repeat(bin, -1), lpad(bin, 4, '*'), rpad(bin, 3) FROM texts
              | SELECT id, ascii(bin), md5(bin), quote_literal(bin), quote_nullable(bin) FROM texts
              | SELECT id, split_part(bin, 'b', 1), translate(bin, 'ab', 'x') FROM texts
              | SELECT id, bin::varchar(2), bin::char(3), c::text FROM texts
              | SELECT id FROM texts WHERE bin::varchar(2) = 'ab'
              | SELECT id FROM texts WHERE substr(bin, 1, 1) = 'a'
              | SELECT id FROM texts WHERE substr(bin, -1, 3) = 'a'
              | SELECT id FROM texts WHERE bin || 'x' = 'abx'
              | SELECT id FROM texts WHERE trim(bin) = 'a'
              | SELECT id FROM texts WHERE btrim(bin) = ''
              | SELECT id FROM texts WHERE replace(bin, '', 'x') = bin
              | SELECT id FROM texts WHERE coalesce(bin, 'none') = 'none'
              | SELECT id FROM texts WHERE nullif(nocase, 'a') IS NULL
              | SELECT id FROM texts WHERE nullif(bin, '') IS NULL
              | SELECT id FROM texts WHERE coalesce(nocase, rtrim) = 'A'
              | SELECT id FROM texts WHERE CASE WHEN nocase = 'a' THEN 'x' ELSE bin END = 'x'
              | SELECT id FROM texts WHERE CASE nocase WHEN 'a' THEN 1 WHEN 'A' THEN 2 END = 2
              | SELECT id, greatest(c, nc), least(c, nc) FROM texts
              | SELECT id, greatest(lang, 'b'), least(nocase, bin) FROM texts
              | SELECT id, y, length(y), octet_length(y) FROM blobs
              | SELECT id, y || y, substr(y, 1, 1), get_byte(y || 'a', 0), md5(y), encode(y, 'hex') FROM blobs
              | SELECT id, bin = ANY (ARRAY['a', nocase]) FROM texts
              | SELECT id FROM texts WHERE bin = ANY (ARRAY['a', nocase || ''])
        """,
    "arithmetic": """
              | SELECT id, b + i, b - i, b * i, -b, +b, abs(b) FROM kinds
              | SELECT id, b / 3, b % 3, mod(b, 3), b / -3, b % -3 FROM kinds
              | SELECT id, i / 2, -7 / 2, -7 % 2, i / 2.0, i::float8 / 2 FROM kinds
              | SELECT id FROM kinds WHERE b / 2 = 5
              | SELECT id FROM kinds WHERE b % 3 = -1
              | SELECT id FROM kinds WHERE b / 3 = -1
        -where | SELECT id FROM kinds WHERE i + 1 = 4
              | SELECT id FROM kinds WHERE b + i > 20
              | SELECT id FROM kinds WHERE b * 2 = i * 4
              | SELECT id FROM kinds WHERE -b = 5
              | SELECT id FROM kinds WHERE abs(b) = 5
              | SELECT id, b / i FROM kinds
              | SELECT id, b / i FROM kinds WHERE i <> 0
              | SELECT id, b % nullif(i, 0), b / nullif(s, 0) FROM kinds
              | SELECT id, r / 0 FROM kinds
              | SELECT id, r / nullif(r, 0), r * r, r + r, r - 0.5, -r, abs(r) FROM kinds
              | SELECT count(*) FROM kinds WHERE b / 0 = 1
              | SELECT id, n + 1, n * n, n / 3, n % 2, -n, abs(n), round(n), round(n, 1), trunc(n) FROM kinds
              | SELECT n + 1 FROM edges
              | SELECT n - 1 FROM edges
              | SELECT n * 2 FROM edges
              | SELECT -n FROM edges
              | SELECT abs(n) FROM edges
              | SELECT i + 1 FROM edges
              | SELECT i * i FROM edges
              | SELECT s + s FROM edges
              | SELECT s + 1::smallint FROM edges
              | SELECT -s FROM edges
              | SELECT n / -1 FROM edges
              | SELECT n % -1 FROM edges
              | SELECT n / z FROM edges
              | SELECT n % z FROM edges
              | SELECT n / 2, n % 2, n / 7, n % 7, n / -7, n % -7 FROM edges
              | SELECT n::integer FROM edges
              | SELECT n::smallint FROM edges
              | SELECT i::bigint, i::float8, s::integer, n::float8, n::numeric, n::text FROM edges
              | SELECT r::bigint FROM edges
              | SELECT r::integer FROM edges
              | SELECT r::numeric FROM edges
              | SELECT r::numeric FROM edges WHERE r BETWEEN -1000 AND 1000
              | SELECT r::bigint, r::integer, round(r), trunc(r), ceil(r), floor(r), sign(r) FROM edges WHERE r BETWEEN -1000 AND 1000
              | SELECT r::text, r::real FROM edges WHERE abs(r) < 1e6 AND (r = 0 OR abs(r) > 1e-4)
              | SELECT r::real FROM edges
              | SELECT round(r), trunc(r), ceil(r), floor(r), sign(r), abs(r), -r FROM edges
              | SELECT r * 10 FROM edges
              | SELECT r + r FROM edges
              | SELECT r * r FROM edges
              | SELECT sqrt(abs(r)) FROM edges
              | SELECT 1 / r FROM edges WHERE r = 0
              | SELECT power(r, 2) FROM edges WHERE abs(r) < 1000
              | SELECT n & 7, n | 1, n # 5, ~n, i << 2, i >> 1 FROM edges
              | SELECT n << 1, n >> 1, n << 65, n >> -1 FROM edges
              | SELECT round(-2.5), round(2.5), round(r), round(rb::numeric, 1) FROM edges WHERE rb BETWEEN -100 AND 100 AND r < 10
              | SELECT id FROM edges WHERE round(r) = 2
              | SELECT id FROM edges WHERE n + 0 = 9223372036854775807
              | SELECT id FROM edges WHERE z + 1 > 2 AND z * z < 9
              | SELECT id FROM edges WHERE z / 2 = 1
              | SELECT id FROM edges WHERE z::float8 / 2 = 0.5
              | SELECT gcd(b, i), lcm(s, 2), div(n, 2), width_bucket(r, 0, 10, 4) FROM kinds
              | SELECT greatest(b, i), least(b, i, 3), greatest(r, b), greatest(NULL, b) FROM kinds
        """,
    "2^63 and doubles": """
        where | SELECT id, n FROM edges WHERE n = 9223372036854775807
        where | SELECT id, n FROM edges WHERE n = -9223372036854775808
        where | SELECT id, n FROM edges WHERE n > 9007199254740992
        where | SELECT id, n FROM edges WHERE n = 9007199254740993
        where | SELECT id, n FROM edges WHERE n < -9223372036854775807
              | SELECT id, n FROM edges WHERE n = 9007199254740993::float8
              | SELECT id, n FROM edges WHERE n::float8 = r
              | SELECT id, n FROM edges WHERE n = r
              | SELECT id, n, r FROM edges WHERE n < r
              | SELECT id, n FROM edges WHERE n = 9223372036854775808
              | SELECT id, n FROM edges WHERE n > 9223372036854775808
              | SELECT id, n FROM edges WHERE n < 9223372036854775807.5
              | SELECT id, n FROM edges WHERE n < 1e308
              | SELECT id FROM edges WHERE n < 'Infinity'::float8
              | SELECT id, nn FROM edges WHERE nn = 9223372036854775807
              | SELECT id, nn FROM edges WHERE nn > 9007199254740991 AND nn < 9007199254740994
              | SELECT id, nt FROM edges WHERE nt = 10
              | SELECT id, nt FROM edges WHERE nt < 10
              | SELECT id, nt FROM edges WHERE nt = 9223372036854775807
              | SELECT id FROM edges WHERE nt = n
        o     | SELECT id, nt FROM edges ORDER BY nt, id
              | SELECT min(nt), max(nt), sum(nt) FROM edges
        where | SELECT id, r FROM edges WHERE r = 'Infinity'
        where | SELECT id, r FROM edges WHERE r < '-1e308'::float8
        where | SELECT id, r FROM edges WHERE r = 0
        where | SELECT id, r FROM edges WHERE r = -0.0::float8
              | SELECT id, r FROM edges WHERE r <> 'NaN'
              | SELECT id, r FROM edges WHERE r < 'NaN'
              | SELECT id, r FROM edges WHERE r = 0.1::float8
              | SELECT id, r FROM edges WHERE r = 0.3::float8
              | SELECT id, r FROM edges WHERE r = 0.1::real
              | SELECT id, r FROM edges WHERE r > 9007199254740992
              | SELECT id, r FROM edges WHERE r >= 9223372036854775807
              | SELECT id, r FROM edges WHERE r = 5e-324
              | SELECT id, rb FROM edges WHERE rb = 0
              | SELECT id, rb FROM edges WHERE rb IN (1, 'Infinity', '-Infinity')
              | SELECT id, rb, r FROM edges WHERE rb = r
        o     | SELECT id, r FROM edges ORDER BY r, id
        o     | SELECT id, r FROM edges ORDER BY r DESC NULLS LAST, id
        o     | SELECT id, rb FROM edges ORDER BY rb NULLS FIRST, id DESC
        o order | SELECT id, n FROM edges ORDER BY n, id
        o order | SELECT id, n FROM edges ORDER BY n DESC, id
        o     | SELECT id, nn FROM edges ORDER BY nn NULLS FIRST, id
        agg   | SELECT min(n), max(n), count(n) FROM edges
              | SELECT sum(n), avg(n) FROM edges
              | SELECT sum(n) FROM edges WHERE n > 0
              | SELECT sum(i), avg(i), sum(s), avg(s) FROM edges
              | SELECT z, sum(n), avg(n), min(n), max(n) FROM edges GROUP BY z
              | SELECT sum(DISTINCT n), avg(DISTINCT i), count(DISTINCT n) FROM edges
              | SELECT count(DISTINCT r), count(DISTINCT rb) FROM edges
              | SELECT min(r), max(r) FROM edges WHERE r <> 0
              | SELECT sum(r) FROM edges WHERE r BETWEEN 0.5 AND 3
              | SELECT sum(r) FROM edges WHERE r > 1e307 AND r < 'Infinity'
              | SELECT sum(r), avg(r) FROM edges WHERE r = 'Infinity'
              | SELECT sum(r) FROM edges WHERE abs(r) = 'Infinity'
              | SELECT var_pop(i), stddev(s), corr(i, s) FROM edges WHERE i BETWEEN -10 AND 10
              | SELECT n, count(*) FROM edges GROUP BY n
              | SELECT n FROM edges WHERE n = ANY ('{9223372036854775807,-9223372036854775808,9007199254740993}')
              | SELECT DISTINCT n, i FROM edges
              | SELECT bit_and(n), bit_or(n) FROM edges
        """,
    "values that the column cannot hold": """
              | SELECT id FROM edges WHERE i = 3000000000
              | SELECT id FROM edges WHERE i = 9007199254740993 AND z >= 0
              | SELECT id FROM edges WHERE i IN (1, 3000000000)
              | SELECT id FROM edges WHERE i = ANY ('{1,3000000000}'::bigint[])
              | SELECT id FROM edges WHERE i < 3000000000 AND i > -3000000000
              | SELECT id FROM edges WHERE i BETWEEN -3000000000 AND 0
              | SELECT a.id, b.id FROM edges a JOIN edges b ON a.i = b.n
              | SELECT a.id, b.id FROM edges a JOIN edges b ON a.i = b.n AND b.n = 3000000000
              | SELECT id FROM edges WHERE nt = 10 AND nn > 0
              | SELECT id FROM texts WHERE v = repeat('x', 301)
              | SELECT id FROM texts WHERE v IN ('abc', repeat('x', 301))
              | SELECT id FROM texts WHERE v > 'z' COLLATE "C" AND v < repeat('z', 301) COLLATE "C"
              | SELECT id FROM dates WHERE s = '1980-01-01 00:00:00.5' AND id > 0
              | SELECT id FROM dates WHERE ms = '1980-01-01 00:00:00.0005+00' AND id > 0
              | SELECT id FROM dates WHERE ms = 'infinity' OR s = 'infinity'
              | SELECT id FROM dates WHERE s > '290000-01-01' OR ms < '4000-01-01 BC'
              | SELECT id FROM dates WHERE us = 'infinity'
              | SELECT id FROM dates WHERE d = 'infinity' AND id > 0
              | SELECT id FROM kinds WHERE s = 100000 AND b = 9223372036854775807
        """,
    "numeric": """
              | SELECT id, n FROM decimals
              | SELECT id, m FROM decimals
              | SELECT id FROM decimals WHERE n = 0.1
              | SELECT id FROM decimals WHERE n = 0.10
              | SELECT id FROM decimals WHERE n > 9
              | SELECT id FROM decimals WHERE n = 9007199254740993
              | SELECT id FROM decimals WHERE n = 12345678901234567890.123456789
              | SELECT id FROM decimals WHERE n < 10 AND m < 10
              | SELECT id FROM decimals WHERE m = 2.5
              | SELECT id FROM decimals WHERE m = 0.1
              | SELECT id FROM decimals WHERE m = 99.99
              | SELECT id FROM decimals WHERE m = 99.99::float8
              | SELECT id FROM decimals WHERE m IN (1, 100, 2.50)
              | SELECT id FROM decimals WHERE n = m
              | SELECT id FROM decimals WHERE m = k
              | SELECT id FROM decimals WHERE n IS NULL OR m IS NULL
              | SELECT sum(n), avg(n), min(m), max(m), count(n) FROM decimals
              | SELECT k, sum(n), avg(m), max(n) FROM decimals GROUP BY k
        o     | SELECT id, n FROM decimals ORDER BY n, id
        o     | SELECT id, m FROM decimals ORDER BY m DESC, id
              | SELECT count(DISTINCT n), count(DISTINCT m), sum(DISTINCT m) FROM decimals
              | SELECT a.id, b.id FROM decimals a JOIN decimals b ON a.n = b.n
              | SELECT a.id, b.id FROM decimals a JOIN decimals b ON a.m = b.m WHERE a.id < 10
              | SELECT n::float8, m::integer, m::text FROM decimals WHERE abs(n) < 1e18
              | SELECT coalesce(m, 0), CASE WHEN m > 1 THEN m END FROM decimals
        -where | SELECT id FROM decimals WHERE m > 1.5
        -agg  | SELECT sum(m) FROM decimals
        """,
    "json": """
              | SELECT id, j, jt FROM decimals
              | SELECT id, j->>'a', j->'a', j#>>'{a,b,0}' FROM decimals
              | SELECT id FROM decimals WHERE j->>'a' = '1'
              | SELECT id FROM decimals WHERE j->>'b' = 'x'
              | SELECT id FROM decimals WHERE j->'a' = '1'
              | SELECT id FROM decimals WHERE j ? 'a'
              | SELECT id FROM decimals WHERE j @> '{"a": 1}'
              | SELECT id FROM decimals WHERE (j->>'a')::text > '1'
              | SELECT id FROM decimals WHERE jt->>'a' = '1'
              | SELECT id FROM decimals WHERE j = '5'
              | SELECT id FROM decimals WHERE j IS NULL
              | SELECT jsonb_typeof(j), count(*) FROM decimals GROUP BY 1
              | SELECT j->>'a', count(*) FROM decimals GROUP BY 1
              | SELECT id, j->0, jsonb_array_length(j) FROM decimals WHERE jsonb_typeof(j) = 'array'
              | SELECT jsonb_agg(j ORDER BY id) FROM decimals
        """,
    "times": """
        where | SELECT id FROM dates WHERE ms > '2000-01-01 00:00:00+00'
              | SELECT id FROM dates WHERE ms = (SELECT ms FROM dates WHERE id = 5)
              | SELECT id FROM dates WHERE ms >= '1970-01-01 00:00:00.0005+00'
              | SELECT id FROM dates WHERE ms < '2001-05-05 05:05:05.000001+00' AND ms > '1990-01-01'
              | SELECT id FROM dates WHERE ms BETWEEN '1980-01-01' AND '1990-01-01'
              | SELECT id FROM dates WHERE ms < 'infinity'
              | SELECT id FROM dates WHERE ms > '-infinity'
              | SELECT id FROM dates WHERE ms < '4713-01-01 00:00:00 BC'
              | SELECT id FROM dates WHERE s = '1970-01-01'
        where | SELECT id FROM dates WHERE s < '1990-01-01 00:00:00'
              | SELECT id FROM dates WHERE s > '1980-01-01 00:00:00.5'
              | SELECT id FROM dates WHERE s = '1980-01-01 00:00:00.5'
              | SELECT id FROM dates WHERE us > '1995-05-05 10:00:00.000007+00'
              | SELECT id FROM dates WHERE us IN (SELECT us FROM dates WHERE id IN (3, 6, 10))
              | SELECT id FROM dates WHERE jd > '2000-01-01 06:00:00'
              | SELECT id FROM dates WHERE jd = (SELECT jd FROM dates WHERE id = 5)
              | SELECT id FROM dates WHERE iso > '2000-01-01'
              | SELECT id FROM dates WHERE iso < '1999-12-31 22:00:00-05'
              | SELECT id FROM dates WHERE iso = (SELECT iso FROM dates WHERE id = 3)
              | SELECT id FROM dates WHERE mixed > '2000-01-01'
              | SELECT id FROM dates WHERE mixed = (SELECT mixed FROM dates WHERE id = 3)
              | SELECT id FROM dates WHERE mixed < '1980-01-01' OR mixed IS NULL
              | SELECT id FROM dates WHERE mixed <> ms
              | SELECT id FROM dates WHERE mixed >= iso
              | SELECT id FROM dates WHERE plain > '2000-01-01'
              | SELECT id FROM dates WHERE plain = s
              | SELECT id FROM dates WHERE plain::date = d
        where | SELECT id FROM dates WHERE d = '1970-01-01'
              | SELECT id FROM dates WHERE d >= '1999-12-31' AND d < '2010-01-01'
              | SELECT id FROM dates WHERE d < plain
              | SELECT id FROM dates WHERE d < ms
              | SELECT id FROM dates WHERE d = 'infinity'
              | SELECT id FROM dates WHERE d IN ('1964-07-11', '1970-01-01')
              | SELECT id FROM dates WHERE t > '12:00'
              | SELECT id FROM dates WHERE t = '12:30:00'
              | SELECT id, d + 1, d - 1, d - '1970-01-01'::date, d + t FROM dates
              | SELECT id, ms + interval '1 day', ms - iso, s + '1 month', age(s) IS NULL FROM dates
              | SELECT id, ms::date, ms::timestamp, s::timestamptz, ms::text, d::timestamptz, s::time FROM dates
              | SELECT id FROM dates WHERE ms::date = '1970-01-01'
              | SELECT id FROM dates WHERE ms::timestamp > '2000-01-01'
              | SELECT id FROM dates WHERE s::timestamptz > '2000-01-01'
              | SELECT id, extract(year FROM ms), extract(epoch FROM us), extract(dow FROM d), date_part('hour', t) FROM dates
              | SELECT id, date_trunc('month', ms), date_trunc('day', s), to_char(ms, 'YYYY-MM-DD HH24') FROM dates
              | SELECT extract(year FROM s), count(*) FROM dates GROUP BY 1
              | SELECT date_trunc('year', mixed), count(*) FROM dates GROUP BY 1
              | SELECT min(ms), max(ms), min(iso), max(iso), min(mixed), max(mixed) FROM dates
              | SELECT min(s), max(us), min(jd), max(jd), min(d), max(d), min(t), max(t) FROM dates
        o     | SELECT id, ms FROM dates ORDER BY ms, id
        o     | SELECT id, iso FROM dates ORDER BY iso DESC, id
        o     | SELECT id, mixed FROM dates ORDER BY mixed, id
        o     | SELECT id, jd FROM dates ORDER BY jd NULLS FIRST, id
        o     | SELECT id, d, t FROM dates ORDER BY t, d DESC, id
              | SELECT DISTINCT mixed FROM dates
              | SELECT t, count(*) FROM dates GROUP BY t
              | SELECT count(DISTINCT mixed), count(DISTINCT iso), count(DISTINCT d) FROM dates
              | SELECT a.id, b.id FROM dates a JOIN dates b ON a.ms = b.mixed
              | SELECT a.id, b.id FROM dates a JOIN dates b ON a.d = b.plain
              | SELECT a.id, b.id FROM dates a JOIN dates b ON a.iso < b.ms AND b.id < 4
              | SELECT id FROM dates WHERE ms < now() AND s < localtimestamp AND d < current_date
              | SELECT id FROM dates WHERE ms AT TIME ZONE 'UTC' > '2000-01-01'
              | SELECT id FROM kinds WHERE tz > '2016-08-01 00:00:00+00'
        o     | SELECT id, tz FROM kinds ORDER BY tz, id
        o     | SELECT id, ts, d, ti FROM kinds ORDER BY ts DESC, d, ti, id
              | SELECT tz, count(*) FROM kinds GROUP BY tz
        """,
    "uuid and bytea": """
        where | SELECT id FROM blobs WHERE ut = '00000000-0000-0400-0000-000000000003'
              | SELECT id FROM blobs WHERE u = '00000000-0000-0400-0000-000000000003'
              | SELECT id FROM blobs WHERE u = ut
              | SELECT id FROM blobs WHERE u > '00000000-0000-0400-0000-000000000003'
              | SELECT id FROM blobs WHERE ut IN ('00000000-0000-0400-0000-000000000003', '00000000-0000-0800-0000-000000000003')
        o     | SELECT id, u, ut FROM blobs ORDER BY ut, u, id
              | SELECT ut, count(*) FROM blobs GROUP BY ut
              | SELECT DISTINCT u FROM blobs
              | SELECT count(DISTINCT ut) FROM blobs
              | SELECT u::text FROM blobs
              | SELECT a.id, b.id FROM blobs a JOIN blobs b ON a.u = b.ut
              | SELECT u, count(*) FROM kinds GROUP BY u
              | SELECT id FROM kinds WHERE u IS NULL
              | SELECT id, y FROM blobs
        where | SELECT id FROM blobs WHERE y = '\\x61'
              | SELECT id FROM blobs WHERE y = 'a'
              | SELECT id FROM blobs WHERE y = ''
              | SELECT id FROM blobs WHERE y > '\\x61'
              | SELECT id FROM blobs WHERE y < '\\xff'
              | SELECT id FROM blobs WHERE y IN ('\\x00', '\\xffff')
              | SELECT id FROM blobs WHERE yt = 'a'
              | SELECT id FROM blobs WHERE y = yt
        o     | SELECT id, y FROM blobs ORDER BY y, id
              | SELECT y, count(*) FROM blobs GROUP BY y
              | SELECT DISTINCT yt FROM blobs
              | SELECT count(DISTINCT y) FROM blobs
              | SELECT a.id, b.id FROM blobs a JOIN blobs b ON a.y = b.yt
        """,
    "order and limit": """
        o order limit | SELECT id FROM kinds ORDER BY id LIMIT 5
        o order limit | SELECT id FROM kinds ORDER BY id DESC LIMIT 5 OFFSET 3
        o order limit | SELECT id, b FROM kinds ORDER BY b, id LIMIT 7
        o order limit | SELECT id, b FROM kinds ORDER BY b DESC, id LIMIT 7
        o order limit | SELECT id, b FROM kinds ORDER BY b NULLS FIRST, id LIMIT 20
        o order limit | SELECT id, b FROM kinds ORDER BY b DESC NULLS LAST, id LIMIT 20
        o order limit | SELECT id, b FROM kinds WHERE b > 10 ORDER BY b, id DESC LIMIT 3
        o     | SELECT id, b FROM kinds ORDER BY b + 1, id LIMIT 5
        o     | SELECT id, b FROM kinds ORDER BY b % 7, id LIMIT 5
        o     | SELECT id FROM kinds ORDER BY id LIMIT 0
        o     | SELECT id FROM kinds ORDER BY id LIMIT NULL OFFSET 150
        o     | SELECT id FROM kinds ORDER BY id LIMIT ALL OFFSET NULL
        o     | SELECT id FROM kinds ORDER BY id OFFSET 155
        o     | SELECT id FROM kinds ORDER BY id LIMIT 5 OFFSET 1000
        o     | SELECT id FROM kinds ORDER BY id LIMIT -1
        o     | SELECT id FROM kinds ORDER BY id OFFSET -1
        o     | SELECT id FROM kinds ORDER BY id LIMIT 9223372036854775807
        o     | SELECT id FROM kinds ORDER BY id LIMIT (SELECT 3) OFFSET (SELECT 2)
        o     | SELECT id FROM kinds ORDER BY id FETCH FIRST 3 ROWS ONLY
        o     | SELECT b FROM kinds ORDER BY b FETCH FIRST 30 ROWS WITH TIES
        o -limit | SELECT id FROM decimals WHERE m > 1.5 ORDER BY id LIMIT 3
        o     | SELECT id, m FROM decimals ORDER BY m, id LIMIT 9
        o -limit | SELECT id, lang FROM texts ORDER BY lang, id LIMIT 9
        o     | SELECT id, row_number() OVER (ORDER BY id) FROM kinds ORDER BY id LIMIT 3
        o     | SELECT id, sum(b) OVER (ORDER BY id) FROM kinds ORDER BY id DESC LIMIT 3
        o     | SELECT DISTINCT b FROM kinds ORDER BY b LIMIT 5
        o     | SELECT DISTINCT b, i FROM kinds ORDER BY i, b LIMIT 5 OFFSET 2
        o     | SELECT DISTINCT ON (i) i, id FROM kinds ORDER BY i, id DESC
        o     | SELECT p.id, c.id FROM parents p JOIN children c ON c.parent = p.id ORDER BY p.id, c.id LIMIT 6
        o     | SELECT p.id, c.id FROM parents p LEFT JOIN children c ON c.parent = p.id ORDER BY p.id DESC, c.id LIMIT 6 OFFSET 2
        o     | SELECT i, count(*) FROM kinds GROUP BY i ORDER BY i LIMIT 3
        o     | SELECT i, count(*) FROM kinds GROUP BY i ORDER BY count(*) DESC, i LIMIT 3
        o     | SELECT id FROM (SELECT id FROM kinds ORDER BY id LIMIT 10) x ORDER BY id DESC LIMIT 3
              | SELECT count(*) FROM (SELECT id FROM kinds LIMIT 10) x
              | SELECT count(*) FROM (SELECT id FROM kinds OFFSET 10) x
        o     | SELECT generate_series(1, 2), id FROM kinds ORDER BY id, 1 LIMIT 5
        o     | SELECT id FROM kinds WHERE random() >= 0 ORDER BY id LIMIT 5
        o     | (SELECT id FROM kinds ORDER BY id LIMIT 3) UNION ALL (SELECT id FROM parents ORDER BY id LIMIT 2) ORDER BY id
              | SELECT id FROM parents INTERSECT SELECT parent FROM children
              | SELECT id FROM parents EXCEPT SELECT parent FROM children
              | SELECT grp FROM parents UNION SELECT qty FROM children
        o     | SELECT id, t FROM kinds ORDER BY length(t), id
        o     | SELECT id, bo FROM kinds ORDER BY bo, id LIMIT 30
        o     | SELECT id, ch FROM kinds ORDER BY ch, id LIMIT 30
        o     | SELECT id, n FROM kinds ORDER BY n NULLS FIRST, id LIMIT 30
        o     | SELECT id, u FROM kinds ORDER BY u, id LIMIT 30
        o     | SELECT id FROM kinds ORDER BY (b > 10), id LIMIT 8
        o     | SELECT id, CASE WHEN b > 10 THEN 'x' END FROM kinds ORDER BY 2 NULLS FIRST, 1 LIMIT 8
        o     | SELECT a, b FROM norowid ORDER BY a, b LIMIT 7
        o     | SELECT x, y FROM composite ORDER BY x DESC, y COLLATE "C" LIMIT 7
        """,
    "aggregates": """
        agg   | SELECT count(*) FROM kinds
        agg   | SELECT count(b), min(b), max(b) FROM kinds
        agg   | SELECT count(*) FROM kinds WHERE b > 10
              | SELECT sum(b), avg(b), sum(i), avg(i), sum(s) FROM kinds
              | SELECT sum(r), avg(r) FROM kinds WHERE r < 100
              | SELECT count(DISTINCT b), sum(DISTINCT b) FROM kinds
        agg   | SELECT i, count(*) FROM kinds GROUP BY i
        agg   | SELECT i, s, count(*), max(b) FROM kinds GROUP BY i, s
              | SELECT i, sum(b), avg(b) FROM kinds GROUP BY i
        agg   | SELECT i, count(*) FROM kinds GROUP BY i HAVING count(*) > 8
              | SELECT i, count(*) FROM kinds GROUP BY i HAVING sum(b) > 100
              | SELECT i FROM kinds GROUP BY i HAVING max(b) < 58
              | SELECT i + 1, count(*) FROM kinds GROUP BY i + 1
              | SELECT i % 3, min(b) FROM kinds GROUP BY 1
              | SELECT count(*) FILTER (WHERE b > 10), sum(b) FILTER (WHERE bo) FROM kinds
              | SELECT i, count(*) FILTER (WHERE t = 'a') FROM kinds GROUP BY i
              | SELECT bo, count(*) FROM kinds GROUP BY bo
              | SELECT t, count(*) FROM kinds GROUP BY t
              | SELECT t, nc, count(*) FROM kinds GROUP BY t, nc
              | SELECT min(t), max(t), min(tc), max(tc), min(nc), max(v) FROM kinds
              | SELECT string_agg(t, ',' ORDER BY id), array_agg(b ORDER BY id) FROM kinds
              | SELECT i, string_agg(tc, ',' ORDER BY tc) FROM kinds GROUP BY i
              | SELECT min(bo::int), bool_or(bo), bool_and(tf) FROM kinds
              | SELECT count(*) FROM kinds HAVING count(*) > 1000
              | SELECT 1 FROM kinds HAVING true
              | SELECT count(*), sum(n), min(t), max(r), avg(n), bool_or(t = 'a') FROM empty
              | SELECT n, count(*) FROM empty GROUP BY n
              | SELECT count(*) FROM empty GROUP BY ()
              | SELECT i, bo, count(*) FROM kinds GROUP BY ROLLUP (i, bo)
              | SELECT i, bo, count(*) FROM kinds GROUP BY GROUPING SETS ((i), (bo), ())
              | SELECT i, count(*), grouping(i) FROM kinds GROUP BY CUBE (i)
              | SELECT percentile_cont(0.5) WITHIN GROUP (ORDER BY b), mode() WITHIN GROUP (ORDER BY i) FROM kinds
              | SELECT max(d), min(ti), max(ts), min(tz), max(n), min(n) FROM kinds
              | SELECT i, min(d), max(ts), min(r), max(u::text) FROM kinds GROUP BY i
              | SELECT max(b + i), sum(b * 2), min(-b) FROM kinds
              | SELECT sum(length(t)), sum(length(tc)) FROM kinds
              | SELECT count(*) FROM (SELECT DISTINCT b, i FROM kinds) x
        distinct | SELECT DISTINCT b FROM kinds
        distinct | SELECT DISTINCT b, i FROM kinds WHERE b > 10
              | SELECT DISTINCT bo, tf FROM kinds
              | SELECT DISTINCT n FROM kinds
              | SELECT DISTINCT ch FROM kinds
              | SELECT DISTINCT b + 1 FROM kinds
              | SELECT DISTINCT p.grp, c.qty FROM parents p JOIN children c ON c.parent = p.id
              | SELECT count(*) + sum(i), max(b) - min(b) FROM kinds
              | SELECT round(avg(b), 2), avg(b)::float8, avg(r) FROM kinds WHERE r < 100
              | SELECT (SELECT count(*) FROM kinds), (SELECT max(id) FROM texts)
              | SELECT sum(count(*)) OVER () FROM kinds GROUP BY i
              | SELECT i, max(b) FROM kinds WHERE i IS NOT NULL GROUP BY i HAVING max(b) > (SELECT avg(b) FROM kinds)
              | SELECT every(b > -100), count(*) FILTER (WHERE false), count(1), count(NULL) FROM kinds
        """,
    "joins": """
        join  | SELECT p.id, c.id FROM parents p JOIN children c ON c.parent = p.id
        join  | SELECT p.name, c.label FROM parents p JOIN children c ON c.parent = p.id WHERE p.grp = 3
        join  | SELECT p.id, c.id FROM parents p LEFT JOIN children c ON c.parent = p.id
        join  | SELECT p.id, c.id FROM parents p LEFT JOIN children c ON c.parent = p.id AND c.qty > 4
              | SELECT p.id, c.id FROM parents p LEFT JOIN children c ON c.parent = p.id WHERE c.qty > 4
              | SELECT p.id FROM parents p LEFT JOIN children c ON c.parent = p.id WHERE c.id IS NULL
              | SELECT p.id, c.id FROM parents p RIGHT JOIN children c ON c.parent = p.id
              | SELECT p.id, c.id FROM parents p FULL JOIN children c ON c.parent = p.id
              | SELECT p.id, c.id FROM parents p CROSS JOIN children c WHERE p.id < 4 AND c.id < 4
              | SELECT p.id, c.id FROM parents p JOIN children c ON c.parent > p.id AND c.id < 9
              | SELECT p.id, c.id FROM parents p JOIN children c ON c.parent = p.id OR c.qty = p.grp WHERE p.id < 9
              | SELECT p.id, c.id FROM parents p JOIN children c ON c.nick = p.nick WHERE p.id < 12
              | SELECT p.id, c.id FROM parents p LEFT JOIN children c ON c.nick = p.nick AND c.id < 30 WHERE p.id < 12
        join  | SELECT a.id, b.id FROM parents a JOIN parents b ON a.grp = b.grp AND a.id < b.id
              | SELECT a.id, b.id FROM parents a JOIN parents b USING (grp) WHERE a.score > b.score
              | SELECT p.id, c.id, k.id FROM parents p JOIN children c ON c.parent = p.id JOIN kinds k ON k.id = c.id WHERE k.b > 10
              | SELECT p.id, c.id, k.b FROM parents p LEFT JOIN children c ON c.parent = p.id LEFT JOIN kinds k ON k.id = c.id AND k.b > 10
              | SELECT p.id, x.n FROM parents p LEFT JOIN (SELECT parent, count(*) AS n FROM children GROUP BY parent) x ON x.parent = p.id
              | SELECT p.id, coalesce(c.qty, -1) FROM parents p LEFT JOIN children c ON c.parent = p.id
              | SELECT p.id FROM parents p LEFT JOIN children c ON c.parent = p.id WHERE coalesce(c.qty, 0) = 0
              | SELECT p.id, p.score * c.price FROM parents p JOIN children c ON c.parent = p.id
              | SELECT p.id, c FROM parents p LEFT JOIN children c ON c.parent = p.id WHERE p.id < 12
              | SELECT c IS NULL, p FROM parents p LEFT JOIN children c ON c.parent = p.id AND c.id = 1
              | SELECT p.grp, count(*), sum(c.qty) FROM parents p JOIN children c ON c.parent = p.id GROUP BY p.grp
              | SELECT p.grp, count(c.id), min(c.label) FROM parents p LEFT JOIN children c ON c.parent = p.id GROUP BY p.grp
        agg   | SELECT count(*) FROM parents p JOIN children c ON c.parent = p.id
        o     | SELECT p.name, c.id FROM parents p JOIN children c ON c.parent = p.id ORDER BY p.name DESC, c.id LIMIT 10
        semi  | SELECT id FROM parents p WHERE EXISTS (SELECT 1 FROM children c WHERE c.parent = p.id)
        semi  | SELECT id FROM parents p WHERE NOT EXISTS (SELECT 1 FROM children c WHERE c.parent = p.id)
        semi  | SELECT id FROM parents p WHERE id IN (SELECT parent FROM children)
              | SELECT id FROM parents p WHERE id NOT IN (SELECT parent FROM children)
              | SELECT id FROM parents p WHERE id NOT IN (SELECT parent FROM children WHERE parent IS NOT NULL)
              | SELECT id FROM parents p WHERE EXISTS (SELECT 1 FROM children c WHERE c.parent = p.id AND c.qty > p.grp)
              | SELECT id FROM parents p WHERE grp IN (SELECT qty FROM children c WHERE c.label = 'c3')
              | SELECT id FROM parents p WHERE name IN (SELECT label FROM children) OR grp = 2
              | SELECT id FROM parents p WHERE grp > ALL (SELECT qty FROM children WHERE parent = p.id)
              | SELECT id FROM parents p WHERE grp = (SELECT max(qty) FROM children c WHERE c.parent = p.id)
              | SELECT id, (SELECT count(*) FROM children c WHERE c.parent = p.id) FROM parents p
              | SELECT id, (SELECT label FROM children c WHERE c.parent = p.id ORDER BY id LIMIT 1) FROM parents p
              | SELECT id, EXISTS (SELECT 1 FROM children c WHERE c.parent = p.id) FROM parents p
              | SELECT p.id, x.id FROM parents p, LATERAL (SELECT id FROM children c WHERE c.parent = p.id ORDER BY id DESC LIMIT 2) x
              | SELECT p.id, x.n FROM parents p LEFT JOIN LATERAL (SELECT sum(qty) AS n FROM children c WHERE c.parent = p.id) x ON true
              | SELECT p.id, v.n FROM parents p JOIN (VALUES (1), (3), (NULL)) v(n) ON v.n = p.grp
              | SELECT p.id, g FROM parents p JOIN generate_series(1, 3) g ON g = p.id
              | SELECT a.id, k.id FROM adults a JOIN kinds k ON k.id = a.id
              | SELECT * FROM sums
              | SELECT grp, total FROM sums WHERE n > 8
              | WITH x AS MATERIALIZED (SELECT * FROM parents WHERE grp = 2) SELECT x.id, c.id FROM x JOIN children c ON c.parent = x.id
              | WITH RECURSIVE r AS (SELECT 1 AS id UNION SELECT c.parent::int FROM r JOIN children c ON c.id = r.id WHERE c.parent < 40) SELECT * FROM r
              | SELECT d.body, k.id FROM docs d JOIN kinds k ON length(d.body) = k.id
              | SELECT a.a, b.x FROM norowid a JOIN composite b ON a.b = b.x
              | SELECT p.id, c.id FROM parents p NATURAL JOIN children c
              | SELECT p.ok, c.id FROM parents p JOIN children c ON c.parent = p.id AND p.ok
              | SELECT p.id, c.id FROM parents p LEFT JOIN children c ON p.ok AND c.parent = p.id
              | SELECT p.id, c.id FROM parents p LEFT JOIN children c ON false
              | SELECT p.id, c.id FROM parents p LEFT JOIN children c ON true WHERE p.id = 1 AND c.id < 3
              | SELECT p.id, q.id FROM parents p LEFT JOIN (parents q JOIN children c ON c.parent = q.id AND c.qty = 1) ON q.grp = p.grp AND q.id < 20
        """,
    "shapes": """
              | SELECT * FROM "we""ird; DROP TABLE x; --"
              | SELECT "c""d;--" FROM "we""ird; DROP TABLE x; --" WHERE "a'b" = 'v''1' AND "%s $1 ?1" = '?1'
              | SELECT "select", count(*) FROM "we""ird; DROP TABLE x; --" GROUP BY "select"
        o     | SELECT "a'b" FROM "we""ird; DROP TABLE x; --" ORDER BY "select" DESC LIMIT 3
              | SELECT * FROM norowid
        where | SELECT v FROM norowid WHERE a = 'k1' AND b = 7
              | SELECT v FROM norowid WHERE a >= 'k4'
              | SELECT * FROM composite WHERE x = 2
              | SELECT * FROM composite WHERE (x, y) = (2, 'y7')
        where | SELECT * FROM stricts WHERE i = 3 AND t > 't4'
        agg   | SELECT t, count(*), max(i) FROM stricts GROUP BY t
              | SELECT b, sum(r), max(r) FROM stricts GROUP BY b
              | SELECT * FROM gen WHERE total > 3
              | SELECT label, sum(total) FROM gen GROUP BY label
              | SELECT * FROM empty
              | SELECT * FROM empty e LEFT JOIN parents p ON p.id = e.id
              | SELECT p.id FROM parents p LEFT JOIN empty e ON p.id = e.id WHERE e.id IS NULL
              | SELECT * FROM adults
              | SELECT name FROM adults WHERE grp = 5
              | SELECT body FROM docs
              | SELECT body FROM docs WHERE body = ''
              | SELECT a, b FROM untyped
              | SELECT n FROM untyped WHERE a = '1'
              | SELECT n FROM untyped WHERE b = 7
              | SELECT n FROM untyped WHERE b = 2
              | SELECT n FROM untyped WHERE b > 2
              | SELECT a, count(*) FROM untyped GROUP BY a
              | SELECT b, count(*) FROM untyped GROUP BY b
        o     | SELECT n, a COLLATE "C" FROM untyped ORDER BY 2, 1
        o     | SELECT n, b FROM untyped ORDER BY b, n
              | SELECT min(b), max(b), sum(b), min(a COLLATE "C"), max(a COLLATE "C") FROM untyped
              | SELECT x.n, y.n FROM untyped x JOIN untyped y ON x.a = y.a AND x.b = y.b
              | SELECT k FROM kinds k WHERE id < 5
              | SELECT kinds FROM kinds WHERE id = 3
              | SELECT 1 FROM kinds WHERE id < 5
              | SELECT FROM kinds WHERE id < 5
              | SELECT id, id, b, b FROM kinds WHERE id < 5
              | SELECT tableoid::regclass::text ~ 'kinds' FROM kinds WHERE id < 3
              | SELECT row_to_json(k) FROM kinds k WHERE id < 10
              | TABLE parents
              | SELECT id FROM kinds WHERE id = 3 FOR UPDATE
        """,
    "conditional": """
              | SELECT id, CASE WHEN b > 10 THEN 'big' WHEN b IS NULL THEN 'none' ELSE 'small' END FROM kinds
              | SELECT id, CASE i WHEN 1 THEN 'one' WHEN 2 THEN 'two' END FROM kinds
              | SELECT id FROM kinds WHERE CASE WHEN i = 0 THEN false ELSE b / i > 2 END
              | SELECT id FROM kinds WHERE CASE WHEN b > 10 THEN i ELSE s END = 2
              | SELECT id FROM kinds WHERE coalesce(b, i, 0) = 0
              | SELECT id FROM kinds WHERE coalesce(t, tc) = 'a'
              | SELECT id FROM kinds WHERE nullif(b, 10) IS NULL
              | SELECT id, nullif(b, i), coalesce(i, s, 99), coalesce(NULL, b) FROM kinds
              | SELECT id FROM kinds WHERE coalesce(bo, tf, false)
              | SELECT id FROM kinds WHERE (CASE WHEN bo THEN b ELSE i END) BETWEEN 1 AND 5
              | SELECT id FROM kinds WHERE b = CASE WHEN i > 2 THEN 10 WHEN i > 0 THEN 11 END
              | SELECT i, sum(CASE WHEN bo THEN 1 ELSE 0 END) FROM kinds GROUP BY i
              | SELECT id, CASE WHEN false THEN 1 / 0 ELSE b END FROM kinds
              | SELECT id, num_nulls(b, i, t), num_nonnulls(b) FROM kinds
        """,
    "volatile and local": """
              | SELECT count(*) FROM kinds WHERE random() < 2
              | SELECT count(*) FROM kinds WHERE b > 10 AND random() < 2
              | SELECT count(*) FROM kinds WHERE clock_timestamp() > tz
              | SELECT id FROM kinds WHERE tz < now()
              | SELECT id FROM kinds WHERE b = pg_backend_pid() * 0 + 10
              | SELECT id FROM kinds WHERE current_setting('TimeZone') <> 'Asia/Tokyo' AND id < 3
              | SELECT id, row_number() OVER (PARTITION BY i ORDER BY id) FROM kinds
              | SELECT id, lag(b) OVER (ORDER BY id), rank() OVER (ORDER BY r, id) FROM kinds
              | SELECT id FROM kinds WHERE t ~ '^[ab]'
              | SELECT regexp_replace(t, 'a', 'x') FROM kinds
              | SELECT id FROM kinds WHERE b = (SELECT max(b) FROM kinds)
              | SELECT id FROM kinds WHERE b > (SELECT avg(b) FROM kinds)
              | SELECT id FROM kinds k WHERE b = (SELECT max(b) FROM kinds x WHERE x.i = k.i)
              | SELECT id, unnest(ARRAY[b, i]) FROM kinds WHERE id < 6
        """,
}


def queries():
    """Group, expectations and text of every query."""
    for group, lines in GROUPS.items():
        for line in lines.strip().splitlines():
            expectations, query = line.split("|", 1)
            yield group, expectations.split(), query.strip()
