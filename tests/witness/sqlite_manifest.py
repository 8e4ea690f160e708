"""Recomputes a manifest from the SQLite file, by the mapping in it: docs/manifest.md, with Python's standard library alone.

    sqlite_manifest.py FILE MANIFEST    prints the manifest that the file has now
"""

import base64
import collections
import datetime
import decimal
import json
import math
import re
import sqlite3
import struct
import sys
import uuid
import zoneinfo

from canonical import EPOCH, canonical_json, of_file, plain, shortest, sums

# Microseconds of a unit, and of the moment from which it counts.
EPOCHS = {"unixepoch": (10**6, 0), "unixepoch_ms": (1000, 0), "unixepoch_us": (1, 0), "unixepoch_ns": (decimal.Decimal("0.001"), 0),
          "chrome": (1, -11644473600 * 10**6), "apple": (10**6, 978307200 * 10**6)}
SPANS = {"seconds": 10**6, "milliseconds": 1000, "microseconds": 1, "days": 86400 * 10**6}
DAY = 86400 * 10**6
INTEGERS = {"smallint": 2**15, "integer": 2**31, "bigint": 2**63}
NUMBER = re.compile(r"[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?")
ISO = re.compile(r"(?:(\d{4}-\d\d-\d\d)(?:[ Tt]|$))?(?:(\d\d):(\d\d)(?::(\d\d(?:\.\d+)?))?(?: ?([Zz]|[+-]\d\d(?::?\d\d)?))?)?")
CLOCK = r"([+-]?)(\d+):(\d\d)(?::(\d\d(?:\.\d+)?))?"
SPAN = re.compile(r"(?:([+-]?\d+) (?:days?,? ?)|([+-]?\d+)\.(?=\d\d?:))?(?:%s)?" % CLOCK)
TRUE, FALSE = ("1", "t", "true", "y", "yes", "on"), ("0", "f", "false", "n", "no", "off")


class Text(bytes):
    """A text as it is stored."""


class Unknown(Exception):
    """Only the server knows what this becomes."""


def text_of(cell):
    if isinstance(cell, float):
        if math.isinf(cell):
            return "Inf" if cell > 0 else "-Inf"
        digits, exponent = f"{shortest(cell):e}".lower().split("e")
        digits = digits.rstrip("0") if "." in digits else digits
        digits = (digits if "." in digits else digits + ".0") if not digits.endswith(".") else digits + "0"
        if not -5 < int(exponent) < 15:
            return f"{digits}e{'-' if int(exponent) < 0 else '+'}{abs(int(exponent)):02}"
        text = format(shortest(cell), "f")
        return text if "." in text else text + ".0"
    if isinstance(cell, bytes) and not isinstance(cell, Text):
        raise ValueError("a blob is no text")
    return cell.decode() if isinstance(cell, Text) else str(cell)


def number_of(cell, reading):
    text = cell.decode() if isinstance(cell, Text) or reading.get("format") == "text" and isinstance(cell, bytes) else None
    if isinstance(cell, bytes) and text is None:
        raise ValueError("a blob is no number")
    if text is not None and not NUMBER.fullmatch(text) and not re.fullmatch(r"nan|[+-]?inf(inity)?", text, re.I):
        raise ValueError("no number")
    return shortest(cell) if isinstance(cell, float) else decimal.Decimal(text if text is not None else cell)


def shortened(number, step, reading, floor=False):
    """A multiple of the step; what is not one is invalid, or rounded half away from zero, or cut off."""
    rounding = {"round": "ROUND_HALF_UP", "truncate": "ROUND_FLOOR" if floor else "ROUND_DOWN"}.get(reading.get("excess"))
    steps = decimal.Decimal(number) / step
    if steps != steps.to_integral_value() and rounding is None:
        raise ValueError("too fine")
    return int(steps.to_integral_value(rounding or "ROUND_HALF_UP")) * step


