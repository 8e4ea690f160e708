"""verify_constraints: a true import has everything that its file declares, and every change of the schema is found where it is."""

import json
import sqlite3

import pytest

import real_files
from harness import quote, shared

LENIENT = {"keys": "as_data_allows", "orphans": "keep", "on_error": "continue"}
REFUSED = {"pgloader_sqlite"}
WRONG = "SELECT * FROM verify_constraints() WHERE NOT ok"


def wrong(t, user="postgres"):
    return t.rows(WRONG, user)


@pytest.mark.parametrize("name", real_files.NAMES)
def test_a_true_import_of_a_real_file_has_everything_that_no_finding_leaves_out(t, name):
    path = t.copy_of(shared("data", f"{name}.db"))
    t.import_(path, LENIENT if name in REFUSED else real_files.plan_of(name))
    rows = t.rows("SELECT * FROM verify_constraints()")
    assert rows and not [row for row in rows if not row["ok"]]
    unexplained = [row for row in rows if row["state"] == "left out" and not row["reason"]]
    assert not unexplained, unexplained[:3]
    violated = [row for row in rows if row["violations"] and row["state"] != "left out"]
    assert not violated, violated[:3]
    with sqlite3.connect(path) as db:
        [(declared,)] = db.execute("""SELECT count(DISTINCT m.name || '/' || f.id) FROM sqlite_master m, pragma_foreign_key_list(m.name) f
                                      WHERE m.type = 'table' AND m.sql NOT LIKE 'CREATE VIRTUAL%'""")
    assert sum(row["kind"] == "foreign key" for row in rows) == declared


FILE = """
CREATE TABLE parent(id INTEGER PRIMARY KEY AUTOINCREMENT, code TEXT NOT NULL UNIQUE, note TEXT DEFAULT 'none');
CREATE TABLE child(
    id INTEGER PRIMARY KEY,
    parent INTEGER NOT NULL REFERENCES parent(id) ON DELETE CASCADE ON UPDATE SET NULL,
    other INTEGER CONSTRAINT child_other REFERENCES parent(id) DEFERRABLE INITIALLY DEFERRED,
    word TEXT COLLATE NOCASE, plain TEXT,
    amount INTEGER NOT NULL DEFAULT 5 CONSTRAINT positive CHECK (amount > 0),
    total INTEGER GENERATED ALWAYS AS (amount * 2) STORED,
    at TEXT DEFAULT CURRENT_TIMESTAMP,
    UNIQUE (parent, word));
CREATE INDEX child_amount ON child(amount DESC, parent);
CREATE UNIQUE INDEX child_positive ON child(other, amount) WHERE amount > 3;
CREATE INDEX child_lower ON child(lower(plain));
CREATE VIEW totals AS SELECT sum(amount) FROM child;
CREATE TRIGGER guard BEFORE DELETE ON child BEGIN SELECT RAISE(ABORT, 'no'); END;
INSERT INTO parent(code) VALUES ('a'), ('b'), ('c');
INSERT INTO child(id, parent, other, word, plain, amount) VALUES
    (1, 1, 2, 'Word', 'x', 1), (2, 1, NULL, 'other', 'y', 5), (3, 2, 3, 'Word', NULL, 6), (4, 3, 3, NULL, 'y', 7);
"""

FKEY = "ALTER TABLE child ADD CONSTRAINT child_parent_fkey FOREIGN KEY (parent)"
OTHER = "ALTER TABLE child DROP CONSTRAINT child_other; ALTER TABLE child ADD CONSTRAINT child_other FOREIGN KEY (other)"

