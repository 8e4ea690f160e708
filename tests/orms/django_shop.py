"""The shop in Django (models in shop/)."""

import datetime
import sys

import django
from django.conf import settings

import rows

where = rows.target(sys.argv[2])
database = {"NAME": where} if isinstance(where, str) else {"HOST": where[0], "NAME": where[1], "USER": "postgres"}
engine = "sqlite3" if isinstance(where, str) else "postgresql"
settings.configure(
    DATABASES={"default": {"ENGINE": f"django.db.backends.{engine}", **database}}, USE_TZ=True, DEFAULT_AUTO_FIELD="django.db.models.BigAutoField",
    INSTALLED_APPS=["django.contrib.contenttypes", "django.contrib.auth", "shop"],
)
django.setup()

from django.contrib.auth.models import Permission  # noqa: E402
from django.core.management import call_command  # noqa: E402
from django.db import connection, models  # noqa: E402

from shop.models import Attachment, Event, Post, User  # noqa: E402

MODELS = {"users": User, "posts": Post, "events": Event, "attachments": Attachment}


def aware(row):
    utc = datetime.timezone.utc
    return {key: value.replace(tzinfo=utc) if isinstance(value, datetime.datetime) else value for key, value in row.items() if value is not None or key != "id"}


def make(target):
    call_command("migrate", run_syncdb=True, verbosity=0)


def fill(target):
    for name, model in MODELS.items():
        model.objects.bulk_create([model(**aware(row)) for row in rows.TABLES[name]])
    User.objects.filter(id=1).update(ip="2001:db8::1")
    User.objects.filter(id=2).update(ip="10.0.0.1")


def read(target):
    found = {
        name: [{field.attname: rows.shown(getattr(row, field.attname)) for field in model._meta.concrete_fields} for row in model.objects.order_by("id")]
        for name, model in MODELS.items()
    }
    found["permissions"] = [str(permission) for permission in Permission.objects.order_by("content_type__app_label", "content_type__model", "codename")]
    return found


def insert(target):
    for name, model in MODELS.items():
        model(**aware(rows.NEW[name])).save(force_insert=True)


def query(target):
    before = aware(rows.USERS[0])["created_at"]
    found = [
        User.objects.filter(is_active=True).count(), User.objects.filter(created_at__lt=before).count(), User.objects.filter(balance__gt=0).count(),
        User.objects.filter(token=rows.USERS[2]["token"]).count(), Post.objects.filter(author__status="active").count(), User.objects.filter(ip="10.0.0.1").count(),
        Attachment.objects.aggregate(largest=models.Max("size"))["largest"], User.objects.filter(settings__a__isnull=False).count(),
    ]
    return [str(value) for value in found]


def check(target):
    """The names by which a later migration finds keys and indexes, of the tables that are not as Django makes them."""
    with connection.cursor() as cursor:
        names = {}
        for model in MODELS.values():
            table = model._meta.db_table
            found = connection.introspection.get_constraints(cursor, table)
            names[table] = sorted(name for name, of in found.items() if of["foreign_key"] or of["unique"])
    return [f"{table}: {', '.join(found)}" for table, found in sorted(names.items())]


rows.main({"make": make, "fill": fill, "read": read, "insert": insert, "query": query, "check": check})
