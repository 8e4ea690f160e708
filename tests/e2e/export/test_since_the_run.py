"""A run's tables are found by what they are, not by their names: renamed ones, and others that took their names. And columns of
durations go back as their program had spelled them."""

import pytest

from client import fails
from exports import cells, export, findings, schema
from harness import quote
from test_round_trip import differences, read

FILE = """CREATE TABLE "Parent" ("parentId" INTEGER PRIMARY KEY AUTOINCREMENT, "at" DATETIME, n INTEGER CHECK (n > 0));
    INSERT INTO "Parent" VALUES (3, '2024-05-01T10:11:12.250Z', 1), (4, '2024-05-02T10:11:12.250Z', 2); CREATE INDEX parent_n ON "Parent" (n DESC);
    CREATE TABLE child (id INTEGER PRIMARY KEY, parent INTEGER REFERENCES "Parent"); INSERT INTO child VALUES (1, 3);
    CREATE VIEW both AS SELECT child.id, n FROM child JOIN "Parent" ON "parentId" = parent"""
TABLES = ["Parent", "child"]


def test_a_table_that_was_renamed(t):
    path = t.file("a.db", FILE)
    t.import_(path, {"names": "snake_case"})
    t.sql("ALTER TABLE parent RENAME TO elder; CREATE SCHEMA other; ALTER TABLE child SET SCHEMA other; CREATE TABLE parent (x text); INSERT INTO parent VALUES ('another')")
    for setting in ("", "SET quote_all_identifiers = on; ", "CREATE SCHEMA evil; CREATE TABLE evil.elder (a int); SET search_path = evil; "):
        t.sql(setting + f"SELECT * FROM public.sqlite_export({quote(str(t.dir / 'back.db'))}, '{{\"overwrite\": true}}', 1)")
        back = t.dir / "back.db"
        assert differences(read(path), read(back), TABLES) == {}
    assert {"Parent", "child", "parent_n"} <= schema(back).keys()
    said = findings(t, run=1)
    assert "public.elder: it was called public.parent when the run loaded it" in said and "other.child: it was called public.child when the run loaded it" in said, said
    assert t.rows(f"SELECT * FROM verify_export({quote(str(back))}, run => 1) WHERE NOT ok") == []
    assert t.value("SELECT sqlite_export_plan(p) = p FROM sqlite_export_plan(run => 1) p") == "t"
    # The plan names it as it is called now.
    t.sql(f"SELECT * FROM sqlite_export({quote(str(t.dir / 'some.db'))}, '{{\"tables\": {{\"elder\": {{\"skip\": true}}}}}}', 1)")
    assert "Parent" not in schema(t.dir / "some.db")


def test_another_table_of_that_name(t):
    t.import_(t.file("a.db", FILE), {"names": "snake_case"})
    t.sql("DROP TABLE parent CASCADE; CREATE TABLE parent (n int); INSERT INTO parent VALUES (7)")
    back, _ = export(t, "back.db", run=1)
    assert cells(back, 'SELECT n FROM "Parent"') == [(7,)]
    [said] = [row for row in t.rows("SELECT * FROM sqlite_export_findings(run => 1)") if "another one by that name" in row["message"]]
    assert (said["severity"], said["object"], said["fix"]) == ("warning", "parent", {"tables": {"parent": {"skip": True}}})
    t.sql("DROP TABLE parent")
    with fails("55000", "parent: the table cannot be read: it does not exist any more"):
        export(t, "gone.db", run=1)
    # In another database oids mean something else: tables are found by their names.
    other = t.empty_database("restored")
    t.sql("CREATE TABLE parent (n int)")
    dump = t.server.dump(t.database, "postgres")
    assert dump.returncode == 0, dump.stderr
    t.server.restore(other, dump.stdout)
    said = t.server.value(other, "SELECT count(*) FROM sqlite_export_findings(run => 1) WHERE message ~ 'by that name|was called'")
    assert said == "0"


def test_a_table_that_took_the_name_of_one_of_the_run(t):
    """Its rows are there once, under the name that it had in the file; the one that is gone is told."""
    t.import_(t.file("a.db", "CREATE TABLE a (n INTEGER); INSERT INTO a VALUES (1); CREATE TABLE b (n INTEGER); INSERT INTO b VALUES (2)"))
    t.sql("DROP TABLE a; ALTER TABLE b RENAME TO a")
    back, rows = export(t, "back.db", run=1)
    assert list(schema(back)) == ["b"] and cells(back, "SELECT n FROM b") == [(2,)]
    said = findings(t, run=1)
    assert any("table a of the file: it does not exist any more, and is left out: public.a" in line for line in said), said
    assert not any("another one by that name" in line for line in said), said
    assert t.value("SELECT sqlite_export_plan(p) = p FROM sqlite_export_plan(run => 1) p") == "t"
    assert t.rows(f"SELECT * FROM verify_export({quote(str(back))}, run => 1) WHERE NOT ok") == []
    # The plan means the one that is there.
    export(t, "none.db", {"tables": {"a": {"skip": True}}}, 1)
    assert list(schema(t.dir / "none.db")) == []


