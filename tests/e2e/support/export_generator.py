"""Random PostgreSQL schemas with values at the edges of every type, and what docs/export.md says that an exported file holds of
them; the same for the same seed. Nothing here knows how the export does it: `Kind.cell` reads what PostgreSQL prints.

    case = generate(seed)
    case.script          makes the schema and its rows
    case.plan            a plan for the export
    table.expected(t)    the rows of a table's file, as (storage class, value) by column
"""

import collections
import dataclasses
import decimal
import json
import math
import random
import typing

from harness import ident, quote

SCHEMAS = ("app", 'second "schema"')
PRELUDE = f"""
    CREATE SCHEMA app; CREATE SCHEMA {ident(SCHEMAS[1])};
    CREATE TYPE app.mood AS ENUM ('sad', 'it''s ok', 'Ж', '');
    CREATE DOMAIN app.small AS integer CHECK (VALUE > -1000 AND VALUE < 1000);
    CREATE DOMAIN app.code AS varchar(12);
    CREATE TYPE app.pair AS (a int, b text);
"""
# Numbers as they are, so that nothing is rounded by what compares them.
exact_json = lambda text: json.loads(text, parse_float=str, parse_int=str)  # noqa: E731


@dataclasses.dataclass(frozen=True)
class Kind:
    """A type of columns. `edges` are values as PostgreSQL reads them, `draw` makes more of them, `cell(text, plan)` is what
    the file holds of a value that PostgreSQL prints so; None where no exact form is there."""

    type: str
    edges: tuple
    draw: typing.Callable
    cell: typing.Callable
    # What is selected of a column, so that it is printed in the way that `cell` reads.
    shown: str = "{}"
    # Different texts are different values, in both databases.
    key: bool = True
    # Every value has an exact form.
    fits: bool = True
    default: str = None
    check: str = None


def integer(text, _):
    return "integer", int(text)


def real(text, _):
    value = float(text)
    return None if math.isnan(value) else ("real", value + 0.0)


def short_numeric(text, plan):
    if plan["numeric"] == "exact":
        if text == "NaN":
            return "text", "NaN"
        number = decimal.Decimal(text)
        return ("integer", int(number)) if number == number.to_integral_value() else ("real", float(text))
    return long_numeric(text, plan)


def long_numeric(text, plan):
    if plan["numeric"] == "real":
        return real(text, plan)
    return "text", text


def text_cell(text, _):
    return "text", text


def blob(text, _):
    return "blob", bytes.fromhex(text[2:])


def of_years(write):
    """A time whose year has an ISO form; others have none."""
    def cell(text, _):
        year = text.split("-")[0]
        return None if text.endswith("BC") or not year.isdigit() or len(year) != 4 else ("text", write(text))
    return cell


def fraction(text):
    """All six digits, or none."""
    whole, _, digits = text.partition(".")
    return f"{whole}.{digits.ljust(6, '0')}" if digits else whole


def instant(text):
    assert text.endswith("+00")
    return fraction(text[:-3]) + "+00:00"


def identifier(text, plan):
    return ("blob", bytes.fromhex(text.replace("-", ""))) if plan["uuid"] == "blob" else ("text", text)


def array(text, _):
    """Numbers keep their digits. Where other indexes than from 1 on begin, JSON cannot say; a time without end is none in a document."""
    printed, elements = text.split(" #json# ", 1)
    return None if printed.startswith("[") or "infinity" in printed else ("json", exact_json(elements))


def word(choice):
    letters = "abcXYZ 09'\"\\%_,;{}é日😀\t\n"
    return "".join(choice.choice(letters) for _ in range(choice.randrange(12)))


def digits(choice, whole, scale):
    number = str(choice.randrange(10 ** choice.randrange(1, whole + 1)))
    return choice.choice(["", "-"]) + number + ("." + "".join(choice.choice("0123456789") for _ in range(scale)) if scale else "")


def moment(choice):
    return (f"{choice.choice([1, 99, 1900, 1969, 1970, 2024, 9999]):04}-{choice.randrange(1, 13):02}-{choice.randrange(1, 29):02}"
            f" {choice.randrange(24):02}:{choice.randrange(60):02}:{choice.randrange(60):02}{choice.choice(['', '.5', '.000001', '.999999'])}")


