"""Values that only the server can make or check come into new tables as into any, whatever stands beside them in a row."""

import pytest

from client import fails

NUMBERS = [*range(10), *(10**n for n in range(9))]


@pytest.mark.parametrize("kind,written", [("numeric(12,2)", "{}.00"), ("jsonb", "{}"), ("char(12)", "{:<12}")])
def test_texts_of_input_functions_beside_other_values(t, kind, written):
    """Short ones, with zeros behind them, look like other things to whoever reads them as something else."""
    rows = ", ".join(f"('{n}', 'text {n}', {n})" for n in NUMBERS)
    path = t.file("texts.db", f"CREATE TABLE v (x TEXT, t TEXT, n INTEGER); INSERT INTO v VALUES {rows}")
    loaded = t.import_(path, {"tables": {"v": {"columns": {"x": {"type": kind}}}}, "verify": "values"})["v"]
    assert loaded["imported"] == len(NUMBERS)
    found = {row["n"]: (row["x"], row["t"]) for row in t.shown_rows("SELECT x::text, t, n FROM v")}
    assert {n: (x.rstrip(), text) for n, (x, text) in found.items()} == {n: (written.format(n).rstrip(), f"text {n}") for n in NUMBERS}


def test_a_domain_checks_the_values_of_a_new_table(t):
    t.sql("CREATE DOMAIN small AS integer CHECK (VALUE < 5)")
    path = t.file("domain.db", "CREATE TABLE v (n INTEGER); INSERT INTO v VALUES (1), (7), (3)")
    plan = {"tables": {"v": {"columns": {"n": {"type": "public.small"}}}}}
    with fails("23514", "small"):
        t.sql(t.call("sqlite_import", path, plan))
    assert t.import_(path, plan | {"on_invalid": "reject"})["v"]["rejected"] == 1
    assert t.value("SELECT string_agg(n::text, ' ' ORDER BY n) FROM v") == "1 3"