# What is done to the copy, and the object in which it has to be found: kind, name or column, state.
CHANGES = {
    "a primary key dropped": ("ALTER TABLE child DROP CONSTRAINT child_pkey", "primary key", "child_pkey", "missing"),
    "a primary key over other columns": (
        "ALTER TABLE child DROP CONSTRAINT child_pkey; ALTER TABLE child ADD PRIMARY KEY (id, parent)",
        "primary key", "child_pkey", "differs"),
    "a primary key that is only unique": (
        "ALTER TABLE child DROP CONSTRAINT child_pkey; ALTER TABLE child ADD UNIQUE (id)", "primary key", "child_id_key", "differs"),
    "a unique constraint dropped": (
        "ALTER TABLE parent DROP CONSTRAINT parent_code_key", "unique", "parent_code_key", "missing"),
    "a unique constraint made a plain index": (
        "ALTER TABLE parent DROP CONSTRAINT parent_code_key; CREATE INDEX parent_code_key ON parent(code)",
        "unique", "parent_code_key", "differs"),
    "a unique constraint made deferrable": (
        "ALTER TABLE parent DROP CONSTRAINT parent_code_key; ALTER TABLE parent ADD CONSTRAINT parent_code_key UNIQUE (code) DEFERRABLE",
        "unique", "parent_code_key", "differs"),
    "an index missing": ("DROP INDEX child_amount", "index", "child_amount", "missing"),
    "an index on other columns": (
        "DROP INDEX child_amount; CREATE INDEX child_amount ON child(parent, amount DESC)", "index", "child_amount", "differs"),
    "an index in another order": (
        "DROP INDEX child_amount; CREATE INDEX child_amount ON child(amount, parent)", "index", "child_amount", "differs"),
    "an index over another expression": (
        "DROP INDEX child_lower; CREATE INDEX child_lower ON child(upper(plain))", "index", "child_lower", "differs"),
    "an index invalid": (
        "UPDATE pg_index SET indisvalid = false WHERE indexrelid = 'child_amount'::regclass", "index", "child_amount", "invalid"),
    "an index not ready": (
        "UPDATE pg_index SET indisready = false WHERE indexrelid = 'child_lower'::regclass", "index", "child_lower", "invalid"),
    "an index of another method": (
        "DROP INDEX child_lower; CREATE INDEX child_lower ON child USING hash (lower(plain))", "index", "child_lower", "differs"),
    "an index with another predicate": (
        "DROP INDEX child_positive; CREATE UNIQUE INDEX child_positive ON child(other, amount) WHERE amount > 4",
        "index", "child_positive", "differs"),
    "an index without its predicate": (
        "DROP INDEX child_positive; CREATE UNIQUE INDEX child_positive ON child(other, amount)", "index", "child_positive", "differs"),
    "a unique index made plain": (
        "DROP INDEX child_positive; CREATE INDEX child_positive ON child(other, amount) WHERE amount > 3",
        "index", "child_positive", "differs"),
    "a foreign key dropped": (
        "ALTER TABLE child DROP CONSTRAINT child_parent_fkey", "foreign key", "child_parent_fkey", "missing"),
    "a foreign key NOT VALID": (
        f"ALTER TABLE child DROP CONSTRAINT child_parent_fkey; {FKEY} REFERENCES parent(id) ON DELETE CASCADE ON UPDATE SET NULL NOT VALID",
        "foreign key", "child_parent_fkey", "not validated"),
    "a foreign key with another action": (
        f"ALTER TABLE child DROP CONSTRAINT child_parent_fkey; {FKEY} REFERENCES parent(id) ON DELETE RESTRICT ON UPDATE SET NULL",
        "foreign key", "child_parent_fkey", "differs"),
    "a foreign key without an action": (
        f"ALTER TABLE child DROP CONSTRAINT child_parent_fkey; {FKEY} REFERENCES parent(id) ON DELETE CASCADE",
        "foreign key", "child_parent_fkey", "differs"),
    "a foreign key to another table": (
        f"CREATE TABLE parent2 AS TABLE parent; ALTER TABLE parent2 ADD PRIMARY KEY (id); {OTHER} REFERENCES parent2(id) DEFERRABLE INITIALLY DEFERRED",
        "foreign key", "child_other", "differs"),
    "a foreign key from another column": (
        "ALTER TABLE child DROP CONSTRAINT child_other; ALTER TABLE child ADD CONSTRAINT child_other FOREIGN KEY (id) REFERENCES parent(id) NOT VALID",
        "foreign key", "child_other", "differs"),
    "a foreign key not deferred any more": (f"{OTHER} REFERENCES parent(id)", "foreign key", "child_other", "differs"),
    "a foreign key MATCH FULL": (
        f"{OTHER} REFERENCES parent(id) MATCH FULL DEFERRABLE INITIALLY DEFERRED", "foreign key", "child_other", "differs"),
    "a check dropped": ("ALTER TABLE child DROP CONSTRAINT positive", "check", "positive", "missing"),
    "a check weakened": (
        "ALTER TABLE child DROP CONSTRAINT positive; ALTER TABLE child ADD CONSTRAINT positive CHECK (amount > -1)",
        "check", "positive", "differs"),
    "a check NOT VALID": (
        "ALTER TABLE child DROP CONSTRAINT positive; ALTER TABLE child ADD CONSTRAINT positive CHECK (amount > 0) NOT VALID",
        "check", "positive", "not validated"),
    "NOT NULL dropped": ("ALTER TABLE child ALTER amount DROP NOT NULL", "not null", "amount", "missing"),
    "a default changed": ("ALTER TABLE child ALTER amount SET DEFAULT 6", "default", "amount", "differs"),
    "a default of text changed": ("ALTER TABLE parent ALTER note SET DEFAULT 'None'", "default", "note", "differs"),
    "a default dropped": ("ALTER TABLE child ALTER at DROP DEFAULT", "default", "at", "missing"),
    "a generated column made plain": ("ALTER TABLE child ALTER total DROP EXPRESSION", "generated", "total", "missing"),
    "an identity dropped": ("ALTER TABLE parent ALTER id DROP IDENTITY", "identity", "id", "missing"),
    "a collation changed": ("ALTER TABLE child ALTER plain TYPE text COLLATE \"C\"", "collation", "plain", "differs"),
    "triggers disabled": ("ALTER TABLE child DISABLE TRIGGER ALL", "foreign key", "child_other", "disabled"),
    "triggers of the parent disabled": ("ALTER TABLE parent DISABLE TRIGGER ALL", "foreign key", "child_other", "disabled"),
    "triggers of replicas": (
        "DO $$DECLARE t name; BEGIN FOR t IN SELECT tgname FROM pg_trigger WHERE tgrelid = 'child'::regclass AND tgisinternal"
        " LOOP EXECUTE format('ALTER TABLE child ENABLE REPLICA TRIGGER %I', t); END LOOP; END$$",
        "foreign key", "child_parent_fkey", "disabled"),
    "a table dropped": ("DROP TABLE child", "table", "child", "missing"),
    "a table renamed": ("ALTER TABLE child RENAME TO kid", "table", "child", "missing"),
    "a table in another schema": ("CREATE SCHEMA s; ALTER TABLE child SET SCHEMA s", "table", "child", "missing"),
    "a view in place of a table": (
        "ALTER TABLE child RENAME TO kid; CREATE VIEW child AS TABLE kid", "primary key", "child_pkey", "missing"),
    "a column dropped": ("ALTER TABLE child DROP COLUMN at", "default", "at", "missing"),
    "a column renamed": ("ALTER TABLE child RENAME amount TO sum", "not null", "amount", "missing"),
}