def literal_array(elements):
    quoted = lambda e: "NULL" if e is None else '"' + e.replace("\\", "\\\\").replace('"', '\\"') + '"'  # noqa: E731
    return "{" + ",".join(map(quoted, elements)) + "}"


def arrays(of, edges, draw, elements="{0}"):
    """What the array is, as PostgreSQL prints it and as its to_json does."""
    drawn = lambda choice: literal_array([choice.choice([None, draw(choice), draw(choice)]) for _ in range(choice.randrange(4))])  # noqa: E731
    return Kind(f"{of}[]", edges, drawn, array, f"{{0}}::text || ' #json# ' || to_json({elements})::text", key=False, fits=False)


# Names of kinds are those of the types, as far as they go.
KINDS = {
    "boolean": Kind("boolean", ("t", "f"), lambda c: c.choice("tf"), lambda text, _: ("integer", int(text == "t")), default="true"),
    "smallint": Kind("smallint", ("-32768", "32767", "0"), lambda c: str(c.randrange(-300, 300)), integer, default="7", check="{c} >= -32768"),
    "integer": Kind("integer", ("-2147483648", "2147483647", "0"), lambda c: str(c.randrange(-10**6, 10**6)), integer, default="-1", check="{c} <> 77 OR {c} IS NULL"),
    "bigint": Kind("bigint", ("-9223372036854775808", "9223372036854775807", "9007199254740993"), lambda c: str(c.randrange(-10**15, 10**15)), integer, default="(12)",
                   check="{c} IS NOT NULL OR {c} IS NULL"),
    "real": Kind("real", ("-0", "1e-45", "3.4028235e38", "Infinity", "NaN", "0.1", "16777217"), lambda c: digits(c, 4, 2), real, key=False, fits=False, default="1.5"),
    "double": Kind("double precision", ("-0", "5e-324", "1.7976931348623157e308", "-Infinity", "NaN", "0.1", "9007199254740993", "9.223372036854775807e18", "1e15", "1e300"),
                   lambda c: repr(c.choice([1, 1e-300, 1e300]) * c.uniform(-10, 10)), real, key=False, fits=False, default="0.5", check="{c} <> 1e10 OR {c} IS NULL"),
    "numeric(15,2)": Kind("numeric(15,2)", ("-9999999999999.99", "0.01", "NaN", "1.10", "2.00", "-0.50"), lambda c: digits(c, 10, 2), short_numeric, key=False, fits=False, default="1.50"),
    "numeric(10,0)": Kind("numeric(10)", ("-9999999999", "0", "NaN"), lambda c: digits(c, 9, 0), short_numeric, key=False, fits=False),
    "numeric(15,15)": Kind("numeric(15,15)", ("0.999999999999999", "0.000000000000001", "-0.1"), lambda c: "0." + digits(c, 15, 0).strip("-"), short_numeric, key=False),
    "numeric(16,3)": Kind("numeric(16,3)", ("9999999999999.999", "0.100", "7.000"), lambda c: digits(c, 12, 3), long_numeric, key=False),
    "numeric": Kind("numeric", ("0", "-0.000", "1e-100", "123456789012345678901234567890.123456789", "Infinity", "-Infinity", "NaN", "1e40"), lambda c: digits(c, 25, c.randrange(10)),
                    long_numeric, key=False, fits=False),
    "money": Kind("money", ("-92233720368547758.08", "92233720368547758.07", "0.01", "-1234.5"), lambda c: digits(c, 9, 2), text_cell, "{}::numeric", key=False),
    "text": Kind("text", ("", " ", "12", "1e5", "007", "NULL", "it's", "a\\b", "日本語 é 😀", "\t\n\r", "x" * 3000, "0x10", "-", "nan", "'"), word, text_cell, default="'it''s \"x\"'"),
    "text C": Kind('text COLLATE "C"', ("", "A", "a", "é"), word, text_cell, check="{c} <> 'no' AND {c} >= ''"),
    "varchar": Kind("varchar(20)", ("", "12.0", " x ", "é" * 20), lambda c: word(c)[:20], text_cell, default="'12'", check="length({c}) <= 20"),
    "char": Kind("char(6)", ("ab", "", "12", "é    "), lambda c: word(c).strip(" ")[:6], lambda text, _: ("text", text.rstrip(" ")), key=False),
    "code": Kind("app.code", ("", "007"), lambda c: word(c)[:12], text_cell),
    "bytea": Kind("bytea", ("\\x", "\\x00", "\\x00ff5c27", "\\x313233"), lambda c: "\\x" + c.randbytes(c.randrange(9)).hex(), blob),
    "date": Kind("date", ("0001-01-01", "9999-12-31", "2024-02-29", "infinity", "-infinity", "0044-03-15 BC", "10000-01-01"), lambda c: moment(c)[:10], of_years(str),
                 default="'2024-05-01'", key=False, fits=False),
    "time": Kind("time", ("00:00", "23:59:59.999999", "24:00:00", "10:11:12.5"), lambda c: moment(c)[11:], lambda text, _: None if text == "24:00:00" else ("text", fraction(text)), key=False, fits=False),
    "timestamp": Kind("timestamp", ("0001-01-01 00:00:00", "9999-12-31 23:59:59.999999", "infinity", "20240-01-02 03:04:05.5", "0044-03-15 00:00:00 BC"), moment, of_years(fraction), key=False, fits=False),
    "timestamptz": Kind("timestamptz", ("0001-01-01 00:00:00+00", "9999-12-31 23:59:59.999999+00", "-infinity", "1970-01-01 00:00:00+00", "10000-01-01 01:00:00+02"),
                        lambda c: moment(c) + c.choice(["+00", "+05:30", "-08"]), of_years(instant), default="now()", key=False, fits=False),
    "timetz": Kind("timetz", ("10:11:12.5+05:30", "00:00+00"), lambda c: moment(c)[11:] + "-08", text_cell, key=False),
    "interval": Kind("interval", ("1 year 2 mons -3 days 04:05:06.789", "0", "-1 mon"), lambda c: f"{c.randrange(99)} days {c.randrange(9)} hours", text_cell, key=False),
    "uuid": Kind("uuid", ("00000000-0000-0000-0000-000000000000", "ffffffff-ffff-ffff-ffff-ffffffffffff", "12345678-1234-1234-1234-123456789012"),
                 lambda c: f"{c.getrandbits(128):032x}", identifier, default="gen_random_uuid()"),
    "json": Kind("json", ('{"a" : 1.0, "a":2}', "12", '"x"', "null", '[1]'), lambda c: json.dumps([word(c), c.random()]), text_cell, key=False),
    "jsonb": Kind("jsonb", ('{"b": [1, null], "a": "é"}', "1.0", "null", '"\\u0041\\n"'), lambda c: json.dumps({word(c): c.randrange(9)}), text_cell, default="'{}'", key=False),
    "integer[]": arrays("integer", ("{}", "{1,NULL,-3}", "{{1,2},{3,4}}", "[2:3]={1,2}"), lambda c: str(c.randrange(99))),
    "numeric[]": arrays("numeric", ("{1.10,NaN,12345678901234567890.5}",), lambda c: digits(c, 20, 3)),
    "text[]": arrays("text", ('{NULL,"NULL",""}', '{"a,b","{x}","\\"q\\"","\\\\"}', "{{a},{b}}"), word),
    "boolean[]": Kind("boolean[]", ("{t,f,NULL}", "{}"), lambda c: "{t}", array, "{0}::text || ' #json# ' || to_json({0})::text", key=False),
    "timestamptz[]": arrays("timestamptz", ('{"2024-05-01 10:11:12+02",infinity}',), lambda c: moment(c) + "+00", "{0}::text[]"),
    "mood": Kind("app.mood", ("sad", "it's ok", "Ж", ""), lambda c: c.choice(["sad", "it's ok", "Ж", ""]), text_cell, key=False, default="'sad'"),
    "small": Kind("app.small", ("-999", "999"), lambda c: str(c.randrange(-999, 1000)), integer),
    "pair": Kind("app.pair", ('(1,"x ""y""")', "(,)"), lambda c: f"({c.randrange(9)},x)", text_cell, key=False),
    "inet": Kind("inet", ("10.0.0.1/8", "::1"), lambda c: f"10.{c.randrange(256)}.0.1", text_cell),
    "int4range": Kind("int4range", ("empty", "[1,5)", "(,)"), lambda c: f"[{c.randrange(9)},{c.randrange(10, 99)})", text_cell, key=False),
    "bit": Kind("bit(4)", ("0101", "1111"), lambda c: f"{c.randrange(16):04b}", text_cell, key=False),
    "varbit": Kind("bit varying", ("", "0101"), lambda c: f"{c.randrange(16):b}", text_cell, key=False),
}
NAMES = ("id", "name", "Name ü", "select", 'a "quoted" one', "it's", "UPPER", "日本", "a b", "rowid", "oid", "x;y", "number", "é", "-- remark", "[x]", "`y`", "value", "at", "key", "group")


