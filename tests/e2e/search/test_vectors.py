"""The table with the texts of a full-text table gets a search vector and an index: what SQLite finds is found."""

import json
import sqlite3

import pytest

from harness import quote, shared

TEXTS = [(1, "The quick brown fox", "jumps over the lazy dog"), (2, "Crème brûlée", "a dessert of cream; the fox ate it"), (3, "", "running runs"), (4, None, None)]
INDEX = "SELECT indexdef FROM pg_indexes WHERE tablename = {} AND indexdef NOT LIKE '%UNIQUE%'"


def own(t, declared="fts5(title, body)"):
    path = t.file("v.db", f"CREATE VIRTUAL TABLE v USING {declared}")
    with sqlite3.connect(path) as db:
        db.executemany("INSERT INTO v (rowid, title, body) VALUES (?, ?, ?)", TEXTS)
    db.close()
    return path


def external(t, declared="fts5(title, body, content='docs', content_rowid='id')", more=""):
    path = t.file("v.db", f"CREATE TABLE docs (id INTEGER PRIMARY KEY, title TEXT, body TEXT, n INTEGER); CREATE VIRTUAL TABLE v USING {declared}; {more}")
    with sqlite3.connect(path) as db:
        db.executemany("INSERT INTO docs VALUES (?, ?, ?, 7)", TEXTS)
        db.execute("INSERT INTO v (v) VALUES ('rebuild')")
    db.close()
    return path


def searches_alike(t, path, key="rowid", table="v", tokenizer="unicode61", queries=("fox", "creme", "runs", "run", "the OR cream", '"brown fox"', "lazy NOT quick", "title:fox", "cr*")):
    source = sqlite3.connect(path)
    found = 0
    for query in queries:
        wanted = [str(id) for (id,) in source.execute("SELECT rowid FROM v WHERE v MATCH ? ORDER BY rowid", (query,))]
        asked = f"sqlite_fts_query({quote(query)}, columns => ARRAY['title', 'body'], tokenizer => {quote(tokenizer)})"
        assert t.value(f"SELECT {key} FROM {table} WHERE search_vector @@ {asked} ORDER BY 1").split() == wanted, query
        found += len(wanted)
    source.close()
    return found


@pytest.mark.parametrize("tokenizer", ["unicode61", "porter", "ascii", "unicode61 remove_diacritics 0"])
def test_own_texts_are_searched(t, tokenizer):
    path = own(t, f'fts5(title, body, tokenize = "{tokenizer}")')
    t.import_(path, {"verify": "values"})
    assert searches_alike(t, path, tokenizer=tokenizer) > 5
    assert "USING gin (search_vector)" in t.value(INDEX.format("'v'"))
    (said,) = [f for f in t.findings(path, {"schema": "other"}) if f["kind"] == "virtual_table"]
    assert said["message"].endswith('become a table with column "search_vector", and the rowid becomes column "rowid"'), said


def test_the_content_table_is_searched(t):
    path = external(t)
    t.import_(path, {"verify": "values"})
    assert searches_alike(t, path, "id", "docs") > 5
    assert "USING gin (search_vector)" in t.value(INDEX.format("'docs'"))
    (said,) = [f for f in t.findings(path, {"schema": "other"}) if f["kind"] == "virtual_table"]
    assert said["severity"] == "info" and said["message"].endswith('its content is derived from table "docs", which gets column "search_vector"'), said
    # What is written later is searched as well.
    t.sql("INSERT INTO docs (id, title) VALUES (9, 'A brown-fox.')")
    assert t.value("SELECT id FROM docs WHERE search_vector @@ sqlite_fts_query('\"brown fox\"') ORDER BY id").split() == ["1", "9"]
    t.sql("UPDATE docs SET title = '' WHERE id = 1; DELETE FROM docs WHERE id = 9")
    assert t.value("SELECT count(*) FROM docs WHERE search_vector @@ sqlite_fts_query('brown')") == "0"


