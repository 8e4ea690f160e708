"""GeoPackages become tables of PostGIS: every geometry is the one that GDAL reads."""

import sqlite3
import struct

import pytest

import spatial_files as files
from client import fails
from harness import quote, shared

DIMENSIONS = {"": (False, False), "Z": (True, False), "M": (False, True), "ZM": (True, True)}


@pytest.fixture
def g(t):
    t.needs("postgis")
    return t


def postgis(t, table, geometry="geom", key="fid"):
    """WKB of ISO by id, as PostGIS has it."""
    rows = t.rows(f"SELECT {key} AS id, encode(ST_AsBinary({geometry}, 'NDR'), 'hex') AS wkb FROM {table}")
    return {row["id"]: row["wkb"] for row in rows}


def verified(t, path, plan=None):
    """Imports, and has every value compared."""
    imported = t.import_(path, {**(plan or {}), "verify": "values"})
    found = t.rows("SELECT * FROM verify_values()")
    assert found and {row["verdict"] for row in found} <= {"equal", "normalised"}, found
    return imported


def same(t, path, table, geometry="geom", key="fid"):
    shapes, _ = files.read(path, table)
    found = postgis(t, table, geometry, key)
    assert found == shapes
    return found


def test_every_kind_in_every_dimension(g):
    ogr, _ = files.gdal()
    layers = {}
    for suffix, (z, m) in DIMENSIONS.items():
        for kind, wkt in {**files.KINDS, **files.CURVES}.items():
            code = ogr.CreateGeometryFromWkt(wkt).GetGeometryType()
            code = ogr.GT_SetModifier(ogr.GT_Flatten(code), z, m)
            layers[f"{kind}{suffix}".lower()] = (4326, code, [files.with_dimensions(ogr, wkt, z, m), None])
    path = g.own(files.write(g.dir / "all.gpkg", layers))
    verified(g, path)
    for suffix in DIMENSIONS:
        for kind in [*files.KINDS, *files.CURVES]:
            table = f"{kind}{suffix}".lower()
            assert g.type_of(table, "geom") == f"geometry({kind}{suffix},4326)"
            assert len(same(g, path, table)) == 2
    # Each R*Tree is an index that finds the same rows.
    found = g.value("SELECT count(*) FROM pg_indexes WHERE indexdef LIKE '%USING gist (geom)%'")
    assert found == str(len(layers))
    assert g.value("SELECT count(*) FROM pg_tables WHERE schemaname = 'public' AND (tablename LIKE 'gpkg%' OR tablename LIKE 'rtree%')") == "0"


def test_empty_ones_of_every_kind(g):
    path = g.own(files.write(g.dir / "empty.gpkg", {"empty": (4326, None, files.EMPTY)}))
    verified(g, path)
    assert len(same(g, path, "empty")) == len(files.EMPTY)
    assert g.value("SELECT bool_and(ST_IsEmpty(geom)) FROM empty") == "t"


def test_kinds_and_dimensions_that_are_mixed(g):
    ogr, _ = files.gdal()
    mixed = list(files.KINDS.values())
    heights = [files.with_dimensions(ogr, "POINT (1 2)", z, m) for z, m in DIMENSIONS.values()]
    path = g.own(files.write(g.dir / "mixed.gpkg", {"kinds": (2056, None, mixed), "heights": (4326, None, heights)}))
    db = sqlite3.connect(path)
    db.execute("UPDATE gpkg_geometry_columns SET z = 2, m = 2 WHERE table_name = 'heights'")
    db.commit()
    db.close()
    verified(g, path)
    assert g.type_of("kinds", "geom") == "geometry(Geometry,2056)"
    assert g.type_of("heights", "geom") == "geometry"
    same(g, path, "kinds")
    same(g, path, "heights")
    assert g.value("SELECT string_agg(DISTINCT ST_SRID(geom)::text, ' ') FROM heights") == "4326"


