"""Random well-typed queries over the tables of fdw_db, the same for the same seed.

What PostgreSQL itself may answer in two ways is not made: an error in one conjunct of several (arithmetic in conditions stays
far from overflow and divides by nullif(x, 0) or a constant); LIMIT without a total order; a group's representative where unlike values are
equal (nondeterministic collations, -0.0, numerics of two spellings); sums of doubles that depend on the order.
Errors are made in one place: one risky expression in the select list of a query without WHERE and LIMIT.
"""

import random

# Column names by type. Values are small in `small`: sums and products of a few stay within an integer.
COLUMNS = {
    "kinds": {"small": ["i", "s", "b"], "int": ["b", "id"], "float": ["r"], "text": ["t", "nc", "v"], "ctext": ["tc"], "bool": ["bo", "tf"],
              "date": ["d"], "ts": ["ts"], "tz": ["tz"], "uuid": ["u"], "bytea": ["y"], "numeric": ["n"], "char": ["ch"], "time": ["ti"]},
    "texts": {"small": [], "int": ["id"], "text": ["bin", "nocase", "rtrim", "v"], "ctext": ["c", "nc"], "lang": ["lang"], "char": ["ch"]},
    "edges": {"small": ["z"], "int": ["n", "i", "s", "nn", "nt", "id"]},
    "dates": {"small": [], "int": ["id"], "tz": ["iso", "ms", "us", "mixed"], "ts": ["s", "jd", "plain"], "date": ["d"], "time": ["t"]},
    "parents": {"small": ["grp"], "int": ["id", "grp"], "float": ["score"], "ctext": ["name"], "text": ["nick"], "bool": ["ok"]},
    "children": {"small": ["qty"], "int": ["id", "parent", "qty"], "float": ["price"], "ctext": ["label"], "text": ["nick"]},
    "bools": {"small": ["z"], "int": ["id", "z"], "bool": ["b", "tf"]},
    "blobs": {"small": [], "int": ["id"], "bytea": ["y", "yt"], "uuid": ["u", "ut"]},
    "decimals": {"small": ["k"], "int": ["id", "k"], "numeric": ["m"]},
    "stricts": {"small": [], "int": ["id", "i"], "float": ["r"], "ctext": ["t"], "bytea": ["b"]},
    "gen": {"small": ["a", "b", "total"], "int": ["id", "total"], "text": ["label"]},
}
WEIGHTS = {"kinds": 8, "texts": 3, "edges": 3, "dates": 3, "parents": 3, "children": 3}
CONSTANTS = {
    "small": ["0", "1", "2", "-1", "5", "3"], "int": ["0", "1", "10", "-7", "9223372036854775807", "9007199254740993", "42", "-9223372036854775808"],
    "float": ["0.5::float8", "1::float8", "-1.5::float8", "'Infinity'::float8", "1e10::float8"], "numeric": ["1", "2.5", "0.25", "99.0"],
    "text": ["'a'", "'A'", "''", "'ab'", "'é'", "'b'", "'a '", "'x''y'", "'10'"], "bool": ["true", "false"],
    "date": ["date '2016-08-01'", "date '1970-01-01'", "date '2000-02-29'"], "ts": ["timestamp '2016-08-01 01:00'", "timestamp '1999-12-31 23:59:59.5'"],
    "tz": ["timestamptz '2016-08-01 00:00+00'", "timestamptz '1985-05-05 05:05:05.0005+00'"], "time": ["time '12:30'", "time '01:00'"],
    "uuid": ["'00000000-0000-0400-0000-000000000003'::uuid", "'00000090-0000-0000-0000-000000000007'::uuid"],
    "bytea": ["'\\x61'::bytea", "''::bytea", "'\\xff'::bytea"], "char": ["'a'::char(4)", "'ab'::char(4)"],
}
CONSTANTS["ctext"] = CONSTANTS["lang"] = CONSTANTS["text"]
SORTABLE = ["int", "float", "text", "ctext", "lang", "bool", "date", "ts", "tz", "time", "uuid", "bytea", "numeric", "char"]
GROUPABLE = [kind for kind in SORTABLE if kind not in ("numeric", "float")]
AGGREGATED = {"int": ["min", "max", "count", "sum", "avg"], "small": ["sum", "avg", "min", "max"], "float": ["min", "max", "count"], "bool": ["bool_and", "bool_or", "count"],
              "text": ["min", "max", "count"], "ctext": ["min", "max", "count"], "lang": ["min", "max", "count"], "date": ["min", "max", "count"],
              "ts": ["min", "max", "count"], "tz": ["min", "max", "count"], "time": ["min", "max"], "numeric": ["sum", "min", "max", "avg", "count"],
              "uuid": ["count"], "bytea": ["count"], "char": ["min", "max", "count"]}


