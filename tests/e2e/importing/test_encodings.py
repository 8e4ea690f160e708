"""Databases that are not UTF-8: what functions take and return, what messages, NOTICEs, EXPLAIN and the run log say."""

import json

import sqlstates as s
from client import fails
from harness import quote

ENCODINGS = ("LATIN1", "WIN1252", "EUC_JP", "SQL_ASCII")

FILE = """
    CREATE TABLE "tâche" ("clé" INTEGER PRIMARY KEY, "été" TEXT DEFAULT 'é' CHECK ("été" <> 'ü'), "prévu" DATETIME,
                          "somme" TEXT AS ("été" || 'ß'), UNIQUE ("été"));
    CREATE TABLE "enfant" (id INTEGER PRIMARY KEY, "tâche" INTEGER REFERENCES "tâche", "où" TEXT DEFAULT (inconnü('é')));
    CREATE VIEW "vué" AS SELECT "été" FROM "tâche";
    INSERT INTO "tâche" VALUES (1, 'à', '2024-01-02'), (2, 'é', 1700000000); INSERT INTO enfant VALUES (7, 2, 'ñ');"""

# How the functions are called, in this order; {path} is the file. A function that is not named here is a new one.
CALLS = {
    "sqlite_check": "sqlite_check({path})",
    "sqlite_chroma": "sqlite_chroma({path})",
    "sqlite_inspect": "sqlite_inspect({path}, {plan})",
    "sqlite_findings": "sqlite_findings({path}, {plan})",
    "sqlite_plan": "sqlite_plan({path}, {plan})",
    "sqlite_ddl": "sqlite_ddl({path}, {plan})",
    "sqlite_compare": "sqlite_compare({path}, {plan})",
    "sqlite_assess": "(SELECT string_agg(concat_ws(' ', subject, objects, automatic, with_findings, by_hand, level), ', ') FROM sqlite_assess({path}, {plan}))",
    "sqlite_assess_files": "sqlite_assess_files(regexp_replace({path}, '/[^/]*$', ''))",
    "sqlite_import": "sqlite_import({path}, {plan})",
    "sqlite_plan_merge": "sqlite_plan_merge({plan}, '{{\"names\": \"lower\"}}')",
    "sqlite_plan_schema": "sqlite_plan_schema()",
    "sqlite_translate": "sqlite_translate('SELECT \"été\" AS \"à\" FROM \"tâche\" WHERE \"été\" <> \'\'é\'\'', {path}, {plan})",
    "sqlite_fts_query": "(SELECT sqlite_fts_query('\"clé\" OR foo* NOT bar', tokenizer => 'ascii')::text AS query)",
    "sqlite_fts_vector": "sqlite_fts_vector('{{été}}', tokenizer => 'ascii')",
    "sqlite_export_bytes": "(SELECT substr(sqlite_export_bytes('{{\"schema\": \"schéma\"}}'), 1, 15) AS head)",
    "sqlite_export_plan": "sqlite_export_plan('{{\"schema\": \"schéma\"}}')",
    "sqlite_export_findings": "sqlite_export_findings('{{\"schema\": \"schéma\"}}')",
    "sqlite_export_ddl": "sqlite_export_ddl('{{\"schema\": \"schéma\"}}')",
    "sqlite_export": "sqlite_export(regexp_replace({path}, '[^/]*$', 'exporté.db'), '{{\"schema\": \"schéma\", \"overwrite\": true}}')",
    "verify_export": "verify_export(regexp_replace({path}, '[^/]*$', 'exporté.db'), '{{\"schema\": \"schéma\"}}')",
    "verify_counts": "verify_counts()",
    "verify_constraints": "verify_constraints()",
    "migration_verdict": "migration_verdict()",
    "verify_sequences": "verify_sequences()",
    "verify_values": "verify_values()",
    "verify_differences": "verify_differences()",
    "verify_repair": "verify_repair()",
    "sqlite_advise": "(SELECT * FROM sqlite_advise() WHERE subject <> 'setting')",
    "sqlite_report": "(SELECT r->'types' AS types, r->'findings' AS findings FROM CAST(sqlite_report(format => 'json') AS jsonb) r)",
    "sqlite_manifest": "sqlite_manifest({path}, {plan})",
    "verify_manifest": "verify_manifest(sqlite_manifest({path}, {plan}))",
    "sqlite_progress_page": "(SELECT sqlite_progress_page(0) LIKE '<!DOCTYPE html>%' AS a_page)",
    "reset_sequences": "reset_sequences('schéma')",
    "pg_sqlite_fdw_get_connections": "pg_sqlite_fdw_get_connections()",
    "pg_sqlite_fdw_disconnect": "pg_sqlite_fdw_disconnect('sérveur')",
    "pg_sqlite_fdw_disconnect_all": "pg_sqlite_fdw_disconnect_all()",
    "pg_sqlite_fdw_version": "pg_sqlite_fdw_version()",
    "sqlite_backup": "(SELECT pages, integrity FROM sqlite_backup({path}, regexp_replace({path}, '[^/]*$', 'sauvé' || current_database() || '.sauvegarde')))",
    "sqlite_rollback": "(SELECT string_agg(concat_ws(' ', object, action, rows), ', ' ORDER BY object) FROM sqlite_rollback(1))",
    "sqlite_forget": "(SELECT count(*) FROM sqlite_forget(1))",
}
PLAN = {"schema": "schéma", "notices": "tables", "nocase": "none", "tables": {"tâche": {"columns": {"été": {"name": "êté"}}}}}
FUNCTIONS = """
    SELECT p.proname FROM pg_proc p JOIN pg_depend d ON d.classid = 'pg_proc'::regclass AND d.objid = p.oid
    JOIN pg_extension e ON d.refclassid = 'pg_extension'::regclass AND d.refobjid = e.oid AND e.extname = 'pg_sqlite_migrate'
    WHERE d.deptype = 'e' AND p.pronamespace = 'public'::regnamespace AND p.prokind = 'f'
      AND p.prorettype <> 'fdw_handler'::regtype AND p.proname !~ '_validator$'"""
