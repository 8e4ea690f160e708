"""What the plan's keys do to rows, names and keys."""

import difflib
import re

import pytest

import app_db
import sqlstates as s

BAD_CELLS = """
CREATE TABLE t (id INTEGER PRIMARY KEY, n INTEGER, d TEXT);
INSERT INTO t VALUES (1, 10, 'a'), (2, 'n/a', 'b'), (3, 30, 'c'), (4, x'ff', 'd');
"""
AS_BIGINT = {"tables": {"t": {"columns": {"n": {"type": "bigint"}}}}}


def with_keys(plan, **keys):
    return {**plan, **keys}


def test_on_invalid_error(t):
    path = t.file("bad.db", BAD_CELLS)
    result = t.import_fails(path, with_keys(AS_BIGINT, on_invalid="error"), s.INVALID_VALUE, r'column "n" of table "t"\n.*rowid 2: .*\'n/a\'', hint="on_invalid")
    said = result.message + result.detail
    assert 'column "n" of table "t"' in said and "'n/a'" in said and "rowid 2" in said, said
    assert t.value("SELECT count(*) FROM pg_tables WHERE schemaname = 'public'") == "0"


def test_on_invalid_null(t):
    path = t.file("bad.db", BAD_CELLS)
    row = t.import_(path, with_keys(AS_BIGINT, on_invalid="null"))["t"]
    assert (row["imported"], row["rejected"]) == (4, 0)
    assert t.value("SELECT string_agg(coalesce(n::text, 'null'), ',' ORDER BY id) FROM t") == "10,null,30,null"


def test_on_invalid_reject(t):
    path = t.file("bad.db", BAD_CELLS)
    row = t.import_(path, with_keys(AS_BIGINT, on_invalid="reject"))["t"]
    assert (row["source_rows"], row["imported"], row["rejected"]) == (4, 2, 2), row
    assert t.value("SELECT string_agg(id::text, ',' ORDER BY id) FROM t") == "1,3"
    rejects = t.rows("SELECT source_table, rowid, values FROM sqlite_migrate.reject ORDER BY rowid")
    assert [(r["source_table"], r["rowid"]) for r in rejects] == [("t", 2), ("t", 4)], rejects
    assert rejects[0]["values"]["n"] == "n/a" and rejects[0]["values"]["d"] == "b", rejects
    assert all(c["ok"] for c in t.rows("SELECT * FROM verify_counts()"))


def test_on_invalid_text(t):
    path = t.file("bad.db", "CREATE TABLE t (id INTEGER PRIMARY KEY, n INTEGER); INSERT INTO t VALUES (1, 10), (2, 'n/a');")
    row = t.import_(path, with_keys(AS_BIGINT, on_invalid="text"))["t"]
    assert row["imported"] == 2 and t.type_of("t", "n") == "text"
    assert t.value("SELECT string_agg(n, ',' ORDER BY id) FROM t") == "10,n/a"


def test_on_invalid_of_one_column(t):
    path = t.file("bad.db", BAD_CELLS)
    plan = {"on_invalid": "error", "tables": {"t": {"columns": {"n": {"type": "bigint", "on_invalid": "null"}}}}}
    assert t.import_(path, plan)["t"]["imported"] == 4


def test_nul_in_text(t):
    path = t.file("nul.db", "CREATE TABLE t (id INTEGER PRIMARY KEY, v TEXT);"
                            "INSERT INTO t VALUES (1, 'ok'), (2, CAST(x'610062' AS TEXT));")
    as_text = {"tables": {"t": {"columns": {"v": {"type": "text"}}}}}
    t.import_fails(path, as_text, s.INVALID_VALUE, "rowid 2: .*text contains a NUL character", hint="on_invalid")
    t.import_(path)
    assert t.type_of("t", "v") == "bytea", "a NUL was dropped"


ORPHANS = """
CREATE TABLE p (id INTEGER PRIMARY KEY, name TEXT);
CREATE TABLE c (id INTEGER PRIMARY KEY, p_id INTEGER REFERENCES p (id) ON DELETE CASCADE);
INSERT INTO p VALUES (1, 'one');
INSERT INTO c VALUES (1, 1), (2, 77), (3, NULL), (4, 78);
"""


