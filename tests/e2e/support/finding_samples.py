"""A file, a schema and a plan for every kind of finding (core/src/finding/kind.rs), the least that makes one."""

import sqlite3

# What a sample is made of: SQLite's script, PostgreSQL's script, the plan.
KEEP = {"create": "never", "existing_rows": "append"}
T = "CREATE TABLE t (id INTEGER PRIMARY KEY, v TEXT); INSERT INTO t VALUES (1, 'a'), (2, 'b'); "
PG_T = "CREATE TABLE t (id bigint PRIMARY KEY, v text); "
PARENT = "CREATE TABLE p (id INTEGER PRIMARY KEY); INSERT INTO p VALUES (1); "
CHILD = "CREATE TABLE c (id INTEGER PRIMARY KEY, p INTEGER REFERENCES p); INSERT INTO c VALUES (1, 1), (2, 7); "
TWICE = "(1, '3f2504e0-4f89-41d3-9a0c-0305e82c3301'), (2, '3F2504E0-4F89-41D3-9A0C-0305E82C3301'), (3, NULL)"

KYSELY = "CREATE TABLE kysely_migration (name TEXT, timestamp TEXT); "

SAMPLES = {
    "irreversible": [(T, "", {"after": "SELECT 1"}), (T, PG_T + "INSERT INTO t VALUES (9, 'x')", {"existing_rows": "truncate"}),
                     (T, PG_T + "INSERT INTO t VALUES (1, 'x')", {**KEEP, "on_conflict": "update"})],
    "reads_clock": [(T, "", {"tables": {"t": {"where": "v < date('now')", "columns": {"v": {"using": "v || date()"}}}}})],
    "failed_expression": [(T, "", {"on_error": "continue", "tables": {"t": {"columns": {"v": {"using": "json(iif(id = 2, '{', '[]'))"}}}}}),
                          (T, "", {"on_error": "continue", "tables": {"t": {"where": "abs(iif(id = 2, -9223372036854775808, 1)) = 1"}}})],
    "enum": [("CREATE TABLE t (s TEXT CHECK (s IN ('a', 'b'))); INSERT INTO t VALUES ('a')", "", {"enums": True}),
             ("CREATE TABLE t (s TEXT DEFAULT 'c' CHECK (s IN ('a', 'b'))); INSERT INTO t VALUES ('a')", "", {"enums": True})],
    "no_tables": [("CREATE TABLE t (a); DROP TABLE t", "", {})],
    "before_not_run": [(T, "", {"before": "SELECT 1"})],
    "named_times": [("CREATE TABLE t (created_at INTEGER); INSERT INTO t VALUES (1600000000)", "", {"epochs": "named"})],
    "unused_type": [(T, "", {"types": {"MONEY": "numeric"}})],
    "name_changed": [(f"CREATE TABLE \"{'x' * 70}\" (a); INSERT INTO \"{'x' * 70}\" VALUES (1)", "", {})],
    "shadow_table": [("CREATE VIRTUAL TABLE f USING fts5(a); INSERT INTO f VALUES ('x')", "", {})],
    "search": [("CREATE VIRTUAL TABLE f USING fts5(a, b); INSERT INTO f VALUES ('x', 1.5)", "", {})],
    "virtual_table": [("CREATE VIRTUAL TABLE f USING fts5(a); INSERT INTO f VALUES ('x')", "", {})],
    "geometry": [("CREATE TABLE geometry_columns (f_table_name TEXT, f_geometry_column TEXT, srid INTEGER, geometry_format TEXT); " + T, "", {})],
    "view": [(T + "CREATE VIEW v AS SELECT 1", "", {"views": False}), (T + "CREATE VIEW v AS SELECT title_sort(v) FROM t", "", {}),
             (T + "CREATE VIEW v AS SELECT id + 1 FROM t", "", {"strict": True})],
    "conflict_clause": [("CREATE TABLE t (id INTEGER PRIMARY KEY ON CONFLICT REPLACE, a TEXT UNIQUE ON CONFLICT IGNORE)", "", {})],
    "view_assumes": [(T + "CREATE VIEW w AS SELECT id + 1 FROM t", "", {})],
    "trigger": [(T + "CREATE TRIGGER g AFTER INSERT ON t BEGIN SELECT title_sort(NEW.v); END", "", {}),
                (T + "CREATE TRIGGER g AFTER INSERT ON t BEGIN DELETE FROM t WHERE id = 9; END", "", {"triggers": False})],
    "trigger_assumes": [(T + "CREATE TRIGGER g AFTER UPDATE ON t BEGIN UPDATE t SET v = 'x' WHERE id = NEW.id; END", "", {})],
    "trigger_unneeded": [(T + "CREATE TRIGGER g AFTER INSERT ON t BEGIN SELECT 1; END", "", {})],
    "bookkeeping": [(T + "CREATE TABLE alembic_version (version_num VARCHAR(32) NOT NULL PRIMARY KEY); INSERT INTO alembic_version VALUES ('a1')",
                     PG_T, KEEP)],
    "similar_table": [("CREATE TABLE UserNames (id INTEGER PRIMARY KEY)", "CREATE TABLE user_names (id bigint)", KEEP)],
    "ambiguous_table": [("CREATE TABLE userNames (id INTEGER PRIMARY KEY)", "CREATE TABLE user_names (id bigint); CREATE TABLE \"user names\" (id bigint)", KEEP)],
    "other_owner": [(T, f"CREATE ROLE untrusted_owner; {PG_T} ALTER TABLE t OWNER TO untrusted_owner", {})],
    "table_exists": [(T, PG_T + "INSERT INTO t VALUES (9, 'x')", {}), (T, PG_T, {"create": "always"}),
                     (T, "CREATE VIEW t AS SELECT 1 UNION ALL SELECT 2", {}), (T, PG_T, {"create": "never", "existing_rows": "replace"}),
                     (T, PG_T + "ALTER TABLE t RENAME TO b; CREATE VIEW t AS TABLE b", {"existing_rows": "truncate"})],
    "table_kept": [(T, PG_T, {})],
    "table_missing": [(T, "", {"create": "never"}), (T, "CREATE TABLE ts (id bigint, v text)", {"create": "never"}),
                      ("CREATE TABLE accounts (id INTEGER PRIMARY KEY); INSERT INTO accounts VALUES (1)", "CREATE TABLE acounts2 (id bigint)", {"create": "never"})],
    "schema_missing": [(T, "", {"create": "never", "schema": "nowhere"})],
    "referenced": [(T, PG_T + "CREATE TABLE o (t bigint REFERENCES t); INSERT INTO t VALUES (9, 'x'); INSERT INTO o VALUES (9)", {"existing_rows": "truncate"})],
    "similar_columns": [("CREATE TABLE t (firstName TEXT)", "CREATE TABLE t (first_name text)", KEEP)],
    "ambiguous_column": [("CREATE TABLE t (firstName TEXT)", "CREATE TABLE t (first_name text, \"first name\" text)", KEEP)],
    "computed_column": [("CREATE TABLE t (a INTEGER, b AS (a + 1))", "CREATE TABLE t (a integer)", KEEP)],
    "column_missing": [(T, "CREATE TABLE t (id bigint)", KEEP), (T, "CREATE TABLE t (id bigint, w text)", KEEP),
                       ("CREATE TABLE t (email TEXT); INSERT INTO t VALUES ('a')", "CREATE TABLE t (emial text)", KEEP)],
    "column_unfilled": [(T, "CREATE TABLE t (id bigint, v text, w text)", KEEP)],
    "no_effect": [(T, PG_T + "INSERT INTO t VALUES (8, 'a')", {**KEEP, "match": "natural"}),
                  (T, PG_T, {**KEEP, "on_conflict": "skip", "tables": {"t": {"match": "natural"}}}), (T, PG_T, {**KEEP, "tables": {"t": {"match": "natural"}}}),
                  (T, PG_T, {**KEEP, "tables": {"t": {"keys": "as_data_allows"}}}), (T, "", {"tables": {"t": {"fire_triggers": True}}}),
                  (T, PG_T, {**KEEP, "tables": {"t": {"columns": {"v": {"default": "'x'"}}}}}), (T, PG_T, {**KEEP, "tables": {"T": {"conflict_target": "t_pkey"}}}),
                  (PARENT + CHILD.replace(", (2, 7)", ""), "CREATE TABLE p (id bigint PRIMARY KEY); CREATE TABLE c (id bigint, p bigint REFERENCES p)", {**KEEP, "orphans": "keep"}),
                  (T, "", {"tables": {"t": {"columns": {"id": {"nullable": True}}}}})],
    "triggers": [(T, PG_T + "CREATE FUNCTION f() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN NEW; END'; CREATE TRIGGER g BEFORE INSERT ON t FOR EACH ROW EXECUTE FUNCTION f()", KEEP)],
    "conflict_key": [(T, "CREATE TABLE t (id bigint, v text); INSERT INTO t VALUES (8, 'x')", {**KEEP, "on_conflict": "skip"}),
                     (T, "CREATE TABLE t (id bigint UNIQUE, v text UNIQUE)", {**KEEP, "on_conflict": "skip"}),
                     (T, PG_T, {**KEEP, "on_conflict": "skip", "tables": {"t": {"conflict_target": "t_pkex"}}}),
                     ("CREATE TABLE t (id INTEGER PRIMARY KEY, v TEXT, up INTEGER); INSERT INTO t VALUES (1, 'a', NULL)",
                      "CREATE TABLE t (id bigint PRIMARY KEY, v text, up bigint REFERENCES t, UNIQUE (v, up)); INSERT INTO t VALUES (8, 'a', NULL)",
                      {**KEEP, "on_conflict": "skip", "match": "natural"})],
    "matched_rows": [(T, "CREATE TABLE t (id bigint PRIMARY KEY, v text UNIQUE); INSERT INTO t VALUES (8, 'a')", {**KEEP, "on_conflict": "skip", "match": "natural"})],
    "not_updated": [("CREATE TABLE t (id INTEGER PRIMARY KEY)", "CREATE TABLE t (id bigint PRIMARY KEY)", {**KEEP, "on_conflict": "update"})],
    "no_columns": [(T, "", {"tables": {"t": {"columns": {"id": {"skip": True}, "v": {"skip": True}}}}})],
    "too_many_columns": [(f"CREATE TABLE t ({', '.join(f'c{n} INTEGER' for n in range(1700))})", "", {})],
    "row_too_wide": [(f"CREATE TABLE t ({', '.join(f'c{n} INTEGER' for n in range(1100))}); INSERT INTO t (c0) VALUES (1); INSERT INTO t VALUES ({', '.join([value] * 1100)})", schema, plan)
                     for value, schema, plan in [("1", "", {}), ("3000000000", "", {}),
                                                 ("1", f"CREATE TABLE t ({', '.join(f'c{n} bigint' for n in range(1100))})", KEEP)]],
    "type_contradiction": [(T, PG_T, {**KEEP, "tables": {"t": {"columns": {"v": {"type": "varchar(9)"}}}}})],
    "vectors": [("CREATE TABLE collections (id TEXT PRIMARY KEY, name TEXT, dimension INTEGER); CREATE TABLE collection_metadata (collection_id TEXT, key TEXT, str_value TEXT, int_value INTEGER, float_value REAL);"
                 "CREATE TABLE segments (id TEXT PRIMARY KEY, type TEXT, scope TEXT, collection TEXT); CREATE TABLE embeddings (id INTEGER PRIMARY KEY, segment_id TEXT, embedding_id TEXT, seq_id INTEGER, created_at TIMESTAMP DEFAULT CURRENT_TIMESTAMP);"
                 "CREATE TABLE embedding_metadata (id INTEGER, key TEXT, string_value TEXT, int_value INTEGER, float_value REAL); CREATE TABLE max_seq_id (segment_id TEXT PRIMARY KEY, seq_id INTEGER);"
                 "CREATE TABLE embeddings_queue (seq_id INTEGER PRIMARY KEY, operation INTEGER, topic TEXT, id TEXT, vector BLOB, encoding TEXT, metadata TEXT);"
                 "INSERT INTO collections VALUES ('c', 'docs', 2); INSERT INTO segments VALUES ('aa', 'urn:chroma:segment/vector/hnsw-local-persisted', 'VECTOR', 'c'), ('bb', 'urn:chroma:segment/metadata/sqlite', 'METADATA', 'c');"
                 "INSERT INTO embeddings VALUES (1, 'bb', 'one', 1, '2024-01-02 03:04:05'); INSERT INTO max_seq_id VALUES ('aa', 1)", "", {})],
    "invalid_value": [("CREATE TABLE t (a INTEGER); INSERT INTO t VALUES (1), ('x'), (3)", "", {"tables": {"t": {"columns": {"a": {"type": "bigint"}}}}}),
               ("CREATE TABLE t (a INTEGER); INSERT INTO t VALUES (1), ('x'), (3)", "CREATE TABLE t (a bigint)", KEEP),
               ("CREATE TABLE t (a INTEGER NOT NULL); INSERT INTO t VALUES (1), ('x'), (3)", "CREATE TABLE t (a bigint NOT NULL)", KEEP),
               ("CREATE TABLE t (a TEXT); INSERT INTO t VALUES ('31.12.2020')", "CREATE TABLE t (a date)", KEEP)],
    "widened": [("CREATE TABLE t (a INTEGER); INSERT INTO t VALUES (1), ('x')", "", {"on_invalid": "text", "tables": {"t": {"columns": {"a": {"type": "bigint"}}}}})],
    "type_refused": [("CREATE TABLE t (a INTEGER); INSERT INTO t VALUES (1), ('x')", "", {"types": {"INTEGER": "bigint"}})],
    "type_missed": [("CREATE TABLE t (a TEXT); INSERT INTO t VALUES (CAST(x'4cf67765' AS TEXT)), ('b' || char(0))", "", {}), ("CREATE TABLE t (a REAL); INSERT INTO t VALUES ('1,5'), (2.5)", "", {}), ("CREATE TABLE t (a INTEGER); INSERT INTO t VALUES (1), ('x')", "", {}), ("CREATE TABLE t (a DATETIME); INSERT INTO t VALUES ('2020-01-01'), ('x')", "", {})],
    "converted_texts": [("CREATE TABLE t (a TEXT); INSERT INTO t VALUES (CAST(x'4cf67765' AS TEXT)), ('b' || char(0))", "", {"text_encoding": "latin1", "nul": "strip"})],
    "zero_times": [("CREATE TABLE t (a DATETIME); INSERT INTO t VALUES (0), (1600000000)", "", {})],
    "unread_numbers": [("CREATE TABLE t (a INTEGER); INSERT INTO t VALUES (1600000000), (1600000001)", "", {}),
                       ("CREATE TABLE t (created_at BIGINT); INSERT INTO t VALUES (1600000000)", "", {}),
                       ("CREATE TABLE t (a DATETIME); INSERT INTO t VALUES (1600000000)", "", {"epochs": "never"})],
    "unusual_times": [("CREATE TABLE t (a DATETIME); INSERT INTO t VALUES (-86400000), (1600000000000), (1600000000001)", "", {})],
    "rounded": [("CREATE TABLE t (a DATETIME); INSERT INTO t VALUES ('2024-05-01 10:11:12.1234567')", "", {"excess": "round"}),
                ("CREATE TABLE t (a DATETIME); INSERT INTO t VALUES (1600000000.12345678), (1600000001)", "", {})],
    "offsets": [("CREATE TABLE t (a DATETIME); INSERT INTO t VALUES ('2020-01-01 10:00:00+02:00')", "", {}),
                ("CREATE TABLE t (a DATETIME); INSERT INTO t VALUES ('2020-01-01 10:00:00Z'), ('2020-01-01 10:00:00')", "", {})],
    "text_form": [(f"CREATE TABLE t (a TEXT); INSERT INTO t VALUES ('{text}')", "", {}) for text in
                  ("2020-01-01", "2020-01-01 10:00:00", "2020-01-01 10:00:00Z", "3f2504e0-4f89-41d3-9a0c-0305e82c3301")],
    "interval_form": [("CREATE TABLE t (a DATETIME); INSERT INTO t VALUES ('1970-01-02 10:00:00.000000')", "", {})],
    "blob_form": [("CREATE TABLE t (a BINARY(16)); INSERT INTO t VALUES (x'DE13F86770EC49E4A398041B83F1A535')", "", {}),
                  ("CREATE TABLE t (a BLOB); INSERT INTO t VALUES (CAST('{\"a\": 1}' AS BLOB))", "", {}),
                  ("CREATE TABLE t (a); INSERT INTO t VALUES (x'00'), ('a'), (1)", "", {})],
    "flag_form": [(KYSELY + "CREATE TABLE t (a INTEGER, b INTEGER); INSERT INTO t VALUES (0, 1), (1, 1)", "", {})],
    "program": [(KYSELY, "", {}), (KYSELY, "", {"orm": "auto"})],
    "wide_numbers": [(KYSELY + "CREATE TABLE t (id INTEGER PRIMARY KEY); INSERT INTO t VALUES (1), (2000000000)", "", {}),
                     (KYSELY + "CREATE TABLE t (id INTEGER PRIMARY KEY); INSERT INTO t VALUES (1), (3000000000)", "", {})],
    "untold": [("CREATE TABLE django_migrations (id integer, app varchar, name varchar); CREATE TABLE t (a decimal); INSERT INTO t VALUES (2.5)", "", {})],
    "null_key": [("CREATE TABLE t (a TEXT PRIMARY KEY, b INTEGER); INSERT INTO t VALUES (NULL, 1), ('x', 2)", "", {}),
                 (T + "INSERT INTO t VALUES (3, NULL)", "", {"tables": {"t": {"columns": {"v": {"nullable": False}}}}}),
                 (T + "INSERT INTO t VALUES (3, NULL)", "CREATE TABLE t (id bigint, v text NOT NULL)", KEEP)],
    "generated_otherwise": [("CREATE TABLE t (a DECIMAL(10,2), b DECIMAL(10,2) AS (a * 1.1)); INSERT INTO t VALUES (1.5)", "", {}),
                            ("CREATE TABLE t (a INTEGER, b INTEGER AS (a + 1)); INSERT INTO t VALUES (1)", "", {"generated": "view"}),
                            ("CREATE TABLE t (a INTEGER, b INTEGER AS (a + 1) UNIQUE); INSERT INTO t VALUES (1)", "", {"tables": {"t": {"columns": {"b": {"generated": "virtual"}}}}})],
    "expression_refused": [(T, "", {"tables": {"t": {"columns": {"v": {"default": "nothing()"}}}}})],
    "broken_check": [("CREATE TABLE t (a INTEGER CHECK (a > 0)); PRAGMA ignore_check_constraints = on; INSERT INTO t VALUES (1), (-1)", "", {})],
    "duplicate_key": [("CREATE TABLE t (a TEXT UNIQUE); INSERT INTO t VALUES ('a'), ('A')", "", {"tables": {"t": {"columns": {"a": {"using": "lower(a)"}}}}}),
                      ("CREATE TABLE t (a TEXT COLLATE NOCASE UNIQUE); INSERT INTO t VALUES ('Löwe'), ('LÖWE')", "", {}),
                      *((f"CREATE TABLE t (id INTEGER PRIMARY KEY, a UUID); CREATE UNIQUE INDEX i ON t (a); INSERT INTO t VALUES {TWICE}", schema, plan)
                        for schema, plan in [("", {}), ("CREATE TABLE t (id bigint PRIMARY KEY, a uuid UNIQUE)", KEEP)]),
                      (f"CREATE TABLE t (a UUID PRIMARY KEY, id INTEGER); INSERT INTO t (id, a) VALUES {TWICE.replace(', (3, NULL)', '')}", "", {})],
    "no_primary_key": [("CREATE TABLE t (a TEXT)", "", {})],
    "key_too_long": [(f"CREATE TABLE t (id INTEGER PRIMARY KEY, a TEXT, {key}); {index} INSERT INTO t VALUES (1, hex(randomblob(4000)), '2'), (2, 'x', '3')", schema, plan)
                     for key, index, schema, plan in [
                         ("b BLOB UNIQUE, UNIQUE (a)", "", "", {}), ("b TEXT, UNIQUE (a, b)", "", "", {}), ("b TEXT", "CREATE INDEX i ON t (a);", "", {}),
                         ("b TEXT", "CREATE UNIQUE INDEX i ON t (lower(a)) WHERE b > '';", "", {}), ("b TEXT", "CREATE INDEX i ON t (b, upper(a));", "", {}),
                         ("b TEXT", "", "CREATE TABLE t (id bigint, a text UNIQUE, b text)", KEEP)]],
    "collation": [("CREATE TABLE t (a TEXT COLLATE NOCASE); INSERT INTO t VALUES ('a')", "", plan) for plan in ({}, {"nocase": "lower"}, {"nocase": "none"})],
    "orphans": [(PARENT + CHILD, "", {}), (PARENT + CHILD, "", {"orphans": "reject"}),
                (PARENT + CHILD.replace("p INTEGER", "p INTEGER NOT NULL"), "", {"orphans": "null"}),
                (PARENT + CHILD, "CREATE TABLE p (id bigint PRIMARY KEY); CREATE TABLE c (id bigint, p bigint REFERENCES p)", {}),
                (PARENT + CHILD, "CREATE TABLE p (id bigint PRIMARY KEY); CREATE TABLE c (id bigint, p bigint NOT NULL REFERENCES p)", {}),
                (PARENT + CHILD, "CREATE TABLE p (id bigint PRIMARY KEY); CREATE TABLE c (id bigint, p bigint NOT NULL REFERENCES p)", {"orphans": "null"})],
    "existing_orphans": [(PARENT + CHILD.replace(", (2, 7)", ""), """CREATE TABLE p (id bigint PRIMARY KEY); CREATE TABLE c (id bigint, p bigint);
                          INSERT INTO c VALUES (5, 5); ALTER TABLE c ADD FOREIGN KEY (p) REFERENCES p NOT VALID""", KEEP)],
    "sequence": [("CREATE TABLE t (id INTEGER PRIMARY KEY AUTOINCREMENT); INSERT INTO t VALUES (1)", "", {"tables": {"t": {"columns": {"id": {"default": "7"}}}}})],
}


