"""Random triggers under random statements: what they leave in SQLite and in PostgreSQL is the same.

TRIGGER_SEED=… draws others, TRIGGER_RUNS=… more of each kind.
"""

import os
import shutil

import psycopg
import pytest

import trigger_generator
import trigger_pair
from harness import quote

SEED = os.environ.get("TRIGGER_SEED", "1")
RUNS = int(os.environ.get("TRIGGER_RUNS", "3"))
EVERY = int(os.environ.get("TRIGGER_EVERY", "10"))
COLUMNS = {"t0": "*", "t1": "*", "t2": "*", "agg": "*", "pair": "x, y, n", "loose": "*", "log": "what, n"}
RESOLVED = {"replaced": "id, a, b, c", "ignored": "id, a, b, c"}


def run_all(made, seed, script, statements, run, columns):
    """Runs each statement in both databases; how many were refused by both."""
    refused, said = 0, []
    for number, statement in enumerate(statements):
        said.append(statement)
        try:
            refused += run(statement)[0] is not None
            if number % EVERY == EVERY - 1:
                for table, names in columns.items():
                    made.same(table, columns=names)
        except AssertionError as error:
            raise AssertionError(f"seed {seed}, statement {number}: {error}\n" + ";\n".join(said[-12:]) + f"\n{script}") from None
    return refused


@pytest.mark.parametrize("kind", ["Generator", "Several"])
@pytest.mark.parametrize("run", range(RUNS))
def test_random_triggers_leave_the_same_rows(t, run, kind):
    generator = getattr(trigger_generator, kind)(f"{SEED}:{run}")
    script = generator.script()
    with trigger_pair.pairs(t) as make:
        made = make(script)
        left = {name: f["message"] for name, f in made.said.items() if f["kind"] == "trigger"}
        assert not left, f"{left}\n{script}"
        assert run_all(made, f"{SEED}:{run}", script, [generator.statement() for _ in range(200)], made.both, COLUMNS) < 190


@pytest.mark.parametrize("run", range(RUNS))
def test_statements_that_resolve_conflicts_fire_them_alike(t, run):
    """Statements of the application, translated, among those that both databases read alike."""
    generator = trigger_generator.Resolving(f"{SEED}:{run}")
    script = generator.script()
    with trigger_pair.pairs(t) as make:
        made = make(script)
        assert not [f["message"] for f in made.said.values() if f["kind"] == "trigger"], script
        plan = shutil.copy(made.path, t.dir / "plan.db")

        def both(statement):
            try:
                translated = made.target.execute(f"SELECT statement FROM sqlite_translate({quote(statement)}, {quote(str(plan))})").fetchone()[0]
            except psycopg.Error as error:
                assert error.diag.sqlstate == "0A000", f"{statement}\n{error}"
                raise AssertionError(f"{statement}\nrefused: {error.diag.message_primary} ({error.diag.message_detail})") from None
            return made.both(statement, translated)

        statements = [generator.statement() for _ in range(200)]
        assert run_all(made, f"{SEED}:{run}", script, statements, both, {**COLUMNS, **RESOLVED}) < 190