def test_systems_of_coordinates(g):
    own = "+proj=lcc +lat_1=40 +lat_2=50 +lat_0=45 +lon_0=7 +x_0=1000 +y_0=2000 +ellps=bessel +units=m +no_defs"
    path = g.own(files.write(g.dir / "systems.gpkg", {
        "known": (2056, None, ["POINT (2600000 1200000)"]), "own": (own, None, ["POINT (1 2)"]), "none": (None, None, ["POINT (1 2)"])}))
    number = sqlite3.connect(path).execute("SELECT srs_id, definition FROM gpkg_geometry_columns JOIN gpkg_spatial_ref_sys USING (srs_id) WHERE table_name = 'own'").fetchone()
    g.sql("CREATE EXTENSION postgis SCHEMA public")
    verified(g, path)
    assert g.type_of("known", "geom") == "geometry(Geometry,2056)"
    assert g.type_of("own", "geom") == f"geometry(Geometry,{number[0]})"
    assert g.type_of("none", "geom") == "geometry"
    row = g.rows(f"SELECT * FROM spatial_ref_sys WHERE srid = {number[0]}")[0]
    assert row["srtext"] == number[1]
    # PostGIS computes with it.
    assert g.value("SELECT ST_AsText(ST_Transform(geom, 4326), 3) FROM own").startswith("POINT(")
    # A second file with another definition under the same number.
    other = g.own(files.write(g.dir / "other.gpkg", {"second": (own.replace("45", "46"), None, ["POINT (1 2)"])}))
    said = [f["message"] for f in g.findings(other) if f["object"].startswith("SRID")]
    assert said and "as SRID 900000" in said[0], said
    verified(g, other)
    assert g.type_of("second", "geom") == "geometry(Geometry,900000)"
    # The same definition again finds its row.
    again = g.own(files.write(g.dir / "again.gpkg", {"third": (own.replace("45", "46"), None, ["POINT (1 2)"])}))
    verified(g, again)
    assert g.type_of("third", "geom") == "geometry(Geometry,900000)"


OWN = "+proj=lcc +lat_1=40 +lat_2=50 +lat_0=45 +lon_0=7 +ellps=bessel +units=m +no_defs"


def renumbered(path, layer, number):
    """The file gives the layer's system this number."""
    db = sqlite3.connect(path)
    for name, in db.execute("SELECT name FROM sqlite_schema WHERE type = 'trigger'").fetchall():
        db.execute(f'DROP TRIGGER "{name}"')
    before = db.execute("SELECT srs_id FROM gpkg_geometry_columns WHERE table_name = ?", (layer,)).fetchone()[0]
    db.execute("UPDATE gpkg_spatial_ref_sys SET srs_id = ? WHERE srs_id = ?", (number, before))
    for table in ["gpkg_geometry_columns", "gpkg_contents"]:
        db.execute(f"UPDATE {table} SET srs_id = ? WHERE table_name = ?", (number, layer))
    for fid, blob in db.execute(f"SELECT fid, geom FROM {layer}").fetchall():
        db.execute(f"UPDATE {layer} SET geom = ? WHERE fid = ?", (blob[:4] + struct.pack("<i", number) + blob[8:], fid))
    db.commit()
    db.close()


@pytest.mark.parametrize("created", [True, False])
def test_no_two_systems_of_a_file_get_one_srid(g, created):
    path = g.own(files.write(g.dir / "two.gpkg", {
        "known": (27700, None, ["POINT (1 2)"]), "own": (OWN, None, ["POINT (1 2)"]), "other": (OWN.replace("45", "46"), None, ["POINT (1 2)"])}))
    renumbered(path, "known", 5)
    renumbered(path, "own", 27700)
    renumbered(path, "other", 4326000)
    if created:
        g.sql("CREATE EXTENSION postgis SCHEMA public")
    verified(g, path)
    types = {table: g.type_of(table, "geom") for table in ["known", "own", "other"]}
    assert types == {"known": "geometry(Geometry,27700)", "own": "geometry(Geometry,900000)", "other": "geometry(Geometry,900001)"}
    for layer, of in {"own": 27700, "other": 4326000}.items():
        definition = sqlite3.connect(path).execute("SELECT definition FROM gpkg_spatial_ref_sys WHERE srs_id = ?", (of,)).fetchone()[0]
        assert g.value(f"SELECT srtext FROM spatial_ref_sys JOIN {layer} ON srid = ST_SRID(geom)") == definition


