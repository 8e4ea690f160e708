"""The files of ../shared/data, by name: one that is missing there is a failure, not a test fewer."""

NAMES = (
    "anki_anki12", "calibre_metadata", "calibre_web_metadata", "chinook", "django", "gpkg_example", "grafana_grafana", "llm_logs",
    "mbtiles_plain_1", "northwind", "pgloader_bad_utf8", "pgloader_collision", "pgloader_sqlite", "pgloader_storage",
    "pgloader_test_pk", "pgloader_type_mismatch",
)
# Blobs as they are stored, on servers with and without PostGIS: tests/e2e/geometry reads the geometries.
PLANS = {"gpkg_example": {"geopackage": {"metadata": True, "geometries": False}}}
# Broken on purpose, from the corpus of SQLite's own fuzzer: every seventh of it.
MALFORMED = tuple(f"{number:04}" for number in range(2, 388, 7))


def plan_of(name):
    """What a plan says of a file in any case."""
    return PLANS.get(name.removesuffix(".db"), {})


def in_groups(names, size):
    return [names[start:start + size] for start in range(0, len(names), size)]
