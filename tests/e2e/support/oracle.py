"""The full comparison: every cell of a SQLite file against the imported table, through text, independent of the code
under test. It reads SQLite with Python's sqlite3 (text as bytes) and PostgreSQL with COPY.

What "the same" means, by PostgreSQL type:

| type | the same when |
|---|---|
| smallint, integer, bigint, numeric | equal as exact decimals; a REAL counts as its shortest decimal (to 14 digits in a generated column) |
| real, double precision | equal as exact binary values |
| boolean | 0/1, t/f, true/false, yes/no, on/off name the same truth |
| text, varchar, char, citext | equal characters; a number as SQLite's CAST or the shortest decimal prints it |
| bytea | equal bytes |
| uuid | the same 16 bytes, however spelled |
| json, jsonb | equal after parsing, numbers exactly |
| date, timestamp, timestamptz | the same instant (UTC): a number by the plan's `format` and no other |
| time | the same microseconds of the day |
| interval | the same microseconds; a number by the plan's `format` and no other |
| anything else | equal characters |

NULL is NULL and nothing else is, unless `on_invalid` of the plan, table or column says `null`: then `''`, 0 and
'0000-00-00' of a time may be NULL too.

Rows are aligned by the source's scan order and the target's physical order; where that fails, as multisets.
"""

import base64
import json
import re
import sqlite3
from decimal import Decimal, InvalidOperation

from harness import ident

US = 1_000_000
DAY = 86_400
# The plan's formats for instants: where they count from, as seconds from 1970, and the length of one unit in seconds.
EPOCHS = {
    "unixepoch": (0, Decimal(1)),
    "unixepoch_ms": (0, Decimal("0.001")),
    "unixepoch_us": (0, Decimal("0.000001")),
    "unixepoch_ns": (0, Decimal("0.000000001")),
    "chrome": (-11_644_473_600, Decimal("0.000001")),
    "apple": (978_307_200, Decimal(1)),
    "julianday": (-210_866_760_000, Decimal(DAY)),
}
# And for durations: microseconds per unit.
DURATIONS = {"seconds": US, "milliseconds": 1000, "microseconds": 1, "days": 86400 * US}
NO_DATE = {b"", 0, b"0", 0.0, b"0000-00-00", b"0000-00-00 00:00:00"}


def compare_file(t, path, full):
    """Compares every table of the complete plan that an import ran; returns the number of cells compared."""
    source = sqlite3.connect(f"file:{path}?mode=ro", uri=True)
    source.text_factory = bytes
    cells = 0
    for name, table in full["tables"].items():
        if not table.get("skip") and in_source(source, name):
            cells += compare_table(t, source, name, table, full)
    source.close()
    return cells


def in_source(source, name):
    found = source.execute("SELECT 1 FROM sqlite_master WHERE type = 'table' AND name = ?", (name,))
    return found.fetchone() is not None


def compare_table(t, source, name, table, plan):
    policy = table.get("on_invalid", plan.get("on_invalid", "error"))
    columns = [(column, {"on_invalid": policy, **spec}) for column, spec in table["columns"].items() if not spec.get("skip") and "type" in spec]
    if not columns:
        return 0
    schema = table.get("schema", plan["schema"])
    target_name = f"{ident(schema)}.{ident(table.get('target', name))}"
    wanted = source_rows(source, name, [column for column, _ in columns], table.get("where"))
    found = target_rows(t, target_name, columns)
    assert len(wanted) == len(found), f"{name}: {len(wanted)} rows in SQLite, {len(found)} in PostgreSQL"
    specs = [spec for _, spec in columns]
    wrong = [n for n, pair in enumerate(zip(wanted, found)) if not same_row(*pair, specs)]
    if wrong and not same_multiset([wanted[n] for n in wrong], [found[n] for n in wrong], specs):
        raise AssertionError(describe(name, columns, wanted[wrong[0]], found[wrong[0]], wrong[0], len(wrong)))
    return len(wanted) * len(columns)


