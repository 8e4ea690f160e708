"""The ORMs themselves (tests/orms): each fills a SQLite file, the file is imported, and the ORM reads, writes and compares.

`make orms` installs them below target/orms. Into the schema that the ORM has made (never), and into tables of the import (fresh)."""

import json
import os
import re
import sqlite3
import subprocess
import sys

import pytest

from harness import ROOT

PYTHON = ["sqlalchemy", "django", "peewee", "tortoise"]
NODE = ["typeorm", "sequelize", "knex", "prisma", "prisma_ms", "drizzle", "mikro_orm"]
# Those that compare a database with their models; the first of them name each thing that differs.
NAMING = ["sqlalchemy", "django", "tortoise", "typeorm"]
CHECKED = [*NAMING, "prisma", "prisma_ms", "drizzle", "mikro_orm"]
SHOPS, INSTALLED = ROOT / "tests/orms", ROOT / "target/orms"
# MikroORM writes a list as a text with commas; the shop has elements that are brackets, as the texts of lists in JSON begin.
COMMAS = {"tables": {"posts": {"columns": {"tags": {"format": "comma"}}}}}
# Django's `migrate` has filled tables of rights, in an order of its own.
EXISTING = {"django": {"on_conflict": "skip", "match": "natural"}, "mikro_orm": COMMAS}
# What the file does not say, and findings name: which columns hold durations, documents or lists, and which is of the enum that Prisma's queries name.
DURATION = {"tables": {"users": {"columns": {"session": {"type": "interval"}}}}}
# TypeORM's `synchronize` makes a column anew whose type is another than the model's.
SYNCHRONIZED = {"enums": True, "tables": {"users": {"columns": {"settings": {"type": "jsonb"}, "token": {"type": "uuid"}}}}}
DOCUMENTS = {"tables": {"users": {"columns": {"settings": {"type": "jsonb"}}}, "events": {"columns": {"payload": {"type": "jsonb"}}}}}
LIST = {"tables": {"posts": {"columns": {"tags": {"type": "text[]"}}}}}
ENUM = {
    "before": """CREATE TYPE "Status" AS ENUM ('active', 'suspended', 'invited')""",
    "tables": {"users": {"columns": {"status": {"type": '"Status"', "default": "'active'"}}}, **LIST["tables"]},
}
FRESH = {
    "sqlalchemy": DURATION, "django": DURATION, "peewee": DOCUMENTS, "typeorm": SYNCHRONIZED, "sequelize": LIST, "prisma": ENUM, "prisma_ms": ENUM, "drizzle": LIST,
    "mikro_orm": {"tables": {"posts": {"columns": {"tags": {"type": "text[]", "format": "comma"}}}}},
}
# What the schema of the program has otherwise, and neither file nor findings say: indexes for LIKE of unique texts, no check of JSON.
UNSAID = {"django": r"\w+ \w+_like|users users_settings_check|events events_payload_check"}

WITHOUT_PYTHON = pytest.mark.skipif(not (INSTALLED / "python").exists(), reason="Python's ORMs are not installed: make orms")
WITHOUT_NODE = pytest.mark.skipif(not (INSTALLED / "node").exists(), reason="Node's ORMs are not installed: make orms")


class Shop:
    """One program with its file."""

    def __init__(self, t, program):
        self.t, self.program, self.path = t, program, t.dir / "shop.db"
        self.database = f"{t.server.socket} {t.database}"
        self.run("make", self.path)
        self.run("fill", self.path)
        t.own(self.path)
        self.written = self.run("read", self.path)
        self.found = self.run("query", self.path)

    def run(self, command, target):
        if self.program in NODE:
            script, packages = ["node", SHOPS / f"node/{self.program}_shop.js"], {"NODE_PATH": str(INSTALLED / "node/node_modules")}
        else:
            script, packages = [sys.executable, SHOPS / f"{self.program}_shop.py"], {"PYTHONPATH": str(INSTALLED / "python")}
        ran = subprocess.run([*script, command, str(target)], capture_output=True, text=True, timeout=120, env={**os.environ, **packages})
        assert ran.returncode == 0, ran.stderr[-2000:]
        return json.loads(ran.stdout) if ran.stdout else None

    def inserted(self):
        """Both have a row more in every table, and are read again."""
        for target in (self.path, self.database):
            self.run("insert", target)
        self.written = self.run("read", self.path)
        return self.run("read", self.database)

    def findings(self, plan):
        findings = self.t.findings(self.path, plan)
        assert not [f for f in findings if f["severity"] == "blocking"]
        return findings

    def state(self):
        return self.run("check", self.database) if self.program in CHECKED else None

    def changes(self):
        """What the program itself finds different in the tables of the import and in those that it makes: tables, columns, indexes."""
        name = self.t.empty_database("own")
        self.t.sql(f"ALTER DATABASE {name} RESET ALL")
        own = f"{self.t.server.socket} {name}"
        self.run("make", own)
        here, there = self.state(), self.run("check", own)
        return {name for name in here.keys() | there.keys() if here.get(name) != there.get(name)}

    def differences(self, read):
        """Columns that are not read as they were written, each with one of the pairs."""
        out = {}
        for table, rows in self.written.items():
            assert len(rows) == len(read[table]), table
            for row, other in zip(rows, read[table]):
                if isinstance(row, dict):
                    out.update({f"{table}.{column}": (row[column], other[column]) for column in row if row[column] != other[column]})
                else:
                    assert row == other
        return out


