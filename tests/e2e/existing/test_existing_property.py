"""Random schemas that were there before, and random rows for them: after an import every value is there, every constraint
holds, every index is sound, and nothing else has changed; after one that fails nothing has changed at all.

PROPERTY_SEED (the first) and PROPERTY_COUNT choose other schemas than the suite's. A failure is told with the smallest part of
its schema that fails alike.
"""

import collections
import contextlib
import functools
import json
import os
import random
import sqlite3
import time
import traceback

import psycopg
import pytest

import catalog
import oracle
import schema_generator
import shrink
import values
from client import fails
from harness import ident, quote
from scenario import Scenario

SEEDS = range(1, 29)
# Seconds to look for a smaller case of a failure.
SHRINKING = 180
WRITER = ("SELECT, INSERT, UPDATE, DELETE, TRUNCATE ON ALL TABLES", "USAGE ON ALL SEQUENCES")
EXTENSIONS = ("citext", "btree_gist", "amcheck")


def seeds():
    first, count = int(os.environ.get("PROPERTY_SEED", SEEDS.start)), int(os.environ.get("PROPERTY_COUNT", len(SEEDS)))
    return range(first, first + count)


@pytest.mark.timeout(SHRINKING + 300)
@pytest.mark.parametrize("seed", seeds())
def test_seed(t, seed):
    case = Property(t, seed)
    try:
        case.run()
    except (AssertionError, psycopg.Error) as failure:
        raise AssertionError(f"PROPERTY_SEED={seed}: {failure}\n{smallest(t, seed, case.case.parts(), failure)}") from failure


def smallest(t, seed, parts, failure):
    """The smallest part of the case that fails in the same place, as far as there is time to find it."""
    end = time.monotonic() + SHRINKING

    def fails(parts):
        if time.monotonic() > end:
            return False
        try:
            with Scenario(t.server, f"smaller {seed}", t.settings) as smaller:
                Property(smaller, seed, parts).run()
        except Exception as other:
            return place(other) == place(failure)
        return False

    parts = shrink.smallest(parts, fails)
    with Scenario(t.server, f"smallest {seed}", t.settings) as scenario:
        return Property(scenario, seed, parts).described()


def place(error):
    """Where in this file it was raised, and what."""
    return type(error), [frame.lineno for frame in traceback.extract_tb(error.__traceback__) if frame.filename == __file__][1:]


