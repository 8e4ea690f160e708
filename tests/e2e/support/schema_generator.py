"""Random PostgreSQL schemas as an ORM or a person may have made them, with rows that are there already, a SQLite file whose
rows obey every constraint, and a plan that loads them; the same for the same seed.

    case = generate(seed)
    case.script          makes the schema and its rows
    case.write(path)     writes the SQLite file
    case.plan            the plan
    case.faults()        ways to break one row: what must be refused

A row is {column name: number of the value} (schema_kinds.py); rows of tables that refer to each other share numbers.
"""

import dataclasses
import random
import sqlite3

from harness import ident, quote
from schema_maker import NOWHERE, PLENTY, Maker
from schema_tables import SCHEMAS, Table

PRELUDE = '''
CREATE SCHEMA app; CREATE SCHEMA "Second ""schema""";
CREATE TABLE app.log (id bigserial PRIMARY KEY, source text, said text);
CREATE FUNCTION app.note() RETURNS trigger LANGUAGE plpgsql AS $$BEGIN
    INSERT INTO app.log (source, said) VALUES (TG_NAME, TG_TABLE_NAME || ' ' || TG_WHEN || ' ' || TG_OP || ' ' || TG_LEVEL); RETURN coalesce(NEW, OLD); END$$;
CREATE FUNCTION app.never() RETURNS trigger LANGUAGE plpgsql AS $$BEGIN RAISE EXCEPTION 'trigger % fired', TG_NAME USING ERRCODE = 'P0009'; END$$;
CREATE FUNCTION app.looks(n bigint) RETURNS boolean LANGUAGE plpgsql STABLE AS $$BEGIN RETURN n >= (SELECT min(0) FROM app.log); END$$;
ALTER FUNCTION app.looks SET search_path = app;
'''


