"""The shop in Django (models in shop/)."""

import datetime
import io
import sys

import django
from django.conf import settings

import rows

where = rows.target(sys.argv[2])
database = {"NAME": where} if isinstance(where, str) else {"HOST": where[0], "NAME": where[1], "USER": "postgres"}
engine = "sqlite3" if isinstance(where, str) else "postgresql"
settings.configure(
    DATABASES={"default": {"ENGINE": f"django.db.backends.{engine}", **database}}, USE_TZ=True, DEFAULT_AUTO_FIELD="django.db.models.BigAutoField",
    SECRET_KEY="shop", INSTALLED_APPS=[*(f"django.contrib.{app}" for app in ("contenttypes", "auth", "sessions", "admin")), "shop"],
)
django.setup()

from django.core.management import call_command  # noqa: E402
from django.db import connection, models  # noqa: E402

from shop import rights  # noqa: E402
from shop.models import Attachment, Event, Post, User  # noqa: E402

MODELS = {"users": User, "posts": Post, "events": Event, "attachments": Attachment}


def aware(row):
    utc = datetime.timezone.utc
    return {key: value.replace(tzinfo=utc) if isinstance(value, datetime.datetime) else value for key, value in row.items() if value is not None or key != "id"}


def make(target):
    """In SQLite app after app, as a project grows; in PostgreSQL at once. Content types and permissions are numbered in that order."""
    for app in ["auth", "shop"] if isinstance(target, str) else []:
        call_command("migrate", app, verbosity=0)
    call_command("migrate", verbosity=0)


def fill(target):
    for name, model in MODELS.items():
        model.objects.bulk_create([model(**aware(row)) for row in rows.TABLES[name]])
    User.objects.filter(id=1).update(ip="2001:db8::1")
    User.objects.filter(id=2).update(ip="10.0.0.1")
    rights.fill()


def read(target):
    found = {
        name: [{field.attname: rows.shown(getattr(row, field.attname)) for field in model._meta.concrete_fields} for row in model.objects.order_by("id")]
        for name, model in MODELS.items()
    }
    return found | rights.read()


def insert(target):
    for name, model in MODELS.items():
        model(**aware(rows.NEW[name])).save(force_insert=True)
    rights.insert()


def query(target):
    moment = aware(rows.USERS[3])["created_at"]
    kinds = Event.objects.values_list("kind").annotate(number=models.Count("id")).order_by("kind")
    oldest = User.objects.order_by(models.F("birthday").asc(nulls_first=True), "id")[:10]
    found = [
        User.objects.filter(is_active=True).count(),
        User.objects.filter(created_at__lt=moment).count(), User.objects.filter(created_at__gt=moment).count(),
        Event.objects.filter(on_date__range=rows.WEEK).count(),
        User.objects.filter(balance__gt=0).count(),
        User.objects.get(token=rows.USERS[2]["token"]).email,
        User.objects.filter(status__in=["active", "invited"]).count(),
        Post.objects.filter(author__status="active").count(),
        list(kinds),
        [user.id for user in oldest],
        Attachment.objects.aggregate(models.Sum("size"), models.Max("size")),
        Post.objects.filter(title__contains="st 1").count(), User.objects.filter(name__startswith="O'").count(),
        User.objects.filter(settings__b__c__gt=1).count(), User.objects.filter(settings__a__isnull=False).count(),
        User.objects.filter(ip="10.0.0.1").count(),
    ]
    return [str(value) for value in found]


def check(target):
    """What `makemigrations` and `migrate` would do, and what Django finds of each column, key and index."""
    call_command("makemigrations", check_changes=True, dry_run=True, verbosity=0)
    plan = io.StringIO()
    call_command("migrate", plan=True, no_color=True, stdout=plan)
    found = {"migrations": plan.getvalue()}
    with connection.cursor() as cursor:
        for table in connection.introspection.django_table_names(only_existing=True):
            for column in connection.introspection.get_table_description(cursor, table):
                found[f"{table}.{column.name}"] = str(column)
            for name, constraint in connection.introspection.get_constraints(cursor, table).items():
                found[f"{table} {name}"] = str(constraint)
    return found


rows.main({"make": make, "fill": fill, "read": read, "insert": insert, "query": query, "check": check})
