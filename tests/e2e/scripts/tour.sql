-- fixture: app
-- The calls of the README's tour, on the demo database.
\set file :dir '/app.db'
SET client_min_messages = warning;

-- Sound: no rows.
SELECT * FROM sqlite_check(:'file');
SELECT * FROM sqlite_check(:'file', full => true);

-- What is in there.
SELECT * FROM sqlite_inspect(:'file') WHERE "table" = 'users';

-- What would hurt.
SELECT * FROM sqlite_findings(:'file', '{}');

-- What would run.
SELECT phase, count(*) FROM sqlite_ddl(:'file', '{}') GROUP BY phase ORDER BY min(ordinal);
SELECT sql FROM sqlite_ddl(:'file', '{"include": ["workspace_users"]}') ORDER BY ordinal;

-- A dry run is a transaction.
BEGIN;
SELECT count(*), sum(imported) FROM sqlite_import(:'file', '{"names": "snake_case"}');
ROLLBACK;

SELECT schema, "table", source_rows, imported, rejected, status, detail FROM sqlite_import(:'file', '{}');
SELECT * FROM verify_counts() WHERE NOT ok;
SELECT * FROM reset_sequences() WHERE "table" LIKE 'workspace%';
\d users

-- Again: the tables are there now.
SELECT * FROM sqlite_import(:'file', '{}'); -- ERROR