@pytest.mark.parametrize("declared", ['fts4(content="docs", title, body)', 'fts4(content="docs")', 'fts4(content="docs", title, body, tokenize=porter)'])
def test_fts4_over_a_table(t, declared):
    t.import_(external(t, declared))
    assert t.value("SELECT string_agg(id::text, ' ' ORDER BY id) FROM docs WHERE search_vector @@ sqlite_fts_query('fox', syntax => 'fts4')") == "1 2"


def test_two_full_text_tables_over_one(t):
    """As calibre has them."""
    path = external(t, more="CREATE VIRTUAL TABLE w USING fts5(body, content='docs', content_rowid='id', tokenize = 'porter')")
    t.import_(path)
    assert t.value("SELECT count(*) FROM docs WHERE search_vector_2 @@ sqlite_fts_query('run', tokenizer => 'porter')") == "1"
    assert len(t.value(INDEX.format("'docs'")).splitlines()) == 2
    said = {f["object"]: f["message"] for f in t.findings(path, {"schema": "other"}) if f["kind"] == "name_changed"}
    assert said == {"w": 'its column "search_vector" becomes "search_vector_2": the name is taken'}


def test_a_name_that_is_taken(t):
    path = t.file("v.db", "CREATE VIRTUAL TABLE v USING fts5(search_vector); INSERT INTO v VALUES ('alpha')")
    t.import_(path)
    assert t.value("SELECT search_vector FROM v WHERE search_vector_2 @@ 'alpha'::tsquery") == "alpha"


def test_what_the_plan_says(t):
    path = own(t)
    fts = {"config": "english", "column": "tsv", "index": "gist", "weights": {"BODY": "A", "title": "D"}}
    full = t.plan(path, {"fts": fts})
    assert full["fts"] == fts and full["tables"]["v"]["fts"] == fts and t.plan(path, full) == full
    t.import_(path, {"fts": fts})
    assert t.value("SELECT tsv::text FROM v WHERE rowid = 3") == "'run':1A,2A"
    assert "USING gist (tsv)" in t.value(INDEX.format("'v'"))
    t.import_(path, {"schema": "none", "fts": {"index": "none"}})
    assert t.value("SELECT count(*) FROM pg_indexes WHERE schemaname = 'none'") == "1"
    t.import_(path, {"schema": "off", "tables": {"v": {"fts": False}}})
    assert t.value("SELECT count(*) FROM pg_attribute WHERE attrelid = 'off.v'::regclass AND attnum > 0") == "3"
    t.import_(path, {"schema": "plain", "indexes": False})
    assert t.value("SELECT count(*) FROM pg_indexes WHERE schemaname = 'plain'") == "1"


def test_without_the_key_the_index_is_a_warning(t):
    path = external(t)
    (said,) = [f for f in t.findings(path, {"fts": False}) if f["kind"] == "virtual_table"]
    assert said["severity"] == "warning" and said["fix"] == {"tables": {"docs": {"fts": True}}}, said
    assert [f["severity"] for f in t.findings(path, t.merged({"fts": False}, said["fix"])) if f["kind"] == "virtual_table"] == ["info"]


def test_a_configuration_that_is_not_there(t):
    path = own(t)
    plan = {"fts": {"config": "no_such"}}
    (said,) = [f for f in t.findings(path, plan) if f["severity"] == "blocking"]
    assert said["kind"] == "expression_refused" and "no_such" in said["message"], said
    assert t.attempt(t.call("sqlite_import", path, plan)).sqlstate is not None
    t.import_(path, t.merged(plan, said["fix"]))


