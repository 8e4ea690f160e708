"""Import, then export of the run: the file's tables, values and storage classes again, or the reason why not."""

import collections
import sqlite3

import pytest

import real_files
import sqlstates as s
from client import fails
from exports import call, cells, export, schema
from harness import ident, quote, shared

LENIENT = {"keys": "as_data_allows", "orphans": "keep", "on_error": "continue"}


def read(path):
    """Tables by name: columns, and rows of (storage class, value), in any order. Texts that are not UTF-8 stay bytes."""
    db = sqlite3.connect(f"file:{path}?mode=ro", uri=True)
    db.text_factory = lambda raw: raw
    tables = {}
    for (name,) in db.execute("SELECT name FROM sqlite_schema WHERE type = 'table' AND name NOT LIKE 'sqlite~_%' ESCAPE '~'").fetchall():
        name = name.decode()
        try:
            columns = [row[1].decode() for row in db.execute(f"PRAGMA table_info({ident(name)})")]
            parts = ", ".join(f"typeof({ident(column)}), {ident(column)}" for column in columns)
            rows = db.execute(f"SELECT {parts} FROM {ident(name)}").fetchall()
        except sqlite3.Error:
            continue
        tables[name] = columns, [list(zip(row[::2], row[1::2])) for row in rows]
    db.close()
    return tables


def differences(before, after, loaded):
    """Columns whose values are not those of the file, with an example of what was and what is."""
    out = {}
    for name in loaded:
        columns, rows = before[name]
        found_columns, found = after[name]
        assert len(rows) == len(found), f"{name}: {len(rows)} rows, {len(found)} in the exported file"
        for at, column in enumerate(columns):
            if column not in found_columns:
                out[f"{name}.{column}"] = "is not there"
                continue
            was = collections.Counter(row[at] for row in rows)
            now = collections.Counter(row[found_columns.index(column)] for row in found)
            if was != now:
                out[f"{name}.{column}"] = f"{next(iter(was - now))} became {next(iter(now - was))}"
    return out


def declared(path):
    """`sqlite_schema`: the statements by type and name."""
    db = sqlite3.connect(f"file:{path}?mode=ro", uri=True)
    rows = db.execute("SELECT type, name, tbl_name, sql FROM sqlite_schema WHERE sql IS NOT NULL AND name NOT LIKE 'sqlite~_%' ESCAPE '~'").fetchall()
    db.close()
    return {(kind, name, table): sql for kind, name, table, sql in rows}


# The R*Trees of GeoPackage are indexes in PostgreSQL, and no tables.
AS_INDEXES = {"gpkg_example"}


def without_search(before):
    """What does not come back there: virtual tables, the tables that these keep, and triggers that write to them."""
    virtual = [name for (_, name, _), sql in before.items() if sql.upper().startswith("CREATE VIRTUAL")]
    kept = [name for _, name, _ in before if any(name.startswith(f"{of}_") for of in virtual)]
    writes = [name for (kind, name, _), sql in before.items() if kind == "trigger" and any(of in sql for of in virtual)]
    return {key for key in before if key[1] in {*virtual, *kept, *writes}}


def round_trip(t, original, plan=None):
    path = t.copy_of(original)
    t.import_(path, plan or {})
    run = int(t.value("SELECT max(id) FROM sqlite_migrate.run"))
    loaded = t.value("SELECT string_agg(source_table, E'\\n') FROM sqlite_migrate.run_table WHERE status = 'loaded' AND rejected = 0").split("\n")
    back, _ = export(t, "back.db", run=run)
    return differences(read(original), read(back), loaded), back


# Columns of which a value is not stored as it was, and why.
OTHERWISE = {
    # jsonb keeps what an escape means, not the escape.
    "django": {"shop_Product.attrs"},
    # Blobs and texts in one column are all bytes in PostgreSQL.
    "grafana_grafana": {"alert.settings", "alert.eval_data"},
    # A text that is not UTF-8 is bytes in PostgreSQL.
    "pgloader_bad_utf8": {"files.filename"},
}