def source_rows(source, name, columns, where):
    """Cells with, for a REAL, its text as SQLite casts it."""
    listed = ", ".join(f"{ident(c)}, CASE typeof({ident(c)}) WHEN 'real' THEN CAST({ident(c)} AS TEXT) END" for c in columns)
    query = f"SELECT {listed} FROM {ident(name)}" + (f" WHERE {where}" if where else "")
    return [list(zip(row[::2], row[1::2])) for row in source.execute(query)]


def target_rows(t, name, columns):
    """COPY's fields as bytes; intervals as microseconds."""
    listed = ", ".join(
        f"(extract(epoch FROM {ident(s.get('name', c))}) * 1000000)::numeric" if s["type"].startswith("interval")
        else ident(s.get("name", c)) for c, s in columns)
    text = t.server.copy(t.database, f"SELECT {listed} FROM {name} ORDER BY ctid")
    return [[unescape(f) for f in line.split(b"\t")] for line in text.split(b"\n")[:-1]]


ESCAPES = {b"b": b"\b", b"f": b"\f", b"n": b"\n", b"r": b"\r", b"t": b"\t", b"v": b"\v"}


def unescape(text):
    if text == b"\\N":
        return None
    return re.sub(rb"\\(.)", lambda m: ESCAPES.get(m[1], m[1]), text, flags=re.S) if b"\\" in text else text


def same_row(wanted, found, specs):
    return all(same(cell, text, spec) for cell, text, spec in zip(wanted, found, specs))


def same_multiset(wanted, found, specs):
    """Pairs rows off one by one; only for what alignment by order left over."""
    if len(wanted) > 3000:
        return False
    rest = list(found)
    for row in wanted:
        match = next((n for n, other in enumerate(rest) if same_row(row, other, specs)), None)
        if match is None:
            return False
        del rest[match]
    return True


def describe(name, columns, wanted, found, number, count):
    for (column, spec), cell, text in zip(columns, wanted, found):
        if not same(cell, text, spec):
            return (f"{name}.{column} ({spec['type']}, format {spec.get('format')}), row {number + 1}: "
                    f"{cell[0]!r:.120} became {text!r:.120}; {count} rows differ")
    return f"{name}: {count} rows differ"


def same(cell, text, spec):
    """One cell: (value, SQLite's text of a REAL) against COPY's field."""
    value, cast = cell
    kind = spec["type"].lower()
    base = re.sub(r"\(.*?\)", "", kind).strip()
    if text is None:
        return value is None or (spec.get("on_invalid") == "null" and is_time(base) and hashable(value) in NO_DATE)
    if value is None:
        return False
    try:
        return COMPARE.get(base, same_text)(value, cast, text, spec)
    except (ValueError, InvalidOperation, OverflowError):
        return False


def hashable(value):
    return value.strip() if isinstance(value, bytes) else value


def is_time(base):
    return base.startswith(("date", "time"))


def number(value):
    """The exact decimal of a cell; a REAL as its shortest decimal."""
    if isinstance(value, bytes):
        return Decimal(value.decode().strip())
    return Decimal(repr(value)) if isinstance(value, float) else Decimal(value)


def same_number(value, _, text, spec):
    wanted, found = number(value), Decimal(text.decode())
    if spec.get("generated") and isinstance(value, float):
        # PostgreSQL computes the column itself, in decimal where SQLite computed in binary.
        return abs(wanted - found) <= abs(found) * Decimal("1e-14")
    return wanted == found


def same_float(value, _, text, __):
    wanted = float(value.decode()) if isinstance(value, bytes) else value
    found = float(text.decode())
    return Decimal(wanted) == Decimal(found) or (wanted != wanted and found != found)


def same_real(value, cast, text, spec):
    """`real` keeps 6 digits and is only chosen by a person."""
    return abs(float(text) - float(value)) <= abs(float(value)) * 1e-6 or same_float(value, cast, text, spec)


TRUE, FALSE = {b"1", b"t", b"true", b"yes", b"on", b"y"}, {b"0", b"f", b"false", b"no", b"off", b"n"}