def test_trigrams(t):
    t.needs("pg_trgm")
    path = own(t, "fts5(title, body, tokenize = 'trigram')")
    t.import_(path, {"verify": "values"})
    definition = t.value(INDEX.format("'v'"))
    assert "USING gin (title" in definition and "gin_trgm_ops" in definition and "body" in definition, definition
    assert t.value("SET enable_seqscan = off; EXPLAIN (COSTS off) SELECT rowid FROM v WHERE title LIKE '%uick%'").find("v_title_trgm_idx") > 0
    assert t.value("SELECT count(*) FROM pg_attribute WHERE attrelid = 'v'::regclass AND attnum > 0") == "3"
    # The index is its keys with their operator classes.
    judged = "SELECT state FROM verify_constraints() WHERE kind = 'index'"
    assert t.rows(judged) == [{"state": "holds"}]
    schema = t.value("SELECT extnamespace::regnamespace FROM pg_extension WHERE extname = 'pg_trgm'")
    t.sql(f"DROP INDEX v_title_trgm_idx; CREATE INDEX v_title_trgm_idx ON v USING gin (title {schema}.gin_trgm_ops)")
    assert t.rows(judged) == [{"state": "differs"}]


def test_a_role_with_no_rights_but_on_its_schema(t):
    path = own(t)
    role = t.role("loader", "pg_read_server_files", "CREATE ON SCHEMA public")
    rows = {row["table"]: row for row in t.rows(t.call("sqlite_import", path, {}), role)}
    assert rows["v"]["imported"] == 4, rows
    assert t.value("SELECT count(*) FROM v WHERE search_vector @@ 'fox'::tsquery", role) == "2"
    (said,) = [f for f in t.rows(t.call("sqlite_findings", path, {"schema": "other"}), role) if f["kind"] == "search"]
    assert said["severity"] == "warning" and 'text search configuration "simple", not SQLite' in said["message"], said
    # Trigrams need an extension that it cannot create.
    path = own(t, "fts5(title, body, tokenize = 'trigram')")
    t.rows(t.call("sqlite_import", path, {"existing_rows": "replace"}), role)
    (said,) = [f for f in t.rows(t.call("sqlite_findings", path, {"existing_rows": "replace"}), role) if f["kind"] == "virtual_table"]
    assert "pg_trgm, which cannot be had" in said["message"], said


def test_functions_are_not_found_by_the_search_path(t):
    """What somebody else has put in the helpers' schema is not called."""
    path = own(t)
    evil = t.role("evil", f"CREATE ON DATABASE {t.database}")
    t.sql("CREATE SCHEMA sqlite_compat", evil)
    t.import_(path)
    assert t.value("SELECT count(*) FROM pg_proc WHERE pronamespace = 'sqlite_compat'::regnamespace") == "0"
    assert t.value("SELECT count(*) FROM v WHERE search_vector @@ 'fox'::tsquery") == "2"


def test_texts_too_long_for_a_vector(t):
    path = t.file("v.db", "CREATE VIRTUAL TABLE v USING fts5(title, body)")
    words = lambda n: " ".join(f"w{i:08x}" for i in range(n))  # noqa: E731
    with sqlite3.connect(path) as db:
        db.executemany("INSERT INTO v (rowid, title, body) VALUES (?, ?, ?)", [(1, "short", "one"), (2, "long", words(150_000)), (3, "repeated", "same " * 150_000)])
    db.close()
    (said,) = [f for f in t.findings(path) if f["kind"] == "search"]
    assert said["severity"] == "warning" and "rowid 2 would be longer than a megabyte" in said["message"], said
    assert t.import_(path, {"verify": "values"})["v"]["imported"] == 3
    assert t.value("SELECT string_agg(rowid::text, ' ' ORDER BY rowid) FROM v WHERE search_vector @@ sqlite_fts_query('w00000001 OR same OR one')") == "1 2 3"
    # Long texts of few words are no reason.
    with sqlite3.connect(path) as db:
        db.execute("DELETE FROM v WHERE rowid = 2")
    db.close()
    assert not [f for f in t.findings(path) if f["kind"] == "search"]


