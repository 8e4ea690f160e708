import uuid

from django.db import models


class User(models.Model):
    email = models.CharField(max_length=255, unique=True)
    name = models.CharField(max_length=100, db_default="anon")
    is_active = models.BooleanField()
    balance = models.DecimalField(max_digits=12, decimal_places=2)
    score = models.FloatField()
    level = models.IntegerField()
    big = models.BigIntegerField()
    status = models.CharField(max_length=10)
    settings = models.JSONField(null=True)
    created_at = models.DateTimeField()
    birthday = models.DateField(null=True, db_index=True)
    wake_at = models.TimeField(null=True)
    token = models.UUIDField(unique=True)
    session = models.DurationField()
    ip = models.GenericIPAddressField(null=True)

    class Meta:
        db_table = "users"


class Post(models.Model):
    author = models.ForeignKey(User, models.CASCADE)
    parent = models.ForeignKey("self", models.SET_NULL, null=True)
    title = models.CharField(max_length=200)
    body = models.TextField()
    published = models.BooleanField()
    rating = models.DecimalField(max_digits=3, decimal_places=1, null=True)

    class Meta:
        db_table = "posts"
        unique_together = [("author", "title")]


class Event(models.Model):
    kind = models.CharField(max_length=10)
    user = models.ForeignKey(User, models.CASCADE, null=True)
    payload = models.JSONField()
    on_date = models.DateField()
    at_time = models.TimeField(null=True)

    class Meta:
        db_table = "events"


class Attachment(models.Model):
    id = models.UUIDField(primary_key=True, default=uuid.uuid4)
    post = models.ForeignKey(Post, models.CASCADE)
    filename = models.CharField(max_length=100)
    data = models.BinaryField()
    size = models.PositiveBigIntegerField()

    class Meta:
        db_table = "attachments"
