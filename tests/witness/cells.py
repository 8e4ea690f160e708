"""The canonical bytes of docs/manifest.md that a cell of SQLite's becomes, with Python's standard library alone.

A value that the column cannot hold is a ValueError; a cell of the storage class TEXT is a Text.
"""

import base64
import datetime
import decimal
import math
import re
import struct
import uuid
import zoneinfo

from canonical import EPOCH, canonical_json, plain, shortest

# Microseconds of a format's unit, and of the moment from which it counts.
UNITS = {"unixepoch": (10**6, 0), "unixepoch_ms": (1000, 0), "unixepoch_us": (1, 0), "unixepoch_ns": (decimal.Decimal("0.001"), 0),
         "chrome": (1, -11644473600 * 10**6), "apple": (10**6, 978307200 * 10**6),
         "seconds": (10**6, 0), "milliseconds": (1000, 0), "microseconds": (1, 0), "days": (86400 * 10**6, 0)}
DAY = 86400 * 10**6
INTEGERS = {"smallint": 2**15, "integer": 2**31, "bigint": 2**63}
NUMBER = re.compile(r"[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?")
ISO = re.compile(r"(?:(\d{4}-\d\d-\d\d)(?:[ Tt]|$))?(?:(\d\d):(\d\d)(?::(\d\d(?:\.\d+)?))?(?: ?([Zz]|[+-]\d\d(?::?\d\d)?))?)?")
CLOCK = r"([+-]?)(\d+):(\d\d)(?::(\d\d(?:\.\d+)?))?"
SPAN = re.compile(r"(?:([+-]?\d+) (?:days?,? ?)|([+-]?\d+)\.(?=\d\d?:))?(?:%s)?" % CLOCK)
TRUE, FALSE = ("1", "t", "true", "y", "yes", "on"), ("0", "f", "false", "n", "no", "off")


class Text(bytes):
    """A text as it is stored."""