def test_content_that_is_gone_or_changed(t):
    for schema, (script, says) in zip("abcd", (
        ("CREATE VIRTUAL TABLE v USING fts5(a, content='gone')", 'the file has no table "gone"'),
        ("CREATE TABLE d (b TEXT); CREATE VIRTUAL TABLE v USING fts5(a, content='d')", 'table "d" has no column "a"'),
        ("CREATE TABLE d (a TEXT); CREATE VIEW x AS SELECT a FROM d; CREATE VIRTUAL TABLE v USING fts5(a, content='x')", '"x" is a view'),
        ("CREATE TABLE d (a REAL); INSERT INTO d VALUES (1.5); CREATE VIRTUAL TABLE v USING fts5(a, content='d')", "no column has texts"),
    )):
        path = t.file("v.db", script)
        (said,) = [f for f in t.findings(path, {"schema": schema}) if f["kind"] == "virtual_table"]
        assert said["severity"] == "warning" and "nothing is made to search it by: " + says in said["message"], said
        t.import_(path, {"schema": schema})


def test_an_existing_content_table_stays_as_it_is(t):
    path = external(t)
    t.sql("CREATE TABLE docs (id bigint PRIMARY KEY, title text, body text, n bigint)")
    (said,) = [f for f in t.findings(path, {"create": "never"}) if f["kind"] == "virtual_table"]
    assert 'table "public.docs" is there already' in said["message"], said
    assert t.import_(path, {"create": "never"})["docs"]["imported"] == 4


def test_which_columns_are_searched_and_how(t):
    """By the types that they become: what is no text says so, and the others count by their place or the plan's weights."""
    t.needs("citext")
    columns = ["plain", "short", "folded", "n", "doc", "listed", "fixed", "r", "gone"]
    path = t.file("v.db", f"""CREATE TABLE d (id INTEGER PRIMARY KEY, plain TEXT, short VARCHAR(20), folded TEXT COLLATE NOCASE, n INTEGER, doc JSON, listed TEXT CHECK (listed IN ('alpha', 'beta')),
            fixed TEXT, r REAL, gone TEXT);
        INSERT INTO d VALUES (1, 'Plain', 'Short', 'Folded', 42, '{{"k": "inner"}}', 'alpha', 'fixed', 1.5, 'gone');
        CREATE VIRTUAL TABLE f USING fts5({', '.join(columns)}, content=d, content_rowid=id);""")
    plan = {"fts": {"weights": {"doc": "A"}}, "tables": {"d": {"enums": True, "columns": {"gone": {"skip": True}, "fixed": {"type": "char(9)"}, "doc": {"type": "jsonb"}}}}}
    said = {f["message"] for f in t.findings(path, plan) if f["kind"] == "search" and "not searched" in f["message"]}
    assert said == {'column "listed" is not searched: it is "public"."d_listed_enum"', 'column "r" is not searched: it is double precision', 'column "gone" is not searched: the plan leaves it out'}
    t.import_(path, {**plan, "verify": "values"})
    found = {word: weight for word, weight in (row.split("|") for row in t.value("SELECT lexeme, weights[1] FROM d, unnest(search_vector)").splitlines())}
    assert found == {"plain": "A", "short": "B", "folded": "C", "42": "D", "k": "A", "inner": "A", "fixed": "D"}


