"""What a translated statement and its helper functions give depends neither on the database's encoding, nor on the role, nor on settings."""

import json
import sqlite3

import psycopg
import pytest

import rotation
from harness import quote

FILE = r"""
    CREATE TABLE w (id INTEGER PRIMARY KEY, t TEXT, u TEXT COLLATE NOCASE, n INTEGER, r REAL, at TEXT, j TEXT);
    INSERT INTO w VALUES (1, 'Crème', 'abc', 1, 0.5, '2024-01-31 10:20:30', '{"é": [1, 2, {"k": "ü"}], "a": 1}'), (2, 'zebra', 'ABC', -7, 1e20, '2024-02-29', '[1, "ö", null]'),
        (3, '', 'x', 9007199254740993, 9007199254740992.0, 'never', '{"a": {"b": [true]}}'), (4, NULL, NULL, NULL, NULL, NULL, NULL), (5, 'Ünter it''s \ 5%', 'Éa', 5, -2.5, '12:30', '{}');"""
STATEMENT = """SELECT id, upper(t), lower(u), length(t), hex(t), unicode(t), char(233, 246), substr(t, -3, 2), instr(t, 'm'), replace(t, 'è', 'é'), trim(t, 'C'), quote(t), t LIKE 'cr_me',
    t GLOB '*[ÀÜ]n*', t GLOB '*' || substr(t, 2, 1) || '*', u = 'aBc', t < 'd', printf('%-8s|%8.3f|%5d|%q|%!.3s', t, r, n, t, t), printf('%' || substr('sq', id % 2 + 1, 1) || '|%g', t, r), r || '',
    CAST(t AS INTEGER), CAST(at AS REAL), datetime(at, '+1 month'), strftime('%s é %j', at), n = r, n < r, n > r, coalesce(t, n) = 5, max(n, t), json_extract(j, '$.é[' || 2 || '].k'),
    json_extract(j, '$."é"[#-1].k'), json_set(j, '$.é[0]', t, '$.neu', 'ß'), json_patch(j, '{"é": null, "ä": {"ö": 1}}'), json_type(j, '$.' || 'a'), j ->> 'a',
    (SELECT group_concat(value, '|') FROM (SELECT value FROM json_each(j, '$.' || 'é') ORDER BY key))
    FROM w ORDER BY t COLLATE NOCASE DESC, id"""
UNION = "SELECT t FROM w UNION SELECT n FROM w UNION SELECT 'é' ORDER BY 1"
SETTINGS = ["DateStyle = 'SQL, DMY'", "extra_float_digits = -5", "standard_conforming_strings = off", "bytea_output = 'escape'", "TimeZone = 'Asia/Kathmandu'", "lc_monetary = 'C'"]


# In SQL_ASCII a character is a byte.
ASCII = str.maketrans("éèàüÜöäßÉÀ", "eeauUoasEA")


def spelled(value):
    """A value as a text, in which 1 and 1.0, and true and 1, are one."""
    if isinstance(value, float):
        return f"{value:.12g}"
    return None if value is None else str(int(value) if isinstance(value, bool) else value)


@pytest.mark.parametrize("encoding", ["UTF8", "LATIN1", "EUC_JP", "SQL_ASCII"])
def test_encodings_roles_and_settings(t, encoding):
    file, statements = FILE, [STATEMENT, UNION]
    if encoding == "SQL_ASCII":
        file, statements = file.translate(ASCII), [s.translate(ASCII).replace("char(233, 246)", "char(101, 102)") for s in statements]
    path = t.file("w.db", file)
    database = t.other_database(encoding.lower(), f"ENCODING '{encoding}' LOCALE 'C' TEMPLATE template0")
    role = t.role("importer", "pg_read_server_files")
    t.server.run(database, f"CREATE SCHEMA app AUTHORIZATION {role}; CREATE SCHEMA sqlite_compat AUTHORIZATION {role}")
    source = sqlite3.connect(path)
    plan = json.dumps({"schema": "app"})
    with psycopg.connect(host=t.server.socket, port=5432, user=role, dbname=database, autocommit=True, client_encoding="UTF8") as target:
        target.execute("; ".join(f"SET {setting}" for setting in [*SETTINGS, "search_path = ''"]))
        target.execute(f"SELECT * FROM public.sqlite_import({quote(str(path))}, {quote(plan)})")
        for statement in statements:
            sql, helpers = target.execute("SELECT statement, helpers FROM public.sqlite_translate(%s, %s, %s)", [statement, str(path), plan]).fetchone()
            # The schema is there: making one takes a right over the database.
            for helper in helpers[1:]:
                target.execute(helper)
            expected = source.execute(statement).fetchall()
            width = len(expected[0])
            with target.transaction(force_rollback=True):
                target.execute(f"CREATE TEMP TABLE found({', '.join(f'c{n}' for n in range(width))}) ON COMMIT DROP AS {sql}")
                target.execute(rotation.commands("SET LOCAL", rotation.FIXED))
                found = target.execute("SELECT * FROM pg_temp.found").fetchall()
            assert [[spelled(v) for v in row] for row in found] == [[spelled(v) for v in row] for row in expected], sql
