"""SpatiaLite's files, and those of OGR's plain SQLite driver: every geometry is the one that GDAL or SpatiaLite reads."""

import sqlite3

import pytest

import spatial_files as files


@pytest.fixture
def g(t):
    t.needs("postgis")
    return t


def verified(t, path, plan=None):
    imported = t.import_(path, {**(plan or {}), "verify": "values"})
    found = t.rows("SELECT * FROM verify_values()")
    assert found and {row["verdict"] for row in found} <= {"equal", "normalised"}, found
    return imported


def postgis(t, table, key="id"):
    rows = t.rows(f"SELECT {key} AS id, encode(ST_AsBinary(geom, 'NDR'), 'hex') AS wkb FROM {table}")
    return {row["id"]: row["wkb"] for row in rows}


def made(t, kinds=files.KINDS, dimensions=("XY", "XYZ", "XYM", "XYZM")):
    """A column of each kind in each dimension, with an R*Tree; the file's connection, which has SpatiaLite's functions."""
    ogr, _ = files.gdal()
    script, inserts = [], []
    for name in dimensions:
        z, m = "Z" in name, "M" in name
        for kind, wkt in kinds.items():
            if kind == "GeometryCollection":
                # SpatiaLite has no collections in collections.
                wkt = "GEOMETRYCOLLECTION (POINT (1 2),LINESTRING (0 0,1 1))"
            table = f"{kind}_{name}".lower()
            script += [f"CREATE TABLE {table} (id INTEGER PRIMARY KEY, name TEXT)",
                       f"SELECT AddGeometryColumn('{table}', 'geom', 4326, '{kind.upper()}', '{name}')",
                       f"SELECT CreateSpatialIndex('{table}', 'geom')"]
            wkb = files.with_dimensions(ogr, wkt, z, m).ExportToIsoWkb(ogr.wkbNDR)
            inserts.append((table, bytes(wkb)))
    path = t.dir / "s.sqlite"
    db = files.spatialite(path, ";".join(script))
    for table, wkb in inserts:
        db.execute(f"INSERT INTO {table} (name, geom) VALUES ('a', GeomFromWKB(?, 4326)), ('none', NULL)", [wkb])
    db.commit()
    return t.own(path), db, inserts


def test_every_kind_in_every_dimension(g):
    path, db, inserts = made(g)
    verified(g, path)
    for table, wkb in inserts:
        assert postgis(g, table) == {1: wkb.hex(), 2: None}, table
    assert g.type_of("multipolygon_xyzm", "geom") == "geometry(MultiPolygonZM,4326)"
    assert g.type_of("point_xym", "geom") == "geometry(PointM,4326)"
    indexes = g.value("SELECT count(*) FROM pg_indexes WHERE indexdef LIKE '%USING gist (geom)%'")
    assert indexes == str(len(inserts))
    tables = set(g.value("SELECT string_agg(tablename, ' ') FROM pg_tables WHERE schemaname = 'public'").split()) - {"spatial_ref_sys"}
    assert tables == {table for table, _ in inserts}
    warnings = [f for f in g.findings(path, {"schema": "other"}) if f["severity"] != "info"]
    assert warnings == []


def test_compressed_lines_and_polygons(g):
    path, db, _ = made(g, {kind: files.KINDS[kind] for kind in ["LineString", "Polygon", "MultiPolygon", "GeometryCollection"]})
    expected = {}
    for dimension in ["xy", "xyz", "xym", "xyzm"]:
        for kind in ["linestring", "polygon", "multipolygon", "geometrycollection"]:
            table = f"{kind}_{dimension}"
            db.execute(f"UPDATE {table} SET geom = CompressGeometry(geom) WHERE id = 1")
            plain = db.execute(f"SELECT hex(ST_AsBinary(UncompressGeometry(geom))), hex(geom) FROM {table} WHERE id = 1").fetchone()
            assert kind == "multipolygon" or "0F4" in bytes.fromhex(plain[1])[::-1].hex().upper(), table
            expected[table] = plain[0].lower()
    db.commit()
    verified(g, path)
    for table, wkb in expected.items():
        assert postgis(g, table)[1] == wkb, table