@pytest.mark.parametrize("tokenizer", ["unicode61", "trigram"])
def test_columns_that_are_computed(t, tokenizer):
    """Neither a generated column nor, if it is virtual, an index can be made over one."""
    t.needs("pg_trgm")
    path = t.file("v.db", f"""CREATE TABLE d (id INTEGER PRIMARY KEY, a TEXT, up TEXT AS (a || ' virtual'), n INTEGER AS (length(a)), st TEXT AS (a || ' stored') STORED); INSERT INTO d (a) VALUES ('quick fox'), (NULL);
        CREATE VIRTUAL TABLE f USING fts5(a, up, n, st, content=d, content_rowid=id, tokenize='{tokenizer}');""")
    for schema, word in {"a": "declared", "b": "stored", "c": "none", "d": "view"}.items():
        t.import_(path, {"schema": schema, "generated": word, "verify": "values"})
        t.sql(f"INSERT INTO {schema}.d (a) VALUES ('brown dog')" if word != "none" else "")
        if tokenizer == "trigram":
            assert t.value(f"SELECT count(*) FROM pg_indexes WHERE schemaname = '{schema}' AND indexdef LIKE '%gin_trgm_ops%gin_trgm_ops%gin_trgm_ops%'") == "1"
            continue
        for asked in ("fox", "virtual & stored", "9"):
            assert t.value(f"SELECT string_agg(id::text, ' ' ORDER BY id) FROM {schema}.d WHERE search_vector @@ {quote(asked)}::tsquery") == ("1 3" if asked != "fox" and word != "none" else "1"), (word, asked)


def test_trigrams_of_as_many_columns_as_an_index_has(t):
    t.needs("pg_trgm")
    columns = ", ".join(f"c{n}" for n in range(40))
    path = t.file("v.db", f"CREATE VIRTUAL TABLE v USING fts5({columns}, tokenize = 'trigram'); INSERT INTO v (c0, c31, c39) VALUES ('first', 'within', 'beyond')")
    t.import_(path)
    assert t.value(INDEX.format("'v'")).count("gin_trgm_ops") == 32


@pytest.mark.parametrize("encoding, word", [("SQL_ASCII", "brûlée"), ("LATIN1", "brûlée"), ("EUC_JP", "東京タワー")])
def test_other_encodings(t, encoding, word):
    path = external(t)
    with sqlite3.connect(path) as db:
        db.execute("UPDATE docs SET title = ? WHERE id = 2", (f"Beyond {word}",))
        db.execute("INSERT INTO v (v) VALUES ('rebuild')")
    db.close()
    name = t.other_database(encoding.lower(), f"ENCODING '{encoding}' LC_COLLATE 'C' LC_CTYPE 'C' TEMPLATE template0")
    session = t.session(database=name)
    session.run(t.call("sqlite_import", path, {}))
    for asked, ids in {"fox": "1 2", word: "2", f"title:{word}": "2"}.items():
        query = f"sqlite_fts_query({quote(asked)}, columns => ARRAY['title', 'body'])"
        assert session.value(f"SELECT string_agg(id::text, ' ' ORDER BY id) FROM docs WHERE search_vector @@ {query}") == ids, asked


@pytest.mark.parametrize("name, tables", [("llm_logs", {"responses": 1, "turn_search": 1}), ("calibre_metadata", {"annotations": 2}), ("calibre_web_metadata", {"annotations": 2})])
def test_every_real_full_text_table_is_searched(t, name, tables):
    path = t.copy_of(shared("data", f"{name}.db"))
    t.import_(path, {"orphans": "keep", "keys": "as_data_allows"})
    made = t.rows("SELECT c.relname AS table, count(*) AS n FROM pg_attribute a JOIN pg_class c ON c.oid = a.attrelid WHERE atttypid = 'tsvector'::regtype AND relkind = 'r' AND attgenerated = 's' GROUP BY 1")
    assert {row["table"]: row["n"] for row in made} == tables
    for table in tables:
        assert t.value(f"SELECT count(*) FROM {table} WHERE search_vector IS NULL") == "0"
        assert t.value(INDEX.format(quote(table))).count("USING gin") == tables[table]


def test_names_follow_the_plan(t):
    path = t.file("v.db", "CREATE TABLE BlogPost (postId INTEGER PRIMARY KEY, mainText TEXT); INSERT INTO BlogPost VALUES (1, 'alpha'); CREATE VIRTUAL TABLE PostFts USING fts5(mainText, content=BlogPost, content_rowid=postId)")
    t.import_(path, {"names": "snake_case"})
    assert t.value("SELECT post_id FROM blog_post WHERE search_vector @@ sqlite_fts_query('alpha')") == "1"


