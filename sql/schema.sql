-- The run log: every run, its tables, what was noticed and every row that was not loaded.
-- A role sees the runs that it made; superusers see all.

CREATE SCHEMA sqlite_migrate;
GRANT USAGE ON SCHEMA sqlite_migrate TO PUBLIC;

CREATE TABLE sqlite_migrate.run (
    id          bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    role        name NOT NULL DEFAULT current_user,
    started_at  timestamptz NOT NULL DEFAULT clock_timestamp(),
    finished_at timestamptz,
    path        text NOT NULL,
    plan        jsonb NOT NULL,
    -- What the file said about itself: page size and count, encoding, user_version, application_id.
    source      jsonb NOT NULL,
    extension_version text NOT NULL,
    status      text NOT NULL DEFAULT 'running' CHECK (status IN ('running', 'done'))
);
COMMENT ON TABLE sqlite_migrate.run IS 'one row per import; id is what verify_counts(run => id) takes';

CREATE TABLE sqlite_migrate.run_table (
    run           bigint NOT NULL REFERENCES sqlite_migrate.run ON DELETE CASCADE,
    role          name NOT NULL DEFAULT current_user,
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
    PRIMARY KEY (run, ordinal)
);
COMMENT ON COLUMN sqlite_migrate.run_table.imported IS 'rows that the table has gained';
COMMENT ON COLUMN sqlite_migrate.run_table.countable IS 'false for a view, and for a table whose rules lead rows elsewhere';
COMMENT ON COLUMN sqlite_migrate.run_table.seconds IS 'everything done for the table: creation, load, keys and indexes';

CREATE TABLE sqlite_migrate.reject (
    id           bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    run          bigint NOT NULL REFERENCES sqlite_migrate.run ON DELETE CASCADE,
    role         name NOT NULL DEFAULT current_user,
    source_table text NOT NULL,
    rowid        bigint,
    -- Names the row where there is no rowid.
    row_key      text,
    source_column text,
    -- By source column; BLOBs as {"blob": "x'...'"}. A row rejected as an orphan is kept as it was converted.
    "values"     jsonb NOT NULL,
    error        text NOT NULL
);
CREATE INDEX ON sqlite_migrate.reject (run, source_table);

CREATE TABLE sqlite_migrate.finding (
    run      bigint NOT NULL REFERENCES sqlite_migrate.run ON DELETE CASCADE,
    role     name NOT NULL DEFAULT current_user,
    ordinal  integer NOT NULL,
    severity text NOT NULL,
    object   text NOT NULL,
    message  text NOT NULL,
    hint     text NOT NULL,
    PRIMARY KEY (run, ordinal)
);

-- The loads that are running now, in every database session: pg_stat_progress_copy with what belongs to a run.
CREATE VIEW sqlite_migrate.progress AS
SELECT p.pid,
       d.datname,
       p.param12 AS run,
       p.relid,
       -- NULL until the run is committed: another session cannot see the table before.
       (SELECT c.oid::regclass::text FROM pg_class c WHERE c.oid = p.relid AND d.datname = current_database())
           AS relation,
       p.param13 AS table_number,
       p.param14 AS tables,
       p.param1  AS bytes_processed,
       p.param3  AS tuples_processed,
       p.param4  AS tuples_excluded,
       NULLIF(p.param15, 0) AS tuples_total,
       round(100::numeric * (p.param3 + p.param4)::numeric / NULLIF(p.param15, 0)::numeric, 1) AS percent,
       CASE WHEN p.param3 > 0 AND p.param15 > 0 THEN
           (greatest(p.param15 - p.param3 - p.param4, 0)::double precision / p.param3::double precision)
           * (clock_timestamp() - (timestamptz '2000-01-01 00:00:00+00'
                                   + p.param16::double precision * interval '1 microsecond'))
       END AS eta
FROM pg_stat_get_progress_info('COPY') AS p
LEFT JOIN pg_database d ON d.oid = p.datid
-- "SQLite" in ASCII: our loads among COPY's.
WHERE p.param11 = 91608639435877;

GRANT SELECT, INSERT, UPDATE, DELETE ON sqlite_migrate.run TO PUBLIC;
GRANT SELECT, INSERT ON sqlite_migrate.run_table, sqlite_migrate.reject, sqlite_migrate.finding TO PUBLIC;
GRANT SELECT ON sqlite_migrate.progress TO PUBLIC;

ALTER TABLE sqlite_migrate.run ENABLE ROW LEVEL SECURITY;
ALTER TABLE sqlite_migrate.run_table ENABLE ROW LEVEL SECURITY;
ALTER TABLE sqlite_migrate.reject ENABLE ROW LEVEL SECURITY;
ALTER TABLE sqlite_migrate.finding ENABLE ROW LEVEL SECURITY;
CREATE POLICY own ON sqlite_migrate.run USING (role = current_user);
CREATE POLICY own ON sqlite_migrate.run_table USING (role = current_user);
CREATE POLICY own ON sqlite_migrate.reject USING (role = current_user);
CREATE POLICY own ON sqlite_migrate.finding USING (role = current_user);

SELECT pg_extension_config_dump('sqlite_migrate.run', '');
SELECT pg_extension_config_dump('sqlite_migrate.run_table', '');
SELECT pg_extension_config_dump('sqlite_migrate.reject', '');
SELECT pg_extension_config_dump('sqlite_migrate.finding', '');
SELECT pg_extension_config_dump('sqlite_migrate.run_id_seq', '');
SELECT pg_extension_config_dump('sqlite_migrate.reject_id_seq', '');
