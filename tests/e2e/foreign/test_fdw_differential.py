"""A query over a foreign table returns what the same query over a copy returns: hand-written and generated queries."""

import os
import re

import pytest

import fdw_generator
import fdw_queries
import fdw_ways
from client import fails
from harness import quote

GENERATED, SEED = 2000, int(os.environ.get("FDW_SEED", "3"))


def test_every_value_arrives(t):
    """Whole tables, before anything is built on them."""
    fdw_ways.prepare(t)
    queries = [f"SELECT * FROM {fdw_ways.fdw_db.ident(name)}" for name, _ in fdw_ways.fdw_db.relations()]
    answers, _ = fdw_ways.run_all(t, queries)
    found = dict(fdw_ways.differences(queries, answers, lambda _: False))
    assert not found, "\n".join(found.values())


def test_queries(t):
    fdw_ways.prepare(t)
    groups, expectations, queries = zip(*fdw_queries.queries())
    answers, plans = fdw_ways.run_all(t, queries)
    found = [*dict(fdw_ways.differences(queries, answers, lambda n: "o" in expectations[n])).values()]
    said = f"{len(queries)} queries in {len(set(groups))} groups"
    assert not found, f"{len(found)} of {said} differ:\n" + "\n".join(found[:40])
    if not fdw_ways.SELF:
        # Without ICU, "nd" is a deterministic collation like any other, and is shipped (fdw_db.collations).
        known = [n for n, query in enumerate(queries) if "icu" in t.server.features or not re.search(r"\bnd\b", query)]
        wrong = [f"{' '.join(words)} not met by: {query}\n{plan}" for words, query, plan in
                 ((list(fdw_ways.misplaced([e for e in expected if e != "o"], plan)), query, plan)
                  for expected, query, plan in ((expectations[n], queries[n], plans[n]) for n in known)) if words]
        assert not wrong, f"{len(wrong)} queries run elsewhere than expected ({fdw_ways.counts(plans)}):\n" + "\n".join(wrong[:40])
    print(f"    {said}: {fdw_ways.counts(plans)}")


def test_generated_queries(t):
    fdw_ways.prepare(t)
    made = fdw_generator.generate(SEED, GENERATED)
    queries = [query for query, _ in made]
    answers, plans = fdw_ways.run_all(t, queries)
    found = dict(fdw_ways.differences(queries, answers, lambda n: made[n][1]))
    smallest = [fdw_ways.smallest(t, *made[n]) for n in list(found)[:3]]
    assert not found, f"FDW_SEED={SEED}: {len(found)} of {len(queries)} differ:\n" + "\n".join([*found.values()][:20]) + "\nsmallest:\n" + "\n".join(smallest)
    failed = sum(answer.sqlstate != "00000" for answer in answers[2])
    print(f"    {len(queries)} queries, {failed} of them errors: {fdw_ways.counts(plans)}")
    assert failed < len(queries) / 20, "most queries should have rows to compare"
    empty = sum(not answer.rows for answer in answers[2])
    assert empty < len(queries) / 2, f"{empty} queries say nothing"