def test_orphans_error(t):
    path = t.file("orphans.db", ORPHANS)
    result = t.import_fails(path, {}, s.ORPHANS, r'foreign key c\(p_id\): 2 rows .* no row of "p" \(rowid 2, rowid 4\)', hint="orphans")
    assert "2" in result.message + result.detail
    blocking = [f for f in t.findings(path) if f["severity"] == "blocking"]
    assert blocking and "orphans" in blocking[0]["hint"], blocking


def test_orphans_reject(t):
    row = t.import_(t.file("orphans.db", ORPHANS), {"orphans": "reject"})["c"]
    assert (row["source_rows"], row["imported"], row["rejected"]) == (4, 2, 2), row
    assert t.value("SELECT string_agg(id::text, ',' ORDER BY id) FROM c") == "1,3"
    rejects = t.rows("SELECT source_table, values FROM sqlite_migrate.reject")
    assert sorted(int(r["values"]["id"]) for r in rejects) == [2, 4], rejects
    assert "NOT VALID" not in t.constraints("c", "f") and "CASCADE" in t.constraints("c", "f")


def test_orphans_null(t):
    row = t.import_(t.file("orphans.db", ORPHANS), {"orphans": "null"})["c"]
    assert (row["imported"], row["rejected"]) == (4, 0)
    assert t.value("SELECT count(*) FROM c WHERE p_id IS NULL") == "3"
    assert row["detail"] == "written as pages; p_id became NULL in 2 rows without a parent", row["detail"]
    assert "NOT VALID" not in t.constraints("c", "f")


def test_one_row_is_not_rows(t):
    path = t.file("one.db", "CREATE TABLE p (id INTEGER PRIMARY KEY); INSERT INTO p VALUES (1);"
                            "CREATE TABLE c (id INTEGER PRIMARY KEY, p_id INTEGER REFERENCES p (id), n INTEGER); INSERT INTO c VALUES (1, 1, 2), (2, 77, 'x')")
    types = {"tables": {"c": {"columns": {"n": {"type": "bigint", "on_invalid": "null"}}}}}
    said = t.sql(t.call("sqlite_import", path, {"orphans": "null", "notices": "tables", **types}))
    assert any(re.fullmatch(r'"public"."p": 1 row in \d+\.\d\d s \(. of 2\)', notice.message) for notice in said.notices), said.notices
    assert t.value("SELECT count(*) FROM c WHERE p_id IS NULL AND n IS NULL") == "1"
    t.sql("DROP TABLE c, p")
    row = t.import_(path, {"orphans": "null", **types})["c"]
    assert row["detail"] == "1 value became NULL because it did not fit; written as pages; p_id became NULL in 1 row without a parent", row["detail"]
    t.sql("DROP TABLE c, p")
    assert t.import_(path, {"orphans": "reject", **types})["c"]["detail"].endswith("1 row without a parent was rejected")


def test_orphans_keep(t):
    row = t.import_(t.file("orphans.db", ORPHANS), {"orphans": "keep"})["c"]
    assert row["imported"] == 4 and "NOT VALID" in t.constraints("c", "f")
    assert row["detail"], "the unvalidated constraint is not reported"


def test_orphans_along_a_chain(t):
    """A table that points to itself: every rejected row orphans the next, which takes one pass each."""
    path = t.file("self.db", """
        CREATE TABLE n (id INTEGER PRIMARY KEY, up INTEGER REFERENCES n);
        INSERT INTO n VALUES (1, NULL), (2, 99), (3, 2), (4, 3), (5, 1);""")
    row = t.import_(path, {"orphans": "reject"})["n"]
    assert (row["imported"], row["rejected"]) == (2, 3), row
    assert t.value("SELECT string_agg(id::text, ',' ORDER BY id) FROM n") == "1,5"
    assert "NOT VALID" not in t.constraints("n", "f")


def test_orphans_of_an_orphan(t):
    """Rejecting a row makes its own children orphans."""
    path = t.file("chain.db", """
        CREATE TABLE a (id INTEGER PRIMARY KEY); CREATE TABLE b (id INTEGER PRIMARY KEY, a INTEGER REFERENCES a);
        CREATE TABLE c (id INTEGER PRIMARY KEY, b INTEGER REFERENCES b);
        INSERT INTO a VALUES (1); INSERT INTO b VALUES (1, 1), (2, 99); INSERT INTO c VALUES (1, 1), (2, 2);""")
    rows = t.import_(path, {"orphans": "reject"})
    assert (rows["b"]["imported"], rows["c"]["imported"]) == (1, 1), rows
    assert "NOT VALID" not in t.constraints("c", "f")


