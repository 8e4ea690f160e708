"""JSON, and what SQLite lets pass: what PostgreSQL gives for the translation is what SQLite gives."""

import os

import pytest

import statements_json
import statements_loose
from test_translated_statements import check
from translated import Oracle, judge_together


def sorts(statement):
    return "ORDER BY" in statement.rsplit(")", 1)[-1]


@pytest.mark.parametrize("what, share", [("expressions", 95), ("selects", 95)])
def test_json(t, what, share):
    oracle = Oracle(t, t.file("json.db", statements_json.FILE), statements_json.PLAN)
    outcomes = judge_together(oracle, statements_json.EXPRESSIONS, "j") if what == "expressions" else oracle.judge_all(statements_json.SELECTS, sorts)
    oracle.close()
    check(outcomes, share)


@pytest.mark.parametrize("what, share", [("expressions", 85), ("selects", 85)])
def test_looseness(t, what, share):
    oracle = Oracle(t, t.file("loose.db", statements_loose.FILE))
    outcomes = judge_together(oracle, statements_loose.EXPRESSIONS, "w") if what == "expressions" else oracle.judge_all(statements_loose.SELECTS, sorts)
    oracle.close()
    check(outcomes, share)


def test_columns_of_several_storage_classes(t):
    oracle = Oracle(t, t.file("loose.db", statements_loose.FILE))
    outcomes = judge_together(oracle, statements_loose.MIXED, "m")
    oracle.close()
    check(outcomes, 58)


def test_columns_without_a_type(t):
    oracle = Oracle(t, t.file("loose.db", statements_loose.FILE))
    outcomes = judge_together(oracle, statements_loose.UNTYPED, "g")
    oracle.close()
    check(outcomes, 85)


def test_random_json(t):
    oracle = Oracle(t, t.file("json.db", statements_json.FILE), statements_json.PLAN)
    generator = statements_json.Generator(int(os.environ.get("TRANSLATE_SEED", "1")))
    statements = [generator.statement() for _ in range(int(os.environ.get("TRANSLATE_COUNT", "2000")) * 15 // 100)]
    outcomes = oracle.judge_all(statements, sorts)
    oracle.close()
    check(outcomes, 80)
