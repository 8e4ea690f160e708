"""Django's own tables in the shop: who may do what, who is logged in, what has been done. All by names: numbers say nothing."""

from datetime import datetime, timezone
from types import SimpleNamespace

from django.contrib.admin.models import CHANGE, LogEntry
from django.contrib.auth import authenticate, get_user, login
from django.contrib.auth.models import Group, Permission, User
from django.contrib.contenttypes.models import ContentType
from django.contrib.sessions.backends.db import SessionStore
from django.contrib.sessions.models import Session

from shop.models import Post


NOON = datetime(2024, 1, 1, 12, 0, 0, 123456, timezone.utc)


def permissions(*names):
    return [Permission.objects.get(content_type__app_label=app, codename=name) for app, name in (name.split(".") for name in names)]


def log(user, content_type):
    LogEntry.objects.create(user=user, content_type=content_type, object_id="1", object_repr="first", action_flag=CHANGE, action_time=NOON)


def fill():
    admin = User.objects.create_superuser("admin", password="secret")
    ann, bob = User.objects.create_user("ann", is_staff=True), User.objects.create_user("bob")
    editors, clerks = Group.objects.create(name="editors"), Group.objects.create(name="clerks")
    editors.permissions.set(permissions("shop.add_post", "shop.change_post", "shop.view_attachment"))
    clerks.permissions.set(permissions("shop.view_user", "auth.view_user", "sessions.delete_session"))
    ann.groups.set([editors])
    bob.groups.set([editors, clerks])
    bob.user_permissions.set(permissions("shop.delete_event", "admin.view_logentry"))
    request = SimpleNamespace(session=SessionStore(), META={})
    login(request, admin)
    request.session.save()
    for model in (Post, Group):
        log(ann, ContentType.objects.get_for_model(model))


def read():
    return {
        "permissions": [str(permission) for permission in Permission.objects.order_by("content_type__app_label", "content_type__model", "codename")],
        "groups": [[group.name, *sorted(map(str, group.permissions.all()))] for group in Group.objects.order_by("name")],
        "members": [[user.username, user.is_staff, *sorted(user.get_all_permissions())] for user in User.objects.order_by("username")],
        "login": [str(authenticate(username="admin", password=password)) for password in ("secret", "wrong")],
        "sessions": [get_user(SimpleNamespace(session=SessionStore(session.session_key))).username for session in Session.objects.all()],
        "log": [[entry.user.username, str(entry.content_type), str(entry.action_time)] for entry in LogEntry.objects.order_by("id")],
    }


def insert():
    kind = ContentType.objects.create(app_label="shop", model="coupon")
    permission = Permission.objects.create(content_type=kind, codename="view_coupon", name="Can view coupon")
    user, group = User.objects.create_user("new"), Group.objects.create(name="new")
    group.permissions.add(permission)
    user.groups.add(group)
    user.user_permissions.add(*permissions("shop.view_post"))
    log(user, kind)
    SessionStore().save()
    assert user.get_all_permissions() == {"shop.view_coupon", "shop.view_post"}
