"""What a run's file declares goes back in its own words, as long as PostgreSQL has what the import made of it."""

import json
import sqlite3

from client import fails
from exports import call, cells, export, findings, schema
from harness import quote

SHOP = """
    CREATE TABLE Customer (
        id INTEGER PRIMARY KEY AUTOINCREMENT, -- the number on the card
        "e-mail" VARCHAR(80) COLLATE NOCASE NOT NULL UNIQUE ON CONFLICT IGNORE,
        Rank INT DEFAULT 1 CONSTRAINT ranked CHECK (Rank BETWEEN 0 AND 9 OR Rank % 5 = 0),
        shout TEXT GENERATED ALWAYS AS (upper("e-mail") || '!') VIRTUAL,
        twice INT AS (Rank * 2) STORED);
    CREATE TABLE note (customer INTEGER REFERENCES Customer ON DELETE CASCADE, body TEXT, PRIMARY KEY (customer, body)) WITHOUT ROWID;
    CREATE TABLE log (what TEXT, at INTEGER DEFAULT (strftime('%s', 'now')));
    CREATE INDEX by_rank ON Customer (Rank DESC, "e-mail" COLLATE BINARY) WHERE Rank > 0;
    CREATE INDEX by_length ON note (length(body));
    CREATE INDEX by_what ON log (what);
    CREATE VIEW ranked (id, n) AS SELECT customer, count(*) FROM note GROUP BY 1;
    CREATE VIEW best AS SELECT * FROM Customer WHERE Rank > 5 -- not all
    ;
    CREATE VIEW scored AS SELECT application_score(Rank) FROM Customer;
    CREATE TRIGGER logs AFTER INSERT ON note BEGIN INSERT INTO log (what) VALUES (new.body); END;
    CREATE TRIGGER scores AFTER UPDATE ON note BEGIN SELECT application_score(new.body); END;
    CREATE TRIGGER enters INSTEAD OF INSERT ON best BEGIN INSERT INTO Customer ("e-mail") VALUES (new."e-mail"); END;
    INSERT INTO Customer ("e-mail", Rank) VALUES ('a@b', 7), ('C@d', 10), ('e@f', NULL);
    INSERT INTO note VALUES (1, 'x'), (2, 'y');
"""


def declared(path):
    """The statements of the file by name, as they are."""
    db = sqlite3.connect(f"file:{path}?mode=ro", uri=True)
    rows = db.execute("SELECT name, sql FROM sqlite_schema WHERE sql IS NOT NULL AND name NOT LIKE 'sqlite~_%' ESCAPE '~'").fetchall()
    db.close()
    return dict(rows)


def imported(t, path, plan=None):
    """The number of the run."""
    t.import_(path, plan or {})
    return int(t.value("SELECT max(id) FROM sqlite_migrate.run"))


def unequal(before, after):
    return sorted(name for name in before.keys() | after.keys() if before.get(name) != after.get(name))


def test_a_file_comes_back_in_its_own_words(t):
    path = t.file("a.db", SHOP)
    run = imported(t, path, {"names": "snake_case"})
    back, _ = export(t, "back.db", run=run)
    assert unequal(declared(path), declared(back)) == []
    assert findings(t, run=run) == []
    assert cells(back, "SELECT * FROM Customer") == cells(path, "SELECT * FROM Customer")
    # No trigger has fired, and each fires from now on.
    assert cells(back, "SELECT what FROM log") == [("x",), ("y",)]
    db = sqlite3.connect(back)
    db.execute("INSERT INTO best (\"e-mail\") VALUES ('g@h')")
    db.execute("INSERT INTO note VALUES (4, 'z')")
    assert db.execute('SELECT id, "e-mail", shout, twice FROM Customer WHERE id > 3').fetchall() == [(4, "g@h", "G@H!", 2)]
    assert db.execute("SELECT what FROM log").fetchall() == [("x",), ("y",), ("z",)]
    db.close()
    # The computed columns are compared, too.
    assert t.rows(f"SELECT * FROM verify_export({quote(str(path))}, run => {run}) WHERE NOT ok") == []
    names = t.value(f"SELECT string_agg(\"column\", ',') FROM verify_export({quote(str(path))}, run => {run}) WHERE target = 'Customer'")
    assert set(names.split(",")) == {"id", "e-mail", "Rank", "shout", "twice"}
    # What was restored from a dump is unchanged, too.
    restored = t.empty_database("restored")
    t.server.restore(restored, t.server.dump(t.database, "postgres").stdout)
    t.server.run(restored, call(t.dir / "restored.db", run=run))
    assert unequal(declared(path), declared(t.dir / "restored.db")) == []