def test_short_points(g):
    path, db, _ = made(g, {"Point": files.KINDS["Point"]})
    db.execute("SELECT EnableTinyPoint()")
    for dimension, wkt in [("xy", "POINT(7 8)"), ("xyz", "POINTZ(7 8 9)"), ("xym", "POINTM(7 8 9)"), ("xyzm", "POINTZM(7 8 9 10)")]:
        db.execute(f"INSERT INTO point_{dimension} (id, geom) VALUES (3, GeomFromText('{wkt}', 4326))")
    sizes = [db.execute(f"SELECT length(geom) FROM point_{dimension} WHERE id = 3").fetchone()[0] for dimension in ["xy", "xyz", "xym", "xyzm"]]
    assert sizes == [24, 32, 32, 40]
    db.commit()
    verified(g, path)
    for dimension, text in [("xy", "POINT(7 8)"), ("xyz", "POINT Z (7 8 9)"), ("xym", "POINT M (7 8 9)"), ("xyzm", "POINT ZM (7 8 9 10)")]:
        assert g.value(f"SELECT ST_AsText(geom) FROM point_{dimension} WHERE id = 3") == text


def test_a_file_of_an_old_version(g):
    path = g.dir / "old.sqlite"
    db = files.spatialite(path, "")
    blob = db.execute("SELECT GeomFromText('POLYGON((0 0, 1 0, 1 1, 0 0))', 3003)").fetchone()[0]
    db.close()
    path.unlink()
    # As spatialite 2.3 has it: names of kinds, letters of dimensions.
    db = sqlite3.connect(path)
    db.executescript("""
        CREATE TABLE spatial_ref_sys (srid INTEGER NOT NULL PRIMARY KEY, auth_name VARCHAR(256) NOT NULL, auth_srid INTEGER NOT NULL,
            ref_sys_name VARCHAR(256), proj4text VARCHAR(2048) NOT NULL);
        CREATE TABLE geometry_columns (f_table_name VARCHAR(256) NOT NULL, f_geometry_column VARCHAR(256) NOT NULL, type VARCHAR(30) NOT NULL,
            coord_dimension VARCHAR(5) NOT NULL, srid INTEGER, spatial_index_enabled INTEGER NOT NULL);
        INSERT INTO spatial_ref_sys VALUES (3003, 'epsg', 3003, 'Monte Mario / Italy zone 1', '+proj=tmerc');
        INSERT INTO geometry_columns VALUES ('Regions', 'Geometry', 'POLYGON', 'XY', 3003, 1);
        CREATE TABLE Regions (PK_UID INTEGER PRIMARY KEY AUTOINCREMENT, name TEXT, Geometry BLOB);
        CREATE VIRTUAL TABLE idx_Regions_Geometry USING rtree(pkid, xmin, xmax, ymin, ymax)""")
    db.execute("INSERT INTO Regions VALUES (1, 'a', ?)", [blob])
    db.commit()
    db.close()
    verified(g, g.own(path), {"names": "snake_case"})
    assert g.type_of("regions", "geometry") == "geometry(Polygon,3003)"
    assert g.value("SELECT ST_AsEWKT(geometry) FROM regions") == "SRID=3003;POLYGON((0 0,1 0,1 1,0 0))"
    assert g.value("SELECT count(*) FROM pg_indexes WHERE indexdef LIKE '%USING gist (geometry)%'") == "1"


def test_what_ogr_writes_without_spatialite(g):
    ogr, _ = files.gdal()
    path = g.own(files.write(g.dir / "plain.sqlite", {"roads": (4326, ogr.wkbLineString25D, ["LINESTRING (1 2 3,4 5 6)", None])}, "SQLite"))
    verified(g, path)
    assert g.type_of("roads", "GEOMETRY") == "geometry(LineStringZ,4326)"
    shapes, _ = files.read(path, "roads")
    rows = g.rows("SELECT ogc_fid AS id, encode(ST_AsBinary(\"GEOMETRY\", 'NDR'), 'hex') AS wkb FROM roads")
    assert {row["id"]: row["wkb"] for row in rows} == shapes


