"""PFA Vanguard, mirror and delta (Prisma): JSON text into jsonb, generated columns and materialised views over it, in one
transaction."""

import json
from decimal import Decimal

import pytest

import oracle
import sqlstates as s
from applications import Application

MIRROR = Application(
    "mirror",
    plan={"create": "never", "refresh": True},
    left_out=frozenset({"_prisma_migrations"}),
    computed={
        "pfa_mirror.assetTag": "r.data->>'tag'",
        "pfa_mirror.monthlyRate": "(r.data->>'monthlyRate')::numeric",
        "pfa_mirror.quantity": "(r.data->>'quantity')::integer",
        "pfa_mirror.siteArea": "r.data->'site'->>'area'",
    },
    samples={"pfa_mirror.data": '{"tag": "new", "monthlyRate": 5}', "pfa_delta.patch": "{}", "exchange_rates.currency": "XTS"},
)
VIEWS = {"pfa_current": "id", "asset_totals": '"projectId"', "rates_of_today": "currency"}


@pytest.fixture
def application():
    return MIRROR


def test_migrate(m):
    rolled_back_run_leaves_nothing(m)
    levels_are_compared(m)
    assert not [row for row in m.compare() if row["severity"] == "blocking"]
    rows = m.import_()
    parents_come_first(list(rows))
    m.check_counts(rows)
    m.check_values()
    generated_columns_follow_the_data(m)
    views_show_the_data(m)
    indexes_find_the_data(m)
    m.check_catalog()
    m.check_new_rows()
    m.check_refused_again()


def state(m):
    """What ROLLBACK must restore: rows, views, sequences, the run log, the catalog."""
    sequences = m.t.rows("SELECT relname FROM pg_class WHERE relkind = 'S' AND relnamespace = 'public'::regnamespace ORDER BY 1")
    positions = {q["relname"]: m.t.value(f'SELECT last_value, is_called FROM "{q["relname"]}"') for q in sequences}
    views = {view: m.t.value(f"SELECT coalesce(json_agg(q ORDER BY {key}), '[]') FROM {view} q") for view, key in VIEWS.items()}
    return m.read(), views, positions, m.t.traces()


def rolled_back_run_leaves_nothing(m):
    before = state(m)
    assert before[1] == dict.fromkeys(VIEWS, "[]"), before[1]
    for refresh, shown in ((False, "0"), (True, "3000")):
        session = m.t.session(m.user)
        session.run("BEGIN")
        session.run(m.call("sqlite_import", refresh=refresh))
        assert session.value("SELECT count(*) FROM pfa_mirror") == "3000"
        assert session.value("SELECT count(*) FROM pfa_current") == shown, f"refresh {refresh}"
        session.run("ROLLBACK")
        session.close()
        assert state(m) == before, f"refresh {refresh}"
        m.check_catalog()


def levels_are_compared(m):
    """Both sides have applied the same migrations: worth knowing, nothing more."""
    found = [f for f in m.findings() if f["object"] == "_prisma_migrations"]
    assert [f["severity"] for f in found] == ["info"] and "20250301090000_sync_log" in str(found), found


def parents_come_first(order):
    for parent, child in (("users", "Project"), ("Project", "pfa_mirror"), ("pfa_mirror", "pfa_delta"), ("users", "pfa_delta"),
                          ("Project", "sync_log"), ("pfa_mirror", "Attachment")):
        assert order.index(parent) < order.index(child), order


def records(m):
    """The mirror's documents by pfaId, and the patches that are pending by mirror id, as Python reads them in SQLite."""
    with m.source() as db:
        mirror = {row[0].decode(): (row[1].decode(), row[2], oracle.load(row[3])) for row in
                  db.execute('SELECT "pfaId", "id", "projectId", "data" FROM "pfa_mirror"')}
        pending = {}
        for mirror_id, patch in db.execute("SELECT mirrorId, patch FROM pfa_delta WHERE syncState = 'PENDING' ORDER BY id"):
            pending.setdefault(mirror_id.decode(), {}).update(oracle.load(patch))
    return mirror, pending


