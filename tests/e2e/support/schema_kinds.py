"""Kinds of columns that a random schema is made of: a PostgreSQL type, and values of it that are numbered.

A value is known by its number, from 0 up to `limit`: `literal` writes it as PostgreSQL does, each of `cells` as SQLite may
hold it. Different numbers are different values where `unique`; kinds of one `family` write the same number alike enough for a
foreign key. `checks` are conditions (over `{c}`) that hold for every value, and cells that break them.
"""

import dataclasses
import datetime
import typing
import uuid

EPOCH = datetime.datetime(2001, 1, 1, tzinfo=datetime.timezone.utc)
LABELS = ["Red", "dark blue", "GREEN", "it''s", "weiß"]


@dataclasses.dataclass(frozen=True)
class Cell:
    """One way to write a kind's values in SQLite, under one of some declared types."""

    write: typing.Callable
    declared: tuple
    format: str = None


@dataclasses.dataclass(frozen=True)
class Kind:
    type: str
    literal: typing.Callable
    cells: tuple
    unique: bool = True
    family: str = ""
    limit: int = 3000
    bad: tuple = ()
    checks: tuple = ()
    # Index definitions over `{c}`, each with an operator that such an index serves between two columns of the type.
    indexes: tuple = ()
    btree: bool = True
    # Expressions over `{c}` for generated columns, as (type, expression).
    generated: tuple = ()
    default: str = None
    extension: str = None
    prepare: str = ""


def at(i):
    return EPOCH + datetime.timedelta(hours=31 * i)


def seconds(i):
    return int(at(i).timestamp())


def day(i):
    return (EPOCH + datetime.timedelta(days=3 * i)).date()


def clock(i):
    return f"{i // 60 % 24:02}:{i % 60:02}:{i * 7 % 60:02}"


def uid(i):
    return uuid.UUID(int=0x6B1D_0000_4000_8000_0000_0000_0000 + i * 7919 + (4 << 76) + (1 << 63))


def word(i):
    return f"Value {i} é"


def number(*declared):
    return (Cell(lambda i: i, declared),)


def text(*declared, write=None):
    return Cell(write, declared or ("TEXT", "VARCHAR(80)", "CLOB"))


def integer(type, **more):
    return Kind(type, str, (*number("INTEGER", "INT", "BIGINT"), text("TEXT", write=str)), family="integer", default="7",
                bad=("n/a", 1 << 62 if type != "bigint" else "99999999999999999999", 1.5),
                checks=(("{c} >= 0", -4), ("{c} + 1 > 0 AND {c} < 100000", -5), ("abs({c}) = {c}", -6)), btree=True,
                indexes=(("USING hash ({c})", "="), ("USING brin ({c})", "="), ("USING brin ({c}) WITH (pages_per_range = 2)", "<=")),
                generated=((type, "{c} * 2 + 1"), ("text", "'n' || {c}"), ("boolean", "{c} % 2 = 0")), **more)


def characters(type, bad=(), **more):
    return Kind(type, word, (text(write=word),), family=more.pop("family", "text"), default="'it''s'", bad=("a\0b", *bad),
                checks=(("{c} <> ''", ""), ("length({c}) > 1", "x"), ("{c} ~ '^(Val|it)'", "zzz")),
                indexes=more.pop("indexes", (("({c} text_pattern_ops)", "="), ("USING hash ({c})", "="), ("USING spgist ({c})", "="),
                                             ("(lower({c}) DESC)", "="), ('({c} COLLATE "C" ASC NULLS FIRST) INCLUDE ({c})', "="))),
                generated=(("text", "upper({c})"), ("tsvector", "to_tsvector('english', {c})"), ("text", "md5({c})"), ("integer", "length({c})")), **more)


def timestamp(type, step=1, zone=""):
    iso = lambda i: at(i).strftime(f"%Y-%m-%d %H:%M:%S{zone}")  # noqa: E731
    return Kind(type, lambda i: at(i).strftime("%Y-%m-%d %H:%M:%S+00" if zone else "%Y-%m-%d %H:%M:%S"), (
        Cell(iso, ("DATETIME", "TEXT", "TIMESTAMP")),
        Cell(lambda i: at(i).strftime(f"%Y-%m-%dT%H:%M:%S.000{zone}"), ("TEXT", "DATETIME")),
        Cell(lambda i: seconds(i) * 1000, ("DATETIME", "TIMESTAMP"), "unixepoch_ms"),
        Cell(lambda i: seconds(i), ("INTEGER", "DATETIME"), "unixepoch")),
        default="now()", bad=("yesterday-ish",), indexes=(("USING brin ({c})", "="), ("({c} DESC NULLS LAST)", "=")),
        checks=(("{c} > '1999-01-01'", "1980-01-01 00:00:00"),))


