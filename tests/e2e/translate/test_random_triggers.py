"""Random triggers under random statements: what they leave in SQLite and in PostgreSQL is the same."""

import os

import pytest

import trigger_pair
from trigger_generator import Generator

SEED = os.environ.get("TRIGGER_SEED", "1")
RUNS = int(os.environ.get("TRIGGER_RUNS", "3"))
EVERY = int(os.environ.get("TRIGGER_EVERY", "10"))
COLUMNS = {"t0": "*", "t1": "*", "t2": "*", "agg": "*", "pair": "x, y, n", "loose": "*", "log": "what, n"}


@pytest.mark.parametrize("run", range(RUNS))
def test_random_triggers_leave_the_same_rows(t, run):
    generator = Generator(f"{SEED}:{run}")
    script = generator.script()
    with trigger_pair.pairs(t) as make:
        made = make(script)
        left = {name: f["message"] for name, f in made.said.items() if f["kind"] == "trigger"}
        assert not left, f"{left}\n{script}"
        refused, said = 0, []
        for number in range(200):
            statement = generator.statement()
            said.append(statement)
            try:
                refused += made.both(statement)[0] is not None
                if number % EVERY == EVERY - 1:
                    for table, columns in COLUMNS.items():
                        made.same(table, columns=columns)
            except AssertionError as error:
                raise AssertionError(f"seed {SEED}:{run}, statement {number}: {error}\n" + ";\n".join(said[-12:]) + f"\n{script}") from None
        assert refused < 190
