"""What somebody tries who wants the import to fail, to lie, or to do his work for him."""

import pytest

from client import fails


def test_a_cancel_stays_a_cancel_when_a_run_goes_on(t):
    """`on_error: "continue"` catches errors of steps; a cancel passes through it with its own SQLSTATE."""
    path = t.file("slow.db", "CREATE TABLE t (a INTEGER PRIMARY KEY, b TEXT); INSERT INTO t VALUES (1, 'x');")
    plan = {"on_error": "continue", "after": "SELECT pg_sleep(60)"}
    with fails("57014", "timeout"):
        t.sql("SET statement_timeout = '1s'; " + t.call("sqlite_import", path, plan))
    assert t.value("SELECT count(*) FROM pg_tables WHERE schemaname = 'public'") == "0"
    # WHEN OTHERS does not catch a cancel; an internal error in its place would be caught.
    block = "DO $$ BEGIN PERFORM * FROM sqlite_import('{}', '{}'); EXCEPTION WHEN OTHERS THEN NULL; END $$"
    body = block.format(path, '{"on_error": "continue", "after": "SELECT pg_sleep(60)"}')
    with fails("57014", "statement timeout"):
        t.sql(f"SET statement_timeout = '1s'; {body}")


def test_a_role_cannot_run_code_through_the_run_log(t):
    """What bears a logged name by now may be a view: a superuser's verify_counts() must not run what is in it."""
    path = t.file("v.db", "CREATE TABLE v (a INTEGER PRIMARY KEY); INSERT INTO v VALUES (1);")
    t.role("adversary", "CREATE ON SCHEMA public", "pg_read_server_files")
    t.sql(t.call("sqlite_import", path), user="adversary")
    t.sql("""
        CREATE TABLE ran (who text);
        CREATE FUNCTION evil() RETURNS bool LANGUAGE plpgsql AS
            $$ BEGIN INSERT INTO public.ran VALUES (current_user); RETURN true; END $$;
        GRANT ALL ON ran TO PUBLIC;
        DROP TABLE v;
        CREATE VIEW v AS SELECT 1 AS a WHERE public.evil();
        """, user="adversary")
    with fails("42704", "no recorded run"):
        t.sql("SELECT * FROM verify_counts()")
    run = t.value("SELECT max(id) FROM sqlite_migrate.run")
    for user in ("adversary", "postgres"):
        own = t.sql(f"SELECT target_rows, ok, detail FROM verify_counts({run})", user)
        assert own.out.strip() == "|f|not counted: it is not a table", own.out
    t.sql("CREATE TYPE trap AS (a int); CREATE FUNCTION spring(trap) RETURNS int LANGUAGE plpgsql AS"
          " $$ BEGIN INSERT INTO public.ran VALUES (current_user); RETURN 1; END $$;"
          " CREATE CAST (trap AS int) WITH FUNCTION spring(trap) AS IMPLICIT; CREATE TABLE bait (a trap);"
          " INSERT INTO bait VALUES (ROW(1)); CREATE SEQUENCE s OWNED BY bait.a", user="adversary")
    assert t.rows("SELECT detail FROM reset_sequences()") == [{"detail": "not looked at: its type is public.trap"}]
    assert t.value("SELECT count(*) FROM ran") == "0"


@pytest.mark.parametrize("call", ["verify_values(1)", "verify_differences(1)", "verify_repair(1)", "verify_constraints(1)", "migration_verdict(1)"])
def test_a_role_cannot_run_code_through_the_plan_of_a_run(t, call):
    """A plan is tried on the server where its table does not exist, and planning a statement evaluates immutable functions."""
    path = t.file("t.db", "CREATE TABLE t (id INTEGER PRIMARY KEY, n INTEGER); INSERT INTO t VALUES (1, 1);")
    t.role("adversary", "CREATE ON SCHEMA public", "pg_read_server_files")
    t.sql("""CREATE SEQUENCE ran; CREATE FUNCTION evil(n int) RETURNS int IMMUTABLE LANGUAGE plpgsql AS
        $$ BEGIN IF current_user <> 'adversary' THEN PERFORM nextval('public.ran'); END IF; RETURN n; END $$""", user="adversary")
    t.sql(t.call("sqlite_import", path, {"tables": {"t": {"columns": {"n": {"generated": "public.evil(1)"}}}}}), user="adversary")
    t.sql("DROP TABLE t", user="adversary")
    t.sql(f"SELECT * FROM {call}")
    assert t.value("SELECT is_called FROM ran") == "f"


