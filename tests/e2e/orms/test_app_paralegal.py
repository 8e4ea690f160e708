"""Paralegal AI: 29 tables of Prisma into a schema that is two migrations ahead and has been seeded already."""

import pytest

from applications import Application

INDEXES = {
    "perf_message_recent": '"Message" ("conversationId", "createdAt" DESC) INCLUDE ("role")',
    "perf_message_parent": '"Message" ("parentId") WHERE "parentId" IS NOT NULL',
    "perf_case_owner_status": '"Case" ("ownerId", "status")',
    "perf_case_metadata": '"Case" USING gin ("metadata" jsonb_path_ops)',
    "perf_chunk_content": "document_chunks USING gin (to_tsvector('simple', \"content\"))",
    "perf_client_name": '"Client" (lower("displayName") text_pattern_ops)',
    "perf_audit_time": "audit_log USING brin (created_at)",
    "perf_time_billable": "time_entries (case_id, started_at) WHERE is_billable",
}

PARALEGAL = Application(
    "paralegal",
    plan={
        "create": "never",
        "on_conflict": "skip",
        "tables": {
            "TimeEntry": {"target": "time_entries"},
            "User": {"columns": {"legacyPinHash": {"skip": True}}},
            # Days before 1970 are negative numbers, whose unit nobody can tell.
            "Client": {"columns": {"dateOfBirth": {"format": "unixepoch_ms"}}},
        },
        "after": [f"CREATE INDEX IF NOT EXISTS {name} ON {definition}" for name, definition in INDEXES.items()],
    },
    left_out=frozenset({"_prisma_migrations"}),
    tables={"TimeEntry": "time_entries", "AuditLog": "audit_log"},
    columns={
        "User.legacyPinHash": None,
        "AuditLog.actorId": "actor_id", "AuditLog.entityType": "entity_type", "AuditLog.entityId": "entity_id",
        "AuditLog.ipAddress": "ip_address", "AuditLog.createdAt": "created_at",
        "TimeEntry.caseId": "case_id", "TimeEntry.userId": "user_id", "TimeEntry.startedAt": "started_at",
        "TimeEntry.durationMs": "duration_ms", "TimeEntry.hourlyRate": "hourly_rate", "TimeEntry.isBillable": "is_billable",
    },
    computed={
        "Case.priority": "'NORMAL'",
        "Invoice.currency": "'EUR'",
        "Client.searchName": """lower("displayName" || coalesce(' ' || "email", ''))""",
    },
)
# Rows that the seeds hold under the same key; what they say stays.
SEEDED = {"system_settings": 3, "Court": 3}


@pytest.fixture
def application():
    return PARALEGAL


def test_migrate(m):
    check_levels(m)
    rows = m.import_()
    assert len(m.source_tables()) + len(PARALEGAL.left_out) == 29
    m.check_counts(rows)
    assert {table: row["skipped"] for table, row in rows.items() if row["skipped"]} == SEEDED, rows
    assert not [row for row in rows.values() if row["updated"] or row["rejected"]], rows
    check_seeds(m)
    m.check_values()
    check_indexes(m)
    m.check_new_rows()
    m.check_idempotent()
    m.check_catalog(but=[f"DROP INDEX {name}" for name in INDEXES])


def check_levels(m):
    """The file's migration records stay behind, and a finding names what it has not seen."""
    found = [f for f in m.findings() if f["object"] == "_prisma_migrations"]
    assert len(found) == 1 and found[0]["severity"] == "warning", found
    for migration in ("20250301090000_snake_case_log", "20250415100000_priority_and_currency"):
        assert migration in found[0]["message"], found
    for migration in ("20250110120000_init", "20250210090000_hardening"):
        assert migration not in found[0]["message"], found
    assert not [f for f in m.findings() + m.compare() if f["severity"] == "blocking"]


def check_seeds(m):
    """Of a key that both have, the seed's value stays; of the others, each has its own."""
    found = {row["key"]: row["value"] for row in m.rows("SELECT key, value FROM system_settings")}
    assert found["ai.model"] == "mistral-large" and found["app.name"] == {"de": "Kanzlei", "en": "Chambers"}, found
    assert found["setup.finished"] is False and found["billing.currency"] == "EUR" and found["retention.days"] == 3650, found
    assert m.t.value('SELECT "name" FROM "Court" WHERE "code" = \'BGH\'') == "Bundesgerichtshof"


def check_indexes(m):
    """All eight are there, and their tables' owner owns them."""
    found = m.rows("""
        SELECT c.relname AS name, i.indrelid::regclass::text AS "table", pg_get_userbyid(c.relowner) AS owner
        FROM pg_index i JOIN pg_class c ON c.oid = i.indexrelid WHERE c.relname ^@ 'perf_' AND i.indisvalid""")
    assert {row["name"] for row in found} == set(INDEXES), found
    assert {row["owner"] for row in found} == {m.user}, found
