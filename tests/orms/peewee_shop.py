"""The shop in Peewee, which has no intervals for both databases."""

import peewee as pw

import rows

database = pw.DatabaseProxy()


class Model(pw.Model):
    class Meta:
        database = database


class User(Model):
    email = pw.CharField(255, unique=True)
    name = pw.CharField(100)
    is_active = pw.BooleanField()
    balance = pw.DecimalField(12, 2)
    score = pw.DoubleField()
    level = pw.IntegerField()
    big = pw.BigIntegerField()
    status = pw.CharField(10)
    settings = pw.JSONField(null=True)
    created_at = pw.DateTimeField()
    birthday = pw.DateField(null=True)
    wake_at = pw.TimeField(null=True)
    token = pw.UUIDField(unique=True)

    class Meta:
        table_name = "users"


class Post(Model):
    author = pw.ForeignKeyField(User)
    parent = pw.ForeignKeyField("self", null=True)
    title = pw.CharField(200)
    body = pw.TextField()
    published = pw.BooleanField()
    rating = pw.DecimalField(3, 1, null=True)

    class Meta:
        table_name = "posts"


class Event(Model):
    kind = pw.CharField(10)
    user = pw.ForeignKeyField(User, null=True)
    payload = pw.JSONField()
    on_date = pw.DateField()
    at_time = pw.TimeField(null=True)

    class Meta:
        table_name = "events"


class Attachment(Model):
    id = pw.UUIDField(primary_key=True)
    post = pw.ForeignKeyField(Post)
    filename = pw.CharField(100)
    data = pw.BlobField()
    size = pw.BigIntegerField()

    class Meta:
        table_name = "attachments"


MODELS = {"users": User, "posts": Post, "events": Event, "attachments": Attachment}


def connect(target):
    if isinstance(target, str):
        database.initialize(pw.SqliteDatabase(target))
    else:
        database.initialize(pw.PostgresqlDatabase(target[1], host=target[0], user="postgres"))


def attributes(model, row):
    """By attribute; foreign keys as their numbers."""
    return {field.column_name: row[field.column_name] for field in model._meta.sorted_fields if field.column_name in row}


def make(target):
    connect(target)
    database.create_tables(MODELS.values())


def fill(target):
    connect(target)
    with database.atomic():
        for name, model in MODELS.items():
            for row in rows.TABLES[name]:
                model.insert({model._meta.columns[column]: value for column, value in attributes(model, row).items()}).execute()


def read(target):
    connect(target)
    return {
        name: [{field.column_name: rows.shown(row.__data__[field.name]) for field in model._meta.sorted_fields} for row in model.select().order_by(model.id)]
        for name, model in MODELS.items()
    }


def insert(target):
    connect(target)
    for name, model in MODELS.items():
        row = {column: value for column, value in attributes(model, rows.NEW[name]).items() if value is not None}
        model.insert({model._meta.columns[column]: value for column, value in row.items()}).execute()


def query(target):
    connect(target)
    oldest = User.select(User.id).order_by(User.birthday.asc(nulls="FIRST"), User.id).limit(10)
    found = [
        User.select().where(User.is_active == True).count(),
        User.select().where(User.created_at < rows.MOMENT).count(), User.select().where(User.created_at > rows.MOMENT).count(),
        Event.select().where(Event.on_date.between(*rows.WEEK)).count(),
        User.select().where(User.balance > 0).count(),
        User.get(User.token == rows.USERS[2]["token"]).email,
        User.select().where(User.status.in_(["active", "invited"])).count(),
        Post.select().join(User).where(User.status == "active").count(),
        list(Event.select(Event.kind, pw.fn.COUNT(Event.id)).group_by(Event.kind).order_by(Event.kind).tuples()),
        [user.id for user in oldest],
        [int(number) for number in Attachment.select(pw.fn.SUM(Attachment.size), pw.fn.MAX(Attachment.size)).scalar(as_tuple=True)],
        Post.select().where(Post.title.contains("st 1")).count(), User.select().where(User.name.startswith("O'")).count(),
        User.select().where(User.settings["b"]["c"].as_float() > 1).count(),
    ]
    return [str(value) for value in found]


rows.main({"make": make, "fill": fill, "read": read, "insert": insert, "query": query})