KINDS = {
    "int2": integer("smallint"), "int4": integer("integer"), "int8": integer("bigint"),
    "numeric": Kind("numeric(12,3)", lambda i: f"{i}.125", (Cell(lambda i: i + 0.125, ("REAL", "DECIMAL(12,3)", "NUMERIC")), text("TEXT", write=lambda i: f"{i}.125")),
                    default="0.5", bad=("n/a", 1e15), checks=(("{c} > 0", -0.5),), generated=(("numeric", "{c} / 3"),), indexes=(("USING hash ({c})", "="),)),
    "decimal": Kind("numeric", lambda i: f"{i}.000000000000000001", (text("TEXT", write=lambda i: f"{i}.000000000000000001"),), bad=("1,5",),
                    checks=(("{c} > 0", "-1"),)),
    "float8": Kind("double precision", lambda i: repr(i * 0.1), (Cell(lambda i: i * 0.1, ("REAL", "FLOAT", "DOUBLE")),), default="random()", bad=("n/a",),
                   checks=(("{c} >= 0", -0.25),)),
    "float4": Kind("real", lambda i: repr(i * 0.5), (Cell(lambda i: i * 0.5, ("REAL", "FLOAT")),), bad=("n/a",), checks=(("{c} >= 0", -0.25),)),
    "bool": Kind("boolean", lambda i: "ft"[i % 2], (Cell(lambda i: i % 2, ("BOOLEAN", "INTEGER", "TINYINT(1)")), text("TEXT", "BOOLEAN", write=lambda i: ("f", "t")[i % 2]),
                 text("TEXT", write=lambda i: ("False", "true")[i % 2])), unique=False, limit=2, default="false", bad=("maybe", 7)),
    "text": characters("text"), "varchar": characters("varchar(40)", bad=("x" * 41,)),
    "char": Kind("char(12)", lambda i: f"k{i}", (text("CHAR(12)", "TEXT", write=lambda i: f"k{i}"),), family="char", bad=("x" * 13,), checks=(("{c} <> ''", ""),)),
    "collated": characters('text COLLATE "C"', indexes=(('({c} COLLATE "ucs_basic" DESC)', "="), ("USING gin (to_tsvector('simple', {c}))", None))),
    "citext": characters("citext", extension="citext", family="citext", indexes=(("USING hash ({c})", "="),)),
    "nocase": Kind("text COLLATE {s}.nocase", word, (text(write=word),), family="nocase", extension="icu", indexes=(("USING hash ({c})", "="), ("({c} DESC)", "=")),
                   prepare="CREATE COLLATION {s}.nocase (provider = icu, locale = 'und-u-ks-level2', deterministic = false)", bad=("a\0b",), checks=(("{c} <> ''", ""),)),
    "date": Kind("date", lambda i: day(i).isoformat(), (Cell(lambda i: day(i).isoformat(), ("DATE", "TEXT")),), default="current_date", bad=("2001-02-30", "soon"),
                 checks=(("{c} > '1999-01-01'", "1980-01-01"),), indexes=(("USING brin ({c})", "="),)),
    "time": Kind("time", clock, (Cell(clock, ("TIME", "TEXT")),), unique=False, bad=("25:61:00",), checks=(("{c} >= '00:00'", None),)),
    "timestamp": timestamp("timestamp"), "timestamp0": timestamp("timestamp(0)"), "timestamp3": timestamp("timestamp(3) without time zone"),
    "timestamptz": timestamp("timestamptz", zone="Z"), "timestamptz6": timestamp("timestamptz(6)", zone="Z"),
    "uuid": Kind("uuid", lambda i: str(uid(i)), (text("TEXT", "CHAR(36)", "UUID", write=lambda i: str(uid(i))), text("CHAR(32)", "TEXT", write=lambda i: uid(i).hex),
                 Cell(lambda i: uid(i).bytes, ("BLOB", "UUID"))), default="gen_random_uuid()", bad=("not-a-uuid", b"short"), indexes=(("USING hash ({c})", "="),)),
    "jsonb": Kind("jsonb", lambda i: f'{{"i": {i}, "x": [1, null, "é"]}}', (text("JSON", "TEXT", write=lambda i: f'{{"x":[1,null,"é"],"i": {i}}}'),), default="'{}'",
                  bad=("{broken", '{"z": "\\u0000"}'), checks=(("jsonb_typeof({c}) = 'object'", "[1]"),),
                  indexes=(("USING gin ({c})", "@>"), ("USING gin ({c} jsonb_path_ops) WITH (fastupdate = off)", "@>"), ("(({c} ->> 'i'))", None)),
                  generated=(("text", "{c} ->> 'i'"), ("integer", "({c} ->> 'i')::integer"))),
    "json": Kind("json", lambda i: f'{{"i": {i}}}', (text("JSON", "TEXT", write=lambda i: f'{{"i":   {i}}}'),), unique=False, btree=False, bad=("[1,",)),
    "bytea": Kind("bytea", lambda i: "\\x" + f"{i:08x}ff00", (Cell(lambda i: bytes.fromhex(f"{i:08x}ff00"), ("BLOB", "BYTEA")),), default="E'\\\\x00'",
                  checks=(("length({c}) > 1", b""),)),
    "interval": Kind("interval", lambda i: f"{i // 3600}:{i // 60 % 60:02}:{i % 60:02}", (text("TEXT", write=lambda i: f"{i // 3600:02}:{i // 60 % 60:02}:{i % 60:02}"),),
                     bad=("a while",), checks=(("{c} >= '0'", "-01:00:00"),)),
    "inet": Kind("inet", lambda i: f"10.1.{i // 250}.{i % 250 + 1}", (text("TEXT", write=lambda i: f"10.1.{i // 250}.{i % 250 + 1}"),), bad=("10.1.300.1",),
                 indexes=(("USING gist ({c} inet_ops)", "="), ("USING spgist ({c})", "=")), checks=(("family({c}) = 4", "::1"),)),
    "macaddr": Kind("macaddr", lambda i: f"08:00:2b:01:{i // 256:02x}:{i % 256:02x}", (text("TEXT", write=lambda i: f"08:00:2b:01:{i // 256:02x}:{i % 256:02x}"),), bad=("08:00",)),
    "mood": Kind("{s}.mood", lambda i: LABELS[i % 5].replace("''", "'"), (text("TEXT", "VARCHAR(20)", write=lambda i: LABELS[i % 5].replace("''", "'")),), unique=False, limit=5,
                 default="'GREEN'", bad=("red", ""), prepare="CREATE TYPE {s}.mood AS ENUM ('" + "', '".join(LABELS) + "')"),
    "positive": Kind("{s}.positive", str, number("INTEGER"), family="positive", default="1", bad=("n/a",), checks=(("{c} IS DISTINCT FROM -1", -1),),
                     prepare="CREATE DOMAIN {s}.positive AS integer DEFAULT 3 CONSTRAINT above CHECK (VALUE > -1)"),
    "email": Kind("{s}.email", lambda i: f"u{i}@example.org", (text("TEXT", write=lambda i: f"u{i}@example.org"),), family="email", bad=(), checks=(("{c} <> ''", "nobody"),),
                  prepare="CREATE DOMAIN {s}.email AS varchar(60) CHECK (VALUE LIKE '%@%')", generated=(("text", "split_part({c}, '@', 1)"),)),
    "ints": Kind("integer[]", lambda i: f"{{{i},2,3}}", (text("JSON", "TEXT", write=lambda i: f"[{i},2, 3]"),), bad=("[1", '["x"]'), default="'{}'",
                 indexes=(("USING gin ({c})", "@>"), ("USING gin ({c}) WITH (fastupdate = off, gin_pending_list_limit = 64)", "&&"))),
    "texts": Kind("text[]", lambda i: f'{{"tag {i}","ü, \\"q\\""}}', (text("JSON", "TEXT", write=lambda i: f'["tag {i}", "ü, \\"q\\""]'),), default="ARRAY['x']",
                  indexes=(("USING gin ({c})", "@>"),)),
    "range": Kind("int4range", lambda i: f"[{i * 10},{i * 10 + 5})", (text("TEXT", write=lambda i: f"[{i * 10},{i * 10 + 5})"),), family="range", bad=("[5,1)", "5..7"),
                  indexes=(("USING gist ({c})", "&&"), ("USING spgist ({c})", "="))),
    "period": Kind("tstzrange", lambda i: f'["{at(i):%Y-%m-%d %H:%M:%S}+00","{at(i + 1):%Y-%m-%d %H:%M:%S}+00")',
                   (text("TEXT", write=lambda i: f'["{at(i):%Y-%m-%d %H:%M:%S}+00","{at(i + 1):%Y-%m-%d %H:%M:%S}+00")'),), bad=("[now",), indexes=(("USING gist ({c})", "&&"),)),
    "tsvector": Kind("tsvector", lambda i: f"'v':2 'w{i}':1", (text("TEXT", write=lambda i: f"'v':2 'w{i}':1"),), indexes=(("USING gin ({c})", None), ("USING gist ({c})", None))),
    "varbit": Kind("bit varying(40)", lambda i: f"1{i:b}", (text("TEXT", write=lambda i: f"1{i:b}"),), bad=("102",)),
    "point": Kind("point", lambda i: f"({i},2)", (text("TEXT", write=lambda i: f"({i},2)"),), unique=False, btree=False, bad=("(1",), indexes=(("USING gist ({c})", "~="),)),
    "pair": Kind("{s}.pair", lambda i: f'({i},"a b")', (text("TEXT", write=lambda i: f'({i},"a b")'),), bad=("(1", "(x,y)"), prepare="CREATE TYPE {s}.pair AS (n integer, w text)"),
}
