"""A new row for a table, made up as an application would write one: what must be given is given, parents are looked up or
made, and identities, defaults and generated columns are left to PostgreSQL.

A column that must be given gets, in this order: what the caller says (`samples`), the key of a parent, a fresh value where it
must be unique, what another row of the table holds (so that CHECKs, domains and enums are content), a value of its type.
"""

import dataclasses
import functools
import json

from harness import ident, quote

# Literals by format_type(); {} is a number that no other row has.
FRESH = {
    "smallint": "{}", "integer": "{}", "bigint": "{}", "numeric": "{}", "real": "{}", "double precision": "{}",
    "boolean": "true", "uuid": "00000000-0000-4000-8000-{:012d}", "json": "{{}}", "jsonb": "{{}}", "bytea": "\\x{:08x}",
    "date": "2024-05-06", "time without time zone": "12:34:56", "interval": "{} minutes", "inet": "203.0.113.9",
    "timestamp without time zone": "2024-05-06 12:34:56", "timestamp with time zone": "2024-05-06 12:34:56Z",
}

COLUMNS = """
SELECT a.attname AS name, a.attnotnull AS required, format_type(a.atttypid, NULL) AS type,
       a.atthasdef OR a.attidentity <> '' AS has_default,
       pg_get_serial_sequence(format('%I.%I', n.nspname, c.relname), a.attname) AS sequence,
       EXISTS (SELECT FROM pg_index i LEFT JOIN pg_depend d ON d.objid = i.indexrelid AND d.refobjid = i.indrelid
               WHERE i.indrelid = c.oid AND (i.indisunique OR i.indisexclusion)
               AND (a.attnum = ANY (i.indkey) OR a.attnum = d.refobjsubid)) AS in_key
FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace JOIN pg_attribute a ON a.attrelid = c.oid
WHERE n.nspname = 'public' AND c.relname = {} AND a.attnum > 0 AND NOT a.attisdropped ORDER BY a.attnum
"""
PARENTS = """
SELECT p.relname AS parent, array_agg(a.attname ORDER BY k.n) AS columns, array_agg(b.attname ORDER BY k.n) AS keys
FROM pg_constraint f JOIN pg_class p ON p.oid = f.confrelid
CROSS JOIN unnest(f.conkey, f.confkey) WITH ORDINALITY k (own, other, n)
JOIN pg_attribute a ON a.attrelid = f.conrelid AND a.attnum = k.own
JOIN pg_attribute b ON b.attrelid = f.confrelid AND b.attnum = k.other
WHERE f.contype = 'f' AND f.conparentid = 0 AND f.conrelid = format('public.%I', {}::text)::regclass
GROUP BY f.oid, p.relname ORDER BY f.oid
"""


@dataclasses.dataclass
class Table:
    name: str
    columns: dict
    parents: list


@functools.cache
def table(t, name):
    columns = t.rows(COLUMNS.format(quote(name)))
    return Table(name, {c["name"]: c for c in columns}, t.rows(PARENTS.format(quote(name))))


class Maker:
    """Inserts rows through one session, within the caller's transaction. `samples` is by "table.column"."""

    def __init__(self, t, session, samples=None):
        self.t, self.session, self.samples = t, session, samples or {}
        self.number = 7000

    def insert(self, name, **given):
        """Inserts a row with the values given and whatever else it needs; returns the whole row as texts."""
        into = table(self.t, name)
        values = {**self.sampled(into), **given}
        for parent in into.parents:
            self.refer(into, parent, values)
        for column in into.columns.values():
            if column["required"] and not column["has_default"] and column["name"] not in values:
                values[column["name"]] = self.value(into, column)
        return self.one(f"INSERT INTO {qualified(name)} {row(values)} RETURNING {texts(into)}")

    def sampled(self, into):
        return {c: self.samples[f"{into.name}.{c}"] for c in into.columns if f"{into.name}.{c}" in self.samples}

    def refer(self, into, parent, values):
        """Takes the key of a parent that is there; where it may be used only once, that of a new one."""
        columns = [into.columns[name] for name in parent["columns"]]
        if all(c["name"] in values for c in columns):
            return
        known = {k: values[c["name"]] for k, c in zip(parent["keys"], columns) if c["name"] in values}
        single_use = any(c["in_key"] for c in columns)
        key = None if single_use else self.existing(parent["parent"], known)
        if key is None and any(c["required"] for c in columns):
            key = self.insert(parent["parent"], **known)
        if key is not None:
            values.update((c["name"], key[k]) for c, k in zip(columns, parent["keys"]))

    def existing(self, name, known):
        where = " AND ".join(f"{ident(c)} = {literal(v)}" for c, v in known.items()) or "true"
        return self.one(f"SELECT {texts(table(self.t, name))} FROM {qualified(name)} WHERE {where} LIMIT 1")

    def value(self, into, column):
        other = None if column["in_key"] else self.existing(into.name, {})
        if other is not None:
            return other[column["name"]]
        self.number += 1
        return FRESH.get(column["type"], "new {}").format(self.number)

    def one(self, sql):
        out = self.session.value(sql)
        return json.loads(out) if out else None


def texts(of):
    """An expression for a row as {column: text}."""
    names, cells = ", ".join(map(quote, of.columns)), ", ".join(f"{ident(c)}::text" for c in of.columns)
    return f"json_object(ARRAY[{names}], ARRAY[{cells}])"


def qualified(name):
    return f"public.{ident(name)}"


def row(values):
    if not values:
        return "DEFAULT VALUES"
    return f"({', '.join(map(ident, values))}) VALUES ({', '.join(map(literal, values.values()))})"


def literal(value):
    return "NULL" if value is None else quote(str(value))