TWO_ROWS = "CREATE TABLE t (id INTEGER PRIMARY KEY, v TEXT UNIQUE); INSERT INTO t VALUES (1, 'a'), (2, 'b');"


def existing(t, rows):
    t.sql("CREATE TABLE t (id bigint PRIMARY KEY, v text, extra int DEFAULT 7); CREATE INDEX t_mine ON t (v)")
    t.sql("CREATE TABLE noise (n int); CREATE FUNCTION noise() RETURNS trigger LANGUAGE plpgsql AS"
          " $$BEGIN INSERT INTO public.noise VALUES (1); RETURN NEW; END$$;"
          " CREATE TRIGGER mine BEFORE INSERT ON t FOR EACH ROW EXECUTE FUNCTION noise()")
    if rows:
        t.sql(f"ALTER TABLE t DISABLE TRIGGER USER; INSERT INTO t VALUES {rows}; ALTER TABLE t ENABLE TRIGGER USER")


def test_existing_empty_table_is_loaded(t):
    existing(t, "")
    assert t.import_(t.file("two.db", TWO_ROWS))["t"]["imported"] == 2
    assert t.value("SELECT string_agg(id || v || extra, ',' ORDER BY id) FROM t") == "1a7,2b7"
    kept = t.value("SELECT count(*) FROM pg_indexes WHERE tablename = 't' AND indexname IN ('t_mine', 't_pkey')")
    assert kept == "2", "an index of the existing table is gone"
    assert t.value("SELECT tgenabled FROM pg_trigger WHERE tgname = 'mine'") == "O"


def test_existing_triggers_are_out_of_the_way(t):
    existing(t, "")
    t.import_(t.file("two.db", TWO_ROWS))
    assert t.value("SELECT count(*) FROM noise") == "0", "a user's trigger fired during the load"


def test_existing_rows_error(t):
    existing(t, "(9, 'z', 1)")
    t.import_fails(t.file("two.db", TWO_ROWS), {}, s.EXISTS, "^t: .*holds 1 row", hint="existing_rows")
    assert t.value("SELECT count(*) FROM t") == "1"


def test_existing_rows_append(t):
    existing(t, "(9, 'z', 1)")
    assert t.import_(t.file("two.db", TWO_ROWS), {"existing_rows": "append"})["t"]["imported"] == 2
    assert t.value("SELECT string_agg(id || v || extra, ',' ORDER BY id) FROM t") == "1a7,2b7,9z1"
    assert t.value("SELECT ok FROM verify_counts()") in ("t", "true")


def test_existing_rows_append_conflict(t):
    existing(t, "(1, 'z', 1)")
    t.import_fails(t.file("two.db", TWO_ROWS), {"existing_rows": "append"}, s.DUPLICATE_KEY, r"t_pkey.*\(id\)=\(1\)")
    assert t.value("SELECT string_agg(id || v, ',') FROM t") == "1z"


def test_existing_rows_truncate(t):
    existing(t, "(9, 'z', 1)")
    assert t.import_(t.file("two.db", TWO_ROWS), {"existing_rows": "truncate"})["t"]["imported"] == 2
    assert t.value("SELECT string_agg(id || v || extra, ',' ORDER BY id) FROM t") == "1a7,2b7"


def test_existing_rows_replace(t):
    existing(t, "(9, 'z', 1)")
    assert t.import_(t.file("two.db", TWO_ROWS), {"existing_rows": "replace"})["t"]["imported"] == 2
    assert t.value("SELECT count(*) FROM pg_attribute WHERE attrelid = 't'::regclass AND attname = 'extra'") == "0"
    assert t.value("SELECT string_agg(id || v, ',' ORDER BY id) FROM t") == "1a,2b"


def test_create_always(t):
    existing(t, "")
    t.import_fails(t.file("two.db", TWO_ROWS), {"create": "always"}, s.EXISTS, '^t: .* exists, and the plan says create: "always"')
    t.import_(t.file("two.db", TWO_ROWS), {"create": "always", "existing_rows": "replace"})