def test_what_ogr_writes_with_spatialite(g):
    ogr, _ = files.gdal()
    path = g.own(files.write(g.dir / "ogr.sqlite", {"lakes": (2056, ogr.wkbMultiPolygon, [files.KINDS["MultiPolygon"], None])}, "SQLite", ["SPATIALITE=YES"]))
    verified(g, path)
    assert g.type_of("lakes", "GEOMETRY") == "geometry(MultiPolygon,2056)"
    shapes, _ = files.read(path, "lakes")
    rows = g.rows("SELECT ogc_fid AS id, encode(ST_AsBinary(\"GEOMETRY\", 'NDR'), 'hex') AS wkb FROM lakes")
    assert {row["id"]: row["wkb"] for row in rows} == shapes


def texts(t, layers):
    """Layers that OGR writes as texts."""
    ogr, osr = files.gdal()
    path = t.dir / "texts.sqlite"
    source = ogr.GetDriverByName("SQLite").CreateDataSource(str(path))
    for name, (kind, geometries) in layers.items():
        layer = source.CreateLayer(name, files.system(osr, 4326), kind, ["FORMAT=WKT"])
        for wkt in geometries:
            feature = ogr.Feature(layer.GetLayerDefn())
            if wkt:
                feature.SetGeometry(ogr.CreateGeometryFromWkt(wkt))
            layer.CreateFeature(feature)
    del layer, source
    return t.own(path)


def test_the_texts_of_ogr(g):
    ogr, _ = files.gdal()
    path = texts(g, {"roads": (ogr.wkbLineString25D, ["LINESTRING Z (1 2 3,4 5.1 6)", None]),
                     "kinds": (ogr.wkbUnknown, [*files.KINDS.values(), *files.CURVES.values(), *files.EMPTY])})
    verified(g, path)
    assert (g.type_of("roads", "WKT_GEOMETRY"), g.type_of("kinds", "WKT_GEOMETRY")) == ("geometry(LineStringZ,4326)", "geometry(Geometry,4326)")
    for table in ("roads", "kinds"):
        # OGR's own reading of its texts, and PostGIS's.
        shapes, _ = files.read(path, table)
        found = g.rows(f"SELECT ogc_fid AS id, encode(ST_AsBinary(\"WKT_GEOMETRY\", 'NDR'), 'hex') AS wkb FROM {table}")
        assert {row["id"]: row["wkb"] for row in found} == shapes
        for fid, text in sqlite3.connect(path).execute(f"SELECT ogc_fid, WKT_GEOMETRY FROM {table} WHERE WKT_GEOMETRY IS NOT NULL"):
            assert g.value(f"SELECT \"WKT_GEOMETRY\" = ST_GeomFromText('{text}', 4326) AND ST_AsEWKB(\"WKT_GEOMETRY\") = ST_AsEWKB(ST_GeomFromText('{text}', 4326)) FROM {table} WHERE ogc_fid = {fid}") == "t", text


def test_a_text_that_is_no_geometry(g):
    ogr, _ = files.gdal()
    path = texts(g, {"roads": (ogr.wkbLineString, ["LINESTRING (1 2,4 5)", "LINESTRING (1 2,4 5)"])})
    db = sqlite3.connect(path)
    db.execute("UPDATE roads SET WKT_GEOMETRY = 'LINESTRING (1 2,4' WHERE ogc_fid = 1")
    db.commit()
    db.close()
    (said,) = [f for f in g.findings(path) if f["severity"] == "blocking"]
    assert "1 value is no geometry of it (the text is no well-known text of a geometry)" in said["message"], said
    assert verified(g, path, {"on_invalid": "reject"})["roads"]["rejected"] == 1
    g.import_(path, {"schema": "fixed", **said["fix"]})
    assert g.type_of("roads", "WKT_GEOMETRY", "fixed") == "text"
    g.import_(path, {"schema": "raw", "tables": {"roads": {"columns": {"WKT_GEOMETRY": {"type": "text"}}}}, "verify": "values"})
    assert g.value('SELECT "WKT_GEOMETRY" FROM raw.roads WHERE ogc_fid = 1') == "LINESTRING (1 2,4"
