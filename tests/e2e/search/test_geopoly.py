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


def test_shapes_come_back(t, path):
    t.import_(path)
    back, _ = export(t, "back.db", run=int(t.value("SELECT max(id) FROM sqlite_migrate.run")))
    assert schema(back)["g"] == schema(path)["g"]
    t.import_(back, {"schema": "again"})
    assert t.value("SELECT count(*) FROM g NATURAL JOIN again.g AS other") == "2"