def damaged(t):
    """A table whose second leaf page is zeros."""
    path = t.file("damaged.db", "CREATE TABLE t (id INTEGER PRIMARY KEY, v TEXT);"
                  "WITH RECURSIVE g (n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM g WHERE n < 2000) INSERT INTO t SELECT n, 'text ' || n FROM g")
    with open(path, "r+b") as file:
        file.seek(3 * 4096)
        file.write(bytes(4096))
    return path, {}


def wal_missing(t):
    return t.file("wal.db", "PRAGMA journal_mode = wal; " + T), {}


def hard_links(t):
    path = wal_missing(t)[0]
    (t.dir / "other.db").hardlink_to(path)
    return path, {}


def copied(t):
    path = t.dir / "copied.db"
    db = sqlite3.connect(path, isolation_level=None)
    db.executescript("PRAGMA journal_mode = wal; " + T)
    for suffix in ("", "-wal", "-shm"):
        t.own(t.dir / f"copied.db{suffix}")
    t.application = db
    return path, {"wal": "copy"}


def with_function(t, script):
    """A file whose schema calls a function of its application."""
    path = t.dir / "function.db"
    db = sqlite3.connect(path, isolation_level=None)
    db.create_function("own", 1, lambda value: value, deterministic=True)
    db.executescript(script)
    db.close()
    return t.own(path), {}


def unreadable(t):
    """A view whose definition is no SQL."""
    path = t.file("unreadable.db", T)
    db = sqlite3.connect(path, isolation_level=None)
    db.executescript("PRAGMA writable_schema = on; INSERT INTO sqlite_master VALUES ('view', 'w', 'w', 0, 'CREATE VIEW w AS SELEC 1')")
    db.close()
    return t.own(path), {}


def left_out(t):
    return with_function(t, T + "CREATE INDEX i ON t (own(v))")


# Made by the state of the file.
FILES = {"unreadable": unreadable, "left_out": left_out, "damaged": damaged, "wal_missing": wal_missing, "hard_links": hard_links, "copied": copied}

# Only a run makes them, another encoding, or more than a small file: each has scenarios of its own.
ELSEWHERE = {
    "denied": "export/test_export_files.py",
    "step_failed": "importing/test_policies.py",
    "skipped_rows": "existing/test_skip.py",
    "untranslatable": "importing/test_encodings.py",
    "unchecked": "files/test_damage.py",
}

# What a server must have to make one.
NEEDS = {"duplicate_key": "citext"}
