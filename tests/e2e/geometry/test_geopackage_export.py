"""A GeoPackage of PostGIS's tables: GDAL reads what PostGIS has, finds no fault, and keeps the R*Trees up to date."""

import shutil
import sqlite3
import subprocess

import pytest

import spatial_files as files
from exports import cells, export, findings, opened


@pytest.fixture
def g(t):
    t.needs("postgis")
    t.sql("CREATE EXTENSION postgis SCHEMA public")
    return t


def ogrinfo(path):
    if not shutil.which("ogrinfo"):
        pytest.skip("ogrinfo is not there (scripts/geometry.sh installs it)")
    run = subprocess.run(["ogrinfo", "-al", "-so", str(path)], capture_output=True, text=True, check=True)
    assert "Warning" not in run.stderr and "ERROR" not in run.stderr, run.stderr
    return run.stdout


def shapes_of(g, table, key="id"):
    rows = g.rows(f"SELECT {key} AS id, encode(ST_AsBinary(geom, 'NDR'), 'hex') AS wkb FROM {table}")
    return {row["id"]: row["wkb"] for row in rows}


def test_every_kind_goes_out_and_comes_back(g):
    for kind, wkt in {**files.KINDS, **files.CURVES}.items():
        for suffix, force in {"": "Force2D", "Z": "Force3DZ", "M": "Force3DM", "ZM": "Force4D"}.items():
            table = f"{kind}{suffix}".lower()
            g.sql(f"CREATE TABLE {table} (id int PRIMARY KEY, geom geometry({kind}{suffix}, 4326), note text);"
                  f"INSERT INTO {table} VALUES (1, ST_{force}(ST_GeomFromText('{wkt}', 4326)), 'a'), (2, NULL, 'b'), (5, ST_{force}(ST_GeomFromText('{kind} EMPTY', 4326)), 'c')")
    g.sql("CREATE TABLE plain (id int PRIMARY KEY, note text); INSERT INTO plain VALUES (1, 'x')")
    path, rows = export(g, "out.gpkg", {"geopackage": True, "exclude": ["spatial_ref_sys"]})
    told = ogrinfo(path)
    assert 'ID["EPSG",4326]' in told
    _, osr = files.gdal()
    for kind in [*files.KINDS, *files.CURVES]:
        for suffix in ["", "Z", "M", "ZM"]:
            table = f"{kind}{suffix}".lower()
            shapes, code = files.read(path, table)
            assert code == "4326" and shapes == shapes_of(g, table), table
    assert cells(path, "PRAGMA application_id") == [(0x47504B47,)]
    assert cells(path, "SELECT data_type FROM gpkg_contents WHERE table_name = 'plain'") == [("attributes",)]
    assert cells(path, "SELECT geometry_type_name, z, m FROM gpkg_geometry_columns WHERE table_name = 'multipolygonzm'") == [("MULTIPOLYGON", 1, 1)]
    assert cells(path, "SELECT * FROM rtree_point_geom") == [(1, 1.0, 1.0, 2.0, 2.0)]
    # The arc's top is beyond its points.
    assert cells(path, "SELECT maxx, maxy FROM rtree_circularstring_geom") == [(2.0, 1.0)]
    # And in again.
    g.import_(path, {"schema": "again", "verify": "values"})
    for kind in [*files.KINDS, *files.CURVES]:
        table = f"{kind}zm".lower()
        assert shapes_of(g, f"again.{table}") == shapes_of(g, table)
        assert g.type_of(table, "geom", "again") == g.type_of(table, "geom")


