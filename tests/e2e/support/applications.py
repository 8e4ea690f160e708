"""Applications whose PostgreSQL schema an ORM has made, and whose data comes from SQLite.

An application is two files and a few words: `tests/fixtures/apps/NAME.py` writes the SQLite file as the ORM writes it
(`build(path)`), `NAME.sql` makes the schema as the ORM makes it in PostgreSQL, and an `Application` says what neither of them
can: the plan, and where the two sides differ on purpose. A scenario gets a `Migration`, imports, and asks it to check:

    def test_migrate(m):
        rows = m.import_()
        m.check_counts(rows)        # source, result and target agree
        m.check_values()            # every value of every table
        m.check_catalog()           # nothing of the schema changed
        m.check_new_rows()          # a row goes into every table, and every sequence goes on after the highest value
        m.check_refused_again()     # or m.check_idempotent()

The fixture `m` (conftest.py) is the Migration of the module's fixture `application`, once as the superuser that owns everything,
and once as a role that owns the schema, may read server files, and nothing else.
"""

import contextlib
import dataclasses
import functools
import importlib
import re
import sqlite3

import catalog
import new_rows
import oracle
import sqlstates as s
import values
from client import fails
from harness import FIXTURES, ident, quote


@dataclasses.dataclass(frozen=True)
class Application:
    name: str
    plan: dict
    extensions: tuple = ()
    # Source tables that the import leaves behind, as it should.
    left_out: frozenset = frozenset()
    # Source table to target table, and "source table.column" to target column, where the names differ. None: not carried.
    tables: dict = dataclasses.field(default_factory=dict)
    columns: dict = dataclasses.field(default_factory=dict)
    # "source table.column" to what its numbers count, where that is not milliseconds since 1970 (values.py).
    formats: dict = dataclasses.field(default_factory=dict)
    # "target table.column" to the SQL expression (over its row `r`) that PostgreSQL fills it by: generated columns,
    # triggers, and defaults of columns that the source does not have.
    computed: dict = dataclasses.field(default_factory=dict)
    # "source table.column" to a function from the cell to the cell that is imported in its place (`on_invalid`, say).
    instead: dict = dataclasses.field(default_factory=dict)
    # Source table to the primary keys (tuples) of the rows that are rejected.
    rejected: dict = dataclasses.field(default_factory=dict)
    # "target table.column" to a literal, for new rows that cannot be made up.
    samples: dict = dataclasses.field(default_factory=dict)

    def target(self, source_table):
        return self.tables.get(source_table, source_table)

    def target_column(self, table, column):
        return self.columns.get(f"{table}.{column}", column)


def owner(t):
    """A role that owns schema public and may read server files."""
    role = t.role("owner", "pg_read_server_files")
    t.sql(f"ALTER SCHEMA public OWNER TO {role}")
    return role


