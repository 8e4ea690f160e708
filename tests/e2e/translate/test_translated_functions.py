"""SQLite's functions over awkward values: what PostgreSQL gives for the translation is what SQLite gives, or it is refused."""

import collections

import pytest

from statements_functions import EXPRESSIONS, FILE
from translated import Oracle, judge_together


@pytest.fixture
def oracle(t):
    oracle = Oracle(t, t.file("functions.db", FILE))
    yield oracle
    oracle.close()


def test_functions(oracle):
    # SQLite's local time is that of this process.
    oracle.target.execute("SET TimeZone = 'UTC'")
    outcomes = [o for o in judge_together(oracle, EXPRESSIONS, "f") if o.kind != "invalid"]
    kinds = collections.Counter(o.kind for o in outcomes)
    wrong = "\n\n".join(f"{o.statement}\n  -> {o.translated}\n  {o.said}" for o in outcomes if o.kind == "wrong")
    refused = "\n".join(f"{o.statement}\n  refused: {o.said}" for o in outcomes if o.kind == "refused")
    print(f"{dict(kinds)}\n{refused}")
    assert not wrong, f"{dict(kinds)}\n{wrong}"
    assert 100 * (kinds["equal"] + kinds["assumption"]) / len(outcomes) >= 96, refused