# As CHANGES, of what came with PostgreSQL 18.
CHANGES_OF_18 = {
    "a foreign key NOT ENFORCED": (
        f"{OTHER} REFERENCES parent(id) DEFERRABLE INITIALLY DEFERRED NOT ENFORCED", "foreign key", "child_other", "not enforced"),
    "a check NOT ENFORCED": (
        "ALTER TABLE child DROP CONSTRAINT positive; ALTER TABLE child ADD CONSTRAINT positive CHECK (amount > 0) NOT ENFORCED",
        "check", "positive", "not enforced"),
    "NOT NULL NOT VALID": (
        "ALTER TABLE child ALTER amount DROP NOT NULL, ADD CONSTRAINT there NOT NULL amount NOT VALID", "not null", "amount", "not validated"),
    "a generated column of another expression": (
        "ALTER TABLE child DROP COLUMN total, ADD COLUMN total integer GENERATED ALWAYS AS (amount * 3) VIRTUAL", "generated", "total", "differs"),
}


@pytest.fixture
def copy(t):
    # A view would keep its table from being changed.
    t.import_(t.file("t.db", FILE), {"views": False})
    assert not wrong(t)
    return t


def after(session, change, query):
    """What a query answers after a change that is undone."""
    session.run(f"BEGIN; {change}")
    rows = json.loads(session.value(f"SELECT coalesce(json_agg(q), '[]') FROM ({query}) q"))
    session.run("ROLLBACK")
    return rows


def test_every_change_of_the_schema_is_found_in_its_object(copy):
    session = copy.session()
    for name, (change, kind, object_, state) in CHANGES.items():
        rows = after(session, change, WRONG)
        found = [(row["kind"], row["name"] or row["columns"][0], row["state"]) for row in rows]
        assert (kind, object_, state) in found, (name, found)
        assert {row["table"] for row in rows} <= {"child", "parent"}, (name, rows)
    assert not wrong(copy)


def test_each_change_is_found_in_no_other_object(copy):
    """Of changes that touch one object only."""
    session = copy.session()
    together = {"a table dropped", "a table renamed", "a table in another schema", "a view in place of a table", "a column dropped",
                "a column renamed", "triggers disabled", "triggers of the parent disabled", "triggers of replicas",
                "a collation changed", "a primary key that is only unique"}
    for name in CHANGES.keys() - together:
        rows = after(session, CHANGES[name][0], WRONG)
        assert len(rows) == 1, (name, rows)


def test_changes_that_postgresql_18_allows_are_found_in_their_objects(copy):
    copy.needs("NOT ENFORCED")
    session = copy.session()
    for name, (change, *expected) in CHANGES_OF_18.items():
        found = [[row["kind"], row["name"] or row["columns"][0], row["state"]] for row in after(session, change, WRONG)]
        assert found == [expected], name
    virtual = "ALTER TABLE child DROP COLUMN total, ADD COLUMN total integer GENERATED ALWAYS AS (amount * 2) VIRTUAL"
    assert not after(session, virtual, WRONG)
    broken = "ALTER TABLE child DROP CONSTRAINT positive, ADD CONSTRAINT positive CHECK (amount > 0) NOT ENFORCED; UPDATE child SET amount = -1 WHERE id = 4"
    assert [(row["name"], row["state"], row["violations"]) for row in after(session, broken, WRONG)] == [("positive", "broken", 1)]