def test_an_srid_that_another_takes_in_the_meantime(g):
    path = g.own(files.write(g.dir / "own.gpkg", {"own": (OWN, None, ["POINT (1 2)"])}))
    renumbered(path, "own", 32633)
    # PostGIS is still to be created when the plan is made, and gets a system under the number that the plan has chosen.
    g.sql("""CREATE FUNCTION public.first() RETURNS event_trigger LANGUAGE plpgsql AS $$BEGIN
        INSERT INTO public.spatial_ref_sys (srid, auth_name, auth_srid, srtext) VALUES (900000, 'X', 1, 'x'); END$$;
        CREATE EVENT TRIGGER first ON ddl_command_end WHEN TAG IN ('CREATE EXTENSION') EXECUTE FUNCTION public.first()""")
    with fails("40001", "SRID 900000 has become that of another system of coordinates"):
        g.sql(g.call("sqlite_import", path, {}))
    g.sql("DROP EVENT TRIGGER first; CREATE EXTENSION postgis SCHEMA public; INSERT INTO spatial_ref_sys (srid, auth_name, auth_srid, srtext) VALUES (900000, 'X', 1, 'x')")
    verified(g, path)
    assert g.type_of("own", "geom") == "geometry(Geometry,900001)"


@pytest.mark.parametrize("way", ["owner", "trigger", "rule"])
def test_nobody_elses_code_runs_where_a_system_is_added(g, way):
    g.sql("CREATE EXTENSION postgis SCHEMA public")
    g.role("mallory")
    g.sql({"owner": "ALTER TABLE spatial_ref_sys OWNER TO mallory",
           "trigger": "CREATE FUNCTION f() RETURNS trigger LANGUAGE plpgsql AS $$BEGIN RAISE 'here'; END$$; CREATE TRIGGER t BEFORE INSERT ON spatial_ref_sys FOR EACH ROW EXECUTE FUNCTION f()",
           "rule": "CREATE RULE r AS ON INSERT TO spatial_ref_sys DO ALSO SELECT 1 / 0"}[way])
    path = g.own(files.write(g.dir / "own.gpkg", {"own": (OWN, None, ["POINT (1 2)"])}))
    found = [f["message"] for f in g.findings(path) if f["object"].startswith("SRID")]
    assert len(found) == 1 and "may not add it" in found[0], found
    verified(g, path)
    assert g.value("SELECT count(*) FROM spatial_ref_sys WHERE srid = (SELECT ST_SRID(geom) FROM own)") == "0"


def test_rows_about_columns_that_are_not_there_or_named_twice(g):
    path = g.own(files.write(g.dir / "p.gpkg", points(2)))
    db = sqlite3.connect(path)
    db.executescript("""CREATE TABLE c AS SELECT * FROM gpkg_geometry_columns;
        DROP TABLE gpkg_geometry_columns; ALTER TABLE c RENAME TO gpkg_geometry_columns;
        INSERT INTO gpkg_geometry_columns SELECT 'P', 'GEOM', 'POLYGON', srs_id, z, m FROM gpkg_geometry_columns;
        INSERT INTO gpkg_geometry_columns SELECT 'none' || value, 'geom', 'POINT', 4326, 0, 0 FROM json_each('[' || substr(replace(hex(zeroblob(30000)), '00', ',1'), 2) || ']')""")
    db.close()
    verified(g, path)
    assert g.type_of("p", "geom") == "geometry(Point,4326)"


