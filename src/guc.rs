//! The settings of this extension.

use std::ffi::CString;
use std::time::Duration;

use pgrx::{GucContext, GucFlags, GucRegistry, GucSetting};

use crate::pg::encoding;

static ALLOWED_DIRECTORIES: GucSetting<Option<CString>> = GucSetting::<Option<CString>>::new(None);
static BUSY_TIMEOUT: GucSetting<i32> = GucSetting::<i32>::new(5000);
static PUSHDOWN: GucSetting<bool> = GucSetting::<bool>::new(true);
static DIRECT_LOAD: GucSetting<bool> = GucSetting::<bool>::new(true);

pub fn register() {
    GucRegistry::define_string_guc(
        c"pg_sqlite_migrate.allowed_directories",
        c"Directories that SQLite files may be read from, separated by colons.",
        c"Empty means any directory that the server can read.",
        &ALLOWED_DIRECTORIES,
        GucContext::Suset,
        GucFlags::default(),
    );
    GucRegistry::define_int_guc(
        c"pg_sqlite_migrate.busy_timeout",
        c"How long to wait for a locked SQLite file.",
        c"0 does not wait.",
        &BUSY_TIMEOUT,
        0,
        i32::MAX,
        GucContext::Userset,
        GucFlags::UNIT_MS,
    );
    GucRegistry::define_bool_guc(
        c"pg_sqlite_migrate.pushdown",
        c"Lets SQLite compute conditions, sorts, limits, aggregates and joins of foreign tables.",
        c"Off, PostgreSQL computes all of it; results are the same.",
        &PUSHDOWN,
        GucContext::Userset,
        GucFlags::default(),
    );
    GucRegistry::define_bool_guc(
        c"pg_sqlite_migrate.direct_load",
        c"Lets an import append whole pages to the files of new tables.",
        c"Off, it inserts rows as COPY does; tables are the same.",
        &DIRECT_LOAD,
        GucContext::Userset,
        GucFlags::default(),
    );
}

/// The directories that files must lie under; empty when any will do.
pub fn allowed_directories() -> Vec<String> {
    let setting = ALLOWED_DIRECTORIES.get().unwrap_or_default();
    encoding::of_setting(&setting).split(':').filter(|d| !d.is_empty()).map(str::to_string).collect()
}

pub fn busy_timeout() -> Duration {
    Duration::from_millis(BUSY_TIMEOUT.get().max(0) as u64)
}

/// Whether pages may be appended to new tables.
pub fn direct_load() -> bool {
    DIRECT_LOAD.get()
}

/// What of a query may be computed inside SQLite: all that is proven equal, or nothing.
pub fn pushdown() -> bool {
    PUSHDOWN.get()
}
