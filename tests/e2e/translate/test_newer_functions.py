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