def test_who_may_not_add_a_system_is_told_what_its_owner_would_run(g):
    g.sql("CREATE EXTENSION postgis SCHEMA public")
    g.role("reader", "pg_read_server_files")
    own = "+proj=lcc +lat_1=40 +lat_2=50 +lat_0=45 +lon_0=7 +ellps=bessel +units=m +no_defs"
    path = g.own(files.write(g.dir / "own.gpkg", {"own": (own, None, ["POINT (1 2)"])}))
    found = [f for f in g.rows(g.call("sqlite_findings", path, {}), user="reader") if f["kind"] == "geometry" and f["severity"] == "warning"]
    assert len(found) == 1 and "may not add it" in found[0]["message"], found
    sql = found[0]["hint"].split("Have its owner run: ")[1].rstrip(".")
    g.sql(sql)
    assert not [f for f in g.rows(g.call("sqlite_findings", path, {}), user="reader") if f["kind"] == "geometry" and f["severity"] == "warning"]


def test_the_example_of_the_standard(g):
    path = g.copy_of(shared("data", "gpkg_example.db"))
    # One multi line string has an arc, which PostGIS takes in a multi curve only.
    with fails("22P02", 'value does not fit column "geometry" of table "non_linear_geometries"'):
        g.sql(g.call("sqlite_import", path, {}))
    finding = [f for f in g.findings(path) if f["severity"] == "blocking"]
    assert len(finding) == 1 and "1 value is no geometry of it" in finding[0]["message"], finding
    imported = verified(g, path, {"on_invalid": "reject"})
    assert imported["non_linear_geometries"]["rejected"] == 1
    for table in ["point1", "point2", "line1", "line2", "polygon1", "polygon2", "geometry1", "geometry2"]:
        assert len(same(g, path, table, "geometry", "id")) > 0
    found = postgis(g, "non_linear_geometries", "geometry", "id")
    assert found == files.read(path, "non_linear_geometries", sorted(found))[0] and len(found) == 6
    # GDAL does not read it either.
    with pytest.raises(RuntimeError):
        files.read(path, "non_linear_geometries", [4])


def points(n=1):
    """A GeoPackage with a column of points, which a test then breaks."""
    return {"p": (4326, 1, [f"POINT ({i} {i})" for i in range(n)])}


def test_broken_blobs_are_misfits_with_a_reason(g):
    path = g.own(files.write(g.dir / "broken.gpkg", points(5)))
    db = sqlite3.connect(path)
    for name, in db.execute("SELECT name FROM sqlite_schema WHERE type = 'trigger'").fetchall():
        db.execute(f'DROP TRIGGER "{name}"')
    db.execute("UPDATE p SET geom = substr(geom, 1, length(geom) - 1) WHERE fid = 1")
    db.execute("UPDATE p SET geom = 'POINT (1 2)' WHERE fid = 2")
    db.execute("UPDATE p SET geom = CAST(substr(geom, 1, 4) || x'11270000' || substr(geom, 9) AS BLOB) WHERE fid = 3")
    db.commit()
    db.close()
    blocking = [f["message"] for f in g.findings(path) if f["severity"] == "blocking"]
    assert blocking == ["not every stored value fits public.geometry(Point,4326): 3 values are no geometries of it (the geometry ends too early)"]
    with fails("22P02", 'value does not fit column "geom" of table "p"') as failure:
        g.sql(g.call("sqlite_import", path, {}))
    assert "the geometry ends too early" in failure.result.error.detail
    imported = verified(g, path, {"on_invalid": "reject"})
    assert (imported["p"]["imported"], imported["p"]["rejected"]) == (2, 3)
    reasons = g.rows("SELECT rowid, error FROM sqlite_migrate.reject ORDER BY rowid")
    assert ["ends too early" in reasons[0]["error"], "a text is no geometry" in reasons[1]["error"], "another SRID" in reasons[2]["error"]] == [True] * 3, reasons
    nulled = verified(g, path, {"schema": "nulled", "on_invalid": "null"})
    assert nulled["p"]["imported"] == 5 and g.value("SELECT count(geom) FROM nulled.p") == "2"