class Property:
    """One schema, imported into twice: with a fault, and without."""

    def __init__(self, t, seed, parts=None):
        self.t, self.seed = t, seed
        version = int(t.value("SHOW server_version_num")) // 10000
        self.extensions = [name for name in EXTENSIONS if name in t.server.features]
        self.case = schema_generator.generate(seed, version, self.extensions + ["icu"] * ("icu" in t.server.features))
        if parts is not None:
            self.case.keep(parts)
        self.path, self.broken = t.dir / "rows.db", t.dir / "broken.db"

    def described(self):
        rows = "\n".join(f"{table.source}: {table.rows}" for table in self.case.tables)
        return f"{self.case.script('owner', 'reader')}\nplan: {json.dumps(self.case.plan, ensure_ascii=False)}\nrows of the file:\n{rows}"

    def run(self):
        self.make()
        self.rows_of_catalog = catalog.catalog_rows(self.t)
        self.catalog = self.t.server.dump_schema(self.t.database) + self.rows_of_catalog
        self.before, self.sequences, self.matviews = self.read(), self.sequence_states(), self.read_matviews()
        self.violations = self.violated()
        self.check_a_fault()
        self.check_import()
        self.check_again()

    # The schema

    def make(self):
        self.owner = self.t.role("owner é", "pg_read_server_files", f"CREATE ON DATABASE {ident(self.t.database)}")
        self.reader, self.writer = self.t.role("reader é"), self.t.role("writer é", "pg_read_server_files")
        self.t.sql("; ".join(f"CREATE EXTENSION {name}" for name in self.extensions))
        self.t.sql(self.case.script(self.owner, self.reader), self.owner)
        self.user = {"owner": self.owner, "writer": self.writer, "superuser": "postgres"}[self.case.maker.user]
        for schema in schema_generator.SCHEMAS:
            granted = [f"USAGE ON SCHEMA {ident(schema)}"] + [f"{rights} IN SCHEMA {ident(schema)}" for rights in WRITER]
            self.t.sql("; ".join(f"GRANT {rights} TO {ident(self.writer)}" for rights in granted))
        self.case.write(self.path)
        self.t.own(self.path)

    # What the database holds

    def read(self):
        """The loaded columns of every table: its rows as tuples of comparable values, in physical order."""
        return {table.name: self.read_table(table) for table in self.case.tables}

    @functools.cache
    def types(self, name):
        """Types of a table's columns by name, a domain's as its base type."""
        found = self.t.rows(f"""
            SELECT attname AS name, format_type(CASE typtype WHEN 'd' THEN typbasetype ELSE atttypid END, NULL) AS type
            FROM pg_attribute a JOIN pg_type y ON y.oid = atttypid WHERE attrelid = {quote(name)}::regclass AND attnum > 0""")
        return {column["name"]: column["type"] for column in found}

    def read_table(self, table):
        types, columns = self.types(table.q()), table.loaded()
        listed = ", ".join(values.select(ident(c.name), types[c.name]) for c in columns)
        text = self.t.server.copy(self.t.database, f"SELECT {listed} FROM {only(table)}{table.q()}")
        lines = [map(oracle.unescape, line.split(b"\t")) for line in text.split(b"\n")[:-1]]
        return [tuple(comparable(values.found(cell, types[c.name])) for c, cell in zip(columns, line)) for line in lines]

    def wanted(self, table):
        """The rows of the source, read by the comparison's own means."""
        types, columns = self.types(table.q()), table.loaded()
        listed = ", ".join(ident(c.source) for c in columns)
        with contextlib.closing(sqlite3.connect(self.path)) as db:
            db.text_factory = values.Text
            rows = list(db.execute(f"SELECT {listed} FROM {ident(table.source)}"))
        return [tuple(comparable(values.wanted(cell, types[c.name], c.cell.format)) for c, cell in zip(columns, row)) for row in rows]

    def sequence_states(self):
        """By name; what a default draws its numbers from is nobody's to put back."""
        names = self.t.rows("SELECT oid::regclass::text AS name, relname FROM pg_class WHERE relkind = 'S' AND relnamespace <> 'sqlite_migrate'::regnamespace")
        drawn = {d["name"] for d in self.t.rows("SELECT DISTINCT d.refobjid::regclass::text AS name FROM pg_depend d JOIN pg_attrdef a ON a.oid = d.objid"
                                                " WHERE d.classid = 'pg_attrdef'::regclass AND d.refclassid = 'pg_class'::regclass")}
        kept = [n["name"] for n in names if not n["relname"].startswith("own ") and n["name"] not in drawn & self.unloaded_serials()]
        parts = [f"SELECT {quote(name)} AS name, last_value, is_called FROM {name}" for name in sorted(kept) if "log_id_seq" not in name]
        return self.t.rows(" UNION ALL ".join(parts)) if parts else []

    def unloaded_serials(self):
        pairs = [(table.q(), c.name) for table in self.case.tables for c in table.columns if c.numbered and not c.loaded]
        return {self.t.value(f"SELECT pg_get_serial_sequence({quote(q)}, {quote(c)})") for q, c in pairs}

    def import_(self, path):
        return self.t.rows(self.t.call("sqlite_import", path, self.case.plan), self.user)

    # A row that cannot be

    def check_a_fault(self):
        faults = self.case.faults()
        kinds = sorted({fault.what for fault in faults})
        if not faults:
            return
        choice = random.Random(self.seed)
        what = choice.choice(kinds)
        self.fault = choice.choice([fault for fault in faults if fault.what == what])
        self.case.write(self.broken, self.fault)
        self.t.own(self.broken)
        result = self.t.attempt(self.t.call("sqlite_import", self.broken, self.case.plan), self.user)
        said = f"{self.fault}: {result.sqlstate} {result.message} {result.detail} {result.hint}"
        assert result.sqlstate, f"no error for {said}"
        assert any(result.sqlstate == s or s.endswith("*") and result.sqlstate.startswith(s[:-1]) for s in self.fault.states), said
        assert self.fault.named(result.message + result.detail), f"names neither the table nor a constraint: {said}"
        catalog.assert_same(self.rows_of_catalog, catalog.catalog_rows(self.t), f"a failed import ({said})")
        assert {k: collections.Counter(v) for k, v in self.read().items()} == {k: collections.Counter(v) for k, v in self.before.items()}, f"rows changed: {said}"
        assert self.sequence_states() == self.sequences, f"sequences changed: {said}"
        self.check_indexes()

    # A file that fits

    def check_import(self):
        rows = {(row["schema"], row["table"]): row for row in self.import_(self.path)}
        catalog.assert_same(self.catalog, catalog.dumped(self.t))
        after = self.read()
        for table in self.case.tables:
            self.check_table(table, rows[table.schema, table.name], after[table.name])
        self.check_triggers(rows)
        assert self.violated() <= self.violations, f"violated now: {self.violated() - self.violations}"
        self.check_generated()
        self.check_indexes()
        self.check_matviews()
        self.check_next_values()

    def check_again(self):
        """A second run changes nothing where each table has on_conflict, and is refused where one has rows and says nothing."""
        loaded = [table for table in self.case.tables if table.rows]
        found = [table.conflict and None not in table.conflict_keys() for table in loaded]
        if loaded and all(found):
            rows = self.import_(self.path)
            assert not any(row["imported"] for row in rows), rows
        elif any(table.mode == "new" and not table.conflict and table.shape != "view" for table in loaded):
            with fails("42P07", "exists and holds"):
                self.import_(self.path)

    def check_table(self, table, row, after):
        before = [] if table.mode == "truncate" else self.before[table.name]
        assert row["source_rows"] == len(table.rows) == row["imported"] + row["updated"] + row["skipped"] + row["rejected"], row
        assert row["status"] == "loaded" and row["rejected"] == 0, row
        if table.unseen and table.mode == "update":
            assert "not counted: row-level security applies to the caller, so that added rows are counted as updated" in row["detail"], row
        else:
            self.check_counts(table, row, len(before), len(after))
        wanted, found = collections.Counter(self.settled(table, before)), collections.Counter(after)
        assert wanted == found, f"{table.name}: missing {sample(wanted - found)}, not expected {sample(found - wanted)}; columns {[c.name for c in table.loaded()]}"

    def check_counts(self, table, row, before, after):
        assert after == before + row["imported"], (before, row, after)
        if table.conflict and table.mode == "skip" or table.again:
            again = {"skip": row["skipped"], "update": row["updated"]}[table.mode]
            assert again == len(table.again), (len(table.again), row)

    def settled(self, table, before):
        """The rows that should be there, after conflicts are settled."""
        came = self.wanted(table)
        if not table.conflict:
            return before + came
        columns = table.loaded()
        key = [columns.index(c) for c in table.conflict.columns]
        at = lambda row: tuple(row[n] for n in key)  # noqa: E731
        stays, rest = {at(row): row for row in before if None not in at(row)}, [row for row in before if None in at(row)]
        for row in came:
            old = stays.get(at(row))
            if old is None or None in at(row):
                rest.append(row)
            elif table.mode == "update":
                stays[at(row)] = tuple(o if c.numbered == "ALWAYS" else new for c, o, new in zip(columns, old, row))
        return rest + list(stays.values())

    def check_triggers(self, rows):
        """What should be quiet is quiet, and what should fire has."""
        log = collections.Counter(row["said"] for row in self.t.rows("SELECT said FROM app.log WHERE source <> 'rule'"))
        for table in self.case.tables:
            noted = sum(count for said, count in log.items() if said.startswith(f"{table.name} ") and "INSERT" in said)
            if not table.fire and self.user != self.writer and table.shape in ("plain", "rules", "range", "list", "hash"):
                assert noted == 0, f"{table.name}: triggers fired: {log}"
            if table.fire and table.noted and rows[table.schema, table.name]["imported"]:
                assert noted >= rows[table.schema, table.name]["imported"], f"{table.name}: triggers did not fire: {log}"

    # What must hold, by PostgreSQL's catalog and queries

    def violated(self):
        """Rows that break a constraint, counted by constraint."""
        queries = self.checks() + self.uniques() + self.foreign_keys()
        found = self.t.rows(" UNION ALL ".join(f"SELECT {quote(name)} AS name, (SELECT count(*) FROM ({query}) q) AS n" for name, query in queries)) if queries else []
        return collections.Counter({row["name"]: row["n"] for row in found if row["n"]})

    def checks(self):
        found = self.t.rows(f"SELECT conrelid::regclass::text AS rel, conname, pg_get_expr(conbin, conrelid) AS condition FROM pg_constraint WHERE contype = 'c' AND {OURS.format('conrelid')}")
        nulls = self.t.rows(f"SELECT attrelid::regclass::text AS rel, attname FROM pg_attribute JOIN pg_class c ON c.oid = attrelid"
                            f" WHERE relkind = 'r' AND attnotnull AND attnum > 0 AND {OURS.format('attrelid')}")
        return [(f"{c['rel']} {c['conname']}", f"SELECT FROM ONLY {c['rel']} WHERE NOT ({c['condition']})") for c in found] + \
               [(f"{c['rel']}.{c['attname']} NOT NULL", f"SELECT FROM ONLY {c['rel']} WHERE {ident(c['attname'])} IS NULL") for c in nulls]

    def uniques(self):
        found = self.t.rows(f"""
            SELECT indexrelid::regclass::text AS name, indrelid::regclass::text AS rel, pg_get_expr(indpred, indrelid) AS pred,
                   coalesce((to_jsonb(i)->>'indnullsnotdistinct')::boolean, false) AS same,
                   (SELECT json_agg(pg_get_indexdef(indexrelid, n, true) ORDER BY n) FROM generate_series(1, indnkeyatts) n) AS keys
            FROM pg_index i JOIN pg_class c ON c.oid = indrelid WHERE indisunique AND relkind = 'r' AND {OURS.format('indrelid')}""")
        queries = []
        for index in found:
            where = [f"({index['pred']})"] if index["pred"] else []
            where += [] if index["same"] else [f"({key}) IS NOT NULL" for key in index["keys"]]
            queries.append((index["name"], f"SELECT FROM ONLY {index['rel']} WHERE {' AND '.join(where) or 'true'} GROUP BY {', '.join(index['keys'])} HAVING count(*) > 1"))
        return queries + [(f"{table.q()} exclusion", self.overlaps(table, key)) for table in self.case.tables for key in table.keys if key.kind == "exclude"]

    def overlaps(self, table, key):
        *others, span = (ident(c.name) for c in key.columns)
        return f"SELECT FROM ONLY {table.q()} a, ONLY {table.q()} b WHERE a.ctid <> b.ctid AND a.{span} && b.{span}" + "".join(f" AND a.{o} = b.{o}" for o in others)

    def foreign_keys(self):
        queries = []
        for table in self.case.tables:
            for foreign in table.foreign:
                ours, theirs = [ident(c.name) for c in foreign.columns], [ident(c.name) for c in foreign.key.columns]
                same = " AND ".join(f"p.{p} = c.{c}" for c, p in zip(ours, theirs))
                some = (" OR " if foreign.full else " AND ").join(f"c.{c} IS NOT NULL" for c in ours)
                queries.append((f"{table.q()} {foreign.name}", f"SELECT FROM {only(table)}{table.q()} c WHERE ({some}) AND NOT EXISTS (SELECT FROM {only(foreign.parent)}{foreign.parent.q()} p WHERE {same})"))
        return queries

    def check_generated(self):
        for table in self.case.tables:
            for column in table.columns:
                if column.expression and not column.inherited:
                    wrong = self.t.value(f"SELECT count(*) FROM {table.q()} WHERE {ident(column.name)} IS DISTINCT FROM ({column.expression})")
                    assert wrong == "0", f"{table.name}.{column.name}: {wrong} rows do not hold {column.expression}"

    def check_indexes(self):
        """By amcheck where the kind of index is known to it, and by what each finds."""
        if "amcheck" in self.extensions:
            self.t.sql(f"SELECT bt_index_check(i.oid, heapallindexed => true) FROM pg_class i JOIN pg_am m ON m.oid = relam WHERE relkind = 'i' AND amname = 'btree' AND {OURS.format('i.oid')}")
            damaged = self.t.value(f"SELECT json_agg(v) FROM pg_class c, verify_heapam(c.oid) v WHERE relkind = 'r' AND {OURS.format('c.oid')}")
            assert damaged == "", damaged
        probes = [(f"{table.name}.{column} {op}", f"SELECT count(*) FROM {table.q()} a, {table.q()} b WHERE a.{ident(column)} {op} b.{ident(column)}")
                  for table in self.case.tables for column, op in table.probes]
        by_index = "SET enable_seqscan = off; SET enable_hashjoin = off; SET enable_mergejoin = off; SET enable_sort = off;"
        by_table = "SET enable_indexscan = off; SET enable_bitmapscan = off; SET enable_indexonlyscan = off;"
        found, there = (self.t.value(how + ";".join(query for _, query in probes)).split() for how in (by_index, by_table))
        assert found == there, [(name, f, t) for (name, _), f, t in zip(probes, found, there) if f != t]

    def check_matviews(self):
        """Each holds what its query says now, or has held since it was made."""
        for name, before in self.matviews.items():
            query = self.t.value(f"SELECT pg_get_viewdef({quote(name)}::regclass)")
            rows = self.t.value(query) if self.case.plan["refresh"] else before
            assert self.t.value(f"SELECT n FROM {name}") == rows, name

    def read_matviews(self):
        names = [table.matview for table in self.case.tables if table.matview and table.shape != "view"]
        return {name: self.t.value(f"SELECT n FROM {name}") for name in names}

    def check_next_values(self):
        """A sequence goes on behind the highest value; it is its owner's to move. Where nobody may look, a finding says so."""
        for table in self.case.tables:
            for column in table.columns:
                if not (column.numbered and column.loaded and table.shape not in ("view", "leaf") and self.user != self.writer):
                    continue
                if table.unseen:
                    said = self.t.value(f"SELECT count(*) FROM sqlite_migrate.finding WHERE run = (SELECT max(id) FROM sqlite_migrate.run) AND object = {quote(table.source)}"
                                        " AND message ~ '^sequence .* is not set: .*row-level security'")
                    assert said != "0", f"{table.name}.{column.name}: no finding says that its sequence is not set"
                else:
                    sequence = f"pg_get_serial_sequence({quote(table.q())}, {quote(column.name)})"
                    highest = f"(SELECT max({ident(column.name)}) FROM {table.q()})"
                    ok = self.t.value(f"WITH h AS MATERIALIZED (SELECT {highest} AS h) SELECT coalesce(nextval({sequence}) > h, true) FROM h")
                    assert ok == "t", f"{table.name}.{column.name}: the sequence gives a number that is there"


# Of the generated schemas, not the extension's own.
OURS = "(SELECT relnamespace FROM pg_class WHERE oid = {}) IN ('app'::regnamespace, '\"Second \"\"schema\"\"\"'::regnamespace)"


def only(table):
    return "" if table.shape in ("range", "list", "hash") else "ONLY "


def comparable(value):
    """A value that can be counted."""
    if isinstance(value, dict):
        return frozenset((key, comparable(item)) for key, item in value.items())
    return tuple(map(comparable, value)) if isinstance(value, list) else value


def sample(counter):
    return f"{sum(counter.values())} rows: {list(counter)[:2]!r:.600}"
