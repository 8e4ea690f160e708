"""Random SQLite files as applications make them, that an import and an export of its run bring back cell by cell; the same for the
same seed. What docs/export.md names as not coming back is not in them.

    write(path, seed)
"""

import json
import random
import sqlite3
import uuid

from harness import ident

WORDS = ("", " ", "12", "1e5", "007", "it's", "a\\b", "日本語 é 😀", "\t\n", "NULL", "x" * 2000, "0x10", "True", "-")
NAMES = ("id", "Name", "select", "a b", 'q"q', "ü", "at", "value", "createdAt", "user_id", "x;y", "KEY", "日本")


def moment(choice):
    return choice.randrange(1969, 2030), choice.randrange(1, 13), choice.randrange(1, 29), choice.randrange(24), choice.randrange(60), choice.randrange(60), choice.randrange(1, 1000)


def spelled(pattern):
    return lambda choice: pattern % moment(choice)


def digits(choice):
    return choice.randrange(-10 ** 6, 10 ** 6)


# Declared types, edges, and what draws more values; a column keeps to one of them.
KINDS = (
    (("INTEGER", "INT", "BIGINT"), (0, -1, 2**63 - 1, -(2**63)), digits),
    (("REAL", "DOUBLE", "FLOAT"), (0.1, -5e-324, 1.7976931348623157e308, float("inf"), 3.0, 1e15), lambda choice: choice.uniform(-1e9, 1e9)),
    (("TEXT", "VARCHAR(3000)", "CLOB"), WORDS, lambda choice: choice.choice(WORDS) + str(choice.random())),
    (("BLOB", ""), (b"", b"\x00\xff", b"12"), lambda choice: choice.randbytes(choice.randrange(20))),
    (("NUMERIC", "DECIMAL(20,6)"), (0, 2.5, -3, 0.1, 10**12), lambda choice: digits(choice) / choice.choice([1, 4, 100])),
    (("BOOLEAN", "BOOL"), (0, 1), lambda choice: choice.randrange(2)),
    (("INTEGER", "NUMERIC"), (1, "n/a", -5, "1x"), digits),
    (("DATETIME", "TIMESTAMP", "TEXT"), (), spelled("%04d-%02d-%02d %02d:%02d:%02d%.0s")),
    (("DATETIME",), (), spelled("%04d-%02d-%02dT%02d:%02d:%02d.%03dZ")),
    (("DATETIME",), (), spelled("%04d-%02d-%02d %02d:%02d:%02d.%03d000")),
    (("DATE",), ("0001-01-01", "9999-12-31"), spelled("%04d-%02d-%02d%.0s%.0s%.0s%.0s")),
    (("DATETIME",), (), lambda choice: choice.randrange(10**9, 2 * 10**9)),
    (("DATETIME",), (), lambda choice: choice.randrange(10**12, 2 * 10**12)),
    (("CHAR(36)", "UUID", "TEXT"), (), lambda choice: str(uuid.UUID(int=choice.getrandbits(128), version=4))),
    (("CHAR(32)",), (), lambda choice: uuid.UUID(int=choice.getrandbits(128), version=4).hex),
    (("BLOB",), (), lambda choice: uuid.UUID(int=choice.getrandbits(128), version=4).bytes),
    (("TEXT", "JSON"), ("[]", "{}"), lambda choice: json.dumps({"a": [digits(choice), None, "é"], "b": choice.random()}, ensure_ascii=False)),
)


def write(path, seed):
    choice = random.Random(seed)
    db = sqlite3.connect(path)
    for name, value in (("encoding", choice.choice(["'UTF-8'", "'UTF-16le'"])), ("page_size", choice.choice([1024, 4096])), ("user_version", choice.randrange(99))):
        db.execute(f"PRAGMA {name} = {value}")
    for number in range(choice.randrange(1, 4)):
        table(db, choice, f"{choice.choice(NAMES)} {number}")
    db.commit()
    db.close()


def table(db, choice, name):
    columns = [(column, *choice.choice(KINDS)) for column in choice.sample(NAMES, choice.randrange(1, 8))]
    key = choice.choice(["INTEGER PRIMARY KEY", "INTEGER PRIMARY KEY AUTOINCREMENT", "text", "none"])
    listed, rows = [], choice.choice([0, 1, 30])
    if key.startswith("INTEGER"):
        listed.append(f'"the key" {key}')
    elif key == "text":
        listed.append('"the key" TEXT NOT NULL PRIMARY KEY')
    for column, declared, _, _ in columns:
        listed.append(f"{ident(column)} {choice.choice(declared)}{choice.choice(['', '', ' DEFAULT NULL'])}")
    options = " WITHOUT ROWID" if key == "text" and choice.randrange(2) else ""
    db.execute(f"CREATE TABLE {ident(name)} ({', '.join(listed)}){options}")
    for n in range(rows):
        row = [n * 3 + 1] if key.startswith("INTEGER") else [f"k{n}"] if key == "text" else []
        for _, _, edges, draw in columns:
            row.append(None if choice.randrange(8) == 0 else edges[n] if n < len(edges) else draw(choice))
        db.execute(f"INSERT INTO {ident(name)} VALUES ({', '.join('?' * len(row))})", row)
    if columns and choice.randrange(2):
        db.execute(f"CREATE INDEX {ident(name + ' index')} ON {ident(name)} ({ident(columns[0][0])}{choice.choice(['', ' DESC'])})")