def test_invalid_geometries_are_kept(g):
    ring = struct.pack("<II8d", 1, 4, 0, 0, 1, 0, 1, 1, 0.5, 0.5)
    open_ring = b"GP\0\1" + struct.pack("<i", 4326) + b"\1" + struct.pack("<I", 3) + ring
    nan = b"GP\0\1" + struct.pack("<i", 4326) + b"\1" + struct.pack("<I", 2) + struct.pack("<I4d", 2, 1, float("nan"), 3, 4)
    path = g.own(files.write(g.dir / "invalid.gpkg", {"s": (4326, None, ["POINT (1 1)"])}))
    db = sqlite3.connect(path)
    for name, in db.execute("SELECT name FROM sqlite_schema WHERE type = 'trigger'").fetchall():
        db.execute(f'DROP TRIGGER "{name}"')
    db.executemany("INSERT INTO s (geom) VALUES (?)", [(open_ring,), (nan,)])
    db.commit()
    db.close()
    said = [f["message"] for f in g.findings(path) if f["object"] == "s.geom"]
    assert said == ["1 geometry with a ring that is open, 1 geometry with a coordinate that is NaN or infinite, kept as stored: ST_IsValid() is false of such"]
    verified(g, path)
    assert postgis(g, "s")[2] == open_ring[8:].hex() and postgis(g, "s")[3] == nan[8:].hex()


def test_tables_that_are_there_and_new_ones_by_both_ways_of_loading(g):
    path = g.own(files.write(g.dir / "p.gpkg", points(3)))
    for loader in ["auto", "rows"]:
        g.sql(f"CREATE SCHEMA IF NOT EXISTS app; CREATE EXTENSION IF NOT EXISTS postgis SCHEMA public; DROP TABLE IF EXISTS app.p; "
              "CREATE TABLE app.p (fid bigint PRIMARY KEY, geom public.geometry(Point, 4326) NOT NULL, name text); CREATE INDEX ON app.p USING gist (geom)")
        verified(g, path, {"schema": "app", "create": "never", "loader": loader})
        shapes, _ = files.read(path, "p")
        assert postgis(g, "app.p") == shapes
        assert g.value("SELECT count(*) FROM app.p WHERE geom && ST_MakeEnvelope(0, 0, 1, 1, 4326)") == "2"
        fresh = f"new_{loader}"
        verified(g, path, {"schema": fresh, "loader": loader})
        assert postgis(g, f"{fresh}.p") == shapes


def test_the_plan_is_its_own_fixed_point(g):
    path = g.own(files.write(g.dir / "p.gpkg", points(2)))
    plan = g.plan(path)
    assert plan["tables"]["p"]["columns"]["geom"]["type"] == "public.geometry(Point,4326)"
    assert plan["tables"]["p"]["columns"]["geom"]["format"] == "geopackage"
    assert g.plan(path, plan) == plan
    verified(g, path, plan)
    assert g.plan(path, {"existing_rows": "append"})["tables"]["p"]["columns"]["geom"]["type"] == "public.geometry(Point,4326)"


def test_the_metadata_where_it_is_asked_for(g):
    path = g.own(files.write(g.dir / "p.gpkg", points(2)))
    left = [f for f in g.findings(path) if f["kind"] == "geometry"]
    assert len(left) == 1 and left[0]["fix"] == {"geopackage": {"metadata": True}}, left
    imported = g.import_(path, {"schema": "all", "geopackage": {"metadata": True}})
    assert imported["gpkg_contents"]["imported"] == 1 and imported["gpkg_geometry_columns"]["imported"] == 1
    assert "gpkg_contents" not in g.import_(path)


