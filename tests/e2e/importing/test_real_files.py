"""Files that real programs wrote: everything arrives, and hostile ones end in an error or a result."""

import pytest

import app_db
import real_files
import sqlstates as s
from harness import FIXTURES, shared
from oracle import compare_file

# What a strict import of a file stops at, and the keys that let it through. A file that is not named here imports with {}.
LENIENT = {"keys": "as_data_allows", "orphans": "keep", "on_error": "continue"}
# The files that a strict import refuses, by name without extension, and the code and message of the cause.
REFUSED = {"pgloader_sqlite": (s.NULL_KEY, "primary key of autoinc: 3 rows have a NULL in it")}

# Every call that reads a file.
READERS = ["sqlite_check", "sqlite_inspect", "sqlite_findings", "sqlite_plan", "sqlite_ddl", "sqlite_import"]


@pytest.mark.parametrize("name", real_files.NAMES)
def test_whole_file(t, name):
    original = shared("data", f"{name}.db")
    path = t.copy_of(original)
    before = original.read_bytes()
    plan = plan_that_works(t, path)
    full = t.plan(path, plan)
    rows = t.import_(path, plan)
    counts = t.rows("SELECT * FROM verify_counts()")
    assert all(row["ok"] for row in counts), [row for row in counts if not row["ok"]]
    for row in rows.values():
        if row["status"] == "skipped":
            assert row["detail"], row
            continue
        assert row["source_rows"] == row["imported"] + row["rejected"], row
    compare_file(t, path, full)
    t.rows("SELECT * FROM reset_sequences()")
    t.rows(t.call("sqlite_inspect", path))
    assert path.read_bytes() == before, "the source file changed"
    assert not [p.name for p in t.dir.iterdir() if p != path], "something was left beside the source file"


def plan_that_works(t, path):
    """The file's plan where a strict import succeeds, else the lenient one; a refusal leaves nothing behind."""
    plan = real_files.plan_of(path.stem)
    before = t.traces()
    result = t.attempt("BEGIN; " + t.call("sqlite_import", path, plan) + "; ROLLBACK")
    assert t.traces() == before, "a rolled back import left something"
    if result.sqlstate is None:
        assert path.stem not in REFUSED, "a strict import is not refused"
        return plan
    assert path.stem in REFUSED, f"a strict import is refused: {result.sqlstate} {result.message}"
    result.failed(*REFUSED[path.stem])
    assert result.hint or result.detail, f"a refusal that helps nobody: {result.message}"
    return LENIENT


@pytest.mark.parametrize("names", real_files.in_groups(real_files.MALFORMED, 8), ids="-".join)
def test_malformed(t, names):
    """One backend reads all of them, so that what one leaves behind hits the next."""
    session = t.session()
    for name in names:
        path = t.copy_of(shared("data", "malformed", f"{name}.db"))
        for function in READERS:
            call = t.call(function, path, LENIENT if function not in ("sqlite_check", "sqlite_inspect") else None)
            session.run("BEGIN")
            result = session.attempt(f"SELECT count(*) FROM ({call}) q", timeout=60)
            session.run("ROLLBACK")
            assert result.sqlstate not in ("08006", "XX000", "57P01"), f"{name} {function}: {result}"
        assert not session.open_files(t.dir), f"{name} is still open"
    assert session.value("SELECT 1") == "1"


def test_demo_database(t):
    path = t.dir / "app.db"
    app_db.build(path)
    t.own(path)
    full = t.plan(path)
    rows = t.import_(path)
    assert len(rows) == 29 and sum(row["imported"] for row in rows.values()) == 3883, rows
    assert all(row["status"] == "loaded" for row in rows.values()), rows
    compare_file(t, path, full)
    assert t.type_of("users", "createdAt") == "timestamp(3) without time zone"
    assert t.type_of("workspace_documents", "pinned") == "boolean"
    assert t.type_of("workspace_chats", "response") in ("text", "json", "jsonb")
    # The last user was deleted: the next id comes from sqlite_sequence, not from max(id).
    assert t.value("INSERT INTO users (password) VALUES ('x') RETURNING id") == "41"
    fk = t.constraints("workspace_users", "f")
    assert "ON UPDATE CASCADE ON DELETE CASCADE" in fk and "NOT VALID" not in fk, fk


@pytest.mark.parametrize("name", [path.stem for path in sorted((FIXTURES / "small").glob("*.sql"))])
def test_small(t, name):
    path = t.fixture(name)
    plan = plan_that_works(t, path)
    full = t.plan(path, plan)
    rows = t.import_(path, plan)
    assert all(row["source_rows"] == row["imported"] for row in rows.values()), rows
    compare_file(t, path, full)