def refuse(reason):
    raise ValueError(reason)


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
    form = reading.get("format")
    if isinstance(cell, Text) and not re.fullmatch(rb"-?\d+(\.\d+)?", cell):
        return None
    if form == "julianday":
        return (int(float(cell) * 86400000.0 + 0.5) - 210866760000000) * 1000
    if isinstance(cell, bytes) and not isinstance(cell, Text) or form not in UNITS:
        raise ValueError("the format reads no numbers")
    unit, start = UNITS[form]
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
    reading = column["reading"]
    wall, count = None, counted(cell, reading)
    if count is None:
        day, clock, offset = written(cell)
        wall = (day - EPOCH.date()).days * DAY + shortened(clock or 0, 1, reading)
        count = None if offset is None else wall - offset * 10**6
    if local and count is not None:
        naive = (EPOCH + datetime.timedelta(seconds=count // 10**6)).replace(tzinfo=datetime.timezone.utc)
        wall = count + seconds(naive.astimezone(zone).utcoffset()) * 10**6
    elif count is None:
        naive = EPOCH + datetime.timedelta(seconds=wall // 10**6)
        count = wall - seconds(naive.replace(tzinfo=zone).utcoffset()) * 10**6
    # The column's digits, away from 2000 or towards the past.
    start = 10957 * DAY
    return shortened((wall if local else count) - start, step_of(column), reading, floor=True) + start


def step_of(column):
    """Microseconds of the last digit that the column has."""
    digits = re.search(r"\((\d)\)", column["type"])
    return 10 ** (6 - int(digits[1] if digits else 6))


def seconds(offset):
    return int(offset.total_seconds())


def span(cell, reading):
    """Months, days and microseconds."""
    if isinstance(cell, Text) and reading.get("format") == "since_1970":
        day, clock, _ = written(cell)
        return 0, 0, (day - EPOCH.date()).days * DAY + shortened(clock or 0, 1, {})
    count = counted(cell, reading) if not isinstance(cell, Text) or reading.get("format") in UNITS else None
    if count is not None:
        return 0, 0, count
    found = SPAN.fullmatch(cell.decode())
    if not found or not cell:
        raise ValueError("no interval that this script reads")
    days, dotted, sign, hour, minute, second = found.groups()
    clock = (int(hour or 0) * 60 + int(minute or 0)) * 60 * 10**6 + decimal.Decimal(second or 0) * 10**6
    clock = shortened(-clock if sign == "-" or (dotted or "").startswith("-") else clock, 1, reading)
    return 0, int(days or dotted or 0), clock


def boolean(cell, column, zone):
    reading, word = column["reading"], cell.decode() if isinstance(cell, Text) else plain(number_of(cell, {}))
    if word in reading.get("true_values", []) or word in reading.get("false_values", []):
        return b"1" if word in reading.get("true_values", []) else b"0"
    return b"1" if word.lower() in TRUE else b"0" if word.lower() in FALSE else refuse("no boolean")


def integer(cell, column, zone):
    number, size = number_of(cell, column["reading"]), INTEGERS[column["type"]]
    if number != number.to_integral_value() or not -size <= number < size or isinstance(cell, Text) and plain(number) != cell.decode():
        raise ValueError("no such integer")
    return plain(number).encode()


def double(cell, column, zone):
    number = number_of(cell, {})
    real = float(number)
    exact = isinstance(cell, float) or not number.is_finite() or number in (decimal.Decimal(real), decimal.Decimal(repr(real)))
    if column["type"] == "real":
        real, = struct.unpack("f", struct.pack("f", real))
    return struct.pack(">d", real) if exact else refuse("rounded")


def numeric(cell, column, zone):
    if column["type"] == "money" and isinstance(cell, Text):
        cell = Text(re.sub(rb"^(-?)\$", rb"\1", cell).replace(b",", b""))
    number, limit = number_of(cell, column["reading"]), re.search(r"\((\d+),(-?\d+)\)", column["type"])
    if limit and number.is_finite():
        number = shortened(number, decimal.Decimal(1).scaleb(-int(limit[2])), column["reading"])
        if abs(number) >= decimal.Decimal(10) ** (int(limit[1]) - int(limit[2])):
            raise ValueError("too large")
    return plain(number).encode()


def text(cell, column, zone):
    """Also of a type that prints a text as it is written."""
    found, limit = text_of(cell), re.search(r"^char.*\((\d+)\)", column["type"])
    if "\0" in found:
        raise ValueError("NUL")
    if limit and len(found) > int(limit[1]):
        cut = column["reading"].get("excess") == "truncate" and isinstance(cell, Text)
        found = found[:int(limit[1])] if cut else refuse("too long")
    return (found.rstrip(" ") if column["form"] == "character" else found).encode()


def bytea(cell, column, zone):
    form = column["reading"].get("format")
    if isinstance(cell, Text) and form in ("hex", "base64"):
        return bytes.fromhex(cell.decode()) if form == "hex" else base64.b64decode(cell.translate(bytes.maketrans(b"-_", b"+/")) + b"===")
    return bytes(cell) if isinstance(cell, bytes) else text_of(cell).encode() if form == "text" else refuse("no bytes")


def date(cell, column, zone):
    micros = moment(cell, {**column, "type": "date"}, zone, local=True)
    return str(micros // DAY).encode() if micros % DAY == 0 else refuse("no midnight")


def timestamp(cell, column, zone):
    return str(moment(cell, column, zone, local=column["form"] == "timestamp")).encode()


def time(cell, column, zone):
    count = counted(cell, column["reading"])
    micros = shortened(written(cell)[1] if count is None else count, 1, column["reading"])
    return str(shortened(micros, step_of(column), column["reading"])).encode()


def timetz(cell, column, zone):
    _, clock, offset = written(cell)
    offset = seconds(zone.utcoffset(None)) if offset is None else offset
    micros = shortened(clock, 1, column["reading"])
    return f"{shortened(micros, step_of(column), column['reading'])} {offset}".encode()


def interval(cell, column, zone):
    months, days, micros = span(cell, column["reading"])
    return f"{months} {days} {shortened(micros, step_of(column), column['reading'])}".encode()


def uuid_of(cell, column, zone):
    return (uuid.UUID(cell.decode()) if isinstance(cell, Text) else uuid.UUID(bytes=cell)).bytes


def document(cell, column, zone):
    return canonical_json(cell.decode() if isinstance(cell, bytes) else text_of(cell), twice=column["type"] == "json")


FORMS = {"boolean": boolean, "integer": integer, "double": double, "numeric": numeric, "text": text, "character": text, "bytea": bytea,
         "date": date, "time": time, "timetz": timetz, "timestamp": timestamp, "timestamptz": timestamp, "interval": interval,
         "uuid": uuid_of, "json": document, "printed": text}


def canonical(cell, column, zone):
    """The bytes of one value that is not NULL."""
    reading = column["reading"]
    if isinstance(cell, Text) and "text_encoding" in reading:
        try:
            cell.decode()
        except UnicodeDecodeError:
            cell = Text(cell.decode(reading["text_encoding"]).encode())
    if isinstance(cell, Text) and reading.get("nul") == "strip":
        cell = Text(cell.replace(b"\0", b""))
    return FORMS[column["form"]](cell, column, zone)


def means(listed, cell):
    """A text that the plan lists is that text, and the number that it spells."""
    if isinstance(cell, bytes):
        return isinstance(cell, Text) and cell == listed.encode()
    return bool(NUMBER.fullmatch(listed)) and float(listed) == cell