def test_a_type_of_the_plan_and_of_another_system(g):
    path = g.own(files.write(g.dir / "none.gpkg", {"p": (None, 1, ["POINT (1 2)"])}))
    g.import_(path, {"tables": {"p": {"columns": {"geom": {"type": "geometry(Point, 27700)"}}}}, "verify": "values"})
    assert g.type_of("p", "geom") == "geometry(Point,27700)"
    assert g.value("SELECT ST_SRID(geom) FROM p") == "27700"
    bytea = g.import_(path, {"schema": "raw", "tables": {"p": {"columns": {"geom": {"type": "bytea"}}}}, "verify": "values"})
    assert bytea["p"]["imported"] == 1


def test_a_foreign_column_shows_geometries_and_takes_none(g):
    path = g.own(files.write(g.dir / "p.gpkg", points(2)))
    g.sql(f"""CREATE EXTENSION postgis SCHEMA public; CREATE SERVER s FOREIGN DATA WRAPPER pg_sqlite_fdw OPTIONS (database {quote(str(path))}, updatable 'true');
        CREATE FOREIGN TABLE f (fid bigint OPTIONS (key 'true'), geom geometry(Point, 4326) OPTIONS (format 'geopackage')) SERVER s OPTIONS ("table" 'p');
        IMPORT FOREIGN SCHEMA main LIMIT TO (p, gpkg_contents) FROM SERVER s INTO public""")
    assert g.value("SELECT string_agg(ST_AsEWKT(geom), ' ' ORDER BY fid) FROM f WHERE geom && ST_MakeEnvelope(0, 0, 5, 5, 4326)") == "SRID=4326;POINT(0 0) SRID=4326;POINT(1 1)"
    assert g.value("SELECT count(*) FROM f WHERE geom = ST_Point(1, 1, 4326)") == "1"
    result = g.attempt("UPDATE f SET geom = ST_Point(5, 5, 4326)")
    result.failed("0A000", 'value cannot be stored in column "geom" of table "p"')
    assert 'geometries are not written by format "geopackage"' in result.error.detail
    # Imported, foreign tables have the blobs.
    assert g.type_of("p", "geom") == "bytea" and g.value("SELECT get_byte(geom, 0) FROM p LIMIT 1") == "71"
    assert g.value("SELECT count(*) FROM gpkg_contents") == "1"


def test_an_extension_in_a_schema_of_its_own(g):
    g.sql("CREATE SCHEMA gis; CREATE EXTENSION postgis SCHEMA gis")
    own = "+proj=lcc +lat_1=40 +lat_2=50 +lat_0=45 +lon_0=7 +ellps=bessel +units=m +no_defs"
    path = g.own(files.write(g.dir / "p.gpkg", {**points(2), "own": (own, None, ["POINT (1 2)"])}))
    verified(g, path)
    assert g.value("SELECT string_agg(gis.ST_AsText(geom), ' ' ORDER BY fid) FROM p") == "POINT(0 0) POINT(1 1)"
    assert g.value("SELECT count(*) FROM gis.spatial_ref_sys WHERE auth_name = 'NONE'") == "1"


def test_a_type_that_the_plan_names_creates_the_extension(g):
    path = g.file("wkb.db", "CREATE TABLE places (id INTEGER PRIMARY KEY, shape BLOB); INSERT INTO places VALUES (1, x'0101000000000000000000F03F0000000000000040')")
    plan = {"tables": {"places": {"columns": {"shape": {"type": "geometry(Point, 4326)", "format": "wkb"}}}}}
    verified(g, path, plan)
    assert g.value("SELECT ST_AsEWKT(shape) FROM places") == "SRID=4326;POINT(1 2)"


def test_a_geometry_that_was_changed_is_found(g):
    path = g.own(files.write(g.dir / "p.gpkg", points(3)))
    verified(g, path)
    manifest = g.value(f"SELECT sqlite_manifest({quote(str(path))})")
    assert g.value(f"SELECT count(*) FROM verify_manifest({quote(manifest)}) WHERE NOT ok") == "0"
    # The last bit of one coordinate.
    g.sql("UPDATE p SET geom = ST_SetSRID(ST_MakePoint(2.0000000000000004, 2), 4326) WHERE fid = 3")
    found = [row for row in g.rows("SELECT * FROM verify_values()") if row["verdict"] not in ("equal", "normalised")]
    assert [row["column"] for row in found] == ["geom"], found
    assert g.value(f"SELECT count(*) > 0 FROM verify_manifest({quote(manifest)}) WHERE NOT ok") == "t"