CAMEL = """
CREATE TABLE "UserAccount" ("userId" INTEGER PRIMARY KEY, "HTTPCode" INTEGER, "plain" TEXT);
CREATE TABLE "orderItem" ("id" INTEGER PRIMARY KEY, "userId" INTEGER REFERENCES "UserAccount");
CREATE UNIQUE INDEX "orderItem_userId_key" ON "orderItem" ("userId");
INSERT INTO "UserAccount" VALUES (1, 200, 'x'); INSERT INTO "orderItem" VALUES (5, 1);
"""


def names_of(t):
    return t.value("SELECT string_agg(c.relname || '.' || a.attname, ' ' ORDER BY c.relname, a.attnum) FROM pg_class c"
                   " JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum > 0"
                   " WHERE c.relkind = 'r' AND c.relnamespace = 'public'::regnamespace")


def test_names_preserve(t):
    t.import_(t.file("camel.db", CAMEL), {"names": "preserve"})
    assert names_of(t) == "UserAccount.userId UserAccount.HTTPCode UserAccount.plain orderItem.id orderItem.userId"


def test_names_lower(t):
    t.import_(t.file("camel.db", CAMEL), {"names": "lower"})
    assert names_of(t) == "orderitem.id orderitem.userid useraccount.userid useraccount.httpcode useraccount.plain"


def test_names_snake_case(t):
    t.import_(t.file("camel.db", CAMEL), {"names": "snake_case"})
    assert names_of(t) == "order_item.id order_item.user_id user_account.user_id user_account.http_code user_account.plain"
    assert "REFERENCES user_account(user_id)" in t.constraints("order_item", "f")


def test_name_collisions(t):
    path = t.file("collide.db", 'CREATE TABLE "userId" (a); CREATE TABLE "user_id" (a); INSERT INTO "userId" VALUES (1);'
                                'CREATE TABLE x ("aB" INTEGER, "a_b" INTEGER); INSERT INTO x VALUES (1, 2);')
    rows = t.import_(path, {"names": "snake_case"})
    assert len(rows) == 3, rows
    assert t.value("SELECT count(*) FROM pg_tables WHERE schemaname = 'public'") == "3"
    assert [f for f in t.findings(path, {"names": "snake_case"}) if "user" in f["object"]]
    assert t.plan(path, {"names": "snake_case"}) == t.plan(path, {"names": "snake_case"})


NULL_KEY = "CREATE TABLE t (k INT PRIMARY KEY, v TEXT); INSERT INTO t VALUES (NULL, 'a'), (1, 'b'), (NULL, 'c');"


def test_keys_strict(t):
    t.import_fails(t.file("nullkey.db", NULL_KEY), {}, s.NULL_KEY, r"primary key of t: 2 rows .*\(rowid 1, rowid 3\)", hint="as_data_allows")


def test_keys_as_data_allows(t):
    row = t.import_(t.file("nullkey.db", NULL_KEY), {"keys": "as_data_allows"})["t"]
    assert row["imported"] == 3 and t.constraints("t", "p") == ""
    unique = t.value("SELECT count(*) FROM pg_index WHERE indrelid = 't'::regclass AND indisunique")
    assert unique == "1", "the strongest key that the data allows is UNIQUE"


def test_foreign_key_to_a_missing_table(t):
    path = t.file("chroma.db", "CREATE TABLE c (id INTEGER PRIMARY KEY, p INTEGER REFERENCES gone (id)); INSERT INTO c VALUES (1, 1), (2, NULL);")
    assert [f for f in t.findings(path) if "gone" in f["message"] + f["object"]]
    rows = t.import_(path, {"keys": "as_data_allows"})
    assert rows["c"]["imported"] == 2 and t.constraints("c", "f") == ""


def test_on_error_continue(t):
    path = t.file("one_bad.db", BAD_CELLS + "CREATE TABLE good (id INTEGER PRIMARY KEY); INSERT INTO good VALUES (1);")
    t.import_fails(path, AS_BIGINT, s.INVALID_VALUE, 'column "n" of table "t"')
    rows = t.import_(path, with_keys(AS_BIGINT, on_error="continue"))
    assert rows["good"]["imported"] == 1 and rows["t"]["imported"] == 0 and rows["t"]["detail"], rows
    assert (rows["t"]["status"], rows["good"]["status"]) == ("failed", "loaded"), rows