@dataclasses.dataclass
class Column:
    name: str
    kind: Kind
    not_null: bool = False
    more: str = ""

    def definition(self):
        return f"{ident(self.name)} {self.kind.type}{self.more}{' NOT NULL' if self.not_null else ''}"


@dataclasses.dataclass
class Table:
    number: int
    schema: str
    name: str
    columns: list
    rows: list
    primary: list = None
    uniques: list = dataclasses.field(default_factory=list)
    foreign: list = dataclasses.field(default_factory=list)
    partition: str = None
    identity: bool = False

    def q(self):
        return f"{ident(self.schema)}.{ident(self.name)}"

    def create(self):
        parts = ["junk text", *(column.definition() for column in self.columns)]
        for n, column in enumerate(self.columns):
            if column.kind.check and n % 2:
                parts.append(f"CONSTRAINT {ident(f'check {self.number} {n}')} CHECK ({column.kind.check.format(c=ident(column.name))})")
        if self.primary:
            parts.append(f"PRIMARY KEY ({', '.join(map(ident, self.primary))})")
        parts += [f"UNIQUE ({', '.join(map(ident, key))})" for key in self.uniques]
        by = f" PARTITION BY {self.partition} ({ident(self.columns[0].name)})" if self.partition else ""
        made = [f"CREATE TABLE {self.q()} ({', '.join(parts)}){by}", f"ALTER TABLE {self.q()} DROP COLUMN junk"]
        if self.partition == "hash":
            made += [f"CREATE TABLE {ident(self.schema)}.{ident(f'part {self.number} {n}')} PARTITION OF {self.q()} FOR VALUES WITH (MODULUS 2, REMAINDER {n})" for n in (0, 1)]
        elif self.partition:
            made.append(f"CREATE TABLE {ident(self.schema)}.{ident(f'part {self.number}')} PARTITION OF {self.q()} DEFAULT")
        return made

    def insert(self):
        if not self.rows:
            return []
        rows = [", ".join("NULL" if value is None else quote(value) for value in row) for row in self.rows]
        return [f"INSERT INTO {self.q()} ({', '.join(ident(c.name) for c in self.columns)}) OVERRIDING SYSTEM VALUE VALUES ({'), ('.join(rows)})"]

    def select(self):
        return f"SELECT {', '.join(c.kind.shown.format(ident(c.name)) for c in self.columns)} FROM {self.q()}"

    def expected(self, rows, plan):
        """What the file holds of rows that PostgreSQL prints so, and how many values of each column have no exact form."""
        out, without = [], collections.Counter()
        for row in rows:
            cells = []
            for column, text in zip(self.columns, row):
                cell = ("null", None) if text is None else column.kind.cell(text, plan)
                if cell is None:
                    without[column.name] += 1
                    cell = "null", None
                cells.append(cell)
            out.append(tuple(cells))
        return collections.Counter(map(repr, out)), without

    def found(self, rows):
        """Cells of the file, (storage class, value, storage class, …), to be compared with those."""
        def read(column, of, value):
            return ("json", exact_json(value)) if column.kind.cell is array and of == "text" else (of, value)
        return collections.Counter(repr(tuple(read(*cell) for cell in zip(self.columns, row[::2], row[1::2]))) for row in rows)