def test_what_was_changed_since_is_as_postgresql_has_it(t):
    path = t.file("a.db", SHOP)
    run = imported(t, path)
    before = declared(path)
    back = lambda name, plan=None: export(t, name, plan, run)[0]  # noqa: E731
    t.sql("INSERT INTO note VALUES (3, 'new'); ALTER INDEX by_length RENAME TO by_size; DROP VIEW ranked; DROP TRIGGER logs ON note")
    after = declared(back("b.db"))
    assert unequal(before, after) == ["by_length", "by_size", "logs", "ranked"] and after["by_size"] == 'CREATE INDEX "by_size" ON "note" ((length("body")))'
    told = findings(t, run=run)
    for part in ("index by_length: it was dropped", "view ranked: it was dropped", "trigger logs: it was dropped"):
        assert any(line.startswith(part) for line in told), (part, told)
    t.sql('ALTER TABLE log ADD "when" date; CREATE INDEX added ON log ("when"); ALTER TABLE "Customer" DROP CONSTRAINT ranked')
    after = declared(back("c.db"))
    assert unequal(before, after) == ["Customer", "added", "by_length", "by_size", "log", "logs", "ranked"]
    assert '"when" DATE' in after["log"] and "CHECK" not in after["Customer"] and after["added"] == 'CREATE INDEX "added" ON "log" ("when")'
    assert any("log: the table is not declared in the file's own words: it was changed since the import" in line for line in findings(t, run=run))
    # The plan has it all translated.
    after = declared(back("d.db", {"declarations": "translated"}))
    assert unequal(before, after) and all(name in after for name in ("Customer", "note", "log", "by_what")) and "logs" not in after and "scored" not in after
    # What reads or refers to a table that is left out stays away; what is left out by its kind as well.
    after = declared(back("e.db", {"exclude": ["Customer"]}))
    assert sorted(after) == ["added", "by_size", "by_what", "log", "note", "scores"] and "REFERENCES" not in after["note"]
    assert any(line.startswith("view best: it is not made as it was in the file: no such table") for line in findings(t, {"exclude": ["Customer"]}, run))
    assert unequal(after, declared(back("g.db", {"exclude": ["Customer", "log"], "tables": {"note": {}}}))) == ["added", "by_what", "log"]
    after = declared(back("h.db", {"tables": {"best": {"skip": True}}, "exclude": ["scored"]}))
    assert not {"best", "scored", "enters"} & set(after) and "logs" not in after and "scores" in after
    after = declared(back("f.db", {"views": False, "triggers": False, "indexes": False, "checks": False}))
    assert sorted(after) == ["Customer", "log", "note"]
    assert t.value(f"SELECT p = sqlite_export_plan(p) FROM sqlite_export_plan('{{\"views\": false}}', {run}) p") == "t"


def test_rows_that_the_files_declarations_do_not_take(t):
    """A CHECK that the import could not carry over, and a key that PostgreSQL does not have."""
    path = t.file("a.db", """
        CREATE TABLE c (a INTEGER CHECK (typeof(a) = 'integer' AND a GLOB '[0-9]*'), b TEXT UNIQUE); INSERT INTO c VALUES (1, 'x'), (2, 'y');
        PRAGMA ignore_check_constraints = ON; INSERT INTO c VALUES (-5, 'z')""")
    run = imported(t, path, {"checks": False})
    back, rows = export(t, "b.db", run=run)
    assert declared(back) == declared(path) and rows["c"]["detail"] == "1 row breaks a CHECK of the file"
    # The file's UNIQUE holds what PostgreSQL's table does not hold any more.
    t.sql("CREATE TEMP TABLE k AS SELECT conname FROM pg_constraint WHERE conrelid = 'c'::regclass AND contype = 'u'; DO $$BEGIN EXECUTE (SELECT format('ALTER TABLE c DROP CONSTRAINT %I', conname) FROM k); END$$; INSERT INTO c VALUES (4, 'x')")
    assert "UNIQUE" not in declared(export(t, "c.db", run=run)[0])["c"]
    run = imported(t, t.file("u.db", "CREATE TABLE u (a INTEGER); INSERT INTO u VALUES (1); CREATE UNIQUE INDEX i ON u (a)"), {"indexes": False})
    t.sql("INSERT INTO u VALUES (1)")
    with fails("23505", "UNIQUE constraint failed: u.a", '"declarations" to "translated"'):
        t.sql(call(t.dir / "d.db", run=run))
    assert "i" not in declared(export(t, "d.db", {"declarations": "translated"}, run)[0])


