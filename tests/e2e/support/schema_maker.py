"""Random tables and rows that obey all of their constraints; the same for the same seed."""

import dataclasses
import random

from harness import ident, quote
from schema_kinds import KINDS, Kind
from schema_objects import Objects
from schema_tables import SCHEMAS, Column, ForeignKey, Key, Table

NAMES = ["t{}", "Table {}", 'quo"te{}', "ünï·{}", "select{}", "x{}" + "é" * 30, "CamelCase{}", "snake_case_{}", "user.name{}", "it's{}", "{}digits", "ZÜRICH_{}"]
COLUMNS = ["c{}", "Col {}", 'a"b{}', "größe{}", "order{}", "created_on{}", "isActive{}", "{}x", "w{}" + "z" * 61]
PLENTY, NOWHERE = Kind.limit, Kind.limit + 100
ACTIONS = ["", "CASCADE", "RESTRICT", "SET NULL", "NO ACTION", "SET DEFAULT"]


class Maker(Objects):
    def __init__(self, seed, version, extensions):
        self.random = random.Random(seed)
        self.version, self.extensions = version, extensions
        self.count = 0
        self.prepared, self.tables, self.after = [], [], []

    def one_in(self, n):
        return self.random.randrange(n) == 0

    def pick(self, things):
        return self.random.choice(list(things))

    def fresh(self, patterns):
        self.count += 1
        name = self.pick(patterns).format(self.count)
        while len(name.encode()) > 63:
            name = name[:-1]
        return name

    # Tables and columns

    def make(self):
        # Who imports: a superuser, the owner, or one who may read and write the tables and nothing else.
        self.user = self.pick(["superuser", "superuser", "owner", "owner", "owner", "writer"])
        self.truncating = self.one_in(5)
        for _ in range(self.random.randint(3, 7)):
            self.tables.append(self.table())
        for table in self.tables:
            if table.shape != "view" and not table.parent:
                self.foreign_keys(table)
        self.settle_cycles()
        self.fill("seeds")
        self.fill("rows")
        for table in self.tables:
            self.decorate(table)

    def table(self):
        shape = self.pick(["plain"] * 8 + ["range", "list", "hash", "leaf", "view", "instead", "rules", "child"])
        name = self.fresh(NAMES)
        mode = "truncate" if self.truncating and (shape != "view") else self.pick(["new", "new", "append", "skip", "update"])
        parents = [t for t in self.tables if t.shape == "plain" and not t.parent]
        table = Table(self.count, name, self.source_name(name), self.pick([SCHEMAS[0], *SCHEMAS]), shape, mode)
        if shape in ("view", "instead"):
            table.shape, table.base, table.mode = "view", f"base of {table.number}", self.pick(["new", "append"])
            table.instead = shape == "instead"
        if shape == "rules" and table.mode in ("skip", "update"):
            table.mode = "append"
        if shape == "child":
            table.shape, table.parent = "plain", self.pick(parents) if parents else None
        table.keep, table.fire, table.forced = self.one_in(5), self.one_in(4), self.one_in(8)
        table.unlogged = table.shape == "plain" and not table.parent and self.one_in(8)
        self.columns(table)
        self.keys(table)
        self.choose_conflict(table)
        return table

    def source_name(self, name):
        """The name in SQLite: the same, of another case, or one that only the plan connects."""
        if name.isascii() and name.isalnum() and not self.one_in(3):
            return self.pick([name, name.swapcase() if name.islower() or name.isupper() else name])
        return f"source {self.count}" if self.one_in(4) else name

    def columns(self, table):
        if table.parent:
            for column in table.parent.columns:
                table.columns.append(dataclasses.replace(column, inherited=True, checks=[], numbered=None))
                table.columns[-1].source = column.source or column.name if column.not_null and not column.default else column.source
                if column.expression:
                    table.columns[-1].source = None
        else:
            table.columns.append(self.id_column(table))
        for _ in range(self.random.randint(2, 9)):
            table.columns.append(self.column(table))
        for _ in range(self.random.choice([0, 0, 1, 2])):
            self.generated(table)
        self.random.shuffle(table.columns)
        if table.parent:
            table.columns.sort(key=lambda c: not c.inherited)

    def id_column(self, table):
        kind = KINDS[self.pick(["int4", "int8", "int8", "int2", "uuid", "text", "varchar", "citext" if "citext" in self.extensions else "char", "inet", "positive"])]
        column = self.named(Column("id", kind, not_null=True, pool=kind.limit), table)
        if kind.family == "integer" and not self.one_in(3):
            column.numbered = self.pick(["ALWAYS", "BY DEFAULT", "serial", "serial"])
            if table.shape in ("range", "list", "hash", "leaf") and self.version < 17:
                column.numbered = "serial"
        return column

    def named(self, column, table):
        column.source = column.name
        if self.one_in(8):
            self.count += 1
            column.source = f"from {self.count}"
        column.cell = self.pick(column.kind.cells)
        column.declared = self.pick((*column.cell.declared, ""))
        if column.cell.format is None and isinstance(column.cell.write(1), str) and column.declared in ("INTEGER", "REAL", "NUMERIC", "DECIMAL(12,3)"):
            column.declared = "TEXT"
        return column

    def column(self, table):
        usable = [name for name, kind in KINDS.items() if not kind.extension or kind.extension in self.extensions]
        kind = KINDS[self.pick(usable)]
        column = self.named(Column(self.fresh(COLUMNS), kind), table)
        column.not_null = self.one_in(3)
        if kind.default and self.one_in(3):
            column.default = kind.default
        if kind.checks and not self.one_in(3):
            condition, bad = self.pick(kind.checks)
            column.checks = [(f"check {self.count}", condition.format(c=ident(column.name)), bad)]
        if kind.family == "integer" and self.one_in(6):
            self.sequence(table, column)
        if (not column.not_null or column.default) and self.one_in(6):
            column.source = None
            if column.checks and not column.default:
                column.checks = column.checks if self.one_in(2) else []
            elif column.checks:
                column.checks = []
        return column

    def sequence(self, table, column):
        name = f"{ident(table.schema)}.{ident(f'own {self.count}')}"
        self.prepared.append(f"CREATE SEQUENCE {name} START {self.random.randint(1, 50)} INCREMENT {self.pick([1, 2])} CACHE {self.pick([1, 5])}")
        column.default = f"nextval({quote(name)})"

    def generated(self, table):
        sources = [c for c in table.columns if c.kind.generated and c.expression is None and not c.numbered and not c.inherited and c.kind.type != "citext"]
        if sources:
            column = self.pick(sources)
            type, expression = self.pick(column.kind.generated)
            kind = next((k for k in KINDS.values() if k.type == type), KINDS["int4"])
            made = Column(self.fresh(COLUMNS), dataclasses.replace(kind, type=type), expression=expression.format(c=ident(column.name)))
            made.source = made.name if self.one_in(4) and table.shape != "view" else None
            made.not_null = column.not_null and self.one_in(2) and column.kind.type != "jsonb"
            made.cell, made.declared = Maker.GARBAGE, ""
            table.columns.append(made)

    # What SQLite has computed for a generated column does not matter.
    GARBAGE = dataclasses.make_dataclass("Garbage", ["write", "format", "declared"])(lambda i: "computed elsewhere", None, ("",))

    # Keys

    def keys(self, table):
        own = [c for c in table.columns if c.expression is None and c.kind.unique and c.kind.btree]
        id = next((c for c in table.columns if c.name == "id"), None)
        partition = self.partition_column(table) if table.shape in ("range", "list", "hash", "leaf") else None
        must = [partition] if partition else []
        if not self.one_in(6):
            columns = [id, *must] if id in own else must
            if self.one_in(3):
                columns.append(self.pick(own))
            columns = list({c.name: c for c in columns}.values())
            self.random.shuffle(columns)
            for column in columns:
                column.not_null = True
                self.ensure_loaded(column)
            self.key(table, columns, "primary")
        for _ in range(self.random.choice([0, 0, 1, 1, 2])):
            columns = self.random.sample(own, min(len(own), self.pick([1, 1, 2, 3]))) + must
            columns = list({c.name: c for c in columns}.values())
            if columns:
                self.key(table, columns, self.pick(["unique", "unique", "index", "partial", "expression"]))
        ranges = [c for c in table.columns if c.kind.family == "range" and c.expression is None]
        if ranges and table.shape in ("plain", "rules"):
            self.exclusion(table, ranges[0])

    def ensure_loaded(self, column):
        if column.source is None and not column.numbered:
            column.source = column.name

    def key(self, table, columns, kind):
        name = f"key {table.number} {len(table.keys)}" + self.pick(["", "_é", ' "q"'])
        key = Key(name, columns, kind)
        partitioned = table.shape in ("range", "list", "hash", "leaf")
        for column in columns:
            if not column.numbered:
                self.ensure_loaded(column)
            if len(columns) == 1 or self.one_in(2):
                column.pool = column.kind.limit
        columns[-1].pool = columns[-1].kind.limit
        listed = ", ".join(ident(c.name) for c in columns)
        include = ""
        spare = [c for c in table.columns if c not in columns]
        if spare and self.one_in(4):
            include = f" INCLUDE ({ident(self.pick(spare).name)})"
        options = self.pick(["", "", " WITH (fillfactor = 70)", " WITH (deduplicate_items = off)"])
        nulls = ""
        if kind not in ("primary",) and self.version >= 15 and self.one_in(4):
            key.same_nulls, nulls = True, " NULLS NOT DISTINCT"
        if kind in ("partial", "expression"):
            key.referable = False
            if kind == "partial" or partitioned:
                where = f" WHERE {ident(columns[0].name)} IS NOT NULL" if kind == "partial" else ""
                expressions = listed
            else:
                where = ""
                expressions = ", ".join(f"(lower({ident(c.name)}))" if c.kind.family in ("text", "char") else ident(c.name) + self.pick(["", " DESC", " NULLS FIRST"]) for c in columns)
            table.more.append(f"CREATE UNIQUE INDEX {ident(name)} ON {table.q()} ({expressions}){include}{nulls}{options}{where}")
            key.kind = kind
        elif kind == "index":
            table.more.append(f"CREATE UNIQUE INDEX {ident(name)} ON {table.q()} ({listed}){include}{nulls}{options}{'' if partitioned else ' TABLESPACE pg_default'}")
        else:
            deferrable = self.pick(["", "", "", " DEFERRABLE", " DEFERRABLE INITIALLY DEFERRED"])
            key.deferrable, key.referable = bool(deferrable), not deferrable
            words = "PRIMARY KEY" if kind == "primary" else f"UNIQUE{nulls}"
            table.more.append(f"ALTER TABLE {table.q()} ADD CONSTRAINT {ident(name)} {words} ({listed}){include}{options}{deferrable}")
        table.keys.append(key)

    def exclusion(self, table, column):
        name, columns, extra = f"apart {table.number}", [column], ""
        others = [c for c in table.columns if c.kind.family == "integer" and c.expression is None and c.loaded]
        if others and "btree_gist" in self.extensions and self.one_in(2):
            extra = f"{ident(others[0].name)} WITH =, "
            columns = [others[0], column]
        self.ensure_loaded(column)
        column.pool = column.kind.limit
        clause = self.pick(["", f" WHERE ({ident(column.name)} IS NOT NULL)", " DEFERRABLE", " DEFERRABLE INITIALLY DEFERRED"])
        table.more.append(f"ALTER TABLE {table.q()} ADD CONSTRAINT {ident(name)} EXCLUDE USING gist ({extra}{ident(column.name)} WITH &&){clause}")
        table.keys.append(Key(name, columns, "exclude", deferrable="DEFERRABLE" in clause, referable=False))

    def partition_column(self, table):
        id = next(c for c in table.columns if c.name == "id")
        if table.shape == "hash" or (table.shape in ("range", "leaf") and (id.kind.family == "integer" or self.one_in(2))):
            table.partition = id
        if table.shape in ("range", "leaf") and not (id.kind.family == "integer" and not id.numbered):
            table.partition = Column("part", KINDS[self.pick(["int4", "date", "timestamp"])])
        if table.shape == "list":
            table.partition = Column("part", KINDS[self.pick(["bool", "mood"])])
        if table.partition not in table.columns:
            table.columns.append(self.named(table.partition, table))
        table.partition.not_null, table.partition.pool = True, table.partition.kind.limit
        self.ensure_loaded(table.partition)
        return table.partition

    def choose_conflict(self, table):
        usable = [k for k in table.keys if k.kind in ("primary", "unique", "index") and not k.deferrable and all(c.loaded for c in k.columns)]
        if table.mode in ("skip", "update"):
            # What is not a constraint is found by its columns, and a deferrable one with it.
            deferrable = [{c.name for c in k.columns} for k in table.keys if k.deferrable]
            usable = [k for k in usable if k.kind != "index" or {c.name for c in k.columns} not in deferrable]
            if usable:
                table.conflict = self.pick(usable)
            else:
                table.mode = "append"

    # Foreign keys

    def foreign_keys(self, table):
        for _ in range(self.random.choice([0, 1, 1, 2, 3])):
            parents = [t for t in self.tables if self.may_refer(table, t) and self.referable(t)]
            if not parents:
                return
            parent = self.pick(parents)
            key = self.pick(self.referable(parent))
            forward = self.tables.index(parent) >= self.tables.index(table)
            self.foreign_key(table, parent, key, forward)

    def may_refer(self, child, parent):
        if parent.shape in ("view", "leaf") or (parent.mode == "truncate" and child.mode != "truncate"):
            return False
        if child.shape == "leaf" and child is parent:
            return False
        if parent.unlogged and not child.unlogged:
            return False
        return True

    def referable(self, parent):
        return [k for k in parent.keys if k.referable and all(c.loaded for c in k.columns)]

    def foreign_key(self, table, parent, key, forward):
        # Tables that inherit from it have the columns too, and do not refer.
        required = not forward and not self.has_children(table) and self.one_in(2)
        columns = []
        for theirs in key.columns:
            kind = theirs.kind
            if kind.family == "integer":
                kind = KINDS[self.pick(["int2", "int4", "int8"])]
            column = self.named(Column(self.fresh(["fk{}", "parent_{}", "Ref {}"]), kind), table)
            column.not_null = required
            columns.append(column)
        table.columns.extend(columns)
        foreign = ForeignKey(f"fk {table.number} {len(table.foreign)}", columns, parent, key, forward=forward)
        foreign.full = self.one_in(3)
        foreign.deferred = self.pick(["", "", " DEFERRABLE", " DEFERRABLE INITIALLY DEFERRED"])
        foreign.not_valid = self.one_in(6) and table.shape == "plain" and table.mode in ("append", "skip", "update") and not required and parent.shape == "plain"
        delete, update = self.pick(ACTIONS), self.pick(ACTIONS)
        foreign.actions = (f" ON DELETE {delete}" if delete else "") + (f" ON UPDATE {update}" if update else "")
        table.foreign.append(foreign)
        if self.one_in(4) and table.shape == "plain" and all(c.kind.btree for c in columns):
            self.key(table, columns, "unique")
            table.keys[-1].same_nulls = False
            table.more[-1] = table.more[-1].replace(" NULLS NOT DISTINCT", "")

    def settle_cycles(self):
        """A cycle's keys are looked after at the end of the transaction, unless every table of it is sure to be loaded past them."""
        for table in self.tables:
            for foreign in table.foreign:
                if foreign.parent is not table and self.reaches(foreign.parent, table) and not all(map(self.direct, self.tables)):
                    foreign.deferred = " DEFERRABLE INITIALLY DEFERRED"

    def reaches(self, start, goal):
        seen, todo = set(), [start]
        while todo:
            table = todo.pop()
            if table is goal:
                return True
            if id(table) not in seen:
                seen.add(id(table))
                todo += [f.parent for f in table.foreign]
        return False

    def direct(self, table):
        return self.user != "writer" and table.shape == "plain" and table.mode in ("new", "truncate") and not (table.keep or table.fire or table.forced or table.looking)

    # Rows

    def fill(self, which):
        for table in self.tables:
            count = self.random.choice([0, 3, 12, 40]) if which == "rows" else self.random.choice([1, 5, 20])
            if which == "seeds" and table.mode == "new":
                continue
            if which == "rows" and table.conflict:
                self.repeat(table)
            for _ in range(count):
                self.row(table, getattr(table, which), which)
        for table in self.tables:
            for foreign in table.foreign:
                if foreign.forward:
                    self.link(table, foreign, getattr(table, which), which)
        for table in self.tables:
            if which == "seeds":
                self.orphans(table)
            if which == "rows":
                self.random.shuffle(table.rows)
                table.again = {n for n, row in enumerate(table.rows) if self.repeats(table, row)}

    def orphans(self, table):
        """A row that was there before the key was, and has no parent."""
        for foreign in table.foreign:
            keyed = any(column in key.columns for key in table.keys for column in foreign.columns)
            if foreign.not_valid and table.seeds and not keyed and foreign.columns[0].kind.limit == PLENTY:
                row = self.pick(table.seeds)
                row.update({column.name: NOWHERE for column in foreign.columns})
                table.stray.append(row)

    def at(self, row, key):
        return tuple(row.get(c.name) for c in key.columns)

    def row(self, table, rows, which):
        for _ in range(8):
            row = {c.name: self.value(table, c) for c in table.columns if c.loaded}
            for foreign in table.foreign:
                if not self.refer(foreign, row, which):
                    return
            if self.free(table, row, table.live() if which == "rows" else table.seeds):
                rows.append(row)
                return

    def value(self, table, column):
        if not column.not_null and self.one_in(6):
            return None
        limit = min(column.pool, column.kind.limit)
        if table.shape == "leaf" and column is table.partition:
            limit = 1000
        return self.random.randrange(limit)

    def refer(self, foreign, row, which):
        """Gives a row a parent; False when it needs one and there is none."""
        rows = [] if foreign.forward else foreign.parent.live() if which == "rows" else foreign.parent.seeds
        rows = [r for r in rows if None not in self.at(r, foreign.key)]
        required = foreign.columns[0].not_null
        parent = self.pick(rows) if rows and (required or not self.one_in(4)) else None
        if parent is None and required:
            return False
        for column, theirs in zip(foreign.columns, foreign.key.columns):
            row[column.name] = parent[theirs.name] if parent else None
        if parent and not foreign.full and len(foreign.columns) > 1 and not required and self.one_in(5):
            row[foreign.columns[0].name] = None
        return True

    def link(self, table, foreign, rows, which):
        parents = [r for r in (foreign.parent.live() if which == "rows" else foreign.parent.seeds) if None not in self.at(r, foreign.key)]
        keyed = any(column in key.columns for key in table.keys for column in foreign.columns)
        for row in rows:
            if not parents or self.one_in(4) or any(row[c.name] is not None for c in foreign.columns):
                continue
            # Of a row that is skipped, the table has another version: what refers to this one's keys would find nothing.
            if keyed and which == "rows" and table.mode == "skip" and self.repeats(table, row):
                continue
            parent = self.pick(parents)
            linked = {**row, **{c.name: parent[k.name] for c, k in zip(foreign.columns, foreign.key.columns)}}
            others = [r for r in (table.live() if which == "rows" else table.seeds) if r is not row]
            if self.free(table, linked, others, {c.name for c in foreign.columns}):
                row.update(linked)

    def free(self, table, row, others, touched=None):
        for key in table.keys:
            if touched and not touched & {c.name for c in key.columns}:
                continue
            columns = [c for c in key.columns if c.loaded]
            if len(columns) < len(key.columns):
                continue
            at = tuple(row[c.name] for c in columns)
            if None in at and not key.same_nulls:
                continue
            if any(tuple(r.get(c.name) for c in columns) == at for r in others):
                return False
        return True

    def repeats(self, table, row):
        """Its key is there already."""
        key = self.at(row, table.conflict) if table.conflict else (None,)
        return None not in key and any(self.at(seed, table.conflict) == key for seed in table.seeds)

    def repeat(self, table):
        """Rows whose key is there already. All keys are the same; other columns are new."""
        fixed = {c.name for key in table.keys for c in key.columns} | {c.name for f in table.foreign for c in f.columns}
        for seed in table.seeds:
            if self.one_in(2) and None not in self.at(seed, table.conflict) and seed not in table.stray:
                row = {c.name: seed[c.name] if c.name in fixed else self.value(table, c) for c in table.columns if c.loaded}
                table.rows.append(row)
