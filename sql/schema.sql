-- The run log: every run, its tables and steps, what was noticed and every row that was not loaded.
--
-- The tables log_* are written by the import itself, as their owner, and by nobody else: what stands there can be believed,
-- and no role can take numbers in advance. The views over them show a role the runs that it made; superusers and members
-- of pg_read_all_data see all. Whoever may dump the database may read the tables, so that pg_dump keeps them.

CREATE SCHEMA sqlite_migrate;

CREATE TABLE sqlite_migrate.log_run (
    id          bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    -- The name is for people and survives a dump. A role that has taken the name since has another oid.
    role        name NOT NULL,
    role_oid    oid NOT NULL,
    started_at  timestamptz NOT NULL DEFAULT clock_timestamp(),
    finished_at timestamptz,
    path        text NOT NULL,
    plan        jsonb NOT NULL,
    -- What the file said about itself: page size and count, encoding, user_version, application_id.
    source      jsonb NOT NULL,
    extension_version text NOT NULL,
    status      text NOT NULL DEFAULT 'running' CHECK (status IN ('running', 'done', 'rolled back')),
    rolled_back_at timestamptz,
    -- Where oids and transaction ids of the run mean what they meant: the cluster's identifier and the database's oid.
    place       text,
    -- The ids of the run's transactions, which its rows bear as xmin, and the last of them with its epoch.
    transactions     int8multirange,
    last_transaction xid8
);

CREATE TABLE sqlite_migrate.log_run_table (
    run           bigint NOT NULL REFERENCES sqlite_migrate.log_run ON DELETE CASCADE,
    ordinal       integer NOT NULL,
    source_table  text NOT NULL,
    target_schema text NOT NULL,
    target_table  text NOT NULL,
    rows_before   bigint NOT NULL,
    source_rows   bigint,
    imported      bigint NOT NULL,
    updated       bigint NOT NULL,
    skipped       bigint NOT NULL,
    rejected      bigint NOT NULL,
    countable     boolean NOT NULL,
    seconds       double precision NOT NULL,
    load_seconds  double precision NOT NULL,
    status        text NOT NULL CHECK (status IN ('loaded', 'skipped', 'failed')),
    detail        text,
    -- How many values became others than in the file: by target column, and by kind as verify_values names it.
    became        jsonb NOT NULL DEFAULT '{}',
    -- The table that was there before and was loaded; NULL for one that the run made.
    existing      oid,
    -- Why sqlite_rollback cannot take the load back.
    irreversible  text,
    PRIMARY KEY (run, ordinal)
);

-- What a run made that was not there before and is no part of something else that it made, in its order.
CREATE TABLE sqlite_migrate.log_object (
    run      bigint NOT NULL REFERENCES sqlite_migrate.log_run ON DELETE CASCADE,
    ordinal  integer NOT NULL,
    -- As pg_identify_object says it.
    kind     text NOT NULL,
    identity text NOT NULL,
    catalog  text NOT NULL,
    object   oid NOT NULL,
    PRIMARY KEY (run, ordinal)
);

-- The sequences of existing tables that a run moved, before and after.
CREATE TABLE sqlite_migrate.log_sequence (
    run           bigint NOT NULL REFERENCES sqlite_migrate.log_run ON DELETE CASCADE,
    identity      text NOT NULL,
    object        oid NOT NULL,
    last_value    bigint NOT NULL,
    is_called     boolean NOT NULL,
    run_value     bigint NOT NULL,
    run_is_called boolean NOT NULL,
    PRIMARY KEY (run, object)
);

-- What rows of existing tables were before a run changed them, if its plan said "undo".
CREATE TABLE sqlite_migrate.log_former (
    run           bigint NOT NULL REFERENCES sqlite_migrate.log_run ON DELETE CASCADE,
    target_schema text NOT NULL,
    target_table  text NOT NULL,
    -- Names and types of the columns, and the row as its type prints it.
    columns       text NOT NULL,
    key_columns   text[] NOT NULL,
    former        text NOT NULL
);
CREATE INDEX ON sqlite_migrate.log_former (run, target_schema, target_table);

