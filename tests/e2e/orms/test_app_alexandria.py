"""Neo Alexandria (SQLAlchemy and Alembic): JSON into jsonb and arrays, where not every text is JSON; a trigger that keeps a
tsvector; bookkeeping that is behind."""

import dataclasses
import re
import uuid

import pytest

import sqlstates as s
from applications import Application
from apps import alexandria

# What the trigger stores.
VECTOR = ("setweight(to_tsvector('english', coalesce(r.title, '')), 'A')"
          " || setweight(to_tsvector('english', coalesce(r.description, '')), 'B')"
          " || setweight(to_tsvector('simple', coalesce(r.subject::text, '')), 'C')")
BAD_TEXTS = {text.encode() for _, text, _ in [*alexandria.BAD.values(), *alexandria.ALSO_BAD.values()]}
JSON_COLUMNS = ("subject", "relation", "embedding", "sparse_embedding")
FTS = frozenset({"resources_fts"} | {f"resources_fts_{part}" for part in ("data", "idx", "docsize", "config")})


def fitting(cell):
    """The cell, or NULL where it is none that jsonb can hold."""
    return None if cell in BAD_TEXTS else cell


def application(search_vector, columns=None, **resources):
    columns = {"processing_time": {"format": "since_1970"}, **(columns or {})}
    return Application(
        "alexandria",
        plan={"create": "never", "tables": {"resources": {**resources, "columns": columns}}},
        left_out=FTS | {"alembic_version"},
        formats={"resources.processing_time": "since_1970"},
        instead={f"resources.{column}": fitting for column in JSON_COLUMNS},
        computed={"resources.search_vector": search_vector},
    )


REJECT = application(VECTOR, on_invalid="reject", fire_triggers=True)
# `subject` takes no NULL: there a row that does not fit is rejected all the same.
NULLS = application("NULL::tsvector", {"subject": {"on_invalid": "reject"}}, on_invalid="null")
STRICT = application("NULL::tsvector")


@pytest.mark.parametrize("application", [REJECT], ids=["reject"])
def test_reject(m):
    """Rows with a cell that is no JSON are reported one by one; the others are loaded, and the trigger fires for them."""
    expect_rejected(m, alexandria.BAD)
    bookkeeping_is_behind(m)
    rows = m.import_()
    m.check_counts(rows)
    assert (rows["resources"]["imported"], rows["resources"]["rejected"]) == (1089, 11), rows["resources"]
    report_names(m, alexandria.BAD)
    m.check_values()
    search_finds(m)
    m.check_catalog()
    m.check_new_rows()
    m.check_refused_again()


@pytest.mark.parametrize("application", [NULLS], ids=["nulls"])
def test_nulls(m):
    """Cells that are no JSON become NULL where the column takes it; the trigger does not fire, which a finding says."""
    bad = {rowid: cell for rowid, cell in alexandria.BAD.items() if cell[0] == "subject"}
    expect_rejected(m, bad)
    said = [f for f in m.findings() if f["object"].startswith("resources") and re.search(r"triggers?\b.*not\b", f["message"])]
    assert len(said) == 1 and "fire_triggers" in str(said), said
    rows = m.import_()
    m.check_counts(rows)
    assert (rows["resources"]["imported"], rows["resources"]["rejected"]) == (1100 - len(bad), len(bad)), rows["resources"]
    report_names(m, bad)
    m.check_values()
    m.check_catalog()
    m.check_new_rows()
    m.check_refused_again()


@pytest.mark.parametrize("application", [STRICT], ids=["strict"])
def test_strict(m):
    """By default the first cell that does not fit stops the import, and nothing has happened."""
    before = m.read(), m.positions(), m.t.traces()
    refused = m.import_fails(s.INVALID_VALUE, 'column "embedding" of table "resources"\n.*rowid 17: .* is not valid JSON', hint="on_invalid")
    said = refused.message + "\n" + refused.detail
    named = re.search(r'column "(\w+)" of table "resources"(?s:.*)rowid (\d+)', said)
    assert named and alexandria.BAD[int(named[2])][0] == named[1], said
    assert (m.read(), m.positions(), m.t.traces()) == before
    m.check_catalog()


def expect_rejected(m, bad):
    with m.source() as db:
        ids = {rowid: uuid.UUID(guid.decode()) for rowid, guid in db.execute("SELECT rowid, id FROM resources")}
    m.app = dataclasses.replace(m.app, rejected={"resources": [(ids[rowid],) for rowid in bad]})


def report_names(m, bad):
    """Exactly the rows that do not fit, each with its column, its values and the reason."""
    found = m.rows('SELECT source_table, rowid, source_column, "values"->>source_column AS cell, error'
                   " FROM sqlite_migrate.reject ORDER BY rowid")
    assert [(r["source_table"], r["rowid"], r["source_column"], r["cell"]) for r in found] == [
        ("resources", rowid, column, text) for rowid, (column, text, _) in sorted(bad.items())], found
    for row in found:
        assert bad[row["rowid"]][2] in row["error"], row


def bookkeeping_is_behind(m):
    """The schema is ahead of the data's: both revisions are named, and the target keeps its own."""
    found = [f for f in m.findings() if f["object"] == "alembic_version"]
    assert [f["severity"] for f in found] == ["warning"], found
    for revision in (alexandria.REVISION, "20251104_search_vector"):
        assert revision in str(found), found


def search_finds(m):
    with m.source() as db:
        loaded = [row for rowid, *row in db.execute("SELECT rowid, title, subject FROM resources") if rowid not in alexandria.BAD]
    titles, subjects = zip(*[(title.decode(), subject.decode()) for title, subject in loaded])
    wanted = {"search_vector @@ to_tsquery('english', 'lighthouses')": sum("lighthouse" in title for title in titles),
              "search_vector @@ to_tsquery('simple', 'philosophy')": sum("philosophy" in subject for subject in subjects),
              """subject @> '["history"]'""": sum(subject == '["history"]' for subject in subjects)}
    for condition, count in wanted.items():
        found = m.value(f"SET enable_seqscan = off; SELECT count(*) FROM resources WHERE {condition}")
        assert found == str(count) and count > 0, (condition, found, count)


def test_vectors(t):
    """pgvector's type takes JSON arrays, and the bytes of four-byte reals."""
    t.needs("vector")
    t.sql("CREATE EXTENSION vector; CREATE TABLE v (id int PRIMARY KEY, e vector(3))")
    path = t.file("v.db", """CREATE TABLE v (id INTEGER PRIMARY KEY, e JSON);
        INSERT INTO v VALUES (1, '[0.5, -1, 2e3]'), (2, NULL), (3, x'0000003f000080bf0000fa44');""")
    assert t.import_(path, {"create": "never"})["v"]["imported"] == 3
    assert [row["e"] for row in t.rows("SELECT e::text FROM v ORDER BY id")] == ["[0.5,-1,2000]", None, "[0.5,-1,2000]"]
    rows = "CREATE TABLE v (id INTEGER PRIMARY KEY, e JSON); INSERT INTO v VALUES (4, '{}');"
    append = {"create": "never", "existing_rows": "append"}
    t.import_fails(t.file("short.db", rows.format("[1, 2]")), append, (*s.INVALID_VALUE, "22000"), "rowid 4")