def test_cells_that_do_not_fit(t):
    """A misfit is the same ERROR whoever computes, and NULL where `on_invalid` says so. (A row that SQLite's index does not find
    is not read.)"""
    if fdw_ways.SELF:
        pytest.skip("there are no foreign tables in this run")
    fdw_ways.prepare(t)
    for schema, option in (("e", "error"), ("n", "null")):
        t.sql(f"""CREATE SCHEMA {schema}; SET search_path = {schema};
            CREATE FOREIGN TABLE bad_int (id bigint, n bigint, ok bigint) SERVER traps OPTIONS (on_invalid '{option}');
            CREATE FOREIGN TABLE bad_bool (id bigint, b boolean) SERVER traps OPTIONS (on_invalid '{option}');
            CREATE FOREIGN TABLE bad_date (id bigint, d timestamp) SERVER traps OPTIONS (on_invalid '{option}');
            CREATE FOREIGN TABLE bad_text (id bigint, t text COLLATE "C", v varchar(3), c char(3)) SERVER traps OPTIONS (on_invalid '{option}')""")
    fits = [("SELECT id FROM bad_int WHERE id > 2", 3), ("SELECT ok FROM bad_int WHERE id = 2", 1), ("SELECT count(*) FROM bad_bool", 1),
            ("SELECT b FROM bad_bool WHERE id <> 3", 3), ("SELECT n FROM bad_int WHERE id IN (1, 3, 5)", 3)]
    misfits = ["SELECT n FROM bad_int", "SELECT id FROM bad_int WHERE n > 0",
                        "SELECT sum(n) FROM bad_int", "SELECT max(n) FROM bad_int",
                        "SELECT n, count(*) FROM bad_int GROUP BY n", "SELECT DISTINCT n FROM bad_int", "SELECT id FROM bad_int ORDER BY n",
                        "SELECT a.id FROM bad_int a JOIN bad_int b ON a.n = b.n", "SELECT n FROM bad_int WHERE id = 4",
                        "SELECT id FROM bad_bool WHERE b", "SELECT b FROM bad_bool", "SELECT id FROM bad_bool WHERE NOT b",
                        "SELECT bool_or(b) FROM bad_bool", "SELECT id FROM bad_bool WHERE b IS NOT TRUE",
                        "SELECT d FROM bad_date", "SELECT max(d) FROM bad_date", "SELECT id FROM bad_date WHERE d > '2000-01-01'",
                        "SELECT t FROM bad_text", "SELECT id FROM bad_text WHERE t = 'z'", "SELECT v FROM bad_text", "SELECT c FROM bad_text", "SELECT id FROM bad_text WHERE c = 'a'", "SELECT max(t) FROM bad_text"]
    for pushdown in ("on", "off"):
        run = lambda schema, sql: t.sql(f"SET pg_sqlite_migrate.pushdown = {pushdown}; SET search_path = {schema}, public; {sql}")  # noqa: E731
        for query, rows in fits if pushdown == "on" else fits[:3]:  # without it, rows are read before they are left out
            assert len(run("e", query).out.splitlines()) == rows, (pushdown, query)
        for query in misfits:
            with fails("22P02", r'^value does not fit column "\w" of table "bad_\w+"'):
                run("e", query)
    pushed, unpushed = ([run_n(t, pushdown, query) for query in misfits] for pushdown in ("on", "off"))
    assert pushed == unpushed, [pair for pair in zip(misfits, pushed, unpushed) if pair[1] != pair[2]]


def run_n(t, pushdown, query):
    result = t.sql(f"SET pg_sqlite_migrate.pushdown = {pushdown}; SET search_path = n, public; {query}")
    return sorted(result.out.splitlines())


def test_import_foreign_schema_chooses_as_an_import_does(t):
    """The same types, the same values, by the same rules: IMPORT FOREIGN SCHEMA beside sqlite_import."""
    if fdw_ways.SELF:
        pytest.skip("there are no foreign tables in this run")
    path = fdw_ways.prepare(t)
    t.sql('CREATE SCHEMA fi; IMPORT FOREIGN SCHEMA main FROM SERVER traps INTO fi OPTIONS (names \'preserve\')')
    t.sql(t.call("sqlite_import", path, {"schema": "li", "names": "preserve"}))
    columns = lambda schema: {(r["r"], r["a"]): r["t"] for r in t.rows(  # noqa: E731
        "SELECT relname AS r, attname AS a, format_type(atttypid, atttypmod) AS t FROM pg_attribute JOIN pg_class ON pg_class.oid = attrelid"
        f" WHERE relnamespace = {quote(schema)}::regnamespace AND attnum > 0 AND relkind IN ('r', 'f', 'v') AND NOT attisdropped")}
    foreign, imported = columns("fi"), columns("li")
    assert {name for name, _ in imported} <= {name for name, _ in foreign}, {n for n, _ in imported} - {n for n, _ in foreign}
    assert not [name for name, _ in foreign if name.startswith("docs_")], "a virtual table's own tables are left out"
    different = {key: (foreign.get(key), imported[key]) for key in imported if foreign.get(key) != imported[key] and key[0] not in ("adults", "sums")
                 # What an import adds to a full-text table.
                 and key not in (("docs", "rowid"), ("docs", "search_vector"))}
    assert not different, different
    tables = sorted({name for name, _ in imported} - {"adults", "sums", "docs"})
    for table in tables:
        name = fdw_ways.fdw_db.ident(table)
        columns_of = ", ".join(fdw_ways.fdw_db.ident(a) + '::text COLLATE "C"' for r, a in sorted(imported) if r == table)
        counted = t.value(f"SELECT count(*) FROM (SELECT {columns_of} FROM fi.{name} EXCEPT ALL SELECT {columns_of} FROM li.{name}) x")
        back = t.value(f"SELECT count(*) FROM (SELECT {columns_of} FROM li.{name} EXCEPT ALL SELECT {columns_of} FROM fi.{name}) x")
        assert (counted, back) == ("0", "0"), (table, counted, back)
