"""The comparison itself: what it must tell apart, so that a green run means something."""

from oracle import days, instant, same

EQUAL = [
    (1, "bigint", None, b"1"), (b"42", "integer", None, b"42"), (0.1, "numeric", None, b"0.10"),
    (0.1, "double precision", None, b"0.1"), (1, "boolean", None, b"t"), (b"No", "boolean", None, b"f"),
    (b"\xff\x00", "bytea", None, b"\\xff00"), (b"it's", "text", None, b"it's"), (b"a  ", "char(3)", None, b"a"),
    (b"\x12\x34" * 8, "uuid", None, b"12341234-1234-1234-1234-123412341234"),
    (b'{"a": 1.0, "b": []}', "jsonb", None, b'{"b": [], "a": 1}'),
    (1690000000000, "timestamp with time zone", "unixepoch_ms", b"2023-07-22 04:26:40+00"),
    (b"2023-07-22T04:26:40.5+02:00", "timestamp with time zone", None, b"2023-07-22 02:26:40.5+00"),
    (b"0000-01-01", "date", None, b"0001-01-01 BC"), (None, "date", None, None),
    (2460000.5, "timestamp", "julianday", b"2023-02-25 00:00:00"), (b"09:30", "time", None, b"09:30:00"),
    (90000000, "interval", "microseconds", b"90000000"), (13334571200000000, "timestamp", "chrome", b"2023-07-23 07:33:20"),
    (b"1 day 02:00", "interval", None, b"93600000000"), (b"-1 days, 3:04:05.5", "interval", None, b"-75354500000.000000"),
    (b"P3DT04H05M06.7S", "interval", None, b"273906700000"), (b"90 minutes", "interval", None, b"5400000000"),
    (b"1970-01-02 00:00:01", "interval", "since_1970", b"86401000000"), (1.5, "interval", "seconds", b"1500000"),
    (b"1500", "interval", "milliseconds", b"1500000"), (3600, "time", "seconds", b"01:00:00"),
]
DIFFERENT = [
    (1, "bigint", None, b"2"), (1, "bigint", None, None), (None, "text", None, b""), (b"", "text", None, None),
    (2**53 + 1, "double precision", None, b"9007199254740992"), (2, "boolean", None, b"t"), (b"a ", "text", None, b"a"),
    (b"a", "bytea", None, b"\\x62"), (b'{"a": 1}', "jsonb", None, b'{"a": 2}'),
    (1690000000000, "timestamp with time zone", "unixepoch_ms", b"2023-07-22 04:26:41+00"),
    (1690000000, "timestamp", "unixepoch_ms", b"2023-07-22 04:26:40"), (b"2023-07-22", "date", None, b"2023-07-23"),
    (b"", "date", None, None), (0, "timestamp", None, None), (b"0000-00-00", "date", None, None),
    (1690000000, "timestamp", None, b"2023-07-22 04:26:40"), (90000000, "interval", None, b"90000000"),
    (90000000, "interval", "seconds", b"90000000"), (b"1 day 02:00", "interval", None, b"93600000001"),
    (b"02:00 tomorrow", "interval", None, b"7200000000"), (b"2 fortnights", "interval", None, b"0"),
    (b"1970-01-02 00:00:01", "interval", None, b"86401000000"), (3600, "time", None, b"01:00:00"),
]


def cell(value):
    return value, repr(value).encode() if isinstance(value, float) else None


def test_tells_equal_from_different():
    for value, kind, format, text in EQUAL:
        assert same(cell(value), text, {"type": kind, "format": format}), (value, kind, text)
    for value, kind, format, text in DIFFERENT:
        assert not same(cell(value), text, {"type": kind, "format": format}), (value, kind, text)
    for value in (b"", 0, b"0000-00-00"):
        assert same(cell(value), None, {"type": "date", "on_invalid": "null"}), value
    for value, kind in ((b"", "text"), (0, "bigint"), (b"2023-07-22", "date")):
        assert not same(cell(value), None, {"type": kind, "on_invalid": "null"}), value


def test_calendar():
    assert days(1970, 1, 1) == 0 and days(2000, 3, 1) == 11017 and days(1601, 1, 1) == -134774
    assert instant("2000-02-30x") is None
