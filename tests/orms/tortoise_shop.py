"""The shop in Tortoise, with Aerich's migrations."""

import datetime
import tempfile

import aerich
from tortoise import Tortoise, fields, run_async
from tortoise.functions import Count, Max, Sum
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


def settings(target):
    if isinstance(target, str):
        connection = f"sqlite://{target}"
    else:
        connection = {"engine": "tortoise.backends.asyncpg", "credentials": {"host": target[0], "database": target[1], "user": "postgres"}}
    app = {"models": ["__main__", "aerich.models"], "default_connection": "default"}
    return {"connections": {"default": connection}, "apps": {"models": app}, "use_tz": True}


def columns(model):
    return [field for field in model._meta.fields_db_projection]


def run(command):
    """Runs it with a connection, and with Aerich's commands, whose files of migrations nobody needs afterwards."""

    def ran(target):
        result = []

        async def all_of_it():
            with tempfile.TemporaryDirectory() as migrations:
                async with aerich.Command(settings(target), location=migrations) as migrate:
                    result.append(await command(migrate))

        run_async(all_of_it())
        return result[0]

    return ran


async def make(migrate):
    await migrate.init_db(safe=True)


async def fill(migrate):
    for name, model in MODELS.items():
        for row in rows.TABLES[name]:
            await model.create(**{column: row[column] for column in columns(model)})


async def read(migrate):
    found = {}
    for name, model in MODELS.items():
        found[name] = [{column: rows.shown(getattr(row, column)) for column in columns(model)} for row in await model.all().order_by("id")]
    return found


async def insert(migrate):
    for name, model in MODELS.items():
        await model.create(**{column: rows.NEW[name][column] for column in columns(model) if rows.NEW[name][column] is not None})


async def query(migrate):
    moment = rows.MOMENT.replace(tzinfo=datetime.timezone.utc)
    found = [
        await User.filter(is_active=True).count(),
        await User.filter(created_at__lt=moment).count(), await User.filter(created_at__gt=moment).count(),
        await Event.filter(on_date__range=rows.WEEK).count(),
        await User.filter(balance__gt=0).count(),
        (await User.get(token=rows.USERS[2]["token"])).email,
        await User.filter(status__in=["active", "invited"]).count(),
        await Post.filter(author__status="active").count(),
        await Event.annotate(number=Count("id")).group_by("kind").order_by("kind").values_list("kind", "number"),
        await User.filter(birthday__not_isnull=True).order_by("-birthday", "id").limit(10).values_list("id", flat=True),
        await Attachment.annotate(sum=Sum("size"), largest=Max("size")).first().values_list("sum", "largest"),
        await Post.filter(title__contains="st 1").count(), await User.filter(name__startswith="O'").count(),
    ]
    return [str(value) for value in found]


async def check(migrate):
    """What Aerich would change of the models that the database has recorded, and what it finds of each column."""
    await migrate.init_migrations(safe=True)
    await migrate.init()
    found = {"migrations": await migrate.migrate(no_input=True)}
    for table in [*MODELS, "aerich"]:
        fields = [line.strip().split(" = ") for line in (await migrate.inspectdb([table])).splitlines() if " = " in line]
        found |= {f"{table}.{column}": field for column, field in fields}
    return found


rows.main({name: run(command) for name, command in {"make": make, "fill": fill, "read": read, "insert": insert, "query": query, "check": check}.items()})