BOW = "POLYGON ((0 0,2 2,2 0,0 2,0 0))"


def test_what_postgis_calls_invalid_is_counted_after_the_load(g):
    solid = "POLYHEDRALSURFACE Z (((0 0 0,0 1 0,1 1 0,0 0 0)))"
    path = g.own(files.write(g.dir / "invalid.gpkg", {
        "s": (4326, None, ["POINT (1 1)", BOW, None, "POLYGON ((0 0,1 0,1 1,0 0))", solid, "GEOMETRYCOLLECTION (POINT (1 1))"]), "sound": (4326, None, ["POINT (1 1)"])}))
    said = "ST_IsValid() is false of 1 of the 4 geometries that were looked at, kept as stored (Self-intersection[1 1])"
    with g.server.session(g.database) as session:
        result = session.run("SET client_min_messages = notice; " + g.call("sqlite_import", path, {}))
        assert "imported 2 tables" in result.told and "Self-intersection at or near" not in result.told
    assert g.value("SELECT message FROM sqlite_migrate.finding WHERE object = 's.geom' AND message LIKE 'ST_IsValid%'") == said
    assert said in g.value("SELECT detail FROM sqlite_migrate.run_table WHERE target_table = 's'")
    assert g.value("SELECT count(*) FROM sqlite_migrate.finding WHERE message LIKE 'ST_IsValid%'") == "1"
    assert g.value("SELECT ST_AsText(geom) FROM s WHERE fid = 2") == "POLYGON((0 0,2 2,2 0,0 2,0 0))"
    g.import_(path, {"schema": "unasked", "verify": "none"})
    assert g.value("SELECT count(*) FROM sqlite_migrate.finding WHERE message LIKE 'ST_IsValid%'") == "1"


def test_what_postgis_cannot_judge_fails_no_import(g):
    """A collection with a net of triangles has no form in GEOS."""
    ogr, _ = files.gdal()
    net = "GEOMETRYCOLLECTION Z (TIN Z (((0 0 0,0 1 0,1 1 0,0 0 0))))"
    path = g.own(files.write(g.dir / "net.gpkg", {"s": (4326, None, [net, BOW])}))
    assert g.import_(path)["s"]["imported"] == 2


def test_a_foreign_table_reads_geometries_and_refuses_to_write_them(g):
    path = g.own(files.write(g.dir / "p.gpkg", points(1)), 0o666)
    db = sqlite3.connect(path)
    for name, in db.execute("SELECT name FROM sqlite_schema WHERE type = 'trigger'").fetchall():
        db.execute(f'DROP TRIGGER "{name}"')
    db.commit()
    db.close()
    g.sql(f"""CREATE EXTENSION postgis SCHEMA public; CREATE SERVER gpkg FOREIGN DATA WRAPPER pg_sqlite_fdw OPTIONS (database {quote(str(path))}, updatable 'true');
        CREATE FOREIGN TABLE p (fid bigint OPTIONS (key 'true'), geom geometry(Point, 4326) OPTIONS (format 'geopackage'), name text) SERVER gpkg OPTIONS (table 'p')""")
    assert g.value("SELECT ST_AsEWKT(geom) FROM p") == "SRID=4326;POINT(0 0)"
    result = g.attempt("UPDATE p SET geom = ST_Point(1, 2, 4326)")
    assert result.error and result.message == 'value cannot be stored in column "geom" of table "p"', result.error
    assert result.detail == 'geometries are not written by format "geopackage".'
    # The other columns can be written.
    g.sql("UPDATE p SET name = 'z'")
    assert g.value("SELECT name || ST_AsText(geom) FROM p") == "zPOINT(0 0)"