@dataclasses.dataclass
class Case:
    seed: int
    maker: Maker

    @property
    def tables(self):
        return self.maker.tables

    def prelude(self):
        types = {c.kind.prepare for t in self.tables for c in t.columns if c.kind.prepare}
        prepare = [p.replace("{s}", ident(SCHEMAS[1])) for p in sorted(types)]
        return [PRELUDE, *prepare, *self.maker.prepared]

    def script(self, owner, reader):
        """Statements that make everything, in the owner's name."""
        made = self.prelude()
        for table in self.tables:
            made += self.create(table) + self.there(table) + table.more
        text = ";\n".join(made + self.maker.after) + ";\n"
        return text.replace("{owner}", ident(owner)).replace("{reader}", ident(reader))

    def create(self, table):
        junk = ident("junk ü")
        definitions = [c.definition() for c in table.columns if not c.inherited]
        definitions.insert(len(definitions) // 2, f"{junk} numeric DEFAULT 1")
        unlogged = "UNLOGGED " if table.unlogged else ""
        root = f"{ident(table.schema)}.{ident(f'root {table.number}')}" if table.shape == "leaf" else table.q()
        head = f"CREATE {unlogged}TABLE {root} ({', '.join(definitions)})"
        if table.parent:
            head += f" INHERITS ({table.parent.q()})"
        if table.shape in ("range", "list", "hash", "leaf"):
            head += f" PARTITION BY {'range' if table.shape == 'leaf' else table.shape} ({ident(table.partition.name)})"
        made = [head, f"ALTER TABLE {root} DROP COLUMN {junk}"]
        return made + self.partitions(table, root)

    def partitions(self, table, root):
        part = lambda n: f"{ident(table.schema)}.{ident(f'part {table.number} {n}')}"  # noqa: E731
        write = lambda i: quote(table.partition.kind.literal(i))  # noqa: E731
        if table.shape == "leaf":
            return [f"CREATE TABLE {table.q()} PARTITION OF {root} FOR VALUES FROM (MINVALUE) TO ({write(1000)})", f"CREATE TABLE {part(1)} PARTITION OF {root} DEFAULT"]
        if table.shape == "range":
            return [f"CREATE TABLE {part(1)} PARTITION OF {root} FOR VALUES FROM (MINVALUE) TO ({write(700)})", *self.attached(part(2), root, f"FROM ({write(700)}) TO ({write(1500)})"),
                    f"CREATE TABLE {part(3)} PARTITION OF {root} DEFAULT"]
        if table.shape == "list":
            return [f"CREATE TABLE {part(1)} PARTITION OF {root} FOR VALUES IN ({write(0)})", *self.attached(part(2), root, f"IN ({write(1)})"), f"CREATE TABLE {part(3)} PARTITION OF {root} DEFAULT"]
        if table.shape == "hash":
            return [f"CREATE TABLE {part(0)} PARTITION OF {root} FOR VALUES WITH (MODULUS 2, REMAINDER 0)", *self.attached(part(1), root, "WITH (MODULUS 2, REMAINDER 1)")]
        return []

    def attached(self, name, root, bound):
        """A partition whose columns have other numbers."""
        return [f"CREATE TABLE {name} (junk integer, LIKE {root} INCLUDING DEFAULTS INCLUDING GENERATED INCLUDING CONSTRAINTS)", f"ALTER TABLE {name} DROP COLUMN junk",
                f"ALTER TABLE {root} ATTACH PARTITION {name} FOR VALUES {bound}"]

    def there(self, table):
        columns = table.loaded()
        if not table.seeds:
            return []
        rows = [", ".join("NULL" if row[c.name] is None else quote(c.kind.literal(row[c.name])) for c in columns) for row in table.seeds]
        return [f"INSERT INTO {table.q()} ({', '.join(ident(c.name) for c in columns)}) OVERRIDING SYSTEM VALUE VALUES ({'), ('.join(rows)})"]

    # The source

    def write(self, path, fault=None):
        """Writes the SQLite file; with a fault, keys are not declared and one row is another."""
        path.unlink(missing_ok=True)
        db, choice = sqlite3.connect(path), random.Random(self.seed)
        for table in self.tables:
            columns = [c for c in table.columns if c.source is not None]
            listed = [f"{ident(c.source)} {c.declared}" for c in columns]
            key = next((k for k in table.keys if k.kind == "primary" and all(c.loaded for c in k.columns)), None)
            if key and not fault and choice.randrange(2):
                listed.append(f"PRIMARY KEY ({', '.join(ident(c.source) for c in key.columns)})")
            if choice.randrange(5) == 0 and self.profile == "full":
                listed.append('"nothing here" TEXT')
            db.execute(f"CREATE TABLE {ident(table.source)} ({', '.join(sorted(listed, key=lambda d: (d.startswith('PRIMARY'), choice.random())))})")
            insert = f"INSERT INTO {ident(table.source)} ({', '.join(ident(c.source) for c in columns)}) VALUES ({', '.join('?' * len(columns))})"
            rows = [[self.cell(c, row) for c in columns] for row in table.rows]
            if fault and fault.table is table:
                for name, cell in fault.cells.items():
                    rows[fault.row][next(n for n, c in enumerate(columns) if c.name == name)] = cell
            db.executemany(insert, rows)
        db.commit()
        db.close()

    def cell(self, column, row):
        i = row.get(column.name, 1) if column.loaded else 1
        return None if i is None else column.cell.write(i)

    # The plan

    @property
    def profile(self):
        return random.Random(self.seed + 2).choice(["full", "full", "sample", "none"])

    @property
    def plan(self):
        choice, tables = random.Random(self.seed + 1), {}
        for table in self.tables:
            own = {"schema": table.schema}
            if table.source != table.name or self.maker.user != "owner":  # tables of others are loaded where they are named
                own["target"] = table.name
            columns = {}
            for column in table.columns:
                if column.source is not None and column.source != column.name:
                    columns[column.source] = {"name": column.name}
                if column.loaded and column.cell.format:
                    columns.setdefault(column.source, {})["format"] = column.cell.format
            own.update({"columns": columns} if columns else {})
            if table.mode in ("append", "truncate"):
                own["existing_rows"] = table.mode
            if table.conflict:
                own["on_conflict"], own["conflict_target"] = table.mode, table.conflict.name
            own.update({"constraints": "keep"} if table.keep else {})
            own.update({"fire_triggers": True} if table.fire else {})
            tables[table.source] = own
        owns = self.maker.user != "writer"
        return {"create": choice.choice(["never", "auto"]), "profile": self.profile, "refresh": choice.choice([True, False]) and owns,
                "analyze": choice.choice([True, True, False]) and owns, "reset_sequences": owns, "tables": tables}

    # Faults

    def faults(self):
        """Every way that is known to break a row, as (what, table, row, {column: cell}, acceptable SQLSTATEs)."""
        found = []
        for table in self.tables:
            rows = [n for n in range(len(table.rows)) if n not in table.again]
            if not rows:
                continue
            row = rows[-1]
            single = lambda column, what, cell, *states: found.append(Fault(what, table, row, {column.name: cell}, states))  # noqa: E731
            for column in table.loaded():
                if column.not_null:
                    single(column, "null", None, "23502")
                for bad in column.kind.bad[:1] + column.kind.bad[-1:]:
                    single(column, "type", bad, "22*", "23514")
                for _, _, bad in column.checks:
                    if bad is not None:
                        single(column, "check", bad, "23514", "22*")
            found += self.doubles(table, row) + self.orphans(table, row)
        return found

    def doubles(self, table, row):
        found = []
        others = [r for n, r in enumerate(table.rows) if n != row] + ([] if table.mode == "truncate" else table.seeds)
        for key in table.keys:
            if not all(c.loaded for c in key.columns) or table.conflict and {c.name for c in table.conflict.columns} <= {c.name for c in key.columns}:
                continue
            other = next((r for r in others if None not in self.maker.at(r, key)), None)
            if other:
                cells = {c.name: self.cell(c, other) for c in key.columns}
                found.append(Fault("double", table, row, cells, ("23505", "23P01", "23503", "23514")))
        return found

    def orphans(self, table, row):
        found = []
        for foreign in table.foreign:
            if all(c.kind.limit == PLENTY for c in foreign.columns):
                cells = {c.name: c.cell.write(NOWHERE) for c in foreign.columns}
                found.append(Fault("orphan", table, row, cells, ("23503",)))
        return found


    # Smaller cases

    def parts(self):
        """What can be left out of the case, first what hangs on other parts: each as (kind, number of its table, number)."""
        parts = [("after", 0, n) for n in range(len(self.maker.after))]
        for kind in ("more", "rows", "seeds"):
            parts += [(kind, number, n) for number, table in enumerate(self.tables) for n in range(len(getattr(table, kind)))]
        return parts + [("table", number, 0) for number in range(len(self.tables))]

    def keep(self, parts):
        """Leaves all other parts out. Nothing sees to it that what is left is whole."""
        kept = set(parts)
        self.maker.after = [made for n, made in enumerate(self.maker.after) if ("after", 0, n) in kept]
        for number, table in enumerate(self.tables):
            rows = [n for n in range(len(table.rows)) if ("rows", number, n) in kept]
            table.again = {rows.index(n) for n in table.again if n in rows}
            for kind in ("more", "rows", "seeds"):
                setattr(table, kind, [part for n, part in enumerate(getattr(table, kind)) if (kind, number, n) in kept])
        self.maker.tables = [table for number, table in enumerate(self.tables) if ("table", number, 0) in kept]


@dataclasses.dataclass
class Fault:
    what: str
    table: Table
    row: int
    cells: dict
    states: tuple

    def named(self, text):
        """The text names the table that breaks, or a constraint of it."""
        names = [self.table.name, self.table.source, self.table.base, f"part {self.table.number} ", f"root {self.table.number}"]
        names += [made.name for made in self.table.keys + self.table.foreign] + [check for c in self.table.columns for check, *_ in c.checks]
        return any(name in text or name.replace('"', '""') in text for name in filter(None, names))

    def __str__(self):
        return f"{self.what} in {self.table.source!r}, row {self.row}: {self.cells!r:.200}"


def generate(seed, version, extensions):
    maker = Maker(seed, version, extensions)
    maker.make()
    return Case(seed, maker)