class Maker:
    def __init__(self, seed):
        self.random = random.Random(seed)

    def one_in(self, n):
        return self.random.randrange(n) == 0

    def pick(self, things):
        return self.random.choice(list(things))

    # Expressions of one type over the tables in scope, [(alias, table)].

    def has(self, scope, kind):
        return [f"{alias}.{name}" for alias, table in scope for name in COLUMNS[table].get(kind, [])]

    def kind_in(self, scope, kinds):
        return self.pick([kind for kind in kinds if self.has(scope, kind)])

    def leaf(self, scope, kind):
        columns = self.has(scope, kind)
        return self.pick(columns) if columns and not self.one_in(5) else self.pick(CONSTANTS[kind])

    def value(self, scope, kind, depth=2):
        if depth <= 0 or self.one_in(2):
            return self.leaf(scope, kind)
        inner = lambda: self.value(scope, kind, depth - 1)  # noqa: E731
        general = [lambda: f"coalesce({inner()}, {inner()})", lambda: f"CASE WHEN {self.condition(scope, depth - 1)} THEN {inner()} ELSE {inner()} END",
                   lambda: f"nullif({inner()}, {self.leaf(scope, kind)})", lambda: f"CASE WHEN {self.condition(scope, depth - 1)} THEN {inner()} END"]
        own = {
            "small": [lambda: f"({inner()} {self.pick('+-')} {self.leaf(scope, kind)})", lambda: f"({self.leaf(scope, kind)}::bigint * {self.leaf(scope, kind)})::bigint",
                      lambda: f"({inner()} {self.pick('/%')} {self.pick(['2', '3', '-3', '7'])})", lambda: f"({inner()} {self.pick('/%')} nullif({self.leaf(scope, kind)}, 0))",
                      lambda: f"(- {self.leaf(scope, kind)})", lambda: f"abs({self.leaf(scope, kind)})", lambda: f"length({self.value(scope, 'text', depth - 1)})"],
            "int": [lambda: f"({self.leaf(scope, 'small')}::bigint + {self.leaf(scope, 'small')})", lambda: f"({inner()} / {self.pick(['2', '7', '-3'])})",
                    lambda: f"({inner()} % {self.pick(['2', '7', '-3'])})"],
            "float": [lambda: f"({self.leaf(scope, 'small')}::float8 / 2)", lambda: f"abs({inner()})", lambda: f"(- {inner()})"] if self.has(scope, "float") else [],
            "numeric": [lambda: f"({inner()} + 1)", lambda: f"({inner()} * 2)"],
            "bool": [lambda: f"({self.condition(scope, depth - 1)})"],
            "date": [lambda: f"({self.leaf(scope, 'ts')})::date"], "ts": [lambda: f"({self.leaf(scope, 'date')})::timestamp"],
            "tz": [lambda: f"({self.leaf(scope, 'tz')} + interval '1 hour')"],
        }
        texts = [lambda: f"{self.pick(['lower', 'upper', 'trim', 'ltrim', 'rtrim', 'reverse'])}({inner()})", lambda: f"({inner()} || {self.leaf(scope, kind)})",
                 lambda: f"substr({inner()}, {self.pick(['-1', '0', '1', '2'])}, {self.pick('0123')})", lambda: f"replace({inner()}, {self.pick(CONSTANTS['text'])}, 'z')",
                 lambda: f"{self.pick(['left', 'right'])}({inner()}, {self.pick(['-1', '0', '1', '2'])})"]
        return self.pick(general + own.get(kind, []) + (texts if kind in ("text", "ctext", "lang") else []))()

    def condition(self, scope, depth=2):
        if depth > 0 and self.one_in(3):
            parts = [self.condition(scope, depth - 1) for _ in range(self.random.randint(2, 3))]
            return self.pick(["({})", "NOT ({})", "({})"]).format(self.pick([" AND ", " OR "]).join(parts))
        kind = self.kind_in(scope, SORTABLE + ["small"])
        left = self.value(scope, kind, depth - 1) if self.one_in(2) else self.pick(self.has(scope, kind))
        compared = ["=", "<>", "<", "<=", ">", ">="]
        choices = [lambda: f"{left} {self.pick(compared)} {self.value(scope, kind, depth - 1)}", lambda: f"{left} {self.pick(compared)} {self.pick(CONSTANTS[kind])}",
                   lambda: f"{left} IS {self.pick(['', 'NOT '])}NULL", lambda: f"{left} {self.pick(['', 'NOT '])}IN ({self.list(kind)})",
                   lambda: f"{left} {self.pick(['', 'NOT '])}BETWEEN {self.leaf(scope, kind)} AND {self.leaf(scope, kind)}",
                   lambda: f"{left} IS {self.pick(['', 'NOT '])}DISTINCT FROM {self.leaf(scope, kind)}"]
        if kind == "bool":
            choices += [lambda: left, lambda: f"NOT {left}", lambda: f"{left} IS {self.pick(['', 'NOT '])}{self.pick(['TRUE', 'FALSE', 'UNKNOWN'])}"] * 2
        if kind in ("text", "ctext", "lang"):
            patterns = ["'a%'", "'%b'", "'_'", "'A%'", "'%\\_%'", "'%a%'", "'é'", "''"]
            choices += [lambda: f"{left} {self.pick(['', 'NOT '])}{self.pick(['LIKE', 'LIKE', 'ILIKE'])} {self.pick(patterns)}"] * 2
        if kind in ("small", "int"):
            choices += [lambda: f"{left} = ANY ('{{{self.pick(['1,2,3', '0,NULL', '', '10,-7'])}}}')"]
        return self.pick(choices)()

    def list(self, kind):
        return ", ".join(self.pick(CONSTANTS[kind] + (["NULL"] if self.one_in(8) else [])) for _ in range(self.random.randint(1, 4)))

    # Queries

    def table(self):
        return self.random.choices(list(COLUMNS), [WEIGHTS.get(table, 1) for table in COLUMNS])[0]

    def source(self):
        """FROM and what is in scope."""
        kind = self.random.randrange(10)
        if kind < 6:
            table = self.table()
            return f"{table} a", [("a", table)]
        left, right = self.pick([("parents", "children"), ("children", "parents"), ("parents", "kinds"), ("kinds", "children"), ("parents", "stricts"), ("bools", "parents")])
        if kind == 9 and self.one_in(3):
            left, right = self.pick([("bools", "gen"), ("gen", "stricts")])
            return f"{left} a CROSS JOIN {right} b", [("a", left), ("b", right)]
        scope = [("a", left), ("b", right)]
        keys = {"children": "parent"}
        on = f"a.{keys.get(left, 'id')} = b.{keys.get(right, 'id')}"
        if self.one_in(4):
            on += f" AND {self.condition(scope, 1)}"
        if self.one_in(6):
            on = f"a.{COLUMNS[left]['int'][-1]} = b.{COLUMNS[right]['int'][-1]} AND b.id < 30"
        return f"{left} a {self.pick(['JOIN', 'LEFT JOIN', 'JOIN', 'LEFT JOIN', 'RIGHT JOIN'])} {right} b ON {on}", scope

    def exists(self, scope):
        alias, table = scope[0]
        inner = self.pick(["children", "parents", "kinds"])
        key = "parent" if inner == "children" else "id"
        more = f" AND {self.condition([('x', inner), scope[0]], 1)}" if self.one_in(2) else ""
        return f"{self.pick(['', 'NOT '])}EXISTS (SELECT 1 FROM {inner} x WHERE x.{key} = {alias}.id{more})"

    def where(self, scope):
        parts = [self.condition(scope) for _ in range(self.random.choice([0, 1, 1, 2]))]
        if self.one_in(8):
            parts.append(self.exists(scope))
        return " WHERE " + " AND ".join(parts) if parts else ""

    def plain(self):
        source, scope = self.source()
        kinds = [self.kind_in(scope, SORTABLE + ["small"]) for _ in range(self.random.randint(0, 3))]
        ids = [f"{alias}.id" for alias, _ in scope]
        targets = [self.value(scope, kind) for kind in kinds]
        query = f"SELECT {', '.join(ids + targets)} FROM {source}{self.where(scope)}"
        if not self.one_in(2):
            return query, False
        sorts = [f"{self.value(scope, self.kind_in(scope, SORTABLE), 1) if self.one_in(3) else self.pick(self.has(scope, self.kind_in(scope, SORTABLE)))}{self.direction()}"
                 for _ in range(self.random.randint(0, 2))]
        query += " ORDER BY " + ", ".join([sort for sort in sorts if "." in sort.split(" ")[0]] + [i + self.direction() for i in ids])
        if not self.one_in(3):
            query += f" LIMIT {self.random.randint(0, 20)}"
        if self.one_in(3):
            query += f" OFFSET {self.random.randint(0, 10)}"
        return query, True

    def direction(self):
        return self.pick(["", " ASC", " DESC"]) + self.pick(["", " NULLS FIRST", " NULLS LAST", ""])

    def aggregate(self, scope):
        kind = self.kind_in(scope, AGGREGATED)
        name = self.pick(AGGREGATED[kind])
        simple = not self.one_in(3) or kind in ("int", "numeric")
        arg = self.pick(self.has(scope, kind)) if simple else self.value(scope, kind, 1)
        distinct = "DISTINCT " if self.one_in(5) and name in ("count", "sum") else ""
        call = "count(*)" if self.one_in(6) else f"{name}({distinct}{arg})"
        return call + (f" FILTER (WHERE {self.condition(scope, 1)})" if self.one_in(6) else "")

    def grouped(self):
        source, scope = self.source()
        groups = []
        for _ in range(self.random.choice([0, 1, 1, 2])):
            kind = self.kind_in(scope, GROUPABLE)
            groups.append(self.pick(self.has(scope, kind)))
        groups = list(dict.fromkeys(groups))
        targets = groups + [self.aggregate(scope) for _ in range(self.random.randint(1, 3))]
        query = f"SELECT {', '.join(targets)} FROM {source}{self.where(scope)}"
        if groups:
            query += " GROUP BY " + ", ".join(groups)
        if self.one_in(4):
            query += f" HAVING {self.pick(['count(*) > 1', 'count(*) < 5', 'max(a.id) > 20', 'sum(a.id) % 2 = 0'])}"
        if groups and self.one_in(3):
            query += " ORDER BY " + ", ".join(group + self.direction() for group in groups) + (f" LIMIT {self.random.randint(1, 9)}" if self.one_in(2) else "")
            return query, True
        return query, False

    def distinct(self):
        source, scope = self.source()
        columns = list(dict.fromkeys(self.pick(self.has(scope, self.kind_in(scope, GROUPABLE))) for _ in range(self.random.randint(1, 2))))
        query = f"SELECT DISTINCT {', '.join(columns)} FROM {source}{self.where(scope)}"
        if self.one_in(3):
            return query + " ORDER BY " + ", ".join(column + self.direction() for column in columns) + f" LIMIT {self.random.randint(1, 12)}", True
        return query, False

    def risky(self):
        """One expression that may fail, alone."""
        table, column = self.pick([("edges", "n"), ("edges", "i"), ("edges", "s"), ("edges", "z"), ("kinds", "i"), ("kinds", "b")])
        other = self.pick(["z"] if table == "edges" else ["i", "s"])
        expression = self.pick([f"{column} + {self.pick('123')}", f"{column} - {other}", f"{column} * {self.pick('23')}", f"- {column}", f"abs({column})",
                                f"{column} / {other}", f"{column} % {other}", f"{column}::integer", f"{column}::smallint", f"{column} / 0", f"({column} + 1)::text"])
        return self.pick([f"SELECT {expression} FROM {table}", f"SELECT max({expression}) FROM {table}"]), False


def generate(seed, count):
    """`count` queries, each with whether its order is total."""
    maker = Maker(seed)
    shapes = [maker.plain] * 10 + [maker.grouped] * 6 + [maker.distinct] * 2 + [maker.risky]
    made = {}
    while len(made) < count:
        query, ordered = maker.pick(shapes)()
        made.setdefault(query, ordered)
    return list(made.items())


if __name__ == "__main__":
    import sys
    for text, _ in generate(int(sys.argv[1]), int(sys.argv[2])):
        print(text + ";")
