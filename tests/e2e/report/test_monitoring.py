"""docs/postgres_exporter.yml: every query runs as a role that has pg_monitor and nothing else, and has the columns that it names."""

import yaml

from harness import ROOT
from test_progress import SHOP, cancelled, sleeping

QUERIES = yaml.safe_load((ROOT / "docs" / "postgres_exporter.yml").read_text())
PAGE = (ROOT / "docs" / "monitoring.md").read_text()
NUMBERS = {"bigint", "double precision", "numeric", "integer"}


def metrics(name):
    return {column: about["usage"] for metric in QUERIES[name]["metrics"] for column, about in metric.items()}


def asked(t, name, user):
    return t.rows(QUERIES[name]["query"], user)


def test_every_query_runs_as_a_monitor(t):
    monitor, owner, other = t.role("monitor", "pg_monitor"), t.role("owner", "pg_read_server_files"), t.role("other")
    t.sql("CREATE SCHEMA own AUTHORIZATION owner")
    t.sql(t.call("sqlite_import", t.file("shop.db", SHOP), {"schema": "own"}), owner)
    session = t.session(owner)
    sleeping(t, session, {"schema": "own", "existing_rows": "replace"})
    for name, query in QUERIES.items():
        kinds = dict(line.split("|") for line in t.value(
            f"CREATE TEMP TABLE q AS {query['query']}; SELECT attname, format_type(atttypid, NULL) FROM pg_attribute"
            " WHERE attrelid = 'q'::regclass AND attnum > 0 ORDER BY attnum", monitor).splitlines() if "|" in line)
        assert list(kinds) == list(metrics(name)), "the metrics are the query's columns"
        for column, usage in metrics(name).items():
            assert usage == "LABEL" or (usage == "GAUGE" and kinds[column] in NUMBERS), (name, column, kinds[column])
    [running] = asked(t, "sqlite_migrate_import", monitor)
    assert (running["datname"], running["phase"], running["pid"]) == (t.database, "after", str(session.pid))
    assert running["step"] == running["steps"] and running["elapsed_seconds"] > 0
    assert asked(t, "sqlite_migrate_imports", monitor) == [{"running": 1, "waiting": 0}]
    [runs] = asked(t, "sqlite_migrate_runs", monitor)
    assert (runs["runs"], runs["tables_loaded"], runs["rows_written"], runs["rows_rejected"]) == (1, 2, 4, 0), "committed ones"
    assert runs["last_finished_timestamp_seconds"] > 1_600_000_000
    # Sums are not the log: a monitor sees no run of others, and others see no sums of theirs.
    assert t.value("SELECT count(*) FROM sqlite_migrate.run", monitor) == "0"
    [runs] = asked(t, "sqlite_migrate_runs", other)
    assert (runs["runs"], runs["rows_written"], runs["last_finished_timestamp_seconds"]) == (0, 0, 0)
    assert asked(t, "sqlite_migrate_runs", owner)[0]["runs"] == 1
    cancelled(t, session)


def test_the_page_names_every_metric():
    for name in QUERIES:
        for column, usage in metrics(name).items():
            full = f"`{name}_{column}`" in PAGE or f"`_{column}`" in PAGE or usage == "LABEL" and f"`{column}`" in PAGE
            assert full, f"docs/monitoring.md lacks {name}_{column}"