@dataclasses.dataclass
class Case:
    tables: list
    plan: dict
    after: list

    @property
    def script(self):
        made = [PRELUDE]
        for table in self.tables:
            made += table.create()
        made += [statement for table in self.tables for statement in table.insert()]
        return ";\n".join(made + self.after)


def generate(seed):
    choice = random.Random(seed)
    tables = [table(choice, n) for n in range(choice.randrange(1, 4))]
    after = []
    for n, child in enumerate(tables):
        refer(choice, child, tables[:n + 1], after)
        index(choice, child, after)
    plan = {"schemas": list(SCHEMAS), "on_invalid": "null", "numeric": choice.choice(["exact", "exact", "text", "real"]), "uuid": choice.choice(["text", "blob"]),
            "strict": choice.choice([True, False]), "encoding": choice.choice(["UTF-8", "UTF-8", "UTF-16le", "UTF-16be"]), "page_size": choice.choice([512, 4096, 65536]),
            "journal_mode": choice.choice(["delete", "wal"]), "auto_vacuum": choice.choice(["none", "full"])}
    return Case(tables, plan, after)


def table(choice, number):
    names = choice.sample(NAMES, choice.randrange(1, 8))
    columns = [Column(name, KINDS[choice.choice(list(KINDS))]) for name in names]
    made = Table(number, choice.choice(SCHEMAS), choice.choice(NAMES) + (f" {number}" if choice.randrange(2) else f"_{number}"), columns, [])
    shape = choice.choice(["identity", "identity", "key", "composite", "none", "none", "list", "hash", "range"])
    if shape == "identity":
        columns.insert(choice.randrange(len(columns) + 1), Column("row id", KINDS[choice.choice(["integer", "bigint", "smallint"])], True,
                                                                 choice.choice([" GENERATED ALWAYS AS IDENTITY", " GENERATED BY DEFAULT AS IDENTITY", ""])))
        made.primary, made.identity = ["row id"], True
    keys = [column for column in columns if column.kind.key and column.name != "row id"]
    if shape == "key" and keys:
        made.primary = [choice.choice(keys).name]
    if shape == "composite" and len(keys) > 1:
        made.primary = [column.name for column in choice.sample(keys, 2)]
    if shape in ("list", "hash", "range") and columns[0].kind in (KINDS["integer"], KINDS["text"], KINDS["bigint"], KINDS["date"], KINDS["uuid"]):
        made.partition = shape
    for column in columns:
        column.not_null = column.not_null or column.kind.fits and choice.randrange(4) == 0 or column.name in (made.primary or [])
        if column.kind.default and not column.more and choice.randrange(3) == 0:
            column.more = f" DEFAULT {column.kind.default}"
    if keys and not made.partition and choice.randrange(3) == 0:
        made.uniques = [[choice.choice(keys).name]]
    fill(choice, made)
    return made