-- What a run did, in its order, statement by statement.
CREATE TABLE sqlite_migrate.log_run_step (
    run          bigint NOT NULL REFERENCES sqlite_migrate.log_run ON DELETE CASCADE,
    ordinal      integer NOT NULL,
    phase        text NOT NULL,
    source_table text,
    title        text NOT NULL,
    statement    text,
    started_at   timestamptz NOT NULL,
    seconds      double precision NOT NULL,
    rows         bigint,
    -- Why it failed, in a run that went on.
    error        text,
    PRIMARY KEY (run, ordinal)
);

CREATE TABLE sqlite_migrate.log_reject (
    id           bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    run          bigint NOT NULL REFERENCES sqlite_migrate.log_run ON DELETE CASCADE,
    source_table text NOT NULL,
    rowid        bigint,
    -- Names the row where there is no rowid.
    row_key      text,
    source_column text,
    -- By source column; BLOBs as {"blob": "x'...'"}. A row rejected as an orphan is kept as it was converted,
    -- and what JSON cannot hold as {"number": "NaN"}, {"json": "its text"} or {"bytes": 20000000, "beginning": "..."}.
    "values"     jsonb NOT NULL,
    error        text NOT NULL
);
CREATE INDEX ON sqlite_migrate.log_reject (run, source_table);

CREATE TABLE sqlite_migrate.log_finding (
    run      bigint NOT NULL REFERENCES sqlite_migrate.log_run ON DELETE CASCADE,
    ordinal  integer NOT NULL,
    severity text NOT NULL,
    object   text NOT NULL,
    message  text NOT NULL,
    hint     text NOT NULL,
    -- The merge patch of the plan that resolves it, for sqlite_plan_merge.
    fix      jsonb,
    kind     text NOT NULL,
    PRIMARY KEY (run, ordinal)
);

-- What verification found last of each object: a table's rows, a column's values, a constraint, a sequence.
CREATE TABLE sqlite_migrate.log_verification (
    id            bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    run           bigint NOT NULL REFERENCES sqlite_migrate.log_run ON DELETE CASCADE,
    verified_at   timestamptz NOT NULL DEFAULT clock_timestamp(),
    kind          text NOT NULL CHECK (kind IN ('counts', 'values', 'constraints', 'sequences')),
    target_schema text NOT NULL,
    target_table  text NOT NULL,
    -- Column, constraint or sequence; NULL for the table itself.
    object        text,
    ok            boolean NOT NULL,
    verdict       text NOT NULL,
    detail        text,
    -- What was counted, as the columns of the function that counted it.
    counts        jsonb NOT NULL
);
CREATE INDEX ON sqlite_migrate.log_verification (run, kind, target_schema, target_table);

-- The rows that the last verification of values has found, to be looked at again.
CREATE TABLE sqlite_migrate.log_difference (
    run           bigint NOT NULL REFERENCES sqlite_migrate.log_run ON DELETE CASCADE,
    target_schema text NOT NULL,
    target_table  text NOT NULL,
    -- The bytes by which both sides sort the row; NULL for rows whose keys were not kept.
    key           text,
    rows          bigint NOT NULL
);
CREATE INDEX ON sqlite_migrate.log_difference (run, target_schema, target_table);

-- current_user is the role that asks, not the view's owner.
CREATE VIEW sqlite_migrate.run WITH (security_barrier) AS
SELECT id, role, role_oid, own, started_at, finished_at, path, plan, source, extension_version, status, rolled_back_at, place,
       transactions, last_transaction
FROM sqlite_migrate.log_run,
     LATERAL (SELECT role = current_user
                     AND role_oid = (SELECT oid FROM pg_catalog.pg_roles WHERE rolname = current_user)) AS o (own)
WHERE own OR pg_catalog.pg_has_role(current_user, 'pg_read_all_data', 'USAGE');

CREATE VIEW sqlite_migrate.run_table WITH (security_barrier) AS
SELECT run, ordinal, source_table, target_schema, target_table, rows_before, source_rows, imported, updated, skipped,
       rejected, countable, seconds, load_seconds, status, detail, became, existing, irreversible