def named(fix):
    """The columns of which a fix says something."""
    tables = (fix or {}).get("tables", {})
    return {f"{table}.{column}" for table, entry in tables.items() for column in entry.get("columns", {})}


@pytest.fixture(params=[pytest.param(p, marks=WITHOUT_PYTHON) for p in PYTHON] + [pytest.param(p, marks=WITHOUT_NODE) for p in NODE])
def shop(t, request):
    # An ORM's driver relies on the server's own settings.
    t.sql(f"ALTER DATABASE {t.database} RESET ALL")
    return Shop(t, request.param)


@pytest.mark.parametrize("zone", ["UTC", "Europe/Berlin"])
def test_into_the_schema_of_the_program(shop, zone):
    shop.t.sql(f"ALTER DATABASE {shop.t.database} SET timezone = '{zone}'")
    shop.run("make", shop.database)
    state = shop.state()
    plan = {"create": "never", **EXISTING.get(shop.program, {})}
    shop.findings(plan)
    shop.t.import_(shop.path, plan)
    assert shop.differences(shop.run("read", shop.database)) == {}
    assert shop.run("query", shop.database) == shop.found
    assert shop.differences(shop.inserted()) == {}
    assert shop.state() == state


def test_into_new_tables(shop):
    plan = FRESH.get(shop.program, {})
    findings = shop.findings(plan)
    # One finding has the plan that makes booleans of all integers which are.
    flags = [shop.t.merged(plan, f["fix"]) for f in findings if f["kind"] == "flag_form"]
    shop.t.import_(shop.path, flags[0] if flags else plan)
    said = {f["object"] for f in findings} | {name for f in findings for name in named(f["fix"])}
    assert shop.differences(shop.run("read", shop.database)).keys() - said == set()
    assert shop.run("query", shop.database) == shop.found
    if shop.program in NAMING:
        assert {name for name in shop.changes() - said if not re.fullmatch(UNSAID.get(shop.program, ""), name)} == set()
    assert shop.differences(shop.inserted()).keys() - said == set()


# How the rows that `migrate` has made and those of the file come together.
RIGHTS = {
    "by-name": EXISTING["django"], "files-alone": {"tables": {table: {"existing_rows": "truncate"} for table in ("django_content_type", "auth_permission")}},
    "all-of-the-files": {"existing_rows": "truncate"},
}


@WITHOUT_PYTHON
@pytest.mark.parametrize("shop", ["django"], indirect=True)
@pytest.mark.parametrize("way", RIGHTS)
def test_rights_of_django(shop, way):
    """Permissions have other numbers in the file than `migrate` gives them; who may do what must stay."""
    t, numbers = shop.t, "SELECT p.id, c.app_label, c.model, p.codename FROM auth_permission p JOIN django_content_type c ON c.id = p.content_type_id"
    shop.run("make", shop.database)
    source = sqlite3.connect(shop.path)
    in_file, here = set(source.execute(numbers)), {tuple(row.values()) for row in t.rows(numbers)}
    source.close()
    assert len(in_file) == len(here) > len(in_file & here)
    t.import_fails(shop.path, {"create": "never", "on_conflict": "skip"}, "23505", "have the same key as different rows")
    rows = t.import_(shop.path, {"create": "never", **RIGHTS[way]})
    assert {tuple(row.values()) for row in t.rows(numbers)} == (here if way == "by-name" else in_file)
    assert rows["auth_permission"]["skipped"] == (len(here) if way == "by-name" else 0)
    assert shop.differences(shop.run("read", shop.database)) == {}
    shop.run("insert", shop.database)


@WITHOUT_PYTHON
@pytest.mark.parametrize("shop", ["django"], indirect=True)
def test_a_user_of_the_target_has_the_number_of_another(shop):
    """The file's administrator gets another number, and has to log in again, because a session's data has the old one."""
    shop.run("make", shop.database)
    shop.t.sql("""INSERT INTO auth_user (username, password, is_superuser, is_staff, is_active, first_name, last_name, email, date_joined)
        VALUES ('bob', '!', false, false, true, '', '', '', now())""")
    rows = shop.t.import_(shop.path, {"create": "never", **EXISTING["django"]})
    assert "1 row was matched by (username), 1 of them under another key" in rows["auth_user"]["detail"], rows["auth_user"]
    assert shop.written.pop("sessions") == ["admin"]
    read = shop.run("read", shop.database)
    assert read["sessions"] == [""]
    assert shop.differences(read) == {}
    shop.run("insert", shop.database)
