"""The ORMs themselves (tests/orms): each fills a SQLite file, the file is imported, and the ORM reads, writes and compares.

`make orms` installs them below target/orms. Into the schema that the ORM has made (never), and into tables of the import (fresh)."""

import json
import os
import subprocess
import sys

import pytest

from harness import ROOT, quote

PYTHON = ["sqlalchemy", "django", "peewee", "tortoise"]
NODE = ["prisma", "prisma_ms", "drizzle", "mikro_orm"]
SHOPS, INSTALLED = ROOT / "tests/orms", ROOT / "target/orms"
# MikroORM writes a list as a text with commas.
COMMAS = {"tables": {"posts": {"columns": {"tags": {"format": "comma"}}}}}
# Django's own tables of rights are in every database that it has migrated.
EXISTING = {"django": {"exclude": ["auth_*", "django_*"]}, "mikro_orm": COMMAS}
# What the file does not say: which columns hold durations.
DURATION = {"tables": {"users": {"columns": {"session": {"type": "interval"}}}}}
# Which hold lists, and which is of the enum that Prisma's queries name.
LIST = {"tables": {"posts": {"columns": {"tags": {"type": "text[]"}}}}}
ENUM = {
    "before": """CREATE TYPE "Status" AS ENUM ('active', 'suspended', 'invited')""",
    "tables": {"users": {"columns": {"status": {"type": '"Status"', "default": "'active'"}}}, **LIST["tables"]},
}
FRESH = {
    "sqlalchemy": DURATION, "django": DURATION,
    "prisma": ENUM,
    "prisma_ms": ENUM,
    "drizzle": LIST,
    "mikro_orm": {"tables": {"posts": {"columns": {"tags": {"type": "text[]", "format": "comma"}}}}},
}

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

    def findings(self, plan):
        findings = self.t.findings(self.path, plan)
        assert not [f for f in findings if f["severity"] == "blocking"]
        return findings

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


def merged(t, plan, fix):
    return json.loads(t.value(f"SELECT sqlite_plan_merge({quote(json.dumps(plan))}, {quote(json.dumps(fix))})"))


@pytest.fixture(params=[pytest.param(p, marks=WITHOUT_PYTHON) for p in PYTHON] + [pytest.param(p, marks=WITHOUT_NODE) for p in NODE])
def shop(t, request):
    # An ORM's driver relies on the server's own settings.
    t.sql(f"ALTER DATABASE {t.database} RESET ALL")
    return Shop(t, request.param)


@pytest.mark.parametrize("zone", ["UTC", "Europe/Berlin"])
def test_into_the_schema_of_the_program(shop, zone):
    shop.t.sql(f"ALTER DATABASE {shop.t.database} SET timezone = '{zone}'")
    shop.run("make", shop.database)
    state = shop.run("check", shop.database)
    plan = {"create": "never", **EXISTING.get(shop.program, {})}
    shop.findings(plan)
    shop.t.import_(shop.path, plan)
    assert shop.differences(shop.run("read", shop.database)) == {}
    assert shop.run("query", shop.database) == shop.found
    shop.run("insert", shop.database)
    assert shop.run("check", shop.database) == state


def test_into_new_tables(shop):
    plan = FRESH.get(shop.program, {})
    findings = shop.findings(plan)
    # One finding has the plan that makes booleans of all integers which are.
    flags = [merged(shop.t, plan, f["fix"]) for f in findings if f["kind"] == "flag_form"]
    shop.t.import_(shop.path, flags[0] if flags else plan)
    different = shop.differences(shop.run("read", shop.database))
    unsaid = {column: pair for column, pair in different.items() if column not in {f["object"] for f in findings}}
    assert unsaid == {}
    assert shop.run("query", shop.database) == shop.found
    shop.run("insert", shop.database)