def test_include_exclude_skip_where(t):
    path = t.file("many.db", "".join(f"CREATE TABLE {n} (id INTEGER PRIMARY KEY); INSERT INTO {n} VALUES (1), (2), (3);"
                                     for n in ("app_a", "app_b", "app_c", "log_a")))
    plan = {"include": ["app_*"], "exclude": ["*_c"], "tables": {"app_b": {"where": "id > 1", "target": "b"}}}
    rows = t.import_(path, plan)
    assert set(rows) == {"app_a", "b"} and rows["b"]["imported"] == 2, rows
    assert set(t.import_(path, {"schema": "s", "tables": {"app_a": {"skip": True}}})) >= {"app_b", "app_c", "log_a"}
    assert t.value("SELECT count(*) FROM pg_tables WHERE schemaname = 's'") == "3"


def test_columns(t):
    path = t.file("columns.db", "CREATE TABLE t (a INTEGER, b TEXT, c TEXT); INSERT INTO t VALUES (1, '2', '3');")
    plan = {"tables": {"t": {"columns": {"a": {"name": "alpha", "type": "numeric(10,2)", "nullable": False},
                                         "b": {"type": "integer", "default": "42"}, "c": {"skip": True}}}}}
    t.import_(path, plan)
    assert t.value("SELECT t::text FROM t") == "(1.00,2)"
    assert t.value("INSERT INTO t (alpha) VALUES (5) RETURNING b") == "42"
    assert t.value("SELECT attnotnull FROM pg_attribute WHERE attrelid = 't'::regclass AND attname = 'alpha'") == "t"


def test_before_after_and_types(t):
    path = t.file("types.db", "CREATE TABLE t (id INTEGER PRIMARY KEY, at DATETIME); INSERT INTO t VALUES (1, '2024-01-01 12:00:00');")
    plan = {"types": {"DATETIME": "timestamptz"}, "timezone": "Europe/Berlin",
            "before": ["CREATE TABLE public.before_ran ()"], "after": ["CREATE TABLE public.after_ran AS SELECT count(*) FROM public.t"]}
    t.import_(path, plan)
    assert t.shown("SELECT at FROM t") == "2024-01-01 11:00:00+00"
    assert t.value("SELECT count FROM after_ran") == "1"


def test_switches(t):
    path = t.file("switches.db", """
        CREATE TABLE p (id INTEGER PRIMARY KEY); CREATE TABLE c (id INTEGER PRIMARY KEY, p INTEGER REFERENCES p, CHECK (id > 0));
        CREATE INDEX c_p ON c (p); INSERT INTO p VALUES (1); INSERT INTO c VALUES (1, 1);""")
    t.import_(path, {"schema": "a"})
    t.import_(path, {"schema": "b", "indexes": False, "foreign_keys": False, "checks": False, "profile": "none",
                     "verify": "none", "reset_sequences": False, "analyze": False})
    for kind, expected in (("f", 1), ("c", 1)):
        assert bool(t.constraints("c", kind, "a")) == bool(expected) and not t.constraints("c", kind, "b")
    assert t.value("SELECT count(*) FROM pg_indexes WHERE indexname = 'c_p'") == "1"


def test_plan_is_its_own_fixed_point(t):
    path = t.fixture("shapes")
    plan = t.plan(path, {"names": "snake_case"})
    assert t.plan(path, plan) == plan


def test_ddl_is_what_an_import_runs(t):
    """The statements alone, run by psql in another database, make the same schema, as pg_dump sees it."""
    by_hand = t.other_database("by_hand")
    app_db.build(t.dir / "app.db")
    for path in (t.own(t.dir / "app.db"), *(t.fixture(name) for name in ("sqlalchemy", "django", "shapes", "names"))):
        plan = {"schema": path.stem, "keys": "as_data_allows", "orphans": "keep"}
        steps = t.rows(t.call("sqlite_ddl", path, plan) + " ORDER BY ordinal")
        t.server.run(by_hand, "".join(step["sql"] + ";\n" for step in steps))
        t.import_(path, plan)
    dumped, made = t.server.dump_schema(t.database), t.server.dump_schema(by_hand)
    for thing in ("CREATE TABLE", "PRIMARY KEY", "FOREIGN KEY", "CREATE INDEX", "CHECK (", " DEFAULT ", "GENERATED"):
        assert thing in dumped, f"the fixtures have no {thing}"
    difference = list(difflib.unified_diff(made.splitlines(), dumped.splitlines(), "sqlite_ddl", "sqlite_import", "", "", 2))
    assert not difference, "\n".join(difference[:60])