@pytest.mark.parametrize("name", real_files.NAMES)
def test_real_files_come_back(t, name):
    found, back = round_trip(t, shared("data", f"{name}.db"), LENIENT if name == "pgloader_sqlite" else real_files.plan_of(name))
    assert set(found) == OTHERWISE.get(name, set()), {column: example[:300] for column, example in found.items()}
    before, after = declared(shared("data", f"{name}.db")), declared(back)
    assert {key for key in before.keys() | after.keys() if before.get(key) != after.get(key)} == (without_search(before) if name in AS_INDEXES else set())
    run = t.value("SELECT max(id) FROM sqlite_migrate.run")
    different = t.rows(f"SELECT * FROM verify_export({quote(str(back))}, run => {run}) WHERE NOT ok")
    assert different == [], different


def test_a_run_comes_back_as_its_file_was(t):
    """Names, declared types, options of tables, spellings, settings of the file; and what was changed meanwhile."""
    path = t.file("a.db", """
        PRAGMA user_version = 12; PRAGMA application_id = 77;
        CREATE TABLE "Order" ("orderId" INTEGER PRIMARY KEY AUTOINCREMENT, "placedAt" DATETIME, epoch DATETIME, day DATETIME, price DECIMAL(10,2), amount NUMERIC, uid CHAR(32), mixed INTEGER);
        INSERT INTO "Order" VALUES (3, '2024-05-01T10:11:12.250Z', 1714551072250, '2024-05-01', 2.5, 12345678901, '57116d4c475140929d1d40962eff832f', 12),
                                   (7, '2024-05-02T00:00:00.000Z', 1714551072251, '2024-05-02', 3, 0.1, '67116d4c475140929d1d40962eff832f', 'x'); DELETE FROM "Order" WHERE "orderId" = 8;
        CREATE TABLE tag (name VARCHAR(20) PRIMARY KEY, n INT) WITHOUT ROWID; INSERT INTO tag VALUES ('a', 1);
        CREATE TABLE strict (id INTEGER PRIMARY KEY, any ANY, t TEXT NOT NULL) STRICT; INSERT INTO strict VALUES (1, 5, 'x');
        CREATE TABLE item (id INTEGER PRIMARY KEY, "order" INTEGER REFERENCES "Order" ON DELETE CASCADE, t TEXT COLLATE NOCASE); CREATE INDEX item_order ON item ("order" DESC)""", encoding="UTF-16le")
    t.import_(path, {"names": "snake_case", "nocase": "none"})
    run = int(t.value("SELECT max(id) FROM sqlite_migrate.run"))
    back, rows = export(t, "back.db", run=run)
    assert {row["target"] for row in rows.values()} == {"Order", "tag", "strict", "item"}
    assert differences(read(path), read(back), ["Order", "tag", "strict", "item"]) == {}
    # The file's own words where nothing was changed, or the same meaning in others.
    statements = "SELECT name, sql FROM sqlite_schema WHERE sql IS NOT NULL AND name NOT LIKE 'sqlite_%' ORDER BY name"
    assert cells(back, statements) == cells(path, statements)
    translated = export(t, "translated.db", {"declarations": "translated"}, run)[0]
    assert differences(read(path), read(translated), ["Order", "tag", "strict", "item"]) == {}
    declared = schema(translated)
    for part in ('"orderId" INTEGER PRIMARY KEY AUTOINCREMENT', '"placedAt" DATETIME', '"price" DECIMAL(10,2)', '"uid" CHAR(32)', '"mixed" INTEGER'):
        assert part in declared["Order"], (part, declared["Order"])
    assert declared["tag"].endswith("WITHOUT ROWID") and declared["strict"].endswith("STRICT") and '"any" ANY' in declared["strict"]
    assert "ON DELETE CASCADE" in declared["item"] and declared["item_order"] == 'CREATE INDEX "item_order" ON "item" ("order" DESC)'
    for pragma, value in (("user_version", 12), ("application_id", 77), ("encoding", "UTF-16le")):
        assert cells(back, f"PRAGMA {pragma}") == [(value,)]
    # A plan of a run is its own fixed point, too.
    assert t.value(f"SELECT p = sqlite_export_plan(p) AND p = sqlite_export_plan(p, {run}) FROM sqlite_export_plan(run => {run}) p") == "t"
    t.sql("INSERT INTO \"order\" (placed_at, epoch, price, mixed) VALUES ('2025-01-01 00:00:00.123456Z', '2025-01-01 00:00:00Z', 1.25, '12')")
    again, rows = export(t, "again.db", run=run)
    assert rows["order"]["detail"] == "placed_at: 1 value became another spelling"
    assert cells(again, 'SELECT "orderId", "placedAt", epoch, price, mixed, typeof(mixed) FROM "Order" ORDER BY 1')[-1] == (8, "2025-01-01 00:00:00.123456+00:00", 1735689600000, 1.25, 12, "integer")
    t.sql("DROP TABLE item")
    with fails("55000", "item: the table cannot be read: it does not exist any more", hint="skip"):
        t.sql(call(t.dir / "c.db", run=run))
    t.sql(call(t.dir / "c.db", {"tables": {"item": {"skip": True}}}, run))
    with fails(s.NO_RUN, "no recorded run"):
        t.sql(call(t.dir / "d.db", run=12345))
    with fails(s.PLAN, "plan.run: cannot be combined with schemas"):
        t.sql(call(t.dir / "d.db", {"schema": "public"}, run))


