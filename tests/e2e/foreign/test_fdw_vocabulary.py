"""Every operator, function and aggregate that docs/pushdown.md lists (a unit test proves that they are the code's own), over
the cross product of its arguments' edge values: shipped, computed by PostgreSQL on what SQLite gives, and on a copy.
An entry that is new in the tables is checked without being named here."""

import itertools
import re
import sqlite3

import fdw_ways
from harness import ROOT, quote

INTS = lambda bits: [None, -(1 << bits - 1), -1, 0, 1, 3, (1 << bits - 1) - 1]  # noqa: E731
EDGES = {
    "smallint": INTS(16), "integer": INTS(32), "bigint": INTS(64), "boolean": [None, 0, 1],
    "real": [None, float("-inf"), 0.0, 0.25, 3.4028234663852886e38, "NaN"],
    "double precision": [None, float("-inf"), -1.7976931348623157e308, -0.15, 0.0, 5e-324, 1.0, 9007199254740993.0, float("inf"), "NaN"],
    "text": [None, "", "a", "é", "abc", " a ", "%", "_b%", "ab\\", "€\U0001f600"],
    "bytea": [None, b"", b"\0", b"ab", b"\xff\xfe\xfd"], "uuid": [None, "00000000-0000-0000-0000-000000000000", "FFFFFFFF-FFFF-ffff-ffff-ffffffffffff"],
    "date": [None, "0001-01-01", "1999-12-31", "2000-01-01", "9999-12-31"], "time": [None, "00:00:00", "00:00:00.000001", "23:59:59.999999"],
    "timestamp": [None, "0001-01-01 00:00:00", "1999-12-31 23:59:59.999999", "2000-01-01 00:00:00", "9999-12-31 23:59:59"],
    "timestamptz": [None, "0001-01-01 00:00:00Z", "1999-12-31 23:59:59.999999Z", "2000-01-01 00:00:00Z", "9999-12-31 23:59:59Z"],
}
FEW = {"text": [None, "", "a", "aéa", "é"], "smallint": INTS(16)[:1] + [2], "integer": INTS(32), "bigint": [1]}  # of three arguments
FAMILIES = {"integers": ["smallint", "integer", "bigint"], "floats": ["real", "double precision"]}
COMPARED = [*((t, t) for t in EDGES), ("smallint", "bigint"), ("integer", "smallint"), ("real", "double precision")]
BY_BYTES = 'text COLLATE "C"'
DECLARED = {"text": "TEXT", "uuid": "TEXT"}


def rows_of(title):
    """The rows of the first table after a heading of the page, as cells."""
    page = (ROOT / "docs" / "pushdown.md").read_text().split(f"\n## {title}\n")[1].split("\n## ")[0]
    rows = [re.split(r"(?<!\\) ?\| ?", line.strip())[1:-1] for line in page.splitlines() if line.startswith("| `")]
    return [[cell.replace("\\|", "|").strip("`") for cell in row] for row in rows]


def signatures(t):
    """Name, argument types and result type of what the tables mean, as far as PostgreSQL has it."""
    wanted = []
    for name, args, result, *_ in rows_of("Operators") + rows_of("Functions"):
        for types in itertools.product(*(FAMILIES.get(a, [a]) for a in args.split(", "))):
            wanted.append((name, types, result))
    known = {(row["name"], tuple(row["args"]), row["result"]) for row in t.rows(
        "SELECT proname AS name, ARRAY(SELECT format_type(a, NULL) FROM unnest(proargtypes) a) AS args, format_type(prorettype, NULL) AS result FROM pg_proc WHERE pronamespace = 'pg_catalog'::regnamespace"
        " UNION ALL SELECT oprname, ARRAY(SELECT format_type(a, NULL) FROM unnest(ARRAY[oprleft, oprright]) a WHERE a <> 0), format_type(oprresult, NULL) FROM pg_operator")}
    found = [entry for entry in wanted if entry in known]
    lost = {name for name, *_ in wanted} - {name for name, *_ in found}
    assert not lost, f"PostgreSQL has no such function: {lost}"
    return found


def call(name, types):
    columns = ["a", "b", "c"][:len(types)]
    if name.isidentifier():
        return f'pg_catalog."{name}"({", ".join(columns)})'
    return f"({name} a)" if len(columns) == 1 else f"(a {name} b)"


class Tables:
    """One table for each list of argument types, with a row for each combination of their edge values."""

    def __init__(self, t):
        self.t, self.names, self.path = t, {}, t.dir / "edges.db"
        self.db = sqlite3.connect(self.path)
        # Releases before 15.20 negate the smallest integer in 32 bits, and have another answer than SQLite gives for them.
        self.left_out = [] if t.value("SELECT right('a', -2147483648)") == "" else [-2**31]

    def of(self, types):
        if types not in self.names:
            self.names[types] = name = f"edges{len(self.names)}"
            edges = [FEW.get(type_, EDGES[type_]) if len(types) > 2 else EDGES[type_] for type_ in types]
            edges = [[edge for edge in column if edge not in self.left_out] for column in edges]
            columns = ["a", "b", "c"][:len(types)]
            self.db.execute(f"CREATE TABLE {name} (id INTEGER PRIMARY KEY, {', '.join(f'{c} {DECLARED.get(type_, str())}' for c, type_ in zip(columns, types))})")
            self.db.executemany(f"INSERT INTO {name} ({', '.join(columns)}) VALUES ({', '.join('?' * len(types))})", itertools.product(*edges))
        return self.names[types]

    def declare(self):
        self.db.commit()
        self.t.own(self.path)
        fdw_ways.server(self.t, "edges", self.path)
        script = ["CREATE SCHEMA f; CREATE SCHEMA l"]
        for types, name in self.names.items():
            columns = ", ".join(f"{c} {BY_BYTES if type_ == 'text' else type_}" for c, type_ in zip("abc", types))
            script.append(f"CREATE FOREIGN TABLE f.{name} (id integer, {columns}) SERVER edges; CREATE TABLE l.{name} AS SELECT * FROM f.{name}")
        self.t.sql(";".join(script))


