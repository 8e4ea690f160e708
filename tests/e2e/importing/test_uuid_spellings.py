"""UUIDs in every spelling that PostgreSQL reads, and keys whose two sides are spelled differently."""

import pytest

from harness import shared

UUID = "de13f867-70ec-49e4-a398-041b83f1a535"
SPELLINGS = [UUID, UUID.upper(), "{" + UUID.upper() + "}", UUID.replace("-", ""), "{" + UUID.replace("-", "") + "}", "urn:uuid:" + UUID,
             "de13-f867-70ec-49e4-a398-041b-83f1-a535", "de13f867-70ec49e4-a398041b-83f1a535"]


def case(t, name):
    schema = shared("cases", f"{name}.sql").with_suffix(".pg.sql")
    if schema.exists():
        t.sql(schema.read_text())
    return t.file(f"{name}.db", shared("cases", f"{name}.sql").read_text())


def test_blobs_hex_dashes_and_braces(t):
    path = case(t, "43-uuid-blobs")
    t.import_(path, {"tables": {"sql_metrics": {"columns": {"bu": {"type": "uuid"}}}}})
    assert [t.type_of("sql_metrics", column) for column in ["uuid", "g", "bu", "hx", "mixed"]] == ["uuid"] * 4 + ["uuid"], "hx has no version of a UUID"
    assert t.value("SELECT count(*) FROM sql_metrics WHERE uuid = g AND uuid = bu AND uuid = mixed") == "2"


def test_braces_into_an_existing_column(t):
    path = case(t, "71-uuid-braces-target")
    assert t.import_(path, {"create": "never"})["g"]["imported"] == 1
    assert t.value("SELECT id FROM g") == UUID


def test_every_spelling(t):
    rows = ", ".join(f"({n}, '{text}')" for n, text in enumerate(SPELLINGS))
    path = t.file("u.db", f"CREATE TABLE u (id INTEGER PRIMARY KEY, v GUID, s TEXT); INSERT INTO u (id, v) VALUES {rows}; UPDATE u SET s = v;")
    t.import_(path)
    assert t.type_of("u", "v") == "uuid"
    assert t.value(f"SELECT count(*) FROM u WHERE v = '{UUID}'") == str(len(SPELLINGS))
    assert t.value("SELECT count(*) FROM u WHERE v = s::uuid AND s NOT LIKE 'urn%'") == str(len(SPELLINGS) - 1), "as the server reads them"


def test_a_foreign_table_finds_every_spelling_by_the_index(t):
    rows = ", ".join(f"({n}, '{text}')" for n, text in enumerate(SPELLINGS))
    path = t.file("u.db", f"CREATE TABLE u (id INTEGER PRIMARY KEY, v GUID); INSERT INTO u VALUES {rows}, (99, '{UUID.replace('d', 'e')}'); CREATE INDEX u_v ON u (v);")
    t.sql(f"CREATE SERVER s FOREIGN DATA WRAPPER pg_sqlite_fdw OPTIONS (database '{path}'); IMPORT FOREIGN SCHEMA main FROM SERVER s INTO public")
    assert t.value(f"SELECT count(*) FROM u WHERE v = '{UUID}'") == str(len(SPELLINGS))
    assert t.value(f"SELECT count(*) FROM u WHERE v IN ('{UUID}', '{UUID.replace('d', 'e')}')") == str(len(SPELLINGS) + 1)


KEYS = f"""CREATE TABLE p (id UUID PRIMARY KEY); INSERT INTO p VALUES ('{UUID}');
    CREATE TABLE c (n INTEGER PRIMARY KEY, p_id UUID REFERENCES p (id)); INSERT INTO c VALUES (1, '{SPELLINGS[1]}'), (2, '{SPELLINGS[2]}'), (3, NULL);"""


@pytest.mark.parametrize("existing", [False, True])
def test_rows_find_their_parents_whatever_the_spelling(t, existing):
    if existing:
        t.sql("CREATE TABLE p (id uuid PRIMARY KEY); CREATE TABLE c (n int PRIMARY KEY, p_id uuid REFERENCES p)")
    path = t.file("k.db", KEYS)
    orphans = [f for f in t.findings(path, {}) if f["kind"] == "orphans"]
    assert [f["severity"] for f in orphans] == ["info"] and "2 rows point to no row" in orphans[0]["message"], orphans
    assert t.import_(path)["c"]["imported"] == 3
    assert t.value("SELECT count(*) FROM c JOIN p ON p.id = c.p_id") == "2"
    assert t.value("SELECT convalidated FROM pg_constraint WHERE contype = 'f' AND conrelid = 'c'::regclass") == "t"


def test_rows_without_a_parent_still_stop_the_import(t):
    path = t.file("k.db", KEYS + f"INSERT INTO c VALUES (4, '{UUID.replace('d', 'e')}');")
    t.import_fails(path, {}, "23503", "have no parent")
    result = t.import_(path, {"orphans": "reject"})["c"]
    assert (result["imported"], result["rejected"]) == (3, 1), result