def test_what_does_the_same_work_holds_under_any_name(copy):
    session = copy.session()
    for change, name in [
        ("ALTER TABLE child RENAME CONSTRAINT positive TO more", "more"),
        ("ALTER INDEX child_amount RENAME TO by_amount", "by_amount"),
        ("ALTER TABLE child DROP CONSTRAINT positive; ALTER TABLE child ADD CONSTRAINT again CHECK ((amount > 0))", "again"),
        ("ALTER TABLE parent DROP CONSTRAINT parent_code_key; CREATE UNIQUE INDEX codes ON parent(code)", "codes"),
        (f"ALTER TABLE child DROP CONSTRAINT child_parent_fkey; {FKEY.replace('child_parent_fkey', 'fk')} REFERENCES parent(id) ON DELETE CASCADE ON UPDATE SET NULL", "fk"),
    ]:
        rows = after(session, change, "SELECT * FROM verify_constraints() WHERE state NOT IN ('holds', 'left out')")
        assert [(row["name"], row["state"], row["ok"]) for row in rows] == [(name, "holds, other name", True)], change
    serial = "ALTER TABLE parent ALTER id DROP IDENTITY; CREATE SEQUENCE own; ALTER TABLE parent ALTER id SET DEFAULT nextval('own')"
    assert not after(session, serial, WRONG)


@pytest.mark.parametrize("change, kind, name, violations", [
    ("ALTER TABLE child DISABLE TRIGGER ALL; UPDATE child SET other = 99 WHERE id IN (1, 3); ALTER TABLE child ENABLE TRIGGER ALL",
     "foreign key", "child_other", 2),
    ("ALTER TABLE child DROP CONSTRAINT child_parent_fkey; UPDATE child SET parent = 99 WHERE id = 1", "foreign key", "child_parent_fkey", 1),
    ("ALTER TABLE child DROP CONSTRAINT child_pkey; INSERT INTO child (id, parent) SELECT 1, 3 FROM generate_series(1, 2)",
     "primary key", "child_pkey", 2),
    ("ALTER TABLE child DROP CONSTRAINT child_pkey; ALTER TABLE child ALTER id DROP IDENTITY, ALTER id DROP NOT NULL; INSERT INTO child (id, parent) VALUES (NULL, 3)",
     "primary key", "child_pkey", 1),
    ("ALTER TABLE parent DROP CONSTRAINT parent_code_key; UPDATE parent SET code = 'a'", "unique", "parent_code_key", 2),
    ("ALTER TABLE child DROP CONSTRAINT positive; UPDATE child SET amount = -amount WHERE id < 3", "check", "positive", 2),
    ("ALTER TABLE child ALTER amount DROP NOT NULL; UPDATE child SET amount = NULL WHERE id = 2", "not null", "amount", 1),
    ("DROP INDEX child_positive; UPDATE child SET amount = 6 WHERE id = 4", "index", "child_positive", 1),
    ("DROP INDEX child_positive; UPDATE child SET amount = 3, other = 2 WHERE id > 1", None, None, None),
], ids=["orphans behind valid keys", "orphans without a key", "doubled keys", "NULL in a key", "duplicates", "false checks", "NULLs",
        "duplicates of a partial key", "duplicates beside a partial key"])
def test_rows_that_break_an_object_are_counted_whether_or_not_it_is_there(copy, change, kind, name, violations):
    rows = after(copy.session(), change, WRONG)
    broken = [(row["kind"], row["name"] or row["columns"][0], row["violations"]) for row in rows if row["state"] == "broken"]
    assert broken == ([(kind, name, violations)] if kind else []), rows


def test_an_index_that_lies_is_not_asked(copy):
    """Rows that the heap has and the index has not: as after a change of the collation's library."""
    session = copy.session()
    lie = """UPDATE pg_index SET indisready = false, indislive = false WHERE indexrelid = 'parent_code_key'::regclass;
             INSERT INTO parent (code) VALUES ('a'), ('b');
             UPDATE pg_index SET indisready = true, indislive = true WHERE indexrelid = 'parent_code_key'::regclass;
             ALTER TABLE parent ALTER code SET STATISTICS 100;
             SET LOCAL enable_seqscan = off; SET LOCAL enable_hashagg = off; SET LOCAL enable_sort = off"""
    [first, *_] = after(session, lie, WRONG)
    assert (first["name"], first["state"], first["violations"]) == ("parent_code_key", "broken", 2), first


