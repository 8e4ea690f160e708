"""Tables of random schemas, with their columns, keys and rows, as schema_maker.py makes them."""

import dataclasses
import typing

from harness import ident
from schema_kinds import Kind

SCHEMAS = ("app", 'Second "schema"')


@dataclasses.dataclass
class Column:
    name: str
    kind: Kind
    source: str = None
    cell: typing.Any = None
    declared: str = ""
    not_null: bool = False
    default: str = None
    # How PostgreSQL numbers it: ALWAYS, BY DEFAULT, serial.
    numbered: str = None
    # The SQL expression of a generated column.
    expression: str = None
    checks: list = dataclasses.field(default_factory=list)
    pool: int = 40
    inherited: bool = False

    @property
    def loaded(self):
        return self.source is not None and self.expression is None

    def definition(self):
        type = self.kind.type.replace("{s}", ident(SCHEMAS[1]))
        if self.numbered == "serial":
            type = {"smallint": "smallserial", "integer": "serial", "bigint": "bigserial"}[type]
        parts = [ident(self.name), type]
        parts += [f"GENERATED {self.numbered} AS IDENTITY"] if self.numbered in ("ALWAYS", "BY DEFAULT") else []
        parts += [f"GENERATED ALWAYS AS ({self.expression}) STORED"] if self.expression else []
        parts += [f"DEFAULT {self.default}"] if self.default else []
        parts += ["NOT NULL"] if self.not_null else []
        parts += [f"CONSTRAINT {ident(name)} CHECK ({condition})" for name, condition, _ in self.checks]
        return " ".join(parts)


@dataclasses.dataclass
class Key:
    name: str
    columns: list
    kind: str = "unique"  # primary, unique, index, exclude
    deferrable: bool = False
    same_nulls: bool = False
    referable: bool = True


@dataclasses.dataclass
class ForeignKey:
    name: str
    columns: list
    parent: "Table"
    key: Key
    full: bool = False
    forward: bool = False
    deferred: str = ""
    not_valid: bool = False
    actions: str = ""


@dataclasses.dataclass
class Table:
    number: int
    name: str
    source: str
    schema: str
    shape: str
    mode: str
    base: str = ""
    columns: list = dataclasses.field(default_factory=list)
    keys: list = dataclasses.field(default_factory=list)
    foreign: list = dataclasses.field(default_factory=list)
    seeds: list = dataclasses.field(default_factory=list)
    rows: list = dataclasses.field(default_factory=list)
    # Seeds that break a constraint that is NOT VALID.
    stray: list = dataclasses.field(default_factory=list)
    # Positions of rows whose key is there already.
    again: set = dataclasses.field(default_factory=set)
    conflict: Key = None
    keep: bool = False
    fire: bool = False
    forced: bool = False
    # Row-level security applies to who imports.
    unseen: bool = False
    looking: bool = False
    unlogged: bool = False
    parent: "Table" = None
    # Statements after the table: indexes, triggers, rules, policies, …
    more: list = dataclasses.field(default_factory=list)
    # What a partitioned table is partitioned by.
    partition: Column = None
    # A view's rows are inserted by a trigger.
    instead: bool = False
    # Columns with an index, and an operator that it serves.
    probes: list = dataclasses.field(default_factory=list)
    # A materialized view over it, qualified.
    matview: str = None
    # An AFTER INSERT trigger notes every row in the log.
    noted: bool = False

    def q(self):
        """The table that holds the rows, qualified."""
        return f"{ident(self.schema)}.{ident(self.base or self.name)}"

    def target(self):
        return f"{ident(self.schema)}.{ident(self.name)}"

    def loaded(self):
        return [c for c in self.columns if c.loaded]

    def conflict_keys(self):
        """The values of the rows to come in the columns that on_conflict goes by."""
        return [row[c.name] for row in self.rows for c in self.conflict.columns]

    def live(self):
        """Rows that can be parents of loaded ones."""
        return ([] if self.mode == "truncate" else self.seeds) + self.rows