FROM sqlite_migrate.log_run_table WHERE run IN (SELECT id FROM sqlite_migrate.run);

CREATE VIEW sqlite_migrate.run_step WITH (security_barrier) AS
SELECT run, ordinal, phase, source_table, title, statement, started_at, seconds, rows, error
FROM sqlite_migrate.log_run_step WHERE run IN (SELECT id FROM sqlite_migrate.run);

CREATE VIEW sqlite_migrate.run_phase WITH (security_barrier) AS
SELECT run, phase, count(*) AS steps, min(started_at) AS started_at, sum(seconds) AS seconds, sum(rows)::bigint AS rows
FROM sqlite_migrate.run_step GROUP BY run, phase;

CREATE VIEW sqlite_migrate.reject WITH (security_barrier) AS
SELECT id, run, source_table, rowid, row_key, source_column, "values", error
FROM sqlite_migrate.log_reject WHERE run IN (SELECT id FROM sqlite_migrate.run);

CREATE VIEW sqlite_migrate.finding WITH (security_barrier) AS
SELECT run, ordinal, severity, object, message, hint, fix, kind
FROM sqlite_migrate.log_finding WHERE run IN (SELECT id FROM sqlite_migrate.run);

CREATE VIEW sqlite_migrate.verification WITH (security_barrier) AS
SELECT run, verified_at, kind, target_schema, target_table, object, ok, verdict, detail, counts
FROM sqlite_migrate.log_verification WHERE run IN (SELECT id FROM sqlite_migrate.run);

CREATE VIEW sqlite_migrate.difference WITH (security_barrier) AS
SELECT run, target_schema, target_table, key, rows
FROM sqlite_migrate.log_difference WHERE run IN (SELECT id FROM sqlite_migrate.run);

CREATE VIEW sqlite_migrate.object WITH (security_barrier) AS
SELECT run, ordinal, kind, identity, catalog, object
FROM sqlite_migrate.log_object WHERE run IN (SELECT id FROM sqlite_migrate.run);

CREATE VIEW sqlite_migrate.sequence WITH (security_barrier) AS
SELECT run, identity, object, last_value, is_called, run_value, run_is_called
FROM sqlite_migrate.log_sequence WHERE run IN (SELECT id FROM sqlite_migrate.run);

CREATE VIEW sqlite_migrate.former WITH (security_barrier) AS
SELECT run, target_schema, target_table, columns, key_columns, former
FROM sqlite_migrate.log_former WHERE run IN (SELECT id FROM sqlite_migrate.run);

COMMENT ON VIEW sqlite_migrate.run IS 'one row per import; id is what verify_counts(run => id) takes';
COMMENT ON COLUMN sqlite_migrate.run.own IS 'the current role made the run';
COMMENT ON COLUMN sqlite_migrate.run_table.imported IS 'rows that the table has gained';
COMMENT ON COLUMN sqlite_migrate.run_table.countable IS 'false for a view, and for a table whose rules lead rows elsewhere';
COMMENT ON COLUMN sqlite_migrate.run_table.seconds IS 'everything done for the table: creation, load, keys and indexes';

COMMENT ON COLUMN sqlite_migrate.run_step.rows IS 'rows that a load wrote, that a search for orphans rejected, or that a statement of before or after processed';
COMMENT ON VIEW sqlite_migrate.run_phase IS 'where the time of a run went';

-- Sums over runs, without a name or a value: members of pg_read_all_stats see those of all roles.
CREATE VIEW sqlite_migrate.run_statistics WITH (security_barrier) AS
SELECT count(*) AS runs,
       max(r.finished_at) AS last_finished_at,
       COALESCE(sum(extract(epoch FROM r.finished_at - r.started_at)), 0)::double precision AS seconds,
       COALESCE(sum(t.loaded), 0)::bigint AS tables_loaded,
       COALESCE(sum(t.failed), 0)::bigint AS tables_failed,
       COALESCE(sum(t.written), 0)::bigint AS rows_written,
       COALESCE(sum(t.rejected), 0)::bigint AS rows_rejected,
       COALESCE(sum(v.failed), 0)::bigint AS verifications_failed
