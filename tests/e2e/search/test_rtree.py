"""R*Trees become tables with an index that answers the same range queries: the same ids as SQLite finds."""

import random
import sqlite3

import pytest

import real_files
from harness import quote, shared


def boxes(t, dimensions, kind="rtree", rows=3000, auxiliary=""):
    """A file with random boxes of so many dimensions, and the names of the bounds."""
    chance = random.Random(dimensions)
    bounds = [f"{side}{axis}" for axis in range(dimensions) for side in ("low", "high")]
    path = t.file("boxes.db", f"CREATE VIRTUAL TABLE boxes USING {kind}(id, {', '.join(bounds)}{auxiliary})")
    db = sqlite3.connect(path)
    for i in range(1, rows + 1):
        values = []
        for _ in range(dimensions):
            low = chance.uniform(-1000, 1000)
            values += [low, low + chance.uniform(0, 30)]
        if kind == "rtree_i32":
            values = [int(value) for value in values]
        extra = [f"note {i}", None if i % 3 else i * 2**40] if auxiliary else []
        db.execute(f"INSERT INTO boxes VALUES ({', '.join('?' * (1 + len(values + extra)))})", [i * 7, *values, *extra])
    db.commit()
    db.close()
    return path, bounds


def overlapping(bounds, query):
    """The condition of the boxes that overlap a box, as both databases read it."""
    pairs = zip(bounds[::2], bounds[1::2], query)
    return " AND ".join(f"{high} >= {at} AND {low} <= {at + size}" for low, high, (at, size) in pairs)


def within(bounds, query):
    pairs = zip(bounds[::2], bounds[1::2], query)
    return " AND ".join(f"{low} >= {at} AND {high} <= {at + size}" for low, high, (at, size) in pairs)


def box(query):
    """The same box as the index has it."""
    corner = lambda ends: ", ".join(str(end) for end in ends + [0] * (2 - len(ends)))  # noqa: E731
    return f"box(point({corner([at for at, _ in query])}), point({corner([at + size for at, size in query])}))"


def of_index(bounds):
    low, high = bounds[::2], bounds[1::2]
    corner = lambda names: ", ".join(names + ["0"] * (2 - len(names)))  # noqa: E731
    return f"box(point({corner(low)}), point({corner(high)}))"


@pytest.mark.parametrize("dimensions", [1, 2])
def test_range_queries_find_the_same_rows(t, dimensions):
    path, bounds = boxes(t, dimensions)
    assert t.import_(path, {"verify": "values"})["boxes"]["imported"] == 3000
    assert t.constraints("boxes", "p") == "PRIMARY KEY (id)"
    assert {t.type_of("boxes", name) for name in bounds} == {"double precision"}
    chance, source, found = random.Random(5), sqlite3.connect(path), 0
    for _ in range(40):
        query = [(round(chance.uniform(-1000, 1000), 3), round(chance.uniform(0, 60), 3)) for _ in range(dimensions)]
        for condition in (overlapping, within):
            where = condition(bounds, query)
            wanted = sorted(id for (id,) in source.execute(f"SELECT id FROM boxes WHERE {where}"))
            sql = f"SELECT id FROM boxes WHERE {of_index(bounds)} && {box(query)} AND {where} ORDER BY id"
            assert [int(id) for id in t.value(sql).split()] == wanted, where
            found += len(wanted)
    assert found > 50
    plan = t.value(f"SET enable_seqscan = off; EXPLAIN (COSTS off) SELECT id FROM boxes WHERE {of_index(bounds)} && {box([(0, 5)] * dimensions)}")
    assert "boxes_box_idx" in plan, plan


def test_bounds_are_those_that_sqlite_shows(t):
    """R*Tree rounds to 32 bits, outwards."""
    path, bounds = boxes(t, 2, rows=200)
    t.import_(path)
    wanted = sqlite3.connect(path).execute("SELECT * FROM boxes ORDER BY id").fetchall()
    found = [tuple(row.values()) for row in t.shown_rows("SELECT * FROM boxes ORDER BY id")]
    assert found == wanted


def test_integers_and_auxiliary_columns(t):
    path, bounds = boxes(t, 2, "rtree_i32", rows=300, auxiliary=", +note, +number INTEGER")
    t.import_(path, {"verify": "values"})
    assert t.value("SELECT count(*), count(DISTINCT note), sum(number) IS NOT NULL FROM boxes") == "300|300|t"
    assert "float8" in t.value("SELECT indexdef FROM pg_indexes WHERE indexname = 'boxes_box_idx'") or "double precision" in t.value("SELECT indexdef FROM pg_indexes WHERE indexname = 'boxes_box_idx'")
    wanted = sqlite3.connect(path).execute("SELECT count(*) FROM boxes WHERE high0 >= 0 AND low0 <= 100 AND high1 >= 0 AND low1 <= 100").fetchone()[0]
    casts = "box(point(low0::float8, low1::float8), point(high0::float8, high1::float8))"
    assert t.value(f"SELECT count(*) FROM boxes WHERE {casts} && box(point(0, 0), point(100, 100)) AND high0 >= 0 AND low0 <= 100 AND high1 >= 0 AND low1 <= 100") == str(wanted)