BAD = """
CREATE TABLE p(id INTEGER PRIMARY KEY, u TEXT UNIQUE);
CREATE TABLE c(k TEXT PRIMARY KEY, p INTEGER REFERENCES p(id), n INTEGER CHECK (n > 0), s TEXT DEFAULT (hex(randomblob(4)) || weird));
CREATE INDEX by_rowid_text ON c(k COLLATE RTRIM);
PRAGMA ignore_check_constraints = ON;
INSERT INTO p VALUES (1, 'a');
INSERT INTO c(k, p, n, s) VALUES (NULL, 1, 1, ''), (NULL, 7, -1, ''), ('x', 1, 2, '');
"""


def test_what_the_plan_lets_stand_has_its_finding_as_the_reason(t):
    t.import_(t.file("bad.db", BAD.replace(" DEFAULT (hex(randomblob(4)) || weird)", "")), LENIENT)
    rows = {(row["kind"], row["table"]): row for row in t.rows("SELECT * FROM verify_constraints()")}
    key = rows["primary key", "c"]
    assert (key["state"], key["violations"], key["ok"]) == ("left out", 2, True) and "unique index" in key["reason"], key
    for kind in ("foreign key", "check"):
        row = rows[kind, "c"]
        assert (row["state"], row["violations"], row["ok"]) == ("not validated", 1, False), row
        assert "NOT VALID" in row["reason"], row


def test_what_the_plan_leaves_out_is_not_missing(t):
    path = t.file("t.db", FILE)
    plan = {"indexes": False, "foreign_keys": {"exclude": ["child_other"]}, "checks": False, "views": {"exclude": ["tot*"]}, "triggers": {"exclude": ["guard"]},
            "tables": {"child": {"columns": {"at": {"default": None}, "total": {"generated": False}}}}}
    t.import_(path, plan)
    assert not wrong(t)
    left = {(row["kind"], row["name"] or row["columns"][0]): row["reason"]
            for row in t.rows("SELECT * FROM verify_constraints() WHERE state = 'left out'")}
    assert left == {
        ("foreign key", "child_other"): "the plan leaves it out: plan.tables.child.foreign_keys",
        ("check", "positive"): "the plan leaves it out: plan.tables.child.checks",
        ("default", "at"): "the plan leaves it out: plan.tables.child.columns.at.default",
        ("generated", "total"): "the plan leaves it out: plan.tables.child.columns.total.generated",
        ("index", "child_amount"): "the plan leaves it out: plan.tables.child.indexes",
        ("index", "child_positive"): "the plan leaves it out: plan.tables.child.indexes",
        ("index", "child_lower"): "the plan leaves it out: plan.tables.child.indexes",
        ("view", "totals"): "view \"totals\" is left out by the plan",
        ("trigger", "guard"): "trigger \"guard\" on \"child\" is left out by the plan",
    }


def test_tables_and_columns_that_take_no_part_are_left_out(t):
    path = t.file("t.db", FILE)
    t.import_(path, {"exclude": ["parent"], "orphans": "keep", "tables": {"child": {"columns": {"amount": {"skip": True}}}}})
    assert not wrong(t)
    left = {(row["table"], row["kind"], row["name"] or row["columns"][0]) for row in t.rows("SELECT * FROM verify_constraints() WHERE state = 'left out'")}
    assert {("parent", "table", "parent"), ("child", "foreign key", "child_other"), ("child", "not null", "amount"),
            ("child", "index", "child_amount"), ("child", "check", "positive")} <= left, left


EXISTING = """
CREATE TABLE parent(id serial PRIMARY KEY, code text NOT NULL, note text);
CREATE UNIQUE INDEX parent_code_uniq ON parent(code);
CREATE TABLE child(
    id integer GENERATED BY DEFAULT AS IDENTITY CONSTRAINT "PK_child" PRIMARY KEY,
    parent integer NOT NULL, other integer, word varchar(80), plain text, amount integer NOT NULL DEFAULT 7, total integer, at timestamp,
    CONSTRAINT orm_child_parent FOREIGN KEY (parent) REFERENCES parent(id) ON DELETE CASCADE ON UPDATE SET NULL,
    CONSTRAINT longer CHECK (length(plain) < 100));
CREATE INDEX orm_child_other ON child(other);
"""


def test_a_table_that_was_there_before_has_its_keys_whatever_their_names(t):
    t.sql(EXISTING)
    t.import_(t.file("t.db", FILE), {"create": "never"})
    rows = {(row["table"], row["kind"], row["name"] or row["columns"][0]): (row["state"], row["ok"])
            for row in t.rows("SELECT * FROM verify_constraints() WHERE kind NOT IN ('view', 'trigger')")}
    assert rows["child", "primary key", "PK_child"] == ("holds, other name", True)
    assert rows["parent", "unique", "parent_code_uniq"] == ("holds, other name", True)
    assert rows["child", "foreign key", "orm_child_parent"] == ("holds, other name", True)
    assert rows["parent", "identity", "id"] == rows["child", "identity", "id"] == ("holds", True)
    assert rows["child", "default", "amount"] == rows["child", "default", "at"] == ("left out", True)
    assert rows["child", "check", "positive"] == rows["child", "index", "child_lower"] == ("left out", True)
    missing = {key for key, (_, ok) in rows.items() if not ok}
    assert missing == {("child", "foreign key", "child_other"), ("child", "unique", "child_parent_word_key"),
                       ("child", "index", "child_positive")}, missing


