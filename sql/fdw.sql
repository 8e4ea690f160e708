-- The foreign data wrapper. Nobody but its owner may make servers of it before USAGE is granted, and even then a
-- server's file is named only by members of pg_read_server_files.
CREATE FOREIGN DATA WRAPPER pg_sqlite_fdw
    HANDLER pg_sqlite_fdw_handler
    VALIDATOR pg_sqlite_fdw_validator;
