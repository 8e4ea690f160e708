//! A direct load: into the heap. Indexes and constraints stay in place, and the indexes are rebuilt afterwards.

use pgrx::PgSqlErrorCode;

use super::transfer::{self, Target};
use super::{Loaded, Place};
use crate::error::Error;
use crate::pg::{indexes, xact};
use crate::sqlite::Source;
use pg_sqlite_migrate_core::plan::LoadSpec;
use pg_sqlite_migrate_core::sqltext::qualified;

/// Loads the rows; for an existing table, rebuilds its indexes, which checks its keys.
///
/// Its checks, defaults and indexes may call the user's functions: they see the caller's search path.
pub fn load(
    source: &mut Source,
    spec: &LoadSpec,
    target: &Target,
    place: Place<'_>,
) -> Result<Loaded, Error> {
    let mut loaded = transfer::run(source, spec, target, place)?;
    loaded.notes.extend(loaded.written.take());
    if spec.existing.is_none() || loaded.imported == 0 {
        return Ok(loaded);
    }
    let rebuilt = xact::attempt(|| -> Result<usize, ()> { Ok(indexes::rebuild(target.relation)) });
    let Err(caught) = rebuilt else { return Ok(loaded) };
    let broken = [PgSqlErrorCode::ERRCODE_UNIQUE_VIOLATION, PgSqlErrorCode::ERRCODE_EXCLUSION_VIOLATION];
    if !broken.iter().any(|code| caught.sqlstate == *code) {
        return Err(caught.into());
    }
    let (source_table, table) = (spec.source.clone(), qualified(&spec.schema, &spec.target));
    Err(Error::Conflict { source_table, table, caught: Box::new(caught), rows: None, hint: None })
}