def test_a_check_that_an_existing_table_lacks_is_broken_by_rows_that_it_would_refuse(t):
    t.sql(EXISTING)
    t.import_(t.file("t.db", FILE), {"create": "never"})
    t.sql("UPDATE child SET amount = -1 WHERE id = 1")
    rows = [(row["kind"], row["name"], row["violations"]) for row in wrong(t) if row["state"] == "broken"]
    assert rows == [("check", "positive", 1)]


def test_a_file_and_a_plan_can_be_held_against_any_tables(t):
    path = t.file("t.db", FILE)
    assert {row["state"] for row in t.rows(f"SELECT * FROM verify_constraints(path => {quote(str(path))})")} == {"missing"}
    t.import_(path, {"schema": "one", "names": "lower"})
    plan = quote(json.dumps({"schema": "one", "names": "lower"}))
    call = f"verify_constraints(path => {quote(str(path))}, plan => {plan})"
    assert t.value(f"SELECT bool_and(ok) FROM {call}") in ("t", "true")
    t.sql("ALTER TABLE one.child DROP CONSTRAINT positive")
    assert [row["name"] for row in t.rows(f"SELECT * FROM {call} WHERE NOT ok")] == ["positive"]


def test_arguments_that_make_no_sense_are_refused(copy):
    for call, message in [("1, '/x'", "path: a run has a path already"), ("NULL, NULL, '{}'", "plan: a plan needs a path"), ("77", "no recorded run")]:
        result = copy.attempt(f"SELECT * FROM verify_constraints({call})")
        assert message in result.message, result.error


def test_what_was_found_is_kept_in_the_run_log(copy):
    copy.sql("ALTER TABLE child DROP CONSTRAINT positive")
    wrong(copy)
    kept = copy.rows("SELECT target_table, object, ok, verdict, counts FROM sqlite_migrate.verification WHERE kind = 'constraints' AND NOT ok")
    assert kept == [{"target_table": "child", "object": "check positive", "ok": False, "verdict": "missing", "counts": {"violations": 0}}]


def test_who_may_not_read_rows_sees_the_schema_and_no_proof(copy):
    copy.role("nobody", "pg_read_server_files")
    copy.role("reader", "pg_read_server_files", "pg_read_all_data")
    call = "SELECT * FROM verify_constraints(run => 1) WHERE NOT ok"
    assert "no recorded run" in copy.attempt(call, "nobody").message
    assert not copy.rows(call, "reader")
    copy.sql("GRANT USAGE ON SCHEMA public TO nobody")
    path = next(copy.dir.glob("t.db"))
    rows = copy.rows(f"SELECT * FROM verify_constraints(path => {quote(str(path))}, plan => '{{\"views\": false}}') WHERE NOT ok", "nobody")
    assert {row["state"] for row in rows} == {"not proven"}
    assert all("permission denied" in row["reason"] and row["violations"] is None for row in rows), rows[0]


def test_a_superuser_runs_no_code_of_a_tables_owner(t):
    """Its rows are not counted, and a constant of a type that holds a domain of the owner's is not read."""
    t.role("app", "pg_read_server_files")
    t.sql("CREATE SCHEMA app AUTHORIZATION app; CREATE TABLE app.ran(at timestamptz); ALTER TABLE app.ran OWNER TO app")
    t.sql("""SET search_path = app;
        CREATE FUNCTION trap(integer) RETURNS boolean IMMUTABLE LANGUAGE plpgsql AS
            $$BEGIN IF current_user <> 'app' THEN RAISE EXCEPTION 'the trap was sprung by %', current_user; END IF; RETURN true; END$$;
        CREATE DOMAIN trapped AS integer CHECK (app.trap(VALUE));
        CREATE TABLE t(id integer PRIMARY KEY, doc trapped[] DEFAULT '{1}' NOT NULL CHECK (app.trap(1)));
        CREATE INDEX ON t((app.trap(id))) WHERE app.trap(1)""", "app")
    path = t.file("t.db", "CREATE TABLE t(id INTEGER PRIMARY KEY, doc TEXT DEFAULT '{2}' NOT NULL CHECK (doc <> '{3}')); INSERT INTO t VALUES (1, '{1}');")
    t.sql(t.call("sqlite_import", path, {"schema": "app", "create": "never"}), "app")
    rows = {row["kind"]: row for row in t.rows("SELECT * FROM verify_constraints(run => 1)")}
    assert (rows["primary key"]["state"], rows["primary key"]["violations"]) == ("not proven", None), rows
    assert "a query on it could run code of another role's" in rows["not null"]["reason"], rows
    assert verdict_of(t) == "investigate"
    plan = quote(json.dumps({"schema": "app", "tables": {"t": {"columns": {"doc": {"type": "app.trapped[]", "default": "'{2}'"}}}}}))
    [default] = t.rows(f"SELECT * FROM verify_constraints(path => {quote(str(path))}, plan => {plan}) WHERE kind = 'default'")
    assert default["reason"] == "not compared: the code of the owner of type app._trapped could run", default
    assert not t.rows("SELECT * FROM verify_constraints(run => 1) WHERE NOT ok", "app")


