//! Whether rows of a relation may be written frozen, as COPY FREEZE decides it.
//!
//! Everybody sees a frozen row, whatever its snapshot, from the moment in which its table is seen. And nothing takes one
//! back but the end of the table's file: so the file has to be one that the current subtransaction has made.

use pgrx::pg_sys;

use super::relation::Opened;

/// The conditions of `CopyFrom` in commands/copyfrom.c, in its order; the reason if one is not met.
///
/// Of older snapshots one is tolerated, as COPY does: here it is that of the query that calls the import.
pub fn check(relation: pg_sys::Oid) -> Result<(), &'static str> {
    // SAFETY: these look at this backend's own lists. The catalog snapshot is taken anew when it is needed.
    let quiet = unsafe {
        pg_sys::InvalidateCatalogSnapshot();
        pg_sys::ThereAreNoPriorRegisteredSnapshots() && pg_sys::ThereAreNoReadyPortals()
    };
    match () {
        () if !quiet => Err("the transaction has open cursors or uses older snapshots"),
        () if !Opened::new(relation, pg_sys::RowExclusiveLock as i32).is_of_this_subtransaction() => {
            Err("it was not created or truncated in the current subtransaction")
        }
        () => Ok(()),
    }
}
