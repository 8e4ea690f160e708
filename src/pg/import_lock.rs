//! One import at a time into each schema, also into one that is not there yet: two that make the same tables would
//! otherwise meet in the catalog's own indexes.
//!
//! The lock is one that no SQL function takes, so that nobody can keep others out by it alone.

use pgrx::{PgLogLevel, pg_sys};

use super::{interrupts, spi};

/// Of `pg_locks.objsubid`: tells these locks from those of schemas themselves, which have 0. "SQ".
const IMPORT: u16 = 0x5351;
const DEFAULT_LOCKMETHOD: u8 = 1;

/// Waits until no other transaction imports into these schemas, and keeps others waiting until this one ends. Whoever
/// is waited for is named; the wait can be cancelled, and ends by `lock_timeout` and by deadlock detection.
pub fn take(schemas: &[String]) {
    let mut schemas: Vec<&str> = schemas.iter().map(String::as_str).collect();
    // One order for all.
    schemas.sort_unstable();
    schemas.dedup();
    for schema in schemas {
        let tag = tag(schema);
        if !acquire(&tag, false) {
            let message = format!("waiting for {} to end its import into schema \"{schema}\"", holder(&tag));
            interrupts::tell(PgLogLevel::NOTICE, &message);
            acquire(&tag, true);
        }
    }
}

fn tag(schema: &str) -> pg_sys::LOCKTAG {
    pg_sys::LOCKTAG {
        // SAFETY: reads a variable that is set once, when the session begins.
        locktag_field1: unsafe { pg_sys::MyDatabaseId }.to_u32(),
        locktag_field2: pg_sys::NamespaceRelationId.to_u32(),
        locktag_field3: hash(schema),
        locktag_field4: IMPORT,
        locktag_type: pg_sys::LockTagType::LOCKTAG_OBJECT as u8,
        locktag_lockmethodid: DEFAULT_LOCKMETHOD,
    }
}

/// FNV-1a: a schema that is still to be made has no oid. Two names with one hash wait for each other.
fn hash(name: &str) -> u32 {
    name.bytes().fold(0x811c_9dc5, |hash, byte| (hash ^ u32::from(byte)).wrapping_mul(0x0100_0193))
}

/// `false` where somebody else has the lock and `wait` is not set.
fn acquire(tag: &pg_sys::LOCKTAG, wait: bool) -> bool {
    let mode = pg_sys::ExclusiveLock as i32;
    // SAFETY: a complete tag; the lock is the transaction's.
    let result = unsafe { pg_sys::LockAcquire(tag, mode, false, !wait) };
    result != pg_sys::LockAcquireResult::LOCKACQUIRE_NOT_AVAIL
}

fn holder(tag: &pg_sys::LOCKTAG) -> String {
    const HOLDER: &str = "SELECT pid FROM pg_locks WHERE locktype = 'object' AND database = $1
        AND classid = $2 AND objid = $3 AND objsubid = $4 AND granted AND pid IS NOT NULL";
    let [database, class, object] =
        [tag.locktag_field1, tag.locktag_field2, tag.locktag_field3].map(|oid| pg_sys::Oid::from(oid).into());
    let pid: Option<i32> =
        spi::value(HOLDER, &[database, class, object, i32::from(tag.locktag_field4).into()]);
    pid.map_or_else(|| "a prepared transaction".into(), |pid| format!("session {pid}"))
}
