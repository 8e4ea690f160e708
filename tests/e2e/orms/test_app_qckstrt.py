"""QCKSTRT (TypeORM): camelCase names in SQLite, snake_case ones in PostgreSQL, UUIDs, enums and lists with commas in varchar."""

import re
import sqlite3

import pytest

from applications import Application
from apps import qckstrt
from client import fails

LISTS = ("notificationPreferences.channels", "documents.keywords")


def snake(name):
    return re.sub("([A-Z])", r"_\1", name).lower()


def plan():
    lists = [name.split(".") for name in LISTS]
    return {"create": "never", "exclude": ["typeorm_metadata"],
            "tables": {table: {"columns": {column: {"format": "comma"}}} for table, column in lists}}


def names():
    """Every table and every column of the file, with the name that it has in PostgreSQL."""
    db = sqlite3.connect(":memory:")
    db.executescript(qckstrt.SCHEMA)
    tables = [name for name, in db.execute("SELECT name FROM sqlite_master WHERE type = 'table'")]
    columns = db.execute("SELECT m.name, c.name FROM sqlite_master m, pragma_table_xinfo(m.name) c WHERE m.type = 'table'")
    return {"tables": {t: snake(t) for t in tables}, "columns": {f"{t}.{c}": snake(c) for t, c in columns}}


QCKSTRT = Application(
    "qckstrt", plan(), **names(),
    left_out=frozenset({"migrations", "typeorm_metadata"}),
    formats=dict.fromkeys(LISTS, "simple-array"),
    computed={"users.locale": "'en'", "users.full_name": "r.first_name || ' ' || r.last_name"},
    samples={"notification_preferences.categories": "{}"},
)


@pytest.fixture
def application():
    return QCKSTRT


def test_migrate(m):
    levels_are_compared(m)
    every_table_must_exist(m)
    assert not [row for row in m.compare() if row["severity"] == "blocking"]
    rows = m.import_()
    m.check_counts(rows)
    m.check_values()
    arrays_are_split(m)
    view_over_the_key_stays(m)
    m.check_catalog()
    m.check_new_rows()
    m.check_refused_again()
    updating_again_changes_nothing(m, rows)
    updating_restores_what_was_changed(m, rows)
    m.check_values()
    m.check_catalog()
    m.check_new_rows()


def levels_are_compared(m):
    found = [f for f in m.findings() if f["object"] == "migrations"]
    assert [f["severity"] for f in found] == ["info"] and "1740000000000" in str(found), found


def every_table_must_exist(m):
    session = m.t.session(m.user)
    session.run("BEGIN")
    session.run("DROP TABLE audit_logs")
    with fails("55000", '^auditLogs: table .* does not exist, and the plan says create: "never"'):
        session.run(m.call("sqlite_import"))
    session.run("ROLLBACK")
    session.close()
    assert m.read() == m.before
    m.check_catalog()


def arrays_are_split(m):
    """At the commas and nowhere else; the empty text is the empty array; `simple-array` in a text column stays as it is."""
    found = {row["keywords"]: row["parts"] for row in m.rows(
        "SELECT DISTINCT array_to_string(keywords, ',') AS keywords, to_jsonb(keywords) AS parts FROM documents"
        " WHERE keywords IS NOT NULL")}
    assert found == {text: text.split(",") if text else [] for text in qckstrt.KEYWORDS if text is not None}
    assert m.rows("SELECT count(*) AS n FROM users WHERE interests = 'chess,go,shogi 将棋'")[0]["n"] > 0


def view_over_the_key_stays(m):
    """It could not do without the primary key for a moment, and shows what SQLite's view of the same name shows."""
    with m.source() as db:
        wanted = {row[0].decode(): row[1] for row in db.execute('SELECT "email", "documents" FROM "userStatistics"')}
    assert {row["email"]: row["documents"] for row in m.rows("SELECT email, documents FROM user_statistics")} == wanted


def updating_again_changes_nothing(m, first):
    before = m.read()
    outcome_is(m.import_(on_conflict="update"), first, {})
    assert m.read() == before


def updating_restores_what_was_changed(m, first):
    """Rows that are gone come back, rows that were changed are as in SQLite, and the counts tell them apart."""
    m.sql("DELETE FROM audit_logs WHERE id <= 40; DELETE FROM document_categories WHERE category_id = 3;"
          " UPDATE users SET last_name = 'changed', role = 'admin', preferences = '{}', locale = 'de' WHERE is_active;"
          " UPDATE categories SET title = 'changed', parent_id = NULL;"
          " UPDATE documents SET keywords = '{changed}', checksum = ''")
    gone = {table: row["imported"] - len(m.read_table(table)) for table, row in first.items() if row["status"] == "loaded"}
    assert gone["audit_logs"] == 40 and gone["document_categories"] > 100, gone
    outcome_is(m.import_(on_conflict="update"), first, gone)
    assert m.rows("SELECT DISTINCT locale FROM users WHERE is_active") == [{"locale": "de"}], "a column without a source was set"
    m.sql("UPDATE users SET locale = 'en'")


def outcome_is(rows, first, gone):
    for table, row in rows.items():
        if row["status"] != "loaded":
            continue
        imported, source = gone.get(table, 0), first[table]["source_rows"]
        assert (row["source_rows"], row["imported"], row["rejected"]) == (source, imported, 0), row
        # Of a row that is all key there is nothing to update.
        updated = row["updated"] + (row["skipped"] if table == "document_categories" else 0)
        assert updated == source - imported, row
    assert set(rows) == set(first)