@pytest.mark.parametrize("dimensions", [3, 5])
def test_more_dimensions_become_cubes(t, dimensions):
    t.needs("cube")
    path, bounds = boxes(t, dimensions, rows=500)
    t.import_(path)
    chance, source = random.Random(6), sqlite3.connect(path)
    low, high = ", ".join(bounds[::2]), ", ".join(bounds[1::2])
    cube = f"cube(ARRAY[{low}]::float8[], ARRAY[{high}]::float8[])"
    for _ in range(20):
        query = [(round(chance.uniform(-1000, 1000), 3), 800) for _ in range(dimensions)]
        where = overlapping(bounds, query)
        wanted = sorted(id for (id,) in source.execute(f"SELECT id FROM boxes WHERE {where}"))
        corner = lambda add: ", ".join(str(at + add * size) for at, size in query)  # noqa: E731
        asked = f"cube(ARRAY[{corner(0)}]::float8[], ARRAY[{corner(1)}]::float8[])"
        sql = f"SET search_path = public; SELECT id FROM boxes WHERE {cube} && {asked} AND {where} ORDER BY id"
        assert [int(id) for id in t.value(sql).split()] == wanted
    plan = t.value(f"SET search_path = public; SET enable_seqscan = off; EXPLAIN (COSTS off) SELECT id FROM boxes WHERE {cube} && {asked}")
    assert "boxes_cube_idx" in plan, plan


def test_without_the_extension_the_index_is_left_out(t):
    path, _ = boxes(t, 3, rows=10)
    role = t.role("loader", "pg_read_server_files", "CREATE ON SCHEMA public")
    rows = {row["table"]: row for row in t.rows(t.call("sqlite_import", path, {}), role)}
    assert rows["boxes"]["imported"] == 10 and "need the extension cube" in rows["boxes"]["detail"], rows
    (finding,) = [f for f in t.rows(t.call("sqlite_findings", path, {"schema": "other"}), role) if f["kind"] == "left_out"]
    assert finding["severity"] == "warning" and "3 dimensions" in finding["message"], finding


def test_indexes_of_the_plan_leave_it_out(t):
    path, _ = boxes(t, 2, rows=10)
    t.import_(path, {"indexes": False})
    assert t.value("SELECT count(*) FROM pg_indexes WHERE tablename = 'boxes'") == "1"


def test_bounds_that_the_plan_takes_away(t):
    path, bounds = boxes(t, 2, rows=10)
    for keys, said in {"skip": (True, "is not carried over"), "type": ("text", "is no number")}.items():
        plan = {"schema": keys, "tables": {"boxes": {"columns": {bounds[1]: {keys: said[0]}}}}}
        (finding,) = [f for f in t.findings(path, plan) if f["kind"] == "left_out"]
        assert finding["message"] == f'the index of the R*Tree is left out: column "{bounds[1]}" {said[1]}', finding
        t.import_(path, plan)
        assert t.value(f"SELECT count(*) FROM pg_indexes WHERE schemaname = '{keys}'") == "1"
    # Smaller numbers are cast, and a name that is taken gets a number.
    t.sql("CREATE TABLE boxes_box_idx ()")
    t.import_(path, {"tables": {"boxes": {"columns": {name: {"type": "real"} for name in bounds}}}})
    assert "::double precision" in t.value("SELECT indexdef FROM pg_indexes WHERE indexname = 'boxes_box_idx_2'")


def test_names_follow_the_plan(t):
    path = t.file("r.db", 'CREATE VIRTUAL TABLE "Map Areas" USING rtree(areaId, "minX", "maxX", minY, maxY); INSERT INTO "Map Areas" VALUES (4, 1, 2, 3, 4)')
    t.import_(path, {"names": "snake_case"})
    assert t.value("SELECT area_id, min_x, max_x, min_y, max_y FROM map_areas") == "4|1|2|3|4"
    assert t.value("SELECT indexname FROM pg_indexes WHERE tablename = 'map_areas' AND indexdef LIKE '%gist%'") == "map_areas_box_idx"
    # Numbers go on after the largest.
    assert t.value("INSERT INTO map_areas (min_x, max_x, min_y, max_y) VALUES (0, 0, 0, 0) RETURNING area_id") == "5"


def test_indexes_of_geometries_are_derived(t):
    plan = real_files.plan_of("gpkg_example")
    path = t.copy_of(shared("data", "gpkg_example.db"))
    said = [f for f in t.findings(path, plan) if f["kind"] == "virtual_table"]
    assert len(said) == 9 and {f["severity"] for f in said} == {"info"}, said
    assert all("derived from the geometries of table" in f["message"] for f in said), said
    rows = t.import_(path, plan)
    assert rows["rtree_point1_geometry"]["status"] == "skipped"


def test_a_damaged_tree_ends_in_an_error(t):
    path, _ = boxes(t, 2, rows=2000)
    db = sqlite3.connect(path)
    db.execute("UPDATE boxes_node SET data = zeroblob(7) WHERE nodeno > 3")
    db.commit()
    db.close()
    result = t.attempt(t.call("sqlite_import", path, {}))
    result.failed("XX001", "boxes: pages of the table are damaged")
    other = t.attempt(t.call("sqlite_import", path, {"on_error": "continue", "schema": "other"}))
    print(other)
    assert t.import_(path, {"tables": {"boxes": {"skip": True}}}) == {}