def test_gdal_writes_to_it(g):
    g.sql("CREATE TABLE p (id int PRIMARY KEY, geom geometry(Point, 2056)); INSERT INTO p VALUES (1, ST_Point(10, 20, 2056)), (2, ST_Point(11, 21, 2056))")
    path, _ = export(g, "out.gpkg", {"geopackage": True, "exclude": ["spatial_ref_sys"]})
    ogr, _ = files.gdal()
    source = ogr.Open(str(path), 1)
    layer = source.GetLayerByName("p")
    assert layer.GetExtent() == (10.0, 11.0, 20.0, 21.0)
    feature = ogr.Feature(layer.GetLayerDefn())
    feature.SetGeometry(ogr.CreateGeometryFromWkt("POINT (500 600)"))
    layer.CreateFeature(feature)
    layer.DeleteFeature(1)
    moved = layer.GetFeature(2)
    moved.SetGeometry(ogr.CreateGeometryFromWkt("POINT (-5 -6)"))
    layer.SetFeature(moved)
    layer.SetSpatialFilterRect(499, 599, 501, 601)
    assert [f.GetFID() for f in layer] == [3]
    del layer, source
    with opened(path) as db:
        assert db.execute("SELECT id, minx, maxy FROM rtree_p_geom ORDER BY id").fetchall() == [(2, -5.0, -6.0), (3, 500.0, 600.0)]


def test_a_column_of_any_srid(g):
    g.sql("CREATE TABLE a (id int PRIMARY KEY, geom geometry); INSERT INTO a VALUES (1, ST_Point(1, 2, 3857)), (2, ST_GeomFromText('LINESTRING Z (1 2 3, 4 5 6)', 3857));"
          "CREATE TABLE nokey (geom geometry(Point)); INSERT INTO nokey VALUES (ST_Point(1, 2))")
    path, rows = export(g, "out.gpkg", {"geopackage": True, "exclude": ["spatial_ref_sys"]})
    assert cells(path, "SELECT geometry_type_name, srs_id, z, m FROM gpkg_geometry_columns ORDER BY table_name") == [("GEOMETRY", 3857, 2, 2), ("POINT", 0, 0, 0)]
    assert "no R*Tree" in rows["nokey"]["detail"] and rows["a"]["detail"] is None
    shapes, code = files.read(path, "a")
    assert code == "3857" and shapes == shapes_of(g, "a")
    g.sql("INSERT INTO a VALUES (3, ST_Point(1, 2, 4326))")
    result = g.attempt("SELECT * FROM sqlite_export('%s', '{\"geopackage\": true, \"exclude\": [\"spatial_ref_sys\"]}')" % (g.dir / "no.gpkg"))
    result.failed("22000", 'table "a": the geometries of column "geom" have different SRIDs, and a layer of a GeoPackage has one')
    assert not (g.dir / "no.gpkg").exists()


def test_a_run_goes_back(g):
    path = g.own(files.write(g.dir / "in.gpkg", {"p": (2056, 1, ["POINT (1 2)", "POINT (3 4)"]), "own": ("+proj=lcc +lat_1=40 +lat_2=50 +lat_0=45 +lon_0=7 +ellps=bessel +units=m +no_defs", None, ["POINT (1 2)"])}))
    g.import_(path)
    run = int(g.value("SELECT max(id) FROM sqlite_migrate.run"))
    back, _ = export(g, "back.gpkg", {"geopackage": True}, run)
    ogrinfo(back)
    for layer in ["p", "own"]:
        assert files.read(back, layer)[0] == files.read(path, layer)[0]
    systems = "SELECT definition FROM gpkg_spatial_ref_sys JOIN gpkg_geometry_columns USING (srs_id) WHERE table_name = 'own'"
    assert cells(back, systems) == cells(path, systems)
    assert not [f for f in findings(g, {"geopackage": True}, run) if "not written" in f]


def test_a_second_column_and_a_name_of_its_own(g):
    g.sql("CREATE TABLE two (id int PRIMARY KEY, geom geometry(Point), other geometry(Point)); CREATE TABLE gpkg_contents (id int PRIMARY KEY)")
    said = findings(g, {"geopackage": True})
    assert any(f.startswith("two.other: a GeoPackage knows one column") for f in said), said
    assert any("gpkg_contents: the name is one of a GeoPackage's own tables" in f for f in said), said
    result = g.attempt("SELECT * FROM sqlite_export('%s', '{\"geopackage\": true}')" % (g.dir / "no.gpkg"))
    result.failed("55000", "gpkg_contents: the name is one of a GeoPackage's own tables")
