"""Recomputes the numbers of a manifest from PostgreSQL alone, by the mapping in it: docs/manifest.md, over any connection of a
Python driver. Nothing of the extension is called.

    postgres_manifest.py CONNECTION MANIFEST [SCHEMA]    prints tables and columns as the database has them
"""

import decimal
import json
import struct
import sys
import uuid

from canonical import canonical_json, of_file, plain, sums

SETTINGS = """SET DateStyle = 'ISO, MDY'; SET IntervalStyle = 'postgres'; SET TimeZone = 'UTC'; SET extra_float_digits = 1;
    SET bytea_output = 'hex'; SET lc_monetary = 'C'; SET xmloption = 'content'; SET search_path = 'pg_catalog'; SET row_security = off"""
MICROS = "trunc(extract(epoch FROM {0}) * 1000000)::text"
FINITE = "CASE WHEN isfinite({{0}}) THEN {} ELSE {{0}}::text END"
# What is read of a column, as text; {0} is its name.
TERMS = {
    "double": "{0}::float8::text",
    "numeric": "{0}::numeric::text",
    # A cast to text may print another one than the type's output function.
    "printed": "CASE WHEN {0} IS DISTINCT FROM NULL THEN format('%s', {0}) END",
    "date": FINITE.format("({0} - date '1970-01-01')::text"),
    "time": MICROS,
    "timetz": "trunc(extract(epoch FROM {0}::time) * 1000000)::text || ' ' || extract(timezone FROM {0})::text",
    "timestamp": FINITE.format(MICROS),
    "timestamptz": FINITE.format(MICROS),
    "interval": "(extract(year FROM {0}) * 12 + extract(month FROM {0}))::text || ' ' || extract(day FROM {0})::text || ' '"
                " || trunc((extract(hour FROM {0}) * 60 + extract(minute FROM {0})) * 60000000 + extract(microseconds FROM {0}))::text",
}
# The bytes of such a text; of other forms, the text itself.
BYTES = {
    "boolean": lambda text: {"true": b"1", "false": b"0"}[text],
    "double": lambda text: struct.pack(">d", float(text)),
    "numeric": lambda text: plain(decimal.Decimal(text)).encode(),
    "character": lambda text: text.rstrip(" ").encode(),
    "bytea": lambda text: bytes.fromhex(text[2:]),
    "uuid": lambda text: uuid.UUID(text).bytes,
    "json": canonical_json,
}


def ident(name):
    return '"' + name.replace('"', '""') + '"'


def recompute(execute, manifest, schema=None):
    """`execute` runs a statement and gives its rows."""
    execute(SETTINGS)
    tables = []
    for table in manifest["tables"]:
        columns = table["columns"]
        terms = [TERMS.get(column["form"], "{0}::text").format(ident(column["column"])) for column in columns]
        rows = execute(f"SELECT {', '.join(terms) or 'NULL'} FROM ONLY {ident(schema or table['schema'])}.{ident(table['table'])}")
        made = ([None if text is None else BYTES.get(column["form"], str.encode)(text) for column, text in zip(columns, row)] for row in rows)
        of_table, of_columns = sums(columns, made)
        tables.append({"source": table["source"], **of_table, "columns": of_columns})
    return {"tables": tables, "checksum": of_file(tables)}


if __name__ == "__main__":
    import psycopg

    with psycopg.connect(sys.argv[1]) as connection:
        run = lambda sql: (lambda cursor: cursor.fetchall() if cursor.description else [])(connection.execute(sql))  # noqa: E731
        print(json.dumps(recompute(run, json.load(open(sys.argv[2])), *sys.argv[3:]), ensure_ascii=False, indent=1))