def verdict_of(t):
    return t.value("SELECT verdict FROM migration_verdict(run => 1)")


def test_a_key_over_values_of_any_length_is_what_the_finding_says(t):
    path = t.file("long.db", """CREATE TABLE t(id INTEGER PRIMARY KEY, url TEXT UNIQUE); CREATE INDEX i ON t(url);
        INSERT INTO t WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 5) SELECT i, hex(randomblob(9000)) FROM n;""")
    t.import_(path, {"keys": "as_data_allows", "nocase": "none"})
    rows = {row["kind"]: row for row in t.rows("SELECT * FROM verify_constraints()")}
    assert (rows["unique"]["state"], rows["unique"]["violations"]) == ("left out", 0) and "exclusion constraint" in rows["unique"]["reason"], rows
    assert rows["index"]["state"] == "left out" and "hash" in rows["index"]["reason"], rows
    t.sql("DO $$DECLARE c name; BEGIN SELECT conname INTO c FROM pg_constraint WHERE contype = 'x'; EXECUTE format('ALTER TABLE t DROP CONSTRAINT %I', c); END$$; DROP INDEX i")
    assert [(row["kind"], row["state"]) for row in wrong(t)] == [("unique", "missing"), ("index", "missing")]


def test_the_schema_that_django_makes(t):
    """Of an import into it, nothing is missing that the file declares."""
    t.sql(shared("data", "django.pg.sql").read_text())
    t.import_(t.copy_of(shared("data", "django.db")), {"create": "never"})
    assert not wrong(t)
    t.sql('ALTER TABLE "shop_review" DROP CONSTRAINT "shop_review_pkey"')
    assert [(row["table"], row["kind"], row["state"]) for row in wrong(t)] == [("shop_review", "primary key", "missing")]


def test_partitions_hold_what_their_table_declares(t):
    t.sql("""CREATE TABLE t(id integer, day date NOT NULL, n integer CHECK (n > 0), PRIMARY KEY (id, day)) PARTITION BY RANGE (day);
        CREATE TABLE t_1 PARTITION OF t FOR VALUES FROM ('2024-01-01') TO ('2025-01-01'); CREATE TABLE t_rest PARTITION OF t DEFAULT""")
    path = t.file("t.db", """CREATE TABLE t(id INTEGER, day DATE NOT NULL, n INTEGER CHECK (n > 0), PRIMARY KEY (id, day));
        INSERT INTO t VALUES (1, '2024-02-01', 1), (2, '2023-01-01', 2);""")
    t.import_(path, {"create": "never"})
    assert not wrong(t)
    t.sql("ALTER TABLE t DROP CONSTRAINT t_pkey; INSERT INTO t_1 VALUES (1, '2024-02-01', 1)")
    assert [(row["kind"], row["state"], row["violations"]) for row in wrong(t)] == [("primary key", "broken", 1)]


def test_no_session_setting_changes_the_answer(copy):
    plain = copy.shown_rows("SELECT * FROM verify_constraints()")
    session = copy.session()
    session.run("""CREATE SCHEMA hostile; CREATE FUNCTION hostile.lower(text) RETURNS text LANGUAGE sql AS 'SELECT $1';
        CREATE FUNCTION hostile.now() RETURNS text LANGUAGE sql AS 'SELECT ''''';
        CREATE FUNCTION hostile.gt(integer, integer) RETURNS boolean LANGUAGE sql AS 'SELECT false';
        CREATE OPERATOR hostile.> (LEFTARG = integer, RIGHTARG = integer, FUNCTION = hostile.gt);
        SET search_path = hostile, pg_catalog, public; SET DateStyle = 'German, DMY'; SET TimeZone = 'Asia/Kolkata';
        SET quote_all_identifiers = on; SET standard_conforming_strings = off; SET extra_float_digits = -3; SET bytea_output = escape;
        SET enable_seqscan = off; SET check_function_bodies = off; SET row_security = off""")
    rows = json.loads(session.value("SELECT json_agg(q) FROM public.verify_constraints() q"))
    assert rows == plain