def test_spellings_of_a_plan(t):
    t.sql("CREATE TABLE s (at timestamptz, u uuid, n int); INSERT INTO s VALUES ('2024-05-01 10:11:12+02', 'a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11', 1)")
    columns = {"at": {"spelling": "0000-00-00T00:00:00.000Z"}, "u": {"spelling": "0" * 32}}
    path, _ = export(t, plan={"tables": {"s": {"columns": columns}}})
    assert cells(path, "SELECT at, u FROM s") == [("2024-05-01T08:11:12.000Z", "a0eebc999c0b4ef8bb6d6bb9bd380a11")]
    for column, example, message in (("at", "yesterday", "is no spelling"), ("n", "0000-00-00", "has no such spelling"), ("u", "PT0S", "has no such spelling")):
        with fails(s.PLAN, f"plan.tables.s.columns.{column}.spelling: .*{message}"):
            t.sql(call(t.dir / "b.db", {"tables": {"s": {"columns": {column: {"spelling": example}}}}}))


def test_an_exported_file_is_compared(t):
    t.sql("""CREATE TABLE v (id int PRIMARY KEY, a text, n numeric(8,2), at timestamptz); CREATE TABLE w (x float8);
             INSERT INTO v SELECT n, 'text ' || n, n / 4.0, 'epoch'::timestamptz + n * interval '1 s' FROM generate_series(1, 3000) n; INSERT INTO w VALUES (0.1), ('-0')""")
    path, _ = export(t)
    compare = lambda: [(row["table"], row["column"], row["rows"], row["rows_in_file"], row["detail"]) for row in t.rows(f"SELECT * FROM verify_export({quote(str(path))})") if not row["ok"]]  # noqa: E731
    assert compare() == [] and t.value(f"SELECT count(*) FROM verify_export({quote(str(path))})") == "7"
    # Order is none of a table's properties.
    t.sql("UPDATE v SET a = a WHERE id < 100")
    assert compare() == []
    db = sqlite3.connect(path)
    for change, expected in (("UPDATE v SET a = 'other' WHERE id = 7", [("v", None, 3000, 3000, "values differ"), ("v", "a", 3000, 3000, None)]),
                             ("UPDATE v SET a = 'text 8' WHERE id = 7; UPDATE v SET a = 'text 7' WHERE id = 8", [("v", None, 3000, 3000, "the same values are in other rows")]),
                             ("UPDATE v SET a = 'text ' || id; UPDATE w SET x = CAST(x AS TEXT)", []),
                             ("DELETE FROM w WHERE x < 0.05", [("w", None, 2, 1, "the numbers of rows differ"), ("w", "x", 2, 1, None)]),
                             ("ALTER TABLE w RENAME COLUMN x TO y", [("w", None, 2, None, f'column "t.x" does not exist in SQLite file "{path}"')]),
                             ("DROP TABLE w", [("w", None, 2, None, f'table "w" does not exist in SQLite file "{path}"')])):
        db.executescript(change)
        assert compare() == expected, change
    db.close()
