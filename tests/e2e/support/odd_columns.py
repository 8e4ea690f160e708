"""Random tables of columns in which something is odd, as programs have left them: a few values that their declared type does not
expect, a table that exists with types of its own, a plan that asks for more than the values give. The same for the same seed."""

import random

from harness import ident

# Declared types, each with literals of SQLite that it expects.
EXPECTED = {
    "INTEGER": ["1", "0", "-7", "12345678901"], "BIGINT": ["9223372036854775807", "5"], "REAL": ["1.5", "-2.25", "3"],
    "NUMERIC(8,2)": ["1.25", "12.5", "-3"], "DECIMAL(10,3)": ["'1.125'", "7"], "BOOLEAN": ["0", "1", "'t'", "'false'"],
    "TEXT": ["'a'", "'bé'", "'x y'"], "VARCHAR(4)": ["'abcd'", "'b'"], "DATE": ["'2024-02-29'", "'1999-12-31'"],
    "DATETIME": ["'2024-05-06 07:08:09'", "'2024-05-06T07:08:09.123Z'", "'2001-01-01 00:00:00'"], "TIME": ["'07:08:09'", "'23:59:59.5'"],
    "TIMESTAMP": ["1700000000", "1600000000", "1650000000"], "UUID": ["'3f2504e0-4f89-41d3-9a0c-0305e82c3301'", "'00000000-0000-4000-8000-000000000001'"],
    "JSON": ["'{\"a\": 1}'", "'[1, 2]'", "'null'"], "BLOB": ["x'00ff'", "x''"], "": ["1", "'a'", "x'01'"],
}
# What one finds in them all the same.
ODD = ["NULL", "''", "' '", "'n/a'", "'NULL'", "'0000-00-00'", "0", "-1", "1e300", "9e999", "'NaN'", "'Infinity'", "0.1", "'1,5'", "'0x1F'", "'31.12.2020'",
       "'2024-02-30'", "'2024-05-06 07:08:09.123456789'", "'24:00:00'", "1700000000000", "-62135596800", "x'80'", "'abcdefghij'", "'{oops'", "'{\"a\": \"\\u0000\"}'",
       "'{3F2504E0-4F89-41D3-9A0C-0305E82C3302}'", "'yes'", "2", "9223372036854775807", "CAST(x'ff41' AS TEXT)", "'a' || char(0) || 'b'", "1.005", "'١'"]
# Types of an existing column.
EXISTING = ["bigint", "integer", "double precision", "numeric(8,2)", "boolean", "text", "varchar(4)", "date", "timestamp(3)", "timestamptz", "time", "uuid", "jsonb", "json", "bytea"]
PLANS = [{}, {}, {}, {"on_invalid": "null"}, {"on_invalid": "reject"}, {"excess": "round"}, {"null_values": ["", "n/a"]}, {"epochs": "named"}, {"keys": "as_data_allows"}]


def generate(seed):
    """A script for SQLite, one for PostgreSQL, and a plan."""
    choice = random.Random(seed)
    columns = [column(choice, n) for n in range(choice.randint(1, 4))]
    count = choice.choice([1, 3, 12])
    keyed = choice.random() < 0.5
    definitions = ["id INTEGER PRIMARY KEY"] * keyed + [f"{ident(name)} {declared}{' NOT NULL' if required else ''}" for name, declared, required, _ in columns]
    rows = []
    for n in range(count):
        values = [str(n + 1)] * keyed + [value(choice, *rest) for _, *rest in columns]
        rows.append(f"({', '.join(values)})")
    script = f"CREATE TABLE t ({', '.join(definitions)}); INSERT INTO t VALUES {', '.join(rows)};"
    if choice.random() < 0.6:
        return script, "", choice.choice(PLANS)
    there = ["id bigint PRIMARY KEY"] * keyed + [f"{ident(name)} {choice.choice(EXISTING)}{' NOT NULL' if required else ''}" for name, _, required, _ in columns]
    return script, f"CREATE TABLE t ({', '.join(there)})", {"create": "never", **choice.choice(PLANS)}


def column(choice, n):
    declared = choice.choice(list(EXPECTED))
    odd = choice.sample(ODD, choice.choice([0, 1, 1, 2, 4]))
    return choice.choice(["c{}", "created_at{}", "Größe {}", "is_{}"]).format(n), declared, choice.random() < 0.2, odd


def value(choice, declared, required, odd):
    found = choice.choice(odd) if odd and choice.random() < 0.3 else choice.choice(EXPECTED[declared])
    return "''" if required and found == "NULL" else found
