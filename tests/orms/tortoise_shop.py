"""The shop in Tortoise."""

import sys

from tortoise import Tortoise, fields, run_async
from tortoise.functions import Max
from tortoise.models import Model

import rows


class User(Model):
    id = fields.IntField(primary_key=True)
    email = fields.CharField(255, unique=True)
    name = fields.CharField(100)
    is_active = fields.BooleanField()
    balance = fields.DecimalField(12, 2)
    score = fields.FloatField()
    level = fields.IntField()
    big = fields.BigIntField()
    status = fields.CharField(10)
    settings = fields.JSONField(null=True)
    created_at = fields.DatetimeField()
    birthday = fields.DateField(null=True)
    token = fields.UUIDField(unique=True)
    session = fields.TimeDeltaField()

    class Meta:
        table = "users"


class Post(Model):
    id = fields.IntField(primary_key=True)
    author = fields.ForeignKeyField("models.User", related_name="posts")
    parent = fields.ForeignKeyField("models.Post", null=True, related_name="children")
    title = fields.CharField(200)
    body = fields.TextField()
    published = fields.BooleanField()
    rating = fields.DecimalField(3, 1, null=True)

    class Meta:
        table = "posts"


class Event(Model):
    id = fields.IntField(primary_key=True)
    kind = fields.CharField(10)
    user = fields.ForeignKeyField("models.User", null=True, related_name="events")
    payload = fields.JSONField()
    on_date = fields.DateField()

    class Meta:
        table = "events"


class Attachment(Model):
    id = fields.UUIDField(primary_key=True)
    post = fields.ForeignKeyField("models.Post", related_name="attachments")
    filename = fields.CharField(100)
    data = fields.BinaryField()
    size = fields.BigIntField()

    class Meta:
        table = "attachments"


MODELS = {"users": User, "posts": Post, "events": Event, "attachments": Attachment}


async def connected(target):
    if isinstance(target, str):
        connection = f"sqlite://{target}"
    else:
        connection = {"engine": "tortoise.backends.asyncpg", "credentials": {"host": target[0], "database": target[1], "user": "postgres"}}
    await Tortoise.init({"connections": {"default": connection}, "apps": {"models": {"models": ["__main__"], "default_connection": "default"}}, "use_tz": True})


def columns(model):
    return [field for field in model._meta.fields_db_projection]


def run(command):
    def ran(target):
        result = []

        async def all_of_it():
            await connected(target)
            result.append(await command())

        run_async(all_of_it())
        return result[0]

    return ran


async def make():
    await Tortoise.generate_schemas()


async def fill():
    for name, model in MODELS.items():
        for row in rows.TABLES[name]:
            await model.create(**{column: row[column] for column in columns(model)})


async def read():
    found = {}
    for name, model in MODELS.items():
        found[name] = [{column: rows.shown(getattr(row, column)) for column in columns(model)} for row in await model.all().order_by("id")]
    return found


async def insert():
    for name, model in MODELS.items():
        await model.create(**{column: rows.NEW[name][column] for column in columns(model) if rows.NEW[name][column] is not None})


async def query():
    largest = await Attachment.annotate(largest=Max("size")).values("largest")
    found = [
        await User.filter(is_active=True).count(), await User.filter(created_at__lt=rows.USERS[0]["created_at"]).count(), await User.filter(balance__gt=0).count(),
        await User.filter(token=rows.USERS[2]["token"]).count(), await Post.filter(author__status="active").count(), max(row["largest"] for row in largest),
    ]
    return [str(value) for value in found]


async def check():
    return []


rows.main({name: run(command) for name, command in {"make": make, "fill": fill, "read": read, "insert": insert, "query": query, "check": check}.items()})
