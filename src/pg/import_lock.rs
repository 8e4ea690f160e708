//! The import lock: one import at a time into each schema, also into one that does not exist yet. Without it, two
//! imports that create the same tables would collide in the catalog's unique indexes.
//!
//! No SQL function takes this lock, so that a role that cannot import cannot make others wait.

use pgrx::{PgLogLevel, pg_sys};

use super::{interrupts, spi};

/// The lock's `pg_locks.objsubid`, "SQ". It distinguishes these locks from those of schemas themselves, which have 0.
const IMPORT: u16 = 0x5351;
const DEFAULT_LOCKMETHOD: u8 = 1;

/// Waits until no other transaction imports into these schemas, and makes others wait until this one ends. A NOTICE
/// names the session that holds the lock. The wait can be cancelled; `lock_timeout` and deadlock detection end it.
pub fn take(schemas: &[String]) {
    let mut schemas: Vec<&str> = schemas.iter().map(String::as_str).collect();
    // All imports lock in the same order.
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

/// FNV-1a of the name, since a schema that does not exist yet has no oid. Imports into schemas with the same hash wait
/// for each other.
fn hash(name: &str) -> u32 {
    name.bytes().fold(0x811c_9dc5, |hash, byte| (hash ^ u32::from(byte)).wrapping_mul(0x0100_0193))
}

/// `false` if another session has the lock and `wait` is false.
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