def test_the_catalog_says_what_the_plan_says(t):
    """sqlite_ddl has every statement: a database without the extension can be made by them."""
    path = external(t)
    statements = [row["sql"] for row in t.rows(t.call("sqlite_ddl", path, {})) if not row["sql"].startswith("--")]
    session = t.session(database=t.empty_database("plain"))
    session.execute(statements)
    session.run("INSERT INTO docs VALUES (1, 'alpha', NULL, 2)")
    assert session.value("SELECT search_vector::text FROM docs") == "'alpha':1A"


def test_verification_goes_on(t):
    path = external(t)
    t.import_(path, {"verify": "values"})
    assert all(row["ok"] for row in t.rows("SELECT * FROM verify_counts()"))
    assert json.loads(t.value("SELECT coalesce(json_agg(v), '[]') FROM verify_differences() v")) == []
    assert not [row for row in t.rows("SELECT * FROM verify_constraints()") if row.get("state") in ("differs", "missing")]


def test_without_helpers(t):
    path = own(t)
    (said,) = [f for f in t.findings(path, {"helpers": False}) if f["kind"] == "search"]
    assert "does without helper functions" in said["message"] and said["fix"] == {"helpers": True}, said
    t.import_(path, {"helpers": False})
    assert t.value("SELECT count(*) FROM pg_namespace WHERE nspname = 'sqlite_compat'") == "0"
    assert t.value("SELECT count(*) FROM v WHERE search_vector @@ 'fox'::tsquery") == "2"


def test_a_vector_of_the_target_s_own(t):
    """As ORMs make it: a column that a trigger fills."""
    path = own(t)
    t.sql("""CREATE TABLE v (rowid bigint PRIMARY KEY, title text, body text, tsv tsvector);
        CREATE TRIGGER fill BEFORE INSERT OR UPDATE ON v FOR EACH ROW EXECUTE FUNCTION tsvector_update_trigger(tsv, 'pg_catalog.simple', title, body)""")
    plan = {"create": "never"}
    (said,) = [f for f in t.findings(path, plan) if f["object"] == "v.tsv"]
    assert said["severity"] == "warning" and "no row is found by it" in said["message"], said
    t.import_(path, plan)
    assert t.value("SELECT count(*) FROM v WHERE tsv IS NULL") == "4"
    of_vector = "SELECT columns, state, violations, reason FROM verify_constraints() WHERE kind = 'search vector' AND columns = '{tsv}'"
    (found,) = t.rows(of_vector)
    reason = found.pop("reason")
    assert found == {"columns": ["tsv"], "state": "broken", "violations": 4} and "no search finds one" in reason, reason
    assert "search vector tsv of public.v (broken)" in t.value("SELECT reasons FROM migration_verdict()")
    # The statement that the reason states, and one that fires the trigger.
    for statement in [reason.split(": ")[1].split(", or any")[0].replace("...", "title"), "UPDATE v SET title = title"]:
        t.sql(f"UPDATE v SET tsv = NULL; ALTER TABLE v DISABLE TRIGGER fill; UPDATE v SET tsv = NULL; ALTER TABLE v ENABLE TRIGGER fill; {statement}")
        assert t.value("SELECT count(tsv) FROM v WHERE title <> ''") == "2" and {row["state"] for row in t.rows(of_vector)} == {"holds"}, statement
    fixed = t.merged(plan, said["fix"], {"existing_rows": "truncate"})
    assert not [f for f in t.findings(path, fixed) if f["object"] == "v.tsv" and f["severity"] == "warning"]
    t.import_(path, fixed)
    assert t.value("SELECT count(*) FROM v WHERE tsv @@ 'fox'::tsquery") == "2"
