"""Polygons of geopoly: the table as it is, and as polygons."""

import struct

import pytest

from exports import export, schema


@pytest.fixture
def path(t):
    """Python's SQLite has no geopoly: the shadow tables are written as the module writes them."""
    shape = lambda points: struct.pack("<B3B", 1, len(points) >> 16, len(points) >> 8 & 255, len(points) & 255) + b"".join(struct.pack("<2f", *p) for p in points)  # noqa: E731
    cell = struct.pack(">q4f", 1, 0, 2, 0, 2) + struct.pack(">q4f", 2, 5, 6, 5, 6)
    node = (struct.pack(">2H", 0, 2) + cell).ljust(2 + 2 + 24 * 51, b"\0")[:1228]
    square, triangle = shape([(0, 0), (2, 0), (2, 2), (0, 2)]), shape([(5, 5), (6, 5), (5.5, 6)])
    return t.file("g.db", f"""
        CREATE TABLE g_rowid (rowid INTEGER PRIMARY KEY, nodeno, a0, a1); INSERT INTO g_rowid VALUES (1, 1, x'{square.hex()}', 'square'), (2, 1, x'{triangle.hex()}', 'triangle');
        CREATE TABLE g_node (nodeno INTEGER PRIMARY KEY, data); INSERT INTO g_node VALUES (1, x'{node.hex()}');
        CREATE TABLE g_parent (nodeno INTEGER PRIMARY KEY, parentnode);
        PRAGMA writable_schema = ON; INSERT INTO sqlite_schema VALUES ('table', 'g', 'g', 0, 'CREATE VIRTUAL TABLE g USING geopoly(name)')""")


def test_shapes_are_kept(t, path):
    assert t.import_(path, {"verify": "values"})["g"]["imported"] == 2
    assert t.type_of("g", "_shape") == "bytea" and t.value("SELECT string_agg(rowid || name, ' ' ORDER BY rowid) FROM g") == "1square 2triangle"


def test_shapes_become_polygons(t, path):
    (said,) = [f for f in t.findings(path) if f["kind"] == "virtual_table"]
    t.import_(path, said["fix"])
    assert t.type_of("g", "_shape") == "polygon"
    assert t.value("SELECT name FROM g WHERE _shape @> point(1, 1)") == "square"
    assert t.value("SELECT area(path(_shape)) FROM g WHERE name = 'square'") == "4"
    # As the R*Tree of the module does, an index finds them, which is held against the catalogs.
    index = "SELECT indexdef FROM pg_indexes WHERE indexname = 'g_polygon_idx'"
    assert t.value(index).endswith("USING gist (_shape)")
    assert t.value("SET enable_seqscan = off; EXPLAIN (COSTS off) SELECT name FROM g WHERE _shape && polygon(box '(0,0),(1,1)')").find("g_polygon_idx") > 0
    judged = "SELECT state FROM verify_constraints() WHERE kind = 'index'"
    assert t.rows(judged) == [{"state": "holds"}]
    t.sql("DROP INDEX g_polygon_idx; CREATE INDEX g_polygon_idx ON g (name)")
    assert t.rows(judged) == [{"state": "differs"}]
    t.sql("DROP INDEX g_polygon_idx")
    assert t.rows(judged) == [{"state": "missing"}]


def test_shapes_come_back(t, path):
    t.import_(path)
    back, _ = export(t, "back.db", run=int(t.value("SELECT max(id) FROM sqlite_migrate.run")))
    assert schema(back)["g"] == schema(path)["g"]
    t.import_(back, {"schema": "again"})
    assert t.value("SELECT count(*) FROM g NATURAL JOIN again.g AS other") == "2"
