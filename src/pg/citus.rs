//! What Citus wants of a session that works with its tables, and how it answers. Of it only functions and catalogues in
//! `pg_catalog` are believed, where no ordinary role can have planted them.

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

/// What the shards' errors were, before they became internal ones: by their words, as Citus keeps nothing else. Workers
/// that speak another language are not understood.
const WORDS: [(&str, PgSqlErrorCode); 4] = [
    ("violates unique constraint", PgSqlErrorCode::ERRCODE_UNIQUE_VIOLATION),
    ("violates foreign key constraint", PgSqlErrorCode::ERRCODE_FOREIGN_KEY_VIOLATION),
    ("violates check constraint", PgSqlErrorCode::ERRCODE_CHECK_VIOLATION),
    ("violates not-null constraint", PgSqlErrorCode::ERRCODE_NOT_NULL_VIOLATION),
];

/// The database has Citus.
pub fn is_installed() -> bool {
    relation::find("pg_catalog", "pg_dist_partition").and_then(relation::kind) == Some('r')
}

/// Citus keeps the rows of the relation.
pub fn holds(relation: pg_sys::Oid) -> bool {
    is_installed() && spi::any(LISTED, &[relation.into()])
}

/// This node is the one that rows and definitions are given to. Versions that cannot tell are asked by the attempt.
pub fn is_coordinator() -> bool {
    !spi::any(TELLS_NODES, &[])
        || spi::value("SELECT pg_catalog.citus_is_coordinator()", &[]) != Some(Some(false))
}

/// Until the block ends, Citus runs one statement after the other: a table that was read in parallel cannot be written
/// in the same transaction. It has to hold before the first query on any table of Citus.
pub fn one_by_one() -> Option<LocalSettings> {
    is_installed().then(|| LocalSettings::of("citus.multi_shard_modify_mode", "sequential"))
}

/// Until the block ends, Citus takes sequences for PostgreSQL's own: it refuses to move them otherwise.
pub fn sequences_apart() -> Option<LocalSettings> {
    is_installed().then(|| LocalSettings::of("citus.enable_ddl_propagation", "off"))
}

/// Runs what writes into a table of Citus, in a subtransaction. Citus copies rows to the shards, and every error that
/// comes from there is an internal one.
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
