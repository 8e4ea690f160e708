"""Geometries do not depend on the database's encoding, the session's settings, where PostGIS is, or who imports."""

import struct

import pytest

import spatial_files as files
from harness import quote

OWN = "+proj=lcc +lat_1=40 +lat_2=50 +lat_0=45 +lon_0=7 +ellps=bessel +units=m +no_defs"
ODD = "LINESTRING (0.1 1e-300,179.99999999999997 -0.0)"
SETTINGS = "SET standard_conforming_strings = off; SET bytea_output = escape; SET extra_float_digits = 0; SET search_path = pg_catalog"


@pytest.fixture
def g(t):
    t.needs("postgis")
    return t


def made(t):
    """A GeoPackage, and OGR's plain SQLite with texts."""
    ogr, osr = files.gdal()
    packed = t.own(files.write(t.dir / "all.gpkg", {"strasse": (4326, None, [ODD, files.CURVES["CurvePolygon"], None, "POINT EMPTY"]), "own": (OWN, None, ["POINT (1 2)"])}))
    source = ogr.GetDriverByName("SQLite").CreateDataSource(str(t.dir / "texts.sqlite"))
    layer = source.CreateLayer("texts", files.system(osr, 4326), ogr.wkbUnknown, ["FORMAT=WKT"])
    feature = ogr.Feature(layer.GetLayerDefn())
    feature.SetGeometry(ogr.CreateGeometryFromWkt("LINESTRING (0.5 1e-3,2 3)"))
    layer.CreateFeature(feature)
    del feature, layer, source
    return packed, t.own(t.dir / "texts.sqlite")


def same(t, run, paths, postgis="public"):
    """Imports both, and compares with what GDAL reads."""
    plan = '{"verify": "values", "schema": "loaded"}'
    for path in paths:
        run(f"{SETTINGS}; SELECT public.sqlite_import({quote(str(path))}, {quote(plan)})")
    for path, table, key, column in [(paths[0], "strasse", "fid", "geom"), (paths[0], "own", "fid", "geom"), (paths[1], "texts", "ogc_fid", '"WKT_GEOMETRY"')]:
        shapes, _ = files.read(path, table)
        rows = run(f"SELECT {key}, encode({postgis}.ST_AsBinary({column}, 'NDR'), 'hex') FROM loaded.{table} ORDER BY 1").rows
        assert {int(fid): wkb for fid, wkb in rows} == shapes
    verdicts = run("SELECT DISTINCT verdict FROM public.verify_values()").rows
    assert {verdict for (verdict,) in verdicts} <= {"equal", "normalised"}


@pytest.mark.parametrize("encoding", ["UTF8", "LATIN1", "SQL_ASCII"])
def test_in_a_database_of_another_encoding(g, encoding):
    name = g.other_database(f"geo_{encoding.lower()}", f"ENCODING '{encoding}' LC_COLLATE 'C' LC_CTYPE 'C' TEMPLATE template0")
    same(g, lambda sql: g.server.run(name, f"SET client_encoding = 'UTF8'; {sql}"), made(g))


def test_postgis_in_a_schema_that_is_not_searched(g):
    g.sql("""CREATE SCHEMA "Gis!"; CREATE EXTENSION postgis SCHEMA "Gis!" """)
    same(g, lambda sql: g.server.run(g.database, sql), made(g), postgis='"Gis!"')
    assert g.value("SELECT count(*) FROM pg_indexes WHERE schemaname = 'loaded' AND indexdef LIKE '%gist%'") == "2"
    # The system of the file's own is known there.
    assert g.value("""SELECT count(*) FROM "Gis!".spatial_ref_sys WHERE srid = (SELECT "Gis!".ST_SRID(geom) FROM loaded.own)""") == "1"


def test_somebody_who_may_not_add_systems(g):
    g.sql("CREATE SCHEMA gis; CREATE EXTENSION postgis SCHEMA gis; GRANT USAGE ON SCHEMA gis TO public")
    role = g.role("surveyor", "pg_read_server_files", f"CREATE ON DATABASE {g.database}")
    paths = made(g)
    said = [f["message"] for f in g.rows(g.call("sqlite_findings", paths[0], {"schema": "loaded"}), user=role) if f["object"].startswith("SRID")]
    assert len(said) == 1 and "may not add it" in said[0], said
    same(g, lambda sql: g.server.run(g.database, sql, role), paths, postgis="gis")
    assert g.value("SELECT count(*) FROM gis.spatial_ref_sys WHERE srid = (SELECT gis.ST_SRID(geom) FROM loaded.own)") == "0"
    # What is counted afterwards is counted for him as well.
    bow = g.own(files.write(g.dir / "bow.gpkg", {"bow": (4326, None, ["POLYGON ((0 0,2 2,2 0,0 2,0 0))"])}))
    result = g.rows(g.call("sqlite_import", bow, {"schema": "loaded"}), user=role)
    assert "ST_IsValid() is false of 1 of the 1 geometry" in result[0]["detail"], result