def test_checks_that_rows_break_are_no_damage_of_indexes(t):
    """An index that is compared by SQLite's own check, which looks at CHECKs too; the last table is not the file's."""
    path = t.file("a.db", """
        CREATE TABLE c (a INTEGER CHECK (typeof(a) = 'integer' AND a GLOB '[0-9]*'), b TEXT); CREATE INDEX p ON c (b) WHERE b > 'a';
        CREATE TABLE w (a INTEGER PRIMARY KEY CHECK (a GLOB '[0-9]*'), b TEXT) WITHOUT ROWID; CREATE INDEX q ON w (b);
        CREATE TABLE z (a INTEGER);
        PRAGMA ignore_check_constraints = ON; INSERT INTO c VALUES (-5, 'z'); INSERT INTO w VALUES (-5, 'z')""")
    run = imported(t, path, {"checks": False})
    t.sql("ALTER TABLE z ADD y int")
    back, rows = export(t, "b.db", run=run)
    assert [rows[name]["detail"] for name in "cw"] == ["1 row breaks a CHECK of the file"] * 2
    assert declared(back)["c"] == declared(path)["c"] and "y" in declared(back)["z"]


def test_a_log_that_says_something_else_is_not_followed(t):
    """Whoever restores a dump may have written what the log holds: only the statement of the object itself is run."""
    path = t.file("a.db", "CREATE TABLE t (a INTEGER, b TEXT); INSERT INTO t VALUES (1, 'x'); CREATE VIEW v AS SELECT a FROM t; CREATE TRIGGER r AFTER INSERT ON t BEGIN SELECT 1; END; CREATE INDEX i ON t (a)")
    run = imported(t, path)
    source = json.loads(t.value(f"SELECT source FROM sqlite_migrate.run WHERE id = {run}"))
    other = t.dir / "other.db"
    for part, text, name in (
        (("declared", "t", "sql"), f"CREATE TABLE t (a INTEGER, b TEXT); ATTACH '{other}' AS o", "t"),
        (("declared", "t", "sql"), "CREATE TABLE t AS SELECT 1 AS a, 2 AS b", "t"),
        (("declared", "t", "sql"), "CREATE TABLE t (a INTEGER DEFAULT (load_extension('x')), b TEXT)", "t"),
        (("declared", "t", "indexes", 0, "sql"), "CREATE INDEX j ON t (a)", "i"),
        (("views", 0, "sql"), "CREATE TEMP VIEW v AS SELECT a FROM t", "v"),
        (("views", 0, "sql"), "DROP TABLE t", "v"),
        (("triggers", 0, "sql"), "CREATE TRIGGER r AFTER INSERT ON main.t BEGIN SELECT 1; END; DELETE FROM t", "r"),
    ):
        forged = json.loads(json.dumps(source))
        at = forged
        for key in part[:-1]:
            at = at[key]
        at[part[-1]] = text
        t.sql(f"UPDATE sqlite_migrate.log_run SET source = {quote(json.dumps(forged))} WHERE id = {run}")
        back, rows = export(t, "b.db", {"overwrite": True}, run)
        assert rows["t"]["rows"] == 1 and cells(back, "SELECT * FROM t") == [(1, "x")], text
        assert declared(back).get(name) != text and not other.exists(), text
        assert any("own words" in line or "it is not made as it was in the file" in line for line in findings(t, run=run)), text
