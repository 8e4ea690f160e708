//! What Citus requires of a session that works with its tables, and how its errors are read. Only functions and
//! catalogs in `pg_catalog` are used, where no ordinary role can plant one.

use pgrx::{PgSqlErrorCode, pg_sys};

use super::settings::LocalSettings;
use super::xact::{self, Caught};
use super::{relation, spi};

/// Tables of every kind are listed: distributed and reference tables, and local ones that Citus manages.
const LISTED: &str =
    "SELECT 'x' FROM pg_catalog.pg_dist_partition WHERE logicalrelid OPERATOR(pg_catalog.=) $1";

const TELLS_NODES: &str = "
    SELECT 'x' FROM pg_catalog.pg_proc
    WHERE pronamespace = 'pg_catalog'::pg_catalog.regnamespace AND proname = 'citus_is_coordinator' AND pronargs = 0";

/// The SQLSTATEs of errors from shards. Citus turns these into internal errors and keeps only the message, by which
/// they are recognised. Messages in another language are not.
const WORDS: [(&str, PgSqlErrorCode); 4] = [
    ("violates unique constraint", PgSqlErrorCode::ERRCODE_UNIQUE_VIOLATION),
    ("violates foreign key constraint", PgSqlErrorCode::ERRCODE_FOREIGN_KEY_VIOLATION),
    ("violates check constraint", PgSqlErrorCode::ERRCODE_CHECK_VIOLATION),
    ("violates not-null constraint", PgSqlErrorCode::ERRCODE_NOT_NULL_VIOLATION),
];

/// Whether the database has Citus.
pub fn is_installed() -> bool {
    relation::find("pg_catalog", "pg_dist_partition").and_then(relation::kind) == Some('r')
}

/// Whether Citus stores the rows of the relation.
pub fn holds(relation: pg_sys::Oid) -> bool {
    is_installed() && spi::any(LISTED, &[relation.into()])
}

/// Whether this node is the coordinator. If the version of Citus has no function for that, `true`: the load will fail
/// elsewhere.
pub fn is_coordinator() -> bool {
    !spi::any(TELLS_NODES, &[])
        || spi::value("SELECT pg_catalog.citus_is_coordinator()", &[]) != Some(Some(false))
}

/// Until the block ends, Citus runs one statement after the other: a table that was read in parallel cannot be written
/// in the same transaction. It must be set before the first query on any table of Citus.
pub fn one_by_one() -> Option<LocalSettings> {
    is_installed().then(|| LocalSettings::of("citus.multi_shard_modify_mode", "sequential"))
}

/// Until the block ends, Citus treats sequences as PostgreSQL's own; otherwise it refuses to set them.
pub fn sequences_apart() -> Option<LocalSettings> {
    is_installed().then(|| LocalSettings::of("citus.enable_ddl_propagation", "off"))
}

/// Runs `f`, which writes into a table of Citus, in a subtransaction. Citus copies rows to the shards, and reports
/// every error from there as an internal error.
pub fn attempt<T, E>(f: impl FnOnce() -> Result<T, E>) -> Result<Result<T, E>, Caught> {
    xact::attempt_all(f).map_err(named)
}

/// An error from a shard as the table itself would have raised it.
fn named(caught: Caught) -> Caught {
    let known = WORDS.iter().find(|(words, _)| caught.message.contains(words));
    match known {
        Some((_, sqlstate)) if caught.sqlstate == PgSqlErrorCode::ERRCODE_INTERNAL_ERROR => {
            Caught { sqlstate: (*sqlstate).into(), ..caught }
        }
        _ => caught,
    }
}

#[cfg(test)]
mod tests {
    use super::super::report::SqlState;
    use super::*;

    #[test]
    fn errors_of_shards_are_known_by_their_words() {
        let here = Box::new(crate::pg::report::Place::here());
        let state = |sqlstate, message: &str| {
            named(Caught {
                sqlstate: SqlState::from(sqlstate),
                message: message.into(),
                detail: None,
                hint: None,
                place: here.clone(),
            })
            .sqlstate
        };
        let (internal, unique) =
            (PgSqlErrorCode::ERRCODE_INTERNAL_ERROR, PgSqlErrorCode::ERRCODE_UNIQUE_VIOLATION);
        assert_eq!(state(internal, "duplicate key value violates unique constraint \"uq_102544\""), unique);
        assert_eq!(state(internal, "connection to the remote node failed"), internal);
        let other = PgSqlErrorCode::ERRCODE_RAISE_EXCEPTION;
        assert_eq!(state(other, "violates unique constraint"), other);
    }
}