def same_bool(value, _, text, __):
    if isinstance(value, (int, float)):
        return value in (0, 1) and (value == 1) == (text == b"t")
    word = value.strip().lower()
    return word in (TRUE if text == b"t" else FALSE)


def same_text(value, cast, text, spec):
    if isinstance(value, bytes):
        padded = spec["type"].lower().startswith("char")
        return text.rstrip(b" ") == value.rstrip(b" ") if padded else text == value
    if isinstance(value, float):
        return text == cast or Decimal(text.decode()) == number(value)
    return text == str(value).encode()


def same_bytes(value, cast, text, spec):
    stored = value if isinstance(value, bytes) else cast if cast is not None else str(value).encode()
    decode = {"hex": lambda b: bytes.fromhex(b.decode()), "base64": base64.b64decode}.get(spec.get("format"))
    wanted = [stored, decode(stored)] if decode else [stored]  # a BLOB is taken as it is
    return text in [b"\\x" + w.hex().encode() for w in wanted]


def same_uuid(value, _, text, __):
    found = text.replace(b"-", b"")
    return found in (value.hex().encode(), re.sub(rb"[-{}]", b"", value).lower())


def same_json(value, cast, text, _):
    stored = value if isinstance(value, bytes) else str(value).encode()
    return load(text) == load(stored)


def same_texts(value, cast, text, spec):
    """A JSON array of texts, as array_out prints it."""
    return text.decode() == "{" + ",".join(map(element, json.loads(value.decode()))) + "}"


def element(text):
    if text is None:
        return "NULL"
    plain = text and text.upper() != "NULL" and not re.search(r'[{}," \\\s]', text)
    return text if plain else '"' + re.sub(r'(["\\])', r"\\\1", text) + '"'


def load(text):
    return json.loads(text.decode(), parse_float=Decimal, parse_int=Decimal)


def same_time_of_day(value, _, text, spec):
    if isinstance(value, bytes):
        return seconds_of_day(text.decode()) == seconds_of_day(value.decode().strip())
    unit = DURATIONS.get(spec.get("format"))
    return unit is not None and seconds_of_day(text.decode()) == round(number(value) * unit / US, 6)


def seconds_of_day(text):
    hours, minutes, *seconds = re.sub(r"(Z|[+-]\d\d(:?\d\d)?)$", "", text).split(":")
    return int(hours) * 3600 + int(minutes) * 60 + round(Decimal(seconds[0] if seconds else 0), 6)


def same_instant(value, _, text, spec):
    found = instant(text.decode())
    return any(abs(found - wanted) <= slack for wanted, slack in instants(value, spec))