# What only a run of the clock decides.
QUERY = "SELECT jsonb_build_array(q) #- '{{0,seconds}}' #- '{{0,rows_per_second}}' FROM {} AS q"


def in_encoding(t, encoding):
    """Runs SQL in a database of this encoding; the client's is UTF-8."""
    name = t.other_database(encoding.lower(), f"ENCODING '{encoding}' LC_COLLATE 'C' LC_CTYPE 'C' TEMPLATE template0")
    return lambda sql, client="UTF8": t.server.run(name, f"SET client_encoding = '{client}'; {sql}")


def everything(t, run, path):
    """What every function returns, and what the log and EXPLAIN say, by name."""
    run(f"CREATE SERVER \"sérveur\" FOREIGN DATA WRAPPER pg_sqlite_fdw OPTIONS (database {quote(str(path))});"
        " CREATE SCHEMA \"étranger\"; IMPORT FOREIGN SCHEMA main FROM SERVER \"sérveur\" INTO \"étranger\"")
    # What the run before has exported is no file to be assessed.
    for made in (path.with_name("exporté.db"), *path.parent.glob("sauvé*")):
        made.unlink(missing_ok=True)
    names = run(FUNCTIONS).out.split()
    assert set(names) == set(CALLS), f"say how to call {set(names) ^ set(CALLS)}"
    said = {}
    for name, call in CALLS.items():
        call = call.format(path=quote(str(path)), plan=quote(json.dumps(PLAN, ensure_ascii=False)))
        touch = "SELECT count(*) FROM \"étranger\".\"tâche\"; " if "fdw" in name else ""
        if name == "sqlite_rollback":
            said["rows"] = run("SELECT * FROM \"schéma\".\"tâche\" ORDER BY 1").out
        result = run(touch + QUERY.format(call))
        said[name] = result.out
        if name == "sqlite_import":
            said["notices"] = [notice.message for notice in result.notices if notice.severity == "NOTICE"]
            assert any('"tâche"' in notice for notice in said["notices"]), result.told
            for table in ("run_table", "run_step", "finding"):
                query = f"SELECT to_jsonb(q) - '{{seconds,load_seconds,started_at}}'::text[] FROM sqlite_migrate.{table} q ORDER BY ordinal"
                said[table] = run(query).out
            said["plan of the log"] = run("SELECT plan FROM sqlite_migrate.run").out
    said["explain"] = run("EXPLAIN (COSTS off) SELECT \"été\" FROM \"étranger\".\"tâche\"").out
    assert 'r1."été"' in said["explain"], said["explain"]
    said["foreign rows"] = run("SELECT * FROM \"étranger\".\"tâche\" ORDER BY 1").out
    return {name: [line.split(" in ")[0] for line in text] if name == "notices" else text for name, text in said.items()}