def test_a_constant_of_another_role_s_plan_is_read_with_that_role_s_rights(t):
    """Where an expression is analysed, the text of a composite type is read, which runs the checks of its domains."""
    path = t.file("t.db", "CREATE TABLE t (id INTEGER PRIMARY KEY, n INTEGER DEFAULT 5); INSERT INTO t VALUES (1, 1);")
    t.role("adversary", "CREATE ON SCHEMA public", "pg_read_server_files")
    t.sql("""CREATE SEQUENCE ran; CREATE FUNCTION evil(n int) RETURNS bool IMMUTABLE LANGUAGE plpgsql AS
        $$ BEGIN IF current_user <> 'adversary' THEN PERFORM nextval('public.ran'); END IF;
            PERFORM set_config('application_name', 'taken over', false); RETURN true; END $$;
        CREATE DOMAIN small AS int CHECK (evil(VALUE)); CREATE TYPE pair AS (a small);
        CREATE FUNCTION first(pair) RETURNS int IMMUTABLE LANGUAGE sql AS 'SELECT $1.a::int'""", user="adversary")
    t.sql(t.call("sqlite_import", path, {"tables": {"t": {"columns": {"n": {"default": "public.first('(1)')"}}}}}), user="adversary")
    session = t.session()
    for call in ("verify_constraints(1)", "migration_verdict(1)"):
        session.run(f"SELECT * FROM {call}")
    assert t.value("SELECT is_called FROM ran") == "f"
    assert session.value("SELECT current_setting('application_name')") != "taken over"
    assert session.value("SELECT state FROM verify_constraints(1) WHERE kind = 'default'") == "holds"


def test_a_name_in_the_log_that_is_no_table_any_more(t):
    path = t.file("one.db", "CREATE TABLE t (a INTEGER PRIMARY KEY); INSERT INTO t VALUES (1);")
    t.import_(path)
    for other in ("CREATE TYPE t AS (a int)", "CREATE SEQUENCE t", "CREATE TABLE u (a int); CREATE INDEX t ON u (a)"):
        row = t.rows("SELECT * FROM verify_counts()")[0]
        said = t.value(f"BEGIN; DROP TABLE t; {other}; SELECT schema, \"table\", source_rows, target_rows, ok, detail FROM verify_counts(); ROLLBACK")
        assert row["ok"] and said == "public|t|1||f|not counted: it is not a table", said
    gone = t.value("BEGIN; DROP TABLE t; SELECT detail FROM verify_counts(); ROLLBACK")
    assert gone == "not counted: it does not exist any more", gone


def test_sequences_of_odd_columns(t):
    """One sequence that cannot be reset does not keep the others from it."""
    t.sql("CREATE TABLE odd (u uuid, j jsonb, s text, n numeric); INSERT INTO odd (s, n) VALUES ('99', 7), ('100', 4.5);"
          "CREATE SEQUENCE su OWNED BY odd.u; CREATE SEQUENCE sj OWNED BY odd.j; CREATE SEQUENCE ss OWNED BY odd.s;"
          "CREATE SEQUENCE sn OWNED BY odd.n; CREATE TABLE plain (id serial); INSERT INTO plain VALUES (42)")
    rows = [(row["sequence"], row["new_value"], row["detail"]) for row in t.rows("SELECT * FROM reset_sequences()")]
    odd = [(f"public.s{c}", None, f"not looked at: its type is {kind}") for c, kind in (("u", "uuid"), ("j", "jsonb"), ("s", "text"))]
    assert rows == odd + [("public.sn", 7, None), ("public.plain_id_seq", 42, None)], rows


def test_before_and_after_may_not_end_the_transaction(t):
    path = t.file("one.db", "CREATE TABLE t (a INTEGER PRIMARY KEY); INSERT INTO t VALUES (1);")
    for key in ("before", "after"):
        for statement in ("COMMIT", "ROLLBACK", "SAVEPOINT x", "COPY pg_class TO STDOUT"):
            t.import_fails(path, {key: statement}, "0A000", statement, hint="caller")
    assert t.value("SELECT count(*) FROM pg_tables WHERE schemaname = 'public'") == "0"