def same_date(value, _, text, spec):
    found = instant(text.decode()) // (DAY * US)
    return any(found == wanted // (DAY * US) for wanted, _ in instants(value, spec))


def instants(value, spec):
    """The microseconds since 1970 that a cell means, with the rounding that its storage forces; none without a format."""
    if isinstance(value, bytes):
        written = instant(value.decode().strip())
        if written is not None:
            return [(written, 1)]
    if spec.get("format") not in EPOCHS:
        return []
    amount = number(value)
    slack = 1 if not isinstance(value, float) else 50 if abs(value) > 1e8 else 1
    start, unit = EPOCHS[spec["format"]]
    return [(int(round((start + amount * unit) * US)), 1000 if spec["format"] == "julianday" else slack)]


ISO = re.compile(
    r"^([+-]?\d{4,6})-(\d\d?)-(\d\d?)(?:[ T]+(\d\d?):(\d\d)(?::(\d\d)(\.\d+)?)?)?"
    r"\s*(Z|UTC|[+-]\d\d(?::?\d\d)?(?::\d\d)?)?( BC)?$", re.I)


def instant(text):
    """Microseconds since 1970 of an ISO text, in the proleptic Gregorian calendar; None when it is no such text."""
    found = ISO.match(text)
    if not found:
        return None
    year, month, day = int(found[1]), int(found[2]), int(found[3])
    year = 1 - year if found[9] else year
    seconds = int(found[4] or 0) * 3600 + int(found[5] or 0) * 60 + int(found[6] or 0)
    fraction = int(round(Decimal("0" + (found[7] or ".0")) * US))
    return (days(year, month, day) * DAY + seconds - offset(found[8])) * US + fraction


def offset(zone):
    if not zone or zone.upper() in ("Z", "UTC"):
        return 0
    digits = re.sub(r"\D", "", zone).ljust(4, "0")
    return (-1 if zone[0] == "-" else 1) * (int(digits[:2]) * 3600 + int(digits[2:4]) * 60)


def days(year, month, day):
    """Days since 1970-01-01 (Howard Hinnant's days_from_civil)."""
    year -= month <= 2
    era, year_of_era = year // 400, year % 400
    day_of_year = (153 * (month + (-3 if month > 2 else 9)) + 2) // 5 + day - 1
    return era * 146097 + year_of_era * 365 + year_of_era // 4 - year_of_era // 100 + day_of_year - 719468


def same_interval(value, _, text, spec):
    found, format = Decimal(text.decode()), spec.get("format")
    written = value.decode().strip() if isinstance(value, bytes) else None
    if written is not None and format == "since_1970":
        return found == instant(written)
    if written is not None and not NUMBER.match(written):
        return found == duration(written)
    return format in DURATIONS and abs(found - number(value) * DURATIONS[format]) <= (1 if isinstance(value, float) else 0)


NUMBER = re.compile(r"^[+-]?\d*\.?\d+$")
# Microseconds; months and years as PostgreSQL's extract(epoch) counts them.
UNITS = {"year": 31_557_600 * US, "mon": 2_592_000 * US, "week": 604_800 * US, "day": DAY * US, "hour": 3600 * US,
         "min": 60 * US, "sec": US}
WORDS = re.compile(r"([+-]?\d+(?:\.\d+)?) *(year|mon|week|day|hour|min|sec)(?:th|ute|ond)?s?,? *")
CLOCK = re.compile(r"([+-]?)(\d+):(\d\d)(?::(\d\d(?:\.\d+)?))?")
ISO_DURATION = re.compile(
    r"(-?)P(?:(\d+)Y)?(?:(\d+)M)?(?:(\d+)W)?(?:(\d+)D)?(?:T(?:(\d+)H)?(?:(\d+)M)?(?:(\d+(?:\.\d+)?)S)?)?")


def duration(text):
    """The microseconds of `1 day 02:00`, `-3 days, 4:05:06.7`, `90 minutes` or `P3DT04H`; None for anything else."""
    if found := ISO_DURATION.fullmatch(text):
        sign, *amounts = found.groups()
        total = sum(Decimal(a) * u for a, u in zip(amounts, UNITS_IN_ORDER) if a)
        return -total if sign else total
    total, at = Decimal(0), 0
    while found := WORDS.match(text, at):
        total, at = total + Decimal(found[1]) * UNITS[found[2]], found.end()
    if found := CLOCK.match(text, at):
        sign, hours, minutes, seconds = found.groups()
        clock = int(hours) * UNITS["hour"] + int(minutes) * UNITS["min"] + Decimal(seconds or 0) * US
        total, at = total + (-clock if sign == "-" else clock), found.end()
    return total if at and at == len(text) else None


UNITS_IN_ORDER = [UNITS[name] for name in ("year", "mon", "week", "day", "hour", "min", "sec")]


COMPARE = {
    "smallint": same_number, "integer": same_number, "bigint": same_number, "numeric": same_number,
    "double precision": same_float, "real": same_real, "boolean": same_bool, "bytea": same_bytes, "uuid": same_uuid,
    "json": same_json, "jsonb": same_json, "date": same_date, "text[]": same_texts,
    "timestamp": same_instant, "timestamp without time zone": same_instant, "timestamp with time zone": same_instant,
    "timestamptz": same_instant, "time": same_time_of_day, "time without time zone": same_time_of_day,
    "interval": same_interval,
}