def test_ddl_of_another_session_is_waited_for(copy):
    other = copy.session()
    other.run("BEGIN; ALTER TABLE child DROP CONSTRAINT positive")
    result = copy.attempt(f"SET lock_timeout = '200ms'; {WRONG}")
    assert result.sqlstate == "55P03", result
    other.run("COMMIT")
    assert [row["name"] for row in wrong(copy)] == ["positive"]


def test_nothing_is_written_and_a_read_only_transaction_answers(copy):
    before = copy.value("SELECT count(*) FROM pg_class")
    copy.sql(f"BEGIN READ ONLY; {WRONG}; COMMIT")
    assert copy.value("SELECT count(*) FROM pg_class") == before


@pytest.mark.parametrize("nocase", ["citext", "collation", "lower", "none"])
def test_every_way_to_ignore_case_is_what_the_plan_made(t, nocase):
    t.needs(*{"collation": ["icu"], "citext": ["citext"]}.get(nocase, []))
    t.import_(t.file("t.db", FILE + "CREATE INDEX child_word ON child(word); CREATE INDEX child_bytes ON child(word COLLATE BINARY, plain COLLATE NOCASE);"),
              {"nocase": nocase})
    assert not wrong(t)
    rows = after(t.session(), 'DROP INDEX child_bytes; ALTER TABLE child ALTER word TYPE text COLLATE "C"', WRONG)
    found = {(row["kind"], row["name"] or row["columns"][0], row["state"]) for row in rows}
    assert ("index", "child_bytes", "missing") in found, rows
    assert (("collation", "word", "differs") in found) == (nocase in ("citext", "collation")), rows


def test_enums_and_odd_names_hold(t):
    script = '''
        CREATE TABLE "Odd ""name"" 'x'"("key \"\" a" INTEGER PRIMARY KEY, state TEXT CHECK (state IN ('on', 'off''s')) DEFAULT 'on',
            "select" TEXT NOT NULL DEFAULT 'it''s \\', CHECK (length("select") > 0));
        CREATE INDEX "in dex" ON "Odd ""name"" 'x'"("select", state) WHERE "select" <> 'x';
        INSERT INTO "Odd ""name"" 'x'" VALUES (1, 'on', 'a');'''
    for schema, plan in (("one", {}), ("two", {"enums": True}), ("three", {"names": "snake_case"})):
        t.import_(t.file("odd.db", script), {"schema": schema, **plan})
        rows = t.rows("SELECT * FROM verify_constraints()")
        assert len(rows) == 8 and all(row["state"] == "holds" for row in rows), [row for row in rows if row["state"] != "holds"]


def test_a_file_of_many_tables(t):
    script = "".join(f"CREATE TABLE t{i}(id INTEGER PRIMARY KEY, a TEXT NOT NULL DEFAULT 'x' CHECK (a <> ''), p INTEGER REFERENCES t{max(i - 1, 0)}(id));"
                     f"CREATE INDEX i{i} ON t{i}(p);" for i in range(300))
    t.import_(t.file("many.db", script))
    assert t.value("SELECT count(*) || '/' || bool_and(ok) FROM verify_constraints()") == "2100/true"


def test_views_hold_while_they_are_there(t):
    path = t.file("v.db", "CREATE TABLE t(id INTEGER PRIMARY KEY, n INTEGER); CREATE VIEW v AS SELECT id, n FROM t WHERE n > 1;"
                          " CREATE VIEW w AS SELECT id FROM v; CREATE VIEW odd AS SELECT fts(n) FROM t;")
    state = lambda: {row["name"]: (row["state"], row["reason"]) for row in t.rows("SELECT * FROM verify_constraints() WHERE kind = 'view'")}  # noqa: E731
    t.import_(path, {"views": False})
    left_out = state()
    assert {name: state for name, (state, _) in left_out.items()} == dict.fromkeys(("v", "w", "odd"), "left out")
    assert all("is left out by the plan" in reason for _, reason in left_out.values()), left_out
    t.import_(path, {"existing_rows": "replace"})
    held = state()
    assert (held["v"], held["w"], held["odd"][0]) == (("holds", None), ("holds", None), "left out"), held
    assert "is not carried over: " in held["odd"][1]
    assert t.value("SELECT verdict FROM migration_verdict()") == "pass"
    t.sql("DROP VIEW w")
    assert state()["w"] == ("missing", "the view does not exist")
    t.sql("CREATE TABLE w (id int)")
    assert state()["w"] == ("missing", "another relation has its name")
    assert t.value("SELECT verdict FROM migration_verdict()") == "investigate"
    t.sql("DROP TABLE w; CREATE MATERIALIZED VIEW w AS SELECT id FROM v")
    assert state()["w"] == ("holds", None)
