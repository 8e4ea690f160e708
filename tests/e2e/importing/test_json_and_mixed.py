"""JSON in texts and blobs, and columns of several storage classes: what a finding counts, and what its fix keeps."""

import sqlite3

import pytest

from harness import shared


def found(t, path, kind):
    return {f["object"]: f for f in t.findings(path) if f["kind"] == kind}


def merged(*fixes):
    """Fixes for different columns of one table."""
    columns = {}
    for fix in fixes:
        (table, keys), = fix["tables"].items()
        columns.setdefault(table, {"columns": {}})["columns"].update(keys["columns"])
    return {"tables": columns}


def test_json_of_a_case(t):
    path = t.file("json.db", shared("cases", "28-json-in-blob.sql").read_text())
    missed = found(t, path, "type_missed")
    assert {name: f["message"].split(", but ")[1] for name, f in missed.items()} == {
        "foos.meta": "1 value is a document with \\u0000 or something else that jsonb refuses: becomes text",
        "foos.lone": "1 value is a document with \\u0000 or something else that jsonb refuses: becomes text",
        "foos.dup": "1 value is a document with a key twice, of which jsonb keeps one: becomes json",
        "foos.bad": "1 of 3 values are text that looks like JSON, 1 is empty text, 1 is other text: becomes text"}
    assert missed["foos.bad"]["hint"].endswith("which costs 2 values.") and missed["foos.dup"]["fix"] is None
    image = found(t, path, "blob_form")["foos.image"]
    plan = merged(*(f["fix"] for f in (missed["foos.meta"], missed["foos.lone"], missed["foos.bad"], image)))
    assert plan["tables"]["foos"]["columns"]["meta"] == plan["tables"]["foos"]["columns"]["lone"] == {"type": "json"}
    assert t.import_(path, plan)["foos"]["imported"] == 3
    # Without loss but for the two values that it costs.
    assert t.rows("SELECT id, meta::text, dup::text, lone::text, bad::text, image ->> 'filename' AS image FROM foos ORDER BY id") == [
        {"id": "a", "meta": '{"text":"a\\u0000b"}', "dup": '{"a":1,"a":2}', "lone": '"\\ud83d"', "bad": '{"k": 1}', "image": "x"},
        {"id": "b", "meta": "[]", "dup": "{}", "lone": '"ok"', "bad": None, "image": "y"},
        {"id": "c", "meta": None, "dup": None, "lone": None, "bad": None, "image": None}]


def test_what_is_no_json_is_counted_among_texts_and_blobs(t):
    path = t.file("json.db", "CREATE TABLE j (id INTEGER PRIMARY KEY, v JSON);"
                             "INSERT INTO j (v) VALUES ('{oops'), ('{}'), (''), ('no'), (x'7b7d'), (x'ff'), (x'7b'), (7), ('{\"a\":1,\"a\":2}'), ('\"\\u0000\"'), (NULL)")
    finding = found(t, path, "type_missed")["j.v"]
    # {oops, '', no, two blobs, a key twice, \u0000.
    assert finding["hint"].endswith('"null" or "reject" to keep the declared type, which costs 7 values.'), finding
    assert t.import_(path, finding["fix"])["j"]["imported"] == 11
    assert t.rows("SELECT id, v::text FROM j WHERE v IS NOT NULL ORDER BY id") == [{"id": 2, "v": "{}"}, {"id": 5, "v": "{}"}, {"id": 8, "v": "7"}]
    t.sql("DROP TABLE j")
    finding["fix"]["tables"]["j"]["columns"]["v"]["on_invalid"] = "reject"
    result = t.import_(path, finding["fix"])["j"]
    assert (result["imported"], result["rejected"]) == (4, 7)


MIXED = [1, 2.5, "text", b"\xff\x00", None]


@pytest.mark.parametrize("declared", ("", "ANY", "BLOB"))
@pytest.mark.parametrize("blobs", (True, False))
def test_mixed_storage_classes_as_text(t, declared, blobs):
    """bytea keeps every value as it is; the finding offers text, and says how many blobs it costs."""
    path = t.dir / "mixed.db"
    db = sqlite3.connect(path)
    db.execute(f"CREATE TABLE m (id INTEGER PRIMARY KEY, v {declared})")
    values = [v for v in MIXED if blobs or not isinstance(v, bytes)]
    db.executemany("INSERT INTO m (v) VALUES (?)", [(v,) for v in values])
    db.commit()
    t.own(path)
    kept = t.plan(path)["tables"]["m"]["columns"]["v"]["type"]
    finding = found(t, path, "blob_form").get("m.v")
    if not blobs:
        assert (kept, finding) == ("text", None)
        return
    assert kept == "bytea"
    fix = finding["fix"]["tables"]["m"]["columns"]["v"]
    assert fix["type"] == "text" and ("costs 1 value." in finding["hint"]) == blobs, finding
    assert t.import_(path, finding["fix"])["m"]["imported"] == len(values)
    as_text = [None if isinstance(v, bytes) else v if v is None else str(v) for v in values]
    assert [row["v"] for row in t.rows("SELECT v FROM m ORDER BY id")] == as_text


def test_a_strict_table_with_any(t):
    path = t.file("any.db", "CREATE TABLE m (id INTEGER PRIMARY KEY, v ANY) STRICT; INSERT INTO m (v) VALUES (1), ('1'), (x'31')")
    finding = found(t, path, "blob_form")["m.v"]
    assert finding["hint"].endswith("to keep numbers and texts as text, which costs 1 value."), finding
    t.import_(path, finding["fix"])
    assert [row["v"] for row in t.rows("SELECT v FROM m ORDER BY id")] == ["1", "1", None]