FROM sqlite_migrate.log_run AS r,
     LATERAL (SELECT count(*) FILTER (WHERE status = 'loaded'), count(*) FILTER (WHERE status = 'failed'),
                     sum(imported + updated), sum(rejected)
              FROM sqlite_migrate.log_run_table WHERE run = r.id) AS t (loaded, failed, written, rejected),
     LATERAL (SELECT count(*) FROM sqlite_migrate.log_verification WHERE run = r.id AND NOT ok) AS v (failed)
WHERE r.status = 'done'
  AND (r.id IN (SELECT id FROM sqlite_migrate.run) OR pg_catalog.pg_has_role(current_user, 'pg_read_all_stats', 'USAGE'));

-- The imports, comparisons and exports that are running now, in every database: what each is doing, as the comment before its statement in
-- pg_stat_activity shows it to the session's own role and to members of pg_read_all_stats; and of rows, pg_stat_progress_copy.
CREATE VIEW sqlite_migrate.progress AS
SELECT a.pid,
       a.datname,
       COALESCE(NULLIF(p.param12, 0), n.note[2]::bigint) AS run,
       COALESCE(n.note[3], CASE p.param17 WHEN 0 THEN 'load' WHEN 1 THEN 'verify' ELSE 'export' END) AS phase,
       n.note[5]::bigint AS step,
       n.note[6]::bigint AS steps,
       COALESCE(n.note[7], CASE p.param17 WHEN 1 THEN 'compare values' WHEN 2 THEN 'write rows' WHEN 3 THEN 'create indexes'
                                          WHEN 4 THEN 'check the file' END) AS title,
       NULLIF(p.relid, 0) AS relid,
       -- NULL until the run is committed: another session cannot see the table before.
       (SELECT c.oid::regclass::text FROM pg_class c WHERE c.oid = p.relid AND a.datname = current_database())
           AS relation,
       NULLIF(p.param13, 0) AS table_number,
       NULLIF(p.param14, 0) AS tables,
       p.param1  AS bytes_processed,
       p.param3  AS tuples_processed,
       p.param4  AS tuples_excluded,
       NULLIF(p.param15, 0) AS tuples_total,
       round(100::numeric * (p.param3 + p.param4)::numeric / NULLIF(p.param15, 0)::numeric, 1) AS percent,
       round(p.param3::numeric / NULLIF(extract(epoch FROM s.elapsed)::numeric, 0)) AS tuples_per_second,
       COALESCE(i.blocks_done, z.sample_blks_scanned) AS blocks_done,
       COALESCE(NULLIF(i.blocks_total, 0), z.sample_blks_total) AS blocks_total,
       a.query_start,
       CASE WHEN p.param3 > 0 AND p.param15 > 0 THEN
           (greatest(p.param15 - p.param3 - p.param4, 0)::double precision / p.param3::double precision) * s.elapsed
       END AS eta
FROM pg_stat_activity AS a
-- "SQLite" in ASCII: our commands among COPY's.
LEFT JOIN pg_stat_get_progress_info('COPY') AS p ON p.pid = a.pid AND p.param11 = 91608639435877
LEFT JOIN LATERAL (SELECT clock_timestamp() - (timestamptz '2000-01-01 00:00:00+00'
                                               + p.param16::double precision * interval '1 microsecond')) AS s (elapsed)
    ON true
-- Anybody can write such a comment; only an import holds the import lock ("SQ").
LEFT JOIN LATERAL (
    SELECT regexp_match(a.query, '^/[*] sqlite_import( run ([0-9]{1,18}))? phase ([a-z_]+)( step ([0-9]{1,18})/([0-9]{1,18}))?: (([^*]|[*](?!/))*) [*]/')
    WHERE a.state = 'active' AND a.query LIKE '/* sqlite#_import%' ESCAPE '#'
      AND EXISTS (SELECT FROM pg_locks l
                  WHERE l.pid = a.pid AND l.locktype = 'object' AND l.classid = 'pg_namespace'::regclass
                    AND l.objsubid = 21329 AND l.granted)) AS n (note) ON true