def test_every_function_says_the_same_in_every_encoding(t):
    path = t.file("é.db", FILE)
    expected = everything(t, in_encoding(t, "UTF8"), path)
    for encoding in ENCODINGS:
        said = everything(t, in_encoding(t, encoding), path)
        for name, text in said.items():
            assert meaning(text) == meaning(expected[name]), (encoding, name, text, expected[name])


def meaning(text):
    """jsonb orders keys by their length in bytes; an ellipsis is in some encodings only."""
    lines = str(text).replace("...", "…").splitlines()
    return [json.loads(line) if line.startswith(("[{", "{")) else line for line in lines]


def test_the_clients_encoding_is_another_matter(t):
    path = t.file("é.db", FILE)
    run = in_encoding(t, "LATIN1")
    said = run(QUERY.format(f"sqlite_inspect({quote(str(path))})"), "LATIN1")
    assert '"été"' in said.out


KANJI = "CREATE TABLE 東京 (a INTEGER PRIMARY KEY, é TEXT DEFAULT '長い'); INSERT INTO 東京 VALUES (1, 'é'), (2, 'x')"
SPELT = r"\u{6771}\u{4eac}"


def test_what_the_encoding_lacks_is_an_escape_that_can_be_given_back(t):
    run = in_encoding(t, "LATIN1")
    path = t.file("kanji.db", KANJI)
    plan = json.loads(run(t.call("sqlite_plan", path, {})).out)
    assert list(plan["tables"]) == [SPELT], plan["tables"]
    again = run(f"SELECT sqlite_plan({quote(str(path))}, p) = p FROM sqlite_plan({quote(str(path))}) p")
    assert again.out == "t\n", again.out
    # A name that the database cannot have is found before anything is written; another one does.
    with fails(s.UNTRANSLATABLE, "a name or a default of the table has characters that the database's encoding LATIN1 lacks"):
        run(t.call("sqlite_import", path, {}))
    given = {"tables": {SPELT: {"target": "ville", "columns": {"é": {"default": None}}}}}
    run(t.call("sqlite_import", path, given))
    assert run("SELECT source_table, target_table, imported FROM sqlite_migrate.run_table").out == f"{SPELT}|ville|2\n"
    assert run("SELECT schema, \"table\", source_rows, target_rows, ok FROM verify_counts()").out == "public|ville|2|2|t\n"
    # In its own encoding every name is itself.
    assert in_encoding(t, "EUC_JP")(QUERY.format(f"sqlite_findings({quote(str(path))})")).out.find(SPELT) < 0
    t.import_(path)


def test_a_name_that_looks_like_an_escape_is_itself(t):
    run = in_encoding(t, "LATIN1")
    path = t.file("escapes.db", r"CREATE TABLE 'a\u{e9}' (id INTEGER PRIMARY KEY); CREATE TABLE '\u{41}' (id INTEGER PRIMARY KEY)")
    plan = run(f"SELECT sqlite_plan({quote(str(path))}, p) FROM sqlite_plan({quote(str(path))}) p WHERE sqlite_plan({quote(str(path))}, p) = p").out
    assert set(json.loads(plan)["tables"]) == {r"a\u{5c}u{e9}", r"\u{5c}u{41}"}
    run(t.call("sqlite_import", path, json.loads(plan)))
    # Only what the encoding lacks is spelt.
    run(t.call("sqlite_import", path, {"tables": {r"\u{41}": {"target": "b"}}, "existing_rows": "replace"}))
    assert run(r"SELECT string_agg(relname, ' ' ORDER BY relname) FROM pg_class WHERE relname IN (E'a\\u{e9}', E'\\u{41}', 'b')").out == "\\u{41} a\\u{e9} b\n"