def fill(choice, made):
    """Rows with every edge of every column, as far as keys let them."""
    most = max(len(column.kind.edges) for column in made.columns)
    seen = [set() for _ in [made.primary, *made.uniques] if _]
    keys = [key for key in [made.primary, *made.uniques] if key]
    names = [column.name for column in made.columns]
    for n in range(choice.choice([0, most, most, most + choice.randrange(30)])):
        row = []
        for column in made.columns:
            kind = column.kind
            value = str(n + 1) if column.name == "row id" else kind.edges[n] if n < len(kind.edges) else kind.draw(choice)
            row.append(None if not column.not_null and choice.randrange(6) == 0 else value)
        parts = [tuple(row[names.index(name)] for name in key) for key in keys]
        if any(part in known for part, known in zip(parts, seen)):
            continue
        for part, known in zip(parts, seen):
            if None not in part:
                known.add(part)
        made.rows.append(row)


def refer(choice, child, parents, after):
    """A foreign key to a table's integer key, to rows that are there."""
    found = [parent for parent in parents if parent.identity and parent.rows]
    if not found or choice.randrange(2):
        return
    parent = choice.choice(found)
    kind = next(column.kind for column in parent.columns if column.name == "row id")
    child.columns.append(Column("parent", kind))
    for row in child.rows:
        row.append(choice.choice([None, *(r[[c.name for c in parent.columns].index("row id")] for r in parent.rows)]))
    action = choice.choice(["", " ON DELETE CASCADE", " ON DELETE SET NULL ON UPDATE CASCADE", " DEFERRABLE INITIALLY DEFERRED", " ON DELETE RESTRICT"])
    name = f"to parent {child.number}"
    after.append(f"ALTER TABLE {child.q()} ADD CONSTRAINT {ident(name)} FOREIGN KEY (parent) REFERENCES {parent.q()}{action}")
    child.foreign.append((name, parent))


def index(choice, of, after):
    keys = [column.name for column in of.columns if column.kind.key]
    if not keys or choice.randrange(2):
        return
    picked = choice.sample(keys, min(len(keys), choice.randrange(1, 3)))
    where = choice.choice(["", f" WHERE {ident(picked[0])} IS NOT NULL"])
    after.append(f"CREATE INDEX {ident(f'index {of.number}')} ON {of.q()} ({', '.join(ident(name) + choice.choice(['', ' DESC']) for name in picked)}){where}")