def test_sequences(t):
    path = t.file("seq.db", "CREATE TABLE t (id INTEGER PRIMARY KEY AUTOINCREMENT); INSERT INTO t VALUES (5), (90); DELETE FROM t WHERE id = 90;"
                            "CREATE TABLE e (id INTEGER PRIMARY KEY); CREATE TABLE u (id INTEGER PRIMARY KEY); INSERT INTO u VALUES (7);")
    t.import_(path)
    assert [t.value(f"INSERT INTO {n} DEFAULT VALUES RETURNING id") for n in "teu"] == ["91", "1", "8"]
    t.sql("CREATE TABLE s (id serial, v int); INSERT INTO s VALUES (50, 1)")
    changed = {r["table"]: (r["schema"], r["column"], r["old_value"], r["new_value"]) for r in t.rows("SELECT * FROM reset_sequences()")}
    assert changed == {"t": ("public", "id", 91, 91), "e": ("public", "id", 1, 1), "u": ("public", "id", 8, 8),
                       "s": ("public", "id", None, 50)}, changed
    assert t.value("INSERT INTO s (v) VALUES (1) RETURNING id") == "51"


def test_generated_and_utf16(t):
    path = t.file("utf16.db", "CREATE TABLE t (a TEXT, b TEXT AS (upper(a)) STORED); INSERT INTO t (a) VALUES ('é😀'), ('x');", "UTF-16be")
    t.import_(path)
    assert t.value("SELECT string_agg(a, ',' ORDER BY a) FROM t") == "x,é😀"


def test_named_arguments_of_the_calls_after_a_run(t):
    """`run => n` and `schema => 's'` choose one of two imports."""
    path = t.file("two.db", TWO_ROWS)
    t.import_(path, {"schema": "one"})
    t.import_(path, {"schema": "two"})
    t.sql("DELETE FROM one.t")
    first = t.rows("SELECT * FROM verify_counts(run => 1)")
    assert [(r["schema"], r["source_rows"], r["target_rows"], r["ok"]) for r in first] == [("one", 2, 0, False)], first
    assert t.rows("SELECT schema, ok FROM verify_counts()") == [{"schema": "two", "ok": True}]
    t.sql("INSERT INTO one.t (id, v) VALUES (50, 'x'); INSERT INTO two.t (id, v) VALUES (50, 'x')")
    moved = t.rows("SELECT schema, old_value, new_value FROM reset_sequences(schema => 'two')")
    assert moved == [{"schema": "two", "old_value": 2, "new_value": 50}], moved
    assert t.value("SELECT last_value FROM one.t_id_seq") == "2"


def test_two_imports_in_one_transaction(t):
    one = t.file("one.db", TWO_ROWS)
    session = t.session()
    session.run("BEGIN")
    session.run(t.call("sqlite_import", one, {"schema": "a"}))
    session.run("SAVEPOINT s")
    session.run(t.call("sqlite_import", one, {"schema": "b"}))
    session.run("ROLLBACK TO s")
    session.run("COMMIT")
    assert t.value("SELECT string_agg(schemaname, ',') FROM pg_tables WHERE tablename = 't'") == "a"
    assert t.value("SELECT count(*) FROM sqlite_migrate.run") == "1"


def test_in_plpgsql_twice(t):
    path = t.file("two.db", TWO_ROWS)
    t.sql(f"DO $$ BEGIN FOR i IN 1..3 LOOP PERFORM * FROM sqlite_import('{path}', format('{{\"schema\": \"s%s\"}}', i)::jsonb);"
          " END LOOP; END $$")
    assert t.value("SELECT count(*) FROM pg_tables WHERE tablename = 't'") == "3"


def test_verify_counts_sees_a_lost_row(t):
    t.import_(t.file("two.db", TWO_ROWS))
    t.sql("DELETE FROM t WHERE id = 1")
    row = t.rows("SELECT * FROM verify_counts()")[0]
    assert (row["source_rows"], row["target_rows"], row["ok"]) == (2, 1, False), row
    run = t.value("SELECT max(id) FROM sqlite_migrate.run")
    assert t.rows(f"SELECT * FROM verify_counts(run => {run})")[0]["ok"] is False


