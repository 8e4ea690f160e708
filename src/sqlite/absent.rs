//! What SQLite says is there, and has no memory to show.
//!
//! A text of a UTF-16 file is converted, and a zeroblob made, when it is asked for. Where that fails SQLite gives a null
//! pointer, and rusqlite asserts that it does not.

use std::any::Any;
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind, set_hook, take_hook};
use std::sync::Once;

use rusqlite::ffi;

/// Runs what looks at values; where one is absent, the error that SQLite itself would give.
#[inline]
pub(super) fn looking<T>(look: impl FnOnce() -> T) -> rusqlite::Result<T> {
    catch_unwind(AssertUnwindSafe(look)).map_err(|panic| {
        if !is_absence(&*panic) {
            resume_unwind(panic);
        }
        rusqlite::Error::SqliteFailure(ffi::Error::new(ffi::SQLITE_NOMEM), None)
    })
}

/// rusqlite's assertion goes into no log: it is answered.
pub(super) fn expect() {
    static HOOK: Once = Once::new();
    HOOK.call_once(|| {
        let others = take_hook();
        set_hook(Box::new(move |panic| {
            if !is_absence(panic.payload()) {
                others(panic);
            }
        }));
    });
}

fn is_absence(panic: &(dyn Any + Send)) -> bool {
    panic.downcast_ref::<&str>().is_some_and(|message| message.ends_with("column type with NULL data"))
}
