//! Orphans: rows of a load without a parent, found by the foreign key's own operators before it sees them, or before it is
//! created. Only rows of this load are touched.
//!
//! A run makes its checks after each load, as far as the parents are complete ([`OrphanChecks`]). A staged load makes those
//! of its rows on the staging table, before the INSERT under the table's own keys ([`resolve_staged`]).

mod cascade;
mod checks;
mod groups;
mod null;
mod query;
mod record;
mod reject;

pub use checks::{OrphanChecks, Work};
pub use null::Told;
pub use query::OrphanQuery;

use self::checks::{child, parent};
use super::log::Rejects;
use crate::error::Error;
use pg_sqlite_migrate_core::plan::{OrphanSpec, Orphans};

/// Rows that were removed from a child table.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Removed {
    pub schema: String,
    pub table: String,
    pub rows: u64,
}

impl OrphanChecks<'_> {
    /// About the rows that the load of the table has written. Their parents stay where they are from here on.
    fn query<'s>(&self, spec: &'s OrphanSpec) -> OrphanQuery<'s> {
        query::hold_parents(spec);
        OrphanQuery::of_table(spec, self.loaded_rows(child(spec)))
    }

    /// Moves rows without a parent into the run log.
    pub fn reject(&self, specs: &[&OrphanSpec], rejects: Rejects) -> Result<Vec<Removed>, Error> {
        let queries: Vec<OrphanQuery<'_>> = specs.iter().map(|spec| self.query(spec)).collect();
        let removed = reject::reject(&queries, rejects);
        // What has come through an INSERT has found its parent, which may be gone by now.
        let poorer: Vec<_> = removed.iter().map(|r| (r.schema.as_str(), r.table.as_str())).collect();
        self.enforced_by(&poorer).try_for_each(|spec| self.query(spec).refuse())?;
        Ok(removed)
    }

    /// An error if there is a row without a parent.
    pub fn refuse(&self, spec: &OrphanSpec) -> Result<(), Error> {
        self.query(spec).refuse()
    }

    /// Sets keys without a parent to NULL; what is to be known of it. The specs are of one table, whose user triggers
    /// are disabled.
    pub fn nullify(&mut self, specs: &[&OrphanSpec]) -> Told {
        let queries: Vec<OrphanQuery<'_>> = specs.iter().map(|spec| self.query(spec)).collect();
        let (Some(nulled), Some(first)) = (null::nullify(&queries), specs.first()) else {
            return Told::default();
        };
        self.rewritten(child(first), nulled.by);
        null::told(&queries, &nulled)
    }
}

/// What became of orphans on a staging table.
#[derive(Debug, Clone, Default)]
pub struct Staged {
    pub rejected: u64,
    pub nulled: Told,
}

/// Rejects rows on a staging table that have no parent, and sets keys to NULL, as the policies say. Rows whose parents are
/// still to come stay as they are, and with `orphans: "error"` the table's own keys raise the error. Where a spec comes with
/// a relation, that holds the keys of its parents in the file: nothing else says which rows are meant.
pub fn resolve_staged<'s>(
    specs: &[(&'s OrphanSpec, Option<&str>)],
    stage: &str,
    checks: &OrphanChecks<'_>,
    rejects: Rejects,
) -> Result<Staged, Error> {
    let queries = |policy| -> Vec<OrphanQuery<'s>> {
        let of_policy = specs.iter().filter(|(spec, _)| spec.policy == policy);
        let query = |(spec, keys): &(&'s OrphanSpec, Option<&str>)| match keys {
            Some(keys) => Some(OrphanQuery::of_file(spec, stage, keys)),
            None if checks.parents_to_come(spec) => None,
            None => Some(OrphanQuery::of_stage(spec, stage)),
        };
        of_policy.filter_map(query).collect()
    };
    let removed = reject::reject(&queries(Orphans::Reject), rejects);
    let queries = queries(Orphans::Null);
    let nulled = null::nullify(&queries).map(|nulled| null::told(&queries, &nulled)).unwrap_or_default();
    let by_file = specs.iter().filter(|(spec, _)| spec.policy == Orphans::Error);
    let by_file = by_file.filter_map(|(spec, keys)| Some(OrphanQuery::of_file(spec, stage, (*keys)?)));
    by_file.into_iter().try_for_each(|query| query.refuse())?;
    Ok(Staged { rejected: removed.iter().map(|removed| removed.rows).sum(), nulled })
}

/// The table's own rows may be parents.
fn points_to_itself(spec: &OrphanSpec) -> bool {
    child(spec) == parent(spec)
}