@pytest.mark.parametrize("pg_type, good", (("bigint", "7"), ("numeric", "1.5"), ("inet", "10.0.0.1")))
def test_null_is_never_stored_in_a_not_null_column(t, pg_type, good):
    """`on_invalid: null` cannot help there, whoever converts the value: the server's own input functions or we."""
    path = t.file("nn.db", f"CREATE TABLE t (id INTEGER PRIMARY KEY, v TEXT NOT NULL); INSERT INTO t VALUES (1, '{good}'), (2, 'n/a');")
    for profile in ("full", "none"):
        plan = {"profile": profile, "tables": {"t": {"columns": {"v": {"type": pg_type, "on_invalid": "null"}}}}}
        t.import_fails(path, plan, s.INVALID_VALUE, r'column "v" of table "t"\n.*rowid 2: .*\'n/a\'')
        assert t.value("SELECT count(*) FROM pg_tables WHERE tablename = 't'") == "0"


@pytest.mark.parametrize("pg_type, good", (("bigint", "7"), ("numeric(9,2)", "1.5"), ("inet", "10.0.0.1")))
def test_one_row_with_two_bad_cells_is_one_reject(t, pg_type, good):
    path = t.file("two_bad.db", f"""CREATE TABLE t (id INTEGER PRIMARY KEY, a TEXT, b TEXT);
        INSERT INTO t VALUES (1, '{good}', '{good}'), (2, 'n/a', 'none'), (3, '{good}', 'none'), (4, '{good}', NULL);""")
    columns = {name: {"type": pg_type} for name in "ab"}
    row = t.import_(path, {"on_invalid": "reject", "existing_rows": "replace", "tables": {"t": {"columns": columns}}})["t"]
    assert (row["source_rows"], row["imported"], row["rejected"]) == (4, 2, 2), (pg_type, row)
    rejects = t.rows("SELECT rowid, source_column, values->>'a' AS a, values->>'b' AS b FROM sqlite_migrate.reject"
                     " WHERE run = (SELECT max(run) FROM sqlite_migrate.reject) ORDER BY rowid")
    assert rejects == [{"rowid": 2, "source_column": "a", "a": "n/a", "b": "none"},
                       {"rowid": 3, "source_column": "b", "a": good, "b": "none"}], (pg_type, rejects)
    assert t.value("SELECT string_agg(id::text, ',' ORDER BY id) FROM t") == "1,4"


@pytest.mark.parametrize("declared, hint", [("INTEGER", 'to "text", "null" or "reject"'), ("INTEGER NOT NULL", 'to "text" or "reject"')])
def test_a_value_of_a_column_that_is_not_null_is_not_advised_to_become_null(t, declared, hint):
    path = t.file("n.db", f"CREATE TABLE t (id INTEGER PRIMARY KEY, n {declared}); INSERT INTO t VALUES (1, 'x')")
    plan = {"tables": {"t": {"columns": {"n": {"type": "integer"}}}}}
    t.import_fails(path, plan, s.INVALID_VALUE, "the text value .x. cannot become integer", hint=hint)
    blocking = [f["hint"] for f in t.findings(path, plan) if f["severity"] == "blocking"]
    assert len(blocking) == 1 and hint in blocking[0], blocking


@pytest.mark.parametrize("kind", ["integer", "numeric"], ids=["by_reader", "by_server"])
def test_a_value_of_a_rejected_row_is_not_counted_as_null(t, kind):
    path = t.file("both.db", "CREATE TABLE t (a, b, c); INSERT INTO t VALUES ('x', 'y', ''), ('x', 1, ''), (1, 'y', 7), (1, 1, 1)")
    columns = {"a": {"type": kind, "on_invalid": "null"}, "b": {"type": kind, "on_invalid": "reject"}, "c": {"type": kind, "null_values": [""]}}
    loaded = t.import_(path, {"tables": {"t": {"columns": columns}}})["t"]
    assert (loaded["imported"], loaded["rejected"]) == (2, 2)
    assert loaded["detail"].startswith("1 value became NULL because it did not fit"), loaded
    assert t.value("SELECT count(*) - count(a), count(*) - count(c) FROM t") == "1|1"
