"""Expressions and SELECTs over tables with awkward values: what PostgreSQL gives for the translation is what SQLite gives.

TRANSLATE_SEED=… draws other random statements, TRANSLATE_COUNT=… more of them.
"""

import collections
import os

import pytest

from statements import EXPRESSIONS, FILE, SELECTS, Generator
from translated import Oracle

SEED = int(os.environ.get("TRANSLATE_SEED", "1"))
COUNT = int(os.environ.get("TRANSLATE_COUNT", "300"))


@pytest.fixture
def oracle(t):
    oracle = Oracle(t, t.file("awkward.db", FILE))
    yield oracle
    oracle.close()


def check(outcomes, share):
    """No outcome is wrong, and at least this share in percent is translated."""
    outcomes = [o for o in outcomes if o.kind != "invalid"]
    kinds = collections.Counter(o.kind for o in outcomes)
    report = "\n\n".join(f"{o.statement}\n  -> {o.translated}\n  {o.said}" for o in outcomes if o.kind == "wrong")
    refused = "\n".join(f"{o.statement}\n  refused: {o.said}" for o in outcomes if o.kind == "refused")
    translated = 100 * (kinds["equal"] + kinds["assumption"]) / len(outcomes)
    print(f"{dict(kinds)}: {translated:.1f} % translated\n{refused}")
    assert not report, f"{dict(kinds)}\n{report}"
    assert translated >= share, f"{translated:.1f} % translated\n{refused}"


def test_expressions(oracle):
    statements = [f"SELECT id, {e} FROM v ORDER BY id" for e in EXPRESSIONS]
    check(oracle.judge_all(statements), 72)


def test_selects(oracle):
    check(oracle.judge_all(SELECTS, lambda s: "ORDER BY" in s.rsplit(")", 1)[-1]), 94)


def test_random_statements(oracle):
    generator = Generator(SEED)
    statements = [generator.statement() for _ in range(COUNT)]
    check(oracle.judge_all(statements, lambda s: "ORDER BY" in s.rsplit(")", 1)[-1]), 55)
