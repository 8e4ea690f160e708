"""JSON, and what SQLite lets pass: what PostgreSQL gives for the translation is what SQLite gives."""

import os

import pytest

import statements_json
import statements_loose
from test_translated_statements import check
from translated import Oracle


def sorts(statement):
    return "ORDER BY" in statement.rsplit(")", 1)[-1]


@pytest.mark.parametrize("what, share", [("expressions", 95), ("selects", 95)])
def test_json(t, what, share):
    oracle = Oracle(t, t.file("json.db", statements_json.FILE), statements_json.PLAN)
    expressions = [f"SELECT id, {e} FROM j ORDER BY id" for e in statements_json.EXPRESSIONS]
    statements = {"expressions": expressions, "selects": statements_json.SELECTS}[what]
    outcomes = oracle.judge_all(statements, sorts)
    oracle.close()
    check(outcomes, share)


@pytest.mark.parametrize("what, share", [("expressions", 85), ("selects", 90)])
def test_looseness(t, what, share):
    oracle = Oracle(t, t.file("loose.db", statements_loose.FILE))
    expressions = [f"SELECT id, {e} FROM w ORDER BY id" for e in statements_loose.EXPRESSIONS]
    statements = {"expressions": expressions, "selects": statements_loose.SELECTS}[what]
    outcomes = oracle.judge_all(statements, sorts)
    oracle.close()
    check(outcomes, share)


def test_random_json(t):
    oracle = Oracle(t, t.file("json.db", statements_json.FILE), statements_json.PLAN)
    generator = statements_json.Generator(int(os.environ.get("TRANSLATE_SEED", "1")))
    statements = [generator.statement() for _ in range(int(os.environ.get("TRANSLATE_COUNT", "300")))]
    outcomes = oracle.judge_all(statements, sorts)
    oracle.close()
    check(outcomes, 80)