def test_errors_that_were_caught_keep_their_characters(t):
    """Subtransactions, input functions and the reject log: what the server said goes through Rust and back."""
    run = in_encoding(t, "LATIN1")
    path = t.file("e.db", "CREATE TABLE t (a INTEGER PRIMARY KEY, é TEXT); INSERT INTO t VALUES (1, 'ü')")
    mood = {"tables": {"t": {"columns": {"é": {"type": "humeur"}}}}}
    run("CREATE TYPE humeur AS ENUM ('gaî')")
    with fails("22P02", 'humeur: "ü"'):
        run(t.call("sqlite_import", path, mood))
    mood["on_invalid"] = "reject"
    run(t.call("sqlite_import", path, mood))
    logged = run("SELECT \"values\" ->> 'é', source_column, error FROM sqlite_migrate.reject").out
    assert logged == 'ü|é|invalid input value for enum humeur: "ü"\n', logged
    broken = {"on_error": "continue", "existing_rows": "replace", "after": "SELECT 1 FROM \"où\""}
    result = run(t.call("sqlite_import", path, broken))
    assert 'relation "où" does not exist' in result.told, result.told
    assert 'relation "où" does not exist' in run("SELECT message FROM sqlite_migrate.finding").out
    with fails("42704", '"né" does not exist'):
        run(t.call("sqlite_plan", path, {"types": {"TEXT": "né"}}))


def test_settings_and_roles_in_another_encoding(t):
    run = in_encoding(t, "LATIN1")
    folder = t.dir / "données"
    folder.mkdir()
    t.own(folder)
    path = t.file("données/é.db", "CREATE TABLE t (a)")
    allowed = f"SET pg_sqlite_migrate.allowed_directories = {quote(str(folder))}; "
    run(allowed + t.call("sqlite_check", path))
    with fails("42501", "ï.db"):
        run(allowed + t.call("sqlite_check", t.file("ï.db", "CREATE TABLE t (a)")))
    with fails("42501", '"rôle"'):
        run("CREATE ROLE \"rôle\"; SET ROLE \"rôle\"; " + t.call("sqlite_check", path))


def test_jsonb_that_the_parser_does_not_take(t):
    path = t.file("e.db", "CREATE TABLE t (a)")
    call = lambda plan: f"SELECT sqlite_plan({quote(str(path))}, {plan})"
    for run in (t.sql, in_encoding(t, "LATIN1"), in_encoding(t, "SQL_ASCII")):
        with fails("54001", "nested too deeply", hint="plan"):
            run(call("'" + "[" * 200 + "]" * 200 + "'"))
        with fails("22023", "plan.tables"):
            run(call("jsonb_build_object('tables', repeat('[', 5000)::text)"))
        with fails("22023", "plan.tables.t.where.*number"):
            run(call("""'{"tables": {"t": {"where": 1e400}}}'"""))
        with fails("22023", "plan.é"):
            run(call("""'{"é": 1e400}'"""))
        with fails("22023", "^plan: expected an object, not a number"):
            run(call("'1e400'"))
        with fails("54000", "too large", hint="partial"):
            run(call("jsonb_build_object('before', repeat('x', 17000000))"))
        run(call("NULL"))
        run(call("'{}'"))


def test_a_cell_that_the_encoding_lacks_is_named(t):
    """In a foreign table: column and row, as for every value that does not fit; or NULL."""
    run = in_encoding(t, "LATIN1")
    path = t.file("kanji.db", "CREATE TABLE t (id INTEGER PRIMARY KEY, v TEXT); INSERT INTO t VALUES (1, 'é'), (7, 'ä東')")
    run(f"CREATE DOMAIN word AS text; CREATE SERVER s FOREIGN DATA WRAPPER pg_sqlite_fdw OPTIONS (database {quote(str(path))})")
    for kind in ("text", "varchar(5)", "char(5)", "word"):
        run(f"DROP FOREIGN TABLE IF EXISTS t; CREATE FOREIGN TABLE t (id bigint, v {kind}) SERVER s; SELECT id, v FROM t WHERE id = 1")
        for query in ("SELECT id, v FROM t", "SELECT ctid, v FROM t"):
            with fails(s.UNTRANSLATABLE, r'^value does not fit column "v" of table "t"\n.*text value \'ä(東|\\u\{6771\})\' cannot become', hint="on_invalid") as failure:
                run(query)
            assert ("Row with rowid 7" in failure.detail) == ("ctid" in query), failure.detail
            # LATIN1 has no ellipsis.
            assert "ALTER FOREIGN TABLE ... ALTER" in failure.hint
        run("ALTER FOREIGN TABLE t ALTER v OPTIONS (ADD on_invalid 'null')")
        assert run("SELECT id, v IS NULL FROM t ORDER BY id").out == "1|f\n7|t\n", kind
