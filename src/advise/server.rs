//! The server's settings and counters, for callers who may see them.

use super::catalog::Found;
use super::machine;
use crate::pg::{compat, spi};
use pg_sqlite_migrate_core::advise::facts::{Server, Setting};

/// `None` for a role that may not read all settings, and could not change them either.
pub fn read(run: i64, found: &Found) -> Option<Server> {
    if !spi::value::<bool>("SELECT pg_has_role(current_user, 'pg_read_all_settings', 'USAGE')", &[])? {
        return None;
    }
    let settings = spi::rows("SELECT name, setting, unit, context FROM pg_settings", &[], |row| {
        let setting = Setting {
            value: row.get::<Option<String>>("setting").unwrap_or_default(),
            unit: row.get("unit"),
            context: row.get("context"),
        };
        (row.get::<String>("name"), setting)
    });
    let counted = spi::row(COUNTED, &[run.into()], |row| Server {
        data: row.get("data"),
        temporary: (row.get("temp_files"), row.get("temp_bytes")),
        replication_slots: row.get("slots"),
        statements_available: row.get("available"),
        statements_created: row.get("created"),
        rows: row.get("rows"),
        ..Server::default()
    })?;
    let checkpoints = |row: &spi::Row<'_>| (row.get("timed"), row.get("requested"));
    let (checkpoints_timed, checkpoints_requested) = spi::row(compat::CHECKPOINTS, &[], checkpoints)?;
    let directory = settings.iter().find(|(name, _)| name == "data_directory");
    Some(Server {
        memory: machine::memory(),
        rotational: directory.and_then(|(_, directory)| machine::rotational(&directory.value)),
        largest_index: largest_index(found),
        checkpoints_timed,
        checkpoints_requested,
        settings: settings.into_iter().collect(),
        ..counted
    })
}

/// A database that the caller may not connect to cannot be measured.
const COUNTED: &str = "
    SELECT (SELECT coalesce(sum(pg_database_size(d.oid)), 0)::bigint FROM pg_database d
            WHERE has_database_privilege(d.oid, 'CONNECT')) AS data,
           s.temp_files, s.temp_bytes,
           (SELECT count(*) FROM pg_replication_slots) AS slots,
           EXISTS (SELECT FROM pg_available_extensions WHERE name = 'pg_stat_statements') AS available,
           EXISTS (SELECT FROM pg_extension WHERE extname = 'pg_stat_statements') AS created,
           (SELECT coalesce(sum(imported + updated), 0)::bigint FROM sqlite_migrate.run_table WHERE run = $1) AS rows
    FROM pg_stat_database s WHERE s.datname = current_database()";

fn largest_index(found: &Found) -> Option<(String, u64)> {
    const LARGEST: &str = "
        SELECT n.nspname || '.' || x.relname AS name, pg_relation_size(x.oid) AS bytes
        FROM pg_index i JOIN pg_class x ON x.oid = i.indexrelid JOIN pg_namespace n ON n.oid = x.relnamespace
        WHERE i.indrelid = ANY ($1) AND x.relkind = 'i' ORDER BY x.relpages DESC, x.oid LIMIT 1";
    let of = |row: &spi::Row<'_>| Some((row.get("name"), row.get::<Option<u64>>("bytes")?));
    spi::row(LARGEST, &[found.oids.as_slice().into()], of).flatten()
}
