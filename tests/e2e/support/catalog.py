"""PostgreSQL's own account of a database, before and after an import: pg_dump's text, and the rows of the system catalogs
with their oids, so that an object that was dropped and made again alike is seen as well."""

import difflib

# Catalog: the column that tells a user's object from PostgreSQL's own (its oid), the catalog that names the object, and
# the columns that any load, index build or ANALYZE may change.
STORAGE = "relfilenode relpages reltuples relallvisible relallfrozen relfrozenxid relminmxid"
CATALOGS = {
    "pg_namespace": ("oid", "pg_namespace", ""),
    "pg_class": ("oid", "pg_class", STORAGE),
    "pg_attribute": ("attrelid", "pg_class", "attmissingval"),
    "pg_attrdef": ("oid", "pg_attrdef", ""),
    "pg_index": ("indexrelid", "pg_class", "indcheckxmin"),
    "pg_constraint": ("oid", "pg_constraint", ""),
    "pg_trigger": ("oid", "pg_trigger", ""),
    "pg_rewrite": ("oid", "pg_rewrite", ""),
    "pg_policy": ("oid", "pg_policy", ""),
    "pg_type": ("oid", "pg_type", ""),
    "pg_enum": ("enumtypid", "pg_type", ""),
    "pg_proc": ("oid", "pg_proc", ""),
    "pg_inherits": ("inhrelid", "pg_class", ""),
    "pg_partitioned_table": ("partrelid", "pg_class", ""),
    "pg_sequence": ("seqrelid", "pg_class", ""),
    "pg_statistic_ext": ("oid", "pg_statistic_ext", ""),
    "pg_publication_rel": ("prrelid", "pg_class", ""),
    "pg_description": ("objoid", None, ""),
    "pg_depend": ("objid", None, ""),
    "pg_shdepend": ("objid", None, ""),
}
FIRST_NORMAL_OID = 16384
TOAST = "SELECT oid FROM pg_class WHERE relnamespace = 'pg_toast'::regnamespace"


def dumped(t):
    """pg_dump's schema and the catalogs' rows, as one text."""
    return t.server.dump_schema(t.database) + catalog_rows(t)


def catalog_rows(t):
    return t.sql("\n".join(query(*entry) for entry in CATALOGS.items())).out


def query(catalog, entry):
    oid, described_by, volatile = entry
    name = f"pg_describe_object('{described_by}'::regclass, {oid}, 0)" if described_by else "''"
    return (f"SELECT '{catalog} ' || coalesce({name}, '') || ' ' || {row(catalog, volatile)} FROM {catalog} c"
            f" WHERE {oid} >= {FIRST_NORMAL_OID} AND {oid} NOT IN ({TOAST}) {only(catalog)} ORDER BY to_jsonb(c)::text;")


def row(catalog, volatile):
    text = f"to_jsonb(c) - '{{{','.join(volatile.split())}}}'::text[]"
    if catalog == "pg_class":  # REFRESH MATERIALIZED VIEW makes its TOAST table anew
        text = f"({text}) - CASE c.relkind WHEN 'm' THEN 'reltoastrelid' ELSE '' END"
    return f"({text})::text"


def only(catalog):
    """Leaves out the schemas of temporary tables, and other databases."""
    return {
        "pg_namespace": r"AND nspname !~ '^pg_(toast_)?temp_'",
        "pg_shdepend": "AND dbid = (SELECT oid FROM pg_database WHERE datname = current_database())",
    }.get(catalog, "")


def assert_same(before, after, what="the import"):
    if before != after:
        diff = difflib.unified_diff(before.splitlines(), after.splitlines(), "before", "after", "", "", 0)
        raise AssertionError(f"{what} changed the catalog:\n" + "\n".join(line[:600] for line in list(diff)[:40]))