def counted(cell, reading):
    """Microseconds that a number counts, whole for a real; None for a text that is none."""
    form, start = reading.get("format"), 0
    if isinstance(cell, Text) and not re.fullmatch(rb"-?\d+(\.\d+)?", cell):
        return None
    if form == "julianday":
        return (int(float(cell) * 86400000.0 + 0.5) - 210866760000000) * 1000
    unit, start = EPOCHS.get(form) or (SPANS[form], 0) if form in EPOCHS or form in SPANS else (None, 0)
    if unit is None:
        raise ValueError("the format reads no numbers")
    if isinstance(cell, float):
        whole = math.floor(cell)
        return start + int(decimal.Decimal(whole * unit).to_integral_value("ROUND_FLOOR")) + math.floor((cell - whole) * float(unit) + 0.5)
    number = decimal.Decimal(cell.decode() if isinstance(cell, Text) else cell)
    return start + shortened(number * unit, 1, reading)


def written(cell):
    """Date, clock in microseconds (maybe finer), and offset in seconds of an ISO 8601 text."""
    found = ISO.fullmatch(cell.decode())
    if not found or not cell:
        raise ValueError("no time")
    day, hour, minute, second, offset = found.groups()
    clock = None if hour is None else (int(hour) * 60 + int(minute)) * 60 * 10**6 + decimal.Decimal(second or 0) * 10**6
    if hour and (int(hour) > 23 or int(minute) > 59 or decimal.Decimal(second or 0) >= 60):
        raise ValueError("no time of day")
    if offset:
        size = 0 if offset in "Zz" else int(offset[1:3]) * 3600 + int((offset[3:].strip(":") or "0")) * 60
        offset = -size if offset[0] == "-" else size
    return day and datetime.date.fromisoformat(day), clock, offset


def zone_of(name):
    fixed = re.fullmatch(r"([+-])(\d\d):?(\d\d)?", name)
    if not fixed:
        return zoneinfo.ZoneInfo(name)
    size = datetime.timedelta(hours=int(fixed[2]), minutes=int(fixed[3] or 0))
    return datetime.timezone(-size if fixed[1] == "-" else size)


def moment(cell, column, zone, local):
    """Microseconds since 1970, of the instant or of the local time."""
    reading, digits = column["reading"], re.search(r"\((\d)\)", column["type"])
    step = 10 ** (6 - int(digits[1] if digits else 6))
    seconds = lambda micros: micros // 10**6  # noqa: E731
    wall = count = counted(cell, reading)
    if count is None:
        day, clock, offset = written(cell)
        base = (day - EPOCH.date()).days * DAY
        clock = shortened(clock or 0, 1, reading) if reading.get("excess") == "round" else shortened(clock or 0, 1, reading, floor=True)
        wall = base + clock
        if offset is None and not local:
            naive = EPOCH + datetime.timedelta(seconds=seconds(wall))
            count = wall - int(zone.utcoffset(naive.replace(tzinfo=zone)).total_seconds()) * 10**6
        elif offset is not None:
            count = wall - offset * 10**6
    if local and count is not None:
        naive = datetime.datetime.fromtimestamp(0, datetime.timezone.utc) + datetime.timedelta(seconds=seconds(count))
        wall = count + int(naive.astimezone(zone).utcoffset().total_seconds()) * 10**6
    start = 10957 * DAY
    return shortened((wall if local else count) - start, step, reading, floor=True) + start


def span(cell, reading):
    """Months, days and microseconds."""
    if isinstance(cell, Text) and reading.get("format") == "since_1970":
        day, clock, _ = written(cell)
        return 0, 0, (day - EPOCH.date()).days * DAY + shortened(clock or 0, 1, {})
    count = counted(cell, reading) if not isinstance(cell, Text) or reading.get("format") in SPANS else None
    if count is not None:
        return 0, 0, count
    found = SPAN.fullmatch(cell.decode())
    if not found or not cell:
        raise ValueError("no interval that this script reads")
    days, dotted, sign, hour, minute, second = found.groups()
    clock = (int(hour or 0) * 60 + int(minute or 0)) * 60 * 10**6 + decimal.Decimal(second or 0) * 10**6
    clock = shortened(-clock if sign == "-" or (dotted or "").startswith("-") else clock, 1, reading)
    return 0, int(days or dotted or 0), clock