class Migration:
    """One application in the database of one scenario: the schema is made, the file is written, nothing is imported yet.

    `before` holds, by target table, the rows that are there already (see `read`); `given`, by name, the last number that each
    sequence has given away.
    """

    def __init__(self, t, application, user):
        self.t, self.app, self.user = t, application, user
        t.needs(*application.extensions)
        for extension in application.extensions:
            t.sql(f"CREATE EXTENSION {ident(extension)} SCHEMA public")
        self.sql((FIXTURES / "apps" / f"{application.name}.sql").read_text())
        self.path = t.dir / f"{application.name}.db"
        importlib.import_module(f"apps.{application.name}").build(self.path)
        t.own(self.path)
        self.catalog = catalog.dumped(t)
        self.before = self.read()
        self.given = {q["name"]: q["last_value"] - (not q["is_called"]) for q in self.positions()}

    # SQL in the name of the migration's role

    def sql(self, sql):
        return self.t.sql(sql, self.user)

    def value(self, query):
        return self.t.value(query, self.user)

    def rows(self, query):
        return self.t.rows(query, self.user)

    def call(self, function, **changes):
        """A call with the application's plan, and the keys of it that are changed here."""
        return self.t.call(function, self.path, {**self.app.plan, **changes})

    def import_(self, **changes):
        """Imports, which must succeed; the result rows by table."""
        return {row["table"]: row for row in self.rows(self.call("sqlite_import", **changes))}

    def import_fails(self, sqlstates, message, hint="", **changes):
        with fails(sqlstates, message, hint) as failure:
            self.sql(self.call("sqlite_import", **changes))
        return failure

    def findings(self, **changes):
        return self.rows(self.call("sqlite_findings", **changes))

    def compare(self, **changes):
        return self.rows(self.call("sqlite_compare", **changes))

    # The two sides

    def source(self):
        """The SQLite file: a TEXT cell is a values.Text, a BLOB is bytes."""
        db = sqlite3.connect(f"file:{self.path}?mode=ro", uri=True)
        db.text_factory = values.Text
        return contextlib.closing(db)

    def source_tables(self):
        """Names of the tables that are to be imported."""
        with self.source() as db:
            names = [name.decode() for name, in db.execute("SELECT name FROM sqlite_master WHERE type = 'table'")]
        return [name for name in names if not name.startswith("sqlite_") and name not in self.app.left_out]

    @functools.cache
    def columns_of(self, table):
        """The target's columns with their types, a domain's as its base type's, in order."""
        found = self.t.rows(f"""
            SELECT a.attname AS name, format_type(CASE typtype WHEN 'd' THEN typbasetype ELSE a.atttypid END, NULL) AS type
            FROM pg_attribute a JOIN pg_type y ON y.oid = a.atttypid
            WHERE a.attrelid = {quote('public.' + ident(table))}::regclass AND a.attnum > 0 AND NOT a.attisdropped
            ORDER BY a.attnum""")
        return {column["name"]: column["type"] for column in found}

    @functools.cache
    def key_of(self, table):
        """The columns that tell a target's rows apart: the primary key, else a unique index, else all of them."""
        found = self.t.rows(f"""
            SELECT (SELECT json_agg(attname ORDER BY k.n) FROM unnest(i.indkey) WITH ORDINALITY k (attnum, n)
                    JOIN pg_attribute a ON a.attrelid = i.indrelid AND a.attnum = k.attnum) AS key
            FROM pg_index i WHERE indrelid = {quote('public.' + ident(table))}::regclass AND indisunique
            AND indpred IS NULL AND indexprs IS NULL ORDER BY indisprimary DESC, indexrelid LIMIT 1""")
        return found[0]["key"] if found else list(self.columns_of(table))

    @functools.cache
    def tables(self):
        """Names of the target's tables, partitions under their parents."""
        return [row["relname"] for row in self.t.rows(
            "SELECT relname FROM pg_class WHERE relnamespace = 'public'::regnamespace AND relkind IN ('r', 'p')"
            " AND NOT relispartition ORDER BY oid")]

    def read(self):
        """What PostgreSQL holds: by table, by key, a row as {column: value} in the form of values.py."""
        return {table: self.read_table(table) for table in self.tables()}

    def read_table(self, table):
        columns, key = self.columns_of(table), self.key_of(table)
        listed = ", ".join(values.select(ident(c), kind) for c, kind in columns.items())
        text = self.t.server.copy(self.t.database, f"SELECT {listed} FROM {ident(table)}")
        rows = {}
        for line in text.split(b"\n")[:-1]:
            cells = map(oracle.unescape, line.split(b"\t"))
            row = {c: values.found(cell, kind) for (c, kind), cell in zip(columns.items(), cells)}
            put(rows, table, key, row)
        return rows

    def wanted_table(self, source_table):
        """What a source table means in its target: by key, {target column: value}."""
        target = self.app.target(source_table)
        kinds, key, rows = self.columns_of(target), self.key_of(target), {}
        with self.source() as db:
            cursor = db.execute(f"SELECT * FROM {ident(source_table)}")
            names = [column[0] for column in cursor.description]
            for cells in cursor:
                row = dict(self.meaning(source_table, kinds, pair) for pair in zip(names, cells)
                           if self.app.target_column(source_table, pair[0]))
                put(rows, target, key, row)
        gone = self.app.rejected.get(source_table, ())
        absent = set(gone) - set(rows)
        assert not absent, f"{source_table}: no rows with the keys {absent} that should be rejected"
        return {k: row for k, row in rows.items() if k not in gone}

    def meaning(self, source_table, kinds, pair):
        """One cell as (target column, value)."""
        column, cell = pair
        target, where = self.app.target_column(source_table, column), f"{source_table}.{column}"
        assert target in kinds, f"{where} has no column in PostgreSQL, and the application does not say so"
        if where in self.app.instead:
            cell = self.app.instead[where](cell)
        try:
            return target, values.wanted(cell, kinds[target], self.app.formats.get(where))
        except Exception as error:
            raise AssertionError(f"{where}: {cell!r:.100} cannot be read as {kinds[target]}: {error!r}") from error

    # Checks

    def check_counts(self, rows):
        """Source, result and target agree in the number of rows, table by table."""
        sources = {self.app.target(name): name for name in self.source_tables()}
        loaded = {name for name, row in rows.items() if row["status"] != "skipped"}
        assert loaded == set(sources), f"only in the result: {loaded - set(sources)}; missing: {set(sources) - loaded}"
        after = self.count_target()
        for table, source in sources.items():
            row = rows[table]
            assert row["status"] == "loaded" and row["source_rows"] == self.count_source(source), row
            assert row["source_rows"] == row["imported"] + row["updated"] + row["skipped"] + row["rejected"], row
            assert after[table] == len(self.before[table]) + row["imported"], (after[table], row)
        wrong = [row for row in self.rows("SELECT * FROM verify_counts()") if not row["ok"]]
        assert not wrong, wrong

    def count_source(self, table):
        with self.source() as db:
            return db.execute(f"SELECT count(*) FROM {ident(table)}").fetchone()[0]

    def count_target(self):
        counts = " UNION ALL ".join(f"SELECT {quote(t)} AS name, count(*) FROM {ident(t)}" for t in self.tables())
        return {row["name"]: row["count"] for row in self.t.rows(counts)}

    def check_values(self):
        """Every value of every table: rows that came, rows that were there, columns that PostgreSQL fills."""
        sources = {self.app.target(name): name for name in self.source_tables()}
        for table, found in self.read().items():
            came = self.wanted_table(sources[table]) if table in sources else {}
            self.compare_rows(table, self.settled(table, came), found)
            if came:
                self.check_computed(table, came)

    def settled(self, table, came):
        """The rows that should be there, after conflicts by key are settled as the plan says."""
        before, own = self.before[table], self.app.plan.get("tables", {})
        policy = next((p["on_conflict"] for name, p in own.items() if self.app.target(name) == table and "on_conflict" in p),
                      self.app.plan.get("on_conflict", "error"))
        both = before.keys() & came.keys()
        assert not both or policy != "error", f"{table}: rows were there already: {both}"
        if policy == "update":
            return {**before, **{key: {**before.get(key, {}), **row} for key, row in came.items()}}
        return {**came, **before}

    def compare_rows(self, table, wanted, found):
        missing, strange = wanted.keys() - found.keys(), found.keys() - wanted.keys()
        assert not missing and not strange, f"{table}: missing {sample(missing)}, not expected {sample(strange)}"
        for key, row in wanted.items():
            for column, value in row.items():
                there = found[key][column]
                assert there == value, f"{table} {key!r}, column {column}: should be {value!r:.200}, is {there!r:.200}"

    def check_computed(self, table, came):
        """Columns without a source: each is declared, and holds what PostgreSQL should have filled in."""
        names = set(next(iter(came.values())))
        for column in self.columns_of(table).keys() - names:
            where = f"{table}.{column}"
            assert where in self.app.computed, f"{where} has no source column, and the application does not say what fills it"
        for column in self.columns_of(table):
            if expression := self.app.computed.get(f"{table}.{column}"):
                wrong = self.t.value(f"SELECT count(*) FROM {ident(table)} r WHERE {ident(column)} IS DISTINCT FROM"
                                     f" ({expression})")
                assert wrong == "0", f"{table}.{column}: {wrong} rows do not hold {expression}"

    def check_catalog(self, but=()):
        """Nothing of the schema changed, down to oids and comments; `but` are the statements that undo what the plan adds."""
        for statement in but:
            self.sql(statement)
        catalog.assert_same(self.catalog, catalog.dumped(self.t))

    def check_new_rows(self):
        """A row goes into every table, numbered one past the highest of the table and of sqlite_sequence; all rolled back."""
        for table in self.tables():
            expected = self.next_values(table)
            with self.rolled_back() as session:
                row = new_rows.Maker(self.t, session, self.app.samples).insert(table)
            numbers = {column: int(row[column]) for column in expected}
            assert numbers == expected, f"{table}: the next row got {numbers}, not {expected}"

    @contextlib.contextmanager
    def rolled_back(self):
        """A session in a transaction that leaves nothing, not even a number taken from a sequence."""
        positions = self.positions()
        session = self.t.session(self.user)
        session.run("BEGIN")
        yield session
        session.run("ROLLBACK")
        session.close()
        self.t.sql(";".join(f"SELECT setval({quote(q['name'])}, {q['last_value']}, {q['is_called']})" for q in positions))

    def next_values(self, table):
        """What each sequence of a table has to give next, by column."""
        expected = {}
        for name, column in new_rows.table(self.t, table).columns.items():
            if column["sequence"]:
                highest = int(self.t.value(f"SELECT coalesce(max({ident(name)}), 0) FROM {ident(table)}"))
                expected[name] = max(highest, self.given_away(table), self.given[column["sequence"]]) + 1
        return expected

    def given_away(self, table):
        """The highest number that SQLite's AUTOINCREMENT has given a row of a table, deleted or not."""
        with self.source() as db:
            if not db.execute("SELECT count(*) FROM sqlite_master WHERE name = 'sqlite_sequence'").fetchone()[0]:
                return 0
            names = dict(db.execute("SELECT name, seq FROM sqlite_sequence"))
        return max((seq for name, seq in names.items() if self.app.target(name.decode()) == table), default=0)

    def positions(self):
        """Where each sequence stands; its name is as pg_get_serial_sequence() spells it."""
        names = self.t.rows("SELECT quote_ident(schemaname) || '.' || quote_ident(sequencename) AS name FROM pg_sequences"
                            " WHERE schemaname = 'public'")
        each = [f"SELECT {quote(q['name'])} AS name, last_value, is_called FROM {q['name']}" for q in names]
        return self.t.rows(" UNION ALL ".join(each)) if each else []

    def check_refused_again(self):
        """A second run under `existing_rows: error` stops before it writes, and names each table that holds rows."""
        before, counts = self.read(), self.count_target()
        refused = self.import_fails(s.EXISTS, "exists and holds")
        said = f"{refused.message}\n{refused.detail}"
        for table in map(self.app.target, self.source_tables()):
            named = not counts[table] or names(said, table, counts[table])
            assert named, f"{table} with {counts[table]} rows is not named: {said}"
        assert self.read() == before, "a refused import changed rows"

    def check_idempotent(self, outcome="skipped"):
        """A second run under `on_conflict` skip (or update) writes no row anew; `outcome` is the column that counts them."""
        before = self.read()
        for row in self.import_().values():
            if row["status"] != "skipped":
                assert row["imported"] == 0 and row[outcome] == row["source_rows"] - row["rejected"], row
        assert self.read() == before, "a second import changed rows"


def names(text, table, count):
    """Whether a line of a text names a table and, after it, its number of rows."""
    return re.search(rf"\b{re.escape(table)}\b[^\n]*?\b({count}|{count:,})\b", text)


def put(rows, table, key, row):
    """Adds a row under its key, which no other row may have."""
    at = tuple(row[column] for column in key)
    assert at not in rows, f"{table}: two rows with the key {at}"
    rows[at] = row


def sample(keys):
    return f"{len(keys)} rows ({', '.join(repr(key) for key in list(keys)[:3])}{', …' if len(keys) > 3 else ''})"