LEFT JOIN pg_stat_progress_create_index AS i ON i.pid = a.pid
LEFT JOIN pg_stat_progress_analyze AS z ON z.pid = a.pid
WHERE p.pid IS NOT NULL OR n.note IS NOT NULL;

COMMENT ON COLUMN sqlite_migrate.progress.title IS 'the step; names tables before they are committed';
COMMENT ON COLUMN sqlite_migrate.progress.blocks_done IS 'of an index build, or of ANALYZE';

-- What an administrator gives by default on all that is made (ALTER DEFAULT PRIVILEGES) is not meant for this.
DO $$
DECLARE
    given record;
BEGIN
    FOR given IN
        SELECT 'TABLE ' || c.oid::regclass AS object, a.grantee
        FROM pg_class c CROSS JOIN LATERAL aclexplode(c.relacl) AS a
        WHERE c.relnamespace = 'sqlite_migrate'::regnamespace AND c.relkind IN ('r', 'v', 'S') AND a.grantee <> c.relowner
        UNION
        SELECT 'SCHEMA ' || n.oid::regnamespace, a.grantee
        FROM pg_namespace n CROSS JOIN LATERAL aclexplode(n.nspacl) AS a
        WHERE n.oid = 'sqlite_migrate'::regnamespace AND a.grantee <> n.nspowner
    LOOP
        EXECUTE format('REVOKE ALL ON %s FROM %s CASCADE', given.object,
                       CASE given.grantee WHEN 0 THEN 'PUBLIC' ELSE given.grantee::regrole::text END);
    END LOOP;
END $$;

GRANT USAGE ON SCHEMA sqlite_migrate TO PUBLIC;
GRANT SELECT ON sqlite_migrate.run, sqlite_migrate.run_table, sqlite_migrate.run_step, sqlite_migrate.run_phase,
                sqlite_migrate.reject, sqlite_migrate.finding, sqlite_migrate.verification, sqlite_migrate.difference, sqlite_migrate.run_statistics,
                sqlite_migrate.object, sqlite_migrate.sequence, sqlite_migrate.former, sqlite_migrate.progress TO PUBLIC;
GRANT SELECT ON sqlite_migrate.log_run, sqlite_migrate.log_run_table, sqlite_migrate.log_run_step,
                sqlite_migrate.log_reject, sqlite_migrate.log_finding, sqlite_migrate.log_verification, sqlite_migrate.log_difference,
                sqlite_migrate.log_object, sqlite_migrate.log_sequence, sqlite_migrate.log_former, sqlite_migrate.log_run_id_seq, sqlite_migrate.log_reject_id_seq, sqlite_migrate.log_verification_id_seq
    TO pg_database_owner;

SELECT pg_extension_config_dump('sqlite_migrate.log_run', '');
SELECT pg_extension_config_dump('sqlite_migrate.log_run_table', '');
SELECT pg_extension_config_dump('sqlite_migrate.log_run_step', '');
SELECT pg_extension_config_dump('sqlite_migrate.log_reject', '');
SELECT pg_extension_config_dump('sqlite_migrate.log_finding', '');
SELECT pg_extension_config_dump('sqlite_migrate.log_verification', '');
SELECT pg_extension_config_dump('sqlite_migrate.log_difference', '');
SELECT pg_extension_config_dump('sqlite_migrate.log_object', '');
SELECT pg_extension_config_dump('sqlite_migrate.log_sequence', '');
SELECT pg_extension_config_dump('sqlite_migrate.log_former', '');
SELECT pg_extension_config_dump('sqlite_migrate.log_run_id_seq', '');
SELECT pg_extension_config_dump('sqlite_migrate.log_reject_id_seq', '');
SELECT pg_extension_config_dump('sqlite_migrate.log_verification_id_seq', '');