def generated_columns_follow_the_data(m):
    found = {row["pfaId"]: row for row in m.rows(
        'SELECT "pfaId", "assetTag", "monthlyRate"::text AS rate, "quantity", "siteArea" FROM pfa_mirror')}
    for pfa_id, (_, _, data) in records(m)[0].items():
        row, rate = found[pfa_id], data.get("monthlyRate")
        assert row["assetTag"] == data["tag"] and row["quantity"] == data.get("quantity"), row
        assert row["siteArea"] == data.get("site", {}).get("area"), row
        assert (row["rate"] and Decimal(row["rate"])) == (None if rate is None else Decimal(rate)), row


def views_show_the_data(m):
    mirror, pending = records(m)
    current = {pfa_id: {**data, **pending.get(mirror_id, {})} for pfa_id, (mirror_id, _, data) in mirror.items()}
    found = {row["pfaId"]: json.loads(row["data"], parse_float=Decimal, parse_int=Decimal)
             for row in m.rows('SELECT "pfaId", "data"::text AS data FROM pfa_current')}
    assert found == current, "pfa_current does not show the mirror with its pending deltas"
    totals = {}
    for pfa_id, (mirror_id, project, _) in mirror.items():
        count, edited, rate = totals.get(project, (0, 0, 0))
        rate += Decimal(current[pfa_id].get("monthlyRate") or 0)
        totals[project] = (count + 1, edited + bool(pending.get(mirror_id)), rate)
    found = {row["projectId"]: (row["records"], row["edited"], Decimal(row["rate"])) for row in m.rows(
        'SELECT "projectId", "records", "edited", "monthlyRate"::text AS rate FROM asset_totals')}
    assert found == totals, (found, totals)
    assert m.rows("SELECT * FROM rates_of_today") == [], "a view was refreshed that depends on no loaded table"
    assert m.rows('SELECT * FROM "audit"') == [], "a trigger fired"


def indexes_find_the_data(m):
    documents = [data for _, _, data in records(m)[0].values()]
    conditions = {
        "pfa_mirror_data_idx": ("""data @> '{"category": "Crane"}'""", lambda d: d["category"] == "Crane"),
        "pfa_mirror_category_idx": ("lower(data->>'category') = 'generator'", lambda d: d["category"] == "GENERATOR"),
        "pfa_mirror_discontinued_idx": ("(data->>'isDiscontinued')::boolean", lambda d: d["isDiscontinued"]),
        "pfa_mirror_assetTag_idx": ("\"assetTag\" LIKE 'HVAC-010%'", lambda d: d["tag"].startswith("HVAC-010")),
    }
    for index, (condition, holds) in conditions.items():
        by_index(m, index, condition, sum(map(holds, documents)))


def by_index(m, index, condition, count):
    query = f"SELECT count(*) FROM pfa_mirror WHERE {condition}"
    plan = m.sql(f"SET enable_seqscan = off; EXPLAIN {query}").out
    assert index in plan, plan
    assert m.value(f"SET enable_seqscan = off; {query}") == str(count), condition


def test_a_pending_delta_twice(t):
    """A partial unique index is rebuilt like any other, and says what it found."""
    t.sql("CREATE TABLE d (id int PRIMARY KEY, k int, s text); CREATE UNIQUE INDEX one_pending ON d (k) WHERE s = 'PENDING'")
    rows = """CREATE TABLE d (id INTEGER PRIMARY KEY, k INTEGER, s TEXT);
        INSERT INTO d VALUES (1, 5, 'PENDING'), (2, 5, 'DONE'), (3, 5, '{}');"""
    t.import_fails(t.file("twice.db", rows.format("PENDING")), {"create": "never"}, s.DUPLICATE_KEY, "one_pending")
    assert t.value("SELECT count(*) FROM d") == "0"
    assert t.import_(t.file("once.db", rows.format("DONE")), {"create": "never"})["d"]["imported"] == 3
