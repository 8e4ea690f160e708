"""Where PostGIS cannot be had, geometries are bytea with WKB, on any server; and a plan without them is as it was."""

import sqlite3
import struct

import pytest

from harness import shared


def file(t):
    """A GeoPackage by hand: GDAL need not be there."""
    path = t.file("g.gpkg", """
        PRAGMA application_id = 1196444487;
        CREATE TABLE gpkg_spatial_ref_sys (srs_name TEXT, srs_id INTEGER PRIMARY KEY, organization TEXT, organization_coordsys_id INTEGER, definition TEXT, description TEXT);
        CREATE TABLE gpkg_contents (table_name TEXT PRIMARY KEY, data_type TEXT, identifier TEXT, srs_id INTEGER);
        CREATE TABLE gpkg_geometry_columns (table_name TEXT, column_name TEXT, geometry_type_name TEXT, srs_id INTEGER, z TINYINT, m TINYINT);
        INSERT INTO gpkg_spatial_ref_sys VALUES ('WGS 84', 4326, 'EPSG', 4326, 'GEOGCS', NULL);
        INSERT INTO gpkg_contents VALUES ('p', 'features', 'p', 4326), ('notes', 'attributes', 'notes', 0);
        INSERT INTO gpkg_geometry_columns VALUES ('p', 'geom', 'POINT', 4326, 0, 0);
        CREATE TABLE p (fid INTEGER PRIMARY KEY, geom POINT);
        CREATE TABLE notes (id INTEGER PRIMARY KEY, note TEXT); INSERT INTO notes VALUES (1, 'a')""")
    db = sqlite3.connect(path)
    big = b"GP\0\0" + struct.pack(">i", 4326) + b"\0" + struct.pack(">Idd", 1, 1.5, -2.5)
    db.execute("INSERT INTO p VALUES (1, ?), (2, NULL)", [big])
    db.commit()
    db.close()
    return path


@pytest.fixture
def role(t):
    """Somebody who cannot create PostGIS, if it is there."""
    return t.role("walker", "pg_read_server_files", f"CREATE ON DATABASE {t.database}")


def test_bytea_holds_wkb(t, role):
    path = file(t)
    plan = {"schema": "own", "verify": "values"}
    found = [f for f in t.rows(t.call("sqlite_findings", path, plan), user=role) if f["kind"] == "geometry"]
    if "postgis" in t.server.features and t.value("SELECT trusted FROM pg_available_extension_versions WHERE name = 'postgis' LIMIT 1") == "t":
        pytest.skip("anybody may create PostGIS here")
    assert [f["severity"] for f in found] == ["warning", "info"], found
    assert 'ALTER TABLE "own"."p" ALTER COLUMN "geom" TYPE geometry USING ST_GeomFromWKB("geom", 4326)' in found[0]["hint"]
    t.rows(t.call("sqlite_import", path, plan), user=role)
    assert t.type_of("p", "geom", "own") == "bytea"
    assert t.value("SELECT encode(geom, 'hex') FROM own.p WHERE fid = 1") == "0101000000" + struct.pack("<dd", 1.5, -2.5).hex()
    assert t.value("SELECT string_agg(tablename, ' ' ORDER BY tablename) FROM pg_tables WHERE schemaname = 'own'") == "notes p"
    verdicts = t.rows("SELECT * FROM verify_values()", user=role)
    assert {row["verdict"] for row in verdicts} <= {"equal", "normalised"}, verdicts
    # One that is changed is found.
    t.sql("UPDATE own.p SET geom = set_byte(geom, 12, 1) WHERE fid = 1")
    assert {row["column"] for row in t.rows("SELECT * FROM verify_values()", user=role) if row["verdict"] not in ("equal", "normalised")} == {"geom"}


def test_the_advice_about_a_broken_blob_works(t, role):
    path = file(t)
    with sqlite3.connect(path) as db:
        db.execute("INSERT INTO p VALUES (3, x'4750')")
    db.close()
    plan = {"schema": "own"}
    found = [f for f in t.rows(t.call("sqlite_findings", path, plan), user=role) if f["severity"] == "blocking"]
    assert len(found) == 1 and "1 value is no geometry of it (the blob does not begin as a GeoPackage's geometry does)" in found[0]["message"], found
    t.rows(t.call("sqlite_import", path, t.merged(plan, found[0]["fix"])), user=role)
    t.rows(t.call("sqlite_import", path, {"schema": "raw", "tables": {"p": {"columns": {"geom": {"type": "bytea"}}}}}), user=role)
    assert t.value("SELECT encode(geom, 'hex') FROM raw.p WHERE fid = 3") == "4750"


def test_tiles_are_as_they_are(t):
    path = t.copy_of(shared("data", "mbtiles_plain_1.db"))
    t.import_(path, {"verify": "values"})
    assert t.type_of("tiles", "tile_data") == "bytea"


def test_texts_of_geometries_stay_texts(t, role):
    if "postgis" in t.server.features and t.value("SELECT trusted FROM pg_available_extension_versions WHERE name = 'postgis' LIMIT 1") == "t":
        pytest.skip("anybody may create PostGIS here")
    path = t.file("texts.sqlite", """
        CREATE TABLE geometry_columns (f_table_name VARCHAR, f_geometry_column VARCHAR, geometry_type INTEGER, coord_dimension INTEGER, srid INTEGER, geometry_format VARCHAR);
        CREATE TABLE spatial_ref_sys (srid INTEGER UNIQUE, auth_name TEXT, auth_srid TEXT, srtext TEXT);
        INSERT INTO geometry_columns VALUES ('roads', 'shape', 1, 2, 4326, 'WKT'); INSERT INTO spatial_ref_sys VALUES (4326, 'EPSG', '4326', 'GEOGCS');
        CREATE TABLE roads (id INTEGER PRIMARY KEY, shape VARCHAR); INSERT INTO roads VALUES (1, 'POINT (1 2)')""")
    plan = {"schema": "own", "verify": "values"}
    (found,) = [f for f in t.rows(t.call("sqlite_findings", path, plan), user=role) if f["object"] == "roads.shape"]
    assert "the geometries stay text" in found["message"] and 'USING ST_GeomFromText("shape", 4326)' in found["hint"], found
    t.rows(t.call("sqlite_import", path, plan), user=role)
    assert t.value("SELECT shape FROM own.roads") == "POINT (1 2)"
    if "postgis" in t.server.features:
        t.sql("CREATE EXTENSION postgis SCHEMA public")
        t.sql(found["hint"].split("Once PostGIS is there: ")[1])
        assert t.value("SELECT ST_AsEWKT(shape) FROM own.roads") == "SRID=4326;POINT(1 2)"
