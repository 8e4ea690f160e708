"""Digests and sums of docs/manifest.md, over values that are in canonical form already: bytes, or None for NULL."""

import datetime
import decimal
import hashlib
import json
import struct
import uuid

TAGS = {"boolean": b"b", "integer": b"i", "double": b"d", "numeric": b"n", "text": b"t", "character": b"t", "bytea": b"x",
        "date": b"D", "time": b"h", "timetz": b"H", "timestamp": b"T", "timestamptz": b"Z", "interval": b"I", "uuid": b"u",
        "json": b"j", "printed": b"p"}
EPOCH = datetime.datetime(1970, 1, 1)
# Enough for every double and its neighbours.
decimal.getcontext().prec = 2000


def digest(data):
    return hashlib.sha256(data).digest()[:16]


def total(digests):
    return f"{sum(int.from_bytes(part, 'big') for part in digests) % 2**128:032x}"


def shortest(real):
    """The fewest digits that read back as the same double; of two such numbers that are equally near, the larger one."""
    nearest = decimal.Decimal(repr(real))
    if nearest.is_finite():
        other = 2 * decimal.Decimal(real) - nearest
        if len(other.normalize().as_tuple().digits) <= len(nearest.normalize().as_tuple().digits) and float(other) == real:
            return max(nearest, other, key=abs)
    return nearest


def plain(number):
    """A Decimal without exponent, and without zeros that say nothing."""
    if not number.is_finite():
        return "NaN" if number.is_nan() else "-Infinity" if number < 0 else "Infinity"
    text = format(number, "f")
    text = text.rstrip("0").rstrip(".") if "." in text else text
    return "0" if text == "-0" else text


def spelled(document):
    """A JSON document, its objects as lists of pairs, its numbers as Decimals."""
    if isinstance(document, Pairs):
        members = sorted(document, key=lambda member: member[0].encode())
        return "{" + ",".join(f"{spelled(key)}:{spelled(value)}" for key, value in members) + "}"
    if isinstance(document, list):
        return "[" + ",".join(map(spelled, document)) + "]"
    if isinstance(document, decimal.Decimal):
        return plain(document)
    return json.dumps(document, ensure_ascii=False)


class Pairs(list):
    """The members of an object."""


def canonical_json(text, twice=True):
    def members(pairs):
        if not twice and len(dict(pairs)) < len(pairs):
            raise ValueError("a key is there twice")
        return Pairs(pairs)
    number = decimal.Decimal
    return spelled(json.loads(text, parse_float=number, parse_int=number, parse_constant=no_number, object_pairs_hook=members)).encode()


def no_number(name):
    raise ValueError(f"{name} is no JSON")


def order(form, data):
    """What values of a form are sorted by; None where there is no order."""
    if form in ("timetz", "interval", "json", "printed"):
        return None
    if form == "double":
        bits, = struct.unpack(">Q", data)
        return bits ^ (2**64 - 1 if bits >> 63 else 1 << 63)
    if form in ("boolean", "integer", "numeric", "date", "time", "timestamp", "timestamptz"):
        number = decimal.Decimal(data.decode())
        # NaN is the greatest.
        return (number.is_nan(), 0 if number.is_nan() else number)
    return data


def shown(form, data):
    """A least or greatest value."""
    text = data.decode() if form not in ("double", "bytea", "uuid") else ""
    if form == "boolean":
        return "true" if data == b"1" else "false"
    if form == "double":
        real, = struct.unpack(">d", data)
        return "-0" if data == struct.pack(">d", -0.0) else plain(shortest(real))
    if form in ("text", "character"):
        return text[:60]
    if form == "bytea":
        return data[:30].hex()
    if form == "uuid":
        return str(uuid.UUID(bytes=data))
    if form in ("date", "time", "timestamp", "timestamptz") and "infinity" not in text:
        try:
            moment = EPOCH + datetime.timedelta(**{"days" if form == "date" else "microseconds": int(text)})
        except OverflowError:
            return text
        iso = {"date": moment.date(), "time": moment.time()}.get(form, moment).isoformat(*[" "][:form.startswith("timestamp")])
        return iso.rstrip("0") if "." in iso else iso
    return text


def sums(columns, rows):
    """Rows of canonical values, added up: the keys of a table and of its columns."""
    least, greatest = [None] * len(columns), [None] * len(columns)
    digests, nulls, lengths, whole = [[] for _ in columns], [0] * len(columns), [0] * len(columns), []
    for row in rows:
        parts = []
        for at, (column, data) in enumerate(zip(columns, row)):
            form = column["form"]
            parts.append(digest(b"N" if data is None else TAGS[form] + data))
            digests[at].append(parts[-1])
            nulls[at] += data is None
            lengths[at] += len(data or b"")
            key = None if data is None else order(form, data)
            if key is not None:
                least[at] = min(least[at] or (key, data), (key, data))
                greatest[at] = max(greatest[at] or (key, data), (key, data))
        whole.append(digest(b"".join(parts)))
    of_columns = [
        {"nulls": nulls[at], "length": lengths[at], "checksum": total(digests[at]),
         "minimum": least[at] and shown(column["form"], least[at][1]),
         "maximum": greatest[at] and shown(column["form"], greatest[at][1])}
        for at, column in enumerate(columns)]
    return {"rows": len(whole), "checksum": total(whole)}, of_columns


def of_file(tables):
    """The checksum over all tables."""
    if any(table["checksum"] is None for table in tables):
        return None
    return total(digest(table["source"].encode() + b"\0" + bytes.fromhex(table["checksum"])) for table in tables)
