"""The shop's rows, the same for every ORM, and how they are shown: a value by its type and its representation."""

import datetime as d
import json
import sys
import uuid
from decimal import Decimal

DAY = d.date(2024, 2, 29)
USERS = [
    {
        "id": n, "email": f"user{n}@example.com", "name": ["Ann", "Björn", "", "O'Neill", "猫", "🙂"][n % 6], "is_active": n % 3 != 0,
        "balance": [Decimal("12.50"), Decimal("-0.01"), Decimal("0"), Decimal("9999999999.99")][n % 4],
        "score": [0.15, 1e-7, -2.5, 1e15][n % 4], "level": [0, 2**31 - 1, -(2**31)][n % 3], "big": [0, 2**62, -(2**62)][n % 3],
        "status": ["active", "suspended", "invited"][n % 3], "settings": [{"a": [1, None]}, [], {"text": "ü", "b": {"c": 1.5}}, None][n % 4],
        "created_at": [d.datetime(2024, 1, 1, 12, 30, 45, 123456), d.datetime(1969, 12, 31, 23, 59, 59), d.datetime(1970, 1, 1), d.datetime(9999, 12, 31, 23, 59)][n % 4],
        "birthday": [DAY, d.date(1899, 12, 31), None][n % 3], "wake_at": [d.time(7, 30), d.time(0, 0), d.time(23, 59, 59, 999999), None][n % 4],
        "token": uuid.uuid5(uuid.NAMESPACE_URL, str(n)), "session": [d.timedelta(0), d.timedelta(days=400, seconds=1), d.timedelta(hours=-3, microseconds=5)][n % 3],
    }
    for n in range(1, 25)
]
POSTS = [
    {"id": n, "author_id": n % 24 + 1, "parent_id": n // 2 or None, "title": f"Post {n}", "body": "Zeile\n" * n, "published": n % 2 == 0,
     "rating": [Decimal("4.5"), None, Decimal("0.1")][n % 3]}
    for n in range(1, 41)
]
EVENTS = [
    {"id": n, "kind": ["login", "logout", "error"][n % 3], "user_id": [n % 24 + 1, None][n % 2], "payload": {"n": n}, "on_date": DAY + d.timedelta(days=n),
     "at_time": [d.time(12, 0, 0, 500000), None][n % 2]}
    for n in range(1, 31)
]
ATTACHMENTS = [
    {"id": uuid.uuid5(uuid.NAMESPACE_DNS, str(n)), "post_id": n, "filename": f"{n}.bin", "data": bytes(range(n)), "size": n * 10**9}
    for n in range(1, 16)
]
TABLES = {"users": USERS, "posts": POSTS, "events": EVENTS, "attachments": ATTACHMENTS}
# A row more for every table, whose number the database gives.
NEW = {
    "users": {**USERS[0], "id": None, "email": "new@example.com", "token": uuid.uuid5(uuid.NAMESPACE_URL, "new")}, "posts": {**POSTS[0], "id": None, "author_id": 1, "parent_id": 40},
    "events": {**EVENTS[0], "id": None}, "attachments": {**ATTACHMENTS[0], "id": uuid.uuid5(uuid.NAMESPACE_DNS, "new")},
}


# What the queries ask for.
MOMENT, WEEK = USERS[3]["created_at"], (DAY + d.timedelta(days=3), DAY + d.timedelta(days=9))


def shown(value):
    """Aware times as they are in UTC, because SQLite's have no offset; bytes however the driver wraps them; decimals without
    zeros at the end, which SQLite does not keep; objects in the order of their keys, which jsonb does not keep."""
    if isinstance(value, d.datetime) and value.tzinfo:
        value = value.astimezone(d.timezone.utc).replace(tzinfo=None)
    if isinstance(value, (bytearray, memoryview)):
        value = bytes(value)
    if isinstance(value, Decimal):
        value = value.normalize() + 0
    if isinstance(value, (dict, list)):
        return json.dumps(value, sort_keys=True)
    return f"{type(value).__name__} {value!r}"


def target(argument):
    """A file of SQLite's, or `SOCKET DATABASE`."""
    return tuple(argument.split(" ")) if " " in argument else argument


def main(commands):
    """`PROGRAM COMMAND TARGET` runs one of the commands, and prints what it gives as JSON."""
    result = commands[sys.argv[1]](target(sys.argv[2]))
    if result is not None:
        print(json.dumps(result))
