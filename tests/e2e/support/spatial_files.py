"""Files with geometries as GDAL and SpatiaLite write them, and GDAL's own reading of them."""

import sqlite3

import pytest

# Every kind in two dimensions; the others are made of these.
KINDS = {
    "Point": "POINT (1 2)",
    "LineString": "LINESTRING (1 2,3 4.5,-0.1 1e-300)",
    "Polygon": "POLYGON ((0 0,10 0,10 10,0 10,0 0),(1 1,2 1,2 2,1 1))",
    "MultiPoint": "MULTIPOINT ((1 2),(3 4))",
    "MultiLineString": "MULTILINESTRING ((0 0,1 1),(2 2,3 3,4 4))",
    "MultiPolygon": "MULTIPOLYGON (((0 0,1 0,1 1,0 0)),((5 5,6 5,6 6,5 5)))",
    "GeometryCollection": "GEOMETRYCOLLECTION (POINT (1 2),LINESTRING (0 0,1 1),GEOMETRYCOLLECTION (POINT (3 4)))",
}
CURVES = {
    "CircularString": "CIRCULARSTRING (0 0,1 1,2 0)",
    "CompoundCurve": "COMPOUNDCURVE ((0 0,1 0),CIRCULARSTRING (1 0,2 1,3 0))",
    "CurvePolygon": "CURVEPOLYGON (CIRCULARSTRING (0 0,1 1,2 0,1 -1,0 0))",
    "MultiCurve": "MULTICURVE ((0 0,1 1),CIRCULARSTRING (0 0,1 1,2 0))",
    "MultiSurface": "MULTISURFACE (((0 0,1 0,1 1,0 0)),CURVEPOLYGON (CIRCULARSTRING (0 0,1 1,2 0,1 -1,0 0)))",
}
EMPTY = ["POINT EMPTY", "LINESTRING EMPTY", "POLYGON EMPTY", "MULTIPOINT EMPTY", "MULTILINESTRING EMPTY", "MULTIPOLYGON EMPTY", "GEOMETRYCOLLECTION EMPTY"]


def gdal():
    """GDAL's modules, in Debian's Python; without them the test is skipped."""
    try:
        from osgeo import gdal, ogr, osr
    except ImportError:
        pytest.skip("GDAL's Python modules are not there (scripts/geometry.sh installs them)")
    gdal.UseExceptions()
    ogr.UseExceptions()
    return ogr, osr


def with_dimensions(ogr, wkt, z, m):
    """The geometry with a third and a fourth coordinate, which are the same where X and Y are: GDAL wants parts to meet."""
    geometry = ogr.CreateGeometryFromWkt(wkt)
    geometry.Set3D(z)
    geometry.SetMeasured(m)
    seen = {}

    def fill(part):
        for i in range(part.GetGeometryCount()):
            fill(part.GetGeometryRef(i))
        for i in range(part.GetPointCount() if part.GetGeometryCount() == 0 and not part.IsEmpty() else 0):
            x, y = part.GetX(i), part.GetY(i)
            n = seen.setdefault((x, y), len(seen) + 1)
            if z and m:
                part.SetPointZM(i, x, y, n + 0.5, -n)
            elif z:
                part.SetPoint(i, x, y, n + 0.5)
            elif m:
                part.SetPointM(i, x, y, -n)

    fill(geometry)
    return geometry


def system(osr, code):
    found = osr.SpatialReference()
    if isinstance(code, int):
        found.ImportFromEPSG(code)
    else:
        found.ImportFromProj4(code)
    return found


def write(path, layers, driver="GPKG", options=()):
    """A file of layers: name -> (EPSG code, PROJ string or None; kind or None; geometries)."""
    ogr, osr = gdal()
    source = ogr.GetDriverByName(driver).CreateDataSource(str(path), options=list(options))
    for name, (code, kind, geometries) in layers.items():
        layer = source.CreateLayer(name, system(osr, code) if code is not None else None, kind if kind is not None else ogr.wkbUnknown)
        layer.CreateField(ogr.FieldDefn("name", ogr.OFTString))
        for i, geometry in enumerate(geometries):
            feature = ogr.Feature(layer.GetLayerDefn())
            feature.SetField("name", f"f{i}")
            if geometry is not None:
                feature.SetGeometry(ogr.CreateGeometryFromWkt(geometry) if isinstance(geometry, str) else geometry)
            layer.CreateFeature(feature)
    del source
    return path


def read(path, layer, ids=None):
    """Each feature's WKB of ISO by its id, as GDAL reads the layer, or those of these ids; and the system of coordinates."""
    ogr, _ = gdal()
    source = ogr.Open(str(path))
    found = source.GetLayerByName(layer)
    system = found.GetSpatialRef()
    code = system.GetAuthorityCode(None) if system else None
    shapes = {}
    for feature in found if ids is None else map(found.GetFeature, ids):
        geometry = feature.GetGeometryRef()
        shapes[feature.GetFID()] = geometry.ExportToIsoWkb(ogr.wkbNDR).hex() if geometry else None
    return shapes, code


def spatialite(path, script):
    """A file of SpatiaLite's, made by its own functions."""
    db = sqlite3.connect(path)
    try:
        db.enable_load_extension(True)
        db.load_extension("mod_spatialite")
    except (AttributeError, sqlite3.OperationalError):
        pytest.skip("mod_spatialite is not there (scripts/geometry.sh installs it)")
    db.execute("SELECT InitSpatialMetaData(1)")
    db.executescript(script)
    db.commit()
    return db