def test_a_misspelt_column_in_where_is_no_string(t):
    path = t.file("one.db", "CREATE TABLE t (a INTEGER PRIMARY KEY, name TEXT); INSERT INTO t VALUES (1, 'x');")
    where = lambda condition: {"tables": {"t": {"where": condition}}}
    t.import_fails(path, where("\"nmae\" = 'x'"), "22023", "no such column: .*nmae", hint="where")
    assert t.import_(path, where("\"name\" = 'x'"))["t"]["imported"] == 1


def test_names_and_literals_in_another_encoding(t):
    """Not only values: names, defaults and conditions are converted to the database's encoding as well."""
    name = t.other_database("latin1", "ENCODING 'LATIN1' LOCALE 'C' TEMPLATE template0")
    run = lambda sql: t.server.run(name, sql)  # noqa: E731
    path = t.file("latin.db", "CREATE TABLE café (é TEXT DEFAULT 'ü' CHECK (é <> 'ß')); INSERT INTO café VALUES ('ï');")
    run(t.call("sqlite_import", path))
    assert run("INSERT INTO café DEFAULT VALUES; SELECT string_agg(é, ',') FROM café").out.strip() == "ï,ü"
    with fails("23514", "café_é_check"):
        run("INSERT INTO café VALUES ('ß')")
    run(t.call("sqlite_import", path, {"existing_rows": "append"}))
    kanji = t.file("kanji.db", "CREATE TABLE 東京 (a INTEGER)")
    with fails("22P05", r"has characters that the database's encoding LATIN1 lacks: \\u\{4eac\} \\u\{6771\}"):
        run(t.call("sqlite_import", kanji))


@pytest.mark.parametrize("encoding", ("EUC_JP", "SQL_ASCII"))
def test_databases_of_other_encodings_take_the_extension(t, encoding):
    """The extension's script is ASCII; ICU collations are not planned where the server has none."""
    path = t.file("nocase.db", "CREATE TABLE t (v TEXT COLLATE NOCASE UNIQUE); INSERT INTO t VALUES ('x');")
    name = t.other_database(encoding.lower(), f"ENCODING '{encoding}' LOCALE 'C' TEMPLATE template0")
    t.server.run(name, t.call("sqlite_import", path))


def test_settings_of_the_session_do_not_change_values(t):
    """Decoders are chosen by the names of types, which these settings spell otherwise."""
    path = t.file("types.db", """
        CREATE TABLE t (a INTEGER PRIMARY KEY, b BLOB, c DATETIME, d JSON, e UUID, f DECIMAL(5,2), g BOOLEAN, h TEXT);
        INSERT INTO t VALUES (1, x'00ff5c', '2020-01-02 03:04:05', '{"a":1.10}', 'a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11',
                              1.25, 1, 'q\\');""")
    seen = set()
    for setting in ("quote_all_identifiers = off", "quote_all_identifiers = on", "datestyle = 'German, DMY'",
                    "bytea_output = escape", "standard_conforming_strings = off", "extra_float_digits = -15"):
        t.sql(f"SET {setting}; {t.call('sqlite_import', path, {'existing_rows': 'replace'})}")
        seen.add(t.value("SELECT t::text FROM t"))
        t.sql(f"SET {setting}; {t.call('sqlite_import', path, {'existing_rows': 'truncate'})}")
        seen.add(t.value("SELECT t::text FROM t"))
    assert len(seen) == 1, seen


def test_an_empty_list_is_not_everything(t):
    path = t.file("one.db", "CREATE TABLE t (a INTEGER PRIMARY KEY); INSERT INTO t VALUES (1);")
    t.import_fails(path, {"include": []}, "22023", "plan.include", hint="all tables")


def test_a_cancel_while_a_notice_is_sent_leaves_no_open_file(t):
    """The server serves interrupts when it sends a message; many small tables are many messages."""
    path = t.file("many.db", "".join(f"CREATE TABLE t{i} (a); INSERT INTO t{i} VALUES ({i});" for i in range(150)))
    session = t.session()
    for timeout in range(60, 460, 20):
        call = t.call("sqlite_import", path, {"on_error": "continue"})
        result = session.attempt(f"BEGIN; SET LOCAL statement_timeout = {timeout}; {call}; ROLLBACK")
        assert result.sqlstate in (None, "57014"), result
        session.run("ROLLBACK")
        assert session.open_files(t.dir) == [], timeout
