"""What a SQLite cell means in a column of a PostgreSQL type, and what PostgreSQL holds there: two readings that meet in one
Python value, so that rows can be looked up by key and compared. Independent of the code under test.

A TEXT cell is a `Text` (bytes, byte for byte), a BLOB plain bytes. `format` says what a number, or an encoded text, counts:
the words of docs/types.md, and `simple-array` (TypeORM: joined by commas).
"""

import dataclasses
import json
import re
import struct
import typing
import uuid
from decimal import Decimal

import oracle

JSON_NULL = ("JSON null",)


class Text(bytes):
    """A TEXT cell."""


@dataclasses.dataclass(frozen=True)
class Kind:
    """How a column of one type is selected, read, and what a cell (with a format) becomes in it."""

    wanted: typing.Callable
    found: typing.Callable
    select: str = "{}"


def wanted(cell, column_type, format=None):
    return None if cell is None else kind_of(column_type).wanted(cell, format)


def found(text, column_type):
    return None if text is None else kind_of(column_type).found(text)


def select(expression, column_type):
    return kind_of(column_type).select.format(expression)


def kind_of(column_type):
    if column_type.endswith("[]"):
        return ARRAY
    return KINDS.get(column_type, CHARACTERS)


def characters(cell, _=None):
    """TEXT byte for byte; a number as it is written."""
    return bytes(cell) if isinstance(cell, bytes) else repr(cell).encode()


def truth(cell, _=None):
    word = cell.strip().lower() if isinstance(cell, bytes) else b"%d" % cell
    assert word in oracle.TRUE | oracle.FALSE, f"{cell!r} is no boolean"
    return word in oracle.TRUE


def single(value):
    """The nearest real of four bytes."""
    return struct.unpack("f", struct.pack("f", float(value)))[0]


def octets(cell, format):
    if not isinstance(cell, bytes):
        return repr(cell).encode()
    decode = {"hex": lambda text: bytes.fromhex(text.decode()), "base64": oracle.base64.b64decode}.get(format)
    return decode(cell) if decode and isinstance(cell, Text) else bytes(cell)


def identifier(cell, _=None):
    return uuid.UUID(cell.decode()) if isinstance(cell, Text) else uuid.UUID(bytes=cell)


def document(cell, _=None):
    """What the JSON says; its null is a value, and not NULL."""
    value = oracle.load(cell if isinstance(cell, bytes) else repr(cell).encode())
    return JSON_NULL if value is None else value


def instant(cell, format):
    """Microseconds since 1970."""
    if isinstance(cell, Text) and (written := oracle.instant(cell.decode().strip())) is not None:
        return written
    start, unit = oracle.EPOCHS[format or "unixepoch_ms"]
    return round((start + oracle.number(cell) * unit) * oracle.US)


def day(cell, format):
    return instant(cell, format) // (oracle.DAY * oracle.US)


def time_of_day(cell, format):
    if isinstance(cell, Text):
        return oracle.seconds_of_day(cell.decode().strip())
    return round(oracle.number(cell) * oracle.DURATIONS[format] / oracle.US, 6)


def duration(cell, format):
    if format == "since_1970":
        return Decimal(oracle.instant(cell.decode()))
    if isinstance(cell, Text) and not oracle.NUMBER.match(cell.decode()):
        return oracle.duration(cell.decode().strip())
    return oracle.number(cell) * oracle.DURATIONS[format]


def array(cell, format):
    if format == "simple-array":
        return [element(e) for e in cell.decode().split(",")] if cell else []
    return element(oracle.load(cell))


def element(value):
    """An element as JSON shows it; numbers by value, everything else by its characters."""
    if isinstance(value, list):
        return [element(v) for v in value]
    if isinstance(value, str) and re.fullmatch(r"[0-9a-fA-F]{8}(-?[0-9a-fA-F]{4}){3}-?[0-9a-fA-F]{12}", value):
        return uuid.UUID(value)
    return value


def vector(cell, _=None):
    """Four-byte reals, of a JSON array or of their bytes in the machine's order."""
    if isinstance(cell, Text):
        return [single(e) for e in json.loads(cell)]
    return list(struct.unpack(f"<{len(cell) // 4}f", cell))


NUMBER = Kind(lambda cell, _: oracle.number(cell), lambda text: Decimal(text.decode()))
DOUBLE = Kind(lambda cell, _: float(cell), float)
SINGLE = Kind(lambda cell, _: single(cell), single)
INSTANT = Kind(instant, lambda text: oracle.instant(text.decode()))
TIME = Kind(time_of_day, lambda text: oracle.seconds_of_day(text.decode()))
JSON = Kind(document, document)
CHARACTERS = Kind(characters, bytes)
ARRAY = Kind(array, lambda text: element(document(text)), "to_json({})")

# By format_type() without a length; domains count as their base type. What is not named is compared by its characters.
KINDS = {
    "smallint": NUMBER, "integer": NUMBER, "bigint": NUMBER, "numeric": NUMBER,
    "double precision": DOUBLE, "real": SINGLE,
    "boolean": Kind(truth, truth),
    "character": Kind(lambda cell, _: characters(cell).rstrip(b" "), lambda text: text.rstrip(b" ")),
    "bytea": Kind(octets, lambda text: bytes.fromhex(text[2:].decode())),
    "uuid": Kind(identifier, lambda text: uuid.UUID(text.decode())),
    "json": JSON, "jsonb": JSON,
    "date": Kind(day, lambda text: oracle.instant(text.decode()) // (oracle.DAY * oracle.US)),
    "timestamp without time zone": INSTANT, "timestamp with time zone": INSTANT,
    "time without time zone": TIME, "time with time zone": TIME,
    "interval": Kind(duration, lambda text: Decimal(text.decode()), "(extract(epoch FROM {}) * 1000000)::numeric"),
    "vector": Kind(vector, lambda text: vector(Text(text))),
}
