"""Booleans: what every boolean takes, what a plan calls true and false, and sequences that nobody uses."""

import json

from harness import shared
from test_remedies import blocking


def case(t, name):
    t.sql(shared("cases", f"{name}.pg.sql").read_text())
    return t.file(f"{name}.db", shared("cases", f"{name}.sql").read_text())


def test_existing_booleans_and_a_sequence_that_no_default_uses(t):
    path = case(t, "26-bool-existing")
    plan = {"create": "never"}
    stopping, = blocking(t.findings(path, plan))
    assert stopping["object"] == "weird.f" and "1 of 2 values is no boolean: 2" in stopping["message"], stopping
    assert "which costs 1 value" in stopping["hint"], stopping
    sequence, = (f for f in t.findings(path, plan) if f["kind"] == "sequence")
    assert (sequence["severity"], sequence["object"]) == ("info", "state_groups.id") and "state_group_id_seq" in sequence["message"], sequence
    fixed = t.merged(plan, stopping["fix"], sequence["fix"])
    assert not [f for f in t.findings(path, fixed) if f["kind"] == "sequence"]
    assert {name: row["imported"] for name, row in t.import_(path, fixed).items()} == {"users": 3, "state_groups": 2, "weird": 2}
    assert t.value("SELECT nextval('state_group_id_seq')") == "45"
    assert t.shown("SELECT shadow_banned, email_sent FROM users ORDER BY name").split("\n") == ["f|f", "t|t", "|"]


def test_words_of_the_plan(t):
    script = "CREATE TABLE b (id INTEGER PRIMARY KEY, f TEXT, g INTEGER, h BOOLEAN); INSERT INTO b VALUES (1, 'ja', 2, 't'), (2, 'nein', 0, 'F'), (3, '', 1, 1), (4, 'true', NULL, 'no');"
    path = t.file("b.db", script)
    plan = {"tables": {"b": {"columns": {"f": {"true_values": ["ja"], "false_values": ["nein", ""]}, "g": {"true_values": [2]}}}}}
    assert t.import_(path, plan)["b"]["imported"] == 4
    shown = ["1|t|t|t", "2|f|f|f", "3|f|t|t", "4|t||f"]
    assert t.shown("SELECT * FROM b ORDER BY id").split("\n") == shown
    printed = t.plan(path, plan)
    assert printed["tables"]["b"]["columns"]["g"]["true_values"] == ["2"]
    t.sql("TRUNCATE b")
    for existing in (plan, printed):
        t.sql("TRUNCATE b")
        assert t.import_(path, existing)["b"]["imported"] == 4
        assert t.shown("SELECT * FROM b ORDER BY id").split("\n") == shown
    t.sql("DROP TABLE b")
    bad = {"tables": {"b": {"columns": {"f": {"true_values": ["ja"]}}}}}
    finding, = blocking(t.findings(path, bad))
    assert "not every stored value fits boolean" in finding["message"], finding
    t.import_fails(path, {"tables": {"b": {"columns": {"f": {"type": "text", "true_values": ["ja"]}}}}}, "22023", "type text has no values for true and false")
    t.sql("CREATE TABLE b (id int, f text, g int, h boolean)")
    ignored = [f["object"] for f in t.findings(path, plan) if f["kind"] == "no_effect"]
    assert ignored == ["b.f", "b.f", "b.g"], ignored


def test_an_integer_column_of_a_planned_boolean(t):
    path = t.file("b.db", "CREATE TABLE b (f INTEGER); INSERT INTO b VALUES (0), (1), (1.0), ('t'), ('FALSE'), ('on'), (NULL);")
    assert t.import_(path, {"tables": {"b": {"columns": {"f": {"type": "boolean"}}}}})["b"]["imported"] == 7
    assert json.loads(t.value("SELECT json_agg(f) FROM b")) == [False, True, True, True, False, True, None]