def test_a_computed_column_that_the_plan_leaves_out(t):
    """The file's own declaration has it: the table is declared otherwise then."""
    t.import_(t.file("a.db", "CREATE TABLE g (n INTEGER, v INTEGER AS (n * 2) STORED); INSERT INTO g VALUES (4)"))
    plan = {"tables": {"g": {"columns": {"v": {"skip": True}}}}}
    back, _ = export(t, "back.db", plan, 1)
    assert cells(back, "SELECT * FROM g") == [(4,)]
    assert any("its column v is not exported" in line for line in findings(t, plan, 1))
    back, _ = export(t, "whole.db", run=1)
    assert cells(back, "SELECT * FROM g") == [(4, 8)]


SPELLINGS = {
    "iso": ("P1DT2H", "PT0.5S", "P-1DT3H", "PT0S"), "net": ("1.02:00:00", "00:00:00.5000000", "-3.00:00:01", "23:59:59"), "python": ("1 day, 2:00:00", "0:00:00.500000", "-1 day, 22:00:00", "12 days, 0:00:00"),
    "django": ("1 02:00:00", "00:00:00.500000", "-1 22:00:00", "12 00:00:00"), "django_iso": ("P1DT02H00M00S", "P0DT00H00M00.500000S", "-P0DT00H00M01S", "P12DT00H00M00S"),
    "clock": ("26:00:00", "00:00:00.5", "-02:00:00", "00:00:00"), "postgres": ("1 day 02:00:00", "00:00:00.5", "-1 days +22:00:00", "1 mon"),
}


def test_durations_keep_their_spelling(t):
    columns = ", ".join(f"{name} INTERVAL" for name in SPELLINGS)
    rows = ", ".join("(" + ", ".join(f"'{texts[at]}'" for texts in SPELLINGS.values()) + f", '1970-01-0{at + 1} 10:00:00.500000', {at + 1.5})" for at in range(4))
    path = t.file("a.db", f"CREATE TABLE s ({columns}, sqlalchemy DATETIME, pony INTERVAL); INSERT INTO s VALUES {rows}")
    plan = {"tables": {"s": {"columns": {"sqlalchemy": {"type": "interval", "format": "since_1970"}, "pony": {"type": "interval", "format": "days"}}}}}
    t.import_(path, plan)
    assert t.value("SELECT count(DISTINCT format_type(atttypid, NULL)) || max(format_type(atttypid, NULL)) FROM pg_attribute WHERE attrelid = 's'::regclass AND attnum > 0") == "1interval"
    back, exported = export(t, "back.db", run=1)
    assert differences(read(path), read(back), ["s"]) == {} and exported["s"]["detail"] is None
    assert not [said for said in findings(t, run=1) if "not written" in said]
    assert t.rows(f"SELECT * FROM verify_export({quote(str(back))}, run => 1) WHERE NOT ok") == []
    assert t.value("SELECT sqlite_export_plan(p) = p FROM sqlite_export_plan(run => 1) p") == "t"
    # What a spelling does not hold is another spelling of the same value, and counted.
    t.sql("INSERT INTO s (iso, net, python, django, sqlalchemy, pony) VALUES ('1 mon', '1 mon', '-02:00:00', '1 mon', '2 days', '36:00:00')")
    back, exported = export(t, "more.db", run=1)
    assert exported["s"]["detail"] == "net: 1 value became another spelling; python: 1 value became another spelling; django: 1 value became another spelling"
    assert cells(back, "SELECT iso, net, python, django, sqlalchemy, pony FROM s WHERE clock IS NULL") == [("P1M", "1 mon", "-02:00:00", "1 mon", "1970-01-03 00:00:00.000000", 1.5)]
    asked, _ = export(t, "asked.db", {"interval": "iso8601"}, 1)
    assert cells(asked, "SELECT net, clock FROM s LIMIT 1") == [("P1DT2H", "PT26H")]


@pytest.mark.parametrize("example, spelled", [("PT0S", "P1DT2H"), ("0.00:00:00[.0000000]", "1.02:00:00"), ("0 days, 0:00:00[.000000]", "1 day, 2:00:00"), ("0 00:00:00[.000000]", "1 02:00:00"), ("P0DT00H00M00S", "P1DT02H00M00S")])
def test_durations_as_a_plan_says(t, example, spelled):
    t.sql("CREATE TABLE s (v interval); INSERT INTO s VALUES ('1 day 02:00:00')")
    path, _ = export(t, plan={"tables": {"s": {"columns": {"v": {"spelling": example}}}}})
    assert cells(path, "SELECT v FROM s") == [(spelled,)]
