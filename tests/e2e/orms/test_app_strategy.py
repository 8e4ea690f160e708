"""PFA Vanguard, strategy: ciphertexts that must arrive byte for byte, rows without a parent, and a manifest to answer to."""

import json

import pytest

import catalog
import sqlstates as s
from applications import Application
from apps import strategy
from harness import quote

APPLICATION = Application(
    "strategy",
    {"create": "never", "orphans": "reject"},
    formats={"holdings.as_of": "unixepoch", "recommendations.created_at": "unixepoch", "activity_log.at": "unixepoch"},
    rejected={table: [(key,) for key in keys] for table, keys in strategy.ORPHANS.items()},
)

# What was stored and what SQLite's side said of it, asked of PostgreSQL alone.
FORGED = """
SELECT (SELECT count(*) FROM notes WHERE encode(sha256(convert_to(body_enc, 'UTF8')), 'hex') <> sha256)
     + (SELECT count(*) FROM documents WHERE encode(sha256(ciphertext), 'hex') <> sha256)
"""

# Tables of the manifest that the result does not account for, row by row, and tables that the manifest does not know.
AGAINST_MANIFEST = """
CREATE TEMPORARY TABLE manifest (document jsonb);
COPY manifest FROM {manifest};
CREATE TEMPORARY TABLE result AS {sqlite_import};
SELECT jsonb_agg(r) FROM result r;
SELECT coalesce(jsonb_agg(q), '[]') FROM (
    SELECT coalesce(e.key, r.table) AS table, e.value::bigint AS expected, r.source_rows, r.imported, r.rejected
    FROM manifest CROSS JOIN jsonb_each_text(document -> 'tables') e
    FULL JOIN result r ON r.table = e.key
    WHERE (e.value::bigint, r.imported + r.rejected) IS DISTINCT FROM (r.source_rows, e.value::bigint)
) q;
"""


@pytest.fixture
def application():
    return APPLICATION


def test_migrate(m):
    orphans_stop_the_import(m)
    rows = import_against_manifest(m)
    m.check_counts(rows)
    check_rejected(m, rows)
    m.check_values()
    assert m.t.value(FORGED) == "0"
    m.check_catalog()
    m.check_new_rows()
    m.check_refused_again()


def orphans_stop_the_import(m):
    """By default: the table and its key are named, and nothing is left behind."""
    before = m.t.traces()
    m.import_fails(s.ORPHANS, "foreign key accounts_household_id_fkey of accounts: .*\nforeign key holdings_account_id_fkey of holdings: ", orphans="error")
    assert m.t.traces() == before and m.read() == m.before, "a failed import left something"
    catalog.assert_same(m.catalog, catalog.dumped(m.t), "a failed import")


def import_against_manifest(m):
    m.t.own(strategy.manifest(m.path))
    sql = AGAINST_MANIFEST.format(manifest=quote(str(strategy.manifest(m.path))), sqlite_import=m.call("sqlite_import"))
    result, wrong = map(json.loads, m.value(sql).split("\n"))
    assert wrong == [], wrong
    return {row["table"]: row for row in result}


def check_rejected(m, rows):
    """The orphans, and what they are the parents of, are in the run log and nowhere else."""
    found = {}
    for row in m.rows("SELECT source_table, (values ->> 'id')::int AS id, error FROM sqlite_migrate.reject ORDER BY id"):
        found.setdefault(row["source_table"], []).append(row["id"])
        assert row["error"], row
    assert found == strategy.ORPHANS, found
    assert {table: row["rejected"] for table, row in rows.items() if row["rejected"]} == {t: len(k) for t, k in found.items()}
