"""Functions that the oracle's SQLite is too old for: the extension's own SQLite computes them in views of the file, read as foreign tables."""

import json

from harness import quote
from statements_functions import FILE
from translated import connected

TEXTS = r"""
timediff(w, at)
timediff(at, '2000-01-01')
timediff('2024-03-01', w)
timediff('2024-02-29 12:00', '2023-12-31 13:00:00.5')
strftime('%e %F %I %k %l %p %P %R %T %u', w)
strftime('%e|%F|%I|%k|%l|%p|%P|%R|%T|%u', at, '+7 hours')
strftime('%G-W%V-%u %g %U', at)
strftime('%G-W%V-%u %g %U', day, '-1 day')
strftime('%G-W%V-%u %g %U', w, '+1 year')
strftime('%s', w, 'subsec')
datetime(w, 'subsec')
time(w, 'subsecond', '+0.25 seconds')
datetime(at, '+1 month', 'floor')
datetime('2024-01-31', '+1 month', 'floor')
date(day, '+1 year', 'floor')
date(day, '+13 months', 'ceiling')
date('2023-02-31')
date('2023-02-31', 'start of month')
date('2023-02-31', 'auto')
datetime('2024-06-15 24:00')
datetime('24:00')
datetime('2024-12-31 24:00:00', '+1 day')
datetime('2024-06-15 12:30:00+02:00')
datetime(at, '+0001-02-03 04:05')
datetime(at, '-0001-02-03')
datetime(w, '+0000-00-30')
datetime(at, '+0001-12-03')
date(at, 'end of month')
datetime(at, 'end of year', 'subsec')
datetime(w, 'end of day')
date(at, 'weekday -1')
date(day, 'weekday -0')
date('2024-01-31', '+1 month', '+1 month', 'floor')
datetime('2024-06-15 12:00:00.9999', 'subsec')
datetime('now', '-5000 years') IS NULL
hex(unhex(t))
hex(unhex(t, ' '))
hex(unhex('4142', id))
concat(t, n, '|', NULL, id)
concat_ws('-', t, NULL, id)
concat_ws(NULL, 'a', 'b')
octet_length(t) || ''
octet_length(b) || ''
soundex(t)
soundex('Ashcraft')
soundex('Müller-Lüdenscheid')
iif(id > 3, 'a', id > 2, 'b', 'c')
if(id > 3, 'a')
format('%d%%', id)
printf('%,d', n % 10000000)
printf('%.3f', d)
printf('%.2f', 2.675)
printf('%.1f', 0.25)
printf('%.15g', r % 1000)
printf('%5.1f|%-8.2e|%G', d, d, d)
string_agg(t, '/')
unistr('a\0041\u0042\+000043\U00000044\\\\')
unistr(replace(hex(substr(t, 1, 1)), '', '') || '\u00e9')
unistr_quote(t)
unistr_quote(t || char(10, 9) || 'x''\y')
unistr_quote(NULL)
unistr_quote(n)
printf('%#q|%#Q|%#Q', t || char(10), t || char(10), t)
printf('%' || substr('dxoc', id % 4 + 1, 1) || '|%s', n, t)
printf(t || '%5d|%-5d|%05d', id, id, id)
printf('%*.*f|' || t, 10, 3, d)
printf('%.3' || CASE WHEN id > 4 THEN 'e' ELSE 's' END || '|%%', r, t)
printf('%5%|%-5%|%q%z' || '%Q', t, t, t)
printf('a%yb' || t, 1)
printf('a' || t)
printf('' || '')
printf('%n%d%' || 'i', 5, n)
sqlite_version()
json_pretty('{"a":[1,2,{}],"b":{"c":[]},"d":"x\"y' || id || '"}')
json_pretty('[1,{"a":2.50}]', '..')
json_pretty('5')
json_pretty('[ ]', NULL)
json_array_insert('[1,2,3]', '$[' || (id % 5) || ']', t)
json_array_insert('{"a":[1]}', '$.a[0]', n, '$.a[#]', 'end', '$.b[0]', 1, '$.a[#-1]', 2)
json_array_insert('{"a":{"b":[[1]]}}', '$.a.b[0][1]', json('[ 2]'), '$.a.b[0][7]', 3)
json_set('{"a":1}', '$.b[#]', 5, '$.c[0][0]', 6)
json_valid('{"a":1}', 1) || json_valid('{a:1}', 5) || json_valid('{"a":1}', 4) || coalesce(json_valid(NULL, 1), 'n')
json_valid(t, 1)
json_error_position(json_array(t))
'{"a":1,"5":2,"a.b":3,"a[0]":4}' -> CASE id % 4 WHEN 0 THEN '5' WHEN 1 THEN 'a.b' WHEN 2 THEN 'a[0]' ELSE 'a' END
'{"a":1,"5":2,"a.b":3,"a[0]":4}' ->> '5'
'{"a":1,"5":2,"a.b":3,"a[0]":4}' ->> 'a.b'
'[10,20,30]' ->> '[1]'
'[10,20,30]' -> '1'
'[10,20,30]' -> (id - 3)
'[10,20,30]' ->> -1
json_set('{"c":[1]}', '$.c[#]', t, '$.d[#]', 2, '$.c[#-1]', 0)
'{"a\"b":1}' -> '$."a\"b"'
json_extract('{"a":[1]}', '$.a[#]')
json(jsonb_set('{"a":1}', '$.a', n))
json(jsonb_patch('{"a":1}', '{"b":2}'))
json(jsonb_remove('[1,2,3]', '$[1]'))
json(jsonb_insert('[1,2,3]', '$[#]', id))
json(jsonb_replace('{"a":[1,2]}', '$.a[1]', id))
json(jsonb_array_insert('[1]', '$[0]', id))
json(jsonb_object('a', jsonb_array(id, 'x'), 'b', jsonb('[1, 2]')))
""".strip().splitlines()


def test_functions_of_newer_releases(t):
    # An aggregate has one row.
    views = "".join(f"CREATE VIEW q{n} AS SELECT {'1 AS id' if 'agg(' in e else 'id'}, CAST({e} AS TEXT) AS said FROM f;" for n, e in enumerate(TEXTS))
    path = t.file("newer.db", FILE + views)
    t.import_(path, {"views": False})
    t.sql(f"CREATE SERVER newer FOREIGN DATA WRAPPER pg_sqlite_fdw OPTIONS (database {quote(str(path))})")
    target = connected(t)
    wrong, refused = [], []
    for n, e in enumerate(TEXTS):
        statement = f"SELECT {'1' if 'agg(' in e else 'id'}, CAST({e} AS TEXT) FROM f ORDER BY 1"
        try:
            sql, helpers = target.execute(f"SELECT statement, helpers FROM sqlite_translate({quote(statement)}, {quote(str(path))}, {quote(json.dumps({'views': False}))})").fetchone()
        except Exception as error:
            refused.append((e, str(error).splitlines()[0]))
            continue
        for helper in helpers:
            target.execute(helper)
        target.execute(f"CREATE FOREIGN TABLE q{n} (id bigint, said text) SERVER newer OPTIONS (table 'q{n}')")
        expected = target.execute(f"SELECT id, said FROM q{n} ORDER BY id").fetchall()
        found = [(number, None if said is None else str(said)) for number, said in target.execute(sql).fetchall()]
        if found != expected:
            wrong.append((e, sql, [pair for pair in zip(expected, found) if pair[0] != pair[1]][:3]))
    target.close()
    assert not wrong, "\n".join(map(str, wrong))
    assert len(refused) <= 4, refused