ANSWERS = """CREATE FUNCTION answers(query text, table_name text) RETURNS SETOF text LANGUAGE plpgsql AS $$
DECLARE n integer; said text;
BEGIN
    BEGIN
        RETURN QUERY EXECUTE format('SELECT id || '' '' || coalesce(v::text, ''NULL'') FROM (%s) x', replace(query, '@where', ''));
        RETURN;
    EXCEPTION WHEN OTHERS THEN NULL;
    END;
    FOR n IN EXECUTE format('SELECT id FROM l.%I ORDER BY 1', table_name) LOOP
        BEGIN
            EXECUTE format('SELECT coalesce(v::text, ''NULL'') FROM (%s) x', replace(query, '@where', 'WHERE id = $1')) INTO said USING n;
            RETURN NEXT n || ' ' || said;
        EXCEPTION WHEN OTHERS THEN
            RETURN NEXT n || ' ' || SQLSTATE;
        END;
    END LOOP;
END $$"""


def compare(t, cases, shipped=True):
    """Each case, a table and an expression over its columns, three ways; all of them in one session each."""
    t.sql(ANSWERS)
    query = lambda schema, table, expression: f"SELECT id, {expression} AS v FROM {schema}.{table} @where GROUP BY 1, 2"  # noqa: E731
    said = {}
    for way, schema, pushdown in (("shipped", "f", "on"), ("unshipped", "f", "off"), ("copy", "l", "on")):
        script = [f"SET pg_sqlite_migrate.pushdown = {pushdown}; SET client_min_messages = error"]
        for number, (table, expression) in enumerate(cases):
            script.append(f"SELECT {number} || ' ' || answers FROM answers({quote(query(schema, table, expression))}, {quote(table)})")
        lines = t.sql(";\n".join(script)).out.splitlines()
        said[way] = sorted(lines, key=lambda line: [int(word) for word in line.split()[:2]])
    wrong = []
    for lines in itertools.zip_longest(*said.values()):
        if len(set(lines)) > 1 or " XX000" in str(lines):
            number, row = (int(word) for word in next(line for line in lines if line).split()[:2])
            table, expression = cases[number]
            wrong.append((expression, table, t.value(f"SELECT l FROM l.{table} l WHERE id = {row}"), *lines))
    assert not wrong, "\n".join(map(str, [len(wrong), *wrong[:20]]))
    shown = lambda case: "SELECT id || ' ' || coalesce(v::text, 'NULL') FROM (" + query("f", *case).replace("@where", "") + ") x"  # noqa: E731
    plans = t.sql(";\n".join("EXPLAIN (COSTS off) " + shown(case) for case in cases)).out
    kept = [case for case, plan in zip(cases, re.split(r"(?m)^(?=\S)", plans)[1:]) if not re.match(r"(Subquery Scan on x\n *->  )?Foreign Scan", plan)]
    assert not (shipped and kept), f"not shipped: {kept}"


def test_operators_and_functions(t):
    tables, cases = Tables(t), []
    for name, types, _ in signatures(t):
        cases.append((tables.of(types), call(name, types)))
    assert len(cases) > 60
    tables.declare()
    compare(t, cases)


def test_comparisons(t):
    tables, cases = Tables(t), []
    for (name, *_), types in itertools.product(rows_of("Conditions"), COMPARED):
        if not (types[0] == "boolean" and name not in ("=", "<>")):
            cases.append((tables.of(types), f"(a {name} b)"))
    tables.declare()
    compare(t, cases)


def test_aggregates(t):
    tables = Tables(t)
    wanted = [(name, type_) for name, types, *_ in rows_of("Aggregates") for type_ in types.split(", ") if type_ in EDGES]
    assert len(wanted) > 20
    for _, type_ in wanted:
        tables.of((type_,))
    tables.of(("text", "integer"))
    tables.declare()
    queries = []
    for name, type_ in [*wanted, *(("count", type_) for type_ in EDGES if (type_,) in tables.names)]:
        table = tables.of((type_,))
        queries += [f"SELECT {name}({distinct}a) FROM @.{table} {where}" for distinct in ("", "DISTINCT ") for where in ("", "WHERE a IS NULL", "WHERE id < 0", "GROUP BY id % 3 ORDER BY id % 3")]
        queries.append(f"SELECT {name}(a) FILTER (WHERE id > 2) FROM @.{table}")
    said = {}
    for way, schema, pushdown in (("shipped", "f", "on"), ("unshipped", "f", "off"), ("copy", "l", "on")):
        with t.server.session(t.database) as session:
            session.execute(f"SET pg_sqlite_migrate.pushdown = {pushdown}")
            said[way] = fdw_ways.answers(session, [query.replace("@", schema) for query in queries])
    different = [(query, *answers) for query, *answers in zip(queries, *said.values()) if len(set(answers)) > 1]
    assert not different, different[:5]
