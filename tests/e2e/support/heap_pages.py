"""What is on the pages of a table, as pageinspect reads it."""

from harness import quote

# Hint bits of xmin are set by whoever reads first; a pointer to a value elsewhere has that value's number.
ITEMS = """SELECT blkno, lp, lp_off, lp_flags, lp_len, t_infomask2, t_infomask & ~768 AS t_infomask, t_hoff, t_bits, t_xmax, t_ctid,
        CASE WHEN t_infomask & 4 = 0 THEN t_data END AS t_data
    FROM generate_series(0, pg_relation_size({table}) / 8192 - 1) AS blkno, heap_page_items(get_raw_page({table}, blkno::int))"""
HEADERS = """SELECT blkno, h.lower, h.upper, h.special, h.pagesize, h.version, h.flags, h.prune_xid
    FROM generate_series(0, pg_relation_size({table}) / 8192 - 1) AS blkno, page_header(get_raw_page({table}, blkno::int)) h
    WHERE h.upper <> 0"""


def differing(t, one, other):
    """Tuples and page headers that two tables do not have alike, as text. Pages that nobody has written yet do not count."""
    found = []
    for query in (ITEMS, HEADERS):
        rows = [query.format(table=quote(table)) for table in (one, other)]
        found.append(t.value(f"SELECT count(*), min(q::text) FROM (({rows[0]} EXCEPT ALL {rows[1]}) UNION ALL ({rows[1]} EXCEPT ALL {rows[0]})) q"))
    return [text for text in found if text != "0|"]


def tuples(t, table):
    return int(t.value(f"SELECT count(*) FROM ({ITEMS.format(table=quote(table))}) q"))


def broken(server, database, table, *indexes):
    """What amcheck finds wrong with a table, its TOAST table and indexes; raises where an index is broken."""
    run = lambda sql: server.run(database, sql).out.strip()  # noqa: E731
    run("CREATE EXTENSION IF NOT EXISTS amcheck")
    for index in indexes:
        run(f"SELECT bt_index_check({quote(index)}, true)")
    toast = run(f"SELECT coalesce(bt_index_check(i.indexrelid, true)::text, '') FROM pg_class c JOIN pg_index i ON i.indrelid = c.reltoastrelid WHERE c.oid = {quote(table)}::regclass")
    assert toast == ""
    return run(f"SELECT * FROM verify_heapam({quote(table)}, check_toast => true)")