def canonical(column, cell, zone):
    """The bytes of one value, None for NULL. ValueError: the column cannot hold it."""
    form, reading, pg_type = column["form"], column["reading"], column["type"]
    if isinstance(cell, Text):
        if "text_encoding" in reading:
            try:
                cell.decode()
            except UnicodeDecodeError:
                cell = Text(cell.decode(reading["text_encoding"]).encode())
        cell = Text(cell.replace(b"\0", b"")) if reading.get("nul") == "strip" else cell
    if form == "boolean":
        word = cell.decode() if isinstance(cell, Text) else plain(number_of(cell, {}))
        for value, words, key in ((b"1", TRUE, "true_values"), (b"0", FALSE, "false_values")):
            if word in reading.get(key, []):
                return value
        value = [b"01"[at:at + 1] for at, words in enumerate((FALSE, TRUE)) if word.lower() in words]
        return value[0] if value else refuse("no boolean")
    if form == "integer":
        number = number_of(cell, reading)
        size = INTEGERS[pg_type]
        if number != number.to_integral_value() or not -size <= number < size or isinstance(cell, Text) and plain(number) != cell.decode():
            raise ValueError("no integer")
        return plain(number).encode()
    if form == "double":
        real = float(number_of(cell, {}))
        exact = isinstance(cell, float) or number_of(cell, {}) in (decimal.Decimal(real), decimal.Decimal(repr(real)))
        real = struct.unpack("f", struct.pack("f", real))[0] if pg_type == "real" else real
        return struct.pack(">d", real) if exact or real != real else refuse("rounded")
    if form == "numeric":
        cell = Text(re.sub(rb"^(-?)\$", rb"\1", cell).replace(b",", b"")) if pg_type == "money" and isinstance(cell, Text) else cell
        number, limit = number_of(cell, reading), re.search(r"\((\d+),(-?\d+)\)", pg_type)
        if limit and number.is_finite():
            step = decimal.Decimal(1).scaleb(-int(limit[2]))
            number = shortened(number, step, reading)
            if abs(number) >= decimal.Decimal(10) ** (int(limit[1]) - int(limit[2])):
                raise ValueError("too large")
        return plain(number).encode()
    if form in ("text", "character", "printed"):
        text, limit = text_of(cell), re.search(r"^char.*\((\d+)\)", pg_type)
        if "\0" in text:
            raise ValueError("NUL")
        if limit and len(text) > int(limit[1]):
            text = text[:int(limit[1])] if reading.get("excess") == "truncate" and isinstance(cell, Text) else refuse("too long")
        return (text.rstrip(" ") if form == "character" else text).encode()
    if form == "bytea":
        if isinstance(cell, Text) and reading.get("format") in ("hex", "base64"):
            return bytes.fromhex(cell.decode()) if reading["format"] == "hex" else base64.b64decode(cell + b"===", altchars=None)
        return bytes(cell) if isinstance(cell, bytes) else text_of(cell).encode() if reading.get("format") == "text" else refuse("no bytes")
    if form in ("date", "timestamp", "timestamptz"):
        if isinstance(cell, bytes) and not isinstance(cell, Text):
            raise ValueError("a blob is no time")
        micros = moment(cell, {**column, "type": pg_type if form != "date" else ""}, zone, form != "timestamptz")
        if form == "date" and micros % DAY:
            raise ValueError("no midnight")
        return str(micros // DAY if form == "date" else micros).encode()
    if form in ("time", "timetz"):
        count = counted(cell, reading) if form == "time" else None
        day, clock, offset = (None, count, None) if count is not None else written(cell)
        clock = shortened(clock, 1, reading)
        return str(clock).encode() if form == "time" else f"{clock} {offset if offset is not None else int(zone.utcoffset(None).total_seconds())}".encode()
    if form == "interval":
        return "{} {} {}".format(*span(cell, reading)).encode()
    if form == "uuid":
        return (uuid.UUID(cell.decode()) if isinstance(cell, Text) else uuid.UUID(bytes=cell)).bytes
    text = cell.decode() if isinstance(cell, bytes) else text_of(cell)
    return canonical_json(text, twice=pg_type == "json")


def refuse(reason):
    raise ValueError(reason)


def value(column, cell, zone):
    """What a load makes of a cell. ValueError: it stops, or leaves the row out."""
    reading, meant = column["reading"], None
    if cell is not None:
        try:
            return canonical(column, cell, zone)
        except (ValueError, TypeError, ArithmeticError, KeyError, IndexError):
            listed = [text for text in reading.get("null_values", []) if means(text, cell)]
            if not listed and not (reading.get("on_invalid") == "null" and reading.get("nullable", True)):
                raise ValueError from None
    if "null_to_default" in reading:
        raise Unknown
    return meant if reading.get("nullable", True) else refuse("NULL")


def means(text, cell):
    if isinstance(cell, bytes):
        return isinstance(cell, Text) and cell == text.encode()
    return bool(NUMBER.fullmatch(text)) and float(text) == cell


CLASSES = {type(None): "null", int: "integer", float: "real", Text: "text", bytes: "blob"}


def recompute(path, manifest):
    """The manifest of the file, with the mapping of this one."""
    db = sqlite3.connect(f"file:{path}?mode=ro&immutable=1", uri=True)
    db.text_factory = Text
    ident = lambda name: '"' + name.replace('"', '""') + '"'  # noqa: E731
    pragma = lambda name: db.execute(f"PRAGMA {name}").fetchone()[0]  # noqa: E731
    facts = {name: pragma(name) for name in ("page_size", "page_count", "user_version", "application_id")}
    tables = []
    for table in manifest["tables"]:
        columns, zone = table["columns"], zone_of(table["timezone"])
        terms = [f"({c['reading']['using']}\n)" if "using" in c["reading"] else ident(c["source"]) for c in columns]
        condition = f" WHERE ({table['where']}\n)" if "where" in table else ""
        cells = [collections.Counter() for _ in columns]
        rejected, rows = 0, []
        for row in db.execute(f"SELECT {', '.join(terms) or 'NULL'} FROM main.{ident(table['source'])}{condition}"):
            made, faults = [], []
            for column, cell in zip(columns, row):
                try:
                    made.append(value(column, cell, zone))
                except (ValueError, Unknown) as fault:
                    made.append(None)
                    faults.append((column, fault))
            if any(isinstance(fault, ValueError) and column["reading"].get("on_invalid") == "reject" for column, fault in faults):
                rejected += 1
                continue
            rows.append(made)
            for count, column, cell in zip(cells, columns, row):
                count[CLASSES[type(cell)]] += 1
                count.update("unknown" if isinstance(fault, Unknown) else "invalid" for of, fault in faults if of is column)
        of_table, of_columns = sums(columns, rows)
        made = []
        for column, count, found in zip(columns, cells, of_columns):
            kept = {key: column[key] for key in ("source", "column", "type", "form", "reading")}
            wrong = {key: count.pop(key) for key in ("invalid", "unknown") if key in count}
            made.append({**kept, "classes": dict(count), **(wrong or found)})
            of_table["checksum"] = None if wrong else of_table["checksum"]
        kept = {key: table[key] for key in ("source", "schema", "table", "where", "timezone") if key in table}
        tables.append({**kept, **of_table, "rejected": rejected, "columns": made})
    kept = {key: manifest[key] for key in ("format", "tool", "version")}
    return {**kept, "file": {"encoding": pragma("encoding").decode(), **facts}, "tables": tables, "checksum": of_file(tables)}


if __name__ == "__main__":
    print(json.dumps(recompute(sys.argv[1], json.load(open(sys.argv[2]))), ensure_ascii=False, indent=1))
