-- fixture: app
-- The calls of docs/foreign_tables.md, on the demo database.
\set file :dir '/app.db'
SET client_min_messages = warning;
SET timezone = 'UTC';

CREATE SERVER app FOREIGN DATA WRAPPER pg_sqlite_fdw OPTIONS (database :'file');
CREATE SCHEMA app;
IMPORT FOREIGN SCHEMA main LIMIT TO (users, workspaces, workspace_users) FROM SERVER app INTO app;
\d app.users

SELECT id, suspended, "createdAt" FROM app.users ORDER BY id LIMIT 3;

-- What SQLite computes.
EXPLAIN (COSTS off) SELECT id FROM app.users WHERE suspended = 1 ORDER BY id LIMIT 3;
EXPLAIN (COSTS off) SELECT count(*), max(id) FROM app.users;
EXPLAIN (COSTS off) SELECT u.id, w.workspace_id FROM app.users u JOIN app.workspace_users w ON w.user_id = u.id;
-- What it does not.
EXPLAIN (VERBOSE, COSTS off) SELECT id FROM app.users WHERE md5(username) = 'x' AND id > 3;
SET pg_sqlite_migrate.pushdown = off;
EXPLAIN (COSTS off) SELECT count(*), max(id) FROM app.users;
RESET pg_sqlite_migrate.pushdown;

SELECT u.id, count(w.id) FROM app.users u LEFT JOIN app.workspace_users w ON w.user_id = u.id GROUP BY u.id ORDER BY 2 DESC, 1 LIMIT 3;

-- Read-only until it is said otherwise.
DELETE FROM app.workspace_users; -- ERROR
ALTER SERVER app OPTIONS (ADD updatable 'true');
BEGIN;
DELETE FROM app.workspace_users WHERE user_id < 3;
SELECT count(*) > 0 FROM app.workspace_users;
ROLLBACK;
INSERT INTO app.workspaces (id, name, slug, "openAiHistory", "createdAt", "lastUpdatedAt")
    VALUES (9000, 'ours', 'ours', 1, '2024-01-01 00:00+00', '2024-01-01 00:00+00') RETURNING id, name;
UPDATE app.workspaces SET name = 'yours' WHERE id = 9000 RETURNING name;
DELETE FROM app.workspaces WHERE id = 9000;

-- Refused.
ALTER SERVER app OPTIONS (ADD updateable 'true'); -- ERROR
ALTER FOREIGN TABLE app.users OPTIONS (ADD tabel 'x'); -- ERROR
CREATE FOREIGN TABLE nowhere (a text) SERVER app;
SELECT * FROM nowhere; -- ERROR
CREATE FOREIGN TABLE misfit (id bigint, username integer) SERVER app OPTIONS (table 'users');
SELECT username FROM misfit; -- ERROR

SELECT server_name FROM pg_sqlite_fdw_get_connections();
SELECT pg_sqlite_fdw_disconnect('app');
SELECT pg_sqlite_fdw_disconnect_all();
SELECT pg_sqlite_fdw_version() > 0;
