-- fixture: shapes
-- What a person sees when a call is refused.
\set file :dir '/shapes.db'
SET client_min_messages = warning;

SELECT * FROM sqlite_import('shapes.db', '{}'); -- ERROR
SELECT * FROM sqlite_import('/nowhere/at/all.db', '{}'); -- ERROR
SELECT * FROM sqlite_import('/', '{}'); -- ERROR
SELECT * FROM sqlite_import(:'file', '{"shema": "x"}'); -- ERROR
SELECT * FROM sqlite_import(:'file', '{"tables": {"henn": {}}}'); -- ERROR
SELECT * FROM sqlite_import(:'file', '{"tables": {"hen": {"columns": {"egg": {"typ": "text"}}}}}'); -- ERROR
SELECT * FROM sqlite_import(:'file', '{"names": "SnakeCase"}'); -- ERROR
SELECT * FROM sqlite_import(:'file', '{"loader": "blocks"}'); -- ERROR
SELECT * FROM sqlite_import(:'file', '[]'); -- ERROR
SELECT * FROM verify_counts(); -- ERROR
SELECT * FROM verify_counts(run => 99); -- ERROR
SET ROLE pg_monitor;
SELECT * FROM sqlite_check(:'file'); -- ERROR
RESET ROLE;
